//! Requests that wait behind others.

use std::{format, vec};

use super::{
    pair::{Pair, ciphering, config},
    *,
};
use crate::association::{ClientConfig, Priority, Request};

/// What is answered when `apdus` have come at once.
fn at_once(bench: &mut Bench, apdus: &[&str]) -> Vec<String> {
    let (last, before) = apdus.split_last().unwrap();
    for apdu in before {
        assert!(bench.server.hold(&octets(apdu)));
    }
    let mut answers = vec![bench.ask(last)];
    let mut out = Vec::new();
    while bench.server.poll_transmit(&mut out) {
        answers.push(hex(&out));
    }
    answers
}

#[test]
fn high_priority_goes_first_and_otherwise_it_is_the_order_of_arrival() {
    let note = |invoke: &str| format!("c001{invoke}{NOTE}00");
    let mut bench = Bench::associated();
    let asked = [&note("41"), &note("42"), &note("c3"), &note("44"), &note("c5")];
    let answers = at_once(&mut bench, &asked.map(String::as_str));
    assert_eq!(answers, ["c3", "c5", "41", "42", "44"].map(|id| format!("c401{id}001105")));
}

#[test]
fn what_has_no_invoke_id_is_overtaken_by_nothing() {
    let mut bench = Bench::associated();
    let note = |invoke: &str| format!("c001{invoke}{NOTE}00");
    // RLRQ in the middle, after which there is no association.
    let answers = at_once(&mut bench, &[&note("41"), "6203800100", &note("c2")]);
    let [before, release, after] = &answers[..] else { panic!("{answers:?}") };
    assert_eq!(before, "c40141001105");
    assert!(release.starts_with("63"));
    assert!(after.starts_with("d8"));
}

#[test]
fn each_invoke_id_has_a_transfer_of_its_own() {
    let mut bench = Bench::new(Toy::new());
    bench.ask(&format!("{}{:04x}", AARQ_ALL.strip_suffix("ffff").unwrap(), 100));
    let answers = [("c1", 1), ("c2", 1), ("c3", 0)].map(|(invoke, long)| {
        let what = if long == 1 { LONG } else { NOTE };
        bench.ask(&format!("c001{invoke}{what}00"))
    });
    assert!(answers[0].starts_with("c402c10000000001"));
    assert!(answers[1].starts_with("c402c20000000001"));
    assert_eq!(answers[2], "c401c3001105");
    for (at, invoke) in [(1, "c1"), (1, "c2"), (2, "c2"), (2, "c1")] {
        let next = bench.ask(&format!("c002{invoke}{at:08x}"));
        assert!(next.starts_with(&format!("c402{invoke}00{:08x}", at + 1)), "{next}");
    }
    // Who has none is told so, and disturbs nobody.
    assert_eq!(bench.ask("c002c400000001"), "c402c4ff000000010110");
    // A new request ends the transfer of its own invoke-id only.
    bench.ask(&format!("c001c1{NOTE}00"));
    assert_eq!(bench.ask("c002c100000003"), "c402c1ff000000030110");
    assert!(bench.ask("c002c200000003").starts_with("c402c20000000004"));
}

#[test]
fn what_goes_on_for_longest_gives_way() {
    let mut bench = Bench::new(Toy::new());
    bench.ask(&format!("{}{:04x}", AARQ_ALL.strip_suffix("ffff").unwrap(), 100));
    for id in 0..9 {
        assert!(bench.ask(&format!("c001c{id}{LONG}00")).starts_with("c402"));
    }
    assert_eq!(bench.ask("c002c000000001"), "c402c0ff000000010110");
    assert!(bench.ask("c002c100000001").starts_with("c402c10000000002"));
}

#[test]
fn ciphered_requests_are_opened_in_order_and_served_by_priority() {
    let ciphering = Some(ciphering(Protection::AUTHENTICATED_ENCRYPTED));
    let config = ClientConfig { ciphering, in_flight_max: 3, ..config(Mechanism::Lowest) };
    let mut pair = Pair::new(config, Toy::new());
    pair.associate();
    let write = |value| Request::Set {
        attribute: AttributeDescriptor::new(ClassId::DATA, LogicalName([0, 0, 96, 1, 0, 255]), 2),
        selection: None,
        value: vec![0x11, value],
    };
    for (value, priority) in [(1, Priority::Normal), (2, Priority::High), (3, Priority::High)] {
        pair.client.request_with_priority(write(value), priority).unwrap();
    }
    let mut sent = Vec::new();
    let mut out = Vec::new();
    while pair.client.poll_transmit(sans_io_time::Instant::ZERO, &mut out) {
        sent.push(hex(&out));
    }
    let answers = at_once(&mut pair.bench, &[&sent[0], &sent[1], &sent[2]]);
    // The one of normal priority was written last.
    assert_eq!(pair.bench.device.note, [0x11, 1]);
    for answer in &answers {
        pair.client.handle_apdu(&mut octets(answer));
    }
    assert!(!pair.client.is_waiting());
}

#[test]
fn no_more_is_held_than_there_are_invoke_ids() {
    let mut bench = Bench::associated();
    let note = octets(&format!("c00141{NOTE}00"));
    assert_eq!((0..20).filter(|_| bench.server.hold(&note)).count(), 16);
    assert!(!bench.server.hold(&vec![0; 2_000]));
}
