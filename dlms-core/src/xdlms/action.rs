//! ACTION (IEC 62056-5-3 clauses 6.8 and 8, Action-Request and Action-Response).

use alloc::vec::Vec;

use super::{ActionResult, DataAccessResult, DataBlock, InvokeIdAndPriority, get, head, list, tag};
use crate::{
    Malformed,
    axdr::{RawData, Reader, Writer},
    cosem::MethodDescriptor,
};

/// The second octet of an action-request.
mod request {
    pub(super) const NORMAL: u8 = 1;
    pub(super) const NEXT_PBLOCK: u8 = 2;
    pub(super) const WITH_LIST: u8 = 3;
    pub(super) const FIRST_PBLOCK: u8 = 4;
    pub(super) const WITH_LIST_FIRST_PBLOCK: u8 = 5;
    pub(super) const PBLOCK: u8 = 6;
}

/// The second octet of an action-response.
mod response {
    pub(super) const NORMAL: u8 = 1;
    pub(super) const WITH_PBLOCK: u8 = 2;
    pub(super) const WITH_LIST: u8 = 3;
    pub(super) const NEXT_PBLOCK: u8 = 4;
}

/// Invokes methods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionRequest<'a> {
    /// One method.
    Normal {
        /// Which request this is.
        invoke: InvokeIdAndPriority,
        /// The method.
        method: MethodDescriptor,
        /// Its parameters, if it takes any.
        parameters: Option<RawData<'a>>,
    },
    /// Asks for the next block of an answer.
    NextPblock {
        /// That of the request whose answer it is.
        invoke: InvokeIdAndPriority,
        /// The block that was received last.
        number: u32,
    },
    /// Several methods.
    WithList {
        /// Which request this is.
        invoke: InvokeIdAndPriority,
        /// The methods, invoked in this order.
        methods: Vec<MethodDescriptor>,
        /// Parameters for each method; null-data for one that takes none.
        parameters: Vec<RawData<'a>>,
    },
    /// One method whose parameters come in blocks, and the first of them.
    FirstPblock {
        /// Which request this is.
        invoke: InvokeIdAndPriority,
        /// The method.
        method: MethodDescriptor,
        /// A part of the parameters.
        block: DataBlock<'a>,
    },
    /// Several methods whose parameters come in blocks, and the first of them.
    WithListFirstPblock {
        /// Which request this is.
        invoke: InvokeIdAndPriority,
        /// The methods, invoked in this order.
        methods: Vec<MethodDescriptor>,
        /// A part of the list of parameters.
        block: DataBlock<'a>,
    },
    /// A further block.
    Pblock {
        /// That of the first block.
        invoke: InvokeIdAndPriority,
        /// A part of the parameters.
        block: DataBlock<'a>,
    },
}

impl<'a> ActionRequest<'a> {
    /// Which request this is.
    pub const fn invoke(&self) -> InvokeIdAndPriority {
        match *self {
            Self::Normal { invoke, .. }
            | Self::NextPblock { invoke, .. }
            | Self::WithList { invoke, .. }
            | Self::FirstPblock { invoke, .. }
            | Self::WithListFirstPblock { invoke, .. }
            | Self::Pblock { invoke, .. } => invoke,
        }
    }

    /// Reads an action-request, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not one, with the place;
    /// [`MalformedKind::Count`](crate::MalformedKind::Count) when there are not as many parameters
    /// as methods.
    pub fn decode(apdu: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(apdu);
        let choice = head::take_choice(&mut reader, tag::ACTION_REQUEST)?;
        let invoke = InvokeIdAndPriority(reader.u8()?);
        let request = match choice {
            request::NORMAL => {
                let method = MethodDescriptor::decode(&mut reader)?;
                let parameters =
                    if reader.presence()? { Some(RawData::decode(&mut reader)?) } else { None };
                Self::Normal { invoke, method, parameters }
            }
            request::NEXT_PBLOCK => Self::NextPblock { invoke, number: reader.u32()? },
            request::WITH_LIST => {
                let methods = list::decode(&mut reader, MethodDescriptor::decode)?;
                let parameters = list::decode_values(&mut reader, methods.len())?;
                Self::WithList { invoke, methods, parameters }
            }
            request::FIRST_PBLOCK => Self::FirstPblock {
                invoke,
                method: MethodDescriptor::decode(&mut reader)?,
                block: DataBlock::decode(&mut reader)?,
            },
            request::WITH_LIST_FIRST_PBLOCK => Self::WithListFirstPblock {
                invoke,
                methods: list::decode(&mut reader, MethodDescriptor::decode)?,
                block: DataBlock::decode(&mut reader)?,
            },
            request::PBLOCK => Self::Pblock { invoke, block: DataBlock::decode(&mut reader)? },
            other => return Err(head::unknown_choice(other)),
        };
        reader.finish()?;
        Ok(request)
    }

    /// Appends the action-request.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        let choice = match self {
            Self::Normal { .. } => request::NORMAL,
            Self::NextPblock { .. } => request::NEXT_PBLOCK,
            Self::WithList { .. } => request::WITH_LIST,
            Self::FirstPblock { .. } => request::FIRST_PBLOCK,
            Self::WithListFirstPblock { .. } => request::WITH_LIST_FIRST_PBLOCK,
            Self::Pblock { .. } => request::PBLOCK,
        };
        writer.octets(&[tag::ACTION_REQUEST, choice, self.invoke().0]);
        match self {
            Self::Normal { method, parameters, .. } => {
                method.encode(writer);
                writer.presence(parameters.is_some());
                if let Some(parameters) = parameters {
                    writer.octets(parameters.octets());
                }
            }
            Self::NextPblock { number, .. } => writer.u32(*number),
            Self::WithList { methods, parameters, .. } => {
                list::encode(writer, methods, MethodDescriptor::encode);
                list::encode(writer, parameters, RawData::encode);
            }
            Self::FirstPblock { method, block, .. } => {
                method.encode(writer);
                block.encode(writer);
            }
            Self::WithListFirstPblock { methods, block, .. } => {
                list::encode(writer, methods, MethodDescriptor::encode);
                block.encode(writer);
            }
            Self::Pblock { block, .. } => block.encode(writer),
        }
    }
}

/// Answers an [`ActionRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionResponse<'a> {
    /// How one method went.
    Normal {
        /// That of the request.
        invoke: InvokeIdAndPriority,
        /// Success, or why not.
        result: ActionResult,
        /// What the method returned, if anything.
        returned: Option<Result<RawData<'a>, DataAccessResult>>,
    },
    /// One block of an answer that is too long for one APDU.
    WithPblock {
        /// That of the request.
        invoke: InvokeIdAndPriority,
        /// A part of the answer.
        block: DataBlock<'a>,
    },
    /// How the methods of a list went.
    WithList {
        /// That of the request.
        invoke: InvokeIdAndPriority,
        /// For each method how it went and what it returned, if anything.
        results: Vec<(ActionResult, Option<Result<RawData<'a>, DataAccessResult>>)>,
    },
    /// A block that is not the last one was received: asks for the next one.
    NextPblock {
        /// That of the request.
        invoke: InvokeIdAndPriority,
        /// The block that was received.
        number: u32,
    },
}

impl<'a> ActionResponse<'a> {
    /// Which request this answers.
    pub const fn invoke(&self) -> InvokeIdAndPriority {
        match *self {
            Self::Normal { invoke, .. }
            | Self::WithPblock { invoke, .. }
            | Self::WithList { invoke, .. }
            | Self::NextPblock { invoke, .. } => invoke,
        }
    }

    /// Reads an action-response, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not one, with the place.
    pub fn decode(apdu: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(apdu);
        let choice = head::take_choice(&mut reader, tag::ACTION_RESPONSE)?;
        let invoke = InvokeIdAndPriority(reader.u8()?);
        let response = match choice {
            response::NORMAL => {
                let (result, returned) = decode_reply(&mut reader)?;
                Self::Normal { invoke, result, returned }
            }
            response::WITH_PBLOCK => {
                Self::WithPblock { invoke, block: DataBlock::decode(&mut reader)? }
            }
            response::WITH_LIST => {
                Self::WithList { invoke, results: list::decode(&mut reader, decode_reply)? }
            }
            response::NEXT_PBLOCK => Self::NextPblock { invoke, number: reader.u32()? },
            other => return Err(head::unknown_choice(other)),
        };
        reader.finish()?;
        Ok(response)
    }

    /// Appends the action-response.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        let choice = match self {
            Self::Normal { .. } => response::NORMAL,
            Self::WithPblock { .. } => response::WITH_PBLOCK,
            Self::WithList { .. } => response::WITH_LIST,
            Self::NextPblock { .. } => response::NEXT_PBLOCK,
        };
        writer.octets(&[tag::ACTION_RESPONSE, choice, self.invoke().0]);
        match self {
            Self::Normal { result, returned, .. } => encode_reply(&(*result, *returned), writer),
            Self::WithPblock { block, .. } => block.encode(writer),
            Self::WithList { results, .. } => list::encode(writer, results, encode_reply),
            Self::NextPblock { number, .. } => writer.u32(*number),
        }
    }
}

/// Takes an Action-Response-With-Optional-Data.
pub(super) fn decode_reply<'a>(
    reader: &mut Reader<'a>,
) -> Result<(ActionResult, Option<Result<RawData<'a>, DataAccessResult>>), Malformed> {
    Ok((ActionResult::from_code(reader.u8()?), decode_returned(reader)?))
}

/// Takes the optional Get-Data-Result of a method.
pub(super) fn decode_returned<'a>(
    reader: &mut Reader<'a>,
) -> Result<Option<Result<RawData<'a>, DataAccessResult>>, Malformed> {
    if reader.presence()? { get::decode_result(reader).map(Some) } else { Ok(None) }
}

/// Appends an Action-Response-With-Optional-Data.
pub(super) fn encode_reply(
    (result, returned): &(ActionResult, Option<Result<RawData<'_>, DataAccessResult>>),
    writer: &mut Writer<'_>,
) {
    writer.u8(result.code());
    writer.presence(returned.is_some());
    if let Some(returned) = returned {
        get::encode_result(returned, writer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        MalformedKind,
        cosem::{ClassId, LogicalName},
    };
    use alloc::vec;

    const INVOKE: InvokeIdAndPriority = InvokeIdAndPriority(0xc1);

    fn value(octets: &[u8]) -> RawData<'_> {
        RawData::decode(&mut Reader::new(octets)).unwrap()
    }

    fn disconnect() -> MethodDescriptor {
        let name = LogicalName([0, 0, 96, 3, 10, 255]);
        MethodDescriptor::new(ClassId::DISCONNECT_CONTROL, name, 1)
    }

    /// 70:0-0:96.3.10*255:1, remote_disconnect.
    const DISCONNECT: [u8; 9] = [0x00, 0x46, 0x00, 0x00, 0x60, 0x03, 0x0a, 0xff, 0x01];

    fn request_is(parts: &[&[u8]], request: &ActionRequest<'_>) {
        let octets = parts.concat();
        assert_eq!(ActionRequest::decode(&octets).as_ref(), Ok(request));
        let mut out = Vec::new();
        request.encode(&mut Writer::new(&mut out));
        assert_eq!(out, octets);
    }

    fn response_is(octets: &[u8], response: &ActionResponse<'_>) {
        assert_eq!(ActionResponse::decode(octets).as_ref(), Ok(response));
        let mut out = Vec::new();
        response.encode(&mut Writer::new(&mut out));
        assert_eq!(out, octets);
    }

    #[test]
    fn a_normal_request_invokes_one_method_with_or_without_parameters() {
        request_is(
            &[&[0xc3, 0x01, 0xc1], &DISCONNECT, &[0x01, 0x0f, 0x00]],
            &ActionRequest::Normal {
                invoke: INVOKE,
                method: disconnect(),
                parameters: Some(value(&[0x0f, 0x00])),
            },
        );
        request_is(
            &[&[0xc3, 0x01, 0xc1], &DISCONNECT, &[0x00]],
            &ActionRequest::Normal { invoke: INVOKE, method: disconnect(), parameters: None },
        );
    }

    #[test]
    fn a_list_has_parameters_for_each_method() {
        request_is(
            &[&[0xc3, 0x03, 0xc1, 0x02], &DISCONNECT, &DISCONNECT, &[0x02, 0x0f, 0x00, 0x00]],
            &ActionRequest::WithList {
                invoke: INVOKE,
                methods: vec![disconnect(), disconnect()],
                parameters: vec![value(&[0x0f, 0x00]), RawData::NULL],
            },
        );
        let lopsided = [&[0xc3, 0x03, 0xc1, 0x01][..], &DISCONNECT, &[0x00]].concat();
        assert_eq!(ActionRequest::decode(&lopsided), Err(Malformed::new(MalformedKind::Count, 13)));
    }

    #[test]
    fn long_parameters_come_in_blocks() {
        let block = DataBlock { last: false, number: 1, octets: &[0x09, 0x02] };
        request_is(
            &[&[0xc3, 0x04, 0xc1], &DISCONNECT, &[0x00, 0, 0, 0, 1, 0x02, 0x09, 0x02]],
            &ActionRequest::FirstPblock { invoke: INVOKE, method: disconnect(), block },
        );
        request_is(
            &[&[0xc3, 0x05, 0xc1, 0x01], &DISCONNECT, &[0x00, 0, 0, 0, 1, 0x02, 0x09, 0x02]],
            &ActionRequest::WithListFirstPblock {
                invoke: INVOKE,
                methods: vec![disconnect()],
                block,
            },
        );
        let block = DataBlock { last: true, number: 2, octets: &[0xaa, 0xbb] };
        request_is(
            &[&[0xc3, 0x06, 0xc1, 0xff, 0, 0, 0, 2, 0x02, 0xaa, 0xbb]],
            &ActionRequest::Pblock { invoke: INVOKE, block },
        );
        request_is(
            &[&[0xc3, 0x02, 0xc1, 0, 0, 0, 3]],
            &ActionRequest::NextPblock { invoke: INVOKE, number: 3 },
        );
    }

    #[test]
    fn a_normal_response_returns_nothing_data_or_a_result() {
        response_is(
            &[0xc7, 0x01, 0xc1, 0x00, 0x00],
            &ActionResponse::Normal {
                invoke: INVOKE,
                result: ActionResult::Success,
                returned: None,
            },
        );
        response_is(
            &[0xc7, 0x01, 0xc1, 0x00, 0x01, 0x00, 0x09, 0x02, 0xaa, 0xbb],
            &ActionResponse::Normal {
                invoke: INVOKE,
                result: ActionResult::Success,
                returned: Some(Ok(value(&[0x09, 0x02, 0xaa, 0xbb]))),
            },
        );
        response_is(
            &[0xc7, 0x01, 0xc1, 0xfa, 0x01, 0x01, 0xfa],
            &ActionResponse::Normal {
                invoke: INVOKE,
                result: ActionResult::OtherReason,
                returned: Some(Err(DataAccessResult::OtherReason)),
            },
        );
    }

    #[test]
    fn a_list_response_returns_something_for_each_method_or_nothing() {
        response_is(
            &[0xc7, 0x03, 0xc1, 0x02, 0x00, 0x01, 0x00, 0x11, 0x05, 0x03, 0x00],
            &ActionResponse::WithList {
                invoke: INVOKE,
                results: vec![
                    (ActionResult::Success, Some(Ok(value(&[0x11, 0x05])))),
                    (ActionResult::ReadWriteDenied, None),
                ],
            },
        );
    }

    #[test]
    fn choice_2_of_a_response_is_a_block_and_choice_4_asks_for_one() {
        let block = DataBlock { last: true, number: 1, octets: &[0x00, 0x00] };
        response_is(
            &[0xc7, 0x02, 0xc1, 0xff, 0, 0, 0, 1, 0x02, 0x00, 0x00],
            &ActionResponse::WithPblock { invoke: INVOKE, block },
        );
        response_is(
            &[0xc7, 0x04, 0xc1, 0, 0, 0, 1],
            &ActionResponse::NextPblock { invoke: INVOKE, number: 1 },
        );
    }

    #[test]
    fn an_unknown_choice_is_refused_at_its_octet() {
        assert_eq!(
            ActionRequest::decode(&[0xc3, 0x07, 0xc1]),
            Err(Malformed::new(MalformedKind::UnknownChoice(7), 1))
        );
        assert_eq!(
            ActionResponse::decode(&[0xc7, 0x05, 0xc1]),
            Err(Malformed::new(MalformedKind::UnknownChoice(5), 1))
        );
    }
}
