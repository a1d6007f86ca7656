//! A provider for who has no keys.

use alloc::{boxed::Box, vec::Vec};

use super::{CryptoError, CryptoProvider, Key, PublicKeyProvider, TAG_LEN};

/// The provider without any algorithm: for a client or device that has no keys and must not bring
/// cryptography either. No security and passwords work with it, and everything else fails as it
/// does where a library lacks an algorithm.
///
/// ```
/// use dlms_core::security::{CryptoError, CryptoProvider, NoCrypto};
///
/// assert_eq!(NoCrypto.sha256(&[b"abc"]), Err(CryptoError::Unavailable));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCrypto;

impl CryptoProvider for NoCrypto {
    fn inner(&self) -> &dyn CryptoProvider {
        self
    }

    fn ready(&self, _: &Key) -> Result<Box<dyn CryptoProvider>, CryptoError> {
        Err(CryptoError::Unavailable)
    }

    fn gcm_seal(
        &self,
        _: &Key,
        _: &[u8; 12],
        _: &[u8],
        _: &mut [u8],
    ) -> Result<[u8; TAG_LEN], CryptoError> {
        Err(CryptoError::Unavailable)
    }

    fn gcm_open(
        &self,
        _: &Key,
        _: &[u8; 12],
        _: &[u8],
        text: &mut [u8],
        _: &[u8; TAG_LEN],
    ) -> Result<(), CryptoError> {
        // What did not verify is never seen.
        text.fill(0);
        Err(CryptoError::Unavailable)
    }

    fn gcm_keystream(&self, _: &Key, _: &[u8; 12], _: &mut [u8]) -> Result<(), CryptoError> {
        Err(CryptoError::Unavailable)
    }

    fn aes_ecb_encrypt(&self, _: &Key, _: &mut [u8; 16]) -> Result<(), CryptoError> {
        Err(CryptoError::Unavailable)
    }

    fn md5(&self, _: &[&[u8]]) -> Result<[u8; 16], CryptoError> {
        Err(CryptoError::Unavailable)
    }

    fn sha1(&self, _: &[&[u8]]) -> Result<[u8; 20], CryptoError> {
        Err(CryptoError::Unavailable)
    }

    fn sha256(&self, _: &[&[u8]]) -> Result<[u8; 32], CryptoError> {
        Err(CryptoError::Unavailable)
    }

    fn sha384(&self, _: &[&[u8]]) -> Result<[u8; 48], CryptoError> {
        Err(CryptoError::Unavailable)
    }

    fn key_wrap(&self, _: &Key, _: &Key) -> Result<Vec<u8>, CryptoError> {
        Err(CryptoError::Unavailable)
    }

    fn key_unwrap(&self, _: &Key, _: &[u8]) -> Result<Key, CryptoError> {
        Err(CryptoError::Unavailable)
    }

    fn public_keys(&self) -> Option<&dyn PublicKeyProvider> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_verified_is_not_shown() {
        let mut text = *b"secret";
        let opened = NoCrypto.gcm_open(&[0; 16].into(), &[0; 12], &[], &mut text, &[0; TAG_LEN]);
        assert_eq!((opened, text), (Err(CryptoError::Unavailable), [0; 6]));
    }
}
