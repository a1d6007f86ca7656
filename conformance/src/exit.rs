//! How the process ends.

use std::process::ExitCode;

use crate::verdict::Verdict;

/// The exit codes of `dlms-conformance`: those of `headend`, where they mean something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Every case passed or is inapplicable.
    Success = 0,
    /// This machine failed: a file cannot be written.
    Local = 1,
    /// The command line or the declaration asks for something impossible.
    Usage = 2,
    /// No case came to a verdict: the meter was not reached.
    Unreachable = 3,
    /// A case failed.
    Failed = 5,
    /// No case failed, and some came to no verdict.
    Partial = 6,
}

impl Exit {
    /// What these verdicts come to.
    pub fn of(verdicts: &[Verdict]) -> Self {
        let any = |verdict| verdicts.contains(&verdict);
        if any(Verdict::Failed) {
            Self::Failed
        } else if !any(Verdict::Inconclusive) {
            Self::Success
        } else if any(Verdict::Passed) {
            Self::Partial
        } else {
            Self::Unreachable
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_outranks_what_came_to_no_verdict() {
        use Verdict::{Failed, Inapplicable, Inconclusive, Passed};
        assert_eq!(Exit::of(&[Passed, Inapplicable]), Exit::Success);
        assert_eq!(Exit::of(&[Inapplicable]), Exit::Success);
        assert_eq!(Exit::of(&[Passed, Inconclusive, Failed]), Exit::Failed);
        assert_eq!(Exit::of(&[Passed, Inconclusive]), Exit::Partial);
        assert_eq!(Exit::of(&[Inapplicable, Inconclusive]), Exit::Unreachable);
    }
}
