//! One device, read, written and commanded by short names.

use std::{format, vec};

use super::{
    pair::{ANY, Pair, ciphering, cipherings, config},
    *,
};
use crate::association::{
    ActionOutcome, ClientConfig, Event, Failure, Referencing, Request, Response,
};

/// AARQ without security, context 2; proposes read, write, unconfirmed write, parameterized access,
/// multiple references and blocks.
const AARQ_SN: &str = "601da109060760857405080102be10040e01000000065f1f04001c1a20ffff";

fn associated() -> Bench {
    let mut bench = Bench::new(Toy::with_short_names());
    let aare = bench.ask(AARQ_SN);
    assert!(bench.server.is_associated());
    assert!(aare.ends_with("fa00"), "the name of the association: {aare}");
    bench
}

#[test]
fn an_attribute_is_read_by_its_base_name_and_offset() {
    let mut bench = associated();
    assert_eq!(bench.ask("0501021008"), "0c0100060000002a", "energy, attribute 2");
    assert_eq!(bench.ask("05010210ff"), "0c010104", "between two attributes");
    assert_eq!(bench.ask("0501021018"), "0c010104", "beyond the last attribute");
    assert_eq!(bench.ask("05020210080220 08"), "0c0200060000002a001105");
    assert_eq!(bench.ask("050102fa00"), "0c010009060000280000ff", "the association's name");
}

#[test]
fn the_object_list_is_attribute_2_of_the_association() {
    let list = associated().ask("050102fa08");
    assert!(list.starts_with("0c01000105020410fa0012000c11000906"), "{list}");
    assert!(list.contains("0204101000120003110009060100010800ff"), "{list}");
}

#[test]
fn a_write_is_answered_and_an_unconfirmed_write_is_not() {
    let mut bench = associated();
    assert_eq!(bench.ask("06010220080111 07"), "0d0100");
    assert_eq!(bench.ask("0501022008"), "0c01001107");
    assert_eq!(bench.ask("06010210080111 09"), "0d010103", "energy is not to be written");
    assert_eq!(bench.ask("16010220080111 0a"), "");
    assert_eq!(bench.ask("0501022008"), "0c0100110a");
}

#[test]
fn a_method_is_written_or_read_with_its_parameters() {
    let mut bench = associated();
    // Method 1 of class 9 is at 20: it returns its parameter.
    assert_eq!(bench.ask("06010240200111 07"), "0d0100");
    assert_eq!(bench.ask("0501044020001107"), "0c01001107");
    assert_eq!(bench.ask("05010440280 01107"), "0c010104", "it has but one");
}

#[test]
fn services_of_logical_names_are_refused_and_so_is_the_context_without_short_names() {
    let mut bench = associated();
    assert_eq!(bench.ask(&format!("c001c1{ENERGY}00")), "d80102");
    let mut bench = Bench::new(Toy::new());
    let aare = bench.ask(AARQ_SN);
    assert!(aare.contains("a203020101a305a103020102"), "context not supported: {aare}");
}

#[test]
fn an_answer_too_long_comes_in_blocks_with_numbers_of_16_bits() {
    let mut bench = Bench::new(Toy::with_short_names());
    bench.ask(&AARQ_SN.replace("20ffff", "200080"));
    let first = bench.ask("0501023008");
    assert!(first.starts_with("0c01020000017401000164"), "block 1, not the last: {first}");
    assert!(first.len() / 2 <= 128);
    let mut joined = first[14..].to_owned();
    for number in 1..5 {
        let next = bench.ask(&format!("050105{number:04x}"));
        let last = if number == 4 { "ff" } else { "00" };
        assert!(next.starts_with(&format!("0c0102{last}{:04x}", number + 1)), "{next}");
        joined.push_str(&next[14..]);
    }
    assert!(joined.starts_with("01000164"), "one result, data, an array of 100");
    assert_eq!(bench.ask("0501050005"), "0c010110", "no long read in progress");
}

#[test]
fn another_block_than_the_next_is_refused_by_its_number_and_ends_the_transfer() {
    for number in [0, 2] {
        let mut bench = Bench::new(Toy::with_short_names());
        bench.ask(&AARQ_SN.replace("20ffff", "200080"));
        assert!(bench.ask("0501023008").starts_with("0c01020000017401000164"));
        assert_eq!(bench.ask(&format!("050105{number:04x}")), "0c010113", "{number}");
        assert_eq!(bench.ask("0501050001"), "0c010110", "no long read in progress");
    }
}

#[test]
fn each_context_is_given_the_services_that_it_has_and_no_others() {
    // Who proposes everything gets: general protection and blocks, blocks of GET and SET, multiple
    // references, and the services of his kind of names.
    for (aarq, agreed) in [
        (AARQ_SN.replace("001c1a20", "007fffff"), "5f1f04007c1a20"),
        (AARQ_ALL.to_owned(), "5f1f0400601e5d"),
    ] {
        let aare = Bench::new(Toy::with_short_names()).ask(&aarq);
        assert!(aare.contains(agreed), "{aare}");
    }
}

#[test]
fn a_request_too_long_comes_in_blocks_and_is_executed_with_the_last() {
    let mut bench = associated();
    // The lists of a write: one name, one value; cut in two.
    assert_eq!(bench.ask("060107000001010903 01 02 20"), "0d01020001");
    assert_eq!(bench.ask("0501022008"), "0c01001105", "not yet");
    assert_eq!(bench.ask("060107000001010903 01 02 20"), "0d01020001");
    assert_eq!(bench.ask("060107ff0002010904 08 01 11 07"), "0d0100");
    assert_eq!(bench.ask("0501022008"), "0c01001107");
    assert_eq!(bench.ask("060107ff0003010901 08"), "0d010111", "another number was due");
    // The list of a read, in two.
    assert_eq!(bench.ask("050106000001020102"), "0c01030001");
    assert_eq!(bench.ask("050106ff0002022008"), "0c01001107");
}

fn get(octets_of: &str) -> Request {
    let octets = octets(octets_of);
    let attribute = AttributeDescriptor::decode(&mut crate::axdr::Reader::new(&octets)).unwrap();
    Request::Get { attribute, selection: None }
}

#[test]
fn the_client_reads_writes_and_commands_by_short_names_with_every_mechanism_and_ciphering() {
    for mechanism in MECHANISMS {
        for ciphering in core::iter::once(ciphering(Protection::NONE)).chain(cipherings()) {
            for block_window in [None, Some(3)] {
                let config = ClientConfig {
                    referencing: Referencing::ShortName,
                    ciphering: Some(ciphering.clone()),
                    max_receive_pdu: 200,
                    block_window,
                    ..config(mechanism)
                };
                let mut pair =
                    Pair::new(config, Toy { has_short_names: true, ..Toy::demanding(mechanism) });
                let events = pair.associate();
                assert!(matches!(events[..], [Event::Associated(_)]), "{mechanism:?} {events:?}");
                converse(&mut pair);
                pair.client.release().unwrap();
                assert_eq!(pair.run(), [Event::Released]);
            }
        }
    }
}

fn converse(pair: &mut Pair) {
    // Nothing is known before the object list.
    pair.client.request(get(ENERGY)).unwrap();
    assert_eq!(pair.event(), Some(Event::RequestFailed(ANY, Failure::NoShortName)));
    let list = Request::Get { attribute: ShortNameObject::LIST, selection: None };
    let Response::Get(Ok(list)) = pair.request(list) else { panic!() };
    pair.client.know_short_names(ShortNameObject::decode_list(&list).unwrap());

    let number = DataBuf::DoubleLongUnsigned(42).to_octets();
    assert_eq!(pair.request(get(ENERGY)), Response::Get(Ok(number.clone())));
    assert_eq!(pair.request(get(ENERGY)), Response::Get(Ok(number.clone())), "and once more");
    let long = DataBuf::array((0..100).map(DataBuf::DoubleLongUnsigned)).to_octets();
    assert_eq!(pair.request(get(LONG)), Response::Get(Ok(long.clone())));
    let Request::Get { attribute: note, .. } = get(NOTE) else { panic!() };
    let Request::Get { attribute: energy, .. } = get(ENERGY) else { panic!() };
    let Request::Get { attribute: profile, .. } = get(LONG) else { panic!() };
    assert_eq!(
        pair.request(Request::GetList(vec![(profile, None), (energy, None)])),
        Response::GetList(vec![Ok(long), Ok(number)]),
    );
    let text = DataBuf::octet_string([0x5a; 3_000]).to_octets();
    let set = Request::Set { attribute: note, selection: None, value: text.clone() };
    assert_eq!(pair.request(set), Response::Set(DataAccessResult::Success));
    assert_eq!(pair.request(get(NOTE)), Response::Get(Ok(text.clone())));
    assert_eq!(
        pair.request(Request::SetList(vec![(note, text.clone()), (energy, vec![0])])),
        Response::SetList(vec![DataAccessResult::Success, DataAccessResult::ReadWriteDenied]),
    );
    let echo = octets(ECHO);
    let method = MethodDescriptor::decode(&mut crate::axdr::Reader::new(&echo)).unwrap();
    assert_eq!(
        pair.request(Request::Action { method, parameters: Some(text) }),
        Response::Action(ActionOutcome { result: ActionResult::Success, returned: None }),
    );
}

#[test]
fn whoever_cannot_answer_the_challenge_is_not_let_in() {
    let wrong = ClientConfig {
        referencing: Referencing::ShortName,
        secret: Secret::from("12345679"),
        ..config(Mechanism::HlsSha256)
    };
    let mut pair = Pair::new(wrong, Toy::with_short_names());
    assert!(matches!(pair.associate()[..], [Event::AssociationFailed { .. }]));
    assert!(!pair.bench.server.is_associated());
}
