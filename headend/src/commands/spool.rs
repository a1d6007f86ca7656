//! `headend spool`: what meters pushed to concentrators, each push once and with the time at which
//! it came there.
//!
//! Readers ask the concentrators, a task each, and with `--live` concentrators connect and pass on
//! what they get. One task takes all of it: the ledger says what is new, the gate opens it, the
//! lines are written, and only then is a row acknowledged.

mod live;
mod reader;

use std::{
    io::{self, Stdout, Write},
    path::Path,
    sync::Arc,
};

use dlms_core::cosem::concentrator::Announcement;
use dlms_tokio::ledger::{Ledger, Verdict};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    task::JoinSet,
};

use self::reader::{Reader, Task};
use super::{decode::aids, failed, is_for_people, prepare_reading, usage};
use crate::{
    cli::{self, Format},
    diagnosis::Diagnosis,
    exit::{Exit, Tally},
    listen::Gate,
    render::{self, Printer, Record},
    report,
    spool::{KeptPush, SpoolLine, refused},
    spool_file::{Known, SpoolFile, SpoolFileError},
};

/// What may wait to be taken; then those who bring it wait.
const WAITING_MAX: usize = 1_024;
/// What is written and synced in one go.
const TOGETHER_MAX: usize = 1_024;

/// What readers and concentrators tell.
enum Heard {
    /// A concentrator was asked how its spool stands.
    Round {
        concentrator: Vec<u8>,
        epoch: u32,
        next: u64,
        /// Whether it is the first time over this association.
        is_first: bool,
        reply: oneshot::Sender<Task>,
    },
    /// Rows of a spool, in order. The reply says that they are stored.
    Rows { pushes: Vec<KeptPush>, reply: oneshot::Sender<()> },
    /// A push that was passed on.
    Live(KeptPush),
    /// A concentrator says that it is there.
    Announced(Announcement),
}

pub(super) async fn run(typed: cli::Spool) -> io::Result<Exit> {
    let format = typed.output.format;
    if typed.to.is_some() && !matches!(format, Format::Jsonl | Format::Csv) {
        return Ok(usage(&"--to adds to a file line by line: add -o jsonl or -o csv"));
    }
    let keys = typed.push_keys.clone().or_else(|| typed.association.keys.clone());
    let patterns = typed.patterns.clone();
    let opened = aids(&cli::Aids { keys, patterns, ..cli::Aids::default() });
    let (keys, patterns) = match opened {
        Ok(aids) => aids,
        Err(error) => return Ok(usage(&error)),
    };
    let (heard, mut told) = mpsc::channel(WAITING_MAX);
    let news = Arc::new(Notify::new());
    let mut readers = JoinSet::new();
    let mut to_start = Vec::new();
    for address in typed.addresses {
        match prepare_reading(&cli::Meter { address }, &typed.association) {
            Err(error) => return Ok(usage(&error)),
            Ok((settings, context)) => to_start.push(Reader {
                settings,
                context,
                acknowledges: !typed.keep,
                every: typed.follow.then_some(typed.every.0),
                news: Arc::clone(&news),
                heard: heard.clone(),
            }),
        }
    }
    let (out, Known { ledger, received }) = match Out::open(typed.to.as_deref(), format) {
        Ok(opened) => opened,
        Err(error) => {
            report::note(&format!("error: {error}"));
            return Ok(Exit::Local);
        }
    };
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    // Polled once, it catches interrupts from here on.
    tokio::select! {
        biased;
        ended = &mut interrupted => return ended.map(|()| Exit::Success),
        () = core::future::ready(()) => {}
    }
    if let Some(address) = typed.live {
        match live::accept(address, heard).await {
            Ok(address) => report::note(&format!("listening on {address}")),
            Err(error) => {
                report::note(&format!("error: cannot listen: {error}"));
                return Ok(Exit::Local);
            }
        }
    }
    for reader in to_start {
        readers.spawn(reader.run());
    }
    let window = typed.counter_window;
    let mut gate = Gate::new(keys, patterns, typed.verified_only, window);
    if !typed.association.forget_received {
        received.into_iter().for_each(|(title, last)| gate.restore(title, last, window));
    }
    let mut taking = Taking { ledger, gate, out, news, tally: Tally::default(), new: 0, known: 0 };
    let mut ended = false;
    while !ended || !told.is_empty() {
        tokio::select! {
            done = &mut interrupted => {
                done?;
                break;
            }
            heard = told.recv(), if !told.is_closed() || !told.is_empty() => {
                let Some(heard) = heard else { break };
                if let Err(error) = taking.take_all(heard, &mut told) {
                    report::note(&format!("error: {error}; what was not written stays there"));
                    return Ok(Exit::Local);
                }
            }
            reader = readers.join_next(), if !ended => match reader {
                None => ended = true,
                Some(Ok(Ok(()))) => taking.tally.success(),
                Some(Ok(Err(diagnosis))) => taking.failed(&diagnosis),
                // A task that panicked is the program's fault, and has said so itself.
                Some(Err(_)) => taking.tally.failure(Exit::Local),
            },
        }
    }
    if is_for_people(format) {
        let Taking { new, known, .. } = &taking;
        report::note(&format!("{new} pushes, {known} that were known"));
    }
    taking.out.finish()?;
    Ok(taking.tally.exit())
}

/// Why something cannot be taken.
#[derive(Debug, thiserror::Error)]
enum TakeError {
    #[error(transparent)]
    File(#[from] SpoolFileError),
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    #[error("there are more concentrators than one file has room for: begin another one")]
    Full,
}

/// Who takes everything.
struct Taking {
    ledger: Ledger,
    gate: Gate,
    out: Out,
    news: Arc<Notify>,
    tally: Tally,
    new: u64,
    known: u64,
}

impl Taking {
    /// Takes what was heard and what waits behind it; all of it is stored before anybody is told.
    fn take_all(
        &mut self,
        first: Heard,
        told: &mut mpsc::Receiver<Heard>,
    ) -> Result<(), TakeError> {
        let mut stored = Vec::new();
        let mut changed = false;
        let more = core::iter::from_fn(|| told.try_recv().ok());
        for heard in core::iter::once(first).chain(more).take(TOGETHER_MAX) {
            match heard {
                Heard::Round { concentrator, epoch, next, is_first, reply } => {
                    // A reader that is gone needs no task.
                    let _ = reply.send(self.task(&concentrator, epoch, next, is_first));
                }
                Heard::Rows { pushes, reply } => {
                    for push in &pushes {
                        let verdict = self.ledger.handle_row(push.id(), push.digest());
                        self.push(push, verdict)?;
                    }
                    stored.push(reply);
                    changed = true;
                }
                Heard::Live(push) if push.row.sequence == 0 => {
                    self.push(&push, Verdict::New)?;
                    changed = true;
                }
                Heard::Live(push) => {
                    let verdict = self.ledger.handle_live(push.id(), push.digest());
                    if verdict == Verdict::Later {
                        // One before it is missing: the spool has it.
                        self.news.notify_waiters();
                    } else {
                        self.push(&push, verdict)?;
                    }
                    changed |= verdict == Verdict::New;
                }
                Heard::Announced(Announcement { name, spool_next, .. }) => {
                    if spool_next > self.ledger.all_up_to(&name).saturating_add(1) {
                        self.news.notify_waiters();
                    }
                }
            }
        }
        if changed {
            self.out.commit(&self.ledger, &self.gate)?;
        }
        for reply in stored {
            let _ = reply.send(());
        }
        Ok(())
    }

    fn task(&mut self, concentrator: &[u8], epoch: u32, next: u64, is_first: bool) -> Task {
        if !self.ledger.handle_next(concentrator, epoch, next) {
            return Task::Refuse;
        }
        match self.ledger.wanted(concentrator) {
            // What is there from before, whatever numbers it has.
            _ if is_first => Task::ReadFrom(0),
            Some(from) => Task::ReadFrom(from),
            None => Task::Rest,
        }
    }

    fn push(&mut self, push: &KeptPush, verdict: Verdict) -> Result<(), TakeError> {
        match verdict {
            Verdict::Known => {
                self.known += 1;
                return Ok(());
            }
            Verdict::Later => return Err(TakeError::Full),
            Verdict::New => self.new += 1,
        }
        let (lines, fault) = push.lines(&mut self.gate);
        match fault.as_ref().and_then(refused) {
            None => self.tally.success(),
            Some(exit) => self.tally.failure(exit),
        }
        lines.iter().try_for_each(|line| self.out.line(line))?;
        Ok(())
    }

    fn failed(&mut self, diagnosis: &Diagnosis) {
        self.tally.failure(failed(diagnosis));
    }
}

/// Where lines go.
enum Out {
    /// Widths are not known before the end, which may never come.
    Table(Stdout),
    Printer(Printer<Stdout>),
    File(SpoolFile, Format),
}

/// Widths of the columns of a table: time, number, device, title, verified, logical name, its name.
const WIDTHS: [usize; 7] = [23, 8, 16, 16, 8, 18, 32];

impl Out {
    /// Opens it; and what is known of the pushes that are there.
    fn open(file: Option<&Path>, format: Format) -> Result<(Self, Known), SpoolFileError> {
        match (file, format) {
            (Some(path), _) => {
                let (file, known) = SpoolFile::open(path)?;
                Ok((Self::File(file, format), known))
            }
            (None, Format::Table) => Ok((Self::Table(io::stdout()), Known::default())),
            (None, _) => {
                let printer = Printer::new(format, SpoolLine::header(), io::stdout());
                Ok((Self::Printer(printer), Known::default()))
            }
        }
    }

    fn line(&mut self, line: &SpoolLine) -> io::Result<()> {
        match self {
            Self::Printer(printer) => printer.record(line),
            Self::Table(out) => {
                let cells = line.table();
                for (cell, width) in cells.iter().zip(WIDTHS) {
                    write!(out, "{:<width$}  ", render::printable(cell))?;
                }
                let last = cells.last().map_or("", String::as_str);
                writeln!(out, "{}", render::printable(last))
            }
            Self::File(file, Format::Csv) => {
                if file.is_empty() {
                    render::write_csv(file.pending(), &SpoolLine::header().csv)?;
                }
                render::write_csv(file.pending(), &line.csv())
            }
            Self::File(file, _) => {
                serde_json::to_writer(&mut *file.pending(), line)?;
                file.pending().push(b'\n');
                Ok(())
            }
        }
    }

    /// Sees to it that whoever has the lines has them for good.
    fn commit(&mut self, ledger: &Ledger, gate: &Gate) -> Result<(), TakeError> {
        match self {
            // It flushes each line.
            Self::Printer(_) => Ok(()),
            Self::Table(out) => Ok(out.flush()?),
            Self::File(file, _) => Ok(file.commit(ledger, gate.received())?),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Printer(printer) => printer.finish(),
            Self::Table(_) | Self::File(..) => Ok(()),
        }
    }
}
