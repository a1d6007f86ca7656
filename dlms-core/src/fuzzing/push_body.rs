//! What pushes say, by the patterns met in the field.

use alloc::string::ToString;

use crate::{
    axdr::RawData,
    push::{Pattern, Patterns, Untagged, scalar_count},
};

/// A body has no more values than scalars; a pattern that can be read is written the same.
pub fn push_body(octets: &[u8]) {
    let patterns = Patterns::built_in();
    if let Ok(body) = RawData::from_octets(octets).and_then(|raw| raw.data())
        && let Ok(count) = scalar_count(&body)
    {
        let values = patterns.interpret(&body).expect("a body whose values can be counted");
        assert!(values.len() <= count.max(octets.len()), "{} of {count}", values.len());
    }
    if let Some(values) = patterns.interpret_untagged(octets) {
        assert!(values.len() <= octets.len());
    }
    if let Ok(text) = core::str::from_utf8(octets) {
        if let Ok(pattern) = text.parse::<Pattern>() {
            assert_eq!(pattern.to_string().parse(), Ok(pattern));
        }
        let _ = text.parse::<Untagged>();
    }
}
