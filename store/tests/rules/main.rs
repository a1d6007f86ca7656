//! What the store promises, through its public side, on real files.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod accounts;
mod files;
mod jobs;
mod metering;
mod readings;
mod secrets;

use core::sync::atomic::{AtomicU32, Ordering};
use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use store::{
    Store,
    metering::{MeterId, NewMeter},
};

/// A store in a folder of its own, which goes with it.
struct Scratch {
    store: Option<Store>,
    folder: PathBuf,
}

impl Scratch {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("store-rules-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        let store = Some(Store::create(&folder).unwrap());
        Self { store, folder }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    /// Closed and opened again.
    fn reopen(&mut self) {
        self.store = None;
        self.store = Some(Store::open(&self.folder).unwrap());
    }

    fn close(&mut self) -> &Path {
        self.store = None;
        &self.folder
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.store = None;
        fs::remove_dir_all(&self.folder).unwrap();
    }
}

/// Minutes after a Sunday in March on which clocks went forward.
fn minute(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_774_742_400 + 60 * minutes).unwrap()
}

async fn meters<const N: usize>(store: &Store) -> [MeterId; N] {
    let meters = (0..N).map(|number| NewMeter {
        name: format!("ABC{number:013}"),
        access: "{}".into(),
        ..NewMeter::default()
    });
    store.add_meters(meters.collect()).await.unwrap().try_into().unwrap()
}
