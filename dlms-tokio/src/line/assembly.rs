//! Puts the segments of an HDLC PDU together and takes the LLC header off (IEC 62056-46 §5.4).

use hdlc::{link::Segment, llc::Llc};

/// A PDU on its way in. One for numbered and one for unnumbered segments, since a push may come in
/// the middle of an answer.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    octets: Vec<u8>,
    /// The PDU has passed the limit, and that was said; the rest of it is dropped.
    overlong: bool,
}

/// What a segment completed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Assembled {
    /// Nothing yet.
    Unfinished,
    /// Nothing, and nothing will come of this PDU, which was too long.
    Dropped,
    /// An APDU.
    Apdu(Vec<u8>),
    /// The APDU has become longer than allowed, and is gone: said at once, not when it ends, which
    /// it may never do.
    TooLong,
}

impl Assembly {
    /// Takes the next segment of a PDU whose APDU may have up to `limit` octets.
    pub(crate) fn take(&mut self, segment: &Segment<'_>, limit: usize) -> Assembled {
        if segment.first {
            self.clear();
        }
        if self.overlong {
            self.overlong = !segment.last;
            return Assembled::Dropped;
        }
        if self.octets.len().saturating_add(segment.octets.len()) > limit.saturating_add(Llc::LEN) {
            self.octets = Vec::new();
            self.overlong = !segment.last;
            return Assembled::TooLong;
        }
        self.octets.extend_from_slice(segment.octets);
        if !segment.last {
            return Assembled::Unfinished;
        }
        Assembled::Apdu(without_llc(core::mem::take(&mut self.octets)))
    }

    /// How many octets are held.
    pub(crate) const fn len(&self) -> usize {
        self.octets.len()
    }

    /// Drops what has come of a PDU.
    pub(crate) fn clear(&mut self) {
        self.octets = Vec::new();
        self.overlong = false;
    }
}

/// Some meters send the LLC header only in the first of several UI frames that belong together: a
/// PDU without one is an APDU as it stands.
fn without_llc(mut pdu: Vec<u8>) -> Vec<u8> {
    if Llc::decode(&pdu).is_ok() {
        pdu.drain(..Llc::LEN);
    }
    pdu
}

#[cfg(test)]
mod tests {
    use hdlc::link::Segment;

    use super::{Assembled, Assembly};

    fn segment(octets: &[u8], first: bool, last: bool) -> Segment<'_> {
        Segment { octets, first, last, unnumbered: false }
    }

    #[test]
    fn segments_become_one_apdu_without_its_llc_header() {
        let mut assembly = Assembly::default();
        let head = segment(&[0xE6, 0xE7, 0x00, 0xC4], true, false);
        assert_eq!(assembly.take(&head, 5), Assembled::Unfinished);
        assert_eq!(
            assembly.take(&segment(&[1, 2], false, true), 5),
            Assembled::Apdu(vec![0xC4, 1, 2])
        );
    }

    #[test]
    fn a_pdu_without_llc_header_is_an_apdu() {
        let mut assembly = Assembly::default();
        assert_eq!(
            assembly.take(&segment(&[0xE0, 0x41], true, true), 9),
            Assembled::Apdu(vec![0xE0, 0x41])
        );
    }

    #[test]
    fn a_first_segment_drops_what_was_never_finished() {
        let mut assembly = Assembly::default();
        assembly.take(&segment(&[0xE6, 0xE7, 0x00, 0xC4], true, false), 9);
        let whole = segment(&[0xE6, 0xE7, 0x00, 0xC5], true, true);
        assert_eq!(assembly.take(&whole, 9), Assembled::Apdu(vec![0xC5]));
    }

    #[test]
    fn a_pdu_above_the_limit_is_named_at_once_and_dropped_to_its_end_and_the_next_is_whole() {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.take(&segment(&[0; 7], true, false), 4), Assembled::Unfinished);
        assert_eq!(assembly.take(&segment(&[0; 1], false, false), 4), Assembled::TooLong);
        assert_eq!(assembly.take(&segment(&[0; 1], false, false), 4), Assembled::Dropped);
        assert_eq!(assembly.take(&segment(&[0; 1], false, true), 4), Assembled::Dropped);
        assert_eq!(assembly.take(&segment(&[0; 8], true, true), 4), Assembled::TooLong);
        assert_eq!(assembly.take(&segment(&[0xC5], true, true), 4), Assembled::Apdu(vec![0xC5]));
    }
}
