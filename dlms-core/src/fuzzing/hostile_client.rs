//! The client against a meter that answers whatever it likes.

use alloc::{collections::BTreeMap, sync::Arc, vec, vec::Vec};
use core::mem;

use sans_io_time::Instant;

use super::{
    meter::{CLIENT_SAP, Counting, METER_TITLE, Meter, block, client_config, object, parameter},
    next, take,
};
use crate::{
    acse::Mechanism,
    association::{
        Client, ClientConfig, Event, Request, RequestId, Response, Server, ServerConfig,
    },
    axdr::{RawData, Writer},
    cosem::{AttributeDescriptor, ClassId, MethodDescriptor},
    gateway::{Direction, GatewayAddress, GatewayHeader},
    security::{
        Key, ProtectRequest, Protection, RustCrypto, SecurityControl, SecuritySuite, protect,
    },
    xdlms::tag,
};

/// Octets of a joined answer that the client takes.
const ANSWER_LEN_MAX: usize = 1_000;
/// Events that one call may bring about: a last block and the end of its request, or a
/// notification; with some room.
const EVENTS_MAX: usize = 4;

/// A client and what its owner knows.
struct Owner {
    client: Client,
    is_behind_gateway: bool,
    now: Instant,
    /// What is asked for and not answered.
    asked: BTreeMap<RequestId, Request>,
    /// What went out last, and the true answer to it.
    request: Vec<u8>,
}

/// Whatever the meter answers, each request comes to one end, of its kind, and every value that is
/// handed out is one value of no more than the allowed length. When the meter falls silent, nothing
/// is waited for after the last repetition.
///
/// First octet: mechanism and protection. Then operations of one octet and its arguments.
pub fn hostile_client(mut octets: &[u8]) {
    let choice = next(&mut octets);
    let (mechanism, protection) = match choice & 3 {
        0 => (Mechanism::Lowest, Protection::NONE),
        1 => (Mechanism::HlsMd5, Protection::NONE),
        2 => (Mechanism::HlsGmac, Protection::AUTHENTICATED_ENCRYPTED),
        _ => (Mechanism::Lowest, Protection::ENCRYPTED),
    };
    let mut client = Client::new(
        ClientConfig {
            answer_len_max: ANSWER_LEN_MAX,
            max_receive_pdu: 128,
            datagrams: choice & 4 != 0,
            in_flight_max: if choice & 0x10 != 0 { 3 } else { 1 },
            gateway: (choice & 8 != 0).then(gateway),
            ..client_config(mechanism, protection)
        },
        Arc::new(RustCrypto),
    );
    client.grant_counters(1..10_000);
    let mut owner = Owner {
        client,
        is_behind_gateway: choice & 8 != 0,
        now: Instant::ZERO,
        asked: BTreeMap::new(),
        request: Vec::new(),
    };
    let mut meter = Meter::new(mechanism, protection);
    let mut server = Server::new(ServerConfig { max_pdu: 128, ..ServerConfig::new(CLIENT_SAP) });
    let mut entropy = Counting::default();
    let mut number = 0;
    let mut counter = 100_000;
    while !octets.is_empty() {
        match next(&mut octets) % 16 {
            0 => {
                let _ = owner.client.associate(&mut entropy);
            }
            1 => {
                let request = request(next(&mut octets), number);
                number += 1;
                if let Ok(id) = owner.client.request(request.clone()) {
                    assert_eq!(owner.asked.insert(id, request), None, "two of one name");
                }
            }
            2 => owner.end(|client| {
                let _ = client.release();
            }),
            3 if owner.client.is_associated() => {
                if let Some((id, _)) = owner.asked.pop_first() {
                    owner.client.cancel(id);
                }
            }
            4 => owner.end(Client::abort),
            5 => owner.pass_time(),
            // The true answer.
            6..=8 => {
                let mut answer = Vec::new();
                let mut request = mem::take(&mut owner.request);
                if server.handle_apdu(&mut meter, &mut entropy, &mut request, &mut answer) {
                    owner.hear(&answer);
                }
            }
            how => {
                let len = usize::from(next(&mut octets));
                let mut apdu = take(&mut octets, len).to_vec();
                if how & 1 != 0 && protection != Protection::NONE {
                    counter += 1;
                    apdu = protected(protection, counter, &apdu);
                    // A push whose blocks are ciphered, once or more.
                    for _ in 0..how >> 1 & 3 {
                        counter += 1;
                        apdu = protected(protection, counter, &block(&apdu, true));
                    }
                }
                owner.hear(&apdu);
            }
        }
        owner.drain();
    }
    owner.fall_silent();
}

impl Owner {
    fn hear(&mut self, apdu: &[u8]) {
        let mut octets = Vec::new();
        if self.is_behind_gateway {
            gateway().header(Direction::Response).encode(&mut Writer::new(&mut octets));
        }
        octets.extend_from_slice(apdu);
        self.client.handle_apdu(&mut octets);
    }

    /// Does something that ends all requests without a word.
    fn end(&mut self, by: impl FnOnce(&mut Client)) {
        by(&mut self.client);
        if !self.client.is_waiting() || !self.client.is_associated() {
            self.asked.clear();
        }
    }

    fn pass_time(&mut self) {
        if let Some(deadline) = self.client.poll_timeout() {
            self.now = self.now.max(deadline);
            self.client.handle_timeout(self.now);
        }
    }

    fn drain(&mut self) {
        let mut events = 0;
        while let Some(event) = self.client.poll_event() {
            events += 1;
            assert!(events <= EVENTS_MAX);
            match event {
                Event::Response(id, response) => {
                    let asked = self.asked.remove(&id).expect("a response to a request");
                    check(&asked, &response);
                }
                Event::RequestFailed(id, _) => {
                    assert!(self.asked.remove(&id).is_some(), "a failure without a request");
                }
                Event::Block(id, octets) => {
                    assert!(matches!(self.asked.get(&id), Some(Request::GetBlocks { .. })));
                    assert!(octets.len() <= ANSWER_LEN_MAX);
                }
                Event::AssociationFailed { .. } | Event::Released => self.asked.clear(),
                Event::Associated(_) => assert!(self.client.is_associated()),
                Event::Notification(_) => {}
            }
        }
        let mut request = Vec::new();
        let mut sent = 0;
        while self.client.poll_transmit(self.now, &mut request) {
            assert!(!request.is_empty());
            self.request = match GatewayHeader::decode(&request) {
                Ok((_, apdu)) if self.is_behind_gateway => apdu.to_vec(),
                _ => request.clone(),
            };
            sent += 1;
        }
        assert!(sent <= self.asked.len().max(1), "one APDU of a request at a time");
        assert_eq!(!self.asked.is_empty() && self.client.is_associated(), {
            self.client.is_associated() && self.client.is_waiting()
        });
        assert!(
            !self.client.is_waiting() || self.client.poll_timeout().is_some(),
            "waits for ever"
        );
    }

    fn fall_silent(mut self) {
        let repetitions = ClientConfig::default().retries;
        let waits = self.asked.len().max(1) * usize::from(repetitions + 1);
        for _ in 0..waits {
            self.pass_time();
            self.drain();
        }
        assert!(!self.client.is_waiting());
        assert!(self.asked.is_empty());
    }
}

/// The address of the meter behind a gateway.
fn gateway() -> GatewayAddress {
    GatewayAddress { network: 1, address: vec![7] }
}

/// A request of any kind.
fn request(kind: u8, number: u16) -> Request {
    let register = |kind| AttributeDescriptor::new(ClassId::REGISTER, object(kind, number), 2);
    let script = MethodDescriptor::new(ClassId::SCRIPT_TABLE, object(9, number), 1);
    let value = parameter(u16::from(kind) * 4);
    match kind % 8 {
        0 | 1 => Request::Get { attribute: register(kind % 4), selection: None },
        2 => Request::GetBlocks { attribute: register(3), selection: None },
        3 => Request::GetList(vec![(register(1), None), (register(3), None)]),
        4 => Request::Set { attribute: register(4), selection: None, value },
        5 => Request::SetList(vec![(register(4), value.clone()), (register(5), value)]),
        6 => Request::Action { method: script, parameters: (kind & 8 == 0).then_some(value) },
        _ => Request::ActionList(vec![(script, value.clone()), (script, value)]),
    }
}

/// A response is of the kind of its request, has its length, and its values are values.
fn check(asked: &Request, response: &Response) {
    let is_value = |octets: &Vec<u8>| {
        RawData::from_octets(octets).expect("a value");
        assert!(octets.len() <= ANSWER_LEN_MAX);
    };
    match (asked, response) {
        (Request::Get { .. }, Response::Get(result)) => result.iter().for_each(is_value),
        (Request::GetBlocks { .. }, Response::GetBlocks(_)) => {}
        (Request::GetList(list), Response::GetList(results)) => {
            assert_eq!(list.len(), results.len());
            results.iter().flatten().for_each(is_value);
        }
        (Request::Set { .. }, Response::Set(_)) => {}
        (Request::SetList(list), Response::SetList(results)) => {
            assert_eq!(list.len(), results.len());
        }
        (Request::Action { .. }, Response::Action(outcome)) => {
            outcome.returned.iter().flatten().for_each(is_value);
        }
        (Request::ActionList(list), Response::ActionList(outcomes)) => {
            assert_eq!(list.len(), outcomes.len());
            outcomes
                .iter()
                .filter_map(|outcome| outcome.returned.as_ref())
                .flatten()
                .for_each(is_value);
        }
        other => panic!("{other:?}"),
    }
}

/// The APDU under the global key, as the meter protects it.
fn protected(protection: Protection, counter: u32, plain: &[u8]) -> Vec<u8> {
    let service = plain.first().and_then(|tag| tag::global(*tag));
    let request = ProtectRequest {
        tag: service.unwrap_or(tag::GENERAL_GLO_CIPHERING),
        system_title: METER_TITLE,
        send_title: true,
        control: SecurityControl::new(SecuritySuite::Suite0, protection),
        counter,
        key: &Key::from([0x5a; 16]),
        authentication_key: Some(&Key::from([0xa5; 16])),
    };
    let mut apdu = Vec::new();
    protect(&RustCrypto, &request, plain, &mut apdu).expect("keys and counter for it");
    apdu
}
