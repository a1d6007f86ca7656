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
//! Live pushes are taken in their order only, right after the last that is known: where one is
//! missing, the rest waits for the spool. So a meter's pushes are taken in the order in which they
//! came, and no invocation counter runs ahead of a backlog.
//!
//! What says live which push it is has no protection of its own, and the spool is read by a client
//! that proves itself. So the number of a live push is believed only for an APDU that its row has
//! as well: the digest of the APDU is kept until the row comes. Who forges live pushes makes a
//! head-end take what it would not have taken, as ever where nothing is ciphered, but never miss
//! what the spool has.
//!
//! Numbers have gaps. In another epoch they may begin anew: a concentrator that lost its disk gets
//! a higher epoch, and [`handle_next`](Ledger::handle_next) notices one that did not.
//!
//! The owner stores what it takes together with [`lives`](Ledger::lives), and acknowledges
//! [`all_up_to`](Ledger::all_up_to) after that. What it takes and cannot store it must forget with
//! the ledger that noted it.
//!
//! Pure like the machines of `dlms-core`, and without time. It stands beside
//! [`route`](crate::route), which is about the same concentrators.
//!
//! ```
//! use dlms_tokio::ledger::{Ledger, PushId, Verdict};
//!
//! let mut ledger = Ledger::default();
//! let push = |sequence| PushId { concentrator: b"DC1", epoch: 1, sequence };
//! let digest = |number| [number; 16];
//! assert!(ledger.handle_next(b"DC1", 1, 8));
//! // What there was before is read from the spool first.
//! assert_eq!(ledger.handle_live(push(8), digest(8)), Verdict::Later);
//! assert_eq!(ledger.handle_row(push(7), digest(7)), Verdict::New);
//! assert_eq!(ledger.handle_live(push(8), digest(8)), Verdict::New);
//! assert_eq!(ledger.all_up_to(b"DC1"), 7);
//! assert_eq!(ledger.handle_row(push(8), digest(8)), Verdict::Known);
//! assert_eq!(ledger.all_up_to(b"DC1"), 8);
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
/// Live pushes of one epoch whose rows have not come; further ones are left to the spool.
pub const LIVE_MAX: usize = 65_536;

/// The digest of an APDU: octets of a hash for which nobody finds a second APDU, such as the first
/// of its SHA-256.
pub type Digest = [u8; 16];

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
    /// Live, it is left to the spool: one before it is missing, its number was seen with another
    /// APDU, or it cannot be remembered. A row that cannot be is not to be taken, and stays where
    /// it is.
    Later,
}

/// What is known of one life of a concentrator: for storing a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// The logical device name of the concentrator.
    pub concentrator: Vec<u8>,
    /// The epoch.
    pub epoch: u32,
    /// All rows up to this number were taken.
    pub up_to: u64,
    /// Beyond it, what came live: numbers, ascending, and digests.
    pub live: Vec<(u64, Digest)>,
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
    /// Live pushes that were left to the spool, and rows that could not be remembered.
    pub later: u64,
    /// Rows that are not what came live under their number.
    pub contradicted: u64,
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
    /// By epoch.
    lives: BTreeMap<u32, Known>,
    /// The number that it gives next, and in which epoch.
    next: Option<(u32, u64)>,
}

/// What is known of one life.
#[derive(Clone, Debug, Default)]
struct Known {
    up_to: u64,
    /// Beyond it.
    live: BTreeMap<u64, Digest>,
}

impl Known {
    /// Whether it comes right after the last that is known.
    fn is_next(&self, sequence: u64) -> bool {
        let last = self.live.last_key_value().map_or(self.up_to, |(&last, _)| last);
        self.up_to > 0 && sequence == last.saturating_add(1)
    }
}

/// Who said it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// A concentrator that proved itself.
    Proven,
    /// Whoever calls itself one: nothing is forgotten for that.
    Live,
}

impl Ledger {
    /// A push came live. Those of a concentrator that was never spoken to, so that neither
    /// [`handle_next`](Self::handle_next) nor a row named it, are left to its spool.
    pub fn handle_live(&mut self, push: PushId<'_>, digest: Digest) -> Verdict {
        let sequence = push.sequence;
        let verdict = match self.known(push, Trust::Live) {
            None => Verdict::Later,
            Some(known) if sequence <= known.up_to => Verdict::Known,
            Some(known) => match known.live.get(&sequence) {
                Some(before) if *before == digest => Verdict::Known,
                None if known.is_next(sequence) && known.live.len() < LIVE_MAX => {
                    known.live.insert(sequence, digest);
                    Verdict::New
                }
                _ => Verdict::Later,
            },
        };
        self.count(verdict, |counters| &mut counters.live)
    }

    /// A row of the spool was read. Rows come in order, from [`wanted`](Self::wanted) or from the
    /// first that there is, and none is left out; so all before this one are known, or are none.
    pub fn handle_row(&mut self, push: PushId<'_>, digest: Digest) -> Verdict {
        let sequence = push.sequence;
        let mut contradicted = false;
        let verdict = match self.known(push, Trust::Proven) {
            None => Verdict::Later,
            Some(known) if sequence <= known.up_to => Verdict::Known,
            Some(known) => {
                known.up_to = sequence;
                // What has no row was never stored, and comes no more.
                let later = known.live.split_off(&sequence);
                known.live = later;
                let live = known.live.remove(&sequence);
                contradicted = live.is_some_and(|live| live != digest);
                if live == Some(digest) { Verdict::Known } else { Verdict::New }
            }
        };
        self.counters.contradicted += u64::from(contradicted);
        self.count(verdict, |counters| &mut counters.rows)
    }

    /// `concentrator` was asked which number it gives next and in which epoch. False when a row
    /// with that number or a later one was taken: it has lost what it kept, its pushes would be
    /// taken for those that are known, and it needs a higher epoch first.
    pub fn handle_next(&mut self, concentrator: &[u8], epoch: u32, next: u64) -> bool {
        let id = PushId { concentrator, epoch, sequence: next };
        let Some(known) = self.known(id, Trust::Proven) else { return true };
        if known.up_to >= next {
            self.counters.restarted += 1;
            return false;
        }
        if let Some(concentrator) = self.concentrators.get_mut(concentrator) {
            concentrator.next = Some((epoch, next));
        }
        true
    }

    /// The number from which the spool of `concentrator` is to be read on, if it has given numbers
    /// whose rows were not read. After a connection was made the rows are read from the first,
    /// whatever number that has.
    #[must_use]
    pub fn wanted(&self, concentrator: &[u8]) -> Option<u64> {
        let concentrator = self.concentrators.get(concentrator)?;
        let (epoch, next) = concentrator.next?;
        let from = concentrator.lives.get(&epoch).map_or(0, |known| known.up_to).saturating_add(1);
        (from < next).then_some(from)
    }

    /// The number up to which the rows of `concentrator` were taken: what may be acknowledged when
    /// they are stored. 0 for none. It is of the last epoch of which there were some.
    #[must_use]
    pub fn all_up_to(&self, concentrator: &[u8]) -> u64 {
        let concentrator = self.concentrators.get(concentrator);
        let lives = concentrator.into_iter().flat_map(|of| of.lives.values().rev());
        lives.map(|known| known.up_to).find(|number| *number > 0).unwrap_or(0)
    }

    /// What is known, to be stored.
    pub fn lives(&self) -> impl Iterator<Item = Life> + '_ {
        self.concentrators.iter().flat_map(|(concentrator, of)| {
            of.lives.iter().map(|(&epoch, known)| Life {
                concentrator: concentrator.to_vec(),
                epoch,
                up_to: known.up_to,
                live: known.live.iter().map(|(&sequence, &digest)| (sequence, digest)).collect(),
            })
        })
    }

    /// Takes in what was stored. What is beyond the limits is left out, and its pushes count as
    /// new.
    pub fn restore(&mut self, life: &Life) {
        let Life { concentrator, epoch, up_to, live } = life;
        let push = PushId { concentrator, epoch: *epoch, sequence: *up_to };
        let Some(known) = self.known(push, Trust::Proven) else { return };
        known.up_to = *up_to;
        known.live = live.iter().take(LIVE_MAX).copied().collect();
    }

    /// What happened so far.
    #[must_use]
    pub const fn counters(&self) -> LedgerCounters {
        self.counters
    }

    /// What is known of the life of a push; None when no more can be remembered.
    fn known(&mut self, push: PushId<'_>, trust: Trust) -> Option<&mut Known> {
        let PushId { concentrator, epoch, .. } = push;
        let is_live = trust == Trust::Live;
        if !self.concentrators.contains_key(concentrator) {
            let full = self.concentrators.len() >= CONCENTRATORS_MAX;
            if is_live || full || concentrator.is_empty() || concentrator.len() > NAME_LEN_MAX {
                return None;
            }
            self.concentrators.insert(concentrator.into(), Concentrator::default());
        }
        let lives = &mut self.concentrators.get_mut(concentrator)?.lives;
        if !lives.contains_key(&epoch) && lives.len() >= LIVES_MAX {
            if is_live {
                return None;
            }
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
