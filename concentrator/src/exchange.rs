//! The exchange: where connections of head-ends and of meters meet.
//!
//! ```text
//!   head-end == trunk ==> wan.rs ==+            +== meter.rs ==> meter (wrapper, TCP)
//!   head-end == trunk ==> wan.rs ==+   Plane    +== meter.rs ==> meter
//!   head-end == links ==> hdlc.rs =+            +
//!   collection = in memory => wan  +  (router)  +== media ==> meters (HDLC)
//!                                  |            +== one socket ==> meters (wrapper, UDP)
//!                          Local (SAP 1)     PushSink (spool)
//! ```
//!
//! What is shared is one `Plane` behind one lock, which is taken once for all that a read has
//! brought and never held across an await. A frame is passed on within that: its APDU is not looked
//! into, not copied on its way down, and copied once on its way up, where the answers of many
//! meters become one write. Nothing is allocated for a frame.
//!
//! Limits: what a head-end does not take in keeps its next requests from being read
//! ([`OUT_HIGH_WATER`]), what a meter does not take in is dropped ([`METER_OUT_MAX`]), so that
//! neither costs anybody else anything but memory that is counted.

mod confirmations;
mod hdlc;
mod meter;
mod wan;

use core::{task::Waker, time::Duration};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use dlms_core::{
    wrapper::{HEADER_LEN, MANAGEMENT_LOGICAL_DEVICE, WrapperHeader},
    xdlms::tag,
};
use dlms_tokio::{
    LineError, SerialStream,
    medium::{Down, MediumAddress, MediumHandle, Up},
};
use sans_io_time::Instant;
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream},
    task::JoinHandle,
    time,
};

use crate::{
    daemon::utc,
    exchange::{
        confirmations::{Confirmations, Due, Wanted, is_closed, is_confirmation},
        meter::MeterPort,
    },
    lan_udp::{UdpAddress, UdpMeters},
    nodes::{Node, NodeError, NodeId, Nodes, Place, Registration},
    router::{
        Discard, Forward, Party, Peer, Router, RouterConfig, RouterCounters, RouterEvent, Upward,
        Verdict, WanId,
    },
};

pub use self::confirmations::{CONFIRMATION_TIME_MAX, WayBack};

/// Octets waiting for a head-end above which nothing more is read from it: some answers of 2 kB of
/// a hundred meters.
pub const OUT_HIGH_WATER: usize = 256 * 1024;
/// Octets waiting for a head-end above which its connection is closed. What its requests may bring
/// is bounded by the meters; this is the longest APDU of five hundred of them.
pub const OUT_MAX: usize = 32 * 1024 * 1024;
/// How long a head-end that has connected may ask nothing at all: then its place is another's.
pub const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Octets waiting for one meter; a request that goes beyond is dropped, and counted.
pub const METER_OUT_MAX: usize = 128 * 1024;
/// Octets taken from a connection in one read.
const READ_MAX: usize = 64 * 1024;
/// How often what waits is looked at; timeouts are late by as much at most.
const TICK: Duration = Duration::from_millis(500);

/// The meters, shared by who routes to them and who shows them.
pub type SharedNodes = Arc<Mutex<Nodes>>;

/// What serves the concentrator itself, at SAP 1.
pub trait Local: Send {
    /// Takes an APDU of `client` on a connection, which may be changed in place, and writes the
    /// answer to the empty `out`. True if there is one.
    fn handle(&mut self, wan: WanId, client: u16, apdu: &mut Vec<u8>, out: &mut Vec<u8>) -> bool;

    /// Writes a further APDU of the answer to the empty `out`; false when there is none.
    fn further(&mut self, wan: WanId, client: u16, out: &mut Vec<u8>) -> bool {
        let _ = (wan, client, out);
        false
    }

    /// The client is gone, and the connection is not.
    fn left(&mut self, wan: WanId, client: u16);

    /// The connection is gone.
    fn closed(&mut self, wan: WanId);
}

/// What nobody asked for.
#[derive(Clone, Copy, Debug)]
pub struct Pushed<'p> {
    /// The meter it is from.
    pub node: &'p Node,
    /// The client SAP it is for.
    pub client: u16,
    /// The APDU, as it came.
    pub apdu: &'p [u8],
}

/// A push that is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Its number.
    pub number: u64,
    /// The APDU that says which one it is: from SAP 1, it goes in front of the push to who takes
    /// pushes. Empty for none.
    pub which: Vec<u8>,
}

/// What keeps pushes.
pub trait PushSink: Send {
    /// Takes one, and says what it is called; none when it is not kept. It must not block.
    fn push(&mut self, pushed: &Pushed<'_>) -> Option<Kept>;

    /// The number up to which all are stored, whatever happens: such are confirmed.
    fn stored(&self) -> u64 {
        0
    }
}

/// How the exchange behaves.
#[derive(Clone, Debug)]
pub struct ExchangeConfig {
    /// How meters are shared.
    pub router: RouterConfig,
    /// How long connecting to a meter may take. Default: 10 s.
    pub connect_timeout: Duration,
    /// Connections of head-ends at a time. Default: 16.
    pub wans_max: usize,
    /// How long a head-end that has asked before may ask nothing: then its place is another's.
    /// Default: 15 minutes.
    pub idle_timeout: Duration,
}

impl Default for ExchangeConfig {
    fn default() -> Self {
        Self {
            router: RouterConfig::default(),
            connect_timeout: Duration::from_secs(10),
            wans_max: 16,
            idle_timeout: Duration::from_secs(900),
        }
    }
}

/// How often what happened, beside what the router counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExchangeCounters {
    /// What the router counts.
    pub router: RouterCounters,
    /// Meters that somebody speaks to.
    pub associations: usize,
    /// Connections of head-ends that are open, and head-ends that send datagrams.
    pub wans: usize,
    /// Connections of head-ends refused because there were too many.
    pub wans_refused: u64,
    /// Connections of head-ends closed because they took nothing in.
    pub wans_overflown: u64,
    /// Connections to meters that are open.
    pub meters: usize,
    /// Requests dropped because a meter took nothing in.
    pub meters_overflown: u64,
    /// APDUs from where no meter is known.
    pub unknown_meters: u64,
    /// Octets of APDUs and headers from head-ends.
    pub octets_down: u64,
    /// Octets of APDUs and headers to head-ends.
    pub octets_up: u64,
}

/// A handle to the exchange. Clones are handles to the same.
#[derive(Clone)]
pub struct Exchange {
    shared: Arc<Shared>,
}

impl core::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Exchange").field("counters", &self.counters()).finish_non_exhaustive()
    }
}

struct Shared {
    plane: Mutex<Plane>,
    ticking: JoinHandle<()>,
    started: time::Instant,
    connect_timeout: Duration,
    idle_timeout: Duration,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.ticking.abort();
    }
}

/// What connections share.
struct Plane {
    router: Router,
    nodes: SharedNodes,
    /// By [`WanId`].
    wans: BTreeMap<WanId, WanPort>,
    next_wan: u32,
    wans_max: usize,
    /// By [`NodeId`].
    meters: Vec<MeterPort>,
    /// What meters share, by its place in the configuration.
    media: BTreeMap<u16, MediumHandle>,
    /// Who is where on a medium, as far as it was spoken to.
    by_address: BTreeMap<(u16, MediumAddress), NodeId>,
    /// The links that are used on media, with the client that uses them.
    links: BTreeMap<NodeId, (u16, MediumAddress, u16)>,
    /// The socket for meters that are reached by datagrams.
    datagrams: Option<UdpMeters>,
    /// Who is where behind that, as far as it was spoken to.
    by_host: BTreeMap<UdpAddress, NodeId>,
    local: Box<dyn Local>,
    pushes: Box<dyn PushSink>,
    /// Meters that wait for the confirmation of a push.
    confirmations: Confirmations<WayBack>,
    counters: ExchangeCounters,
    me: Weak<Shared>,
}

/// Where meters are that share an address.
struct At {
    /// None where there is no medium.
    medium: Option<u16>,
    place: Place,
}

impl At {
    fn has(&self, node: &Node) -> bool {
        let is_on_it = self.medium.is_none_or(|medium| node.medium == medium);
        node.present && is_on_it && node.place == self.place
    }
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Whose {
    /// A head-end that connected. There are no more of these than there may be.
    #[default]
    HeadEnd,
    /// A head-end that sends datagrams. The socket that they come to limits how many there are.
    Datagrams,
    /// A head-end that was connected to, so that it gets what meters push; it may ask as well.
    Called,
    /// The concentrator itself, which reads meters as a head-end does.
    Inside,
}

/// The way to a head-end.
#[derive(Default)]
struct WanPort {
    /// Frames to be sent.
    out: Vec<u8>,
    /// The task of the connection.
    waker: Option<Waker>,
    /// Who is at its other end.
    whose: Whose,
    /// Whether it is to be closed: it takes nothing in.
    overflown: bool,
}

impl WanPort {
    /// Appends a frame, and wakes the task of the connection if it does not know of any yet.
    fn queue(&mut self, header: WrapperHeader, parts: [&[u8]; 2]) {
        if self.overflown {
            return;
        }
        let is_news = self.out.is_empty();
        self.out.extend_from_slice(&header.encode_header());
        for part in parts {
            self.out.extend_from_slice(part);
        }
        self.overflown = self.out.len() > OUT_MAX;
        if (is_news || self.overflown)
            && let Some(waker) = self.waker.take()
        {
            waker.wake();
        }
    }
}

impl Exchange {
    /// An exchange between head-ends and `nodes`. It needs a tokio runtime, and is fastest on one
    /// thread.
    #[must_use]
    pub fn new(
        config: ExchangeConfig,
        nodes: SharedNodes,
        local: Box<dyn Local>,
        pushes: Box<dyn PushSink>,
    ) -> Self {
        let shared = Arc::new_cyclic(|me: &Weak<Shared>| {
            let plane = Plane {
                router: Router::new(config.router),
                nodes,
                wans: BTreeMap::new(),
                next_wan: 0,
                wans_max: config.wans_max,
                meters: Vec::new(),
                media: BTreeMap::new(),
                by_address: BTreeMap::new(),
                links: BTreeMap::new(),
                datagrams: None,
                by_host: BTreeMap::new(),
                local,
                pushes,
                confirmations: Confirmations::default(),
                counters: ExchangeCounters::default(),
                me: me.clone(),
            };
            Shared {
                plane: Mutex::new(plane),
                ticking: tokio::spawn(tick(me.clone())),
                started: time::Instant::now(),
                connect_timeout: config.connect_timeout,
                idle_timeout: config.idle_timeout,
            }
        });
        Self { shared }
    }

    /// Serves a head-end at the other end of `stream`, by the wrapper, until it closes it.
    ///
    /// # Errors
    /// See [`WanError`].
    pub async fn serve<S>(&self, stream: S, whose: Whose) -> Result<(), WanError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        wan::serve(&self.shared, stream, whose, None).await
    }

    /// As [`serve`](Self::serve), for a head-end that is known to be `peer`: what it left behind on
    /// another connection is its own ([`Router::handle_wan_opened`]).
    ///
    /// # Errors
    /// See [`WanError`].
    pub async fn serve_peer<S>(&self, stream: S, peer: Peer) -> Result<(), WanError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        wan::serve(&self.shared, stream, Whose::HeadEnd, Some(peer)).await
    }

    /// Serves a head-end at the other end of `stream`, by HDLC, until it closes it: a link for each
    /// client and SAP. `physical` is the lower address of the concentrator, if it has one.
    ///
    /// # Errors
    /// See [`WanError`].
    pub async fn serve_hdlc<S>(
        &self,
        stream: S,
        physical: Option<u16>,
        peer: Option<Peer>,
    ) -> Result<(), WanError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        hdlc::serve(self, stream, physical, peer).await
    }

    /// As [`serve_hdlc`](Self::serve_hdlc), on a serial port, which is never hung up on.
    ///
    /// # Errors
    /// See [`WanError`].
    pub async fn serve_serial(
        &self,
        port: SerialStream,
        physical: Option<u16>,
    ) -> Result<(), WanError> {
        hdlc::serve_serial(self, port, physical).await
    }

    /// A connection to the exchange within this process, as of a head-end.
    #[must_use]
    pub fn connect(&self) -> DuplexStream {
        let (near, far) = tokio::io::duplex(READ_MAX);
        let exchange = self.clone();
        tokio::spawn(async move {
            if let Err(error) = exchange.serve(far, Whose::Inside).await {
                tracing::debug!(%error, "a connection within the process ended");
            }
        });
        near
    }

    /// A way for the frames of one head-end that come otherwise than in a stream of the wrapper.
    ///
    /// # Errors
    /// [`WanError::TooMany`].
    pub(crate) fn open(&self, whose: Whose, peer: Option<Peer>) -> Result<WanId, WanError> {
        self.shared.lock().open_wan(whose, peer)
    }

    /// Whether what is sent to a SAP gets any answer.
    pub(crate) fn answers_at(&self, sap: u16) -> bool {
        let plane = self.shared.lock();
        let nodes = plane.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        plane.router.answers_at(&nodes, sap)
    }

    /// The client at `wan` has left the SAP, and stays connected.
    pub(crate) fn leave(&self, party: Party, sap: u16) {
        self.shared.lock().leave(self.shared.now(), party, sap);
    }

    /// Takes a frame from the peer of `wan`. It is changed on its way.
    pub(crate) fn take(&self, wan: WanId, header: WrapperHeader, frame: &mut [u8]) {
        let now = self.shared.now();
        self.shared.lock().handle_wan(now, wan, header, frame);
    }

    /// The frames for the peer of `wan`; `waker` is called when there are more.
    pub(crate) fn drain(&self, wan: WanId, waker: &Waker) -> Vec<u8> {
        let mut plane = self.shared.lock();
        let Some(port) = plane.wans.get_mut(&wan) else { return Vec::new() };
        port.overflown = false;
        if !port.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            port.waker = Some(waker.clone());
        }
        core::mem::take(&mut port.out)
    }

    /// The peer of `wan` is gone.
    pub(crate) fn close(&self, wan: WanId) {
        self.shared.lock().close_wan(self.shared.now(), wan);
    }

    /// What a meter sent to `client` unasked, on another way than a connection of ours. A
    /// confirmation takes the way `back`, if there is one.
    pub fn pushed(&self, node: NodeId, client: u16, apdu: &[u8], back: Option<WayBack>) {
        let now = self.shared.now();
        self.shared.lock().push(now, node, client, apdu, back);
    }

    /// Meters on the medium with this place in the configuration are reached by `handle` from now
    /// on.
    pub fn add_medium(&self, medium: u16, handle: MediumHandle) {
        self.shared.lock().media.insert(medium, handle);
    }

    /// Takes what a medium tells.
    pub fn handle_medium(&self, medium: u16, up: Up) {
        let now = self.shared.now();
        let mut plane = self.shared.lock();
        let meter = match &up {
            Up::Apdu { meter, .. } | Up::Failed { meter, .. } | Up::Pushed { meter, .. } => *meter,
            // A ciphered request may be one that has no answer.
            Up::Unanswered { .. } | Up::Probed { .. } => return,
        };
        // What is pushed is of who is there, whoever asked there last.
        let is_push = matches!(up, Up::Pushed { .. });
        let asked = plane.by_address.get(&(medium, meter)).copied().filter(|_| !is_push);
        let at = At { medium: Some(medium), place: Place::Physical(meter.physical) };
        let Some(node) = plane.node_at(asked, &at, meter.server) else {
            plane.counters.unknown_meters += 1;
            return;
        };
        match up {
            // On a medium nothing can be sent to a meter but on a link, and a confirmation is none.
            Up::Apdu { client, apdu, .. } => plane.handle_lan(now, node, client, &apdu, None),
            Up::Pushed { client, apdu, .. } => plane.push(now, node, client, &apdu, None),
            Up::Failed { client, cause, .. } => {
                tracing::info!(?meter, %cause, "a meter is out of reach");
                // Who has the seat now need not be who asked.
                if plane.router.holder(node).is_some_and(|holder| holder.client == client) {
                    plane.links.remove(&node);
                    plane.router.handle_lan_failed(now, node);
                    plane.settle();
                }
            }
            Up::Unanswered { .. } | Up::Probed { .. } => {}
        }
    }

    /// Meters that are reached by datagrams are so by `socket` from now on.
    pub fn add_datagrams(&self, socket: UdpMeters) {
        self.shared.lock().datagrams = Some(socket);
    }

    /// Takes a datagram of a meter.
    pub fn handle_datagram(&self, from: UdpAddress, client: u16, apdu: &[u8]) {
        let now = self.shared.now();
        let mut plane = self.shared.lock();
        let asked = plane.by_host.get(&from).copied();
        // They come from their own addresses, on no medium that was configured.
        let at = At { medium: None, place: Place::Datagrams(from.host) };
        match plane.node_at(asked, &at, from.server) {
            Some(node) => {
                plane.handle_lan(now, node, client, apdu, Some(WayBack::Socket(from)));
            }
            None => plane.counters.unknown_meters += 1,
        }
    }

    /// Makes a meter known; the SAP that it is reached at.
    ///
    /// # Errors
    /// As [`Nodes::register`].
    pub fn register(&self, meter: Registration) -> Result<u16, NodeError> {
        let nodes = self.nodes();
        let mut nodes = nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let id = nodes.register(utc(), meter)?;
        Ok(nodes.get(id).map_or(0, |node| node.sap))
    }

    /// What the concentrator itself says unasked, to `client` of every head-end that takes pushes.
    pub fn announce(&self, client: u16, apdu: &[u8]) {
        self.shared.lock().pass_on(&[(MANAGEMENT_LOGICAL_DEVICE, apdu)], client);
    }

    /// What happened so far.
    #[must_use]
    pub fn counters(&self) -> ExchangeCounters {
        let plane = self.shared.lock();
        let meters = plane.meters.iter().filter(|port| port.is_open()).count();
        let wans = plane.wans.values().filter(|port| port.whose != Whose::Inside).count();
        ExchangeCounters {
            router: plane.router.counters(),
            associations: plane.router.associations(),
            wans,
            meters,
            ..plane.counters
        }
    }

    /// Whether a head-end that takes pushes is connected.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.shared.lock().wans.values().any(|port| port.whose == Whose::Called)
    }

    /// The meters.
    #[must_use]
    pub fn nodes(&self) -> SharedNodes {
        Arc::clone(&self.shared.lock().nodes)
    }

    /// The meter is gone from the list: who speaks to it is told.
    pub fn deregistered(&self, node: NodeId) {
        let now = self.shared.now();
        let mut plane = self.shared.lock();
        plane.router.handle_deregistered(now, node);
        plane.settle();
    }

    /// Who speaks to the meter, if anybody does.
    #[must_use]
    pub fn holder(&self, node: NodeId) -> Option<Party> {
        self.shared.lock().router.holder(node)
    }
}

/// Why a connection of a head-end ended otherwise than by its will.
#[derive(Debug, thiserror::Error)]
pub enum WanError {
    /// There are as many as there may be.
    #[error("there are {0} connections already, and no more are taken: see wan.connections-max")]
    TooMany(usize),
    /// What came is not the wrapper.
    #[error(
        "what came is not the wrapper of IEC 62056-47: version {0:#06x} instead of 0x0001; is the \
         head-end set to HDLC?"
    )]
    NotWrapper(u16),
    /// It was connected and has asked nothing.
    #[error("nothing was asked for {} s after the connection", SILENCE_MAX.as_secs())]
    Silent,
    /// It has asked before, and does no more.
    #[error("nothing was asked for {} s: see wan.idle-timeout-s", .0.as_secs())]
    Idle(Duration),
    /// What came is not HDLC, or the line broke.
    #[error(transparent)]
    Line(#[from] LineError),
    /// The other end takes nothing in.
    #[error("the head-end takes nothing in: {OUT_MAX} octets waited for it")]
    Overflown,
    /// The system.
    #[error(transparent)]
    Broken(#[from] std::io::Error),
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Plane> {
        self.plane.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Monotonic time since the exchange began.
    fn now(&self) -> Instant {
        Instant::ZERO.checked_add(self.started.elapsed()).unwrap_or(Instant::ZERO)
    }
}

async fn tick(shared: Weak<Shared>) {
    let mut interval = time::interval(TICK);
    interval.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let Some(shared) = shared.upgrade() else { return };
        let now = shared.now();
        let mut plane = shared.lock();
        plane.follow(now);
        plane.router.handle_timeout(now);
        plane.settle();
        plane.confirm_what_is_stored(now);
    }
}

impl Plane {
    /// Passes on the APDU of a frame from a head-end. `frame` is the whole frame, header and all,
    /// which becomes the frame to the meter.
    fn handle_wan(&mut self, now: Instant, wan: WanId, header: WrapperHeader, frame: &mut [u8]) {
        let WrapperHeader { source: client, destination: sap, .. } = header;
        let Some(apdu) = frame.get(HEADER_LEN..) else { return };
        self.counters.octets_down += frame.len() as u64;
        let party = Party { wan, client };
        self.follow(now);
        if self.is_confirmed(party, sap, apdu) {
            return;
        }
        let verdict = {
            let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
            self.router.handle_wan(now, &nodes, party, sap, apdu)
        };
        match verdict {
            Verdict::Forward(to) => self.forward(now, to, client, frame),
            Verdict::Local => self.answer_locally(wan, client, apdu.to_vec()),
            Verdict::Answer(answer) => self.answer(party, sap, &[], answer),
            Verdict::Broadcast => self.broadcast(client, frame),
            Verdict::Kept => {}
            Verdict::Discard(Discard::UnknownSap) => tracing::debug!(client, sap, "unknown SAP"),
            Verdict::Discard(reason) => tracing::debug!(client, sap, ?reason, "discarded"),
        }
        self.settle();
    }

    /// What was set up to a meter that has moved is taken down, and who speaks to it is told.
    fn follow(&mut self, now: Instant) {
        loop {
            let moved = self.nodes.lock().unwrap_or_else(PoisonError::into_inner).poll_moved();
            let Some(node) = moved else { return };
            self.router.handle_deregistered(now, node);
            self.settle();
        }
    }

    /// Passes on the APDU of a meter to a client.
    fn handle_lan(
        &mut self,
        now: Instant,
        node: NodeId,
        client: u16,
        apdu: &[u8],
        back: Option<WayBack>,
    ) {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        if apdu.first() == Some(&tag::AARE) {
            nodes.heard(utc(), node);
        }
        match self.router.handle_lan(now, &nodes, node, client, apdu) {
            Upward::Answer { party, source, prefix } => {
                drop(nodes);
                let port = self.wans.get_mut(&party.wan);
                let length = u16::try_from(prefix.len() + apdu.len());
                if let (Some(port), Ok(length)) = (port, length) {
                    let header = WrapperHeader { source, destination: client, length };
                    port.queue(header, [prefix, apdu]);
                    self.counters.octets_up += (HEADER_LEN + usize::from(length)) as u64;
                }
            }
            Upward::Push { .. } => {
                drop(nodes);
                self.push(now, node, client, apdu, back);
            }
            Upward::Late => {
                drop(nodes);
                tracing::debug!(?node, client, "an answer to somebody who has left");
            }
        }
        self.settle();
    }

    /// Keeps what a meter sent unasked, and passes it on to who wants that.
    fn push(&mut self, now: Instant, id: NodeId, client: u16, apdu: &[u8], back: Option<WayBack>) {
        let nodes = Arc::clone(&self.nodes);
        let mut nodes = nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.heard(utc(), id);
        let Some(node) = nodes.get(id) else { return };
        let kept = self.pushes.push(&Pushed { node, client, apdu });
        let sap = node.sap;
        drop(nodes);
        match (Wanted::of(apdu), back, &kept) {
            (Wanted::Confirmation(apdu), Some(way), Some(kept)) => {
                self.confirmations.kept(now, kept.number, Due { node: id, client, way, apdu });
            }
            (Wanted::Perhaps, Some(way), _) => self.confirmations.passed(now, id, client, way),
            _ => {}
        }
        let which = kept.map(|kept| kept.which).unwrap_or_default();
        self.pass_on(&[(MANAGEMENT_LOGICAL_DEVICE, &which), (sap, apdu)], client);
    }

    /// Confirms the pushes that are stored by now.
    fn confirm_what_is_stored(&mut self, now: Instant) {
        let stored = self.pushes.stored();
        while let Some(Due { node, client, way, apdu }) = self.confirmations.poll_stored(stored) {
            self.confirm(node, client, &way, &apdu);
        }
        self.confirmations.handle_timeout(now);
    }

    /// Whether an APDU from a head-end answers a push; then it is on its way to the meter. A
    /// confirmation in clear that nobody waits for ends here. What is closed may as well be a
    /// request: of who speaks to the meter it is one.
    fn is_confirmed(&mut self, party: Party, sap: u16, apdu: &[u8]) -> bool {
        if !is_confirmation(apdu) && !is_closed(apdu) {
            return false;
        }
        let node = {
            let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
            nodes.at(sap)
        };
        let Some(node) = node else { return false };
        if !is_confirmation(apdu) && self.router.holder(node) == Some(party) {
            return false;
        }
        match self.confirmations.take(node, party.client) {
            Some(way) => {
                self.confirm(node, party.client, &way, apdu);
                true
            }
            None => is_confirmation(apdu),
        }
    }

    /// Sends a confirmation to a meter. One that takes nothing in goes without, and pushes again.
    fn confirm(&mut self, node: NodeId, client: u16, way: &WayBack, apdu: &[u8]) {
        let frame = |server: &u16| WayBack::frame(*server, client, apdu);
        let sent = match way {
            WayBack::Connection(connection, server) => {
                frame(server).is_some_and(|frame| connection.try_send(frame).is_ok())
            }
            WayBack::Datagram(socket, to, server) => {
                frame(server).is_some_and(|frame| socket.try_send_to(&frame, *to).is_ok())
            }
            WayBack::Endpoint(server) => {
                frame(server).is_some_and(|frame| self.port(node).send(&frame))
            }
            WayBack::Socket(meter) => self
                .datagrams
                .as_ref()
                .is_some_and(|socket| socket.try_send(*meter, client, apdu).is_ok()),
        };
        if !sent {
            tracing::debug!(?node, client, "a meter did not take the confirmation of its push");
        }
    }

    /// Sends what nobody asked for to who takes pushes: APDUs with the SAPs that they are from,
    /// all of them or none.
    fn pass_on(&mut self, apdus: &[(u16, &[u8])], client: u16) {
        let frame = |&(source, apdu): &(u16, &'_ [u8])| {
            let length = u16::try_from(apdu.len()).ok()?;
            Some(WrapperHeader { source, destination: client, length })
        };
        let Some(headers) = apdus.iter().map(frame).collect::<Option<Vec<_>>>() else { return };
        for port in self.wans.values_mut().filter(|port| port.whose == Whose::Called) {
            // A head-end that falls behind finds it in the spool.
            if port.out.len() >= OUT_HIGH_WATER {
                continue;
            }
            for (header, (_, apdu)) in headers.iter().zip(apdus).filter(|(h, _)| h.length > 0) {
                port.queue(*header, [&[], apdu]);
            }
        }
    }

    fn answer_locally(&mut self, wan: WanId, client: u16, mut apdu: Vec<u8>) {
        let mut out = Vec::new();
        let mut more = self.local.handle(wan, client, &mut apdu, &mut out);
        while more {
            let party = Party { wan, client };
            self.answer(party, MANAGEMENT_LOGICAL_DEVICE, &[], &out);
            out.clear();
            more = self.local.further(wan, client, &mut out);
        }
    }

    fn answer(&mut self, party: Party, source: u16, prefix: &[u8], apdu: &[u8]) {
        let Some(port) = self.wans.get_mut(&party.wan) else { return };
        let Ok(length) = u16::try_from(prefix.len() + apdu.len()) else { return };
        port.queue(WrapperHeader { source, destination: party.client, length }, [prefix, apdu]);
        self.counters.octets_up += (HEADER_LEN + usize::from(length)) as u64;
    }

    /// Sends a frame to a meter: the frame that came, with another destination.
    fn forward(&mut self, now: Instant, to: Forward, client: u16, frame: &mut [u8]) {
        let Some(frame) = frame.get_mut(to.skip..) else { return };
        let length = u16::try_from(frame.len().saturating_sub(HEADER_LEN)).unwrap_or(u16::MAX);
        let header = WrapperHeader { source: client, destination: to.server, length };
        if let Some(head) = frame.first_chunk_mut() {
            *head = header.encode_header();
        }
        if self.port(to.node).send(frame) {
            return;
        }
        if self.port(to.node).is_closed() {
            self.open(now, to, client, frame);
        } else {
            self.counters.meters_overflown += 1;
        }
    }

    /// Sends a frame to all meters that can be reached without asking who is there.
    fn broadcast(&mut self, client: u16, frame: &[u8]) {
        for handle in self.media.values() {
            let apdu = frame.get(HEADER_LEN..).unwrap_or_default().to_vec();
            if handle.try_send(Down::Broadcast { client, apdu }).is_err() {
                self.counters.meters_overflown += 1;
            }
        }
        for port in self.meters.iter_mut().filter(|port| port.is_open()) {
            port.send(frame);
        }
    }

    /// Sends a frame to a meter to which there is no connection: one is set up, or none is needed.
    fn open(&mut self, now: Instant, to: Forward, client: u16, frame: &[u8]) {
        let Forward { node, server, .. } = to;
        let place = {
            let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
            nodes.get(node).map(|node| (node.place.clone(), node.medium))
        };
        let apdu = frame.get(HEADER_LEN..).unwrap_or_default();
        match (place, self.me.upgrade()) {
            (Some((Place::Endpoint(address), _)), Some(shared)) => {
                *self.port(node) = MeterPort::open(&shared, node, address, frame);
            }
            (Some((Place::Datagrams(host), _)), _) if self.datagrams.is_some() => {
                let meter = UdpAddress { host, server };
                // Of who speaks to other logical devices of a meter, the last one is remembered.
                if self.by_host.get(&meter) != Some(&node) {
                    self.by_host.retain(|_, known| *known != node);
                    self.by_host.insert(meter, node);
                }
                let sent = self.datagrams.as_ref().map(|udp| udp.try_send(meter, client, apdu));
                if !matches!(sent, Some(Ok(()))) {
                    self.counters.meters_overflown += 1;
                }
            }
            (Some((Place::Physical(physical), medium)), _) if self.media.contains_key(&medium) => {
                let meter = MediumAddress { physical, server };
                if self.by_address.get(&(medium, meter)) != Some(&node) {
                    self.by_address.retain(|_, known| *known != node);
                    self.by_address.insert((medium, meter), node);
                }
                self.links.insert(node, (medium, meter, client));
                let down = Down::Apdu { meter, client, apdu: apdu.to_vec() };
                let sent = self.media.get(&medium).map(|handle| handle.try_send(down));
                if !matches!(sent, Some(Ok(()))) {
                    self.counters.meters_overflown += 1;
                }
            }
            _ => self.router.handle_lan_failed(now, node),
        }
    }

    /// The meter that something comes from: who was `asked` there, or whose logical device it is,
    /// or the only one there.
    fn node_at(&self, asked: Option<NodeId>, at: &At, server: u16) -> Option<NodeId> {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.and_then(|id| nodes.get(id)).is_some_and(|node| at.has(node)) {
            return asked;
        }
        let there = || nodes.iter().filter(|(_, node)| at.has(node));
        let (id, _) = there().find(|(_, node)| node.server == server).or_else(|| {
            let mut there = there();
            there.next().filter(|_| there.next().is_none())
        })?;
        Some(id)
    }

    fn port(&mut self, node: NodeId) -> &mut MeterPort {
        let index = node.0 as usize;
        if self.meters.len() <= index {
            self.meters.resize_with(index + 1, MeterPort::default);
        }
        &mut self.meters[index]
    }

    /// Does what the router wants done by itself.
    fn settle(&mut self) {
        while let Some(event) = self.router.poll_event() {
            match event {
                RouterEvent::Forward { to, client, apdu } => {
                    let mut frame = vec![0; HEADER_LEN];
                    frame.extend_from_slice(&apdu);
                    let now = self.me.upgrade().map_or(Instant::ZERO, |shared| shared.now());
                    self.forward(now, to, client, &mut frame);
                }
                RouterEvent::Answer { party, source, apdu } => {
                    self.answer(party, source, &[], &apdu);
                }
                RouterEvent::Released { node } => {
                    *self.port(node) = MeterPort::default();
                    if let Some((medium, meter, client)) = self.links.remove(&node)
                        && let Some(handle) = self.media.get(&medium)
                    {
                        // A medium that is gone has no links.
                        let _ = handle.try_send(Down::Release { meter, client });
                    }
                }
            }
        }
    }

    fn open_wan(&mut self, whose: Whose, peer: Option<Peer>) -> Result<WanId, WanError> {
        let of_head_ends = self.wans.values().filter(|port| port.whose == Whose::HeadEnd).count();
        if whose == Whose::HeadEnd && of_head_ends >= self.wans_max {
            self.counters.wans_refused += 1;
            return Err(WanError::TooMany(self.wans_max));
        }
        let wan = WanId(self.next_wan);
        self.next_wan = self.next_wan.wrapping_add(1);
        self.wans.insert(wan, WanPort { whose, ..WanPort::default() });
        if let Some(peer) = peer {
            self.router.handle_wan_opened(wan, peer);
        }
        Ok(wan)
    }

    fn leave(&mut self, now: Instant, party: Party, sap: u16) {
        if sap == MANAGEMENT_LOGICAL_DEVICE {
            self.local.left(party.wan, party.client);
        }
        self.router.handle_left(now, party, sap);
        self.settle();
    }

    fn close_wan(&mut self, now: Instant, wan: WanId) {
        self.wans.remove(&wan);
        self.local.closed(wan);
        self.router.handle_wan_closed(now, wan);
        self.settle();
    }
}
