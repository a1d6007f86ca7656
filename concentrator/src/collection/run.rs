//! The collection at work: planner, reader, ring and ledger over the exchange.

use core::time::Duration;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use dlms_core::cosem::concentrator::collection::OrderState;
use tokio::{
    sync::Notify,
    task::{JoinError, JoinSet, spawn_blocking},
    time::{MissedTickBehavior, interval},
};

use super::{
    Cause, JobId, Ledger, LedgerError, Order, OrderError, OrderRefusal, Outcome, OwnClock, Planner,
    PlannerEvent, ReaderConfig, Report, Stores, TimeVerdict, read,
};
use crate::{
    exchange::Exchange,
    nodes::{LogicalDeviceName, Place},
};

/// How often it is looked whether something is due. Calendars are in minutes.
const TICK: Duration = Duration::from_secs(1);

/// Why an order is not taken.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotTaken {
    /// It makes no sense, or is not for the reading client.
    #[error(transparent)]
    Refused(#[from] OrderRefusal),
    /// Its time is over.
    #[error("it is out of date")]
    OutOfDate,
    /// It could not be written down.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Where orders are given: a handle, as many as are needed.
#[derive(Clone, Debug)]
pub struct Orders {
    ledger: Arc<Ledger>,
    taken: Arc<Notify>,
}

impl Orders {
    /// Into this ledger.
    #[must_use]
    pub fn new(ledger: Arc<Ledger>) -> Self {
        Self { ledger, taken: Arc::default() }
    }

    /// Takes an order. When this returns it is on the disk; the same once more changes nothing. It
    /// waits for the disk.
    ///
    /// # Errors
    /// Every [`NotTaken`].
    pub fn take(
        &self,
        now_s: i64,
        order: &dlms_core::cosem::concentrator::collection::Order,
    ) -> Result<(), NotTaken> {
        let planned = Order::try_from(order)?;
        if planned.expires_s <= now_s {
            return Err(NotTaken::OutOfDate);
        }
        if self.ledger.accept(now_s, order)? {
            self.taken.notify_one();
        }
        Ok(())
    }

    /// What is written down.
    #[must_use]
    pub const fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }
}

/// Reads meters until it is dropped. `synchronized_file` is touched by whoever sets the clock of
/// the system.
pub async fn run(
    exchange: Exchange,
    stores: Stores,
    orders: Orders,
    mut planner: Planner,
    reader: ReaderConfig,
    synchronized_file: PathBuf,
) {
    let ring = Arc::clone(&stores.ring);
    match spawn_blocking(move || ring.progress()).await {
        Ok(Ok(progress)) => {
            for (task, meter, slot) in progress {
                planner.restore(&task, meter, slot);
            }
        }
        // What was done is then done again, and brings nothing twice.
        Ok(Err(error)) => tracing::warn!(%error, "what was read before is not known"),
        Err(error) => tracing::error!(%error, "what was read before is not known"),
    }
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut jobs: JoinSet<Report> = JoinSet::new();
    let mut known = BTreeMap::new();
    let mut ids = BTreeMap::new();
    // What jobs of orders brought, until the planner says that no further one follows.
    let mut values = BTreeMap::new();
    let mut orders_wait = true;
    let reader = Arc::new(reader);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = orders.taken.notified() => orders_wait = true,
            Some(ended) = jobs.join_next_with_id() => {
                let (running, report) = outcome(ended, &mut ids);
                if let Some(Running { id, meter, order }) = running {
                    tell_clock(&meter, report.time.as_ref());
                    if let Some(order) = order {
                        values.insert((order, meter), report.value);
                    }
                    planner.handle_outcome(now_ms().div_euclid(1_000), id, report.outcome);
                }
            }
        }
        let now_s = now_ms().div_euclid(1_000);
        meet(&exchange, &mut planner, &mut known, now_s);
        if core::mem::take(&mut orders_wait) {
            take_orders(&orders.ledger, &mut planner, now_s).await;
        }
        let mut clock = OwnClock::default();
        if let Some(at_s) = touched(&synchronized_file) {
            clock.handle_comparison(at_s, 0);
        }
        while let Some(job) = planner.poll_job(now_s, &clock) {
            let Some(&(sap, _)) = known.get(&job.meter) else {
                planner.handle_outcome(now_s, job.id, Outcome::Failed(Cause::Gone));
                continue;
            };
            let (stream, stores, reader) =
                (exchange.connect(), stores.clone(), Arc::clone(&reader));
            let running = Running { id: job.id, meter: job.meter.clone(), order: job.order };
            let task =
                jobs.spawn(async move { read(stream, sap, &job, &reader, &stores, &now_ms).await });
            ids.insert(task.id(), running);
        }
        while let Some(event) = planner.poll_event() {
            note(&stores, event, &mut values, now_s).await;
        }
    }
}

/// A job that is under way.
struct Running {
    id: JobId,
    meter: LogicalDeviceName,
    order: Option<u64>,
}

/// Plans the orders that were written down and are not planned yet.
async fn take_orders(ledger: &Arc<Ledger>, planner: &mut Planner, now_s: i64) {
    let open = Arc::clone(ledger);
    let open = match spawn_blocking(move || open.open_orders()).await {
        Ok(Ok(open)) => open,
        Ok(Err(error)) => return tracing::warn!(%error, "orders cannot be read"),
        Err(error) => return tracing::error!(%error, "orders cannot be read"),
    };
    for (order, done) in open {
        let id = order.id;
        let planned = match Order::try_from(&order) {
            Ok(order) => planner.restore_order(now_s, order, &done).map_err(|error| match error {
                OrderError::OutOfDate => Some((OrderState::Expired, error.to_string())),
                // It was done at all of them, and the power went before that was written down.
                OrderError::Nobody if !done.is_empty() => None,
                OrderError::Nobody => Some((OrderState::Refused, error.to_string())),
                OrderError::Known | OrderError::TooMany => {
                    Some((OrderState::Accepted, String::new()))
                }
            }),
            Err(refusal) => Err(Some((OrderState::Refused, refusal.to_string()))),
        };
        let refused = match planned {
            Ok(()) | Err(Some((OrderState::Accepted, _))) => continue,
            Err(refused) => refused,
        };
        let ledger = Arc::clone(ledger);
        stored(move || {
            let refused = refused.as_ref().map(|(state, cause)| (*state, &**cause));
            ledger.close(now_s, id, refused)
        })
        .await;
    }
}

/// Writes something down, and says so when that cannot be done.
async fn stored(what: impl FnOnce() -> Result<(), LedgerError> + Send + 'static) {
    match spawn_blocking(what).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "what became of an order is not stored"),
        Err(error) => tracing::error!(%error, "what became of an order is not stored"),
    }
}

/// Says what is wrong with the clock of a meter.
fn tell_clock(meter: &LogicalDeviceName, verdict: Option<&TimeVerdict>) {
    match verdict {
        Some(TimeVerdict::TooFar) => {
            tracing::warn!(%meter, "its clock is off by more than is set: look after it");
        }
        Some(TimeVerdict::Set(_)) => tracing::info!(%meter, "its clock was set"),
        _ => {}
    }
}

/// How a job ended; one that panicked is as one whose meter made no sense.
fn outcome(
    ended: Result<(tokio::task::Id, Report), JoinError>,
    ids: &mut BTreeMap<tokio::task::Id, Running>,
) -> (Option<Running>, Report) {
    match ended {
        Ok((task, report)) => (ids.remove(&task), report),
        Err(error) => {
            tracing::error!(%error, "a job has panicked");
            let outcome = Outcome::Failed(Cause::Malformed);
            let report = Report { outcome, rows: 0, time: None, value: Vec::new() };
            (ids.remove(&error.id()), report)
        }
    }
}

/// Takes note of what should be stored or told.
async fn note(
    stores: &Stores,
    event: PlannerEvent,
    values: &mut BTreeMap<(u64, LogicalDeviceName), Vec<u8>>,
    now_s: i64,
) {
    let ledger = Arc::clone(&stores.ledger);
    match event {
        PlannerEvent::Settled { task, meter, slot, outcome } => {
            if let Outcome::Failed(cause) = outcome {
                tracing::warn!(%meter, %task, %cause, "not read");
            }
            stores.ring.settled(&task, meter, slot);
        }
        PlannerEvent::Result { order, meter, outcome } => {
            let value = values.remove(&(order, meter.clone())).unwrap_or_default();
            tracing::info!(order, %meter, ?outcome, "an order is done with");
            stored(move || ledger.finish(now_s, order, &meter, outcome, &value)).await;
        }
        PlannerEvent::Finished { order } => {
            values.retain(|(of, _), _| *of != order);
            stored(move || ledger.close(now_s, order, None)).await;
        }
        PlannerEvent::Doubted(doubt) => {
            tracing::warn!(%doubt, "own clock in doubt: nothing is read")
        }
        PlannerEvent::Trusted => tracing::info!("the own clock is trusted again"),
        event => tracing::info!(?event, "collection"),
    }
}

/// Tells the planner which meters are there, and remembers their SAPs.
fn meet(
    exchange: &Exchange,
    planner: &mut Planner,
    known: &mut BTreeMap<LogicalDeviceName, (u16, Option<u16>)>,
    now_s: i64,
) {
    let nodes = exchange.nodes();
    let nodes = nodes.lock().unwrap_or_else(PoisonError::into_inner);
    let mut present = BTreeSet::new();
    for (_, node) in nodes.iter().filter(|(_, node)| node.present) {
        // A meter with an endpoint of its own shares no medium.
        let medium = matches!(node.place, Place::Physical(_)).then_some(node.medium);
        present.insert(node.name.clone());
        if known.get(&node.name) != Some(&(node.sap, medium)) {
            known.insert(node.name.clone(), (node.sap, medium));
            planner.add_meter(now_s, node.name.clone(), medium);
        }
    }
    known.retain(|name, _| {
        let stays = present.contains(name);
        if !stays {
            planner.remove_meter(name);
        }
        stays
    });
}

/// When a file was written last, in seconds since 1970.
fn touched(file: &PathBuf) -> Option<i64> {
    let at = std::fs::metadata(file).and_then(|file| file.modified()).ok()?;
    let since = at.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

/// Milliseconds since 1970.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
