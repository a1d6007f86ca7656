//! Frame format type 3 (IEC 62056-46 6.4.1).
//!
//! ```text
//!   7E   1010 S LLL  LLLLLLLL   1,2,4   1,2,4    1     2              2    7E
//!   flag format      length     dest.   source   ctl   HCS   info     FCS  flag
//!        |<------------------------- LLL LLLLLLLL ------------------------>|
//! ```
//!
//! `S` says that more segments of the same PDU follow. The length counts every octet between the
//! flags. A frame without information has no HCS. Nothing is stuffed: an octet 0x7E may stand
//! anywhere between the flags, so only the length tells where a frame ends.

use thiserror::Error;

use crate::{
    address::{Address, AddressLength},
    control::Control,
    fcs::Fcs,
};

/// The octet before and after every frame; one flag may close a frame and open the next.
pub const FLAG: u8 = 0x7e;
/// Octets between the flags of the longest frame: eleven bits of length.
pub const LENGTH_MAX: usize = 0x7ff;
/// Octets of the longest frame, flags included: what a buffer must hold to send or take any frame.
pub const FRAME_LEN_MAX: usize = LENGTH_MAX + 2;

/// Octets between the flags of the shortest frame: format, two addresses, control, FCS.
const LENGTH_MIN: usize = 7;
/// Octets of a header without its HCS, with both addresses of four octets.
const HEADER_LEN_MAX: usize = 11;
/// Octets of a checksum.
const FCS_LEN: usize = 2;

const FORMAT_TYPE_3: u8 = 0xa0;
const FORMAT_TYPE_MASK: u8 = 0xf0;
const SEGMENTED: u8 = 0x08;
const LENGTH_HIGH_MASK: u8 = 0x07;

/// One HDLC frame; the information field stays in the buffer it arrived in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Whom the frame is for.
    pub destination: Address,
    /// Who sent it.
    pub source: Address,
    /// What it is for.
    pub control: Control,
    /// More segments of the same PDU follow.
    pub segmented: bool,
    /// The information field; empty when the frame has none.
    pub information: &'a [u8],
}

/// Why octets are not a frame, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{kind} at octet {offset}")]
pub struct FrameError {
    /// What is wrong.
    pub kind: FrameErrorKind,
    /// Offset of the octets at fault; the octet after the opening flag has offset 0.
    pub offset: usize,
}

/// What is wrong with octets that are not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum FrameErrorKind {
    /// Octets stand where an opening flag is due.
    #[error("octets outside any frame")]
    OpeningFlag,
    /// The first octet is not of frame format type 3.
    #[error("not frame format type 3")]
    Format,
    /// The length subfield does not agree with the octets, or with itself.
    #[error("wrong frame length")]
    Length,
    /// An address of three octets, or of more than four.
    #[error("wrong address length")]
    Address,
    /// The header check sequence does not match.
    #[error("header check sequence mismatch")]
    Hcs,
    /// No flag stands where the length says that the frame ends.
    #[error("no closing flag")]
    ClosingFlag,
    /// The frame check sequence does not match.
    #[error("frame check sequence mismatch")]
    Fcs,
}

impl FrameErrorKind {
    pub(crate) const fn at(self, offset: usize) -> FrameError {
        FrameError { kind: self, offset }
    }
}

/// Why a frame could not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// The information field is too long for a length of eleven bits.
    #[error("a frame of {length} octets between its flags is too long")]
    TooLong {
        /// Octets there would be between the flags.
        length: usize,
    },
    /// The output buffer is too short.
    #[error("the frame needs {needed} octets of output")]
    BufferTooShort {
        /// Octets the frame takes, flags included.
        needed: usize,
    },
}

impl<'a> Frame<'a> {
    /// Reads the octets between two flags.
    ///
    /// The checks run from cheap to dear: format, length, addresses, HCS, and only then the FCS.
    pub fn decode(octets: &'a [u8]) -> Result<Self, FrameError> {
        let Some(header) = Header::decode(octets)? else {
            return Err(FrameErrorKind::Length.at(octets.len()));
        };
        if header.length != octets.len() {
            return Err(FrameErrorKind::Length.at(octets.len().min(header.length)));
        }
        header.into_frame(octets)
    }

    /// Writes the frame with both flags to the front of `out` and returns how many octets it took.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        let length = self.length();
        if length > LENGTH_MAX {
            return Err(EncodeError::TooLong { length });
        }
        let needed = length.saturating_add(2);
        let rest = out.get_mut(..needed).ok_or(EncodeError::BufferTooShort { needed })?;

        let [length_high, length_low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        let segmented = if self.segmented { SEGMENTED } else { 0 };
        let format = FORMAT_TYPE_3 | segmented | (length_high & LENGTH_HIGH_MASK);

        let mut writer = Writer { rest, fcs: Fcs::new() };
        writer.put_unsummed(&[FLAG]);
        writer.put(&[format, length_low]);
        writer.put_address(self.destination);
        writer.put_address(self.source);
        writer.put(&[self.control.encode()]);
        if !self.information.is_empty() {
            writer.put(&writer.fcs.value().to_le_bytes());
            writer.put(self.information);
        }
        writer.put(&writer.fcs.value().to_le_bytes());
        writer.put_unsummed(&[FLAG]);
        Ok(needed)
    }

    /// Octets between the flags.
    fn length(&self) -> usize {
        let header = self
            .destination
            .length()
            .octets()
            .saturating_add(self.source.length().octets())
            .saturating_add(3);
        let information = match self.information.len() {
            0 => 0,
            octets => octets.saturating_add(FCS_LEN),
        };
        header.saturating_add(information).saturating_add(FCS_LEN)
    }
}

/// Fills a buffer that was measured before, and sums what it writes.
struct Writer<'o> {
    rest: &'o mut [u8],
    fcs: Fcs,
}

impl Writer<'_> {
    fn put(&mut self, octets: &[u8]) {
        self.fcs.update(octets);
        self.put_unsummed(octets);
    }

    fn put_address(&mut self, address: Address) {
        let octets = address.encode();
        self.put(octets.get(..address.length().octets()).unwrap_or(&octets));
    }

    fn put_unsummed(&mut self, octets: &[u8]) {
        let rest = core::mem::take(&mut self.rest);
        if let Some((head, tail)) = rest.split_at_mut_checked(octets.len()) {
            head.copy_from_slice(octets);
            self.rest = tail;
        }
    }
}

/// The length that the two octets after the opening flag announce; zero when they are not there.
pub(crate) fn announced_length(octets: &[u8]) -> usize {
    match *octets {
        [format, low, ..] => usize::from(u16::from_be_bytes([format & LENGTH_HIGH_MASK, low])),
        _ => 0,
    }
}

/// What stands before the information field, read and, where there is an HCS, checked.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    /// Octets between the flags, as announced; at least [`LENGTH_MIN`].
    pub(crate) length: usize,
    destination: Address,
    source: Address,
    control: Control,
    segmented: bool,
    /// Octets up to and with the control field; at most [`HEADER_LEN_MAX`].
    header_len: usize,
    /// The sum over `header_len` octets.
    fcs: Fcs,
}

impl Header {
    /// Reads the header of a frame whose first octet after the flag is `octets[0]`. The frame need
    /// not be complete. `Ok(None)`: more octets are needed to tell.
    pub(crate) fn decode(octets: &[u8]) -> Result<Option<Self>, FrameError> {
        let Some((&format, _)) = octets.split_first() else { return Ok(None) };
        if format & FORMAT_TYPE_MASK != FORMAT_TYPE_3 {
            return Err(FrameErrorKind::Format.at(0));
        }
        if octets.len() < 2 {
            return Ok(None);
        }
        let length = announced_length(octets);
        if length < LENGTH_MIN {
            return Err(FrameErrorKind::Length.at(1));
        }

        // Never look past the announced end.
        let octets = octets.get(..length).unwrap_or(octets);
        let incomplete = |octets: &[u8]| match octets.len() < length {
            true => Ok(None),
            false => Err(FrameErrorKind::Length.at(1)),
        };
        let rest = octets.get(2..).unwrap_or_default();
        let destination = Address::decode(rest).map_err(|_| FrameErrorKind::Address.at(2))?;
        let Some((destination, rest)) = destination else { return incomplete(octets) };
        let source_at = destination.length().octets().saturating_add(2);
        let source = Address::decode(rest).map_err(|_| FrameErrorKind::Address.at(source_at))?;
        let Some((source, rest)) = source else { return incomplete(octets) };
        let Some((&control, rest)) = rest.split_first() else { return incomplete(octets) };

        let (header, _) = octets.split_at(octets.len().saturating_sub(rest.len()));
        let mut fcs = Fcs::new();
        fcs.update(header);
        let header_len = header.len();
        match length.checked_sub(header_len.saturating_add(FCS_LEN)) {
            // No information: the FCS follows at once and is checked with the whole frame.
            Some(0) => {}
            // An HCS, and from nothing to much information.
            Some(after_hcs) if after_hcs >= FCS_LEN => match rest.first_chunk() {
                Some(&hcs) if !fcs.verifies(hcs) => return Err(FrameErrorKind::Hcs.at(header_len)),
                Some(_) => {}
                None => return Ok(None),
            },
            _ => return Err(FrameErrorKind::Length.at(1)),
        }
        Ok(Some(Self {
            length,
            destination,
            source,
            control: Control::decode(control),
            segmented: format & SEGMENTED != 0,
            header_len,
            fcs,
        }))
    }

    /// Checks the FCS and cuts the information field out of `octets`, which are the announced
    /// number and those the header was read from.
    pub(crate) fn into_frame(mut self, octets: &[u8]) -> Result<Frame<'_>, FrameError> {
        let body = octets.get(self.header_len..).unwrap_or_default();
        let Some((summed, &received)) = body.split_last_chunk() else {
            return Err(FrameErrorKind::Length.at(octets.len()));
        };
        self.fcs.update(summed);
        if !self.fcs.verifies(received) {
            return Err(FrameErrorKind::Fcs.at(self.header_len.saturating_add(summed.len())));
        }
        Ok(Frame {
            destination: self.destination,
            source: self.source,
            control: self.control,
            segmented: self.segmented,
            information: summed.get(FCS_LEN..).unwrap_or_default(),
        })
    }
}

/// The longest information field that parameters can agree on fits the longest header.
const _: () = {
    let information = crate::parameters::InformationLength::MAX.octets() as usize;
    assert!(HEADER_LEN_MAX + FCS_LEN + information + FCS_LEN <= LENGTH_MAX);
    assert!(HEADER_LEN_MAX == 2 + 2 * AddressLength::Four.octets() + 1);
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{control::Sequence, fcs::checksum};

    /// Client 0x10 opens the link to server 0x01, both addresses of one octet.
    const SNRM: [u8; 9] = [0x7e, 0xa0, 0x07, 0x03, 0x21, 0x93, 0x0f, 0x01, 0x7e];

    /// The published example of the DLMS User Association: UA with parameters from server
    /// 0001/0011 to client 0x10.
    const UA: [u8; 37] = [
        0x7e, 0xa0, 0x23, 0x21, 0x00, 0x02, 0x00, 0x23, 0x73, 0xf6, 0xc5, 0x81, 0x80, 0x14, 0x05,
        0x02, 0x00, 0x80, 0x06, 0x02, 0x00, 0x80, 0x07, 0x04, 0x00, 0x00, 0x00, 0x01, 0x08, 0x04,
        0x00, 0x00, 0x00, 0x01, 0xce, 0x6a, 0x7e,
    ];

    fn between_flags(octets: &[u8]) -> &[u8] {
        octets.strip_prefix(&[FLAG]).unwrap().strip_suffix(&[FLAG]).unwrap()
    }

    fn kind(octets: &[u8]) -> FrameErrorKind {
        Frame::decode(octets).unwrap_err().kind
    }

    /// Puts right checksums on octets that are otherwise wrong.
    fn summed(octets: &[u8]) -> Vec<u8> {
        let mut octets = octets.to_vec();
        octets.extend(checksum(&octets).to_le_bytes());
        octets
    }

    #[test]
    fn a_frame_without_information_has_no_hcs() {
        let frame = Frame::decode(between_flags(&SNRM)).unwrap();
        assert_eq!(
            frame,
            Frame {
                destination: Address::MANAGEMENT,
                source: Address::PUBLIC_CLIENT,
                control: Control::Snrm { pf: true },
                segmented: false,
                information: &[],
            }
        );
        let mut out = [0; 9];
        assert_eq!(frame.encode(&mut out), Ok(9));
        assert_eq!(out, SNRM);
    }

    #[test]
    fn a_frame_with_information_has_hcs_and_fcs() {
        let frame = Frame::decode(between_flags(&UA)).unwrap();
        assert_eq!(frame.destination, Address::PUBLIC_CLIENT);
        assert_eq!(frame.source, Address::try_four(0x0001, 0x0011).unwrap());
        assert_eq!(frame.control, Control::Ua { pf: true });
        assert_eq!(frame.information, &UA[11..34]);
        let mut out = [0; FRAME_LEN_MAX];
        assert_eq!(frame.encode(&mut out), Ok(UA.len()));
        assert_eq!(out[..UA.len()], UA);
    }

    #[test]
    fn the_length_has_eleven_bits() {
        let information = [0x7e; 2030];
        let frame = Frame {
            destination: Address::try_four(0x1234, 0x3fff).unwrap(),
            source: Address::try_one(0x3a).unwrap(),
            control: Control::I { ns: Sequence::ZERO, nr: Sequence::ZERO, pf: false },
            segmented: true,
            information: &information,
        };
        let mut out = [0; FRAME_LEN_MAX];
        let written = frame.encode(&mut out).unwrap();
        // 2 + 4 + 1 + 1 + 2 + 2030 + 2 = 2042 = 0x7FA between the flags.
        assert_eq!(written, 2044);
        assert_eq!(out[..8], [0x7e, 0xaf, 0xfa, 0x48, 0x68, 0xfe, 0xff, 0x75]);
        assert_eq!(Frame::decode(between_flags(&out[..written])), Ok(frame));
    }

    #[test]
    fn what_does_not_fit_is_refused_before_anything_is_written() {
        let information = [0; 2040];
        let mut frame = Frame::decode(between_flags(&SNRM)).unwrap();
        let mut out = [0xaa; 2100];
        assert_eq!(frame.encode(&mut out[..8]), Err(EncodeError::BufferTooShort { needed: 9 }));
        frame.information = &information;
        assert_eq!(frame.encode(&mut out), Err(EncodeError::TooLong { length: 2049 }));
        assert!(out.iter().all(|&octet| octet == 0xaa));
    }

    #[test]
    fn every_field_is_checked_and_named() {
        use FrameErrorKind::{Address, Fcs, Format, Hcs, Length};

        assert_eq!(kind(&[0xb0, 0x07, 0x03, 0x21, 0x93, 0x0f, 0x01]), Format);
        assert_eq!(kind(&[0xa0, 0x06, 0x03, 0x21, 0x93, 0x0f]), Length);
        assert_eq!(kind(&[0xa0, 0x08, 0x03, 0x21, 0x93, 0x0f, 0x01]), Length);
        assert_eq!(kind(&[0xa0, 0x07, 0x03, 0x21, 0x93, 0x0f, 0x01, 0x00]), Length);
        assert_eq!(kind(&[0xa0, 0x07, 0x03, 0x21, 0x93, 0x0f, 0x02]), Fcs);
        assert_eq!(kind(&[]), Length);
        assert_eq!(kind(&[0xa0]), Length);
        // A destination of three octets, a source of three.
        assert_eq!(kind(&summed(&[0xa0, 0x09, 0x02, 0x02, 0x03, 0x21, 0x93])), Address);
        let source_of_three = summed(&[0xa0, 0x09, 0x03, 0x02, 0x02, 0x21, 0x93]);
        assert_eq!(Frame::decode(&source_of_three), Err(Address.at(3)));
        // Addresses that run past the announced length.
        assert_eq!(kind(&[0xa0, 0x07, 0x02, 0x02, 0x02, 0x03, 0x03]), Length);

        let mut ua = UA;
        ua[9] ^= 0x01;
        assert_eq!(Frame::decode(between_flags(&ua)), Err(Hcs.at(8)));
        let mut ua = UA;
        ua[20] ^= 0x80;
        assert_eq!(Frame::decode(between_flags(&ua)), Err(Fcs.at(33)));
    }

    #[test]
    fn an_empty_information_field_with_its_hcs_is_tolerated() {
        let header = summed(&[0xa0, 0x09, 0x03, 0x21, 0x13]);
        let frame = summed(&header);
        assert_eq!(Frame::decode(&frame).unwrap().information, &[]);
        // One octet between header and FCS is neither an HCS nor nothing.
        assert_eq!(kind(&summed(&[0xa0, 0x08, 0x03, 0x21, 0x13, 0x00])), FrameErrorKind::Length);
    }

    fn address() -> impl Strategy<Value = Address> {
        prop_oneof![
            (0..=0x7f_u8).prop_map(|upper| Address::try_one(upper).unwrap()),
            (0..=0x7f_u8, 0..=0x7f_u8).prop_map(|(u, l)| Address::try_two(u, l).unwrap()),
            (0..=0x3fff_u16, 0..=0x3fff_u16).prop_map(|(u, l)| Address::try_four(u, l).unwrap()),
        ]
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_the_same(
            (destination, source) in (address(), address()),
            control in any::<u8>().prop_map(Control::decode),
            segmented in any::<bool>(),
            octets in proptest::collection::vec(any::<u8>(), 0..=2030),
        ) {
            let information = &octets;
            let frame = Frame { destination, source, control, segmented, information };
            let mut out = [0; FRAME_LEN_MAX];
            let written = frame.encode(&mut out).unwrap();
            prop_assert_eq!(Frame::decode(between_flags(&out[..written])), Ok(frame));
        }

        #[test]
        fn any_single_changed_octet_is_noticed(at in 1..UA.len() - 1, change in 1..=255_u8) {
            let mut ua = UA;
            ua[at] ^= change;
            prop_assert!(Frame::decode(between_flags(&ua)).is_err());
        }

        #[test]
        fn no_octets_at_all_make_decoding_panic(
            octets in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let _ = Frame::decode(&octets);
        }
    }
}
