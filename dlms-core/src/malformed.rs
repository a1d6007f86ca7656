//! Bytes that are not what the standard says they must be.
//!
//! Every decoder of this crate fails with [`Malformed`]: what was wrong and at which octet, counted
//! from the start of the slice that was handed to the decoder. A refusal by the meter is never an
//! error here, and a legal APDU at the wrong moment is a
//! [`Violation`](crate::association::Violation).

use core::fmt;

/// Octets that cannot be decoded: what is wrong and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at octet {offset}")]
pub struct Malformed {
    /// What is wrong.
    pub kind: MalformedKind,
    /// Octets from the start of the decoded slice to the place where it was noticed.
    pub offset: usize,
}

impl Malformed {
    /// An error of `kind` at `offset`.
    pub const fn new(kind: MalformedKind, offset: usize) -> Self {
        Self { kind, offset }
    }

    /// The same error in a slice that itself starts `base` octets into a larger one.
    #[must_use]
    pub const fn shifted(self, base: usize) -> Self {
        Self { kind: self.kind, offset: self.offset.saturating_add(base) }
    }
}

/// What is wrong with the octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MalformedKind {
    /// The input ends before the value does.
    Truncated,
    /// Octets follow a value that should have been the last.
    Trailing,
    /// A type tag or APDU tag that has no meaning at this place.
    UnknownTag(u8),
    /// A choice or enumerated octet without meaning at this place.
    UnknownChoice(u8),
    /// A length in a form that A-XDR or BER does not have, or one beyond what this crate handles.
    Length,
    /// Arrays and structures nested deeper than [`NESTING_MAX`](crate::axdr::NESTING_MAX).
    Nesting,
    /// A value outside the range that the standard gives it.
    Value,
    /// A list announces another count than its partner list, or a row another than its template.
    Count,
}

impl fmt::Display for MalformedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("input ends too early"),
            Self::Trailing => f.write_str("octets left over"),
            Self::UnknownTag(tag) => write!(f, "unknown tag {tag:#04x}"),
            Self::UnknownChoice(choice) => write!(f, "unknown choice {choice:#04x}"),
            Self::Length => f.write_str("impossible length"),
            Self::Nesting => f.write_str("nested too deeply"),
            Self::Value => f.write_str("value out of range"),
            Self::Count => f.write_str("counts disagree"),
        }
    }
}
