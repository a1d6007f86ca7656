//! The file of what survives a power cut: pushes that no head-end has acknowledged, the meters and
//! their SAPs, epochs, counters and events, in one SQLite database.
//!
//! ```text
//!    whoever routes           a thread of its own
//!    push, save ──► queue ──► one transaction of all that waits ──► disk
//!                   bounded   (write-ahead log, synchronous = FULL)
//! ```
//!
//! Nobody who routes waits for a disk: what is handed over is queued, and one transaction takes all
//! that came while the one before was being written. When the disk is full or broken, what was
//! stored stays, what is queued is tried again, and [`Status::failure`] says why nothing is stored.
//!
//! The file belongs to one process at a time; a lock beside it says so. Its schema has a version,
//! earlier ones are brought forward, and a later one is left alone.

mod commit;
mod schema;

use core::time::Duration;
use std::{
    collections::{BTreeMap, VecDeque},
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use rusqlite::{Connection, OpenFlags};

use self::commit::Batch;
pub use self::commit::EVENTS_MAX;
pub(crate) use self::commit::Totals;
use crate::{
    nodes::LogicalDeviceName,
    spool::{Entry, SpoolLimits},
};

/// Pushes that wait to be written. It is also how far the sequence leaps after a crash, so that no
/// number is given to two pushes.
pub(crate) const QUEUE_MAX: usize = 4_096;
/// Octets of pushes that wait to be written: 4,096 of 2 KiB are half of it.
pub(crate) const QUEUE_OCTETS_MAX: usize = 16 * 1024 * 1024;
/// Pushes in one transaction: a disk that takes 10 ms for each stores 51,200 a second.
const BATCH_MAX: usize = 512;
/// When a transaction that failed is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// The same, at most: a disk that is full stays so for a while.
const RETRY_MAX: Duration = Duration::from_secs(30);

/// The name of the file in the data folder.
const FILE: &str = "concentrator.db";
const LOCK: &str = "concentrator.lock";

/// Why what was stored cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The folder or the lock cannot be used.
    #[error("{}: {error}", path.display())]
    System {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Another process uses the file.
    #[error("{}: another concentrator is running on this folder", .0.display())]
    Locked(PathBuf),
    /// A later version of the program wrote the file. It was left as it is.
    #[error(
        "{}: schema {found} is of a later version, this program knows {known}; it was left as it \
         is",
        path.display()
    )]
    Later {
        /// Which file.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest one that is known here.
        known: u32,
    },
    /// The database cannot be opened or read.
    #[error("{}: {error}", path.display())]
    Database {
        /// Which file.
        path: PathBuf,
        /// What SQLite says.
        error: rusqlite::Error,
    },
}

/// How storing goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Why nothing is being stored, if so: the disk is full, for example.
    pub failure: Option<String>,
    /// Transactions that failed since the start.
    pub failures: u64,
}

/// A number that is kept under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Setting {
    /// The epoch of the concentrator.
    Epoch,
    /// The epoch of the SAP table.
    TableEpoch,
    /// No invocation counter from here on was used.
    Counter,
}

impl Setting {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Epoch => "epoch",
            Self::TableEpoch => "table-epoch",
            Self::Counter => "counter",
        }
    }
}

/// A meter as it is stored: with the name of its medium, since places in a list change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredNode {
    pub(crate) node: crate::nodes::Node,
    pub(crate) medium: Option<String>,
}

/// What changed and is no push. Only the last value of each is of interest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    pub(crate) settings: BTreeMap<Setting, u64>,
    /// None for a meter that was forgotten.
    pub(crate) nodes: BTreeMap<LogicalDeviceName, Option<StoredNode>>,
    /// The counter that was accepted last from a client title.
    pub(crate) received: BTreeMap<[u8; 8], u32>,
    /// Number, moment and code of events.
    pub(crate) events: BTreeMap<u64, (i64, u16)>,
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.settings.is_empty()
            && self.nodes.is_empty()
            && self.received.is_empty()
            && self.events.is_empty()
    }

    /// Takes what could not be written back, under what has changed since.
    fn put_back(&mut self, earlier: Self) {
        fn under<K: Ord, V>(later: &mut BTreeMap<K, V>, earlier: BTreeMap<K, V>) {
            for (key, value) in earlier {
                later.entry(key).or_insert(value);
            }
        }
        under(&mut self.settings, earlier.settings);
        under(&mut self.nodes, earlier.nodes);
        under(&mut self.received, earlier.received);
        under(&mut self.events, earlier.events);
    }
}

/// What was read when the file was opened.
#[derive(Debug, Default)]
pub(crate) struct Restored {
    pub(crate) settings: BTreeMap<&'static str, u64>,
    pub(crate) nodes: Vec<StoredNode>,
    pub(crate) received: BTreeMap<[u8; 8], u32>,
    pub(crate) events: Vec<(u64, i64, u16)>,
    /// Whether the process before ended without closing the file.
    pub(crate) crashed: bool,
    /// The next sequence number of the spool.
    pub(crate) next: u64,
    pub(crate) totals: Totals,
}

/// The file, open. The last handle that is dropped writes what is queued.
#[derive(Debug)]
pub(crate) struct Storage {
    shared: Arc<Shared>,
    path: PathBuf,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Held as long as the file is used.
    _lock: File,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    /// There is something to write.
    wake: Condvar,
    /// Something was written, or could not be.
    settled: Condvar,
}

/// What waits, and how it stands.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// Those of a transaction under way are still in front.
    pub(crate) pushes: VecDeque<Entry>,
    pub(crate) octets: usize,
    /// Pushes up to this one are to be deleted.
    pub(crate) acknowledged: Option<u64>,
    pub(crate) changes: Changes,
    /// The sequence number of the next push.
    pub(crate) next: u64,
    /// What is in the file.
    pub(crate) totals: Totals,
    /// No invocation counter below this one can come again after a crash.
    pub(crate) counters_stored: u64,
    pub(crate) epoch: u32,
    /// Pushes that were not taken because as many were waiting as may.
    pub(crate) refused: u64,
    pub(crate) status: Status,
    busy: bool,
    retry: bool,
    stop: bool,
    /// The thread is gone, whyever.
    ended: bool,
    #[cfg(test)]
    pages_max: Option<u32>,
}

impl Queue {
    fn is_idle(&self) -> bool {
        self.pushes.is_empty() && self.acknowledged.is_none() && self.changes.is_empty()
    }
}

impl Storage {
    /// Opens the file in `folder`, which is made if need be.
    ///
    /// # Errors
    /// Every [`StorageError`].
    pub(crate) fn open(
        folder: &Path,
        limits: SpoolLimits,
    ) -> Result<(Arc<Self>, Restored), StorageError> {
        let system = |path: &Path| {
            let path = path.to_owned();
            move |error| StorageError::System { path, error }
        };
        fs::create_dir_all(folder).map_err(system(folder))?;
        let lock_path = folder.join(LOCK);
        let lock = File::create(&lock_path).map_err(system(&lock_path))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StorageError::Locked(folder.to_owned()),
            TryLockError::Error(error) => StorageError::System { path: lock_path, error },
        })?;
        let path = folder.join(FILE);
        let database = |error| StorageError::Database { path: path.clone(), error };
        let mut connection = Connection::open(&path).map_err(database)?;
        if let Some(found) = schema::bring_forward(&mut connection).map_err(database)? {
            return Err(StorageError::Later { path, found, known: schema::VERSION });
        }
        let restored = schema::restore(&mut connection).map_err(database)?;
        let queue = Queue {
            next: restored.next,
            totals: restored.totals,
            counters_stored: restored.settings.get(Setting::Counter.name()).copied().unwrap_or(0),
            ..Queue::default()
        };
        let shared = Arc::new(Shared {
            queue: Mutex::new(queue),
            wake: Condvar::new(),
            settled: Condvar::new(),
        });
        let writer = Writer { connection, shared: Arc::clone(&shared), limits };
        let thread = thread::Builder::new()
            .name("storage".into())
            .spawn(move || writer.run())
            .map_err(system(&path))?;
        let thread = Mutex::new(Some(thread));
        Ok((Arc::new(Self { shared, path, thread, _lock: lock }), restored))
    }

    /// Looks at the queue, or adds to it; the thread is told.
    pub(crate) fn with<T>(&self, what: impl FnOnce(&mut Queue) -> T) -> T {
        let mut queue = self.shared.lock();
        let done = what(&mut queue);
        if !queue.is_idle() {
            self.shared.wake.notify_one();
        }
        done
    }

    /// Adds something that makes room on a full disk: what failed is tried again at once.
    pub(crate) fn with_retry<T>(&self, what: impl FnOnce(&mut Queue) -> T) -> T {
        self.with(|queue| {
            queue.retry = true;
            what(queue)
        })
    }

    /// Waits until all that is queued is stored. False when it could not be.
    pub(crate) fn flush(&self) -> bool {
        let mut queue = self.shared.lock();
        let failures = queue.status.failures;
        queue.retry = true;
        self.shared.wake.notify_one();
        let waits = |queue: &Queue| {
            (!queue.is_idle() || queue.busy) && queue.status.failures == failures && !queue.ended
        };
        while waits(&queue) {
            queue = self.shared.settled.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.is_idle()
    }

    /// Another connection, to read with: a reader of a write-ahead log waits for no writer.
    pub(crate) fn reader(&self) -> Result<Connection, StorageError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(&self.path, flags)
            .map_err(|error| StorageError::Database { path: self.path.clone(), error })
    }

    /// Lets the file grow no further, as on a full disk.
    #[cfg(test)]
    pub(crate) fn set_pages_max(&self, pages: u32) {
        self.shared.lock().pages_max = Some(pages);
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.wake.notify_one();
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that stores has panicked");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // What a panic left behind is still in order: no change here can stop halfway.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread.
struct Writer {
    connection: Connection,
    shared: Arc<Shared>,
    limits: SpoolLimits,
}

impl Drop for Writer {
    /// Nobody waits for a thread that is gone.
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.settled.notify_all();
    }
}

impl Writer {
    fn run(mut self) {
        let mut patience = Duration::ZERO;
        while let Some((batch, mut totals)) = self.next(patience) {
            #[cfg(test)]
            self.limit_pages();
            let written = commit::commit(&mut self.connection, &batch, &self.limits, &mut totals);
            let mut queue = self.shared.lock();
            queue.busy = false;
            match written {
                Ok(()) => {
                    patience = Duration::ZERO;
                    for entry in queue.pushes.drain(..batch.pushes.len()).collect::<Vec<_>>() {
                        queue.octets -= entry.octets();
                    }
                    if queue.acknowledged == batch.acknowledged {
                        queue.acknowledged = None;
                    }
                    if let Some(&counter) = batch.changes.settings.get(&Setting::Counter) {
                        queue.counters_stored = counter;
                    }
                    queue.totals = totals;
                    if queue.status.failure.take().is_some() {
                        tracing::info!("what waited is stored again");
                    }
                }
                Err(error) => {
                    patience = (patience * 2).clamp(RETRY, RETRY_MAX);
                    queue.changes.put_back(batch.changes);
                    queue.status.failures += 1;
                    if queue.status.failure.is_none() {
                        tracing::error!(%error, "nothing is stored; it is tried again and again");
                    }
                    queue.status.failure = Some(error.to_string());
                }
            }
            drop(queue);
            self.shared.settled.notify_all();
        }
        let (next, stored) = {
            let queue = self.shared.lock();
            (queue.next, queue.is_idle())
        };
        // What was not written is lost as in a crash, and what must not come twice leaps as after
        // one.
        if !stored {
            tracing::error!("the file is not closed cleanly: what waited could not be stored");
            return;
        }
        let clean = commit::close(&mut self.connection, next);
        if let Err(error) = clean {
            tracing::warn!(%error, "the file is not closed cleanly; no matter");
        }
    }

    /// What is to be written next; None at the end. After a failure it takes some time, unless
    /// there is something new that makes room.
    fn next(&self, patience: Duration) -> Option<(Batch, Totals)> {
        let mut queue = self.shared.lock();
        if !patience.is_zero() {
            let waits = |queue: &mut Queue| !queue.stop && !queue.retry;
            let waited = self.shared.wake.wait_timeout_while(queue, patience, waits);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
            // It has failed, and would again.
            if queue.stop {
                return None;
            }
        }
        while queue.is_idle() && !queue.stop {
            queue = self.shared.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        if queue.is_idle() {
            return None;
        }
        queue.busy = true;
        queue.retry = false;
        let batch = Batch {
            pushes: queue.pushes.iter().take(BATCH_MAX).cloned().collect(),
            acknowledged: queue.acknowledged,
            changes: core::mem::take(&mut queue.changes),
        };
        Some((batch, queue.totals))
    }

    #[cfg(test)]
    fn limit_pages(&self) {
        if let Some(pages) = self.shared.lock().pages_max.take() {
            let asked = format!("PRAGMA max_page_count = {pages}");
            self.connection.query_row(&asked, [], |_| Ok(())).unwrap();
        }
    }
}
