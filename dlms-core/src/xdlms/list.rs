//! SEQUENCE OF: a count and that many items.

use alloc::vec::Vec;

use crate::{
    Malformed, MalformedKind,
    axdr::{RawData, Reader, Writer},
};

/// Takes a list. The announced count is a claim: the list grows by the items that are there, and
/// since no item is empty, their number is bounded by the octets present.
pub(super) fn decode<'a, T>(
    reader: &mut Reader<'a>,
    item: impl Fn(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let count = reader.length()?;
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(item(reader)?);
    }
    Ok(items)
}

/// Takes a list of values that belongs to a list of `partners` descriptors.
pub(super) fn decode_values<'a>(
    reader: &mut Reader<'a>,
    partners: usize,
) -> Result<Vec<RawData<'a>>, Malformed> {
    let counts = reader.fail(MalformedKind::Count);
    let values = decode(reader, RawData::decode)?;
    if values.len() == partners { Ok(values) } else { Err(counts) }
}

/// Appends a list.
pub(super) fn encode<T>(writer: &mut Writer<'_>, items: &[T], item: impl Fn(&T, &mut Writer<'_>)) {
    writer.length(items.len());
    for each in items {
        item(each, writer);
    }
}
