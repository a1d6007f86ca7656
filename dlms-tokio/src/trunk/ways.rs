//! Which line is between which two SAPs. The lock is held for a lookup or a batch of them and never
//! while anybody waits; no line is behind it, only the ends of their queues.

use core::{
    mem,
    sync::atomic::{AtomicUsize, Ordering},
};
use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, mpsc};

use super::{INCOMING_LEN_MAX, INCOMING_MAX, LINES_MAX, TrunkCounters, TrunkError};
use crate::line::{LineError, Phase};

/// Client SAP and SAP.
type Saps = (u16, u16);

#[derive(Debug, Default)]
pub(crate) struct Ways {
    state: Mutex<State>,
    closing: Notify,
}

#[derive(Debug, Default)]
pub(super) struct State {
    ways: HashMap<Saps, Mouth>,
    /// How many were opened, to tell one from the next between the same two SAPs.
    opened: u64,
    pub(super) counters: TrunkCounters,
    ended: Option<LineError>,
}

/// Where the owner puts what is for a line.
#[derive(Debug)]
struct Mouth {
    number: u64,
    incoming: mpsc::Sender<Vec<u8>>,
    octets: Arc<AtomicUsize>,
}

/// The line's end of its way.
#[derive(Debug)]
pub(crate) struct Way {
    saps: Saps,
    number: u64,
    incoming: mpsc::Receiver<Vec<u8>>,
    octets: Arc<AtomicUsize>,
    ways: Arc<Ways>,
}

impl Ways {
    pub(super) fn open(ways: &Arc<Self>, saps: Saps) -> Result<Way, TrunkError> {
        let (sender, incoming) = mpsc::channel(INCOMING_MAX);
        let octets = Arc::new(AtomicUsize::new(0));
        let mut state = ways.lock();
        if let Some(error) = state.ended {
            return Err(error.into());
        }
        if state.ways.len() >= LINES_MAX && !state.ways.contains_key(&saps) {
            state.counters.lines_refused += 1;
            return Err(TrunkError::Full);
        }
        state.opened += 1;
        let number = state.opened;
        let mouth = Mouth { number, incoming: sender, octets: Arc::clone(&octets) };
        state.ways.insert(saps, mouth);
        drop(state);
        Ok(Way { saps, number, incoming, octets, ways: Arc::clone(ways) })
    }

    pub(super) fn ended(&self) -> Option<LineError> {
        self.lock().ended
    }

    pub(super) fn counters(&self) -> TrunkCounters {
        self.lock().counters
    }

    pub(super) fn close(&self) {
        self.closing.notify_one();
    }

    pub(super) async fn closing(&self) {
        self.closing.notified().await;
    }

    /// Ends every way, and remembers why.
    pub(super) fn end(&self, error: LineError) {
        let mut state = self.lock();
        state.ended.get_or_insert(error);
        let ways = mem::take(&mut state.ways);
        drop(state);
        drop(ways);
    }

    /// Nothing that is done with the state can leave it half done.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether there is a line between these two.
    pub(super) fn has(&self, saps: Saps) -> bool {
        self.ways.contains_key(&saps)
    }

    /// Gives an APDU to the line between these two, if it has room.
    pub(super) fn give(&mut self, saps: Saps, apdu: &[u8]) {
        let Some(mouth) = self.ways.get(&saps) else { return };
        if mouth.octets.load(Ordering::Relaxed) > INCOMING_LEN_MAX {
            self.counters.apdus_dropped += 1;
            return;
        }
        match mouth.incoming.try_reserve() {
            Ok(permit) => {
                mouth.octets.fetch_add(apdu.len(), Ordering::Relaxed);
                permit.send(apdu.to_vec());
            }
            Err(_) => self.counters.apdus_dropped += 1,
        }
    }
}

impl Way {
    pub(crate) const fn saps(&self) -> (u16, u16) {
        self.saps
    }

    /// The next APDU; None when the way has ended. May be dropped at any await.
    pub(crate) async fn next(&mut self) -> Option<Vec<u8>> {
        let apdu = self.incoming.recv().await?;
        self.octets.fetch_sub(apdu.len(), Ordering::Relaxed);
        Some(apdu)
    }

    /// Why the way ended.
    pub(crate) fn ended(&self, phase: Phase) -> LineError {
        match self.ways.ended() {
            // That the peer closed is seen by each line in what it is doing.
            Some(LineError::Closed { mid_frame, .. }) => LineError::Closed { phase, mid_frame },
            Some(error) => error,
            None => LineError::Closed { phase, mid_frame: false },
        }
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        let mut state = self.ways.lock();
        if let Entry::Occupied(entry) = state.ways.entry(self.saps)
            && entry.get().number == self.number
        {
            entry.remove();
        }
    }
}
