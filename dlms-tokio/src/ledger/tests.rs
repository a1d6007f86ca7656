use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const DC: &[u8] = b"DHC0000000000001";

fn push(epoch: u32, sequence: u64) -> PushId<'static> {
    PushId { concentrator: DC, epoch, sequence }
}

#[test]
fn a_push_that_comes_both_ways_is_taken_once_whichever_is_first() {
    let mut ledger = Ledger::default();
    assert_eq!(ledger.handle_live(push(1, 5)), Verdict::New);
    assert_eq!(ledger.handle_live(push(1, 5)), Verdict::Known);
    assert_eq!(ledger.handle_row(push(1, 4)), Verdict::New);
    assert_eq!(ledger.handle_row(push(1, 5)), Verdict::Known);
    assert_eq!(ledger.handle_row(push(1, 9)), Verdict::New);
    assert_eq!(ledger.handle_live(push(1, 9)), Verdict::Known);
    // What rows were read beyond was no push: one that comes after all is an old one.
    assert_eq!(ledger.handle_live(push(1, 7)), Verdict::Known);
    let counters = LedgerCounters { live: 1, rows: 2, known: 4, ..LedgerCounters::default() };
    assert_eq!(ledger.counters(), counters);
}

#[test]
fn pushes_of_other_concentrators_and_other_epochs_are_others() {
    let mut ledger = Ledger::default();
    let other = PushId { concentrator: b"DHC0000000000002", epoch: 1, sequence: 5 };
    for id in [push(1, 5), push(2, 5), other] {
        assert_eq!(ledger.handle_row(id), Verdict::New, "{id:?}");
        assert_eq!(ledger.handle_row(id), Verdict::Known, "{id:?}");
    }
}

#[test]
fn nothing_is_acknowledged_beyond_a_push_that_is_not_known() {
    let mut ledger = Ledger::default();
    for sequence in [1, 2, 4, 5] {
        ledger.handle_live(push(1, sequence));
    }
    assert_eq!(ledger.all_up_to(DC), 2);
    assert!(ledger.handle_next(DC, 1, 6));
    assert_eq!(ledger.wanted(DC), Some(3));
    ledger.handle_live(push(1, 3));
    assert_eq!((ledger.all_up_to(DC), ledger.wanted(DC)), (5, None));
}

#[test]
fn a_concentrator_that_gives_numbers_again_is_noticed_unless_it_has_a_new_epoch() {
    let mut ledger = Ledger::default();
    ledger.handle_row(push(1, 13));
    assert!(!ledger.handle_next(DC, 1, 2));
    assert!(!ledger.handle_next(DC, 1, 13));
    assert!(ledger.handle_next(DC, 1, 14));
    assert!(ledger.handle_next(DC, 2, 2));
    assert_eq!(ledger.wanted(DC), Some(1));
    assert_eq!(ledger.handle_row(push(2, 1)), Verdict::New);
    assert_eq!(ledger.counters().restarted, 2);
}

#[test]
fn beyond_a_limit_live_pushes_are_left_to_the_spool_and_nothing_is_forgotten() {
    let mut ledger = Ledger::default();
    // Every second one, so that each is a run.
    let taken = (1..=2 * RUNS_MAX as u64).step_by(2).skip(1);
    let taken = taken.filter(|&sequence| ledger.handle_live(push(1, sequence)) == Verdict::New);
    assert_eq!(taken.count(), RUNS_MAX - 1);
    let beyond = 10 * RUNS_MAX as u64;
    assert_eq!(ledger.handle_live(push(1, beyond)), Verdict::Later);
    assert_eq!(ledger.handle_live(push(1, 4)), Verdict::New);
    assert_eq!(ledger.handle_row(push(1, beyond)), Verdict::New);
    assert_eq!(ledger.counters().later, 1);

    for number in 1..CONCENTRATORS_MAX as u32 {
        let concentrator = &number.to_be_bytes()[..];
        ledger.handle_row(PushId { concentrator, epoch: 1, sequence: 1 });
    }
    let one_more = PushId { concentrator: b"one more", epoch: 1, sequence: 1 };
    assert_eq!(ledger.handle_row(one_more), Verdict::Later);
    let long = PushId { concentrator: &[b'x'; NAME_LEN_MAX + 1], ..one_more };
    assert_eq!(ledger.handle_row(long), Verdict::Later);
    for epoch in 2..20 {
        assert_eq!(ledger.handle_row(push(epoch, 3)), Verdict::New);
    }
    assert_eq!(ledger.lives().filter(|life| life.concentrator == DC).count(), LIVES_MAX);
}

proptest! {
    /// The concentrator gives numbers with gaps, some pushes come live, in any order and more than
    /// once, the spool is read from time to time, and the head-end falls back to what it stored.
    #[test]
    fn every_push_is_taken_once_whatever_is_lost_repeated_or_restored(
        steps in prop::collection::vec((0_u8..6, 0_u64..4, any::<prop::sample::Index>()), 1..200),
    ) {
        let mut given: Vec<(u32, u64)> = Vec::new();
        let (mut epoch, mut next, mut acknowledged) = (1, 1, 0);
        let (mut ledger, mut taken) = (Ledger::default(), BTreeMap::new());
        let mut stored = (ledger.lives().collect::<Vec<_>>(), taken.clone());
        for (what, gap, index) in steps {
            match what {
                0 | 1 => {
                    next += gap.saturating_sub(2) + 1;
                    given.push((epoch, next - 1));
                }
                2 if !given.is_empty() => {
                    let id = given[index.index(given.len())];
                    // One that was acknowledged does not come again; all others may.
                    if id.1 > acknowledged && ledger.handle_live(push(id.0, id.1)) == Verdict::New {
                        *taken.entry(id).or_insert(0) += 1;
                    }
                }
                3 => {
                    let count = 1 + index.index(5);
                    let there = given.iter().filter(|(_, sequence)| *sequence > acknowledged);
                    for &id in there.take(count) {
                        if ledger.handle_row(push(id.0, id.1)) == Verdict::New {
                            *taken.entry(id).or_insert(0) += 1;
                        }
                    }
                    stored = (ledger.lives().collect(), taken.clone());
                    acknowledged = acknowledged.max(ledger.all_up_to(DC));
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
            if ledger.handle_row(push(id.0, id.1)) == Verdict::New {
                *taken.entry(id).or_insert(0) += 1;
            }
        }
        prop_assert!(taken.values().all(|times| *times == 1), "{taken:?}");
        prop_assert_eq!(taken.into_keys().collect::<Vec<_>>(), given);
    }
}
