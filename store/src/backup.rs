//! Copies of the file, and back.
//!
//! A backup is one consistent moment of the file, taken while it is used. It knows nothing of the
//! counters that were used after it, so restoring it moves every counter far ahead
//! ([`HINT_MAX`](crate::counters::HINT_MAX)): meters take that, and no counter comes twice.
//! Secrets in it are encrypted; the key of the house is not in it.

use std::{fs, path::Path};

use rusqlite::{Connection, OpenFlags, backup::Backup};

use crate::{
    counters,
    error::StoreError,
    file::{self, Store, remove_if_there, sync_folder, system},
    schema,
};

/// Pages that are copied before writers have their turn.
const PAGES: i32 = 1_024;

/// Why a backup cannot be restored.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BackupError {
    /// What is wrong with the files.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// SQLite finds the backup damaged.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
}

impl Store {
    /// Writes a copy to `to`, a file that is not there yet. Writers go on.
    ///
    /// # Errors
    /// If there is such a file, or it cannot be written.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let to = to.to_owned();
        if to.exists() {
            return Err(StoreError::Exists(to));
        }
        self.read(move |from| {
            let mut unfinished = to.clone().into_os_string();
            unfinished.push(".new");
            let unfinished = Path::new(&unfinished);
            remove_if_there(unfinished)?;
            let of = |error| StoreError::of(unfinished, error);
            let mut copy = Connection::open(unfinished).map_err(of)?;
            Backup::new(from, &mut copy)
                .and_then(|backup| {
                    backup.run_to_completion(PAGES, core::time::Duration::ZERO, None)
                })
                .map_err(of)?;
            // One file, without a log beside it.
            copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(())).map_err(of)?;
            drop(copy);
            fs::File::open(unfinished)
                .and_then(|file| file.sync_all())
                .map_err(system(unfinished))?;
            fs::rename(unfinished, &to).map_err(system(&to))?;
            let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
            sync_folder(folder.unwrap_or_else(|| Path::new(".")))
        })
        .await
    }

    /// Makes a store in `folder` of a backup, and moves its counters ahead.
    ///
    /// # Errors
    /// If there is a store already, or the backup is not one or is damaged. Then nothing was made.
    pub fn restore(backup: &Path, folder: &Path) -> Result<Self, BackupError> {
        fs::create_dir_all(folder).map_err(system(folder))?;
        let path = folder.join(file::FILE);
        if path.exists() {
            return Err(StoreError::Exists(path).into());
        }
        let unfinished = folder.join("headend.db.new");
        remove_if_there(&unfinished)?;
        fs::copy(backup, &unfinished).map_err(system(backup))?;
        let prepared = prepare(&unfinished);
        if prepared.is_err() {
            remove_if_there(&unfinished)?;
        }
        prepared?;
        fs::rename(&unfinished, &path).map_err(system(&path))?;
        sync_folder(folder)?;
        Ok(Self::open(folder)?)
    }
}

/// Checks a copy of a backup, brings it forward and moves its counters.
fn prepare(path: &Path) -> Result<(), BackupError> {
    let of = |error| StoreError::of(path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(of)?;
    schema::bring_forward(&mut connection, path)?;
    let check: String =
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(of)?;
    if check != "ok" {
        return Err(BackupError::Damaged(check));
    }
    counters::leap(&connection).map_err(of)?;
    // Closing the last connection writes the log back into the file.
    connection.close().map_err(|(_, error)| of(error))?;
    Ok(())
}
