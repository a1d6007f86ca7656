//! The client of this crate against the server of this crate: both halves of every mechanism and
//! every form of ciphering, and what they carry.

use alloc::sync::Arc;
use std::vec;

use sans_io_time::Instant;

use super::*;
use crate::{
    association::{
        ActionOutcome, Ciphering, Client, ClientConfig, Event, Failure, Phase, Request, Response,
    },
    axdr::DataBuf,
};

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

    /// Carries APDUs until both are silent, and returns what the client has to say.
    pub(super) fn run(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        let mut request = Vec::new();
        while self.client.poll_transmit(NOW, &mut request) {
            self.line.push(request.clone());
            let mut answer = self.bench.ask_octets(&request);
            if !answer.is_empty() {
                self.line.push(answer.clone());
                self.client.handle_apdu(&mut answer);
            }
            events.extend(core::iter::from_fn(|| self.client.poll_event()));
        }
        events
    }

    pub(super) fn associate(&mut self) -> Vec<Event> {
        self.client.associate(&mut Counting(100)).unwrap();
        self.run()
    }

    pub(super) fn request(&mut self, request: Request) -> Response {
        self.client.request(request).unwrap();
        match &self.run()[..] {
            [Event::Response(response)] => response.clone(),
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
