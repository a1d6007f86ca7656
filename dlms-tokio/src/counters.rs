//! Where sending invocation counters come from.
//!
//! A counter may be used once per key, ever: two APDUs under the same counter give both away. So
//! whoever hands out counters stores durably that they are used *before* they are; after a crash
//! the rest of a block is lost, which costs nothing.

use core::{error::Error, fmt, ops::Range};

/// Hands out invocation counters for one meter, client title and key.
pub trait CounterStore: Send + fmt::Debug {
    /// Reserves `count` counters, or fewer when fewer are left; they are marked as used durably
    /// when this returns. Called from an async task: it should return within milliseconds.
    ///
    /// # Errors
    /// The store cannot be read or written, or the counters of the key are used up.
    fn reserve(&mut self, count: u32) -> Result<Range<u32>, CounterStoreError>;
}

/// Why no counters could be reserved. Nothing was sent.
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
        write!(f, "no invocation counter could be reserved: {}", self.0)
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
    fn reserve(&mut self, count: u32) -> Result<Range<u32>, CounterStoreError> {
        let start = self.next;
        self.next = start.saturating_add(count);
        if start == self.next {
            return Err(CounterStoreError::new("the counters of this key are used up"));
        }
        Ok(start..self.next)
    }
}
