//! What is to be done at meters: jobs that outlive the process, each done by one worker at a time.
//!
//! ```text
//!            approve              due              claim
//!     Held ──────────► Waiting ─────────► Due ──────────────► Running
//!       │                 ▲ │              ▲ │   lease ended      │ settle
//!       │                 │ │              └─┼────────────────────┤
//!       │                 └─┼──── retry ─────┼────────────────────┤
//!       │ cancel, expire    │                │                    │
//!       └───────────────────┴─────► Ended ◄──┘          Done, Failed
//! ```
//!
//! Who claims a job has the meter for the length of a *lease*: nobody else gets a job at that
//! meter. With the lease comes a *fence*, a number that goes up with each. Whatever the worker
//! writes about the job names the fence; a worker that was away for so long that another has the
//! meter by then writes nothing.
//!
//! A job that is claimed again finds what the worker before noted ([`Claim::progress`]), so that it
//! can find out at the meter how far an order got, instead of giving it twice. What a job brings,
//! [`Brought`], is stored in the transaction that says it is done.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{
    audit,
    error::StoreError,
    events::{self, NewEvent},
    file::Store,
    metering::{MeterId, is_constraint, moment, unknown_meter},
    outbox::{self, NewMessage},
    readings::{Arrived, Stored, stored},
};

/// A job in this store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub i64);

/// What several meters share: a concentrator, a serial line, a radio cell. The owner of the jobs
/// gives the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Medium(pub i64);

/// Where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// Its time has not come, or it is to be tried again later.
    Waiting = 0,
    /// It may be done.
    Due = 1,
    /// A worker has it.
    Running = 2,
    /// It is done.
    Done = 3,
    /// It cannot be done.
    Failed = 4,
    /// It was not done in time, or somebody did not want it any more.
    Ended = 5,
    /// Somebody must agree to it first.
    Held = 6,
}

impl State {
    fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Waiting,
            1 => Self::Due,
            2 => Self::Running,
            3 => Self::Done,
            4 => Self::Failed,
            6 => Self::Held,
            _ => Self::Ended,
        }
    }

    /// Whether nothing more will become of it.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Ended)
    }
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// The same for the same wish: a job of this key is added once, however often it is asked for.
    pub idempotency_key: String,
    /// At which meter.
    pub meter: MeterId,
    /// What it shares the way with.
    pub medium: Option<Medium>,
    /// What kind of job: `profile`, `disconnect`.
    pub kind: String,
    /// The rest, as JSON; a schema of the head-end. Never a secret.
    pub payload: String,
    /// The higher, the earlier.
    pub priority: u8,
    /// Not before this moment.
    pub not_before: Timestamp,
    /// And not after this one.
    pub expires: Timestamp,
    /// Whether somebody must agree first.
    pub held: bool,
}

/// A job in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// What is to be done.
    pub job: NewJob,
    /// Where it is.
    pub state: State,
    /// How often it was begun.
    pub attempt: u32,
    /// What the last worker noted, as JSON.
    pub progress: Option<String>,
    /// What became of it, as JSON.
    pub outcome: Option<String>,
    /// When it was added.
    pub created: Timestamp,
    /// When something last became of it.
    pub changed: Timestamp,
}

/// A worker's right to a job and its meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The job.
    pub id: JobId,
    /// Named with everything that is written about it.
    pub fence: i64,
    /// Until when.
    pub until: Timestamp,
    /// What is to be done.
    pub job: NewJob,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// What the worker before noted, as JSON.
    pub progress: Option<String>,
}

/// Who asks for work.
#[derive(Clone, Debug)]
pub struct Claimer {
    /// Its name, for people.
    pub worker: String,
    /// How long it has the meters. It may ask for longer before this is over.
    pub lease: Duration,
    /// How many jobs, at most.
    pub count: usize,
    /// How many jobs a medium has room for; one that is not named has room for any number.
    pub room: BTreeMap<Medium, usize>,
}

/// How a claim ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It is done; what became of it, as JSON.
    Done(String),
    /// It is to be tried again from this moment on; why, as JSON.
    Retry(Timestamp, String),
    /// It cannot be done; why, as JSON.
    Failed(String),
}

/// What a job brought, stored with its settlement.
#[derive(Clone, Debug, Default)]
pub struct Brought {
    /// Values of load profiles.
    pub readings: Vec<Arrived>,
    /// Events of the meter.
    pub events: Vec<NewEvent>,
    /// What others are to be told.
    pub messages: Vec<NewMessage>,
    /// What is to be on the account.
    pub deeds: Vec<audit::Deed>,
}

impl Store {
    /// Adds jobs; those whose key is there already are not added again. Gives back the number of
    /// each and whether it is new.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] for a meter that is not there; then none is added.
    pub async fn add_jobs(
        &self,
        jobs: Vec<NewJob>,
        now: Timestamp,
    ) -> Result<Vec<(JobId, bool)>, StoreError> {
        self.write(move |file| jobs.iter().map(|job| add(file, job, now)).collect()).await
    }

    /// Gives out jobs that are due, at most one for a meter: the highest priority first, then the
    /// one that waits longest. A job whose worker's lease has ended is due again.
    ///
    /// # Errors
    /// If the file cannot be written. Then none is given out.
    pub async fn claim_jobs(
        &self,
        claimer: Claimer,
        now: Timestamp,
    ) -> Result<Vec<Claim>, StoreError> {
        self.write(move |file| claim(file, claimer, now)).await
    }

    /// Prolongs leases. Gives back those that are lost: their workers must stop.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn renew_claims(
        &self,
        claims: Vec<(JobId, i64)>,
        until: Timestamp,
    ) -> Result<Vec<JobId>, StoreError> {
        self.write(move |file| {
            let mut lost = Vec::new();
            for (id, fence) in claims {
                let until = until.as_millisecond();
                let meter = file
                    .prepare_cached(
                        "UPDATE job SET due = ? WHERE id = ? AND fence = ? AND state = 2 \
                         RETURNING meter",
                    )?
                    .query_row(params![until, id.0, fence], |row| row.get::<_, i64>(0))
                    .optional()?;
                match meter {
                    None => lost.push(id),
                    Some(meter) => set_lease(file, meter, fence, until)?,
                }
            }
            Ok(lost)
        })
        .await
    }

    /// Notes how far a job got, before the step that cannot be taken back.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if the worker has it no longer: the step must not be taken.
    pub async fn note_progress(
        &self,
        id: JobId,
        fence: i64,
        progress: String,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |file| {
            let changed = file
                .prepare_cached(
                    "UPDATE job SET progress_json = ?, changed = ? \
                     WHERE id = ? AND fence = ? AND state = 2 AND due > ?2",
                )?
                .execute(params![progress, now.as_millisecond(), id.0, fence])?;
            if changed == 1 { Ok(()) } else { Err(StoreError::Fenced(id.0)) }
        })
        .await
    }

    /// Ends a claim, and stores what the job brought: both, or neither.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if the worker has it no longer; then nothing is stored.
    pub async fn settle_job(
        &self,
        id: JobId,
        fence: i64,
        settlement: Settlement,
        brought: Brought,
        now: Timestamp,
    ) -> Result<Stored, StoreError> {
        self.write(move |file| settle(file, id, fence, &settlement, brought, now)).await
    }

    /// Somebody agrees to a job that was held. False if it is not held.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn approve_job(
        &self,
        id: JobId,
        deed: audit::Deed,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(move |file| {
            let changed = file
                .prepare_cached("UPDATE job SET state = 0, changed = ? WHERE id = ? AND state = 6")?
                .execute(params![now.as_millisecond(), id.0])?;
            if changed == 1 {
                audit::record(file, deed, now)?;
            }
            Ok(changed == 1)
        })
        .await
    }

    /// Ends a job that is not over. A worker that has it is not told, but can write nothing more.
    /// False if it was over.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn cancel_job(
        &self,
        id: JobId,
        outcome: String,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(move |file| {
            let changed = file
                .prepare_cached(
                    "UPDATE job SET state = 5, outcome_json = ?, changed = ? \
                     WHERE id = ? AND state IN (0, 1, 2, 6)",
                )?
                .execute(params![outcome, now.as_millisecond(), id.0])?;
            Ok(changed == 1)
        })
        .await
    }

    /// Ends the jobs whose time is over and that nobody is at; gives them back.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn expire_jobs(
        &self,
        outcome: String,
        now: Timestamp,
    ) -> Result<Vec<JobId>, StoreError> {
        self.write(move |file| {
            let mut statement = file.prepare_cached(
                "UPDATE job SET state = 5, outcome_json = ?, changed = ?2 \
                 WHERE state IN (0, 1, 6) AND expires <= ?2 RETURNING id",
            )?;
            let ended = statement
                .query_map(params![outcome, now.as_millisecond()], |row| Ok(JobId(row.get(0)?)))?;
            Ok(ended.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// When something becomes due or a lease ends: the next moment at which to look again.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|file| {
            let next: Option<i64> = file
                .prepare_cached("SELECT min(due) FROM job WHERE state IN (0, 2)")?
                .query_row([], |row| row.get(0))?;
            Ok(next.map(moment))
        })
        .await
    }

    /// A job.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        self.read(move |file| {
            Ok(file
                .prepare_cached(&format!("{SELECT} WHERE id = ?"))?
                .query_row([id.0], job)
                .optional()?)
        })
        .await
    }

    /// The newest jobs, of a meter or of all, in these states or in any; at most `count`.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn jobs(
        &self,
        meter: Option<MeterId>,
        states: &[State],
        count: u32,
    ) -> Result<Vec<Job>, StoreError> {
        let wanted: Vec<u8> = states.iter().map(|state| *state as u8).collect();
        self.read(move |file| {
            let mut statement = file.prepare_cached(&format!(
                "{SELECT} WHERE (?1 IS NULL OR meter = ?1) \
                 AND (length(?2) = 0 OR instr(?2, char(48 + state)) > 0) \
                 ORDER BY id DESC LIMIT ?3"
            ))?;
            let wanted: String = wanted.iter().map(|code| char::from(b'0' + code)).collect();
            let found =
                statement.query_map(params![meter.map(|meter| meter.0), wanted, count], job)?;
            Ok(found.collect::<Result<_, _>>()?)
        })
        .await
    }
}

const SELECT: &str = "SELECT id, idempotency_key, meter, medium, kind, payload_json, priority, \
     due, expires, state, attempt, progress_json, outcome_json, created, changed FROM job";

/// What is to be done, from the columns of [`SELECT`].
fn new_job(row: &Row<'_>) -> rusqlite::Result<NewJob> {
    let state = State::from_code(row.get(9)?);
    Ok(NewJob {
        idempotency_key: row.get(1)?,
        meter: MeterId(row.get(2)?),
        medium: row.get::<_, Option<i64>>(3)?.map(Medium),
        kind: row.get(4)?,
        payload: row.get(5)?,
        priority: row.get(6)?,
        not_before: moment(row.get(7)?),
        expires: moment(row.get(8)?),
        held: state == State::Held,
    })
}

fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    Ok(Job {
        id: JobId(row.get(0)?),
        job: new_job(row)?,
        state: State::from_code(row.get(9)?),
        attempt: row.get(10)?,
        progress: row.get(11)?,
        outcome: row.get(12)?,
        created: moment(row.get(13)?),
        changed: moment(row.get(14)?),
    })
}

fn add(file: &Connection, job: &NewJob, now: Timestamp) -> Result<(JobId, bool), StoreError> {
    let there = file
        .prepare_cached("SELECT id FROM job WHERE idempotency_key = ?")?
        .query_row([&job.idempotency_key], |row| row.get(0))
        .optional()?;
    if let Some(id) = there {
        return Ok((JobId(id), false));
    }
    let state = if job.held { State::Held } else { State::Waiting };
    let id = file
        .prepare_cached(
            "INSERT INTO job (idempotency_key, meter, medium, kind, payload_json, priority, \
             state, due, expires, created, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?10) \
             RETURNING id",
        )?
        .query_row(
            params![
                job.idempotency_key,
                job.meter.0,
                job.medium.map(|medium| medium.0),
                job.kind,
                job.payload,
                job.priority,
                state as u8,
                job.not_before.as_millisecond(),
                job.expires.as_millisecond(),
                now.as_millisecond(),
            ],
            |row| row.get(0),
        )
        .map_err(|error| match is_constraint(&error) {
            true => unknown_meter(job.meter),
            false => error.into(),
        })?;
    Ok((JobId(id), true))
}

fn claim(file: &Connection, claimer: Claimer, now: Timestamp) -> Result<Vec<Claim>, StoreError> {
    let Claimer { worker, lease, count, mut room } = claimer;
    let at = now.as_millisecond();
    // Those whose time has come, and those whose worker is gone.
    file.prepare_cached("UPDATE job SET state = 1 WHERE state IN (0, 2) AND due <= ?")?
        .execute([at])?;
    let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
    let mut claims = Vec::new();
    let mut meters = BTreeSet::new();
    let mut statement = file.prepare_cached(&format!(
        "{SELECT} LEFT JOIN lease USING (meter) WHERE state = 1 AND expires > ?1 \
         AND coalesce(lease.until, 0) <= ?1 ORDER BY priority DESC, due, id"
    ))?;
    let mut rows = statement.query([at])?;
    while claims.len() < count
        && let Some(row) = rows.next()?
    {
        let job = new_job(row)?;
        let full = |room: &mut BTreeMap<Medium, usize>| {
            let left = job.medium.and_then(|medium| room.get_mut(&medium));
            left.is_some_and(|left| left.checked_sub(1).map(|less| *left = less).is_none())
        };
        if meters.contains(&job.meter) || full(&mut room) {
            continue;
        }
        meters.insert(job.meter);
        let (id, attempt) = (JobId(row.get(0)?), row.get::<_, u32>(10)? + 1);
        let progress = row.get(11)?;
        claims.push(Claim { id, fence: 0, until, job, attempt, progress });
    }
    drop(rows);
    for claim in &mut claims {
        claim.fence = file
            .prepare_cached(
                "INSERT INTO lease (meter, until, fence, worker) VALUES (?, ?, 1, ?) \
                 ON CONFLICT DO UPDATE SET until = excluded.until, fence = fence + 1, \
                 worker = excluded.worker RETURNING fence",
            )?
            .query_row(params![claim.job.meter.0, until.as_millisecond(), worker], |row| {
                row.get(0)
            })?;
        file.prepare_cached(
            "UPDATE job SET state = 2, due = ?, fence = ?, attempt = ?, changed = ? WHERE id = ?",
        )?
        .execute(params![
            until.as_millisecond(),
            claim.fence,
            claim.attempt,
            at,
            claim.id.0
        ])?;
    }
    Ok(claims)
}

fn settle(
    file: &Connection,
    id: JobId,
    fence: i64,
    settlement: &Settlement,
    brought: Brought,
    now: Timestamp,
) -> Result<Stored, StoreError> {
    let (state, due, outcome) = match settlement {
        Settlement::Done(outcome) => (State::Done, None, outcome),
        Settlement::Retry(due, cause) => (State::Waiting, Some(due.as_millisecond()), cause),
        Settlement::Failed(cause) => (State::Failed, None, cause),
    };
    // The lease is what counts, not whether somebody else has claimed the job since: another
    // worker may have claimed another job at the meter.
    let meter = file
        .prepare_cached(
            "UPDATE job SET state = ?, due = coalesce(?, due), outcome_json = ?, changed = ? \
             WHERE id = ? AND fence = ? AND state = 2 \
             AND EXISTS (SELECT 1 FROM lease WHERE lease.meter = job.meter AND lease.fence = ?6) \
             RETURNING meter",
        )?
        .query_row(params![state as u8, due, outcome, now.as_millisecond(), id.0, fence], |row| {
            row.get::<_, i64>(0)
        })
        .optional()?
        .ok_or(StoreError::Fenced(id.0))?;
    set_lease(file, meter, fence, 0)?;
    let stored = stored::put_all(file, &brought.readings, now)?;
    events::add(file, &brought.events, now)?;
    outbox::post(file, &brought.messages, now)?;
    for deed in brought.deeds {
        audit::record(file, deed, now)?;
    }
    Ok(stored)
}

/// Sets the end of a lease, if it is still the one of this fence.
fn set_lease(file: &Connection, meter: i64, fence: i64, until: i64) -> rusqlite::Result<()> {
    file.prepare_cached("UPDATE lease SET until = ? WHERE meter = ? AND fence = ?")?
        .execute(params![until, meter, fence])?;
    Ok(())
}
