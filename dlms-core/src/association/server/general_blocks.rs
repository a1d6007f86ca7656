//! General block transfer on the server's side: requests that come in blocks, and answers that go
//! out in blocks because their request came so or because nothing else was agreed on for them.

use alloc::vec::Vec;

use super::{Layers, LogicalDevice, Refusal, Server, State, Transfers, block::REQUEST_LEN_MAX};
use crate::{
    association::{BlockTransfer, BlockTransferConfig, Entropy, Side, TransferFault},
    xdlms::{Conformance, GeneralBlockTransfer, tag},
};

/// One exchange.
#[derive(Debug)]
pub(super) struct GeneralBlocks {
    transfer: BlockTransfer,
    /// The layers of the last block, where each came in some and all were protected alike.
    layers: Option<Layers>,
}

impl GeneralBlocks {
    pub(super) fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        self.transfer.poll_transmit(out)
    }
}

impl Server {
    /// Takes a block that came in these layers, or in none.
    pub(super) fn on_block(
        &mut self,
        device: &mut dyn LogicalDevice,
        entropy: &mut dyn Entropy,
        octets: &[u8],
        layers: Option<Layers>,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let State::Associated(agreement) = &self.state else { return Err(Refusal::NotAssociated) };
        if !agreement.access.conformance.contains(Conformance::GENERAL_BLOCK_TRANSFER) {
            return Err(Refusal::NotSupported);
        }
        let confirmed = agreement.confirmed;
        let block = GeneralBlockTransfer::decode(octets)?;
        let known = self.blocks.take();
        let begins = block.number == 1
            && !block.octets.is_empty()
            && !known.as_ref().is_some_and(|known| {
                tells_repetition(&block) && known.transfer.is_repeated_first(&block)
            });
        let mut blocks = if begins {
            self.transfers = Transfers::default();
            let transfer = BlockTransfer::new(self.transfer_config());
            GeneralBlocks { transfer, layers }
        } else {
            // A block of an exchange that is over, or whose beginning was lost: the client will
            // begin anew.
            let Some(mut known) = known else { return Ok(()) };
            if !block.octets.is_empty() {
                known.layers = match (known.layers, layers) {
                    (Some(before), Some(now)) if before.protection() == now.protection() => {
                        Some(now)
                    }
                    _ => None,
                };
            }
            known
        };
        if let Some(mut joined) = blocks.transfer.handle_block(&block)? {
            let mut answer = Vec::new();
            self.answers_in_blocks = true;
            let ciphered = joined.first().is_some_and(|first| tag::is_protected(*first));
            let handled = match &blocks.layers {
                Some(layers) if !ciphered => {
                    self.on_opened(device, entropy, &joined, layers, &mut answer)
                }
                _ => self.on_request(device, entropy, &mut joined, &mut answer),
            };
            self.answers_in_blocks = false;
            if let Err(refusal) = handled {
                answer.clear();
                refusal.encode(&mut answer);
            }
            if answer.is_empty() || !confirmed {
                // Nothing is to be answered, not even when the request comes again.
                self.blocks = Some(blocks);
                return Ok(());
            }
            blocks.transfer.send(answer)?;
        }
        blocks.transfer.poll_transmit(out);
        self.blocks = Some(blocks);
        Ok(())
    }

    /// Cuts an answer that the client cannot take in one APDU, where general block transfer was
    /// agreed on; without it no answer was let become so long.
    pub(super) fn cut(&mut self, out: &mut Vec<u8>) -> Result<(), Refusal> {
        let State::Associated(agreement) = &self.state else { return Ok(()) };
        let access = &agreement.access;
        if out.len() <= usize::from(access.max_send_pdu)
            || !access.conformance.contains(Conformance::GENERAL_BLOCK_TRANSFER)
        {
            return Ok(());
        }
        let mut transfer = BlockTransfer::new(self.transfer_config());
        transfer.send(core::mem::take(out))?;
        transfer.poll_transmit(out);
        self.blocks = Some(GeneralBlocks { transfer, layers: None });
        Ok(())
    }

    fn transfer_config(&self) -> BlockTransferConfig {
        let max_send_pdu = match &self.state {
            State::Associated(agreement) => agreement.access.max_send_pdu,
            _ => self.config.max_pdu,
        };
        BlockTransferConfig {
            side: Side::Server,
            window: self.config.block_window,
            send_window_max: self.config.send_window_max,
            max_send_pdu,
            joined_len_max: REQUEST_LEN_MAX,
        }
    }
}

/// Whether a first block that looks like the one before is that one come again: of what is ciphered
/// there are no two alike, and whoever writes or invokes twice does it with two invoke-ids. A read
/// may be done as often as it comes, and what has no invoke-id does not tell.
fn tells_repetition(block: &GeneralBlockTransfer<'_>) -> bool {
    block.octets.first().is_some_and(|&first| {
        tag::is_protected(first)
            || matches!(first, tag::SET_REQUEST | tag::ACTION_REQUEST | tag::ACCESS_REQUEST)
    })
}

impl From<TransferFault> for Refusal {
    fn from(fault: TransferFault) -> Self {
        match fault {
            TransferFault::TooLong => Self::TooLong,
            _ => Self::Malformed,
        }
    }
}
