//! Suites 1 and 2: longer keys, and authentication by signatures.

use super::{
    pair::{Pair, ciphering, cipherings, config, converse, is_associated},
    *,
};
use crate::{
    association::{Ciphering, ClientConfig, Event, Failure, Misuse, Phase},
    security::KeysWithPeer,
};

const SUITES: [SecuritySuite; 3] =
    [SecuritySuite::Suite0, SecuritySuite::Suite1, SecuritySuite::Suite2];

/// A key of the suite from octets that count up from `first`.
fn key(suite: SecuritySuite, first: u8) -> Key {
    let octets: Vec<u8> = (first..).take(suite.key_len()).collect();
    Key::try_from(&octets[..]).unwrap()
}

/// The signature keys of the client (private key 11..) and of its server (22..).
pub(super) fn signing(suite: SecuritySuite) -> [KeysWithPeer; 2] {
    pairs(suite, "11", "22")
}

/// The key agreement keys of the client (private key 33..) and of its server (44..).
pub(super) fn agreement(suite: SecuritySuite) -> [KeysWithPeer; 2] {
    pairs(suite, "33", "44")
}

fn pairs(suite: SecuritySuite, client: &str, server: &str) -> [KeysWithPeer; 2] {
    let length = suite.curve().unwrap().coordinate_len();
    let [client, server] = [client, server].map(|octet| octet.repeat(length).parse().unwrap());
    let provider = RustCrypto.public_keys().unwrap();
    let [client_public, server_public] =
        [&client, &server].map(|key| provider.public_key(key).unwrap());
    [
        KeysWithPeer { own: client, peer: server_public },
        KeysWithPeer { own: server, peer: client_public },
    ]
}

/// A client and its device in a suite, with signature keys where it has them.
pub(super) fn in_suite(
    suite: SecuritySuite,
    mechanism: Mechanism,
    like: Ciphering,
) -> (ClientConfig, Toy) {
    let ciphering = Ciphering {
        suite,
        encryption_key: key(suite, 0),
        authentication_key: Some(key(suite, 0xd0)),
        ..like
    };
    let mut config = ClientConfig { ciphering: Some(ciphering), ..config(mechanism) };
    let mut toy = Toy {
        suite,
        encryption_key: key(suite, 0),
        authentication_key: key(suite, 0xd0),
        ..Toy::demanding(mechanism)
    };
    if suite.curve().is_some() {
        let [client, server] = signing(suite);
        config.party_keys.signing = Some(client);
        toy.party_keys = Some(PartyKeys { signing: Some(server), ..PartyKeys::default() });
    }
    (config, toy)
}

#[test]
fn every_suite_opens_an_association_that_serves_in_every_form() {
    for suite in SUITES {
        for like in core::iter::once(ciphering(Protection::NONE)).chain(cipherings()) {
            let mut mechanisms = std::vec![Mechanism::HlsGmac];
            mechanisms.extend(suite.curve().map(|_| Mechanism::HlsEcdsa));
            for mechanism in mechanisms {
                let (config, toy) = in_suite(suite, mechanism, like.clone());
                let case = std::format!("{suite} {mechanism:?} {like:?}");
                let mut pair = Pair::new(config, toy);
                let events = pair.associate();
                assert!(is_associated(&events), "{case}: {events:?}");
                converse(&mut pair);
                pair.client.release().unwrap();
                assert_eq!(pair.run(), [Event::Released], "{case}");
            }
        }
    }
}

#[test]
fn a_signature_by_another_key_opens_nothing_on_either_side() {
    let suite = SecuritySuite::Suite1;
    let both = ciphering(Protection::AUTHENTICATED_ENCRYPTED);
    let [_, stranger] = signing(suite);

    // The client's private key is not the one that the server knows.
    let (mut config, toy) = in_suite(suite, Mechanism::HlsEcdsa, both.clone());
    config.party_keys.signing.as_mut().unwrap().own = stranger.own.clone();
    let mut pair = Pair::new(config, toy);
    let failure = Failure::AuthenticationRefused(ActionResult::ReadWriteDenied);
    let failed = Event::AssociationFailed { phase: Phase::Authenticate, failure };
    assert_eq!(pair.associate(), [failed]);
    assert!(matches!(pair.bench.server.state, State::Idle));

    // The server's is not the one that the client knows.
    let (mut config, toy) = in_suite(suite, Mechanism::HlsEcdsa, both);
    config.party_keys.signing.as_mut().unwrap().peer = stranger.peer;
    let mut pair = Pair::new(config, toy);
    let failure = Failure::ServerNotAuthentic;
    let failed = Event::AssociationFailed { phase: Phase::Authenticate, failure };
    assert_eq!(pair.associate(), [failed]);
}

#[test]
fn signature_keys_of_another_curve_than_the_suites_are_a_misuse() {
    for (suite, keys) in [
        (SecuritySuite::Suite0, SecuritySuite::Suite1),
        (SecuritySuite::Suite1, SecuritySuite::Suite2),
        (SecuritySuite::Suite2, SecuritySuite::Suite1),
    ] {
        let like = ciphering(Protection::AUTHENTICATED_ENCRYPTED);
        let (mut config, toy) = in_suite(suite, Mechanism::HlsEcdsa, like);
        let [client, _] = signing(keys);
        config.party_keys.signing = Some(client);
        let mut pair = Pair::new(config, toy);
        assert_eq!(pair.client.associate(&mut Counting(0)), Err(Misuse::Curve));
    }
}

#[test]
fn a_challenge_of_ecdsa_has_32_to_64_octets_unless_the_device_takes_short_ones() {
    for (length, short, accepted) in [
        (31, false, false),
        (32, false, true),
        (64, false, true),
        (16, true, true),
        (7, true, false),
    ] {
        let like = ciphering(Protection::NONE);
        let (_, mut toy) = in_suite(SecuritySuite::Suite1, Mechanism::HlsEcdsa, like);
        toy.party_keys.as_mut().unwrap().compatibility.short_ecdsa_challenges = short;
        let mut bench = Bench::new(toy);
        let challenge = hex(&[0x41].repeat(length));
        let fields = std::format!(
            "a60a0408434c49454e543031 8a020780 8b07608574050802 07 \
             ac{:02x} 80{length:02x}{challenge}",
            length + 2,
        );
        let initiate = "be10040e01000000065f1f0400007e1fffff";
        let contents = octets(&std::format!("a109060760857405080101 {fields} {initiate}"));
        let aarq = std::format!("60{:02x}{}", contents.len(), hex(&contents));
        let aare = bench.ask(&aarq);
        assert_eq!(aare.contains("a203020100"), accepted, "{length}");
        // The server's own challenge has 32 octets in any case.
        assert_eq!(aare.contains("aa228020"), accepted, "{length}");
    }
}
