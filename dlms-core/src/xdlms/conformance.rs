//! The conformance block: which services an association may use (IEC 62056-5-3 clause 8,
//! Conformance).

use core::{
    fmt,
    ops::{BitAnd, BitOr},
};

use crate::{
    Malformed, MalformedKind,
    axdr::{Reader, Writer},
};

/// The BER tag \[APPLICATION 31\], in its two octets.
const TAG: [u8; 2] = [0x5f, 0x1f];
/// Octets of the BIT STRING: the count of unused bits and 24 bits.
const LENGTH: u8 = 4;
/// Unused bits of the last octet.
const UNUSED_BITS: u8 = 0;

/// A set of services and features: 24 bits, of which bit 0 is the most significant one. The
/// reserved bits 0 and 7 are never set: they are sent as 0 and ignored when received.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Conformance(u32);

/// The bit of this number.
const fn bit(number: u32) -> Conformance {
    Conformance(0x0080_0000_u32.wrapping_shr(number))
}

impl Conformance {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Everything that has a name.
    pub const ALL: Self = Self(0x007e_ffff);

    /// Bit 1: general ciphering and signing.
    pub const GENERAL_PROTECTION: Self = bit(1);
    /// Bit 2: general block transfer.
    pub const GENERAL_BLOCK_TRANSFER: Self = bit(2);
    /// Bit 3: read, of short name referencing.
    pub const READ: Self = bit(3);
    /// Bit 4: write, of short name referencing.
    pub const WRITE: Self = bit(4);
    /// Bit 5: unconfirmed write, of short name referencing.
    pub const UNCONFIRMED_WRITE: Self = bit(5);
    /// Bit 6: the delta types of compact data. Reserved in earlier editions.
    pub const DELTA_VALUE_ENCODING: Self = bit(6);
    /// Bit 8: SET of attribute 0, that is all attributes.
    pub const ATTRIBUTE0_SET: Self = bit(8);
    /// Bit 9: the priority bit has an effect.
    pub const PRIORITY: Self = bit(9);
    /// Bit 10: GET of attribute 0, that is all attributes.
    pub const ATTRIBUTE0_GET: Self = bit(10);
    /// Bit 11: block transfer with GET or read.
    pub const BLOCK_GET: Self = bit(11);
    /// Bit 12: block transfer with SET or write.
    pub const BLOCK_SET: Self = bit(12);
    /// Bit 13: block transfer with ACTION.
    pub const BLOCK_ACTION: Self = bit(13);
    /// Bit 14: requests with a list.
    pub const MULTIPLE_REFERENCES: Self = bit(14);
    /// Bit 15: information report, of short name referencing.
    pub const INFORMATION_REPORT: Self = bit(15);
    /// Bit 16: data notification.
    pub const DATA_NOTIFICATION: Self = bit(16);
    /// Bit 17: ACCESS.
    pub const ACCESS: Self = bit(17);
    /// Bit 18: parameterized access, of short name referencing.
    pub const PARAMETERIZED_ACCESS: Self = bit(18);
    /// Bit 19: GET.
    pub const GET: Self = bit(19);
    /// Bit 20: SET.
    pub const SET: Self = bit(20);
    /// Bit 21: selective access.
    pub const SELECTIVE_ACCESS: Self = bit(21);
    /// Bit 22: event notification.
    pub const EVENT_NOTIFICATION: Self = bit(22);
    /// Bit 23: ACTION.
    pub const ACTION: Self = bit(23);

    /// The names of the bits in the standard, in its order.
    const NAMES: [(Self, &'static str); 22] = [
        (Self::GENERAL_PROTECTION, "general-protection"),
        (Self::GENERAL_BLOCK_TRANSFER, "general-block-transfer"),
        (Self::READ, "read"),
        (Self::WRITE, "write"),
        (Self::UNCONFIRMED_WRITE, "unconfirmed-write"),
        (Self::DELTA_VALUE_ENCODING, "delta-value-encoding"),
        (Self::ATTRIBUTE0_SET, "attribute0-supported-with-set"),
        (Self::PRIORITY, "priority-mgmt-supported"),
        (Self::ATTRIBUTE0_GET, "attribute0-supported-with-get"),
        (Self::BLOCK_GET, "block-transfer-with-get-or-read"),
        (Self::BLOCK_SET, "block-transfer-with-set-or-write"),
        (Self::BLOCK_ACTION, "block-transfer-with-action"),
        (Self::MULTIPLE_REFERENCES, "multiple-references"),
        (Self::INFORMATION_REPORT, "information-report"),
        (Self::DATA_NOTIFICATION, "data-notification"),
        (Self::ACCESS, "access"),
        (Self::PARAMETERIZED_ACCESS, "parameterized-access"),
        (Self::GET, "get"),
        (Self::SET, "set"),
        (Self::SELECTIVE_ACCESS, "selective-access"),
        (Self::EVENT_NOTIFICATION, "event-notification"),
        (Self::ACTION, "action"),
    ];

    /// The block in these three octets. Reserved bits are dropped.
    pub const fn from_octets([a, b, c]: [u8; 3]) -> Self {
        Self(u32::from_be_bytes([0, a, b, c])).intersection(Self::ALL)
    }

    /// The three octets of the block.
    pub const fn octets(self) -> [u8; 3] {
        let [_, a, b, c] = self.0.to_be_bytes();
        [a, b, c]
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both: what a server answers to a proposal.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in this and not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether everything in `other` is in this.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names of what is in it, in the order of the standard.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |&(bit, _)| self.contains(bit)).map(|(_, name)| name)
    }

    /// Takes the block: BER inside of A-XDR, `5F 1F 04 00` and three octets. Old meters leave the
    /// second octet of the tag out.
    ///
    /// # Errors
    /// [`MalformedKind::UnknownTag`], [`MalformedKind::Length`] for another length than 24 bits,
    /// [`MalformedKind::Truncated`].
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let [first, second] = TAG;
        let tag = reader.fail(MalformedKind::UnknownTag(reader.peek().unwrap_or_default()));
        if reader.u8()? != first {
            return Err(tag);
        }
        if reader.peek() == Some(second) {
            reader.u8()?;
        }
        let length = reader.fail(MalformedKind::Length);
        if reader.array()? != [LENGTH, UNUSED_BITS] {
            return Err(length);
        }
        reader.array().map(Self::from_octets)
    }

    /// Appends the block.
    pub fn encode(self, writer: &mut Writer<'_>) {
        writer.octets(&TAG);
        writer.octets(&[LENGTH, UNUSED_BITS]);
        writer.octets(&self.octets());
    }
}

impl BitOr for Conformance {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

impl BitAnd for Conformance {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        self.intersection(other)
    }
}

/// The names, with commas.
impl fmt::Display for Conformance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.names().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Conformance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Conformance({:#08x}: {self})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use std::{format, string::ToString};

    fn decode(octets: &[u8]) -> Result<Conformance, Malformed> {
        Conformance::decode(&mut Reader::new(octets))
    }

    #[test]
    fn bit_0_is_the_most_significant_one() {
        assert_eq!(Conformance::GENERAL_PROTECTION.octets(), [0x40, 0x00, 0x00]);
        assert_eq!(Conformance::ATTRIBUTE0_SET.octets(), [0x00, 0x80, 0x00]);
        assert_eq!(Conformance::ACTION.octets(), [0x00, 0x00, 0x01]);
    }

    #[test]
    fn the_block_of_a_plain_meter_has_these_names() {
        let octets = [0x5f, 0x1f, 0x04, 0x00, 0x00, 0x50, 0x1f];
        let conformance = decode(&octets).unwrap();
        assert_eq!(
            conformance.to_string(),
            "priority-mgmt-supported, block-transfer-with-get-or-read, get, set, \
             selective-access, event-notification, action"
        );
        assert!(conformance.contains(Conformance::GET | Conformance::SET));
        assert!(!conformance.contains(Conformance::GET | Conformance::ACCESS));
        assert_eq!(format!("{:?}", Conformance::GET & conformance), "Conformance(0x000010: get)");
        let mut out = Vec::new();
        conformance.encode(&mut Writer::new(&mut out));
        assert_eq!(out, octets);
    }

    #[test]
    fn the_short_tag_of_old_meters_is_understood() {
        assert_eq!(
            decode(&[0x5f, 0x04, 0x00, 0x00, 0x50, 0x1f]),
            decode(&[0x5f, 0x1f, 0x04, 0x00, 0x00, 0x50, 0x1f])
        );
    }

    #[test]
    fn reserved_bits_are_ignored() {
        assert_eq!(decode(&[0x5f, 0x1f, 0x04, 0x00, 0xff, 0xff, 0xff]), Ok(Conformance::ALL));
        assert_eq!(Conformance::ALL.octets(), [0x7e, 0xff, 0xff]);
        assert_eq!(Conformance::ALL.names().count(), 22);
    }

    #[test]
    fn another_tag_or_length_is_refused() {
        assert_eq!(
            decode(&[0x5e, 0x1f, 0x04, 0x00, 0x00, 0x50, 0x1f]),
            Err(Malformed::new(MalformedKind::UnknownTag(0x5e), 0))
        );
        assert_eq!(
            decode(&[0x5f, 0x1f, 0x03, 0x00, 0x00, 0x50, 0x1f]),
            Err(Malformed::new(MalformedKind::Length, 2))
        );
        assert_eq!(decode(&[]), Err(Malformed::new(MalformedKind::Truncated, 0)));
    }
}
