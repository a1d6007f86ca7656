//! What must hold whatever the octets are: the property that the fuzzer looks for exceptions to.
//!
//! A function of octets that panics when it does not hold. The target in `fuzz/` hands it to
//! libFuzzer; `cargo test` replays the inputs found so far, `fuzz/corpus/NAME/*`. Neither belongs
//! to the crate as others build it.

#[cfg(test)]
mod tests;
mod xml;

pub use xml::xml;
