//! The thread that writes: one transaction of all that waits.

use core::mem;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use dlms_core::cosem::AttributeDescriptor;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use tokio::sync::{mpsc, oneshot};

use super::{MISSING_MAX, Reading, Reason, Receipt, RingError, RingLimits, Stretch};
use crate::{
    collection::{
        Keep,
        block::{DAY_S, decode_rows, encode_rows},
    },
    nodes::LogicalDeviceName,
};

/// What is written in one transaction.
const BATCH_MAX: usize = 64;
/// Seconds by which the clock of a meter may be ahead without being told: those of a daylight
/// saving that it does not know.
const AHEAD_MAX_S: i64 = 3_600;

/// The last slot that was settled, by task and meter.
pub(super) type Settled = BTreeMap<(Box<str>, LogicalDeviceName), i64>;

pub(super) enum Change {
    Reading(Box<Reading>),
    Acknowledge(Receipt),
    AcknowledgeThrough(i64),
    Forget(i64),
    /// But what was settled.
    Nothing,
}

pub(super) struct Queued {
    pub(super) change: Change,
    pub(super) reply: oneshot::Sender<Result<u32, RingError>>,
}

/// The thread.
pub(super) struct Writer {
    connection: Connection,
    limits: RingLimits,
    settled: Arc<Mutex<Settled>>,
    /// Of the rows in the file.
    octets: u64,
    /// Days before this one are gone.
    oldest: i64,
}

impl Writer {
    pub(super) const fn new(
        connection: Connection,
        limits: RingLimits,
        octets: u64,
        settled: Arc<Mutex<Settled>>,
    ) -> Self {
        Self { connection, limits, settled, octets, oldest: i64::MIN }
    }

    pub(super) fn run(mut self, mut waiting: mpsc::Receiver<Queued>) {
        while let Some(first) = waiting.blocking_recv() {
            let further = core::iter::from_fn(|| waiting.try_recv().ok()).take(BATCH_MAX - 1);
            let (changes, replies): (Vec<Change>, Vec<_>) = core::iter::once(first)
                .chain(further)
                .map(|queued| (queued.change, queued.reply))
                .unzip();
            let settled = mem::take(&mut *self.lock_settled());
            let done = self.commit(&changes, &settled);
            if let Err(error) = &done {
                tracing::warn!(%error, "what was read is not stored");
                let mut later = self.lock_settled();
                for (of, slot) in settled {
                    later.entry(of).or_insert(slot);
                }
            }
            for (index, reply) in replies.into_iter().enumerate() {
                // Nobody may wait any more.
                let _ = reply.send(done.as_ref().map(|new| new[index]).map_err(RingError::clone));
            }
        }
    }

    fn lock_settled(&self) -> MutexGuard<'_, Settled> {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One transaction: all or nothing.
    fn commit(&mut self, changes: &[Change], settled: &Settled) -> Result<Vec<u32>, RingError> {
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
                Change::AcknowledgeThrough(through) => {
                    transaction.execute(
                        "UPDATE segment SET acknowledged = 1
                         WHERE acknowledged = 0 AND sequence <= ?",
                        [through],
                    )?;
                    0
                }
                Change::Forget(through) => {
                    transaction.execute("DELETE FROM missing WHERE sequence <= ?", [through])?;
                    0
                }
                Change::Nothing => 0,
            });
        }
        for ((task, meter), slot) in settled {
            transaction
                .prepare_cached(
                    "INSERT INTO settled (task, meter, slot) VALUES (?, ?, ?)
                     ON CONFLICT DO UPDATE SET slot = excluded.slot",
                )?
                .execute(params![task, meter.octets(), slot])?;
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
    let ahead = rows.partition_point(|(at, _)| *at <= reading.arrived_s + AHEAD_MAX_S);
    if let [(first, _), ..] = rows[ahead..] {
        let until_s = rows.last().map_or(first, |(last, _)| *last) + 1;
        let stretch = Stretch { after_s: first - 1, until_s, reason: Reason::Ahead };
        list_missing(transaction, source, stretch)?;
    }
    // The mark is never in the future: when the clock of the meter is set right, what it captures
    // from then on would be taken for known. What is to come is read again when it has come.
    rows.truncate(rows.partition_point(|(at, _)| *at <= reading.arrived_s));
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
                "INSERT INTO segment (source, day, first, arrived, keep, octets, rows, count)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                source,
                day,
                of_day,
                reading.arrived_s,
                reading.keep == Keep::Billing,
                i64::try_from(encoded.len()).unwrap_or(i64::MAX),
                encoded,
                i64::try_from(rows.len()).unwrap_or(i64::MAX),
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
