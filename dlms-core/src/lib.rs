//! The DLMS/COSEM application layer without I/O.
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::panic,
        clippy::unwrap_used,
        clippy::expect_used
    )
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod acse;
pub mod association;
pub mod axdr;
pub mod ber;
pub mod cosem;
pub mod malformed;
pub mod security;
pub mod wrapper;
pub mod xdlms;

pub use malformed::{Malformed, MalformedKind};
