//! The client of this crate against the server of this crate: both halves of every mechanism and
//! every form of ciphering, and what they carry.

use alloc::sync::Arc;
use std::{format, vec};

use sans_io_time::Instant;

use super::*;
use crate::{
    association::{
        AccessAnswer, AccessItem, ActionOutcome, Ciphering, Client, ClientConfig, Event, Failure,
        OnRefusal, Phase, Request, Response, client::in_flight::tests::of_any,
    },
    axdr::DataBuf,
};

pub(super) use crate::association::client::in_flight::tests::ANY;

const NOW: Instant = Instant::ZERO;

pub(super) struct Pair {
    pub(super) client: Client,
    pub(super) bench: Bench,
    /// APDUs as they went over the line, requests and answers in turn.
    pub(super) line: Vec<Vec<u8>>,
}

impl Pair {
    pub(super) fn new(config: ClientConfig, device: Toy) -> Self {
        let mut client = Client::new(config, Arc::new(RustCrypto));
        client.grant_counters(1_000..2_000);
        Self { client, bench: Bench::new(device), line: Vec::new() }
    }

    /// What the client has to say, of whichever request.
    pub(super) fn event(&mut self) -> Option<Event> {
        self.client.poll_event().map(of_any)
    }

    /// Carries APDUs until both are silent, and returns what the client has to say.
    pub(super) fn run(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        let mut request = Vec::new();
        while self.client.poll_transmit(NOW, &mut request) {
            self.line.push(request.clone());
            let mut answer = self.bench.ask_octets(&request);
            while !answer.is_empty() {
                self.line.push(answer.clone());
                self.client.handle_apdu(&mut answer);
                answer.clear();
                self.bench.server.poll_transmit(&mut answer);
            }
            events.extend(core::iter::from_fn(|| self.event()));
        }
        // Not everything takes an APDU.
        events.extend(core::iter::from_fn(|| self.event()));
        events
    }

    pub(super) fn associate(&mut self) -> Vec<Event> {
        self.client.associate(&mut Counting(100)).unwrap();
        self.run()
    }

    pub(super) fn request(&mut self, request: Request) -> Response {
        self.client.request(request).unwrap();
        match &self.run()[..] {
            [Event::Response(ANY, response)] => response.clone(),
            events => panic!("{events:?}"),
        }
    }
}

pub(super) fn config(mechanism: Mechanism) -> ClientConfig {
    ClientConfig {
        mechanism,
        secret: Secret::from("12345678"),
        manufacturer_mechanism: Some(Arc::new(crate::security::hls::AesEcb)),
        system_title: Some(SystemTitle(*b"CLIENT01")),
        ciphering: Some(ciphering(Protection::NONE)),
        ..ClientConfig::default()
    }
}

pub(super) fn ciphering(protection: Protection) -> Ciphering {
    Ciphering {
        suite: SecuritySuite::Suite0,
        protection,
        encryption_key: Key::from(core::array::from_fn(|octet| octet as u8)),
        authentication_key: Some(Key::from(core::array::from_fn(|octet| 0xd0 + octet as u8))),
        dedicated: false,
        general: false,
    }
}

/// Every protection, form and key that a client can choose.
pub(super) fn cipherings() -> Vec<Ciphering> {
    let mut all = Vec::new();
    for protection in
        [Protection::AUTHENTICATED, Protection::ENCRYPTED, Protection::AUTHENTICATED_ENCRYPTED]
    {
        for (dedicated, general) in [(false, false), (false, true), (true, false), (true, true)] {
            // A dedicated key does not travel in the clear.
            if !dedicated || protection == Protection::AUTHENTICATED_ENCRYPTED {
                all.push(Ciphering { dedicated, general, ..ciphering(protection) });
            }
        }
    }
    all
}

fn attribute(octets_of: &str) -> AttributeDescriptor {
    let octets = octets(octets_of);
    AttributeDescriptor::decode(&mut crate::axdr::Reader::new(&octets)).unwrap()
}

fn method(octets_of: &str) -> MethodDescriptor {
    let octets = octets(octets_of);
    MethodDescriptor::decode(&mut crate::axdr::Reader::new(&octets)).unwrap()
}

/// Uses every service, in one APDU and in blocks.
pub(super) fn converse(pair: &mut Pair) {
    let energy = attribute(ENERGY);
    let number = DataBuf::DoubleLongUnsigned(42).to_octets();
    let get = |attribute| Request::Get { attribute, selection: None };
    assert_eq!(pair.request(get(energy)), Response::Get(Ok(number.clone())));
    assert_eq!(
        pair.request(get(attribute(NOTHING))),
        Response::Get(Err(DataAccessResult::ObjectUndefined)),
    );
    let long = DataBuf::array((0..100).map(DataBuf::DoubleLongUnsigned)).to_octets();
    assert_eq!(pair.request(get(attribute(LONG))), Response::Get(Ok(long.clone())));
    assert_eq!(
        pair.request(Request::GetList(vec![(attribute(LONG), None), (energy, None)])),
        Response::GetList(vec![Ok(long), Ok(number)]),
    );

    let text = DataBuf::octet_string([0x5a; 3_000]).to_octets();
    let set = |value: &[u8]| Request::Set {
        attribute: attribute(NOTE),
        selection: None,
        value: value.to_vec(),
    };
    assert_eq!(pair.request(set(&text)), Response::Set(DataAccessResult::Success));
    assert_eq!(pair.request(get(attribute(NOTE))), Response::Get(Ok(text.clone())));
    assert_eq!(
        pair.request(Request::SetList(vec![(attribute(NOTE), text.clone()), (energy, vec![0]),])),
        Response::SetList(vec![DataAccessResult::Success, DataAccessResult::ReadWriteDenied]),
    );

    let echoed = ActionOutcome { result: ActionResult::Success, returned: Some(Ok(text.clone())) };
    let done = ActionOutcome { result: ActionResult::Success, returned: None };
    assert_eq!(
        pair.request(Request::Action { method: method(ECHO), parameters: Some(text.clone()) }),
        Response::Action(echoed.clone()),
    );
    assert_eq!(
        pair.request(Request::ActionList(vec![(method(ECHO), text), (method(SINK), vec![0])])),
        Response::ActionList(vec![echoed, done]),
    );
}

/// With general block transfer, whose blocks are cut after ciphering.
fn in_blocks(config: ClientConfig) -> ClientConfig {
    ClientConfig {
        block_window: Some(3),
        conformance: config.conformance | Conformance::ACCESS,
        ..config
    }
}

#[test]
fn every_service_goes_in_general_blocks_in_clear_and_ciphered() {
    for ciphering in core::iter::once(ciphering(Protection::NONE)).chain(cipherings()) {
        for max_receive_pdu in [64, 1_024] {
            let ciphering = Some(ciphering.clone());
            let config = ClientConfig { max_receive_pdu, ciphering, ..config(Mechanism::HlsGmac) };
            let mut pair = Pair::new(in_blocks(config), Toy::new());
            assert!(is_associated(&pair.associate()));
            let start = pair.line.len();
            converse(&mut pair);
            let blocks = pair.line.split_off(start);
            assert!(blocks.iter().all(|apdu| apdu[0] == tag::GENERAL_BLOCK_TRANSFER));
            assert!(blocks.iter().all(|apdu| apdu.len() <= 1_024));
        }
    }
}

#[test]
fn an_access_does_all_it_is_asked_for_in_its_order_and_stops_where_it_is_told_to() {
    for block_window in [None, Some(2)] {
        for ciphering in [ciphering(Protection::NONE), cipherings().pop().unwrap()] {
            let config = ClientConfig {
                ciphering: Some(ciphering),
                max_receive_pdu: 200,
                ..in_blocks(config(Mechanism::Lowest))
            };
            let mut pair = Pair::new(ClientConfig { block_window, ..config }, Toy::new());
            assert!(is_associated(&pair.associate()));
            let value = DataBuf::Unsigned(7).to_octets();
            let get = |attribute| AccessItem::Get { attribute, selection: None };
            let items = vec![
                AccessItem::Set {
                    attribute: attribute(NOTE),
                    selection: None,
                    value: value.clone(),
                },
                get(attribute(NOTHING)),
                get(attribute(NOTE)),
                AccessItem::Action { method: method(ECHO), parameters: Some(value.clone()) },
                AccessItem::Action { method: method(SINK), parameters: None },
            ];
            let done = ActionResult::Success;
            let mut answers = vec![
                AccessAnswer::Set(DataAccessResult::Success),
                AccessAnswer::Get(Err(DataAccessResult::ObjectUndefined)),
                AccessAnswer::Get(Ok(value.clone())),
                AccessAnswer::Action(ActionOutcome { result: done, returned: Some(Ok(value)) }),
                AccessAnswer::Action(ActionOutcome { result: done, returned: None }),
            ];
            let on_refusal = OnRefusal::GoOn;
            let request = Request::Access { items: items.clone(), on_refusal };
            assert_eq!(pair.request(request), Response::Access(answers.clone()));

            let not_done = ActionResult::OtherReason;
            answers.truncate(2);
            answers.push(AccessAnswer::Get(Err(DataAccessResult::OtherReason)));
            let outcome = ActionOutcome { result: not_done, returned: None };
            answers.extend([outcome.clone(), outcome].map(AccessAnswer::Action));
            let request = Request::Access { items, on_refusal: OnRefusal::Break };
            assert_eq!(pair.request(request), Response::Access(answers));

            // An answer too long for one APDU comes in blocks or not at all.
            let items = vec![get(attribute(LONG)), get(attribute(LONG))];
            pair.client.request(Request::Access { items, on_refusal }).unwrap();
            let long = DataBuf::array((0..100).map(DataBuf::DoubleLongUnsigned)).to_octets();
            match (block_window, &pair.run()[..]) {
                (Some(_), [Event::Response(ANY, Response::Access(answers))]) => {
                    assert_eq!(*answers, vec![AccessAnswer::Get(Ok(long)); 2]);
                }
                (None, [Event::RequestFailed(ANY, Failure::Exception(exception))]) => {
                    assert_eq!(exception.service, ExceptionService::PduTooLong);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn behind_a_gateway_every_apdu_carries_the_address_of_its_meter() {
    use crate::gateway::{Direction, GatewayAddress, GatewayHeader};
    for protection in [Protection::NONE, Protection::AUTHENTICATED_ENCRYPTED] {
        let gateway = Some(GatewayAddress { network: 2, address: b"471".to_vec() });
        let ciphering = Some(ciphering(protection));
        let config = ClientConfig { gateway, ciphering, ..config(Mechanism::Lls) };
        let mut pair = Pair::new(in_blocks(config), Toy::new());
        pair.client.associate(&mut Counting(100)).unwrap();
        let get = Request::Get { attribute: attribute(ENERGY), selection: None };
        let mut request = Vec::new();
        for expected in ["associated", "read", "released"] {
            assert!(pair.client.poll_transmit(NOW, &mut request), "{expected}");
            let (header, apdu) = GatewayHeader::decode(&request).unwrap();
            assert_eq!(header.direction, Direction::Request);
            assert_eq!((header.network, header.address), (2, &b"471"[..]));
            let answer = pair.bench.ask_octets(apdu);
            // From the next house, and without any header: it is nobody's.
            for other in [&b"\xe7\x02\x03472"[..], b"\xe7\x01\x03471", b""] {
                pair.client.handle_apdu(&mut [other, &answer].concat());
                assert_eq!(pair.event(), None);
            }
            pair.client.handle_apdu(&mut [&b"\xe7\x02\x03471"[..], &answer].concat());
            match (expected, pair.event()) {
                ("associated", Some(Event::Associated(_))) => {
                    pair.client.request(get.clone()).unwrap();
                }
                ("read", Some(Event::Response(ANY, Response::Get(Ok(_))))) => {
                    pair.client.release().unwrap();
                }
                ("released", Some(Event::Released)) => {}
                other => panic!("{protection} {other:?}"),
            }
        }
    }
}

#[test]
fn an_answer_for_which_no_other_blocks_were_agreed_on_comes_in_general_ones() {
    let conformance = Conformance::GET | Conformance::ACTION;
    let config = ClientConfig {
        conformance,
        block_window: Some(2),
        max_receive_pdu: 100,
        ..config(Mechanism::Lowest)
    };
    let mut pair = Pair::new(config, Toy::new());
    assert!(is_associated(&pair.associate()));
    // The client's own request in blocks has ended; a plain one is asked behind its back.
    let answer = pair.bench.ask(&format!("c001c1{LONG}00"));
    assert!(answer.starts_with("e028000100005bc401c1000164"), "{answer}");
    let next = pair.bench.ask("e0820001000100");
    assert!(next.starts_with("e06800020001"), "{next}");
    let mut last = Vec::new();
    assert!(pair.bench.server.poll_transmit(&mut last));
    assert!(hex(&last).starts_with("e02800030001"), "{}", hex(&last));
    assert!(!pair.bench.server.poll_transmit(&mut last));
}

#[test]
fn blocks_each_in_an_envelope_make_what_is_as_protected_as_the_least_of_them() {
    use crate::security::{ProtectRequest, SecurityControl, protect};
    let ciphering = ciphering(Protection::AUTHENTICATED_ENCRYPTED);
    let config = ClientConfig {
        ciphering: Some(Ciphering { general: true, ..ciphering.clone() }),
        ..in_blocks(config(Mechanism::Lowest))
    };
    let envelope = |counter, plain: &[u8]| {
        let request = ProtectRequest {
            tag: tag::GENERAL_GLO_CIPHERING,
            system_title: SystemTitle(*b"CLIENT01"),
            send_title: true,
            control: SecurityControl::new(ciphering.suite, ciphering.protection),
            counter,
            key: &ciphering.encryption_key,
            authentication_key: ciphering.authentication_key.as_ref(),
        };
        let mut out = Vec::new();
        protect(&RustCrypto, &request, plain, &mut out).unwrap();
        out
    };
    let mut pair = Pair::new(config, Toy::new());
    assert!(is_associated(&pair.associate()));
    let get = octets(&format!("c001c1{ENERGY}00"));
    let first = [&octets("e00100010000 06")[..], &get[..6]].concat();
    let last = [&octets("e08100020000 07")[..], &get[6..]].concat();

    // All of it in envelopes: answered, in an envelope that is cut.
    assert_eq!(hex(&pair.bench.ask_octets(&envelope(5_000, &first))), "e0280001000100");
    let answer = hex(&pair.bench.ask_octets(&envelope(5_001, &last)));
    assert!(answer.starts_with("e0a800020002") && answer[14..].starts_with("db08"), "{answer}");

    // One block without: refused.
    let begin = [&octets("e00100010000 05")[..], &get[..5]].concat();
    let end = [&octets("e08100020000 08")[..], &get[5..]].concat();
    assert_eq!(hex(&pair.bench.ask_octets(&envelope(5_002, &begin))), "e0280001000100");
    assert_eq!(hex(&pair.bench.ask_octets(&end)), "e0a80002000203d80101");
}

#[test]
fn blocks_in_what_blocks_made_are_refused_however_they_are_ciphered() {
    use crate::security::{ProtectRequest, SecurityControl, protect};
    let keys = ciphering(Protection::AUTHENTICATED_ENCRYPTED);
    let config = ClientConfig { ciphering: Some(keys.clone()), ..config(Mechanism::Lowest) };
    let mut pair = Pair::new(in_blocks(config), Toy::new());
    assert!(is_associated(&pair.associate()));
    let get = octets(&format!("c001c1{ENERGY}00"));
    // The last and only block, in an envelope where it is not the outermost.
    let block = |apdu: &[u8]| [&octets("e08100010000")[..], &[apdu.len() as u8], apdu].concat();
    let envelope = |counter, plain: &[u8]| {
        let request = ProtectRequest {
            tag: tag::GENERAL_GLO_CIPHERING,
            system_title: SystemTitle(*b"CLIENT01"),
            send_title: true,
            control: SecurityControl::new(keys.suite, keys.protection),
            counter,
            key: &keys.encryption_key,
            authentication_key: keys.authentication_key.as_ref(),
        };
        let mut out = Vec::new();
        protect(&RustCrypto, &request, plain, &mut out).unwrap();
        out
    };
    // service-not-allowed, service-not-supported.
    let nested = block(&envelope(5_000, &block(&get)));
    assert_eq!(hex(&pair.bench.ask_octets(&nested)), "e0a80001000103d80102");
    let answer = hex(&pair.bench.ask_octets(&block(&envelope(5_001, &get))));
    assert!(answer.starts_with("e0a800010001") && answer[14..].starts_with("db08"), "{answer}");
}

pub(super) fn is_associated(events: &[Event]) -> bool {
    matches!(events, [Event::Associated(_)])
}

#[test]
fn every_mechanism_opens_an_association_that_serves() {
    for mechanism in MECHANISMS {
        for ciphering in core::iter::once(ciphering(Protection::NONE)).chain(cipherings()) {
            let case = std::format!("{mechanism:?} {ciphering:?}");
            let config = ClientConfig { ciphering: Some(ciphering), ..config(mechanism) };
            let mut pair = Pair::new(config, Toy::demanding(mechanism));
            let events = pair.associate();
            assert!(is_associated(&events), "{case}: {events:?}");
            converse(&mut pair);
            pair.client.release().unwrap();
            assert_eq!(pair.run(), [Event::Released], "{case}");
            assert!(!pair.bench.server.is_associated(), "{case}");
        }
    }
}

#[test]
fn no_apdu_is_longer_than_its_receiver_takes() {
    for ciphering in core::iter::once(ciphering(Protection::NONE)).chain(cipherings()) {
        for max_receive_pdu in [64, 200, 1_024] {
            let config = ClientConfig {
                max_receive_pdu,
                ciphering: Some(ciphering.clone()),
                ..config(Mechanism::HlsGmac)
            };
            let mut pair = Pair::new(config, Toy::new());
            assert!(is_associated(&pair.associate()));
            let start = pair.line.len();
            converse(&mut pair);
            for exchange in pair.line[start..].chunks(2) {
                assert!(exchange[0].len() <= 1_024);
                assert!(exchange[1].len() <= usize::from(max_receive_pdu));
            }
        }
    }
}

#[test]
fn a_wrong_secret_or_key_opens_nothing() {
    for mechanism in MECHANISMS.into_iter().filter(|mechanism| mechanism.is_hls()) {
        let wrong = ClientConfig {
            secret: Secret::from("12345679"),
            ciphering: Some(Ciphering {
                authentication_key: Some(Key::from([0; 16])),
                ..ciphering(Protection::NONE)
            }),
            ..config(mechanism)
        };
        let mut pair = Pair::new(wrong, Toy::new());
        let refused = Failure::AuthenticationRefused(ActionResult::ReadWriteDenied);
        let failed = Event::AssociationFailed { phase: Phase::Authenticate, failure: refused };
        assert_eq!(pair.associate(), [failed], "{mechanism:?}");
        assert!(!pair.bench.server.is_associated());
        assert!(matches!(pair.bench.server.state, State::Idle));
    }
}

#[test]
fn another_client_title_than_the_one_in_the_proof_opens_nothing() {
    for mechanism in [Mechanism::HlsGmac, Mechanism::HlsSha256] {
        let mut pair = Pair::new(config(mechanism), Toy::new());
        pair.client.associate(&mut Counting(100)).unwrap();
        let mut aarq = Vec::new();
        assert!(pair.client.poll_transmit(NOW, &mut aarq));
        let at = aarq.windows(8).position(|octets| octets == b"CLIENT01").unwrap();
        aarq[at] ^= 1;
        let mut aare = pair.bench.ask_octets(&aarq);
        pair.client.handle_apdu(&mut aare);
        assert!(matches!(&pair.run()[..], [Event::AssociationFailed { .. }]), "{mechanism:?}");
    }
}
