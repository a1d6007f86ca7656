//! What others are to be told: messages that are written with what they are about, and kept until
//! every sink has them.
//!
//! A sink is told at least once. The key of a message is the same when it comes again, so that who
//! receives it can pass over it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::{error::StoreError, file::Store};

/// Something that others are to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// What it is about: `reading`, `event`, `job`.
    pub kind: String,
    /// The same for the same thing.
    pub key: String,
    /// What is told, as JSON.
    pub body: String,
}

/// A message in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its number. Numbers go up, and none is given twice.
    pub sequence: i64,
    /// When it was put there.
    pub at: Timestamp,
    /// What it says.
    pub message: NewMessage,
}

impl Store {
    /// Puts messages into the outbox.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn post(&self, messages: Vec<NewMessage>, at: Timestamp) -> Result<(), StoreError> {
        self.write(move |file| post(file, &messages, at)).await
    }

    /// The next messages for a sink, at most `count`. A sink that is not known yet begins with the
    /// oldest message that is there.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn to_send(&self, sink: &str, count: u32) -> Result<Vec<Message>, StoreError> {
        let sink = sink.to_owned();
        self.read(move |file| {
            let mut statement = file.prepare_cached(
                "SELECT sequence, at, kind, key, body_json FROM outbox \
                 WHERE sequence > coalesce((SELECT sent FROM sink WHERE name = ?), 0) \
                 ORDER BY sequence LIMIT ?",
            )?;
            let found = statement.query_map(params![sink, count], |row| {
                let message = NewMessage { kind: row.get(2)?, key: row.get(3)?, body: row.get(4)? };
                let at = crate::metering::moment(row.get(1)?);
                Ok(Message { sequence: row.get(0)?, at, message })
            })?;
            Ok(found.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// A sink has everything up to `sequence`.
    ///
    /// # Errors
    /// If the file cannot be written; it is then told again.
    pub async fn sent(&self, sink: &str, sequence: i64) -> Result<(), StoreError> {
        let sink = sink.to_owned();
        self.write(move |file| {
            file.prepare_cached(
                "INSERT INTO sink (name, sent) VALUES (?, ?) \
                 ON CONFLICT DO UPDATE SET sent = max(sent, excluded.sent)",
            )?
            .execute(params![sink, sequence])?;
            Ok(())
        })
        .await
    }

    /// A sink is not there any more, and nothing is kept for it.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn forget_sink(&self, sink: &str) -> Result<(), StoreError> {
        let sink = sink.to_owned();
        self.write(move |file| {
            file.prepare_cached("DELETE FROM sink WHERE name = ?")?.execute([sink])?;
            Ok(())
        })
        .await
    }

    /// Removes messages that every sink has, and those from before `oldest` whoever has them not.
    /// Gives back how many of the latter some sink had not been told.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn clear_outbox(&self, oldest: Timestamp) -> Result<u64, StoreError> {
        self.write(move |file| {
            let sent: Option<i64> = file
                .prepare_cached("SELECT min(sent) FROM sink")?
                .query_row([], |row| row.get(0))
                .optional()?
                .flatten();
            file.prepare_cached("DELETE FROM outbox WHERE sequence <= ?")?
                .execute([sent.unwrap_or(0)])?;
            let untold = file
                .prepare_cached("DELETE FROM outbox WHERE at < ?")?
                .execute([oldest.as_millisecond()])?;
            Ok(untold as u64)
        })
        .await
    }
}

/// Puts messages into the outbox, within the transaction of what they are about.
pub(crate) fn post(
    file: &Connection,
    messages: &[NewMessage],
    at: Timestamp,
) -> Result<(), StoreError> {
    for message in messages {
        file.prepare_cached("INSERT INTO outbox (kind, key, body_json, at) VALUES (?, ?, ?, ?)")?
            .execute(params![message.kind, message.key, message.body, at.as_millisecond()])?;
    }
    Ok(())
}
