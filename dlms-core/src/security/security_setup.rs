//! Security setup: the keys and the policy of a device, and what its methods do to them
//! (IEC 62056-6-2, class 64, versions 0 and 1).
//!
//! | method | does |
//! |---|---|
//! | 1 security_activate | strengthens the policy; it is never weakened |
//! | 2 key_transfer (v0: global_key_transfer) | takes keys that are wrapped with the KEK |
//! | 3 key_agreement, v1 | agrees on keys by C(2e, 0s) |
//!
//! A method takes all of its parameter or nothing. The answer still goes under the old keys: see
//! [`LogicalDevice`](crate::association::LogicalDevice).

use alloc::vec::Vec;

use super::{
    CryptoProvider, EphemeralKey, Key, KeyDerivation, KeyId, PartyKeys, PrivateKey, Protection,
    SecuritySuite, SystemTitle,
};
use crate::{
    axdr::{Data, DataBuf, Reader, Writer},
    xdlms::ActionResult,
};

/// Keys in one parameter: there are no more to transfer or to agree on.
const KEYS_MAX: usize = 4;

/// The version of the class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SecuritySetupVersion {
    /// Suite 0: the policy is one of four.
    V0,
    /// Every suite: the policy is a set of bits, requests and responses apart.
    V1,
}

/// What must be protected, and how, in each direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SecurityPolicy {
    /// What requests must have at least.
    pub request: Protection,
    /// What responses have at least.
    pub response: Protection,
}

// The bits of version 1; bits 0 and 1 are reserved.
const REQUEST_AUTHENTICATED: u8 = 0x04;
const REQUEST_ENCRYPTED: u8 = 0x08;
const REQUEST_SIGNED: u8 = 0x10;
const RESPONSE_AUTHENTICATED: u8 = 0x20;
const RESPONSE_ENCRYPTED: u8 = 0x40;
const RESPONSE_SIGNED: u8 = 0x80;
const RESERVED: u8 = 0x03;

impl SecurityPolicy {
    /// Nothing need be protected.
    pub const NOTHING: Self = Self { request: Protection::NONE, response: Protection::NONE };

    /// Reads the value of attribute 2 in a version; None for a value that the version reserves.
    pub const fn from_code(version: SecuritySetupVersion, code: u8) -> Option<Self> {
        match version {
            SecuritySetupVersion::V0 => {
                let both = match code {
                    0 => Protection::NONE,
                    1 => Protection::AUTHENTICATED,
                    2 => Protection::ENCRYPTED,
                    3 => Protection::AUTHENTICATED_ENCRYPTED,
                    _ => return None,
                };
                Some(Self { request: both, response: both })
            }
            SecuritySetupVersion::V1 if code & RESERVED != 0 => None,
            SecuritySetupVersion::V1 => Some(Self {
                request: Protection {
                    authenticated: code & REQUEST_AUTHENTICATED != 0,
                    encrypted: code & REQUEST_ENCRYPTED != 0,
                    signed: code & REQUEST_SIGNED != 0,
                },
                response: Protection {
                    authenticated: code & RESPONSE_AUTHENTICATED != 0,
                    encrypted: code & RESPONSE_ENCRYPTED != 0,
                    signed: code & RESPONSE_SIGNED != 0,
                },
            }),
        }
    }

    /// The value of attribute 2 in a version; None for a policy that version 0 cannot say.
    pub fn code(self, version: SecuritySetupVersion) -> Option<u8> {
        match version {
            SecuritySetupVersion::V0 => {
                (0..=3).find(|code| Self::from_code(version, *code) == Some(self))
            }
            SecuritySetupVersion::V1 => {
                let bit = |set: bool, bit: u8| if set { bit } else { 0 };
                Some(
                    bit(self.request.authenticated, REQUEST_AUTHENTICATED)
                        | bit(self.request.encrypted, REQUEST_ENCRYPTED)
                        | bit(self.request.signed, REQUEST_SIGNED)
                        | bit(self.response.authenticated, RESPONSE_AUTHENTICATED)
                        | bit(self.response.encrypted, RESPONSE_ENCRYPTED)
                        | bit(self.response.signed, RESPONSE_SIGNED),
                )
            }
        }
    }

    /// Whether this demands at least as much as `other`.
    pub const fn covers(self, other: Self) -> bool {
        self.request.covers(other.request) && self.response.covers(other.response)
    }
}

/// The keys and the policy of a device, as one security setup object has them.
#[derive(Clone, Debug)]
pub struct SecuritySetup {
    /// The version of the class.
    pub version: SecuritySetupVersion,
    /// The suite, which decides how long the keys are.
    pub suite: SecuritySuite,
    /// The policy.
    pub policy: SecurityPolicy,
    /// The global unicast encryption key (GUEK).
    pub encryption: Key,
    /// The global broadcast encryption key (GBEK), once there is one.
    pub broadcast: Option<Key>,
    /// The global authentication key (GAK).
    pub authentication: Key,
    /// The KEK, and the keys of suites 1 and 2.
    pub party: PartyKeys,
}

impl SecuritySetup {
    /// Method 1, security_activate: takes a policy that demands at least as much as the present
    /// one.
    ///
    /// # Errors
    /// [`ActionResult::TypeUnmatched`] for what is no enum, [`ActionResult::OtherReason`] for a
    /// reserved value, [`ActionResult::ReadWriteDenied`] for a weaker policy and for one that needs
    /// signatures where there are no signature keys.
    pub fn activate(&mut self, parameter: &Data<'_>) -> Result<(), ActionResult> {
        let code = parameter.as_enum().ok_or(ActionResult::TypeUnmatched)?;
        let policy =
            SecurityPolicy::from_code(self.version, code).ok_or(ActionResult::OtherReason)?;
        let signs = policy.request.signed || policy.response.signed;
        if !policy.covers(self.policy) || (signs && self.party.signing.is_none()) {
            return Err(ActionResult::ReadWriteDenied);
        }
        self.policy = policy;
        Ok(())
    }

    /// Method 2, key_transfer: takes keys that are wrapped with the KEK, as array of structure of
    /// key identifier and wrapped key.
    ///
    /// # Errors
    /// [`ActionResult::TypeUnmatched`] for another structure, [`ActionResult::OtherReason`] for a
    /// key identifier that is reserved or comes twice, and for a key that does not unwrap or has
    /// another length than the suite's. Nothing is taken then.
    pub fn transfer_keys(
        &mut self,
        provider: &dyn CryptoProvider,
        parameter: &Data<'_>,
    ) -> Result<(), ActionResult> {
        let kek = self.party.key_encryption_key.as_ref().ok_or(ActionResult::OtherReason)?;
        let mut keys: Vec<(KeyId, Key)> = Vec::new();
        for (id, wrapped) in key_items(parameter)? {
            let key = provider.key_unwrap(kek, wrapped).map_err(|_| ActionResult::OtherReason)?;
            self.add(&mut keys, id, key)?;
        }
        self.take(keys);
        Ok(())
    }

    /// Method 3, key_agreement: agrees on keys by C(2e, 0s) with `client`, whose ephemeral public
    /// keys come signed, as array of structure of key identifier and key with signature. Appends
    /// the same with the device's ephemeral keys to `out`: one Data. `fill` gives random octets.
    ///
    /// # Errors
    /// As [`transfer_keys`](Self::transfer_keys), and [`ActionResult::OtherReason`] for a signature
    /// that does not verify and for a suite or device without elliptic curves.
    pub fn agree_on_keys(
        &mut self,
        provider: &dyn CryptoProvider,
        client: SystemTitle,
        device: SystemTitle,
        parameter: &Data<'_>,
        mut fill: impl FnMut(&mut [u8]),
        out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        let refused = ActionResult::OtherReason;
        let curves = provider.public_keys().ok_or(refused)?;
        let curve = self.suite.curve().ok_or(refused)?;
        let signing = self.party.signing.as_ref().ok_or(refused)?;
        let mut keys: Vec<(KeyId, Key)> = Vec::new();
        let mut answer = Vec::new();
        for (id, octets) in key_items(parameter)? {
            let theirs = EphemeralKey::decode(&mut Reader::new(octets)).map_err(|_| refused)?;
            theirs.verify(curves, &signing.peer, Some(id)).map_err(|_| refused)?;
            let ephemeral = PrivateKey::from_entropy(curve, &mut fill).map_err(|_| refused)?;
            let z = curves.ecdh(&ephemeral, &theirs.public).map_err(|_| refused)?;
            let derivation = KeyDerivation {
                suite: self.suite,
                purpose: id.purpose(),
                party_u: client,
                transaction_id: None,
                party_v: device,
                arc_06: self.party.compatibility.kdf_arc_06,
            };
            let key = derivation.derive(provider, &z).map_err(|_| refused)?;
            self.add(&mut keys, id, key)?;
            let ours = EphemeralKey::sign(curves, &ephemeral, &signing.own, Some(id));
            let mut data = Vec::new();
            ours.map_err(|_| refused)?.encode(&mut Writer::new(&mut data));
            answer
                .push(DataBuf::structure([DataBuf::Enum(id.code()), DataBuf::octet_string(data)]));
        }
        self.take(keys);
        DataBuf::array(answer).encode(&mut Writer::new(out));
        Ok(())
    }

    /// Adds a key that fits to those of one parameter.
    fn add(&self, keys: &mut Vec<(KeyId, Key)>, id: KeyId, key: Key) -> Result<(), ActionResult> {
        let twice = keys.iter().any(|(taken, _)| *taken == id);
        if twice || key.octets().len() != self.suite.key_len() {
            return Err(ActionResult::OtherReason);
        }
        keys.push((id, key));
        Ok(())
    }

    fn take(&mut self, keys: Vec<(KeyId, Key)>) {
        for (id, key) in keys {
            match id {
                KeyId::Guek => self.encryption = key,
                KeyId::Gbek => self.broadcast = Some(key),
                KeyId::Gak => self.authentication = key,
                KeyId::Kek => self.party.key_encryption_key = Some(key),
            }
        }
    }
}

/// The elements of a parameter: key identifier and octets.
fn key_items<'a>(parameter: &Data<'a>) -> Result<Vec<(KeyId, &'a [u8])>, ActionResult> {
    let wrong = ActionResult::TypeUnmatched;
    let elements = parameter.as_array().ok_or(wrong)?;
    if elements.is_empty() || elements.len() > KEYS_MAX {
        return Err(ActionResult::OtherReason);
    }
    elements
        .map(|element| {
            let element = element.map_err(|_| wrong)?;
            let mut fields = element.as_structure().ok_or(wrong)?;
            match (fields.next(), fields.next(), fields.next()) {
                (Some(Ok(id)), Some(Ok(Data::OctetString(octets))), None) => {
                    let id = id.as_enum().ok_or(wrong)?;
                    Ok((KeyId::from_code(id).ok_or(ActionResult::OtherReason)?, octets))
                }
                _ => Err(wrong),
            }
        })
        .collect()
}

#[cfg(test)]
#[cfg(feature = "public-keys")]
mod tests {
    use std::vec;

    use super::*;
    use crate::security::{KeysWithPeer, PublicKeyProvider, RustCrypto};

    const CLIENT: SystemTitle = SystemTitle(*b"MMM\0\0\xbc\x61\x4e");
    const DEVICE: SystemTitle = SystemTitle(*b"MMM\0\0\0\0\x01");

    fn key(suite: SecuritySuite, octet: u8) -> Key {
        Key::try_from(&vec![octet; suite.key_len()][..]).unwrap()
    }

    /// The signature key of the client, and the device.
    fn device(suite: SecuritySuite) -> (PrivateKey, SecuritySetup) {
        let curve = suite.curve().unwrap();
        let [client, own] = [0x11, 0x22]
            .map(|octet| PrivateKey::try_from(&vec![octet; curve.coordinate_len()][..]).unwrap());
        let peer = RustCrypto.public_key(&client).unwrap();
        let setup = SecuritySetup {
            version: SecuritySetupVersion::V1,
            suite,
            policy: SecurityPolicy::NOTHING,
            encryption: key(suite, 1),
            broadcast: None,
            authentication: key(suite, 2),
            party: PartyKeys {
                key_encryption_key: Some(key(suite, 3)),
                signing: Some(KeysWithPeer { own, peer }),
                ..PartyKeys::default()
            },
        };
        (client, setup)
    }

    fn parameter(items: &[(u8, Vec<u8>)]) -> Vec<u8> {
        DataBuf::array(items.iter().map(|(id, octets)| {
            DataBuf::structure([DataBuf::Enum(*id), DataBuf::octet_string(octets.clone())])
        }))
        .to_octets()
    }

    fn data(octets: &[u8]) -> Data<'_> {
        Data::decode(&mut Reader::new(octets)).unwrap()
    }

    fn keys_of(setup: &SecuritySetup) -> [Option<Key>; 4] {
        [
            Some(setup.encryption.clone()),
            setup.broadcast.clone(),
            Some(setup.authentication.clone()),
            setup.party.key_encryption_key.clone(),
        ]
    }

    #[test]
    fn policies_are_the_values_of_both_versions() {
        use SecuritySetupVersion::{V0, V1};
        let both = Protection::AUTHENTICATED_ENCRYPTED;
        for (version, code, request, response) in [
            (V0, 0, Protection::NONE, Protection::NONE),
            (V0, 1, Protection::AUTHENTICATED, Protection::AUTHENTICATED),
            (V0, 2, Protection::ENCRYPTED, Protection::ENCRYPTED),
            (V0, 3, both, both),
            (V1, 0x00, Protection::NONE, Protection::NONE),
            (V1, 0x04, Protection::AUTHENTICATED, Protection::NONE),
            (V1, 0x6c, both, both),
            (V1, 0x90, Protection::NONE.and_signed(), Protection::NONE.and_signed()),
        ] {
            let policy = SecurityPolicy { request, response };
            assert_eq!(SecurityPolicy::from_code(version, code), Some(policy));
            assert_eq!(policy.code(version), Some(code));
        }
        for code in 0..=u8::MAX {
            assert_eq!(SecurityPolicy::from_code(V0, code).is_some(), code <= 3);
            // The value 3 of version 0 has no meaning in version 1.
            assert_eq!(SecurityPolicy::from_code(V1, code).is_some(), code & 3 == 0);
        }
        let requests_only = SecurityPolicy { request: both, response: Protection::NONE };
        assert_eq!(requests_only.code(V0), None);
    }

    #[test]
    fn a_policy_is_only_strengthened() {
        let (_, mut setup) = device(SecuritySuite::Suite1);
        let mut activate = |octets: &[u8]| setup.activate(&data(octets));
        assert_eq!(activate(&[0x16, 0x24]), Ok(()));
        for weaker in [0x00, 0x04, 0x20, 0x48] {
            assert_eq!(activate(&[0x16, weaker]), Err(ActionResult::ReadWriteDenied));
        }
        assert_eq!(activate(&[0x16, 0x24]), Ok(()));
        assert_eq!(activate(&[0x16, 0xfc]), Ok(()));
        assert_eq!(activate(&[0x16, 0xff]), Err(ActionResult::OtherReason));
        assert_eq!(activate(&[0x11, 0xfc]), Err(ActionResult::TypeUnmatched));
        assert_eq!(setup.policy.code(SecuritySetupVersion::V1), Some(0xfc));
    }

    #[test]
    fn a_policy_that_asks_for_signatures_needs_signature_keys() {
        let (_, mut setup) = device(SecuritySuite::Suite1);
        setup.party.signing = None;
        let refused = setup.activate(&data(&[0x16, 0x10]));
        assert_eq!(refused, Err(ActionResult::ReadWriteDenied));
    }

    #[test]
    fn transferred_keys_are_unwrapped_with_the_kek() {
        for suite in [SecuritySuite::Suite1, SecuritySuite::Suite2] {
            let (_, mut setup) = device(suite);
            let items = [0, 1, 2, 3].map(|id| {
                (id, RustCrypto.key_wrap(&key(suite, 3), &key(suite, 0x50 + id)).unwrap())
            });
            let octets = parameter(&items);
            assert_eq!(setup.transfer_keys(&RustCrypto, &data(&octets)), Ok(()));
            assert_eq!(keys_of(&setup), [0, 1, 2, 3].map(|id| Some(key(suite, 0x50 + id))));
        }
    }

    #[test]
    fn one_key_that_is_wrong_leaves_all_as_they_are() {
        let suite = SecuritySuite::Suite1;
        let (kek, good) = (key(suite, 3), key(suite, 0x50));
        let wrapped = RustCrypto.key_wrap(&kek, &good).unwrap();
        let other_kek = RustCrypto.key_wrap(&good, &good).unwrap();
        let long = RustCrypto.key_wrap(&kek, &key(SecuritySuite::Suite2, 9)).unwrap();
        let first = (0, wrapped.clone());
        for second in [(2, other_kek), (2, long), (0, wrapped.clone()), (4, wrapped), (2, vec![])] {
            let (_, mut setup) = device(suite);
            let before = keys_of(&setup);
            let octets = parameter(&[first.clone(), second]);
            let refused = setup.transfer_keys(&RustCrypto, &data(&octets));
            assert_eq!(refused, Err(ActionResult::OtherReason));
            assert_eq!(keys_of(&setup), before);
        }
        let (_, mut setup) = device(suite);
        for (octets, refused) in [
            (parameter(&[]), ActionResult::OtherReason),
            (vec![0x00], ActionResult::TypeUnmatched),
            (vec![0x01, 0x01, 0x02, 0x01, 0x16, 0x00], ActionResult::TypeUnmatched),
            (vec![0x01, 0x01, 0x02, 0x02, 0x16, 0x00, 0x16, 0x00], ActionResult::TypeUnmatched),
        ] {
            assert_eq!(setup.transfer_keys(&RustCrypto, &data(&octets)), Err(refused));
        }
    }

    #[test]
    fn client_and_device_agree_on_the_same_keys() {
        for suite in [SecuritySuite::Suite1, SecuritySuite::Suite2] {
            let (signer, mut setup) = device(suite);
            let device_signer = RustCrypto.public_key(&setup.party.signing.as_ref().unwrap().own);
            let device_signer = device_signer.unwrap();
            let curve = suite.curve().unwrap();
            let ephemerals = [KeyId::Guek, KeyId::Kek].map(|id| {
                let octets = vec![0x60 + id.code(); curve.coordinate_len()];
                (id, PrivateKey::try_from(&octets[..]).unwrap())
            });
            let items = ephemerals.clone().map(|(id, ephemeral)| {
                let mut octets = Vec::new();
                EphemeralKey::sign(&RustCrypto, &ephemeral, &signer, Some(id))
                    .unwrap()
                    .encode(&mut Writer::new(&mut octets));
                (id.code(), octets)
            });
            let (octets, mut out) = (parameter(&items), Vec::new());
            let mut drawn = 0x70;
            let fill = |octets: &mut [u8]| {
                drawn += 1;
                octets.fill(drawn);
            };
            let agreed =
                setup.agree_on_keys(&RustCrypto, CLIENT, DEVICE, &data(&octets), fill, &mut out);
            assert_eq!(agreed, Ok(()));

            let answer = data(&out);
            for ((id, ephemeral), (answered, octets)) in
                ephemerals.iter().zip(key_items(&answer).unwrap())
            {
                assert_eq!(*id, answered);
                let theirs = EphemeralKey::decode(&mut Reader::new(octets)).unwrap();
                assert_eq!(theirs.verify(&RustCrypto, &device_signer, Some(*id)), Ok(()));
                let z = RustCrypto.ecdh(ephemeral, &theirs.public).unwrap();
                let derivation = KeyDerivation {
                    suite,
                    purpose: id.purpose(),
                    party_u: CLIENT,
                    transaction_id: None,
                    party_v: DEVICE,
                    arc_06: false,
                };
                let key = derivation.derive(&RustCrypto, &z).unwrap();
                let place = usize::from(id.code());
                assert_eq!(keys_of(&setup)[place], Some(key));
            }
            // Not asked for, not changed.
            assert_eq!(setup.authentication, key(suite, 2));
        }
    }

    #[test]
    fn an_ephemeral_key_of_a_stranger_or_for_another_key_is_refused() {
        let suite = SecuritySuite::Suite1;
        let (signer, setup) = device(suite);
        let ephemeral: PrivateKey = "66".repeat(32).parse().unwrap();
        for (signer, signed_for, said) in [(&ephemeral, KeyId::Guek, 0), (&signer, KeyId::Gak, 0)] {
            let mut octets = Vec::new();
            EphemeralKey::sign(&RustCrypto, &ephemeral, signer, Some(signed_for))
                .unwrap()
                .encode(&mut Writer::new(&mut octets));
            let (octets, mut out) = (parameter(&[(said, octets)]), Vec::new());
            let mut setup = setup.clone();
            let fill = |octets: &mut [u8]| octets.fill(0x71);
            let refused =
                setup.agree_on_keys(&RustCrypto, CLIENT, DEVICE, &data(&octets), fill, &mut out);
            assert_eq!(refused, Err(ActionResult::OtherReason));
            assert_eq!((out.len(), keys_of(&setup)), (0, keys_of(&device(suite).1)));
        }
    }
}
