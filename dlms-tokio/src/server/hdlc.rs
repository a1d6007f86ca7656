//! Serving HDLC over a byte stream (IEC 62056-46): many links on one stream, told apart by client
//! and logical device.
//!
//! ```text
//!   octets -> Deframer --+-- I, RR, SNRM .. --> Link of client and logical device --> handle
//!                        |                       (kept while it is up)
//!                        +-- UI, for one or for all --> UiSeries --> handle_unconfirmed
//! ```

use core::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};
use std::{
    collections::{BTreeMap, VecDeque},
    io,
};

use hdlc::{
    address::{Address, AddressLength},
    control::Control,
    deframer::{Deframer, OnError},
    frame::{FRAME_LEN_MAX, Frame},
    link::{Link, LinkConfig, LinkEvent, Segment, UnnumberedSeries},
    llc::Llc,
    parameters::{InformationLength, Parameters, WindowSize},
};
use sans_io_time::Instant;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout_at,
};
use tokio_serial::SerialStream;

use crate::{
    clock::Clock,
    line::{Assembled, Assembly, LineError, Phase, Stream, port::Port},
    server::{ApduServer, Identification, PAIRS_MAX, flush, mode_e::Responder},
    trace::Trace,
};

/// Octets of unfinished APDUs on one stream, if no single APDU may be longer: four of the longest
/// at a time, or many of the usual size. What would go beyond is dropped like an APDU too long.
const UNFINISHED_MAX: usize = 256 * 1024;

/// Answers of one pair that wait until those before them are taken in: all the blocks of a window
/// of general block transfer. More are dropped.
const WAITING_MAX: usize = 63;

/// UI series under way on one stream; of more, the one that stopped first is given up. There are
/// seldom two clients on a line, and each tells one thing at a time.
const SERIES_MAX: usize = 16;

/// The logical device in whose name a broadcast is looked at: every physical device has it.
const MANAGEMENT: u16 = 1;

/// How a meter behaves on an HDLC line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HdlcServerConfig {
    /// Largest information field granted, both ways. Default 128 octets.
    pub information: InformationLength,
    /// Largest window granted, both ways. Default 1.
    pub window: WindowSize,
    /// How long a link is kept without a frame of its client. Default 120 s.
    pub inactivity_timeout: Option<Duration>,
    /// How long a stream may bring no frame for us, nor a sign-on, before it is hung up on. Default
    /// 180 s, as for the wrapper. None: for ever, as a serial port needs it.
    pub stream_timeout: Option<Duration>,
    /// Longest gap inside a frame before what came of it is given up. Default 2 s: behind a gateway
    /// a frame may be cut by a mobile network that loses a packet.
    pub inter_octet_timeout: Duration,
    /// The physical device: the lower address that is answered to, 16 to 16381, by the rules for
    /// addresses of another length (IEC 62056-46 §6.4.2.5). Default none: every lower address and
    /// every length is taken for ours, and answered in the form SNRM came in.
    pub physical: Option<u16>,
    /// Longest APDU that is put together, in octets. Default 64 KiB.
    pub apdu_len_max: usize,
    /// Answers the sign-on of mode E with this, beside HDLC. Default none. The rate of the stream
    /// is not switched.
    pub mode_e: Option<Identification>,
}

impl Default for HdlcServerConfig {
    fn default() -> Self {
        Self {
            information: InformationLength::DEFAULT,
            window: WindowSize::DEFAULT,
            inactivity_timeout: Some(Duration::from_secs(120)),
            stream_timeout: Some(Duration::from_secs(180)),
            inter_octet_timeout: Duration::from_secs(2),
            physical: None,
            apdu_len_max: 64 * 1024,
            mode_e: None,
        }
    }
}

/// Serves `server` to the clients at the other end of `stream` until it is closed.
///
/// Each pair of client and logical device has a link of its own while it is connected. On a serial
/// port use [`serve_hdlc_serial`]: flushing one holds the thread until the last octet has left.
///
/// # Errors
///
/// [`LineError::BadSap`] for a physical device out of range, [`LineError::Closed`] when the stream
/// ended in the middle of a frame, [`LineError::Timeout`] when its other end says nothing for too
/// long or takes nothing in for a minute, [`LineError::Broken`].
pub async fn serve_hdlc<S, A>(
    stream: S,
    server: &mut A,
    config: &HdlcServerConfig,
) -> Result<(), LineError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    A: ApduServer + ?Sized,
{
    // Below are reserved addresses, above CALLING and all-station (IEC 62056-46 §6.4.2.3).
    if config.physical.is_some_and(|physical| !(0x10..=0x3FFD).contains(&physical)) {
        return Err(LineError::BadSap);
    }
    let mut station = Station {
        port: Port::new(stream, Trace::off()),
        config,
        clock: Clock::new(),
        deframer: Deframer::new(OnError::Resync),
        responder: config.mode_e.clone().map(Responder::new),
        links: BTreeMap::new(),
        series: BTreeMap::new(),
        gap_ends: None,
        stream_ends: None,
    };
    let ended = station.serve(server).await;
    for served in station.links.values_mut() {
        served.part(server);
    }
    ended
}

/// As [`serve_hdlc`], on a serial port, which is never hung up on.
///
/// # Errors
///
/// As [`serve_hdlc`].
pub async fn serve_hdlc_serial<A>(
    port: SerialStream,
    server: &mut A,
    config: &HdlcServerConfig,
) -> Result<(), LineError>
where
    A: ApduServer + ?Sized,
{
    let config = HdlcServerConfig { stream_timeout: None, ..config.clone() };
    serve_hdlc(Stream::Serial(port), server, &config).await
}

struct Station<'c, S> {
    port: Port<S>,
    config: &'c HdlcServerConfig,
    clock: Clock,
    deframer: Deframer,
    responder: Option<Responder>,
    /// By client and logical device; between two turns, those that are connected or need SNRM.
    links: BTreeMap<(u16, u16), ServedLink>,
    /// By client and the octets of the destination.
    series: BTreeMap<(u16, [u8; 4]), UiSeries>,
    /// When the unfinished frame is given up.
    gap_ends: Option<Instant>,
    /// When the stream is hung up on.
    stream_ends: Option<Instant>,
}

/// One link and what it carries.
struct ServedLink {
    link: Link,
    client: u16,
    server: u16,
    assembly: Assembly,
    /// The answer being sent.
    pdu: Vec<u8>,
    /// Answers after that one.
    waiting: VecDeque<Vec<u8>>,
    /// The answer that is not ready yet, and when it will be.
    pending: Option<(Instant, Vec<u8>)>,
    /// Whether the application has seen anything of this pair since the link was set up.
    associated: bool,
}

/// UI frames from one client to one destination, and what they make.
#[derive(Default)]
struct UiSeries {
    frames: UnnumberedSeries,
    assembly: Assembly,
    heard: Option<Instant>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Station<'_, S> {
    async fn serve<A: ApduServer + ?Sized>(&mut self, server: &mut A) -> Result<(), LineError> {
        let phase = Phase::Receiving;
        self.stay();
        loop {
            self.handle_time(server);
            self.queue_frames();
            flush(&mut self.port).await?;
            if self.stream_ends.is_some_and(|ends| ends <= self.clock.now()) {
                return Err(LineError::Timeout { phase });
            }

            let due = self.links.values().filter_map(ServedLink::due);
            let due = due.chain(self.gap_ends).chain(self.stream_ends).min();
            let mut answer = Vec::new();
            let next = next(&mut self.port, server, &mut answer);
            let next = match due.map(|due| self.clock.at(due)) {
                Some(due) => match timeout_at(due, next).await {
                    Ok(next) => next,
                    Err(_) => continue,
                },
                None => next.await,
            };
            let read = match next {
                Next::Read(read) => read,
                Next::Answer(pair) => {
                    if let Some(served) = self.links.get_mut(&pair) {
                        served.send_after_others(answer);
                    }
                    continue;
                }
            };
            match read {
                Ok(0) if self.deframer.is_inside_frame() => {
                    return Err(LineError::Closed { phase, mid_frame: true });
                }
                Ok(0) => return Ok(()),
                Ok(octets) => self.handle_octets(octets, server),
                Err(error) => match LineError::broken(phase, &error) {
                    LineError::Closed { mid_frame: false, .. } => return Ok(()),
                    broken => return Err(broken),
                },
            }
        }
    }

    fn handle_octets<A: ApduServer + ?Sized>(&mut self, octets: usize, server: &mut A) {
        if let Some(responder) = &mut self.responder
            && self.links.values().all(|served| !served.link.is_connected())
        {
            let received = self.port.received();
            let answer = responder.handle_octets(&received[received.len() - octets..]);
            if !answer.is_empty() {
                self.port.queue(&[&answer]);
                self.stay();
            }
        }
        self.handle_frames(server);
        self.gap_ends = match self.deframer.is_inside_frame() {
            true => self.clock.now().checked_add(self.config.inter_octet_timeout),
            false => None,
        };
    }

    fn handle_frames<A: ApduServer + ?Sized>(&mut self, server: &mut A) {
        let now = self.clock.now();
        let mut spoken_to = false;
        while let Some(Ok(frame)) = self.deframer.next_frame(self.port.received()) {
            let links = &mut self.links;
            let series = &mut self.series;
            spoken_to |= handle_frame(links, series, self.config, now, &frame, server);
        }
        self.port.consume(self.deframer.take_consumed());
        if spoken_to {
            self.stay();
        }
    }

    fn handle_time<A: ApduServer + ?Sized>(&mut self, server: &mut A) {
        let now = self.clock.now();
        if self.gap_ends.is_some_and(|ends| ends <= now) {
            self.gap_ends = None;
            // What the frame claimed may begin like another: that has waited as long.
            while self.deframer.is_inside_frame() {
                self.deframer.abandon_partial();
                self.handle_frames(server);
            }
        }
        for served in self.links.values_mut() {
            if let Some((_, answer)) = served.pending.take_if(|(due, _)| *due <= now) {
                served.send(answer);
            }
            served.link.handle_timeout(now);
            served.handle_events(server);
        }
    }

    /// Queues what the links have to say; those that are not connected have then said it all.
    fn queue_frames(&mut self) {
        let now = self.clock.now();
        let mut out = [0; FRAME_LEN_MAX];
        for served in self.links.values_mut() {
            while let Some(length) = served.link.poll_transmit(now, &served.pdu, &mut out) {
                self.port.queue(&[&out[..length]]);
            }
            if !served.link.is_sending() {
                served.pdu = Vec::new();
            }
        }
        self.links.retain(|_, served| !served.link.is_disconnected());
    }

    /// The stream is of use: it is kept for so long again.
    fn stay(&mut self) {
        self.stream_ends =
            self.config.stream_timeout.and_then(|timeout| self.clock.now().checked_add(timeout));
    }
}

/// What a station waits for.
enum Next {
    /// So many octets came.
    Read(io::Result<usize>),
    /// There is an answer for this pair.
    Answer((u16, u16)),
}

/// Waits for octets, or for an answer that was not ready before.
async fn next<S, A>(port: &mut Port<S>, server: &mut A, answer: &mut Vec<u8>) -> Next
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    A: ApduServer + ?Sized,
{
    let mut fill = pin!(port.fill());
    poll_fn(|cx| match server.poll_answer(cx, answer) {
        Poll::Ready(pair) => Poll::Ready(Next::Answer(pair)),
        Poll::Pending => fill.as_mut().poll(cx).map(Next::Read),
    })
    .await
}

/// Takes a frame; returns whether it is one for us.
fn handle_frame<A: ApduServer + ?Sized>(
    links: &mut BTreeMap<(u16, u16), ServedLink>,
    series: &mut BTreeMap<(u16, [u8; 4]), UiSeries>,
    config: &HdlcServerConfig,
    now: Instant,
    frame: &Frame<'_>,
    server: &mut A,
) -> bool {
    // The client address has one octet, and is neither nobody's nor everybody's.
    let nobody = [Address::NO_STATION, Address::ALL_STATION];
    if frame.source.length() != AddressLength::One || nobody.contains(&frame.source) {
        return false;
    }
    let client = frame.source.upper();
    let logical_device = logical_device(frame.destination);
    if logical_device.is_some_and(|logical_device| !server.knows(logical_device)) {
        return false;
    }
    let upper = logical_device.unwrap_or(MANAGEMENT);
    let local = match config.physical {
        None => frame.destination,
        Some(physical) => match Address::try_four(upper, physical) {
            Ok(local) => local,
            Err(_) => return false,
        },
    };
    if local.reach(frame.destination).is_none() {
        return false;
    }

    let room = match frame.segmented {
        true => {
            let numbered = links.values().map(|served| served.assembly.len());
            let held = numbered.chain(series.values().map(|series| series.assembly.len())).sum();
            UNFINISHED_MAX.max(config.apdu_len_max).saturating_sub(held)
        }
        false => usize::MAX,
    };

    if frame.destination.is_all_station() {
        match frame.control {
            Control::Ui { pf: false } => {}
            Control::Disc { pf: false } => {
                for served in links.values_mut().filter(|served| served.client == client) {
                    served.link.handle_frame(now, frame);
                    served.handle_events(server);
                }
                return true;
            }
            _ => return false,
        }
    } else {
        let key = (client, upper);
        if links.len() >= PAIRS_MAX && !links.contains_key(&key) {
            return false;
        }
        // One that is not connected says DM, or whatever it has to say, and is gone with the turn.
        let new = || ServedLink::new(local, frame.source, config);
        let served = links.entry(key).or_insert_with(new);
        let is_other_form = served.link.config().local != local;
        if is_other_form && matches!(frame.control, Control::Snrm { .. }) {
            served.part(server);
            *served = new();
        }
        let segment = served.link.handle_frame(now, frame);
        served.handle_events(server);
        match segment {
            // The link goes by another form of our address, and does not hear this one.
            None if is_other_form && matches!(frame.control, Control::Ui { .. }) => {}
            None => return true,
            Some(Segment { unnumbered: true, .. }) => {}
            Some(segment) => {
                let limit = config.apdu_len_max.min(served.assembly.len().saturating_add(room));
                served.take(now, &segment, limit, server);
                return true;
            }
        }
    }

    // A UI frame, with a link or without: nothing about it depends on one.
    if let Some(mut apdu) = unnumbered(series, config.apdu_len_max.min(room), now, frame) {
        server.handle_unconfirmed(client, logical_device, &mut apdu);
    }
    true
}

/// The logical device that an address names; none if it is all of them.
fn logical_device(destination: Address) -> Option<u16> {
    let all = match destination.length() {
        AddressLength::One | AddressLength::Two => Address::ALL_STATION_7,
        AddressLength::Four => Address::ALL_STATION_14,
    };
    Some(destination.upper()).filter(|upper| *upper != all)
}

/// Takes a UI frame; returns the APDU that it completes.
fn unnumbered(
    all: &mut BTreeMap<(u16, [u8; 4]), UiSeries>,
    limit: usize,
    now: Instant,
    frame: &Frame<'_>,
) -> Option<Vec<u8>> {
    let key = (frame.source.upper(), frame.destination.encode());
    if all.len() >= SERIES_MAX
        && !all.contains_key(&key)
        && let Some(oldest) = all.iter().min_by_key(|(_, series)| series.heard).map(|(key, _)| *key)
    {
        all.remove(&oldest);
    }
    let series = all.entry(key).or_default();
    series.heard = Some(now);
    let segment = series.frames.segment(now, frame);
    let assembled = series.assembly.take(&segment, limit);
    if segment.last {
        all.remove(&key);
    }
    match assembled {
        Assembled::Apdu(apdu) => Some(apdu),
        Assembled::Unfinished | Assembled::Dropped | Assembled::TooLong => None,
    }
}

impl ServedLink {
    fn new(local: Address, client: Address, config: &HdlcServerConfig) -> Self {
        Self {
            link: Link::new(LinkConfig {
                parameters: Parameters::symmetric(config.information, config.window),
                inactivity_timeout: config.inactivity_timeout,
                ..LinkConfig::server(local, client)
            }),
            client: client.upper(),
            server: local.upper(),
            assembly: Assembly::default(),
            pdu: Vec::new(),
            waiting: VecDeque::new(),
            pending: None,
            associated: false,
        }
    }

    /// Takes the next segment of a request, whose APDU may have up to `limit` octets.
    fn take<A: ApduServer + ?Sized>(
        &mut self,
        now: Instant,
        segment: &Segment<'_>,
        limit: usize,
        server: &mut A,
    ) {
        match self.assembly.take(segment, limit) {
            Assembled::Apdu(apdu) => match self.ask(apdu, server) {
                Some(answer) => match server.answer_after() {
                    Duration::ZERO => self.send(answer),
                    delay => self.pending = now.checked_add(delay).map(|due| (due, answer)),
                },
                None if server.answers_later() => {}
                None => self.pass(),
            },
            // Nothing is answered to an APDU that nobody has seen.
            Assembled::TooLong | Assembled::Dropped if segment.last => self.pass(),
            Assembled::TooLong | Assembled::Dropped | Assembled::Unfinished => {}
        }
    }

    fn ask<A: ApduServer + ?Sized>(
        &mut self,
        mut apdu: Vec<u8>,
        server: &mut A,
    ) -> Option<Vec<u8>> {
        self.associated = true;
        let mut answer = Vec::new();
        let answers = server.handle(self.client, self.server, &mut apdu, &mut answer);
        answers.then_some(answer)
    }

    fn handle_events<A: ApduServer + ?Sized>(&mut self, server: &mut A) {
        while let Some(event) = self.link.poll_event() {
            match event {
                LinkEvent::Connected { .. }
                | LinkEvent::Disconnected { .. }
                | LinkEvent::Rejected(_) => self.part(server),
                LinkEvent::Sent => {
                    if let Some(answer) = self.waiting.pop_front() {
                        self.send(answer);
                    }
                }
                LinkEvent::Refused | LinkEvent::Failed(_) => {}
            }
        }
    }

    /// The link is gone or fresh: nothing of the association before survives.
    fn part<A: ApduServer + ?Sized>(&mut self, server: &mut A) {
        self.assembly.clear();
        self.pdu.clear();
        self.waiting.clear();
        self.pending = None;
        if core::mem::take(&mut self.associated) {
            server.disconnected(self.client, self.server);
        }
    }

    /// Sends the answer. A link that was lost meanwhile has nobody to send it to, and one that is
    /// still sending was asked by a client that did not wait for its answer: it gets the old one.
    fn send(&mut self, answer: Vec<u8>) {
        if self.link.send(Llc::LEN + answer.len()).is_ok() {
            self.pdu = [&Llc::Response.encode(), answer.as_slice()].concat();
        }
    }

    /// Sends the answer, once those before it were taken in.
    fn send_after_others(&mut self, answer: Vec<u8>) {
        if !self.link.is_sending() {
            self.send(answer);
        } else if self.waiting.len() < WAITING_MAX {
            self.waiting.push_back(answer);
        }
    }

    /// Gives the turn back without an answer, if the link is still there.
    fn pass(&mut self) {
        let _ = self.link.pass();
    }

    fn due(&self) -> Option<Instant> {
        let pending = self.pending.as_ref().map(|(due, _)| *due);
        [self.link.poll_timeout(), pending].into_iter().flatten().min()
    }
}
