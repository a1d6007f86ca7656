//! The schema of the file, and how earlier ones are brought forward.

use rusqlite::{Connection, params};

use super::RingError;
use crate::collection::block::decode_rows;

/// The newest version. A file of a later one is left alone.
pub(super) const VERSION: u32 = 2;

const FIRST: &str = "
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
";

/// From version 1 to 2: how many rows a segment has, and which are not acknowledged.
const COUNTED: &str = "
ALTER TABLE segment ADD COLUMN count INTEGER NOT NULL DEFAULT 0;
CREATE INDEX segment_unacknowledged ON segment (sequence, count) WHERE acknowledged = 0;
";

/// Brings the file to the newest version.
pub(super) fn bring_forward(connection: &mut Connection) -> Result<(), RingError> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let found = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > VERSION {
        return Err(RingError::Version(found));
    }
    let transaction = connection.transaction()?;
    if found < 1 {
        transaction.execute_batch(FIRST)?;
    }
    if found < 2 {
        transaction.execute_batch(COUNTED)?;
        let mut select = transaction.prepare("SELECT sequence, day, arrived, rows FROM segment")?;
        let mut segments = select.query([])?;
        let mut update = transaction.prepare("UPDATE segment SET count = ? WHERE sequence = ?")?;
        while let Some(row) = segments.next()? {
            let rows: Vec<u8> = row.get(3)?;
            let rows = decode_rows(row.get(1)?, row.get(2)?, &rows).ok_or(RingError::Damaged)?;
            update.execute(params![rows.len() as i64, row.get::<_, i64>(0)?])?;
        }
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    Ok(())
}
