//! Times of day.

use core::fmt;

use super::{UNSPECIFIED, field, whole};
use crate::{
    Malformed,
    axdr::{Data, Reader, Writer},
};

/// A time of day, four octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Time {
    hour: u8,
    minute: u8,
    second: u8,
    hundredths: u8,
}

impl Time {
    /// No field specified.
    pub const UNSPECIFIED: Self = Self {
        hour: UNSPECIFIED,
        minute: UNSPECIFIED,
        second: UNSPECIFIED,
        hundredths: UNSPECIFIED,
    };

    /// The beginning of the day.
    pub const MIDNIGHT: Self = Self { hour: 0, minute: 0, second: 0, hundredths: 0 };

    /// A time of day with zero hundredths, or `None` when a field is out of range.
    pub fn new(hour: u8, minute: u8, second: u8) -> Option<Self> {
        let in_range = hour < 24 && minute < 60 && second < 60;
        in_range.then_some(Self { hour, minute, second, hundredths: 0 })
    }

    /// Takes four octets.
    ///
    /// # Errors
    /// [`MalformedKind::Value`](crate::MalformedKind::Value) at a field outside its range.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut ahead = reader.clone();
        let hour = field(&mut ahead, |hour| matches!(hour, 0..=23 | UNSPECIFIED))?;
        let minute = field(&mut ahead, |minute| matches!(minute, 0..=59 | UNSPECIFIED))?;
        let second = field(&mut ahead, |second| matches!(second, 0..=59 | UNSPECIFIED))?;
        let hundredths = field(&mut ahead, |parts| matches!(parts, 0..=99 | UNSPECIFIED))?;
        *reader = ahead;
        Ok(Self { hour, minute, second, hundredths })
    }

    /// Appends four octets.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.octets(&self.octets());
    }

    /// The four octets.
    pub const fn octets(&self) -> [u8; 4] {
        [self.hour, self.minute, self.second, self.hundredths]
    }

    /// A `time`, or an octet-string of four octets, whose fields are in range.
    pub fn from_data(data: &Data<'_>) -> Option<Self> {
        match data {
            Data::Time(octets) => whole(octets, Self::decode),
            Data::OctetString(octets) => whole(octets, Self::decode),
            _ => None,
        }
    }

    /// The hour, 0 to 23, when it is specified.
    pub const fn hour(&self) -> Option<u8> {
        specified(self.hour)
    }

    /// The minute, when it is specified.
    pub const fn minute(&self) -> Option<u8> {
        specified(self.minute)
    }

    /// The second, when it is specified.
    pub const fn second(&self) -> Option<u8> {
        specified(self.second)
    }

    /// Hundredths of a second, when they are specified.
    pub const fn hundredths(&self) -> Option<u8> {
        specified(self.hundredths)
    }

    /// The same time with `hundredths` of a second, or with these unspecified. `None` when there
    /// are 100 or more.
    pub fn with_hundredths(self, hundredths: Option<u8>) -> Option<Self> {
        let in_range = hundredths.is_none_or(|hundredths| hundredths < 100);
        in_range.then_some(Self { hundredths: hundredths.unwrap_or(UNSPECIFIED), ..self })
    }

    /// Whether hour, minute and second are specified.
    pub const fn is_complete(&self) -> bool {
        self.hour().is_some() && self.minute().is_some() && self.second().is_some()
    }

    pub(super) fn seconds_since_midnight(&self) -> Option<i64> {
        let minutes =
            i64::from(self.hour()?).saturating_mul(60).saturating_add(self.minute()?.into());
        Some(minutes.saturating_mul(60).saturating_add(self.second()?.into()))
    }

    pub(super) fn from_seconds_since_midnight(seconds: i64) -> Option<Self> {
        let part = |value: i64| u8::try_from(value).ok();
        Self::new(part(seconds / 3600)?, part(seconds / 60 % 60)?, part(seconds % 60)?)
    }
}

/// `17:30:00`, with `**` for what is not specified. Hundredths follow when there are any.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (separator, value) in [("", self.hour), (":", self.minute), (":", self.second)] {
            match specified(value) {
                Some(value) => write!(f, "{separator}{value:02}")?,
                None => write!(f, "{separator}**")?,
            }
        }
        match self.hundredths() {
            Some(hundredths) if hundredths > 0 => write!(f, ".{hundredths:02}"),
            _ => Ok(()),
        }
    }
}

const fn specified(octet: u8) -> Option<u8> {
    if octet == UNSPECIFIED { None } else { Some(octet) }
}
