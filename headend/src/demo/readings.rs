//! The file that the demo reads into: `readings.db`, SQLite.
//!
//! ```text
//! meter    one row a meter: its logical device name and where it was read
//! channel  what of it is kept: logical name and attribute, scaler and unit as the meter sent them
//! value    the mantissa at an instant; the same value read twice is one row
//! reading  the view of all three
//! ```

use std::path::Path;

use dlms_core::cosem::{AttributeDescriptor, ScalerUnit};
use rusqlite::{Connection, OptionalExtension, params};

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA foreign_keys = ON;
    CREATE TABLE IF NOT EXISTS meter (
        id      INTEGER PRIMARY KEY,
        name    TEXT NOT NULL UNIQUE,
        address TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS channel (
        id           INTEGER PRIMARY KEY,
        meter        INTEGER NOT NULL REFERENCES meter (id),
        class        INTEGER NOT NULL,
        logical_name TEXT NOT NULL,
        attribute    INTEGER NOT NULL,
        scaler       INTEGER,
        unit         TEXT,
        UNIQUE (meter, class, logical_name, attribute)
    );
    CREATE TABLE IF NOT EXISTS value (
        channel     INTEGER NOT NULL REFERENCES channel (id),
        captured_at TEXT NOT NULL,
        value       INTEGER NOT NULL,
        PRIMARY KEY (channel, captured_at)
    ) WITHOUT ROWID;
    CREATE VIEW IF NOT EXISTS reading (meter, logical_name, captured_at, value, scaler, unit) AS
        SELECT meter.name, channel.logical_name, value.captured_at, value.value,
               channel.scaler, channel.unit
        FROM value
        JOIN channel ON channel.id = value.channel
        JOIN meter ON meter.id = channel.meter;
";

/// One value of one channel, as it goes into the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// What was read.
    pub(crate) attribute: AttributeDescriptor,
    /// When, as RFC 3339.
    pub(crate) captured_at: String,
    /// The mantissa.
    pub(crate) value: i64,
    /// What the mantissa means, where the meter says so.
    pub(crate) scaler_unit: Option<ScalerUnit>,
}

/// The open file.
#[derive(Debug)]
pub(crate) struct ReadingsDb {
    connection: Connection,
}

impl ReadingsDb {
    /// Opens `file`, and creates it if absent.
    ///
    /// # Errors
    /// What SQLite says.
    pub(crate) fn open(file: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(file)?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection })
    }

    /// Keeps all readings of one meter, or none.
    ///
    /// # Errors
    /// What SQLite says.
    pub(crate) fn keep(
        &mut self,
        meter: &str,
        address: &str,
        readings: &[Reading],
    ) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        {
            let meter: i64 = transaction.query_row(
                "INSERT INTO meter (name, address) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET address = excluded.address RETURNING id",
                params![meter, address],
                |row| row.get(0),
            )?;
            let mut value = transaction.prepare_cached(
                "INSERT INTO value (channel, captured_at, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET value = excluded.value",
            )?;
            let mut last: Option<(AttributeDescriptor, i64)> = None;
            for reading in readings {
                let channel = match last {
                    Some((attribute, channel)) if attribute == reading.attribute => channel,
                    _ => channel(&transaction, meter, reading)?,
                };
                last = Some((reading.attribute, channel));
                value.execute(params![channel, reading.captured_at, reading.value])?;
            }
        }
        transaction.commit()
    }

    /// How many meters and how many values the file holds.
    ///
    /// # Errors
    /// What SQLite says.
    pub(crate) fn counts(&self) -> rusqlite::Result<(i64, i64)> {
        self.connection.query_row(
            "SELECT (SELECT count(*) FROM meter), (SELECT count(*) FROM value)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }
}

fn channel(connection: &Connection, meter: i64, reading: &Reading) -> rusqlite::Result<i64> {
    let AttributeDescriptor { class, instance, attribute } = reading.attribute;
    let scaler = reading.scaler_unit.map(|scaler_unit| scaler_unit.scaler);
    let unit = reading.scaler_unit.map(|scaler_unit| scaler_unit.unit.to_string());
    let key = params![meter, class.0, instance.to_string(), attribute.0];
    let known = connection
        .prepare_cached(
            "SELECT id FROM channel
             WHERE meter = ?1 AND class = ?2 AND logical_name = ?3 AND attribute = ?4",
        )?
        .query_row(key, |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    connection
        .prepare_cached(
            "INSERT INTO channel (meter, class, logical_name, attribute, scaler, unit)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .insert(params![meter, class.0, instance.to_string(), attribute.0, scaler, unit])
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlms_core::cosem::{ClassId, LogicalName, Unit};

    fn energy(captured_at: &str, value: i64) -> Reading {
        Reading {
            attribute: AttributeDescriptor::new(
                ClassId::REGISTER,
                LogicalName([1, 0, 1, 8, 0, 255]),
                2,
            ),
            captured_at: captured_at.to_owned(),
            value,
            scaler_unit: Some(ScalerUnit { scaler: 0, unit: Unit::WattHour }),
        }
    }

    #[test]
    fn the_same_value_read_twice_is_one_reading() {
        let mut readings = ReadingsDb::open(Path::new(":memory:")).unwrap();
        let rows = [energy("2026-01-01T00:00:00+01:00", 1), energy("2026-01-01T00:15:00+01:00", 2)];
        readings.keep("M1", "wrapper://127.0.0.1:1", &rows).unwrap();
        readings.keep("M1", "wrapper://127.0.0.1:1", &rows).unwrap();
        readings.keep("M2", "wrapper://127.0.0.1:2", &rows[..1]).unwrap();
        assert_eq!(readings.counts().unwrap(), (2, 3));
    }

    #[test]
    fn the_view_shows_mantissa_scaler_and_unit_as_sent() {
        let mut readings = ReadingsDb::open(Path::new(":memory:")).unwrap();
        let row = energy("2026-01-01T00:00:00+01:00", 1_234_567);
        readings.keep("M1", "wrapper://127.0.0.1:1", &[row]).unwrap();
        let shown: (String, String, String, i64, i8, String) = readings
            .connection
            .query_row(
                "SELECT meter, logical_name, captured_at, value, scaler, unit FROM reading",
                [],
                |row| {
                    let (a, b, c) = (row.get(0)?, row.get(1)?, row.get(2)?);
                    Ok((a, b, c, row.get(3)?, row.get(4)?, row.get(5)?))
                },
            )
            .unwrap();
        let expected = ("M1", "1-0:1.8.0*255", "2026-01-01T00:00:00+01:00", 1_234_567, 0, "Wh");
        assert_eq!((&*shown.0, &*shown.1, &*shown.2, shown.3, shown.4, &*shown.5), expected);
    }
}
