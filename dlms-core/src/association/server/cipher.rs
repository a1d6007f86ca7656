//! Protection: taken off requests, put on answers.

use alloc::vec::Vec;

use super::{Agreement, LogicalDevice, Refusal};
use crate::{
    security::{
        CipherForm, CryptoProvider, Key, ProtectRequest, Protection, SecurityControl,
        SecurityError, UnprotectRequest, Verification, decode_head, protect, unprotect_in_place,
    },
    xdlms::{Apdu, tag},
};

/// The global keys under which a request came. Its answer goes under the same, also when a method
/// has changed those of the device meanwhile.
#[derive(Debug)]
pub(super) struct GlobalKeys {
    pub(super) encryption: Key,
    pub(super) authentication: Key,
}

impl GlobalKeys {
    pub(super) fn of(device: &dyn LogicalDevice, agreement: &Agreement) -> Result<Self, Refusal> {
        let keys = device.client(agreement.access.client).and_then(|policy| policy.keys);
        let keys = keys.ok_or(Refusal::CannotProtect)?;
        Ok(Self {
            encryption: keys.encryption.clone(),
            authentication: keys.authentication.clone(),
        })
    }
}

/// How a request was protected, and so its answer will be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Envelope {
    form: CipherForm,
    control: SecurityControl,
}

impl Envelope {
    pub(super) const fn protection(self) -> Protection {
        self.control.protection()
    }

    /// Whether under the global broadcast key.
    pub(super) const fn is_broadcast(self) -> bool {
        self.control.broadcast_key()
    }

    /// Whether a general form, in which anything has a place.
    pub(super) const fn is_general(self) -> bool {
        self.form.is_general()
    }

    /// The same with at least this protection.
    pub(super) const fn with_protection(self, protection: Protection) -> Self {
        Self { control: self.control.with_protection(protection), ..self }
    }

    /// How long a plain APDU may be so that it has at most `limit` octets in this envelope.
    pub(super) fn room(self, limit: u16) -> usize {
        // APDU tag, length in three octets, security control, counter.
        let head: usize = 1 + 3 + 1 + 4;
        let title = if self.form.is_general() { 9 } else { 0 };
        let tag = if self.protection().authenticated { 12 } else { 0 };
        usize::from(limit).saturating_sub(head).saturating_sub(title).saturating_sub(tag)
    }
}

/// Whether an APDU says that it is under the global broadcast key. Only what verifies is, but what
/// says so may not be answered in either case.
pub(super) fn is_broadcast(apdu: &[u8]) -> bool {
    decode_head(apdu).is_ok_and(|head| head.control.broadcast_key())
}

/// Verifies and deciphers a request in place, and accepts its counter.
pub(super) fn open<'a>(
    device: &mut dyn LogicalDevice,
    agreement: &mut Agreement,
    apdu: &'a mut [u8],
) -> Result<(&'a [u8], Envelope), Refusal> {
    let (plain, envelope, counter) = decipher(device, agreement, apdu)?;
    accept(device, agreement, envelope, counter)?;
    Ok((plain, envelope))
}

/// Verifies and deciphers a request in place, and returns its counter as well.
///
/// The counter is looked at first and to be accepted only when the tag has verified. Where there is
/// no tag, what came out must at least be an APDU: otherwise one made-up message with a large
/// counter would lock the client out.
pub(super) fn decipher<'a>(
    device: &dyn LogicalDevice,
    agreement: &Agreement,
    apdu: &'a mut [u8],
) -> Result<(&'a [u8], Envelope, u32), Refusal> {
    let head = decode_head(apdu).map_err(|error| match error {
        SecurityError::Malformed(malformed) => malformed.into(),
        _ => Refusal::Deciphering,
    })?;
    let title = agreement.access.client_title.ok_or(Refusal::Deciphering)?;
    let received = match (&agreement.dedicated, head.form.is_dedicated()) {
        (Some(dedicated), true) => dedicated.received,
        (None, true) => return Err(Refusal::Deciphering),
        (_, false) if head.control.broadcast_key() => device.received_broadcast(title),
        (_, false) => device.received(title),
    };
    received.check(head.counter).map_err(|_| Refusal::Counter(received.lowest_acceptable()))?;

    let policy = device.client(agreement.access.client).ok_or(Refusal::NotAssociated)?;
    let keys = policy.keys.ok_or(Refusal::Deciphering)?;
    let required = SecurityControl::new(keys.suite, policy.protection);
    let request = UnprotectRequest {
        required: match head.control.broadcast_key() {
            true => required.with_broadcast_key(),
            false => required,
        },
        system_title: Some(title),
        key: match &agreement.dedicated {
            Some(dedicated) if head.form.is_dedicated() => &dedicated.key,
            _ if head.control.broadcast_key() => {
                device.broadcast_key().ok_or(Refusal::Deciphering)?
            }
            _ => keys.encryption,
        },
        authentication_key: Some(keys.authentication),
    };
    let crypto = crypto(device, agreement, head.form);
    let opened = unprotect_in_place(crypto, &request, &head, apdu);
    let opened = opened.map_err(|error| match error {
        SecurityError::Protection { .. } => Refusal::Unprotected,
        _ => Refusal::Deciphering,
    })?;
    // The tag of the APDU outside is not proven by anything.
    let inside = opened.plain.first().copied().unwrap_or_default();
    if !head.form.is_general() && tag::plain(head.tag) != Some(inside) {
        return Err(Refusal::Deciphering);
    }
    if opened.verified != Verification::Verified && Apdu::decode(opened.plain).is_err() {
        return Err(Refusal::Deciphering);
    }
    Ok((opened.plain, Envelope { form: head.form, control: head.control }, head.counter))
}

/// The device's cryptography, with the dedicated key ready where that is used.
fn crypto<'a>(
    device: &'a dyn LogicalDevice,
    agreement: &'a Agreement,
    form: CipherForm,
) -> &'a dyn CryptoProvider {
    let dedicated = agreement.dedicated.as_ref().filter(|_| form.is_dedicated());
    dedicated.and_then(|dedicated| dedicated.crypto.as_deref()).unwrap_or_else(|| device.crypto())
}

/// Accepts the counter of a request that verified.
pub(super) fn accept(
    device: &mut dyn LogicalDevice,
    agreement: &mut Agreement,
    envelope: Envelope,
    counter: u32,
) -> Result<(), Refusal> {
    let title = agreement.access.client_title.ok_or(Refusal::Deciphering)?;
    match &mut agreement.dedicated {
        Some(dedicated) if envelope.form.is_dedicated() => {
            dedicated.received.accept(counter);
            Ok(())
        }
        _ if envelope.is_broadcast() => match device.accept_broadcast(title, counter) {
            true => Ok(()),
            false => Err(Refusal::CannotProtect),
        },
        _ if device.accept(title, counter) => Ok(()),
        _ => Err(Refusal::CannotProtect),
    }
}

/// Appends an answer in the envelope of its request. An APDU that has no ciphered form of its own,
/// as an ExceptionResponse, goes out plain unless the form is a general one.
pub(super) fn seal(
    device: &mut dyn LogicalDevice,
    agreement: &mut Agreement,
    envelope: Envelope,
    keys: &GlobalKeys,
    plain: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Refusal> {
    let inside = plain.first().copied().unwrap_or_default();
    let wire = match envelope.form {
        CipherForm::Global => tag::global(inside),
        CipherForm::Dedicated => tag::dedicated(inside),
        CipherForm::GeneralGlobal => Some(tag::GENERAL_GLO_CIPHERING),
        CipherForm::GeneralDedicated => Some(tag::GENERAL_DED_CIPHERING),
    };
    let Some(wire) = wire else {
        out.extend_from_slice(plain);
        return Ok(());
    };
    let counter = match &mut agreement.dedicated {
        Some(dedicated) if envelope.form.is_dedicated() => dedicated.take_counter(),
        _ => device.take_counter(),
    };
    let counter = counter.ok_or(Refusal::CannotProtect)?;
    let request = ProtectRequest {
        tag: wire,
        system_title: device.system_title(),
        send_title: true,
        control: envelope.control,
        counter,
        key: match &agreement.dedicated {
            Some(dedicated) if envelope.form.is_dedicated() => &dedicated.key,
            _ => &keys.encryption,
        },
        authentication_key: Some(&keys.authentication),
    };
    let crypto = crypto(device, agreement, envelope.form);
    protect(crypto, &request, plain, out).map_err(|_| Refusal::CannotProtect)
}
