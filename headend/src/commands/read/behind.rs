//! Reading behind concentrators: many meters at a time over one trunk, and over another when that
//! one is gone.
//!
//! A meter goes by its logical device name, which the list of the concentrator gives. What one of
//! them does is no matter of the others.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io::{self, Stdout},
};

use dlms_core::{acse::AssociationResult, association::Failure};
use dlms_tokio::{
    Address, Endpoint,
    client::{self},
    route::{MeterId, Via},
};
use indicatif::ProgressBar;
use serde::Serialize;
use tokio::task::JoinSet;

use super::{Read, read_together, together};
use crate::{
    associate::device_name,
    cli,
    commands::{failed, failed_empty, is_for_people, prepare_reading, printer, usage},
    concentrators::Concentrators,
    demo,
    diagnosis::{ASSOCIATE, Context, Diagnosis},
    error::Error,
    exit::{Exit, Tally},
    meter::Meter,
    object::Object,
    reading::Reading,
    render::{Align, Header, Printer, Record},
    report,
    settings::Settings,
};

/// Failures that are shown in full; of more, the rows and their number are enough.
const DIAGNOSES_MAX: usize = 8;

/// Where to read what.
pub(super) struct Asked {
    /// The concentrators, the one to prefer in front.
    pub(super) addresses: Vec<Address>,
    pub(super) objects: Vec<Object>,
    pub(super) access: bool,
}

pub(super) async fn run(
    asked: Asked,
    behind: cli::Behind,
    mut association: cli::Association,
    output: cli::Output,
) -> io::Result<Exit> {
    let endpoints = asked.addresses.iter().map(|address| match address {
        Address::Wrapper(endpoint) => Ok(endpoint.clone()),
        other => Err(format!("{other}: concentrators are reached over wrapper://HOST:PORT")),
    });
    let endpoints: Vec<Endpoint> = match endpoints.collect() {
        Ok(endpoints) => endpoints,
        Err(error) => return Ok(usage(&error)),
    };
    let Some(address) = asked.addresses.first().cloned() else {
        return Ok(usage(&"where is the concentrator? Write its ADDRESS, or --route ADDRESS"));
    };
    // What is remembered by address is of the concentrator, and not of the meters.
    association.no_learn = true;
    let (settings, context) = match prepare_reading(&cli::Meter { address }, &association) {
        Ok((settings, context)) if asked.access => (settings.with_access(), context),
        Ok(prepared) => prepared,
        Err(error) => return Ok(usage(&error)),
    };
    let patience = behind.inactivity_timeout.0;
    let mut concentrators = match Concentrators::new(settings, endpoints, patience) {
        Ok(concentrators) => concentrators,
        Err(error) => return Ok(usage(&error)),
    };
    let first = loop {
        match concentrators.open_next().await {
            Some(Ok(first)) => break first,
            Some(Err((address, error))) => {
                let context = Context { address: address.to_string(), ..context.clone() };
                let diagnosis = Diagnosis::error(&error, "get the SAP list", &context);
                if asked.addresses.last() == Some(&address) {
                    return failed_empty(&diagnosis, output);
                }
                failed(&diagnosis);
            }
            None => return failed_empty(&no_route(&context), output),
        }
    };

    let listed = concentrators.list(first).iter().filter(|item| item.sap > 1);
    let mut names: BTreeMap<u16, Vec<u8>> =
        listed.map(|item| (item.sap, item.logical_device_name.clone())).collect();
    let mut unlisted = Vec::new();
    if !behind.all_saps {
        let wanted: BTreeSet<u16> = behind.sap.iter().copied().collect();
        unlisted.extend(wanted.iter().filter(|sap| !names.contains_key(sap)).copied());
        names.retain(|sap, _| wanted.contains(sap));
    }
    let mut queue = VecDeque::new();
    let mut unnamed = Vec::new();
    for (sap, name) in names {
        match concentrators.meter(&name) {
            Some(meter) => queue.push_back(Target { meter, name, sap }),
            None => unnamed.push(sap),
        }
    }
    let lines = Lines {
        printer: printer(output, SapReading::header()),
        table: is_for_people(output.format).then(Vec::new),
        tally: Tally::default(),
        diagnoses: 0,
        progress: demo::progress(queue.len()),
    };
    let mut reading = Round {
        concentrators,
        together: together(&asked.objects, asked.access),
        objects: asked.objects,
        context,
        parallel: behind.parallel.into(),
        has_routes: asked.addresses.len() > 1,
        queue,
        waiting: Vec::new(),
        lines,
    };
    let unlisted = unlisted.into_iter().map(|sap| (sap, Error::SapUnlisted(sap)));
    // A name that is empty or far too long says of no meter which it is.
    let unnamed = unnamed.into_iter().map(|sap| (sap, Error::Shape("logical device name")));
    for (sap, error) in unlisted.chain(unnamed) {
        let diagnosis = Diagnosis::error(&error, "find the meter", &reading.context);
        reading.lines.all_failed(sap, &[], &reading.objects, &diagnosis)?;
    }
    reading.run().await?;
    reading.lines.finish()
}

fn no_route(context: &Context) -> Diagnosis {
    Diagnosis::error(&Error::NoRoute, ASSOCIATE, context)
}

/// A meter that is to be read.
#[derive(Clone)]
struct Target {
    meter: MeterId,
    name: Vec<u8>,
    /// Where the first list has it.
    sap: u16,
}

/// What came of a meter over one way.
struct Outcome {
    target: Target,
    via: Via,
    /// What was read, and the failure of the association if it failed; or why there was none.
    result: Result<(Vec<Read>, Option<Diagnosis>), NotAssociated>,
}

struct NotAssociated {
    diagnosis: Diagnosis,
    /// Whether the meter has another association.
    held: bool,
}

/// The work of one command.
struct Round {
    concentrators: Concentrators,
    objects: Vec<Object>,
    together: usize,
    context: Context,
    parallel: usize,
    /// Whether there may be an association that a lost concentrator left open.
    has_routes: bool,
    queue: VecDeque<Target>,
    /// Meters that hold their old association.
    waiting: Vec<Target>,
    lines: Lines,
}

impl Round {
    async fn run(&mut self) -> io::Result<()> {
        let mut running = JoinSet::new();
        loop {
            while running.len() < self.parallel
                && let Some(target) = self.queue.pop_front()
            {
                self.begin(target, &mut running).await?;
            }
            if running.is_empty() && self.waiting.is_empty() {
                return Ok(());
            }
            tokio::select! {
                Some(ended) = running.join_next() => match ended {
                    Ok(outcome) => self.end(outcome)?,
                    // A task that panicked is the program's fault, and has said so itself.
                    Err(_) => self.lines.tally.failure(Exit::Local),
                },
                () = self.concentrators.wait() => {}
            }
            let retries = self.concentrators.retries();
            let (again, waiting) = core::mem::take(&mut self.waiting)
                .into_iter()
                .partition(|target| retries.contains(&target.meter));
            self.waiting = waiting;
            self.queue.extend::<Vec<Target>>(again);
        }
    }

    /// Begins to read a meter over the way that there is, or says that there is none.
    async fn begin(&mut self, target: Target, running: &mut JoinSet<Outcome>) -> io::Result<()> {
        let found = loop {
            let via = self.concentrators.via(target.meter);
            let settings = via.and_then(|via| self.concentrators.settings(via, &target.name));
            if let (Some(via), Some(settings)) = (via, settings) {
                break Some((via, settings));
            }
            match self.concentrators.open_next().await {
                Some(Ok(_)) => {}
                Some(Err((address, error))) => {
                    let context = Context { address: address.to_string(), ..self.context.clone() };
                    report::diagnosis(&Diagnosis::error(&error, "get the SAP list", &context));
                }
                None => break None,
            }
        };
        let Some((via, settings)) = found else {
            let diagnosis = no_route(&self.context);
            return self.lines.all_failed(target.sap, &target.name, &self.objects, &diagnosis);
        };
        let context = Context {
            address: settings.address.to_string(),
            server: format!(" --server {}", via.sap),
            ..self.context.clone()
        };
        let objects = self.objects.clone();
        let together = self.together;
        running.spawn(async move {
            let result = read(settings, &objects, together, &context).await;
            Outcome { target, via, result }
        });
        Ok(())
    }

    /// Shows what came of a meter, or puts it back because its way was lost or it is held.
    fn end(&mut self, outcome: Outcome) -> io::Result<()> {
        let Outcome { target, via, result } = outcome;
        let failed = !matches!(result, Ok((_, None)));
        // A reading may be repeated, whatever came of it.
        if failed && self.concentrators.lost(via).is_some() && self.has_routes {
            self.queue.push_back(target);
            return Ok(());
        }
        match result {
            Ok((reads, _)) => {
                self.concentrators.associated(target.meter);
                self.lines.meter(via.sap, &target.name, &reads)
            }
            Err(NotAssociated { held: true, .. })
                if self.has_routes && self.concentrators.held(target.meter) =>
            {
                self.waiting.push(target);
                Ok(())
            }
            Err(NotAssociated { diagnosis, .. }) => {
                self.lines.all_failed(via.sap, &target.name, &self.objects, &diagnosis)
            }
        }
    }
}

/// Associates with a meter and reads `objects`.
async fn read(
    settings: Settings,
    objects: &[Object],
    together: usize,
    context: &Context,
) -> Result<(Vec<Read>, Option<Diagnosis>), NotAssociated> {
    let mut meter = Meter::associate(settings).await.map_err(|error| NotAssociated {
        diagnosis: Diagnosis::error(&error, ASSOCIATE, context),
        held: is_held(&error),
    })?;
    let mut all = Vec::new();
    let mut broken: Option<Diagnosis> = None;
    for chunk in objects.chunks(together) {
        match &broken {
            Some(diagnosis) => {
                all.extend(chunk.iter().map(|object| Read::failed(*object, diagnosis)));
            }
            None => {
                let (reads, failure) = read_together(&mut meter, chunk, context).await;
                all.extend(reads);
                broken = failure;
            }
        }
    }
    meter.release().await;
    Ok((all, broken))
}

/// Whether a meter refuses because it has another association.
const fn is_held(error: &Error) -> bool {
    matches!(
        error,
        Error::Client(client::Error::Association {
            failure: Failure::Rejected { result: AssociationResult::RejectedTransient, .. },
            ..
        })
    )
}

/// What is shown.
struct Lines {
    printer: Printer<Stdout>,
    /// What is for people, until it can be put in order.
    table: Option<Vec<SapReading>>,
    tally: Tally,
    /// Failures so far.
    diagnoses: usize,
    progress: ProgressBar,
}

impl Lines {
    /// A line for each object of a meter.
    fn meter(&mut self, sap: u16, name: &[u8], reads: &[Read]) -> io::Result<()> {
        self.progress.inc(1);
        let mut last: Option<&Diagnosis> = None;
        for read in reads {
            match &read.outcome {
                Ok(_) => self.tally.success(),
                Err(diagnosis) => {
                    self.tally.failure(diagnosis.exit);
                    // What failed together is told once.
                    if last != Some(diagnosis) {
                        self.diagnosis(sap, diagnosis);
                    }
                    last = Some(diagnosis);
                }
            }
            self.line(sap, name, read)?;
        }
        Ok(())
    }

    /// A line for each of the objects, none of which was read.
    fn all_failed(
        &mut self,
        sap: u16,
        name: &[u8],
        objects: &[Object],
        diagnosis: &Diagnosis,
    ) -> io::Result<()> {
        let reads: Vec<Read> =
            objects.iter().map(|object| Read::failed(*object, diagnosis)).collect();
        self.meter(sap, name, &reads)
    }

    fn line(&mut self, sap: u16, name: &[u8], read: &Read) -> io::Result<()> {
        let logical_device_name = device_name(name);
        let line = SapReading { sap, logical_device_name, reading: read.line() };
        match &mut self.table {
            Some(table) => {
                table.push(line);
                Ok(())
            }
            None => self.progress.suspend(|| self.printer.record(&line)),
        }
    }

    fn diagnosis(&mut self, sap: u16, diagnosis: &Diagnosis) {
        self.diagnoses += 1;
        if self.diagnoses <= DIAGNOSES_MAX {
            let phase = format!("SAP {sap}: {}", diagnosis.phase).into();
            let diagnosis = Diagnosis { phase, ..diagnosis.clone() };
            self.progress.suspend(|| report::diagnosis(&diagnosis));
        }
    }

    fn finish(mut self) -> io::Result<Exit> {
        self.progress.finish_and_clear();
        let mut table = self.table.unwrap_or_default();
        table.sort_by_key(|line| line.sap);
        table.iter().try_for_each(|line| self.printer.record(line))?;
        self.printer.finish()?;
        if let Some(more @ 1..) = self.diagnoses.checked_sub(DIAGNOSES_MAX) {
            report::note(&format!("and {more} more of the kind"));
        }
        Ok(self.tally.exit())
    }
}

/// A reading with the meter that it is of.
#[derive(Debug, Serialize)]
struct SapReading {
    sap: u16,
    logical_device_name: String,
    #[serde(flatten)]
    reading: Reading,
}

impl SapReading {
    fn header() -> Header {
        let Header { mut table, mut csv } = Reading::header();
        table.splice(0..0, [("SAP".into(), Align::Right), ("DEVICE".into(), Align::Left)]);
        csv.splice(0..0, ["sap".into(), "logical_device_name".into()]);
        Header { table, csv }
    }
}

impl Record for SapReading {
    fn table(&self) -> Vec<String> {
        let mut cells = self.reading.table();
        cells.splice(0..0, [self.sap.to_string(), self.logical_device_name.clone()]);
        cells
    }

    fn csv(&self) -> Vec<String> {
        let mut cells = self.reading.csv();
        cells.splice(0..0, [self.sap.to_string(), self.logical_device_name.clone()]);
        cells
    }
}
