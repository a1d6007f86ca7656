//! The buffer of a profile, row by row (IEC 62056-6-2, Profile generic, attribute `buffer`).
//!
//! - [`Rows`] iterates over a buffer that is there as a whole.
//! - [`RowFeed`] takes the datablocks of a buffer as they arrive.
//! - [`Restorer`] puts back what the meter left out of a row: values that follow from the row
//!   before.

mod restorer;
mod row_feed;

pub use restorer::{Cell, Mark, RestoredRow, Restorer, SortMethod};
pub use row_feed::{ROW_OCTETS_MAX, RowFeed};

use crate::{
    Malformed, MalformedKind,
    axdr::{CompactArrayRules, Data, Elements, RawData},
};

/// The rows of a whole buffer: an iterator that holds nothing but a cursor.
///
/// ```
/// use dlms_core::{axdr::{CompactArrayRules, Data, RawData}, cosem::profile::Rows};
///
/// // array of 2 structures of long-unsigned and double-long-unsigned
/// let buffer = [
///     0x01, 0x02,
///     0x02, 0x02, 0x12, 0x00, 0x01, 0x06, 0x00, 0x00, 0x00, 0x10,
///     0x02, 0x02, 0x12, 0x00, 0x02, 0x06, 0x00, 0x00, 0x00, 0x20,
/// ];
/// let mut sum = 0;
/// for row in Rows::new(RawData::from_octets(&buffer)?, CompactArrayRules::Standard)? {
///     let value = row?.cells().nth(1).expect("a second cell")?;
///     sum += value.as_unsigned().expect("a number");
/// }
/// assert_eq!(sum, 0x30);
/// # Ok::<(), dlms_core::Malformed>(())
/// ```
#[derive(Clone, Debug)]
pub struct Rows<'a> {
    elements: Elements<'a>,
}

impl<'a> Rows<'a> {
    /// The rows of `buffer`, an array or, by `rules`, a compact-array of structures.
    ///
    /// # Errors
    /// [`MalformedKind::UnknownTag`] when it is neither; those of
    /// [`CompactArray::elements_by`](crate::axdr::CompactArray::elements_by).
    pub fn new(buffer: RawData<'a>, rules: CompactArrayRules) -> Result<Self, Malformed> {
        let data = buffer.data()?;
        let elements = data.as_elements(rules).ok_or_else(|| misplaced(&data, 0))??;
        Ok(Self { elements })
    }

    /// How many rows are left.
    pub const fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether no row is left.
    pub const fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<Row<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let offset = self.elements.offset();
        let row = self.elements.next()?;
        Some(row.and_then(|data| Row::from_data(&data, offset)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.elements.size_hint()
    }
}

impl core::iter::FusedIterator for Rows<'_> {}

/// One row as it was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Row<'a> {
    cells: Elements<'a>,
}

impl<'a> Row<'a> {
    /// The cells from the left.
    pub fn cells(&self) -> Elements<'a> {
        self.cells.clone()
    }

    /// How many cells there are.
    pub const fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there is no cell.
    pub const fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    fn from_data(data: &Data<'a>, offset: usize) -> Result<Self, Malformed> {
        match data.as_structure() {
            Some(cells) => Ok(Self { cells }),
            None => Err(misplaced(data, offset)),
        }
    }
}

impl<'a> IntoIterator for Row<'a> {
    type Item = Result<Data<'a>, Malformed>;
    type IntoIter = Elements<'a>;

    fn into_iter(self) -> Elements<'a> {
        self.cells
    }
}

fn misplaced(data: &Data<'_>, offset: usize) -> Malformed {
    Malformed::new(MalformedKind::UnknownTag(data.data_type().tag()), offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn rows(octets: &[u8]) -> Result<Rows<'_>, Malformed> {
        Rows::new(RawData::from_octets(octets)?, CompactArrayRules::Standard)
    }

    #[test]
    fn an_array_and_a_compact_array_have_the_same_rows() {
        let array = [
            0x01, 0x02, 0x02, 0x02, 0x12, 0x00, 0x01, 0x11, 0x0a, 0x02, 0x02, 0x12, 0x00, 0x02,
            0x11, 0x0b,
        ];
        let compact = [0x13, 0x02, 0x02, 0x12, 0x11, 0x06, 0x00, 0x01, 0x0a, 0x00, 0x02, 0x0b];
        let array: Vec<_> = rows(&array).unwrap().collect::<Result<_, _>>().unwrap();
        let compact: Vec<_> = rows(&compact).unwrap().collect::<Result<_, _>>().unwrap();
        assert_eq!(array.len(), 2);
        assert_eq!(array, compact);
        assert_eq!(array[1].cells().next(), Some(Ok(Data::LongUnsigned(2))));
    }

    #[test]
    fn what_is_not_an_array_is_no_buffer() {
        assert_eq!(
            rows(&[0x11, 0x05]).unwrap_err(),
            Malformed::new(MalformedKind::UnknownTag(0x11), 0)
        );
    }

    #[test]
    fn what_is_not_a_structure_is_no_row() {
        let mut rows = rows(&[0x01, 0x02, 0x02, 0x00, 0x11, 0x05]).unwrap();
        assert!(rows.next().unwrap().unwrap().is_empty());
        assert_eq!(rows.next(), Some(Err(Malformed::new(MalformedKind::UnknownTag(0x11), 4))));
        assert_eq!(rows.next(), None);
    }
}
