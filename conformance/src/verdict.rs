//! What a test case says about the implementation under test.

use core::fmt;
use std::io;

/// The four verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Everything that was observed is as it must be.
    Passed,
    /// Something was observed that must not be.
    Failed,
    /// Neither can be said: the line broke, or what the case needs first did not happen.
    Inconclusive,
    /// The declaration says that the implementation has nothing of the kind.
    Inapplicable,
}

impl Verdict {
    /// The word in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Failed => "FAILED",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::Inapplicable => "INAPPLICABLE",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Why a case did not pass. It ends the body of the case, so that the first observation that is
/// wrong is the one that is reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Never [`Verdict::Passed`].
    pub(crate) verdict: Verdict,
    pub(crate) reason: String,
}

impl Finding {
    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self { verdict: Verdict::Failed, reason: reason.into() }
    }

    pub(crate) fn inconclusive(reason: impl Into<String>) -> Self {
        Self { verdict: Verdict::Inconclusive, reason: reason.into() }
    }

    pub(crate) fn inapplicable(reason: impl Into<String>) -> Self {
        Self { verdict: Verdict::Inapplicable, reason: reason.into() }
    }

    /// The same finding, with what was being done in front of the reason.
    pub(crate) fn during(self, what: impl fmt::Display) -> Self {
        Self { reason: format!("{what}: {}", self.reason), ..self }
    }
}

/// A line that breaks says nothing about the rule that was looked at.
impl From<io::Error> for Finding {
    fn from(error: io::Error) -> Self {
        Self::inconclusive(format!("the line broke: {error}"))
    }
}

/// Fails the case unless `holds`.
pub(crate) fn check(holds: bool, reason: impl FnOnce() -> String) -> Result<(), Finding> {
    if holds { Ok(()) } else { Err(Finding::failed(reason())) }
}
