//! What the concentrator is after a restart as it was before: its meters with their SAPs, its
//! epochs, the invocation counters of its own keys, and its events.
//!
//! All of it is in the file of the [spool](crate::spool), and written as pushes are: later, by
//! another thread. What must not come twice leaps after a crash: the epoch of the SAP table by more
//! than can have been told and not stored, invocation counters by the block that was reserved.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use dlms_core::security::{COUNTER_MAX, ReceiveCounter, SystemTitle};

pub use crate::storage::{EVENTS_MAX, Status, StorageError};
use crate::{
    nodes::{LogicalDeviceName, NodeError, NodeId, Nodes, Place, Pool},
    spool::{Spool, SpoolLimits},
    storage::{Queue, Restored, Setting, Storage, StoredNode},
};

/// Invocation counters that are reserved at a time. More are reserved when half of them are used,
/// so that nobody waits for the disk; a million crashes cost a quarter of a key's life.
const RESERVED: u64 = 1_000;
/// How many changes of the SAP table may have been told and not stored before a crash: each meter
/// that there may be has come and gone twice. The leap costs nothing: epochs are compared for being
/// the same.
const TABLE_EPOCHS_LOST: u32 = 1 << 16;
/// Client titles whose counters are kept. A further client is refused: to forget one would let
/// what it sent be replayed.
const CLIENT_TITLES_MAX: usize = 256;

/// Everything that was stored.
#[derive(Debug)]
pub struct Opened {
    /// Pushes.
    pub spool: Spool,
    /// Meters and epochs.
    pub state: State,
    /// The counters of the concentrator's own keys.
    pub counters: KeyCounters,
    /// What happened to the concentrator.
    pub events: Events,
}

/// Opens what is stored in `folder`. `epoch` is the one that was configured; one that is higher
/// and was stored counts.
///
/// # Errors
/// Every [`StorageError`].
pub fn open(folder: &Path, limits: SpoolLimits, epoch: u32) -> Result<Opened, StorageError> {
    let (storage, restored) = Storage::open(folder, limits)?;
    let Restored { settings, nodes, received, events, crashed, .. } = restored;
    let number = |setting: Setting| settings.get(setting.name()).copied().unwrap_or(0);
    let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let stored = small(number(Setting::Epoch));
    storage.with(|queue| queue.epoch = epoch.max(stored));
    let counter = number(Setting::Counter).max(1);
    let mut table_epoch = small(number(Setting::TableEpoch));
    if crashed {
        // One that was told and not stored must not come again with other meters: neither now, nor
        // after another crash.
        table_epoch = table_epoch.wrapping_add(TABLE_EPOCHS_LOST);
        let leapt = |queue: &mut Queue| {
            queue.changes.settings.insert(Setting::TableEpoch, table_epoch.into());
        };
        storage.with(leapt);
        storage.flush();
    }
    let opened = Opened {
        spool: Spool::new(Arc::clone(&storage))?,
        state: State {
            storage: Arc::clone(&storage),
            restored: nodes,
            table_epoch,
            media: Vec::new(),
            saved: BTreeMap::new(),
        },
        counters: KeyCounters {
            storage: Arc::clone(&storage),
            next: counter,
            reserved: counter,
            received,
        },
        events: Events {
            storage,
            log: Arc::new(Mutex::new(Log {
                next: events.last().map_or(1, |(number, ..)| number + 1),
                events: events.into_iter().map(|(_, at, code)| Event { at, code }).collect(),
            })),
        },
    };
    opened.counters.reserve();
    Ok(opened)
}

/// Meters and epochs.
#[derive(Debug)]
pub struct State {
    storage: Arc<Storage>,
    restored: Vec<StoredNode>,
    table_epoch: u32,
    /// What the configured media are called.
    media: Vec<String>,
    /// The names of the nodes: one that was forgotten can no longer be asked for it.
    saved: BTreeMap<NodeId, LogicalDeviceName>,
}

impl State {
    /// The meters as they were stored. `media` are the names of the media, in the order of the
    /// configuration; a meter on one that is there no longer keeps its SAP, but is gone.
    ///
    /// # Errors
    /// As [`Nodes::restore`].
    pub fn nodes(&mut self, pool: Pool, media: Vec<String>) -> Result<Nodes, NodeError> {
        self.media = media;
        let restored = core::mem::take(&mut self.restored);
        let nodes = restored.into_iter().map(|StoredNode { mut node, medium }| {
            // Who has an address of its own is on no medium.
            if !matches!(node.place, Place::Physical(_)) {
                node.medium = 0;
            } else if let Some(name) = medium {
                match self.media.iter().position(|known| *known == name) {
                    Some(index) => node.medium = u16::try_from(index).unwrap_or(u16::MAX),
                    None => node.present = false,
                }
            }
            node
        });
        let nodes = Nodes::restore(pool, self.table_epoch, nodes)?;
        self.saved = nodes.iter().map(|(id, node)| (id, node.name.clone())).collect();
        Ok(nodes)
    }

    /// Takes what has changed of the meters, to be stored.
    pub fn save(&mut self, nodes: &mut Nodes) {
        let mut changed = BTreeMap::new();
        while let Some((id, node)) = nodes.poll_unsaved() {
            match node {
                Some(node) => {
                    let is_on_it = matches!(node.place, Place::Physical(_));
                    let medium = self.media.get(usize::from(node.medium)).filter(|_| is_on_it);
                    let medium = medium.cloned();
                    let stored = StoredNode { node: node.clone(), medium };
                    self.saved.insert(id, node.name.clone());
                    changed.insert(node.name.clone(), Some(stored));
                }
                None => {
                    if let Some(name) = self.saved.remove(&id) {
                        changed.insert(name, None);
                    }
                }
            }
        }
        if changed.is_empty() {
            return;
        }
        let epoch = nodes.epoch();
        self.storage.with(|queue| {
            queue.changes.nodes.extend(changed);
            queue.changes.settings.insert(Setting::TableEpoch, epoch.into());
        });
    }

    /// The epoch of the concentrator.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.storage.with(|queue| queue.epoch)
    }

    /// Who may raise the epoch.
    #[must_use]
    pub fn epoch_handle(&self) -> Epoch {
        Epoch(Arc::clone(&self.storage))
    }

    /// How storing goes.
    #[must_use]
    pub fn status(&self) -> Status {
        self.storage.with(|queue| queue.status.clone())
    }
}

/// The epoch of the concentrator: which of two that stand for each other is the present one.
#[derive(Clone, Debug)]
pub struct Epoch(Arc<Storage>);

impl Epoch {
    /// What it is.
    #[must_use]
    pub fn value(&self) -> u32 {
        self.0.with(|queue| queue.epoch)
    }

    /// Raises it. False when it would not be raised: who has lost its place does not get it back
    /// by an old message.
    #[must_use]
    pub fn raise(&self, epoch: u32) -> bool {
        self.0.with(|queue| {
            let raised = epoch > queue.epoch;
            if raised {
                queue.epoch = epoch;
                queue.changes.settings.insert(Setting::Epoch, epoch.into());
            }
            raised
        })
    }
}

/// The invocation counters of the concentrator's own keys.
///
/// What is sent takes its counter from a block that was stored as used before. What is received is
/// stored a little after: an association here opens with a fresh challenge under a counter higher
/// than all before, so that what was recorded before a crash is below the first that comes after.
#[derive(Debug)]
pub struct KeyCounters {
    storage: Arc<Storage>,
    next: u64,
    /// The end of the blocks that were asked for.
    reserved: u64,
    received: BTreeMap<[u8; 8], u32>,
}

impl KeyCounters {
    /// The next counter to send with; never twice, whatever happens. None when none is left, and
    /// for as long as none can be reserved because the disk does not take it.
    pub fn take(&mut self) -> Option<u32> {
        let stored = self.storage.with(|queue| queue.counters_stored);
        if self.next >= stored {
            // The first of all, or a disk that is behind: the one time that it is waited for.
            self.reserve();
            self.storage.flush();
        }
        let stored = self.storage.with(|queue| queue.counters_stored);
        self.reserved = self.reserved.max(stored);
        if self.next >= stored || self.next >= COUNTER_MAX.into() {
            return None;
        }
        let counter = u32::try_from(self.next).ok()?;
        self.next += 1;
        if self.reserved.saturating_sub(self.next) < RESERVED / 2 {
            self.reserved = self.next + RESERVED;
            self.reserve_to(self.reserved);
        }
        Some(counter)
    }

    /// What was accepted last from a client.
    #[must_use]
    pub fn received(&self, client: SystemTitle) -> ReceiveCounter {
        self.received
            .get(&client.0)
            .map_or_else(ReceiveCounter::new, |&last| ReceiveCounter::after(last))
    }

    /// The highest counter that was accepted from whichever client.
    #[must_use]
    pub fn highest_received(&self) -> u32 {
        self.received.values().copied().max().unwrap_or(0)
    }

    /// Remembers that `counter` of `client` was accepted. False when no more clients can be
    /// remembered.
    #[must_use]
    pub fn accept(&mut self, client: SystemTitle, counter: u32) -> bool {
        let full = self.received.len() >= CLIENT_TITLES_MAX;
        if full && !self.received.contains_key(&client.0) {
            return false;
        }
        let last = self.received.entry(client.0).or_insert(counter);
        *last = counter.max(*last);
        let last = *last;
        self.storage.with(|queue| queue.changes.received.insert(client.0, last));
        true
    }

    fn reserve(&self) {
        self.reserve_to(self.next + RESERVED);
    }

    fn reserve_to(&self, end: u64) {
        let end = end.min(COUNTER_MAX.into());
        self.storage.with(|queue| queue.changes.settings.insert(Setting::Counter, end));
    }
}

/// Something that happened to the concentrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, in seconds since 1970-01-01T00:00:00Z.
    pub at: i64,
    /// What: a code of [`management`](crate::management).
    pub code: u16,
}

/// The events of the concentrator, the last [`EVENTS_MAX`] of them: a handle.
#[derive(Clone, Debug)]
pub struct Events {
    storage: Arc<Storage>,
    log: Arc<Mutex<Log>>,
}

#[derive(Debug)]
struct Log {
    next: u64,
    events: VecDeque<Event>,
}

impl Events {
    /// Notes that something happened.
    pub fn log(&self, event: Event) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let number = log.next;
        log.next += 1;
        if log.events.len() >= EVENTS_MAX {
            log.events.pop_front();
        }
        log.events.push_back(event);
        drop(log);
        self.storage.with(|queue| queue.changes.events.insert(number, (event.at, event.code)));
    }

    /// The events, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<Event> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.events.iter().copied().collect()
    }
}

/// A folder for one test, gone after it.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Scratch(std::path::PathBuf);

#[cfg(test)]
impl Scratch {
    pub(crate) fn new() -> Self {
        use core::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("concentrator-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

#[cfg(test)]
impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::nodes::Registration;

    fn open(folder: &Scratch) -> Opened {
        super::open(folder.path(), SpoolLimits::default(), 1).unwrap()
    }

    fn meter(number: u16, medium: u16) -> Registration {
        let place = Place::Physical(100 + number);
        let meter = Registration::new(&format!("ABC{number:013}")).unwrap();
        Registration { place, medium, ..meter }
    }

    fn media(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn meters_are_after_a_restart_where_they_were_before() {
        let folder = Scratch::new();
        let mut state = open(&folder).state;
        let mut nodes = state.nodes(Pool::Extended, media(&["plc", "bus"])).unwrap();
        let one = nodes.register(5, meter(1, 1)).unwrap();
        nodes.register(6, meter(2, 0)).unwrap();
        let place = Place::Endpoint("[::1]:4059".parse().unwrap());
        nodes.register(7, Registration { place, ..meter(3, 0) }).unwrap();
        nodes.deregister(8, one);
        state.save(&mut nodes);
        drop(state);

        // The media are listed in another order now.
        let mut state = open(&folder).state;
        let back = state.nodes(Pool::Extended, media(&["bus", "plc"])).unwrap();
        let rows: Vec<_> = back.iter().map(|(_, n)| (n.sap, n.medium, n.present)).collect();
        assert_eq!(rows, [(16, 0, false), (17, 1, true), (18, 0, true)]);
        assert!(back.iter().zip(nodes.iter()).all(|((_, now), (_, then))| now.name == then.name
            && now.place == then.place
            && now.changed == then.changed));
        assert_eq!(back.epoch(), nodes.epoch());
        drop(state);

        let mut state = open(&folder).state;
        let back = state.nodes(Pool::Extended, media(&["bus"])).unwrap();
        assert_eq!((back.at(17), back.named(b"ABC0000000000002").is_some()), (None, true));
        // Who has an address of its own is there whatever the media are called.
        assert!(back.at(18).is_some());
    }

    #[test]
    fn a_table_epoch_that_was_told_and_not_stored_does_not_come_again() {
        let folder = Scratch::new();
        let crash = || {
            let file = Connection::open(folder.path().join("concentrator.db")).unwrap();
            file.execute("UPDATE setting SET value = 0 WHERE name = 'clean'", []).unwrap();
        };
        let mut told = Vec::new();
        for number in 1..=3 {
            let mut state = open(&folder).state;
            let mut nodes = state.nodes(Pool::Extended, Vec::new()).unwrap();
            for other in 0..3 {
                told.push(nodes.epoch());
                // Others each time, and none of them is stored.
                nodes.register(0, meter(10 * number + other, 0)).unwrap();
            }
            drop(state);
            crash();
        }
        told.sort_unstable();
        told.dedup();
        assert_eq!(told.len(), 9, "{told:?}");
    }

    #[test]
    fn a_meter_that_was_forgotten_is_so_after_a_restart() {
        let folder = Scratch::new();
        let mut state = open(&folder).state;
        let mut nodes = state.nodes(Pool::Extended, Vec::new()).unwrap();
        nodes.register_at(0, 527, meter(1, 0)).unwrap();
        state.save(&mut nodes);
        // To another SAP, and another in its place long after.
        nodes.register_at(1, 3013, meter(1, 0)).unwrap();
        nodes.register_at(2, 527, meter(2, 0)).unwrap();
        state.save(&mut nodes);
        drop(state);
        let mut state = open(&folder).state;
        let back = state.nodes(Pool::Extended, Vec::new()).unwrap();
        assert!(back.iter().map(|(_, node)| node).eq(nodes.iter().map(|(_, node)| node)));
    }

    #[test]
    fn the_epoch_is_the_higher_of_the_one_told_and_the_one_stored() {
        let folder = Scratch::new();
        let opened = open(&folder);
        let epoch = opened.state.epoch_handle();
        assert!(epoch.raise(7) && !epoch.raise(7) && !epoch.raise(3));
        drop((opened, epoch));
        assert_eq!(open(&folder).state.epoch(), 7);
        assert_eq!(super::open(folder.path(), SpoolLimits::default(), 9).unwrap().state.epoch(), 9);
    }

    #[test]
    fn a_counter_is_on_the_disk_before_it_is_taken_and_never_comes_again() {
        let folder = Scratch::new();
        let stored = || -> u64 {
            let file = Connection::open(folder.path().join("concentrator.db")).unwrap();
            let select = "SELECT value FROM setting WHERE name = 'counter'";
            file.query_row(select, [], |row| row.get(0)).unwrap()
        };
        let mut counters = open(&folder).counters;
        let mut last = 0;
        for _ in 0..3 * RESERVED {
            let counter = counters.take().unwrap();
            assert!(counter > last);
            last = counter;
        }
        assert!(stored() > last.into());
        drop(counters);
        assert!(open(&folder).counters.take().unwrap() > last);
    }

    #[test]
    fn without_a_disk_there_are_no_counters_beyond_those_that_were_stored() {
        let folder = Scratch::new();
        let mut counters = open(&folder).counters;
        assert_eq!(counters.take(), Some(1));
        assert!(counters.storage.flush());
        let end = counters.storage.with(|queue| queue.counters_stored);
        // A write that fails for good: what it would write is in nobody's way.
        let file = Connection::open(folder.path().join("concentrator.db")).unwrap();
        file.execute_batch("ALTER TABLE setting RENAME TO gone").unwrap();
        let taken = core::iter::from_fn(|| counters.take()).last().unwrap();
        assert_eq!(u64::from(taken), end - 1);
        file.execute_batch("ALTER TABLE gone RENAME TO setting").unwrap();
        assert_eq!(counters.take(), Some(taken + 1));
    }

    #[test]
    fn what_was_accepted_is_remembered() {
        let folder = Scratch::new();
        let mut counters = open(&folder).counters;
        let title = SystemTitle(*b"CLIENT01");
        assert!(counters.accept(title, 40) && counters.accept(title, 39));
        assert_eq!(counters.received(title), ReceiveCounter::after(40));
        drop(counters);
        let mut counters = open(&folder).counters;
        assert_eq!(counters.received(title), ReceiveCounter::after(40));
        assert_eq!(counters.received(SystemTitle(*b"CLIENT02")), ReceiveCounter::new());
        for number in 1..CLIENT_TITLES_MAX as u64 {
            assert!(counters.accept(SystemTitle(number.to_be_bytes()), 1));
        }
        assert!(!counters.accept(SystemTitle(*b"ONEMORE!"), 1));
    }

    #[test]
    fn the_last_events_are_kept() {
        let folder = Scratch::new();
        let events = open(&folder).events;
        for at in 0..EVENTS_MAX as i64 + 5 {
            events.log(Event { at, code: 3 });
        }
        let before = events.all();
        assert_eq!((before.len(), before[0].at), (EVENTS_MAX, 5));
        drop(events);
        assert_eq!(open(&folder).events.all(), before);
    }

    #[test]
    fn two_processes_do_not_use_one_file_and_a_later_schema_is_left_alone() {
        let folder = Scratch::new();
        let opened = open(&folder);
        let second = super::open(folder.path(), SpoolLimits::default(), 1);
        assert!(matches!(second, Err(StorageError::Locked(_))));
        drop(opened);
        let file = Connection::open(folder.path().join("concentrator.db")).unwrap();
        file.pragma_update(None, "user_version", 99).unwrap();
        drop(file);
        let later = super::open(folder.path(), SpoolLimits::default(), 1);
        assert!(matches!(later, Err(StorageError::Later { found: 99, .. })));
    }
}
