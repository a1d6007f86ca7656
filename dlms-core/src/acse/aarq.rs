//! AARQ: the client asks for an association (IEC 62056-5-3 clauses 6.2, 7.2 and 8).

use core::fmt;

use super::{
    field::{self, Fields, USER_INFORMATION},
    name::{ApplicationContext, Mechanism},
};
use crate::{Malformed, axdr::Writer, ber, xdlms::tag};

// The tags of the fields: context-specific, constructed where they are explicit.
const PROTOCOL_VERSION: u8 = 0x80;
const APPLICATION_CONTEXT_NAME: u8 = 0xa1;
const CALLED_AP_TITLE: u8 = 0xa2;
const CALLED_AE_QUALIFIER: u8 = 0xa3;
const CALLED_AP_INVOCATION_ID: u8 = 0xa4;
const CALLED_AE_INVOCATION_ID: u8 = 0xa5;
const CALLING_AP_TITLE: u8 = 0xa6;
const CALLING_AE_QUALIFIER: u8 = 0xa7;
const CALLING_AP_INVOCATION_ID: u8 = 0xa8;
const CALLING_AE_INVOCATION_ID: u8 = 0xa9;
const SENDER_ACSE_REQUIREMENTS: u8 = 0x8a;
const MECHANISM_NAME: u8 = 0x8b;
const CALLING_AUTHENTICATION_VALUE: u8 = 0xac;
const IMPLEMENTATION_INFORMATION: u8 = 0x9d;

/// The request for an association.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Aarq<'a> {
    /// Whether the client speaks version 1 of ACSE. Left out of the APDU when true, which is the
    /// default of the standard; false has no use but in tests of a server.
    pub protocol_version_1: bool,
    /// Referencing by logical or short names, with or without ciphering.
    pub application_context: ApplicationContext,
    /// The system title that is called.
    pub called_ap_title: Option<&'a [u8]>,
    /// The qualifier of the called application entity.
    pub called_ae_qualifier: Option<&'a [u8]>,
    /// The invocation of the called application process.
    pub called_ap_invocation_id: Option<i32>,
    /// The invocation of the called application entity.
    pub called_ae_invocation_id: Option<i32>,
    /// The system title of the client, 8 octets. It goes with a ciphered context and with the
    /// mechanisms 5, 6 and 7.
    pub calling_ap_title: Option<&'a [u8]>,
    /// The client's certificate for digital signature, with mechanism 7.
    pub calling_ae_qualifier: Option<&'a [u8]>,
    /// The invocation of the client's application process.
    pub calling_ap_invocation_id: Option<i32>,
    /// The user of the client: see [`user_id`](Self::user_id).
    pub calling_ae_invocation_id: Option<i32>,
    /// Whether the authentication functional unit is asked for, which every mechanism but the
    /// lowest one needs. The whole field is left out of the APDU when false.
    pub acse_requirements: bool,
    /// How to authenticate; absent means not at all.
    pub mechanism: Option<Mechanism>,
    /// The password of LLS or the client's challenge of HLS (CtoS).
    pub calling_authentication_value: Option<&'a [u8]>,
    /// Free text about the implementation.
    pub implementation_information: Option<&'a [u8]>,
    /// The xDLMS InitiateRequest, ciphered in a ciphered context.
    pub user_information: Option<&'a [u8]>,
}

impl<'a> Aarq<'a> {
    /// A request for this context with none of the optional fields.
    pub const fn new(application_context: ApplicationContext) -> Self {
        Self {
            protocol_version_1: true,
            application_context,
            called_ap_title: None,
            called_ae_qualifier: None,
            called_ap_invocation_id: None,
            called_ae_invocation_id: None,
            calling_ap_title: None,
            calling_ae_qualifier: None,
            calling_ap_invocation_id: None,
            calling_ae_invocation_id: None,
            acse_requirements: false,
            mechanism: None,
            calling_authentication_value: None,
            implementation_information: None,
            user_information: None,
        }
    }

    /// The user of the client, 0..255, if one is named. Users above 127 are met in two forms: as
    /// the number itself in two octets, and as one octet, which is a negative INTEGER.
    pub const fn user_id(&self) -> Option<u8> {
        match self.calling_ae_invocation_id {
            Some(id @ -128..=255) => {
                let [.., user] = id.to_be_bytes();
                Some(user)
            }
            _ => None,
        }
    }

    /// Reads an AARQ, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not a BER element, a mandatory field missing, a field twice, a field with
    /// contents of another type.
    pub fn decode(apdu: &'a [u8]) -> Result<Self, Malformed> {
        let mut fields = Fields::of(apdu, tag::AARQ)?;
        let mut context = None;
        // The context is put in when all fields were seen.
        let mut aarq = Self::new(ApplicationContext::LogicalName);
        while let Some(field) = fields.next()? {
            match field.tag {
                PROTOCOL_VERSION => aarq.protocol_version_1 = field.first_bit()?,
                APPLICATION_CONTEXT_NAME => {
                    context = Some(ApplicationContext::decode_field(&field)?);
                }
                CALLED_AP_TITLE => aarq.called_ap_title = field::octets(&field)?,
                CALLED_AE_QUALIFIER => aarq.called_ae_qualifier = field::octets(&field)?,
                CALLED_AP_INVOCATION_ID => aarq.called_ap_invocation_id = field::integer(&field)?,
                CALLED_AE_INVOCATION_ID => aarq.called_ae_invocation_id = field::integer(&field)?,
                CALLING_AP_TITLE => aarq.calling_ap_title = field::octets(&field)?,
                CALLING_AE_QUALIFIER => aarq.calling_ae_qualifier = field::octets(&field)?,
                CALLING_AP_INVOCATION_ID => {
                    aarq.calling_ap_invocation_id = field::integer(&field)?;
                }
                CALLING_AE_INVOCATION_ID => {
                    aarq.calling_ae_invocation_id = field::integer(&field)?;
                }
                SENDER_ACSE_REQUIREMENTS => aarq.acse_requirements = field.first_bit()?,
                MECHANISM_NAME => aarq.mechanism = Some(Mechanism::decode(&field)?),
                CALLING_AUTHENTICATION_VALUE => {
                    aarq.calling_authentication_value = field::authentication_value(&field)?;
                }
                IMPLEMENTATION_INFORMATION => {
                    aarq.implementation_information = Some(field.contents);
                }
                USER_INFORMATION => aarq.user_information = field::octets(&field)?,
                // A field of a later edition or of somebody's own.
                _ => {}
            }
        }
        Ok(Self { application_context: fields.mandatory(context)?, ..aarq })
    }

    /// Appends the AARQ.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        ber::encode_constructed(writer, tag::AARQ, |writer| self.encode_fields(writer));
    }

    fn encode_fields(&self, writer: &mut Writer<'_>) {
        if !self.protocol_version_1 {
            ber::encode_first_bit(writer, PROTOCOL_VERSION, false);
        }
        ber::encode_constructed(writer, APPLICATION_CONTEXT_NAME, |writer| {
            let name = self.application_context.object_identifier();
            ber::encode(writer, ber::OBJECT_IDENTIFIER, &name);
        });
        field::encode_octets(writer, CALLED_AP_TITLE, self.called_ap_title);
        field::encode_octets(writer, CALLED_AE_QUALIFIER, self.called_ae_qualifier);
        field::encode_integer(writer, CALLED_AP_INVOCATION_ID, self.called_ap_invocation_id);
        field::encode_integer(writer, CALLED_AE_INVOCATION_ID, self.called_ae_invocation_id);
        field::encode_octets(writer, CALLING_AP_TITLE, self.calling_ap_title);
        field::encode_octets(writer, CALLING_AE_QUALIFIER, self.calling_ae_qualifier);
        field::encode_integer(writer, CALLING_AP_INVOCATION_ID, self.calling_ap_invocation_id);
        field::encode_integer(writer, CALLING_AE_INVOCATION_ID, self.calling_ae_invocation_id);
        if self.acse_requirements {
            ber::encode_first_bit(writer, SENDER_ACSE_REQUIREMENTS, true);
        }
        if let Some(mechanism) = self.mechanism {
            ber::encode(writer, MECHANISM_NAME, &mechanism.object_identifier());
        }
        field::encode_authentication_value(
            writer,
            CALLING_AUTHENTICATION_VALUE,
            self.calling_authentication_value,
        );
        if let Some(information) = self.implementation_information {
            ber::encode(writer, IMPLEMENTATION_INFORMATION, information);
        }
        field::encode_octets(writer, USER_INFORMATION, self.user_information);
    }
}

/// Of the authentication value, which may be a password, and of the user-information, which may
/// hold a key, only the length is shown.
impl fmt::Debug for Aarq<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = |octets: Option<&[u8]>| octets.map(<[u8]>::len);
        f.debug_struct("Aarq")
            .field("protocol_version_1", &self.protocol_version_1)
            .field("application_context", &self.application_context)
            .field("called_ap_title", &self.called_ap_title)
            .field("called_ae_qualifier", &self.called_ae_qualifier)
            .field("called_ap_invocation_id", &self.called_ap_invocation_id)
            .field("called_ae_invocation_id", &self.called_ae_invocation_id)
            .field("calling_ap_title", &self.calling_ap_title)
            .field("calling_ae_qualifier", &self.calling_ae_qualifier)
            .field("calling_ap_invocation_id", &self.calling_ap_invocation_id)
            .field("calling_ae_invocation_id", &self.calling_ae_invocation_id)
            .field("acse_requirements", &self.acse_requirements)
            .field("mechanism", &self.mechanism)
            .field(
                "calling_authentication_value_length",
                &length(self.calling_authentication_value),
            )
            .field("implementation_information", &self.implementation_information)
            .field("user_information_length", &length(self.user_information))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MalformedKind;
    use alloc::{format, vec::Vec};

    fn encoded(aarq: &Aarq<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        aarq.encode(&mut Writer::new(&mut out));
        out
    }

    const NO_SECURITY: [u8; 31] = [
        0x60, 0x1d, // AARQ, 29 octets
        0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01, 0x01, // LN, no ciphering
        0xbe, 0x10, 0x04, 0x0e, // user-information
        0x01, 0x00, 0x00, 0x00, 0x06, 0x5f, 0x1f, 0x04, 0x00, 0x00, 0x7e, 0x1f, 0x04, 0xb0,
    ];

    #[test]
    fn no_security() {
        let aarq = Aarq {
            user_information: Some(&NO_SECURITY[17..]),
            ..Aarq::new(ApplicationContext::LogicalName)
        };
        assert_eq!(Aarq::decode(&NO_SECURITY), Ok(aarq));
        assert_eq!(encoded(&aarq), NO_SECURITY);
    }

    #[test]
    fn low_level_security_carries_the_password() {
        let octets = [
            0x60, 0x36, // AARQ, 54 octets
            0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01,
            0x01, // LN, no ciphering
            0x8a, 0x02, 0x07, 0x80, // authentication functional unit
            0x8b, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x02, 0x01, // LLS
            0xac, 0x0a, 0x80, 0x08, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37,
            0x38, // "12345678"
            0xbe, 0x10, 0x04, 0x0e, // user-information
            0x01, 0x00, 0x00, 0x00, 0x06, 0x5f, 0x1f, 0x04, 0x00, 0x00, 0x7e, 0x1f, 0x04, 0xb0,
        ];
        let aarq = Aarq {
            acse_requirements: true,
            mechanism: Some(Mechanism::Lls),
            calling_authentication_value: Some(b"12345678"),
            user_information: Some(&octets[42..]),
            ..Aarq::new(ApplicationContext::LogicalName)
        };
        assert_eq!(Aarq::decode(&octets), Ok(aarq));
        assert_eq!(encoded(&aarq), octets);
    }

    #[test]
    fn a_ciphered_context_carries_the_system_title_and_a_ciphered_initiate() {
        let octets = [
            0x60, 0x66, // AARQ, 102 octets
            0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01, 0x03, // LN, ciphering
            0xa6, 0x0a, 0x04, 0x08, 0x4d, 0x4d, 0x4d, 0x00, 0x00, 0xbc, 0x61, 0x4e, // title
            0x8a, 0x02, 0x07, 0x80, // authentication functional unit
            0x8b, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x02, 0x01, // LLS
            0xac, 0x0a, 0x80, 0x08, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37,
            0x38, // "12345678"
            0xbe, 0x34, 0x04, 0x32, // user-information
            0x21, 0x30, 0x30, 0x01, 0x23, 0x45, 0x67, 0x80, 0x13, 0x02, 0xff, 0x8a, 0x78, 0x74,
            0x13, 0x3d, 0x41, 0x4c, 0xed, 0x25, 0xb4, 0x25, 0x34, 0xd2, 0x8d, 0xb0, 0x04, 0x77,
            0x20, 0x60, 0x6b, 0x17, 0x5b, 0xd5, 0x22, 0x11, 0xbe, 0x68, 0x41, 0xdb, 0x20, 0x4d,
            0x39, 0xee, 0x6f, 0xdb, 0x8e, 0x35, 0x68, 0x55,
        ];
        let aarq = Aarq {
            calling_ap_title: Some(b"MMM\x00\x00\xbc\x61\x4e"),
            acse_requirements: true,
            mechanism: Some(Mechanism::Lls),
            calling_authentication_value: Some(b"12345678"),
            user_information: Some(&octets[54..]),
            ..Aarq::new(ApplicationContext::LogicalNameCiphered)
        };
        assert_eq!(Aarq::decode(&octets), Ok(aarq));
        assert_eq!(encoded(&aarq), octets);
    }

    #[test]
    fn every_field_has_its_place() {
        let octets = [
            0x60, 0x59, // AARQ, 89 octets
            0x80, 0x02, 0x07, 0x00, // no protocol version
            0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01, 0x04, // SN, ciphering
            0xa2, 0x03, 0x04, 0x01, 0xa2, // called AP title
            0xa3, 0x03, 0x04, 0x01, 0xa3, // called AE qualifier
            0xa4, 0x03, 0x02, 0x01, 0x04, // called AP invocation
            0xa5, 0x03, 0x02, 0x01, 0x05, // called AE invocation
            0xa6, 0x03, 0x04, 0x01, 0xa6, // calling AP title
            0xa7, 0x03, 0x04, 0x01, 0xa7, // calling AE qualifier
            0xa8, 0x03, 0x02, 0x01, 0x08, // calling AP invocation
            0xa9, 0x03, 0x02, 0x01, 0x09, // calling AE invocation: user 9
            0x8a, 0x02, 0x07, 0x80, // authentication functional unit
            0x8b, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x02, 0x07, // HLS with ECDSA
            0xac, 0x05, 0x80, 0x03, 0x61, 0x62, 0x63, // "abc"
            0x9d, 0x02, 0x76, 0x31, // implementation information "v1"
            0xbe, 0x08, 0x04, 0x06, 0x21, 0x04, 0x20, 0x00, 0x00, 0x00, // user-information
        ];
        let aarq = Aarq {
            protocol_version_1: false,
            application_context: ApplicationContext::ShortNameCiphered,
            called_ap_title: Some(&[0xa2]),
            called_ae_qualifier: Some(&[0xa3]),
            called_ap_invocation_id: Some(4),
            called_ae_invocation_id: Some(5),
            calling_ap_title: Some(&[0xa6]),
            calling_ae_qualifier: Some(&[0xa7]),
            calling_ap_invocation_id: Some(8),
            calling_ae_invocation_id: Some(9),
            acse_requirements: true,
            mechanism: Some(Mechanism::HlsEcdsa),
            calling_authentication_value: Some(b"abc"),
            implementation_information: Some(b"v1"),
            user_information: Some(&[0x21, 0x04, 0x20, 0x00, 0x00, 0x00]),
        };
        assert_eq!(Aarq::decode(&octets), Ok(aarq));
        assert_eq!(encoded(&aarq), octets);
    }

    #[test]
    fn an_unknown_field_is_passed_over_and_the_order_is_free() {
        let octets = [
            0x60, 0x13, // AARQ, 19 octets
            0x8e, 0x02, 0xaa, 0xbb, // [14]: no field of an AARQ
            0x8a, 0x02, 0x07, 0x80, // authentication functional unit
            0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01,
            0x01, // LN, no ciphering
        ];
        let aarq = Aarq { acse_requirements: true, ..Aarq::new(ApplicationContext::LogicalName) };
        assert_eq!(Aarq::decode(&octets), Ok(aarq));
    }

    #[test]
    fn a_field_that_comes_twice_is_refused() {
        let octets = [
            0x60, 0x13, // AARQ, 19 octets
            0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01,
            0x01, // LN, no ciphering
            0x8a, 0x02, 0x07, 0x80, // authentication functional unit
            0x8a, 0x02, 0x07, 0x00, // and then not
        ];
        assert_eq!(Aarq::decode(&octets), Err(Malformed::new(MalformedKind::UnknownTag(0x8a), 17)));
    }

    #[test]
    fn the_protocol_version_may_be_written_out() {
        let octets = [
            0x60, 0x0f, // AARQ, 15 octets
            0x80, 0x02, 0x07, 0x80, // version 1
            0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01,
            0x01, // LN, no ciphering
        ];
        assert_eq!(Aarq::decode(&octets), Ok(Aarq::new(ApplicationContext::LogicalName)));
    }

    #[test]
    fn an_aarq_without_context_or_with_octets_behind_it_is_refused() {
        assert_eq!(
            Aarq::decode(&[0x60, 0x04, 0x8a, 0x02, 0x07, 0x80]),
            Err(Malformed::new(MalformedKind::Truncated, 6))
        );
        let mut long = NO_SECURITY.to_vec();
        long.push(0);
        assert_eq!(Aarq::decode(&long), Err(Malformed::new(MalformedKind::Trailing, 31)));
    }

    #[test]
    fn a_user_above_127_is_understood_in_one_octet_and_in_two() {
        for (id, user) in [(7, Some(7)), (200, Some(200)), (-56, Some(200)), (256, None)] {
            let aarq = Aarq {
                calling_ae_invocation_id: Some(id),
                ..Aarq::new(ApplicationContext::LogicalName)
            };
            assert_eq!(aarq.user_id(), user);
        }
        assert_eq!(Aarq::new(ApplicationContext::LogicalName).user_id(), None);
    }

    #[test]
    fn debug_shows_neither_password_nor_user_information() {
        let aarq = Aarq {
            calling_authentication_value: Some(&[0xc7; 8]),
            user_information: Some(&[0xc7; 14]),
            ..Aarq::new(ApplicationContext::LogicalName)
        };
        let shown = format!("{aarq:?}");
        assert!(!shown.contains("199") && !shown.contains("c7"), "{shown}");
        assert!(shown.contains("calling_authentication_value_length: Some(8)"), "{shown}");
    }
}
