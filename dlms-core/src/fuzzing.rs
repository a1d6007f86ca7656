//! What must hold whatever the octets are: the properties that the fuzzer looks for exceptions to.
//!
//! Each is a function of octets that panics when it does not hold. The targets in `fuzz/` hand them
//! to libFuzzer; `cargo test` replays the inputs found so far, `fuzz/corpus/NAME/*`. Neither
//! belongs to the crate as others build it.
//!
//! Nothing of the cryptography is switched off for the fuzzer: where it should get behind a tag,
//! the property protects its octets for it.

mod acse;
mod apdu;
mod axdr_data;
mod block_transfer;
mod compact_array;
mod cosem_values;
mod date_time;
mod gateway;
mod joined_blocks;
mod mbus;
mod object_set;
mod profile_rows;
mod push_body;
mod pushed_blocks;
mod row_template;
mod text;
mod wrapper;

#[cfg(feature = "rustcrypto")]
mod association_pair;
#[cfg(all(feature = "certificates", feature = "rustcrypto"))]
mod certificate;
#[cfg(feature = "rustcrypto")]
mod ciphered;
#[cfg(feature = "rustcrypto")]
mod general_protection;
#[cfg(feature = "rustcrypto")]
mod hostile_client;
#[cfg(feature = "rustcrypto")]
mod hostile_server;
#[cfg(feature = "rustcrypto")]
mod meter;
#[cfg(all(test, feature = "rustcrypto"))]
mod tests;

pub use acse::acse;
pub use apdu::apdu;
pub use axdr_data::axdr_data;
pub use block_transfer::block_transfer;
pub use compact_array::compact_array;
pub use cosem_values::cosem_values;
pub use date_time::date_time;
pub use gateway::gateway;
pub use joined_blocks::joined_blocks;
pub use mbus::mbus;
pub use object_set::object_set;
pub use profile_rows::profile_rows;
pub use push_body::push_body;
pub use pushed_blocks::pushed_blocks;
pub use row_template::row_template;
pub use text::text;
pub use wrapper::wrapper;

#[cfg(feature = "rustcrypto")]
pub use association_pair::association_pair;
#[cfg(all(feature = "certificates", feature = "rustcrypto"))]
pub use certificate::certificate;
#[cfg(feature = "rustcrypto")]
pub use ciphered::ciphered;
#[cfg(feature = "rustcrypto")]
pub use general_protection::general_protection;
#[cfg(feature = "rustcrypto")]
pub use hostile_client::hostile_client;
#[cfg(feature = "rustcrypto")]
pub use hostile_server::hostile_server;

use alloc::vec::Vec;

use crate::axdr::Writer;

/// Takes the octet that decides what to do next; zero when there are no more.
fn next(octets: &mut &[u8]) -> u8 {
    take(octets, 1).first().copied().unwrap_or(0)
}

/// Takes `count` octets, or those that there are.
fn take<'a>(octets: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, rest) = octets.split_at(count.min(octets.len()));
    *octets = rest;
    taken
}

/// What `encode` writes.
fn encoded(encode: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut Writer::new(&mut out));
    out
}
