//! Calendar dates.

use core::fmt;

use super::{UNSPECIFIED, field, whole};
use crate::{
    Malformed,
    axdr::{Data, Reader, Writer},
};

const YEAR_UNSPECIFIED: u16 = 0xffff;

/// A calendar date, five octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
    day_of_week: u8,
}

impl Date {
    /// Month octet: the month in which daylight saving time ends.
    pub const MONTH_DST_END: u8 = 0xfd;
    /// Month octet: the month in which daylight saving time begins.
    pub const MONTH_DST_BEGIN: u8 = 0xfe;
    /// Day octet: the last day of the month but one.
    pub const DAY_SECOND_LAST: u8 = 0xfd;
    /// Day octet: the last day of the month (or the last such day of the week in the month).
    pub const DAY_LAST: u8 = 0xfe;

    /// No field specified.
    pub const UNSPECIFIED: Self = Self {
        year: YEAR_UNSPECIFIED,
        month: UNSPECIFIED,
        day: UNSPECIFIED,
        day_of_week: UNSPECIFIED,
    };

    /// A date that exists; its day of the week is computed. `None` when it does not exist.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let date = Self { year, month, day, day_of_week: UNSPECIFIED };
        let days = date.days_since_1970()?;
        // 1970-01-01 was a Thursday, day 4.
        let day_of_week = u8::try_from(days.saturating_add(3).rem_euclid(7).saturating_add(1));
        Some(Self { day_of_week: day_of_week.ok()?, ..date })
    }

    /// Takes five octets.
    ///
    /// # Errors
    /// [`MalformedKind::Value`](crate::MalformedKind::Value) at a field outside its range, or at
    /// the day when the month has no such day. The day of the week is not compared with the date;
    /// 0, which some meters send, is let through.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut ahead = reader.clone();
        let year = ahead.u16()?;
        let month = field(&mut ahead, |month| matches!(month, 1..=12 | 0xfd..=0xff))?;
        let longest = days_in_month((year != YEAR_UNSPECIFIED).then_some(year), month);
        let day = field(&mut ahead, |day| (1..=longest).contains(&day) || day >= 0xfd)?;
        let day_of_week = field(&mut ahead, |day| matches!(day, 0..=7 | UNSPECIFIED))?;
        *reader = ahead;
        Ok(Self { year, month, day, day_of_week })
    }

    /// Appends five octets.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.octets(&self.octets());
    }

    /// The five octets.
    pub const fn octets(&self) -> [u8; 5] {
        let [high, low] = self.year.to_be_bytes();
        [high, low, self.month, self.day, self.day_of_week]
    }

    /// A `date`, or an octet-string of five octets, whose fields are in range.
    pub fn from_data(data: &Data<'_>) -> Option<Self> {
        match data {
            Data::Date(octets) => whole(octets, Self::decode),
            Data::OctetString(octets) => whole(octets, Self::decode),
            _ => None,
        }
    }

    /// The year, when it is specified.
    pub const fn year(&self) -> Option<u16> {
        if self.year == YEAR_UNSPECIFIED { None } else { Some(self.year) }
    }

    /// The month, 1 to 12, when it is one.
    pub const fn month(&self) -> Option<u8> {
        if self.month <= 12 { Some(self.month) } else { None }
    }

    /// The day of the month, 1 to 31, when it is one.
    pub const fn day(&self) -> Option<u8> {
        if self.day <= 31 { Some(self.day) } else { None }
    }

    /// The day of the week, 1 (Monday) to 7 (Sunday), when it is specified.
    pub const fn day_of_week(&self) -> Option<u8> {
        match self.day_of_week {
            day @ 1..=7 => Some(day),
            _ => None,
        }
    }

    /// Whether year, month and day are plain numbers.
    pub const fn is_complete(&self) -> bool {
        self.year().is_some() && self.month().is_some() && self.day().is_some()
    }

    /// Whether `day`, a complete date, is one of those that this date means: fields that are not
    /// specified mean any, and a last day with a day of the week the last such day of the month.
    /// Months in which daylight saving begins or ends mean none, because which they are is not said
    /// here.
    ///
    /// ```
    /// use dlms_core::{axdr::Reader, cosem::Date};
    ///
    /// let last_sunday_of_march = Date::decode(&mut Reader::new(&[0xff, 0xff, 3, 0xfe, 7]))?;
    /// assert!(last_sunday_of_march.matches(Date::new(2026, 3, 29).unwrap()));
    /// assert!(!last_sunday_of_march.matches(Date::new(2026, 3, 22).unwrap()));
    /// # Ok::<(), dlms_core::Malformed>(())
    /// ```
    pub fn matches(&self, day: Self) -> bool {
        let (Some(year), Some(month), Some(number)) = (day.year(), day.month(), day.day()) else {
            return false;
        };
        // Days that the month still has after this one.
        let left = days_in_month(Some(year), month).saturating_sub(number);
        let weekly = self.day_of_week().is_some();
        let day_matches = match self.day {
            Self::DAY_LAST => left < if weekly { 7 } else { 1 },
            Self::DAY_SECOND_LAST if weekly => (7..14).contains(&left),
            Self::DAY_SECOND_LAST => left == 1,
            UNSPECIFIED => true,
            own => own == number,
        };
        let month_matches = self.month == UNSPECIFIED || self.month == month;
        let year_matches = self.year().is_none_or(|own| own == year);
        let day_of_week_matches =
            self.day_of_week().is_none_or(|own| day.day_of_week() == Some(own));
        year_matches && month_matches && day_matches && day_of_week_matches
    }

    /// Days from 1970-01-01, when this is a complete date that exists.
    pub(super) fn days_since_1970(&self) -> Option<i64> {
        let (year, month, day) = (self.year()?, self.month()?, self.day()?);
        if month == 0 || day == 0 || day > days_in_month(Some(year), month) {
            return None;
        }
        let months = 1..month;
        let before_month = months.map(|month| i64::from(days_in_month(Some(year), month))).sum();
        Some(
            days_before_year(i64::from(year))
                .saturating_add(before_month)
                .saturating_add(i64::from(day))
                .saturating_sub(1),
        )
    }

    /// The date `days` after 1970-01-01.
    pub(super) fn from_days_since_1970(days: i64) -> Option<Self> {
        // 146,097 days are exactly 400 years: the guess is off by one year at most.
        let mut year = days.checked_mul(400)?.div_euclid(146_097).saturating_add(1970);
        if days_before_year(year) > days {
            year = year.saturating_sub(1);
        } else if days_before_year(year.saturating_add(1)) <= days {
            year = year.saturating_add(1);
        }
        let mut day = days.saturating_sub(days_before_year(year)).saturating_add(1);
        let year = u16::try_from(year).ok().filter(|year| *year != YEAR_UNSPECIFIED)?;
        for month in 1..=12 {
            let in_month = i64::from(days_in_month(Some(year), month));
            if day <= in_month {
                return Self::new(year, month, u8::try_from(day).ok()?);
            }
            day = day.saturating_sub(in_month);
        }
        None
    }
}

/// `2026-01-15`. What is not a number is written `****` or `**`; the months in which daylight
/// saving begins and ends `DB` and `DE`; the last day of the month and the one before it `L1` and
/// `L2`. An incomplete date with a day of the week has that after a slash: the last Sunday in
/// March is `****-03-L1/7`.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.year() {
            Some(year) => write!(f, "{year:04}-")?,
            None => f.write_str("****-")?,
        }
        match self.month {
            Self::MONTH_DST_BEGIN => f.write_str("DB-")?,
            Self::MONTH_DST_END => f.write_str("DE-")?,
            UNSPECIFIED => f.write_str("**-")?,
            month => write!(f, "{month:02}-")?,
        }
        match self.day {
            Self::DAY_LAST => f.write_str("L1")?,
            Self::DAY_SECOND_LAST => f.write_str("L2")?,
            UNSPECIFIED => f.write_str("**")?,
            day => write!(f, "{day:02}")?,
        }
        match self.day_of_week() {
            Some(day) if !self.is_complete() => write!(f, "/{day}"),
            _ => Ok(()),
        }
    }
}

/// The length of a month; the longest it can be when the year or the month is not known.
const fn days_in_month(year: Option<u16>, month: u8) -> u8 {
    match (month, year) {
        (4 | 6 | 9 | 11, _) => 30,
        (2, Some(year)) if !is_leap(year) => 28,
        (2, _) => 29,
        _ => 31,
    }
}

const fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Days from 1970-01-01 to the first day of `year`, in the Gregorian calendar.
const fn days_before_year(year: i64) -> i64 {
    let before = year.saturating_sub(1);
    let leap_days = before
        .div_euclid(4)
        .saturating_sub(before.div_euclid(100))
        .saturating_add(before.div_euclid(400));
    // 719,162 days lie between 0001-01-01 and 1970-01-01.
    before.saturating_mul(365).saturating_add(leap_days).saturating_sub(719_162)
}
