//! The client's side of a connection: it asks, it waits, it recovers.

use sans_io_time::Instant;

use super::{
    Closed, Failure, LinkEvent, Misuse, RETRIES_MAX, Segment, State, Station, window::Arrival,
};
use crate::{
    address::Address,
    control::{Control, FrameReject, Sequence},
    frame::{FRAME_LEN_MAX, Frame},
    parameters::{OnUnknown, Parameters},
};

#[derive(Debug)]
pub(super) struct Client {
    turn: Turn,
    /// What to send before anything else.
    command: Option<Command>,
    /// A PDU, or the rest of one, is due from the server.
    expecting: bool,
    /// The server's frames of this turn were out of sequence: what to send when it is ours.
    repair: Option<Command>,
    /// The command sent last was a poll because an answer did not come, so the next answer is
    /// about what was sent before.
    polled: bool,
    /// Repetitions since the latest progress.
    attempts: u8,
    /// The server answered since the latest progress.
    heard: bool,
    /// Commands since V(R) advanced that the server may have answered with an I-frame we did not
    /// take: by so many N(S) may be ahead of V(R).
    overtaken: u8,
    /// A command was given to the owner and may still be leaving.
    departing: bool,
    /// The server has said its final frame since it was given the turn, which is still its own when
    /// that brought nothing: it is polled when it has had time.
    is_final: bool,
}

/// Who may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Ours,
    Theirs,
}

/// A command that asks for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    Snrm,
    Rr,
    Rej,
    Disc,
}

impl Client {
    pub(super) const fn new() -> Self {
        Self {
            turn: Turn::Ours,
            command: None,
            expecting: false,
            repair: None,
            polled: false,
            attempts: 0,
            heard: false,
            overtaken: 0,
            departing: false,
            is_final: false,
        }
    }

    pub(super) fn connect(&mut self, station: &mut Station) {
        station.enter(State::Connecting, Parameters::DEFAULT);
        *self = Self { command: Some(Command::Snrm), ..Self::new() };
    }

    pub(super) fn disconnect(&mut self, station: &mut Station) {
        station.enter(State::Disconnecting, Parameters::DEFAULT);
        *self = Self { command: Some(Command::Disc), ..Self::new() };
    }

    /// One PDU has to come from the server; with nothing to send, it is asked for.
    pub(super) fn expect(&mut self) -> Result<(), Misuse> {
        if self.expecting {
            return Err(Misuse::Busy);
        }
        self.expecting = true;
        Ok(())
    }

    /// Nothing has to come from the server any more. A poll that is not sent yet is not sent; one
    /// that is sent and not answered keeps its timer, for the server has the turn.
    pub(super) fn waive(&mut self, station: &mut Station) {
        self.expecting = false;
        if self.turn == Turn::Ours || self.is_final {
            self.take_turn(station, None);
        }
    }

    pub(super) fn handle_frame<'a>(
        &mut self,
        station: &mut Station,
        now: Instant,
        frame: &Frame<'a>,
    ) -> Option<Segment<'a>> {
        if !is_from(station.config.remote, frame) {
            return None;
        }
        // A push may be for all clients (IEC 62056-46 6.4.2.4).
        let is_ours = frame.destination == station.config.local;
        if let Control::Ui { .. } = frame.control
            && (is_ours || frame.destination == Address::ALL_STATION)
        {
            return Some(station.series.segment(now, frame));
        }
        if !is_ours {
            return None;
        }
        self.departing = false;
        match (station.state, frame.control) {
            (State::Connecting, Control::Ua { .. }) => self.on_accepted(station, frame),
            (State::Connecting, Control::Dm { .. }) => self.leave(station, LinkEvent::Refused),
            (
                State::Connected,
                Control::I { nr, pf, .. }
                | Control::Rr { nr, pf }
                | Control::Rnr { nr, pf }
                | Control::Rej { nr, pf },
            ) => {
                let Ok(acknowledged) = station.outgoing.acknowledge(nr) else {
                    self.fail(station, Failure::InvalidNr);
                    return None;
                };
                if acknowledged.complete {
                    station.events.push(LinkEvent::Sent);
                }
                let segment = self.on_numbered(station, frame);
                // An I-frame out of sequence is no progress, whatever it acknowledges: what stands
                // before it is lost, and each further poll may lose more.
                let is_information = matches!(frame.control, Control::I { .. });
                let progress = segment.is_some() || (acknowledged.frames > 0 && !is_information);
                if segment.is_some() || (progress && !acknowledged.complete) {
                    // What was asked for has come, or the server cannot have begun its answer.
                    self.overtaken = 0;
                } else if !is_information && pf {
                    // That command moved no N(S).
                    self.overtaken = self.overtaken.saturating_sub(1);
                }
                self.on_heard(station, now, progress);
                // With its window full the server cannot go on, whether it says F = 1 or not.
                if pf || (segment.is_some() && station.incoming.is_window_full()) {
                    self.on_final(station, frame.control, progress);
                }
                return segment;
            }
            (State::Connected, Control::Dm { .. }) => {
                self.leave(station, LinkEvent::Disconnected { why: Closed::ByPeer });
            }
            (State::Connected, Control::Frmr { .. }) => {
                self.fail(station, Failure::Rejected(FrameReject::decode(frame.information)));
            }
            (State::Disconnecting, Control::Ua { .. } | Control::Dm { .. }) => {
                self.leave(station, LinkEvent::Disconnected { why: Closed::Requested });
            }
            // An answer that comes late, or one that makes no sense: the timer goes on.
            _ => {}
        }
        None
    }

    pub(super) fn handle_timeout(&mut self, station: &mut Station) {
        let command = match station.state {
            State::Connecting => Command::Snrm,
            State::Connected => Command::Rr,
            State::Disconnecting => Command::Disc,
            State::Disconnected | State::Rejecting(_) => return,
        };
        if self.try_again(station) {
            self.polled = true;
            self.command = Some(command);
            self.turn = Turn::Ours;
        }
    }

    pub(super) fn poll_transmit(
        &mut self,
        station: &mut Station,
        now: Instant,
        pdu: &[u8],
        out: &mut [u8; FRAME_LEN_MAX],
    ) -> Option<usize> {
        let written = self.transmit(station, now, pdu, out);
        if written.is_none() && self.departing {
            // The owner is back from writing: only now the wait begins.
            self.departing = false;
            station.arm(now, station.config.response_timeout);
        }
        written
    }

    fn transmit(
        &mut self,
        station: &mut Station,
        now: Instant,
        pdu: &[u8],
        out: &mut [u8; FRAME_LEN_MAX],
    ) -> Option<usize> {
        let local = station.config.local;
        if self.turn == Turn::Theirs {
            return None;
        }
        if station.unnumbered.is_some() {
            return station.transmit_unnumbered(local, pdu, out);
        }
        let can_send = !station.peer_busy && station.outgoing.peek().is_some();
        let is_waiting = self.expecting || !station.outgoing.is_idle();
        if station.state == State::Connected && !can_send && is_waiting {
            // Nothing to send, yet something to wait for: ask for it.
            self.polled |= self.command.is_none();
            self.command = self.command.or(Some(Command::Rr));
        }
        let mut field = [0; Parameters::ENCODED_LEN_MAX];
        let (control, information): (_, &[u8]) = match self.command.take() {
            None => {
                let (written, poll) = station.transmit_information(local, pdu, out)?;
                if poll {
                    self.hand_over(station, now);
                }
                return Some(written);
            }
            Some(Command::Snrm) if station.config.parameters == Parameters::DEFAULT => {
                (Control::Snrm { pf: true }, &[])
            }
            Some(Command::Snrm) => {
                (Control::Snrm { pf: true }, station.config.parameters.encode(&mut field))
            }
            Some(Command::Rr) => {
                (Control::Rr { nr: station.incoming.acknowledge(), pf: true }, &[])
            }
            Some(Command::Rej) => {
                (Control::Rej { nr: station.incoming.acknowledge(), pf: true }, &[])
            }
            Some(Command::Disc) if station.config.remote.is_all_station() => {
                // Nobody answers a broadcast.
                self.leave(station, LinkEvent::Disconnected { why: Closed::Requested });
                return station.transmit(local, Control::Disc { pf: false }, false, &[], out);
            }
            Some(Command::Disc) => (Control::Disc { pf: true }, &[]),
        };
        self.hand_over(station, now);
        station.transmit(local, control, false, information, out)
    }

    /// A command with P = 1 goes out: the server has the turn.
    fn hand_over(&mut self, station: &mut Station, now: Instant) {
        self.overtaken = self.overtaken.saturating_add(1);
        self.turn = Turn::Theirs;
        self.departing = true;
        self.is_final = false;
        station.arm(now, station.config.response_timeout);
    }

    /// UA to our SNRM.
    fn on_accepted(&mut self, station: &mut Station, frame: &Frame<'_>) {
        match Parameters::decode(frame.information, OnUnknown::Ignore) {
            Ok(granted) => {
                let parameters = station.config.parameters.negotiate(granted);
                station.enter(State::Connected, parameters);
                station.events.push(LinkEvent::Connected { parameters });
                *self = Self::new();
            }
            Err(error) => self.fail(station, Failure::Parameters(error)),
        }
    }

    /// The N(S) of an I-frame and the readiness of the server.
    fn on_numbered<'a>(&mut self, station: &mut Station, frame: &Frame<'a>) -> Option<Segment<'a>> {
        let ns = match frame.control {
            Control::I { ns, pf, .. } => {
                station.peer_busy &= !pf;
                ns
            }
            Control::Rnr { .. } => {
                station.peer_busy = true;
                return None;
            }
            _ => {
                station.peer_busy = false;
                return None;
            }
        };
        match station.incoming.arrive(ns, frame.segmented) {
            Arrival::Next { first } => {
                self.expecting = frame.segmented;
                let last = !frame.segmented;
                return Some(Segment { octets: frame.information, first, last, unnumbered: false });
            }
            Arrival::Duplicate => {}
            Arrival::Gap => self.repair = Some(self.repair.unwrap_or(Command::Rr)),
            Arrival::BeyondWindow => self.repair = Some(Command::Rej),
        }
        None
    }

    /// The server lives; whether it does more than that restarts the wait.
    fn on_heard(&mut self, station: &mut Station, now: Instant, progress: bool) {
        self.heard = !progress;
        if progress {
            self.attempts = 0;
            if station.deadline.is_some() {
                station.arm(now, station.config.response_timeout);
            }
        }
    }

    /// The server has said all it had to say: what to do next.
    fn on_final(&mut self, station: &mut Station, control: Control, progress: bool) {
        self.is_final = true;
        let repair = self.repair.take();
        if self.turn == Turn::Ours && !progress {
            // Nothing was asked, or the answer has come already: this is a late one.
            return;
        }
        let asks_again = repair.is_some() || matches!(control, Control::Rej { .. });
        // One frame under way and an answer that knows nothing of it: either the answer is to an
        // earlier poll, or there is nothing to say yet. In both cases waiting is right.
        if !progress && !asks_again && !self.polled && station.outgoing.outstanding() <= 1 {
            return;
        }
        // F = 1: whatever it does not acknowledge it does not have.
        station.outgoing.rewind();
        let has_more = !station.peer_busy && station.outgoing.peek().is_some();
        if repair.is_some() {
            if self.try_again(station) {
                self.take_turn(station, repair);
            }
        } else if has_more {
            if progress || self.polled || self.try_again(station) {
                self.take_turn(station, None);
            }
        } else if self.expecting && progress && !station.peer_busy {
            self.take_turn(station, Some(Command::Rr));
        } else if !self.expecting && station.outgoing.is_idle() {
            self.take_turn(station, None);
        }
        // Otherwise the server is not ready. The timer goes on, and polls.
    }

    fn take_turn(&mut self, station: &mut Station, command: Option<Command>) {
        self.turn = Turn::Ours;
        self.command = command;
        self.polled = false;
        station.deadline = None;
    }

    /// Counts a repetition; fails the link when there have been too many, or when the answer to
    /// one more may bear the number we wait for with octets of a later segment.
    fn try_again(&mut self, station: &mut Station) -> bool {
        let comes_round = station.state == State::Connected && self.overtaken >= Sequence::COUNT;
        if comes_round || self.attempts >= station.config.retries.min(RETRIES_MAX) {
            let failure = if self.heard { Failure::NoProgress } else { Failure::NoResponse };
            self.fail(station, failure);
            return false;
        }
        self.attempts = self.attempts.saturating_add(1);
        true
    }

    fn fail(&mut self, station: &mut Station, failure: Failure) {
        self.leave(station, LinkEvent::Failed(failure));
    }

    fn leave(&mut self, station: &mut Station, event: LinkEvent) {
        station.enter(State::Disconnected, Parameters::DEFAULT);
        station.events.push(event);
        *self = Self::new();
    }
}

/// Whether `frame` comes from `remote`. The device that answers to CALLING does so under an
/// address that nobody knew before.
fn is_from(remote: Address, frame: &Frame<'_>) -> bool {
    frame.source.is_same_station(remote)
        || (remote.is_calling() && frame.source.upper() == remote.upper())
}
