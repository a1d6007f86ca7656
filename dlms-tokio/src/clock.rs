//! The one place where tokio's clock becomes the clock of the pure machines.

use core::time::Duration;

use sans_io_time::Instant;

/// A wait so long that nobody sees its end, and short enough for any clock.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// The moment after `wait` from now on; one too long to be told ends after a hundred years.
pub(crate) fn after(wait: Duration) -> tokio::time::Instant {
    tokio::time::Instant::now() + wait.min(FOR_EVER)
}

/// Counts from the moment it was made, so that the machines see small numbers in a trace. Under
/// tokio's paused clock the machines live in simulated time without knowing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: tokio::time::Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { started: tokio::time::Instant::now() }
    }

    /// Now, as the machines count it.
    pub(crate) fn now(self) -> Instant {
        // 63 bits of nanoseconds last for 292 years of one process.
        let nanos = i64::try_from(self.started.elapsed().as_nanos()).unwrap_or(i64::MAX);
        Instant::from_nanos(nanos)
    }

    /// A machine's instant as tokio's timers want it.
    pub(crate) fn at(self, instant: Instant) -> tokio::time::Instant {
        self.started + instant.saturating_duration_since(Instant::ZERO)
    }
}
