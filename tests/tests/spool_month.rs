//! Meters push in simulated time, through the spool of the concentrator as it is on its disk and
//! the ledger of the head-end: the WAN is cut, both lose their power again and again,
//! acknowledgements and live pushes get lost, and so do pushes on the way to the concentrator.
//!
//! Sixty meters usually; with `DLMS_SOAK=20` they are 1,200.
#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use core::sync::atomic::{AtomicI64, Ordering};
use std::{
    collections::{BTreeMap, VecDeque},
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::Arc,
};

use concentrator::{
    exchange::{PushSink, Pushed},
    management::SpoolSink,
    nodes::{NodeId, Nodes, Pool, Registration},
    spool::{Spool, SpoolLimits},
    state::{self, Opened},
};
use dlms_core::{cosem::concentrator::LivePush, security::ReceiveCounter, xdlms::DataNotification};
use dlms_tests::{Random, soak};
use dlms_tokio::ledger::{Digest, Ledger, Life, PushId, Verdict};

const METERS: u32 = 60;
const DAY_S: i64 = 86_400;
const START_S: i64 = 20_454 * DAY_S;
const NAME: &[u8] = b"DHC0000000000001";
/// Octets of APDUs that are read at a time.
const ANSWER_LEN: usize = 100_000;

/// What a meter pushes: which meter, its invocation counter, and what was captured when; a capture
/// at 0 is an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Push {
    meter: u32,
    counter: u32,
    captured_s: i64,
}

impl Push {
    /// With as many octets as its digest has, so that it is its own.
    fn apdu(self) -> Digest {
        let Self { meter, counter, captured_s } = self;
        let mut apdu = Digest::default();
        apdu[..4].copy_from_slice(&meter.to_be_bytes());
        apdu[4..8].copy_from_slice(&counter.to_be_bytes());
        apdu[8..].copy_from_slice(&captured_s.to_be_bytes());
        apdu
    }

    fn of(apdu: &[u8]) -> Self {
        let part = |from: usize| u32::from_be_bytes(apdu[from..from + 4].try_into().unwrap());
        let captured_s = i64::from_be_bytes(apdu[8..].try_into().unwrap());
        Self { meter: part(0), counter: part(4), captured_s }
    }
}

/// What happens, and how often: one in so many.
#[derive(Clone, Copy)]
struct Weather {
    /// Seconds from one look to the next.
    step_s: i64,
    /// Seconds from one capture, and push, to the next.
    period_s: i64,
    /// Alarms, by meter and step.
    alarm: u64,
    /// Pushes that are lost on the LAN, and those that arrive and whose confirmation is lost.
    lost: u64,
    unconfirmed: u64,
    /// How often a meter pushes once more when it is not confirmed.
    retries: u32,
    /// Steps at which the concentrator, or the head-end, loses its power; at which live pushes and
    /// acknowledgements are lost.
    concentrator_cut: u64,
    head_end_cut: u64,
    live_lost: u64,
    acknowledgement_lost: u64,
    /// For how many steps the concentrator is off.
    off_steps: u32,
}

/// The concentrator, and its folder.
struct Concentrator {
    folder: PathBuf,
    opened: Opened,
    sink: SpoolSink,
    nodes: Nodes,
}

impl Concentrator {
    fn start(folder: PathBuf, clock: &Arc<AtomicI64>, meters: u32) -> Self {
        let opened = state::open(&folder, SpoolLimits::default(), 1).unwrap();
        let now_s = Arc::clone(clock);
        let now_ms = Box::new(move || now_s.load(Ordering::Relaxed) * 1_000);
        let sink = SpoolSink::new(NAME.try_into().unwrap(), opened.spool.clone(), now_ms);
        let mut nodes = Nodes::new(Pool::Extended);
        for number in 0..meters {
            nodes.register(0, Registration::new(&format!("ABC{number:013}")).unwrap()).unwrap();
        }
        Self { folder, opened, sink, nodes }
    }

    const fn spool(&self) -> &Spool {
        &self.opened.spool
    }

    /// Takes a push; what it sends at once in front of it.
    fn push(&mut self, push: Push) -> LivePush {
        // Simulated time is faster than the disk.
        if self.spool().status().queued > 1_000 {
            assert!(self.spool().flush());
        }
        let node = self.nodes.get(NodeId(push.meter)).unwrap();
        let said = self.sink.push(&Pushed { node, client: 1, apdu: &push.apdu() });
        let said = said.unwrap().which;
        let said = DataNotification::decode(&said).unwrap();
        LivePush::from_data(&said.body.data().unwrap()).unwrap()
    }

    /// What its disk has now, as after a power cut: in another folder.
    fn disk(&self, folder: &Path) {
        assert!(self.spool().flush());
        fs::create_dir_all(folder).unwrap();
        for name in ["concentrator.db", "concentrator.db-wal"] {
            fs::copy(self.folder.join(name), folder.join(name)).unwrap();
        }
    }
}

/// The head-end: what it has, and what of it is on its disk.
#[derive(Default)]
struct HeadEnd {
    ledger: Ledger,
    received: BTreeMap<u32, ReceiveCounter>,
    /// By meter and invocation counter: when it came.
    pushes: BTreeMap<(u32, u32), i64>,
    /// By meter and capture.
    captured: BTreeMap<(u32, i64), ()>,
    /// The lives on the disk, and what was taken since: with the counters of before.
    lives: Vec<Life>,
    taken: Vec<(Push, Option<ReceiveCounter>)>,
    /// Pushes again, under an invocation counter that was accepted.
    replayed: u32,
    live: u32,
}

impl HeadEnd {
    fn take(&mut self, push: Push, at_s: i64) {
        let before = self.received.get(&push.meter).copied();
        let mut counter = before.unwrap_or_else(|| ReceiveCounter::new().with_window(64));
        if counter.check(push.counter).is_err() {
            self.replayed += 1;
            return;
        }
        counter.accept(push.counter);
        self.received.insert(push.meter, counter);
        let twice = self.pushes.insert((push.meter, push.counter), at_s);
        assert_eq!(twice, None, "{push:?} was taken twice");
        if push.captured_s > 0 {
            let twice = self.captured.insert((push.meter, push.captured_s), ());
            assert_eq!(twice, None, "{push:?}: its capture was there");
        }
        self.taken.push((push, before));
    }

    fn take_live(&mut self, live: &LivePush, push: Push) {
        let id = PushId { concentrator: NAME, epoch: live.epoch, sequence: live.sequence };
        if self.ledger.handle_live(id, push.apdu()) == Verdict::New {
            self.live += 1;
            self.take(push, live.arrived.unix_utc().unwrap());
        }
    }

    /// Reads the spool as far as it is, and acknowledges what is on the disk; unless that is lost.
    fn read(&mut self, spool: &Spool, is_first: bool, acknowledges: bool) {
        assert!(spool.flush());
        assert!(self.ledger.handle_next(NAME, 1, spool.status().next));
        let wanted = self.ledger.wanted(NAME);
        let mut from = if is_first { Some(0) } else { wanted };
        while let Some(first) = from {
            let rows = spool.range(first, u64::MAX, ANSWER_LEN).unwrap();
            let Some(last) = rows.last().map(|row| row.sequence) else { break };
            for row in rows {
                let (epoch, sequence) = (row.epoch, row.sequence);
                let id = PushId { concentrator: NAME, epoch, sequence };
                let push = Push::of(&row.apdu);
                if self.ledger.handle_row(id, push.apdu()) == Verdict::New {
                    self.take(push, row.arrived_ms / 1_000);
                }
            }
            self.commit();
            if acknowledges {
                spool.acknowledge(last).unwrap();
            }
            from = Some(last + 1);
        }
    }

    fn commit(&mut self) {
        self.lives = self.ledger.lives().collect();
        self.taken.clear();
    }

    /// The power goes: it has what is on its disk.
    fn cut(&mut self) {
        for (push, before) in core::mem::take(&mut self.taken).into_iter().rev() {
            self.pushes.remove(&(push.meter, push.counter));
            self.captured.remove(&(push.meter, push.captured_s));
            match before {
                Some(counter) => self.received.insert(push.meter, counter),
                None => self.received.remove(&push.meter),
            };
        }
        // Whatever is below the last is taken for accepted: none is replayed.
        for counter in self.received.values_mut() {
            *counter = ReceiveCounter::after(counter.last().unwrap()).with_window(64);
        }
        self.ledger = Ledger::default();
        self.lives.iter().for_each(|life| self.ledger.restore(life));
    }
}

/// What a meter has to push: once, or again.
#[derive(Default)]
struct Meter {
    counter: u32,
    waiting: VecDeque<(Push, u32)>,
}

impl Meter {
    fn push(&mut self, meter: u32, captured_s: i64) {
        self.counter += 1;
        self.waiting.push_back((Push { meter, counter: self.counter, captured_s }, 0));
    }
}

/// Everything, and what happened to it.
struct World {
    root: PathBuf,
    weather: Weather,
    clock: Arc<AtomicI64>,
    chance: Random,
    meters: Vec<Meter>,
    concentrator: Option<Concentrator>,
    /// Steps until it is on again, from which folder.
    off: (u32, PathBuf),
    head_end: HeadEnd,
    /// Whether the head-end has associated anew.
    is_first: bool,
    folders: u32,
    concentrator_cuts: u32,
    head_end_cuts: u32,
    given_up: u32,
    /// By meter and invocation counter: when a push has come to the concentrator.
    came: BTreeMap<(u32, u32), Vec<i64>>,
}

impl World {
    fn new(name: &str, weather: Weather) -> Self {
        let root = env::temp_dir().join(format!("spool-{name}-{}", process::id()));
        let clock = Arc::new(AtomicI64::new(START_S));
        let meters = soak::rounds(METERS);
        let concentrator = Concentrator::start(root.join("0"), &clock, meters);
        Self {
            root,
            weather,
            clock,
            chance: Random::new(0x9E37),
            meters: (0..meters).map(|_| Meter::default()).collect(),
            concentrator: Some(concentrator),
            off: (0, PathBuf::new()),
            head_end: HeadEnd::default(),
            is_first: true,
            folders: 0,
            concentrator_cuts: 0,
            head_end_cuts: 0,
            given_up: 0,
            came: BTreeMap::new(),
        }
    }

    fn one_in(&mut self, of: u64) -> bool {
        of > 0 && self.chance.below(of) == 0
    }

    /// What happens at `now_s`: meters that `reach` the concentrator push, and the head-end takes
    /// it while the WAN is `up`.
    fn step(&mut self, now_s: i64, up: bool, reach: impl Fn(u32) -> bool) {
        let Weather { step_s, period_s, alarm, .. } = self.weather;
        self.clock.store(now_s, Ordering::Relaxed);
        for number in 0..self.meters.len() as u32 {
            // Each at its own time.
            let due = (now_s - i64::from(number) * 60).rem_euclid(period_s) < step_s;
            if due {
                let captured_s = now_s.div_euclid(period_s) * period_s;
                self.meters[number as usize].push(number, captured_s);
            }
            if self.one_in(alarm) {
                self.meters[number as usize].push(number, 0);
            }
        }
        if self.concentrator.is_none() {
            self.off.0 -= 1;
            if self.off.0 == 0 {
                let meters = self.meters.len() as u32;
                self.concentrator =
                    Some(Concentrator::start(self.off.1.clone(), &self.clock, meters));
                self.is_first = true;
            }
        }
        let cut = self.concentrator.is_some() && self.one_in(self.weather.concentrator_cut);
        let total = self.meters.len() as u32;
        // What comes after a fifth of the pushes is not on the disk when the power goes.
        let stored_until = if cut { total / 5 } else { total };
        self.lan(0..stored_until, now_s, up, true, &reach);
        if cut {
            self.concentrator_cuts += 1;
            self.folders += 1;
            let folder = self.root.join(self.folders.to_string());
            self.concentrator.as_ref().unwrap().disk(&folder);
            self.lan(stored_until..total, now_s, up, false, &reach);
            let gone = self.concentrator.take().map(|concentrator| concentrator.folder);
            fs::remove_dir_all(gone.unwrap()).unwrap();
            self.off = (self.weather.off_steps, folder);
        }
        if self.one_in(self.weather.head_end_cut) {
            self.head_end_cuts += 1;
            self.head_end.cut();
            self.is_first = true;
        }
        let acknowledges = !self.one_in(self.weather.acknowledgement_lost);
        if up && let Some(concentrator) = &self.concentrator {
            self.head_end.read(concentrator.spool(), self.is_first, acknowledges);
            self.is_first = !acknowledges;
        }
    }

    /// What meters have to push comes to the concentrator or not, and is confirmed or not.
    fn lan(
        &mut self,
        numbers: core::ops::Range<u32>,
        now_s: i64,
        up: bool,
        is_stored: bool,
        reach: &impl Fn(u32) -> bool,
    ) {
        for number in numbers {
            let waiting = core::mem::take(&mut self.meters[number as usize].waiting);
            for (push, tries) in waiting {
                let lost = !reach(number) || self.one_in(self.weather.lost);
                let mut confirmed = false;
                if let (false, Some(concentrator)) = (lost, &mut self.concentrator) {
                    let live = concentrator.push(push);
                    self.came.entry((push.meter, push.counter)).or_default().push(now_s);
                    if up && !self.one_in(self.weather.live_lost) {
                        self.head_end.take_live(&live, push);
                    }
                    confirmed = is_stored && !self.one_in(self.weather.unconfirmed);
                }
                if confirmed {
                    continue;
                }
                if tries < self.weather.retries {
                    self.meters[number as usize].waiting.push_back((push, tries + 1));
                } else {
                    self.given_up += 1;
                }
            }
        }
    }

    fn has_come(&self, at: &(u32, u32), when_s: i64) -> bool {
        self.came.get(at).is_some_and(|times| times.contains(&when_s))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.concentrator = None;
        let _ = fs::remove_dir_all(&self.root);
    }
}

#[test]
fn the_wan_is_cut_for_a_day_and_every_push_arrives_once_with_its_time() {
    let mut world = World::new(
        "day",
        Weather {
            step_s: 60,
            period_s: 900,
            alarm: 500,
            lost: 0,
            unconfirmed: 200,
            retries: u32::MAX,
            concentrator_cut: 400,
            head_end_cut: 300,
            live_lost: 10,
            acknowledgement_lost: 5,
            off_steps: 3,
        },
    );
    for now_s in (START_S..START_S + 3 * DAY_S).step_by(60) {
        let is_cut = (START_S + DAY_S..START_S + 2 * DAY_S).contains(&now_s);
        world.step(now_s, !is_cut, |_| true);
    }
    // What is still under way comes in the next hour, in better weather.
    world.weather = Weather { alarm: 0, concentrator_cut: 0, head_end_cut: 0, ..world.weather };
    let pushed: Vec<u32> = world.meters.iter().map(|meter| meter.counter).collect();
    for now_s in (START_S + 3 * DAY_S..START_S + 3 * DAY_S + 3_600).step_by(60) {
        world.step(now_s, true, |_| true);
    }
    let (cuts, head_end) = ((world.concentrator_cuts, world.head_end_cuts), &world.head_end);
    assert!(cuts.0 >= 5 && cuts.1 >= 5 && head_end.live > 1_000, "{cuts:?}: too easy");
    assert!(head_end.replayed > 0, "no meter pushed again what had arrived");
    for (number, last) in (0..).zip(pushed) {
        for counter in 1..=last {
            let at = head_end.pushes.get(&(number, counter));
            let at = at.unwrap_or_else(|| panic!("push {counter} of meter {number} is lost"));
            assert!(world.has_come(&(number, counter), *at), "meter {number}, {counter}: {at}");
        }
    }
    println!(
        "{} pushes, {} of them live first, {} again, {cuts:?} power cuts",
        head_end.pushes.len(),
        head_end.live,
        head_end.replayed
    );
}

/// Captures that a meter keeps: five days of hours.
const DEPTH_S: i64 = 5 * DAY_S;
const DAYS: i64 = 30;

/// Whether a meter is cut off from the concentrator: every 40th for eight days, longer than it
/// remembers.
fn is_cut_off(number: u32, at_s: i64) -> bool {
    let day = (at_s - START_S).div_euclid(DAY_S);
    number.is_multiple_of(40) && (10..18).contains(&day)
}

#[test]
fn every_interval_that_a_meter_still_holds_arrives_once_pushed_or_read_afterwards() {
    const PERIOD_S: i64 = 3_600;
    let mut world = World::new(
        "month",
        Weather {
            step_s: 900,
            period_s: PERIOD_S,
            alarm: 0,
            lost: 20,
            unconfirmed: 40,
            retries: 2,
            concentrator_cut: 150,
            head_end_cut: 100,
            live_lost: 10,
            acknowledgement_lost: 5,
            off_steps: 4,
        },
    );
    let total = world.meters.len() as u32;
    let end_s = START_S + DAYS * DAY_S;
    let (mut wan_off, mut wan_cuts, mut read) = (0_u64, 0, 0_u32);
    let mut read_until = vec![START_S; total as usize];
    for now_s in (START_S..end_s).step_by(900) {
        // The WAN is cut for up to a day.
        if wan_off == 0 && world.chance.below(200) == 0 {
            wan_off = 4 + world.chance.below(92);
            wan_cuts += 1;
        }
        wan_off = wan_off.saturating_sub(1);
        world.step(now_s, wan_off == 0, |number| !is_cut_off(number, now_s));
        // Once a day what is missing is read, where the way is free: not the last two hours, of
        // which meters may still push something.
        let is_late = (now_s - START_S) % DAY_S >= DAY_S - 8 * PERIOD_S;
        if !is_late || wan_off > 0 || world.concentrator.is_none() || now_s % PERIOD_S != 0 {
            continue;
        }
        for number in 0..total {
            let until_s = now_s - 2 * PERIOD_S;
            let done_s = &mut read_until[number as usize];
            if until_s - *done_s < DAY_S / 2 || is_cut_off(number, now_s) {
                continue;
            }
            // A meter does not answer.
            if world.chance.below(7) == 0 {
                continue;
            }
            let held_s = (*done_s).max(now_s - DEPTH_S + PERIOD_S);
            for captured_s in (held_s..until_s).step_by(PERIOD_S as usize) {
                if world.head_end.captured.insert((number, captured_s), ()).is_none() {
                    read += 1;
                }
            }
            *done_s = until_s;
        }
    }
    let (cuts, given_up) = ((world.concentrator_cuts, world.head_end_cuts), world.given_up);
    let head_end = &world.head_end;
    assert!(cuts.0 >= 5 && cuts.1 >= 5 && wan_cuts >= 5, "{cuts:?} {wan_cuts}: too easy");
    assert!(given_up > total && read > total && head_end.replayed > total, "too easy");
    let mut overwritten = 0;
    for number in 0..total {
        for captured_s in (START_S..end_s - 2 * DAY_S).step_by(PERIOD_S as usize) {
            // Those that were overwritten before the meter could be reached again.
            let is_held = !is_cut_off(number, captured_s) || captured_s > START_S + 15 * DAY_S;
            let arrived = head_end.captured.contains_key(&(number, captured_s));
            assert!(arrived || !is_held, "meter {number}: {captured_s} is lost");
            overwritten += u32::from(!arrived);
        }
    }
    // At least three days of eight.
    assert!(overwritten >= total.div_ceil(40) * 72, "{overwritten}");
    println!(
        "{total} meters, {} pushes, {read} read afterwards, {overwritten} overwritten, {cuts:?} \
         power cuts, {wan_cuts} of the WAN, {} again",
        head_end.pushes.len(),
        head_end.replayed
    );
}
