//! Rows that all look alike, compared with a template instead of walked.

use alloc::vec::Vec;
use core::ops::Range;

use super::{
    DataType, RawData, Reader,
    data_type::Layout,
    raw::{skip_contents, take_type},
};
use crate::Malformed;

/// Octets that are compared at once.
const WORD: usize = 8;

/// What rows look like whose values have the types and lengths of those of a first row: that is how
/// meters send the buffer of a profile, but for rows around gaps and clock changes.
///
/// All octets that are no contents (tags, counts, lengths) are compared, a word at a time; where
/// they are the same, every value lies where it lay in the first row, and a whole column is read
/// with loads of a fixed distance. Rows that differ are left to whoever walks them value by value.
///
/// The values of nested structures and arrays count one by one, in the order they stand.
///
/// ```
/// use dlms_core::axdr::{RawData, Reader, RowTemplate};
///
/// // array of 3 structures of long-unsigned and double-long-unsigned
/// let buffer = [
///     0x01, 0x03,
///     0x02, 0x02, 0x12, 0x00, 0x01, 0x06, 0x00, 0x00, 0x00, 0x10,
///     0x02, 0x02, 0x12, 0x00, 0x02, 0x06, 0x00, 0x00, 0x00, 0x20,
///     0x02, 0x02, 0x00,             0x06, 0x00, 0x00, 0x00, 0x30, // null-data
/// ];
/// let mut reader = Reader::at(&buffer[2..], 2);
/// let first = RawData::decode(&mut reader.clone())?;
/// let template = RowTemplate::from_row(first).expect("a row of scalars");
/// let rows = template.take_rows(&mut reader, 3);
/// assert_eq!(rows.len(), 2);
/// assert!(rows.column::<u16>(0).expect("long-unsigned").eq([1, 2]));
/// assert!(rows.column::<u32>(1).expect("double-long-unsigned").eq([0x10, 0x20]));
/// assert!(rows.column::<u32>(0).is_none());
/// // The third row is another one.
/// assert_eq!(reader.offset(), 22);
/// # Ok::<(), dlms_core::Malformed>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowTemplate {
    /// Octets of a row.
    row_len: usize,
    /// What is compared of the whole words of a row.
    words: Vec<Word>,
    /// What is compared of its last octets: they overlap the last whole word.
    last: Word,
    columns: Vec<Column>,
}

/// What must be the same in one word of every row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Word {
    mask: u64,
    value: u64,
}

impl Word {
    /// The bits that differ and must not.
    const fn differs(self, octets: [u8; WORD]) -> u64 {
        (u64::from_le_bytes(octets) & self.mask) ^ self.value
    }
}

/// Where the values of one column lie.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Column {
    data_type: DataType,
    /// In a row, without tag and length.
    contents: Range<usize>,
}

impl RowTemplate {
    /// The template of rows that look like `row`, or `None` when no template can tell that they do:
    /// `row` is no structure, contains a compact-array, or has less than eight octets.
    pub fn from_row(row: RawData<'_>) -> Option<Self> {
        if row.octets().first() != Some(&DataType::Structure.tag()) {
            return None;
        }
        let mut columns = Vec::new();
        take_columns(&mut Reader::new(row.octets()), &mut columns).ok()??;

        // FF where the octets are compared.
        let mut mask: Vec<u8> = row.octets().iter().map(|_| 0xff).collect();
        for column in &columns {
            mask.get_mut(column.contents.clone())?.fill(0);
        }
        let word = |(octets, mask): (&[u8; WORD], &[u8; WORD])| {
            let mask = u64::from_le_bytes(*mask);
            Word { mask, value: u64::from_le_bytes(*octets) & mask }
        };
        let last = word((row.octets().last_chunk()?, mask.last_chunk()?));
        let words = row.octets().as_chunks().0.iter().zip(mask.as_chunks().0).map(word).collect();
        Some(Self { row_len: row.octets().len(), words, last, columns })
    }

    /// How many columns there are.
    pub const fn columns(&self) -> usize {
        self.columns.len()
    }

    /// The type of a column, and how many octets each of its values has without tag and length.
    pub fn column(&self, column: usize) -> Option<(DataType, usize)> {
        self.columns.get(column).map(|column| (column.data_type, column.contents.len()))
    }

    /// Takes the rows at the front of `reader` that look like the template, `count` at most. The
    /// reader is left at the first row that does not, or is not complete.
    pub fn take_rows<'t, 'a>(&'t self, reader: &mut Reader<'a>, count: usize) -> AlikeRows<'t, 'a> {
        let rows = reader.rest().chunks_exact(self.row_len).take(count);
        let alike = rows.take_while(|row| self.is_like(row)).count();
        let octets = reader.octets(alike.saturating_mul(self.row_len)).unwrap_or_default();
        AlikeRows { template: self, octets }
    }

    fn is_like(&self, row: &[u8]) -> bool {
        let last = row.last_chunk().map_or(u64::MAX, |octets| self.last.differs(*octets));
        let words = row.as_chunks().0.iter().zip(&self.words);
        words.fold(last, |differs, (octets, word)| differs | word.differs(*octets)) == 0
    }
}

/// Appends where the values of one value lie. `None`: one of them is a compact-array.
fn take_columns(
    reader: &mut Reader<'_>,
    columns: &mut Vec<Column>,
) -> Result<Option<()>, Malformed> {
    let data_type = take_type(reader)?;
    match data_type.layout() {
        Layout::Compact => return Ok(None),
        Layout::Elements => {
            for _ in 0..reader.length()? {
                if take_columns(reader, columns)?.is_none() {
                    return Ok(None);
                }
            }
        }
        Layout::Fixed(_) | Layout::Octets | Layout::Bits => {
            let mut contents = reader.clone();
            skip_contents(data_type, reader, 0)?;
            if !matches!(data_type.layout(), Layout::Fixed(_)) {
                contents.length()?;
            }
            columns.push(Column { data_type, contents: contents.offset()..reader.offset() });
        }
    }
    Ok(Some(()))
}

/// Rows that look like a [`RowTemplate`], to be read column by column.
#[derive(Clone, Copy, Debug)]
pub struct AlikeRows<'t, 'a> {
    template: &'t RowTemplate,
    /// Whole rows, compared with the template.
    octets: &'a [u8],
}

impl<'a> AlikeRows<'_, 'a> {
    /// How many rows there are.
    pub const fn len(&self) -> usize {
        match self.octets.len().checked_div(self.template.row_len) {
            Some(rows) => rows,
            None => 0,
        }
    }

    /// Whether there is no row.
    pub const fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// The values of a column from the top, or `None` when there is no such column, its type is not
    /// that of `V`, or its values have no octets (null-data).
    pub fn column<V: ColumnValue>(
        &self,
        column: usize,
    ) -> Option<impl ExactSizeIterator<Item = V> + use<'a, V>> {
        let Column { data_type, contents } = self.template.columns.get(column)?;
        if !V::is_type(*data_type) || contents.len() != V::LEN || contents.is_empty() {
            return None;
        }
        let from_first = self.octets.get(contents.start..).unwrap_or_default();
        Some(from_first.chunks(self.template.row_len).map(V::from_front))
    }
}

/// A value of one length that is read from its contents alone. The integers and floating point
/// numbers are read from columns of exactly their type, an array of octets from a column of any
/// type that has so many octets.
pub trait ColumnValue: sealed::FromFront {}

mod sealed {
    use super::DataType;

    pub trait FromFront: Sized {
        /// Octets of a value.
        const LEN: usize;

        fn is_type(data_type: DataType) -> bool;

        /// Reads the first `LEN` octets, which are there.
        fn from_front(octets: &[u8]) -> Self;
    }
}

macro_rules! number {
    ($($number:ty: $($data_type:ident)|+;)+) => {$(
        impl ColumnValue for $number {}

        impl sealed::FromFront for $number {
            const LEN: usize = size_of::<Self>();

            fn is_type(data_type: DataType) -> bool {
                matches!(data_type, $(DataType::$data_type)|+)
            }

            fn from_front(octets: &[u8]) -> Self {
                octets.first_chunk().map_or_else(Self::default, |value| Self::from_be_bytes(*value))
            }
        }
    )+};
}

number! {
    i8: Integer | DeltaInteger;
    i16: Long | DeltaLong;
    i32: DoubleLong | DeltaDoubleLong;
    i64: Long64;
    u8: Unsigned | Enum | Bcd | DeltaUnsigned;
    u16: LongUnsigned | DeltaLongUnsigned;
    u32: DoubleLongUnsigned | DeltaDoubleLongUnsigned;
    u64: Long64Unsigned;
    f32: Float32;
    f64: Float64;
}

impl<const N: usize> ColumnValue for [u8; N] {}

impl<const N: usize> sealed::FromFront for [u8; N] {
    const LEN: usize = N;

    fn is_type(_: DataType) -> bool {
        true
    }

    fn from_front(octets: &[u8]) -> Self {
        octets.first_chunk().copied().unwrap_or([0; N])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axdr::{Data, DataBuf};
    use proptest::{collection::vec, prelude::*};

    fn template(row: &[u8]) -> Option<RowTemplate> {
        RowTemplate::from_row(RawData::from_octets(row).unwrap())
    }

    /// structure of octet-string, long and double-long-unsigned
    const ROW: [u8; 15] =
        [0x02, 0x03, 0x09, 0x03, 0xaa, 0xbb, 0xcc, 0x10, 0xff, 0xfe, 0x06, 0x00, 0x00, 0x00, 0x07];

    #[test]
    fn columns_are_the_values_in_the_order_they_stand() {
        let template = template(&ROW).unwrap();
        let rows = template.take_rows(&mut Reader::new(&ROW), 1);
        assert_eq!(template.columns(), 3);
        assert_eq!(template.column(0), Some((DataType::OctetString, 3)));
        assert!(rows.column::<[u8; 3]>(0).unwrap().eq([[0xaa, 0xbb, 0xcc]]));
        assert!(rows.column::<i16>(1).unwrap().eq([-2]));
        assert!(rows.column::<u32>(2).unwrap().eq([7]));
        assert!(rows.column::<u32>(3).is_none());
    }

    #[test]
    fn a_column_is_read_as_its_own_type_only() {
        let template = template(&ROW).unwrap();
        let rows = template.take_rows(&mut Reader::new(&ROW), 1);
        assert!(rows.column::<u16>(1).is_none());
        assert!(rows.column::<i32>(2).is_none());
        assert!(rows.column::<[u8; 2]>(0).is_none());
        assert!(rows.column::<[u8; 4]>(2).unwrap().eq([[0, 0, 0, 7]]));
    }

    #[test]
    fn the_values_of_nested_structures_count_one_by_one_and_null_data_has_no_octets() {
        // { { 0x0102, null-data }, { int8 -1, enum 30 } }
        let row = [2, 2, 2, 2, 0x12, 1, 2, 0, 2, 2, 0x0f, 0xff, 0x16, 0x1e];
        let template = template(&row).unwrap();
        let types = [0, 1, 2, 3].map(|column| template.column(column).unwrap());
        let (long, null) = ((DataType::LongUnsigned, 2), (DataType::Null, 0));
        assert_eq!(types, [long, null, (DataType::Integer, 1), (DataType::Enum, 1)]);
        let rows = template.take_rows(&mut Reader::new(&row), 9);
        assert!(rows.column::<[u8; 0]>(1).is_none());
        assert!(rows.column::<u8>(3).unwrap().eq([30]));
    }

    #[test]
    fn any_other_tag_count_or_length_ends_the_rows() {
        let template = template(&ROW).unwrap();
        let contents = [4, 5, 6, 8, 9, 11, 12, 13, 14];
        for place in 0..ROW.len() {
            for bit in 0..8 {
                let mut rows = [ROW, ROW, ROW].concat();
                rows[ROW.len() + place] ^= 1 << bit;
                let mut reader = Reader::new(&rows);
                let alike = if contents.contains(&place) { 3 } else { 1 };
                assert_eq!(template.take_rows(&mut reader, 3).len(), alike, "{place}");
                assert_eq!(reader.offset(), alike * ROW.len());
            }
        }
    }

    #[test]
    fn no_more_rows_are_taken_than_asked_for_or_there_whole() {
        let template = template(&ROW).unwrap();
        let octets = [ROW, ROW].concat();
        for (count, end, taken) in [(0, 30, 0), (1, 30, 1), (9, 30, 2), (9, 29, 1), (9, 14, 0)] {
            let mut reader = Reader::new(&octets[..end]);
            let rows = template.take_rows(&mut reader, count);
            assert_eq!((rows.len(), rows.is_empty()), (taken, taken == 0));
            assert_eq!(rows.column::<i16>(1).unwrap().len(), taken);
        }
    }

    #[test]
    fn what_no_template_can_tell_has_none() {
        for row in [
            &[0x12, 0x00, 0x01][..],                                 // no structure
            &[0x02, 0x01, 0x11, 0x05],                               // too short
            &[0x02, 0x01, 0x13, 0x02, 0x01, 0x12, 0x02, 0x00, 0x01], // compact-array
            &[0x01, 0x02, 0x12, 0x00, 0x01, 0x12, 0x00, 0x02],       // array
        ] {
            assert_eq!(template(row), None, "{row:02x?}");
        }
    }

    fn cell() -> impl Strategy<Value = DataBuf> {
        prop_oneof![
            Just(DataBuf::Null),
            any::<u8>().prop_map(DataBuf::Unsigned),
            any::<i16>().prop_map(DataBuf::Long),
            any::<u32>().prop_map(DataBuf::DoubleLongUnsigned),
            any::<u64>().prop_map(DataBuf::Long64Unsigned),
            vec(any::<u8>(), 0..20).prop_map(DataBuf::OctetString),
            vec(any::<u8>().prop_map(DataBuf::Unsigned), 0..3).prop_map(DataBuf::Structure),
        ]
    }

    proptest! {
        #[test]
        fn rows_that_look_alike_are_those_with_the_same_types_and_lengths(
            one in vec(cell(), 1..8),
            other in vec(cell(), 1..8),
        ) {
            let [one, other] = [one, other].map(|cells| DataBuf::Structure(cells).to_octets());
            // The tags, counts and lengths of a row, without contents.
            fn form(row: &[u8]) -> Vec<(DataType, usize)> {
                let mut reader = Reader::new(row);
                let data = Data::decode(&mut reader).unwrap();
                match data.as_structure() {
                    Some(cells) => core::iter::once((DataType::Structure, cells.len()))
                        .chain(cells.flat_map(|cell| {
                            form(&cell.unwrap().to_buf().unwrap().to_octets())
                        }))
                        .collect(),
                    None => alloc::vec![(data.data_type(), row.len())],
                }
            }
            if let Some(template) = template(&one) {
                let alike = !template.take_rows(&mut Reader::new(&other), 1).is_empty();
                // Rows behind one another: only the front has to look alike.
                prop_assert_eq!(alike, form(&one) == form(&other));
            }
        }

        #[test]
        fn rows_walked_with_a_template_end_where_rows_walked_value_by_value_do(
            forms in vec((vec(cell(), 1..5), 1_usize..20), 1..5),
            broken in any::<proptest::sample::Index>(),
            with in any::<u8>(),
        ) {
            let rows = forms.iter().flat_map(|(cells, times)| {
                let row = DataBuf::Structure(cells.clone()).to_octets();
                core::iter::repeat_n(row, *times)
            });
            let rows: Vec<Vec<u8>> = rows.collect();
            let mut octets = alloc::vec![0x01];
            octets.push(u8::try_from(rows.len()).unwrap());
            octets.extend(rows.concat());
            let at = broken.index(octets.len());
            octets[at] = with;
            // The same elements in a structure are walked one by one.
            let mut walked = octets.clone();
            if octets[0] == 0x01 && at > 0 {
                walked[0] = 0x02;
                let as_array = RawData::decode(&mut Reader::new(&octets));
                let as_structure = RawData::decode(&mut Reader::new(&walked));
                prop_assert_eq!(
                    as_array.map(|value| value.octets().len()),
                    as_structure.map(|value| value.octets().len())
                );
            }
        }
    }
}
