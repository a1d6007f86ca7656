//! The text form of a date-time.

use core::str::FromStr;

use super::{ClockStatus, Date, DateTime, Time};

/// The text is not a date and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a date and time: write 2026-01-15, 2026-01-15T17:30, 2026-01-15T17:30:00 \
     or 2026-01-15T17:30:00+01:00"
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
    let mut time = Time::new(hour, minute, 0)?;
    if literal(rest, ":").is_some() {
        time = Time::new(hour, minute, small_number(rest)?)?;
        if literal(rest, ".").is_some() {
            time = time.with_hundredths(Some(hundredths(rest)?))?;
        }
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

/// Takes a fraction of a second off the front, of one digit at least.
fn hundredths(rest: &mut &str) -> Option<u8> {
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (fraction, after) = rest.split_at_checked(end)?;
    *rest = after;
    let mut digits = fraction.bytes().map(|digit| digit.saturating_sub(b'0'));
    Some(digits.next()?.saturating_mul(10).saturating_add(digits.next().unwrap_or(0)))
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
