//! The layers around a service request, taken off from the outside in, and put on its answer again:
//! a ciphered form of any kind, and a signature inside it (Green Book 9.2.7.2).
//!
//! The answer has the same layers with the parties exchanged. Its key comes to the client the same
//! way as that of the request came to the server: an ephemeral key is answered with an ephemeral
//! key, and a wrapped key is used and carried once more.

use alloc::{boxed::Box, vec::Vec};

use super::{
    Agreement, LogicalDevice, Refusal,
    cipher::{self, Envelope, GlobalKeys},
};
use crate::{
    association::{Entropy, KeySet},
    security::{
        GeneralCipheredHead, GeneralHeader, GeneralKeys, GeneralProtectRequest,
        GeneralUnprotectRequest, KEY_INFO_LEN_MAX, Key, KeyEstablishment, KeyInfo, Protection,
        SIGNING_OVERHEAD_MAX, SecurityControl, SecurityError, SignRequest, SignedApdu, SystemTitle,
        Verification, VerifyRequest, protect_general, sign, unprotect_general_in_place,
    },
    xdlms::{Apdu, tag},
};

/// Octets of general-ciphering around the fields and the key information: APDU tag, length in its
/// longest form, security control, counter and tag.
const GENERAL_OVERHEAD_MAX: usize = 1 + 5 + 1 + 4 + 12;

/// How a service request was protected, and so its answer will be.
#[derive(Debug)]
pub(super) struct Layers {
    outer: Outer,
    /// The fields for the signature of the answer, where the request was signed or the device signs
    /// in any case.
    signed: Option<GeneralHeader>,
    /// How the request was protected.
    protection: Protection,
    keys: GlobalKeys,
}

#[derive(Debug)]
enum Outer {
    Envelope(Envelope),
    General(Box<GeneralEnvelope>),
}

/// General-ciphering, as the answer will have it.
#[derive(Debug)]
struct GeneralEnvelope {
    header: GeneralHeader,
    control: SecurityControl,
    key: AnswerKey,
}

/// Where the key of the answer comes from.
#[derive(Debug)]
enum AnswerKey {
    /// The global one, without a word about it, as in the request.
    Untold,
    /// Another key of the same kind.
    Established(KeyEstablishment),
    /// The key that the client sent, as it was wrapped and as it is.
    Wrapped(Vec<u8>, Key),
}

impl Layers {
    /// How the request was protected.
    pub(super) const fn protection(&self) -> Protection {
        self.protection
    }

    /// Which global keys protected the request. General-ciphering has no broadcast key here.
    pub(super) const fn key_set(&self) -> KeySet {
        match &self.outer {
            Outer::Envelope(envelope) if envelope.is_broadcast() => KeySet::Broadcast,
            Outer::Envelope(_) | Outer::General(_) => KeySet::Unicast,
        }
    }

    /// How long a plain APDU may be so that it has at most `limit` octets in these layers.
    pub(super) fn room(&self, limit: u16) -> usize {
        let signature = self
            .signed
            .as_ref()
            .map_or(0, |header| header.encoded_len().saturating_add(SIGNING_OVERHEAD_MAX));
        let room = match &self.outer {
            Outer::Envelope(envelope) => envelope.room(limit),
            Outer::General(general) => usize::from(limit)
                .saturating_sub(general.header.encoded_len())
                .saturating_sub(KEY_INFO_LEN_MAX)
                .saturating_sub(GENERAL_OVERHEAD_MAX),
        };
        room.saturating_sub(signature)
    }
}

/// Takes the layers off a request in place. The counter is accepted only when every layer verified.
pub(super) fn open<'a>(
    device: &mut dyn LogicalDevice,
    agreement: &mut Agreement,
    apdu: &'a mut [u8],
) -> Result<(&'a [u8], Layers), Refusal> {
    let response = device.response_protection(agreement.access.client);
    let (plain, outer, ciphered, signed);
    if apdu.first() == Some(&tag::GENERAL_CIPHERING) {
        let (content, mut general, counter) = decipher_general(device, agreement, apdu)?;
        (plain, signed) = unsign(device, agreement, content)?;
        let title = agreement.access.client_title.ok_or(Refusal::Deciphering)?;
        if !device.accept(title, counter) {
            return Err(Refusal::CannotProtect);
        }
        ciphered = general.control.protection();
        general.control = general.control.with_protection(response);
        outer = Outer::General(Box::new(general));
    } else {
        let (content, envelope, counter) = cipher::decipher(device, agreement, apdu)?;
        (plain, signed) = unsign(device, agreement, content)?;
        cipher::accept(device, agreement, envelope, counter)?;
        ciphered = envelope.protection();
        outer = Outer::Envelope(envelope.with_protection(response));
    }
    let protection = Protection { signed: signed.is_some(), ..ciphered };
    let signed = match signed {
        None if response.signed && outer.is_general() => {
            let (title, own) = parties(device, agreement)?;
            Some(answer_header(GeneralHeader::default(), title, own))
        }
        signed => signed,
    };
    let keys = GlobalKeys::of(device, agreement)?;
    Ok((plain, Layers { outer, signed, protection, keys }))
}

impl Outer {
    /// Whether a signed APDU has a place inside.
    const fn is_general(&self) -> bool {
        match self {
            Self::Envelope(envelope) => envelope.is_general(),
            Self::General(_) => true,
        }
    }
}

fn decipher_general<'a>(
    device: &dyn LogicalDevice,
    agreement: &Agreement,
    apdu: &'a mut [u8],
) -> Result<(&'a [u8], GeneralEnvelope, u32), Refusal> {
    let head = GeneralCipheredHead::decode(apdu).map_err(refusal)?;
    // A layer that protects nothing proves nothing, its counter neither.
    if head.control.protection() == Protection::NONE {
        return Err(Refusal::Unprotected);
    }
    let (title, own) = parties(device, agreement)?;
    head.header.check_parties(Some(title), own).map_err(refusal)?;
    let received = device.received(title);
    received.check(head.counter).map_err(|_| Refusal::Counter(received.lowest_acceptable()))?;

    let policy = device.client(agreement.access.client).ok_or(Refusal::NotAssociated)?;
    let keys = policy.keys.ok_or(Refusal::Deciphering)?;
    let crypto = device.crypto();
    let general = GeneralKeys {
        suite: keys.suite,
        global: keys.encryption,
        party: device.party_keys(agreement.access.client),
    };
    let key = general.find(crypto, head.key_info.as_ref(), &head.header, [title, own]);
    let key = key.map_err(refusal)?;
    let request = GeneralUnprotectRequest {
        required: SecurityControl::new(keys.suite, policy.protection),
        originator: Some(title),
        recipient: own,
        key: &key,
        authentication_key: Some(keys.authentication),
        short_aad: short_aad(device, agreement),
    };
    let opened = unprotect_general_in_place(crypto, &request, &head, apdu).map_err(refusal)?;
    if opened.verified != Verification::Verified && Apdu::decode(opened.plain).is_err() {
        return Err(Refusal::Deciphering);
    }
    let envelope = GeneralEnvelope {
        header: answer_header(head.header, title, own),
        control: head.control,
        key: match head.key_info {
            None => AnswerKey::Untold,
            Some(KeyInfo::Wrapped(wrapped)) => AnswerKey::Wrapped(wrapped, key),
            Some(KeyInfo::GlobalUnicast | KeyInfo::GlobalBroadcast) => {
                AnswerKey::Established(KeyEstablishment::Identified)
            }
            Some(KeyInfo::OnePass(_)) => AnswerKey::Established(KeyEstablishment::OnePass),
            Some(KeyInfo::StaticUnified) => AnswerKey::Established(KeyEstablishment::StaticUnified),
        },
    };
    Ok((opened.plain, envelope, head.counter))
}

/// Verifies the signature around a request, where there is one.
fn unsign<'a>(
    device: &dyn LogicalDevice,
    agreement: &Agreement,
    apdu: &'a [u8],
) -> Result<(&'a [u8], Option<GeneralHeader>), Refusal> {
    if apdu.first() != Some(&tag::GENERAL_SIGNING) {
        return Ok((apdu, None));
    }
    let signed = SignedApdu::decode(apdu)?;
    let (title, own) = parties(device, agreement)?;
    let party = device.party_keys(agreement.access.client).ok_or(Refusal::Deciphering)?;
    let request = VerifyRequest {
        originator: Some(title),
        recipient: own,
        key: &party.signing.as_ref().ok_or(Refusal::Deciphering)?.peer,
        exclude_content_length: party.compatibility.signing_excludes_content_length,
    };
    let content = signed.verify(device.crypto(), &request).map_err(refusal)?;
    Ok((content, Some(answer_header(signed.header, title, own))))
}

/// Puts the layers of its request around an answer and appends it to `out`.
pub(super) fn seal(
    device: &mut dyn LogicalDevice,
    entropy: &mut dyn Entropy,
    agreement: &mut Agreement,
    layers: &Layers,
    plain: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Refusal> {
    let mut signed = Vec::new();
    let plain = match &layers.signed {
        None => plain,
        Some(header) => {
            let party = device.party_keys(agreement.access.client);
            let party = party.ok_or(Refusal::CannotProtect)?;
            let request = SignRequest {
                header,
                key: &party.signing.as_ref().ok_or(Refusal::CannotProtect)?.own,
                exclude_content_length: party.compatibility.signing_excludes_content_length,
            };
            sign(device.crypto(), &request, plain, &mut signed)
                .map_err(|_| Refusal::CannotProtect)?;
            &signed
        }
    };
    match &layers.outer {
        Outer::Envelope(envelope) => {
            cipher::seal(device, agreement, *envelope, &layers.keys, plain, out)
        }
        Outer::General(general) => {
            seal_general(device, entropy, agreement, general, &layers.keys, plain, out)
        }
    }
}

fn seal_general(
    device: &mut dyn LogicalDevice,
    entropy: &mut dyn Entropy,
    agreement: &Agreement,
    envelope: &GeneralEnvelope,
    keys: &GlobalKeys,
    plain: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Refusal> {
    let counter = device.take_counter().ok_or(Refusal::CannotProtect)?;
    let (title, own) = parties(device, agreement)?;
    let general = GeneralKeys {
        suite: envelope.control.suite(),
        global: &keys.encryption,
        party: device.party_keys(agreement.access.client),
    };
    let (key_info, key) = match &envelope.key {
        AnswerKey::Untold => (None, keys.encryption.clone()),
        AnswerKey::Wrapped(wrapped, key) => (Some(KeyInfo::Wrapped(wrapped.clone())), key.clone()),
        AnswerKey::Established(how) => {
            let fill = |octets: &mut [u8]| entropy.fill(octets);
            let established =
                general.establish(device.crypto(), *how, &envelope.header, [own, title], fill);
            let (info, key) = established.map_err(|_| Refusal::CannotProtect)?;
            (Some(info), key)
        }
    };
    let request = GeneralProtectRequest {
        header: &envelope.header,
        system_title: own,
        key_info: key_info.as_ref(),
        control: envelope.control,
        counter,
        key: &key,
        authentication_key: Some(&keys.authentication),
        short_aad: short_aad(device, agreement),
    };
    protect_general(device.crypto(), &request, plain, out).map_err(|_| Refusal::CannotProtect)
}

/// The client and the device.
fn parties(
    device: &dyn LogicalDevice,
    agreement: &Agreement,
) -> Result<(SystemTitle, SystemTitle), Refusal> {
    let title = agreement.access.client_title.ok_or(Refusal::Deciphering)?;
    Ok((title, device.system_title()))
}

/// The fields of an answer: the same transaction, in the other direction.
fn answer_header(request: GeneralHeader, client: SystemTitle, own: SystemTitle) -> GeneralHeader {
    GeneralHeader {
        transaction_id: request.transaction_id,
        originator: Some(own),
        recipient: Some(client),
        ..GeneralHeader::default()
    }
}

fn short_aad(device: &dyn LogicalDevice, agreement: &Agreement) -> bool {
    let party = device.party_keys(agreement.access.client);
    party.is_some_and(|party| party.compatibility.general_ciphering_short_aad)
}

/// The peer learns no more than that it could not be deciphered.
fn refusal(error: SecurityError) -> Refusal {
    match error {
        SecurityError::Malformed(malformed) => malformed.into(),
        SecurityError::Protection { .. } => Refusal::Unprotected,
        _ => Refusal::Deciphering,
    }
}
