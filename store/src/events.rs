//! What meters report, and what the head-end notices itself: alarms, power failures, a disconnect
//! that was refused, an answer that failed its check.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::{
    error::StoreError,
    file::Store,
    metering::{MeterId, moment},
};

/// How much of an alarm it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Severity {
    /// Nobody need do anything.
    #[default]
    Notice = 0,
    /// Somebody should look at it.
    Warning = 1,
    /// Somebody must look at it.
    Alarm = 2,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// When, by whoever noticed it.
    pub at: Timestamp,
    /// At which meter, if at one.
    pub meter: Option<MeterId>,
    /// The logical name of the log or object that reported it, or the part of the program.
    pub source: String,
    /// The code that it has there.
    pub code: i64,
    /// How much of an alarm.
    pub severity: Severity,
    /// In words or JSON. Never a secret.
    pub detail: String,
}

/// An event in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number.
    pub id: i64,
    /// When it became known here.
    pub received: Timestamp,
    /// What happened.
    pub event: NewEvent,
    /// Who has seen to it, and when.
    pub acknowledged: Option<(String, Timestamp)>,
}

impl Store {
    /// Stores events. One that is there already, by meter, source, moment, code and detail, is not
    /// stored again. Gives back how many are new.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn add_events(
        &self,
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.write(move |file| add(file, &events, now)).await
    }

    /// Events that nobody has acknowledged, from a severity on: the gravest first, then the oldest;
    /// at most `count`.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn open_events(&self, from: Severity, count: u32) -> Result<Vec<Event>, StoreError> {
        self.read(move |file| {
            let mut statement = file.prepare_cached(&format!(
                "{SELECT} WHERE acknowledged IS NULL AND severity >= ? \
                 ORDER BY severity DESC, at LIMIT ?"
            ))?;
            let found = statement.query_map(params![from as u8, count], event)?;
            Ok(found.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The newest events of a meter, the newest first; at most `count`.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn events_of(&self, meter: MeterId, count: u32) -> Result<Vec<Event>, StoreError> {
        self.read(move |file| {
            let mut statement =
                file.prepare_cached(&format!("{SELECT} WHERE meter = ? ORDER BY at DESC LIMIT ?"))?;
            let found = statement.query_map(params![meter.0, count], event)?;
            Ok(found.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Somebody has seen to an event. False if there is none, or somebody else had before.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn acknowledge_event(
        &self,
        id: i64,
        who: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let who = who.to_owned();
        self.write(move |file| {
            let changed = file
                .prepare_cached(
                    "UPDATE event SET acknowledged = ?, acknowledged_by = ? \
                     WHERE id = ? AND acknowledged IS NULL",
                )?
                .execute(params![now.as_millisecond(), who, id])?;
            Ok(changed == 1)
        })
        .await
    }
}

const SELECT: &str = "SELECT id, at, received, meter, source, code, severity, detail, \
     acknowledged, acknowledged_by FROM event";

fn event(row: &rusqlite::Row<'_>) -> rusqlite::Result<Event> {
    let severity = match row.get(6)? {
        0_u8 => Severity::Notice,
        1 => Severity::Warning,
        _ => Severity::Alarm,
    };
    let acknowledged = match (row.get(9)?, row.get::<_, Option<i64>>(8)?) {
        (Some(who), Some(at)) => Some((who, moment(at))),
        _ => None,
    };
    let event = NewEvent {
        at: moment(row.get(1)?),
        meter: row.get::<_, Option<i64>>(3)?.map(MeterId),
        source: row.get(4)?,
        code: row.get(5)?,
        severity,
        detail: row.get(7)?,
    };
    Ok(Event { id: row.get(0)?, received: moment(row.get(2)?), event, acknowledged })
}

/// Stores events within the transaction of whatever brought them.
pub(crate) fn add(
    file: &Connection,
    events: &[NewEvent],
    now: Timestamp,
) -> Result<u64, StoreError> {
    let mut added = 0;
    for event in events {
        // `UNIQUE` takes two unknown meters for different ones.
        let meter = event.meter.map(|meter| meter.0);
        added += file
            .prepare_cached(
                "INSERT INTO event (at, received, meter, source, code, severity, detail) \
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE NOT EXISTS (SELECT 1 FROM event \
                 WHERE meter IS ?3 AND source = ?4 AND at = ?1 AND code = ?5 AND detail = ?7)",
            )?
            .execute(params![
                event.at.as_millisecond(),
                now.as_millisecond(),
                meter,
                event.source,
                event.code,
                event.severity as u8,
                event.detail,
            ])? as u64;
    }
    Ok(added)
}
