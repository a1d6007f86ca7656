use core::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, path::PathBuf, process};

use super::*;
use crate::collection::block::DAY_S;

const PROFILE: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::PROFILE_GENERIC, LogicalName([1, 0, 99, 1, 0, 255]), 2);

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("ring-{}-{number}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn open(&self, limits: RingLimits) -> Ring {
        Ring::open(&self.0.join("ring.db"), limits).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn meter(number: u32) -> LogicalDeviceName {
    format!("ABC{number:013}").as_bytes().try_into().unwrap()
}

/// Quarter-hours of meter 0 from one to another, read when the last was captured.
fn quarters(range: Range<i64>) -> Reading {
    Reading {
        meter: meter(0),
        attribute: PROFILE,
        keep: Keep::Ordinary,
        period_s: 900,
        arrived_s: range.end * 900,
        rows: range.map(|quarter| (quarter * 900, quarter.to_be_bytes().to_vec())).collect(),
        missing: Vec::new(),
    }
}

fn captured(upload: &Upload) -> Vec<i64> {
    upload.block.rows.iter().map(|row| row.captured_s / 900).collect()
}

#[test]
fn a_row_that_comes_again_is_stored_once() {
    let folder = Folder::new();
    let ring = folder.open(RingLimits::default());
    assert_eq!(ring.mark(&meter(0), PROFILE).unwrap(), None);
    assert_eq!(ring.store(quarters(0..10)).wait().unwrap(), 10);
    assert_eq!(ring.store(quarters(5..12)).wait().unwrap(), 2);
    assert_eq!(ring.store(quarters(0..12)).wait().unwrap(), 0);
    drop(ring);
    let ring = folder.open(RingLimits::default());
    assert_eq!(ring.store(quarters(0..13)).wait().unwrap(), 1);
    let mark = Mark { at_s: 12 * 900, rows: 1 };
    assert_eq!(ring.mark(&meter(0), PROFILE).unwrap(), Some(mark));
    let uploads = ring.uploads(10).unwrap();
    assert_eq!(captured(&uploads[0]), (0..13).collect::<Vec<_>>());
    assert_eq!(uploads.len(), 1);
}

#[test]
fn events_of_one_second_are_all_kept_and_none_twice() {
    let folder = Folder::new();
    let ring = folder.open(RingLimits::default());
    let event = |at: i64, code: u8| (at, vec![0x11, code]);
    let log =
        |rows: &[(i64, Vec<u8>)]| Reading { period_s: 0, rows: rows.to_vec(), ..quarters(0..1) };
    let first = [event(5, 1), event(7, 2), event(7, 2)];
    assert_eq!(ring.store(log(&first)).wait().unwrap(), 3);
    assert_eq!(ring.store(log(&first)).wait().unwrap(), 0);
    let more = [event(7, 2), event(7, 2), event(7, 3), event(8, 1)];
    assert_eq!(ring.store(log(&more)).wait().unwrap(), 2);
    let uploads = ring.uploads(10).unwrap();
    let rows = uploads[0].block.rows.iter().map(|row| (row.captured_s, row.octets[1]));
    assert_eq!(rows.collect::<Vec<_>>(), [(5, 1), (7, 2), (7, 2), (7, 3), (8, 1)]);
}

#[test]
fn a_day_comes_as_one_block_until_it_is_acknowledged_and_what_follows_goes_on_counting() {
    let folder = Folder::new();
    let ring = folder.open(RingLimits::default());
    for part in [0..40, 40..96, 96..100] {
        ring.store(quarters(part)).wait().unwrap();
    }
    let uploads = ring.uploads(10).unwrap();
    let days: Vec<_> = uploads.iter().map(|of| (of.block.day, of.block.rows.len())).collect();
    assert_eq!(days, [(0, 96), (1, 4)]);
    // More comes between what the head-end reads and what it acknowledges.
    ring.store(quarters(100..110)).wait().unwrap();
    for upload in &uploads {
        let receipt = Receipt::from_octets(&upload.receipt.octets());
        assert_eq!(receipt, upload.receipt);
        ring.acknowledge(receipt).wait().unwrap();
    }
    let uploads = ring.uploads(10).unwrap();
    assert_eq!(uploads.len(), 1);
    assert_eq!((uploads[0].block.day, uploads[0].block.first), (1, 4));
    assert_eq!(captured(&uploads[0]), (100..110).collect::<Vec<_>>());
}

#[test]
fn a_block_that_is_offered_again_has_its_rows_at_the_same_numbers() {
    let folder = Folder::new();
    let ring = folder.open(RingLimits::default());
    ring.store(quarters(0..4)).wait().unwrap();
    let before = ring.uploads(1).unwrap().remove(0);
    ring.store(quarters(4..8)).wait().unwrap();
    let after = ring.uploads(1).unwrap().remove(0);
    assert_eq!((before.block.first, after.block.first), (0, 0));
    assert_eq!(after.block.rows[..4], before.block.rows);
}

#[test]
fn what_is_acknowledged_goes_first_and_what_people_are_billed_by_last() {
    let folder = Folder::new();
    let billing = |day: i64| {
        let meter = meter(1);
        Reading { meter, keep: Keep::Billing, ..quarters(day * 96..day * 96 + 96) }
    };
    let ordinary = |day: i64| quarters(day * 96..day * 96 + 96);
    // Room for three days of 96 rows of 16 octets.
    let ring = folder.open(RingLimits { octets_max: 3 * 96 * 16, ..RingLimits::default() });
    let left = |ring: &Ring| -> Vec<(u8, i32)> {
        let number = |upload: &Upload| upload.block.meter.octets()[15] - b'0';
        ring.uploads(99).unwrap().iter().map(|of| (number(of), of.block.day)).collect()
    };
    ring.store(billing(0)).wait().unwrap();
    ring.store(ordinary(0)).wait().unwrap();
    ring.store(ordinary(1)).wait().unwrap();
    let newest = ring.uploads(99).unwrap().into_iter().find(|of| of.block.day == 1).unwrap();
    ring.acknowledge(newest.receipt).wait().unwrap();
    ring.store(ordinary(2)).wait().unwrap();
    assert_eq!(left(&ring), [(1, 0), (0, 0), (0, 2)]);
    assert_eq!(ring.missing(9).unwrap(), []);
    ring.store(billing(1)).wait().unwrap();
    assert_eq!(left(&ring), [(1, 0), (1, 1), (0, 2)]);
    ring.store(billing(2)).wait().unwrap();
    assert_eq!(left(&ring), [(1, 0), (1, 1), (1, 2)]);
    ring.store(billing(3)).wait().unwrap();
    assert_eq!(left(&ring), [(1, 1), (1, 2), (1, 3)]);

    let missing = ring.missing(9).unwrap();
    let of: Vec<_> = missing.iter().map(|of| (of.meter.clone(), of.stretch)).collect();
    let day = |day: i64| Stretch {
        after_s: day * DAY_S - 1,
        until_s: day * DAY_S + 95 * 900 + 1,
        reason: Reason::Evicted,
    };
    assert_eq!(of, [(meter(0), day(0)), (meter(0), day(2)), (meter(1), day(0))]);
    ring.acknowledge_missing(missing[1].sequence).wait().unwrap();
    assert_eq!(ring.missing(9).unwrap().len(), 1);
}

#[test]
fn what_is_too_old_goes_and_does_not_come_back() {
    let folder = Folder::new();
    let ring = folder.open(RingLimits { days_max: 2, ..RingLimits::default() });
    for day in 0..5 {
        ring.store(quarters(day * 96..day * 96 + 96)).wait().unwrap();
    }
    // Read on day 5 at midnight.
    let days: Vec<_> = ring.uploads(9).unwrap().iter().map(|of| of.block.day).collect();
    assert_eq!(days, [3, 4]);
    assert_eq!(ring.store(quarters(0..480)).wait().unwrap(), 0);
    assert_eq!(ring.missing(9).unwrap().len(), 3);
}

#[test]
fn what_a_meter_could_not_give_is_listed_once() {
    let folder = Folder::new();
    let ring = folder.open(RingLimits::default());
    let stretch = Stretch { after_s: 9_000, until_s: 18_000, reason: Reason::NotCaptured };
    ring.store(quarters(0..11)).wait().unwrap();
    let later = Reading { missing: vec![stretch], ..quarters(20..30) };
    ring.store(later.clone()).wait().unwrap();
    ring.store(later).wait().unwrap();
    let missing = ring.missing(9).unwrap();
    assert_eq!(missing.iter().map(|of| of.stretch).collect::<Vec<_>>(), [stretch]);
}

#[test]
fn a_meter_whose_clock_is_ahead_does_not_stop_what_comes_after() {
    let folder = Folder::new();
    let ring = folder.open(RingLimits::default());
    let mut ahead = quarters(0..4);
    ahead.rows.push((400 * DAY_S, vec![0]));
    assert_eq!(ring.store(ahead.clone()).wait().unwrap(), 4);
    assert_eq!(ring.store(ahead).wait().unwrap(), 0);
    assert_eq!(ring.store(quarters(4..8)).wait().unwrap(), 4);
    let missing = ring.missing(9).unwrap();
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].stretch.reason, Reason::Ahead);
}

#[test]
fn what_was_settled_is_known_after_a_restart() {
    let folder = Folder::new();
    let ring = folder.open(RingLimits::default());
    for slot in [3, 4] {
        ring.settled("daily", meter(0), slot);
    }
    ring.flush().wait().unwrap();
    ring.settled("daily", meter(1), 9);
    drop(ring);
    let mut progress = folder.open(RingLimits::default()).progress().unwrap();
    progress.sort();
    assert_eq!(progress, [("daily".into(), meter(0), 4), ("daily".into(), meter(1), 9)]);
}

#[test]
fn a_file_of_a_later_version_is_left_alone() {
    let folder = Folder::new();
    drop(folder.open(RingLimits::default()));
    let connection = Connection::open(folder.0.join("ring.db")).unwrap();
    connection.pragma_update(None, "user_version", 3).unwrap();
    drop(connection);
    let refused = Ring::open(&folder.0.join("ring.db"), RingLimits::default());
    assert!(matches!(refused, Err(RingError::Version(3))));
}

#[test]
fn who_settles_more_than_the_queue_takes_waits_for_no_disk() {
    let folder = Folder::new();
    let ring = folder.open(RingLimits::default());
    // The disk takes nothing meanwhile.
    let other = Connection::open(folder.0.join("ring.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for slot in 0..4 * QUEUE_MAX as i64 {
        ring.settled("daily", meter(0), slot);
    }
    let waiting = ring.store(quarters(0..1));
    assert!(waiting.waiting.is_some(), "the queue is full, and nobody was held up");
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(waiting.wait().unwrap(), 1);
    drop(ring);
    let progress = folder.open(RingLimits::default()).progress().unwrap();
    assert_eq!(progress, [("daily".into(), meter(0), 4 * QUEUE_MAX as i64 - 1)]);
}

#[test]
fn a_meter_whose_clock_was_ahead_and_is_set_right_loses_nothing() {
    let folder = Folder::new();
    let ring = folder.open(RingLimits::default());
    // At quarter 10 it has captured up to what it takes for quarter 50.
    let early = Reading { arrived_s: 10 * 900, ..quarters(0..51) };
    assert_eq!(ring.store(early).wait().unwrap(), 11);
    assert_eq!(ring.missing(9).unwrap()[0].stretch.reason, Reason::Ahead);
    // Its clock is set right, and it captures on from there.
    assert_eq!(ring.store(quarters(11..61)).wait().unwrap(), 50);
    let all: Vec<i64> = ring.uploads(9).unwrap().iter().flat_map(captured).collect();
    assert_eq!(all, (0..61).collect::<Vec<_>>());
}

#[test]
fn rows_are_read_by_number_and_by_place_until_they_are_acknowledged() {
    let folder = Folder::new();
    let ring = folder.open(RingLimits::default());
    assert_eq!(ring.status().unwrap(), RingStatus::default());
    for part in [0..3, 3..5, 5..9] {
        ring.store(quarters(part)).wait().unwrap();
    }
    let times = |rows: Vec<RingRow>| -> Vec<(i64, i64)> {
        rows.iter().map(|of| (of.sequence, of.row.captured_s / 900)).collect()
    };
    let max = usize::MAX;
    assert_eq!(ring.status().unwrap(), RingStatus { rows: 9, acknowledged: 0, stored: 3 });
    assert_eq!(times(ring.rows(2, 2, max).unwrap()), [(2, 3), (2, 4)]);
    assert_eq!(times(ring.entries(2..6, max).unwrap()), [(1, 2), (2, 3), (2, 4), (3, 5)]);
    assert_eq!(times(ring.entries(8..99, max).unwrap()), [(3, 8)]);
    assert_eq!(times(ring.entries(9..99, max).unwrap()), []);
    // No more than there is room for, but never nothing, and never part of a reading.
    assert_eq!(times(ring.rows(0, 9, 0).unwrap()), [(1, 0), (1, 1), (1, 2)]);
    ring.acknowledge_through(1).wait().unwrap();
    assert_eq!(times(ring.entries(0..3, max).unwrap()), [(2, 3), (2, 4), (3, 5)]);
    assert_eq!(ring.status().unwrap(), RingStatus { rows: 6, acknowledged: 1, stored: 3 });
    ring.acknowledge_through(3).wait().unwrap();
    assert_eq!(ring.status().unwrap(), RingStatus { rows: 0, acknowledged: 3, stored: 3 });
}

#[test]
fn a_file_of_the_first_version_is_brought_forward() {
    let folder = Folder::new();
    let ring = folder.open(RingLimits::default());
    ring.store(quarters(0..7)).wait().unwrap();
    drop(ring);
    let connection = Connection::open(folder.0.join("ring.db")).unwrap();
    connection
        .execute_batch(
            "DROP INDEX segment_unacknowledged; ALTER TABLE segment DROP COLUMN count;
             PRAGMA user_version = 1;",
        )
        .unwrap();
    drop(connection);
    let ring = folder.open(RingLimits::default());
    assert_eq!(ring.status().unwrap().rows, 7);
}
