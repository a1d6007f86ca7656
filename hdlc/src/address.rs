//! HDLC addresses (IEC 62056-46 6.4.2).
//!
//! Each octet carries seven bits of address; its low bit is 1 in the last octet only.
//!
//! ```text
//!   1 octet   uuuuuuu1                               upper            client, or server
//!   2 octets  uuuuuuu0 lllllll1                      upper, lower     server
//!   4 octets  uuuuuuu0 uuuuuuu0 lllllll0 lllllll1    upper, lower     server
//! ```
//!
//! The upper address is the logical device, the lower one the physical device. A client address is
//! one octet; yet pushes from real meters mix lengths in either position, so decoding accepts every
//! legal length in both and an [`Address`] remembers its own.

use thiserror::Error;

/// How many octets an address takes on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressLength {
    /// Upper address only, seven bits.
    One,
    /// Upper and lower address, seven bits each.
    Two,
    /// Upper and lower address, fourteen bits each.
    Four,
}

impl AddressLength {
    /// The number itself: 1, 2 or 4.
    pub const fn octets(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
        }
    }
}

/// Why octets or numbers are not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AddressError {
    /// The address field takes three octets or more than four; neither form exists.
    #[error("an HDLC address has 1, 2 or 4 octets")]
    Length,
    /// A part does not fit the seven or fourteen bits of the form asked for.
    #[error("an HDLC address part does not fit its bits")]
    Range,
}

/// One station: the upper and perhaps the lower address, and the length they travel in.
///
/// Two addresses are equal when their octets are. [`Address::is_same_station`] compares what they
/// mean instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address {
    length: AddressLength,
    /// Within seven bits for `One` and `Two`, fourteen for `Four`.
    upper: u16,
    /// Zero for `One`; otherwise within the same bits as `upper`.
    lower: u16,
}

/// Whom a destination address names, as seen by one server: see [`Address::reach`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// This server alone.
    Own,
    /// The device that placed the call, whichever it is.
    Calling,
    /// This server among others: it must never answer.
    AllStation,
}

const SEVEN_BITS: u16 = 0x7f;
const FOURTEEN_BITS: u16 = 0x3fff;

impl Address {
    /// Upper or lower address of all stations, in seven bits.
    pub const ALL_STATION_7: u16 = 0x7f;
    /// Upper or lower address of all stations, in fourteen bits.
    pub const ALL_STATION_14: u16 = 0x3fff;
    /// Lower address of the physical device that placed the call, in seven bits.
    pub const CALLING_7: u16 = 0x7e;
    /// Lower address of the physical device that placed the call, in fourteen bits.
    pub const CALLING_14: u16 = 0x3ffe;

    /// No station, in one octet: nobody listens.
    pub const NO_STATION: Self = Self { length: AddressLength::One, upper: 0, lower: 0 };
    /// The client management process, or the management logical device of a server, in one octet.
    pub const MANAGEMENT: Self = Self { length: AddressLength::One, upper: 1, lower: 0 };
    /// The public client, in one octet.
    pub const PUBLIC_CLIENT: Self = Self { length: AddressLength::One, upper: 0x10, lower: 0 };
    /// All stations, in one octet.
    pub const ALL_STATION: Self =
        Self { length: AddressLength::One, upper: Self::ALL_STATION_7, lower: 0 };

    /// An address of one octet: a client, or a server without a lower address (up to 0x7f).
    pub const fn try_one(upper: u8) -> Result<Self, AddressError> {
        if upper as u16 > SEVEN_BITS {
            return Err(AddressError::Range);
        }
        Ok(Self { length: AddressLength::One, upper: upper as u16, lower: 0 })
    }

    /// A server address of two octets (each part up to 0x7f).
    pub const fn try_two(upper: u8, lower: u8) -> Result<Self, AddressError> {
        if upper as u16 > SEVEN_BITS || lower as u16 > SEVEN_BITS {
            return Err(AddressError::Range);
        }
        Ok(Self { length: AddressLength::Two, upper: upper as u16, lower: lower as u16 })
    }

    /// A server address of four octets (each part up to 0x3fff).
    pub const fn try_four(upper: u16, lower: u16) -> Result<Self, AddressError> {
        if upper > FOURTEEN_BITS || lower > FOURTEEN_BITS {
            return Err(AddressError::Range);
        }
        Ok(Self { length: AddressLength::Four, upper, lower })
    }

    /// The upper address: a logical device, or a client.
    pub const fn upper(self) -> u16 {
        self.upper
    }

    /// The lower address, the physical device; none in an address of one octet.
    pub const fn lower(self) -> Option<u16> {
        match self.length {
            AddressLength::One => None,
            AddressLength::Two | AddressLength::Four => Some(self.lower),
        }
    }

    /// How many octets the address takes on the wire.
    pub const fn length(self) -> AddressLength {
        self.length
    }

    /// Whether the upper or the lower part names all stations: such a frame is never answered.
    pub const fn is_all_station(self) -> bool {
        self.is_upper_all_station() || self.is_lower_all_station()
    }

    /// Whether the lower part names the device that placed the call.
    pub const fn is_calling(self) -> bool {
        match self.length {
            AddressLength::One => false,
            AddressLength::Two => self.lower == Self::CALLING_7,
            AddressLength::Four => self.lower == Self::CALLING_14,
        }
    }

    /// Whether both mean the same station, whatever their lengths: the reserved values of the
    /// seven-bit forms count as those of the fourteen-bit form, and a missing lower address matches
    /// only another missing one.
    pub const fn is_same_station(self, other: Self) -> bool {
        match (self.length, other.length) {
            (AddressLength::One, AddressLength::One) => self.upper == other.upper,
            (AddressLength::One, _) | (_, AddressLength::One) => false,
            _ => {
                let (a, b) = (self.widened(), other.widened());
                a.upper == b.upper && a.lower == b.lower
            }
        }
    }

    /// Whether a server with this address takes a frame sent to `destination`, and as what.
    ///
    /// Lengths that differ from our own follow the rules for inopportune address lengths
    /// (IEC 62056-46 6.4.2, table 5): one octet reaches only servers of one octet; two octets reach
    /// a server of one octet only with the lower part all-station, and one of four by conversion;
    /// four octets reach a server of one octet only with both parts all-station, and one of two
    /// only as a broadcast in both parts or as the CALLING management logical device.
    pub fn reach(self, destination: Self) -> Option<Reach> {
        use AddressLength::{Four, One, Two};

        match (self.length, destination.length) {
            (One, One) | (Two, Two) | (Four, Four) => self.matches(destination),
            (Two | Four, One) => None,
            (One, Two) => {
                let upper_reaches =
                    destination.upper == self.upper || destination.is_upper_all_station();
                (destination.is_lower_all_station() && upper_reaches).then_some(Reach::AllStation)
            }
            (Four, Two) => self.matches(destination.widened()),
            (One, Four) => (destination.is_upper_all_station()
                && destination.is_lower_all_station())
            .then_some(Reach::AllStation),
            (Two, Four) => {
                if destination.is_lower_all_station() && destination.is_upper_all_station() {
                    Some(Reach::AllStation)
                } else if destination.is_calling() && destination.upper == Self::MANAGEMENT.upper {
                    Some(Reach::Calling)
                } else {
                    None
                }
            }
        }
    }

    /// Reads the address that `octets` open with and returns what follows it. `Ok(None)`: more
    /// octets are needed to tell.
    pub fn decode(octets: &[u8]) -> Result<Option<(Self, &[u8])>, AddressError> {
        let seven = |octet: u8| u16::from(octet >> 1);
        let fourteen = |high: u8, low: u8| (seven(high) << 7) | seven(low);
        match *octets {
            [a, ref rest @ ..] if is_last(a) => {
                Ok(Some((Self { length: AddressLength::One, upper: seven(a), lower: 0 }, rest)))
            }
            [a, b, ref rest @ ..] if is_last(b) => {
                let (upper, lower) = (seven(a), seven(b));
                Ok(Some((Self { length: AddressLength::Two, upper, lower }, rest)))
            }
            [_, _, c, ..] if is_last(c) => Err(AddressError::Length),
            [a, b, c, d, ref rest @ ..] if is_last(d) => {
                let (upper, lower) = (fourteen(a, b), fourteen(c, d));
                Ok(Some((Self { length: AddressLength::Four, upper, lower }, rest)))
            }
            [_, _, _, _, ..] => Err(AddressError::Length),
            _ => Ok(None),
        }
    }

    /// The address as it travels: the first [`Address::length`] octets of the array count.
    pub fn encode(self) -> [u8; 4] {
        let [upper_high, upper_low] = split(self.upper);
        let [lower_high, lower_low] = split(self.lower);
        match self.length {
            AddressLength::One => [upper_low | 1, 0, 0, 0],
            AddressLength::Two => [upper_low, lower_low | 1, 0, 0],
            AddressLength::Four => [upper_high, upper_low, lower_high, lower_low | 1],
        }
    }

    /// This station in the length of `other`, where it fits; so a server answers in the length it
    /// was called with.
    pub(crate) fn in_length_of(self, other: Self) -> Self {
        match (self.length, other.length) {
            (AddressLength::Two, AddressLength::Four) => self.widened(),
            (AddressLength::Four, AddressLength::Two)
                if self.upper < SEVEN_BITS && self.lower < Self::CALLING_7 =>
            {
                Self { length: AddressLength::Two, ..self }
            }
            _ => self,
        }
    }

    /// The form of four octets, with the reserved values carried over.
    const fn widened(self) -> Self {
        if matches!(self.length, AddressLength::Four) {
            return self;
        }
        let upper = if self.is_upper_all_station() { Self::ALL_STATION_14 } else { self.upper };
        let lower = if self.is_lower_all_station() {
            Self::ALL_STATION_14
        } else if self.is_calling() {
            Self::CALLING_14
        } else {
            self.lower
        };
        Self { length: AddressLength::Four, upper, lower }
    }

    /// [`Address::reach`] for a destination in our own length.
    fn matches(self, destination: Self) -> Option<Reach> {
        let upper = destination.upper == self.upper || destination.is_upper_all_station();
        let lower = destination.lower == self.lower
            || destination.is_lower_all_station()
            || destination.is_calling();
        if !upper || !lower {
            None
        } else if destination.is_all_station() {
            Some(Reach::AllStation)
        } else if destination.is_calling() {
            Some(Reach::Calling)
        } else {
            Some(Reach::Own)
        }
    }

    const fn is_upper_all_station(self) -> bool {
        match self.length {
            AddressLength::One | AddressLength::Two => self.upper == Self::ALL_STATION_7,
            AddressLength::Four => self.upper == Self::ALL_STATION_14,
        }
    }

    const fn is_lower_all_station(self) -> bool {
        match self.length {
            AddressLength::One => false,
            AddressLength::Two => self.lower == Self::ALL_STATION_7,
            AddressLength::Four => self.lower == Self::ALL_STATION_14,
        }
    }
}

/// Hexadecimal, with as many digits as the form has room for: `10`, `01/11`, `1234/3FFF`.
impl core::fmt::Display for Address {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.length {
            AddressLength::One => write!(f, "{:02X}", self.upper),
            AddressLength::Two => write!(f, "{:02X}/{:02X}", self.upper, self.lower),
            AddressLength::Four => write!(f, "{:04X}/{:04X}", self.upper, self.lower),
        }
    }
}

/// Whether the extension bit says that this octet ends the address.
const fn is_last(octet: u8) -> bool {
    octet & 1 == 1
}

/// Fourteen bits as two octets of seven, each with the extension bit clear.
fn split(part: u16) -> [u8; 2] {
    let [_, high] = ((part >> 6) & 0xfe).to_be_bytes();
    let [_, low] = ((part << 1) & 0xfe).to_be_bytes();
    [high, low]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(octets: &[u8]) -> Result<Option<(Address, usize)>, AddressError> {
        Ok(Address::decode(octets)?.map(|(address, rest)| (address, rest.len())))
    }

    #[test]
    fn the_four_octet_example_of_the_standard_is_48_68_fe_ff_with_client_75() {
        let server = Address::try_four(0x1234, 0x3fff).unwrap();
        let client = Address::try_one(0x3a).unwrap();
        assert_eq!(server.encode(), [0x48, 0x68, 0xfe, 0xff]);
        assert_eq!(client.encode()[..1], [0x75]);
        assert_eq!(decode(&[0x48, 0x68, 0xfe, 0xff, 0x75]), Ok(Some((server, 1))));
        assert_eq!(decode(&[0x75]), Ok(Some((client, 0))));
    }

    #[test]
    fn every_address_of_every_form_survives_the_wire() {
        for part in 0..=0x7f {
            let address = Address::try_one(part).unwrap();
            assert_eq!(decode(&address.encode()[..1]), Ok(Some((address, 0))));
            let address = Address::try_two(part, 0x7f - part).unwrap();
            assert_eq!(decode(&address.encode()[..2]), Ok(Some((address, 0))));
        }
        for part in 0..=0x3fff {
            let address = Address::try_four(part, 0x3fff - part).unwrap();
            assert_eq!(decode(&address.encode()), Ok(Some((address, 0))));
        }
    }

    #[test]
    fn three_octets_and_five_are_no_address() {
        assert_eq!(decode(&[0x02, 0x04, 0x07]), Err(AddressError::Length));
        assert_eq!(decode(&[0x02, 0x04, 0x06, 0x08]), Err(AddressError::Length));
        assert_eq!(decode(&[0x02, 0x04, 0x06, 0x08, 0x0b]), Err(AddressError::Length));
    }

    #[test]
    fn an_unfinished_address_needs_more_octets() {
        assert_eq!(decode(&[]), Ok(None));
        assert_eq!(decode(&[0x02]), Ok(None));
        assert_eq!(decode(&[0x02, 0x04]), Ok(None));
        assert_eq!(decode(&[0x02, 0x04, 0x06]), Ok(None));
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        assert_eq!(Address::try_one(0x80), Err(AddressError::Range));
        assert_eq!(Address::try_two(0x10, 0x80), Err(AddressError::Range));
        assert_eq!(Address::try_two(0x80, 0x10), Err(AddressError::Range));
        assert_eq!(Address::try_four(0x4000, 1), Err(AddressError::Range));
        assert_eq!(Address::try_four(1, 0x4000), Err(AddressError::Range));
    }

    #[test]
    fn a_server_hears_its_own_length_by_itself_by_calling_and_by_all_station() {
        let two = Address::try_two(0x01, 0x11).unwrap();
        let reach = |upper, lower| two.reach(Address::try_two(upper, lower).unwrap());
        assert_eq!(reach(0x01, 0x11), Some(Reach::Own));
        assert_eq!(reach(0x01, 0x7e), Some(Reach::Calling));
        assert_eq!(reach(0x01, 0x7f), Some(Reach::AllStation));
        assert_eq!(reach(0x7f, 0x11), Some(Reach::AllStation));
        assert_eq!(reach(0x7f, 0x7e), Some(Reach::AllStation));
        assert_eq!(reach(0x02, 0x11), None);
        assert_eq!(reach(0x01, 0x12), None);

        let one = Address::try_one(0x11).unwrap();
        assert_eq!(one.reach(one), Some(Reach::Own));
        assert_eq!(one.reach(Address::ALL_STATION), Some(Reach::AllStation));
        assert_eq!(one.reach(Address::NO_STATION), None);
    }

    /// One test per row of IEC 62056-46 table 5.
    #[test]
    fn inopportune_lengths_are_taken_or_discarded_by_the_table() {
        let one = Address::try_one(0x01).unwrap();
        let two = Address::try_two(0x01, 0x11).unwrap();
        let four = Address::try_four(0x0001, 0x0011).unwrap();
        let to_two = |upper, lower| Address::try_two(upper, lower).unwrap();
        let to_four = |upper, lower| Address::try_four(upper, lower).unwrap();

        // One octet reaches nobody with a lower address, all-station included.
        for server in [two, four] {
            assert_eq!(server.reach(one), None);
            assert_eq!(server.reach(Address::ALL_STATION), None);
        }
        // Two octets, one-octet server.
        assert_eq!(one.reach(to_two(0x01, 0x7f)), Some(Reach::AllStation));
        assert_eq!(one.reach(to_two(0x7f, 0x7f)), Some(Reach::AllStation));
        assert_eq!(one.reach(to_two(0x02, 0x7f)), None);
        assert_eq!(one.reach(to_two(0x01, 0x11)), None);
        assert_eq!(one.reach(to_two(0x01, 0x7e)), None);
        // Two octets, four-octet server: converted, reserved values included.
        assert_eq!(four.reach(to_two(0x01, 0x11)), Some(Reach::Own));
        assert_eq!(four.reach(to_two(0x01, 0x7e)), Some(Reach::Calling));
        assert_eq!(four.reach(to_two(0x7f, 0x7f)), Some(Reach::AllStation));
        assert_eq!(four.reach(to_two(0x01, 0x12)), None);
        // Four octets, one-octet server.
        assert_eq!(one.reach(to_four(0x3fff, 0x3fff)), Some(Reach::AllStation));
        assert_eq!(one.reach(to_four(0x0001, 0x3fff)), None);
        // Four octets, two-octet server.
        assert_eq!(two.reach(to_four(0x3fff, 0x3fff)), Some(Reach::AllStation));
        assert_eq!(two.reach(to_four(0x0001, 0x3ffe)), Some(Reach::Calling));
        assert_eq!(two.reach(to_four(0x0002, 0x3ffe)), None);
        assert_eq!(two.reach(to_four(0x0001, 0x0011)), None);
        assert_eq!(two.reach(to_four(0x0001, 0x3fff)), None);
    }

    #[test]
    fn one_station_may_be_written_in_two_lengths() {
        let two = Address::try_two(0x01, 0x11).unwrap();
        let four = Address::try_four(0x0001, 0x0011).unwrap();
        assert!(two.is_same_station(four) && four.is_same_station(two));
        assert_ne!(two, four);
        assert_eq!(four.in_length_of(two), two);
        assert_eq!(two.in_length_of(four), four);
        assert!(!two.is_same_station(Address::MANAGEMENT));

        let wide = Address::try_four(0x0001, 0x0111).unwrap();
        assert_eq!(wide.in_length_of(two), wide, "0x111 does not fit seven bits");
    }

    #[test]
    fn the_text_shows_the_form() {
        assert_eq!(Address::PUBLIC_CLIENT.to_string(), "10");
        assert_eq!(Address::try_two(1, 0x11).unwrap().to_string(), "01/11");
        assert_eq!(Address::try_four(0x1234, 0x3fff).unwrap().to_string(), "1234/3FFF");
    }
}
