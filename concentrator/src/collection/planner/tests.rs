use dlms_core::cosem::{AttributeDescriptor, ClassId, LogicalName};

use super::*;
use crate::collection::{Calendar, Keep, Whom};

const DAY: i64 = 86_400;
const READ: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::PROFILE_GENERIC, LogicalName([1, 0, 99, 1, 0, 255]), 2);
const UNREACHABLE: Outcome = Outcome::Failed(Cause::Unreachable);

fn name(number: u32) -> LogicalDeviceName {
    format!("ABC{number:013}").as_bytes().try_into().unwrap()
}

/// Each day from 01:00 to 03:00.
fn daily(priority: u8) -> Task {
    Task {
        name: format!("daily {priority}").into(),
        read: vec![READ],
        whom: Whom::default(),
        calendar: Calendar { period_s: 86_400, at_s: 3_600, window_s: 7_200, jitter_s: 0 },
        priority,
        keep: Keep::Ordinary,
    }
}

fn order(id: u64, issued_s: i64, expires_s: i64) -> Order {
    let what = What::Read(vec![READ], Keep::Ordinary);
    Order {
        id,
        issued_s,
        begins_s: issued_s,
        expires_s,
        whom: Whom::default(),
        what,
        priority: 200,
    }
}

struct Bench {
    planner: Planner,
    clock: OwnClock,
}

impl Bench {
    /// Meters on the media that are listed.
    fn new(tasks: Vec<Task>, media: &[Option<u16>]) -> Self {
        let own_clock = OwnClockLimits { since_comparison_max_s: None, deviation_max_ms: 0 };
        let config = PlannerConfig { own_clock, ..PlannerConfig::default() };
        let mut planner = Planner::new(tasks, config);
        for (number, medium) in (0..).zip(media) {
            planner.add_meter(0, name(number), *medium);
        }
        Self { planner, clock: OwnClock::default() }
    }

    fn job(&mut self, at: i64) -> Option<Job> {
        self.planner.poll_job(at, &self.clock)
    }

    fn done(&mut self, at: i64, job: &Job, outcome: Outcome) {
        self.planner.handle_outcome(at, job.id, outcome);
    }

    fn events(&mut self) -> Vec<PlannerEvent> {
        core::iter::from_fn(|| self.planner.poll_event()).collect()
    }
}

fn settled(slot: i64, outcome: Outcome) -> PlannerEvent {
    PlannerEvent::Settled { task: "daily 1".into(), meter: name(0), slot, outcome }
}

#[test]
fn a_task_is_due_once_in_each_slot() {
    let mut bench = Bench::new(vec![daily(1)], &[None]);
    for day in 0..3 {
        assert_eq!(bench.planner.poll_timeout(), Some(day * DAY + 3_600));
        assert_eq!(bench.job(day * DAY + 3_599), None);
        let job = bench.job(day * DAY + 3_600).unwrap();
        assert_eq!(job.what, What::Read(vec![READ], Keep::Ordinary));
        assert_eq!(bench.job(day * DAY + 3_601), None);
        bench.done(day * DAY + 3_700, &job, Outcome::Done);
        assert_eq!(bench.job(day * DAY + 3_701), None);
        assert_eq!(bench.events(), [settled(day, Outcome::Done)]);
    }
}

#[test]
fn a_meter_has_one_job_at_a_time_and_the_greater_priority_goes_first() {
    let mut bench = Bench::new(vec![daily(1), daily(9)], &[None, None]);
    let first = bench.job(3_600).unwrap();
    let second = bench.job(3_600).unwrap();
    assert_eq!([&first.meter, &second.meter], [&name(0), &name(1)]);
    assert_eq!(bench.job(3_600), None);
    bench.done(3_601, &second, Outcome::Done);
    let third = bench.job(3_601).unwrap();
    assert_eq!(third.meter, name(1));
    bench.done(3_602, &third, Outcome::Done);
    let tasks: Vec<String> = bench
        .events()
        .into_iter()
        .filter_map(|event| match event {
            PlannerEvent::Settled { task, .. } => Some(task.into()),
            _ => None,
        })
        .collect();
    assert_eq!(tasks, ["daily 9", "daily 1"]);
}

#[test]
fn one_speaks_at_a_time_on_a_shared_medium_and_others_are_not_kept_by_it() {
    let mut bench = Bench::new(vec![daily(1)], &[Some(0), Some(0), Some(1), None, None]);
    let mut jobs = Vec::new();
    while let Some(job) = bench.job(3_600) {
        jobs.push(job);
    }
    let meters: Vec<_> = jobs.iter().map(|job| job.meter.clone()).collect();
    assert_eq!(meters, [name(0), name(2), name(3), name(4)]);
    bench.done(3_601, &jobs[0], Outcome::Done);
    assert_eq!(bench.job(3_601).unwrap().meter, name(1));
}

#[test]
fn there_are_no_more_jobs_than_there_may_be() {
    let mut bench = Bench::new(vec![daily(1)], &[None; 40]);
    let jobs = core::iter::from_fn(|| bench.job(3_600)).count();
    assert_eq!((jobs, bench.planner.running()), (16, 16));
}

#[test]
fn a_meter_that_does_not_answer_is_tried_after_ever_longer_times_while_the_window_is_open() {
    let mut bench = Bench::new(vec![daily(1)], &[None]);
    let (mut at, mut waits) = (3_600, Vec::new());
    while let Some(job) = bench.job(at) {
        bench.done(at, &job, UNREACHABLE);
        let next = bench.planner.poll_timeout().unwrap();
        waits.push(next - at);
        at = next;
        if at > DAY {
            break;
        }
    }
    // 60 + 120 + .. + 1,920 s are within two hours, the next is not.
    assert_eq!(waits, [60, 120, 240, 480, 960, 1_920, DAY - 3_780]);
    assert_eq!(bench.events(), [settled(0, UNREACHABLE)]);
}

#[test]
fn what_a_meter_refuses_is_not_tried_again_before_the_next_slot() {
    for cause in [Cause::Refused, Cause::Security, Cause::Malformed] {
        let mut bench = Bench::new(vec![daily(1)], &[None]);
        let job = bench.job(3_600).unwrap();
        bench.done(3_601, &job, Outcome::Failed(cause));
        assert_eq!(bench.planner.poll_timeout(), Some(DAY + 3_600));
        assert_eq!(bench.events(), [settled(0, Outcome::Failed(cause))]);
    }
}

#[test]
fn who_waits_for_others_does_not_wait_longer_each_time() {
    let mut bench = Bench::new(vec![daily(1)], &[None]);
    for attempt in 0..5 {
        let job = bench.job(3_600 + 30 * attempt).unwrap();
        bench.done(3_600 + 30 * attempt, &job, Outcome::Failed(Cause::Busy));
    }
}

#[test]
fn a_slot_that_was_settled_before_a_restart_is_not_done_again() {
    let mut bench = Bench::new(vec![daily(1)], &[]);
    bench.planner.restore("daily 1", name(0), 7);
    bench.planner.restore("of another configuration", name(0), 8);
    bench.planner.add_meter(7 * DAY + 4_000, name(0), None);
    bench.planner.add_meter(7 * DAY + 4_000, name(1), None);
    assert_eq!(bench.job(7 * DAY + 4_000).unwrap().meter, name(1));
    assert_eq!(bench.job(7 * DAY + 4_000), None);
    assert_eq!(bench.job(8 * DAY + 3_600).unwrap().meter, name(0));
}

#[test]
fn slots_that_passed_are_told_and_not_made_up_for() {
    let mut bench = Bench::new(vec![daily(1)], &[]);
    bench.planner.restore("daily 1", name(0), 2);
    bench.planner.add_meter(7 * DAY, name(0), None);
    let missed = PlannerEvent::Missed { task: "daily 1".into(), meter: name(0), slots: 4 };
    assert_eq!(bench.events(), [missed]);
    assert!(bench.job(7 * DAY + 3_600).is_some());
    assert_eq!(bench.job(7 * DAY + 3_601), None);
}

#[test]
fn a_job_that_did_not_get_its_turn_in_the_window_is_missed() {
    let mut bench = Bench::new(vec![daily(1)], &[Some(0), Some(0)]);
    let job = bench.job(3_600).unwrap();
    assert_eq!(job.meter, name(0));
    bench.done(3_600 + 7_200, &job, Outcome::Done);
    assert_eq!(bench.job(3_600 + 7_200), None);
    let missed = PlannerEvent::Missed { task: "daily 1".into(), meter: name(1), slots: 1 };
    assert_eq!(bench.events(), [settled(0, Outcome::Done), missed]);
}

#[test]
fn nothing_is_touched_while_the_own_clock_is_in_doubt() {
    let mut bench = Bench::new(vec![daily(1)], &[None]);
    bench.planner.config = PlannerConfig::default();
    assert_eq!(bench.job(3_600), None);
    assert_eq!(bench.job(3_601), None);
    bench.clock.handle_comparison(3_700, 10_000);
    assert_eq!(bench.job(3_700), None);
    bench.clock.handle_comparison(3_800, 10);
    assert!(bench.job(3_800).is_some());
    let events = [PlannerEvent::Doubted(Doubt::Never), PlannerEvent::Trusted];
    assert_eq!(bench.events(), events);
}

#[test]
fn a_clock_that_is_set_back_repeats_no_slot_and_delays_no_task() {
    let mut bench = Bench::new(vec![daily(1)], &[None, None]);
    let job = bench.job(5 * DAY + 3_600).unwrap();
    bench.done(5 * DAY + 3_600, &job, Outcome::Done);
    let other = bench.job(5 * DAY + 3_600).unwrap();
    bench.done(5 * DAY + 3_600, &other, UNREACHABLE);
    // Half an hour back: the one that was done stays so, the other is wanted in its window.
    assert_eq!(bench.job(5 * DAY + 1_800), None);
    assert_eq!(bench.job(5 * DAY + 3_600).unwrap().meter, name(1));
    assert_eq!(bench.job(5 * DAY + 3_700), None);
    // A year back.
    let mut bench = Bench::new(vec![daily(1)], &[None]);
    let job = bench.job(365 * DAY + 3_600).unwrap();
    bench.done(365 * DAY + 3_600, &job, Outcome::Done);
    assert_eq!(bench.job(2 * DAY + 3_500), None);
    assert!(bench.planner.poll_timeout().unwrap() <= 3 * DAY + 3_600);
}

#[test]
fn an_order_is_done_once_by_each_meter_that_it_means() {
    let mut bench = Bench::new(vec![], &[None, None]);
    bench.planner.handle_order(10, order(7, 0, 1_000)).unwrap();
    assert_eq!(bench.planner.handle_order(10, order(7, 0, 1_000)), Err(OrderError::Known));
    let (one, two) = (bench.job(10).unwrap(), bench.job(10).unwrap());
    bench.done(11, &one, Outcome::Done);
    bench.done(12, &two, Outcome::Failed(Cause::Refused));
    let result = |meter, outcome| PlannerEvent::Result { order: 7, meter, outcome };
    let expected = [
        result(name(0), Outcome::Done),
        result(name(1), Outcome::Failed(Cause::Refused)),
        PlannerEvent::Finished { order: 7 },
    ];
    assert_eq!(bench.events(), expected);
    assert_eq!(bench.planner.handle_order(10, order(7, 0, 1_000)), Err(OrderError::Known));
}

#[test]
fn an_order_that_is_out_of_date_is_not_begun() {
    let mut bench = Bench::new(vec![], &[Some(0), Some(0)]);
    assert_eq!(bench.planner.handle_order(10, order(1, 0, 10)), Err(OrderError::OutOfDate));
    let long_ago = order(1, -DAY, 1_000);
    assert_eq!(bench.planner.handle_order(10, long_ago), Err(OrderError::OutOfDate));

    bench.planner.handle_order(10, order(2, 0, 100)).unwrap();
    let job = bench.job(10).unwrap();
    bench.done(100, &job, Outcome::Done);
    assert_eq!(bench.job(100), None);
    let result = |meter, outcome| PlannerEvent::Result { order: 2, meter, outcome };
    let expected = [
        result(name(0), Outcome::Done),
        result(name(1), Outcome::Failed(Cause::Expired)),
        PlannerEvent::Finished { order: 2 },
    ];
    assert_eq!(bench.events(), expected);
}

#[test]
fn an_order_that_was_stored_goes_on_with_the_meters_that_are_left() {
    let mut bench = Bench::new(vec![], &[None, None]);
    let done = BTreeSet::from([name(0)]);
    bench.planner.restore_order(10, order(7, 0, 1_000), &done).unwrap();
    assert_eq!(bench.job(10).unwrap().meter, name(1));
    assert_eq!(bench.job(10), None);
}

#[test]
fn an_order_for_a_meter_that_goes_away_ends_and_a_task_goes_on_when_it_is_back() {
    let mut bench = Bench::new(vec![daily(1)], &[None]);
    bench.planner.handle_order(10, order(7, 0, DAY)).unwrap();
    let running = bench.job(10).unwrap();
    bench.planner.remove_meter(&name(0));
    bench.done(20, &running, Outcome::Done);
    assert_eq!((bench.planner.running(), bench.job(3_600)), (0, None));
    let gone = Outcome::Failed(Cause::Gone);
    let result = PlannerEvent::Result { order: 7, meter: name(0), outcome: gone };
    assert_eq!(bench.events(), [result, PlannerEvent::Finished { order: 7 }]);

    bench.planner.add_meter(3_700, name(0), None);
    let job = bench.job(3_700).unwrap();
    bench.done(3_701, &job, Outcome::Done);
    bench.planner.remove_meter(&name(0));
    bench.planner.add_meter(3_800, name(0), None);
    assert_eq!(bench.job(3_800), None);
}

#[test]
fn there_are_no_more_orders_than_there_may_be() {
    let mut bench = Bench::new(vec![], &[None]);
    for id in 0..ORDERS_MAX {
        bench.planner.handle_order(0, order(id as u64, 0, 10)).unwrap();
    }
    assert_eq!(bench.planner.handle_order(0, order(999, 0, 10)), Err(OrderError::TooMany));
    let mut nobody = Bench::new(vec![], &[]);
    assert_eq!(nobody.planner.handle_order(0, order(1, 0, 10)), Err(OrderError::Nobody));
}

#[test]
fn an_order_is_begun_no_earlier_than_it_may_be_and_not_again_when_it_may_have_been_done() {
    let mut bench = Bench::new(Vec::new(), &[None]);
    let later = Order { begins_s: 500, ..order(1, 0, 1_000) };
    bench.planner.handle_order(0, later).unwrap();
    assert_eq!(bench.job(499), None);
    assert_eq!(bench.planner.poll_timeout(), Some(500));
    let job = bench.job(500).unwrap();
    assert_eq!(job.order, Some(1));
    bench.done(501, &job, Outcome::Failed(Cause::Unknown));
    assert_eq!(bench.job(900), None);
}
