//! Octets as hexadecimal text, for system titles and keys.

use core::fmt;

/// Octets whose text is two upper-case digits each.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02X}"))
    }
}

/// Fills `octets` from exactly twice as many digits of either case; `None` for any other text.
pub(super) fn parse(text: &str, octets: &mut [u8]) -> Option<()> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    if pairs.len() != octets.len() {
        return None;
    }
    for (octet, [high, low]) in octets.iter_mut().zip(pairs) {
        *octet = digit(*high)? << 4 | digit(*low)?;
    }
    Some(())
}

/// The value of one digit.
fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// The octets of a test vector, whose fields may be set apart by blanks.
#[cfg(test)]
#[cfg(feature = "rustcrypto")]
pub(super) fn octets(text: &str) -> alloc::vec::Vec<u8> {
    let digits = text.replace(' ', "");
    let mut octets = alloc::vec![0; digits.len() / 2];
    parse(&digits, &mut octets).expect("hexadecimal digits");
    octets
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn digits_of_either_case_are_read_and_upper_case_is_written() {
        let mut octets = [0; 3];
        assert_eq!(parse("00aBff", &mut octets), Some(()));
        assert_eq!(octets, [0x00, 0xab, 0xff]);
        assert_eq!(Hex(&octets).to_string(), "00ABFF");
    }

    #[test]
    fn only_exactly_as_many_digits_as_octets_are_read() {
        for text in ["", "0", "00", "000", "00000", "0000ff", "00 0", "0x00", "+0+0", "é0", "00é"]
        {
            assert_eq!(parse(text, &mut [0; 2]), None, "{text}");
        }
    }
}
