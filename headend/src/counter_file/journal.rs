//! How the contents of a counter file are read and stored, for few meters and for thousands.
//!
//! ```text
//!   FILE          everything, replaced as a whole while it is short
//!   FILE.journal  beyond that: what has changed since, a line for each change, synced
//!   FILE.lock     locked by who reads or writes either
//! ```
//!
//! To replace a file of a thousand meters costs as much for the change of one as for all, so that
//! reading them all would cost the square. A line costs what it says. When the journal has become
//! as long as FILE, it goes into it. Lines say how an entry is, not how it has changed: those that
//! are in FILE already, because the power went before the journal was emptied, change nothing.
//!
//! What was read is kept, and of what another process wrote meanwhile only the new lines are read.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};

use super::{Contents, CounterFileError, Dirty, Entry, VERSION, system};
use crate::durable;

/// Octets from which on a file has a journal: those of about a hundred meters.
const LONG: u64 = 16 * 1024;

/// A file with its journal.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    known: Mutex<Known>,
}

/// What was read or written last.
#[derive(Debug, Default)]
struct Known {
    contents: Contents,
    /// Of FILE, when it was read; None when nothing was.
    stamp: Option<Stamp>,
    /// Octets of the journal that are in the contents.
    journal: u64,
}

/// What tells one FILE from that which takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    inode: u64,
}

/// A line of the journal.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_title: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    meters: BTreeMap<String, String>,
    /// Meter, client and key of entries that are no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gone: Vec<(String, String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    counters: Vec<Entry>,
}

impl Store {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, known: Mutex::default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Looks at the contents. An absent file is empty.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Contents) -> T) -> Result<T, CounterFileError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Without a lock file nobody has written a journal.
        let lock_path = durable::beside(&self.path, ".lock");
        let lock = File::open(&lock_path).ok();
        if let Some(lock) = &lock {
            lock.lock_shared().map_err(|cause| system("lock", &lock_path, cause))?;
        }
        self.read(&mut known)?;
        Ok(look(&known.contents))
    }

    /// Changes the contents under the lock; when this returns the change is on the disk. On an
    /// error the file is as it was.
    pub(super) fn update<T>(
        &self,
        change: impl FnOnce(&mut Contents) -> Result<T, CounterFileError>,
    ) -> Result<T, CounterFileError> {
        let folder = durable::folder(&self.path);
        fs::create_dir_all(folder).map_err(|cause| system("create", folder, cause))?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);

        // The lock is a file of its own: the counter file itself is replaced, and a lock on a
        // replaced file keeps nobody out. It is released when it is closed, at the latest by the
        // system.
        let lock_path = durable::beside(&self.path, ".lock");
        let lock = durable::private().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(|cause| system("open", &lock_path, cause))?;
        lock.lock().map_err(|cause| system("lock", &lock_path, cause))?;

        self.read(&mut known)?;
        let changed = change(&mut known.contents);
        let stored = changed.and_then(|result| self.store(&mut known).map(|()| result));
        if stored.is_err() {
            // What is on the disk counts, whatever that is.
            *known = Known::default();
        }
        stored
    }

    /// Brings what is known up to what is there.
    fn read(&self, known: &mut Known) -> Result<(), CounterFileError> {
        let journal_path = self.journal_path();
        let stamp = stamp(&self.path).map_err(|cause| system("read", &self.path, cause))?;
        let length = match fs::metadata(&journal_path) {
            Ok(metadata) => metadata.len(),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => 0,
            Err(cause) => return Err(system("read", &journal_path, cause)),
        };
        if stamp.is_none() || stamp != known.stamp || length < known.journal {
            *known = Known { contents: read(&self.path)?, stamp, journal: 0 };
        }
        if length > known.journal {
            let lines = tail(&journal_path, known.journal);
            let lines = lines.map_err(|cause| system("read", &journal_path, cause))?;
            let read = known
                .contents
                .apply(&lines)
                .map_err(|cause| CounterFileError::Corrupt { path: journal_path, cause })?;
            known.journal += read as u64;
        }
        Ok(())
    }

    /// Stores what was changed: as a line, or all anew.
    fn store(&self, known: &mut Known) -> Result<(), CounterFileError> {
        let length = known.stamp.map_or(0, |stamp| stamp.length);
        let line = known.contents.line();
        let has_journal = known.contents.version >= 2 && length >= LONG;
        if has_journal && known.journal < length {
            let path = self.journal_path();
            let added = self.add(known.journal, &line);
            known.journal += added.map_err(|cause| system("write", &path, cause))? as u64;
            return Ok(());
        }
        let mut text = known.contents.text(&self.path)?;
        if text.len() as u64 >= LONG && known.contents.version < VERSION {
            // Who knows no journal must not take the file for all there is.
            known.contents.version = VERSION;
            text = known.contents.text(&self.path)?;
        }
        durable::replace(&self.path, &text).map_err(|cause| system("write", &self.path, cause))?;
        if known.journal > 0 {
            let path = self.journal_path();
            let emptied = fs::OpenOptions::new().write(true).open(&path).and_then(|journal| {
                journal.set_len(0)?;
                journal.sync_all()
            });
            emptied.map_err(|cause| system("empty", &path, cause))?;
        }
        known.journal = 0;
        known.stamp = stamp(&self.path).map_err(|cause| system("read", &self.path, cause))?;
        Ok(())
    }

    /// Adds a line behind the octets of the journal that count; how long it is.
    fn add(&self, journal: u64, line: &Line) -> io::Result<usize> {
        let path = self.journal_path();
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let is_new = !path.exists();
        let mut file = durable::private().create(true).truncate(false).write(true).open(&path)?;
        // What a crash broke off.
        if file.metadata()?.len() > journal {
            file.set_len(journal)?;
        }
        file.seek(SeekFrom::Start(journal))?;
        file.write_all(&text)?;
        file.sync_all()?;
        if is_new {
            durable::sync_folder(&path)?;
        }
        Ok(text.len())
    }

    fn journal_path(&self) -> PathBuf {
        durable::beside(&self.path, ".journal")
    }
}

impl Contents {
    /// The file as it is written.
    fn text(&self, path: &Path) -> Result<Vec<u8>, CounterFileError> {
        let text = serde_json::to_vec_pretty(self);
        let mut text = text.map_err(|cause| system("write", path, cause.into()))?;
        text.push(b'\n');
        Ok(text)
    }

    /// What was changed, which counts as stored from now on.
    fn line(&mut self) -> Line {
        let Dirty { client_title, places, entries } = core::mem::take(&mut self.dirty);
        let place = |place: String| {
            let title = self.meters.get(&place)?.clone();
            Some((place, title))
        };
        let mut line = Line {
            client_title: self.client_title.clone().filter(|_| client_title),
            meters: places.into_iter().filter_map(place).collect(),
            ..Line::default()
        };
        for (meter, client, key) in entries {
            let is_it =
                |entry: &&Entry| entry.meter == meter && entry.client == client && entry.key == key;
            match self.counters.iter().find(is_it) {
                Some(entry) => line.counters.push(entry.clone()),
                None => line.gone.push((meter, client, key)),
            }
        }
        line
    }

    /// Takes in lines of a journal; how many octets of them count. The last may be broken off.
    fn apply(&mut self, lines: &[u8]) -> Result<usize, String> {
        let mut read = 0;
        while let Some(end) = lines[read..].iter().position(|octet| *octet == b'\n') {
            let next = read + end + 1;
            match serde_json::from_slice::<Line>(&lines[read..next]) {
                Ok(line) => self.apply_line(line),
                Err(_) if next == lines.len() => return Ok(read),
                Err(error) => return Err(error.to_string()),
            }
            read = next;
        }
        Ok(read)
    }

    fn apply_line(&mut self, line: Line) {
        if line.client_title.is_some() {
            self.client_title = line.client_title;
        }
        self.meters.extend(line.meters);
        for (meter, client, key) in line.gone {
            self.counters
                .retain(|entry| entry.meter != meter || entry.client != client || entry.key != key);
        }
        for entry in line.counters {
            let known = self.counters.iter_mut().find(|known| {
                known.meter == entry.meter && known.client == entry.client && known.key == entry.key
            });
            match known {
                Some(known) => *known = entry,
                None => self.counters.push(entry),
            }
        }
    }
}

/// Of a file; None when there is none.
fn stamp(path: &Path) -> io::Result<Option<Stamp>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(Stamp {
            length: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(&metadata),
        })),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(cause),
    }
}

/// What stands in a file from an octet on.
fn tail(path: &Path, from: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut octets = Vec::new();
    file.read_to_end(&mut octets)?;
    Ok(octets)
}

/// Reads the file. An absent one is empty.
fn read(path: &Path) -> Result<Contents, CounterFileError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Contents::default()),
        Err(cause) => return Err(system("read", path, cause)),
    };
    let corrupt = |cause: serde_json::Error| CounterFileError::Corrupt {
        path: path.to_owned(),
        cause: cause.to_string(),
    };
    // The version first: a later format may differ in everything else.
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let Version { version } = serde_json::from_slice(&text).map_err(corrupt)?;
    if !(1..=VERSION).contains(&version) {
        return Err(CounterFileError::Version { path: path.to_owned(), found: version });
    }
    serde_json::from_slice(&text).map_err(corrupt)
}
