//! GET (IEC 62056-5-3 clauses 6.6 and 8, Get-Request and Get-Response).

use alloc::vec::Vec;

use super::{AttributeSelection, DataAccessResult, InvokeIdAndPriority, head, list, tag};
use crate::{
    Malformed, MalformedKind,
    axdr::{RawData, Reader, Writer},
};

// The second octet of both APDUs.
const NORMAL: u8 = 1;
const NEXT: u8 = 2;
const WITH_DATABLOCK: u8 = 2;
const WITH_LIST: u8 = 3;

// The choice of Get-Data-Result, and that of DataBlock-G.
const DATA: u8 = 0;
const DATA_ACCESS_RESULT: u8 = 1;

/// Asks for attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GetRequest<'a> {
    /// For one attribute.
    Normal {
        /// Which request this is.
        invoke: InvokeIdAndPriority,
        /// What is asked for.
        attribute: AttributeSelection<'a>,
    },
    /// For the next block of an answer.
    Next {
        /// That of the request whose answer it is.
        invoke: InvokeIdAndPriority,
        /// The block that was received last.
        block_number: u32,
    },
    /// For several attributes.
    WithList {
        /// Which request this is.
        invoke: InvokeIdAndPriority,
        /// What is asked for, answered in this order.
        attributes: Vec<AttributeSelection<'a>>,
    },
}

impl<'a> GetRequest<'a> {
    /// Which request this is.
    pub const fn invoke(&self) -> InvokeIdAndPriority {
        match *self {
            Self::Normal { invoke, .. }
            | Self::Next { invoke, .. }
            | Self::WithList { invoke, .. } => invoke,
        }
    }

    /// Reads a get-request, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not one, with the place.
    pub fn decode(apdu: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(apdu);
        let choice = head::take_choice(&mut reader, tag::GET_REQUEST)?;
        let invoke = InvokeIdAndPriority(reader.u8()?);
        let request = match choice {
            NORMAL => Self::Normal { invoke, attribute: AttributeSelection::decode(&mut reader)? },
            NEXT => Self::Next { invoke, block_number: reader.u32()? },
            WITH_LIST => Self::WithList {
                invoke,
                attributes: list::decode(&mut reader, AttributeSelection::decode)?,
            },
            other => return Err(head::unknown_choice(other)),
        };
        reader.finish()?;
        Ok(request)
    }

    /// Appends the get-request.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        let choice = match self {
            Self::Normal { .. } => NORMAL,
            Self::Next { .. } => NEXT,
            Self::WithList { .. } => WITH_LIST,
        };
        writer.octets(&[tag::GET_REQUEST, choice, self.invoke().0]);
        match self {
            Self::Normal { attribute, .. } => attribute.encode(writer),
            Self::Next { block_number, .. } => writer.u32(*block_number),
            Self::WithList { attributes, .. } => {
                list::encode(writer, attributes, AttributeSelection::encode);
            }
        }
    }
}

/// Answers a [`GetRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GetResponse<'a> {
    /// The attribute.
    Normal {
        /// That of the request.
        invoke: InvokeIdAndPriority,
        /// The value, or why there is none.
        result: Result<RawData<'a>, DataAccessResult>,
    },
    /// One block of an answer that is too long for one APDU.
    WithDatablock {
        /// That of the request.
        invoke: InvokeIdAndPriority,
        /// Whether it is the last one.
        last: bool,
        /// Its number, from 1.
        number: u32,
        /// The raw data of the block, or why there is none.
        result: Result<&'a [u8], DataAccessResult>,
    },
    /// The attributes of a list.
    WithList {
        /// That of the request.
        invoke: InvokeIdAndPriority,
        /// For each attribute its value, or why there is none.
        results: Vec<Result<RawData<'a>, DataAccessResult>>,
    },
}

impl<'a> GetResponse<'a> {
    /// Which request this answers.
    pub const fn invoke(&self) -> InvokeIdAndPriority {
        match *self {
            Self::Normal { invoke, .. }
            | Self::WithDatablock { invoke, .. }
            | Self::WithList { invoke, .. } => invoke,
        }
    }

    /// Reads a get-response, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not one, with the place.
    pub fn decode(apdu: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(apdu);
        let choice = head::take_choice(&mut reader, tag::GET_RESPONSE)?;
        let invoke = InvokeIdAndPriority(reader.u8()?);
        let response = match choice {
            NORMAL => Self::Normal { invoke, result: decode_result(&mut reader)? },
            WITH_DATABLOCK => Self::WithDatablock {
                invoke,
                last: reader.boolean()?,
                number: reader.u32()?,
                result: decode_choice(&mut reader, Reader::octet_string)?,
            },
            WITH_LIST => {
                Self::WithList { invoke, results: list::decode(&mut reader, decode_result)? }
            }
            other => return Err(head::unknown_choice(other)),
        };
        reader.finish()?;
        Ok(response)
    }

    /// The value of the get-response-normal that fills `apdu`, for a decoder that knows what it
    /// expects: the octets are not walked, and whoever takes them makes sure that they are one
    /// value and nothing else. `None` for a refusal, a block, a list or another APDU, which
    /// [`decode`](Self::decode) tells apart.
    ///
    /// ```
    /// use dlms_core::xdlms::GetResponse;
    ///
    /// let (invoke, mut value) = GetResponse::unwalked_value(&[0xc4, 1, 0xc1, 0, 0x12, 8, 0xfd])
    ///     .expect("a value");
    /// assert_eq!((invoke.id(), value.offset()), (1, 4));
    /// assert_eq!((value.u8(), value.u16()), (Ok(0x12), Ok(2301)));
    /// ```
    pub fn unwalked_value(apdu: &'a [u8]) -> Option<(InvokeIdAndPriority, Reader<'a>)> {
        let (&[tag::GET_RESPONSE, NORMAL, invoke, DATA], value) = apdu.split_first_chunk()? else {
            return None;
        };
        let offset = apdu.len().saturating_sub(value.len());
        Some((InvokeIdAndPriority(invoke), Reader::at(value, offset)))
    }

    /// Appends the get-response.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        let choice = match self {
            Self::Normal { .. } => NORMAL,
            Self::WithDatablock { .. } => WITH_DATABLOCK,
            Self::WithList { .. } => WITH_LIST,
        };
        writer.octets(&[tag::GET_RESPONSE, choice, self.invoke().0]);
        match self {
            Self::Normal { result, .. } => encode_result(result, writer),
            Self::WithDatablock { last, number, result, .. } => {
                writer.boolean(*last);
                writer.u32(*number);
                encode_choice(result, writer, |octets, writer| writer.octet_string(octets));
            }
            Self::WithList { results, .. } => list::encode(writer, results, encode_result),
        }
    }
}

/// Takes a Get-Data-Result.
pub(super) fn decode_result<'a>(
    reader: &mut Reader<'a>,
) -> Result<Result<RawData<'a>, DataAccessResult>, Malformed> {
    decode_choice(reader, RawData::decode)
}

/// Appends a Get-Data-Result.
pub(super) fn encode_result(
    result: &Result<RawData<'_>, DataAccessResult>,
    writer: &mut Writer<'_>,
) {
    encode_choice(result, writer, |value, writer| writer.octets(value.octets()));
}

/// Takes a choice of data and Data-Access-Result.
fn decode_choice<'a, T>(
    reader: &mut Reader<'a>,
    data: impl FnOnce(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<Result<T, DataAccessResult>, Malformed> {
    let unknown = reader.clone();
    match reader.u8()? {
        DATA => data(reader).map(Ok),
        DATA_ACCESS_RESULT => Ok(Err(DataAccessResult::from_code(reader.u8()?))),
        other => Err(unknown.fail(MalformedKind::UnknownChoice(other))),
    }
}

/// Appends a choice of data and Data-Access-Result.
fn encode_choice<T>(
    result: &Result<T, DataAccessResult>,
    writer: &mut Writer<'_>,
    data: impl FnOnce(&T, &mut Writer<'_>),
) {
    match result {
        Ok(value) => {
            writer.u8(DATA);
            data(value, writer);
        }
        Err(result) => writer.octets(&[DATA_ACCESS_RESULT, result.code()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cosem::{AttributeDescriptor, ClassId, LogicalName};
    use crate::xdlms::SelectiveAccess;
    use alloc::vec;

    const INVOKE: InvokeIdAndPriority = InvokeIdAndPriority(0xc1);

    fn value(octets: &[u8]) -> RawData<'_> {
        RawData::decode(&mut Reader::new(octets)).unwrap()
    }

    fn clock() -> AttributeSelection<'static> {
        AttributeSelection::whole(AttributeDescriptor::new(ClassId::CLOCK, LogicalName::CLOCK, 2))
    }

    fn request_is(octets: &[u8], request: &GetRequest<'_>) {
        assert_eq!(GetRequest::decode(octets).as_ref(), Ok(request));
        let mut out = Vec::new();
        request.encode(&mut Writer::new(&mut out));
        assert_eq!(out, octets);
    }

    fn response_is(octets: &[u8], response: &GetResponse<'_>) {
        assert_eq!(GetResponse::decode(octets).as_ref(), Ok(response));
        let mut out = Vec::new();
        response.encode(&mut Writer::new(&mut out));
        assert_eq!(out, octets);
    }

    #[test]
    fn only_a_normal_response_with_data_has_a_value_to_take_unwalked() {
        let [data, refusal, block] = [
            [0xc4, 0x01, 0xc1, 0x00, 0x11, 0x07],
            [0xc4, 0x01, 0xc1, 0x01, 0x03, 0x00],
            [0xc4, 0x02, 0xc1, 0x00, 0x11, 0x07],
        ];
        let (invoke, value) = GetResponse::unwalked_value(&data).unwrap();
        assert_eq!((invoke, value.rest(), value.offset()), (INVOKE, &data[4..], 4));
        let set_response = [0xc5, 0x01, 0xc1, 0x00];
        for other in [&refusal[..], &block, &set_response, &data[..3], &[]] {
            assert!(GetResponse::unwalked_value(other).is_none(), "{other:02x?}");
        }
    }

    #[test]
    fn a_normal_request_names_one_attribute() {
        let octets = [
            0xc0, 0x01, 0xc1, // get-request-normal
            0x00, 0x08, 0x00, 0x00, 0x01, 0x00, 0x00, 0xff, 0x02, // 8:0-0:1.0.0*255:2
            0x00, // all of it
        ];
        request_is(&octets, &GetRequest::Normal { invoke: INVOKE, attribute: clock() });
    }

    #[test]
    fn a_normal_request_may_select_a_part() {
        let octets = [
            0xc0, 0x01, 0xc1, // get-request-normal
            0x00, 0x07, 0x01, 0x00, 0x63, 0x01, 0x00, 0xff, 0x02, // 7:1-0:99.1.0*255:2
            0x01, 0x02, // by entry
            0x02, 0x04, 0x06, 0x00, 0x00, 0x00, 0x01, 0x06, 0x00, 0x00, 0x00, 0x0a, 0x12, 0x00,
            0x01, 0x12, 0x00, 0x00, // entries 1 to 10, all columns
        ];
        let profile = LogicalName([1, 0, 99, 1, 0, 255]);
        let attribute = AttributeSelection {
            attribute: AttributeDescriptor::new(ClassId::PROFILE_GENERIC, profile, 2),
            selection: Some(SelectiveAccess { selector: 2, parameters: value(&octets[14..]) }),
        };
        request_is(&octets, &GetRequest::Normal { invoke: INVOKE, attribute });
    }

    #[test]
    fn a_next_request_names_the_block_received_last() {
        let octets = [0xc0, 0x02, 0xc1, 0x00, 0x00, 0x00, 0x07];
        request_is(&octets, &GetRequest::Next { invoke: INVOKE, block_number: 7 });
    }

    #[test]
    fn a_list_request_names_several() {
        let octets = [
            0xc0, 0x03, 0xc1, 0x02, // get-request-with-list, two of them
            0x00, 0x08, 0x00, 0x00, 0x01, 0x00, 0x00, 0xff, 0x02, 0x00, //
            0x00, 0x08, 0x00, 0x00, 0x01, 0x00, 0x00, 0xff, 0x02, 0x00,
        ];
        let attributes = vec![clock(), clock()];
        request_is(&octets, &GetRequest::WithList { invoke: INVOKE, attributes });
    }

    #[test]
    fn a_normal_response_is_data_or_a_result() {
        let octets = [0xc4, 0x01, 0xc1, 0x00, 0x06, 0x00, 0xbc, 0x61, 0x4e];
        let result = Ok(value(&octets[4..]));
        response_is(&octets, &GetResponse::Normal { invoke: INVOKE, result });

        let octets = [0xc4, 0x01, 0xc1, 0x01, 0x03];
        let result = Err(DataAccessResult::ReadWriteDenied);
        response_is(&octets, &GetResponse::Normal { invoke: INVOKE, result });
    }

    #[test]
    fn a_block_is_raw_data_or_a_result() {
        let octets = [0xc4, 0x02, 0xc1, 0x00, 0, 0, 0, 1, 0x00, 0x03, 0x09, 0x0c, 0x07];
        response_is(
            &octets,
            &GetResponse::WithDatablock {
                invoke: INVOKE,
                last: false,
                number: 1,
                result: Ok(&[0x09, 0x0c, 0x07]),
            },
        );

        let octets = [0xc4, 0x02, 0xc1, 0xff, 0, 0, 0, 9, 0x01, 0x13];
        response_is(
            &octets,
            &GetResponse::WithDatablock {
                invoke: INVOKE,
                last: true,
                number: 9,
                result: Err(DataAccessResult::DataBlockNumberInvalid),
            },
        );
    }

    #[test]
    fn a_last_block_may_say_so_with_any_octet_but_zero() {
        let octets = [0xc4, 0x02, 0xc1, 0x01, 0, 0, 0, 1, 0x00, 0x00];
        let response = GetResponse::decode(&octets).unwrap();
        assert!(matches!(response, GetResponse::WithDatablock { last: true, .. }));
    }

    #[test]
    fn a_list_response_has_a_result_for_each() {
        let octets = [0xc4, 0x03, 0xc1, 0x02, 0x00, 0x11, 0x05, 0x01, 0x04];
        let results = vec![Ok(value(&[0x11, 0x05])), Err(DataAccessResult::ObjectUndefined)];
        response_is(&octets, &GetResponse::WithList { invoke: INVOKE, results });
    }

    #[test]
    fn an_announced_count_larger_than_the_apdu_is_truncation_not_allocation() {
        let octets = [0xc4, 0x03, 0xc1, 0x84, 0xff, 0xff, 0xff, 0xff, 0x01, 0x04];
        assert_eq!(GetResponse::decode(&octets), Err(Malformed::new(MalformedKind::Truncated, 10)));
    }

    #[test]
    fn an_unknown_choice_is_refused_at_its_octet() {
        assert_eq!(
            GetRequest::decode(&[0xc0, 0x04, 0xc1]),
            Err(Malformed::new(MalformedKind::UnknownChoice(4), 1))
        );
        assert_eq!(
            GetResponse::decode(&[0xc4, 0x01, 0xc1, 0x02, 0x00]),
            Err(Malformed::new(MalformedKind::UnknownChoice(2), 3))
        );
        assert_eq!(
            GetResponse::decode(&[0xc5, 0x01, 0xc1, 0x00]),
            Err(Malformed::new(MalformedKind::UnknownTag(0xc5), 0))
        );
    }
}
