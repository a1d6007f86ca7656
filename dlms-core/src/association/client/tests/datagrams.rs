//! A line that may lose, double and reorder what it carries.

use super::*;

fn config() -> ClientConfig {
    ClientConfig { datagrams: true, ..ClientConfig::default() }
}

#[test]
fn an_answer_that_came_twice_is_dropped_once() {
    let mut bench = Bench::ciphered(ClientConfig { datagrams: true, ..ciphered() });
    bench.request(get(VOLTAGE));
    let answer = from_meter(0xcc, 8, BOTH, "c401c1 00 1208fd");
    bench.answer_octets(&answer);
    bench.response();
    bench.answer_octets(&answer);
    assert!(bench.dropped(1));
    bench.request(get(VOLTAGE));
    bench.answer_octets(&answer);
    assert!(bench.dropped(2));
    bench.answer_octets(&from_meter(0xcc, 9, BOTH, "c401c2 00 1208fe"));
    assert_eq!(bench.response(), Response::Get(Ok(octets("1208fe"))));
}

#[test]
fn a_block_that_came_twice_is_dropped_once() {
    let mut bench = Bench::associated(config());
    bench.request(get(VOLTAGE));
    for number in 1..=3 {
        let block = format!("c402c1 00 {number:08x} 00 01 55");
        bench.answer(&block);
        assert_eq!(hex(&bench.sent()), format!("c002c1{number:08x}"));
        for before in 1..=number {
            bench.answer(&format!("c402c1 00 {before:08x} 00 01 66"));
            assert!(bench.silent() && bench.event().is_none());
            assert!(bench.client.poll_timeout().is_some());
        }
    }
    // One that is missing is an error as ever.
    bench.answer("c402c1 00 00000005 00 01 55");
    assert_eq!(bench.failure(), block_number(4, 5));

    let mut bench = Bench::associated(config());
    bench.request(disconnect());
    bench.answer("c702c1 00 00000001 03 000100");
    bench.sent();
    bench.answer("c702c1 00 00000001 03 000100");
    assert!(bench.dropped(1));
    bench.answer("c702c1 01 00000002 02 1105");
    let returned = Some(Ok(octets("1105")));
    let done = ActionOutcome { result: ActionResult::Success, returned };
    assert_eq!(bench.response(), Response::Action(done));
}

#[test]
fn an_acknowledgement_that_came_twice_is_dropped_once() {
    let value = DataBuf::octet_string([0x5a; 2_500]).to_octets();
    for (request, kind, done) in [
        (set(value.clone()), "c502", "c503c1 00 00000003"),
        (Request::Action { method: DISCONNECT, parameters: Some(value) }, "c704", "c701c1 00 00"),
    ] {
        let mut bench = Bench::associated(config());
        bench.request(request);
        bench.answer(&format!("{kind}c1 00000001"));
        bench.sent();
        bench.answer(&format!("{kind}c1 00000001"));
        assert!(bench.dropped(1));
        bench.answer(&format!("{kind}c1 00000002"));
        bench.sent();
        bench.answer(done);
        bench.response();
    }
}

#[test]
fn an_aare_that_came_twice_does_no_harm() {
    let mut bench = Bench::associating(config());
    bench.answer(ACCEPTED);
    assert!(matches!(bench.event(), Some(Event::Associated(_))));
    bench.answer(ACCEPTED);
    assert!(bench.dropped(1));
    bench.request(get(VOLTAGE));
    bench.answer(ACCEPTED);
    assert!(bench.dropped(2));
    assert!(bench.client.is_waiting());
}

/// AARE that asks for f(StoC) of HLS 3, with this challenge.
fn challenging(challenge: &str) -> Vec<u8> {
    let initiate = octets(INITIATE_RESPONSE);
    encoded(&Aare {
        acse_requirements: true,
        mechanism: Some(Mechanism::HlsMd5),
        responding_authentication_value: Some(challenge.as_bytes()),
        user_information: Some(&initiate),
        ..Aare::new(
            ApplicationContext::LogicalName,
            AssociationResult::Accepted,
            Diagnostic::User(AcseUserDiagnostic::AuthenticationRequired),
        )
    })
}

#[test]
fn while_authenticating_the_answer_to_the_repeated_aarq_counts_and_a_copy_does_not() {
    let mut bench = Bench::associating(ClientConfig {
        mechanism: Mechanism::HlsMd5,
        secret: Secret::from("12345678"),
        ..config()
    });
    // The AARQ goes out again before its first answer comes.
    bench.pass_to_timeout();
    assert_eq!(bench.sent()[0], tag::AARQ);
    bench.answer_octets(&challenging("the first challenge"));
    let first = bench.sent();
    bench.answer_octets(&challenging("the first challenge"));
    assert!(bench.dropped(1));
    bench.answer_octets(&challenging("the second challenge"));
    let second = bench.sent();
    assert_eq!((&first[..2], &second[..2]), (&[0xc3, 1][..], &[0xc3, 1][..]));
    assert_ne!(first[3..], second[3..]);
}

#[test]
fn a_ciphered_aare_that_came_twice_does_no_harm() {
    let mut bench = Bench::associating(ClientConfig {
        mechanism: Mechanism::HlsGmac,
        datagrams: true,
        ..ciphered()
    });
    let aare = |counter, challenge: &str| {
        let initiate = from_meter(0x28, counter, BOTH, INITIATE_RESPONSE);
        encoded(&Aare {
            responding_ap_title: Some(&SERVER_TITLE.0),
            responding_authentication_value: Some(challenge.as_bytes()),
            user_information: Some(&initiate),
            ..Aare::new(
                ApplicationContext::LogicalNameCiphered,
                AssociationResult::Accepted,
                Diagnostic::User(AcseUserDiagnostic::AuthenticationRequired),
            )
        })
    };
    bench.pass_to_timeout();
    bench.sent();
    bench.answer_octets(&aare(7, "the first challenge"));
    bench.sent();
    bench.answer_octets(&aare(8, "the second challenge"));
    bench.sent();
    for (before, counter) in (0..).zip([8, 7]) {
        let challenge = if counter == 8 { "the second challenge" } else { "the first challenge" };
        bench.answer_octets(&aare(counter, challenge));
        assert!(bench.dropped(before + 1));
    }
    assert!(bench.client.is_waiting());
}

#[test]
fn a_complaint_about_the_copy_of_a_request_is_not_about_the_request() {
    let mut bench = Bench::ciphered(ClientConfig { datagrams: true, ..ciphered() });
    // Counter 101 arrives twice, and the complaint about the second copy overtakes the answer.
    bench.request(get(VOLTAGE));
    bench.answer("d80206 00000066");
    assert!(bench.dropped(1));
    bench.answer_octets(&from_meter(0xcc, 8, BOTH, "c401c1 00 1208fd"));
    bench.response();
    // Or it comes so late that it meets the next request.
    bench.request(get(VOLTAGE));
    bench.answer("d80206 00000066");
    assert!(bench.dropped(2));
    assert!(bench.client.is_waiting() && bench.client.poll_timeout().is_some());
    // A meter that is ahead says so.
    bench.answer("d80206 00000068");
    let service = ExceptionService::InvocationCounterError(0x68);
    let exception = ExceptionResponse { state: ExceptionState::ServiceUnknown, service };
    assert_eq!(bench.failure(), Failure::Exception(exception));

    // On a line that does not double anything, it is about the request.
    let mut bench = ciphered_and_associated();
    bench.request(get(VOLTAGE));
    bench.answer("d80206 00000066");
    assert!(matches!(bench.failure(), Failure::Exception(_)));
}
