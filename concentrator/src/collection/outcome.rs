//! How a job ended, and when it is tried again.

/// When somebody else has the meter, it is tried again after as much.
const BUSY_S: i64 = 30;
/// The first time that a meter does not answer it is tried again after as much; twice as much each
/// further time,
const UNREACHABLE_S: i64 = 60;
/// but after an hour at most.
const UNREACHABLE_MAX_S: i64 = 3_600;
/// A disk that takes nothing may do so in a minute.
const NOT_STORED_S: i64 = 60;

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All was read, and is stored.
    Done,
    /// Not all of it.
    Failed(Cause),
}

/// Why a job failed, by what helps against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Cause {
    /// Somebody else has the meter, who goes first.
    #[error("somebody else has the meter")]
    Busy,
    /// The meter did not answer, or not to the end.
    #[error("the meter did not answer")]
    Unreachable,
    /// The meter does not want it: the association, an attribute, a selection.
    #[error("the meter refused it")]
    Refused,
    /// Keys, secrets or counters are wrong, or it is another meter: nothing helps but people.
    #[error("keys, secret or counters are not those of the meter")]
    Security,
    /// What the meter sent makes no sense.
    #[error("what the meter sent makes no sense")]
    Malformed,
    /// Its rows do not say how far their time is from UTC, nor does the configuration.
    #[error("the meter does not say how far its time is from UTC: set collection.deviation-min")]
    Undated,
    /// It could not be stored.
    #[error("the disk of the concentrator takes nothing")]
    NotStored,
    /// There is no such meter here any more.
    #[error("the meter is not here any more")]
    Gone,
    /// The time in which it was wanted is over.
    #[error("the time in which it was wanted is over")]
    Expired,
    /// It was begun, and whether it was done is not known. It is not begun again.
    #[error("it was begun, and whether it was done is not known")]
    Unknown,
}

impl Cause {
    /// After how many seconds it is tried again, when it was tried so often; None: not at all.
    pub(super) fn back_off_s(self, attempts: u32) -> Option<i64> {
        match self {
            Self::Busy => Some(BUSY_S),
            Self::Unreachable => {
                let doubled = UNREACHABLE_S.checked_shl(attempts.saturating_sub(1).min(30));
                Some(doubled.unwrap_or(i64::MAX).min(UNREACHABLE_MAX_S))
            }
            Self::NotStored => Some(NOT_STORED_S),
            Self::Refused
            | Self::Security
            | Self::Malformed
            | Self::Undated
            | Self::Gone
            | Self::Expired
            | Self::Unknown => None,
        }
    }
}
