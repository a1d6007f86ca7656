//! Profile generic (class 7, version 1): the load profile, the event log, and the profiles of a
//! companion.
//!
//! No row is stored. A table knows how many rows it has and makes any of them on request, so that a
//! part of the buffer costs as much as the part, and thousands of meters cost nothing.

mod companion;
mod event_log;
mod load_profile;

use core::ops::Range;

use dlms_core::{
    axdr::{Data, DataBuf, Writer},
    cosem::{
        CaptureObject, ClassId, DateTime, EntryDescriptor, LogicalName, ProfileSelector,
        RangeDescriptor, Time,
    },
    device::{AttributeRights, Call, CosemObject, Get, MethodRights, put},
    xdlms::{ActionResult, DataAccessResult},
};

pub use load_profile::ENTRIES_MAX;

pub(super) use self::companion::CompanionProfile;

use super::{ACCESS, DENIED, READ};
use crate::{world::World, zone::Zone};

/// Adds the objects of this class.
pub(super) fn add(objects: &mut Vec<Box<dyn CosemObject<World>>>, entries: u32) {
    objects.push(Box::new(ProfileGeneric(load_profile::LoadProfile::new(entries))));
    objects.push(Box::new(ProfileGeneric(event_log::StandardEventLog)));
}

/// What tells one profile from another.
pub(super) trait Profile: Send {
    fn name(&self) -> LogicalName;

    fn columns(&self) -> &[CaptureObject];

    /// Seconds from row to row; 0 when rows come as they come.
    fn capture_period_s(&self) -> u32;

    /// The rows of this moment.
    fn table<'w>(&'w self, world: &'w World) -> impl Table + 'w;

    /// How many rows there can be.
    fn capacity(&self) -> u32;

    /// Forgets all rows.
    fn reset(&mut self, world: &mut World);
}

/// The rows of a profile, oldest first.
pub(super) trait Table {
    /// How many there are.
    fn len(&self) -> usize;

    /// When row `index` was captured.
    fn time(&self, index: usize) -> i64;

    /// Appends the cell of row `index` under `column`.
    fn encode_cell(&mut self, index: usize, column: usize, writer: &mut Writer<'_>);
}

pub(super) struct ProfileGeneric<P>(pub(super) P);

/// The sort method: first in, first out.
const FIFO: u8 = 1;

impl<P: Profile> CosemObject<World> for ProfileGeneric<P> {
    fn class(&self) -> ClassId {
        ClassId::PROFILE_GENERIC
    }

    fn version(&self) -> u8 {
        1
    }

    fn name(&self) -> LogicalName {
        self.0.name()
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[READ; 7]
    }

    /// reset, capture
    fn methods(&self) -> &[MethodRights] {
        &[ACCESS, DENIED]
    }

    fn selectors(&self, attribute: i8) -> &[u8] {
        if attribute == 2 { &[1, 2] } else { &[] }
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        match get.attribute {
            2 => {
                let mut table = self.0.table(get.world);
                let part = match get.selection {
                    Some(selection) => {
                        let parameters = selection.parameters.data();
                        let parameters = parameters.map_err(|_| DataAccessResult::TypeUnmatched)?;
                        Part::selected(
                            self.0.columns(),
                            selection.selector,
                            &parameters,
                            &get.world.zone,
                            &table,
                        )?
                    }
                    None => Part {
                        rows: 0..table.len(),
                        columns: (0..self.0.columns().len()).collect(),
                    },
                };
                part.encode(&mut table, &mut Writer::new(out));
                Ok(())
            }
            3 => put(out, &DataBuf::array(self.0.columns().iter().map(CaptureObject::to_data))),
            4 => put(out, &DataBuf::DoubleLongUnsigned(self.0.capture_period_s())),
            5 => put(out, &DataBuf::Enum(FIFO)),
            6 => put(out, &CaptureObject::CLOCK_TIME.to_data()),
            7 => {
                let rows = self.0.table(get.world).len();
                put(out, &DataBuf::DoubleLongUnsigned(number(rows)))
            }
            _ => put(out, &DataBuf::DoubleLongUnsigned(self.0.capacity())),
        }
    }

    fn invoke(
        &mut self,
        _method: i8,
        _parameter: &Data<'_>,
        call: &mut Call<'_, World>,
        _out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        self.0.reset(call.world);
        Ok(())
    }
}

/// A part of a buffer: some rows, some columns.
struct Part {
    rows: Range<usize>,
    columns: Vec<usize>,
}

impl Part {
    fn selected(
        captured: &[CaptureObject],
        selector: u8,
        parameters: &Data<'_>,
        zone: &Zone,
        table: &impl Table,
    ) -> Result<Self, DataAccessResult> {
        match ProfileSelector::from_parts(selector, parameters) {
            Some(ProfileSelector::Range(range)) => Self::by_range(captured, &range, zone, table),
            Some(ProfileSelector::Entry(entry)) => Ok(Self::by_entry(captured, entry, table)),
            None => Err(DataAccessResult::TypeUnmatched),
        }
    }

    /// Rows captured between two moments, both included. No row is sorted by anything but time.
    fn by_range(
        captured: &[CaptureObject],
        range: &RangeDescriptor,
        zone: &Zone,
        table: &impl Table,
    ) -> Result<Self, DataAccessResult> {
        if !range.restricting_object.is_clock_time() {
            return Err(DataAccessResult::ScopeOfAccessViolated);
        }
        let (from, to) = range.as_times().ok_or(DataAccessResult::TypeUnmatched)?;
        let first = bound(&from, zone).map_or(0, |from| partition(table, |time| time < from));
        let end =
            bound(&to, zone).map_or_else(|| table.len(), |to| partition(table, |time| time <= to));
        let columns = if range.selected_values.is_empty() {
            (0..captured.len()).collect()
        } else {
            let selected = captured.iter().enumerate();
            let selected = selected.filter(|(_, column)| range.selected_values.contains(*column));
            selected.map(|(index, _)| index).collect::<Vec<_>>()
        };
        if columns.is_empty() {
            return Err(DataAccessResult::ScopeOfAccessViolated);
        }
        Ok(Self { rows: first.min(end)..end, columns })
    }

    /// Rows and columns by number from 1, both ends included; 0 as an end is the last one.
    fn by_entry(captured: &[CaptureObject], entry: EntryDescriptor, table: &impl Table) -> Self {
        let columns = numbered(
            entry.from_selected_value.into(),
            entry.to_selected_value.into(),
            captured.len(),
        );
        Self {
            rows: numbered(entry.from_entry, entry.to_entry, table.len()),
            columns: columns.collect(),
        }
    }

    fn encode(&self, table: &mut impl Table, writer: &mut Writer<'_>) {
        const ARRAY: u8 = 1;
        const STRUCTURE: u8 = 2;
        writer.u8(ARRAY);
        writer.length(self.rows.len());
        for row in self.rows.clone() {
            writer.u8(STRUCTURE);
            writer.length(self.columns.len());
            for column in &self.columns {
                table.encode_cell(row, *column, writer);
            }
        }
    }
}

/// The moment of one end of a range; `None` when it is left open. A date without time is its
/// midnight.
fn bound(time: &DateTime, zone: &Zone) -> Option<i64> {
    if time.time.is_complete() {
        return zone.moment(time);
    }
    let midnight = DateTime::new(time.date, Time::MIDNIGHT);
    zone.moment(&midnight.with_deviation(time.deviation())?)
}

/// How many rows, from the first on, were captured when `is_before` holds.
fn partition(table: &impl Table, is_before: impl Fn(i64) -> bool) -> usize {
    let (mut low, mut high) = (0, table.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if is_before(table.time(middle)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// From number `from` to number `to` of `count`, as a range of indexes.
pub(super) fn numbered(from: u32, to: u32, count: usize) -> Range<usize> {
    let index = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let end = if to == 0 { count } else { index(to).min(count) };
    index(from.max(1) - 1).min(end)..end
}
