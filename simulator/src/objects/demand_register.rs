//! Demand register (class 5): the mean power of this quarter of an hour and of the one before.

use dlms_core::{
    axdr::{Data, DataBuf},
    cosem::{ClassId, LogicalName, ScalerUnit, Unit},
    device::{AttributeRights, Call, CosemObject, Get, MethodRights, put},
    xdlms::{ActionResult, DataAccessResult},
};

use super::{ACCESS, READ};
use crate::{
    household::{Flow, QUARTER_S},
    world::World,
};

const PERIOD_S: u32 = QUARTER_S as u32;

/// Adds the object of this class.
pub(super) fn add(objects: &mut Vec<Box<dyn CosemObject<World>>>) {
    objects.push(Box::new(DemandRegister { restarted: i64::MIN }));
}

struct DemandRegister {
    /// When a client last started the period anew.
    restarted: i64,
}

impl DemandRegister {
    /// When the period that runs at `now` began.
    fn start(&self, now: i64) -> i64 {
        (now.div_euclid(QUARTER_S) * QUARTER_S).max(self.restarted)
    }
}

/// Energy between two moments, as power over one whole period.
fn demand_w(world: &World, from_s: i64, to_s: i64) -> u32 {
    let energy =
        world.energy_wh(Flow::Import, to_s).saturating_sub(world.energy_wh(Flow::Import, from_s));
    energy.saturating_mul(3_600 / PERIOD_S)
}

impl CosemObject<World> for DemandRegister {
    fn class(&self) -> ClassId {
        ClassId::DEMAND_REGISTER
    }

    fn name(&self) -> LogicalName {
        LogicalName([1, 0, 1, 4, 0, 255])
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[READ; 8]
    }

    /// reset, next_period
    fn methods(&self) -> &[MethodRights] {
        &[ACCESS, ACCESS]
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        let world = get.world;
        let now = world.now();
        let start = self.start(now);
        match get.attribute {
            2 => put(out, &DataBuf::DoubleLongUnsigned(demand_w(world, start, now))),
            3 => put(out, &DataBuf::DoubleLongUnsigned(demand_w(world, start - QUARTER_S, start))),
            4 => put(out, &ScalerUnit::new(0, Unit::Watt).to_data()),
            5 => put(out, &DataBuf::Unsigned(0)),
            // The last average was captured when this period began.
            6 | 7 => put(out, &world.local_time(start).to_data()),
            8 => put(out, &DataBuf::DoubleLongUnsigned(PERIOD_S)),
            _ => put(out, &DataBuf::LongUnsigned(1)),
        }
    }

    fn invoke(
        &mut self,
        _method: i8,
        _parameter: &Data<'_>,
        call: &mut Call<'_, World>,
        _out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        self.restarted = call.world.now();
        Ok(())
    }
}
