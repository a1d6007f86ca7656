//! What the raw data of datablocks mean once all of them are joined (IEC 62056-5-3 clause 7.3).
//!
//! Blocks are cut from the encoding of what the service would have carried in one APDU, without the
//! choice octets around it:
//!
//! | Blocks of | are parts of | read by |
//! |---|---|---|
//! | get-response to a normal request | one value | [`decode_value`] |
//! | get-response to a list | the list of results | [`decode_results`] |
//! | set-request with first datablock | one value | [`decode_value`] |
//! | set-request with list and first datablock | the list of values | [`decode_values`] |
//! | action-request with first pblock | one value, the parameters | [`decode_value`] |
//! | action-request with list and first pblock | the list of parameters | [`decode_values`] |
//! | action-response to a normal request | result and return parameters | [`decode_reply`] |
//! | action-response to a list | the list of those | [`decode_replies`] |

use alloc::vec::Vec;

use super::{ActionResult, DataAccessResult, action, get, list};
use crate::{
    Malformed,
    axdr::{RawData, Reader, Writer},
};

/// Reads one value, which must be all of `octets`.
///
/// # Errors
/// Octets that are not a value, or more than that.
pub fn decode_value(octets: &[u8]) -> Result<RawData<'_>, Malformed> {
    whole(octets, RawData::decode)
}

/// Reads the values of a SET, or the parameters of an ACTION, with a list of `partners`.
///
/// # Errors
/// Octets that are not a list of values, or more than that;
/// [`MalformedKind::Count`](crate::MalformedKind::Count) when there are not as many as partners.
pub fn decode_values(octets: &[u8], partners: usize) -> Result<Vec<RawData<'_>>, Malformed> {
    whole(octets, |reader| list::decode_values(reader, partners))
}

/// Appends the values of a SET, or the parameters of an ACTION, with a list.
pub fn encode_values(values: &[RawData<'_>], writer: &mut Writer<'_>) {
    list::encode(writer, values, RawData::encode);
}

/// Reads the results of a GET with a list.
///
/// # Errors
/// Octets that are not a list of results, or more than that.
pub fn decode_results(
    octets: &[u8],
) -> Result<Vec<Result<RawData<'_>, DataAccessResult>>, Malformed> {
    whole(octets, |reader| list::decode(reader, get::decode_result))
}

/// Appends the results of a GET with a list.
pub fn encode_results(results: &[Result<RawData<'_>, DataAccessResult>], writer: &mut Writer<'_>) {
    list::encode(writer, results, get::encode_result);
}

/// Reads how a method went and what it returned.
///
/// A pblock has no other place for the action-result, so that it stands in front of the return
/// parameters as in an action-response-normal. Return data alone, that is `01 00` and the data, is
/// understood as well and then means success: read the first way it is a hardware-fault without
/// return parameters, with octets left over.
///
/// # Errors
/// Octets that are neither; the place is that of the first reading.
pub fn decode_reply(
    octets: &[u8],
) -> Result<(ActionResult, Option<Result<RawData<'_>, DataAccessResult>>), Malformed> {
    whole(octets, action::decode_reply).or_else(|malformed| {
        match whole(octets, action::decode_returned) {
            Ok(returned @ Some(Ok(_))) => Ok((ActionResult::Success, returned)),
            _ => Err(malformed),
        }
    })
}

/// Appends how a method went and what it returned.
pub fn encode_reply(
    result: ActionResult,
    returned: Option<Result<RawData<'_>, DataAccessResult>>,
    writer: &mut Writer<'_>,
) {
    action::encode_reply(&(result, returned), writer);
}

/// Reads how each method of a list went and what it returned.
///
/// # Errors
/// Octets that are not such a list, or more than that.
#[expect(clippy::type_complexity, reason = "it is the list that ActionResponse::WithList carries")]
pub fn decode_replies(
    octets: &[u8],
) -> Result<Vec<(ActionResult, Option<Result<RawData<'_>, DataAccessResult>>)>, Malformed> {
    whole(octets, |reader| list::decode(reader, action::decode_reply))
}

/// Appends how each method of a list went and what it returned.
pub fn encode_replies(
    replies: &[(ActionResult, Option<Result<RawData<'_>, DataAccessResult>>)],
    writer: &mut Writer<'_>,
) {
    list::encode(writer, replies, action::encode_reply);
}

/// Decodes all of `octets`.
fn whole<'a, T>(
    octets: &'a [u8],
    decode: impl FnOnce(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<T, Malformed> {
    let mut reader = Reader::new(octets);
    let value = decode(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MalformedKind;
    use alloc::vec;

    fn value(octets: &[u8]) -> RawData<'_> {
        decode_value(octets).unwrap()
    }

    #[test]
    fn a_value_is_joined_without_a_choice_octet() {
        assert_eq!(value(&[0x11, 0x05]).octets(), [0x11, 0x05]);
        assert_eq!(
            decode_value(&[0x00, 0x11, 0x05]),
            Err(Malformed::new(MalformedKind::Trailing, 1))
        );
    }

    #[test]
    fn the_results_of_a_list_have_one_count_and_a_choice_each() {
        let octets = [
            0x03, // three results
            0x00, 0x11, 0x05, // data: unsigned 5
            0x01, 0x04, // object-undefined
            0x00, 0x00, // data: null-data
        ];
        let results = vec![
            Ok(value(&[0x11, 0x05])),
            Err(DataAccessResult::ObjectUndefined),
            Ok(RawData::NULL),
        ];
        assert_eq!(decode_results(&octets), Ok(results.clone()));
        let mut out = Vec::new();
        encode_results(&results, &mut Writer::new(&mut out));
        assert_eq!(out, octets);
        assert_eq!(decode_results(&octets[..7]), Err(Malformed::new(MalformedKind::Truncated, 7)));
    }

    #[test]
    fn the_values_of_a_list_are_as_many_as_its_attributes() {
        let octets = [0x02, 0x11, 0x05, 0x00];
        let values = vec![value(&[0x11, 0x05]), RawData::NULL];
        assert_eq!(decode_values(&octets, 2), Ok(values.clone()));
        assert_eq!(decode_values(&octets, 3), Err(Malformed::new(MalformedKind::Count, 0)));
        let mut out = Vec::new();
        encode_values(&values, &mut Writer::new(&mut out));
        assert_eq!(out, octets);
    }

    #[test]
    fn a_reply_is_result_and_return_parameters() {
        let octets = [0x00, 0x01, 0x00, 0x09, 0x02, 0xaa, 0xbb];
        let data = value(&[0x09, 0x02, 0xaa, 0xbb]);
        assert_eq!(decode_reply(&octets), Ok((ActionResult::Success, Some(Ok(data)))));
        let mut out = Vec::new();
        encode_reply(ActionResult::Success, Some(Ok(data)), &mut Writer::new(&mut out));
        assert_eq!(out, octets);
    }

    #[test]
    fn a_reply_without_result_is_a_success_that_returned_something() {
        let data = value(&[0x09, 0x02, 0xaa, 0xbb]);
        assert_eq!(
            decode_reply(&[0x01, 0x00, 0x09, 0x02, 0xaa, 0xbb]),
            Ok((ActionResult::Success, Some(Ok(data))))
        );
        assert_eq!(
            decode_reply(&[0x01, 0x01, 0x02]),
            Err(Malformed::new(MalformedKind::UnknownChoice(2), 2))
        );
        assert_eq!(decode_reply(&[0x01, 0x00]), Ok((ActionResult::HardwareFault, None)));
        assert_eq!(decode_reply(&[0x00]), Err(Malformed::new(MalformedKind::Truncated, 1)));
    }

    #[test]
    fn the_replies_of_a_list_have_one_count() {
        let octets = [
            0x02, // two replies
            0x00, 0x00, // success, nothing returned
            0x0c, 0x01, 0x01, 0x0b, // type-unmatched, returned object-unavailable
        ];
        let replies = vec![
            (ActionResult::Success, None),
            (ActionResult::TypeUnmatched, Some(Err(DataAccessResult::ObjectUnavailable))),
        ];
        assert_eq!(decode_replies(&octets), Ok(replies.clone()));
        let mut out = Vec::new();
        encode_replies(&replies, &mut Writer::new(&mut out));
        assert_eq!(out, octets);
    }
}
