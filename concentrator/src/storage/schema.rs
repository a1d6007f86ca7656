//! The schema of the file, and what is read from it at the start.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{QUEUE_MAX, Restored, Setting, StoredNode, commit::Totals};
use crate::nodes::{LogicalDeviceName, Node, Place};

/// What stands before the host and port of a meter that is reached by datagrams.
pub(super) const UDP: &str = "udp ";

/// What brings the file from each version to the next. An entry that was released is never changed.
const STEPS: [&str; 1] = ["
    CREATE TABLE setting (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE spool (
        sequence INTEGER PRIMARY KEY,
        epoch INTEGER NOT NULL,
        arrived_ms INTEGER NOT NULL,
        sap INTEGER NOT NULL,
        client INTEGER NOT NULL,
        name BLOB NOT NULL,
        apdu BLOB NOT NULL
    );
    CREATE TABLE node (
        name BLOB PRIMARY KEY,
        sap INTEGER NOT NULL,
        medium TEXT,
        medium_number INTEGER NOT NULL,
        endpoint TEXT,
        physical INTEGER,
        server INTEGER NOT NULL,
        present INTEGER NOT NULL,
        changed INTEGER NOT NULL,
        last_seen INTEGER,
        parent BLOB,
        quality INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE received (title BLOB PRIMARY KEY, counter INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE event (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, code INTEGER NOT NULL);
"];
/// The newest version.
pub(super) const VERSION: u32 = STEPS.len() as u32;

/// The last sequence number that was stored, whether or not it is still there.
pub(super) const SEQUENCE: &str = "sequence";
/// Whether the process ended by closing the file.
pub(super) const CLEAN: &str = "clean";
/// How many pushes made room for later ones.
pub(super) const EVICTED: &str = "evicted";
/// The push up to which all are acknowledged.
pub(super) const ACKNOWLEDGED: &str = "acknowledged";

/// Brings the file to the newest version; its version if that is later still.
pub(super) fn bring_forward(connection: &mut Connection) -> rusqlite::Result<Option<u32>> {
    let found: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > VERSION {
        return Ok(Some(found));
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    for (step, version) in STEPS.iter().zip(1..).skip(found as usize) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(None)
}

/// Reads everything but the pushes, and notes that the file is in use.
pub(super) fn restore(connection: &mut Connection) -> rusqlite::Result<Restored> {
    let transaction = connection.transaction()?;
    let number = |name: &str| -> rusqlite::Result<Option<u64>> {
        transaction
            .query_row("SELECT value FROM setting WHERE name = ?1", [name], |row| row.get(0))
            .optional()
    };
    let mut settings = BTreeMap::new();
    for setting in [Setting::Epoch, Setting::TableEpoch, Setting::Counter] {
        settings.extend(number(setting.name())?.map(|value| (setting.name(), value)));
    }
    let clean = number(CLEAN)?;
    let crashed = clean == Some(0);
    let mut last = number(SEQUENCE)?.unwrap_or(0);
    if crashed {
        // As many may have been given out that were not stored.
        last += QUEUE_MAX as u64;
    }
    let (entries, octets): (u64, u64) = transaction.query_row(
        "SELECT count(*), coalesce(sum(length(apdu) + length(name)), 0) FROM spool",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let stored: Option<u64> =
        transaction.query_row("SELECT max(sequence) FROM spool", [], |row| row.get(0))?;
    let first: Option<u64> =
        transaction.query_row("SELECT min(sequence) FROM spool", [], |row| row.get(0))?;
    let acknowledged = number(ACKNOWLEDGED)?.unwrap_or(0);
    let totals = Totals {
        entries,
        octets,
        first,
        stored: stored.unwrap_or(0).max(acknowledged),
        acknowledged,
        evicted: number(EVICTED)?.unwrap_or(0),
    };
    let nodes = all(&transaction, "SELECT * FROM node ORDER BY sap", node)?;
    let received = all(&transaction, "SELECT title, counter FROM received", |row| {
        Ok((row.get::<_, [u8; 8]>(0)?, row.get(1)?))
    })?;
    let events = all(&transaction, "SELECT number, at, code FROM event ORDER BY number", |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    set(&transaction, CLEAN, 0)?;
    set(&transaction, SEQUENCE, last)?;
    transaction.commit()?;
    Ok(Restored {
        settings,
        nodes,
        received: received.into_iter().collect(),
        events,
        crashed,
        next: last + 1,
        totals,
    })
}

pub(super) fn set(transaction: &Transaction<'_>, name: &str, value: u64) -> rusqlite::Result<()> {
    let mut replace =
        transaction.prepare_cached("INSERT OR REPLACE INTO setting VALUES (?1, ?2)")?;
    replace.execute(params![name, value]).map(|_| ())
}

fn all<T>(
    transaction: &Transaction<'_>,
    select: &str,
    row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    transaction.prepare(select)?.query_map([], row)?.collect()
}

fn node(row: &Row<'_>) -> rusqlite::Result<StoredNode> {
    let name = |column: &str| -> rusqlite::Result<Option<LogicalDeviceName>> {
        let octets: Option<Vec<u8>> = row.get(column)?;
        octets
            .map(|octets| LogicalDeviceName::try_from(&octets[..]))
            .transpose()
            .map_err(|error| wrong(column, error))
    };
    let endpoint: Option<String> = row.get("endpoint")?;
    let place = match endpoint {
        Some(endpoint) => {
            let (place, endpoint): (fn(_) -> _, _) = match endpoint.strip_prefix(UDP) {
                Some(endpoint) => (Place::Datagrams, endpoint),
                None => (Place::Endpoint, &*endpoint),
            };
            place(endpoint.parse().map_err(|error| wrong("endpoint", error))?)
        }
        None => Place::Physical(row.get("physical")?),
    };
    Ok(StoredNode {
        medium: row.get("medium")?,
        node: Node {
            name: name("name")?.ok_or(rusqlite::Error::InvalidQuery)?,
            sap: row.get("sap")?,
            medium: row.get("medium_number")?,
            place,
            server: row.get("server")?,
            present: row.get("present")?,
            changed: row.get("changed")?,
            last_seen: row.get("last_seen")?,
            parent: name("parent")?,
            quality: row.get("quality")?,
        },
    })
}

/// A value that nobody here wrote.
fn wrong(column: &str, error: impl core::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    tracing::error!(column, %error, "the table of meters is not ours");
    let kind = rusqlite::types::Type::Null;
    rusqlite::Error::FromSqlConversionFailure(0, kind, Box::new(error))
}
