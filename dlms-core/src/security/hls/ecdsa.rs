//! Mechanism 7: each side signs the titles and the challenges with its private key.

use alloc::vec::Vec;

use super::Turn;
use crate::security::{
    CryptoError, CryptoProvider, Curve, KeysWithPeer, PublicKeyProvider, SecurityError, Signature,
};

/// The keys of mechanism 7. A reply is the signature r, s over both titles and both challenges,
/// those of the signer's turn first.
#[derive(Clone, Copy, Debug)]
pub struct EcdsaKeys<'a> {
    /// The curve of the suite of the association. Keys of another one are not used.
    pub curve: Curve,
    /// The signature keys: the own private one, the peer's public one.
    pub keys: &'a KeysWithPeer,
    /// Take challenges of 8 to 31 octets too, as some peers send them although mechanism 7 asks for
    /// at least 32.
    pub short_challenges: bool,
}

impl EcdsaKeys<'_> {
    pub(super) fn reply(
        &self,
        turn: &Turn<'_>,
        provider: &dyn CryptoProvider,
    ) -> Result<Vec<u8>, SecurityError> {
        let provider = self.provider(provider)?;
        let (own, other) = (turn.own_title()?, turn.other_title()?);
        let parts = [&own.0[..], &other.0, turn.asked, turn.asking];
        Ok(provider.ecdsa_sign(&self.keys.own, &parts)?.octets().to_vec())
    }

    pub(super) fn verify(
        &self,
        turn: &Turn<'_>,
        provider: &dyn CryptoProvider,
        reply: &[u8],
    ) -> Result<(), SecurityError> {
        let provider = self.provider(provider)?;
        let (own, other) = (turn.own_title()?, turn.other_title()?);
        let parts = [&own.0[..], &other.0, turn.asked, turn.asking];
        let signature = Signature::try_from(reply).map_err(|_| SecurityError::ReplyMismatch)?;
        match provider.ecdsa_verify(&self.keys.peer, &parts, &signature) {
            Err(CryptoError::SignatureMismatch) => Err(SecurityError::ReplyMismatch),
            other => Ok(other?),
        }
    }

    /// The library, once both keys are of the curve of the suite.
    fn provider<'p>(
        &self,
        provider: &'p dyn CryptoProvider,
    ) -> Result<&'p dyn PublicKeyProvider, SecurityError> {
        if self.keys.own.curve() != self.curve || self.keys.peer.curve() != self.curve {
            return Err(SecurityError::NotOnCurve);
        }
        provider.public_keys().ok_or(SecurityError::ProviderUnavailable)
    }
}

#[cfg(test)]
#[cfg(feature = "public-keys")]
mod tests {
    use super::*;
    use crate::security::{
        ReceiveCounter, RustCrypto, SendCounters, SystemTitle,
        hls::{Credentials, Exchange},
    };

    const CLIENT: SystemTitle = SystemTitle(*b"MMM\0\0\0\0\x01");
    const SERVER: SystemTitle = SystemTitle(*b"MMM\0\0\xbc\x61\x4e");
    const CTOS: &[u8] = &[0xc5; 32];
    const STOC: &[u8] = &[0x5c; 64];

    /// The keys of a client and of its server.
    fn keys(curve: Curve) -> [KeysWithPeer; 2] {
        let length = curve.coordinate_len();
        let [client, server] = ["11", "22"].map(|octet| octet.repeat(length).parse().unwrap());
        let [client_public, server_public] =
            [&client, &server].map(|key| RustCrypto.public_key(key).unwrap());
        [
            KeysWithPeer { own: client, peer: server_public },
            KeysWithPeer { own: server, peer: client_public },
        ]
    }

    fn exchange(curve: Curve, keys: &KeysWithPeer) -> Exchange<'_> {
        Exchange {
            credentials: Credentials::Ecdsa(EcdsaKeys { curve, keys, short_challenges: false }),
            client_title: Some(CLIENT),
            server_title: Some(SERVER),
            ctos: CTOS,
            stoc: STOC,
        }
    }

    /// The other reading of the rule: one signature over all octets in the order of the table.
    #[test]
    fn a_reply_signs_the_titles_and_the_challenges_in_the_order_of_the_signer() {
        for curve in [Curve::P256, Curve::P384] {
            let [client, server] = keys(curve);
            let (at_client, at_server) = (exchange(curve, &client), exchange(curve, &server));
            let (mut none, mut counter) = (SendCounters::new(), ReceiveCounter::new());

            let reply = at_client.client_reply(&RustCrypto, &mut none).unwrap();
            let message = [&CLIENT.0[..], &SERVER.0, STOC, CTOS].concat();
            let signature = Signature::try_from(&reply[..]).unwrap();
            assert_eq!(RustCrypto.ecdsa_verify(&server.peer, &[&message], &signature), Ok(()));
            assert_eq!(at_server.verify_client_reply(&RustCrypto, &mut counter, &reply), Ok(()));

            let answer = at_server.server_reply(&RustCrypto, &mut none).unwrap();
            let message = [&SERVER.0[..], &CLIENT.0, CTOS, STOC].concat();
            let signature = Signature::try_from(&answer[..]).unwrap();
            assert_eq!(RustCrypto.ecdsa_verify(&client.peer, &[&message], &signature), Ok(()));
            assert_eq!(at_client.verify_server_reply(&RustCrypto, &mut counter, &answer), Ok(()));

            // Neither side takes its own reply, nor an altered one, nor DER.
            let mismatch = Err(SecurityError::ReplyMismatch);
            let reflected = at_client.verify_server_reply(&RustCrypto, &mut counter, &reply);
            assert_eq!(reflected, mismatch);
            for place in [0, reply.len() - 1] {
                let mut altered = reply.clone();
                altered[place] ^= 1;
                let taken = at_server.verify_client_reply(&RustCrypto, &mut counter, &altered);
                assert_eq!(taken, mismatch);
                let taken =
                    at_server.verify_client_reply(&RustCrypto, &mut counter, &reply[..place]);
                assert_eq!(taken, mismatch);
            }
        }
    }

    #[test]
    fn a_challenge_has_at_least_32_octets_unless_short_ones_are_taken() {
        let curve = Curve::P256;
        let [client, _] = keys(curve);
        for (short_challenges, length, refused) in [
            (false, 31, Some(SecurityError::ChallengeLength(31))),
            (false, 32, None),
            (true, 16, None),
            (true, 7, Some(SecurityError::ChallengeLength(7))),
            (true, 65, Some(SecurityError::ChallengeLength(65))),
        ] {
            let stoc = [0x77; 65];
            let keys = EcdsaKeys { curve, keys: &client, short_challenges };
            let exchange = Exchange {
                credentials: Credentials::Ecdsa(keys),
                stoc: &stoc[..length],
                ..exchange(curve, &client)
            };
            let reply = exchange.client_reply(&RustCrypto, &mut SendCounters::new());
            assert_eq!(reply.err(), refused, "{length}");
        }
    }

    #[test]
    fn keys_of_another_curve_than_the_suites_are_not_used() {
        let [[short, _], [long, _]] = [Curve::P256, Curve::P384].map(keys);
        let mixed = KeysWithPeer { own: short.own.clone(), peer: long.peer };
        for (curve, keys) in [(Curve::P256, &long), (Curve::P384, &short), (Curve::P256, &mixed)] {
            let reply = exchange(curve, keys).client_reply(&RustCrypto, &mut SendCounters::new());
            assert_eq!(reply, Err(SecurityError::NotOnCurve));
        }
    }

    #[test]
    fn without_the_titles_of_both_sides_nothing_is_signed() {
        let curve = Curve::P256;
        let [client, _] = keys(curve);
        for exchange in [
            Exchange { client_title: None, ..exchange(curve, &client) },
            Exchange { server_title: None, ..exchange(curve, &client) },
        ] {
            let reply = exchange.client_reply(&RustCrypto, &mut SendCounters::new());
            assert_eq!(reply, Err(SecurityError::SystemTitleMissing));
        }
    }
}
