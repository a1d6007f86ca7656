//! Data (class 1): what the device knows, to be read, and what clients tell it.

use alloc::vec::Vec;

use super::{AttributeRights, Call, CosemObject, Get, put};
use crate::{
    axdr::{Data as Value, DataBuf},
    cosem::{ClassId, LogicalName},
    xdlms::DataAccessResult,
};

/// A value that the device knows, and that may be written if the device lets it.
#[derive(Debug)]
pub struct Data<W> {
    name: LogicalName,
    value: fn(&W) -> DataBuf,
    #[expect(clippy::type_complexity, reason = "a name for it would tell less than it does")]
    write: Option<fn(&mut W, &Value<'_>) -> Result<(), DataAccessResult>>,
}

impl<W> Data<W> {
    /// The object `name` with what `value` says.
    pub const fn new(name: LogicalName, value: fn(&W) -> DataBuf) -> Self {
        Self { name, value, write: None }
    }

    /// The same, and `write` takes what clients write.
    #[must_use]
    pub const fn writable(
        self,
        write: fn(&mut W, &Value<'_>) -> Result<(), DataAccessResult>,
    ) -> Self {
        Self { write: Some(write), ..self }
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
        match self.write {
            Some(_) => &[AttributeRights::READ_WRITE],
            None => &[AttributeRights::READ],
        }
    }

    fn get(&self, get: &Get<'_, W>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        put(out, &(self.value)(get.world))
    }

    fn set(
        &mut self,
        _attribute: i8,
        value: &Value<'_>,
        call: &mut Call<'_, W>,
    ) -> Result<(), DataAccessResult> {
        let write = self.write.ok_or(DataAccessResult::ReadWriteDenied)?;
        write(call.world, value)
    }
}
