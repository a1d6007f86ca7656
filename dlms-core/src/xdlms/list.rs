//! SEQUENCE OF: a count and that many items.

use alloc::vec::Vec;

use crate::{
    Malformed, MalformedKind,
    axdr::{RawData, Reader, Writer},
};

/// Items of one list: as many as one APDU of the wrapper has octets. An item takes several times as
/// much memory as it has octets, so that a longer list, of what blocks have joined, would be a
/// burden.
const ITEMS_MAX: usize = 0x1_0000;

/// Takes a list. The announced count is a claim: the list grows by the items that are there, and
/// since no item is empty, their number is bounded by the octets present, and by [`ITEMS_MAX`].
pub(super) fn decode<'a, T>(
    reader: &mut Reader<'a>,
    item: impl Fn(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let too_many = reader.fail(MalformedKind::Length);
    let count = reader.length()?;
    // A count that the octets do not bear out is found to be a lie soon enough.
    if count > ITEMS_MAX && reader.rest().len() > ITEMS_MAX {
        return Err(too_many);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_longer_than_one_apdu_could_be_is_refused_at_its_count() {
        let decoded = |count: usize| {
            let mut octets = Vec::new();
            Writer::new(&mut octets).length(count);
            octets.resize(octets.len() + count, 0);
            decode(&mut Reader::new(&octets), |reader| reader.u8()).map(|items| items.len())
        };
        assert_eq!(decoded(ITEMS_MAX), Ok(ITEMS_MAX));
        assert_eq!(decoded(ITEMS_MAX + 1), Err(Malformed::new(MalformedKind::Length, 0)));
    }
}
