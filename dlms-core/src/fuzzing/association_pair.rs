//! Client and server against each other over a line that somebody else controls.

use alloc::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    vec::Vec,
};

use sans_io_time::Instant;

use super::{
    meter::{CLIENT_SAP, Counting, Meter, client_config, object, parameter, value},
    next, take,
};
use crate::{
    acse::Mechanism,
    association::{
        Ciphering, Client, ClientConfig, Event, Priority, Request, RequestId, Response, Server,
        ServerConfig,
    },
    cosem::{AttributeDescriptor, ClassId, MethodDescriptor},
    security::{Protection, RustCrypto},
    xdlms::{ActionResult, DataAccessResult},
};

/// How many APDUs of the client ago the request may have been made whose answer is let through now:
/// request and answer may have been held back. The invoke-id has four bits and cannot tell the
/// seventeenth request from the first.
const HELD_BACK_MAX: usize = 10;
/// Requests in flight at once, where it is more than one.
const IN_FLIGHT: u8 = 4;
/// APDUs of each direction that are kept to be sent again.
const KEPT_MAX: usize = 64;

/// What the client wants: the number of the object, and what to do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// Read a value; kind 3 comes in blocks.
    Read {
        kind: u8,
        number: u16,
    },
    Write(u16),
    Act(u16),
}

/// An APDU on its way, or kept: how many the client had sent by then, and in which association.
#[derive(Debug, Clone)]
struct Sent {
    after: usize,
    association: usize,
    octets: Vec<u8>,
}

struct Pair {
    client: Client,
    server: Server,
    meter: Meter,
    entropy: Counting,
    now: Instant,
    to_server: VecDeque<Sent>,
    to_client: VecDeque<Sent>,
    kept_requests: Vec<Sent>,
    kept_answers: Vec<Sent>,
    sent: usize,
    associations: usize,
    number: u16,
    wishes: BTreeMap<RequestId, Wish>,
    /// Writes and actions that the client knows to be done.
    known_written: Vec<u16>,
    known_done: Vec<u16>,
}

/// Whoever controls the line but has no key can lose, double, delay, damage, invent and repeat
/// APDUs, and yet: nothing is written or done twice, or that was not asked for; no value is taken
/// for another; what the client takes for done is done; and on a good line afterwards a new
/// association works.
///
/// So it is with several requests in flight as with one.
///
/// Without ciphering the line only loses: nothing could be told from anything.
///
/// First octet: ciphering. Then operations of one octet and its arguments.
pub fn association_pair(mut octets: &[u8]) {
    let choice = next(&mut octets);
    let is_safe = choice & 1 == 0;
    let (mechanism, protection) = match choice & 7 {
        0 | 2 => (Mechanism::HlsGmac, Protection::AUTHENTICATED_ENCRYPTED),
        4 => (Mechanism::Lowest, Protection::AUTHENTICATED_ENCRYPTED),
        6 => (Mechanism::HlsGmac, Protection::AUTHENTICATED),
        1 | 5 => (Mechanism::Lowest, Protection::NONE),
        _ => (Mechanism::HlsSha256, Protection::NONE),
    };
    let config = client_config(mechanism, protection);
    let is_dedicated = protection == Protection::AUTHENTICATED_ENCRYPTED && choice & 8 != 0;
    let ciphering = config.ciphering.map(|ciphering| Ciphering {
        dedicated: is_dedicated,
        general: choice & 0x10 != 0,
        ..ciphering
    });
    let config = ClientConfig {
        ciphering,
        max_receive_pdu: 128,
        datagrams: choice & 0x20 != 0,
        in_flight_max: if choice & 0x40 != 0 { IN_FLIGHT } else { 1 },
        ..config
    };
    let mut client = Client::new(config, Arc::new(RustCrypto));
    client.grant_counters(1..100_000);
    let mut pair = Pair {
        client,
        server: Server::new(ServerConfig { max_pdu: 128, ..ServerConfig::new(CLIENT_SAP) }),
        meter: Meter::new(mechanism, protection),
        entropy: Counting::default(),
        now: Instant::ZERO,
        to_server: VecDeque::new(),
        to_client: VecDeque::new(),
        kept_requests: Vec::new(),
        kept_answers: Vec::new(),
        sent: 0,
        associations: 0,
        number: 0,
        wishes: BTreeMap::new(),
        known_written: Vec::new(),
        known_done: Vec::new(),
    };
    while !octets.is_empty() {
        pair.operate(is_safe, &mut octets);
        pair.drain();
    }
    pair.start_anew();
}

impl Pair {
    fn operate(&mut self, is_safe: bool, octets: &mut &[u8]) {
        match next(octets) % 20 {
            0 | 1 => self.deliver_to_server(),
            2 | 3 => self.deliver_to_client(),
            4 => drop(self.to_server.pop_front()),
            5 => drop(self.to_client.pop_front()),
            6 => self.pass_time(),
            7 | 8 => self.ask(next(octets)),
            9 => self.associate(),
            10 => self.settle(),
            11 => {
                if next(octets) & 7 == 0 && self.client.release().is_ok() {
                    self.wishes.clear();
                }
            }
            12 => match next(octets) & 7 {
                0 => self.abort(),
                1 if self.client.is_associated() => {
                    if let Some((request, _)) = self.wishes.pop_first() {
                        self.client.cancel(request);
                    }
                }
                2 => self.server.abort(),
                3 => self.deliver_waiting(),
                _ => {}
            },
            // What follows takes somebody who does more than cut the line.
            _ if !is_safe => {}
            13 => self.to_server.extend(self.to_server.front().cloned()),
            14 => self.to_client.extend(self.to_client.front().cloned()),
            15 => damage(self.to_server.front_mut(), octets),
            16 => damage(self.to_client.front_mut(), octets),
            17 => self.repeat_request(next(octets)),
            18 => self.repeat_answer(next(octets)),
            _ => {
                let to_client = next(octets) & 1 == 0;
                let len = usize::from(next(octets));
                let apdu = take(octets, len).to_vec();
                match to_client {
                    true => self.client.handle_apdu(&mut apdu.clone()),
                    false => self.tell_server(&apdu, self.sent),
                }
            }
        }
    }

    fn associate(&mut self) {
        if self.client.associate(&mut self.entropy).is_ok() {
            self.associations += 1;
            self.wishes.clear();
        }
    }

    fn abort(&mut self) {
        self.client.abort();
        self.wishes.clear();
    }

    /// Asks for something that was never asked for before.
    fn ask(&mut self, kind: u8) {
        let number = self.number;
        let wish = match kind % 4 {
            0 => Wish::Read { kind: 1, number },
            1 => Wish::Read { kind: 3, number },
            2 => Wish::Write(number),
            _ => Wish::Act(number),
        };
        let request = match wish {
            Wish::Read { kind, number } => Request::Get {
                attribute: AttributeDescriptor::new(ClassId::REGISTER, object(kind, number), 2),
                selection: None,
            },
            Wish::Write(number) => Request::Set {
                attribute: AttributeDescriptor::new(ClassId::REGISTER, object(4, number), 2),
                selection: None,
                value: parameter(number),
            },
            Wish::Act(number) => Request::Action {
                method: MethodDescriptor::new(ClassId::SCRIPT_TABLE, object(5, number), 1),
                parameters: Some(parameter(number)),
            },
        };
        let priority = if kind & 0x10 != 0 { Priority::Normal } else { Priority::High };
        if let Ok(id) = self.client.request_with_priority(request, priority) {
            self.number += 1;
            assert_eq!(self.wishes.insert(id, wish), None);
        }
    }

    fn deliver_to_server(&mut self) {
        if let Some(request) = self.to_server.pop_front() {
            keep(&mut self.kept_requests, &request);
            self.tell_server(&request.octets, request.after);
        }
    }

    /// Lets the server have all at once that is on its way to it.
    fn deliver_waiting(&mut self) {
        // They are answered together, and so as late as the first.
        let oldest = self.to_server.front().map_or(self.sent, |first| first.after);
        self.to_server.iter_mut().for_each(|request| request.after = oldest);
        while self.to_server.len() > 1 {
            let held = self.to_server.front().is_some_and(|next| self.server.hold(&next.octets));
            match held {
                true => keep(&mut self.kept_requests, &self.to_server.pop_front().expect("it")),
                false => self.deliver_to_server(),
            }
        }
        self.deliver_to_server();
    }

    /// Hands the server what the client said when it had sent so many.
    fn tell_server(&mut self, apdu: &[u8], after: usize) {
        let mut answer = Vec::new();
        let Self { server, meter, entropy, .. } = self;
        let mut answers = server.handle_apdu(meter, entropy, &mut apdu.to_vec(), &mut answer);
        while answers {
            let octets = answer.clone();
            let answer_sent = Sent { after, association: self.associations, octets };
            keep(&mut self.kept_answers, &answer_sent);
            self.to_client.push_back(answer_sent);
            answers = self.server.poll_transmit(&mut answer);
        }
    }

    fn deliver_to_client(&mut self) {
        if let Some(mut answer) = self.to_client.pop_front()
            && self.is_recent(&answer)
        {
            self.client.handle_apdu(&mut answer.octets);
        }
    }

    fn is_recent(&self, answer: &Sent) -> bool {
        answer.after + HELD_BACK_MAX > self.sent
    }

    fn repeat_request(&mut self, which: u8) {
        let Some(at) = usize::from(which).checked_rem(self.kept_requests.len()) else { return };
        let Sent { octets, after, .. } = self.kept_requests[at].clone();
        self.tell_server(&octets, after);
    }

    fn repeat_answer(&mut self, which: u8) {
        let Some(at) = usize::from(which).checked_rem(self.kept_answers.len()) else { return };
        let mut answer = self.kept_answers[at].clone();
        if answer.association != self.associations || self.is_recent(&answer) {
            self.client.handle_apdu(&mut answer.octets);
        }
    }

    fn pass_time(&mut self) {
        if let Some(deadline) = self.client.poll_timeout() {
            self.now = self.now.max(deadline);
            self.client.handle_timeout(self.now);
        }
    }

    /// Lets the line be a good one until nothing moves.
    fn settle(&mut self) {
        while !self.to_server.is_empty() || !self.to_client.is_empty() {
            self.deliver_to_server();
            self.drain();
            self.deliver_to_client();
            self.drain();
        }
    }

    /// Fetches what the client has to say and to send.
    fn drain(&mut self) {
        while let Some(event) = self.client.poll_event() {
            match event {
                Event::Response(id, response) => {
                    let wish = self.wishes.remove(&id).expect("a response to a request");
                    self.on_response(wish, &response);
                }
                Event::RequestFailed(id, _) => {
                    assert!(self.wishes.remove(&id).is_some(), "a failure without a request");
                }
                Event::AssociationFailed { .. } | Event::Released => self.wishes.clear(),
                Event::Associated(_) => {}
                Event::Block(..) => panic!("a block that nobody asked for"),
                Event::Notification(_) => panic!("a notification that no meter sent"),
            }
        }
        let mut octets = Vec::new();
        while self.client.poll_transmit(self.now, &mut octets) {
            self.sent += 1;
            let octets = octets.clone();
            let request = Sent { after: self.sent, association: self.associations, octets };
            self.to_server.push_back(request);
        }
        assert!(
            !self.client.is_waiting() || self.client.poll_timeout().is_some(),
            "waits for ever"
        );
        self.check_meter();
    }

    /// An answer is the true one.
    fn on_response(&mut self, wish: Wish, response: &Response) {
        match (wish, response) {
            (Wish::Read { kind, number }, Response::Get(Ok(octets))) => {
                assert_eq!(*octets, value(object(kind, number)));
            }
            (Wish::Write(number), Response::Set(DataAccessResult::Success)) => {
                self.known_written.push(number);
            }
            (Wish::Act(number), Response::Action(outcome))
                if outcome.result == ActionResult::Success =>
            {
                let returned = (number & 1 != 0).then(|| Ok(parameter(number)));
                assert_eq!(outcome.returned, returned);
                self.known_done.push(number);
            }
            other => panic!("{other:?}"),
        }
    }

    /// What was written and done was asked for, once, and all that the client knows of it is true.
    fn check_meter(&self) {
        for (log, known) in
            [(&self.meter.written, &self.known_written), (&self.meter.done, &self.known_done)]
        {
            for (at, (number, octets)) in log.iter().enumerate() {
                assert!(*number < self.number, "never asked for");
                assert_eq!(*octets, parameter(*number));
                let again = log[..at].iter().any(|(earlier, _)| earlier == number);
                assert!(!again, "{number} twice");
            }
            let is_true = |number| log.iter().any(|(done, _)| done == number);
            assert!(known.iter().all(is_true), "taken for done");
        }
    }

    /// Both ends give up, and the line is good from now on.
    fn start_anew(mut self) {
        // First, silence ends every wait.
        let repetitions = ClientConfig::default().retries;
        let waits = self.wishes.len().max(1) * usize::from(repetitions + 1);
        for _ in 0..waits {
            self.to_server.clear();
            self.pass_time();
            self.drain();
        }
        assert!(!self.client.is_waiting());
        assert!(self.wishes.is_empty());

        self.abort();
        self.server.abort();
        self.to_server.clear();
        self.to_client.clear();
        self.associate();
        self.drain();
        self.settle();
        assert!(self.client.is_associated(), "locked out");
        for kinds in [&[0][..], &[1], &[2], &[3], &[1, 2, 0, 3, 1, 1]] {
            kinds.iter().for_each(|kind| self.ask(*kind));
            self.drain();
            self.settle();
            assert!(self.wishes.is_empty(), "not answered on a good line");
        }
    }
}

/// Turns a bit of an APDU, or cuts it.
fn damage(apdu: Option<&mut Sent>, octets: &mut &[u8]) {
    let (at, how) = (usize::from(next(octets)), next(octets));
    let Some(Sent { octets, .. }) = apdu else { return };
    if octets.is_empty() {
        return;
    }
    let at = at % octets.len();
    match how {
        0..=0xdf => octets[at] ^= 1 << (how % 8),
        _ => octets.truncate(at),
    }
}

fn keep(kept: &mut Vec<Sent>, apdu: &Sent) {
    if kept.len() == KEPT_MAX {
        kept.remove(0);
    }
    kept.push(apdu.clone());
}
