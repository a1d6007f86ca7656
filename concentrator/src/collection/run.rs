//! The collection at work: planner, reader and ring over the exchange.

use core::time::Duration;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::{
    task::{JoinError, JoinSet},
    time::{MissedTickBehavior, interval},
};

use super::{
    Cause, JobId, Outcome, OwnClock, Planner, PlannerEvent, ReaderConfig, Report, Ring, read,
};
use crate::{
    exchange::Exchange,
    nodes::{LogicalDeviceName, Place},
};

/// How often it is looked whether something is due. Calendars are in minutes.
const TICK: Duration = Duration::from_secs(1);

/// Reads meters until it is dropped. `synchronized_file` is touched by whoever sets the clock of
/// the system.
pub async fn run(
    exchange: Exchange,
    ring: Arc<Ring>,
    mut planner: Planner,
    reader: ReaderConfig,
    synchronized_file: PathBuf,
) {
    match ring.progress() {
        Ok(progress) => {
            for (task, meter, slot) in progress {
                planner.restore(&task, meter, slot);
            }
        }
        // What was done is then done again, and brings nothing twice.
        Err(error) => tracing::warn!(%error, "what was read before is not known"),
    }
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut jobs: JoinSet<(JobId, Report)> = JoinSet::new();
    let mut known = BTreeMap::new();
    let mut ids = BTreeMap::new();
    let reader = Arc::new(reader);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            Some(ended) = jobs.join_next_with_id() => {
                let (id, outcome) = outcome(ended, &mut ids);
                if let Some(id) = id {
                    planner.handle_outcome(now_ms().div_euclid(1_000), id, outcome);
                }
            }
        }
        let now_s = now_ms().div_euclid(1_000);
        meet(&exchange, &mut planner, &mut known, now_s);
        let mut clock = OwnClock::default();
        if let Some(at_s) = touched(&synchronized_file) {
            clock.handle_comparison(at_s, 0);
        }
        while let Some(job) = planner.poll_job(now_s, &clock) {
            let Some(&(sap, _)) = known.get(&job.meter) else {
                planner.handle_outcome(now_s, job.id, Outcome::Failed(Cause::Gone));
                continue;
            };
            let (stream, ring, reader) =
                (exchange.connect(), Arc::clone(&ring), Arc::clone(&reader));
            let id = job.id;
            let task = jobs.spawn(async move {
                (job.id, read(stream, sap, &job, &reader, &ring, &now_ms).await)
            });
            ids.insert(task.id(), id);
        }
        while let Some(event) = planner.poll_event() {
            note(&ring, event);
        }
    }
}

/// How a job ended; one that panicked is as one whose meter made no sense.
fn outcome(
    ended: Result<(tokio::task::Id, (JobId, Report)), JoinError>,
    ids: &mut BTreeMap<tokio::task::Id, JobId>,
) -> (Option<JobId>, Outcome) {
    match ended {
        Ok((task, (id, report))) => {
            ids.remove(&task);
            (Some(id), report.outcome)
        }
        Err(error) => {
            tracing::error!(%error, "a job has panicked");
            (ids.remove(&error.id()), Outcome::Failed(Cause::Malformed))
        }
    }
}

/// Takes note of what should be stored or told.
fn note(ring: &Ring, event: PlannerEvent) {
    match event {
        PlannerEvent::Settled { task, meter, slot, outcome } => {
            if let Outcome::Failed(cause) = outcome {
                tracing::warn!(%meter, %task, ?cause, "not read");
            }
            // When it is lost, the task is done again, and brings nothing twice.
            let _ = ring.settled(&task, meter, slot);
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
