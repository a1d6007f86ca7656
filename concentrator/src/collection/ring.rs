//! The ring: what was read, by meter and day, until head-ends have it and room is needed.
//!
//! ```text
//!    reader                     a thread of its own
//!    store ──► queue ──► one transaction of all that waits ──► disk ──► "stored"
//!              bounded   (write-ahead log, synchronous = FULL)
//! ```
//!
//! What is read of one attribute of one meter is a *source*. Its rows come in ascending order of
//! capture, and its *mark* says up to where: a row before the mark is there already, or never will
//! be, and is dropped. The mark is written in the transaction that writes the rows, so that however
//! often something is read again, and whenever the power goes, each row is stored once. The mark
//! stays when rows are evicted.
//!
//! Rows that came together are a *segment*, which is never written again. When room is needed, what
//! head-ends have acknowledged goes first, then what is ordinary, and last what people are billed
//! by; the oldest day first. What goes without having been acknowledged is listed as missing, as is
//! everything else that a head-end might look for and will not find.

mod schema;
mod writer;

use core::{fmt, ops::Range};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use dlms_core::cosem::{AttributeDescriptor, AttributeId, ClassId, LogicalName};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot,
};

use self::writer::{Change, Queued, Settled, Writer};
use super::{
    BlockRow, DayBlock, Keep,
    block::{BLOCK_OCTETS_MAX, decode_rows},
};
use crate::nodes::LogicalDeviceName;

/// What waits to be written; whoever has more waits for it, and nobody else.
const QUEUE_MAX: usize = 256;
/// Missing stretches that are listed; beyond, the oldest is forgotten. Each is some 60 octets.
pub const MISSING_MAX: u32 = 100_000;
/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingLimits {
    /// Octets of rows. Default: 256 MiB, two months of 1,200 meters with 96 rows of 36 octets a
    /// day.
    pub octets_max: u64,
    /// Days after which rows go even if there is room. Default: 90.
    pub days_max: u32,
}

impl Default for RingLimits {
    fn default() -> Self {
        Self { octets_max: 256 * 1024 * 1024, days_max: 90 }
    }
}

/// Up to where a source was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The capture of the last row, in seconds since 1970.
    pub at_s: i64,
    /// Rows that were captured in that very second.
    pub rows: u32,
}

/// Why something is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The meter had overwritten it before it was read.
    Overwritten,
    /// The meter has nothing from this time: it was off, or its clock was set.
    NotCaptured,
    /// It was read, and went for want of room before a head-end had it.
    Evicted,
    /// The meter says that it was captured more than an hour from now: its clock is wrong. It is
    /// not stored before that time has come, or what is captured until then would be lost.
    Ahead,
}

impl Reason {
    const fn code(self) -> u8 {
        match self {
            Self::Overwritten => 0,
            Self::NotCaptured => 1,
            Self::Evicted => 2,
            Self::Ahead => 3,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Overwritten,
            1 => Self::NotCaptured,
            2 => Self::Evicted,
            3 => Self::Ahead,
            _ => return None,
        })
    }
}

/// A stretch of time from which nothing is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Captures after this moment,
    pub after_s: i64,
    /// and before this one are missing.
    pub until_s: i64,
    /// Why.
    pub reason: Reason,
}

/// A stretch that is missing of an attribute of a meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The number to acknowledge it by.
    pub sequence: i64,
    /// The meter.
    pub meter: LogicalDeviceName,
    /// What of it.
    pub attribute: AttributeDescriptor,
    /// When and why.
    pub stretch: Stretch,
}

/// What was read in one go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The meter.
    pub meter: LogicalDeviceName,
    /// What of it.
    pub attribute: AttributeDescriptor,
    /// How long it is kept.
    pub keep: Keep,
    /// Seconds from one capture to the next; 0 when several rows may have one capture time.
    pub period_s: u32,
    /// When it arrived, in seconds since 1970.
    pub arrived_s: i64,
    /// Each with its capture, in seconds since 1970; in any order.
    pub rows: Vec<(i64, Vec<u8>)>,
    /// What the meter could not give.
    pub missing: Vec<Stretch>,
}

/// What a head-end gives back for a day-block that it has stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    source: i64,
    day: i32,
    through: i64,
}

impl Receipt {
    /// Its octets.
    pub const LEN: usize = 20;

    /// Twenty octets, for the way to the head-end and back: source, day, and the last segment, each
    /// big-endian.
    #[must_use]
    pub fn octets(&self) -> [u8; 20] {
        let mut out = [0; 20];
        out[..8].copy_from_slice(&self.source.to_be_bytes());
        out[8..12].copy_from_slice(&self.day.to_be_bytes());
        out[12..].copy_from_slice(&self.through.to_be_bytes());
        out
    }

    /// The receipt that the octets are.
    #[must_use]
    pub fn from_octets(octets: &[u8; 20]) -> Self {
        let (source, rest) = octets.split_at(8);
        let (day, through) = rest.split_at(4);
        Self {
            source: i64::from_be_bytes(source.try_into().unwrap_or_default()),
            day: i32::from_be_bytes(day.try_into().unwrap_or_default()),
            through: i64::from_be_bytes(through.try_into().unwrap_or_default()),
        }
    }
}

/// A day-block that no head-end has acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// What to acknowledge it with.
    pub receipt: Receipt,
    /// What is in it.
    pub block: DayBlock,
}

/// Why the ring cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RingError {
    /// The database cannot be opened, read or written.
    #[error("{0}")]
    Database(Arc<rusqlite::Error>),
    /// Another version of the program wrote the file. It was left as it is.
    #[error("the file has schema {0}, this program knows {known}", known = schema::VERSION)]
    Version(u32),
    /// What is in the file makes no sense.
    #[error("the file is damaged")]
    Damaged,
    /// The ring was closed.
    #[error("the ring is closed")]
    Closed,
}

impl From<rusqlite::Error> for RingError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

/// A row that no head-end has acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingRow {
    /// The number of the reading that it came with. Numbers grow; rows of one reading have one
    /// number.
    pub sequence: i64,
    /// The meter.
    pub meter: LogicalDeviceName,
    /// What was read of it.
    pub attribute: AttributeDescriptor,
    /// How long it is kept.
    pub keep: Keep,
    /// When it was captured, when it arrived, and the row itself.
    pub row: BlockRow,
}

/// How full the ring is of what no head-end has acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingStatus {
    /// Rows that are not acknowledged.
    pub rows: u64,
    /// Readings up to this number are acknowledged.
    pub acknowledged: i64,
    /// The number of the last reading that was stored.
    pub stored: i64,
}

/// Something on its way to the disk. Where the queue is full it waits in here, and is not stored
/// when this is dropped.
#[must_use = "it may fail"]
pub struct Storing {
    reply: oneshot::Receiver<Result<u32, RingError>>,
    waiting: Option<(mpsc::Sender<Queued>, Queued)>,
}

impl fmt::Debug for Storing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storing").field("is_queued", &self.waiting.is_none()).finish()
    }
}

impl Storing {
    /// Whether it is on its way without anybody waiting for it.
    #[must_use]
    pub const fn is_queued(&self) -> bool {
        self.waiting.is_none()
    }

    /// When it is on the disk: how many rows are new.
    ///
    /// # Errors
    /// Every [`RingError`]; then nothing of it is stored.
    pub async fn done(self) -> Result<u32, RingError> {
        if let Some((queue, queued)) = self.waiting {
            queue.send(queued).await.map_err(|_| RingError::Closed)?;
        }
        self.reply.await.map_err(|_| RingError::Closed)?
    }

    /// The same for who has no runtime: it blocks.
    ///
    /// # Errors
    /// As [`done`](Self::done).
    pub fn wait(self) -> Result<u32, RingError> {
        if let Some((queue, queued)) = self.waiting {
            queue.blocking_send(queued).map_err(|_| RingError::Closed)?;
        }
        self.reply.blocking_recv().map_err(|_| RingError::Closed)?
    }
}

/// The ring, open. Dropping it writes what waits.
pub struct Ring {
    queue: Option<mpsc::Sender<Queued>>,
    settled: Arc<Mutex<Settled>>,
    thread: Option<JoinHandle<()>>,
    /// To read with, which waits for no writer.
    reader: Mutex<Connection>,
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring").finish_non_exhaustive()
    }
}

impl Ring {
    /// Opens the file at `path`, or makes it.
    ///
    /// # Errors
    /// Every [`RingError`].
    pub fn open(path: &Path, limits: RingLimits) -> Result<Self, RingError> {
        let mut connection = Connection::open(path)?;
        schema::bring_forward(&mut connection)?;
        let octets: i64 =
            connection
                .query_row("SELECT COALESCE(SUM(octets), 0) FROM segment", [], |row| row.get(0))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let reader = Mutex::new(Connection::open_with_flags(path, flags)?);
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let octets = octets.unsigned_abs();
        let settled = Arc::new(Mutex::new(BTreeMap::new()));
        let writer = Writer::new(connection, limits, octets, Arc::clone(&settled));
        let thread = thread::Builder::new()
            .name("ring".into())
            .spawn(move || writer.run(waiting))
            .map_err(|_| RingError::Closed)?;
        Ok(Self { queue: Some(queue), settled, thread: Some(thread), reader })
    }

    /// Stores what was read.
    pub fn store(&self, reading: Reading) -> Storing {
        self.enqueue(Change::Reading(Box::new(reading)))
    }

    /// A head-end has stored a day-block.
    pub fn acknowledge(&self, receipt: Receipt) -> Storing {
        self.enqueue(Change::Acknowledge(receipt))
    }

    /// A head-end has stored all readings up to this number.
    pub fn acknowledge_through(&self, sequence: i64) -> Storing {
        self.enqueue(Change::AcknowledgeThrough(sequence))
    }

    /// A head-end has taken note of what is missing, up to this number.
    pub fn acknowledge_missing(&self, through: i64) -> Storing {
        self.enqueue(Change::Forget(through))
    }

    /// A slot of a task is settled for a meter. It is stored with whatever is stored next, and of
    /// several slots that come meanwhile only the last: nobody waits for it, for what is lost of it
    /// is done again and brings nothing twice.
    pub fn settled(&self, task: &str, meter: LogicalDeviceName, slot: i64) {
        let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        settled.insert((task.into(), meter), slot);
        drop(settled);
        let (reply, _) = oneshot::channel();
        // When the queue is full, the thread is about to come by anyway.
        if let Some(queue) = &self.queue {
            let _ = queue.try_send(Queued { change: Change::Nothing, reply });
        }
    }

    /// Waits for all that was handed over so far.
    pub fn flush(&self) -> Storing {
        self.enqueue(Change::Nothing)
    }

    /// The last slot that was settled, for each task and meter.
    ///
    /// # Errors
    /// [`RingError::Database`], [`RingError::Damaged`].
    pub fn progress(&self) -> Result<Vec<(String, LogicalDeviceName, i64)>, RingError> {
        self.read(|connection| {
            let mut select = connection.prepare("SELECT task, meter, slot FROM settled")?;
            let rows = select
                .query_map([], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?, row.get(2)?)))?;
            rows.map(|row| {
                let (task, meter, slot) = row?;
                Ok((task, name(&meter)?, slot))
            })
            .collect()
        })
    }

    /// Up to where an attribute of a meter was read; None when it never was.
    ///
    /// # Errors
    /// [`RingError::Database`].
    pub fn mark(
        &self,
        meter: &LogicalDeviceName,
        attribute: AttributeDescriptor,
    ) -> Result<Option<Mark>, RingError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT mark, rows_at_mark FROM source
                 WHERE meter = ? AND class = ? AND instance = ? AND attribute = ?",
            )?;
            let AttributeDescriptor { class, instance, attribute } = attribute;
            let key = params![meter.octets(), class.0, instance.0, attribute.0];
            let mark = select.query_row(key, |row| {
                let at_s: Option<i64> = row.get(0)?;
                Ok(at_s.zip(Some(row.get(1)?)))
            });
            let mark = mark.optional()?.flatten();
            Ok(mark.map(|(at_s, rows)| Mark { at_s, rows }))
        })
    }

    /// At most so many day-blocks that are not acknowledged, those that people are billed by first,
    /// then the oldest. A day of more than [`BLOCK_OCTETS_MAX`] comes in several.
    ///
    /// # Errors
    /// [`RingError::Database`], [`RingError::Damaged`].
    pub fn uploads(&self, max: u32) -> Result<Vec<Upload>, RingError> {
        self.read(|connection| {
            let mut days = connection.prepare_cached(
                "SELECT source, day FROM segment WHERE acknowledged = 0
                 GROUP BY source, day ORDER BY MAX(keep) DESC, MIN(sequence) LIMIT ?",
            )?;
            let days = days.query_map([max], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let days: Vec<(i64, i32)> = days.collect::<Result<_, _>>()?;
            days.into_iter().map(|(source, day)| upload(connection, source, day)).collect()
        })
    }

    /// At most so many stretches that are missing and not acknowledged, the oldest first.
    ///
    /// # Errors
    /// [`RingError::Database`], [`RingError::Damaged`].
    pub fn missing(&self, max: u32) -> Result<Vec<Missing>, RingError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT sequence, source, after, until, reason FROM missing
                 ORDER BY sequence LIMIT ?",
            )?;
            let mut rows = select.query([max])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let (meter, attribute) = source(connection, row.get(1)?)?;
                let reason = Reason::from_code(row.get(4)?).ok_or(RingError::Damaged)?;
                let stretch = Stretch { after_s: row.get(2)?, until_s: row.get(3)?, reason };
                found.push(Missing { sequence: row.get(0)?, meter, attribute, stretch });
            }
            Ok(found)
        })
    }

    /// How much is not acknowledged.
    ///
    /// # Errors
    /// [`RingError::Database`].
    pub fn status(&self) -> Result<RingStatus, RingError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT COALESCE(SUM(count), 0), MIN(sequence) FROM segment
                 WHERE acknowledged = 0",
            )?;
            let (rows, first): (i64, Option<i64>) =
                select.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let mut last = connection
                .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'segment'")?;
            let stored = last.query_row([], |row| row.get(0)).optional()?.unwrap_or(0);
            let acknowledged = first.map_or(stored, |first| first - 1);
            Ok(RingStatus { rows: rows.unsigned_abs(), acknowledged, stored })
        })
    }

    /// The rows of the readings with numbers from `first` to `last` that are not acknowledged, up
    /// to so many octets; but one reading always, and all of a reading or nothing.
    ///
    /// # Errors
    /// [`RingError::Database`], [`RingError::Damaged`].
    pub fn rows(
        &self,
        first: i64,
        last: i64,
        octets_max: usize,
    ) -> Result<Vec<RingRow>, RingError> {
        self.read(|connection| rows(connection, first, last, octets_max))
    }

    /// The rows at these places among those that are not acknowledged, the oldest reading first;
    /// up to so many octets.
    ///
    /// # Errors
    /// [`RingError::Database`], [`RingError::Damaged`].
    pub fn entries(
        &self,
        places: Range<u64>,
        octets_max: usize,
    ) -> Result<Vec<RingRow>, RingError> {
        self.read(|connection| {
            let mut counts = connection.prepare_cached(
                "SELECT sequence, count FROM segment WHERE acknowledged = 0 ORDER BY sequence",
            )?;
            let mut counts = counts.query([])?;
            let (mut before, mut first, mut skipped) = (0_u64, None, 0);
            let mut last = None;
            while let Some(row) = counts.next()? {
                let (sequence, count): (i64, u32) = (row.get(0)?, row.get(1)?);
                let end = before + u64::from(count);
                if end > places.start && before < places.end {
                    if first.is_none() {
                        (first, skipped) = (Some(sequence), before);
                    }
                    last = Some(sequence);
                }
                before = end;
                if before >= places.end {
                    break;
                }
            }
            let Some((first, last)) = first.zip(last) else { return Ok(Vec::new()) };
            let index = |place: u64| usize::try_from(place - skipped).unwrap_or(usize::MAX);
            let (start, end) = (index(places.start), index(places.end));
            let rows = rows(connection, first, last, octets_max)?;
            Ok(rows.into_iter().take(end).skip(start).collect())
        })
    }

    /// How many days of a meter there are that are not acknowledged whole.
    ///
    /// # Errors
    /// [`RingError::Database`].
    pub fn blocks_waiting(&self) -> Result<u32, RingError> {
        self.read(|connection| {
            let count = "SELECT COUNT(*) FROM
                         (SELECT 1 FROM segment WHERE acknowledged = 0 GROUP BY source, day)";
            Ok(connection.prepare_cached(count)?.query_row([], |row| row.get(0))?)
        })
    }

    /// How many stretches that are missing are not acknowledged.
    ///
    /// # Errors
    /// [`RingError::Database`].
    pub fn missing_waiting(&self) -> Result<u32, RingError> {
        self.read(|connection| {
            let count = "SELECT COUNT(*) FROM missing";
            Ok(connection.prepare_cached(count)?.query_row([], |row| row.get(0))?)
        })
    }

    fn read<T>(
        &self,
        what: impl FnOnce(&Connection) -> Result<T, RingError>,
    ) -> Result<T, RingError> {
        what(&self.reader.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn enqueue(&self, change: Change) -> Storing {
        let (reply, stored) = oneshot::channel();
        let queued = Queued { change, reply };
        let waiting = self.queue.as_ref().and_then(|queue| match queue.try_send(queued) {
            Err(TrySendError::Full(queued)) => Some((queue.clone(), queued)),
            // When the thread is gone, whoever waits is told so.
            Ok(()) | Err(TrySendError::Closed(_)) => None,
        });
        Storing { reply: stored, waiting }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        self.queue = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that stores what was read has panicked");
        }
    }
}

fn rows(
    connection: &Connection,
    first: i64,
    last: i64,
    octets_max: usize,
) -> Result<Vec<RingRow>, RingError> {
    let mut select = connection.prepare_cached(
        "SELECT sequence, source, day, arrived, keep, rows FROM segment
         WHERE acknowledged = 0 AND sequence BETWEEN ? AND ? ORDER BY sequence",
    )?;
    let mut found = select.query([first, last])?;
    let (mut rows, mut octets) = (Vec::new(), 0);
    while let Some(row) = found.next()? {
        let encoded: Vec<u8> = row.get(5)?;
        octets += encoded.len();
        if octets > octets_max && !rows.is_empty() {
            break;
        }
        let sequence = row.get(0)?;
        let (meter, attribute) = source(connection, row.get(1)?)?;
        let keep = if row.get(4)? { Keep::Billing } else { Keep::Ordinary };
        let decoded = decode_rows(row.get(2)?, row.get(3)?, &encoded).ok_or(RingError::Damaged)?;
        rows.extend(decoded.into_iter().map(|row| RingRow {
            sequence,
            meter: meter.clone(),
            attribute,
            keep,
            row,
        }));
    }
    Ok(rows)
}

/// What is not acknowledged of a day.
fn upload(connection: &Connection, of: i64, day: i32) -> Result<Upload, RingError> {
    let (meter, attribute) = source(connection, of)?;
    let mut select = connection.prepare_cached(
        "SELECT sequence, first, arrived, rows FROM segment
         WHERE source = ? AND day = ? AND acknowledged = 0 ORDER BY sequence",
    )?;
    let mut found = select.query(params![of, day])?;
    let (mut first, mut through, mut octets) = (None, 0, 0);
    let mut rows: Vec<BlockRow> = Vec::new();
    while let Some(row) = found.next()? {
        let encoded: Vec<u8> = row.get(3)?;
        // Arrival takes eight octets more in the block than here.
        octets += 2 * encoded.len();
        let starts: u32 = row.get(1)?;
        let follows = first.is_none_or(|first: u32| first as usize + rows.len() == starts as usize);
        if first.is_some() && (octets > BLOCK_OCTETS_MAX / 2 || !follows) {
            break;
        }
        first.get_or_insert(starts);
        through = row.get(0)?;
        let decoded = decode_rows(day.into(), row.get(2)?, &encoded);
        rows.extend(decoded.ok_or(RingError::Damaged)?);
    }
    let block = DayBlock { meter, attribute, day, first: first.unwrap_or_default(), rows };
    Ok(Upload { receipt: Receipt { source: of, day, through }, block })
}

fn source(
    connection: &Connection,
    id: i64,
) -> Result<(LogicalDeviceName, AttributeDescriptor), RingError> {
    let mut select = connection
        .prepare_cached("SELECT meter, class, instance, attribute FROM source WHERE id = ?")?;
    let (meter, attribute) = select.query_row([id], |row| {
        let attribute = AttributeDescriptor {
            class: ClassId(row.get(1)?),
            instance: LogicalName(row.get(2)?),
            attribute: AttributeId(row.get(3)?),
        };
        Ok((row.get::<_, Vec<u8>>(0)?, attribute))
    })?;
    Ok((name(&meter)?, attribute))
}

fn name(octets: &[u8]) -> Result<LogicalDeviceName, RingError> {
    octets.try_into().map_err(|_| RingError::Damaged)
}

#[cfg(test)]
mod tests;
