//! `headend` and our simulated meters in suites 1 and 2: every way to a key, signed and unsigned,
//! over real sockets.

#![allow(clippy::unwrap_used, reason = "a test fails where its helper does")]

use dlms_core::security::{CryptoProvider, PrivateKey, RustCrypto};
use dlms_tests::{Framing, Headend, Simulator};

/// What a meter of the suite and its client hold: see `MeterKeys` of the simulator.
struct Keys {
    suite: &'static str,
    key_len: usize,
    coordinate_len: usize,
}

const SUITES: [Keys; 2] = [
    Keys { suite: "1", key_len: 16, coordinate_len: 32 },
    Keys { suite: "2", key_len: 32, coordinate_len: 48 },
];

impl Keys {
    /// Octets that count up.
    fn key(&self, first: u8) -> String {
        (first..).take(self.key_len).map(|octet| format!("{octet:02x}")).collect()
    }

    fn private(&self, octet: u8) -> String {
        format!("{octet:02x}").repeat(self.coordinate_len)
    }

    fn public(&self, octet: u8) -> String {
        let private: PrivateKey = self.private(octet).parse().unwrap();
        RustCrypto.public_keys().unwrap().public_key(&private).unwrap().to_string()
    }

    /// A `headend` that finds all its keys in the environment.
    fn headend(&self) -> Headend {
        Headend::new()
            .env("DLMS_EK", &self.key(0))
            .env("DLMS_AK", &self.key(0xd0))
            .env("DLMS_KEK", &self.key(0x60))
            .env("DLMS_SIGNING_KEY", &self.private(0x11))
            .env("DLMS_PEER_KEY", &self.public(0x22))
            .env("DLMS_AGREEMENT_KEY", &self.private(0x33))
            .env("DLMS_PEER_AGREEMENT_KEY", &self.public(0x44))
    }
}

const READ: [&str; 5] = ["--client", "1", "--security", "authenc", "-o"];
const VOLTAGE: &str = "3:1-0:32.7.0*255:2";

#[test]
fn every_way_to_a_key_reads_over_both_framings() {
    for keys in SUITES {
        for framing in Framing::ALL {
            let meter = Simulator::meter(framing, &["--entries", "4", "--suite", keys.suite]);
            let headend = keys.headend();
            for options in [
                "--auth hls-ecdsa",
                "--auth hls-gmac --sign",
                "--auth hls-gmac --general-ciphering identified",
                "--auth hls-gmac --general-ciphering wrapped",
                "--auth hls-gmac --general-ciphering agreed-ephemeral",
                "--auth hls-ecdsa --general-ciphering agreed-static",
                "--auth hls-ecdsa --general-ciphering agreed-static --sign",
            ] {
                let address = meter.address();
                let words = ["read", &address, VOLTAGE, "--suite", keys.suite];
                let options: Vec<&str> = options.split(' ').collect();
                let output = headend.run(&[&words[..], &READ, &["jsonl"], &options].concat());
                output.assert_code(0);
                assert_eq!(output.json_lines()[0]["unit"], "V", "{output}");
            }
        }
    }
}

#[test]
fn a_switch_that_only_one_side_has_is_a_security_failure() {
    let keys = &SUITES[0];
    for (switch, options) in [
        ("general-ciphering-short-aad", "--general-ciphering identified"),
        ("signing-excludes-content-length", "--sign"),
        ("kdf-arc-06", "--general-ciphering agreed-static"),
        ("ephemeral-signature-covers-key-id", "--general-ciphering agreed-ephemeral"),
    ] {
        let args = ["--entries", "4", "--suite", "1", "--compat", switch];
        let meter = Simulator::meter(Framing::Wrapper, &args);
        let (headend, address) = (keys.headend(), meter.address());
        let words = ["read", &address, VOLTAGE, "--suite", "1", "--auth", "hls-gmac"];
        let options: Vec<&str> = options.split(' ').collect();
        let words = [&words[..], &READ, &["jsonl"], &options].concat();
        headend.run(&words).assert_code(4);
        headend.run(&[&words[..], &["--compat", switch]].concat()).assert_code(0);
    }
}
