//! Key agreement: the same key on both sides, without sending it (Green Book 9.2.3.4; NIST SP
//! 800-56A, its concatenation key derivation in one round).
//!
//! ```text
//! K = leftmost octets of H( 00000001, Z, AlgorithmID, PartyUInfo, PartyVInfo )
//!
//! scheme      Z                                U                            V
//! C(2e, 0s)   ephemeral client x server        client                       server
//! C(1e, 1s)   ephemeral originator x static    originator                   recipient
//! C(0e, 2s)   static x static                  originator, transaction-id   recipient
//! ```
//!
//! Suite 1 takes 16 octets of SHA-256, suite 2 takes 32 of SHA-384. In C(0e, 2s) the
//! transaction-id stands with its length in front: it is what makes each key another one.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::{
    CryptoProvider, Curve, Key, PrivateKey, PublicKey, PublicKeyProvider, Secret, SecurityError,
    SecuritySuite, Signature, SystemTitle,
};
use crate::{
    Malformed, MalformedKind,
    axdr::{Reader, Writer},
};

/// The global keys that can be transferred and agreed on (class 64, methods 2 and 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyId {
    /// The global unicast encryption key.
    Guek,
    /// The global broadcast encryption key.
    Gbek,
    /// The global authentication key.
    Gak,
    /// The key encryption key, also called master key.
    Kek,
}

impl KeyId {
    /// The key with this identifier.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Guek),
            1 => Some(Self::Gbek),
            2 => Some(Self::Gak),
            3 => Some(Self::Kek),
            _ => None,
        }
    }

    /// The identifier.
    pub const fn code(self) -> u8 {
        match self {
            Self::Guek => 0,
            Self::Gbek => 1,
            Self::Gak => 2,
            Self::Kek => 3,
        }
    }

    /// What the key is for, as the derivation says it.
    pub const fn purpose(self) -> KeyPurpose {
        match self {
            Self::Kek => KeyPurpose::Wrapping,
            _ => KeyPurpose::Ciphering,
        }
    }
}

/// What an agreed key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyPurpose {
    /// AES-GCM.
    Ciphering,
    /// AES key wrap.
    Wrapping,
}

/// What makes the key of one agreement another one than that of the next.
#[derive(Clone, Copy, Debug)]
pub struct KeyDerivation<'a> {
    /// Suite 1 or 2; suite 0 agrees on no keys.
    pub suite: SecuritySuite,
    /// What the key will be for.
    pub purpose: KeyPurpose,
    /// U: the client in C(2e, 0s), else the originator.
    pub party_u: SystemTitle,
    /// The transaction-id in C(0e, 2s), without its length; None in the other schemes.
    pub transaction_id: Option<&'a [u8]>,
    /// V: the server in C(2e, 0s), else the recipient.
    pub party_v: SystemTitle,
    /// See [`Compatibility::kdf_arc_06`](super::Compatibility::kdf_arc_06).
    pub arc_06: bool,
}

impl KeyDerivation<'_> {
    /// The key, from the shared secret Z.
    ///
    /// # Errors
    /// [`SecurityError::NotOnCurve`] in suite 0 and for a Z of another length than the suite's;
    /// what the provider reports.
    pub fn derive(&self, provider: &dyn CryptoProvider, z: &Secret) -> Result<Key, SecurityError> {
        let curve = self.suite.curve().ok_or(SecurityError::NotOnCurve)?;
        if z.octets().len() != curve.coordinate_len() {
            return Err(SecurityError::NotOnCurve);
        }
        let mut transaction = Vec::new();
        if let Some(octets) = self.transaction_id {
            Writer::new(&mut transaction).octet_string(octets);
        }
        let algorithm = self.algorithm_id();
        let parts = [
            &1_u32.to_be_bytes()[..],
            z.octets(),
            &algorithm,
            &self.party_u.0,
            &transaction,
            &self.party_v.0,
        ];
        let hash = match curve {
            Curve::P256 => Zeroizing::new(provider.sha256(&parts)?.to_vec()),
            Curve::P384 => Zeroizing::new(provider.sha384(&parts)?.to_vec()),
        };
        let octets = hash.get(..self.suite.key_len()).unwrap_or_default();
        Key::try_from(octets).map_err(|_| SecurityError::KeyLength)
    }

    /// The object identifier of the algorithm that will use the key, without its length.
    const fn algorithm_id(&self) -> [u8; 7] {
        let arc = if self.arc_06 { 0x06 } else { 0x05 };
        let last = match (self.purpose, self.suite) {
            (KeyPurpose::Ciphering, SecuritySuite::Suite2) => 1,
            (KeyPurpose::Ciphering, _) => 0,
            (KeyPurpose::Wrapping, SecuritySuite::Suite2) => 3,
            (KeyPurpose::Wrapping, _) => 2,
        };
        [0x60, 0x85, 0x74, arc, 0x08, 0x03, last]
    }
}

/// An ephemeral public key and the signature that says whose it is: 128 octets in suite 1, 192 in
/// suite 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EphemeralKey {
    /// The ephemeral public key.
    pub public: PublicKey,
    /// The signature of its owner.
    pub signature: Signature,
}

impl EphemeralKey {
    /// Signs the public half of `ephemeral`. The signature covers `key_id` in front of it in the
    /// key_agreement method, and the public key alone in general-ciphering, which is what None says
    /// (both verified against published examples).
    ///
    /// # Errors
    /// What the provider reports.
    pub fn sign(
        provider: &dyn PublicKeyProvider,
        ephemeral: &PrivateKey,
        signer: &PrivateKey,
        key_id: Option<KeyId>,
    ) -> Result<Self, SecurityError> {
        let public = provider.public_key(ephemeral)?;
        let id = key_id.map(KeyId::code);
        let signature = provider.ecdsa_sign(signer, &[id.as_slice(), public.octets()])?;
        Ok(Self { public, signature })
    }

    /// Verifies that `signer` made it, under the same `key_id` as it was signed with.
    ///
    /// # Errors
    /// [`SecurityError::SignatureMismatch`], and what the provider reports.
    pub fn verify(
        &self,
        provider: &dyn PublicKeyProvider,
        signer: &PublicKey,
        key_id: Option<KeyId>,
    ) -> Result<(), SecurityError> {
        let id = key_id.map(KeyId::code);
        let parts = [id.as_slice(), self.public.octets()];
        Ok(provider.ecdsa_verify(signer, &parts, &self.signature)?)
    }

    /// Takes the rest of `reader`: a public key and as many octets of signature.
    ///
    /// # Errors
    /// [`MalformedKind::Length`] for any other length.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let wrong = reader.fail(MalformedKind::Length);
        let octets = reader.octets(reader.rest().len())?;
        let (public, signature) = octets.split_at_checked(octets.len() / 2).ok_or(wrong)?;
        Ok(Self {
            public: PublicKey::try_from(public).map_err(|_| wrong)?,
            signature: Signature::try_from(signature).map_err(|_| wrong)?,
        })
    }

    /// Appends public key and signature.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.octets(self.public.octets());
        writer.octets(self.signature.octets());
    }
}

#[cfg(test)]
#[cfg(feature = "public-keys")]
mod tests {
    use super::*;
    use crate::security::{RustCrypto, hex};

    const CLIENT: SystemTitle = SystemTitle(*b"MMM\0\0\xbc\x61\x4e");
    const SERVER: SystemTitle = SystemTitle(*b"MMM\0\0\0\0\x01");

    fn suite_1(party_u: SystemTitle, party_v: SystemTitle) -> KeyDerivation<'static> {
        KeyDerivation {
            suite: SecuritySuite::Suite1,
            purpose: KeyPurpose::Ciphering,
            party_u,
            transaction_id: None,
            party_v,
            arc_06: false,
        }
    }

    fn derived(derivation: KeyDerivation<'_>, z: &str) -> Key {
        derivation.derive(&RustCrypto, &Secret::from(hex::octets(z))).unwrap()
    }

    /// The worked examples of the Green Book. With the registered identifier the keys of C(1e, 1s)
    /// and C(0e, 2s) open the printed ciphertexts; with its misprint (06) come the printed keys.
    #[test]
    fn agreed_keys_are_those_that_open_the_worked_examples() {
        let tid = [1, 2, 3, 4, 5, 6, 7, 8];
        for (derivation, z, arc_05, arc_06) in [
            (
                suite_1(CLIENT, SERVER),
                "c1cf8fe7891aef3617d7190795e61fe6c24efc3cca2e08469bad1a225ce6ea08",
                "c5f4512846ede51cfb8ccf59f08a694e",
                Some("e025ca6f9ee8d2b40f993739d44cfbc0"),
            ),
            (
                suite_1(CLIENT, SERVER),
                "0d4385ba0dd756cbcab9887eb538396ee8f090a14c1079b4359f115b977f4615",
                "59a71fd81c929a86a99438da17a66c05",
                Some("8cd08ff02eac71712de8449dc8331833"),
            ),
            (
                suite_1(SERVER, CLIENT),
                "2b4302dc49790e2e78d990cfb52ed6e2f273dece441a2d95e4301b93812a9fac",
                "f0184bda9466bfa4601a64a7ef46504a",
                Some("e357f06755cbf5c2c31457fe3cd1d5b8"),
            ),
            (
                KeyDerivation { transaction_id: Some(&tid), ..suite_1(CLIENT, SERVER) },
                "b1455b2ad5f68bcffe6ad5412ba89548aca7e0cbf4b1560d6a57496f15e931ad",
                "56c46b57df675515c31025455822514a",
                None,
            ),
        ] {
            assert_eq!(derived(derivation, z), arc_05.parse().unwrap());
            if let Some(arc_06) = arc_06 {
                let misprint = KeyDerivation { arc_06: true, ..derivation };
                assert_eq!(derived(misprint, z), arc_06.parse().unwrap());
            }
        }
    }

    /// A production message of the British smart meters, which use the misprint.
    #[test]
    fn gbcs_keys_come_from_the_identifier_with_06() {
        let derivation = KeyDerivation {
            transaction_id: Some(&[0x01, 0, 0, 0, 0, 0, 0, 0x03, 0xe9]),
            arc_06: true,
            ..suite_1(
                SystemTitle(*b"\x90\xb3\xd5\x1f\x30\x01\x00\x00"),
                SystemTitle(*b"\x00\xdb\x12\x34\x56\x78\x90\xa1"),
            )
        };
        let z = "5b88e998667e52db03247ce3508da4639ab2b3217b516a48db6918bfa9f80e9f";
        let key = "d17ca6ff2492e33d06ab3da67caafbc8";
        assert_eq!(derived(derivation, z), key.parse().unwrap());
    }

    #[test]
    fn the_ephemeral_key_is_signed_with_its_identifier_in_key_agreement_and_alone_elsewhere() {
        let signer = "BAAFFDE06A8CB1C9DAE8D94023C601DBBB249254BA22EDD827E820BCA2BCC643\
                      62FBB83D86A82B87BB8B7161D2AAB5521911A946B97A284A90F7785CD9047D25";
        let signer: PublicKey = signer.parse().unwrap();
        for (ephemeral, right, wrong) in [
            (
                "2914D60E10AB705F62ED6CC349D7CB99B9AB3F3978E59278C7AF595B3AF98794\
                 1372DAB6D5AF1FA867E134167E6F23DE664A6693E05F43414611058D1B48F894\
                 06F0607702AA0E2435A183E2F6B1ECD19629712E389A213610C03F77B2590860\
                 EA840AF5C3FA1F2BCDF055D4744E9A01CE9A0E55026BCAA4EEBEB764CED64BB3",
                Some(KeyId::Guek),
                None,
            ),
            (
                "c323c2bd45711de4688637d919f92e9db8fb2dfc213a88d21c9dc8dcba917d81\
                 70511de1badb360d50058f794b0960ae11fa28d392cff907a62d13e3357b1dc0\
                 b51be089d0b682863b2217201e73a1a9031968a9b4121dcbc3281a69739af874\
                 29f5b3ac5471e7b6a04a2c0f2f8a25fd772a317df97fc5463feac248eb8ab8be",
                None,
                Some(KeyId::Guek),
            ),
        ] {
            let octets = hex::octets(ephemeral);
            let ephemeral = EphemeralKey::decode(&mut Reader::new(&octets)).unwrap();
            assert_eq!(ephemeral.verify(&RustCrypto, &signer, right), Ok(()));
            let mismatch = Err(SecurityError::SignatureMismatch);
            assert_eq!(ephemeral.verify(&RustCrypto, &signer, wrong), mismatch);
            assert_eq!(ephemeral.verify(&RustCrypto, &signer, Some(KeyId::Gak)), mismatch);
            let mut out = Vec::new();
            ephemeral.encode(&mut Writer::new(&mut out));
            assert_eq!(out, octets);
        }
    }

    #[test]
    fn both_sides_agree_on_the_same_key_in_either_suite() {
        for suite in [SecuritySuite::Suite1, SecuritySuite::Suite2] {
            let length = suite.curve().unwrap().coordinate_len();
            let [client, server] = ["31", "32"].map(|octet| octet.repeat(length).parse().unwrap());
            let [client_public, server_public] =
                [&client, &server].map(|key| RustCrypto.public_key(key).unwrap());
            let derivation = KeyDerivation { suite, ..suite_1(CLIENT, SERVER) };
            let at = |own: &PrivateKey, peer: &PublicKey| {
                let z = RustCrypto.ecdh(own, peer).unwrap();
                derivation.derive(&RustCrypto, &z).unwrap()
            };
            let key = at(&client, &server_public);
            assert_eq!(key, at(&server, &client_public));
            assert_eq!(key.octets().len(), suite.key_len());
        }
    }

    #[test]
    fn another_purpose_direction_or_transaction_gives_another_key() {
        let z = "c1cf8fe7891aef3617d7190795e61fe6c24efc3cca2e08469bad1a225ce6ea08";
        let base = suite_1(CLIENT, SERVER);
        let keys = [
            base,
            KeyDerivation { purpose: KeyPurpose::Wrapping, ..base },
            suite_1(SERVER, CLIENT),
            KeyDerivation { transaction_id: Some(&[]), ..base },
            KeyDerivation { transaction_id: Some(&[1]), ..base },
        ]
        .map(|derivation| derived(derivation, z));
        for (at, key) in keys.iter().enumerate() {
            assert!(!keys[..at].contains(key), "{at}");
        }
    }

    #[test]
    fn suite_0_and_a_secret_of_the_other_curve_derive_nothing() {
        for (suite, length) in
            [(SecuritySuite::Suite0, 32), (SecuritySuite::Suite1, 48), (SecuritySuite::Suite2, 32)]
        {
            let derivation = KeyDerivation { suite, ..suite_1(CLIENT, SERVER) };
            let z = Secret::from(std::vec![1; length]);
            assert_eq!(derivation.derive(&RustCrypto, &z), Err(SecurityError::NotOnCurve));
        }
    }

    #[test]
    fn an_ephemeral_key_has_the_length_of_key_and_signature_together() {
        for length in (0..260).filter(|length| ![128, 192].contains(length)) {
            let octets = std::vec![0x21; length];
            let refused = EphemeralKey::decode(&mut Reader::at(&octets, 7));
            assert_eq!(refused, Err(Malformed::new(MalformedKind::Length, 7)));
        }
    }
}
