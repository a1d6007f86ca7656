//! Our registry of interface classes beside what `gurux-dlms` knows of them, for every class and
//! version that it implements: as many attributes, as many methods, the same types. Where the two
//! differ, `class_registry/deviations.txt` says why, and which versions nothing confirms.

#![allow(clippy::unwrap_used, reason = "a test fails where its helper does")]

use std::collections::{BTreeMap, BTreeSet};

use dlms_core::axdr::{BitStringBuf, DataType, RawData};
use dlms_core::cosem::ClassId;
use dlms_core::cosem::registry::{self, InterfaceClass};
use dlms_core::cosem::value::{
    AddressContext, BlacklistedNeighbour, BroadcastSeen, CosemValue, G3Modulation, Neighbour,
    OctetString, PosEntry, Route, RoutingConfiguration, TxResolution,
};
use dlms_tests::Foreign;
use serde_json::Value;

const DEVIATIONS: &str = include_str!("class_registry/deviations.txt");
/// Begins a line with versions that the other side does not have.
const UNCONFIRMED: &str = "unconfirmed: ";
/// Versions that there are to compare at least: fewer mean that the comparison went blind.
const COMPARED_MIN: usize = 70;

#[test]
fn gurux_dlms_knows_the_same_classes_but_for_listed_deviations() {
    let output = Foreign::gurux_classes();
    output.assert_code(0);
    let known: Value = serde_json::from_str(&output.stdout).unwrap();
    let known = known.as_array().unwrap();
    assert!(known.len() >= COMPARED_MIN, "only {}", known.len());

    let found: BTreeMap<String, String> = known.iter().flat_map(deviations).collect();
    let listed: BTreeMap<&str, &str> = DEVIATIONS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#') && !line.starts_with(UNCONFIRMED))
        .map(split)
        .collect();
    let unlisted: Vec<_> =
        found.iter().filter(|(what, _)| !listed.contains_key(what.as_str())).collect();
    assert!(unlisted.is_empty(), "not in deviations.txt: {unlisted:#?}");
    let gone: Vec<_> = listed.keys().filter(|what| !found.contains_key(**what)).collect();
    assert!(gone.is_empty(), "in deviations.txt, but there is no such difference: {gone:#?}");

    let theirs: BTreeSet<String> = known.iter().map(version_of).collect();
    let ours = registry::classes().iter().map(|class| format!("{}/{}", class.id, class.version));
    let unconfirmed: BTreeSet<String> = ours.filter(|version| !theirs.contains(version)).collect();
    let listed = DEVIATIONS.lines().filter_map(|line| line.strip_prefix(UNCONFIRMED));
    let listed: BTreeSet<String> =
        listed.flat_map(str::split_whitespace).map(String::from).collect();
    assert_eq!(unconfirmed, listed, "versions of ours alone");
    println!("{} versions compared, {} listed deviations", known.len(), found.len());
}

fn split(line: &'static str) -> (&'static str, &'static str) {
    let (what, reason) = line.split_once(" = ").unwrap_or_else(|| panic!("no reason: {line}"));
    assert!(!reason.trim().is_empty(), "no reason: {line}");
    (what, reason)
}

/// `CLASS/VERSION`.
fn version_of(theirs: &Value) -> String {
    format!("{}/{}", theirs["class"], theirs["version"])
}

/// What differs, and how.
fn deviations(theirs: &Value) -> Vec<(String, String)> {
    let number = |key: &str| theirs[key].as_u64().unwrap();
    let (id, version) = (number("class"), number("version"));
    let named = |what: String| format!("{id}/{version} {what}");
    let class = ClassId(id.try_into().unwrap());
    let Some(ours) = registry::interface_class(class, version.try_into().unwrap()) else {
        return vec![(named("absent".into()), "no such version".into())];
    };
    let mut found = Vec::new();
    for (what, ours, theirs) in [
        ("attributes", count(ours), number("attributes")),
        ("methods", ours.methods.last().map_or(0, |method| method.id.0.into()), number("methods")),
    ] {
        if i64::try_from(theirs).unwrap() != ours {
            found.push((named(what.into()), format!("ours {ours}, theirs {theirs}")));
        }
    }
    for (attribute, theirs) in (1..).zip(theirs["types"].as_array().unwrap()) {
        let theirs = DataType::from_tag(theirs.as_u64().unwrap().try_into().unwrap()).unwrap();
        let ours = ours.attribute(attribute).map(|attribute| attribute.types);
        // Null-data is what it says when the type depends on the value.
        let differs = ours.is_some_and(|ours| !ours.contains(theirs) && theirs != DataType::Null);
        if differs {
            let ours = ours.unwrap();
            found.push((named(format!("attribute {attribute}")), format!("{ours}, {theirs}")));
        }
    }
    found
}

/// The number of the last attribute: numbers that were given up are counted by both sides.
fn count(class: &InterfaceClass) -> i64 {
    class.attributes.last().map_or(0, |attribute| attribute.id.0.into())
}

/// Each table has one row, and each integer in it is the number of its field.
#[test]
fn the_tables_of_g3_plc_are_those_that_gurux_dlms_writes() {
    let output = Foreign::gurux_values();
    output.assert_code(0);
    let written: Value = serde_json::from_str(&output.stdout).unwrap();
    let bits = |text: &str| BitStringBuf::from_bits(text.chars().map(|bit| bit == '1'));

    let neighbour = Neighbour {
        short_address: 1,
        coherent: true,
        tone_map: bits("101010"),
        modulation: G3Modulation::Quaternary,
        tx_gain: 5,
        tx_resolution: TxResolution::Other(6),
        tx_coefficients: bits("11110000"),
        lqi: 8,
        phase_differential: 9,
        tone_map_valid_min: 10,
        valid_min: 11,
    };
    same(&written["91/11"], neighbour);
    same(&written["91/25"], PosEntry { short_address: 1, lqi: 2, valid_min: 3 });
    let configuration = RoutingConfiguration {
        net_traversal_time_s: 1,
        routing_table_entry_ttl_min: 2,
        kr: 3,
        km: 4,
        kc: 5,
        kq: 6,
        kh: 7,
        krt: 8,
        rreq_retries: 9,
        rreq_wait_s: 10,
        blacklist_table_entry_ttl_min: 11,
        unicast_rreq: true,
        rlc_enabled: false,
        reverse_link_cost: 14,
    };
    same(&written["92/6"], configuration);
    let route =
        Route { destination: 1, next_hop: 2, cost: 3, hops: 4, weak_links: 5, valid_min: 6 };
    same(&written["92/8"], route);
    let context = AddressContext {
        id: bits("0001"),
        length: 2,
        context: OctetString(vec![0xfe, 0x80]),
        compresses: true,
        valid_min: 4,
    };
    same(&written["92/9"], context);
    same(&written["92/10"], BlacklistedNeighbour { address: 1, valid_min: 2 });
    same(&written["92/11"], BroadcastSeen { source: 1, sequence: 2, valid_min: 3 });
}

/// `theirs`, in hex, is an array of `ours` alone, read as well as written.
fn same<T: CosemValue + PartialEq + core::fmt::Debug>(theirs: &Value, ours: T) {
    let theirs = octets(theirs.as_str().unwrap());
    let ours = vec![ours];
    let data = RawData::from_octets(&theirs).unwrap();
    let theirs = data.data().unwrap();
    // Not octet for octet: true is any octet but 0.
    assert_eq!(Some(ours.to_data()), theirs.to_buf().ok());
    assert_eq!(Vec::from_data(&theirs), Some(ours));
}

fn octets(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}
