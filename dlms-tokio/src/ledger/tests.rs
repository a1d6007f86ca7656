use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const DC: &[u8] = b"DHC0000000000001";

fn push(epoch: u32, sequence: u64) -> PushId<'static> {
    PushId { concentrator: DC, epoch, sequence }
}

/// The digest of the APDU that has this number.
fn digest(sequence: u64) -> Digest {
    u128::from(sequence).to_be_bytes()
}

/// A ledger that has met the concentrator.
fn met() -> Ledger {
    let mut ledger = Ledger::default();
    assert!(ledger.handle_next(DC, 1, 1));
    ledger
}

fn live(ledger: &mut Ledger, epoch: u32, sequence: u64) -> Verdict {
    ledger.handle_live(push(epoch, sequence), digest(sequence))
}

fn row(ledger: &mut Ledger, epoch: u32, sequence: u64) -> Verdict {
    ledger.handle_row(push(epoch, sequence), digest(sequence))
}

#[test]
fn a_push_that_comes_both_ways_is_taken_once_whichever_is_first() {
    let ledger = &mut met();
    assert_eq!(row(ledger, 1, 4), Verdict::New);
    assert_eq!(live(ledger, 1, 5), Verdict::New);
    assert_eq!(live(ledger, 1, 5), Verdict::Known);
    assert_eq!(row(ledger, 1, 5), Verdict::Known);
    assert_eq!(row(ledger, 1, 9), Verdict::New);
    assert_eq!(live(ledger, 1, 9), Verdict::Known);
    // What rows were read beyond was no push: one that comes after all is an old one.
    assert_eq!(live(ledger, 1, 7), Verdict::Known);
    let counters = LedgerCounters { live: 1, rows: 2, known: 4, ..LedgerCounters::default() };
    assert_eq!(ledger.counters(), counters);
}

#[test]
fn live_pushes_are_taken_in_their_order_and_never_ahead_of_a_backlog() {
    let ledger = &mut met();
    // What is in the spool is not known yet.
    assert_eq!(live(ledger, 1, 9), Verdict::Later);
    assert_eq!(row(ledger, 1, 3), Verdict::New);
    assert_eq!(live(ledger, 1, 4), Verdict::New);
    assert_eq!(live(ledger, 1, 6), Verdict::Later);
    assert_eq!(live(ledger, 1, 5), Verdict::New);
    assert_eq!(live(ledger, 1, 6), Verdict::New);
    // A new epoch begins with a row.
    assert_eq!(live(ledger, 2, 7), Verdict::Later);
    assert_eq!(row(ledger, 2, 7), Verdict::New);
    assert_eq!(live(ledger, 2, 8), Verdict::New);
}

#[test]
fn who_forges_live_pushes_does_not_make_the_head_end_miss_one() {
    let ledger = &mut met();
    assert_eq!(row(ledger, 1, 4), Verdict::New);
    assert_eq!(ledger.handle_live(push(1, 5), [0xFF; 16]), Verdict::New);
    // The true one comes too late for the shortcut, and not too late.
    assert_eq!(live(ledger, 1, 5), Verdict::Later);
    assert_eq!(ledger.all_up_to(DC), 4);
    assert_eq!(row(ledger, 1, 5), Verdict::New);
    assert_eq!(row(ledger, 1, 5), Verdict::Known);
    assert_eq!((ledger.counters().contradicted, ledger.all_up_to(DC)), (1, 5));
    // Nor does one of another concentrator, or one of many epochs, push it out.
    let other = PushId { concentrator: b"DHC9999999999999", epoch: 1, sequence: 1 };
    assert_eq!(ledger.handle_live(other, digest(1)), Verdict::Later);
    for epoch in 100..120 {
        live(ledger, epoch, 1);
    }
    assert_eq!(row(ledger, 1, 5), Verdict::Known);
    // Nor does a number from far ahead.
    assert_eq!(ledger.handle_live(push(1, u64::MAX), [0xFF; 16]), Verdict::Later);
    assert!(ledger.handle_next(DC, 1, 7));
    assert_eq!(ledger.wanted(DC), Some(6));
    assert_eq!(row(ledger, 1, 6), Verdict::New);
}

#[test]
fn pushes_of_other_concentrators_and_other_epochs_are_others() {
    let ledger = &mut met();
    let other = PushId { concentrator: b"DHC0000000000002", epoch: 1, sequence: 5 };
    for id in [push(1, 5), push(2, 5), other] {
        assert_eq!(ledger.handle_row(id, digest(5)), Verdict::New, "{id:?}");
        assert_eq!(ledger.handle_row(id, digest(5)), Verdict::Known, "{id:?}");
    }
}

#[test]
fn only_what_was_read_as_a_row_is_acknowledged() {
    let ledger = &mut met();
    assert!(ledger.handle_next(DC, 1, 6));
    assert_eq!((ledger.all_up_to(DC), ledger.wanted(DC)), (0, Some(1)));
    row(ledger, 1, 1);
    for sequence in 2..6 {
        assert_eq!(live(ledger, 1, sequence), Verdict::New);
    }
    assert_eq!((ledger.all_up_to(DC), ledger.wanted(DC)), (1, Some(2)));
    row(ledger, 1, 5);
    assert_eq!((ledger.all_up_to(DC), ledger.wanted(DC)), (5, None));
}

#[test]
fn a_concentrator_that_gives_numbers_again_is_noticed_unless_it_has_a_new_epoch() {
    let ledger = &mut met();
    row(ledger, 1, 13);
    assert!(!ledger.handle_next(DC, 1, 2));
    assert!(!ledger.handle_next(DC, 1, 13));
    assert!(ledger.handle_next(DC, 1, 14));
    assert!(ledger.handle_next(DC, 2, 2));
    assert_eq!(ledger.wanted(DC), Some(1));
    assert_eq!(row(ledger, 2, 1), Verdict::New);
    assert_eq!((ledger.counters().restarted, ledger.all_up_to(DC)), (2, 1));
}

#[test]
fn beyond_a_limit_live_pushes_are_left_to_the_spool_and_rows_stay_there() {
    let ledger = &mut met();
    row(ledger, 1, 1);
    let beyond = LIVE_MAX as u64 + 2;
    let taken = (2..=beyond).filter(|&sequence| live(ledger, 1, sequence) == Verdict::New);
    assert_eq!(taken.count(), LIVE_MAX);
    assert_eq!(ledger.counters().later, 1);
    assert_eq!(row(ledger, 1, 2), Verdict::Known);
    assert_eq!(live(ledger, 1, beyond), Verdict::New);

    for number in 1..CONCENTRATORS_MAX as u32 {
        let concentrator = &number.to_be_bytes()[..];
        ledger.handle_row(PushId { concentrator, epoch: 1, sequence: 1 }, digest(1));
    }
    let one_more = PushId { concentrator: b"one more", epoch: 1, sequence: 1 };
    assert_eq!(ledger.handle_row(one_more, digest(1)), Verdict::Later);
    let long = PushId { concentrator: &[b'x'; NAME_LEN_MAX + 1], ..one_more };
    assert_eq!(ledger.handle_row(long, digest(1)), Verdict::Later);
    for epoch in 2..20 {
        assert_eq!(row(ledger, epoch, 3), Verdict::New);
    }
    assert_eq!(ledger.lives().filter(|life| life.concentrator == DC).count(), LIVES_MAX);
}

proptest! {
    /// The concentrator gives numbers with gaps, some pushes come live, in any order and more than
    /// once, the spool is read from time to time, acknowledgements get lost, and the head-end falls
    /// back to what it stored.
    #[test]
    fn every_push_is_taken_once_whatever_is_lost_repeated_or_restored(
        steps in prop::collection::vec((0_u8..6, 0_u64..4, any::<prop::sample::Index>()), 1..200),
    ) {
        let mut given: Vec<(u32, u64)> = Vec::new();
        let (mut epoch, mut next, mut acknowledged) = (1, 1, 0);
        let (mut ledger, mut taken) = (met(), BTreeMap::new());
        let mut stored = (ledger.lives().collect::<Vec<_>>(), taken.clone());
        let take = |taken: &mut BTreeMap<(u32, u64), u32>, id, verdict| {
            if verdict == Verdict::New {
                *taken.entry(id).or_insert(0) += 1;
            }
        };
        for (what, gap, index) in steps {
            match what {
                0 | 1 => {
                    next += gap.saturating_sub(2) + 1;
                    given.push((epoch, next - 1));
                }
                2 if !given.is_empty() => {
                    let id = given[index.index(given.len())];
                    take(&mut taken, id, live(&mut ledger, id.0, id.1));
                }
                3 => {
                    let count = 1 + index.index(5);
                    let there = given.iter().filter(|(_, sequence)| *sequence > acknowledged);
                    for &id in there.take(count) {
                        take(&mut taken, id, row(&mut ledger, id.0, id.1));
                    }
                    stored = (ledger.lives().collect(), taken.clone());
                    if gap > 0 {
                        acknowledged = acknowledged.max(ledger.all_up_to(DC));
                    }
                }
                4 => {
                    ledger = Ledger::default();
                    stored.0.iter().for_each(|life| ledger.restore(life));
                    taken.clone_from(&stored.1);
                }
                _ => epoch += u32::from(gap == 0 && (epoch as usize) < LIVES_MAX),
            }
        }
        for &id in given.iter().filter(|(_, sequence)| *sequence > acknowledged) {
            take(&mut taken, id, row(&mut ledger, id.0, id.1));
        }
        prop_assert!(taken.values().all(|times| *times == 1), "{taken:?}");
        prop_assert_eq!(taken.into_keys().collect::<Vec<_>>(), given);
    }
}
