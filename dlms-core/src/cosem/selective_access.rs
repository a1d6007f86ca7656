//! Reading a part of a profile buffer (IEC 62056-6-2, Profile generic, selective access to
//! attribute `buffer`).

use alloc::vec::Vec;

use super::{CaptureObject, DateTime};
use crate::axdr::{Data, DataBuf};

/// Which part of a buffer is wanted.
///
/// ```
/// use dlms_core::cosem::{EntryDescriptor, ProfileSelector};
///
/// // The first ten entries, all columns.
/// let selector = ProfileSelector::Entry(EntryDescriptor::entries(1, 10));
/// assert_eq!(selector.selector(), 2);
/// assert_eq!(selector.parameters().to_octets(), [
///     0x02, 0x04, 0x06, 0, 0, 0, 1, 0x06, 0, 0, 0, 10, 0x12, 0, 1, 0x12, 0, 0,
/// ]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum ProfileSelector {
    /// Entries by value, mostly by time: selector 1.
    Range(RangeDescriptor),
    /// Entries by position: selector 2.
    Entry(EntryDescriptor),
}

impl ProfileSelector {
    /// The number of the selector.
    pub const fn selector(&self) -> u8 {
        match self {
            Self::Range(_) => 1,
            Self::Entry(_) => 2,
        }
    }

    /// The parameters that go with it.
    pub fn parameters(&self) -> DataBuf {
        match self {
            Self::Range(range) => range.to_data(),
            Self::Entry(entry) => entry.to_data(),
        }
    }

    /// The selection that `selector` and `parameters` make, or `None` when they make none.
    pub fn from_parts(selector: u8, parameters: &Data<'_>) -> Option<Self> {
        match selector {
            1 => RangeDescriptor::from_data(parameters).map(Self::Range),
            2 => EntryDescriptor::from_data(parameters).map(Self::Entry),
            _ => None,
        }
    }
}

/// Entries whose value in one column lies within a range, both ends included.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeDescriptor {
    /// The column that decides.
    pub restricting_object: CaptureObject,
    /// The lowest value, of the type of that column.
    pub from_value: DataBuf,
    /// The highest value.
    pub to_value: DataBuf,
    /// The columns wanted; none means all.
    pub selected_values: Vec<CaptureObject>,
}

impl RangeDescriptor {
    /// Entries from one time to another, by the clock of the device. The times are sent as
    /// octet-strings, `09 0C` and twelve octets, which every meter takes; a few want the type
    /// date-time instead: they get it in `from_value` and `to_value`.
    pub fn times(from: DateTime, to: DateTime) -> Self {
        Self {
            restricting_object: CaptureObject::CLOCK_TIME,
            from_value: from.to_data(),
            to_value: to.to_data(),
            selected_values: Vec::new(),
        }
    }

    /// The two ends, when both are times.
    pub fn as_times(&self) -> Option<(DateTime, DateTime)> {
        let time = |value: &DataBuf| match value {
            DataBuf::OctetString(octets) => DateTime::from_data(&Data::OctetString(octets)),
            DataBuf::DateTime(octets) => DateTime::from_data(&Data::DateTime(*octets)),
            _ => None,
        };
        Some((time(&self.from_value)?, time(&self.to_value)?))
    }

    /// A structure of capture object, two values and an array of capture objects.
    pub fn from_data(data: &Data<'_>) -> Option<Self> {
        let mut fields = data.as_structure().filter(|fields| fields.len() == 4)?;
        let mut next = || fields.next()?.ok();
        Some(Self {
            restricting_object: CaptureObject::from_data(&next()?)?,
            from_value: next()?.to_buf().ok()?,
            to_value: next()?.to_buf().ok()?,
            selected_values: CaptureObject::list_from_data(&next()?)?,
        })
    }

    /// The structure.
    pub fn to_data(&self) -> DataBuf {
        DataBuf::structure([
            self.restricting_object.to_data(),
            self.from_value.clone(),
            self.to_value.clone(),
            DataBuf::array(self.selected_values.iter().map(CaptureObject::to_data)),
        ])
    }
}

/// Entries and columns by position. Positions count from 1; 0 as an end means the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EntryDescriptor {
    /// The first entry.
    pub from_entry: u32,
    /// The last entry, 0 for the last there is.
    pub to_entry: u32,
    /// The first column.
    pub from_selected_value: u16,
    /// The last column, 0 for the last there is.
    pub to_selected_value: u16,
}

impl EntryDescriptor {
    /// All columns of the entries `from` to `to`.
    pub const fn entries(from: u32, to: u32) -> Self {
        Self { from_entry: from, to_entry: to, from_selected_value: 1, to_selected_value: 0 }
    }

    /// A structure of two double-long-unsigned and two long-unsigned.
    pub fn from_data(data: &Data<'_>) -> Option<Self> {
        let mut fields = data.as_structure().filter(|fields| fields.len() == 4)?;
        let mut next = || fields.next()?.ok()?.as_unsigned();
        Some(Self {
            from_entry: next()?.try_into().ok()?,
            to_entry: next()?.try_into().ok()?,
            from_selected_value: next()?.try_into().ok()?,
            to_selected_value: next()?.try_into().ok()?,
        })
    }

    /// The structure.
    pub fn to_data(&self) -> DataBuf {
        DataBuf::structure([
            self.from_entry.into(),
            self.to_entry.into(),
            self.from_selected_value.into(),
            self.to_selected_value.into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axdr::Reader;

    #[test]
    fn a_day_of_a_profile_is_asked_for_by_its_clock() {
        let from: DateTime = "2026-01-15".parse().unwrap();
        let to: DateTime = "2026-01-16".parse().unwrap();
        let selector = ProfileSelector::Range(RangeDescriptor::times(from, to));
        assert_eq!(selector.selector(), 1);
        let octets = selector.parameters().to_octets();
        let expected = [
            0x02, 0x04, // structure of 4
            0x02, 0x04, 0x12, 0x00, 0x08, 0x09, 0x06, 0, 0, 1, 0, 0, 255, 0x0f, 0x02, 0x12, 0, 0,
            0x09, 0x0c, 0x07, 0xea, 1, 15, 4, 0, 0, 0, 0, 0x80, 0x00, 0xff, // from
            0x09, 0x0c, 0x07, 0xea, 1, 16, 5, 0, 0, 0, 0, 0x80, 0x00, 0xff, // to
            0x01, 0x00, // all columns
        ];
        assert_eq!(octets, expected);
        let data = Data::decode(&mut Reader::new(&octets)).unwrap();
        let read = ProfileSelector::from_parts(1, &data).unwrap();
        assert_eq!(read, selector);
        let ProfileSelector::Range(range) = read else { panic!() };
        assert_eq!(range.as_times(), Some((from, to)));
    }

    #[test]
    fn chosen_columns_are_listed() {
        let mut range = RangeDescriptor::times(DateTime::UNSPECIFIED, DateTime::UNSPECIFIED);
        range.selected_values = alloc::vec![CaptureObject::CLOCK_TIME];
        let octets = range.to_data().to_octets();
        let data = Data::decode(&mut Reader::new(&octets)).unwrap();
        assert_eq!(RangeDescriptor::from_data(&data), Some(range));
    }

    #[test]
    fn entries_are_chosen_by_position() {
        let entry = EntryDescriptor {
            from_entry: 3,
            to_entry: 0,
            from_selected_value: 2,
            to_selected_value: 4,
        };
        let octets = entry.to_data().to_octets();
        let data = Data::decode(&mut Reader::new(&octets)).unwrap();
        assert_eq!(ProfileSelector::from_parts(2, &data), Some(ProfileSelector::Entry(entry)));
    }

    #[test]
    fn parameters_of_another_selector_make_no_selection() {
        let octets = EntryDescriptor::entries(1, 0).to_data().to_octets();
        let data = Data::decode(&mut Reader::new(&octets)).unwrap();
        assert_eq!(ProfileSelector::from_parts(1, &data), None);
        assert_eq!(ProfileSelector::from_parts(3, &data), None);
        assert_eq!(ProfileSelector::from_parts(2, &Data::Null), None);
    }
}
