//! Captured octets, layer by layer: from a frame to the values of a push.
//!
//! - [`capture`]: octets as people write them down.
//! - [`transport`]: frames, and the APDUs that are in them, whole or in parts.
//! - [`keyring`]: opens one layer of protection; [`layers`] opens all that an APDU has.
//! - [`suspicion`]: which key, title or certificate is probably wrong when one stays closed.
//! - [`content`]: what a plain APDU carries.
//! - [`patterns_file`]: how pushes name their values, in a file.
//! - [`tree`] shows all of it to people; [`record`] to programs; [`xml`] to translators.
//!
//! `headend decode` shows captures with it, `headend listen` what meters push.

pub(crate) mod capture;
pub(crate) mod content;
pub(crate) mod keyring;
pub(crate) mod layers;
pub(crate) mod patterns_file;
pub(crate) mod record;
pub(crate) mod suspicion;
pub(crate) mod transport;
pub(crate) mod tree;
pub(crate) mod xml;

use dlms_core::{Malformed, MalformedKind, security::SecurityError};
use serde::Serialize;

use self::suspicion::Suspect;

/// Something that is wrong with captured octets, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Fault {
    /// Stable, for programs: `fcs-mismatch`.
    pub(crate) code: &'static str,
    /// The octet at fault, from the first of what is decoded: of the capture for a frame, of the
    /// APDU for its content.
    pub(crate) offset: usize,
    /// For people.
    pub(crate) text: String,
    /// Which input is probably at fault, where that can be told. The text has it too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) suspect: Option<Suspect>,
}

impl Fault {
    pub(crate) fn new(code: &'static str, offset: usize, text: impl ToString) -> Self {
        Self { code, offset, text: text.to_string(), suspect: None }
    }

    /// The same, with the input that is probably at fault.
    pub(crate) fn suspecting(self, suspect: Option<Suspect>) -> Self {
        let Some(suspect) = suspect else { return self };
        let text = format!("{}; {}", self.text, suspect.hint());
        Self { text, suspect: Some(suspect), ..self }
    }
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        let code = match malformed.kind {
            MalformedKind::Truncated => "truncated",
            MalformedKind::Trailing => "octets-left-over",
            MalformedKind::UnknownTag(_) => "unknown-tag",
            MalformedKind::UnknownChoice(_) => "unknown-choice",
            MalformedKind::Length => "impossible-length",
            MalformedKind::Nesting => "nested-too-deeply",
            MalformedKind::Value => "value-out-of-range",
            MalformedKind::Count => "counts-disagree",
        };
        Self::new(code, malformed.offset, malformed.kind)
    }
}

impl From<SecurityError> for Fault {
    fn from(error: SecurityError) -> Self {
        let code = match error {
            SecurityError::Malformed(malformed) => return malformed.into(),
            SecurityError::TagMismatch => "tag-mismatch",
            SecurityError::SignatureMismatch => "signature-mismatch",
            SecurityError::SignatureMissing => "signature-missing",
            SecurityError::WrappedKeyMismatch => "wrapped-key-mismatch",
            SecurityError::KeyMissing(_) | SecurityError::AuthenticationKeyMissing => "no-key",
            SecurityError::CounterNotGreater { .. } => "replayed",
            SecurityError::CounterMaximum => "counter-maximum",
            SecurityError::SystemTitleMissing => "system-title-unknown",
            SecurityError::RecipientMismatch { .. } => "for-another",
            SecurityError::Reflected => "reflected",
            SecurityError::Compressed => "compressed",
            SecurityError::KeyLength => "key-length",
            SecurityError::NotOnCurve => "not-on-curve",
            SecurityError::Control(_) => "security-control",
            _ => "security",
        };
        Self::new(code, 0, error).suspecting(Suspect::of(&error))
    }
}
