//! How the process ends: one code for each kind of outcome, and the rule that picks it.

use std::process::ExitCode;

/// The exit codes of `headend`. A script may rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Everything that was asked for was done.
    Success = 0,
    /// This machine failed: a file cannot be read or written, or the program is at fault.
    Local = 1,
    /// The command line asks for something impossible.
    Usage = 2,
    /// The meter was not reached, did not answer, or answered what nobody can decode.
    Unreachable = 3,
    /// A key, password, counter or title is wrong, or somebody tampers.
    Security = 4,
    /// The meter refused.
    Refused = 5,
    /// Some of what was asked for was done and some was not.
    Partial = 6,
    /// The order was too old to be carried out.
    Expired = 7,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Counts outcomes and says how the process ends: with [`Exit::Security`] whenever any answer
/// failed security; else with [`Exit::Partial`] if some succeeded and some did not; else with the
/// code of the first failure.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    succeeded: usize,
    first_failure: Option<Exit>,
    insecure: bool,
}

impl Tally {
    /// One thing that was asked for was done.
    pub const fn success(&mut self) {
        self.succeeded = self.succeeded.saturating_add(1);
    }

    /// One thing that was asked for was not done, and this is what its cause alone would exit with.
    pub fn failure(&mut self, cause: Exit) {
        self.first_failure.get_or_insert(cause);
        self.insecure |= cause == Exit::Security;
    }

    /// How the process ends.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self.first_failure {
            None => Exit::Success,
            Some(_) if self.insecure => Exit::Security,
            Some(_) if self.succeeded > 0 => Exit::Partial,
            Some(cause) => cause,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(successes: usize, failures: &[Exit]) -> Exit {
        let mut tally = Tally::default();
        (0..successes).for_each(|_| tally.success());
        failures.iter().for_each(|&cause| tally.failure(cause));
        tally.exit()
    }

    #[test]
    fn security_outranks_partial_and_partial_outranks_the_cause() {
        assert_eq!(exit(3, &[]), Exit::Success);
        assert_eq!(exit(0, &[]), Exit::Success);
        assert_eq!(exit(0, &[Exit::Refused, Exit::Unreachable]), Exit::Refused);
        assert_eq!(exit(0, &[Exit::Unreachable]), Exit::Unreachable);
        assert_eq!(exit(1, &[Exit::Refused]), Exit::Partial);
        assert_eq!(exit(1, &[Exit::Refused, Exit::Security]), Exit::Security);
        assert_eq!(exit(0, &[Exit::Refused, Exit::Security]), Exit::Security);
    }

    #[test]
    fn the_codes_are_the_documented_ones() {
        let codes = [
            Exit::Success,
            Exit::Local,
            Exit::Usage,
            Exit::Unreachable,
            Exit::Security,
            Exit::Refused,
            Exit::Partial,
            Exit::Expired,
        ];
        assert_eq!(codes.map(|exit| exit as u8), [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
