//! Voltage and current of the station (class 3), and what is pushed when they deviate.

use dlms_core::{
    axdr::DataBuf,
    cosem::{
        AttributeDescriptor, ClassId, LogicalName, ScalerUnit, Unit, concentrator::STATION_DEVIATES,
    },
    device::{CosemObject, Register},
};

use super::event_log;
use crate::{
    management::device::World,
    station::{CURRENT_DIGITS, QUANTITIES, VOLTAGE_DIGITS},
};

/// The registers, in the order of what is read.
pub(super) fn registers() -> impl Iterator<Item = Box<dyn CosemObject<World>>> {
    const READ: [fn(&World) -> DataBuf; QUANTITIES.len()] = [
        |world| world.reading(0),
        |world| world.reading(1),
        |world| world.reading(2),
        |world| world.reading(3),
        |world| world.reading(4),
        |world| world.reading(5),
    ];
    let unit = |index: usize| {
        let (digits, unit) = match index {
            0..3 => (VOLTAGE_DIGITS, Unit::Volt),
            _ => (CURRENT_DIGITS, Unit::Ampere),
        };
        ScalerUnit::new(-digits.cast_signed(), unit)
    };
    QUANTITIES.into_iter().zip(READ).enumerate().map(move |(index, (name, read))| {
        Box::new(Register::new(name, unit(index), read)) as Box<dyn CosemObject<World>>
    })
}

/// What is pushed, as push_object_list has it after the push setup itself.
pub(super) fn pushed() -> impl Iterator<Item = AttributeDescriptor> {
    let data = [LogicalName::LOGICAL_DEVICE_NAME, event_log::EVENT_CODE];
    let data = data.map(|name| AttributeDescriptor::new(ClassId::DATA, name, 2));
    let registers = QUANTITIES.map(|name| AttributeDescriptor::new(ClassId::REGISTER, name, 2));
    data.into_iter().chain(registers)
}

/// The body of the push.
pub(in crate::management) fn deviation(world: &World) -> DataBuf {
    let head = [
        STATION_DEVIATES.to_data(),
        DataBuf::octet_string(world.name.octets()),
        event_log::last_code(world),
    ];
    let readings = (0..QUANTITIES.len()).map(|index| world.reading(index));
    DataBuf::structure(head.into_iter().chain(readings))
}
