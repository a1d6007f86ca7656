//! ExceptionResponse: the server cannot even process the APDU (IEC 62056-5-3 clause 8).

use core::fmt;

use super::{head, tag};
use crate::{
    Malformed,
    acse::enumerated::enumerated,
    axdr::{Reader, Writer},
};

enumerated! {
    /// state-error: what the server thinks of the moment.
    pub enum ExceptionState {
        /// The service may not be used now: no association, or none that allows it.
        ServiceNotAllowed = 1, "service-not-allowed";
        /// The service is not known.
        ServiceUnknown = 2, "service-unknown";
    }
}

/// service-error: what the server thinks of the APDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExceptionService {
    /// The operation is not possible.
    OperationNotPossible,
    /// The service is not supported.
    ServiceNotSupported,
    /// Another reason.
    OtherReason,
    /// The APDU is too long.
    PduTooLong,
    /// The APDU could not be deciphered.
    DecipheringError,
    /// The invocation counter was too low; this one is expected.
    InvocationCounterError(u32),
    /// A code without a name in the standard.
    Other(u8),
}

const OPERATION_NOT_POSSIBLE: u8 = 1;
const SERVICE_NOT_SUPPORTED: u8 = 2;
const OTHER_REASON: u8 = 3;
const PDU_TOO_LONG: u8 = 4;
const DECIPHERING_ERROR: u8 = 5;
const INVOCATION_COUNTER_ERROR: u8 = 6;

impl ExceptionService {
    /// The code, as it is on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::OperationNotPossible => OPERATION_NOT_POSSIBLE,
            Self::ServiceNotSupported => SERVICE_NOT_SUPPORTED,
            Self::OtherReason => OTHER_REASON,
            Self::PduTooLong => PDU_TOO_LONG,
            Self::DecipheringError => DECIPHERING_ERROR,
            Self::InvocationCounterError(_) => INVOCATION_COUNTER_ERROR,
            Self::Other(code) => code,
        }
    }

    /// The name in the standard; `unknown` for [`Other`](Self::Other).
    pub const fn name(self) -> &'static str {
        match self {
            Self::OperationNotPossible => "operation-not-possible",
            Self::ServiceNotSupported => "service-not-supported",
            Self::OtherReason => "other-reason",
            Self::PduTooLong => "pdu-too-long",
            Self::DecipheringError => "deciphering-error",
            Self::InvocationCounterError(_) => "invocation-counter-error",
            Self::Other(_) => "unknown",
        }
    }
}

/// The name and, in parentheses, the code; with the expected invocation counter if there is one.
impl fmt::Display for ExceptionService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.code())?;
        match self {
            Self::InvocationCounterError(expected) => write!(f, ", expected {expected}"),
            _ => Ok(()),
        }
    }
}

/// The answer to an APDU that could not be processed. In a ciphered association it comes without
/// protection as often as not, and is a hint then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExceptionResponse {
    /// What the server thinks of the moment.
    pub state: ExceptionState,
    /// What the server thinks of the APDU.
    pub service: ExceptionService,
}

impl ExceptionResponse {
    /// Reads an exception-response, which must be all of `apdu`. The codes grew from edition to
    /// edition: one that is not known here is kept, and what follows it is passed over, because
    /// only its edition could tell what it is.
    ///
    /// # Errors
    /// Another tag, an end before the codes or before the expected counter, octets behind a code
    /// that has none.
    pub fn decode(apdu: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(apdu);
        head::take_tag(&mut reader, tag::EXCEPTION_RESPONSE)?;
        let state = ExceptionState::from_code(reader.u8()?);
        let service = match reader.u8()? {
            OPERATION_NOT_POSSIBLE => ExceptionService::OperationNotPossible,
            SERVICE_NOT_SUPPORTED => ExceptionService::ServiceNotSupported,
            OTHER_REASON => ExceptionService::OtherReason,
            PDU_TOO_LONG => ExceptionService::PduTooLong,
            DECIPHERING_ERROR => ExceptionService::DecipheringError,
            INVOCATION_COUNTER_ERROR => ExceptionService::InvocationCounterError(reader.u32()?),
            other => {
                return Ok(Self { state, service: ExceptionService::Other(other) });
            }
        };
        reader.finish()?;
        Ok(Self { state, service })
    }

    /// Appends the exception-response.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.octets(&[tag::EXCEPTION_RESPONSE, self.state.code(), self.service.code()]);
        if let ExceptionService::InvocationCounterError(expected) = self.service {
            writer.u32(expected);
        }
    }
}

/// Both names with their codes.
impl fmt::Display for ExceptionResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.state, self.service)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MalformedKind;
    use alloc::vec::Vec;
    use std::string::ToString;

    #[test]
    fn an_exception_is_three_octets() {
        let exception = ExceptionResponse {
            state: ExceptionState::ServiceNotAllowed,
            service: ExceptionService::OperationNotPossible,
        };
        assert_eq!(ExceptionResponse::decode(&[0xd8, 0x01, 0x01]), Ok(exception));
        let mut out = Vec::new();
        exception.encode(&mut Writer::new(&mut out));
        assert_eq!(out, [0xd8, 0x01, 0x01]);
        assert_eq!(exception.to_string(), "service-not-allowed (1): operation-not-possible (1)");
    }

    #[test]
    fn an_invocation_counter_error_has_the_expected_counter_behind_it() {
        let octets = [0xd8, 0x01, 0x06, 0x00, 0x00, 0x10, 0x2a];
        let exception = ExceptionResponse {
            state: ExceptionState::ServiceNotAllowed,
            service: ExceptionService::InvocationCounterError(0x102a),
        };
        assert_eq!(ExceptionResponse::decode(&octets), Ok(exception));
        assert_eq!(
            exception.to_string(),
            "service-not-allowed (1): invocation-counter-error (6), expected 4138"
        );
        assert_eq!(
            ExceptionResponse::decode(&octets[..3]),
            Err(Malformed::new(MalformedKind::Truncated, 3))
        );
    }

    #[test]
    fn a_code_of_a_later_edition_is_kept_whatever_follows_it() {
        for octets in [&[0xd8, 0x09, 0x07][..], &[0xd8, 0x09, 0x07, 0xaa]] {
            let exception = ExceptionResponse::decode(octets).unwrap();
            assert_eq!(exception.state, ExceptionState::Other(9));
            assert_eq!(exception.service, ExceptionService::Other(7));
            assert_eq!(exception.to_string(), "unknown (9): unknown (7)");
        }
    }

    #[test]
    fn a_known_code_has_nothing_behind_it() {
        assert_eq!(
            ExceptionResponse::decode(&[0xd8, 0x01, 0x05, 0x00]),
            Err(Malformed::new(MalformedKind::Trailing, 3))
        );
    }
}
