//! The APDUs of ACSE, which are BER (IEC 62056-5-3 clause 8; ISO/IEC 15954).

use super::{Code, code};
use crate::name::Name;

/// An APDU of ACSE.
#[derive(Debug)]
pub(crate) struct AcseApdu {
    pub(crate) tag: u8,
    pub(crate) name: Name,
    /// In the order in which they are encoded.
    pub(crate) fields: &'static [Field],
}

/// A field of such an APDU.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) tag: u8,
    pub(crate) name: Name,
    pub(crate) kind: FieldKind,
}

/// What is below the tag of a field.
#[derive(Debug)]
pub(crate) enum FieldKind {
    /// A name that DLMS UA registered, in this family; below an OBJECT IDENTIFIER of its own or
    /// not.
    ObjectIdentifier { family: u8, explicit: bool, names: &'static [Code] },
    /// An OCTET STRING.
    Octets,
    /// An INTEGER.
    Integer,
    /// An INTEGER that is a code of one octet.
    Code,
    /// An implicit INTEGER with names.
    Reason(&'static [Code]),
    /// A BIT STRING of which the first bit has a meaning.
    Bit,
    /// The charstring of an Authentication-value.
    Charstring,
    /// Octets without further tag.
    Implicit,
    /// The Associate-source-diagnostic.
    Diagnostic,
    /// An OCTET STRING with an APDU of xDLMS.
    UserInformation,
}

/// Of a diagnostic: \[1\] acse-service-user.
pub(crate) const USER: (u8, Name) = (0xa1, Name::new("acse-service-user", "ACSEServiceUser"));
/// Of a diagnostic: \[2\] acse-service-provider.
pub(crate) const PROVIDER: (u8, Name) =
    (0xa2, Name::new("acse-service-provider", "ACSEServiceProvider"));

static CONTEXTS: [Code; 4] = [
    code(1, "2.16.756.5.8.1.1", "LN"),
    code(2, "2.16.756.5.8.1.2", "SN"),
    code(3, "2.16.756.5.8.1.3", "LN_WITH_CIPHERING"),
    code(4, "2.16.756.5.8.1.4", "SN_WITH_CIPHERING"),
];

static MECHANISMS: [Code; 8] = [
    code(0, "2.16.756.5.8.2.0", "None"),
    code(1, "2.16.756.5.8.2.1", "Low"),
    code(2, "2.16.756.5.8.2.2", "High"),
    code(3, "2.16.756.5.8.2.3", "HighMd5"),
    code(4, "2.16.756.5.8.2.4", "HighSha1"),
    code(5, "2.16.756.5.8.2.5", "HighGmac"),
    code(6, "2.16.756.5.8.2.6", "HighSha256"),
    code(7, "2.16.756.5.8.2.7", "HighEcdsa"),
];

static REQUEST_REASONS: [Code; 3] = [
    code(0, "normal", "Normal"),
    code(1, "urgent", "Urgent"),
    code(30, "user-defined", "UserDefined"),
];

static RESPONSE_REASONS: [Code; 3] = [
    code(0, "normal", "Normal"),
    code(1, "not-finished", "NotFinished"),
    code(30, "user-defined", "UserDefined"),
];

const fn field(tag: u8, asn1: &'static str, short: &'static str, kind: FieldKind) -> Field {
    Field { tag, name: Name::new(asn1, short), kind }
}

const fn context_name() -> Field {
    field(
        0xa1,
        "application-context-name",
        "ApplicationContextName",
        FieldKind::ObjectIdentifier { family: 1, explicit: true, names: &CONTEXTS },
    )
}

const fn mechanism_name(tag: u8) -> Field {
    field(
        tag,
        "mechanism-name",
        "MechanismName",
        FieldKind::ObjectIdentifier { family: 2, explicit: false, names: &MECHANISMS },
    )
}

const fn user_information() -> Field {
    field(0xbe, "user-information", "UserInformation", FieldKind::UserInformation)
}

const fn information() -> Field {
    field(0x9d, "implementation-information", "ImplementationInformation", FieldKind::Implicit)
}

/// The four APDUs.
pub(crate) static ACSE: &[AcseApdu] = &[
    AcseApdu {
        tag: 0x60,
        name: Name::new("aarq", "AssociationRequest"),
        fields: &[
            field(0x80, "protocol-version", "ProtocolVersion", FieldKind::Bit),
            context_name(),
            field(0xa2, "called-AP-title", "CalledAPTitle", FieldKind::Octets),
            field(0xa3, "called-AE-qualifier", "CalledAEQualifier", FieldKind::Octets),
            field(0xa4, "called-AP-invocation-id", "CalledAPInvocationId", FieldKind::Integer),
            field(0xa5, "called-AE-invocation-id", "CalledAEInvocationId", FieldKind::Integer),
            field(0xa6, "calling-AP-title", "CallingAPTitle", FieldKind::Octets),
            field(0xa7, "calling-AE-qualifier", "CallingAEQualifier", FieldKind::Octets),
            field(0xa8, "calling-AP-invocation-id", "CallingAPInvocationId", FieldKind::Integer),
            field(0xa9, "calling-AE-invocation-id", "CallingAEInvocationId", FieldKind::Integer),
            field(0x8a, "sender-acse-requirements", "SenderACSERequirements", FieldKind::Bit),
            mechanism_name(0x8b),
            field(
                0xac,
                "calling-authentication-value",
                "CallingAuthentication",
                FieldKind::Charstring,
            ),
            information(),
            user_information(),
        ],
    },
    AcseApdu {
        tag: 0x61,
        name: Name::new("aare", "AssociationResponse"),
        fields: &[
            field(0x80, "protocol-version", "ProtocolVersion", FieldKind::Bit),
            context_name(),
            field(0xa2, "result", "AssociationResult", FieldKind::Code),
            field(
                0xa3,
                "result-source-diagnostic",
                "ResultSourceDiagnostic",
                FieldKind::Diagnostic,
            ),
            field(0xa4, "responding-AP-title", "RespondingAPTitle", FieldKind::Octets),
            field(0xa5, "responding-AE-qualifier", "RespondingAEQualifier", FieldKind::Octets),
            field(
                0xa6,
                "responding-AP-invocation-id",
                "RespondingAPInvocationId",
                FieldKind::Integer,
            ),
            field(
                0xa7,
                "responding-AE-invocation-id",
                "RespondingAEInvocationId",
                FieldKind::Integer,
            ),
            field(0x88, "responder-acse-requirements", "ResponderACSERequirement", FieldKind::Bit),
            mechanism_name(0x89),
            field(
                0xaa,
                "responding-authentication-value",
                "RespondingAuthentication",
                FieldKind::Charstring,
            ),
            information(),
            user_information(),
        ],
    },
    AcseApdu {
        tag: 0x62,
        name: Name::new("rlrq", "ReleaseRequest"),
        fields: &[
            field(0x80, "reason", "Reason", FieldKind::Reason(&REQUEST_REASONS)),
            user_information(),
        ],
    },
    AcseApdu {
        tag: 0x63,
        name: Name::new("rlre", "ReleaseResponse"),
        fields: &[
            field(0x80, "reason", "Reason", FieldKind::Reason(&RESPONSE_REASONS)),
            user_information(),
        ],
    },
];
