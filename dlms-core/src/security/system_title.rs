//! System titles: the name of a DLMS/COSEM system, and half of every nonce (Green Book 4.3.4).

use core::{fmt, str::FromStr};

use super::hex::{self, Hex};

/// Eight octets that no two systems share; the first three are the manufacturer's FLAG letters.
///
/// `{}` is hexadecimal and reads back; `{:#}` adds the letters when they are letters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SystemTitle(pub [u8; 8]);

impl SystemTitle {
    /// The manufacturer's three FLAG letters, when the title begins with capital letters.
    pub fn manufacturer(&self) -> Option<&str> {
        let letters: &[u8; 3] = self.0.first_chunk()?;
        let capitals = letters.iter().all(u8::is_ascii_uppercase);
        if capitals { core::str::from_utf8(letters).ok() } else { None }
    }

    /// The initialization vector of the one APDU that this system protects under a key with this
    /// invocation counter (Green Book 9.2.3.3.7.3).
    pub(super) fn initialization_vector(self, counter: u32) -> [u8; 12] {
        let [a, b, c, d, e, f, g, h] = self.0;
        let [i, j, k, l] = counter.to_be_bytes();
        [a, b, c, d, e, f, g, h, i, j, k, l]
    }
}

/// `4D4D4D0000000001`, and in the alternate form `4D4D4D0000000001 (MMM)`.
impl fmt::Display for SystemTitle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Hex(&self.0))?;
        match self.manufacturer() {
            Some(letters) if f.alternate() => write!(f, " ({letters})"),
            _ => Ok(()),
        }
    }
}

/// `SystemTitle(4D4D4D0000000001)`.
impl fmt::Debug for SystemTitle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SystemTitle({})", Hex(&self.0))
    }
}

/// Not a system title.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a system title is eight octets: write 16 hexadecimal digits")]
pub struct NotASystemTitle;

/// Reads 16 hexadecimal digits.
impl FromStr for SystemTitle {
    type Err = NotASystemTitle;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut octets = [0; 8];
        hex::parse(text, &mut octets).ok_or(NotASystemTitle)?;
        Ok(Self(octets))
    }
}

/// Takes exactly eight octets, as an AP title of ACSE carries them.
impl TryFrom<&[u8]> for SystemTitle {
    type Error = NotASystemTitle;

    fn try_from(octets: &[u8]) -> Result<Self, Self::Error> {
        octets.try_into().map(Self).map_err(|_| NotASystemTitle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{format, string::ToString};

    #[test]
    fn the_text_is_hexadecimal_reads_back_and_can_name_the_manufacturer() {
        let title = SystemTitle(*b"MMM\x00\x00\xbc\x61\x4e");
        assert_eq!(title.to_string(), "4D4D4D0000BC614E");
        assert_eq!(title.to_string().parse(), Ok(title));
        assert_eq!("4d4d4d0000bc614e".parse(), Ok(title));
        assert_eq!(format!("{title:#}"), "4D4D4D0000BC614E (MMM)");
        assert_eq!(format!("{title:?}"), "SystemTitle(4D4D4D0000BC614E)");
    }

    #[test]
    fn letters_are_named_only_when_they_are_letters() {
        for octets in [*b"\x00\x00\x00\x00\x00\x00\x00\x01", *b"MM\n\x00\x00\x00\x00\x01"] {
            assert_eq!(SystemTitle(octets).manufacturer(), None);
            assert_eq!(format!("{:#}", SystemTitle(octets)), SystemTitle(octets).to_string());
        }
    }

    #[test]
    fn anything_but_eight_octets_is_refused() {
        for text in ["", "4D4D4D00000000", "4D4D4D000000000101", "4D4D4D000000000G"] {
            assert_eq!(text.parse::<SystemTitle>(), Err(NotASystemTitle));
        }
        assert_eq!(SystemTitle::try_from(&[0; 7][..]), Err(NotASystemTitle));
        assert_eq!(SystemTitle::try_from(&[7; 8][..]), Ok(SystemTitle([7; 8])));
    }

    #[test]
    fn the_initialization_vector_is_the_title_and_the_counter() {
        let title = SystemTitle([0x4d, 0x4d, 0x4d, 0x00, 0x00, 0xbc, 0x61, 0x4e]);
        assert_eq!(
            title.initialization_vector(0x0123_4567),
            [0x4d, 0x4d, 0x4d, 0x00, 0x00, 0xbc, 0x61, 0x4e, 0x01, 0x23, 0x45, 0x67]
        );
    }
}
