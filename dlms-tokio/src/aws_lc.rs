//! A cryptographic provider on AWS-LC, for long APDUs and for public keys: several times the speed
//! of the default one.

mod elliptic;

use core::fmt;

use aws_lc_rs::{
    aead::{AES_128_GCM, AES_256_GCM, Aad, Algorithm, LessSafeKey, Nonce, UnboundKey},
    constant_time::verify_slices_are_equal,
    error::Unspecified,
};
use dlms_core::security::{
    CryptoError, CryptoProvider, Key, PublicKeyProvider, RustCrypto, SecuritySuite, TAG_LEN,
};

/// Text from which on AWS-LC seals faster than RustCrypto, which has its keys ready sooner.
const SEAL_LEN_MIN: usize = 512;
/// The same for opening, which takes AWS-LC two passes.
const OPEN_LEN_MIN: usize = 1536;

/// The provider on AWS-LC where that is faster, and on [`RustCrypto`] for short APDUs and for all
/// that is neither AES-GCM nor on an elliptic curve. Both give the same octets. Like that one, it
/// keeps nothing between calls unless a key was made [`ready`](CryptoProvider::ready).
#[derive(Clone, Copy, Debug, Default)]
pub struct AwsLc;

impl CryptoProvider for AwsLc {
    fn inner(&self) -> &dyn CryptoProvider {
        &RustCrypto
    }

    fn ready(&self, key: &Key) -> Result<Box<dyn CryptoProvider>, CryptoError> {
        Ok(Box::new(Ready {
            key: key.clone(),
            schedule: schedule(key)?,
            short: RustCrypto.ready(key)?,
        }))
    }

    fn gcm_seal(
        &self,
        key: &Key,
        iv: &[u8; 12],
        aad: &[u8],
        text: &mut [u8],
    ) -> Result<[u8; TAG_LEN], CryptoError> {
        if text.len() < SEAL_LEN_MIN {
            return RustCrypto.gcm_seal(key, iv, aad, text);
        }
        seal(&schedule(key)?, iv, aad, text)
    }

    /// AWS-LC opens only what has a tag of sixteen octets. So the text is decrypted, and a copy of
    /// it sealed again to see the tag it should have had; the copy ends as ciphertext.
    fn gcm_open(
        &self,
        key: &Key,
        iv: &[u8; 12],
        aad: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), CryptoError> {
        if text.len() < OPEN_LEN_MIN {
            return RustCrypto.gcm_open(key, iv, aad, text, tag);
        }
        let opened = schedule(key).and_then(|key| open(&key, iv, aad, text, tag));
        if opened.is_err() {
            text.fill(0);
        }
        opened
    }

    fn gcm_keystream(&self, key: &Key, iv: &[u8; 12], text: &mut [u8]) -> Result<(), CryptoError> {
        // The key stream is the same in both directions: sealing and dropping the tag applies it.
        self.gcm_seal(key, iv, &[], text).map(|_tag| ())
    }

    fn public_keys(&self) -> Option<&dyn PublicKeyProvider> {
        Some(&Self)
    }
}

/// [`AwsLc`] with the schedules of one key. Any other key gets one of its own.
struct Ready {
    key: Key,
    schedule: LessSafeKey,
    /// For what AWS-LC is slower at.
    short: Box<dyn CryptoProvider>,
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwsLc with a key ready")
    }
}

impl CryptoProvider for Ready {
    fn inner(&self) -> &dyn CryptoProvider {
        &AwsLc
    }

    fn ready(&self, key: &Key) -> Result<Box<dyn CryptoProvider>, CryptoError> {
        AwsLc.ready(key)
    }

    fn gcm_seal(
        &self,
        key: &Key,
        iv: &[u8; 12],
        aad: &[u8],
        text: &mut [u8],
    ) -> Result<[u8; TAG_LEN], CryptoError> {
        if *key != self.key {
            return AwsLc.gcm_seal(key, iv, aad, text);
        }
        seal(&self.schedule, iv, aad, text)
    }

    fn gcm_open(
        &self,
        key: &Key,
        iv: &[u8; 12],
        aad: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), CryptoError> {
        if text.len() < OPEN_LEN_MIN || *key != self.key {
            return self.short.gcm_open(key, iv, aad, text, tag);
        }
        let opened = open(&self.schedule, iv, aad, text, tag);
        if opened.is_err() {
            text.fill(0);
        }
        opened
    }

    fn gcm_keystream(&self, key: &Key, iv: &[u8; 12], text: &mut [u8]) -> Result<(), CryptoError> {
        self.gcm_seal(key, iv, &[], text).map(|_tag| ())
    }
}

fn schedule(key: &Key) -> Result<LessSafeKey, CryptoError> {
    let is_aes_256 = key.octets().len() == SecuritySuite::Suite2.key_len();
    let algorithm: &Algorithm = if is_aes_256 { &AES_256_GCM } else { &AES_128_GCM };
    let key =
        UnboundKey::new(algorithm, key.octets()).map_err(|Unspecified| CryptoError::Unavailable)?;
    Ok(LessSafeKey::new(key))
}

fn seal(
    key: &LessSafeKey,
    iv: &[u8; 12],
    aad: &[u8],
    text: &mut [u8],
) -> Result<[u8; TAG_LEN], CryptoError> {
    let tag = key
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(*iv), Aad::from(aad), text)
        .map_err(|Unspecified| CryptoError::TooLong)?;
    tag.as_ref().first_chunk().copied().ok_or(CryptoError::Unavailable)
}

fn open(
    key: &LessSafeKey,
    iv: &[u8; 12],
    aad: &[u8],
    text: &mut [u8],
    tag: &[u8; TAG_LEN],
) -> Result<(), CryptoError> {
    seal(key, iv, &[], text)?;
    let mut sealed = text.to_vec();
    let expected = seal(key, iv, aad, &mut sealed)?;
    verify_slices_are_equal(&expected, tag).map_err(|Unspecified| CryptoError::TagMismatch)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IV: [u8; 12] = *b"MMM\0\0\xbc\x61\x4e\0\0\0\x01";

    fn keys() -> [Key; 2] {
        [Key::from([0x5a; 16]), Key::try_from(&[0x5a; 32][..]).unwrap()]
    }

    fn text(length: usize) -> Vec<u8> {
        (0..length).map(|at| ((at * at) >> 3) as u8).collect()
    }

    /// Around the lengths where the library changes, and block boundaries.
    fn lengths() -> impl Iterator<Item = usize> {
        [0, 1, 16, SEAL_LEN_MIN, OPEN_LEN_MIN, 46_008]
            .into_iter()
            .flat_map(|length| [length.saturating_sub(1), length, length + 1])
    }

    #[test]
    fn both_providers_seal_to_the_same_octets_and_open_what_the_other_sealed() {
        for key in &keys() {
            for (length, aad) in lengths().flat_map(|length| [(length, &b""[..]), (length, b"aad")])
            {
                let plain = text(length);
                let mut theirs = plain.clone();
                let tag = RustCrypto.gcm_seal(key, &IV, aad, &mut theirs).unwrap();
                for provider in providers(key) {
                    let mut ours = plain.clone();
                    assert_eq!(provider.gcm_seal(key, &IV, aad, &mut ours), Ok(tag), "{length}");
                    assert_eq!(ours, theirs, "{length}");
                    assert_eq!(provider.gcm_open(key, &IV, aad, &mut ours, &tag), Ok(()));
                    assert_eq!(ours, plain, "{length}");
                    assert_eq!(provider.gcm_keystream(key, &IV, &mut ours), Ok(()));
                    assert_eq!(ours, theirs, "{length}");
                }
            }
        }
    }

    /// With nothing ready, with `key` ready, and with another.
    fn providers(key: &Key) -> [Box<dyn CryptoProvider>; 3] {
        [Ok(Box::new(AwsLc) as _), AwsLc.ready(key), AwsLc.ready(&Key::from([0xa7; 16]))]
            .map(Result::unwrap)
    }

    #[test]
    fn a_ready_key_is_not_shown() {
        let [key, _] = keys();
        assert_eq!(format!("{:?}", AwsLc.ready(&key).unwrap()), "AwsLc with a key ready");
    }

    #[test]
    fn what_does_not_verify_is_zeroed() {
        for key in &keys() {
            for length in lengths() {
                let mut sealed = text(length);
                let tag = AwsLc.gcm_seal(key, &IV, b"aad", &mut sealed).unwrap();
                for (place, provider) in (0..TAG_LEN).zip(providers(key).iter().cycle()) {
                    let (mut tag, mut text) = (tag, sealed.clone());
                    tag[place] ^= 1;
                    let opened = provider.gcm_open(key, &IV, b"aad", &mut text, &tag);
                    assert_eq!(opened, Err(CryptoError::TagMismatch));
                    assert_eq!(text, vec![0; length]);
                }
            }
        }
    }
}
