//! The type description and the contents of a compact-array.

use alloc::vec::Vec;

use super::{encoded, next};
use crate::axdr::{
    COMPACT_ARRAY_VALUES_PER_OCTET_MAX, CompactArray, CompactArrayBuf, CompactArrayRules, Data,
    DataBuf, Reader,
};

/// The elements of a compact-array are values, no more of them than its contents allow, and packed
/// again they unpack the same.
///
/// First octet: the rules. Then type description and contents.
pub fn compact_array(mut octets: &[u8]) {
    let rules = match next(&mut octets) & 1 {
        0 => CompactArrayRules::Standard,
        _ => CompactArrayRules::CountInContents,
    };
    let mut reader = Reader::new(octets);
    let Ok(array) = CompactArray::decode(&mut reader) else {
        assert_eq!(reader.offset(), 0);
        return;
    };
    let written = encoded(|writer| array.encode(writer));
    let again = CompactArray::decode(&mut Reader::new(&written)).expect("what was written");
    assert_eq!(again, array);

    let Ok(elements) = array.elements_by(rules) else { return };
    let count = elements.len();
    let elements: Vec<DataBuf> = elements
        .map(|element| element.and_then(|data| data.to_buf()).expect("contents that were walked"))
        .collect();
    assert_eq!(elements.len(), count);
    let values: usize = elements.iter().map(values).sum();
    assert!(values <= array.contents().len() * COMPACT_ARRAY_VALUES_PER_OCTET_MAX);

    let Ok(packed) = CompactArrayBuf::from_elements(&elements, rules) else { return };
    let unpacked: Vec<u8> = packed
        .view()
        .elements_by(rules)
        .expect("what was packed")
        .flat_map(|element| element.and_then(|data| data.to_buf()).expect("packed").to_octets())
        .collect();
    let expected: Vec<u8> = elements.iter().flat_map(DataBuf::to_octets).collect();
    assert_eq!(unpacked, expected);
    let octets = DataBuf::CompactArray(packed).to_octets();
    assert!(matches!(Data::decode(&mut Reader::new(&octets)), Ok(Data::CompactArray(_))));
}

fn values(value: &DataBuf) -> usize {
    match value {
        DataBuf::Array(elements) | DataBuf::Structure(elements) => {
            1 + elements.iter().map(values).sum::<usize>()
        }
        _ => 1,
    }
}
