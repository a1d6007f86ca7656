//! SET (IEC 62056-5-3 clauses 6.7 and 8, Set-Request and Set-Response).

use alloc::vec::Vec;

use super::{
    AttributeSelection, DataAccessResult, DataBlock, InvokeIdAndPriority, head, list, tag,
};
use crate::{
    Malformed,
    axdr::{RawData, Reader, Writer},
};

/// The second octet of a set-request.
mod request {
    pub(super) const NORMAL: u8 = 1;
    pub(super) const FIRST_DATABLOCK: u8 = 2;
    pub(super) const DATABLOCK: u8 = 3;
    pub(super) const WITH_LIST: u8 = 4;
    pub(super) const WITH_LIST_FIRST_DATABLOCK: u8 = 5;
}

/// The second octet of a set-response.
mod response {
    pub(super) const NORMAL: u8 = 1;
    pub(super) const DATABLOCK: u8 = 2;
    pub(super) const LAST_DATABLOCK: u8 = 3;
    pub(super) const LAST_DATABLOCK_WITH_LIST: u8 = 4;
    pub(super) const WITH_LIST: u8 = 5;
}

/// Writes attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetRequest<'a> {
    /// One attribute.
    Normal {
        /// Which request this is.
        invoke: InvokeIdAndPriority,
        /// What is written to.
        attribute: AttributeSelection<'a>,
        /// What is written.
        value: RawData<'a>,
    },
    /// One attribute whose value comes in blocks, and the first of them.
    FirstDatablock {
        /// Which request this is.
        invoke: InvokeIdAndPriority,
        /// What is written to.
        attribute: AttributeSelection<'a>,
        /// A part of the value.
        block: DataBlock<'a>,
    },
    /// A further block.
    Datablock {
        /// That of the first block.
        invoke: InvokeIdAndPriority,
        /// A part of the value or values.
        block: DataBlock<'a>,
    },
    /// Several attributes.
    WithList {
        /// Which request this is.
        invoke: InvokeIdAndPriority,
        /// What is written to.
        attributes: Vec<AttributeSelection<'a>>,
        /// What is written, one value for each attribute.
        values: Vec<RawData<'a>>,
    },
    /// Several attributes whose values come in blocks, and the first of them.
    WithListFirstDatablock {
        /// Which request this is.
        invoke: InvokeIdAndPriority,
        /// What is written to.
        attributes: Vec<AttributeSelection<'a>>,
        /// A part of the list of values.
        block: DataBlock<'a>,
    },
}

impl<'a> SetRequest<'a> {
    /// Which request this is.
    pub const fn invoke(&self) -> InvokeIdAndPriority {
        match *self {
            Self::Normal { invoke, .. }
            | Self::FirstDatablock { invoke, .. }
            | Self::Datablock { invoke, .. }
            | Self::WithList { invoke, .. }
            | Self::WithListFirstDatablock { invoke, .. } => invoke,
        }
    }

    /// Reads a set-request, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not one, with the place;
    /// [`MalformedKind::Count`](crate::MalformedKind::Count) when there are not as many values as
    /// attributes.
    pub fn decode(apdu: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(apdu);
        let choice = head::take_choice(&mut reader, tag::SET_REQUEST)?;
        let invoke = InvokeIdAndPriority(reader.u8()?);
        let request = match choice {
            request::NORMAL => Self::Normal {
                invoke,
                attribute: AttributeSelection::decode(&mut reader)?,
                value: RawData::decode(&mut reader)?,
            },
            request::FIRST_DATABLOCK => Self::FirstDatablock {
                invoke,
                attribute: AttributeSelection::decode(&mut reader)?,
                block: DataBlock::decode(&mut reader)?,
            },
            request::DATABLOCK => {
                Self::Datablock { invoke, block: DataBlock::decode(&mut reader)? }
            }
            request::WITH_LIST => {
                let attributes = list::decode(&mut reader, AttributeSelection::decode)?;
                let values = list::decode_values(&mut reader, attributes.len())?;
                Self::WithList { invoke, attributes, values }
            }
            request::WITH_LIST_FIRST_DATABLOCK => Self::WithListFirstDatablock {
                invoke,
                attributes: list::decode(&mut reader, AttributeSelection::decode)?,
                block: DataBlock::decode(&mut reader)?,
            },
            other => return Err(head::unknown_choice(other)),
        };
        reader.finish()?;
        Ok(request)
    }

    /// Appends the set-request.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        let choice = match self {
            Self::Normal { .. } => request::NORMAL,
            Self::FirstDatablock { .. } => request::FIRST_DATABLOCK,
            Self::Datablock { .. } => request::DATABLOCK,
            Self::WithList { .. } => request::WITH_LIST,
            Self::WithListFirstDatablock { .. } => request::WITH_LIST_FIRST_DATABLOCK,
        };
        writer.octets(&[tag::SET_REQUEST, choice, self.invoke().0]);
        match self {
            Self::Normal { attribute, value, .. } => {
                attribute.encode(writer);
                writer.octets(value.octets());
            }
            Self::FirstDatablock { attribute, block, .. } => {
                attribute.encode(writer);
                block.encode(writer);
            }
            Self::Datablock { block, .. } => block.encode(writer),
            Self::WithList { attributes, values, .. } => {
                list::encode(writer, attributes, AttributeSelection::encode);
                list::encode(writer, values, RawData::encode);
            }
            Self::WithListFirstDatablock { attributes, block, .. } => {
                list::encode(writer, attributes, AttributeSelection::encode);
                block.encode(writer);
            }
        }
    }
}

/// Answers a [`SetRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetResponse {
    /// How one attribute went.
    Normal {
        /// That of the request.
        invoke: InvokeIdAndPriority,
        /// Success, or why not.
        result: DataAccessResult,
    },
    /// A block that is not the last one was received.
    Datablock {
        /// That of the request.
        invoke: InvokeIdAndPriority,
        /// The block.
        number: u32,
    },
    /// The last block was received.
    LastDatablock {
        /// That of the request.
        invoke: InvokeIdAndPriority,
        /// How the attribute went.
        result: DataAccessResult,
        /// The block.
        number: u32,
    },
    /// The last block of a list was received.
    LastDatablockWithList {
        /// That of the request.
        invoke: InvokeIdAndPriority,
        /// How each attribute went.
        results: Vec<DataAccessResult>,
        /// The block.
        number: u32,
    },
    /// How the attributes of a list went.
    WithList {
        /// That of the request.
        invoke: InvokeIdAndPriority,
        /// How each attribute went.
        results: Vec<DataAccessResult>,
    },
}

impl SetResponse {
    /// Which request this answers.
    pub const fn invoke(&self) -> InvokeIdAndPriority {
        match *self {
            Self::Normal { invoke, .. }
            | Self::Datablock { invoke, .. }
            | Self::LastDatablock { invoke, .. }
            | Self::LastDatablockWithList { invoke, .. }
            | Self::WithList { invoke, .. } => invoke,
        }
    }

    /// Reads a set-response, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not one, with the place.
    pub fn decode(apdu: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(apdu);
        let choice = head::take_choice(&mut reader, tag::SET_RESPONSE)?;
        let invoke = InvokeIdAndPriority(reader.u8()?);
        let response = match choice {
            response::NORMAL => Self::Normal { invoke, result: decode_result(&mut reader)? },
            response::DATABLOCK => Self::Datablock { invoke, number: reader.u32()? },
            response::LAST_DATABLOCK => Self::LastDatablock {
                invoke,
                result: decode_result(&mut reader)?,
                number: reader.u32()?,
            },
            response::LAST_DATABLOCK_WITH_LIST => Self::LastDatablockWithList {
                invoke,
                results: list::decode(&mut reader, decode_result)?,
                number: reader.u32()?,
            },
            response::WITH_LIST => {
                Self::WithList { invoke, results: list::decode(&mut reader, decode_result)? }
            }
            other => return Err(head::unknown_choice(other)),
        };
        reader.finish()?;
        Ok(response)
    }

    /// Appends the set-response.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        let choice = match self {
            Self::Normal { .. } => response::NORMAL,
            Self::Datablock { .. } => response::DATABLOCK,
            Self::LastDatablock { .. } => response::LAST_DATABLOCK,
            Self::LastDatablockWithList { .. } => response::LAST_DATABLOCK_WITH_LIST,
            Self::WithList { .. } => response::WITH_LIST,
        };
        writer.octets(&[tag::SET_RESPONSE, choice, self.invoke().0]);
        match self {
            Self::Normal { result, .. } => encode_result(result, writer),
            Self::Datablock { number, .. } => writer.u32(*number),
            Self::LastDatablock { result, number, .. } => {
                encode_result(result, writer);
                writer.u32(*number);
            }
            Self::LastDatablockWithList { results, number, .. } => {
                list::encode(writer, results, encode_result);
                writer.u32(*number);
            }
            Self::WithList { results, .. } => list::encode(writer, results, encode_result),
        }
    }
}

fn decode_result(reader: &mut Reader<'_>) -> Result<DataAccessResult, Malformed> {
    reader.u8().map(DataAccessResult::from_code)
}

fn encode_result(result: &DataAccessResult, writer: &mut Writer<'_>) {
    writer.u8(result.code());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        MalformedKind,
        cosem::{AttributeDescriptor, ClassId, LogicalName},
    };
    use alloc::vec;

    const INVOKE: InvokeIdAndPriority = InvokeIdAndPriority(0xc1);

    fn value(octets: &[u8]) -> RawData<'_> {
        RawData::decode(&mut Reader::new(octets)).unwrap()
    }

    fn data() -> AttributeSelection<'static> {
        let name = LogicalName([0, 0, 96, 10, 1, 255]);
        AttributeSelection::whole(AttributeDescriptor::new(ClassId::DATA, name, 2))
    }

    /// 1:0-0:96.10.1*255:2, all of it.
    const DATA: [u8; 10] = [0x00, 0x01, 0x00, 0x00, 0x60, 0x0a, 0x01, 0xff, 0x02, 0x00];

    fn request_is(parts: &[&[u8]], request: &SetRequest<'_>) {
        let octets = parts.concat();
        assert_eq!(SetRequest::decode(&octets).as_ref(), Ok(request));
        let mut out = Vec::new();
        request.encode(&mut Writer::new(&mut out));
        assert_eq!(out, octets);
    }

    fn response_is(octets: &[u8], response: &SetResponse) {
        assert_eq!(SetResponse::decode(octets).as_ref(), Ok(response));
        let mut out = Vec::new();
        response.encode(&mut Writer::new(&mut out));
        assert_eq!(out, octets);
    }

    #[test]
    fn a_normal_request_writes_one_value() {
        request_is(
            &[&[0xc1, 0x01, 0xc1], &DATA, &[0x11, 0x03]],
            &SetRequest::Normal { invoke: INVOKE, attribute: data(), value: value(&[0x11, 0x03]) },
        );
    }

    #[test]
    fn a_long_value_comes_in_blocks() {
        let block = DataBlock { last: false, number: 1, octets: &[0x09, 0x04, 0xaa] };
        request_is(
            &[&[0xc1, 0x02, 0xc1], &DATA, &[0x00, 0, 0, 0, 1, 0x03, 0x09, 0x04, 0xaa]],
            &SetRequest::FirstDatablock { invoke: INVOKE, attribute: data(), block },
        );
        let block = DataBlock { last: true, number: 2, octets: &[0xbb, 0xcc, 0xdd] };
        request_is(
            &[&[0xc1, 0x03, 0xc1, 0xff, 0, 0, 0, 2, 0x03, 0xbb, 0xcc, 0xdd]],
            &SetRequest::Datablock { invoke: INVOKE, block },
        );
    }

    #[test]
    fn a_list_has_as_many_values_as_attributes() {
        request_is(
            &[&[0xc1, 0x04, 0xc1, 0x02], &DATA, &DATA, &[0x02, 0x11, 0x03, 0x00]],
            &SetRequest::WithList {
                invoke: INVOKE,
                attributes: vec![data(), data()],
                values: vec![value(&[0x11, 0x03]), RawData::NULL],
            },
        );
        let lopsided = [&[0xc1, 0x04, 0xc1, 0x02][..], &DATA, &DATA, &[0x01, 0x11, 0x03]].concat();
        assert_eq!(SetRequest::decode(&lopsided), Err(Malformed::new(MalformedKind::Count, 24)));
    }

    #[test]
    fn a_list_may_come_in_blocks() {
        let block = DataBlock { last: true, number: 1, octets: &[0x01, 0x00] };
        request_is(
            &[&[0xc1, 0x05, 0xc1, 0x01], &DATA, &[0xff, 0, 0, 0, 1, 0x02, 0x01, 0x00]],
            &SetRequest::WithListFirstDatablock { invoke: INVOKE, attributes: vec![data()], block },
        );
    }

    #[test]
    fn each_request_has_its_response() {
        use DataAccessResult::{Success, TypeUnmatched};
        response_is(
            &[0xc5, 0x01, 0xc1, 0x00],
            &SetResponse::Normal { invoke: INVOKE, result: Success },
        );
        response_is(
            &[0xc5, 0x02, 0xc1, 0, 0, 0, 1],
            &SetResponse::Datablock { invoke: INVOKE, number: 1 },
        );
        response_is(
            &[0xc5, 0x03, 0xc1, 0x0c, 0, 0, 0, 2],
            &SetResponse::LastDatablock { invoke: INVOKE, result: TypeUnmatched, number: 2 },
        );
        response_is(
            &[0xc5, 0x04, 0xc1, 0x02, 0x00, 0x0c, 0, 0, 0, 2],
            &SetResponse::LastDatablockWithList {
                invoke: INVOKE,
                results: vec![Success, TypeUnmatched],
                number: 2,
            },
        );
        response_is(
            &[0xc5, 0x05, 0xc1, 0x02, 0x00, 0x0c],
            &SetResponse::WithList { invoke: INVOKE, results: vec![Success, TypeUnmatched] },
        );
    }

    #[test]
    fn an_unknown_choice_is_refused_at_its_octet() {
        for choice in [0, 6] {
            let unknown = Malformed::new(MalformedKind::UnknownChoice(choice), 1);
            assert_eq!(SetRequest::decode(&[0xc1, choice, 0xc1]), Err(unknown));
            assert_eq!(SetResponse::decode(&[0xc5, choice, 0xc1]), Err(unknown));
        }
    }
}
