//! Intervals that arrive, and those that are missing.

use dlms_core::cosem::{ClassId, LogicalName};
use store::{
    Store,
    metering::MeterId,
    readings::{
        Arrived, ChannelId, ChannelKey, Interval, Quality, Step, Stored, UtcDay, gaps,
        merge::Reason,
    },
};

use crate::{Scratch, meters, minute};

const MIDNIGHT: i64 = 1_774_742_400;

async fn channel(store: &Store, meter: MeterId) -> (ChannelId, Step) {
    let step = Step::from_seconds(900).unwrap();
    let key = ChannelKey {
        meter,
        profile: LogicalName([1, 0, 99, 1, 0, 255]),
        class: ClassId(3),
        logical_name: LogicalName([1, 0, 1, 8, 0, 255]),
        attribute: 2,
        data_index: 0,
        scaler: 0,
        unit: 30,
        step,
    };
    let id = store.channel(key).await.unwrap();
    assert_eq!(store.channel(key).await.unwrap(), id, "the same key is the same channel");
    (id, step)
}

fn row(channel: ChannelId, step: Step, minutes: i64, value: i64) -> Vec<Arrived> {
    let mut arrived = Arrived::new(channel, step);
    arrived.capture(MIDNIGHT + 60 * minutes, 60, value, 0, Quality::Measured);
    vec![arrived]
}

#[tokio::test]
async fn what_arrives_twice_is_stored_once() {
    let mut scratch = Scratch::new();
    let [meter] = meters(scratch.store()).await;
    let (channel, step) = channel(scratch.store(), meter).await;
    let first = scratch.store().store_readings(row(channel, step, 15, 100), minute(15)).await;
    assert_eq!(first.unwrap(), Stored { added: 1, revisions: 0, blocks: 1 });
    scratch.reopen();
    let second = scratch.store().store_readings(row(channel, step, 15, 100), minute(16)).await;
    assert_eq!(second.unwrap(), Stored::default());
}

#[tokio::test]
async fn a_row_around_midnight_is_in_two_days() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let [meter] = meters(store).await;
    let (channel, step) = channel(store, meter).await;
    let mut arrived = Arrived::new(channel, step);
    for quarter in -2..2 {
        arrived.capture(MIDNIGHT + 900 * quarter, 60, quarter, 0, Quality::Measured);
    }
    store.store_readings(vec![arrived], minute(30)).await.unwrap();
    let today = UtcDay::of(MIDNIGHT);
    let days = store.blocks(channel, UtcDay(today.0 - 1), today).await.unwrap();
    let slots: Vec<Vec<u16>> =
        days.iter().map(|(_, day)| day.iter().map(|(slot, _)| slot).collect()).collect();
    assert_eq!(slots, [[94, 95], [0, 1]]);
}

#[tokio::test]
async fn a_value_that_gives_way_is_kept_and_does_not_come_back() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let [meter] = meters(store).await;
    let (channel, step) = channel(store, meter).await;
    for value in [100, 101, 100] {
        store.store_readings(row(channel, step, 15, value), minute(15)).await.unwrap();
    }
    let day = UtcDay::of(MIDNIGHT);
    let stored = store.blocks(channel, day, day).await.unwrap();
    assert_eq!(stored[0].1.slot(1), Some(Interval::measured(101)));
    let [revision] = store.revisions(channel).await.unwrap()[..] else { panic!("one") };
    assert_eq!(
        (revision.slot, revision.interval.value, revision.reason),
        (1, 100, Reason::Replaced)
    );
}

#[tokio::test]
async fn what_is_missing_is_what_is_wanted_and_not_stored() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let [meter] = meters(store).await;
    let (channel, step) = channel(store, meter).await;
    let mut arrived = Arrived::new(channel, step);
    for quarter in (0..40).chain(44..96) {
        arrived.capture(MIDNIGHT + 900 * quarter, 60, quarter, 0, Quality::Measured);
    }
    store.store_readings(vec![arrived], minute(0)).await.unwrap();
    let first = gaps::number(step, MIDNIGHT);
    let missing = store.missing(channel, first - 2..first + 98).await.unwrap();
    assert_eq!(missing, [first - 2..first, first + 40..first + 44, first + 96..first + 98]);
}
