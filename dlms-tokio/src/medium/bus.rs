//! Who has the turn on a medium: the machine behind [`Medium`](super::Medium).
//!
//! ```text
//!                 +------ its turn: links that are down, SNRM; then the APDU ------+
//!                 |                                                               v
//!   ring of meters with work <--- more work, or an answer that is not ready --- final
//! ```
//!
//! In normal response mode (IEC 62056-46 §6.2.3) a meter speaks when it is polled, and its final
//! frame gives the turn back. So the medium is free between two polls of a meter that is not ready,
//! between two SNRM of a meter that is silent, and between two windows of a long answer: then the
//! next meter of the ring has it.
//!
//! Pure: frames and time come in, frames and [`Up`] go out. `P` is what is held for as long as
//! something waits, and dropped when it is done.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use dlms_core::xdlms::tag;
use hdlc::{
    address::{Address, AddressLength},
    control::Control,
    frame::{FRAME_LEN_MAX, Frame},
    link::{Link, LinkConfig, LinkEvent},
    llc::Llc,
};
use sans_io_time::Instant;

use crate::{
    line::{Assembled, Assembly, LineConfig, LineError, Phase, ended, is_answer, link_config},
    medium::{MediumAddress, MediumConfig, MediumCounters, Up, series::AllSeries},
};

/// Empty segments in a row that a meter may answer with: a window of them is odd, more is a meter
/// that keeps the medium busy with nothing.
const EMPTY_SEGMENTS_MAX: u8 = 8;
/// Meters known beyond which those that were silent are forgotten once they need not rest: each has
/// its address from somebody who may ask for any.
const SILENT_MAX: usize = 4_096;

/// What is handed in.
#[derive(Debug)]
pub(super) enum Job {
    Apdu { client: u16, apdu: Vec<u8> },
    Release { client: u16 },
    Probe { client: u16 },
}

/// A link is named by both its ends.
pub(super) type LinkKey = (MediumAddress, u16);

#[derive(Debug)]
pub(super) struct Bus<P> {
    config: MediumConfig,
    /// Those with work, and those that rest.
    meters: BTreeMap<MediumAddress, Meter<P>>,
    /// Meters with work, each once; not the one that has the turn.
    ring: VecDeque<MediumAddress>,
    channels: BTreeMap<LinkKey, Channel>,
    broadcasts: VecDeque<Broadcast<P>>,
    /// A broadcast was the latest, so that a meter is next.
    was_broadcast: bool,
    turn: Turn<P>,
    probes: VecDeque<(LinkKey, P)>,
    /// When the next address may be probed.
    probe_from: Instant,
    series: AllSeries,
    up: VecDeque<Up>,
    pub(super) counters: MediumCounters,
}

#[derive(Debug)]
enum Turn<P> {
    /// Nobody's.
    Free,
    /// A meter's, on this link.
    Link {
        key: LinkKey,
        since: Instant,
        /// The meter has said its final frame.
        is_final: bool,
    },
    Broadcast(Box<Broadcast<P>>),
    /// Meters do what a broadcast told them.
    Pause(Instant),
}

#[derive(Debug)]
struct Broadcast<P> {
    link: Link,
    pdu: Vec<u8>,
    _place: P,
}

#[derive(Debug)]
struct Meter<P> {
    queue: VecDeque<(Job, P)>,
    exchange: Option<Exchange<P>>,
    /// How often in a row it was silent.
    silences: u32,
    rests_until: Option<Instant>,
}

impl<P> Default for Meter<P> {
    fn default() -> Self {
        Self { queue: VecDeque::new(), exchange: None, silences: 0, rests_until: None }
    }
}

impl<P> Meter<P> {
    fn has_work(&self) -> bool {
        self.exchange.is_some() || !self.queue.is_empty()
    }
}

/// A request under way.
#[derive(Debug)]
struct Exchange<P> {
    client: u16,
    apdu: Vec<u8>,
    /// The meter's link layer has all of it.
    is_sent: bool,
    /// Final frames since then that brought nothing.
    passes: u8,
    /// The link was set up for it.
    is_fresh: bool,
    _place: P,
}

/// A link, and what comes over it.
#[derive(Debug)]
struct Channel {
    link: Link,
    pdu: Vec<u8>,
    assembly: Assembly,
    empty_segments: u8,
    state: ChannelState,
    /// When it was of use last.
    used: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChannelState {
    Kept,
    Releasing,
    Probing,
}

impl<P> Bus<P> {
    pub(super) fn new(config: MediumConfig) -> Self {
        Self {
            config,
            meters: BTreeMap::new(),
            ring: VecDeque::new(),
            channels: BTreeMap::new(),
            broadcasts: VecDeque::new(),
            was_broadcast: false,
            turn: Turn::Free,
            probes: VecDeque::new(),
            probe_from: Instant::ZERO,
            series: AllSeries::default(),
            up: VecDeque::new(),
            counters: MediumCounters::default(),
        }
    }

    /// Something for a meter. What cannot be is answered at once.
    pub(super) fn handle_job(&mut self, now: Instant, meter: MediumAddress, job: Job, place: P) {
        let client = match job {
            Job::Apdu { client, .. } | Job::Release { client } | Job::Probe { client } => client,
        };
        if let Err(cause) = self.link_config(meter, client) {
            if !matches!(job, Job::Release { .. }) {
                self.fail(meter, client, cause);
            }
            return;
        }
        if let Job::Probe { client } = job {
            self.probes.push_back(((meter, client), place));
            return;
        }
        let known = self.meters.entry(meter).or_default();
        let wait_ends = now.checked_add(self.config.wait_max);
        let rests_long =
            known.rests_until.zip(wait_ends).is_some_and(|(until, wait_ends)| until > wait_ends);
        match job {
            // Who asked would have given up when its turn comes.
            Job::Apdu { client, .. } if rests_long => {
                self.fail(meter, client, LineError::Timeout { phase: Phase::LinkSetUp });
                return;
            }
            // Nobody waits for it any more, and to carry it out later would surprise.
            Job::Release { client } => {
                let waiting = known.queue.len();
                known.queue.retain(|(waiting, _)| {
                    !matches!(waiting, Job::Apdu { client: of, .. } if *of == client)
                });
                self.counters.failed += (waiting - known.queue.len()) as u64;
            }
            Job::Apdu { .. } | Job::Probe { .. } => {}
        }
        let had_work = known.has_work();
        known.queue.push_back((job, place));
        if !had_work && !self.has_turn(meter) {
            self.ring.push_back(meter);
        }
    }

    /// Something for all meters.
    pub(super) fn handle_broadcast(&mut self, client: u16, apdu: &[u8], place: P) {
        let all =
            MediumAddress { physical: Address::ALL_STATION_14, server: Address::ALL_STATION_14 };
        let line = LineConfig {
            address_bytes: Some(AddressLength::Four),
            ..self.line_config(all, client)
        };
        let Ok(config) = link_config(&line, self.config.baud) else {
            self.fail(all, client, LineError::BadSap);
            return;
        };
        let mut link = Link::new(config);
        let pdu = [&Llc::Command.encode()[..], apdu].concat();
        if link.send_unnumbered(pdu.len()).is_ok() {
            self.broadcasts.push_back(Broadcast { link, pdu, _place: place });
        }
    }

    /// Takes a frame.
    pub(super) fn handle_frame(&mut self, now: Instant, frame: &Frame<'_>) {
        let to_client = frame.destination.length() == AddressLength::One;
        let (true, Some(physical)) = (to_client, frame.source.lower()) else {
            // Among them our own, from a head or a bus that echoes.
            self.counters.line.foreign += 1;
            return;
        };
        let meter = MediumAddress { physical, server: frame.source.upper() };
        let key = (meter, frame.destination.upper());
        if matches!(frame.control, Control::Ui { .. }) {
            self.handle_unnumbered(now, key, frame);
            return;
        }
        let Some(channel) = self.channels.get_mut(&key) else {
            self.counters.line.foreign += 1;
            return;
        };
        let mut received = None;
        let segment = channel.link.handle_frame(now, frame);
        if let Some(segment) = &segment {
            channel.empty_segments = match segment.octets.is_empty() && !segment.last {
                true => channel.empty_segments.saturating_add(1),
                false => 0,
            };
            received = match channel.assembly.take(segment, self.config.line.apdu_len_max) {
                _ if channel.empty_segments > EMPTY_SEGMENTS_MAX => {
                    Some(Err(LineError::NoProgress))
                }
                Assembled::Unfinished | Assembled::Dropped => None,
                Assembled::Apdu(apdu) => Some(Ok(apdu)),
                Assembled::TooLong => {
                    Some(Err(LineError::TooLong { limit: self.config.line.apdu_len_max }))
                }
            };
        }
        if let Turn::Link { key: speaking, is_final, .. } = &mut self.turn
            && *speaking == key
            && channel.state == ChannelState::Kept
            && frame.control.pf()
        {
            *is_final = true;
            if segment.is_none()
                && let Some(exchange) = exchange_of(&mut self.meters, key)
                && exchange.is_sent
            {
                exchange.passes = exchange.passes.saturating_add(1);
            }
        }
        self.settle(now, key);
        match received {
            None => {}
            Some(Ok(apdu)) => self.answer(now, key, apdu),
            // What is left of it would hold the medium for nothing.
            Some(Err(cause)) => self.give_up(now, key, cause),
        }
    }

    /// Timers that have run out. A frame that is coming in is to be let finish first.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if let Turn::Link { key, .. } = self.turn
            && self.channels.get(&key).is_some_and(|channel| is_due(&channel.link, now))
        {
            self.handle_silence(now, key);
        }
    }

    /// When to call [`poll_transmit`](Self::poll_transmit) after [`handle_timeout`] at the latest.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match &self.turn {
            Turn::Link { key, .. } => self.channels.get(key)?.link.poll_timeout(),
            Turn::Pause(until) => Some(*until),
            Turn::Broadcast(_) => None,
            Turn::Free => {
                let parked = self.ring.iter().filter_map(|meter| {
                    let known = self.meters.get(meter)?;
                    match &known.exchange {
                        Some(exchange) => {
                            self.channels.get(&(*meter, exchange.client))?.link.poll_timeout()
                        }
                        None => known.rests_until,
                    }
                });
                let idle = self.channels.iter().filter(|(key, _)| self.is_idle(**key));
                let idle = idle.filter_map(|(_, kept)| kept.used.checked_add(self.config.idle));
                let probe = self.probes.front().map(|_| self.probe_from);
                parked.chain(idle).chain(probe).min()
            }
        }
    }

    /// Writes the next frame that is due. As with [`Link::poll_transmit`], the owner sends it and
    /// asks again.
    pub(super) fn poll_transmit(
        &mut self,
        now: Instant,
        out: &mut [u8; FRAME_LEN_MAX],
    ) -> Option<usize> {
        loop {
            match &mut self.turn {
                Turn::Free => {
                    if !self.begin(now) {
                        return None;
                    }
                }
                Turn::Pause(until) => {
                    if now < *until {
                        return None;
                    }
                    self.turn = Turn::Free;
                }
                Turn::Broadcast(broadcast) => {
                    let Broadcast { link, pdu, .. } = &mut **broadcast;
                    if let Some(length) = link.poll_transmit(now, pdu, out) {
                        return Some(length);
                    }
                    self.counters.broadcasts += 1;
                    self.turn = match now.checked_add(self.config.broadcast_pause) {
                        Some(until) => Turn::Pause(until),
                        None => Turn::Free,
                    };
                }
                Turn::Link { key, since, is_final } => {
                    let (key, since, was_final) = (*key, *since, *is_final);
                    let share_ends = since.checked_add(self.config.share);
                    let is_over = was_final && share_ends.is_none_or(|ends| ends <= now);
                    let is_kept = |kept: &Channel| {
                        kept.state == ChannelState::Kept && kept.link.is_connected()
                    };
                    if is_over
                        && self.channels.get(&key).is_some_and(is_kept)
                        && self.is_wanted(now)
                    {
                        self.park();
                        continue;
                    }
                    let channel = self.channels.get_mut(&key);
                    let written = channel
                        .and_then(|channel| channel.link.poll_transmit(now, &channel.pdu, out));
                    if written.is_some() {
                        self.turn = Turn::Link { key, since, is_final: false };
                        return written;
                    }
                    if !was_final && self.channels.contains_key(&key) {
                        return None;
                    }
                    self.park();
                }
            }
        }
    }

    pub(super) fn poll_up(&mut self) -> Option<Up> {
        self.up.pop_front()
    }

    /// How many links are up or on their way.
    pub(super) fn links(&self) -> usize {
        self.channels.len()
    }

    /// Nothing is under way and nothing waits.
    pub(super) fn is_quiet(&self) -> bool {
        matches!(self.turn, Turn::Free)
            && self.ring.is_empty()
            && self.channels.is_empty()
            && self.broadcasts.is_empty()
            && self.probes.is_empty()
    }

    /// Nobody will hand in anything any more: links are released when they are no longer used.
    pub(super) fn finish(&mut self) {
        self.config.idle = Duration::ZERO;
        for known in self.meters.values_mut() {
            known.rests_until = None;
        }
    }

    /// The stream is gone, and all links with it: everything that waits has failed.
    pub(super) fn handle_broken(&mut self, cause: LineError) {
        for (meter, known) in core::mem::take(&mut self.meters) {
            let under_way = known.exchange.map(|exchange| exchange.client);
            let waiting = known.queue.iter().filter_map(|(job, _)| match job {
                Job::Apdu { client, .. } => Some(*client),
                Job::Release { .. } | Job::Probe { .. } => None,
            });
            for client in under_way.into_iter().chain(waiting) {
                self.counters.failed += 1;
                self.up.push_back(Up::Failed { meter, client, cause });
            }
        }
        let probing = self.channels.iter().filter(|(_, it)| it.state == ChannelState::Probing);
        let probing: Vec<LinkKey> = probing.map(|(key, _)| *key).collect();
        for (meter, client) in probing.into_iter().chain(self.probes.drain(..).map(|it| it.0)) {
            self.up.push_back(Up::Failed { meter, client, cause });
        }
        self.ring.clear();
        self.channels.clear();
        self.broadcasts.clear();
        self.series.clear();
        self.turn = Turn::Free;
    }

    fn line_config(&self, meter: MediumAddress, client: u16) -> LineConfig {
        LineConfig {
            client,
            server_upper: meter.server,
            server_lower: Some(meter.physical),
            ..self.config.line.clone()
        }
    }

    /// The link to a meter, which must be one: a link to all of them cannot be set up.
    fn link_config(&self, meter: MediumAddress, client: u16) -> Result<LinkConfig, LineError> {
        let config = link_config(&self.line_config(meter, client), self.config.baud)?;
        if config.remote.is_all_station() {
            return Err(LineError::BadSap);
        }
        Ok(config)
    }

    fn has_turn(&self, meter: MediumAddress) -> bool {
        matches!(self.turn, Turn::Link { key, .. } if key.0 == meter)
    }

    /// Gives the turn to whoever is next; false if nobody wants it.
    fn begin(&mut self, now: Instant) -> bool {
        let first = self.ring.iter().position(|meter| self.is_ready(now, *meter));
        if (!self.was_broadcast || first.is_none())
            && let Some(broadcast) = self.broadcasts.pop_front()
        {
            self.was_broadcast = true;
            self.turn = Turn::Broadcast(Box::new(broadcast));
            return true;
        }
        self.was_broadcast = false;
        if let Some(meter) = first.and_then(|place| self.ring.remove(place)) {
            self.start(now, meter);
            return true;
        }
        if let Some(key) = self.idle_since(now.checked_sub(self.config.idle)) {
            self.release(now, key);
            return true;
        }
        if self.probe_from <= now
            && let Some((key, _place)) = self.probes.pop_front()
        {
            self.probe(now, key);
            return true;
        }
        false
    }

    /// Whether somebody else could use the turn at once.
    fn is_wanted(&self, now: Instant) -> bool {
        !self.broadcasts.is_empty() || self.ring.iter().any(|meter| self.is_ready(now, *meter))
    }

    fn is_ready(&self, now: Instant, meter: MediumAddress) -> bool {
        let Some(known) = self.meters.get(&meter) else { return false };
        if let Some(exchange) = &known.exchange {
            let channel = self.channels.get(&(meter, exchange.client));
            return channel.is_none_or(|channel| {
                channel.link.poll_timeout().is_none_or(|deadline| deadline <= now)
            });
        }
        if known.rests_until.is_some_and(|until| now < until) {
            return false;
        }
        match known.queue.front() {
            Some((Job::Apdu { client, .. }, _)) => {
                self.channels.len() < self.config.links_max
                    || self.channels.contains_key(&(meter, *client))
                    || self.idle_since(Some(now)).is_some()
            }
            Some(_) => true,
            None => false,
        }
    }

    /// The turn is the meter's: its exchange goes on, or the next one begins.
    fn start(&mut self, now: Instant, meter: MediumAddress) {
        let Some(known) = self.meters.get_mut(&meter) else { return };
        if let Some(exchange) = &known.exchange {
            let key = (meter, exchange.client);
            self.turn = Turn::Link { key, since: now, is_final: true };
            if self.channels.get(&key).is_some_and(|channel| is_due(&channel.link, now)) {
                self.handle_silence(now, key);
            }
            return;
        }
        let client = match known.queue.front() {
            None => return,
            Some((Job::Release { client } | Job::Probe { client }, _)) => {
                let key = (meter, *client);
                known.queue.pop_front();
                self.release(now, key);
                return;
            }
            Some((Job::Apdu { client, .. }, _)) => *client,
        };
        let key = (meter, client);
        let is_fresh = !self.channels.contains_key(&key);
        if is_fresh && self.channels.len() >= self.config.links_max {
            // One that nobody uses makes room first.
            self.ring.push_front(meter);
            if let Some(idle) = self.idle_since(Some(now)) {
                self.release(now, idle);
            }
            return;
        }
        let Some((Job::Apdu { apdu, .. }, place)) = known.queue.pop_front() else { return };
        known.exchange =
            Some(Exchange { client, apdu, is_sent: false, passes: 0, is_fresh, _place: place });
        self.counters.exchanges += 1;
        self.turn = Turn::Link { key, since: now, is_final: true };
        if is_fresh {
            self.call(now, key, ChannelState::Kept);
        } else {
            self.send(now, key);
        }
    }

    /// Sets a link up.
    fn call(&mut self, now: Instant, key: LinkKey, state: ChannelState) {
        let (meter, client) = key;
        // Was looked at when the job came.
        let Ok(mut config) = self.link_config(meter, client) else {
            return self.cannot_call(now, key, state);
        };
        if state == ChannelState::Probing {
            config.retries = 0;
            config.response_timeout = config.response_timeout.min(self.config.probe_timeout);
        }
        let mut link = Link::new(config);
        if link.connect().is_err() {
            return self.cannot_call(now, key, state);
        }
        let assembly = Assembly::default();
        let channel =
            Channel { link, pdu: Vec::new(), assembly, empty_segments: 0, state, used: now };
        self.channels.insert(key, channel);
    }

    /// There can be no link to this address: what was to be done over it has failed. An exchange
    /// without a link would have the turn again and again, and never use it.
    fn cannot_call(&mut self, now: Instant, key: LinkKey, state: ChannelState) {
        let (meter, client) = key;
        let cause = LineError::BadSap;
        self.channels.remove(&key);
        match state {
            ChannelState::Probing => self.fail(meter, client, cause),
            ChannelState::Kept | ChannelState::Releasing => self.fail_exchange(now, key, cause),
        }
    }

    /// Begins to send the APDU of the exchange on a link that is up.
    fn send(&mut self, now: Instant, key: LinkKey) {
        let Some(channel) = self.channels.get_mut(&key) else { return };
        let Some(exchange) = exchange_of(&mut self.meters, key) else { return };
        channel.pdu = [&Llc::Command.encode()[..], &exchange.apdu].concat();
        if channel.link.send(channel.pdu.len()).is_err() {
            // It waits for an answer that nobody waits for here: a link out of step is of no use.
            self.give_up(now, key, LineError::NoProgress);
        }
    }

    /// Takes a link down, and gives it the turn for that.
    fn release(&mut self, now: Instant, key: LinkKey) {
        if let Some(channel) = self.channels.get_mut(&key) {
            channel.state = ChannelState::Releasing;
            // A client can always disconnect.
            let _ = channel.link.disconnect();
        }
        self.turn = Turn::Link { key, since: now, is_final: true };
    }

    /// Asks whether somebody has this address.
    fn probe(&mut self, now: Instant, key: LinkKey) {
        self.probe_from = now.checked_add(self.config.probe_pause).unwrap_or(now);
        self.counters.probes += 1;
        let in_use = self.channels.keys().any(|(meter, _)| *meter == key.0);
        if in_use {
            self.up.push_back(Up::Probed { meter: key.0, found: true });
            return;
        }
        self.call(now, key, ChannelState::Probing);
        self.turn = Turn::Link { key, since: now, is_final: true };
    }

    /// The meter that has the turn did not answer in time.
    fn handle_silence(&mut self, now: Instant, key: LinkKey) {
        let Some(channel) = self.channels.get_mut(&key) else { return };
        self.counters.line.timeouts += 1;
        if channel.state == ChannelState::Releasing {
            // It will notice by its inactivity timeout.
            self.channels.remove(&key);
            self.park();
            return;
        }
        // A request that the meter has and does not answer may be one that has no response: the
        // link is not at fault, and the association on it lives.
        let retries = channel.link.config().retries;
        let is_passed = exchange_of(&mut self.meters, key)
            .is_some_and(|exchange| exchange.is_sent && exchange.passes > retries);
        if is_passed && channel.link.waive().is_ok() {
            self.counters.failed += 1;
            self.up.push_back(Up::Unanswered { meter: key.0, client: key.1 });
            self.finish_exchange(now, key);
            self.park();
            return;
        }
        channel.link.handle_timeout(now);
        self.settle(now, key);
        // Whoever waits goes first, and then it is asked again.
        if self.is_wanted(now) {
            self.park();
        }
    }

    /// What the link has to tell.
    fn settle(&mut self, now: Instant, key: LinkKey) {
        loop {
            let Some(channel) = self.channels.get_mut(&key) else { return };
            let Some(event) = channel.link.poll_event() else { return };
            match (channel.state, event) {
                (ChannelState::Probing, LinkEvent::Connected { .. }) => {
                    self.up.push_back(Up::Probed { meter: key.0, found: true });
                    self.release(now, key);
                }
                (ChannelState::Probing, event) => {
                    // DM is an answer as well.
                    let found = event == LinkEvent::Refused;
                    self.up.push_back(Up::Probed { meter: key.0, found });
                    self.channels.remove(&key);
                }
                (ChannelState::Releasing, _) => {
                    if channel.link.is_disconnected() {
                        self.channels.remove(&key);
                    }
                }
                (ChannelState::Kept, LinkEvent::Connected { .. }) => {
                    channel.used = now;
                    if let Some(known) = self.meters.get_mut(&key.0) {
                        known.silences = 0;
                        known.rests_until = None;
                    }
                    self.send(now, key);
                }
                (ChannelState::Kept, LinkEvent::Sent) => {
                    let Some(exchange) = exchange_of(&mut self.meters, key) else { continue };
                    exchange.is_sent = true;
                    if has_no_response(&exchange.apdu) && channel.link.waive().is_ok() {
                        self.finish_exchange(now, key);
                    }
                }
                (ChannelState::Kept, event) => self.handle_lost(now, key, event),
            }
        }
    }

    /// A link that was up, or should be, is not.
    fn handle_lost(&mut self, now: Instant, key: LinkKey, event: LinkEvent) {
        let exchange = exchange_of(&mut self.meters, key);
        // What opens an association needs no old link, which the meter may have dropped.
        if let Some(exchange) = exchange
            && matches!(event, LinkEvent::Disconnected { .. })
            && !exchange.is_fresh
            && exchange.apdu.first() == Some(&tag::AARQ)
        {
            exchange.is_fresh = true;
            exchange.is_sent = false;
            self.call(now, key, ChannelState::Kept);
            return;
        }
        let phase = match exchange_of(&mut self.meters, key) {
            Some(exchange) if exchange.is_fresh && !exchange.is_sent => Phase::LinkSetUp,
            _ => Phase::Polling,
        };
        self.channels.remove(&key);
        let cause = ended(event, phase).unwrap_or(LineError::LinkLost);
        self.fail_exchange(now, key, cause);
    }

    /// The link is of no use any more, although the meter may not know.
    fn give_up(&mut self, now: Instant, key: LinkKey, cause: LineError) {
        let has_turn = matches!(self.turn, Turn::Link { key: speaking, .. } if speaking == key);
        self.fail_exchange(now, key, cause);
        match has_turn {
            true => self.release(now, key),
            false => {
                self.channels.remove(&key);
            }
        }
    }

    fn fail_exchange(&mut self, now: Instant, key: LinkKey, cause: LineError) {
        let (meter, client) = key;
        if matches!(cause, LineError::Timeout { .. }) {
            self.forget_silent(now);
        }
        let Some(known) = self.meters.get_mut(&meter) else { return };
        let mut failed = Vec::new();
        failed.extend(known.exchange.take_if(|exchange| exchange.client == client).map(|_| client));
        if matches!(cause, LineError::Timeout { .. }) {
            // Nobody there: who else waits is told now, and whoever comes waits longer each time.
            known.silences = known.silences.saturating_add(1);
            let doublings = known.silences.saturating_sub(1).min(16);
            let rest = self.config.rest_min.saturating_mul(1 << doublings);
            known.rests_until = now.checked_add(rest.min(self.config.rest_max));
            failed.extend(known.queue.drain(..).filter_map(|(job, _)| match job {
                Job::Apdu { client, .. } => Some(client),
                Job::Release { .. } | Job::Probe { .. } => None,
            }));
        }
        for client in failed {
            self.fail(meter, client, cause);
        }
    }

    /// Forgets who was silent and need not rest, when that has become too many.
    fn forget_silent(&mut self, now: Instant) {
        if self.meters.len() > SILENT_MAX {
            let rests = |known: &Meter<P>| known.rests_until.is_some_and(|until| now < until);
            self.meters.retain(|_, known| known.has_work() || rests(known));
        }
    }

    fn fail(&mut self, meter: MediumAddress, client: u16, cause: LineError) {
        self.counters.failed += 1;
        self.up.push_back(Up::Failed { meter, client, cause });
    }

    /// A whole APDU came in I-frames.
    fn answer(&mut self, now: Instant, key: LinkKey, apdu: Vec<u8>) {
        let (meter, client) = key;
        if is_answer(&apdu) {
            self.finish_exchange(now, key);
            self.counters.answered += 1;
            self.up.push_back(Up::Apdu { meter, client, apdu });
            return;
        }
        // The meter used its turn for something else: it must be given another.
        if exchange_of(&mut self.meters, key).is_some()
            && let Some(channel) = self.channels.get_mut(&key)
        {
            let _ = channel.link.expect();
        }
        self.counters.pushed += 1;
        self.up.push_back(Up::Pushed { meter, client, apdu });
    }

    fn finish_exchange(&mut self, now: Instant, key: LinkKey) {
        if let Some(channel) = self.channels.get_mut(&key) {
            channel.used = now;
            channel.pdu = Vec::new();
        }
        if let Some(known) = self.meters.get_mut(&key.0) {
            known.exchange.take_if(|exchange| exchange.client == key.1);
        }
    }

    /// The turn is over; the meter goes to the end of the ring if it has more to do.
    fn park(&mut self) {
        if let Turn::Link { key: (meter, _), .. } = self.turn
            && let Some(known) = self.meters.get(&meter)
        {
            if known.has_work() {
                if !self.ring.contains(&meter) {
                    self.ring.push_back(meter);
                }
            } else if known.silences == 0 {
                self.meters.remove(&meter);
            }
        }
        self.turn = Turn::Free;
    }

    /// The link that was used the longest ago, at `before` at the latest, of those not in use.
    fn idle_since(&self, before: Option<Instant>) -> Option<LinkKey> {
        let before = before?;
        let idle =
            self.channels.iter().filter(|(key, kept)| kept.used <= before && self.is_idle(**key));
        idle.min_by_key(|(_, kept)| kept.used).map(|(key, _)| *key)
    }

    fn is_idle(&self, key: LinkKey) -> bool {
        let is_kept = self.channels.get(&key).is_some_and(|it| it.state == ChannelState::Kept);
        let in_use = self.meters.get(&key.0).is_some_and(|known| {
            let waiting =
                |(job, _): &(Job, P)| matches!(job, Job::Apdu { client, .. } if *client == key.1);
            known.exchange.as_ref().is_some_and(|exchange| exchange.client == key.1)
                || known.queue.iter().any(waiting)
        });
        is_kept && !in_use
    }

    /// Takes a UI frame: what it completes was pushed.
    fn handle_unnumbered(&mut self, now: Instant, key: LinkKey, frame: &Frame<'_>) {
        let limit = self.config.line.apdu_len_max;
        match self.series.take(now, key, frame, limit) {
            Assembled::Unfinished | Assembled::Dropped => {}
            Assembled::TooLong => self.counters.line.apdus_dropped += 1,
            Assembled::Apdu(apdu) => {
                self.counters.pushed += 1;
                self.up.push_back(Up::Pushed { meter: key.0, client: key.1, apdu });
            }
        }
    }
}

fn exchange_of<P>(
    meters: &mut BTreeMap<MediumAddress, Meter<P>>,
    key: LinkKey,
) -> Option<&mut Exchange<P>> {
    meters.get_mut(&key.0)?.exchange.as_mut().filter(|exchange| exchange.client == key.1)
}

fn is_due(link: &Link, now: Instant) -> bool {
    link.poll_timeout().is_some_and(|deadline| deadline <= now)
}

/// Whether a request asks for no response: its service class says so (IEC 62056-5-3 §7.3), or the
/// service has none. Of a ciphered one it does not show.
fn has_no_response(apdu: &[u8]) -> bool {
    const SERVICE_CLASS: u8 = 0x40;
    match *apdu {
        [
            tag::GET_REQUEST | tag::SET_REQUEST | tag::ACTION_REQUEST,
            _,
            invoke_id_and_priority,
            ..,
        ]
        // In the long form the class is in the first octet as well.
        | [tag::ACCESS_REQUEST, invoke_id_and_priority, ..] => {
            invoke_id_and_priority & SERVICE_CLASS == 0
        }
        [
            tag::UNCONFIRMED_WRITE_REQUEST
            | tag::GLO_UNCONFIRMED_WRITE_REQUEST
            | tag::DED_UNCONFIRMED_WRITE_REQUEST
            | tag::DATA_NOTIFICATION_CONFIRM,
            ..,
        ] => true,
        _ => false,
    }
}
