//! Write and UnconfirmedWrite of short name referencing (IEC 62056-5-3 clauses 6.13, 6.14 and 8,
//! WriteRequest, WriteResponse and UnconfirmedWriteRequest).

use alloc::vec::Vec;

use super::{DataAccessResult, VariableAccess, head, list, tag};
use crate::{
    Malformed, MalformedKind,
    axdr::{RawData, Reader, Writer},
};

// The choices of an entry of WriteResponse.
const SUCCESS: u8 = 0;
const DATA_ACCESS_ERROR: u8 = 1;
const BLOCK_NUMBER: u8 = 2;

/// Writes attributes, or invokes methods that return nothing. An UnconfirmedWriteRequest is the
/// same under another tag, and never answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteRequest<'a> {
    /// What is written.
    pub variables: Vec<VariableAccess<'a>>,
    /// For each its value, or the parameters of the method.
    pub data: Vec<RawData<'a>>,
}

impl<'a> WriteRequest<'a> {
    /// Reads a write-request, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not one, with the place; [`MalformedKind::Count`] when there are not as many
    /// data as variables.
    pub fn decode(apdu: &'a [u8]) -> Result<Self, Malformed> {
        Self::decode_tagged(apdu, tag::WRITE_REQUEST)
    }

    /// Reads an unconfirmed-write-request, which must be all of `apdu`.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn decode_unconfirmed(apdu: &'a [u8]) -> Result<Self, Malformed> {
        Self::decode_tagged(apdu, tag::UNCONFIRMED_WRITE_REQUEST)
    }

    fn decode_tagged(apdu: &'a [u8], tag: u8) -> Result<Self, Malformed> {
        let mut reader = Reader::new(apdu);
        head::take_tag(&mut reader, tag)?;
        let request = Self::decode_lists(&mut reader)?;
        reader.finish()?;
        Ok(request)
    }

    /// Takes what follows the tag: this is what the blocks of a long request are parts of.
    pub(crate) fn decode_lists(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let variables = list::decode(reader, VariableAccess::decode)?;
        let data = list::decode_values(reader, variables.len())?;
        Ok(Self { variables, data })
    }

    /// Appends the write-request.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.u8(tag::WRITE_REQUEST);
        self.encode_lists(writer);
    }

    /// Appends the unconfirmed-write-request.
    pub fn encode_unconfirmed(&self, writer: &mut Writer<'_>) {
        writer.u8(tag::UNCONFIRMED_WRITE_REQUEST);
        self.encode_lists(writer);
    }

    /// Appends what follows the tag.
    pub(crate) fn encode_lists(&self, writer: &mut Writer<'_>) {
        list::encode(writer, &self.variables, VariableAccess::encode);
        list::encode(writer, &self.data, RawData::encode);
    }
}

/// One entry of a [`WriteResponse`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteResult {
    /// It was written.
    Success,
    /// Why it was not.
    Error(DataAccessResult),
    /// A block of the request was received; the next one is due.
    BlockNumber(u16),
}

impl WriteResult {
    /// Takes one.
    ///
    /// # Errors
    /// Truncation, an unknown choice.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let unknown = reader.clone();
        match reader.u8()? {
            SUCCESS => Ok(Self::Success),
            DATA_ACCESS_ERROR => Ok(Self::Error(DataAccessResult::from_code(reader.u8()?))),
            BLOCK_NUMBER => Ok(Self::BlockNumber(reader.u16()?)),
            other => Err(unknown.fail(MalformedKind::UnknownChoice(other))),
        }
    }

    /// Appends it.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        match *self {
            Self::Success => writer.u8(SUCCESS),
            Self::Error(result) => writer.octets(&[DATA_ACCESS_ERROR, result.code()]),
            Self::BlockNumber(number) => {
                writer.u8(BLOCK_NUMBER);
                writer.u16(number);
            }
        }
    }
}

/// Answers a [`WriteRequest`], in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteResponse(pub Vec<WriteResult>);

impl WriteResponse {
    /// Reads a write-response, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not one, with the place.
    pub fn decode(apdu: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(apdu);
        head::take_tag(&mut reader, tag::WRITE_RESPONSE)?;
        let response = Self(list::decode(&mut reader, WriteResult::decode)?);
        reader.finish()?;
        Ok(response)
    }

    /// Appends the write-response.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.u8(tag::WRITE_RESPONSE);
        list::encode(writer, &self.0, WriteResult::encode);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cosem::ShortName;
    use alloc::vec;

    fn value(octets: &[u8]) -> RawData<'_> {
        RawData::decode(&mut Reader::new(octets)).unwrap()
    }

    #[test]
    fn a_request_writes_variables_or_a_block_and_unconfirmed_only_its_tag_differs() {
        let octets = [
            0x06, 0x02, // write-request, two of them
            0x02, 0x40, 0x08, // variable 4008
            0x07, 0x00, 0x00, 0x01, // block 1, not the last
            0x02, 0x11, 0x05, // unsigned 5
            0x09, 0x01, 0xaa, // the octet of the block
        ];
        let request = WriteRequest {
            variables: vec![
                VariableAccess::Name(ShortName(0x4008)),
                VariableAccess::WriteBlock { last: false, number: 1 },
            ],
            data: vec![value(&[0x11, 0x05]), value(&[0x09, 0x01, 0xaa])],
        };
        assert_eq!(WriteRequest::decode(&octets).as_ref(), Ok(&request));
        let mut out = Vec::new();
        request.encode(&mut Writer::new(&mut out));
        assert_eq!(out, octets);

        out.clear();
        request.encode_unconfirmed(&mut Writer::new(&mut out));
        assert_eq!((out[0], &out[1..]), (0x16, &octets[1..]));
        assert_eq!(WriteRequest::decode_unconfirmed(&out), Ok(request));
        let other = Malformed::new(MalformedKind::UnknownTag(0x16), 0);
        assert_eq!(WriteRequest::decode(&out), Err(other));
    }

    #[test]
    fn a_request_with_a_value_too_few_is_refused_at_the_list_of_values() {
        assert_eq!(
            WriteRequest::decode(&[0x06, 0x01, 0x02, 0x40, 0x08, 0x00]),
            Err(Malformed::new(MalformedKind::Count, 5))
        );
    }

    #[test]
    fn a_response_has_a_result_for_each() {
        let octets = [0x0d, 0x03, 0x00, 0x01, 0x03, 0x02, 0x00, 0x01];
        let response = WriteResponse(vec![
            WriteResult::Success,
            WriteResult::Error(DataAccessResult::ReadWriteDenied),
            WriteResult::BlockNumber(1),
        ]);
        assert_eq!(WriteResponse::decode(&octets).as_ref(), Ok(&response));
        let mut out = Vec::new();
        response.encode(&mut Writer::new(&mut out));
        assert_eq!(out, octets);
    }
}
