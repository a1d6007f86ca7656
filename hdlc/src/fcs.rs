//! The frame check sequence: CRC-16/X.25 (IEC 62056-46 6.4.1 and annex A).
//!
//! The header check sequence (HCS) and the frame check sequence (FCS) are one sum read at two
//! places, so a frame is summed in a single pass: [`Fcs::value`] after the control field is the
//! HCS, and the same sum carried on to the end of the information field is the FCS. Both travel
//! with the low octet first.
//!
//! # Fuzzing
//!
//! Under `cfg(fuzzing)` every sum is accepted, so that a fuzzer gets past it.

use crc::{CRC_16_IBM_SDLC, Crc, Digest, Table};

/// Sixteen octets a step: twelve times the speed of the default single table.
static X25: Crc<u16, Table<16>> = Crc::<u16, Table<16>>::new(&CRC_16_IBM_SDLC);

/// A running sum over the octets of one frame.
#[derive(Clone)]
pub struct Fcs {
    digest: Digest<'static, u16, Table<16>>,
}

impl Fcs {
    /// A sum over nothing yet.
    pub fn new() -> Self {
        Self { digest: X25.digest() }
    }

    /// Carries the sum on over `octets`.
    pub fn update(&mut self, octets: &[u8]) {
        self.digest.update(octets);
    }

    /// The sum over everything so far.
    pub fn value(&self) -> u16 {
        self.digest.clone().finalize()
    }

    /// Whether `received`, low octet first, is the sum over everything so far.
    pub(crate) fn verifies(&self, received: [u8; 2]) -> bool {
        cfg!(fuzzing) || self.value() == u16::from_le_bytes(received)
    }
}

impl Default for Fcs {
    fn default() -> Self {
        Self::new()
    }
}

impl core::fmt::Debug for Fcs {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Fcs({:#06x})", self.value())
    }
}

/// The sum over `octets`.
pub fn checksum(octets: &[u8]) -> u16 {
    X25.checksum(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue_comes_out() {
        assert_eq!(checksum(b"123456789"), 0x906e);
    }

    #[test]
    fn hcs_and_fcs_are_one_sum_read_twice() {
        let header = [0xa0, 0x23, 0x21, 0x00, 0x02, 0x00, 0x23, 0x73];
        let mut fcs = Fcs::new();
        fcs.update(&header);
        assert_eq!(fcs.value().to_le_bytes(), [0xf6, 0xc5]);
        fcs.update(&[0xf6, 0xc5, 0x81, 0x80, 0x14, 0x05, 0x02, 0x00, 0x80, 0x06, 0x02, 0x00, 0x80]);
        fcs.update(&[0x07, 0x04, 0, 0, 0, 1, 0x08, 0x04, 0, 0, 0, 1]);
        assert!(fcs.verifies([0xce, 0x6a]));
    }
}
