//! One transaction.

use rusqlite::{Connection, Transaction, params};

use super::{
    Changes, StoredNode,
    schema::UDP,
    schema::{ACKNOWLEDGED, CLEAN, EVICTED, SEQUENCE, set},
};
use crate::{
    nodes::{LogicalDeviceName, Place},
    spool::{Entry, SpoolLimits},
};

/// Events that are kept: a year of three a day.
pub const EVENTS_MAX: usize = 1_000;

/// What one transaction takes.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) pushes: Vec<Entry>,
    pub(super) acknowledged: Option<u64>,
    pub(super) changes: Changes,
}

/// What of the spool is in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) entries: u64,
    pub(crate) octets: u64,
    /// The oldest that is there.
    pub(crate) first: Option<u64>,
    /// The last that was stored.
    pub(crate) stored: u64,
    /// All up to this one are acknowledged.
    pub(crate) acknowledged: u64,
    /// How many made room for later ones, ever.
    pub(crate) evicted: u64,
}

/// Writes `batch`, all or nothing. `totals` are those of the file before, and after.
pub(super) fn commit(
    connection: &mut Connection,
    batch: &Batch,
    limits: &SpoolLimits,
    totals: &mut Totals,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    if let Some(last) = batch.acknowledged {
        delete(&transaction, last, totals)?;
        totals.acknowledged = last;
        set(&transaction, ACKNOWLEDGED, last)?;
    }
    for entry in &batch.pushes {
        insert(&transaction, entry)?;
        totals.entries += 1;
        totals.octets += entry.octets() as u64;
        totals.first = totals.first.or(Some(entry.sequence));
        totals.stored = entry.sequence;
    }
    if !batch.pushes.is_empty() {
        set(&transaction, SEQUENCE, totals.stored)?;
        evict(&transaction, limits, totals)?;
    }
    let Changes { settings, nodes, received, events } = &batch.changes;
    for (setting, value) in settings {
        set(&transaction, setting.name(), *value)?;
    }
    for (name, node) in nodes {
        save(&transaction, name, node.as_ref())?;
    }
    for (title, counter) in received {
        transaction
            .prepare_cached("INSERT OR REPLACE INTO received VALUES (?1, ?2)")?
            .execute(params![title, counter])?;
    }
    for (number, (at, code)) in events {
        transaction
            .prepare_cached("INSERT OR REPLACE INTO event VALUES (?1, ?2, ?3)")?
            .execute(params![number, at, code])?;
    }
    if let Some((last, _)) = events.last_key_value() {
        let oldest = last.saturating_sub(EVENTS_MAX as u64);
        transaction.execute("DELETE FROM event WHERE number <= ?1", [oldest])?;
    }
    transaction.commit()
}

/// Notes that nothing was given out that is not stored.
pub(super) fn close(connection: &mut Connection, next: u64) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    set(&transaction, SEQUENCE, next.saturating_sub(1))?;
    set(&transaction, CLEAN, 1)?;
    transaction.commit()
}

fn insert(transaction: &Transaction<'_>, entry: &Entry) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT INTO spool VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
        .execute(params![
            entry.sequence,
            entry.epoch,
            entry.arrived_ms,
            entry.sap,
            entry.client,
            entry.name.octets(),
            &entry.apdu[..],
        ])
        .map(|_| ())
}

/// Deletes all pushes up to `last`.
fn delete(transaction: &Transaction<'_>, last: u64, totals: &mut Totals) -> rusqlite::Result<()> {
    let (entries, octets): (u64, u64) = transaction
        .prepare_cached(
            "SELECT count(*), coalesce(sum(length(apdu) + length(name)), 0) \
             FROM spool WHERE sequence <= ?1",
        )?
        .query_row([last], |row| Ok((row.get(0)?, row.get(1)?)))?;
    transaction.prepare_cached("DELETE FROM spool WHERE sequence <= ?1")?.execute([last])?;
    totals.entries -= entries;
    totals.octets -= octets;
    totals.first = transaction
        .prepare_cached("SELECT min(sequence) FROM spool")?
        .query_row([], |row| row.get(0))?;
    Ok(())
}

/// Deletes the oldest pushes that are beyond the limits.
fn evict(
    transaction: &Transaction<'_>,
    limits: &SpoolLimits,
    totals: &mut Totals,
) -> rusqlite::Result<()> {
    let (mut entries, mut octets) = (totals.entries, totals.octets);
    let mut last = None;
    {
        let mut oldest = transaction.prepare_cached(
            "SELECT sequence, length(apdu) + length(name) FROM spool ORDER BY sequence",
        )?;
        let mut oldest = oldest.query([])?;
        while entries > u64::from(limits.entries_max) || octets > limits.octets_max {
            let Some(row) = oldest.next()? else { break };
            last = Some(row.get(0)?);
            entries -= 1;
            octets -= row.get::<_, u64>(1)?;
        }
    }
    let Some(last) = last else { return Ok(()) };
    totals.evicted += totals.entries - entries;
    delete(transaction, last, totals)?;
    set(transaction, EVICTED, totals.evicted)
}

fn save(
    transaction: &Transaction<'_>,
    name: &LogicalDeviceName,
    stored: Option<&StoredNode>,
) -> rusqlite::Result<()> {
    let Some(StoredNode { node, medium }) = stored else {
        return transaction
            .prepare_cached("DELETE FROM node WHERE name = ?1")?
            .execute([name.octets()])
            .map(|_| ());
    };
    let (endpoint, physical) = match &node.place {
        Place::Endpoint(endpoint) => (Some(endpoint.to_string()), None),
        Place::Datagrams(endpoint) => (Some(format!("{UDP}{endpoint}")), None),
        Place::Physical(physical) => (None, Some(*physical)),
    };
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO node \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            name.octets(),
            node.sap,
            medium,
            node.medium,
            endpoint,
            physical,
            node.server,
            node.present,
            node.changed,
            node.last_seen,
            node.parent.as_ref().map(LogicalDeviceName::octets),
            node.quality,
        ])
        .map(|_| ())
}
