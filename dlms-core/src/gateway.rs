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

use alloc::{format, string::String, vec::Vec};
use core::{fmt, str::FromStr};

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

/// A meter behind a gateway.
///
/// As text it is `NETWORK:ADDRESS`; an address that is not all letters and digits is written in
/// hexadecimal behind `0x`.
///
/// ```
/// use dlms_core::gateway::GatewayAddress;
///
/// let meter: GatewayAddress = "2:0x002a".parse()?;
/// assert_eq!((meter.network, &meter.address[..]), (2, &[0x00, 0x2a][..]));
/// assert_eq!("0:47110815".parse::<GatewayAddress>()?.address, b"47110815");
/// # Ok::<(), dlms_core::gateway::NotAGatewayAddress>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GatewayAddress {
    /// The network behind the gateway.
    pub network: u8,
    /// The physical device address in it, of at most [`ADDRESS_LEN_MAX`] octets.
    pub address: Vec<u8>,
}

/// The text is not a network, a colon and an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "write NETWORK:ADDRESS: a number up to 255, and letters and digits or 0x with hexadecimal \
     digits, of 64 octets at most"
)]
pub struct NotAGatewayAddress;

impl GatewayAddress {
    /// The header of an APDU from or to this meter.
    #[must_use]
    pub fn header(&self, direction: Direction) -> GatewayHeader<'_> {
        GatewayHeader { direction, network: self.network, address: &self.address }
    }
}

impl From<GatewayHeader<'_>> for GatewayAddress {
    fn from(header: GatewayHeader<'_>) -> Self {
        Self { network: header.network, address: header.address.to_vec() }
    }
}

impl FromStr for GatewayAddress {
    type Err = NotAGatewayAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (network, address) = text.split_once(':').ok_or(NotAGatewayAddress)?;
        let network = network.parse().map_err(|_| NotAGatewayAddress)?;
        let address = match address.strip_prefix("0x") {
            Some(digits) => octets(digits).ok_or(NotAGatewayAddress)?,
            None if is_text(address.as_bytes()) => address.as_bytes().to_vec(),
            None => return Err(NotAGatewayAddress),
        };
        if address.is_empty() || address.len() > ADDRESS_LEN_MAX {
            return Err(NotAGatewayAddress);
        }
        Ok(Self { network, address })
    }
}

impl fmt::Display for GatewayAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = match str::from_utf8(&self.address) {
            Ok(text) if is_text(&self.address) => String::from(text),
            _ => self
                .address
                .iter()
                .fold(String::from("0x"), |text, octet| format!("{text}{octet:02x}")),
        };
        f.pad(&format!("{}:{address}", self.network))
    }
}

/// Whether an address can be written as it is, and is not taken for hexadecimal.
fn is_text(address: &[u8]) -> bool {
    !address.is_empty()
        && address.iter().all(u8::is_ascii_alphanumeric)
        && !address.starts_with(b"0x")
}

/// The octets that hexadecimal digits stand for.
fn octets(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs
        .map(|pair| match str::from_utf8(pair) {
            Ok(pair) if !pair.starts_with('+') => u8::from_str_radix(pair, 16).ok(),
            _ => None,
        })
        .collect()
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
    use alloc::string::ToString;
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

    #[test]
    fn an_address_is_written_as_text_where_it_is_one() {
        let text = |network, address: &[u8]| {
            GatewayAddress { network, address: address.to_vec() }.to_string()
        };
        assert_eq!(text(0, b"47110815"), "0:47110815");
        assert_eq!(text(2, &[0x2a]), "2:0x2a");
        assert_eq!(text(1, b"0x2a"), "1:0x30783261");
        for wrong in ["", "0", "0:", "256:1", "0:a b", "0:0x", "0:0x1", "0:0x+1", ":1"] {
            assert_eq!(wrong.parse::<GatewayAddress>(), Err(NotAGatewayAddress), "{wrong}");
        }
        let long = format!("0:{}", "1".repeat(ADDRESS_LEN_MAX + 1));
        assert_eq!(long.parse::<GatewayAddress>(), Err(NotAGatewayAddress));
    }

    proptest! {
        #[test]
        fn an_address_that_is_written_is_read_back(
            network: u8,
            address in proptest::collection::vec(any::<u8>(), 1..=ADDRESS_LEN_MAX),
        ) {
            let address = GatewayAddress { network, address };
            prop_assert_eq!(address.to_string().parse(), Ok(address));
        }

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
