//! A key of its own for one association (Green Book 9.2.3.3.5.4).

use super::*;
use crate::{
    security::{UnprotectRequest, decode_head, unprotect_in_place},
    xdlms::InitiateRequest,
};

/// `Counting` fills the challenge first.
fn dedicated_key() -> Key {
    key(0x11)
}

fn config(general: bool) -> ClientConfig {
    let config = ciphered();
    let ciphering = Ciphering { dedicated: true, general, ..config.ciphering.unwrap() };
    ClientConfig { ciphering: Some(ciphering), ..ciphered() }
}

fn control() -> SecurityControl {
    SecurityControl::new(SecuritySuite::Suite0, BOTH)
}

/// What the meter says under the dedicated key.
fn dedicated(wire: u8, counter: u32, plain: &str) -> Vec<u8> {
    sealed(wire, counter, control(), &dedicated_key(), plain)
}

fn expects(counter: u32) -> String {
    format!("d80206 {counter:08x}")
}

#[test]
fn the_key_travels_ciphered_in_the_aarq() {
    let mut bench = Bench::new(config(false));
    bench.client.grant_counters(100..164);
    bench.client.associate(&mut Counting(0)).unwrap();
    let aarq = bench.sent();
    assert!(!hex(&aarq).contains(&hex(dedicated_key().octets())));
    let mut aarq = Aarq::decode(&aarq).unwrap().user_information.unwrap().to_vec();
    let head = decode_head(&aarq).unwrap();
    assert_eq!((head.tag, head.counter), (tag::GLO_INITIATE_REQUEST, 100));
    let request = UnprotectRequest {
        required: control(),
        system_title: Some(CLIENT_TITLE),
        key: &key(0),
        authentication_key: Some(&key(0xd0)),
    };
    let opened = unprotect_in_place(&RustCrypto, &request, &head, &mut aarq).unwrap();
    let initiate = InitiateRequest::decode(opened.plain).unwrap();
    assert_eq!(initiate.dedicated_key, Some(dedicated_key().octets()));
}

#[test]
fn services_go_under_the_dedicated_key_with_counters_of_its_own() {
    for (general, sent, answered) in [
        (false, "d01e3000000000", tag::DED_GET_RESPONSE),
        (true, "dc084d4d4d00000000011e3000000000", tag::GENERAL_DED_CIPHERING),
    ] {
        let mut bench = Bench::ciphered(config(general));
        let left = bench.client.counters_left();
        let request = hex(&bench.request(get(VOLTAGE)));
        assert!(request.starts_with(sent), "{request}");
        assert_eq!(bench.client.counters_left(), left, "no global counter was taken");
        // The first counter of the key is zero, whatever the global one is at.
        bench.answer_octets(&dedicated(answered, 0, "c401c1 00 1208fd"));
        assert_eq!(bench.response(), Response::Get(Ok(octets("1208fd"))));
        let request = hex(&bench.request(get(VOLTAGE)));
        assert!(request.starts_with(&sent.replace("3000000000", "3000000001")), "{request}");
        bench.answer_octets(&dedicated(answered, 0, "c401c2 00 1208fd"));
        let error = SecurityError::CounterNotGreater { received: 0, last: 0 };
        assert_eq!(bench.failure(), error.into());
    }
}

#[test]
fn an_answer_under_the_global_key_is_refused() {
    for wire in [tag::GLO_GET_RESPONSE, tag::GENERAL_GLO_CIPHERING] {
        let mut bench = Bench::ciphered(config(false));
        bench.request(get(VOLTAGE));
        bench.answer_octets(&from_meter(wire, 8, BOTH, "c401c1 00 1208fd"));
        assert_eq!(bench.failure(), Failure::Unprotected);
    }
    // And one under the dedicated key where none was agreed on.
    let mut bench = ciphered_and_associated();
    bench.request(get(VOLTAGE));
    bench.answer_octets(&dedicated(tag::DED_GET_RESPONSE, 8, "c401c1 00 1208fd"));
    assert_eq!(bench.failure(), Failure::NoKeys);
}

#[test]
fn a_push_under_the_global_key_is_one_all_the_same() {
    let mut bench = Bench::ciphered(config(false));
    let plain = "0f00000001 00 0600000001";
    bench.answer_octets(&from_meter(tag::GENERAL_GLO_CIPHERING, 8, BOTH, plain));
    assert_eq!(bench.event(), Some(Event::Notification(octets(plain))));
}

#[test]
fn the_rlrq_goes_under_the_global_key() {
    let mut bench = Bench::ciphered(config(false));
    bench.client.release().unwrap();
    let sent = hex(&bench.sent());
    assert!(sent.starts_with("62") && sent.contains("21303000000065"), "{sent}");
}

#[test]
fn a_meter_that_goes_on_counting_is_followed_once_and_only_forward() {
    let mut bench = Bench::ciphered(ClientConfig { retries: 2, ..config(false) });
    bench.request(get(VOLTAGE));
    bench.answer(&expects(0x500));
    // The reading is asked again, from there on.
    assert_eq!(hex(&bench.sent()[..7]), "d01e3000000500");
    // The same complaint again is no reason to go on, and nobody moves us back.
    for counter in [0x500, 0x10] {
        let mut bench = Bench::ciphered(ClientConfig { retries: 2, ..config(false) });
        bench.request(get(VOLTAGE));
        bench.answer(&expects(0x500));
        bench.sent();
        bench.answer(&expects(counter));
        assert!(matches!(bench.failure(), Failure::Exception(_)));
        assert!(bench.silent());
        assert_eq!(hex(&bench.request(get(VOLTAGE))[..7]), "d01e3000000501");
    }
}

#[test]
fn a_meter_that_wants_the_very_next_counter_gets_it() {
    let mut bench = Bench::ciphered(ClientConfig { retries: 1, ..config(false) });
    assert_eq!(hex(&bench.request(get(VOLTAGE))[..7]), "d01e3000000000");
    bench.answer(&expects(1));
    assert_eq!(hex(&bench.sent()[..7]), "d01e3000000001");
}

#[test]
fn following_a_meter_ends_with_the_attempts() {
    let mut bench = Bench::ciphered(ClientConfig { retries: 2, ..config(false) });
    bench.request(get(VOLTAGE));
    for counter in [0x100, 0x200] {
        bench.answer(&expects(counter));
        assert_eq!(hex(&bench.sent()[..7]), format!("d01e30{counter:08x}"));
    }
    bench.answer(&expects(0x300));
    assert!(matches!(bench.failure(), Failure::Exception(_)));
    assert_eq!(hex(&bench.request(get(VOLTAGE))[..7]), "d01e3000000300");
}

#[test]
fn a_write_is_not_repeated_but_the_next_one_is_where_the_meter_is() {
    for request in [set(octets("120001")), disconnect()] {
        let mut bench = Bench::ciphered(config(false));
        bench.request(request);
        bench.answer(&expects(0x500));
        assert!(matches!(bench.failure(), Failure::Exception(_)));
        assert!(bench.silent());
        assert_eq!(hex(&bench.request(get(VOLTAGE))[..7]), "d01e3000000500");
    }
}

#[test]
fn the_global_counter_never_follows_anybody() {
    let mut bench = ciphered_and_associated();
    bench.request(get(VOLTAGE));
    bench.answer(&expects(0x500));
    assert!(matches!(bench.failure(), Failure::Exception(_)));
    assert_eq!(hex(&bench.request(get(VOLTAGE))[..7]), "c81e3000000066");
}

#[test]
fn a_new_association_has_a_new_key_from_its_first_counter_on() {
    let mut bench = Bench::ciphered(config(false));
    bench.request(get(VOLTAGE));
    bench.client.abort();
    bench.client.associate(&mut Counting(0x40)).unwrap();
    bench.sent();
    bench.answer_octets(&aare_with(&from_meter(0x28, 8, BOTH, INITIATE_RESPONSE)));
    assert!(matches!(bench.event(), Some(Event::Associated(_))));
    assert_eq!(hex(&bench.request(get(VOLTAGE))[..7]), "d01e3000000000");
    // Nothing under the former key counts any more.
    bench.answer_octets(&dedicated(tag::DED_GET_RESPONSE, 0, "c401c2 00 1208fd"));
    assert_eq!(bench.failure(), SecurityError::TagMismatch.into());
}
