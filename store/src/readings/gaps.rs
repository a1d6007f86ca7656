//! What is missing, and what of it is worth asking for.
//!
//! Intervals are numbered through: interval `n` of a step of `s` seconds is captured at `n * s`
//! seconds after 1970. A gap is a range of such numbers.
//!
//! ```text
//!    stored     ████████░░░░░░██░████████░░███
//!    lost               ───                        the meter has overwritten it
//!    asked for             ──────                  two holes, two intervals apart: one request
//!                                       ──
//! ```

use core::ops::Range;

use super::{EncodedBlock, Step, UtcDay};

/// A range of intervals, by number.
pub type Span = Range<i64>;

/// What to do about gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Ranges to ask the meter for, the oldest first: that one is overwritten first.
    pub ask: Vec<Span>,
    /// Ranges that the meter has overwritten.
    pub lost: Vec<Span>,
}

/// How gaps become requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Holes with at most so many stored intervals between them are asked for together: a request
    /// costs a round trip, an interval a few octets.
    pub join: u16,
    /// Intervals of one request, at most.
    pub request_max: u16,
}

impl Default for Rules {
    fn default() -> Self {
        Self { join: 4, request_max: 2_000 }
    }
}

/// The interval of a moment, by number: the last one captured at or before it.
pub fn number(step: Step, unix_s: i64) -> i64 {
    unix_s.div_euclid(i64::from(step.seconds()))
}

/// What is missing in `wanted`, given the days that are stored, in order.
pub fn missing<'a>(
    step: Step,
    wanted: Span,
    stored: impl IntoIterator<Item = (UtcDay, &'a EncodedBlock)>,
) -> Vec<Span> {
    let mut gaps = Vec::new();
    let mut next = wanted.start;
    for (day, block) in stored {
        let first = number(step, day.start());
        for slot in 0..step.slots() {
            let here = first + i64::from(slot);
            let octet = block.present.get(usize::from(slot / 8)).copied().unwrap_or(0);
            if octet & (0x80 >> (slot % 8)) != 0 && here >= next {
                push(&mut gaps, next..here.min(wanted.end));
                next = here + 1;
            }
        }
    }
    push(&mut gaps, next..wanted.end);
    gaps
}

/// What several channels of one profile miss together: a row is asked for as a whole.
pub fn union(gaps: impl IntoIterator<Item = Vec<Span>>) -> Vec<Span> {
    let mut all: Vec<Span> = gaps.into_iter().flatten().collect();
    all.sort_by_key(|span| span.start);
    join(all, 0)
}

/// What to do about `missing`, in order. The meter holds intervals from `oldest` on.
pub fn plan(missing: Vec<Span>, oldest: i64, rules: Rules) -> Plan {
    let mut plan = Plan::default();
    let mut held = Vec::new();
    for span in missing {
        push(&mut plan.lost, span.start..span.end.min(oldest));
        push(&mut held, span.start.max(oldest)..span.end);
    }
    let most = i64::from(rules.request_max.max(1));
    for span in join(held, rules.join) {
        let mut start = span.start;
        while start < span.end {
            let end = span.end.min(start + most);
            plan.ask.push(start..end);
            start = end;
        }
    }
    plan
}

fn push(spans: &mut Vec<Span>, span: Span) {
    if span.start < span.end {
        spans.push(span);
    }
}

/// Spans that are at most `apart` from each other become one.
fn join(spans: Vec<Span>, apart: u16) -> Vec<Span> {
    let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.start <= last.end + i64::from(apart) => {
                last.end = last.end.max(span.end);
            }
            _ => joined.push(span),
        }
    }
    joined
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "a list of gaps may have one")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::readings::{Block, Interval, merge::merge};

    fn hours() -> Step {
        Step::from_seconds(3_600).unwrap()
    }

    fn day(slots: &[u16]) -> EncodedBlock {
        let mut block = Block::new(hours());
        let arrived: Vec<_> = slots.iter().map(|&slot| (slot, Interval::measured(1))).collect();
        merge(&mut block, &[], &arrived);
        block.encode()
    }

    #[test]
    fn a_day_that_is_not_stored_is_missing_whole() {
        assert_eq!(missing(hours(), 24..48, []), [24..48]);
    }

    #[test]
    fn holes_are_found_at_the_beginning_between_and_at_the_end() {
        let stored = day(&[2, 3, 7]);
        assert_eq!(missing(hours(), 24..48, [(UtcDay(1), &stored)]), [24..26, 28..31, 32..48]);
        // And only those that are wanted.
        assert_eq!(missing(hours(), 27..30, [(UtcDay(1), &stored)]), [28..30]);
        assert_eq!(missing(hours(), 26..28, [(UtcDay(1), &stored)]), []);
    }

    #[test]
    fn what_the_meter_has_overwritten_is_lost_and_not_asked_for() {
        let planned = plan(vec![0..10, 12..14], 6, Rules { join: 0, request_max: 100 });
        assert_eq!(planned, Plan { ask: vec![6..10, 12..14], lost: vec![0..6] });
        let planned = plan(vec![0..10, 12..14], 11, Rules { join: 0, request_max: 100 });
        assert_eq!(planned, Plan { ask: vec![12..14], lost: vec![0..10] });
    }

    #[test]
    fn near_holes_are_one_request_and_a_long_one_is_several() {
        let planned = plan(vec![0..1, 3..4, 9..10], 0, Rules { join: 2, request_max: 3 });
        assert_eq!(planned.ask, [0..3, 3..4, 9..10]);
    }

    #[test]
    fn a_row_is_missing_when_one_of_its_columns_is() {
        assert_eq!(union([vec![0..4, 8..9], vec![2..6]]), [0..6, 8..9]);
    }

    proptest! {
        #[test]
        fn what_is_missing_and_what_is_stored_make_up_what_is_wanted(
            slots in proptest::collection::btree_set(0_u16..24, 0..24),
            from in 0_i64..40, length in 0_i64..40,
        ) {
            let stored = day(&slots.iter().copied().collect::<Vec<_>>());
            let wanted = from..from + length;
            let gaps = missing(hours(), wanted.clone(), [(UtcDay(1), &stored)]);
            for number in 0..100 {
                let there = (24..48).contains(&number) && slots.contains(&((number - 24) as u16));
                let expected = wanted.contains(&number) && !there;
                prop_assert_eq!(gaps.iter().any(|gap| gap.contains(&number)), expected);
            }
        }

        #[test]
        fn everything_missing_is_asked_for_or_lost_and_no_request_is_too_long(
            holes in proptest::collection::btree_set(0_i64..200, 0..60),
            oldest in 0_i64..200, join in 0_u16..6, request_max in 1_u16..20,
        ) {
            let missing = union(holes.iter().map(|&hole| vec![hole..hole + 1]));
            let planned = plan(missing, oldest, Rules { join, request_max });
            for hole in &holes {
                let asked = planned.ask.iter().filter(|span| span.contains(hole)).count();
                let lost = planned.lost.iter().filter(|span| span.contains(hole)).count();
                prop_assert_eq!((asked, lost), if *hole < oldest { (0, 1) } else { (1, 0) });
            }
            for span in &planned.ask {
                prop_assert!(span.start >= oldest);
                prop_assert!(span.end - span.start <= i64::from(request_max));
                prop_assert!(holes.contains(&span.start) || span.start > oldest);
            }
        }
    }
}
