//! AARE: the server's answer to an AARQ (IEC 62056-5-3 clauses 6.2, 7.2 and 8).

use core::fmt;

use super::{
    diagnostic::{AssociationResult, Diagnostic},
    field::{self, Fields, USER_INFORMATION},
    name::{ApplicationContext, Mechanism},
};
use crate::{Malformed, axdr::Writer, ber, xdlms::tag};

// The tags of the fields: context-specific, constructed where they are explicit. Authentication
// has other numbers here than in the AARQ.
const APPLICATION_CONTEXT_NAME: u8 = 0xa1;
const RESULT: u8 = 0xa2;
const RESULT_SOURCE_DIAGNOSTIC: u8 = 0xa3;
const RESPONDING_AP_TITLE: u8 = 0xa4;
const RESPONDING_AE_QUALIFIER: u8 = 0xa5;
const RESPONDING_AP_INVOCATION_ID: u8 = 0xa6;
const RESPONDING_AE_INVOCATION_ID: u8 = 0xa7;
const RESPONDER_ACSE_REQUIREMENTS: u8 = 0x88;
const MECHANISM_NAME: u8 = 0x89;
const RESPONDING_AUTHENTICATION_VALUE: u8 = 0xaa;
const IMPLEMENTATION_INFORMATION: u8 = 0x9d;

/// The answer to the request for an association.
///
/// Look at [`result`](Self::result) first: a rejection may lack everything optional, and it may as
/// well carry an InitiateResponse as if it were none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Aare<'a> {
    /// The context that the server answers with, the proposed one as a rule.
    pub application_context: ApplicationContext,
    /// Accepted or rejected.
    pub result: AssociationResult,
    /// Why; with HLS, that the authentication goes on.
    pub diagnostic: Diagnostic,
    /// The system title of the server, 8 octets.
    pub responding_ap_title: Option<&'a [u8]>,
    /// The server's certificate for digital signature, with mechanism 7.
    pub responding_ae_qualifier: Option<&'a [u8]>,
    /// The invocation of the server's application process.
    pub responding_ap_invocation_id: Option<i32>,
    /// The invocation of the server's application entity.
    pub responding_ae_invocation_id: Option<i32>,
    /// Whether the authentication functional unit is used. The whole field is left out of the APDU
    /// when false.
    pub acse_requirements: bool,
    /// How to authenticate.
    pub mechanism: Option<Mechanism>,
    /// The server's challenge of HLS (StoC).
    pub responding_authentication_value: Option<&'a [u8]>,
    /// Free text about the implementation.
    pub implementation_information: Option<&'a [u8]>,
    /// The xDLMS InitiateResponse, or a ConfirmedServiceError in a rejection; ciphered in a
    /// ciphered context.
    pub user_information: Option<&'a [u8]>,
}

impl<'a> Aare<'a> {
    /// An answer with none of the optional fields.
    pub const fn new(
        application_context: ApplicationContext,
        result: AssociationResult,
        diagnostic: Diagnostic,
    ) -> Self {
        Self {
            application_context,
            result,
            diagnostic,
            responding_ap_title: None,
            responding_ae_qualifier: None,
            responding_ap_invocation_id: None,
            responding_ae_invocation_id: None,
            acse_requirements: false,
            mechanism: None,
            responding_authentication_value: None,
            implementation_information: None,
            user_information: None,
        }
    }

    /// Reads an AARE, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not a BER element, a mandatory field missing, a field twice, a field with
    /// contents of another type.
    pub fn decode(apdu: &'a [u8]) -> Result<Self, Malformed> {
        let mut fields = Fields::of(apdu, tag::AARE)?;
        let (mut context, mut result, mut diagnostic) = (None, None, None);
        let mut title = None;
        let mut qualifier = None;
        let mut ap_invocation_id = None;
        let mut ae_invocation_id = None;
        let mut acse_requirements = false;
        let mut mechanism = None;
        let mut authentication_value = None;
        let mut implementation_information = None;
        let mut user_information = None;
        while let Some(field) = fields.next()? {
            match field.tag {
                APPLICATION_CONTEXT_NAME => {
                    context = Some(ApplicationContext::decode_field(&field)?);
                }
                RESULT => {
                    let code = field.only(ber::INTEGER)?.code()?;
                    result = Some(AssociationResult::from_code(code));
                }
                RESULT_SOURCE_DIAGNOSTIC => diagnostic = Some(Diagnostic::decode(&field)?),
                RESPONDING_AP_TITLE => title = field::octets(&field)?,
                RESPONDING_AE_QUALIFIER => qualifier = field::octets(&field)?,
                RESPONDING_AP_INVOCATION_ID => ap_invocation_id = field::integer(&field)?,
                RESPONDING_AE_INVOCATION_ID => ae_invocation_id = field::integer(&field)?,
                RESPONDER_ACSE_REQUIREMENTS => acse_requirements = field.first_bit()?,
                MECHANISM_NAME => mechanism = Some(Mechanism::decode(&field)?),
                RESPONDING_AUTHENTICATION_VALUE => {
                    authentication_value = field::authentication_value(&field)?;
                }
                IMPLEMENTATION_INFORMATION => implementation_information = Some(field.contents),
                USER_INFORMATION => user_information = field::octets(&field)?,
                // The protocol version, of which there is one, or a field of a later edition.
                _ => {}
            }
        }
        Ok(Self {
            application_context: fields.mandatory(context)?,
            result: fields.mandatory(result)?,
            diagnostic: fields.mandatory(diagnostic)?,
            responding_ap_title: title,
            responding_ae_qualifier: qualifier,
            responding_ap_invocation_id: ap_invocation_id,
            responding_ae_invocation_id: ae_invocation_id,
            acse_requirements,
            mechanism,
            responding_authentication_value: authentication_value,
            implementation_information,
            user_information,
        })
    }

    /// Appends the AARE.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        ber::encode_constructed(writer, tag::AARE, |writer| self.encode_fields(writer));
    }

    fn encode_fields(&self, writer: &mut Writer<'_>) {
        ber::encode_constructed(writer, APPLICATION_CONTEXT_NAME, |writer| {
            let name = self.application_context.object_identifier();
            ber::encode(writer, ber::OBJECT_IDENTIFIER, &name);
        });
        field::encode_integer(writer, RESULT, Some(i32::from(self.result.code())));
        ber::encode_constructed(writer, RESULT_SOURCE_DIAGNOSTIC, |writer| {
            self.diagnostic.encode(writer);
        });
        field::encode_octets(writer, RESPONDING_AP_TITLE, self.responding_ap_title);
        field::encode_octets(writer, RESPONDING_AE_QUALIFIER, self.responding_ae_qualifier);
        field::encode_integer(
            writer,
            RESPONDING_AP_INVOCATION_ID,
            self.responding_ap_invocation_id,
        );
        field::encode_integer(
            writer,
            RESPONDING_AE_INVOCATION_ID,
            self.responding_ae_invocation_id,
        );
        if self.acse_requirements {
            ber::encode_first_bit(writer, RESPONDER_ACSE_REQUIREMENTS, true);
        }
        if let Some(mechanism) = self.mechanism {
            ber::encode(writer, MECHANISM_NAME, &mechanism.object_identifier());
        }
        field::encode_authentication_value(
            writer,
            RESPONDING_AUTHENTICATION_VALUE,
            self.responding_authentication_value,
        );
        if let Some(information) = self.implementation_information {
            ber::encode(writer, IMPLEMENTATION_INFORMATION, information);
        }
        field::encode_octets(writer, USER_INFORMATION, self.user_information);
    }
}

/// Of the challenge and of the user-information only the length is shown: a challenge is half of
/// what an attack on a weak secret needs.
impl fmt::Debug for Aare<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = |octets: Option<&[u8]>| octets.map(<[u8]>::len);
        f.debug_struct("Aare")
            .field("application_context", &self.application_context)
            .field("result", &self.result)
            .field("diagnostic", &self.diagnostic)
            .field("responding_ap_title", &self.responding_ap_title)
            .field("responding_ae_qualifier", &self.responding_ae_qualifier)
            .field("responding_ap_invocation_id", &self.responding_ap_invocation_id)
            .field("responding_ae_invocation_id", &self.responding_ae_invocation_id)
            .field("acse_requirements", &self.acse_requirements)
            .field("mechanism", &self.mechanism)
            .field(
                "responding_authentication_value_length",
                &length(self.responding_authentication_value),
            )
            .field("implementation_information", &self.implementation_information)
            .field("user_information_length", &length(self.user_information))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        MalformedKind,
        acse::{AcseProviderDiagnostic, AcseUserDiagnostic},
    };
    use alloc::vec::Vec;

    fn encoded(aare: &Aare<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        aare.encode(&mut Writer::new(&mut out));
        out
    }

    const ACCEPTED: [u8; 43] = [
        0x61, 0x29, // AARE, 41 octets
        0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01, 0x01, // LN, no ciphering
        0xa2, 0x03, 0x02, 0x01, 0x00, // accepted
        0xa3, 0x05, 0xa1, 0x03, 0x02, 0x01, 0x00, // acse-service-user: null
        0xbe, 0x10, 0x04, 0x0e, // user-information
        0x08, 0x00, 0x06, 0x5f, 0x1f, 0x04, 0x00, 0x00, 0x50, 0x1f, 0x01, 0xf4, 0x00, 0x07,
    ];

    #[test]
    fn an_accepted_association() {
        let aare = Aare {
            user_information: Some(&ACCEPTED[29..]),
            ..Aare::new(
                ApplicationContext::LogicalName,
                AssociationResult::Accepted,
                Diagnostic::User(AcseUserDiagnostic::Null),
            )
        };
        assert_eq!(Aare::decode(&ACCEPTED), Ok(aare));
        assert_eq!(encoded(&aare), ACCEPTED);
    }

    #[test]
    fn an_association_that_waits_for_hls_carries_the_challenge() {
        let octets = [
            0x61, 0x42, // AARE, 66 octets
            0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01,
            0x01, // LN, no ciphering
            0xa2, 0x03, 0x02, 0x01, 0x00, // accepted
            0xa3, 0x05, 0xa1, 0x03, 0x02, 0x01, 0x0e, // authentication-required
            0x88, 0x02, 0x07, 0x80, // authentication functional unit
            0x89, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x02, 0x05, // HLS with GMAC
            0xaa, 0x0a, 0x80, 0x08, 0x50, 0x36, 0x77, 0x52, 0x4a, 0x32, 0x31, 0x46, // StoC
            0xbe, 0x10, 0x04, 0x0e, // user-information
            0x08, 0x00, 0x06, 0x5f, 0x1f, 0x04, 0x00, 0x00, 0x50, 0x1f, 0x01, 0xf4, 0x00, 0x07,
        ];
        let aare = Aare {
            acse_requirements: true,
            mechanism: Some(Mechanism::HlsGmac),
            responding_authentication_value: Some(b"P6wRJ21F"),
            user_information: Some(&octets[54..]),
            ..Aare::new(
                ApplicationContext::LogicalName,
                AssociationResult::Accepted,
                Diagnostic::User(AcseUserDiagnostic::AuthenticationRequired),
            )
        };
        assert_eq!(Aare::decode(&octets), Ok(aare));
        assert_eq!(encoded(&aare), octets);
    }

    #[test]
    fn a_rejection_without_user_information_is_a_rejection() {
        let octets = [
            0x61, 0x17, // AARE, 23 octets
            0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01,
            0x01, // LN, no ciphering
            0xa2, 0x03, 0x02, 0x01, 0x01, // rejected-permanent
            0xa3, 0x05, 0xa1, 0x03, 0x02, 0x01, 0x0d, // authentication-failure
        ];
        let aare = Aare::new(
            ApplicationContext::LogicalName,
            AssociationResult::RejectedPermanent,
            Diagnostic::User(AcseUserDiagnostic::AuthenticationFailure),
        );
        assert_eq!(Aare::decode(&octets), Ok(aare));
        assert_eq!(encoded(&aare), octets);
    }

    #[test]
    fn a_rejection_may_carry_a_service_error_or_a_whole_initiate_response() {
        let octets = [
            0x61, 0x1f, // AARE, 31 octets
            0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01,
            0x01, // LN, no ciphering
            0xa2, 0x03, 0x02, 0x01, 0x01, // rejected-permanent
            0xa3, 0x05, 0xa1, 0x03, 0x02, 0x01, 0x01, // no-reason-given
            0xbe, 0x06, 0x04, 0x04, 0x0e, 0x01, 0x06,
            0x01, // initiateError, dlms-version-too-low
        ];
        let aare = Aare::decode(&octets).unwrap();
        assert_eq!(aare.result, AssociationResult::RejectedPermanent);
        assert_eq!(aare.user_information, Some(&[0x0e, 0x01, 0x06, 0x01][..]));
        assert_eq!(encoded(&aare), octets);

        let mut octets = ACCEPTED;
        octets[17] = 1;
        octets[24] = 2;
        let aare = Aare::decode(&octets).unwrap();
        assert_eq!(aare.result, AssociationResult::RejectedPermanent);
        assert_eq!(
            aare.diagnostic,
            Diagnostic::User(AcseUserDiagnostic::ApplicationContextNameNotSupported)
        );
    }

    #[test]
    fn acse_itself_may_be_the_one_who_rejects() {
        let octets = [
            0x61, 0x1b, // AARE, 27 octets
            0x80, 0x02, 0x07, 0x80, // protocol version 1
            0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01,
            0x01, // LN, no ciphering
            0xa2, 0x03, 0x02, 0x01, 0x01, // rejected-permanent
            0xa3, 0x05, 0xa2, 0x03, 0x02, 0x01, 0x02, // no-common-acse-version
        ];
        assert_eq!(
            Aare::decode(&octets),
            Ok(Aare::new(
                ApplicationContext::LogicalName,
                AssociationResult::RejectedPermanent,
                Diagnostic::Provider(AcseProviderDiagnostic::NoCommonAcseVersion),
            ))
        );
    }

    #[test]
    fn every_optional_field_has_its_place() {
        let octets = [
            0x61, 0x44, // AARE, 68 octets
            0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01, 0x03, // LN, ciphering
            0xa2, 0x03, 0x02, 0x01, 0x02, // rejected-transient
            0xa3, 0x05, 0xa1, 0x03, 0x02, 0x01, 0x63, // a diagnostic that the table lacks
            0xa4, 0x03, 0x04, 0x01, 0xa4, // responding AP title
            0xa5, 0x03, 0x04, 0x01, 0xa5, // responding AE qualifier
            0xa6, 0x03, 0x02, 0x01, 0x06, // responding AP invocation
            0xa7, 0x04, 0x02, 0x02, 0x01, 0x00, // responding AE invocation
            0x88, 0x02, 0x07, 0x80, // authentication functional unit
            0x89, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x02, 0x06, // HLS with SHA-256
            0xaa, 0x03, 0x80, 0x01, 0xaa, // StoC
            0x9d, 0x00, // implementation information, empty
            0xbe, 0x02, 0x04, 0x00, // user-information, empty
        ];
        let aare = Aare {
            application_context: ApplicationContext::LogicalNameCiphered,
            result: AssociationResult::RejectedTransient,
            diagnostic: Diagnostic::User(AcseUserDiagnostic::Other(99)),
            responding_ap_title: Some(&[0xa4]),
            responding_ae_qualifier: Some(&[0xa5]),
            responding_ap_invocation_id: Some(6),
            responding_ae_invocation_id: Some(256),
            acse_requirements: true,
            mechanism: Some(Mechanism::HlsSha256),
            responding_authentication_value: Some(&[0xaa]),
            implementation_information: Some(&[]),
            user_information: Some(&[]),
        };
        assert_eq!(Aare::decode(&octets), Ok(aare));
        assert_eq!(encoded(&aare), octets);
    }

    #[test]
    fn result_and_diagnostic_must_be_there() {
        let octets = [
            0x61, 0x10, // AARE, 16 octets
            0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01,
            0x01, // LN, no ciphering
            0xa2, 0x03, 0x02, 0x01, 0x00, // accepted
        ];
        assert_eq!(Aare::decode(&octets), Err(Malformed::new(MalformedKind::Truncated, 18)));
    }
}
