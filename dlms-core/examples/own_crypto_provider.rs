//! A crypto provider of one's own: here one that stands for a security module. It does AES-GCM and
//! counts what it does; what it lacks it says that it lacks, and the association machine then
//! refuses, before anything is sent, what would need it.
//!
//! A real module would keep the keys: a [`Key`] may as well hold its handle, as long as the lengths
//! agree.
//!
//! ```text
//! cargo run -p dlms-core --example own_crypto_provider
//! ```

use core::{
    error::Error,
    sync::atomic::{AtomicUsize, Ordering},
};
use std::sync::Arc;

use dlms_core::security::{
    CryptoError, CryptoProvider, Key, ProtectRequest, Protection, PublicKeyProvider, RustCrypto,
    SecurityControl, SecuritySuite, SystemTitle, TAG_LEN, UnprotectRequest, decode_head, protect,
    unprotect_in_place,
};

/// The module. Its clones are the same module.
#[derive(Clone, Debug, Default)]
struct Module {
    operations: Arc<AtomicUsize>,
}

impl Module {
    fn count(&self) {
        self.operations.fetch_add(1, Ordering::Relaxed);
    }
}

impl CryptoProvider for Module {
    fn inner(&self) -> &dyn CryptoProvider {
        &RustCrypto
    }

    /// Nothing is gained by making a key ready: the module has it.
    fn ready(&self, _: &Key) -> Result<Box<dyn CryptoProvider>, CryptoError> {
        Ok(Box::new(self.clone()))
    }

    fn gcm_seal(
        &self,
        key: &Key,
        iv: &[u8; 12],
        aad: &[u8],
        text: &mut [u8],
    ) -> Result<[u8; TAG_LEN], CryptoError> {
        self.count();
        RustCrypto.gcm_seal(key, iv, aad, text)
    }

    fn gcm_open(
        &self,
        key: &Key,
        iv: &[u8; 12],
        aad: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), CryptoError> {
        self.count();
        RustCrypto.gcm_open(key, iv, aad, text, tag)
    }

    fn gcm_keystream(&self, key: &Key, iv: &[u8; 12], text: &mut [u8]) -> Result<(), CryptoError> {
        self.count();
        RustCrypto.gcm_keystream(key, iv, text)
    }

    fn aes_ecb_encrypt(&self, _: &Key, _: &mut [u8; 16]) -> Result<(), CryptoError> {
        Err(CryptoError::Unavailable)
    }

    // Nobody should need these two any more.
    fn md5(&self, _: &[&[u8]]) -> Result<[u8; 16], CryptoError> {
        Err(CryptoError::Unavailable)
    }

    fn sha1(&self, _: &[&[u8]]) -> Result<[u8; 20], CryptoError> {
        Err(CryptoError::Unavailable)
    }

    /// Suite 0 only.
    fn public_keys(&self) -> Option<&dyn PublicKeyProvider> {
        None
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let module = Module::default();
    // Keys come from the module's own generator; these protect nothing.
    let (key, authentication_key): (Key, Key) =
        ("11".repeat(16).parse()?, "22".repeat(16).parse()?);
    let system_title = SystemTitle(*b"EXA\0\0\0\0\x01");
    let control = SecurityControl::new(SecuritySuite::Suite0, Protection::AUTHENTICATED_ENCRYPTED);

    // get-request of the clock, as a client would send it.
    let plain = [0xc0, 0x01, 0xc1, 0x00, 0x08, 0, 0, 1, 0, 0, 255, 0x02, 0x00];
    let mut apdu = Vec::new();
    let request = ProtectRequest {
        tag: 0xc8,
        system_title,
        send_title: true,
        control,
        counter: 1,
        key: &key,
        authentication_key: Some(&authentication_key),
    };
    protect(&module, &request, &plain, &mut apdu)?;
    println!("sealed: {} octets", apdu.len());

    let request = UnprotectRequest {
        required: control,
        system_title: Some(system_title),
        key: &key,
        authentication_key: Some(&authentication_key),
    };
    let head = decode_head(&apdu)?;
    let opened = unprotect_in_place(&module, &request, &head, &mut apdu)?;
    println!("opened, {:?}: {}", opened.verified, opened.plain == plain);

    println!("the module did {} operations", module.operations.load(Ordering::Relaxed));
    println!("MD5: {:?}", module.md5(&[]));
    Ok(())
}
