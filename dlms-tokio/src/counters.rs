//! Stores of invocation counters: what they fail with, and one that forgets.

use core::{error::Error, fmt, ops::Range};

pub use dlms_core::security::{CounterStore, Received};

/// Why counters could not be read or stored. Whatever needed them was not sent, or not taken.
#[derive(Debug)]
pub struct CounterStoreError(Box<dyn Error + Send + Sync>);

impl CounterStoreError {
    /// A failure of the store, told by `cause`.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

impl fmt::Display for CounterStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invocation counters could not be stored: {}", self.0)
    }
}

impl Error for CounterStoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

/// Counters that nobody remembers, for tests only: starting twice at the same value under one key
/// gives the key stream away, whether or not the meter remembers.
#[derive(Debug)]
pub struct ForgetfulCounters {
    next: u32,
}

impl ForgetfulCounters {
    /// Counters from `next` on.
    pub const fn starting_at(next: u32) -> Self {
        Self { next }
    }
}

impl CounterStore for ForgetfulCounters {
    type Error = CounterStoreError;

    fn reserve(&mut self, count: u32) -> Result<Range<u32>, CounterStoreError> {
        let start = self.next;
        self.next = start.saturating_add(count);
        if start == self.next {
            return Err(CounterStoreError::new("the counters of this key are used up"));
        }
        Ok(start..self.next)
    }
    fn received(&mut self) -> Result<Option<Received>, CounterStoreError> {
        Ok(None)
    }

    fn accept(&mut self, _received: Received) -> Result<(), CounterStoreError> {
        Ok(())
    }
}
