//! AARQ and AARE, without and with a password (IEC 62056-5-3 clauses 6.2 and 7.2).

use super::*;

/// AARE of a meter that accepts with `diagnostic` and this InitiateResponse.
fn accepted(diagnostic: u8, initiate: &str) -> String {
    format!(
        "6129 a109060760857405080101 a203020100 a305a1030201{diagnostic:02x} be10040e {initiate}"
    )
}

fn with_password() -> ClientConfig {
    ClientConfig {
        mechanism: Mechanism::Lls,
        secret: Secret::from("12345678"),
        ..ClientConfig::default()
    }
}

#[test]
fn a_public_client_opens_reads_and_closes() {
    let mut bench = Bench::new(ClientConfig { max_receive_pdu: 0x04b0, ..ClientConfig::default() });
    bench.client.associate(&mut Counting(0)).unwrap();
    // Context LN without ciphering; InitiateRequest: no dedicated key, DLMS version 6.
    assert_eq!(
        hex(&bench.sent()),
        "601da109060760857405080101be10040e01000000065f1f0400401e9f04b0"
    );
    bench.answer(ACCEPTED);
    let Some(Event::Associated(association)) = bench.event() else { panic!("not associated") };
    assert_eq!(association.max_send_pdu, 1024);
    assert!(association.conformance.contains(Conformance::GET | Conformance::SELECTIVE_ACCESS));

    assert_eq!(hex(&bench.request(get(VOLTAGE))), "c001c100030100200700ff0200");
    bench.answer("c401c1 00 1208fd");
    let value = vec![0x12, 0x08, 0xfd];
    assert_eq!(bench.event(), Some(Event::Response(ANY, Response::Get(Ok(value)))));

    bench.client.release().unwrap();
    assert_eq!(hex(&bench.sent()), "6203800100");
    bench.answer("6303800100");
    assert_eq!(bench.event(), Some(Event::Released));
    assert_eq!(bench.client.poll_timeout(), None);
}

#[test]
fn a_password_travels_in_the_aarq_and_a_rejection_names_its_reason() {
    let config = ClientConfig {
        mechanism: Mechanism::Lls,
        secret: Secret::from("12345678"),
        ..ClientConfig::default()
    };
    let mut bench = Bench::new(config);
    bench.client.associate(&mut Counting(0)).unwrap();
    assert!(hex(&bench.sent()).contains("8a0207808b0760857405080201ac0a80083132333435363738"));
    // Rejected permanently, authentication-failure, no user-information.
    bench.answer("6117 a109060760857405080101 a203020101 a305a10302010d");
    let Some(Event::AssociationFailed { phase, failure }) = bench.event() else { panic!() };
    assert_eq!(phase, Phase::Associate);
    let expected = Failure::Rejected {
        result: AssociationResult::RejectedPermanent,
        diagnostic: Diagnostic::User(AcseUserDiagnostic::AuthenticationFailure),
        error: None,
    };
    assert_eq!(failure, expected);
    assert!(!bench.client.is_associated());
}

#[test]
fn what_the_configuration_lacks_is_said_before_anything_is_sent() {
    for (mechanism, lacks) in [
        (Mechanism::Lls, "password"),
        (Mechanism::HlsMd5, "password"),
        (Mechanism::HlsSha256, "client system title"),
        (Mechanism::HlsGmac, "encryption key"),
        (Mechanism::HlsEcdsa, "signature keys"),
        (Mechanism::Other(8), "authentication mechanism"),
    ] {
        let config = ClientConfig { mechanism, ..ClientConfig::default() };
        let mut bench = Bench::new(config);
        assert_eq!(bench.client.associate(&mut Counting(0)), Err(Misuse::Lacks(lacks)));
        assert!(bench.silent());
    }
}

#[test]
fn a_service_error_instead_of_an_initiate_response_ends_the_association() {
    let mut bench = Bench::new(ClientConfig::default());
    bench.client.associate(&mut Counting(0)).unwrap();
    bench.sent();
    bench.answer("611f a109060760857405080101 a203020101 a305a10302010d be0604040e010602");
    let Some(Event::AssociationFailed { failure, .. }) = bench.event() else { panic!() };
    let Failure::Rejected { error: Some(error), .. } = failure else { panic!("{failure:?}") };
    let expected =
        ConfirmedServiceError { service: 1, error: ServiceError { choice: 6, value: 2 } };
    assert_eq!(error, expected);
}

#[test]
fn another_meter_at_the_address_is_refused() {
    let other = SystemTitle(*b"XXX\0\0\0\0\x02");
    let mut bench = Bench::new(ClientConfig { server_title: Some(other), ..ciphered() });
    bench.client.grant_counters(1..10);
    bench.client.associate(&mut Counting(0)).unwrap();
    bench.sent();
    bench.answer_octets(&aare_with(&from_meter(0x28, 7, BOTH, INITIATE_RESPONSE)));
    let failure = Failure::OtherMeter { expected: other, found: SERVER_TITLE };
    let failed = Event::AssociationFailed { phase: Phase::Associate, failure };
    assert_eq!(bench.event(), Some(failed));
}

#[test]
fn an_association_answered_in_clear_is_refused() {
    let mut bench = Bench::new(ciphered());
    bench.client.grant_counters(1..10);
    bench.client.associate(&mut Counting(0)).unwrap();
    bench.sent();
    bench.answer_octets(&aare_with(&octets(INITIATE_RESPONSE)));
    let failure = Failure::Unprotected;
    let failed = Event::AssociationFailed { phase: Phase::Associate, failure };
    assert_eq!(bench.event(), Some(failed));
}

#[test]
fn an_initiate_response_that_breaks_the_proposal_opens_nothing() {
    for (initiate, violation) in [
        // Version 5; short names.
        ("0800055f1f0400401e1d04000007", Violation::Version(5)),
        ("0800065f1f0400401e1d0400fa00", Violation::VaaName(0xfa00)),
    ] {
        let mut bench = Bench::associating(ClientConfig::default());
        bench.answer(&accepted(0, initiate));
        assert_eq!(bench.association_failure(), (Phase::Associate, violation.into()));
    }
}

#[test]
fn another_context_than_the_proposed_one_is_refused() {
    for (wire, context) in [
        ("60857405080102", ApplicationContext::ShortName),
        ("60857405080103", ApplicationContext::LogicalNameCiphered),
    ] {
        let mut bench = Bench::associating(ClientConfig::default());
        bench.answer(&ACCEPTED.replace("60857405080101", wire));
        let violation = Violation::Context(context);
        assert_eq!(bench.association_failure(), (Phase::Associate, violation.into()));
    }
    // An unciphered context would be a step down.
    let mut bench = Bench::associating(ciphered());
    bench.answer(ACCEPTED);
    let violation = Violation::Context(ApplicationContext::LogicalName);
    assert_eq!(bench.association_failure(), (Phase::Associate, violation.into()));
}

#[test]
fn a_meter_that_waits_for_a_proof_nobody_proposed_is_refused() {
    for config in [ClientConfig::default(), with_password()] {
        let mut bench = Bench::associating(config);
        bench.answer(&accepted(14, INITIATE_RESPONSE));
        let violation = Violation::WantsAuthentication;
        assert_eq!(bench.association_failure(), (Phase::Associate, violation.into()));
    }
}

#[test]
fn an_aare_that_accepts_without_initiate_response_opens_nothing() {
    let mut bench = Bench::associating(ClientConfig::default());
    bench.answer("6117 a109060760857405080101 a203020100 a305a103020100");
    let violation = Violation::AareLacks("user-information");
    assert_eq!(bench.association_failure(), (Phase::Associate, violation.into()));

    // A ConfirmedServiceError in its place, although the AARE accepts.
    let mut bench = Bench::associating(ClientConfig::default());
    bench.answer("611f a109060760857405080101 a203020100 a305a103020100 be0604040e010602");
    let error = ConfirmedServiceError { service: 1, error: ServiceError { choice: 6, value: 2 } };
    assert_eq!(bench.association_failure(), (Phase::Associate, Failure::ServiceError(error)));

    // Another APDU in its place.
    let mut bench = Bench::associating(ClientConfig::default());
    bench.answer("6122 a109060760857405080101 a203020100 a305a103020100 be090407 c401c1001208fd");
    let failure = unexpected("get-response");
    assert_eq!(bench.association_failure(), (Phase::Associate, failure));
}

#[test]
fn an_answer_that_is_no_aare_opens_nothing() {
    let exception = ExceptionResponse {
        state: ExceptionState::ServiceNotAllowed,
        service: ExceptionService::OperationNotPossible,
    };
    let error = ConfirmedServiceError { service: 1, error: ServiceError { choice: 6, value: 1 } };
    for (answer, expected) in [
        ("c401c1 00 1208fd", unexpected("get-response")),
        ("6303800100", unexpected("RLRE")),
        ("d80101", Failure::Exception(exception)),
        ("0e010601", Failure::ServiceError(error)),
        // Ciphered, although there is no key.
        ("cc 06 30 00000001 00", Failure::NoKeys),
    ] {
        let mut bench = Bench::associating(ClientConfig::default());
        bench.answer(answer);
        assert_eq!(bench.association_failure(), (Phase::Associate, expected), "{answer}");
    }
    for broken in ["", "61", "6129 a109", "6129a1090607608574050801ff"] {
        let mut bench = Bench::associating(ClientConfig::default());
        bench.answer(broken);
        let (_, failure) = bench.association_failure();
        assert!(matches!(failure, Failure::Malformed(_)), "{broken}: {failure:?}");
    }
}

#[test]
fn only_what_both_sides_have_is_agreed_on() {
    let conformance = Conformance::GET | Conformance::BLOCK_GET;
    let mut bench = Bench::associating(ClientConfig { conformance, ..ClientConfig::default() });
    // The meter has everything and takes APDUs of any size.
    bench.answer(&accepted(0, "0800065f1f0400ffffff00000007"));
    assert!(matches!(bench.event(), Some(Event::Associated(_))));
    assert_eq!(bench.client.association().conformance, conformance);
    assert_eq!(bench.client.association().max_send_pdu, u16::MAX);

    let list = Request::GetList(vec![(VOLTAGE, None)]);
    bench.client.request(list).unwrap();
    assert_eq!(bench.failure(), Failure::NotNegotiated("multiple references"));
    assert!(bench.silent());
}

#[test]
fn nothing_can_be_asked_before_and_nothing_opened_after() {
    let mut bench = Bench::new(ClientConfig::default());
    assert_eq!(bench.client.request(get(VOLTAGE)), Err(Misuse::State));
    assert_eq!(bench.client.release(), Err(Misuse::State));
    bench.client.associate(&mut Counting(0)).unwrap();
    assert_eq!(bench.client.associate(&mut Counting(0)), Err(Misuse::State));
    assert_eq!(bench.client.request(get(VOLTAGE)), Err(Misuse::State));
    bench.sent();
    bench.answer(ACCEPTED);
    assert_eq!(bench.client.associate(&mut Counting(0)), Err(Misuse::State));
    assert!(bench.client.is_associated());
}

#[test]
fn a_failed_association_can_be_opened_again() {
    let mut bench = Bench::associating(ClientConfig::default());
    bench.answer("d80101");
    bench.association_failure();
    bench.client.associate(&mut Counting(0)).unwrap();
    bench.sent();
    bench.answer(ACCEPTED);
    assert!(matches!(bench.event(), Some(Event::Associated(_))));
}

#[test]
fn without_association_every_apdu_is_dropped() {
    let mut bench = Bench::associating(ClientConfig::default());
    bench.client.abort();
    assert_eq!(bench.client.poll_timeout(), None);
    for (before, apdu) in (0..).zip([ACCEPTED, "c401c1001208fd", "6303800100", "0f0000000100 00"]) {
        bench.answer(apdu);
        assert!(bench.dropped(before + 1), "{apdu}");
    }
}
