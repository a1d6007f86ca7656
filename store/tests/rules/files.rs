//! Making, opening, copying and restoring the file.

use std::fs;

use dlms_core::security::SystemTitle;
use store::{BackupError, Store, StoreError, counters::KeyFingerprint};

use crate::{Scratch, meters};

#[test]
fn a_file_that_is_not_there_is_not_made_by_opening() {
    let folder = std::env::temp_dir().join(format!("store-none-{}", std::process::id()));
    assert!(matches!(Store::open(&folder), Err(StoreError::Missing(_))));
    assert!(!folder.exists());
}

#[test]
fn a_file_that_is_there_is_not_made_anew() {
    let mut scratch = Scratch::new();
    let folder = scratch.close();
    assert!(matches!(Store::create(folder), Err(StoreError::Exists(_))));
}

#[test]
fn one_process_has_it_at_a_time() {
    let scratch = Scratch::new();
    assert!(matches!(Store::open(&scratch.folder), Err(StoreError::Locked(_))));
}

#[test]
fn something_else_is_not_touched() {
    let mut scratch = Scratch::new();
    let path = scratch.close().join("headend.db");

    fs::write(&path, b"my recipes, and certainly no database").unwrap();
    let opened = Store::open(&scratch.folder);
    assert!(matches!(opened, Err(StoreError::NotOurs(_))), "{opened:?}");
    assert_eq!(fs::read(&path).unwrap(), b"my recipes, and certainly no database");

    fs::remove_file(&path).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE recipe (name TEXT)").unwrap();
    drop(other);
    let opened = Store::open(&scratch.folder);
    assert!(matches!(opened, Err(StoreError::NotOurs(_))), "{opened:?}");
}

#[test]
fn a_file_of_a_later_version_is_left_alone() {
    let mut scratch = Scratch::new();
    let path = scratch.close().join("headend.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let opened = Store::open(&scratch.folder);
    assert!(matches!(opened, Err(StoreError::Later { found: 99, .. })), "{opened:?}");
}

#[tokio::test]
async fn a_damaged_file_says_so_and_names_the_way_out() {
    let mut scratch = Scratch::new();
    let [..] = meters::<500>(scratch.store()).await;
    let path = scratch.close().join("headend.db");
    let mut octets = fs::read(&path).unwrap();
    // All but the header and the schema on the first pages.
    octets[16 * 4_096..].fill(0x5A);
    fs::write(&path, &octets).unwrap();

    let error = match Store::open(&scratch.folder) {
        Ok(store) => store.meter("ABC0000000000499").await.unwrap_err(),
        Err(error) => error,
    };
    assert!(error.to_string().contains("restore a backup"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), octets);
}

#[tokio::test]
async fn a_backup_of_a_file_in_use_has_one_moment_of_it() {
    let scratch = Scratch::new();
    let [..] = meters::<3>(scratch.store()).await;
    let copy = scratch.folder.join("copy.db");
    scratch.store().backup(&copy).await.unwrap();
    let again = scratch.store().backup(&copy).await;
    assert!(matches!(again, Err(StoreError::Exists(_))));

    let elsewhere = scratch.folder.join("elsewhere");
    let restored = Store::restore(&copy, &elsewhere).unwrap();
    assert!(restored.meter("ABC0000000000002").await.unwrap().is_some());
}

#[tokio::test]
async fn no_counter_that_was_used_since_the_backup_is_used_again_after_restoring_it() {
    let scratch = Scratch::new();
    let (title, key) = (SystemTitle(*b"DHE\0\0\0\0\x01"), KeyFingerprint::of(&[7; 16]));
    let before = scratch.store().reserve_counters(title, key, 64).await.unwrap();
    assert_eq!(before.range, 1..65);
    let copy = scratch.folder.join("copy.db");
    scratch.store().backup(&copy).await.unwrap();
    let after = scratch.store().reserve_counters(title, key, 64).await.unwrap();

    let restored = Store::restore(&copy, &scratch.folder.join("elsewhere")).unwrap();
    let next = restored.reserve_counters(title, key, 64).await.unwrap();
    assert!(next.range.start >= after.range.end, "{next:?}");
}

#[tokio::test]
async fn a_damaged_backup_is_not_restored_and_leaves_nothing() {
    let scratch = Scratch::new();
    let [..] = meters::<500>(scratch.store()).await;
    let copy = scratch.folder.join("copy.db");
    scratch.store().backup(&copy).await.unwrap();
    let mut octets = fs::read(&copy).unwrap();
    octets[16 * 4_096..].fill(0x5A);
    fs::write(&copy, octets).unwrap();

    let elsewhere = scratch.folder.join("elsewhere");
    let restored = Store::restore(&copy, &elsewhere);
    let damaged = matches!(
        restored,
        Err(BackupError::Damaged(_) | BackupError::Store(StoreError::Damaged { .. }))
    );
    assert!(damaged, "{restored:?}");
    assert!(!elsewhere.join("headend.db").exists());
    assert!(!elsewhere.join("headend.db.new").exists());
}
