//! The planner: what is to be read from which meter now.
//!
//! ```text
//!              due                window open, meter free          done, refused, given up
//!    calendar ─────► its medium's ───────────────────────► running ──────────► next slot
//!    order    ─────► queue                                   │  ▲
//!                                          try again, by cause└──┘ while the window is open
//! ```
//!
//! One job at a time for each meter, few at a time for each medium, the greater priority first. A
//! slot that passes without a meter having been read is missed and told; nothing is lost by it as
//! long as the meter still has what it would have given, for reading goes on where it stopped.
//!
//! Pure: time is an argument, and what must survive a power cut comes out as [`PlannerEvent`]s and
//! goes in by [`Planner::restore`] and [`Planner::restore_order`]. What is done again because the
//! power went before an event was stored is read from the last stored row on, and so brings
//! nothing twice. Time is UTC alone, for all that is planned here is by the calendar; when the
//! clock is set back, everything is planned anew.
//!
//! ```
//! use concentrator::collection::{
//!     Calendar, Keep, OwnClock, OwnClockLimits, Planner, PlannerConfig, Task, Whom,
//! };
//! use dlms_core::cosem::{AttributeDescriptor, ClassId, LogicalName};
//!
//! let profile = LogicalName([1, 0, 99, 1, 0, 255]);
//! let hourly = Task {
//!     name: "load profile".into(),
//!     read: vec![AttributeDescriptor::new(ClassId::PROFILE_GENERIC, profile, 2)],
//!     whom: Whom::default(),
//!     calendar: Calendar { period_s: 3_600, at_s: 0, window_s: 1_800, jitter_s: 0 },
//!     priority: 5,
//!     keep: Keep::Ordinary,
//! };
//! let mut planner = Planner::new(vec![hourly], PlannerConfig::default());
//! planner.add_meter(0, b"ABC0000000000001"[..].try_into()?, None);
//! let clock = OwnClock::default();
//! // Nothing while the own clock is in doubt.
//! assert_eq!(planner.poll_job(10, &clock), None);
//!
//! let mut clock = clock;
//! clock.handle_comparison(10, 0);
//! let job = planner.poll_job(10, &clock).expect("it is due");
//! assert_eq!(job.meter.octets(), b"ABC0000000000001");
//! # Ok::<(), concentrator::nodes::NodeError>(())
//! ```

use core::{cmp::Reverse, time::Duration};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Cause, Doubt, Order, Outcome, OwnClock, OwnClockLimits, Task, What};
use crate::nodes::LogicalDeviceName;

/// Tasks that may be configured.
pub const TASKS_MAX: usize = 64;
/// Orders that are not done; a further one is refused. Each head-end has a few.
pub const ORDERS_MAX: usize = 256;
/// Numbers of orders that are remembered after they were done, so that none is taken twice.
pub const ORDERS_REMEMBERED_MAX: usize = 4_096;

/// How many jobs there may be at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannerConfig {
    /// In all. Default: 16.
    pub jobs_max: usize,
    /// On one shared medium. Default: 1, as one speaks on it at a time; head-ends are to get in
    /// between.
    pub jobs_per_medium_max: usize,
    /// How old an order may be when it comes or is begun. Default: a day.
    pub order_age_max: Duration,
    /// When the own clock is trusted. Default: for a day, when it was off by two seconds at most.
    pub own_clock: OwnClockLimits,
}

impl Default for PlannerConfig {
    fn default() -> Self {
        Self {
            jobs_max: 16,
            jobs_per_medium_max: 1,
            order_age_max: Duration::from_secs(86_400),
            own_clock: OwnClockLimits {
                since_comparison_max_s: Some(86_400),
                deviation_max_ms: 2_000,
            },
        }
    }
}

/// A job that was handed out, until it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(u64);

/// What is to be done now.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// To be given back with the outcome.
    pub id: JobId,
    /// The meter.
    pub meter: LogicalDeviceName,
    /// What it is wanted for.
    pub what: What,
    /// The order that it is of; None for a task.
    pub order: Option<u64>,
}

/// What the owner should store, or tell.
#[derive(Clone, Debug, PartialEq)]
pub enum PlannerEvent {
    /// To be stored: a meter was read for a task in this slot, or will not be any more.
    Settled {
        /// The task.
        task: Box<str>,
        /// The meter.
        meter: LogicalDeviceName,
        /// The slot of its calendar.
        slot: i64,
        /// Whether it was read, and else why it was not.
        outcome: Outcome,
    },
    /// Slots of a task passed, and a meter was not tried once in them.
    Missed {
        /// The task.
        task: Box<str>,
        /// The meter.
        meter: LogicalDeviceName,
        /// How many.
        slots: u64,
    },
    /// To be stored: what became of an order at a meter.
    Result {
        /// The order.
        order: u64,
        /// The meter.
        meter: LogicalDeviceName,
        /// What.
        outcome: Outcome,
    },
    /// To be stored: all results of an order are there.
    Finished {
        /// The order.
        order: u64,
    },
    /// The own clock is in doubt: no meter is touched.
    Doubted(Doubt),
    /// The own clock is trusted again.
    Trusted,
}

/// Why an order is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// It has expired, or was given too long ago.
    #[error("it is out of date")]
    OutOfDate,
    /// It was taken before.
    #[error("there was an order with this number")]
    Known,
    /// Too many are not done.
    #[error("{ORDERS_MAX} orders are under way")]
    TooMany,
    /// No meter that is known here is meant.
    #[error("it means no meter that is known here")]
    Nobody,
}

/// The number of a meter here, which is never another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct MeterKey(u32);

/// What a meter is wanted for: a task by its place, or an order by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Purpose {
    Order(u64),
    Task(usize),
}

#[derive(Debug)]
struct Meter {
    name: LogicalDeviceName,
    medium: Option<u16>,
    running: bool,
    lanes: BTreeMap<Purpose, Lane>,
}

/// One purpose of one meter.
#[derive(Clone, Copy, Debug)]
struct Lane {
    /// The slot, of a task.
    slot: i64,
    /// In this slot, or at all.
    attempts: u32,
    /// When it is wanted next.
    due: i64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Ready,
    Running,
}

#[derive(Debug)]
struct Taken {
    order: Order,
    left: usize,
}

/// The order in which jobs are begun: the greatest priority, then what was due first.
type Turn = (Reverse<u8>, i64, MeterKey, Purpose);

/// The planner.
#[derive(Debug)]
pub struct Planner {
    tasks: Vec<Task>,
    config: PlannerConfig,
    meters: BTreeMap<MeterKey, Meter>,
    names: BTreeMap<LogicalDeviceName, MeterKey>,
    agenda: BTreeSet<(i64, MeterKey, Purpose)>,
    ready: BTreeMap<Option<u16>, BTreeSet<Turn>>,
    running: BTreeMap<JobId, (MeterKey, Purpose, Option<u16>)>,
    busy: BTreeMap<u16, usize>,
    orders: BTreeMap<u64, Taken>,
    /// Numbers of orders that are done, the oldest first.
    finished: VecDeque<u64>,
    /// The slot that was settled last, of meters that are not here.
    progress: BTreeMap<(usize, LogicalDeviceName), i64>,
    events: VecDeque<PlannerEvent>,
    /// The latest time that was told.
    latest: i64,
    doubt: Option<Doubt>,
    next_meter: u32,
    next_job: u64,
}

impl Planner {
    /// A planner for `tasks`, of which those beyond [`TASKS_MAX`] are left out.
    #[must_use]
    pub fn new(mut tasks: Vec<Task>, config: PlannerConfig) -> Self {
        tasks.truncate(TASKS_MAX);
        Self {
            tasks,
            config,
            meters: BTreeMap::new(),
            names: BTreeMap::new(),
            agenda: BTreeSet::new(),
            ready: BTreeMap::new(),
            running: BTreeMap::new(),
            busy: BTreeMap::new(),
            orders: BTreeMap::new(),
            finished: VecDeque::new(),
            progress: BTreeMap::new(),
            events: VecDeque::new(),
            latest: i64::MIN,
            doubt: None,
            next_meter: 0,
            next_job: 0,
        }
    }

    /// What was stored of a [`PlannerEvent::Settled`]. Before the meters are added.
    pub fn restore(&mut self, task: &str, meter: LogicalDeviceName, slot: i64) {
        if let Some(index) = self.tasks.iter().position(|known| &*known.name == task) {
            let settled = self.progress.entry((index, meter)).or_insert(slot);
            *settled = slot.max(*settled);
        }
    }

    /// A meter is there. One that is known stays as it is, but for its medium.
    pub fn add_meter(&mut self, utc_s: i64, name: LogicalDeviceName, medium: Option<u16>) {
        if let Some(&key) = self.names.get(&name) {
            if self.meters.get(&key).is_some_and(|meter| meter.medium == medium) {
                return;
            }
            self.remove_meter(&name);
        }
        let key = MeterKey(self.next_meter);
        self.next_meter = self.next_meter.wrapping_add(1);
        self.names.insert(name.clone(), key);
        let meant = |task: &Task| task.whom.means(&name, medium);
        let tasks: Vec<usize> =
            (0..self.tasks.len()).filter(|&at| meant(&self.tasks[at])).collect();
        let meter = Meter { name: name.clone(), medium, running: false, lanes: BTreeMap::new() };
        self.meters.insert(key, meter);
        for index in tasks {
            let settled = self.progress.remove(&(index, name.clone()));
            self.plan(utc_s, key, index, settled);
        }
    }

    /// A meter is gone, and what orders wanted of it with it.
    pub fn remove_meter(&mut self, name: &LogicalDeviceName) {
        let Some(key) = self.names.remove(name) else { return };
        let Some(meter) = self.meters.remove(&key) else { return };
        for (purpose, lane) in meter.lanes {
            match lane.state {
                State::Waiting => {
                    self.agenda.remove(&(lane.due, key, purpose));
                }
                State::Ready => {
                    let turn = self.turn(key, purpose, lane.due);
                    if let Some(queue) = self.ready.get_mut(&meter.medium) {
                        queue.remove(&turn);
                    }
                }
                State::Running => {}
            }
            match purpose {
                Purpose::Task(index) => {
                    // When it comes back it is where it was.
                    self.progress.insert((index, name.clone()), lane.slot.saturating_sub(1));
                }
                Purpose::Order(id) => self.result(id, name, Outcome::Failed(Cause::Gone)),
            }
        }
    }

    /// Takes an order of a head-end, at this moment.
    ///
    /// # Errors
    /// Every [`OrderError`].
    pub fn handle_order(&mut self, utc_s: i64, order: Order) -> Result<(), OrderError> {
        self.restore_order(utc_s, order, &BTreeSet::new())
    }

    /// Takes an order that was stored, but for the meters whose result is stored, too.
    ///
    /// # Errors
    /// Every [`OrderError`]. One that is out of date now is so for all meters that are left.
    pub fn restore_order(
        &mut self,
        utc_s: i64,
        order: Order,
        done: &BTreeSet<LogicalDeviceName>,
    ) -> Result<(), OrderError> {
        if self.orders.contains_key(&order.id) || self.finished.contains(&order.id) {
            return Err(OrderError::Known);
        }
        if utc_s >= self.expiry(&order) {
            return Err(OrderError::OutOfDate);
        }
        if self.orders.len() >= ORDERS_MAX {
            return Err(OrderError::TooMany);
        }
        let meant: Vec<MeterKey> = self
            .meters
            .iter()
            .filter(|(_, meter)| order.whom.means(&meter.name, meter.medium))
            .filter(|(_, meter)| !done.contains(&meter.name))
            .map(|(&key, _)| key)
            .collect();
        if meant.is_empty() {
            return Err(OrderError::Nobody);
        }
        let purpose = Purpose::Order(order.id);
        let due = utc_s.max(order.begins_s);
        self.orders.insert(order.id, Taken { order, left: meant.len() });
        for key in meant {
            self.wait(key, purpose, Lane { slot: 0, attempts: 0, due, state: State::Waiting });
        }
        Ok(())
    }

    /// The next job, if there is one to be begun at this moment.
    pub fn poll_job(&mut self, utc_s: i64, clock: &OwnClock) -> Option<Job> {
        let doubt = clock.check(utc_s, &self.config.own_clock).err();
        if doubt.is_some() != self.doubt.is_some() {
            let event = doubt.map_or(PlannerEvent::Trusted, PlannerEvent::Doubted);
            self.events.push_back(event);
        }
        self.doubt = doubt;
        if doubt.is_some() {
            return None;
        }
        if utc_s < self.latest {
            self.plan_anew(utc_s);
        }
        self.latest = utc_s;
        while self.running.len() < self.config.jobs_max {
            self.handle_time(utc_s);
            let (_, due, key, purpose) = self.next_turn()?;
            if let Some(job) = self.begin(utc_s, due, key, purpose) {
                return Some(job);
            }
        }
        None
    }

    /// How a job ended.
    pub fn handle_outcome(&mut self, utc_s: i64, id: JobId, outcome: Outcome) {
        let Some((key, purpose, medium)) = self.running.remove(&id) else { return };
        if let Some(busy) = medium.and_then(|medium| self.busy.get_mut(&medium)) {
            *busy = busy.saturating_sub(1);
        }
        let Some(meter) = self.meters.get_mut(&key) else { return };
        meter.running = false;
        let Some(mut lane) = meter.lanes.remove(&purpose) else { return };
        let Outcome::Failed(cause) = outcome else {
            return self.settle(utc_s, key, purpose, lane, outcome);
        };
        // Who is kept waiting by others has not tried yet.
        if cause != Cause::Busy {
            lane.attempts = lane.attempts.saturating_add(1);
        }
        let again = cause.back_off_s(lane.attempts).map(|after| utc_s.saturating_add(after));
        match again.filter(|&due| due < self.end(purpose, lane.slot)) {
            Some(due) => self.wait(key, purpose, Lane { due, state: State::Waiting, ..lane }),
            None => self.settle(utc_s, key, purpose, lane, outcome),
        }
    }

    /// What the owner should know.
    pub fn poll_event(&mut self) -> Option<PlannerEvent> {
        self.events.pop_front()
    }

    /// When there may be a job that there is not now, in seconds since 1970. While the own clock is
    /// in doubt, that is when it is not any more.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<i64> {
        self.agenda.first().map(|&(due, ..)| due)
    }

    /// Jobs that are handed out.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// Moves what is due into the queues.
    fn handle_time(&mut self, utc_s: i64) {
        while let Some(&(due, key, purpose)) =
            self.agenda.first().filter(|&&(due, ..)| due <= utc_s)
        {
            self.agenda.pop_first();
            let turn = self.turn(key, purpose, due);
            let Some(meter) = self.meters.get_mut(&key) else { continue };
            if let Some(lane) = meter.lanes.get_mut(&purpose) {
                lane.state = State::Ready;
                self.ready.entry(meter.medium).or_default().insert(turn);
            }
        }
    }

    /// Whose turn it is: of those whose medium and who themselves are free.
    fn next_turn(&mut self) -> Option<Turn> {
        let free = |key: &MeterKey| self.meters.get(key).is_some_and(|meter| !meter.running);
        let mut best: Option<(Turn, Option<u16>)> = None;
        for (medium, queue) in &self.ready {
            let busy = medium.and_then(|medium| self.busy.get(&medium)).copied().unwrap_or(0);
            if busy >= self.config.jobs_per_medium_max {
                continue;
            }
            // No more are passed over than there are jobs.
            let Some(&turn) = queue.iter().find(|(_, _, key, _)| free(key)) else { continue };
            if best.is_none_or(|(other, _)| turn < other) {
                best = Some((turn, *medium));
            }
        }
        let (turn, medium) = best?;
        if let Some(queue) = self.ready.get_mut(&medium) {
            queue.remove(&turn);
        }
        Some(turn)
    }

    /// Makes a job of a turn, unless its time is over.
    fn begin(&mut self, utc_s: i64, due: i64, key: MeterKey, purpose: Purpose) -> Option<Job> {
        let lane = self.meters.get(&key)?.lanes.get(&purpose).copied()?;
        if utc_s >= self.end(purpose, lane.slot) {
            self.meters.get_mut(&key)?.lanes.remove(&purpose);
            match purpose {
                Purpose::Task(index) if lane.attempts == 0 => {
                    self.plan(utc_s, key, index, Some(lane.slot.saturating_sub(1)));
                }
                _ => self.settle(utc_s, key, purpose, lane, Outcome::Failed(Cause::Expired)),
            }
            return None;
        }
        let what = match purpose {
            Purpose::Task(index) => {
                let task = self.tasks.get(index)?;
                What::Read(task.read.clone(), task.keep)
            }
            Purpose::Order(id) => self.orders.get(&id)?.order.what.clone(),
        };
        let meter = self.meters.get_mut(&key)?;
        meter.running = true;
        meter.lanes.insert(purpose, Lane { due, state: State::Running, ..lane });
        if let Some(medium) = meter.medium {
            *self.busy.entry(medium).or_default() += 1;
        }
        let id = JobId(self.next_job);
        self.next_job = self.next_job.wrapping_add(1);
        self.running.insert(id, (key, purpose, meter.medium));
        let order = match purpose {
            Purpose::Order(order) => Some(order),
            Purpose::Task(_) => None,
        };
        Some(Job { id, meter: meter.name.clone(), what, order })
    }

    /// It was done, or will not be done any more.
    fn settle(
        &mut self,
        utc_s: i64,
        key: MeterKey,
        purpose: Purpose,
        lane: Lane,
        outcome: Outcome,
    ) {
        let Some(name) = self.meters.get(&key).map(|meter| meter.name.clone()) else { return };
        match purpose {
            Purpose::Task(index) => {
                if let Some(task) = self.tasks.get(index) {
                    let (task, meter) = (task.name.clone(), name);
                    let slot = lane.slot;
                    self.events.push_back(PlannerEvent::Settled { task, meter, slot, outcome });
                }
                self.plan(utc_s, key, index, Some(lane.slot));
            }
            Purpose::Order(id) => self.result(id, &name, outcome),
        }
    }

    fn result(&mut self, order: u64, meter: &LogicalDeviceName, outcome: Outcome) {
        let Some(taken) = self.orders.get_mut(&order) else { return };
        taken.left = taken.left.saturating_sub(1);
        let finished = taken.left == 0;
        self.events.push_back(PlannerEvent::Result { order, meter: meter.clone(), outcome });
        if finished {
            self.orders.remove(&order);
            if self.finished.len() >= ORDERS_REMEMBERED_MAX {
                self.finished.pop_front();
            }
            self.finished.push_back(order);
            self.events.push_back(PlannerEvent::Finished { order });
        }
    }

    /// Plans the slot after the settled one, or the one that is open.
    fn plan(&mut self, utc_s: i64, key: MeterKey, index: usize, settled: Option<i64>) {
        let (Some(task), Some(meter)) = (self.tasks.get(index), self.meters.get(&key)) else {
            return;
        };
        let current = task.calendar.slot(utc_s);
        let open = task.calendar.window(current).contains(&utc_s);
        let earliest = if open { current } else { current.saturating_add(1) };
        // The clock may have gone back a little, but one that was far ahead once must not stop the
        // task until then.
        let settled = settled.map(|settled| settled.min(current.saturating_add(1)));
        let wanted = settled.map_or(earliest, |settled| settled.saturating_add(1));
        let slot = wanted.max(earliest);
        if let Ok(slots @ 1..) = u64::try_from(slot.saturating_sub(wanted)) {
            let (task, meter) = (task.name.clone(), meter.name.clone());
            self.events.push_back(PlannerEvent::Missed { task, meter, slots });
        }
        let due = self.tasks[index].calendar.due(slot, spread(&self.meters[&key].name));
        let lane = Lane { slot, attempts: 0, due, state: State::Waiting };
        self.wait(key, Purpose::Task(index), lane);
    }

    fn wait(&mut self, key: MeterKey, purpose: Purpose, lane: Lane) {
        if let Some(meter) = self.meters.get_mut(&key) {
            meter.lanes.insert(purpose, lane);
            self.agenda.insert((lane.due, key, purpose));
        }
    }

    /// The clock was set back: what waits, waits for what it shows now.
    fn plan_anew(&mut self, utc_s: i64) {
        self.agenda.clear();
        self.ready.clear();
        let keys: Vec<MeterKey> = self.meters.keys().copied().collect();
        for key in keys {
            let Some(meter) = self.meters.get(&key) else { continue };
            let lanes: Vec<(Purpose, Lane)> =
                meter.lanes.iter().map(|(&purpose, &lane)| (purpose, lane)).collect();
            for (purpose, lane) in lanes {
                match (lane.state, purpose) {
                    (State::Running, _) => {}
                    (_, Purpose::Task(index)) => {
                        self.plan(utc_s, key, index, Some(lane.slot.saturating_sub(1)));
                    }
                    (_, Purpose::Order(_)) => {
                        // No earlier than it may be begun, and as soon as that.
                        let due = self.begins(purpose).max(utc_s);
                        self.wait(key, purpose, Lane { due, state: State::Waiting, ..lane });
                    }
                }
            }
        }
    }

    /// From when on an order may be begun.
    fn begins(&self, purpose: Purpose) -> i64 {
        match purpose {
            Purpose::Task(_) => i64::MIN,
            Purpose::Order(id) => {
                self.orders.get(&id).map_or(i64::MIN, |taken| taken.order.begins_s)
            }
        }
    }

    /// From when on a purpose is not begun any more.
    fn end(&self, purpose: Purpose, slot: i64) -> i64 {
        match purpose {
            Purpose::Task(index) => {
                self.tasks.get(index).map_or(i64::MIN, |task| task.calendar.window(slot).end)
            }
            Purpose::Order(id) => {
                self.orders.get(&id).map_or(i64::MIN, |taken| self.expiry(&taken.order))
            }
        }
    }

    fn expiry(&self, order: &Order) -> i64 {
        let age_max_s = i64::try_from(self.config.order_age_max.as_secs()).unwrap_or(i64::MAX);
        order.expires_s.min(order.issued_s.saturating_add(age_max_s))
    }

    fn turn(&self, key: MeterKey, purpose: Purpose, due: i64) -> Turn {
        let priority = match purpose {
            Purpose::Task(index) => self.tasks.get(index).map(|task| task.priority),
            Purpose::Order(id) => self.orders.get(&id).map(|taken| taken.order.priority),
        };
        (Reverse(priority.unwrap_or_default()), due, key, purpose)
    }
}

/// A number that is the meter's own, the same in every run: FNV-1a of its name.
fn spread(name: &LogicalDeviceName) -> u32 {
    let step = |sum: u32, octet: &u8| (sum ^ u32::from(*octet)).wrapping_mul(0x0100_0193);
    name.octets().iter().fold(0x811C_9DC5, step)
}

#[cfg(test)]
mod tests;
