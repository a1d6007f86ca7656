//! A meter behind a serial port, with and without mode E, and lines that lose, turn and invent
//! octets.

#![allow(clippy::unwrap_used, reason = "a test fails where its helper does")]

use core::ops::Range;
use core::time::Duration;
use std::thread;

use dlms_tests::{Folder, Framing, Headend, Mode, Noise, Output, SerialCable, Simulator, soak};
use serde_json::Value;

/// A profile that does not grow while the test runs: the next row is due in fourteen minutes.
const METER: [&str; 4] = ["--entries", "192", "--clock", "2026-02-01T06:01:00Z"];
/// What does not change while the test runs either.
const OBJECTS: [&str; 5] = [
    "1:0-0:42.0.0*255:2",
    "1:0-0:96.1.0*255:2",
    "3:1-0:32.7.0*255:3",
    "15:0-0:40.0.0*255:2",
    "7:1-0:99.1.0*255:3",
];

#[test]
fn a_meter_behind_a_serial_port_is_read() {
    let cable = SerialCable::new(Noise::NONE);
    let _meter = Simulator::serial_meter(&cable.far().unwrap(), &METER);
    read_everything(&format!("hdlc+serial://{}?baud=9600", cable.near()));
}

#[test]
fn a_meter_behind_an_optical_head_is_read_after_the_mode_e_opening() {
    let cable = SerialCable::new(Noise::NONE);
    let _meter =
        Simulator::serial_meter(&cable.far().unwrap(), &[&METER[..], &["--mode-e"]].concat());
    let address = format!("hdlc+serial://{}?baud=9600&mode-e", cable.near());
    read_everything(&address);
    // The opening of IEC 62056-21 really took place.
    let output = Headend::new().run(&["read", &address, OBJECTS[0], "--trace", "link"]);
    output.assert_code(0);
    assert!(output.stderr.contains("mode E open, 9600 baud"), "{output}");
}

/// A meter that does not know mode E hears noise, and the line says so in time.
#[test]
fn a_meter_without_mode_e_is_told_from_a_silent_one() {
    let cable = SerialCable::new(Noise::NONE);
    let _meter = Simulator::serial_meter(&cable.far().unwrap(), &METER);
    let address = format!("hdlc+serial://{}?baud=9600&mode-e", cable.near());
    let patience = ["--timeout", "1", "--retries", "1"];
    let output = Headend::new().run(&[&["read", &address, OBJECTS[0]], &patience[..]].concat());
    output.assert_code(3);
    assert!(output.stderr.contains("E-LINE-TIMEOUT"), "{output}");
    assert!(output.stderr.contains("signing on (mode E)"), "{output}");
    assert!(output.stderr.contains("leave mode-e away"), "{output}");
    assert!(output.took < Duration::from_secs(4), "{output}");
}

#[test]
fn a_serial_port_that_is_not_there_is_named_at_once() {
    let folder = Folder::new();
    let address = format!("hdlc+serial://{}?baud=9600", folder.file("ttyUSB7"));
    let output = Headend::new().run(&["read", &address, OBJECTS[0]]);
    output.assert_code(3);
    assert!(output.stderr.contains("there is no such serial port"), "{output}");
    assert!(output.took < Duration::from_secs(2), "{output}");
}

fn read_everything(address: &str) {
    let headend = Headend::new();
    for mode in [Mode::PUBLIC, Mode::AUTHENC] {
        let options = mode.options();
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let run = |words: &[&str]| {
            let output = headend.run(&[words, &options[..], &["-o", "jsonl"]].concat());
            output.assert_code(0);
            output.json_lines()
        };
        let lines = run(&[&["read", address], &OBJECTS[..]].concat());
        assert_eq!(lines[0]["text"], "DHE0000000001000");
        assert_eq!(lines[1]["text"], "00001000");
        assert_eq!(lines[2]["value"], serde_json::json!([-1, 35]));
        let rows = run(&["profile", address, "1-0:99.1.0*255"]);
        assert_eq!(rows.len(), 192);
        // Local time, an hour ahead of the meter's clock in UTC.
        assert_eq!(rows[191]["time"], "2026-02-01T07:00:00+01:00");
        run(&["write", address, "1:0-0:96.10.1*255:2", "unsigned:5"]);
        let written = run(&["read", address, "1:0-0:96.10.1*255:2"]);
        assert_eq!(written[0]["value"], 5);
    }
}

#[test]
fn light_noise_costs_time_and_no_values() {
    let runs = through_noise(300, 0..soak::rounds(6));
    let good = runs.iter().filter(|run| **run).count();
    assert!(good * 10 >= runs.len() * 9, "{good} of {} readings came through", runs.len());
}

/// Every seventh frame of 128 octets is damaged.
#[test]
fn under_moderate_noise_most_readings_come_through() {
    let runs = through_noise(1_000, 100..100 + soak::rounds(6));
    let good = runs.iter().filter(|run| **run).count();
    assert!(good * 2 >= runs.len(), "{good} of {} readings came through", runs.len());
}

/// Hardly a frame of 128 octets arrives whole.
#[test]
fn heavy_noise_ends_in_a_clean_failure_or_in_the_right_values() {
    through_noise(3_000, 200..200 + soak::rounds(3));
    through_noise(10_000, 300..300 + soak::rounds(3));
}

/// Lines that are noisy at the same time: a meter takes only so many connections.
const AT_ONCE: usize = 6;

/// Reads a meter over a noisy line for each of the seeds, and says which of the readings were
/// complete. What was read is right in any case. `ppm` is the chance in a million that an octet is
/// lost, the same that one of its bits turns, and that another is invented.
fn through_noise(ppm: u32, seeds: Range<u32>) -> Vec<bool> {
    let noises: Vec<_> = seeds.map(|seed| Noise::of_each(ppm, seed.into())).collect();
    noises.chunks(AT_ONCE).flat_map(all_through_noise).collect()
}

fn all_through_noise(noises: &[Noise]) -> Vec<bool> {
    let meter = Simulator::meter(Framing::Hdlc, &METER);
    let truth = read_and_profile(&Headend::new(), &meter.address());
    truth.iter().for_each(|output| output.assert_code(0));
    let truth = truth.map(|output| output.json_lines());

    let (port, truth) = (meter.port(), &truth);
    thread::scope(|scope| {
        let read = |noise: &Noise| {
            let noise = *noise;
            scope.spawn(move || one_through_noise(port, noise, truth))
        };
        let readings: Vec<_> = noises.iter().map(read).collect();
        readings.into_iter().flat_map(|reading| reading.join().unwrap()).collect()
    })
}

fn one_through_noise(port: u16, noise: Noise, truth: &[Vec<Value>; 2]) -> [bool; 2] {
    let cable = SerialCable::to_tcp(port, noise);
    let address = format!("hdlc+serial://{}?baud=115200", cable.near());
    let outputs = read_and_profile(&Headend::new(), &address);
    assert!(cable.damaged() > 0, "nothing was damaged: {noise:?}");
    let complete = [0, 1].map(|which| {
        let (output, truth) = (&outputs[which], &truth[which]);
        let complete = output.code == Some(0);
        if complete {
            assert_eq!(&output.json_lines(), truth, "{output}");
        } else {
            assert_clean_failure(output, truth);
        }
        complete
    });
    println!(
        "seed {:>3}, {:>5} ppm, {:>4} octets damaged: {}",
        noise.seed,
        noise.lost_ppm,
        cable.damaged(),
        outputs.map(|output| format!("exit {:?} in {:.1?}", output.code, output.took)).join(", ")
    );
    complete
}

/// The meter was not reached, or went away in between; what came before that is right.
fn assert_clean_failure(output: &Output, truth: &[Value]) {
    assert!(matches!(output.code, Some(3 | 6)), "{output}");
    for words in ["E-LINE-", "what happened:", "usually means:", "try:"] {
        assert!(output.stderr.contains(words), "does not say `{words}`:\n{output}");
    }
    assert!(!output.stderr.contains("panicked"), "{output}");
    let lines = output.json_lines();
    for (line, truth) in lines.iter().zip(truth).filter(|(line, _)| line["error"].is_null()) {
        assert_eq!(line, truth, "{output}");
    }
}

/// Some objects, then the profile. A profile fails without a line for what is missing.
fn read_and_profile(headend: &Headend, address: &str) -> [Output; 2] {
    let patience = ["--timeout", "0.3", "--retries", "6", "-o", "jsonl"];
    let read = [&["read", address], &OBJECTS[..]].concat();
    let profile = ["profile", address, "1-0:99.1.0*255"];
    [&read[..], &profile].map(|words| headend.run(&[words, &patience].concat()))
}
