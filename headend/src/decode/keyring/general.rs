//! Opens general-ciphering, whose key is identified, wrapped or agreed on, and general-signing
//! (IEC 62056-5-3; Green Book 9.2.7.2). Which suite it is, the APDU says.

use dlms_core::security::{
    Compatibility, CryptoProvider, GeneralCipheredHead, GeneralUnprotectRequest, Key,
    KeyDerivation, KeyId, KeyInfo, KeyPurpose, PublicKey, PublicKeyProvider, RustCrypto,
    SecurityError, SignedApdu, SystemTitle, TagSuspicion, Verification, VerifyRequest,
    decrypt_general_unverified_in_place, suspect_general_tag, unprotect_general_in_place,
};

use super::{Envelope, Head, Held, KeyRing, Once, Seal, fingerprint};
use crate::decode::{Fault, suspicion::Suspect};

/// Where neither the APDU nor anybody else says for whom it is: nobody has this title.
const NOBODY: SystemTitle = SystemTitle([0; 8]);
/// Whose ephemeral key it is was not looked at, so that anybody may have made the key.
const NO_KEY_FOR_EPHEMERAL: &str = "no public key for the signature of the ephemeral key";
/// There is a signature and nothing to verify it with.
const NO_KEY_FOR_SIGNATURE: &str = "no public key for the signature";
/// Where general-signing carries none.
const NO_SIGNATURE: &str = "there is no signature";
/// Nobody said whose APDU it is.
const NO_TITLE: &str = "system title of its originator";

/// The switches that make a difference here.
const SHORT_AAD: &str = Compatibility::SWITCHES[0];
const EXCLUDE_LENGTH: &str = Compatibility::SWITCHES[1];
const ARC_06: &str = Compatibility::SWITCHES[2];
const COVERS_KEY_ID: &str = Compatibility::SWITCHES[3];

/// A general-ciphering APDU with everything that its key is made of.
#[derive(Clone, Copy)]
struct Attempt<'k> {
    head: &'k GeneralCipheredHead,
    held: Held<'k>,
    originator: SystemTitle,
    recipient: Option<SystemTitle>,
    compatibility: Compatibility,
}

/// The key of an APDU.
struct Found {
    key: Key,
    /// Whether it is the key of this APDU, and not the global one.
    own: bool,
    /// Whether it can be only of the two parties.
    proven: bool,
}

impl KeyRing {
    pub(super) fn open_general<'a>(
        &self,
        apdu: &'a mut [u8],
    ) -> Result<Envelope<'a>, SecurityError> {
        let head = Box::new(GeneralCipheredHead::decode(apdu)?);
        let title = head.header.originator.or(self.title);
        let recipient = head.header.recipient.or(self.recipient);
        let protection = head.control.protection();
        let ended = |seal, once, plain: Option<&'a [u8]>, head| Envelope {
            head: Head::General(head),
            title,
            seal,
            once,
            plain,
        };
        let attempt = title.map(|originator| Attempt {
            head: &head,
            held: self.held(&[title, recipient]),
            originator,
            recipient,
            compatibility: self.compatibility,
        });
        let found = match &attempt {
            _ if !protection.authenticated && !protection.encrypted => None,
            Some(attempt) => Some(attempt.key()),
            None => Some(Err(Seal::Closed(NO_TITLE))),
        };
        let (attempt, found) = match (attempt, found) {
            (Some(attempt), Some(Ok(found))) => (attempt, found),
            // Nothing is encrypted: it can be read at least.
            (_, None) => {
                let plain = apdu.get(head.text());
                return Ok(ended(Seal::Unverified(super::NO_TAG), None, plain, head));
            }
            (_, Some(Err(Seal::Closed(_)))) if !protection.encrypted => {
                let plain = apdu.get(head.text());
                return Ok(ended(Seal::Unverified("no key for the tag"), None, plain, head));
            }
            (_, Some(Err(seal))) => return Ok(ended(seal, None, None, head)),
            (None, Some(Ok(_))) => return Err(SecurityError::SystemTitleMissing),
        };
        // What does not verify is cleared, and what is wrong with it would not be seen any more.
        let original = apdu.to_vec();
        let (seal, plain) = match attempt.open(&found, apdu) {
            Ok((Verification::Verified, plain)) if !found.proven => {
                (Seal::Unverified(NO_KEY_FOR_EPHEMERAL), Some(plain))
            }
            Ok((verification, plain)) => (Seal::of(verification), Some(plain)),
            Err(error @ SecurityError::TagMismatch) => {
                let suspect = attempt.suspect(&found, &original);
                (Seal::Forged(Fault::from(error).suspecting(Some(suspect))), None)
            }
            Err(error) => (Seal::Refused(error.into()), None),
        };
        let readable = protection.encrypted && plain.is_some();
        let counts = seal == Seal::Verified || readable && found.proven;
        let under = found.own.then(|| fingerprint(&[found.key.octets()])).flatten();
        let once = counts.then_some(Once { under, counter: head.counter });
        Ok(ended(seal, once, plain, head))
    }

    pub(super) fn open_signed<'a>(&self, apdu: &'a [u8]) -> Result<Envelope<'a>, SecurityError> {
        let signed = SignedApdu::decode(apdu)?;
        let title = signed.header.originator.or(self.title);
        let recipient = signed.header.recipient.or(self.recipient);
        let held = self.held(&[title, recipient]);
        let seal = match (signed.signature, held.peer_signature) {
            (None, _) => Seal::Unverified(NO_SIGNATURE),
            (Some(_), None) => Seal::Unverified(NO_KEY_FOR_SIGNATURE),
            (Some(signature), Some(key)) if signature.curve() != key.curve() => {
                let fault = Fault::from(SecurityError::SignatureMismatch);
                let fault = Fault::new(fault.code, 0, "the signature is of another curve");
                Seal::Forged(fault.suspecting(Some(Suspect::Suite)))
            }
            (Some(_), Some(key)) => {
                let verify = |key: &PublicKey, exclude_content_length| {
                    let request = VerifyRequest {
                        originator: title,
                        recipient: recipient.unwrap_or(NOBODY),
                        key,
                        exclude_content_length,
                    };
                    signed.verify(&RustCrypto, &request)
                };
                let excluded = self.compatibility.signing_excludes_content_length;
                match verify(key, excluded) {
                    Ok(_) => Seal::Verified,
                    Err(SecurityError::SignatureMismatch) => {
                        let other = |key: &PublicKey| verify(key, excluded).is_ok();
                        let suspect = if verify(key, !excluded).is_ok() {
                            Suspect::switch(EXCLUDE_LENGTH, excluded)
                        } else {
                            suspect_certificate(held, other)
                        };
                        Seal::Forged(signature_mismatch(suspect))
                    }
                    Err(error) => Seal::Refused(error.into()),
                }
            }
        };
        let opened = seal.fault().is_none();
        let signed_octets = || {
            // Not the signature: whoever has one can make another of it.
            let length = apdu.len() - signed.signature.map_or(0, |it| it.octets().len());
            fingerprint(&[apdu.get(..length).unwrap_or_default()])
        };
        let once = (seal == Seal::Verified)
            .then(|| signed_octets().map(|print| Once { under: Some(print), counter: 0 }))
            .flatten();
        let plain = opened.then_some(signed.content);
        Ok(Envelope { head: Head::Signed(signed.header), title, seal, once, plain })
    }
}

fn signature_mismatch(suspect: Suspect) -> Fault {
    let code = Fault::from(SecurityError::SignatureMismatch).code;
    Fault::new(code, 0, SecurityError::SignatureMismatch).suspecting(Some(suspect))
}

/// What is probably wrong with the public key of a signature, of which `verifies` says whether it
/// does under another one.
fn suspect_certificate(held: Held<'_>, verifies: impl Fn(&PublicKey) -> bool) -> Suspect {
    match held.peer_agreement {
        Some(key) if verifies(key) => Suspect::CertificatePurpose,
        _ => Suspect::Certificate,
    }
}

impl Attempt<'_> {
    /// Finds the key.
    ///
    /// # Errors
    /// Why it is not found.
    fn key(&self) -> Result<Found, Seal> {
        let Self { head, held, .. } = self;
        let found = |key: Key, proven| Found { key, own: true, proven };
        match &head.key_info {
            // There is one key for it on the command line, as for the other forms.
            None | Some(KeyInfo::GlobalUnicast | KeyInfo::GlobalBroadcast) => {
                let key = held.encryption.ok_or(Seal::Closed("key"))?;
                Ok(Found { own: false, ..found(key.clone(), true) })
            }
            Some(KeyInfo::Wrapped(wrapped)) => {
                let kek = held.key_encryption.ok_or(Seal::Closed("key encryption key (--kek)"))?;
                if kek.octets().len() != head.control.suite().key_len() {
                    return Err(Seal::Refused(SecurityError::KeyLength.into()));
                }
                RustCrypto.key_unwrap(kek, wrapped).map(|key| found(key, true)).map_err(|error| {
                    let error = SecurityError::from(error);
                    match error {
                        SecurityError::WrappedKeyMismatch => Seal::Forged(error.into()),
                        _ => Seal::Refused(error.into()),
                    }
                })
            }
            Some(KeyInfo::OnePass(ephemeral)) => {
                let curves = curves()?;
                let missing = Seal::Closed("key agreement key of its recipient (--agreement-key)");
                let own = held.agreement.ok_or(missing)?;
                if let Some(signer) = held.peer_signature {
                    let verify = |signer: &PublicKey, covers_key_id: bool| {
                        ephemeral.verify(curves, signer, covers_key_id.then_some(KeyId::Guek))
                    };
                    let covers = self.compatibility.ephemeral_signature_covers_key_id;
                    verify(signer, covers).map_err(|_| {
                        let suspect = if signer.curve() != ephemeral.signature.curve() {
                            Suspect::Suite
                        } else if verify(signer, !covers).is_ok() {
                            Suspect::switch(COVERS_KEY_ID, covers)
                        } else {
                            suspect_certificate(*held, |key| verify(key, covers).is_ok())
                        };
                        Seal::Forged(signature_mismatch(suspect))
                    })?;
                }
                let z = curves.ecdh(own, &ephemeral.public).map_err(refused)?;
                let key = self.derivation(None)?.derive(&RustCrypto, &z).map_err(refused)?;
                Ok(found(key, held.peer_signature.is_some()))
            }
            Some(KeyInfo::StaticUnified) => {
                let missing = Seal::Closed("key agreement key of its recipient (--agreement-key)");
                let own = held.agreement.ok_or(missing)?;
                let missing =
                    Seal::Closed("key agreement key of its originator (--peer-agreement-key)");
                let peer = held.peer_agreement.ok_or(missing)?;
                let z = curves()?.ecdh(own, peer).map_err(refused)?;
                let transaction_id = Some(&head.header.transaction_id[..]);
                let derivation = self.derivation(transaction_id)?;
                let key = derivation.derive(&RustCrypto, &z).map_err(refused)?;
                Ok(found(key, true))
            }
        }
    }

    fn derivation<'a>(&self, transaction_id: Option<&'a [u8]>) -> Result<KeyDerivation<'a>, Seal> {
        let missing = Seal::Closed("system title of its recipient (--recipient-title)");
        Ok(KeyDerivation {
            suite: self.head.control.suite(),
            purpose: KeyPurpose::Ciphering,
            party_u: self.originator,
            transaction_id,
            party_v: self.recipient.ok_or(missing)?,
            arc_06: self.compatibility.kdf_arc_06,
        })
    }

    /// Opens `apdu` in place with the key that was found.
    ///
    /// # Errors
    /// As [`unprotect_general_in_place`].
    fn open<'a>(
        &self,
        found: &Found,
        apdu: &'a mut [u8],
    ) -> Result<(Verification, &'a [u8]), SecurityError> {
        let request = GeneralUnprotectRequest {
            required: self.head.control,
            originator: Some(self.originator),
            recipient: self.recipient.unwrap_or(NOBODY),
            key: &found.key,
            authentication_key: self.held.authentication,
            short_aad: self.compatibility.general_ciphering_short_aad,
        };
        // Without authentication key it may be of a profile that has none, or the key is not here.
        if request.authentication_key.is_none()
            && let Err(SecurityError::TagMismatch) =
                unprotect_general_in_place(&RustCrypto, &request, self.head, &mut apdu.to_vec())
        {
            let opened =
                decrypt_general_unverified_in_place(&RustCrypto, &request, self.head, apdu)?;
            return Ok((opened.verified, opened.plain));
        }
        let opened = unprotect_general_in_place(&RustCrypto, &request, self.head, apdu)?;
        Ok((opened.verified, opened.plain))
    }

    /// What is probably wrong, after the tag of `apdu` did not verify.
    fn suspect(&self, found: &Found, apdu: &[u8]) -> Suspect {
        let verifies = |attempt: &Attempt<'_>, found: &Found| {
            let opened = attempt.open(found, &mut apdu.to_vec()).map(|(verified, _)| verified);
            opened == Ok(Verification::Verified)
        };
        let mut other = *self;
        let short = self.compatibility.general_ciphering_short_aad;
        other.compatibility.general_ciphering_short_aad = !short;
        if verifies(&other, found) {
            return Suspect::switch(SHORT_AAD, short);
        }
        let agreed =
            matches!(self.head.key_info, Some(KeyInfo::OnePass(_) | KeyInfo::StaticUnified));
        let mut other = *self;
        let arc_06 = self.compatibility.kdf_arc_06;
        other.compatibility.kdf_arc_06 = !arc_06;
        if agreed && other.key().is_ok_and(|found| verifies(&other, &found)) {
            return Suspect::switch(ARC_06, arc_06);
        }
        if let Some(authentication_key) = self.held.authentication
            && !found.own
        {
            let mut other = *self;
            other.held.authentication = Some(&found.key);
            let key = authentication_key.clone();
            if verifies(&other, &Found { key, own: false, proven: true }) {
                return Suspect::KeysExchanged;
            }
        }
        match suspect_general_tag(&RustCrypto, self.originator, &found.key, self.head, apdu) {
            Ok(TagSuspicion::AuthenticationKey) => Suspect::AuthenticationKey,
            _ if agreed => Suspect::AgreementKeys,
            // The wrapped key verified by itself.
            Ok(TagSuspicion::EncryptionKeyOrTitle) if found.own => Suspect::Title,
            Ok(TagSuspicion::EncryptionKeyOrTitle) => Suspect::EncryptionKeyOrTitle,
            Ok(TagSuspicion::Unknown) | Err(_) => Suspect::KeysOrTitle,
        }
    }
}

fn refused(error: impl Into<SecurityError>) -> Seal {
    Seal::Refused(error.into().into())
}

fn curves() -> Result<&'static dyn PublicKeyProvider, Seal> {
    RustCrypto.public_keys().ok_or_else(|| refused(SecurityError::ProviderUnavailable))
}

#[cfg(test)]
mod tests {
    use dlms_core::security::{
        GeneralHeader, GeneralKeys, GeneralProtectRequest, KeyEstablishment, KeysWithPeer,
        PartyKeys, PrivateKey, Protection, SecurityControl, SecuritySuite, SignRequest,
        protect_general, sign,
    };

    use super::*;

    const METER: SystemTitle = SystemTitle(*b"MMM\0\0\xbc\x61\x4e");
    const OURS: SystemTitle = SystemTitle(*b"MMM\0\0\0\0\x01");
    const PLAIN: [u8; 13] = [0xc0, 1, 0, 0, 8, 0, 0, 1, 0, 0, 0xff, 2, 0];
    const BOTH: Protection = Protection::AUTHENTICATED_ENCRYPTED;

    fn octets(hex: &str) -> Vec<u8> {
        crate::decode::capture::parse(hex).unwrap()
    }

    fn opened(ring: &KeyRing, apdu: &[u8]) -> (Seal, Option<Vec<u8>>) {
        let mut apdu = apdu.to_vec();
        let envelope = ring.open(&mut apdu).unwrap();
        (envelope.seal, envelope.plain.map(<[u8]>::to_vec))
    }

    /// The code of the suspicion.
    fn suspected(ring: &KeyRing, apdu: &[u8]) -> &'static str {
        match opened(ring, apdu) {
            (Seal::Forged(fault) | Seal::Refused(fault), None) => {
                fault.suspect.map_or("nothing", Suspect::code)
            }
            other => panic!("{other:?}"),
        }
    }

    fn key(suite: SecuritySuite, octet: u8) -> Key {
        Key::try_from(&vec![octet; suite.key_len()][..]).unwrap()
    }

    fn private(suite: SecuritySuite, digits: &str) -> PrivateKey {
        digits.repeat(suite.curve().unwrap().coordinate_len()).parse().unwrap()
    }

    fn public(suite: SecuritySuite, digits: &str) -> PublicKey {
        curves().unwrap().public_key(&private(suite, digits)).unwrap()
    }

    fn header() -> GeneralHeader {
        GeneralHeader {
            transaction_id: vec![1, 2, 3],
            originator: Some(METER),
            recipient: Some(OURS),
            ..GeneralHeader::default()
        }
    }

    /// Ciphered by a meter with signature key 11.., agreement key 33.. for one with 22.. and 44..
    fn ciphered(
        suite: SecuritySuite,
        how: KeyEstablishment,
        compatibility: Compatibility,
    ) -> Vec<u8> {
        let with_peer = |own, peer| {
            suite
                .curve()
                .map(|_| KeysWithPeer { own: private(suite, own), peer: public(suite, peer) })
        };
        let party = PartyKeys {
            key_encryption_key: Some(key(suite, 0x6b)),
            signing: with_peer("11", "22"),
            agreement: with_peer("33", "44"),
            compatibility,
        };
        let (global, authentication) = (key(suite, 7), key(suite, 8));
        let keys = GeneralKeys { suite, global: &global, party: Some(&party) };
        let fill = |octets: &mut [u8]| octets.fill(0x51);
        let (info, key) = keys.establish(&RustCrypto, how, &header(), [METER, OURS], fill).unwrap();
        let request = GeneralProtectRequest {
            header: &header(),
            system_title: METER,
            key_info: Some(&info),
            control: SecurityControl::new(suite, BOTH),
            counter: 9,
            key: &key,
            authentication_key: Some(&authentication),
            short_aad: compatibility.general_ciphering_short_aad,
        };
        let mut out = Vec::new();
        protect_general(&RustCrypto, &request, &PLAIN, &mut out).unwrap();
        out
    }

    /// The keys of whom it is for.
    fn ring(suite: SecuritySuite) -> KeyRing {
        let curve = suite.curve();
        KeyRing {
            encryption: Some(key(suite, 7)),
            authentication: Some(key(suite, 8)),
            key_encryption: Some(key(suite, 0x6b)),
            agreement: curve.map(|_| private(suite, "44")),
            peer_agreement: curve.map(|_| public(suite, "33")),
            peer_signature: curve.map(|_| public(suite, "11")),
            ..KeyRing::default()
        }
    }

    const ALL: [KeyEstablishment; 4] = [
        KeyEstablishment::Identified,
        KeyEstablishment::Wrapped,
        KeyEstablishment::OnePass,
        KeyEstablishment::StaticUnified,
    ];

    #[test]
    fn a_key_is_found_however_it_came_and_in_every_suite() {
        for suite in [SecuritySuite::Suite0, SecuritySuite::Suite1, SecuritySuite::Suite2] {
            let all = if suite == SecuritySuite::Suite0 { &ALL[..2] } else { &ALL[..] };
            for how in all {
                let apdu = ciphered(suite, *how, Compatibility::default());
                let verified = (Seal::Verified, Some(PLAIN.to_vec()));
                assert_eq!(opened(&ring(suite), &apdu), verified, "{suite} {how:?}");
                let (seal, plain) = opened(&KeyRing::default(), &apdu);
                assert!(matches!(seal, Seal::Closed(_)) && plain.is_none(), "{suite} {how:?}");
            }
        }
    }

    #[test]
    fn whose_ephemeral_key_nobody_looked_at_is_not_verified() {
        let suite = SecuritySuite::Suite1;
        let apdu = ciphered(suite, KeyEstablishment::OnePass, Compatibility::default());
        let ring = KeyRing { peer_signature: None, ..ring(suite) };
        let unverified = Seal::Unverified(NO_KEY_FOR_EPHEMERAL);
        assert_eq!(opened(&ring, &apdu), (unverified, Some(PLAIN.to_vec())));
        assert!(ring.open(&mut apdu.clone()).unwrap().once.is_none(), "proves no counter");
    }

    #[test]
    fn a_key_of_one_message_has_a_counter_of_its_own() {
        let suite = SecuritySuite::Suite1;
        for how in ALL {
            let mut apdu = ciphered(suite, how, Compatibility::default());
            let once = ring(suite).open(&mut apdu).unwrap().once.unwrap();
            assert_eq!((once.counter, once.under.is_none()), (9, how == ALL[0]), "{how:?}");
        }
    }

    #[test]
    fn what_is_probably_wrong_is_named() {
        let suite = SecuritySuite::Suite1;
        let [identified, wrapped, one_pass, static_unified] =
            ALL.map(|how| ciphered(suite, how, Compatibility::default()));
        let good = || ring(suite);
        let other = Some(key(suite, 0x99));
        for (ring, apdu, code) in [
            (
                KeyRing { authentication: other.clone(), ..good() },
                &identified,
                "authentication-key",
            ),
            (
                KeyRing { encryption: other.clone(), ..good() },
                &identified,
                "encryption-key-or-title",
            ),
            (
                KeyRing {
                    encryption: good().authentication,
                    authentication: good().encryption,
                    ..good()
                },
                &identified,
                "keys-exchanged",
            ),
            (KeyRing { key_encryption: other.clone(), ..good() }, &wrapped, "key-encryption-key"),
            (KeyRing { authentication: other.clone(), ..good() }, &wrapped, "authentication-key"),
            (
                KeyRing { peer_signature: Some(public(suite, "22")), ..good() },
                &one_pass,
                "certificate",
            ),
            (
                KeyRing {
                    peer_signature: good().peer_agreement,
                    peer_agreement: good().peer_signature,
                    ..good()
                },
                &one_pass,
                "certificate-purpose",
            ),
            (
                KeyRing { agreement: Some(private(suite, "45")), ..good() },
                &one_pass,
                "agreement-keys",
            ),
            (
                KeyRing { peer_agreement: Some(public(suite, "34")), ..good() },
                &static_unified,
                "agreement-keys",
            ),
            (
                KeyRing { encryption: Some(key(SecuritySuite::Suite2, 7)), ..good() },
                &identified,
                "suite",
            ),
            (
                KeyRing { peer_signature: Some(public(SecuritySuite::Suite2, "11")), ..good() },
                &one_pass,
                "suite",
            ),
        ] {
            assert_eq!(suspected(&ring, apdu), code);
        }
    }

    #[test]
    fn a_form_of_peers_that_verifies_is_named_with_its_switch_and_opened_with_it() {
        let suite = SecuritySuite::Suite1;
        for (switch, how) in [
            (SHORT_AAD, KeyEstablishment::Identified),
            (ARC_06, KeyEstablishment::StaticUnified),
            (ARC_06, KeyEstablishment::OnePass),
            (COVERS_KEY_ID, KeyEstablishment::OnePass),
        ] {
            let mut compatibility = Compatibility::default();
            assert!(compatibility.turn_on(switch));
            let deviant = ciphered(suite, how, compatibility);
            let (Seal::Forged(fault), None) = opened(&ring(suite), &deviant) else { panic!() };
            assert_eq!(fault.suspect, Some(Suspect::Compatibility(switch)), "{how:?}");
            assert!(fault.text.contains(&format!("--compat {switch}")), "{}", fault.text);
            let ring = KeyRing { compatibility, ..ring(suite) };
            assert_eq!(opened(&ring, &deviant).0, Seal::Verified, "{switch}");
            let standard = ciphered(suite, how, Compatibility::default());
            let (Seal::Forged(fault), None) = opened(&ring, &standard) else { panic!() };
            assert_eq!(fault.suspect, Some(Suspect::NoCompatibility(switch)), "{how:?}");
        }
    }

    #[test]
    fn a_signature_is_verified_with_the_certificate_of_its_originator_only() {
        for suite in [SecuritySuite::Suite1, SecuritySuite::Suite2] {
            for excluded in [false, true] {
                let (header, own) = (header(), private(suite, "11"));
                let request =
                    SignRequest { header: &header, key: &own, exclude_content_length: excluded };
                let mut apdu = Vec::new();
                sign(&RustCrypto, &request, &PLAIN, &mut apdu).unwrap();
                let mut good = ring(suite);
                good.compatibility.signing_excludes_content_length = excluded;
                assert_eq!(opened(&good, &apdu), (Seal::Verified, Some(PLAIN.to_vec())));
                let unverified = Seal::Unverified(NO_KEY_FOR_SIGNATURE);
                let none = KeyRing { peer_signature: None, ..good.clone() };
                assert_eq!(opened(&none, &apdu), (unverified, Some(PLAIN.to_vec())));

                let other_suite = match suite {
                    SecuritySuite::Suite1 => SecuritySuite::Suite2,
                    _ => SecuritySuite::Suite1,
                };
                for (key, code) in
                    [(public(suite, "22"), "certificate"), (public(other_suite, "11"), "suite")]
                {
                    let ring = KeyRing { peer_signature: Some(key), ..good.clone() };
                    assert_eq!(suspected(&ring, &apdu), code);
                }
                let mut deviant = good.clone();
                deviant.compatibility.signing_excludes_content_length = !excluded;
                assert_eq!(suspected(&deviant, &apdu), "compatibility");
                let exchanged = KeyRing {
                    peer_signature: Some(public(suite, "33")),
                    peer_agreement: Some(public(suite, "11")),
                    ..good.clone()
                };
                assert_eq!(suspected(&exchanged, &apdu), "certificate-purpose");
                let last = apdu.len() - 70;
                apdu[last] ^= 1;
                assert!(matches!(opened(&good, &apdu).0, Seal::Forged(_) | Seal::Refused(_)));
            }
        }
    }

    /// A response of a British smart meter, with its certificate's public key.
    #[test]
    fn a_production_signature_verifies() {
        let apdu = octets(concat!(
            "df090200000000000003ea0800db1234567890a00890b3d51f30010000 00 02000b 03020103 40",
            "2419a344690dd4879e468bd40aa3e7ed9b2dd0de1abf225e7b59f700881b84ac",
            "fb27b15af7f5a7a95e418e0363fd779ccdcb52fd5eba0bd69262fd79a7f071d5",
        ));
        let signer = concat!(
            "04f41284362a5a81eeff848ae2db4c6d0df336f06128eb32121596faef86db38",
            "3d93c3952e73476036406d91009f6133244102a9f88a3682f16f92ccbf7cc959fa",
        );
        let ring = KeyRing { peer_signature: signer.parse().ok(), ..KeyRing::default() };
        assert_eq!(opened(&ring, &apdu), (Seal::Verified, Some(vec![2, 1, 3])));
        assert_eq!(suspected(&self::ring(SecuritySuite::Suite1), &apdu), "certificate");
    }

    /// A command of the British smart meters: no authentication key, empty fields, no key
    /// information, and a general-signing without signature inside.
    #[test]
    fn a_profile_without_authentication_key_is_verified_and_what_it_wraps_is_not() {
        let apdu = octets(concat!(
            "dd000000000000 36 11 00000000",
            "df0901 00000000000003e9 0890b3d51f30010000 0800db1234567890a1 00 020013 020500 00",
            "f018ff442ff1fbf18cce0d13",
        ));
        let ring = KeyRing {
            encryption: "d17ca6ff2492e33d06ab3da67caafbc8".parse().ok(),
            title: Some(SystemTitle(*b"\x90\xb3\xd5\x1f\x30\x01\x00\x00")),
            ..KeyRing::default()
        };
        let (seal, inside) = opened(&ring, &apdu);
        assert_eq!(seal, Seal::Verified);
        let inside = inside.unwrap();
        assert_eq!(opened(&ring, &inside), (Seal::Unverified(NO_SIGNATURE), Some(vec![5, 0])));
        let unknown = KeyRing { title: None, ..ring };
        assert!(matches!(opened(&unknown, &apdu).0, Seal::Unverified(_)), "nothing is encrypted");
    }

    /// Computed with OpenSSL from the formula: the fields in front are authenticated.
    #[test]
    fn the_tag_of_another_implementation_verifies() {
        let ring = KeyRing {
            encryption: "000102030405060708090A0B0C0D0E0F".parse().ok(),
            authentication: "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF".parse().ok(),
            ..KeyRing::default()
        };
        let front = "dd080102030405060708084d4d4d0000bc614e084d4d4d0000000001";
        for (apdu, seal) in [
            (
                "0000 0100001e1001234567c0010000080000010000ff0200436315458788a1008ba39df7",
                Seal::Verified,
            ),
            (
                "0000 0100001e3001234567411312ff935a47566827c467bc7cb6a92695ef3e4d35be7f6b",
                Seal::Verified,
            ),
            (
                "0000 010000122001234567411312ff935a47566827c467bc",
                Seal::Unverified(super::super::NO_TAG),
            ),
            (
                "0c07e80101010c000000ffc400 02aabb \
                 0100001e3001234567411312ff935a47566827c467bc6cd1ff8c3841e460456bb860",
                Seal::Verified,
            ),
        ] {
            let apdu = octets(&format!("{front} {apdu}"));
            assert_eq!(opened(&ring, &apdu), (seal, Some(PLAIN.to_vec())));
        }
    }
}
