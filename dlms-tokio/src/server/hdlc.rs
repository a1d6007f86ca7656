//! Serving HDLC over a byte stream (IEC 62056-46): many links on one stream, told apart by their
//! addresses.

use core::time::Duration;
use std::collections::BTreeMap;

use hdlc::{
    address::Address,
    deframer::{Deframer, OnError},
    frame::{FRAME_LEN_MAX, Frame},
    link::{Link, LinkConfig, LinkEvent, Segment},
    llc::Llc,
    parameters::{InformationLength, Parameters, WindowSize},
};
use sans_io_time::Instant;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout_at,
};

use crate::{
    clock::Clock,
    line::{Assembled, Assembly, LineError, Phase, port::Port},
    server::{ApduServer, Identification, PAIRS_MAX, flush, mode_e::Responder},
    trace::Trace,
};

/// How a meter behaves on an HDLC line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HdlcServerConfig {
    /// Largest information field granted, both ways. Default 128 octets.
    pub information: InformationLength,
    /// Largest window granted, both ways. Default 1.
    pub window: WindowSize,
    /// How long a link is kept without a frame of its client. Default 120 s.
    pub inactivity_timeout: Option<Duration>,
    /// The physical device: the lower address that is answered to, 16 to 16381, by the rules for
    /// addresses of another length (IEC 62056-46 §6.4.2.5). Default none: every lower address and
    /// every length is taken for ours, and answered in the form it came in.
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
            physical: None,
            apdu_len_max: 64 * 1024,
            mode_e: None,
        }
    }
}

/// Serves `server` to the clients at the other end of `stream` until it is closed.
///
/// Each pair of client and server address has a link of its own.
///
/// # Errors
///
/// [`LineError::Closed`] when the stream ended in the middle of a frame, [`LineError::Timeout`]
/// when its other end takes nothing in for a minute, [`LineError::Broken`].
pub async fn serve_hdlc<S, A>(
    stream: S,
    server: &mut A,
    config: &HdlcServerConfig,
) -> Result<(), LineError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    A: ApduServer + ?Sized,
{
    let mut station = Station {
        port: Port::new(stream, Trace::off()),
        config,
        clock: Clock::new(),
        deframer: Deframer::new(OnError::Resync),
        responder: config.mode_e.clone().map(Responder::new),
        links: BTreeMap::new(),
    };
    let ended = station.serve(server).await;
    for served in station.links.values_mut() {
        served.part(server);
    }
    ended
}

struct Station<'c, S> {
    port: Port<S>,
    config: &'c HdlcServerConfig,
    clock: Clock,
    deframer: Deframer,
    responder: Option<Responder>,
    /// By the octets of the client's and of our own address.
    links: BTreeMap<([u8; 4], [u8; 4]), ServedLink>,
}

/// One link and what it carries.
struct ServedLink {
    link: Link,
    client: u16,
    server: u16,
    numbered: Assembly,
    unnumbered: Assembly,
    /// The answer being sent.
    pdu: Vec<u8>,
    /// The answer that is not ready yet, and when it will be.
    pending: Option<(Instant, Vec<u8>)>,
    /// Whether the application has seen anything of this pair since the link was set up.
    associated: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Station<'_, S> {
    async fn serve<A: ApduServer + ?Sized>(&mut self, server: &mut A) -> Result<(), LineError> {
        let phase = Phase::Receiving;
        loop {
            self.handle_time(server);
            self.queue_frames();
            flush(&mut self.port).await?;

            let due = self.links.values().filter_map(ServedLink::due).min();
            let read = match due.map(|due| self.clock.at(due)) {
                Some(due) => match timeout_at(due, self.port.fill()).await {
                    Ok(read) => read,
                    Err(_) => continue,
                },
                None => self.port.fill().await,
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
        let nobody_connected = self.links.values().all(|served| !served.link.is_connected());
        if let Some(responder) = &mut self.responder
            && nobody_connected
        {
            let received = self.port.received();
            let answer = responder.handle_octets(&received[received.len() - octets..]);
            self.port.queue(&[&answer]);
        }

        let now = self.clock.now();
        while let Some(Ok(frame)) = self.deframer.next_frame(self.port.received()) {
            if frame.destination.is_all_station() {
                // What is told to everybody is told to every link there is; nobody answers.
                for served in self.links.values_mut() {
                    served.handle_frame(now, &frame, self.config.apdu_len_max, server);
                }
            } else if let Some(served) = addressed(&mut self.links, &frame, self.config, server) {
                served.handle_frame(now, &frame, self.config.apdu_len_max, server);
            }
        }
        self.port.consume(self.deframer.take_consumed());
    }

    fn handle_time<A: ApduServer + ?Sized>(&mut self, server: &mut A) {
        let now = self.clock.now();
        for served in self.links.values_mut() {
            if let Some((_, answer)) = served.pending.take_if(|(due, _)| *due <= now) {
                served.send(answer);
            }
            served.link.handle_timeout(now);
            served.handle_events(server);
        }
    }

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
    }
}

/// The link that a frame is for, made when it is the first of its pair; none for whom we are not.
fn addressed<'l, A: ApduServer + ?Sized>(
    links: &'l mut BTreeMap<([u8; 4], [u8; 4]), ServedLink>,
    frame: &Frame<'_>,
    config: &HdlcServerConfig,
    server: &A,
) -> Option<&'l mut ServedLink> {
    let client = frame.source;
    let local = match config.physical {
        None => frame.destination,
        Some(lower) => Address::try_four(frame.destination.upper(), lower).ok()?,
    };
    local.reach(frame.destination)?;
    // The client address has one octet; a source of another length is not a client's.
    if client.lower().is_some() || !server.knows(local.upper()) {
        return None;
    }
    let key = (client.encode(), local.encode());
    if links.len() >= PAIRS_MAX && !links.contains_key(&key) {
        return None;
    }
    Some(links.entry(key).or_insert_with(|| ServedLink {
        link: Link::new(LinkConfig {
            parameters: Parameters::symmetric(config.information, config.window),
            inactivity_timeout: config.inactivity_timeout,
            ..LinkConfig::server(local, client)
        }),
        client: client.upper(),
        server: local.upper(),
        numbered: Assembly::default(),
        unnumbered: Assembly::default(),
        pdu: Vec::new(),
        pending: None,
        associated: false,
    }))
}

impl ServedLink {
    fn handle_frame<A: ApduServer + ?Sized>(
        &mut self,
        now: Instant,
        frame: &Frame<'_>,
        limit: usize,
        server: &mut A,
    ) {
        let segment = self.link.handle_frame(now, frame);
        self.handle_events(server);
        let Some(segment) = segment else { return };
        let Segment { unnumbered, .. } = segment;
        let assembly = if unnumbered { &mut self.unnumbered } else { &mut self.numbered };
        match assembly.take(&segment, limit) {
            Assembled::Apdu(apdu) if unnumbered => {
                // A UI frame is never answered (IEC 62056-46 §6.4.3.6).
                self.ask(apdu, server);
            }
            Assembled::Apdu(apdu) => match self.ask(apdu, server) {
                Some(answer) => match server.answer_after() {
                    Duration::ZERO => self.send(answer),
                    delay => self.pending = now.checked_add(delay).map(|due| (due, answer)),
                },
                None => self.pass(),
            },
            Assembled::TooLong if !unnumbered => self.pass(),
            Assembled::TooLong | Assembled::Unfinished => {}
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
                LinkEvent::Sent | LinkEvent::Refused | LinkEvent::Failed(_) => {}
            }
        }
    }

    /// The link is gone or fresh: nothing of the association before survives.
    fn part<A: ApduServer + ?Sized>(&mut self, server: &mut A) {
        self.numbered.clear();
        self.unnumbered.clear();
        self.pdu.clear();
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

    /// Gives the turn back without an answer, if the link is still there.
    fn pass(&mut self) {
        let _ = self.link.pass();
    }

    fn due(&self) -> Option<Instant> {
        let pending = self.pending.as_ref().map(|(due, _)| *due);
        [self.link.poll_timeout(), pending].into_iter().flatten().min()
    }
}
