//! What this crate asks of a cryptographic library.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use super::{Key, PublicKeyProvider};

/// Octets of the authentication tag that DLMS/COSEM transmits, in every suite.
pub const TAG_LEN: usize = 12;

/// The algorithms behind the protection of APDUs and the HLS mechanisms.
///
/// A provider has no state of this crate's concern: every call brings its key. It may be a
/// library ([`RustCrypto`](super::RustCrypto)) or a device that can fail.
///
/// A provider names what it does itself; all else is done by [`inner`](Self::inner).
pub trait CryptoProvider: fmt::Debug + Send + Sync {
    /// The provider that does what this one leaves out: the library around which this one is, or
    /// [`NoCrypto`](super::NoCrypto), which has nothing.
    fn inner(&self) -> &dyn CryptoProvider;

    /// A provider that does all that this one does, and has AES-GCM under `key` ready: to make the
    /// schedule of a key takes longer than to seal a short APDU with it. Whoever sends or receives
    /// several APDUs under one key keeps such a provider as long as the key; it takes up to a
    /// kilobyte and holds what was made of the key, cleared when it is dropped.
    ///
    /// Nobody can leave this out: what the inner provider has ready does not what this one changes.
    ///
    /// # Errors
    /// [`CryptoError::Unavailable`].
    fn ready(&self, key: &Key) -> Result<Box<dyn CryptoProvider>, CryptoError>;

    /// AES-GCM: encrypts `text` in place and returns the leftmost twelve octets of the tag over
    /// `aad` and the result. With an empty `text` this is GMAC.
    ///
    /// # Errors
    /// [`CryptoError::TooLong`], [`CryptoError::Unavailable`].
    fn gcm_seal(
        &self,
        key: &Key,
        iv: &[u8; 12],
        aad: &[u8],
        text: &mut [u8],
    ) -> Result<[u8; TAG_LEN], CryptoError> {
        self.inner().gcm_seal(key, iv, aad, text)
    }

    /// AES-GCM: verifies `tag` over `aad` and `text` in constant time and decrypts `text` in place.
    /// After any error `text` is all zeros: what did not verify is never seen.
    ///
    /// # Errors
    /// [`CryptoError::TagMismatch`], [`CryptoError::TooLong`], [`CryptoError::Unavailable`].
    fn gcm_open(
        &self,
        key: &Key,
        iv: &[u8; 12],
        aad: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), CryptoError> {
        self.inner().gcm_open(key, iv, aad, text, tag)
    }

    /// The encryption of AES-GCM alone: applies its key stream to `text` in place. Encrypts and
    /// decrypts, and proves nothing.
    ///
    /// # Errors
    /// [`CryptoError::TooLong`], [`CryptoError::Unavailable`].
    fn gcm_keystream(&self, key: &Key, iv: &[u8; 12], text: &mut [u8]) -> Result<(), CryptoError> {
        self.inner().gcm_keystream(key, iv, text)
    }

    /// AES of one block in place, for the manufacturer mechanism as it is commonly made.
    ///
    /// # Errors
    /// [`CryptoError::Unavailable`].
    fn aes_ecb_encrypt(&self, key: &Key, block: &mut [u8; 16]) -> Result<(), CryptoError> {
        self.inner().aes_ecb_encrypt(key, block)
    }

    /// MD5 of the concatenated `parts`, for HLS mechanism 3.
    ///
    /// # Errors
    /// [`CryptoError::Unavailable`].
    fn md5(&self, parts: &[&[u8]]) -> Result<[u8; 16], CryptoError> {
        self.inner().md5(parts)
    }

    /// SHA-1 of the concatenated `parts`, for HLS mechanism 4.
    ///
    /// # Errors
    /// [`CryptoError::Unavailable`].
    fn sha1(&self, parts: &[&[u8]]) -> Result<[u8; 20], CryptoError> {
        self.inner().sha1(parts)
    }

    /// SHA-256 of the concatenated `parts`, for HLS mechanism 6.
    ///
    /// # Errors
    /// [`CryptoError::Unavailable`].
    fn sha256(&self, parts: &[&[u8]]) -> Result<[u8; 32], CryptoError> {
        self.inner().sha256(parts)
    }

    /// SHA-384 of the concatenated `parts`, for the keys that suite 2 agrees on.
    ///
    /// # Errors
    /// [`CryptoError::Unavailable`].
    fn sha384(&self, parts: &[&[u8]]) -> Result<[u8; 48], CryptoError> {
        self.inner().sha384(parts)
    }

    /// AES key wrap of `key` under `kek` (RFC 3394): eight octets more than the key has.
    ///
    /// # Errors
    /// [`CryptoError::Unavailable`].
    fn key_wrap(&self, kek: &Key, key: &Key) -> Result<Vec<u8>, CryptoError> {
        self.inner().key_wrap(kek, key)
    }

    /// Unwraps what [`key_wrap`](Self::key_wrap) made, and verifies it.
    ///
    /// # Errors
    /// [`CryptoError::UnwrapMismatch`], also for octets that can be no wrapped key;
    /// [`CryptoError::Unavailable`].
    fn key_unwrap(&self, kek: &Key, wrapped: &[u8]) -> Result<Key, CryptoError> {
        self.inner().key_unwrap(kek, wrapped)
    }

    /// Elliptic curve cryptography, for HLS 7, signatures and key agreement. None in a device of
    /// suite 0 that leaves it out: whoever asks for any of these is then refused before anything
    /// is sent.
    fn public_keys(&self) -> Option<&dyn PublicKeyProvider> {
        self.inner().public_keys()
    }
}

/// Why a provider did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// The tag does not belong to these octets under this key and initialization vector.
    #[error("authentication tag does not verify")]
    TagMismatch,
    /// The signature does not belong to these octets under this public key.
    #[error("signature does not verify")]
    SignatureMismatch,
    /// A wrapped key does not belong to this key encryption key.
    #[error("wrapped key does not verify")]
    UnwrapMismatch,
    /// A public key is no point of the curve that is asked for.
    #[error("public key is not on its curve")]
    NotOnCurve,
    /// More octets than the algorithm takes at once.
    #[error("too many octets for the cryptographic algorithm")]
    TooLong,
    /// The provider lacks the algorithm (MD5 where only approved ones are built in, say), or the
    /// device behind it failed.
    #[error("the cryptographic provider cannot do this")]
    Unavailable,
}
