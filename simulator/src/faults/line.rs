//! Frames altered between the wire and the link server.
//!
//! What a tester sends is one frame at a time, so what one read brings is taken for one frame; a
//! damaged one cannot be told from its neighbour otherwise.

use core::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use std::io;

use hdlc::{
    control::{Control, Sequence},
    fcs::checksum,
    frame::FLAG,
    llc,
    parameters::{InformationLength, OnUnknown, Parameters, WindowSize},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Fault, Faults};
use crate::meter::LOGICAL_DEVICE;

/// Octets taken from the stream in one read: more than the longest frame has.
const READ_MAX: usize = 4_096;
const FORMAT_TYPE_3: u8 = 0xa;

/// A stream with a fault on the line.
#[derive(Debug)]
pub(crate) struct FaultyLine<S> {
    stream: S,
    alterations: Alterations,
    /// Altered, and not yet taken by the link server.
    received: Vec<u8>,
    /// Of the link server: octets that do not make a frame yet.
    unfinished: Vec<u8>,
    /// Altered, and not yet taken by the stream.
    sending: Vec<u8>,
}

impl<S> FaultyLine<S> {
    /// `physical` is the lower address of the meter, where it has one.
    pub(crate) const fn new(stream: S, faults: Faults, physical: Option<u16>) -> Self {
        Self {
            stream,
            alterations: Alterations::new(faults, physical),
            received: Vec::new(),
            unfinished: Vec::new(),
            sending: Vec::new(),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for FaultyLine<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.received.is_empty() {
            let mut chunk = [0; READ_MAX];
            let mut read = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.received = this.alterations.receive(read.filled().to_vec());
        }
        let taken = this.received.len().min(buffer.remaining());
        buffer.put_slice(&this.received[..taken]);
        this.received.drain(..taken);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for FaultyLine<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.unfinished.extend_from_slice(octets);
        // A link server writes whole frames, and nothing between them.
        while let Some(length) = whole_frame(&this.unfinished) {
            let frame: Vec<u8> = this.unfinished.drain(..length).collect();
            let altered = this.alterations.send(&frame);
            this.sending.extend(altered);
        }
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while !this.sending.is_empty() {
            let written = ready!(Pin::new(&mut this.stream).poll_write(cx, &this.sending))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            this.sending.drain(..written);
        }
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// Octets of the frame at the front, both flags included.
fn whole_frame(octets: &[u8]) -> Option<usize> {
    let length = announced(octets.get(1..)?)? + 2;
    (octets.len() >= length).then_some(length)
}

/// The length that the two octets of the format field announce.
fn announced(octets: &[u8]) -> Option<usize> {
    match *octets {
        [high, low, ..] => Some(usize::from(u16::from_be_bytes([high & 0x07, low]))),
        _ => None,
    }
}

/// The faults, and what they need to know of the link.
#[derive(Debug)]
struct Alterations {
    faults: Faults,
    physical: Option<u16>,
    /// Octets of a frame that has not ended, which is waited for.
    held: Vec<u8>,
    /// The control field that came last.
    asked: Control,
    /// The N(R) that is right, and the N(S) that is due.
    nr: Sequence,
    ns: Sequence,
}

/// A frame in its parts, right or wrong.
#[derive(Clone, Debug)]
struct Parts {
    format: u8,
    segmented: bool,
    announced: usize,
    destination: Vec<u8>,
    source: Vec<u8>,
    control: u8,
    information: Vec<u8>,
    /// What stands where the check sequences belong.
    hcs: Option<[u8; 2]>,
    fcs: Option<[u8; 2]>,
}

impl Parts {
    /// Takes octets apart, without their flags, however wrong they are.
    fn of(octets: &[u8]) -> Option<Self> {
        let (&[high, _], rest) = octets.split_first_chunk()?;
        let announced = announced(octets)?;
        let (destination, rest) = split_address(rest)?;
        let (source, rest) = split_address(rest)?;
        let (&control, rest) = rest.split_first()?;
        let (information, hcs, fcs) = match rest {
            [] => (&rest[..0], None, None),
            [a, b] => (&rest[..0], None, Some([*a, *b])),
            [a, b, information @ .., c, d] => (information, Some([*a, *b]), Some([*c, *d])),
            _ => return None,
        };
        Some(Self {
            format: high >> 4,
            segmented: high & 0x08 != 0,
            announced,
            destination: destination.to_vec(),
            source: source.to_vec(),
            control,
            information: information.to_vec(),
            hcs,
            fcs,
        })
    }

    /// The right frame of these parts, flags included.
    fn frame(&self) -> Vec<u8> {
        let information = match self.information.len() {
            0 => 0,
            length => length + 2,
        };
        let length = 2 + self.destination.len() + self.source.len() + 1 + information + 2;
        let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        let segmented = if self.segmented { 0x08 } else { 0 };
        let mut octets = vec![FORMAT_TYPE_3 << 4 | segmented | high & 0x07, low];
        octets.extend(&self.destination);
        octets.extend(&self.source);
        octets.push(self.control);
        if !self.information.is_empty() {
            octets.extend(checksum(&octets).to_le_bytes());
            octets.extend(&self.information);
        }
        octets.extend(checksum(&octets).to_le_bytes());
        octets.insert(0, FLAG);
        octets.push(FLAG);
        octets
    }

    fn control(&self) -> Control {
        Control::decode(self.control)
    }

    /// Whether the check sequences are those over `octets`, the frame without its flags.
    fn has_right_hcs(&self, octets: &[u8]) -> bool {
        let header = 2 + self.destination.len() + self.source.len() + 1;
        let sum = octets.get(..header).map(checksum);
        self.hcs.is_none_or(|hcs| Some(u16::from_le_bytes(hcs)) == sum)
    }

    fn has_right_fcs(&self, octets: &[u8]) -> bool {
        let summed = octets.len().checked_sub(2).and_then(|end| octets.get(..end)).map(checksum);
        self.fcs.map(u16::from_le_bytes) == summed
    }
}

/// An address is as long as its low bits say.
fn split_address(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let last = octets.iter().position(|octet| octet & 1 != 0)?;
    octets.split_at_checked(last + 1)
}

impl Alterations {
    const fn new(faults: Faults, physical: Option<u16>) -> Self {
        Self {
            faults,
            physical,
            held: Vec::new(),
            asked: Control::Other(0xff),
            nr: Sequence::ZERO,
            ns: Sequence::ZERO,
        }
    }

    /// What the link server gets to see of what came.
    fn receive(&mut self, chunk: Vec<u8>) -> Vec<u8> {
        let chunk = if self.faults.has(Fault::BridgesGaps) { self.join(chunk) } else { chunk };
        let opened = chunk.strip_prefix(&[FLAG]);
        let inside = opened.unwrap_or(&chunk);
        let closed = inside.strip_suffix(&[FLAG]);
        let inside = closed.unwrap_or(inside);
        let Some(parts) = Parts::of(inside) else { return chunk };
        let has_flags = opened.is_some() && closed.is_some();
        let altered = self.repair(parts.clone(), inside, has_flags);
        let seen = altered.as_ref().unwrap_or(&parts);
        self.asked = seen.control();
        match self.asked {
            Control::Snrm { .. } => (self.nr, self.ns) = (Sequence::ZERO, Sequence::ZERO),
            Control::I { .. } => self.ns = self.ns.next(),
            _ => {}
        }
        altered.map_or(chunk, |altered| altered.frame())
    }

    /// Holds back what does not end yet.
    fn join(&mut self, chunk: Vec<u8>) -> Vec<u8> {
        self.held.extend(chunk);
        let whole = whole_frame(&self.held).is_some();
        if whole { core::mem::take(&mut self.held) } else { Vec::new() }
    }

    /// The frame that a meter without this rule would see; none when it would see what came.
    fn repair(&self, mut parts: Parts, octets: &[u8], has_flags: bool) -> Option<Parts> {
        let has = |fault| self.faults.has(fault);
        let is_whole = parts.fcs.is_some();
        let right_fcs = parts.has_right_fcs(octets);
        if has(Fault::TakesMissingFlags) && !has_flags && right_fcs
            || has(Fault::TakesShortFrames) && !is_whole
            || has(Fault::TakesAnyFormat) && parts.format != FORMAT_TYPE_3 && right_fcs
            || has(Fault::TakesAnyLength) && parts.announced != octets.len() && right_fcs
            || has(Fault::TakesAnyHcs) && !parts.has_right_hcs(octets)
            || has(Fault::TakesAnyFcs) && is_whole && !right_fcs
        {
            return Some(parts);
        }
        if has(Fault::TakesAnyControl) && matches!(parts.control(), Control::Other(_)) {
            parts.control = Control::Rr { nr: self.nr, pf: true }.encode();
            return Some(parts);
        }
        if has(Fault::TakesLongClients) && parts.source.len() > 1 {
            parts.source.drain(..parts.source.len() - 1);
            return Some(parts);
        }
        let is_short = parts.destination.len() == 1 && self.physical.is_some();
        let is_odd = ![1, 2, 4].contains(&parts.destination.len());
        if has(Fault::AnswersForOthers)
            || has(Fault::TakesShortAddresses) && is_short
            || has(Fault::TakesOddAddresses) && is_odd
        {
            parts.destination = self.own_address(parts.destination.len());
            return Some(parts);
        }
        if has(Fault::TakesLongFields)
            && parts.information.len() > usize::from(InformationLength::DEFAULT.octets())
        {
            parts.information.truncate(usize::from(InformationLength::DEFAULT.octets()));
            return Some(parts);
        }
        match parts.control() {
            Control::I { ns, pf, .. } if has(Fault::TakesAnyNr) => {
                parts.control = Control::I { ns, nr: self.nr, pf }.encode();
                Some(parts)
            }
            Control::I { nr, pf, .. } if has(Fault::TakesAnyNs) => {
                parts.control = Control::I { ns: self.ns, nr, pf }.encode();
                Some(parts)
            }
            _ => None,
        }
    }

    /// The meter's own address: of two octets where it is meant in two, else in full.
    fn own_address(&self, length: usize) -> Vec<u8> {
        let seven = |part: u16| u8::try_from(part & 0x7f).unwrap_or_default() << 1;
        let device = seven(LOGICAL_DEVICE);
        match (length, self.physical) {
            (_, None) => vec![device | 1],
            (2, Some(lower)) => vec![device, seven(lower) | 1],
            (_, Some(lower)) => vec![0, device, seven(lower >> 7), seven(lower) | 1],
        }
    }

    /// What goes out instead of `frame`, a right frame of the link server.
    fn send(&mut self, frame: &[u8]) -> Vec<u8> {
        let inside = frame.strip_prefix(&[FLAG]).and_then(|it| it.strip_suffix(&[FLAG]));
        let Some(mut parts) = inside.and_then(Parts::of) else { return frame.to_vec() };
        let has = |fault| self.faults.has(fault);
        match parts.control() {
            Control::Ua { pf }
                if has(Fault::DeniesLinks) && matches!(self.asked, Control::Disc { .. }) =>
            {
                parts.control = Control::Dm { pf }.encode();
            }
            Control::Ua { .. } if matches!(self.asked, Control::Snrm { .. }) => {
                let agreed = Parameters::decode(&parts.information, OnUnknown::Ignore);
                let mut promised = agreed.unwrap_or(Parameters::DEFAULT);
                if has(Fault::PromisesLongFields) {
                    promised.information_transmit = InformationLength::MAX;
                    promised.information_receive = InformationLength::MAX;
                }
                if has(Fault::PromisesWideWindows) {
                    promised.window_transmit = WindowSize::MAX;
                    promised.window_receive = WindowSize::MAX;
                }
                if agreed != Ok(promised) {
                    let mut buffer = [0; Parameters::ENCODED_LEN_MAX];
                    parts.information = promised.encode(&mut buffer).to_vec();
                }
            }
            Control::Dm { pf }
                if has(Fault::FeignsLinks) && matches!(self.asked, Control::I { .. }) =>
            {
                parts.control = Control::Rr { nr: self.nr, pf }.encode();
            }
            Control::I { ns, nr, pf } => {
                self.nr = ns.next();
                if has(Fault::MiscountsFrames) {
                    parts.control = Control::I { ns, nr: nr.next(), pf }.encode();
                }
            }
            _ => {}
        }
        if let Some(apdu) = parts.information.strip_prefix(&llc::RESPONSE) {
            if has(Fault::OmitsLlc) {
                parts.information = apdu.to_vec();
            } else if has(Fault::AnswersAsClient) {
                parts.information = [&llc::COMMAND, apdu].concat();
            }
        }
        if has(Fault::AnswersFromElsewhere)
            && let Some(octet) = parts.source.last_mut()
        {
            *octet ^= 0x04;
        }
        parts.frame()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Client 0x10 opens the link to server 0x01.
    const SNRM: [u8; 9] = [0x7e, 0xa0, 0x07, 0x03, 0x21, 0x93, 0x0f, 0x01, 0x7e];

    fn received(fault: Fault, octets: &[u8]) -> Vec<u8> {
        Alterations::new(fault.into(), None).receive(octets.to_vec())
    }

    #[test]
    fn what_is_right_passes_unaltered() {
        for fault in [Fault::TakesAnyFcs, Fault::TakesAnyLength, Fault::TakesMissingFlags] {
            assert_eq!(received(fault, &SNRM), SNRM);
        }
    }

    #[test]
    fn what_is_wrong_is_mended_by_its_own_fault_and_by_no_other() {
        let mut wrong = SNRM;
        wrong[7] ^= 1;
        assert_eq!(received(Fault::TakesAnyFcs, &wrong), SNRM);
        assert_eq!(received(Fault::TakesAnyHcs, &wrong), wrong);
        assert_eq!(received(Fault::TakesMissingFlags, &SNRM[1..]), SNRM);
        let short = [0x7e, 0xa0, 0x05, 0x03, 0x21, 0x93, 0x7e];
        assert_eq!(received(Fault::TakesShortFrames, &short), SNRM);
        assert_eq!(received(Fault::TakesAnyFcs, &short), short);
    }

    #[test]
    fn a_frame_with_a_gap_is_waited_for() {
        let mut alterations = Alterations::new(Fault::BridgesGaps.into(), None);
        assert_eq!(alterations.receive(SNRM[..4].to_vec()), []);
        assert_eq!(alterations.receive(SNRM[4..].to_vec()), SNRM);
    }
}
