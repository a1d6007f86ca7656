//! The control field: what a frame is for (IEC 62056-46 6.4.3).
//!
//! ```text
//!   I     rrrpsss0     SNRM  100p0011     DM    000f1111
//!   RR    rrrp0001     DISC  010p0011     FRMR  100f0111
//!   RNR   rrrp0101     UA    011f0011     UI    000p0011
//!   REJ   rrrp1001
//! ```
//!
//! REJ is not in the repertoire of IEC 62056-46, but meters in the field send it.

use core::fmt;

/// A sequence number modulo 8: N(S), N(R), V(S), V(R).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Sequence(u8);

impl Sequence {
    /// How many numbers there are.
    pub const COUNT: u8 = 8;

    /// The number both ends start from after SNRM and UA.
    pub const ZERO: Self = Self(0);

    /// `value` modulo 8.
    pub const fn new(value: u8) -> Self {
        Self(value & 7)
    }

    /// The number, 0 to 7.
    pub const fn value(self) -> u8 {
        self.0
    }

    /// The number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self::new(self.0.wrapping_add(1))
    }

    /// How many steps lead from `earlier` to this number, 0 to 7.
    pub const fn since(self, earlier: Self) -> u8 {
        self.0.wrapping_sub(earlier.0) & 7
    }
}

/// The control octet of a frame. `pf` is the poll bit of a command, the final bit of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Control {
    /// Information: one numbered segment of a PDU.
    I {
        /// N(S), the number of this frame.
        ns: Sequence,
        /// N(R), the number of the frame expected next.
        nr: Sequence,
        /// Poll or final.
        pf: bool,
    },
    /// Receive ready.
    Rr {
        /// N(R), the number of the frame expected next.
        nr: Sequence,
        /// Poll or final.
        pf: bool,
    },
    /// Receive not ready: the station is busy and takes no information for now.
    Rnr {
        /// N(R), the number of the frame expected next.
        nr: Sequence,
        /// Poll or final.
        pf: bool,
    },
    /// Reject: send again from N(R).
    Rej {
        /// N(R), the number of the frame expected next.
        nr: Sequence,
        /// Poll or final.
        pf: bool,
    },
    /// Set normal response mode: the client opens the link.
    Snrm {
        /// Poll.
        pf: bool,
    },
    /// Disconnect: the client closes the link.
    Disc {
        /// Poll.
        pf: bool,
    },
    /// Unnumbered acknowledge: the server accepts SNRM or DISC.
    Ua {
        /// Final.
        pf: bool,
    },
    /// Disconnected mode: the server has no link.
    Dm {
        /// Final.
        pf: bool,
    },
    /// Frame reject: the server met a frame that sending again cannot mend; see [`FrameReject`].
    Frmr {
        /// Final.
        pf: bool,
    },
    /// Unnumbered information: a segment outside the numbering, never acknowledged.
    Ui {
        /// Poll or final.
        pf: bool,
    },
    /// An octet that IEC 62056-46 gives no meaning. It is kept, because a server answers it with
    /// FRMR and has to quote it.
    Other(u8),
}

const PF: u8 = 0x10;

impl Control {
    /// Reads a control octet. Every octet means something, if only [`Control::Other`].
    pub const fn decode(octet: u8) -> Self {
        let pf = octet & PF != 0;
        let nr = Sequence::new(octet >> 5);
        if octet & 0x01 == 0 {
            return Self::I { ns: Sequence::new(octet >> 1), nr, pf };
        }
        match octet & 0x0f {
            0x01 => return Self::Rr { nr, pf },
            0x05 => return Self::Rnr { nr, pf },
            0x09 => return Self::Rej { nr, pf },
            _ => {}
        }
        match octet & !PF {
            0x83 => Self::Snrm { pf },
            0x43 => Self::Disc { pf },
            0x63 => Self::Ua { pf },
            0x0f => Self::Dm { pf },
            0x87 => Self::Frmr { pf },
            0x03 => Self::Ui { pf },
            _ => Self::Other(octet),
        }
    }

    /// The octet as it travels.
    pub const fn encode(self) -> u8 {
        let (octet, pf) = match self {
            Self::I { ns, nr, pf } => ((nr.0 << 5) | (ns.0 << 1), pf),
            Self::Rr { nr, pf } => ((nr.0 << 5) | 0x01, pf),
            Self::Rnr { nr, pf } => ((nr.0 << 5) | 0x05, pf),
            Self::Rej { nr, pf } => ((nr.0 << 5) | 0x09, pf),
            Self::Snrm { pf } => (0x83, pf),
            Self::Disc { pf } => (0x43, pf),
            Self::Ua { pf } => (0x63, pf),
            Self::Dm { pf } => (0x0f, pf),
            Self::Frmr { pf } => (0x87, pf),
            Self::Ui { pf } => (0x03, pf),
            Self::Other(octet) => (octet, false),
        };
        if pf { octet | PF } else { octet }
    }

    /// Whether the poll bit (of a command) or the final bit (of a response) is set.
    pub const fn pf(self) -> bool {
        self.encode() & PF != 0
    }
}

/// As it is written: `I N(S)=0 N(R)=1 P/F`, `RR N(R)=1`, `UA P/F`, `control F3`.
impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::I { ns, nr, .. } => write!(f, "I N(S)={} N(R)={}", ns.value(), nr.value())?,
            Self::Rr { nr, .. } => write!(f, "RR N(R)={}", nr.value())?,
            Self::Rnr { nr, .. } => write!(f, "RNR N(R)={}", nr.value())?,
            Self::Rej { nr, .. } => write!(f, "REJ N(R)={}", nr.value())?,
            Self::Snrm { .. } => f.write_str("SNRM")?,
            Self::Disc { .. } => f.write_str("DISC")?,
            Self::Ua { .. } => f.write_str("UA")?,
            Self::Dm { .. } => f.write_str("DM")?,
            Self::Frmr { .. } => f.write_str("FRMR")?,
            Self::Ui { .. } => f.write_str("UI")?,
            Self::Other(octet) => return write!(f, "control {octet:02X}"),
        }
        match self.pf() {
            true => f.write_str(" P/F"),
            false => Ok(()),
        }
    }
}

/// The information field of FRMR: which frame was rejected, and why (ISO/IEC 13239).
///
/// ```text
///   octet 1   the control octet of the rejected frame
///   octet 2   rrrcsss0    V(R), C/R, V(S) of the station that rejects
///   octet 3   0000zyxw    reasons
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameReject {
    /// The control octet of the rejected frame.
    pub control: Control,
    /// V(S) of the rejecting station: the number it would send next.
    pub vs: Sequence,
    /// V(R) of the rejecting station: the number it expects next.
    pub vr: Sequence,
    /// C/R: the rejected frame was a response, not a command.
    pub was_response: bool,
    /// w: the control octet is undefined or not implemented.
    pub undefined_control: bool,
    /// x: an information field stands where none may (w is then set as well).
    pub unexpected_information: bool,
    /// y: the information field is longer than agreed.
    pub information_too_long: bool,
    /// z: N(R) acknowledges what was never sent.
    pub invalid_nr: bool,
}

impl FrameReject {
    /// Octets of the information field.
    pub const LEN: usize = 3;

    /// Reads the information field of FRMR; none when it is shorter than three octets.
    pub fn decode(information: &[u8]) -> Option<Self> {
        let (&[control, state, reasons], _) = information.split_first_chunk()?;
        Some(Self {
            control: Control::decode(control),
            vs: Sequence::new(state >> 1),
            vr: Sequence::new(state >> 5),
            was_response: state & 0x10 != 0,
            undefined_control: reasons & 0x01 != 0,
            unexpected_information: reasons & 0x02 != 0,
            information_too_long: reasons & 0x04 != 0,
            invalid_nr: reasons & 0x08 != 0,
        })
    }

    /// The information field as it travels.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let state = (self.vr.0 << 5) | (u8::from(self.was_response) << 4) | (self.vs.0 << 1);
        let reasons = u8::from(self.undefined_control)
            | (u8::from(self.unexpected_information) << 1)
            | (u8::from(self.information_too_long) << 2)
            | (u8::from(self.invalid_nr) << 3);
        [self.control.encode(), state, reasons]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_field_is_written_as_the_standard_names_it() {
        for (octet, text) in [
            (0x10, "I N(S)=0 N(R)=0 P/F"),
            (0x54, "I N(S)=2 N(R)=2 P/F"),
            (0x31, "RR N(R)=1 P/F"),
            (0x25, "RNR N(R)=1"),
            (0x93, "SNRM P/F"),
            (0x1f, "DM P/F"),
            (0x03, "UI"),
            (0xf3, "control F3"),
        ] {
            assert_eq!(Control::decode(octet).to_string(), text);
        }
    }

    #[test]
    fn every_control_octet_survives_decoding() {
        for octet in 0..=0xff {
            assert_eq!(Control::decode(octet).encode(), octet, "{octet:02x}");
        }
    }

    #[test]
    fn the_octets_of_the_table_have_their_names() {
        let number = Sequence::new;
        for (octet, control) in [
            (0x10, Control::I { ns: number(0), nr: number(0), pf: true }),
            (0x32, Control::I { ns: number(1), nr: number(1), pf: true }),
            (0xee, Control::I { ns: number(7), nr: number(7), pf: false }),
            (0x31, Control::Rr { nr: number(1), pf: true }),
            (0x35, Control::Rnr { nr: number(1), pf: true }),
            (0x39, Control::Rej { nr: number(1), pf: true }),
            (0x93, Control::Snrm { pf: true }),
            (0x53, Control::Disc { pf: true }),
            (0x73, Control::Ua { pf: true }),
            (0x1f, Control::Dm { pf: true }),
            (0x0f, Control::Dm { pf: false }),
            (0x97, Control::Frmr { pf: true }),
            (0x03, Control::Ui { pf: false }),
            (0x13, Control::Ui { pf: true }),
            (0x0d, Control::Other(0x0d)), // SREJ
            (0xaf, Control::Other(0xaf)), // XID
        ] {
            assert_eq!(Control::decode(octet), control, "{octet:02x}");
        }
    }

    #[test]
    fn sequence_numbers_run_modulo_eight() {
        assert_eq!(Sequence::new(7).next(), Sequence::ZERO);
        assert_eq!(Sequence::new(1).since(Sequence::new(6)), 3);
        assert_eq!(Sequence::new(6).since(Sequence::new(1)), 5);
    }

    #[test]
    fn frmr_says_which_frame_and_why() {
        let reject = FrameReject {
            control: Control::decode(0x7e),
            vs: Sequence::new(2),
            vr: Sequence::new(5),
            was_response: false,
            undefined_control: false,
            unexpected_information: false,
            information_too_long: true,
            invalid_nr: true,
        };
        assert_eq!(reject.encode(), [0x7e, 0xa4, 0x0c]);
        assert_eq!(FrameReject::decode(&[0x7e, 0xa4, 0x0c]), Some(reject));
        assert_eq!(FrameReject::decode(&[0x7e, 0xa4]), None);
    }
}
