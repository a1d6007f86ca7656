//! The link machine: connection, numbering, recovery (IEC 62056-46 6.4.3 and 6.4.4).
//!
//! One [`Link`] is one end of one connection, client or server. It is fed frames and time, and
//! gives back frames, segments and events; it reads no clock and holds no octets. In normal
//! response mode the two ends take turns: a command with P = 1 hands the turn to the server, a
//! response with F = 1 hands it back. Only who has the turn sends.
//!
//! ```text
//!   client
//!
//!      Disconnected <------- DM, silence ------ Connecting
//!        |   ^  |                                 ^    |
//!        |   |  +------- connect: SNRM -> --------+    | UA
//!        |   |                                         v
//!        |   +--- DM, FRMR, silence ---------------- Connected
//!        |   |                                         |
//!        |   +--- UA, DM, silence --- Disconnecting    | disconnect: DISC ->
//!        |                              ^    ^         |
//!        +------ disconnect: DISC -> ---+    +---------+
//!
//!   client, Connected
//!
//!      our turn  --- I .. I P ->,  RR P ->,  REJ P -> --->  their turn --- silence, or F
//!         ^                                                  |  ^          without progress
//!         |                                                  |  |              |
//!         +-------------- F with progress -------------------+  +-- RR P -> ---+
//!                                                                  at most `retries`
//!   server
//!
//!      Disconnected  --- SNRM: UA -> --->  Connected  --- unmendable frame --->  Rejecting
//!       (NDM)   ^                           (NRM)  ^                              |  |
//!               |                            |     +-------- SNRM: UA -> ---------+  |
//!               +--- DISC: UA ->, inactivity +                                       |
//!               +--- DISC: UA ->, inactivity ----------------------------------------+
//!
//!      Disconnected answers any other P with DM, Rejecting with FRMR.
//! ```
//!
//! # Recovery
//!
//! When an answer does not come, the client does not send its I-frames again: the server may have
//! them, and only the answer was lost. It polls with RR, P = 1, and the N(R) of what comes back
//! tells what is missing (IEC 62056-46 6.4.4.9.1). An answer without progress (nothing
//! acknowledged, nothing delivered) proves that the peer lives, no more: the next poll follows when
//! the response timeout has passed, and after [`LinkConfig::retries`] of them in a row the
//! link has failed. So every wait ends within `response_timeout * (retries + 1)` of the latest
//! progress.
//!
//! An I-frame that comes out of sequence is dropped, and the answer to it asks again from the
//! number expected: by RR, which is in the repertoire of IEC 62056-46, or, from a client to a
//! server that has gone further than its window allows, by REJ, because such a server takes RR for
//! leave to go on.

mod client;
mod server;
mod window;

use core::time::Duration;

use sans_io_time::Instant;
use thiserror::Error;

use self::{
    client::Client,
    server::Server,
    window::{Incoming, Outgoing},
};
use crate::{
    address::Address,
    control::{Control, FrameReject},
    frame::{FRAME_LEN_MAX, Frame},
    llc::Llc,
    parameters::{Parameters, ParametersError},
};

/// Most repetitions without progress that a link makes, whatever its configuration says.
///
/// A server that takes every poll for leave to send its next segment comes round, after eight, to
/// the number that the client waits for, with octets of a later segment; seven repetitions cannot
/// bring that about.
pub const RETRIES_MAX: u8 = 7;

/// Longest pause inside a series of UI frames: what comes later opens a PDU of its own. Meters in
/// the field pause for 3 s between two frames of one push.
pub const UNNUMBERED_GAP_MAX: Duration = Duration::from_secs(5);

/// Events a link keeps for an owner that does not fetch them; the oldest give way. Fetched after
/// every call, there are never more than two.
pub const EVENTS_MAX: usize = 4;

/// Which end of the connection a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The head-end: it connects, it polls, it has the timers.
    Client,
    /// The meter: it answers.
    Server,
}

/// What a link has to know before its first frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkConfig {
    /// Which end this is.
    pub role: Role,
    /// Our address: of one octet for a client.
    pub local: Address,
    /// The address of the other end: of one octet for a server.
    pub remote: Address,
    /// What we propose (client) or grant at most (server).
    pub parameters: Parameters,
    /// How long a client waits for an answer after it has sent its last octet. The time a meter
    /// thinks and the time its first frame takes on the line both count: 2030 octets take two
    /// seconds at 9600 Bd.
    pub response_timeout: Duration,
    /// How often in a row a client repeats a command or polls without progress before the link has
    /// failed; at most [`RETRIES_MAX`].
    pub retries: u8,
    /// How long a server keeps a connection without hearing its client. Without one it keeps it
    /// for ever. A client has no such timer.
    pub inactivity_timeout: Option<Duration>,
    /// This server has placed the call, and so answers to the CALLING physical device.
    pub calling: bool,
}

impl LinkConfig {
    /// A client that proposes the default parameters, waits 5 s for an answer and repeats 3 times.
    pub const fn client(local: Address, remote: Address) -> Self {
        Self {
            role: Role::Client,
            local,
            remote,
            parameters: Parameters::DEFAULT,
            response_timeout: Duration::from_secs(5),
            retries: 3,
            inactivity_timeout: None,
            calling: false,
        }
    }

    /// A server that grants the default parameters and drops a connection after 120 s without a
    /// frame, the default of the IEC HDLC setup class.
    pub const fn server(local: Address, remote: Address) -> Self {
        Self {
            role: Role::Server,
            local,
            remote,
            parameters: Parameters::DEFAULT,
            response_timeout: Duration::from_secs(5),
            retries: 3,
            inactivity_timeout: Some(Duration::from_secs(120)),
            calling: false,
        }
    }
}

/// A received segment of a PDU, for the owner to append to its reassembly buffer.
///
/// Numbered segments come in order, each once. Unnumbered ones come as the line brings them, and
/// may come between numbered ones: they belong in a buffer of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    /// The information field.
    pub octets: &'a [u8],
    /// The segment opens a PDU: clear the buffer first.
    pub first: bool,
    /// The segment ends its PDU, which is complete now.
    pub last: bool,
    /// The segment came in a UI frame.
    pub unnumbered: bool,
}

/// What the owner of a link should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkEvent {
    /// The connection is open and fresh: whatever an older one left unfinished is gone.
    Connected {
        /// What both ends agreed on, from our side.
        parameters: Parameters,
    },
    /// The PDU being sent is acknowledged (or was sent, when unnumbered); its octets are no longer
    /// needed.
    Sent,
    /// The connection is closed.
    Disconnected {
        /// Why.
        why: Closed,
    },
    /// The server answered SNRM with DM (client only).
    Refused,
    /// The connection is lost; only a new one helps (client only).
    Failed(Failure),
    /// We met a frame that sending again cannot mend, and answer FRMR until the client connects
    /// again (server only).
    Rejected(FrameReject),
}

/// Why a connection was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Closed {
    /// [`Link::disconnect`] was called.
    Requested,
    /// The peer closed it: by DISC (a client), by DM (a server).
    ByPeer,
    /// No frame came for as long as the inactivity timeout.
    Inactivity,
}

/// How a client lost its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Failure {
    /// The server has been silent through every repetition.
    #[error("the server does not answer")]
    NoResponse,
    /// The server answered, but neither acknowledged nor delivered anything.
    #[error("the server answers without making progress")]
    NoProgress,
    /// The server rejected a frame with FRMR; without a reason when its information was short.
    #[error("the server rejected a frame")]
    Rejected(Option<FrameReject>),
    /// The server acknowledged frames that were never sent.
    #[error("the server acknowledged what was never sent")]
    InvalidNr,
    /// The parameters in UA cannot be read.
    #[error("the server accepted with parameters that cannot be read: {0}")]
    Parameters(ParametersError),
}

/// A call that the link cannot follow: the caller's mistake, and the link is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Misuse {
    /// Only the other role can do this.
    #[error("the other role does this")]
    Role,
    /// There is no connection.
    #[error("not connected")]
    NotConnected,
    /// A PDU is still being sent, or an answer still awaited.
    #[error("a PDU is under way")]
    Busy,
    /// A PDU has at least one octet.
    #[error("an empty PDU")]
    EmptyPdu,
    /// A broadcast address cannot be connected to.
    #[error("no connection to a broadcast address")]
    Broadcast,
}

/// One end of a connection.
///
/// The owner calls a `handle_*` or a verb, then [`Link::poll_event`] and [`Link::poll_transmit`]
/// until both give nothing, then waits for a frame or for [`Link::poll_timeout`].
///
/// ```
/// use hdlc::{
///     address::Address,
///     frame::{FRAME_LEN_MAX, Frame},
///     link::{Link, LinkConfig, LinkEvent},
///     parameters::Parameters,
/// };
/// use sans_io_time::Instant;
///
/// let now = Instant::ZERO;
/// let mut link = Link::new(LinkConfig::client(Address::PUBLIC_CLIENT, Address::MANAGEMENT));
/// let mut out = [0; FRAME_LEN_MAX];
///
/// link.connect()?;
/// let written = link.poll_transmit(now, &[], &mut out).unwrap();
/// assert_eq!(out[..written], [0x7e, 0xa0, 0x07, 0x03, 0x21, 0x93, 0x0f, 0x01, 0x7e]); // SNRM
///
/// let ua = Frame::decode(&[0xa0, 0x07, 0x21, 0x03, 0x73, 0x01, 0x40])?;
/// assert_eq!(link.handle_frame(now, &ua), None);
/// assert_eq!(link.poll_event(), Some(LinkEvent::Connected { parameters: Parameters::DEFAULT }));
///
/// // The owner keeps the PDU until it is acknowledged; the link cuts segments from it.
/// let pdu = [0xe6, 0xe6, 0x00, 0xc0];
/// link.send(pdu.len())?;
/// let written = link.poll_transmit(now, &pdu, &mut out).unwrap();
/// assert_eq!(out[5], 0x10); // I, N(S) = 0, N(R) = 0, P = 1
/// assert_eq!(out[8..12], pdu);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Link {
    station: Station,
    side: Side,
}

#[derive(Debug)]
enum Side {
    Client(Client),
    Server(Server),
}

impl Link {
    /// A link without a connection.
    pub fn new(config: LinkConfig) -> Self {
        let side = match config.role {
            Role::Client => Side::Client(Client::new()),
            Role::Server => Side::Server(Server::new(config.local)),
        };
        Self { station: Station::new(config), side }
    }

    /// Opens the connection, or opens it afresh: a client sends SNRM. Whatever was under way is
    /// dropped.
    pub fn connect(&mut self) -> Result<(), Misuse> {
        match &mut self.side {
            Side::Server(_) => Err(Misuse::Role),
            Side::Client(_) if self.station.config.remote.is_all_station() => {
                Err(Misuse::Broadcast)
            }
            Side::Client(client) => {
                client.connect(&mut self.station);
                Ok(())
            }
        }
    }

    /// Closes the connection: a client sends DISC, and does so even without a connection, because
    /// the server may still have one; a server drops it without a word. Whatever was under way is
    /// dropped.
    pub fn disconnect(&mut self) -> Result<(), Misuse> {
        match &mut self.side {
            Side::Client(client) => client.disconnect(&mut self.station),
            Side::Server(_) if self.station.state == State::Disconnected => {
                return Err(Misuse::NotConnected);
            }
            Side::Server(server) => server.close(&mut self.station, Closed::Requested),
        }
        Ok(())
    }

    /// Begins to send one PDU of `pdu_len` octets, LLC header included, in I-frames.
    ///
    /// The owner keeps the octets, unchanged, until [`LinkEvent::Sent`] or the end of the
    /// connection. A client's PDU asks for one PDU in answer; a server's waits for the client to
    /// ask.
    pub fn send(&mut self, pdu_len: usize) -> Result<(), Misuse> {
        if self.station.state != State::Connected {
            return Err(Misuse::NotConnected);
        }
        if pdu_len == 0 {
            return Err(Misuse::EmptyPdu);
        }
        if self.is_sending() {
            return Err(Misuse::Busy);
        }
        match &mut self.side {
            Side::Client(client) => client.expect()?,
            Side::Server(server) => server.answer(),
        }
        self.station.outgoing.begin(pdu_len);
        Ok(())
    }

    /// Begins to send one PDU of `pdu_len` octets, LLC header included, in UI frames: never
    /// acknowledged, never answered, and possible without a connection.
    pub fn send_unnumbered(&mut self, pdu_len: usize) -> Result<(), Misuse> {
        if !matches!(self.station.state, State::Connected | State::Disconnected) {
            return Err(Misuse::Busy);
        }
        if pdu_len == 0 {
            return Err(Misuse::EmptyPdu);
        }
        if self.is_sending() {
            return Err(Misuse::Busy);
        }
        self.station.unnumbered = Some(Unnumbered { len: pdu_len, offset: 0 });
        Ok(())
    }

    /// Asks the server for one more PDU without sending one, by RR: what a client does when a
    /// streaming server has announced more than one PDU in answer.
    pub fn expect(&mut self) -> Result<(), Misuse> {
        if self.station.state != State::Connected {
            return Err(Misuse::NotConnected);
        }
        if self.is_sending() {
            return Err(Misuse::Busy);
        }
        match &mut self.side {
            Side::Client(client) => client.expect(),
            Side::Server(_) => Err(Misuse::Role),
        }
    }

    /// Waits no longer for the PDU that is owed: what a client does after a service that has no
    /// response, when [`LinkEvent::Sent`] says that the server has all of it. If the PDU comes
    /// nevertheless, it is taken.
    pub fn waive(&mut self) -> Result<(), Misuse> {
        if self.station.state != State::Connected {
            return Err(Misuse::NotConnected);
        }
        if self.is_sending() {
            return Err(Misuse::Busy);
        }
        match &mut self.side {
            Side::Client(client) => client.waive(&mut self.station),
            Side::Server(_) => return Err(Misuse::Role),
        }
        Ok(())
    }

    /// Answers the PDU received last with nothing, so that the client gets its turn back at once:
    /// what a server does after a service that has no response.
    pub fn pass(&mut self) -> Result<(), Misuse> {
        match &mut self.side {
            Side::Client(_) => Err(Misuse::Role),
            Side::Server(_) if self.station.state != State::Connected => Err(Misuse::NotConnected),
            Side::Server(server) => {
                server.answer();
                Ok(())
            }
        }
    }

    /// Takes a frame. Frames that are not for this end or not from the other end are ignored.
    ///
    /// Returns the segment it carried, if it is new and in sequence.
    pub fn handle_frame<'a>(&mut self, now: Instant, frame: &Frame<'a>) -> Option<Segment<'a>> {
        match &mut self.side {
            Side::Client(client) => client.handle_frame(&mut self.station, now, frame),
            Side::Server(server) => server.handle_frame(&mut self.station, now, frame),
        }
    }

    /// Tells the link that it is `now`. Does nothing before [`Link::poll_timeout`].
    ///
    /// An owner that is in the middle of receiving a frame
    /// ([`Deframer::is_inside_frame`](crate::deframer::Deframer::is_inside_frame)) should first let
    /// it end: by its last octet or by the inter-octet timeout.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.station.deadline.is_none_or(|deadline| now < deadline) {
            return;
        }
        self.station.deadline = None;
        match &mut self.side {
            Side::Client(client) => client.handle_timeout(&mut self.station),
            Side::Server(server) => server.close(&mut self.station, Closed::Inactivity),
        }
    }

    /// When to call [`Link::handle_timeout`] at the latest. May have changed after every other
    /// call.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.station.deadline
    }

    /// Writes the next frame to be sent, flags included, to the front of `out` and returns how many
    /// octets it takes.
    ///
    /// `pdu` holds the octets announced to [`Link::send`] or [`Link::send_unnumbered`], the same at
    /// every call; with fewer than announced nothing is sent. Without a PDU under way it is not
    /// looked at.
    ///
    /// The owner writes the frame to the line and asks again, until there is nothing: a client's
    /// response timeout counts from that last call, when all octets have gone.
    pub fn poll_transmit(
        &mut self,
        now: Instant,
        pdu: &[u8],
        out: &mut [u8; FRAME_LEN_MAX],
    ) -> Option<usize> {
        match &mut self.side {
            Side::Client(client) => client.poll_transmit(&mut self.station, now, pdu, out),
            Side::Server(server) => server.poll_transmit(&mut self.station, now, pdu, out),
        }
    }

    /// The oldest event not fetched yet.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<LinkEvent> {
        self.station.events.pop()
    }

    /// Whether the connection is open.
    pub fn is_connected(&self) -> bool {
        self.station.state == State::Connected
    }

    /// Whether there is no connection, nor one on its way up or down: nothing is to be kept about
    /// this link but its configuration.
    pub fn is_disconnected(&self) -> bool {
        self.station.state == State::Disconnected
    }

    /// Whether octets of a PDU are still needed.
    pub fn is_sending(&self) -> bool {
        !self.station.outgoing.is_idle() || self.station.unnumbered.is_some()
    }

    /// What both ends agreed on, from our side; the defaults without a connection.
    pub fn parameters(&self) -> Parameters {
        self.station.parameters
    }

    /// What the link was made with.
    pub fn config(&self) -> &LinkConfig {
        &self.station.config
    }

    /// Events that gave way because [`EVENTS_MAX`] was reached. Counting wraps.
    pub fn events_dropped(&self) -> u64 {
        self.station.events.dropped
    }
}

/// Where a connection stands, in the order it passes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Disconnected,
    /// SNRM was sent (client).
    Connecting,
    Connected,
    /// FRMR was sent or will be (server).
    Rejecting(FrameReject),
    /// DISC was sent (client).
    Disconnecting,
}

/// What client and server have in common.
#[derive(Debug)]
struct Station {
    config: LinkConfig,
    state: State,
    /// In force: agreed on while connected, else the defaults.
    parameters: Parameters,
    outgoing: Outgoing,
    incoming: Incoming,
    /// The PDU being sent in UI frames; never while `outgoing` has one.
    unnumbered: Option<Unnumbered>,
    /// Where the received UI frames stand.
    series: UnnumberedSeries,
    /// The peer said RNR.
    peer_busy: bool,
    deadline: Option<Instant>,
    events: Events,
}

#[derive(Debug)]
struct Unnumbered {
    len: usize,
    offset: usize,
}

impl Station {
    fn new(config: LinkConfig) -> Self {
        let parameters = Parameters::DEFAULT;
        Self {
            config,
            state: State::Disconnected,
            parameters,
            outgoing: Outgoing::new(parameters.information_transmit, parameters.window_transmit),
            incoming: Incoming::new(parameters.window_receive),
            unnumbered: None,
            series: UnnumberedSeries::new(),
            peer_busy: false,
            deadline: None,
            events: Events::default(),
        }
    }

    /// Enters `state` with nothing under way.
    fn enter(&mut self, state: State, parameters: Parameters) {
        self.state = state;
        self.parameters = parameters;
        self.outgoing = Outgoing::new(parameters.information_transmit, parameters.window_transmit);
        self.incoming = Incoming::new(parameters.window_receive);
        self.unnumbered = None;
        self.peer_busy = false;
        self.deadline = None;
    }

    fn arm(&mut self, now: Instant, timeout: Duration) {
        self.deadline = Some(after(now, timeout));
    }

    /// The next UI frame of the unnumbered PDU.
    fn transmit_unnumbered(
        &mut self,
        source: Address,
        pdu: &[u8],
        out: &mut [u8; FRAME_LEN_MAX],
    ) -> Option<usize> {
        let parameters = match self.state {
            State::Connected => self.parameters,
            _ => self.config.parameters,
        };
        let Unnumbered { len, offset } = *self.unnumbered.as_ref()?;
        let to =
            offset.saturating_add(usize::from(parameters.information_transmit.octets())).min(len);
        let information = pdu.get(offset..to)?;
        let segmented = to < len;
        if segmented {
            self.unnumbered = Some(Unnumbered { len, offset: to });
        } else {
            self.unnumbered = None;
            self.events.push(LinkEvent::Sent);
        }
        self.transmit(source, Control::Ui { pf: false }, segmented, information, out)
    }

    /// The next I-frame, if the window and the peer let one out; `pf` is the value of its P/F bit
    /// when it is the last of the turn.
    fn transmit_information(
        &mut self,
        source: Address,
        pdu: &[u8],
        out: &mut [u8; FRAME_LEN_MAX],
    ) -> Option<(usize, bool)> {
        if self.peer_busy {
            return None;
        }
        let information = self.outgoing.peek().and_then(|cut| pdu.get(cut.from..cut.to))?;
        let cut = self.outgoing.cut()?;
        let pf = self.outgoing.peek().is_none();
        let nr = self.incoming.acknowledge();
        let control = Control::I { ns: cut.ns, nr, pf };
        let written = self.transmit(source, control, !cut.last, information, out)?;
        Some((written, pf))
    }

    fn transmit(
        &self,
        source: Address,
        control: Control,
        segmented: bool,
        information: &[u8],
        out: &mut [u8; FRAME_LEN_MAX],
    ) -> Option<usize> {
        let destination = self.config.remote;
        let frame = Frame { destination, source, control, segmented, information };
        // Every information field is within the parameters, and so fits.
        frame.encode(out).ok()
    }
}

/// Tells which UI frames belong to one PDU. They bear no numbers: whatever is lost shows only in
/// what the others say.
///
/// A [`Link`] does this for the UI frames it takes. An owner of many links, or of none, may want it
/// for those that are for all of them.
#[derive(Debug, Clone, Default)]
pub struct UnnumberedSeries {
    /// The latest frame said that more follow; one that comes until then continues its PDU.
    inside: Option<Instant>,
}

impl UnnumberedSeries {
    /// A series that has not begun.
    pub const fn new() -> Self {
        Self { inside: None }
    }

    /// The segment in a UI frame.
    ///
    /// It opens a PDU after the last segment of another, after [`UNNUMBERED_GAP_MAX`], and when it
    /// begins with an LLC header, which stands in the first segment only (IEC 62056-46 5.4): then
    /// the last one of the PDU before was lost.
    pub fn segment<'a>(&mut self, now: Instant, frame: &Frame<'a>) -> Segment<'a> {
        let continues = self.inside.take().is_some_and(|until| now <= until);
        if frame.segmented {
            self.inside = Some(after(now, UNNUMBERED_GAP_MAX));
        }
        Segment {
            octets: frame.information,
            first: !continues || Llc::decode(frame.information).is_ok(),
            last: !frame.segmented,
            unnumbered: true,
        }
    }
}

/// A time so far away that it cannot be told is never.
fn after(now: Instant, timeout: Duration) -> Instant {
    now.checked_add(timeout).unwrap_or_else(|| Instant::from_nanos(i64::MAX))
}

/// Events not fetched yet, oldest first.
#[derive(Debug, Default)]
struct Events {
    slots: [Option<LinkEvent>; EVENTS_MAX],
    dropped: u64,
}

impl Events {
    fn push(&mut self, event: LinkEvent) {
        if self.slots.iter().all(Option::is_some) {
            self.pop();
            self.dropped = self.dropped.wrapping_add(1);
        }
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some(event);
        }
    }

    fn pop(&mut self) -> Option<LinkEvent> {
        let event = self.slots.first_mut()?.take();
        self.slots.rotate_left(1);
        event
    }
}
