//! Pushes: what is in them, when they go out, and when they are tried again.

use dlms_core::{
    axdr::{Data, DataBuf},
    cosem::{
        ClassId, DateTime, LogicalName,
        value::{
            CosemValue, MessageType, OctetString, PushObjectV0, RepetitionDelay,
            SendDestinationAndMethod, TransportService, Window,
        },
    },
    security::{
        Key, ProtectRequest, Protection, RustCrypto, SecurityControl, SecuritySuite, SystemTitle,
        protect,
    },
    xdlms::{DataAccessResult, DataNotification},
};
use simulator::{MeterKeys, Push};

use super::{invoke, set};
use crate::desk::{Desk, NOON};

const CLASS: ClassId = ClassId::PUSH_SETUP;
const ZERO: DataBuf = DataBuf::Integer(0);
/// Versions 0 and 2.
const SETUP: &str = "0-0:25.9.0*255";
const SETUP_V2: &str = "0-2:25.9.0*255";

fn body(push: &Push) -> Vec<DataBuf> {
    let notification = DataNotification::decode(&push.apdu).unwrap();
    let Data::Structure(values) = notification.body.data().unwrap() else { panic!("no structure") };
    values.map(|value| value.unwrap().to_buf().unwrap()).collect()
}

#[test]
fn every_version_pushes_the_values_of_its_objects() {
    for version in 0..=3 {
        let mut desk = Desk::new();
        let name = LogicalName([0, version, 25, 9, 0, 255]);
        let destination = SendDestinationAndMethod {
            transport: TransportService::Udp,
            destination: OctetString(b"192.0.2.7:4059".to_vec()),
            message: MessageType::Axdr,
        };
        set(&mut desk, CLASS, &name.to_string(), 3, &destination);
        assert_eq!(desk.meter().poll_push(), None);
        invoke(&mut desk, CLASS, &name.to_string(), 1, &ZERO);
        let push = desk.meter().poll_push().unwrap();
        assert_eq!((push.setup, push.transport), (name, TransportService::Udp));
        assert_eq!(push.destination, b"192.0.2.7:4059");
        let expected = [
            desk.get(ClassId::CLOCK, "0-0:1.0.0*255", 2),
            desk.get(ClassId::REGISTER, "1-0:1.8.0*255", 2),
            desk.get(ClassId::REGISTER, "1-0:1.7.0*255", 2),
            desk.get(ClassId::REGISTER, "1-0:32.7.0*255", 2),
        ];
        assert_eq!(body(&push), expected, "version {version}");
        assert_eq!(desk.meter().poll_push(), None);
    }
}

#[test]
fn the_attributes_of_each_version_are_of_its_shape() {
    let mut desk = Desk::new();
    let fields = |desk: &mut Desk, name: &str, attribute| match desk.get(CLASS, name, attribute) {
        DataBuf::Array(elements) => match &elements[0] {
            DataBuf::Structure(fields) => fields.len(),
            other => panic!("{other:?}"),
        },
        DataBuf::Structure(fields) => fields.len(),
        _ => 1,
    };
    for (name, object, delay) in [
        ("0-0:25.9.0*255", 4, 1),
        ("0-1:25.9.0*255", 4, 1),
        ("0-2:25.9.0*255", 6, 3),
        ("0-3:25.9.0*255", 6, 3),
    ] {
        assert_eq!(fields(&mut desk, name, 2), object, "push_object_list of {name}");
        assert_eq!(fields(&mut desk, name, 7), delay, "repetition_delay of {name}");
    }
    // An object of another version is none.
    let objects = desk.get(CLASS, SETUP, 2);
    assert_eq!(desk.set(CLASS, SETUP_V2, 2, &objects), DataAccessResult::TypeUnmatched);
}

#[test]
fn a_push_may_begin_with_its_own_name_and_list() {
    let mut desk = Desk::new();
    let own: LogicalName = SETUP.parse().unwrap();
    let object = |class, name, attribute| PushObjectV0 { class, name, attribute, data_index: 0 };
    let unknown = LogicalName([9, 9, 9, 9, 9, 9]);
    let objects =
        vec![object(CLASS, own, 1), object(CLASS, own, 2), object(ClassId::DATA, unknown, 2)];
    set(&mut desk, CLASS, SETUP, 2, &objects);
    invoke(&mut desk, CLASS, SETUP, 1, &ZERO);
    let push = desk.meter().poll_push().unwrap();
    assert_eq!(body(&push), [own.to_data(), objects.to_data(), DataBuf::Null]);
}

#[test]
fn a_push_that_did_not_arrive_is_repeated_as_often_as_the_setup_says() {
    let mut desk = Desk::new();
    set(&mut desk, CLASS, SETUP_V2, 6, &2_u8);
    let delay = RepetitionDelay { min_s: 60, exponent_percent: 200, max_s: 600 };
    set(&mut desk, CLASS, SETUP_V2, 7, &delay);
    invoke(&mut desk, CLASS, SETUP_V2, 1, &ZERO);
    let mut sent = Vec::new();
    for second in 0..=1_000 {
        desk.set_now(NOON + second);
        if let Some(push) = desk.meter().poll_push() {
            sent.push(second);
            desk.meter().push_failed(&push);
        }
    }
    // At once, after 60 seconds, after 120 more, and then no more.
    assert_eq!(sent, [0, 60, 180]);
}

#[test]
fn a_push_waits_for_its_window_and_for_its_turn() {
    let mut desk = Desk::new();
    let time = |second| DateTime::from_unix(NOON + second, Some(-60)).unwrap();
    let window = Window { start: time(600), end: time(1_200) };
    set(&mut desk, CLASS, SETUP, 4, &vec![window]);
    invoke(&mut desk, CLASS, SETUP, 1, &ZERO);
    desk.set_now(NOON + 599);
    assert_eq!(desk.meter().poll_push(), None);
    desk.set_now(NOON + 660);
    assert!(desk.meter().poll_push().is_some());
    // The serial number, 1003, in an interval of 100 seconds: 1003 modulo 101.
    let mut desk = Desk::new();
    set(&mut desk, CLASS, SETUP, 5, &100_u16);
    invoke(&mut desk, CLASS, SETUP, 1, &ZERO);
    desk.set_now(NOON + 93);
    assert_eq!(desk.meter().poll_push(), None);
    desk.set_now(NOON + 94);
    assert!(desk.meter().poll_push().is_some());
}

#[test]
fn pushes_that_nobody_takes_make_room() {
    let mut desk = Desk::new();
    for _ in 0..40 {
        invoke(&mut desk, CLASS, SETUP, 1, &ZERO);
        desk.set_now(desk.now() + 1);
    }
    let mut ids = Vec::new();
    while let Some(push) = desk.meter().poll_push() {
        ids.push(DataNotification::decode(&push.apdu).unwrap().invoke.id());
    }
    assert_eq!(ids, (25..=40).collect::<Vec<_>>());
}

#[test]
fn a_push_asks_to_be_confirmed_where_its_setup_says_so_and_remembers_when_it_was() {
    let mut desk = Desk::new();
    for (method, confirmed) in [(0, false), (1, false), (2, true)] {
        assert_eq!(
            desk.set(CLASS, SETUP_V2, 11, &DataBuf::Enum(method)),
            DataAccessResult::Success
        );
        invoke(&mut desk, CLASS, SETUP_V2, 1, &ZERO);
        let push = desk.meter().poll_push().unwrap();
        assert_eq!(push.invoke.confirmed(), confirmed, "method {method}");
        let inside = DataNotification::decode(&push.apdu).unwrap();
        assert_eq!(inside.invoke, push.invoke);
        let never = DataBuf::DateTime(DateTime::UNSPECIFIED.octets());
        assert_eq!(desk.get(CLASS, SETUP_V2, 13), never);
        if confirmed {
            desk.meter().push_confirmed(&push);
            assert_ne!(desk.get(CLASS, SETUP_V2, 13), never);
        }
    }
}

#[test]
fn a_protected_push_has_a_counter_of_its_own_each_time() {
    let mut desk = Desk::new();
    invoke(&mut desk, CLASS, SETUP_V2, 1, &ZERO);
    let push = Push { apdu: vec![0x0f], ..desk.meter().poll_push().unwrap() };
    let counters: Vec<_> = (0..2)
        .map(|_| desk.meter().protect_push(&push).unwrap())
        .map(|apdu| {
            // general-glo-ciphering, system title, length, suite 0 with A and E.
            assert_eq!((apdu[0], apdu[1], apdu[11]), (0xdb, 8, 0x30));
            u32::from_be_bytes(apdu[12..16].try_into().unwrap())
        })
        .collect();
    assert_eq!(counters[1], counters[0] + 1);
}

/// A push that asks to be confirmed.
fn asking(desk: &mut Desk) -> Push {
    assert_eq!(desk.set(CLASS, SETUP_V2, 11, &DataBuf::Enum(2)), DataAccessResult::Success);
    invoke(desk, CLASS, SETUP_V2, 1, &ZERO);
    desk.meter().poll_push().unwrap()
}

#[test]
fn only_the_confirmation_of_this_push_confirms_it() {
    let mut desk = Desk::new();
    let push = asking(&mut desk);
    let [a, b, c, d] = push.invoke.0.to_be_bytes();
    let mut confirms = |apdu: &[u8]| desk.meter().confirms(&push, false, apdu);
    assert!(confirms(&[0x10, a, b, c, d, 0]));
    assert!(confirms(&[0xe7, 2, 1, b'1', 0x10, a, b, c, d, 0]));
    for other in [&[0x10, a, b, c, d ^ 1, 0][..], &[0x10, a, b, c, d], &[0xd8, 1, 1], &[]] {
        assert!(!confirms(other), "{other:02x?}");
    }
}

#[test]
fn a_protected_push_is_confirmed_by_who_has_the_keys_and_once() {
    let mut desk = Desk::new();
    let push = asking(&mut desk);
    let [a, b, c, d] = push.invoke.0.to_be_bytes();
    let plain = [0x10, a, b, c, d, 0];
    let keys = MeterKeys::default();
    let answer = |title, protection, counter, key: &Key| {
        let request = ProtectRequest {
            tag: 0xdb,
            system_title: title,
            send_title: true,
            control: SecurityControl::new(SecuritySuite::Suite0, protection),
            counter,
            key,
            authentication_key: Some(&keys.authentication),
        };
        let mut out = Vec::new();
        protect(&RustCrypto, &request, &plain, &mut out).unwrap();
        out
    };
    let client = SystemTitle(*b"ABC\0\0\0\0\x01");
    let both = Protection::AUTHENTICATED_ENCRYPTED;
    let good = answer(client, both, 5, &keys.encryption);
    let mut confirms = |apdu: &[u8]| desk.meter().confirms(&push, true, apdu);
    // In clear, without a tag, with another key, altered: anybody can do that.
    assert!(!confirms(&plain));
    assert!(!confirms(&answer(client, Protection::ENCRYPTED, 5, &keys.encryption)));
    assert!(!confirms(&answer(client, both, 5, &Key::from([9; 16]))));
    let mut altered = good.clone();
    *altered.last_mut().unwrap() ^= 1;
    assert!(!confirms(&altered));
    assert!(confirms(&good));
    assert!(!confirms(&good), "a replay");
    assert!(confirms(&answer(client, Protection::AUTHENTICATED, 6, &keys.encryption)));
    // What comes back from the meter itself is no answer.
    let own = desk.meter().protect_push(&Push { apdu: plain.to_vec(), ..push.clone() }).unwrap();
    assert!(!desk.meter().confirms(&push, true, &own));
}
