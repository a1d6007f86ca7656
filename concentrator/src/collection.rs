//! The conventional mode: the concentrator reads meters by itself, and keeps what it read until a
//! head-end has it.
//!
//! It is an internal head-end. It reaches meters through the exchange as any other, with a reading
//! client that has few rights, so that seats, limits and media are shared and both modes work at
//! once on one medium. It is off unless it is configured.
//!
//! What decides is pure, with the time as an argument:
//!
//! - [`Task`], [`Order`]: what is to be read from whom; [`Calendar`]: when.
//! - [`Planner`]: which job is to be begun now; [`OwnClock`]: whether any may be.
//! - [`Comparison`]: what becomes of the clock of a meter.
//!
//! [`Ring`] keeps what was read on the disk, each row once; [`DayBlock`] is what a head-end takes
//! out of it. [`Ledger`] keeps orders, what became of them, and invocation counters. [`read`] does
//! a job, and [`run`] all of it, as [`CollectionConfig`] says.

mod block;
mod calendar;
mod config;
mod job_counters;
mod keys;
mod ledger;
mod outcome;
mod own_clock;
mod planner;
mod reader;
mod ring;
mod run;
mod task;
mod time_sync;

pub use block::{BLOCK_OCTETS_MAX, BlockError, BlockRow, DayBlock};
pub use calendar::Calendar;
pub use config::{
    Attribute, Authentication, CollectionConfig, CollectionError, MeterClockConfig, OwnClockConfig,
    RingConfig, Set, TaskConfig,
};
pub use job_counters::JobCounters;
pub use keys::{KeyFile, KeyFileError, ReadingKeys};
pub use ledger::{Begun, CounterKey, Ledger, LedgerError, OrderStatus, RESULTS_MAX, StoredResult};
pub use outcome::{Cause, Outcome};
pub use own_clock::{Doubt, OwnClock, OwnClockLimits};
pub use planner::{
    Job, JobId, ORDERS_MAX, ORDERS_REMEMBERED_MAX, OrderError, Planner, PlannerConfig,
    PlannerEvent, TASKS_MAX,
};
pub use reader::{ReaderConfig, Report, Stores, read};
pub use ring::{
    MISSING_MAX, Mark, Missing, Reading, Reason, Receipt, Ring, RingError, RingLimits, RingRow,
    RingStatus, Storing, Stretch, Upload,
};
pub use run::{NotTaken, Orders, run};
pub use task::{Deed, Keep, Order, OrderRefusal, Task, What, Whom};
pub use time_sync::{Comparison, Setting, TimeLimits, TimeVerdict};
