//! Register (class 3) and Extended register (class 4): what the meter measures.

use dlms_core::{
    axdr::{Data, DataBuf},
    cosem::{ClassId, LogicalName, ScalerUnit, Unit},
    xdlms::{ActionResult, DataAccessResult},
};

use super::{CosemObject, Read, Rights, put};
use crate::{
    household::Flow,
    world::{World, local_time, month_start},
};

/// Active energy import, total.
pub(super) const IMPORT: LogicalName = LogicalName([1, 0, 1, 8, 0, 255]);
/// Active energy export, total.
pub(super) const EXPORT: LogicalName = LogicalName([1, 0, 2, 8, 0, 255]);

/// Active power import.
pub(super) const IMPORT_POWER: LogicalName = LogicalName([1, 0, 1, 7, 0, 255]);
/// The voltage of phase L1.
pub(super) const VOLTAGE: LogicalName = LogicalName([1, 0, 32, 7, 0, 255]);
/// The current of phase L1.
pub(super) const CURRENT: LogicalName = LogicalName([1, 0, 31, 7, 0, 255]);

/// Adds the objects of these classes.
pub(super) fn add(objects: &mut Vec<Box<dyn CosemObject>>) {
    let registers = [
        Register {
            name: IMPORT,
            scaler_unit: ScalerUnit::new(0, Unit::WattHour),
            value: |world| DataBuf::DoubleLongUnsigned(world.energy_wh(Flow::Import, world.now())),
        },
        Register {
            name: EXPORT,
            scaler_unit: ScalerUnit::new(0, Unit::WattHour),
            value: |world| DataBuf::DoubleLongUnsigned(world.energy_wh(Flow::Export, world.now())),
        },
        Register {
            name: IMPORT_POWER,
            scaler_unit: ScalerUnit::new(0, Unit::Watt),
            value: |world| DataBuf::DoubleLongUnsigned(world.power_w(Flow::Import)),
        },
        Register {
            name: VOLTAGE,
            scaler_unit: ScalerUnit::new(-1, Unit::Volt),
            value: |world| DataBuf::LongUnsigned(world.household.voltage_dv(world.now())),
        },
        Register {
            name: CURRENT,
            scaler_unit: ScalerUnit::new(-2, Unit::Ampere),
            value: |world| DataBuf::Long(world.current_ca()),
        },
    ];
    objects.extend(registers.map(|object| Box::new(object) as Box<dyn CosemObject>));
    objects.push(Box::new(MaximumDemand { since: None }));
}

struct Register {
    name: LogicalName,
    scaler_unit: ScalerUnit,
    value: fn(&World) -> DataBuf,
}

impl CosemObject for Register {
    fn class(&self) -> ClassId {
        ClassId::REGISTER
    }

    fn name(&self) -> LogicalName {
        self.name
    }

    fn attributes(&self) -> &'static [Rights] {
        &[Rights::Read, Rights::Read]
    }

    /// Nobody resets a register that bills are made from.
    fn methods(&self) -> &'static [bool] {
        &[false]
    }

    fn read(&self, read: &Read<'_>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        match read.attribute {
            2 => put(out, &(self.value)(read.world)),
            _ => put(out, &self.scaler_unit.to_data()),
        }
    }
}

/// The maximum demand of this month, and when it was.
struct MaximumDemand {
    /// When it was last reset.
    since: Option<i64>,
}

impl CosemObject for MaximumDemand {
    fn class(&self) -> ClassId {
        ClassId::EXTENDED_REGISTER
    }

    fn name(&self) -> LogicalName {
        LogicalName([1, 0, 1, 6, 0, 255])
    }

    fn attributes(&self) -> &'static [Rights] {
        &[Rights::Read; 4]
    }

    fn methods(&self) -> &'static [bool] {
        &[true]
    }

    fn read(&self, read: &Read<'_>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        let now = read.world.now();
        let since = month_start(now).max(self.since.unwrap_or(i64::MIN));
        let peak = || read.world.household.peak_w(Flow::Import, since, now);
        match read.attribute {
            2 => put(out, &DataBuf::DoubleLongUnsigned(peak().0)),
            3 => put(out, &ScalerUnit::new(0, Unit::Watt).to_data()),
            4 => put(out, &DataBuf::Unsigned(0)),
            _ => put(out, &local_time(peak().1).to_data()),
        }
    }

    fn invoke(
        &mut self,
        _method: i8,
        _parameter: &Data<'_>,
        world: &mut World,
    ) -> Result<(), ActionResult> {
        self.since = Some(world.now());
        Ok(())
    }
}
