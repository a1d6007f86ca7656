//! How long the tests of chance go on.

use std::env;

/// How often a test of chance repeats itself: `usual` times, or as many times more as the
/// environment variable `DLMS_SOAK` says, which `scripts/soak` sets.
///
/// # Panics
///
/// When `DLMS_SOAK` is not a number from 1 up.
#[must_use]
pub fn rounds(usual: u32) -> u32 {
    let Ok(factor) = env::var("DLMS_SOAK") else { return usual };
    match factor.parse::<u32>() {
        Ok(factor) if factor > 0 => usual.saturating_mul(factor),
        _ => panic!("DLMS_SOAK={factor}: how many times the usual number of rounds?"),
    }
}
