//! The invocation counters of one job: a block that was reserved before it began.

use core::ops::Range;
use std::sync::Arc;

use dlms_core::security::{CounterStore, Received};
use dlms_tokio::counters::CounterStoreError;
use tokio::task::spawn_blocking;

use super::{CounterKey, Ledger, LedgerError};
use crate::nodes::LogicalDeviceName;

/// Counters that are reserved at a time. A daily job needs fewer; what is left over is lost. A key
/// that 1,200 meters share which are read each hour lasts twelve years.
const BLOCK: u32 = 32;

/// The counters of one job.
#[derive(Debug)]
pub struct JobCounters {
    ledger: Arc<Ledger>,
    key: CounterKey,
    meter: LogicalDeviceName,
    left: Range<u32>,
    received: Option<Received>,
}

impl JobCounters {
    /// Counters for a job with a meter. It waits for the disk.
    ///
    /// # Errors
    /// [`LedgerError::Exhausted`], [`LedgerError::Database`].
    pub fn take(
        ledger: Arc<Ledger>,
        key: CounterKey,
        meter: LogicalDeviceName,
    ) -> Result<Self, LedgerError> {
        let left = ledger.reserve(&key, BLOCK)?;
        let received = ledger.received(&key, &meter)?;
        Ok(Self { ledger, key, meter, left, received })
    }
}

impl CounterStore for JobCounters {
    type Error = CounterStoreError;

    /// Of the block that is there. A job that needs more, as the first one with a meter does, waits
    /// for the disk, and everybody with it.
    fn reserve(&mut self, count: u32) -> Result<Range<u32>, CounterStoreError> {
        if self.left.is_empty() {
            let more = self.ledger.reserve(&self.key, BLOCK);
            self.left = more.map_err(CounterStoreError::new)?;
        }
        let start = self.left.start;
        self.left.start = start.saturating_add(count).min(self.left.end);
        Ok(start..self.left.start)
    }

    fn received(&mut self) -> Result<Option<Received>, CounterStoreError> {
        Ok(self.received)
    }

    /// Stored by a thread, for nobody waits for it: what is lost of it when the power goes is that
    /// somebody who kept the answers of this association may send them once more, and no request of
    /// a later one has them for its answer.
    fn accept(&mut self, received: Received) -> Result<(), CounterStoreError> {
        if self.received == Some(received) {
            return Ok(());
        }
        self.received = Some(received);
        let (ledger, key, meter) = (Arc::clone(&self.ledger), self.key.clone(), self.meter.clone());
        spawn_blocking(move || {
            if let Err(error) = ledger.accept_received(&key, &meter, received) {
                tracing::warn!(%error, %meter, "its counter is not stored");
            }
        });
        Ok(())
    }
}
