//! The reader: does one job, with an association of its own.
//!
//! A profile is read by time, from the last row that is stored on, some days in one request at
//! most; what has come is stored before more is asked for, so that a job that breaks off has lost
//! nothing. Where rows should be and are not, that is listed with its reason: the last row that is
//! known comes again as long as the meter has it, and when it does not, then what followed it was
//! overwritten. How much a meter should have by its period is not asked: one that was without power
//! has older rows than that.
//!
//! An order that changes something is noted in the [`Ledger`] before the request goes out, and no
//! request goes out for one that is noted already.

use core::time::Duration;
use std::sync::Arc;

use dlms_core::{
    acse::AssociationResult,
    association::{Ciphering, ClientConfig, Failure, Request, Response, Selection},
    axdr::{CompactArrayRules, Data, DataBuf, RawData, Reader as Cursor},
    cosem::{
        AttributeDescriptor, CaptureObject, ClassId, DateTime, LogicalName, ProfileSelector,
        RangeDescriptor,
        profile::{Restorer, Rows, SortMethod},
    },
    security::{Protection, SecuritySuite},
    xdlms::{ActionResult, DataAccessResult},
};
use dlms_tokio::{
    Line, LineConfig, Trace,
    client::{Client, Error},
};
use tokio::{io::DuplexStream, task::spawn_blocking};

use super::{
    Begun, Cause, Comparison, CounterKey, Deed, Job, JobCounters, Keep, KeyFile, Ledger, Outcome,
    Reading, Reason, Ring, Stretch, TimeLimits, TimeVerdict, What,
};
use crate::nodes::LogicalDeviceName;

/// Meters compare with what their clock shows, some without the daylight saving of today: as many
/// seconds more are asked for at either end, and what is known is passed over.
const MARGIN_S: i64 = 3_600;
/// The buffer of a profile generic.
const BUFFER: i8 = 2;

/// How meters are read.
#[derive(Clone, Debug)]
pub struct ReaderConfig {
    /// The client SAP.
    pub client: u16,
    /// How the client proves itself, but for the keys.
    pub association: ClientConfig,
    /// The keys of the meters, for a client that proves itself by GMAC: all its requests are then
    /// authenticated and encrypted.
    pub keys: Option<Arc<KeyFile>>,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How far back a profile is read that was never read before.
    pub history: Duration,
    /// How much of a profile is asked for in one request, two hours at least.
    pub piece: Duration,
    /// Minutes to add to the time of a meter to get UTC, for meters that do not say it. Default:
    /// none; rows without it are then left out.
    pub deviation_min: Option<i16>,
    /// Within which limits clocks are set.
    pub time: TimeLimits,
}

impl Default for ReaderConfig {
    /// The public client, ten seconds, forty days in pieces of one.
    fn default() -> Self {
        Self {
            client: 16,
            association: ClientConfig::default(),
            keys: None,
            timeout: Duration::from_secs(10),
            history: Duration::from_secs(40 * 86_400),
            piece: Duration::from_secs(86_400),
            deviation_min: None,
            time: TimeLimits::default(),
        }
    }
}

/// What came of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// Rows that are new.
    pub rows: u32,
    /// What became of the clock, for a job that is about it.
    pub time: Option<TimeVerdict>,
    /// For an order, what it brought: encoded Data that was read beside profiles, returned by a
    /// method or looked up, one after the other.
    pub value: Vec<u8>,
}

/// What is on the disk.
#[derive(Clone, Debug)]
pub struct Stores {
    /// What was read.
    pub ring: Arc<Ring>,
    /// Orders and counters.
    pub ledger: Arc<Ledger>,
}

/// Does the job over a stream to the exchange, with the meter at `sap`. `now_ms` is the own clock,
/// in milliseconds since 1970.
pub async fn read(
    stream: DuplexStream,
    sap: u16,
    job: &Job,
    config: &ReaderConfig,
    stores: &Stores,
    now_ms: &(dyn Fn() -> i64 + Sync),
) -> Report {
    let mut report = Report { outcome: Outcome::Done, rows: 0, time: None, value: Vec::new() };
    let client = match associate(stream, sap, job, config, stores).await {
        Ok(client) => client,
        Err(cause) => return Report { outcome: Outcome::Failed(cause), ..report },
    };
    let session = Session { client: &client, meter: &job.meter, config, stores, now_ms };
    match &job.what {
        What::Read(attributes, keep) => {
            for attribute in attributes {
                if let Err(cause) = session.attribute(*attribute, *keep, &mut report).await {
                    report.outcome = Outcome::Failed(cause);
                    // What a meter refuses says nothing about the next.
                    if cause != Cause::Refused {
                        break;
                    }
                }
            }
            // Whoever reads a meter anyway looks at its clock, where clocks are set at all. That a
            // meter does not want it is no failure of what was read.
            let sets = job.order.is_none() && config.time.setting.is_some();
            if sets && report.outcome == Outcome::Done {
                let set = session.set_time(&mut report).await;
                if let Err(cause) = set {
                    tracing::warn!(meter = %job.meter, %cause, "its clock is not set");
                }
            }
        }
        What::Time => {
            if let Err(cause) = session.set_time(&mut report).await {
                report.outcome = Outcome::Failed(cause);
            }
        }
        What::Change { deed, look_up } => {
            let (outcome, value) = session.change(job.order, deed, *look_up).await;
            (report.outcome, report.value) = (outcome, value);
        }
    }
    // All that was asked for is there; how the meter says good-bye changes nothing.
    let _ = client.release().await;
    report
}

/// Opens an association with the meter of the job.
async fn associate(
    stream: DuplexStream,
    sap: u16,
    job: &Job,
    config: &ReaderConfig,
    stores: &Stores,
) -> Result<Client, Cause> {
    let line = LineConfig {
        client: config.client,
        server_upper: sap,
        timeout: config.timeout,
        retries: 0,
        ..LineConfig::default()
    };
    let line = Line::wrapper_in_memory(stream, &line, Trace::off());
    let mut association = config.association.clone();
    let mut counters = None;
    if let (Some(keys), Some(title)) = (&config.keys, association.system_title) {
        let Some(keys) = keys.of(&job.meter) else {
            tracing::warn!(meter = %job.meter, "no line of collection.keys-file is for it");
            return Err(Cause::Security);
        };
        let key = CounterKey::new(title, &keys.encryption);
        let (ledger, meter) = (Arc::clone(&stores.ledger), job.meter.clone());
        let taken = spawn_blocking(move || JobCounters::take(ledger, key, meter)).await;
        let taken = taken.map_err(|_| Cause::NotStored)?.map_err(|error| {
            tracing::warn!(%error, "no invocation counters can be had");
            Cause::NotStored
        })?;
        counters = Some(Box::new(taken) as Box<_>);
        association.ciphering = Some(Ciphering {
            suite: SecuritySuite::Suite0,
            protection: Protection::AUTHENTICATED_ENCRYPTED,
            encryption_key: keys.encryption.clone(),
            authentication_key: Some(keys.authentication.clone()),
            dedicated: false,
            general: false,
        });
    }
    Client::over(line, association, counters).await.map_err(|error| cause(&error))
}

struct Session<'s> {
    client: &'s Client,
    meter: &'s LogicalDeviceName,
    config: &'s ReaderConfig,
    stores: &'s Stores,
    now_ms: &'s (dyn Fn() -> i64 + Sync),
}

/// What a profile is like.
struct Shape {
    columns: Vec<CaptureObject>,
    period_s: u32,
    sort_method: SortMethod,
}

/// The rows of an answer: those with a time, and how many have none that says where they belong.
struct Dated {
    rows: Vec<(i64, Vec<u8>)>,
    undated: usize,
}

impl Session<'_> {
    fn now_s(&self) -> i64 {
        (self.now_ms)().div_euclid(1_000)
    }

    async fn attribute(
        &self,
        attribute: AttributeDescriptor,
        keep: Keep,
        report: &mut Report,
    ) -> Result<(), Cause> {
        let is_buffer =
            attribute.class == ClassId::PROFILE_GENERIC && attribute.attribute.0 == BUFFER;
        if is_buffer {
            return self.profile(attribute, keep, &mut report.rows).await;
        }
        let octets = self.get(attribute, None).await?;
        report.value.extend(&octets);
        let now_s = self.now_s();
        report.rows += self.store(attribute, keep, 1, vec![(now_s, octets)], Vec::new()).await?;
        Ok(())
    }

    async fn profile(
        &self,
        buffer: AttributeDescriptor,
        keep: Keep,
        new: &mut u32,
    ) -> Result<(), Cause> {
        let shape = self.shape(buffer).await?;
        let deviation = self.clock().await?.deviation().or(self.config.deviation_min);
        let (ring, meter) = (Arc::clone(&self.stores.ring), self.meter.clone());
        let mark = spawn_blocking(move || ring.mark(&meter, buffer)).await;
        let mark = mark.ok().and_then(Result::ok).ok_or(Cause::NotStored)?;
        let now_s = self.now_s();
        let history_s = i64::try_from(self.config.history.as_secs()).unwrap_or(i64::MAX);
        let piece_s = i64::try_from(self.config.piece.as_secs()).unwrap_or(i64::MAX);
        let piece_s = piece_s.max(2 * MARGIN_S);
        let mut last_s = mark.map(|mark| mark.at_s);
        // Whether the meter still has the row that is the last one known.
        let mut has_last = false;
        let (mut dated, mut left_out) = (false, false);
        let mut from_s = last_s.unwrap_or(now_s - history_s);
        while from_s < now_s {
            let to_s = from_s.saturating_add(piece_s).min(now_s);
            let selection = range(from_s - MARGIN_S, to_s + MARGIN_S, deviation)?;
            let octets = self.get(buffer, Some(selection)).await?;
            let Dated { rows, undated } = rows(&octets, &shape, self.config.deviation_min)?;
            if undated > 0 && !left_out {
                tracing::warn!(
                    meter = %self.meter, %buffer,
                    "rows left out that do not say how far their time is from UTC: set \
                     collection.deviation-min",
                );
            }
            (dated, left_out) = (dated || !rows.is_empty(), left_out || undated > 0);
            // Nor does its clock: what follows will be no better.
            if left_out && !dated && deviation.is_none() {
                return Err(Cause::Undated);
            }
            // What is to come tells of a wrong clock and of nothing that is missing.
            let mut times: Vec<i64> =
                rows.iter().map(|(at, _)| *at).filter(|at| *at <= now_s).collect();
            times.sort_unstable();
            let missing = gaps(last_s, has_last, &times, shape.period_s);
            *new += self.store(buffer, keep, shape.period_s, rows, missing).await?;
            has_last |= !times.is_empty();
            let newest =
                times.last().copied().filter(|newest| last_s.is_none_or(|last| *newest > last));
            last_s = newest.or(last_s);
            from_s = to_s.max(newest.unwrap_or(to_s));
        }
        if left_out && !dated { Err(Cause::Undated) } else { Ok(()) }
    }

    async fn shape(&self, buffer: AttributeDescriptor) -> Result<Shape, Cause> {
        let of = |number| AttributeDescriptor::new(buffer.class, buffer.instance, number);
        let columns = self.get(of(3), None).await?;
        let columns = data(&columns).and_then(|data| CaptureObject::list_from_data(&data));
        let period_s = self.number(of(4)).await?;
        let sort_method = self.number(of(5)).await?.and_then(|code| u8::try_from(code).ok());
        Ok(Shape {
            columns: columns.ok_or(Cause::Malformed)?,
            period_s: period_s.ok_or(Cause::Malformed)?,
            sort_method: sort_method.and_then(SortMethod::from_code).unwrap_or(SortMethod::Fifo),
        })
    }

    /// A number, if the meter says it.
    async fn number(&self, attribute: AttributeDescriptor) -> Result<Option<u32>, Cause> {
        let octets = match self.get(attribute, None).await {
            Err(Cause::Refused) => return Ok(None),
            answer => answer?,
        };
        let data = data(&octets).ok_or(Cause::Malformed)?;
        let number = data.as_unsigned().or_else(|| data.as_enum().map(u64::from));
        Ok(number.and_then(|number| u32::try_from(number).ok()))
    }

    async fn clock(&self) -> Result<DateTime, Cause> {
        let clock = AttributeDescriptor::new(ClassId::CLOCK, LogicalName::CLOCK, 2);
        let octets = self.get(clock, None).await?;
        data(&octets).and_then(|data| DateTime::from_data(&data)).ok_or(Cause::Malformed)
    }

    /// Compares the clock, and sets it if that is permitted. What the meter was ahead, in seconds,
    /// is the value of the report.
    async fn set_time(&self, report: &mut Report) -> Result<(), Cause> {
        let asked_ms = (self.now_ms)();
        let meter = self.clock().await?;
        let answered_ms = (self.now_ms)();
        let comparison = Comparison { meter, asked_ms, answered_ms };
        if let Some(ahead) = comparison.ahead_s().and_then(|ahead| i32::try_from(ahead).ok()) {
            report.value = DataBuf::DoubleLong(ahead).to_octets();
        }
        let verdict = comparison.verdict(self.now_s(), &self.config.time);
        if let TimeVerdict::Set(request) = &verdict {
            let request = Request::clone(request);
            match self.client.request(request).await.map_err(|error| cause(&error))? {
                Response::Set(DataAccessResult::Success) => {}
                Response::Action(outcome) if outcome.result == ActionResult::Success => {}
                _ => return Err(Cause::Refused),
            }
        }
        report.time = Some(verdict);
        Ok(())
    }

    /// Changes something, unless that was begun before. A refusal is an answer.
    async fn change(
        &self,
        order: Option<u64>,
        deed: &Deed,
        look_up: Option<AttributeDescriptor>,
    ) -> (Outcome, Vec<u8>) {
        let failed = |cause| (Outcome::Failed(cause), Vec::new());
        // Nobody but an order changes anything.
        let Some(order) = order else { return failed(Cause::Refused) };
        let (ledger, meter) = (Arc::clone(&self.stores.ledger), self.meter.clone());
        match spawn_blocking(move || ledger.start(order, &meter)).await {
            Ok(Ok(Begun::Now)) => {}
            Ok(Ok(Begun::Before)) => {
                let Some(look_up) = look_up else { return failed(Cause::Unknown) };
                return match self.get(look_up, None).await {
                    Ok(value) => (Outcome::Failed(Cause::Unknown), value),
                    Err(Cause::Unreachable) => failed(Cause::Unreachable),
                    Err(_) => failed(Cause::Unknown),
                };
            }
            Ok(Err(_)) | Err(_) => return failed(Cause::NotStored),
        }
        let request = match deed.clone() {
            Deed::Write(attribute, value) => Request::Set { attribute, selection: None, value },
            Deed::Invoke(method, parameters) => Request::Action { method, parameters },
        };
        match self.client.request(request).await {
            Ok(Response::Set(DataAccessResult::Success)) => (Outcome::Done, Vec::new()),
            Ok(Response::Action(outcome)) if outcome.result == ActionResult::Success => {
                (Outcome::Done, outcome.returned.and_then(Result::ok).unwrap_or_default())
            }
            Ok(_) => failed(Cause::Refused),
            // It may have been done. Later it is looked up, or nothing more can be known.
            Err(_) if look_up.is_some() => failed(Cause::Unreachable),
            Err(_) => failed(Cause::Unknown),
        }
    }

    async fn get(
        &self,
        attribute: AttributeDescriptor,
        selection: Option<Selection>,
    ) -> Result<Vec<u8>, Cause> {
        match self.client.read_selected(attribute, selection).await {
            Ok(Ok(octets)) => Ok(octets),
            Ok(Err(DataAccessResult::TemporaryFailure)) => Err(Cause::Unreachable),
            Ok(Err(_)) => Err(Cause::Refused),
            Err(error) => Err(cause(&error)),
        }
    }

    async fn store(
        &self,
        attribute: AttributeDescriptor,
        keep: Keep,
        period_s: u32,
        rows: Vec<(i64, Vec<u8>)>,
        missing: Vec<Stretch>,
    ) -> Result<u32, Cause> {
        let (meter, arrived_s) = (self.meter.clone(), self.now_s());
        let reading = Reading { meter, attribute, keep, period_s, arrived_s, rows, missing };
        self.stores.ring.store(reading).done().await.map_err(|_| Cause::NotStored)
    }
}

fn data(octets: &[u8]) -> Option<Data<'_>> {
    Data::decode(&mut Cursor::new(octets)).ok()
}

/// A range of time, both ends included, as the clock of the meter shows it.
fn range(from_s: i64, to_s: i64, deviation: Option<i16>) -> Result<Selection, Cause> {
    let time = |at| DateTime::from_unix(at, deviation).ok_or(Cause::Malformed);
    let selector = ProfileSelector::Range(RangeDescriptor::times(time(from_s)?, time(to_s)?));
    Ok(Selection { selector: selector.selector(), parameters: selector.parameters().to_octets() })
}

/// The rows of a buffer, each complete and with its capture. One without a time is left out: it
/// could be stored nowhere.
fn rows(buffer: &[u8], shape: &Shape, deviation_min: Option<i16>) -> Result<Dated, Cause> {
    let malformed = |_| Cause::Malformed;
    let buffer = RawData::from_octets(buffer).map_err(malformed)?;
    let mut restorer = Restorer::new(&shape.columns, shape.period_s, shape.sort_method);
    let mut dated = Dated { rows: Vec::new(), undated: 0 };
    for row in Rows::new(buffer, CompactArrayRules::Standard).map_err(malformed)? {
        let row = restorer.restore(&row.map_err(malformed)?).map_err(malformed)?;
        let local = |time: DateTime| {
            let deviation = i64::from(deviation_min?).saturating_mul(60);
            Some(time.unix_local()?.saturating_add(deviation))
        };
        let captured = row.time.and_then(|time| time.unix_utc().or_else(|| local(time)));
        let Some(captured_s) = captured else {
            dated.undated += 1;
            continue;
        };
        let cells = row.cells.iter().map(|cell| cell.value.clone());
        dated.rows.push((captured_s, DataBuf::structure(cells).to_octets()));
    }
    Ok(dated)
}

/// Where rows should be, after `last_s` and between `times`, and are not. When the first that comes
/// is not `last_s` itself again, the meter has overwritten that and what followed it; `has_last`
/// says that it came before.
fn gaps(last_s: Option<i64>, mut has_last: bool, times: &[i64], period_s: u32) -> Vec<Stretch> {
    let period_s = i64::from(period_s);
    let mut found = Vec::new();
    let mut after = last_s;
    for &until_s in times {
        let reason = if has_last { Reason::NotCaptured } else { Reason::Overwritten };
        has_last = true;
        let before = after.replace(after.map_or(until_s, |after| after.max(until_s)));
        let Some(after_s) = before.filter(|_| period_s > 0) else { continue };
        // A clock that was set a little moves one capture.
        if until_s - after_s >= 2 * period_s {
            found.push(Stretch { after_s, until_s, reason });
        }
    }
    found
}

/// Why nothing came of it, by what helps.
const fn cause(error: &Error) -> Cause {
    match error {
        Error::Line(_) | Error::Closed | Error::NotTaken => Cause::Unreachable,
        Error::Counters(_) => Cause::NotStored,
        Error::Misuse(_) => Cause::Refused,
        Error::Association { failure, .. } => match failure {
            Failure::Rejected { result: AssociationResult::RejectedTransient, .. } => Cause::Busy,
            failure if failure.is_security() => Cause::Security,
            // That of a concentrator that does not reach the meter, too.
            Failure::Exception(_) | Failure::NoResponse => Cause::Unreachable,
            Failure::Malformed(_) | Failure::Violation(_) => Cause::Malformed,
            _ => Cause::Refused,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_listed_with_its_reason() {
        let stretch = |after_s, until_s, reason| Stretch { after_s, until_s, reason };
        let (lost, never) = (Reason::Overwritten, Reason::NotCaptured);
        assert_eq!(gaps(Some(0), true, &[900, 1_800, 2_700], 900), []);
        assert_eq!(gaps(None, false, &[900, 1_800], 900), []);
        // The last row that is known comes again: the meter has nothing between.
        let off = [stretch(0, 9_000, never)];
        assert_eq!(gaps(Some(0), false, &[0, 9_000, 9_900], 900), off);
        assert_eq!(gaps(Some(0), true, &[9_000, 9_900], 900), off);
        // It does not: what followed it is overwritten, whatever else was not captured.
        let both = [stretch(0, 9_000, lost), stretch(9_000, 18_000, never)];
        assert_eq!(gaps(Some(0), false, &[9_000, 18_000], 900), both);
        // Rows that are known, and an event log.
        assert_eq!(gaps(Some(1_800), false, &[900, 1_800, 2_700], 900), []);
        assert_eq!(gaps(Some(0), false, &[90_000], 0), []);
    }
}
