//! Security setup (class 64): keys and policy change, and what that means for the associations.

#![allow(clippy::unwrap_used, reason = "a test fails where its helper does")]

use std::sync::Arc;

use dlms_core::{
    acse::Mechanism,
    association::{
        ActionOutcome, Ciphering, Client, ClientConfig, Entropy, Event, Failure, Request, Response,
        Server, ServerConfig,
    },
    axdr::{Data, DataBuf, Reader, Writer},
    cosem::{AttributeDescriptor, ClassId, LogicalName, MethodDescriptor},
    security::{
        CryptoProvider, EphemeralKey, Key, KeyDerivation, KeyId, KeysWithPeer, PartyKeys,
        PrivateKey, ProtectRequest, Protection, PublicKeyProvider, RustCrypto, Secret,
        SecurityControl, SecuritySuite, SystemTitle, decode_head, protect,
    },
    xdlms::ActionResult,
};
use sans_io_time::Instant;
use simulator::{MANAGEMENT_CLIENT, Meter, MeterConfig, MeterKeys, PUBLIC_CLIENT};

const CLIENT: SystemTitle = SystemTitle(*b"CLIENT01");
const METER: SystemTitle = SystemTitle(*b"DHE\x01\0\0\x03\xe8");
const SETUP: LogicalName = LogicalName([0, 0, 43, 0, 0, 255]);
const ACTIVATE: i8 = 1;
const TRANSFER: i8 = 2;
const AGREE: i8 = 3;

/// Octets that count on, so that nothing drawn comes twice.
struct Counting(u8);

impl Entropy for Counting {
    fn fill(&mut self, octets: &mut [u8]) {
        for octet in octets {
            self.0 = self.0.wrapping_add(1);
            *octet = self.0;
        }
    }
}

/// A meter on the desk, and the management client.
struct Desk {
    meter: Meter,
    server: Server,
    client: Client,
    keys: MeterKeys,
    entropy: Counting,
    /// The next invocation counter of the client, for whichever association.
    counter: u32,
}

impl Desk {
    fn new(suite: SecuritySuite) -> Self {
        let keys = MeterKeys::of(suite);
        let config = MeterConfig { entries: 4, keys: keys.clone(), ..MeterConfig::default() };
        Self {
            meter: Meter::new(1000, Arc::new(config)),
            server: Server::new(ServerConfig::new(MANAGEMENT_CLIENT)),
            client: Client::new(ClientConfig::default(), Arc::new(RustCrypto)),
            keys,
            entropy: Counting(0),
            counter: 1,
        }
    }

    /// Associates with GMAC and these keys.
    fn associate(&mut self, protection: Protection, keys: &MeterKeys) -> Vec<Event> {
        let config = ClientConfig {
            mechanism: Mechanism::HlsGmac,
            system_title: Some(CLIENT),
            ciphering: Some(Ciphering {
                suite: keys.suite,
                protection,
                encryption_key: keys.encryption.clone(),
                authentication_key: Some(keys.authentication.clone()),
                dedicated: false,
                general: true,
            }),
            party_keys: party_keys(keys.suite),
            ..ClientConfig::default()
        };
        self.client = Client::new(config, Arc::new(RustCrypto));
        self.client.grant_counters(self.counter..self.counter + 100);
        self.counter += 100;
        self.client.associate(&mut self.entropy).unwrap();
        self.run()
    }

    fn run(&mut self) -> Vec<Event> {
        let (mut request, mut answer, mut events) = (Vec::new(), Vec::new(), Vec::new());
        while self.client.poll_transmit(Instant::ZERO, &mut request) {
            let meter = &mut self.meter;
            if self.server.handle_apdu(meter, &mut self.entropy, &mut request, &mut answer) {
                self.client.handle_apdu(&mut answer);
            }
            events.extend(core::iter::from_fn(|| self.client.poll_event()));
        }
        events
    }

    fn invoke(&mut self, method: i8, parameter: &DataBuf) -> ActionOutcome {
        let method = MethodDescriptor::new(ClassId::SECURITY_SETUP, SETUP, method);
        let parameters = Some(parameter.to_octets());
        self.client.request(Request::Action { method, parameters }).unwrap();
        match &self.run()[..] {
            [Event::Response(_, Response::Action(outcome))] => outcome.clone(),
            events => panic!("{events:?}"),
        }
    }

    /// Reads an attribute of the security setup.
    fn read(&mut self, attribute: i8) -> Vec<Event> {
        let attribute = AttributeDescriptor::new(ClassId::SECURITY_SETUP, SETUP, attribute);
        self.client.request(Request::Get { attribute, selection: None }).unwrap();
        self.run()
    }
}

/// Whether the security policy was read, and is this.
fn is_policy(events: &[Event], code: u8) -> bool {
    let [Event::Response(_, Response::Get(Ok(value)))] = events else { return false };
    value[..] == [0x16, code]
}

fn associated(events: &[Event]) -> bool {
    matches!(events, [Event::Associated(_)])
}

/// The client's side of the meter's keys.
fn party_keys(suite: SecuritySuite) -> PartyKeys {
    let signing = suite.curve().map(|curve| {
        let [own, meter] = [0x11, 0x22]
            .map(|octet| PrivateKey::try_from(&vec![octet; curve.coordinate_len()][..]).unwrap());
        KeysWithPeer { own, peer: RustCrypto.public_key(&meter).unwrap() }
    });
    PartyKeys { signing, ..PartyKeys::default() }
}

fn key(suite: SecuritySuite, octet: u8) -> Key {
    Key::try_from(&vec![octet; suite.key_len()][..]).unwrap()
}

fn items(items: impl IntoIterator<Item = (KeyId, Vec<u8>)>) -> DataBuf {
    DataBuf::array(items.into_iter().map(|(id, octets)| {
        DataBuf::structure([DataBuf::Enum(id.code()), DataBuf::octet_string(octets)])
    }))
}

fn wrapped(keys: &MeterKeys, id: KeyId, key: &Key) -> (KeyId, Vec<u8>) {
    let kek = keys.party.key_encryption_key.as_ref().unwrap();
    (id, RustCrypto.key_wrap(kek, key).unwrap())
}

const DONE: ActionOutcome = ActionOutcome { result: ActionResult::Success, returned: None };

fn refused(result: ActionResult) -> ActionOutcome {
    ActionOutcome { result, returned: None }
}

#[test]
fn a_transfer_is_answered_under_the_old_keys_and_then_only_the_new_ones_open() {
    for suite in [SecuritySuite::Suite0, SecuritySuite::Suite1, SecuritySuite::Suite2] {
        let mut desk = Desk::new(suite);
        let both = Protection::AUTHENTICATED_ENCRYPTED;
        let old = desk.keys.clone();
        assert!(associated(&desk.associate(both, &old)));
        let new = MeterKeys {
            encryption: key(suite, 0x51),
            authentication: key(suite, 0x52),
            ..old.clone()
        };
        let parameter = items([
            wrapped(&old, KeyId::Guek, &new.encryption),
            wrapped(&old, KeyId::Gak, &new.authentication),
        ]);
        // The client, which knows only the old keys, can read the answer.
        assert_eq!(desk.invoke(TRANSFER, &parameter), DONE);
        assert!(matches!(desk.read(2)[..], [Event::RequestFailed(_, Failure::Exception(_))]));
        assert!(!associated(&desk.associate(both, &old)));
        assert!(associated(&desk.associate(both, &new)));
        assert!(matches!(desk.read(2)[..], [Event::Response(_, Response::Get(Ok(_)))]));
    }
}

/// At key establishment the counter of the sender is 0 (Green Book 9.2.3.3.7.3).
#[test]
fn a_new_key_has_counters_that_begin_with_it_and_the_same_key_again_has_not() {
    let mut desk = Desk::new(SecuritySuite::Suite0);
    let both = Protection::AUTHENTICATED_ENCRYPTED;
    let old = desk.keys.clone();
    assert!(associated(&desk.associate(both, &old)));
    assert_eq!(desk.invoke(TRANSFER, &items([wrapped(&old, KeyId::Guek, &old.encryption)])), DONE);
    desk.counter = 0;
    assert!(!associated(&desk.associate(both, &old)));

    desk.counter = 1_000;
    assert!(associated(&desk.associate(both, &old)));
    let new = MeterKeys { encryption: key(SecuritySuite::Suite0, 0x51), ..old.clone() };
    assert_eq!(desk.invoke(TRANSFER, &items([wrapped(&old, KeyId::Guek, &new.encryption)])), DONE);
    desk.counter = 0;
    assert!(associated(&desk.associate(both, &new)));
}

#[test]
fn a_key_that_does_not_unwrap_changes_nothing() {
    let mut desk = Desk::new(SecuritySuite::Suite0);
    let keys = desk.keys.clone();
    assert!(associated(&desk.associate(Protection::AUTHENTICATED_ENCRYPTED, &keys)));
    let good = wrapped(&keys, KeyId::Guek, &key(SecuritySuite::Suite0, 0x51));
    let parameter = items([good, (KeyId::Gak, vec![0; 24])]);
    assert_eq!(desk.invoke(TRANSFER, &parameter), refused(ActionResult::OtherReason));
    assert!(matches!(desk.read(2)[..], [Event::Response(_, Response::Get(Ok(_)))]));
}

#[test]
fn client_and_meter_agree_on_a_key_and_use_it() {
    for suite in [SecuritySuite::Suite1, SecuritySuite::Suite2] {
        let mut desk = Desk::new(suite);
        let both = Protection::AUTHENTICATED_ENCRYPTED;
        let old = desk.keys.clone();
        assert!(associated(&desk.associate(both, &old)));
        let signing = party_keys(suite).signing.unwrap();
        let curve = suite.curve().unwrap();
        let ephemeral = PrivateKey::try_from(&vec![0x66; curve.coordinate_len()][..]).unwrap();
        let id = KeyId::Guek;
        let mut octets = Vec::new();
        EphemeralKey::sign(&RustCrypto, &ephemeral, &signing.own, Some(id))
            .unwrap()
            .encode(&mut Writer::new(&mut octets));
        let outcome = desk.invoke(AGREE, &items([(id, octets)]));
        assert_eq!(outcome.result, ActionResult::Success);

        let returned = outcome.returned.unwrap().unwrap();
        let DataBuf::Array(answer) = DataBuf::decode(&mut Reader::new(&returned)).unwrap() else {
            panic!()
        };
        let [DataBuf::Structure(fields)] = &answer[..] else { panic!("{answer:?}") };
        let [DataBuf::Enum(0), DataBuf::OctetString(theirs)] = &fields[..] else { panic!() };
        let theirs = EphemeralKey::decode(&mut Reader::new(theirs)).unwrap();
        theirs.verify(&RustCrypto, &signing.peer, Some(id)).unwrap();
        let derivation = KeyDerivation {
            suite,
            purpose: id.purpose(),
            party_u: CLIENT,
            transaction_id: None,
            party_v: METER,
            arc_06: false,
        };
        let z = RustCrypto.ecdh(&ephemeral, &theirs.public).unwrap();
        let encryption = derivation.derive(&RustCrypto, &z).unwrap();
        let new = MeterKeys { encryption, ..old };
        assert!(associated(&desk.associate(both, &new)));
    }
}

#[test]
fn a_policy_of_version_0_is_enforced_and_only_strengthened() {
    let mut desk = Desk::new(SecuritySuite::Suite0);
    let keys = desk.keys.clone();
    let both = Protection::AUTHENTICATED_ENCRYPTED;
    assert!(associated(&desk.associate(Protection::AUTHENTICATED, &keys)));
    assert_eq!(desk.invoke(ACTIVATE, &DataBuf::Enum(3)), DONE);
    // At once, also for the association in which it was activated.
    assert!(matches!(desk.read(2)[..], [Event::RequestFailed(..)]));
    for weaker in [Protection::NONE, Protection::AUTHENTICATED, Protection::ENCRYPTED] {
        assert!(!associated(&desk.associate(weaker, &keys)), "{weaker}");
    }
    assert!(associated(&desk.associate(both, &keys)));
    assert!(is_policy(&desk.read(2), 3));
    let denied = refused(ActionResult::ReadWriteDenied);
    assert_eq!(desk.invoke(ACTIVATE, &DataBuf::Enum(1)), denied);
    assert_eq!(desk.invoke(ACTIVATE, &DataBuf::Enum(3)), DONE);
}

#[test]
fn a_policy_of_version_1_protects_responses_more_than_their_requests() {
    let mut desk = Desk::new(SecuritySuite::Suite1);
    let keys = desk.keys.clone();
    assert!(associated(&desk.associate(Protection::ENCRYPTED, &keys)));
    // Responses authenticated and signed; requests as they like.
    assert_eq!(desk.invoke(ACTIVATE, &DataBuf::Enum(0xa0)), DONE);
    let attribute = AttributeDescriptor::new(ClassId::SECURITY_SETUP, SETUP, 2);
    let asked = desk.client.request(Request::Get { attribute, selection: None }).unwrap();
    let (mut request, mut answer) = (Vec::new(), Vec::new());
    assert!(desk.client.poll_transmit(Instant::ZERO, &mut request));
    let (meter, entropy) = (&mut desk.meter, &mut desk.entropy);
    assert!(desk.server.handle_apdu(meter, entropy, &mut request, &mut answer));
    // general-glo-ciphering, authenticated and encrypted in suite 1.
    let head = decode_head(&answer).unwrap();
    assert_eq!((head.tag, head.control.octet()), (0xdb, 0x31));
    desk.client.handle_apdu(&mut answer);
    let value = Event::Response(asked, Response::Get(Ok(vec![0x16, 0xa0])));
    assert_eq!(desk.client.poll_event(), Some(value));
}

#[test]
fn a_policy_may_demand_signed_requests() {
    let mut desk = Desk::new(SecuritySuite::Suite1);
    let keys = desk.keys.clone();
    let both = Protection::AUTHENTICATED_ENCRYPTED;
    assert!(associated(&desk.associate(both.and_signed(), &keys)));
    assert_eq!(desk.invoke(ACTIVATE, &DataBuf::Enum(0x10)), DONE);
    assert!(matches!(desk.read(2)[..], [Event::Response(_, Response::Get(Ok(_)))]));
    assert!(associated(&desk.associate(both, &keys)));
    assert!(matches!(desk.read(2)[..], [Event::RequestFailed(_, Failure::Exception(_))]));
}

#[test]
fn a_plain_association_that_is_open_is_held_to_the_policy_at_once() {
    let mut desk = Desk::new(SecuritySuite::Suite0);
    let plain = ClientConfig {
        mechanism: Mechanism::HlsSha256,
        secret: Secret::from("ABCDEFGHIJKLMNOP"),
        system_title: Some(CLIENT),
        ..ClientConfig::default()
    };
    desk.client = Client::new(plain, Arc::new(RustCrypto));
    desk.client.associate(&mut desk.entropy).unwrap();
    assert!(associated(&desk.run()));
    assert!(matches!(desk.read(2)[..], [Event::Response(_, Response::Get(Ok(_)))]));
    assert_eq!(desk.invoke(ACTIVATE, &DataBuf::Enum(3)), DONE);
    assert!(matches!(desk.read(2)[..], [Event::RequestFailed(_, Failure::Exception(_))]));
}

/// All meters of a group have the broadcast key.
#[test]
fn what_comes_under_the_broadcast_key_changes_no_keys() {
    let mut desk = Desk::new(SecuritySuite::Suite0);
    let keys = desk.keys.clone();
    assert!(associated(&desk.associate(Protection::AUTHENTICATED_ENCRYPTED, &keys)));
    // ACTION of method 1 of the security setup, unconfirmed, with the enum 3.
    let activate = [0xc3, 1, 1, 0, 64, 0, 0, 43, 0, 0, 255, 1, 1, 0x16, 3];
    let send = |desk: &mut Desk, counter, control: SecurityControl, key: &Key| {
        let request = ProtectRequest {
            tag: 0xcb,
            system_title: CLIENT,
            send_title: false,
            control,
            counter,
            key,
            authentication_key: Some(&keys.authentication),
        };
        let mut apdu = Vec::new();
        protect(&RustCrypto, &request, &activate, &mut apdu).unwrap();
        let (meter, entropy) = (&mut desk.meter, &mut desk.entropy);
        assert!(!desk.server.handle_apdu(meter, entropy, &mut apdu, &mut Vec::new()));
    };
    let unicast = SecurityControl::new(keys.suite, Protection::AUTHENTICATED_ENCRYPTED);
    send(&mut desk, 7, unicast.with_broadcast_key(), &keys.broadcast);
    assert!(is_policy(&desk.read(2), 0));
    send(&mut desk, 10_000, unicast, &keys.encryption);
    desk.counter = 10_001;
    assert!(associated(&desk.associate(Protection::AUTHENTICATED_ENCRYPTED, &keys)));
    assert!(is_policy(&desk.read(2), 3));
}

/// A recorded transfer would bring an old key back.
#[test]
fn whoever_did_not_prove_who_he_is_changes_no_keys() {
    let mut desk = Desk::new(SecuritySuite::Suite0);
    desk.server = Server::new(ServerConfig::new(PUBLIC_CLIENT));
    desk.client = Client::new(ClientConfig::default(), Arc::new(RustCrypto));
    desk.client.associate(&mut desk.entropy).unwrap();
    assert!(associated(&desk.run()));
    let item = wrapped(&desk.keys.clone(), KeyId::Guek, &key(SecuritySuite::Suite0, 0x51));
    let denied = refused(ActionResult::ReadWriteDenied);
    assert_eq!(desk.invoke(TRANSFER, &items([item])), denied);
    assert_eq!(desk.invoke(ACTIVATE, &DataBuf::Enum(3)), denied);
}

#[test]
fn the_version_is_that_of_the_suite_and_there_are_no_certificates_without_anchors() {
    for (suite, attributes) in [(SecuritySuite::Suite0, 5), (SecuritySuite::Suite1, 6)] {
        let mut desk = Desk::new(suite);
        let keys = desk.keys.clone();
        assert!(associated(&desk.associate(Protection::AUTHENTICATED_ENCRYPTED, &keys)));
        for attribute in 1..=attributes {
            let [Event::Response(_, Response::Get(Ok(value)))] = &desk.read(attribute)[..] else {
                panic!("{suite} {attribute}")
            };
            let value = Data::decode(&mut Reader::new(value)).unwrap();
            assert!(attribute != 6 || value.as_array().is_some_and(|list| list.is_empty()));
        }
        let refused = desk.read(attributes + 1);
        assert!(matches!(refused[..], [Event::Response(_, Response::Get(Err(_)))]));
    }
}
