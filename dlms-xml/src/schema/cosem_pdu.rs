//! The APDUs of xDLMS, in the order of their tags.

use super::{
    Alternative, BOOLEAN, INTEGER8, INTEGER16, Item, NULL, OCTETS, Type, UNSIGNED8, UNSIGNED16,
    UNSIGNED32, Wrapped, choice,
    codes::{ACTION_RESULT, DATA_ACCESS_RESULT, STATE_ERRORS},
    data::{DATA, DATA_LIST},
    member, optional,
};
use crate::name::Name;

/// Every APDU but those of ACSE.
pub(crate) static APDUS: &[Alternative] = &[
    choice(0x01, "initiateRequest", "InitiateRequest", &INITIATE_REQUEST),
    choice(0x05, "readRequest", "ReadRequest", &VARIABLES),
    choice(0x06, "writeRequest", "WriteRequest", &WRITE_REQUEST),
    choice(0x08, "initiateResponse", "InitiateResponse", &INITIATE_RESPONSE),
    choice(0x0c, "readResponse", "ReadResponse", &READ_RESPONSE),
    choice(0x0d, "writeResponse", "WriteResponse", &WRITE_RESPONSE),
    choice(0x0e, "confirmedServiceError", "ConfirmedServiceError", &Type::ConfirmedServiceError),
    choice(0x0f, "data-notification", "DataNotification", &DATA_NOTIFICATION),
    choice(
        0x10,
        "data-notification-confirm",
        "DataNotificationConfirm",
        &DATA_NOTIFICATION_CONFIRM,
    ),
    choice(0x16, "unconfirmedWriteRequest", "UnconfirmedWriteRequest", &WRITE_REQUEST),
    choice(
        0x18,
        "informationReportRequest",
        "InformationReportRequest",
        &INFORMATION_REPORT_REQUEST,
    ),
    ciphered(0x21, "glo-initiateRequest", "glo_InitiateRequest"),
    ciphered(0x25, "glo-readRequest", "glo_ReadRequest"),
    ciphered(0x26, "glo-writeRequest", "glo_WriteRequest"),
    ciphered(0x28, "glo-initiateResponse", "glo_InitiateResponse"),
    ciphered(0x2c, "glo-readResponse", "glo_ReadResponse"),
    ciphered(0x2d, "glo-writeResponse", "glo_WriteResponse"),
    ciphered(0x2e, "glo-confirmedServiceError", "glo_ConfirmedServiceError"),
    ciphered(0x36, "glo-unconfirmedWriteRequest", "glo_UnconfirmedWriteRequest"),
    ciphered(0x38, "glo-informationReportRequest", "glo_InformationReportRequest"),
    ciphered(0x41, "ded-initiateRequest", "ded_InitiateRequest"),
    ciphered(0x45, "ded-readRequest", "ded_ReadRequest"),
    ciphered(0x46, "ded-writeRequest", "ded_WriteRequest"),
    ciphered(0x48, "ded-initiateResponse", "ded_InitiateResponse"),
    ciphered(0x4c, "ded-readResponse", "ded_ReadResponse"),
    ciphered(0x4d, "ded-writeResponse", "ded_WriteResponse"),
    ciphered(0x4e, "ded-confirmedServiceError", "ded_ConfirmedServiceError"),
    ciphered(0x56, "ded-unconfirmedWriteRequest", "ded_UnconfirmedWriteRequest"),
    ciphered(0x58, "ded-informationReportRequest", "ded_InformationReportRequest"),
    choice(0xc0, "get-request", "GetRequest", &GET_REQUEST),
    choice(0xc1, "set-request", "SetRequest", &SET_REQUEST),
    choice(
        0xc2,
        "event-notification-request",
        "EventNotificationRequest",
        &EVENT_NOTIFICATION_REQUEST,
    ),
    choice(0xc3, "action-request", "ActionRequest", &ACTION_REQUEST),
    choice(0xc4, "get-response", "GetResponse", &GET_RESPONSE),
    choice(0xc5, "set-response", "SetResponse", &SET_RESPONSE),
    choice(0xc7, "action-response", "ActionResponse", &ACTION_RESPONSE),
    ciphered(0xc8, "glo-get-request", "glo_GetRequest"),
    ciphered(0xc9, "glo-set-request", "glo_SetRequest"),
    ciphered(0xca, "glo-event-notification-request", "glo_EventNotificationRequest"),
    ciphered(0xcb, "glo-action-request", "glo_ActionRequest"),
    ciphered(0xcc, "glo-get-response", "glo_GetResponse"),
    ciphered(0xcd, "glo-set-response", "glo_SetResponse"),
    ciphered(0xcf, "glo-action-response", "glo_ActionResponse"),
    ciphered(0xd0, "ded-get-request", "ded_GetRequest"),
    ciphered(0xd1, "ded-set-request", "ded_SetRequest"),
    ciphered(0xd2, "ded-event-notification-request", "ded_EventNotificationRequest"),
    ciphered(0xd3, "ded-action-request", "ded_ActionRequest"),
    ciphered(0xd4, "ded-get-response", "ded_GetResponse"),
    ciphered(0xd5, "ded-set-response", "ded_SetResponse"),
    ciphered(0xd7, "ded-action-response", "ded_ActionResponse"),
    choice(0xd8, "exception-response", "ExceptionResponse", &EXCEPTION_RESPONSE),
    choice(0xd9, "access-request", "AccessRequest", &ACCESS_REQUEST),
    choice(0xda, "access-response", "AccessResponse", &ACCESS_RESPONSE),
    choice(0xdb, "general-glo-ciphering", "GeneralGloCiphering", &GENERAL_WITH_KEY_SET),
    choice(0xdc, "general-ded-ciphering", "GeneralDedCiphering", &GENERAL_WITH_KEY_SET),
    choice(0xdd, "general-ciphering", "GeneralCiphering", &GENERAL_CIPHERING),
    choice(0xdf, "general-signing", "GeneralSigning", &GENERAL_SIGNING),
    choice(0xe0, "general-block-transfer", "GeneralBlockTransfer", &GENERAL_BLOCK_TRANSFER),
];

/// An APDU whose octets only a key opens.
const fn ciphered(tag: u8, asn1: &'static str, short: &'static str) -> Alternative {
    choice(tag, asn1, short, &OCTETS)
}

// Initiate.

static INITIATE_REQUEST: Type = Type::Sequence(&[
    optional("dedicated-key", "DedicatedKey", &OCTETS),
    optional("response-allowed", "ResponseAllowed", &BOOLEAN),
    optional("proposed-quality-of-service", "ProposedQualityOfService", &INTEGER8),
    member("proposed-dlms-version-number", "ProposedDlmsVersionNumber", &UNSIGNED8),
    member("proposed-conformance", "ProposedConformance", &Type::Conformance),
    member("client-max-receive-pdu-size", "ProposedMaxPduSize", &UNSIGNED16),
]);

static INITIATE_RESPONSE: Type = Type::Sequence(&[
    optional("negotiated-quality-of-service", "NegotiatedQualityOfService", &INTEGER8),
    member("negotiated-dlms-version-number", "NegotiatedDlmsVersionNumber", &UNSIGNED8),
    member("negotiated-conformance", "NegotiatedConformance", &Type::Conformance),
    member("server-max-receive-pdu-size", "NegotiatedMaxPduSize", &UNSIGNED16),
    member("vaa-name", "VaaName", &INTEGER16),
]);

static EXCEPTION_RESPONSE: Type = Type::Sequence(&[
    member("state-error", "StateError", &STATE_ERRORS),
    member("service-error", "ServiceError", &Type::ExceptionService),
]);

// What several services use.

static ATTRIBUTE_DESCRIPTOR: Type = Type::Sequence(&[
    member("class-id", "ClassId", &UNSIGNED16),
    member("instance-id", "InstanceId", &Type::OctetsOf(6)),
    member("attribute-id", "AttributeId", &INTEGER8),
]);

static METHOD_DESCRIPTOR: Type = Type::Sequence(&[
    member("class-id", "ClassId", &UNSIGNED16),
    member("instance-id", "InstanceId", &Type::OctetsOf(6)),
    super::Member {
        // Of an ACCESS some translators write a method as if it were an attribute.
        name: Name::new("method-id", "MethodId").also(&["AttributeId"]),
        of: &INTEGER8,
        optional: false,
    },
]);

static SELECTION: Type = Type::Sequence(&[
    member("access-selector", "AccessSelector", &UNSIGNED8),
    member("access-parameters", "AccessParameters", &DATA),
]);

static ATTRIBUTE_WITH_SELECTION: Type = Type::Sequence(&[
    member("cosem-attribute-descriptor", "AttributeDescriptor", &ATTRIBUTE_DESCRIPTOR),
    optional("access-selection", "AccessSelection", &SELECTION),
]);

static ATTRIBUTES: Type = Type::List(&Item {
    name: Name::new(
        "Cosem-Attribute-Descriptor-With-Selection",
        "AttributeDescriptorWithSelection",
    ),
    of: &ATTRIBUTE_WITH_SELECTION,
    wrapped: Wrapped::Always,
});

static METHODS: Type = Type::List(&Item {
    name: Name::new("Cosem-Method-Descriptor", "MethodDescriptor"),
    of: &METHOD_DESCRIPTOR,
    wrapped: Wrapped::Always,
});

/// DataBlock-SA.
static BLOCK: Type = Type::Sequence(&[
    member("last-block", "LastBlock", &BOOLEAN),
    member("block-number", "BlockNumber", &UNSIGNED32),
    member("raw-data", "RawData", &OCTETS),
]);

/// Get-Data-Result.
static DATA_RESULT: Type = Type::Choice(&[
    choice(0, "data", "Data", &DATA),
    Alternative {
        tag: 1,
        name: Name::new("data-access-result", "DataAccessError").also(&["data-access-error"]),
        of: &DATA_ACCESS_RESULT,
    },
]);

static DATA_RESULTS: Type = Type::List(&Item {
    name: Name::new("Get-Data-Result", "GetDataResult"),
    of: &DATA_RESULT,
    wrapped: Wrapped::Asn1,
});

static RESULTS: Type = Type::List(&Item {
    name: Name::new("Data-Access-Result", "DataAccessResult"),
    of: &DATA_ACCESS_RESULT,
    wrapped: Wrapped::Always,
});

// GET.

static GET_REQUEST: Type = Type::Choice(&[
    choice(
        1,
        "get-request-normal",
        "GetRequestNormal",
        &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("cosem-attribute-descriptor", "AttributeDescriptor", &ATTRIBUTE_DESCRIPTOR),
            optional("access-selection", "AccessSelection", &SELECTION),
        ]),
    ),
    choice(
        2,
        "get-request-next",
        "GetRequestForNextDataBlock",
        &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("block-number", "BlockNumber", &UNSIGNED32),
        ]),
    ),
    choice(
        3,
        "get-request-with-list",
        "GetRequestWithList",
        &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("attribute-descriptor-list", "AttributeDescriptorList", &ATTRIBUTES),
        ]),
    ),
]);

static GET_RESPONSE: Type = Type::Choice(&[
    choice(
        1,
        "get-response-normal",
        "GetResponseNormal",
        &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("result", "Result", &DATA_RESULT),
        ]),
    ),
    choice(
        2,
        "get-response-with-data-block",
        "GetResponsewithDataBlock",
        &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("result", "Result", &BLOCK_OF_GET),
        ]),
    ),
    choice(
        3,
        "get-response-with-list",
        "GetResponseWithList",
        &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("result", "Result", &DATA_RESULTS),
        ]),
    ),
]);

/// DataBlock-G.
static BLOCK_OF_GET: Type = Type::Sequence(&[
    member("last-block", "LastBlock", &BOOLEAN),
    member("block-number", "BlockNumber", &UNSIGNED32),
    member(
        "result",
        "Result",
        &Type::Choice(&[
            choice(0, "raw-data", "RawData", &OCTETS),
            choice(1, "data-access-result", "DataAccessResult", &DATA_ACCESS_RESULT),
        ]),
    ),
]);

// SET.

static SET_REQUEST: Type = Type::Choice(&[
    choice(
        1,
        "set-request-normal",
        "SetRequestNormal",
        &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("cosem-attribute-descriptor", "AttributeDescriptor", &ATTRIBUTE_DESCRIPTOR),
            optional("access-selection", "AccessSelection", &SELECTION),
            member("value", "Value", &DATA),
        ]),
    ),
    Alternative {
        tag: 2,
        name: Name::new("set-request-with-first-datablock", "SetRequestFirstDataBlock")
            .also(&["set-request-first-data-block"]),
        of: &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("cosem-attribute-descriptor", "AttributeDescriptor", &ATTRIBUTE_DESCRIPTOR),
            optional("access-selection", "AccessSelection", &SELECTION),
            member("datablock", "DataBlock", &BLOCK),
        ]),
    },
    choice(
        3,
        "set-request-with-datablock",
        "SetRequestWithDataBlock",
        &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("datablock", "DataBlock", &BLOCK),
        ]),
    ),
    choice(
        4,
        "set-request-with-list",
        "SetRequestWithList",
        &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("attribute-descriptor-list", "AttributeDescriptorList", &ATTRIBUTES),
            member("value-list", "ValueList", &DATA_LIST),
        ]),
    ),
    choice(
        5,
        "set-request-with-list-and-first-datablock",
        "SetRequestWithListAndFirstDataBlock",
        &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("attribute-descriptor-list", "AttributeDescriptorList", &ATTRIBUTES),
            member("datablock", "DataBlock", &BLOCK),
        ]),
    ),
]);

static SET_RESPONSE: Type = Type::Choice(&[
    choice(
        1,
        "set-response-normal",
        "SetResponseNormal",
        &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("result", "Result", &DATA_ACCESS_RESULT),
        ]),
    ),
    Alternative {
        tag: 2,
        name: Name::new("set-response-datablock", "SetResponseDataBlock"),
        of: &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("block-number", "BlockNumber", &UNSIGNED32),
        ]),
    },
    Alternative {
        tag: 3,
        name: Name::new("set-response-last-datablock", "SetResponseWithLastDataBlock"),
        of: &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("result", "Result", &DATA_ACCESS_RESULT),
            member("block-number", "BlockNumber", &UNSIGNED32),
        ]),
    },
    choice(
        4,
        "set-response-last-datablock-with-list",
        "SetResponseWithLastDataBlockWithList",
        &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("result", "Result", &RESULTS),
            member("block-number", "BlockNumber", &UNSIGNED32),
        ]),
    ),
    choice(
        5,
        "set-response-with-list",
        "SetResponseWithList",
        &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("result", "Result", &RESULTS),
        ]),
    ),
]);

// ACTION.

static ACTION_REQUEST: Type = Type::Choice(&[
    choice(
        1,
        "action-request-normal",
        "ActionRequestNormal",
        &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("cosem-method-descriptor", "MethodDescriptor", &METHOD_DESCRIPTOR),
            optional("method-invocation-parameters", "MethodInvocationParameters", &DATA),
        ]),
    ),
    choice(
        2,
        "action-request-next-pblock",
        "ActionRequestNextPBlock",
        &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("block-number", "BlockNumber", &UNSIGNED32),
        ]),
    ),
    choice(
        3,
        "action-request-with-list",
        "ActionRequestWithList",
        &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("cosem-method-descriptor-list", "MethodDescriptorList", &METHODS),
            member("method-invocation-parameters", "MethodInvocationParameters", &DATA_LIST),
        ]),
    ),
    choice(
        4,
        "action-request-with-first-pblock",
        "ActionRequestWithFirstPBlock",
        &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("cosem-method-descriptor", "MethodDescriptor", &METHOD_DESCRIPTOR),
            member("pblock", "PBlock", &BLOCK),
        ]),
    ),
    choice(
        5,
        "action-request-with-list-and-first-pblock",
        "ActionRequestWithListAndFirstPBlock",
        &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("cosem-method-descriptor-list", "MethodDescriptorList", &METHODS),
            member("pblock", "PBlock", &BLOCK),
        ]),
    ),
    choice(
        6,
        "action-request-with-pblock",
        "ActionRequestWithPBlock",
        &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("pblock", "PBlock", &BLOCK),
        ]),
    ),
]);

static ACTION_RESPONSE: Type = Type::Choice(&[
    choice(
        1,
        "action-response-normal",
        "ActionResponseNormal",
        &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("single-response", "", &REPLY),
        ]),
    ),
    choice(
        2,
        "action-response-with-pblock",
        "ActionResponseWithPBlock",
        &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("pblock", "PBlock", &BLOCK),
        ]),
    ),
    choice(
        3,
        "action-response-with-list",
        "ActionResponseWithList",
        &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("list-of-responses", "ListOfResponses", &REPLIES),
        ]),
    ),
    choice(
        4,
        "action-response-next-pblock",
        "ActionResponseNextBlock",
        &Type::Sequence(&[
            member("invoke-id-and-priority", "InvokeIdAndPriority", &UNSIGNED8),
            member("block-number", "BlockNumber", &UNSIGNED32),
        ]),
    ),
]);

/// Action-Response-With-Optional-Data.
static REPLY: Type = Type::Sequence(&[
    member("result", "Result", &ACTION_RESULT),
    optional("return-parameters", "ReturnParameters", &DATA_RESULT),
]);

static REPLIES: Type = Type::List(&Item {
    name: Name::new("Action-Response-With-Optional-Data", "ActionResponseWithOptionalData"),
    of: &REPLY,
    wrapped: Wrapped::Always,
});

// What comes unasked.

static DATA_NOTIFICATION: Type = Type::Sequence(&[
    member("long-invoke-id-and-priority", "LongInvokeIdAndPriority", &UNSIGNED32),
    member("date-time", "DateTime", &OCTETS),
    member(
        "notification-body",
        "NotificationBody",
        &Type::Sequence(&[member("data-value", "DataValue", &DATA)]),
    ),
]);

static DATA_NOTIFICATION_CONFIRM: Type = Type::Sequence(&[
    member("long-invoke-id-and-priority", "LongInvokeIdAndPriority", &UNSIGNED32),
    member("date-time", "DateTime", &OCTETS),
]);

static EVENT_NOTIFICATION_REQUEST: Type = Type::Sequence(&[
    optional("time", "Time", &OCTETS),
    member("cosem-attribute-descriptor", "AttributeDescriptor", &ATTRIBUTE_DESCRIPTOR),
    member("attribute-value", "AttributeValue", &DATA),
]);

// ACCESS.

static ACCESS_REQUEST: Type = Type::Sequence(&[
    member("long-invoke-id-and-priority", "LongInvokeIdAndPriority", &UNSIGNED32),
    member("date-time", "DateTime", &OCTETS),
    member(
        "access-request-body",
        "AccessRequestBody",
        &Type::Sequence(&[
            member(
                "access-request-specification",
                "AccessRequestSpecification",
                &ACCESS_REQUEST_SPECIFICATIONS,
            ),
            member("access-request-list-of-data", "AccessRequestListOfData", &DATA_LIST),
        ]),
    ),
]);

static ACCESS_REQUEST_SPECIFICATIONS: Type = Type::List(&Item {
    name: Name::new("Access-Request-Specification", "_AccessRequestSpecification"),
    of: &Type::Choice(&[
        choice(1, "access-request-get", "AccessRequestGet", &ACCESSED_ATTRIBUTE),
        choice(2, "access-request-set", "AccessRequestSet", &ACCESSED_ATTRIBUTE),
        choice(
            3,
            "access-request-action",
            "AccessRequestAction",
            &Type::Sequence(&[super::Member {
                name: Name::new("cosem-method-descriptor", "MethodDescriptor")
                    .also(&["AttributeDescriptor", "cosem-attribute-descriptor"]),
                of: &METHOD_DESCRIPTOR,
                optional: false,
            }]),
        ),
        choice(
            4,
            "access-request-get-with-selection",
            "AccessRequestGetWithSelection",
            &ACCESSED_SELECTION,
        ),
        choice(
            5,
            "access-request-set-with-selection",
            "AccessRequestSetWithSelection",
            &ACCESSED_SELECTION,
        ),
    ]),
    wrapped: Wrapped::Always,
});

static ACCESSED_ATTRIBUTE: Type = Type::Sequence(&[member(
    "cosem-attribute-descriptor",
    "AttributeDescriptor",
    &ATTRIBUTE_DESCRIPTOR,
)]);

static ACCESSED_SELECTION: Type = Type::Sequence(&[
    member("cosem-attribute-descriptor", "AttributeDescriptor", &ATTRIBUTE_DESCRIPTOR),
    member("access-selection", "AccessSelection", &SELECTION),
]);

static ACCESS_RESPONSE: Type = Type::Sequence(&[
    member("long-invoke-id-and-priority", "LongInvokeIdAndPriority", &UNSIGNED32),
    member("date-time", "DateTime", &OCTETS),
    member(
        "access-response-body",
        "AccessResponseBody",
        &Type::Sequence(&[
            optional(
                "access-request-specification",
                "AccessRequestSpecification",
                &ACCESS_REQUEST_SPECIFICATIONS,
            ),
            member("access-response-list-of-data", "AccessResponseListOfData", &DATA_LIST),
            member(
                "access-response-specification",
                "AccessResponseSpecification",
                &ACCESS_RESPONSE_SPECIFICATIONS,
            ),
        ]),
    ),
]);

static ACCESS_RESPONSE_SPECIFICATIONS: Type = Type::List(&Item {
    name: Name::new("Access-Response-Specification", "_AccessResponseSpecification"),
    of: &Type::Choice(&[
        choice(1, "access-response-get", "AccessResponseGet", &ACCESSED_RESULT),
        choice(2, "access-response-set", "AccessResponseSet", &ACCESSED_RESULT),
        choice(
            3,
            "access-response-action",
            "AccessResponseAction",
            &Type::Sequence(&[member("result", "Result", &ACTION_RESULT)]),
        ),
    ]),
    wrapped: Wrapped::Always,
});

static ACCESSED_RESULT: Type = Type::Sequence(&[member("result", "Result", &DATA_ACCESS_RESULT)]);

// Short name referencing.

/// The error of a readResponse or a writeResponse.
const fn data_access_error() -> Alternative {
    Alternative {
        tag: 1,
        name: Name::new("data-access-error", "DataAccessError").also(&["data-access-result"]),
        of: &DATA_ACCESS_RESULT,
    }
}

/// SEQUENCE OF Variable-Access-Specification.
static VARIABLES: Type = Type::List(&Item {
    name: Name::new("Variable-Access-Specification", "VariableAccessSpecification"),
    of: &Type::Choice(&[
        choice(2, "variable-name", "VariableName", &INTEGER16),
        choice(
            4,
            "parameterized-access",
            "ParameterisedAccess",
            &Type::Sequence(&[
                member("variable-name", "VariableName", &INTEGER16),
                member("selector", "Selector", &UNSIGNED8),
                member("parameter", "Parameter", &DATA),
            ]),
        ),
        choice(
            5,
            "block-number-access",
            "BlockNumberAccess",
            &Type::Sequence(&[member("block-number", "BlockNumber", &UNSIGNED16)]),
        ),
        choice(6, "read-data-block-access", "ReadDataBlockAccess", &READ_BLOCK),
        choice(
            7,
            "write-data-block-access",
            "WriteDataBlockAccess",
            &Type::Sequence(&[
                member("last-block", "LastBlock", &BOOLEAN),
                member("block-number", "BlockNumber", &UNSIGNED16),
            ]),
        ),
    ]),
    wrapped: Wrapped::Asn1,
});

static READ_BLOCK: Type = Type::Sequence(&[
    member("last-block", "LastBlock", &BOOLEAN),
    member("block-number", "BlockNumber", &UNSIGNED16),
    member("raw-data", "RawData", &OCTETS),
]);

static WRITE_REQUEST: Type = Type::Sequence(&[
    member("variable-access-specification", "ListOfVariableAccessSpecification", &VARIABLES),
    member("list-of-data", "ListOfData", &DATA_LIST),
]);

static INFORMATION_REPORT_REQUEST: Type = Type::Sequence(&[
    optional("current-time", "CurrentTime", &OCTETS),
    member("variable-access-specification", "ListOfVariableAccessSpecification", &VARIABLES),
    member("list-of-data", "ListOfData", &DATA_LIST),
]);

static READ_RESPONSE: Type = Type::List(&Item {
    name: Name::new("CHOICE", "CHOICE"),
    of: &Type::Choice(&[
        choice(0, "data", "Data", &DATA),
        data_access_error(),
        choice(2, "data-block-result", "DataBlockResult", &READ_BLOCK),
        choice(3, "block-number", "BlockNumber", &UNSIGNED16),
    ]),
    wrapped: Wrapped::Never,
});

static WRITE_RESPONSE: Type = Type::List(&Item {
    name: Name::new("CHOICE", "CHOICE"),
    of: &Type::Choice(&[
        choice(0, "success", "Success", &NULL),
        data_access_error(),
        choice(2, "block-number", "BlockNumber", &UNSIGNED16),
    ]),
    wrapped: Wrapped::Never,
});

// General protection and block transfer.

static GENERAL_WITH_KEY_SET: Type = Type::Sequence(&[
    member("system-title", "SystemTitle", &OCTETS),
    member("ciphered-content", "CipheredService", &OCTETS),
]);

static GENERAL_CIPHERING: Type = Type::Sequence(&[
    member("transaction-id", "TransactionId", &OCTETS),
    member("originator-system-title", "OriginatorSystemTitle", &OCTETS),
    member("recipient-system-title", "RecipientSystemTitle", &OCTETS),
    member("date-time", "DateTime", &OCTETS),
    member("other-information", "OtherInformation", &OCTETS),
    optional("key-info", "KeyInfo", &KEY_INFO),
    member("ciphered-content", "CipheredService", &OCTETS),
]);

static KEY_INFO: Type = Type::Choice(&[
    choice(
        0,
        "identified-key",
        "IdentifiedKey",
        &Type::Sequence(&[member("key-id", "KeyId", &UNSIGNED8)]),
    ),
    choice(
        1,
        "wrapped-key",
        "WrappedKey",
        &Type::Sequence(&[
            member("kek-id", "KekId", &UNSIGNED8),
            member("key-ciphered-data", "KeyCipheredData", &OCTETS),
        ]),
    ),
    choice(
        2,
        "agreed-key",
        "AgreedKey",
        &Type::Sequence(&[
            member("key-parameters", "KeyParameters", &OCTETS),
            member("key-ciphered-data", "KeyCipheredData", &OCTETS),
        ]),
    ),
]);

static GENERAL_SIGNING: Type = Type::Sequence(&[
    member("transaction-id", "TransactionId", &OCTETS),
    member("originator-system-title", "OriginatorSystemTitle", &OCTETS),
    member("recipient-system-title", "RecipientSystemTitle", &OCTETS),
    member("date-time", "DateTime", &OCTETS),
    member("other-information", "OtherInformation", &OCTETS),
    member("content", "Content", &OCTETS),
    member("signature", "Signature", &OCTETS),
]);

static GENERAL_BLOCK_TRANSFER: Type = Type::Sequence(&[
    member("block-control", "BlockControl", &UNSIGNED8),
    member("block-number", "BlockNumber", &UNSIGNED16),
    member("block-number-ack", "BlockNumberAck", &UNSIGNED16),
    member("block-data", "BlockData", &OCTETS),
]);
