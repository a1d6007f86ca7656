//! General-ciphering: an APDU that says by itself whose it is, for whom, and how its key is found
//! (Green Book 9.2.7.2).
//!
//! ```text
//! DD  transaction-id  originator  recipient  date-time  other-information  key-info  length
//!     '--------------------------- fields ---------------------------'       SC  IC  text  [T]
//!
//! SC  what is done              text        T = AES-GCM tag, 12 octets, over
//! 1x  authenticated             plain       SC || AK || fields || plain
//! 3x  authenticated, encrypted  ciphertext  SC || AK || fields, ciphertext
//! 2x  encrypted                 ciphertext  no T
//! 0x  neither                   plain       no T
//! ```
//!
//! Each field is in the authenticated data with its length, as the octets that came. Neither the
//! APDU tag nor the key information is: another key would not verify.

use alloc::vec::Vec;
use core::ops::Range;

use zeroize::Zeroizing;

use super::{
    CryptoProvider, GeneralHeader, Key, KeyInfo, SecurityControl, SecurityError, SystemTitle,
    TAG_LEN, Verification,
    cipher::{Opened, check_agreed, check_length, initialization_vector, take_body},
};
use crate::{
    Malformed, MalformedKind,
    axdr::{Reader, Writer},
    xdlms::tag,
};

/// Security control and invocation counter.
const HEADER_LEN: usize = 1 + 4;

/// What to protect an APDU with by general-ciphering.
#[derive(Clone, Copy, Debug)]
pub struct GeneralProtectRequest<'a> {
    /// The fields in front.
    pub header: &'a GeneralHeader,
    /// The system title of the originator, which is whoever sends this, also where the header
    /// leaves it out.
    pub system_title: SystemTitle,
    /// How the receiver finds `key`; None when it knows.
    pub key_info: Option<&'a KeyInfo>,
    /// Suite and protection. There is no key set here: the key information says it.
    pub control: SecurityControl,
    /// The invocation counter, used here and never again under `key`.
    pub counter: u32,
    /// The encryption key.
    pub key: &'a Key,
    /// The authentication key. None leaves it empty, in profiles that have none (GBCS).
    pub authentication_key: Option<&'a Key>,
    /// See [`Compatibility::general_ciphering_short_aad`](super::Compatibility).
    pub short_aad: bool,
}

/// Appends `plain` as general-ciphering to `out`; after an error `out` is as it was.
///
/// # Errors
/// [`SecurityError::Control`], [`SecurityError::Compressed`], [`SecurityError::KeyLength`],
/// [`SecurityError::CounterMaximum`], and what the provider reports.
pub fn protect_general(
    provider: &dyn CryptoProvider,
    request: &GeneralProtectRequest<'_>,
    plain: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), SecurityError> {
    let &GeneralProtectRequest { control, counter, key, authentication_key, .. } = request;
    control.check_general_ciphering()?;
    if control.compressed() {
        return Err(SecurityError::Compressed);
    }
    check_lengths(control, key, authentication_key)?;
    let iv = initialization_vector(request.system_title, counter)?;

    let mut fields = Vec::new();
    request.header.encode(&mut Writer::new(&mut fields));
    let protection = control.protection();
    let tag_len = if protection.authenticated { TAG_LEN } else { 0 };
    let start = out.len();
    let mut writer = Writer::new(out);
    writer.u8(tag::GENERAL_CIPHERING);
    writer.octets(&fields);
    KeyInfo::encode(request.key_info, &mut writer);
    writer.length(plain.len().saturating_add(HEADER_LEN).saturating_add(tag_len));
    writer.u8(control.octet());
    writer.u32(counter);
    let text_start = out.len();
    out.extend_from_slice(plain);

    let fields = if request.short_aad { &[][..] } else { &fields };
    let text = out.get_mut(text_start..).unwrap_or_default();
    let sealed = match (protection.authenticated, protection.encrypted) {
        (false, false) => Ok(None),
        (false, true) => provider.gcm_keystream(key, &iv, text).map(|()| None),
        (true, true) => {
            let aad = associated_data(control, authentication_key, fields, &[]);
            provider.gcm_seal(key, &iv, &aad, text).map(Some)
        }
        (true, false) => {
            let aad = associated_data(control, authentication_key, fields, plain);
            provider.gcm_seal(key, &iv, &aad, &mut []).map(Some)
        }
    };
    match sealed {
        Ok(tag) => out.extend_from_slice(tag.as_ref().map_or(&[], |tag| tag)),
        Err(error) => {
            text.fill(0);
            out.truncate(start);
            return Err(error.into());
        }
    }
    Ok(())
}

/// The readable part of general-ciphering. Nothing of it is proven before
/// [`unprotect_general_in_place`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneralCipheredHead {
    /// The fields in front.
    pub header: GeneralHeader,
    /// How the key is found; None when the receiver knows.
    pub key_info: Option<KeyInfo>,
    /// Suite and protection.
    pub control: SecurityControl,
    /// The invocation counter.
    pub counter: u32,
    /// Where the fields are in the APDU, as they are authenticated.
    fields: Range<usize>,
    /// Where the text is in the APDU. Its authentication tag, if any, follows to the end.
    text: Range<usize>,
}

impl GeneralCipheredHead {
    /// Reads the head of a general-ciphering APDU that fills `apdu`.
    ///
    /// # Errors
    /// [`SecurityError::Malformed`], and [`SecurityError::Control`] for a security control octet
    /// that is not allowed here.
    pub fn decode(apdu: &[u8]) -> Result<Self, SecurityError> {
        let mut reader = Reader::new(apdu);
        match reader.u8()? {
            tag::GENERAL_CIPHERING => {}
            other => return Err(Malformed::new(MalformedKind::UnknownTag(other), 0).into()),
        }
        let start = reader.offset();
        let header = GeneralHeader::decode(&mut reader)?;
        let fields = start..reader.offset();
        let key_info = KeyInfo::decode(&mut reader)?;
        let (control, counter, text) = take_body(&mut reader, apdu.len())?;
        control.check_general_ciphering()?;
        Ok(Self { header, key_info, control, counter, fields, text })
    }
}

/// What the receiver of general-ciphering knows and demands, before it looks into it.
#[derive(Clone, Copy, Debug)]
pub struct GeneralUnprotectRequest<'a> {
    /// The agreed suite and the least protection. More protection is accepted, another suite is
    /// not.
    pub required: SecurityControl,
    /// The originator's system title as the receiver knows it; `None` when only the APDU tells.
    /// When both do they must agree.
    pub originator: Option<SystemTitle>,
    /// The receiver's own system title: what is for another is refused, and so is what comes back
    /// from itself.
    pub recipient: SystemTitle,
    /// The encryption key that the key information leads to.
    pub key: &'a Key,
    /// The authentication key. None takes it to be empty, in profiles that have none (GBCS).
    pub authentication_key: Option<&'a Key>,
    /// See [`Compatibility::general_ciphering_short_aad`](super::Compatibility).
    pub short_aad: bool,
}

impl GeneralCipheredHead {
    /// Whose APDU it is: by the header, by what the receiver knows, or by both when they agree.
    ///
    /// # Errors
    /// [`SecurityError::SystemTitleMismatch`], [`SecurityError::SystemTitleMissing`],
    /// [`SecurityError::RecipientMismatch`], [`SecurityError::Reflected`].
    pub fn originator(
        &self,
        known: Option<SystemTitle>,
        recipient: SystemTitle,
    ) -> Result<SystemTitle, SecurityError> {
        self.header.check_parties(known, recipient)
    }

    /// Where the text is in the APDU: plain, where nothing is encrypted.
    pub fn text(&self) -> Range<usize> {
        self.text.clone()
    }
}

/// Verifies and decrypts `apdu`, whose head is `head`, in place. What holds for
/// [`unprotect_in_place`](super::unprotect_in_place) holds here too: the counter is the owner's.
///
/// # Errors
/// [`SecurityError::Suite`], [`SecurityError::Protection`], [`SecurityError::Compressed`],
/// [`SecurityError::CounterMaximum`], [`SecurityError::KeyLength`], [`SecurityError::TagMismatch`],
/// and as [`GeneralCipheredHead::originator`]. When the tag does not verify, the text in `apdu` is
/// all zeros: it cannot be used by mistake.
pub fn unprotect_general_in_place<'a>(
    provider: &dyn CryptoProvider,
    request: &GeneralUnprotectRequest<'_>,
    head: &GeneralCipheredHead,
    apdu: &'a mut [u8],
) -> Result<Opened<'a>, SecurityError> {
    let &GeneralUnprotectRequest { key, authentication_key, .. } = request;
    let &GeneralCipheredHead { control, .. } = head;
    check_agreed(control, request.required)?;
    let originator = head.originator(request.originator, request.recipient)?;
    let iv = initialization_vector(originator, head.counter)?;
    check_lengths(control, key, authentication_key)?;

    let truncated = Malformed::new(MalformedKind::Truncated, head.text.end);
    let (front, rest) = apdu.split_at_mut_checked(head.text.start).ok_or(truncated)?;
    let (text, tag) = rest.split_at_mut_checked(head.text.len()).ok_or(truncated)?;
    let fields = if request.short_aad { 0..0 } else { head.fields.clone() };
    let fields = front.get(fields).ok_or(truncated)?;
    let protection = control.protection();
    let opened = match (protection.authenticated, protection.encrypted) {
        (false, false) => Ok(()),
        (false, true) => provider.gcm_keystream(key, &iv, text),
        (true, encrypted) => {
            let tag = tag.first_chunk().ok_or(truncated)?;
            if encrypted {
                let aad = associated_data(control, authentication_key, fields, &[]);
                provider.gcm_open(key, &iv, &aad, text, tag)
            } else {
                let aad = associated_data(control, authentication_key, fields, text);
                provider.gcm_open(key, &iv, &aad, &mut [], tag)
            }
        }
    };
    if let Err(error) = opened {
        text.fill(0);
        return Err(error.into());
    }
    let verified = if protection.authenticated {
        Verification::Verified
    } else {
        Verification::NothingToVerify
    };
    Ok(Opened { plain: text, verified })
}

/// Decrypts `apdu` in place without looking at its tag, for readers who were never given the
/// authentication key; as [`decrypt_unverified_in_place`](super::decrypt_unverified_in_place).
///
/// # Errors
/// As [`unprotect_general_in_place`], without [`SecurityError::TagMismatch`].
pub fn decrypt_general_unverified_in_place<'a>(
    provider: &dyn CryptoProvider,
    request: &GeneralUnprotectRequest<'_>,
    head: &GeneralCipheredHead,
    apdu: &'a mut [u8],
) -> Result<Opened<'a>, SecurityError> {
    check_agreed(head.control, request.required)?;
    let originator = head.originator(request.originator, request.recipient)?;
    let iv = initialization_vector(originator, head.counter)?;
    check_length(head.control, request.key)?;
    let truncated = Malformed::new(MalformedKind::Truncated, head.text.end);
    let text = apdu.get_mut(head.text.clone()).ok_or(truncated)?;
    if head.control.protection().encrypted {
        provider.gcm_keystream(request.key, &iv, text)?;
    }
    let verified = if head.control.protection().authenticated {
        Verification::Unverified
    } else {
        Verification::NothingToVerify
    };
    Ok(Opened { plain: text, verified })
}

/// SC || AK || fields || plain: what a tag proves besides the ciphertext. Holds a key, so it is
/// cleared.
fn associated_data(
    control: SecurityControl,
    authentication_key: Option<&Key>,
    fields: &[u8],
    plain: &[u8],
) -> Zeroizing<Vec<u8>> {
    let authentication_key = authentication_key.map(Key::octets).unwrap_or_default();
    Zeroizing::new([&[control.octet()], authentication_key, fields, plain].concat())
}

/// Both keys have the length that the suite demands.
fn check_lengths(
    control: SecurityControl,
    key: &Key,
    authentication_key: Option<&Key>,
) -> Result<(), SecurityError> {
    check_length(control, key)?;
    authentication_key.map_or(Ok(()), |key| check_length(control, key))
}

#[cfg(test)]
#[cfg(feature = "rustcrypto")]
mod tests {
    use proptest::prelude::*;
    use std::{format, vec};

    use super::*;
    use crate::security::{ControlError, Protection, RustCrypto, SecuritySuite, hex::octets};

    const ORIGINATOR: SystemTitle = SystemTitle(*b"MMM\0\0\xbc\x61\x4e");
    const RECIPIENT: SystemTitle = SystemTitle(*b"MMM\0\0\0\0\x01");
    const GET_TIME: &str = "C0010000080000010000FF0200";

    fn keys() -> [Key; 2] {
        ["000102030405060708090A0B0C0D0E0F", "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"]
            .map(|digits| digits.parse().unwrap())
    }

    fn control(protection: Protection) -> SecurityControl {
        SecurityControl::new(SecuritySuite::Suite0, protection)
    }

    fn header(date_time: &str, other_information: &str) -> GeneralHeader {
        GeneralHeader {
            transaction_id: vec![1, 2, 3, 4, 5, 6, 7, 8],
            originator: Some(ORIGINATOR),
            recipient: Some(RECIPIENT),
            date_time: octets(date_time),
            other_information: octets(other_information),
        }
    }

    fn sends<'a>(
        [key, authentication_key]: &'a [Key; 2],
        header: &'a GeneralHeader,
        protection: Protection,
    ) -> GeneralProtectRequest<'a> {
        GeneralProtectRequest {
            header,
            system_title: ORIGINATOR,
            key_info: Some(&KeyInfo::GlobalUnicast),
            control: control(protection),
            counter: 0x0123_4567,
            key,
            authentication_key: Some(authentication_key),
            short_aad: false,
        }
    }

    fn demands<'a>(
        [key, authentication_key]: &'a [Key; 2],
        protection: Protection,
    ) -> GeneralUnprotectRequest<'a> {
        GeneralUnprotectRequest {
            required: control(protection),
            originator: Some(ORIGINATOR),
            recipient: RECIPIENT,
            key,
            authentication_key: Some(authentication_key),
            short_aad: false,
        }
    }

    fn ciphered(request: &GeneralProtectRequest<'_>, plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        protect_general(&RustCrypto, request, plain, &mut out).unwrap();
        out
    }

    fn opened(
        request: &GeneralUnprotectRequest<'_>,
        mut apdu: Vec<u8>,
    ) -> Result<(Vec<u8>, Verification), SecurityError> {
        let head = GeneralCipheredHead::decode(&apdu)?;
        let opened = unprotect_general_in_place(&RustCrypto, request, &head, &mut apdu)?;
        Ok((opened.plain.to_vec(), opened.verified))
    }

    /// Computed with OpenSSL from the formula, once with empty fields and once with all.
    #[test]
    fn the_tag_covers_the_fields_with_their_lengths() {
        let (keys, plain) = (keys(), octets(GET_TIME));
        let front = "dd080102030405060708084d4d4d0000bc614e084d4d4d0000000001";
        let full = "0c07e80101010c000000ffc400 02aabb";
        for (header, fields, protection, verified, body) in [
            (
                header("", ""),
                "0000",
                Protection::AUTHENTICATED,
                Verification::Verified,
                "1e1001234567 c0010000080000010000ff0200 436315458788a1008ba39df7",
            ),
            (
                header("", ""),
                "0000",
                Protection::AUTHENTICATED_ENCRYPTED,
                Verification::Verified,
                "1e3001234567 411312ff935a47566827c467bc 7cb6a92695ef3e4d35be7f6b",
            ),
            (
                header("", ""),
                "0000",
                Protection::ENCRYPTED,
                Verification::NothingToVerify,
                "122001234567 411312ff935a47566827c467bc",
            ),
            (
                header("07e80101010c000000ffc400", "aabb"),
                full,
                Protection::AUTHENTICATED,
                Verification::Verified,
                "1e1001234567 c0010000080000010000ff0200 819c11b3672061145b293bf9",
            ),
            (
                header("07e80101010c000000ffc400", "aabb"),
                full,
                Protection::AUTHENTICATED_ENCRYPTED,
                Verification::Verified,
                "1e3001234567 411312ff935a47566827c467bc 6cd1ff8c3841e460456bb860",
            ),
            (
                header("", ""),
                "0000",
                Protection::NONE,
                Verification::NothingToVerify,
                "120001234567 c0010000080000010000ff0200",
            ),
        ] {
            let apdu = octets(&format!("{front} {fields} 010000 {body}"));
            assert_eq!(ciphered(&sends(&keys, &header, protection), &plain), apdu, "{body}");
            let demanded = demands(&keys, protection);
            assert_eq!(opened(&demanded, apdu), Ok((plain.clone(), verified)), "{body}");
        }
    }

    #[test]
    fn with_the_short_form_of_peers_the_tag_is_that_of_general_glo_ciphering() {
        let (keys, plain) = (keys(), octets(GET_TIME));
        let both = Protection::AUTHENTICATED_ENCRYPTED;
        for header in [header("", ""), header("07e80101010c000000ffc400", "aabb")] {
            let sent = GeneralProtectRequest { short_aad: true, ..sends(&keys, &header, both) };
            let apdu = ciphered(&sent, &plain);
            assert_eq!(apdu[apdu.len() - 12..], octets("7d825c3be4a77c3fcc056b6b"));
            let refused = opened(&demands(&keys, both), apdu.clone());
            assert_eq!(refused, Err(SecurityError::TagMismatch));
            let demanded = GeneralUnprotectRequest { short_aad: true, ..demands(&keys, both) };
            assert_eq!(opened(&demanded, apdu), Ok((plain.clone(), Verification::Verified)));
        }
    }

    /// A command of the British smart meters: no authentication key, empty fields, no key
    /// information, and a general-signing without signature inside.
    #[test]
    fn a_production_message_with_empty_fields_verifies() {
        let apdu = octets(concat!(
            "dd000000000000 36 11 00000000",
            "df0901 00000000000003e9 0890b3d51f30010000 0800db1234567890a1 00 020013 020500 00",
            "f018ff442ff1fbf18cce0d13",
        ));
        let key = "d17ca6ff2492e33d06ab3da67caafbc8".parse().unwrap();
        let request = GeneralUnprotectRequest {
            required: SecurityControl::new(SecuritySuite::Suite1, Protection::AUTHENTICATED),
            originator: Some(SystemTitle(*b"\x90\xb3\xd5\x1f\x30\x01\x00\x00")),
            recipient: SystemTitle(*b"\x00\xdb\x12\x34\x56\x78\x90\xa1"),
            key: &key,
            authentication_key: None,
            short_aad: false,
        };
        let inside = apdu[13..apdu.len() - 12].to_vec();
        assert_eq!(inside[0], 0xdf);
        assert_eq!(opened(&request, apdu.clone()), Ok((inside, Verification::Verified)));
        for place in 8..apdu.len() {
            let mut altered = apdu.clone();
            altered[place] ^= 0x20;
            assert!(opened(&request, altered).is_err(), "{place}");
        }
    }

    #[test]
    fn what_is_for_another_or_from_oneself_is_refused() {
        let (keys, plain) = (keys(), octets(GET_TIME));
        let both = Protection::AUTHENTICATED_ENCRYPTED;
        let header = header("", "");
        let apdu = ciphered(&sends(&keys, &header, both), &plain);
        let demanded = demands(&keys, both);
        let stranger = SystemTitle(*b"XYZ\0\0\0\0\x01");
        for (request, refused) in [
            (
                GeneralUnprotectRequest { recipient: stranger, ..demanded },
                SecurityError::RecipientMismatch { received: RECIPIENT, own: stranger },
            ),
            (
                GeneralUnprotectRequest { originator: Some(stranger), ..demanded },
                SecurityError::SystemTitleMismatch { received: ORIGINATOR, expected: stranger },
            ),
            (
                GeneralUnprotectRequest { originator: None, recipient: ORIGINATOR, ..demanded },
                SecurityError::Reflected,
            ),
        ] {
            assert_eq!(opened(&request, apdu.clone()), Err(refused));
        }
        // With empty titles it is the receiver who knows, and it must.
        let anonymous = GeneralHeader { originator: None, recipient: None, ..header };
        let apdu = ciphered(&sends(&keys, &anonymous, both), &plain);
        let unknown = GeneralUnprotectRequest { originator: None, ..demanded };
        assert_eq!(opened(&unknown, apdu.clone()), Err(SecurityError::SystemTitleMissing));
        assert_eq!(opened(&demanded, apdu), Ok((plain, Verification::Verified)));
    }

    #[test]
    fn less_protection_another_suite_a_key_set_and_compression_are_refused() {
        let (keys, plain, header) = (keys(), octets(GET_TIME), header("", ""));
        let both = Protection::AUTHENTICATED_ENCRYPTED;
        for protection in [Protection::NONE, Protection::AUTHENTICATED, Protection::ENCRYPTED] {
            let apdu = ciphered(&sends(&keys, &header, protection), &plain);
            let refused = SecurityError::Protection { received: protection, required: both };
            assert_eq!(opened(&demands(&keys, both), apdu), Err(refused));
        }
        let good = ciphered(&sends(&keys, &header, both), &plain);
        let place = good.len() - 12 - plain.len() - 5;
        for (octet, refused) in [
            (
                0x31,
                SecurityError::Suite {
                    received: SecuritySuite::Suite1,
                    required: SecuritySuite::Suite0,
                },
            ),
            (0x70, ControlError::KeySetGeneralCiphering.into()),
            (0xb0, ControlError::CompressedSuite0.into()),
            (0x33, ControlError::ReservedSuite(3).into()),
        ] {
            let mut apdu = good.clone();
            assert_eq!(apdu[place], 0x30);
            apdu[place] = octet;
            assert_eq!(opened(&demands(&keys, both), apdu), Err(refused), "{octet:02x}");
        }
    }

    #[test]
    fn an_altered_apdu_gives_nothing_and_leaves_zeros() {
        let (keys, header) = (keys(), header("07e80101010c000000ffc400", "aabb"));
        let both = Protection::AUTHENTICATED_ENCRYPTED;
        let good = ciphered(&sends(&keys, &header, both), &octets(GET_TIME));
        for place in 0..good.len() {
            let mut altered = good.clone();
            altered[place] ^= 1;
            let Ok(head) = GeneralCipheredHead::decode(&altered) else { continue };
            let demanded = demands(&keys, both);
            let taken = unprotect_general_in_place(&RustCrypto, &demanded, &head, &mut altered);
            // The key information is no part of the tag: it leads to the key.
            let key_info = good.len() - 12 - 13 - 5 - 2;
            if place == key_info {
                assert!(taken.is_ok());
                assert_eq!(head.key_info, Some(KeyInfo::GlobalBroadcast));
                continue;
            }
            let error = taken.unwrap_err();
            if error == SecurityError::TagMismatch {
                assert_eq!(altered[head.text], [0; 13], "{place}");
            }
        }
    }

    #[test]
    fn without_the_authentication_key_it_can_be_read_and_is_not_verified() {
        let (keys, plain, header) = (keys(), octets(GET_TIME), header("", ""));
        for (protection, verified) in [
            (Protection::AUTHENTICATED_ENCRYPTED, Verification::Unverified),
            (Protection::AUTHENTICATED, Verification::Unverified),
            (Protection::ENCRYPTED, Verification::NothingToVerify),
        ] {
            let mut apdu = ciphered(&sends(&keys, &header, protection), &plain);
            let head = GeneralCipheredHead::decode(&apdu).unwrap();
            let request = GeneralUnprotectRequest {
                authentication_key: None,
                ..demands(&keys, Protection::NONE)
            };
            let opened =
                decrypt_general_unverified_in_place(&RustCrypto, &request, &head, &mut apdu);
            assert_eq!(opened, Ok(Opened { plain: &plain, verified }));
        }
    }

    #[test]
    fn every_prefix_and_every_addition_is_malformed() {
        let (keys, header) = (keys(), header("", "aabb"));
        let both = Protection::AUTHENTICATED_ENCRYPTED;
        let apdu = ciphered(&sends(&keys, &header, both), &[0; 200]);
        for end in 0..apdu.len() {
            let refused = GeneralCipheredHead::decode(&apdu[..end]);
            assert!(matches!(refused, Err(SecurityError::Malformed(_))), "{end}");
        }
        let longer = [&apdu[..], &[0]].concat();
        let trailing = Malformed::new(MalformedKind::Trailing, apdu.len());
        assert_eq!(GeneralCipheredHead::decode(&longer), Err(trailing.into()));
    }

    proptest! {
        #[test]
        fn what_was_protected_is_unprotected_in_every_suite(
            suite in prop::sample::select(vec![
                SecuritySuite::Suite0, SecuritySuite::Suite1, SecuritySuite::Suite2,
            ]),
            protection in any::<(bool, bool)>(),
            transaction_id in prop::collection::vec(any::<u8>(), 0..20),
            counter in 0..u32::MAX,
            keys in any::<[[u8; 32]; 2]>(),
            plain in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let keys = keys.map(|octets| Key::try_from(&octets[..suite.key_len()]).unwrap());
            let protection =
                Protection { authenticated: protection.0, encrypted: protection.1, signed: false };
            let header = GeneralHeader { transaction_id, ..GeneralHeader::default() };
            let control = SecurityControl::new(suite, protection);
            let sent = GeneralProtectRequest {
                control, counter, ..sends(&keys, &header, protection)
            };
            let apdu = ciphered(&sent, &plain);
            let head = GeneralCipheredHead::decode(&apdu).unwrap();
            prop_assert_eq!((head.control, head.counter), (control, counter));
            prop_assert_eq!(&head.header, &header);
            let demanded = GeneralUnprotectRequest {
                required: control, ..demands(&keys, protection)
            };
            prop_assert_eq!(opened(&demanded, apdu).unwrap().0, plain);
        }
    }

    #[test]
    fn debug_of_whatever_holds_a_key_shows_none_of_it() {
        let keys = [Key::from([0xa7; 16]), Key::from([0xa7; 16])];
        let both = Protection::AUTHENTICATED_ENCRYPTED;
        let header = header("", "");
        let text = format!("{:?} {:?}", sends(&keys, &header, both), demands(&keys, both));
        assert!(!text.to_lowercase().contains("a7") && !text.contains("167"), "{text}");
    }
}
