//! A head-end that is killed at any point has everything that it was told is stored, and hands out
//! no counter twice.
//!
//! The test is its own victim: started with a variable set, it writes until it is killed. It has no
//! harness, which would take over its output.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    collections::BTreeSet,
    env,
    io::{BufRead, BufReader, Write, stdout},
    path::Path,
    process::{self, Command, Stdio},
};

use dlms_core::security::SystemTitle;
use jiff::Timestamp;
use store::{Store, counters::KeyFingerprint, outbox::NewMessage};

/// After how many lines the victim is killed; the rest is left to chance.
const LINES: [usize; 12] = [1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144];
const TITLE: SystemTitle = SystemTitle(*b"DHE\0\0\0\0\x01");

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    if let Some(folder) = env::var_os("STORE_VICTIM") {
        runtime.block_on(victim(Path::new(&folder)));
    }
    what_is_stored_survives_a_kill_at_any_point_and_no_counter_comes_twice(&runtime);
}

fn what_is_stored_survives_a_kill_at_any_point_and_no_counter_comes_twice(
    runtime: &tokio::runtime::Runtime,
) {
    let folder = env::temp_dir().join(format!("store-crash-{}", process::id()));
    drop(Store::create(&folder).unwrap());
    let (mut counters, mut told) = (BTreeSet::new(), BTreeSet::new());
    for lines in LINES {
        for line in kill_after(&folder, lines) {
            let (counter, posted) = line.split_once(' ').unwrap();
            assert!(counters.insert(counter.parse::<u32>().unwrap()), "{counter} came twice");
            told.insert(posted.to_owned());
        }
        let stored = runtime.block_on(async {
            let store = Store::open(&folder).unwrap();
            store.to_send("sink", u32::MAX).await.unwrap()
        });
        let stored: BTreeSet<String> =
            stored.into_iter().map(|message| message.message.key).collect();
        let lost: Vec<_> = told.difference(&stored).collect();
        assert!(lost.is_empty(), "stored and gone: {lost:?}");
    }
    assert!(told.len() > 300, "the victim did next to nothing");
    std::fs::remove_dir_all(folder).unwrap();
    println!("killed {} times, {} counters: ok", LINES.len(), counters.len());
}

/// Starts the victim, and kills it after some lines; those it said until it was dead.
fn kill_after(folder: &Path, lines: usize) -> Vec<String> {
    let mut victim = Command::new(env::current_exe().unwrap())
        .env("STORE_VICTIM", folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(victim.stdout.take().unwrap()).lines();
    let mut heard: Vec<String> = said.by_ref().take(lines).map(Result::unwrap).collect();
    victim.kill().unwrap();
    heard.extend(said.map_while(Result::ok).filter(|line| line.ends_with('.')));
    victim.wait().unwrap();
    heard
}

/// Eight tasks that take a counter, post a message of that number and say so when it is stored.
async fn victim(folder: &Path) -> ! {
    let store = Store::open(folder).unwrap();
    let tasks = (0..8).map(|_| tokio::spawn(writes(store.clone()))).collect::<Vec<_>>();
    for task in tasks {
        task.await.unwrap();
    }
    process::exit(1);
}

async fn writes(store: Store) {
    loop {
        let reserved = store.reserve_counters(TITLE, KeyFingerprint::of(&[7; 16]), 1);
        let counter = reserved.await.unwrap().range.start;
        let key = format!("{counter}.");
        let message = NewMessage { kind: "crash".into(), key: key.clone(), body: "{}".into() };
        store.post(vec![message], Timestamp::UNIX_EPOCH).await.unwrap();
        // One write: a line is said whole or not at all.
        let mut stdout = stdout().lock();
        stdout.write_all(format!("{counter} {key}\n").as_bytes()).unwrap();
    }
}
