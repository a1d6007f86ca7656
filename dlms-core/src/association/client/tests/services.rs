//! GET, SET and ACTION in one APDU each (IEC 62056-5-3 clauses 6.7 to 6.9 and 7.3).

use super::*;

#[test]
fn a_refusal_is_an_answer() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(get(VOLTAGE));
    bench.answer("c401c1 01 04");
    let refused = Response::Get(Err(DataAccessResult::ObjectUndefined));
    assert_eq!(bench.event(), Some(Event::Response(ANY, refused)));
}

#[test]
fn a_list_is_read_with_one_request() {
    let mut bench = Bench::associated(ClientConfig::default());
    let clock = AttributeDescriptor::new(ClassId::CLOCK, LogicalName::CLOCK, 3);
    let sent = bench.request(Request::GetList(vec![(VOLTAGE, None), (clock, None)]));
    assert_eq!(hex(&sent), "c003c10200030100200700ff0200000800000100 00ff0300".replace(' ', ""));
    bench.answer("c403c1 02 00 1208fd 01 03");
    let results = vec![Ok(octets("1208fd")), Err(DataAccessResult::ReadWriteDenied)];
    assert_eq!(bench.event(), Some(Event::Response(ANY, Response::GetList(results))));

    bench.request(Request::GetList(vec![(VOLTAGE, None), (clock, None)]));
    bench.answer("c403c2 01 00 1208fd");
    let violation = Violation::ResultCount { expected: 2, found: 1 };
    assert_eq!(bench.event(), Some(Event::RequestFailed(ANY, violation.into())));
}

#[test]
fn a_method_is_invoked_and_what_it_returns_is_handed_on() {
    let mut bench = Bench::associated(ClientConfig::default());
    let request = Request::Action { method: DISCONNECT, parameters: Some(octets("0f00")) };
    assert_eq!(hex(&bench.request(request)), "c301c100460000600 30aff01010f00".replace(' ', ""));
    bench.answer("c701c1 00 01 00 1105");
    let outcome =
        ActionOutcome { result: ActionResult::Success, returned: Some(Ok(octets("1105"))) };
    assert_eq!(bench.event(), Some(Event::Response(ANY, Response::Action(outcome))));
}

#[test]
fn an_exception_fails_the_request_and_not_the_association() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(get(VOLTAGE));
    bench.answer("d80202");
    let exception = ExceptionResponse {
        state: ExceptionState::ServiceUnknown,
        service: ExceptionService::ServiceNotSupported,
    };
    let failed = Event::RequestFailed(ANY, Failure::Exception(exception));
    assert_eq!(bench.event(), Some(failed));
    assert!(bench.client.is_associated());
}

#[test]
fn a_value_is_written_and_the_meter_says_how_it_went() {
    let mut bench = Bench::associated(ClientConfig::default());
    let sent = bench.request(set(octets("120001")));
    assert_eq!(hex(&sent), "c101c100030100200700ff0200120001");
    bench.answer("c501c1 00");
    assert_eq!(bench.response(), Response::Set(DataAccessResult::Success));
    bench.request(set(octets("120001")));
    bench.answer("c501c2 0c");
    assert_eq!(bench.response(), Response::Set(DataAccessResult::TypeUnmatched));
}

#[test]
fn a_selection_follows_its_attribute() {
    let mut bench = Bench::associated(ClientConfig::default());
    let selection = Some(Selection { selector: 2, parameters: octets("1105") });
    let sent = bench.request(Request::Get { attribute: VOLTAGE, selection: selection.clone() });
    assert_eq!(hex(&sent), "c001c100030100200700ff0201021105");
    bench.cancel();
    let sent = bench.request(Request::GetList(vec![(VOLTAGE, selection), (CLOCK, None)]));
    let expected = "c003c202 00030100200700ff0201021105 00080000010000ff0300";
    assert_eq!(hex(&sent), expected.replace(' ', ""));
}

#[test]
fn a_list_is_written_and_each_value_has_its_result() {
    let mut bench = Bench::associated(ClientConfig::default());
    let sent = bench.request(set_list());
    let expected = "c104c102 00030100200700ff0200 00080000010000ff0300 02120001120002";
    assert_eq!(hex(&sent), expected.replace(' ', ""));
    bench.answer("c505c1 02 00 03");
    let results = vec![DataAccessResult::Success, DataAccessResult::ReadWriteDenied];
    assert_eq!(bench.response(), Response::SetList(results));
}

#[test]
fn a_list_of_methods_is_invoked_and_each_has_its_outcome() {
    let mut bench = Bench::associated(ClientConfig::default());
    let sent = bench.request(action_list());
    let expected = "c303c102 0046000060030aff01 0046000060030aff02 020f000f00";
    assert_eq!(hex(&sent), expected.replace(' ', ""));
    bench.answer("c703c1 02 00 01 00 1105 0c 00");
    let returned =
        ActionOutcome { result: ActionResult::Success, returned: Some(Ok(octets("1105"))) };
    let outcomes = vec![returned, outcome(ActionResult::TypeUnmatched)];
    assert_eq!(bench.response(), Response::ActionList(outcomes));
}

#[test]
fn a_list_refused_as_a_whole_is_refused_in_each_part() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(Request::GetList(vec![(VOLTAGE, None), (CLOCK, None)]));
    bench.answer("c401c1 01 03");
    let denied = Err(DataAccessResult::ReadWriteDenied);
    assert_eq!(bench.response(), Response::GetList(vec![denied.clone(), denied]));

    bench.request(set_list());
    bench.answer("c501c2 03");
    let denied = DataAccessResult::ReadWriteDenied;
    assert_eq!(bench.response(), Response::SetList(vec![denied; 2]));

    bench.request(action_list());
    bench.answer("c701c3 03 00");
    let denied = outcome(ActionResult::ReadWriteDenied);
    assert_eq!(bench.response(), Response::ActionList(vec![denied.clone(), denied]));
}

#[test]
fn a_single_success_does_not_answer_a_list() {
    let mut bench = Bench::associated(ClientConfig::default());
    for (request, answer, failure) in [
        (
            Request::GetList(vec![(VOLTAGE, None), (CLOCK, None)]),
            "c401c1 00 1208fd",
            unexpected("GET response"),
        ),
        (set_list(), "c501c2 00", unexpected("kind of SET response")),
        (action_list(), "c701c3 00 00", unexpected("kind of ACTION response")),
        (action_list(), "c701c4 00 01 00 1105", unexpected("kind of ACTION response")),
    ] {
        bench.request(request);
        bench.answer(answer);
        assert_eq!(bench.failure(), failure, "{answer}");
    }
}

#[test]
fn a_list_does_not_answer_a_single_request() {
    let mut bench = Bench::associated(ClientConfig::default());
    for (request, answer, failure) in [
        (get(VOLTAGE), "c403c1 01 00 1208fd", unexpected("list of results")),
        (set(octets("120001")), "c505c2 01 00", unexpected("kind of SET response")),
        (disconnect(), "c703c3 01 00 00", unexpected("kind of ACTION response")),
    ] {
        bench.request(request);
        bench.answer(answer);
        assert_eq!(bench.failure(), failure, "{answer}");
    }
}

#[test]
fn a_list_has_as_many_results_as_the_request_has_parts() {
    let mut bench = Bench::associated(ClientConfig::default());
    for (request, answer, found) in [
        (set_list(), "c505c1 01 00", 1),
        (set_list(), "c505c2 03 00 00 00", 3),
        (action_list(), "c703c3 00", 0),
        (action_list(), "c703c4 03 0000 0000 0000", 3),
    ] {
        bench.request(request);
        bench.answer(answer);
        let violation = Violation::ResultCount { expected: 2, found };
        assert_eq!(bench.failure(), violation.into(), "{answer}");
    }
}

#[test]
fn the_answer_of_another_service_is_none() {
    for (answer, name) in [
        ("c501c1 00", "set-response"),
        ("c701c1 00 00", "action-response"),
        ("6303800100", "RLRE"),
        ("0800065f1f0400401e1d04000007", "initiate-response"),
        ("c001c100030100200700ff0200", "get-request"),
    ] {
        let mut bench = Bench::associated(ClientConfig::default());
        bench.request(get(VOLTAGE));
        bench.answer(answer);
        let failure = bench.failure();
        let kind = format!("kind of {} response", &name[..3].to_uppercase());
        match failure {
            Failure::Violation(Violation::Unexpected(what)) => {
                assert!(what == name || what.starts_with(&kind[..7]), "{what}");
            }
            other => panic!("{answer}: {other:?}"),
        }
    }
}

#[test]
fn a_request_is_answered_by_its_own_service_alone() {
    let method = || Request::Action { method: DISCONNECT, parameters: None };
    for (request, answer) in [
        // A refusal of SET, the last block of GET, that of ACTION: none is for the others.
        (method(), "c501c1 0c"),
        (method(), "c402c1 01 00000001 00 02 1105"),
        (set(vec![0x11, 0x05]), "c402c1 01 00000001 00 02 1105"),
        (set(vec![0x11, 0x05]), "c702c1 01 00000001 02 0000"),
        (get(VOLTAGE), "c501c1 0c"),
        (get(VOLTAGE), "c702c1 01 00000001 02 0000"),
    ] {
        let mut bench = Bench::associated(ClientConfig::default());
        bench.request(request);
        bench.answer(answer);
        let failure = bench.failure();
        let is_unexpected = matches!(failure, Failure::Violation(Violation::Unexpected(_)));
        assert!(is_unexpected, "{answer}: {failure:?}");
        assert!(bench.silent());
    }
}

#[test]
fn broken_answers_fail_the_request_and_not_the_association() {
    for broken in ["", "c4", "c401c1", "c401c1 00 12", "c401c1 00 1208fd 00", "c409c1", "ff00"] {
        let mut bench = Bench::associated(ClientConfig::default());
        bench.request(get(VOLTAGE));
        bench.answer(broken);
        assert!(matches!(bench.failure(), Failure::Malformed(_)), "{broken}");
        // And without a request it is dropped.
        bench.answer(broken);
        assert!(bench.dropped(1), "{broken}");
    }
}

#[test]
fn a_service_error_fails_the_request() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(get(VOLTAGE));
    bench.answer("0e050202");
    let error = ConfirmedServiceError { service: 5, error: ServiceError { choice: 2, value: 2 } };
    assert_eq!(bench.failure(), Failure::ServiceError(error));
}

#[test]
fn invoke_ids_count_to_fifteen_and_begin_again() {
    let mut bench = Bench::associated(ClientConfig::default());
    for number in 1..40_u32 {
        let invoke = bench.request(get(VOLTAGE))[2];
        assert_eq!(invoke, 0xc0 | (number % 16) as u8);
        bench.answer(&format!("c401{invoke:02x} 00 1208fd"));
        bench.response();
    }
}

#[test]
fn what_cannot_be_encoded_is_refused_before_anything_is_sent() {
    let selection = |hex: &str| Some(Selection { selector: 1, parameters: octets(hex) });
    let broken = ["", "12", "1200", "120001 00", "ee"];
    let mut bench = Bench::associated(ClientConfig::default());
    for value in broken {
        let octets = octets(value);
        for request in [
            set(octets.clone()),
            Request::Set { attribute: VOLTAGE, selection: selection(value), value: vec![0] },
            Request::SetList(vec![(VOLTAGE, vec![0]), (VOLTAGE, octets.clone())]),
            Request::Action { method: DISCONNECT, parameters: Some(octets.clone()) },
            Request::ActionList(vec![(DISCONNECT, octets.clone())]),
            Request::Get { attribute: VOLTAGE, selection: selection(value) },
            Request::GetBlocks { attribute: VOLTAGE, selection: selection(value) },
            Request::GetList(vec![(VOLTAGE, selection(value))]),
        ] {
            let refused = bench.client.request(request.clone());
            assert!(matches!(refused, Err(Misuse::Value(_))), "{request:?}: {refused:?}");
        }
    }
    for empty in [Request::GetList(vec![]), Request::SetList(vec![]), Request::ActionList(vec![])] {
        assert_eq!(bench.client.request(empty), Err(Misuse::List));
    }
    assert!(bench.silent());
    // The machine is unchanged.
    assert_eq!(hex(&bench.request(get(VOLTAGE))[..3]), "c001c1");
}

#[test]
fn one_request_is_under_way_at_a_time() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(get(VOLTAGE));
    assert_eq!(bench.client.request(get(CLOCK)), Err(Misuse::Busy));
    assert!(bench.silent());
    bench.answer("c401c1 00 1208fd");
    bench.response();
    bench.client.request(get(CLOCK)).unwrap();
}

#[test]
fn a_dedicated_key_does_not_travel_in_clear() {
    for protection in [Protection::ENCRYPTED, Protection::AUTHENTICATED] {
        let config = ciphered_with(protection);
        let ciphering = Ciphering { dedicated: true, ..config.ciphering.unwrap() };
        let mut bench =
            Bench::new(ClientConfig { ciphering: Some(ciphering), ..ClientConfig::default() });
        bench.client.grant_counters(0..10);
        let refused = bench.client.associate(&mut Counting(0));
        assert_eq!(refused, Err(Misuse::DedicatedKeyInClear));
        assert!(bench.silent());
    }
}

#[test]
fn a_request_longer_than_the_meter_takes_needs_blocks() {
    // The meter takes 64 octets and knows no block transfer.
    let small = ACCEPTED.replace("401e1d 0400", "00029d 0040");
    let long = octets(&format!("0940{}", "55".repeat(64)));
    for (request, failure) in [
        (set(long.clone()), Failure::NotNegotiated("block transfer with SET")),
        (
            Request::Action { method: DISCONNECT, parameters: Some(long) },
            Failure::NotNegotiated("block transfer with ACTION"),
        ),
        (Request::GetList(vec![(VOLTAGE, None); 7]), Failure::TooLong { limit: 64 }),
    ] {
        let mut bench = Bench::associating(ClientConfig::default());
        bench.answer(&small);
        assert!(matches!(bench.event(), Some(Event::Associated(_))));
        bench.client.request(request).unwrap();
        assert_eq!(bench.failure(), failure);
        assert!(bench.silent());
    }
}
