//! The buffer of a profile, whole and in blocks.

use alloc::vec::Vec;

use super::{encoded, next};
use crate::{
    Malformed,
    axdr::{CompactArrayRules, RawData},
    cosem::{
        AttributeDescriptor, CaptureObject, ClassId, LogicalName,
        profile::{Mark, Restorer, Row, RowFeed, Rows, SortMethod},
    },
};

/// Buffers up to this length are fed octet by octet as well.
const SINGLE_LEN_MAX: usize = 512;
/// Columns of the restorer.
const COLUMNS_MAX: usize = 32;

/// However a buffer is cut into blocks, its rows are the same and the same error ends them; they
/// are the rows of the whole buffer; and a row with nothing left out is restored to itself.
///
/// First octet: rules, place of the clock, order. Then the buffer.
pub fn profile_rows(mut octets: &[u8]) {
    let choice = next(&mut octets);
    let rules = match choice & 1 {
        0 => CompactArrayRules::Standard,
        _ => CompactArrayRules::CountInContents,
    };
    let whole = fed(octets, rules, usize::MAX);
    assert_eq!(whole, fed(octets, rules, usize::from(choice) + 1));
    if octets.len() <= SINGLE_LEN_MAX {
        assert_eq!(whole, fed(octets, rules, 1));
    }

    let rows = RawData::from_octets(octets).and_then(|buffer| Rows::new(buffer, rules));
    let rows = rows.and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match (&rows, whole) {
        (Ok(rows), (fed, Ok(()))) => assert_eq!(rows.iter().map(cells).collect::<Vec<_>>(), fed),
        // A compact-array without contents has no row that could be of the wrong type.
        (Ok(rows), (_, Err(_))) => assert!(rows.is_empty()),
        (Err(_), (_, Err(_))) => {}
        (Err(error), (_, Ok(()))) => panic!("{error}"),
    }
    if let Ok(rows) = rows {
        restore(&rows, choice);
    }
}

/// The rows out of blocks of `block` octets, and how the feed ended.
fn fed(
    octets: &[u8],
    rules: CompactArrayRules,
    block: usize,
) -> (Vec<Vec<u8>>, Result<(), Malformed>) {
    let mut feed = RowFeed::new(rules);
    let mut rows = Vec::new();
    for block in octets.chunks(block) {
        feed.feed(block);
        loop {
            match feed.next_row() {
                Some(Ok(row)) => rows.push(cells(&row)),
                Some(Err(error)) => {
                    assert_eq!(feed.finish(), Err(error), "an error is final");
                    return (rows, Err(error));
                }
                None => break,
            }
        }
    }
    (rows, feed.finish())
}

fn cells(row: &Row<'_>) -> Vec<u8> {
    let cells = row.cells().map(|cell| cell.expect("a row that was walked"));
    cells.flat_map(|cell| encoded(|writer| cell.encode(writer))).collect()
}

fn restore(rows: &[Row<'_>], choice: u8) {
    let columns = rows.first().map_or(0, Row::len).min(COLUMNS_MAX);
    let value = CaptureObject::new(AttributeDescriptor::new(
        ClassId::REGISTER,
        LogicalName([1, 0, 1, 8, 0, 255]),
        2,
    ));
    let mut objects: Vec<_> = core::iter::repeat_n(value, columns).collect();
    if let Some(object) = objects.get_mut(usize::from(choice >> 1 & 7)) {
        *object = CaptureObject::CLOCK_TIME;
    }
    let sort_method = SortMethod::from_code((choice >> 4) % 6 + 1).expect("1 to 6");
    let mut restorer = Restorer::new(&objects, u32::from(choice) * 60, sort_method);
    for row in rows {
        match restorer.restore(row) {
            Ok(restored) => {
                assert_eq!(restored.cells.len(), columns);
                for (cell, sent) in restored.cells.iter().zip(row.cells()) {
                    let sent = sent.expect("a row that was walked");
                    let is_itself = !sent.is_null() && sent.as_delta().is_none();
                    assert_eq!(is_itself, cell.mark == Mark::Sent);
                    if is_itself {
                        let sent = sent.to_buf().expect("a cell that was walked");
                        assert_eq!(cell.value.to_octets(), sent.to_octets());
                    }
                }
            }
            Err(_) => assert_ne!(row.len(), columns),
        }
    }
}
