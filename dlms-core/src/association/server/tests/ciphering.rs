//! What is refused in an association with ciphering, and that nothing is forgotten after it.

use std::format;

use super::{
    pair::{Pair, cipherings, config},
    *,
};
use crate::{
    association::{ClientConfig, Event, Request},
    security::{ProtectRequest, SecurityControl, protect},
};
use sans_io_time::Instant;

const NOW: Instant = Instant::ZERO;
const TITLE: SystemTitle = SystemTitle(*b"CLIENT01");

/// An open association with this ciphering, and the next request of its client, ready to be sent.
fn about_to_get(ciphering: crate::association::Ciphering) -> (Pair, Vec<u8>) {
    let config = ClientConfig { ciphering: Some(ciphering), ..config(Mechanism::HlsGmac) };
    let mut pair = Pair::new(config, Toy::new());
    assert!(matches!(&pair.associate()[..], [Event::Associated(_)]));
    let attribute =
        AttributeDescriptor::new(ClassId::REGISTER, LogicalName([1, 0, 1, 8, 0, 255]), 2);
    pair.client.request(Request::Get { attribute, selection: None }).unwrap();
    let mut apdu = Vec::new();
    assert!(pair.client.poll_transmit(NOW, &mut apdu));
    (pair, apdu)
}

/// A request that is protected by whoever has the keys.
fn protected(tag: u8, protection: Protection, counter: u32, plain: &str) -> Vec<u8> {
    let device = Toy::new();
    let mut out = Vec::new();
    let request = ProtectRequest {
        tag,
        system_title: TITLE,
        send_title: true,
        control: SecurityControl::new(SecuritySuite::Suite0, protection),
        counter,
        key: &device.encryption_key,
        authentication_key: Some(&device.authentication_key),
    };
    protect(&RustCrypto, &request, &octets(plain), &mut out).unwrap();
    out
}

#[test]
fn a_published_request_is_understood() {
    // Keys, title and counter of the worked example: glo-get-request of the time, C8 1E 30.
    let mut bench = Bench::new(Toy::new());
    let title = "4d4d4d0000bc614e";
    // glo-initiate-request of the same example, with the dedicated key 00112233...
    let initiate = "21303001234567801302ff8a7874133d414ced25b42534d28db0047720606b175bd52211be68\
                    41db204d39ee6fdb8e356855";
    let aarq = format!("604da109060760857405080103a60a0408{title}be340432{initiate}");
    let aare = bench.ask(&aarq);
    assert!(aare.starts_with("61"), "{aare}");
    assert!(bench.server.is_associated(), "{aare}");
    // The counter is used up now; what the example sends with it next is a replay.
    let get = "c81e3001234567411312ff935a47566827c467bc7d825c3be4a77c3fcc056b6b";
    assert_eq!(bench.ask(get), "d8010601234568");
    bench.device.received.clear();
    // 0-0:1.0.0*255 is not there, which is a proper answer, under the device's counter 102.
    let answer = bench.ask(get);
    assert!(answer.starts_with("cc163000000066"), "{answer}");
}

#[test]
fn a_replay_is_refused_with_the_counter_that_is_expected() {
    for ciphering in cipherings() {
        let (mut pair, get) = about_to_get(ciphering);
        assert!(!pair.bench.ask_octets(&get).is_empty());
        let again = hex(&pair.bench.ask_octets(&get));
        assert!(again.starts_with("d80106"), "{again}");
    }
}

#[test]
fn counters_outlive_associations() {
    for ciphering in cipherings() {
        let (mut pair, get) = about_to_get(ciphering.clone());
        pair.bench.ask_octets(&get);
        let aarq = pair.line[0].clone();
        let expected = pair.bench.device.received(TITLE).lowest_acceptable();
        pair.bench.server.abort();
        // The whole association again, as a recording of it would play.
        let answer = format!("d80106{expected:08x}");
        assert_eq!(hex(&pair.bench.ask_octets(&aarq)), answer, "{ciphering:?}");
        assert!(!pair.bench.server.is_associated());
    }
}

#[test]
fn no_flipped_bit_gets_through_and_none_moves_the_counter() {
    for ciphering in cipherings() {
        if !ciphering.protection.authenticated {
            continue;
        }
        let (mut pair, get) = about_to_get(ciphering.clone());
        let before = pair.bench.device.received(TITLE);
        for bit in 0..get.len() * 8 {
            let mut changed = get.clone();
            changed[bit / 8] ^= 0x80 >> (bit % 8);
            let answer = hex(&pair.bench.ask_octets(&changed));
            // What says that it is to many gets no answer, not even a refusal.
            let silent = cipher::is_broadcast(&changed);
            assert_eq!(answer.starts_with("d80"), !silent, "bit {bit}: {answer}");
            assert_eq!(answer.is_empty(), silent, "bit {bit}: {answer}");
            assert_eq!(pair.bench.device.received(TITLE), before, "bit {bit}");
        }
        let answer = pair.bench.ask_octets(&get);
        assert_ne!(answer[0], 0xd8, "the genuine one is still welcome: {ciphering:?}");
    }
}

#[test]
fn what_is_only_encrypted_moves_the_counter_only_when_it_is_an_apdu() {
    let mut bench = Bench::new(Toy::new());
    bench.device.proven_release = false;
    let mut pair = Pair::new(
        ClientConfig {
            ciphering: Some(pair::ciphering(Protection::ENCRYPTED)),
            ..config(Mechanism::Lls)
        },
        Toy::new(),
    );
    pair.associate();
    let before = pair.bench.device.received(TITLE);
    // Made up without any key.
    let forged = "c80b20fffffff0aabbccddeeff";
    assert_eq!(pair.bench.ask(forged), "d80105");
    assert_eq!(pair.bench.device.received(TITLE), before);
}

#[test]
fn an_unprotected_request_is_refused_where_ciphering_was_agreed() {
    for ciphering in cipherings() {
        let (mut pair, _) = about_to_get(ciphering);
        assert_eq!(pair.bench.ask(&format!("c001c1{ENERGY}00")), "d80101");
        assert_eq!(pair.bench.ask(&format!("c101c1{NOTE}001107")), "d80101");
        assert_eq!(pair.bench.device.note, [0x11, 0x05]);
    }
}

#[test]
fn less_protection_than_the_device_demands_is_refused() {
    let required = Protection::AUTHENTICATED_ENCRYPTED;
    let strict = || Toy { protection: required, ..Toy::new() };
    for ciphering in cipherings() {
        let protection = ciphering.protection;
        let config = ClientConfig { ciphering: Some(ciphering), ..config(Mechanism::HlsGmac) };
        let mut pair = Pair::new(config, strict());
        let associated = matches!(&pair.associate()[..], [Event::Associated(_)]);
        assert_eq!(associated, protection.covers(required), "{protection}");
        if associated {
            let less = protected(
                tag::GLO_GET_REQUEST,
                Protection::AUTHENTICATED,
                1_500,
                &format!("c001c1{ENERGY}00"),
            );
            assert_eq!(hex(&pair.bench.ask_octets(&less)), "d80101");
        }
    }
}

#[test]
fn a_ciphered_request_is_not_supported_where_no_ciphering_was_agreed() {
    let mut bench = Bench::associated();
    let get = protected(
        tag::GLO_GET_REQUEST,
        Protection::AUTHENTICATED_ENCRYPTED,
        1,
        &format!("c001c1{ENERGY}00"),
    );
    assert_eq!(hex(&bench.ask_octets(&get)), "d80102");
}

#[test]
fn a_request_in_the_wrapping_of_another_service_is_refused() {
    let ciphering = pair::ciphering(Protection::AUTHENTICATED_ENCRYPTED);
    let (mut pair, _) = about_to_get(ciphering);
    let set = protected(
        tag::GLO_GET_REQUEST,
        Protection::AUTHENTICATED_ENCRYPTED,
        1_500,
        &format!("c101c1{NOTE}001107"),
    );
    assert_eq!(hex(&pair.bench.ask_octets(&set)), "d80105");
    assert_eq!(pair.bench.device.note, [0x11, 0x05]);
}

#[test]
fn the_answer_has_the_form_and_the_protection_of_its_request() {
    let ciphering = pair::ciphering(Protection::AUTHENTICATED_ENCRYPTED);
    let (mut pair, _) = about_to_get(ciphering);
    let get = format!("c001c1{ENERGY}00");
    for (counter, (wire, protection, answer)) in (1_500_u32..).zip([
        (tag::GLO_GET_REQUEST, Protection::AUTHENTICATED, "cc1a10"),
        (tag::GLO_GET_REQUEST, Protection::ENCRYPTED, "cc0e20"),
        (tag::GLO_GET_REQUEST, Protection::AUTHENTICATED_ENCRYPTED, "cc1a30"),
        (tag::GENERAL_GLO_CIPHERING, Protection::AUTHENTICATED, "db08544f59000000000 11a10"),
        (tag::GENERAL_GLO_CIPHERING, Protection::ENCRYPTED, "db08544f59000000000 10e20"),
    ]) {
        let found = hex(&pair.bench.ask_octets(&protected(wire, protection, counter, &get)));
        assert!(found.starts_with(&answer.replace(' ', "")), "{found}");
    }
    // An exception has a ciphered form only inside the general ones.
    let broken = "c009c1";
    let service = protected(tag::GLO_GET_REQUEST, Protection::AUTHENTICATED, 1_600, broken);
    assert_eq!(hex(&pair.bench.ask_octets(&service)), "d80103");
    let general = protected(tag::GENERAL_GLO_CIPHERING, Protection::AUTHENTICATED, 1_601, broken);
    let answer = hex(&pair.bench.ask_octets(&general));
    assert!(answer.starts_with("db") && answer.contains("d80103"), "{answer}");
}

#[test]
fn a_dedicated_key_is_of_no_use_where_none_was_agreed() {
    let ciphering = pair::ciphering(Protection::AUTHENTICATED_ENCRYPTED);
    let (mut pair, _) = about_to_get(ciphering);
    let get = protected(
        tag::DED_GET_REQUEST,
        Protection::AUTHENTICATED_ENCRYPTED,
        1_500,
        &format!("c001c1{ENERGY}00"),
    );
    assert_eq!(hex(&pair.bench.ask_octets(&get)), "d80105");
}

#[test]
fn a_dedicated_key_that_comes_again_goes_on_counting() {
    let ciphering = crate::association::Ciphering {
        dedicated: true,
        ..pair::ciphering(Protection::AUTHENTICATED_ENCRYPTED)
    };
    let config = ClientConfig { ciphering: Some(ciphering), ..config(Mechanism::HlsGmac) };
    let mut pair = Pair::new(config.clone(), Toy::new());
    let attribute =
        AttributeDescriptor::new(ClassId::REGISTER, LogicalName([1, 0, 1, 8, 0, 255]), 2);
    assert!(matches!(&pair.associate()[..], [Event::Associated(_)]));
    pair.request(Request::Get { attribute, selection: None });

    // The same chance gives the same key.
    let mut again = Pair::new(config, Toy::new());
    core::mem::swap(&mut pair.client, &mut again.client);
    pair.client.grant_counters(3_000..4_000);
    assert!(matches!(&pair.associate()[..], [Event::Associated(_)]));
    pair.request(Request::Get { attribute, selection: None });

    // ded-get-response: tag, length, security control, counter.
    let mut counters: Vec<_> = pair
        .line
        .iter()
        .filter(|apdu| apdu[0] == tag::DED_GET_RESPONSE)
        .map(|apdu| apdu[3..7].to_vec())
        .collect();
    let answers = counters.len();
    counters.sort_unstable();
    counters.dedup();
    assert_eq!((answers, counters.len()), (2, 2), "{:02x?}", pair.line);
}

#[test]
fn only_the_client_itself_releases_its_association() {
    for ciphering in cipherings() {
        let (mut pair, _) = about_to_get(ciphering);
        assert_eq!(pair.bench.ask("6203800100"), "6303800101", "not-finished");
        assert!(pair.bench.server.is_associated());
        pair.bench.device.proven_release = false;
        assert_eq!(pair.bench.ask("6203800100"), "6303800100");
        assert!(!pair.bench.server.is_associated());
    }
}

#[test]
fn a_forged_proof_does_not_release_the_association() {
    let ciphering = pair::ciphering(Protection::AUTHENTICATED_ENCRYPTED);
    let (mut pair, _) = about_to_get(ciphering);
    let initiate = "01000000065f1f0400007e1fffff";
    let mut proof =
        protected(tag::GLO_INITIATE_REQUEST, Protection::AUTHENTICATED_ENCRYPTED, 1_500, initiate);
    let last = proof.len() - 1;
    proof[last] ^= 1;
    let len = proof.len();
    let rlrq = format!("62{:02x}800100be{:02x}04{len:02x}{}", len + 7, len + 2, hex(&proof));
    assert_eq!(pair.bench.ask(&rlrq), "d80105");
    assert!(pair.bench.server.is_associated());
}

#[test]
fn a_wrong_key_is_told_in_the_aare() {
    let mut wrong = pair::ciphering(Protection::AUTHENTICATED_ENCRYPTED);
    wrong.encryption_key = Key::from([9; 16]);
    let config = ClientConfig { ciphering: Some(wrong), ..config(Mechanism::HlsGmac) };
    let mut pair = Pair::new(config, Toy::new());
    pair.associate();
    let aare = hex(&pair.line[1]);
    assert!(aare.ends_with("a203020101a305a103020101be0604040e010006"), "{aare}");
    assert_eq!(pair.bench.device.received(TITLE), ReceiveCounter::new());
}

#[test]
fn a_device_without_counters_sends_nothing_protected() {
    let ciphering = pair::ciphering(Protection::AUTHENTICATED_ENCRYPTED);
    let (pair, get) = about_to_get(ciphering);
    let Pair { bench: Bench { mut server, device }, .. } = pair;
    let mut exhausted = Exhausted(device);
    let mut out = Vec::new();
    let mut get = get;
    assert!(server.handle_apdu(&mut exhausted, &mut Counting::default(), &mut get, &mut out));
    assert_eq!(hex(&out), "d80103");
}

/// A device that has used up the counters of its key.
struct Exhausted(Toy);

impl LogicalDevice for Exhausted {
    fn system_title(&self) -> SystemTitle {
        self.0.system_title()
    }

    fn crypto(&self) -> &dyn CryptoProvider {
        self.0.crypto()
    }

    fn client(&self, sap: u16) -> Option<ClientPolicy<'_>> {
        self.0.client(sap)
    }

    fn take_counter(&mut self) -> Option<u32> {
        None
    }

    fn received(&self, client: SystemTitle) -> ReceiveCounter {
        self.0.received(client)
    }

    fn accept(&mut self, client: SystemTitle, counter: u32) -> bool {
        self.0.accept(client, counter)
    }

    fn get(
        &mut self,
        access: &Access,
        attribute: AttributeDescriptor,
        selection: Option<SelectiveAccess<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        self.0.get(access, attribute, selection, out)
    }

    fn set(
        &mut self,
        access: &Access,
        attribute: AttributeDescriptor,
        selection: Option<SelectiveAccess<'_>>,
        value: RawData<'_>,
    ) -> Result<(), DataAccessResult> {
        self.0.set(access, attribute, selection, value)
    }

    fn action(
        &mut self,
        access: &Access,
        method: MethodDescriptor,
        parameters: Option<RawData<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        self.0.action(access, method, parameters, out)
    }
}
