//! ECDSA and ECDH on P-256 and P-384.

use alloc::vec::Vec;

use p256::ecdsa::signature::{MultipartSigner, MultipartVerifier, SignatureEncoding};

use super::RustCrypto;
use crate::security::{
    CryptoError, Curve, PrivateKey, PublicKey, PublicKeyProvider, Secret, Signature,
};

impl PublicKeyProvider for RustCrypto {
    fn public_key(&self, private: &PrivateKey) -> Result<PublicKey, CryptoError> {
        let octets = private.octets();
        match private.curve() {
            Curve::P256 => {
                let key = p256::SecretKey::from_slice(octets);
                let key = key.map_err(|_| CryptoError::Unavailable)?.public_key();
                without_prefix(p256::Sec1Point::from(key).as_bytes())
            }
            Curve::P384 => {
                let key = p384::SecretKey::from_slice(octets);
                let key = key.map_err(|_| CryptoError::Unavailable)?.public_key();
                without_prefix(p384::Sec1Point::from(key).as_bytes())
            }
        }
    }

    fn ecdsa_sign(&self, key: &PrivateKey, parts: &[&[u8]]) -> Result<Signature, CryptoError> {
        match key.curve() {
            Curve::P256 => sign::<p256::ecdsa::SigningKey, p256::ecdsa::Signature>(key, parts),
            Curve::P384 => sign::<p384::ecdsa::SigningKey, p384::ecdsa::Signature>(key, parts),
        }
    }

    fn ecdsa_verify(
        &self,
        key: &PublicKey,
        parts: &[&[u8]],
        signature: &Signature,
    ) -> Result<(), CryptoError> {
        if key.curve() != signature.curve() {
            return Err(CryptoError::SignatureMismatch);
        }
        match key.curve() {
            Curve::P256 => {
                verify::<p256::ecdsa::VerifyingKey, p256::ecdsa::Signature>(key, parts, signature)
            }
            Curve::P384 => {
                verify::<p384::ecdsa::VerifyingKey, p384::ecdsa::Signature>(key, parts, signature)
            }
        }
    }

    fn ecdh(&self, own: &PrivateKey, peer: &PublicKey) -> Result<Secret, CryptoError> {
        if own.curve() != peer.curve() {
            return Err(CryptoError::NotOnCurve);
        }
        let point = with_prefix(peer.octets());
        match own.curve() {
            Curve::P256 => {
                let own = p256::SecretKey::from_slice(own.octets());
                let own = own.map_err(|_| CryptoError::Unavailable)?;
                let peer = p256::PublicKey::from_sec1_bytes(&point);
                let peer = peer.map_err(|_| CryptoError::NotOnCurve)?;
                let z = p256::ecdh::diffie_hellman(own.to_nonzero_scalar(), peer.as_affine());
                Ok(Secret::from(z.raw_secret_bytes().as_slice()))
            }
            Curve::P384 => {
                let own = p384::SecretKey::from_slice(own.octets());
                let own = own.map_err(|_| CryptoError::Unavailable)?;
                let peer = p384::PublicKey::from_sec1_bytes(&point);
                let peer = peer.map_err(|_| CryptoError::NotOnCurve)?;
                let z = p384::ecdh::diffie_hellman(own.to_nonzero_scalar(), peer.as_affine());
                Ok(Secret::from(z.raw_secret_bytes().as_slice()))
            }
        }
    }
}

/// An uncompressed point of SEC 1: 04, x, y.
fn with_prefix(point: &[u8]) -> Vec<u8> {
    [&[0x04], point].concat()
}

/// x and y of an uncompressed point of SEC 1.
fn without_prefix(point: &[u8]) -> Result<PublicKey, CryptoError> {
    let point = point.get(1..).unwrap_or_default();
    PublicKey::try_from(point).map_err(|_| CryptoError::Unavailable)
}

fn sign<K, S>(key: &PrivateKey, parts: &[&[u8]]) -> Result<Signature, CryptoError>
where
    K: for<'a> TryFrom<&'a [u8]> + MultipartSigner<S>,
    S: SignatureEncoding,
{
    let key = K::try_from(key.octets()).map_err(|_| CryptoError::Unavailable)?;
    let signature = key.try_multipart_sign(parts).map_err(|_| CryptoError::Unavailable)?;
    Signature::try_from(signature.to_bytes().as_ref()).map_err(|_| CryptoError::Unavailable)
}

fn verify<K, S>(key: &PublicKey, parts: &[&[u8]], signature: &Signature) -> Result<(), CryptoError>
where
    K: for<'a> TryFrom<&'a [u8]> + MultipartVerifier<S>,
    S: SignatureEncoding,
{
    let point = with_prefix(key.octets());
    let key = K::try_from(&point).map_err(|_| CryptoError::SignatureMismatch)?;
    let signature = S::try_from(signature.octets()).map_err(|_| CryptoError::SignatureMismatch)?;
    key.multipart_verify(parts, &signature).map_err(|_| CryptoError::SignatureMismatch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::hex;

    /// RFC 6979 clauses A.2.5 and A.2.6, with SHA-256 and SHA-384: private key, public key,
    /// message, signature.
    const SIGNED: [(&str, &str, &[u8], &str); 4] = [
        (
            "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
            "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6\
             7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
            b"sample",
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716\
             F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
        ),
        (
            "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
            "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6\
             7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
            b"test",
            // s begins with an octet below 0x10: filled on the left.
            "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367\
             019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
        ),
        (
            "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D8\
             96D5724E4C70A825F872C9EA60D2EDF5",
            "EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E06AAE5286B300C64\
             DEF8F0EA9055866064A254515480BC13\
             8015D9B72D7D57244EA8EF9AC0C621896708A59367F9DFB9F54CA84B3F1C9DB1\
             288B231C3AE0D4FE7344FD2533264720",
            b"sample",
            "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C\
             81A648152E44ACF96E36DD1E80FABE46\
             99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94F\
             A329C145786E679E7B82C71A38628AC8",
        ),
        (
            "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D8\
             96D5724E4C70A825F872C9EA60D2EDF5",
            "EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E06AAE5286B300C64\
             DEF8F0EA9055866064A254515480BC13\
             8015D9B72D7D57244EA8EF9AC0C621896708A59367F9DFB9F54CA84B3F1C9DB1\
             288B231C3AE0D4FE7344FD2533264720",
            b"test",
            "8203B63D3C853E8D77227FB377BCF7B7B772E97892A80F36AB775D509D7A5FEB\
             0542A7F0812998DA8F1DD3CA3CF023DB\
             DDD0760448D42D8A43AF45AF836FCE4DE8BE06B485E9B61B827C2F13173923E0\
             6A739F040649A667BF3B828246BAA5A5",
        ),
    ];

    #[test]
    fn signatures_and_public_keys_are_those_of_rfc_6979() {
        for (private, public, message, signature) in SIGNED {
            let private: PrivateKey = private.parse().unwrap();
            let public: PublicKey = public.parse().unwrap();
            assert_eq!(RustCrypto.public_key(&private), Ok(public));
            let signed = RustCrypto.ecdsa_sign(&private, &[message]).unwrap();
            assert_eq!(signed.octets(), hex::octets(signature));
            let (head, tail) = message.split_at(2);
            assert_eq!(RustCrypto.ecdsa_sign(&private, &[head, b"", tail]), Ok(signed));
            assert_eq!(RustCrypto.ecdsa_verify(&public, &[head, tail], &signed), Ok(()));
        }
    }

    #[test]
    fn a_signature_over_anything_else_or_by_anybody_else_does_not_verify() {
        let mismatch = Err(CryptoError::SignatureMismatch);
        for (at, (_, public, message, signature)) in SIGNED.iter().enumerate() {
            let public: PublicKey = public.parse().unwrap();
            let octets = hex::octets(signature);
            let signature = Signature::try_from(&octets[..]).unwrap();
            assert_eq!(RustCrypto.ecdsa_verify(&public, &[b"samples"], &signature), mismatch);
            let other: PublicKey = SIGNED[(at + 2) % 4].1.parse().unwrap();
            assert_eq!(RustCrypto.ecdsa_verify(&other, &[message], &signature), mismatch);
            for place in [0, octets.len() / 2, octets.len() - 1] {
                let mut altered = octets.clone();
                altered[place] ^= 1;
                let altered = Signature::try_from(&altered[..]).unwrap();
                assert_eq!(RustCrypto.ecdsa_verify(&public, &[message], &altered), mismatch);
            }
            // Zero as r and s would verify for everybody where it is not looked at.
            let zero = Signature::try_from(&octets.iter().map(|_| 0).collect::<Vec<_>>()[..]);
            assert_eq!(RustCrypto.ecdsa_verify(&public, &[message], &zero.unwrap()), mismatch);
        }
    }

    /// RFC 5903 clauses 8.1 and 8.2.
    #[test]
    fn shared_secrets_are_those_of_rfc_5903() {
        for (own, peer, z) in [
            (
                "C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433",
                "D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63\
                 56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB",
                "D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE",
            ),
            (
                "099F3C7034D4A2C699884D73A375A67F7624EF7C6B3C0F160647B67414DCE655\
                 E35B538041E649EE3FAEF896783AB194",
                "E558DBEF53EECDE3D3FCCFC1AEA08A89A987475D12FD950D83CFA41732BC509D\
                 0D1AC43A0336DEF96FDA41D0774A3571\
                 DCFBEC7AACF3196472169E838430367F66EEBE3C6E70C416DD5F0C68759DD1FF\
                 F83FA40142209DFF5EAAD96DB9E6386C",
                "11187331C279962D93D604243FD592CB9D0A926F422E47187521287E7156C5C4\
                 D603135569B9E9D09CF5D4A270F59746",
            ),
        ] {
            let (own, peer): (PrivateKey, PublicKey) =
                (own.parse().unwrap(), peer.parse().unwrap());
            assert_eq!(RustCrypto.ecdh(&own, &peer).unwrap().octets(), hex::octets(z));
        }
    }

    #[test]
    fn a_point_beside_the_curve_or_on_the_other_one_is_refused() {
        for length in [32, 48] {
            let own: PrivateKey = "11".repeat(length).parse().unwrap();
            let beside: PublicKey = "02".repeat(2 * length).parse().unwrap();
            assert_eq!(RustCrypto.ecdh(&own, &beside), Err(CryptoError::NotOnCurve));
            let other: PrivateKey = "11".repeat(80 - length).parse().unwrap();
            let other = RustCrypto.public_key(&other).unwrap();
            assert_eq!(RustCrypto.ecdh(&own, &other), Err(CryptoError::NotOnCurve));
            let signature = RustCrypto.ecdsa_sign(&own, &[b"x"]).unwrap();
            let mismatch = Err(CryptoError::SignatureMismatch);
            assert_eq!(RustCrypto.ecdsa_verify(&beside, &[b"x"], &signature), mismatch);
        }
    }
}
