//! RLRQ and RLRE (IEC 62056-5-3 clause 6.3).

use super::*;

#[test]
fn a_client_without_rlrq_is_released_at_once() {
    let mut bench = Bench::associated(ClientConfig { release: false, ..ClientConfig::default() });
    bench.client.release().unwrap();
    assert!(bench.silent());
    assert_eq!(bench.event(), Some(Event::Released));
    assert_eq!(bench.client.release(), Err(Misuse::State));
}

#[test]
fn a_missing_rlre_does_not_keep_the_association_open() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.client.release().unwrap();
    assert_eq!(hex(&bench.sent()), "6203800100");
    assert!(bench.client.is_waiting());
    bench.pass_to_timeout();
    assert_eq!(bench.event(), Some(Event::Released));
    // It was not asked for twice.
    assert!(bench.silent());
    assert_eq!(bench.now, Instant::from_nanos(10_000_000_000));
    assert_eq!(bench.client.poll_timeout(), None);
}

#[test]
fn whatever_the_meter_says_to_an_rlrq_ends_the_association() {
    // Not finished; no reason; an exception; a service error; broken.
    for answer in ["6303800101", "6300", "d80101", "0e010601", "63"] {
        let mut bench = Bench::associated(ClientConfig::default());
        bench.client.release().unwrap();
        bench.sent();
        bench.answer(answer);
        assert_eq!(bench.event(), Some(Event::Released), "{answer}");
        assert!(!bench.client.is_waiting());
    }
}

#[test]
fn a_late_answer_is_no_rlre() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(get(VOLTAGE));
    bench.client.release().unwrap();
    bench.sent();
    bench.answer("c401c1 00 1208fd");
    assert!(bench.dropped(1));
    assert!(bench.client.is_waiting());
    bench.answer("6303800100");
    assert_eq!(bench.event(), Some(Event::Released));
}

#[test]
fn a_request_that_was_not_sent_yet_is_not_sent_by_a_release() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.client.request(disconnect()).unwrap();
    bench.client.release().unwrap();
    assert_eq!(hex(&bench.sent()), "6203800100");
    assert!(bench.silent());
}

#[test]
fn without_a_counter_to_prove_it_the_release_is_silent() {
    let mut bench = ciphered_and_associated();
    for _ in 0..63 {
        bench.request(get(VOLTAGE));
        bench.cancel();
    }
    assert_eq!(bench.client.counters_left(), 0);
    bench.client.release().unwrap();
    assert!(bench.silent());
    assert_eq!(bench.event(), Some(Event::Released));
}
