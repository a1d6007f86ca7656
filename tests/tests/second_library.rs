//! The cryptography of suites 1 and 2, computed once more by OpenSSL: for suite 2 no worked
//! examples were published, so that agreement with another library is what there is.

#![allow(clippy::unwrap_used, reason = "a test fails where its helper does")]

use dlms_core::security::{
    CryptoProvider, Curve, GeneralHeader, GeneralKeys, GeneralProtectRequest, Key, KeyDerivation,
    KeyEstablishment, KeyInfo, KeyPurpose, KeysWithPeer, PartyKeys, PrivateKey, Protection,
    PublicKey, PublicKeyProvider, RustCrypto, SecurityControl, SecuritySuite, SignRequest,
    Signature, SignedApdu, SystemTitle, protect_general, sign,
};
use dlms_tests::{Folder, Foreign};

const CLIENT: SystemTitle = SystemTitle(*b"MMM\0\0\xbc\x61\x4e");
const SERVER: SystemTitle = SystemTitle(*b"MMM\0\0\0\0\x01");
const TRANSACTION: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
const GET_TIME: [u8; 13] = [0xc0, 1, 0, 0, 8, 0, 0, 1, 0, 0, 0xff, 2, 0];
const SUITES: [SecuritySuite; 2] = [SecuritySuite::Suite1, SecuritySuite::Suite2];

/// Requests to the other library, and what we computed.
#[derive(Default)]
struct Comparison {
    requests: String,
    expected: Vec<String>,
}

impl Comparison {
    fn expect(&mut self, request: &str, fields: &[&[u8]], result: &[u8]) {
        let fields: Vec<String> = fields.iter().map(|field| field_of(field)).collect();
        self.requests += &format!("{request} {}\n", fields.join(" "));
        self.expected.push(hex(result));
    }

    /// Asks, and compares line by line.
    fn finish(self) {
        let folder = Folder::new();
        let path = folder.path().join("requests");
        std::fs::write(&path, &self.requests).unwrap();
        let output = Foreign::second_library(&path);
        output.assert_code(0);
        let answers: Vec<&str> = output.stdout.lines().collect();
        assert_eq!(answers.len(), self.expected.len(), "{output}");
        for ((request, answer), expected) in self.requests.lines().zip(answers).zip(&self.expected)
        {
            assert_eq!(answer, expected, "{request}");
        }
    }
}

fn field_of(octets: &[u8]) -> String {
    if octets.is_empty() { "-".to_owned() } else { hex(octets) }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn curve(suite: SecuritySuite) -> Curve {
    suite.curve().unwrap()
}

/// A private key that is no pattern: the digest of its name.
fn private(suite: SecuritySuite, name: &str) -> PrivateKey {
    let octets = RustCrypto.sha384(&[name.as_bytes()]).unwrap();
    PrivateKey::try_from(&octets[..curve(suite).coordinate_len()]).unwrap()
}

fn public(key: &PrivateKey) -> PublicKey {
    RustCrypto.public_key(key).unwrap()
}

fn key(suite: SecuritySuite, first: u8) -> Key {
    let octets: Vec<u8> = (first..).take(suite.key_len()).collect();
    Key::try_from(&octets[..]).unwrap()
}

#[test]
fn keys_shared_secrets_and_wrapped_keys_are_those_of_openssl() {
    let mut comparison = Comparison::default();
    for suite in SUITES {
        for number in 0..8 {
            let [own, peer] =
                ["own", "peer"].map(|name| private(suite, &format!("{name} {number}")));
            let curve = curve(suite);
            comparison.expect(&format!("public {curve}"), &[own.octets()], public(&own).octets());
            let z = RustCrypto.ecdh(&own, &public(&peer)).unwrap();
            comparison.expect(
                &format!("ecdh {curve}"),
                &[peer.octets(), public(&own).octets()],
                z.octets(),
            );
        }
        let (kek, wrapped) = (key(suite, 0x60), key(suite, 7));
        comparison.expect(
            "wrap",
            &[kek.octets(), wrapped.octets()],
            &RustCrypto.key_wrap(&kek, &wrapped).unwrap(),
        );
    }
    comparison.finish();
}

#[test]
fn agreed_keys_are_the_digest_of_openssl_over_the_other_information_written_out() {
    let mut comparison = Comparison::default();
    for suite in SUITES {
        let (own, peer) = (private(suite, "own"), private(suite, "peer"));
        let z = RustCrypto.ecdh(&own, &public(&peer)).unwrap();
        let suite_2 = suite == SecuritySuite::Suite2;
        for (purpose, transaction_id, arc_06, algorithm) in [
            (KeyPurpose::Ciphering, None, false, [5, 8, 3, u8::from(suite_2)]),
            (KeyPurpose::Ciphering, Some(&TRANSACTION[..]), false, [5, 8, 3, u8::from(suite_2)]),
            (KeyPurpose::Ciphering, None, true, [6, 8, 3, u8::from(suite_2)]),
            (KeyPurpose::Wrapping, None, false, [5, 8, 3, 2 + u8::from(suite_2)]),
        ] {
            let derivation = KeyDerivation {
                suite,
                purpose,
                party_u: CLIENT,
                transaction_id,
                party_v: SERVER,
                arc_06,
            };
            let mut other_info = [&[0x60, 0x85, 0x74][..], &algorithm, &CLIENT.0].concat();
            if let Some(transaction_id) = transaction_id {
                other_info.push(8);
                other_info.extend_from_slice(transaction_id);
            }
            other_info.extend_from_slice(&SERVER.0);
            let agreed = derivation.derive(&RustCrypto, &z).unwrap();
            let (curve, length) = (curve(suite), suite.key_len());
            let (z, info) = (hex(z.octets()), hex(&other_info));
            comparison.requests += &format!("derive {curve} {z} {info} {length}\n");
            comparison.expected.push(hex(agreed.octets()));
        }
    }
    comparison.finish();
}

#[test]
fn openssl_verifies_our_signatures_and_we_verify_those_of_openssl() {
    let header = GeneralHeader {
        transaction_id: TRANSACTION.to_vec(),
        originator: Some(CLIENT),
        recipient: Some(SERVER),
        ..GeneralHeader::default()
    };
    let mut comparison = Comparison::default();
    let mut theirs = String::new();
    for suite in SUITES {
        let (own, curve) = (private(suite, "signer"), curve(suite));
        let mut apdu = Vec::new();
        let request = SignRequest { header: &header, key: &own, exclude_content_length: false };
        sign(&RustCrypto, &request, &GET_TIME, &mut apdu).unwrap();
        let signature = SignedApdu::decode(&apdu).unwrap().signature.unwrap();
        // DF before, the length of the signature and the signature behind.
        let signed = &apdu[1..apdu.len() - 1 - signature.octets().len()];
        comparison.expect(
            &format!("verify {curve}"),
            &[public(&own).octets(), signed, signature.octets()],
            b"ok",
        );
        theirs += &format!("sign {curve} {} {}\n", hex(own.octets()), hex(signed));
    }
    comparison.finish();

    let folder = Folder::new();
    let path = folder.path().join("requests");
    std::fs::write(&path, &theirs).unwrap();
    let output = Foreign::second_library(&path);
    for (line, (request, suite)) in output.stdout.lines().zip(theirs.lines().zip(SUITES)) {
        let message = octets(request.split(' ').next_back().unwrap());
        let signature = Signature::try_from(&octets(line)[..]).unwrap();
        let signer = public(&private(suite, "signer"));
        assert_eq!(RustCrypto.ecdsa_verify(&signer, &[&message], &signature), Ok(()));
    }
    assert_eq!(output.stdout.lines().count(), SUITES.len(), "{output}");
}

fn octets(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn general_ciphering_of_each_kind_is_sealed_as_by_openssl() {
    let mut comparison = Comparison::default();
    for suite in SUITES {
        let pair = |own: &str, peer: &str| KeysWithPeer {
            own: private(suite, own),
            peer: public(&private(suite, peer)),
        };
        let party = PartyKeys {
            key_encryption_key: Some(key(suite, 0x60)),
            signing: Some(pair("client signs", "server signs")),
            agreement: Some(pair("client agrees", "server agrees")),
            ..PartyKeys::default()
        };
        let (global, authentication) = (key(suite, 0), key(suite, 0xd0));
        let keys = GeneralKeys { suite, global: &global, party: Some(&party) };
        let header = GeneralHeader {
            transaction_id: TRANSACTION.to_vec(),
            originator: Some(CLIENT),
            recipient: Some(SERVER),
            date_time: vec![0x07, 0xe8, 1, 1, 1, 0x0c, 0, 0, 0, 0xff, 0xc4, 0],
            other_information: vec![0xaa, 0xbb],
        };
        for how in [
            KeyEstablishment::Identified,
            KeyEstablishment::Wrapped,
            KeyEstablishment::OnePass,
            KeyEstablishment::StaticUnified,
        ] {
            let fill = |octets: &mut [u8]| octets.fill(0x51);
            let (info, key) =
                keys.establish(&RustCrypto, how, &header, [CLIENT, SERVER], fill).unwrap();
            if let KeyInfo::OnePass(ephemeral) = &info {
                // What the server computes of it, with the other library.
                comparison.expect(
                    &format!("verify {}", curve(suite)),
                    &[
                        public(&private(suite, "client signs")).octets(),
                        ephemeral.public.octets(),
                        ephemeral.signature.octets(),
                    ],
                    b"ok",
                );
            }
            let control = SecurityControl::new(suite, Protection::AUTHENTICATED_ENCRYPTED);
            let request = GeneralProtectRequest {
                header: &header,
                system_title: CLIENT,
                key_info: Some(&info),
                control,
                counter: 0x0123_4567,
                key: &key,
                authentication_key: Some(&authentication),
                short_aad: false,
            };
            let mut apdu = Vec::new();
            protect_general(&RustCrypto, &request, &GET_TIME, &mut apdu).unwrap();
            // The fields, from the transaction-id to the other information, each with its length.
            let fields = &apdu[1..1 + 9 + 9 + 9 + 13 + 3];
            let aad = [&[control.octet()], authentication.octets(), fields].concat();
            let iv = [&CLIENT.0[..], &0x0123_4567_u32.to_be_bytes()].concat();
            let sealed = &apdu[apdu.len() - GET_TIME.len() - 12..];
            comparison.expect("seal", &[key.octets(), &iv, &aad, &GET_TIME], sealed);
        }
    }
    comparison.finish();
}
