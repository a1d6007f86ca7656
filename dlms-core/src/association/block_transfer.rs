//! General block transfer of one exchange: a request in blocks and its answer in blocks
//! (IEC 62056-5-3 clauses 6.4.4 and 7.3; Green Book 9.4.6.13).
//!
//! ```text
//!    client                                                server
//!      E0 86 0001 0000 request, takes 6 at a time  ─────────►
//!      ◄─────────  E0 43 0001 0001 streaming, E0 43 0002 0001, ..., E0 03 0006 0001
//!      E0 86 0002 0006 nothing to send, has 6      ─────────►
//!      ◄─────────  E0 43 0007 0002, ..., E0 83 0009 0002 the last
//! ```
//!
//! The blocks of a side are counted from 1 in every exchange, those included that only acknowledge.
//! The window that a side tells is how many blocks it takes in one go: the other side sends so
//! many, all but the last one streaming, and waits. A gap is noticed with the last block of a go;
//! then the receiver asks for the first missing block alone, with window 1, and afterwards goes on
//! with its own window. Who asks too often for the same block in vain, and who gets an empty block
//! where one with data is due, gives up.
//!
//! Only the client has a timer. It repeats what it said last; the server repeats what it said last
//! whenever it is spoken to, and never by itself. So a lost block stops nobody for ever, and one
//! that comes twice starts nothing a second time: the client keeps silent about what it has
//! already, the server takes a first block that it knows for the repetition that it is.
//!
//! An APDU is ciphered once and then cut; this machine knows nothing of ciphering. What nobody
//! acknowledges, the push of a meter, is joined by
//! [`PushedBlocks`](crate::xdlms::PushedBlocks).

use alloc::{collections::BTreeMap, vec::Vec};
use core::{fmt, mem};

use crate::{axdr::Writer, xdlms::GeneralBlockTransfer};

/// Blocks in one go: the window has six bits.
pub const WINDOW_MAX: u8 = 63;
/// What stands around the octets of a block: tag, control, two numbers, length in three octets.
const BLOCK_OVERHEAD: usize = 1 + 1 + 2 + 2 + 3;
/// How often in a row the same missing block is asked for: where one in three is lost each way,
/// that is in vain for one block in some three hundred.
const RECOVERIES_MAX: u8 = 10;

/// On which side a transfer runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Sends the request and keeps the time.
    Client,
    /// Sends the answer, and speaks only when spoken to.
    Server,
}

/// What a side brings to a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockTransferConfig {
    /// Which side it is.
    pub side: Side,
    /// How many blocks it takes in one go, 1 to [`WINDOW_MAX`].
    pub window: u8,
    /// How many blocks it sends in one go at most, whatever the other side takes: 1 on a line that
    /// is turned round after every APDU.
    pub send_window_max: u8,
    /// The largest APDU that the other side takes, in octets.
    pub max_send_pdu: u16,
    /// Octets of one joined APDU beyond which it is refused.
    pub joined_len_max: usize,
}

/// Why a transfer failed. The exchange is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferFault {
    /// An APDU that would need more than 65,535 blocks, or one beyond the limit of the receiver.
    #[error("too long for the transfer")]
    TooLong,
    /// The other side acknowledged a block that was never sent.
    #[error("block {0} was acknowledged and never sent")]
    Acknowledged(u16),
    /// An empty block where one with data was due.
    #[error("block {0} came empty before the last one")]
    Empty(u16),
    /// A block that did not come, however often it was asked for.
    #[error("block {0} is missing and does not come")]
    Missing(u16),
    /// A block behind the last one.
    #[error("block {0} came after the last one")]
    BehindLast(u16),
}

/// The machine of one side for one exchange.
pub struct BlockTransfer {
    config: BlockTransferConfig,
    sending: Option<Sending>,
    receiving: Receiving,
    /// The next number of ours.
    next: u16,
    /// What the other side takes in one go, as it told last; one until it told.
    peer_window: u8,
    /// An acknowledgement that goes out, with our window or, after a gap, with 1.
    due: Option<u8>,
    /// The number and the content of our last acknowledgement: said again it keeps its number.
    said: Option<(u16, u16)>,
    /// The acknowledgement that was heeded last: number, acknowledged, window.
    heeded: Option<(u16, u16, u8)>,
    /// Repetitions since something moved.
    stalls: u8,
}

/// An APDU that leaves in blocks.
struct Sending {
    apdu: Vec<u8>,
    block_len: usize,
    /// The number of its first block.
    first: u16,
    /// The number of its last block.
    last: u16,
    /// The highest number that the other side has in order.
    acknowledged: u16,
    /// The highest number that was sent.
    sent: u16,
    /// The next block of the go that is under way, and its last one.
    go: Option<(u16, u16)>,
}

/// An APDU that comes in blocks.
#[derive(Default)]
struct Receiving {
    joined: Vec<u8>,
    /// The highest number in order.
    in_order: u16,
    /// Blocks that came before an earlier one, and whether each is the last.
    ahead: BTreeMap<u16, (Vec<u8>, bool)>,
    /// The first block, as long as all of it is told by it: to know it again.
    first: Option<Vec<u8>>,
    begun: bool,
    complete: bool,
    recoveries: u8,
}

/// How far it is; the octets are nobody's business.
impl fmt::Debug for BlockTransfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sent = self.sending.as_ref().map(|sending| (sending.acknowledged, sending.last));
        f.debug_struct("BlockTransfer")
            .field("side", &self.config.side)
            .field("acknowledged_of_last", &sent)
            .field("received", &self.receiving.in_order)
            .field("complete", &self.receiving.complete)
            .finish_non_exhaustive()
    }
}

impl BlockTransfer {
    /// An exchange in which nothing was said yet.
    pub fn new(config: BlockTransferConfig) -> Self {
        Self {
            config,
            sending: None,
            receiving: Receiving::default(),
            next: 1,
            peer_window: 1,
            due: None,
            said: None,
            heeded: None,
            stalls: 0,
        }
    }

    /// Octets of the longest APDU that one block carries.
    pub fn block_len(&self) -> usize {
        usize::from(self.config.max_send_pdu).saturating_sub(BLOCK_OVERHEAD).max(1)
    }

    /// Sends an APDU: the request, or the answer once the request is complete.
    ///
    /// # Errors
    /// [`TransferFault::TooLong`].
    pub fn send(&mut self, apdu: Vec<u8>) -> Result<(), TransferFault> {
        let block_len = self.block_len();
        let blocks = apdu.len().div_ceil(block_len).max(1);
        let first = self.next;
        let after = u16::try_from(blocks).ok().and_then(|blocks| first.checked_add(blocks));
        // One number is left for an acknowledgement behind it.
        let after = after.filter(|after| *after < u16::MAX).ok_or(TransferFault::TooLong)?;
        self.next = after;
        let before = first.saturating_sub(1);
        let mut sending = Sending {
            apdu,
            block_len,
            first,
            last: after.saturating_sub(1),
            acknowledged: before,
            sent: before,
            go: None,
        };
        sending.go_on(before, self.peer_window.min(self.config.send_window_max));
        self.sending = Some(sending);
        self.due = None;
        Ok(())
    }

    /// Whether a block is the first one of the APDU that is being received, come again.
    pub fn is_repeated_first(&self, block: &GeneralBlockTransfer<'_>) -> bool {
        block.number == 1 && self.receiving.first.as_deref() == Some(block.octets)
    }

    /// Whether something goes out.
    pub fn has_outgoing(&self) -> bool {
        self.due.is_some() || self.sending.as_ref().is_some_and(|sending| sending.go.is_some())
    }

    /// Takes a block; returns the APDU when it is complete.
    ///
    /// # Errors
    /// [`TransferFault`]: the exchange is over.
    pub fn handle_block(
        &mut self,
        block: &GeneralBlockTransfer<'_>,
    ) -> Result<Option<Vec<u8>>, TransferFault> {
        self.heed(block)?;
        let before = self.receiving.in_order;
        let was_complete = self.receiving.complete;
        let has_data = !block.octets.is_empty();
        let is_new = if has_data { self.take(block)? } else { self.take_empty(block)? };
        if self.receiving.in_order > before {
            self.stalls = 0;
            self.receiving.recoveries = 0;
        }
        if self.receiving.complete {
            // The answer acknowledges the request; the last block of an answer needs none.
            return Ok((!was_complete).then(|| mem::take(&mut self.receiving.joined)));
        }
        // Behind an acknowledgement that was missing there may be another gap.
        let is_due = if is_new {
            self.receiving.has_data()
        } else {
            has_data && self.config.side == Side::Server
        };
        if !block.streaming && is_due {
            self.acknowledge()?;
        }
        Ok(None)
    }

    /// The other side did not answer: what was said last is said again. False when that was done
    /// `repetitions_max` times and nothing came of it.
    pub fn handle_timeout(&mut self, repetitions_max: u8) -> bool {
        if self.stalls >= repetitions_max {
            return false;
        }
        self.stalls = self.stalls.saturating_add(1);
        // The same acknowledgement once more is now one of the repetition.
        self.heeded = None;
        match &mut self.sending {
            Some(sending) if sending.acknowledged < sending.last && !self.receiving.has_data() => {
                // The last block of the go, of which the other side tells what it has.
                let again = sending.sent.max(sending.first);
                sending.go = Some((again, again));
            }
            _ => {
                let gap = !self.receiving.ahead.is_empty();
                self.due = Some(if gap { 1 } else { self.config.window });
            }
        }
        true
    }

    /// Replaces `out` by the next block to send; false when there is none for now.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        out.clear();
        let acknowledged = self.receiving.in_order;
        let due = self.due.take();
        let window = due.unwrap_or(self.config.window);
        if let Some(sending) = &mut self.sending
            && let Some((number, until)) = sending.go.take()
        {
            if number < until {
                sending.go = Some((number.saturating_add(1), until));
            }
            sending.sent = sending.sent.max(number);
            GeneralBlockTransfer {
                last: number == sending.last,
                streaming: number < until,
                window,
                number,
                acknowledged,
                octets: sending.block(number),
            }
            .encode(&mut Writer::new(out));
            return true;
        }
        if due.is_none() {
            return false;
        }
        let number = match self.said {
            Some((number, said)) if said == acknowledged => number,
            _ => {
                let number = self.next;
                self.next = number.saturating_add(1);
                number
            }
        };
        self.said = Some((number, acknowledged));
        GeneralBlockTransfer {
            // A server that takes a request has not begun to answer.
            last: self.sending.is_some() || self.config.side == Side::Client,
            streaming: false,
            window,
            number,
            acknowledged,
            octets: &[],
        }
        .encode(&mut Writer::new(out));
        true
    }

    /// What the other side says about our blocks.
    fn heed(&mut self, block: &GeneralBlockTransfer<'_>) -> Result<(), TransferFault> {
        // Nobody takes nothing: a side that means it would never get an answer.
        self.peer_window = block.window.max(1);
        let window = self.peer_window.min(self.config.send_window_max);
        let Some(sending) = &mut self.sending else { return Ok(()) };
        let acknowledged = block.acknowledged;
        let sent = self.said.map_or(sending.sent, |(number, _)| number.max(sending.sent));
        if acknowledged > sent {
            return Err(TransferFault::Acknowledged(acknowledged));
        }
        let is_client = self.config.side == Side::Client;
        if is_client && !block.octets.is_empty() {
            // The answer has begun: it acknowledges the request as a whole.
            sending.go = None;
            return Ok(());
        }
        if acknowledged > sending.acknowledged {
            sending.acknowledged = acknowledged;
            self.stalls = 0;
        } else if sending.acknowledged >= sending.first && acknowledged < sending.acknowledged {
            // From before an acknowledgement that came already.
            return Ok(());
        }
        let heard = (block.number, acknowledged, block.window);
        let again = self.heeded.replace(heard) == Some(heard);
        // What streams wants no answer; what a client heard already it repeats by its timer.
        if block.streaming || (is_client && again) {
            return Ok(());
        }
        sending.go_on(acknowledged, window);
        Ok(())
    }

    /// A block that only acknowledges takes a number all the same; returns whether it is a new one.
    fn take_empty(&mut self, block: &GeneralBlockTransfer<'_>) -> Result<bool, TransferFault> {
        let receiving = &mut self.receiving;
        if block.number <= receiving.in_order {
            return Ok(false);
        }
        if receiving.begun && !receiving.complete {
            return Err(TransferFault::Empty(block.number));
        }
        receiving.in_order = block.number;
        receiving.join();
        Ok(true)
    }

    /// Puts a block in its place; returns whether it was missing.
    fn take(&mut self, block: &GeneralBlockTransfer<'_>) -> Result<bool, TransferFault> {
        let limit = self.config.joined_len_max;
        let receiving = &mut self.receiving;
        let number = block.number;
        if number <= receiving.in_order || receiving.complete {
            return Ok(false);
        }
        let ahead_max = receiving.in_order.saturating_add(WINDOW_MAX.into());
        if number > ahead_max || receiving.ahead.contains_key(&number) {
            return Ok(false);
        }
        let behind = receiving.ahead.iter().any(|(at, (_, last))| *last && *at < number)
            || (block.last && receiving.ahead.keys().any(|at| *at > number));
        if behind {
            return Err(TransferFault::BehindLast(number));
        }
        let held: usize = receiving.ahead.values().map(|(octets, _)| octets.len()).sum();
        let total = receiving.joined.len().saturating_add(held).saturating_add(block.octets.len());
        if total > limit {
            return Err(TransferFault::TooLong);
        }
        if number == 1 {
            receiving.first = Some(block.octets.to_vec());
        }
        receiving.ahead.insert(number, (block.octets.to_vec(), block.last));
        receiving.join();
        Ok(true)
    }

    /// The end of a go: tells what is there, and asks for what is missing.
    fn acknowledge(&mut self) -> Result<(), TransferFault> {
        if self.receiving.ahead.is_empty() {
            self.due = Some(self.config.window);
            return Ok(());
        }
        let receiving = &mut self.receiving;
        receiving.recoveries = receiving.recoveries.saturating_add(1);
        if receiving.recoveries > RECOVERIES_MAX {
            return Err(TransferFault::Missing(receiving.in_order.saturating_add(1)));
        }
        self.due = Some(1);
        Ok(())
    }
}

impl Receiving {
    /// Joins what is in order now.
    fn join(&mut self) {
        while let Some(due) = self.in_order.checked_add(1)
            && let Some((octets, last)) = self.ahead.remove(&due)
        {
            self.joined.extend_from_slice(&octets);
            self.in_order = due;
            self.begun = true;
            self.complete |= last;
        }
    }

    /// Whether any block with data came.
    fn has_data(&self) -> bool {
        self.begun || !self.ahead.is_empty()
    }
}

impl Sending {
    /// Begins a go of `window` blocks behind the one that is acknowledged.
    fn go_on(&mut self, acknowledged: u16, window: u8) {
        let from = acknowledged.saturating_add(1);
        let until = acknowledged.saturating_add(window.into()).min(self.last);
        self.go = (from <= until).then_some((from, until));
    }

    /// The octets of a block; none of an acknowledgement before the first one.
    fn block(&self, number: u16) -> &[u8] {
        let Some(index) = number.checked_sub(self.first).map(usize::from) else { return &[] };
        let from = index.saturating_mul(self.block_len).min(self.apdu.len());
        let until = from.saturating_add(self.block_len).min(self.apdu.len());
        self.apdu.get(from..until).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
