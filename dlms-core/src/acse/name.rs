//! Names that DLMS UA registered: of application contexts and of authentication mechanisms
//! (IEC 62056-5-3 clause 7.2; the arc is joint-iso-ccitt country CH DLMS-UA, 2.16.756.5.8).

use crate::{
    Malformed, MalformedKind,
    acse::enumerated::enumerated,
    ber::{self, Element},
};

/// The contents octets of the arc 2.16.756.5.8.
const DLMS_UA: [u8; 5] = [0x60, 0x85, 0x74, 0x05, 0x08];
/// The arc of application context names below [`DLMS_UA`].
const APPLICATION_CONTEXT: u8 = 1;
/// The arc of mechanism names below [`DLMS_UA`].
const MECHANISM: u8 = 2;

enumerated! {
    /// How objects are referenced in an association and whether its APDUs are ciphered.
    pub enum ApplicationContext {
        /// Logical name referencing, no ciphering.
        LogicalName = 1, "logical-name-referencing-no-ciphering";
        /// Short name referencing, no ciphering.
        ShortName = 2, "short-name-referencing-no-ciphering";
        /// Logical name referencing, with ciphering.
        LogicalNameCiphered = 3, "logical-name-referencing-with-ciphering";
        /// Short name referencing, with ciphering.
        ShortNameCiphered = 4, "short-name-referencing-with-ciphering";
    }
}

impl ApplicationContext {
    /// Whether the APDUs of the association may be ciphered.
    pub const fn is_ciphered(self) -> bool {
        matches!(self, Self::LogicalNameCiphered | Self::ShortNameCiphered)
    }

    /// The contents octets of the object identifier.
    pub const fn object_identifier(self) -> [u8; 7] {
        name(APPLICATION_CONTEXT, self.code())
    }

    /// Reads the contents of an OBJECT IDENTIFIER.
    ///
    /// # Errors
    /// [`MalformedKind::Value`] when it is not an application context name of DLMS UA.
    pub(super) fn decode(element: &Element<'_>) -> Result<Self, Malformed> {
        last_arc(element, APPLICATION_CONTEXT).map(Self::from_code)
    }

    /// Reads an application-context-name, whose tag is explicit.
    pub(super) fn decode_field(field: &Element<'_>) -> Result<Self, Malformed> {
        Self::decode(&field.only(ber::OBJECT_IDENTIFIER)?)
    }
}

enumerated! {
    /// How the two sides of an association authenticate each other.
    pub enum Mechanism {
        /// Not at all.
        Lowest = 0, "lowest-level-security";
        /// LLS: the client sends a password.
        Lls = 1, "low-level-security";
        /// HLS by a method of the manufacturer.
        Hls2 = 2, "high-level-security";
        /// HLS with MD5.
        HlsMd5 = 3, "high-level-security-md5";
        /// HLS with SHA-1.
        HlsSha1 = 4, "high-level-security-sha1";
        /// HLS with GMAC.
        HlsGmac = 5, "high-level-security-gmac";
        /// HLS with SHA-256.
        HlsSha256 = 6, "high-level-security-sha256";
        /// HLS with ECDSA.
        HlsEcdsa = 7, "high-level-security-ecdsa";
    }
}

impl Mechanism {
    /// Whether this is HLS: both sides prove in two more steps, after the AARE, that they know the
    /// secret.
    pub const fn is_hls(self) -> bool {
        !matches!(self, Self::Lowest | Self::Lls | Self::Other(_))
    }

    /// Whether the proofs of both sides contain their system titles.
    pub const fn proves_titles(self) -> bool {
        matches!(self, Self::HlsGmac | Self::HlsSha256 | Self::HlsEcdsa)
    }

    /// The contents octets of the object identifier.
    pub const fn object_identifier(self) -> [u8; 7] {
        name(MECHANISM, self.code())
    }

    /// Reads a mechanism-name, whose tag is implicit.
    ///
    /// # Errors
    /// [`MalformedKind::Value`] when it is not a mechanism name of DLMS UA.
    pub(super) fn decode(element: &Element<'_>) -> Result<Self, Malformed> {
        last_arc(element, MECHANISM).map(Self::from_code)
    }
}

const fn name(family: u8, last: u8) -> [u8; 7] {
    let [a, b, c, d, e] = DLMS_UA;
    [a, b, c, d, e, family, last]
}

/// The last arc of a name in one of the two families. Those in use are below 128, so that it is one
/// octet.
fn last_arc(element: &Element<'_>, family: u8) -> Result<u8, Malformed> {
    match *element.contents {
        [ref arc @ .., found, last] if *arc == DLMS_UA && found == family => Ok(last),
        _ => Err(Malformed::new(MalformedKind::Value, element.offset)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    fn element(contents: &[u8]) -> Element<'_> {
        Element { tag: ber::OBJECT_IDENTIFIER, contents, offset: 4 }
    }

    #[test]
    fn the_names_of_the_four_contexts_differ_in_their_last_octet() {
        for (octet, context) in [
            (1, ApplicationContext::LogicalName),
            (2, ApplicationContext::ShortName),
            (3, ApplicationContext::LogicalNameCiphered),
            (4, ApplicationContext::ShortNameCiphered),
            (9, ApplicationContext::Other(9)),
        ] {
            let name = [0x60, 0x85, 0x74, 0x05, 0x08, 0x01, octet];
            assert_eq!(context.object_identifier(), name);
            assert_eq!(ApplicationContext::decode(&element(&name)), Ok(context));
        }
    }

    #[test]
    fn the_names_of_the_mechanisms_differ_in_their_last_octet() {
        for octet in 0..=8 {
            let name = [0x60, 0x85, 0x74, 0x05, 0x08, 0x02, octet];
            let mechanism = Mechanism::decode(&element(&name)).unwrap();
            assert_eq!(mechanism.object_identifier(), name);
            assert_eq!(mechanism.is_hls(), (2..=7).contains(&octet));
        }
        assert_eq!(Mechanism::HlsGmac.to_string(), "high-level-security-gmac (5)");
    }

    #[test]
    fn a_name_of_another_family_is_refused() {
        for name in [
            &[0x60, 0x85, 0x74, 0x05, 0x08, 0x02, 0x01][..],
            &[0x60, 0x85, 0x74, 0x05, 0x08, 0x01],
            &[0x60, 0x85, 0x74, 0x05, 0x08, 0x01, 0x01, 0x01],
            &[0x60, 0x85, 0x74, 0x06, 0x08, 0x01, 0x01],
            &[],
        ] {
            assert_eq!(
                ApplicationContext::decode(&element(name)),
                Err(Malformed::new(MalformedKind::Value, 4)),
                "{name:02x?}"
            );
        }
    }
}
