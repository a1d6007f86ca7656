//! Who did what: entries that nobody changes afterwards without its being seen.
//!
//! Each entry has the SHA-256 of itself and the hash before it. Whoever changes, removes or inserts
//! one has to change all that follow; whoever has noted the last hash elsewhere notices that too.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use crate::{error::StoreError, file::Store};

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// By whom: the name of a token or of a part of the program.
    pub who: String,
    /// What: `meter.disconnect`, `token.add`.
    pub action: String,
    /// To what: the name of a meter, for example.
    pub subject: String,
    /// The rest, as JSON: why, what was there before and after. Never a secret.
    pub detail: String,
}

/// A deed in the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 1.
    pub sequence: i64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub deed: Deed,
    /// Of this entry and all before it.
    pub hash: [u8; 32],
}

/// Whether the account is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is, up to the entry of this number and hash.
    Whole {
        /// How many entries there are.
        entries: i64,
        /// The hash of the last one; zeros if there is none.
        hash: [u8; 32],
    },
    /// This entry is not the one that was written, or one before it is missing.
    BrokenAt(i64),
}

impl Store {
    /// Adds a deed to the account.
    ///
    /// # Errors
    /// If the file cannot be written. What was to be done must then not be done.
    pub async fn record(&self, deed: Deed, at: Timestamp) -> Result<Entry, StoreError> {
        self.write(move |file| record(file, deed, at)).await
    }

    /// The newest entries, the newest first: at most `count`.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn deeds(&self, count: u32) -> Result<Vec<Entry>, StoreError> {
        self.read(move |file| {
            let mut statement =
                file.prepare_cached(&format!("{SELECT} ORDER BY sequence DESC LIMIT ?"))?;
            let found = statement.query_map([count], entry)?;
            Ok(found.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Computes the whole chain anew.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn verify_deeds(&self) -> Result<Verdict, StoreError> {
        self.read(|file| {
            let mut statement = file.prepare_cached(&format!("{SELECT} ORDER BY sequence"))?;
            let mut rows = statement.query([])?;
            let (mut entries, mut hash) = (0, [0; 32]);
            while let Some(row) = rows.next()? {
                let entry = entry(row)?;
                entries += 1;
                hash = chain(hash, entries, entry.at, &entry.deed);
                if entry.sequence != entries || entry.hash != hash {
                    return Ok(Verdict::BrokenAt(entries));
                }
            }
            Ok(Verdict::Whole { entries, hash })
        })
        .await
    }
}

const SELECT: &str = "SELECT sequence, at, who, action, subject, detail_json, hash FROM audit";

fn entry(row: &rusqlite::Row<'_>) -> rusqlite::Result<Entry> {
    let deed =
        Deed { who: row.get(2)?, action: row.get(3)?, subject: row.get(4)?, detail: row.get(5)? };
    Ok(Entry {
        sequence: row.get(0)?,
        at: crate::metering::moment(row.get(1)?),
        deed,
        hash: row.get(6)?,
    })
}

/// Adds a deed within the transaction of whatever it is about.
pub(crate) fn record(file: &Connection, deed: Deed, at: Timestamp) -> Result<Entry, StoreError> {
    let last = file
        .prepare_cached("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (before, hash): (i64, [u8; 32]) = last.unwrap_or((0, [0; 32]));
    // As it is stored: what is hashed must be what is read later.
    let at = crate::metering::moment(at.as_millisecond());
    let sequence = before + 1;
    let hash = chain(hash, sequence, at, &deed);
    file.prepare_cached(
        "INSERT INTO audit (sequence, at, who, action, subject, detail_json, hash) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        sequence,
        at.as_millisecond(),
        deed.who,
        deed.action,
        deed.subject,
        deed.detail,
        hash,
    ])?;
    Ok(Entry { sequence, at, deed, hash })
}

/// The hash of an entry. Texts go in with their lengths: no two entries are the same octets.
fn chain(before: [u8; 32], sequence: i64, at: Timestamp, deed: &Deed) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(sequence.to_be_bytes());
    hash.update(at.as_millisecond().to_be_bytes());
    for text in [&deed.who, &deed.action, &deed.subject, &deed.detail] {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}
