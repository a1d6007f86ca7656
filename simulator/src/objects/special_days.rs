//! Special days table (class 11): days with a tariff of their own.

use dlms_core::{
    axdr::{Data, DataBuf},
    cosem::{ClassId, Date, LogicalName},
    device::{AttributeRights, Call, CosemObject, Get, MethodRights, put},
    xdlms::{ActionResult, DataAccessResult},
};

use super::{ACCESS, READ_WRITE};
use crate::world::World;

/// Entries of the table.
const ENTRIES_MAX: usize = 50;
/// Christmas Day of any year, whatever day of the week.
const CHRISTMAS: [u8; 5] = [0xff, 0xff, 12, 25, 0xff];

#[derive(Clone, Copy)]
struct Entry {
    index: u16,
    date: [u8; 5],
    day_id: u8,
}

impl Entry {
    fn from_data(data: &Data<'_>) -> Option<Self> {
        let mut fields = data.as_structure().filter(|fields| fields.len() == 3)?;
        let mut next = || fields.next()?.ok();
        let index = u16::try_from(next()?.as_unsigned()?).ok()?;
        let date = Date::from_data(&next()?)?.octets();
        let day_id = u8::try_from(next()?.as_unsigned()?).ok()?;
        Some(Self { index, date, day_id })
    }

    fn to_data(self) -> DataBuf {
        DataBuf::structure([
            DataBuf::LongUnsigned(self.index),
            DataBuf::octet_string(self.date),
            DataBuf::Unsigned(self.day_id),
        ])
    }
}

/// The table.
pub(super) struct SpecialDays {
    entries: Vec<Entry>,
}

impl Default for SpecialDays {
    fn default() -> Self {
        Self { entries: vec![Entry { index: 1, date: CHRISTMAS, day_id: 1 }] }
    }
}

impl CosemObject<World> for SpecialDays {
    fn class(&self) -> ClassId {
        ClassId::SPECIAL_DAYS_TABLE
    }

    fn name(&self) -> LogicalName {
        LogicalName([0, 0, 11, 0, 0, 255])
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[READ_WRITE]
    }

    /// insert, delete
    fn methods(&self) -> &[MethodRights] {
        &[ACCESS, ACCESS]
    }

    fn get(&self, _get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        put(out, &DataBuf::array(self.entries.iter().map(|entry| entry.to_data())))
    }

    fn set(
        &mut self,
        _attribute: i8,
        value: &Data<'_>,
        _call: &mut Call<'_, World>,
    ) -> Result<(), DataAccessResult> {
        let entries = value.as_array().ok_or(DataAccessResult::TypeUnmatched)?;
        let entries: Option<Vec<_>> = entries.map(|entry| Entry::from_data(&entry.ok()?)).collect();
        let entries = entries.ok_or(DataAccessResult::TypeUnmatched)?;
        if entries.len() > ENTRIES_MAX {
            return Err(DataAccessResult::OtherReason);
        }
        self.entries = entries;
        Ok(())
    }

    fn invoke(
        &mut self,
        method: i8,
        parameter: &Data<'_>,
        _call: &mut Call<'_, World>,
        _out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        let (index, inserted) = match method {
            1 => {
                let entry = Entry::from_data(parameter).ok_or(ActionResult::TypeUnmatched)?;
                (entry.index, Some(entry))
            }
            _ => match parameter {
                Data::LongUnsigned(index) => (*index, None),
                _ => return Err(ActionResult::TypeUnmatched),
            },
        };
        // An entry of the same index is replaced.
        self.entries.retain(|entry| entry.index != index);
        if inserted.is_some() && self.entries.len() == ENTRIES_MAX {
            return Err(ActionResult::OtherReason);
        }
        self.entries.extend(inserted);
        Ok(())
    }
}
