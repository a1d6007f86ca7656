//! Register monitor (class 21): scripts for values that pass thresholds.
//!
//! The value is looked at when a quarter of an hour begins: the household takes the same power all
//! through it.

use dlms_core::{
    axdr::{Data, DataBuf},
    cosem::{
        ClassId, LogicalName,
        value::{ActionSet, CosemValue, ValueDefinition},
    },
    device::{AttributeRights, Call, CosemObject, Get, put},
    xdlms::DataAccessResult,
};

use super::{READ_WRITE, integer, register, script_table};
use crate::{household::QUARTER_S, world::World};

/// Thresholds of a monitor.
const THRESHOLDS_MAX: usize = 16;

/// The monitor of the active power import, without thresholds until a client writes some.
pub(super) struct RegisterMonitor {
    thresholds: Vec<DataBuf>,
    monitored: ValueDefinition,
    actions: Vec<ActionSet>,
    /// What the value was when it was looked at last.
    value: Option<i128>,
    next: i64,
}

impl Default for RegisterMonitor {
    fn default() -> Self {
        let name = register::IMPORT_POWER;
        Self {
            thresholds: Vec::new(),
            monitored: ValueDefinition { class: ClassId::REGISTER, name, attribute: 2 },
            actions: Vec::new(),
            value: None,
            next: i64::MIN,
        }
    }
}

impl CosemObject<World> for RegisterMonitor {
    fn class(&self) -> ClassId {
        ClassId::REGISTER_MONITOR
    }

    fn name(&self) -> LogicalName {
        LogicalName([0, 0, 16, 0, 0, 255])
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[READ_WRITE; 3]
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        match get.attribute {
            2 => put(out, &self.thresholds.to_data()),
            3 => put(out, &self.monitored.to_data()),
            _ => put(out, &self.actions.to_data()),
        }
    }

    fn set(
        &mut self,
        attribute: i8,
        value: &Data<'_>,
        call: &mut Call<'_, World>,
    ) -> Result<(), DataAccessResult> {
        let unmatched = DataAccessResult::TypeUnmatched;
        match attribute {
            2 => {
                let thresholds = Vec::<DataBuf>::from_data(value).ok_or(unmatched)?;
                if thresholds.iter().any(|threshold| integer(threshold).is_none()) {
                    return Err(unmatched);
                }
                if thresholds.len() > THRESHOLDS_MAX {
                    return Err(DataAccessResult::OtherReason);
                }
                self.thresholds = thresholds;
            }
            3 => {
                self.monitored = CosemValue::from_data(value).ok_or(unmatched)?;
                // Another value passes nothing by being another.
                self.value = None;
            }
            _ => {
                let actions = Vec::<ActionSet>::from_data(value).ok_or(unmatched)?;
                if actions.len() > THRESHOLDS_MAX {
                    return Err(DataAccessResult::OtherReason);
                }
                self.actions = actions;
            }
        }
        self.next = call.world.now();
        Ok(())
    }

    fn poll_timeout(&self, _world: &World) -> Option<i64> {
        (!self.thresholds.is_empty()).then_some(self.next)
    }

    fn handle_timeout(&mut self, now: i64, call: &mut Call<'_, World>) {
        self.next = (now.div_euclid(QUARTER_S) + 1) * QUARTER_S;
        let value = call.objects.value(call.world, self.monitored.descriptor()).ok();
        let value = value.as_ref().and_then(integer);
        let before = core::mem::replace(&mut self.value, value);
        let Some((before, value)) = before.zip(value) else { return };
        for (threshold, actions) in self.thresholds.iter().zip(&self.actions) {
            let Some(threshold) = integer(threshold) else { continue };
            if before <= threshold && value > threshold {
                script_table::execute(&actions.up, call);
            } else if before >= threshold && value < threshold {
                script_table::execute(&actions.down, call);
            }
        }
    }
}
