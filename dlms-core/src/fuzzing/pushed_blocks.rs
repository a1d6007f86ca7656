//! The blocks of a push.

use alloc::vec::Vec;

use super::{encoded, next, take};
use crate::xdlms::{GeneralBlockTransfer, PUSHED_LEN_MAX, PushedBlocks};

/// Blocks in any order join to a push only when they came in theirs, from the first to the last.
///
/// For each block: its flags, how far its number is from the one due, and its octets with a length
/// before them.
pub fn pushed_blocks(mut octets: &[u8]) {
    if let Ok(block) = GeneralBlockTransfer::decode(octets) {
        let written = encoded(|writer| block.encode(writer));
        assert_eq!(GeneralBlockTransfer::decode(&written), Ok(block));
    }

    let mut blocks = PushedBlocks::new();
    // What came in order so far, and the number after it.
    let mut model: Option<(u16, Vec<u8>)> = None;
    while !octets.is_empty() {
        let flags = next(&mut octets);
        let due = model.as_ref().map_or(1, |(due, _)| *due);
        let number = match next(&mut octets) {
            0..=0xdf => due,
            0xe0..=0xef => 1,
            ahead => due.wrapping_add(u16::from(ahead)),
        };
        let len = usize::from(next(&mut octets));
        let block = GeneralBlockTransfer {
            last: flags & 1 != 0,
            streaming: flags & 2 != 0,
            window: flags >> 2,
            number,
            acknowledged: 0,
            octets: take(&mut octets, len),
        };
        let written = encoded(|writer| block.encode(writer));
        let block = GeneralBlockTransfer::decode(&written).expect("what was written");

        model = match model {
            _ if number == 1 => Some((1, Vec::new())),
            Some((due, joined)) if due == number => Some((due, joined)),
            _ => None,
        };
        let expected = model.as_mut().and_then(|(due, joined)| {
            *due = number.wrapping_add(1);
            joined.extend_from_slice(block.octets);
            (block.last && joined.len() <= PUSHED_LEN_MAX).then(|| joined.clone())
        });
        model.take_if(|(_, joined)| block.last || joined.len() > PUSHED_LEN_MAX);
        assert_eq!(blocks.take(&block).ok().flatten(), expected);
        assert_eq!(blocks.is_inside_push(), model.is_some());
    }
}
