//! The command line.

use std::{
    env,
    ffi::OsString,
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
use dlms_tokio::Address;
use indicatif::ProgressBar;

use crate::{
    Case, Counters, Declaration, Exit, Way, catalogue,
    declaration::EXAMPLE,
    glob,
    report::{Format, Printer, summary, write_file},
    runner,
};

/// The abstract test cases of DLMS/COSEM, against any meter over HDLC or TCP.
#[derive(Debug, Parser)]
#[command(name = "dlms-conformance", version)]
struct CommandLine {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the cases against a meter and say what came of each
    ///
    /// The declaration says what the meter is said to have: addresses, clients, keys, services.
    /// Invocation counters that were used are remembered beside it, in FILE.counter: keep that
    /// file for as long as the keys.
    ///
    /// Examples:
    ///   dlms-conformance run wrapper://192.0.2.7 --declaration meter.toml
    ///   dlms-conformance run hdlc://192.0.2.7:4065 --declaration meter.toml --case 'HDLC_*'
    #[command(verbatim_doc_comment)]
    Run(Run),
    /// List the cases
    Ls(List),
    /// Print a declaration to start from
    Declaration,
}

#[derive(Debug, Args)]
struct Run {
    /// Where the meter is reached: wrapper://HOST[:PORT], hdlc://HOST:PORT or
    /// hdlc+serial:///dev/ttyX?baud=N
    #[arg(value_name = "ADDRESS")]
    address: Address,
    /// What the meter declares about itself, in TOML: `dlms-conformance declaration` prints one
    #[arg(long, value_name = "FILE")]
    declaration: PathBuf,
    /// Run only the cases whose names match; may be given more than once
    #[arg(long = "case", value_name = "GLOB")]
    cases: Vec<String>,
    /// How to write what came of each case
    #[arg(short = 'o', long = "output", value_name = "FORMAT", default_value = "table")]
    output: Format,
    /// Write everything, with what went over the line, to this file as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct List {
    /// Only the cases whose names match; may be given more than once
    #[arg(long = "case", value_name = "GLOB")]
    cases: Vec<String>,
}

/// Does what the command line `args` says, the name of the program first, and tells how to end the
/// process.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let line = match CommandLine::try_parse_from(args) {
        Ok(line) => line,
        Err(error) => {
            // Help and version go to standard output and are no failure. If nobody listens there
            // is nobody to tell.
            let _ = error.print();
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Success };
            return exit.into();
        }
    };
    let done = match line.verb {
        Verb::Ls(list) => ls(&list),
        Verb::Declaration => {
            io::stdout().lock().write_all(EXAMPLE.as_bytes()).map(|()| Exit::Success)
        }
        Verb::Run(run) => {
            // Cases are run one after the other, so one thread is enough.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.and_then(|runtime| runtime.block_on(test(&run)))
        }
    };
    match done {
        Ok(exit) => exit.into(),
        // Whoever read the output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Success.into(),
        Err(error) => {
            note(&format!("error: {error}"));
            Exit::Local.into()
        }
    }
}

fn ls(list: &List) -> io::Result<Exit> {
    let Some(cases) = chosen(&list.cases) else { return Ok(Exit::Usage) };
    let mut out = io::stdout().lock();
    for case in cases {
        writeln!(out, "{:28}{:19}{}", case.name, case.group.name(), case.purpose)?;
    }
    Ok(Exit::Success)
}

async fn test(run: &Run) -> io::Result<Exit> {
    let declaration = match Declaration::read(&run.declaration) {
        Ok(declaration) => declaration,
        Err(error) => {
            note(&format!("error: {}: {error}", run.declaration.display()));
            return Ok(Exit::Usage);
        }
    };
    let Some(cases) = chosen(&run.cases) else { return Ok(Exit::Usage) };
    let way = Way::Address(run.address.clone());
    // Who has no keys leaves no file behind.
    let counters = match declaration.clients.iter().any(|it| it.encryption_key.is_some()) {
        true => Counters::beside(&run.declaration).map_err(io::Error::other)?,
        false => Counters::forgetful(1),
    };
    let progress = progress(cases.len());
    let mut printer = Printer::new(run.output, colours(), io::stdout());
    let mut reports = Vec::new();
    for case in cases {
        progress.set_message(case.name);
        let report = runner::run(case, &declaration, &way, &counters).await;
        progress.suspend(|| printer.report(&report))?;
        progress.inc(1);
        reports.push(report);
    }
    progress.finish_and_clear();
    printer.finish()?;
    let verdicts: Vec<_> = reports.iter().map(|report| report.verdict).collect();
    note(&format!("{}: {}", declaration.name, summary(&verdicts)));
    if let Some(path) = &run.report {
        write_file(path, &declaration, &run.address.to_string(), &reports).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        })?;
    }
    Ok(Exit::of(&verdicts))
}

/// The cases whose names match one of the patterns, all without patterns; none when a pattern
/// matches nothing, which was said.
fn chosen(patterns: &[String]) -> Option<Vec<&'static Case>> {
    for pattern in patterns {
        if !catalogue().any(|case| glob::matches(pattern, case.name)) {
            note(&format!("error: no case matches {pattern}: `dlms-conformance ls` lists them"));
            return None;
        }
    }
    let is_chosen = |case: &&Case| {
        patterns.is_empty() || patterns.iter().any(|pattern| glob::matches(pattern, case.name))
    };
    Some(catalogue().filter(is_chosen).collect())
}

/// A bar on a terminal; nothing elsewhere.
fn progress(cases: usize) -> ProgressBar {
    match io::stderr().is_terminal() {
        true => ProgressBar::new(cases as u64),
        false => ProgressBar::hidden(),
    }
}

/// Whether standard output is a terminal and nobody asked for plain text (no-color.org).
fn colours() -> bool {
    let plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !plain && io::stdout().is_terminal()
}

/// Shows a line on standard error. If that is closed it is nobody's loss.
fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
