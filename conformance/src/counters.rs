//! The invocation counters that a run sends with.
//!
//! Runs go over lines in the field under the keys of the meter, and a counter that is used twice
//! under one key breaks AES-GCM (IEC 62056-5-3 clause 5: the initialization vector is made of the
//! title and the counter). So what a run may use is stored before it is used, in a file beside the
//! declaration, and the next run goes on behind it. The file holds one number, and stays locked for
//! as long as the run lasts.

use core::cell::Cell;
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use crate::verdict::Finding;

/// Counters that are stored as used at once. What a run leaves of them is never used.
const BLOCK: u32 = 256;
/// How far a number that nobody vouches for may move the counters forward. A forged one costs the
/// key then at most a 4096th of its life.
pub(crate) const HINT_MAX: u32 = 1 << 20;

/// Counters of a run, for one client title and key or for several: each is used once only.
#[derive(Debug)]
pub struct Counters {
    next: Cell<u32>,
    /// No counter from here on is stored as used.
    reserved: Cell<u32>,
    file: Option<File>,
}

/// The counters cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CountersError {
    /// The system refused.
    #[error("cannot {doing} {path:?}: {cause}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Another run has the same declaration, and with it the same keys.
    #[error("{0:?} is in use: another run with this declaration has not ended")]
    InUse(PathBuf),
    /// Not what a run wrote.
    #[error(
        "{0:?} holds no invocation counter; it was left as it is: write the next that may be used \
         into it"
    )]
    Corrupt(PathBuf),
}

impl Counters {
    /// Counters from `first` on that nobody remembers: for meters that are simulated, and keys that
    /// are nobody's secret.
    #[must_use]
    pub const fn forgetful(first: u32) -> Self {
        Self { next: Cell::new(first), reserved: Cell::new(u32::MAX), file: None }
    }

    /// The counters of the file beside `declaration`, `NAME.counter`. A new one begins with the
    /// seconds of the clock: beyond what earlier runs used that wrote nothing down.
    ///
    /// # Errors
    /// [`CountersError`].
    pub fn beside(declaration: &Path) -> Result<Self, CountersError> {
        let mut name = declaration.as_os_str().to_owned();
        name.push(".counter");
        let path = PathBuf::from(name);
        let system = |doing| {
            let path = path.clone();
            move |cause| CountersError::System { doing, path, cause }
        };
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(system("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(CountersError::InUse(path)),
            Err(TryLockError::Error(cause)) => return Err(system("lock")(cause)),
        }
        let mut text = String::new();
        // Longer than any number of ours is.
        (&mut file).take(64).read_to_string(&mut text).map_err(system("read"))?;
        let next = match text.trim() {
            "" => clock(),
            number => number.parse().map_err(|_| CountersError::Corrupt(path.clone()))?,
        };
        sync_folder(&path).map_err(system("store"))?;
        Ok(Self { next: Cell::new(next), reserved: Cell::new(next), file: Some(file) })
    }

    /// Takes the next counter.
    pub(crate) fn take(&self) -> Result<u32, Finding> {
        let counter = self.next.get();
        self.reserve(1)?;
        self.next.set(counter + 1);
        Ok(counter)
    }

    /// Sees to it that this many are stored as used, and does not take them.
    ///
    /// The largest counter is neither sent nor accepted (IEC 62056-5-3, security suite 0).
    pub(crate) fn reserve(&self, count: u32) -> Result<(), Finding> {
        let next = self.next.get();
        if count > u32::MAX - next {
            return Err(Finding::inconclusive(
                "all invocation counters of this key were used; the key must be changed",
            ));
        }
        if next + count <= self.reserved.get() {
            return Ok(());
        }
        let reserved = next.saturating_add(count.max(BLOCK));
        self.store(reserved).map_err(|error| {
            Finding::inconclusive(format!("the invocation counters cannot be stored: {error}"))
        })?;
        self.reserved.set(reserved);
        Ok(())
    }

    /// Goes on with `expected`, a number that nobody vouches for, unless that is behind already.
    pub(crate) fn skip(&self, expected: u32) -> Result<(), Finding> {
        let next = self.next.get();
        if expected.saturating_sub(next) > HINT_MAX {
            return Err(Finding::inconclusive(format!(
                "the meter names counter {expected}, which is more than {HINT_MAX} beyond {next}; \
                 if that is right, write it into the file NAME.counter beside the declaration"
            )));
        }
        self.next.set(next.max(expected));
        Ok(())
    }

    /// In place, and always as many octets: a file that is replaced would lose its lock.
    fn store(&self, reserved: u32) -> io::Result<()> {
        let Some(mut file) = self.file.as_ref() else { return Ok(()) };
        file.rewind()?;
        file.write_all(format!("{reserved:010}\n").as_bytes())?;
        file.set_len(11)?;
        file.sync_all()
    }
}

/// Seconds since 1970.
fn clock() -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(now.as_secs()).unwrap_or(1)
}

/// Sees to it that a new file is in its folder after a power cut.
fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        File::open(folder.unwrap_or_else(|| Path::new("."))).and_then(|it| it.sync_all())?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{env, fs, process};

    use super::*;

    /// A declaration in a folder of its own, gone afterwards.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = env::temp_dir().join(format!("dlms-counters-{name}-{}", process::id()));
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn declaration(&self) -> PathBuf {
            self.0.join("meter.toml")
        }

        fn counter(&self) -> PathBuf {
            self.0.join("meter.toml.counter")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_run_begins_behind_whatever_the_one_before_may_have_sent() {
        let folder = Folder::new("runs");
        let mut last = None;
        for taken in [1, 700, 0, 3] {
            let counters = Counters::beside(&folder.declaration()).unwrap();
            for _ in 0..taken {
                let counter = counters.take().unwrap();
                assert!(last.is_none_or(|last| counter > last), "{counter} after {last:?}");
                // Whatever becomes of this process: it is on the disk that this one is used.
                let stored: u32 =
                    fs::read_to_string(folder.counter()).unwrap().trim().parse().unwrap();
                assert!(stored > counter, "{counter} is used, and stored is {stored}");
                last = Some(counter);
            }
        }
    }

    #[test]
    fn two_runs_at_a_time_do_not_share_counters() {
        let folder = Folder::new("lock");
        let one = Counters::beside(&folder.declaration()).unwrap();
        let other = Counters::beside(&folder.declaration());
        assert!(matches!(other, Err(CountersError::InUse(_))), "{other:?}");
        drop(one);
        Counters::beside(&folder.declaration()).unwrap();
    }

    #[test]
    fn what_is_no_counter_is_refused_and_left() {
        let folder = Folder::new("corrupt");
        for text in ["x", "-1", "4294967296", "1 2"] {
            fs::write(folder.counter(), text).unwrap();
            let found = Counters::beside(&folder.declaration());
            assert!(matches!(found, Err(CountersError::Corrupt(_))), "{text}: {found:?}");
            assert_eq!(fs::read_to_string(folder.counter()).unwrap(), text);
        }
    }

    #[test]
    fn a_number_that_nobody_vouches_for_does_not_use_the_key_up() {
        let counters = Counters::forgetful(500);
        counters.skip(20).unwrap();
        assert_eq!(counters.take().unwrap(), 500);
        counters.skip(501 + HINT_MAX).unwrap();
        assert_eq!(counters.take().unwrap(), 501 + HINT_MAX);
        for far in [503 + 2 * HINT_MAX, u32::MAX] {
            let reason = counters.skip(far).unwrap_err().reason;
            assert!(reason.contains("names counter"), "{reason}");
        }
        assert_eq!(counters.take().unwrap(), 502 + HINT_MAX);
    }

    #[test]
    fn the_largest_counter_is_never_sent() {
        let counters = Counters::forgetful(u32::MAX - 1);
        assert_eq!(counters.take().unwrap(), u32::MAX - 1);
        for _ in 0..2 {
            let reason = counters.take().unwrap_err().reason;
            assert!(reason.contains("the key must be changed"), "{reason}");
        }
    }
}
