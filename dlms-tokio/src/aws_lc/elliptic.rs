//! ECDSA and ECDH on P-256 and P-384 by AWS-LC.

use aws_lc_rs::{
    agreement::{self, ECDH_P256, ECDH_P384, UnparsedPublicKey},
    error::Unspecified,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
        ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, ParsedPublicKey,
    },
};
use dlms_core::security::{
    CryptoError, Curve, PrivateKey, PublicKey, PublicKeyProvider, Secret, Signature,
};

use super::AwsLc;

impl PublicKeyProvider for AwsLc {
    fn public_key(&self, private: &PrivateKey) -> Result<PublicKey, CryptoError> {
        let point = agreement_key(private)?
            .compute_public_key()
            .map_err(|Unspecified| CryptoError::Unavailable)?;
        let point = point.as_ref().split_first().map_or(&[][..], |(_uncompressed, point)| point);
        PublicKey::try_from(point).map_err(|_| CryptoError::Unavailable)
    }

    fn ecdsa_sign(&self, key: &PrivateKey, parts: &[&[u8]]) -> Result<Signature, CryptoError> {
        let algorithm = match key.curve() {
            Curve::P256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
            Curve::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
        };
        let point = with_prefix(&self.public_key(key)?);
        let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, key.octets(), &point)
            .map_err(|_| CryptoError::Unavailable)?;
        let signature = pair
            .sign(&SystemRandom::new(), &parts.concat())
            .map_err(|Unspecified| CryptoError::Unavailable)?;
        Signature::try_from(signature.as_ref()).map_err(|_| CryptoError::Unavailable)
    }

    fn ecdsa_verify(
        &self,
        key: &PublicKey,
        parts: &[&[u8]],
        signature: &Signature,
    ) -> Result<(), CryptoError> {
        let algorithm = match key.curve() {
            Curve::P256 => &ECDSA_P256_SHA256_FIXED,
            Curve::P384 => &ECDSA_P384_SHA384_FIXED,
        };
        ParsedPublicKey::new(algorithm, with_prefix(key))
            .map_err(|_| CryptoError::SignatureMismatch)?
            .verify_sig(&parts.concat(), signature.octets())
            .map_err(|Unspecified| CryptoError::SignatureMismatch)
    }

    fn ecdh(&self, own: &PrivateKey, peer: &PublicKey) -> Result<Secret, CryptoError> {
        if own.curve() != peer.curve() {
            return Err(CryptoError::NotOnCurve);
        }
        let algorithm = match own.curve() {
            Curve::P256 => &ECDH_P256,
            Curve::P384 => &ECDH_P384,
        };
        let peer = UnparsedPublicKey::new(algorithm, with_prefix(peer));
        agreement::agree(&agreement_key(own)?, peer, CryptoError::NotOnCurve, |z| {
            Ok(Secret::from(z))
        })
    }
}

fn agreement_key(key: &PrivateKey) -> Result<agreement::PrivateKey, CryptoError> {
    let algorithm = match key.curve() {
        Curve::P256 => &ECDH_P256,
        Curve::P384 => &ECDH_P384,
    };
    agreement::PrivateKey::from_private_key(algorithm, key.octets())
        .map_err(|_| CryptoError::Unavailable)
}

/// An uncompressed point of SEC 1: 04, x, y.
fn with_prefix(key: &PublicKey) -> Vec<u8> {
    [&[0x04], key.octets()].concat()
}

#[cfg(test)]
mod tests {
    use dlms_core::security::RustCrypto;

    use super::*;

    const PARTS: [&[u8]; 3] = [b"ST-C", b"", b"ST-S"];

    fn keys() -> [PrivateKey; 4] {
        ["11".repeat(32), "22".repeat(32), "11".repeat(48), "22".repeat(48)]
            .map(|digits| digits.parse().unwrap())
    }

    #[test]
    fn both_providers_have_the_same_public_keys_and_shared_secrets() {
        for own in &keys() {
            let public = AwsLc.public_key(own).unwrap();
            assert_eq!(RustCrypto.public_key(own), Ok(public));
            for other in &keys() {
                let peer = AwsLc.public_key(other).unwrap();
                assert_eq!(AwsLc.ecdh(own, &peer), RustCrypto.ecdh(own, &peer));
                assert_eq!(AwsLc.ecdh(own, &peer).is_ok(), own.curve() == other.curve());
            }
        }
    }

    #[test]
    fn each_provider_verifies_what_the_other_signed_and_nothing_else() {
        let providers: [&dyn PublicKeyProvider; 2] = [&AwsLc, &RustCrypto];
        for key in &keys() {
            let public = AwsLc.public_key(key).unwrap();
            for signer in providers {
                let signature = signer.ecdsa_sign(key, &PARTS).unwrap();
                for verifier in providers {
                    let verified =
                        |key: PublicKey, parts| verifier.ecdsa_verify(&key, parts, &signature);
                    assert_eq!(verified(public, &PARTS), Ok(()));
                    let mismatch = Err(CryptoError::SignatureMismatch);
                    assert_eq!(verified(public, &PARTS[..1]), mismatch);
                    for other in keys().iter().filter(|other| *other != key) {
                        let other = AwsLc.public_key(other).unwrap();
                        assert_eq!(verified(other, &PARTS), mismatch);
                    }
                }
            }
        }
    }

    #[test]
    fn a_point_that_is_not_on_its_curve_is_refused() {
        for own in &keys() {
            let mut octets = AwsLc.public_key(own).unwrap().octets().to_vec();
            *octets.last_mut().unwrap() ^= 1;
            let off_curve = PublicKey::try_from(&octets[..]).unwrap();
            for provider in [&AwsLc as &dyn PublicKeyProvider, &RustCrypto] {
                assert_eq!(provider.ecdh(own, &off_curve), Err(CryptoError::NotOnCurve));
                let signature = provider.ecdsa_sign(own, &PARTS).unwrap();
                let verified = provider.ecdsa_verify(&off_curve, &PARTS, &signature);
                assert_eq!(verified, Err(CryptoError::SignatureMismatch));
            }
        }
    }
}
