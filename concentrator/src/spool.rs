//! Pushes of meters, kept until a head-end has acknowledged them.
//!
//! An APDU is opaque here, ciphered or not. With it are kept when it came, from which meter and for
//! which client, and a sequence number, which with the name and the epoch of the concentrator names
//! it for ever: who gets it twice, live and from the spool, sees that it is the same. Sequence
//! numbers grow and have gaps: after a crash of the concentrator, and where pushes made room for
//! later ones.
//!
//! [`Spool::push`] never waits for the disk. What was [stored](SpoolStatus::stored) survives
//! whatever happens to the process.
//!
//! ```
//! use concentrator::spool::{Push, SpoolLimits};
//! use concentrator::state;
//!
//! # let folder = std::env::temp_dir().join(format!("spool-doc-{}", std::process::id()));
//! let opened = state::open(&folder, SpoolLimits::default(), 1)?;
//! let spool = opened.spool;
//! let name = b"ABC0000000000001"[..].try_into()?;
//! let apdu = &[0x0F, 0, 0];
//! let push = Push { arrived_ms: 1_790_000_000_000, sap: 16, client: 1, name, apdu };
//! let sequence = spool.push(push)?.sequence;
//! assert!(spool.flush());
//! assert_eq!(spool.status().stored, sequence);
//! let rows = spool.range(1, u64::MAX, 1_000_000)?;
//! assert_eq!((rows.len(), &rows[0].apdu[..]), (1, &apdu[..]));
//!
//! spool.acknowledge(sequence)?;
//! assert!(spool.flush());
//! assert_eq!(spool.status().entries, 0);
//! # drop((spool, opened.state, opened.counters, opened.events));
//! # std::fs::remove_dir_all(folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, Row, params};

use crate::{
    nodes::LogicalDeviceName,
    storage::{QUEUE_MAX, QUEUE_OCTETS_MAX, Status, Storage, StorageError},
};

/// What a meter pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push<'a> {
    /// When it arrived, in milliseconds since 1970-01-01T00:00:00Z.
    pub arrived_ms: i64,
    /// The SAP of the meter.
    pub sap: u16,
    /// The client that it is for.
    pub client: u16,
    /// The logical device name of the meter: SAPs are given to others one day.
    pub name: LogicalDeviceName,
    /// The APDU.
    pub apdu: &'a [u8],
}

/// What names a push that was taken, with the name of the concentrator, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its number.
    pub sequence: u64,
    /// The epoch of the concentrator when it arrived.
    pub epoch: u32,
}

/// A push in the spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub sequence: u64,
    /// The epoch of the concentrator when it arrived.
    pub epoch: u32,
    /// When it arrived, in milliseconds since 1970-01-01T00:00:00Z.
    pub arrived_ms: i64,
    /// The SAP of the meter then.
    pub sap: u16,
    /// The client that it is for.
    pub client: u16,
    /// The logical device name of the meter.
    pub name: LogicalDeviceName,
    /// The APDU.
    pub apdu: Arc<[u8]>,
}

impl Entry {
    /// What it counts for against a limit of octets.
    pub(crate) fn octets(&self) -> usize {
        self.apdu.len() + self.name.octets().len()
    }
}

/// How much is kept. Beyond, the oldest goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpoolLimits {
    /// Pushes.
    pub entries_max: u32,
    /// Octets of pushes and names.
    pub octets_max: u64,
}

impl Default for SpoolLimits {
    /// Those of the configuration: 1,000,000 pushes, 256 MiB.
    fn default() -> Self {
        let push = crate::config::Push::default();
        Self { entries_max: push.spool_entries_max, octets_max: push.spool_octets_max }
    }
}

/// How the spool stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolStatus {
    /// Pushes in the file.
    pub entries: u64,
    /// Their octets, with their names.
    pub octets: u64,
    /// The oldest push in the file.
    pub first: Option<u64>,
    /// The push up to which all are stored; 0 before the first.
    pub stored: u64,
    /// The number that the next push gets.
    pub next: u64,
    /// The push up to which all are acknowledged; 0 before the first.
    pub acknowledged: u64,
    /// Pushes that wait to be stored.
    pub queued: usize,
    /// Pushes that made room for later ones and were never acknowledged, in the life of the file.
    pub evicted: u64,
    /// Pushes that were not taken since the start, because too many were waiting for the disk.
    pub refused: u64,
    /// How storing goes.
    pub storage: Status,
}

/// Too many pushes wait for the disk: it is full or broken, or far too slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{QUEUE_MAX} pushes or {QUEUE_OCTETS_MAX} octets wait to be stored, and no more fit")]
pub struct QueueFull;

/// What was acknowledged is not stored, so nobody can have it from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("push {asked} cannot be acknowledged: those up to {stored} are stored")]
pub struct NotStored {
    /// What was acknowledged.
    pub asked: u64,
    /// What is stored.
    pub stored: u64,
}

/// The spool: a handle, as many as are needed.
#[derive(Clone, Debug)]
pub struct Spool {
    storage: Arc<Storage>,
    reader: Arc<Mutex<Connection>>,
}

impl Spool {
    pub(crate) fn new(storage: Arc<Storage>) -> Result<Self, StorageError> {
        let reader = Arc::new(Mutex::new(storage.reader()?));
        Ok(Self { storage, reader })
    }

    /// Takes a push and says what names it. It is stored soon; what is to be forwarded at once may
    /// be.
    ///
    /// # Errors
    /// [`QueueFull`]: it is not taken.
    pub fn push(&self, push: Push<'_>) -> Result<Taken, QueueFull> {
        self.storage.with(|queue| {
            let Push { arrived_ms, sap, client, name, apdu } = push;
            let (sequence, epoch) = (queue.next, queue.epoch);
            let entry = Entry { sequence, epoch, arrived_ms, sap, client, name, apdu: apdu.into() };
            let octets = queue.octets + entry.octets();
            if queue.pushes.len() >= QUEUE_MAX || octets > QUEUE_OCTETS_MAX {
                queue.refused += 1;
                return Err(QueueFull);
            }
            queue.octets = octets;
            queue.next += 1;
            queue.pushes.push_back(entry);
            Ok(Taken { sequence, epoch })
        })
    }

    /// A head-end has stored all up to `last`: they are deleted here.
    ///
    /// # Errors
    /// [`NotStored`]. Nothing is deleted then.
    pub fn acknowledge(&self, last: u64) -> Result<(), NotStored> {
        self.storage.with_retry(|queue| {
            let stored = queue.totals.stored;
            if last > stored {
                return Err(NotStored { asked: last, stored });
            }
            let before = queue.acknowledged.unwrap_or(queue.totals.acknowledged);
            // An earlier one again is no news: it was repeated, or another head-end is behind.
            if last > before {
                queue.acknowledged = Some(last);
            }
            Ok(())
        })
    }

    /// The push up to which all are stored; 0 before the first.
    #[must_use]
    pub fn stored(&self) -> u64 {
        self.storage.with(|queue| queue.totals.stored)
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> SpoolStatus {
        self.storage.with(|queue| SpoolStatus {
            entries: queue.totals.entries,
            octets: queue.totals.octets,
            first: queue.totals.first,
            stored: queue.totals.stored,
            next: queue.next,
            acknowledged: queue.totals.acknowledged,
            queued: queue.pushes.len(),
            evicted: queue.totals.evicted,
            refused: queue.refused,
            storage: queue.status.clone(),
        })
    }

    /// The stored pushes with numbers from `first` to `last`, oldest first: as many as fit into
    /// `octets_max` octets of APDUs and names, at least one if there is one.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn range(
        &self,
        first: u64,
        last: u64,
        octets_max: usize,
    ) -> Result<Vec<Entry>, rusqlite::Error> {
        // SQLite has no larger numbers.
        let last = last.min(i64::MAX.unsigned_abs());
        let select = "SELECT * FROM spool WHERE sequence BETWEEN ?1 AND ?2 ORDER BY sequence";
        self.select(select, params![first.min(last), last], octets_max, usize::MAX)
    }

    /// `count` stored pushes, after the `skip` oldest ones, within the same limit.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn entries(
        &self,
        skip: u64,
        count: usize,
        octets_max: usize,
    ) -> Result<Vec<Entry>, rusqlite::Error> {
        let skip = skip.min(i64::MAX.unsigned_abs());
        let select = "SELECT * FROM spool ORDER BY sequence LIMIT -1 OFFSET ?1";
        self.select(select, params![skip], octets_max, count)
    }

    /// Waits until all that was taken is stored, or could not be: then false. For the end of the
    /// program.
    #[must_use]
    pub fn flush(&self) -> bool {
        self.storage.flush()
    }

    fn select(
        &self,
        select: &str,
        params: &[&dyn rusqlite::ToSql],
        octets_max: usize,
        count: usize,
    ) -> Result<Vec<Entry>, rusqlite::Error> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let mut select = reader.prepare_cached(select)?;
        let mut rows = select.query(params)?;
        let (mut entries, mut octets) = (Vec::new(), 0);
        while entries.len() < count
            && let Some(row) = rows.next()?
        {
            let entry = entry(row)?;
            octets += entry.octets();
            if octets > octets_max && !entries.is_empty() {
                break;
            }
            entries.push(entry);
        }
        Ok(entries)
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let name: Vec<u8> = row.get("name")?;
    let apdu: Vec<u8> = row.get("apdu")?;
    Ok(Entry {
        sequence: row.get("sequence")?,
        epoch: row.get("epoch")?,
        arrived_ms: row.get("arrived_ms")?,
        sap: row.get("sap")?,
        client: row.get("client")?,
        name: name[..].try_into().map_err(|_| rusqlite::Error::InvalidQuery)?,
        apdu: apdu.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{self, Opened, Scratch};

    fn push(number: u8, apdu: &[u8]) -> Push<'_> {
        let name = format!("ABC{number:013}").as_bytes().try_into().unwrap();
        Push { arrived_ms: i64::from(number) * 1_000, sap: 16, client: 1, name, apdu }
    }

    fn open(folder: &Scratch, limits: SpoolLimits) -> Opened {
        state::open(folder.path(), limits, 1).unwrap()
    }

    fn sequences(spool: &Spool) -> Vec<u64> {
        let rows = spool.range(0, u64::MAX, usize::MAX).unwrap();
        rows.iter().map(|entry| entry.sequence).collect()
    }

    #[test]
    fn what_was_stored_is_there_after_a_restart_and_numbers_go_on() {
        let folder = Scratch::new();
        let opened = open(&folder, SpoolLimits::default());
        for number in 1..=5 {
            let sequence = u64::from(number);
            let taken = opened.spool.push(push(number, &[number; 9]));
            assert_eq!(taken, Ok(Taken { sequence, epoch: 1 }));
        }
        drop(opened);
        let opened = open(&folder, SpoolLimits::default());
        let rows = opened.spool.range(2, 3, usize::MAX).unwrap();
        assert_eq!(rows[0].apdu[..], [2; 9]);
        assert_eq!((rows[1].arrived_ms, rows[1].sap, rows[1].client), (3_000, 16, 1));
        assert_eq!((rows.len(), rows[0].epoch), (2, 1));
        assert_eq!(opened.spool.push(push(6, &[6])), Ok(Taken { sequence: 6, epoch: 1 }));
    }

    #[test]
    fn what_is_acknowledged_is_deleted_and_nothing_that_is_not_stored_can_be() {
        let folder = Scratch::new();
        let spool = open(&folder, SpoolLimits::default()).spool;
        for number in 1..=5 {
            spool.push(push(number, &[0x0F])).unwrap();
        }
        assert!(spool.flush());
        assert_eq!(spool.acknowledge(6), Err(NotStored { asked: 6, stored: 5 }));
        assert_eq!(spool.acknowledge(3), Ok(()));
        assert_eq!(spool.acknowledge(2), Ok(()));
        assert!(spool.flush());
        assert_eq!(sequences(&spool), [4, 5]);
        let status = spool.status();
        assert_eq!((status.acknowledged, status.entries, status.first), (3, 2, Some(4)));
        assert_eq!(status.octets, 2 * 17);
    }

    #[test]
    fn beyond_a_limit_the_oldest_goes_and_a_counter_says_so() {
        for limits in [
            SpoolLimits { entries_max: 3, octets_max: u64::MAX },
            SpoolLimits { entries_max: u32::MAX, octets_max: 3 * 20 + 1 },
        ] {
            let folder = Scratch::new();
            let spool = open(&folder, limits).spool;
            for number in 1..=10 {
                spool.push(push(number, &[0; 4])).unwrap();
            }
            assert!(spool.flush());
            assert_eq!(sequences(&spool), [8, 9, 10]);
            assert_eq!((spool.status().evicted, spool.status().entries), (7, 3));
            drop(spool);
            assert_eq!(open(&folder, limits).spool.status().evicted, 7);
        }
    }

    #[test]
    fn on_a_full_disk_nothing_stored_is_lost_and_storing_goes_on_when_there_is_room() {
        let folder = Scratch::new();
        let opened = open(&folder, SpoolLimits::default());
        let spool = opened.spool;
        spool.push(push(1, &[1; 100])).unwrap();
        assert!(spool.flush());
        spool.storage.set_pages_max(1);
        spool.push(push(2, &[2; 100_000])).unwrap();
        assert!(!spool.flush());
        let status = spool.status();
        assert!(status.storage.failure.unwrap().contains("full"));
        assert_eq!((status.stored, status.queued), (1, 1));
        assert_eq!(sequences(&spool), [1]);

        spool.storage.set_pages_max(100_000);
        assert!(spool.flush());
        assert_eq!((spool.status().storage.failure, spool.status().stored), (None, 2));
        assert_eq!(sequences(&spool), [1, 2]);
    }

    #[test]
    fn who_cannot_be_stored_in_time_is_refused_and_counted() {
        let folder = Scratch::new();
        let spool = open(&folder, SpoolLimits::default()).spool;
        spool.push(push(1, &[1])).unwrap();
        assert!(spool.flush());
        spool.storage.set_pages_max(1);
        let large = vec![0; QUEUE_OCTETS_MAX / 4];
        let taken = (0..8).filter(|_| spool.push(push(2, &large)).is_ok()).count();
        assert_eq!((taken, spool.status().refused), (3, 5));
        assert_eq!(spool.status().next, 5);
    }

    #[test]
    fn a_part_is_as_long_as_was_asked_but_never_empty_while_there_is_something() {
        let folder = Scratch::new();
        let spool = open(&folder, SpoolLimits::default()).spool;
        for number in 1..=6 {
            spool.push(push(number, &[0; 84])).unwrap();
        }
        assert!(spool.flush());
        let numbers = |entries: Vec<Entry>| -> Vec<u64> {
            entries.iter().map(|entry| entry.sequence).collect()
        };
        assert_eq!(numbers(spool.range(3, 5, 250).unwrap()), [3, 4]);
        assert_eq!(numbers(spool.range(6, 9, 1).unwrap()), [6]);
        assert_eq!(numbers(spool.entries(1, 2, usize::MAX).unwrap()), [2, 3]);
        assert_eq!(numbers(spool.entries(6, 2, usize::MAX).unwrap()), Vec::<u64>::new());
    }
}
