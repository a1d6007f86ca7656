//! Replays what the fuzzer has found.

use std::{format, fs, println};

use proptest::{collection, prelude::*};

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
fn an_acse_apdu_that_is_read_is_written_the_same() {
    replay("acse", acse);
}

#[test]
fn an_apdu_that_is_read_is_written_the_same() {
    replay("apdu", apdu);
}

#[test]
fn no_one_without_a_key_makes_client_or_meter_believe_or_do_anything() {
    replay("association_pair", association_pair);
}

#[test]
fn the_three_readers_of_a_value_agree() {
    replay("axdr_data", axdr_data);
}

#[test]
fn an_exchange_in_blocks_ends_whatever_comes_and_happens_once() {
    replay("block_transfer", block_transfer);
}

#[test]
#[cfg(feature = "certificates")]
fn a_certificate_has_the_octets_that_it_was_read_from() {
    replay("certificate", certificate);
}

#[test]
fn what_was_protected_comes_out_and_nothing_else_does() {
    replay("ciphered", ciphered);
}

#[test]
fn what_was_protected_in_general_comes_out_and_nothing_else_does() {
    replay("general_protection", general_protection);
}

#[test]
fn a_compact_array_has_no_more_elements_than_its_contents_allow() {
    replay("compact_array", compact_array);
}

#[test]
fn a_value_that_means_something_means_the_same_when_written() {
    replay("cosem_values", cosem_values);
}

#[test]
fn a_point_in_time_is_found_again_from_its_octets_text_and_seconds() {
    replay("date_time", date_time);
}

#[test]
fn a_gateway_header_is_taken_off_and_put_on_the_same() {
    replay("gateway", gateway);
}

#[test]
fn a_request_comes_to_one_end_whatever_the_meter_answers() {
    replay("hostile_client", hostile_client);
}

#[test]
fn a_server_answers_whatever_comes_with_one_apdu_or_none() {
    replay("hostile_server", hostile_server);
}

#[test]
fn joined_blocks_that_are_read_are_written_the_same() {
    replay("joined_blocks", joined_blocks);
}

#[test]
fn an_mbus_stream_has_the_same_frames_however_it_is_split() {
    replay("mbus", mbus);
}

#[test]
fn a_profile_has_the_same_rows_however_it_is_cut_into_blocks() {
    replay("profile_rows", profile_rows);
}

#[test]
fn the_body_of_a_push_has_no_more_values_than_scalars() {
    replay("push_body", push_body);
}

#[test]
fn blocks_make_a_push_only_in_their_order() {
    replay("pushed_blocks", pushed_blocks);
}

#[test]
fn a_row_template_finds_what_a_walk_finds() {
    replay("row_template", row_template);
}

#[test]
fn a_text_that_is_read_is_written_the_same() {
    replay("text", text);
}

#[test]
fn a_wrapper_frame_is_complete_with_its_last_octet() {
    replay("wrapper", wrapper);
}

#[test]
fn an_object_answers_with_one_value_or_a_refusal_as_its_class_and_list_say() {
    replay("object_set", object_set);
}

/// What happens on a line with several requests in flight, as `association_pair` reads it.
fn happening() -> impl Strategy<Value = Vec<u8>> {
    let nothing_else = |operation: u8| Just([operation].to_vec());
    prop_oneof![
        // An APDU arrives, at the meter or back.
        4 => nothing_else(0),
        4 => nothing_else(2),
        // One is lost, or comes twice.
        1 => (4_u8..6).prop_map(|operation| [operation].to_vec()),
        1 => (13_u8..15).prop_map(|operation| [operation].to_vec()),
        // Somebody waited for too long.
        1 => nothing_else(6),
        // A request is made: its kind and priority.
        8 => any::<u8>().prop_map(|kind| [7, kind].to_vec()),
        // The meter has all at once that is on its way.
        3 => nothing_else(12).prop_map(|mut operation| {
            operation.push(3);
            operation
        }),
        1 => (17_u8..19, any::<u8>()).prop_map(|(operation, which)| [operation, which].to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn each_of_several_in_flight_is_answered_once_and_with_its_own_answer(
        choice: u8,
        happenings in collection::vec(happening(), 0..200),
    ) {
        // Several in flight; an association, on a good line.
        let begin = [choice | 0x40, 9, 10];
        association_pair(&[&begin[..], &happenings.concat()].concat());
    }
}
