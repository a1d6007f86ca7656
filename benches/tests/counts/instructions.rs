//! The gate: what each reference workload costs in instructions, against `instructions.toml`.
//!
//! Instructions, unlike time, are the same on a busy machine. After a change that is meant to cost
//! more, or that saves, run `scripts/bench --instructions` and commit the new counts.

use std::{env, fs};

use dlms_benches::workload::WORKLOADS;
use toml::Table;

use crate::valgrind::count;

const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.toml");
/// What a workload may cost more than its baseline, in percent: another release of the compiler or
/// of the C library, whose memory copies differ from processor to processor.
const MORE_MAX: u64 = 3;

#[test]
fn no_workload_takes_more_instructions_than_it_did() {
    let counted: Vec<(&str, u64)> =
        WORKLOADS.iter().map(|named| (named.name, count(named.name, 0))).collect();
    if env::var_os("DLMS_NEW_BASELINE").is_some() {
        let lines = counted.iter().map(|(name, count)| format!("{name} = {count}\n"));
        let text =
            "# Instructions of one run, counted by callgrind; see tests/counts/instructions.rs.\n";
        fs::write(BASELINE, [text.to_owned()].into_iter().chain(lines).collect::<String>())
            .expect("the baseline can be written");
    }
    let baseline: Table = fs::read_to_string(BASELINE)
        .expect("there is a baseline")
        .parse()
        .expect("the baseline is TOML");
    assert_eq!(baseline.len(), counted.len(), "the baseline has every workload and no other");
    let more: Vec<String> = counted
        .iter()
        .filter_map(|(name, count)| {
            let before = baseline.get(*name).and_then(|count| count.as_integer()).unwrap_or(0);
            let limit = u64::try_from(before).unwrap_or(0) * (100 + MORE_MAX) / 100;
            (*count > limit).then(|| format!("{name}: {count} instructions instead of {before}"))
        })
        .collect();
    assert!(more.is_empty(), "{}", more.join("\n"));
}
