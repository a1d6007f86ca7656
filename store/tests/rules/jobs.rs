//! Jobs, leases and fences.

use core::time::Duration;
use std::collections::BTreeMap;

use dlms_core::cosem::{ClassId, LogicalName};
use store::{
    Store, StoreError,
    audit::Deed,
    jobs::{Brought, Claim, Claimer, JobId, Medium, NewJob, Settlement, State},
    metering::MeterId,
    outbox::NewMessage,
    readings::{Arrived, ChannelKey, Quality, Step},
};

use crate::{Scratch, meters, minute};

fn job(meter: MeterId, key: &str) -> NewJob {
    NewJob {
        idempotency_key: key.into(),
        meter,
        medium: None,
        kind: "profile".into(),
        payload: "{}".into(),
        priority: 5,
        not_before: minute(0),
        expires: minute(600),
        held: false,
    }
}

fn claimer(count: usize) -> Claimer {
    let lease = Duration::from_secs(300);
    Claimer { worker: "worker".into(), lease, count, room: BTreeMap::new() }
}

async fn claim(store: &Store, at: i64) -> Vec<Claim> {
    store.claim_jobs(claimer(10), minute(at)).await.unwrap()
}

async fn add(store: &Store, jobs: Vec<NewJob>) -> Vec<JobId> {
    let added = store.add_jobs(jobs, minute(0)).await.unwrap();
    added.into_iter().map(|(id, _)| id).collect()
}

async fn done(store: &Store, claim: &Claim, at: i64) {
    let settlement = Settlement::Done("{}".into());
    store
        .settle_job(claim.id, claim.fence, settlement, Brought::default(), minute(at))
        .await
        .unwrap();
}

fn ids(claims: &[Claim]) -> Vec<JobId> {
    claims.iter().map(|claim| claim.id).collect()
}

#[tokio::test]
async fn a_wish_that_is_told_twice_is_one_job() {
    let scratch = Scratch::new();
    let [meter] = meters(scratch.store()).await;
    let store = scratch.store();
    let first = store.add_jobs(vec![job(meter, "a")], minute(0)).await.unwrap();
    let second = store.add_jobs(vec![job(meter, "a")], minute(1)).await.unwrap();
    assert_eq!((first[0].1, second[0].1), (true, false));
    assert_eq!(first[0].0, second[0].0);
}

#[tokio::test]
async fn nobody_else_gets_a_job_at_a_meter_that_somebody_has() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let [one, two] = meters(store).await;
    let jobs = add(store, vec![job(one, "a"), job(one, "b"), job(two, "c")]).await;
    let claims = claim(store, 1).await;
    assert_eq!(ids(&claims), [jobs[0], jobs[2]]);
    assert_eq!(ids(&claim(store, 2).await), []);
    done(store, &claims[0], 3).await;
    assert_eq!(ids(&claim(store, 3).await), [jobs[1]]);
}

#[tokio::test]
async fn the_higher_priority_goes_first_and_then_who_waits_longest() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let meters: [MeterId; 4] = meters(store).await;
    let jobs = add(
        store,
        vec![
            NewJob { not_before: minute(2), ..job(meters[0], "later") },
            job(meters[1], "first"),
            NewJob { priority: 9, not_before: minute(3), ..job(meters[2], "urgent") },
            NewJob { not_before: minute(60), ..job(meters[3], "not yet") },
        ],
    )
    .await;
    assert_eq!(ids(&claim(store, 10).await), [jobs[2], jobs[1], jobs[0]]);
}

#[tokio::test]
async fn a_medium_gets_no_more_jobs_than_it_has_room_for() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let meters: [MeterId; 4] = meters(store).await;
    let jobs = [Some(1), Some(1), Some(2), None];
    let jobs = meters.iter().zip(jobs).map(|(meter, medium)| NewJob {
        medium: medium.map(Medium),
        ..job(*meter, &meter.to_string())
    });
    let jobs = add(store, jobs.collect()).await;
    let room = [(Medium(1), 1), (Medium(2), 0)].into();
    let claims = store.claim_jobs(Claimer { room, ..claimer(10) }, minute(1)).await.unwrap();
    assert_eq!(ids(&claims), [jobs[0], jobs[3]]);
}

#[tokio::test]
async fn a_worker_that_is_gone_loses_its_job_and_the_next_one_finds_its_note() {
    let mut scratch = Scratch::new();
    let [meter] = meters(scratch.store()).await;
    add(scratch.store(), vec![job(meter, "a")]).await;
    let lost = claim(scratch.store(), 0).await.remove(0);
    let note = scratch.store().note_progress(lost.id, lost.fence, "\"sent\"".into(), minute(1));
    note.await.unwrap();
    scratch.reopen();
    let store = scratch.store();
    assert_eq!(ids(&claim(store, 4).await), []);
    let [next] = &claim(store, 5).await[..] else { panic!("the lease is over") };
    assert_eq!((next.attempt, next.progress.as_deref()), (2, Some("\"sent\"")));
    assert!(next.fence > lost.fence);
}

#[tokio::test]
async fn who_comes_too_late_writes_nothing() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let [meter] = meters(store).await;
    add(store, vec![job(meter, "a")]).await;
    let late = claim(store, 0).await.remove(0);
    let next = claim(store, 5).await.remove(0);

    let noted = store.note_progress(late.id, late.fence, "\"sent\"".into(), minute(6)).await;
    assert!(matches!(noted, Err(StoreError::Fenced(_))), "{noted:?}");
    let message = NewMessage { kind: "reading".into(), key: "a".into(), body: "{}".into() };
    let brought = Brought { messages: vec![message], ..Brought::default() };
    let settlement = Settlement::Done("{}".into());
    let settled = store.settle_job(late.id, late.fence, settlement, brought, minute(6)).await;
    assert!(matches!(settled, Err(StoreError::Fenced(_))), "{settled:?}");
    assert_eq!(store.to_send("sink", 9).await.unwrap(), []);
    let lost = store.renew_claims(vec![(late.id, late.fence)], minute(20)).await.unwrap();
    assert_eq!(lost, [late.id]);
    done(store, &next, 7).await;
}

#[tokio::test]
async fn a_step_is_not_taken_when_the_lease_is_over_even_if_nobody_else_came() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let [meter] = meters(store).await;
    add(store, vec![job(meter, "a")]).await;
    let claim = claim(store, 0).await.remove(0);
    let noted = store.note_progress(claim.id, claim.fence, "\"sent\"".into(), minute(5)).await;
    assert!(matches!(noted, Err(StoreError::Fenced(_))), "{noted:?}");
}

#[tokio::test]
async fn a_lease_that_is_prolonged_stays() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let [meter] = meters(store).await;
    add(store, vec![job(meter, "a")]).await;
    let held = claim(store, 0).await.remove(0);
    let lost = store.renew_claims(vec![(held.id, held.fence)], minute(20)).await.unwrap();
    assert_eq!(lost, []);
    assert_eq!(ids(&claim(store, 19).await), []);
    assert_eq!(store.next_due().await.unwrap(), Some(minute(20)));
    assert_eq!(ids(&claim(store, 20).await), [held.id]);
}

#[tokio::test]
async fn what_a_job_brings_is_stored_with_its_end() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let [meter] = meters(store).await;
    add(store, vec![job(meter, "a")]).await;
    let claim = claim(store, 0).await.remove(0);
    let step = Step::from_seconds(900).unwrap();
    let profile = LogicalName([1, 0, 99, 1, 0, 255]);
    let key = ChannelKey {
        meter,
        profile,
        class: ClassId(3),
        logical_name: LogicalName([1, 0, 1, 8, 0, 255]),
        attribute: 2,
        data_index: 0,
        scaler: 0,
        unit: 30,
        step,
    };
    let channel = store.channel(key).await.unwrap();
    let mut readings = Arrived::new(channel, step);
    readings.capture(minute(0).as_second(), 0, 42, 0, Quality::Measured);
    let brought = Brought { readings: vec![readings], ..Brought::default() };
    let settlement = Settlement::Done("{\"rows\":1}".into());
    let stored =
        store.settle_job(claim.id, claim.fence, settlement, brought, minute(1)).await.unwrap();
    assert_eq!(stored.added, 1);
    let job = store.job(claim.id).await.unwrap().unwrap();
    assert_eq!((job.state, job.outcome.as_deref()), (State::Done, Some("{\"rows\":1}")));
}

#[tokio::test]
async fn a_job_that_failed_for_now_comes_back_when_it_is_time() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let [meter] = meters(store).await;
    add(store, vec![job(meter, "a")]).await;
    let first = claim(store, 0).await.remove(0);
    let retry = Settlement::Retry(minute(30), "\"silence\"".into());
    store.settle_job(first.id, first.fence, retry, Brought::default(), minute(1)).await.unwrap();
    assert_eq!(ids(&claim(store, 29).await), []);
    assert_eq!(claim(store, 30).await[0].attempt, 2);
}

#[tokio::test]
async fn a_job_whose_time_is_over_is_ended_and_never_given_out() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let [meter] = meters(store).await;
    let jobs = add(store, vec![NewJob { expires: minute(10), ..job(meter, "a") }]).await;
    assert_eq!(ids(&claim(store, 10).await), []);
    assert_eq!(store.expire_jobs("\"expired\"".into(), minute(10)).await.unwrap(), jobs);
    let states = [State::Ended];
    let ended = store.jobs(Some(meter), &states, 9).await.unwrap();
    assert_eq!(ended[0].outcome.as_deref(), Some("\"expired\""));
    assert_eq!(store.jobs(Some(meter), &[State::Due, State::Waiting], 9).await.unwrap(), []);
}

#[tokio::test]
async fn a_job_that_is_held_waits_for_somebody_to_agree() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let [meter] = meters(store).await;
    let jobs = add(store, vec![NewJob { held: true, ..job(meter, "a") }]).await;
    assert_eq!(ids(&claim(store, 1).await), []);
    let deed = Deed {
        who: "second".into(),
        action: "job.approve".into(),
        subject: "1".into(),
        detail: "{}".into(),
    };
    assert!(store.approve_job(jobs[0], deed.clone(), minute(2)).await.unwrap());
    assert!(!store.approve_job(jobs[0], deed.clone(), minute(2)).await.unwrap());
    assert_eq!(ids(&claim(store, 3).await), jobs);
    assert_eq!(store.deeds(9).await.unwrap()[0].deed, deed);
}

#[tokio::test]
async fn a_job_that_was_cancelled_under_its_worker_stays_cancelled() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let [meter] = meters(store).await;
    add(store, vec![job(meter, "a")]).await;
    let claim = claim(store, 0).await.remove(0);
    assert!(store.cancel_job(claim.id, "\"unwanted\"".into(), minute(1)).await.unwrap());
    let settled = store
        .settle_job(
            claim.id,
            claim.fence,
            Settlement::Done("{}".into()),
            Brought::default(),
            minute(2),
        )
        .await;
    assert!(matches!(settled, Err(StoreError::Fenced(_))), "{settled:?}");
    assert_eq!(store.job(claim.id).await.unwrap().unwrap().state, State::Ended);
}
