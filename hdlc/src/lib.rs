//! The HDLC link layer of DLMS/COSEM (IEC 62056-46): frames in a stream of octets, and the machine
//! that connects, numbers, segments and recovers.
//!
//! The crate is pure: octets and time come in, octets and events go out. It allocates nothing,
//! reads no clock, does no I/O and cannot panic on what it reads, so it runs the same in a meter,
//! in a head-end and in a simulation. Buffers belong to the caller.
//!
//! # A push, from octets to PDU
//!
//! Many meters push without being asked, in UI frames and often in several of them. That takes a
//! [`Deframer`](deframer::Deframer) and no link:
//!
//! ```
//! use hdlc::{
//!     control::Control,
//!     deframer::{Deframer, OnError},
//!     llc::Llc,
//! };
//!
//! // Noise, a first segment, noise, and the last segment.
//! let line = [
//!     0x00, 0x7e, // ..
//!     0x7e, 0xa8, 0x0e, 0x21, 0x03, 0x03, 0xc5, 0x90,
//!     0xe6, 0xe7, 0x00, 0x0f, 0x7e, 0x94, 0x66, 0x7e,
//!     0xff, 0x7e, // ..
//!     0x7e, 0xa0, 0x0b, 0x21, 0x03, 0x03, 0xb2, 0xa4, 0x01, 0x02, 0x14, 0xc6, 0x7e,
//! ];
//!
//! let mut deframer = Deframer::new(OnError::Resync);
//! let mut pdu = Vec::new();
//! while let Some(frame) = deframer.next_frame(&line) {
//!     let frame = frame?;
//!     assert_eq!(frame.control, Control::Ui { pf: false });
//!     assert_eq!(frame.destination.upper(), 0x10);
//!     pdu.extend_from_slice(frame.information);
//!     if !frame.segmented {
//!         break;
//!     }
//! }
//! assert_eq!(Llc::decode(&pdu)?, (Llc::Response, &[0x0f, 0x7e, 0x01, 0x02][..]));
//! assert_eq!(deframer.counters().noise_octets, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A connection
//!
//! See [`Link`](link::Link): one end of a connection, client or server.
//!
//! # Contents
//!
//! - [`address`], [`control`], [`fcs`]: the fields of a frame
//! - [`frame`]: one frame, between two flags
//! - [`deframer`]: frames in a stream of octets
//! - [`llc`]: the header in front of every PDU
//! - [`parameters`]: what SNRM and UA agree on
//! - [`link`]: one end of a connection

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

#[cfg(fuzzing)]
extern crate std;

pub mod address;
pub mod control;
pub mod deframer;
pub mod fcs;
pub mod frame;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod link;
pub mod llc;
pub mod parameters;
