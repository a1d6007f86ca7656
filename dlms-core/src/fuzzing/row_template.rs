//! Rows that look alike, by the column and value by value.

use alloc::vec::Vec;

use super::{encoded, next};
use crate::{
    Malformed,
    axdr::{Data, DataType, RawData, Reader, RowTemplate},
};

/// What a template takes for rows are rows, and its columns are what a walk over them finds; and a
/// row that a walk finds to be laid out as the first one is taken.
///
/// First octet: how many rows to take at most. Then a row, and what follows it.
pub fn row_template(mut octets: &[u8]) {
    let count = usize::from(next(&mut octets));
    let mut reader = Reader::new(octets);
    let Ok(first) = RawData::decode(&mut reader.clone()) else { return };
    let Some(template) = RowTemplate::from_row(first) else { return };
    let rows = template.take_rows(&mut reader, count);
    let len = first.octets().len();
    assert!(rows.len() <= count);
    assert_eq!(reader.offset(), rows.len() * len);
    assert!(count == 0 || !rows.is_empty(), "the first row looks like itself");

    let layout = leaves(first).expect("a row that was walked");
    for (column, leaf) in layout.iter().enumerate() {
        let contents = template.column(column).expect("a column for each value");
        assert_eq!(contents, (leaf.data_type, leaf.contents));
    }
    assert_eq!(template.column(layout.len()), None);

    let walked: Vec<Vec<Leaf>> = octets[..reader.offset()]
        .chunks(len)
        .map(|row| RawData::from_octets(row).and_then(leaves).expect("a row of the same octets"))
        .collect();
    for column in 0..layout.len() {
        let integers = walked.iter().map(|row| row[column].integer);
        macro_rules! agrees {
            ($($number:ty),+) => {$(
                if let Some(values) = rows.column::<$number>(column) {
                    assert_eq!(values.len(), rows.len());
                    let is_same = |(value, integer): ($number, Option<i128>)| {
                        integer.is_none_or(|integer| integer == i128::from(value))
                    };
                    assert!(values.zip(integers.clone()).all(is_same), "column {column}");
                }
            )+};
        }
        agrees!(i8, i16, i32, i64, u8, u16, u32, u64);
        if let Some(times) = rows.column::<[u8; 12]>(column) {
            let walked = walked.iter().map(|row| &row[column].encoded);
            assert!(times.zip(walked).all(|(time, encoded)| encoded.ends_with(&time)));
        }
    }

    // The row that was left looks different, or is not there, or there was no place for it.
    if let Ok(left) = RawData::decode(&mut reader.clone())
        && rows.len() < count
        && left.octets().len() == len
    {
        let left = leaves(left).expect("a row that was walked");
        let shape = |leaves: &[Leaf]| -> Vec<_> {
            leaves.iter().map(|leaf| (leaf.data_type, leaf.contents)).collect()
        };
        let is_alike = shape(&left) == shape(&layout);
        // Lengths have longer forms, and nothing but their octets is compared.
        let is_same_form = skeleton(reader.rest(), &left, len) == skeleton(octets, &layout, len);
        assert!(!is_alike || !is_same_form, "a row that looks like the first");
    }
}

/// A value that has no elements.
struct Leaf {
    data_type: DataType,
    /// Octets without tag and length.
    contents: usize,
    integer: Option<i128>,
    encoded: Vec<u8>,
}

/// The values of a row, one by one.
fn leaves(row: RawData<'_>) -> Result<Vec<Leaf>, Malformed> {
    fn walk(data: &Data<'_>, leaves: &mut Vec<Leaf>) -> Result<(), Malformed> {
        if let Data::Array(elements) | Data::Structure(elements) = data {
            return elements.clone().try_for_each(|element| walk(&element?, leaves));
        }
        let encoded = encoded(|writer| data.encode(writer));
        let contents = match data {
            Data::BitString(bits) => bits.octets().len(),
            data => data.as_octets().map_or(encoded.len() - 1, <[u8]>::len),
        };
        let data_type = data.data_type();
        leaves.push(Leaf { data_type, contents, integer: data.as_integer(), encoded });
        Ok(())
    }
    let mut found = Vec::new();
    walk(&row.data()?, &mut found)?;
    Ok(found)
}

/// The octets of a row that are no contents: its shortest encoding has them all, or it has more.
fn skeleton(octets: &[u8], leaves: &[Leaf], len: usize) -> Option<Vec<u8>> {
    let mut reader = Reader::new(&octets[..len]);
    let mut skeleton = Vec::new();
    let mut leaves = leaves.iter();
    while !reader.is_empty() {
        let tag = reader.u8().ok()?;
        skeleton.push(tag);
        if tag == DataType::Array.tag() || tag == DataType::Structure.tag() {
            let before = reader.rest();
            reader.length().ok()?;
            skeleton.extend_from_slice(&before[..before.len() - reader.rest().len()]);
            continue;
        }
        let leaf = leaves.next()?;
        let head = match DataType::from_tag(tag)? {
            DataType::OctetString
            | DataType::VisibleString
            | DataType::Utf8String
            | DataType::BitString => {
                let before = reader.rest();
                reader.length().ok()?;
                before[..before.len() - reader.rest().len()].to_vec()
            }
            _ => Vec::new(),
        };
        skeleton.extend(head);
        reader.octets(leaf.contents).ok()?;
    }
    Some(skeleton)
}
