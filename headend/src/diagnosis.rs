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

use dlms_core::{
    acse::{AssociationResult, Diagnostic},
    association::Failure,
    security::SecurityError,
    xdlms::{ActionResult, ConfirmedServiceError, DataAccessResult, ExceptionResponse},
};
use dlms_tokio::{LineError, client};
use serde::Serialize;

use crate::{counter_file::CounterFileError, error::Error, exit::Exit};
use table::Entry;

/// What went wrong, what it usually means and what to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// Stable and unique: `E-DAR-4`.
    pub code: String,
    /// The name of the code, in the standard's words where it has some: `object-undefined`.
    pub name: String,
    /// What was being done: `associate`, `get 3:1-0:1.8.0*255:2`.
    pub phase: String,
    /// What the meter said: name, number in decimal and hexadecimal.
    pub said: String,
    /// Whether the meter said it. If not, it is what was seen at this end.
    pub heard: bool,
    /// What this usually means.
    pub means: String,
    /// The next thing to try.
    pub next: String,
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
            Error::CountersNowhere => {
                ("E-IC-NOWHERE", "no-counter-file", &table::COUNTER_NOWHERE)
            }
            Error::KeysUnknown(_) => ("E-KEYS-UNKNOWN", "keys-unknown", &table::KEYS_UNKNOWN),
            Error::KeyMissing => ("E-KEYS-AK", "authentication-key-missing", &table::KEY_MISSING),
            Error::NotListed => ("E-OBJ-UNLISTED", "object-not-listed", &table::NOT_LISTED),
            Error::ListRefused(_) => ("E-OBJ-LIST", "object-list-refused", &table::LIST_REFUSED),
            Error::Shape(_) => ("E-OBJ-SHAPE", "unexpected-shape", &table::SHAPE),
        };
        Self::new(code.into(), name, phase, error.to_string(), entry, context)
    }

    /// The line or the association failed.
    #[must_use]
    pub fn client(error: &client::Error, phase: &str, context: &Context) -> Self {
        match error {
            client::Error::Line(error) => Self::line(error, phase, context),
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
            client::Error::Misuse(_) | client::Error::Closed => {
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
            Failure::TooLong { .. } => ("E-PDU-LENGTH", "too-long", &table::TOO_LONG),
            Failure::NotNegotiated(_) => {
                ("E-PDU-SERVICE", "not-negotiated", &table::NOT_NEGOTIATED)
            }
        };
        Self::new(code.into(), name, phase, said, entry, context)
    }

    /// The line failed. Its own message says what it means.
    #[must_use]
    pub fn line(error: &LineError, phase: &str, context: &Context) -> Self {
        let (code, name, entry) = match error {
            LineError::Unreachable { .. } => ("E-LINE-UNREACHABLE", "unreachable", &table::LINE),
            LineError::Timeout { .. } => ("E-LINE-TIMEOUT", "timeout", &table::LINE),
            LineError::Closed { .. } => ("E-LINE-CLOSED", "closed", &table::LINE),
            LineError::Broken { .. } => ("E-LINE-BROKEN", "broken", &table::LINE),
            LineError::LinkRefused => ("E-LINE-DM", "link-refused", &table::LINE_REFUSED),
            LineError::LinkLost => ("E-LINE-LOST", "link-lost", &table::LINE),
            LineError::FrameReject { .. } => ("E-LINE-FRMR", "frame-reject", &table::LINE),
            LineError::NoProgress => ("E-LINE-STUCK", "no-progress", &table::LINE),
            LineError::NotWrapper { .. } => ("E-LINE-NOT-WRAPPER", "not-wrapper", &table::LINE),
            LineError::NotHdlc { .. } => ("E-LINE-NOT-HDLC", "not-hdlc", &table::LINE),
            LineError::NotModeE { .. } => ("E-LINE-NOT-MODE-E", "not-mode-e", &table::LINE),
            LineError::TooLong { .. } => ("E-LINE-LENGTH", "too-long", &table::TOO_LONG),
            LineError::BadSap => ("E-LINE-SAP", "bad-sap", &table::BAD_SAP),
            LineError::Violation { .. } => ("E-LINE-VIOLATION", "hdlc-violation", &table::LINE),
            LineError::BadParameters => ("E-LINE-PARAMETERS", "bad-parameters", &table::BAD_SAP),
            LineError::NotConnected => ("E-INTERNAL", "program-at-fault", &table::OURS),
        };
        let message = error.to_string();
        let (said, means) = message.split_once(". ").unwrap_or((&message, ""));
        let mut diagnosis = Self::new(code.into(), name, phase, said.into(), entry, context);
        if diagnosis.means.is_empty() {
            diagnosis.means = uncapitalised(means);
        }
        diagnosis
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
        let mut said =
            format!("association {result}, {} {code} ({code:#04x})", diagnostic.name());
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
            SecurityError::TagMismatch => ("E-SEC-TAG", "tag-mismatch", &table::SECURITY),
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
        name: &str,
        phase: &str,
        said: String,
        entry: &Entry,
        context: &Context,
    ) -> Self {
        Self {
            name: name.to_owned(),
            phase: phase.to_owned(),
            said,
            heard: ["E-DAR", "E-ACT", "E-AARE", "E-ACSE", "E-EXC", "E-CSE", "E-HLS-REFUSED"]
                .iter()
                .any(|family| code.starts_with(family)),
            code,
            means: entry.means.to_owned(),
            next: context.fill(entry.next),
            exit: entry.exit,
        }
    }

    /// The shape in JSON output.
    #[must_use]
    pub fn to_object(&self) -> ErrorObject {
        ErrorObject {
            code: self.code.clone(),
            name: self.name.clone(),
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
        let Self { address, client, .. } = self;
        next.replace("{objects}", &format!("`headend objects {address}{client}`"))
            .replace("{public}", &format!("`headend read {address} 8:0-0:1.0.0*255:2`"))
            .replace("{trace}", &format!("`headend read {address} 8:0-0:1.0.0*255:2 --trace link`"))
            .replace("{read}", &format!("`headend read {address}{client}`"))
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

/// A sentence as a part of one.
fn uncapitalised(sentence: &str) -> String {
    let mut chars = sentence.chars();
    match chars.next() {
        // HDLC stays HDLC.
        Some(first) if !chars.as_str().starts_with(char::is_uppercase) => {
            format!("{}{}", first.to_lowercase(), chars.as_str())
        }
        _ => sentence.to_owned(),
    }
}

const fn counters(error: &CounterFileError) -> (&'static str, &'static str, &'static Entry) {
    match error {
        CounterFileError::System { .. }
        | CounterFileError::Corrupt { .. }
        | CounterFileError::Version { .. } => ("E-IC-FILE", "counter-file", &table::FILE),
        CounterFileError::TooFar { .. } => {
            ("E-IC-FAR", "counter-too-far", &table::COUNTER_TOO_FAR)
        }
        CounterFileError::Lower { .. } => ("E-IC-LOWER", "counter-lower", &table::COUNTER_LOWER),
        CounterFileError::Exhausted => {
            ("E-IC-EXHAUSTED", "counters-exhausted", &table::COUNTERS_EXHAUSTED)
        }
    }
}

/// application-reference, deciphering-error (IEC 62056-5-3 clause 8, ServiceError).
const fn is_deciphering_error(error: &ConfirmedServiceError) -> bool {
    error.error.choice == 0 && error.error.value == 6
}
