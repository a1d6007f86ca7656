//! The server's side of a connection: it answers, and only when asked.

use sans_io_time::Instant;

use super::{Closed, LinkEvent, Segment, State, Station, window::Arrival};
use crate::{
    address::{Address, Reach},
    control::{Control, FrameReject},
    frame::{FRAME_LEN_MAX, Frame},
    parameters::{OnUnknown, Parameters},
};

#[derive(Debug)]
pub(super) struct Server {
    /// A command with P = 1 came and is not answered yet.
    turn: bool,
    /// The response to send before anything else; given only with the turn.
    response: Option<Response>,
    /// A PDU came and the application has not answered it.
    owes_answer: bool,
    /// The turn is kept for the application's answer.
    holding: bool,
    /// Our address in the length the client uses.
    local: Address,
}

/// A response that carries no information of the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Response {
    /// UA to SNRM, with the parameters in force.
    Parameters,
    Ua,
    Dm,
    Frmr(FrameReject),
}

impl Server {
    pub(super) const fn new(local: Address) -> Self {
        Self { turn: false, response: None, owes_answer: false, holding: false, local }
    }

    /// The application has its answer, be it none.
    pub(super) fn answer(&mut self) {
        self.owes_answer = false;
        self.holding = false;
    }

    /// Ends the connection without a word.
    pub(super) fn close(&mut self, station: &mut Station, why: Closed) {
        self.leave(station);
        station.events.push(LinkEvent::Disconnected { why });
    }

    pub(super) fn handle_frame<'a>(
        &mut self,
        station: &mut Station,
        now: Instant,
        frame: &Frame<'a>,
    ) -> Option<Segment<'a>> {
        if !frame.source.is_same_station(station.config.remote) {
            return None;
        }
        match station.config.local.reach(frame.destination)? {
            Reach::AllStation => return self.on_broadcast(station, now, frame),
            Reach::Calling if !station.config.calling => return None,
            Reach::Own | Reach::Calling => {}
        }
        self.local = station.config.local.in_length_of(frame.destination);
        self.turn |= frame.control.pf();
        let segment = match station.state {
            State::Connected => self.on_connected(station, now, frame),
            _ => self.on_disconnected(station, now, frame),
        };
        self.rearm(station, now);
        segment
    }

    pub(super) fn poll_transmit(
        &mut self,
        station: &mut Station,
        now: Instant,
        pdu: &[u8],
        out: &mut [u8; FRAME_LEN_MAX],
    ) -> Option<usize> {
        let written = self.transmit(station, pdu, out);
        if written.is_some() {
            self.rearm(station, now);
        }
        written
    }

    fn transmit(
        &mut self,
        station: &mut Station,
        pdu: &[u8],
        out: &mut [u8; FRAME_LEN_MAX],
    ) -> Option<usize> {
        if let Some(response) = self.response.take() {
            self.turn = false;
            return self.transmit_response(station, response, out);
        }
        // Without a connection nobody has the turn, and a push may go out at any time.
        if station.unnumbered.is_some() && (self.turn || station.state == State::Disconnected) {
            return station.transmit_unnumbered(self.local, pdu, out);
        }
        if !self.turn || station.state != State::Connected {
            return None;
        }
        if let Some((written, last)) = station.transmit_information(self.local, pdu, out) {
            self.turn = !last;
            return Some(written);
        }
        if self.holding {
            return None;
        }
        self.turn = false;
        let control = Control::Rr { nr: station.incoming.acknowledge(), pf: true };
        station.transmit(self.local, control, false, &[], out)
    }

    fn transmit_response(
        &self,
        station: &Station,
        response: Response,
        out: &mut [u8; FRAME_LEN_MAX],
    ) -> Option<usize> {
        let mut field = [0; Parameters::ENCODED_LEN_MAX];
        let reject;
        let (control, information): (_, &[u8]) = match response {
            Response::Parameters => {
                (Control::Ua { pf: true }, station.parameters.encode(&mut field))
            }
            Response::Ua => (Control::Ua { pf: true }, &[]),
            Response::Dm => (Control::Dm { pf: true }, &[]),
            Response::Frmr(frame_reject) => {
                reject = frame_reject.encode();
                (Control::Frmr { pf: true }, &reject)
            }
        };
        station.transmit(self.local, control, false, information, out)
    }

    /// To all stations: UI and DISC, never with P = 1, and nothing is ever answered
    /// (IEC 62056-46 6.4.2).
    fn on_broadcast<'a>(
        &mut self,
        station: &mut Station,
        now: Instant,
        frame: &Frame<'a>,
    ) -> Option<Segment<'a>> {
        match frame.control {
            Control::Ui { pf: false } => Some(station.series.segment(now, frame)),
            Control::Disc { pf: false } if station.state != State::Disconnected => {
                self.close(station, Closed::ByPeer);
                None
            }
            _ => None,
        }
    }

    /// Without a connection, or with one that only SNRM can mend.
    fn on_disconnected<'a>(
        &mut self,
        station: &mut Station,
        now: Instant,
        frame: &Frame<'a>,
    ) -> Option<Segment<'a>> {
        let response = match (frame.control, station.state) {
            (Control::Snrm { .. }, _) => {
                self.on_snrm(station, frame);
                return None;
            }
            (Control::Disc { .. }, State::Rejecting(_)) => {
                self.on_disc(station, frame);
                return None;
            }
            (_, State::Rejecting(reject)) => Response::Frmr(reject),
            _ => Response::Dm,
        };
        self.respond(frame, response);
        match frame.control {
            Control::Ui { .. } => Some(station.series.segment(now, frame)),
            _ => None,
        }
    }

    fn on_connected<'a>(
        &mut self,
        station: &mut Station,
        now: Instant,
        frame: &Frame<'a>,
    ) -> Option<Segment<'a>> {
        let information_len_max = usize::from(station.parameters.information_receive.octets());
        let is_too_long = frame.information.len() > information_len_max;
        match frame.control {
            Control::Snrm { .. } => {
                self.on_snrm(station, frame);
                None
            }
            Control::Disc { .. } => {
                self.on_disc(station, frame);
                None
            }
            Control::I { .. } | Control::Ui { .. } if is_too_long => {
                let reject =
                    FrameReject { information_too_long: true, ..rejection(station, frame) };
                self.reject(station, frame, reject)
            }
            Control::Ui { .. } => Some(station.series.segment(now, frame)),
            Control::Rr { .. } | Control::Rnr { .. } | Control::Rej { .. }
                if !frame.information.is_empty() =>
            {
                let reject = FrameReject {
                    undefined_control: true,
                    unexpected_information: true,
                    ..rejection(station, frame)
                };
                self.reject(station, frame, reject)
            }
            Control::I { nr, pf, .. }
            | Control::Rr { nr, pf }
            | Control::Rnr { nr, pf }
            | Control::Rej { nr, pf } => {
                let Ok(acknowledged) = station.outgoing.acknowledge(nr) else {
                    let reject = FrameReject { invalid_nr: true, ..rejection(station, frame) };
                    return self.reject(station, frame, reject);
                };
                if acknowledged.complete {
                    station.events.push(LinkEvent::Sent);
                }
                if pf {
                    // P = 1: whatever it does not acknowledge it does not have.
                    station.outgoing.rewind();
                }
                self.on_numbered(station, frame)
            }
            // A response is no command, and an unknown octet is neither.
            Control::Ua { .. } | Control::Dm { .. } | Control::Frmr { .. } | Control::Other(_) => {
                let reject = FrameReject { undefined_control: true, ..rejection(station, frame) };
                self.reject(station, frame, reject)
            }
        }
    }

    /// The N(S) of an I-frame and the readiness of the client.
    fn on_numbered<'a>(&mut self, station: &mut Station, frame: &Frame<'a>) -> Option<Segment<'a>> {
        let ns = match frame.control {
            Control::I { ns, pf, .. } => {
                station.peer_busy &= !pf;
                ns
            }
            control => {
                station.peer_busy = matches!(control, Control::Rnr { .. });
                // A poll wants to know now, be it that there is nothing yet.
                self.holding = false;
                return None;
            }
        };
        let segment = match station.incoming.arrive(ns, frame.segmented) {
            Arrival::Next { first } => {
                let last = !frame.segmented;
                self.owes_answer = last;
                Some(Segment { octets: frame.information, first, last, unnumbered: false })
            }
            Arrival::Duplicate => None,
            // RR will say from where to send again.
            Arrival::Gap | Arrival::BeyondWindow => {
                self.holding = false;
                return None;
            }
        };
        self.holding = self.owes_answer;
        segment
    }

    fn on_snrm(&mut self, station: &mut Station, frame: &Frame<'_>) {
        match Parameters::decode(frame.information, OnUnknown::Refuse) {
            Ok(proposed) => {
                let parameters = station.config.parameters.negotiate(proposed);
                self.answer();
                station.enter(State::Connected, parameters);
                station.events.push(LinkEvent::Connected { parameters });
                // A client that said nothing of parameters is told of them only if it must know.
                let says_nothing =
                    frame.information.is_empty() && parameters == Parameters::DEFAULT;
                let response = if says_nothing { Response::Ua } else { Response::Parameters };
                self.respond(frame, response);
            }
            Err(_) => {
                if station.state != State::Disconnected {
                    self.close(station, Closed::ByPeer);
                }
                self.respond(frame, Response::Dm);
            }
        }
    }

    fn on_disc(&mut self, station: &mut Station, frame: &Frame<'_>) {
        self.close(station, Closed::ByPeer);
        self.respond(frame, Response::Ua);
    }

    /// Answers `frame` if it has handed over the turn.
    fn respond(&mut self, frame: &Frame<'_>, response: Response) {
        if frame.control.pf() {
            self.turn = true;
            self.response = Some(response);
        }
    }

    /// Rejects `frame`: nothing but a new connection helps (IEC 62056-46 6.4.4.9).
    fn reject<'a>(
        &mut self,
        station: &mut Station,
        frame: &Frame<'a>,
        reject: FrameReject,
    ) -> Option<Segment<'a>> {
        self.answer();
        station.enter(State::Rejecting(reject), station.parameters);
        station.events.push(LinkEvent::Rejected(reject));
        self.respond(frame, Response::Frmr(reject));
        None
    }

    fn leave(&mut self, station: &mut Station) {
        self.answer();
        self.turn = false;
        self.response = None;
        station.enter(State::Disconnected, Parameters::DEFAULT);
    }

    /// Hearing or saying something restarts the inactivity timeout.
    fn rearm(&self, station: &mut Station, now: Instant) {
        if station.state != State::Disconnected
            && let Some(timeout) = station.config.inactivity_timeout
        {
            station.arm(now, timeout);
        }
    }
}

/// A rejection of `frame` without a reason yet.
fn rejection(station: &Station, frame: &Frame<'_>) -> FrameReject {
    FrameReject {
        control: frame.control,
        vs: station.outgoing.vs(),
        vr: station.incoming.vr(),
        was_response: false,
        undefined_control: false,
        unexpected_information: false,
        information_too_long: false,
        invalid_nr: false,
    }
}
