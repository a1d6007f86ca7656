//! Register (class 3): what the device measures, with its unit.

use alloc::vec::Vec;

use super::{AttributeRights, CosemObject, Get, MethodRights, put};
use crate::{
    axdr::DataBuf,
    cosem::{ClassId, LogicalName, ScalerUnit},
    xdlms::DataAccessResult,
};

/// A value that the device measures. Nobody resets a register that bills are made from.
#[derive(Debug)]
pub struct Register<W> {
    name: LogicalName,
    scaler_unit: ScalerUnit,
    value: fn(&W) -> DataBuf,
}

impl<W> Register<W> {
    /// The object `name` with what `value` says.
    pub const fn new(name: LogicalName, scaler_unit: ScalerUnit, value: fn(&W) -> DataBuf) -> Self {
        Self { name, scaler_unit, value }
    }
}

impl<W> CosemObject<W> for Register<W> {
    fn class(&self) -> ClassId {
        ClassId::REGISTER
    }

    fn name(&self) -> LogicalName {
        self.name
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[AttributeRights::READ; 2]
    }

    /// reset
    fn methods(&self) -> &[MethodRights] {
        &[MethodRights::NONE]
    }

    fn get(&self, get: &Get<'_, W>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        match get.attribute {
            2 => put(out, &(self.value)(get.world)),
            _ => put(out, &self.scaler_unit.to_data()),
        }
    }
}
