//! The wrapper: what carries APDUs over TCP and UDP (IEC 62056-47).
//!
//! Eight octets stand before each APDU: version 1, the wPort of the sender, the wPort of the
//! receiver, the length of the APDU; all of them 16 bits, most significant octet first. A wPort is
//! the SAP of a client or of a logical device. Over UDP a datagram carries one header and one APDU.
//!
//! ```
//! use dlms_core::wrapper::{self, WrapperHeader};
//!
//! // Client 16 asks the management logical device to release the association.
//! let octets = [0, 1, 0, 0x10, 0, 1, 0, 2, 0x62, 0x00];
//! assert_eq!(wrapper::next_frame(&octets[..9]), None);
//! let frame = wrapper::next_frame(&octets).unwrap().unwrap();
//! assert_eq!(frame.header, WrapperHeader { source: 16, destination: 1, length: 2 });
//! assert_eq!(frame.apdu, [0x62, 0x00]);
//! assert_eq!(frame.consumed(), 10);
//! ```

use crate::axdr::Reader;

/// The only version there is.
const VERSION: u16 = 1;

/// Octets of the header.
pub const HEADER_LEN: usize = 8;

/// The longest APDU that the header can announce.
pub const APDU_MAX: usize = u16::MAX as usize;

/// The wPort that nobody has, on either side.
pub const NO_STATION: u16 = 0x0000;
/// The wPort of the client management process.
pub const CLIENT_MANAGEMENT_PROCESS: u16 = 0x0001;
/// The wPort of the public client.
pub const PUBLIC_CLIENT: u16 = 0x0010;
/// The wPort of the management logical device of a server.
pub const MANAGEMENT_LOGICAL_DEVICE: u16 = 0x0001;
/// The wPort of all logical devices of a server; only for unconfirmed services. The values above
/// it are ordinary wPorts.
pub const ALL_STATION: u16 = 0x007f;

/// The header without its version, which is always 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WrapperHeader {
    /// The wPort of the sender.
    pub source: u16,
    /// The wPort of the receiver.
    pub destination: u16,
    /// Octets of the APDU that follows.
    pub length: u16,
}

impl WrapperHeader {
    /// The eight octets of the header.
    pub const fn encode_header(&self) -> [u8; HEADER_LEN] {
        let [v1, v2] = VERSION.to_be_bytes();
        let [s1, s2] = self.source.to_be_bytes();
        let [d1, d2] = self.destination.to_be_bytes();
        let [l1, l2] = self.length.to_be_bytes();
        [v1, v2, s1, s2, d1, d2, l1, l2]
    }
}

/// A header and the APDU that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrapperFrame<'a> {
    /// The header.
    pub header: WrapperHeader,
    /// The APDU, as many octets as the header announced; not looked into.
    pub apdu: &'a [u8],
}

impl WrapperFrame<'_> {
    /// How many octets of the buffer the frame took.
    pub const fn consumed(&self) -> usize {
        HEADER_LEN.saturating_add(self.apdu.len())
    }
}

/// The octets are not a wrapper header. The length field cannot be trusted then, so that the next
/// header cannot be found: over TCP the connection is of no use any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrapperError {
    /// Another version than 1.
    #[error("wrapper version {0:#06x} instead of 0x0001: not a wrapper header, the stream is lost")]
    Version(u16),
}

/// The first frame of `buf`, if it is complete. None means that more octets are needed. The owner
/// drops [`consumed`](WrapperFrame::consumed) octets and asks again.
///
/// The version is looked at as soon as it is there, so that a peer that speaks something else is
/// found out before it sends eight octets.
///
/// # Errors
/// [`WrapperError::Version`], after which the octets that follow mean nothing.
pub fn next_frame(buf: &[u8]) -> Option<Result<WrapperFrame<'_>, WrapperError>> {
    let mut reader = Reader::new(buf);
    let version = reader.u16().ok()?;
    if version != VERSION {
        return Some(Err(WrapperError::Version(version)));
    }
    let source = reader.u16().ok()?;
    let destination = reader.u16().ok()?;
    let length = reader.u16().ok()?;
    let apdu = reader.octets(usize::from(length)).ok()?;
    Some(Ok(WrapperFrame { header: WrapperHeader { source, destination, length }, apdu }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn a_header_is_eight_octets() {
        let header = WrapperHeader { source: PUBLIC_CLIENT, destination: 3013, length: 31 };
        assert_eq!(header.encode_header(), [0x00, 0x01, 0x00, 0x10, 0x0b, 0xc5, 0x00, 0x1f]);
    }

    #[test]
    fn a_frame_is_complete_with_its_last_octet_and_not_before() {
        let octets = [0, 1, 0, 1, 0, 0x10, 0, 3, 0xd8, 0x01, 0x01, 0x00, 0x01];
        for end in 0..11 {
            assert_eq!(next_frame(&octets[..end]), None, "{end}");
        }
        let frame = next_frame(&octets).unwrap().unwrap();
        assert_eq!(frame.apdu, [0xd8, 0x01, 0x01]);
        assert_eq!(next_frame(&octets[frame.consumed()..]), None);
    }

    #[test]
    fn an_apdu_may_be_empty() {
        let frame = next_frame(&[0, 1, 0, 1, 0, 0x10, 0, 0]).unwrap().unwrap();
        assert_eq!((frame.apdu, frame.consumed()), (&[][..], HEADER_LEN));
    }

    #[test]
    fn another_version_is_known_from_two_octets_on() {
        assert_eq!(next_frame(&[0x7e]), None);
        assert_eq!(next_frame(&[0x7e, 0xa0]), Some(Err(WrapperError::Version(0x7ea0))));
        assert_eq!(next_frame(&[0x00, 0x02, 0x00]), Some(Err(WrapperError::Version(2))));
    }

    proptest! {
        #[test]
        fn frames_back_to_back_come_out_one_by_one(
            frames in prop::collection::vec(
                (any::<u16>(), any::<u16>(), prop::collection::vec(any::<u8>(), 0..300)),
                0..8,
            )
        ) {
            let mut octets = Vec::new();
            for (source, destination, apdu) in &frames {
                let length = u16::try_from(apdu.len()).unwrap();
                let header =
                    WrapperHeader { source: *source, destination: *destination, length };
                octets.extend_from_slice(&header.encode_header());
                octets.extend_from_slice(apdu);
            }
            let mut rest = &octets[..];
            for (source, destination, apdu) in &frames {
                let frame = next_frame(rest).unwrap().unwrap();
                prop_assert_eq!(frame.header.source, *source);
                prop_assert_eq!(frame.header.destination, *destination);
                prop_assert_eq!(frame.apdu, &apdu[..]);
                rest = &rest[frame.consumed()..];
            }
            prop_assert_eq!(next_frame(rest), None);
        }
    }
}
