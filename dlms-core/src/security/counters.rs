//! Invocation counters: every protected APDU uses up one value per key and originator.
//!
//! Sent twice under one key, a value reveals both texts and lets an attacker forge; taken twice, it
//! is a replay. Each key therefore has a counter for sending and one for receiving, and neither
//! ever goes back while the key lives (Green Book 9.2.3.3.7.3, 9.2.7.2).

use core::ops::Range;

use super::SecurityError;

/// The largest counter value, which is neither sent nor accepted: the key must change before it.
pub const COUNTER_MAX: u32 = u32::MAX;

/// The longest window of a [`ReceiveCounter`]: what RFC 6347 clause 4.1.2.6 and RFC 4303 clause
/// 3.4.3 recommend, and the bits of one word.
pub const WINDOW_MAX: u32 = u64::BITS;

/// What was received under one key from one originator: only greater values are accepted, or, where
/// APDUs overtake each other as datagrams do, values in a [window](Self::with_window) that did not
/// come before.
///
/// [`check`](Self::check) before the tag is verified, [`accept`](Self::accept) after: a forged APDU
/// with a large counter must not lock the originator out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveCounter {
    /// The greatest value accepted.
    last: Option<u32>,
    /// How many values, the greatest included, may still come in another order.
    window: u32,
    /// Bit n: `last - n` was accepted or never will be.
    seen: u64,
}

/// As [`ReceiveCounter::new`].
impl Default for ReceiveCounter {
    fn default() -> Self {
        Self::new()
    }
}

impl ReceiveCounter {
    /// The counter of a key under which nothing was received yet: the first value may be zero.
    pub const fn new() -> Self {
        Self { last: None, window: 0, seen: u64::MAX }
    }

    /// The counter of a key under which `last` was accepted, as the owner remembers it.
    pub const fn after(last: u32) -> Self {
        Self { last: Some(last), window: 0, seen: u64::MAX }
    }

    /// The same, and from now on values that are at most `window - 1` below the greatest are
    /// accepted as well, each once. What is at or below the greatest value known so far counts as
    /// accepted. At most [`WINDOW_MAX`]; 0 is no window, which is what the standard has.
    #[must_use]
    pub const fn with_window(self, window: u32) -> Self {
        let window = if window > WINDOW_MAX { WINDOW_MAX } else { window };
        Self { last: self.last, window, seen: u64::MAX }
    }

    /// The greatest value accepted.
    pub const fn last(self) -> Option<u32> {
        self.last
    }

    /// The lowest value from which on every value is acceptable, as an exception response reports
    /// it.
    pub fn lowest_acceptable(self) -> u32 {
        self.last.map_or(0, |last| last.saturating_add(1))
    }

    /// Whether `received` may come next. Changes nothing.
    ///
    /// # Errors
    /// [`SecurityError::CounterMaximum`], [`SecurityError::CounterNotGreater`].
    pub fn check(self, received: u32) -> Result<(), SecurityError> {
        if received == COUNTER_MAX {
            return Err(SecurityError::CounterMaximum);
        }
        match self.last {
            Some(last) if received <= last => {
                let age = last.saturating_sub(received);
                if age < self.window && self.seen & bit(age) == 0 {
                    return Ok(());
                }
                Err(SecurityError::CounterNotGreater { received, last })
            }
            _ => Ok(()),
        }
    }

    /// Remembers `received`, whose tag was verified. A value that [`check`](Self::check) refuses
    /// changes nothing.
    pub fn accept(&mut self, received: u32) {
        if self.check(received).is_err() {
            return;
        }
        let Some(last) = self.last else {
            self.last = Some(received);
            // Whatever is below did not come yet.
            self.seen = if self.window == 0 { u64::MAX } else { bit(0) };
            return;
        };
        if received > last {
            let ahead = received.saturating_sub(last);
            self.last = Some(received);
            if self.window != 0 {
                self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | bit(0);
            }
        } else {
            self.seen |= bit(last.saturating_sub(received));
        }
    }
}

/// The bit of a value `age` below the greatest; none for one that is too old.
const fn bit(age: u32) -> u64 {
    match 1_u64.checked_shl(age) {
        Some(bit) => bit,
        None => 0,
    }
}

/// The values that may be sent under one key: a block that the owner has stored durably as used
/// before granting it here. What is left of it at a restart is lost, never repeated.
///
/// There is no copy of it: two would send the same values.
#[derive(Debug, Default)]
pub struct SendCounters {
    next: u32,
    /// The first value that was not granted; [`COUNTER_MAX`] itself never is.
    end: u32,
}

impl SendCounters {
    /// Counters without any value to send.
    pub const fn new() -> Self {
        Self { next: 0, end: 0 }
    }

    /// Adds a block. Values at or below those of earlier blocks are never given out again, so that
    /// a block granted twice does no harm; values between two blocks are skipped.
    pub fn grant(&mut self, block: Range<u32>) {
        if block.is_empty() {
            return;
        }
        if block.start > self.end {
            self.next = block.start;
        }
        self.end = self.end.max(block.end);
    }

    /// Takes the next value, which is thereby used, whether or not its APDU leaves.
    ///
    /// # Errors
    /// [`CountersExhausted`]: the owner must grant another block.
    pub fn take(&mut self) -> Result<u32, CountersExhausted> {
        if self.next >= self.end {
            return Err(CountersExhausted);
        }
        let counter = self.next;
        self.next = counter.saturating_add(1);
        Ok(counter)
    }

    /// The value that [`take`](Self::take) gives next, if any is left.
    pub const fn next(&self) -> u32 {
        self.next
    }

    /// How many values are left.
    pub const fn remaining(&self) -> u32 {
        self.end.saturating_sub(self.next)
    }
}

/// No granted invocation counter is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no granted invocation counter is left")]
pub struct CountersExhausted;

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, vec::Vec};

    use proptest::prelude::*;

    use super::*;

    fn drain(counters: &mut SendCounters) -> Vec<u32> {
        core::iter::from_fn(|| counters.take().ok()).collect()
    }

    #[test]
    fn only_a_greater_counter_is_accepted() {
        let mut counter = ReceiveCounter::new();
        assert_eq!(counter.check(0), Ok(()));
        counter.accept(0);
        for received in [7, 8, 1000] {
            assert_eq!(counter.check(received), Ok(()));
            counter.accept(received);
            let last = received;
            for received in [0, last - 1, last] {
                let refused = SecurityError::CounterNotGreater { received, last };
                assert_eq!(counter.check(received), Err(refused));
            }
            assert_eq!(counter.lowest_acceptable(), last + 1);
        }
        assert_eq!(ReceiveCounter::after(1000), counter);
    }

    #[test]
    fn accepting_what_is_refused_changes_nothing() {
        for mut counter in [ReceiveCounter::new(), ReceiveCounter::after(5)] {
            let before = counter;
            counter.accept(u32::MAX);
            assert_eq!(counter, before);
            counter.accept(7);
            assert_eq!(counter.last(), Some(7));
        }
    }

    #[test]
    fn checking_a_counter_changes_nothing() {
        let counter = ReceiveCounter::after(5);
        assert_eq!(counter.check(0xffff_0000), Ok(()));
        assert_eq!(counter.check(6), Ok(()));
        assert_eq!(counter.last(), Some(5));
    }

    #[test]
    fn in_a_window_each_value_is_accepted_once_in_any_order() {
        let mut counter = ReceiveCounter::new().with_window(4);
        for received in [10, 12, 11, 9, 20, 17, 18] {
            assert_eq!(counter.check(received), Ok(()), "{received}");
            counter.accept(received);
        }
        for received in [20, 18, 17, 16, 12, 0] {
            let refused = SecurityError::CounterNotGreater { received, last: 20 };
            assert_eq!(counter.check(received), Err(refused));
        }
        assert_eq!(counter.check(19), Ok(()));
        assert_eq!(counter.lowest_acceptable(), 21);
        assert_eq!(counter.check(COUNTER_MAX), Err(SecurityError::CounterMaximum));
    }

    #[test]
    fn what_came_before_a_restart_is_below_every_window() {
        let counter = ReceiveCounter::after(100).with_window(1_000);
        for received in [0, 36, 37, 99, 100] {
            assert!(counter.check(received).is_err(), "{received}");
        }
        let mut counter = counter;
        counter.accept(103);
        assert_eq!([100, 101, 102].map(|it| counter.check(it).is_ok()), [false, true, true]);
        // The longest window that there is.
        counter.accept(200);
        assert_eq!([136, 137].map(|it| counter.check(it).is_ok()), [false, true]);
    }

    proptest! {
        #[test]
        fn no_counter_is_accepted_twice_in_any_order_and_any_window(
            window in 0..100_u32,
            start in any::<u32>(),
            steps in prop::collection::vec(0..150_u32, 1..200),
            known in any::<bool>(),
        ) {
            let start = start.min(COUNTER_MAX - 200);
            let fresh =
                if known { ReceiveCounter::after(start) } else { ReceiveCounter::new() };
            let mut counter = fresh.with_window(window);
            let mut taken = BTreeSet::new();
            let mut greatest = known.then_some(start);
            for received in steps.into_iter().map(|step| start + step) {
                let is_greater = greatest.is_none_or(|greatest| received > greatest);
                let in_window = greatest.is_some_and(|greatest| {
                    received <= greatest && greatest - received < window.min(WINDOW_MAX)
                });
                let fits = is_greater
                    || in_window && !taken.contains(&received) && !(known && received <= start);
                prop_assert_eq!(counter.check(received).is_ok(), fits, "{}", received);
                if fits {
                    counter.accept(received);
                    prop_assert!(taken.insert(received));
                    greatest = greatest.max(Some(received));
                }
                prop_assert!(counter.check(received).is_err());
            }
        }
    }

    #[test]
    fn an_accepted_counter_never_goes_back() {
        let mut counter = ReceiveCounter::after(5);
        counter.accept(3);
        assert_eq!(counter.last(), Some(5));
    }

    #[test]
    fn the_largest_value_is_neither_accepted_nor_sent() {
        for counter in [ReceiveCounter::new(), ReceiveCounter::after(COUNTER_MAX - 1)] {
            assert_eq!(counter.check(COUNTER_MAX), Err(SecurityError::CounterMaximum));
        }
        let mut counters = SendCounters::new();
        counters.grant(COUNTER_MAX - 2..COUNTER_MAX);
        assert_eq!(drain(&mut counters), [COUNTER_MAX - 2, COUNTER_MAX - 1]);
        assert_eq!(counters.take(), Err(CountersExhausted));
    }

    #[test]
    fn a_block_is_sent_once_in_order_and_then_it_is_over() {
        let mut counters = SendCounters::new();
        assert_eq!(counters.take(), Err(CountersExhausted));
        counters.grant(10..13);
        assert_eq!(counters.remaining(), 3);
        assert_eq!(drain(&mut counters), [10, 11, 12]);
        assert_eq!(counters.remaining(), 0);
        counters.grant(20..22);
        assert_eq!(drain(&mut counters), [20, 21]);
    }

    #[test]
    fn a_block_granted_while_values_are_left_comes_after_them() {
        let mut counters = SendCounters::new();
        counters.grant(10..13);
        assert_eq!(counters.take(), Ok(10));
        counters.grant(13..15);
        assert_eq!(drain(&mut counters), [11, 12, 13, 14]);
    }

    #[test]
    fn a_block_granted_again_in_part_takes_nothing_away() {
        let mut counters = SendCounters::new();
        counters.grant(0..4);
        counters.grant(0..1);
        assert_eq!(drain(&mut counters), [0, 1, 2, 3]);
    }

    #[test]
    fn no_order_of_grants_gives_a_value_twice_or_one_that_was_not_granted() {
        let reversed = Range { start: 50, end: 40 };
        let grants = [0..4, 0..4, 2..6, 0..1, 9..12, 10..11, 6..9, 30..30, 12..14, reversed];
        let mut counters = SendCounters::new();
        let mut taken = Vec::new();
        for block in grants.clone() {
            counters.grant(block);
            taken.extend(counters.take());
        }
        taken.extend(drain(&mut counters));
        assert!(taken.is_sorted_by(|earlier, later| earlier < later), "{taken:?}");
        assert!(taken.iter().all(|value| grants.iter().any(|block| block.contains(value))));
        assert_eq!(taken.last(), Some(&13));
    }
}
