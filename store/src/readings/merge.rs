//! Values that arrive, and those that are there already.
//!
//! Merging is idempotent: what comes again changes nothing, so it does not matter whether an answer
//! was lost before or after it was stored. Where two values differ, the better quality stays, and
//! of equals the one that came later; the other one is a [`Revision`], for bills that were made
//! of it. A revision that arrives again, by a slower way, changes nothing either.

use super::{Block, Interval};

/// What merging did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Whether the block is another one now.
    pub changed: bool,
    /// Intervals that were not there before.
    pub added: u16,
    /// Values that gave way.
    pub revisions: Vec<Revision>,
    /// Slots that no day has. Nothing was done with them.
    pub outside: u16,
}

/// A value that is not the one that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Of which interval.
    pub slot: u16,
    /// The value that gave way.
    pub interval: Interval,
    /// Whether it was there first.
    pub reason: Reason,
}

/// Why a value is not the one that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reason {
    /// It counted until a later one came.
    Replaced = 0,
    /// It came while a better one was there.
    Inferior = 1,
    /// It was captured out of turn, in an interval that has its value: at a power failure or when
    /// the clock was set.
    OutOfTurn = 2,
}

/// Captures further than this from the full interval, in seconds, are out of turn.
const IN_TURN_MAX_S: u32 = 60;

/// Puts what arrived into `block`. What is in `revisions` gave way before and is passed over.
pub fn merge(
    block: &mut Block,
    revisions: &[(u16, Interval)],
    arrived: &[(u16, Interval)],
) -> Merged {
    let mut merged = Merged::default();
    for &(slot, interval) in arrived {
        if revisions.contains(&(slot, interval)) {
            continue;
        }
        let Some(place) = block.slot_mut(slot) else {
            merged.outside = merged.outside.saturating_add(1);
            continue;
        };
        match place {
            None => {
                *place = Some(interval);
                merged.added += 1;
                merged.changed = true;
            }
            Some(there) if *there == interval => {}
            Some(there) => {
                let reason = judge(*there, interval);
                let loser = if reason == Reason::Replaced {
                    merged.changed = true;
                    core::mem::replace(there, interval)
                } else {
                    interval
                };
                merged.revisions.push(Revision { slot, interval: loser, reason });
            }
        }
    }
    merged
}

/// What becomes of `arrived`, or of `there` where it is [`Reason::Replaced`].
fn judge(there: Interval, arrived: Interval) -> Reason {
    let distance = |interval: Interval| interval.offset_s.unsigned_abs();
    let out_of_turn = |interval| distance(interval) > IN_TURN_MAX_S;
    if out_of_turn(arrived) && distance(arrived) > distance(there) {
        Reason::OutOfTurn
    } else if arrived.quality.rank() < there.quality.rank() && !out_of_turn(there) {
        Reason::Inferior
    } else {
        Reason::Replaced
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::readings::{Quality, Step};

    fn block(there: &[(u16, Interval)]) -> Block {
        let mut block = Block::new(Step::from_seconds(900).unwrap());
        merge(&mut block, &[], there);
        block
    }

    #[test]
    fn what_comes_again_changes_nothing() {
        let arrived = [(3, Interval::measured(10)), (4, Interval::measured(11))];
        let mut day = block(&arrived);
        assert_eq!(merge(&mut day, &[], &arrived), Merged::default());
    }

    #[test]
    fn a_measurement_takes_the_place_of_an_estimate_which_is_kept() {
        let estimate = Interval { quality: Quality::Estimated, ..Interval::measured(9) };
        let mut day = block(&[(3, estimate)]);
        let merged = merge(&mut day, &[], &[(3, Interval::measured(10))]);
        assert_eq!(
            merged.revisions,
            [Revision { slot: 3, interval: estimate, reason: Reason::Replaced }]
        );
        assert_eq!(day.slot(3), Some(Interval::measured(10)));
    }

    #[test]
    fn an_estimate_does_not_take_the_place_of_a_measurement_and_is_kept() {
        let estimate = Interval { quality: Quality::Estimated, ..Interval::measured(9) };
        let mut day = block(&[(3, Interval::measured(10))]);
        let merged = merge(&mut day, &[], &[(3, estimate)]);
        assert!(!merged.changed);
        assert_eq!(
            merged.revisions,
            [Revision { slot: 3, interval: estimate, reason: Reason::Inferior }]
        );
        assert_eq!(day.slot(3), Some(Interval::measured(10)));
    }

    #[test]
    fn a_capture_out_of_turn_does_not_displace_the_one_of_the_interval_in_either_order() {
        let turn = Interval { offset_s: 2, ..Interval::measured(10) };
        let failure = Interval { offset_s: 450, ..Interval::measured(14) };
        let mut day = block(&[(3, turn)]);
        assert_eq!(merge(&mut day, &[], &[(3, failure)]).revisions[0].reason, Reason::OutOfTurn);
        assert_eq!(day.slot(3), Some(turn));

        let mut day = block(&[(3, failure)]);
        assert_eq!(merge(&mut day, &[], &[(3, turn)]).revisions[0].interval, failure);
        assert_eq!(day.slot(3), Some(turn));
    }

    #[test]
    fn an_interval_that_no_day_has_is_told_and_nothing_is_done() {
        let mut day = block(&[]);
        let merged = merge(&mut day, &[], &[(96, Interval::measured(1))]);
        assert_eq!(merged, Merged { outside: 1, ..Merged::default() });
        assert_eq!(day, block(&[]));
    }

    #[test]
    fn what_gave_way_and_comes_again_by_a_slower_way_changes_nothing() {
        let (first, second) = (Interval::measured(10), Interval::measured(12));
        let mut day = block(&[(3, first)]);
        merge(&mut day, &[], &[(3, second)]);
        assert_eq!(merge(&mut day, &[(3, first)], &[(3, first)]), Merged::default());
        assert_eq!(day.slot(3), Some(second));
    }

    proptest! {
        #[test]
        fn no_value_that_ever_arrived_is_lost(
            arrivals in proptest::collection::vec((0_u16..4, 0_i64..5, 0_i32..200, 0_u8..4), 0..40),
        ) {
            let mut day = block(&[]);
            let mut kept = Vec::new();
            for &(slot, value, offset_s, quality) in &arrivals {
                let quality = [
                    Quality::Measured,
                    Quality::Doubtful,
                    Quality::Estimated,
                    Quality::Edited,
                ][usize::from(quality)];
                let interval = Interval { value, offset_s, quality, status: 0 };
                let merged = merge(&mut day, &kept, &[(slot, interval)]);
                kept.extend(merged.revisions.iter().map(|lost| (lost.slot, lost.interval)));
                prop_assert!(day.slot(slot) == Some(interval) || kept.contains(&(slot, interval)));
            }
            // And each is in one place: what counts, or what gave way.
            let arrived = arrivals.len();
            prop_assert!(kept.len() + usize::from(day.count()) <= arrived);
        }
    }
}
