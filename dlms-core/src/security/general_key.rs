//! The key of general-ciphering: how the originator comes by it, and how the recipient does.

use zeroize::Zeroizing;

use super::{
    CryptoProvider, EphemeralKey, GeneralHeader, Key, KeyDerivation, KeyId, KeyInfo, KeyPurpose,
    KeysWithPeer, PartyKeys, PrivateKey, PublicKeyProvider, SecurityError, SecuritySuite,
    SystemTitle,
};

/// How the key of general-ciphering comes to both sides (Green Book 9.2.7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyEstablishment {
    /// It is the global unicast key.
    Identified,
    /// It is drawn at random and wrapped with the key encryption key.
    Wrapped,
    /// It is agreed on with an ephemeral key of the originator, C(1e, 1s).
    OnePass,
    /// It is agreed on with the static keys of both, C(0e, 2s).
    StaticUnified,
}

/// The keys of one party towards another.
#[derive(Clone, Copy, Debug)]
pub struct GeneralKeys<'a> {
    /// The suite that was agreed on.
    pub suite: SecuritySuite,
    /// The global unicast encryption key.
    pub global: &'a Key,
    /// What there is beyond it.
    pub party: Option<&'a PartyKeys>,
}

impl GeneralKeys<'_> {
    /// Makes the key of an APDU that `originator` sends to `recipient`, and what the recipient
    /// must be told to find it. `fill` gives the random octets of a wrapped or ephemeral key.
    ///
    /// # Errors
    /// [`SecurityError::KeyMissing`], [`SecurityError::NotOnCurve`], and what the provider reports.
    pub fn establish(
        &self,
        provider: &dyn CryptoProvider,
        how: KeyEstablishment,
        header: &GeneralHeader,
        [originator, recipient]: [SystemTitle; 2],
        mut fill: impl FnMut(&mut [u8]),
    ) -> Result<(KeyInfo, Key), SecurityError> {
        match how {
            KeyEstablishment::Identified => Ok((KeyInfo::GlobalUnicast, self.global.clone())),
            KeyEstablishment::Wrapped => {
                let mut octets = Zeroizing::new([0; SecuritySuite::Suite2.key_len()]);
                let octets = octets.get_mut(..self.suite.key_len()).unwrap_or_default();
                fill(octets);
                let key = Key::try_from(&*octets).map_err(|_| SecurityError::KeyLength)?;
                let wrapped = provider.key_wrap(self.kek()?, &key)?;
                Ok((KeyInfo::Wrapped(wrapped), key))
            }
            KeyEstablishment::OnePass => {
                let (curves, agreement) = (curves(provider)?, self.agreement()?);
                let ephemeral = PrivateKey::from_entropy(agreement.peer.curve(), fill)
                    .map_err(|_| SecurityError::ProviderUnavailable)?;
                let signed = EphemeralKey::sign(
                    curves,
                    &ephemeral,
                    &self.signing()?.own,
                    self.signed_key_id(),
                )?;
                let z = curves.ecdh(&ephemeral, &agreement.peer)?;
                let derivation = self.derivation(originator, recipient);
                Ok((KeyInfo::OnePass(signed), derivation.derive(provider, &z)?))
            }
            KeyEstablishment::StaticUnified => {
                let key = self.static_key(provider, header, originator, recipient)?;
                Ok((KeyInfo::StaticUnified, key))
            }
        }
    }

    /// Finds the key of an APDU that `originator` sent to `recipient`. Without key information it
    /// is the global unicast key.
    ///
    /// # Errors
    /// [`SecurityError::KeyMissing`], also for a broadcast key; [`SecurityError::NotOnCurve`];
    /// [`SecurityError::WrappedKeyMismatch`]; [`SecurityError::SignatureMismatch`] of an ephemeral
    /// key; and what the provider reports.
    pub fn find(
        &self,
        provider: &dyn CryptoProvider,
        info: Option<&KeyInfo>,
        header: &GeneralHeader,
        [originator, recipient]: [SystemTitle; 2],
    ) -> Result<Key, SecurityError> {
        match info {
            None | Some(KeyInfo::GlobalUnicast) => Ok(self.global.clone()),
            Some(KeyInfo::GlobalBroadcast) => Err(SecurityError::KeyMissing("broadcast key")),
            Some(KeyInfo::Wrapped(wrapped)) => {
                let key = provider.key_unwrap(self.kek()?, wrapped)?;
                if key.octets().len() == self.suite.key_len() {
                    Ok(key)
                } else {
                    Err(SecurityError::KeyLength)
                }
            }
            Some(KeyInfo::OnePass(ephemeral)) => {
                let curves = curves(provider)?;
                // Whose it is, before anything is computed with it.
                ephemeral.verify(curves, &self.signing()?.peer, self.signed_key_id())?;
                let z = curves.ecdh(&self.agreement()?.own, &ephemeral.public)?;
                self.derivation(originator, recipient).derive(provider, &z)
            }
            Some(KeyInfo::StaticUnified) => {
                self.static_key(provider, header, originator, recipient)
            }
        }
    }

    fn static_key(
        &self,
        provider: &dyn CryptoProvider,
        header: &GeneralHeader,
        originator: SystemTitle,
        recipient: SystemTitle,
    ) -> Result<Key, SecurityError> {
        let agreement = self.agreement()?;
        let z = curves(provider)?.ecdh(&agreement.own, &agreement.peer)?;
        KeyDerivation {
            transaction_id: Some(&header.transaction_id),
            ..self.derivation(originator, recipient)
        }
        .derive(provider, &z)
    }

    fn derivation(&self, party_u: SystemTitle, party_v: SystemTitle) -> KeyDerivation<'static> {
        KeyDerivation {
            suite: self.suite,
            purpose: KeyPurpose::Ciphering,
            party_u,
            transaction_id: None,
            party_v,
            arc_06: self.party.is_some_and(|party| party.compatibility.kdf_arc_06),
        }
    }

    /// What the signature of an ephemeral key covers besides it.
    fn signed_key_id(&self) -> Option<KeyId> {
        let covers = |party: &PartyKeys| party.compatibility.ephemeral_signature_covers_key_id;
        self.party.is_some_and(covers).then_some(KeyId::Guek)
    }

    fn kek(&self) -> Result<&Key, SecurityError> {
        let kek = self.party.and_then(|party| party.key_encryption_key.as_ref());
        let kek = kek.ok_or(SecurityError::KeyMissing("key encryption key"))?;
        if kek.octets().len() == self.suite.key_len() {
            Ok(kek)
        } else {
            Err(SecurityError::KeyLength)
        }
    }

    fn signing(&self) -> Result<&KeysWithPeer, SecurityError> {
        self.party
            .and_then(|party| party.signing.as_ref())
            .ok_or(SecurityError::KeyMissing("signature keys"))
    }

    fn agreement(&self) -> Result<&KeysWithPeer, SecurityError> {
        self.party
            .and_then(|party| party.agreement.as_ref())
            .ok_or(SecurityError::KeyMissing("key agreement keys"))
    }
}

fn curves(provider: &dyn CryptoProvider) -> Result<&dyn PublicKeyProvider, SecurityError> {
    provider.public_keys().ok_or(SecurityError::ProviderUnavailable)
}

#[cfg(test)]
#[cfg(feature = "public-keys")]
mod tests {
    use std::vec;

    use super::*;
    use crate::security::{Compatibility, RustCrypto};

    const CLIENT: SystemTitle = SystemTitle(*b"MMM\0\0\xbc\x61\x4e");
    const SERVER: SystemTitle = SystemTitle(*b"MMM\0\0\0\0\x01");
    const TITLES: [SystemTitle; 2] = [CLIENT, SERVER];
    const ALL: [KeyEstablishment; 4] = [
        KeyEstablishment::Identified,
        KeyEstablishment::Wrapped,
        KeyEstablishment::OnePass,
        KeyEstablishment::StaticUnified,
    ];

    fn with_peer(suite: SecuritySuite, own: &str, peer: &str) -> KeysWithPeer {
        let length = suite.curve().unwrap().coordinate_len();
        let peer = peer.repeat(length).parse().unwrap();
        KeysWithPeer {
            own: own.repeat(length).parse().unwrap(),
            peer: RustCrypto.public_key(&peer).unwrap(),
        }
    }

    /// The keys of a client and of its server.
    fn parties(suite: SecuritySuite) -> [PartyKeys; 2] {
        [("11", "22", "33", "44"), ("22", "11", "44", "33")].map(
            |(signing, signing_peer, agreement, agreement_peer)| PartyKeys {
                key_encryption_key: Some(global(suite, 0x6b)),
                signing: Some(with_peer(suite, signing, signing_peer)),
                agreement: Some(with_peer(suite, agreement, agreement_peer)),
                compatibility: Compatibility::default(),
            },
        )
    }

    fn global(suite: SecuritySuite, octet: u8) -> Key {
        Key::try_from(&vec![octet; suite.key_len()][..]).unwrap()
    }

    fn header(transaction_id: u8) -> GeneralHeader {
        GeneralHeader { transaction_id: vec![transaction_id], ..GeneralHeader::default() }
    }

    #[test]
    fn the_recipient_finds_the_key_that_the_originator_made() {
        for suite in [SecuritySuite::Suite1, SecuritySuite::Suite2] {
            let ([client, server], global) = (parties(suite), global(suite, 7));
            let keys = |party| GeneralKeys { suite, global: &global, party: Some(party) };
            for how in ALL {
                let fill = |octets: &mut [u8]| octets.fill(0x51);
                let (info, key) =
                    keys(&client).establish(&RustCrypto, how, &header(1), TITLES, fill).unwrap();
                assert_eq!(key.octets().len(), suite.key_len());
                assert_eq!(key == global, how == KeyEstablishment::Identified);
                let found = keys(&server).find(&RustCrypto, Some(&info), &header(1), TITLES);
                assert_eq!(found, Ok(key.clone()), "{how:?}");

                // In the other direction, or in another transaction, it is another key.
                let back = [SERVER, CLIENT];
                let found = keys(&server).find(&RustCrypto, Some(&info), &header(1), back);
                let agreed =
                    matches!(how, KeyEstablishment::OnePass | KeyEstablishment::StaticUnified);
                assert_eq!(found != Ok(key.clone()), agreed, "{how:?}");
                let found = keys(&server).find(&RustCrypto, Some(&info), &header(2), TITLES);
                let by_transaction = how == KeyEstablishment::StaticUnified;
                assert_eq!(found != Ok(key), by_transaction, "{how:?}");
            }
        }
    }

    #[test]
    fn an_ephemeral_key_that_the_peer_did_not_sign_is_not_used() {
        let suite = SecuritySuite::Suite1;
        let ([mut client, server], global) = (parties(suite), global(suite, 7));
        let fill = |octets: &mut [u8]| octets.fill(0x51);
        let how = KeyEstablishment::OnePass;
        let info = |client: &PartyKeys| {
            let keys = GeneralKeys { suite, global: &global, party: Some(client) };
            keys.establish(&RustCrypto, how, &header(1), TITLES, fill).unwrap().0
        };
        let at_server = GeneralKeys { suite, global: &global, party: Some(&server) };
        let mismatch = Err(SecurityError::SignatureMismatch);

        // The form of peers that sign the key identifier too verifies only where it is agreed on.
        client.compatibility.ephemeral_signature_covers_key_id = true;
        let with_id = info(&client);
        let found = at_server.find(&RustCrypto, Some(&with_id), &header(1), TITLES);
        assert_eq!(found, mismatch);
        let mut tolerant = server.clone();
        tolerant.compatibility.ephemeral_signature_covers_key_id = true;
        let at_tolerant = GeneralKeys { party: Some(&tolerant), ..at_server };
        assert!(at_tolerant.find(&RustCrypto, Some(&with_id), &header(1), TITLES).is_ok());

        client = parties(suite)[0].clone();
        client.signing.as_mut().unwrap().own = server.signing.as_ref().unwrap().own.clone();
        let found = at_server.find(&RustCrypto, Some(&info(&client)), &header(1), TITLES);
        assert_eq!(found, mismatch);
    }

    #[test]
    fn what_is_missing_is_named() {
        let suite = SecuritySuite::Suite1;
        let global = global(suite, 7);
        let none = PartyKeys::default();
        for party in [None, Some(&none)] {
            let keys = GeneralKeys { suite, global: &global, party };
            for (how, missing) in [
                (KeyEstablishment::Wrapped, "key encryption key"),
                (KeyEstablishment::OnePass, "key agreement keys"),
                (KeyEstablishment::StaticUnified, "key agreement keys"),
            ] {
                let made = keys.establish(&RustCrypto, how, &header(1), TITLES, |_| {});
                assert_eq!(made, Err(SecurityError::KeyMissing(missing)));
            }
            let broadcast = Some(&KeyInfo::GlobalBroadcast);
            let found = keys.find(&RustCrypto, broadcast, &header(1), TITLES);
            assert_eq!(found, Err(SecurityError::KeyMissing("broadcast key")));
        }
    }

    #[test]
    fn a_wrapped_key_of_another_length_or_under_another_kek_is_refused() {
        let suite = SecuritySuite::Suite1;
        let ([_, server], global) = (parties(suite), global(suite, 7));
        let keys = GeneralKeys { suite, global: &global, party: Some(&server) };
        let kek = server.key_encryption_key.as_ref().unwrap();
        let long = Key::try_from(&[1; 32][..]).unwrap();
        for (kek, key, error) in [
            (kek.clone(), long, SecurityError::KeyLength),
            (Key::from([1; 16]), Key::from([1; 16]), SecurityError::WrappedKeyMismatch),
        ] {
            let info = KeyInfo::Wrapped(RustCrypto.key_wrap(&kek, &key).unwrap());
            let found = keys.find(&RustCrypto, Some(&info), &header(1), TITLES);
            assert_eq!(found, Err(error));
        }
    }
}
