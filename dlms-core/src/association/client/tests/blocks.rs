//! Block transfer in every direction (IEC 62056-5-3 clauses 7.3.3 to 7.3.7).

use super::*;
use crate::xdlms::{ActionRequest, SetRequest};

/// An octet-string of 2,500 octets: three blocks for a meter that takes 1,024.
fn long_value() -> Vec<u8> {
    DataBuf::octet_string([0x5a; 2_500]).to_octets()
}

fn long_set() -> Request {
    set(long_value())
}

fn long_set_list() -> Request {
    Request::SetList(vec![(VOLTAGE, long_value()), (CLOCK, octets("120002"))])
}

fn long_action() -> Request {
    Request::Action { method: DISCONNECT, parameters: Some(long_value()) }
}

fn long_action_list() -> Request {
    Request::ActionList(vec![(DISCONNECT, long_value()), (RECONNECT, octets("0f00"))])
}

/// Starts a long request and acknowledges its blocks but for the last one; how many there are.
fn all_sent(bench: &mut Bench, request: Request) -> u32 {
    let mut sent = bench.request(request);
    for number in 1.. {
        assert!(sent.len() <= 1_024, "block {number} has {} octets", sent.len());
        if last(&sent) {
            return number;
        }
        let acknowledged = if sent[0] == tag::SET_REQUEST { "c502" } else { "c704" };
        bench.answer(&format!("{acknowledged}c1 {number:08x}"));
        sent = bench.sent();
    }
    0
}

/// Whether a block of a request is the last.
fn last(sent: &[u8]) -> bool {
    match Apdu::decode(sent).unwrap() {
        Apdu::SetRequest(
            SetRequest::FirstDatablock { block, .. }
            | SetRequest::WithListFirstDatablock { block, .. }
            | SetRequest::Datablock { block, .. },
        )
        | Apdu::ActionRequest(
            ActionRequest::FirstPblock { block, .. }
            | ActionRequest::WithListFirstPblock { block, .. }
            | ActionRequest::Pblock { block, .. },
        ) => block.last,
        other => panic!("{other:?}"),
    }
}

#[test]
fn blocks_of_an_answer_are_asked_for_one_by_one_and_joined() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(get(VOLTAGE));
    bench.answer("c402c1 00 00000001 00 03 090502");
    assert_eq!(hex(&bench.sent()), "c002c100000001");
    bench.answer("c402c1 00 00000002 00 02 0304");
    assert_eq!(hex(&bench.sent()), "c002c100000002");
    bench.answer("c402c1 01 00000003 00 02 0506");
    let value = octets("09050203040506");
    assert_eq!(bench.event(), Some(Event::Response(ANY, Response::Get(Ok(value)))));
}

#[test]
fn blocks_can_be_had_as_they_come() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(Request::GetBlocks { attribute: VOLTAGE, selection: None });
    bench.answer("c402c1 00 00000001 00 03 090202");
    assert_eq!(bench.event(), Some(Event::Block(ANY, octets("090202"))));
    bench.sent();
    bench.answer("c402c1 01 00000002 00 01 03");
    assert_eq!(bench.event(), Some(Event::Block(ANY, octets("03"))));
    assert_eq!(bench.event(), Some(Event::Response(ANY, Response::GetBlocks(Ok(())))));
}

#[test]
fn a_block_out_of_order_ends_the_request_and_nothing_of_it_is_used() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(get(VOLTAGE));
    bench.answer("c402c1 00 00000001 00 03 090502");
    bench.sent();
    bench.answer("c402c1 00 00000003 00 02 0304");
    let violation = Violation::BlockNumber { expected: 2, found: 3 };
    assert_eq!(bench.event(), Some(Event::RequestFailed(ANY, violation.into())));
    assert!(bench.client.is_associated());
}

#[test]
fn a_value_too_long_for_the_meter_goes_in_blocks() {
    let mut bench = Bench::associated(ClientConfig::default());
    let mut value = Vec::new();
    DataBuf::OctetString((0..2500_u32).map(|n| n as u8).collect())
        .encode(&mut Writer::new(&mut value));
    let mut joined = Vec::new();
    let mut sent = bench.request(set(value.clone()));
    for number in 1.. {
        assert!(sent.len() <= 1024, "block {number} has {} octets", sent.len());
        let request = SetRequest::decode(&sent).unwrap();
        let block = match request {
            SetRequest::FirstDatablock { block, .. } if number == 1 => block,
            SetRequest::Datablock { block, .. } if number > 1 => block,
            other => panic!("{other:?}"),
        };
        assert_eq!(block.number, number);
        joined.extend_from_slice(block.octets);
        if block.last {
            bench.answer(&format!("c503c1 00 {number:08x}"));
            break;
        }
        bench.answer(&format!("c502c1 {number:08x}"));
        sent = bench.sent();
    }
    assert_eq!(joined, value);
    let response = Response::Set(DataAccessResult::Success);
    assert_eq!(bench.event(), Some(Event::Response(ANY, response)));
}

#[test]
fn success_before_all_is_sent_is_no_success() {
    for (request, answer, kind) in [
        (long_set(), "c501c1 00", "SET"),
        (long_set(), "c503c1 00 00000001", "SET"),
        (long_set(), "c503c1 00 00000003", "SET"),
        (long_set_list(), "c501c1 00", "SET"),
        (long_set_list(), "c505c1 02 00 00", "SET"),
        (long_set_list(), "c504c1 02 00 00 00000001", "SET"),
        (long_action(), "c701c1 00 00", "ACTION"),
        (long_action(), "c702c1 01 00000001 02 0000", "ACTION"),
        (long_action_list(), "c703c1 02 0000 0000", "ACTION"),
    ] {
        let mut bench = Bench::associated(ClientConfig::default());
        bench.request(request);
        bench.answer(answer);
        let Failure::Violation(Violation::Unexpected(what)) = bench.failure() else {
            panic!("{answer}")
        };
        assert_eq!(what, format!("kind of {kind} response"));
        assert!(bench.silent());
    }
}

#[test]
fn a_refusal_may_come_at_any_block() {
    let denied = DataAccessResult::ReadWriteDenied;
    let not_done = outcome(ActionResult::ReadWriteDenied);
    for (request, answer, response) in [
        (long_set(), "c501c1 03", Response::Set(denied)),
        (long_set(), "c503c1 03 00000001", Response::Set(denied)),
        (long_set_list(), "c501c1 03", Response::SetList(vec![denied; 2])),
        (long_set_list(), "c503c1 03 00000001", Response::SetList(vec![denied; 2])),
        (long_action(), "c701c1 03 00", Response::Action(not_done.clone())),
        (long_action_list(), "c701c1 03 00", Response::ActionList(vec![not_done; 2])),
    ] {
        let mut bench = Bench::associated(ClientConfig::default());
        bench.request(request);
        bench.answer(answer);
        assert_eq!(bench.response(), response, "{answer}");
        assert!(bench.silent());
    }
}

#[test]
fn only_the_block_sent_last_can_be_acknowledged() {
    for (request, kind) in [(long_set(), "c502"), (long_action(), "c704")] {
        for wrong in [0, 2, u32::MAX] {
            let mut bench = Bench::associated(ClientConfig::default());
            bench.request(request.clone());
            bench.answer(&format!("{kind}c1 {wrong:08x}"));
            assert_eq!(bench.failure(), block_number(1, wrong));
            assert!(bench.silent());
        }
        // After the last block there is none to ask for.
        let mut bench = Bench::associated(ClientConfig::default());
        let blocks = all_sent(&mut bench, request);
        bench.answer(&format!("{kind}c1 {blocks:08x}"));
        assert_eq!(bench.failure(), unexpected("request for a block after the last"));
        assert!(bench.silent());
    }
}

#[test]
fn the_success_of_a_set_in_blocks_names_the_last_block() {
    for wrong in [0, 1, 2, 4] {
        let mut bench = Bench::associated(ClientConfig::default());
        assert_eq!(all_sent(&mut bench, long_set()), 3);
        bench.answer(&format!("c503c1 00 {wrong:08x}"));
        assert_eq!(bench.failure(), block_number(3, wrong));

        let mut bench = Bench::associated(ClientConfig::default());
        assert_eq!(all_sent(&mut bench, long_set_list()), 3);
        bench.answer(&format!("c504c1 02 00 00 {wrong:08x}"));
        assert_eq!(bench.failure(), block_number(3, wrong));
    }
}

#[test]
fn a_list_in_blocks_is_answered_by_a_list() {
    let mut bench = Bench::associated(ClientConfig::default());
    all_sent(&mut bench, long_set_list());
    bench.answer("c504c1 02 00 03 00000003");
    let results = vec![DataAccessResult::Success, DataAccessResult::ReadWriteDenied];
    assert_eq!(bench.response(), Response::SetList(results));

    for (answer, failure) in [
        ("c503c1 00 00000003", unexpected("kind of SET response")),
        ("c501c1 00", unexpected("kind of SET response")),
        ("c504c1 01 00 00000003", Violation::ResultCount { expected: 2, found: 1 }.into()),
    ] {
        let mut bench = Bench::associated(ClientConfig::default());
        all_sent(&mut bench, long_set_list());
        bench.answer(answer);
        assert_eq!(bench.failure(), failure, "{answer}");
    }

    let mut bench = Bench::associated(ClientConfig::default());
    all_sent(&mut bench, long_action_list());
    bench.answer("c703c1 02 00 00 03 00");
    let outcomes = vec![outcome(ActionResult::Success), outcome(ActionResult::ReadWriteDenied)];
    assert_eq!(bench.response(), Response::ActionList(outcomes));

    let mut bench = Bench::associated(ClientConfig::default());
    all_sent(&mut bench, long_action_list());
    bench.answer("c701c1 00 00");
    assert_eq!(bench.failure(), unexpected("kind of ACTION response"));
}

#[test]
fn a_list_too_long_carries_its_descriptors_in_the_first_block() {
    let mut bench = Bench::associated(ClientConfig::default());
    let mut joined = Vec::new();
    let mut sent = bench.request(long_set_list());
    for number in 1.. {
        match SetRequest::decode(&sent).unwrap() {
            SetRequest::WithListFirstDatablock { attributes, block, .. } if number == 1 => {
                let attributes: Vec<_> =
                    attributes.iter().map(|attribute| attribute.attribute).collect();
                assert_eq!(attributes, [VOLTAGE, CLOCK]);
                joined.extend_from_slice(block.octets);
            }
            SetRequest::Datablock { block, .. } if number > 1 => {
                joined.extend_from_slice(block.octets);
            }
            other => panic!("{other:?}"),
        }
        if last(&sent) {
            break;
        }
        bench.answer(&format!("c502c1 {number:08x}"));
        sent = bench.sent();
    }
    // Two values, without anything between them.
    assert_eq!(joined, [&[2][..], &long_value(), &octets("120002")].concat());
}

#[test]
fn what_a_method_returns_may_come_in_blocks() {
    for request in [disconnect(), long_action()] {
        let mut bench = Bench::associated(ClientConfig::default());
        if request == disconnect() {
            bench.request(request);
        } else {
            all_sent(&mut bench, request);
        }
        // Success, data, and the beginning of five octets.
        bench.answer("c702c1 00 00000001 05 000100 0905");
        assert_eq!(hex(&bench.sent()), "c302c100000001");
        bench.answer("c702c1 00 00000002 03 010203");
        assert_eq!(hex(&bench.sent()), "c302c100000002");
        bench.answer("c702c1 01 00000003 02 0405");
        let returned = Some(Ok(octets("09050102030405")));
        let done = ActionOutcome { result: ActionResult::Success, returned };
        assert_eq!(bench.response(), Response::Action(done));
    }

    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(action_list());
    bench.answer("c702c1 00 00000001 04 02 000100");
    bench.sent();
    bench.answer("c702c1 01 00000002 04 1105 0300");
    let returned = Some(Ok(octets("1105")));
    let done = ActionOutcome { result: ActionResult::Success, returned };
    let outcomes = vec![done, outcome(ActionResult::ReadWriteDenied)];
    assert_eq!(bench.response(), Response::ActionList(outcomes));
}

#[test]
fn an_answer_that_began_in_blocks_ends_in_blocks() {
    for (request, first, answer, kind) in [
        (get(VOLTAGE), "c402c1 00 00000001 00 02 0905", "c401c1 00 1208fd", "GET"),
        (disconnect(), "c702c1 00 00000001 03 000100", "c701c1 00 00", "ACTION"),
        (action_list(), "c702c1 00 00000001 02 0200", "c703c1 02 0000 0000", "ACTION"),
    ] {
        let mut bench = Bench::associated(ClientConfig::default());
        bench.request(request);
        bench.answer(first);
        bench.sent();
        bench.answer(answer);
        let Failure::Violation(Violation::Unexpected(what)) = bench.failure() else {
            panic!("{answer}")
        };
        assert_eq!(what, format!("kind of {kind} response"));
    }
}

#[test]
fn blocks_of_an_answer_come_in_order() {
    for (request, answer) in [(get(VOLTAGE), "c402c1 00"), (disconnect(), "c702c1 00")] {
        let mut bench = Bench::associated(ClientConfig::default());
        let data = if answer.starts_with("c4") { "00 02 0905" } else { "02 0001" };
        bench.request(request.clone());
        bench.answer(&format!("{answer} 00000002 {data}"));
        assert_eq!(bench.failure(), block_number(1, 2));

        let mut bench = Bench::associated(ClientConfig::default());
        bench.request(request);
        bench.answer(&format!("{answer} 00000001 {data}"));
        bench.sent();
        bench.answer(&format!("{answer} 00000001 {data}"));
        assert_eq!(bench.failure(), block_number(2, 1));
        assert!(bench.silent());
    }
}

#[test]
fn an_empty_block_before_the_last_ends_the_transfer() {
    for (request, answer) in [
        (get(VOLTAGE), "c402c1 00 00000001 00 00"),
        (Request::GetBlocks { attribute: VOLTAGE, selection: None }, "c402c1 00 00000001 00 00"),
        (disconnect(), "c702c1 00 00000001 00"),
    ] {
        let mut bench = Bench::associated(ClientConfig::default());
        bench.request(request);
        bench.answer(answer);
        assert_eq!(bench.failure(), Violation::EmptyBlock.into());
        assert!(bench.silent());
    }
    // As the last one it carries nothing and says that this was all.
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(get(VOLTAGE));
    bench.answer("c402c1 00 00000001 00 02 1105");
    bench.sent();
    bench.answer("c402c1 01 00000002 00 00");
    assert_eq!(bench.response(), Response::Get(Ok(octets("1105"))));
}

#[test]
fn an_answer_beyond_the_limit_is_given_up() {
    let limited = || ClientConfig { answer_len_max: 5, ..ClientConfig::default() };
    for (request, first, second) in [
        (get(VOLTAGE), "c402c1 00 00000001 00 03 090402", "c402c1 01 00000002 00 03 030405"),
        (disconnect(), "c702c1 00 00000001 03 000100", "c702c1 01 00000002 03 090101"),
    ] {
        let mut bench = Bench::associated(limited());
        bench.request(request);
        bench.answer(first);
        bench.sent();
        bench.answer(second);
        assert_eq!(bench.failure(), Failure::TooLong { limit: 5 });
    }
    // What was handed on counts as well.
    let mut bench = Bench::associated(limited());
    bench.request(Request::GetBlocks { attribute: VOLTAGE, selection: None });
    bench.answer("c402c1 00 00000001 00 03 090402");
    assert_eq!(bench.event(), Some(Event::Block(ANY, octets("090402"))));
    bench.sent();
    bench.answer("c402c1 01 00000002 00 03 030405");
    assert_eq!(bench.failure(), Failure::TooLong { limit: 5 });
    // Just as long as the limit is not beyond it.
    let mut bench = Bench::associated(limited());
    bench.request(get(VOLTAGE));
    bench.answer("c402c1 01 00000001 00 05 0903020304");
    assert_eq!(bench.response(), Response::Get(Ok(octets("0903020304"))));
}

#[test]
fn a_list_that_announces_more_results_than_were_asked_for_costs_nothing() {
    for (request, answer) in [
        // 2^32 results; as many without an octet to follow; two where one block has three.
        (
            Request::GetList(vec![(VOLTAGE, None), (CLOCK, None)]),
            "c402c1 01 00000001 00 08 8500ffffffff 00 00",
        ),
        (
            Request::GetList(vec![(VOLTAGE, None), (CLOCK, None)]),
            "c402c1 01 00000001 00 05 84ffffffff",
        ),
        (action_list(), "c702c1 01 00000001 05 84ffffffff"),
        (action_list(), "c702c1 01 00000001 07 03 0000 0000 0000"),
    ] {
        let mut bench = Bench::associated(ClientConfig::default());
        bench.request(request);
        bench.answer(answer);
        let failure = bench.failure();
        assert!(
            matches!(
                failure,
                Failure::Violation(Violation::ResultCount { expected: 2, .. })
                    | Failure::Malformed(_)
            ),
            "{answer}: {failure:?}",
        );
    }
    // In one APDU, the count must fit the octets that are there.
    for (request, answer) in [
        (Request::GetList(vec![(VOLTAGE, None)]), "c403c1 84ffffffff 00 00"),
        (set_list(), "c505c1 84ffffffff 00 00"),
        (action_list(), "c703c1 84ffffffff 00 00"),
    ] {
        let mut bench = Bench::associated(ClientConfig::default());
        bench.request(request);
        bench.answer(answer);
        assert!(matches!(bench.failure(), Failure::Malformed(_)), "{answer}");
    }
}

#[test]
fn blocks_that_join_to_no_value_are_refused() {
    for (request, answer) in [
        (get(VOLTAGE), "c402c1 01 00000001 00 02 0905"),
        (get(VOLTAGE), "c402c1 01 00000001 00 00"),
        (get(VOLTAGE), "c402c1 01 00000001 00 03 110500"),
        (disconnect(), "c702c1 01 00000001 00"),
        (disconnect(), "c702c1 01 00000001 03 000100"),
    ] {
        let mut bench = Bench::associated(ClientConfig::default());
        bench.request(request);
        bench.answer(answer);
        assert!(matches!(bench.failure(), Failure::Malformed(_)), "{answer}");
    }
}

#[test]
fn a_refusal_in_the_middle_of_blocks_is_the_answer() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(get(VOLTAGE));
    bench.answer("c402c1 00 00000001 00 02 0905");
    bench.sent();
    bench.answer("c402c1 01 00000002 01 0f");
    assert_eq!(bench.response(), Response::Get(Err(DataAccessResult::LongGetAborted)));

    bench.request(Request::GetBlocks { attribute: VOLTAGE, selection: None });
    bench.answer("c402c2 00 00000001 00 02 0905");
    assert_eq!(bench.event(), Some(Event::Block(ANY, octets("0905"))));
    bench.sent();
    bench.answer("c402c2 01 00000002 01 0f");
    assert_eq!(bench.response(), Response::GetBlocks(Err(DataAccessResult::LongGetAborted)));

    bench.request(disconnect());
    bench.answer("c702c3 00 00000001 03 000100");
    bench.sent();
    bench.answer("c701c3 0f 00");
    let aborted = outcome(ActionResult::LongActionAborted);
    assert_eq!(bench.response(), Response::Action(aborted));
}

#[test]
fn a_short_answer_is_one_block() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(Request::GetBlocks { attribute: VOLTAGE, selection: None });
    bench.answer("c401c1 00 1208fd");
    assert_eq!(bench.event(), Some(Event::Block(ANY, octets("1208fd"))));
    assert_eq!(bench.response(), Response::GetBlocks(Ok(())));
    bench.request(Request::GetBlocks { attribute: VOLTAGE, selection: None });
    bench.answer("c401c2 01 04");
    let undefined = DataAccessResult::ObjectUndefined;
    assert_eq!(bench.response(), Response::GetBlocks(Err(undefined)));
}

#[test]
fn a_ciphered_block_leaves_room_for_its_envelope() {
    for general in [false, true] {
        let config = ciphered();
        let ciphering = Ciphering { general, ..config.ciphering.unwrap() };
        let mut bench = Bench::ciphered(ClientConfig { ciphering: Some(ciphering), ..ciphered() });
        let mut sent = bench.request(long_set());
        let mut blocks = 1;
        while blocks < 3 {
            assert!(sent.len() > 1_000 && sent.len() <= 1_024, "{}", sent.len());
            let acknowledged = format!("c502c1 {blocks:08x}");
            bench.answer_octets(&from_meter(0xcd, 7 + blocks, BOTH, &acknowledged));
            sent = bench.sent();
            blocks += 1;
        }
        bench.answer_octets(&from_meter(0xcd, 20, BOTH, "c503c1 00 00000003"));
        assert_eq!(bench.response(), Response::Set(DataAccessResult::Success));
    }
}

#[test]
fn blocks_in_what_blocks_made_are_refused_however_they_are_ciphered() {
    // Of a push: the last block, window 0, nothing acknowledged.
    let block = |apdu: &str| format!("e0c000010000 {:02x} {apdu}", octets(apdu).len());
    let push = "0f 00000001 00 1105";
    let config = ClientConfig { block_window: Some(4), ..ciphered() };
    let mut bench = Bench::ciphered(config);
    bench.answer(&block(&hex(&from_meter(0xdb, 8, BOTH, push))));
    assert_eq!(bench.event(), Some(Event::Notification(octets(push))));
    bench.request(get(VOLTAGE));
    bench.answer(&block(&hex(&from_meter(0xdb, 9, BOTH, &block(push)))));
    assert_eq!(bench.failure(), unexpected("block within blocks"));
}
