//! The cryptography of the management device.

pub(super) use dlms_core::security::RustCrypto as Provider;
