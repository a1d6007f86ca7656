//! Invocation counters: which were handed out, and which were accepted.
//!
//! With AES-GCM a counter that is used twice with one key and one title gives both messages away.
//! So a range is on the disk before any counter of it is used, and what a crash leaves of a range
//! is never used. Counters belong to the key and the title of the sender, not to a meter: where
//! several meters share a key, they share its counter.
//!
//! A counter never goes down. Up it goes when a range is taken, when a meter proves that it has
//! seen a higher one, and, by [`HINT_MAX`] at most, when somebody only says so.

use core::ops::Range;

use dlms_core::security::SystemTitle;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use crate::{error::StoreError, file::Store};

/// How far a number that nobody vouches for may move a counter forward. A forged number costs a
/// key at most a 4096th of its life.
pub const HINT_MAX: u32 = 1 << 20;
/// From here on the key should be replaced: half of its counters are used.
pub const REPLACE_FROM: u32 = 1 << 31;
/// The counter a key starts with: the standard lets the first be 0 or 1, and 1 suits both readings.
const FIRST: u32 = 1;

/// Which key, without the key: the first half of its SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyFingerprint([u8; 16]);

impl KeyFingerprint {
    /// Of the octets of a key.
    pub fn of(key: &[u8]) -> Self {
        let mut half = [0; 16];
        half.iter_mut().zip(Sha256::digest(key)).for_each(|(to, from)| *to = from);
        Self(half)
    }
}

impl core::fmt::Display for KeyFingerprint {
    /// Its first four octets: enough to tell keys of one house apart.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let [first, second, third, fourth, ..] = self.0;
        write!(f, "{first:02x}{second:02x}{third:02x}{fourth:02x}")
    }
}

/// Counters that may be used, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The counters.
    pub range: Range<u32>,
    /// The key has few left: see [`REPLACE_FROM`].
    pub replace_key: bool,
}

/// How sure it is that a counter was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// The meter said so under a key.
    Proven,
    /// It was said in clear, and may be a forgery.
    Hint,
}

/// Why a counter was not moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CounterError {
    /// The key has none left.
    #[error("the key has no invocation counters left; it must be replaced")]
    Exhausted,
    /// A number that nobody vouches for is too far ahead to be believed.
    #[error("the meter names counter {hint}, which is more than {HINT_MAX} beyond {next}")]
    TooFar {
        /// The number.
        hint: u32,
        /// The next counter as it stands.
        next: u32,
    },
    /// The counter was received before.
    #[error("counter {received} is not greater than {last}, which was received before")]
    Replayed {
        /// The counter.
        received: u32,
        /// The last one.
        last: u32,
    },
}

impl Store {
    /// Takes `count` counters of the key of this fingerprint, for messages of `title`. They are on
    /// the disk when this returns.
    ///
    /// # Errors
    /// [`CounterError::Exhausted`], or if the file cannot be written: then none may be used.
    pub async fn reserve_counters(
        &self,
        title: SystemTitle,
        key: KeyFingerprint,
        count: u32,
    ) -> Result<Reservation, StoreError> {
        self.write(move |file| reserve(file, title, key, count)).await
    }

    /// Moves a counter forward: `next` is the lowest that the meter takes. A lower one than is
    /// known changes nothing.
    ///
    /// # Errors
    /// [`CounterError::TooFar`], or if the file cannot be written.
    pub async fn advance_counter(
        &self,
        title: SystemTitle,
        key: KeyFingerprint,
        next: u32,
        word: Word,
    ) -> Result<(), StoreError> {
        self.write(move |file| advance(file, title, key, next, word)).await
    }

    /// The counter last received from `title` under a key.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn received_counter(
        &self,
        title: SystemTitle,
        key: KeyFingerprint,
    ) -> Result<Option<u32>, StoreError> {
        self.read(move |file| Ok(received(file, title, key)?)).await
    }

    /// Remembers a counter whose message was verified.
    ///
    /// # Errors
    /// [`CounterError::Replayed`] if it is not greater than the last one, or if the file cannot
    /// be written: then the message must not be taken.
    pub async fn accept_counter(
        &self,
        title: SystemTitle,
        key: KeyFingerprint,
        counter: u32,
    ) -> Result<(), StoreError> {
        self.write(move |file| {
            if let Some(last) = received(file, title, key)?.filter(|last| *last >= counter) {
                return Err(CounterError::Replayed { received: counter, last }.into());
            }
            file.prepare_cached(
                "INSERT INTO received (title, key, counter) VALUES (?, ?, ?) \
                 ON CONFLICT DO UPDATE SET counter = excluded.counter",
            )?
            .execute(params![title.0, key.0, counter])?;
            Ok(())
        })
        .await
    }
}

fn next(
    file: &Connection,
    title: SystemTitle,
    key: KeyFingerprint,
) -> Result<u32, rusqlite::Error> {
    let found = file
        .prepare_cached("SELECT next FROM counter WHERE (title, key) = (?, ?)")?
        .query_row(params![title.0, key.0], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(FIRST))
}

fn set_next(
    file: &Connection,
    title: SystemTitle,
    key: KeyFingerprint,
    next: u32,
) -> Result<(), StoreError> {
    // It never goes down, whoever calls.
    file.prepare_cached(
        "INSERT INTO counter (title, key, next) VALUES (?, ?, ?) \
         ON CONFLICT DO UPDATE SET next = max(next, excluded.next)",
    )?
    .execute(params![title.0, key.0, next])?;
    Ok(())
}

fn reserve(
    file: &Connection,
    title: SystemTitle,
    key: KeyFingerprint,
    count: u32,
) -> Result<Reservation, StoreError> {
    let start = next(file, title, key)?;
    let end = start.saturating_add(count);
    // The last counter of all is left alone: nothing can come after it.
    if start == end || start == u32::MAX {
        return Err(CounterError::Exhausted.into());
    }
    set_next(file, title, key, end)?;
    Ok(Reservation { range: start..end, replace_key: end >= REPLACE_FROM })
}

fn advance(
    file: &Connection,
    title: SystemTitle,
    key: KeyFingerprint,
    hint: u32,
    word: Word,
) -> Result<(), StoreError> {
    let next = next(file, title, key)?;
    if word == Word::Hint && hint > next.saturating_add(HINT_MAX) {
        return Err(CounterError::TooFar { hint, next }.into());
    }
    set_next(file, title, key, hint)
}

fn received(
    file: &Connection,
    title: SystemTitle,
    key: KeyFingerprint,
) -> Result<Option<u32>, rusqlite::Error> {
    file.prepare_cached("SELECT counter FROM received WHERE (title, key) = (?, ?)")?
        .query_row(params![title.0, key.0], |row| row.get(0))
        .optional()
}

/// A backup knows nothing of counters that were used since it was made. In a restored file every
/// counter leaps by so many: more than a key sees in years.
const LEAP: u32 = HINT_MAX;

/// Moves every counter of a restored file beyond what may have been used since.
pub(crate) fn leap(file: &Connection) -> rusqlite::Result<()> {
    file.execute("UPDATE counter SET next = min(next + ?, ?)", params![LEAP, u32::MAX])?;
    Ok(())
}
