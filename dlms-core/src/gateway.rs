//! The header of the gateway protocol (IEC 62056-5-3 Annex C; Green Book clause 10.10).
//!
//! ```text
//!   E6 network length address... APDU      to a meter behind a gateway
//!   E7 network length address... APDU      from it
//! ```
//!
//! The header stands directly in front of each APDU, AARQ and RLRQ included: after the wrapper
//! header, whose length counts it, or after the LLC octets. No protection covers it. The gateway
//! takes it off, and puts one in front of the answer; the meter never sees it. The ASN.1 reserves
//! the two tags.
//!
//! What precedes a push is not settled: peers write E6 for whatever they send first. So whoever
//! receives pushes accepts both tags, and the address is the meter's.
//!
//! ```
//! use dlms_core::{axdr::Writer, gateway::{Direction, GatewayHeader}};
//!
//! let octets = [0xe6, 0x00, 0x03, b'4', b'7', b'1', 0x62, 0x00];
//! let (header, apdu) = GatewayHeader::decode(&octets)?;
//! assert_eq!(header.direction, Direction::Request);
//! assert_eq!((header.network, header.address), (0, &b"471"[..]));
//! assert_eq!(apdu, [0x62, 0x00]);
//! # Ok::<(), dlms_core::Malformed>(())
//! ```

use crate::{
    Malformed, MalformedKind,
    axdr::{Reader, Writer},
};

/// The first octet of a header towards the meter.
pub const REQUEST: u8 = 0xe6;
/// The first octet of a header from the meter.
pub const RESPONSE: u8 = 0xe7;
/// Octets of the longest address that this crate takes. Addresses in use are serial numbers and
/// MAC addresses; a logical device name has 16.
pub const ADDRESS_LEN_MAX: usize = 64;

/// Which way an APDU goes through the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// To the meter.
    Request,
    /// From the meter.
    Response,
}

/// The header in front of an APDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewayHeader<'a> {
    /// Which way the APDU goes.
    pub direction: Direction,
    /// The network behind the gateway.
    pub network: u8,
    /// The physical device address in that network: octets that client and gateway agreed on.
    pub address: &'a [u8],
}

/// Whether this is the first octet of a header and of no APDU.
pub const fn is_header(first: u8) -> bool {
    matches!(first, REQUEST | RESPONSE)
}

impl<'a> GatewayHeader<'a> {
    /// Reads the header in front of an APDU, and returns both.
    ///
    /// # Errors
    /// [`MalformedKind::UnknownTag`] for octets that begin otherwise, [`MalformedKind::Length`] for
    /// an address of more than [`ADDRESS_LEN_MAX`] octets, [`MalformedKind::Truncated`].
    pub fn decode(octets: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let mut reader = Reader::new(octets);
        let unknown = reader.clone();
        let direction = match reader.u8()? {
            REQUEST => Direction::Request,
            RESPONSE => Direction::Response,
            other => return Err(unknown.fail(MalformedKind::UnknownTag(other))),
        };
        let network = reader.u8()?;
        let length = reader.fail(MalformedKind::Length);
        let address = reader.octet_string()?;
        if address.len() > ADDRESS_LEN_MAX {
            return Err(length);
        }
        Ok((Self { direction, network, address }, reader.rest()))
    }

    /// Appends the header; the APDU follows.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.u8(match self.direction {
            Direction::Request => REQUEST,
            Direction::Response => RESPONSE,
        });
        writer.u8(self.network);
        writer.octet_string(self.address);
    }

    /// The header of the answer.
    #[must_use]
    pub const fn answer(self) -> Self {
        Self { direction: Direction::Response, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn an_answer_has_the_address_of_its_request() {
        let octets = [0xe6, 0x02, 0x01, 0x2a, 0xc0];
        let (header, apdu) = GatewayHeader::decode(&octets).unwrap();
        assert_eq!(apdu, [0xc0]);
        let mut out = Vec::new();
        header.answer().encode(&mut Writer::new(&mut out));
        assert_eq!(out, [0xe7, 0x02, 0x01, 0x2a]);
    }

    #[test]
    fn an_apdu_is_no_header() {
        assert!(!is_header(0xc0) && !is_header(0xe0));
        assert_eq!(
            GatewayHeader::decode(&[0xc0, 0x01]),
            Err(Malformed::new(MalformedKind::UnknownTag(0xc0), 0))
        );
    }

    #[test]
    fn an_address_has_at_most_so_many_octets() {
        let mut octets = [0; 3 + ADDRESS_LEN_MAX + 1];
        octets[..3].copy_from_slice(&[0xe6, 0x00, 0x40]);
        let (header, rest) = GatewayHeader::decode(&octets).unwrap();
        assert_eq!((header.address.len(), rest.len()), (ADDRESS_LEN_MAX, 1));
        octets[2] = 0x41;
        assert_eq!(GatewayHeader::decode(&octets), Err(Malformed::new(MalformedKind::Length, 2)));
    }

    proptest! {
        #[test]
        fn a_header_that_is_written_is_read_back_and_cut_short_it_is_none(
            answer: bool,
            network: u8,
            address in proptest::collection::vec(any::<u8>(), 0..=ADDRESS_LEN_MAX),
            apdu: Vec<u8>,
        ) {
            let direction = if answer { Direction::Response } else { Direction::Request };
            let header = GatewayHeader { direction, network, address: &address };
            let mut octets = Vec::new();
            header.encode(&mut Writer::new(&mut octets));
            let length = octets.len();
            octets.extend_from_slice(&apdu);
            prop_assert_eq!(GatewayHeader::decode(&octets), Ok((header, &apdu[..])));
            for end in 0..length {
                prop_assert!(GatewayHeader::decode(&octets[..end]).is_err());
            }
        }
    }
}
