//! What must hold whatever the octets are: the properties that the fuzzer looks for exceptions to.
//!
//! Each is a function of octets that panics when it does not hold. The targets in `fuzz/` hand them
//! to libFuzzer; `cargo test` replays the inputs found so far, `fuzz/corpus/NAME/*`. Neither
//! belongs to the crate as others build it.
//!
//! Under `cfg(fuzzing)` the check sequence 0000 is right for any octets
//! ([`fcs`](crate::fcs)): the fuzzer chooses whether a sum holds.

mod deframer;
mod fields;
mod frame;
mod hostile_link;
mod link_pair;
#[cfg(test)]
mod tests;

pub use deframer::deframer;
pub use fields::fields;
pub use frame::frame;
pub use hostile_link::hostile_link;
pub use link_pair::link_pair;

/// Takes the octet that decides what to do next; zero when there are no more.
fn next(octets: &mut &[u8]) -> u8 {
    match octets.split_first() {
        Some((first, rest)) => {
            *octets = rest;
            *first
        }
        None => 0,
    }
}
