//! What a meter does by itself: because a time has come, a value has changed, or a script says so.

mod calendar;
mod image;
mod profile;
mod push;
mod supply;

use dlms_core::{
    axdr::DataBuf,
    cosem::{ClassId, LogicalName, value::CosemValue},
    xdlms::{ActionResult, DataAccessResult},
};

use crate::desk::Desk;

const DISCONNECT_SCRIPTS: LogicalName = LogicalName([0, 0, 10, 0, 106, 255]);

/// Writes an attribute, which must succeed.
fn set(desk: &mut Desk, class: ClassId, name: &str, attribute: i8, value: &impl CosemValue) {
    let written = desk.set(class, name, attribute, &value.to_data());
    assert_eq!(written, DataAccessResult::Success, "{class} {name} {attribute}");
}

/// Invokes a method, which must succeed.
fn invoke(desk: &mut Desk, class: ClassId, name: &str, method: i8, parameter: &DataBuf) {
    let result = desk.invoke(class, name, method, parameter);
    assert_eq!(result, ActionResult::Success, "{class} {name} method {method}");
}

/// The codes of the last events, oldest first.
fn events(desk: &mut Desk, count: usize) -> Vec<u8> {
    let rows = desk.rows("0-0:99.98.0*255", None).unwrap();
    let codes = rows.iter().map(|row| match row[1] {
        DataBuf::Unsigned(code) => code,
        ref other => panic!("{other:?}"),
    });
    codes.skip(rows.len() - count).collect()
}
