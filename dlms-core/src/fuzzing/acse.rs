//! AARQ, AARE, RLRQ and RLRE.

use super::{apdu, encoded, next};
use crate::{ber, xdlms::tag};

/// As [`apdu`], for APDUs that have the head of an ACSE APDU for certain.
///
/// First octet: which of the four. Then its contents.
pub fn acse(mut octets: &[u8]) {
    let tag = tag::AARQ | (next(&mut octets) & 3);
    apdu(&encoded(|writer| ber::encode(writer, tag, octets)));
}
