//! What a client sees of a simulated meter.
#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    reason = "a helper that fails is a test that fails; a refusal is what it returns"
)]

mod desk;
mod executing;

use dlms_core::{
    association::LogicalDevice,
    axdr::{Data, DataBuf},
    cosem::{
        AttributeDescriptor, CaptureObject, ClassId, DateTime, EntryDescriptor, LogicalName,
        ProfileSelector, RangeDescriptor,
    },
    xdlms::{ActionResult, DataAccessResult},
};
use simulator::{MeterClient, Role};

use crate::desk::{Desk, NOON};

const IMPORT: &str = "1-0:1.8.0*255";
const POWER: &str = "1-0:1.7.0*255";
const PROFILE: &str = "1-0:99.1.0*255";
const EVENTS: &str = "0-0:99.98.0*255";
const CLOCK: &str = "0-0:1.0.0*255";
const DISCONNECTOR: &str = "0-0:96.3.10*255";
const IMAGE: &str = "0-0:44.0.0*255";
const CALENDAR: &str = "0-0:13.0.0*255";
const SPECIAL_DAYS: &str = "0-0:11.0.0*255";
const SCRIPTS: &str = "0-0:10.0.106*255";
const STATUS: &str = "0-0:96.10.1*255";

fn time(value: &DataBuf) -> DateTime {
    match value {
        DataBuf::OctetString(octets) => DateTime::from_data(&Data::OctetString(octets)).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn number(value: &DataBuf) -> u32 {
    match value {
        DataBuf::DoubleLongUnsigned(number) => *number,
        other => panic!("{other:?}"),
    }
}

fn range(from: &str, to: &str) -> ProfileSelector {
    ProfileSelector::Range(RangeDescriptor::times(from.parse().unwrap(), to.parse().unwrap()))
}

#[test]
fn register_profile_and_power_agree() {
    let mut desk = Desk::new();
    let rows = desk.rows(PROFILE, None).unwrap();
    assert_eq!(rows.len(), 3_000);
    // NOON is the end of a quarter: the last row is the register.
    assert_eq!(time(&rows[2_999][0]).unix_utc(), Some(NOON));
    let import = desk.number(ClassId::REGISTER, IMPORT, 2);
    assert_eq!(i128::from(number(&rows[2_999][2])), import);
    for pair in rows.windows(2) {
        let [earlier, later] = pair else { unreachable!() };
        assert_eq!(
            time(&later[0]).unix_utc().unwrap() - time(&earlier[0]).unix_utc().unwrap(),
            900,
        );
        assert!(number(&later[2]) >= number(&earlier[2]));
        assert!(number(&later[3]) >= number(&earlier[3]));
    }
    // Power is the same all through a quarter, and the register grows by it.
    let power = desk.number(ClassId::REGISTER, POWER, 2);
    desk.set_now(NOON + 900);
    assert_eq!(desk.number(ClassId::REGISTER, IMPORT, 2) - import, power / 4);
    // The demand register calls it the last average.
    assert_eq!(desk.number(ClassId::DEMAND_REGISTER, "1-0:1.4.0*255", 3), power);
}

#[test]
fn a_range_has_both_of_its_ends() {
    let mut desk = Desk::new();
    let day = range("2026-01-03T00:00:00+01:00", "2026-01-04T00:00:00+01:00");
    let rows = desk.rows(PROFILE, Some(&day)).unwrap();
    assert_eq!(rows.len(), 97);
    assert_eq!(time(&rows[0][0]).to_string(), "2026-01-03T00:00:00+01:00");
    assert_eq!(time(&rows[96][0]).to_string(), "2026-01-04T00:00:00+01:00");
    // Without a deviation it is the meter's local time; without a time of day, midnight.
    assert_eq!(desk.rows(PROFILE, Some(&range("2026-01-03", "2026-01-04"))).unwrap(), rows);
    // Between two quarters there is none.
    let none = range("2026-01-03T00:01", "2026-01-03T00:14");
    assert_eq!(desk.rows(PROFILE, Some(&none)), Ok(vec![]));
    assert_eq!(desk.rows(PROFILE, Some(&range("2030-01-01", "2030-01-02"))), Ok(vec![]));
    assert_eq!(desk.rows(PROFILE, Some(&range("2026-01-04", "2026-01-03"))), Ok(vec![]));
}

#[test]
fn a_range_with_an_open_end_goes_to_the_end() {
    let mut desk = Desk::new();
    let from = "2026-01-15T00:00".parse().unwrap();
    let open = RangeDescriptor::times(from, DateTime::UNSPECIFIED);
    // 00:00 to 12:00 local time
    assert_eq!(desk.rows(PROFILE, Some(&ProfileSelector::Range(open))).unwrap().len(), 49);
    let open = RangeDescriptor::times(DateTime::UNSPECIFIED, DateTime::UNSPECIFIED);
    assert_eq!(desk.rows(PROFILE, Some(&ProfileSelector::Range(open))).unwrap().len(), 3_000);
}

#[test]
fn columns_are_selected_by_name() {
    let mut desk = Desk::new();
    let ProfileSelector::Range(mut selected) = range("2026-01-03", "2026-01-04") else {
        unreachable!()
    };
    let column = AttributeDescriptor::new(ClassId::REGISTER, IMPORT.parse().unwrap(), 2);
    selected.selected_values = vec![CaptureObject::new(column)];
    let rows = desk.rows(PROFILE, Some(&ProfileSelector::Range(selected.clone()))).unwrap();
    assert!(rows.iter().all(|row| matches!(row[..], [DataBuf::DoubleLongUnsigned(_)])));
    let other = AttributeDescriptor::new(ClassId::REGISTER, "1-0:9.8.0*255".parse().unwrap(), 2);
    selected.selected_values = vec![CaptureObject::new(other)];
    assert_eq!(
        desk.rows(PROFILE, Some(&ProfileSelector::Range(selected))),
        Err(DataAccessResult::ScopeOfAccessViolated),
    );
}

#[test]
fn entries_are_counted_from_one_and_both_ends_are_included() {
    let mut desk = Desk::new();
    let all = desk.rows(PROFILE, None).unwrap();
    let mut part = |from, to, first_column, last_column| {
        let entry = EntryDescriptor {
            from_entry: from,
            to_entry: to,
            from_selected_value: first_column,
            to_selected_value: last_column,
        };
        desk.rows(PROFILE, Some(&ProfileSelector::Entry(entry))).unwrap()
    };
    assert_eq!(part(1, 1, 1, 0), all[..1]);
    assert_eq!(part(10, 29, 1, 0), all[9..29]);
    assert_eq!(part(2_999, 0, 1, 0), all[2_998..]);
    assert_eq!(part(2_999, 9_999, 1, 0), all[2_998..]);
    assert_eq!(part(3_001, 0, 1, 0), [[]; 0]);
    assert_eq!(part(20, 10, 1, 0), [[]; 0]);
    assert_eq!(part(5, 5, 3, 3), [[all[4][2].clone()]]);
    assert_eq!(part(5, 5, 2, 0), [all[4][1..].to_vec()]);
}

#[test]
fn a_profile_that_was_reset_fills_again() {
    let mut desk = Desk::new();
    let reset = desk.invoke(ClassId::PROFILE_GENERIC, PROFILE, 1, &DataBuf::Integer(0));
    assert_eq!(reset, ActionResult::Success);
    assert_eq!(desk.number(ClassId::PROFILE_GENERIC, PROFILE, 7), 0);
    desk.set_now(NOON + 3 * 900 + 60);
    assert_eq!(desk.rows(PROFILE, None).unwrap().len(), 3);
    assert_eq!(desk.number(ClassId::PROFILE_GENERIC, PROFILE, 7), 3);
    assert_eq!(desk.number(ClassId::PROFILE_GENERIC, PROFILE, 8), 3_000);
}

#[test]
fn in_spring_an_hour_is_missing_and_in_autumn_one_comes_twice() {
    let mut desk = Desk::new();
    // 2026-03-29T02:00:00Z and 2026-10-25T02:00:00Z, an hour after each change
    for (now, times) in [
        (1_774_749_600, ["01:45:00+01:00", "03:00:00+02:00", "03:15:00+02:00"]),
        (1_792_893_600, ["02:45:00+02:00", "02:00:00+01:00", "02:15:00+01:00"]),
    ] {
        desk.set_now(now);
        let entries = ProfileSelector::Entry(EntryDescriptor::entries(2_995, 2_997));
        let rows = desk.rows(PROFILE, Some(&entries)).unwrap();
        for (row, expected) in rows.iter().zip(times) {
            let time = time(&row[0]);
            assert!(time.to_string().ends_with(expected), "{time}");
            let summer = expected.ends_with("+02:00");
            assert_eq!(time.status.is_dst_active(), summer);
            assert!(matches!(row[1], DataBuf::Unsigned(status) if (status & 8 != 0) == summer));
        }
    }
}

/// What the object list says about one object.
struct Listed {
    class: ClassId,
    name: LogicalName,
    attributes: Vec<(i8, u8)>,
    methods: Vec<(i8, u8)>,
}

fn object_list(desk: &mut Desk) -> Vec<Listed> {
    let structure = |data: &DataBuf| match data {
        DataBuf::Structure(fields) => fields.clone(),
        other => panic!("{other:?}"),
    };
    let array = |data: &DataBuf| match data {
        DataBuf::Array(items) => items.clone(),
        other => panic!("{other:?}"),
    };
    let rights = |items: &DataBuf| {
        array(items)
            .iter()
            .map(|item| match structure(item)[..] {
                [DataBuf::Integer(id), DataBuf::Enum(mode), ..] => (id, mode),
                ref other => panic!("{other:?}"),
            })
            .collect()
    };
    let list = desk.get(ClassId::ASSOCIATION_LN, "0-0:40.0.0*255", 2);
    array(&list)
        .iter()
        .map(|object| match &structure(object)[..] {
            [DataBuf::LongUnsigned(class), _, DataBuf::OctetString(name), access] => {
                let access = structure(access);
                Listed {
                    class: ClassId(*class),
                    name: LogicalName(name[..].try_into().unwrap()),
                    attributes: rights(&access[0]),
                    methods: rights(&access[1]),
                }
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn the_object_list_tells_the_truth_to_every_role() {
    for role in [Role::Management, Role::Reading, Role::Public] {
        let mut clients = MeterClient::open();
        clients[0].role = role;
        let mut desk = Desk::with_clients(clients);
        let list = object_list(&mut desk);
        let at_least = if role == Role::Public { 6 } else { 23 };
        assert!(list.len() >= at_least, "{role:?} sees {}", list.len());
        for object in list {
            // What a client may do nothing with is not in its list.
            let modes = object.attributes.iter().chain(&object.methods);
            assert!(modes.map(|(_, mode)| *mode).any(|mode| mode != 0), "{role:?} {}", object.name);
            let name = object.name.to_string();
            for (attribute, mode) in object.attributes.iter().copied() {
                let value =
                    desk.read(AttributeDescriptor::new(object.class, object.name, attribute), None);
                let case = format!("{role:?} {}:{name}:{attribute}", object.class);
                assert_eq!(value.is_ok(), mode != 0, "{case}: {value:?}");
                if mode == 0 {
                    assert_eq!(value, Err(DataAccessResult::ReadWriteDenied), "{case}");
                }
                // What was read can be written back, where writing is allowed.
                let (value, expected) = match (mode, value) {
                    (3, Ok(value)) => (value, DataAccessResult::Success),
                    _ => (DataBuf::Null, DataAccessResult::ReadWriteDenied),
                };
                let written = desk.set(object.class, &name, attribute, &value);
                assert_eq!(written, expected, "{case}");
            }
            for (method, _) in object.methods.iter().filter(|(_, mode)| *mode == 0) {
                let result = desk.invoke(object.class, &name, *method, &DataBuf::Integer(0));
                assert_eq!(result, ActionResult::ReadWriteDenied, "{name} {method}");
            }
            // Beyond the list there is nothing.
            let beyond = i8::try_from(object.attributes.len() + 1).unwrap();
            let beyond = AttributeDescriptor::new(object.class, object.name, beyond);
            assert_eq!(desk.read(beyond, None), Err(DataAccessResult::ObjectUndefined));
            let beyond = i8::try_from(object.methods.len() + 1).unwrap();
            let result = desk.invoke(object.class, &name, beyond, &DataBuf::Null);
            assert_eq!(result, ActionResult::ObjectUndefined, "{name} {beyond}");
        }
    }
}

#[test]
fn a_public_client_in_the_field_finds_its_way_and_no_more() {
    let mut desk = Desk::with_clients(MeterClient::strict());
    desk.get(ClassId::CLOCK, CLOCK, 2);
    desk.get(ClassId::SAP_ASSIGNMENT, "0-0:41.0.0*255", 2);
    desk.get(ClassId::DATA, "0-0:42.0.0*255", 2);
    desk.get(ClassId::DATA, "0-0:43.1.0*255", 2);
    let import = AttributeDescriptor::new(ClassId::REGISTER, IMPORT.parse().unwrap(), 2);
    assert_eq!(desk.read(import, None), Err(DataAccessResult::ReadWriteDenied));
    assert_eq!(
        desk.invoke(ClassId::DISCONNECT_CONTROL, DISCONNECTOR, 1, &DataBuf::Integer(0)),
        ActionResult::ReadWriteDenied,
    );
}

#[test]
fn a_part_of_the_object_list_is_chosen_by_class() {
    let mut desk = Desk::new();
    let clocks = DataBuf::array([DataBuf::LongUnsigned(ClassId::CLOCK.0)]);
    let list =
        AttributeDescriptor::new(ClassId::ASSOCIATION_LN, LogicalName::CURRENT_ASSOCIATION, 2);
    let clock = DataBuf::structure([
        DataBuf::LongUnsigned(8),
        DataBuf::Unsigned(0),
        LogicalName::CLOCK.to_data(),
    ]);
    assert_eq!(desk.read_part(list, 2, &clocks), Ok(DataBuf::array([clock])));
}

#[test]
fn short_names_are_those_of_the_object_list() {
    let mut desk = Desk::new();
    let list =
        AttributeDescriptor::new(ClassId::ASSOCIATION_SN, LogicalName::CURRENT_ASSOCIATION, 2);
    let association = desk.meter().short_names().iter().find(|object| object.base.0 == 0xfa00);
    let association = association.map(|object| (object.class, object.instance));
    assert_eq!(association, Some((list.class, list.instance)));
    // The association of short names is not there for logical names.
    assert_eq!(desk.read(list, None), Err(DataAccessResult::ObjectUndefined));
}

#[test]
fn the_names_are_of_the_serial_number() {
    let mut desk = Desk::new();
    let name = DataBuf::octet_string(*b"DHE0000000001003");
    assert_eq!(desk.get(ClassId::DATA, "0-0:42.0.0*255", 2), name);
    assert_eq!(
        desk.get(ClassId::SAP_ASSIGNMENT, "0-0:41.0.0*255", 2),
        DataBuf::array([DataBuf::structure([DataBuf::LongUnsigned(1), name])]),
    );
    assert_eq!(desk.get(ClassId::DATA, "0-0:96.1.0*255", 2), DataBuf::octet_string(*b"00001003"),);
    assert_eq!(
        desk.get(ClassId::SECURITY_SETUP, "0-0:43.0.0*255", 5),
        DataBuf::octet_string(*b"DHE\x01\0\0\x03\xeb"),
    );
}

#[test]
fn scaler_and_unit_make_volts_of_a_voltage() {
    let mut desk = Desk::new();
    assert_eq!(
        desk.get(ClassId::REGISTER, "1-0:32.7.0*255", 3),
        DataBuf::structure([DataBuf::Integer(-1), DataBuf::Enum(35)]),
    );
    let voltage = desk.number(ClassId::REGISTER, "1-0:32.7.0*255", 2);
    assert!((2_070..=2_530).contains(&voltage), "{voltage}");
}

#[test]
fn a_disconnected_meter_stands_still() {
    let mut desk = Desk::new();
    let class = ClassId::DISCONNECT_CONTROL;
    let zero = DataBuf::Integer(0);
    assert_eq!(desk.get(class, DISCONNECTOR, 3), DataBuf::Enum(1));
    assert_eq!(desk.invoke(class, DISCONNECTOR, 1, &zero), ActionResult::Success);
    assert_eq!(desk.get(class, DISCONNECTOR, 2), DataBuf::Boolean(false));
    assert_eq!(desk.get(class, DISCONNECTOR, 3), DataBuf::Enum(0));
    let before = desk.number(ClassId::REGISTER, IMPORT, 2);
    desk.set_now(NOON + 7_200);
    assert_eq!(desk.number(ClassId::REGISTER, IMPORT, 2), before);
    assert_eq!(desk.number(ClassId::REGISTER, POWER, 2), 0);
    assert_eq!(desk.number(ClassId::REGISTER, "1-0:31.7.0*255", 2), 0);
    let last = ProfileSelector::Entry(EntryDescriptor::entries(2_992, 3_000));
    let rows = desk.rows(PROFILE, Some(&last)).unwrap();
    assert!(rows.iter().all(|row| i128::from(number(&row[2])) == before));

    assert_eq!(desk.invoke(class, DISCONNECTOR, 2, &zero), ActionResult::Success);
    assert_eq!(desk.get(class, DISCONNECTOR, 2), DataBuf::Boolean(true));
    desk.set_now(NOON + 14_400);
    assert!(desk.number(ClassId::REGISTER, IMPORT, 2) > before);

    let events = desk.rows(EVENTS, None).unwrap();
    let codes: Vec<_> = events.iter().rev().take(2).map(|event| event[1].clone()).collect();
    assert_eq!(codes, [DataBuf::Unsigned(63), DataBuf::Unsigned(62)]);
    assert_eq!(time(&events.last().unwrap()[0]).unix_utc(), Some(NOON + 7_200));
    assert_eq!(desk.number(ClassId::DATA, "0-0:96.11.0*255", 2), 63);
}

#[test]
fn the_control_mode_decides_where_a_reconnect_ends() {
    let mut desk = Desk::new();
    let class = ClassId::DISCONNECT_CONTROL;
    let zero = DataBuf::Integer(0);
    assert_eq!(desk.set(class, DISCONNECTOR, 4, &DataBuf::Enum(1)), DataAccessResult::Success);
    desk.invoke(class, DISCONNECTOR, 1, &zero);
    desk.invoke(class, DISCONNECTOR, 2, &zero);
    assert_eq!(desk.get(class, DISCONNECTOR, 3), DataBuf::Enum(2), "ready for reconnection");
    assert_eq!(desk.get(class, DISCONNECTOR, 2), DataBuf::Boolean(false));
    assert_eq!(desk.set(class, DISCONNECTOR, 4, &DataBuf::Enum(7)), DataAccessResult::OtherReason,);
    assert_eq!(
        desk.set(class, DISCONNECTOR, 4, &DataBuf::Unsigned(1)),
        DataAccessResult::TypeUnmatched,
    );
}

#[test]
fn scripts_work_the_disconnector() {
    let mut desk = Desk::new();
    for (script, state) in [(1, 0), (2, 1)] {
        let result = desk.invoke(ClassId::SCRIPT_TABLE, SCRIPTS, 1, &DataBuf::LongUnsigned(script));
        assert_eq!(result, ActionResult::Success);
        let found = desk.get(ClassId::DISCONNECT_CONTROL, DISCONNECTOR, 3);
        assert_eq!(found, DataBuf::Enum(state));
    }
    assert_eq!(
        desk.invoke(ClassId::SCRIPT_TABLE, SCRIPTS, 1, &DataBuf::LongUnsigned(3)),
        ActionResult::ObjectUndefined,
    );
}

#[test]
fn the_clock_is_set_adjusted_and_shifted_but_the_profile_keeps_true_time() {
    let mut desk = Desk::new();
    desk.set_now(NOON + 7);
    let clock = |desk: &mut Desk| time(&desk.get(ClassId::CLOCK, CLOCK, 2)).unix_utc().unwrap();
    assert_eq!(clock(&mut desk), NOON + 7);
    let import = desk.number(ClassId::REGISTER, IMPORT, 2);

    let year_later: DateTime = "2027-01-15T12:00:00+01:00".parse().unwrap();
    let set = desk.set(ClassId::CLOCK, CLOCK, 2, &year_later.to_data());
    assert_eq!(set, DataAccessResult::Success);
    assert_eq!(clock(&mut desk), year_later.unix_utc().unwrap());
    assert_eq!(desk.number(ClassId::REGISTER, IMPORT, 2), import, "no energy was made");
    desk.set_now(NOON + 17);
    assert_eq!(clock(&mut desk), year_later.unix_utc().unwrap() + 10);

    // Local time without a deviation; date-time instead of octet-string.
    let bare: DateTime = "2026-07-01T08:00:29".parse().unwrap();
    desk.set(ClassId::CLOCK, CLOCK, 2, &DataBuf::DateTime(bare.octets()));
    let shown = time(&desk.get(ClassId::CLOCK, CLOCK, 2)).to_string();
    assert_eq!(shown, "2026-07-01T08:00:29+02:00");
    desk.invoke(ClassId::CLOCK, CLOCK, 3, &DataBuf::Integer(0));
    let shown = time(&desk.get(ClassId::CLOCK, CLOCK, 2)).to_string();
    assert_eq!(shown, "2026-07-01T08:00:00+02:00");
    desk.invoke(ClassId::CLOCK, CLOCK, 6, &DataBuf::Long(-900));
    let shown = time(&desk.get(ClassId::CLOCK, CLOCK, 2)).to_string();
    assert_eq!(shown, "2026-07-01T07:45:00+02:00");
    assert_eq!(
        desk.invoke(ClassId::CLOCK, CLOCK, 6, &DataBuf::Long(901)),
        ActionResult::TypeUnmatched,
    );
    assert_eq!(
        desk.set(ClassId::CLOCK, CLOCK, 2, &DateTime::UNSPECIFIED.to_data()),
        DataAccessResult::TypeUnmatched,
    );

    let last = ProfileSelector::Entry(EntryDescriptor::entries(3_000, 0));
    let rows = desk.rows(PROFILE, Some(&last)).unwrap();
    assert_eq!(time(&rows[0][0]).unix_utc(), Some(NOON));
    let events = desk.rows(EVENTS, None).unwrap();
    let codes: Vec<_> = events.iter().map(|event| event[1].clone()).collect();
    assert!(codes.contains(&DataBuf::Unsigned(4)) && codes.contains(&DataBuf::Unsigned(5)));
}

#[test]
fn an_image_is_transferred_in_any_order_verified_and_activated() {
    let mut desk = Desk::new();
    let class = ClassId::IMAGE_TRANSFER;
    let zero = DataBuf::Integer(0);
    let block = |desk: &mut Desk, number: u32, len: usize| {
        let block = [DataBuf::DoubleLongUnsigned(number), DataBuf::octet_string(vec![7; len])];
        desk.invoke(class, IMAGE, 2, &DataBuf::structure(block))
    };
    assert_eq!(block(&mut desk, 0, 200), ActionResult::OtherReason, "not initiated");
    let image = [DataBuf::octet_string(*b"fw-2"), DataBuf::DoubleLongUnsigned(950)];
    assert_eq!(desk.invoke(class, IMAGE, 1, &DataBuf::structure(image)), ActionResult::Success,);
    assert_eq!(desk.get(class, IMAGE, 6), DataBuf::Enum(1));
    for number in [4, 0, 1, 3] {
        let len = if number == 4 { 150 } else { 200 };
        assert_eq!(block(&mut desk, number, len), ActionResult::Success, "{number}");
    }
    // A wrong number, a wrong length.
    assert_eq!(block(&mut desk, 5, 200), ActionResult::OtherReason);
    assert_eq!(block(&mut desk, 2, 199), ActionResult::OtherReason);

    // Block 2 is missing: 11011.
    let DataBuf::BitString(bits) = desk.get(class, IMAGE, 3) else { panic!("no bit string") };
    assert_eq!((bits.view().octets(), bits.view().len()), (&[0xd8][..], 5));
    assert_eq!(desk.number(class, IMAGE, 4), 2);
    assert_eq!(desk.invoke(class, IMAGE, 3, &zero), ActionResult::OtherReason);
    assert_eq!(desk.get(class, IMAGE, 6), DataBuf::Enum(4));
    assert_eq!(desk.invoke(class, IMAGE, 4, &zero), ActionResult::OtherReason);

    // After a failed verification the rest may follow.
    assert_eq!(block(&mut desk, 2, 200), ActionResult::Success);
    assert_eq!(desk.number(class, IMAGE, 4), 5);
    assert_eq!(desk.invoke(class, IMAGE, 3, &zero), ActionResult::Success);
    assert_eq!(desk.get(class, IMAGE, 6), DataBuf::Enum(3));
    assert_eq!(
        desk.get(class, IMAGE, 7),
        DataBuf::array([DataBuf::structure([
            DataBuf::DoubleLongUnsigned(950),
            DataBuf::octet_string(*b"fw-2"),
            DataBuf::octet_string([]),
        ])]),
    );
    let firmware = |desk: &mut Desk| desk.get(ClassId::DATA, "1-0:0.2.0*255", 2);
    assert_eq!(firmware(&mut desk), DataBuf::octet_string(*b"DHE-1.0.0"));
    assert_eq!(desk.invoke(class, IMAGE, 4, &zero), ActionResult::Success);
    assert_eq!(desk.get(class, IMAGE, 6), DataBuf::Enum(6));
    assert_eq!(firmware(&mut desk), DataBuf::octet_string(*b"fw-2"));
}

#[test]
fn no_image_is_taken_while_transfer_is_disabled() {
    let mut desk = Desk::new();
    let class = ClassId::IMAGE_TRANSFER;
    desk.set(class, IMAGE, 5, &DataBuf::Boolean(false));
    let image = [DataBuf::octet_string(*b"fw-2"), DataBuf::DoubleLongUnsigned(950)];
    assert_eq!(
        desk.invoke(class, IMAGE, 1, &DataBuf::structure(image)),
        ActionResult::ReadWriteDenied,
    );
}

#[test]
fn the_passive_calendar_takes_over_when_its_time_has_come() {
    let mut desk = Desk::new();
    let class = ClassId::ACTIVITY_CALENDAR;
    let name = |text: &str| DataBuf::octet_string(text);
    desk.set(class, CALENDAR, 6, &name("WINTER"));
    assert_eq!(desk.get(class, CALENDAR, 2), name("TARIFF-A"), "nothing changes before");
    let at: DateTime = "2026-01-15T13:00:00+01:00".parse().unwrap();
    assert_eq!(desk.set(class, CALENDAR, 10, &at.to_data()), DataAccessResult::Success);
    desk.set_now(NOON + 3_599);
    assert_eq!(desk.get(class, CALENDAR, 2), name("TARIFF-A"));
    desk.set_now(NOON + 3_600);
    assert_eq!(desk.get(class, CALENDAR, 2), name("WINTER"));
    assert_eq!(desk.get(class, CALENDAR, 10), DateTime::UNSPECIFIED.to_data());
    desk.set(class, CALENDAR, 6, &name("SUMMER"));
    assert_eq!(desk.get(class, CALENDAR, 2), name("WINTER"));
    // Or by method, at once.
    assert_eq!(desk.invoke(class, CALENDAR, 1, &DataBuf::Integer(0)), ActionResult::Success);
    assert_eq!(desk.get(class, CALENDAR, 2), name("SUMMER"));
    assert_eq!(desk.set(class, CALENDAR, 7, &name("no array")), DataAccessResult::TypeUnmatched);
}

#[test]
fn special_days_are_inserted_replaced_and_deleted() {
    let mut desk = Desk::new();
    let class = ClassId::SPECIAL_DAYS_TABLE;
    let day = |index: u16, day: u8| {
        DataBuf::structure([
            DataBuf::LongUnsigned(index),
            DataBuf::octet_string([0x07, 0xea, 5, day, 0xff]),
            DataBuf::Unsigned(2),
        ])
    };
    desk.set(class, SPECIAL_DAYS, 2, &DataBuf::array([day(1, 1)]));
    assert_eq!(desk.invoke(class, SPECIAL_DAYS, 1, &day(2, 2)), ActionResult::Success);
    assert_eq!(desk.invoke(class, SPECIAL_DAYS, 1, &day(1, 3)), ActionResult::Success);
    assert_eq!(desk.get(class, SPECIAL_DAYS, 2), DataBuf::array([day(2, 2), day(1, 3)]));
    desk.invoke(class, SPECIAL_DAYS, 2, &DataBuf::LongUnsigned(2));
    assert_eq!(desk.get(class, SPECIAL_DAYS, 2), DataBuf::array([day(1, 3)]));
    assert_eq!(desk.invoke(class, SPECIAL_DAYS, 1, &DataBuf::Null), ActionResult::TypeUnmatched,);
}

#[test]
fn the_profile_status_takes_only_its_own_type() {
    let mut desk = Desk::new();
    assert_eq!(
        desk.set(ClassId::DATA, STATUS, 2, &DataBuf::Unsigned(3)),
        DataAccessResult::Success,
    );
    assert_eq!(desk.get(ClassId::DATA, STATUS, 2), DataBuf::Unsigned(3));
    assert_eq!(
        desk.set(ClassId::DATA, STATUS, 2, &DataBuf::LongUnsigned(3)),
        DataAccessResult::TypeUnmatched,
    );
}

#[test]
fn the_maximum_demand_is_that_of_the_month_and_can_be_reset() {
    let mut desk = Desk::new();
    let class = ClassId::EXTENDED_REGISTER;
    let name = "1-0:1.6.0*255";
    let peak = desk.number(class, name, 2);
    let at = time(&desk.get(class, name, 5));
    assert!(peak > 0 && at.to_string().starts_with("2026-01-"), "{peak} at {at}");
    assert_eq!(desk.invoke(class, name, 1, &DataBuf::Integer(0)), ActionResult::Success);
    assert_eq!(desk.number(class, name, 2), 0);
    desk.set_now(desk.now() + 86_400);
    assert!((1..=peak).contains(&desk.number(class, name, 2)));
}
