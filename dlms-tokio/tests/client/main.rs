//! The async client against meters, over pipes in memory and in simulated time.

#![allow(clippy::unwrap_used, reason = "a test fails where its helper does")]

mod blocks;
mod counters;
mod dropping;
mod failures;
mod in_flight;
mod meter;
mod notifications;
mod requests;
mod script;
mod secrets;
mod stray;
mod trunk;
