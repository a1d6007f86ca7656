//! Certificates that OpenSSL made: `tests/certificates/make`.
#![cfg(feature = "public-keys")]

use std::{vec, vec::Vec};

use super::*;
use crate::{
    axdr::{Data, DataBuf, Reader},
    security::{
        Key, KeysWithPeer, PartyKeys, PrivateKey, Protection, PublicKeyProvider, RustCrypto,
        SecurityPolicy, SecuritySetup, SecuritySetupVersion, SecuritySuite,
    },
    xdlms::ActionResult,
};
use proptest::prelude::*;
use x509_cert::{request::CertReq, request::ExtensionReq};

pub(super) const CLIENT: SystemTitle = SystemTitle(*b"MMM\0\0\xbc\x61\x4e");
pub(super) const DEVICE: SystemTitle = SystemTitle(*b"MMM\0\0\0\0\x01");
/// 2030, when all of them are valid.
pub(super) const NOW: u64 = 1_893_456_000;

macro_rules! der {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/certificates/", $name, ".der"))
    };
}

/// Root, sub-CA, and of client and meter the certificates for signatures and for key agreement.
pub(super) fn all(suite: SecuritySuite) -> [Certificate; 6] {
    let ders: [&[u8]; 6] = if suite == SecuritySuite::Suite1 {
        [
            der!("root-256"),
            der!("sub-256"),
            der!("client-signs-256"),
            der!("client-agrees-256"),
            der!("meter-signs-256"),
            der!("meter-agrees-256"),
        ]
    } else {
        [
            der!("root-384"),
            der!("sub-384"),
            der!("client-signs-384"),
            der!("client-agrees-384"),
            der!("meter-signs-384"),
            der!("meter-agrees-384"),
        ]
    };
    ders.map(|der| Certificate::decode(der).unwrap())
}

fn private(suite: SecuritySuite, octet: u8) -> PrivateKey {
    let curve = suite.curve().unwrap();
    PrivateKey::try_from(&vec![octet; curve.coordinate_len()][..]).unwrap()
}

fn public(suite: SecuritySuite, octet: u8) -> PublicKey {
    RustCrypto.public_key(&private(suite, octet)).unwrap()
}

/// A device with the private keys that its certificates are for, and with another client's public
/// keys.
pub(super) fn device(suite: SecuritySuite) -> (SecuritySetup, Certificates) {
    let keys = |own| Some(KeysWithPeer { own: private(suite, own), peer: public(suite, 0x77) });
    let key = Key::try_from(&vec![1; suite.key_len()][..]).unwrap();
    let setup = SecuritySetup {
        version: SecuritySetupVersion::V1,
        suite,
        policy: SecurityPolicy::NOTHING,
        encryption: key.clone(),
        broadcast: None,
        authentication: key,
        party: PartyKeys { signing: keys(0x22), agreement: keys(0x44), ..PartyKeys::default() },
    };
    let [root, ..] = all(suite);
    (setup, Certificates::new(vec![root]))
}

fn import(
    (setup, certificates): &mut (SecuritySetup, Certificates),
    certificate: &Certificate,
) -> Result<(), CertificateError> {
    certificates.import(setup, &RustCrypto, [CLIENT, DEVICE], NOW, certificate.clone())
}

fn data(octets: &[u8]) -> Data<'_> {
    Data::decode(&mut Reader::new(octets)).unwrap()
}

fn by_entity(entity: u8, kind: u8, title: &[u8]) -> Vec<u8> {
    [&[2, 2, 0x16, 0, 2, 3, 0x16, entity, 0x16, kind, 9, title.len() as u8], title].concat()
}

fn by_serial(serial: &[u8], issuer: &[u8]) -> Vec<u8> {
    let front = [2, 2, 0x16, 1, 2, 2, 9, serial.len() as u8];
    [&front[..], serial, &[9, issuer.len() as u8], issuer].concat()
}

#[test]
fn a_certificate_is_named_by_whose_it_is_or_by_its_number() {
    let by_whose = CertificateIdentification::Entity {
        entity: CertificateEntity::Client,
        certificate_type: CertificateType::KeyAgreement,
        system_title: &CLIENT.0,
    };
    let by_number = CertificateIdentification::Serial { serial: &[7], issuer: &[0x30, 0] };
    for (identification, octets) in
        [(by_whose, by_entity(1, 1, &CLIENT.0)), (by_number, by_serial(&[7], &[0x30, 0]))]
    {
        assert_eq!(identification.to_data().to_octets(), octets);
        assert_eq!(CertificateIdentification::decode(&data(&octets)), Ok(identification));
    }
}

#[test]
fn a_certificate_of_openssl_is_read_field_for_field() {
    for (suite, octet) in [(SecuritySuite::Suite1, 0x11), (SecuritySuite::Suite2, 0x11)] {
        let [root, sub, client, agrees, ..] = all(suite);
        assert_eq!(client.system_title(), Some(CLIENT));
        // In small letters.
        assert_eq!(agrees.system_title(), Some(CLIENT));
        assert_eq!(*client.public_key(), public(suite, octet));
        assert_eq!(client.serial(), [0, 0xc0, 0xff, 0xee]);
        assert_eq!(client.issuer(), sub.subject());
        assert_eq!(client.certificate_type(), CertificateType::DigitalSignature);
        assert_eq!(agrees.certificate_type(), CertificateType::KeyAgreement);
        assert_eq!(client.subject_alt_name(), b"\x30\x0d\x82\x0bhes.example");
        assert_eq!(
            client.subject(),
            b"\x30\x1b\x31\x19\x30\x17\x06\x03\x55\x04\x03\x0c\x104D4D4D0000BC614E"
        );
        assert!(!client.is_authority() && sub.is_authority() && root.is_authority());
        assert_eq!((sub.system_title(), sub.certificate_type()), (None, CertificateType::Other));
        // 36,500 days, begun before 2050 and ended after.
        assert_eq!(client.validity().end() - client.validity().start(), 36_500 * 86_400);
    }
}

#[test]
fn the_signature_of_the_issuer_verifies_and_no_other() {
    for suite in [SecuritySuite::Suite1, SecuritySuite::Suite2] {
        let [root, sub, client, ..] = all(suite);
        assert_eq!(root.verify(&RustCrypto, &root), Ok(()));
        assert_eq!(sub.verify(&RustCrypto, &root), Ok(()));
        assert_eq!(client.verify(&RustCrypto, &sub), Ok(()));
        assert_eq!(client.verify(&RustCrypto, &root), Err(CertificateError::Issuer));
        assert_eq!(client.verify(&RustCrypto, &client), Err(CertificateError::Issuer));
    }
    // The same name on the other curve.
    let [_, sub, ..] = all(SecuritySuite::Suite2);
    let [_, _, client, ..] = all(SecuritySuite::Suite1);
    assert_eq!(client.verify(&RustCrypto, &sub), Err(CertificateError::Algorithm));
}

#[test]
fn no_altered_octet_of_a_certificate_goes_unnoticed() {
    let der = der!("client-signs-256");
    let [_, sub, ..] = all(SecuritySuite::Suite1);
    for place in 0..der.len() {
        for bit in [0x01, 0x20, 0x80] {
            let mut altered = der.to_vec();
            altered[place] ^= bit;
            let taken = Certificate::decode(&altered).and_then(|it| it.verify(&RustCrypto, &sub));
            assert!(taken.is_err(), "{place} {bit:02x}");
        }
    }
    for end in 0..der.len() {
        assert!(Certificate::decode(&der[..end]).is_err(), "{end}");
    }
    assert!(Certificate::decode(&[&der[..], &[0]].concat()).is_err());
    let long = vec![0x30; CERTIFICATE_LEN_MAX + 1];
    assert_eq!(Certificate::decode(&long), Err(CertificateError::Length));
}

#[test]
fn pem_is_the_same_certificate() {
    for certificate in all(SecuritySuite::Suite2) {
        let pem = certificate.pem();
        assert!(pem.starts_with("-----BEGIN CERTIFICATE-----\n") && pem.ends_with("-----\n"));
        assert_eq!(pem.parse(), Ok(certificate));
        let other = pem.replace("CERTIFICATE", "CERTIFICATE REQUEST");
        assert_eq!(other.parse::<Certificate>(), Err(CertificateError::Der { offset: 0 }));
    }
}

#[test]
fn what_the_profile_does_not_have_is_refused() {
    let refused = |der: &[u8]| {
        let mut device = device(SecuritySuite::Suite1);
        let [_, sub, client, ..] = all(SecuritySuite::Suite1);
        import(&mut device, &sub).unwrap();
        import(&mut device, &client).unwrap();
        Certificate::decode(der).and_then(|it| import(&mut device, &it)).unwrap_err()
    };
    for (der, error) in [
        (&der!("untitled")[..], CertificateError::SystemTitle),
        (der!("useless"), CertificateError::KeyUsage),
        (der!("critical"), CertificateError::CriticalExtension),
        (der!("for-tls-only"), CertificateError::CriticalExtension),
        (der!("forged"), CertificateError::Signature),
        (der!("from-a-leaf"), CertificateError::Issuer),
        (der!("too-deep"), CertificateError::Issuer),
        (der!("other-root"), CertificateError::Issuer),
        (der!("other-hash"), CertificateError::Algorithm),
        // Of the same names and titles, but signed with a key of the other suite.
        (der!("client-signs-384"), CertificateError::Algorithm),
    ] {
        assert_eq!(refused(der), error);
    }
}

#[test]
fn a_key_of_another_curve_than_the_suites_is_refused() {
    let (mut setup, _) = device(SecuritySuite::Suite1);
    let [root, sub, client, ..] = all(SecuritySuite::Suite2);
    let mut certificates = Certificates::new(vec![root]);
    let mut import = |it| certificates.import(&mut setup, &RustCrypto, [CLIENT, DEVICE], NOW, it);
    assert_eq!(import(sub), Ok(()));
    assert_eq!(import(client), Err(CertificateError::Curve));
}

#[test]
fn trust_comes_down_from_an_anchor_one_authority_after_the_other() {
    for suite in [SecuritySuite::Suite1, SecuritySuite::Suite2] {
        let mut device = device(suite);
        let [_, sub, client, agrees, ..] = all(suite);
        assert_eq!(import(&mut device, &client), Err(CertificateError::Issuer));
        assert_eq!(device.0.party.signing.as_ref().unwrap().peer, public(suite, 0x77));
        for certificate in [&sub, &client, &agrees] {
            assert_eq!(import(&mut device, certificate), Ok(()));
        }
        assert_eq!(device.0.party.signing.unwrap().peer, public(suite, 0x11));
        assert_eq!(device.0.party.agreement.unwrap().peer, public(suite, 0x33));
    }
}

#[test]
fn a_certificate_is_taken_only_while_it_and_its_issuer_are_valid() {
    let [root, sub, ..] = all(SecuritySuite::Suite1);
    let validity = sub.validity().clone();
    assert!(root.validity().start() <= validity.start());
    for (now, taken) in [
        (validity.start() - 86_400, Err(CertificateError::Validity)),
        (*validity.start(), Ok(())),
        (*root.validity().end(), Ok(())),
        (validity.end() + 1, Err(CertificateError::Validity)),
    ] {
        let (mut setup, mut certificates) = device(SecuritySuite::Suite1);
        let parties = [CLIENT, DEVICE];
        let imported = certificates.import(&mut setup, &RustCrypto, parties, now, sub.clone());
        assert_eq!(imported, taken, "{now}");
    }
}

#[test]
fn a_certificate_of_the_device_is_for_a_key_that_it_has() {
    let suite = SecuritySuite::Suite1;
    let mut device = device(suite);
    let [_, sub, _, _, signs, agrees] = all(suite);
    import(&mut device, &sub).unwrap();
    assert_eq!(import(&mut device, &signs), Ok(()));
    device.0.party.agreement = None;
    assert_eq!(import(&mut device, &agrees), Err(CertificateError::NotOurKey));
}

#[test]
fn a_generated_key_is_used_once_a_certificate_vouches_for_it() {
    for suite in [SecuritySuite::Suite1, SecuritySuite::Suite2] {
        let (mut setup, mut certificates) = device(suite);
        setup.party.signing.as_mut().unwrap().own = private(suite, 0x12);
        let fill = |octets: &mut [u8]| octets.fill(0x22);
        assert_eq!(certificates.generate_key_pair(&setup, &data(&[0x16, 0]), fill), Ok(()));
        let mut device = (setup, certificates);
        let [_, sub, _, _, signs, _] = all(suite);
        import(&mut device, &sub).unwrap();
        assert_eq!(device.0.party.signing.as_ref().unwrap().own, private(suite, 0x12));
        import(&mut device, &signs).unwrap();
        assert_eq!(device.0.party.signing.unwrap().own, private(suite, 0x22));
    }
}

#[test]
fn a_device_without_keys_has_a_pair_when_both_sides_have_certificates() {
    let suite = SecuritySuite::Suite1;
    let [_, sub, client, _, meter, _] = all(suite);
    for order in [[&client, &meter], [&meter, &client]] {
        let (mut setup, mut certificates) = device(suite);
        setup.party.signing = None;
        let fill = |octets: &mut [u8]| octets.fill(0x22);
        certificates.generate_key_pair(&setup, &data(&[0x16, 0]), fill).unwrap();
        let mut device = (setup, certificates);
        import(&mut device, &sub).unwrap();
        import(&mut device, order[0]).unwrap();
        assert_eq!(device.0.party.signing, None);
        import(&mut device, order[1]).unwrap();
        let keys = device.0.party.signing.unwrap();
        assert_eq!((keys.own, keys.peer), (private(suite, 0x22), public(suite, 0x11)));
    }
}

#[test]
fn a_request_names_the_title_the_key_and_its_use_and_is_signed_with_that_key() {
    for suite in [SecuritySuite::Suite1, SecuritySuite::Suite2] {
        let (setup, certificates) = device(suite);
        for (code, octet, usage) in [(0, 0x22, [3, 2, 7, 0x80]), (1, 0x44, [3, 2, 3, 0x08])] {
            let mut out = Vec::new();
            let made = certificates.generate_certificate_request(
                &setup,
                &RustCrypto,
                DEVICE,
                &data(&[0x16, code]),
                &mut out,
            );
            assert_eq!(made, Ok(()));
            let Data::OctetString(der) = data(&out) else { panic!("no octet-string") };
            let request = CertReq::from_der(der).unwrap();
            let info = &request.info;
            assert_eq!(info.subject.common_name().unwrap().unwrap().value(), "4D4D4D0000000001");
            let key = public_key(&info.public_key.to_der().unwrap()).unwrap();
            assert_eq!(key, public(suite, octet));
            let attribute = info.attributes.get(0).unwrap();
            let extensions = attribute.values.get(0).unwrap().to_der().unwrap();
            let extensions = ExtensionReq::from_der(&extensions).unwrap().0;
            assert_eq!(extensions[0].extn_value.as_bytes(), usage);
            let signature = request.signature.as_bytes().unwrap();
            let signature = ecdsa_value::decode(key.curve(), signature).unwrap();
            let signed = request.info.to_der().unwrap();
            assert_eq!(RustCrypto.ecdsa_verify(&key, &[&signed], &signature), Ok(()));
        }
    }
}

#[test]
fn a_key_pair_that_the_class_does_not_name_is_neither_made_nor_asked_for() {
    let (mut setup, mut certificates) = device(SecuritySuite::Suite1);
    let fill = |octets: &mut [u8]| octets.fill(0x22);
    for (octets, refused) in [
        (&[0x16, 3][..], ActionResult::OtherReason),
        (&[0x16, 0xff], ActionResult::OtherReason),
        (&[0x0f, 0], ActionResult::TypeUnmatched),
    ] {
        let parameter = data(octets);
        assert_eq!(certificates.generate_key_pair(&setup, &parameter, fill), Err(refused));
    }
    let mut out = Vec::new();
    let mut request = |certificates: &Certificates, setup: &SecuritySetup| {
        let tls = [0x16, 2];
        let parameter = data(&tls);
        certificates.generate_certificate_request(setup, &RustCrypto, DEVICE, &parameter, &mut out)
    };
    assert_eq!(request(&certificates, &setup), Err(ActionResult::ObjectUndefined));
    certificates.generate_key_pair(&setup, &data(&[0x16, 2]), fill).unwrap();
    assert_eq!(request(&certificates, &setup), Ok(()));
    setup.suite = SecuritySuite::Suite0;
    let refused = certificates.generate_key_pair(&setup, &data(&[0x16, 0]), fill);
    assert_eq!(refused, Err(ActionResult::OtherReason));
}

#[test]
fn a_certificate_is_exported_by_whose_it_is_and_by_its_serial_number_in_any_form() {
    let mut device = device(SecuritySuite::Suite1);
    let [root, sub, client, ..] = all(SecuritySuite::Suite1);
    import(&mut device, &sub).unwrap();
    import(&mut device, &client).unwrap();
    let export = |parameter: &[u8]| {
        let mut out = Vec::new();
        device.1.export_certificate(&data(parameter), &mut out)?;
        match data(&out) {
            Data::OctetString(der) => Ok(der.to_vec()),
            other => panic!("{other:?}"),
        }
    };
    let issuer = client.issuer();
    for parameter in [
        by_entity(1, 0, &CLIENT.0),
        by_serial(&[0xc0, 0xff, 0xee], issuer),
        by_serial(&[0x00, 0xc0, 0xff, 0xee], issuer),
        by_serial(&[0x02, 0x04, 0x00, 0xc0, 0xff, 0xee], issuer),
    ] {
        assert_eq!(export(&parameter), Ok(client.der().to_vec()));
    }
    // The authority that was imported last, and the anchor by its number.
    assert_eq!(export(&by_entity(2, 3, &[])), Ok(sub.der().to_vec()));
    assert_eq!(export(&by_serial(&[1], root.issuer())), Ok(root.der().to_vec()));
    let undefined = Err(ActionResult::ObjectUndefined);
    for parameter in [
        by_entity(0, 0, &CLIENT.0),
        by_entity(1, 1, &CLIENT.0),
        by_entity(1, 0, &DEVICE.0),
        by_entity(1, 0, &[]),
        by_serial(&[0xc0, 0xff, 0xef], issuer),
        by_serial(&[0xc0, 0xff, 0xee], client.subject()),
    ] {
        assert_eq!(export(&parameter), undefined);
    }
    let unmatched = Err(ActionResult::TypeUnmatched);
    for parameter in [
        vec![0x00],
        DataBuf::structure([DataBuf::Enum(2), DataBuf::Null]).to_octets(),
        DataBuf::structure([DataBuf::Enum(0)]).to_octets(),
        by_entity(4, 0, &[]),
        by_entity(0, 4, &[]),
    ] {
        assert_eq!(export(&parameter), unmatched);
    }
}

#[test]
fn the_attribute_lists_whose_each_is_with_the_anchors_first() {
    let mut device = device(SecuritySuite::Suite1);
    let [root, sub, client, _, meter, _] = all(SecuritySuite::Suite1);
    for certificate in [&sub, &client, &meter] {
        import(&mut device, certificate).unwrap();
    }
    let octets = |octets: &[u8]| DataBuf::octet_string(octets.to_vec());
    let row = |entity, kind, serial: &[u8], it: &Certificate| {
        DataBuf::structure([
            DataBuf::Enum(entity),
            DataBuf::Enum(kind),
            octets(serial),
            octets(it.issuer()),
            octets(it.subject()),
            octets(it.subject_alt_name()),
        ])
    };
    let rows = [
        row(2, 3, &[1], &root),
        row(2, 3, &[2], &sub),
        row(1, 0, &[0, 0xc0, 0xff, 0xee], &client),
        row(0, 0, &[5], &meter),
    ];
    assert_eq!(device.1.attribute(), DataBuf::array(rows));

    let octets = device.1.attribute().to_octets();
    let list = CertificateInfo::decode_list(&data(&octets)).unwrap();
    assert_eq!(list[2].serial, client.serial());
    assert_eq!(distinguished_name(list[1].subject).unwrap(), "CN=Sub-CA,O=Utility");
    assert_eq!(distinguished_name(list[3].subject).unwrap(), "CN=4D4D4D0000000001");
    assert_eq!(CertificateInfo::decode_list(&data(&[1, 1, 0x16, 0])), None);
}

#[test]
fn a_certificate_imported_twice_is_kept_once() {
    let mut device = device(SecuritySuite::Suite1);
    let [_, sub, ..] = all(SecuritySuite::Suite1);
    import(&mut device, &sub).unwrap();
    import(&mut device, &sub).unwrap();
    assert_eq!(device.1.iter().count(), 2);
}

#[test]
fn the_key_of_a_removed_certificate_is_used_no_more() {
    let mut device = device(SecuritySuite::Suite1);
    let [root, sub, client, ..] = all(SecuritySuite::Suite1);
    import(&mut device, &sub).unwrap();
    import(&mut device, &client).unwrap();
    let (setup, certificates) = &mut device;
    let mut remove = |setup: &mut SecuritySetup, parameter: &[u8]| {
        certificates.remove_certificate(setup, &RustCrypto, &data(parameter))
    };
    let anchor = by_serial(&[1], root.issuer());
    assert_eq!(remove(setup, &anchor), Err(ActionResult::ReadWriteDenied));
    let of_client = by_entity(1, 0, &CLIENT.0);
    // A device that must sign keeps what it signs with.
    setup.policy.response = Protection::NONE.and_signed();
    assert_eq!(remove(setup, &of_client), Err(ActionResult::ReadWriteDenied));
    assert!(setup.party.signing.is_some());
    setup.policy = SecurityPolicy::NOTHING;
    assert_eq!(remove(setup, &of_client), Ok(()));
    assert_eq!(setup.party.signing, None);
    assert!(setup.party.agreement.is_some());
    assert_eq!(remove(setup, &of_client), Err(ActionResult::ObjectUndefined));
}

#[test]
fn a_removed_certificate_takes_only_the_key_that_it_is_for() {
    let suite = SecuritySuite::Suite1;
    let [_, sub, client, _, meter, _] = all(suite);
    let pair = (private(suite, 0x22), public(suite, 0x11));
    let of_client = by_entity(1, 0, &CLIENT.0);
    let of_meter = by_entity(0, 0, &DEVICE.0);
    for (parameter, again) in [(&of_client, &client), (&of_meter, &meter)] {
        let mut device = device(suite);
        import(&mut device, &sub).unwrap();
        import(&mut device, &client).unwrap();
        import(&mut device, &meter).unwrap();
        let (setup, certificates) = &mut device;
        certificates.remove_certificate(setup, &RustCrypto, &data(parameter)).unwrap();
        assert_eq!(setup.party.signing, None);
        if again == &meter {
            // Its key is gone for good; only the client's waits for another.
            assert_eq!(import(&mut device, &meter), Err(CertificateError::NotOurKey));
            let (setup, certificates) = &mut device;
            let fill = |octets: &mut [u8]| octets.fill(0x22);
            certificates.generate_key_pair(setup, &data(&[0x16, 0]), fill).unwrap();
        }
        import(&mut device, again).unwrap();
        let keys = device.0.party.signing.unwrap();
        assert_eq!((keys.own, keys.peer), pair);
    }
}

#[test]
fn a_key_is_used_while_any_certificate_vouches_for_it() {
    let suite = SecuritySuite::Suite1;
    let mut device = device(suite);
    let [_, sub, client, ..] = all(suite);
    let renewed = Certificate::decode(der!("client-renewed-256")).unwrap();
    assert_eq!(renewed.public_key(), client.public_key());
    for certificate in [&sub, &client, &renewed] {
        import(&mut device, certificate).unwrap();
    }
    let (setup, certificates) = &mut device;
    let old = by_serial(client.serial(), client.issuer());
    assert_eq!(certificates.remove_certificate(setup, &RustCrypto, &data(&old)), Ok(()));
    assert_eq!(setup.party.signing.as_ref().unwrap().peer, public(suite, 0x11));
}

#[test]
fn of_several_that_answer_to_an_entity_the_one_that_is_exported_is_removed() {
    let suite = SecuritySuite::Suite1;
    let mut device = device(suite);
    let [_, sub, client, ..] = all(suite);
    let renewed = Certificate::decode(der!("client-renewed-256")).unwrap();
    for certificate in [&sub, &client, &renewed] {
        import(&mut device, certificate).unwrap();
    }
    let (setup, certificates) = &mut device;
    let of_client = by_entity(1, 0, &CLIENT.0);
    for expected in [&renewed, &client] {
        let mut out = Vec::new();
        certificates.export_certificate(&data(&of_client), &mut out).unwrap();
        assert_eq!(data(&out), Data::OctetString(expected.der()));
        certificates.remove_certificate(setup, &RustCrypto, &data(&of_client)).unwrap();
    }
    assert_eq!(certificates.iter().count(), 2);
}

#[test]
fn the_key_of_somebody_else_is_used_for_nothing() {
    let suite = SecuritySuite::Suite1;
    let (mut setup, mut certificates) = device(suite);
    let [_, sub, client, ..] = all(suite);
    let third = SystemTitle(*b"THIRD001");
    for certificate in [sub, client] {
        let parties = [third, DEVICE];
        certificates.import(&mut setup, &RustCrypto, parties, NOW, certificate).unwrap();
    }
    assert_eq!(certificates.iter().count(), 3);
    assert_eq!(setup.party.signing.unwrap().peer, public(suite, 0x77));
}

#[test]
fn a_key_that_is_asked_for_waits_while_that_in_use_is_certified_again() {
    let suite = SecuritySuite::Suite1;
    let (setup, mut certificates) = device(suite);
    let fill = |octets: &mut [u8]| octets.fill(0x12);
    certificates.generate_key_pair(&setup, &data(&[0x16, 0]), fill).unwrap();
    let mut device = (setup, certificates);
    let [_, sub, _, _, meter, _] = all(suite);
    import(&mut device, &sub).unwrap();
    // It is for the key in use.
    import(&mut device, &meter).unwrap();
    assert_eq!(device.0.party.signing.as_ref().unwrap().own, private(suite, 0x22));
    let mut out = Vec::new();
    let (setup, certificates) = &device;
    let kind = &data(&[0x16, 0]);
    certificates.generate_certificate_request(setup, &RustCrypto, DEVICE, kind, &mut out).unwrap();
    let Data::OctetString(der) = data(&out) else { panic!("no octet-string") };
    let key = CertReq::from_der(der).unwrap().info.public_key.to_der().unwrap();
    assert_eq!(public_key(&key).unwrap(), public(suite, 0x12));
}

#[test]
fn an_authority_vouches_for_nobody_once_one_above_it_has_expired() {
    let suite = SecuritySuite::Suite1;
    let [root, sub, client, ..] = all(suite);
    let (mut setup, _) = device(suite);
    // As the root would be that expires an hour from now.
    let root = Certificate { validity: 0..=NOW + 3_600, ..root };
    let mut certificates = Certificates::new(vec![root]);
    let mut import = |now, it: &Certificate| {
        certificates.import(&mut setup, &RustCrypto, [CLIENT, DEVICE], now, it.clone())
    };
    assert_eq!(import(NOW, &sub), Ok(()));
    assert_eq!(import(NOW + 3_601, &client), Err(CertificateError::Validity));
    assert_eq!(import(NOW + 3_600, &client), Ok(()));
}

proptest! {
    #[test]
    fn a_signature_in_der_is_the_same_numbers(octets in prop::collection::vec(any::<u8>(), 96)) {
        for (curve, length) in [(Curve::P256, 64), (Curve::P384, 96)] {
            let signature = Signature::try_from(&octets[..length]).unwrap();
            let der = ecdsa_value::encode(&signature).unwrap();
            prop_assert_eq!(ecdsa_value::decode(curve, &der), Ok(signature));
        }
    }

    #[test]
    fn any_octets_are_a_certificate_or_refused(
        octets in prop::collection::vec(any::<u8>(), 0..300),
        place in 0..400_usize,
    ) {
        let _ = Certificate::decode(&octets);
        let mut certificate = der!("client-signs-256").to_vec();
        for (octet, with) in certificate.iter_mut().skip(place).zip(&octets) {
            *octet = *with;
        }
        if let Ok(read) = Certificate::decode(&certificate) {
            prop_assert_eq!(read.der(), &certificate[..]);
        }
    }
}
