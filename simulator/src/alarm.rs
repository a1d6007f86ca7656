//! Times on the meter's clock at which something is due, and the days they fall on.

use dlms_core::cosem::{Date, DateTime, Time};

use crate::{world::World, zone::Zone};

/// Days that are looked at for the next time. When there is none, they are looked at again after
/// that.
const DAYS_AHEAD: i64 = 8;
const DAY_S: i64 = 86_400;

/// When something is due on the meter's clock. When the clock or the special days change it
/// is due at once, because what comes next is another thing then.
#[derive(Debug)]
pub(crate) struct Alarm {
    at: Option<i64>,
    /// The revision of the world when this was set.
    revision: Option<u32>,
}

impl Alarm {
    /// Due at once.
    pub(crate) const NOW: Self = Self { at: None, revision: None };

    /// The true time at which it is due.
    pub(crate) fn due(&self, world: &World) -> Option<i64> {
        if self.is_stale(world) { Some(world.now()) } else { self.at.map(|at| world.true_time(at)) }
    }

    /// Whether that happened, or nobody looked at it yet.
    pub(crate) fn is_stale(&self, world: &World) -> bool {
        self.revision != Some(world.revision)
    }

    /// From now on due at `at` on the meter's clock.
    pub(crate) fn set(&mut self, at: Option<i64>, world: &World) {
        *self = Self { at, revision: Some(world.revision) };
    }
}

/// The local day of `clock`, and the one so many days later.
pub(crate) fn day(zone: &Zone, clock: i64, later: i64) -> Option<Date> {
    let days = zone.local_time(clock).unix_local()?.div_euclid(DAY_S) + later;
    DateTime::from_unix(days * DAY_S, None).map(|midnight| midnight.date)
}

/// The first time after `clock` that is `time` on a day that `is_wanted`. When none of the next
/// days is, the end of them.
pub(crate) fn next(zone: &Zone, clock: i64, time: Time, is_wanted: impl Fn(Date) -> bool) -> i64 {
    let days =
        (0..DAYS_AHEAD).filter_map(|later| day(zone, clock, later)).filter(|day| is_wanted(*day));
    let mut times = days.filter_map(|day| zone.moment(&DateTime::new(day, time)));
    times.find(|at| *at > clock).unwrap_or_else(|| look_again(clock))
}

/// When to look again for what is not within the next days.
pub(crate) fn look_again(clock: i64) -> i64 {
    clock + (DAYS_AHEAD - 1) * DAY_S
}

/// Whether `clock` is `time` on a day that `is_wanted`.
pub(crate) fn is_now(
    zone: &Zone,
    clock: i64,
    time: Time,
    is_wanted: impl Fn(Date) -> bool,
) -> bool {
    day(zone, clock, 0)
        .filter(|day| is_wanted(*day))
        .is_some_and(|day| zone.moment(&DateTime::new(day, time)) == Some(clock))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_768_474_800; // 2026-01-15T11:00:00Z, a Thursday

    #[test]
    fn the_next_time_is_today_tomorrow_or_on_the_next_wanted_day() {
        let at = |hour| Time::new(hour, 0, 0).unwrap();
        assert_eq!(next(&Zone::default(), NOON, at(13), |_| true), NOON + 3_600);
        assert_eq!(next(&Zone::default(), NOON, at(12), |_| true), NOON + DAY_S, "not now again");
        let monday = |day: Date| day.day_of_week() == Some(1);
        assert_eq!(next(&Zone::default(), NOON, at(12), monday), NOON + 4 * DAY_S);
        assert_eq!(
            next(&Zone::default(), NOON, at(12), |_| false),
            NOON + 7 * DAY_S,
            "looked at again"
        );
        assert!(
            is_now(&Zone::default(), NOON, at(12), |_| true)
                && !is_now(&Zone::default(), NOON + 1, at(12), |_| true)
        );
        assert!(!is_now(&Zone::default(), NOON, at(12), monday));
    }
}
