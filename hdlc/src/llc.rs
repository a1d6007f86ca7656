//! The LLC header in front of every PDU (IEC 62056-46 5.3.2).
//!
//! Only the first segment of a PDU carries it. The link machine does not touch it: a PDU given to
//! [`Link::send`](crate::link::Link::send) starts with it, and one reassembled from segments too.

use thiserror::Error;

/// The three octets in front of what a client sends.
pub const COMMAND: [u8; 3] = [0xe6, 0xe6, 0x00];
/// The three octets in front of what a server sends.
pub const RESPONSE: [u8; 3] = [0xe6, 0xe7, 0x00];

/// Destination LSAP of COSEM application layers.
const COSEM_LSAP: u8 = 0xe6;
/// Destination LSAP of everybody; a receiver has to accept it (IEC 62056-46 5.3.2).
const BROADCAST_LSAP: u8 = 0xff;

/// Who sent the PDU, by its LLC header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Llc {
    /// From a client: source LSAP 0xe6.
    Command,
    /// From a server: source LSAP 0xe7.
    Response,
}

/// The octets do not open with an LLC header of a COSEM application layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no COSEM LLC header, first difference at octet {offset}")]
pub struct LlcError {
    /// The first octet that differs, or the number of octets when there are fewer than three.
    pub offset: usize,
}

impl Llc {
    /// Octets of the header.
    pub const LEN: usize = 3;

    /// Takes the header off a PDU and returns the APDU.
    pub fn decode(pdu: &[u8]) -> Result<(Self, &[u8]), LlcError> {
        match *pdu {
            [COSEM_LSAP | BROADCAST_LSAP, 0xe6, 0x00, ref apdu @ ..] => Ok((Self::Command, apdu)),
            [COSEM_LSAP | BROADCAST_LSAP, 0xe7, 0x00, ref apdu @ ..] => Ok((Self::Response, apdu)),
            [COSEM_LSAP | BROADCAST_LSAP, 0xe6 | 0xe7, ..] => Err(LlcError { offset: 2 }),
            [COSEM_LSAP | BROADCAST_LSAP, ..] => Err(LlcError { offset: 1 }),
            _ => Err(LlcError { offset: 0 }),
        }
    }

    /// The header as it travels.
    pub const fn encode(self) -> [u8; Self::LEN] {
        match self {
            Self::Command => COMMAND,
            Self::Response => RESPONSE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_and_response_differ_in_the_source() {
        assert_eq!(Llc::decode(&[0xe6, 0xe6, 0x00, 0xc0]), Ok((Llc::Command, &[0xc0][..])));
        assert_eq!(Llc::decode(&[0xe6, 0xe7, 0x00, 0xc4]), Ok((Llc::Response, &[0xc4][..])));
        assert_eq!(Llc::Command.encode(), [0xe6, 0xe6, 0x00]);
        assert_eq!(Llc::Response.encode(), [0xe6, 0xe7, 0x00]);
    }

    #[test]
    fn the_broadcast_destination_is_accepted() {
        assert_eq!(Llc::decode(&[0xff, 0xe6, 0x00]), Ok((Llc::Command, &[][..])));
    }

    #[test]
    fn anything_else_is_refused_at_its_first_odd_octet() {
        assert_eq!(Llc::decode(&[0x0f, 0x80, 0x00]), Err(LlcError { offset: 0 }));
        assert_eq!(Llc::decode(&[0xe6, 0xe8, 0x00]), Err(LlcError { offset: 1 }));
        assert_eq!(Llc::decode(&[0xe6, 0xe7, 0x01]), Err(LlcError { offset: 2 }));
        assert_eq!(Llc::decode(&[]), Err(LlcError { offset: 0 }));
        assert_eq!(Llc::decode(&[0xe6]), Err(LlcError { offset: 1 }));
        assert_eq!(Llc::decode(&[0xe6, 0xe7]), Err(LlcError { offset: 2 }));
    }
}
