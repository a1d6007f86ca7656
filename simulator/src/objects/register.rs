//! Register (class 3) and Extended register (class 4): what the meter measures.

use dlms_core::{
    axdr::{Data, DataBuf},
    cosem::{ClassId, LogicalName, ScalerUnit, Unit},
    device::{AttributeRights, Call, CosemObject, Get, MethodRights, Register, put},
    xdlms::{ActionResult, DataAccessResult},
};

use super::{ACCESS, READ};
use crate::{household::Flow, tariff, world::World};

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

/// Active energy import by tariff.
pub(super) const TARIFFS: [LogicalName; tariff::TARIFFS] =
    [LogicalName([1, 0, 1, 8, 1, 255]), LogicalName([1, 0, 1, 8, 2, 255])];

/// Adds the objects of these classes.
pub(super) fn add(objects: &mut Vec<Box<dyn CosemObject<World>>>) {
    let registers = [
        Register::new(IMPORT, ScalerUnit::new(0, Unit::WattHour), |world: &World| {
            DataBuf::DoubleLongUnsigned(world.energy_wh(Flow::Import, world.now()))
        }),
        Register::new(TARIFFS[0], ScalerUnit::new(0, Unit::WattHour), |world: &World| {
            DataBuf::DoubleLongUnsigned(world.tariff_wh(0))
        }),
        Register::new(TARIFFS[1], ScalerUnit::new(0, Unit::WattHour), |world: &World| {
            DataBuf::DoubleLongUnsigned(world.tariff_wh(1))
        }),
        Register::new(EXPORT, ScalerUnit::new(0, Unit::WattHour), |world: &World| {
            DataBuf::DoubleLongUnsigned(world.energy_wh(Flow::Export, world.now()))
        }),
        Register::new(IMPORT_POWER, ScalerUnit::new(0, Unit::Watt), |world: &World| {
            DataBuf::DoubleLongUnsigned(world.power_w(Flow::Import))
        }),
        Register::new(VOLTAGE, ScalerUnit::new(-1, Unit::Volt), |world: &World| {
            DataBuf::LongUnsigned(world.household.voltage_dv(world.now()))
        }),
        Register::new(CURRENT, ScalerUnit::new(-2, Unit::Ampere), |world: &World| {
            DataBuf::Long(world.current_ca())
        }),
    ];
    objects.extend(registers.map(|object| Box::new(object) as Box<dyn CosemObject<World>>));
    objects.push(Box::new(MaximumDemand { since: None }));
}

/// The maximum demand of this month, and when it was.
struct MaximumDemand {
    /// When it was last reset.
    since: Option<i64>,
}

impl CosemObject<World> for MaximumDemand {
    fn class(&self) -> ClassId {
        ClassId::EXTENDED_REGISTER
    }

    fn name(&self) -> LogicalName {
        LogicalName([1, 0, 1, 6, 0, 255])
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[READ; 4]
    }

    fn methods(&self) -> &[MethodRights] {
        &[ACCESS]
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        let now = get.world.now();
        let since = get.world.zone.month_start(now).max(self.since.unwrap_or(i64::MIN));
        let peak = || get.world.household.peak_w(Flow::Import, since, now);
        match get.attribute {
            2 => put(out, &DataBuf::DoubleLongUnsigned(peak().0)),
            3 => put(out, &ScalerUnit::new(0, Unit::Watt).to_data()),
            4 => put(out, &DataBuf::Unsigned(0)),
            _ => put(out, &get.world.local_time(peak().1).to_data()),
        }
    }

    fn invoke(
        &mut self,
        _method: i8,
        _parameter: &Data<'_>,
        call: &mut Call<'_, World>,
        _out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        self.since = Some(call.world.now());
        Ok(())
    }
}
