//! Meters that do what the standard does not say, and what `headend` makes of them: some of it
//! needs no word, because it cannot be taken for anything else; the rest is said in a quirks file.

#![allow(clippy::unwrap_used, reason = "a test fails where its helper does")]

use core::time::Duration;
use std::fs;

use dlms_tests::ports::free_port;
use dlms_tests::{Framing, Headend, Meter, Mode, Output, Simulator};

const START_TIME_MAX: Duration = Duration::from_secs(30);

/// A meter with one habit of the field.
fn meter(framing: Framing, fault: &str) -> Meter {
    Simulator::meter(framing, &["--fault", fault])
}

/// What `headend WORDS` does at `meter`, of which a quirks file says `quirk`.
fn knowing(quirk: &str, meter: &Meter, words: &[&str]) -> Output {
    let headend = Headend::new();
    let file = headend.home().file("quirks.toml");
    let address = meter.address();
    fs::write(&file, format!("[meter]\naddress = \"{address}\"\n{quirk}\n")).unwrap();
    headend.run(&[words, &["--quirks", &file]].concat())
}

const DEVICE_NAME: &str = "1:0-0:42.0.0*255";

#[test]
fn an_answer_with_the_llc_header_of_a_client_or_with_none_is_an_answer() {
    for fault in ["answers-as-client", "omits-llc"] {
        let meter = meter(Framing::Hdlc, fault);
        let output = Headend::new().run(&["read", &meter.address(), DEVICE_NAME, "-o", "jsonl"]);
        output.assert_code(0);
        assert_eq!(output.json_lines()[0]["class"], 1, "{fault}: {output}");
    }
}

#[test]
fn a_ciphered_answer_with_an_empty_title_is_that_of_the_meter_that_associated() {
    let meter = meter(Framing::Wrapper, "omits-titles");
    let options = Mode { general: true, ..Mode::AUTHENC }.options();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let address = meter.address();
    let read = ["read", &address, DEVICE_NAME, "-o", "jsonl"];
    let output = Headend::new().run(&[&read[..], &options].concat());
    output.assert_code(0);
    assert_eq!(output.json_lines()[0]["class"], 1, "{output}");
}

#[test]
fn a_push_whose_time_has_a_tag_is_a_push_at_that_time() {
    let headend = Headend::new();
    let port = free_port();
    let here = format!("127.0.0.1:{port}");
    let listen = ["listen", "--tcp", &here, "--count", "1", "-o", "jsonl"];
    let mut listener = headend.start(&listen);
    assert!(listener.wait_for_line("listening", START_TIME_MAX).is_some());
    let meter = Simulator::meter(Framing::Wrapper, &["--push", "--fault", "tags-push-times"]);
    let to: String = here.bytes().map(|octet| format!("{octet:02x}")).collect();
    let destination = format!("structure(enum:0,octet-string:{to},enum:0)");
    let setup = "40:0-0:25.9.0*255";
    let address = meter.address();
    headend.run(&["write", &address, &format!("{setup}:3"), &destination]).assert_code(0);
    headend.run(&["invoke", &address, setup, "1", "integer:0"]).assert_code(0);
    let output = listener.finish(START_TIME_MAX);
    output.assert_code(0);
    assert_eq!(output.json_lines().len(), 4, "{output}");
}

#[test]
fn scripts_whose_counts_are_in_the_contents_are_read_by_whoever_knows_that() {
    let meter = meter(Framing::Wrapper, "counts-in-contents");
    let address = meter.address();
    let scripts = ["read", &address, "9:0-0:10.0.106*255:2", "-o", "jsonl"];
    let plain = Headend::new().run(&scripts);
    assert_ne!(plain.code, Some(0), "{plain}");
    let output = knowing("compact-array-counts = true", &meter, &scripts);
    output.assert_code(0);
    let without = Simulator::meter(Framing::Wrapper, &[]);
    let expected = Headend::new().run(&["read", &without.address(), scripts[2], "-o", "jsonl"]);
    assert_eq!(output.json_lines()[0]["value"], expected.json_lines()[0]["value"], "{output}");
}

#[test]
fn a_range_is_asked_for_in_local_times_where_the_meter_takes_no_others() {
    let meter = meter(Framing::Wrapper, "refuses-deviations");
    let from = ["--from", "2020-01-01T00:00:00+01:00"];
    let address = meter.address();
    let profile = ["profile", &address, "1-0:99.1.0*255", "-o", "jsonl"];
    let rows = [&profile[..], &from].concat();
    let plain = Headend::new().run(&rows);
    assert_eq!(plain.code, Some(5), "{plain}");
    assert!(plain.stderr.contains("range-deviations = false"), "{plain}");
    let output = knowing("range-deviations = false", &meter, &rows);
    output.assert_code(0);
    assert!(!output.json_lines().is_empty(), "{output}");
}

#[test]
fn blocks_go_out_one_by_one_to_a_meter_that_takes_no_more_at_once() {
    let args = ["--fault", "chokes-on-windows", "--max-pdu", "128"];
    let meter = Simulator::meter(Framing::Wrapper, &args);
    // More than the meter takes in one APDU, and nothing that it takes for a status.
    let long = format!("octet-string:{}", "ab".repeat(700));
    let address = meter.address();
    let write = ["write", &address, "1:0-0:96.10.1*255:2", &long, "--gbt"];
    let write = [&write[..], &["--timeout", "1", "--retries", "0"]].concat();
    // Silence.
    Headend::new().run(&write).assert_code(3);
    // An answer, which is no.
    let output = knowing("block-window = 1", &meter, &write);
    output.assert_code(5);
    assert!(output.stderr.starts_with("E-DAR-"), "{output}");
}

#[test]
fn security_that_differs_is_named_in_the_file_as_on_the_command_line() {
    let meter = Simulator::meter(Framing::Wrapper, &["--compat", "general-ciphering-short-aad"]);
    let options = Mode::AUTHENC.options();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let address = meter.address();
    let how = ["--general-ciphering", "identified"];
    let read = [&["read", &address, DEVICE_NAME][..], &options, &how].concat();
    let plain = Headend::new().run(&[&read[..], &["--timeout", "1", "--retries", "0"]].concat());
    assert_ne!(plain.code, Some(0), "{plain}");
    knowing("compat = [\"general-ciphering-short-aad\"]", &meter, &read).assert_code(0);
}
