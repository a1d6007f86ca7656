//! The cryptography of the management device: none in a program that was built without ciphering.

#[cfg(not(feature = "ciphering"))]
pub(super) use dlms_core::security::NoCrypto as Provider;
#[cfg(feature = "ciphering")]
pub(super) use dlms_core::security::RustCrypto as Provider;
