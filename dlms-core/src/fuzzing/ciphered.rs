//! Ciphered APDUs.

use alloc::vec::Vec;

use super::{next, take};
use crate::{
    security::{
        Key, ProtectRequest, Protection, RustCrypto, SecurityControl, SecuritySuite, SystemTitle,
        UnprotectRequest, Verification, decode_head, decrypt_unverified_in_place, protect,
        unprotect_in_place,
    },
    xdlms::tag,
};

const TITLE: SystemTitle = SystemTitle(*b"FUZ\0\0\0\0\x01");
/// Protected APDUs up to this length are cut at every octet.
const CUT_LEN_MAX: usize = 64;

/// What was protected comes out as it went in. With one bit turned, with an octet missing or one
/// too many, nothing comes out; and octets that nobody protected are refused.
///
/// First octets: protection and form; the counter; which bit is turned. Then the plain APDU.
pub fn ciphered(mut octets: &[u8]) {
    // Not the published keys: no input may hold what was protected with these.
    let key = Key::from([0x5a; 16]);
    let authentication_key = Key::from([0xa5; 16]);
    refuse(octets, &key, &authentication_key);

    let choice = next(&mut octets);
    let counter = u32::from(next(&mut octets)) << 20 | u32::from(next(&mut octets));
    let turned = take(&mut octets, 2).iter().fold(0, |at, octet| at << 8 | usize::from(*octet));
    let protection = [
        Protection::AUTHENTICATED,
        Protection::ENCRYPTED,
        Protection::AUTHENTICATED_ENCRYPTED,
        Protection::AUTHENTICATED_ENCRYPTED,
    ][usize::from(choice & 3)];
    let tag = [
        tag::GLO_GET_REQUEST,
        tag::DED_SET_REQUEST,
        tag::GENERAL_GLO_CIPHERING,
        tag::GENERAL_DED_CIPHERING,
    ][usize::from(choice >> 2 & 3)];
    let control = SecurityControl::new(SecuritySuite::Suite0, protection);
    let request = ProtectRequest {
        tag,
        system_title: TITLE,
        send_title: choice & 0x10 != 0,
        control,
        counter,
        key: &key,
        authentication_key: Some(&authentication_key),
    };
    let mut apdu = Vec::new();
    protect(&RustCrypto, &request, octets, &mut apdu).expect("a counter below the last one");
    let head = decode_head(&apdu).expect("what was protected");
    assert_eq!((head.tag, head.control, head.counter), (tag, control, counter));

    let open = |apdu: &[u8]| open(apdu, control, &key, &authentication_key);
    let verified = match protection.authenticated {
        true => Verification::Verified,
        false => Verification::NothingToVerify,
    };
    assert_eq!(open(&apdu), Some((octets.to_vec(), verified)));

    let mut damaged = apdu.clone();
    let at = turned / 8 % apdu.len();
    damaged[at] ^= 1 << (turned % 8);
    if let Some((plain, _)) = open(&damaged) {
        // The tag of the APDU is not proven, and without a tag of the text nothing is.
        assert!(at == 0 || !protection.authenticated, "bit {turned}");
        assert!(!protection.authenticated || plain == octets);
    }
    damaged[at] ^= 1 << (turned % 8);
    damaged.push(0);
    assert_eq!(open(&damaged), None);
    for cut in 0..apdu.len().min(CUT_LEN_MAX) {
        assert_eq!(open(&apdu[..cut]), None);
    }
    let other = Key::from([0x5b; 16]);
    if protection.authenticated {
        assert_eq!(self::open(&apdu, control, &other, &authentication_key), None);
        assert_eq!(self::open(&apdu, control, &key, &other), None);
    }
}

/// The plain APDU, if there is one.
fn open(
    apdu: &[u8],
    required: SecurityControl,
    key: &Key,
    authentication_key: &Key,
) -> Option<(Vec<u8>, Verification)> {
    let mut apdu = apdu.to_vec();
    let head = decode_head(&apdu).ok()?;
    let request = UnprotectRequest {
        required,
        system_title: Some(TITLE),
        key,
        authentication_key: Some(authentication_key),
    };
    match unprotect_in_place(&RustCrypto, &request, &head, &mut apdu) {
        Ok(opened) => Some((opened.plain.to_vec(), opened.verified)),
        Err(_) => {
            // Whatever could have been its text is gone, or was never touched.
            None
        }
    }
}

/// An APDU that nobody protected is refused, whatever it says of itself. Without the
/// authentication key it is read, and said to be unverified.
fn refuse(octets: &[u8], key: &Key, authentication_key: &Key) {
    for protection in [Protection::AUTHENTICATED, Protection::AUTHENTICATED_ENCRYPTED] {
        let required = SecurityControl::new(SecuritySuite::Suite0, protection);
        assert_eq!(open(octets, required, key, authentication_key), None);
    }
    let Ok(head) = decode_head(octets) else { return };
    let request = UnprotectRequest {
        required: SecurityControl::new(SecuritySuite::Suite0, Protection::NONE),
        system_title: None,
        key,
        authentication_key: None,
    };
    let mut apdu = octets.to_vec();
    if let Ok(opened) = decrypt_unverified_in_place(&RustCrypto, &request, &head, &mut apdu) {
        assert_ne!(opened.verified, Verification::Verified);
        assert_eq!(opened.plain.len(), head.text.len());
    }
}
