//! Pushes: what is in them, when they go out, and when they are tried again.

use dlms_core::{
    axdr::{Data, DataBuf},
    cosem::{
        CaptureObject, ClassId, DateTime, LogicalName,
        value::{
            ConfirmationParameters, CosemValue, MessageType, OctetString, PushObject, PushObjectV0,
            RepetitionDelay, Restriction, RestrictionType, SendDestinationAndMethod,
            TransportService, Window,
        },
    },
    security::{
        GeneralCipheredHead, GeneralKeys, GeneralUnprotectRequest, Key, ProtectRequest, Protection,
        RustCrypto, SecurityControl, SecuritySuite, SignedApdu, SystemTitle, protect,
        unprotect_general_in_place,
    },
    xdlms::{DataAccessResult, DataNotification},
};
use simulator::{
    ConfirmationInterval, MeterConfig, MeterKeys, ProtectionTypes, Push, PushRules,
    RestrictedEntries,
};

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

/// What a push setup of version 2 pushes of this object with these restrictions.
fn pushed_of(desk: &mut Desk, object: PushObject) -> DataBuf {
    set(desk, CLASS, SETUP_V2, 2, &vec![object]);
    invoke(desk, CLASS, SETUP_V2, 1, &ZERO);
    body(&desk.meter().poll_push().unwrap()).remove(0)
}

fn restricted(kind: RestrictionType, value: DataBuf, columns: Vec<CaptureObject>) -> PushObject {
    PushObject {
        class: ClassId::PROFILE_GENERIC,
        name: LogicalName([1, 0, 99, 1, 0, 255]),
        attribute: 2,
        data_index: 0,
        restriction: Restriction { kind, value },
        columns,
    }
}

fn rows(value: DataBuf) -> Vec<DataBuf> {
    match value {
        DataBuf::Array(rows) => rows,
        other => panic!("{other:?}"),
    }
}

fn cells(row: &DataBuf) -> usize {
    match row {
        DataBuf::Structure(cells) => cells.len(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_a_profile_the_rows_between_two_dates_and_some_columns_are_pushed() {
    let mut desk = Desk::new();
    let all = rows(desk.get(ClassId::PROFILE_GENERIC, "1-0:99.1.0*255", 2));
    let time = |second: i64| DateTime::from_unix(NOON + second, Some(-60)).unwrap().to_data();
    let hour = DataBuf::structure([time(-3_600), time(0)]);
    let object = restricted(RestrictionType::Date, hour.clone(), Vec::new());
    // Five quarters of an hour: both ends are included.
    assert_eq!(rows(pushed_of(&mut desk, object)), all[all.len() - 5..]);

    let only = vec![CaptureObject::CLOCK_TIME];
    let object = restricted(RestrictionType::Date, hour, only.clone());
    let part = rows(pushed_of(&mut desk, object));
    assert_eq!((part.len(), cells(&part[0])), (5, 1));
    let object = restricted(RestrictionType::None, DataBuf::Null, only);
    let part = rows(pushed_of(&mut desk, object));
    assert_eq!((part.len(), cells(&part[0])), (all.len(), 1));
    // A restriction that is none has no value.
    let object = restricted(RestrictionType::Date, DataBuf::Null, Vec::new());
    assert_eq!(pushed_of(&mut desk, object), DataBuf::Null);
}

#[test]
fn of_a_profile_the_entries_of_these_numbers_are_pushed_counted_from_either_end() {
    for (entries, newest_first) in
        [(RestrictedEntries::FromFirst, false), (RestrictedEntries::FromLast, true)]
    {
        let rules = PushRules { entries, ..PushRules::default() };
        let mut desk =
            Desk::with_config(MeterConfig { push_rules: rules, ..MeterConfig::default() });
        let all = rows(desk.get(ClassId::PROFILE_GENERIC, "1-0:99.1.0*255", 2));
        let numbers = |first, last| {
            DataBuf::structure([
                DataBuf::DoubleLongUnsigned(first),
                DataBuf::DoubleLongUnsigned(last),
            ])
        };
        let only = vec![CaptureObject::CLOCK_TIME];
        for (first, last, expected) in [
            (1, 4, if newest_first { all.len() - 4..all.len() } else { 0..4 }),
            (3, 3, if newest_first { all.len() - 3..all.len() - 2 } else { 2..3 }),
            (2, 0, if newest_first { 0..all.len() - 1 } else { 1..all.len() }),
        ] {
            let object = restricted(RestrictionType::Entry, numbers(first, last), Vec::new());
            let part = rows(pushed_of(&mut desk, object));
            assert_eq!(part, all[expected.clone()], "{entries:?} {first}..{last}");
            let object = restricted(RestrictionType::Entry, numbers(first, last), only.clone());
            let part = rows(pushed_of(&mut desk, object));
            assert_eq!((part.len(), cells(&part[0])), (expected.len(), 1));
        }
    }
}

#[test]
fn a_port_that_the_meter_does_not_have_sends_nothing_and_is_tried_again() {
    let mut desk = Desk::new();
    let unknown = OctetString(vec![0, 0, 25, 77, 0, 255]);
    set(&mut desk, CLASS, SETUP_V2, 8, &unknown);
    set(&mut desk, CLASS, SETUP_V2, 6, &5_u8);
    let delay = RepetitionDelay { min_s: 60, exponent_percent: 100, max_s: 60 };
    set(&mut desk, CLASS, SETUP_V2, 7, &delay);
    invoke(&mut desk, CLASS, SETUP_V2, 1, &ZERO);
    desk.set_now(NOON + 100);
    assert_eq!(desk.meter().poll_push(), None);
    // A port that is there: the next attempt goes out.
    set(&mut desk, CLASS, SETUP_V2, 8, &OctetString(vec![0, 0, 1, 0, 0, 255]));
    desk.set_now(NOON + 200);
    assert!(desk.meter().poll_push().is_some());
}

#[test]
fn pushes_are_for_the_client_of_their_setup() {
    let mut desk = Desk::new();
    invoke(&mut desk, CLASS, SETUP, 1, &ZERO);
    assert_eq!(desk.meter().poll_push().unwrap().client, 16);
    set(&mut desk, CLASS, SETUP_V2, 9, &102_i8);
    invoke(&mut desk, CLASS, SETUP_V2, 1, &ZERO);
    assert_eq!(desk.meter().poll_push().unwrap().client, 102);
}

/// The seconds after noon at which a push begins every ten minutes, and whether it asks.
fn asking_at(rules: PushRules, parameters: &ConfirmationParameters) -> Vec<(i64, bool)> {
    let mut desk = Desk::with_config(MeterConfig { push_rules: rules, ..MeterConfig::default() });
    assert_eq!(desk.set(CLASS, SETUP_V2, 11, &DataBuf::Enum(2)), DataAccessResult::Success);
    set(&mut desk, CLASS, SETUP_V2, 12, parameters);
    (0..7)
        .map(|turn| {
            desk.set_now(NOON + 600 * turn);
            invoke(&mut desk, CLASS, SETUP_V2, 1, &ZERO);
            let push = desk.meter().poll_push().unwrap();
            (600 * turn, push.invoke.confirmed())
        })
        .collect()
}

#[test]
fn from_a_date_on_one_push_in_an_interval_asks_to_be_confirmed() {
    let start = DateTime::from_unix(NOON + 900, Some(-60)).unwrap();
    let parameters = ConfirmationParameters { start, interval_s: 1_800 };
    let at = |asked: &[(i64, bool)]| -> Vec<i64> {
        asked.iter().filter(|(_, asks)| *asks).map(|(second, _)| *second).collect()
    };
    assert_eq!(at(&asking_at(PushRules::default(), &parameters)), [1_200, 3_000]);
    let rules = PushRules { confirmation: ConfirmationInterval::Ignored, ..PushRules::default() };
    assert!(asking_at(rules, &parameters).iter().all(|(_, asks)| *asks));
    let always = ConfirmationParameters { start: DateTime::UNSPECIFIED, interval_s: 0 };
    assert!(asking_at(PushRules::default(), &always).iter().all(|(_, asks)| *asks));
}

#[test]
fn a_push_that_asked_asks_again_when_it_is_repeated() {
    let mut desk = Desk::new();
    set(&mut desk, CLASS, SETUP_V2, 6, &1_u8);
    let start = DateTime::UNSPECIFIED;
    set(&mut desk, CLASS, SETUP_V2, 12, &ConfirmationParameters { start, interval_s: 3_600 });
    let push = asking(&mut desk);
    assert!(push.invoke.confirmed());
    desk.meter().push_failed(&push);
    desk.set_now(NOON + 1);
    assert!(desk.meter().poll_push().unwrap().invoke.confirmed());
}

/// protection_parameters_element with this key_info.
fn protection(kind: u8, key_info: [DataBuf; 2]) -> DataBuf {
    let none = || DataBuf::octet_string(Vec::new());
    let recipient = DataBuf::octet_string(b"ABC\0\0\0\0\x01".to_vec());
    DataBuf::structure([
        DataBuf::Enum(kind),
        DataBuf::structure([none(), none(), recipient, none(), DataBuf::structure(key_info)]),
    ])
}

fn identified() -> [DataBuf; 2] {
    [DataBuf::Enum(0), DataBuf::Enum(0)]
}

#[test]
fn a_push_is_protected_as_its_setup_says() {
    let empty = || DataBuf::octet_string(Vec::new());
    let wrapped = [DataBuf::Enum(1), DataBuf::structure([DataBuf::Enum(0), empty()])];
    let scheme = DataBuf::octet_string(vec![2]);
    let agreed = [DataBuf::Enum(2), DataBuf::structure([scheme, empty()])];
    let keys = MeterKeys::of(SecuritySuite::Suite1);
    let client = SystemTitle(*b"ABC\0\0\0\0\x01");
    for (layers, tags) in [
        (vec![protection(2, identified())], vec![0xdd]),
        (vec![protection(0, wrapped.clone())], vec![0xdd]),
        (vec![protection(3, identified())], vec![0xdf]),
        (vec![protection(3, identified()), protection(2, agreed)], vec![0xdd, 0xdf]),
        (vec![protection(2, wrapped), protection(3, identified())], vec![0xdf, 0xdd]),
    ] {
        let config = MeterConfig { keys: keys.clone(), ..MeterConfig::default() };
        let mut desk = Desk::with_config(config);
        set(&mut desk, CLASS, SETUP_V2, 10, &layers);
        invoke(&mut desk, CLASS, SETUP_V2, 1, &ZERO);
        let push = desk.meter().poll_push().unwrap();
        let mut apdu = desk.meter().protect_as_set_up(&push).unwrap();
        for tag in tags {
            assert_eq!(apdu[0], tag, "{layers:?}");
            apdu = match tag {
                0xdf => SignedApdu::decode(&apdu).unwrap().content.to_vec(),
                _ => opened(&keys, client, &apdu),
            };
        }
        assert_eq!(apdu, push.apdu);
    }
}

/// What the recipient with the other halves of these keys finds in general-ciphering.
fn opened(keys: &MeterKeys, recipient: SystemTitle, apdu: &[u8]) -> Vec<u8> {
    let mut apdu = apdu.to_vec();
    let head = GeneralCipheredHead::decode(&apdu).unwrap();
    let originator = head.header.originator.unwrap();
    assert_eq!(head.header.recipient, Some(recipient));
    // Static keys agree on the same secret on both sides.
    let general =
        GeneralKeys { suite: keys.suite, global: &keys.encryption, party: Some(&keys.party) };
    let titles = [originator, recipient];
    let key = general.find(&RustCrypto, head.key_info.as_ref(), &head.header, titles).unwrap();
    let request = GeneralUnprotectRequest {
        required: head.control,
        originator: None,
        recipient,
        key: &key,
        authentication_key: Some(&keys.authentication),
        short_aad: false,
    };
    unprotect_general_in_place(&RustCrypto, &request, &head, &mut apdu).unwrap().plain.to_vec()
}

#[test]
fn protection_that_the_meter_cannot_do_is_refused_when_it_is_written() {
    let mut desk = Desk::new();
    let broadcast = [DataBuf::Enum(0), DataBuf::Enum(1)];
    for element in [
        protection(4, identified()),
        protection(2, broadcast),
        DataBuf::structure([DataBuf::Enum(2)]),
        DataBuf::Null,
    ] {
        let refused = desk.set(CLASS, SETUP_V2, 10, &DataBuf::array([element]));
        assert_eq!(refused, DataAccessResult::TypeUnmatched);
    }
    // Numbered from 1, the 4 is a signature.
    let rules = PushRules { protection_types: ProtectionTypes::FromOne, ..PushRules::default() };
    let mut desk = Desk::with_config(MeterConfig { push_rules: rules, ..MeterConfig::default() });
    let signature = DataBuf::array([protection(4, identified())]);
    assert_eq!(desk.set(CLASS, SETUP_V2, 10, &signature), DataAccessResult::Success);
    // A meter without signature keys sends nothing.
    invoke(&mut desk, CLASS, SETUP_V2, 1, &ZERO);
    let push = desk.meter().poll_push().unwrap();
    assert_eq!(desk.meter().protect_as_set_up(&push), None);
}
