//! Bit strings: the first bit is the most significant bit of the first octet.

use super::{Reader, Writer};
use crate::Malformed;

/// A bit string. Bits beyond its length in the last octet are kept as they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BitString<'a> {
    octets: &'a [u8],
    len: usize,
}

impl<'a> BitString<'a> {
    /// No bit.
    pub const EMPTY: BitString<'static> = BitString { octets: &[], len: 0 };

    /// The first `len` bits of `octets`, or `None` when there are not as many.
    pub fn new(octets: &'a [u8], len: usize) -> Option<Self> {
        octets.get(..len.div_ceil(8)).map(|octets| Self { octets, len })
    }

    /// Takes a length in bits and the octets that hold them.
    ///
    /// # Errors
    /// Truncation, or a length of no form.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut ahead = reader.clone();
        let len = ahead.length()?;
        let octets = ahead.octets(len.div_ceil(8))?;
        *reader = ahead;
        Ok(Self { octets, len })
    }

    /// Appends the length in bits and the octets.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.length(self.len);
        writer.octets(self.octets);
    }

    /// How many bits there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no bit.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The octets that hold the bits.
    pub const fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// Bit `index`, counted from 0 at the left.
    pub fn bit(&self, index: usize) -> Option<bool> {
        if index >= self.len {
            return None;
        }
        let mask = [0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02, 0x01].get(index % 8)?;
        self.octets.get(index / 8).map(|octet| octet & mask != 0)
    }

    /// The bits from the left.
    pub fn iter(&self) -> impl Iterator<Item = bool> + use<'a> {
        let bits = *self;
        (0..bits.len).map_while(move |index| bits.bit(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn the_first_bit_is_the_leftmost() {
        let mut reader = Reader::new(&[0x0a, 0b1010_0000, 0b0100_0000]);
        let bits = BitString::decode(&mut reader).unwrap();
        assert_eq!(bits.len(), 10);
        assert_eq!(
            bits.iter().collect::<Vec<_>>(),
            [true, false, true, false, false, false, false, false, false, true]
        );
        assert_eq!(bits.bit(10), None);
    }

    #[test]
    fn a_bit_string_shorter_than_its_length_does_not_exist() {
        assert_eq!(BitString::new(&[0xff], 9), None);
        assert!(BitString::decode(&mut Reader::new(&[0x09, 0xff])).is_err());
    }
}
