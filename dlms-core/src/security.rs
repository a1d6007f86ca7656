//! Security of APDUs and associations (IEC 62056-5-3; Green Book 9.2).
//!
//! - [`SystemTitle`], [`Key`], [`Secret`]: who, and with what.
//! - [`SecuritySuite`], [`Protection`], [`SecurityControl`], [`CipherForm`]: how an APDU is
//!   protected, and what is allowed where.
//! - [`protect`], [`decode_head`], [`unprotect_in_place`]: into a ciphered APDU and out of it.
//! - [`protect_general`], [`GeneralCipheredHead`]: general-ciphering, whose key is named, wrapped
//!   or agreed on ([`KeyDerivation`]); [`sign`], [`SignedApdu`]: general-signing.
//! - [`SendCounters`], [`ReceiveCounter`]: no value twice, in either direction; [`CounterStore`]:
//!   nor after a restart.
//! - [`SecuritySetup`], [`SecurityPolicy`]: what a device makes of class 64.
//! - `Certificate`, `Certificates` (feature `certificates`): public keys that somebody vouches for.
//! - [`hls`]: the four passes of high level security.
//! - [`CryptoProvider`]: the algorithms, by default `RustCrypto`; [`NoCrypto`] has none.
//!
//! The keys, the counters' memory and the decision what protection an association demands belong to
//! the owner. A receiver compares what an APDU says of itself with what was agreed and adopts
//! nothing of it.
//!
//! ```
//! # #[cfg(feature = "rustcrypto")] {
//! use dlms_core::security::{
//!     Key, ProtectRequest, Protection, ReceiveCounter, RustCrypto, SecurityControl, SecuritySuite,
//!     UnprotectRequest, Verification, decode_head, protect, unprotect_in_place,
//! };
//!
//! let key: Key = "000102030405060708090A0B0C0D0E0F".parse()?;
//! let authentication_key: Key = "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF".parse()?;
//! let title = "4D4D4D0000BC614E".parse()?;
//! let control =
//!     SecurityControl::new(SecuritySuite::Suite0, Protection::AUTHENTICATED_ENCRYPTED);
//!
//! // get-request of the time, attribute 2 of 0-0:1.0.0*255, as glo-get-request.
//! let get_time = [0xc0, 1, 0, 0, 8, 0, 0, 1, 0, 0, 0xff, 2, 0];
//! let mut apdu = Vec::new();
//! let request = ProtectRequest {
//!     tag: 0xc8,
//!     system_title: title,
//!     send_title: false,
//!     control,
//!     counter: 0x0123_4567,
//!     key: &key,
//!     authentication_key: Some(&authentication_key),
//! };
//! protect(&RustCrypto, &request, &get_time, &mut apdu)?;
//! assert_eq!(apdu[..7], [0xc8, 0x1e, 0x30, 0x01, 0x23, 0x45, 0x67]);
//!
//! // The other side: compare the counter, verify, and only then remember the counter.
//! let mut counter = ReceiveCounter::after(0x0123_4566);
//! let head = decode_head(&apdu)?;
//! counter.check(head.counter)?;
//! let request = UnprotectRequest {
//!     required: control,
//!     system_title: Some(title),
//!     key: &key,
//!     authentication_key: Some(&authentication_key),
//! };
//! let opened = unprotect_in_place(&RustCrypto, &request, &head, &mut apdu)?;
//! assert_eq!(opened.verified, Verification::Verified);
//! assert_eq!(opened.plain, get_time);
//! counter.accept(head.counter);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "certificates")]
mod certificate;
mod cipher;
mod control;
mod counter_store;
mod counters;
mod error;
mod form;
mod general_ciphering;
mod general_header;
mod general_key;
mod hex;
pub mod hls;
mod key;
mod key_agreement;
mod key_info;
mod no_crypto;
mod party_keys;
mod provider;
mod public_key;
#[cfg(feature = "rustcrypto")]
mod rustcrypto;
mod security_setup;
mod signing;
mod suite;
mod suspicion;
mod system_title;

#[cfg(feature = "certificates")]
pub use certificate::{
    CERTIFICATE_LEN_MAX, Certificate, CertificateEntity, CertificateError,
    CertificateIdentification, CertificateInfo, CertificateType, Certificates, distinguished_name,
};
pub use cipher::{
    CipheredHead, OVERHEAD_MAX, Opened, ProtectRequest, UnprotectRequest, Verification,
    decode_head, decrypt_unverified_in_place, protect, unprotect_in_place,
};
pub use control::{ControlError, Protection, SecurityControl};
pub use counter_store::{CounterStore, Received};
pub use counters::{COUNTER_MAX, CountersExhausted, ReceiveCounter, SendCounters, WINDOW_MAX};
pub use error::SecurityError;
pub use form::CipherForm;
pub use general_ciphering::{
    GeneralCipheredHead, GeneralProtectRequest, GeneralUnprotectRequest,
    decrypt_general_unverified_in_place, protect_general, unprotect_general_in_place,
};
pub use general_header::GeneralHeader;
pub use general_key::{GeneralKeys, KeyEstablishment};
pub use key::{Key, NotAKey, Secret};
pub use key_agreement::{EphemeralKey, KeyDerivation, KeyId, KeyPurpose};
pub use key_info::{KEY_INFO_LEN_MAX, KeyInfo};
pub use no_crypto::NoCrypto;
pub use party_keys::{Compatibility, PartyKeys};
pub use provider::{CryptoError, CryptoProvider, TAG_LEN};
pub use public_key::{
    Curve, KeysWithPeer, NotAPublicKeyPart, PrivateKey, PublicKey, PublicKeyProvider, Signature,
};
#[cfg(feature = "rustcrypto")]
pub use rustcrypto::RustCrypto;
pub use security_setup::{SecurityPolicy, SecuritySetup, SecuritySetupVersion};
pub use signing::{SIGNING_OVERHEAD_MAX, SignRequest, SignedApdu, VerifyRequest, sign};
pub use suite::SecuritySuite;
pub use suspicion::{TagSuspicion, suspect_general_tag, suspect_tag};
pub use system_title::{NotASystemTitle, SystemTitle};
