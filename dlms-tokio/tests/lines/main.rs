//! Lines against servers: over pipes in memory with simulated time, and over loopback sockets.

#![allow(clippy::unwrap_used, reason = "a test fails where its helper does")]

mod bus;
mod hdlc;
mod limits;
mod medium;
mod meter;
mod mode_e;
mod noise;
mod pushing;
mod relay;
mod secrets;
mod serial;
mod transcript;
mod trunk;
mod udp;
mod wrapper;
