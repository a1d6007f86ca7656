//! Where invocation counters are kept beyond an association.
//!
//! A counter may be used once per key, ever: two APDUs under the same counter give both away. So
//! whoever hands out counters stores durably that they are used *before* they are; after a crash
//! the rest of a block is lost, which costs nothing.
//!
//! What was received is kept as well: without that, a recorded association whose mechanism asks no
//! fresh question of the meter could be played back whole. It is enough to store it when an
//! association is open and when it ends. An answer from before a crash is older than the AARE of
//! any association after it, and an AARE that came once is refused.

use core::{fmt, ops::Range};

use super::{ReceiveCounter, SystemTitle};

/// Remembers the invocation counters of one client title and key at one meter.
pub trait CounterStore: fmt::Debug + Send {
    /// Why the store could not be read or written.
    type Error;

    /// Reserves `count` counters to send with, or fewer when fewer are left; they are marked as
    /// used durably when this returns.
    ///
    /// # Errors
    /// The store cannot be read or written, or the counters of the key are used up.
    fn reserve(&mut self, count: u32) -> Result<Range<u32>, Self::Error>;

    /// What was accepted before, and from which meter; None when nothing is known.
    ///
    /// # Errors
    /// The store cannot be read.
    fn received(&mut self) -> Result<Option<Received>, Self::Error>;

    /// Stores durably what was accepted. A counter that is not greater changes nothing.
    ///
    /// # Errors
    /// The store cannot be read or written.
    fn accept(&mut self, received: Received) -> Result<(), Self::Error>;
}

/// What was accepted from one originator under one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// The originator.
    pub originator: SystemTitle,
    /// The counter that was accepted last.
    pub counter: ReceiveCounter,
}
