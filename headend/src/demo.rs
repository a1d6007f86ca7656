//! `headend demo`: fifty simulated meters, read over real sockets into a database.
//!
//! ```text
//! headend demo ──starts──► headend simulate-meters     (a process of its own, loopback only)
//!     │  ◄── where its meters listen ──┘
//!     ├── reads them, some at a time ──► readings.db
//!     └── table, chart, what to try next
//! ```

mod meters;
mod reading;
mod readings;

use core::time::Duration;
use std::{
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::{sync::Semaphore, task::JoinSet};

use self::{
    meters::{DemoMeter, Meters},
    reading::MeterReading,
    readings::ReadingsDb,
};
use crate::{
    cli,
    diagnosis::Diagnosis,
    exit::{Exit, Tally},
    plot::{self, Chart},
    report,
};

/// The name of this program.
const PROGRAM: &str = "headend";
/// Meters that are read at the same time.
const AT_ONCE: usize = 16;
/// Without a terminal, a line of progress after so many meters.
const LOG_EVERY: u64 = 10;
/// Lines of the table; the rest is in the database.
const TABLE_ROWS: usize = 10;
/// Failures that are shown in full; of more, the number is enough.
const DIAGNOSES_MAX: usize = 3;

/// Runs the demo.
///
/// # Errors
/// Standard output cannot be written.
pub(crate) async fn run(typed: cli::Demo) -> io::Result<Exit> {
    let folder = match data_folder(typed.data) {
        Ok(folder) => folder,
        Err(error) => {
            report::note(&format!("error: no folder for the readings: {error}"));
            return Ok(Exit::Local);
        }
    };
    let file = folder.join("readings.db");
    let mut readings = match ReadingsDb::open(&file) {
        Ok(readings) => readings,
        Err(error) => {
            report::note(&format!("error: {} cannot be opened: {error}", file.display()));
            return Ok(Exit::Local);
        }
    };
    let answer_delay_ms = typed.answer_delay_ms;
    let started = tokio::task::spawn_blocking(move || Meters::start(answer_delay_ms)).await?;
    let mut meters = match started {
        Ok(meters) => meters,
        Err(error) => {
            report::note(&format!("error: {error}"));
            return Ok(Exit::Local);
        }
    };
    let count = meters.all.len();
    report::note(&format!(
        "{count} simulated meters, half wrapper, half HDLC, in process {}",
        meters.id()
    ));

    let outcome = read_all(&meters, &folder, &file, &mut readings).await;
    show(&outcome)?;
    if let Some(status) = meters.ended() {
        report::note(&format!(
            "the simulated meters are gone: their process ended ({status}) before all were read"
        ));
    }
    next_commands(&outcome, &meters, &file, typed.serve)?;
    if let Ok((of, values)) = readings.counts() {
        let file = file.display();
        writeln!(io::stdout(), "{file} now holds {values} readings of {of} meters")?;
    }
    writeln!(io::stdout(), "{} of {count} meters read", outcome.read.len())?;
    let exit = outcome.tally.exit();
    if typed.serve && exit == Exit::Success {
        return serve(&mut meters).await;
    }
    Ok(exit)
}

/// The process with the meters, behind a verb of its own.
///
/// # Errors
/// A socket cannot be had.
pub(crate) async fn simulate_meters(typed: cli::SimulateMeters) -> io::Result<Exit> {
    meters::serve(typed.answer_delay_ms).await.map(|()| Exit::Success)
}

/// The folder that was named, or a fresh one.
fn data_folder(named: Option<PathBuf>) -> io::Result<PathBuf> {
    let folder = match named {
        Some(folder) => folder,
        None => {
            let mut tag = [0; 6];
            getrandom::fill(&mut tag).map_err(io::Error::other)?;
            std::env::temp_dir().join(format!("headend-demo-{}", crate::hex::text(&tag)))
        }
    };
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// What came of all meters.
#[derive(Debug, Default)]
struct Outcome {
    read: Vec<(DemoMeter, MeterReading)>,
    tally: Tally,
}

async fn read_all(
    meters: &Meters,
    folder: &Path,
    file: &Path,
    readings: &mut ReadingsDb,
) -> Outcome {
    let counter_file: Arc<str> = folder.join("counters.json").to_string_lossy().into();
    let progress = progress(meters.all.len());
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut under_way = JoinSet::new();
    for meter in meters.all.clone() {
        let (turns, counter_file) = (Arc::clone(&turns), Arc::clone(&counter_file));
        under_way.spawn(async move {
            let _turn = turns.acquire_owned().await;
            let result = reading::read(&meter, &counter_file).await;
            (meter, result)
        });
    }
    let mut outcome = Outcome::default();
    let mut failures: Vec<Box<Diagnosis>> = Vec::new();
    while let Some(finished) = under_way.join_next().await {
        progress.inc(1);
        if progress.is_hidden() && progress.position().is_multiple_of(LOG_EVERY) {
            report::note(&format!("{} of {} meters tried", progress.position(), meters.all.len()));
        }
        let Ok((meter, result)) = finished else {
            outcome.tally.failure(Exit::Local);
            continue;
        };
        match result {
            Ok(reading) => match readings.keep(&reading.name, &meter.address, &reading.readings) {
                Ok(()) => {
                    outcome.tally.success();
                    outcome.read.push((meter, reading));
                }
                Err(error) => {
                    report::note(&format!("error: {} cannot be written: {error}", file.display()));
                    outcome.tally.failure(Exit::Local);
                }
            },
            Err(diagnosis) => {
                outcome.tally.failure(diagnosis.exit);
                failures.push(diagnosis);
            }
        }
    }
    progress.finish_and_clear();
    failures.iter().take(DIAGNOSES_MAX).for_each(|failure| report::diagnosis(failure));
    if failures.len() > DIAGNOSES_MAX {
        report::note(&format!("and {} more of the kind", failures.len() - DIAGNOSES_MAX));
    }
    outcome.read.sort_by_key(|(meter, _)| meter.serial);
    outcome
}

/// A bar on a terminal, nothing elsewhere.
pub(crate) fn progress(meters: usize) -> ProgressBar {
    let target = if io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(meters as u64), target);
    if let Ok(style) = ProgressStyle::with_template("reading {bar:40} {pos}/{len} meters") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// The table and the chart.
fn show(outcome: &Outcome) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let Some((_, first)) = outcome.read.first() else { return Ok(()) };
    let address_width =
        outcome.read.iter().map(|(meter, _)| meter.address.len()).max().unwrap_or_default();
    writeln!(
        out,
        "{:<16}  {:<address_width$}  {:<23}  {:>11}  {:>7}  {:>6}  CLOCK",
        "METER", "ADDRESS", "ACCESS", "IMPORTED", "VOLTAGE", "POWER"
    )?;
    // Every part of the list and every kind of access, not ten of the first.
    let step = outcome.read.len().div_ceil(TABLE_ROWS).max(1);
    let shown: Vec<_> =
        (0..TABLE_ROWS).filter_map(|line| outcome.read.get(line * step + line % step)).collect();
    for (meter, reading) in &shown {
        let [imported, voltage, power] = &reading.shown;
        writeln!(
            out,
            "{:<16}  {:<address_width$}  {:<23}  {imported:>11}  {voltage:>7}  {power:>6}  {}",
            reading.name,
            meter.address,
            meter.access().name,
            reading.clock
        )?;
    }
    writeln!(out, "({} of {} shown)\n", shown.len(), outcome.read.len())?;
    let [from, to] = &first.span;
    let chart = Chart {
        title: &format!("Imported by {} in each quarter of an hour", first.name),
        values: &first.used_wh,
        unit: "Wh",
        first: from,
        last: to,
    };
    writeln!(out, "{}", chart.draw(plot::width(std::env::var("COLUMNS").ok().as_deref())))
}

/// What a newcomer types next.
fn next_commands(outcome: &Outcome, meters: &Meters, file: &Path, serve: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let query = "SELECT meter, max(captured_at), value FROM reading \
                 WHERE logical_name = '1-0:1.8.0*255' GROUP BY meter LIMIT 5";
    let program = invoked_as(
        &std::env::args_os().next().unwrap_or_default().to_string_lossy(),
        std::env::var_os("PATH").unwrap_or_default(),
    );
    writeln!(out, "Try next:\n  sqlite3 {} \"{query}\"", file.display())?;
    writeln!(out, "      (sqlite3 is a program of its own: sqlite.org)")?;
    if !serve {
        writeln!(
            out,
            "  {program} demo --serve\n      keeps the meters up, to read them yourself\n"
        )?;
        return Ok(());
    }
    if outcome.read.is_empty() {
        return writeln!(out);
    }
    for framing in ["wrapper", "hdlc"] {
        let open = meters
            .all
            .iter()
            .find(|meter| meter.address.starts_with(framing) && meter.access().options.is_empty());
        if let Some(meter) = open {
            writeln!(out, "  {program} read {} 1-0:1.8.0 1-0:32.7.0", meter.address)?;
            writeln!(out, "  {program} profile {} 1-0:99.1.0 --plot", meter.address)?;
        }
    }
    writeln!(out)
}

/// How this program is called: by its name where the `path` of the shell finds it, or else as it
/// was called this time.
fn invoked_as(called: &str, path: impl AsRef<std::ffi::OsStr>) -> String {
    let found = |folder: PathBuf| folder.join(PROGRAM).is_file();
    if called.is_empty() || std::env::split_paths(&path).any(found) {
        PROGRAM.to_owned()
    } else {
        called.to_owned()
    }
}

/// Keeps the meters up until somebody interrupts. When they are gone before that, only a part was
/// done.
async fn serve(meters: &mut Meters) -> io::Result<Exit> {
    report::note("the meters stay up; Ctrl-C ends them");
    loop {
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => return interrupted.map(|()| Exit::Success),
            () = tokio::time::sleep(Duration::from_secs(1)) => {
                if let Some(status) = meters.ended() {
                    report::note(&format!("the simulated meters are gone: {status}"));
                    return Ok(Exit::Partial);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_to_try_name_the_program_as_it_is_found() {
        assert_eq!(invoked_as("target/release/headend", "/nowhere"), "target/release/headend");
        assert_eq!(invoked_as("", "/nowhere"), "headend");
        let folder = std::env::temp_dir().join(format!("headend-path-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(PROGRAM), "").unwrap();
        assert_eq!(invoked_as("target/release/headend", &folder), "headend");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
