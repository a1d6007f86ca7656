//! General block transfer: any APDU cut into blocks (IEC 62056-5-3 clause 8,
//! General-Block-Transfer).
//!
//! ```text
//!   E0  lswwwwww  bn bn  ba ba  length octets
//!       |||            |      +- number of the block that is acknowledged
//!       |||            +-------- number of this block, from 1
//!       ||+-- window: blocks that the sender of this APDU takes without acknowledging
//!       |+--- streaming: the sender goes on without waiting
//!       +---- last block
//! ```
//!
//! An APDU is ciphered once and then cut. [`PushedBlocks`] joins the blocks of a push, which nobody
//! acknowledges and nobody repeats.

use alloc::vec::Vec;

use super::{head, tag};
use crate::{
    Malformed,
    axdr::{Reader, Writer},
};

/// Octets of the longest push that [`PushedBlocks`] joins. The longest that a wrapper or a meter's
/// buffer has is 64 KiB; pushes in the field have less than two.
pub const PUSHED_LEN_MAX: usize = 0x1_0000;

const LAST: u8 = 0x80;
const STREAMING: u8 = 0x40;
const WINDOW: u8 = 0x3f;
/// The number of the first block.
const FIRST: u16 = 1;

/// One block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeneralBlockTransfer<'a> {
    /// Whether this is the last block.
    pub last: bool,
    /// Whether the sender goes on without waiting for an answer.
    pub streaming: bool,
    /// How many blocks the sender of this APDU is ready to receive in one go, 0 to 63; bits above
    /// are not sent.
    pub window: u8,
    /// The number of this block, from 1.
    pub number: u16,
    /// The highest number that the sender has received in order, 0 for none.
    pub acknowledged: u16,
    /// A part of the APDU; nothing when there is only something to acknowledge.
    pub octets: &'a [u8],
}

impl<'a> GeneralBlockTransfer<'a> {
    /// Reads a general-block-transfer, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not one, with the place.
    pub fn decode(apdu: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(apdu);
        head::take_tag(&mut reader, tag::GENERAL_BLOCK_TRANSFER)?;
        let control = reader.u8()?;
        let block = Self {
            last: control & LAST != 0,
            streaming: control & STREAMING != 0,
            window: control & WINDOW,
            number: reader.u16()?,
            acknowledged: reader.u16()?,
            octets: reader.octet_string()?,
        };
        reader.finish()?;
        Ok(block)
    }

    /// Appends the general-block-transfer.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        let last = if self.last { LAST } else { 0 };
        let streaming = if self.streaming { STREAMING } else { 0 };
        writer.u8(tag::GENERAL_BLOCK_TRANSFER);
        writer.u8(last | streaming | (self.window & WINDOW));
        writer.u16(self.number);
        writer.u16(self.acknowledged);
        writer.octet_string(self.octets);
    }
}

/// Joins the blocks of a push.
///
/// No acknowledgement asks for what was lost. So the blocks must come as they were sent: one that
/// is missing, doubled or out of order spoils the push, and all is ignored up to the next first
/// block. A first block always begins a new push.
///
/// ```
/// use dlms_core::xdlms::{GeneralBlockTransfer, PushedBlocks};
///
/// let mut blocks = PushedBlocks::new();
/// let first = GeneralBlockTransfer::decode(&[0xe0, 0x40, 0, 1, 0, 0, 2, 0x0f, 0x00])?;
/// let last = GeneralBlockTransfer::decode(&[0xe0, 0xc0, 0, 2, 0, 0, 1, 0x01])?;
/// assert_eq!(blocks.take(&first), Ok(None));
/// assert_eq!(blocks.take(&last), Ok(Some(vec![0x0f, 0x00, 0x01])));
/// # Ok::<(), dlms_core::Malformed>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct PushedBlocks {
    /// The number that must come next; none while no push is being joined.
    expected: Option<u16>,
    joined: Vec<u8>,
}

/// A block that no push can be joined with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StrayBlock {
    /// No push is being joined: its first block was lost, or it is spoilt already.
    #[error("block {number} of a push whose beginning is missing")]
    Orphan {
        /// The number of the block.
        number: u16,
    },
    /// A block before this one is missing, or this one came twice. The push is given up.
    #[error("block {number} where block {expected} is due: the push is incomplete")]
    Order {
        /// The number of the block.
        number: u16,
        /// The number that was due.
        expected: u16,
    },
    /// The push is longer than [`PUSHED_LEN_MAX`]. It is given up.
    #[error("a push of more than {PUSHED_LEN_MAX} octets")]
    TooLong,
}

impl PushedBlocks {
    /// Nothing is being joined.
    pub const fn new() -> Self {
        Self { expected: None, joined: Vec::new() }
    }

    /// Whether a push has begun and not ended.
    pub const fn is_inside_push(&self) -> bool {
        self.expected.is_some()
    }

    /// Takes a block; returns the APDU when it was the last one.
    ///
    /// # Errors
    /// [`StrayBlock`]; the block is ignored and, unless it is an orphan, its push too.
    pub fn take(
        &mut self,
        block: &GeneralBlockTransfer<'_>,
    ) -> Result<Option<Vec<u8>>, StrayBlock> {
        let number = block.number;
        if number == FIRST {
            self.joined.clear();
        } else {
            match self.expected {
                None => return Err(StrayBlock::Orphan { number }),
                Some(expected) if expected != number => {
                    self.abandon();
                    return Err(StrayBlock::Order { number, expected });
                }
                Some(_) => {}
            }
        }
        if self.joined.len().saturating_add(block.octets.len()) > PUSHED_LEN_MAX {
            self.abandon();
            return Err(StrayBlock::TooLong);
        }
        self.joined.extend_from_slice(block.octets);
        if block.last {
            self.expected = None;
            return Ok(Some(core::mem::take(&mut self.joined)));
        }
        // After block 65,535 no number is left, and 0 is none that a sender uses.
        self.expected = number.checked_add(1);
        Ok(None)
    }

    /// Forgets what was joined.
    pub fn abandon(&mut self) {
        self.expected = None;
        self.joined = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MalformedKind;
    use proptest::prelude::*;
    use std::vec;

    fn block(number: u16, last: bool, octets: &[u8]) -> GeneralBlockTransfer<'_> {
        GeneralBlockTransfer { last, streaming: true, window: 0, number, acknowledged: 0, octets }
    }

    #[test]
    fn the_control_octet_has_three_fields() {
        // The last block of a party that has nothing to send and takes three blocks at a time.
        let octets = [0xe0, 0x83, 0x00, 0x03, 0x00, 0x06, 0x00];
        let block = GeneralBlockTransfer::decode(&octets).unwrap();
        assert_eq!(
            block,
            GeneralBlockTransfer {
                last: true,
                streaming: false,
                window: 3,
                number: 3,
                acknowledged: 6,
                octets: &[],
            }
        );
        let mut out = Vec::new();
        block.encode(&mut Writer::new(&mut out));
        assert_eq!(out, octets);
    }

    #[test]
    fn an_announced_length_beyond_the_input_is_truncation() {
        let octets = [0xe0, 0x40, 0x00, 0x01, 0x00, 0x00, 0x84, 0xff, 0xff, 0xff, 0xff];
        let error = GeneralBlockTransfer::decode(&octets).unwrap_err();
        assert_eq!(error, Malformed::new(MalformedKind::Truncated, 11));
    }

    #[test]
    fn blocks_in_order_are_joined() {
        let mut blocks = PushedBlocks::new();
        assert_eq!(blocks.take(&block(1, false, &[1, 2])), Ok(None));
        assert!(blocks.is_inside_push());
        assert_eq!(blocks.take(&block(2, false, &[3])), Ok(None));
        assert_eq!(blocks.take(&block(3, true, &[4])), Ok(Some(vec![1, 2, 3, 4])));
        assert!(!blocks.is_inside_push());
        assert_eq!(blocks.take(&block(1, true, &[5])), Ok(Some(vec![5])));
    }

    #[test]
    fn a_lost_doubled_or_swapped_block_spoils_its_push_and_no_other() {
        for numbers in [&[1, 3][..], &[1, 2, 2], &[1, 2, 4, 3]] {
            let mut blocks = PushedBlocks::new();
            let (last, before) = numbers.split_last().unwrap();
            let mut delivered = 0;
            for number in before {
                delivered += usize::from(blocks.take(&block(*number, false, &[0])) == Ok(None));
            }
            assert!(blocks.take(&block(*last, true, &[0])).is_err(), "{numbers:?}");
            assert!(delivered < numbers.len());
            assert_eq!(blocks.take(&block(1, true, &[7])), Ok(Some(vec![7])), "{numbers:?}");
        }
    }

    #[test]
    fn a_first_block_drops_what_was_joined_before() {
        let mut blocks = PushedBlocks::new();
        assert_eq!(blocks.take(&block(1, false, &[1])), Ok(None));
        assert_eq!(blocks.take(&block(1, false, &[2])), Ok(None));
        assert_eq!(blocks.take(&block(2, true, &[3])), Ok(Some(vec![2, 3])));
    }

    #[test]
    fn a_block_without_a_beginning_is_an_orphan() {
        let orphan = Err(StrayBlock::Orphan { number: 2 });
        assert_eq!(PushedBlocks::new().take(&block(2, true, &[1])), orphan);
    }

    #[test]
    fn a_push_without_end_takes_no_memory_without_end() {
        let mut blocks = PushedBlocks::new();
        let octets = [0; 0x8000];
        assert_eq!(blocks.take(&block(1, false, &octets)), Ok(None));
        assert_eq!(blocks.take(&block(2, false, &octets)), Ok(None));
        assert_eq!(blocks.take(&block(3, false, &octets)), Err(StrayBlock::TooLong));
        assert!(!blocks.is_inside_push() && blocks.joined.capacity() == 0);
    }

    proptest! {
        #[test]
        fn whatever_is_cut_is_joined_the_same(
            apdu in proptest::collection::vec(any::<u8>(), 1..600),
            size in 1..200_usize,
        ) {
            let mut blocks = PushedBlocks::new();
            let parts: Vec<&[u8]> = apdu.chunks(size).collect();
            for (index, part) in parts.iter().enumerate() {
                let number = u16::try_from(index + 1).unwrap();
                let last = index + 1 == parts.len();
                let joined = blocks.take(&block(number, last, part)).unwrap();
                prop_assert_eq!(joined, last.then(|| apdu.clone()));
            }
        }

        #[test]
        fn no_octets_at_all_make_decoding_panic(
            octets in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            if let Ok(block) = GeneralBlockTransfer::decode(&octets) {
                let _ = PushedBlocks::new().take(&block);
            }
        }
    }
}
