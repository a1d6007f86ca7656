//! What meters cipher generally and sign, made by OpenSSL: `headend decode` and `headend listen`
//! take it apart, verify it, and say which input is wrong when it does not verify.

#![allow(clippy::unwrap_used, reason = "a test fails where its helper does")]

use core::time::Duration;
use std::{fs, io::Write, net::TcpStream, process::Command};

use dlms_tests::{Folder, Foreign, Headend, ports};
use serde_json::{Value, json};

const START_TIME_MAX: Duration = Duration::from_secs(60);
const END_TIME_MAX: Duration = Duration::from_secs(60);

/// Voltage L1, 230.1 V.
const PUSH: &str = "0f00000001000203090601002007 00ff1208fd02020fff1623";
const METER: &str = "47525801000003E8";
const OURS: &str = "4448450000000001";

/// Octets of a key of AES and of a private key in this suite.
const fn lengths(suite: u8) -> (usize, usize) {
    if suite == 2 { (32, 48) } else { (16, 32) }
}

fn cipher(suite: u8, how: &str, protection: u8, counter: u32) -> Value {
    let (key, private) = lengths(suite);
    json!({
        "kind": "cipher", "suite": suite, "how": how, "protection": protection, "counter": counter,
        "ek": "07".repeat(key), "ak": "08".repeat(key), "kek": "6b".repeat(key),
        "own": "33".repeat(private), "peer": "44".repeat(private), "sign": "11".repeat(private),
        "ephemeral": format!("{:02x}", 0x51 + counter).repeat(private),
    })
}

fn sign(suite: u8) -> Value {
    json!({"kind": "sign", "suite": suite, "key": "11".repeat(lengths(suite).1)})
}

/// The APDUs that the other library makes of pushes with these layers, the innermost first.
fn protected(messages: &[Vec<Value>]) -> Vec<String> {
    let folder = Folder::new();
    let path = folder.path().join("requests");
    let requests: Vec<String> = messages
        .iter()
        .map(|layers| {
            json!({
                "plain": PUSH.replace(' ', ""), "originator": METER, "recipient": OURS,
                "transaction": "0102030405060708", "layers": layers,
            })
            .to_string()
        })
        .collect();
    fs::write(&path, requests.join("\n")).unwrap();
    let output = Foreign::protected_push(&path);
    output.assert_code(0);
    let apdus: Vec<String> = output.stdout.lines().map(str::to_owned).collect();
    assert_eq!(apdus.len(), messages.len(), "{output}");
    apdus
}

/// The keys of whom it is for, as options: public keys and certificates in files that OpenSSL made.
struct Keys {
    folder: Folder,
    suite: u8,
}

impl Keys {
    fn new(suite: u8) -> Self {
        let keys = Self { folder: Folder::new(), suite };
        let (_, private) = lengths(suite);
        fs::write(keys.file("agreement"), "44".repeat(private)).unwrap();
        if suite > 0 {
            keys.certificate("signature", "11", "digitalSignature");
            keys.certificate("peer-agreement", "33", "keyAgreement");
            keys.certificate("stranger", "22", "digitalSignature");
        }
        keys
    }

    fn file(&self, name: &str) -> String {
        self.folder.file(name)
    }

    /// A certificate of the public key that belongs to the private one with these octets.
    fn certificate(&self, name: &str, digits: &str, usage: &str) {
        let (curve, length, digest) = match self.suite {
            2 => ("secp384r1", 48, "-sha384"),
            _ => ("prime256v1", 32, "-sha256"),
        };
        let key = self.file(&format!("{name}.key"));
        let config = format!(
            "asn1=SEQUENCE:ec\n[ec]\nversion=INTEGER:1\n\
             key=FORMAT:HEX,OCTETSTRING:{}\ncurve=EXPLICIT:0,OID:{curve}\n",
            digits.repeat(length)
        );
        let (text, der) = (self.file("asn1"), self.file("key.der"));
        fs::write(&text, config).unwrap();
        openssl(&["asn1parse", "-genconf", &text, "-noout", "-out", &der]);
        openssl(&["ec", "-inform", "DER", "-in", &der, "-out", &key]);
        openssl(&[
            "req",
            "-x509",
            digest,
            "-new",
            "-key",
            &key,
            "-days",
            "3650",
            "-out",
            &self.file(name),
            "-subj",
            &format!("/CN={METER}"),
            "-addext",
            &format!("keyUsage=critical,{usage}"),
        ]);
    }

    fn options(&self) -> Vec<String> {
        let (key, _) = lengths(self.suite);
        let mut options: Vec<String> = Vec::new();
        for (option, value) in [("--ek", "07"), ("--ak", "08"), ("--kek", "6b")] {
            options.extend([option.to_owned(), value.repeat(key)]);
        }
        options.extend(["--agreement-key".to_owned(), self.file("agreement")]);
        if self.suite > 0 {
            options.extend(["--peer-key".to_owned(), self.file("signature")]);
            options.extend(["--peer-agreement-key".to_owned(), self.file("peer-agreement")]);
        }
        options
    }

    /// The options, with another value for one of them.
    fn but(&self, option: &str, value: &str) -> Vec<String> {
        let mut options = self.options();
        let at = options.iter().position(|known| known == option).unwrap();
        value.clone_into(&mut options[at + 1]);
        options
    }
}

fn openssl(args: &[&str]) {
    let output = Command::new("openssl").args(args).output().expect("openssl");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The lines of `headend decode -o jsonl`, one for each APDU.
fn decoded(apdus: &[String], options: &[String]) -> Vec<Value> {
    let headend = Headend::new();
    let path = headend.home().file("captures.jsonl");
    let lines: Vec<String> =
        apdus.iter().map(|apdu| json!({"framing": "apdu", "hex": apdu}).to_string()).collect();
    fs::write(&path, lines.join("\n")).unwrap();
    let mut args = vec!["decode", "-o", "jsonl", &path];
    args.extend(options.iter().map(String::as_str));
    let output = headend.run(&args);
    let records = output.json_lines();
    assert_eq!(records.len(), apdus.len(), "{output}");
    records
}

/// Every way in which a push may be protected in a suite; in suite 2, whose curve takes long, each
/// of its parts once.
fn messages(suite: u8) -> Vec<Vec<Value>> {
    let key = |how, counter| cipher(suite, how, 0x30, counter);
    let tag = |how, counter| cipher(suite, how, 0x10, counter);
    match suite {
        0 => vec![
            vec![key("identified", 1)],
            vec![tag("identified", 2)],
            vec![key("wrapped", 1)],
            vec![tag("wrapped", 2)],
        ],
        1 => vec![
            vec![key("identified", 1)],
            vec![key("wrapped", 1)],
            vec![key("1e1s", 1)],
            vec![key("0e2s", 1)],
            vec![tag("identified", 2)],
            vec![sign(1)],
            vec![sign(1), key("identified", 3)],
            vec![sign(1), key("1e1s", 2)],
            vec![key("wrapped", 2), sign(1)],
            vec![sign(1), cipher(1, "wrapped", 0x20, 3)],
        ],
        _ => vec![
            vec![key("identified", 1)],
            vec![key("wrapped", 1), sign(2)],
            vec![key("1e1s", 1)],
            vec![sign(2), key("0e2s", 1)],
        ],
    }
}

#[test]
fn what_openssl_ciphered_and_signed_is_taken_apart_and_verified_layer_by_layer() {
    for suite in 0..=2 {
        let (keys, messages) = (Keys::new(suite), messages(suite));
        let records = decoded(&protected(&messages), &keys.options());
        for (layers, record) in messages.iter().zip(records) {
            let found = &record["apdus"][0];
            assert_eq!(found["verified"], true, "{layers:?}: {record}");
            assert_eq!(found["plain_tag"], "0f", "{layers:?}: {record}");
            assert_eq!(found["values"][0]["value"], 2301, "{layers:?}: {record}");
            let tags: Vec<&Value> =
                found["layers"].as_array().unwrap().iter().map(|layer| &layer["tag"]).collect();
            let expected: Vec<&str> = layers
                .iter()
                .rev()
                .map(|layer| if layer["kind"] == "sign" { "df" } else { "dd" })
                .collect();
            assert_eq!(tags, expected, "{record}");
            assert_eq!(found["layers"][0]["originator"], METER, "{record}");
            assert_eq!(found["layers"][0]["recipient"], OURS, "{record}");
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_in_what_is_verified_leaves_no_value() {
    let keys = Keys::new(1);
    let apdus = protected(&[vec![sign(1), cipher(1, "wrapped", 0x30, 1)], vec![sign(1)]]);
    for apdu in &apdus {
        let altered = (2..apdu.len()).step_by(29).map(|place| {
            let digit = u8::from_str_radix(&apdu[place..=place], 16).unwrap() ^ 1;
            format!("{}{digit:x}{}", &apdu[..place], &apdu[place + 1..])
        });
        for record in decoded(&altered.collect::<Vec<_>>(), &keys.options()) {
            let found = &record["apdus"][0];
            assert_ne!(found["verified"], true, "{record}");
            assert!(!record["error"].is_null(), "{record}");
            assert_eq!(found["values"].as_array().map(Vec::len), Some(0), "{record}");
        }
    }
}

#[test]
fn the_input_that_is_wrong_is_named() {
    let keys = Keys::new(1);
    let [identified, wrapped, one_pass, static_unified, signed] = protected(&[
        vec![cipher(1, "identified", 0x30, 1)],
        vec![cipher(1, "wrapped", 0x30, 1)],
        vec![cipher(1, "1e1s", 0x30, 1)],
        vec![cipher(1, "0e2s", 0x30, 1)],
        vec![sign(1)],
    ])
    .try_into()
    .unwrap();
    let other = "99".repeat(16);
    let stranger = keys.file("stranger");
    let other_agreement = keys.file("other");
    fs::write(&other_agreement, "45".repeat(32)).unwrap();
    for (apdu, option, value, suspect) in [
        (&identified, "--ak", &other, "authentication-key"),
        (&identified, "--ek", &other, "encryption-key-or-title"),
        (&identified, "--ek", &"07".repeat(32), "suite"),
        (&wrapped, "--kek", &other, "key-encryption-key"),
        (&one_pass, "--peer-key", &stranger, "certificate"),
        (&one_pass, "--agreement-key", &other_agreement, "agreement-keys"),
        (&static_unified, "--peer-agreement-key", &stranger, "agreement-keys"),
        (&signed, "--peer-key", &stranger, "certificate"),
        (&signed, "--peer-key", &keys.file("peer-agreement"), "certificate"),
    ] {
        let record = decoded(core::slice::from_ref(apdu), &keys.but(option, value)).remove(0);
        assert_eq!(record["error"]["suspect"], suspect, "{option}: {record}");
        assert!(!record.to_string().contains(&other), "no key is shown: {record}");
    }
    // For people it stands below the layer, and the exit code tells that it is about security.
    let options = keys.but("--peer-key", &stranger);
    let mut args = vec!["decode", "--framing", "apdu", &signed];
    args.extend(options.iter().map(String::as_str));
    let output = Headend::new().run(&args);
    output.assert_code(4);
    assert!(output.stdout.contains("FORGED") && output.stdout.contains("--peer-key"), "{output}");
}

#[test]
fn listen_takes_each_of_them_once_and_nothing_that_it_cannot_verify() {
    let keys = Keys::new(1);
    let apdus = protected(&messages(1));
    let headend = Headend::new();
    let port = ports::free_port();
    let address = format!("127.0.0.1:{port}");
    let count = apdus.len().to_string();
    let options = keys.options();
    let mut args = vec!["listen", "--tcp", &address, "-o", "jsonl", "--verified-only"];
    args.extend(["--recipient-title", OURS, "--count", &count]);
    args.extend(options.iter().map(String::as_str));
    let mut program = headend.start(&args);
    assert!(program.wait_for_line("listening", START_TIME_MAX).is_some());
    let mut line = TcpStream::connect(&address).unwrap();
    let mut send = |apdu: &str| {
        let apdu = octets(apdu);
        let length = u16::try_from(apdu.len()).unwrap().to_be_bytes();
        line.write_all(&[&[0, 1, 0, 1, 0, 103][..], &length, &apdu].concat()).unwrap();
    };
    send(PUSH);
    // The first ones twice: the second time they are replays.
    for apdu in apdus[..4].iter().flat_map(|apdu| [apdu; 2]).chain(&apdus[4..]) {
        send(apdu);
    }
    let output = program.finish(END_TIME_MAX);
    output.assert_code(0);
    let lines = output.json_lines();
    assert_eq!(lines.len(), apdus.len(), "{output}");
    for line in &lines {
        assert_eq!((&line["meter"], &line["verified"]), (&json!(METER), &json!(true)), "{output}");
        assert_eq!(line["text"], "230.1 V", "{output}");
    }
    assert!(output.stderr.contains("not-verified"), "{output}");
    assert_eq!(output.stderr.matches("replayed").count(), 4, "{output}");
}

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).filter_map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect()
}
