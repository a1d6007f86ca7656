//! When a task is due: every so many minutes, hours or days, at a time of day in UTC.
//!
//! Time is cut into *slots* that are numbered from 1970 on. In each slot a task is due once for
//! each meter: at the beginning of the slot and some seconds more, the *jitter*, which is another
//! for every meter and the same every time, so that meters are not all read at once. Whoever
//! remembers the number of a slot remembers that it was done.

use core::ops::Range;

/// Slots of a task.
///
/// ```
/// use concentrator::collection::Calendar;
///
/// // Each day at 02:00, within four hours, meters spread over one.
/// let calendar = Calendar { period_s: 86_400, at_s: 7_200, window_s: 14_400, jitter_s: 3_600 };
/// let slot = calendar.slot(1_767_232_800);
/// assert_eq!(calendar.window(slot), 1_767_232_800..1_767_247_200);
/// assert!(calendar.window(slot).contains(&calendar.due(slot, 0x1234_5678)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// Seconds from one slot to the next; at least 1.
    pub period_s: u32,
    /// Seconds from midnight UTC, or from the full hour or whatever a period is, to the beginning
    /// of a slot.
    pub at_s: u32,
    /// Seconds from the beginning of a slot within which the task may be begun or tried again.
    pub window_s: u32,
    /// Seconds over which meters are spread; less than the window.
    pub jitter_s: u32,
}

impl Calendar {
    /// The slot that has begun last at this moment, in seconds since 1970.
    #[must_use]
    pub fn slot(&self, utc_s: i64) -> i64 {
        utc_s.saturating_sub(self.at_s.into()).div_euclid(self.period_s())
    }

    /// From the beginning of a slot until nothing is begun in it any more.
    #[must_use]
    pub fn window(&self, slot: i64) -> Range<i64> {
        let start = slot.saturating_mul(self.period_s()).saturating_add(self.at_s.into());
        start..start.saturating_add(self.window_s.max(1).into())
    }

    /// When a meter is due in a slot; `spread` is any number that is the meter's own.
    #[must_use]
    pub fn due(&self, slot: i64, spread: u32) -> i64 {
        let jitter = spread % self.jitter_s.clamp(1, self.window_s.max(1));
        self.window(slot).start.saturating_add(jitter.into())
    }

    fn period_s(&self) -> i64 {
        self.period_s.max(1).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_moment_is_in_one_slot_and_every_meter_is_due_within_its_window(
            period_s in 1..10_000_000_u32,
            at_s in 0..100_000_u32,
            window_s in 0..100_000_u32,
            jitter_s in 0..100_000_u32,
            spread: u32,
            utc_s in -1_000_000_000..4_000_000_000_i64,
        ) {
            let calendar = Calendar { period_s, at_s, window_s, jitter_s };
            let slot = calendar.slot(utc_s);
            prop_assert!(calendar.window(slot).start <= utc_s);
            prop_assert!(utc_s < calendar.window(slot + 1).start);
            prop_assert!(calendar.window(slot).contains(&calendar.due(slot, spread)));
        }
    }

    #[test]
    fn meters_are_spread_over_the_jitter() {
        let calendar = Calendar { period_s: 3_600, at_s: 0, window_s: 900, jitter_s: 600 };
        let due = |spread| calendar.due(0, spread);
        assert_eq!([due(0), due(599), due(600), due(601)], [0, 599, 0, 1]);
    }
}
