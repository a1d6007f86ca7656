//! Ciphered APDUs under one symmetric key: glo-, ded-, general-glo- and general-ded-ciphering
//! (Green Book 9.2.7.2, GCM 9.2.3.3.7).
//!
//! ```text
//! service-specific   tag  length                SC  IC  text  [T]
//! general            tag  length title  length  SC  IC  text  [T]
//!
//! SC  what is done              text        T = AES-GCM tag, 12 octets, over
//! 1x  authenticated             plain       SC || AK || plain
//! 3x  authenticated, encrypted  ciphertext  SC || AK, ciphertext
//! 2x  encrypted                 ciphertext  no T
//! ```
//!
//! The initialization vector is the originator's system title and the invocation counter (IC), so
//! the title is proven by the tag although it is not in the authenticated data. The APDU tag is
//! not proven: whoever takes the plain APDU out compares its tag with the outer one.

use alloc::vec::Vec;
use core::ops::Range;

use zeroize::{Zeroize, Zeroizing};

use super::{
    COUNTER_MAX, CipherForm, CryptoProvider, Key, SecurityControl, SecurityError, SecuritySuite,
    SystemTitle, TAG_LEN, general_header::decode_title,
};
use crate::{
    Malformed, MalformedKind,
    axdr::{Reader, Writer},
};

/// Octets that protection adds at most: APDU tag, title with its length, length in its longest
/// form, security control, counter and authentication tag. A plain APDU that is this much smaller
/// than the peer's largest PDU fits.
pub const OVERHEAD_MAX: usize = 1 + 9 + 5 + HEADER_LEN + TAG_LEN;

/// Security control and invocation counter.
const HEADER_LEN: usize = 1 + 4;
/// Octets of the longest key.
const KEY_LEN_MAX: usize = SecuritySuite::Suite2.key_len();

/// What to protect an APDU with.
#[derive(Clone, Copy, Debug)]
pub struct ProtectRequest<'a> {
    /// The tag of the ciphered APDU, which decides its [`CipherForm`].
    pub tag: u8,
    /// The system title of the originator, which is whoever sends this.
    pub system_title: SystemTitle,
    /// Whether a general form carries the title, or an empty one for a peer that knows it from the
    /// association. The service-specific forms have no place for it.
    pub send_title: bool,
    /// Suite, protection and key set.
    pub control: SecurityControl,
    /// The invocation counter, used here and never again under `key`.
    pub counter: u32,
    /// The encryption key that form and key set name: the global unicast one, the global broadcast
    /// one or the dedicated one.
    pub key: &'a Key,
    /// The authentication key; may be missing when `control` only encrypts. There is but the
    /// global one.
    pub authentication_key: Option<&'a Key>,
}

/// Appends the ciphered form of `plain` to `out`; after an error `out` is as it was.
///
/// # Errors
/// [`SecurityError::Malformed`] when the tag is not of a ciphered APDU, [`SecurityError::Control`],
/// [`SecurityError::Compressed`], [`SecurityError::KeyLength`],
/// [`SecurityError::AuthenticationKeyMissing`], [`SecurityError::CounterMaximum`], and what the
/// provider reports.
pub fn protect(
    provider: &dyn CryptoProvider,
    request: &ProtectRequest<'_>,
    plain: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), SecurityError> {
    let &ProtectRequest { control, counter, key, .. } = request;
    let form = form(request.tag)?;
    control.check(form)?;
    if control.compressed() {
        return Err(SecurityError::Compressed);
    }
    let authentication_key = usable_keys(control, key, request.authentication_key)?;
    let iv = initialization_vector(request.system_title, counter)?;

    let start = out.len();
    out.reserve(plain.len().saturating_add(OVERHEAD_MAX));
    let mut writer = Writer::new(out);
    writer.u8(request.tag);
    if form.is_general() {
        writer.octet_string(if request.send_title { &request.system_title.0 } else { &[] });
    }
    let tag_len = if authentication_key.is_some() { TAG_LEN } else { 0 };
    writer.length(plain.len().saturating_add(HEADER_LEN).saturating_add(tag_len));
    writer.u8(control.octet());
    writer.u32(counter);
    let text_start = out.len();
    out.extend_from_slice(plain);

    let text = out.get_mut(text_start..).unwrap_or_default();
    let sealed = match authentication_key {
        None => provider.gcm_keystream(key, &iv, text).map(|()| None),
        Some(authentication_key) if control.protection().encrypted => {
            let aad = AssociatedData::new(control, authentication_key);
            provider.gcm_seal(key, &iv, aad.octets(), text).map(Some)
        }
        Some(authentication_key) => {
            let aad = associated_data(control, authentication_key, plain);
            provider.gcm_seal(key, &iv, &aad, &mut []).map(Some)
        }
    };
    match sealed {
        Ok(Some(tag)) => out.extend_from_slice(&tag),
        Ok(None) => {}
        Err(error) => {
            text.fill(0);
            out.truncate(start);
            return Err(error.into());
        }
    }
    Ok(())
}

/// The readable part of a ciphered APDU, by which its owner finds the keys. Nothing of it is proven
/// before [`unprotect_in_place`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CipheredHead {
    /// The APDU tag.
    pub tag: u8,
    /// The form that the tag stands for.
    pub form: CipherForm,
    /// The originator's system title where a general form carries it; an empty one is `None`.
    pub system_title: Option<SystemTitle>,
    /// Suite, protection and key set.
    pub control: SecurityControl,
    /// The invocation counter.
    pub counter: u32,
    /// Where the text is in the APDU. Its authentication tag, if any, follows to the end.
    pub text: Range<usize>,
}

/// Reads the head of a ciphered APDU that fills `apdu`.
///
/// # Errors
/// [`SecurityError::Malformed`], and [`SecurityError::Control`] for a security control octet that
/// is not allowed in this form.
pub fn decode_head(apdu: &[u8]) -> Result<CipheredHead, SecurityError> {
    let mut reader = Reader::new(apdu);
    let tag = reader.u8()?;
    let form = form(tag)?;
    let system_title = if form.is_general() { decode_title(&mut reader)? } else { None };

    let (control, counter, text) = take_body(&mut reader, apdu.len())?;
    control.check(form)?;
    Ok(CipheredHead { tag, form, system_title, control, counter, text })
}

/// Takes what ends a ciphered APDU of `len` octets: an octet-string of security control, invocation
/// counter, text and, where it is authenticated, the tag. The text is told by its place.
pub(super) fn take_body(
    reader: &mut Reader<'_>,
    len: usize,
) -> Result<(SecurityControl, u32, Range<usize>), SecurityError> {
    let body = reader.octet_string()?;
    reader.finish()?;
    let mut reader = Reader::at(body, len.saturating_sub(body.len()));
    let control = SecurityControl::decode(reader.u8()?)?;
    let counter = reader.u32()?;
    let start = reader.offset();
    let tag_len = if control.protection().authenticated { TAG_LEN } else { 0 };
    let text_len = reader
        .rest()
        .len()
        .checked_sub(tag_len)
        .ok_or_else(|| Malformed::new(MalformedKind::Truncated, len))?;
    Ok((control, counter, start..start.saturating_add(text_len)))
}

/// What the receiver of an APDU knows and demands, before it looks into it.
#[derive(Clone, Copy, Debug)]
pub struct UnprotectRequest<'a> {
    /// The agreed suite and key set, and the least protection. More protection is accepted,
    /// another suite or key set is not.
    pub required: SecurityControl,
    /// The originator's system title as the association knows it; `None` when only the APDU tells.
    /// When both do they must agree.
    pub system_title: Option<SystemTitle>,
    /// The encryption key that form and key set name.
    pub key: &'a Key,
    /// The authentication key; may be missing when the APDU is only encrypted.
    pub authentication_key: Option<&'a Key>,
}

/// The content of a ciphered APDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened<'a> {
    /// The plain APDU.
    pub plain: &'a [u8],
    /// What is known about where it comes from.
    pub verified: Verification,
}

/// What is known about the origin of a plain APDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verification {
    /// The tag verified: the originator has both keys and sent exactly this.
    Verified,
    /// Encrypted only: there is no tag, and the octets may have been changed on the way.
    NothingToVerify,
    /// There is a tag and nobody looked at it, for want of the authentication key.
    Unverified,
}

/// Verifies and decrypts `apdu`, whose head is `head`, in place.
///
/// The invocation counter is the owner's: [`ReceiveCounter::check`](super::ReceiveCounter::check)
/// before, [`accept`](super::ReceiveCounter::accept) after, and only when this returned
/// [`Verification::Verified`].
///
/// # Errors
/// [`SecurityError::Suite`], [`SecurityError::Protection`], [`SecurityError::KeySet`],
/// [`SecurityError::Compressed`], [`SecurityError::SystemTitleMissing`],
/// [`SecurityError::SystemTitleMismatch`], [`SecurityError::CounterMaximum`],
/// [`SecurityError::KeyLength`], [`SecurityError::AuthenticationKeyMissing`],
/// [`SecurityError::TagMismatch`], and [`SecurityError::Malformed`] when `head` is of another APDU.
/// When the tag does not verify, the text in `apdu` is all zeros: it cannot be used by mistake.
pub fn unprotect_in_place<'a>(
    provider: &dyn CryptoProvider,
    request: &UnprotectRequest<'_>,
    head: &CipheredHead,
    apdu: &'a mut [u8],
) -> Result<Opened<'a>, SecurityError> {
    let &UnprotectRequest { key, .. } = request;
    let &CipheredHead { control, .. } = head;
    check_agreed(control, request.required)?;
    let iv = initialization_vector(originator(head, request.system_title)?, head.counter)?;
    let authentication_key = usable_keys(control, key, request.authentication_key)?;

    let (text, tag) = split_text(head, apdu)?;
    let opened = match authentication_key {
        None => provider.gcm_keystream(key, &iv, text),
        Some(authentication_key) => {
            let tag = tag.first_chunk().ok_or_else(|| truncated(head))?;
            if control.protection().encrypted {
                let aad = AssociatedData::new(control, authentication_key);
                provider.gcm_open(key, &iv, aad.octets(), text, tag)
            } else {
                let aad = associated_data(control, authentication_key, text);
                provider.gcm_open(key, &iv, &aad, &mut [], tag)
            }
        }
    };
    if let Err(error) = opened {
        text.fill(0);
        return Err(error.into());
    }
    let verified = match authentication_key {
        Some(_) => Verification::Verified,
        None => Verification::NothingToVerify,
    };
    Ok(Opened { plain: text, verified })
}

/// Decrypts `apdu` in place without looking at its tag, for readers who were never given the
/// authentication key: some distributors hand out only the encryption key of the customer port.
///
/// Whoever knows the encryption key can make such an APDU, and anybody can flip its bits. The
/// result says so ([`Verification::Unverified`]), and its counter must not be accepted. When the
/// request does have an authentication key, the tag is verified after all.
///
/// # Errors
/// As [`unprotect_in_place`].
pub fn decrypt_unverified_in_place<'a>(
    provider: &dyn CryptoProvider,
    request: &UnprotectRequest<'_>,
    head: &CipheredHead,
    apdu: &'a mut [u8],
) -> Result<Opened<'a>, SecurityError> {
    let protection = head.control.protection();
    if request.authentication_key.is_some() || !protection.authenticated {
        return unprotect_in_place(provider, request, head, apdu);
    }
    check_agreed(head.control, request.required)?;
    let iv = initialization_vector(originator(head, request.system_title)?, head.counter)?;
    check_length(head.control, request.key)?;

    let (text, _tag) = split_text(head, apdu)?;
    if protection.encrypted {
        provider.gcm_keystream(request.key, &iv, text)?;
    }
    Ok(Opened { plain: text, verified: Verification::Unverified })
}

/// SC || AK: what a tag proves besides the ciphertext. Holds a key, so what is used of it is
/// cleared.
struct AssociatedData {
    buffer: [u8; 1 + KEY_LEN_MAX],
    length: usize,
}

impl AssociatedData {
    fn new(control: SecurityControl, authentication_key: &Key) -> Self {
        let mut buffer = [control.octet(); 1 + KEY_LEN_MAX];
        let octets = authentication_key.octets();
        let length = octets.len().saturating_add(1);
        if let Some(place) = buffer.get_mut(1..length) {
            place.copy_from_slice(octets);
        }
        Self { buffer, length }
    }

    fn octets(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }
}

impl Drop for AssociatedData {
    fn drop(&mut self) {
        self.buffer.get_mut(..self.length).unwrap_or_default().zeroize();
    }
}

/// SC || AK || plain: what a tag proves besides the ciphertext. Holds a key, so it is cleared.
pub(super) fn associated_data(
    control: SecurityControl,
    authentication_key: &Key,
    plain: &[u8],
) -> Zeroizing<Vec<u8>> {
    let parts = [&[control.octet()], authentication_key.octets(), plain];
    Zeroizing::new(parts.concat())
}

/// The initialization vector, unless the counter is the one that is never used.
pub(super) fn initialization_vector(
    originator: SystemTitle,
    counter: u32,
) -> Result<[u8; 12], SecurityError> {
    if counter == COUNTER_MAX {
        return Err(SecurityError::CounterMaximum);
    }
    Ok(originator.initialization_vector(counter))
}

/// The key has the length that the suite demands.
pub(super) fn check_length(control: SecurityControl, key: &Key) -> Result<(), SecurityError> {
    if key.octets().len() == control.suite().key_len() {
        Ok(())
    } else {
        Err(SecurityError::KeyLength)
    }
}

/// Checks both keys against `control`; returns the authentication key when `control` uses one.
fn usable_keys<'a>(
    control: SecurityControl,
    key: &Key,
    authentication_key: Option<&'a Key>,
) -> Result<Option<&'a Key>, SecurityError> {
    check_length(control, key)?;
    if !control.protection().authenticated {
        return Ok(None);
    }
    let authentication_key = authentication_key.ok_or(SecurityError::AuthenticationKeyMissing)?;
    check_length(control, authentication_key)?;
    Ok(Some(authentication_key))
}

/// Compares a received security control octet with what was agreed.
pub(super) fn check_agreed(
    received: SecurityControl,
    required: SecurityControl,
) -> Result<(), SecurityError> {
    if received.suite() != required.suite() {
        let (received, required) = (received.suite(), required.suite());
        return Err(SecurityError::Suite { received, required });
    }
    if !received.protection().covers(required.protection()) {
        let (received, required) = (received.protection(), required.protection());
        return Err(SecurityError::Protection { received, required });
    }
    if received.broadcast_key() != required.broadcast_key() {
        return Err(SecurityError::KeySet { broadcast: received.broadcast_key() });
    }
    if received.compressed() {
        return Err(SecurityError::Compressed);
    }
    Ok(())
}

/// The originator by the APDU, by the association, or by both when they agree.
pub(super) fn originator(
    head: &CipheredHead,
    known: Option<SystemTitle>,
) -> Result<SystemTitle, SecurityError> {
    match (head.system_title, known) {
        (Some(received), Some(expected)) if received != expected => {
            Err(SecurityError::SystemTitleMismatch { received, expected })
        }
        (Some(title), _) | (None, Some(title)) => Ok(title),
        (None, None) => Err(SecurityError::SystemTitleMissing),
    }
}

/// The form of a ciphered APDU tag.
fn form(tag: u8) -> Result<CipherForm, Malformed> {
    CipherForm::from_tag(tag).ok_or_else(|| Malformed::new(MalformedKind::UnknownTag(tag), 0))
}

/// The text and, behind it, the authentication tag.
fn split_text<'a>(
    head: &CipheredHead,
    apdu: &'a mut [u8],
) -> Result<(&'a mut [u8], &'a mut [u8]), Malformed> {
    apdu.get_mut(head.text.start..)
        .and_then(|rest| rest.split_at_mut_checked(head.text.len()))
        .ok_or_else(|| truncated(head))
}

/// The APDU is shorter than its head says.
const fn truncated(head: &CipheredHead) -> Malformed {
    Malformed::new(MalformedKind::Truncated, head.text.end)
}

#[cfg(test)]
#[cfg(feature = "rustcrypto")]
mod tests {
    use proptest::prelude::*;
    use std::{format, vec};

    use super::*;
    use crate::security::{
        ControlError, CryptoError, NoCrypto, Protection, ReceiveCounter, RustCrypto, SecuritySuite,
        hex::octets,
    };
    use alloc::boxed::Box;

    const METER: SystemTitle = SystemTitle([0x4d, 0x4d, 0x4d, 0x00, 0x00, 0xbc, 0x61, 0x4e]);
    const GET_TIME: &str = "C0010000080000010000FF0200";

    const AUTHENTICATED: SecurityControl =
        SecurityControl::new(SecuritySuite::Suite0, Protection::AUTHENTICATED);
    const ENCRYPTED: SecurityControl =
        SecurityControl::new(SecuritySuite::Suite0, Protection::ENCRYPTED);
    const BOTH: SecurityControl =
        SecurityControl::new(SecuritySuite::Suite0, Protection::AUTHENTICATED_ENCRYPTED);

    /// The published worked examples: control, plain APDU, ciphered APDU.
    const EXAMPLES: [(SecurityControl, &str, &str); 4] = [
        (BOTH, GET_TIME, "C8 1E 30 01234567 411312FF935A47566827C467BC 7D825C3BE4A77C3FCC056B6B"),
        (
            AUTHENTICATED,
            GET_TIME,
            "C8 1E 10 01234567 C0010000080000010000FF0200 06725D910F9221D263877516",
        ),
        (ENCRYPTED, GET_TIME, "C8 12 20 01234567 411312FF935A47566827C467BC"),
        (
            BOTH,
            "01011000112233445566778899AABBCCDDEEFF0000065F1F0400007E1F04B0",
            "21 30 30 01234567 801302FF8A7874133D414CED25B42534D28DB0047720606B175BD52211BE68 \
             41DB204D39EE6FDB8E356855",
        ),
    ];

    /// The encryption key and the authentication key of the examples.
    fn keys() -> [Key; 2] {
        ["000102030405060708090A0B0C0D0E0F", "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"]
            .map(|digits| digits.parse().unwrap())
    }

    /// What the meter of the examples sends.
    fn sends([key, authentication_key]: &[Key; 2]) -> ProtectRequest<'_> {
        ProtectRequest {
            tag: 0xc8,
            system_title: METER,
            send_title: true,
            control: BOTH,
            counter: 0x0123_4567,
            key,
            authentication_key: Some(authentication_key),
        }
    }

    /// What a receiver demands who knows the meter of the examples.
    fn demands([key, authentication_key]: &[Key; 2]) -> UnprotectRequest<'_> {
        UnprotectRequest {
            required: BOTH,
            system_title: Some(METER),
            key,
            authentication_key: Some(authentication_key),
        }
    }

    fn ciphered(tag: u8, control: SecurityControl, plain: &[u8]) -> Vec<u8> {
        let (keys, mut out) = (keys(), Vec::new());
        let request = ProtectRequest { tag, control, ..sends(&keys) };
        protect(&RustCrypto, &request, plain, &mut out).unwrap();
        out
    }

    fn opened(
        apdu: &mut [u8],
        required: SecurityControl,
    ) -> Result<(Vec<u8>, Verification), SecurityError> {
        let (keys, head) = (keys(), decode_head(apdu)?);
        let request = UnprotectRequest { required, ..demands(&keys) };
        let opened = unprotect_in_place(&RustCrypto, &request, &head, apdu)?;
        Ok((opened.plain.to_vec(), opened.verified))
    }

    #[test]
    fn the_worked_examples_come_out_octet_for_octet_and_back() {
        for (control, plain, apdu) in EXAMPLES {
            let (plain, mut apdu) = (octets(plain), octets(apdu));
            assert_eq!(ciphered(apdu[0], control, &plain), apdu);
            let verified = match control {
                ENCRYPTED => Verification::NothingToVerify,
                _ => Verification::Verified,
            };
            assert_eq!(opened(&mut apdu, control), Ok((plain, verified)));
        }
    }

    #[test]
    fn a_general_form_carries_the_title_and_is_otherwise_the_same() {
        let rest = "1E 30 01234567 411312FF935A47566827C467BC 7D825C3BE4A77C3FCC056B6B";
        let with_title = octets(&format!("DB 08 4D4D4D0000BC614E {rest}"));
        assert_eq!(ciphered(0xdb, BOTH, &octets(GET_TIME)), with_title);
        let head = decode_head(&with_title).unwrap();
        assert_eq!((head.form, head.system_title), (CipherForm::GeneralGlobal, Some(METER)));

        // An empty title: the association knows it.
        let mut without_title = octets(&format!("DB 00 {rest}"));
        assert_eq!(decode_head(&without_title).unwrap().system_title, None);
        let verified = (octets(GET_TIME), Verification::Verified);
        assert_eq!(opened(&mut without_title, BOTH), Ok(verified));

        let (keys, mut out) = (keys(), Vec::new());
        let request = ProtectRequest { tag: 0xdb, send_title: false, ..sends(&keys) };
        protect(&RustCrypto, &request, &octets(GET_TIME), &mut out).unwrap();
        assert_eq!(out, octets(&format!("DB 00 {rest}")));
    }

    #[test]
    fn a_flipped_bit_of_control_counter_text_or_tag_is_refused_and_nothing_can_be_read() {
        for (control, plain, apdu) in EXAMPLES {
            if !control.protection().authenticated {
                continue;
            }
            let (plain, good) = (octets(plain), octets(apdu));
            for place in 2..good.len() {
                for bit in 0..8 {
                    let mut apdu = good.clone();
                    apdu[place] ^= 1 << bit;
                    let refused = opened(&mut apdu, control);
                    if place == 2 {
                        assert!(refused.is_err(), "control bit {bit}");
                    } else {
                        assert_eq!(refused, Err(SecurityError::TagMismatch), "{place}.{bit}");
                        assert_eq!(&apdu[7..7 + plain.len()], vec![0; plain.len()]);
                    }
                }
            }
        }
    }

    #[test]
    fn another_key_or_originator_is_refused() {
        let other = Key::from([0x55; 16]);
        let keys = keys();
        let right = demands(&keys);
        let other_title = SystemTitle([0x4d, 0x4d, 0x4d, 0x00, 0x00, 0xbc, 0x61, 0x4f]);
        for (request, result) in [
            (right, Ok(Verification::Verified)),
            (UnprotectRequest { key: &other, ..right }, Err(SecurityError::TagMismatch)),
            (
                UnprotectRequest { authentication_key: Some(&other), ..right },
                Err(SecurityError::TagMismatch),
            ),
            (
                UnprotectRequest { system_title: Some(other_title), ..right },
                Err(SecurityError::TagMismatch),
            ),
        ] {
            let mut apdu = ciphered(0xc8, BOTH, &octets(GET_TIME));
            let head = decode_head(&apdu).unwrap();
            let opened = unprotect_in_place(&RustCrypto, &request, &head, &mut apdu);
            assert_eq!(opened.map(|opened| opened.verified), result);
        }
    }

    #[test]
    fn the_title_in_the_apdu_and_the_known_one_must_agree_and_one_must_be_there() {
        let keys = keys();
        let stranger = SystemTitle(*b"XYZ\x00\x00\x00\x00\x01");
        for (tag, system_title, result) in [
            (0xdb, Some(METER), Ok(Verification::Verified)),
            (0xdb, None, Ok(Verification::Verified)),
            (
                0xdb,
                Some(stranger),
                Err(SecurityError::SystemTitleMismatch { received: METER, expected: stranger }),
            ),
            (0xc8, None, Err(SecurityError::SystemTitleMissing)),
        ] {
            let mut apdu = ciphered(tag, BOTH, &octets(GET_TIME));
            let request = UnprotectRequest { system_title, ..demands(&keys) };
            let head = decode_head(&apdu).unwrap();
            let opened = unprotect_in_place(&RustCrypto, &request, &head, &mut apdu);
            assert_eq!(opened.map(|opened| opened.verified), result);
        }
    }

    #[test]
    fn less_than_was_agreed_is_refused_and_more_is_taken() {
        let protections =
            [Protection::AUTHENTICATED, Protection::ENCRYPTED, Protection::AUTHENTICATED_ENCRYPTED];
        for required in protections {
            for received in protections {
                let control = SecurityControl::new(SecuritySuite::Suite0, received);
                let mut apdu = ciphered(0xc8, control, &octets(GET_TIME));
                let demanded = SecurityControl::new(SecuritySuite::Suite0, required);
                let result = opened(&mut apdu, demanded);
                if received.covers(required) {
                    assert_eq!(result.unwrap().0, octets(GET_TIME));
                } else {
                    assert_eq!(result, Err(SecurityError::Protection { received, required }));
                }
            }
        }
    }

    #[test]
    fn another_suite_or_key_set_than_was_agreed_is_refused_before_any_key_is_used() {
        let good = ciphered(0xdb, BOTH, &octets(GET_TIME));
        let control_at = 1 + 9 + 1;
        for (control, refused) in [
            (
                0x31,
                SecurityError::Suite {
                    received: SecuritySuite::Suite1,
                    required: SecuritySuite::Suite0,
                },
            ),
            (0x33, SecurityError::Control(ControlError::ReservedSuite(3))),
            (0x70, SecurityError::KeySet { broadcast: true }),
            (0x00, SecurityError::Control(ControlError::NoProtection)),
            (0xb0, SecurityError::Control(ControlError::CompressedSuite0)),
        ] {
            let mut apdu = good.clone();
            apdu[control_at] = control;
            assert_eq!(opened(&mut apdu, BOTH), Err(refused));
            assert_eq!(apdu[control_at + 1..], good[control_at + 1..]);
        }
        // Allowed by the standard in suite 1, but not handled.
        let mut apdu = good;
        apdu[control_at] = 0xb1;
        let suite1 =
            SecurityControl::new(SecuritySuite::Suite1, Protection::AUTHENTICATED_ENCRYPTED);
        assert_eq!(opened(&mut apdu, suite1), Err(SecurityError::Compressed));
    }

    #[test]
    fn what_a_receiver_would_refuse_is_not_sent() {
        let keys = keys();
        for (tag, octet, refused) in [
            (0xc8, 0x00, SecurityError::Control(ControlError::NoProtection)),
            (0xd0, 0x70, SecurityError::Control(ControlError::BroadcastDedicated)),
            (0xc8, 0xb0, SecurityError::Control(ControlError::CompressedServiceSpecific)),
            (0xdb, 0xb0, SecurityError::Control(ControlError::CompressedSuite0)),
            (0xdb, 0xb1, SecurityError::Compressed),
            (0xc0, 0x30, Malformed::new(MalformedKind::UnknownTag(0xc0), 0).into()),
        ] {
            let control = SecurityControl::decode(octet).unwrap();
            let request = ProtectRequest { tag, control, ..sends(&keys) };
            let mut out = Vec::new();
            assert_eq!(protect(&RustCrypto, &request, &[0xc0], &mut out), Err(refused));
            assert!(out.is_empty());
        }
    }

    #[test]
    fn a_broadcast_is_taken_where_a_broadcast_was_agreed() {
        let mut apdu = ciphered(0xc9, BOTH.with_broadcast_key(), &octets(GET_TIME));
        assert_eq!(apdu[2], 0x70);
        let refused = Err(SecurityError::KeySet { broadcast: true });
        assert_eq!(opened(&mut apdu.clone(), BOTH), refused);
        let verified = (octets(GET_TIME), Verification::Verified);
        assert_eq!(opened(&mut apdu, BOTH.with_broadcast_key()), Ok(verified));
    }

    #[test]
    fn a_replay_is_refused_and_a_forged_counter_locks_nobody_out() {
        let mut counter = ReceiveCounter::new();
        let good = ciphered(0xc8, BOTH, &octets(GET_TIME));
        let mut take = |mut apdu: Vec<u8>| {
            let received = decode_head(&apdu)?.counter;
            counter.check(received)?;
            let (plain, _) = opened(&mut apdu, BOTH)?;
            counter.accept(received);
            Ok(plain)
        };
        let mut forged = good.clone();
        forged[3..7].copy_from_slice(&[0xff, 0xff, 0xff, 0xfe]);
        assert_eq!(take(forged), Err(SecurityError::TagMismatch));
        assert_eq!(take(good.clone()), Ok(octets(GET_TIME)));
        let (received, last) = (0x0123_4567, 0x0123_4567);
        assert_eq!(take(good), Err(SecurityError::CounterNotGreater { received, last }));
    }

    #[test]
    fn the_largest_counter_is_neither_sent_nor_taken() {
        let keys = keys();
        let request = ProtectRequest { counter: COUNTER_MAX, ..sends(&keys) };
        let mut out = vec![0x99];
        let refused = protect(&RustCrypto, &request, &octets(GET_TIME), &mut out);
        assert_eq!((refused, &out[..]), (Err(SecurityError::CounterMaximum), &[0x99][..]));

        // Made by hand with the right keys, so that the counter alone is at fault.
        let iv = METER.initialization_vector(COUNTER_MAX);
        let mut text = octets(GET_TIME);
        let aad = associated_data(BOTH, &keys[1], &[]);
        let tag = RustCrypto.gcm_seal(&keys[0], &iv, &aad, &mut text).unwrap();
        let mut apdu = [&octets("C8 1E 30 FFFFFFFF"), &text[..], &tag].concat();
        assert_eq!(opened(&mut apdu, BOTH), Err(SecurityError::CounterMaximum));
    }

    #[test]
    fn keys_must_be_there_and_as_long_as_the_suite_says() {
        let (short, long) = (Key::from([1; 16]), Key::try_from(&[1; 32][..]).unwrap());
        let suite2 =
            SecurityControl::new(SecuritySuite::Suite2, Protection::AUTHENTICATED_ENCRYPTED);
        for (control, key, authentication_key, result) in [
            (BOTH, &short, Some(&short), Ok(())),
            (BOTH, &long, Some(&short), Err(SecurityError::KeyLength)),
            (BOTH, &short, Some(&long), Err(SecurityError::KeyLength)),
            (BOTH, &short, None, Err(SecurityError::AuthenticationKeyMissing)),
            (AUTHENTICATED, &short, None, Err(SecurityError::AuthenticationKeyMissing)),
            (ENCRYPTED, &short, None, Ok(())),
            (suite2, &long, Some(&long), Ok(())),
            (suite2, &short, Some(&long), Err(SecurityError::KeyLength)),
        ] {
            let keys = keys();
            let request = ProtectRequest { control, key, authentication_key, ..sends(&keys) };
            let mut out = Vec::new();
            assert_eq!(protect(&RustCrypto, &request, &octets(GET_TIME), &mut out), result);
            assert_eq!(out.is_empty(), result.is_err());

            // The receiver's side of the same rule.
            let control = control.octet();
            let mut apdu = [&[0xc8, 30, control, 0, 0, 0, 2][..], &[0; 25]].concat();
            let head = decode_head(&apdu).unwrap();
            let required = head.control;
            let request = UnprotectRequest { required, key, authentication_key, ..demands(&keys) };
            let refused = unprotect_in_place(&RustCrypto, &request, &head, &mut apdu).err();
            match result {
                Err(error) => assert_eq!(refused, Some(error)),
                Ok(()) if head.control == ENCRYPTED => assert_eq!(refused, None),
                Ok(()) => assert_eq!(refused, Some(SecurityError::TagMismatch)),
            }
        }
    }

    #[test]
    fn without_the_authentication_key_reading_is_explicit_and_marked() {
        let keys = keys();
        let request = UnprotectRequest { authentication_key: None, ..demands(&keys) };
        let good = ciphered(0xc8, BOTH, &octets(GET_TIME));
        let head = decode_head(&good).unwrap();

        let mut apdu = good.clone();
        let refused = unprotect_in_place(&RustCrypto, &request, &head, &mut apdu);
        assert_eq!(refused, Err(SecurityError::AuthenticationKeyMissing));
        assert_eq!(apdu, good);

        let read = decrypt_unverified_in_place(&RustCrypto, &request, &head, &mut apdu);
        let unverified = Opened { plain: &octets(GET_TIME), verified: Verification::Unverified };
        assert_eq!(read, Ok(unverified));

        // A key that is there is never left aside.
        let other = Key::from([0x55; 16]);
        let request = UnprotectRequest { authentication_key: Some(&other), ..request };
        let mut apdu = good;
        let refused = decrypt_unverified_in_place(&RustCrypto, &request, &head, &mut apdu);
        assert_eq!(refused, Err(SecurityError::TagMismatch));
    }

    #[test]
    fn reading_unverified_leaves_out_nothing_but_the_tag() {
        let keys = keys();
        let right = UnprotectRequest { authentication_key: None, ..demands(&keys) };
        let long = Key::try_from(&[1; 32][..]).unwrap();
        let stranger = SystemTitle(*b"XYZ\x00\x00\x00\x00\x01");
        let suite1 =
            SecurityControl::new(SecuritySuite::Suite1, Protection::AUTHENTICATED_ENCRYPTED);
        for (request, refused) in [
            (UnprotectRequest { key: &long, ..right }, SecurityError::KeyLength),
            (
                UnprotectRequest { required: suite1, ..right },
                SecurityError::Suite {
                    received: SecuritySuite::Suite0,
                    required: SecuritySuite::Suite1,
                },
            ),
            (
                UnprotectRequest { system_title: Some(stranger), ..right },
                SecurityError::SystemTitleMismatch { received: METER, expected: stranger },
            ),
        ] {
            let good = ciphered(0xdb, BOTH, &octets(GET_TIME));
            let (mut apdu, head) = (good.clone(), decode_head(&good).unwrap());
            let read = decrypt_unverified_in_place(&RustCrypto, &request, &head, &mut apdu);
            assert_eq!(read, Err(refused));
            assert_eq!(apdu, good);
        }
    }

    #[test]
    fn reading_unverified_still_tells_what_there_was_to_verify() {
        let keys = keys();
        for (control, verified) in [
            (AUTHENTICATED, Verification::Unverified),
            (ENCRYPTED, Verification::NothingToVerify),
            (BOTH, Verification::Unverified),
        ] {
            let mut apdu = ciphered(0xdb, control, &octets(GET_TIME));
            let head = decode_head(&apdu).unwrap();
            let request = UnprotectRequest {
                required: SecurityControl::new(SecuritySuite::Suite0, Protection::NONE),
                authentication_key: None,
                ..demands(&keys)
            };
            let read = decrypt_unverified_in_place(&RustCrypto, &request, &head, &mut apdu);
            assert_eq!(read, Ok(Opened { plain: &octets(GET_TIME), verified }));
        }
    }

    #[test]
    fn every_prefix_of_a_ciphered_apdu_and_every_addition_is_malformed() {
        for apdu in [ciphered(0xc8, BOTH, &[0; 200]), ciphered(0xdc, AUTHENTICATED, &[0; 3])] {
            for end in 0..apdu.len() {
                let refused = decode_head(&apdu[..end]);
                assert!(matches!(refused, Err(SecurityError::Malformed(_))), "{end}");
            }
            let longer = [&apdu[..], &[0]].concat();
            let trailing = Malformed::new(MalformedKind::Trailing, apdu.len());
            assert_eq!(decode_head(&longer), Err(trailing.into()));
        }
    }

    #[test]
    fn a_head_that_cannot_be_is_named_with_its_octet() {
        for (apdu, kind, offset) in [
            ("C0 01 C1", MalformedKind::UnknownTag(0xc0), 0),
            ("DD 00", MalformedKind::UnknownTag(0xdd), 0),
            ("DB 07 4D4D4D0000BC61 05 20 00000001", MalformedKind::Length, 1),
            ("C8 04 20 000001", MalformedKind::Truncated, 3),
            // Authenticated, but eleven octets are no tag.
            ("C8 10 10 00000001 0102030405060708090A0B", MalformedKind::Truncated, 18),
        ] {
            let malformed = Malformed::new(kind, offset);
            assert_eq!(decode_head(&octets(apdu)), Err(malformed.into()), "{apdu}");
        }
    }

    #[test]
    fn a_head_of_another_apdu_is_malformed() {
        let head = decode_head(&ciphered(0xc8, BOTH, &[0; 40])).unwrap();
        let mut shorter = ciphered(0xc8, BOTH, &[0; 20]);
        let refused = unprotect_in_place(&RustCrypto, &demands(&keys()), &head, &mut shorter);
        assert_eq!(refused, Err(Malformed::new(MalformedKind::Truncated, 47).into()));
    }

    #[test]
    fn no_more_than_the_announced_overhead_is_added() {
        for len in [0, 1, 110, 111, 300, 65_600] {
            let plain = vec![0xaa; len];
            for tag in [0xc8, 0xdb] {
                assert!(ciphered(tag, BOTH, &plain).len() <= len + OVERHEAD_MAX);
            }
        }
    }

    /// A device that fails at everything, after it has touched the text.
    #[derive(Debug)]
    struct Broken;

    impl CryptoProvider for Broken {
        fn inner(&self) -> &dyn CryptoProvider {
            &NoCrypto
        }

        fn ready(&self, _: &Key) -> Result<Box<dyn CryptoProvider>, CryptoError> {
            Err(CryptoError::Unavailable)
        }

        fn gcm_open(
            &self,
            key: &Key,
            iv: &[u8; 12],
            _: &[u8],
            text: &mut [u8],
            _: &[u8; TAG_LEN],
        ) -> Result<(), CryptoError> {
            RustCrypto.gcm_keystream(key, iv, text)?;
            Err(CryptoError::Unavailable)
        }
    }

    #[test]
    fn a_provider_that_fails_lets_nothing_out_in_either_direction() {
        let keys = keys();
        for control in [AUTHENTICATED, ENCRYPTED, BOTH] {
            let request = ProtectRequest { control, ..sends(&keys) };
            let mut out = vec![0x99];
            let failed = protect(&Broken, &request, &octets(GET_TIME), &mut out);
            assert_eq!(failed, Err(SecurityError::ProviderUnavailable));
            assert_eq!(out, [0x99]);
        }
        let mut apdu = ciphered(0xc8, BOTH, &octets(GET_TIME));
        let head = decode_head(&apdu).unwrap();
        let failed = unprotect_in_place(&Broken, &demands(&keys), &head, &mut apdu);
        assert_eq!(failed, Err(SecurityError::ProviderUnavailable));
        assert_eq!(apdu[head.text], [0; 13]);
    }

    #[test]
    fn debug_of_whatever_holds_a_key_shows_none_of_it() {
        let keys = [Key::from([0xa7; 16]), Key::from([0xa7; 16])];
        let (protect, unprotect) = (sends(&keys), demands(&keys));
        for text in [format!("{protect:?}"), format!("{unprotect:#?}"), format!("{RustCrypto:?}")] {
            let text = text.to_lowercase();
            assert!(!text.contains("167") && !text.contains("a7"), "{text}");
        }
    }

    fn any_suite() -> impl Strategy<Value = SecuritySuite> {
        prop::sample::select(vec![
            SecuritySuite::Suite0,
            SecuritySuite::Suite1,
            SecuritySuite::Suite2,
        ])
    }

    fn any_protection() -> impl Strategy<Value = Protection> {
        prop::sample::select(vec![
            Protection::AUTHENTICATED,
            Protection::ENCRYPTED,
            Protection::AUTHENTICATED_ENCRYPTED,
        ])
    }

    proptest! {
        #[test]
        fn what_was_protected_is_unprotected(
            tag in prop::sample::select(vec![0x21, 0xc8, 0xcc, 0xd0, 0xdb, 0xdc]),
            suite in any_suite(),
            protection in any_protection(),
            title in any::<[u8; 8]>(),
            send_title in any::<bool>(),
            counter in 0..COUNTER_MAX,
            keys in any::<[[u8; 32]; 2]>(),
            plain in prop::collection::vec(any::<u8>(), 0..300),
            before in prop::collection::vec(any::<u8>(), 0..4),
        ) {
            let [key, authentication_key] =
                keys.map(|octets| Key::try_from(&octets[..suite.key_len()]).unwrap());
            let system_title = SystemTitle(title);
            let control = SecurityControl::new(suite, protection);
            let request = ProtectRequest {
                tag,
                system_title,
                send_title,
                control,
                counter,
                key: &key,
                authentication_key: Some(&authentication_key),
            };
            let mut out = before.clone();
            protect(&RustCrypto, &request, &plain, &mut out).unwrap();
            prop_assert_eq!(&out[..before.len()], &before[..]);

            let apdu = &mut out[before.len()..];
            let head = decode_head(apdu).unwrap();
            prop_assert_eq!((head.tag, head.control, head.counter), (tag, control, counter));
            let carried = head.form.is_general() && send_title;
            prop_assert_eq!(head.system_title, carried.then_some(system_title));
            let request = UnprotectRequest {
                required: control,
                system_title: Some(system_title),
                key: &key,
                authentication_key: Some(&authentication_key),
            };
            let opened = unprotect_in_place(&RustCrypto, &request, &head, apdu).unwrap();
            prop_assert_eq!(opened.plain, plain);
        }

        #[test]
        fn any_octets_are_a_head_within_them_or_refused(
            apdu in prop::collection::vec(any::<u8>(), 0..64),
            tag in prop::sample::select(vec![0xc8, 0xdb]),
        ) {
            let apdu = [&[tag][..], &apdu].concat();
            if let Ok(head) = decode_head(&apdu) {
                prop_assert!(head.text.start <= head.text.end && head.text.end <= apdu.len());
            }
        }
    }
}
