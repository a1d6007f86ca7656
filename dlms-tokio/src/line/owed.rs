//! Until when an answer is waited for.

/// APDUs taken after the end of a wait, of which one may still be the answer: a line that was left
/// alone has it in its buffer, behind what the meter said by itself. After so many more, none is.
const LATE_MAX: u8 = 16;

/// The patience with an answer that is owed, on any clock.
///
/// A line cannot always tell an answer from a notification, which may be ciphered. So what ends the
/// wait can be taken back, and then the wait goes on for as long as it would have: a meter that
/// pushes without pause does not hold a request for ever.
#[derive(Debug)]
pub(crate) struct Owed<I> {
    until: Option<I>,
    /// When the wait would have ended that ended with what was received last.
    before: Option<I>,
    /// How often something was wanted after the end.
    late: u8,
}

impl<I: Copy + PartialOrd> Owed<I> {
    pub(crate) const fn nothing() -> Self {
        Self { until: None, before: None, late: 0 }
    }

    /// An answer is owed from now on.
    pub(crate) const fn owe(&mut self, until: Option<I>) {
        *self = Self { until, before: None, late: 0 };
    }

    /// The answer came closer: it has so long again. Nothing where none is owed.
    pub(crate) const fn extend(&mut self, until: Option<I>) {
        if self.until.is_some() {
            self.until = until;
        }
    }

    /// What may be the answer came.
    pub(crate) const fn settle(&mut self) {
        if let Some(until) = self.until.take() {
            self.before = Some(until);
        }
    }

    /// It was not the answer, or not all of it: the wait goes on where it ended, and begins only if
    /// there was none.
    pub(crate) fn resume(&mut self, otherwise: Option<I>) {
        self.until = self.until.or(self.before).or(otherwise);
    }

    /// No answer is waited for any more.
    pub(crate) const fn waive(&mut self) {
        *self = Self::nothing();
    }

    /// Whether the wait is over and too much was taken since. To be asked once for each APDU.
    pub(crate) fn is_overdrawn(&mut self, now: I) -> bool {
        if self.until.is_none_or(|until| now < until) {
            return false;
        }
        self.late = self.late.saturating_add(1);
        self.late > LATE_MAX
    }

    /// When to give up, while an answer is owed.
    pub(crate) const fn until(&self) -> Option<I> {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::{LATE_MAX, Owed};

    #[test]
    fn a_wait_that_is_resumed_ends_when_it_would_have() {
        let mut owed = Owed::nothing();
        owed.owe(Some(10));
        owed.settle();
        assert_eq!(owed.until(), None);
        owed.resume(Some(99));
        assert_eq!(owed.until(), Some(10));
        // Twice in a row, and with nothing in between that ended it.
        owed.settle();
        owed.settle();
        owed.resume(Some(99));
        owed.resume(Some(99));
        assert_eq!(owed.until(), Some(10));
    }

    #[test]
    fn a_wait_that_never_was_begins() {
        let mut owed = Owed::nothing();
        owed.resume(Some(10));
        assert_eq!(owed.until(), Some(10));
        owed.waive();
        owed.resume(Some(20));
        assert_eq!(owed.until(), Some(20));
    }

    #[test]
    fn after_the_end_only_so_much_is_looked_at() {
        let mut owed = Owed::nothing();
        assert!(!owed.is_overdrawn(99));
        owed.owe(Some(10));
        assert!((0..100).all(|_| !owed.is_overdrawn(9)));
        assert!((0..LATE_MAX).all(|_| !owed.is_overdrawn(10)));
        assert!(owed.is_overdrawn(10));
        owed.owe(Some(20));
        assert!(!owed.is_overdrawn(20));
    }

    #[test]
    fn only_a_wait_that_goes_on_is_extended() {
        let mut owed = Owed::nothing();
        owed.extend(Some(10));
        assert_eq!(owed.until(), None);
        owed.owe(Some(10));
        owed.extend(Some(20));
        assert_eq!(owed.until(), Some(20));
    }
}
