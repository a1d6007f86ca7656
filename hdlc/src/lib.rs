//! x
#![cfg_attr(not(test), no_std)]
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

pub mod address;
pub mod control;
pub mod deframer;
pub mod fcs;
pub mod frame;
pub mod link;
pub mod llc;
pub mod parameters;
