//! One encoded value.

use alloc::vec::Vec;

use super::encoded;
use crate::{
    Malformed, MalformedKind,
    axdr::{
        COMPACT_ARRAY_VALUES_PER_OCTET_MAX, CompactArrayRules, Data, DataBuf, NESTING_MAX, RawData,
        Reader,
    },
};

/// Values up to this length are cut at every octet.
const CUT_LEN_MAX: usize = 64;

/// The three ways to read a value agree on whether it is one and where it ends. Its values are no
/// more than its octets allow. Written it reads the same, and written again it is the same octets.
pub fn axdr_data(octets: &[u8]) {
    let (mut reader, mut raw_reader, mut buf_reader) =
        (Reader::new(octets), Reader::new(octets), Reader::new(octets));
    let data = Data::decode(&mut reader);
    let raw = RawData::decode(&mut raw_reader);
    let buf = DataBuf::decode(&mut buf_reader);
    assert_eq!(reader.offset(), raw_reader.offset());
    assert_eq!(reader.offset(), buf_reader.offset());
    let (data, raw, buf) = match (data, raw, buf) {
        (Ok(data), Ok(raw), Ok(buf)) => (data, raw, buf),
        (Err(data), Err(raw), Err(buf)) => {
            assert_eq!(data, raw);
            assert_eq!(data, buf);
            assert_eq!(reader.offset(), 0, "a failed decode takes nothing");
            return;
        }
        outcomes => panic!("{outcomes:?}"),
    };

    assert_eq!(raw.octets(), &octets[..reader.offset()]);
    let mut values = 0;
    walk(&data, 0, &mut values).expect("a value that was read can be browsed");
    assert!(values <= raw.octets().len() * (COMPACT_ARRAY_VALUES_PER_OCTET_MAX + 1));

    let written = encoded(|writer| data.encode(writer));
    // The octets of a true boolean inside are kept as they came; the owned value has but one.
    let normal = DataBuf::decode(&mut Reader::new(&written)).expect("what was written can be read");
    assert_eq!(normal.to_octets(), buf.to_octets());
    let lazy = raw.data().expect("what was walked can be read");
    assert_eq!(written, encoded(|writer| lazy.encode(writer)));
    let again = RawData::from_octets(&written).expect("what was written can be read");
    let again = again.data().expect("what was walked can be read");
    assert_eq!(written, encoded(|writer| again.encode(writer)));
    assert!(written.len() <= raw.octets().len(), "a length has no shorter form");

    for cut in 0..raw.octets().len().min(CUT_LEN_MAX) {
        let error = RawData::from_octets(&raw.octets()[..cut]).expect_err("a cut value");
        assert_eq!(error.kind, MalformedKind::Truncated);
    }
}

/// Counts a value and all inside it, as deep as they may nest.
fn walk(data: &Data<'_>, depth: usize, values: &mut usize) -> Result<(), Malformed> {
    *values += 1;
    assert!(depth <= NESTING_MAX);
    let elements = match data {
        Data::Array(elements) | Data::Structure(elements) => elements.clone(),
        Data::CompactArray(array) => match array.elements_by(CompactArrayRules::Standard) {
            Ok(elements) => elements,
            // The contents of a compact-array are looked at by whoever asks for its elements.
            Err(_) => return Ok(()),
        },
        _ => return Ok(()),
    };
    let elements: Vec<_> = elements.collect::<Result<_, _>>()?;
    elements.iter().try_for_each(|element| walk(element, depth + 1, values))
}
