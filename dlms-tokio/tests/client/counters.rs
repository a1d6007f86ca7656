//! Invocation counters: durably reserved first, used then.

use core::ops::Range;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
};

use dlms_core::{
    association::{Failure, Phase},
    axdr::DataBuf,
    security::SecurityError,
};
use dlms_tokio::{
    LineConfig, Trace,
    client::{Client, Error},
    counters::{CounterStore, CounterStoreError, Received},
};

use crate::{
    meter::{ENERGY, Entry, LONG, Log, Meter, NOTE, ciphered},
    script::by_hand,
};

/// Gives out these ranges, and fails afterwards.
struct Ranges {
    left: VecDeque<Range<u32>>,
    log: Log,
}

impl core::fmt::Debug for Ranges {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Ranges({:?})", self.left)
    }
}

impl CounterStore for Ranges {
    type Error = CounterStoreError;

    fn reserve(&mut self, _count: u32) -> Result<Range<u32>, CounterStoreError> {
        let range =
            self.left.pop_front().ok_or_else(|| CounterStoreError::new("the disk is full"))?;
        self.log.note(Entry::Reserved(range.start, range.end));
        Ok(range)
    }

    fn received(&mut self) -> Result<Option<Received>, CounterStoreError> {
        Ok(None)
    }

    fn accept(&mut self, _received: Received) -> Result<(), CounterStoreError> {
        Ok(())
    }
}

fn ranges(
    log: &Log,
    ranges: impl IntoIterator<Item = Range<u32>>,
) -> Option<Box<dyn CounterStore<Error = CounterStoreError>>> {
    Some(Box::new(Ranges { left: ranges.into_iter().collect(), log: log.clone() }))
}

fn assert_is_full_disk(error: &Error) {
    let text = "invocation counters could not be stored: the disk is full";
    assert_eq!(error.to_string(), text);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_means_that_nothing_was_sent() {
    let (line, mut meter) = by_hand(&LineConfig::default());
    let failed = Client::over(line, ciphered(), ranges(&Log::default(), [])).await.unwrap_err();
    assert_is_full_disk(&failed);
    let mut sent = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut meter.0, &mut sent).await.unwrap();
    assert!(sent.is_empty(), "{sent:02x?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_store_nothing_ciphered_is_sent() {
    let (line, mut meter) = by_hand(&LineConfig::default());
    let failed = Client::over(line, ciphered(), None).await.unwrap_err();
    assert!(matches!(failed, Error::Misuse(_)), "{failed}");
    let mut sent = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut meter.0, &mut sent).await.unwrap();
    assert!(sent.is_empty(), "{sent:02x?}");
}

#[tokio::test(start_paused = true)]
async fn every_counter_is_reserved_before_it_is_used_and_used_once() {
    let (meter, log) = Meter::new();
    let line = meter.over_hdlc(&LineConfig::default(), Trace::off());
    // In blocks of all sizes, with gaps.
    let blocks = (1..100).map(|number| number * 1_000..number * 1_000 + 4 + number % 7);
    let client = Client::over(line, ciphered(), ranges(&log, blocks)).await.unwrap();
    for _ in 0..20 {
        client.read(ENERGY).await.unwrap().unwrap();
    }
    client.read(LONG).await.unwrap().unwrap();
    client.write(NOTE, &DataBuf::octet_string([0x5a; 5_000])).await.unwrap().unwrap();
    client.release().await.unwrap();

    let (mut reserved, mut used) = (Vec::new(), Vec::new());
    for entry in log.all() {
        match entry {
            Entry::Reserved(from, to) => reserved.push(from..to),
            Entry::Used(counter) => {
                let was = reserved.iter().any(|range: &Range<u32>| range.contains(&counter));
                assert!(was, "{counter} was used but not reserved");
                used.push(counter);
            }
            _ => {}
        }
    }
    assert!(used.len() > 30, "{used:?}");
    assert!(used.is_sorted_by(|earlier, later| earlier < later), "{used:?}");
    // Nothing was reserved long before it was needed.
    assert!(reserved.len() > 5, "{reserved:?}");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_sent_is_answered_although_the_store_fails_meanwhile() {
    let (meter, log) = Meter::new();
    let line = meter.over_wrapper(&LineConfig::default(), Trace::off());
    // Three to open, and four more: the store is asked again while the first request is under way,
    // and once more before the second.
    let store = ranges(&log, core::iter::once(1..8));
    let client = Client::over(line, ciphered(), store).await.unwrap();
    let value = DataBuf::octet_string(*b"written");
    assert_eq!(client.write(NOTE, &value).await, Ok(Ok(())));
    let failed = client.write(NOTE, &DataBuf::Null).await.unwrap_err();
    assert_is_full_disk(&failed);
    // The second was not sent.
    let written = log.tags().iter().filter(|tag| **tag == 0xc9).count();
    assert_eq!(written, 1);
}

/// Remembers what was received, for as many clients as hold a copy of it.
#[derive(Clone, Debug, Default)]
struct Remembering {
    received: Arc<Mutex<Option<Received>>>,
    next: Arc<Mutex<u32>>,
    /// Whether the disk is full when something is to be remembered.
    full: bool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

impl Remembering {
    fn store(&self) -> Option<Box<dyn CounterStore<Error = CounterStoreError>>> {
        Some(Box::new(self.clone()))
    }

    fn last(&self) -> Option<u32> {
        locked(&self.received).and_then(|received| received.counter.last())
    }
}

impl CounterStore for Remembering {
    type Error = CounterStoreError;

    fn reserve(&mut self, count: u32) -> Result<Range<u32>, CounterStoreError> {
        let mut next = locked(&self.next);
        let start = *next;
        *next += count;
        Ok(start..*next)
    }

    fn received(&mut self) -> Result<Option<Received>, CounterStoreError> {
        Ok(*locked(&self.received))
    }

    fn accept(&mut self, received: Received) -> Result<(), CounterStoreError> {
        if self.full {
            return Err(CounterStoreError::new("the disk is full"));
        }
        *locked(&self.received) = Some(received);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_accepted_is_stored_when_an_association_opens_and_when_it_ends() {
    let store = Remembering::default();
    let (meter, _) = Meter::new();
    let line = meter.over_wrapper(&LineConfig::default(), Trace::off());
    let client = Client::over(line, ciphered(), store.store()).await.unwrap();
    let at_opening = store.last().unwrap();
    client.read(ENERGY).await.unwrap().unwrap();
    client.release().await.unwrap();
    assert!(store.last().unwrap() > at_opening);

    // Another meter with its title and its keys, which begins at the beginning: as a recording of
    // the first would.
    let (meter, _) = Meter::new();
    let line = meter.over_wrapper(&LineConfig::default(), Trace::off());
    let refused = Client::over(line, ciphered(), store.store()).await.unwrap_err();
    let Error::Association { phase: Phase::Associate, failure } = refused else {
        panic!("{refused:?}")
    };
    let replay = matches!(
        failure,
        Failure::Security(SecurityError::CounterNotGreater { last, .. })
            if Some(last) == store.last()
    );
    assert!(replay, "{failure:?}");
}

#[tokio::test(start_paused = true)]
async fn an_association_that_cannot_be_remembered_is_not_handed_out() {
    let store = Remembering { full: true, ..Remembering::default() };
    let (meter, _) = Meter::new();
    let line = meter.over_wrapper(&LineConfig::default(), Trace::off());
    let failed = Client::over(line, ciphered(), store.store()).await.unwrap_err();
    assert_is_full_disk(&failed);
}
