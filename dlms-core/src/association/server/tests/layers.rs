//! General-ciphering with every way to a key, and general-signing, between both machines.

use alloc::sync::Arc;

use super::{
    pair::{ANY, Pair, ciphering, config, converse, is_associated},
    suites::{agreement, in_suite},
    *,
};
use crate::{
    association::{Ciphering, Client, ClientConfig, Event, Failure, Misuse, Request, Response},
    security::{
        Compatibility, GeneralCipheredHead, GeneralHeader, GeneralProtectRequest, KeyEstablishment,
        KeyInfo, SecurityControl, SignedApdu, protect_general,
    },
};

const SUITES: [SecuritySuite; 2] = [SecuritySuite::Suite1, SecuritySuite::Suite2];
const WAYS: [KeyEstablishment; 4] = [
    KeyEstablishment::Identified,
    KeyEstablishment::Wrapped,
    KeyEstablishment::OnePass,
    KeyEstablishment::StaticUnified,
];

/// A client and a device with all the keys that there are.
fn parties(
    suite: SecuritySuite,
    how: Option<KeyEstablishment>,
    protection: Protection,
) -> (ClientConfig, Toy) {
    let like = Ciphering { general: true, ..ciphering(protection) };
    let (mut config, mut toy) = in_suite(suite, Mechanism::HlsGmac, like);
    config.general_ciphering = how;
    let kek = Key::try_from(&[0x6b; 32][..suite.key_len()]).unwrap();
    let [client, server] = agreement(suite);
    config.party_keys.key_encryption_key = Some(kek.clone());
    config.party_keys.agreement = Some(client);
    let party = toy.party_keys.as_mut().unwrap();
    party.key_encryption_key = Some(kek);
    party.agreement = Some(server);
    (config, toy)
}

fn associated((config, toy): (ClientConfig, Toy)) -> Pair {
    let mut pair = Pair::new(config, toy);
    let events = pair.associate();
    assert!(is_associated(&events), "{events:?}");
    pair.line.clear();
    pair
}

fn get_energy() -> Request {
    let energy = AttributeDescriptor::new(ClassId::REGISTER, LogicalName([1, 0, 1, 8, 0, 255]), 2);
    Request::Get { attribute: energy, selection: None }
}

const ENERGY_VALUE: [u8; 5] = [0x06, 0, 0, 0, 42];

#[test]
fn every_way_to_a_key_serves_signed_and_unsigned_in_both_suites() {
    for suite in SUITES {
        for how in [None].into_iter().chain(WAYS.map(Some)) {
            for protection in [
                Protection::AUTHENTICATED_ENCRYPTED,
                Protection::AUTHENTICATED,
                Protection::AUTHENTICATED_ENCRYPTED.and_signed(),
            ] {
                let mut pair = associated(parties(suite, how, protection));
                converse(&mut pair);
                pair.client.release().unwrap();
                assert_eq!(pair.run(), [Event::Released], "{suite} {how:?} {protection}");
            }
        }
    }
}

#[test]
fn the_answer_has_the_layers_of_the_request_with_the_parties_exchanged() {
    for how in WAYS {
        let both = Protection::AUTHENTICATED_ENCRYPTED;
        let mut pair = associated(parties(SecuritySuite::Suite1, Some(how), both));
        assert_eq!(pair.request(get_energy()), Response::Get(Ok(ENERGY_VALUE.to_vec())));
        let [request, answer] = &pair.line[..] else { panic!() };
        let [request, answer] =
            [request, answer].map(|apdu| GeneralCipheredHead::decode(apdu).unwrap());
        assert_eq!(request.header.transaction_id, answer.header.transaction_id);
        assert_eq!(request.header.originator, answer.header.recipient);
        assert_eq!(request.header.recipient, answer.header.originator);
        assert_eq!(request.control, answer.control);
        match (how, request.key_info, answer.key_info) {
            (KeyEstablishment::Identified, Some(KeyInfo::GlobalUnicast), Some(info)) => {
                assert_eq!(info, KeyInfo::GlobalUnicast);
            }
            (KeyEstablishment::Wrapped, Some(sent), Some(info @ KeyInfo::Wrapped(_))) => {
                assert_eq!(sent, info);
            }
            (
                KeyEstablishment::OnePass,
                Some(KeyInfo::OnePass(sent)),
                Some(KeyInfo::OnePass(own)),
            ) => assert_ne!(sent.public, own.public),
            (
                KeyEstablishment::StaticUnified,
                Some(KeyInfo::StaticUnified),
                Some(KeyInfo::StaticUnified),
            ) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn transactions_never_repeat() {
    let both = Protection::AUTHENTICATED_ENCRYPTED;
    let how = Some(KeyEstablishment::StaticUnified);
    let mut pair = associated(parties(SecuritySuite::Suite1, how, both));
    for _ in 0..3 {
        pair.request(get_energy());
    }
    let ids: Vec<_> = pair
        .line
        .chunks(2)
        .map(|apdus| GeneralCipheredHead::decode(&apdus[0]).unwrap().header.transaction_id)
        .collect();
    assert_eq!(ids.len(), 3);
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
}

#[test]
fn a_recorded_request_is_refused_whatever_key_it_brings() {
    for how in WAYS {
        let both = Protection::AUTHENTICATED_ENCRYPTED;
        let mut pair = associated(parties(SecuritySuite::Suite1, Some(how), both));
        pair.request(get_energy());
        let recorded = pair.line[0].clone();
        let answer = pair.bench.ask_octets(&recorded);
        // The counter that is due.
        assert_eq!(answer[..3], [0xd8, 1, 6], "{how:?}");
        // The client is not disturbed, and neither is the next request.
        pair.request(get_energy());
    }
}

#[test]
fn what_comes_back_from_the_server_as_it_was_sent_is_refused() {
    for how in WAYS {
        let both = Protection::AUTHENTICATED_ENCRYPTED;
        let mut pair = associated(parties(SecuritySuite::Suite1, Some(how), both));
        pair.client.request(get_energy()).unwrap();
        let mut apdu = Vec::new();
        assert!(pair.client.poll_transmit(sans_io_time::Instant::ZERO, &mut apdu));
        pair.client.handle_apdu(&mut apdu);
        let reflected = Failure::Security(crate::security::SecurityError::Reflected);
        assert_eq!(pair.event(), Some(Event::RequestFailed(ANY, reflected)));
    }
}

#[test]
fn a_device_that_demands_a_signature_takes_nothing_without() {
    let both = Protection::AUTHENTICATED_ENCRYPTED;
    for how in [None, Some(KeyEstablishment::Identified)] {
        let (config, mut toy) = parties(SecuritySuite::Suite1, how, both);
        toy.protection = both.and_signed();
        let mut pair = associated((config, toy));
        pair.client.request(get_energy()).unwrap();
        assert!(matches!(&pair.run()[..], [Event::RequestFailed(ANY, Failure::Exception(_))]));

        let (config, mut toy) = parties(SecuritySuite::Suite1, how, both.and_signed());
        toy.protection = both.and_signed();
        let mut pair = associated((config, toy));
        assert_eq!(pair.request(get_energy()), Response::Get(Ok(ENERGY_VALUE.to_vec())));
    }
}

#[test]
fn a_client_that_signs_takes_no_unsigned_answer() {
    let both = Protection::AUTHENTICATED_ENCRYPTED;
    let (config, toy) = parties(SecuritySuite::Suite1, None, both.and_signed());
    let mut pair = associated((config, toy));
    pair.client.request(get_energy()).unwrap();
    let mut request = Vec::new();
    assert!(pair.client.poll_transmit(sans_io_time::Instant::ZERO, &mut request));
    // The same association, seen by a client that does not sign: it makes the device answer so.
    let (config, _) = parties(SecuritySuite::Suite1, None, both);
    let mut client = Client::new(config, Arc::new(RustCrypto));
    client.grant_counters(1_500..1_600);
    let bench = core::mem::replace(&mut pair.bench, Bench::new(Toy::new()));
    let mut other = Pair { client, bench, line: Vec::new() };
    let mut unsigned = {
        let events = other.associate();
        assert!(is_associated(&events), "{events:?}");
        other.line.clear();
        other.request(get_energy());
        other.line[1].clone()
    };
    pair.client.handle_apdu(&mut unsigned);
    assert_eq!(pair.event(), Some(Event::RequestFailed(ANY, Failure::Unprotected)));
}

#[test]
fn a_signature_by_another_key_executes_nothing() {
    let both = Protection::AUTHENTICATED_ENCRYPTED.and_signed();
    let (mut config, toy) = parties(SecuritySuite::Suite1, None, both);
    let stranger = toy.party_keys.as_ref().unwrap().signing.as_ref().unwrap().own.clone();
    config.party_keys.signing.as_mut().unwrap().own = stranger;
    let mut pair = associated((config, toy));
    pair.client.request(get_energy()).unwrap();
    assert!(matches!(&pair.run()[..], [Event::RequestFailed(ANY, Failure::Exception(_))]));
    // Not even the counter moved: the same request is still the next one.
    assert_eq!(pair.line[1], [0xd8, 1, 5]);
    let again = pair.bench.ask_octets(&pair.line[0].clone());
    assert_eq!(again, [0xd8, 1, 5]);
}

#[test]
fn each_switch_works_when_both_sides_have_it_and_not_when_one_has() {
    let both = Protection::AUTHENTICATED_ENCRYPTED.and_signed();
    let none = Compatibility::default();
    for (how, switch) in [
        (
            Some(KeyEstablishment::Identified),
            Compatibility { general_ciphering_short_aad: true, ..none },
        ),
        (None, Compatibility { signing_excludes_content_length: true, ..none }),
        (Some(KeyEstablishment::StaticUnified), Compatibility { kdf_arc_06: true, ..none }),
        (
            Some(KeyEstablishment::OnePass),
            Compatibility { ephemeral_signature_covers_key_id: true, ..none },
        ),
    ] {
        for (at_client, at_server) in [(switch, none), (none, switch), (switch, switch)] {
            let (mut config, mut toy) = parties(SecuritySuite::Suite1, how, both);
            config.party_keys.compatibility = at_client;
            toy.party_keys.as_mut().unwrap().compatibility = at_server;
            let mut pair = Pair::new(config, toy);
            let open = is_associated(&pair.associate());
            let mut served = false;
            if open {
                pair.client.request(get_energy()).unwrap();
                served = matches!(&pair.run()[..], [Event::Response(ANY, _)]);
            }
            assert_eq!(served, at_client == at_server, "{switch:?}");
        }
    }
}

#[test]
fn a_signed_request_is_ciphered_around_its_signature() {
    let both = Protection::AUTHENTICATED.and_signed();
    let mut pair = associated(parties(SecuritySuite::Suite1, None, both));
    pair.request(get_energy());
    for apdu in &pair.line {
        // general-glo-ciphering, authenticated only: the signed APDU is readable inside.
        assert_eq!(apdu[0], 0xdb);
        let start = apdu.iter().position(|octet| *octet == 0xdf).unwrap();
        let signed = SignedApdu::decode(&apdu[start..apdu.len() - 12]).unwrap();
        assert!(signed.signature.is_some());
        assert!(matches!(signed.content[0], 0xc0 | 0xc4));
    }
}

#[test]
fn what_the_layers_lack_is_said_before_anything_is_sent() {
    let both = Protection::AUTHENTICATED_ENCRYPTED;
    for (how, protection, lacks) in [
        (Some(KeyEstablishment::Wrapped), both, "key encryption key"),
        (Some(KeyEstablishment::OnePass), both, "signature keys"),
        (Some(KeyEstablishment::StaticUnified), both, "key agreement keys"),
        (None, both.and_signed(), "signature keys"),
        (Some(KeyEstablishment::Identified), Protection::NONE, "protection for general-ciphering"),
    ] {
        let config = ClientConfig {
            general_ciphering: how,
            ciphering: Some(Ciphering {
                suite: SecuritySuite::Suite1,
                general: true,
                ..ciphering(protection)
            }),
            ..config(Mechanism::HlsGmac)
        };
        let mut pair = Pair::new(config, Toy::new());
        let refused = pair.client.associate(&mut Counting(0));
        assert_eq!(refused, Err(Misuse::Lacks(lacks)), "{how:?} {protection}");
    }
    // A signed APDU has no service-specific ciphered form.
    let (mut config, toy) = parties(SecuritySuite::Suite1, None, both.and_signed());
    config.ciphering.as_mut().unwrap().general = false;
    let mut pair = Pair::new(config, toy);
    let refused = pair.client.associate(&mut Counting(0));
    assert!(matches!(refused, Err(Misuse::Lacks(_))));
}

/// As under the global key in its other forms: an answer of an earlier association could come
/// again.
#[test]
fn where_a_dedicated_key_was_agreed_on_general_ciphering_under_the_global_one_is_no_answer() {
    let both = Protection::AUTHENTICATED_ENCRYPTED;
    let (mut config, toy) = parties(SecuritySuite::Suite1, None, both);
    config.ciphering.as_mut().unwrap().dedicated = true;
    let ciphering = config.ciphering.clone().unwrap();
    let mut pair = associated((config, toy));
    let meter = pair.client.association().server_title.unwrap();
    pair.client.request(get_energy()).unwrap();
    let mut request = Vec::new();
    assert!(pair.client.poll_transmit(sans_io_time::Instant::ZERO, &mut request));
    let header = GeneralHeader { originator: Some(meter), ..GeneralHeader::default() };
    let mut apdu = Vec::new();
    let request = GeneralProtectRequest {
        header: &header,
        system_title: meter,
        key_info: Some(&KeyInfo::GlobalUnicast),
        control: SecurityControl::new(SecuritySuite::Suite1, both),
        counter: 90_000,
        key: &ciphering.encryption_key,
        authentication_key: ciphering.authentication_key.as_ref(),
        short_aad: false,
    };
    let answer = octets("c401c1 00 0600bc614e");
    protect_general(&RustCrypto, &request, &answer, &mut apdu).unwrap();
    pair.client.handle_apdu(&mut apdu);
    assert_eq!(pair.event(), Some(Event::RequestFailed(ANY, Failure::Unprotected)));
}

#[test]
fn what_is_ciphered_for_another_client_or_under_a_broadcast_key_disturbs_nobody() {
    let both = Protection::AUTHENTICATED_ENCRYPTED;
    let how = Some(KeyEstablishment::Identified);
    let mut pair = associated(parties(SecuritySuite::Suite1, how, both));
    let meter = pair.client.association().server_title.unwrap();
    pair.client.request(get_energy()).unwrap();
    let mut sent = Vec::new();
    assert!(pair.client.poll_transmit(sans_io_time::Instant::ZERO, &mut sent));
    let key = Key::from([0x5a; 16]);
    let (stranger, unicast) = (SystemTitle(*b"STRANGER"), KeyInfo::GlobalUnicast);
    for (recipient, key_info) in [(Some(stranger), unicast), (None, KeyInfo::GlobalBroadcast)] {
        let header =
            GeneralHeader { originator: Some(meter), recipient, ..GeneralHeader::default() };
        let request = GeneralProtectRequest {
            header: &header,
            system_title: meter,
            key_info: Some(&key_info),
            control: SecurityControl::new(SecuritySuite::Suite1, both),
            counter: 90_000,
            key: &key,
            authentication_key: Some(&key),
            short_aad: false,
        };
        let mut apdu = Vec::new();
        protect_general(&RustCrypto, &request, &[0x0f, 0, 0, 0, 0, 0, 0], &mut apdu).unwrap();
        pair.client.handle_apdu(&mut apdu);
        assert_eq!(pair.event(), None);
    }
    // The answer is still waited for.
    let mut answer = pair.bench.ask_octets(&sent);
    pair.client.handle_apdu(&mut answer);
    let value = Event::Response(ANY, Response::Get(Ok(ENERGY_VALUE.to_vec())));
    assert_eq!(pair.event(), Some(value));
}
