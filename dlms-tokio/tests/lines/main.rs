//! Lines against servers: over pipes in memory with simulated time, and over loopback sockets.

mod hdlc;
mod limits;
mod meter;
mod mode_e;
mod noise;
mod relay;
mod secrets;
mod transcript;
mod udp;
mod wrapper;
