//! Counters, the audit chain, events and the outbox.

use dlms_core::security::SystemTitle;
use store::{
    Store, StoreError,
    audit::{Deed, Verdict},
    counters::{CounterError, HINT_MAX, KeyFingerprint, Word},
    events::{NewEvent, Severity},
    outbox::NewMessage,
};

use crate::{Scratch, meters, minute};

const TITLE: SystemTitle = SystemTitle(*b"DHE\0\0\0\0\x01");

fn key() -> KeyFingerprint {
    KeyFingerprint::of(&[7; 16])
}

#[tokio::test]
async fn no_counter_is_handed_out_twice_whoever_asks_and_whenever() {
    let mut scratch = Scratch::new();
    let mut given = Vec::new();
    for _ in 0..3 {
        let asking = (0..50).map(|count| {
            let store = scratch.store().clone();
            tokio::spawn(async move { store.reserve_counters(TITLE, key(), 1 + count % 3).await })
        });
        for asked in asking.collect::<Vec<_>>() {
            given.extend(asked.await.unwrap().unwrap().range);
        }
        scratch.reopen();
    }
    let many = given.len();
    given.sort_unstable();
    given.dedup();
    assert_eq!(given.len(), many);
}

#[tokio::test]
async fn each_key_and_each_title_has_counters_of_its_own() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let other = KeyFingerprint::of(&[8; 16]);
    let neighbour = SystemTitle(*b"DHE\0\0\0\0\x02");
    for (title, key) in [(TITLE, key()), (TITLE, other), (neighbour, key())] {
        assert_eq!(store.reserve_counters(title, key, 10).await.unwrap().range, 1..11);
    }
}

#[tokio::test]
async fn a_counter_never_goes_down_and_up_only_a_little_on_nobodys_word() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let next = async || store.reserve_counters(TITLE, key(), 1).await.unwrap().range.start;
    store.advance_counter(TITLE, key(), 5_000, Word::Hint).await.unwrap();
    assert_eq!(next().await, 5_000);
    store.advance_counter(TITLE, key(), 17, Word::Proven).await.unwrap();
    assert_eq!(next().await, 5_001);
    let far = store.advance_counter(TITLE, key(), 5_003 + HINT_MAX, Word::Hint).await;
    assert!(matches!(far, Err(StoreError::Counter(CounterError::TooFar { .. }))), "{far:?}");
    assert_eq!(next().await, 5_002);
    store.advance_counter(TITLE, key(), 2_000_000_000, Word::Proven).await.unwrap();
    assert_eq!(next().await, 2_000_000_000);
}

#[tokio::test]
async fn a_key_that_is_half_used_says_so_and_one_that_is_used_up_gives_none() {
    let scratch = Scratch::new();
    let store = scratch.store();
    assert!(!store.reserve_counters(TITLE, key(), 9).await.unwrap().replace_key);
    store.advance_counter(TITLE, key(), (1 << 31) - 4, Word::Proven).await.unwrap();
    assert!(store.reserve_counters(TITLE, key(), 9).await.unwrap().replace_key);
    store.advance_counter(TITLE, key(), u32::MAX - 3, Word::Proven).await.unwrap();
    let last = store.reserve_counters(TITLE, key(), 64).await.unwrap();
    assert_eq!(last.range, u32::MAX - 3..u32::MAX);
    let none = store.reserve_counters(TITLE, key(), 1).await;
    assert!(matches!(none, Err(StoreError::Counter(CounterError::Exhausted))), "{none:?}");
}

#[tokio::test]
async fn a_counter_that_was_received_is_not_accepted_again_after_a_restart_either() {
    let mut scratch = Scratch::new();
    scratch.store().accept_counter(TITLE, key(), 10).await.unwrap();
    scratch.reopen();
    let store = scratch.store();
    for old in [10, 9] {
        let replayed = store.accept_counter(TITLE, key(), old).await;
        let expected = CounterError::Replayed { received: old, last: 10 };
        assert!(
            matches!(replayed, Err(StoreError::Counter(error)) if error == expected),
            "{replayed:?}"
        );
    }
    store.accept_counter(TITLE, key(), 11).await.unwrap();
    assert_eq!(store.received_counter(TITLE, key()).await.unwrap(), Some(11));
}

fn deed(number: u32) -> Deed {
    Deed {
        who: "operator".into(),
        action: "meter.disconnect".into(),
        subject: format!("ABC{number}"),
        detail: "{\"why\":\"unpaid\"}".into(),
    }
}

#[tokio::test]
async fn an_account_that_somebody_changed_is_broken_where_he_did() {
    let mut scratch = Scratch::new();
    for number in 0..5 {
        scratch.store().record(deed(number), minute(number.into())).await.unwrap();
    }
    let whole = scratch.store().verify_deeds().await.unwrap();
    let last = scratch.store().deeds(1).await.unwrap().remove(0);
    assert_eq!(whole, Verdict::Whole { entries: 5, hash: last.hash });

    let changes = [
        ("UPDATE audit SET subject = 'XYZ' WHERE sequence = 3", 3),
        ("UPDATE audit SET at = at + 1 WHERE sequence = 2", 2),
        ("DELETE FROM audit WHERE sequence = 1", 1),
    ];
    for (change, broken) in changes {
        let path = scratch.close().join("headend.db");
        let file = rusqlite::Connection::open(path).unwrap();
        file.execute(change, []).unwrap();
        drop(file);
        scratch.store = Some(Store::open(&scratch.folder).unwrap());
        let verdict = scratch.store().verify_deeds().await.unwrap();
        assert_eq!(verdict, Verdict::BrokenAt(broken), "{change}");
    }
}

#[tokio::test]
async fn an_account_whose_end_was_cut_off_has_another_last_hash() {
    let mut scratch = Scratch::new();
    for number in 0..3 {
        scratch.store().record(deed(number), minute(0)).await.unwrap();
    }
    let noted = scratch.store().deeds(1).await.unwrap().remove(0).hash;
    let path = scratch.close().join("headend.db");
    let file = rusqlite::Connection::open(path).unwrap();
    file.execute("DELETE FROM audit WHERE sequence = 3", []).unwrap();
    drop(file);
    scratch.store = Some(Store::open(&scratch.folder).unwrap());
    let verdict = scratch.store().verify_deeds().await.unwrap();
    assert!(matches!(verdict, Verdict::Whole { entries: 2, hash } if hash != noted));
}

#[tokio::test]
async fn an_event_that_is_read_again_is_there_once_and_seen_to_once() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let [meter] = meters(store).await;
    let event = |meter, code, severity| NewEvent {
        at: minute(3),
        meter,
        source: "0-0:99.98.0".into(),
        code,
        severity,
        detail: String::new(),
    };
    let events = vec![
        event(Some(meter), 1, Severity::Warning),
        event(None, 2, Severity::Alarm),
        event(Some(meter), 3, Severity::Notice),
    ];
    assert_eq!(store.add_events(events.clone(), minute(4)).await.unwrap(), 3);
    assert_eq!(store.add_events(events, minute(5)).await.unwrap(), 0);

    let open = store.open_events(Severity::Warning, 9).await.unwrap();
    assert_eq!(open.iter().map(|event| event.event.code).collect::<Vec<_>>(), [2, 1]);
    assert!(store.acknowledge_event(open[0].id, "operator", minute(6)).await.unwrap());
    assert!(!store.acknowledge_event(open[0].id, "other", minute(7)).await.unwrap());
    assert_eq!(store.open_events(Severity::Warning, 9).await.unwrap().len(), 1);
    assert_eq!(store.events_of(meter, 9).await.unwrap().len(), 2);
}

fn message(number: u32) -> NewMessage {
    NewMessage { kind: "reading".into(), key: number.to_string(), body: "{}".into() }
}

#[tokio::test]
async fn a_message_stays_until_every_sink_has_it() {
    let scratch = Scratch::new();
    let store = scratch.store();
    store.post((0..4).map(message).collect(), minute(0)).await.unwrap();
    let first = store.to_send("mqtt", 2).await.unwrap();
    assert_eq!(first.iter().map(|message| message.sequence).collect::<Vec<_>>(), [1, 2]);
    // Told, but nobody said so: told again.
    assert_eq!(store.to_send("mqtt", 2).await.unwrap(), first);
    store.sent("mqtt", 2).await.unwrap();
    store.sent("webhook", 4).await.unwrap();
    assert_eq!(store.clear_outbox(minute(0)).await.unwrap(), 0);
    assert_eq!(store.to_send("mqtt", 9).await.unwrap()[0].sequence, 3);
    assert_eq!(store.to_send("webhook", 9).await.unwrap(), []);
    // Numbers are not given again.
    store.forget_sink("mqtt").await.unwrap();
    store.clear_outbox(minute(0)).await.unwrap();
    store.post(vec![message(9)], minute(1)).await.unwrap();
    assert_eq!(store.to_send("webhook", 9).await.unwrap()[0].sequence, 5);
}

#[tokio::test]
async fn what_is_too_old_goes_and_is_counted() {
    let scratch = Scratch::new();
    let store = scratch.store();
    store.post(vec![message(0)], minute(0)).await.unwrap();
    store.post(vec![message(1)], minute(10)).await.unwrap();
    assert_eq!(store.clear_outbox(minute(10)).await.unwrap(), 1);
    assert_eq!(store.to_send("mqtt", 9).await.unwrap().len(), 1);
}
