//! Which pushes of meters a head-end has from its concentrators, so that it takes each once.
//!
//! A push comes twice: live, as soon as the concentrator has it, and as a row of the spool, which
//! is there until it is acknowledged. Live is the shortcut, and may fail at any time; the spool is
//! what counts. (concentrator, epoch, sequence) says that both are one.
//!
//! ```text
//!   live ----> new: take it      known: let it be      later: the spool will bring it
//!   row -----> new: take it      known: let it be      later: neither take nor acknowledge it
//!                         all up to the row are known then: rows come in order, with none left out
//! ```
//!
//! What is known is kept as runs of numbers, by the epoch in which the concentrator gave them.
//! Numbers have gaps, and a gap is one for good only where rows were read beyond it. In another
//! epoch the numbers may begin anew: a concentrator that lost its disk gets a higher epoch, and
//! [`handle_next`](Ledger::handle_next) notices one that did not.
//!
//! The owner stores what it takes together with [`lives`](Ledger::lives), and acknowledges
//! [`all_up_to`](Ledger::all_up_to) after that. What it takes and cannot store it must forget with
//! the ledger that noted it: a clone of before.
//!
//! Pure like the machines of `dlms-core`, and without time. It stands beside
//! [`route`](crate::route), which is about the same concentrators.
//!
//! ```
//! use dlms_tokio::ledger::{Ledger, PushId, Verdict};
//!
//! let mut ledger = Ledger::default();
//! let push = |sequence| PushId { concentrator: b"DC1", epoch: 1, sequence };
//! assert_eq!(ledger.handle_live(push(8)), Verdict::New);
//! assert_eq!(ledger.all_up_to(b"DC1"), 0);
//! // What there was before is read from the spool, and 8 with it.
//! assert_eq!(ledger.handle_row(push(7)), Verdict::New);
//! assert_eq!(ledger.handle_row(push(8)), Verdict::Known);
//! assert_eq!(ledger.all_up_to(b"DC1"), 8);
//! // From then on nothing has to be read twice.
//! assert_eq!(ledger.handle_live(push(9)), Verdict::New);
//! assert_eq!(ledger.all_up_to(b"DC1"), 9);
//! ```

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::route::NAME_LEN_MAX;

/// Concentrators that one ledger knows.
pub const CONCENTRATORS_MAX: usize = crate::route::CONCENTRATORS_MAX;
/// Epochs of a concentrator that are remembered; of more, the lowest is forgotten. Rows of an epoch
/// long gone are in no spool any more.
pub const LIVES_MAX: usize = 8;
/// Runs of numbers of one epoch. Live pushes that would begin a further one are left to the spool.
pub const RUNS_MAX: usize = 1_024;

/// What names a push for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushId<'a> {
    /// The logical device name of the concentrator.
    pub concentrator: &'a [u8],
    /// Its epoch when the push arrived there.
    pub epoch: u32,
    /// The number that it gave it, from 1.
    pub sequence: u64,
}

/// What is to be done with a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is new: it is to be taken, and counts as known from now on.
    New,
    /// It was taken before.
    Known,
    /// It cannot be remembered. Live, it is left to the spool; a row is not to be taken, and stays
    /// where it is.
    Later,
}

/// What is known of one life of a concentrator: for storing a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// The logical device name of the concentrator.
    pub concentrator: Vec<u8>,
    /// The epoch.
    pub epoch: u32,
    /// First and last number of each run, ascending. What lies between two was not seen yet.
    pub runs: Vec<(u64, u64)>,
}

/// Totals since a ledger was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedgerCounters {
    /// Pushes that were new when they came live.
    pub live: u64,
    /// Pushes that were new when they came as a row.
    pub rows: u64,
    /// Pushes that came again.
    pub known: u64,
    /// Pushes that could not be remembered.
    pub later: u64,
    /// Times that a concentrator gave numbers again.
    pub restarted: u64,
}

/// The ledger.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    concentrators: BTreeMap<Box<[u8]>, Concentrator>,
    counters: LedgerCounters,
}

#[derive(Clone, Debug, Default)]
struct Concentrator {
    lives: BTreeMap<u32, Runs>,
    /// The number that it gives next, and in which epoch.
    next: Option<(u32, u64)>,
}

impl Ledger {
    /// A push came live.
    pub fn handle_live(&mut self, push: PushId<'_>) -> Verdict {
        let verdict = match self.runs(push) {
            None => Verdict::Later,
            Some(runs) if runs.has(push.sequence) => Verdict::Known,
            Some(runs) if !runs.has_room_for(push.sequence) => Verdict::Later,
            Some(runs) => {
                runs.insert(push.sequence);
                Verdict::New
            }
        };
        self.count(verdict, |counters| &mut counters.live)
    }

    /// A row of the spool was read. Rows come in order, from [`wanted`](Self::wanted) or from the
    /// first that there is, and none is left out; so all before this one are known, or are none.
    pub fn handle_row(&mut self, push: PushId<'_>) -> Verdict {
        let verdict = match self.runs(push) {
            None => Verdict::Later,
            Some(runs) => {
                let known = runs.has(push.sequence);
                runs.fill_up_to(push.sequence);
                if known { Verdict::Known } else { Verdict::New }
            }
        };
        self.count(verdict, |counters| &mut counters.rows)
    }

    /// `concentrator` said, itself or in its heartbeat, which number it gives next and in which
    /// epoch. False when that is one that it has given: it has lost what it kept, its pushes would
    /// be taken for those that are known, and it needs a higher epoch first.
    pub fn handle_next(&mut self, concentrator: &[u8], epoch: u32, next: u64) -> bool {
        let id = PushId { concentrator, epoch, sequence: next };
        let Some(runs) = self.runs(id) else { return true };
        if runs.last() >= next {
            self.counters.restarted += 1;
            return false;
        }
        if let Some(known) = self.concentrators.get_mut(concentrator) {
            known.next = Some((epoch, next));
        }
        true
    }

    /// The number from which the spool of `concentrator` is to be read on, if it has given numbers
    /// that are not known. After a connection was made the rows are read from the first, whatever
    /// number that has.
    #[must_use]
    pub fn wanted(&self, concentrator: &[u8]) -> Option<u64> {
        let known = self.concentrators.get(concentrator)?;
        let (epoch, next) = known.next?;
        let from = known.lives.get(&epoch).map_or(0, Runs::all_up_to).saturating_add(1);
        (from < next).then_some(from)
    }

    /// The number up to which all pushes of `concentrator` are known: what may be acknowledged when
    /// they are stored. 0 for none. It is of the last epoch of which that can be said.
    #[must_use]
    pub fn all_up_to(&self, concentrator: &[u8]) -> u64 {
        let known = self.concentrators.get(concentrator);
        let lives = known.into_iter().flat_map(|known| known.lives.values().rev());
        lives.map(Runs::all_up_to).find(|number| *number > 0).unwrap_or(0)
    }

    /// What is known, to be stored.
    pub fn lives(&self) -> impl Iterator<Item = Life> + '_ {
        self.concentrators.iter().flat_map(|(concentrator, known)| {
            known.lives.iter().map(|(&epoch, runs)| Life {
                concentrator: concentrator.to_vec(),
                epoch,
                runs: runs.0.iter().map(|(&first, &last)| (first, last)).collect(),
            })
        })
    }

    /// Takes in what was stored. What does not fit is left out, and its pushes count as new.
    pub fn restore(&mut self, life: &Life) {
        for &(first, last) in &life.runs {
            let Life { concentrator, epoch, .. } = life;
            let push = PushId { concentrator, epoch: *epoch, sequence: last };
            let Some(runs) = self.runs(push) else { return };
            if first == 0 {
                runs.fill_up_to(last);
            } else if first <= last && runs.0.len() < RUNS_MAX {
                runs.0.insert(first, last);
            }
        }
    }

    /// What happened so far.
    #[must_use]
    pub const fn counters(&self) -> LedgerCounters {
        self.counters
    }

    /// What is known of the life of a push; None when no more can be remembered.
    fn runs(&mut self, push: PushId<'_>) -> Option<&mut Runs> {
        let PushId { concentrator, epoch, .. } = push;
        if !self.concentrators.contains_key(concentrator) {
            let full = self.concentrators.len() >= CONCENTRATORS_MAX;
            if full || concentrator.is_empty() || concentrator.len() > NAME_LEN_MAX {
                return None;
            }
            self.concentrators.insert(concentrator.into(), Concentrator::default());
        }
        let lives = &mut self.concentrators.get_mut(concentrator)?.lives;
        if !lives.contains_key(&epoch) && lives.len() >= LIVES_MAX {
            lives.pop_first();
        }
        Some(lives.entry(epoch).or_default())
    }

    fn count(&mut self, verdict: Verdict, new: fn(&mut LedgerCounters) -> &mut u64) -> Verdict {
        let counters = &mut self.counters;
        *match verdict {
            Verdict::New => new(counters),
            Verdict::Known => &mut counters.known,
            Verdict::Later => &mut counters.later,
        } += 1;
        verdict
    }
}

/// Runs of numbers, the last by the first. No two touch, and the one from 0 is always there.
#[derive(Clone, Debug)]
struct Runs(BTreeMap<u64, u64>);

impl Default for Runs {
    fn default() -> Self {
        Self(BTreeMap::from([(0, 0)]))
    }
}

impl Runs {
    fn has(&self, number: u64) -> bool {
        self.0.range(..=number).next_back().is_some_and(|(_, &last)| number <= last)
    }

    /// Whether a number that is not there may be inserted: it begins no run, or one more may be.
    fn has_room_for(&self, number: u64) -> bool {
        self.0.len() < RUNS_MAX
            || self.has(number.saturating_sub(1))
            || self.has(number.saturating_add(1))
    }

    /// Inserts a number that is not there.
    fn insert(&mut self, number: u64) {
        let last = self.0.remove(&number.saturating_add(1)).unwrap_or(number);
        match self.0.range_mut(..number).next_back() {
            Some((_, before)) if before.saturating_add(1) == number => *before = last,
            _ => drop(self.0.insert(number, last)),
        }
    }

    /// Makes one run of everything up to `number`.
    fn fill_up_to(&mut self, number: u64) {
        let mut last = number;
        while let Some(run) = self.0.first_entry()
            && *run.key() <= last.saturating_add(1)
        {
            last = last.max(run.remove());
        }
        self.0.insert(0, last);
    }

    fn all_up_to(&self) -> u64 {
        self.0.get(&0).copied().unwrap_or(0)
    }

    fn last(&self) -> u64 {
        self.0.last_key_value().map_or(0, |(_, &last)| last)
    }
}
