//! A month of meters in simulated time: they do not answer, break off, are off, and the
//! concentrator loses its power again and again. Every row that a meter still has when it is read
//! arrives at the head-end once, and what does not arrive is listed. Each is read by the reader of
//! the concentrator over an association.
//!
//! Sixty meters usually; with `DLMS_SOAK=20` it is 1,200.

use core::time::Duration;
use std::{
    collections::{BTreeMap, VecDeque},
    env,
    path::Path,
    process,
    sync::{Arc, Mutex},
};

use concentrator::{
    collection::{
        Calendar, Cause, Job, Keep, Ledger, Outcome, OwnClock, OwnClockLimits, Planner,
        PlannerConfig, PlannerEvent, ReaderConfig, Reason, Report, Ring, RingLimits, Stores,
        Stretch, Task, Whom, read,
    },
    nodes::LogicalDeviceName,
};
use dlms_tests::{ProfileMeter, profile_meter::PROFILE, soak};
use tokio::runtime::{self, Runtime};

const METERS: u32 = 60;
const DAYS: i64 = 30;
const DAY_S: i64 = 86_400;
const PERIOD_S: i64 = 3_600;
/// Rows that a meter keeps: five days.
const DEPTH: usize = 120;
const START_S: i64 = 20_454 * DAY_S;

/// Chance that is the same in every run: xorshift.
struct Chance(u64);

impl Chance {
    fn one_in(&mut self, of: u64) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.is_multiple_of(of)
    }

    fn below(&mut self, end: u32) -> u32 {
        self.one_in(1);
        (self.0 % u64::from(end)) as u32
    }
}

fn name(number: u32) -> LogicalDeviceName {
    format!("ABC{number:013}").as_bytes().try_into().expect("a name")
}

/// Whether this meter is cut off from the medium: every 40th for eight days, longer than it
/// remembers.
fn is_cut_off(number: u32, at_s: i64) -> bool {
    let day = (at_s - START_S) / DAY_S;
    number.is_multiple_of(40) && (10..18).contains(&day)
}

/// Whether this meter captures at this hour: every 50th is without power for a day.
fn captures(number: u32, at_s: i64) -> bool {
    !(number.is_multiple_of(50) && (at_s - START_S) / DAY_S == 5)
}

fn tasks() -> Vec<Task> {
    let calendar = Calendar { period_s: 86_400, at_s: 3_600, window_s: 21_600, jitter_s: 0 };
    vec![Task {
        name: "daily".into(),
        read: vec![PROFILE],
        whom: Whom::default(),
        calendar,
        priority: 5,
        keep: Keep::Billing,
    }]
}

struct Concentrator {
    planner: Planner,
    ring: Arc<Ring>,
}

impl Concentrator {
    fn start(file: &Path, at_s: i64, meters: u32) -> Self {
        let ring = Ring::open(file, RingLimits::default()).expect("the file is usable");
        let own_clock = OwnClockLimits { since_comparison_max_s: None, deviation_max_ms: 0 };
        let config = PlannerConfig {
            own_clock,
            jobs_max: 64,
            jobs_per_medium_max: 2,
            ..PlannerConfig::default()
        };
        let mut planner = Planner::new(tasks(), config);
        for (task, meter, slot) in ring.progress().expect("the file is readable") {
            planner.restore(&task, meter, slot);
        }
        for number in 0..meters {
            planner.add_meter(at_s, name(number), Some((number % 32) as u16));
        }
        Self { planner, ring: Arc::new(ring) }
    }
}

/// A meter as it is at this moment: with the rows that it still has, however long ago they were
/// captured.
fn meter(number: u32, now_s: i64) -> ProfileMeter {
    let hours = (START_S..=now_s).step_by(3_600);
    let captured: Vec<i64> = hours.filter(|at_s| captures(number, *at_s)).collect();
    let held = captured[captured.len().saturating_sub(DEPTH)..].to_vec();
    ProfileMeter::new(now_s, PERIOD_S as u32, held)
}

/// Does a job with a meter that answers so many requests, or all.
fn does(
    runtime: &Runtime,
    job: &Job,
    meter: ProfileMeter,
    answers_left: Option<u32>,
    stores: &Stores,
) -> Report {
    let now_ms = meter.now_s * 1_000;
    let meter = Arc::new(Mutex::new(ProfileMeter { answers_left, ..meter }));
    let history = Duration::from_secs(10 * DAY_S as u64);
    let config = ReaderConfig { history, ..ReaderConfig::default() };
    runtime.block_on(async {
        let now_ms = move || now_ms;
        let reading = read(ProfileMeter::serve(&meter), 1, job, &config, stores, &now_ms);
        reading.await
    })
}

#[derive(Default)]
struct HeadEnd {
    /// By meter, capture: how often it was taken.
    rows: BTreeMap<(LogicalDeviceName, i64), u32>,
    /// The next row that is not known, by meter and day.
    known: BTreeMap<(LogicalDeviceName, i32), u32>,
    missing: BTreeMap<LogicalDeviceName, Vec<Stretch>>,
    offered_again: u32,
}

impl HeadEnd {
    fn fetch(&mut self, ring: &Ring, chance: &mut Chance) {
        let mut acknowledging = Vec::new();
        for upload in ring.uploads(u32::MAX).expect("the ring is readable") {
            let block = upload.block;
            let known = self.known.entry((block.meter.clone(), block.day)).or_insert(0);
            for (number, row) in (block.first..).zip(block.rows) {
                if number < *known {
                    self.offered_again += 1;
                    continue;
                }
                assert_eq!(number, *known, "no row of a day is left out");
                *known += 1;
                *self.rows.entry((block.meter.clone(), row.captured_s)).or_default() += 1;
            }
            // An acknowledgement gets lost.
            if !chance.one_in(20) {
                acknowledging.push(ring.acknowledge(upload.receipt));
            }
        }
        for acknowledged in acknowledging {
            acknowledged.wait().expect("there is room");
        }
        let missing = ring.missing(u32::MAX).expect("the ring is readable");
        if let Some(last) = missing.last() {
            ring.acknowledge_missing(last.sequence).wait().expect("there is room");
        }
        for missing in missing {
            self.missing.entry(missing.meter).or_default().push(missing.stretch);
        }
    }
}

#[test]
fn every_row_that_a_meter_still_holds_arrives_once_and_what_does_not_is_listed() {
    let meters = soak::rounds(METERS);
    let folder = env::temp_dir().join(format!("collection-month-{}", process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for temporary files");
    let file = folder.join("ring.db");
    let mut chance = Chance(0x9E37_79B9_7F4A_7C15);
    let mut head_end = HeadEnd::default();
    let clock = OwnClock::default();
    let (mut cuts, mut lost, mut broke_off) = (0, 0, 0);
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let ledger = Arc::new(Ledger::open(&folder.join("ledger.db")).expect("the file is usable"));

    let mut now_s = START_S;
    let mut concentrator = Concentrator::start(&file, now_s, meters);
    let mut under_way: VecDeque<(i64, Job)> = VecDeque::new();
    let mut fetched = 0;
    while now_s < START_S + DAYS * DAY_S {
        while let Some(job) = concentrator.planner.poll_job(now_s, &clock) {
            under_way.push_back((now_s + 8, job));
        }
        while under_way.front().is_some_and(|(ends_s, _)| *ends_s <= now_s) {
            let Some((_, job)) = under_way.pop_front() else { break };
            let text = core::str::from_utf8(&job.meter.octets()[3..]).expect("digits");
            let number = text.parse().expect("digits");
            if is_cut_off(number, now_s) || chance.one_in(7) {
                lost += 1;
                let outcome = Outcome::Failed(Cause::Unreachable);
                concentrator.planner.handle_outcome(now_s, job.id, outcome);
                continue;
            }
            // It breaks off: what has come is kept.
            let broken = chance.one_in(11).then(|| 6 + chance.below(5));
            let stores =
                Stores { ring: Arc::clone(&concentrator.ring), ledger: Arc::clone(&ledger) };
            let report = does(&runtime, &job, meter(number, now_s), broken, &stores);
            assert!(
                broken.is_some() || report.outcome == Outcome::Done,
                "meter {number}: {report:?}"
            );
            broke_off += u32::from(report.outcome != Outcome::Done);
            concentrator.planner.handle_outcome(now_s, job.id, report.outcome);
        }
        while let Some(event) = concentrator.planner.poll_event() {
            if let PlannerEvent::Settled { task, meter, slot, outcome: Outcome::Done } = event {
                // Whether it is stored when the power goes is left to chance.
                if !chance.one_in(30) {
                    concentrator.ring.settled(&task, meter, slot);
                }
            }
        }
        // The power goes: what is under way is nobody's, and the concentrator is off for an hour.
        if chance.one_in(120) {
            cuts += 1;
            under_way.clear();
            now_s += 3_600;
            drop(concentrator);
            concentrator = Concentrator::start(&file, now_s, meters);
        }
        let day = (now_s - START_S) / DAY_S;
        if day > fetched {
            fetched = day;
            head_end.fetch(&concentrator.ring, &mut chance);
        }
        // To what happens next.
        let due = under_way.front().map(|(ends_s, _)| *ends_s);
        let next = due.into_iter().chain(concentrator.planner.poll_timeout()).min();
        now_s = next.unwrap_or(i64::MAX).clamp(now_s + 1, now_s + 900);
    }
    for _ in 0..3 {
        head_end.fetch(&concentrator.ring, &mut chance);
    }
    assert!(broke_off > meters / 2, "only {broke_off} readings broke off: too easy");
    assert!(cuts >= 5 && lost > 4 * meters, "{cuts} power cuts, {lost} answers lost: too easy");
    assert!(head_end.offered_again > meters / 12, "no acknowledgement was lost");
    assert!(head_end.rows.values().all(|times| *times == 1), "a row arrived twice");

    // What has not been read after the last day is still to come.
    let mut listed = BTreeMap::<Reason, u32>::new();
    for number in 0..meters {
        let meter = name(number);
        let last = concentrator.ring.mark(&meter, PROFILE).expect("the ring is readable");
        let last = last.expect("it was read").at_s;
        assert!(now_s - last < 3 * DAY_S, "meter {number} was not read for days");
        let of_meter = head_end.missing.get(&meter).map(Vec::as_slice).unwrap_or_default();
        for at_s in (START_S..=last).step_by(3_600) {
            let arrived = head_end.rows.contains_key(&(meter.clone(), at_s));
            let listing = of_meter.iter().find(|of| of.after_s < at_s && at_s < of.until_s);
            match listing {
                None => assert!(arrived, "meter {number}: {at_s} neither arrived nor is listed"),
                Some(stretch) => {
                    assert!(!arrived, "meter {number}: {at_s} is listed and arrived");
                    *listed.entry(stretch.reason).or_default() += 1;
                }
            }
        }
    }
    // Every 50th meter is without power for a day, every 40th longer than it remembers.
    assert_eq!(listed[&Reason::NotCaptured], meters.div_ceil(50) * 24);
    assert!(listed[&Reason::Overwritten] > meters.div_ceil(40) * 48, "{listed:?}");
    println!(
        "{meters} meters, {cuts} power cuts, {lost} answers lost, {broke_off} broke off, {listed:?}"
    );
    drop(concentrator);
    std::fs::remove_dir_all(folder).expect("the folder is ours");
}
