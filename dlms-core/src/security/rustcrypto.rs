//! The default provider: the RustCrypto crates, in constant time and with AES instructions where
//! the processor has them.

#[cfg(feature = "public-keys")]
mod elliptic;

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use aes::{
    Aes128Dec, Aes128Enc, Aes256Dec, Aes256Enc,
    cipher::{BlockCipherDecrypt, BlockCipherEncrypt, BlockSizeUser},
};
use aes_gcm::{
    AeadInOut, AesGcm, KeyInit,
    aead::consts::{U12, U16},
};
use aes_kw::{AesKw, InnerInit};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384};
use zeroize::Zeroizing;

use super::{
    CryptoError, CryptoProvider, Key, NoCrypto, PublicKeyProvider, SecuritySuite, TAG_LEN,
};

/// The provider on the RustCrypto crates. It keeps nothing between calls: a key schedule is made
/// for each APDU and cleared after it, unless a key was made [`ready`](CryptoProvider::ready).
#[derive(Clone, Copy, Debug, Default)]
pub struct RustCrypto;

impl CryptoProvider for RustCrypto {
    fn inner(&self) -> &dyn CryptoProvider {
        &NoCrypto
    }

    fn ready(&self, key: &Key) -> Result<Box<dyn CryptoProvider>, CryptoError> {
        let schedule = if is_aes_256(key) {
            Schedule::Aes256(schedule(key)?)
        } else {
            Schedule::Aes128(schedule(key)?)
        };
        Ok(Box::new(Ready { key: key.clone(), schedule }))
    }

    fn gcm_seal(
        &self,
        key: &Key,
        iv: &[u8; 12],
        aad: &[u8],
        text: &mut [u8],
    ) -> Result<[u8; TAG_LEN], CryptoError> {
        if is_aes_256(key) {
            seal(&schedule::<AesGcm<Aes256Enc, U12, U12>>(key)?, iv, aad, text)
        } else {
            seal(&schedule::<AesGcm<Aes128Enc, U12, U12>>(key)?, iv, aad, text)
        }
    }

    fn gcm_open(
        &self,
        key: &Key,
        iv: &[u8; 12],
        aad: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), CryptoError> {
        let opened = if is_aes_256(key) {
            schedule::<AesGcm<Aes256Enc, U12, U12>>(key)
                .and_then(|cipher| open(&cipher, iv, aad, text, tag))
        } else {
            schedule::<AesGcm<Aes128Enc, U12, U12>>(key)
                .and_then(|cipher| open(&cipher, iv, aad, text, tag))
        };
        if opened.is_err() {
            text.fill(0);
        }
        opened
    }

    fn gcm_keystream(&self, key: &Key, iv: &[u8; 12], text: &mut [u8]) -> Result<(), CryptoError> {
        // The key stream of GCM is the same in both directions and depends on nothing but key and
        // initialization vector: sealing and dropping the tag applies it.
        self.gcm_seal(key, iv, &[], text).map(|_tag| ())
    }

    fn aes_ecb_encrypt(&self, key: &Key, block: &mut [u8; 16]) -> Result<(), CryptoError> {
        if is_aes_256(key) {
            encrypt_block::<Aes256Enc>(key, block)
        } else {
            encrypt_block::<Aes128Enc>(key, block)
        }
    }

    fn md5(&self, parts: &[&[u8]]) -> Result<[u8; 16], CryptoError> {
        Ok(hash::<Md5>(parts).finalize().into())
    }

    fn sha1(&self, parts: &[&[u8]]) -> Result<[u8; 20], CryptoError> {
        Ok(hash::<Sha1>(parts).finalize().into())
    }

    fn sha256(&self, parts: &[&[u8]]) -> Result<[u8; 32], CryptoError> {
        Ok(hash::<Sha256>(parts).finalize().into())
    }

    fn sha384(&self, parts: &[&[u8]]) -> Result<[u8; 48], CryptoError> {
        Ok(hash::<Sha384>(parts).finalize().into())
    }

    fn key_wrap(&self, kek: &Key, key: &Key) -> Result<Vec<u8>, CryptoError> {
        if is_aes_256(kek) { wrap::<Aes256Enc>(kek, key) } else { wrap::<Aes128Enc>(kek, key) }
    }

    fn key_unwrap(&self, kek: &Key, wrapped: &[u8]) -> Result<Key, CryptoError> {
        if is_aes_256(kek) {
            unwrap::<Aes256Dec>(kek, wrapped)
        } else {
            unwrap::<Aes128Dec>(kek, wrapped)
        }
    }

    #[cfg(feature = "public-keys")]
    fn public_keys(&self) -> Option<&dyn PublicKeyProvider> {
        Some(self)
    }

    #[cfg(not(feature = "public-keys"))]
    fn public_keys(&self) -> Option<&dyn PublicKeyProvider> {
        None
    }
}

/// [`RustCrypto`] with the schedule of one key. Any other key gets one of its own.
struct Ready {
    key: Key,
    schedule: Schedule,
}

/// What AES-GCM makes of a key: the round keys and the powers of the hash key.
enum Schedule {
    Aes128(AesGcm<Aes128Enc, U12, U12>),
    Aes256(AesGcm<Aes256Enc, U12, U12>),
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RustCrypto with a key ready")
    }
}

impl CryptoProvider for Ready {
    fn inner(&self) -> &dyn CryptoProvider {
        &RustCrypto
    }

    fn ready(&self, key: &Key) -> Result<Box<dyn CryptoProvider>, CryptoError> {
        RustCrypto.ready(key)
    }

    fn gcm_seal(
        &self,
        key: &Key,
        iv: &[u8; 12],
        aad: &[u8],
        text: &mut [u8],
    ) -> Result<[u8; TAG_LEN], CryptoError> {
        match &self.schedule {
            _ if *key != self.key => RustCrypto.gcm_seal(key, iv, aad, text),
            Schedule::Aes128(cipher) => seal(cipher, iv, aad, text),
            Schedule::Aes256(cipher) => seal(cipher, iv, aad, text),
        }
    }

    fn gcm_open(
        &self,
        key: &Key,
        iv: &[u8; 12],
        aad: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), CryptoError> {
        let opened = match &self.schedule {
            _ if *key != self.key => RustCrypto.gcm_open(key, iv, aad, text, tag),
            Schedule::Aes128(cipher) => open(cipher, iv, aad, text, tag),
            Schedule::Aes256(cipher) => open(cipher, iv, aad, text, tag),
        };
        if opened.is_err() {
            text.fill(0);
        }
        opened
    }

    fn gcm_keystream(&self, key: &Key, iv: &[u8; 12], text: &mut [u8]) -> Result<(), CryptoError> {
        self.gcm_seal(key, iv, &[], text).map(|_tag| ())
    }
}

/// A key has 16 octets or 32.
fn is_aes_256(key: &Key) -> bool {
    key.octets().len() == SecuritySuite::Suite2.key_len()
}

fn schedule<C: KeyInit>(key: &Key) -> Result<C, CryptoError> {
    C::new_from_slice(key.octets()).map_err(|_| CryptoError::Unavailable)
}

fn seal<C>(
    cipher: &C,
    iv: &[u8; 12],
    aad: &[u8],
    text: &mut [u8],
) -> Result<[u8; TAG_LEN], CryptoError>
where
    C: AeadInOut<NonceSize = U12, TagSize = U12>,
{
    cipher
        .encrypt_inout_detached(iv.into(), aad, text.into())
        .map(Into::into)
        .map_err(|_| CryptoError::TooLong)
}

fn open<C>(
    cipher: &C,
    iv: &[u8; 12],
    aad: &[u8],
    text: &mut [u8],
    tag: &[u8; TAG_LEN],
) -> Result<(), CryptoError>
where
    C: AeadInOut<NonceSize = U12, TagSize = U12>,
{
    cipher
        .decrypt_inout_detached(iv.into(), aad, text.into(), tag.into())
        .map_err(|_| CryptoError::TagMismatch)
}

fn encrypt_block<C>(key: &Key, block: &mut [u8; 16]) -> Result<(), CryptoError>
where
    C: KeyInit + BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    schedule::<C>(key)?.encrypt_block(block.into());
    Ok(())
}

fn wrap<C>(kek: &Key, key: &Key) -> Result<Vec<u8>, CryptoError>
where
    C: KeyInit + BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    let cipher = C::new_from_slice(kek.octets()).map_err(|_| CryptoError::Unavailable)?;
    let mut wrapped = alloc::vec![0; key.octets().len().saturating_add(aes_kw::IV_LEN)];
    AesKw::inner_init(cipher)
        .wrap_key(key.octets(), &mut wrapped)
        .map_err(|_| CryptoError::Unavailable)?;
    Ok(wrapped)
}

fn unwrap<C>(kek: &Key, wrapped: &[u8]) -> Result<Key, CryptoError>
where
    C: KeyInit + BlockCipherDecrypt + BlockSizeUser<BlockSize = U16>,
{
    let cipher = C::new_from_slice(kek.octets()).map_err(|_| CryptoError::Unavailable)?;
    let mut key = Zeroizing::new([0; SecuritySuite::Suite2.key_len()]);
    let key = AesKw::inner_init(cipher)
        .unwrap_key(wrapped, key.as_mut_slice())
        .map_err(|_| CryptoError::UnwrapMismatch)?;
    Key::try_from(key).map_err(|_| CryptoError::UnwrapMismatch)
}

fn hash<D: Digest>(parts: &[&[u8]]) -> D {
    parts.iter().fold(D::new(), |hash, part| hash.chain_update(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::hex;

    fn octets<const N: usize>(text: &str) -> [u8; N] {
        hex::octets(text).try_into().unwrap()
    }

    /// A key, initialization vector, additional data, text, cipher text and tag.
    struct Gcm {
        key: &'static str,
        iv: [u8; 12],
        aad: [u8; 20],
        plain: [u8; 60],
        cipher: [u8; 60],
        tag: [u8; 12],
    }

    /// Test cases 4 and 16 of the GCM specification by McGrew and Viega: AES-128 and AES-256.
    fn published() -> [Gcm; 2] {
        let iv = octets("cafebabefacedbaddecaf888");
        let aad = octets("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let plain = octets(concat!(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72",
            "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        ));
        let aes_128 = Gcm {
            key: "feffe9928665731c6d6a8f9467308308",
            iv,
            aad,
            plain,
            cipher: octets(concat!(
                "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e",
                "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
            )),
            tag: octets("5bc94fbc3221a5db94fae95a"), // leftmost twelve octets
        };
        let aes_256 = Gcm {
            key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            cipher: octets(concat!(
                "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa",
                "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
            )),
            tag: octets("76fc6ece0f4e1768cddf8853"),
            ..aes_128
        };
        [aes_128, aes_256]
    }

    #[test]
    fn gcm_gives_the_published_cipher_text_and_the_leftmost_twelve_octets_of_the_tag() {
        for Gcm { key, iv, aad, plain, cipher, tag } in published() {
            for (key, provider) in providers(key) {
                let mut text = plain;
                assert_eq!(provider.gcm_seal(&key, &iv, &aad, &mut text), Ok(tag));
                assert_eq!(text, cipher);
                assert_eq!(provider.gcm_open(&key, &iv, &aad, &mut text, &tag), Ok(()));
                assert_eq!(text, plain);
                assert_eq!(provider.gcm_keystream(&key, &iv, &mut text), Ok(()));
                assert_eq!(text, cipher);
            }
        }
    }

    /// `key` with the provider that has nothing ready, with one that has this key, and with one
    /// that has another.
    fn providers(key: &str) -> [(Key, Box<dyn CryptoProvider>); 3] {
        let key: Key = key.parse().unwrap();
        let other = Key::from([0x5a; 16]);
        [Ok(Box::new(RustCrypto) as _), RustCrypto.ready(&key), RustCrypto.ready(&other)]
            .map(|provider| (key.clone(), provider.unwrap()))
    }

    #[test]
    fn a_ready_key_is_not_shown_and_may_be_followed_by_another() {
        let first = RustCrypto.ready(&Key::from([0xa7; 16])).unwrap();
        let [aes_128, _] = published();
        let second = first.ready(&aes_128.key.parse().unwrap()).unwrap();
        let mut text = aes_128.plain;
        let sealed =
            second.gcm_seal(&aes_128.key.parse().unwrap(), &aes_128.iv, &aes_128.aad, &mut text);
        assert_eq!(sealed, Ok(aes_128.tag));
        assert_eq!(std::format!("{first:?}"), "RustCrypto with a key ready");
    }

    #[test]
    fn what_does_not_verify_is_zeroed() {
        for Gcm { key, iv, aad, cipher, mut tag, .. } in published() {
            tag[11] ^= 1;
            for (key, provider) in providers(key) {
                let mut text = cipher;
                let opened = provider.gcm_open(&key, &iv, &aad, &mut text, &tag);
                assert_eq!(opened, Err(CryptoError::TagMismatch));
                assert_eq!(text, [0; 60]);
            }
        }
    }

    #[test]
    fn one_block_of_aes_is_that_of_fips_197() {
        let key = "000102030405060708090a0b0c0d0e0f".parse().unwrap();
        let mut block = octets("00112233445566778899aabbccddeeff");
        RustCrypto.aes_ecb_encrypt(&key, &mut block).unwrap();
        assert_eq!(block, octets("69c4e0d86a7b0430d8cdb78070b4c55a"));

        let key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
        let mut block = octets("00112233445566778899aabbccddeeff");
        RustCrypto.aes_ecb_encrypt(&key.parse().unwrap(), &mut block).unwrap();
        assert_eq!(block, octets("8ea2b7ca516745bfeafc49904b496089"));
    }

    #[test]
    fn parts_are_hashed_as_one_message() {
        let abc: [&[u8]; 3] = [b"a", b"", b"bc"];
        assert_eq!(RustCrypto.md5(&abc), Ok(octets("900150983cd24fb0d6963f7d28e17f72")));
        let sha1 = octets("a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(RustCrypto.sha1(&abc), Ok(sha1));
        let sha256 = octets("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(RustCrypto.sha256(&abc), Ok(sha256));
        let sha384 = octets(concat!(
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed",
            "8086072ba1e7cc2358baeca134c825a7",
        ));
        assert_eq!(RustCrypto.sha384(&abc), Ok(sha384));
    }

    /// RFC 3394 clauses 4.1, 4.3, 4.4 without its 192-bit cases, and 4.6.
    #[test]
    fn wrapped_keys_are_those_of_rfc_3394() {
        let kek = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";
        for (kek, key, wrapped) in [
            (
                &kek[..32],
                "00112233445566778899AABBCCDDEEFF",
                "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5",
            ),
            (
                kek,
                "00112233445566778899AABBCCDDEEFF",
                "64E8C3F9CE0F5BA263E9777905818A2A93C8191E7D6E8AE7",
            ),
            (
                kek,
                "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F",
                "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21",
            ),
        ] {
            let (kek, key): (Key, Key) = (kek.parse().unwrap(), key.parse().unwrap());
            let wrapped = hex::octets(wrapped);
            assert_eq!(RustCrypto.key_wrap(&kek, &key).unwrap(), wrapped);
            assert_eq!(RustCrypto.key_unwrap(&kek, &wrapped), Ok(key));
        }
    }

    #[test]
    fn a_wrapped_key_that_was_altered_or_cut_is_no_key() {
        let kek = Key::from([7; 16]);
        let wrapped = RustCrypto.key_wrap(&kek, &Key::from([9; 16])).unwrap();
        for place in 0..wrapped.len() {
            let mut altered = wrapped.clone();
            altered[place] ^= 1;
            let refused = Err(CryptoError::UnwrapMismatch);
            assert_eq!(RustCrypto.key_unwrap(&kek, &altered), refused);
            assert_eq!(RustCrypto.key_unwrap(&kek, &wrapped[..place]), refused);
        }
        let long = std::vec![0; 48];
        assert_eq!(RustCrypto.key_unwrap(&kek, &long), Err(CryptoError::UnwrapMismatch));
    }
}
