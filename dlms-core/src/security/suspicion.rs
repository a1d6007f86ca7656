//! What is probably wrong when a tag does not verify: for the operator, and never for the peer,
//! whom each such hint would bring nearer to the keys.

use super::{
    CipheredHead, CryptoProvider, GeneralCipheredHead, Key, SecurityError, SignedApdu, SystemTitle,
    UnprotectRequest,
    cipher::{initialization_vector, originator},
    decode_head,
};
use crate::xdlms::{Apdu, tag};

/// The input that probably made a tag not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TagSuspicion {
    /// The text makes sense under the encryption key, so that key, title and counter fit: the
    /// authentication key is another one, or the APDU was altered.
    AuthenticationKey,
    /// The text makes no sense: the encryption key or the originator's title is another one.
    EncryptionKeyOrTitle,
    /// The text was not encrypted, so that nothing can be told.
    Unknown,
}

/// Looks into `apdu`, as it came, after its tag did not verify. Nothing of it is handed out.
///
/// # Errors
/// As [`unprotect_in_place`](super::unprotect_in_place).
pub fn suspect_tag(
    provider: &dyn CryptoProvider,
    request: &UnprotectRequest<'_>,
    head: &CipheredHead,
    apdu: &[u8],
) -> Result<TagSuspicion, SecurityError> {
    if !head.control.protection().encrypted {
        return Ok(TagSuspicion::Unknown);
    }
    let title = originator(head, request.system_title)?;
    let iv = initialization_vector(title, head.counter)?;
    let mut text = apdu.get(head.text.clone()).unwrap_or_default().to_vec();
    provider.gcm_keystream(request.key, &iv, &mut text)?;
    let expected = tag::plain(head.tag);
    let first = text.first().copied();
    let makes_sense = (head.form.is_general() || first == expected) && is_apdu(&text);
    text.fill(0);
    Ok(TagSuspicion::of(makes_sense))
}

/// The same for general-ciphering of `originator` under `key`. Here the text that makes sense may
/// also mean that other fields than those in the APDU are authenticated.
///
/// # Errors
/// As [`unprotect_general_in_place`](super::unprotect_general_in_place).
pub fn suspect_general_tag(
    provider: &dyn CryptoProvider,
    originator: SystemTitle,
    key: &Key,
    head: &GeneralCipheredHead,
    apdu: &[u8],
) -> Result<TagSuspicion, SecurityError> {
    if !head.control.protection().encrypted {
        return Ok(TagSuspicion::Unknown);
    }
    let iv = initialization_vector(originator, head.counter)?;
    let mut text = apdu.get(head.text()).unwrap_or_default().to_vec();
    provider.gcm_keystream(key, &iv, &mut text)?;
    let makes_sense = is_apdu(&text);
    text.fill(0);
    Ok(TagSuspicion::of(makes_sense))
}

impl TagSuspicion {
    const fn of(text_makes_sense: bool) -> Self {
        if text_makes_sense { Self::AuthenticationKey } else { Self::EncryptionKeyOrTitle }
    }
}

/// Whether `text` is an APDU, and not only begins like one that is protected again.
fn is_apdu(text: &[u8]) -> bool {
    match Apdu::decode(text) {
        Ok(Apdu::Ciphered { tag: tag::GENERAL_CIPHERING, octets }) => {
            GeneralCipheredHead::decode(octets).is_ok()
        }
        Ok(Apdu::Ciphered { tag: tag::GENERAL_SIGNING, octets }) => {
            SignedApdu::decode(octets).is_ok()
        }
        Ok(Apdu::Ciphered { octets, .. }) => decode_head(octets).is_ok(),
        decoded => decoded.is_ok(),
    }
}

#[cfg(test)]
#[cfg(feature = "rustcrypto")]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::security::{
        GeneralHeader, GeneralProtectRequest, ProtectRequest, Protection, RustCrypto,
        SecurityControl, SecuritySuite, protect, protect_general,
    };

    const METER: SystemTitle = SystemTitle(*b"MMM\0\0\xbc\x61\x4e");
    const GET_TIME: [u8; 13] = [0xc0, 1, 0, 0, 8, 0, 0, 1, 0, 0, 0xff, 2, 0];

    #[test]
    fn the_text_tells_which_key_is_another_one() {
        let [key, authentication_key, other] = [1, 2, 3].map(|octet| Key::from([octet; 16]));
        let both = Protection::AUTHENTICATED_ENCRYPTED;
        for (tag, protection, encryption, title, suspicion) in [
            (0xc8, both, &key, METER, TagSuspicion::AuthenticationKey),
            (0xdb, both, &key, METER, TagSuspicion::AuthenticationKey),
            (0xc8, both, &other, METER, TagSuspicion::EncryptionKeyOrTitle),
            (0xdb, both, &other, METER, TagSuspicion::EncryptionKeyOrTitle),
            (0xc8, both, &key, SystemTitle([7; 8]), TagSuspicion::EncryptionKeyOrTitle),
            (0xc8, Protection::AUTHENTICATED, &key, METER, TagSuspicion::Unknown),
        ] {
            let control = SecurityControl::new(SecuritySuite::Suite0, protection);
            let request = ProtectRequest {
                tag,
                system_title: METER,
                send_title: false,
                control,
                counter: 7,
                key: &key,
                authentication_key: Some(&authentication_key),
            };
            let mut apdu = Vec::new();
            protect(&RustCrypto, &request, &GET_TIME, &mut apdu).unwrap();
            let request = UnprotectRequest {
                required: control,
                system_title: Some(title),
                key: encryption,
                authentication_key: Some(&other),
            };
            let head = decode_head(&apdu).unwrap();
            let suspected = suspect_tag(&RustCrypto, &request, &head, &apdu);
            assert_eq!(suspected, Ok(suspicion), "{tag:02x} {protection}");
        }
    }

    #[test]
    fn the_text_of_general_ciphering_tells_it_too_also_where_it_is_protected_again() {
        let [key, authentication_key, other] = [1, 2, 3].map(|octet| Key::from([octet; 16]));
        let header = GeneralHeader::default();
        let signed = [&[0xdf, 0, 0, 0, 0, 0, 13][..], &GET_TIME, &[0]].concat();
        for (plain, key_that_is_tried, suspicion) in [
            (&GET_TIME[..], &key, TagSuspicion::AuthenticationKey),
            (&signed, &key, TagSuspicion::AuthenticationKey),
            (&signed, &other, TagSuspicion::EncryptionKeyOrTitle),
            // Begins like a signed APDU, and is none.
            (&signed[..20], &key, TagSuspicion::EncryptionKeyOrTitle),
        ] {
            let request = GeneralProtectRequest {
                header: &header,
                system_title: METER,
                key_info: None,
                control: SecurityControl::new(
                    SecuritySuite::Suite0,
                    Protection::AUTHENTICATED_ENCRYPTED,
                ),
                counter: 7,
                key: &key,
                authentication_key: Some(&authentication_key),
                short_aad: false,
            };
            let mut apdu = Vec::new();
            protect_general(&RustCrypto, &request, plain, &mut apdu).unwrap();
            let head = GeneralCipheredHead::decode(&apdu).unwrap();
            let suspected =
                suspect_general_tag(&RustCrypto, METER, key_that_is_tried, &head, &apdu);
            assert_eq!(suspected, Ok(suspicion));
        }
    }
}
