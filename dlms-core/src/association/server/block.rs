//! Block transfer: long answers cut, long requests joined (IEC 62056-5-3 clauses 6.4.2.11 to
//! 6.4.2.13).

use alloc::vec::Vec;
use core::fmt;

use super::Refusal;
use crate::{
    association::IN_FLIGHT_MAX,
    xdlms::{DataBlock, InvokeIdAndPriority},
};

/// Octets of one answer. A device that produces more is refused the answer: a year of
/// quarter-hours with twelve columns stays below 4 MiB.
pub(super) const ANSWER_LEN_MAX: usize = 16 * 1024 * 1024;
/// Octets of one joined request. What clients write in blocks are calendars, lists and firmware
/// blocks, of a few kilobytes each.
pub(super) const REQUEST_LEN_MAX: usize = 64 * 1024;
/// Transfers under way at once: as many as a client of ours has requests in flight.
const TRANSFERS_MAX: usize = IN_FLIGHT_MAX as usize;
/// What stands around the octets of a block: tag, choice, invoke-id, last-block, block number,
/// choice of the result, length in three octets.
const BLOCK_OVERHEAD: usize = 1 + 1 + 1 + 1 + 4 + 1 + 3;

/// The transfers under way. Each belongs to an invoke-id, whose next request ends it; with short
/// names, which have none, there is one.
#[derive(Debug, Default)]
pub(super) struct Transfers(Vec<(Option<u8>, Transfer)>);

impl Transfers {
    /// Takes out the transfer of an invoke-id, or of short names.
    pub(super) fn take(&mut self, invoke: Option<InvokeIdAndPriority>) -> Transfer {
        let key = invoke.map(InvokeIdAndPriority::id);
        match self.0.iter().position(|(of, _)| *of == key) {
            Some(at) => self.0.remove(at).1,
            None => Transfer::None,
        }
    }

    /// Keeps a transfer whose invoke-id has no other. Those that go on for longest give way: what
    /// is kept of all of them is no more than one answer may be.
    pub(super) fn put(&mut self, invoke: Option<InvokeIdAndPriority>, transfer: Transfer) {
        self.0.push((invoke.map(InvokeIdAndPriority::id), transfer));
        while self.0.len() > 1 && (self.0.len() > TRANSFERS_MAX || self.octets() > ANSWER_LEN_MAX) {
            self.0.remove(0);
        }
    }

    fn octets(&self) -> usize {
        self.0.iter().map(|(_, transfer)| transfer.octets()).fold(0, usize::saturating_add)
    }
}

#[derive(Debug)]
pub(super) enum Transfer {
    None,
    Get(LongAnswer),
    Set(LongRequest),
    Action(LongAction),
    Read(LongAnswer),
    ReadRequest(LongRequest),
    Write(LongRequest),
}

impl Transfer {
    const fn octets(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Get(long) | Self::Read(long) | Self::Action(LongAction::Answer(long)) => {
                long.octets.len()
            }
            Self::Set(long)
            | Self::ReadRequest(long)
            | Self::Write(long)
            | Self::Action(LongAction::Request(long)) => long.apdu.len(),
        }
    }
}

/// An ACTION may be long in both directions, one after the other.
#[derive(Debug)]
pub(super) enum LongAction {
    Request(LongRequest),
    Answer(LongAnswer),
}

/// An answer that leaves in blocks.
pub(super) struct LongAnswer {
    octets: Vec<u8>,
    sent: usize,
    number: u32,
}

impl LongAnswer {
    pub(super) const fn new(octets: Vec<u8>) -> Self {
        Self { octets, sent: 0, number: 0 }
    }

    /// The number of the block that was sent last, counted from 1.
    pub(super) const fn number(&self) -> u32 {
        self.number
    }

    /// The next block, for an APDU of `room` octets.
    pub(super) fn next(&mut self, room: usize) -> DataBlock<'_> {
        let most = room.saturating_sub(BLOCK_OVERHEAD).max(1);
        let from = self.sent;
        self.sent = from.saturating_add(most).min(self.octets.len());
        self.number = self.number.saturating_add(1);
        DataBlock {
            last: self.sent == self.octets.len(),
            number: self.number,
            octets: self.octets.get(from..self.sent).unwrap_or_default(),
        }
    }
}

/// A request that arrives in blocks: the APDU that it would have been in one piece.
pub(super) struct LongRequest {
    apdu: Vec<u8>,
    number: u32,
}

/// How far it is; the octets are nobody's business.
impl fmt::Debug for LongAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LongAnswer({} of {} octets)", self.sent, self.octets.len())
    }
}

/// How far it is; the octets may be a new password.
impl fmt::Debug for LongRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LongRequest({} blocks, {} octets)", self.number, self.apdu.len())
    }
}

/// Why a block cannot be joined. The transfer is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JoinError {
    /// Another number was due.
    Number,
    /// More than [`REQUEST_LEN_MAX`].
    TooLong,
}

impl LongRequest {
    /// A request that starts with `head`: everything before the octets of its blocks.
    pub(super) const fn new(head: Vec<u8>) -> Self {
        Self { apdu: head, number: 0 }
    }

    /// Appends a block, whose number must be the next one.
    pub(super) fn join(&mut self, block: DataBlock<'_>) -> Result<(), JoinError> {
        self.number = self.number.saturating_add(1);
        if block.number != self.number {
            return Err(JoinError::Number);
        }
        if self.apdu.len().saturating_add(block.octets.len()) > REQUEST_LEN_MAX {
            return Err(JoinError::TooLong);
        }
        self.apdu.extend_from_slice(block.octets);
        Ok(())
    }

    /// The joined APDU.
    pub(super) fn into_apdu(self) -> Vec<u8> {
        self.apdu
    }
}

/// Fails when the values of a list are together longer than any client could want: a list names
/// the same long profile as often as it likes.
pub(super) fn check_sum(sum: &mut usize, value: &[u8]) -> Result<(), Refusal> {
    *sum = sum.saturating_add(value.len());
    if *sum > ANSWER_LEN_MAX { Err(Refusal::TooLong) } else { Ok(()) }
}

/// Fails when an answer is longer than any client could want.
pub(super) const fn check_len(answer: &[u8]) -> Result<(), Refusal> {
    if answer.len() > ANSWER_LEN_MAX { Err(Refusal::TooLong) } else { Ok(()) }
}
