//! Several requests in flight.

use super::*;

/// A client with room for three, which asked for a voltage (invoke-id 1), a time (2) and to
/// disconnect (3).
fn three(config: ClientConfig) -> (Bench, [RequestId; 3]) {
    let mut bench = Bench::associated(ClientConfig { in_flight_max: 3, ..config });
    let asked = [get(VOLTAGE), get(CLOCK), disconnect()].map(|request| {
        let id = bench.client.request(request).unwrap();
        bench.sent();
        id
    });
    assert!(bench.silent());
    (bench, asked)
}

#[test]
fn answers_in_whatever_order_are_joined_by_invoke_id() {
    let (mut bench, [voltage, time, disconnected]) = three(ClientConfig::default());
    let outcome = ActionOutcome { result: ActionResult::Success, returned: None };
    bench.answer("c701c3 00 00");
    let event = bench.client.poll_event();
    assert_eq!(event, Some(Event::Response(disconnected, Response::Action(outcome))));
    bench.answer("c401c1 00 1208fd");
    let value = Response::Get(Ok(octets("1208fd")));
    assert_eq!(bench.client.poll_event(), Some(Event::Response(voltage, value)));
    assert!(bench.client.is_waiting());
    bench.answer("c401c2 01 02");
    let refused = Response::Get(Err(DataAccessResult::TemporaryFailure));
    assert_eq!(bench.client.poll_event(), Some(Event::Response(time, refused)));
    assert!(!bench.client.is_waiting());
    // Each was answered once.
    bench.answer("c401c2 00 1200ff");
    assert!(bench.dropped(1));
}

#[test]
fn blocks_of_several_answers_are_joined_by_invoke_id() {
    let (mut bench, [voltage, time, _]) = three(ClientConfig::default());
    bench.answer("c402c1 00 00000001 00 03 090401");
    assert_eq!(hex(&bench.sent()), "c002c100000001");
    bench.answer("c402c2 00 00000001 00 03 090411");
    assert_eq!(hex(&bench.sent()), "c002c200000001");
    bench.answer("c402c2 01 00000002 00 03 121314");
    let value = Response::Get(Ok(octets("090411121314")));
    assert_eq!(bench.client.poll_event(), Some(Event::Response(time, value)));
    bench.answer("c402c1 01 00000002 00 03 020304");
    let value = Response::Get(Ok(octets("090401020304")));
    assert_eq!(bench.client.poll_event(), Some(Event::Response(voltage, value)));
}

#[test]
fn there_is_room_for_so_many_and_no_invoke_id_is_taken_twice() {
    let (mut bench, [voltage, ..]) = three(ClientConfig::default());
    assert!(!bench.client.has_room());
    assert_eq!(bench.client.request(get(VOLTAGE)), Err(Misuse::Busy));
    // The voltage takes its time; fifteen other requests pass by it.
    bench.answer("c401c2 00 00");
    bench.answer("c701c3 00 00");
    while bench.event().is_some() {}
    for at in 4..40 {
        let sent = bench.request(get(CLOCK));
        let id = sent[2] & 0x0f;
        assert_ne!(id, 1, "request {at}");
        bench.answer_octets(&[0xc4, 0x01, sent[2], 0, 0]);
        assert!(matches!(bench.event(), Some(Event::Response(..))), "request {at}");
    }
    bench.answer("c401c1 00 1208fd");
    assert!(matches!(bench.client.poll_event(), Some(Event::Response(id, _)) if id == voltage));
}

#[test]
fn one_that_breaks_the_protocol_does_not_disturb_the_others() {
    let (mut bench, [voltage, time, disconnected]) = three(ClientConfig::default());
    // A SET response to a GET.
    bench.answer("c501c1 00");
    let failed =
        Event::RequestFailed(voltage, Violation::Unexpected("kind of SET response").into());
    assert_eq!(bench.client.poll_event(), Some(failed));
    // Block 2 without block 1.
    bench.answer("c402c2 01 00000002 00 02 1100");
    let violation = Violation::BlockNumber { expected: 1, found: 2 };
    assert_eq!(bench.client.poll_event(), Some(Event::RequestFailed(time, violation.into())));
    bench.answer("c701c3 00 00");
    assert!(
        matches!(bench.client.poll_event(), Some(Event::Response(id, _)) if id == disconnected)
    );
}

#[test]
fn an_exception_is_that_of_the_request_that_stays_without_answer() {
    let (mut bench, [voltage, time, disconnected]) = three(ClientConfig::default());
    bench.answer("d80203");
    assert_eq!(bench.event(), None);
    // Nobody knows yet whose it is, so nothing joins those that it may be of.
    assert_eq!(bench.client.request(get(VOLTAGE)), Err(Misuse::Busy));
    bench.answer("c401c2 00 00");
    bench.answer("c401c1 00 00");
    let ended: Vec<_> = core::iter::from_fn(|| bench.client.poll_event()).collect();
    let [Event::Response(first, _), Event::Response(second, _), failed] = &ended[..] else {
        panic!("{ended:?}");
    };
    assert_eq!([*first, *second], [time, voltage]);
    let exception = ExceptionResponse {
        state: ExceptionState::ServiceUnknown,
        service: ExceptionService::OtherReason,
    };
    let failure = Failure::Exception(exception);
    assert_eq!(*failed, Event::RequestFailed(disconnected, failure));
    assert!(bench.client.has_room());
}

#[test]
fn on_datagrams_an_exception_that_came_twice_is_one() {
    let datagrams = ClientConfig { datagrams: true, retries: 0, ..ClientConfig::default() };
    let (mut bench, [voltage, time, disconnected]) = three(datagrams);
    for _ in 0..3 {
        bench.answer("d80203");
    }
    assert_eq!(bench.event(), None);
    bench.answer("c701c3 00 00");
    bench.answer("c401c1 00 00");
    let ended: Vec<_> = core::iter::from_fn(|| bench.client.poll_event()).collect();
    let [Event::Response(first, _), Event::Response(second, _), failed] = &ended[..] else {
        panic!("{ended:?}");
    };
    assert_eq!([*first, *second], [disconnected, voltage]);
    assert!(matches!(failed, Event::RequestFailed(id, Failure::Exception(_)) if *id == time));
}

#[test]
fn a_lost_one_is_asked_again_by_itself_and_the_others_wait_on() {
    let (mut bench, [voltage, time, disconnected]) = three(ClientConfig::default());
    // The voltage is in blocks, so that its time begins anew half-way.
    let half = core::time::Duration::from_secs(5);
    bench.now = bench.now.checked_add(half).unwrap();
    bench.answer("c402c1 00 00000001 00 03 090401");
    bench.sent();
    bench.pass_to_timeout();
    // What may be done again is; of what may not, nobody knows whether it was done.
    assert_eq!(
        bench.client.poll_event(),
        Some(Event::RequestFailed(disconnected, Failure::NoResponse))
    );
    assert_eq!(hex(&bench.sent()), "c001c400080000010000ff0300");
    bench.answer("c402c1 01 00000002 00 03 020304");
    assert!(matches!(bench.client.poll_event(), Some(Event::Response(id, _)) if id == voltage));
    // The answer to the first of the two came late.
    bench.answer("c401c2 00 00");
    assert!(bench.dropped(1));
    bench.answer("c401c4 00 00");
    assert!(matches!(bench.client.poll_event(), Some(Event::Response(id, _)) if id == time));
}

#[test]
fn one_that_is_given_up_is_not_sent_and_not_heard() {
    let config = ClientConfig { in_flight_max: 2, ..ClientConfig::default() };
    let mut bench = Bench::associated(config);
    let voltage = bench.client.request(get(VOLTAGE)).unwrap();
    let time = bench.client.request(get(CLOCK)).unwrap();
    bench.client.cancel(voltage);
    assert_eq!(hex(&bench.sent()), "c001c200080000010000ff0300");
    assert!(bench.silent());
    bench.answer("c401c1 00 1208fd");
    assert!(bench.dropped(1));
    bench.client.cancel(voltage);
    bench.answer("c401c2 00 00");
    assert!(matches!(bench.client.poll_event(), Some(Event::Response(id, _)) if id == time));
}

#[test]
fn ciphered_requests_go_out_in_the_order_of_their_counters() {
    let mut bench = Bench::ciphered(ClientConfig { in_flight_max: 3, ..ciphered() });
    let [_, second, _] = [VOLTAGE, CLOCK, VOLTAGE].map(|of| bench.client.request(get(of)).unwrap());
    bench.client.cancel(second);
    let counters =
        [bench.sent(), bench.sent()].map(|apdu| u32::from_be_bytes(apdu[3..7].try_into().unwrap()));
    // The AARQ took 100.
    assert_eq!(counters, [101, 103]);
    assert!(bench.silent());
}

#[test]
fn priority_is_high_unless_somebody_says_otherwise() {
    let mut bench = Bench::associated(ClientConfig { in_flight_max: 2, ..ClientConfig::default() });
    assert_eq!(bench.request(get(VOLTAGE))[2], 0xc1);
    bench.client.request_with_priority(get(VOLTAGE), Priority::Normal).unwrap();
    assert_eq!(bench.sent()[2], 0x42);
}

#[test]
fn what_has_no_invoke_id_goes_one_at_a_time() {
    let config = ClientConfig { in_flight_max: 3, ..ClientConfig::default() };
    let in_blocks = ClientConfig { block_window: Some(1), ..config.clone() };
    let short = ClientConfig { referencing: Referencing::ShortName, ..config.clone() };
    let with_blocks = ACCEPTED.replace("401e1d", "601e1d");
    let with_read =
        ACCEPTED.replace("60857405080101", "60857405080102").replace("401e1d", "501e1d");
    for (config, aare, many) in [
        (config, ACCEPTED, true),
        (in_blocks.clone(), ACCEPTED, true),
        (in_blocks, &with_blocks[..], false),
        (short, &with_read.replace("0007", "fa00"), false),
    ] {
        let mut bench = Bench::associating(config);
        bench.answer(aare);
        assert!(matches!(bench.event(), Some(Event::Associated(_))));
        assert!(bench.client.has_room());
        bench.client.request(get(ShortNameObject::LIST)).unwrap();
        assert!(bench.client.is_waiting());
        assert_eq!(bench.client.has_room(), many);
    }
}
