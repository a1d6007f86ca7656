//! The file that remembers which invocation counters were used.
//!
//! A counter that was used twice with one key breaks AES-GCM, and a meter refuses a counter that is
//! not greater than the last one. So the next counter is stored durably *before* any counter below
//! it is used: written to a temporary file, synced, renamed over the old one, the folder synced;
//! or, where there are many meters, added to a journal and synced.
//! A lock on `FILE.lock` keeps two processes from handing out the same numbers. What a crash or the
//! end of the process leaves of a reserved block is never used.
//!
//! Counters are kept by meter title, client title and key. Before the first association the title
//! of the meter is unknown; its counter is then kept under its address, and moves to the title as
//! soon as the meter has proved it ([`Counter::learned`]). Of a key the file holds the first eight
//! hexadecimal digits of its SHA-256, never the key.
//!
//! ```
//! use dlms_core::security::{Key, ReceiveCounter, Received, SystemTitle};
//! use headend::counter_file::{CounterFile, Place};
//!
//! let folder = std::env::temp_dir().join(format!("counters-{}", std::process::id()));
//! let file = CounterFile::new(folder.join("counters.json"));
//! let place = Place::new("wrapper://192.0.2.7:4059", 1, None);
//! let counter = file.counter(&place, SystemTitle(*b"DHE\0\0\0\0\x01"), &Key::from([7; 16]));
//!
//! assert_eq!(counter.next()?, None);
//! assert_eq!(counter.reserve(64)?, 1..65);
//! assert_eq!(counter.reserve(64)?, 65..129);
//! # std::fs::remove_dir_all(folder).unwrap();
//! # Ok::<(), headend::counter_file::CounterFileError>(())
//! ```

mod journal;

use core::{fmt, ops::Range};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use dlms_core::{
    gateway::GatewayAddress,
    security::{Key, ReceiveCounter, Received, SystemTitle},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use self::journal::Store;
use crate::hex;

/// How far a number that nobody vouches for may move a counter forward. A forged number costs the
/// key then at most a 4096th of its life.
pub const HINT_MAX: u32 = 1 << 20;
/// The counter a key starts with. The standard lets the first be 0 or 1; 1 suits both readings.
const FIRST: u32 = 1;
/// The format of the file. A file of a later version is left alone. Of version 1 there is no
/// journal.
const VERSION: u32 = 2;

/// The file that remembers counters. Nothing is opened or created before it is needed. Clones share
/// what was read of it.
#[derive(Clone, Debug)]
pub struct CounterFile {
    store: Arc<Store>,
}

/// Where a meter is: an address, the SAP of the logical device behind it, and on HDLC its physical
/// device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(String);

impl Place {
    /// Logical device `upper` of the physical device `lower` behind `address`.
    pub fn new(address: impl fmt::Display, upper: u16, lower: Option<u16>) -> Self {
        Self(match lower {
            None => format!("{address} server {upper}"),
            Some(lower) => format!("{address} server {upper}/{lower}"),
        })
    }

    /// The meter with this address, where there is a gateway at this place.
    #[must_use]
    pub fn behind(self, gateway: Option<&GatewayAddress>) -> Self {
        match gateway {
            None => self,
            Some(meter) => Self(format!("{} gateway {meter}", self.0)),
        }
    }

    /// The logical device of this name, wherever it is reached.
    pub fn of_device(name: &[u8]) -> Self {
        Self(format!("device {}", hex::text(name)))
    }

    /// The meter with this title, wherever it is.
    pub(crate) fn of_meter(title: SystemTitle) -> Self {
        Self(title.to_string())
    }

    /// How files name it.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

/// The counter of one client with one key at one meter.
#[derive(Clone, Debug)]
pub struct Counter {
    store: Arc<Store>,
    place: Place,
    client: String,
    key: String,
}

/// The file cannot be used, or the counter must not be moved like that.
#[derive(Debug, thiserror::Error)]
pub enum CounterFileError {
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
    /// The file is not one of ours. It was left as it is.
    #[error("{path:?} is not a counter file ({cause}); it was left as it is")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where it goes wrong.
        cause: String,
    },
    /// Another, later version of this program wrote the file. It was left as it is.
    #[error("{path:?} has format {found}, this program knows {VERSION}; it was left as it is")]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// A number that nobody vouches for is too far ahead to be believed.
    #[error("the meter names counter {hint}, which is more than {HINT_MAX} beyond {next}")]
    TooFar {
        /// The number.
        hint: u32,
        /// The next counter as it stands.
        next: u32,
    },
    /// A counter is never lowered.
    #[error("the next counter is {next} and is never lowered to {asked}")]
    Lower {
        /// The number that was asked for.
        asked: u32,
        /// The next counter as it stands.
        next: u32,
    },
    /// The largest counter is never used (IEC 62056-5-3, security suite 0): going on from it would
    /// be the end of the key.
    #[error("{} is the largest counter and never used: nothing could be sent after it", u32::MAX)]
    Largest,
    /// The key was used 2³² − 2 times.
    #[error("all invocation counters of this key were used; the key must be changed")]
    Exhausted,
}

impl CounterFile {
    /// The file at `path`.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { store: Arc::new(Store::new(path)) }
    }

    /// The file in the user's data folder: `dlms-headend/counters.json` in `$XDG_DATA_HOME` or in
    /// `~/.local/share` (on Windows in `%LOCALAPPDATA%`). None when there is no such folder.
    pub fn in_data_folder(environment: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let absolute = |path: PathBuf| path.is_absolute().then_some(path);
        let folder = environment("XDG_DATA_HOME")
            .and_then(|folder| absolute(folder.into()))
            .or_else(|| environment("LOCALAPPDATA").and_then(|folder| absolute(folder.into())))
            .or_else(|| {
                let home = environment("HOME").and_then(|home| absolute(home.into()))?;
                Some(home.join(".local").join("share"))
            })?;
        Some(Self::new(folder.join("dlms-headend").join("counters.json")))
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        self.store.path()
    }

    /// The title of the meter that was last at `place`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn title_at(&self, place: &Place) -> Result<Option<SystemTitle>, CounterFileError> {
        self.store
            .look(|contents| contents.meters.get(&place.0).and_then(|title| title.parse().ok()))
    }

    /// The client title of this installation: made from `random` the first time and the same ever
    /// after.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn client_title(&self, random: [u8; 5]) -> Result<SystemTitle, CounterFileError> {
        self.store.update(|contents| {
            if let Some(title) = contents.client_title.as_ref().and_then(|text| text.parse().ok()) {
                return Ok(title);
            }
            let [a, b, c, d, e] = random;
            let title = SystemTitle([b'D', b'H', b'E', a, b, c, d, e]);
            contents.client_title = Some(title.to_string());
            contents.dirty.client_title = true;
            Ok(title)
        })
    }

    /// The counter of `client` with `key` for the meter at `place`.
    #[must_use]
    pub fn counter(&self, place: &Place, client: SystemTitle, key: &Key) -> Counter {
        Counter {
            store: Arc::clone(&self.store),
            place: place.clone(),
            client: client.to_string(),
            key: fingerprint(key),
        }
    }
}

impl Counter {
    /// The next counter, if one is stored.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next(&self) -> Result<Option<u32>, CounterFileError> {
        self.store
            .look(|contents| contents.entry(self, contents.meter(self)).map(|entry| entry.next))
    }

    /// Moves the counter to `hint`, a number that nobody vouches for: at most [`HINT_MAX`] forward
    /// and never back. Returns the next counter.
    ///
    /// # Errors
    /// [`CounterFileError::TooFar`]; the file cannot be read or written.
    pub fn hinted(&self, hint: u32) -> Result<u32, CounterFileError> {
        self.change(|next| match hint.checked_sub(*next) {
            Some(ahead) if ahead > HINT_MAX => Err(CounterFileError::TooFar { hint, next: *next }),
            _ => {
                *next = hint.max(*next);
                Ok(*next)
            }
        })
    }

    /// Moves the counter forward to `asked`, on the word of the user.
    ///
    /// # Errors
    /// [`CounterFileError::Lower`], [`CounterFileError::Largest`]; the file cannot be read or
    /// written.
    pub fn ordered(&self, asked: u32) -> Result<(), CounterFileError> {
        if asked == u32::MAX {
            return Err(CounterFileError::Largest);
        }
        self.change(|next| {
            if asked < *next {
                return Err(CounterFileError::Lower { asked, next: *next });
            }
            *next = asked;
            Ok(())
        })
    }

    /// Takes `count` counters, fewer at the end of the key's life. They are spent when this
    /// returns, whether used or not, and at every meter with this key.
    ///
    /// # Errors
    /// [`CounterFileError::Exhausted`]; the file cannot be read or written.
    pub fn reserve(&self, count: u32) -> Result<Range<u32>, CounterFileError> {
        self.store.update(|contents| {
            // Not just beyond its own entry: two addresses may be one meter, and two meters with
            // one key must not see the same counter either.
            let start = contents.furthest(self);
            // The largest counter is neither sent nor accepted (IEC 62056-5-3, security suite 0).
            let end = start.saturating_add(count);
            if start >= end {
                return Err(CounterFileError::Exhausted);
            }
            contents.entry_mut(self).next = end;
            Ok(start..end)
        })
    }

    /// The meter at this place proved that its title is `title`: from now on its counter is kept
    /// under it.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn learned(&self, title: SystemTitle) -> Result<(), CounterFileError> {
        let title = title.to_string();
        if self.store.look(|contents| contents.meters.get(&self.place.0) == Some(&title))? {
            return Ok(());
        }
        self.store.update(|contents| {
            let before = contents.meter(self).to_owned();
            let used = contents.entry(self, &before).map(|entry| entry.next);
            contents.remove(self, &self.place.0);
            contents.meters.insert(self.place.0.clone(), title.clone());
            contents.dirty.places.insert(self.place.0.clone());
            if let Some(used) = used {
                let entry = contents.entry_mut(self);
                entry.next = entry.next.max(used);
            }
            Ok(())
        })
    }

    /// What was accepted from the meter at this place under this key, once its title is known.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn received(&self) -> Result<Option<Received>, CounterFileError> {
        self.store.look(|contents| {
            let meter = contents.meter(self);
            let received = contents.entry(self, meter).and_then(|entry| entry.received);
            meter.parse().ok().zip(received).map(|(originator, last)| Received {
                originator,
                counter: ReceiveCounter::after(last),
            })
        })
    }

    /// Remembers what was accepted. It is kept under the title of the meter, whether or not this
    /// place is known to be the meter's; it is never lowered.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn accept(&self, received: Received) -> Result<(), CounterFileError> {
        let Some(last) = received.counter.last() else { return Ok(()) };
        let meter = received.originator.to_string();
        let is_known = |entry: &Entry| entry.received >= Some(last);
        if self.store.look(|contents| contents.entry(self, &meter).is_some_and(is_known))? {
            return Ok(());
        }
        self.store.update(|contents| {
            let entry = contents.entry_of_mut(self, meter);
            entry.received = entry.received.max(Some(last));
            Ok(())
        })
    }

    /// Forgets what was accepted from the meter at this place, on the word of the user.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn forget_received(&self) -> Result<(), CounterFileError> {
        self.store.update(|contents| {
            contents.entry_mut(self).received = None;
            Ok(())
        })
    }

    fn owns(&self, entry: &Entry) -> bool {
        entry.client == self.client && entry.key == self.key
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut u32) -> Result<T, CounterFileError>,
    ) -> Result<T, CounterFileError> {
        self.store.update(|contents| change(&mut contents.entry_mut(self).next))
    }
}

/// The first eight hexadecimal digits of the SHA-256 of a key: tells keys apart and tells nothing.
fn fingerprint(key: &Key) -> String {
    Sha256::digest(key.octets()).iter().take(4).map(|octet| format!("{octet:02x}")).collect()
}

/// What the file holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    version: u32,
    /// The client title of this installation, once one was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_title: Option<String>,
    /// Which meter was last at which place.
    #[serde(default)]
    meters: BTreeMap<String, String>,
    counters: Vec<Entry>,
    /// What was changed since it was stored.
    #[serde(skip)]
    dirty: Dirty,
}

/// What of the contents differs from what is stored.
#[derive(Debug, Default)]
struct Dirty {
    client_title: bool,
    places: BTreeSet<String>,
    /// Meter, client and key of entries that were changed, made or removed.
    entries: BTreeSet<(String, String, String)>,
}

/// The counter of one client with one key at one meter.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The title of the meter, or its place while the title is unknown.
    meter: String,
    client: String,
    key: String,
    /// No counter from here on was ever handed out.
    next: u32,
    /// The counter that was accepted last from the meter under this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    received: Option<u32>,
}

impl Default for Contents {
    fn default() -> Self {
        Self {
            version: 1,
            client_title: None,
            meters: BTreeMap::new(),
            counters: Vec::new(),
            dirty: Dirty::default(),
        }
    }
}

impl Contents {
    /// What the meter of `counter` is called here: its title, or its place.
    fn meter<'a>(&'a self, counter: &'a Counter) -> &'a str {
        self.meters.get(&counter.place.0).unwrap_or(&counter.place.0)
    }

    fn entry(&self, counter: &Counter, meter: &str) -> Option<&Entry> {
        self.counters.iter().find(|entry| entry.meter == meter && counter.owns(entry))
    }

    /// The entry of `counter`, made if absent. A new one starts where the furthest entry of this
    /// client and key stands: the meter may be an old one at a new address.
    fn entry_mut(&mut self, counter: &Counter) -> &mut Entry {
        let meter = self.meter(counter).to_owned();
        self.entry_of_mut(counter, meter)
    }

    /// The entry of the client and key of `counter` at `meter`, likewise.
    fn entry_of_mut(&mut self, counter: &Counter, meter: String) -> &mut Entry {
        let (client, key) = (counter.client.clone(), counter.key.clone());
        self.dirty.entries.insert((meter.clone(), client, key));
        let known =
            self.counters.iter().position(|entry| entry.meter == meter && counter.owns(entry));
        let index = known.unwrap_or_else(|| {
            let next = self.furthest(counter);
            let (client, key) = (counter.client.clone(), counter.key.clone());
            self.counters.push(Entry { meter, client, key, next, received: None });
            self.counters.len() - 1
        });
        &mut self.counters[index]
    }

    /// Removes the entry of the client and key of `counter` at `meter`, if there is one.
    fn remove(&mut self, counter: &Counter, meter: &str) {
        let before = self.counters.len();
        self.counters.retain(|entry| entry.meter != meter || !counter.owns(entry));
        if self.counters.len() < before {
            let (client, key) = (counter.client.clone(), counter.key.clone());
            self.dirty.entries.insert((meter.to_owned(), client, key));
        }
    }

    /// The first counter that this client never used with this key, at any meter.
    fn furthest(&self, counter: &Counter) -> u32 {
        let used = self.counters.iter().filter(|entry| counter.owns(entry));
        used.map(|entry| entry.next).max().unwrap_or(FIRST)
    }
}

fn system(doing: &'static str, path: &Path, cause: io::Error) -> CounterFileError {
    CounterFileError::System { doing, path: path.to_owned(), cause }
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::{AtomicU32, Ordering};
    use std::{fs, thread};

    use super::*;

    const CLIENT: SystemTitle = SystemTitle(*b"DHE\0\0\0\0\x01");
    const METER: SystemTitle = SystemTitle(*b"GRX\x01\0\0\x03\xe8");

    /// A folder of its own for every test, gone afterwards.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            static NUMBER: AtomicU32 = AtomicU32::new(0);
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!("headend-counters-{}-{number}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn file(&self) -> CounterFile {
            CounterFile::new(self.0.join("counters.json"))
        }

        fn counter(&self, host: &str) -> Counter {
            let place = Place::new(format!("wrapper://{host}:4059"), 1, None);
            self.file().counter(&place, CLIENT, &key())
        }

        fn text(&self) -> String {
            fs::read_to_string(self.file().path()).unwrap()
        }

        /// The counter of one of many, as another process has it.
        fn counter_of(&self, number: u8) -> Counter {
            let place = Place::of_device(format!("ABC{number:013}").as_bytes());
            self.file().counter(&place, CLIENT, &Key::from([number; 16]))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn key() -> Key {
        Key::from([0x5a; 16])
    }

    #[test]
    fn what_was_received_is_kept_by_meter_client_and_key_and_never_lowered() {
        let folder = Folder::new();
        let received = |last| Received { originator: METER, counter: ReceiveCounter::after(last) };
        let counter = folder.counter("a");
        assert_eq!(counter.received().unwrap(), None);
        counter.accept(received(40)).unwrap();
        // Which meter is at the place is known only when it has proved it.
        assert_eq!(counter.received().unwrap(), None);
        counter.learned(METER).unwrap();
        assert_eq!(counter.received().unwrap(), Some(received(40)));
        for (last, kept) in [(39, 40), (40, 40), (41, 41)] {
            counter.accept(received(last)).unwrap();
            assert_eq!(counter.received().unwrap(), Some(received(kept)));
        }
        // Another meter has none of it.
        assert_eq!(folder.counter("b").received().unwrap(), None);
        // To reserve and to learn again loses nothing, and what was sent is as it was.
        assert_eq!(counter.reserve(3).unwrap(), 1..4);
        counter.learned(METER).unwrap();
        assert_eq!(counter.received().unwrap(), Some(received(41)));
        counter.forget_received().unwrap();
        assert_eq!(counter.received().unwrap(), None);
        assert_eq!(counter.reserve(1).unwrap(), 4..5);
    }

    #[test]
    fn a_reserved_counter_is_on_the_disk_before_it_is_handed_out_and_never_again() {
        let folder = Folder::new();
        let counter = folder.counter("a");
        assert_eq!(counter.next().unwrap(), None);
        assert_eq!(counter.reserve(64).unwrap(), 1..65);
        assert!(folder.text().contains(r#""next": 65"#), "{}", folder.text());
        // Another process, later.
        assert_eq!(folder.counter("a").next().unwrap(), Some(65));
        assert_eq!(folder.counter("a").reserve(64).unwrap(), 65..129);
    }

    #[test]
    fn processes_at_the_same_time_never_get_the_same_counter() {
        let folder = Folder::new();
        let mut all: Vec<u32> = thread::scope(|scope| {
            let takers: Vec<_> = (0..4)
                .map(|_| {
                    let counter = folder.counter("a");
                    scope.spawn(move || {
                        (0..8).flat_map(|_| counter.reserve(3).unwrap()).collect::<Vec<_>>()
                    })
                })
                .collect();
            takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect()
        });
        all.sort_unstable();
        assert_eq!(all, (1..97).collect::<Vec<_>>());
    }

    #[test]
    fn a_hint_moves_forward_by_at_most_a_million_and_never_back() {
        let folder = Folder::new();
        let counter = folder.counter("a");
        assert_eq!(counter.hinted(500).unwrap(), 500);
        assert_eq!(counter.hinted(20).unwrap(), 500);
        assert_eq!(counter.hinted(500 + HINT_MAX).unwrap(), 500 + HINT_MAX);
        let next = 500 + HINT_MAX;
        let hint = next + HINT_MAX + 1;
        match counter.hinted(hint) {
            Err(CounterFileError::TooFar { hint: named, next: at }) => {
                assert_eq!((named, at), (hint, next));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(counter.next().unwrap(), Some(next));
    }

    #[test]
    fn the_first_hint_is_not_believed_further_than_any_other() {
        let folder = Folder::new();
        let counter = folder.counter("a");
        assert!(matches!(
            counter.hinted(u32::MAX - 1),
            Err(CounterFileError::TooFar { next: 1, .. })
        ));
        assert_eq!(counter.next().unwrap(), None, "nothing was stored");
    }

    #[test]
    fn the_user_may_move_it_anywhere_but_back() {
        let folder = Folder::new();
        let counter = folder.counter("a");
        counter.ordered(5_000_000).unwrap();
        assert_eq!(counter.reserve(1).unwrap(), 5_000_000..5_000_001);
        assert!(matches!(
            counter.ordered(5_000_000),
            Err(CounterFileError::Lower { asked: 5_000_000, next: 5_000_001 })
        ));
        assert_eq!(counter.next().unwrap(), Some(5_000_001));
    }

    #[test]
    fn the_largest_counter_is_never_handed_out() {
        let folder = Folder::new();
        let counter = folder.counter("a");
        counter.ordered(u32::MAX - 2).unwrap();
        assert_eq!(counter.reserve(64).unwrap(), u32::MAX - 2..u32::MAX);
        assert!(matches!(counter.reserve(64), Err(CounterFileError::Exhausted)));
    }

    #[test]
    fn a_slip_of_the_finger_does_not_use_a_key_up() {
        let folder = Folder::new();
        let counter = folder.counter("a");
        counter.reserve(4).unwrap();
        assert!(matches!(counter.ordered(u32::MAX), Err(CounterFileError::Largest)));
        assert_eq!(counter.next().unwrap(), Some(5));
    }

    #[test]
    fn the_entry_of_an_address_becomes_that_of_the_title() {
        let folder = Folder::new();
        let counter = folder.counter("a");
        let place = Place::new("wrapper://a:4059", 1, None);
        counter.reserve(64).unwrap();
        assert_eq!(folder.file().title_at(&place).unwrap(), None);
        counter.learned(METER).unwrap();
        assert_eq!(folder.file().title_at(&place).unwrap(), Some(METER));
        assert_eq!(counter.next().unwrap(), Some(65));
        assert_eq!(folder.text().matches(r#""next""#).count(), 1, "{}", folder.text());
        // The same meter at another address goes on where it stood.
        let moved = folder.counter("b");
        assert_eq!(moved.reserve(10).unwrap(), 65..75);
        moved.learned(METER).unwrap();
        assert_eq!(counter.next().unwrap(), Some(75));
        assert_eq!(folder.text().matches(r#""next""#).count(), 1, "{}", folder.text());
    }

    #[test]
    fn no_counter_is_handed_out_twice_under_one_key_at_whichever_address() {
        let folder = Folder::new();
        let (one, other) = (folder.counter("a"), folder.counter("b"));
        // Both are known before either is used.
        assert_eq!(one.hinted(1).unwrap(), 1);
        assert_eq!(other.hinted(1).unwrap(), 1);
        assert_eq!(one.reserve(64).unwrap(), 1..65);
        assert_eq!(other.reserve(64).unwrap(), 65..129);
        assert_eq!(one.reserve(64).unwrap(), 129..193);
        one.learned(METER).unwrap();
        assert_eq!(other.reserve(64).unwrap(), 193..257);
        assert_eq!(one.reserve(64).unwrap(), 257..321);
    }

    #[test]
    fn another_meter_at_a_known_address_does_not_take_the_counter_of_the_old_one_away() {
        let folder = Folder::new();
        let counter = folder.counter("a");
        counter.reserve(10).unwrap();
        counter.learned(METER).unwrap();
        let other = SystemTitle(*b"GRX\x01\0\0\x03\xe9");
        counter.learned(other).unwrap();
        assert_eq!(counter.next().unwrap(), Some(11));
        counter.reserve(10).unwrap();
        counter.learned(METER).unwrap();
        assert_eq!(counter.next().unwrap(), Some(21), "the key went on being used");
    }

    #[test]
    fn clients_and_keys_have_counters_of_their_own() {
        let folder = Folder::new();
        let place = Place::new("wrapper://a:4059", 1, None);
        let other_client = SystemTitle(*b"DHE\0\0\0\0\x02");
        let file = folder.file();
        assert_eq!(file.counter(&place, CLIENT, &key()).reserve(5).unwrap(), 1..6);
        assert_eq!(file.counter(&place, other_client, &key()).reserve(5).unwrap(), 1..6);
        assert_eq!(file.counter(&place, CLIENT, &Key::from([1; 16])).reserve(5).unwrap(), 1..6);
    }

    /// So many meters that their counters go into the journal.
    const MANY: u16 = 400;

    fn many(folder: &Folder) -> Vec<Counter> {
        let file = folder.file();
        (0..MANY)
            .map(|number| {
                let place = Place::of_device(format!("ABC{number:013}").as_bytes());
                let key = Key::from([u8::try_from(number % 200).unwrap(); 16]);
                let counter = file.counter(&place, CLIENT, &key);
                counter.reserve(64).unwrap();
                let title = SystemTitle([b'A', b'B', b'C', 0, 0, 0, 1, 2]);
                let [high, low] = number.to_be_bytes();
                let title = SystemTitle([title.0[0], title.0[1], title.0[2], 0, 0, 0, high, low]);
                counter.learned(title).unwrap();
                counter
                    .accept(Received { originator: title, counter: ReceiveCounter::after(9) })
                    .unwrap();
                counter
            })
            .collect()
    }

    fn journal(folder: &Folder) -> PathBuf {
        folder.0.join("counters.json.journal")
    }

    #[test]
    fn what_many_meters_used_is_in_the_journal_before_it_is_used_and_known_to_all() {
        let folder = Folder::new();
        let counters = many(&folder);
        let before = fs::metadata(journal(&folder)).unwrap().len();
        let text = folder.text();
        assert_eq!(counters[7].reserve(64).unwrap().len(), 64);
        // One line more, and the file as it was.
        let line = fs::read_to_string(journal(&folder))
            .unwrap()
            .split_off(usize::try_from(before).unwrap());
        let next = counters[7].next().unwrap().unwrap();
        assert!(line.contains(&format!("\"next\":{next}")) && line.ends_with('\n'), "{line}");
        assert_eq!(folder.text(), text);
        // Another process, and one that began before.
        let other = folder.file();
        let place = Place::of_device(b"ABC0000000000007");
        let seventh = other.counter(&place, CLIENT, &Key::from([7; 16]));
        assert_eq!(seventh.next().unwrap(), Some(next));
        assert_eq!(seventh.reserve(5).unwrap(), next..next + 5);
        assert_eq!(counters[7].reserve(5).unwrap(), next + 5..next + 10);
        assert_eq!(seventh.received().unwrap().unwrap().counter.last(), Some(9));
        // Those who share a key share its counters.
        assert_eq!(counters[207].reserve(1).unwrap(), next + 10..next + 11);
    }

    #[test]
    fn the_journal_goes_into_the_file_before_it_is_longer_than_that() {
        let folder = Folder::new();
        let counters = many(&folder);
        let mut taken = BTreeSet::new();
        let mut merged = 0;
        let mut text = folder.text();
        for round in 0..3 * usize::from(MANY) {
            let counter = &counters[round % usize::from(MANY)];
            taken.insert((round % 200, counter.reserve(2).unwrap().start));
            if folder.text() != text {
                merged += 1;
                text = folder.text();
            }
            let length = fs::metadata(journal(&folder)).unwrap().len();
            assert!(length <= 2 * text.len() as u64, "{length}");
        }
        assert!(merged > 0);
        assert_eq!(taken.len(), 3 * usize::from(MANY), "a counter was handed out twice");
        // As another process finds it.
        let file = folder.file();
        for (number, counter) in counters.iter().enumerate() {
            let place = Place::of_device(format!("ABC{number:013}").as_bytes());
            let key = Key::from([u8::try_from(number % 200).unwrap(); 16]);
            let found = file.counter(&place, CLIENT, &key).next().unwrap();
            assert_eq!(found, counter.next().unwrap());
        }
    }

    #[test]
    fn a_line_that_a_crash_broke_off_was_never_used_and_goes() {
        let folder = Folder::new();
        let counters = many(&folder);
        let next = counters[3].next().unwrap().unwrap();
        let mut whole = fs::read(journal(&folder)).unwrap();
        let line = br#"{"counters":[{"meter":"x","client":"y","key":"z","next":5}]}"#;
        for torn in [&line[..30], &[0; 40], b"garbage\n"] {
            fs::write(journal(&folder), [&whole, torn].concat()).unwrap();
            let counter = folder.counter_of(3);
            assert_eq!(counter.next().unwrap(), Some(next));
        }
        // Another meter has the same key.
        let shared = counters[203].next().unwrap().unwrap();
        assert_eq!(folder.counter_of(3).reserve(1).unwrap(), shared..shared + 1);
        let text = fs::read_to_string(journal(&folder)).unwrap();
        assert!(!text.contains("garbage") && text.len() > whole.len(), "{text}");
        // In the middle it is no crash, and nothing is believed.
        whole.splice(0..0, *b"garbage\n");
        fs::write(journal(&folder), whole).unwrap();
        let error = folder.counter_of(3).next().unwrap_err();
        assert!(matches!(error, CounterFileError::Corrupt { .. }), "{error}");
    }

    #[test]
    fn the_file_holds_no_key() {
        let folder = Folder::new();
        folder.counter("a").reserve(1).unwrap();
        assert!(!folder.text().to_lowercase().contains("5a5a"), "{}", folder.text());
        // printf ZZZZZZZZZZZZZZZZ | sha256sum
        assert_eq!(fingerprint(&key()), "1c712ecc");
    }

    #[test]
    fn a_file_that_is_not_ours_is_an_error_and_stays_as_it_is() {
        let folder = Folder::new();
        for text in ["", "{", r#"{"version":1,"counters":[{"meter":"a"}]}"#, "[]", "\u{0}\u{1}"] {
            fs::write(folder.file().path(), text).unwrap();
            let error = folder.counter("a").reserve(1).unwrap_err();
            assert!(matches!(error, CounterFileError::Corrupt { .. }), "{text}: {error}");
            assert_eq!(folder.text(), text);
        }
        let later = r#"{"version":3,"anything":[]}"#;
        fs::write(folder.file().path(), later).unwrap();
        let error = folder.counter("a").reserve(1).unwrap_err();
        assert!(matches!(error, CounterFileError::Version { found: 3, .. }), "{error}");
        assert_eq!(folder.text(), later);
    }

    #[test]
    fn a_folder_that_does_not_exist_is_made() {
        let folder = Folder::new();
        let file = CounterFile::new(folder.0.join("x").join("y").join("counters.json"));
        let place = Place::new("wrapper://a:4059", 1, None);
        assert_eq!(file.counter(&place, CLIENT, &key()).reserve(1).unwrap(), 1..2);
    }

    #[test]
    fn the_client_title_of_an_installation_is_made_once() {
        let folder = Folder::new();
        let title = folder.file().client_title([1, 2, 3, 4, 5]).unwrap();
        assert_eq!(title, SystemTitle(*b"DHE\x01\x02\x03\x04\x05"));
        assert_eq!(folder.file().client_title([9; 5]).unwrap(), title);
    }

    #[test]
    fn the_data_folder_is_the_users() {
        let path = |pairs: &[(&str, &str)]| {
            let value = |name: &str| {
                pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            };
            CounterFile::in_data_folder(value).map(|file| file.path().display().to_string())
        };
        let home = ("HOME", "/home/u");
        assert_eq!(
            path(&[home]).as_deref(),
            Some("/home/u/.local/share/dlms-headend/counters.json")
        );
        assert_eq!(
            path(&[home, ("XDG_DATA_HOME", "/data")]).as_deref(),
            Some("/data/dlms-headend/counters.json")
        );
        assert_eq!(path(&[("XDG_DATA_HOME", "not/absolute")]), None);
        assert_eq!(path(&[]), None);
    }
}
