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

use core::fmt;
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::{self, JoinHandle},
};

use dlms_core::cosem::{AttributeDescriptor, AttributeId, ClassId, LogicalName};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, params};
use tokio::sync::oneshot;

use super::{
    BlockRow, DayBlock, Keep,
    block::{BLOCK_OCTETS_MAX, DAY_S, decode_rows, encode_rows},
};
use crate::nodes::LogicalDeviceName;

/// What waits to be written; whoever has more waits until there is room.
const QUEUE_MAX: usize = 256;
/// What is written in one transaction.
const BATCH_MAX: usize = 64;
/// Missing stretches that are listed; beyond, the oldest is forgotten. Each is some 60 octets.
pub const MISSING_MAX: u32 = 100_000;
/// Seconds by which the clock of a meter may be ahead for its rows to be stored: those of its time
/// zone, if it says none, and some more.
const AHEAD_MAX_S: i64 = DAY_S;
/// The schema of the file. One of another version is left alone.
const VERSION: u32 = 1;

const SCHEMA: &str = "
CREATE TABLE source (
    id INTEGER PRIMARY KEY, meter BLOB NOT NULL, class INTEGER NOT NULL, instance BLOB NOT NULL,
    attribute INTEGER NOT NULL, mark INTEGER, rows_at_mark INTEGER NOT NULL DEFAULT 0,
    rows_of_day INTEGER NOT NULL DEFAULT 0, UNIQUE (meter, class, instance, attribute)
);
CREATE TABLE segment (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, source INTEGER NOT NULL, day INTEGER NOT NULL,
    first INTEGER NOT NULL, arrived INTEGER NOT NULL, keep INTEGER NOT NULL,
    acknowledged INTEGER NOT NULL DEFAULT 0, octets INTEGER NOT NULL, rows BLOB NOT NULL
);
CREATE INDEX segment_to_upload ON segment (source, day, keep, sequence) WHERE acknowledged = 0;
CREATE INDEX segment_to_evict ON segment (acknowledged DESC, keep, day);
CREATE TABLE missing (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, source INTEGER NOT NULL,
    after INTEGER NOT NULL, until INTEGER NOT NULL, reason INTEGER NOT NULL
);
CREATE INDEX missing_of_source ON missing (source, after);
CREATE TABLE settled (
    task TEXT NOT NULL, meter BLOB NOT NULL, slot INTEGER NOT NULL, PRIMARY KEY (task, meter)
) WITHOUT ROWID;
PRAGMA user_version = 1;
";

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
    /// The meter says that it was captured at a time that is still to come: its clock is wrong. It
    /// is not stored, or nothing would be from now until then.
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
    #[error("the file has schema {0}, this program knows {VERSION}")]
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

enum Change {
    Reading(Box<Reading>),
    Acknowledge(Receipt),
    Forget(i64),
    Settled(Box<str>, LogicalDeviceName, i64),
}

struct Queued {
    change: Change,
    reply: oneshot::Sender<Result<u32, RingError>>,
}

/// Something on its way to the disk.
#[derive(Debug)]
#[must_use = "it may fail"]
pub struct Storing(oneshot::Receiver<Result<u32, RingError>>);

impl Storing {
    /// When it is on the disk: how many rows are new.
    ///
    /// # Errors
    /// Every [`RingError`]; then nothing of it is stored.
    pub async fn done(self) -> Result<u32, RingError> {
        self.0.await.map_err(|_| RingError::Closed)?
    }

    /// The same for who has no runtime: it blocks.
    ///
    /// # Errors
    /// As [`done`](Self::done).
    pub fn wait(self) -> Result<u32, RingError> {
        self.0.blocking_recv().map_err(|_| RingError::Closed)?
    }
}

/// The ring, open. Dropping it writes what waits.
pub struct Ring {
    queue: Option<mpsc::SyncSender<Queued>>,
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
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        match connection.pragma_query_value(None, "user_version", |row| row.get(0))? {
            0 => connection.execute_batch(&format!("BEGIN; {SCHEMA} COMMIT;"))?,
            VERSION => {}
            later => return Err(RingError::Version(later)),
        }
        let octets: i64 =
            connection
                .query_row("SELECT COALESCE(SUM(octets), 0) FROM segment", [], |row| row.get(0))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let reader = Mutex::new(Connection::open_with_flags(path, flags)?);
        let (queue, waiting) = mpsc::sync_channel(QUEUE_MAX);
        let octets = octets.unsigned_abs();
        let writer = Writer { connection, limits, octets, oldest: i64::MIN };
        let thread = thread::Builder::new()
            .name("ring".into())
            .spawn(move || writer.run(&waiting))
            .map_err(|_| RingError::Closed)?;
        Ok(Self { queue: Some(queue), thread: Some(thread), reader })
    }

    /// Stores what was read.
    pub fn store(&self, reading: Reading) -> Storing {
        self.enqueue(Change::Reading(Box::new(reading)))
    }

    /// A head-end has stored a day-block.
    pub fn acknowledge(&self, receipt: Receipt) -> Storing {
        self.enqueue(Change::Acknowledge(receipt))
    }

    /// A head-end has taken note of what is missing, up to this number.
    pub fn acknowledge_missing(&self, through: i64) -> Storing {
        self.enqueue(Change::Forget(through))
    }

    /// A slot of a task is settled for a meter.
    pub fn settled(&self, task: &str, meter: LogicalDeviceName, slot: i64) -> Storing {
        self.enqueue(Change::Settled(task.into(), meter, slot))
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

    fn read<T>(
        &self,
        what: impl FnOnce(&Connection) -> Result<T, RingError>,
    ) -> Result<T, RingError> {
        what(&self.reader.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn enqueue(&self, change: Change) -> Storing {
        let (reply, stored) = oneshot::channel();
        if let Some(queue) = &self.queue {
            // When the thread is gone, whoever waits is told so.
            let _ = queue.send(Queued { change, reply });
        }
        Storing(stored)
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

/// The thread.
struct Writer {
    connection: Connection,
    limits: RingLimits,
    /// Of the rows in the file.
    octets: u64,
    /// Days before this one are gone.
    oldest: i64,
}

impl Writer {
    fn run(mut self, waiting: &mpsc::Receiver<Queued>) {
        while let Ok(first) = waiting.recv() {
            let further = waiting.try_iter().take(BATCH_MAX - 1);
            let (changes, replies): (Vec<Change>, Vec<_>) = core::iter::once(first)
                .chain(further)
                .map(|queued| (queued.change, queued.reply))
                .unzip();
            let done = self.commit(&changes);
            if let Err(error) = &done {
                tracing::warn!(%error, "what was read is not stored");
            }
            for (index, reply) in replies.into_iter().enumerate() {
                // Nobody may wait any more.
                let _ = reply.send(done.as_ref().map(|new| new[index]).map_err(RingError::clone));
            }
        }
    }

    /// One transaction: all or nothing.
    fn commit(&mut self, changes: &[Change]) -> Result<Vec<u32>, RingError> {
        let transaction = self.connection.transaction()?;
        let mut octets = self.octets;
        let mut new = Vec::new();
        let mut newest = None;
        for change in changes {
            new.push(match change {
                Change::Reading(reading) => {
                    newest = newest.max(Some(reading.arrived_s));
                    let (rows, more) = store(&transaction, reading)?;
                    octets += more;
                    rows
                }
                Change::Acknowledge(Receipt { source, day, through }) => {
                    transaction
                        .prepare_cached(
                            "UPDATE segment SET acknowledged = 1
                         WHERE source = ? AND day = ? AND sequence <= ?",
                        )?
                        .execute(params![source, day, through])?;
                    0
                }
                Change::Forget(through) => {
                    transaction.execute("DELETE FROM missing WHERE sequence <= ?", [through])?;
                    0
                }
                Change::Settled(task, meter, slot) => {
                    transaction
                        .prepare_cached(
                            "INSERT INTO settled (task, meter, slot) VALUES (?, ?, ?)
                         ON CONFLICT DO UPDATE SET slot = excluded.slot",
                        )?
                        .execute(params![task, meter.octets(), slot])?;
                    0
                }
            });
        }
        let aged = newest.map(|newest| newest.div_euclid(DAY_S) - i64::from(self.limits.days_max));
        let aged = aged.filter(|oldest| *oldest > self.oldest);
        if let Some(oldest) = aged {
            while let Some(less) = evict(&transaction, Some(oldest))? {
                octets = octets.saturating_sub(less);
            }
        }
        while octets > self.limits.octets_max {
            let Some(less) = evict(&transaction, None)? else { break };
            octets = octets.saturating_sub(less);
        }
        transaction
            .prepare_cached(
                "DELETE FROM missing WHERE sequence <= (SELECT MAX(sequence) FROM missing) - ?",
            )?
            .execute([MISSING_MAX])?;
        transaction.commit()?;
        self.octets = octets;
        self.oldest = aged.unwrap_or(self.oldest);
        Ok(new)
    }
}

/// Stores what is new of a reading: how many rows and octets.
fn store(transaction: &Transaction<'_>, reading: &Reading) -> Result<(u32, u64), RingError> {
    let AttributeDescriptor { class, instance, attribute } = reading.attribute;
    let key = params![reading.meter.octets(), class.0, instance.0, attribute.0];
    transaction
        .prepare_cached(
            "INSERT INTO source (meter, class, instance, attribute) VALUES (?, ?, ?, ?)
         ON CONFLICT DO NOTHING",
        )?
        .execute(key)?;
    let (source, mark, mut at_mark, mut of_day): (i64, Option<i64>, u32, u32) = transaction
        .prepare_cached(
            "SELECT id, mark, rows_at_mark, rows_of_day FROM source
             WHERE meter = ? AND class = ? AND instance = ? AND attribute = ?",
        )?
        .query_row(key, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let mut rows = news(reading, mark, at_mark);
    let to_come = rows.partition_point(|(at, _)| *at <= reading.arrived_s + AHEAD_MAX_S);
    if let [(first, _), ..] = rows[to_come..] {
        let until_s = rows.last().map_or(first, |(last, _)| *last) + 1;
        let stretch = Stretch { after_s: first - 1, until_s, reason: Reason::Ahead };
        list_missing(transaction, source, stretch)?;
        rows.truncate(to_come);
    }
    let mut last = mark;
    let (mut count, mut octets) = (0, 0);
    for rows in rows.chunk_by(|one, other| one.0.div_euclid(DAY_S) == other.0.div_euclid(DAY_S)) {
        let day = rows[0].0.div_euclid(DAY_S);
        if last.is_none_or(|last| last.div_euclid(DAY_S) != day) {
            of_day = 0;
        }
        let encoded = encode_rows(day, rows);
        transaction
            .prepare_cached(
                "INSERT INTO segment (source, day, first, arrived, keep, octets, rows)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                source,
                day,
                of_day,
                reading.arrived_s,
                reading.keep == Keep::Billing,
                i64::try_from(encoded.len()).unwrap_or(i64::MAX),
                encoded
            ])?;
        of_day += u32::try_from(rows.len()).unwrap_or(u32::MAX);
        count += u32::try_from(rows.len()).unwrap_or(u32::MAX);
        octets += encoded.len() as u64;
        for (captured_s, _) in rows {
            at_mark = if last == Some(*captured_s) { at_mark + 1 } else { 1 };
            last = Some(*captured_s);
        }
    }
    transaction
        .prepare_cached(
            "UPDATE source SET mark = ?, rows_at_mark = ?, rows_of_day = ? WHERE id = ?",
        )?
        .execute(params![last, at_mark, of_day, source])?;
    // What was listed when it was read the first time is before the mark.
    for stretch in &reading.missing {
        if mark.is_none_or(|mark| stretch.after_s >= mark) {
            list_missing(transaction, source, *stretch)?;
        }
    }
    Ok((count, octets))
}

/// The rows that are not stored, in ascending order of capture.
fn news(reading: &Reading, mark: Option<i64>, at_mark: u32) -> Vec<(i64, Vec<u8>)> {
    let mut rows = reading.rows.clone();
    // Stable: rows of one second stay in the order of the meter.
    rows.sort_by_key(|(captured_s, _)| *captured_s);
    if reading.period_s > 0 {
        rows.dedup_by_key(|(captured_s, _)| *captured_s);
        rows.retain(|(captured_s, _)| mark.is_none_or(|mark| *captured_s > mark));
        return rows;
    }
    let mut known = at_mark;
    rows.retain(|(captured_s, _)| {
        let Some(mark) = mark else { return true };
        if *captured_s == mark && known > 0 {
            known -= 1;
            return false;
        }
        *captured_s >= mark
    });
    rows
}

/// Lets the segment go that is missed least, of those before a day if there is one: its octets.
fn evict(transaction: &Transaction<'_>, before: Option<i64>) -> Result<Option<u64>, RingError> {
    let victim = transaction
        .prepare_cached(
            "SELECT sequence, source, day, arrived, acknowledged, octets, rows FROM segment
             WHERE ?1 IS NULL OR day < ?1 ORDER BY acknowledged DESC, keep, day LIMIT 1",
        )?
        .query_row([before], |row| {
            let key: (i64, i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            Ok((key, row.get::<_, bool>(4)?, row.get::<_, i64>(5)?, row.get::<_, Vec<u8>>(6)?))
        })
        .optional()?;
    let Some(((sequence, source, day, arrived), acknowledged, octets, rows)) = victim else {
        return Ok(None);
    };
    transaction.prepare_cached("DELETE FROM segment WHERE sequence = ?")?.execute([sequence])?;
    if !acknowledged {
        let rows = decode_rows(day, arrived, &rows).ok_or(RingError::Damaged)?;
        if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
            let (after_s, until_s) = (first.captured_s - 1, last.captured_s + 1);
            let stretch = Stretch { after_s, until_s, reason: Reason::Evicted };
            list_missing(transaction, source, stretch)?;
        }
    }
    Ok(Some(octets.unsigned_abs()))
}

fn list_missing(
    transaction: &Transaction<'_>,
    source: i64,
    Stretch { after_s, until_s, reason }: Stretch,
) -> Result<(), RingError> {
    transaction
        .prepare_cached(
            "INSERT INTO missing (source, after, until, reason) SELECT ?1, ?2, ?3, ?4
         WHERE NOT EXISTS
         (SELECT 1 FROM missing WHERE source = ?1 AND after = ?2 AND until = ?3 AND reason = ?4)",
        )?
        .execute(params![source, after_s, until_s, reason.code()])?;
    Ok(())
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
