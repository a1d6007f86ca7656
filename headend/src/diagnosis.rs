//! What went wrong, for people: always the same five things in the same order.
//!
//! ```text
//! E-DAR-4 object-undefined: get 1:0-0:99.9.9*255:2
//!   the meter said: data-access-result object-undefined, 4 (0x04)
//!   usually means:  this meter has no such object or attribute, or hides it from this client
//!   try:            headend objects wrapper://192.0.2.7:4059 lists what it has; ...
//! ```
//!
//! The code is stable and unique; scripts may compare it. What codes mean is in a table of its own,
//! so that experience is added as a line of data.

mod table;

use core::fmt;
use std::io::ErrorKind;

use dlms_core::{
    acse::{AssociationResult, Diagnostic},
    association::Failure,
    security::SecurityError,
    xdlms::{ActionResult, ConfirmedServiceError, DataAccessResult, ExceptionResponse},
};
use dlms_tokio::{LineError, Phase, client};
use serde::Serialize;

use crate::{counter_file::CounterFileError, error::Error, exit::Exit};
use table::Entry;

/// The families of codes that a meter sends. All others are about what was seen at this end.
const HEARD: [&str; 7] = ["E-DAR", "E-ACT", "E-AARE", "E-ACSE", "E-EXC", "E-CSE", "E-HLS-REFUSED"];

/// The largest PDU size that two sides can agree on.
const PDU_LEN_MAX: usize = 0xffff;
/// What is being done until there is an association.
pub(crate) const ASSOCIATE: &str = "associate";

/// What went wrong, what it usually means and what to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// Stable and unique: `E-DAR-4`.
    pub code: Box<str>,
    /// The name of the code, in the standard's words where it has some: `object-undefined`.
    pub name: &'static str,
    /// What was being done: `associate`, `get 3:1-0:1.8.0*255:2`.
    pub phase: Box<str>,
    /// What the meter said: name, number in decimal and hexadecimal.
    pub said: Box<str>,
    /// Whether the meter said it. If not, it is what was seen at this end.
    pub heard: bool,
    /// What this usually means.
    pub means: Box<str>,
    /// The next thing to try.
    pub next: Box<str>,
    /// How the process ends if this is the only thing that went wrong.
    pub exit: Exit,
}

/// What a diagnosis knows of the circumstances. Nothing in it is secret.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// The address of the meter, as it is typed.
    pub address: String,
    /// The options that say who asks, as they are typed: ` --client 1`.
    pub client: String,
    /// The options that say which device at that address is asked, as they are typed:
    /// ` --server 1/17`.
    pub server: String,
    /// Whether keys or a password were used.
    pub secured: bool,
}

/// The shape in JSON output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorObject {
    /// [`Diagnosis::code`].
    pub code: String,
    /// [`Diagnosis::name`].
    pub name: String,
    /// What it usually means and what to try.
    pub hint: String,
}

impl Diagnosis {
    /// The meter refused to read or write an attribute.
    #[must_use]
    pub fn data_access(result: DataAccessResult, phase: &str, context: &Context) -> Self {
        let code = result.code();
        let entry = table::find(table::DATA_ACCESS, code, &table::REFUSED);
        let said = format!("data-access-result {}, {code} ({code:#04x})", result.name());
        Self::new(format!("E-DAR-{code}"), result.name(), phase, said, entry, context)
    }

    /// The meter refused to invoke a method.
    #[must_use]
    pub fn action(result: ActionResult, phase: &str, context: &Context) -> Self {
        let code = result.code();
        let entry = table::find(table::ACTION, code, &table::REFUSED);
        let said = format!("action-result {}, {code} ({code:#04x})", result.name());
        Self::new(format!("E-ACT-{code}"), result.name(), phase, said, entry, context)
    }

    /// Nothing usable came from the meter, or nothing could be sent to it.
    pub(crate) fn error(error: &Error, phase: &str, context: &Context) -> Self {
        let (code, name, entry) = match error {
            Error::Client(error) => return Self::client(error, phase, context),
            Error::Counters(error) => counters(error),
            Error::CountersNowhere => ("E-IC-NOWHERE", "no-counter-file", &table::COUNTER_NOWHERE),
            Error::KeysUnknown(_) => ("E-KEYS-UNKNOWN", "keys-unknown", &table::KEYS_UNKNOWN),
            Error::KeyMissing => ("E-KEYS-AK", "authentication-key-missing", &table::KEY_MISSING),
            Error::NotListed => ("E-OBJ-UNLISTED", "object-not-listed", &table::NOT_LISTED),
            Error::ListRefused(_) => ("E-OBJ-LIST", "object-list-refused", &table::LIST_REFUSED),
            Error::OtherDevice { .. } => ("E-ID-NAME", "other-device", &table::OTHER_DEVICE),
            Error::NameRefused(_) => ("E-ID-UNNAMED", "device-unnamed", &table::DEVICE_UNNAMED),
            Error::SapListRefused(_) => {
                ("E-SAP-LIST", "sap-list-refused", &table::SAP_LIST_REFUSED)
            }
            Error::SapUnlisted(_) => ("E-SAP-UNLISTED", "sap-not-listed", &table::SAP_UNLISTED),
            Error::NoRoute => ("E-ROUTE-NONE", "no-route", &table::NO_ROUTE),
            Error::SpoolRefused(_) => ("E-SPOOL-REFUSED", "spool-refused", &table::SPOOL_REFUSED),
            Error::SpoolRestarted { .. } => {
                ("E-SPOOL-RESTARTED", "spool-restarted", &table::SPOOL_RESTARTED)
            }
            Error::Shape(_) => ("E-OBJ-SHAPE", "unexpected-shape", &table::SHAPE),
        };
        Self::new(code.into(), name, phase, error.to_string(), entry, context)
    }

    /// The line or the association failed.
    #[must_use]
    pub fn client(error: &client::Error, phase: &str, context: &Context) -> Self {
        match error {
            client::Error::Line(error) => Self::line(error, phase, context),
            client::Error::Association {
                phase: dlms_core::association::Phase::Request,
                failure: failure @ Failure::NoResponse,
            } => {
                let (code, name) = ("E-NO-RESPONSE".to_owned(), "no-response");
                Self::new(code, name, phase, failure.to_string(), &table::FELL_SILENT, context)
            }
            client::Error::Association { phase: where_, failure } => {
                let phase = match where_ {
                    dlms_core::association::Phase::Request => phase.to_owned(),
                    earlier => earlier.to_string(),
                };
                Self::failure(failure, &phase, context)
            }
            client::Error::Counters(said) => {
                let (code, name) = ("E-IC-FILE", "counter-file");
                Self::new(code.into(), name, phase, said.to_string(), &table::FILE, context)
            }
            client::Error::Misuse(_) | client::Error::Closed | client::Error::NotTaken => {
                let (code, name) = ("E-INTERNAL", "program-at-fault");
                Self::new(code.into(), name, phase, error.to_string(), &table::OURS, context)
            }
        }
    }

    /// The association or a request in it failed.
    #[must_use]
    pub fn failure(failure: &Failure, phase: &str, context: &Context) -> Self {
        let said = failure.to_string();
        let (code, name, entry) = match failure {
            Failure::Rejected { result, diagnostic, error } => {
                return Self::rejected(*result, *diagnostic, *error, phase, context);
            }
            Failure::Exception(exception) => return Self::exception(exception, phase, context),
            Failure::ServiceError(error) => return Self::service_error(error, phase, context),
            Failure::Security(error) => return Self::security(error, phase, context),
            Failure::AuthenticationRefused(result) => {
                let code = result.code();
                let said = format!(
                    "action-result {}, {code} ({code:#04x}) to the proof of the client",
                    result.name()
                );
                let (name, entry) = ("authentication-refused", &table::AUTHENTICATION_REFUSED);
                return Self::new("E-HLS-REFUSED".into(), name, phase, said, entry, context);
            }
            Failure::ServerNotAuthentic => {
                ("E-HLS-METER", "meter-not-authentic", &table::SERVER_NOT_AUTHENTIC)
            }
            Failure::OtherMeter { .. } => ("E-SEC-METER", "other-meter", &table::OTHER_METER),
            Failure::Unprotected => ("E-SEC-UNPROTECTED", "unprotected", &table::UNPROTECTED),
            Failure::Malformed(_) => ("E-PDU-MALFORMED", "malformed", &table::MALFORMED),
            Failure::Violation(_) => ("E-PDU-VIOLATION", "protocol-violation", &table::VIOLATION),
            Failure::NoResponse => ("E-NO-RESPONSE", "no-response", &table::NO_RESPONSE),
            Failure::NoKeys => ("E-SEC-KEYS", "no-keys", &table::NO_KEYS),
            Failure::CountersExhausted => {
                ("E-IC-EXHAUSTED", "counters-exhausted", &table::COUNTERS_EXHAUSTED)
            }
            // No request may be longer than this: it was an answer that did not end.
            Failure::TooLong { limit } if *limit > PDU_LEN_MAX => {
                ("E-PDU-LENGTH", "too-long", &table::ENDLESS)
            }
            Failure::TooLong { .. } => ("E-PDU-LENGTH", "too-long", &table::TOO_LONG),
            Failure::NoShortName => ("E-NO-SHORT-NAME", "no-short-name", &table::NO_SHORT_NAME),
            Failure::NotNegotiated(_) => {
                ("E-PDU-SERVICE", "not-negotiated", &table::NOT_NEGOTIATED)
            }
        };
        Self::new(code.into(), name, phase, said, entry, context)
    }

    /// The line failed.
    #[must_use]
    pub fn line(error: &LineError, phase: &str, context: &Context) -> Self {
        let begun = phase != ASSOCIATE;
        let (code, name, entry) = match error {
            LineError::Unreachable { kind, phase } => {
                ("E-LINE-UNREACHABLE", "unreachable", unreachable(*phase, *kind))
            }
            LineError::Timeout { phase } => ("E-LINE-TIMEOUT", "timeout", timeout(*phase, begun)),
            LineError::Closed {
                phase: Phase::Sending | Phase::Receiving | Phase::Polling, ..
            } if begun => ("E-LINE-CLOSED", "closed", &table::HUNG_UP),
            LineError::Closed { .. } => ("E-LINE-CLOSED", "closed", &table::NOT_WELCOME),
            LineError::Broken { .. } => ("E-LINE-BROKEN", "broken", &table::BROKEN),
            LineError::LinkRefused => ("E-LINE-DM", "link-refused", &table::LINK_REFUSED),
            LineError::LinkLost => ("E-LINE-LOST", "link-lost", &table::LINK_LOST),
            LineError::FrameReject { .. } => ("E-LINE-FRMR", "frame-reject", &table::FRAME_REJECT),
            LineError::NoProgress => ("E-LINE-STUCK", "no-progress", &table::NO_PROGRESS),
            LineError::NotWrapper { opening } => {
                ("E-LINE-NOT-WRAPPER", "not-wrapper", stranger(opening.octets(), true))
            }
            LineError::NotHdlc { opening } => {
                ("E-LINE-NOT-HDLC", "not-hdlc", stranger(opening.octets(), false))
            }
            LineError::NotModeE { .. } => ("E-LINE-NOT-MODE-E", "not-mode-e", &table::OTHER_MODE),
            LineError::TooLong { limit } if *limit > PDU_LEN_MAX => {
                ("E-LINE-LENGTH", "too-long", &table::ENDLESS)
            }
            LineError::TooLong { .. } => ("E-LINE-LENGTH", "too-long", &table::TOO_LONG),
            LineError::BadSap => ("E-LINE-SAP", "bad-sap", &table::BAD_SAP),
            LineError::Violation { .. } => {
                ("E-LINE-VIOLATION", "hdlc-violation", &table::LINK_VIOLATION)
            }
            LineError::BadParameters => {
                ("E-LINE-PARAMETERS", "bad-parameters", &table::BAD_PARAMETERS)
            }
            LineError::NotConnected => ("E-INTERNAL", "program-at-fault", &table::OURS),
        };
        let said = match error {
            LineError::Unreachable { phase: doing @ Phase::Resolving, .. } => {
                format!("{doing} failed: unknown host")
            }
            // These have what they mean in the same sentence.
            LineError::LinkRefused => "the meter refuses the HDLC link (DM)".to_owned(),
            LineError::LinkLost => "the meter has dropped the HDLC link".to_owned(),
            LineError::NoProgress => "polls are answered and no answer comes".to_owned(),
            LineError::FrameReject { .. } => before(&error.to_string(), ": "),
            // After the first sentence the line gives advice of its own.
            _ => before(&error.to_string(), ". "),
        };
        Self::new(code.into(), name, phase, said, entry, context)
    }

    fn rejected(
        result: AssociationResult,
        diagnostic: Diagnostic,
        error: Option<ConfirmedServiceError>,
        phase: &str,
        context: &Context,
    ) -> Self {
        let code = diagnostic.code();
        let (family, entry) = match diagnostic {
            Diagnostic::User(_) => {
                let silent = match result {
                    AssociationResult::RejectedTransient => &table::REJECTED_TRANSIENT,
                    _ if context.secured => &table::REJECTED_SECURED,
                    _ => &table::REJECTED,
                };
                ("AARE", table::find(table::ASSOCIATE, code, silent))
            }
            Diagnostic::Provider(_) => ("ACSE", &table::REJECTED_PROVIDER),
        };
        let entry = match &error {
            Some(error) if is_deciphering_error(error) => &table::SERVICE_DECIPHERING,
            _ => entry,
        };
        let mut said = format!("association {result}, {} {code} ({code:#04x})", diagnostic.name());
        if let Some(error) = error {
            said = format!("{said}; {error}");
        }
        Self::new(format!("E-{family}-{code}"), diagnostic.name(), phase, said, entry, context)
    }

    fn exception(exception: &ExceptionResponse, phase: &str, context: &Context) -> Self {
        let code = exception.service.code();
        let entry = table::find(table::EXCEPTION, code, &table::EXCEPTION_OTHER);
        let name = exception.service.name();
        let said = format!("exception {exception} ({code:#04x})");
        Self::new(format!("E-EXC-{code}"), name, phase, said, entry, context)
    }

    fn service_error(error: &ConfirmedServiceError, phase: &str, context: &Context) -> Self {
        let entry = match error.service {
            _ if is_deciphering_error(error) => &table::SERVICE_DECIPHERING,
            1 => &table::SERVICE_INITIATE,
            _ => &table::SERVICE_OTHER,
        };
        let code = format!("E-CSE-{}-{}", error.error.choice, error.error.value);
        let said = format!("confirmed-service-error {error}");
        Self::new(code, "confirmed-service-error", phase, said, entry, context)
    }

    fn security(error: &SecurityError, phase: &str, context: &Context) -> Self {
        let (code, name, entry) = match error {
            // The keys fitted when the association was opened.
            SecurityError::TagMismatch if phase != ASSOCIATE => {
                ("E-SEC-TAG", "tag-mismatch", &table::ALTERED)
            }
            SecurityError::TagMismatch => ("E-SEC-TAG", "tag-mismatch", &table::SECURITY),
            SecurityError::AuthenticationKeySuspected => {
                ("E-SEC-AK", "authentication-key", &table::AUTHENTICATION_KEY)
            }
            SecurityError::EncryptionKeySuspected => {
                ("E-SEC-EK", "encryption-key", &table::ENCRYPTION_KEY)
            }
            SecurityError::Suite { .. } | SecurityError::KeyLength => {
                ("E-SEC-SUITE", "security-suite", &table::SUITE)
            }
            SecurityError::SignatureMismatch | SecurityError::SignatureMissing => {
                ("E-SEC-SIGNATURE", "signature", &table::SIGNATURE)
            }
            SecurityError::WrappedKeyMismatch | SecurityError::KeyMissing(_) => {
                ("E-SEC-KEY", "key-of-the-apdu", &table::KEY_OF_APDU)
            }
            SecurityError::ChallengeLength(_) => {
                ("E-HLS-CHALLENGE", "challenge-length", &table::CHALLENGE)
            }
            SecurityError::CounterNotGreater { .. } | SecurityError::CounterMaximum => {
                ("E-SEC-REPLAY", "counter-not-greater", &table::REPLAY)
            }
            SecurityError::Protection { .. } => {
                ("E-SEC-UNPROTECTED", "unprotected", &table::UNPROTECTED)
            }
            SecurityError::SystemTitleMismatch { .. } => {
                ("E-SEC-METER", "other-meter", &table::OTHER_METER)
            }
            SecurityError::ReplyMismatch
            | SecurityError::ReplyControl { .. }
            | SecurityError::ChallengeReflected => {
                ("E-HLS-METER", "meter-not-authentic", &table::SERVER_NOT_AUTHENTIC)
            }
            SecurityError::CountersExhausted(_) => {
                ("E-IC-EXHAUSTED", "counters-exhausted", &table::COUNTERS_EXHAUSTED)
            }
            _ => ("E-SEC", "security-failure", &table::SECURITY),
        };
        let said = format!("an answer that failed its security check: {error}");
        Self::new(code.into(), name, phase, said, entry, context)
    }

    fn new(
        code: String,
        name: &'static str,
        phase: &str,
        said: String,
        entry: &Entry,
        context: &Context,
    ) -> Self {
        Self {
            name,
            phase: phase.into(),
            said: said.into(),
            heard: HEARD.iter().any(|family| code.starts_with(family)),
            code: code.into(),
            means: entry.means.into(),
            next: context.fill(entry.next).into(),
            exit: entry.exit,
        }
    }

    /// The shape in JSON output.
    #[must_use]
    pub fn to_object(&self) -> ErrorObject {
        ErrorObject {
            code: self.code.to_string(),
            name: self.name.to_owned(),
            hint: format!("{}; try: {}", self.means, self.next),
        }
    }
}

/// Code and name.
impl fmt::Display for ErrorObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.name)
    }
}

impl Context {
    /// Puts commands that fit this meter where the table has a word for them.
    fn fill(&self, next: &str) -> String {
        let Self { address, client, server, .. } = self;
        let meter = format!("{}{server}", quoted(address));
        let clock = quoted("8:0-0:1.0.0*255:2");
        next.replace("{objects}", &format!("`headend objects {meter}{client}`"))
            .replace("{public}", &format!("`headend read {meter} {clock}`"))
            .replace("{trace}", &format!("`headend read {meter}{client} {clock} --trace link`"))
            .replace("{read}", &format!("`headend read {meter}{client}`"))
    }
}

/// Code, name and phase on the first line, then what the meter said, what it usually means and what
/// to try, each on a line.
impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}: {}", self.code, self.name, self.phase)?;
        let speaker = if self.heard { "the meter said:" } else { "what happened: " };
        writeln!(f, "  {speaker} {}", self.said)?;
        writeln!(f, "  usually means:  {}", self.means)?;
        write!(f, "  try:            {}", self.next)
    }
}

/// What a line that could not be opened usually means.
const fn unreachable(phase: Phase, kind: ErrorKind) -> &'static Entry {
    match (phase, kind) {
        (Phase::Resolving, _) => &table::UNKNOWN_HOST,
        (_, ErrorKind::ConnectionRefused) => &table::NO_LISTENER,
        (_, ErrorKind::NotFound) => &table::NO_PORT,
        (_, ErrorKind::PermissionDenied) => &table::NOT_ALLOWED,
        (_, ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) => {
            &table::HOST_SILENT
        }
        _ => &table::NOT_OPENED,
    }
}

/// What silence usually means, before and after the conversation has `begun`.
const fn timeout(phase: Phase, begun: bool) -> &'static Entry {
    match phase {
        Phase::Resolving => &table::NAME_SERVER,
        Phase::Opening => &table::HOST_SILENT,
        Phase::SigningOn => &table::SIGN_ON_SILENT,
        Phase::LinkSetUp => &table::LINK_SILENT,
        Phase::Sending => &table::STUCK,
        Phase::Receiving if !begun => &table::NO_RESPONSE,
        Phase::Receiving | Phase::Polling | Phase::Releasing => &table::FELL_SILENT,
    }
}

/// A guess at what begins with `octets` on a line of the `wrapper` or else of HDLC.
fn stranger(octets: &[u8], wrapper: bool) -> &'static Entry {
    match octets {
        [0x7e, ..] if wrapper => &table::SPEAKS_HDLC,
        [0x00, 0x01, ..] if !wrapper => &table::SPEAKS_WRAPPER,
        [0x15, 0x03, ..] => &table::SPEAKS_TLS,
        octets if octets.iter().all(|octet| matches!(octet, 0x20..=0x7e | b'\r' | b'\n')) => {
            &table::SPEAKS_TEXT
        }
        _ => &table::SPEAKS_OTHER,
    }
}

/// The part of a text before `separator`.
fn before(text: &str, separator: &str) -> String {
    text.split_once(separator).map_or(text, |(before, _)| before).to_owned()
}

/// A word as a shell takes it: in single quotes if it has a character that means something there.
fn quoted(word: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_./:+,@%=[]".contains(char);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{word}'") }
}

const fn counters(error: &CounterFileError) -> (&'static str, &'static str, &'static Entry) {
    match error {
        CounterFileError::System { .. }
        | CounterFileError::Corrupt { .. }
        | CounterFileError::Version { .. } => ("E-IC-FILE", "counter-file", &table::FILE),
        CounterFileError::TooFar { .. } => ("E-IC-FAR", "counter-too-far", &table::COUNTER_TOO_FAR),
        CounterFileError::Lower { .. } => ("E-IC-LOWER", "counter-lower", &table::COUNTER_LOWER),
        CounterFileError::Largest => ("E-IC-LARGEST", "counter-largest", &table::COUNTER_LARGEST),
        CounterFileError::Exhausted => {
            ("E-IC-EXHAUSTED", "counters-exhausted", &table::COUNTERS_EXHAUSTED)
        }
    }
}

/// application-reference, deciphering-error (IEC 62056-5-3 clause 8, ServiceError).
const fn is_deciphering_error(error: &ConfirmedServiceError) -> bool {
    error.error.choice == 0 && error.error.value == 6
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlms_core::{
        acse::{AcseProviderDiagnostic, AcseUserDiagnostic},
        xdlms::{ExceptionService, ExceptionState, ServiceError},
    };

    fn context() -> Context {
        Context {
            address: "wrapper://192.0.2.7:4059".into(),
            client: " --client 1".into(),
            server: String::new(),
            secured: true,
        }
    }

    fn of_failure(failure: Failure) -> Diagnosis {
        Diagnosis::failure(&failure, "get 3:1-0:1.8.0*255:2", &context())
    }

    fn rejected(diagnostic: Diagnostic) -> Failure {
        let result = AssociationResult::RejectedPermanent;
        Failure::Rejected { result, diagnostic, error: None }
    }

    fn exception(service: ExceptionService) -> Failure {
        let state = ExceptionState::ServiceNotAllowed;
        Failure::Exception(ExceptionResponse { state, service })
    }

    #[test]
    fn a_diagnosis_has_a_fixed_shape() {
        let diagnosis = Diagnosis::data_access(
            DataAccessResult::ObjectUnavailable,
            "get 7:1-0:99.1.0*255:2",
            &context(),
        );
        assert_eq!(
            diagnosis.to_string(),
            "E-DAR-11 object-unavailable: get 7:1-0:99.1.0*255:2\n  \
             the meter said: data-access-result object-unavailable, 11 (0x0b)\n  \
             usually means:  the object is not visible in this association, or not in use\n  \
             try:            another client, such as --client 1; \
             `headend objects wrapper://192.0.2.7:4059 --client 1` lists what is visible"
        );
        let object = diagnosis.to_object();
        assert_eq!((&*object.code, &*object.name), ("E-DAR-11", "object-unavailable"));
        assert!(object.hint.contains("not visible") && object.hint.contains("headend objects"));
    }

    #[test]
    fn every_refusal_has_a_meaning_and_something_to_try() {
        for code in 1..=255 {
            for diagnosis in [
                Diagnosis::data_access(DataAccessResult::from_code(code), "get", &context()),
                Diagnosis::action(ActionResult::from_code(code), "invoke", &context()),
                of_failure(rejected(Diagnostic::User(AcseUserDiagnostic::from_code(code)))),
                of_failure(exception(ExceptionService::Other(code))),
            ] {
                assert!(diagnosis.code.ends_with(&format!("-{code}")), "{diagnosis}");
                assert!(diagnosis.said.contains(&format!("{code:#04x}")), "{diagnosis}");
                assert!(diagnosis.heard, "{diagnosis}");
                complete(&diagnosis);
            }
        }
    }

    fn complete(diagnosis: &Diagnosis) {
        for part in [diagnosis.name, &diagnosis.said, &diagnosis.means, &diagnosis.next] {
            assert!(!part.is_empty() && !part.contains(['{', '}']), "{diagnosis}");
        }
    }

    #[test]
    fn what_failed_security_exits_with_4() {
        for failure in [
            Failure::AuthenticationRefused(ActionResult::OtherReason),
            Failure::ServerNotAuthentic,
            Failure::Unprotected,
            Failure::NoKeys,
            Failure::CountersExhausted,
            Failure::Security(SecurityError::TagMismatch),
            Failure::Security(SecurityError::AuthenticationKeySuspected),
            Failure::Security(SecurityError::EncryptionKeySuspected),
            Failure::Security(SecurityError::KeyLength),
            Failure::Security(SecurityError::SignatureMissing),
            Failure::Security(SecurityError::WrappedKeyMismatch),
            Failure::Security(SecurityError::ChallengeLength(16)),
            Failure::Security(SecurityError::CounterNotGreater { received: 1, last: 2 }),
            Failure::Security(SecurityError::ReplyMismatch),
            Failure::Security(SecurityError::SystemTitleMissing),
            rejected(Diagnostic::User(AcseUserDiagnostic::AuthenticationFailure)),
            rejected(Diagnostic::User(AcseUserDiagnostic::NoReasonGiven)),
            exception(ExceptionService::DecipheringError),
            exception(ExceptionService::InvocationCounterError(77)),
            Failure::ServiceError(ConfirmedServiceError {
                service: 1,
                error: ServiceError { choice: 0, value: 6 },
            }),
        ] {
            let diagnosis = of_failure(failure);
            assert_eq!(diagnosis.exit, Exit::Security, "{diagnosis}");
            complete(&diagnosis);
        }
    }

    #[test]
    fn a_tag_that_does_not_verify_is_told_by_what_is_probably_wrong() {
        let means = |error, phase: &str| {
            Diagnosis::security(&error, phase, &Context::default()).means.to_string()
        };
        for (error, phase, expected) in [
            (SecurityError::TagMismatch, "associate", "the keys are not those"),
            (SecurityError::TagMismatch, "read", "changed the answer on its way"),
            (
                SecurityError::AuthenticationKeySuspected,
                "associate",
                "the authentication key is not",
            ),
            (SecurityError::EncryptionKeySuspected, "associate", "the encryption key is not"),
            (SecurityError::KeyLength, "associate", "another security suite"),
            (SecurityError::CounterNotGreater { received: 1, last: 2 }, "read", "an old answer"),
        ] {
            let means = means(error, phase);
            assert!(means.contains(expected), "{means}");
        }
    }

    #[test]
    fn other_failures_exit_by_their_cause() {
        for (failure, exit) in [
            (Failure::NoResponse, Exit::Unreachable),
            (Failure::Violation(dlms_core::association::Violation::Version(5)), Exit::Unreachable),
            (Failure::TooLong { limit: 12 }, Exit::Refused),
            (Failure::TooLong { limit: 16 * 1024 * 1024 }, Exit::Unreachable),
            (Failure::NotNegotiated("selective access"), Exit::Refused),
            (Failure::NoShortName, Exit::Refused),
            (exception(ExceptionService::OperationNotPossible), Exit::Refused),
            (
                rejected(Diagnostic::Provider(AcseProviderDiagnostic::NoCommonAcseVersion)),
                Exit::Refused,
            ),
        ] {
            let diagnosis = of_failure(failure);
            assert_eq!(diagnosis.exit, exit, "{diagnosis}");
            complete(&diagnosis);
        }
    }

    #[test]
    fn a_rejection_without_reason_is_about_security_only_where_secrets_were_used() {
        let failure = rejected(Diagnostic::User(AcseUserDiagnostic::NoReasonGiven));
        let open = Context { secured: false, ..context() };
        assert_eq!(Diagnosis::failure(&failure, "", &open).exit, Exit::Refused);
        assert_eq!(Diagnosis::failure(&failure, "", &context()).exit, Exit::Security);
    }

    #[test]
    fn the_expected_counter_is_named() {
        let diagnosis = of_failure(exception(ExceptionService::InvocationCounterError(4711)));
        assert_eq!(&*diagnosis.code, "E-EXC-6");
        assert!(diagnosis.said.contains("4711"), "{diagnosis}");
    }

    #[test]
    fn a_line_that_failed_has_a_meaning_and_something_to_try() {
        let kind = ErrorKind::ConnectionRefused;
        let error = LineError::Unreachable { kind, phase: Phase::Opening };
        let diagnosis = Diagnosis::line(&error, "associate", &context());
        assert_eq!((&*diagnosis.code, diagnosis.exit), ("E-LINE-UNREACHABLE", Exit::Unreachable));
        assert_eq!(&*diagnosis.said, "opening the line failed: connection refused");
        assert_eq!(&*diagnosis.means, "the host is there and nothing listens on this port");
        assert_eq!(&*diagnosis.next, "check the port");
        assert!(!diagnosis.heard);
        let mut errors = vec![
            LineError::Closed { phase: Phase::Receiving, mid_frame: true },
            LineError::Broken { phase: Phase::Sending, kind: ErrorKind::Other },
            LineError::LinkRefused,
            LineError::LinkLost,
            LineError::FrameReject { control: Some(0x10) },
            LineError::NoProgress,
            LineError::NotModeE { character: b'0' },
            LineError::TooLong { limit: 1 },
            LineError::BadSap,
            LineError::BadParameters,
            LineError::NotConnected,
        ];
        for phase in [
            Phase::Resolving,
            Phase::Opening,
            Phase::SigningOn,
            Phase::LinkSetUp,
            Phase::Sending,
            Phase::Receiving,
            Phase::Polling,
            Phase::Releasing,
        ] {
            errors.push(LineError::Timeout { phase });
            for kind in [ErrorKind::NotFound, ErrorKind::PermissionDenied, ErrorKind::Other] {
                errors.push(LineError::Unreachable { kind, phase });
            }
        }
        for error in errors {
            for phase in [ASSOCIATE, "get 1:0-0:96.1.0*255:2"] {
                let diagnosis = Diagnosis::line(&error, phase, &context());
                complete(&diagnosis);
                // Advice is not what something means.
                for word in ["try ", "check ", "look at", "reconnect"] {
                    let means = diagnosis.means.to_lowercase();
                    assert!(!means.contains(word), "{diagnosis}");
                    assert!(!diagnosis.said.to_lowercase().contains(word), "{diagnosis}");
                }
            }
        }
    }

    #[test]
    fn a_meter_that_answered_before_has_the_right_addresses_and_framing() {
        let no_response = client::Error::Association {
            phase: dlms_core::association::Phase::Request,
            failure: Failure::NoResponse,
        };
        let timeout = LineError::Timeout { phase: Phase::Receiving };
        for error in [client::Error::Line(timeout), no_response] {
            let text = Diagnosis::client(&error, "get 1:0-0:96.1.0*255:2", &context()).to_string();
            assert!(!text.contains("SAP") && !text.contains("hdlc://"), "{text}");
        }
        let text = Diagnosis::line(&timeout, ASSOCIATE, &context()).to_string();
        assert!(text.contains("SAP") && text.contains("hdlc://"), "{text}");
    }

    #[test]
    fn an_unknown_host_is_called_so() {
        let kind = std::io::Error::other("name resolution").kind();
        let error = LineError::Unreachable { kind, phase: Phase::Resolving };
        let diagnosis = Diagnosis::line(&error, ASSOCIATE, &context());
        assert_eq!(&*diagnosis.said, "looking up the host failed: unknown host");
    }

    #[test]
    fn commands_in_hints_can_be_pasted() {
        let context = Context {
            address: "hdlc+serial:///dev/ttyUSB0?baud=9600&mode-e".into(),
            client: " --client 1".into(),
            server: " --server 1/17".into(),
            secured: false,
        };
        let meter = "'hdlc+serial:///dev/ttyUSB0?baud=9600&mode-e' --server 1/17";
        assert_eq!(context.fill("{objects}"), format!("`headend objects {meter} --client 1`"));
        assert_eq!(context.fill("{public}"), format!("`headend read {meter} '8:0-0:1.0.0*255:2'`"));
        assert_eq!(
            context.fill("{trace}"),
            format!("`headend read {meter} --client 1 '8:0-0:1.0.0*255:2' --trace link`")
        );
    }

    #[test]
    fn nobody_is_told_to_try_to_try() {
        for code in 1..=255 {
            let result = DataAccessResult::from_code(code);
            let hint = Diagnosis::data_access(result, "get", &context()).to_object().hint;
            assert!(!hint.contains("try: try"), "{hint}");
        }
    }

    #[test]
    fn own_failures_say_what_happened() {
        for (error, exit) in [
            (Error::CountersNowhere, Exit::Usage),
            (Error::KeysUnknown(None), Exit::Usage),
            (Error::KeyMissing, Exit::Usage),
            (Error::NotListed, Exit::Refused),
            (Error::ListRefused(DataAccessResult::ReadWriteDenied), Exit::Refused),
            (Error::Shape("object list"), Exit::Unreachable),
            (Error::Counters(CounterFileError::Exhausted), Exit::Security),
            (Error::Counters(CounterFileError::Lower { asked: 1, next: 2 }), Exit::Usage),
            (Error::Counters(CounterFileError::Largest), Exit::Usage),
            (Error::Counters(CounterFileError::TooFar { hint: 9, next: 2 }), Exit::Security),
        ] {
            let diagnosis = Diagnosis::error(&error, "associate", &context());
            assert_eq!(diagnosis.exit, exit, "{diagnosis}");
            assert!(diagnosis.to_string().contains("what happened:"), "{diagnosis}");
            complete(&diagnosis);
        }
    }
}
