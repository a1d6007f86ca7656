//! What an AARE says about the fate of an association (IEC 62056-5-3 clause 7.2;
//! Association-result and Associate-source-diagnostic in clause 8).

use core::fmt;

use super::enumerated::enumerated;
use crate::{
    Malformed, MalformedKind,
    axdr::Writer,
    ber::{self, Element},
};

enumerated! {
    /// Whether the association was accepted.
    pub enum AssociationResult {
        /// Accepted; with HLS, accepted so far: see [`AcseUserDiagnostic::AuthenticationRequired`].
        Accepted = 0, "accepted";
        /// Rejected, and the same request will be rejected again.
        RejectedPermanent = 1, "rejected-permanent";
        /// Rejected for now.
        RejectedTransient = 2, "rejected-transient";
    }
}

enumerated! {
    /// The reason that the server's application gives.
    pub enum AcseUserDiagnostic {
        /// Nothing to say.
        Null = 0, "null";
        /// No reason is given.
        NoReasonGiven = 1, "no-reason-given";
        /// The application context is not supported.
        ApplicationContextNameNotSupported = 2, "application-context-name-not-supported";
        /// The client's system title is not known.
        CallingApTitleNotRecognized = 3, "calling-AP-title-not-recognized";
        /// The client's application process invocation is not known.
        CallingApInvocationIdentifierNotRecognized = 4,
            "calling-AP-invocation-identifier-not-recognized";
        /// The client's qualifier (its certificate, with HLS 7) is not known.
        CallingAeQualifierNotRecognized = 5, "calling-AE-qualifier-not-recognized";
        /// The user identifier is not known.
        CallingAeInvocationIdentifierNotRecognized = 6,
            "calling-AE-invocation-identifier-not-recognized";
        /// The called system title is not known.
        CalledApTitleNotRecognized = 7, "called-AP-title-not-recognized";
        /// The called application process invocation is not known.
        CalledApInvocationIdentifierNotRecognized = 8,
            "called-AP-invocation-identifier-not-recognized";
        /// The called qualifier is not known.
        CalledAeQualifierNotRecognized = 9, "called-AE-qualifier-not-recognized";
        /// The called application entity invocation is not known.
        CalledAeInvocationIdentifierNotRecognized = 10,
            "called-AE-invocation-identifier-not-recognized";
        /// The authentication mechanism is not supported.
        AuthenticationMechanismNameNotRecognised = 11,
            "authentication-mechanism-name-not-recognised";
        /// An authentication mechanism must be named.
        AuthenticationMechanismNameRequired = 12, "authentication-mechanism-name-required";
        /// The password or the proof is wrong.
        AuthenticationFailure = 13, "authentication-failure";
        /// The association waits for the proofs of HLS.
        AuthenticationRequired = 14, "authentication-required";
    }
}

enumerated! {
    /// The reason that the server's ACSE gives.
    pub enum AcseProviderDiagnostic {
        /// Nothing to say.
        Null = 0, "null";
        /// No reason is given.
        NoReasonGiven = 1, "no-reason-given";
        /// The protocol version is not version 1.
        NoCommonAcseVersion = 2, "no-common-acse-version";
    }
}

/// Who speaks, and what was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Diagnostic {
    /// acse-service-user: the application.
    User(AcseUserDiagnostic),
    /// acse-service-provider: ACSE itself.
    Provider(AcseProviderDiagnostic),
}

/// \[1\] acse-service-user.
const USER: u8 = 0xa1;
/// \[2\] acse-service-provider.
const PROVIDER: u8 = 0xa2;

impl Diagnostic {
    /// The name of the diagnostic in the standard.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User(diagnostic) => diagnostic.name(),
            Self::Provider(diagnostic) => diagnostic.name(),
        }
    }

    /// The code of the diagnostic.
    pub const fn code(self) -> u8 {
        match self {
            Self::User(diagnostic) => diagnostic.code(),
            Self::Provider(diagnostic) => diagnostic.code(),
        }
    }

    /// Reads a result-source-diagnostic.
    pub(super) fn decode(field: &Element<'_>) -> Result<Self, Malformed> {
        let mut reader = field.reader();
        let source = Element::decode(&mut reader)?;
        reader.finish()?;
        let code = |source: &Element<'_>| source.only(ber::INTEGER)?.code();
        match source.tag {
            USER => Ok(Self::User(AcseUserDiagnostic::from_code(code(&source)?))),
            PROVIDER => Ok(Self::Provider(AcseProviderDiagnostic::from_code(code(&source)?))),
            other => Err(Malformed::new(MalformedKind::UnknownTag(other), field.offset)),
        }
    }

    /// Appends the contents of a result-source-diagnostic.
    pub(super) fn encode(self, writer: &mut Writer<'_>) {
        let source = match self {
            Self::User(_) => USER,
            Self::Provider(_) => PROVIDER,
        };
        ber::encode_constructed(writer, source, |writer| {
            ber::encode_integer(writer, ber::INTEGER, i32::from(self.code()));
        });
    }
}

/// The name and, in parentheses, the code; what ACSE itself says is marked.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(diagnostic) => diagnostic.fmt(f),
            Self::Provider(diagnostic) => write!(f, "acse-service-provider: {diagnostic}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_diagnostic_shows_name_and_code() {
        assert_eq!(
            Diagnostic::User(AcseUserDiagnostic::AuthenticationFailure).to_string(),
            "authentication-failure (13)"
        );
        assert_eq!(
            Diagnostic::Provider(AcseProviderDiagnostic::NoCommonAcseVersion).to_string(),
            "acse-service-provider: no-common-acse-version (2)"
        );
        assert_eq!(AssociationResult::RejectedPermanent.to_string(), "rejected-permanent (1)");
        assert_eq!(AssociationResult::Other(7).to_string(), "unknown (7)");
    }

    #[test]
    fn every_code_of_the_tables_comes_back() {
        for code in 0..=255 {
            assert_eq!(AssociationResult::from_code(code).code(), code);
            assert_eq!(AcseUserDiagnostic::from_code(code).code(), code);
            assert_eq!(AcseProviderDiagnostic::from_code(code).code(), code);
            let named =
                !matches!(AcseUserDiagnostic::from_code(code), AcseUserDiagnostic::Other(_));
            assert_eq!(named, code <= 14);
        }
    }
}
