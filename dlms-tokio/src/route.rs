//! Over which concentrator a meter is reached, and over which when that one is gone.
//!
//! ```text
//!              list read: SAP by name            lost: closed, or 3 heartbeats missed
//!   connected ----------------------> up ------------------------------------------> down
//!                                      ^                                              |
//!                                      |   an epoch above the fence                   |
//!                                      '----------------------------------------------'
//!                                          an epoch up to it: fenced, stays down
//! ```
//!
//! A meter goes by its logical device name. Concentrators assign SAPs each by itself, so the SAP is
//! looked up in the list of the concentrator in question, and a SAP alone names nothing. Of the
//! concentrators that are up and list the meter, the cheapest is taken, and kept for as long as it
//! is up: going back to a cheaper one costs an association and gains nothing.
//!
//! A concentrator that was given up may still live, cut off or hung, and come back with answers and
//! pushes of its own. Each counts its lives in its *epoch*, and the one that was given up is
//! fenced: it is up again only with a higher epoch. [`Routes::is_current`] tells whether an answer
//! still comes by the way that counts.
//!
//! After a takeover a meter may hold its old association, and refuses a new one until its
//! inactivity timeout has passed. So a meter is given up only when it refuses after that and five
//! seconds.
//!
//! Pure like the machines of `dlms-core`: time is an argument. It stands here and not there because
//! `dlms-core` does not know how APDUs travel, and both a head-end and a standby concentrator may
//! use it from here.
//!
//! ```
//! use core::time::Duration;
//! use dlms_tokio::route::{Event, Routes, RoutesConfig};
//! use sans_io_time::Instant;
//!
//! let mut now = Instant::ZERO;
//! let mut routes = Routes::new(RoutesConfig::default());
//! let first = routes.add_concentrator(0)?;
//! let second = routes.add_concentrator(1)?;
//! routes.handle_connected(now, first, 7);
//! routes.handle_list(now, first, [(1, &b"DC1"[..]), (16, b"ABC0000000000001")]);
//! routes.handle_connected(now, second, 3);
//! routes.handle_list(now, second, [(1, &b"DC2"[..]), (44, b"ABC0000000000001")]);
//!
//! let meter = routes.meter(b"ABC0000000000001").unwrap();
//! assert_eq!(routes.via(meter).map(|via| (via.concentrator, via.sap)), Some((first, 16)));
//!
//! now += Duration::from_secs(1);
//! routes.handle_disconnected(now, first);
//! assert_eq!(routes.via(meter).map(|via| (via.concentrator, via.sap)), Some((second, 44)));
//! // The old one in its old life does no harm.
//! assert!(!routes.handle_connected(now, first, 7));
//! assert!(routes.handle_connected(now, first, 8));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod meter;
#[cfg(test)]
mod tests;

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use dlms_core::wrapper::MANAGEMENT_LOGICAL_DEVICE;
use sans_io_time::Instant;

use self::meter::Meter;

/// Concentrators that one table knows: far more than lead to the same meters.
pub const CONCENTRATORS_MAX: usize = 4_096;
/// Meters that one table knows: a million, which a head-end of one machine does not reach.
pub const METERS_MAX: usize = 1 << 20;
/// Octets of a logical device name. IEC 62056-6-2 has at most 16; devices exist with more.
pub const NAME_LEN_MAX: usize = 64;
/// Events of concentrators that wait to be polled; older ones are lost and counted. What meters
/// have waiting is bounded by their number.
pub const EVENTS_MAX: usize = 1_024;
/// What is added to the inactivity timeout of a meter, for its clock and the way there.
pub const INACTIVITY_MARGIN: Duration = Duration::from_secs(5);

/// How long a concentrator may be silent and a meter busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoutesConfig {
    /// Time between two heartbeats, DataNotifications from SAP 1. Default 30 s; None for
    /// concentrators that send none, which are given up only when their connection fails.
    pub heartbeat: Option<Duration>,
    /// Heartbeats missed in a row until a concentrator is given up. Default 3.
    pub missed_max: u32,
    /// How long meters hold an association on which nothing comes: inactivity_time_out of the
    /// setup of their link (classes 23 and 41). Default 120 s, the usual one of HDLC.
    pub inactivity_timeout: Duration,
}

impl Default for RoutesConfig {
    fn default() -> Self {
        Self {
            heartbeat: Some(Duration::from_secs(30)),
            missed_max: 3,
            inactivity_timeout: Duration::from_secs(120),
        }
    }
}

/// A concentrator in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConcentratorId(u16);

/// A meter in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MeterId(u32);

/// The way to a meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via {
    /// Over whom.
    pub concentrator: ConcentratorId,
    /// Which SAP the meter has there.
    pub sap: u16,
    /// In which life of that concentrator.
    pub epoch: u64,
}

/// A way that there may be to a meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Over whom, under which SAP, in which life.
    pub via: Via,
    /// Its cost; the least is taken.
    pub cost: u32,
    /// Whether it can be used.
    pub health: Health,
}

/// Whether a concentrator can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// It was never heard of.
    #[default]
    Unknown,
    /// It is there.
    Up,
    /// It was given up.
    Down,
}

/// Why a concentrator was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Its connection failed.
    Disconnected,
    /// It missed its heartbeats.
    Silent,
}

/// What the owner of a table should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A concentrator is there, for the first time or in a new life. Its list is to be read.
    Up {
        /// Which.
        concentrator: ConcentratorId,
        /// In which life.
        epoch: u64,
    },
    /// A concentrator was given up: what is under way over it has an unknown end.
    Down {
        /// Which.
        concentrator: ConcentratorId,
        /// Why.
        lost: Lost,
    },
    /// A concentrator spoke in a life that is over. It is not to be used, and its connection is
    /// to be closed.
    Fenced {
        /// Which.
        concentrator: ConcentratorId,
        /// The epoch that it gave.
        epoch: u64,
    },
    /// A meter has another way than before, or none. Readings may be asked for again; of an order
    /// the state is to be read back first.
    Moved {
        /// Which meter.
        meter: MeterId,
        /// The way that it had.
        from: Option<Via>,
        /// The way that it has.
        to: Option<Via>,
    },
    /// A meter that held an old association has had the time to forget it.
    Retry {
        /// Which meter.
        meter: MeterId,
    },
    /// A meter refuses though it has had that time: somebody else has it.
    Held {
        /// Which meter.
        meter: MeterId,
    },
}

/// Why a table takes no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoutesError {
    /// It knows [`CONCENTRATORS_MAX`] already.
    #[error("the table of routes has {CONCENTRATORS_MAX} concentrators and takes no more")]
    Full,
}

/// Totals since a table was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoutesCounters {
    /// Times that a concentrator was given up.
    pub lost: u64,
    /// Times that one spoke in a life that is over.
    pub fenced: u64,
    /// Meters that went from one concentrator to another.
    pub takeovers: u64,
    /// Entries of a list with a name that it had before, or without one or a SAP.
    pub bad_entries: u64,
    /// Names not taken because there are [`METERS_MAX`] or they are longer than [`NAME_LEN_MAX`].
    pub names_refused: u64,
    /// Events of concentrators that nobody polled in time.
    pub events_lost: u64,
}

#[derive(Debug)]
struct Concentrator {
    cost: u32,
    health: Health,
    /// The life that it is in, or was in last.
    epoch: u64,
    /// The last life that is over.
    fence: Option<u64>,
    /// When to give it up.
    due: Option<Instant>,
    /// The meters that its list has.
    listed: BTreeSet<MeterId>,
}

/// The table.
#[derive(Debug)]
pub struct Routes {
    config: RoutesConfig,
    concentrators: Vec<Concentrator>,
    meters: Vec<Meter>,
    names: BTreeMap<Box<[u8]>, MeterId>,
    /// Meters that wait for their old association to end.
    waits: BTreeSet<(Instant, MeterId)>,
    events: VecDeque<Event>,
    /// Meters that have something to tell, each once.
    changed: VecDeque<MeterId>,
    counters: RoutesCounters,
}

impl Routes {
    /// A table without anything in it.
    #[must_use]
    pub const fn new(config: RoutesConfig) -> Self {
        Self {
            config,
            concentrators: Vec::new(),
            meters: Vec::new(),
            names: BTreeMap::new(),
            waits: BTreeSet::new(),
            events: VecDeque::new(),
            changed: VecDeque::new(),
            counters: RoutesCounters {
                lost: 0,
                fenced: 0,
                takeovers: 0,
                bad_entries: 0,
                names_refused: 0,
                events_lost: 0,
            },
        }
    }

    /// Takes a concentrator into the table, over which a meter is reached at `cost`. Of equal ones
    /// the first is taken.
    ///
    /// # Errors
    /// [`RoutesError::Full`].
    pub fn add_concentrator(&mut self, cost: u32) -> Result<ConcentratorId, RoutesError> {
        if self.concentrators.len() >= CONCENTRATORS_MAX {
            return Err(RoutesError::Full);
        }
        let id = u16::try_from(self.concentrators.len()).map_err(|_| RoutesError::Full)?;
        self.concentrators.push(Concentrator {
            cost,
            health: Health::Unknown,
            epoch: 0,
            fence: None,
            due: None,
            listed: BTreeSet::new(),
        });
        Ok(ConcentratorId(id))
    }

    /// A connection to `concentrator` stands, and it is in its life `epoch`. Whether it may be
    /// used: if not, the connection is to be closed.
    pub fn handle_connected(
        &mut self,
        now: Instant,
        concentrator: ConcentratorId,
        epoch: u64,
    ) -> bool {
        self.heard(now, concentrator, epoch)
    }

    /// A heartbeat came from `concentrator`. Whether it counts.
    pub fn handle_heartbeat(
        &mut self,
        now: Instant,
        concentrator: ConcentratorId,
        epoch: u64,
    ) -> bool {
        self.heard(now, concentrator, epoch)
    }

    /// The connection to `concentrator` failed, or none could be opened.
    pub fn handle_disconnected(&mut self, now: Instant, concentrator: ConcentratorId) {
        self.lose(now, concentrator, Lost::Disconnected);
    }

    /// The SAP list of `concentrator` (class 17 attribute 2) was read: SAPs and logical device
    /// names. It takes the place of the one before. The concentrator's own entry, SAP 1, is no
    /// meter.
    pub fn handle_list<'a>(
        &mut self,
        now: Instant,
        concentrator: ConcentratorId,
        list: impl IntoIterator<Item = (u16, &'a [u8])>,
    ) {
        let Some(entry) = self.concentrators.get_mut(usize::from(concentrator.0)) else { return };
        let before = core::mem::take(&mut entry.listed);
        let mut listed = BTreeSet::new();
        for (sap, name) in list {
            if sap == MANAGEMENT_LOGICAL_DEVICE {
                continue;
            }
            if sap == 0 || name.is_empty() {
                self.counters.bad_entries += 1;
                continue;
            }
            let Some(meter) = self.named(name) else { continue };
            if !listed.insert(meter) {
                self.counters.bad_entries += 1;
                continue;
            }
            self.meters[meter.index()].list(concentrator, sap);
        }
        for gone in before.difference(&listed) {
            self.meters[gone.index()].unlist(concentrator);
        }
        self.concentrators[usize::from(concentrator.0)].listed.clone_from(&listed);
        for meter in before.union(&listed) {
            self.choose(now, *meter);
        }
    }

    /// An association with `meter` stands.
    pub fn handle_associated(&mut self, meter: MeterId) {
        let Some(entry) = self.meters.get_mut(meter.index()) else { return };
        if let Some(until) = entry.associated() {
            self.waits.remove(&(until, meter));
        }
    }

    /// `meter` refused an association as one that has another: AARE rejected-transient, DM on HDLC.
    /// Until when to leave it alone; None when it has had its time and is given up.
    pub fn handle_held(&mut self, now: Instant, meter: MeterId) -> Option<Instant> {
        let back_off = self.config.inactivity_timeout.saturating_add(INACTIVITY_MARGIN);
        let entry = self.meters.get_mut(meter.index())?;
        let until = entry.held(now, back_off);
        match until {
            Some(until) => {
                self.waits.insert((until, meter));
            }
            None => self.tell(meter),
        }
        until
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        for index in 0..self.concentrators.len() {
            if self.concentrators[index].due.is_some_and(|due| due <= now) {
                let id = ConcentratorId(u16::try_from(index).unwrap_or(u16::MAX));
                self.lose(now, id, Lost::Silent);
            }
        }
        while let Some(&(until, meter)) = self.waits.first()
            && until <= now
        {
            self.waits.remove(&(until, meter));
            self.meters[meter.index()].waited();
            self.tell(meter);
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let silent = self.concentrators.iter().filter_map(|concentrator| concentrator.due).min();
        silent.into_iter().chain(self.waits.first().map(|(until, _)| *until)).min()
    }

    /// The next thing that the owner should know.
    pub fn poll_event(&mut self) -> Option<Event> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        while let Some(&meter) = self.changed.front() {
            let current = self.via(meter);
            match self.meters[meter.index()].poll_event(meter, current) {
                Some(event) => {
                    if let Event::Moved { from: Some(from), to: Some(to), .. } = event
                        && from.concentrator != to.concentrator
                    {
                        self.counters.takeovers += 1;
                    }
                    return Some(event);
                }
                None => self.changed.pop_front(),
            };
        }
        None
    }

    /// The meter of this logical device name, if any list had it.
    #[must_use]
    pub fn meter(&self, name: &[u8]) -> Option<MeterId> {
        self.names.get(name).copied()
    }

    /// Every meter with its name, in the order of the names.
    pub fn meters(&self) -> impl Iterator<Item = (&[u8], MeterId)> {
        self.names.iter().map(|(name, meter)| (&**name, *meter))
    }

    /// The way to `meter`; None when there is none.
    #[must_use]
    pub fn via(&self, meter: MeterId) -> Option<Via> {
        let entry = self.meters.get(meter.index())?;
        let concentrator = entry.current()?;
        let sap = entry.sap_at(concentrator)?;
        let epoch = self.concentrators.get(usize::from(concentrator.0))?.epoch;
        Some(Via { concentrator, sap, epoch })
    }

    /// Whether `via` is the way to `meter` still. What comes by another is too late.
    #[must_use]
    pub fn is_current(&self, meter: MeterId, via: Via) -> bool {
        self.via(meter) == Some(via)
    }

    /// Every way to `meter`, the one to take first in front.
    #[must_use]
    pub fn routes(&self, meter: MeterId) -> Vec<Route> {
        let Some(entry) = self.meters.get(meter.index()) else { return Vec::new() };
        let mut routes: Vec<Route> = entry
            .listed()
            .filter_map(|(concentrator, sap)| {
                let Concentrator { cost, health, epoch, .. } =
                    *self.concentrators.get(usize::from(concentrator.0))?;
                Some(Route { via: Via { concentrator, sap, epoch }, cost, health })
            })
            .collect();
        routes.sort_by_key(|route| (route.cost, route.via.concentrator));
        routes
    }

    /// Whether `concentrator` can be used.
    #[must_use]
    pub fn health(&self, concentrator: ConcentratorId) -> Health {
        self.concentrators
            .get(usize::from(concentrator.0))
            .map_or(Health::Unknown, |concentrator| concentrator.health)
    }

    /// What has happened so far.
    #[must_use]
    pub const fn counters(&self) -> RoutesCounters {
        self.counters
    }

    /// A sign of life.
    fn heard(&mut self, now: Instant, id: ConcentratorId, epoch: u64) -> bool {
        let patience =
            self.config.heartbeat.map(|time| time.saturating_mul(self.config.missed_max));
        let Some(concentrator) = self.concentrators.get_mut(usize::from(id.0)) else {
            return false;
        };
        let is_over = concentrator.fence.is_some_and(|fence| epoch <= fence)
            || (concentrator.health == Health::Up && epoch < concentrator.epoch);
        if is_over {
            self.counters.fenced += 1;
            self.note(Event::Fenced { concentrator: id, epoch });
            return false;
        }
        concentrator.due = patience.and_then(|patience| now.checked_add(patience));
        if concentrator.health == Health::Up && concentrator.epoch == epoch {
            return true;
        }
        concentrator.health = Health::Up;
        concentrator.epoch = epoch;
        let listed: Vec<MeterId> = concentrator.listed.iter().copied().collect();
        self.note(Event::Up { concentrator: id, epoch });
        for meter in listed {
            self.choose(now, meter);
        }
        true
    }

    /// Gives a concentrator up, and takes its meters elsewhere.
    fn lose(&mut self, now: Instant, id: ConcentratorId, lost: Lost) {
        let Some(concentrator) = self.concentrators.get_mut(usize::from(id.0)) else { return };
        concentrator.due = None;
        let was = core::mem::replace(&mut concentrator.health, Health::Down);
        if was != Health::Up {
            return;
        }
        concentrator.fence = Some(concentrator.epoch);
        let listed: Vec<MeterId> = concentrator.listed.iter().copied().collect();
        self.counters.lost += 1;
        self.note(Event::Down { concentrator: id, lost });
        for meter in listed {
            self.choose(now, meter);
        }
    }

    /// Finds the way to a meter: the one that it has, or else the cheapest.
    fn choose(&mut self, now: Instant, id: MeterId) {
        let Some(meter) = self.meters.get_mut(id.index()) else { return };
        let cost = |concentrator: ConcentratorId| {
            let entry = self.concentrators.get(usize::from(concentrator.0))?;
            (entry.health == Health::Up).then_some((entry.cost, concentrator))
        };
        if let Some(until) = meter.choose(now, cost) {
            self.waits.remove(&(until, id));
        }
        self.tell(id);
    }

    /// The meter of this name, new if it is.
    fn named(&mut self, name: &[u8]) -> Option<MeterId> {
        if let Some(meter) = self.names.get(name) {
            return Some(*meter);
        }
        let next = u32::try_from(self.meters.len()).ok();
        let fits = name.len() <= NAME_LEN_MAX && self.meters.len() < METERS_MAX;
        let Some(next) = next.filter(|_| fits) else {
            self.counters.names_refused += 1;
            return None;
        };
        self.meters.push(Meter::default());
        self.names.insert(name.into(), MeterId(next));
        Some(MeterId(next))
    }

    /// A meter may have something to tell.
    fn tell(&mut self, meter: MeterId) {
        if self.meters[meter.index()].enqueue() {
            self.changed.push_back(meter);
        }
    }

    fn note(&mut self, event: Event) {
        if self.events.len() >= EVENTS_MAX {
            self.events.pop_front();
            self.counters.events_lost += 1;
        }
        self.events.push_back(event);
    }
}

impl MeterId {
    const fn index(self) -> usize {
        self.0 as usize
    }
}
