//! General-ciphering and general-signing.

use alloc::vec::Vec;

use super::{next, take};
use crate::{
    security::{
        GeneralCipheredHead, GeneralHeader, GeneralProtectRequest, GeneralUnprotectRequest, Key,
        KeyInfo, Protection, RustCrypto, SecurityControl, SecuritySuite, SignedApdu, SystemTitle,
        protect_general, unprotect_general_in_place,
    },
    xdlms::tag,
};

const ORIGINATOR: SystemTitle = SystemTitle(*b"FUZ\0\0\0\0\x01");
const RECIPIENT: SystemTitle = SystemTitle(*b"FUZ\0\0\0\0\x02");

/// What was protected comes out as it went in, with its fields. With one bit turned it does not,
/// unless the bit was one that nothing proves: the key information, and everything where there is
/// no tag. Octets that nobody protected are refused, and read within their bounds.
///
/// First octets: protection and fields; which bit is turned; the transaction-id with its length.
/// Then the plain APDU.
pub fn general_protection(mut octets: &[u8]) {
    // Not the published keys: no input may hold what was protected with these.
    let key = Key::from([0x5a; 16]);
    let authentication_key = Key::from([0xa5; 16]);
    let demanded = |control| GeneralUnprotectRequest {
        required: control,
        originator: Some(ORIGINATOR),
        recipient: RECIPIENT,
        key: &key,
        authentication_key: Some(&authentication_key),
        short_aad: false,
    };
    for first in [tag::GENERAL_CIPHERING, tag::GENERAL_SIGNING] {
        refuse(&[&[first], octets].concat(), &demanded);
    }

    let choice = next(&mut octets);
    let turned = take(&mut octets, 2).iter().fold(0, |at, octet| at << 8 | usize::from(*octet));
    let count = next(&mut octets);
    let transaction_id = take(&mut octets, count.into()).to_vec();
    let protection = Protection {
        authenticated: choice & 1 != 0,
        encrypted: choice & 2 != 0,
        ..Protection::NONE
    };
    let control = SecurityControl::new(SecuritySuite::Suite0, protection);
    let header = GeneralHeader {
        transaction_id,
        originator: (choice & 4 != 0).then_some(ORIGINATOR),
        recipient: (choice & 8 != 0).then_some(RECIPIENT),
        ..GeneralHeader::default()
    };
    let key_info = KeyInfo::GlobalUnicast;
    let request = GeneralProtectRequest {
        header: &header,
        system_title: ORIGINATOR,
        key_info: (choice & 0x10 != 0).then_some(&key_info),
        control,
        counter: 7,
        key: &key,
        authentication_key: Some(&authentication_key),
        short_aad: false,
    };
    let mut apdu = Vec::new();
    protect_general(&RustCrypto, &request, octets, &mut apdu).expect("a counter and keys");
    let head = GeneralCipheredHead::decode(&apdu).expect("what was protected");
    assert_eq!((&head.header, head.control, head.counter), (&header, control, 7));

    let open = |apdu: &[u8]| {
        let mut apdu = apdu.to_vec();
        let head = GeneralCipheredHead::decode(&apdu).ok()?;
        let opened =
            unprotect_general_in_place(&RustCrypto, &demanded(control), &head, &mut apdu).ok()?;
        Some((head.key_info, head.header, opened.plain.to_vec()))
    };
    let whole = (request.key_info.cloned(), header.clone(), octets.to_vec());
    assert_eq!(open(&apdu), Some(whole.clone()));

    let at = turned / 8 % apdu.len();
    apdu[at] ^= 1 << (turned % 8);
    if protection.authenticated
        && let Some((info, header, plain)) = open(&apdu)
    {
        assert_ne!(info, whole.0, "a bit was turned in octet {at}, and it verified");
        assert_eq!((header, plain), (whole.1, whole.2));
    }
}

/// Nobody who has no key made this.
fn refuse<'k>(apdu: &[u8], demanded: &impl Fn(SecurityControl) -> GeneralUnprotectRequest<'k>) {
    if let Ok(signed) = SignedApdu::decode(apdu) {
        assert!(signed.content.len() < apdu.len());
    }
    let Ok(head) = GeneralCipheredHead::decode(apdu) else { return };
    if head.control.protection().authenticated {
        let mut apdu = apdu.to_vec();
        let request = demanded(head.control);
        assert!(unprotect_general_in_place(&RustCrypto, &request, &head, &mut apdu).is_err());
    }
}
