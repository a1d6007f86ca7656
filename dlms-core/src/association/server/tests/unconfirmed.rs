//! Associations that nobody answers or nobody opens, and what is to all stations.

use std::{format, vec};

use super::{
    pair::{ANY, Pair, ciphering, config},
    *,
};
use crate::{
    acse::ApplicationContext,
    association::{
        Ciphering, ClientConfig, Establishment, Event, KeySet, Misuse, Request, Response,
    },
    axdr::Reader,
    xdlms::Conformance,
};

/// AARQ of the public client that wants no response: in the InitiateRequest there is no dedicated
/// key (00), and response-allowed is there (01) and false (00).
const AARQ_UNCONFIRMED: &str = "601ea109060760857405080101be11040f0100010000065f1f0400007e1fffff";
/// The note of a device that nobody has written to.
const UNTOUCHED: [u8; 2] = [0x11, 5];
const RLRQ: &str = "6203800100";
/// SET of the note to an unsigned, with this invoke-id-and-priority.
fn set(invoke: &str, value: &str) -> String {
    ["c101", invoke, NOTE, "0011", value].concat()
}

fn pre_established(confirmed: bool) -> PreEstablished {
    PreEstablished {
        application_context: ApplicationContext::LogicalName,
        client_title: None,
        conformance: Conformance::GET | Conformance::SET | Conformance::ACTION,
        max_send_pdu: 200,
        confirmed,
    }
}

fn standing(pre_established: PreEstablished, device: Toy) -> Bench {
    let config = ServerConfig { pre_established: Some(pre_established), ..ServerConfig::new(16) };
    Bench { server: Server::new(config), device }
}

fn note(bench: &Bench) -> Vec<u8> {
    bench.device.note.clone()
}

fn to_all(bench: &mut Bench, apdu: &[u8]) {
    let apdu = &mut apdu.to_vec();
    bench.server.handle_unconfirmed(&mut bench.device, &mut Counting::default(), apdu);
}

fn write(value: u8) -> Request {
    let attribute = octets(NOTE);
    let attribute = AttributeDescriptor::decode(&mut Reader::new(&attribute)).unwrap();
    Request::Set { attribute, selection: None, value: vec![0x11, value] }
}

#[test]
fn an_association_that_asks_for_no_response_takes_only_services_that_ask_for_none() {
    let mut bench = Bench::new(Toy::new());
    assert_eq!(bench.ask(AARQ_UNCONFIRMED), "");
    assert!(bench.server.is_associated());
    assert_eq!(bench.ask(&set("01", "09")), "");
    assert_eq!(note(&bench), [0x11, 9]);
    // Confirmed ones are discarded, and so is what is no request at all.
    for discarded in [&set("41", "06"), &format!("c001c1{ENERGY}00"), "c4", "ffff"] {
        assert_eq!(bench.ask(discarded), "", "{discarded}");
    }
    assert_eq!(note(&bench), [0x11, 9]);
    assert_eq!(bench.ask(RLRQ), "");
    assert!(!bench.server.is_associated());
    // One that wants a response follows as ever.
    bench.ask(AARQ_UNCONFIRMED);
    assert!(bench.ask(AARQ).starts_with("61"));
    assert!(bench.ask(&format!("c001c1{ENERGY}00")).starts_with("c401c100"));
}

#[test]
fn who_asks_for_no_response_is_refused_in_silence() {
    let mut bench = Bench::new(Toy { mechanisms: vec![Mechanism::Lls], ..Toy::new() });
    assert!(bench.ask(AARQ).starts_with("61"));
    assert_eq!(bench.ask(AARQ_UNCONFIRMED), "");
    assert!(!bench.server.is_associated());
}

#[test]
fn a_pre_established_association_is_there_from_the_start_and_stays() {
    let mut bench = standing(pre_established(true), Toy::new());
    assert!(bench.server.is_associated());
    let get = format!("c001c1{ENERGY}00");
    assert_eq!(bench.ask(&get), "c401c100060000002a");
    // Rejected, permanently; not finished.
    let rejected = bench.ask(AARQ);
    assert!(rejected.starts_with("61") && rejected.contains("a203020101"), "{rejected}");
    assert_eq!(bench.ask(RLRQ), "6303800101");
    bench.server.abort();
    assert_eq!(bench.ask(&get), "c401c100060000002a");
    // What was not configured is not there, and neither is a longer APDU than the client takes.
    assert!(bench.ask(&format!("c003c101{ENERGY}00")).starts_with("d8"));
    assert!(bench.ask(&format!("c001c1{LONG}00")).starts_with("d8"));
}

#[test]
fn an_unconfirmed_association_may_be_pre_established() {
    let mut bench = standing(pre_established(false), Toy::new());
    for unanswered in [&set("01", "09"), &set("41", "06"), &format!("c001c1{ENERGY}00"), AARQ, RLRQ]
    {
        assert_eq!(bench.ask(unanswered), "", "{unanswered}");
    }
    assert_eq!(note(&bench), [0x11, 9]);
    assert!(bench.server.is_associated());
}

#[test]
fn what_is_to_all_stations_is_done_only_if_it_asks_for_no_answer() {
    let mut bench = Bench::new(Toy::new());
    // Not without an association, and one that wants a response is not opened.
    to_all(&mut bench, &octets(&set("01", "09")));
    to_all(&mut bench, &octets(AARQ));
    assert!(note(&bench) == UNTOUCHED && !bench.server.is_associated());
    bench.ask(AARQ_ALL);
    to_all(&mut bench, &octets(&set("41", "06")));
    to_all(&mut bench, &octets(RLRQ));
    assert!(note(&bench) == UNTOUCHED && bench.server.is_associated());
    to_all(&mut bench, &octets(&set("01", "07")));
    assert_eq!(note(&bench), [0x11, 7]);
    // One that wants none is opened and released.
    let mut bench = Bench::new(Toy::new());
    to_all(&mut bench, &octets(AARQ_UNCONFIRMED));
    to_all(&mut bench, &octets(&set("01", "08")));
    assert_eq!(note(&bench), [0x11, 8]);
    to_all(&mut bench, &octets(RLRQ));
    assert!(!bench.server.is_associated());
}

#[test]
fn blocks_go_on_after_something_to_all_stations() {
    // 256 octets at most, so that the hundred numbers take several blocks.
    let mut bench = Bench::new(Toy::new());
    bench.ask("601da109060760857405080101be10040e01000000065f1f0400007e1f0100");
    assert!(bench.ask(&format!("c001c1{LONG}00")).starts_with("c402c10000000001"));
    to_all(&mut bench, &octets(&set("01", "09")));
    assert_eq!(note(&bench), [0x11, 9]);
    assert!(bench.ask("c002c100000001").starts_with("c402c10000000002"));
}

/// A client in an association of this kind, with a device that has the broadcast key.
fn pair(client: ClientConfig, pre_established: Option<PreEstablished>) -> Pair {
    let device = Toy { broadcast_key: Some(Key::from([0xbb; 16])), ..Toy::new() };
    let mut pair = Pair::new(client, device);
    let config = ServerConfig { pre_established, ..ServerConfig::new(16) };
    pair.bench.server = Server::new(config);
    pair
}

fn unconfirmed() -> Establishment {
    Establishment::Unconfirmed { max_send_pdu: 1_024 }
}

#[test]
fn a_client_opens_uses_and_releases_an_association_without_any_answer() {
    let plain = ClientConfig { ciphering: None, ..config(Mechanism::Lls) };
    let ciphered = ClientConfig {
        ciphering: Some(ciphering(Protection::AUTHENTICATED_ENCRYPTED)),
        ..config(Mechanism::Lls)
    };
    for config in [plain, ciphered] {
        let mut pair = pair(ClientConfig { establishment: unconfirmed(), ..config }, None);
        assert!(matches!(pair.associate()[..], [Event::Associated(_)]));
        assert!(!pair.client.is_waiting());
        let get = Request::Get {
            attribute: AttributeDescriptor::decode(&mut Reader::new(&octets(ENERGY))).unwrap(),
            selection: None,
        };
        assert_eq!(pair.client.request(write(9)), Err(Misuse::Unanswered));
        assert_eq!(pair.client.request_unconfirmed(get), Err(Misuse::Unanswered));
        for value in [9, 6] {
            pair.client.request_unconfirmed(write(value)).unwrap();
            assert_eq!(pair.run(), [Event::Response(ANY, Response::Unconfirmed)]);
            assert!(!pair.client.is_waiting() && pair.client.poll_timeout().is_none());
            assert_eq!(note(&pair.bench), [0x11, value]);
        }
        assert!(pair.bench.server.is_associated());
        pair.client.release().unwrap();
        assert_eq!(pair.run(), [Event::Released]);
        assert!(!pair.bench.server.is_associated());
        // AARQ, two SETs, RLRQ.
        assert_eq!(pair.line.len(), 4);
    }
}

#[test]
fn an_unconfirmed_request_has_its_place_in_a_confirmed_association() {
    for gbt in [None, Some(8)] {
        let client = ClientConfig { block_window: gbt, ciphering: None, ..config(Mechanism::Lls) };
        let mut pair = pair(client, None);
        pair.associate();
        pair.client.request_unconfirmed(write(9)).unwrap();
        assert_eq!(pair.client.request(write(6)), Err(Misuse::Busy));
        assert_eq!(pair.run(), [Event::Response(ANY, Response::Unconfirmed)]);
        assert_eq!(note(&pair.bench), [0x11, 9]);
        assert_eq!(pair.request(write(6)), Response::Set(DataAccessResult::Success));
    }
}

#[test]
fn both_sides_of_a_pre_established_association_begin_with_services() {
    let title = Some(SystemTitle(*b"CLIENT01"));
    for protection in [Protection::NONE, Protection::AUTHENTICATED_ENCRYPTED] {
        for confirmed in [true, false] {
            let client = ClientConfig {
                ciphering: Some(ciphering(protection)),
                server_title: Some(Toy::new().system_title()),
                establishment: Establishment::PreEstablished { max_send_pdu: 1_024, confirmed },
                ..config(Mechanism::Lowest)
            };
            let ciphered = protection != Protection::NONE;
            let application_context = match ciphered {
                true => ApplicationContext::LogicalNameCiphered,
                false => ApplicationContext::LogicalName,
            };
            let server = PreEstablished {
                application_context,
                client_title: title,
                ..pre_established(confirmed)
            };
            let mut pair = pair(client, Some(server));
            assert!(matches!(pair.associate()[..], [Event::Associated(_)]));
            assert!(pair.line.is_empty());
            if confirmed {
                assert_eq!(pair.request(write(9)), Response::Set(DataAccessResult::Success));
            } else {
                pair.client.request_unconfirmed(write(9)).unwrap();
                pair.run();
            }
            assert_eq!(note(&pair.bench), [0x11, 9]);
            assert_eq!(pair.line[0][0], if ciphered { 0xc9 } else { 0xc1 });
            // There is nothing to release.
            pair.line.clear();
            pair.client.release().unwrap();
            assert_eq!(pair.run(), [Event::Released]);
            assert!(pair.line.is_empty());
        }
    }
}

#[test]
fn nobody_proves_himself_where_nobody_answers() {
    let pre_established = Establishment::PreEstablished { max_send_pdu: 1_024, confirmed: true };
    let dedicated = Ciphering { dedicated: true, ..ciphering(Protection::AUTHENTICATED_ENCRYPTED) };
    let refused = |client: ClientConfig| {
        let mut pair = Pair::new(client, Toy::new());
        assert_eq!(pair.client.associate(&mut Counting(1)), Err(Misuse::Unanswered));
    };
    refused(ClientConfig { establishment: unconfirmed(), ..config(Mechanism::HlsGmac) });
    refused(ClientConfig { establishment: pre_established, ..config(Mechanism::Lls) });
    refused(ClientConfig {
        establishment: pre_established,
        ciphering: Some(dedicated),
        ..config(Mechanism::Lowest)
    });
    refused(ClientConfig { key_set: KeySet::Broadcast, ..config(Mechanism::Lowest) });
}

#[test]
fn the_broadcast_key_has_counters_of_its_own_and_is_for_what_is_not_answered() {
    let under_key = Ciphering {
        encryption_key: Key::from([0xbb; 16]),
        ..ciphering(Protection::AUTHENTICATED_ENCRYPTED)
    };
    let client = ClientConfig {
        establishment: unconfirmed(),
        key_set: KeySet::Broadcast,
        ciphering: Some(under_key),
        ..config(Mechanism::Lowest)
    };
    let mut pair = pair(client, None);
    pair.associate();
    pair.client.request_unconfirmed(write(9)).unwrap();
    pair.run();
    assert_eq!(note(&pair.bench), [0x11, 9]);
    // glo-set-request, 15 octets and 17 around them, suite 0 with A, E and the key set bit.
    assert_eq!(pair.line[1][..3], [0xc9, 0x20, 0x70]);
    assert_eq!(pair.bench.device.received_broadcast.last(), Some(1_001));
    assert!(pair.bench.device.received.is_empty());
    // A recorded one is not done again, to whomever it is.
    pair.bench.device.note.clear();
    let replayed = pair.line[1].clone();
    pair.bench.ask_octets(&replayed);
    to_all(&mut pair.bench, &replayed);
    assert!(note(&pair.bench).is_empty());
    // A device without the key takes none of it.
    let mut other = Bench::new(Toy::new());
    other.ask_octets(&pair.line[0]);
    assert!(!other.server.is_associated());
}

/// What a client sends to all meters that have the broadcast key.
fn under_broadcast_key(wire: u8, counter: u32, plain: &str) -> Vec<u8> {
    use crate::security::{ProtectRequest, SecurityControl, protect};
    let protection = Protection::AUTHENTICATED_ENCRYPTED;
    let keys = ciphering(protection);
    let request = ProtectRequest {
        tag: wire,
        system_title: SystemTitle(*b"CLIENT01"),
        send_title: false,
        control: SecurityControl::new(SecuritySuite::Suite0, protection).with_broadcast_key(),
        counter,
        key: &Key::from([0xbb; 16]),
        authentication_key: keys.authentication_key.as_ref(),
    };
    let mut apdu = Vec::new();
    protect(&RustCrypto, &request, &octets(plain), &mut apdu).unwrap();
    apdu
}

/// In an association that was opened under the unicast key and is answered.
fn opened() -> Pair {
    let keys = ciphering(Protection::AUTHENTICATED_ENCRYPTED);
    let mut pair = pair(ClientConfig { ciphering: Some(keys), ..config(Mechanism::HlsGmac) }, None);
    assert!(matches!(pair.associate()[..], [Event::Associated(_)]));
    pair
}

#[test]
fn an_association_that_is_answered_is_not_released_under_the_broadcast_key() {
    let mut pair = opened();
    let initiate = under_broadcast_key(0x21, 1, "01000000065f1f0400007e1fffff");
    let mut rlrq = octets("6200800100be0004");
    rlrq.push(initiate.len() as u8);
    rlrq.extend(&initiate);
    rlrq[1] = rlrq.len() as u8 - 2;
    rlrq[6] = rlrq.len() as u8 - 7;
    for proven_release in [true, false] {
        pair.bench.device.proven_release = proven_release;
        assert_eq!(pair.bench.ask_octets(&rlrq), []);
        assert!(pair.bench.server.is_associated());
    }
}

#[test]
fn what_says_that_it_is_under_the_broadcast_key_is_not_even_refused() {
    let mut pair = opened();
    let done = under_broadcast_key(0xc9, 7, &set("01", "09"));
    let mut forged = under_broadcast_key(0xc9, 8, &set("01", "06"));
    *forged.last_mut().unwrap() ^= 1;
    // Then a used counter, a tag that does not verify, and a service that is not there.
    for apdu in [done.clone(), done, forged, under_broadcast_key(0xc8, 9, "c4")] {
        assert_eq!(pair.bench.ask_octets(&apdu), []);
        assert_eq!(note(&pair.bench), [0x11, 9]);
    }
    // Nor is one who opens an association with many and wants to hear of it.
    let initiate = under_broadcast_key(0x21, 10, "01000000065f1f0400007e1fffff");
    let mut aarq = pair.line[0].clone();
    // user-information is the last field, and as long as before.
    let at = aarq.len() - initiate.len();
    assert_eq!(aarq[at], 0x21);
    aarq.truncate(at);
    aarq.extend(&initiate);
    assert_eq!(pair.bench.ask_octets(&aarq), []);
    assert!(pair.bench.server.is_associated());
}

#[test]
fn the_device_is_told_under_which_keys_a_request_came() {
    let mut pair = opened();
    pair.request(write(9));
    assert_eq!(pair.bench.device.key_set, Some(KeySet::Unicast));
    pair.bench.ask_octets(&under_broadcast_key(0xc9, 1, &set("01", "06")));
    assert_eq!(pair.bench.device.key_set, Some(KeySet::Broadcast));
    pair.request(write(9));
    assert_eq!(pair.bench.device.key_set, Some(KeySet::Unicast));
}

#[test]
fn a_plain_association_is_held_to_the_policy_however_it_came_about() {
    let unprotected = "d80101";
    let get = format!("c001c1{ENERGY}00");
    for mut bench in [Bench::associated(), standing(pre_established(true), Toy::new())] {
        assert_eq!(bench.ask(&get), "c401c100060000002a");
        bench.device.protection = Protection::AUTHENTICATED;
        assert_eq!(bench.ask(&get), unprotected);
        assert_eq!(bench.ask(&set("c1", "09")), unprotected);
        assert_eq!(note(&bench), UNTOUCHED);
    }
}

#[test]
fn a_confirmed_request_under_the_broadcast_key_is_discarded() {
    let title = Some(SystemTitle(*b"CLIENT01"));
    let under_key = Ciphering {
        encryption_key: Key::from([0xbb; 16]),
        ..ciphering(Protection::AUTHENTICATED_ENCRYPTED)
    };
    let client = ClientConfig {
        establishment: Establishment::PreEstablished { max_send_pdu: 1_024, confirmed: false },
        key_set: KeySet::Broadcast,
        ciphering: Some(under_key),
        ..config(Mechanism::Lowest)
    };
    let server = PreEstablished {
        application_context: ApplicationContext::LogicalNameCiphered,
        client_title: title,
        ..pre_established(true)
    };
    let mut pair = pair(client, Some(server));
    pair.associate();
    let mut ask = |counter, plain: &str| {
        let apdu = under_broadcast_key(0xc9, counter, plain);
        (pair.bench.ask_octets(&apdu), note(&pair.bench))
    };
    assert_eq!(ask(1, &set("41", "09")), (vec![], UNTOUCHED.to_vec()));
    assert_eq!(ask(2, &set("01", "06")), (vec![], vec![0x11, 6]));
}
