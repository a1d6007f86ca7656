//! The reader: does one job, with an association of its own.
//!
//! A profile is read by time, from the last row that is stored on, some days in one request at
//! most; what has come is stored before more is asked for, so that a job that breaks off has lost
//! nothing. Where rows should be and are not, that is listed with its reason.

use core::time::Duration;

use dlms_core::{
    acse::AssociationResult,
    association::{ClientConfig, Failure, Request, Response, Selection},
    axdr::{CompactArrayRules, Data, DataBuf, RawData, Reader as Cursor},
    cosem::{
        AttributeDescriptor, CaptureObject, ClassId, DateTime, LogicalName, ProfileSelector,
        RangeDescriptor,
        profile::{Restorer, Rows, SortMethod},
    },
    xdlms::{ActionResult, DataAccessResult},
};
use dlms_tokio::{
    Line, LineConfig, Trace,
    client::{Client, Error},
};
use tokio::io::DuplexStream;

use super::{
    Cause, Comparison, Job, Keep, Outcome, Reading, Reason, Ring, Stretch, TimeLimits, TimeVerdict,
    What,
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
    /// How the client proves itself. Without keys, for a client that may do little.
    pub association: ClientConfig,
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
}

/// Does the job over a stream to the exchange, with the meter at `sap`. `now_ms` is the own clock,
/// in milliseconds since 1970.
pub async fn read(
    stream: DuplexStream,
    sap: u16,
    job: &Job,
    config: &ReaderConfig,
    ring: &Ring,
    now_ms: &(dyn Fn() -> i64 + Sync),
) -> Report {
    let mut report = Report { outcome: Outcome::Done, rows: 0, time: None };
    let line = LineConfig {
        client: config.client,
        server_upper: sap,
        timeout: config.timeout,
        retries: 0,
        ..LineConfig::default()
    };
    let line = Line::wrapper_in_memory(stream, &line, Trace::off());
    let client = match Client::over(line, config.association.clone(), None).await {
        Ok(client) => client,
        Err(error) => return Report { outcome: Outcome::Failed(cause(&error)), ..report },
    };
    let session = Session { client: &client, meter: &job.meter, config, ring, now_ms };
    match &job.what {
        What::Read(attributes, keep) => {
            for attribute in attributes {
                let read = session.attribute(*attribute, *keep, &mut report.rows).await;
                if let Err(cause) = read {
                    report.outcome = Outcome::Failed(cause);
                    // What a meter refuses says nothing about the next.
                    if cause != Cause::Refused {
                        break;
                    }
                }
            }
        }
        What::Time => match session.set_time().await {
            Ok(verdict) => report.time = Some(verdict),
            Err(cause) => report.outcome = Outcome::Failed(cause),
        },
    }
    // All that was asked for is there; how the meter says good-bye changes nothing.
    let _ = client.release().await;
    report
}

struct Session<'s> {
    client: &'s Client,
    meter: &'s LogicalDeviceName,
    config: &'s ReaderConfig,
    ring: &'s Ring,
    now_ms: &'s (dyn Fn() -> i64 + Sync),
}

/// What a profile is like.
struct Shape {
    columns: Vec<CaptureObject>,
    period_s: u32,
    sort_method: SortMethod,
    /// The rows that the meter keeps; 0 when it does not say.
    entries: u32,
}

impl Session<'_> {
    fn now_s(&self) -> i64 {
        (self.now_ms)().div_euclid(1_000)
    }

    async fn attribute(
        &self,
        attribute: AttributeDescriptor,
        keep: Keep,
        new: &mut u32,
    ) -> Result<(), Cause> {
        let is_buffer =
            attribute.class == ClassId::PROFILE_GENERIC && attribute.attribute.0 == BUFFER;
        if is_buffer {
            return self.profile(attribute, keep, new).await;
        }
        let octets = self.get(attribute, None).await?;
        let now_s = self.now_s();
        *new += self.store(attribute, keep, 1, vec![(now_s, octets)], Vec::new()).await?;
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
        let mark = self.ring.mark(self.meter, buffer).map_err(|_| Cause::NotStored)?;
        let now_s = self.now_s();
        let history_s = i64::try_from(self.config.history.as_secs()).unwrap_or(i64::MAX);
        let piece_s = i64::try_from(self.config.piece.as_secs()).unwrap_or(i64::MAX);
        let piece_s = piece_s.max(2 * MARGIN_S);
        let depth_s = i64::from(shape.period_s) * i64::from(shape.entries);
        let oldest_s = (depth_s > 0).then(|| now_s - depth_s);
        let mut last_s = mark.map(|mark| mark.at_s);
        let begin_s = last_s.unwrap_or(now_s - history_s);
        // What is overwritten is not asked for.
        let mut from_s = begin_s.max(oldest_s.unwrap_or(begin_s));
        while from_s < now_s {
            let to_s = from_s.saturating_add(piece_s).min(now_s);
            let selection = range(from_s - MARGIN_S, to_s + MARGIN_S, deviation)?;
            let octets = self.get(buffer, Some(selection)).await?;
            let rows = rows(&octets, &shape, self.config.deviation_min)?;
            let mut times: Vec<i64> = rows.iter().map(|(at, _)| *at).collect();
            times.sort_unstable();
            let missing = gaps(last_s, &times, shape.period_s, oldest_s);
            *new += self.store(buffer, keep, shape.period_s, rows, missing).await?;
            let newest =
                times.last().copied().filter(|newest| last_s.is_none_or(|last| *newest > last));
            last_s = newest.or(last_s);
            from_s = to_s.max(newest.unwrap_or(to_s));
        }
        Ok(())
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
            entries: self.number(of(8)).await?.unwrap_or(0),
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

    async fn set_time(&self) -> Result<TimeVerdict, Cause> {
        let asked_ms = (self.now_ms)();
        let meter = self.clock().await?;
        let answered_ms = (self.now_ms)();
        let comparison = Comparison { meter, asked_ms, answered_ms };
        let verdict = comparison.verdict(self.now_s(), &self.config.time);
        if let TimeVerdict::Set(request) = &verdict {
            let request = Request::clone(request);
            match self.client.request(request).await.map_err(|error| cause(&error))? {
                Response::Set(DataAccessResult::Success) => {}
                Response::Action(outcome) if outcome.result == ActionResult::Success => {}
                _ => return Err(Cause::Refused),
            }
        }
        Ok(verdict)
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
        self.ring.store(reading).done().await.map_err(|_| Cause::NotStored)
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
fn rows(
    buffer: &[u8],
    shape: &Shape,
    deviation_min: Option<i16>,
) -> Result<Vec<(i64, Vec<u8>)>, Cause> {
    let malformed = |_| Cause::Malformed;
    let buffer = RawData::from_octets(buffer).map_err(malformed)?;
    let mut restorer = Restorer::new(&shape.columns, shape.period_s, shape.sort_method);
    let mut found = Vec::new();
    for row in Rows::new(buffer, CompactArrayRules::Standard).map_err(malformed)? {
        let row = restorer.restore(&row.map_err(malformed)?).map_err(malformed)?;
        let local = |time: DateTime| {
            let deviation = i64::from(deviation_min?).saturating_mul(60);
            Some(time.unix_local()?.saturating_add(deviation))
        };
        let captured = row.time.and_then(|time| time.unix_utc().or_else(|| local(time)));
        let Some(captured_s) = captured else { continue };
        let cells = row.cells.iter().map(|cell| cell.value.clone());
        found.push((captured_s, DataBuf::structure(cells).to_octets()));
    }
    Ok(found)
}

/// Where rows should be, after `last_s` and between `times`, and are not. Before `oldest_s` the
/// meter has overwritten them.
fn gaps(last_s: Option<i64>, times: &[i64], period_s: u32, oldest_s: Option<i64>) -> Vec<Stretch> {
    let period_s = i64::from(period_s);
    let mut found = Vec::new();
    let mut after = last_s;
    for &until_s in times {
        let before = after.replace(after.map_or(until_s, |after| after.max(until_s)));
        let Some(after_s) = before.filter(|_| period_s > 0) else { continue };
        // A clock that was set a little moves one capture.
        if until_s - after_s < 2 * period_s {
            continue;
        }
        let held_s = oldest_s.unwrap_or(i64::MIN).clamp(after_s, until_s);
        if held_s - after_s >= 2 * period_s {
            let reason = Reason::Overwritten;
            found.push(Stretch { after_s, until_s: held_s, reason });
        }
        if until_s - held_s >= 2 * period_s {
            let reason = Reason::NotCaptured;
            found.push(Stretch { after_s: held_s, until_s, reason });
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
        assert_eq!(gaps(Some(0), &[900, 1_800, 2_700], 900, None), []);
        assert_eq!(gaps(None, &[900, 1_800], 900, Some(0)), []);
        let off = [stretch(900, 3_600, never)];
        assert_eq!(gaps(Some(0), &[900, 3_600], 900, None), off);
        let overwritten = [stretch(0, 9_000, lost)];
        assert_eq!(gaps(Some(0), &[9_900, 10_800], 900, Some(9_000)), overwritten);
        let both = [stretch(0, 9_000, lost), stretch(9_000, 18_000, never)];
        assert_eq!(gaps(Some(0), &[18_000], 900, Some(9_000)), both);
        // Rows that are known, and an event log.
        assert_eq!(gaps(Some(1_800), &[900, 1_800, 2_700], 900, None), []);
        assert_eq!(gaps(Some(0), &[90_000], 0, None), []);
    }
}
