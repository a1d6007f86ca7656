//! Profile generic (class 7, version 1) as clients set it up: what is captured, when, in which
//! order it is kept. Unlike the [load profile](super::profile_generic) its rows are stored.
//!
//! With FIFO and LIFO the oldest row is lost when the buffer is full. With the other sort methods
//! the buffer is in the order of sort_object, and what comes last in it is lost. When what a row
//! is changes, the buffer is emptied.

use core::cmp::Reverse;

use dlms_core::{
    axdr::{Data, DataBuf},
    cosem::{
        AttributeDescriptor, CaptureObject, ClassId, DateTime, LogicalName, ProfileSelector,
        RangeDescriptor, value::CosemValue,
    },
    device::{AttributeRights, Call, CosemObject, Get, MethodRights, put},
    xdlms::{ActionResult, DataAccessResult},
};

use super::{ACCESS, READ, READ_WRITE, element, integer, profile_generic::numbered, register};
use crate::{world::World, zone::Zone};

/// The name of the profile: data of billing period 1.
pub(super) const NAME: LogicalName = LogicalName([0, 0, 98, 1, 0, 255]);
/// The method capture.
pub(super) const CAPTURE: i8 = 2;

/// Rows of the profile.
const ROWS_MAX: u32 = 1_000;
/// Columns of the profile.
const COLUMNS_MAX: usize = 32;
/// profile_entries of a new meter: a year of months.
const ENTRIES: u32 = 12;

/// sort_method.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SortMethod {
    Fifo = 1,
    Lifo = 2,
    Largest = 3,
    Smallest = 4,
    NearestToZero = 5,
    FarthestFromZero = 6,
}

impl SortMethod {
    const ALL: [Self; 6] = [
        Self::Fifo,
        Self::Lifo,
        Self::Largest,
        Self::Smallest,
        Self::NearestToZero,
        Self::FarthestFromZero,
    ];

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|method| *method as u8 == code)
    }

    /// The place of a value among values in order, smallest first. `None` keeps the order in which
    /// rows came.
    fn place(self, value: Option<i128>) -> Option<Option<Reverse<i128>>> {
        let value = value.map(|value| match self {
            Self::Largest => value,
            Self::Smallest => -value,
            Self::NearestToZero => -value.abs(),
            _ => value.abs(),
        });
        (!matches!(self, Self::Fifo | Self::Lifo)).then_some(value.map(Reverse))
    }
}

/// The profile.
pub(super) struct BillingProfile {
    columns: Vec<CaptureObject>,
    /// 0 captures only when told.
    capture_period_s: u32,
    sort_method: SortMethod,
    sort_object: CaptureObject,
    capacity: u32,
    rows: Vec<Vec<DataBuf>>,
    /// When the period ends, on true time.
    next: Option<i64>,
}

impl Default for BillingProfile {
    fn default() -> Self {
        let register =
            |name| CaptureObject::new(AttributeDescriptor::new(ClassId::REGISTER, name, 2));
        let [t1, t2] = register::TARIFFS;
        Self {
            columns: vec![
                CaptureObject::CLOCK_TIME,
                register(register::IMPORT),
                register(t1),
                register(t2),
            ],
            capture_period_s: 0,
            sort_method: SortMethod::Fifo,
            sort_object: CaptureObject::CLOCK_TIME,
            capacity: ENTRIES,
            rows: Vec::new(),
            next: None,
        }
    }
}

/// What a cell is compared by: its number, or its moment.
fn key(cell: &DataBuf, zone: &Zone) -> Option<i128> {
    let time = match cell {
        DataBuf::OctetString(octets) => DateTime::from_data(&Data::OctetString(octets)),
        DataBuf::DateTime(octets) => DateTime::from_data(&Data::DateTime(*octets)),
        number => return integer(number),
    };
    zone.moment(&time?).map(i128::from)
}

impl BillingProfile {
    fn column(&self, object: &CaptureObject) -> Option<usize> {
        self.columns.iter().position(|column| column == object)
    }

    fn capture(&mut self, call: &Call<'_, World>) {
        let cell = |column: &CaptureObject| {
            let value = call.objects.value(call.world, column.descriptor());
            element(value.unwrap_or(DataBuf::Null), column.data_index)
        };
        self.insert(self.columns.iter().map(cell).collect(), &call.world.zone);
    }

    fn insert(&mut self, row: Vec<DataBuf>, zone: &Zone) {
        let sorted_by = self.column(&self.sort_object);
        let place = |row: &Vec<DataBuf>| {
            let value = sorted_by.and_then(|column| row.get(column));
            let value = value.and_then(|cell| key(cell, zone));
            self.sort_method.place(value)
        };
        let full = self.rows.len() >= usize::try_from(self.capacity).unwrap_or(usize::MAX);
        match place(&row) {
            None if self.sort_method == SortMethod::Lifo => {
                if full {
                    self.rows.pop();
                }
                self.rows.insert(0, row);
            }
            None => {
                if full {
                    self.rows.remove(0);
                }
                self.rows.push(row);
            }
            Some(own) => {
                // Before the first row that comes after it. Rows without a value come last.
                let after = |known: &Vec<DataBuf>| match (own, place(known).flatten()) {
                    (Some(own), Some(known)) => known > own,
                    (own, known) => own.is_some() && known.is_none(),
                };
                let at = self.rows.iter().position(after).unwrap_or(self.rows.len());
                self.rows.insert(at, row);
                if full {
                    self.rows.pop();
                }
            }
        }
    }

    /// A row is another thing from now on.
    fn restart(&mut self, world: &World) {
        self.rows.clear();
        let period = i64::from(self.capture_period_s);
        self.next = (period > 0).then(|| (world.now().div_euclid(period) + 1) * period);
    }

    /// The rows and columns that a selection means.
    fn select(&self, selector: &ProfileSelector, zone: &Zone) -> Result<DataBuf, DataAccessResult> {
        match selector {
            ProfileSelector::Entry(entry) => {
                let rows = numbered(entry.from_entry, entry.to_entry, self.rows.len());
                let columns = numbered(
                    entry.from_selected_value.into(),
                    entry.to_selected_value.into(),
                    self.columns.len(),
                );
                let rows = self.rows.get(rows).unwrap_or_default().iter();
                let part =
                    |row: &Vec<DataBuf>| row.get(columns.clone()).unwrap_or_default().to_vec();
                Ok(DataBuf::array(rows.map(|row| DataBuf::Structure(part(row)))))
            }
            ProfileSelector::Range(range) => self.select_range(range, zone),
        }
    }

    fn select_range(
        &self,
        range: &RangeDescriptor,
        zone: &Zone,
    ) -> Result<DataBuf, DataAccessResult> {
        let out_of_scope = DataAccessResult::ScopeOfAccessViolated;
        let restricting = self.column(&range.restricting_object).ok_or(out_of_scope)?;
        let columns = match &range.selected_values[..] {
            [] => Ok((0..self.columns.len()).collect::<Vec<_>>()),
            selected => {
                selected.iter().map(|object| self.column(object).ok_or(out_of_scope)).collect()
            }
        }?;
        // An end without a value is open.
        let (from, to) = (key(&range.from_value, zone), key(&range.to_value, zone));
        let is_within = |row: &&Vec<DataBuf>| {
            row.get(restricting).and_then(|cell| key(cell, zone)).is_some_and(|value| {
                from.is_none_or(|from| from <= value) && to.is_none_or(|to| value <= to)
            })
        };
        let rows = self.rows.iter().filter(is_within).map(|row| {
            DataBuf::structure(columns.iter().filter_map(|column| row.get(*column).cloned()))
        });
        Ok(DataBuf::array(rows))
    }
}

impl CosemObject<World> for BillingProfile {
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
        &[READ, READ_WRITE, READ_WRITE, READ_WRITE, READ_WRITE, READ, READ_WRITE]
    }

    /// reset, capture
    fn methods(&self) -> &[MethodRights] {
        &[ACCESS, ACCESS]
    }

    fn selectors(&self, attribute: i8) -> &[u8] {
        if attribute == 2 { &[1, 2] } else { &[] }
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        let rows = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        match (get.attribute, &get.selection) {
            (2, None) => {
                let rows = self.rows.iter().map(|row| DataBuf::Structure(row.clone()));
                put(out, &DataBuf::array(rows))
            }
            (2, Some(selection)) => {
                let unmatched = DataAccessResult::TypeUnmatched;
                let parameters = selection.parameters.data().map_err(|_| unmatched)?;
                let selector = ProfileSelector::from_parts(selection.selector, &parameters);
                put(out, &self.select(&selector.ok_or(unmatched)?, &get.world.zone)?)
            }
            (3, _) => put(out, &self.columns.to_data()),
            (4, _) => put(out, &self.capture_period_s.into()),
            (5, _) => put(out, &DataBuf::Enum(self.sort_method as u8)),
            (6, _) => put(out, &self.sort_object.to_data()),
            (7, _) => put(out, &rows.into()),
            _ => put(out, &self.capacity.into()),
        }
    }

    fn set(
        &mut self,
        attribute: i8,
        value: &Data<'_>,
        call: &mut Call<'_, World>,
    ) -> Result<(), DataAccessResult> {
        let unmatched = DataAccessResult::TypeUnmatched;
        let refused = DataAccessResult::OtherReason;
        match attribute {
            3 => {
                let columns = Vec::<CaptureObject>::from_data(value).ok_or(unmatched)?;
                if columns.len() > COLUMNS_MAX {
                    return Err(refused);
                }
                self.columns = columns;
            }
            4 => self.capture_period_s = u32::from_data(value).ok_or(unmatched)?,
            5 => {
                let code = value.as_enum().ok_or(unmatched)?;
                self.sort_method = SortMethod::from_code(code).ok_or(refused)?;
            }
            6 => self.sort_object = CosemValue::from_data(value).ok_or(unmatched)?,
            _ => {
                let capacity = u32::from_data(value).ok_or(unmatched)?;
                if !(1..=ROWS_MAX).contains(&capacity) {
                    return Err(refused);
                }
                self.capacity = capacity;
            }
        }
        self.restart(call.world);
        Ok(())
    }

    fn invoke(
        &mut self,
        method: i8,
        _parameter: &Data<'_>,
        call: &mut Call<'_, World>,
        _out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        if method == CAPTURE {
            self.capture(call);
        } else {
            self.rows.clear();
        }
        Ok(())
    }

    fn poll_timeout(&self, _world: &World) -> Option<i64> {
        self.next
    }

    fn handle_timeout(&mut self, now: i64, call: &mut Call<'_, World>) {
        let period = i64::from(self.capture_period_s);
        self.next = (period > 0).then(|| (now.div_euclid(period) + 1) * period);
        self.capture(call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sort_method_puts_its_first_value_first() {
        for (method, order) in [
            (SortMethod::Largest, [Some(4), Some(1), Some(-2), Some(-5), None]),
            (SortMethod::Smallest, [Some(-5), Some(-2), Some(1), Some(4), None]),
            (SortMethod::NearestToZero, [Some(1), Some(-2), Some(4), Some(-5), None]),
            (SortMethod::FarthestFromZero, [Some(-5), Some(4), Some(-2), Some(1), None]),
        ] {
            let mut profile = BillingProfile { sort_method: method, ..BillingProfile::default() };
            profile.columns = vec![profile.sort_object];
            for value in [Some(-2), None, Some(4), Some(1), Some(-5)] {
                let cell = value.map_or(DataBuf::Null, DataBuf::DoubleLong);
                profile.insert(vec![cell], &Zone::default());
            }
            let column = profile.rows.iter().map(|row| integer(&row[0]).map(|v| v as i32));
            assert_eq!(column.collect::<Vec<_>>(), order, "{}", method as u8);
        }
    }
}
