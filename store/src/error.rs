//! Why something could not be stored, or what was stored cannot be used.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::ErrorCode;

use crate::readings::BlockError;

/// Why something could not be stored or read. What was stored before is untouched.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no database. An empty one is made only when it is asked for: with it, invocation
    /// counters would begin anew, and meters would refuse them.
    #[error("{}: there is no database here; make one, or restore a backup", .0.display())]
    Missing(PathBuf),
    /// There is one already.
    #[error("{}: there is a database here already; it was left as it is", .0.display())]
    Exists(PathBuf),
    /// Another process has it.
    #[error("{}: another process is using this folder", .0.display())]
    Locked(PathBuf),
    /// A later version of the program wrote it.
    #[error(
        "{}: schema {found} is of a later version, this program knows {known}; it was left as it \
         is", path.display()
    )]
    Later {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest one that is known here.
        known: u32,
    },
    /// The file is something else.
    #[error("{}: this is not a database of a head-end; it was left as it is", .0.display())]
    NotOurs(PathBuf),
    /// The file is damaged.
    #[error("{}: the database is damaged ({cause}); restore a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// There is no room on the disk.
    #[error("{}: the disk is full; nothing was changed", .0.display())]
    Full(PathBuf),
    /// A neighbour in the same transaction failed in such a way that all was undone.
    #[error("{}: undone, with a neighbour for which there was no room; try again", .0.display())]
    Undone(PathBuf),
    /// The system refused.
    #[error("{}: {error}", path.display())]
    System {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        error: Arc<io::Error>,
    },
    /// SQLite refused.
    #[error("the database: {0}")]
    Database(Arc<rusqlite::Error>),
    /// A block of readings is damaged.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// Something of this name is there already.
    #[error("{what} {name:?} is there already")]
    Duplicate {
        /// What.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// There is nothing of this name.
    #[error("there is no {what} {name:?}")]
    Unknown {
        /// What.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// Somebody else has the job by now, or it is over. What was to be written was not.
    #[error("job {0} is no longer this worker's: its lease ended, or it was cancelled")]
    Fenced(i64),
    /// A counter would go down, or too far up on nobody's word.
    #[error(transparent)]
    Counter(#[from] crate::counters::CounterError),
    /// A secret cannot be sealed or opened.
    #[error(transparent)]
    Secret(#[from] crate::secrets::SecretError),
    /// The thread that writes has ended.
    #[error("the database is closed")]
    Closed,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

impl StoreError {
    /// What SQLite says of the file at `path`.
    pub(crate) fn of(path: &Path, error: rusqlite::Error) -> Self {
        Self::from(error).located(path)
    }

    /// Names the file where what SQLite says has to do with it.
    pub(crate) fn located(self, path: &Path) -> Self {
        let Self::Database(error) = &self else { return self };
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full(path.to_owned()),
            Some(ErrorCode::DatabaseCorrupt) => {
                Self::Damaged { path: path.to_owned(), cause: error.to_string() }
            }
            Some(ErrorCode::NotADatabase) => Self::NotOurs(path.to_owned()),
            _ => self,
        }
    }
}
