//! Our names of objects and units beside those of `gurux-dlms`, for a few thousand plausible
//! logical names: what it has a name for has one here, and where both name a quantity it is the
//! same one. Only whether its texts have certain words is looked at; they are neither shown nor
//! kept.

#![allow(clippy::unwrap_used, reason = "a test fails where its helper does")]

use std::fs;

use dlms_core::cosem::{LogicalName, Unit, obis};
use dlms_tests::{Folder, Foreign};

/// Names that there are to compare at least: fewer mean that the comparison went blind.
const COMPARED_MIN: usize = 2_000;

/// Words of ours, and words of theirs.
struct Words(&'static [&'static str], &'static [&'static str]);

/// Words of ours and words of theirs that say the same of a quantity: one of these, if one of
/// those. In lower case, with a space before and after.
const WORDS: &[Words] = &[
    Words(&[" active"], &[" active power", " active energy", " active "]),
    Words(&[" reactive"], &[" reactive"]),
    Words(&[" apparent"], &[" apparent"]),
    Words(&[" voltage"], &[" voltage"]),
    Words(&[" power factor"], &[" power factor"]),
    Words(&[" frequency"], &[" frequency"]),
    Words(&[" l1 "], &[" l1 "]),
    Words(&[" l2 "], &[" l2 "]),
    Words(&[" l3 "], &[" l3 "]),
    Words(&[" cumulative"], &[" cum"]),
    Words(&[" minimum"], &[" min"]),
    Words(&[" maximum"], &[" max"]),
    Words(&[" averag"], &[" avg", " averag"]),
    Words(&[" below ", " lower threshold"], &[" under limit"]),
    Words(&[" above ", " upper threshold"], &[" over limit", " time integral 3 "]),
    Words(&[" missing"], &[" missing"]),
    Words(&[" harmonic 3 "], &[" harmonic 3 ", " distortion factor 3 "]),
    Words(&[" temperature"], &[" temperature"]),
    Words(&[" pressure"], &[" pressure"]),
    Words(&[" density"], &[" density"]),
    Words(&[" base conditions"], &[" base conditions"]),
    Words(&[" standard conditions"], &[" standard conditions"]),
    Words(&[" corrected"], &[" corrected"]),
];

/// Where a word is on one side alone for a reason: the beginning of the name, the word of ours,
/// why.
const WORD_DEVIATIONS: &[(&str, &str, &str)] = &[
    ("1.0.81.", " voltage", "it writes U for it"),
    ("7.0.52.2.", " base conditions", "it calls all values of a factor the same"),
    ("7.0.70.13.", " standard conditions", "it calls all values of an analysis the same"),
    ("1.0.12.32.", " below ", "it counts dips there, which are voltages below a threshold"),
    ("1.0.32.32.", " below ", "it counts dips there, which are voltages below a threshold"),
];

/// What has a name there and none here: the beginning of the name, why.
const MISSING: &[(&str, &str)] = &[
    ("0.0.94.", "a country names these by itself"),
    ("1.0.94.", "a country names these by itself"),
    ("7.0.94.", "a country names these by itself"),
    ("1.0.0.9.3.", "reserved for a country"),
    ("1.0.0.9.4.", "reserved for a country"),
];

#[test]
fn every_name_and_unit_that_gurux_dlms_has_is_here_and_means_the_same() {
    let names = plausible();
    let folder = Folder::new();
    let file = folder.path().join("names");
    fs::write(&file, names.iter().map(|name| dotted(*name) + "\n").collect::<String>()).unwrap();
    let output = Foreign::gurux_names(&file);
    output.assert_code(0);
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines.len(), names.len() + 256, "a line for each name and each unit");
    let (theirs, units) = lines.split_at(names.len());

    let mut compared = 0;
    let mut wrong = Vec::new();
    for (name, theirs) in names.iter().zip(theirs).filter(|(_, theirs)| !theirs.is_empty()) {
        let dotted = dotted(*name);
        let Some(ours) = obis::name(*name) else {
            if !MISSING.iter().any(|(beginning, _)| dotted.starts_with(beginning)) {
                wrong.push(format!("{dotted} has no name here"));
            }
            continue;
        };
        compared += 1;
        let [ours, theirs] = [&ours.to_string(), *theirs].map(spaced);
        if number(&ours, " tariff ") != number(&theirs, " rate ") {
            wrong.push(format!("{dotted}:{ours}: another tariff"));
        }
        for Words(our_words, their_words) in quantity_words(*name) {
            let [here, there] = [(&ours, our_words), (&theirs, their_words)]
                .map(|(text, words)| words.iter().any(|word| text.contains(word)));
            let known = |(beginning, word, _): &(&str, &str, &str)| {
                dotted.starts_with(beginning) && our_words.contains(word)
            };
            if here != there && !WORD_DEVIATIONS.iter().any(known) {
                wrong.push(format!("{dotted}:{ours}: only one says{our_words:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong: {wrong:#?}", wrong.len());
    assert!(compared >= COMPARED_MIN, "only {compared}");

    // Unit 0 is none in any table.
    for (code, theirs) in (1..=u8::MAX).zip(&units[1..]) {
        let known = Unit::from_code(code).symbol().is_some();
        assert_eq!(known, !theirs.is_empty(), "unit {code}");
    }
    println!("{compared} of {} names compared", names.len());
}

/// Only measured quantities are made of words that both sides must use.
fn quantity_words(name: LogicalName) -> &'static [Words] {
    match name.0 {
        [1, _, 1..=92, ..] | [7, _, 1..=70, ..] => WORDS,
        _ => &[],
    }
}

/// The number behind `word`; 0, which is the total, where there is none.
fn number(text: &str, word: &str) -> u8 {
    let behind = text.split_once(word).and_then(|(_, behind)| behind.split(' ').next());
    behind.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// In lower case, words apart by one space each, and one before and after all.
fn spaced(text: &str) -> String {
    let words = text.to_lowercase().replace([',', ':', '(', ')', '/'], " ");
    format!(" {} ", words.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn dotted(name: LogicalName) -> String {
    name.0.map(|group| group.to_string()).join(".")
}

/// What meters may well have.
fn plausible() -> Vec<LogicalName> {
    let mut names = Vec::new();
    let mut add = |a: u8, c: u8, d: u8, e: u8| names.push(LogicalName([a, 0, c, d, e, 255]));
    for c in (0..=2).chain(10..=34).chain([40, 41, 42, 43, 44, 65, 66, 94]) {
        for d in 0..=13 {
            for e in 0..=1 {
                add(0, c, d, e);
            }
        }
    }
    for (c, d) in [(0, 1), (0, 2), (10, 0), (15, 0), (96, 2), (96, 3), (96, 6), (96, 7), (96, 9)] {
        for e in (2..=21).chain(100..=111) {
            add(0, c, d, e);
        }
    }
    for c in 96..=99 {
        for d in (0..=20).chain(97..=99) {
            add(0, c, d, 0);
            add(1, c, d, 0);
            add(1, c, d, 1);
            add(7, c, d, 0);
        }
    }
    for c in (1..=20).chain([31, 32, 51, 73]).chain(81..=92) {
        for d in 0..=58 {
            add(1, c, d, 0);
        }
    }
    for (c, d) in [(1, 8), (2, 6), (32, 7), (15, 7), (91, 24), (81, 7), (83, 8)] {
        for e in [1, 2, 3, 4, 10, 15, 26, 31, 40, 55, 124, 127] {
            add(1, c, d, e);
        }
    }
    for d in 0..=11 {
        for e in 0..=15 {
            add(1, 0, d, e);
        }
    }
    for c in [1, 3, 6, 7, 13, 42, 43, 52, 61, 70] {
        for d in 0..=74 {
            add(7, c, d, 0);
        }
    }
    names
}
