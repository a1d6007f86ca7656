//! The examples of the crates, run as a reader runs them: the first hour of somebody who imports
//! them.

use core::time::Duration;

use dlms_core::{
    security::{
        ProtectRequest, Protection, RustCrypto, SecurityControl, SecuritySuite, SystemTitle,
    },
    xdlms::tag,
};
use dlms_tests::{Example, Framing, Headend, Simulator};

const START_TIME_MAX: Duration = Duration::from_secs(30);
const EK: &str = "000102030405060708090a0b0c0d0e0f";
const AK: &str = "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf";

/// data-notification of the active energy imported, 12345.678 kWh, and of the voltage, 230.1 V,
/// each with logical name, value, scaler and unit.
const PUSH: &str = "0f000000010c07ea010f04111e0000ffc400 0202 \
                    0203 09060100010800ff 0600bc614e 0202 0f00 161e \
                    0203 09060100200700ff 1208fd 0202 0fff 1623";

fn octets(hex: &str) -> Vec<u8> {
    let hex: String = hex.chars().filter(|c| !c.is_whitespace()).collect();
    let pair = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal digits");
    (0..hex.len()).step_by(2).map(pair).collect()
}

/// A wrapper frame from the meter to the head-end, in hexadecimal.
fn framed(apdu: &[u8]) -> String {
    let length = u8::try_from(apdu.len()).expect("a short APDU");
    let octets = [&[0, 1, 0, 1, 0, 1, 0, length][..], apdu].concat();
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[test]
fn a_push_is_decoded() {
    let said = "1-0:1.8.0*255";
    let plain = Example::run("decode_push", &[&framed(&octets(PUSH))]);
    plain.assert_code(0);
    assert!(plain.stdout.contains(said), "{plain}");
    assert!(plain.stdout.contains("12345678 Wh"), "{plain}");
    assert!(plain.stdout.contains("230.1 V"), "{plain}");

    let mut ciphered = Vec::new();
    let (key, authentication_key) = (EK.parse().expect("a key"), AK.parse().expect("a key"));
    let protection = Protection::AUTHENTICATED_ENCRYPTED;
    let request = ProtectRequest {
        tag: tag::GENERAL_GLO_CIPHERING,
        system_title: SystemTitle(*b"EXA\0\0\0\0\x01"),
        send_title: true,
        control: SecurityControl::new(SecuritySuite::Suite0, protection),
        counter: 7,
        key: &key,
        authentication_key: Some(&authentication_key),
    };
    dlms_core::security::protect(&RustCrypto, &request, &octets(PUSH), &mut ciphered)
        .expect("it can be sealed");
    let opened = Example::run("decode_push", &[&framed(&ciphered), EK, AK]);
    opened.assert_code(0);
    assert!(opened.stdout.contains("counter 7, verified: true"), "{opened}");
    assert!(opened.stdout.contains("230.1 V"), "{opened}");
    assert!(!Example::run("decode_push", &[&framed(&ciphered)]).stderr.is_empty());
}

#[test]
fn a_meter_is_read_over_tcp() {
    let meter = Simulator::meter(Framing::Wrapper, &[]);
    let read = Example::run("read_meter", &[&meter.address()]);
    read.assert_code(0);
    assert!(read.stdout.contains("8:0-0:1.0.0*255:2: [09, 0C, "), "{read}");
    assert!(read.stdout.contains("3:1-0:32.7.0*255:2: [12, "), "{read}");
}

#[test]
fn a_meter_is_served_to_the_command_line() {
    let mut meter = Example::start("serve_meter", &["127.0.0.1:0"]);
    let ready = meter.wait_for_line("ready at ", START_TIME_MAX).expect("it starts");
    let address = ready.replace("ready at ", "wrapper://");
    let headend = Headend::new();
    let read = headend.run(&["read", &address, "1-0:32.7.0*255", "0-0:42.0.0*255", "-o", "jsonl"]);
    read.assert_code(0);
    assert_eq!(read.json_lines()[0]["text"], "230.1 V");
    assert_eq!(read.json_lines()[1]["text"], "EXA0000000000001");
    let objects = headend.run(&["objects", &address, "-o", "jsonl"]);
    objects.assert_code(0);
    assert_eq!(objects.json_lines().len(), 4, "{objects}");
    drop(meter.kill());
}

#[test]
fn an_own_interface_class_is_written_invoked_and_listed() {
    let ran = Example::run("own_class", &[]);
    ran.assert_code(0);
    for line in [
        "target Long(225): Success",
        "target Long(900): TypeUnmatched",
        "the object list has 2 objects",
    ] {
        assert!(ran.stdout.contains(line), "{line} in {ran}");
    }
    // The method returned 1, and the house is as warm as was asked for.
    assert!(ran.stdout.contains("returned: Some(Ok([6, 0, 0, 0, 1]))"), "{ran}");
    assert!(
        ran.stdout.contains("temperature: Some(Response(RequestId(4), Get(Ok([16, 0, 225]))))"),
        "{ran}"
    );
}

#[test]
fn an_own_crypto_provider_is_asked() {
    let ran = Example::run("own_crypto_provider", &[]);
    ran.assert_code(0);
    for line in [
        "sealed: 32 octets",
        "opened, Verified: true",
        "the module did 2 operations",
        "MD5: Err(Unavailable)",
    ] {
        assert!(ran.stdout.contains(line), "{line} in {ran}");
    }
}
