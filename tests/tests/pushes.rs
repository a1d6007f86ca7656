//! `headend listen` takes what meters push, and nothing that is forged, replayed or cut short.

#![allow(clippy::unwrap_used, reason = "a test fails where its helper does")]

use core::time::Duration;
use std::fs;
use std::io::Write;
use std::net::{TcpStream, UdpSocket};
use std::process::Command;

use dlms_core::security::{CryptoProvider, RustCrypto};
use dlms_tests::mode::{AUTHENTICATION_KEY, ENCRYPTION_KEY};
use dlms_tests::{Foreign, Framing, Headend, Output, Program, Simulator, ports};
use serde_json::{Value, json};

const START_TIME_MAX: Duration = Duration::from_secs(60);
const END_TIME_MAX: Duration = Duration::from_secs(60);

/// The system title of the first simulated meter, which has the keys of the foreign one.
const SIMULATED: &str = "44484501000003E8";

/// Pushes of the foreign meter GRX 1000 over the wrapper, recorded: authenticated and encrypted,
/// counters 1 and 2.
const FIRST: &str = "000100010001004bdb0847525801000003e840300000000193f12312fe02caddaaa5a4bfba4665\
                     8784eb6f2c84b47469f28fcf74cc33c0646a1363d8c7f353cb704339ee8489cb8d754a687276b8\
                     85bcb44d11";
const SECOND: &str = "000100010001004bdb0847525801000003e840300000000220cf364fa6afff35e80a17f2\
                      c6f6bcc45130464d0e2664a3e25b1b76f0468dae28319f0df32379027fc95ddabf76c013\
                      20e97495a596ccb247cb74";

/// A data-notification of voltage L1, 230.1 V, in clear.
const VOLTAGE: [u8; 25] = [
    0x0f, 0x00, 0x00, 0x00, 0x01, 0x00, // invoke-id 1, no date-time
    0x02, 0x03, 0x09, 0x06, 1, 0, 32, 7, 0, 255, // structure of 3: 1-0:32.7.0*255
    0x12, 0x08, 0xfd, 0x02, 0x02, 0x0f, 0xff, 0x16, 0x23,
];

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).filter_map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect()
}

/// A running `headend listen` with the keys of the foreign meter.
struct Listener {
    program: Program,
    port: u16,
    // Its home: removed after the program has ended.
    _headend: Headend,
}

impl Listener {
    fn start(transport: &str, framing: &str, options: &[&str]) -> Self {
        Self::start_at(ports::free_port(), transport, framing, options)
    }

    fn start_at(port: u16, transport: &str, framing: &str, options: &[&str]) -> Self {
        let headend = Headend::new();
        let keys = headend.home().file("keys.toml");
        let text = format!(
            "[\"47525801000003E8\"]\nek = \"{ENCRYPTION_KEY}\"\nak = \"{AUTHENTICATION_KEY}\"\n\
             [\"{SIMULATED}\"]\nek = \"{ENCRYPTION_KEY}\"\nak = \"{AUTHENTICATION_KEY}\"\n"
        );
        fs::write(&keys, text).expect("a folder to write to");
        let address = format!("127.0.0.1:{port}");
        let listen = ["listen", transport, &address, "--framing", framing, "--keys", &keys];
        let mut program = headend.start(&[&listen[..], &["-o", "jsonl"], options].concat());
        if program.wait_for_line("listening", START_TIME_MAX).is_none() {
            panic!("did not start:\n{}", program.finish(END_TIME_MAX));
        }
        Self { program, port, _headend: headend }
    }

    /// Sends `pieces` over one TCP connection each.
    fn send(&self, pieces: &[&[u8]]) {
        for piece in pieces {
            let mut line = TcpStream::connect(("127.0.0.1", self.port)).expect("a listener");
            line.write_all(piece).expect("a connection");
        }
    }

    fn finish(self) -> Output {
        self.program.finish(END_TIME_MAX)
    }
}

#[test]
fn a_foreign_meter_is_heard_in_both_framings_and_at_every_protection() {
    for framing in Framing::ALL {
        for (security, meter, verified) in [
            ("0", Value::Null, Value::Null),
            ("0x20", json!("47525801000003E8"), Value::Null),
            ("0x30", json!("47525801000003E8"), json!(true)),
        ] {
            let listener = Listener::start("--tcp", &framing.to_string(), &["--count", "2"]);
            let to = format!("127.0.0.1:{}", listener.port);
            let push = ["--push-to", &to, "--push-interval", "0.2", "--push-security", security];
            let pushing = Foreign::gurux_meter(framing, &[&["--entries", "4"], &push[..]].concat());
            let output = listener.finish();
            drop(pushing);
            output.assert_code(0);
            let lines = output.json_lines();
            // Time, energy, power and voltage, twice.
            assert_eq!(lines.len(), 8, "{framing} {security}: {output}");
            for line in &lines {
                assert_eq!((&line["meter"], &line["verified"]), (&meter, &verified), "{output}");
                assert!(line["received_at"].as_str().unwrap().ends_with('Z'), "{output}");
            }
            let values: Vec<&Value> = lines[1..4].iter().map(|line| &line["value"]).collect();
            assert_eq!(values, [&json!(1_235_567), &json!(2500), &json!(2301)], "{output}");
        }
    }
}

#[test]
fn a_simulated_meter_pushes_where_and_what_its_push_setups_say() {
    let meter = Simulator::meter(Framing::Wrapper, &["--entries", "4", "--push"]);
    let headend = Headend::new();
    // The transport services TCP and UDP; the push setups of all versions.
    for (version, (transport, service)) in (0..).zip([("--tcp", 0), ("--udp", 1)].repeat(2)) {
        let listener = Listener::start(transport, "wrapper", &["--count", "1"]);
        let to: String = format!("127.0.0.1:{}", listener.port)
            .bytes()
            .map(|octet| format!("{octet:02x}"))
            .collect();
        let setup = format!("40:0-{version}:25.9.0*255");
        let destination = format!("structure(enum:{service},octet-string:{to},enum:0)");
        let address = meter.address();
        headend.run(&["write", &address, &format!("{setup}:3"), &destination]).assert_code(0);
        headend.run(&["invoke", &address, &setup, "1", "integer:0"]).assert_code(0);
        let output = listener.finish();
        output.assert_code(0);
        // The time, energy, power and voltage.
        let lines = output.json_lines();
        assert_eq!(lines.len(), 4, "version {version}: {output}");
        assert_eq!(lines[0]["type"], json!("octet-string"), "{output}");
        assert!(lines[1..].iter().all(|line| line["value"].is_u64()), "{output}");
    }
}

#[test]
fn forged_replayed_and_truncated_pushes_yield_nothing() {
    let listener = Listener::start("--udp", "wrapper", &["--count", "2"]);
    let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let send = |octets: &[u8]| socket.send_to(octets, ("127.0.0.1", listener.port)).unwrap();
    let (first, second) = (octets(FIRST), octets(SECOND));
    let mut forged = second.clone();
    *forged.last_mut().unwrap() ^= 1;
    send(&forged);
    send(&first);
    send(&first);
    send(&second[..second.len() - 1]);
    send(&forged);
    send(&second);
    let output = listener.finish();
    output.assert_code(0);
    assert_eq!(output.json_lines().len(), 8, "two messages of four values: {output}");
    for code in ["tag-mismatch", "replayed", "truncated"] {
        assert!(output.stderr.contains(code), "{output}");
    }
}

#[test]
fn many_meters_are_heard_at_a_time() {
    const CONNECTIONS: u64 = 50;
    let count = CONNECTIONS.to_string();
    let listener = Listener::start("--tcp", "wrapper", &["--count", &count]);
    let header = [0x00, 0x01, 0x00, 0x01, 0x00, 0x67, 0x00, 0x19];
    let push = [&header[..], &VOLTAGE].concat();
    let mut lines: Vec<TcpStream> = (0..CONNECTIONS)
        .map(|_| TcpStream::connect(("127.0.0.1", listener.port)).unwrap())
        .collect();
    // Each message comes in two parts, and all first parts come before all second ones.
    for part in [&push[..5], &push[5..]] {
        lines.iter_mut().for_each(|line| line.write_all(part).unwrap());
    }
    let output = listener.finish();
    output.assert_code(0);
    let values = output.json_lines();
    assert_eq!(values.len(), 50, "{output}");
    assert!(values.iter().all(|line| line["text"] == "230.1 V"), "{output}");
}

#[test]
fn segments_of_mbus_are_one_push() {
    let listener = Listener::start("--tcp", "mbus", &["--count", "1"]);
    let frame = |ci: u8, part: &[u8]| {
        let mut content = vec![0x53, 0xff, ci, 0x01, 0x67];
        content.extend_from_slice(part);
        let length = u8::try_from(content.len()).unwrap();
        let sum = content.iter().fold(0_u8, |sum, octet| sum.wrapping_add(*octet));
        [&[0x68, length, length, 0x68], &content[..], &[sum, 0x16]].concat()
    };
    let (head, tail) = VOLTAGE.split_at(10);
    // The second half of a message alone, then a whole message.
    let line = [frame(0x11, tail), frame(0x00, head), frame(0x11, tail)].concat();
    listener.send(&[&line]);
    let output = listener.finish();
    output.assert_code(0);
    assert_eq!(output.json_lines()[0]["text"], "230.1 V", "{output}");
    assert!(output.stderr.contains("segment-missing"), "{output}");
}

#[test]
fn what_cannot_be_verified_can_be_refused() {
    let options = ["--count", "1", "--verified-only"];
    let listener = Listener::start("--tcp", "wrapper", &options);
    let header = [0x00, 0x01, 0x00, 0x01, 0x00, 0x67, 0x00, 0x19];
    let plain = [&header[..], &VOLTAGE].concat();
    let both = [&plain[..], &octets(FIRST)].concat();
    listener.send(&[&both]);
    let output = listener.finish();
    output.assert_code(0);
    assert!(output.json_lines().iter().all(|line| line["verified"] == true), "{output}");
    assert!(output.stderr.contains("not-verified"), "{output}");
}

#[test]
fn a_file_of_patterns_names_what_a_meter_does_not() {
    let files = dlms_tests::Folder::new();
    let patterns = files.file("patterns.toml");
    let text = r#"
        [[list]]
        objects = [
            { object = "8:0-0:1.0.0*255:2" },
            { object = "3:1-0:1.8.0*255:2", scaler = 0, unit = 30 },
            { object = "3:1-0:1.7.0*255:2", scaler = 0, unit = 27 },
            { object = "3:1-0:32.7.0*255:2", scaler = -1, unit = 35 },
        ]
    "#;
    fs::write(&patterns, text).unwrap();
    let options = ["--count", "1", "--patterns", &patterns];
    let listener = Listener::start("--tcp", "wrapper", &options);
    listener.send(&[&octets(FIRST)]);
    let output = listener.finish();
    output.assert_code(0);
    let lines = output.json_lines();
    let texts: Vec<&Value> = lines.iter().map(|line| &line["text"]).collect();
    assert_eq!(texts, ["2026-11-20T11:48:41Z", "1235567 Wh", "2500 W", "230.1 V"], "{output}");
    assert_eq!(lines[3]["logical_name"], "1-0:32.7.0*255", "{output}");
}

#[test]
fn an_interrupt_ends_it_with_success() {
    let listener = Listener::start("--tcp", "wrapper", &[]);
    let id = listener.program.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
    listener.finish().assert_code(0);
}

/// Lets the meter at `address` push to `port`: by which transport service, and by which operation
/// method.
fn push_now(address: &str, port: u16, service: u8, method: u8) {
    let to: String =
        format!("127.0.0.1:{port}").bytes().map(|octet| format!("{octet:02x}")).collect();
    let destination = format!("structure(enum:{service},octet-string:{to},enum:0)");
    let headend = Headend::new();
    let setup = "40:0-2:25.9.0*255";
    headend.run(&["write", address, &format!("{setup}:3"), &destination]).assert_code(0);
    let method = format!("enum:{method}");
    headend.run(&["write", address, &format!("{setup}:11"), &method]).assert_code(0);
    headend.run(&["invoke", address, setup, "1", "integer:0"]).assert_code(0);
}

/// The last_confirmation_date_time of the push setup, as it is shown.
fn last_confirmation(address: &str) -> Value {
    let output = Headend::new().run(&["read", address, "40:0-2:25.9.0*255:13", "-o", "jsonl"]);
    output.assert_code(0);
    output.json_lines()[0]["value"].clone()
}

#[test]
fn a_push_that_asks_to_be_confirmed_is_confirmed_in_every_framing_and_as_it_was_protected() {
    let (clear, ciphered) = (&["--push"][..], &["--push", "--push-ciphered"][..]);
    for (transport, framing, service, options) in [
        ("--tcp", "wrapper", 0, clear),
        ("--udp", "wrapper", 1, clear),
        ("--tcp", "hdlc", 5, clear),
        ("--tcp", "wrapper", 0, ciphered),
        ("--udp", "wrapper", 1, ciphered),
        ("--tcp", "hdlc", 5, ciphered),
    ] {
        let options = [&["--entries", "4"], options].concat();
        let meter = Simulator::meter(Framing::Wrapper, &options);
        let address = meter.address();
        let before = last_confirmation(&address);
        let listener = Listener::start(transport, framing, &["--count", "1"]);
        push_now(&address, listener.port, service, 2);
        let output = listener.finish();
        output.assert_code(0);
        assert!(!output.stderr.contains("not confirmed"), "{output}");
        // The meter may be a moment behind the listener.
        let confirmed = (0..200).any(|_| last_confirmation(&address) != before);
        assert!(confirmed, "{transport} {framing} {options:?}: {output}");
    }
}

#[test]
fn a_push_that_cannot_be_verified_is_not_confirmed_and_comes_again() {
    let meter =
        Simulator::meter(Framing::Wrapper, &["--entries", "4", "--push", "--push-ciphered"]);
    let address = meter.address();
    let before = last_confirmation(&address);
    let setup = "40:0-2:25.9.0*255";
    let headend = Headend::new();
    headend.run(&["write", &address, &format!("{setup}:6"), "unsigned:255"]).assert_code(0);
    // Keys of another meter: nothing is taken from this one.
    let port = ports::free_port();
    let to = format!("127.0.0.1:{port}");
    let other = "99".repeat(16);
    let keys = ["--ek", &other, "--ak", &other];
    let mut program = headend.start(&[&["listen", "--tcp", &to][..], &keys].concat());
    assert!(program.wait_for_line("listening", START_TIME_MAX).is_some());
    push_now(&address, port, 0, 2);
    assert!(program.wait_for_line("refused", START_TIME_MAX).is_some());
    let output = program.kill();
    assert!(output.stderr.contains("encryption key"), "{output}");
    assert_eq!(last_confirmation(&address), before);
    // Now somebody listens who has its keys: a retry is taken and confirmed.
    let listener = Listener::start_at(port, "--tcp", "wrapper", &["--count", "1"]);
    listener.finish().assert_code(0);
    let confirmed = (0..200).any(|_| last_confirmation(&address) != before);
    assert!(confirmed);
}

#[test]
fn a_simulated_meter_pushes_ciphered_and_in_blocks() {
    let listener = Listener::start("--tcp", "wrapper", &["--count", "1", "--verified-only"]);
    let options = ["--entries", "4", "--push", "--push-ciphered", "--push-max-apdu", "40"];
    let meter = Simulator::meter(Framing::Wrapper, &options);
    push_now(&meter.address(), listener.port, 0, 0);
    let output = listener.finish();
    output.assert_code(0);
    let lines = output.json_lines();
    assert_eq!(lines.len(), 4, "{output}");
    for line in &lines {
        assert_eq!((&line["meter"], &line["verified"]), (&json!(SIMULATED), &json!(true)));
    }
}

#[test]
fn whoever_takes_no_answers_in_does_not_hold_the_others_up() {
    const MESSAGES: u64 = 2_000;
    let count = (MESSAGES + 1).to_string();
    let listener = Listener::start("--tcp", "wrapper", &["--count", &count]);
    let header = [0x00, 0x01, 0x00, 0x01, 0x00, 0x67, 0x00, 0x19];
    let mut asking = [&header[..], &VOLTAGE].concat();
    // Service class: confirmed.
    asking[9] = 0x40;
    let mut stranger = TcpStream::connect(("127.0.0.1", listener.port)).unwrap();
    let many = asking.repeat(usize::try_from(MESSAGES).unwrap());
    stranger.write_all(&many).unwrap();
    let mut meter = TcpStream::connect(("127.0.0.1", listener.port)).unwrap();
    meter.write_all(&asking).unwrap();
    // It is answered, and the command comes to its end.
    let mut answer = [0; 14];
    std::io::Read::read_exact(&mut meter, &mut answer).unwrap();
    assert_eq!(answer[8..], [0x10, 0x40, 0, 0, 1, 0]);
    let output = listener.finish();
    output.assert_code(0);
    assert_eq!(output.json_lines().len(), 2_001, "{output}");
}

/// A public key of P-256, as digits, of the private key with this octet repeated.
fn public_key(octet: &str) -> String {
    let private = octet.repeat(32).parse().unwrap();
    let public = RustCrypto.public_keys().unwrap().public_key(&private).unwrap();
    public.octets().iter().map(|octet| format!("{octet:02x}")).collect()
}

#[test]
fn a_push_is_protected_as_its_setup_says_and_confirmed_likewise() {
    const OURS: &str = "4448450000000001";
    let element = |kind: u8, key: &str| {
        format!(
            "structure(enum:{kind},structure(octet-string:,octet-string:,octet-string:{OURS},\
             octet-string:,structure({key})))"
        )
    };
    let identified = element(2, "enum:0,enum:0");
    let signature = element(3, "enum:0,enum:0");
    let agreed = element(2, "enum:2,structure(octet-string:02,octet-string:)");
    let wrapped = element(2, "enum:1,structure(enum:0,octet-string:)");
    let files = dlms_tests::Folder::new();
    let file = |name: &str, text: &str| {
        let path = files.file(name);
        fs::write(&path, text).unwrap();
        path
    };
    // The keys of the simulated meters of suite 1, from the client's side.
    let (signing, agreement) = (file("signing", &"11".repeat(32)), file("own", &"33".repeat(32)));
    let (peer, peer_agreement) = (file("peer", &public_key("22")), file("pa", &public_key("44")));
    let kek = "606162636465666768696a6b6c6d6e6f";
    let keys = [
        "--signing-key",
        &signing,
        "--peer-key",
        &peer,
        "--agreement-key",
        &agreement,
        "--peer-agreement-key",
        &peer_agreement,
        "--kek",
        kek,
        "--ek",
        ENCRYPTION_KEY,
        "--ak",
        AUTHENTICATION_KEY,
        "--recipient-title",
        OURS,
        "--verified-only",
        "--count",
        "1",
        "-o",
        "jsonl",
    ];
    for layers in
        [vec![&identified], vec![&signature], vec![&signature, &agreed], vec![&wrapped, &signature]]
    {
        let options = ["--entries", "4", "--push", "--suite", "1"];
        let meter = Simulator::meter(Framing::Wrapper, &options);
        let address = meter.address();
        let before = last_confirmation(&address);
        let setup = "40:0-2:25.9.0*255:10";
        let layers: Vec<&str> = layers.into_iter().map(String::as_str).collect();
        let value = format!("array({})", layers.join(","));
        Headend::new().run(&["write", &address, setup, &value]).assert_code(0);

        let headend = Headend::new();
        let port = ports::free_port();
        let to = format!("127.0.0.1:{port}");
        let mut program = headend.start(&[&["listen", "--tcp", &to][..], &keys].concat());
        assert!(program.wait_for_line("listening", START_TIME_MAX).is_some());
        push_now(&address, port, 0, 2);
        let output = program.finish(END_TIME_MAX);
        output.assert_code(0);
        for line in output.json_lines() {
            assert_eq!((&line["meter"], &line["verified"]), (&json!(SIMULATED), &json!(true)));
        }
        assert!(!output.stderr.contains("not confirmed"), "{output}");
        let confirmed = (0..500).any(|_| last_confirmation(&address) != before);
        assert!(confirmed, "{value}: {output}");
    }
}
