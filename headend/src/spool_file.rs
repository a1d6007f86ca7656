//! A file that takes what concentrators kept for the head-end, each push once.
//!
//! Beside FILE is FILE.spool, which says how long FILE is, which pushes are in it, and which
//! invocation counter of each meter was accepted last, so that none is replayed. A commit is
//! on the disk when FILE.spool is: what stands in FILE beyond that length is of a commit that a
//! crash broke off, and is cut away before anything is added. Only what is committed is
//! acknowledged, so that whatever was cut away comes again.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use dlms_core::security::SystemTitle;
use dlms_tokio::ledger::{Ledger, Life};
use serde::{Deserialize, Serialize};

use crate::{durable, hex};

/// The format of FILE.spool. One of another version is left alone.
const VERSION: u32 = 1;

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpoolFileError {
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
    /// Another process adds to it.
    #[error("{0:?} is in use: another `headend spool` adds to it")]
    Locked(PathBuf),
    /// What stands beside it is not ours, or of a later version. It was left as it is.
    #[error(
        "{path:?} does not say which pushes are in the file beside it ({cause}); it was left as it \
         is"
    )]
    Foreign {
        /// FILE.spool.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
}

/// What FILE.spool holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    version: u32,
    /// Octets of FILE.
    length: u64,
    lives: Vec<StoredLife>,
    /// The invocation counter that was accepted last, by the system title of the meter.
    received: BTreeMap<String, u32>,
}

/// What is known of the pushes in a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Which they are.
    pub(crate) ledger: Ledger,
    /// The invocation counter that was accepted last from each meter.
    pub(crate) received: Vec<(SystemTitle, u32)>,
}

/// See [`Life`]; octets in hexadecimal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredLife {
    concentrator: String,
    epoch: u32,
    up_to: u64,
    live: Vec<(u64, String)>,
}

impl StoredLife {
    fn new(life: &Life) -> Self {
        let live = life.live.iter().map(|(sequence, digest)| (*sequence, hex::text(digest)));
        let concentrator = hex::text(&life.concentrator);
        Self { concentrator, epoch: life.epoch, up_to: life.up_to, live: live.collect() }
    }

    /// None if it is none.
    fn life(&self) -> Option<Life> {
        let live = self
            .live
            .iter()
            .map(|(sequence, digest)| Some((*sequence, hex::parse(digest)?.try_into().ok()?)));
        Some(Life {
            concentrator: hex::parse(&self.concentrator)?,
            epoch: self.epoch,
            up_to: self.up_to,
            live: live.collect::<Option<_>>()?,
        })
    }
}

/// FILE, open and locked.
#[derive(Debug)]
pub(crate) struct SpoolFile {
    path: PathBuf,
    file: File,
    /// Its octets that are committed.
    length: u64,
    /// What is to be added with the next commit.
    pending: Vec<u8>,
}

impl SpoolFile {
    /// Opens the file at `path`, which is made if need be; and what is known of the pushes in it.
    pub(crate) fn open(path: &Path) -> Result<(Self, Known), SpoolFileError> {
        let at = |doing, path: &Path| {
            let path = path.to_owned();
            move |cause| SpoolFileError::System { doing, path, cause }
        };
        let mut options = durable::private();
        let file = options.create(true).truncate(false).write(true).open(path);
        let mut file = file.map_err(at("open", path))?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => SpoolFileError::Locked(path.to_owned()),
            TryLockError::Error(cause) => at("lock", path)(cause),
        })?;
        let found = file.metadata().map_err(at("read", path))?.len();
        let state_path = durable::beside(path, STATE);
        let (mut known, mut length, mut is_new) = (Known::default(), found, false);
        match fs::read(&state_path) {
            Ok(text) => {
                let state = parse(&text)
                    .map_err(|cause| SpoolFileError::Foreign { path: state_path.clone(), cause })?;
                // One that is shorter was taken away, and what was in it with it.
                length = found.min(state.0);
                known = state.1;
            }
            // What is there is not ours; what the first commit adds will be.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => is_new = true,
            Err(cause) => return Err(at("read", &state_path)(cause)),
        }
        if length < found {
            file.set_len(length).map_err(at("cut", path))?;
        }
        file.seek(SeekFrom::Start(length)).map_err(at("read", path))?;
        file.sync_all().map_err(at("sync", path))?;
        durable::sync_folder(path).map_err(at("sync", path))?;
        let mut opened = Self { path: path.to_owned(), file, length, pending: Vec::new() };
        if is_new {
            opened.commit(&known.ledger, core::iter::empty())?;
        }
        Ok((opened, known))
    }

    /// Whether nothing was ever added.
    pub(crate) const fn is_empty(&self) -> bool {
        self.length == 0 && self.pending.is_empty()
    }

    /// What is to be added with the next commit: written to its end.
    pub(crate) const fn pending(&mut self) -> &mut Vec<u8> {
        &mut self.pending
    }

    /// Adds what is pending, and notes what `ledger` knows and what was `received`: all of it is on
    /// the disk when this returns, or the next [`open`](Self::open) finds none of it.
    pub(crate) fn commit(
        &mut self,
        ledger: &Ledger,
        received: impl Iterator<Item = (SystemTitle, u32)>,
    ) -> Result<(), SpoolFileError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |cause| SpoolFileError::System { doing: "write", path, cause }
        };
        self.file.write_all(&self.pending).map_err(at(&self.path))?;
        self.file.sync_data().map_err(at(&self.path))?;
        self.length += self.pending.len() as u64;
        self.pending.clear();
        let state_path = durable::beside(&self.path, STATE);
        let lives = ledger.lives().map(|life| StoredLife::new(&life)).collect();
        let received = received.map(|(title, last)| (title.to_string(), last)).collect();
        let state = State { version: VERSION, length: self.length, lives, received };
        let text = serde_json::to_vec(&state).map_err(|cause| at(&state_path)(cause.into()))?;
        durable::replace(&state_path, &text).map_err(at(&state_path))
    }
}

/// What stands behind the name of the file.
const STATE: &str = ".spool";

/// The length of the file and what is known, or what is wrong with the state.
fn parse(text: &[u8]) -> Result<(u64, Known), String> {
    let state: State = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if state.version != VERSION {
        return Err(format!("it has format {}, this program knows {VERSION}", state.version));
    }
    let mut known = Known::default();
    for life in &state.lives {
        let life = life.life().ok_or("a name or digest is not hexadecimal")?;
        known.ledger.restore(&life);
    }
    for (title, last) in &state.received {
        let title = title.parse().map_err(|_| "a system title is none")?;
        known.received.push((title, *last));
    }
    Ok((state.length, known))
}

#[cfg(test)]
mod tests {
    use dlms_core::security::SystemTitle;
    use dlms_tokio::ledger::{PushId, Verdict};

    use super::*;

    const DC: &[u8] = b"DHC0000000000001";
    const RECEIVED: [(SystemTitle, u32); 1] = [(SystemTitle(*b"GRX\x01\0\0\x03\xe8"), 40)];

    /// A folder for one test, gone after it.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let folder = format!("headend-spool-{}-{name}", std::process::id());
            let folder = std::env::temp_dir().join(folder);
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn file(&self) -> PathBuf {
            self.0.join("pushes.jsonl")
        }

        fn text(&self) -> String {
            fs::read_to_string(self.file()).unwrap()
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn row(ledger: &mut Ledger, sequence: u64) -> Verdict {
        ledger.handle_row(PushId { concentrator: DC, epoch: 2, sequence }, [7; 16])
    }

    #[test]
    fn what_is_committed_is_there_and_known_and_what_is_not_is_neither() {
        let scratch = Scratch::new("committed");
        let (mut file, Known { mut ledger, .. }) = SpoolFile::open(&scratch.file()).unwrap();
        assert!(file.is_empty());
        assert_eq!(row(&mut ledger, 1), Verdict::New);
        let live = PushId { concentrator: DC, epoch: 2, sequence: 2 };
        assert_eq!(ledger.handle_live(live, [3; 16]), Verdict::New);
        file.pending().extend(b"one and two\n");
        file.commit(&ledger, RECEIVED.into_iter()).unwrap();
        // The next one is written, and the power goes before it is noted.
        row(&mut ledger, 3);
        file.file.write_all(b"three, in pa").unwrap();
        drop(file);

        let (mut file, Known { mut ledger, received }) = SpoolFile::open(&scratch.file()).unwrap();
        assert_eq!(received, RECEIVED);
        assert_eq!((scratch.text(), file.is_empty()), ("one and two\n".to_owned(), false));
        assert_eq!(row(&mut ledger, 1), Verdict::Known);
        assert_eq!(ledger.handle_row(live, [3; 16]), Verdict::Known);
        assert_eq!(row(&mut ledger, 3), Verdict::New);
        file.pending().extend(b"three\n");
        file.commit(&ledger, RECEIVED.into_iter()).unwrap();
        assert_eq!(scratch.text(), "one and two\nthree\n");
    }

    #[test]
    fn the_first_commit_that_a_crash_breaks_off_is_cut_away_as_any_other() {
        let scratch = Scratch::new("first");
        fs::write(scratch.file(), "mine\n").unwrap();
        let (mut file, _) = SpoolFile::open(&scratch.file()).unwrap();
        file.file.write_all(b"one\n").unwrap();
        drop(file);
        let (_, Known { mut ledger, .. }) = SpoolFile::open(&scratch.file()).unwrap();
        assert_eq!((scratch.text(), row(&mut ledger, 1)), ("mine\n".to_owned(), Verdict::New));
    }

    #[test]
    fn a_file_that_was_taken_away_begins_anew_and_its_pushes_stay_known() {
        let scratch = Scratch::new("away");
        let (mut file, Known { mut ledger, .. }) = SpoolFile::open(&scratch.file()).unwrap();
        row(&mut ledger, 1);
        file.pending().extend(b"one\n");
        file.commit(&ledger, RECEIVED.into_iter()).unwrap();
        drop(file);
        fs::rename(scratch.file(), scratch.0.join("yesterday")).unwrap();
        let (mut file, Known { mut ledger, .. }) = SpoolFile::open(&scratch.file()).unwrap();
        assert!(file.is_empty());
        assert_eq!((row(&mut ledger, 1), row(&mut ledger, 2)), (Verdict::Known, Verdict::New));
        file.pending().extend(b"two\n");
        file.commit(&ledger, RECEIVED.into_iter()).unwrap();
        assert_eq!(scratch.text(), "two\n");
    }

    #[test]
    fn what_was_there_before_is_not_cut_and_no_two_add_to_one_file() {
        let scratch = Scratch::new("before");
        fs::write(scratch.file(), "mine\n").unwrap();
        let (mut file, Known { ledger, .. }) = SpoolFile::open(&scratch.file()).unwrap();
        let second = SpoolFile::open(&scratch.file()).unwrap_err();
        assert!(matches!(second, SpoolFileError::Locked(_)), "{second}");
        file.pending().extend(b"one\n");
        file.commit(&ledger, RECEIVED.into_iter()).unwrap();
        assert_eq!(scratch.text(), "mine\none\n");
    }

    #[test]
    fn a_state_that_is_not_ours_is_left_alone_and_nothing_is_cut() {
        let scratch = Scratch::new("foreign");
        fs::write(scratch.file(), "mine\n").unwrap();
        let later = r#"{"version":2,"length":0,"lives":[],"received":{}}"#;
        let odd = r#"{"version":1,"length":0,"lives":[],"received":{"x":1}}"#;
        for foreign in [later, odd, "[]", ""] {
            fs::write(durable::beside(&scratch.file(), STATE), foreign).unwrap();
            let error = SpoolFile::open(&scratch.file()).unwrap_err();
            assert!(matches!(error, SpoolFileError::Foreign { .. }), "{error}");
            assert_eq!(scratch.text(), "mine\n");
        }
    }
}
