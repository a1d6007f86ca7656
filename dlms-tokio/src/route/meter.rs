//! One meter of the table: where it is listed, which way it has, and whether it holds an old
//! association.

use core::time::Duration;

use sans_io_time::Instant;

use super::{ConcentratorId, Event, MeterId, Via};

#[derive(Debug, Default)]
pub(super) struct Meter {
    /// Where it is listed and under which SAP, in the order of the concentrators; seldom more than
    /// two.
    listed: Vec<(ConcentratorId, u16)>,
    /// The concentrator that it is reached over.
    current: Option<ConcentratorId>,
    /// The way that was told last.
    told: Option<Via>,
    /// When it lost the way on which an association may still be open at the meter.
    lost: Option<Instant>,
    patience: Patience,
    /// Whether it waits to be polled.
    queued: bool,
    /// Something to tell, once.
    retry: bool,
    given_up: bool,
}

/// How far we are with a meter that holds an association.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Patience {
    #[default]
    Fresh,
    Waiting(Instant),
    /// It has had its time.
    Spent,
}

impl Meter {
    pub(super) const fn current(&self) -> Option<ConcentratorId> {
        self.current
    }

    pub(super) fn listed(&self) -> impl Iterator<Item = (ConcentratorId, u16)> {
        self.listed.iter().copied()
    }

    pub(super) fn sap_at(&self, concentrator: ConcentratorId) -> Option<u16> {
        self.listed().find_map(|(at, sap)| (at == concentrator).then_some(sap))
    }

    pub(super) fn list(&mut self, concentrator: ConcentratorId, sap: u16) {
        match self.listed.binary_search_by_key(&concentrator, |(at, _)| *at) {
            Ok(place) => self.listed[place].1 = sap,
            Err(place) => self.listed.insert(place, (concentrator, sap)),
        }
    }

    pub(super) fn unlist(&mut self, concentrator: ConcentratorId) {
        self.listed.retain(|(at, _)| *at != concentrator);
    }

    /// Keeps the way if it can be used, or else takes the cheapest. `cost` is None for what cannot
    /// be used. The wait that this ends is returned.
    pub(super) fn choose(
        &mut self,
        now: Instant,
        cost: impl Fn(ConcentratorId) -> Option<(u32, ConcentratorId)>,
    ) -> Option<Instant> {
        let usable = |at: ConcentratorId| self.sap_at(at).and_then(|_| cost(at));
        if self.current.and_then(usable).is_some() {
            return None;
        }
        let cheapest = self.listed().filter_map(|(at, _)| cost(at)).min();
        if self.current.is_some() {
            self.lost = Some(now);
        }
        self.current = cheapest.map(|(_, concentrator)| concentrator);
        // A new way, a new try.
        self.take_wait()
    }

    pub(super) fn associated(&mut self) -> Option<Instant> {
        self.lost = None;
        self.take_wait()
    }

    /// Until when to wait; None when it has been waited for.
    pub(super) fn held(&mut self, now: Instant, back_off: Duration) -> Option<Instant> {
        match self.patience {
            Patience::Waiting(until) => return Some(until),
            Patience::Spent => {
                self.given_up = true;
                return None;
            }
            Patience::Fresh => {}
        }
        // The meter has heard nothing since the way was lost. Where none was, it is somebody
        // else's association, or that of a process before this one.
        let until = self
            .lost
            .and_then(|lost| lost.checked_add(back_off))
            .filter(|until| *until > now)
            .or_else(|| now.checked_add(back_off))?;
        self.patience = Patience::Waiting(until);
        Some(until)
    }

    pub(super) const fn waited(&mut self) {
        self.patience = Patience::Spent;
        self.retry = true;
    }

    /// Whether it is to be put into the queue of those that have something to tell.
    pub(super) const fn enqueue(&mut self) -> bool {
        !core::mem::replace(&mut self.queued, true)
    }

    /// What it has to tell; with None it leaves the queue.
    pub(super) fn poll_event(&mut self, meter: MeterId, via: Option<Via>) -> Option<Event> {
        if self.told != via {
            let from = core::mem::replace(&mut self.told, via);
            return Some(Event::Moved { meter, from, to: via });
        }
        if core::mem::take(&mut self.retry) {
            return Some(Event::Retry { meter });
        }
        if core::mem::take(&mut self.given_up) {
            return Some(Event::Held { meter });
        }
        self.queued = false;
        None
    }

    fn take_wait(&mut self) -> Option<Instant> {
        self.retry = false;
        self.given_up = false;
        match core::mem::take(&mut self.patience) {
            Patience::Waiting(until) => Some(until),
            Patience::Fresh | Patience::Spent => None,
        }
    }
}
