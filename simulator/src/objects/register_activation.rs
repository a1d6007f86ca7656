//! Register activation (class 6): which of the tariff registers count.

use dlms_core::{
    axdr::{Data, DataBuf},
    cosem::{
        ClassId, LogicalName,
        value::{CosemValue, ObjectDefinition, OctetString, RegisterMask},
    },
    device::{AttributeRights, Call, CosemObject, Get, MethodRights, put},
    xdlms::{ActionResult, DataAccessResult},
};

use super::{ACCESS, DENIED, READ, READ_WRITE, register};
use crate::{household::Flow, tariff::TARIFFS, world::World};

/// The name of the object.
pub(super) const NAME: LogicalName = LogicalName([0, 0, 14, 0, 0, 255]);
/// The attribute active_mask.
pub(super) const ACTIVE_MASK: i8 = 4;
/// The masks that a meter is made with: each has one tariff register.
pub(super) const MASKS: [&[u8]; TARIFFS] = [b"T1", b"T2"];

/// Masks of a meter.
const MASKS_MAX: usize = 16;

/// The masks and the active one. Which registers there are is built in.
pub(super) struct RegisterActivation {
    masks: Vec<RegisterMask>,
    active: OctetString,
}

impl Default for RegisterActivation {
    /// As the world begins: the first tariff counts.
    fn default() -> Self {
        let mask =
            |(index, name): (u8, &[u8])| RegisterMask { name: name.into(), indexes: vec![index] };
        Self { masks: (1..).zip(MASKS).map(mask).collect(), active: MASKS[0].into() }
    }
}

impl RegisterActivation {
    /// Lets the registers of the active mask count, and no others.
    fn apply(&self, world: &mut World) {
        let mask = self.masks.iter().find(|mask| mask.name == self.active);
        let counts = |tariff: usize| {
            mask.is_some_and(|mask| {
                mask.indexes.iter().any(|index| usize::from(*index) == tariff + 1)
            })
        };
        let total = world.energy_wh(Flow::Import, world.now());
        world.tariff.switch(core::array::from_fn(counts), total);
    }
}

impl CosemObject<World> for RegisterActivation {
    fn class(&self) -> ClassId {
        ClassId::REGISTER_ACTIVATION
    }

    fn name(&self) -> LogicalName {
        NAME
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[READ, READ, READ_WRITE]
    }

    /// add_register, add_mask, delete_mask
    fn methods(&self) -> &[MethodRights] {
        &[DENIED, ACCESS, ACCESS]
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        match get.attribute {
            2 => {
                let register = |name| ObjectDefinition { class: ClassId::REGISTER, name };
                put(out, &DataBuf::array(register::TARIFFS.map(|name| register(name).to_data())))
            }
            3 => put(out, &self.masks.to_data()),
            _ => put(out, &self.active.to_data()),
        }
    }

    fn set(
        &mut self,
        _attribute: i8,
        value: &Data<'_>,
        call: &mut Call<'_, World>,
    ) -> Result<(), DataAccessResult> {
        let name = OctetString::from_data(value).ok_or(DataAccessResult::TypeUnmatched)?;
        if !self.masks.iter().any(|mask| mask.name == name) {
            return Err(DataAccessResult::OtherReason);
        }
        self.active = name;
        self.apply(call.world);
        Ok(())
    }

    fn invoke(
        &mut self,
        method: i8,
        parameter: &Data<'_>,
        call: &mut Call<'_, World>,
        _out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        match method {
            2 => {
                let mask = RegisterMask::from_data(parameter).ok_or(ActionResult::TypeUnmatched)?;
                if mask.indexes.iter().any(|index| !(1..=TARIFFS).contains(&usize::from(*index))) {
                    return Err(ActionResult::OtherReason);
                }
                // A mask of the same name is replaced.
                self.masks.retain(|known| known.name != mask.name);
                if self.masks.len() == MASKS_MAX {
                    return Err(ActionResult::OtherReason);
                }
                self.masks.push(mask);
                self.apply(call.world);
            }
            _ => {
                let name = OctetString::from_data(parameter).ok_or(ActionResult::TypeUnmatched)?;
                // The mask that counts stays.
                if name == self.active || !self.masks.iter().any(|mask| mask.name == name) {
                    return Err(ActionResult::OtherReason);
                }
                self.masks.retain(|mask| mask.name != name);
            }
        }
        Ok(())
    }
}
