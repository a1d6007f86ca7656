//! Companion profiles: a meter built from each, read by the names of the same data over real
//! sockets.

#![allow(clippy::unwrap_used, reason = "a test fails where its helper does")]

use dlms_core::{
    companion::{self, Authentication, Companion, Period},
    cosem::CaptureObject,
};
use dlms_tests::{Framing, Headend, Meter, Output, Simulator};

/// 12:00 in Central Europe, in winter, some days into a month.
const NOON: &str = "2026-01-15T11:00:00Z";

fn meter(companion: &Companion, framing: Framing) -> Meter {
    let args = ["--companion", companion.name, "--clock", NOON, "--entries", "100"];
    Simulator::meter(framing, &args)
}

/// The words with which the management client of `companion` associates.
fn management(companion: &Companion) -> Vec<&'static str> {
    let client = companion.clients.iter().find(|client| client.name == "management").unwrap();
    assert_eq!(client.sap, 1);
    match client.authentication {
        Authentication::None => vec!["--client", "1"],
        Authentication::Lls => vec!["--client", "1", "--auth", "lls", "--password", "12345678"],
        Authentication::HlsGmac => {
            vec!["--client", "1", "--auth", "hls-gmac", "--security", "authenc"]
        }
    }
}

fn headend() -> Headend {
    Headend::new()
        .env("DLMS_EK", "000102030405060708090a0b0c0d0e0f")
        .env("DLMS_AK", "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf")
}

fn run(verb: &str, meter: &Meter, companion: &Companion, words: &[&str]) -> Output {
    let address = meter.address();
    let head = [verb, &address, "-o", "jsonl", "--companion", companion.name];
    let output = headend().run(&[&head[..], words, &management(companion)].concat());
    output.assert_code(0);
    output
}

#[test]
fn a_meter_built_from_a_companion_differs_from_it_in_nothing() {
    for companion in companion::companions() {
        for framing in Framing::ALL {
            let meter = meter(companion, framing);
            let output = run("objects", &meter, companion, &[]);
            assert_eq!(output.json_lines().len(), 0, "{output}");
        }
    }
}

#[test]
fn a_meter_of_another_companion_differs_from_it() {
    let smr = companion::companion("smr").unwrap();
    let meter = meter(companion::companion("idis").unwrap(), Framing::Wrapper);
    let lines = run("objects", &meter, smr, &[]).json_lines();
    let has = |deviation: &str, name: &str| {
        lines.iter().any(|line| line["deviation"] == deviation && line["logical_name"] == name)
    };
    // Tariff 1 of exported energy, and the limiter.
    assert!(has("missing", "1-0:2.8.1*255"), "{lines:?}");
    assert!(has("unexpected", "0-0:17.0.0*255"), "{lines:?}");
    // Both have a clock, and neither must have gas.
    assert!(!lines.iter().any(|line| line["logical_name"] == "0-0:1.0.0*255"));
    assert!(!lines.iter().any(|line| line["logical_name"] == "0-1:24.2.2*255"));
}

#[test]
fn every_name_of_a_companion_is_read_from_a_meter_built_from_it() {
    for companion in companion::companions() {
        let meter = meter(companion, Framing::Wrapper);
        // A buffer is read as a profile; everything else has a value to read.
        let objects = companion.objects.iter().filter(|object| object.class.0 != 7);
        let names: Vec<&str> = objects.clone().map(|object| object.name).collect();
        let lines = run("read", &meter, companion, &names).json_lines();
        assert_eq!(lines.len(), names.len());
        for (object, line) in objects.zip(&lines) {
            assert!(line["error"].is_null(), "{} {}: {line}", companion.name, object.name);
            assert_eq!(line["logical_name"], object.instance.to_string());
            if let Some(scaler_unit) = object.scaler_unit {
                assert_eq!(line["scaler"], i64::from(scaler_unit.scaler), "{line}");
                assert_eq!(line["unit"], scaler_unit.unit.to_string(), "{line}");
            }
        }
    }
}

#[test]
fn every_profile_has_the_columns_and_the_steps_that_the_companion_says() {
    for companion in companion::companions() {
        let meter = meter(companion, Framing::Wrapper);
        for profile in companion.profiles {
            let object = companion.object_at(profile.instance).unwrap();
            let rows = run("profile", &meter, companion, &[object.name]).json_lines();
            let case = format!("{} {}", companion.name, object.name);
            let times: Vec<&str> = rows.iter().map(|row| row["time"].as_str().unwrap()).collect();
            match profile.period {
                Period::Event => continue,
                Period::Seconds(86_400) => {
                    assert_eq!(times.last(), Some(&"2026-01-15T00:00:00+01:00"), "{case}");
                    // Days are days in summer, too.
                    assert!(times.contains(&"2025-07-01T00:00:00+02:00"), "{case}: {times:?}");
                }
                Period::Month => {
                    assert_eq!(times.last(), Some(&"2026-01-01T00:00:00+01:00"), "{case}");
                    assert!(times.contains(&"2025-07-01T00:00:00+02:00"), "{case}: {times:?}");
                }
                Period::Seconds(_) => {
                    assert_eq!(times.last(), Some(&"2026-01-15T12:00:00+01:00"), "{case}");
                    assert_eq!(times.len(), 100, "{case}");
                }
            }
            let shown = rows.last().unwrap()["columns"].as_array().unwrap();
            let shown: Vec<_> = shown
                .iter()
                .map(|cell| (cell["logical_name"].as_str().unwrap(), cell["attribute"].as_i64()))
                .collect();
            // Time and status of the row are beside the columns.
            let is_beside = |column: &&CaptureObject| {
                column.is_clock_time() || matches!(column.instance.0, [0, _, 96, 10, ..])
            };
            let expected = profile.columns.iter().filter(|column| !is_beside(column));
            let expected: Vec<_> = expected
                .map(|column| (column.instance.to_string(), i64::from(column.attribute.0)))
                .collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|(name, attribute)| (name.as_str(), Some(*attribute)))
                .collect();
            assert_eq!(shown, expected, "{case}");
        }
    }
}

#[test]
fn the_clock_of_a_meter_follows_the_convention_of_its_companion() {
    for companion in companion::companions() {
        let meter = meter(companion, Framing::Hdlc);
        let lines = run("read", &meter, companion, &["clock:3", "clock:8"]).json_lines();
        assert_eq!(lines[0]["value"], i64::from(companion.time.deviation_minutes));
        assert_eq!(lines[1]["value"], companion.time.daylight_saving);
    }
}

#[test]
fn a_client_that_the_companion_does_not_have_is_nobody() {
    // The reading client of our own meters is none of IDIS, and its public client proves nothing.
    let meter = meter(companion::companion("idis").unwrap(), Framing::Wrapper);
    let address = meter.address();
    let head = ["read", &address, "8:0-0:1.0.0*255"];
    let reading = ["--client", "17", "--auth", "lls", "--password", "12345678"];
    let output = headend().run(&[&head[..], &reading].concat());
    // With a password it may be the wrong one: a meter that knows nobody of that SAP says no more.
    output.assert_code(4);
    headend().run(&head).assert_code(0);
}
