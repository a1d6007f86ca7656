//! Associations that nobody opens or nobody answers, and what is to all stations: the command line
//! and a foreign client against the simulated meter.

use dlms_tests::mode::{AUTHENTICATION_KEY, ENCRYPTION_KEY};
use dlms_tests::{Foreign, Framing, Headend, Meter, Output, Simulator};

/// The attribute that orders change.
const STATUS: &str = "1:0-0:96.10.1*255:2";
/// The broadcast key of the simulated meters.
const BROADCAST_KEY: &str = "b0b1b2b3b4b5b6b7b8b9babbbcbdbebf";
/// Reads until an order that nobody confirms has had its time: a read goes over another connection
/// and may overtake it.
const READS_MAX: usize = 200;

/// The third of January, which the foreign client asks for, lies in the profile of this meter.
const ENTRIES: [&str; 4] = ["--entries", "3000", "--clock", "2026-02-01T06:00:00Z"];

/// A meter on each kind of line, and the address at which it is reached.
fn meters(options: &[&str]) -> Vec<(Meter, String)> {
    [(Framing::Wrapper, &[][..]), (Framing::Wrapper, &["--udp"][..]), (Framing::Hdlc, &[][..])]
        .into_iter()
        .map(|(framing, way)| {
            let meter = Simulator::meter(framing, &[way, options].concat());
            let address = match way {
                [] => meter.address(),
                _ => format!("wrapper+udp://127.0.0.1:{}", meter.port()),
            };
            (meter, address)
        })
        .collect()
}

fn write(headend: &Headend, address: &str, value: u8, options: &[&str]) -> Output {
    let value = format!("unsigned:{value}");
    headend.run(&[&["write", address, STATUS, &value][..], options].concat())
}

/// Whether the status becomes `value`.
fn becomes(headend: &Headend, address: &str, value: u8) -> bool {
    (0..READS_MAX).any(|_| {
        let output = headend.run(&["read", address, STATUS, "-o", "jsonl"]);
        output.assert_code(0);
        output.json_lines()[0]["value"] == value
    })
}

#[test]
fn an_order_that_nobody_answers_is_sent_and_done() {
    for (_meter, address) in meters(&ENTRIES[..2]) {
        let headend = Headend::new();
        for (value, options) in (5..).zip([
            &["--unconfirmed"][..],
            &["--broadcast"],
            &["--unconfirmed", "--client", "17", "--auth", "lls", "--password", "12345678"],
        ]) {
            let output = write(&headend, &address, value, options);
            output.assert_code(0);
            assert!(output.stdout.contains("sent"), "{output}");
            assert!(output.stderr.contains("nobody says"), "{output}");
            assert!(becomes(&headend, &address, value), "{address} {options:?}");
        }
        // The wrong password opens nothing, and nobody says so.
        let wrong = ["--unconfirmed", "--client", "17", "--auth", "lls", "--password", "1234"];
        write(&headend, &address, 9, &wrong).assert_code(0);
        write(&headend, &address, 10, &["--unconfirmed"]).assert_code(0);
        assert!(becomes(&headend, &address, 10), "{address}");
    }
}

#[test]
fn all_stations_take_an_order_under_the_broadcast_key_once() {
    for (_meter, address) in meters(&ENTRIES[..2]) {
        let headend = Headend::new();
        let keys = [
            "--broadcast",
            "--broadcast-key",
            "--security",
            "authenc",
            "--ek",
            BROADCAST_KEY,
            "--ak",
            AUTHENTICATION_KEY,
        ];
        for value in [5, 6] {
            write(&headend, &address, value, &keys).assert_code(0);
            assert!(becomes(&headend, &address, value), "{address}");
        }
        // The unicast key is none of them, and used counters are not taken again.
        let mut other = keys;
        other[5] = ENCRYPTION_KEY;
        write(&headend, &address, 7, &other).assert_code(0);
        write(&Headend::new(), &address, 8, &[&keys[..], &["--counter", "1"]].concat())
            .assert_code(0);
        write(&headend, &address, 9, &keys).assert_code(0);
        assert!(becomes(&headend, &address, 9), "{address}");
    }
}

#[test]
fn what_needs_an_answer_is_refused_before_anything_is_sent() {
    let headend = Headend::new();
    let nowhere = "wrapper://192.0.2.7:4059";
    for command in [
        &["read", nowhere, STATUS, "--unconfirmed"][..],
        &["read", nowhere, STATUS, "--all-saps", "--unconfirmed"],
        &["saps", nowhere, "--unconfirmed"],
        &["certificate", "list", nowhere, "--unconfirmed"],
        &["objects", nowhere, "--broadcast"],
        &["write", nowhere, "0-0:96.10.1*255", "unsigned:1", "--unconfirmed"],
        &["write", nowhere, STATUS, "unsigned:1", "--unconfirmed", "--auth", "hls-gmac"],
        &["write", nowhere, STATUS, "unsigned:1", "--pre-established", "--auth", "lls"],
        &["write", nowhere, STATUS, "unsigned:1", "--security", "enc", "--broadcast-key"],
        &["write", nowhere, STATUS, "unsigned:1", "--broadcast", "--server", "1"],
    ] {
        headend.run(command).assert_code(2);
    }
}

#[test]
fn a_pre_established_association_serves_its_client_at_once() {
    let title = "434C49454E543031";
    for ciphered in [false, true] {
        let mut options = vec!["--entries", "96", "--pre-established", "confirmed"];
        let mut client = vec!["--client", "102", "--pre-established"];
        if ciphered {
            options.extend(["--pre-established-title", title]);
            client.extend(["--system-title", title, "--security", "authenc"]);
            client.extend(["--ek", ENCRYPTION_KEY, "--ak", AUTHENTICATION_KEY]);
            // The meter 1000.
            client.extend(["--meter-title", "44484501000003E8"]);
        }
        for (_meter, address) in meters(&options) {
            let headend = Headend::new();
            let read = ["read", &address, "1:0-0:42.0.0*255", "-o", "jsonl"];
            let output = headend.run(&[&read[..], &client].concat());
            output.assert_code(0);
            assert!(output.stdout.contains("DHE0000000001000"), "{output}");
            let profile = ["profile", &address, "7:1-0:99.1.0*255", "--entries", "1..96"];
            headend.run(&[&profile[..], &client, &["-o", "csv"]].concat()).assert_code(0);
            write(&headend, &address, 5, &client).assert_code(0);
            assert!(becomes(&headend, &address, 5), "{address}");
            // Who opens it is rejected.
            let opening = ["--client", "102"];
            headend.run(&[&read[..], &opening].concat()).assert_code(5);
        }
    }
}

#[test]
fn orders_without_any_association_to_open_need_a_pre_established_one() {
    for (_meter, address) in meters(&["--entries", "4", "--pre-established", "unconfirmed"]) {
        let headend = Headend::new();
        for (value, to) in [(5, "--unconfirmed"), (6, "--broadcast")] {
            let options = ["--client", "102", "--pre-established", to];
            write(&headend, &address, value, &options).assert_code(0);
            assert!(becomes(&headend, &address, value), "{address} {to}");
        }
    }
}

#[test]
fn a_foreign_client_uses_a_pre_established_association_and_unconfirmed_services() {
    for framing in Framing::ALL {
        let options = [&ENTRIES[..], &["--pre-established", "confirmed"]].concat();
        let meter = Simulator::meter(framing, &options);
        // On HDLC the script does not wait for the frame that only acknowledges.
        let options = match framing {
            Framing::Wrapper => &["--pre-established", "102", "--unconfirmed-write"][..],
            Framing::Hdlc => &["--pre-established", "102"],
        };
        let output = Foreign::gurux_services(framing, meter.port(), options);
        output.assert_code(0);
        assert!(output.stdout.contains("OK   write = 3"), "{output}");
        assert!(output.stdout.contains("steps ok 14 failed 0"), "{output}");
    }
}
