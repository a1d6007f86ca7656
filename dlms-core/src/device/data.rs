//! Data (class 1): what the device knows, to be read.

use alloc::vec::Vec;

use super::{AttributeRights, CosemObject, Get, put};
use crate::{
    axdr::DataBuf,
    cosem::{ClassId, LogicalName},
    xdlms::DataAccessResult,
};

/// A value that the device knows and nobody writes.
#[derive(Debug)]
pub struct Data<W> {
    name: LogicalName,
    value: fn(&W) -> DataBuf,
}

impl<W> Data<W> {
    /// The object `name` with what `value` says.
    pub const fn new(name: LogicalName, value: fn(&W) -> DataBuf) -> Self {
        Self { name, value }
    }
}

impl<W> CosemObject<W> for Data<W> {
    fn class(&self) -> ClassId {
        ClassId::DATA
    }

    fn name(&self) -> LogicalName {
        self.name
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[AttributeRights::READ]
    }

    fn get(&self, get: &Get<'_, W>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        put(out, &(self.value)(get.world))
    }
}
