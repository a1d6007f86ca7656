//! The numbering of I-frames, one half for each direction (IEC 62056-46 6.4.4).
//!
//! ```text
//!              V(A)            V(S)
//!   ... 1   2 | 3   4   5   6 | 7   0   1 ...
//!    settled  |  outstanding  |  not sent          at most `window` outstanding
//!             |_ offset in the PDU
//! ```
//!
//! After a loss V(S) goes back to V(A), but an N(R) may still acknowledge what was sent before:
//! the peer had it after all, and said so late.

use crate::{
    control::Sequence,
    parameters::{InformationLength, WindowSize},
};

/// The sending half: cuts one PDU into numbered segments, and again after a loss.
#[derive(Debug)]
pub(super) struct Outgoing {
    segment_len: usize,
    window: u8,
    /// V(A), the oldest number not acknowledged.
    acknowledged: Sequence,
    /// V(S), the number sent next.
    next: Sequence,
    /// The number after the newest one ever sent; beyond V(S) only after [`Outgoing::rewind`].
    newest: Sequence,
    /// The PDU being sent. Without one nothing is outstanding: V(A) = V(S).
    pdu: Option<Pdu>,
}

#[derive(Debug)]
struct Pdu {
    len: usize,
    /// Where the segment numbered V(A) begins; less than `len`.
    offset: usize,
}

/// One segment to be sent: `pdu[from..to]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) ns: Sequence,
    pub(super) from: usize,
    pub(super) to: usize,
    /// The PDU ends with this segment.
    pub(super) last: bool,
}

/// What an N(R) brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Acknowledged {
    /// Frames it acknowledged.
    pub(super) frames: u8,
    /// The whole PDU is acknowledged, and gone.
    pub(super) complete: bool,
}

/// N(R) acknowledges frames that were never sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InvalidNr;

impl Outgoing {
    pub(super) const fn new(information: InformationLength, window: WindowSize) -> Self {
        Self {
            segment_len: information.octets() as usize,
            window: window.frames(),
            acknowledged: Sequence::ZERO,
            next: Sequence::ZERO,
            newest: Sequence::ZERO,
            pdu: None,
        }
    }

    /// Begins a PDU of `len` octets, at least one.
    pub(super) fn begin(&mut self, len: usize) {
        self.pdu = Some(Pdu { len, offset: 0 });
    }

    pub(super) const fn is_idle(&self) -> bool {
        self.pdu.is_none()
    }

    /// V(S).
    pub(super) const fn vs(&self) -> Sequence {
        self.next
    }

    pub(super) const fn outstanding(&self) -> u8 {
        self.next.since(self.acknowledged)
    }

    /// The next segment, if the window lets one out; it is outstanding from now on.
    pub(super) fn cut(&mut self) -> Option<Cut> {
        let cut = self.peek()?;
        self.next = self.next.next();
        self.newest = self.later(self.newest, self.next);
        Some(cut)
    }

    /// The segment that [`Outgoing::cut`] would give.
    pub(super) fn peek(&self) -> Option<Cut> {
        let pdu = self.pdu.as_ref()?;
        if self.outstanding() >= self.window {
            return None;
        }
        let ahead = usize::from(self.outstanding()).saturating_mul(self.segment_len);
        let from = pdu.offset.saturating_add(ahead);
        let to = from.saturating_add(self.segment_len).min(pdu.len);
        (from < to).then_some(Cut { ns: self.next, from, to, last: to == pdu.len })
    }

    /// Takes the N(R) of a received frame.
    pub(super) fn acknowledge(&mut self, nr: Sequence) -> Result<Acknowledged, InvalidNr> {
        let frames = nr.since(self.acknowledged);
        if frames > self.newest.since(self.acknowledged) {
            return Err(InvalidNr);
        }
        self.next = self.later(self.next, nr);
        self.acknowledged = nr;
        let mut complete = false;
        if let Some(pdu) = &mut self.pdu {
            let octets = usize::from(frames).saturating_mul(self.segment_len);
            pdu.offset = pdu.offset.saturating_add(octets);
            complete = pdu.offset >= pdu.len;
        }
        if complete {
            self.pdu = None;
        }
        Ok(Acknowledged { frames, complete })
    }

    /// Goes back to the oldest frame not acknowledged: at a checkpoint the peer has said which
    /// frames it has, and whatever it has not is lost.
    pub(super) fn rewind(&mut self) {
        self.next = self.acknowledged;
    }

    /// The one of two numbers that is further from V(A).
    const fn later(&self, a: Sequence, b: Sequence) -> Sequence {
        if a.since(self.acknowledged) > b.since(self.acknowledged) { a } else { b }
    }
}

/// The receiving half.
#[derive(Debug)]
pub(super) struct Incoming {
    window: u8,
    /// V(R), the number expected next.
    next: Sequence,
    /// Frames taken since an N(R) was sent.
    unacknowledged: u8,
    /// The segment taken last said that more follow.
    inside: bool,
}

/// What a received N(S) means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// The one expected; `first` opens a PDU.
    Next {
        /// The segment opens a PDU.
        first: bool,
    },
    /// One taken before.
    Duplicate,
    /// One from further on within the window: what stands before it was lost.
    Gap,
    /// One that a peer that keeps to the window could not have sent.
    BeyondWindow,
}

impl Incoming {
    pub(super) const fn new(window: WindowSize) -> Self {
        Self { window: window.frames(), next: Sequence::ZERO, unacknowledged: 0, inside: false }
    }

    /// Takes the N(S) of a received frame.
    pub(super) fn arrive(&mut self, ns: Sequence, segmented: bool) -> Arrival {
        let ahead = ns.since(self.next);
        if ahead == 0 {
            let first = !self.inside;
            self.inside = segmented;
            self.next = self.next.next();
            self.unacknowledged = self.unacknowledged.saturating_add(1);
            Arrival::Next { first }
        } else if ahead < self.window {
            // With a large window this may be an old frame as well; the answer mends both.
            Arrival::Gap
        } else if self.next.since(ns) <= self.window {
            Arrival::Duplicate
        } else {
            Arrival::BeyondWindow
        }
    }

    /// V(R), to be sent as N(R).
    pub(super) fn acknowledge(&mut self) -> Sequence {
        self.unacknowledged = 0;
        self.next
    }

    /// V(R), not sent.
    pub(super) const fn vr(&self) -> Sequence {
        self.next
    }

    /// The peer has sent all it may before it is acknowledged.
    pub(super) const fn is_window_full(&self) -> bool {
        self.unacknowledged >= self.window
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing(segment_len: u16, window: u8, pdu_len: usize) -> Outgoing {
        let mut outgoing = Outgoing::new(
            InformationLength::try_new(segment_len).unwrap(),
            WindowSize::try_new(window).unwrap(),
        );
        outgoing.begin(pdu_len);
        outgoing
    }

    fn cuts(outgoing: &mut Outgoing) -> Vec<(u8, usize, usize, bool)> {
        core::iter::from_fn(|| outgoing.cut())
            .map(|cut| (cut.ns.value(), cut.from, cut.to, cut.last))
            .collect()
    }

    #[test]
    fn a_pdu_is_cut_as_far_as_the_window_lets_it() {
        let mut outgoing = outgoing(10, 3, 45);
        assert_eq!(
            cuts(&mut outgoing),
            [(0, 0, 10, false), (1, 10, 20, false), (2, 20, 30, false)]
        );
        let acknowledged = outgoing.acknowledge(Sequence::new(2));
        assert_eq!(acknowledged, Ok(Acknowledged { frames: 2, complete: false }));
        assert_eq!(cuts(&mut outgoing), [(3, 30, 40, false), (4, 40, 45, true)]);
        let acknowledged = outgoing.acknowledge(Sequence::new(5));
        assert_eq!(acknowledged, Ok(Acknowledged { frames: 3, complete: true }));
        assert!(outgoing.is_idle());
    }

    #[test]
    fn after_a_rewind_the_same_octets_have_the_same_numbers() {
        let mut outgoing = outgoing(10, 7, 30);
        let all = cuts(&mut outgoing);
        outgoing.acknowledge(Sequence::new(1)).unwrap();
        outgoing.rewind();
        assert_eq!(cuts(&mut outgoing), all[1..]);
    }

    #[test]
    fn after_a_rewind_a_late_acknowledgement_still_counts() {
        let mut outgoing = outgoing(10, 3, 50);
        cuts(&mut outgoing);
        outgoing.rewind();
        assert_eq!(outgoing.cut().map(|cut| cut.ns), Some(Sequence::new(0)));
        outgoing.acknowledge(Sequence::new(3)).unwrap();
        assert_eq!(outgoing.acknowledge(Sequence::new(4)), Err(InvalidNr));
        assert_eq!(cuts(&mut outgoing), [(3, 30, 40, false), (4, 40, 50, true)]);
    }

    #[test]
    fn an_nr_outside_the_outstanding_frames_is_invalid() {
        let mut outgoing = outgoing(10, 2, 30);
        cuts(&mut outgoing);
        assert_eq!(outgoing.acknowledge(Sequence::new(3)), Err(InvalidNr));
        assert_eq!(outgoing.acknowledge(Sequence::new(7)), Err(InvalidNr));
        assert!(outgoing.acknowledge(Sequence::new(0)).is_ok());
    }

    #[test]
    fn a_full_last_segment_is_the_last() {
        let mut outgoing = outgoing(10, 7, 20);
        assert_eq!(cuts(&mut outgoing), [(0, 0, 10, false), (1, 10, 20, true)]);
    }

    #[test]
    fn what_arrives_is_expected_old_lost_or_impossible() {
        let mut incoming = Incoming::new(WindowSize::try_new(3).unwrap());
        assert_eq!(incoming.arrive(Sequence::new(0), true), Arrival::Next { first: true });
        assert_eq!(incoming.arrive(Sequence::new(1), false), Arrival::Next { first: false });
        assert_eq!(incoming.arrive(Sequence::new(2), false), Arrival::Next { first: true });
        assert!(incoming.is_window_full());
        assert_eq!(incoming.acknowledge(), Sequence::new(3));
        assert!(!incoming.is_window_full());
        for (ns, arrival) in [
            (0, Arrival::Duplicate),
            (2, Arrival::Duplicate),
            (4, Arrival::Gap),
            (5, Arrival::Gap),
            (6, Arrival::BeyondWindow),
            (7, Arrival::BeyondWindow),
        ] {
            assert_eq!(incoming.arrive(Sequence::new(ns), false), arrival, "{ns}");
        }
        assert_eq!(incoming.vr(), Sequence::new(3));
    }
}
