//! The ledger: what the collection must know after a power cut beside the rows themselves. Orders
//! and what became of them, and the invocation counters of the reading client.
//!
//! ```text
//!    accepted ──► started ──► done | refused | unknown ──► acknowledged, forgotten
//!        └──────────────────► refused | expired ─────────┘
//! ```
//!
//! Each step is on the disk before what follows from it is done: an order before its head-end is
//! told that it was taken, its start before the request goes out, its result before it is shown. So
//! whenever the power goes, an order that changes something is carried out once at most. What was
//! started and has no result is not begun again: it is looked up, and told as *unknown*.
//!
//! A counter is used with one key once: blocks are reserved here before anything is sent with them,
//! for all meters that share the key together, and never lowered. Of a key the file holds the first
//! eight hexadecimal digits of its SHA-256.
//!
//! Everything here waits for the disk: whoever routes does not call it but through a thread.

use core::ops::Range;
use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use dlms_core::{
    axdr::RawData,
    cosem::concentrator::collection::{Order, OrderState},
    security::{CryptoProvider, Key, ReceiveCounter, Received, RustCrypto, SystemTitle},
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{Cause, ORDERS_MAX, ORDERS_REMEMBERED_MAX, Outcome};
use crate::nodes::LogicalDeviceName;

/// Results that are kept until they are acknowledged; beyond, the oldest goes. An order to 1,200
/// meters has as many.
pub const RESULTS_MAX: u32 = 100_000;
/// The first counter of a key: the standard lets the first be 0 or 1.
const FIRST_COUNTER: u32 = 1;
/// The schema of the file. One of another version is left alone.
const VERSION: u32 = 1;
const SCHEMA: &str = "
CREATE TABLE entry (
    id INTEGER PRIMARY KEY, body BLOB NOT NULL, open INTEGER NOT NULL, taken INTEGER NOT NULL
);
CREATE INDEX entry_taken ON entry (open, taken);
CREATE TABLE started (
    entry INTEGER NOT NULL, meter BLOB NOT NULL, PRIMARY KEY (entry, meter)
) WITHOUT ROWID;
CREATE TABLE result (
    number INTEGER PRIMARY KEY AUTOINCREMENT, entry INTEGER NOT NULL, meter BLOB NOT NULL,
    at INTEGER NOT NULL, state INTEGER NOT NULL, cause TEXT NOT NULL, value BLOB NOT NULL,
    acknowledged INTEGER NOT NULL DEFAULT 0, UNIQUE (entry, meter)
);
CREATE TABLE counter (key TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE received (
    key TEXT NOT NULL, meter BLOB NOT NULL, title BLOB NOT NULL, counter INTEGER NOT NULL,
    PRIMARY KEY (key, meter)
) WITHOUT ROWID;
PRAGMA user_version = 1;
";

/// Why the ledger does not take something.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LedgerError {
    /// The database cannot be opened, read or written.
    #[error("{0}")]
    Database(Arc<rusqlite::Error>),
    /// Another version of the program wrote the file. It was left as it is.
    #[error("the file has schema {0}, this program knows {VERSION}")]
    Version(u32),
    /// What is in the file makes no sense.
    #[error("the file is damaged")]
    Damaged,
    /// Another order has this number.
    #[error("there was another order with this number; give each a number of its own")]
    Other,
    /// Too many are not done.
    #[error("{ORDERS_MAX} orders are under way; wait until one is done")]
    TooMany,
    /// All counters of a key were used.
    #[error("all invocation counters of this key were used; the key must be changed")]
    Exhausted,
}

impl From<rusqlite::Error> for LedgerError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

/// Whether an order was begun at a meter before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is begun now.
    Now,
    /// It was begun before, and how that ended is not known.
    Before,
}

/// An order, and how far it has come.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderStatus {
    /// The order.
    pub order: Order,
    /// Whether something of it may still be done.
    pub open: bool,
    /// At how many meters it was begun, whatever came of it.
    pub started: u32,
    /// How many results there are that were not acknowledged.
    pub results: u32,
}

/// What became of an order at a meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResult {
    /// The number to acknowledge it by.
    pub number: i64,
    /// The order.
    pub order: u64,
    /// The meter; None for an order that meant none, or was not taken after all.
    pub meter: Option<LogicalDeviceName>,
    /// When, in seconds since 1970.
    pub at_s: i64,
    /// How it ended.
    pub state: OrderState,
    /// Why it was not done; empty for one that was.
    pub cause: String,
    /// Encoded Data that was read, returned or looked up, one after the other.
    pub value: Vec<u8>,
}

/// A key of the reading client, without the key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CounterKey(String);

impl CounterKey {
    /// That of `client` with `key`.
    #[must_use]
    pub fn new(client: SystemTitle, key: &Key) -> Self {
        // No key is too long to be hashed.
        let digest = RustCrypto.sha256(&[key.octets()]).unwrap_or_default();
        let [a, b, c, d, ..] = digest;
        Self(format!("{client} {a:02x}{b:02x}{c:02x}{d:02x}"))
    }
}

/// The ledger, open.
#[derive(Debug)]
pub struct Ledger(Mutex<Connection>);

impl Ledger {
    /// Opens the file at `path`, or makes it.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Version`].
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        match connection.pragma_query_value(None, "user_version", |row| row.get(0))? {
            0 => connection.execute_batch(&format!("BEGIN; {SCHEMA} COMMIT;"))?,
            VERSION => {}
            later => return Err(LedgerError::Version(later)),
        }
        Ok(Self(Mutex::new(connection)))
    }

    /// Takes an order at this moment; true when it is new. The same once more changes nothing.
    ///
    /// # Errors
    /// [`LedgerError::Other`], [`LedgerError::TooMany`], [`LedgerError::Database`].
    pub fn accept(&self, now_s: i64, order: &Order) -> Result<bool, LedgerError> {
        let body = order.to_data().to_octets();
        let id = order.id as i64;
        self.change(|transaction| {
            let known: Option<Vec<u8>> = transaction
                .query_row("SELECT body FROM entry WHERE id = ?", [id], |row| row.get(0))
                .optional()?;
            if let Some(known) = known {
                return if known == body { Ok(false) } else { Err(LedgerError::Other) };
            }
            let open: usize =
                transaction
                    .query_row("SELECT COUNT(*) FROM entry WHERE open = 1", [], |row| row.get(0))?;
            if open >= ORDERS_MAX {
                return Err(LedgerError::TooMany);
            }
            transaction.execute(
                "INSERT INTO entry (id, body, open, taken) VALUES (?, ?, 1, ?)",
                params![id, body, now_s],
            )?;
            transaction.execute(
                "DELETE FROM entry WHERE open = 0 AND id NOT IN
                 (SELECT id FROM entry WHERE open = 0 ORDER BY taken DESC LIMIT ?)
                 AND id NOT IN (SELECT entry FROM result)",
                [ORDERS_REMEMBERED_MAX],
            )?;
            Ok(true)
        })
    }

    /// The orders that are not done, in the order in which they came, each with the meters at which
    /// it is.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Damaged`].
    pub fn open_orders(&self) -> Result<Vec<(Order, BTreeSet<LogicalDeviceName>)>, LedgerError> {
        self.change(|transaction| {
            let mut select = transaction
                .prepare("SELECT id, body FROM entry WHERE open = 1 ORDER BY taken, id")?;
            let mut entries = select.query([])?;
            let mut found = Vec::new();
            while let Some(row) = entries.next()? {
                let (id, body): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
                let mut done = transaction.prepare("SELECT meter FROM result WHERE entry = ?")?;
                let done = done.query_map([id], |row| row.get::<_, Vec<u8>>(0))?;
                let done = done.map(|meter| name(&meter?));
                found.push((order(&body)?, done.collect::<Result<_, _>>()?));
            }
            Ok(found)
        })
    }

    /// The orders that are remembered, the newest first; at most so many.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Damaged`].
    pub fn orders(&self, max: u32) -> Result<Vec<OrderStatus>, LedgerError> {
        self.change(|transaction| {
            let mut select = transaction.prepare(
                "SELECT body, open, (SELECT COUNT(*) FROM started WHERE started.entry = id),
                 (SELECT COUNT(*) FROM result WHERE result.entry = id AND acknowledged = 0)
                 FROM entry ORDER BY taken DESC, id DESC LIMIT ?",
            )?;
            let mut rows = select.query([max])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(OrderStatus {
                    order: order(&row.get::<_, Vec<u8>>(0)?)?,
                    open: row.get(1)?,
                    started: row.get(2)?,
                    results: row.get(3)?,
                });
            }
            Ok(found)
        })
    }

    /// An order is begun at a meter, before the request that changes something goes out.
    ///
    /// # Errors
    /// [`LedgerError::Database`]: then it must not go out.
    pub fn start(&self, order: u64, meter: &LogicalDeviceName) -> Result<Begun, LedgerError> {
        self.change(|transaction| {
            let new = transaction.execute(
                "INSERT INTO started (entry, meter) VALUES (?, ?) ON CONFLICT DO NOTHING",
                params![order as i64, meter.octets()],
            )?;
            Ok(if new == 1 { Begun::Now } else { Begun::Before })
        })
    }

    /// What became of an order at a meter. The first result stays.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub fn finish(
        &self,
        now_s: i64,
        order: u64,
        meter: &LogicalDeviceName,
        outcome: Outcome,
        value: &[u8],
    ) -> Result<(), LedgerError> {
        self.change(|transaction| {
            let started = transaction
                .query_row(
                    "SELECT 1 FROM started WHERE entry = ? AND meter = ?",
                    params![order as i64, meter.octets()],
                    |_| Ok(()),
                )
                .optional()?
                .is_some();
            let (state, cause) = match outcome {
                Outcome::Done => (OrderState::Done, String::new()),
                Outcome::Failed(cause) => (state(cause, started), cause.to_string()),
            };
            insert(transaction, now_s, order, meter.octets(), state, &cause, value)
        })
    }

    /// All that can be done of an order is done. `refused` says why nothing was.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub fn close(
        &self,
        now_s: i64,
        order: u64,
        refused: Option<(OrderState, &str)>,
    ) -> Result<(), LedgerError> {
        self.change(|transaction| {
            if let Some((state, cause)) = refused {
                // What was begun before the power went, and is not here any more.
                let mut begun = transaction.prepare(
                    "SELECT meter FROM started WHERE entry = ?1 AND meter NOT IN
                     (SELECT meter FROM result WHERE entry = ?1)",
                )?;
                let begun = begun.query_map([order as i64], |row| row.get::<_, Vec<u8>>(0))?;
                for meter in begun.collect::<Result<Vec<_>, _>>()? {
                    let unknown = OrderState::Unknown;
                    insert(transaction, now_s, order, &meter, unknown, cause, &[])?;
                }
                insert(transaction, now_s, order, &[], state, cause, &[])?;
            }
            transaction.execute("UPDATE entry SET open = 0 WHERE id = ?", [order as i64])?;
            transaction.execute("DELETE FROM started WHERE entry = ?", [order as i64])?;
            Ok(())
        })
    }

    /// Results with these numbers that are not acknowledged, in their order; at most so many.
    ///
    /// # Errors
    /// [`LedgerError::Database`], [`LedgerError::Damaged`].
    pub fn results(
        &self,
        first: i64,
        last: i64,
        max: usize,
    ) -> Result<Vec<StoredResult>, LedgerError> {
        self.change(|transaction| {
            let mut select = transaction.prepare_cached(
                "SELECT number, entry, meter, at, state, cause, value FROM result
                 WHERE acknowledged = 0 AND number BETWEEN ? AND ? ORDER BY number LIMIT ?",
            )?;
            let max = i64::try_from(max).unwrap_or(i64::MAX);
            let mut rows = select.query(params![first, last, max])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let meter: Vec<u8> = row.get(2)?;
                found.push(StoredResult {
                    number: row.get(0)?,
                    order: row.get::<_, i64>(1)? as u64,
                    meter: if meter.is_empty() { None } else { Some(name(&meter)?) },
                    at_s: row.get(3)?,
                    state: OrderState::from_code(row.get(4)?).ok_or(LedgerError::Damaged)?,
                    cause: row.get(5)?,
                    value: row.get(6)?,
                });
            }
            Ok(found)
        })
    }

    /// How many results are not acknowledged.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub fn results_waiting(&self) -> Result<u32, LedgerError> {
        self.change(|transaction| {
            let count = "SELECT COUNT(*) FROM result WHERE acknowledged = 0";
            Ok(transaction.query_row(count, [], |row| row.get(0))?)
        })
    }

    /// A head-end has stored the results up to this number.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub fn acknowledge(&self, through: i64) -> Result<(), LedgerError> {
        self.change(|transaction| {
            // Of an order that is not done they tell at which meters it is.
            transaction
                .execute("UPDATE result SET acknowledged = 1 WHERE number <= ?", [through])?;
            transaction.execute(
                "DELETE FROM result WHERE acknowledged = 1 AND entry NOT IN
                 (SELECT id FROM entry WHERE open = 1)",
                [],
            )?;
            Ok(())
        })
    }

    /// Takes `count` counters of a key, fewer at the end of its life. They are spent when this
    /// returns.
    ///
    /// # Errors
    /// [`LedgerError::Exhausted`], [`LedgerError::Database`].
    pub fn reserve(&self, key: &CounterKey, count: u32) -> Result<Range<u32>, LedgerError> {
        self.change(|transaction| {
            let next: Option<u32> = transaction
                .query_row("SELECT next FROM counter WHERE key = ?", [&key.0], |row| row.get(0))
                .optional()?;
            let start = next.unwrap_or(FIRST_COUNTER);
            // The largest is never used (IEC 62056-5-3, security suite 0).
            let end = start.saturating_add(count);
            if start >= end {
                return Err(LedgerError::Exhausted);
            }
            transaction.execute(
                "INSERT INTO counter (key, next) VALUES (?, ?)
                 ON CONFLICT DO UPDATE SET next = MAX(next, excluded.next)",
                params![key.0, end],
            )?;
            Ok(start..end)
        })
    }

    /// What was accepted last from a meter under a key.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub fn received(
        &self,
        key: &CounterKey,
        meter: &LogicalDeviceName,
    ) -> Result<Option<Received>, LedgerError> {
        self.change(|transaction| {
            let received = transaction.query_row(
                "SELECT title, counter FROM received WHERE key = ? AND meter = ?",
                params![key.0, meter.octets()],
                |row| {
                    Ok(Received {
                        originator: SystemTitle(row.get(0)?),
                        counter: ReceiveCounter::after(row.get(1)?),
                    })
                },
            );
            Ok(received.optional()?)
        })
    }

    /// Remembers what was accepted; never lowered as long as it is the same meter.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub fn accept_received(
        &self,
        key: &CounterKey,
        meter: &LogicalDeviceName,
        received: Received,
    ) -> Result<(), LedgerError> {
        let Some(last) = received.counter.last() else { return Ok(()) };
        self.change(|transaction| {
            transaction.execute(
                "INSERT INTO received (key, meter, title, counter) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET title = ?3, counter =
                 CASE WHEN title = ?3 THEN MAX(counter, ?4) ELSE ?4 END",
                params![key.0, meter.octets(), received.originator.0, last],
            )?;
            Ok(())
        })
    }

    /// One transaction: all or nothing.
    fn change<T>(
        &self,
        what: impl FnOnce(&Transaction<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let done = what(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // What a panic left behind is a transaction that was rolled back.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How an order ended that failed for this cause.
const fn state(cause: Cause, started: bool) -> OrderState {
    match cause {
        // The meter, or whoever keeps the keys, has said no.
        Cause::Refused | Cause::Security if started => OrderState::Refused,
        _ if started => OrderState::Unknown,
        Cause::Unknown => OrderState::Unknown,
        Cause::Refused | Cause::Security | Cause::Malformed | Cause::Undated | Cause::Gone => {
            OrderState::Refused
        }
        Cause::Busy | Cause::Unreachable | Cause::NotStored | Cause::Expired => OrderState::Expired,
    }
}

fn insert(
    transaction: &Transaction<'_>,
    at_s: i64,
    order: u64,
    meter: &[u8],
    state: OrderState,
    cause: &str,
    value: &[u8],
) -> Result<(), LedgerError> {
    transaction.execute(
        "INSERT INTO result (entry, meter, at, state, cause, value) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING",
        params![order as i64, meter, at_s, state as u8, cause, value],
    )?;
    transaction.execute(
        "DELETE FROM result WHERE number <= (SELECT MAX(number) FROM result) - ?",
        [RESULTS_MAX],
    )?;
    Ok(())
}

fn order(body: &[u8]) -> Result<Order, LedgerError> {
    let data = RawData::from_octets(body).and_then(|raw| raw.data());
    data.ok().as_ref().and_then(Order::from_data).ok_or(LedgerError::Damaged)
}

fn name(octets: &[u8]) -> Result<LogicalDeviceName, LedgerError> {
    octets.try_into().map_err(|_| LedgerError::Damaged)
}

#[cfg(test)]
mod tests;
