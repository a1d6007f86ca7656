//! What is probably wrong when a tag does not verify: for the operator, and never for the peer,
//! whom each such hint would bring nearer to the keys.

use super::{
    CipheredHead, CryptoProvider, SecurityError, UnprotectRequest,
    cipher::{initialization_vector, originator},
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
    let makes_sense = (head.form.is_general() || first == expected) && Apdu::decode(&text).is_ok();
    text.fill(0);
    Ok(if makes_sense {
        TagSuspicion::AuthenticationKey
    } else {
        TagSuspicion::EncryptionKeyOrTitle
    })
}

#[cfg(test)]
#[cfg(feature = "rustcrypto")]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::security::{
        Key, ProtectRequest, Protection, RustCrypto, SecurityControl, SecuritySuite, SystemTitle,
        decode_head, protect,
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
}
