//! Dates and times of COSEM (IEC 62056-6-2 clause 4.1.6.1).
//!
//! Every field may be left unspecified, and some name a day by rule (the last of the month). All of
//! that is kept as it was sent; who needs a point in time asks for
//! [`unix_utc`](DateTime::unix_utc), which is there only when the fields determine one.
//!
//! The deviation is in minutes *to add to local time to get UTC*: Central European Time is -60.
//! RFC 3339 writes the opposite sign, `+01:00`, and so does the text form here.

use core::{fmt, str::FromStr};

use crate::{
    Malformed, MalformedKind,
    axdr::{Data, DataBuf, Reader, Writer},
};

/// Octet of a field that is not specified (two of them for the year).
const UNSPECIFIED: u8 = 0xff;
const YEAR_UNSPECIFIED: u16 = 0xffff;
const DEVIATION_UNSPECIFIED: i16 = i16::MIN;
/// The standard has 720; Kiribati (+14:00) needs more.
const DEVIATION_MAX: i16 = 840;
const SECONDS_PER_DAY: i64 = 86_400;

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
    /// [`MalformedKind::Value`] at a field outside its range, or at the day when the month has no
    /// such day. The day of the week is not compared with the date; 0, which some meters send, is
    /// let through.
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

    /// Days from 1970-01-01, when this is a complete date that exists.
    fn days_since_1970(&self) -> Option<i64> {
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
    fn from_days_since_1970(days: i64) -> Option<Self> {
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
/// saving begins and ends `DB` and `DE`; the last day of the month and the one before `L1` and `L2`.
/// An incomplete date with a day of the week has that after a slash: the last Sunday in March is
/// `****-03-L1/7`.
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
    /// [`MalformedKind::Value`] at a field outside its range.
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

    /// Whether hour, minute and second are specified.
    pub const fn is_complete(&self) -> bool {
        self.hour().is_some() && self.minute().is_some() && self.second().is_some()
    }

    fn seconds_since_midnight(&self) -> Option<i64> {
        let minutes =
            i64::from(self.hour()?).saturating_mul(60).saturating_add(self.minute()?.into());
        Some(minutes.saturating_mul(60).saturating_add(self.second()?.into()))
    }

    fn from_seconds_since_midnight(seconds: i64) -> Option<Self> {
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

/// The clock status octet of a date-time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClockStatus(pub u8);

impl ClockStatus {
    /// Not specified: no bit means anything.
    pub const UNSPECIFIED: Self = Self(0xff);
    /// Nothing is wrong and daylight saving is not active.
    pub const GOOD: Self = Self(0x00);

    /// The time cannot be recovered after an incident.
    pub const fn is_invalid(self) -> bool {
        self.has(0x01)
    }

    /// The time was recovered after an incident, but its value is not guaranteed.
    pub const fn is_doubtful(self) -> bool {
        self.has(0x02)
    }

    /// The time comes from another clock base than usual.
    pub const fn is_different_base(self) -> bool {
        self.has(0x04)
    }

    /// The status itself is not to be trusted.
    pub const fn is_invalid_status(self) -> bool {
        self.has(0x08)
    }

    /// Daylight saving is active: the deviation contains it.
    pub const fn is_dst_active(self) -> bool {
        self.has(0x80)
    }

    const fn has(self, bit: u8) -> bool {
        self.0 != Self::UNSPECIFIED.0 && self.0 & bit != 0
    }
}

/// A date and time with deviation from UTC and clock status, twelve octets.
///
/// ```
/// use dlms_core::{axdr::Reader, cosem::DateTime};
///
/// // 2026-01-15, Thursday, 17:30:00, deviation -60: Central European Time
/// let octets = [0x07, 0xea, 1, 15, 4, 17, 30, 0, 0, 0xff, 0xc4, 0x00];
/// let time = DateTime::decode(&mut Reader::new(&octets))?;
/// assert_eq!(time.to_string(), "2026-01-15T17:30:00+01:00");
/// assert_eq!(time.unix_utc(), Some(1_768_494_600));
/// # Ok::<(), dlms_core::Malformed>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DateTime {
    /// The date.
    pub date: Date,
    /// The time of day.
    pub time: Time,
    deviation: i16,
    /// The clock status.
    pub status: ClockStatus,
}

impl DateTime {
    /// No field specified.
    pub const UNSPECIFIED: Self = Self::new(Date::UNSPECIFIED, Time::UNSPECIFIED);

    /// `date` and `time`, deviation and status unspecified.
    pub const fn new(date: Date, time: Time) -> Self {
        Self { date, time, deviation: DEVIATION_UNSPECIFIED, status: ClockStatus::UNSPECIFIED }
    }

    /// The same date and time with another `deviation`, or with none. `None` when it is out of
    /// -840..=840 minutes.
    pub fn with_deviation(self, deviation: Option<i16>) -> Option<Self> {
        let deviation = deviation.unwrap_or(DEVIATION_UNSPECIFIED);
        is_deviation(deviation).then_some(Self { deviation, ..self })
    }

    /// Takes twelve octets.
    ///
    /// # Errors
    /// [`MalformedKind::Value`] at a field outside its range.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut ahead = reader.clone();
        let date = Date::decode(&mut ahead)?;
        let time = Time::decode(&mut ahead)?;
        let at = ahead.offset();
        let deviation = ahead.i16()?;
        if !is_deviation(deviation) {
            return Err(Malformed::new(MalformedKind::Value, at));
        }
        let status = ClockStatus(ahead.u8()?);
        *reader = ahead;
        Ok(Self { date, time, deviation, status })
    }

    /// Appends twelve octets.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.octets(&self.octets());
    }

    /// The twelve octets.
    pub const fn octets(&self) -> [u8; 12] {
        let [y0, y1, month, day, day_of_week] = self.date.octets();
        let [hour, minute, second, hundredths] = self.time.octets();
        let [d0, d1] = self.deviation.to_be_bytes();
        [y0, y1, month, day, day_of_week, hour, minute, second, hundredths, d0, d1, self.status.0]
    }

    /// A `date-time`, or an octet-string of twelve octets, whose fields are in range.
    pub fn from_data(data: &Data<'_>) -> Option<Self> {
        match data {
            Data::DateTime(octets) => whole(octets, Self::decode),
            Data::OctetString(octets) => whole(octets, Self::decode),
            _ => None,
        }
    }

    /// An octet-string of twelve octets, as attributes and profile buffers carry it.
    pub fn to_data(&self) -> DataBuf {
        DataBuf::octet_string(self.octets())
    }

    /// Minutes to add to local time to get UTC, when specified.
    pub const fn deviation(&self) -> Option<i16> {
        if self.deviation == DEVIATION_UNSPECIFIED { None } else { Some(self.deviation) }
    }

    /// Whether year, month, day, hour, minute and second are all plain numbers.
    pub const fn is_complete(&self) -> bool {
        self.date.is_complete() && self.time.is_complete()
    }

    /// Seconds since 1970-01-01T00:00:00Z, when the time is complete and its deviation specified.
    pub fn unix_utc(&self) -> Option<i64> {
        let deviation = i64::from(self.deviation()?).saturating_mul(60);
        Some(self.unix_local()?.saturating_add(deviation))
    }

    /// Seconds from 1970-01-01T00:00:00 to this time on the same wall clock, when the time is
    /// complete.
    pub fn unix_local(&self) -> Option<i64> {
        let days = self.date.days_since_1970()?;
        let seconds = self.time.seconds_since_midnight()?;
        Some(days.saturating_mul(SECONDS_PER_DAY).saturating_add(seconds))
    }

    /// The local time at `seconds` after 1970-01-01T00:00:00Z where `deviation` minutes have to be
    /// added to get UTC; without a deviation `seconds` count on the wall clock itself. The status
    /// is unspecified without a deviation, else good. `None` outside the years 0 to 65,534 and for
    /// a deviation out of -840..=840.
    pub fn from_unix(seconds: i64, deviation: Option<i16>) -> Option<Self> {
        let minutes = i64::from(deviation.unwrap_or(0));
        let local = seconds.checked_sub(minutes.saturating_mul(60))?;
        let date = Date::from_days_since_1970(local.div_euclid(SECONDS_PER_DAY))?;
        let time = Time::from_seconds_since_midnight(local.rem_euclid(SECONDS_PER_DAY))?;
        let status = if deviation.is_some() { ClockStatus::GOOD } else { ClockStatus::UNSPECIFIED };
        Self { status, ..Self::new(date, time) }.with_deviation(deviation)
    }

    /// This time and `seconds` more, on the same clock: deviation, status and hundredths stay.
    /// `None` when this time is incomplete.
    pub fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        let sum = Self::from_unix(self.unix_local()?.checked_add(seconds)?, None)?;
        let time = Time { hundredths: self.time.hundredths, ..sum.time };
        Some(Self { date: sum.date, time, ..*self })
    }
}

/// RFC 3339, with the offset only when the deviation is specified: `2026-01-15T17:30:00+01:00`.
/// Unspecified fields are written as [`Date`] and [`Time`] write them: `****-12-25T00:00:00`.
impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{}", self.date, self.time)?;
        match self.deviation() {
            None => Ok(()),
            Some(0) => f.write_str("Z"),
            Some(deviation) => {
                let sign = if deviation < 0 { '+' } else { '-' };
                let minutes = deviation.unsigned_abs();
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

/// The text is not a date and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a date and time: write 2026-01-15, 2026-01-15T17:30, 2026-01-15T17:30:00 or 2026-01-15T17:30:00+01:00"
)]
pub struct ParseDateTimeError;

/// Reads RFC 3339, with or without offset; a time without seconds and a date alone (midnight) are
/// taken as well, and a space in place of the `T`. Of a fraction the hundredths are kept. Without
/// an offset, deviation and status are unspecified.
impl FromStr for DateTime {
    type Err = ParseDateTimeError;

    fn from_str(text: &str) -> Result<Self, ParseDateTimeError> {
        parse(text).ok_or(ParseDateTimeError)
    }
}

fn parse(mut text: &str) -> Option<DateTime> {
    let rest = &mut text;
    let year = number(rest, 4)?;
    literal(rest, "-")?;
    let month = small_number(rest)?;
    literal(rest, "-")?;
    let date = Date::new(year, month, small_number(rest)?)?;
    if rest.is_empty() {
        return Some(DateTime::new(date, Time::MIDNIGHT));
    }
    ["T", "t", " "].iter().find_map(|separator| literal(rest, separator))?;
    let hour = small_number(rest)?;
    literal(rest, ":")?;
    let minute = small_number(rest)?;
    let second = if literal(rest, ":").is_some() { small_number(rest)? } else { 0 };
    let mut time = Time::new(hour, minute, second)?;
    if literal(rest, ".").is_some() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (fraction, after) = rest.split_at_checked(end)?;
        let mut digits = fraction.bytes().map(|digit| digit.saturating_sub(b'0'));
        time.hundredths =
            digits.next()?.saturating_mul(10).saturating_add(digits.next().unwrap_or(0));
        *rest = after;
    }
    let local = DateTime::new(date, time);
    if rest.is_empty() {
        return Some(local);
    }
    let deviation = if literal(rest, "Z").or_else(|| literal(rest, "z")).is_some() {
        0
    } else {
        // East of Greenwich is + in the text and negative as a deviation.
        let sign =
            if literal(rest, "+").is_some() { -1 } else { literal(rest, "-").map(|()| 1)? };
        let hours = i16::from(small_number(rest)?);
        literal(rest, ":")?;
        let minutes = i16::from(small_number(rest).filter(|minutes| *minutes < 60)?);
        hours.saturating_mul(60).saturating_add(minutes).saturating_mul(sign)
    };
    if !rest.is_empty() {
        return None;
    }
    DateTime { status: ClockStatus::GOOD, ..local }.with_deviation(Some(deviation))
}

/// Takes `digits` decimal digits off the front.
fn number(rest: &mut &str, digits: usize) -> Option<u16> {
    let (number, after) = rest.split_at_checked(digits)?;
    if !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    *rest = after;
    number.parse().ok()
}

fn small_number(rest: &mut &str) -> Option<u8> {
    number(rest, 2).and_then(|value| u8::try_from(value).ok())
}

/// Takes `expected` off the front.
fn literal(rest: &mut &str, expected: &str) -> Option<()> {
    *rest = rest.strip_prefix(expected)?;
    Some(())
}

const fn specified(octet: u8) -> Option<u8> {
    if octet == UNSPECIFIED { None } else { Some(octet) }
}

fn is_deviation(deviation: i16) -> bool {
    deviation == DEVIATION_UNSPECIFIED || deviation.unsigned_abs() <= DEVIATION_MAX.unsigned_abs()
}

/// Takes one octet that must be allowed.
fn field(reader: &mut Reader<'_>, allowed: impl Fn(u8) -> bool) -> Result<u8, Malformed> {
    match reader.peek() {
        Some(octet) if !allowed(octet) => Err(reader.fail(MalformedKind::Value)),
        _ => reader.u8(),
    }
}

/// `decode` on all of `octets`.
fn whole<T>(
    octets: &[u8],
    decode: impl FnOnce(&mut Reader<'_>) -> Result<T, Malformed>,
) -> Option<T> {
    let mut reader = Reader::new(octets);
    let value = decode(&mut reader).ok()?;
    reader.is_empty().then_some(value)
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

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::ToString, vec::Vec};
    use proptest::prelude::*;

    fn decode(octets: &[u8; 12]) -> Result<DateTime, Malformed> {
        DateTime::decode(&mut Reader::new(octets))
    }

    // (octets, text, seconds since 1970 in UTC)
    const KNOWN: [([u8; 12], &str, Option<i64>); 7] = [
        // Central European Summer Time
        (
            [0x07, 0xea, 7, 15, 3, 12, 0, 0, 0, 0xff, 0x88, 0x80],
            "2026-07-15T12:00:00+02:00",
            Some(1_784_109_600),
        ),
        // a Kamstrup meter: deviation unspecified
        ([0x07, 0xe3, 12, 31, 2, 23, 59, 50, 0xff, 0x80, 0, 0], "2019-12-31T23:59:50", None),
        // UTC, with hundredths
        (
            [0x07, 0xd0, 2, 29, 2, 0, 0, 0, 50, 0, 0, 0],
            "2000-02-29T00:00:00.50Z",
            Some(951_782_400),
        ),
        // west of Greenwich
        (
            [0x07, 0xb2, 1, 1, 4, 0, 0, 0, 0, 0x01, 0x0e, 0],
            "1970-01-01T00:00:00-04:30",
            Some(16_200),
        ),
        // every Christmas
        ([0xff, 0xff, 12, 25, 0xff, 0, 0, 0, 0, 0x80, 0, 0xff], "****-12-25T00:00:00", None),
        // the last Sunday in March, 02:00
        ([0xff, 0xff, 3, 0xfe, 7, 2, 0, 0, 0xff, 0x80, 0, 0xff], "****-03-L1/7T02:00:00", None),
        // daylight saving ends, second last day, every minute
        (
            [0xff, 0xff, 0xfd, 0xfd, 0xff, 0xff, 0xff, 0, 0, 0xff, 0xc4, 0xff],
            "****-DE-L2T**:**:00+01:00",
            None,
        ),
    ];

    #[test]
    fn known_times_have_their_text_and_their_instant() {
        for (octets, text, utc) in KNOWN {
            let time = decode(&octets).unwrap();
            assert_eq!(time.octets(), octets, "{text}");
            assert_eq!(time.to_string(), text);
            assert_eq!(time.unix_utc(), utc, "{text}");
            assert_eq!(time.is_complete(), !text.contains(['*', 'L', 'D']), "{text}");
        }
    }

    #[test]
    fn a_field_out_of_range_is_named_at_its_octet() {
        let good = KNOWN[0].0;
        for (index, octet) in [
            (2, 0),
            (2, 13),
            (2, 0xfc),
            (3, 0),
            (3, 32),
            (3, 0xfc),
            (4, 8),
            (5, 24),
            (6, 60),
            (7, 60),
            (8, 100),
        ] {
            let mut octets = good;
            octets[index] = octet;
            assert_eq!(decode(&octets), Err(Malformed::new(MalformedKind::Value, index)));
        }
        for deviation in [841_i16, -841, 0x7fff, -0x7fff] {
            let mut octets = good;
            octets[9..11].copy_from_slice(&deviation.to_be_bytes());
            assert_eq!(decode(&octets), Err(Malformed::new(MalformedKind::Value, 9)));
        }
    }

    #[test]
    fn a_day_that_its_month_lacks_does_not_exist() {
        for (year, month, day, exists) in [
            (2024, 2, 29, true),
            (2026, 2, 29, false),
            (1900, 2, 29, false),
            (2026, 4, 31, false),
            (2026, 12, 31, true),
            (2026, 1, 0, false),
            (2026, 0, 1, false),
        ] {
            assert_eq!(Date::new(year, month, day).is_some(), exists, "{year}-{month}-{day}");
        }
        // In no given year February may have 29 days.
        assert!(Date::decode(&mut Reader::new(&[0xff, 0xff, 2, 29, 0xff])).is_ok());
        assert!(Date::decode(&mut Reader::new(&[0xff, 0xff, 2, 30, 0xff])).is_err());
    }

    #[test]
    fn the_day_of_the_week_is_computed() {
        for (year, month, day, day_of_week) in
            [(1970, 1, 1, 4), (2000, 2, 29, 2), (2026, 11, 20, 5), (1969, 12, 31, 3), (0, 1, 1, 6)]
        {
            assert_eq!(Date::new(year, month, day).unwrap().day_of_week(), Some(day_of_week));
        }
    }

    #[test]
    fn text_is_read_with_and_without_offset() {
        for (text, written, deviation) in [
            ("2026-01-15", "2026-01-15T00:00:00", None),
            ("2026-01-15T17:30", "2026-01-15T17:30:00", None),
            ("2026-01-15 17:30:00", "2026-01-15T17:30:00", None),
            ("2026-01-15T17:30:00+01:00", "2026-01-15T17:30:00+01:00", Some(-60)),
            ("2026-01-15T17:30:00-03:30", "2026-01-15T17:30:00-03:30", Some(210)),
            ("2026-01-15t17:30:00z", "2026-01-15T17:30:00Z", Some(0)),
            ("2026-01-15T17:30:00.256Z", "2026-01-15T17:30:00.25Z", Some(0)),
            ("2026-01-15T17:30+14:00", "2026-01-15T17:30:00+14:00", Some(-840)),
        ] {
            let time: DateTime = text.parse().unwrap();
            assert_eq!(time.to_string(), written);
            assert_eq!(time.deviation(), deviation, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        for text in [
            "",
            "2026",
            "2026-1-15",
            "2026-02-29",
            "2026-01-15T",
            "2026-01-15T17",
            "2026-01-15T24:00",
            "2026-01-15T17:30:60",
            "2026-01-15T17:30:00.",
            "2026-01-15T17:30:00+14:01",
            "2026-01-15T17:30:00+01:60",
            "2026-01-15T17:30:00+0100",
            "2026-01-15T17:30:00Z ",
            "+026-01-15",
            "20\u{e4}6-01-15",
        ] {
            assert_eq!(text.parse::<DateTime>(), Err(ParseDateTimeError), "{text}");
        }
    }

    #[test]
    fn an_unspecified_status_says_nothing() {
        assert!(!ClockStatus::UNSPECIFIED.is_invalid());
        assert!(!ClockStatus::UNSPECIFIED.is_dst_active());
        assert!(ClockStatus(0x81).is_dst_active());
        assert!(ClockStatus(0x81).is_invalid());
        assert!(!ClockStatus(0x81).is_doubtful());
    }

    #[test]
    fn a_time_is_taken_from_an_octet_string_or_a_date_time() {
        let (octets, ..) = KNOWN[0];
        let time = decode(&octets).unwrap();
        assert_eq!(DateTime::from_data(&Data::OctetString(&octets)), Some(time));
        assert_eq!(DateTime::from_data(&Data::DateTime(octets)), Some(time));
        assert_eq!(DateTime::from_data(&Data::OctetString(&octets[..11])), None);
        assert_eq!(DateTime::from_data(&Data::OctetString(&[0; 13])), None);
        assert_eq!(DateTime::from_data(&Data::Null), None);
        let mut out = Vec::new();
        time.to_data().encode(&mut Writer::new(&mut out));
        assert_eq!(out[..2], [0x09, 0x0c]);
    }

    #[test]
    fn every_day_of_eight_centuries_follows_the_one_before() {
        let mut date = Date::new(1700, 1, 1).unwrap();
        let first = date.days_since_1970().unwrap();
        for days in first..first + 2 * 146_097 {
            assert_eq!(date.days_since_1970(), Some(days));
            assert_eq!(Date::from_days_since_1970(days), Some(date));
            let (year, month, day) = (date.year, date.month, date.day);
            date = Date::new(year, month, day + 1)
                .or_else(|| Date::new(year, month + 1, 1))
                .or_else(|| Date::new(year + 1, 1, 1))
                .unwrap();
        }
        assert_eq!((date.year, date.month, date.day), (2500, 1, 1));
    }

    proptest! {
        #[test]
        fn octets_that_decode_are_written_again(octets in any::<[u8; 12]>()) {
            if let Ok(time) = decode(&octets) {
                prop_assert_eq!(time.octets(), octets);
            }
        }

        #[test]
        fn an_instant_is_the_same_on_every_clock(
            seconds in -62_167_219_200_i64..1_000_000_000_000,
            deviation in -840_i16..=840,
        ) {
            if let Some(time) = DateTime::from_unix(seconds, Some(deviation)) {
                prop_assert_eq!(time.unix_utc(), Some(seconds));
                prop_assert_eq!(decode(&time.octets()), Ok(time));
                prop_assert_eq!(time.unix_local(), Some(seconds - i64::from(deviation) * 60));
            } else {
                // Only the edge of year 0 is out of reach.
                prop_assert!(seconds < -62_167_219_200 + 840 * 60);
            }
        }

        #[test]
        fn text_is_read_back(
            seconds in -62_135_596_800_i64..250_000_000_000,
            deviation in proptest::option::of(-840_i16..=840),
        ) {
            let time = DateTime::from_unix(seconds, deviation).unwrap();
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }

        #[test]
        fn any_seconds_are_a_time_or_none(seconds in any::<i64>(), more in any::<i64>()) {
            if let Some(time) = DateTime::from_unix(seconds, None) {
                prop_assert_eq!(time.unix_local(), Some(seconds));
                let _ = time.checked_add_seconds(more);
            }
        }

        #[test]
        fn any_text_is_a_time_or_refused(text in "\\PC{0,30}") {
            if let Ok(time) = text.parse::<DateTime>() {
                prop_assert!(time.is_complete());
            }
        }
    }
}
