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
    let known: [(LogicalName, fn(&World) -> DataBuf); 5] = [
        (LogicalName::LOGICAL_DEVICE_NAME, |world| {
            DataBuf::octet_string(world.logical_device_name())
        }),
        // Device ID 1: the serial number.
        (LogicalName([0, 0, 96, 1, 0, 255]), |world| {
            DataBuf::octet_string(format!("{:08}", world.serial))
        }),
        (LogicalName::INVOCATION_COUNTER, |world| {
            DataBuf::DoubleLongUnsigned(world.received_counter)
        }),
        // The active firmware identifier.
        (LogicalName([1, 0, 0, 2, 0, 255]), |world| DataBuf::octet_string(world.firmware.clone())),
        // The event object of the standard event log: the code of the last event.
        (EVENT_CODE, |world| DataBuf::Unsigned(world.events.last_code())),
    ];
    for (name, value) in known {
        objects.push(Box::new(Known { name, value }));
    }
    objects.push(Box::new(Status { value: 0 }));
}

/// The event object of the standard event log.
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
