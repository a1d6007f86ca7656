//! `headend decode` against captures of real meters.
//!
//! Captures of other people's meters are not ours to give away. Where the environment variable
//! `DLMS_CORPUS` names a file of them, one JSON object a line with what is expected of each, they
//! are decoded and compared; where it does not, the test says so and the vectors below remain:
//! published worked examples, and messages of the meters of this project's own tests.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::PathBuf;

use dlms_tests::Headend;
use dlms_tests::mode::{AUTHENTICATION_KEY, ENCRYPTION_KEY};
use serde_json::{Value, json};

/// APDU tags of telegrams that are no DLMS (P1), and first octets of foreign LLC profiles.
const NOT_COMPARED: [&str; 3] = ["2f", "90", "b0"];

/// Captures in which the expectation is wrong, with the proof.
const DISPUTED: [(&str, &str); 1] = [(
    "ams/sagemcom/gh155-4.hex",
    "ten messages of two M-Bus segments each (CI 00, 11), each with its own general-glo header, \
     its own length of 248 octets that it fills, and its own counter 0069d14f to 0069d158: ten \
     APDUs, not one of 2,600 octets",
)];

#[test]
fn captures_of_real_meters_decode_to_what_is_in_them() {
    let Some(corpus) = env::var_os("DLMS_CORPUS") else {
        println!("DLMS_CORPUS is not set: no captures of real meters were used");
        return;
    };
    let mut path = PathBuf::from(corpus);
    if path.is_dir() {
        path.push("captures.jsonl");
    }
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let output = Headend::new().run(&["decode", "-o", "jsonl", &path.display().to_string()]);
    output.assert_code(0);
    let decoded: BTreeMap<String, Value> = output
        .json_lines()
        .into_iter()
        .map(|line| (line["id"].as_str().unwrap_or_default().to_owned(), line))
        .collect();

    let mut compared = 0;
    let mut wrong = Vec::new();
    for line in text.lines() {
        let capture: Value = serde_json::from_str(line).unwrap();
        let id = capture["id"].as_str().unwrap();
        assert!(decoded.contains_key(id), "{id} has no line");
        let expected = &capture["expect"]["analysis"];
        let is_dlms = ["hdlc", "wrapper", "mbus", "apdu"].contains(&text_of(&capture["framing"]));
        let tags = expected["apdus"].as_array().cloned().unwrap_or_default();
        let is_foreign = tags.iter().any(|apdu| NOT_COMPARED.contains(&text_of(&apdu["tag"])));
        let is_disputed = DISPUTED.iter().any(|(disputed, _)| *disputed == id);
        if !is_dlms || expected.is_null() || is_foreign || is_disputed {
            continue;
        }
        compared += 1;
        let faults = differences(expected, &decoded[id]);
        wrong.extend(faults.into_iter().map(|fault| format!("{id}: {fault}")));
    }
    assert!(wrong.is_empty(), "of {compared} captures:\n{}", wrong.join("\n"));
    assert!(compared > 0, "{} holds nothing to compare", path.display());
    println!("{compared} captures agree; not compared: {DISPUTED:?}");
}

/// What is not as expected.
fn differences(expected: &Value, decoded: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let mut compare = |what: &str, expected: &Value, decoded: &Value| {
        if !expected.is_null() && expected != decoded {
            faults.push(format!("{what} {decoded} instead of {expected}"));
        }
    };
    compare("frames", &expected["frames"], &decoded["frames"]);
    let damaged = expected["bad_frames"].as_array().is_some_and(|bad| !bad.is_empty());
    let reported = !decoded["error"].is_null();
    compare("damage reported", &if damaged { json!(true) } else { Value::Null }, &json!(reported));

    let none = Vec::new();
    let apdus = expected["apdus"].as_array().unwrap_or(&none);
    if apdus.iter().any(|apdu| !apdu["error"].is_null()) {
        return faults;
    }
    let found = decoded["apdus"].as_array().unwrap_or(&none);
    compare("APDUs", &json!(apdus.len()), &json!(found.len()));
    for (expected, decoded) in apdus.iter().zip(found) {
        compare("tag", &expected["tag"], &decoded["tag"]);
        let verified = &expected["cipher"]["tag_ok"];
        compare("verified", verified, &decoded["verified"]);
        if verified == &json!(false) {
            compare("values of a forged message", &json!([]), &decoded["values"]);
            continue;
        }
        compare("plain tag", &expected["plain_tag"], &decoded["plain_tag"]);
        compare("leaves", &expected["leaves"], &decoded["leaves"]);
        compare("time", &expected["time"], &decoded["time"]);
        for (name, values) in expected["obis"].as_object().into_iter().flatten() {
            let decoded = values_of(decoded, name);
            for value in values.as_array().unwrap_or(&none).iter().filter(|v| v.is_number()) {
                let found = decoded.contains(&value.to_string());
                compare(
                    &format!("{name} = {value} among {decoded:?}"),
                    &json!(true),
                    &json!(found),
                );
            }
        }
    }
    faults
}

/// The values of an object, whose name the expectation writes with a dot before F.
fn values_of(apdu: &Value, name: &str) -> Vec<String> {
    let values = apdu["values"].as_array().into_iter().flatten();
    values
        .filter(|value| text_of(&value["logical_name"]).replace('*', ".") == name)
        .map(|value| match &value["value"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
        .collect()
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Decodes one capture.
fn decoded(capture: &Value) -> Value {
    let headend = Headend::new();
    let path = headend.home().file("capture.jsonl");
    fs::write(&path, format!("{capture}\n")).expect("a folder to write to");
    let output = headend.run(&["decode", "-o", "jsonl", &path]);
    output.assert_code(0);
    output.json_lines().remove(0)
}

#[test]
fn the_published_worked_example_is_opened_and_its_forgery_is_not() {
    // glo-get-request of the time, authenticated and encrypted; everything as published.
    let capture = |hex: &str| {
        json!({
            "id": "example", "framing": "apdu", "hex": hex,
            "keys": {
                "ek": "000102030405060708090a0b0c0d0e0f",
                "ak": "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf",
                "system_title": "4d4d4d0000bc614e",
            },
        })
    };
    let good = "c81e3001234567411312ff935a47566827c467bc7d825c3be4a77c3fcc056b6b";
    let apdu = &decoded(&capture(good))["apdus"][0];
    assert_eq!((&apdu["tag"], &apdu["plain_tag"]), (&json!("c8"), &json!("c0")));
    assert_eq!(apdu["verified"], true);
    let forged = decoded(&capture(&good.replace("056b6b", "056b6c")));
    assert_eq!(forged["apdus"][0]["verified"], false);
    assert_eq!(forged["error"]["code"], "tag-mismatch");
}

/// A push of the foreign meter GRX 1000 over HDLC, authenticated and encrypted with the keys of
/// the tests; recorded.
const PUSH: &str = "7ea0570303139240e6e700db0847525801000003e840300000000193f12312fe02caddaaa5a4bf\
                    ba41658784eb6f2c84b47469f28fcf74cc34c0646a1363d8c7f353cb704339ee8489cb35ea5a03\
                    6f82808a529ea73439167e";

#[test]
fn a_tree_shows_every_layer_of_a_push() {
    let headend = Headend::new();
    let options = ["--ek", ENCRYPTION_KEY, "--ak", AUTHENTICATION_KEY];
    let output = headend.run(&[&["decode", PUSH], &options[..]].concat());
    output.assert_code(0);
    let layers: Vec<&str> = output.stdout.lines().take(12).collect();
    assert_eq!(
        layers,
        [
            "HDLC frame",
            "  from 1 (management logical device) to 1 (client management process): UI P/F, \
             78 octets",
            "  LLC response",
            "APDU general-glo-ciphering (0xdb), 75 octets",
            "  security control 0x30 (suite 0, authenticated and encrypted)",
            "  invocation counter 1",
            "  system title 47525801000003E8 (GRX)",
            "  verified: the tag is right",
            "  APDU data-notification (0x0f), 47 octets",
            "    invoke-id 1",
            "    date-time 2026-11-20T11:48:46Z",
            "    body",
        ],
        "{output}"
    );
    // The same with another key, without any, and cut short.
    let other = ["--ek", AUTHENTICATION_KEY, "--ak", AUTHENTICATION_KEY];
    let output = headend.run(&[&["decode", PUSH], &other[..]].concat());
    output.assert_code(4);
    assert!(output.stdout.contains("FORGED") && !output.stdout.contains("body"), "{output}");
    let output = headend.run(&["decode", PUSH]);
    output.assert_code(0);
    assert!(output.stdout.contains("closed: no key for it"), "{output}");
    let output = headend.run(&["decode", &PUSH[..40]]);
    output.assert_code(3);
    assert!(output.stdout.contains("ends too early"), "{output}");
}

#[test]
fn what_is_no_hexadecimal_is_a_usage_error() {
    let output = Headend::new().run(&["decode", "7e a0 0g"]);
    output.assert_code(2);
    assert!(output.stderr.contains("character 7"), "{output}");
}
