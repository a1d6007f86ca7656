//! Interval readings: what a load profile brings, kept by channel and UTC day.
//!
//! A *channel* is one captured column of one meter: its values have one scaler and one unit. A day
//! of it is a [`Block`]: a bitmap of the intervals that are there, the mantissas as the meter sent
//! them, and notes where something is to be said about one. Blocks are merged
//! ([`merge`](mod@merge)), so that what arrives twice is stored once and what is overwritten is
//! kept beside it; what is missing follows from the bitmaps ([`gaps`]).
//!
//! The day is a UTC day: it has the same number of intervals all year, whatever clocks do in March
//! and October.
//!
//! ```
//! use store::readings::{Block, Interval, Step, UtcDay, merge};
//!
//! let step = Step::from_seconds(900)?;
//! let mut block = Block::new(step);
//! let place = step.place(1_767_226_500, 60);
//! assert_eq!((place.day, place.slot), (UtcDay(20_454), 1));
//!
//! let arrived = [(place.slot, Interval::measured(230_145))];
//! assert!(merge::merge(&mut block, &[], &arrived).changed);
//! assert!(!merge::merge(&mut block, &[], &arrived).changed);
//! assert_eq!(block.slot(1).map(|interval| interval.value), Some(230_145));
//! # Ok::<(), store::readings::StepError>(())
//! ```

mod block;
pub mod gaps;
pub mod merge;
pub(crate) mod stored;

pub use self::{
    block::{Block, BlockError, EncodedBlock, Interval, Quality},
    stored::{Arrived, ChannelId, ChannelKey, Stored, StoredRevision},
};

/// Seconds of a day.
pub const DAY_S: u32 = 86_400;
/// Intervals of a day, at most: one every ten seconds.
pub const SLOTS_MAX: u16 = 8_640;

/// A day of UTC: days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcDay(pub i32);

impl UtcDay {
    /// The day that has the second `unix_s`.
    pub fn of(unix_s: i64) -> Self {
        // Timestamps are within the years -9999 to 9999, days of which fit.
        Self(unix_s.div_euclid(i64::from(DAY_S)) as i32)
    }

    /// Its first second.
    pub fn start(self) -> i64 {
        i64::from(self.0) * i64::from(DAY_S)
    }
}

/// How long an interval is, in seconds. A day is a whole number of intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step(u32);

/// An interval that does not divide a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an interval of {0} s does not divide a day into at most {SLOTS_MAX} parts")]
pub struct StepError(pub u32);

/// Where a value belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The day.
    pub day: UtcDay,
    /// The interval of the day, from 0. It is named by the moment at which it was captured, which
    /// is its end for a meter that captures at the end of an interval.
    pub slot: u16,
    /// How far the capture was from the full interval, in seconds: the meter's clock drifts.
    pub offset_s: i32,
}

impl Step {
    /// Intervals of `seconds`.
    ///
    /// # Errors
    /// If they do not divide a day, or divide it into more than [`SLOTS_MAX`].
    pub fn from_seconds(seconds: u32) -> Result<Self, StepError> {
        let divides = seconds != 0 && DAY_S.is_multiple_of(seconds);
        if divides && DAY_S / seconds <= u32::from(SLOTS_MAX) {
            Ok(Self(seconds))
        } else {
            Err(StepError(seconds))
        }
    }

    /// The length of an interval, in seconds.
    pub fn seconds(self) -> u32 {
        self.0
    }

    /// Intervals of a day.
    pub fn slots(self) -> u16 {
        // At most SLOTS_MAX, by construction.
        (DAY_S / self.0) as u16
    }

    /// Where a value belongs that was captured at the second `unix_s`. A capture that is at most
    /// `tolerance_s` before a full interval belongs to it, as one after it does.
    pub fn place(self, unix_s: i64, tolerance_s: u32) -> Place {
        let tolerance = i64::from(tolerance_s.min(self.0 / 2));
        let number = (unix_s + tolerance).div_euclid(i64::from(self.0));
        let start = number * i64::from(self.0);
        let day = UtcDay::of(start);
        Place {
            day,
            slot: ((start - day.start()) / i64::from(self.0)) as u16,
            offset_s: (unix_s - start) as i32,
        }
    }

    /// The second of an interval.
    pub fn moment(self, day: UtcDay, slot: u16) -> i64 {
        day.start() + i64::from(slot) * i64::from(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_divides_a_day() {
        assert_eq!(Step::from_seconds(900).map(Step::slots), Ok(96));
        assert_eq!(Step::from_seconds(DAY_S).map(Step::slots), Ok(1));
        assert_eq!(Step::from_seconds(10).map(Step::slots), Ok(SLOTS_MAX));
        for wrong in [0, 9, 7 * 60, DAY_S + 1, 2 * DAY_S] {
            assert_eq!(Step::from_seconds(wrong), Err(StepError(wrong)));
        }
    }

    #[test]
    fn a_clock_that_is_a_little_early_or_late_captures_the_same_interval() {
        let step = Step::from_seconds(900).unwrap();
        for (late, offset) in [(-60, -60), (-1, -1), (0, 0), (1, 1), (839, 839)] {
            let place = step.place(86_400 + 1_800 + late, 60);
            assert_eq!(place, Place { day: UtcDay(1), slot: 2, offset_s: offset });
        }
        assert_eq!(step.place(86_400 + 1_800 - 61, 60).slot, 1);
        // A second before midnight is the first interval of the day that begins.
        assert_eq!(step.place(-1, 60), Place { day: UtcDay(0), slot: 0, offset_s: -1 });
        // No tolerance is half an interval or more.
        let wide = Place { day: UtcDay(0), slot: 1, offset_s: -450 };
        assert_eq!(step.place(450, 900), wide);
    }

    #[test]
    fn days_before_1970_are_days() {
        assert_eq!(UtcDay::of(-1), UtcDay(-1));
        assert_eq!(UtcDay(-1).start(), -86_400);
    }
}
