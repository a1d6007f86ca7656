//! Two links against each other over a bad line, in simulated time.

use core::time::Duration;
use std::{collections::VecDeque, vec::Vec};

use sans_io_time::Instant;

use super::next;
use crate::{
    address::Address,
    deframer::{Deframer, OnError},
    frame::{FRAME_LEN_MAX, Frame},
    link::{Closed, Link, LinkConfig, LinkEvent},
    parameters::{InformationLength, Parameters, WindowSize},
};

const LATENCY: Duration = Duration::from_millis(100);
/// Longer than any session here that still makes progress.
const SESSION_MAX: Duration = Duration::from_secs(24 * 3600);
/// Requests in one session.
const EXCHANGES_MAX: u8 = 8;

/// A request, its answer, and how long the meter thinks about it.
#[derive(Debug, Clone, Copy)]
struct Exchange {
    request_len: usize,
    response_len: usize,
    thinks: Duration,
}

/// One end: a link with the buffers of its owner, and its side of the line.
struct Owner {
    link: Link,
    deframer: Deframer,
    buffer: Vec<u8>,
    sending: Vec<u8>,
    reassembly: Vec<u8>,
    received: Vec<Vec<u8>>,
    /// What is on its way to this end, in the order of arrival.
    line: VecDeque<(Instant, Vec<u8>)>,
}

/// Whatever the line does, every PDU arrives once and in order, or the client reports failure, and
/// nobody waits for ever.
///
/// The first octets say what both ends propose and exchange; the rest what the line does to one
/// frame after the other, and when there is no more the line is a good one.
pub fn link_pair(mut octets: &[u8]) {
    let octets = &mut octets;
    let server_address = Address::try_two(0x01, 0x11).expect("in range");
    let mut client = Owner::new(LinkConfig {
        parameters: parameters(octets),
        ..LinkConfig::client(Address::PUBLIC_CLIENT, server_address)
    });
    let mut server = Owner::new(LinkConfig {
        parameters: parameters(octets),
        inactivity_timeout: None,
        ..LinkConfig::server(server_address, Address::PUBLIC_CLIENT)
    });
    let exchanges: Vec<Exchange> = (0..=next(octets) % EXCHANGES_MAX)
        .map(|_| Exchange {
            request_len: usize::from(next(octets)) + 1,
            response_len: usize::from(next(octets)) + 1,
            thinks: Duration::from_millis(u64::from(next(octets)) * 64),
        })
        .collect();
    let mut line = Line { octets, was_good: true };

    let is_complete = run(&mut client, &mut server, &exchanges, &mut line);

    for (number, request) in server.received.iter().enumerate() {
        assert_eq!(*request, pdu(number, exchanges[number].request_len, 0));
    }
    for (number, response) in client.received.iter().enumerate() {
        assert_eq!(*response, pdu(number, exchanges[number].response_len, 0x55));
    }
    assert!(client.received.len() <= server.received.len());
    assert!(is_complete || !line.was_good, "failed on a good line");
    if is_complete {
        assert_eq!(client.received.len(), exchanges.len());
    }
}

/// One session; returns whether it came to its end.
fn run(
    client: &mut Owner,
    server: &mut Owner,
    exchanges: &[Exchange],
    line: &mut Line<'_, '_>,
) -> bool {
    let mut now = Instant::ZERO;
    let (mut requests, mut acknowledged, mut answers) = (0, 0, 0);
    let mut answer_due = None;
    client.link.connect().expect("a client connects");
    loop {
        // The client's application: one request after the other, then DISC.
        while let Some(event) = client.link.poll_event() {
            match event {
                LinkEvent::Connected { .. } => {}
                LinkEvent::Sent => acknowledged += 1,
                LinkEvent::Disconnected { why: Closed::Requested } => return true,
                LinkEvent::Failed(_) => return false,
                other => panic!("{other:?}"),
            }
            assert!(acknowledged <= server.received.len(), "acknowledged but not delivered");
        }
        let is_idle = requests == client.received.len() && !client.link.is_sending();
        if client.link.is_connected() && is_idle {
            if let Some(exchange) = exchanges.get(requests) {
                client.send(pdu(requests, exchange.request_len, 0));
                requests += 1;
            } else {
                client.link.disconnect().expect("a client disconnects");
            }
        }

        // The meter's application: it thinks, then answers.
        while let Some(event) = server.link.poll_event() {
            assert!(!matches!(event, LinkEvent::Rejected(_) | LinkEvent::Refused), "{event:?}");
        }
        if answers < server.received.len() {
            let due = *answer_due.get_or_insert(now + exchanges[answers].thinks);
            if due <= now && server.link.is_connected() {
                server.send(pdu(answers, exchanges[answers].response_len, 0x55));
                answers += 1;
                answer_due = None;
            }
        }

        client.transmit(now, server, line);
        server.transmit(now, client, line);
        let wake_ups = [
            client.line.front().map(|(arrives, _)| *arrives),
            server.line.front().map(|(arrives, _)| *arrives),
            client.link.poll_timeout(),
            server.link.poll_timeout(),
            answer_due.filter(|_| server.link.is_connected()),
        ];
        now = wake_ups.into_iter().flatten().min().expect("nobody waits for anything");
        assert!(now < Instant::ZERO + SESSION_MAX, "no end in sight");
        client.receive(now);
        server.receive(now);
        client.link.handle_timeout(now);
        server.link.handle_timeout(now);
    }
}

impl Owner {
    fn new(config: LinkConfig) -> Self {
        Self {
            link: Link::new(config),
            deframer: Deframer::new(OnError::Resync),
            buffer: Vec::new(),
            sending: Vec::new(),
            reassembly: Vec::new(),
            received: Vec::new(),
            line: VecDeque::new(),
        }
    }

    fn send(&mut self, pdu: Vec<u8>) {
        self.link.send(pdu.len()).expect("nothing is under way");
        self.sending = pdu;
    }

    /// Gives everything that is to go out to the line.
    fn transmit(&mut self, now: Instant, other: &mut Self, line: &mut Line<'_, '_>) {
        let mut out = [0; FRAME_LEN_MAX];
        while let Some(written) = self.link.poll_transmit(now, &self.sending, &mut out) {
            let Some((delay, octets)) = line.carry(&out[..written]) else { continue };
            let earliest = other.line.back().map_or(now, |(previous, _)| *previous);
            other.line.push_back(((now + LATENCY + delay).max(earliest), octets));
        }
    }

    /// Takes what has arrived, each time followed by more silence than the inter-octet timeout.
    fn receive(&mut self, now: Instant) {
        while self.line.front().is_some_and(|(arrives, _)| *arrives <= now) {
            let Some((_, octets)) = self.line.pop_front() else { return };
            self.buffer.extend(octets);
            self.take_frames(now);
            while self.deframer.is_inside_frame() {
                self.deframer.abandon_partial();
                self.take_frames(now);
            }
        }
    }

    fn take_frames(&mut self, now: Instant) {
        while let Some(frame) = self.deframer.next_frame(&self.buffer) {
            let frame = frame.expect("a line that resynchronizes reports nothing");
            let Some(segment) = self.link.handle_frame(now, &frame) else { continue };
            if segment.first {
                self.reassembly.clear();
            }
            self.reassembly.extend_from_slice(segment.octets);
            if segment.last {
                self.received.push(self.reassembly.clone());
            }
        }
        self.buffer.drain(..self.deframer.take_consumed());
    }
}

/// What the line does to the frames.
struct Line<'l, 'a> {
    octets: &'l mut &'a [u8],
    was_good: bool,
}

impl Line<'_, '_> {
    /// What becomes of a frame: how much later than others it arrives, and as what; `None` when it
    /// is lost.
    fn carry(&mut self, frame: &[u8]) -> Option<(Duration, Vec<u8>)> {
        let mut octets = frame.to_vec();
        let mut delay = Duration::ZERO;
        let fate = next(self.octets) % 16;
        match fate {
            1 | 2 => {
                self.was_good = false;
                return None;
            }
            3 | 4 => {
                self.was_good = false;
                let at = usize::from(next(self.octets)) % octets.len();
                octets[at] ^= next(self.octets);
                // What the sums do not see is no damage that a link could mend.
                if Frame::decode(&octets[1..octets.len() - 1]).is_ok() {
                    return None;
                }
            }
            5 => {
                self.was_good = false;
                octets.truncate(usize::from(next(self.octets)) % frame.len());
            }
            6 | 7 => {
                self.was_good = false;
                delay = Duration::from_millis(u64::from(next(self.octets)) * 64);
            }
            8 => {
                octets.splice(0..0, [0x00, 0x7e, 0xa0, 0x7e, 0xa7, 0xff, 0x03, 0x7e, 0xa0]);
            }
            _ => {}
        }
        Some((delay, octets))
    }
}

/// What one end proposes.
fn parameters(octets: &mut &[u8]) -> Parameters {
    let mut information =
        || InformationLength::try_new(u16::from(next(octets) & 0x3f) + 4).expect("4 to 67");
    let (information_transmit, information_receive) = (information(), information());
    let mut window = || WindowSize::try_new(next(octets) % 7 + 1).expect("1 to 7");
    Parameters {
        information_transmit,
        information_receive,
        window_transmit: window(),
        window_receive: window(),
    }
}

/// The octets of the `number`th request or response: no two segments alike, and none that could
/// begin or end a frame, nor a sum that only the fuzzer takes for right.
fn pdu(number: usize, len: usize, salt: usize) -> Vec<u8> {
    let octet = |at: usize| (at.wrapping_mul(37) ^ number.wrapping_mul(101) ^ salt) % 0x7d + 1;
    (0..len).map(|at| octet(at) as u8).collect()
}
