//! General block transfer on the client's side: where it was agreed on, every request goes out in
//! blocks, be it in one, and its answer comes in blocks.
//!
//! APDUs are ciphered first and cut then. A meter may also protect each of its blocks; what they
//! make is then as protected as the least protected of them.

use alloc::vec::Vec;

use super::{Client, Protected, State, protection::Opening};
use crate::{
    association::{BlockTransfer, BlockTransferConfig, Failure, Side, TransferFault, Violation},
    xdlms::{Conformance, GeneralBlockTransfer, PushedBlocks, tag},
};

/// What comes and goes in blocks.
#[derive(Debug, Default)]
pub(super) struct GeneralBlocks {
    /// The exchange under way.
    transfer: Option<BlockTransfer>,
    /// How the blocks of the answer are protected at least; none before the first.
    weakest: Option<Protected>,
    /// A push.
    pushed: PushedBlocks,
    /// The same of the blocks of the push.
    pushed_weakest: Option<Protected>,
    /// Whether a block came since the timer was set.
    heard: bool,
}

impl GeneralBlocks {
    /// Ends the exchange; a push goes on.
    pub(super) fn end(&mut self) {
        self.transfer = None;
        self.weakest = None;
        self.heard = false;
    }

    pub(super) fn has_outgoing(&self) -> bool {
        self.transfer.as_ref().is_some_and(BlockTransfer::has_outgoing)
    }

    pub(super) fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        self.transfer.as_mut().is_some_and(|transfer| transfer.poll_transmit(out))
    }

    /// Whether the answer is under way: the time begins anew.
    pub(super) const fn take_heard(&mut self) -> bool {
        core::mem::replace(&mut self.heard, false)
    }

    /// Has said again what was said last; false when that is no use any more.
    pub(super) fn repeat(&mut self, repetitions_max: u8) -> bool {
        self.transfer.as_mut().is_some_and(|transfer| transfer.handle_timeout(repetitions_max))
    }
}

impl Client {
    /// Whether requests go out in blocks of general block transfer.
    pub(super) fn goes_in_blocks(&self) -> bool {
        self.config.block_window.is_some()
            && self.state == State::Associated
            && self.association.conformance.contains(Conformance::GENERAL_BLOCK_TRANSFER)
    }

    fn new_transfer(&self) -> BlockTransfer {
        BlockTransfer::new(BlockTransferConfig {
            side: Side::Client,
            window: self.config.block_window.unwrap_or(1),
            send_window_max: self.config.send_window_max,
            max_send_pdu: self.association.max_send_pdu,
            joined_len_max: self.config.answer_len_max,
        })
    }

    /// Sends a request in blocks, protected already.
    pub(super) fn send_in_blocks(&mut self, apdu: Vec<u8>) -> Result<(), Failure> {
        let mut transfer = self.new_transfer();
        transfer.send(apdu).map_err(|fault| self.transfer_failed(fault))?;
        self.blocks.end();
        self.blocks.transfer = Some(transfer);
        Ok(())
    }

    fn transfer_failed(&self, fault: TransferFault) -> Failure {
        match fault {
            TransferFault::TooLong => Failure::TooLong { limit: self.config.answer_len_max },
            fault => Violation::Transfer(fault).into(),
        }
    }

    /// Takes a block that came protected like this.
    pub(super) fn on_block(&mut self, octets: &[u8], protected: Protected) {
        let block = match GeneralBlockTransfer::decode(octets) {
            Ok(block) => block,
            Err(malformed) => return self.fail(malformed.into()),
        };
        // Who takes no block wants no acknowledgement.
        if block.window == 0 && block.acknowledged == 0 {
            return self.on_pushed_block(&block, protected);
        }
        if self.state != State::Associated || self.operations.is_empty() {
            return self.discard();
        }
        if !self.goes_in_blocks() {
            return self.fail(Violation::Unexpected("general-block-transfer").into());
        }
        let mut transfer = self.blocks.transfer.take().unwrap_or_else(|| self.new_transfer());
        let taken = transfer.handle_block(&block);
        self.blocks.transfer = Some(transfer);
        self.blocks.heard = true;
        if !block.octets.is_empty() {
            let weakest = self.blocks.weakest.get_or_insert(protected);
            *weakest = protected.min(*weakest);
        }
        match taken {
            Ok(None) => {}
            Ok(Some(joined)) => {
                let weakest = self.blocks.weakest.unwrap_or(Protected::Not);
                self.blocks.end();
                self.on_joined(joined, weakest);
            }
            Err(fault) => {
                let failure = self.transfer_failed(fault);
                self.fail(failure);
            }
        }
    }

    fn on_pushed_block(&mut self, block: &GeneralBlockTransfer<'_>, protected: Protected) {
        if block.number == 1 {
            self.blocks.pushed_weakest = Some(protected);
        }
        let weakest = self.blocks.pushed_weakest.unwrap_or(protected).min(protected);
        self.blocks.pushed_weakest = Some(weakest);
        match self.blocks.pushed.take(block) {
            Ok(None) => {}
            Ok(Some(joined)) => self.on_joined(joined, weakest),
            Err(_) => self.discard(),
        }
    }

    /// Takes what blocks make: an APDU that is ciphered itself, or one as protected as they were.
    fn on_joined(&mut self, mut joined: Vec<u8>, weakest: Protected) {
        let first = joined.first().copied().unwrap_or_default();
        let before = self.receive_counter;
        let opened = if tag::is_protected(first) {
            let Some(opened) = self.take_off(&mut joined) else { return };
            opened
        } else {
            Opening::of_blocks(&joined, weakest)
        };
        // Blocks in blocks, ciphered or not, are nobody's practice and would nest without end.
        if opened.plain.first() == Some(&tag::GENERAL_BLOCK_TRANSFER) {
            return self.fail(Violation::Unexpected("block within blocks").into());
        }
        self.handle_opened(before, &opened);
    }
}
