//! Key information: how the receiver of general-ciphering finds the key (Green Book 9.2.7.2).
//!
//! ```text
//! 00                        as before, or as agreed elsewhere
//! 01 00 id                  a global key
//! 01 01 00 wrapped          a fresh key, wrapped with the KEK
//! 01 02 01 01 key, sig.     C(1e, 1s): an ephemeral public key, signed
//! 01 02 01 02 00            C(0e, 2s)
//! ```

use alloc::vec::Vec;

use super::EphemeralKey;
use crate::{
    Malformed, MalformedKind,
    axdr::{Reader, Writer},
};

/// Octets of the longest key information: an ephemeral key of suite 2.
pub const KEY_INFO_LEN_MAX: usize = 1 + 1 + 2 + 2 + 192;
/// The only key encryption key there is: the master key.
const MASTER_KEY: u8 = 0;
/// Octets by which a wrapped key is longer than the key (RFC 3394).
const WRAP_LEN: usize = 8;

// The choices of key-info and the identifiers in them (Green Book 9.2.7.2).
const IDENTIFIED: u8 = 0;
const WRAPPED: u8 = 1;
const AGREED: u8 = 2;
const GLOBAL_UNICAST: u8 = 0;
const GLOBAL_BROADCAST: u8 = 1;
const ONE_PASS: u8 = 1;
const STATIC_UNIFIED: u8 = 2;

/// How the receiver finds the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyInfo {
    /// The global unicast encryption key.
    GlobalUnicast,
    /// The global broadcast encryption key.
    GlobalBroadcast,
    /// A key of its own, wrapped with the key encryption key.
    Wrapped(Vec<u8>),
    /// Agreed on with this ephemeral key of the originator, C(1e, 1s).
    OnePass(EphemeralKey),
    /// Agreed on with the static keys of both, C(0e, 2s).
    StaticUnified,
}

impl KeyInfo {
    pub(super) fn encode(info: Option<&Self>, writer: &mut Writer<'_>) {
        writer.presence(info.is_some());
        match info {
            None => {}
            Some(Self::GlobalUnicast) => writer.octets(&[IDENTIFIED, GLOBAL_UNICAST]),
            Some(Self::GlobalBroadcast) => writer.octets(&[IDENTIFIED, GLOBAL_BROADCAST]),
            Some(Self::Wrapped(wrapped)) => {
                writer.octets(&[WRAPPED, MASTER_KEY]);
                writer.octet_string(wrapped);
            }
            Some(Self::OnePass(ephemeral)) => {
                writer.octets(&[AGREED, 1, ONE_PASS]);
                let mut data = Vec::new();
                ephemeral.encode(&mut Writer::new(&mut data));
                writer.octet_string(&data);
            }
            Some(Self::StaticUnified) => writer.octets(&[AGREED, 1, STATIC_UNIFIED, 0]),
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Option<Self>, Malformed> {
        if !reader.presence()? {
            return Ok(None);
        }
        let unknown = |octet, reader: &Reader<'_>| {
            let offset = reader.offset().saturating_sub(1);
            Malformed::new(MalformedKind::UnknownChoice(octet), offset)
        };
        Ok(Some(match reader.u8()? {
            IDENTIFIED => match reader.u8()? {
                GLOBAL_UNICAST => Self::GlobalUnicast,
                GLOBAL_BROADCAST => Self::GlobalBroadcast,
                other => return Err(unknown(other, reader)),
            },
            WRAPPED => match reader.u8()? {
                MASTER_KEY => {
                    let wrong = reader.fail(MalformedKind::Length);
                    match reader.octet_string()? {
                        key if matches!(key.len().checked_sub(WRAP_LEN), Some(16 | 32)) => {
                            Self::Wrapped(key.to_vec())
                        }
                        _ => return Err(wrong),
                    }
                }
                other => return Err(unknown(other, reader)),
            },
            AGREED => {
                let wrong = reader.fail(MalformedKind::Length);
                let [scheme] = *reader.octet_string()? else { return Err(wrong) };
                let scheme_error = unknown(scheme, reader);
                let wrong = reader.fail(MalformedKind::Length);
                let data = reader.octet_string()?;
                let start = reader.offset().saturating_sub(data.len());
                match (scheme, data) {
                    (ONE_PASS, data) => {
                        Self::OnePass(EphemeralKey::decode(&mut Reader::at(data, start))?)
                    }
                    (STATIC_UNIFIED, []) => Self::StaticUnified,
                    (STATIC_UNIFIED, _) => return Err(wrong),
                    _ => return Err(scheme_error),
                }
            }
            other => return Err(unknown(other, reader)),
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::{format, string::String, vec};

    use super::*;

    fn octets(text: &str) -> Vec<u8> {
        let digits: String = text.chars().filter(|digit| *digit != ' ').collect();
        (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
            .collect()
    }

    #[test]
    fn every_key_info_is_written_and_read_back() {
        let ephemeral = |length: usize| {
            EphemeralKey::decode(&mut Reader::new(&vec![0x21; 4 * length])).unwrap()
        };
        for (info, octets_of) in [
            (None, "00".into()),
            (Some(KeyInfo::GlobalUnicast), "01 00 00".into()),
            (Some(KeyInfo::GlobalBroadcast), "01 00 01".into()),
            (Some(KeyInfo::Wrapped(vec![0x5a; 24])), format!("01 01 00 18 {}", "5a".repeat(24))),
            (Some(KeyInfo::Wrapped(vec![0x5a; 40])), format!("01 01 00 28 {}", "5a".repeat(40))),
            (
                Some(KeyInfo::OnePass(ephemeral(32))),
                format!("01 02 01 01 81 80 {}", "21".repeat(128)),
            ),
            (
                Some(KeyInfo::OnePass(ephemeral(48))),
                format!("01 02 01 01 81 c0 {}", "21".repeat(192)),
            ),
            (Some(KeyInfo::StaticUnified), "01 02 01 02 00".into()),
        ] {
            let mut out = Vec::new();
            KeyInfo::encode(info.as_ref(), &mut Writer::new(&mut out));
            assert_eq!(out, octets(&octets_of));
            let mut reader = Reader::new(&out);
            assert_eq!(KeyInfo::decode(&mut reader), Ok(info));
            assert!(reader.is_empty());
            for end in 0..out.len() {
                assert!(KeyInfo::decode(&mut Reader::new(&out[..end])).is_err());
            }
        }
    }

    #[test]
    fn a_key_info_that_cannot_be_is_named_with_its_octet() {
        for (octets_of, kind, offset) in [
            ("02", MalformedKind::UnknownChoice(2), 0),
            ("01 03 00", MalformedKind::UnknownChoice(3), 1),
            ("01 00 02", MalformedKind::UnknownChoice(2), 2),
            ("01 01 01", MalformedKind::UnknownChoice(1), 2),
            ("01 01 00 03 112233", MalformedKind::Length, 3),
            ("01 02 01 03 00", MalformedKind::UnknownChoice(3), 3),
            ("01 02 02 0101 00", MalformedKind::Length, 2),
            ("01 02 01 02 01 00", MalformedKind::Length, 4),
            ("01 02 01 01 01 00", MalformedKind::Length, 5),
        ] {
            let octets = octets(octets_of);
            let malformed = Malformed::new(kind, offset);
            assert_eq!(KeyInfo::decode(&mut Reader::new(&octets)), Err(malformed), "{octets_of}");
        }
    }
}
