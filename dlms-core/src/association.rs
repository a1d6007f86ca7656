//! Application associations (IEC 62056-5-3 clauses 5 to 7): the machines of both sides.
//!
//! [`Client`] drives an association towards a meter, [`Server`] answers in a meter. Neither does
//! I/O: the owner hands in APDUs and time and takes out APDUs and events. Below them lies whatever
//! carries APDUs: the wrapper, HDLC, a test.

mod client;
mod failure;
mod server;

pub use client::{
    ActionOutcome, Association, Ciphering, Client, ClientConfig, Event, Phase, Request, Response,
    Selection,
};
pub use failure::{Failure, Misuse, Violation};
pub use server::*;

/// A source of random octets for challenges and dedicated keys. In a product it is the operating
/// system's; a test may repeat itself.
pub trait Entropy {
    /// Fills `octets` with random octets.
    fn fill(&mut self, octets: &mut [u8]);
}
