//! Security suites: which algorithms belong together (Green Book 9.2.3.7).

use core::fmt;

/// A security suite. Its symmetric half is AES-GCM with 12-octet tags in all three; the suites
/// differ in key length and in the public key algorithms that suites 1 and 2 add.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SecuritySuite {
    /// AES-GCM-128, AES-128 key wrap.
    Suite0,
    /// AES-GCM-128, AES-128 key wrap, ECDSA and ECDH on P-256, SHA-256.
    Suite1,
    /// AES-GCM-256, AES-256 key wrap, ECDSA and ECDH on P-384, SHA-384.
    Suite2,
}

impl SecuritySuite {
    /// The suite with this identifier; 3 to 15 are reserved.
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            0 => Some(Self::Suite0),
            1 => Some(Self::Suite1),
            2 => Some(Self::Suite2),
            _ => None,
        }
    }

    /// The identifier: bits 0 to 3 of the security control octet, attribute 3 of security setup.
    pub const fn id(self) -> u8 {
        match self {
            Self::Suite0 => 0,
            Self::Suite1 => 1,
            Self::Suite2 => 2,
        }
    }

    /// Octets of an encryption or authentication key of this suite: 16 or 32.
    pub const fn key_len(self) -> usize {
        match self {
            Self::Suite0 | Self::Suite1 => 16,
            Self::Suite2 => 32,
        }
    }
}

/// `suite 0`.
impl fmt::Display for SecuritySuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "suite {}", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_identifiers_are_suites_and_the_rest_is_reserved() {
        for id in 0..=u8::MAX {
            assert_eq!(SecuritySuite::from_id(id).map(SecuritySuite::id), (id < 3).then_some(id));
        }
    }
}
