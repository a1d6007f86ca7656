//! Several requests that wait: they are served in the order in which they came, and those of high
//! priority first (IEC 62056-5-3 clause 6, Invoke-Id-And-Priority).
//!
//! Their layers come off in the order in which they came, for their counters are in that order.
//! What opens, closes or is no service with an invoke-id is overtaken by nothing.

use alloc::vec::Vec;
use core::mem;

use super::{Layers, LogicalDevice, Refusal, Server, cipher};
use crate::{
    association::Entropy,
    xdlms::{InvokeIdAndPriority, tag},
};

/// Requests that are held at once: as many as there are invoke-ids.
const HELD_MAX: usize = 16;
/// The priority of ACCESS, in the first octet of its long invoke-id.
const LONG_HIGH_PRIORITY: u8 = 0x80;

/// A request, its layers taken off.
struct Opened {
    plain: Vec<u8>,
    layers: Option<Layers>,
}

impl Server {
    /// Keeps an APDU behind which others wait already, to be handled by the next
    /// [`handle_apdu`](Self::handle_apdu) before, or after, the one that it is given. False when
    /// there is no room: then it is to be handled itself.
    pub fn hold(&mut self, apdu: &[u8]) -> bool {
        let has_room = self.held.len() < HELD_MAX && apdu.len() <= self.config.max_pdu.into();
        if has_room {
            self.held.push(apdu.to_vec());
        }
        has_room
    }

    /// Handles what was held, and `last`, which came after it.
    pub(super) fn handle_held(
        &mut self,
        device: &mut dyn LogicalDevice,
        entropy: &mut dyn Entropy,
        last: Vec<u8>,
    ) {
        let mut held = mem::take(&mut self.held);
        held.push(last);
        let mut waiting = Vec::new();
        for mut apdu in held {
            if !self.is_overtaken(&apdu) {
                self.serve_all(device, entropy, &mut waiting);
                let mut out = Vec::new();
                self.handle_one(device, entropy, &mut apdu, &mut out);
                self.answer(out);
                continue;
            }
            match self.open(device, &mut apdu) {
                Ok((plain, layers)) => {
                    let opened = Opened { plain: plain.to_vec(), layers };
                    let has_priority = priority(&opened.plain).is_some();
                    waiting.push(opened);
                    if !has_priority {
                        self.serve_all(device, entropy, &mut waiting);
                    }
                }
                Err(refusal) => self.answer_refusal(refusal),
            }
        }
        self.serve_all(device, entropy, &mut waiting);
    }

    /// Whether an APDU is one that others may overtake, as far as its outside tells.
    fn is_overtaken(&self, apdu: &[u8]) -> bool {
        let is_service =
            apdu.first().is_some_and(|&first| tag::is_protected(first) || priority(apdu).is_some());
        is_service
            && !cipher::is_broadcast(apdu)
            && self.is_associated()
            && apdu.len() <= self.config.max_pdu.into()
    }

    /// Serves those that wait, and leaves none.
    fn serve_all(
        &mut self,
        device: &mut dyn LogicalDevice,
        entropy: &mut dyn Entropy,
        waiting: &mut Vec<Opened>,
    ) {
        let mut waiting = mem::take(waiting);
        // What has no priority is the last, and stays so.
        waiting.sort_by_key(|opened| priority(&opened.plain).unwrap_or(Rank::Last));
        for Opened { plain, layers } in waiting {
            let mut out = Vec::new();
            let served = self
                .serve(device, entropy, &plain, layers, &mut out)
                .and_then(|()| self.cut(&mut out));
            match served {
                Ok(()) => self.answer(out),
                Err(refusal) => self.answer_refusal(refusal),
            }
        }
    }

    fn answer_refusal(&mut self, refusal: Refusal) {
        let mut out = Vec::new();
        refusal.encode(&mut out);
        self.answer(out);
    }

    /// Queues an answer, and the blocks that go out with it.
    fn answer(&mut self, out: Vec<u8>) {
        if out.is_empty() || self.is_unconfirmed() {
            return;
        }
        self.answers.push_back(out);
        let mut further = Vec::new();
        while self.blocks.as_mut().is_some_and(|blocks| blocks.poll_transmit(&mut further)) {
            self.answers.push_back(mem::take(&mut further));
        }
    }
}

/// When a request is served.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    High,
    Normal,
    Last,
}

/// The priority of a service request in clear; none of what has no invoke-id.
fn priority(plain: &[u8]) -> Option<Rank> {
    let is_high = match plain {
        [tag::GET_REQUEST | tag::SET_REQUEST | tag::ACTION_REQUEST, _, invoke, ..] => {
            InvokeIdAndPriority(*invoke).high_priority()
        }
        [tag::ACCESS_REQUEST, long_invoke, ..] => long_invoke & LONG_HIGH_PRIORITY != 0,
        _ => return None,
    };
    Some(if is_high { Rank::High } else { Rank::Normal })
}
