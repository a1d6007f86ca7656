//! Special days table (class 11): days with a day profile of their own.

use dlms_core::{
    axdr::{Data, DataBuf, RawData},
    cosem::{
        AttributeDescriptor, ClassId, Date, LogicalName,
        value::{CosemValue, SpecialDay},
    },
    device::{AttributeRights, Call, CosemObject, Get, MethodRights, put},
    xdlms::{ActionResult, DataAccessResult},
};

use super::{ACCESS, READ_WRITE};
use crate::world::World;

/// The name of the table.
const NAME: LogicalName = LogicalName([0, 0, 11, 0, 0, 255]);
/// Entries of the table.
const ENTRIES_MAX: usize = 50;
/// Christmas Day of any year, whatever day of the week.
const CHRISTMAS: [u8; 5] = [0xff, 0xff, 12, 25, 0xff];

/// The table, for the calendar and the schedule.
pub(super) fn read(call: &Call<'_, World>) -> Vec<SpecialDay> {
    let entries = AttributeDescriptor::new(ClassId::SPECIAL_DAYS_TABLE, NAME, 2);
    let octets = call.objects.value(call.world, entries).unwrap_or(DataBuf::Null).to_octets();
    let data = RawData::from_octets(&octets).and_then(|raw| raw.data());
    data.ok().and_then(|data| CosemValue::from_data(&data)).unwrap_or_default()
}

/// The table.
pub(super) struct SpecialDays {
    entries: Vec<SpecialDay>,
}

impl Default for SpecialDays {
    /// Christmas has the tariff of a weekend.
    fn default() -> Self {
        let date = Date::from_data(&Data::OctetString(&CHRISTMAS)).unwrap_or(Date::UNSPECIFIED);
        Self { entries: vec![SpecialDay { index: 1, date, day_id: 2 }] }
    }
}

impl CosemObject<World> for SpecialDays {
    fn class(&self) -> ClassId {
        ClassId::SPECIAL_DAYS_TABLE
    }

    fn name(&self) -> LogicalName {
        NAME
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[READ_WRITE]
    }

    /// insert, delete
    fn methods(&self) -> &[MethodRights] {
        &[ACCESS, ACCESS]
    }

    fn get(&self, _get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        put(out, &self.entries.to_data())
    }

    fn set(
        &mut self,
        _attribute: i8,
        value: &Data<'_>,
        call: &mut Call<'_, World>,
    ) -> Result<(), DataAccessResult> {
        let entries = Vec::<SpecialDay>::from_data(value).ok_or(DataAccessResult::TypeUnmatched)?;
        if entries.len() > ENTRIES_MAX {
            return Err(DataAccessResult::OtherReason);
        }
        self.entries = entries;
        call.world.calendar_changed();
        Ok(())
    }

    fn invoke(
        &mut self,
        method: i8,
        parameter: &Data<'_>,
        call: &mut Call<'_, World>,
        _out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        let (index, inserted) = match method {
            1 => {
                let entry = SpecialDay::from_data(parameter).ok_or(ActionResult::TypeUnmatched)?;
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
        call.world.calendar_changed();
        Ok(())
    }
}
