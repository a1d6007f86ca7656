//! The file, and the one thread that writes it.
//!
//! ```text
//!    write ──┐                    ┌ savepoint ┐ savepoint ┐ savepoint ┐
//!    write ──┼──► queue ──► begin │   write   │   write   │   write   │ commit ──► answers
//!    write ──┘    bounded         └───────────┴───────────┴───────────┘
//! ```
//!
//! A write that fails is undone by itself; the others of its transaction are not. Nobody is
//! answered before the disk has it (write-ahead log, synchronous = FULL), so that a thousand who
//! write at once wait for one disk and not for each other.

use core::fmt;
use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{mpsc, oneshot};

use crate::{error::StoreError, schema};

/// The file in its folder.
pub(crate) const FILE: &str = "headend.db";
const LOCK: &str = "headend.lock";

/// Writes that wait. Who comes when the queue is full waits to be let in.
const QUEUE_MAX: usize = 4_096;
/// Writes in one transaction: none waits for long, and a thousand small ones take one sync.
const TRANSACTION_MAX: usize = 1_024;
/// Connections that are kept for reading.
const READERS_MAX: usize = 8;
/// Statements that stay prepared on a connection.
const STATEMENTS: usize = 128;

/// What a head-end keeps. Clones are the same store; when the last one goes, what waits is
/// written and the file closed.
#[derive(Clone)]
pub struct Store {
    file: Arc<Open>,
}

struct Open {
    path: PathBuf,
    queue: Option<mpsc::Sender<Write>>,
    readers: Mutex<Vec<Connection>>,
    thread: Option<JoinHandle<()>>,
    /// Held as long as the file is used.
    _lock: File,
}

/// One write: does its part, unless no transaction could be begun, and gives back who is to be told
/// how it ended.
type Write = Box<dyn FnOnce(Result<&Connection, StoreError>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.file.path).finish_non_exhaustive()
    }
}

impl Store {
    /// Makes an empty store in `folder`, which is made if need be.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if there is one; what the system or SQLite says.
    pub fn create(folder: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(system(folder))?;
        let lock = lock(folder)?;
        let path = folder.join(FILE);
        if path.exists() {
            return Err(StoreError::Exists(path));
        }
        // Complete or not there at all: who is cut off here can begin again.
        let unfinished = folder.join("headend.db.new");
        remove_if_there(&unfinished)?;
        let mut connection =
            Connection::open(&unfinished).map_err(|error| StoreError::of(&unfinished, error))?;
        schema::create(&mut connection).map_err(|error| StoreError::of(&unfinished, error))?;
        drop(connection);
        fs::rename(&unfinished, &path).map_err(system(&path))?;
        sync_folder(folder)?;
        Self::with_lock(path, lock)
    }

    /// Opens the store in `folder`, and brings its schema forward if an earlier version wrote it.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::Locked`], [`StoreError::Later`],
    /// [`StoreError::NotOurs`], [`StoreError::Damaged`], or what the system says. The file is left
    /// as it is.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Err(StoreError::Missing(path));
        }
        Self::with_lock(path, lock(folder)?)
    }

    fn with_lock(path: PathBuf, lock: File) -> Result<Self, StoreError> {
        let of = |error| StoreError::of(&path, error);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&path, flags).map_err(of)?;
        schema::bring_forward(&mut connection, &path)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let of_thread = path.clone();
        let thread = thread::Builder::new()
            .name("store".into())
            .spawn(move || run(&connection, waiting, &of_thread))
            .map_err(system(&path))?;
        let readers = Mutex::default();
        let thread = Some(thread);
        Ok(Self { file: Arc::new(Open { path, queue: Some(queue), readers, thread, _lock: lock }) })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// Does `what` in a transaction, and comes back when the disk has it.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        what: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let write: Write = Box::new(move |begun| {
            let done = begun.and_then(|connection| in_savepoint(connection, what));
            Box::new(move |committed| {
                // Whoever is no longer there does not want to know.
                let _ = sender.send(done.and_then(|done| committed.map(|()| done)));
            })
        });
        let queue = self.file.queue.as_ref().ok_or(StoreError::Closed)?;
        queue.send(write).await.map_err(|_| StoreError::Closed)?;
        let done = receiver.await.map_err(|_| StoreError::Closed)?;
        done.map_err(|error| error.located(&self.file.path))
    }

    /// Looks at what is stored, beside the thread that writes.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        what: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let file = Arc::clone(&self.file);
        let looked = tokio::task::spawn_blocking(move || {
            let connection = file.reader()?;
            // One moment for all that is looked at.
            let moment = connection.unchecked_transaction()?;
            let found = what(&moment);
            drop(moment);
            file.keep(connection);
            found
        });
        let looked = looked.await.map_err(|_| StoreError::Closed)?;
        looked.map_err(|error| error.located(&self.file.path))
    }
}

impl Open {
    fn reader(&self) -> Result<Connection, StoreError> {
        if let Some(kept) = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Ok(kept);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let of = |error| StoreError::of(&self.path, error);
        let connection = Connection::open_with_flags(&self.path, flags).map_err(of)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(connection)
    }

    fn keep(&self, connection: Connection) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < READERS_MAX {
            readers.push(connection);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.queue = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that writes the database has panicked");
        }
    }
}

/// The thread: one transaction after the other, as long as anybody holds the store.
fn run(connection: &Connection, mut waiting: mpsc::Receiver<Write>, path: &Path) {
    while let Some(first) = waiting.blocking_recv() {
        let mut next = Some(first);
        let mut answers = Vec::new();
        let of = |error| StoreError::of(path, error);
        let begun = connection.execute_batch("BEGIN IMMEDIATE").map_err(of);
        // A disk that is full undoes the whole transaction: nothing more may go into it.
        while let Some(write) = next.take() {
            answers.push(write(begun.clone().map(|()| connection)));
            if answers.len() < TRANSACTION_MAX && !connection.is_autocommit() {
                next = waiting.try_recv().ok();
            }
        }
        let ended = begun.and_then(|()| match connection.is_autocommit() {
            true => Err(StoreError::Undone(path.to_owned())),
            false => connection.execute_batch("COMMIT").map_err(of),
        });
        if let Err(error) = &ended {
            tracing::error!(%error, "a transaction was undone");
            if !connection.is_autocommit() {
                // What else could be done if this failed? The next BEGIN will say so.
                let _ = connection.execute_batch("ROLLBACK");
            }
        }
        for answer in answers {
            answer(ended.clone());
        }
    }
}

/// Does `what`, or nothing.
fn in_savepoint<T>(
    connection: &Connection,
    what: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.prepare_cached("SAVEPOINT one")?.execute([])?;
    let done = what(connection);
    if !connection.is_autocommit() {
        if done.is_err() {
            connection.prepare_cached("ROLLBACK TO one")?.execute([])?;
        }
        connection.prepare_cached("RELEASE one")?.execute([])?;
    }
    done
}

fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join(LOCK);
    let lock = File::create(&path).map_err(system(&path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(system(&path)(error)),
    }
}

/// A name in a folder is on the disk when the folder is.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(system(folder))
}

pub(crate) fn remove_if_there(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(system(path)(error)),
        _ => Ok(()),
    }
}

/// Names the file in what the system says.
pub(crate) fn system(path: &Path) -> impl Fn(io::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |error| StoreError::System { path: path.clone(), error: Arc::new(error) }
}

#[cfg(test)]
mod tests;
