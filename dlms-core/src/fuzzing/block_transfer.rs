//! General block transfer against a peer that sends whatever it likes.

use super::{next, take};
use crate::{
    association::{BlockTransfer, BlockTransferConfig, Side},
    xdlms::GeneralBlockTransfer,
};
use alloc::vec::Vec;

/// Octets of a joined APDU that the machine takes here.
const JOINED_LEN_MAX: usize = 1_000;
/// Blocks that one block can call forth: a window, and what only acknowledges.
const SENT_MAX: usize = 64;

/// Whatever blocks come, a side answers each with a bounded number of well-formed blocks, its
/// repetitions end, and what it joins is no longer than its limit and complete but once.
pub fn block_transfer(mut octets: &[u8]) {
    let first = next(&mut octets);
    let side = if first & 1 == 0 { Side::Client } else { Side::Server };
    let mut machine = BlockTransfer::new(BlockTransferConfig {
        side,
        window: 1 + (first >> 4),
        send_window_max: 63,
        max_send_pdu: 20,
        joined_len_max: JOINED_LEN_MAX,
    });
    if side == Side::Client {
        machine.send(Vec::from([0xc0; 100])).expect("room for ten blocks");
    }
    let mut out = Vec::new();
    let mut completed = 0;
    while !octets.is_empty() {
        let mut sent = 0;
        while machine.poll_transmit(&mut out) {
            assert!(GeneralBlockTransfer::decode(&out).is_ok() && out.len() <= 20);
            sent += 1;
        }
        assert!(sent <= SENT_MAX);
        let control = next(&mut octets);
        if control == 0xff {
            machine.handle_timeout(3);
            continue;
        }
        let block = GeneralBlockTransfer {
            last: control & 0x80 != 0,
            streaming: control & 0x40 != 0,
            window: control & 0x3f,
            number: next(&mut octets).into(),
            acknowledged: next(&mut octets).into(),
            octets: {
                let length = usize::from(next(&mut octets));
                take(&mut octets, length)
            },
        };
        match machine.handle_block(&block) {
            Ok(Some(joined)) => {
                assert!(joined.len() <= JOINED_LEN_MAX);
                completed += 1;
                if side == Side::Server {
                    machine.send(joined).expect("as much as came in as many blocks");
                }
            }
            Ok(None) => {}
            Err(_) => return,
        }
    }
    assert!(completed <= 1, "an exchange happened twice");
    assert!((0..4).any(|_| !machine.handle_timeout(3)), "it repeats itself for ever");
}
