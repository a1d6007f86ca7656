//! The event log (class 7, version 1): when what happened to the concentrator. The codes are those
//! of [`event`](crate::management::event).

use dlms_core::{
    axdr::DataBuf,
    cosem::{AttributeDescriptor, CaptureObject, ClassId, DateTime, LogicalName, RangeDescriptor},
    device::{AttributeRights, CosemObject, Get, MethodRights, put},
    xdlms::DataAccessResult,
};

use super::profile::{FIFO, Selection, numbered, row};
use crate::{
    management::device::{World, date_time},
    state::{EVENTS_MAX, Event},
};

/// The standard event log.
const NAME: LogicalName = LogicalName([0, 0, 99, 98, 0, 255]);
/// Its event object: the code of the last event.
pub(super) const EVENT_CODE: LogicalName = LogicalName([0, 0, 96, 11, 0, 255]);
const COLUMNS: [CaptureObject; 2] = [
    CaptureObject::CLOCK_TIME,
    CaptureObject::new(AttributeDescriptor::new(ClassId::DATA, EVENT_CODE, 2)),
];

/// The code of the last event; 0 before the first.
pub(super) fn last_code(world: &World) -> DataBuf {
    world.events.all().last().map_or(0, |event| event.code).into()
}

pub(super) struct EventLog;

fn buffer(get: &Get<'_, World>) -> Result<DataBuf, DataAccessResult> {
    let selection = Selection::new(get.selection.as_ref())?;
    let columns = selection.columns(&COLUMNS)?;
    let events = get.world.events.all();
    let chosen: Vec<Event> = match &selection {
        Selection::All => events,
        Selection::Range(range) => {
            let (from, to) = moments(range)?;
            events.into_iter().filter(|event| (from..=to).contains(&event.at)).collect()
        }
        Selection::Entry(entry) => {
            events[numbered(entry.from_entry, entry.to_entry, events.len())].to_vec()
        }
    };
    let rows = chosen.iter().map(|event| {
        row([date_time(event.at.saturating_mul(1_000)).to_data(), event.code.into()], &columns)
    });
    Ok(DataBuf::array(rows))
}

/// Both ends of a range of time; one without a deviation is in UTC, as the clock here is.
fn moments(range: &RangeDescriptor) -> Result<(i64, i64), DataAccessResult> {
    if !range.restricting_object.is_clock_time() {
        return Err(DataAccessResult::ScopeOfAccessViolated);
    }
    let (from, to) = range.as_times().ok_or(DataAccessResult::TypeUnmatched)?;
    let moment = |time: DateTime| time.unix_utc().or_else(|| time.unix_local());
    Ok((moment(from).unwrap_or(i64::MIN), moment(to).unwrap_or(i64::MAX)))
}

impl CosemObject<World> for EventLog {
    fn class(&self) -> ClassId {
        ClassId::PROFILE_GENERIC
    }

    fn version(&self) -> u8 {
        1
    }

    fn name(&self) -> LogicalName {
        NAME
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[AttributeRights::READ; 7]
    }

    fn methods(&self) -> &[MethodRights] {
        &[MethodRights::NONE; 2]
    }

    fn selectors(&self, attribute: i8) -> &[u8] {
        if attribute == 2 { &[1, 2] } else { &[] }
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        match get.attribute {
            2 => put(out, &buffer(get)?),
            3 => put(out, &DataBuf::array(COLUMNS.iter().map(CaptureObject::to_data))),
            4 => put(out, &DataBuf::DoubleLongUnsigned(0)),
            5 => put(out, &DataBuf::Enum(FIFO)),
            6 => put(out, &CaptureObject::CLOCK_TIME.to_data()),
            7 => put(out, &number(get.world.events.all().len()).into()),
            _ => put(out, &number(EVENTS_MAX).into()),
        }
    }
}
