//! ACCESS: reads, writes and method calls in one request (IEC 62056-5-3 clauses 6.9 and 8,
//! Access-Request and Access-Response).
//!
//! Both APDUs have two lists of equal length: what is to be done and the data for it in the
//! request, the data that came of it and how it went in the response. So each entry has a datum,
//! null-data where there is none.

use alloc::vec::Vec;

use super::{
    ActionResult, DataAccessResult, LongInvokeIdAndPriority, SelectiveAccess, head, list,
    notification::decode_date_time, tag,
};
use crate::{
    Malformed, MalformedKind,
    axdr::{RawData, Reader, Writer},
    cosem::{AttributeDescriptor, MethodDescriptor},
};

// The choices of Access-Request-Specification, and the first three those of
// Access-Response-Specification.
const GET: u8 = 1;
const SET: u8 = 2;
const ACTION: u8 = 3;
const GET_WITH_SELECTION: u8 = 4;
const SET_WITH_SELECTION: u8 = 5;

/// One thing to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessSpecification<'a> {
    /// Read an attribute, or the selected part of it.
    Get {
        /// The attribute.
        attribute: AttributeDescriptor,
        /// Which part of it.
        selection: Option<SelectiveAccess<'a>>,
    },
    /// Write an attribute, or the selected part of it.
    Set {
        /// The attribute.
        attribute: AttributeDescriptor,
        /// Which part of it.
        selection: Option<SelectiveAccess<'a>>,
    },
    /// Invoke a method.
    Action(MethodDescriptor),
}

impl<'a> AccessSpecification<'a> {
    /// Takes one.
    ///
    /// # Errors
    /// Truncation, an unknown choice, parameters of a selection that are not a value.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let unknown = reader.clone();
        let choice = reader.u8()?;
        Ok(match choice {
            GET | GET_WITH_SELECTION => Self::Get {
                attribute: AttributeDescriptor::decode(reader)?,
                selection: decode_selection(reader, choice == GET_WITH_SELECTION)?,
            },
            SET | SET_WITH_SELECTION => Self::Set {
                attribute: AttributeDescriptor::decode(reader)?,
                selection: decode_selection(reader, choice == SET_WITH_SELECTION)?,
            },
            ACTION => Self::Action(MethodDescriptor::decode(reader)?),
            other => return Err(unknown.fail(MalformedKind::UnknownChoice(other))),
        })
    }

    /// Appends it.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        let mut attribute = |whole, selected, attribute: &AttributeDescriptor, selection| {
            let selection: &Option<SelectiveAccess<'_>> = selection;
            writer.u8(if selection.is_some() { selected } else { whole });
            attribute.encode(writer);
            if let Some(SelectiveAccess { selector, parameters }) = selection {
                writer.u8(*selector);
                parameters.encode(writer);
            }
        };
        match self {
            Self::Get { attribute: of, selection } => {
                attribute(GET, GET_WITH_SELECTION, of, selection);
            }
            Self::Set { attribute: of, selection } => {
                attribute(SET, SET_WITH_SELECTION, of, selection);
            }
            Self::Action(method) => {
                writer.u8(ACTION);
                method.encode(writer);
            }
        }
    }
}

/// Takes a selection without presence octet: the choice in front told that it is there.
fn decode_selection<'a>(
    reader: &mut Reader<'a>,
    present: bool,
) -> Result<Option<SelectiveAccess<'a>>, Malformed> {
    if !present {
        return Ok(None);
    }
    let selector = reader.u8()?;
    Ok(Some(SelectiveAccess { selector, parameters: RawData::decode(reader)? }))
}

/// How one thing went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessResult {
    /// A read.
    Get(DataAccessResult),
    /// A write.
    Set(DataAccessResult),
    /// A method call.
    Action(ActionResult),
}

impl AccessResult {
    /// Takes one.
    ///
    /// # Errors
    /// Truncation, an unknown choice.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let unknown = reader.clone();
        match reader.u8()? {
            GET => Ok(Self::Get(DataAccessResult::from_code(reader.u8()?))),
            SET => Ok(Self::Set(DataAccessResult::from_code(reader.u8()?))),
            ACTION => Ok(Self::Action(ActionResult::from_code(reader.u8()?))),
            other => Err(unknown.fail(MalformedKind::UnknownChoice(other))),
        }
    }

    /// Appends it.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Get(result) => writer.octets(&[GET, result.code()]),
            Self::Set(result) => writer.octets(&[SET, result.code()]),
            Self::Action(result) => writer.octets(&[ACTION, result.code()]),
        }
    }

    /// Whether it was done.
    pub const fn is_success(self) -> bool {
        matches!(
            self,
            Self::Get(DataAccessResult::Success)
                | Self::Set(DataAccessResult::Success)
                | Self::Action(ActionResult::Success)
        )
    }
}

/// Asks for several things to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRequest<'a> {
    /// Which request this is.
    pub invoke: LongInvokeIdAndPriority,
    /// When it was made: the 12 octets of a date-time, or none.
    pub date_time: &'a [u8],
    /// What is to be done.
    pub specification: Vec<AccessSpecification<'a>>,
    /// For each a value to write or the parameters of a method; null-data for a read.
    pub data: Vec<RawData<'a>>,
}

impl<'a> AccessRequest<'a> {
    /// Reads an access-request, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not one, with the place; [`MalformedKind::Count`] when the lists are not of
    /// equal length.
    pub fn decode(apdu: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(apdu);
        head::take_tag(&mut reader, tag::ACCESS_REQUEST)?;
        let invoke = LongInvokeIdAndPriority(reader.u32()?);
        let date_time = decode_date_time(&mut reader)?;
        let specification = list::decode(&mut reader, AccessSpecification::decode)?;
        let data = list::decode_values(&mut reader, specification.len())?;
        reader.finish()?;
        Ok(Self { invoke, date_time, specification, data })
    }

    /// Appends the access-request.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.u8(tag::ACCESS_REQUEST);
        writer.u32(self.invoke.0);
        writer.octet_string(self.date_time);
        list::encode(writer, &self.specification, AccessSpecification::encode);
        list::encode(writer, &self.data, RawData::encode);
    }
}

/// Answers an [`AccessRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessResponse<'a> {
    /// That of the request.
    pub invoke: LongInvokeIdAndPriority,
    /// When it was made: the 12 octets of a date-time, or none.
    pub date_time: &'a [u8],
    /// What was asked for, where the answer repeats it.
    pub specification: Option<Vec<AccessSpecification<'a>>>,
    /// For each what was read or returned; null-data where there is nothing.
    pub data: Vec<RawData<'a>>,
    /// How each went.
    pub results: Vec<AccessResult>,
}

impl<'a> AccessResponse<'a> {
    /// Reads an access-response, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not one, with the place; [`MalformedKind::Count`] when the lists are not of
    /// equal length.
    pub fn decode(apdu: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(apdu);
        head::take_tag(&mut reader, tag::ACCESS_RESPONSE)?;
        let invoke = LongInvokeIdAndPriority(reader.u32()?);
        let date_time = decode_date_time(&mut reader)?;
        let specification = if reader.presence()? {
            Some(list::decode(&mut reader, AccessSpecification::decode)?)
        } else {
            None
        };
        let counts = reader.fail(MalformedKind::Count);
        let data = list::decode(&mut reader, RawData::decode)?;
        if specification.as_ref().is_some_and(|asked| asked.len() != data.len()) {
            return Err(counts);
        }
        let counts = reader.fail(MalformedKind::Count);
        let results = list::decode(&mut reader, AccessResult::decode)?;
        if results.len() != data.len() {
            return Err(counts);
        }
        reader.finish()?;
        Ok(Self { invoke, date_time, specification, data, results })
    }

    /// Appends the access-response.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.u8(tag::ACCESS_RESPONSE);
        writer.u32(self.invoke.0);
        writer.octet_string(self.date_time);
        writer.presence(self.specification.is_some());
        if let Some(specification) = &self.specification {
            list::encode(writer, specification, AccessSpecification::encode);
        }
        list::encode(writer, &self.data, RawData::encode);
        list::encode(writer, &self.results, AccessResult::encode);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cosem::{ClassId, LogicalName};
    use alloc::vec;

    fn value(octets: &[u8]) -> RawData<'_> {
        RawData::decode(&mut Reader::new(octets)).unwrap()
    }

    const ENERGY: AttributeDescriptor =
        AttributeDescriptor::new(ClassId::REGISTER, LogicalName([1, 0, 1, 8, 0, 255]), 2);
    const PROFILE: AttributeDescriptor =
        AttributeDescriptor::new(ClassId::PROFILE_GENERIC, LogicalName([1, 0, 99, 1, 0, 255]), 2);
    const RESET: MethodDescriptor =
        MethodDescriptor::new(ClassId::REGISTER, LogicalName([1, 0, 1, 8, 0, 255]), 1);

    const REQUEST: [u8; 56] = [
        0xd9, 0x40, 0x00, 0x00, 0x01, // access-request, confirmed, invoke-id 1
        0x00, // no date-time
        0x04, // four things
        0x01, 0x00, 0x03, 1, 0, 1, 8, 0, 255, 0x02, // get 3:1-0:1.8.0*255:2
        0x04, 0x00, 0x07, 1, 0, 99, 1, 0, 255, 0x02, 0x02, 0x00, // get 7:..:2, selector 2
        0x02, 0x00, 0x03, 1, 0, 1, 8, 0, 255, 0x02, // set 3:1-0:1.8.0*255:2
        0x03, 0x00, 0x03, 1, 0, 1, 8, 0, 255, 0x01, // action 3:1-0:1.8.0*255:1
        0x04, // four data
        0x00, 0x00, 0x11, 0x05, 0x0f, 0x00,
    ];

    #[test]
    fn a_request_has_as_many_data_as_things_to_do() {
        let mut octets = REQUEST.to_vec();
        let request = AccessRequest {
            invoke: LongInvokeIdAndPriority::new(1).and_confirmed(),
            date_time: &[],
            specification: vec![
                AccessSpecification::Get { attribute: ENERGY, selection: None },
                AccessSpecification::Get {
                    attribute: PROFILE,
                    selection: Some(SelectiveAccess { selector: 2, parameters: RawData::NULL }),
                },
                AccessSpecification::Set { attribute: ENERGY, selection: None },
                AccessSpecification::Action(RESET),
            ],
            data: vec![RawData::NULL, RawData::NULL, value(&[0x11, 0x05]), value(&[0x0f, 0x00])],
        };
        assert_eq!(AccessRequest::decode(&octets).as_ref(), Ok(&request));
        let mut out = Vec::new();
        request.encode(&mut Writer::new(&mut out));
        assert_eq!(out, octets);

        // One datum less.
        octets[49] = 0x03;
        octets.truncate(54);
        let counts = Malformed::new(MalformedKind::Count, 49);
        assert_eq!(AccessRequest::decode(&octets), Err(counts));
    }

    #[test]
    fn a_response_may_repeat_the_request_or_not() {
        let octets = [
            0xda, 0x40, 0x00, 0x00, 0x01, // access-response, confirmed, invoke-id 1
            0x00, // no date-time
            0x00, // not repeated
            0x02, 0x06, 0x00, 0x00, 0x00, 0x2a, 0x00, // double-long-unsigned 42, null-data
            0x02, 0x01, 0x00, 0x03, 0x03, // get: success, action: read-write-denied
        ];
        let mut response = AccessResponse {
            invoke: LongInvokeIdAndPriority::new(1).and_confirmed(),
            date_time: &[],
            specification: None,
            data: vec![value(&octets[8..13]), RawData::NULL],
            results: vec![
                AccessResult::Get(DataAccessResult::Success),
                AccessResult::Action(ActionResult::ReadWriteDenied),
            ],
        };
        assert_eq!(AccessResponse::decode(&octets).as_ref(), Ok(&response));
        let mut out = Vec::new();
        response.encode(&mut Writer::new(&mut out));
        assert_eq!(out, octets);

        response.specification = Some(vec![
            AccessSpecification::Get { attribute: ENERGY, selection: None },
            AccessSpecification::Action(RESET),
        ]);
        out.clear();
        response.encode(&mut Writer::new(&mut out));
        assert_eq!(out[6..8], [0x01, 0x02]);
        assert_eq!(AccessResponse::decode(&out), Ok(response));
    }

    #[test]
    fn a_response_whose_lists_differ_is_refused_at_the_second_one() {
        let octets = [0xda, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x01, 0x00, 0x02, 1, 0, 1, 0];
        assert_eq!(AccessResponse::decode(&octets), Err(Malformed::new(MalformedKind::Count, 9)));
        let octets = [0xda, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x01, 0x00, 0x01, 1, 0];
        assert_eq!(AccessResponse::decode(&octets), Err(Malformed::new(MalformedKind::Count, 8)));
    }

    #[test]
    fn an_unknown_choice_is_refused_at_its_octet() {
        let octets = [0xd9, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x06, 0x00];
        assert_eq!(
            AccessRequest::decode(&octets),
            Err(Malformed::new(MalformedKind::UnknownChoice(6), 7))
        );
    }

    #[test]
    fn an_announced_count_larger_than_the_apdu_is_truncation_not_allocation() {
        let octets = [0xd9, 0x00, 0x00, 0x00, 0x01, 0x00, 0x84, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(
            AccessRequest::decode(&octets),
            Err(Malformed::new(MalformedKind::Truncated, 11))
        );
    }
}
