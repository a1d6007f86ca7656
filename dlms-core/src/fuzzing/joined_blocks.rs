//! What datablocks carry once they are joined.

use super::{encoded, next};
use crate::xdlms::joined;

/// What can be read is written to octets that read the same.
///
/// First octet: how many partners a list of values has. Then the joined octets.
pub fn joined_blocks(mut octets: &[u8]) {
    let partners = usize::from(next(&mut octets));
    if let Ok(value) = joined::decode_value(octets) {
        assert_eq!(value.octets(), octets);
    }
    if let Ok(values) = joined::decode_values(octets, partners) {
        assert_eq!(values.len(), partners);
        let written = encoded(|writer| joined::encode_values(&values, writer));
        assert_eq!(joined::decode_values(&written, partners), Ok(values));
    }
    if let Ok(results) = joined::decode_results(octets) {
        let written = encoded(|writer| joined::encode_results(&results, writer));
        assert_eq!(joined::decode_results(&written), Ok(results));
    }
    if let Ok((result, returned)) = joined::decode_reply(octets) {
        let written = encoded(|writer| joined::encode_reply(result, returned, writer));
        assert_eq!(joined::decode_reply(&written), Ok((result, returned)));
    }
    if let Ok(replies) = joined::decode_replies(octets) {
        let written = encoded(|writer| joined::encode_replies(&replies, writer));
        assert_eq!(joined::decode_replies(&written), Ok(replies));
    }
}
