//! Transcripts: what the client sends, what a meter answers, what the owner learns.

use alloc::{string::String, sync::Arc, vec, vec::Vec};
use std::format;

use sans_io_time::Instant;

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
const DISCONNECT: MethodDescriptor =
    MethodDescriptor::new(ClassId::DISCONNECT_CONTROL, LogicalName([0, 0, 96, 3, 10, 255]), 1);

/// AARE: accepted, no diagnostic, the services of the proposal, 1,024 octets, logical names.
const ACCEPTED: &str = "6129 a109060760857405080101 a203020100 a305a103020100
    be10040e 0800065f1f0400 401e1d 0400 0007";

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

    fn associated(config: ClientConfig) -> Self {
        let mut bench = Self::new(config);
        bench.client.associate(&mut Counting(0)).unwrap();
        bench.sent();
        bench.answer(ACCEPTED);
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

    fn event(&mut self) -> Option<Event> {
        self.client.poll_event()
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
    assert_eq!(bench.event(), Some(Event::Response(Response::Get(Ok(value)))));

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
        (Mechanism::HlsEcdsa, "authentication mechanism"),
    ] {
        let config = ClientConfig { mechanism, ..ClientConfig::default() };
        let mut bench = Bench::new(config);
        assert_eq!(bench.client.associate(&mut Counting(0)), Err(Misuse::Lacks(lacks)));
        assert!(bench.silent());
    }
}

#[test]
fn blocks_of_an_answer_are_asked_for_one_by_one_and_joined() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(get(VOLTAGE));
    bench.answer("c402c1 00 00000001 00 03 090502");
    assert_eq!(hex(&bench.sent()), "c002c100000001");
    bench.answer("c402c1 00 00000002 00 02 0304");
    assert_eq!(hex(&bench.sent()), "c002c100000002");
    bench.answer("c402c1 01 00000003 00 02 0506");
    let value = octets("09050203040506");
    assert_eq!(bench.event(), Some(Event::Response(Response::Get(Ok(value)))));
}

#[test]
fn blocks_can_be_had_as_they_come() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(Request::GetBlocks { attribute: VOLTAGE, selection: None });
    bench.answer("c402c1 00 00000001 00 03 090202");
    assert_eq!(bench.event(), Some(Event::Block(octets("090202"))));
    bench.sent();
    bench.answer("c402c1 01 00000002 00 01 03");
    assert_eq!(bench.event(), Some(Event::Block(octets("03"))));
    assert_eq!(bench.event(), Some(Event::Response(Response::GetBlocks(Ok(())))));
}

#[test]
fn a_block_out_of_order_ends_the_request_and_nothing_of_it_is_used() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(get(VOLTAGE));
    bench.answer("c402c1 00 00000001 00 03 090502");
    bench.sent();
    bench.answer("c402c1 00 00000003 00 02 0304");
    let violation = Violation::BlockNumber { expected: 2, found: 3 };
    assert_eq!(bench.event(), Some(Event::RequestFailed(violation.into())));
    assert!(bench.client.is_associated());
}

#[test]
fn a_refusal_is_an_answer() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(get(VOLTAGE));
    bench.answer("c401c1 01 04");
    let refused = Response::Get(Err(DataAccessResult::ObjectUndefined));
    assert_eq!(bench.event(), Some(Event::Response(refused)));
}

#[test]
fn a_list_is_read_with_one_request() {
    let mut bench = Bench::associated(ClientConfig::default());
    let clock = AttributeDescriptor::new(ClassId::CLOCK, LogicalName::CLOCK, 3);
    let sent = bench.request(Request::GetList(vec![(VOLTAGE, None), (clock, None)]));
    assert_eq!(hex(&sent), "c003c10200030100200700ff0200000800000100 00ff0300".replace(' ', ""));
    bench.answer("c403c1 02 00 1208fd 01 03");
    let results = vec![Ok(octets("1208fd")), Err(DataAccessResult::ReadWriteDenied)];
    assert_eq!(bench.event(), Some(Event::Response(Response::GetList(results))));

    bench.request(Request::GetList(vec![(VOLTAGE, None), (clock, None)]));
    bench.answer("c403c2 01 00 1208fd");
    let violation = Violation::ResultCount { expected: 2, found: 1 };
    assert_eq!(bench.event(), Some(Event::RequestFailed(violation.into())));
}

#[test]
fn a_value_too_long_for_the_meter_goes_in_blocks() {
    let mut bench = Bench::associated(ClientConfig::default());
    let mut value = Vec::new();
    DataBuf::OctetString((0..2500_u32).map(|n| n as u8).collect())
        .encode(&mut Writer::new(&mut value));
    let mut joined = Vec::new();
    let mut sent = bench.request(set(value.clone()));
    for number in 1.. {
        assert!(sent.len() <= 1024, "block {number} has {} octets", sent.len());
        let request = crate::xdlms::SetRequest::decode(&sent).unwrap();
        let block = match request {
            crate::xdlms::SetRequest::FirstDatablock { block, .. } if number == 1 => block,
            crate::xdlms::SetRequest::Datablock { block, .. } if number > 1 => block,
            other => panic!("{other:?}"),
        };
        assert_eq!(block.number, number);
        joined.extend_from_slice(block.octets);
        if block.last {
            bench.answer(&format!("c503c1 00 {number:08x}"));
            break;
        }
        bench.answer(&format!("c502c1 {number:08x}"));
        sent = bench.sent();
    }
    assert_eq!(joined, value);
    let response = Response::Set(DataAccessResult::Success);
    assert_eq!(bench.event(), Some(Event::Response(response)));
}

#[test]
fn a_method_is_invoked_and_what_it_returns_is_handed_on() {
    let mut bench = Bench::associated(ClientConfig::default());
    let request = Request::Action { method: DISCONNECT, parameters: Some(octets("0f00")) };
    assert_eq!(hex(&bench.request(request)), "c301c100460000600 30aff01010f00".replace(' ', ""));
    bench.answer("c701c1 00 01 00 1105");
    let outcome =
        ActionOutcome { result: ActionResult::Success, returned: Some(Ok(octets("1105"))) };
    assert_eq!(bench.event(), Some(Event::Response(Response::Action(outcome))));
}

#[test]
fn a_silent_meter_is_asked_again_as_often_as_configured() {
    let mut bench = Bench::new(ClientConfig { retries: 2, ..ClientConfig::default() });
    bench.client.associate(&mut Counting(0)).unwrap();
    let first = bench.sent();
    for _ in 0..2 {
        bench.pass_to_timeout();
        assert_eq!(bench.sent(), first);
    }
    bench.pass_to_timeout();
    let failed = Event::AssociationFailed { phase: Phase::Associate, failure: Failure::NoResponse };
    assert_eq!(bench.event(), Some(failed));
    assert_eq!(bench.now, Instant::from_nanos(30_000_000_000));
    assert_eq!(bench.client.poll_timeout(), None);
}

#[test]
fn an_answer_that_comes_after_the_repetition_is_dropped() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(get(VOLTAGE));
    bench.pass_to_timeout();
    assert_eq!(hex(&bench.sent()), "c001c200030100200700ff0200");
    bench.answer("c401c1 00 120001");
    assert_eq!(bench.event(), None);
    assert_eq!(bench.client.discarded(), 1);
    bench.answer("c401c2 00 120002");
    let value = octets("120002");
    assert_eq!(bench.event(), Some(Event::Response(Response::Get(Ok(value)))));
}

#[test]
fn a_write_or_a_method_is_never_repeated() {
    for request in [
        set(octets("120001")),
        Request::Action { method: DISCONNECT, parameters: Some(octets("0f00")) },
    ] {
        let mut bench = Bench::associated(ClientConfig::default());
        bench.request(request);
        bench.pass_to_timeout();
        assert!(bench.silent());
        assert_eq!(bench.event(), Some(Event::RequestFailed(Failure::NoResponse)));
    }
}

#[test]
fn an_exception_fails_the_request_and_not_the_association() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(get(VOLTAGE));
    bench.answer("d80202");
    let exception = ExceptionResponse {
        state: ExceptionState::ServiceUnknown,
        service: ExceptionService::ServiceNotSupported,
    };
    let failed = Event::RequestFailed(Failure::Exception(exception));
    assert_eq!(bench.event(), Some(failed));
    assert!(bench.client.is_associated());
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
fn a_notification_in_between_disturbs_nothing() {
    let mut bench = Bench::associated(ClientConfig::default());
    bench.request(get(VOLTAGE));
    let notification = "0f00000001 00 0600000001";
    bench.answer(notification);
    assert_eq!(bench.event(), Some(Event::Notification(octets(notification))));
    bench.answer("c401c1 00 120002");
    let value = octets("120002");
    assert_eq!(bench.event(), Some(Event::Response(Response::Get(Ok(value)))));
}

const CLIENT_TITLE: SystemTitle = SystemTitle(*b"MMM\0\0\0\0\x01");
const SERVER_TITLE: SystemTitle = SystemTitle(*b"MMM\0\0\xbc\x61\x4e");

fn key(first: u8) -> Key {
    let octets: Vec<u8> = (first..=first + 15).collect();
    Key::try_from(octets.as_slice()).unwrap()
}

fn ciphered() -> ClientConfig {
    ClientConfig {
        system_title: Some(CLIENT_TITLE),
        server_title: Some(SERVER_TITLE),
        ciphering: Some(Ciphering {
            suite: SecuritySuite::Suite0,
            protection: Protection::AUTHENTICATED_ENCRYPTED,
            encryption_key: key(0),
            authentication_key: Some(key(0xd0)),
            dedicated: false,
            general: false,
        }),
        ..ClientConfig::default()
    }
}

/// What the meter makes of `plain` under its counter `counter`.
fn from_meter(wire: u8, counter: u32, protection: Protection, plain: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let request = ProtectRequest {
        tag: wire,
        system_title: SERVER_TITLE,
        send_title: false,
        control: SecurityControl::new(SecuritySuite::Suite0, protection),
        counter,
        key: &key(0),
        authentication_key: Some(&key(0xd0)),
    };
    protect(&RustCrypto, &request, &octets(plain), &mut out).unwrap();
    out
}

fn aare_with(initiate: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let title = SERVER_TITLE.0;
    Aare {
        responding_ap_title: Some(&title),
        user_information: Some(initiate),
        ..Aare::new(
            ApplicationContext::LogicalNameCiphered,
            AssociationResult::Accepted,
            Diagnostic::User(AcseUserDiagnostic::Null),
        )
    }
    .encode(&mut Writer::new(&mut out));
    out
}

const INITIATE_RESPONSE: &str = "0800065f1f0400401e1d04000007";
const BOTH: Protection = Protection::AUTHENTICATED_ENCRYPTED;

fn ciphered_and_associated() -> Bench {
    let mut bench = Bench::new(ciphered());
    bench.client.grant_counters(100..164);
    bench.client.associate(&mut Counting(0)).unwrap();
    bench.sent();
    bench.answer_octets(&aare_with(&from_meter(0x28, 7, BOTH, INITIATE_RESPONSE)));
    assert!(matches!(bench.event(), Some(Event::Associated(_))));
    bench
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
    assert_eq!(bench.event(), Some(Event::Response(Response::Get(Ok(value)))));
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
            let Some(Event::RequestFailed(_)) = bench.event() else {
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
    assert_eq!(bench.event(), Some(Event::Response(Response::Get(Ok(value)))));
}

#[test]
fn a_replayed_answer_is_refused() {
    let mut bench = ciphered_and_associated();
    bench.request(get(VOLTAGE));
    bench.answer_octets(&from_meter(0xcc, 8, BOTH, "c401c100 1208fd"));
    assert!(matches!(bench.event(), Some(Event::Response(_))));
    bench.request(get(VOLTAGE));
    bench.answer_octets(&from_meter(0xcc, 8, BOTH, "c401c200 1208fd"));
    let error = SecurityError::CounterNotGreater { received: 8, last: 8 };
    assert_eq!(bench.event(), Some(Event::RequestFailed(error.into())));
}

#[test]
fn an_answer_less_protected_than_agreed_is_refused() {
    let mut bench = ciphered_and_associated();
    bench.request(get(VOLTAGE));
    bench.answer("c401c100 1208fd");
    assert_eq!(bench.event(), Some(Event::RequestFailed(Failure::Unprotected)));

    for (counter, weaker) in [(8, Protection::ENCRYPTED), (9, Protection::AUTHENTICATED)] {
        bench.request(get(VOLTAGE));
        bench.answer_octets(&from_meter(0xcc, counter, weaker, "c401c200 1208fd"));
        let Some(Event::RequestFailed(Failure::Security(_))) = bench.event() else {
            panic!("{weaker} was accepted")
        };
    }
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
fn the_tag_in_front_of_a_ciphered_apdu_must_fit_its_content() {
    let mut bench = ciphered_and_associated();
    bench.request(get(VOLTAGE));
    bench.answer_octets(&from_meter(0xcd, 8, BOTH, "c401c100 1208fd"));
    let violation = Violation::Unexpected("content of a ciphered APDU");
    assert_eq!(bench.event(), Some(Event::RequestFailed(violation.into())));
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
