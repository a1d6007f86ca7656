//! Any APDU.

use alloc::format;

use super::encoded;
use crate::xdlms::Apdu;

/// An APDU that can be read can be written and reads the same again, and written once more it is
/// the same octets. Its last octet belongs to it.
pub fn apdu(octets: &[u8]) {
    let Ok(read) = Apdu::decode(octets) else { return };
    assert_eq!(Some(&read.tag()), octets.first());
    assert!(!read.name().is_empty());
    // Whoever writes APDUs to a log may do so.
    let _ = format!("{read:?}");
    let written = encoded(|writer| read.encode(writer));
    let again = Apdu::decode(&written).expect("what was written can be read");
    assert_eq!(again, read);
    assert_eq!(encoded(|writer| again.encode(writer)), written);
    if matches!(read, Apdu::Ciphered { .. }) {
        assert_eq!(written, octets);
    }
}
