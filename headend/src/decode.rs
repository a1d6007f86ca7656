//! Captured octets, layer by layer: from a frame to the values of a push.
//!
//! - [`capture`]: octets as people write them down.
//! - [`transport`]: frames, and the APDUs that are in them, whole or in parts.
//! - [`keyring`]: opens what is ciphered.
//! - [`content`]: what a plain APDU carries.
//! - [`patterns_file`]: how pushes name their values, in a file.
//! - [`tree`] shows all of it to people; [`record`] to programs; [`xml`] to translators.
//!
//! `headend decode` shows captures with it, `headend listen` what meters push.

pub(crate) mod capture;
pub(crate) mod content;
pub(crate) mod keyring;
pub(crate) mod patterns_file;
pub(crate) mod record;
pub(crate) mod transport;
pub(crate) mod tree;
pub(crate) mod xml;

use dlms_core::{Malformed, MalformedKind, security::SecurityError};
use serde::Serialize;

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
}

impl Fault {
    pub(crate) fn new(code: &'static str, offset: usize, text: impl ToString) -> Self {
        Self { code, offset, text: text.to_string() }
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
            SecurityError::CounterNotGreater { .. } => "replayed",
            SecurityError::CounterMaximum => "counter-maximum",
            SecurityError::SystemTitleMissing => "system-title-unknown",
            SecurityError::Compressed => "compressed",
            SecurityError::KeyLength => "key-length",
            SecurityError::Control(_) => "security-control",
            _ => "security",
        };
        Self::new(code, 0, error)
    }
}
