//! From octets to APDUs: frames of HDLC, the wrapper or M-Bus, segments, and blocks of general
//! block transfer. What comes of it is told as [`Event`]s, in the order of the octets.
//!
//! A capture has one direction of a line at a time, and nobody can be asked to repeat anything. A
//! message of which a part is missing, doubled or out of order is therefore given up.

use dlms_core::{
    gateway::GatewayHeader,
    mbus::{self, MbusErrorKind, MbusFrame, MbusSegments},
    wrapper::{self, WrapperFrame},
    xdlms::{GeneralBlockTransfer, PUSHED_LEN_MAX, PushedBlocks, StrayBlock, tag},
};
use hdlc::{
    address::Address,
    control::{Control, Sequence},
    deframer::{Deframer, OnError},
    frame::{Frame, FrameErrorKind},
    llc::Llc,
};

use super::Fault;

/// How APDUs travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// HDLC frames (IEC 62056-46).
    Hdlc,
    /// The wrapper (IEC 62056-47).
    Wrapper,
    /// Wired M-Bus (EN 13757).
    Mbus,
    /// One APDU without any frame, perhaps with an LLC header.
    Apdu,
}

/// What was found in the octets.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// A good HDLC frame.
    Hdlc(&'a Frame<'a>),
    /// The LLC header of a PDU.
    Llc(Llc),
    /// A header of the wrapper with its APDU.
    Wrapper(&'a WrapperFrame<'a>),
    /// A good M-Bus frame.
    Mbus(&'a MbusFrame<'a>),
    /// A block of general block transfer.
    Block(&'a GeneralBlockTransfer<'a>),
    /// A gateway header.
    Gateway(&'a GatewayHeader<'a>),
    /// Octets that are no frame, or a damaged one.
    Bad(Fault),
    /// A part of a message that cannot be put together.
    Stray(Fault),
    /// A whole APDU, as it travelled.
    Apdu(&'a mut Vec<u8>),
}

impl Framing {
    /// The framing that a capture seems to have.
    pub(crate) fn guess(octets: &[u8]) -> Self {
        match *octets {
            [hdlc::frame::FLAG, ..] => Self::Hdlc,
            [mbus::START, first, second, mbus::START, ..] if first == second => Self::Mbus,
            [0, 1, _, _, _, _, ..] => match wrapper::next_frame(octets) {
                Some(Ok(_)) => Self::Wrapper,
                // A-XDR that begins with null-data is no APDU either; a cut frame is likelier.
                _ if octets.len() > wrapper::HEADER_LEN => Self::Wrapper,
                _ => Self::Apdu,
            },
            _ => {
                let mut deframer = Deframer::new(OnError::Resync);
                let found = deframer.next_frame(octets).is_some();
                if found { Self::Hdlc } else { Self::Apdu }
            }
        }
    }
}

/// One direction of one line.
#[derive(Debug)]
pub(crate) struct Receiver {
    framing: Framing,
    /// What has arrived and is not settled.
    buffer: Vec<u8>,
    /// Octets that were settled before those in `buffer`.
    settled: usize,
    deframer: Deframer,
    /// A wrapper stream without a header where one is due cannot be followed any further.
    lost: bool,
    assembly: Assembly,
}

impl Receiver {
    pub(crate) fn new(framing: Framing) -> Self {
        Self {
            framing,
            buffer: Vec::new(),
            settled: 0,
            deframer: Deframer::new(OnError::Report),
            lost: false,
            assembly: Assembly::default(),
        }
    }

    /// Takes octets as they arrive. Of an unfinished frame no more is kept than its longest form
    /// has, except that [`Framing::Apdu`] keeps everything.
    pub(crate) fn feed(&mut self, octets: &[u8], on: &mut dyn FnMut(Event<'_>)) {
        if self.lost {
            return;
        }
        self.buffer.extend_from_slice(octets);
        let taken = match self.framing {
            Framing::Hdlc => self.take_hdlc(0, on),
            Framing::Wrapper => self.take_wrapper(on),
            Framing::Mbus => self.take_mbus(mbus::next_frame, on),
            Framing::Apdu => 0,
        };
        self.buffer.drain(..taken);
        self.settled += taken;
    }

    /// Says that nothing more will come: what is unfinished is a fault.
    pub(crate) fn finish(&mut self, on: &mut dyn FnMut(Event<'_>)) {
        self.finish_datagram(on);
        self.assembly.finish(self.settled, on);
    }

    /// Says that the next octets come in another datagram: no frame goes on there, but a message in
    /// several frames does.
    pub(crate) fn finish_datagram(&mut self, on: &mut dyn FnMut(Event<'_>)) {
        let end = self.settled + self.buffer.len();
        match self.framing {
            Framing::Hdlc => {
                if self.deframer.is_inside_frame() {
                    on(Event::Bad(Fault::new("truncated", end, "the HDLC frame ends too early")));
                }
                // What the unfinished frame claimed may hold frames.
                let mut at = 0;
                while self.deframer.is_inside_frame() {
                    self.deframer.abandon_partial();
                    at = self.take_hdlc(at, on);
                }
            }
            Framing::Wrapper if !self.lost && !self.buffer.is_empty() => {
                let text = "the wrapper frame ends too early";
                on(Event::Bad(Fault::new("truncated", end, text)));
            }
            Framing::Wrapper => {}
            Framing::Mbus => drop(self.take_mbus(mbus::last_frame, on)),
            Framing::Apdu => {
                let apdu = match Llc::decode(&self.buffer) {
                    Ok((llc, apdu)) => {
                        on(Event::Llc(llc));
                        apdu.to_vec()
                    }
                    Err(_) => core::mem::take(&mut self.buffer),
                };
                self.assembly.apdu(apdu, on);
            }
        }
        self.buffer.clear();
        self.settled = end;
        // The octets that it has seen are gone.
        self.deframer = Deframer::new(OnError::Report);
    }

    /// Whether the stream cannot be followed any further.
    pub(crate) const fn is_lost(&self) -> bool {
        self.lost
    }

    /// Whether a message has begun and not ended.
    pub(crate) fn is_waiting(&self) -> bool {
        let Assembly { segments, mbus, blocks } = &self.assembly;
        segments.is_some() || mbus.is_inside_apdu() || blocks.is_inside_push()
    }

    /// Takes HDLC frames from `at` in the buffer, and returns where the unsettled octets begin.
    fn take_hdlc(&mut self, mut at: usize, on: &mut dyn FnMut(Event<'_>)) -> usize {
        loop {
            let rest = self.buffer.get(at..).unwrap_or_default();
            let found = self.deframer.next_frame(rest);
            at += self.deframer.take_consumed();
            let here = self.settled + at;
            match found {
                None => return at,
                Some(Ok(frame)) => {
                    on(Event::Hdlc(&frame));
                    self.assembly.hdlc(&frame, here, on);
                }
                Some(Err(error)) => {
                    let code = match error.kind {
                        FrameErrorKind::OpeningFlag => "octets-outside-any-frame",
                        FrameErrorKind::Format => "frame-format",
                        FrameErrorKind::Length => "frame-length",
                        FrameErrorKind::Address => "address-length",
                        FrameErrorKind::Hcs => "hcs-mismatch",
                        FrameErrorKind::ClosingFlag => "no-closing-flag",
                        FrameErrorKind::Fcs => "fcs-mismatch",
                    };
                    on(Event::Bad(Fault::new(code, here + error.offset, error.kind)));
                }
            }
        }
    }

    fn take_wrapper(&mut self, on: &mut dyn FnMut(Event<'_>)) -> usize {
        let mut at = 0;
        while let Some(found) = wrapper::next_frame(self.buffer.get(at..).unwrap_or_default()) {
            match found {
                Ok(frame) => {
                    on(Event::Wrapper(&frame));
                    at += frame.consumed();
                    self.assembly.apdu(frame.apdu.to_vec(), on);
                }
                Err(error) => {
                    on(Event::Bad(Fault::new("wrapper-version", self.settled + at, error)));
                    self.lost = true;
                    return self.buffer.len();
                }
            }
        }
        at
    }

    fn take_mbus(&mut self, next: NextMbusFrame, on: &mut dyn FnMut(Event<'_>)) -> usize {
        let mut at = 0;
        // Of octets that are no frame one fault is told, not one for every start octet in them.
        let mut told = false;
        while let Some(found) = next(self.buffer.get(at..).unwrap_or_default()) {
            match found {
                Ok(frame) => {
                    told = false;
                    on(Event::Mbus(&frame));
                    at += frame.consumed();
                    self.assembly.mbus(&frame, self.settled + at, on);
                }
                Err(error) => {
                    if !told {
                        let code = match error.kind {
                            MbusErrorKind::Start => "mbus-start",
                            MbusErrorKind::Length => "mbus-length",
                            MbusErrorKind::Stop => "mbus-stop",
                            MbusErrorKind::Truncated => "truncated",
                            MbusErrorKind::Checksum => "mbus-checksum",
                            MbusErrorKind::ControlInformation(_) => "mbus-control-information",
                        };
                        let offset = self.settled + at + error.offset;
                        on(Event::Bad(Fault::new(code, offset, error.kind)));
                        told = true;
                    }
                    at += mbus::resynchronize(self.buffer.get(at..).unwrap_or_default());
                }
            }
        }
        at
    }
}

type NextMbusFrame = for<'a> fn(&'a [u8]) -> Option<Result<MbusFrame<'a>, mbus::MbusError>>;

/// Puts APDUs together from segments and blocks.
#[derive(Debug, Default)]
struct Assembly {
    segments: Option<Segments>,
    mbus: MbusSegments,
    blocks: PushedBlocks,
}

/// A PDU of which HDLC segments have arrived, and not the last.
#[derive(Debug)]
struct Segments {
    joined: Vec<u8>,
    addresses: (Address, Address),
    /// Of the segment last taken; none in UI frames, which are not numbered.
    number: Option<Sequence>,
}

impl Assembly {
    /// Takes the information of a frame that ends before octet `here`.
    fn hdlc(&mut self, frame: &Frame<'_>, here: usize, on: &mut dyn FnMut(Event<'_>)) {
        let number = match frame.control {
            Control::I { ns, .. } => Some(ns),
            Control::Ui { .. } => None,
            _ => return,
        };
        let information = frame.information;
        if information.is_empty() {
            return;
        }
        let addresses = (frame.source, frame.destination);
        let unfinished = |on: &mut dyn FnMut(Event<'_>)| {
            on(Event::Stray(Fault::new(
                "segment-missing",
                here,
                "the segments do not fit together",
            )));
        };
        let joined = match (Llc::decode(information), self.segments.take()) {
            (Ok((llc, apdu)), open) => {
                if open.is_some() {
                    unfinished(on);
                }
                on(Event::Llc(llc));
                apdu.to_vec()
            }
            (Err(_), Some(open)) if open.number.is_some() && open.number == number => {
                // The same frame once more, as after a lost acknowledgement.
                self.segments = Some(open);
                return;
            }
            (Err(_), Some(mut open)) => {
                let follows = open.number.map(Sequence::next) == number;
                if open.addresses != addresses || !follows {
                    return unfinished(on);
                }
                open.joined.extend_from_slice(information);
                open.joined
            }
            // Blocks after the first may come without an LLC header.
            (Err(_), None) if information.first() == Some(&tag::GENERAL_BLOCK_TRANSFER) => {
                information.to_vec()
            }
            (Err(_), None) => {
                let text = "a segment of a message whose beginning is missing";
                return on(Event::Stray(Fault::new("orphan-segment", here, text)));
            }
        };
        if joined.len() > PUSHED_LEN_MAX {
            let text = format!("a message of more than {PUSHED_LEN_MAX} octets");
            return on(Event::Stray(Fault::new("too-long", here, text)));
        }
        if frame.segmented {
            self.segments = Some(Segments { joined, addresses, number });
        } else {
            self.apdu(joined, on);
        }
    }

    fn mbus(&mut self, frame: &MbusFrame<'_>, here: usize, on: &mut dyn FnMut(Event<'_>)) {
        match self.mbus.take(frame) {
            Ok(Some(apdu)) => self.apdu(apdu, on),
            Ok(None) => {}
            Err(stray) => on(Event::Stray(Fault::new("segment-missing", here, stray))),
        }
    }

    /// Takes what a frame carries: an APDU, or a block of one.
    fn apdu(&mut self, mut apdu: Vec<u8>, on: &mut dyn FnMut(Event<'_>)) {
        if let Ok((header, inner)) = GatewayHeader::decode(&apdu) {
            on(Event::Gateway(&header));
            apdu = inner.to_vec();
        }
        if apdu.first() != Some(&tag::GENERAL_BLOCK_TRANSFER) {
            return on(Event::Apdu(&mut apdu));
        }
        let block = match GeneralBlockTransfer::decode(&apdu) {
            Ok(block) => block,
            Err(malformed) => return on(Event::Stray(malformed.into())),
        };
        on(Event::Block(&block));
        match self.blocks.take(&block) {
            Ok(Some(mut joined)) => on(Event::Apdu(&mut joined)),
            Ok(None) => {}
            Err(stray) => {
                let code = match stray {
                    StrayBlock::Orphan { .. } => "orphan-block",
                    StrayBlock::Order { .. } => "block-missing",
                    StrayBlock::TooLong => "too-long",
                };
                on(Event::Stray(Fault::new(code, 2, stray)));
            }
        }
    }

    fn finish(&mut self, end: usize, on: &mut dyn FnMut(Event<'_>)) {
        if self.segments.take().is_some() || self.mbus.is_inside_apdu() {
            let text = "the last segment of a message is missing";
            on(Event::Stray(Fault::new("segment-missing", end, text)));
        }
        if self.blocks.is_inside_push() {
            let text = "the last block of a message is missing";
            on(Event::Stray(Fault::new("block-missing", end, text)));
        }
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(hex: &str) -> Vec<u8> {
        super::super::capture::parse(hex).unwrap()
    }

    /// What comes of a capture that arrives in `pieces`: APDUs in hexadecimal, codes of faults.
    fn heard(framing: Framing, pieces: &[&[u8]]) -> Vec<String> {
        let mut receiver = Receiver::new(framing);
        let mut heard = Vec::new();
        let mut on = |event: Event<'_>| match event {
            Event::Bad(fault) | Event::Stray(fault) => heard.push(fault.code.to_owned()),
            Event::Apdu(apdu) => heard.push(crate::hex::text(apdu)),
            _ => {}
        };
        pieces.iter().for_each(|piece| receiver.feed(piece, &mut on));
        receiver.finish(&mut on);
        heard
    }

    /// Frames of a UI push in segments, from server 0x21 to client 0x03.
    fn ui(segments: &[(&str, bool)]) -> Vec<u8> {
        let mut line = Vec::new();
        for (information, segmented) in segments {
            let information = octets(information);
            let frame = Frame {
                destination: Address::try_one(0x01).unwrap(),
                source: Address::try_one(0x10).unwrap(),
                control: Control::Ui { pf: false },
                segmented: *segmented,
                information: &information,
            };
            let mut out = [0; 256];
            let length = frame.encode(&mut out).unwrap();
            line.extend_from_slice(&out[..length]);
        }
        line
    }

    #[test]
    fn a_push_in_segments_is_one_apdu_however_it_arrives() {
        let line = ui(&[("e6e7000f7e", true), ("7e01", true), ("02", false)]);
        assert_eq!(heard(Framing::Hdlc, &[&line]), ["0f7e7e0102"]);
        let single: Vec<&[u8]> = line.chunks(1).collect();
        assert_eq!(heard(Framing::Hdlc, &single), ["0f7e7e0102"]);
    }

    #[test]
    fn segments_without_their_beginning_or_end_are_no_apdu() {
        assert_eq!(heard(Framing::Hdlc, &[&ui(&[("0102", false)])]), ["orphan-segment"]);
        assert_eq!(heard(Framing::Hdlc, &[&ui(&[("e6e7000f", true)])]), ["segment-missing"]);
        let two = ui(&[("e6e7000f01", true), ("e6e7000f02", false)]);
        assert_eq!(heard(Framing::Hdlc, &[&two]), ["segment-missing", "0f02"]);
    }

    #[test]
    fn blocks_after_the_first_may_come_without_llc() {
        let blocks =
            ui(&[("e6e700 e0 40 0001 0000 01 0f", false), ("e0 c0 0002 0000 01 07", false)]);
        assert_eq!(heard(Framing::Hdlc, &[&blocks]), ["0f07"]);
        let orphan = ui(&[("e0 c0 0002 0000 01 07", false)]);
        assert_eq!(heard(Framing::Hdlc, &[&orphan]), ["orphan-block"]);
        let swapped = ui(&[("e6e700 e0 40 0001 0000 01 0f", false), ("e0 c0 0003 0000 00", false)]);
        assert_eq!(heard(Framing::Hdlc, &[&swapped]), ["block-missing"]);
    }

    #[test]
    fn damage_is_told_and_does_not_hide_what_follows() {
        let mut line = ui(&[("e6e7000f01", false), ("e6e7000f02", false)]);
        line[12] ^= 1;
        assert_eq!(heard(Framing::Hdlc, &[&line]), ["fcs-mismatch", "0f02"]);
        let whole = ui(&[("e6e7000f01", false)]);
        assert_eq!(heard(Framing::Hdlc, &[&whole[..10]]), ["truncated"]);
    }

    #[test]
    fn the_wrapper_has_a_length_and_no_way_back() {
        let frame = octets("0001 0001 0010 0002 0f07");
        assert_eq!(heard(Framing::Wrapper, &[&frame, &frame[..9]]), ["0f07", "truncated"]);
        assert_eq!(heard(Framing::Wrapper, &[&[0xff, 0xff], &frame]), ["wrapper-version"]);
    }

    #[test]
    fn a_gateway_header_is_taken_off() {
        let frame = octets("0001 0001 0010 0007 e7 00 03 414243 0f");
        assert_eq!(heard(Framing::Wrapper, &[&frame]), ["0f"]);
    }

    #[test]
    fn segments_of_mbus_are_joined() {
        let first = octets("68 06 06 68 53 ff 00 01 67 0f c9 16");
        let last = octets("68 06 06 68 53 ff 11 01 67 07 d2 16");
        let both = [&first[..], &last].concat();
        assert_eq!(heard(Framing::Mbus, &[&both]), ["0f07"]);
        assert_eq!(heard(Framing::Mbus, &[&first]), ["segment-missing"]);
        assert_eq!(heard(Framing::Mbus, &[&last]), ["segment-missing"]);
        assert_eq!(heard(Framing::Mbus, &[&both[..15]]), ["truncated", "segment-missing"]);
    }

    #[test]
    fn the_framing_is_guessed_from_the_first_octets() {
        for (hex, framing) in [
            ("7ea0070321930f017e", Framing::Hdlc),
            ("00 00 7ea0070321930f017e", Framing::Hdlc),
            ("0001 0010 0001 0002 6200", Framing::Wrapper),
            ("68 07 07 68 53", Framing::Mbus),
            ("0f 00 00 00 01 00 00", Framing::Apdu),
            ("e6 e7 00 c4 01", Framing::Apdu),
            ("", Framing::Apdu),
        ] {
            assert_eq!(Framing::guess(&octets(hex)), framing, "{hex}");
        }
    }
}
