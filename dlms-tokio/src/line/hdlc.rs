//! A line of HDLC over a byte stream (IEC 62056-46): octets to frames to link to APDUs.
//!
//! ```text
//!   stream -> Port.rx -> Deframer -> Link -> Assembly, LLC off -> ready
//!   stream <- Port.tx <------------- Link <- pdu <------ LLC on <- send
//! ```
//!
//! Noise is passed over and counted on TCP as well as on a serial port: behind a TCP address that
//! speaks HDLC there is mostly a gateway with a serial line, and its noise comes through as octets.

use core::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};
use std::collections::VecDeque;

use hdlc::{
    address::{Address, AddressLength},
    control::Control,
    deframer::{Deframer, OnError},
    frame::{FLAG, FRAME_LEN_MAX, Frame},
    link::{Failure, Link, LinkConfig, LinkEvent, Misuse, RETRIES_MAX, Segment},
    llc::Llc,
    parameters::{InformationLength, Parameters, WindowSize},
};
use sans_io_time::Instant;
use tokio::time::{timeout, timeout_at};

use crate::{
    address::SerialPort,
    clock::Clock,
    line::{
        LineConfig,
        assembly::{Assembled, Assembly},
        counters::LineCounters,
        error::{LineError, Opening, Phase},
        is_answer,
        mode_e::{OPENING_BAUD, SignOn, SignOnEvent},
        owed::Owed,
        port::Port,
        serial,
        stream::Stream,
    },
    trace::{Direction, ShownFrame, Trace},
};

/// APDUs that wait to be received: more than one only when a meter pushes while it is asked.
const READY_MAX: usize = 16;

/// Reads that are made before time passes, when it is high time: as much as a window of the largest
/// frames, and not what a peer sends that never pauses.
const OVERDUE_READS_MAX: usize = 16;

/// What is waited beyond the patience of the link layer, which gives up first unless the meter
/// keeps it busy with nothing.
const GUARD_EXTRA: Duration = Duration::from_secs(1);

/// Octets of a frame around its information field, with the longest addresses.
const FRAME_OVERHEAD: u32 = 17;

/// Bits an octet takes on a serial line: start, eight, stop.
const OCTET_BITS: u32 = 10;

#[derive(Debug)]
pub(crate) struct HdlcLine {
    port: Port<Stream>,
    config: LineConfig,
    /// The serial port behind the stream, if it is one: for mode E.
    serial: Option<SerialPort>,
    clock: Clock,
    deframer: Deframer,
    link: Link,
    /// The PDU the link is sending.
    pdu: Vec<u8>,
    numbered: Assembly,
    unnumbered: Assembly,
    /// What was received whole and not fetched.
    ready: VecDeque<Result<Vec<u8>, LineError>>,
    /// When the unfinished frame is given up.
    gap_ends: Option<Instant>,
    /// When to give up although the link does not.
    guard: Owed<Instant>,
    /// SNRM was sent since the meter last said that there is no link.
    called: bool,
    /// First octets since the link was last set up, until there was a frame.
    opening: Opening,
    heard_frame: bool,
}

impl HdlcLine {
    pub(crate) fn try_new(
        stream: Stream,
        serial: Option<&SerialPort>,
        config: &LineConfig,
        trace: Trace,
    ) -> Result<Self, LineError> {
        Ok(Self {
            port: Port::with_check_sequences(stream, trace),
            config: config.clone(),
            serial: serial.cloned(),
            clock: Clock::new(),
            deframer: Deframer::new(OnError::Resync),
            link: Link::new(link_config(config, serial.map(|port| port.baud))?),
            pdu: Vec::new(),
            numbered: Assembly::default(),
            unnumbered: Assembly::default(),
            ready: VecDeque::new(),
            gap_ends: None,
            guard: Owed::nothing(),
            called: false,
            opening: Opening::default(),
            heard_frame: false,
        })
    }

    pub(crate) async fn connect(&mut self) -> Result<(), LineError> {
        self.forget();
        if let Some(port) = self.serial.clone().filter(|port| port.mode_e) {
            let baud = self.sign_on(&port).await?;
            // At the rate agreed on, frames take their time.
            self.link = Link::new(link_config(&self.config, Some(baud))?);
        }
        if self.config.unnumbered {
            return Ok(());
        }
        self.link.connect().map_err(|_| LineError::BadSap)?;
        self.called = true;
        self.guard.owe(self.guard_from(self.clock.now()));
        loop {
            if let Some(LinkEvent::Connected { .. }) = self.turn(Phase::LinkSetUp).await? {
                return Ok(());
            }
        }
    }

    pub(crate) const fn config(&self) -> &LineConfig {
        &self.config
    }

    pub(crate) async fn send(&mut self, apdu: &[u8]) -> Result<(), LineError> {
        // An earlier request that nobody waits for any more ends first: the meter has the turn.
        loop {
            self.settle()?;
            match self.link.send(Llc::LEN + apdu.len()) {
                Ok(()) => break,
                Err(Misuse::Busy) => {
                    if self.guard.until().is_none() {
                        self.guard.owe(self.guard_from(self.clock.now()));
                    }
                    self.turn(Phase::Polling).await?;
                }
                Err(_) => return Err(LineError::NotConnected),
            }
        }
        self.pdu.clear();
        self.pdu.extend(Llc::Command.encode());
        self.pdu.extend_from_slice(apdu);
        self.port.trace.apdu(Direction::Tx, apdu);
        self.guard.owe(self.guard_from(self.clock.now()));
        while self.turn(Phase::Polling).await? != Some(LinkEvent::Sent) {}
        Ok(())
    }

    /// Whether everything goes in UI frames.
    pub(crate) const fn is_unnumbered(&self) -> bool {
        self.config.unnumbered
    }

    /// Sends an APDU in UI frames that nobody may answer, whether there is a link or not.
    pub(crate) async fn send_unnumbered(&mut self, apdu: &[u8]) -> Result<(), LineError> {
        self.port.trace.apdu(Direction::Tx, apdu);
        let pdu = [&Llc::Command.encode(), apdu].concat();
        let LinkConfig { local, remote, parameters, .. } = *self.link.config();
        let room = usize::from(parameters.information_transmit.octets());
        let mut segments = pdu.chunks(room).peekable();
        while let Some(information) = segments.next() {
            let frame = Frame {
                destination: remote,
                source: local,
                control: Control::Ui { pf: false },
                segmented: segments.peek().is_some(),
                information,
            };
            let mut out = [0; FRAME_LEN_MAX];
            let Ok(length) = frame.encode(&mut out) else {
                return Err(LineError::TooLong { limit: room });
            };
            self.port.queue_link_frame(&out[..length]);
        }
        self.transmit(Phase::Sending).await
    }

    pub(crate) async fn receive(&mut self, apdu: &mut Vec<u8>) -> Result<(), LineError> {
        loop {
            if let Some(received) = self.ready.pop_front() {
                *apdu = received?;
                return Ok(());
            }
            self.settle()?;
            if !self.link.is_connected() && !self.config.unnumbered {
                return Err(LineError::NotConnected);
            }
            self.turn(Phase::Polling).await?;
        }
    }

    pub(crate) async fn disconnect(&mut self) {
        let is_connected = self.link.is_connected();
        if !core::mem::take(&mut self.called) || self.link.disconnect().is_err() {
            return;
        }
        // Released or not, the link is gone: there is nobody to tell of a failure.
        if !is_connected {
            // The meter may think that there is a link, if only its UA was lost. It is told once.
            self.guard.waive();
            let _ = self.transmit(Phase::Releasing).await;
            return;
        }
        self.guard.owe(self.guard_from(self.clock.now()));
        while let Ok(event) = self.turn(Phase::Releasing).await {
            if matches!(event, Some(LinkEvent::Disconnected { .. })) {
                return;
            }
        }
    }

    pub(crate) fn expect(&mut self) {
        self.guard.resume(self.guard_from(self.clock.now()));
        // Refused where the link expects something already, or is gone: then nothing is missing.
        let _ = self.link.expect();
    }

    pub(crate) const fn waive(&mut self) {
        self.guard.waive();
    }

    pub(crate) fn counters(&self) -> LineCounters {
        self.port.counters.with_deframed(self.deframer.counters())
    }

    pub(crate) fn parameters(&self) -> Option<Parameters> {
        self.link.is_connected().then(|| self.link.parameters())
    }

    pub(crate) const fn trace(&self) -> &Trace {
        &self.port.trace
    }

    /// One turn of the machine: take what was received, let time pass, send what is due, and wait
    /// for more, unless there is something to tell. An event that ends the link is an error.
    async fn turn(&mut self, phase: Phase) -> Result<Option<LinkEvent>, LineError> {
        let waiting = self.ready.len();
        self.take_overdue(phase).await?;
        self.handle_time(phase)?;
        if let Some(event) = self.link.poll_event() {
            return self.judge(event, phase).map(Some);
        }
        self.transmit(phase).await?;
        if self.ready.len() > waiting {
            return Ok(None);
        }

        let read = match self.due().map(|due| self.clock.at(due)) {
            Some(due) => match timeout_at(due, self.port.fill()).await {
                Ok(read) => read,
                Err(_) => return Ok(None),
            },
            None => self.port.fill().await,
        };
        self.take_read(read, phase).map(|()| None)
    }

    /// When something is to be done at the latest.
    fn due(&self) -> Option<Instant> {
        [self.link_due(), self.gap_ends, self.guard.until()].into_iter().flatten().min()
    }

    /// A line that was left alone has timers that ran out long ago, and perhaps the answer among
    /// what came meanwhile: that counts first.
    async fn take_overdue(&mut self, phase: Phase) -> Result<(), LineError> {
        for _ in 0..OVERDUE_READS_MAX {
            if self.due().is_none_or(|due| self.clock.now() < due) {
                return Ok(());
            }
            let read = {
                let mut fill = pin!(self.port.fill());
                poll_fn(|cx| match fill.as_mut().poll(cx) {
                    Poll::Ready(read) => Poll::Ready(Some(read)),
                    Poll::Pending => Poll::Ready(None),
                })
                .await
            };
            match read {
                // A line that is closed is found closed when there is nothing else to say.
                None | Some(Ok(0)) => return Ok(()),
                Some(read) => self.take_read(read, phase)?,
            }
        }
        Ok(())
    }

    fn take_read(&mut self, read: std::io::Result<usize>, phase: Phase) -> Result<(), LineError> {
        match read {
            Ok(0) => Err(self.closed(phase)),
            Ok(octets) => {
                self.note_octets(octets);
                Ok(())
            }
            Err(error) => Err(self.broken(phase, &error)),
        }
    }

    /// Frames to the link, segments to their PDUs.
    fn handle_received(&mut self) {
        if self.port.received().len() > 1 && self.port.received().ends_with(&[FLAG]) {
            self.port.show_all();
        }
        let now = self.clock.now();
        let limit = self.config.apdu_len_max;
        let LinkConfig { local, remote, .. } = *self.link.config();
        let mut foreign = 0;
        while let Some(Ok(frame)) = self.deframer.next_frame(self.port.received()) {
            self.heard_frame = true;
            self.port.trace.link(Direction::Rx, ShownFrame(&frame));
            // Among them our own, from a head or a bus that echoes.
            let is_ours = frame.destination == local || frame.destination == Address::ALL_STATION;
            foreign += u64::from(!is_ours || !frame.source.is_same_station(remote));
            let Some(segment) = self.link.handle_frame(now, &frame) else { continue };
            let Segment { unnumbered, .. } = segment;
            let assembly = if unnumbered { &mut self.unnumbered } else { &mut self.numbered };
            let received = match assembly.take(&segment, limit) {
                Assembled::Unfinished => {
                    // More of the answer. What the meter says by itself, and segments with nothing
                    // in them, bring it no closer.
                    if !unnumbered && !segment.octets.is_empty() {
                        self.guard.extend(now.checked_add(guard_time(&self.link)));
                    }
                    continue;
                }
                Assembled::Dropped => continue,
                Assembled::TooLong if unnumbered => {
                    self.port.counters.apdus_dropped += 1;
                    continue;
                }
                Assembled::Apdu(apdu) => Ok(apdu),
                Assembled::TooLong => Err(LineError::TooLong { limit }),
            };
            if let Ok(apdu) = &received {
                self.port.trace.apdu(Direction::Rx, apdu);
            }
            match &received {
                // An answer to a request comes in I-frames.
                _ if unnumbered => {}
                Ok(apdu) if !is_answer(apdu) => {
                    // The answer is still to come; a server that used its turn for something else
                    // must be given another. A link that was not asked has nothing to expect.
                    if self.guard.until().is_some() {
                        let _ = self.link.expect();
                    }
                }
                _ => self.guard.settle(),
            }
            match self.ready.len() < READY_MAX {
                true => self.ready.push_back(received),
                false => self.port.counters.apdus_dropped += 1,
            }
        }
        self.port.counters.foreign += foreign;
        self.port.consume(self.deframer.take_consumed());
    }

    /// Timers that have run out.
    fn handle_time(&mut self, phase: Phase) -> Result<(), LineError> {
        let now = self.clock.now();
        if self.gap_ends.is_some_and(|ends| ends <= now) {
            self.gap_ends = None;
            // What the frame claimed may begin like another: that has waited as long.
            while self.deframer.is_inside_frame() {
                self.deframer.abandon_partial();
                self.handle_received();
            }
        }
        if self.link_due().is_some_and(|due| due <= now) {
            self.port.counters.timeouts += 1;
            self.port.show_all();
            self.link.handle_timeout(now);
        }
        if self.guard.until().is_some_and(|guard| guard <= now) {
            self.guard.waive();
            return Err(self.silent(phase));
        }
        Ok(())
    }

    /// When the link's timer runs out; while a frame is coming in, it is let finish first.
    fn link_due(&self) -> Option<Instant> {
        self.link.poll_timeout().filter(|_| self.gap_ends.is_none())
    }

    /// Sends all that the link lets out.
    async fn transmit(&mut self, phase: Phase) -> Result<(), LineError> {
        loop {
            let flushed = timeout(self.config.patience(), self.port.flush()).await;
            match flushed {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(self.broken(phase, &error)),
                Err(_) => return Err(LineError::Timeout { phase: Phase::Sending }),
            }
            if !self.queue_frame() {
                return Ok(());
            }
        }
    }

    /// Queues the next frame that is due, if any. The link is asked again only when the frame has
    /// left: that there is nothing more starts its timer.
    fn queue_frame(&mut self) -> bool {
        let mut out = [0; FRAME_LEN_MAX];
        let Some(length) = self.link.poll_transmit(self.clock.now(), &self.pdu, &mut out) else {
            return false;
        };
        self.port.queue_link_frame(&out[..length]);
        true
    }

    /// Takes note of what happened since the last turn ended.
    fn settle(&mut self) -> Result<(), LineError> {
        while let Some(event) = self.link.poll_event() {
            self.judge(event, Phase::Polling)?;
        }
        Ok(())
    }

    /// What an event means for who is waiting.
    fn judge(&mut self, event: LinkEvent, phase: Phase) -> Result<LinkEvent, LineError> {
        let error = match event {
            LinkEvent::Sent => {
                self.guard.extend(self.guard_from(self.clock.now()));
                return Ok(event);
            }
            LinkEvent::Failed(Failure::NoResponse) => self.silent(phase),
            _ => match ended(event, phase) {
                None => {
                    self.guard.waive();
                    return Ok(event);
                }
                Some(error) => error,
            },
        };
        if matches!(event, LinkEvent::Disconnected { .. } | LinkEvent::Refused) {
            self.called = false;
        }
        self.guard.waive();
        Err(error)
    }

    fn silent(&self, phase: Phase) -> LineError {
        match self.opening.octets() {
            [_, ..] if phase == Phase::LinkSetUp && !self.heard_frame => {
                LineError::NotHdlc { opening: self.opening }
            }
            _ => LineError::Timeout { phase },
        }
    }

    fn closed(&mut self, phase: Phase) -> LineError {
        self.port.show_all();
        match self.silent(phase) {
            LineError::Timeout { .. } => {
                LineError::Closed { phase, mid_frame: self.deframer.is_inside_frame() }
            }
            error => error,
        }
    }

    fn broken(&mut self, phase: Phase, error: &std::io::Error) -> LineError {
        match LineError::broken(phase, error) {
            LineError::Closed { phase, .. } => self.closed(phase),
            broken => broken,
        }
    }

    fn note_octets(&mut self, octets: usize) {
        if !self.heard_frame {
            let received = self.port.received();
            self.opening.extend(&received[received.len() - octets..]);
        }
        // The frames in what came are taken next, so that this asks about what is left of it.
        self.handle_received();
        let gap = self.config.inter_octet_timeout.min(self.config.timeout);
        self.gap_ends = match self.deframer.is_inside_frame() {
            true => self.clock.now().checked_add(gap),
            false => None,
        };
    }

    /// Drops what an earlier link left behind.
    fn forget(&mut self) {
        self.numbered.clear();
        self.unnumbered.clear();
        self.ready.clear();
        self.guard.waive();
        self.opening = Opening::default();
        self.heard_frame = false;
        while self.link.poll_event().is_some() {}
    }

    fn guard_from(&self, now: Instant) -> Option<Instant> {
        now.checked_add(guard_time(&self.link))
    }

    /// Goes through the mode E opening, at 300 baud, and switches to the agreed rate.
    /// The stream, after the opening that its serial port asks for.
    pub(crate) async fn into_opened_stream(mut self) -> Result<Stream, LineError> {
        if let Some(port) = self.serial.clone().filter(|port| port.mode_e) {
            self.sign_on(&port).await?;
        }
        Ok(self.port.into_stream())
    }

    async fn sign_on(&mut self, port: &SerialPort) -> Result<u32, LineError> {
        const PHASE: Phase = Phase::SigningOn;

        self.switch_baud(OPENING_BAUD)?;
        // Nothing of HDLC is under way; what is left of it is noise to the opening.
        self.deframer.abandon_partial();
        self.handle_received();
        let mut machine = SignOn::new(self.clock.now(), port.baud, self.config.retries);
        let ends = self.clock.now().checked_add(self.config.patience());
        loop {
            let mut out = Vec::new();
            if machine.poll_transmit(&mut out) {
                self.port.trace.link(Direction::Tx, "mode E message");
                self.port.queue(&[&out]);
            }
            match timeout(self.config.patience(), self.port.flush()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(LineError::broken(PHASE, &error)),
                Err(_) => return Err(LineError::Timeout { phase: PHASE }),
            }
            match machine.poll_event() {
                Some(SignOnEvent::Open { baud }) => {
                    self.port.trace.link(Direction::Rx, format_args!("mode E open, {baud} baud"));
                    self.switch_baud(baud)?;
                    return Ok(baud);
                }
                Some(SignOnEvent::Silent) => return Err(LineError::Timeout { phase: PHASE }),
                Some(SignOnEvent::BaudUnknown { character }) => {
                    return Err(LineError::NotModeE { character });
                }
                None => {}
            }
            let due = [machine.poll_timeout(), ends].into_iter().flatten().min();
            let due = self.clock.at(due.unwrap_or_else(|| self.clock.now()));
            match timeout_at(due, self.port.fill()).await {
                Ok(Ok(0)) => return Err(LineError::Closed { phase: PHASE, mid_frame: false }),
                Ok(Ok(octets)) => {
                    let received = self.port.received();
                    let new = &received[received.len() - octets..];
                    machine.handle_octets(self.clock.now(), new);
                    while self.deframer.next_frame(received).is_some() {}
                    self.port.consume(self.deframer.take_consumed());
                }
                Ok(Err(error)) => return Err(LineError::broken(PHASE, &error)),
                Err(_) => {}
            }
            let now = self.clock.now();
            if ends.is_some_and(|ends| ends <= now) {
                return Err(LineError::Timeout { phase: PHASE });
            }
            machine.handle_timeout(now);
        }
    }

    fn switch_baud(&mut self, baud: u32) -> Result<(), LineError> {
        match self.port.stream_mut() {
            Stream::Serial(stream) => serial::switch_baud(stream, baud),
            Stream::Tcp(_) | Stream::Memory(_) => Ok(()),
        }
    }
}

/// The failure that an event of a link is to who waits; none if it is what was waited for.
pub(crate) fn ended(event: LinkEvent, phase: Phase) -> Option<LineError> {
    Some(match event {
        LinkEvent::Sent | LinkEvent::Connected { .. } => return None,
        LinkEvent::Disconnected { .. } if phase == Phase::Releasing => return None,
        LinkEvent::Disconnected { .. } => LineError::LinkLost,
        LinkEvent::Refused => LineError::LinkRefused,
        LinkEvent::Failed(Failure::NoResponse) => LineError::Timeout { phase },
        LinkEvent::Failed(Failure::NoProgress) => LineError::NoProgress,
        LinkEvent::Failed(Failure::Rejected(reject)) => {
            LineError::FrameReject { control: reject.map(|reject| reject.control.encode()) }
        }
        LinkEvent::Rejected(reject) => {
            LineError::FrameReject { control: Some(reject.control.encode()) }
        }
        LinkEvent::Failed(failure) => LineError::Violation { failure },
    })
}

fn guard_time(link: &Link) -> Duration {
    let LinkConfig { response_timeout, retries, .. } = *link.config();
    response_timeout.saturating_mul(u32::from(retries) + 1).saturating_add(GUARD_EXTRA)
}

/// The link of `config`. Behind a serial port the frames themselves take their time, at `baud`.
pub(crate) fn link_config(config: &LineConfig, baud: Option<u32>) -> Result<LinkConfig, LineError> {
    let client = u8::try_from(config.client).map_err(|_| LineError::BadSap)?;
    let client = Address::try_one(client).map_err(|_| LineError::BadSap)?;
    if client == Address::NO_STATION || client == Address::ALL_STATION {
        return Err(LineError::BadSap);
    }
    let information = InformationLength::try_new(config.hdlc_info);
    let window = WindowSize::try_new(config.window);
    let (Ok(information), Ok(window)) = (information, window) else {
        return Err(LineError::BadParameters);
    };
    let line_time = baud.map_or(Duration::ZERO, |baud| {
        // Each way a window of full frames, and one that was on its way.
        let frames = 2 * (u32::from(window.frames()) + 1);
        let octets = frames * (u32::from(information.octets()) + FRAME_OVERHEAD);
        // No meter is slower than the opening of mode E.
        Duration::from_secs(1) * (octets * OCTET_BITS) / baud.max(OPENING_BAUD)
    });
    Ok(LinkConfig {
        parameters: Parameters::symmetric(information, window),
        response_timeout: config.timeout.saturating_add(line_time),
        retries: config.retries.min(RETRIES_MAX),
        ..LinkConfig::client(client, server_address(config)?)
    })
}

/// The address of the meter, in the length asked for or the shortest that it fits.
fn server_address(config: &LineConfig) -> Result<Address, LineError> {
    let LineConfig { server_upper: upper, server_lower: lower, .. } = *config;
    let seven_bits = |part: u16| u8::try_from(part).map_err(|_| LineError::BadSap);
    let short = upper <= Address::ALL_STATION_7
        && lower.is_none_or(|lower| lower <= Address::ALL_STATION_7);
    let length = config.address_bytes.unwrap_or(match (short, lower) {
        (true, None) => AddressLength::One,
        (true, Some(_)) => AddressLength::Two,
        (false, _) => AddressLength::Four,
    });
    let address = match (length, lower) {
        (AddressLength::One, None) => Address::try_one(seven_bits(upper)?),
        (AddressLength::Two, Some(lower)) => {
            Address::try_two(seven_bits(upper)?, seven_bits(lower)?)
        }
        (AddressLength::Four, Some(lower)) => Address::try_four(upper, lower),
        _ => return Err(LineError::BadSap),
    };
    address.map_err(|_| LineError::BadSap)
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::{HdlcLine, LineConfig, link_config};
    use crate::{
        ApduServer, HdlcServerConfig, Identification, address::SerialPort, line::stream::Stream,
        serve_hdlc, trace::Trace,
    };

    struct Silent;

    impl ApduServer for Silent {
        fn knows(&self, server: u16) -> bool {
            server == 1
        }

        fn handle(&mut self, _: u16, _: u16, _: &mut Vec<u8>, _: &mut Vec<u8>) -> bool {
            false
        }

        fn disconnected(&mut self, _: u16, _: u16) {}
    }

    fn config() -> LineConfig {
        LineConfig { window: 3, timeout: Duration::from_secs(1), ..LineConfig::default() }
    }

    #[test]
    fn on_a_serial_line_a_window_of_frames_each_way_and_one_on_its_way_take_their_time() {
        let response_timeout =
            |baud| link_config(&config(), baud).map(|config| config.response_timeout);
        assert_eq!(response_timeout(None), Ok(Duration::from_secs(1)));
        // Twice four frames of 145 octets of ten bits.
        assert_eq!(response_timeout(Some(11_600)), Ok(Duration::from_secs(2)));
        assert_eq!(response_timeout(Some(0)), response_timeout(Some(300)));
    }

    #[tokio::test(start_paused = true)]
    async fn after_mode_e_frames_are_given_the_time_they_take_at_the_rate_agreed_on() {
        let (near, far) = tokio::io::duplex(4_096);
        tokio::spawn(async move {
            let identification =
                Identification { manufacturer: *b"DHE", baud: 1_200, product: String::new() };
            let config =
                HdlcServerConfig { mode_e: Some(identification), ..HdlcServerConfig::default() };
            serve_hdlc(far, &mut Silent, &config).await
        });
        let port = SerialPort { path: String::new(), baud: 9_600, mode_e: true };
        let stream = Stream::Memory(near);
        let mut line =
            HdlcLine::try_new(stream, Some(&port), &LineConfig::default(), Trace::off()).unwrap();
        line.connect().await.unwrap();
        assert_eq!(Ok(*line.link.config()), link_config(&LineConfig::default(), Some(1_200)));
    }
}
