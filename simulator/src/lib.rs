//! Simulated DLMS/COSEM meters: the other end for every client, in tests, demonstrations and
//! load runs.
//!
//! - [`Meter`] is a logical device with some forty objects, some clients and the consumption of a
//!   household ([`MeterConfig`], [`MeterClient`]). Nothing in it knows sockets; its time is the one
//!   that is handed in ([`WallClock`]).
//! - [`Faults`] are rules that a meter breaks on request, for testers to notice.
//! - [`listen_wrapper`], [`listen_wrapper_udp`], [`listen_hdlc`] and [`serve_serial`] put meters on
//!   sockets and serial ports, thousands in one process; [`send_pushes`] sends what they push.
//!   [`GatewayConfig`] puts several of them behind one gateway.
//! - [`listen_medium`] and [`serve_medium`] put them on one bus ([`MediumWeather`]).
//!
//! ```
//! use std::sync::{Arc, Mutex};
//!
//! use simulator::{AnswerConfig, Meter, MeterConfig, listen_wrapper};
//! use tokio::{
//!     io::{AsyncReadExt, AsyncWriteExt},
//!     net::TcpStream,
//! };
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let meter = Meter::new(1000, Arc::new(MeterConfig::default()));
//! let meter = Arc::new(Mutex::new(meter));
//! let listening =
//!     listen_wrapper(meter, "127.0.0.1:0".parse()?, AnswerConfig::default()).await?;
//!
//! // An AARQ of the public client (16), in a wrapper header, gets an AARE.
//! let mut stream = TcpStream::connect(listening.address()).await?;
//! stream.write_all(&[0, 1, 0, 16, 0, 1, 0, 31]).await?;
//! stream.write_all(&[
//!     0x60, 0x1d, 0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01, 0x01, 0xbe, 0x10,
//!     0x04, 0x0e, 0x01, 0x00, 0x00, 0x00, 0x06, 0x5f, 0x1f, 0x04, 0x00, 0x00, 0x7e, 0x1f, 0xff,
//!     0xff,
//! ]).await?;
//! let mut answer = [0; 9];
//! stream.read_exact(&mut answer).await?;
//! assert_eq!(answer[8], 0x61);
//!
//! listening.stop();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod alarm;
mod client;
mod events;
mod faults;
mod gateway;
mod household;
mod listen;
mod medium;
mod meter;
mod objects;
mod push;
mod supply;
mod tariff;
mod wall_clock;
mod world;
mod zone;

pub use client::{
    MANAGEMENT_CLIENT, MeterClient, MeterKeys, PRE_ESTABLISHED_CLIENT, PUBLIC_CLIENT,
    READING_CLIENT, Role,
};
pub use faults::{Fault, Faults, UnknownFault};
pub use gateway::GatewayConfig;
pub use household::{Flow, Household, Meterage};
pub use listen::{
    AnswerConfig, Listening, listen_gateway, listen_gateway_hdlc, listen_gateway_udp, listen_hdlc,
    listen_wrapper, listen_wrapper_udp, serve_hdlc_stream, serve_serial, serve_wrapper_stream,
};
pub use medium::{MediumWeather, listen_medium, physical_address, serve_medium};
pub use meter::{Button, LOGICAL_DEVICE, LOGICAL_DEVICES_MAX, Meter, MeterConfig};
pub use objects::ENTRIES_MAX;
pub use push::{
    ConfirmationInterval, ProtectionTypes, Push, PushProtection, PushRules, RestrictedEntries,
    SendConfig, send_pushes,
};
pub use wall_clock::WallClock;
pub use zone::Deviation;
