//! Any APDU.

use super::{
    AccessRequest, AccessResponse, ActionRequest, ActionResponse, ConfirmedServiceError,
    DataNotification, DataNotificationConfirm, EventNotification, ExceptionResponse,
    GeneralBlockTransfer, GetRequest, GetResponse, InformationReport, InitiateRequest,
    InitiateResponse, ReadRequest, ReadResponse, SetRequest, SetResponse, WriteRequest,
    WriteResponse, tag,
};
use crate::{
    Malformed, MalformedKind,
    acse::{Aare, Aarq, Rlre, Rlrq},
    axdr::Writer,
};

/// An APDU of whatever kind, told by its first octet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Apdu<'a> {
    /// A request for an association.
    Aarq(Aarq<'a>),
    /// The answer to it.
    Aare(Aare<'a>),
    /// A request to release an association.
    Rlrq(Rlrq<'a>),
    /// The answer to it.
    Rlre(Rlre<'a>),
    /// What the client proposes for an association.
    InitiateRequest(InitiateRequest<'a>),
    /// What the server agrees to.
    InitiateResponse(InitiateResponse),
    /// Asks for attributes.
    GetRequest(GetRequest<'a>),
    /// Answers with attributes.
    GetResponse(GetResponse<'a>),
    /// Writes attributes.
    SetRequest(SetRequest<'a>),
    /// How the writing went.
    SetResponse(SetResponse),
    /// Invokes methods.
    ActionRequest(ActionRequest<'a>),
    /// How the methods went.
    ActionResponse(ActionResponse<'a>),
    /// Asks for several things to be done.
    AccessRequest(AccessRequest<'a>),
    /// How they went.
    AccessResponse(AccessResponse<'a>),
    /// Asks for attributes by their short names.
    ReadRequest(ReadRequest<'a>),
    /// Answers with attributes.
    ReadResponse(ReadResponse<'a>),
    /// Writes attributes by their short names.
    WriteRequest(WriteRequest<'a>),
    /// How the writing went.
    WriteResponse(WriteResponse),
    /// Writes attributes by their short names, and is not answered.
    UnconfirmedWriteRequest(WriteRequest<'a>),
    /// Attributes sent unasked, by their short names.
    InformationReport(InformationReport<'a>),
    /// An APDU that could not be processed.
    ExceptionResponse(ExceptionResponse),
    /// An initiate, read or write that is refused.
    ConfirmedServiceError(ConfirmedServiceError),
    /// A push.
    DataNotification(DataNotification<'a>),
    /// Confirms a push.
    DataNotificationConfirm(DataNotificationConfirm<'a>),
    /// An attribute sent because something happened.
    EventNotification(EventNotification<'a>),
    /// A part of any APDU.
    GeneralBlockTransfer(GeneralBlockTransfer<'a>),
    /// A ciphered or signed APDU, not looked into.
    Ciphered {
        /// The first octet.
        tag: u8,
        /// All octets of the APDU, the first one included.
        octets: &'a [u8],
    },
}

impl<'a> Apdu<'a> {
    /// Reads an APDU, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not the APDU that the first octet says they are, with the place.
    /// [`MalformedKind::UnknownTag`] at octet 0 for an APDU that this crate does not decode;
    /// whether the standard has it is told by [`tag::name`].
    pub fn decode(apdu: &'a [u8]) -> Result<Self, Malformed> {
        let Some(&first) = apdu.first() else {
            return Err(Malformed::new(MalformedKind::Truncated, 0));
        };
        match first {
            tag::AARQ => Aarq::decode(apdu).map(Self::Aarq),
            tag::AARE => Aare::decode(apdu).map(Self::Aare),
            tag::RLRQ => Rlrq::decode(apdu).map(Self::Rlrq),
            tag::RLRE => Rlre::decode(apdu).map(Self::Rlre),
            tag::INITIATE_REQUEST => InitiateRequest::decode(apdu).map(Self::InitiateRequest),
            tag::INITIATE_RESPONSE => InitiateResponse::decode(apdu).map(Self::InitiateResponse),
            tag::GET_REQUEST => GetRequest::decode(apdu).map(Self::GetRequest),
            tag::GET_RESPONSE => GetResponse::decode(apdu).map(Self::GetResponse),
            tag::SET_REQUEST => SetRequest::decode(apdu).map(Self::SetRequest),
            tag::SET_RESPONSE => SetResponse::decode(apdu).map(Self::SetResponse),
            tag::ACTION_REQUEST => ActionRequest::decode(apdu).map(Self::ActionRequest),
            tag::ACTION_RESPONSE => ActionResponse::decode(apdu).map(Self::ActionResponse),
            tag::ACCESS_REQUEST => AccessRequest::decode(apdu).map(Self::AccessRequest),
            tag::ACCESS_RESPONSE => AccessResponse::decode(apdu).map(Self::AccessResponse),
            tag::READ_REQUEST => ReadRequest::decode(apdu).map(Self::ReadRequest),
            tag::READ_RESPONSE => ReadResponse::decode(apdu).map(Self::ReadResponse),
            tag::WRITE_REQUEST => WriteRequest::decode(apdu).map(Self::WriteRequest),
            tag::WRITE_RESPONSE => WriteResponse::decode(apdu).map(Self::WriteResponse),
            tag::UNCONFIRMED_WRITE_REQUEST => {
                WriteRequest::decode_unconfirmed(apdu).map(Self::UnconfirmedWriteRequest)
            }
            tag::INFORMATION_REPORT_REQUEST => {
                InformationReport::decode(apdu).map(Self::InformationReport)
            }
            tag::EXCEPTION_RESPONSE => ExceptionResponse::decode(apdu).map(Self::ExceptionResponse),
            tag::CONFIRMED_SERVICE_ERROR => {
                ConfirmedServiceError::decode(apdu).map(Self::ConfirmedServiceError)
            }
            tag::DATA_NOTIFICATION => DataNotification::decode(apdu).map(Self::DataNotification),
            tag::DATA_NOTIFICATION_CONFIRM => {
                DataNotificationConfirm::decode(apdu).map(Self::DataNotificationConfirm)
            }
            tag::EVENT_NOTIFICATION_REQUEST => {
                EventNotification::decode(apdu).map(Self::EventNotification)
            }
            tag::GENERAL_BLOCK_TRANSFER => {
                GeneralBlockTransfer::decode(apdu).map(Self::GeneralBlockTransfer)
            }
            tag if tag::is_protected(tag) => Ok(Self::Ciphered { tag, octets: apdu }),
            other => Err(Malformed::new(MalformedKind::UnknownTag(other), 0)),
        }
    }

    /// Appends the APDU.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Aarq(apdu) => apdu.encode(writer),
            Self::Aare(apdu) => apdu.encode(writer),
            Self::Rlrq(apdu) => apdu.encode(writer),
            Self::Rlre(apdu) => apdu.encode(writer),
            Self::InitiateRequest(apdu) => apdu.encode(writer),
            Self::InitiateResponse(apdu) => apdu.encode(writer),
            Self::GetRequest(apdu) => apdu.encode(writer),
            Self::GetResponse(apdu) => apdu.encode(writer),
            Self::SetRequest(apdu) => apdu.encode(writer),
            Self::SetResponse(apdu) => apdu.encode(writer),
            Self::ActionRequest(apdu) => apdu.encode(writer),
            Self::ActionResponse(apdu) => apdu.encode(writer),
            Self::AccessRequest(apdu) => apdu.encode(writer),
            Self::AccessResponse(apdu) => apdu.encode(writer),
            Self::ReadRequest(apdu) => apdu.encode(writer),
            Self::ReadResponse(apdu) => apdu.encode(writer),
            Self::WriteRequest(apdu) => apdu.encode(writer),
            Self::WriteResponse(apdu) => apdu.encode(writer),
            Self::UnconfirmedWriteRequest(apdu) => apdu.encode_unconfirmed(writer),
            Self::InformationReport(apdu) => apdu.encode(writer),
            Self::ExceptionResponse(apdu) => apdu.encode(writer),
            Self::ConfirmedServiceError(apdu) => apdu.encode(writer),
            Self::DataNotification(apdu) => apdu.encode(writer),
            Self::DataNotificationConfirm(apdu) => apdu.encode(writer),
            Self::EventNotification(apdu) => apdu.encode(writer),
            Self::GeneralBlockTransfer(apdu) => apdu.encode(writer),
            Self::Ciphered { octets, .. } => writer.octets(octets),
        }
    }

    /// The first octet.
    pub const fn tag(&self) -> u8 {
        match self {
            Self::Aarq(_) => tag::AARQ,
            Self::Aare(_) => tag::AARE,
            Self::Rlrq(_) => tag::RLRQ,
            Self::Rlre(_) => tag::RLRE,
            Self::InitiateRequest(_) => tag::INITIATE_REQUEST,
            Self::InitiateResponse(_) => tag::INITIATE_RESPONSE,
            Self::GetRequest(_) => tag::GET_REQUEST,
            Self::GetResponse(_) => tag::GET_RESPONSE,
            Self::SetRequest(_) => tag::SET_REQUEST,
            Self::SetResponse(_) => tag::SET_RESPONSE,
            Self::ActionRequest(_) => tag::ACTION_REQUEST,
            Self::ActionResponse(_) => tag::ACTION_RESPONSE,
            Self::AccessRequest(_) => tag::ACCESS_REQUEST,
            Self::AccessResponse(_) => tag::ACCESS_RESPONSE,
            Self::ReadRequest(_) => tag::READ_REQUEST,
            Self::ReadResponse(_) => tag::READ_RESPONSE,
            Self::WriteRequest(_) => tag::WRITE_REQUEST,
            Self::WriteResponse(_) => tag::WRITE_RESPONSE,
            Self::UnconfirmedWriteRequest(_) => tag::UNCONFIRMED_WRITE_REQUEST,
            Self::InformationReport(_) => tag::INFORMATION_REPORT_REQUEST,
            Self::ExceptionResponse(_) => tag::EXCEPTION_RESPONSE,
            Self::ConfirmedServiceError(_) => tag::CONFIRMED_SERVICE_ERROR,
            Self::DataNotification(_) => tag::DATA_NOTIFICATION,
            Self::DataNotificationConfirm(_) => tag::DATA_NOTIFICATION_CONFIRM,
            Self::EventNotification(_) => tag::EVENT_NOTIFICATION_REQUEST,
            Self::GeneralBlockTransfer(_) => tag::GENERAL_BLOCK_TRANSFER,
            Self::Ciphered { tag, .. } => *tag,
        }
    }

    /// The name of the APDU in the standard.
    pub const fn name(&self) -> &'static str {
        tag::name(self.tag())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        acse::{
            AcseProviderDiagnostic, AcseUserDiagnostic, ApplicationContext, AssociationResult,
            Diagnostic, Mechanism, ReleaseRequestReason, ReleaseResponseReason,
        },
        axdr::{RawData, Reader},
        cosem::{AttributeDescriptor, ClassId, LogicalName, MethodDescriptor, ShortName},
        xdlms::{
            AccessResult, AccessSpecification, ActionResult, AttributeSelection, Conformance,
            DataAccessResult, DataBlock, ExceptionService, ExceptionState, InvokeIdAndPriority,
            LongInvokeIdAndPriority, ReadResult, SelectiveAccess, ServiceError, VariableAccess,
            WriteResult,
        },
    };
    use alloc::vec::Vec;
    use proptest::{collection::vec, option, prelude::*, sample::select};

    fn encoded(apdu: &Apdu<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        apdu.encode(&mut Writer::new(&mut out));
        out
    }

    fn octets(hex: &str) -> Vec<u8> {
        let digits: Vec<u32> = hex.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
        digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
    }

    #[test]
    fn apdus_of_other_stacks_are_told_apart_and_written_as_they_were() {
        for (name, hex) in [
            ("AARQ", "601da109060760857405080101be10040e01000000065f1f0400007e1fffff"),
            ("AARE", "611fa109060760857405080101a203020101a305a103020101be0604040e010600"),
            ("RLRE", "6303800100"),
            ("RLRE", "6316800100be11040f080100065f1f0400001e1d04c80007"),
            ("exception-response", "d80101"),
            ("exception-response", "d80105"),
            ("exception-response", "d8010600000102"),
            ("get-response", "c401c1000600bc614e"),
            ("get-response", "c401c100060012da6f"),
            ("action-response", "c701c1000100091110000000011a52fe7dd3e72748973c1e28"),
            ("glo-initiate-request", "213030012345678013"),
            ("general-glo-ciphering", "db00052000000000"),
        ] {
            let octets = octets(hex);
            let apdu = Apdu::decode(&octets).unwrap();
            assert_eq!((apdu.name(), apdu.tag()), (name, octets[0]), "{hex}");
            assert_eq!(encoded(&apdu), octets, "{hex}");
        }
    }

    #[test]
    fn a_ciphered_apdu_is_not_looked_into() {
        for tag in (0..=255).filter(|&tag| tag::is_protected(tag)) {
            let octets = [tag, 0xff, 0xff];
            assert_eq!(Apdu::decode(&octets), Ok(Apdu::Ciphered { tag, octets: &octets }));
        }
    }

    #[test]
    fn an_apdu_that_is_not_decoded_here_is_refused_at_its_tag() {
        for tag in [0x00, 0x07, 0xc6, 0xe6, 0xff] {
            assert_eq!(
                Apdu::decode(&[tag, 0x00]),
                Err(Malformed::new(MalformedKind::UnknownTag(tag), 0))
            );
        }
        assert_eq!(Apdu::decode(&[]), Err(Malformed::new(MalformedKind::Truncated, 0)));
    }

    const OCTETS: [&[u8]; 5] =
        [&[], &[0x00], b"MMM\x00\x00\xbc\x61\x4e", &[0xff; 127], &[0x5a; 300]];

    const VALUES: [&[u8]; 7] = [
        &[0x00],
        &[0x11, 0x05],
        &[0x06, 0x00, 0xbc, 0x61, 0x4e],
        &[0x09, 0x03, 0xaa, 0xbb, 0xcc],
        &[0x02, 0x02, 0x0f, 0xff, 0x16, 0x1e],
        &[0x01, 0x02, 0x12, 0x00, 0x01, 0x12, 0x00, 0x02],
        &[0x01, 0x00],
    ];

    fn some_octets() -> impl Strategy<Value = &'static [u8]> {
        select(&OCTETS[..])
    }

    fn value() -> impl Strategy<Value = RawData<'static>> {
        select(&VALUES[..]).prop_map(|octets| RawData::decode(&mut Reader::new(octets)).unwrap())
    }

    fn invoke() -> impl Strategy<Value = InvokeIdAndPriority> {
        any::<u8>().prop_map(InvokeIdAndPriority)
    }

    fn data_access_result() -> impl Strategy<Value = DataAccessResult> {
        any::<u8>().prop_map(DataAccessResult::from_code)
    }

    fn data_result() -> impl Strategy<Value = Result<RawData<'static>, DataAccessResult>> {
        prop_oneof![value().prop_map(Ok), data_access_result().prop_map(Err)]
    }

    fn attribute_descriptor() -> impl Strategy<Value = AttributeDescriptor> {
        any::<(u16, [u8; 6], i8)>().prop_map(|(class, instance, attribute)| {
            AttributeDescriptor::new(ClassId(class), LogicalName(instance), attribute)
        })
    }

    fn method() -> impl Strategy<Value = MethodDescriptor> {
        any::<(u16, [u8; 6], i8)>().prop_map(|(class, instance, method)| {
            MethodDescriptor::new(ClassId(class), LogicalName(instance), method)
        })
    }

    fn attribute() -> impl Strategy<Value = AttributeSelection<'static>> {
        let selection = (any::<u8>(), value())
            .prop_map(|(selector, parameters)| SelectiveAccess { selector, parameters });
        (attribute_descriptor(), option::of(selection))
            .prop_map(|(attribute, selection)| AttributeSelection { attribute, selection })
    }

    fn block() -> impl Strategy<Value = DataBlock<'static>> {
        (any::<bool>(), any::<u32>(), some_octets()).prop_map(|(last, number, octets)| DataBlock {
            last,
            number,
            octets,
        })
    }

    fn reply()
    -> impl Strategy<Value = (ActionResult, Option<Result<RawData<'static>, DataAccessResult>>)>
    {
        (any::<u8>().prop_map(ActionResult::from_code), option::of(data_result()))
    }

    fn get() -> impl Strategy<Value = Apdu<'static>> {
        let request = prop_oneof![
            (invoke(), attribute())
                .prop_map(|(invoke, attribute)| GetRequest::Normal { invoke, attribute }),
            (invoke(), any::<u32>())
                .prop_map(|(invoke, block_number)| GetRequest::Next { invoke, block_number }),
            (invoke(), vec(attribute(), 0..4))
                .prop_map(|(invoke, attributes)| GetRequest::WithList { invoke, attributes }),
        ];
        let response = prop_oneof![
            (invoke(), data_result())
                .prop_map(|(invoke, result)| GetResponse::Normal { invoke, result }),
            (
                invoke(),
                any::<bool>(),
                any::<u32>(),
                prop_oneof![some_octets().prop_map(Ok), data_access_result().prop_map(Err)]
            )
                .prop_map(|(invoke, last, number, result)| {
                    GetResponse::WithDatablock { invoke, last, number, result }
                }),
            (invoke(), vec(data_result(), 0..200))
                .prop_map(|(invoke, results)| GetResponse::WithList { invoke, results }),
        ];
        prop_oneof![request.prop_map(Apdu::GetRequest), response.prop_map(Apdu::GetResponse)]
    }

    fn set() -> impl Strategy<Value = Apdu<'static>> {
        let request = prop_oneof![
            (invoke(), attribute(), value()).prop_map(|(invoke, attribute, value)| {
                SetRequest::Normal { invoke, attribute, value }
            }),
            (invoke(), attribute(), block()).prop_map(|(invoke, attribute, block)| {
                SetRequest::FirstDatablock { invoke, attribute, block }
            }),
            (invoke(), block()).prop_map(|(invoke, block)| SetRequest::Datablock { invoke, block }),
            (invoke(), vec((attribute(), value()), 0..4)).prop_map(|(invoke, pairs)| {
                let (attributes, values) = pairs.into_iter().unzip();
                SetRequest::WithList { invoke, attributes, values }
            }),
            (invoke(), vec(attribute(), 0..4), block()).prop_map(|(invoke, attributes, block)| {
                SetRequest::WithListFirstDatablock { invoke, attributes, block }
            }),
        ];
        let response = prop_oneof![
            (invoke(), data_access_result())
                .prop_map(|(invoke, result)| SetResponse::Normal { invoke, result }),
            (invoke(), any::<u32>())
                .prop_map(|(invoke, number)| SetResponse::Datablock { invoke, number }),
            (invoke(), data_access_result(), any::<u32>()).prop_map(|(invoke, result, number)| {
                SetResponse::LastDatablock { invoke, result, number }
            }),
            (invoke(), vec(data_access_result(), 0..4), any::<u32>()).prop_map(
                |(invoke, results, number)| SetResponse::LastDatablockWithList {
                    invoke,
                    results,
                    number
                }
            ),
            (invoke(), vec(data_access_result(), 0..4))
                .prop_map(|(invoke, results)| SetResponse::WithList { invoke, results }),
        ];
        prop_oneof![request.prop_map(Apdu::SetRequest), response.prop_map(Apdu::SetResponse)]
    }

    fn action() -> impl Strategy<Value = Apdu<'static>> {
        let request = prop_oneof![
            (invoke(), method(), option::of(value())).prop_map(|(invoke, method, parameters)| {
                ActionRequest::Normal { invoke, method, parameters }
            }),
            (invoke(), any::<u32>())
                .prop_map(|(invoke, number)| ActionRequest::NextPblock { invoke, number }),
            (invoke(), vec((method(), value()), 0..4)).prop_map(|(invoke, pairs)| {
                let (methods, parameters) = pairs.into_iter().unzip();
                ActionRequest::WithList { invoke, methods, parameters }
            }),
            (invoke(), method(), block()).prop_map(|(invoke, method, block)| {
                ActionRequest::FirstPblock { invoke, method, block }
            }),
            (invoke(), vec(method(), 0..4), block()).prop_map(|(invoke, methods, block)| {
                ActionRequest::WithListFirstPblock { invoke, methods, block }
            }),
            (invoke(), block()).prop_map(|(invoke, block)| ActionRequest::Pblock { invoke, block }),
        ];
        let response = prop_oneof![
            (invoke(), reply()).prop_map(|(invoke, (result, returned))| {
                ActionResponse::Normal { invoke, result, returned }
            }),
            (invoke(), block())
                .prop_map(|(invoke, block)| ActionResponse::WithPblock { invoke, block }),
            (invoke(), vec(reply(), 0..4))
                .prop_map(|(invoke, results)| ActionResponse::WithList { invoke, results }),
            (invoke(), any::<u32>())
                .prop_map(|(invoke, number)| ActionResponse::NextPblock { invoke, number }),
        ];
        prop_oneof![request.prop_map(Apdu::ActionRequest), response.prop_map(Apdu::ActionResponse)]
    }

    fn conformance() -> impl Strategy<Value = Conformance> {
        any::<[u8; 3]>().prop_map(Conformance::from_octets)
    }

    fn initiate() -> impl Strategy<Value = Apdu<'static>> {
        let quality = || option::of(any::<i8>());
        prop_oneof![
            (
                option::of(some_octets()),
                any::<bool>(),
                quality(),
                any::<u8>(),
                conformance(),
                any::<u16>()
            )
                .prop_map(
                    |(dedicated_key, response_allowed, quality, version, conformance, pdu)| {
                        Apdu::InitiateRequest(InitiateRequest {
                            dedicated_key,
                            response_allowed,
                            quality_of_service: quality,
                            version,
                            conformance,
                            max_receive_pdu: pdu,
                        })
                    }
                ),
            (quality(), any::<u8>(), conformance(), any::<u16>(), any::<u16>()).prop_map(
                |(quality_of_service, version, conformance, max_receive_pdu, vaa_name)| {
                    Apdu::InitiateResponse(InitiateResponse {
                        quality_of_service,
                        version,
                        conformance,
                        max_receive_pdu,
                        vaa_name,
                    })
                }
            ),
        ]
    }

    fn aarq() -> impl Strategy<Value = Apdu<'static>> {
        let octets = || option::of(some_octets());
        let id = || option::of(any::<i32>());
        (
            (any::<bool>(), any::<u8>(), any::<bool>(), option::of(any::<u8>())),
            (octets(), octets(), id(), id()),
            (octets(), octets(), id(), id()),
            (octets(), octets(), octets()),
        )
            .prop_map(|(head, called, calling, rest)| {
                Apdu::Aarq(Aarq {
                    protocol_version_1: head.0,
                    application_context: ApplicationContext::from_code(head.1),
                    called_ap_title: called.0,
                    called_ae_qualifier: called.1,
                    called_ap_invocation_id: called.2,
                    called_ae_invocation_id: called.3,
                    calling_ap_title: calling.0,
                    calling_ae_qualifier: calling.1,
                    calling_ap_invocation_id: calling.2,
                    calling_ae_invocation_id: calling.3,
                    acse_requirements: head.2,
                    mechanism: head.3.map(Mechanism::from_code),
                    calling_authentication_value: rest.0,
                    implementation_information: rest.1,
                    user_information: rest.2,
                })
            })
    }

    fn aare() -> impl Strategy<Value = Apdu<'static>> {
        let octets = || option::of(some_octets());
        let id = || option::of(any::<i32>());
        let diagnostic = prop_oneof![
            any::<u8>().prop_map(|code| Diagnostic::User(AcseUserDiagnostic::from_code(code))),
            any::<u8>()
                .prop_map(|code| Diagnostic::Provider(AcseProviderDiagnostic::from_code(code))),
        ];
        (
            (any::<u8>(), any::<u8>(), diagnostic),
            (octets(), octets(), id(), id()),
            (any::<bool>(), option::of(any::<u8>())),
            (octets(), octets(), octets()),
        )
            .prop_map(|(head, responding, authentication, rest)| {
                Apdu::Aare(Aare {
                    application_context: ApplicationContext::from_code(head.0),
                    result: AssociationResult::from_code(head.1),
                    diagnostic: head.2,
                    responding_ap_title: responding.0,
                    responding_ae_qualifier: responding.1,
                    responding_ap_invocation_id: responding.2,
                    responding_ae_invocation_id: responding.3,
                    acse_requirements: authentication.0,
                    mechanism: authentication.1.map(Mechanism::from_code),
                    responding_authentication_value: rest.0,
                    implementation_information: rest.1,
                    user_information: rest.2,
                })
            })
    }

    fn release() -> impl Strategy<Value = Apdu<'static>> {
        (any::<bool>(), option::of(any::<u8>()), option::of(some_octets())).prop_map(
            |(request, reason, user_information)| {
                if request {
                    let reason = reason.map(ReleaseRequestReason::from_code);
                    Apdu::Rlrq(Rlrq { reason, user_information })
                } else {
                    let reason = reason.map(ReleaseResponseReason::from_code);
                    Apdu::Rlre(Rlre { reason, user_information })
                }
            },
        )
    }

    fn error() -> impl Strategy<Value = Apdu<'static>> {
        let service = prop_oneof![
            select(
                &[
                    ExceptionService::OperationNotPossible,
                    ExceptionService::ServiceNotSupported,
                    ExceptionService::OtherReason,
                    ExceptionService::PduTooLong,
                    ExceptionService::DecipheringError,
                    ExceptionService::Other(0),
                    ExceptionService::Other(7),
                ][..]
            ),
            any::<u32>().prop_map(ExceptionService::InvocationCounterError),
        ];
        prop_oneof![
            (any::<u8>().prop_map(ExceptionState::from_code), service).prop_map(
                |(state, service)| Apdu::ExceptionResponse(ExceptionResponse { state, service })
            ),
            any::<(u8, u8, u8)>().prop_map(|(service, choice, value)| {
                let error = ServiceError { choice, value };
                Apdu::ConfirmedServiceError(ConfirmedServiceError { service, error })
            }),
        ]
    }

    fn long_invoke() -> impl Strategy<Value = LongInvokeIdAndPriority> {
        any::<u32>().prop_map(LongInvokeIdAndPriority)
    }

    fn time() -> impl Strategy<Value = &'static [u8]> {
        const TIMES: [&[u8]; 2] = [&[], &[0xff; 12]];
        select(&TIMES[..])
    }

    fn access() -> impl Strategy<Value = Apdu<'static>> {
        let specification = || {
            prop_oneof![
                attribute().prop_map(|AttributeSelection { attribute, selection }| {
                    AccessSpecification::Get { attribute, selection }
                }),
                attribute().prop_map(|AttributeSelection { attribute, selection }| {
                    AccessSpecification::Set { attribute, selection }
                }),
                method().prop_map(AccessSpecification::Action),
            ]
        };
        let result = prop_oneof![
            data_access_result().prop_map(AccessResult::Get),
            data_access_result().prop_map(AccessResult::Set),
            any::<u8>().prop_map(|code| AccessResult::Action(ActionResult::from_code(code))),
        ];
        prop_oneof![
            (long_invoke(), time(), vec((specification(), value()), 0..4)).prop_map(
                |(invoke, date_time, pairs)| {
                    let (specification, data) = pairs.into_iter().unzip();
                    Apdu::AccessRequest(AccessRequest { invoke, date_time, specification, data })
                }
            ),
            (long_invoke(), time(), any::<bool>(), vec((specification(), (value(), result)), 0..4))
                .prop_map(|(invoke, date_time, repeats, entries)| {
                    let (specification, rest): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
                    let (data, results) = rest.into_iter().unzip();
                    let specification = repeats.then_some(specification);
                    Apdu::AccessResponse(AccessResponse {
                        invoke,
                        date_time,
                        specification,
                        data,
                        results,
                    })
                }),
        ]
    }

    fn variable() -> impl Strategy<Value = VariableAccess<'static>> {
        prop_oneof![
            any::<u16>().prop_map(|name| VariableAccess::Name(ShortName(name))),
            (any::<u16>(), any::<u8>(), value()).prop_map(|(name, selector, parameter)| {
                VariableAccess::Parameterized { name: ShortName(name), selector, parameter }
            }),
            any::<u16>().prop_map(VariableAccess::BlockNumber),
            (any::<bool>(), any::<u16>(), some_octets()).prop_map(|(last, number, octets)| {
                VariableAccess::ReadBlock { last, number, octets }
            }),
            any::<(bool, u16)>()
                .prop_map(|(last, number)| VariableAccess::WriteBlock { last, number }),
        ]
    }

    fn short_names() -> impl Strategy<Value = Apdu<'static>> {
        let read = prop_oneof![
            value().prop_map(ReadResult::Data),
            data_access_result().prop_map(ReadResult::Error),
            (any::<bool>(), any::<u16>(), some_octets())
                .prop_map(|(last, number, octets)| { ReadResult::Block { last, number, octets } }),
            any::<u16>().prop_map(ReadResult::BlockNumber),
        ];
        let written = prop_oneof![
            Just(WriteResult::Success),
            data_access_result().prop_map(WriteResult::Error),
            any::<u16>().prop_map(WriteResult::BlockNumber),
        ];
        prop_oneof![
            vec(variable(), 0..4).prop_map(|list| Apdu::ReadRequest(ReadRequest(list))),
            vec(read, 0..4).prop_map(|list| Apdu::ReadResponse(ReadResponse(list))),
            (any::<bool>(), vec((variable(), value()), 0..4)).prop_map(|(confirmed, pairs)| {
                let (variables, data) = pairs.into_iter().unzip();
                let request = WriteRequest { variables, data };
                if confirmed {
                    Apdu::WriteRequest(request)
                } else {
                    Apdu::UnconfirmedWriteRequest(request)
                }
            }),
            vec(written, 0..4).prop_map(|list| Apdu::WriteResponse(WriteResponse(list))),
            (option::of(some_octets()), vec((variable(), value()), 0..4)).prop_map(
                |(current_time, pairs)| {
                    let (variables, data) = pairs.into_iter().unzip();
                    Apdu::InformationReport(InformationReport { current_time, variables, data })
                }
            ),
        ]
    }

    fn block_transfer() -> impl Strategy<Value = Apdu<'static>> {
        (any::<(bool, bool, u16, u16)>(), 0..64_u8, some_octets()).prop_map(
            |((last, streaming, number, acknowledged), window, octets)| {
                Apdu::GeneralBlockTransfer(GeneralBlockTransfer {
                    last,
                    streaming,
                    window,
                    number,
                    acknowledged,
                    octets,
                })
            },
        )
    }

    fn notification() -> impl Strategy<Value = Apdu<'static>> {
        prop_oneof![
            (long_invoke(), time()).prop_map(|(invoke, date_time)| {
                Apdu::DataNotificationConfirm(DataNotificationConfirm { invoke, date_time })
            }),
            (long_invoke(), time(), any::<bool>(), value()).prop_map(
                |(invoke, date_time, tagged_date_time, body)| {
                    Apdu::DataNotification(DataNotification {
                        invoke,
                        date_time,
                        tagged_date_time,
                        body,
                    })
                }
            ),
            (option::of(time()), attribute_descriptor(), value()).prop_map(
                |(time, attribute, value)| {
                    Apdu::EventNotification(EventNotification { time, attribute, value })
                }
            ),
        ]
    }

    fn apdu() -> impl Strategy<Value = Apdu<'static>> {
        prop_oneof![
            get(),
            set(),
            action(),
            initiate(),
            aarq(),
            aare(),
            release(),
            error(),
            notification(),
            prop_oneof![access(), short_names(), block_transfer()]
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(apdu in apdu()) {
            let octets = encoded(&apdu);
            prop_assert_eq!(Apdu::decode(&octets), Ok(apdu));
        }

        #[test]
        fn an_apdu_cut_short_anywhere_is_refused(apdu in apdu()) {
            let octets = encoded(&apdu);
            for end in 0..octets.len() {
                prop_assert!(Apdu::decode(&octets[..end]).is_err(), "{end} of {octets:02x?}");
            }
        }

        #[test]
        fn an_octet_behind_an_apdu_is_refused_where_it_stands(apdu in apdu(), octet: u8) {
            // What follows an unknown exception belongs to it.
            let unknown = |exception: &ExceptionResponse| {
                matches!(exception.service, ExceptionService::Other(_))
            };
            prop_assume!(!matches!(&apdu, Apdu::ExceptionResponse(apdu) if unknown(apdu)));
            let mut octets = encoded(&apdu);
            let end = octets.len();
            octets.push(octet);
            prop_assert_eq!(
                Apdu::decode(&octets),
                Err(Malformed::new(MalformedKind::Trailing, end))
            );
        }

        #[test]
        fn noise_behind_a_tag_is_an_apdu_or_an_error_within_it(tag: u8, noise: Vec<u8>) {
            is_an_apdu_or_an_error_within(&[&[tag][..], &noise].concat())?;
        }

        #[test]
        fn a_damaged_apdu_is_another_one_or_an_error_within_it(
            apdu in apdu(),
            at: prop::sample::Index,
            octet: u8,
        ) {
            let mut octets = encoded(&apdu);
            let at = at.index(octets.len());
            octets[at] = octet;
            is_an_apdu_or_an_error_within(&octets)?;
        }
    }

    fn is_an_apdu_or_an_error_within(octets: &[u8]) -> Result<(), TestCaseError> {
        match Apdu::decode(octets) {
            Ok(apdu) => {
                let again = encoded(&apdu);
                prop_assert_eq!(Apdu::decode(&again), Ok(apdu));
            }
            Err(malformed) => prop_assert!(malformed.offset <= octets.len()),
        }
        Ok(())
    }
}
