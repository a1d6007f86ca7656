//! The wired M-Bus transport of pushes (EN 13757-2 and -3; IEC 62056-7-3).
//!
//! ```text
//!   68  L  L  68  C  A  CI  ST DT  part of an APDU  CS  16
//!                |<-------------- L --------------->|
//! ```
//!
//! Long frames with an APDU in them. CI numbers the segments: bits 0 to 3 count from 0, bit 4 is
//! set in the last. ST and DT are the source and destination SAP (`01` logical device 1, `67`
//! client 103 in Austria and Switzerland). CS is the sum of the L octets.
//!
//! L has eight bits. Some meters put more octets into a frame and write L modulo 256, so that a
//! frame of 257 says 1; [`next_frame`] tries that length when the one announced does not hold.
//!
//! ```
//! use dlms_core::mbus::{self, MbusSegments};
//!
//! let octets = [
//!     0x68, 0x07, 0x07, 0x68, 0x53, 0xff, 0x10, 0x01, 0x67, 0x62, 0x00, 0x2c, 0x16,
//! ];
//! let frame = mbus::next_frame(&octets).unwrap()?;
//! assert_eq!((frame.source, frame.destination, frame.part), (1, 0x67, &[0x62, 0x00][..]));
//! assert_eq!(MbusSegments::new().take(&frame), Ok(Some(vec![0x62, 0x00])));
//! # Ok::<(), dlms_core::mbus::MbusError>(())
//! ```

use alloc::vec::Vec;

use crate::axdr::Reader;

/// The octet before and after the lengths.
pub const START: u8 = 0x68;
/// The octet behind every frame.
pub const STOP: u8 = 0x16;

/// Octets of the longest frame: a length of eight bits that ran over once.
pub const FRAME_LEN_MAX: usize = HEADER_LEN + 0xff + OVERRUN + TRAILER_LEN;
/// Octets of the longest APDU that [`MbusSegments`] joins: sixteen segments.
pub const APDU_MAX: usize = 16 * (0xff + OVERRUN);

/// Start, length twice, start.
const HEADER_LEN: usize = 4;
/// Checksum and stop.
const TRAILER_LEN: usize = 2;
/// C, A, CI and the two SAPs.
const CONTENT_MIN: usize = 5;
/// What a length of eight bits loses when it runs over.
const OVERRUN: usize = 0x100;

const SEQUENCE: u8 = 0x0f;
const LAST: u8 = 0x10;
/// CI octets above this one announce something else than a segment of an APDU.
const SEGMENT_CI_MAX: u8 = 0x1f;

/// A long frame with a segment of an APDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MbusFrame<'a> {
    /// The C field: `53` or `73`, data sent to the station.
    pub control: u8,
    /// The A field: the primary address; `ff` for everybody.
    pub address: u8,
    /// The number of the segment, 0 to 15.
    pub sequence: u8,
    /// Whether this is the last segment.
    pub last: bool,
    /// The SAP of the sender.
    pub source: u8,
    /// The SAP of the receiver.
    pub destination: u8,
    /// A part of the APDU.
    pub part: &'a [u8],
    consumed: usize,
}

impl MbusFrame<'_> {
    /// How many octets of the buffer the frame took.
    pub const fn consumed(&self) -> usize {
        self.consumed
    }

    /// The CI field.
    pub const fn control_information(&self) -> u8 {
        if self.last { self.sequence | LAST } else { self.sequence }
    }
}

/// Why octets are not a frame, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at octet {offset}")]
pub struct MbusError {
    /// What is wrong.
    pub kind: MbusErrorKind,
    /// The octet at fault, counted from the first one given.
    pub offset: usize,
}

/// What is wrong with octets that are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MbusErrorKind {
    /// No start octet where one is due.
    #[error("no M-Bus start octet")]
    Start,
    /// The two length octets differ, or are too small for any segment.
    #[error("wrong M-Bus length")]
    Length,
    /// No stop octet where the length says that the frame ends.
    #[error("no M-Bus stop octet")]
    Stop,
    /// The octets end before the frame does.
    #[error("M-Bus frame ends too early")]
    Truncated,
    /// The sum of the octets is another.
    #[error("M-Bus checksum mismatch")]
    Checksum,
    /// A CI field that announces something else than a segment of an APDU.
    #[error("M-Bus control information {0:#04x} is no segment number")]
    ControlInformation(u8),
}

impl MbusErrorKind {
    const fn at(self, offset: usize) -> MbusError {
        MbusError { kind: self, offset }
    }
}

/// The first frame of `buf`, if it is complete. None means that more octets are needed. The owner
/// drops [`consumed`](MbusFrame::consumed) octets and asks again; after an error it drops
/// [`resynchronize`] octets.
///
/// # Errors
/// [`MbusError`] for octets that no frame begins with, at the octet that shows it.
pub fn next_frame(buf: &[u8]) -> Option<Result<MbusFrame<'_>, MbusError>> {
    let length = match announced_length(buf)? {
        Ok(length) => length,
        Err(error) => return Some(Err(error)),
    };
    let announced = frame_of(buf, length)?;
    if announced.is_ok() {
        return Some(announced);
    }
    // What is announced does not hold: perhaps the length ran over.
    match frame_of(buf, length.saturating_add(OVERRUN))? {
        Ok(frame) => Some(Ok(frame)),
        Err(_) => Some(announced),
    }
}

/// The first frame of `buf` when no more octets will come: what [`next_frame`] would wait for is
/// missing then. None when nothing is left.
///
/// # Errors
/// As [`next_frame`], and [`MbusErrorKind::Truncated`].
pub fn last_frame(buf: &[u8]) -> Option<Result<MbusFrame<'_>, MbusError>> {
    if buf.is_empty() {
        return None;
    }
    // The announced length may be wrong where next_frame waits for one that ran over.
    let announced = || frame_of(buf, announced_length(buf)?.ok()?);
    let truncated = Err(MbusErrorKind::Truncated.at(buf.len()));
    Some(next_frame(buf).or_else(announced).unwrap_or(truncated))
}

/// The length that both length octets of the first frame of `buf` announce.
fn announced_length(buf: &[u8]) -> Option<Result<usize, MbusError>> {
    Some(match *buf {
        [] | [START] | [START, _] => return None,
        [START, first, second, ..] if first != second => Err(MbusErrorKind::Length.at(2)),
        [START, _, _] => return None,
        [START, length, _, START, ..] => Ok(usize::from(length)),
        [START, _, _, _, ..] => Err(MbusErrorKind::Start.at(3)),
        _ => Err(MbusErrorKind::Start.at(0)),
    })
}

/// After an error: how many octets to drop so that the next start octet comes first.
pub fn resynchronize(buf: &[u8]) -> usize {
    let after = buf.get(1..).unwrap_or_default();
    after.iter().position(|&octet| octet == START).map_or(buf.len(), |at| at.saturating_add(1))
}

/// The frame of `length` octets between header and trailer.
fn frame_of(buf: &[u8], length: usize) -> Option<Result<MbusFrame<'_>, MbusError>> {
    if length < CONTENT_MIN {
        return Some(Err(MbusErrorKind::Length.at(1)));
    }
    let mut reader = Reader::at(buf.get(HEADER_LEN..)?, HEADER_LEN);
    let content = reader.octets(length).ok()?;
    let sum_at = reader.offset();
    let [sum, stop] = reader.array().ok()?;
    if stop != STOP {
        return Some(Err(MbusErrorKind::Stop.at(sum_at.saturating_add(1))));
    }
    if content.iter().fold(0_u8, |sum, octet| sum.wrapping_add(*octet)) != sum {
        return Some(Err(MbusErrorKind::Checksum.at(sum_at)));
    }
    let &[control, address, ci, source, destination, ref part @ ..] = content else {
        return Some(Err(MbusErrorKind::Length.at(1)));
    };
    if ci > SEGMENT_CI_MAX {
        let at = HEADER_LEN.saturating_add(2);
        return Some(Err(MbusErrorKind::ControlInformation(ci).at(at)));
    }
    Some(Ok(MbusFrame {
        control,
        address,
        sequence: ci & SEQUENCE,
        last: ci & LAST != 0,
        source,
        destination,
        part,
        consumed: reader.offset(),
    }))
}

/// Joins segments to APDUs.
#[derive(Clone, Debug, Default)]
pub struct MbusSegments {
    /// The number that must come next; none while no APDU is being joined.
    expected: Option<u8>,
    joined: Vec<u8>,
}

/// A segment that no APDU can be joined with. What was joined so far is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StraySegment {
    /// The segments before it are missing.
    #[error("M-Bus segment {sequence} of an APDU whose beginning is missing")]
    Orphan {
        /// The number of the segment.
        sequence: u8,
    },
    /// A segment is missing, or this one came twice.
    #[error("M-Bus segment {sequence} where segment {expected} is due")]
    Order {
        /// The number of the segment.
        sequence: u8,
        /// The number that was due.
        expected: u8,
    },
}

impl MbusSegments {
    /// Nothing is being joined.
    pub const fn new() -> Self {
        Self { expected: None, joined: Vec::new() }
    }

    /// Whether an APDU has begun and not ended.
    pub const fn is_inside_apdu(&self) -> bool {
        self.expected.is_some()
    }

    /// Takes the segment of `frame`; returns the APDU when it was the last one. Segment 0 begins a
    /// new APDU whatever came before. Sixteen segments bound the memory: [`APDU_MAX`].
    ///
    /// # Errors
    /// [`StraySegment`].
    pub fn take(&mut self, frame: &MbusFrame<'_>) -> Result<Option<Vec<u8>>, StraySegment> {
        let sequence = frame.sequence;
        let expected = self.expected.take();
        if sequence == 0 {
            self.joined.clear();
        } else {
            match expected {
                None => return Err(StraySegment::Orphan { sequence }),
                Some(expected) if expected != sequence => {
                    return Err(StraySegment::Order { sequence, expected });
                }
                Some(_) => {}
            }
        }
        self.joined.extend_from_slice(frame.part);
        if frame.last {
            return Ok(Some(core::mem::take(&mut self.joined)));
        }
        self.expected = Some(sequence.saturating_add(1));
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec;

    /// A frame whose length field has eight bits, however long it is.
    fn encoded(ci: u8, part: &[u8]) -> Vec<u8> {
        let mut content = vec![0x53, 0xff, ci, 0x01, 0x67];
        content.extend(part);
        let length = content.len().to_be_bytes()[7];
        let sum = content.iter().fold(0_u8, |sum, octet| sum.wrapping_add(*octet));
        let mut frame = vec![START, length, length, START];
        frame.extend(content);
        frame.extend([sum, STOP]);
        frame
    }

    fn kind(octets: &[u8]) -> MbusErrorKind {
        next_frame(octets).unwrap().unwrap_err().kind
    }

    #[test]
    fn a_frame_has_a_header_a_sum_and_an_end() {
        let octets = [0x68, 0x06, 0x06, 0x68, 0x53, 0xff, 0x11, 0x01, 0x67, 0xaa, 0x75, 0x16];
        assert_eq!(encoded(0x11, &[0xaa]), octets);
        let frame = next_frame(&octets).unwrap().unwrap();
        assert_eq!((frame.control, frame.address), (0x53, 0xff));
        assert_eq!((frame.sequence, frame.last, frame.control_information()), (1, true, 0x11));
        assert_eq!((frame.source, frame.destination), (0x01, 0x67));
        assert_eq!((frame.part, frame.consumed()), (&[0xaa][..], octets.len()));
    }

    #[test]
    fn every_beginning_of_a_frame_needs_more() {
        for octets in [encoded(0x10, &[1, 2, 3]), encoded(0x00, &[7; 252])] {
            for end in 0..octets.len() {
                assert_eq!(next_frame(&octets[..end]), None, "{end}");
            }
            assert!(next_frame(&octets).unwrap().is_ok());
        }
    }

    #[test]
    fn a_length_that_ran_over_is_understood() {
        // 5 octets and 252 are 257: the length field says 1.
        let octets = encoded(0x00, &[7; 252]);
        assert_eq!(octets[..4], [0x68, 0x01, 0x01, 0x68]);
        let frame = next_frame(&octets).unwrap().unwrap();
        assert_eq!((frame.part, frame.consumed()), (&[7; 252][..], 263));
        // 300 say 44, for which a frame would be long enough, too.
        let octets = encoded(0x00, &[0x16; 295]);
        assert_eq!(octets[1], 44);
        assert_eq!(next_frame(&octets).unwrap().unwrap().part.len(), 295);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let padded = |mut octets: Vec<u8>| {
            octets.extend([0; FRAME_LEN_MAX]);
            octets
        };
        assert_eq!(kind(&[0x10]), MbusErrorKind::Start);
        assert_eq!(kind(&[0x68, 0x06, 0x07]), MbusErrorKind::Length);
        assert_eq!(kind(&[0x68, 0x06, 0x06, 0x00]), MbusErrorKind::Start);
        assert_eq!(kind(&padded(vec![0x68, 0x04, 0x04, 0x68])), MbusErrorKind::Length);
        let mut wrong = encoded(0x10, &[1, 2, 3]);
        wrong[9] ^= 1;
        assert_eq!(kind(&padded(wrong)), MbusErrorKind::Checksum);
        let mut wrong = encoded(0x10, &[1, 2, 3]);
        *wrong.last_mut().unwrap() = 0x17;
        assert_eq!(kind(&padded(wrong)), MbusErrorKind::Stop);
        assert_eq!(kind(&padded(encoded(0x72, &[1]))), MbusErrorKind::ControlInformation(0x72));
    }

    #[test]
    fn at_the_end_of_input_what_is_missing_is_an_error() {
        let octets = encoded(0x10, &[1, 2, 3]);
        assert_eq!(last_frame(&octets), next_frame(&octets));
        assert_eq!(last_frame(&[]), None);
        let error = |octets: &[u8]| last_frame(octets).unwrap().unwrap_err().kind;
        assert_eq!(error(&octets[..octets.len() - 1]), MbusErrorKind::Truncated);
        let mut wrong = octets;
        wrong[9] ^= 1;
        assert_eq!(next_frame(&wrong), None, "a frame of 256 more octets may still come");
        assert_eq!(error(&wrong), MbusErrorKind::Checksum);
    }

    #[test]
    fn the_search_goes_on_at_the_next_start_octet() {
        let octets = [0x68, 0x00, 0x68, 0x01];
        assert_eq!(resynchronize(&octets), 2);
        assert_eq!(resynchronize(&[0x68, 0x00]), 2);
        assert_eq!(resynchronize(&[]), 0);
    }

    #[test]
    fn segments_are_joined_in_their_order_and_no_other() {
        let mut segments = MbusSegments::new();
        let mut take = |ci, part: &[u8]| {
            let octets = encoded(ci, part);
            segments.take(&next_frame(&octets).unwrap().unwrap())
        };
        assert_eq!(take(0x00, &[1, 2]), Ok(None));
        assert_eq!(take(0x01, &[3]), Ok(None));
        assert_eq!(take(0x12, &[4]), Ok(Some(vec![1, 2, 3, 4])));
        // A new beginning drops the old one.
        assert_eq!(take(0x00, &[1]), Ok(None));
        assert_eq!(take(0x00, &[5]), Ok(None));
        assert_eq!(take(0x11, &[6]), Ok(Some(vec![5, 6])));
        // Lost, doubled, without a beginning.
        assert_eq!(take(0x00, &[1]), Ok(None));
        assert_eq!(take(0x12, &[2]), Err(StraySegment::Order { sequence: 2, expected: 1 }));
        assert_eq!(take(0x11, &[2]), Err(StraySegment::Orphan { sequence: 1 }));
        assert_eq!(take(0x10, &[9]), Ok(Some(vec![9])));
    }

    proptest! {
        #[test]
        fn no_octets_at_all_make_decoding_panic(
            octets in proptest::collection::vec(any::<u8>(), 0..300),
            head in 0..4_usize,
        ) {
            let mut octets = octets;
            if let (true, [a, b, c, d, ..]) = (head > 0, &mut octets[..]) {
                (*a, *c, *d) = (START, *b, START);
            }
            let _ = next_frame(&octets);
            prop_assert!(resynchronize(&octets) <= octets.len());
        }

        #[test]
        fn any_frame_is_found(part in proptest::collection::vec(any::<u8>(), 0..500)) {
            let octets = encoded(0x10, &part);
            let frame = next_frame(&octets).unwrap().unwrap();
            // A longer frame may happen to hold a shorter one of the length that it says.
            prop_assert!(frame.part == part || frame.part.len() + OVERRUN == part.len());
        }
    }
}
