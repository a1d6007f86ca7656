//! Opens APDUs that are ciphered or signed, with the keys that there are.
//!
//! Whoever decodes a capture has agreed on nothing with its sender: suite, protection and key set
//! are taken as the APDU says. What that is worth is told beside it, by
//! [`Seal`].

mod general;

use dlms_core::{
    security::{
        CipheredHead, Compatibility, CryptoProvider, GeneralCipheredHead, GeneralHeader, Key,
        PrivateKey, PublicKey, RustCrypto, SecurityError, SystemTitle, TagSuspicion,
        UnprotectRequest, Verification, decode_head, decrypt_unverified_in_place, suspect_tag,
    },
    xdlms::tag,
};

use super::{Fault, suspicion::Suspect};
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
    /// The recipient of APDUs that carry no title of one.
    pub(crate) recipient: Option<SystemTitle>,
    /// Which wraps the keys of general-ciphering.
    pub(crate) key_encryption: Option<Key>,
    /// The recipient's private key agreement key.
    pub(crate) agreement: Option<PrivateKey>,
    /// The originator's public key agreement key.
    pub(crate) peer_agreement: Option<PublicKey>,
    /// The originator's public signature key.
    pub(crate) peer_signature: Option<PublicKey>,
    /// Where peers differ from the standard.
    pub(crate) compatibility: Compatibility,
}

/// The keys towards one meter.
#[derive(Clone, Copy)]
struct Held<'k> {
    encryption: Option<&'k Key>,
    authentication: Option<&'k Key>,
    key_encryption: Option<&'k Key>,
    agreement: Option<&'k PrivateKey>,
    peer_agreement: Option<&'k PublicKey>,
    peer_signature: Option<&'k PublicKey>,
}

/// What is known of the origin of a protected APDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seal {
    /// The tag or the signature verified.
    Verified,
    /// It could be read, and why it is not verified.
    Unverified(&'static str),
    /// There is no such key for it. The content is not known.
    Closed(&'static str),
    /// Tag or signature do not verify: forged, damaged, or for other keys.
    Forged(Fault),
    /// It could not be opened for another reason.
    Refused(Fault),
}

/// What stands in front of a protected APDU, and is read without a key.
#[derive(Debug)]
pub(crate) enum Head {
    /// In glo-, ded-, general-glo- and general-ded-ciphering.
    Ciphered(CipheredHead),
    /// In general-ciphering.
    General(Box<GeneralCipheredHead>),
    /// In general-signing.
    Signed(GeneralHeader),
}

/// What tells a key, or a signed APDU, from every other one, and tells nothing else of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fingerprint([u8; 32]);

/// What must not come twice from one originator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Once {
    /// The key that the counter belongs to, where it is not the global one; or what was signed,
    /// which has no counter.
    pub(crate) under: Option<Fingerprint>,
    /// The invocation counter.
    pub(crate) counter: u32,
}

/// A protected APDU, opened or not.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) head: Head,
    /// The originator.
    pub(crate) title: Option<SystemTitle>,
    pub(crate) seal: Seal,
    /// By what it is known again. None where nothing proves it: then it says nothing.
    pub(crate) once: Option<Once>,
    /// The APDU inside, when it could be opened.
    pub(crate) plain: Option<&'a [u8]>,
}

/// Why there is nothing that could be verified.
pub(crate) const NO_TAG: &str = "there is no tag";
/// There is a tag and nothing to verify it with.
const NO_AUTHENTICATION_KEY: &str = "no authentication key for the tag";

impl KeyRing {
    /// The keys for an APDU of which these are the titles that are known, the likelier one to have
    /// a section in the file first.
    fn held(&self, titles: &[Option<SystemTitle>]) -> Held<'_> {
        let mut named = titles.iter().copied().flatten().peekable();
        let filed = self.file.as_ref().and_then(|file| match named.peek() {
            Some(_) => named.find_map(|title| file.of(title)),
            None => file.only(),
        });
        let (encryption, authentication) = match filed {
            Some(keys) => (Some(&keys.encryption), keys.authentication.as_ref()),
            None => (self.encryption.as_ref(), self.authentication.as_ref()),
        };
        let party = filed.map(|keys| &keys.party);
        Held {
            encryption,
            authentication,
            key_encryption: party
                .and_then(|party| party.key_encryption.as_ref())
                .or(self.key_encryption.as_ref()),
            agreement: self.agreement.as_ref(),
            peer_agreement: party
                .and_then(|party| party.agreement.as_ref())
                .or(self.peer_agreement.as_ref()),
            peer_signature: party
                .and_then(|party| party.signature.as_ref())
                .or(self.peer_signature.as_ref()),
        }
    }

    /// The global encryption key of `meter`, with the authentication key if there is one.
    pub(crate) fn global(&self, meter: SystemTitle) -> Option<(&Key, Option<&Key>)> {
        let held = self.held(&[Some(meter)]);
        held.encryption.map(|key| (key, held.authentication))
    }

    /// Opens `apdu` in place: one layer of it.
    ///
    /// # Errors
    /// [`SecurityError`] for what is no protected APDU.
    pub(crate) fn open<'a>(&self, apdu: &'a mut [u8]) -> Result<Envelope<'a>, SecurityError> {
        match apdu.first() {
            Some(&tag::GENERAL_CIPHERING) => self.open_general(apdu),
            Some(&tag::GENERAL_SIGNING) => self.open_signed(apdu),
            _ => self.open_ciphered(apdu),
        }
    }

    fn open_ciphered<'a>(&self, apdu: &'a mut [u8]) -> Result<Envelope<'a>, SecurityError> {
        let head = decode_head(apdu)?;
        let title = head.system_title.or(self.title);
        let encrypted = head.control.protection().encrypted;
        let held = self.held(&[title]);
        let Some(key) = held.encryption else {
            let plain = if encrypted { None } else { apdu.get(head.text.clone()) };
            let seal = match plain {
                Some(_) => Seal::Unverified("no key for the tag"),
                None => Seal::Closed("key"),
            };
            return Ok(Envelope { head: Head::Ciphered(head), title, seal, once: None, plain });
        };
        let request = UnprotectRequest {
            required: head.control,
            system_title: title,
            key,
            authentication_key: held.authentication,
        };
        // What does not verify is cleared, and what is wrong with it would not be seen any more.
        let original = apdu.to_vec();
        let opened = decrypt_unverified_in_place(&RustCrypto, &request, &head, apdu);
        let (seal, plain) = match opened {
            Ok(opened) => (Seal::of(opened.verified), Some(opened.plain)),
            Err(error @ SecurityError::TagMismatch) => {
                let suspect = suspect(&request, &head, &original);
                (Seal::Forged(Fault::from(error).suspecting(Some(suspect))), None)
            }
            Err(error) => (Seal::Refused(error.into()), None),
        };
        // A counter counts when the tag proves it, or when a text that nobody can encrypt without
        // the key makes sense under it.
        let counts = seal == Seal::Verified || encrypted && plain.is_some();
        let once = counts.then_some(Once { under: None, counter: head.counter });
        Ok(Envelope { head: Head::Ciphered(head), title, seal, once, plain })
    }
}

/// Which of the keys of `request` is probably another one.
fn suspect(request: &UnprotectRequest<'_>, head: &CipheredHead, apdu: &[u8]) -> Suspect {
    if let Some(authentication_key) = request.authentication_key {
        let exchanged = UnprotectRequest {
            key: authentication_key,
            authentication_key: Some(request.key),
            ..*request
        };
        let mut apdu = apdu.to_vec();
        if decrypt_unverified_in_place(&RustCrypto, &exchanged, head, &mut apdu).is_ok() {
            return Suspect::KeysExchanged;
        }
    }
    match suspect_tag(&RustCrypto, request, head, apdu) {
        Ok(TagSuspicion::AuthenticationKey) => Suspect::AuthenticationKey,
        Ok(TagSuspicion::EncryptionKeyOrTitle) => Suspect::EncryptionKeyOrTitle,
        Ok(TagSuspicion::Unknown) | Err(_) => Suspect::KeysOrTitle,
    }
}

/// See [`Fingerprint`].
fn fingerprint(parts: &[&[u8]]) -> Option<Fingerprint> {
    RustCrypto.sha256(parts).ok().map(Fingerprint)
}

impl Head {
    /// The title of whom it is for, where it says so.
    pub(crate) const fn recipient(&self) -> Option<SystemTitle> {
        match self {
            Self::Ciphered(_) => None,
            Self::General(head) => head.header.recipient,
            Self::Signed(header) => header.recipient,
        }
    }

    /// The invocation counter, where there is one.
    pub(crate) const fn counter(&self) -> Option<u32> {
        match self {
            Self::Ciphered(head) => Some(head.counter),
            Self::General(head) => Some(head.counter),
            Self::Signed(_) => None,
        }
    }

    /// The APDU tag.
    pub(crate) const fn tag(&self) -> u8 {
        match self {
            Self::Ciphered(head) => head.tag,
            Self::General(_) => tag::GENERAL_CIPHERING,
            Self::Signed(_) => tag::GENERAL_SIGNING,
        }
    }
}

impl Seal {
    const fn of(verification: Verification) -> Self {
        match verification {
            Verification::Verified => Self::Verified,
            Verification::NothingToVerify => Self::Unverified(NO_TAG),
            Verification::Unverified => Self::Unverified(NO_AUTHENTICATION_KEY),
        }
    }

    /// Whether it verified; none when there was nothing to verify, or nothing to verify with.
    pub(crate) const fn verified(&self) -> Option<bool> {
        match self {
            Self::Verified => Some(true),
            Self::Forged(_) => Some(false),
            Self::Unverified(_) | Self::Closed(_) | Self::Refused(_) => None,
        }
    }

    /// Why there is no content.
    pub(crate) fn fault(&self) -> Option<Fault> {
        match self {
            Self::Verified | Self::Unverified(_) => None,
            Self::Closed(what) => {
                Some(Fault::new("no-key", 0, format_args!("there is no {what} for it")))
            }
            Self::Forged(fault) | Self::Refused(fault) => Some(fault.clone()),
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

    const AK: &str = "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF";

    #[test]
    fn the_keys_decide_what_is_known() {
        let plain = Some(PLAIN.to_owned());
        assert_eq!(opened(&ring(Some(AK)), EXAMPLE), (Seal::Verified, plain.clone()));
        let unverified = Seal::Unverified(NO_AUTHENTICATION_KEY);
        assert_eq!(opened(&ring(None), EXAMPLE), (unverified, plain));
        assert_eq!(opened(&KeyRing::default(), EXAMPLE), (Seal::Closed("key"), None));
    }

    #[test]
    fn what_is_only_authenticated_can_be_read_without_a_key() {
        let apdu = "c81e1001234567c0010000080000010000ff020006725d910f9221d263877516";
        let (seal, plain) = opened(&KeyRing::default(), apdu);
        assert!(matches!(seal, Seal::Unverified(_)));
        assert_eq!(plain.as_deref(), Some(PLAIN));
    }

    #[test]
    fn the_key_that_is_probably_another_one_is_named() {
        let other = "00000000000000000000000000000000";
        let other_key = KeyRing { encryption: Some(other.parse().unwrap()), ..ring(Some(AK)) };
        let title = Some("4D4D4D0000000001".parse().unwrap());
        let exchanged = KeyRing {
            encryption: Some(AK.parse().unwrap()),
            authentication: ring(None).encryption,
            ..ring(None)
        };
        let only_authenticated = "c81e1001234567c0010000080000010000ff020006725d910f9221d263877516";
        for (ring, apdu, code) in [
            (ring(Some(other)), EXAMPLE, "authentication-key"),
            (other_key, EXAMPLE, "encryption-key-or-title"),
            (KeyRing { title, ..ring(Some(AK)) }, EXAMPLE, "encryption-key-or-title"),
            (exchanged, EXAMPLE, "keys-exchanged"),
            (ring(Some(other)), only_authenticated, "keys-or-title"),
        ] {
            let (seal, plain) = opened(&ring, apdu);
            let Seal::Forged(fault) = seal else { panic!("{seal:?}") };
            assert_eq!((fault.code, plain), ("tag-mismatch", None));
            assert_eq!(fault.suspect.map(Suspect::code), Some(code));
        }
        let long = KeyRing { encryption: Some(AK.repeat(2).parse().unwrap()), ..ring(Some(AK)) };
        let Seal::Refused(fault) = opened(&long, EXAMPLE).0 else { panic!("a key too long") };
        assert_eq!((fault.code, fault.suspect), ("key-length", Some(Suspect::Suite)));
    }
}
