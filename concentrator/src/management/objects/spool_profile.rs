//! The spool as a profile (class 7, version 1): its rows are read by number or by position, and go
//! when they are acknowledged.

use dlms_core::{
    axdr::{DataBuf, RawData},
    cosem::{
        CaptureObject, ClassId, LogicalName,
        concentrator::{SPOOL, SPOOL_COLUMNS, SpoolRow},
    },
    device::{AttributeRights, CosemObject, Get, MethodRights, put},
    xdlms::DataAccessResult,
};

use super::profile::{FIFO, Selection, numbered, row};
use crate::{
    management::device::{World, date_time},
    spool::Entry,
};

/// Octets of APDUs in one answer: the oldest rows that fit. An answer is made in one go and stays
/// in memory until its last block is sent. Who asks for more gets what fits, sees in its last row
/// how far that goes, and asks again from there.
const ANSWER_OCTETS_MAX: usize = 1024 * 1024;

/// The spool.
pub(super) struct SpoolProfile {
    pub(super) entries_max: u32,
}

impl SpoolProfile {
    fn buffer(get: &Get<'_, World>) -> Result<DataBuf, DataAccessResult> {
        let selection = Selection::new(get.selection.as_ref())?;
        let columns = selection.columns(&SPOOL_COLUMNS)?;
        let spool = &get.world.spool;
        let entries = match &selection {
            Selection::All => spool.entries(0, usize::MAX, ANSWER_OCTETS_MAX),
            Selection::Range(range) => {
                if range.restricting_object != SPOOL_COLUMNS[0] {
                    return Err(DataAccessResult::ScopeOfAccessViolated);
                }
                let (first, last) = (number(&range.from_value)?, number(&range.to_value)?);
                spool.range(first, last, ANSWER_OCTETS_MAX)
            }
            Selection::Entry(entry) => {
                let count = usize::try_from(spool.status().entries).unwrap_or(usize::MAX);
                let rows = numbered(entry.from_entry, entry.to_entry, count);
                spool.entries(rows.start as u64, rows.len(), ANSWER_OCTETS_MAX)
            }
        };
        // The disk cannot be read.
        let entries = entries.map_err(|_| DataAccessResult::HardwareFault)?;
        let rows = entries.iter().map(|entry| row(spool_row(entry).columns(), &columns));
        Ok(DataBuf::array(rows))
    }
}

/// The end of a range: an integer of any type.
pub(super) fn number(value: &DataBuf) -> Result<u64, DataAccessResult> {
    let octets = value.to_octets();
    let data = RawData::from_octets(&octets).and_then(|raw| raw.data());
    data.ok().and_then(|data| data.as_unsigned()).ok_or(DataAccessResult::TypeUnmatched)
}

fn spool_row(entry: &Entry) -> SpoolRow {
    SpoolRow {
        sequence: entry.sequence,
        arrived: date_time(entry.arrived_ms),
        sap: entry.sap,
        client: entry.client,
        name: entry.name.octets().to_vec(),
        apdu: entry.apdu.to_vec(),
        epoch: entry.epoch,
    }
}

/// The newest row but for its time: what the columns of the spool capture.
pub(super) fn newest(world: &World) -> DataBuf {
    let stored = world.spool.status().stored;
    let newest = world.spool.range(stored, stored, 0).unwrap_or_default();
    newest.first().map_or(DataBuf::Null, |entry| {
        let [sequence, _, others @ ..] = spool_row(entry).columns();
        DataBuf::structure(core::iter::once(sequence).chain(others))
    })
}

impl CosemObject<World> for SpoolProfile {
    fn class(&self) -> ClassId {
        ClassId::PROFILE_GENERIC
    }

    fn version(&self) -> u8 {
        1
    }

    fn name(&self) -> LogicalName {
        SPOOL
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[AttributeRights::READ; 7]
    }

    /// reset, capture: rows go when they are acknowledged, and come when meters push.
    fn methods(&self) -> &[MethodRights] {
        &[MethodRights::NONE; 2]
    }

    fn selectors(&self, attribute: i8) -> &[u8] {
        if attribute == 2 { &[1, 2] } else { &[] }
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        match get.attribute {
            2 => put(out, &Self::buffer(get)?),
            3 => put(out, &DataBuf::array(SPOOL_COLUMNS.iter().map(CaptureObject::to_data))),
            4 => put(out, &DataBuf::DoubleLongUnsigned(0)),
            5 => put(out, &DataBuf::Enum(FIFO)),
            6 => put(out, &SPOOL_COLUMNS[0].to_data()),
            7 => {
                let entries = u32::try_from(get.world.spool.status().entries);
                put(out, &entries.unwrap_or(u32::MAX).into())
            }
            _ => put(out, &self.entries_max.into()),
        }
    }
}
