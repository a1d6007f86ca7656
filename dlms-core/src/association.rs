//! Application associations (IEC 62056-5-3 clauses 5 to 7): the machines of both sides.
//!
//! [`Client`] drives an association towards a meter, [`Server`] answers in a meter. Neither does
//! I/O: the owner hands in APDUs and time and takes out APDUs and events. Below them lies whatever
//! carries APDUs: the wrapper, HDLC, a test.

mod block_transfer;
mod client;
mod failure;
mod server;
mod short_names;

pub use block_transfer::{BlockTransfer, BlockTransferConfig, Side, TransferFault, WINDOW_MAX};
pub use client::{
    AccessAnswer, AccessItem, ActionOutcome, Association, Ciphering, Client, ClientConfig,
    Establishment, Event, IN_FLIGHT_MAX, KeySet, OnRefusal, Phase, Priority, Referencing, Request,
    RequestId, Response, Selection,
};
pub use failure::{Failure, Misuse, Violation};
pub use server::*;
pub use short_names::ShortNameObject;

/// A source of random octets for challenges and dedicated keys. In a product it is the operating
/// system's; a test may repeat itself.
pub trait Entropy {
    /// Fills `octets` with random octets.
    fn fill(&mut self, octets: &mut [u8]);
}
