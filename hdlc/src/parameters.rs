//! What SNRM and UA agree on: field lengths and window sizes (IEC 62056-46 6.4.4).
//!
//! ```text
//!   81          format identifier
//!   80  LL      group identifier, group length
//!   05  ll vv   maximum information field length, transmit
//!   06  ll vv   maximum information field length, receive
//!   07  ll vv   window size, transmit
//!   08  ll vv   window size, receive
//! ```
//!
//! "Transmit" and "receive" are said from the sender's side, so what one end may transmit is the
//! smaller of its own transmit value and the other's receive value. A value that is not sent has
//! its default: 128 octets, window 1. What follows the group is user data, and is passed over.

use thiserror::Error;

/// Largest information field both ends agree to send or take, in octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InformationLength(u16);

impl InformationLength {
    /// 128 octets: what holds when nothing is said.
    pub const DEFAULT: Self = Self(128);
    /// 2030 octets: what still fits a frame whose length has eleven bits.
    pub const MAX: Self = Self(2030);

    /// From 1 to 2030 octets.
    pub const fn try_new(octets: u16) -> Result<Self, ParametersError> {
        if octets == 0 || octets > Self::MAX.0 {
            return Err(ParametersError::Range);
        }
        Ok(Self(octets))
    }

    /// The length in octets.
    pub const fn octets(self) -> u16 {
        self.0
    }
}

/// How many I-frames may be under way unacknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowSize(u8);

impl WindowSize {
    /// One frame: what holds when nothing is said.
    pub const DEFAULT: Self = Self(1);
    /// Seven frames: all that numbers modulo 8 can tell apart.
    pub const MAX: Self = Self(7);

    /// From 1 to 7 frames.
    pub const fn try_new(frames: u8) -> Result<Self, ParametersError> {
        if frames == 0 || frames > Self::MAX.0 {
            return Err(ParametersError::Range);
        }
        Ok(Self(frames))
    }

    /// The number of frames.
    pub const fn frames(self) -> u8 {
        self.0
    }
}

/// The parameters of a link, from the side of the station that holds or sends them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Parameters {
    /// Largest information field this station sends.
    pub information_transmit: InformationLength,
    /// Largest information field this station takes.
    pub information_receive: InformationLength,
    /// I-frames this station sends before it waits for an acknowledgement.
    pub window_transmit: WindowSize,
    /// I-frames this station takes before it acknowledges.
    pub window_receive: WindowSize,
}

/// Why an information field is not a list of parameters, or a number not a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ParametersError {
    /// The field does not open with 81 80, or ends inside a parameter. The offset is that of the
    /// octet that should have been another, or been there.
    #[error("malformed HDLC parameters at octet {offset}")]
    Malformed {
        /// Offset in the information field.
        offset: usize,
    },
    /// A parameter that IEC 62056-46 does not define; a server refuses it with DM.
    #[error("unknown HDLC parameter {identifier:#04x} at octet {offset}")]
    Unknown {
        /// Its identifier.
        identifier: u8,
        /// Offset in the information field.
        offset: usize,
    },
    /// A field length outside 1 to 2030 or a window size outside 1 to 7.
    #[error("HDLC parameter out of range")]
    Range,
}

const FORMAT_IDENTIFIER: u8 = 0x81;
const GROUP_IDENTIFIER: u8 = 0x80;
const INFORMATION_TRANSMIT: u8 = 0x05;
const INFORMATION_RECEIVE: u8 = 0x06;
const WINDOW_TRANSMIT: u8 = 0x07;
const WINDOW_RECEIVE: u8 = 0x08;

/// What to do about a parameter without a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnUnknown {
    /// Refuse the whole field, as a server does.
    Refuse,
    /// Pass over it, as a client does: it asked for nothing the answer could not hold.
    Ignore,
}

impl Parameters {
    /// 128 octets and window 1 in both directions.
    pub const DEFAULT: Self = Self::symmetric(InformationLength::DEFAULT, WindowSize::DEFAULT);
    /// 2030 octets and window 7 in both directions.
    pub const MAX: Self = Self::symmetric(InformationLength::MAX, WindowSize::MAX);
    /// Octets of the longest information field that [`Parameters::encode`] writes.
    pub const ENCODED_LEN_MAX: usize = 23;

    /// The same in both directions.
    pub const fn symmetric(information: InformationLength, window: WindowSize) -> Self {
        Self {
            information_transmit: information,
            information_receive: information,
            window_transmit: window,
            window_receive: window,
        }
    }

    /// What holds between a station that has these parameters and a peer that sent `peer`.
    #[must_use]
    pub fn negotiate(self, peer: Self) -> Self {
        Self {
            information_transmit: self.information_transmit.min(peer.information_receive),
            information_receive: self.information_receive.min(peer.information_transmit),
            window_transmit: self.window_transmit.min(peer.window_receive),
            window_receive: self.window_receive.min(peer.window_transmit),
        }
    }

    /// Reads the information field of SNRM or UA; an empty one means the defaults.
    ///
    /// Values come in any length from one to four octets; those above what a link can use are
    /// brought down to it, as negotiation would do. Zero is out of range.
    pub fn decode(information: &[u8], on_unknown: OnUnknown) -> Result<Self, ParametersError> {
        let mut parameters = Self::DEFAULT;
        let mut field = match *information {
            [] => return Ok(parameters),
            [FORMAT_IDENTIFIER, GROUP_IDENTIFIER, length, ref rest @ ..] => {
                rest.get(..usize::from(length))
            }
            [FORMAT_IDENTIFIER, GROUP_IDENTIFIER] => None,
            // A format identifier, and at once the user data.
            [FORMAT_IDENTIFIER, ..] => return Ok(parameters),
            _ => return Err(ParametersError::Malformed { offset: 0 }),
        }
        .ok_or(ParametersError::Malformed { offset: information.len() })?;

        let group_len = field.len();
        while let [identifier, ref rest @ ..] = *field {
            let offset = group_len.saturating_sub(field.len()).saturating_add(3);
            let end = ParametersError::Malformed { offset: group_len.saturating_add(3) };
            let (&length, rest) = rest.split_first().ok_or(end)?;
            let (value, rest) = rest.split_at_checked(usize::from(length)).ok_or(end)?;
            parameters.set(identifier, value, offset, on_unknown)?;
            field = rest;
        }
        Ok(parameters)
    }

    /// Writes the information field of SNRM or UA into `out` and returns the part written.
    ///
    /// Field lengths take one octet up to 255 and two above, window sizes four, as in the example
    /// of the standard.
    pub fn encode(self, out: &mut [u8; Self::ENCODED_LEN_MAX]) -> &[u8] {
        let [th, tl] = self.information_transmit.0.to_be_bytes();
        let [rh, rl] = self.information_receive.0.to_be_bytes();
        let (wt, wr) = (self.window_transmit.0, self.window_receive.0);
        let octets: &[u8] = if th == 0 && rh == 0 {
            &[0x81, 0x80, 18, 5, 1, tl, 6, 1, rl, 7, 4, 0, 0, 0, wt, 8, 4, 0, 0, 0, wr]
        } else {
            &[0x81, 0x80, 20, 5, 2, th, tl, 6, 2, rh, rl, 7, 4, 0, 0, 0, wt, 8, 4, 0, 0, 0, wr]
        };
        match out.get_mut(..octets.len()) {
            Some(written) => {
                written.copy_from_slice(octets);
                written
            }
            None => &[],
        }
    }

    /// Takes over one parameter. A value of no octets leaves the default.
    fn set(
        &mut self,
        identifier: u8,
        value: &[u8],
        offset: usize,
        on_unknown: OnUnknown,
    ) -> Result<(), ParametersError> {
        let number = match *value {
            [] => None,
            [a] => Some(u32::from(a)),
            [a, b] => Some(u32::from_be_bytes([0, 0, a, b])),
            [a, b, c] => Some(u32::from_be_bytes([0, a, b, c])),
            [a, b, c, d] => Some(u32::from_be_bytes([a, b, c, d])),
            _ => return Err(ParametersError::Malformed { offset }),
        };
        let information = || match number {
            None => Ok(InformationLength::DEFAULT),
            Some(number) => InformationLength::try_new(
                u16::try_from(number).unwrap_or(u16::MAX).min(InformationLength::MAX.0),
            ),
        };
        let window = || match number {
            None => Ok(WindowSize::DEFAULT),
            Some(number) => {
                WindowSize::try_new(u8::try_from(number).unwrap_or(u8::MAX).min(WindowSize::MAX.0))
            }
        };
        match identifier {
            INFORMATION_TRANSMIT => self.information_transmit = information()?,
            INFORMATION_RECEIVE => self.information_receive = information()?,
            WINDOW_TRANSMIT => self.window_transmit = window()?,
            WINDOW_RECEIVE => self.window_receive = window()?,
            _ if on_unknown == OnUnknown::Ignore => {}
            _ => return Err(ParametersError::Unknown { identifier, offset }),
        }
        Ok(())
    }
}

impl Default for Parameters {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The default field of IEC 62056-46, values spelled out.
    const DEFAULTS: [u8; 21] = [
        0x81, 0x80, 0x12, 0x05, 0x01, 0x80, 0x06, 0x01, 0x80, 0x07, 0x04, 0x00, 0x00, 0x00, 0x01,
        0x08, 0x04, 0x00, 0x00, 0x00, 0x01,
    ];

    fn parameters(it: u16, ir: u16, wt: u8, wr: u8) -> Parameters {
        Parameters {
            information_transmit: InformationLength::try_new(it).unwrap(),
            information_receive: InformationLength::try_new(ir).unwrap(),
            window_transmit: WindowSize::try_new(wt).unwrap(),
            window_receive: WindowSize::try_new(wr).unwrap(),
        }
    }

    fn decode(information: &[u8]) -> Result<Parameters, ParametersError> {
        Parameters::decode(information, OnUnknown::Refuse)
    }

    #[test]
    fn nothing_said_means_the_defaults() {
        assert_eq!(decode(&[]), Ok(Parameters::DEFAULT));
        assert_eq!(decode(&[0x81, 0x80, 0x00]), Ok(Parameters::DEFAULT));
        assert_eq!(decode(&[0x81, 0x80, 0x03, 0x07, 0x01, 0x03]), Ok(parameters(128, 128, 3, 1)));
        assert_eq!(decode(&[0x81, 0x80, 0x02, 0x05, 0x00]), Ok(Parameters::DEFAULT));
    }

    #[test]
    fn the_defaults_are_written_as_in_the_standard() {
        let mut out = [0; Parameters::ENCODED_LEN_MAX];
        assert_eq!(Parameters::DEFAULT.encode(&mut out), DEFAULTS);
        assert_eq!(decode(&DEFAULTS), Ok(Parameters::DEFAULT));
    }

    #[test]
    fn long_fields_take_two_octets_and_the_group_is_20() {
        let mut out = [0; Parameters::ENCODED_LEN_MAX];
        let field = Parameters::MAX.encode(&mut out);
        assert_eq!(
            field,
            [
                0x81, 0x80, 0x14, 0x05, 0x02, 0x07, 0xee, 0x06, 0x02, 0x07, 0xee, 0x07, 0x04, 0x00,
                0x00, 0x00, 0x07, 0x08, 0x04, 0x00, 0x00, 0x00, 0x07
            ]
        );
        assert_eq!(decode(field), Ok(Parameters::MAX));
    }

    #[test]
    fn every_length_of_value_is_read_and_too_much_is_brought_down() {
        let field = [
            0x81, 0x80, 0x12, 0x05, 0x04, 0x00, 0x00, 0x02, 0x00, 0x06, 0x03, 0x01, 0x00, 0x00,
            0x07, 0x01, 0x09, 0x08, 0x02, 0x00, 0x02,
        ];
        assert_eq!(decode(&field), Ok(parameters(512, 2030, 7, 2)));
    }

    #[test]
    fn user_data_after_the_group_is_passed_over() {
        let mut field = [0; 24];
        field[..21].copy_from_slice(&DEFAULTS);
        field[21..].copy_from_slice(&[0xf0, 0x01, 0x02]);
        assert_eq!(decode(&field), Ok(Parameters::DEFAULT));
        assert_eq!(decode(&[0x81, 0xf0, 0x01, 0x02]), Ok(Parameters::DEFAULT));
    }

    #[test]
    fn an_unknown_parameter_is_refused_by_a_server_and_ignored_by_a_client() {
        let field = [0x81, 0x80, 0x06, 0x09, 0x01, 0x05, 0x08, 0x01, 0x02];
        assert_eq!(decode(&field), Err(ParametersError::Unknown { identifier: 9, offset: 3 }));
        assert_eq!(Parameters::decode(&field, OnUnknown::Ignore), Ok(parameters(128, 128, 1, 2)));
    }

    #[test]
    fn zero_is_no_length_and_no_window() {
        assert_eq!(decode(&[0x81, 0x80, 0x03, 0x05, 0x01, 0x00]), Err(ParametersError::Range));
        assert_eq!(decode(&[0x81, 0x80, 0x03, 0x08, 0x01, 0x00]), Err(ParametersError::Range));
    }

    #[test]
    fn a_field_cut_short_anywhere_is_malformed() {
        for end in 1..DEFAULTS.len() {
            assert!(
                end == 1
                    || matches!(decode(&DEFAULTS[..end]), Err(ParametersError::Malformed { .. })),
                "{end}"
            );
        }
        // A group length that ends inside a parameter.
        let mut field = DEFAULTS;
        field[2] = 0x11;
        assert_eq!(decode(&field), Err(ParametersError::Malformed { offset: 20 }));
    }

    #[test]
    fn each_direction_is_the_smaller_of_what_one_sends_and_the_other_takes() {
        let client = parameters(512, 1024, 3, 7);
        let server = parameters(600, 256, 4, 1);
        let agreed = server.negotiate(client);
        assert_eq!(agreed, parameters(600, 256, 4, 1));
        assert_eq!(client.negotiate(agreed), parameters(256, 600, 1, 4));
    }
}
