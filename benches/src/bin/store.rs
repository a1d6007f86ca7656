//! How fast the store is, on the disk it is run on: every figure is for writes that the disk has
//! when they are answered.
//!
//! ```text
//! store FOLDER
//! ```

use core::time::Duration;
use std::{
    collections::BTreeMap,
    path::Path,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use dlms_core::{
    cosem::{ClassId, LogicalName},
    security::SystemTitle,
};
use jiff::Timestamp;
use store::{
    Store,
    counters::KeyFingerprint,
    jobs::{Brought, Claimer, NewJob, Settlement},
    metering::{MeterId, NewMeter},
    readings::{Arrived, ChannelId, ChannelKey, Quality, Step},
};

const METERS: usize = 2_000;
/// Days of each channel.
const DAYS: i64 = 20;
/// Blocks in one call: what a concentrator's worth of meters brings.
const BLOCKS: usize = 500;
const JOBS: usize = 20_000;
/// Counters that are reserved, and how many ask at once.
const RESERVATIONS: usize = 20_000;
const ASKING: usize = 64;

type Outcome = Result<(), Box<dyn core::error::Error>>;

#[tokio::main]
async fn main() -> Outcome {
    let folder = std::env::args().nth(1).ok_or("usage: store FOLDER")?;
    let store = Store::create(Path::new(&folder))?;
    let meters = add_meters(&store).await?;
    let channels = add_channels(&store, &meters).await?;
    blocks(&store, &channels).await?;
    jobs(&store, &meters).await?;
    reservations(&store, 1).await?;
    reservations(&store, ASKING).await?;
    Ok(())
}

fn say(what: &str, many: usize, took: Duration) {
    println!("{what:<44} {:>10.0} /s", many as f64 / took.as_secs_f64());
}

async fn add_meters(store: &Store) -> Result<Vec<MeterId>, Box<dyn core::error::Error>> {
    let meters = (0..METERS).map(|number| NewMeter {
        name: format!("ABC{number:013}"),
        access: "{}".into(),
        ..NewMeter::default()
    });
    let begun = Instant::now();
    let ids = store.add_meters(meters.collect()).await?;
    say("meters added, all in one call", METERS, begun.elapsed());
    Ok(ids)
}

async fn add_channels(
    store: &Store,
    meters: &[MeterId],
) -> Result<Vec<(ChannelId, Step)>, Box<dyn core::error::Error>> {
    let step = Step::from_seconds(900)?;
    let mut channels = Vec::new();
    for &meter in meters {
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
        channels.push((store.channel(key).await?, step));
    }
    Ok(channels)
}

/// A household's register: between 0 and 500 Wh a quarter of an hour.
fn day(channel: ChannelId, step: Step, day: i64) -> Arrived {
    let mut arrived = Arrived::new(channel, step);
    let mut noise = channel.0.wrapping_mul(7_919).wrapping_add(day);
    let mut register = 1_234_567 + day * 20_000;
    for slot in 0..96 {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        register += (noise >> 33) & 0x1FF;
        let at = (20_000 + day) * 86_400 + slot * 900;
        arrived.capture(at, 60, register, 0, Quality::Measured);
    }
    arrived
}

async fn blocks(store: &Store, channels: &[(ChannelId, Step)]) -> Outcome {
    for what in ["blocks of 96 stored", "blocks of 96 that are there already"] {
        let begun = Instant::now();
        let mut calls = Vec::new();
        for number in 0..DAYS {
            for some in channels.chunks(BLOCKS) {
                let days = some.iter().map(|&(channel, step)| day(channel, step, number));
                let (store, days) = (store.clone(), days.collect());
                calls.push(tokio::spawn(async move {
                    store.store_readings(days, Timestamp::UNIX_EPOCH).await
                }));
            }
        }
        for call in calls {
            call.await??;
        }
        let many = channels.len() * usize::try_from(DAYS)?;
        say(what, many, begun.elapsed());
        say("  that is intervals", 96 * many, begun.elapsed());
    }
    let octets = std::fs::metadata(store.path())?.len();
    println!("{:<44} {octets:>10} octets", "the file with them");
    Ok(())
}

async fn jobs(store: &Store, meters: &[MeterId]) -> Outcome {
    let now = Timestamp::from_second(
        SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs().try_into()?,
    )?;
    let jobs = (0..JOBS).map(|number| NewJob {
        idempotency_key: format!("job {number}"),
        meter: meters.get(number % METERS).copied().unwrap_or(MeterId(1)),
        medium: None,
        kind: "profile".into(),
        payload: "{}".into(),
        priority: 5,
        not_before: now,
        expires: now.saturating_add(Duration::from_secs(3_600)).unwrap_or(now),
        held: false,
    });
    let begun = Instant::now();
    store.add_jobs(jobs.collect(), now).await?;
    say("jobs added, all in one call", JOBS, begun.elapsed());

    let begun = Instant::now();
    let mut done = 0;
    while done < JOBS {
        let claimer = Claimer {
            worker: "bench".into(),
            lease: Duration::from_secs(300),
            count: 50,
            room: BTreeMap::new(),
        };
        let claims = store.claim_jobs(claimer, now).await?;
        let settling: Vec<_> = claims
            .into_iter()
            .map(|claim| {
                let store = store.clone();
                tokio::spawn(async move {
                    let settlement = Settlement::Done("{}".into());
                    let brought = Brought::default();
                    store.settle_job(claim.id, claim.fence, settlement, brought, now).await
                })
            })
            .collect();
        done += settling.len();
        for settled in settling {
            settled.await??;
        }
    }
    say("jobs claimed, 50 at once, and each settled", JOBS, begun.elapsed());
    Ok(())
}

async fn reservations(store: &Store, asking: usize) -> Outcome {
    let many = if asking == 1 { RESERVATIONS / 10 } else { RESERVATIONS };
    let begun = Instant::now();
    let tasks: Vec<_> = (0..asking)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                let key = KeyFingerprint::of(&task.to_be_bytes());
                for _ in 0..many / asking {
                    store.reserve_counters(SystemTitle(*b"DHE\0\0\0\0\x01"), key, 64).await?;
                }
                Ok::<_, store::StoreError>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    say(&format!("counters reserved, {asking} ask at once"), many, begun.elapsed());
    Ok(())
}
