//! Clock (class 8): the time of the system, in UTC. Who keeps it right is the system, so nothing
//! here can be set.

use dlms_core::{
    axdr::DataBuf,
    cosem::{ClassId, DateTime, LogicalName},
    device::{AttributeRights, CosemObject, Get, MethodRights, put},
    xdlms::DataAccessResult,
};

use crate::management::device::{World, date_time};

/// The clock base: not defined. The standard has none for a network.
const NOT_DEFINED: u8 = 0;
/// The status of a clock that is right.
const GOOD: u8 = 0;

pub(super) struct Clock;

impl CosemObject<World> for Clock {
    fn class(&self) -> ClassId {
        ClassId::CLOCK
    }

    fn name(&self) -> LogicalName {
        LogicalName::CLOCK
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[AttributeRights::READ; 8]
    }

    fn methods(&self) -> &[MethodRights] {
        &[MethodRights::NONE; 6]
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        match get.attribute {
            2 => put(out, &date_time(get.world.now_ms).to_data()),
            3 => put(out, &DataBuf::Long(0)),
            4 => put(out, &DataBuf::Unsigned(GOOD)),
            5 | 6 => put(out, &DateTime::UNSPECIFIED.to_data()),
            7 => put(out, &DataBuf::Integer(0)),
            8 => put(out, &DataBuf::Boolean(false)),
            _ => put(out, &DataBuf::Enum(NOT_DEFINED)),
        }
    }
}
