//! Transcripts: what the client sends, what a meter answers, what the owner learns.

mod blocks;
mod ciphering;
mod datagrams;
mod dedicated;
mod establish;
mod hls;
mod in_flight;
mod lossy_line;
mod notifications;
mod release;
mod services;
mod silence;

use alloc::{string::String, sync::Arc, vec, vec::Vec};
use std::format;

use sans_io_time::Instant;

use super::in_flight::tests::{ANY, of_any};
use super::*;
use crate::{
    axdr::DataBuf,
    cosem::AttributeDescriptor,
    security::{
        ProtectRequest, Protection, RustCrypto, Secret, SecurityControl, SecurityError,
        SecuritySuite, protect,
    },
    xdlms::{
        ConfirmedServiceError, DataAccessResult, ExceptionResponse, ExceptionService,
        ExceptionState, ServiceError,
    },
};

const VOLTAGE: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::REGISTER, LogicalName([1, 0, 32, 7, 0, 255]), 2);
const CLOCK: AttributeDescriptor = AttributeDescriptor::new(ClassId::CLOCK, LogicalName::CLOCK, 3);
const DISCONNECT: MethodDescriptor =
    MethodDescriptor::new(ClassId::DISCONNECT_CONTROL, LogicalName([0, 0, 96, 3, 10, 255]), 1);
const RECONNECT: MethodDescriptor =
    MethodDescriptor::new(ClassId::DISCONNECT_CONTROL, LogicalName([0, 0, 96, 3, 10, 255]), 2);

/// The services of the proposal, 1,024 octets, logical names.
const INITIATE_RESPONSE: &str = "0800065f1f0400401e1d04000007";
/// AARE: accepted, no diagnostic, the InitiateResponse above.
const ACCEPTED: &str = "6129 a109060760857405080101 a203020100 a305a103020100
    be10040e 0800065f1f0400 401e1d 0400 0007";

const CLIENT_TITLE: SystemTitle = SystemTitle(*b"MMM\0\0\0\0\x01");
const SERVER_TITLE: SystemTitle = SystemTitle(*b"MMM\0\0\xbc\x61\x4e");
const BOTH: Protection = Protection::AUTHENTICATED_ENCRYPTED;

/// Counts up, so that a transcript repeats itself.
struct Counting(u8);

impl Entropy for Counting {
    fn fill(&mut self, octets: &mut [u8]) {
        for octet in octets {
            self.0 += 1;
            *octet = self.0;
        }
    }
}

/// A client, the time, and the other end of the line.
struct Bench {
    client: Client,
    now: Instant,
}

impl Bench {
    fn new(config: ClientConfig) -> Self {
        Self { client: Client::new(config, Arc::new(RustCrypto)), now: Instant::ZERO }
    }

    /// With counters 100 to 163, and the AARQ out.
    fn associating(config: ClientConfig) -> Self {
        let mut bench = Self::new(config);
        bench.client.grant_counters(100..164);
        bench.client.associate(&mut Counting(0)).unwrap();
        bench.sent();
        bench
    }

    fn associated(config: ClientConfig) -> Self {
        let mut bench = Self::associating(config);
        bench.answer(ACCEPTED);
        assert!(matches!(bench.event(), Some(Event::Associated(_))));
        bench
    }

    /// In a ciphered association, whose AARE had the meter's counter 7.
    fn ciphered(config: ClientConfig) -> Self {
        let mut bench = Self::associating(config);
        let protection = bench.client.config.ciphering.as_ref().unwrap().protection;
        bench.answer_octets(&aare_with(&from_meter(0x28, 7, protection, INITIATE_RESPONSE)));
        assert!(matches!(bench.event(), Some(Event::Associated(_))));
        bench
    }

    fn request(&mut self, request: Request) -> Vec<u8> {
        self.client.request(request).unwrap();
        self.sent()
    }

    fn sent(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        assert!(self.client.poll_transmit(self.now, &mut out), "nothing was sent");
        out
    }

    fn silent(&mut self) -> bool {
        !self.client.poll_transmit(self.now, &mut Vec::new())
    }

    fn answer(&mut self, hex: &str) {
        self.answer_octets(&octets(hex));
    }

    fn answer_octets(&mut self, octets: &[u8]) {
        self.client.handle_apdu(&mut octets.to_vec());
    }

    /// What the client has to say, of whichever request.
    fn event(&mut self) -> Option<Event> {
        self.client.poll_event().map(of_any)
    }

    /// Gives up what is in flight.
    fn cancel(&mut self) {
        let in_flight: Vec<_> = self.client.operations.iter().map(Operation::id).collect();
        in_flight.into_iter().for_each(|request| self.client.cancel(request));
    }

    /// The answer to the request under way.
    fn response(&mut self) -> Response {
        match self.event() {
            Some(Event::Response(ANY, response)) => response,
            other => panic!("{other:?}"),
        }
    }

    /// Why the request under way failed; the association stands.
    fn failure(&mut self) -> Failure {
        match self.event() {
            Some(Event::RequestFailed(ANY, failure)) => {
                assert!(self.client.is_associated());
                assert!(!self.client.is_waiting());
                failure
            }
            other => panic!("{other:?}"),
        }
    }

    /// Why the association did not come about.
    fn association_failure(&mut self) -> (Phase, Failure) {
        match self.event() {
            Some(Event::AssociationFailed { phase, failure }) => {
                assert!(!self.client.is_associated() && !self.client.is_waiting());
                assert!(self.silent());
                (phase, failure)
            }
            other => panic!("{other:?}"),
        }
    }

    /// Whether the last APDU made no difference but was counted.
    fn dropped(&mut self, discarded: u64) -> bool {
        self.event().is_none() && self.silent() && self.client.discarded() == discarded
    }

    fn pass_to_timeout(&mut self) {
        self.now = self.client.poll_timeout().expect("nothing is waited for");
        self.client.handle_timeout(self.now);
    }
}

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn get(attribute: AttributeDescriptor) -> Request {
    Request::Get { attribute, selection: None }
}

fn set(value: Vec<u8>) -> Request {
    Request::Set { attribute: VOLTAGE, selection: None, value }
}

fn set_list() -> Request {
    Request::SetList(vec![(VOLTAGE, octets("120001")), (CLOCK, octets("120002"))])
}

fn disconnect() -> Request {
    Request::Action { method: DISCONNECT, parameters: Some(octets("0f00")) }
}

fn action_list() -> Request {
    Request::ActionList(vec![(DISCONNECT, octets("0f00")), (RECONNECT, octets("0f00"))])
}

/// What a method without return parameters ends with.
fn outcome(result: ActionResult) -> ActionOutcome {
    ActionOutcome { result, returned: None }
}

fn block_number(expected: u32, found: u32) -> Failure {
    Violation::BlockNumber { expected, found }.into()
}

fn unexpected(what: &'static str) -> Failure {
    Violation::Unexpected(what).into()
}

fn key(first: u8) -> Key {
    let octets: Vec<u8> = (first..=first + 15).collect();
    Key::try_from(octets.as_slice()).unwrap()
}

/// No authentication, but ciphered with `protection`.
fn ciphered_with(protection: Protection) -> ClientConfig {
    ClientConfig {
        system_title: Some(CLIENT_TITLE),
        server_title: Some(SERVER_TITLE),
        ciphering: Some(Ciphering {
            suite: SecuritySuite::Suite0,
            protection,
            encryption_key: key(0),
            authentication_key: Some(key(0xd0)),
            dedicated: false,
            general: false,
        }),
        ..ClientConfig::default()
    }
}

fn ciphered() -> ClientConfig {
    ciphered_with(BOTH)
}

fn ciphered_and_associated() -> Bench {
    Bench::ciphered(ciphered())
}

/// What the meter makes of `plain` under its counter `counter` and the global key.
fn from_meter(wire: u8, counter: u32, protection: Protection, plain: &str) -> Vec<u8> {
    let control = SecurityControl::new(SecuritySuite::Suite0, protection);
    sealed(wire, counter, control, &key(0), plain)
}

/// The same under any key. The general forms carry the meter's title.
fn sealed(
    wire: u8,
    counter: u32,
    control: SecurityControl,
    encryption_key: &Key,
    plain: &str,
) -> Vec<u8> {
    let mut out = Vec::new();
    let request = ProtectRequest {
        tag: wire,
        system_title: SERVER_TITLE,
        send_title: true,
        control,
        counter,
        key: encryption_key,
        authentication_key: Some(&key(0xd0)),
    };
    protect(&RustCrypto, &request, &octets(plain), &mut out).unwrap();
    out
}

/// AARE of a ciphered association: accepted, no diagnostic.
fn aare_with(initiate: &[u8]) -> Vec<u8> {
    encoded(&Aare {
        responding_ap_title: Some(&SERVER_TITLE.0),
        user_information: Some(initiate),
        ..Aare::new(
            ApplicationContext::LogicalNameCiphered,
            AssociationResult::Accepted,
            Diagnostic::User(AcseUserDiagnostic::Null),
        )
    })
}

fn encoded(aare: &Aare<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    aare.encode(&mut Writer::new(&mut out));
    out
}
