use super::*;
use crate::axdr::{BitStringBuf, RawData};
use alloc::vec;
use core::fmt::Debug;
use proptest::{collection, prelude::*};
use std::string::String;

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

fn read<T: CosemValue>(octets: &[u8]) -> Option<T> {
    T::from_data(&RawData::from_octets(octets).unwrap().data().unwrap())
}

/// What is written is read again, and one field more or less makes it something else.
fn round_trip<T: CosemValue + PartialEq + Debug>(value: &T) {
    let data = value.to_data();
    assert_eq!(read(&data.to_octets()).as_ref(), Some(value));
    let DataBuf::Structure(fields) = data else { return };
    let more = DataBuf::structure(fields.iter().cloned().chain([DataBuf::Null]));
    assert_eq!(read::<T>(&more.to_octets()), None);
    let fewer = DataBuf::structure(fields.iter().skip(1).cloned());
    assert_eq!(read::<T>(&fewer.to_octets()), None);
}

#[test]
fn a_day_profile_is_written_as_the_standard_says() {
    let day = DayProfile {
        day_id: 1,
        actions: vec![DayAction {
            start: Time::new(6, 0, 0).unwrap(),
            script_table: LogicalName([0, 0, 10, 0, 100, 255]),
            script: 2,
        }],
    };
    let octets = hex("0202 1101 0101 0203 0904 06000000 0906 00000a0064ff 120002");
    assert_eq!(day.to_data().to_octets(), octets);
    assert_eq!(read(&octets), Some(day));
}

#[test]
fn a_script_is_written_as_the_standard_says() {
    // The first script of a disconnector: execute remote_disconnect(0).
    let octets = hex("0202 120001 0101 0205 1602 120046 0906 000060030aff 0f01 0f00");
    let script: Script = read(&octets).unwrap();
    assert_eq!(script.actions[0].service, ScriptService::Execute);
    assert_eq!(script.actions[0].class, ClassId::DISCONNECT_CONTROL);
    assert_eq!(script.to_data().to_octets(), octets);
}

#[test]
fn a_schedule_entry_is_written_as_the_standard_says() {
    // April to October, at 22:00 from Monday to Friday, and on special days of day_id 9.
    let octets =
        hex("020a 120001 03ff 0906 00000a0064ff 120001 0904 16000000 12ffff 0407f8 040a0040 \
         0905 ffff0401ff 0905 ffff0a1fff");
    let entry: ScheduleEntry = read(&octets).unwrap();
    assert_eq!(entry.weekdays, Weekdays([true, true, true, true, true, false, false]));
    assert!(entry.weekdays.contains(5) && !entry.weekdays.contains(6));
    assert!(entry.special_days.contains(9) && !entry.special_days.contains(8));
    assert!(!entry.special_days.contains(200), "beyond the string");
    assert_eq!(entry.to_data().to_octets(), octets);
}

#[test]
fn a_push_destination_is_written_as_the_standard_says() {
    let octets = hex("0203 1600 090e 3139322e302e322e313a34303539 1600");
    let destination: SendDestinationAndMethod = read(&octets).unwrap();
    assert_eq!(destination.transport, TransportService::Tcp);
    assert_eq!(destination.destination.0, b"192.0.2.1:4059");
    assert_eq!(destination.to_data().to_octets(), octets);
}

#[test]
fn an_element_of_an_object_list_is_written_as_every_version_says() {
    // structure { 8, 0, 0-0:1.0.0*255, { [{2, 3, [1, 2]}], [{1, mode}] } }
    let element = "0204 120008 1100 0906 0000010000ff 0202 0101 0203 0f02 1603 0102 0f01 0f02";
    for (method, mode) in [
        ("0101 0202 0f01 0300", AccessMode::Allowed(false)),
        ("0101 0202 0f01 1602", AccessMode::Mode(2)),
        ("0101 0202 0f01 166d", AccessMode::Mode(0x6d)),
    ] {
        let octets = hex(&std::format!("{element}{method}"));
        let element: ObjectListElement = read(&octets).unwrap();
        assert_eq!(element.access_rights.attributes[0].selectors, Some(vec![1, 2]));
        assert_eq!(element.access_rights.methods[0].mode, mode);
        assert_eq!(element.to_data().to_octets(), octets);
    }
    // structure { FA00, 12, 2, 0-0:40.0.0*255 }
    let octets = hex("0204 10fa00 12000c 1102 0906 0000280000ff");
    let element: ObjectListElementSn = read(&octets).unwrap();
    assert_eq!(element.base_name.cast_unsigned(), 0xfa00);
    assert_eq!(element.to_data().to_octets(), octets);
}

#[test]
fn a_number_that_an_enum_lacks_is_kept() {
    for code in 0..=255 {
        assert_eq!(TransportService::from_code(code).code(), code);
        assert_eq!(MessageType::from_code(code).code(), code);
    }
    assert_eq!(TransportService::from_code(8), TransportService::Gateway);
    assert_eq!(TransportService::from_code(200), TransportService::Other(200));
}

#[test]
fn an_integer_of_another_width_is_taken_where_it_fits() {
    // script_selector as unsigned and as double-long-unsigned
    for selector in ["1102", "0600000002"] {
        let octets = hex(&std::format!("0202 0906 00000a006aff {selector}"));
        assert_eq!(read::<ExecutedScript>(&octets).unwrap().script, 2);
    }
    assert_eq!(read::<ExecutedScript>(&hex("0202 0906 00000a006aff 0600010000")), None);
    assert_eq!(read::<ExecutedScript>(&hex("0202 0905 00000a006a 120001")), None);
}

fn octets() -> impl Strategy<Value = OctetString> {
    collection::vec(any::<u8>(), 0..12).prop_map(OctetString)
}

fn name() -> impl Strategy<Value = LogicalName> {
    any::<[u8; 6]>().prop_map(LogicalName)
}

fn time() -> impl Strategy<Value = Time> {
    (0..24_u8, 0..60_u8, 0..60_u8).prop_map(|(h, m, s)| Time::new(h, m, s).unwrap())
}

fn date_time() -> impl Strategy<Value = DateTime> {
    (0..4_000_000_000_i64, -840..=840_i16)
        .prop_map(|(at, deviation)| DateTime::from_unix(at, Some(deviation)).unwrap())
}

fn script() -> impl Strategy<Value = ExecutedScript> {
    (name(), any::<u16>())
        .prop_map(|(script_table, script)| ExecutedScript { script_table, script })
}

proptest! {
    #[test]
    fn calendars_are_read_as_they_were_written(
        name in octets(), week_name in octets(), start in date_time(), day_ids: [u8; 7],
        day_id: u8, index: u16, at in time(), script: u16,
    ) {
        round_trip(&SeasonProfile { name: name.clone(), start, week_name });
        let week = WeekProfile::new(&name.0, day_ids);
        round_trip(&week);
        prop_assert_eq!(week.day_id(7), Some(day_ids[6]));
        prop_assert_eq!((week.day_id(0), week.day_id(8)), (None, None));
        let action = DayAction { start: at, script_table: LogicalName::CLOCK, script };
        round_trip(&DayProfile { day_id, actions: vec![action; usize::from(day_id % 4)] });
        round_trip(&SpecialDay { index, date: start.date, day_id });
    }

    #[test]
    fn schedules_and_scripts_are_read_as_they_were_written(
        index: u16, enabled: bool, script_table in name(), script: u16, at in time(),
        validity_window_min: u16, days: [bool; 7], special in collection::vec(any::<bool>(), 0..30),
        date in date_time(), class: u16, service: u8, member: i8, parameter: u32,
    ) {
        round_trip(&ScheduleEntry {
            index, enabled, script_table, script, switch_time: at, validity_window_min,
            weekdays: Weekdays(days),
            special_days: SpecialDays(BitStringBuf::from_bits(special)),
            begin: date.date, end: Date::UNSPECIFIED,
        });
        round_trip(&EnabledEntries {
            first_disabled: index, last_disabled: script, first_enabled: 0, last_enabled: 0,
        });
        round_trip(&DeletedEntries { first: index, last: script });
        round_trip(&ExecutionTime { time: at, date: date.date });
        let action = ScriptAction {
            service: ScriptService::from_code(service), class: ClassId(class), name: script_table,
            index: member, parameter: parameter.into(),
        };
        round_trip(&Script { id: index, actions: vec![action; 3] });
    }

    #[test]
    fn monitors_and_limiters_are_read_as_they_were_written(
        up in script(), down in script(), class: u16, name in name(), attribute: i8,
        mask in octets(), indexes: Vec<u8>, id: u16, activation_time in date_time(),
        duration_s: u32,
    ) {
        let class = ClassId(class);
        round_trip(&ObjectDefinition { class, name });
        round_trip(&RegisterMask { name: mask, indexes });
        let value = ValueDefinition { class, name, attribute };
        round_trip(&value);
        prop_assert_eq!(value.descriptor().attribute.0, attribute);
        round_trip(&EmergencyProfile { id, activation_time, duration_s });
        round_trip(&LimiterActions { over: up.clone(), under: down.clone() });
        round_trip(&ActionSet { up, down });
    }

    #[test]
    fn pushes_and_images_are_read_as_they_were_written(
        class: u16, name in name(), attribute: i8, data_index: u16, kind: u8, from: u32,
        destination in octets(), transport: u8, message: u8, start in date_time(),
        end in date_time(), delays: [u16; 3], size: u32,
    ) {
        let class = ClassId(class);
        round_trip(&PushObjectV0 { class, name, attribute, data_index });
        let restriction =
            Restriction { kind: RestrictionType::from_code(kind), value: from.into() };
        let columns = vec![CaptureObject::CLOCK_TIME];
        round_trip(&PushObject { class, name, attribute, data_index, restriction, columns });
        round_trip(&SendDestinationAndMethod {
            transport: TransportService::from_code(transport),
            destination: destination.clone(),
            message: MessageType::from_code(message),
        });
        round_trip(&Window { start, end });
        let [min_s, exponent_percent, max_s] = delays;
        round_trip(&RepetitionDelay { min_s, exponent_percent, max_s });
        round_trip(&ConfirmationParameters { start, interval_s: size });
        round_trip(&ImageToActivate {
            size, identification: destination.clone(), signature: destination.clone(),
        });
        round_trip(&ImageTransferInitiate { identifier: destination.clone(), size });
        round_trip(&ImageBlock { number: size, value: destination });
    }

    #[test]
    fn setups_of_networks_are_read_as_they_were_written(
        octets: [u8; 10], words: [u16; 3], long: u32, request in octets(),
    ) {
        let [a, b, c, d, e, f, g, h, i, j] = octets;
        round_trip(&InitializationString {
            request: request.clone(), response: request.clone(), delay_after_response_ms: words[0],
        });
        round_trip(&NumberOfRings { in_window: a, out_of_window: b });
        round_trip(&AllowedCaller { caller_id: request.clone(), call_type: a });
        round_trip(&IpOption { kind: a, length: b, data: request.clone() });
        round_trip(&PppOption { kind: a, length: b, data: long.into() });
        let quality = |precedence, delay, reliability, peak_throughput, mean_throughput| {
            GprsQuality { precedence, delay, reliability, peak_throughput, mean_throughput }
        };
        round_trip(&GprsQualityOfService {
            default: quality(a, b, c, d, e), requested: quality(f, g, h, i, j),
        });
        round_trip(&CellInfoV0 {
            cell_id: words[0], location_id: words[1], signal_quality: a, ber: b,
        });
        round_trip(&CellInfo {
            cell_id: long, location_id: words[0], signal_quality: a, ber: b, mcc: words[1],
            mnc: words[2], channel_number: long,
        });
        round_trip(&AdjacentCell { cell_id: long, signal_quality: a });
        round_trip(&NeighborDiscovery {
            max_retry: a, retry_wait_time_ms: words[0], send_period_s: long,
        });
        round_trip(&MBusCapture {
            data_information_block: request.clone(), value_information_block: request,
        });
    }
}
