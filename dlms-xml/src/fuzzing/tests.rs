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
fn octets_that_have_xml_and_xml_that_has_octets_come_back_as_they_were() {
    replay("xml", xml);
}
