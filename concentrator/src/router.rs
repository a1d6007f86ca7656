//! Who talks to which meter: every APDU from a head-end goes to the meter at its SAP, and what the
//! meter answers goes back to whom it is for.
//!
//! ```text
//!   head-end                 router                            meter
//!   client SAP -> SAP 1      the concentrator itself
//!   client SAP -> SAP n      seat of meter n: free or theirs   client SAP -> its own SAP
//!                            taken: waits, then is refused
//!   client SAP -> 0x7F       all meters, if the client may
//! ```
//!
//! An APDU is opaque. Of its octets only the first is looked at, for what opens and what closes an
//! association: a meter serves one at a time, so who speaks first has its *seat* until the release,
//! the end of their connection, or a time of silence. The result in an AARE is looked at as well,
//! since a meter that refuses somebody is free for the next.
//!
//! Pure: no octet is copied here but those of an APDU that has to wait, and no timer costs more
//! with more meters.
//!
//! ```
//! use concentrator::nodes::{Nodes, Pool, Registration};
//! use concentrator::router::{Forward, Party, Router, RouterConfig, Upward, Verdict, WanId};
//! use sans_io_time::Instant;
//!
//! let mut nodes = Nodes::new(Pool::Extended);
//! let meter = nodes.register(0, Registration::new("ABC0000000000001")?)?;
//! let mut router = Router::new(RouterConfig::default());
//! let now = Instant::ZERO;
//! let party = Party { wan: WanId(0), client: 16 };
//!
//! let get = [0xC0, 1, 0xC1, 0, 1, 0, 0, 42, 0, 0, 255, 2, 0];
//! let verdict = router.handle_wan(now, &nodes, party, 16, &get);
//! assert_eq!(verdict, Verdict::Forward(Forward { node: meter, server: 1, skip: 0 }));
//!
//! let answer = [0xC4, 1, 0xC1, 0, 0x09, 0];
//! let upward = router.handle_lan(now, &nodes, meter, 16, &answer);
//! assert_eq!(upward, Upward::Answer { party, source: 16, prefix: &[] });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use core::{net::IpAddr, time::Duration};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use dlms_core::{
    acse::{Aare, AssociationResult},
    axdr::Writer,
    gateway::{self, GatewayHeader},
    wrapper::{ALL_STATION, MANAGEMENT_LOGICAL_DEVICE, NO_STATION},
    xdlms::tag,
};
use sans_io_time::Instant;

use crate::nodes::{NodeId, Nodes};

/// APDUs that wait for the seat of one meter, each of another party. There are seldom more than
/// two head-ends and a person with a laptop.
pub const WAITING_MAX: usize = 4;
/// Octets of an APDU that waits: what opens an association is far shorter.
pub const WAITING_LEN_MAX: usize = 2_048;

/// An AARE with result rejected-permanent, for whom there will be no association.
pub const REJECTED_PERMANENT: [u8; REJECTION_LEN] = rejection(1);
/// An AARE with result rejected-transient, for whom there may be one later.
pub const REJECTED_TRANSIENT: [u8; REJECTION_LEN] = rejection(2);
/// An ExceptionResponse: service-not-allowed, operation-not-possible.
pub const NOT_POSSIBLE: [u8; 3] = [tag::EXCEPTION_RESPONSE, 0x01, 0x01];

const REJECTION_LEN: usize = 25;

/// Application context LN without ciphering, a result, and acse-service-user no-reason-given.
const fn rejection(result: u8) -> [u8; REJECTION_LEN] {
    [
        tag::AARE,
        23,
        0xA1,
        0x09,
        0x06,
        0x07,
        0x60,
        0x85,
        0x74,
        0x05,
        0x08,
        0x01,
        0x01, // context
        0xA2,
        0x03,
        0x02,
        0x01,
        result, // result
        0xA3,
        0x05,
        0xA1,
        0x03,
        0x02,
        0x01,
        0x01, // diagnostic
    ]
}

/// A connection towards head-ends: TCP, or who sends from one UDP port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WanId(pub u32);

/// Who is at the other end of a connection, as far as that is known: what it proved itself with, or
/// where it is. Two connections with the same are of the same head-end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Peer(Arc<[u8]>);

impl Peer {
    /// Who showed this certificate, in DER.
    #[must_use]
    pub fn with_certificate(certificate: &[u8]) -> Self {
        Self(certificate.into())
    }

    /// Who is at this host.
    #[must_use]
    pub fn at(host: IpAddr) -> Self {
        Self(host.to_string().into_bytes().into())
    }
}

/// A client on a connection: one that may have an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Party {
    /// The connection.
    pub wan: WanId,
    /// The client SAP.
    pub client: u16,
}

/// What becomes of an APDU for a SAP that nobody has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownSap {
    /// Nothing, as IEC 62056-47 has it.
    #[default]
    Silent,
    /// A refusal: an AARE or an ExceptionResponse, neither of them protected.
    Reject,
}

/// How meters are shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouterConfig {
    /// Associations through this concentrator at a time. More are refused for now.
    pub associations_max: usize,
    /// How long a seat is kept without an APDU in either direction.
    pub idle_timeout: Duration,
    /// How long somebody waits for a seat that is taken.
    pub access_wait: Duration,
    /// What becomes of an APDU for a SAP that nobody has.
    pub unknown_sap: UnknownSap,
    /// The clients that may speak to all meters at once.
    pub broadcast_clients: Vec<u16>,
    /// Whether a gateway header names the meter, beside the SAP.
    pub gateway: bool,
}

impl Default for RouterConfig {
    /// 2,000 associations, 180 s of silence (the inactivity_time_out of class 41), 30 s of waiting,
    /// silence about unknown SAPs, no broadcasts, gateway headers understood.
    fn default() -> Self {
        Self {
            associations_max: 2_000,
            idle_timeout: Duration::from_secs(180),
            access_wait: Duration::from_secs(30),
            unknown_sap: UnknownSap::Silent,
            broadcast_clients: Vec::new(),
            gateway: true,
        }
    }
}

/// To which meter an APDU goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forward {
    /// The meter.
    pub node: NodeId,
    /// The SAP of the logical device there.
    pub server: u16,
    /// Octets to leave out at the beginning: those of a gateway header.
    pub skip: usize,
}

/// What becomes of an APDU from a head-end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is for the concentrator itself.
    Local,
    /// It goes to a meter.
    Forward(Forward),
    /// It goes to all meters, and nothing comes back.
    Broadcast,
    /// It waits for the seat of a meter.
    Kept,
    /// This is the answer.
    Answer(&'static [u8]),
    /// Nothing.
    Discard(Discard),
}

/// Why an APDU goes nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Discard {
    /// Nobody is at this SAP or behind this gateway address.
    UnknownSap,
    /// This client may not speak to all meters, or asks them for an answer.
    Broadcast,
    /// The APDU is empty, or its gateway header is cut.
    Malformed,
}

/// Where an APDU from a meter goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upward<'r> {
    /// To the client that has the seat.
    Answer {
        /// The client.
        party: Party,
        /// The SAP that it comes from, for the client.
        source: u16,
        /// What stands before it: a gateway header, or nothing.
        prefix: &'r [u8],
    },
    /// Nobody asked for it: it is pushed.
    Push {
        /// The SAP of the meter.
        source: u16,
    },
    /// To nobody: an answer to somebody who has left.
    Late,
}

/// What the owner must do by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouterEvent {
    /// The client that waited has the seat: its APDU goes to the meter now.
    Forward {
        /// Where to.
        to: Forward,
        /// The client SAP.
        client: u16,
        /// The APDU, with what is to be left out.
        apdu: Box<[u8]>,
    },
    /// The client gets this in place of an answer of the meter.
    Answer {
        /// The client.
        party: Party,
        /// The SAP that it comes from.
        source: u16,
        /// The APDU, with the gateway header if there was one.
        apdu: Box<[u8]>,
    },
    /// The seat of a meter is free: what was set up to the meter may be taken down.
    Released {
        /// The meter.
        node: NodeId,
    },
}

/// How often what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouterCounters {
    /// APDUs passed to meters.
    pub forwarded: u64,
    /// APDUs passed to whom they answer.
    pub answered: u64,
    /// APDUs that meters sent unasked.
    pub pushed: u64,
    /// Answers to somebody who had left, which are dropped.
    pub late: u64,
    /// APDUs for all meters.
    pub broadcasts: u64,
    /// APDUs for SAPs that nobody has.
    pub unknown_sap: u64,
    /// APDUs dropped for another reason.
    pub discarded: u64,
    /// Parties refused because the meter stayed taken.
    pub taken: u64,
    /// Seats that a client took over from itself, after it had connected again.
    pub taken_over: u64,
    /// Parties refused because there were [`associations_max`](RouterConfig::associations_max).
    pub too_many: u64,
    /// Seats freed because nobody had said anything.
    pub idle: u64,
    /// Meters that could not be reached when somebody wanted to.
    pub unreachable: u64,
}

/// The machine.
#[derive(Debug)]
pub struct Router {
    config: RouterConfig,
    /// By [`NodeId`]. A meter that nobody speaks to costs eight octets.
    seats: Vec<Option<Box<Seat>>>,
    taken: usize,
    /// When the silence of a seat is to be looked at.
    idle: BTreeSet<(Instant, NodeId)>,
    /// Whether a node is in `idle`, where it is once at most.
    queued: Vec<bool>,
    /// Whose last answer has just been decided on: the seat is free with the next look at it.
    ended: Option<(Instant, NodeId)>,
    /// Whose waiting is to be looked at, in order.
    waits: VecDeque<(Instant, NodeId)>,
    events: VecDeque<RouterEvent>,
    /// Whose the connections are, as far as that is known.
    peers: BTreeMap<WanId, Peer>,
    counters: RouterCounters,
}

/// Who speaks to a meter, and who waits to.
#[derive(Debug)]
struct Seat {
    holder: Speaker,
    heard: Instant,
    /// Tag of what the holder sent last, to refuse it in its own terms; none once there was an
    /// answer.
    asked: Option<u8>,
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Speaker {
    party: Party,
    /// The SAP of the meter as the client names it.
    source: u16,
    /// The gateway header of the answers.
    prefix: Box<[u8]>,
}

#[derive(Debug)]
struct Waiting {
    speaker: Speaker,
    to: Forward,
    apdu: Box<[u8]>,
    until: Instant,
}

/// Where an APDU is addressed.
struct Target {
    to: Forward,
    prefix: Box<[u8]>,
}

impl Router {
    /// A router of which nobody has asked anything yet.
    #[must_use]
    pub fn new(config: RouterConfig) -> Self {
        Self {
            config,
            seats: Vec::new(),
            taken: 0,
            idle: BTreeSet::new(),
            queued: Vec::new(),
            ended: None,
            waits: VecDeque::new(),
            events: VecDeque::new(),
            peers: BTreeMap::new(),
            counters: RouterCounters::default(),
        }
    }

    /// Decides about an APDU from a head-end for the SAP `sap`.
    pub fn handle_wan(
        &mut self,
        now: Instant,
        nodes: &Nodes,
        party: Party,
        sap: u16,
        apdu: &[u8],
    ) -> Verdict {
        self.settle();
        let Some(&first) = apdu.first() else { return self.discard(Discard::Malformed) };
        let behind_gateway = self.config.gateway && first == gateway::REQUEST;
        if !behind_gateway {
            if sap == MANAGEMENT_LOGICAL_DEVICE {
                return Verdict::Local;
            }
            if sap == ALL_STATION {
                return self.broadcast(party.client, apdu);
            }
        }
        let target = match behind_gateway {
            true => match behind(nodes, sap, apdu) {
                Ok(target) => target,
                Err(reason) => return self.discard(reason),
            },
            false => nodes.at(sap).and_then(|node| {
                let server = nodes.get(node)?.server;
                let prefix = Box::default();
                Some(Target { to: Forward { node, server, skip: 0 }, prefix })
            }),
        };
        let Some(Target { to, prefix }) = target else {
            self.counters.unknown_sap += 1;
            return match self.config.unknown_sap {
                // Behind a gateway header a refusal would need one of its own; no peer has it.
                UnknownSap::Reject if !behind_gateway => Verdict::Answer(refusal(first, false)),
                _ => Verdict::Discard(Discard::UnknownSap),
            };
        };
        let asked = apdu.get(to.skip).copied().unwrap_or_default();
        let speaker = Speaker { party, source: sap, prefix };
        self.seat(now, speaker, to, asked, apdu)
    }

    /// Decides about an APDU from a meter to `client`.
    pub fn handle_lan(
        &mut self,
        now: Instant,
        nodes: &Nodes,
        node: NodeId,
        client: u16,
        apdu: &[u8],
    ) -> Upward<'_> {
        self.settle();
        let first = apdu.first().copied().unwrap_or_default();
        let asked = self.seat_mut(node).is_some_and(|seat| seat.holder.party.client == client);
        if !asked && !may_be_push(first) {
            self.counters.late += 1;
            return Upward::Late;
        }
        if !asked || is_push(first) {
            self.counters.pushed += 1;
            let source = nodes.get(node).map_or(0, |node| node.sap);
            return Upward::Push { source };
        }
        self.counters.answered += 1;
        if let Some(seat) = self.seat_mut(node) {
            seat.heard = now;
            seat.asked = None;
        }
        let refused = first == tag::AARE
            && Aare::decode(apdu).is_ok_and(|aare| aare.result != AssociationResult::Accepted);
        if refused || first == tag::RLRE {
            self.ended = Some((now, node));
        }
        match self.seats.get(node.0 as usize) {
            Some(Some(seat)) => Upward::Answer {
                party: seat.holder.party,
                source: seat.holder.source,
                prefix: &seat.holder.prefix,
            },
            _ => Upward::Late,
        }
    }

    /// A connection of somebody who is known. A seat that the same client of theirs has over
    /// another connection is given to it at once when it opens an association here: a WAN that was
    /// cut leaves connections that nobody closes.
    pub fn handle_wan_opened(&mut self, wan: WanId, peer: Peer) {
        self.peers.insert(wan, peer);
    }

    /// The client has left whom it spoke to at `sap`, and its connection stays.
    pub fn handle_left(&mut self, now: Instant, party: Party, sap: u16) {
        self.vacate(now, |speaker| speaker.party == party && speaker.source == sap);
    }

    /// Whether what is sent to this SAP gets any answer: from the concentrator, from a meter, or a
    /// refusal.
    #[must_use]
    pub fn answers_at(&self, nodes: &Nodes, sap: u16) -> bool {
        sap == MANAGEMENT_LOGICAL_DEVICE
            || nodes.at(sap).is_some()
            || self.config.unknown_sap == UnknownSap::Reject && sap != ALL_STATION
    }

    /// The connection is closed: it has no seat any more, and waits for none.
    ///
    /// This looks at every meter, some microseconds for 1,200 of them; nothing else here does.
    pub fn handle_wan_closed(&mut self, now: Instant, wan: WanId) {
        self.vacate(now, |speaker| speaker.party.wan == wan);
        self.peers.remove(&wan);
    }

    /// The meter cannot be reached, or what was set up to it broke. Who has its seat and waits for
    /// an answer is told.
    pub fn handle_lan_failed(&mut self, now: Instant, node: NodeId) {
        self.settle();
        self.counters.unreachable += u64::from(self.tell_holder(node));
        self.release(now, node);
    }

    /// The meter is gone from the list.
    pub fn handle_deregistered(&mut self, now: Instant, node: NodeId) {
        self.settle();
        if let Some(seat) = self.seat_mut(node) {
            let waiting = core::mem::take(&mut seat.waiting);
            self.refuse(waiting);
            self.handle_lan_failed(now, node);
        }
    }

    /// Frees the seats of whom nothing was heard for too long, and refuses who waited too long.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.settle();
        while let Some(&(due, node)) = self.idle.first().filter(|(due, _)| *due <= now) {
            self.idle.pop_first();
            let idle_timeout = self.config.idle_timeout;
            let until = self.seat_mut(node).map(|seat| after(seat.heard, idle_timeout));
            match until {
                Some(until) if until > due => {
                    self.idle.insert((until, node));
                }
                _ => {
                    self.queued[node.0 as usize] = false;
                    self.counters.idle += u64::from(until.is_some());
                    self.release(now, node);
                }
            }
        }
        while let Some(&(_, node)) = self.waits.front().filter(|(due, _)| *due <= now) {
            self.waits.pop_front();
            let Some(seat) = self.seat_mut(node) else { continue };
            let waiting = core::mem::take(&mut seat.waiting);
            let (late, waiting) = waiting.into_iter().partition(|waiting| waiting.until <= now);
            seat.waiting = waiting;
            self.refuse(late);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.idle.first(), self.waits.front()].into_iter().flatten().map(|(due, _)| *due).min()
    }

    /// What the owner must do by itself.
    pub fn poll_event(&mut self) -> Option<RouterEvent> {
        self.settle();
        self.events.pop_front()
    }

    /// Who speaks to a meter.
    #[must_use]
    pub fn holder(&self, node: NodeId) -> Option<Party> {
        let seat = self.seats.get(node.0 as usize)?.as_deref()?;
        Some(seat.holder.party)
    }

    /// How many meters are spoken to.
    #[must_use]
    pub const fn associations(&self) -> usize {
        self.taken
    }

    /// What happened so far.
    #[must_use]
    pub const fn counters(&self) -> RouterCounters {
        self.counters
    }

    /// Gives the seat to the speaker if it is free or theirs.
    fn seat(
        &mut self,
        now: Instant,
        speaker: Speaker,
        to: Forward,
        asked: u8,
        apdu: &[u8],
    ) -> Verdict {
        let until = after(now, self.config.access_wait);
        if asked == tag::AARQ && self.is_left_behind(to.node, speaker.party) {
            return self.take_over(now, Waiting { speaker, to, apdu: apdu.into(), until });
        }
        if let Some(seat) = self.seat_mut(to.node) {
            if seat.holder.party == speaker.party {
                seat.holder = speaker;
                seat.heard = now;
                seat.asked = Some(asked);
            } else {
                let waits = seat.waiting.iter().any(|w| w.speaker.party == speaker.party);
                if waits || seat.waiting.len() >= WAITING_MAX || apdu.len() > WAITING_LEN_MAX {
                    self.counters.taken += 1;
                    return Verdict::Answer(refusal(asked, true));
                }
                seat.waiting.push(Waiting { speaker, to, apdu: apdu.into(), until });
                self.waits.push_back((until, to.node));
                return Verdict::Kept;
            }
        } else {
            if self.taken >= self.config.associations_max {
                self.counters.too_many += 1;
                return Verdict::Answer(refusal(asked, true));
            }
            self.sit(now, speaker, to.node, asked, Vec::new());
        }
        self.counters.forwarded += 1;
        Verdict::Forward(to)
    }

    /// Frees every seat of those who left, and lets them wait for none.
    fn vacate(&mut self, now: Instant, left: impl Fn(&Speaker) -> bool) {
        self.settle();
        for index in 0..self.seats.len() {
            let Some(seat) = self.seats[index].as_mut() else { continue };
            seat.waiting.retain(|waiting| !left(&waiting.speaker));
            if left(&seat.holder) {
                self.release(now, NodeId(u32::try_from(index).unwrap_or(u32::MAX)));
            }
        }
    }

    /// Whether the seat of the meter is that of the same client of the same head-end, over another
    /// connection.
    fn is_left_behind(&self, node: NodeId, party: Party) -> bool {
        let Some(holder) = self.holder(node) else { return false };
        let peer = |party: Party| self.peers.get(&party.wan);
        holder.wan != party.wan
            && holder.client == party.client
            && peer(party).is_some_and(|known| peer(holder) == Some(known))
    }

    /// Gives the seat to who has it over another connection. The meter is left, so that the
    /// association that was ends there as well, and is then asked anew.
    fn take_over(&mut self, now: Instant, new: Waiting) -> Verdict {
        let node = new.to.node;
        self.counters.taken_over += 1;
        if let Some(seat) = self.seat_mut(node) {
            seat.waiting.retain(|waiting| waiting.speaker.party != new.speaker.party);
            seat.waiting.insert(0, new);
        }
        self.tell_holder(node);
        self.release(now, node);
        Verdict::Kept
    }

    /// Tells who has the seat and waits for an answer that none will come. Whether anybody did.
    fn tell_holder(&mut self, node: NodeId) -> bool {
        let Some(seat) = self.seat_mut(node) else { return false };
        let Speaker { party, source, ref prefix } = seat.holder;
        let Some(asked) = seat.asked else { return false };
        let apdu = [prefix, refusal(asked, true)].concat().into();
        self.events.push_back(RouterEvent::Answer { party, source, apdu });
        true
    }

    fn sit(
        &mut self,
        now: Instant,
        holder: Speaker,
        node: NodeId,
        asked: u8,
        waiting: Vec<Waiting>,
    ) {
        let index = node.0 as usize;
        if self.seats.len() <= index {
            self.seats.resize_with(index + 1, || None);
        }
        self.seats[index] =
            Some(Box::new(Seat { holder, heard: now, asked: Some(asked), waiting }));
        self.taken += 1;
        self.queued.resize(self.seats.len(), false);
        if !core::mem::replace(&mut self.queued[index], true) {
            self.idle.insert((after(now, self.config.idle_timeout), node));
        }
    }

    /// Tells those who waited that they will not be let in.
    fn refuse(&mut self, late: Vec<Waiting>) {
        for Waiting { speaker: Speaker { party, source, prefix }, to, apdu, .. } in late {
            let asked = apdu.get(to.skip).copied().unwrap_or_default();
            let apdu = [&prefix, refusal(asked, true)].concat().into();
            self.counters.taken += 1;
            self.events.push_back(RouterEvent::Answer { party, source, apdu });
        }
    }

    /// Frees a seat; who has waited for longest gets it.
    fn release(&mut self, now: Instant, node: NodeId) {
        let seat = self.seats.get_mut(node.0 as usize).and_then(Option::take);
        let Some(mut seat) = seat else { return };
        self.taken -= 1;
        self.events.push_back(RouterEvent::Released { node });
        if seat.waiting.is_empty() {
            return;
        }
        let Waiting { speaker, to, apdu, .. } = seat.waiting.remove(0);
        let client = speaker.party.client;
        let asked = apdu.get(to.skip).copied().unwrap_or_default();
        self.sit(now, speaker, node, asked, seat.waiting);
        self.counters.forwarded += 1;
        self.events.push_back(RouterEvent::Forward { to, client, apdu });
    }

    /// Frees the seat whose last answer was decided on.
    fn settle(&mut self) {
        if let Some((now, node)) = self.ended.take() {
            self.release(now, node);
        }
    }

    fn broadcast(&mut self, client: u16, apdu: &[u8]) -> Verdict {
        if !self.config.broadcast_clients.contains(&client) || asks_for_an_answer(apdu) {
            return self.discard(Discard::Broadcast);
        }
        self.counters.broadcasts += 1;
        Verdict::Broadcast
    }

    const fn discard(&mut self, reason: Discard) -> Verdict {
        self.counters.discarded += 1;
        Verdict::Discard(reason)
    }

    fn seat_mut(&mut self, node: NodeId) -> Option<&mut Seat> {
        self.seats.get_mut(node.0 as usize)?.as_deref_mut()
    }
}

/// The meter that a gateway header names.
fn behind(nodes: &Nodes, sap: u16, apdu: &[u8]) -> Result<Option<Target>, Discard> {
    let (header, rest) = GatewayHeader::decode(apdu).map_err(|_| Discard::Malformed)?;
    if rest.is_empty() {
        return Err(Discard::Malformed);
    }
    // Nobody (0), or all of them: the last seven bits are ones, in whichever length of address. To
    // speak to all is only for clients that may.
    if sap == NO_STATION || sap & ALL_STATION == ALL_STATION {
        return Ok(None);
    }
    let Some(node) = nodes.named(header.address) else { return Ok(None) };
    if !nodes.get(node).is_some_and(|node| node.present) {
        return Ok(None);
    }
    let mut prefix = Vec::new();
    header.answer().encode(&mut Writer::new(&mut prefix));
    let to = Forward { node, server: sap, skip: apdu.len() - rest.len() };
    Ok(Some(Target { to, prefix: prefix.into() }))
}

/// What refuses an APDU with this tag; `passing` if it may be taken another time.
const fn refusal(asked: u8, passing: bool) -> &'static [u8] {
    match asked {
        tag::AARQ if passing => &REJECTED_TRANSIENT,
        tag::AARQ => &REJECTED_PERMANENT,
        _ => &NOT_POSSIBLE,
    }
}

/// Whether this is the first octet of what a meter sends by itself. A push in general protection
/// begins as an answer does, and is taken for one while one is due to the same client: the
/// head-end, which can open it, sees what it is.
const fn is_push(first: u8) -> bool {
    matches!(
        first,
        tag::DATA_NOTIFICATION
            | tag::EVENT_NOTIFICATION_REQUEST
            | tag::GLO_EVENT_NOTIFICATION_REQUEST
            | tag::DED_EVENT_NOTIFICATION_REQUEST
            | tag::INFORMATION_REPORT_REQUEST
            | tag::GLO_INFORMATION_REPORT_REQUEST
            | tag::DED_INFORMATION_REPORT_REQUEST
    )
}

/// Whether what begins so may be a push, if nobody has asked: what is inside general protection or
/// comes in blocks cannot be seen. Anything else can only be an answer.
const fn may_be_push(first: u8) -> bool {
    is_push(first)
        || matches!(
            first,
            tag::GENERAL_GLO_CIPHERING
                | tag::GENERAL_DED_CIPHERING
                | tag::GENERAL_CIPHERING
                | tag::GENERAL_SIGNING
                | tag::GENERAL_BLOCK_TRANSFER
        )
}

/// Whether an APDU in clear asks to be answered, which nothing sent to all meters may. In a
/// ciphered one it cannot be seen; a meter sees it, and keeps silent.
pub(crate) fn asks_for_an_answer(apdu: &[u8]) -> bool {
    match *apdu {
        [tag::AARQ | tag::RLRQ | tag::GET_REQUEST | tag::READ_REQUEST | tag::WRITE_REQUEST, ..] => {
            true
        }
        // Bit 6 of invoke-id-and-priority: confirmed.
        [tag::SET_REQUEST | tag::ACTION_REQUEST, _, invoke, ..] => invoke & 0x40 != 0,
        // Bit 30 of long-invoke-id-and-priority.
        [tag::ACCESS_REQUEST, invoke, ..] => invoke & 0x40 != 0,
        _ => false,
    }
}

/// `duration` after `now`; for ever is long enough after.
fn after(now: Instant, duration: Duration) -> Instant {
    now.checked_add(duration).unwrap_or(now)
}

#[cfg(test)]
mod tests;
