//! The header of the gateway protocol, and its address as text.

use alloc::string::ToString;

use super::encoded;
use crate::gateway::{ADDRESS_LEN_MAX, GatewayAddress, GatewayHeader, is_header};

/// A header that is read comes out the same when written, but that a long form of its length gets
/// short; the APDU behind it is what follows, octet for octet; and the address is found again from
/// its text. What is no header has another first octet, is cut short or has too long an address.
pub fn gateway(octets: &[u8]) {
    let Ok((header, apdu)) = GatewayHeader::decode(octets) else {
        assert!(encoded_header(octets).is_none());
        return;
    };
    assert!(is_header(octets[0]) && header.address.len() <= ADDRESS_LEN_MAX);
    assert!(octets.ends_with(apdu));
    let written = encoded(|writer| header.encode(writer));
    assert!(written.len() + apdu.len() <= octets.len());
    assert_eq!(GatewayHeader::decode(&[&written, apdu].concat()), Ok((header, apdu)));
    let answer = encoded(|writer| header.answer().encode(writer));
    assert_eq!(answer[1..], written[1..]);

    let address = GatewayAddress::from(header);
    assert_eq!(address.header(header.direction), header);
    if !header.address.is_empty() {
        assert_eq!(address.to_string().parse(), Ok(address));
    }
}

/// The header that octets begin with, found without the reader: with a length of one octet.
fn encoded_header(octets: &[u8]) -> Option<&[u8]> {
    let [first, _, length @ ..=0x7f, ..] = *octets else { return None };
    let length = usize::from(length);
    if !is_header(first) || length > ADDRESS_LEN_MAX {
        return None;
    }
    octets.get(..3 + length)
}
