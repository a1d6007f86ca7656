//! Read and InformationReport of short name referencing (IEC 62056-5-3 clauses 6.12, 6.15 and 8,
//! ReadRequest, ReadResponse and InformationReportRequest).

use alloc::vec::Vec;

use super::{
    DataAccessResult, VariableAccess, head, list, tag,
    variable_access::{decode_block, encode_block},
};
use crate::{
    Malformed, MalformedKind,
    axdr::{RawData, Reader, Writer},
};

// The choices of an entry of ReadResponse.
const DATA: u8 = 0;
const DATA_ACCESS_ERROR: u8 = 1;
const DATA_BLOCK_RESULT: u8 = 2;
const BLOCK_NUMBER: u8 = 3;

/// Asks for attributes, or has methods invoked that return something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRequest<'a>(pub Vec<VariableAccess<'a>>);

impl<'a> ReadRequest<'a> {
    /// Reads a read-request, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not one, with the place.
    pub fn decode(apdu: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(apdu);
        head::take_tag(&mut reader, tag::READ_REQUEST)?;
        let request = Self(list::decode(&mut reader, VariableAccess::decode)?);
        reader.finish()?;
        Ok(request)
    }

    /// Appends the read-request.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.u8(tag::READ_REQUEST);
        list::encode(writer, &self.0, VariableAccess::encode);
    }
}

/// One entry of a [`ReadResponse`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadResult<'a> {
    /// The value.
    Data(RawData<'a>),
    /// Why there is none.
    Error(DataAccessResult),
    /// A block of an answer that is too long for one APDU.
    Block {
        /// Whether it is the last one.
        last: bool,
        /// Its number, from 1.
        number: u16,
        /// The raw data: a part of the list of results.
        octets: &'a [u8],
    },
    /// A block of the request was received; the next one is due.
    BlockNumber(u16),
}

impl<'a> ReadResult<'a> {
    /// Takes one.
    ///
    /// # Errors
    /// Truncation, an unknown choice, data that is not a value.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let unknown = reader.clone();
        Ok(match reader.u8()? {
            DATA => Self::Data(RawData::decode(reader)?),
            DATA_ACCESS_ERROR => Self::Error(DataAccessResult::from_code(reader.u8()?)),
            DATA_BLOCK_RESULT => {
                let (last, number, octets) = decode_block(reader)?;
                Self::Block { last, number, octets }
            }
            BLOCK_NUMBER => Self::BlockNumber(reader.u16()?),
            other => return Err(unknown.fail(MalformedKind::UnknownChoice(other))),
        })
    }

    /// Appends it.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        match *self {
            Self::Data(data) => {
                writer.u8(DATA);
                data.encode(writer);
            }
            Self::Error(result) => writer.octets(&[DATA_ACCESS_ERROR, result.code()]),
            Self::Block { last, number, octets } => {
                writer.u8(DATA_BLOCK_RESULT);
                encode_block(writer, last, number, octets);
            }
            Self::BlockNumber(number) => {
                writer.u8(BLOCK_NUMBER);
                writer.u16(number);
            }
        }
    }
}

/// Answers a [`ReadRequest`], in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadResponse<'a>(pub Vec<ReadResult<'a>>);

impl<'a> ReadResponse<'a> {
    /// Reads a read-response, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not one, with the place.
    pub fn decode(apdu: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(apdu);
        head::take_tag(&mut reader, tag::READ_RESPONSE)?;
        let response = Self(list::decode(&mut reader, ReadResult::decode)?);
        reader.finish()?;
        Ok(response)
    }

    /// Appends the read-response.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.u8(tag::READ_RESPONSE);
        list::encode(writer, &self.0, ReadResult::encode);
    }
}

/// Values that a meter sends unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InformationReport<'a> {
    /// When they were sent: the text of a GeneralizedTime, `YYYYMMDDhhmm` and what may follow.
    pub current_time: Option<&'a [u8]>,
    /// What is reported.
    pub variables: Vec<VariableAccess<'a>>,
    /// For each its value.
    pub data: Vec<RawData<'a>>,
}

impl<'a> InformationReport<'a> {
    /// Reads an information-report-request, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not one, with the place; [`MalformedKind::Count`] when there are not as many
    /// data as variables.
    pub fn decode(apdu: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(apdu);
        head::take_tag(&mut reader, tag::INFORMATION_REPORT_REQUEST)?;
        let current_time = if reader.presence()? { Some(reader.octet_string()?) } else { None };
        let variables = list::decode(&mut reader, VariableAccess::decode)?;
        let data = list::decode_values(&mut reader, variables.len())?;
        reader.finish()?;
        Ok(Self { current_time, variables, data })
    }

    /// Appends the information-report-request.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.u8(tag::INFORMATION_REPORT_REQUEST);
        writer.presence(self.current_time.is_some());
        if let Some(time) = self.current_time {
            writer.octet_string(time);
        }
        list::encode(writer, &self.variables, VariableAccess::encode);
        list::encode(writer, &self.data, RawData::encode);
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

    fn encoded(encode: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        let mut out = Vec::new();
        encode(&mut Writer::new(&mut out));
        out
    }

    #[test]
    fn a_request_names_variables_parts_of_them_and_blocks() {
        let octets = [
            0x05, 0x04, // read-request, four of them
            0x02, 0xfa, 0x08, // variable FA08
            0x04, 0x40, 0x08, 0x02, 0x11, 0x05, // variable 4008, selector 2, unsigned 5
            0x05, 0x00, 0x07, // the block after 7
            0x06, 0x00, 0x00, 0x01, 0x02, 0xaa, 0xbb, // block 1, two octets, not the last
        ];
        let request = ReadRequest(vec![
            VariableAccess::Name(ShortName(0xfa08)),
            VariableAccess::Parameterized {
                name: ShortName(0x4008),
                selector: 2,
                parameter: value(&[0x11, 0x05]),
            },
            VariableAccess::BlockNumber(7),
            VariableAccess::ReadBlock { last: false, number: 1, octets: &[0xaa, 0xbb] },
        ]);
        assert_eq!(ReadRequest::decode(&octets).as_ref(), Ok(&request));
        assert_eq!(encoded(|writer| request.encode(writer)), octets);
    }

    #[test]
    fn a_response_has_data_errors_and_blocks() {
        let octets = [
            0x0c, 0x04, // read-response, four of them
            0x00, 0x11, 0x05, // unsigned 5
            0x01, 0x04, // object-undefined
            0x02, 0xff, 0x00, 0x03, 0x01, 0xaa, // block 3, the last, one octet
            0x03, 0x00, 0x02, // block 2 of the request is there
        ];
        let response = ReadResponse(vec![
            ReadResult::Data(value(&[0x11, 0x05])),
            ReadResult::Error(DataAccessResult::ObjectUndefined),
            ReadResult::Block { last: true, number: 3, octets: &[0xaa] },
            ReadResult::BlockNumber(2),
        ]);
        assert_eq!(ReadResponse::decode(&octets).as_ref(), Ok(&response));
        assert_eq!(encoded(|writer| response.encode(writer)), octets);
    }

    #[test]
    fn detailed_access_and_other_choices_are_refused_at_their_octet() {
        assert_eq!(
            ReadRequest::decode(&[0x05, 0x01, 0x03, 0x00]),
            Err(Malformed::new(MalformedKind::UnknownChoice(3), 2))
        );
        assert_eq!(
            ReadResponse::decode(&[0x0c, 0x01, 0x04, 0x00]),
            Err(Malformed::new(MalformedKind::UnknownChoice(4), 2))
        );
    }

    #[test]
    fn a_report_has_as_many_data_as_variables() {
        let octets = [
            0x18, 0x01, 0x0c, // information-report-request, at
            b'2', b'0', b'2', b'6', b'0', b'1', b'1', b'5', b'1', b'7', b'3', b'0', //
            0x01, 0x02, 0x40, 0x08, // one variable, 4008
            0x01, 0x11, 0x05, // one value, unsigned 5
        ];
        let report = InformationReport {
            current_time: Some(b"202601151730"),
            variables: vec![VariableAccess::Name(ShortName(0x4008))],
            data: vec![value(&[0x11, 0x05])],
        };
        assert_eq!(InformationReport::decode(&octets).as_ref(), Ok(&report));
        assert_eq!(encoded(|writer| report.encode(writer)), octets);
        assert_eq!(
            InformationReport::decode(&[0x18, 0x00, 0x01, 0x02, 0x40, 0x08, 0x00]),
            Err(Malformed::new(MalformedKind::Count, 6))
        );
    }
}
