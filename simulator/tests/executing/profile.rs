//! A profile that is captured: when, what, and in which order it is kept.

use dlms_core::{
    axdr::DataBuf,
    cosem::{
        AttributeDescriptor, CaptureObject, ClassId, DateTime, EntryDescriptor, LogicalName,
        ProfileSelector, RangeDescriptor,
    },
    xdlms::DataAccessResult,
};

use super::{invoke, set};
use crate::desk::{Desk, NOON};

const PROFILE: &str = "0-0:98.1.0*255";
const STATUS: &str = "0-0:96.10.1*255";
const CLASS: ClassId = ClassId::PROFILE_GENERIC;

fn status() -> CaptureObject {
    let name: LogicalName = STATUS.parse().unwrap();
    CaptureObject::new(AttributeDescriptor::new(ClassId::DATA, name, 2))
}

/// A profile of the time and the status, for three rows in this order.
fn sorted(sort_method: u8) -> Desk {
    let mut desk = Desk::new();
    set(&mut desk, CLASS, PROFILE, 3, &vec![CaptureObject::CLOCK_TIME, status()]);
    let written = desk.set(CLASS, PROFILE, 5, &DataBuf::Enum(sort_method));
    assert_eq!(written, DataAccessResult::Success);
    set(&mut desk, CLASS, PROFILE, 6, &status());
    set(&mut desk, CLASS, PROFILE, 8, &3_u32);
    desk
}

fn capture(desk: &mut Desk, value: u8) {
    set(desk, ClassId::DATA, STATUS, 2, &value);
    invoke(desk, CLASS, PROFILE, 2, &DataBuf::Integer(0));
    desk.set_now(desk.now() + 60);
}

fn column(rows: &[Vec<DataBuf>], column: usize) -> Vec<DataBuf> {
    rows.iter().map(|row| row[column].clone()).collect()
}

#[test]
fn a_sort_method_decides_what_comes_first_and_what_is_lost() {
    for (sort_method, kept) in [
        (1, [1, 9, 3]),
        (2, [3, 9, 1]),
        (3, [9, 5, 3]),
        (4, [1, 3, 5]),
        (5, [1, 3, 5]),
        (6, [9, 5, 3]),
    ] {
        let mut desk = sorted(sort_method);
        for value in [5, 1, 9, 3] {
            capture(&mut desk, value);
        }
        let rows = desk.rows(PROFILE, None).unwrap();
        assert_eq!(column(&rows, 1), kept.map(DataBuf::Unsigned), "sort_method {sort_method}");
        assert_eq!(desk.number(CLASS, PROFILE, 7), 3);
    }
    let mut desk = Desk::new();
    for unknown in [0, 7] {
        let written = desk.set(CLASS, PROFILE, 5, &DataBuf::Enum(unknown));
        assert_eq!(written, DataAccessResult::OtherReason);
    }
}

#[test]
fn rows_are_selected_by_a_range_of_any_column() {
    let mut desk = sorted(3);
    for value in [5, 1, 9] {
        capture(&mut desk, value);
    }
    let range = |from: DataBuf, to: DataBuf, restricting_object| {
        let selected_values = vec![status()];
        ProfileSelector::Range(RangeDescriptor {
            restricting_object,
            from_value: from,
            to_value: to,
            selected_values,
        })
    };
    let by_status = range(DataBuf::Unsigned(5), DataBuf::Unsigned(9), status());
    let rows = desk.rows(PROFILE, Some(&by_status)).unwrap();
    assert_eq!(rows, [[DataBuf::Unsigned(9)], [DataBuf::Unsigned(5)]]);
    // By time, although the buffer is in another order: the first two minutes.
    let time = |second| DateTime::from_unix(NOON + second, Some(-60)).unwrap().to_data();
    let by_time = range(time(0), time(60), CaptureObject::CLOCK_TIME);
    let rows = desk.rows(PROFILE, Some(&by_time)).unwrap();
    assert_eq!(rows, [[DataBuf::Unsigned(5)], [DataBuf::Unsigned(1)]]);
    let open = range(time(120), DateTime::UNSPECIFIED.to_data(), CaptureObject::CLOCK_TIME);
    assert_eq!(desk.rows(PROFILE, Some(&open)).unwrap(), [[DataBuf::Unsigned(9)]]);
    // What is no column restricts nothing.
    let mut other = status();
    other.attribute.0 = 1;
    let refused = desk.rows(PROFILE, Some(&range(time(0), time(60), other)));
    assert_eq!(refused, Err(DataAccessResult::ScopeOfAccessViolated));
}

#[test]
fn rows_and_columns_are_selected_by_number() {
    let mut desk = sorted(1);
    for value in [5, 1, 9] {
        capture(&mut desk, value);
    }
    let entry = EntryDescriptor {
        from_entry: 2,
        to_entry: 0,
        from_selected_value: 2,
        to_selected_value: 2,
    };
    let rows = desk.rows(PROFILE, Some(&ProfileSelector::Entry(entry))).unwrap();
    assert_eq!(rows, [[DataBuf::Unsigned(1)], [DataBuf::Unsigned(9)]]);
}

#[test]
fn a_period_captures_when_it_ends() {
    let mut desk = sorted(1);
    set(&mut desk, CLASS, PROFILE, 4, &1_200_u32);
    desk.set_now(NOON + 3_700);
    let rows = desk.rows(PROFILE, None).unwrap();
    let times = [1_200, 2_400, 3_600]
        .map(|second| DateTime::from_unix(NOON + second, Some(-60)).unwrap().to_data());
    assert_eq!(column(&rows, 0), times);
    // Only when told, again.
    set(&mut desk, CLASS, PROFILE, 4, &0_u32);
    desk.set_now(NOON + 100_000);
    assert_eq!(desk.rows(PROFILE, None), Ok(vec![]));
}

#[test]
fn a_buffer_is_emptied_by_reset_and_when_its_rows_become_others() {
    for attribute in [3, 4, 5, 6, 8] {
        let mut desk = sorted(1);
        capture(&mut desk, 1);
        assert_eq!(desk.number(CLASS, PROFILE, 7), 1);
        let same = desk.get(CLASS, PROFILE, attribute);
        assert_eq!(desk.set(CLASS, PROFILE, attribute, &same), DataAccessResult::Success);
        assert_eq!(desk.number(CLASS, PROFILE, 7), 0, "attribute {attribute}");
    }
    let mut desk = sorted(1);
    capture(&mut desk, 1);
    invoke(&mut desk, CLASS, PROFILE, 1, &DataBuf::Integer(0));
    assert_eq!(desk.rows(PROFILE, None), Ok(vec![]));
    assert_eq!(
        desk.set(CLASS, PROFILE, 8, &DataBuf::DoubleLongUnsigned(0)),
        DataAccessResult::OtherReason
    );
}

#[test]
fn one_element_of_an_attribute_is_captured() {
    let mut desk = Desk::new();
    let scaler_unit =
        AttributeDescriptor::new(ClassId::REGISTER, "1-0:32.7.0*255".parse().unwrap(), 3);
    let element = |data_index| CaptureObject { data_index, ..CaptureObject::new(scaler_unit) };
    let missing = AttributeDescriptor::new(ClassId::DATA, LogicalName::CLOCK, 2);
    let columns = vec![element(1), element(2), element(3), CaptureObject::new(missing)];
    set(&mut desk, CLASS, PROFILE, 3, &columns);
    invoke(&mut desk, CLASS, PROFILE, 2, &DataBuf::Integer(0));
    let rows = desk.rows(PROFILE, None).unwrap();
    let row = [DataBuf::Integer(-1), DataBuf::Enum(35), DataBuf::Null, DataBuf::Null];
    assert_eq!(rows, [row]);
}

#[test]
fn the_end_of_a_month_is_captured() {
    let mut desk = Desk::new();
    // 2026-02-01T00:00:00+01:00 and 2026-03-01T00:00:00+01:00
    let (february, march) = (1_769_900_400, 1_772_319_600);
    desk.set_now(february - 1);
    assert_eq!(desk.rows(PROFILE, None), Ok(vec![]));
    desk.set_now(march + 86_400);
    let rows = desk.rows(PROFILE, None).unwrap();
    let time = |at| DateTime::from_unix(at, Some(-60)).unwrap().to_data();
    assert_eq!(column(&rows, 0), [february, march].map(time));
}
