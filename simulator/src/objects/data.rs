//! Data (class 1): names, numbers and codes.

use dlms_core::{
    axdr::{Data as Value, DataBuf},
    cosem::{ClassId, LogicalName},
    xdlms::DataAccessResult,
};

use super::{CosemObject, Read, Rights, put};
use crate::world::World;

/// Adds the objects of this class.
pub(super) fn add(objects: &mut Vec<Box<dyn CosemObject>>) {
    let known = [
        Known {
            name: LogicalName::LOGICAL_DEVICE_NAME,
            value: |world| DataBuf::octet_string(world.logical_device_name()),
        },
        Known {
            name: SERIAL_NUMBER,
            value: |world| DataBuf::octet_string(format!("{:08}", world.serial)),
        },
        Known {
            name: LogicalName::INVOCATION_COUNTER,
            value: |world| DataBuf::DoubleLongUnsigned(world.received_counter),
        },
        Known {
            name: ACTIVE_FIRMWARE,
            value: |world| DataBuf::octet_string(world.firmware.clone()),
        },
        Known { name: EVENT_CODE, value: |world| DataBuf::Unsigned(world.events.last_code()) },
    ];
    objects.extend(known.map(|object| Box::new(object) as Box<dyn CosemObject>));
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

/// What the meter knows; nobody writes it.
struct Known {
    name: LogicalName,
    value: fn(&World) -> DataBuf,
}

impl CosemObject for Known {
    fn class(&self) -> ClassId {
        ClassId::DATA
    }

    fn name(&self) -> LogicalName {
        self.name
    }

    fn attributes(&self) -> &'static [Rights] {
        &[Rights::Read]
    }

    fn read(&self, read: &Read<'_>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        put(out, &(self.value)(read.world))
    }
}

/// The profile status, which clients may write.
struct Status {
    value: u8,
}

impl CosemObject for Status {
    fn class(&self) -> ClassId {
        ClassId::DATA
    }

    fn name(&self) -> LogicalName {
        PROFILE_STATUS
    }

    fn attributes(&self) -> &'static [Rights] {
        &[Rights::ReadWrite]
    }

    fn read(&self, _read: &Read<'_>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        put(out, &DataBuf::Unsigned(self.value))
    }

    fn write(
        &mut self,
        _attribute: i8,
        value: &Value<'_>,
        _world: &mut World,
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
