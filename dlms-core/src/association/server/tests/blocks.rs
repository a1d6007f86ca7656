//! Block transfer in every direction.

use std::format;

use super::*;

/// An association whose client takes APDUs of `size` octets.
fn with_pdu_size(size: u16) -> Bench {
    let mut bench = Bench::new(Toy::new());
    let aarq = AARQ_ALL.strip_suffix("ffff").unwrap();
    bench.ask(&format!("{aarq}{size:04x}"));
    assert!(bench.server.is_associated());
    bench
}

/// Array of 100 double-long-unsigned.
fn long_value() -> String {
    let numbers: String = (0..100).map(|number| format!("06{number:08x}")).collect();
    format!("0164{numbers}")
}

/// Asks for all blocks of a GET and joins them. Every APDU keeps to `size`.
fn get_all(bench: &mut Bench, request: &str, size: usize) -> String {
    let mut answer = bench.ask(request);
    let mut joined = String::new();
    for number in 1.. {
        assert!(answer.len() / 2 <= size, "{} octets", answer.len() / 2);
        let head = format!("{number:08x}00");
        let (last, rest) = answer.strip_prefix("c402c1").unwrap().split_at(2);
        let rest = octets(rest.strip_prefix(&head).unwrap());
        joined.push_str(&hex(crate::axdr::Reader::new(&rest).octet_string().unwrap()));
        if last != "00" {
            break;
        }
        answer = bench.ask(&format!("c002c1{number:08x}"));
    }
    joined
}

#[test]
fn a_long_answer_leaves_in_blocks_that_fit() {
    for size in [12, 13, 20, 100, 140, 141, 300, 502, 505] {
        let mut bench = with_pdu_size(size);
        let joined = get_all(&mut bench, &format!("c001c1{LONG}00"), size.into());
        assert_eq!(joined, long_value(), "{size}");
    }
}

#[test]
fn an_answer_that_just_fits_is_not_cut() {
    let whole = format!("c401c100{}", long_value());
    let size = u16::try_from(whole.len() / 2).unwrap();
    assert_eq!(with_pdu_size(size).ask(&format!("c001c1{LONG}00")), whole);
    let cut = with_pdu_size(size - 1).ask(&format!("c001c1{LONG}00"));
    assert!(cut.starts_with("c402c1000000000100"));
}

#[test]
fn zero_is_no_limit_but_the_device_has_one() {
    let mut bench = with_pdu_size(0);
    assert!(bench.ask(&format!("c001c1{LONG}00")).starts_with("c401c100"));
    bench.device.note = [&[0x09, 0x82, 0x04, 0x00][..], &[0x55; 1_024]].concat();
    assert!(bench.ask(&format!("c001c1{NOTE}00")).starts_with("c402c1"));
}

#[test]
fn the_blocks_of_a_list_are_the_list_of_results() {
    let mut bench = with_pdu_size(64);
    let joined = get_all(&mut bench, &format!("c003c103{ENERGY}00{LONG}00{NOTHING}00"), 64);
    assert_eq!(joined, format!("0300060000002a00{}0104", long_value()));
}

#[test]
fn a_get_next_with_a_wrong_number_ends_the_transfer() {
    for wrong in ["00000000", "00000002", "ffffffff"] {
        let mut bench = with_pdu_size(64);
        bench.ask(&format!("c001c1{LONG}00"));
        assert_eq!(bench.ask(&format!("c002c1{wrong}")), format!("c402c1ff{wrong}0113"));
        assert_eq!(bench.ask("c002c100000001"), "c402c1ff000000010110");
    }
}

#[test]
fn a_get_next_without_a_transfer_is_refused() {
    let mut bench = with_pdu_size(64);
    assert_eq!(bench.ask("c002c100000001"), "c402c1ff000000010110");
    // Another request in between ends the transfer.
    bench.ask(&format!("c001c1{LONG}00"));
    bench.ask(&format!("c001c1{ENERGY}00"));
    assert_eq!(bench.ask("c002c100000001"), "c402c1ff000000010110");
}

#[test]
fn a_long_answer_without_block_transfer_is_too_long() {
    let mut bench = Bench::new(Toy::new());
    // Everything but block transfer with GET and ACTION, 128 octets
    bench.ask("601da109060760857405080101be10040e01000000065f1f0400000a1f0080");
    assert!(bench.server.is_associated());
    assert_eq!(bench.ask(&format!("c001c1{LONG}00")), "d80104");
    let parameter = format!("0981c8{}", "55".repeat(200));
    assert_eq!(bench.ask(&format!("c301c1{ECHO}01{parameter}")), "d80104");
}

#[test]
fn a_set_in_blocks_is_written_when_the_last_one_came() {
    let mut bench = Bench::associated();
    assert_eq!(bench.ask(&format!("c102c1{NOTE}000000000001020905")), "c502c100000001");
    assert_eq!(bench.device.note, [0x11, 0x05]);
    assert_eq!(bench.ask("c103c1000000000202aabb"), "c502c100000002");
    assert_eq!(bench.ask("c103c1010000000303ccddee"), "c503c10000000003");
    assert_eq!(bench.device.note, octets("0905aabbccddee"));
}

#[test]
fn a_set_of_a_list_in_blocks_answers_each_for_itself() {
    let mut bench = Bench::associated();
    assert_eq!(
        bench.ask(&format!("c105c102{NOTE}00{ENERGY}00000000000102 0211")),
        "c502c100000001",
    );
    assert_eq!(bench.ask("c103c1ff0000000203071100"), "c504c102000300000002");
    assert_eq!(bench.device.note, [0x11, 0x07]);
}

#[test]
fn set_blocks_out_of_order_are_refused_and_nothing_is_written() {
    let mut bench = Bench::associated();
    bench.ask(&format!("c102c1{NOTE}000000000001020905"));
    assert_eq!(bench.ask("c103c1000000000302aabb"), "c503c11300000003");
    assert_eq!(bench.ask("c103c1000000000202aabb"), "c503c11200000002", "it is over");
    // The first block must have number 1.
    assert_eq!(bench.ask(&format!("c102c1{NOTE}000000000002020905")), "c503c11300000002");
    assert_eq!(bench.device.note, [0x11, 0x05]);
}

#[test]
fn blocks_that_join_to_no_value_are_refused() {
    let mut bench = Bench::associated();
    assert_eq!(bench.ask(&format!("c102c1{NOTE}000100000001020905")), "c503c10c00000001");
    assert_eq!(bench.ask(&format!("c304c1{SINK}01000000010209ff")), "c701c10c00");
}

#[test]
fn a_request_that_grows_beyond_the_limit_is_given_up() {
    let mut bench = Bench::associated();
    bench.ask(&format!("c102c1{NOTE}00000000000100"));
    let mut refused = None;
    for number in 2..200_u32 {
        let block = format!("c103c100{number:08x}820200{}", "55".repeat(512));
        let answer = bench.ask(&block);
        if answer != format!("c502c1{number:08x}") {
            refused = Some((number, answer));
            break;
        }
    }
    let (number, answer) = refused.unwrap();
    assert_eq!(answer, format!("c503c111{number:08x}"));
    assert_eq!(number, 2 + 64 * 1_024 / 512 - 1);
}

#[test]
fn an_action_may_be_long_in_both_directions() {
    let mut bench = with_pdu_size(64);
    let value = format!("0964{}", "5a".repeat(100));
    let (first, second) = value.split_at(120);
    let first = format!("c304c1{ECHO}00000000013c{first}");
    assert_eq!(bench.ask(&first), "c704c100000001");
    let mut answer = bench.ask(&format!("c306c101000000022a{second}"));
    let mut joined = String::new();
    for number in 1.. {
        assert!(answer.len() / 2 <= 64);
        let (last, rest) = answer.strip_prefix("c702c1").unwrap().split_at(2);
        joined.push_str(&rest.strip_prefix(&format!("{number:08x}")).unwrap()[2..]);
        if last != "00" {
            break;
        }
        answer = bench.ask(&format!("c302c1{number:08x}"));
    }
    // success, data, the value
    assert_eq!(joined, format!("000100{value}"));
}

#[test]
fn an_action_of_a_list_in_blocks_answers_each_for_itself() {
    let mut bench = Bench::associated();
    assert_eq!(bench.ask(&format!("c305c102{ECHO}{SINK}0000000001 02020f")), "c704c100000001");
    assert_eq!(bench.ask("c306c10100000002 03070f00"), "c703c1020001000f070000");
}

#[test]
fn action_blocks_out_of_order_are_refused() {
    let mut bench = with_pdu_size(64);
    assert_eq!(bench.ask("c306c101000000010107"), "c701c11000", "none in progress");
    assert_eq!(bench.ask("c302c100000001"), "c701c11000");
    bench.ask(&format!("c304c1{ECHO}00000000010109"));
    assert_eq!(bench.ask("c306c101000000030107"), "c701c10f00");
    let long = format!("0964{}", "5a".repeat(100));
    bench.ask(&format!("c301c1{ECHO}01{long}"));
    assert_eq!(bench.ask("c302c100000002"), "c701c10f00");
}

#[test]
fn debug_shows_no_octet_of_a_transfer() {
    let mut bench = Bench::associated();
    bench.ask(&format!("c102c1{NOTE}0000000000010409083132"));
    let shown = format!("{:?}", bench.server);
    assert!(shown.contains("LongRequest(1 blocks, 17 octets)"), "{shown}");
}
