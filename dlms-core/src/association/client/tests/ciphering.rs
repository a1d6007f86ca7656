//! Ciphered APDUs in every protection and form: one counter each, and nothing less comes in.

use super::*;

/// Security control 0x60: the global broadcast key.
fn broadcast() -> SecurityControl {
    SecurityControl::new(SecuritySuite::Suite0, BOTH).with_broadcast_key()
}

fn both() -> SecurityControl {
    SecurityControl::new(SecuritySuite::Suite0, BOTH)
}

/// The value of an answer to the request under way.
fn value(bench: &mut Bench) -> Vec<u8> {
    match bench.response() {
        Response::Get(Ok(value)) => value,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_ciphered_association_takes_one_counter_an_apdu() {
    let mut bench = ciphered_and_associated();
    assert_eq!(bench.client.counters_left(), 63);
    let sent = bench.request(get(VOLTAGE));
    assert_eq!(hex(&sent[..7]), "c81e3000000065");
    assert_eq!(bench.client.counters_left(), 62);
    bench.answer_octets(&from_meter(0xcc, 8, BOTH, "c401c100 1208fd"));
    let value = octets("1208fd");
    assert_eq!(bench.event(), Some(Event::Response(ANY, Response::Get(Ok(value)))));
}

#[test]
fn a_first_answer_that_does_not_verify_tells_the_operator_which_key_to_look_at() {
    for (encryption, authentication, suspected) in [
        (0, 0x55, SecurityError::AuthenticationKeySuspected),
        (0x55, 0xd0, SecurityError::EncryptionKeySuspected),
    ] {
        let mut config = ciphered();
        let ciphering = config.ciphering.as_mut().unwrap();
        ciphering.encryption_key = key(encryption);
        ciphering.authentication_key = Some(key(authentication));
        let mut bench = Bench::new(config);
        bench.client.grant_counters(1..10);
        bench.client.associate(&mut Counting(0)).unwrap();
        bench.sent();
        bench.answer_octets(&aare_with(&from_meter(0x28, 7, BOTH, INITIATE_RESPONSE)));
        let failure = Failure::Security(suspected);
        let failed = Event::AssociationFailed { phase: Phase::Associate, failure };
        assert_eq!(bench.event(), Some(failed));
        // The meter learns nothing of it.
        assert!(bench.silent());
    }
}

#[test]
fn without_counters_nothing_is_sent() {
    let mut bench = Bench::new(ciphered());
    bench.client.associate(&mut Counting(0)).unwrap();
    assert!(bench.silent());
    let failure = Failure::CountersExhausted;
    let failed = Event::AssociationFailed { phase: Phase::Associate, failure };
    assert_eq!(bench.event(), Some(failed));
}

#[test]
fn an_altered_answer_gives_no_value_and_a_genuine_one_still_does() {
    let mut bench = ciphered_and_associated();
    let genuine = from_meter(0xcc, 8, BOTH, "c401c100 1208fd");
    for octet in 0..genuine.len() {
        for bit in 0..8 {
            bench.request(get(VOLTAGE));
            let mut altered = genuine.clone();
            altered[octet] ^= 1 << bit;
            bench.answer_octets(&altered);
            let Some(Event::RequestFailed(ANY, _)) = bench.event() else {
                panic!("bit {bit} of octet {octet} was not noticed")
            };
            assert_eq!(bench.event(), None);
            bench.client.grant_counters(1000..2000);
        }
    }
    // None of the forged counters was accepted: the genuine answer is not a replay. It answers
    // another request by now, so it is one of the right invoke-id that is taken.
    let sent = bench.request(get(VOLTAGE));
    let invoke = (genuine.len() * 8 + 1) % 16;
    assert_eq!(sent[0], 0xc8);
    bench.answer_octets(&from_meter(0xcc, 8, BOTH, &format!("c401c{invoke:x}00 1208fd")));
    let value = octets("1208fd");
    assert_eq!(bench.event(), Some(Event::Response(ANY, Response::Get(Ok(value)))));
}

#[test]
fn a_replayed_answer_is_refused() {
    let mut bench = ciphered_and_associated();
    bench.request(get(VOLTAGE));
    bench.answer_octets(&from_meter(0xcc, 8, BOTH, "c401c100 1208fd"));
    assert!(matches!(bench.event(), Some(Event::Response(ANY, _))));
    bench.request(get(VOLTAGE));
    bench.answer_octets(&from_meter(0xcc, 8, BOTH, "c401c200 1208fd"));
    let error = SecurityError::CounterNotGreater { received: 8, last: 8 };
    assert_eq!(bench.event(), Some(Event::RequestFailed(ANY, error.into())));
}

#[test]
fn an_answer_less_protected_than_agreed_is_refused() {
    let mut bench = ciphered_and_associated();
    bench.request(get(VOLTAGE));
    bench.answer("c401c100 1208fd");
    assert_eq!(bench.event(), Some(Event::RequestFailed(ANY, Failure::Unprotected)));

    for (counter, weaker) in [(8, Protection::ENCRYPTED), (9, Protection::AUTHENTICATED)] {
        bench.request(get(VOLTAGE));
        bench.answer_octets(&from_meter(0xcc, counter, weaker, "c401c200 1208fd"));
        let Some(Event::RequestFailed(ANY, Failure::Security(_))) = bench.event() else {
            panic!("{weaker} was accepted")
        };
    }
}

#[test]
fn the_tag_in_front_of_a_ciphered_apdu_must_fit_its_content() {
    let mut bench = ciphered_and_associated();
    bench.request(get(VOLTAGE));
    bench.answer_octets(&from_meter(0xcd, 8, BOTH, "c401c100 1208fd"));
    let violation = Violation::Unexpected("content of a ciphered APDU");
    assert_eq!(bench.event(), Some(Event::RequestFailed(ANY, violation.into())));
}

#[test]
fn the_release_of_a_ciphered_association_is_protected() {
    let mut bench = ciphered_and_associated();
    bench.client.release().unwrap();
    let sent = hex(&bench.sent());
    assert!(sent.starts_with("62"), "{sent}");
    // glo-initiateRequest with security control 30 under counter 101.
    assert!(sent.contains("3000000065"), "{sent}");
    bench.answer("6303800100");
    assert_eq!(bench.event(), Some(Event::Released));
}

#[test]
fn nothing_secret_shows_in_debug() {
    let config = ClientConfig { secret: Secret::from("hunter2"), ..ciphered() };
    let shown = format!("{config:?} {:?}", Client::new(config.clone(), Arc::new(RustCrypto)));
    for secret in ["hunter2", "0001020304", "0, 1, 2, 3", "d0d1d2", "208, 209"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[test]
fn the_general_form_carries_the_title() {
    let config = ciphered();
    let ciphering = Ciphering { general: true, ..config.ciphering.unwrap() };
    let mut bench = Bench::new(ClientConfig { ciphering: Some(ciphering), ..ciphered() });
    bench.client.grant_counters(100..164);
    bench.client.associate(&mut Counting(0)).unwrap();
    // To the general form the peer has not agreed yet: glo-initiate-request.
    let aarq = hex(&bench.sent());
    assert!(aarq.contains("be23042121 1f 3000000064".replace(' ', "").as_str()), "{aarq}");
    bench.answer_octets(&aare_with(&from_meter(0x28, 7, BOTH, INITIATE_RESPONSE)));
    assert!(matches!(bench.event(), Some(Event::Associated(_))));

    let sent = bench.request(get(VOLTAGE));
    assert_eq!(hex(&sent[..16]), "db084d4d4d00000000011e3000000065");
    bench.answer_octets(&sealed(0xdb, 8, both(), &key(0), "c401c1 00 1208fd"));
    assert_eq!(value(&mut bench), octets("1208fd"));

    // A meter may answer in the other form: it proves as much.
    bench.request(get(VOLTAGE));
    bench.answer_octets(&from_meter(0xcc, 9, BOTH, "c401c2 00 1208fd"));
    assert_eq!(value(&mut bench), octets("1208fd"));
}

#[test]
fn the_general_form_is_used_only_where_it_was_agreed_on() {
    let config = ciphered();
    let ciphering = Ciphering { general: true, ..config.ciphering.unwrap() };
    let mut bench = Bench::associating(ClientConfig { ciphering: Some(ciphering), ..ciphered() });
    // Everything of the proposal but general-protection.
    let response = INITIATE_RESPONSE.replace("00401e1d", "00001e1d");
    bench.answer_octets(&aare_with(&from_meter(0x28, 7, BOTH, &response)));
    assert!(matches!(bench.event(), Some(Event::Associated(_))));
    bench.client.request(get(VOLTAGE)).unwrap();
    assert_eq!(bench.failure(), Failure::NotNegotiated("general protection"));
    assert!(bench.silent());
}

#[test]
fn an_answer_from_another_title_is_refused() {
    let mut bench = ciphered_and_associated();
    bench.request(get(VOLTAGE));
    let mut answer = sealed(0xdb, 8, both(), &key(0), "c401c1 00 1208fd");
    answer[9] ^= 1;
    bench.answer_octets(&answer);
    let received = SystemTitle(*b"MMM\0\0\xbc\x61\x4f");
    let error = SecurityError::SystemTitleMismatch { received, expected: SERVER_TITLE };
    assert_eq!(bench.failure(), error.into());
}

#[test]
fn a_meter_whose_title_nobody_knows_cannot_be_deciphered() {
    let mut bench = Bench::associating(ClientConfig { server_title: None, ..ciphered() });
    let initiate = from_meter(0x28, 7, BOTH, INITIATE_RESPONSE);
    bench.answer_octets(&encoded(&Aare {
        user_information: Some(&initiate),
        ..Aare::new(
            ApplicationContext::LogicalNameCiphered,
            AssociationResult::Accepted,
            Diagnostic::User(AcseUserDiagnostic::Null),
        )
    }));
    let error = SecurityError::SystemTitleMissing;
    assert_eq!(bench.association_failure(), (Phase::Associate, error.into()));
}

#[test]
fn an_association_only_authenticated_shows_its_content_and_proves_it() {
    let authenticated = Protection::AUTHENTICATED;
    let mut bench = Bench::ciphered(ciphered_with(authenticated));
    let sent = hex(&bench.request(get(VOLTAGE)));
    // Security control 10, counter 101, the request in clear, a tag of 12 octets.
    assert_eq!(sent.len(), 2 * (2 + 5 + 13 + 12));
    assert!(sent.starts_with("c81e1000000065c001c100030100200700ff0200"), "{sent}");

    let genuine = from_meter(0xcc, 8, authenticated, "c401c1 00 1208fd");
    assert_eq!(hex(&genuine[..14]), "cc181000000008c401c1001208fd");
    for octet in 0..genuine.len() {
        let mut altered = genuine.clone();
        altered[octet] ^= 1;
        bench.answer_octets(&altered);
        bench.failure();
        // The next request has another invoke-id; 16 of them are the first again.
        for _ in 0..16 {
            bench.request(get(VOLTAGE));
            bench.client.grant_counters(1_000..10_000);
            if bench.client.invoke_id == 1 {
                break;
            }
            bench.cancel();
        }
    }
    bench.answer_octets(&genuine);
    assert_eq!(value(&mut bench), octets("1208fd"));
    // Encrypted as well is more than was agreed.
    bench.request(get(VOLTAGE));
    bench.answer_octets(&from_meter(0xcc, 9, BOTH, "c401c2 00 1208fe"));
    assert_eq!(value(&mut bench), octets("1208fe"));
}

#[test]
fn noise_does_not_move_the_counter_of_an_association_only_encrypted() {
    let encrypted = Protection::ENCRYPTED;
    let mut bench = Bench::ciphered(ciphered_with(encrypted));
    // What deciphers to octets that are no APDU, or to one of another kind.
    for noise in ["cc0c 20 00001000 5a5a5a5a5a5a5a", "cc05 20 00001000", "cc04 20 000010"] {
        bench.request(get(VOLTAGE));
        bench.answer(noise);
        bench.failure();
        assert_eq!(bench.client.receive_counter.last(), Some(7), "{noise}");
    }
    bench.request(get(VOLTAGE));
    bench.answer_octets(&from_meter(0xcc, 8, encrypted, "c401c4 00 1208fd"));
    assert_eq!(value(&mut bench), octets("1208fd"));
    assert_eq!(bench.client.receive_counter.last(), Some(8));
    // What was accepted is not accepted again.
    bench.request(get(VOLTAGE));
    bench.answer_octets(&from_meter(0xcc, 8, encrypted, "c401c5 00 1208fd"));
    let error = SecurityError::CounterNotGreater { received: 8, last: 8 };
    assert_eq!(bench.failure(), error.into());
}

#[test]
fn a_far_jump_of_an_unproven_counter_locks_nobody_out() {
    let encrypted = Protection::ENCRYPTED;
    let mut bench = Bench::ciphered(ciphered_with(encrypted));
    for (counter, moved_to) in [
        // From 7 on, the next is 8: this is one beyond the jump that counts.
        (8 + (1 << 20) + 1, 7),
        (u32::MAX - 1, 7),
        (8 + (1 << 20), 8 + (1 << 20)),
    ] {
        let sent = bench.request(get(VOLTAGE));
        assert_eq!(sent[0], 0xc8);
        let invoke = bench.client.invoke_id;
        let answer = format!("c401c{invoke:x} 00 1208fd");
        bench.answer_octets(&from_meter(0xcc, counter, encrypted, &answer));
        assert_eq!(value(&mut bench), octets("1208fd"));
        assert_eq!(bench.client.receive_counter.last(), Some(moved_to));
    }
}

#[test]
fn a_ciphered_answer_in_a_plain_association_cannot_be_read() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(get(VOLTAGE));
    bench.answer_octets(&from_meter(0xcc, 8, BOTH, "c401c1 00 1208fd"));
    assert_eq!(bench.failure(), Failure::NoKeys);
    // What the meter pushes to everybody is no answer.
    bench.request(get(VOLTAGE));
    bench.answer_octets(&sealed(0xdb, 8, both(), &key(0), "0f00000001 00 0600000001"));
    assert!(bench.dropped(1));
    assert!(bench.client.is_waiting());
}

#[test]
fn a_push_under_the_broadcast_key_is_not_ours_and_disturbs_nothing() {
    let mut bench = ciphered_and_associated();
    bench.request(get(VOLTAGE));
    for tag in [0xdb, 0xca] {
        let plain = if tag == 0xca { "c20000030100200700ff021208fd" } else { "0f0000000100 00" };
        let push = sealed(tag, 900, broadcast(), &key(0x40), plain);
        bench.answer_octets(&push);
    }
    assert!(bench.dropped(2));
    bench.answer_octets(&from_meter(0xcc, 8, BOTH, "c401c1 00 1208fd"));
    assert_eq!(value(&mut bench), octets("1208fd"));

    // An answer under it is refused: everybody has that key.
    bench.request(get(VOLTAGE));
    bench.answer_octets(&sealed(0xcc, 9, broadcast(), &key(0), "c401c2 00 1208fd"));
    assert_eq!(bench.failure(), SecurityError::KeySet { broadcast: true }.into());
}

#[test]
fn counters_are_needed_where_something_is_protected() {
    for (config, needed) in [
        (ClientConfig::default(), false),
        (ciphered_with(Protection::NONE), false),
        (ciphered_with(Protection::AUTHENTICATED), true),
        (ciphered_with(Protection::ENCRYPTED), true),
        (ciphered(), true),
    ] {
        assert_eq!(Bench::new(config).client.needs_counters(), needed);
    }
}

#[test]
fn a_request_without_counter_fails_and_the_next_grant_goes_on() {
    let mut bench = ciphered_and_associated();
    bench.client.send_counters = SendCounters::new();
    bench.client.request(get(VOLTAGE)).unwrap();
    assert_eq!(bench.failure(), Failure::CountersExhausted);
    assert!(bench.silent());
    bench.client.grant_counters(200..201);
    let sent = bench.request(get(VOLTAGE));
    assert_eq!(hex(&sent[..7]), "c81e30000000c8");
}
