//! Keys and secrets: octets that are never shown and never left behind (Green Book 9.2.4).

use alloc::vec::Vec;
use core::{fmt, str::FromStr};

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::hex;

/// An AES key: an encryption, authentication or dedicated key of 16 or 32 octets.
///
/// Cleared when dropped, compared in constant time, and `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Key(KeyOctets);

/// The two lengths, in place: a key costs no allocation.
#[derive(Clone)]
enum KeyOctets {
    Sixteen([u8; 16]),
    ThirtyTwo([u8; 32]),
}

impl Key {
    /// The octets, for a [`CryptoProvider`](super::CryptoProvider) and for the dedicated key in an
    /// InitiateRequest. They must reach no log and no message.
    pub const fn octets(&self) -> &[u8] {
        match &self.0 {
            KeyOctets::Sixteen(octets) => octets,
            KeyOctets::ThirtyTwo(octets) => octets,
        }
    }
}

impl From<[u8; 16]> for Key {
    fn from(octets: [u8; 16]) -> Self {
        Self(KeyOctets::Sixteen(octets))
    }
}

/// Takes 16 or 32 octets.
impl TryFrom<&[u8]> for Key {
    type Error = NotAKey;

    fn try_from(octets: &[u8]) -> Result<Self, Self::Error> {
        if let Ok(octets) = octets.try_into() {
            Ok(Self(KeyOctets::Sixteen(octets)))
        } else if let Ok(octets) = octets.try_into() {
            Ok(Self(KeyOctets::ThirtyTwo(octets)))
        } else {
            Err(NotAKey)
        }
    }
}

/// Reads 32 or 64 hexadecimal digits.
impl FromStr for Key {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut octets = Zeroizing::new([0; 32]);
        let length = text.len() / 2;
        let octets = octets.get_mut(..length).ok_or(NotAKey)?;
        hex::parse(text, octets).ok_or(NotAKey)?;
        Self::try_from(&*octets)
    }
}

/// In words, because a provider with a ready key compares for every APDU.
impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.octets(), other.octets());
        let differing = ours
            .as_chunks()
            .0
            .iter()
            .zip(theirs.as_chunks().0)
            .fold(0, |all, (a, b)| all | (u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b)));
        ours.len() == theirs.len() && differing.ct_eq(&0).into()
    }
}

impl Eq for Key {}

impl Drop for Key {
    fn drop(&mut self) {
        match &mut self.0 {
            KeyOctets::Sixteen(octets) => octets.zeroize(),
            KeyOctets::ThirtyTwo(octets) => octets.zeroize(),
        }
    }
}

impl ZeroizeOnDrop for Key {}

/// `Key(..)`.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Not a key. Says nothing about what was there instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key is 16 or 32 octets: write 32 or 64 hexadecimal digits")]
pub struct NotAKey;

/// A password (LLS) or shared secret (HLS): octets of any length, as careful as [`Key`].
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// The octets, for the AARQ of LLS and for HLS replies. They must reach no log and no message.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Secret {
    fn from(octets: Vec<u8>) -> Self {
        Self(Zeroizing::new(octets))
    }
}

impl From<&[u8]> for Secret {
    fn from(octets: &[u8]) -> Self {
        Self::from(octets.to_vec())
    }
}

/// Takes the octets of the text as they are.
impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::from(text.as_bytes())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.octets().ct_eq(other.octets()).into()
    }
}

impl Eq for Secret {}

impl ZeroizeOnDrop for Secret {}

/// `Secret(..)`.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn a_key_is_16_or_32_octets_and_nothing_else() {
        for length in 0..=40 {
            let octets = std::vec![0x5a; length];
            let digits = "5a".repeat(length);
            let key = Key::try_from(&octets[..]);
            assert_eq!(key.is_ok(), length == 16 || length == 32);
            assert_eq!(key, digits.parse());
            if let Ok(key) = key {
                assert_eq!(key.octets(), octets);
            }
        }
    }

    #[test]
    fn a_text_that_is_not_hexadecimal_is_not_a_key() {
        for text in ["zz".repeat(16), "0 ".repeat(16), "0".repeat(33), "é".repeat(16)] {
            assert_eq!(text.parse::<Key>(), Err(NotAKey));
        }
    }

    #[test]
    fn keys_are_equal_only_in_every_octet() {
        let key = Key::from([1; 16]);
        assert_eq!(key, key.clone());
        for place in 0..16 {
            let mut octets = [1; 16];
            octets[place] = 0;
            assert_ne!(key, Key::from(octets));
        }
        assert_ne!(key, Key::try_from(&[1; 32][..]).unwrap());
    }

    #[test]
    fn debug_of_keys_and_secrets_shows_no_octet() {
        assert_eq!(format!("{:?}", Key::from([0xa7; 16])), "Key(..)");
        assert_eq!(format!("{:#?}", Key::try_from(&[0xa7; 32][..]).unwrap()), "Key(..)");
        assert_eq!(format!("{:?}", Secret::from("12345678")), "Secret(..)");
    }

    #[test]
    fn secrets_are_octets_whatever_they_were_made_from() {
        assert_eq!(Secret::from("AB"), Secret::from(&[0x41, 0x42][..]));
        assert_eq!(Secret::from("AB").octets(), [0x41, 0x42]);
        assert_ne!(Secret::from("AB"), Secret::from("ABC"));
    }
}
