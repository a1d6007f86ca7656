//! The server against a client that sends whatever it likes.

use alloc::{sync::Arc, vec::Vec};

use super::{
    meter::{
        BROADCAST_KEY, CLIENT_SAP, CLIENT_TITLE, Counting, Meter, associate, block, client_config,
    },
    next, take,
};
use crate::{
    acse::{ApplicationContext, Mechanism},
    association::{Client, PreEstablished, Server, ServerConfig},
    security::{
        Key, ProtectRequest, Protection, RustCrypto, SecurityControl, SecuritySuite, protect,
    },
    xdlms::{Apdu, tag},
};

/// The largest PDU of both sides: blocks are needed soon.
const PDU_MAX: u16 = 200;

/// Whatever comes, the server answers with one APDU, no longer than its client takes, or not at
/// all; and never what came under the broadcast key. Who has not authenticated changes nothing in
/// the device.
///
/// First octet: whether and how an association stands. Then APDUs, each with two octets before it:
/// how it is protected and to whom it is, and its length.
pub fn hostile_server(mut octets: &[u8]) {
    let choice = next(&mut octets);
    let (mechanism, protection) = match choice & 7 {
        0 | 1 => (Mechanism::Lowest, Protection::NONE),
        2 => (Mechanism::Lls, Protection::NONE),
        3 => (Mechanism::HlsSha256, Protection::NONE),
        4 => (Mechanism::HlsGmac, Protection::AUTHENTICATED_ENCRYPTED),
        5 => (Mechanism::Lowest, Protection::AUTHENTICATED_ENCRYPTED),
        6 => (Mechanism::Lowest, Protection::AUTHENTICATED),
        _ => (Mechanism::Lowest, Protection::ENCRYPTED),
    };
    let mut meter = Meter::new(mechanism, protection);
    let config = ServerConfig::new(CLIENT_SAP);
    let pre_established = (choice & 0x10 != 0).then_some(PreEstablished {
        application_context: match protection == Protection::NONE {
            true => ApplicationContext::LogicalName,
            false => ApplicationContext::LogicalNameCiphered,
        },
        client_title: Some(CLIENT_TITLE),
        conformance: config.conformance,
        max_send_pdu: PDU_MAX,
        confirmed: choice & 0x20 == 0,
    });
    let mut server = Server::new(ServerConfig { max_pdu: PDU_MAX, pre_established, ..config });
    let is_known = choice & 8 != 0;
    if is_known && pre_established.is_none() {
        let mut config = client_config(mechanism, protection);
        config.max_receive_pdu = PDU_MAX;
        let mut client = Client::new(config, Arc::new(RustCrypto));
        client.grant_counters(1..100);
        associate(&mut client, &mut server, &mut meter);
    }

    let mut entropy = Counting::default();
    let mut counter = 1_000;
    let mut is_agreed = is_known;
    let mut out = Vec::new();
    while !octets.is_empty() {
        let how = next(&mut octets);
        let len = usize::from(next(&mut octets));
        let mut apdu = take(&mut octets, len).to_vec();
        let is_broadcast = is_known && how & 0x21 == 0x21;
        if is_known && how & 1 != 0 {
            counter += 1;
            apdu = protected(how, counter, &apdu);
            if how & 0x80 != 0 {
                counter += 1;
                apdu = block(&protected(how, counter, &block(&apdu, false)), false);
            }
        }
        if how & 0x40 != 0 {
            server.handle_unconfirmed(&mut meter, &mut entropy, &mut apdu);
            is_agreed &= apdu.first() != Some(&tag::AARQ);
            continue;
        }
        // From now on other sizes may be agreed on.
        is_agreed &= apdu.first() != Some(&tag::AARQ);
        let answered = server.handle_apdu(&mut meter, &mut entropy, &mut apdu, &mut out);
        assert_eq!(answered, !out.is_empty());
        // In blocks it is not to be seen from outside what is within.
        assert!(!answered || !is_broadcast || how & 0x80 != 0);
        if answered {
            Apdu::decode(&out).expect("an answer that can be read");
            assert!(!is_agreed || out.len() <= usize::from(PDU_MAX), "{}", out.len());
        }
    }
    // A password can be found by trying; a hash or a tag cannot.
    let is_guarded = protection.authenticated
        || (mechanism == Mechanism::HlsSha256 && pre_established.is_none());
    if is_guarded && !is_known {
        assert_eq!(server.is_associated(), pre_established.is_some());
        assert!(meter.written.is_empty() && meter.done.is_empty());
    }
}

/// The APDU under a global key, in one of its forms.
fn protected(how: u8, counter: u32, plain: &[u8]) -> Vec<u8> {
    let protection = match how >> 1 & 3 {
        0 => Protection::AUTHENTICATED,
        1 => Protection::ENCRYPTED,
        _ => Protection::AUTHENTICATED_ENCRYPTED,
    };
    let service = plain.first().and_then(|tag| tag::global(*tag));
    let tag = match service {
        Some(tag) if how & 8 == 0 => tag,
        _ => tag::GENERAL_GLO_CIPHERING,
    };
    let control = SecurityControl::new(SecuritySuite::Suite0, protection);
    let is_broadcast = how & 0x20 != 0;
    let request = ProtectRequest {
        tag,
        system_title: CLIENT_TITLE,
        send_title: how & 0x10 == 0,
        control: match is_broadcast {
            true => control.with_broadcast_key(),
            false => control,
        },
        counter,
        key: &Key::from(if is_broadcast { BROADCAST_KEY } else { [0x5a; 16] }),
        authentication_key: Some(&Key::from([0xa5; 16])),
    };
    let mut apdu = Vec::new();
    protect(&RustCrypto, &request, plain, &mut apdu).expect("keys and counter for it");
    apdu
}
