//! GET, SET and ACTION that fit into one APDU.

use std::{format, vec};

use proptest::{collection, prelude::*};

use super::*;

#[test]
fn get_answers_with_data_or_a_refusal_and_echoes_the_invoke_id() {
    let mut bench = Bench::associated();
    assert_eq!(bench.ask(&format!("c00142{ENERGY}00")), "c4014200060000002a");
    assert_eq!(bench.ask(&format!("c001cf{NOTHING}00")), "c401cf0104");
}

#[test]
fn get_with_list_answers_each_for_itself() {
    let mut bench = Bench::associated();
    assert_eq!(
        bench.ask(&format!("c003c103{ENERGY}00{NOTHING}00{NOTE}00")),
        "c403c10300060000002a0104001105",
    );
}

#[test]
fn set_answers_with_a_result() {
    let mut bench = Bench::associated();
    assert_eq!(bench.ask(&format!("c101c1{NOTE}000203010203")), "d80103", "no structure of three");
    assert_eq!(bench.ask(&format!("c101c1{NOTE}0002021101110a")), "c501c100");
    assert_eq!(bench.device.note, octets("02021101110a"));
    assert_eq!(bench.ask(&format!("c101c1{ENERGY}001101")), "c501c103");
}

#[test]
fn set_with_list_answers_each_for_itself() {
    let mut bench = Bench::associated();
    assert_eq!(bench.ask(&format!("c104c102{NOTE}00{ENERGY}000211071100")), "c505c1020003");
    assert_eq!(bench.device.note, [0x11, 0x07]);
    // More values than attributes: nothing is written.
    assert_eq!(bench.ask(&format!("c104c101{NOTE}000211081100")), "d80103");
    assert_eq!(bench.device.note, [0x11, 0x07]);
}

#[test]
fn action_answers_with_a_result_and_what_was_returned() {
    let mut bench = Bench::associated();
    assert_eq!(bench.ask(&format!("c301c1{SINK}010f00")), "c701c10000");
    assert_eq!(bench.ask(&format!("c301c1{SINK}00")), "c701c10000");
    assert_eq!(bench.ask(&format!("c301c1{ECHO}010f07")), "c701c10001000f07");
    assert_eq!(bench.ask("c301c1000900000a0000ff0300"), "c701c10300");
    assert_eq!(bench.ask("c301c1000909090909ffff0100"), "c701c10400");
}

#[test]
fn action_with_list_answers_each_for_itself() {
    let mut bench = Bench::associated();
    assert_eq!(bench.ask(&format!("c303c102{ECHO}{SINK}020f070f00")), "c703c1020001000f070000",);
}

#[test]
fn an_unconfirmed_set_or_action_gets_no_answer_but_is_done() {
    let mut bench = Bench::associated();
    assert_eq!(bench.ask(&format!("c10181{NOTE}001109")), "");
    assert_eq!(bench.device.note, [0x11, 0x09]);
    assert_eq!(bench.ask(&format!("c30181{SINK}00")), "");
    // A GET is for its answer.
    assert_eq!(bench.ask(&format!("c00181{NOTE}00")), "c40181001109");
}

#[test]
fn a_service_that_was_not_agreed_on_is_not_supported() {
    let mut bench = Bench::new(Toy::new());
    // GET only
    bench.ask("601da109060760857405080101be10040e01000000065f1f0400000010ffff");
    assert!(bench.server.is_associated());
    for request in [
        format!("c101c1{NOTE}001107"),
        format!("c301c1{SINK}00"),
        format!("c003c101{ENERGY}00"),
        format!("c102c1{NOTE}00010000000102 1107"),
        format!("c304c1{SINK}01000000010111"),
    ] {
        assert_eq!(bench.ask(&request), "d80102", "{request}");
    }
    assert_eq!(bench.ask(&format!("c001c1{ENERGY}00")), "c401c100060000002a");
    // Selective access was not agreed on either, and that is the attribute's refusal.
    assert_eq!(bench.ask(&format!("c001c1{ENERGY}010100")), "c401c1010d");
}

#[test]
fn what_is_not_a_service_is_unknown_and_what_is_broken_is_other_reason() {
    let mut bench = Bench::associated();
    assert_eq!(bench.ask("ff"), "d80202");
    assert_eq!(bench.ask("0500"), "d80102", "read-request, where there are no short names");
    assert_eq!(bench.ask("c0"), "d80103");
    assert_eq!(bench.ask("c009c1"), "d80103");
    assert_eq!(bench.ask(&format!("c001c1{ENERGY}00aa")), "d80103", "one octet too many");
    assert_eq!(bench.ask("c401c10011"), "d80103", "an answer, and broken");
    assert_eq!(bench.ask("c401c1001105"), "d80102", "an answer");
    assert!(bench.server.is_associated());
}

#[test]
fn a_request_longer_than_the_device_takes_is_too_long() {
    let mut bench = Bench::associated();
    let most = 1_024 - 17;
    let value = |len: usize| format!("0982{len:04x}{}", "55".repeat(len));
    assert_eq!(bench.ask(&format!("c101c1{NOTE}00{}", value(most))), "c501c100");
    assert_eq!(bench.ask(&format!("c101c1{NOTE}00{}", value(most + 1))), "d80104");
}

#[test]
fn a_list_of_long_values_ends_where_no_client_could_want_more() {
    // A mebibyte each, of which sixteen are the longest answer.
    let note = [&[0x09, 0x83, 0x10, 0x00, 0x00][..], &vec![0x55; 1 << 20]].concat();
    // All services, ACCESS as well; all names.
    let by_logical_names = "601da109060760857405080101be10040e01000000065f1f04007fffffffff";
    let by_short_names = "601da109060760857405080102be10040e01000000065f1f04007fffffffff";
    let get = format!("c003c150{}", format!("{NOTE}00").repeat(80));
    let access =
        format!("d940000001 00 50{} 50{}", format!("01{NOTE}").repeat(80), "00".repeat(80));
    let read = format!("0550{}", "022008".repeat(80));
    let method = "000900000a0000ff04";
    let action = format!("c303c150{} 50{}", method.repeat(80), "00".repeat(80));
    for (aarq, request) in [
        (by_logical_names, get),
        (by_logical_names, access),
        (by_logical_names, action),
        (by_short_names, read),
    ] {
        let mut bench = Bench::new(Toy { note: note.clone(), ..Toy::with_short_names() });
        bench.ask(aarq);
        assert_eq!(bench.ask(&request), "d80104", "{request}");
        // The seventeenth is one too many.
        assert_eq!(bench.device.note_reads, 16, "{request}");
    }
}

#[test]
fn no_prefix_of_a_request_and_no_single_wrong_octet_does_any_harm() {
    for request in [
        AARQ.to_owned(),
        format!("c001c1{ENERGY}00"),
        format!("c003c102{ENERGY}00{NOTE}00"),
        format!("c104c102{NOTE}00{ENERGY}000211071100"),
        format!("c102c1{NOTE}000000000001021107"),
        format!("c303c102{ECHO}{SINK}020f070f00"),
        format!("c304c1{ECHO}00000000010111"),
        "620e800100be0904072100000000000000".to_owned(),
    ] {
        let request = octets(&request);
        for len in 0..request.len() {
            let answer = Bench::associated().ask_octets(&request[..len]);
            assert!(!answer.is_empty());
            for wrong in 0..=u8::MAX {
                let mut changed = request.clone();
                changed[len] = wrong;
                // What comes out of it does not matter, as long as it comes.
                Bench::associated().ask_octets(&changed);
                Bench::new(Toy::new()).ask_octets(&changed);
            }
        }
    }
}

proptest! {
    #[test]
    fn no_sequence_of_octets_does_any_harm(
        apdus in collection::vec(
            (prop::sample::select(&[0x60, 0x62, 0xc0, 0xc1, 0xc3, 0xc8, 0xdb][..]),
             collection::vec(any::<u8>(), 0..40)),
            1..20,
        ),
    ) {
        let mut bench = Bench::associated();
        for (first, rest) in apdus {
            bench.ask_octets(&[&[first], &rest[..]].concat());
        }
        // And it still serves.
        bench.ask(AARQ);
        prop_assert_eq!(bench.ask(&format!("c001c1{ENERGY}00")), "c401c100060000002a");
    }
}
