//! Timeouts, repetitions and giving up.

use core::time::Duration;

use super::*;

#[test]
fn a_silent_meter_is_asked_again_as_often_as_configured() {
    let mut bench = Bench::new(ClientConfig { retries: 2, ..ClientConfig::default() });
    bench.client.associate(&mut Counting(0)).unwrap();
    let first = bench.sent();
    for _ in 0..2 {
        bench.pass_to_timeout();
        assert_eq!(bench.sent(), first);
    }
    bench.pass_to_timeout();
    let failed = Event::AssociationFailed { phase: Phase::Associate, failure: Failure::NoResponse };
    assert_eq!(bench.event(), Some(failed));
    assert_eq!(bench.now, Instant::from_nanos(30_000_000_000));
    assert_eq!(bench.client.poll_timeout(), None);
}

#[test]
fn an_answer_that_comes_after_the_repetition_is_dropped() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(get(VOLTAGE));
    bench.pass_to_timeout();
    assert_eq!(hex(&bench.sent()), "c001c200030100200700ff0200");
    bench.answer("c401c1 00 120001");
    assert_eq!(bench.event(), None);
    assert_eq!(bench.client.discarded(), 1);
    bench.answer("c401c2 00 120002");
    let value = octets("120002");
    assert_eq!(bench.event(), Some(Event::Response(ANY, Response::Get(Ok(value)))));
}

#[test]
fn a_write_or_a_method_is_never_repeated() {
    for request in [
        set(octets("120001")),
        Request::Action { method: DISCONNECT, parameters: Some(octets("0f00")) },
    ] {
        let mut bench = Bench::associated(ClientConfig::default());
        bench.request(request);
        bench.pass_to_timeout();
        assert!(bench.silent());
        assert_eq!(bench.event(), Some(Event::RequestFailed(ANY, Failure::NoResponse)));
    }
}

#[test]
fn a_list_is_asked_again_and_one_in_blocks_from_its_start() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(Request::GetList(vec![(VOLTAGE, None)]));
    bench.pass_to_timeout();
    assert_eq!(hex(&bench.sent()), "c003c20100030100200700ff0200");
    bench.answer("c402c2 00 00000001 00 02 0100");
    bench.sent();
    bench.pass_to_timeout();
    assert_eq!(hex(&bench.sent()), "c003c30100030100200700ff0200");
    // Nothing of the first blocks is left.
    bench.answer("c403c3 01 00 1208fd");
    assert_eq!(bench.response(), Response::GetList(vec![Ok(octets("1208fd"))]));
}

#[test]
fn blocks_that_were_handed_out_are_not_asked_for_again() {
    let blocks = || Request::GetBlocks { attribute: VOLTAGE, selection: None };
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(blocks());
    bench.pass_to_timeout();
    assert_eq!(hex(&bench.sent()[..3]), "c001c2");
    bench.answer("c402c2 00 00000001 00 02 0905");
    assert_eq!(bench.event(), Some(Event::Block(ANY, octets("0905"))));
    bench.sent();
    bench.pass_to_timeout();
    assert_eq!(bench.failure(), Failure::NoResponse);
    assert!(bench.silent());
}

#[test]
fn a_write_in_blocks_is_not_repeated_either() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(set(DataBuf::octet_string([0x5a; 2_500]).to_octets()));
    bench.answer("c502c1 00000001");
    bench.sent();
    bench.pass_to_timeout();
    assert_eq!(bench.failure(), Failure::NoResponse);
    assert!(bench.silent());
}

#[test]
fn each_block_has_the_whole_timeout() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(get(VOLTAGE));
    for number in 1..100_u32 {
        bench.now += Duration::from_secs(9);
        bench.client.handle_timeout(bench.now);
        bench.answer(&format!("c402c1 00 {number:08x} 00 01 55"));
        assert_eq!(hex(&bench.sent()), format!("c002c1{number:08x}"));
        let timeout = bench.now + Duration::from_secs(10);
        assert_eq!(bench.client.poll_timeout(), Some(timeout));
    }
}

#[test]
fn a_timeout_that_has_not_come_changes_nothing() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(get(VOLTAGE));
    bench.client.handle_timeout(bench.now + Duration::from_nanos(9_999_999_999));
    assert!(bench.dropped(0));
    assert!(bench.client.is_waiting());
}

#[test]
fn where_the_line_watches_over_answers_there_is_no_timeout() {
    let config = ClientConfig { response_timeout: None, ..ClientConfig::default() };
    let mut bench = Bench::associating(config);
    let far = Instant::from_nanos(i64::MAX);
    let check = |bench: &mut Bench, waiting| {
        assert_eq!(bench.client.poll_timeout(), None);
        assert_eq!(bench.client.is_waiting(), waiting);
        bench.client.handle_timeout(far);
        assert!(bench.silent() && bench.event().is_none());
    };
    check(&mut bench, true);
    bench.answer(ACCEPTED);
    bench.event();
    check(&mut bench, false);
    bench.request(get(VOLTAGE));
    check(&mut bench, true);
    bench.answer("c402c1 00 00000001 00 02 0905");
    bench.sent();
    check(&mut bench, true);
    bench.cancel();
    check(&mut bench, false);
    bench.client.release().unwrap();
    bench.sent();
    check(&mut bench, true);
}

#[test]
fn a_timeout_is_set_while_and_only_while_an_answer_is_due() {
    let mut bench = Bench::new(ClientConfig::default());
    let check = |bench: &Bench, waiting| {
        assert_eq!(bench.client.is_waiting(), waiting);
        assert_eq!(bench.client.poll_timeout().is_some(), waiting);
    };
    check(&bench, false);
    bench.client.associate(&mut Counting(0)).unwrap();
    bench.sent();
    check(&bench, true);
    bench.answer(ACCEPTED);
    check(&bench, false);
    for (request, answers) in [
        (get(VOLTAGE), &["c401c1 00 1208fd"][..]),
        (get(VOLTAGE), &["c402c2 00 00000001 00 02 0901", "c402c2 01 00000002 00 01 55"]),
        (get(VOLTAGE), &["c402c3 00 00000007 00 02 0901"]),
        (set(octets("1105")), &["c501c4 00"]),
        (disconnect(), &["d80101"]),
        (disconnect(), &["ffff"]),
    ] {
        bench.request(request);
        for answer in answers {
            check(&bench, true);
            // A late answer and a notification are not what is waited for.
            bench.answer("c401cf 00 1208fd");
            bench.answer("0f0000000100 00");
            check(&bench, true);
            bench.answer(answer);
            bench.silent();
        }
        check(&bench, false);
    }
    bench.request(get(VOLTAGE));
    bench.client.abort();
    check(&bench, false);
}

#[test]
fn what_was_cancelled_is_neither_sent_nor_answered() {
    let mut bench = Bench::associated(ClientConfig::default());
    // Before it went out.
    bench.client.request(disconnect()).unwrap();
    bench.cancel();
    assert!(bench.silent());
    assert_eq!(bench.client.poll_timeout(), None);
    // After it went out: the answer is a late one.
    bench.request(get(VOLTAGE));
    bench.cancel();
    assert_eq!(bench.client.poll_timeout(), None);
    assert!(!bench.client.is_waiting());
    bench.answer("c401c2 00 120001");
    assert!(bench.dropped(1));
    // Another request does not mistake it for its own.
    bench.request(get(CLOCK));
    bench.answer("c401c2 00 120001");
    assert!(bench.dropped(2));
    bench.answer("c401c3 00 120003");
    assert_eq!(bench.response(), Response::Get(Ok(octets("120003"))));
}

#[test]
fn a_cancelled_transfer_goes_no_further() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(set(DataBuf::octet_string([0x5a; 2_500]).to_octets()));
    bench.cancel();
    bench.answer("c502c1 00000001");
    assert!(bench.dropped(1));

    // The next block is ready, but did not go out yet.
    bench.request(get(VOLTAGE));
    bench.answer("c402c2 00 00000001 00 02 0905");
    bench.cancel();
    assert!(bench.silent());
    bench.answer("c402c2 01 00000002 00 01 55");
    assert!(bench.dropped(2));
    assert!(bench.client.is_associated());
}

#[test]
fn an_association_cannot_be_cancelled_but_aborted() {
    let mut bench = Bench::associating(ClientConfig::default());
    bench.cancel();
    assert!(bench.client.is_waiting());
    bench.client.abort();
    assert!(!bench.client.is_waiting());
    bench.answer(ACCEPTED);
    assert!(bench.dropped(1));
}
