//! Where a meter takes the time from, and what its clock makes of it.

use core::fmt;
use std::{
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use jiff::{Timestamp, civil, tz::TimeZone};

/// Minutes to add to Central European winter time to get UTC.
pub(crate) const WINTER_DEVIATION_MINUTES: i16 = -60;
/// Minutes to add to Central European summer time to get UTC.
pub(crate) const SUMMER_DEVIATION_MINUTES: i16 = -120;

/// A source of UTC time. It is handed in, so that a test or a demonstration can stop it, shift it
/// and repeat a day.
#[derive(Clone)]
pub struct WallClock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl WallClock {
    /// A clock that calls `now` for the seconds since 1970-01-01T00:00:00Z.
    pub fn new(now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The clock of the operating system.
    pub fn system() -> Self {
        Self::new(|| match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
        })
    }

    /// A clock that shows `unix_s` now and runs on from there.
    pub fn starting_at(unix_s: i64) -> Self {
        let start = Instant::now();
        Self::new(move || {
            unix_s.saturating_add(i64::try_from(start.elapsed().as_secs()).unwrap_or(i64::MAX))
        })
    }

    /// A clock that stands still.
    pub fn fixed(unix_s: i64) -> Self {
        Self::new(move || unix_s)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn now(&self) -> i64 {
        (self.0)()
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WallClock({})", self.now())
    }
}

/// The deviation of Central European time at `unix_s`: summer time runs from the last Sunday of
/// March to the last Sunday of October, both at 01:00 UTC (Directive 2000/84/EC).
pub(crate) fn deviation_minutes(unix_s: i64) -> i16 {
    if is_summer(unix_s).unwrap_or(false) {
        SUMMER_DEVIATION_MINUTES
    } else {
        WINTER_DEVIATION_MINUTES
    }
}

fn is_summer(unix_s: i64) -> Option<bool> {
    let year = Timestamp::from_second(unix_s).ok()?.to_zoned(TimeZone::UTC).year();
    let change = |month: i8| {
        let sunday = civil::Date::new(year, month, 1)
            .and_then(|first| first.nth_weekday_of_month(-1, civil::Weekday::Sunday))
            .ok()?;
        let at = sunday.at(1, 0, 0, 0).to_zoned(TimeZone::UTC).ok()?;
        Some(at.timestamp().as_second())
    };
    Some((change(3)?..change(10)?).contains(&unix_s))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summer_time_changes_on_the_last_sundays_at_one_utc() {
        // 2026-03-29 and 2026-10-25
        for (unix_s, deviation) in [
            (1_774_745_999, -60),
            (1_774_746_000, -120),
            (1_792_889_999, -120),
            (1_792_890_000, -60),
            (0, -60),
        ] {
            assert_eq!(deviation_minutes(unix_s), deviation, "{unix_s}");
        }
    }

    #[test]
    fn a_fixed_clock_stands_still() {
        assert_eq!(WallClock::fixed(7).now(), 7);
    }
}
