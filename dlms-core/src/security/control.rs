//! The security control octet and what it may say where (Green Book 9.2.7.2).
//!
//! Bits 0 to 3 suite, 4 authenticated, 5 encrypted, 6 key set (broadcast), 7 compressed. A receiver
//! compares the octet with what was agreed and never adopts it.

use core::fmt;

use super::{CipherForm, SecuritySuite};

/// How an APDU is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Protection {
    /// A tag proves the originator and the octets.
    pub authenticated: bool,
    /// The octets cannot be read without the encryption key.
    pub encrypted: bool,
    /// A signature proves the originator and the octets, to others too. The security control octet
    /// knows nothing of it: general-signing is a layer of its own.
    pub signed: bool,
}

impl Protection {
    /// Plain octets.
    pub const NONE: Self = Self { authenticated: false, encrypted: false, signed: false };
    /// A tag over plain octets.
    pub const AUTHENTICATED: Self = Self { authenticated: true, encrypted: false, signed: false };
    /// Encrypted without a tag.
    pub const ENCRYPTED: Self = Self { authenticated: false, encrypted: true, signed: false };
    /// Encrypted, with a tag.
    pub const AUTHENTICATED_ENCRYPTED: Self =
        Self { authenticated: true, encrypted: true, signed: false };

    /// This and what `other` has.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            authenticated: self.authenticated || other.authenticated,
            encrypted: self.encrypted || other.encrypted,
            signed: self.signed || other.signed,
        }
    }

    /// The same with a signature.
    #[must_use]
    pub const fn and_signed(self) -> Self {
        Self { signed: true, ..self }
    }

    /// Whether this is at least as much as `required`: more than required is accepted.
    pub const fn covers(self, required: Self) -> bool {
        (self.authenticated || !required.authenticated)
            && (self.encrypted || !required.encrypted)
            && (self.signed || !required.signed)
    }
}

/// `authenticated and encrypted`.
impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.authenticated, self.encrypted) {
            (false, false) if self.signed => return f.write_str("signed"),
            (false, false) => "not protected",
            (true, false) => "authenticated",
            (false, true) => "encrypted",
            (true, true) => "authenticated and encrypted",
        })?;
        if self.signed { f.write_str(", signed") } else { Ok(()) }
    }
}

/// The security control octet, of a known suite.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecurityControl(u8);

const SUITE: u8 = 0x0f;
const AUTHENTICATED: u8 = 0x10;
const ENCRYPTED: u8 = 0x20;
const KEY_SET: u8 = 0x40;
const COMPRESSED: u8 = 0x80;

impl SecurityControl {
    /// `suite` and `protection` under a unicast key, uncompressed. A signature is no part of it.
    pub const fn new(suite: SecuritySuite, protection: Protection) -> Self {
        let authenticated = if protection.authenticated { AUTHENTICATED } else { 0 };
        let encrypted = if protection.encrypted { ENCRYPTED } else { 0 };
        Self(suite.id() | authenticated | encrypted)
    }

    /// The same with at least this protection. A signature is no part of it.
    #[must_use]
    pub const fn with_protection(self, protection: Protection) -> Self {
        Self(self.0 | Self::new(self.suite(), protection).0)
    }

    /// The same under the global broadcast key.
    #[must_use]
    pub const fn with_broadcast_key(self) -> Self {
        Self(self.0 | KEY_SET)
    }

    /// Reads the octet. What it may say depends on where it stands: see [`check`](Self::check).
    ///
    /// # Errors
    /// [`ControlError::ReservedSuite`].
    pub const fn decode(octet: u8) -> Result<Self, ControlError> {
        match SecuritySuite::from_id(octet & SUITE) {
            Some(_) => Ok(Self(octet)),
            None => Err(ControlError::ReservedSuite(octet & SUITE)),
        }
    }

    /// The octet on the wire.
    pub const fn octet(self) -> u8 {
        self.0
    }

    /// The suite.
    pub const fn suite(self) -> SecuritySuite {
        match self.0 & SUITE {
            0 => SecuritySuite::Suite0,
            1 => SecuritySuite::Suite1,
            // Three to fifteen do not get past `decode`.
            _ => SecuritySuite::Suite2,
        }
    }

    /// The protection, by this octet alone.
    pub const fn protection(self) -> Protection {
        Protection {
            authenticated: self.0 & AUTHENTICATED != 0,
            encrypted: self.0 & ENCRYPTED != 0,
            signed: false,
        }
    }

    /// Whether the key is the global broadcast key and not the unicast one.
    pub const fn broadcast_key(self) -> bool {
        self.0 & KEY_SET != 0
    }

    /// Whether the plain APDU was compressed before it was protected.
    pub const fn compressed(self) -> bool {
        self.0 & COMPRESSED != 0
    }

    /// Whether the standard allows this octet in an APDU of this form.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub const fn check(self, form: CipherForm) -> Result<(), ControlError> {
        if !self.protection().authenticated && !self.protection().encrypted {
            return Err(ControlError::NoProtection);
        }
        if self.broadcast_key() && form.is_dedicated() {
            return Err(ControlError::BroadcastDedicated);
        }
        if self.compressed() && !form.is_general() {
            return Err(ControlError::CompressedServiceSpecific);
        }
        if self.compressed() && matches!(self.suite(), SecuritySuite::Suite0) {
            return Err(ControlError::CompressedSuite0);
        }
        Ok(())
    }

    /// Whether the standard allows this octet in general-ciphering, which may have no protection at
    /// all: a layer only names parties then.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub const fn check_general_ciphering(self) -> Result<(), ControlError> {
        if self.broadcast_key() {
            return Err(ControlError::KeySetGeneralCiphering);
        }
        if self.compressed() && matches!(self.suite(), SecuritySuite::Suite0) {
            return Err(ControlError::CompressedSuite0);
        }
        Ok(())
    }
}

/// `SecurityControl(0x30)`.
impl fmt::Debug for SecurityControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecurityControl({:#04x})", self.0)
    }
}

/// `0x30 (suite 0, authenticated and encrypted)`.
impl fmt::Display for SecurityControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#04x} ({}, {}", self.0, self.suite(), self.protection())?;
        if self.broadcast_key() {
            f.write_str(", broadcast key")?;
        }
        if self.compressed() {
            f.write_str(", compressed")?;
        }
        f.write_str(")")
    }
}

/// The rule that a security control octet breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// Suites 3 to 15 are reserved.
    #[error("security suite {0} is reserved")]
    ReservedSuite(u8),
    /// A ciphered APDU is authenticated, encrypted or both.
    #[error("a ciphered APDU without protection")]
    NoProtection,
    /// The dedicated key belongs to one association: there is no broadcast with it.
    #[error("key set bit in an APDU with a dedicated key")]
    BroadcastDedicated,
    /// In general-ciphering the key information says which key it is.
    #[error("key set bit in general-ciphering")]
    KeySetGeneralCiphering,
    /// Only the general forms may be compressed.
    #[error("compression in a service-specific ciphered APDU")]
    CompressedServiceSpecific,
    /// Suite 0 has no compression algorithm.
    #[error("compression in suite 0")]
    CompressedSuite0,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    const FORMS: [CipherForm; 4] = [
        CipherForm::Global,
        CipherForm::Dedicated,
        CipherForm::GeneralGlobal,
        CipherForm::GeneralDedicated,
    ];

    #[test]
    fn every_octet_of_a_known_suite_is_read_and_written_back() {
        for octet in 0..=u8::MAX {
            match SecurityControl::decode(octet) {
                Ok(control) => assert_eq!(control.octet(), octet),
                Err(error) => {
                    assert!(octet & 0x0f > 2);
                    assert_eq!(error, ControlError::ReservedSuite(octet & 0x0f));
                }
            }
        }
    }

    #[test]
    fn suite_and_protection_make_the_octet() {
        use SecuritySuite::{Suite0, Suite1, Suite2};
        for (suite, protection, octet) in [
            (Suite0, Protection::AUTHENTICATED, 0x10),
            (Suite0, Protection::ENCRYPTED, 0x20),
            (Suite0, Protection::AUTHENTICATED_ENCRYPTED, 0x30),
            (Suite1, Protection::AUTHENTICATED_ENCRYPTED, 0x31),
            (Suite2, Protection::AUTHENTICATED_ENCRYPTED, 0x32),
        ] {
            let control = SecurityControl::new(suite, protection);
            assert_eq!(control.octet(), octet);
            assert_eq!((control.suite(), control.protection()), (suite, protection));
            assert!(!control.broadcast_key() && !control.compressed());
        }
        let broadcast =
            SecurityControl::new(Suite0, Protection::AUTHENTICATED_ENCRYPTED).with_broadcast_key();
        assert_eq!(broadcast.octet(), 0x70);
        let stronger = SecurityControl::new(Suite2, Protection::AUTHENTICATED);
        assert_eq!(stronger.with_protection(Protection::ENCRYPTED.and_signed()).octet(), 0x32);
        assert_eq!(
            broadcast.to_string(),
            "0x70 (suite 0, authenticated and encrypted, broadcast key)"
        );
    }

    #[test]
    fn each_form_takes_exactly_the_octets_that_the_standard_allows_there() {
        let rule = |octet, form| SecurityControl::decode(octet).unwrap().check(form);
        for form in FORMS {
            for octet in [0x10, 0x20, 0x30, 0x31, 0x32] {
                assert_eq!(rule(octet, form), Ok(()));
            }
            assert_eq!(rule(0x00, form), Err(ControlError::NoProtection));
            assert_eq!(rule(0x40, form), Err(ControlError::NoProtection));
            let dedicated = Err(ControlError::BroadcastDedicated);
            assert_eq!(rule(0x70, form), if form.is_dedicated() { dedicated } else { Ok(()) });
            let specific = Err(ControlError::CompressedServiceSpecific);
            assert_eq!(rule(0xb1, form), if form.is_general() { Ok(()) } else { specific });
        }
        for form in [CipherForm::GeneralGlobal, CipherForm::GeneralDedicated] {
            assert_eq!(rule(0xb0, form), Err(ControlError::CompressedSuite0));
        }
    }

    #[test]
    fn protection_is_covered_by_as_much_or_more() {
        use Protection as P;
        let all = [P::NONE, P::AUTHENTICATED, P::ENCRYPTED, P::AUTHENTICATED_ENCRYPTED];
        for protection in all {
            assert!(protection.covers(P::NONE));
            assert!(protection.covers(protection));
            assert!(P::AUTHENTICATED_ENCRYPTED.covers(protection));
        }
        assert!(!P::ENCRYPTED.covers(P::AUTHENTICATED));
        assert!(!P::AUTHENTICATED.covers(P::ENCRYPTED));
        assert!(!P::AUTHENTICATED.covers(P::AUTHENTICATED_ENCRYPTED));
        assert!(!P::NONE.covers(P::ENCRYPTED));
        for protection in all {
            assert!(protection.and_signed().covers(protection));
            assert_eq!(protection.and(P::NONE.and_signed()), protection.and_signed());
            assert_eq!(P::AUTHENTICATED.and(P::ENCRYPTED), P::AUTHENTICATED_ENCRYPTED);
            assert!(!P::AUTHENTICATED_ENCRYPTED.covers(protection.and_signed()));
        }
        assert_eq!(P::AUTHENTICATED.and_signed().to_string(), "authenticated, signed");
        assert_eq!(P::NONE.and_signed().to_string(), "signed");
    }
}
