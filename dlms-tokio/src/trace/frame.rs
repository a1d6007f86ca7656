//! HDLC frames as the trace shows them.

use core::fmt::{self, Display, Formatter};

use hdlc::{address::Address, frame::Frame};

/// Shows `16 > 1/17 I N(S)=0 N(R)=1 P/F, 34 octets, more follows`.
pub(crate) struct ShownFrame<'a>(pub(crate) &'a Frame<'a>);

impl Display for ShownFrame<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(frame) = self;
        let (source, destination) = (ShownAddress(frame.source), ShownAddress(frame.destination));
        write!(f, "{source} > {destination} {}", frame.control)?;
        match frame.information.len() {
            0 => {}
            octets => write!(f, ", {octets} octets")?,
        }
        match frame.segmented {
            true => f.write_str(", more follows"),
            false => Ok(()),
        }
    }
}

struct ShownAddress(Address);

impl Display for ShownAddress {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.lower() {
            Some(lower) => write!(f, "{}/{lower}", self.0.upper()),
            None => write!(f, "{}", self.0.upper()),
        }
    }
}

#[cfg(test)]
mod tests {
    use hdlc::{
        address::Address,
        control::{Control, Sequence},
        frame::Frame,
    };

    use super::ShownFrame;

    #[test]
    fn a_frame_is_one_line() {
        let frame = Frame {
            destination: Address::try_two(1, 17).unwrap(),
            source: Address::PUBLIC_CLIENT,
            control: Control::I { ns: Sequence::new(0), nr: Sequence::new(1), pf: true },
            segmented: true,
            information: &[0; 34],
        };
        assert_eq!(
            ShownFrame(&frame).to_string(),
            "16 > 1/17 I N(S)=0 N(R)=1 P/F, 34 octets, more follows"
        );
        let frame = Frame {
            destination: Address::PUBLIC_CLIENT,
            source: Address::MANAGEMENT,
            control: Control::Ua { pf: true },
            segmented: false,
            information: &[],
        };
        assert_eq!(ShownFrame(&frame).to_string(), "1 > 16 UA P/F");
    }
}
