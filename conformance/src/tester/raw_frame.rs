//! A frame as the tester writes it: right, unless a case makes it wrong.

use hdlc::{address::Address, control::Control, fcs::checksum, frame::FLAG};

/// Frame format type 3 (IEC 62056-46 6.4.1).
const FORMAT_TYPE_3: u8 = 0xa;
const SEGMENTED: u16 = 0x0800;
const LENGTH_MASK: u16 = 0x07ff;

/// The fields of a frame, each of which may hold what no link machine would write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawFrame {
    pub(crate) opening_flag: bool,
    pub(crate) closing_flag: bool,
    /// The four bits of the frame type.
    pub(crate) format: u8,
    pub(crate) segmented: bool,
    /// What the length subfield says more than there is.
    pub(crate) length_error: i16,
    pub(crate) destination: Vec<u8>,
    pub(crate) source: Vec<u8>,
    pub(crate) control: u8,
    pub(crate) information: Vec<u8>,
    /// Bits of the check sequences that are turned.
    pub(crate) hcs_error: u16,
    pub(crate) fcs_error: u16,
}

impl RawFrame {
    /// A right frame without information.
    pub(crate) fn new(destination: Address, source: Address, control: Control) -> Self {
        Self {
            opening_flag: true,
            closing_flag: true,
            format: FORMAT_TYPE_3,
            segmented: false,
            length_error: 0,
            destination: octets(destination),
            source: octets(source),
            control: control.encode(),
            information: Vec::new(),
            hcs_error: 0,
            fcs_error: 0,
        }
    }

    /// The same frame with this information field.
    pub(crate) fn with_information(self, information: &[u8]) -> Self {
        Self { information: information.to_vec(), ..self }
    }

    /// The octets on the line.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let header = 2 + self.destination.len() + self.source.len() + 1;
        let information = match self.information.len() {
            0 => 0,
            length => length + 2,
        };
        let length = (header + information + 2) as u16;
        let length = length.wrapping_add_signed(self.length_error) & LENGTH_MASK;
        let segmented = if self.segmented { SEGMENTED } else { 0 };
        let format = (u16::from(self.format) << 12) | segmented | length;
        let mut summed = format.to_be_bytes().to_vec();
        summed.extend(&self.destination);
        summed.extend(&self.source);
        summed.push(self.control);
        if !self.information.is_empty() {
            summed.extend((checksum(&summed) ^ self.hcs_error).to_le_bytes());
            summed.extend(&self.information);
        }
        summed.extend((checksum(&summed) ^ self.fcs_error).to_le_bytes());
        if self.opening_flag {
            summed.insert(0, FLAG);
        }
        if self.closing_flag {
            summed.push(FLAG);
        }
        summed
    }
}

/// The octets of an address as it travels.
pub(crate) fn octets(address: Address) -> Vec<u8> {
    address.encode()[..address.length().octets()].to_vec()
}

#[cfg(test)]
mod tests {
    use hdlc::frame::{Frame, FrameErrorKind};

    use super::*;

    fn snrm() -> RawFrame {
        let control = Control::Snrm { pf: true };
        RawFrame::new(Address::MANAGEMENT, Address::PUBLIC_CLIENT, control)
    }

    fn error(frame: &RawFrame) -> FrameErrorKind {
        let octets = frame.encode();
        Frame::decode(&octets[1..octets.len() - 1]).unwrap_err().kind
    }

    #[test]
    fn a_frame_is_right_unless_told_otherwise() {
        assert_eq!(snrm().encode(), [0x7e, 0xa0, 0x07, 0x03, 0x21, 0x93, 0x0f, 0x01, 0x7e]);
        let octets = snrm().with_information(&[0x81, 0x80, 0x00]).encode();
        let frame = Frame::decode(&octets[1..octets.len() - 1]).unwrap();
        assert_eq!(frame.information, [0x81, 0x80, 0x00]);
    }

    #[test]
    fn each_error_is_the_one_that_was_asked_for() {
        assert_eq!(error(&RawFrame { format: 0x9, ..snrm() }), FrameErrorKind::Format);
        assert_eq!(error(&RawFrame { length_error: 1, ..snrm() }), FrameErrorKind::Length);
        assert_eq!(error(&RawFrame { fcs_error: 1, ..snrm() }), FrameErrorKind::Fcs);
        let filled = snrm().with_information(&[0x81]);
        assert_eq!(error(&RawFrame { hcs_error: 1, ..filled }), FrameErrorKind::Hcs);
        let three = RawFrame { destination: vec![0x02, 0x02, 0x03], ..snrm() };
        assert_eq!(error(&three), FrameErrorKind::Address);
        let bare = RawFrame { opening_flag: false, closing_flag: false, ..snrm() };
        assert_eq!(bare.encode(), snrm().encode()[1..8]);
    }
}
