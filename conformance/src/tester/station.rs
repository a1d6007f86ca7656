//! A station on an HDLC line that sends frames one by one and looks at what comes back.

use core::time::Duration;

use dlms_tokio::Direction;
use hdlc::{
    address::Address,
    control::{Control, Sequence},
    deframer::{Deframer, OnError},
    frame::Frame,
    llc::Llc,
    parameters::{InformationLength, OnUnknown, Parameters, WindowSize},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout_at},
};

use super::{Stream, Tester, raw_frame::RawFrame};
use crate::verdict::Finding;

/// Octets taken from the stream in one read.
const READ_MAX: usize = 2_048;
/// Segments of one PDU that are taken before a meter is called endless: 64 KiB in the smallest
/// usual information field, of 32 octets.
const SEGMENTS_MAX: usize = 2_048;
/// How often the postamble says DISC to a meter that may still be in the middle of a frame.
const DISC_MAX: usize = 3;

/// A frame that the meter sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) destination: Address,
    pub(crate) source: Address,
    pub(crate) control: Control,
    pub(crate) segmented: bool,
    pub(crate) information: Vec<u8>,
}

/// One end of a line: it keeps the numbers that a right client would send next, and leaves it to
/// the case whether to send them.
pub(crate) struct Station<'t> {
    tester: &'t Tester<'t>,
    stream: Box<dyn Stream>,
    received: Vec<u8>,
    deframer: Deframer,
    pub(crate) client: Address,
    pub(crate) server: Address,
    /// V(S): the number of the next I-frame.
    pub(crate) vs: Sequence,
    /// V(R): the number that the meter's next I-frame must have.
    pub(crate) vr: Sequence,
}

impl<'t> Station<'t> {
    pub(super) fn new(
        tester: &'t Tester<'t>,
        stream: Box<dyn Stream>,
        client: Address,
        server: Address,
    ) -> Self {
        Self {
            tester,
            stream,
            received: Vec::new(),
            deframer: Deframer::new(OnError::Resync),
            client,
            server,
            vs: Sequence::ZERO,
            vr: Sequence::ZERO,
        }
    }

    /// A right frame from us to the meter.
    pub(crate) fn frame(&self, control: Control) -> RawFrame {
        RawFrame::new(self.server, self.client, control)
    }

    pub(crate) async fn send(&mut self, frame: &RawFrame) -> Result<(), Finding> {
        self.send_octets(&frame.encode()).await
    }

    pub(crate) async fn send_octets(&mut self, octets: &[u8]) -> Result<(), Finding> {
        self.tester.note(Direction::Tx, octets);
        self.stream.write_all(octets).await?;
        self.stream.flush().await?;
        Ok(())
    }

    /// The next frame of the meter; none when it stays silent for as long as it may take.
    pub(crate) async fn heard(&mut self) -> Result<Option<Heard>, Finding> {
        self.heard_within(self.tester.response_timeout()).await
    }

    /// The next frame of the meter that comes within this time.
    pub(crate) async fn heard_within(&mut self, wait: Duration) -> Result<Option<Heard>, Finding> {
        let until = Instant::now() + wait;
        loop {
            let frame = self.deframer.next_frame(&self.received);
            if let Some(Ok(frame)) = frame {
                let heard = Heard {
                    destination: frame.destination,
                    source: frame.source,
                    control: frame.control,
                    segmented: frame.segmented,
                    information: frame.information.to_vec(),
                };
                self.note_received(&frame);
                let consumed = self.deframer.take_consumed();
                self.received.drain(..consumed);
                return Ok(Some(heard));
            }
            // What is no frame is kept no longer, and does not keep us either: a meter that babbles
            // always has octets ready.
            let consumed = self.deframer.take_consumed();
            self.received.drain(..consumed);
            if Instant::now() >= until {
                return Ok(None);
            }
            let mut chunk = [0; READ_MAX];
            match timeout_at(until, self.stream.read(&mut chunk)).await {
                Err(_) => return Ok(None),
                Ok(Ok(0)) => return Err(Finding::inconclusive("the meter closed the line")),
                Ok(read) => self.received.extend_from_slice(&chunk[..read?]),
            }
        }
    }

    fn note_received(&self, frame: &Frame<'_>) {
        let mut octets = [0; hdlc::frame::FRAME_LEN_MAX];
        if let Ok(length) = frame.encode(&mut octets) {
            self.tester.note(Direction::Rx, &octets[..length]);
        }
    }

    /// Sends a frame and takes the answer.
    pub(crate) async fn ask(&mut self, frame: &RawFrame) -> Result<Option<Heard>, Finding> {
        self.send(frame).await?;
        self.heard().await
    }

    /// Sends a frame that the meter must pass over, and fails if it says anything.
    pub(crate) async fn expect_silence(
        &mut self,
        frame: &RawFrame,
        what: &str,
    ) -> Result<(), Finding> {
        self.send(frame).await?;
        self.hear_nothing(what).await
    }

    pub(crate) async fn hear_nothing(&mut self, what: &str) -> Result<(), Finding> {
        match self.heard().await? {
            None => Ok(()),
            Some(heard) => Err(Finding::failed(format!(
                "{what} was answered with {} and must be passed over",
                heard.control
            ))),
        }
    }

    /// What a case begins with: SNRM with `proposal`, and UA.
    pub(crate) async fn connect(
        &mut self,
        proposal: Option<Parameters>,
    ) -> Result<Parameters, Finding> {
        let mut buffer = [0; Parameters::ENCODED_LEN_MAX];
        let information = proposal.map(|parameters| parameters.encode(&mut buffer).to_vec());
        let snrm = self.frame(Control::Snrm { pf: true });
        let snrm = snrm.with_information(&information.unwrap_or_default());
        let heard = self.ask(&snrm).await?;
        let Some(heard) = heard else { return Err(Finding::failed("SNRM was not answered")) };
        if !matches!(heard.control, Control::Ua { pf: true }) {
            let control = heard.control;
            return Err(Finding::failed(format!("SNRM was answered with {control}, not UA")));
        }
        (self.vs, self.vr) = (Sequence::ZERO, Sequence::ZERO);
        Parameters::decode(&heard.information, OnUnknown::Ignore)
            .map_err(|error| Finding::failed(format!("the parameters of UA: {error}")))
    }

    /// The parameters that are declared, as a proposal.
    pub(crate) fn declared(&self) -> Parameters {
        let hdlc = &self.tester.declaration.hdlc;
        Parameters::symmetric(hdlc.information_max, hdlc.window_max)
    }

    /// DISC, and what must come: UA in NRM, DM in NDM.
    pub(crate) async fn disconnect(&mut self) -> Result<Option<Heard>, Finding> {
        self.ask(&self.frame(Control::Disc { pf: true })).await
    }

    /// The next I-frame of a right client.
    pub(crate) fn information(&self, information: &[u8]) -> RawFrame {
        let control = Control::I { ns: self.vs, nr: self.vr, pf: true };
        self.frame(control).with_information(information)
    }

    /// An APDU with its LLC header.
    pub(crate) fn pdu(apdu: &[u8]) -> Vec<u8> {
        [&Llc::Command.encode(), apdu].concat()
    }

    /// Sends an APDU in one I-frame, takes all segments of the answer, and returns them with their
    /// LLC header. Fails when the meter breaks a rule of the numbering on the way.
    pub(crate) async fn exchange(&mut self, apdu: &[u8]) -> Result<Answer, Finding> {
        let frame = self.information(&Self::pdu(apdu));
        self.vs = self.vs.next();
        self.send(&frame).await?;
        let mut answer = Answer { pdu: Vec::new(), longest_field: 0, most_in_a_row: 0 };
        let mut in_a_row = 0;
        for _ in 0..SEGMENTS_MAX {
            let heard = self.heard().await?;
            let heard = heard.ok_or_else(|| Finding::failed("an I-frame was not answered"))?;
            let Control::I { ns, nr, pf } = heard.control else {
                let control = heard.control;
                return Err(Finding::failed(format!("an I-frame was answered with {control}")));
            };
            if ns != self.vr {
                let (due, found) = (self.vr.value(), ns.value());
                return Err(Finding::failed(format!("N(S) {found} came where {due} was due")));
            }
            if nr != self.vs {
                let (due, found) = (self.vs.value(), nr.value());
                return Err(Finding::failed(format!("N(R) {found} came where {due} was due")));
            }
            self.vr = self.vr.next();
            in_a_row += 1;
            answer.most_in_a_row = answer.most_in_a_row.max(in_a_row);
            answer.longest_field = answer.longest_field.max(heard.information.len());
            answer.pdu.extend(&heard.information);
            if !heard.segmented {
                return match pf {
                    true => Ok(answer),
                    false => Err(Finding::failed("the last segment came without F")),
                };
            }
            if pf {
                in_a_row = 0;
                self.send(&self.frame(Control::Rr { nr: self.vr, pf: true })).await?;
            }
        }
        Err(Finding::failed("the answer does not end"))
    }

    /// Sends an APDU and returns that of the answer.
    pub(crate) async fn exchange_apdu(&mut self, apdu: &[u8]) -> Result<Vec<u8>, Finding> {
        let answer = self.exchange(apdu).await?;
        match Llc::decode(&answer.pdu) {
            Ok((Llc::Response, apdu)) => Ok(apdu.to_vec()),
            _ => Err(Finding::failed("the answer does not open with the LLC header E6 E7 00")),
        }
    }

    /// DISC in every length of address until the meter says UA or DM, or says nothing: then it
    /// does not know that address.
    pub(super) async fn disconnect_for_good(mut self) -> Result<(), Finding> {
        let lengths = self.tester.declaration.hdlc.address_lengths.clone();
        let mut answered = false;
        for length in lengths {
            let Some(server) = self.tester.declaration.hdlc_address(length) else { continue };
            self.server = server;
            for _ in 0..DISC_MAX {
                match self.disconnect().await? {
                    Some(heard)
                        if matches!(heard.control, Control::Ua { .. } | Control::Dm { .. }) =>
                    {
                        answered = true;
                        break;
                    }
                    _ => {}
                }
            }
        }
        match answered {
            true => Ok(()),
            false => Err(Finding::inconclusive("after the case the meter answered no DISC")),
        }
    }
}

/// The answer to an APDU, and how it came.
#[derive(Debug)]
pub(crate) struct Answer {
    /// With the LLC header.
    pub(crate) pdu: Vec<u8>,
    /// Octets of the longest information field.
    pub(crate) longest_field: usize,
    /// I-frames that came without our turn between them.
    pub(crate) most_in_a_row: usize,
}

/// A proposal that is the same in both directions.
pub(crate) fn proposal(information: u16, window: u8) -> Result<Parameters, Finding> {
    let information = InformationLength::try_new(information);
    let window = WindowSize::try_new(window);
    match (information, window) {
        (Ok(information), Ok(window)) => Ok(Parameters::symmetric(information, window)),
        _ => Err(Finding::inconclusive("the proposal is out of range")),
    }
}

#[cfg(test)]
mod tests {
    use core::{
        pin::Pin,
        task::{Context, Poll},
    };
    use std::io;

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::*;
    use crate::{Counters, Declaration, Framing, Way};

    /// Has octets ready whenever it is asked, and closes the line after so many reads.
    struct Babbler(u32);

    impl AsyncRead for Babbler {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            if let Some(left) = self.0.checked_sub(1) {
                self.0 = left;
                buffer.initialize_unfilled();
                buffer.advance(buffer.remaining());
            }
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Babbler {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            octets: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(octets.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_meter_that_babbles_is_listened_to_for_its_time_and_remembered_by_no_octet() {
        let text = "services = []\n[[client]]\nsap = 16\n";
        let declaration = Declaration::parse(text).unwrap();
        let way = Way::Memory(Framing::Hdlc, Box::new(|| tokio::io::duplex(1).0));
        let counters = Counters::forgetful(1);
        let tester = Tester::new(&declaration, &way, &counters);
        let client = Address::try_one(16).unwrap();
        let babbler = Box::new(Babbler(20_000));
        let mut station = Station::new(&tester, babbler, client, Address::MANAGEMENT);
        assert_eq!(station.heard_within(Duration::from_millis(1)).await, Ok(None));
        assert!(station.received.capacity() <= 2 * READ_MAX, "{}", station.received.capacity());
    }
}
