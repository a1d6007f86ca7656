//! Opens ciphered APDUs with the keys that there are.
//!
//! Whoever decodes a capture has agreed on nothing with its sender: suite, protection and key set
//! are taken as the APDU says. What that is worth is told beside it, by
//! [`Seal`].

use dlms_core::security::{
    CipheredHead, Key, RustCrypto, SecurityError, SystemTitle, UnprotectRequest, Verification,
    decode_head, decrypt_unverified_in_place,
};

use super::Fault;
use crate::keys_file::KeysFile;

/// Keys, and whose they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyRing {
    /// Keys by the system title of the meter.
    pub(crate) file: Option<KeysFile>,
    /// For every meter that the file does not have.
    pub(crate) encryption: Option<Key>,
    /// With `encryption`.
    pub(crate) authentication: Option<Key>,
    /// The originator of APDUs that carry no title.
    pub(crate) title: Option<SystemTitle>,
}

/// What is known of the origin of a ciphered APDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seal {
    /// The tag verified.
    Verified,
    /// It could be read, and there was nothing to verify, or nothing to verify with.
    Unverified,
    /// There is no key for it. The content is not known.
    Closed,
    /// The tag does not verify: forged, damaged, or for other keys.
    Forged,
    /// It could not be opened for another reason.
    Refused(Fault),
}

/// A ciphered APDU, opened or not.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) head: CipheredHead,
    /// The originator.
    pub(crate) title: Option<SystemTitle>,
    pub(crate) seal: Seal,
    /// The plain APDU, when it could be opened.
    pub(crate) plain: Option<&'a [u8]>,
}

impl KeyRing {
    /// The keys of the originator of an APDU that names `title`, or does not.
    fn keys(&self, title: Option<SystemTitle>) -> Option<(&Key, Option<&Key>)> {
        let filed = self.file.as_ref().and_then(|file| match title {
            Some(title) => file.of(title),
            None => file.only(),
        });
        match filed {
            Some(keys) => Some((&keys.encryption, keys.authentication.as_ref())),
            None => Some((self.encryption.as_ref()?, self.authentication.as_ref())),
        }
    }

    /// Opens `apdu` in place.
    ///
    /// # Errors
    /// [`SecurityError`] for what is no ciphered APDU with one symmetric key.
    pub(crate) fn open<'a>(&self, apdu: &'a mut [u8]) -> Result<Envelope<'a>, SecurityError> {
        let head = decode_head(apdu)?;
        let title = head.system_title.or(self.title);
        let plain_text = !head.control.protection().encrypted;
        let Some((key, authentication_key)) = self.keys(title) else {
            let plain = plain_text.then(|| apdu.get(head.text.clone())).flatten();
            let seal = if plain.is_some() { Seal::Unverified } else { Seal::Closed };
            return Ok(Envelope { head, title, seal, plain });
        };
        let request = UnprotectRequest {
            required: head.control,
            system_title: title,
            key,
            authentication_key,
        };
        let opened = decrypt_unverified_in_place(&RustCrypto, &request, &head, apdu);
        let (seal, plain) = match opened {
            Ok(opened) => {
                let seal = match opened.verified {
                    Verification::Verified => Seal::Verified,
                    Verification::NothingToVerify | Verification::Unverified => Seal::Unverified,
                };
                (seal, Some(opened.plain))
            }
            Err(SecurityError::TagMismatch) => (Seal::Forged, None),
            Err(error) => (Seal::Refused(error.into()), None),
        };
        Ok(Envelope { head, title, seal, plain })
    }
}

impl Seal {
    /// Whether the tag verified; none when there was nothing to verify, or nothing to verify with.
    pub(crate) const fn verified(&self) -> Option<bool> {
        match self {
            Self::Verified => Some(true),
            Self::Forged => Some(false),
            Self::Unverified | Self::Closed | Self::Refused(_) => None,
        }
    }

    /// Why there is no content.
    pub(crate) fn fault(&self) -> Option<Fault> {
        match self {
            Self::Verified | Self::Unverified => None,
            Self::Closed => Some(Fault::new("no-key", 0, "there is no key for it")),
            Self::Forged => Some(SecurityError::TagMismatch.into()),
            Self::Refused(fault) => Some(fault.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published worked example: get-request of the time, authenticated and encrypted.
    const EXAMPLE: &str = "c81e3001234567411312ff935a47566827c467bc7d825c3be4a77c3fcc056b6b";
    const PLAIN: &str = "c0010000080000010000ff0200";

    fn ring(authentication: Option<&str>) -> KeyRing {
        KeyRing {
            encryption: Some("000102030405060708090A0B0C0D0E0F".parse().unwrap()),
            authentication: authentication.map(|digits| digits.parse().unwrap()),
            title: Some("4D4D4D0000BC614E".parse().unwrap()),
            ..KeyRing::default()
        }
    }

    fn opened(ring: &KeyRing, hex: &str) -> (Seal, Option<String>) {
        let mut apdu = crate::hex::parse(hex).unwrap();
        let envelope = ring.open(&mut apdu).unwrap();
        (envelope.seal, envelope.plain.map(crate::hex::text))
    }

    #[test]
    fn the_keys_decide_what_is_known() {
        const AK: &str = "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF";
        let plain = Some(PLAIN.to_owned());
        assert_eq!(opened(&ring(Some(AK)), EXAMPLE), (Seal::Verified, plain.clone()));
        assert_eq!(opened(&ring(None), EXAMPLE), (Seal::Unverified, plain));
        let other = Some("00000000000000000000000000000000");
        assert_eq!(opened(&ring(other), EXAMPLE), (Seal::Forged, None));
        assert_eq!(opened(&KeyRing::default(), EXAMPLE), (Seal::Closed, None));
    }

    #[test]
    fn what_is_only_authenticated_can_be_read_without_a_key() {
        let apdu = "c81e1001234567c0010000080000010000ff020006725d910f9221d263877516";
        let (seal, plain) = opened(&KeyRing::default(), apdu);
        assert_eq!((seal, plain.as_deref()), (Seal::Unverified, Some(PLAIN)));
    }
}
