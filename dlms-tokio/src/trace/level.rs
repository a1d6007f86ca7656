//! How much of a conversation is shown.

use core::{
    fmt::{self, Display, Formatter},
    str::FromStr,
};

use thiserror::Error;

/// How deep the trace looks. Each level shows what the ones before it show, and more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum DecodeLevel {
    /// Nothing.
    #[default]
    Off,
    /// Values as the application understands them.
    Values,
    /// One line an APDU.
    Apdu,
    /// One line a frame or wrapper header.
    Link,
    /// Every octet on the line.
    Phys,
}

/// A word that names no level.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is not a decode level: phys, link, apdu, values or off")]
pub struct DecodeLevelError(String);

impl DecodeLevel {
    /// All levels, the quietest first.
    pub const ALL: [Self; 5] = [Self::Off, Self::Values, Self::Apdu, Self::Link, Self::Phys];

    /// The word for this level on a command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Values => "values",
            Self::Apdu => "apdu",
            Self::Link => "link",
            Self::Phys => "phys",
        }
    }
}

impl Display for DecodeLevel {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for DecodeLevel {
    type Err = DecodeLevelError;

    fn from_str(text: &str) -> Result<Self, DecodeLevelError> {
        Self::ALL
            .into_iter()
            .find(|level| level.name() == text)
            .ok_or_else(|| DecodeLevelError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::DecodeLevel;

    #[test]
    fn each_level_shows_more_than_the_one_before() {
        assert!(DecodeLevel::ALL.is_sorted());
        assert!(DecodeLevel::Off < DecodeLevel::Values && DecodeLevel::Link < DecodeLevel::Phys);
    }

    #[test]
    fn what_display_writes_parse_reads() {
        for level in DecodeLevel::ALL {
            assert_eq!(level.to_string().parse(), Ok(level));
        }
        let message = "loud".parse::<DecodeLevel>().unwrap_err().to_string();
        assert_eq!(message, "\"loud\" is not a decode level: phys, link, apdu, values or off");
    }
}
