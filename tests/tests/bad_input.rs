//! Whatever goes wrong between `headend` and a meter ends in time, with the exit code of its cause,
//! with a line for each object that was asked for, and with a message that says what was said, what
//! it usually means and what to try.

#![allow(clippy::unwrap_used, reason = "a test fails where its helper does")]

use core::time::Duration;
use std::io::Write;
use std::net::UdpSocket;
use std::sync::Mutex;
use std::thread;

use dlms_tests::peer::drip;
use dlms_tests::ports::free_port;
use dlms_tests::{Foreign, Framing, Headend, Meter, Noise, Output, Peer, SerialCable, Simulator};
use dlms_tests::{Random, TcpCable};
use serde_json::Value;

/// How patient `headend` is in all of this.
const PATIENCE: [&str; 4] = ["--timeout", "1", "--retries", "1"];
/// timeout x (retries + 1) + 2 s.
const TIME_MAX: Duration = Duration::from_secs(4);

/// Exit codes.
const UNREACHABLE: i32 = 3;
const SECURITY: i32 = 4;
const REFUSED: i32 = 5;
const PARTIAL: i32 = 6;

/// Every meter of the tests has these.
const DEVICE_NAME: &str = "1:0-0:42.0.0*255:2";
const VOLTAGE: &str = "3:1-0:32.7.0*255:2";
const UNKNOWN: &str = "1:9-9:9.9.9*255:2";
const OBJECTS: [&str; 2] = [DEVICE_NAME, VOLTAGE];
/// Some thousand octets.
const OBJECT_LIST: &str = "15:0-0:40.0.0*255:2";

const EK: &str = dlms_tests::mode::ENCRYPTION_KEY;
const AK: &str = dlms_tests::mode::AUTHENTICATION_KEY;
const WRONG_KEY: &str = "00000000000000000000000000000000";

// Nobody there, or nobody answers.

#[test]
fn a_port_that_nothing_listens_on_is_told_at_once() {
    for scheme in ["wrapper", "hdlc"] {
        let address = format!("{scheme}://127.0.0.1:{}", free_port());
        let output = fails(&address, &OBJECTS, &[], UNREACHABLE);
        says(&output, &["E-LINE-UNREACHABLE", "connection refused", "check the port"]);
    }
}

#[test]
fn a_host_that_is_not_there_is_told_in_time() {
    // An address of documentation (RFC 5737), which some networks refuse and others swallow.
    let output = fails("wrapper://192.0.2.1:4059", &OBJECTS, &[], UNREACHABLE);
    says(&output, &["E-LINE-", "opening the line"]);
    // A name that nobody has (RFC 2606).
    let output = fails("hdlc://meter.invalid:4065", &OBJECTS, &[], UNREACHABLE);
    says(&output, &["E-LINE-", "looking up the host", "check the"]);
}

#[test]
fn a_meter_that_takes_all_and_says_nothing_is_told_in_time() {
    let silent = Peer::silent();
    let output = fails(&wrapper(silent.port()), &OBJECTS, &[], UNREACHABLE);
    says(&output, &["E-LINE-TIMEOUT", "nothing came in time", "--client", "--server"]);
    let output = fails(&hdlc(silent.port()), &OBJECTS, &[], UNREACHABLE);
    says(&output, &["E-LINE-TIMEOUT", "setting up the HDLC link", "no station has this HDLC"]);
    // What comes before the association, the question for the counter, takes its time as well.
    for address in [wrapper(silent.port()), hdlc(silent.port())] {
        let keys = ["--client", "1", "--auth", "hls-gmac", "--ek", EK, "--ak", AK];
        says(&fails(&address, &OBJECTS, &keys, UNREACHABLE), &["E-LINE-TIMEOUT"]);
    }
}

#[test]
fn a_silent_udp_port_is_told_in_time() {
    let silent = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("wrapper+udp://{}", silent.local_addr().unwrap());
    let output = fails(&address, &OBJECTS, &[], UNREACHABLE);
    says(&output, &["E-NO-RESPONSE", "the meter did not answer", "--client", "--server"]);
}

#[test]
fn a_meter_that_hangs_up_at_once_is_told_at_once() {
    let rude = Peer::new(|_| Ok(()));
    for address in [wrapper(rude.port()), hdlc(rude.port())] {
        says(&fails(&address, &OBJECTS, &[], UNREACHABLE), &["E-LINE-CLOSED", "closed the line"]);
    }
}

#[test]
fn a_logical_device_that_nobody_has_is_told_in_time() {
    for meter in both_meters() {
        let output = fails(&meter.address(), &OBJECTS, &["--server", "99"], UNREACHABLE);
        says(&output, &["E-LINE-TIMEOUT", "nothing came in time", "--server"]);
    }
}

// Keys, passwords, clients.

#[test]
fn a_wrong_key_is_a_matter_of_security() {
    for meter in both_meters() {
        for (ek, ak) in [(WRONG_KEY, AK), (EK, WRONG_KEY)] {
            let keys = ["--client", "1", "--auth", "hls-gmac", "--ek", ek, "--ak", ak];
            let ciphered = [&keys[..], &["--security", "authenc"]].concat();
            let output = fails(&meter.address(), &OBJECTS, &ciphered, SECURITY);
            says(
                &output,
                &["the meter said:", "deciphering-error", "a wrong key", "--ek and --ak"],
            );
            // With GMAC alone it shows when the meter checks our proof.
            let output = fails(&meter.address(), &OBJECTS, &keys, SECURITY);
            says(&output, &["E-HLS-REFUSED", "the meter said:", "keys are wrong"]);
        }
    }
}

/// It gives no reason for what it cannot decipher, and finds out about some keys only by our proof.
#[test]
fn a_wrong_key_for_the_foreign_meter_is_a_matter_of_security() {
    let meter = foreign_meter(Framing::Wrapper);
    for (ek, ak) in [(WRONG_KEY, AK), (EK, WRONG_KEY)] {
        for security in ["none", "auth", "enc", "authenc"] {
            let keys = ["--auth", "hls-gmac", "--ek", ek, "--ak", ak, "--security", security];
            let keys = [&["--client", "1"], &keys[..]].concat();
            let output = fails(&meter.address(), &OBJECTS, &keys, SECURITY);
            says(&output, &["keys"]);
        }
    }
}

#[test]
fn a_wrong_password_is_a_matter_of_security() {
    let [ours, ours_hdlc] = both_meters();
    for meter in [ours, ours_hdlc, foreign_meter(Framing::Wrapper), foreign_meter(Framing::Hdlc)] {
        let lls = ["--client", "17", "--auth", "lls", "--password", "87654321"];
        let output = fails(&meter.address(), &OBJECTS, &lls, SECURITY);
        says(&output, &["E-AARE-13", "authentication-failure", "password", "this --client"]);
        assert!(!output.stderr.contains("87654321"), "it shows the password: {output}");
        for mechanism in ["hls2", "hls-md5", "hls-sha1", "hls-sha256"] {
            let hls = ["--client", "1", "--auth", mechanism, "--password", "PONMLKJIHGFEDCBA"];
            let output = fails(&meter.address(), &OBJECTS, &hls, SECURITY);
            says(&output, &["E-HLS-REFUSED", "the meter said:", "secret", "check the password"]);
        }
    }
}

#[test]
fn a_client_that_the_meter_does_not_know_is_refused() {
    for meter in both_meters() {
        let output = fails(&meter.address(), &OBJECTS, &["--client", "5"], REFUSED);
        says(&output, &["E-AARE-1", "the meter said:", "does not know this client"]);
        // The message shows the way back.
        says(&output, &[&format!("try:            `headend read {}", meter.address())]);
    }
}

#[test]
fn a_client_that_must_authenticate_itself_is_told_how() {
    for meter in both_meters() {
        let output = fails(&meter.address(), &OBJECTS, &["--client", "17"], SECURITY);
        says(&output, &["E-AARE-14", "authentication-required", "--auth lls"]);
        let password = ["--client", "1", "--auth", "lls", "--password", "12345678"];
        let output = fails(&meter.address(), &OBJECTS, &password, SECURITY);
        says(&output, &["E-AARE-11", "another authentication mechanism", "another --auth"]);
    }
}

// Objects.

#[test]
fn an_unknown_object_is_refused_and_the_others_are_read() {
    let [ours, ours_hdlc] = both_meters();
    for meter in [ours, ours_hdlc, foreign_meter(Framing::Wrapper), foreign_meter(Framing::Hdlc)] {
        let output = fails(&meter.address(), &[UNKNOWN], &[], REFUSED);
        says(&output, &["E-DAR-4", "object-undefined, 4 (0x04)", "headend objects"]);
        // Without its class it is not in the object list.
        let output = fails(&meter.address(), &["9-9:9.9.9*255"], &[], REFUSED);
        says(&output, &["E-OBJ-UNLISTED", "object list", "with the class in front"]);
        let output = fails(&meter.address(), &[DEVICE_NAME, UNKNOWN, VOLTAGE], &[], PARTIAL);
        assert_eq!(errors(&output), [None, Some("E-DAR-4".into()), None], "{output}");
    }
}

#[test]
fn a_refused_object_is_refused_and_the_others_are_read() {
    let meter = Simulator::meter(Framing::Wrapper, &["--entries", "4", "--strict"]);
    let output = fails(&meter.address(), &[VOLTAGE], &[], REFUSED);
    says(&output, &["E-DAR-3", "the meter said:", "read-write-denied, 3 (0x03)", "no right to it"]);
    says(&output, &["another client and its secret"]);
    let output = fails(&meter.address(), &[VOLTAGE, DEVICE_NAME], &[], PARTIAL);
    assert_eq!(errors(&output), [Some("E-DAR-3".into()), None], "{output}");

    let address = meter.address();
    let denied = ["E-DAR-3", "read-write-denied", "no right to it"];
    for (verb, words, exit_says) in [
        ("write", &["1:0-0:96.10.1*255:2", "unsigned:1"][..], &denied[..]),
        ("invoke", &["70:0-0:96.3.10*255", "1"], &["E-ACT-3", "read-write-denied", "no right"]),
        ("profile", &["1-0:99.1.0*255"], &denied),
    ] {
        let words = [&[verb, &address], words, &PATIENCE].concat();
        let output = Headend::new().run(&words);
        output.assert_code(REFUSED);
        says(&output, exit_says);
        ended_well(&output);
    }
}

#[test]
fn a_value_of_the_wrong_type_is_refused() {
    for meter in both_meters() {
        let words = ["write", &meter.address(), "1:0-0:96.10.1*255:2", "visible-string:x"];
        let output = Headend::new().run(&[&words, &PATIENCE[..]].concat());
        output.assert_code(REFUSED);
        says(&output, &["E-DAR-12", "type-unmatched", "read the attribute first"]);
        ended_well(&output);
    }
}

// A line that is cut.

#[test]
fn a_cable_cut_in_the_middle_of_a_block_is_told_and_what_came_before_counts() {
    for meter in both_meters() {
        let cable = TcpCable::new(meter.port(), Noise::NONE.cut_after(1_000));
        let address = meter.framing().address(cable.port());
        let objects = [DEVICE_NAME, VOLTAGE, DEVICE_NAME, VOLTAGE, OBJECT_LIST];
        let output = fails(&address, &objects, &[], PARTIAL);
        says(&output, &["E-LINE-CLOSED", "in the middle of a frame"]);
        let closed = Some("E-LINE-CLOSED".to_owned());
        assert_eq!(errors(&output), [None, None, None, None, closed], "{output}");
    }
}

#[test]
fn a_cable_cut_in_the_middle_of_a_profile_is_told_and_the_rows_before_count() {
    for meter in both_meters() {
        let profile = |address: &str| {
            let words = ["profile", address, "1-0:99.1.0*255", "-o", "jsonl"];
            Headend::new().run(&[&words, &PATIENCE[..]].concat())
        };
        let whole = profile(&meter.address()).json_lines();
        assert_eq!(whole.len(), 300);
        let cable = TcpCable::new(meter.port(), Noise::NONE.cut_after(6_000));
        let output = profile(&meter.framing().address(cable.port()));
        output.assert_code(PARTIAL);
        says(&output, &["E-LINE-CLOSED"]);
        ended_well(&output);
        let rows = output.json_lines();
        assert!(rows.len() > 50, "{output}");
        assert_eq!(rows, whole[..rows.len()]);
    }
}

#[test]
fn a_serial_cable_cut_in_the_middle_of_a_block_is_silence_and_told_in_time() {
    let meter = Simulator::meter(Framing::Hdlc, &["--entries", "4"]);
    let cable = SerialCable::to_tcp(meter.port(), Noise::NONE.cut_after(1_000));
    let address = format!("hdlc+serial://{}?baud=115200", cable.near());
    let objects = [DEVICE_NAME, VOLTAGE, DEVICE_NAME, VOLTAGE, OBJECT_LIST];
    let output = fails(&address, &objects, &[], PARTIAL);
    says(&output, &["E-LINE-TIMEOUT", "fell silent in the middle of a conversation", "cable"]);
}

// Octets that do not belong there.

#[test]
fn garbage_before_an_hdlc_conversation_is_passed_over() {
    let meter = Simulator::meter(Framing::Hdlc, &["--entries", "4"]);
    let port = meter.port();
    for garbage in garbages() {
        let first = Mutex::new(true);
        let peer = Peer::before(port, move |said, client| {
            if core::mem::take(&mut *first.lock().unwrap()) {
                client.write_all(&garbage)?;
            }
            client.write_all(said)
        });
        reads(&hdlc(peer.port()));
    }
}

#[test]
fn garbage_between_hdlc_frames_is_passed_over() {
    let meter = Simulator::meter(Framing::Hdlc, &["--entries", "4"]);
    for garbage in garbages() {
        let peer = Peer::before(meter.port(), move |said, client| {
            client.write_all(&[&garbage, said, &garbage].concat())
        });
        reads(&hdlc(peer.port()));
    }
}

/// Every third frame is spoilt in its middle; the link asks again.
#[test]
fn garbage_inside_hdlc_frames_costs_time_and_no_values() {
    let meter = Simulator::meter(Framing::Hdlc, &["--entries", "4"]);
    for spoil in [0x00, 0x7e, 0xff] {
        let frames = Mutex::new(0_u32);
        let peer = Peer::before(meter.port(), move |said, client| {
            let mut said = said.to_vec();
            let mut frames = frames.lock().unwrap();
            *frames += 1;
            let middle = said.len() / 2;
            if frames.is_multiple_of(3) && said[middle] != spoil {
                said[middle] = spoil;
            }
            client.write_all(&said)
        });
        let patience = ["--timeout", "0.2", "--retries", "3", "-o", "jsonl"];
        let address = hdlc(peer.port());
        let words = [&["read", &address], &OBJECTS[..], &patience].concat();
        let output = Headend::new().run(&words);
        output.assert_code(0);
        assert_eq!(output.json_lines()[0]["text"], "DHE0000000001000");
    }
}

/// On a connection there is no noise: what does not begin with a header is no wrapper.
#[test]
fn garbage_on_a_wrapper_connection_is_told_at_once() {
    let meter = Simulator::meter(Framing::Wrapper, &["--entries", "4"]);
    for (garbage, words) in [
        (&b"\x7e\xa0\x07\x21\x03\x93"[..], &["begins with 7E A0 07", "hdlc://"][..]),
        (b"HTTP/1.1 400 Bad Request\r\n", &["begins with 48 54 54 50", "text"]),
        (b"\x15\x03\x01\x00\x02\x02\x46\x00", &["begins with 15 03", "TLS"]),
        (&[0x99; 64], &["begins with 99 99"]),
    ] {
        let peer = Peer::before(meter.port(), move |said, client| {
            client.write_all(&[garbage, said].concat())
        });
        let output = fails(&wrapper(peer.port()), &OBJECTS, &[], UNREACHABLE);
        says(&output, &["E-LINE-NOT-WRAPPER", "does not speak the wrapper"]);
        says(&output, words);
    }
}

#[test]
fn an_apdu_that_nobody_can_decode_is_told_with_its_place() {
    // A wrapper header from 1 to 16, and what is no AARE.
    let nonsense = [&[0, 1, 0, 1, 0, 16, 0, 9, 0x61, 0x82][..], &[0xff; 7]].concat();
    let peer = Peer::new(move |mut client| {
        client.write_all(&nonsense)?;
        std::io::copy(&mut client, &mut std::io::sink()).map(drop)
    });
    let output = fails(&wrapper(peer.port()), &OBJECTS, &[], UNREACHABLE);
    says(&output, &["E-PDU-MALFORMED", "octet", "--trace apdu"]);
}

#[test]
fn the_wrong_framing_is_named() {
    let [ours_wrapper, ours_hdlc] = both_meters();
    for port in [ours_hdlc.port(), foreign_meter(Framing::Hdlc).port()] {
        says(&fails(&wrapper(port), &OBJECTS, &[], UNREACHABLE), &["E-LINE-", "hdlc://"]);
    }
    for port in [ours_wrapper.port(), foreign_meter(Framing::Wrapper).port()] {
        says(&fails(&hdlc(port), &OBJECTS, &[], UNREACHABLE), &["E-LINE-", "wrapper://"]);
    }
}

// A peer with too little to say, or too much.

#[test]
fn a_peer_that_sends_one_octet_at_a_time_is_understood() {
    for meter in both_meters() {
        let peer = Peer::before(meter.port(), |said, client| drip(said, client, Duration::ZERO));
        reads(&meter.framing().address(peer.port()));
    }
}

/// So slowly that the first answer takes longer than anybody waits, but never silent for long.
#[test]
fn a_peer_that_drips_does_not_hold_the_line_for_ever() {
    for meter in both_meters() {
        let pause = Duration::from_millis(400);
        let peer = Peer::before(meter.port(), move |said, client| drip(said, client, pause));
        let address = meter.framing().address(peer.port());
        says(&fails(&address, &OBJECTS, &[], UNREACHABLE), &["E-LINE-"]);
    }
}

#[test]
fn a_peer_that_floods_is_given_up_in_time() {
    // What floods, and what becomes of it on a wrapper line and on an HDLC line.
    let floods: [(&[u8], &str, &str); 10] = [
        (&[0x00], "E-LINE-NOT-WRAPPER", "E-LINE-NOT-HDLC"),
        (&[0x7e], "E-LINE-NOT-WRAPPER", "E-LINE-NOT-HDLC"),
        (&[0x55, 0xaa], "E-LINE-NOT-WRAPPER", "E-LINE-NOT-HDLC"),
        (b"garbage\r\n", "E-LINE-NOT-WRAPPER", "E-LINE-NOT-HDLC"),
        // A wrapper PDU for client 99, and an empty one for client 16.
        (&[0, 1, 0, 1, 0, 99, 0, 1, 0x55], "E-LINE-TIMEOUT", "E-LINE-NOT-HDLC"),
        (&[0, 1, 0, 1, 0, 16, 0, 0], "E-PDU-MALFORMED", "E-LINE-NOT-HDLC"),
        // A data-notification without a time and with nothing in it.
        (&[0, 1, 0, 1, 0, 16, 0, 7, 0x0f, 0, 0, 0, 1, 0, 0], "E-LINE-TIMEOUT", "E-LINE-NOT-HDLC"),
        // UA, DM, and RR that acknowledges the first I frame, from station 1 to client 16.
        (b"\x7e\xa0\x07\x21\x03\x73\x01\x40\x7e", "E-LINE-NOT-WRAPPER", "E-LINE-TIMEOUT"),
        (b"\x7e\xa0\x07\x21\x03\x1f\x6b\xe9\x7e", "E-LINE-NOT-WRAPPER", "E-LINE-DM"),
        (b"\x7e\xa0\x07\x21\x03\x31\x17\x21\x7e", "E-LINE-NOT-WRAPPER", "E-LINE-TIMEOUT"),
    ];
    for (flood, of_wrapper, of_hdlc) in floods {
        let peer = Peer::flood(flood);
        for (address, code) in [(wrapper(peer.port()), of_wrapper), (hdlc(peer.port()), of_hdlc)] {
            let words = [&["read", &address], &OBJECTS[..], &PATIENCE].concat();
            let output = Headend::new().run(&words);
            println!("{code} {:.1?} {flood:02x?}", output.took);
            says(&output, &[code]);
            ended_well(&output);
        }
    }
}

#[test]
fn a_udp_port_that_floods_is_given_up_in_time() {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("wrapper+udp://{}", socket.local_addr().unwrap());
    let flood = thread::spawn(move || {
        let mut asked = [0; 1024];
        let (_, client) = socket.recv_from(&mut asked).unwrap();
        socket.connect(client).unwrap();
        // For client 99, until client 16 has gone, which the system reports.
        while socket.send(&[0, 1, 0, 1, 0, 99, 0, 1, 0x55]).is_ok() {}
    });
    let output = fails(&address, &OBJECTS, &[], UNREACHABLE);
    says(&output, &["E-NO-RESPONSE"]);
    flood.join().unwrap();
}

/// Our meters, one for each framing.
fn both_meters() -> [Meter; 2] {
    Framing::ALL.map(|framing| Simulator::meter(framing, &["--entries", "300"]))
}

fn foreign_meter(framing: Framing) -> Meter {
    Foreign::gurux_meter(framing, &["--entries", "4"])
}

/// Nothing of HDLC, a beginning of a frame that never goes on, and chance.
fn garbages() -> [Vec<u8>; 4] {
    let chance = Random::new(0xbad).octets(200);
    [vec![0xff; 40], b"\x7e\xa0\x20\x21".to_vec(), b"/DHE5 hello\r\n".to_vec(), chance]
}

fn wrapper(port: u16) -> String {
    Framing::Wrapper.address(port)
}

fn hdlc(port: u16) -> String {
    Framing::Hdlc.address(port)
}

/// Reads objects that are there, and has their values.
#[track_caller]
fn reads(address: &str) {
    let words = [&["read", address], &OBJECTS[..], &PATIENCE, &["-o", "jsonl"]].concat();
    let output = Headend::new().run(&words);
    output.assert_code(0);
    let lines = output.json_lines();
    assert_eq!(lines.len(), OBJECTS.len());
    assert_eq!(lines[0]["text"], "DHE0000000001000");
    assert!(lines[1]["text"].as_str().unwrap().ends_with(" V"), "{output}");
}

/// Reads, and must fail with this exit code; with a line for each object all the same.
#[track_caller]
fn fails(address: &str, objects: &[&str], options: &[&str], exit: i32) -> Output {
    let words = [&["read", address], objects, options, &PATIENCE, &["-o", "jsonl"]].concat();
    let output = Headend::new().run(&words);
    output.assert_code(exit);
    ended_well(&output);
    let lines = output.json_lines();
    assert_eq!(lines.len(), objects.len(), "one line for each object:\n{output}");
    for (line, object) in lines.iter().zip(objects) {
        assert!(object.contains(line["logical_name"].as_str().unwrap()), "{object}\n{output}");
        if !line["error"].is_null() {
            let hint = line["error"]["hint"].as_str().unwrap_or_default();
            assert!(!hint.is_empty() && line["value"].is_null(), "{output}");
        }
    }
    output
}

/// It took no longer than it may, said everything that a message has, and did not panic.
#[track_caller]
fn ended_well(output: &Output) {
    assert!(output.took < TIME_MAX, "{output}");
    says(output, &["usually means:", "try:"]);
    let heard = ["the meter said:", "what happened:"];
    assert!(heard.iter().any(|words| output.stderr.contains(words)), "{output}");
    assert!(!output.stderr.contains("panicked"), "{output}");
}

#[track_caller]
fn says(output: &Output, words: &[&str]) {
    for words in words {
        assert!(output.stderr.contains(words), "does not say `{words}`:\n{output}");
    }
}

/// The error code of each line.
fn errors(output: &Output) -> Vec<Option<String>> {
    let code = |line: &Value| line["error"]["code"].as_str().map(str::to_owned);
    output.json_lines().iter().map(code).collect()
}
