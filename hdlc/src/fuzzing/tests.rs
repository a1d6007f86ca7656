//! Replays what the fuzzer has found.

use std::fs;

use super::*;

/// Runs `property` on every input in `fuzz/corpus/NAME`, and on each of them cut short.
fn replay(name: &str, property: fn(&[u8])) {
    let folder = format!("{}/../fuzz/corpus/{name}", env!("CARGO_MANIFEST_DIR"));
    let inputs = fs::read_dir(&folder).expect("a folder of inputs");
    let mut replayed = 0;
    for input in inputs {
        let path = input.expect("a folder that can be read").path();
        // Shown when the test fails: the last one is to blame.
        println!("{}", path.display());
        let octets = fs::read(&path).expect("an input that can be read");
        property(&octets);
        property(&octets[..octets.len() / 2]);
        property(&octets[..octets.len().saturating_sub(1)]);
        replayed += 1;
    }
    assert!(replayed > 0, "{folder} is empty");
}

#[test]
fn a_stream_has_the_same_frames_however_it_is_split() {
    replay("deframer", deframer);
}

#[test]
fn a_field_that_is_read_is_written_the_same() {
    replay("fields", fields);
}

#[test]
fn a_frame_that_is_read_is_written_the_same() {
    replay("frame", frame);
}

#[test]
fn a_link_answers_any_frames_within_its_limits() {
    replay("hostile_link", hostile_link);
}

#[test]
fn two_links_carry_pdus_once_and_in_order_over_any_line_or_say_so() {
    replay("link_pair", link_pair);
}
