//! What goes together when several requests are in flight (IEC 62056-5-3 clause 6: answers are told
//! apart by Invoke-Id-And-Priority).
//!
//! | together | decided by |
//! |---|---|
//! | GET, SET, ACTION, each with blocks | the invoke-id of each, which its blocks repeat |
//! | ACCESS beside them | its long invoke-id |
//! | short names: one at a time | their services have no invoke-id |
//! | general block transfer: one at a time | its blocks have numbers and no invoke-id |
//! | HDLC: one at a time | the line, which is turned round after each APDU (IEC 62056-46) |
//!
//! ```text
//!   request ──► in flight ──────────── its answer ──────────────► Response
//!                 │    ▲ asked again    refused by its service ─► Response
//!                 │    └──────┐         wrong or silent ────────► RequestFailed
//!                 ▼           │
//!   an answer without invoke-id, while several are in flight: held until there are as many of
//!   them as requests without answer. Those are the refused ones. No request is begun meanwhile.
//! ```

use core::fmt;

use alloc::vec::Vec;

use sans_io_time::Instant;

use super::{Client, Event, Failure, Operation, Referencing, Response, State};

/// Requests that may be in flight at once. Of the sixteen invoke-ids half rest at any time, so that
/// an answer passes for that of another request only when it is late by more than eight requests;
/// of one that is repeated, each repetition counts.
pub const IN_FLIGHT_MAX: u8 = 8;

/// Which request something is about. It stays when a request is repeated, which takes another
/// invoke-id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub(in crate::association) u64);

impl RequestId {
    pub(super) const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which of several requests that wait at the meter comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priority {
    /// After those of high priority.
    Normal,
    /// Before those of normal priority.
    #[default]
    High,
}

/// An APDU ready to go out.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// The request that it is of; none for what opens and closes the association.
    pub(super) request: Option<RequestId>,
    pub(super) apdu: Vec<u8>,
}

/// What came in the place of an answer and does not say of which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) failure: Failure,
    /// Whether our counter was behind, and is not any more.
    pub(super) was_behind: bool,
}

impl Client {
    /// How many requests may be in flight.
    fn in_flight_max(&self) -> usize {
        if self.has_short_names() || self.goes_in_blocks() {
            return 1;
        }
        self.config.in_flight_max.clamp(1, IN_FLIGHT_MAX).into()
    }

    /// Whether the association has room for a further request.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.state == State::Associated
            && self.refusals.is_empty()
            && self.operations.len() < self.in_flight_max()
    }

    pub(super) fn has_short_names(&self) -> bool {
        self.config.referencing == Referencing::ShortName
    }

    /// Takes a request out; whoever does puts it back while it is not over.
    pub(super) fn take_operation(
        &mut self,
        is_it: impl Fn(&Operation) -> bool,
    ) -> Option<Operation> {
        let at = self.operations.iter().position(is_it)?;
        Some(self.operations.swap_remove(at))
    }

    /// The end of a request that was taken out.
    pub(super) fn complete(&mut self, operation: &Operation, response: Response) {
        self.events.push_back(Event::Response(operation.id(), response));
        self.end(operation);
    }

    /// As [`complete`](Self::complete), with a failure.
    pub(super) fn fail_operation(&mut self, operation: &Operation, failure: Failure) {
        self.events.push_back(Event::RequestFailed(operation.id(), failure));
        self.end(operation);
    }

    /// Nothing of a request that was taken out goes out any more.
    pub(super) fn end(&mut self, operation: &Operation) {
        self.outgoing.retain(|outgoing| outgoing.request != Some(operation.id()));
        self.blocks.end();
        self.settle_refusals();
    }

    pub(super) fn forget_requests(&mut self) {
        self.operations.clear();
        self.refusals.clear();
        self.outgoing.clear();
    }

    /// One of the requests in flight was refused.
    pub(super) fn refuse_one(&mut self, refusal: Refusal) {
        // Of datagrams it may be a copy.
        let is_copy = self.config.datagrams && self.refusals.contains(&refusal);
        if self.operations.is_empty() || is_copy {
            return self.discard();
        }
        self.refusals.push(refusal);
        self.settle_refusals();
    }

    /// Gives the refusals to the requests without answer, once there are as many.
    fn settle_refusals(&mut self) {
        if self.refusals.is_empty() || self.operations.len() > self.refusals.len() {
            return;
        }
        let refusals = core::mem::take(&mut self.refusals);
        let mut operations = core::mem::take(&mut self.operations);
        for (operation, refusal) in operations.drain(..).zip(refusals) {
            self.refuse(operation, refusal);
        }
    }

    fn refuse(&mut self, operation: Operation, Refusal { failure, was_behind }: Refusal) {
        if was_behind && operation.may_repeat() {
            self.repeat(operation);
        } else {
            self.fail_operation(&operation, failure);
        }
    }

    /// Looks after the requests whose time is over.
    pub(super) fn handle_silence(&mut self, now: Instant) {
        let is_over = |operation: &Operation| operation.deadline().is_some_and(|due| due <= now);
        // A request that is asked again has no deadline before it is sent.
        while let Some(mut operation) = self.take_operation(is_over) {
            operation.set_deadline(None);
            let id = operation.id();
            if self.goes_in_blocks() {
                if self.blocks.take_heard() {
                    self.operations.push(operation);
                    self.wait(Some(id), now);
                    return;
                }
                if self.blocks.repeat(self.config.retries) {
                    self.operations.push(operation);
                    return;
                }
            }
            if let Some(refusal) = self.refusals.pop() {
                self.refuse(operation, refusal);
            } else if operation.may_repeat() {
                self.repeat(operation);
            } else {
                self.fail_operation(&operation, Failure::NoResponse);
            }
        }
    }
}

#[cfg(test)]
pub(in crate::association) mod tests {
    use super::{super::Event, RequestId};

    /// The request of events where there is no other.
    pub(in crate::association) const ANY: RequestId = RequestId(0);

    /// An event of whichever request.
    pub(in crate::association) fn of_any(event: Event) -> Event {
        match event {
            Event::Response(_, response) => Event::Response(ANY, response),
            Event::RequestFailed(_, failure) => Event::RequestFailed(ANY, failure),
            Event::Block(_, octets) => Event::Block(ANY, octets),
            other => other,
        }
    }
}
