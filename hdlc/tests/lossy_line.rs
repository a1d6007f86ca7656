//! Two links against each other over a line that loses, damages and delays, in simulated time.
//!
//! Whatever the line does, every PDU arrives once and in order or the client reports failure, and
//! nobody waits for ever.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use core::time::Duration;
use std::collections::VecDeque;

use hdlc::{
    address::Address,
    deframer::{Deframer, OnError},
    frame::FRAME_LEN_MAX,
    link::{Closed, Link, LinkConfig, LinkEvent},
    parameters::{InformationLength, Parameters, WindowSize},
};
use proptest::prelude::*;
use sans_io_time::Instant;

const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
const LATENCY: Duration = Duration::from_millis(100);
/// Longer than any session here that still makes progress.
const SESSION_MAX: Duration = Duration::from_secs(24 * 3600);

/// What the line does to one frame.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Arrives,
    IsLost,
    /// One octet is changed.
    IsDamaged {
        at: usize,
        change: u8,
    },
    /// Octets are missing at its end.
    IsCut {
        at: usize,
    },
    /// It takes so much longer, and whatever follows it waits.
    IsLate(Duration),
    /// Octets of no meaning arrive before it.
    FollowsNoise,
}

/// What both ends want to do.
#[derive(Debug, Clone)]
struct Plan {
    client: Parameters,
    server: Parameters,
    exchanges: Vec<Exchange>,
}

#[derive(Debug, Clone)]
struct Exchange {
    request_len: usize,
    response_len: usize,
    /// How long the meter thinks.
    thinks: Duration,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Disconnected,
    Failed,
}

#[derive(Debug)]
struct Outcome {
    end: End,
    ends: Instant,
    /// Frames given to the line, lost ones included.
    frames: usize,
    requests: Vec<Vec<u8>>,
    responses: Vec<Vec<u8>>,
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
        self.link.send(pdu.len()).expect("nothing under way");
        self.sending = pdu;
    }

    /// Gives everything that is to go out to the line.
    fn transmit(&mut self, now: Instant, other: &mut Self, mut fate: impl FnMut() -> Fate) {
        let mut out = [0; FRAME_LEN_MAX];
        while let Some(written) = self.link.poll_transmit(now, &self.sending, &mut out) {
            let mut octets = out[..written].to_vec();
            let mut arrives = now + LATENCY;
            match fate() {
                Fate::Arrives => {}
                Fate::IsLost => continue,
                Fate::IsDamaged { at, change } => octets[at % written] ^= change,
                Fate::IsCut { at } => octets.truncate(at % written),
                Fate::IsLate(by) => arrives += by,
                Fate::FollowsNoise => {
                    octets.splice(0..0, [0x00, 0x7e, 0xa0, 0x7e, 0xa7, 0xff, 0x03, 0x7e, 0xa0]);
                }
            }
            if let Some((previous, _)) = other.line.back() {
                arrives = arrives.max(*previous);
            }
            other.line.push_back((arrives, octets));
        }
    }

    /// Takes what has arrived, each time followed by more silence than the inter-octet timeout.
    fn receive(&mut self, now: Instant) {
        while self.line.front().is_some_and(|(arrives, _)| *arrives <= now) {
            let (_, octets) = self.line.pop_front().unwrap();
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
            assert!(!segment.unnumbered);
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

/// The octets of the `number`th request or response: no two segments alike.
fn pdu(number: usize, len: usize, salt: u8) -> Vec<u8> {
    (0..len).map(|at| (at.wrapping_mul(37) ^ number.wrapping_mul(101)) as u8 ^ salt).collect()
}

/// One session; `fate` is asked about the first, second, .. frame on the line.
fn run(plan: &Plan, fate: impl Fn(usize) -> Fate) -> Outcome {
    let address = Address::try_two(0x01, 0x11).unwrap();
    let mut client = Owner::new(LinkConfig {
        parameters: plan.client,
        response_timeout: RESPONSE_TIMEOUT,
        ..LinkConfig::client(Address::PUBLIC_CLIENT, address)
    });
    let mut server = Owner::new(LinkConfig {
        parameters: plan.server,
        inactivity_timeout: None,
        ..LinkConfig::server(address, Address::PUBLIC_CLIENT)
    });
    let mut now = Instant::ZERO;
    let mut frames = 0;
    let mut next_fate = || {
        frames += 1;
        fate(frames - 1)
    };
    let mut requests = 0;
    let mut acknowledged = 0;
    let mut answers = 0;
    let mut answer_due = None;
    client.link.connect().unwrap();

    let end = 'session: loop {
        // The client's application: one request after the other, then DISC.
        while let Some(event) = client.link.poll_event() {
            match event {
                LinkEvent::Connected { .. } => {}
                LinkEvent::Sent => acknowledged += 1,
                LinkEvent::Disconnected { why: Closed::Requested } => {
                    break 'session End::Disconnected;
                }
                LinkEvent::Failed(_) => break 'session End::Failed,
                other => panic!("{other:?}"),
            }
        }
        let is_idle = requests == client.received.len() && !client.link.is_sending();
        if client.link.is_connected() && is_idle {
            if let Some(exchange) = plan.exchanges.get(requests) {
                client.send(pdu(requests, exchange.request_len, 0));
                requests += 1;
            } else {
                client.link.disconnect().unwrap();
            }
        }

        // The meter's application: it thinks, then answers.
        while let Some(event) = server.link.poll_event() {
            assert!(!matches!(event, LinkEvent::Rejected(_) | LinkEvent::Refused), "{event:?}");
        }
        if answers < server.received.len() {
            let exchange = &plan.exchanges[answers];
            let due = *answer_due.get_or_insert(now + exchange.thinks);
            if due <= now {
                server.send(pdu(answers, exchange.response_len, 0xff));
                answers += 1;
                answer_due = None;
            }
        }

        client.transmit(now, &mut server, &mut next_fate);
        server.transmit(now, &mut client, &mut next_fate);
        let wake_ups = [
            client.line.front().map(|(arrives, _)| *arrives),
            server.line.front().map(|(arrives, _)| *arrives),
            client.link.poll_timeout(),
            server.link.poll_timeout(),
            answer_due,
        ];
        now = wake_ups.into_iter().flatten().min().expect("nobody waits for anything");
        assert!(now < Instant::ZERO + SESSION_MAX, "no end in sight");
        client.receive(now);
        server.receive(now);
        client.link.handle_timeout(now);
        server.link.handle_timeout(now);
    };

    assert!(acknowledged <= server.received.len(), "acknowledged but not delivered");
    Outcome { end, ends: now, frames, requests: server.received, responses: client.received }
}

/// What must hold for every session.
fn check(plan: &Plan, outcome: &Outcome) {
    for (number, request) in outcome.requests.iter().enumerate() {
        assert_eq!(*request, pdu(number, plan.exchanges[number].request_len, 0));
    }
    for (number, response) in outcome.responses.iter().enumerate() {
        assert_eq!(*response, pdu(number, plan.exchanges[number].response_len, 0xff));
    }
    assert!(outcome.responses.len() <= outcome.requests.len());
    if outcome.end == End::Disconnected {
        assert_eq!(outcome.requests.len(), plan.exchanges.len());
        assert_eq!(outcome.responses.len(), plan.exchanges.len());
    }
}

fn parameters(information: u16, window: u8) -> Parameters {
    Parameters::symmetric(
        InformationLength::try_new(information).unwrap(),
        WindowSize::try_new(window).unwrap(),
    )
}

fn plan(information: u16, window: u8) -> Plan {
    let exchange = |request_len, response_len, thinks_ms| Exchange {
        request_len,
        response_len,
        thinks: Duration::from_millis(thinks_ms),
    };
    Plan {
        client: parameters(information, window),
        server: parameters(information, window),
        exchanges: vec![exchange(3, 40, 200), exchange(50, 5, 0), exchange(50, 70, 7_000)],
    }
}

#[test]
fn on_a_good_line_everything_arrives_and_nothing_is_sent_twice() {
    // SNRM, UA, DISC, UA. Per exchange the segments and, with window 1, an RR between two of them.
    // While the meter thinks for 7 s, two polls answered with RR: the first RR acknowledges the
    // request, so the second poll follows at once; and the poll that brings the answer.
    for (window, segments_and_rr) in
        [(1, (1 + 7) + (9 + 1) + (9 + 13)), (7, (1 + 4) + (5 + 1) + 12)]
    {
        let plan = plan(10, window);
        let outcome = run(&plan, |_| Fate::Arrives);
        check(&plan, &outcome);
        assert_eq!(outcome.end, End::Disconnected);
        assert_eq!(outcome.frames, 4 + segments_and_rr + 5, "window {window}");
    }
}

#[test]
fn on_a_dead_line_the_client_gives_up_after_every_repetition() {
    let outcome = run(&plan(10, 1), |_| Fate::IsLost);
    assert_eq!(outcome.end, End::Failed);
    assert_eq!(outcome.frames, 4);
    assert_eq!(outcome.ends, Instant::ZERO + RESPONSE_TIMEOUT * 4);
}

#[test]
fn a_line_that_dies_at_any_frame_is_noticed() {
    for (information, window) in [(10, 1), (10, 3), (6, 7)] {
        let plan = plan(information, window);
        let frames = run(&plan, |_| Fate::Arrives).frames;
        for dies in 0..frames {
            let outcome =
                run(&plan, |frame| if frame < dies { Fate::Arrives } else { Fate::IsLost });
            check(&plan, &outcome);
            assert_eq!(outcome.end, End::Failed, "{dies}");
        }
    }
}

#[test]
fn any_one_fault_is_mended() {
    for (information, window) in [(10, 1), (10, 3), (6, 7)] {
        let plan = plan(information, window);
        let frames = run(&plan, |_| Fate::Arrives).frames;
        for faulty in 0..frames {
            for fault in [
                Fate::IsLost,
                Fate::IsDamaged { at: 1, change: 0x07 },
                Fate::IsDamaged { at: 2, change: 0x7f },
                Fate::IsDamaged { at: 6, change: 0x10 },
                Fate::IsCut { at: 5 },
                Fate::IsLate(Duration::from_secs(4)),
                Fate::IsLate(Duration::from_secs(6)),
                Fate::IsLate(Duration::from_secs(11)),
                Fate::FollowsNoise,
            ] {
                let outcome =
                    run(&plan, |frame| if frame == faulty { fault } else { Fate::Arrives });
                check(&plan, &outcome);
                assert_eq!(outcome.end, End::Disconnected, "{window}: {fault:?} at {faulty}");
            }
        }
    }
}

#[test]
fn any_two_losses_are_mended() {
    for (information, window) in [(10, 1), (10, 3), (6, 7)] {
        let plan = plan(information, window);
        let frames = run(&plan, |_| Fate::Arrives).frames;
        for first in 0..frames {
            for second in first + 1..frames + 4 {
                let outcome = run(&plan, |frame| match frame == first || frame == second {
                    true => Fate::IsLost,
                    false => Fate::Arrives,
                });
                check(&plan, &outcome);
                assert_eq!(outcome.end, End::Disconnected, "{window}: {first} and {second}");
            }
        }
    }
}

fn any_parameters() -> impl Strategy<Value = Parameters> {
    (4..=64_u16, 4..=64_u16, 1..=7_u8, 1..=7_u8).prop_map(|(it, ir, wt, wr)| Parameters {
        information_transmit: InformationLength::try_new(it).unwrap(),
        information_receive: InformationLength::try_new(ir).unwrap(),
        window_transmit: WindowSize::try_new(wt).unwrap(),
        window_receive: WindowSize::try_new(wr).unwrap(),
    })
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let exchange = (1..300_usize, 1..300_usize, 0..12_000_u64).prop_map(
        |(request_len, response_len, thinks_ms)| Exchange {
            request_len,
            response_len,
            thinks: Duration::from_millis(thinks_ms),
        },
    );
    (any_parameters(), any_parameters(), proptest::collection::vec(exchange, 1..6))
        .prop_map(|(client, server, exchanges)| Plan { client, server, exchanges })
}

fn any_fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        20 => Just(Fate::Arrives),
        2 => Just(Fate::IsLost),
        2 => (any::<usize>(), 1..=255_u8).prop_map(|(at, change)| Fate::IsDamaged { at, change }),
        1 => any::<usize>().prop_map(|at| Fate::IsCut { at }),
        1 => (0..15_000_u64).prop_map(|ms| Fate::IsLate(Duration::from_millis(ms))),
        1 => Just(Fate::FollowsNoise),
    ]
}

proptest! {
    #[test]
    fn whatever_the_line_does_pdus_arrive_once_and_in_order_or_the_client_says_so(
        plan in any_plan(),
        fates in proptest::collection::vec(any_fate(), 1..200),
    ) {
        // The fates repeat, so that a bad line stays as bad as it is.
        let outcome = run(&plan, |frame| fates[frame % fates.len()]);
        check(&plan, &outcome);
        let is_good = fates.iter().all(|fate| matches!(fate, Fate::Arrives | Fate::FollowsNoise));
        prop_assert!(!is_good || outcome.end == End::Disconnected);
    }
}
