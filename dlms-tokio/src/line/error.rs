//! Why a line failed: who is at fault, and what to try.

use core::fmt::{self, Display, Formatter};
use std::io;

use hdlc::link::Failure;
use thiserror::Error;

/// What a line was doing when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Turning a host name into an address.
    Resolving,
    /// Opening the connection or the port.
    Opening,
    /// Signing on in mode E of IEC 62056-21.
    SigningOn,
    /// Setting up the HDLC link: SNRM sent, UA awaited.
    LinkSetUp,
    /// Sending an APDU.
    Sending,
    /// Waiting for an APDU.
    Receiving,
    /// Waiting for the answer of a meter whose HDLC link is up, and polling it meanwhile.
    Polling,
    /// Releasing the HDLC link: DISC sent, UA awaited.
    Releasing,
}

impl Display for Phase {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Resolving => "looking up the host",
            Self::Opening => "opening the line",
            Self::SigningOn => "signing on (mode E)",
            Self::LinkSetUp => "setting up the HDLC link",
            Self::Sending => "sending",
            Self::Receiving => "waiting for the answer",
            Self::Polling => "polling the meter for its answer",
            Self::Releasing => "releasing the HDLC link",
        })
    }
}

/// The first octets a peer sent, as many as were seen of eight.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Opening {
    octets: [u8; 8],
    length: u8,
}

impl Opening {
    /// Takes the first octets of `octets`.
    pub(crate) fn new(octets: &[u8]) -> Self {
        let mut opening = Self::default();
        opening.extend(octets);
        opening
    }

    /// Goes on with what came next, until eight are seen.
    pub(crate) fn extend(&mut self, octets: &[u8]) {
        let seen = usize::from(self.length);
        for (place, octet) in self.octets.iter_mut().skip(seen).zip(octets) {
            *place = *octet;
            self.length += 1;
        }
    }

    /// The octets seen.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        self.octets.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// A guess at what speaks this way.
    fn speaks(&self) -> Peer {
        match self.octets() {
            [] => Peer::Nothing,
            [0x7E, ..] => Peer::Hdlc,
            [0x00, 0x01, ..] => Peer::Wrapper,
            [0x15, 0x03, ..] => Peer::Tls,
            octets if octets.iter().all(|octet| matches!(octet, 0x20..=0x7E | b'\r' | b'\n')) => {
                Peer::Text
            }
            _ => Peer::Unknown,
        }
    }
}

enum Peer {
    Nothing,
    Hdlc,
    Wrapper,
    Tls,
    Text,
    Unknown,
}

impl Display for Opening {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (place, octet) in self.octets().iter().enumerate() {
            let space = if place == 0 { "" } else { " " };
            write!(f, "{space}{octet:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "Opening({self})")
    }
}

/// Why a line failed. The text says who is at fault and what to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LineError {
    /// Nobody is there, or the port cannot be opened.
    #[error("{phase} failed: {kind}. {}", unreachable_advice(*.phase, *.kind))]
    Unreachable {
        /// What the operating system said.
        kind: io::ErrorKind,
        /// [`Phase::Resolving`] or [`Phase::Opening`].
        phase: Phase,
    },
    /// Nothing came, or nothing could be sent, within the time allowed.
    #[error("nothing came in time while {phase}. {}", timeout_advice(*.phase))]
    Timeout {
        /// What was waited for.
        phase: Phase,
    },
    /// The peer closed the connection, or the serial port went away.
    #[error(
        "the peer closed the line {} while {phase}. {}",
        whereabouts(*.mid_frame), closed_advice(*.phase)
    )]
    Closed {
        /// What was going on.
        phase: Phase,
        /// Whether a frame had begun and was not finished.
        mid_frame: bool,
    },
    /// The operating system reported that the line broke.
    #[error(
        "the line broke while {phase}: {kind}. Look at the cable or the network, then reconnect"
    )]
    Broken {
        /// What was going on.
        phase: Phase,
        /// What the operating system said.
        kind: io::ErrorKind,
    },
    /// The meter answered SNRM with DM: it hears us and does not want this link.
    #[error(
        "the meter refuses the HDLC link (DM): it does not know this client SAP, \
         is busy with another client, or does not like the proposed frame size. \
         Try client 16 (public), or wait for its inactivity time to pass"
    )]
    LinkRefused,
    /// The meter answered with DM, or disconnected, in the middle of a conversation.
    #[error("the meter has dropped the HDLC link, mostly after its inactivity time. Reconnect")]
    LinkLost,
    /// FRMR: the meter could not make sense of a frame with right check sequences.
    #[error(
        "the meter rejects a frame of ours (FRMR{}): one end does not follow IEC 62056-46. \
         Reconnect; if it comes again, try the smallest frames (128 octets, window 1)",
        rejected_control(*.control)
    )]
    FrameReject {
        /// Control octet of the rejected frame, if the meter says.
        control: Option<u8>,
    },
    /// The meter acknowledged what was never sent, or accepted the link with nonsense.
    #[error("the meter breaks the rules of HDLC: {failure}. Reconnect, and tell its maker")]
    Violation {
        /// Which rule.
        failure: Failure,
    },
    /// The meter's link layer answers every poll and yet nothing moves.
    #[error(
        "the meter's HDLC layer answers and its application does not, or an answer \
         was lost and the meter does not send it again. Reconnect and ask again"
    )]
    NoProgress,
    /// What answers on a wrapper line does not speak the wrapper.
    #[error(
        "the peer does not speak the wrapper: it begins with {opening}. {}",
        not_wrapper_advice(.opening)
    )]
    NotWrapper {
        /// Its first octets.
        opening: Opening,
    },
    /// What answers on an HDLC line does not speak HDLC.
    #[error(
        "the peer sent octets and no HDLC frame: it begins with {opening}. {}",
        not_hdlc_advice(.opening)
    )]
    NotHdlc {
        /// Its first octets.
        opening: Opening,
    },
    /// The identification of a mode E sign-on offers no rate we know.
    #[error(
        "the meter identifies itself with rate {:?}, which mode E does not have: \
         it wants mode A, B or D. Try without mode-e", char::from(*.character)
    )]
    NotModeE {
        /// The character Z of `/XXXZ`.
        character: u8,
    },
    /// An APDU is longer than this line takes or its framing can carry.
    #[error(
        "an APDU is longer than {limit} octets. Agree on a smaller PDU size, or raise the limit"
    )]
    TooLong {
        /// The limit that was passed.
        limit: usize,
    },
    /// The addresses asked for do not fit the framing.
    #[error(
        "client and server SAP do not fit the address: an HDLC client has 1 to 126, an HDLC \
         server of one octet 1 to 126 and no lower address, one of two octets both up to 127, \
         one of four both up to 16383"
    )]
    BadSap,
    /// The frame size or window asked for does not exist.
    #[error("HDLC information fields have 1 to 2030 octets and windows 1 to 7 frames")]
    BadParameters,
    /// The line was used in an order that makes no sense, such as sending before connecting.
    #[error("the line is not connected: connect it before sending, and again after an error")]
    NotConnected,
}

/// Input/output error: what a pseudo terminal whose other end went away reports.
#[cfg(unix)]
const EIO: i32 = 5;

impl LineError {
    /// What the system reported while the line was in use. A connection that is reset is closed,
    /// only less politely.
    pub(crate) fn broken(phase: Phase, error: &io::Error) -> Self {
        #[cfg(unix)]
        if error.raw_os_error() == Some(EIO) {
            return Self::Closed { phase, mid_frame: false };
        }
        match error.kind() {
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof => Self::Closed { phase, mid_frame: false },
            kind => Self::Broken { phase, kind },
        }
    }
}

fn rejected_control(control: Option<u8>) -> String {
    control.map(|control| format!(" over control octet {control:02X}")).unwrap_or_default()
}

const fn whereabouts(mid_frame: bool) -> &'static str {
    if mid_frame { "in the middle of a frame" } else { "between two frames" }
}

fn unreachable_advice(phase: Phase, kind: io::ErrorKind) -> &'static str {
    match (phase, kind) {
        (Phase::Resolving, _) => "Check the host name",
        (_, io::ErrorKind::ConnectionRefused) => {
            "The host is there and nothing listens on this port: check the port"
        }
        (_, io::ErrorKind::NotFound) => "There is no such serial port: check the path",
        (_, io::ErrorKind::PermissionDenied) => {
            "Join the group that owns the serial port (dialout on many systems)"
        }
        (_, io::ErrorKind::TimedOut) => {
            "The host does not answer: it is off, out of coverage or behind a firewall"
        }
        _ => "Check the address, and that nobody else uses the line",
    }
}

const fn timeout_advice(phase: Phase) -> &'static str {
    match phase {
        Phase::Resolving => "Check the name server",
        Phase::Opening => "The host is off, out of coverage or behind a firewall",
        Phase::SigningOn => "Check cable and optical head, or try without mode-e",
        Phase::LinkSetUp => {
            "No station has this HDLC address (check server SAP, physical address and address \
             length), the baud rate is wrong, or the peer speaks the wrapper: try wrapper://"
        }
        Phase::Sending => "The peer takes nothing in: its network or the gateway is stuck",
        Phase::Receiving => {
            "Unknown SAPs are ignored in silence: check client and server SAP. If nothing ever \
             comes, the peer may speak HDLC: try hdlc://"
        }
        Phase::Polling => {
            "The meter fell silent in the middle of a conversation: look at the cable or the \
             network, then reconnect"
        }
        Phase::Releasing => "The meter is gone; its inactivity time will free the link",
    }
}

const fn closed_advice(phase: Phase) -> &'static str {
    match phase {
        Phase::LinkSetUp => {
            "It may be busy with another client, or speak the wrapper: try wrapper://"
        }
        _ => "It may be busy with another client, or have timed out: reconnect",
    }
}

fn not_wrapper_advice(opening: &Opening) -> &'static str {
    match opening.speaks() {
        Peer::Hdlc => "It answers with HDLC: try hdlc://",
        Peer::Tls => "It answers with a TLS alert: this port wants TLS",
        Peer::Text => "It answers with text: this is another service, check the port",
        _ => "Check the port; wrapper version 1 begins with 00 01",
    }
}

fn not_hdlc_advice(opening: &Opening) -> &'static str {
    match opening.speaks() {
        Peer::Wrapper => "It answers with the wrapper: try wrapper://",
        Peer::Tls => "It answers with a TLS alert: this port wants TLS",
        Peer::Text => "It answers with text: mode E (mode-e), or another service",
        _ => "Check baud rate, parity (8N1) and wiring; an HDLC frame begins with 7E A",
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{LineError, Opening, Phase};

    #[test]
    fn a_peer_of_the_other_framing_is_named() {
        let hdlc = LineError::NotWrapper { opening: Opening::new(&[0x7E, 0xA0, 0x1F, 0x21]) };
        assert_eq!(
            hdlc.to_string(),
            "the peer does not speak the wrapper: it begins with 7E A0 1F 21. \
             It answers with HDLC: try hdlc://"
        );
        let wrapper = LineError::NotHdlc { opening: Opening::new(&[0, 1, 0, 1, 0, 16, 0, 9, 97]) };
        assert_eq!(
            wrapper.to_string(),
            "the peer sent octets and no HDLC frame: it begins with 00 01 00 01 00 10 00 09. \
             It answers with the wrapper: try wrapper://"
        );
    }

    #[test]
    fn other_services_are_recognised_by_their_first_octets() {
        let text = |octets| LineError::NotWrapper { opening: Opening::new(octets) }.to_string();
        assert!(text(b"SSH-2.0-OpenSSH").ends_with("check the port"));
        assert!(text(&[0x15, 3, 3, 0, 2, 2, 70]).ends_with("this port wants TLS"));
    }

    #[test]
    fn an_opening_holds_the_first_eight_octets_however_they_come() {
        let mut opening = Opening::default();
        for octet in 0..10 {
            opening.extend(&[octet]);
        }
        assert_eq!(opening.octets(), [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn an_error_says_what_was_going_on_and_what_to_try() {
        for (error, said) in [
            (
                LineError::Unreachable {
                    kind: io::ErrorKind::ConnectionRefused,
                    phase: Phase::Opening,
                },
                "opening the line failed: connection refused. \
                 The host is there and nothing listens on this port: check the port",
            ),
            (
                LineError::Timeout { phase: Phase::SigningOn },
                "nothing came in time while signing on (mode E). \
                 Check cable and optical head, or try without mode-e",
            ),
            (
                LineError::Closed { phase: Phase::Receiving, mid_frame: true },
                "the peer closed the line in the middle of a frame while waiting for the answer. \
                 It may be busy with another client, or have timed out: reconnect",
            ),
            (
                LineError::NotModeE { character: b'A' },
                "the meter identifies itself with rate 'A', which mode E does not have: \
                 it wants mode A, B or D. Try without mode-e",
            ),
        ] {
            assert_eq!(error.to_string(), said);
        }
    }
}
