//! RLRQ and RLRE: the release of an association (IEC 62056-5-3 clauses 6.3, 7.2 and 8).
//!
//! In a ciphered association the user-information carries a ciphered InitiateRequest or
//! InitiateResponse: without it anybody could close the association.

use core::fmt;

use super::{
    enumerated::enumerated,
    field::{self, Fields, USER_INFORMATION},
};
use crate::{Malformed, axdr::Writer, ber, xdlms::tag};

/// \[0\] reason.
const REASON: u8 = 0x80;

enumerated! {
    /// Why the client wants to end.
    pub enum ReleaseRequestReason {
        /// It is done.
        Normal = 0, "normal";
        /// It cannot wait.
        Urgent = 1, "urgent";
        /// Its own reason.
        UserDefined = 30, "user-defined";
    }
}

enumerated! {
    /// What the server says to the end.
    pub enum ReleaseResponseReason {
        /// It is done as well.
        Normal = 0, "normal";
        /// It is not done.
        NotFinished = 1, "not-finished";
        /// Its own reason.
        UserDefined = 30, "user-defined";
    }
}

/// The request to release the association.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rlrq<'a> {
    /// Why.
    pub reason: Option<ReleaseRequestReason>,
    /// An xDLMS InitiateRequest, ciphered.
    pub user_information: Option<&'a [u8]>,
}

impl<'a> Rlrq<'a> {
    /// Reads an RLRQ, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not a BER element, a field twice, a field with contents of another type.
    pub fn decode(apdu: &'a [u8]) -> Result<Self, Malformed> {
        let (reason, user_information) = decode(apdu, tag::RLRQ)?;
        Ok(Self { reason: reason.map(ReleaseRequestReason::from_code), user_information })
    }

    /// Appends the RLRQ.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        let reason = self.reason.map(ReleaseRequestReason::code);
        encode(writer, tag::RLRQ, reason, self.user_information);
    }
}

/// The user-information is shown by its length only: it may hold a key.
impl fmt::Debug for Rlrq<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rlrq")
            .field("reason", &self.reason)
            .field("user_information_length", &self.user_information.map(<[u8]>::len))
            .finish()
    }
}

/// The answer to the request to release the association.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rlre<'a> {
    /// What the server says to it.
    pub reason: Option<ReleaseResponseReason>,
    /// An xDLMS InitiateResponse, ciphered.
    pub user_information: Option<&'a [u8]>,
}

impl<'a> Rlre<'a> {
    /// Reads an RLRE, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not a BER element, a field twice, a field with contents of another type.
    pub fn decode(apdu: &'a [u8]) -> Result<Self, Malformed> {
        let (reason, user_information) = decode(apdu, tag::RLRE)?;
        Ok(Self { reason: reason.map(ReleaseResponseReason::from_code), user_information })
    }

    /// Appends the RLRE.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        let reason = self.reason.map(ReleaseResponseReason::code);
        encode(writer, tag::RLRE, reason, self.user_information);
    }
}

/// The user-information is shown by its length only, as that of [`Rlrq`].
impl fmt::Debug for Rlre<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rlre")
            .field("reason", &self.reason)
            .field("user_information_length", &self.user_information.map(<[u8]>::len))
            .finish()
    }
}

/// Reads what both APDUs consist of: a reason and user-information.
fn decode(apdu: &[u8], tag: u8) -> Result<(Option<u8>, Option<&[u8]>), Malformed> {
    let mut fields = Fields::of(apdu, tag)?;
    let mut reason = None;
    let mut user_information = None;
    while let Some(field) = fields.next()? {
        match field.tag {
            REASON => reason = Some(field.code()?),
            USER_INFORMATION => user_information = field::octets(&field)?,
            _ => {}
        }
    }
    Ok((reason, user_information))
}

/// Appends either APDU.
fn encode(writer: &mut Writer<'_>, tag: u8, reason: Option<u8>, user_information: Option<&[u8]>) {
    ber::encode_constructed(writer, tag, |writer| {
        if let Some(reason) = reason {
            ber::encode_integer(writer, REASON, i32::from(reason));
        }
        field::encode_octets(writer, USER_INFORMATION, user_information);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, vec::Vec};

    #[test]
    fn a_release_may_be_five_octets_or_two() {
        let normal = Rlre { reason: Some(ReleaseResponseReason::Normal), user_information: None };
        assert_eq!(Rlre::decode(&[0x63, 0x03, 0x80, 0x01, 0x00]), Ok(normal));
        let bare = Rlrq { reason: None, user_information: None };
        assert_eq!(Rlrq::decode(&[0x62, 0x00]), Ok(bare));

        let mut out = Vec::new();
        normal.encode(&mut Writer::new(&mut out));
        bare.encode(&mut Writer::new(&mut out));
        assert_eq!(out, [0x63, 0x03, 0x80, 0x01, 0x00, 0x62, 0x00]);
    }

    #[test]
    fn a_release_in_a_ciphered_association_carries_a_ciphered_initiate() {
        let octets = [
            0x62, 0x0d, // RLRQ, 13 octets
            0x80, 0x01, 0x00, // normal
            0xbe, 0x08, 0x04, 0x06, 0x21, 0x05, 0x20, 0x01, 0x23,
            0x45, // glo-initiate-request …
        ];
        let rlrq = Rlrq {
            reason: Some(ReleaseRequestReason::Normal),
            user_information: Some(&[0x21, 0x05, 0x20, 0x01, 0x23, 0x45]),
        };
        assert_eq!(Rlrq::decode(&octets), Ok(rlrq));
        let mut out = Vec::new();
        rlrq.encode(&mut Writer::new(&mut out));
        assert_eq!(out, octets);
    }

    #[test]
    fn the_two_sides_give_the_same_code_different_names() {
        assert_eq!(ReleaseRequestReason::from_code(1).name(), "urgent");
        assert_eq!(ReleaseResponseReason::from_code(1).name(), "not-finished");
        assert_eq!(ReleaseRequestReason::from_code(30), ReleaseRequestReason::UserDefined);
    }

    #[test]
    fn debug_does_not_show_the_user_information() {
        let rlrq = Rlrq { reason: None, user_information: Some(&[0xc7; 3]) };
        assert_eq!(format!("{rlrq:?}"), "Rlrq { reason: None, user_information_length: Some(3) }");
    }
}
