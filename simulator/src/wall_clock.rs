//! Where a meter takes the time from.

use core::fmt;
use std::{
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// A source of UTC time. It is handed in, so that a test or a demonstration can stop it, shift it
/// and repeat a day.
#[derive(Clone)]
pub struct WallClock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl WallClock {
    /// A clock that calls `now` for the seconds since 1970-01-01T00:00:00Z.
    pub fn new(now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The clock of the operating system.
    pub fn system() -> Self {
        Self::new(|| match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
        })
    }

    /// A clock that shows `unix_s` now and runs on from there.
    pub fn starting_at(unix_s: i64) -> Self {
        let start = Instant::now();
        Self::new(move || {
            unix_s.saturating_add(i64::try_from(start.elapsed().as_secs()).unwrap_or(i64::MAX))
        })
    }

    /// A clock that stands still.
    pub fn fixed(unix_s: i64) -> Self {
        Self::new(move || unix_s)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn now(&self) -> i64 {
        (self.0)()
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WallClock({})", self.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_stands_still() {
        assert_eq!(WallClock::fixed(7).now(), 7);
    }
}
