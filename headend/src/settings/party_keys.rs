//! Private and public keys, from files or from the environment, in PEM or in hexadecimal.

use std::{fs, path::PathBuf};

use dlms_core::security::{
    Certificate, Compatibility, Key, KeysWithPeer, PartyKeys, PrivateKey, PublicKey,
};
use p256::pkcs8::{DecodePrivateKey, DecodePublicKey};
use zeroize::Zeroizing;

use super::SettingsError;
use crate::{
    cli::{self, Auth, Establishment},
    decode::keyring::KeyRing,
};

// The environment variables with the keys.
const SIGNING_KEY: &str = "DLMS_SIGNING_KEY";
const PEER_KEY: &str = "DLMS_PEER_KEY";
const AGREEMENT_KEY: &str = "DLMS_AGREEMENT_KEY";
const PEER_AGREEMENT_KEY: &str = "DLMS_PEER_AGREEMENT_KEY";
const KEK: &str = "DLMS_KEK";
/// A file longer than this is something else: a key of P-384 in PEM has less than 400 octets.
const KEY_FILE_LEN_MAX: usize = 16 * 1024;
/// How PEM begins (RFC 7468).
const PEM: &str = "-----BEGIN";
/// How a certificate begins in PEM.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

/// The keys that `typed` asks for, and no others, for a peer that is known to differ by `compat`.
pub(super) fn party_keys(
    typed: &cli::Association,
    compat: Option<Compatibility>,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<PartyKeys, SettingsError> {
    let party = &typed.party;
    let how = party.general_ciphering;
    let signs =
        party.sign || typed.auth == Auth::HlsEcdsa || how == Some(Establishment::AgreedEphemeral);
    let agrees = matches!(how, Some(Establishment::AgreedEphemeral | Establishment::AgreedStatic));
    let wraps = how == Some(Establishment::Wrapped);
    let idle = [
        ("--signing-key", party.signing_key.is_some() && !signs),
        ("--peer-key", party.peer_key.is_some() && !signs),
        ("--agreement-key", party.agreement_key.is_some() && !agrees),
        ("--peer-agreement-key", party.peer_agreement_key.is_some() && !agrees),
        ("--kek", party.kek.is_some() && !wraps),
    ];
    if let Some((option, _)) = idle.iter().find(|(_, idle)| *idle) {
        return Err(SettingsError::PartyKeyUnused(option));
    }
    let source = |option, file, variable| Source { option, file, variable };
    let signing = pair(
        signs,
        &source("--signing-key", party.signing_key.as_ref(), SIGNING_KEY),
        &source("--peer-key", party.peer_key.as_ref(), PEER_KEY),
        &environment,
    )?;
    let agreement = pair(
        agrees,
        &source("--agreement-key", party.agreement_key.as_ref(), AGREEMENT_KEY),
        &source("--peer-agreement-key", party.peer_agreement_key.as_ref(), PEER_AGREEMENT_KEY),
        &environment,
    )?;
    let key_encryption_key = if wraps {
        let digits = match &party.kek {
            Some(typed) => typed.0.clone(),
            None => environment(KEK)
                .map(Zeroizing::new)
                .ok_or(SettingsError::PartyKeyMissing { option: "--kek", variable: KEK })?,
        };
        let key: Key = digits.trim().parse().map_err(|_| SettingsError::Kek)?;
        Some(key)
    } else {
        None
    };
    let compatibility = compat.unwrap_or_default();
    let mut keys = PartyKeys { key_encryption_key, signing, agreement, compatibility };
    for switch in &party.compat {
        keys.compatibility.turn_on(switch);
    }
    Ok(keys)
}

/// Puts the keys that `typed` or the environment has onto `ring`: for readers of what others sent
/// every key is welcome and none is necessary.
pub(crate) fn reader_keys(
    ring: &mut KeyRing,
    typed: &cli::PartyAids,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<(), SettingsError> {
    let text = |option, file: &Option<PathBuf>, variable| {
        let source = Source { option, file: file.as_ref(), variable };
        match source.text(&environment) {
            Err(SettingsError::PartyKeyMissing { .. }) => Ok(None),
            text => text.map(Some),
        }
    };
    let public = |option, file, variable| match text(option, file, variable)? {
        None => Ok(None),
        Some(text) => match public_key(&text) {
            Some(key) => Ok(Some(key)),
            None => Err(SettingsError::PartyKey { option, what: "public" }),
        },
    };
    ring.peer_signature = public("--peer-key", &typed.peer_key, PEER_KEY)?;
    ring.peer_agreement =
        public("--peer-agreement-key", &typed.peer_agreement_key, PEER_AGREEMENT_KEY)?;
    if let Some(text) = text("--agreement-key", &typed.agreement_key, AGREEMENT_KEY)? {
        let wrong = SettingsError::PartyKey { option: "--agreement-key", what: "private" };
        ring.agreement = Some(private_key(&text).ok_or(wrong)?);
    }
    let kek = typed.kek.as_ref().map(|typed| typed.0.clone());
    if let Some(digits) = kek.or_else(|| environment(KEK).map(Zeroizing::new)) {
        ring.key_encryption = Some(digits.trim().parse().map_err(|_| SettingsError::Kek)?);
    }
    ring.recipient = typed.recipient_title;
    for switch in &typed.compat {
        ring.compatibility.turn_on(switch);
    }
    Ok(())
}

/// The private signature key of whoever only confirms, if there is one.
pub(crate) fn signing_key(
    file: Option<&PathBuf>,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Option<PrivateKey>, SettingsError> {
    let option = "--signing-key";
    let source = Source { option, file, variable: SIGNING_KEY };
    match source.text(environment) {
        Err(SettingsError::PartyKeyMissing { .. }) => Ok(None),
        text => {
            let wrong = SettingsError::PartyKey { option, what: "private" };
            private_key(&text?).map(Some).ok_or(wrong)
        }
    }
}

/// Where a key is: in the file, or else in the environment.
struct Source<'a> {
    option: &'static str,
    file: Option<&'a PathBuf>,
    variable: &'static str,
}

impl Source<'_> {
    fn text(
        &self,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Zeroizing<String>, SettingsError> {
        let &Self { option, variable, .. } = self;
        match self.file {
            Some(path) => key_file(path),
            None => environment(variable)
                .map(Zeroizing::new)
                .ok_or(SettingsError::PartyKeyMissing { option, variable }),
        }
    }
}

/// Both keys, when they are wanted.
fn pair(
    wanted: bool,
    own: &Source<'_>,
    peer: &Source<'_>,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Option<KeysWithPeer>, SettingsError> {
    if !wanted {
        return Ok(None);
    }
    let private = private_key(&own.text(&environment)?);
    let public = public_key(&peer.text(&environment)?);
    Ok(Some(KeysWithPeer {
        own: private.ok_or(SettingsError::PartyKey { option: own.option, what: "private" })?,
        peer: public.ok_or(SettingsError::PartyKey { option: peer.option, what: "public" })?,
    }))
}

fn key_file(path: &PathBuf) -> Result<Zeroizing<String>, SettingsError> {
    let text = fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|cause| SettingsError::PartyKeyFile { path: path.clone(), cause })?;
    if text.len() > KEY_FILE_LEN_MAX {
        return Err(SettingsError::PartyKeyFileTooLong(path.clone()));
    }
    Ok(text)
}

/// A private key of either curve: PKCS #8 or SEC 1 in PEM, or the number in hexadecimal.
fn private_key(text: &str) -> Option<PrivateKey> {
    let text = text.trim();
    if !text.contains(PEM) {
        return text.parse().ok();
    }
    let octets = p256::SecretKey::from_pkcs8_pem(text)
        .or_else(|_| {
            p256::SecretKey::from_sec1_pem(text).map_err(|_| p256::pkcs8::Error::KeyMalformed)
        })
        .map(|key| Zeroizing::new(key.to_bytes().to_vec()))
        .or_else(|_| {
            p384::SecretKey::from_pkcs8_pem(text)
                .map_err(drop)
                .or_else(|()| p384::SecretKey::from_sec1_pem(text).map_err(drop))
                .map(|key| Zeroizing::new(key.to_bytes().to_vec()))
        });
    PrivateKey::try_from(&octets.ok()?[..]).ok()
}

/// A public key of either curve: SubjectPublicKeyInfo or a certificate in PEM, or x and y in
/// hexadecimal. Nobody looks here who signed the certificate, or until when it holds: it is given
/// by whoever trusts it.
pub(crate) fn public_key(text: &str) -> Option<PublicKey> {
    let text = text.trim();
    let Some(start) = text.find(PEM) else { return text.parse().ok() };
    // OpenSSL writes a description in front.
    let text = text.get(start..)?;
    if text.starts_with(CERTIFICATE) {
        let certificate: Certificate = text.parse().ok()?;
        return Some(*certificate.public_key());
    }
    let point = match p256::PublicKey::from_public_key_pem(text) {
        Ok(key) => p256::Sec1Point::from(key).as_bytes().to_vec(),
        Err(_) => {
            let key = p384::PublicKey::from_public_key_pem(text).ok()?;
            p384::Sec1Point::from(key).as_bytes().to_vec()
        }
    };
    // 04, x, y.
    PublicKey::try_from(point.get(1..)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `openssl ec` of the P-256 key 11.. in both forms, and of its public half.
    const PKCS8: &str = include_str!("../../../tests/keys/p256-11-pkcs8.pem");
    const SEC1: &str = include_str!("../../../tests/keys/p256-11-sec1.pem");
    const PUBLIC: &str = include_str!("../../../tests/keys/p256-11-public.pem");
    const PKCS8_384: &str = include_str!("../../../tests/keys/p384-11-pkcs8.pem");
    const PUBLIC_384: &str = include_str!("../../../tests/keys/p384-11-public.pem");
    const PUBLIC_DIGITS: &str = "0217E617F0B6443928278F96999E69A23A4F2C152BDF6D6CDF66E5B80282D4ED\
                                 194A7DEBCB97712D2DDA3CA85AA8765A56F45FC758599652F2897C65306E5794";

    #[test]
    fn a_private_key_is_read_from_pem_of_either_form_and_from_digits() {
        let digits = "11".repeat(32);
        let key = private_key(&digits).unwrap();
        for text in [PKCS8, SEC1, &format!(" {digits}\n")] {
            assert_eq!(private_key(text), Some(key.clone()));
        }
        assert_eq!(private_key(PKCS8_384), private_key(&"11".repeat(48)));
        assert!(private_key(PKCS8_384).is_some());
        for text in [PUBLIC, "", "11", concat!("-----BEGIN PRIVATE", " KEY-----"), &"zz".repeat(32)]
        {
            assert_eq!(private_key(text), None);
        }
    }

    #[test]
    fn a_public_key_is_read_from_pem_and_from_digits() {
        let key = public_key(PUBLIC_DIGITS).unwrap();
        for text in [PUBLIC, &format!("04{PUBLIC_DIGITS}\n")] {
            assert_eq!(public_key(text), Some(key));
        }
        assert_eq!(public_key(PUBLIC_384).unwrap().octets().len(), 96);
        for text in [PKCS8, "", "11"] {
            assert_eq!(public_key(text), None);
        }
    }
}
