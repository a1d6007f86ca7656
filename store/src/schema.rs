//! The schema of the file, from the first released version to this one.

use std::path::Path;

use rusqlite::{Connection, Transaction};

use crate::error::StoreError;

/// Says that a SQLite file is one of ours: `dlhe`.
const APPLICATION: i32 = 0x646C_6865;

/// What brings the file from each version to the next. An entry that was released is never changed.
const STEPS: [&str; 1] = [include_str!("schema/1.sql")];

/// The newest version.
const VERSION: u32 = STEPS.len() as u32;

/// Makes all tables of an empty file.
pub(crate) fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    // Room that was freed can be given back bit by bit; this cannot be set later.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "application_id", APPLICATION)?;
    upgrade(connection, 0)
}

/// Prepares a connection for writing, and brings the file to the newest version.
pub(crate) fn bring_forward(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let of = |error| StoreError::of(path, error);
    let number = |connection: &Connection, name| {
        connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(of)
    };
    if number(connection, "application_id")? != i64::from(APPLICATION) {
        return Err(StoreError::NotOurs(path.to_owned()));
    }
    let found = number(connection, "user_version")? as u32;
    if found > VERSION {
        return Err(StoreError::Later { path: path.to_owned(), found, known: VERSION });
    }
    connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
        .and_then(|()| connection.pragma_update(None, "synchronous", "FULL"))
        .and_then(|()| connection.pragma_update(None, "foreign_keys", "ON"))
        .map_err(of)?;
    upgrade(connection, found).map_err(of)
}

/// All steps in one transaction: a power cut leaves the version that was.
fn upgrade(connection: &mut Connection, found: u32) -> rusqlite::Result<()> {
    if found == VERSION {
        return Ok(());
    }
    let transaction: Transaction<'_> = connection.transaction()?;
    for step in STEPS.iter().skip(found as usize) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}
