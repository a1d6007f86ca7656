//! Activity calendar, special days, schedule, single action schedules, and the clock they go by.

use dlms_core::{
    axdr::{BitStringBuf, Data, DataBuf},
    cosem::{
        ClassId, Date, DateTime, LogicalName, Time,
        value::{
            CosemValue, DayAction, DayProfile, ExecutedScript, ExecutionTime, OctetString,
            RegisterMask, ScheduleEntry, SpecialDay, SpecialDays, Weekdays,
        },
    },
    xdlms::{ActionResult, DataAccessResult},
};

use super::{DISCONNECT_SCRIPTS, invoke, set};
use crate::desk::{Desk, NOON};

const CALENDAR: &str = "0-0:13.0.0*255";
const SPECIAL_DAYS: &str = "0-0:11.0.0*255";
const SCHEDULE: &str = "0-0:12.0.0*255";
const SWITCHING: &str = "0-0:15.0.1*255";
const MASK: &str = "0-0:14.0.0*255";
const DISCONNECTOR: &str = "0-0:96.3.10*255";
const CLOCK: &str = "0-0:1.0.0*255";
const TARIFF_SCRIPTS: LogicalName = LogicalName([0, 0, 10, 0, 100, 255]);

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// 2026-01-15T00:00:00+01:00
const MIDNIGHT: i64 = NOON - 12 * HOUR;

fn tariff(desk: &mut Desk) -> Vec<u8> {
    match desk.get(ClassId::REGISTER_ACTIVATION, MASK, 4) {
        DataBuf::OctetString(mask) => mask,
        other => panic!("{other:?}"),
    }
}

fn is_connected(desk: &mut Desk) -> bool {
    desk.get(ClassId::DISCONNECT_CONTROL, DISCONNECTOR, 2) == DataBuf::Boolean(true)
}

fn energy(desk: &mut Desk, tariff: u8) -> i128 {
    desk.number(ClassId::REGISTER, &format!("1-0:1.8.{tariff}*255"), 2)
}

fn date(year: u16, month: u8, day: u8) -> Date {
    Date::new(year, month, day).unwrap()
}

fn at(hour: u8) -> Time {
    Time::new(hour, 0, 0).unwrap()
}

#[test]
fn a_calendar_switches_the_tariff_by_day_and_night_and_weekend() {
    let mut desk = Desk::new();
    for (hours, expected) in [
        (12, b"T1"), // Thursday
        (22, b"T2"),
        (24, b"T2"),
        (30, b"T1"),      // Friday, 6 o'clock
        (45, b"T1"),      // 21 o'clock
        (48 + 12, b"T2"), // Saturday
        (72 + 12, b"T2"), // Sunday
        (96 + 5, b"T2"),  // Monday
        (96 + 6, b"T1"),
    ] {
        desk.set_now(MIDNIGHT + hours * HOUR);
        assert_eq!(tariff(&mut desk), expected, "{hours} hours after Thursday began");
    }
}

#[test]
fn energy_is_counted_by_the_tariff_that_holds_even_if_nobody_asks() {
    let mut desk = Desk::new();
    let before = [0, 1, 2].map(|tariff| energy(&mut desk, tariff));
    assert_eq!(before[0], before[1] + before[2]);
    // From Thursday noon to Friday noon: eight hours of night.
    let mut slow = Desk::new();
    slow.set_now(NOON + DAY);
    let late = [0, 1, 2].map(|tariff| energy(&mut slow, tariff));
    assert_eq!(late[0], late[1] + late[2]);
    let mut night = 0;
    for (from, until) in [(22, 24), (24, 30)] {
        desk.set_now(MIDNIGHT + from * HOUR);
        let start = energy(&mut desk, 0);
        desk.set_now(MIDNIGHT + until * HOUR);
        night += energy(&mut desk, 0) - start;
    }
    assert_eq!(late[2] - before[2], night);
    assert!(night > 0);
}

#[test]
fn a_special_day_has_its_own_profile() {
    let mut desk = Desk::new();
    let tomorrow = SpecialDay { index: 9, date: date(2026, 1, 16), day_id: 2 };
    let class = ClassId::SPECIAL_DAYS_TABLE;
    invoke(&mut desk, class, SPECIAL_DAYS, 1, &tomorrow.to_data());
    desk.set_now(NOON + DAY);
    assert_eq!(tariff(&mut desk), b"T2");
    // The day itself becomes one, and is none again: at once.
    let mut desk = Desk::new();
    let today = SpecialDay { index: 9, date: date(2026, 1, 15), day_id: 2 };
    invoke(&mut desk, class, SPECIAL_DAYS, 1, &today.to_data());
    assert_eq!(tariff(&mut desk), b"T2");
    invoke(&mut desk, class, SPECIAL_DAYS, 2, &DataBuf::LongUnsigned(9));
    assert_eq!(tariff(&mut desk), b"T1");
}

#[test]
fn the_passive_calendar_is_executed_from_its_time_on() {
    let mut desk = Desk::new();
    let night = DayProfile {
        day_id: 1,
        actions: vec![DayAction { start: at(0), script_table: TARIFF_SCRIPTS, script: 2 }],
    };
    set(&mut desk, ClassId::ACTIVITY_CALENDAR, CALENDAR, 9, &vec![night.clone()]);
    let takes_over = DateTime::from_unix(NOON + HOUR, Some(-60)).unwrap();
    set(&mut desk, ClassId::ACTIVITY_CALENDAR, CALENDAR, 10, &takes_over);
    desk.set_now(NOON + HOUR - 1);
    assert_eq!(tariff(&mut desk), b"T1", "nothing changes before");
    desk.set_now(NOON + HOUR);
    assert_eq!(tariff(&mut desk), b"T2");
    let active = desk.get(ClassId::ACTIVITY_CALENDAR, CALENDAR, 5);
    assert_eq!(active, vec![night].to_data());
}

#[test]
fn a_calendar_that_is_too_long_is_refused_and_the_old_one_stays() {
    let mut desk = Desk::new();
    let before = desk.get(ClassId::ACTIVITY_CALENDAR, CALENDAR, 9);
    let days: Vec<_> = (0..40).map(|day_id| DayProfile { day_id, actions: Vec::new() }).collect();
    let written = desk.set(ClassId::ACTIVITY_CALENDAR, CALENDAR, 9, &days.to_data());
    assert_eq!(written, DataAccessResult::OtherReason);
    assert_eq!(desk.get(ClassId::ACTIVITY_CALENDAR, CALENDAR, 9), before);
}

#[test]
fn a_clock_that_is_set_takes_the_tariff_of_its_time() {
    let mut desk = Desk::new();
    assert_eq!(tariff(&mut desk), b"T1");
    set(&mut desk, ClassId::CLOCK, CLOCK, 2, &"2026-01-15T23:00:00".parse::<DateTime>().unwrap());
    assert_eq!(tariff(&mut desk), b"T2");
    // Seven hours later it is six o'clock there.
    desk.set_now(NOON + 7 * HOUR - 1);
    assert_eq!(tariff(&mut desk), b"T2");
    desk.set_now(NOON + 7 * HOUR);
    assert_eq!(tariff(&mut desk), b"T1");
    // And back.
    set(&mut desk, ClassId::CLOCK, CLOCK, 2, &"2026-01-15T05:00:00".parse::<DateTime>().unwrap());
    assert_eq!(tariff(&mut desk), b"T2");
    desk.set_now(NOON + 8 * HOUR);
    assert_eq!(tariff(&mut desk), b"T1");
}

#[test]
fn local_time_is_what_a_client_makes_of_it() {
    let mut desk = Desk::new();
    let shown = |desk: &mut Desk| match desk.get(ClassId::CLOCK, CLOCK, 2) {
        DataBuf::OctetString(octets) => {
            DateTime::from_data(&Data::OctetString(&octets)).unwrap().to_string()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(shown(&mut desk), "2026-01-15T12:00:00+01:00");
    // Ten hours east of Greenwich: there it is night, and the tariff that of the night.
    set(&mut desk, ClassId::CLOCK, CLOCK, 3, &-600_i16);
    assert_eq!(shown(&mut desk), "2026-01-15T21:00:00+10:00");
    assert_eq!(tariff(&mut desk), b"T1");
    // Daylight saving from November to March, every year.
    let every_year = |text: &str| {
        let mut octets = text.parse::<DateTime>().unwrap().octets();
        octets[..2].fill(0xff);
        octets[4] = 0xff;
        DateTime::from_data(&Data::OctetString(&octets)).unwrap()
    };
    set(&mut desk, ClassId::CLOCK, CLOCK, 5, &every_year("2026-11-01T02:00"));
    set(&mut desk, ClassId::CLOCK, CLOCK, 6, &every_year("2026-03-01T03:00"));
    assert_eq!(shown(&mut desk), "2026-01-15T22:00:00+11:00");
    assert_eq!(desk.get(ClassId::CLOCK, CLOCK, 4), DataBuf::Unsigned(0x80));
    assert_eq!(tariff(&mut desk), b"T2");
    // By half an hour only, and not at all.
    set(&mut desk, ClassId::CLOCK, CLOCK, 7, &30_i8);
    assert_eq!(shown(&mut desk), "2026-01-15T21:30:00+10:30");
    set(&mut desk, ClassId::CLOCK, CLOCK, 8, &false);
    assert_eq!(shown(&mut desk), "2026-01-15T21:00:00+10:00");
    assert_eq!(desk.get(ClassId::CLOCK, CLOCK, 4), DataBuf::Unsigned(0));
    for (attribute, value) in [(3, DataBuf::Long(721)), (7, DataBuf::Integer(-121))] {
        let written = desk.set(ClassId::CLOCK, CLOCK, attribute, &value);
        assert_eq!(written, DataAccessResult::OtherReason);
    }
}

#[test]
fn a_clock_at_either_end_of_time_stops_nothing() {
    for day in [date(0, 1, 1), date(0, 1, 2), date(65_534, 12, 30), date(65_534, 12, 31)] {
        let time = DateTime::new(day, at(12));
        let mut desk = Desk::new();
        invoke(&mut desk, ClassId::SCHEDULE, SCHEDULE, 2, &entry(1, 18).to_data());
        set(&mut desk, ClassId::CLOCK, CLOCK, 2, &time);
        desk.set_now(NOON + 30 * DAY);
        let tariff = tariff(&mut desk);
        assert!([&b"T1"[..], b"T2"].contains(&&tariff[..]), "{time}");
    }
}

#[test]
fn a_preset_time_is_taken_once_and_only_while_it_is_valid() {
    let mut desk = Desk::new();
    let zero = DataBuf::Integer(0);
    let adjust = |desk: &mut Desk| desk.invoke(ClassId::CLOCK, CLOCK, 4, &zero);
    assert_eq!(adjust(&mut desk), ActionResult::OtherReason, "nothing is preset");
    let time = |second| DateTime::from_unix(NOON + second, Some(-60)).unwrap().to_data();
    let preset = DataBuf::structure([time(5_000), time(60), time(120)]);
    invoke(&mut desk, ClassId::CLOCK, CLOCK, 5, &preset);
    assert_eq!(adjust(&mut desk), ActionResult::OtherReason, "not valid yet");
    desk.set_now(NOON + 60);
    assert_eq!(adjust(&mut desk), ActionResult::Success);
    let shown = desk.get(ClassId::CLOCK, CLOCK, 2);
    assert_eq!(shown, DateTime::from_unix(NOON + 5_000, Some(-60)).unwrap().to_data());
    assert_eq!(adjust(&mut desk), ActionResult::OtherReason, "it was taken");
    let wrong = desk.invoke(ClassId::CLOCK, CLOCK, 5, &DataBuf::structure([time(1)]));
    assert_eq!(wrong, ActionResult::TypeUnmatched);
}

fn entry(index: u16, hour: u8) -> ScheduleEntry {
    ScheduleEntry {
        index,
        enabled: true,
        script_table: DISCONNECT_SCRIPTS,
        script: 1,
        switch_time: at(hour),
        validity_window_min: 0xffff,
        weekdays: Weekdays([true, true, true, true, true, false, false]),
        special_days: SpecialDays(BitStringBuf::from_bits([false, false, true])),
        begin: Date::UNSPECIFIED,
        end: Date::UNSPECIFIED,
    }
}

#[test]
fn a_schedule_executes_its_entries_on_their_days() {
    let mut desk = Desk::new();
    invoke(&mut desk, ClassId::SCHEDULE, SCHEDULE, 2, &entry(1, 18).to_data());
    desk.set_now(NOON + 6 * HOUR - 1);
    assert!(is_connected(&mut desk));
    desk.set_now(NOON + 6 * HOUR);
    assert!(!is_connected(&mut desk));
    // Not at weekends.
    let mut desk = Desk::new();
    desk.set_now(NOON + 2 * DAY); // Saturday
    invoke(&mut desk, ClassId::SCHEDULE, SCHEDULE, 2, &entry(1, 18).to_data());
    desk.set_now(NOON + 4 * DAY); // Monday noon
    assert!(is_connected(&mut desk));
    desk.set_now(NOON + 4 * DAY + 6 * HOUR);
    assert!(!is_connected(&mut desk));
}

#[test]
fn on_a_special_day_a_schedule_goes_by_its_special_days() {
    for (day_id, executed) in [(2, true), (1, false)] {
        let mut desk = Desk::new();
        let saturday = SpecialDay { index: 9, date: date(2026, 1, 17), day_id };
        let friday = SpecialDay { index: 8, date: date(2026, 1, 16), day_id: 1 };
        set(&mut desk, ClassId::SPECIAL_DAYS_TABLE, SPECIAL_DAYS, 2, &vec![saturday, friday]);
        desk.set_now(NOON + 12 * HOUR); // Thursday is over
        invoke(&mut desk, ClassId::SCHEDULE, SCHEDULE, 2, &entry(1, 18).to_data());
        desk.set_now(NOON + 2 * DAY);
        assert!(is_connected(&mut desk), "Friday was special");
        desk.set_now(NOON + 2 * DAY + 6 * HOUR);
        assert_eq!(is_connected(&mut desk), !executed, "day_id {day_id}");
    }
}

#[test]
fn schedule_entries_are_inserted_replaced_disabled_and_deleted() {
    let mut desk = Desk::new();
    for index in [3, 1, 2] {
        invoke(&mut desk, ClassId::SCHEDULE, SCHEDULE, 2, &entry(index, 18).to_data());
    }
    let entries = |desk: &mut Desk| desk.get(ClassId::SCHEDULE, SCHEDULE, 2);
    let all = [1, 2, 3].map(|index| entry(index, 18));
    assert_eq!(entries(&mut desk), all.to_vec().to_data(), "in the order of their indexes");
    invoke(&mut desk, ClassId::SCHEDULE, SCHEDULE, 2, &entry(2, 19).to_data());
    // Disable 1 to 3, enable 2 to 2.
    let range = |numbers: [u16; 4]| DataBuf::structure(numbers.map(DataBuf::LongUnsigned));
    invoke(&mut desk, ClassId::SCHEDULE, SCHEDULE, 1, &range([1, 3, 2, 2]));
    desk.set_now(NOON + 6 * HOUR);
    assert!(is_connected(&mut desk), "18 o'clock is disabled");
    desk.set_now(NOON + 7 * HOUR);
    assert!(!is_connected(&mut desk), "19 o'clock is not");
    let range = DataBuf::structure([DataBuf::LongUnsigned(1), DataBuf::LongUnsigned(2)]);
    invoke(&mut desk, ClassId::SCHEDULE, SCHEDULE, 3, &range);
    let left = ScheduleEntry { enabled: false, ..entry(3, 18) };
    assert_eq!(entries(&mut desk), vec![left].to_data());
}

#[test]
fn a_single_action_is_executed_at_its_time() {
    let mut desk = Desk::new();
    let times = vec![ExecutionTime { time: at(13), date: date(2026, 1, 15) }];
    set(&mut desk, ClassId::SINGLE_ACTION_SCHEDULE, SWITCHING, 4, &times);
    desk.set_now(NOON + HOUR - 1);
    assert!(is_connected(&mut desk));
    desk.set_now(NOON + HOUR);
    assert!(!is_connected(&mut desk));
    // The other script, every day at 14 o'clock. What the meter itself disconnected, it may not
    // reconnect in this control mode; in mode 5 it may.
    let mode = desk.set(ClassId::DISCONNECT_CONTROL, DISCONNECTOR, 4, &DataBuf::Enum(5));
    assert_eq!(mode, DataAccessResult::Success);
    let script = ExecutedScript { script_table: DISCONNECT_SCRIPTS, script: 2 };
    set(&mut desk, ClassId::SINGLE_ACTION_SCHEDULE, SWITCHING, 2, &script);
    let daily = vec![ExecutionTime { time: at(14), date: Date::UNSPECIFIED }];
    set(&mut desk, ClassId::SINGLE_ACTION_SCHEDULE, SWITCHING, 4, &daily);
    desk.set_now(NOON + 2 * HOUR);
    assert!(is_connected(&mut desk));
    // Two times are not of type 1.
    let two = [daily.clone(), daily].concat().to_data();
    let written = desk.set(ClassId::SINGLE_ACTION_SCHEDULE, SWITCHING, 4, &two);
    assert_eq!(written, DataAccessResult::OtherReason);
}

#[test]
fn what_is_months_away_is_not_forgotten() {
    let mut desk = Desk::new();
    let times = vec![ExecutionTime { time: at(12), date: date(2026, 3, 15) }];
    set(&mut desk, ClassId::SINGLE_ACTION_SCHEDULE, SWITCHING, 4, &times);
    desk.set_now(NOON + 59 * DAY - 1);
    assert!(is_connected(&mut desk));
    desk.set_now(NOON + 59 * DAY);
    assert!(!is_connected(&mut desk));
}

#[test]
fn a_mask_decides_which_registers_count() {
    let mut desk = Desk::new();
    let both = RegisterMask { name: OctetString(b"BOTH".to_vec()), indexes: vec![1, 2] };
    let class = ClassId::REGISTER_ACTIVATION;
    invoke(&mut desk, class, MASK, 2, &both.to_data());
    set(&mut desk, class, MASK, 4, &both.name);
    let before = [0, 1, 2].map(|tariff| energy(&mut desk, tariff));
    desk.set_now(NOON + HOUR);
    let after = [0, 1, 2].map(|tariff| energy(&mut desk, tariff));
    let grown = [0, 1, 2].map(|tariff| after[tariff] - before[tariff]);
    assert!(grown[0] > 0);
    assert_eq!(grown, [grown[0]; 3]);
    // The active mask stays; a mask of no register there is none of.
    let deleted = desk.invoke(class, MASK, 3, &both.name.to_data());
    assert_eq!(deleted, ActionResult::OtherReason);
    let third = RegisterMask { name: OctetString(b"T3".to_vec()), indexes: vec![3] };
    assert_eq!(desk.invoke(class, MASK, 2, &third.to_data()), ActionResult::OtherReason);
    let unknown = desk.set(class, MASK, 4, &DataBuf::octet_string(*b"T3"));
    assert_eq!(unknown, DataAccessResult::OtherReason);
    invoke(&mut desk, class, MASK, 3, &DataBuf::octet_string(*b"T2"));
}
