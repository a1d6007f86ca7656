//! All layers of protection that an APDU has, opened one after the other.
//!
//! An APDU may be ciphered and signed several times, in any order and by several parties: a meter
//! signs, and a concentrator ciphers what it passes on. Each layer is told by itself; what all of
//! them say together is [`Layers::verified`].

use dlms_core::{security::SystemTitle, xdlms::tag};

use super::{
    Fault,
    keyring::{Head, KeyRing, Once, Seal},
};

/// Layers that are opened. More than a signature, a tag and another pair of both nobody needs.
pub(crate) const LAYERS_MAX: usize = 4;

/// One layer.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) head: Head,
    /// The originator.
    pub(crate) title: Option<SystemTitle>,
    pub(crate) seal: Seal,
    /// As in [`Envelope`](super::keyring::Envelope).
    pub(crate) once: Option<Once>,
    /// The first octet of what is inside.
    pub(crate) inside: Option<u8>,
}

/// An APDU with its layers taken off, as far as that goes.
#[derive(Debug)]
pub(crate) struct Layers {
    /// From the outermost on.
    pub(crate) layers: Vec<Layer>,
    /// What is inside of all of them; none when one could not be opened.
    pub(crate) plain: Option<Vec<u8>>,
    /// Why one could not be opened.
    pub(crate) fault: Option<Fault>,
}

impl Layers {
    /// Opens `apdu`; one that is not protected has no layers.
    pub(crate) fn open(keys: &KeyRing, apdu: Vec<u8>) -> Self {
        let mut opened = Self { layers: Vec::new(), plain: None, fault: None };
        let mut apdu = apdu;
        while apdu.first().is_some_and(|first| tag::is_protected(*first)) {
            if opened.layers.len() == LAYERS_MAX {
                let text = format!("more than {LAYERS_MAX} layers of protection");
                opened.fault = Some(Fault::new("too-many-layers", 0, text));
                return opened;
            }
            let envelope = match keys.open(&mut apdu) {
                Ok(envelope) => envelope,
                Err(error) => {
                    opened.fault = Some(error.into());
                    return opened;
                }
            };
            let inside = envelope.plain.map(<[u8]>::to_vec);
            opened.fault = envelope.seal.fault();
            opened.layers.push(Layer {
                inside: inside.as_ref().and_then(|inside| inside.first().copied()),
                head: envelope.head,
                title: envelope.title,
                seal: envelope.seal,
                once: envelope.once,
            });
            match inside {
                Some(inside) => apdu = inside,
                None => return opened,
            }
        }
        opened.plain = Some(apdu);
        opened
    }

    /// Whose APDU it is: the originator of the innermost layer.
    pub(crate) fn title(&self) -> Option<SystemTitle> {
        self.layers.last().and_then(|layer| layer.title)
    }

    /// Whether it is proven to be of [`title`](Self::title); none when there was nothing to verify,
    /// or nothing to verify with. What another party ciphered around it proves nothing of that.
    pub(crate) fn verified(&self) -> Option<bool> {
        if self.layers.iter().any(|layer| layer.seal.verified() == Some(false)) {
            return Some(false);
        }
        let title = self.title();
        let proven = |layer: &Layer| layer.title == title && layer.seal == Seal::Verified;
        self.layers.iter().any(proven).then_some(true)
    }

    /// Why it is not verified, where it is not.
    pub(crate) fn why_unverified(&self) -> &'static str {
        let why = self.layers.iter().rev().find_map(|layer| match layer.seal {
            Seal::Unverified(why) => Some(why),
            _ => None,
        });
        match why {
            Some(why) => why,
            None if self.layers.is_empty() => "the message is not protected",
            None => "another party than its originator protected it",
        }
    }
}

#[cfg(test)]
mod tests {
    use dlms_core::security::CryptoProvider;
    use dlms_core::security::{
        GeneralHeader, Key, PrivateKey, ProtectRequest, Protection, RustCrypto, SecurityControl,
        SecuritySuite, SignRequest, protect, sign,
    };

    use super::*;

    const METER: SystemTitle = SystemTitle(*b"GRX\x01\0\0\x03\xe8");
    const CONCENTRATOR: SystemTitle = SystemTitle(*b"DHE\x02\0\0\0\x07");
    const PLAIN: [u8; 7] = [0x0f, 0, 0, 0, 1, 0, 0];

    fn ring() -> KeyRing {
        let key: PrivateKey = "11".repeat(32).parse().unwrap();
        KeyRing {
            encryption: Some(Key::from([1; 16])),
            authentication: Some(Key::from([2; 16])),
            peer_signature: RustCrypto.public_keys().unwrap().public_key(&key).ok(),
            ..KeyRing::default()
        }
    }

    fn signed(title: SystemTitle, octet: &str, content: &[u8]) -> Vec<u8> {
        let header = GeneralHeader { originator: Some(title), ..GeneralHeader::default() };
        let key = octet.repeat(32).parse().unwrap();
        let request = SignRequest { header: &header, key: &key, exclude_content_length: false };
        let mut out = Vec::new();
        sign(&RustCrypto, &request, content, &mut out).unwrap();
        out
    }

    fn ciphered(title: SystemTitle, protection: Protection, content: &[u8]) -> Vec<u8> {
        let request = ProtectRequest {
            tag: tag::GENERAL_GLO_CIPHERING,
            system_title: title,
            send_title: true,
            control: SecurityControl::new(SecuritySuite::Suite1, protection),
            counter: 5,
            key: &Key::from([1; 16]),
            authentication_key: Some(&Key::from([2; 16])),
        };
        let mut out = Vec::new();
        protect(&RustCrypto, &request, content, &mut out).unwrap();
        out
    }

    #[test]
    fn layers_are_taken_off_in_whatever_order_they_were_put_on() {
        let both = Protection::AUTHENTICATED_ENCRYPTED;
        for (apdu, tags) in [
            (PLAIN.to_vec(), &[][..]),
            (ciphered(METER, both, &signed(METER, "11", &PLAIN)), &[0xdb, 0xdf]),
            (signed(METER, "11", &ciphered(METER, both, &PLAIN)), &[0xdf, 0xdb]),
            (
                signed(METER, "11", &ciphered(METER, both, &signed(METER, "11", &PLAIN))),
                &[0xdf, 0xdb, 0xdf],
            ),
        ] {
            let layers = Layers::open(&ring(), apdu);
            assert_eq!(layers.plain.as_deref(), Some(&PLAIN[..]));
            let found: Vec<u8> = layers.layers.iter().map(|layer| layer.head.tag()).collect();
            assert_eq!((&found[..], layers.fault.as_ref()), (tags, None));
            assert_eq!(layers.verified(), (!tags.is_empty()).then_some(true));
        }
    }

    #[test]
    fn what_another_party_put_around_proves_nothing_of_the_meter() {
        let both = Protection::AUTHENTICATED_ENCRYPTED;
        let inside = ciphered(METER, Protection::ENCRYPTED, &PLAIN);
        for (apdu, verified, title) in [
            (ciphered(CONCENTRATOR, both, &inside), None, METER),
            (ciphered(METER, both, &inside), Some(true), METER),
            (ciphered(CONCENTRATOR, both, &PLAIN), Some(true), CONCENTRATOR),
            // Signed with another key than that of the meter.
            (ciphered(METER, both, &signed(METER, "22", &PLAIN)), Some(false), METER),
        ] {
            let layers = Layers::open(&ring(), apdu);
            assert_eq!((layers.verified(), layers.title()), (verified, Some(title)));
            assert_eq!(layers.plain.is_some(), verified != Some(false));
            assert_ne!(layers.why_unverified(), "the message is not protected");
        }
    }

    #[test]
    fn there_is_an_end_to_layers() {
        let mut apdu = PLAIN.to_vec();
        for count in 1..=LAYERS_MAX + 1 {
            apdu = signed(METER, "11", &apdu);
            let layers = Layers::open(&ring(), apdu.clone());
            assert_eq!(layers.fault.is_some(), count > LAYERS_MAX);
            assert_eq!(layers.plain.is_some(), count <= LAYERS_MAX);
        }
    }
}
