//! `headend` reads many logical devices over one connection, of a meter whose list, encodings and
//! ciphering are Gurux's.

#![allow(clippy::unwrap_used, reason = "a test fails where its helper does")]

use dlms_tests::{Foreign, Framing, Headend, Meter, Mode};
use serde_json::Value;

/// The serial number of the script's first device, at SAP 1; the others are at SAP 17 and up.
const SERIAL: u64 = 1_000;
const DEVICES: u64 = 40;

fn meter() -> Meter {
    let devices = DEVICES.to_string();
    Foreign::gurux_meter(Framing::Wrapper, &["--lds", &devices, "--entries", "4"])
}

fn name(serial: u64) -> String {
    format!("GRX{serial:013}")
}

#[test]
fn the_list_of_a_foreign_device_is_shown() {
    let meter = meter();
    let output = Headend::new().run(&["saps", &meter.address(), "-o", "jsonl"]);
    output.assert_code(0);
    let lines = output.json_lines();
    let shown: Vec<(u64, &str)> = lines
        .iter()
        .map(|line| (line["sap"].as_u64().unwrap(), line["logical_device_name"].as_str().unwrap()))
        .collect();
    let names: Vec<String> = (SERIAL..SERIAL + DEVICES).map(name).collect();
    let saps = [1].into_iter().chain(17..);
    let expected: Vec<(u64, &str)> = saps.zip(names.iter().map(String::as_str)).collect();
    assert_eq!(shown, expected);
}

#[test]
fn all_devices_are_read_in_clear_and_with_everything_protected() {
    let meter = meter();
    let headend = Headend::new();
    for mode in [Mode::PUBLIC, Mode::AUTHENC, Mode { general: true, ..Mode::AUTHENC }] {
        let options = mode.options();
        let address = meter.address();
        let objects = ["3:1-0:1.8.0*255", "3:1-0:32.7.0*255"];
        let mut args = vec!["read", &address, objects[0], objects[1], "--all-saps", "-o", "jsonl"];
        args.extend(options.iter().map(String::as_str));
        let output = headend.run(&args);
        output.assert_code(0);
        let mut lines = output.json_lines();
        assert_eq!(lines.len() as u64, 2 * (DEVICES - 1));
        lines.sort_by_key(|line| (line["sap"].as_u64(), line["logical_name"].to_string()));
        for (line, serial) in lines.chunks(2).zip(SERIAL + 1..) {
            assert_eq!(line[0]["logical_device_name"], name(serial));
            // Which device it is can be told from its energy.
            assert_eq!(line[0]["value"], Value::from(1_234_567 + serial));
            assert_eq!(line[1]["text"], "230.1 V");
        }
    }
}

#[test]
fn some_devices_are_read_with_one_request_each() {
    let meter = meter();
    let (address, objects) = (meter.address(), ["3:1-0:1.8.0*255", "8:0-0:1.0.0*255"]);
    let args =
        ["read", &address, objects[0], objects[1], "--sap", "17,19", "--access", "-o", "csv"];
    let output = Headend::new().run(&args);
    output.assert_code(0);
    let mut saps: Vec<&str> =
        output.stdout.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    saps.sort_unstable();
    assert_eq!(saps, ["17", "17", "19", "19"]);
}
