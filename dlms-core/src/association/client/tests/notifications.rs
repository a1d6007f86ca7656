//! What a meter sends unasked.

use super::*;

/// A DataNotification: invoke-id 1, no time, a number.
const PUSH: &str = "0f00000001 00 0600000001";
/// An EventNotification: no time, the voltage.
const EVENT: &str = "c200 00030100200700ff02 1208fd";

#[test]
fn a_notification_in_between_disturbs_nothing() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(get(VOLTAGE));
    let notification = "0f00000001 00 0600000001";
    bench.answer(notification);
    assert_eq!(bench.event(), Some(Event::Notification(octets(notification))));
    bench.answer("c401c1 00 120002");
    let value = octets("120002");
    assert_eq!(bench.event(), Some(Event::Response(ANY, Response::Get(Ok(value)))));
}

#[test]
fn a_notification_is_handed_on_at_any_time() {
    let mut bench = Bench::associating(ClientConfig::default());
    for associated in [false, true] {
        assert_eq!(bench.client.is_associated(), associated);
        for notification in [PUSH, EVENT] {
            bench.answer(notification);
            assert_eq!(bench.event(), Some(Event::Notification(octets(notification))));
        }
        bench.answer(ACCEPTED);
        bench.event();
    }
    bench.client.release().unwrap();
    bench.sent();
    bench.answer(PUSH);
    assert_eq!(bench.event(), Some(Event::Notification(octets(PUSH))));
    bench.answer("6303800100");
    assert_eq!(bench.event(), Some(Event::Released));
}

#[test]
fn an_odd_notification_disturbs_nothing() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(get(VOLTAGE));
    for (before, odd) in (0..).zip(["0f", "0f00000001", "0f00000001 05 00", "c2", "c200ff"]) {
        bench.answer(odd);
        assert!(bench.dropped(before + 1), "{odd}");
    }
    bench.answer("c401c1 00 1208fd");
    assert_eq!(bench.response(), Response::Get(Ok(octets("1208fd"))));
}

#[test]
fn in_a_ciphered_association_a_notification_in_clear_is_nobodys_word() {
    let mut bench = ciphered_and_associated();
    bench.request(get(VOLTAGE));
    for (before, plain) in (0..).zip([PUSH, EVENT]) {
        bench.answer(plain);
        assert!(bench.dropped(before + 1));
    }
    // Protected, it is the meter's.
    bench.answer_octets(&from_meter(0xdb, 8, BOTH, PUSH));
    assert_eq!(bench.event(), Some(Event::Notification(octets(PUSH))));
    bench.answer_octets(&from_meter(0xca, 9, BOTH, EVENT));
    assert_eq!(bench.event(), Some(Event::Notification(octets(EVENT))));
    // Less than agreed is an error, also for a notification, and nothing of it is used.
    bench.answer_octets(&from_meter(0xdb, 10, Protection::ENCRYPTED, PUSH));
    assert!(matches!(bench.failure(), Failure::Security(SecurityError::Protection { .. })));
}

#[test]
fn notifications_that_nobody_fetches_are_limited_and_counted() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(get(VOLTAGE));
    for _ in 0..EVENTS_MAX + 7 {
        bench.answer(PUSH);
    }
    assert_eq!(bench.client.discarded(), 7);
    // The answer finds room all the same.
    bench.answer("c401c1 00 1208fd");
    for _ in 0..EVENTS_MAX {
        assert_eq!(bench.event(), Some(Event::Notification(octets(PUSH))));
    }
    assert_eq!(bench.response(), Response::Get(Ok(octets("1208fd"))));
    assert_eq!(bench.event(), None);
}
