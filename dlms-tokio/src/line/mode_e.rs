//! Opening of a line in mode E of IEC 62056-21, the way into HDLC through an optical head.
//!
//! ```text
//!   us                                   meter              at
//!   /?!\r\n                        -->                      300 baud, 7E1   (§6.3.1)
//!                                  <--   /XXXZ\2ident\r\n   300             (§6.3.2, Z: §6.3.14)
//!   ACK 2 Z 2 \r\n                 -->                      300             (§6.4.5, annex B)
//!                                  <--   ACK 2 Z 2 \r\n     300             (annex B)
//!   ~ SNRM ~                       -->                      Z, 8N1          (IEC 62056-46)
//! ```
//!
//! Parity is made in software over 8N1: a pseudo terminal, a gateway and some adapters cannot be
//! switched to 7E1. Received parity is taken off, not checked, since not every head keeps it.
//! Optical heads echo what is sent into them; whether this one does shows in the first step, and
//! then the echo of the acknowledgement is not taken for the meter's own. A meter that does not
//! repeat the acknowledgement is given its reaction time and then spoken to in HDLC.

use core::time::Duration;

use nom::{
    IResult, Parser,
    bytes::complete::{take_until, take_while_m_n},
    character::complete::{char, crlf},
    combinator::verify,
    number::complete::u8,
    sequence::delimited,
};
use sans_io_time::Instant;

/// Rate of the opening (§6.3.1).
pub(crate) const OPENING_BAUD: u32 = 300;

/// Longest time from the end of a message to the first octet of its answer (§6.5.1, t_r).
const REACTION_MAX: Duration = Duration::from_millis(1_500);

/// Shortest time between two messages (§6.5.1, t_r): the meter turns from sending to receiving, or
/// switches its rate, meanwhile.
const REACTION_MIN: Duration = Duration::from_millis(200);

/// Longest time between two octets of one message (§6.5.1, t_a).
const OCTET_GAP_MAX: Duration = Duration::from_millis(1_500);

/// Longest message that is waited for: `/XXXZ\2`, 16 octets, CR LF, and as much noise before it.
const MESSAGE_MAX: usize = 64;

/// Bits an octet takes on the line: start, seven, parity, stop.
const OCTET_BITS: u32 = 10;

pub(crate) const SIGN_ON: &[u8] = b"/?!\r\n";
pub(crate) const ACKNOWLEDGE: u8 = 0x06;

/// The rates behind the identification characters `0` to `6` (§6.3.14, as for mode C).
const BAUDS: [(u8, u32); 7] = [
    (b'0', 300),
    (b'1', 600),
    (b'2', 1_200),
    (b'3', 2_400),
    (b'4', 4_800),
    (b'5', 9_600),
    (b'6', 19_200),
];

/// The client's end of the opening.
///
/// ```text
///   SigningOn --identification--> Pausing --> Confirming --confirmation--> Switching --> Open
///       |                                         +----------------silence-----------------^
///       | no answer to the last repetition, or one that names no rate
///       v
///     Failed
/// ```
#[derive(Debug)]
pub(crate) struct SignOn {
    state: State,
    /// Fastest rate we agree to.
    baud_max: u32,
    /// Sign-ons that may still be sent.
    attempts: u32,
    /// Octets of the message being received, without parity.
    message: Vec<u8>,
    /// Whether our sign-on came back to us.
    echoes: bool,
    transmit: Vec<u8>,
    deadline: Option<Instant>,
    /// When the message we wait for is over whatever still comes: noise must not hold us.
    ends: Option<Instant>,
    event: Option<SignOnEvent>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    SigningOn,
    /// The meter has identified itself and gets ready to listen.
    Pausing {
        character: u8,
        baud: u32,
    },
    /// `copies` of the acknowledgement are still to come: the head's echo, the meter's own.
    Confirming {
        character: u8,
        baud: u32,
        copies: u8,
    },
    /// The meter switches to the agreed rate.
    Switching {
        baud: u32,
    },
    Done,
}

/// How the opening ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignOnEvent {
    /// HDLC starts now, at this rate.
    Open { baud: u32 },
    /// Nobody answered any sign-on.
    Silent,
    /// The identification names a rate that mode E does not have.
    BaudUnknown { character: u8 },
}

impl SignOn {
    /// An opening that signs on up to `1 + repetitions` times and agrees to at most `baud_max`.
    pub(crate) fn new(now: Instant, baud_max: u32, repetitions: u8) -> Self {
        let mut machine = Self {
            state: State::SigningOn,
            baud_max,
            attempts: 1 + u32::from(repetitions),
            message: Vec::new(),
            echoes: false,
            transmit: Vec::new(),
            deadline: None,
            ends: None,
            event: None,
        };
        machine.sign_on(now);
        machine
    }

    /// Takes octets from the line.
    pub(crate) fn handle_octets(&mut self, now: Instant, octets: &[u8]) {
        for octet in octets {
            if matches!(self.state, State::Pausing { .. } | State::Switching { .. } | State::Done) {
                return;
            }
            self.wait(now, OCTET_GAP_MAX);
            self.message.push(octet & 0x7F);
            if self.message.ends_with(b"\r\n") {
                let message = core::mem::take(&mut self.message);
                self.handle_message(now, &message);
            } else if self.message.len() >= MESSAGE_MAX {
                self.message.clear();
            }
        }
    }

    /// Gives up waiting for what was due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return;
        }
        self.message.clear();
        match self.state {
            State::SigningOn if self.attempts == 0 => self.end(SignOnEvent::Silent),
            State::SigningOn => self.sign_on(now),
            State::Pausing { character, baud } => self.acknowledge(now, character, baud),
            State::Confirming { baud, .. } | State::Switching { baud } => {
                self.end(SignOnEvent::Open { baud })
            }
            State::Done => self.deadline = None,
        }
    }

    /// Octets to be sent, at the opening rate.
    pub(crate) fn poll_transmit(&mut self, out: &mut Vec<u8>) -> bool {
        out.append(&mut self.transmit);
        !out.is_empty()
    }

    /// How it ended, once.
    pub(crate) fn poll_event(&mut self) -> Option<SignOnEvent> {
        self.event.take()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.deadline
    }

    fn handle_message(&mut self, now: Instant, message: &[u8]) {
        match self.state {
            State::SigningOn if message.ends_with(SIGN_ON) => {
                self.echoes = true;
                self.wait(now, REACTION_MAX);
            }
            State::SigningOn => match baud_character(message) {
                Some(character) => self.agree(now, character),
                // Noise that ends like a message: the answer may still come.
                None => self.wait(now, REACTION_MAX),
            },
            State::Confirming { character, baud, copies }
                if message.ends_with(&acknowledgement(character)) =>
            {
                match copies {
                    0 | 1 => {
                        self.state = State::Switching { baud };
                        self.deadline = now.checked_add(REACTION_MIN);
                    }
                    _ => {
                        self.state = State::Confirming { character, baud, copies: copies - 1 };
                        self.wait(now, REACTION_MAX);
                    }
                }
            }
            State::Pausing { .. }
            | State::Confirming { .. }
            | State::Switching { .. }
            | State::Done => {}
        }
    }

    fn sign_on(&mut self, now: Instant) {
        self.attempts = self.attempts.saturating_sub(1);
        self.echoes = false;
        self.send(now, SIGN_ON);
    }

    fn agree(&mut self, now: Instant, announced: u8) {
        let Some((character, baud)) = agreed_baud(announced, self.baud_max) else {
            self.end(SignOnEvent::BaudUnknown { character: announced });
            return;
        };
        self.state = State::Pausing { character, baud };
        self.deadline = now.checked_add(REACTION_MIN);
    }

    fn acknowledge(&mut self, now: Instant, character: u8, baud: u32) {
        let copies = if self.echoes { 2 } else { 1 };
        self.state = State::Confirming { character, baud, copies };
        self.send(now, &acknowledgement(character));
    }

    fn send(&mut self, now: Instant, message: &[u8]) {
        self.transmit.extend(message.iter().copied().map(with_even_parity));
        let due = time_on_line(message.len()) + REACTION_MAX;
        self.deadline = now.checked_add(due);
        self.ends = now.checked_add(due + time_on_line(2 * MESSAGE_MAX));
    }

    fn wait(&mut self, now: Instant, time: Duration) {
        self.deadline = now.checked_add(time).min(self.ends);
    }

    fn end(&mut self, event: SignOnEvent) {
        self.state = State::Done;
        self.deadline = None;
        self.event = Some(event);
    }
}

/// How long `octets` are on their way at the opening rate.
fn time_on_line(octets: usize) -> Duration {
    let octets = u32::try_from(octets).unwrap_or(u32::MAX);
    Duration::from_secs(1) * octets.saturating_mul(OCTET_BITS) / OPENING_BAUD
}

/// The octet as it looks on an 8N1 line that pretends to be 7E1.
pub(crate) const fn with_even_parity(octet: u8) -> u8 {
    let octet = octet & 0x7F;
    if octet.count_ones().is_multiple_of(2) { octet } else { octet | 0x80 }
}

/// The acknowledgement that selects HDLC at the rate of `character`.
pub(crate) const fn acknowledgement(character: u8) -> [u8; 6] {
    [ACKNOWLEDGE, b'2', character, b'2', b'\r', b'\n']
}

/// Z of an identification `/XXXZ...`, noise before the slash allowed.
fn baud_character(message: &[u8]) -> Option<u8> {
    let slash = message.iter().rposition(|octet| *octet == b'/')?;
    let manufacturer = take_while_m_n(3, 3, |octet: u8| octet.is_ascii_alphabetic());
    let product = (take_until("\r\n"), crlf);
    let mut identification =
        delimited((char('/'), manufacturer), verify(u8, u8::is_ascii_graphic), product);
    let parsed: IResult<_, _, ()> = identification.parse(message.get(slash..)?);
    parsed.ok().map(|(_, character)| character)
}

/// The character and rate to agree on: the announced one, or the fastest below it that we may use.
fn agreed_baud(announced: u8, baud_max: u32) -> Option<(u8, u32)> {
    let slower = BAUDS.iter().position(|(character, _)| *character == announced)?;
    BAUDS[..=slower].iter().rev().find(|(_, baud)| *baud <= baud_max).copied()
}

/// The character for a rate, if mode E has it.
pub(crate) fn character_of(baud: u32) -> Option<u8> {
    BAUDS.iter().find(|(_, rate)| *rate == baud).map(|(character, _)| *character)
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use sans_io_time::Instant;

    use super::{SignOn, SignOnEvent, acknowledgement, baud_character, with_even_parity};

    // "/?!\r\n" in 7E1 over 8N1.
    const SIGN_ON_7E1: [u8; 5] = [0xAF, 0x3F, 0x21, 0x8D, 0x0A];
    // ACK "252\r\n" in 7E1 over 8N1: HDLC at 9600.
    const ACK_9600_7E1: [u8; 6] = [0x06, 0xB2, 0x35, 0xB2, 0x8D, 0x0A];
    const IDENTIFICATION: &[u8] = b"/DHE5\\2METER\r\n";

    fn at(ms: u64) -> Instant {
        Instant::ZERO.checked_add(Duration::from_millis(ms)).unwrap()
    }

    fn sent(machine: &mut SignOn) -> Vec<u8> {
        let mut out = Vec::new();
        machine.poll_transmit(&mut out);
        out
    }

    fn parity(octets: &[u8]) -> Vec<u8> {
        octets.iter().copied().map(with_even_parity).collect()
    }

    #[test]
    fn a_meter_is_opened_in_four_messages() {
        let mut machine = SignOn::new(at(0), 9_600, 0);
        assert_eq!(sent(&mut machine), SIGN_ON_7E1);
        machine.handle_octets(at(400), &parity(IDENTIFICATION));
        // The meter turns to listening: nothing before the shortest reaction time has passed.
        assert_eq!(machine.poll_timeout(), Some(at(600)));
        machine.handle_timeout(at(599));
        assert_eq!(sent(&mut machine), []);
        machine.handle_timeout(at(600));
        assert_eq!(sent(&mut machine), ACK_9600_7E1);
        assert_eq!(machine.poll_event(), None);
        machine.handle_octets(at(1_100), &ACK_9600_7E1);
        assert_eq!(machine.poll_event(), None);
        // The meter switches its rate.
        machine.handle_timeout(at(1_299));
        assert_eq!(machine.poll_event(), None);
        machine.handle_timeout(at(1_300));
        assert_eq!(machine.poll_event(), Some(SignOnEvent::Open { baud: 9_600 }));
        assert_eq!(machine.poll_timeout(), None);
    }

    #[test]
    fn parity_is_taken_off_and_not_asked_for() {
        for identification in [IDENTIFICATION.to_vec(), parity(IDENTIFICATION)] {
            let mut machine = SignOn::new(at(0), 9_600, 0);
            sent(&mut machine);
            for octet in identification {
                machine.handle_octets(at(400), &[octet]);
            }
            machine.handle_timeout(at(600));
            assert_eq!(sent(&mut machine), ACK_9600_7E1);
        }
    }

    #[test]
    fn a_meter_that_does_not_confirm_is_given_its_reaction_time() {
        let mut machine = SignOn::new(at(0), 9_600, 0);
        machine.handle_octets(at(400), IDENTIFICATION);
        machine.handle_timeout(at(600));
        sent(&mut machine);
        // 6 octets at 300 baud take 200 ms.
        assert_eq!(machine.poll_timeout(), Some(at(600 + 200 + 1_500)));
        machine.handle_timeout(at(2_299));
        assert_eq!(machine.poll_event(), None);
        machine.handle_timeout(at(2_300));
        assert_eq!(machine.poll_event(), Some(SignOnEvent::Open { baud: 9_600 }));
    }

    #[test]
    fn a_head_that_echoes_is_found_out_and_its_echo_is_not_the_meters_answer() {
        let mut machine = SignOn::new(at(0), 9_600, 0);
        machine.handle_octets(at(170), &SIGN_ON_7E1);
        machine.handle_octets(at(400), &parity(IDENTIFICATION));
        machine.handle_timeout(at(600));
        sent(&mut machine);
        machine.handle_octets(at(800), &ACK_9600_7E1);
        assert_eq!(machine.poll_event(), None);
        machine.handle_octets(at(1_100), &ACK_9600_7E1);
        assert_eq!(machine.poll_event(), None);
        // The meter switches its rate.
        machine.handle_timeout(at(1_300));
        assert_eq!(machine.poll_event(), Some(SignOnEvent::Open { baud: 9_600 }));
    }

    #[test]
    fn noise_before_the_identification_does_not_matter() {
        let mut machine = SignOn::new(at(0), 9_600, 0);
        sent(&mut machine);
        machine.handle_octets(at(300), b"\x00\xFF/\r\n\x7E\x7E");
        machine.handle_octets(at(310), &[0x55; 100]);
        machine.handle_octets(at(400), IDENTIFICATION);
        machine.handle_timeout(at(600));
        assert_eq!(sent(&mut machine), ACK_9600_7E1);
    }

    #[test]
    fn an_identification_is_three_letters_a_rate_and_whatever_follows() {
        for (message, character) in [
            (IDENTIFICATION, Some(b'5')),
            (b"/DHE5\r\n", Some(b'5')),
            (b"/dheA\r\n", Some(b'A')),
            (b"noise /DHE5/DHE6\\2METER\r\n", Some(b'6')),
            (b"/DHE\r\n", None),
            (b"/DH5\\2METER\r\n", None),
            (b"/D-E5\\2METER\r\n", None),
            (b"/?!\r\n", None),
            (b"/DHE5", None),
            (b"DHE5\r\n", None),
            (b"\r\n", None),
        ] {
            assert_eq!(baud_character(message), character, "{}", message.escape_ascii());
        }
    }

    #[test]
    fn the_rate_is_the_fastest_both_ends_have() {
        for (announced, limit, character, baud) in [
            (b'6', 9_600, b'5', 9_600),
            (b'6', 921_600, b'6', 19_200),
            (b'3', 9_600, b'3', 2_400),
            (b'5', 300, b'0', 300),
            (b'5', 1_000, b'1', 600),
        ] {
            let mut machine = SignOn::new(at(0), limit, 0);
            sent(&mut machine);
            machine.handle_octets(at(300), &[b'/', b'D', b'H', b'E', announced, b'\r', b'\n']);
            machine.handle_timeout(at(500));
            assert_eq!(sent(&mut machine), parity(&acknowledgement(character)));
            machine.handle_octets(at(800), &acknowledgement(character));
            machine.handle_timeout(at(1_000));
            assert_eq!(machine.poll_event(), Some(SignOnEvent::Open { baud }));
        }
    }

    #[test]
    fn a_rate_mode_e_does_not_have_ends_the_opening() {
        // A letter is mode B: fixed rate change without acknowledgement.
        let mut machine = SignOn::new(at(0), 9_600, 3);
        machine.handle_octets(at(300), b"/DHEAMETER\r\n");
        assert_eq!(machine.poll_event(), Some(SignOnEvent::BaudUnknown { character: b'A' }));
    }

    #[test]
    fn silence_is_answered_with_another_sign_on_until_the_repetitions_are_used_up() {
        let mut machine = SignOn::new(at(0), 9_600, 2);
        let mut sign_ons = Vec::new();
        let event = loop {
            sign_ons.extend(sent(&mut machine));
            if let Some(event) = machine.poll_event() {
                break event;
            }
            let due = machine.poll_timeout().expect("something is always due before the end");
            machine.handle_timeout(due);
        };
        assert_eq!(event, SignOnEvent::Silent);
        assert_eq!(sign_ons, SIGN_ON_7E1.repeat(3));
    }

    #[test]
    fn noise_without_end_does_not_hold_the_opening() {
        let mut machine = SignOn::new(at(0), 9_600, 0);
        sent(&mut machine);
        let event = (1..).map(|tenth| at(tenth * 100)).find_map(|now| {
            machine.handle_octets(now, b"\xFF/");
            machine.handle_timeout(now);
            machine.poll_event().map(|event| (event, now))
        });
        assert_eq!(event, Some((SignOnEvent::Silent, at(6_000))));
    }

    #[test]
    fn an_identification_cut_short_is_waited_for_no_longer_than_the_octet_gap() {
        let mut machine = SignOn::new(at(0), 9_600, 1);
        sent(&mut machine);
        machine.handle_octets(at(400), b"/DHE5");
        assert_eq!(machine.poll_timeout(), Some(at(1_900)));
        machine.handle_timeout(at(1_900));
        assert_eq!(sent(&mut machine), SIGN_ON_7E1);
        machine.handle_octets(at(2_500), IDENTIFICATION);
        machine.handle_timeout(at(2_700));
        assert_eq!(sent(&mut machine), ACK_9600_7E1);
    }
}
