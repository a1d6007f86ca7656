//! Data (class 1): names, numbers and codes.

use dlms_core::{
    axdr::{Data as Value, DataBuf},
    cosem::{ClassId, LogicalName},
    device::{AttributeRights, Call, CosemObject, Data, Get, put},
    xdlms::DataAccessResult,
};

use super::READ_WRITE;
use crate::world::World;

/// Adds the objects of this class.
pub(super) fn add(objects: &mut Vec<Box<dyn CosemObject<World>>>) {
    let known = [
        Data::new(LogicalName::LOGICAL_DEVICE_NAME, |world: &World| {
            DataBuf::octet_string(world.logical_device_name())
        }),
        Data::new(SERIAL_NUMBER, |world: &World| {
            DataBuf::octet_string(format!("{:08}", world.serial))
        }),
        Data::new(LogicalName::INVOCATION_COUNTER, |world: &World| {
            DataBuf::DoubleLongUnsigned(world.received_counter)
        }),
        Data::new(ACTIVE_FIRMWARE, |world: &World| DataBuf::octet_string(world.firmware.clone())),
        Data::new(EVENT_CODE, |world: &World| DataBuf::Unsigned(world.events.last_code())),
    ];
    objects.extend(known.map(|object| Box::new(object) as Box<dyn CosemObject<World>>));
    objects.push(Box::new(Status { value: 0 }));
}

/// Device ID 1: the serial number.
const SERIAL_NUMBER: LogicalName = LogicalName([0, 0, 96, 1, 0, 255]);
/// The identifier of the active firmware.
const ACTIVE_FIRMWARE: LogicalName = LogicalName([1, 0, 0, 2, 0, 255]);
/// The event object of the standard event log: the code of the last event.
pub(super) const EVENT_CODE: LogicalName = LogicalName([0, 0, 96, 11, 0, 255]);
/// The status of the load profile.
pub(super) const PROFILE_STATUS: LogicalName = LogicalName([0, 0, 96, 10, 1, 255]);

/// The profile status, which clients may write.
struct Status {
    value: u8,
}

impl CosemObject<World> for Status {
    fn class(&self) -> ClassId {
        ClassId::DATA
    }

    fn name(&self) -> LogicalName {
        PROFILE_STATUS
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[READ_WRITE]
    }

    fn get(&self, _get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        put(out, &DataBuf::Unsigned(self.value))
    }

    fn set(
        &mut self,
        _attribute: i8,
        value: &Value<'_>,
        _call: &mut Call<'_, World>,
    ) -> Result<(), DataAccessResult> {
        match value {
            Value::Unsigned(value) => {
                self.value = *value;
                Ok(())
            }
            _ => Err(DataAccessResult::TypeUnmatched),
        }
    }
}
