//! The DLMS/COSEM application layer without I/O: octets, time and entropy in, octets and events
//! out.
//!
//! - [`axdr`] and [`cosem`]: values, their encoding and their meaning.
//! - [`acse`] and [`xdlms`]: APDUs; [`ber`]: the encoding of the former.
//! - [`wrapper`], [`mbus`], [`gateway`]: what carries APDUs beside HDLC, which is a crate of its
//!   own.
//! - [`security`]: ciphering, keys, invocation counters, HLS.
//! - [`association`]: the machines of client and server; [`device`]: objects behind a server.
//! - [`push`]: what meters send by themselves.
//!
//! No `std`, no clock, no source of randomness, and no octet that makes it panic. A reading without
//! security, from the client's side:
//!
//! ```
//! use std::sync::Arc;
//!
//! use dlms_core::{
//!     association::{Client, ClientConfig, Entropy, Event, Request, Response},
//!     cosem::{AttributeDescriptor, ClassId, LogicalName},
//!     security::RustCrypto,
//! };
//! use sans_io_time::Instant;
//!
//! struct NotNeeded;
//! impl Entropy for NotNeeded {
//!     fn fill(&mut self, octets: &mut [u8]) {
//!         octets.fill(0);
//!     }
//! }
//!
//! let mut client = Client::new(ClientConfig::default(), Arc::new(RustCrypto));
//! let mut apdu = Vec::new();
//!
//! // AARQ out, AARE in: accepted.
//! client.associate(&mut NotNeeded)?;
//! assert!(client.poll_transmit(Instant::ZERO, &mut apdu));
//! assert_eq!(apdu[0], 0x60);
//! let mut aare = [
//!     0x61, 0x29, 0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01, 0x01, 0xa2, 0x03,
//!     0x02, 0x01, 0x00, 0xa3, 0x05, 0xa1, 0x03, 0x02, 0x01, 0x00, 0xbe, 0x10, 0x04, 0x0e, 0x08,
//!     0x00, 0x06, 0x5f, 0x1f, 0x04, 0x00, 0x00, 0x1e, 0x1d, 0x04, 0x00, 0x00, 0x07,
//! ];
//! client.handle_apdu(&mut aare);
//! assert!(matches!(client.poll_event(), Some(Event::Associated(_))));
//!
//! // GET out, the voltage in.
//! let voltage = LogicalName([1, 0, 32, 7, 0, 255]);
//! let attribute = AttributeDescriptor::new(ClassId::REGISTER, voltage, 2);
//! let asked = client.request(Request::Get { attribute, selection: None })?;
//! assert!(client.poll_transmit(Instant::ZERO, &mut apdu));
//! assert_eq!(apdu, [0xc0, 0x01, 0xc1, 0x00, 0x03, 1, 0, 32, 7, 0, 255, 0x02, 0x00]);
//! client.handle_apdu(&mut [0xc4, 0x01, 0xc1, 0x00, 0x12, 0x08, 0xfd]);
//! let value = vec![0x12, 0x08, 0xfd]; // long-unsigned 2301
//! assert_eq!(client.poll_event(), Some(Event::Response(asked, Response::Get(Ok(value)))));
//! # Ok::<(), dlms_core::association::Misuse>(())
//! ```
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
pub mod companion;
pub mod cosem;
pub mod device;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod gateway;
pub mod malformed;
pub mod mbus;
pub mod push;
pub mod security;
pub mod wrapper;
pub mod xdlms;

pub use malformed::{Malformed, MalformedKind};
