//! Why an association or a request came to nothing.

use super::TransferFault;
use crate::{
    Malformed,
    acse::{ApplicationContext, AssociationResult, Diagnostic},
    security::{SecurityError, SystemTitle},
    xdlms::{ActionResult, ConfirmedServiceError, ExceptionResponse},
};

/// Why an association or a request failed. A refusal of a single attribute or method is not here:
/// it is an answer and rides in [`Response`](super::Response).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The meter refused the association.
    #[error("the meter rejected the association: {result}, {diagnostic}")]
    Rejected {
        /// Permanent or transient.
        result: AssociationResult,
        /// The reason that the meter gave.
        diagnostic: Diagnostic,
        /// What the meter said about the proposed context, if it did.
        error: Option<ConfirmedServiceError>,
    },
    /// The meter refused our answer to its challenge: wrong secret, key or system title.
    #[error("the meter refused the authentication: {0}")]
    AuthenticationRefused(ActionResult),
    /// The meter could not prove that it knows the secret or the keys.
    #[error(
        "the meter's answer to the challenge is wrong: it is not the meter that has these keys"
    )]
    ServerNotAuthentic,
    /// Another system title than the expected one answered.
    #[error("another meter answered: expected system title {expected}, found {found}")]
    OtherMeter {
        /// The title that was configured.
        expected: SystemTitle,
        /// The title in the AARE.
        found: SystemTitle,
    },
    /// The meter answered with an exception. In a ciphered association it came unprotected and is
    /// only a hint.
    #[error("the meter answered with an exception: {0}")]
    Exception(ExceptionResponse),
    /// The meter answered with a confirmed service error.
    #[error("the meter answered with a service error: {0}")]
    ServiceError(ConfirmedServiceError),
    /// An answer failed its security check; nothing of it was used.
    #[error("an answer failed its security check: {0}")]
    Security(SecurityError),
    /// An answer was less protected than agreed; nothing of it was used.
    #[error("an answer was less protected than agreed")]
    Unprotected,
    /// An answer could not be decoded.
    #[error("the meter's answer cannot be decoded: {0}")]
    Malformed(Malformed),
    /// An answer was well-formed but not legal here.
    #[error("the meter broke the protocol: {0}")]
    Violation(Violation),
    /// Nothing came within the response timeout, retries included.
    #[error("the meter did not answer")]
    NoResponse,
    /// A ciphered APDU came, but there are no keys for it.
    #[error("the meter answered ciphered, but no key for it is known")]
    NoKeys,
    /// The sending invocation counters that the owner granted are used up.
    #[error("no invocation counter left to send with")]
    CountersExhausted,
    /// The request or the answer is larger than the limit of either side.
    #[error("larger than the limit of {limit} octets")]
    TooLong {
        /// The limit that was hit.
        limit: usize,
    },
    /// With short names: the object is not in the object list, or the class has no short name for
    /// this attribute or method.
    #[error("the meter has no short name for it")]
    NoShortName,
    /// The meter did not agree to a service that the request needs.
    #[error("the meter did not agree to {0}")]
    NotNegotiated(&'static str),
}

impl Failure {
    /// Whether the failure means that keys, secrets or counters are wrong, or that somebody
    /// tampered.
    pub const fn is_security(&self) -> bool {
        matches!(
            self,
            Self::AuthenticationRefused(_)
                | Self::ServerNotAuthentic
                | Self::OtherMeter { .. }
                | Self::Security(_)
                | Self::Unprotected
                | Self::NoKeys
        )
    }
}

impl From<Malformed> for Failure {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<SecurityError> for Failure {
    fn from(error: SecurityError) -> Self {
        Self::Security(error)
    }
}

impl From<Violation> for Failure {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

/// Legal octets at an illegal moment: the peer misbehaved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// An APDU that answers nothing that was asked.
    #[error("unexpected {0}")]
    Unexpected(&'static str),
    /// A datablock out of order.
    #[error("datablock {found} came, {expected} was due")]
    BlockNumber {
        /// The block that was due.
        expected: u32,
        /// The block that came.
        found: u32,
    },
    /// A list answer with another count than the request.
    #[error("{found} results came for {expected} requests")]
    ResultCount {
        /// How many were asked for.
        expected: usize,
        /// How many came.
        found: usize,
    },
    /// The association was accepted without the authentication that was proposed.
    #[error("it accepted the association without the agreed authentication")]
    NotAuthenticated,
    /// An AARE without the challenge or system title that the mechanism needs.
    #[error("its AARE lacks the {0} that the authentication mechanism needs")]
    AareLacks(&'static str),
    /// The association was accepted, but the meter waits for an authentication that was not
    /// proposed.
    #[error("it waits for an authentication that was not proposed")]
    WantsAuthentication,
    /// Another application context was answered than the proposed one.
    #[error("it answered with the context {0:?}")]
    Context(ApplicationContext),
    /// The name of an application association for short names was answered.
    #[error("it answered for short names (vaa-name {0:#06x})")]
    VaaName(u16),
    /// A block without octets that is not the last: such a transfer never ends.
    #[error("a datablock came empty before the last one")]
    EmptyBlock,
    /// A general block transfer that went wrong.
    #[error("its general block transfer failed: {0}")]
    Transfer(TransferFault),
    /// A DLMS version other than 6 was answered.
    #[error("it answered with DLMS version {0} instead of 6")]
    Version(u8),
}

/// The caller asked for something impossible. The machine is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misuse {
    /// A request outside an association, or an association inside one.
    #[error("not possible in this state of the association")]
    State,
    /// A request while another one is under way.
    #[error("another request is under way")]
    Busy,
    /// The mechanism or the ciphering needs a key, title or secret that the configuration lacks.
    #[error("the configuration lacks the {0}")]
    Lacks(&'static str),
    /// A signature or agreement key is not of the curve of the suite.
    #[error("a signature or agreement key is not of the curve of the security suite")]
    Curve,
    /// A dedicated key without authenticated encryption would travel in clear.
    #[error("a dedicated key needs authenticated encryption")]
    DedicatedKeyInClear,
    /// A value or parameter that is not exactly one encoded Data.
    #[error("the value is not an encoded Data: {0}")]
    Value(Malformed),
    /// What asks for an answer where none comes: a reading as an unconfirmed service, a confirmed
    /// service, HLS or the broadcast key in an association of the other kind, a dedicated key that
    /// nobody was sent.
    #[error("it needs an answer, and none comes here")]
    Unanswered,
    /// A list request without entries.
    #[error("an empty list")]
    List,
}
