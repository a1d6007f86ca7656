//! The meter's end of the mode E opening (IEC 62056-21); the client's end shows the exchange.
//!
//! It listens beside HDLC and never stands in its way: a meter that is spoken to in HDLC at once
//! answers in HDLC at once.

use crate::line::mode_e::{ACKNOWLEDGE, acknowledgement, character_of, with_even_parity};

/// Longest message that is waited for: a sign-on with a device address of 32 octets (§6.3.1).
const MESSAGE_MAX: usize = 40;

/// How a meter presents itself in mode E.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identification {
    /// Three letters of the manufacturer, as the FLAG association gives them out.
    pub manufacturer: [u8; 3],
    /// Fastest rate: 300, 600, 1200, 2400, 4800, 9600 or 19200; any other counts as 300.
    pub baud: u32,
    /// What follows, at most 16 printable characters.
    pub product: String,
}

impl Identification {
    /// `/XXXZ\2product` CR LF; `\2` says that the meter can do HDLC.
    fn encode(&self) -> Vec<u8> {
        let mut message = vec![b'/'];
        message.extend(self.manufacturer);
        message.push(character_of(self.baud).unwrap_or(b'0'));
        message.extend(b"\\2");
        message.extend(self.product.bytes().filter(u8::is_ascii_graphic).take(16));
        message.extend(b"\r\n");
        message
    }
}

/// Answers sign-ons.
#[derive(Debug)]
pub(super) struct Responder {
    identification: Identification,
    /// The message being received, without parity.
    message: Vec<u8>,
}

impl Responder {
    pub(super) const fn new(identification: Identification) -> Self {
        Self { identification, message: Vec::new() }
    }

    /// Takes octets from the line and returns what to answer, nothing mostly.
    pub(super) fn handle_octets(&mut self, octets: &[u8]) -> Vec<u8> {
        let mut answers = Vec::new();
        for octet in octets.iter().map(|octet| octet & 0x7F) {
            if matches!(octet, b'/' | ACKNOWLEDGE) {
                self.message.clear();
            }
            self.message.push(octet);
            if self.message.len() > MESSAGE_MAX {
                self.message.clear();
            }
            if self.message.ends_with(b"\r\n") {
                answers.extend(self.answer().into_iter().map(with_even_parity));
                self.message.clear();
            }
        }
        answers
    }

    fn answer(&self) -> Vec<u8> {
        match self.message.as_slice() {
            [b'/', b'?', _address @ .., b'!', b'\r', b'\n'] => self.identification.encode(),
            // The meter repeats an acknowledgement that it agrees to, still at the opening rate.
            [ACKNOWLEDGE, b'2', character @ b'0'..=b'6', b'2', b'\r', b'\n'] => {
                acknowledgement(*character).to_vec()
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Identification, Responder};

    fn responder() -> Responder {
        Responder::new(Identification {
            manufacturer: *b"DHE",
            baud: 9_600,
            product: "METER".to_owned(),
        })
    }

    fn without_parity(octets: &[u8]) -> Vec<u8> {
        octets.iter().map(|octet| octet & 0x7F).collect()
    }

    #[test]
    fn a_sign_on_is_answered_with_the_identification_and_an_acknowledgement_with_itself() {
        let mut responder = responder();
        // "/?!\r\n" in 7E1 over 8N1.
        let identification = responder.handle_octets(&[0xAF, 0x3F, 0x21, 0x8D, 0x0A]);
        assert_eq!(without_parity(&identification), b"/DHE5\\2METER\r\n");
        assert!(identification.iter().all(|octet| octet.count_ones().is_multiple_of(2)));
        let acknowledgement = [0x06, 0xB2, 0x35, 0xB2, 0x8D, 0x0A];
        assert_eq!(responder.handle_octets(&acknowledgement), acknowledgement);
    }

    #[test]
    fn a_sign_on_with_a_device_address_and_noise_before_it_is_answered() {
        let identification = responder().handle_octets(b"\x00\xFF\r\n~~/?12345678!\r\n");
        assert_eq!(without_parity(&identification), b"/DHE5\\2METER\r\n");
    }

    #[test]
    fn hdlc_and_noise_are_not_answered() {
        // SNRM from 16 to 1, then a line that is no message.
        let snrm = [0x7E, 0xA0, 0x07, 0x03, 0x21, 0x93, 0x0F, 0x01, 0x7E];
        let mut responder = responder();
        assert_eq!(responder.handle_octets(&snrm), []);
        assert_eq!(responder.handle_octets(b"hello\r\n"), []);
        assert_eq!(responder.handle_octets(&[b'/'; 1_000]), []);
    }

    #[test]
    fn an_acknowledgement_of_another_mode_is_not_agreed_to() {
        // Mode C readout: ACK 0 5 0.
        assert_eq!(responder().handle_octets(b"\x06050\r\n"), []);
    }
}
