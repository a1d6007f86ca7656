//! Lines to meters and listeners for them, on tokio: where the pure machines of `hdlc` and
//! `dlms-core` meet sockets, serial ports and clocks.
//!
//! - [`Address`]: where a meter is reached, as text.
//! - [`Line`]: APDUs to one meter and back, over the wrapper (TCP, UDP) or HDLC (TCP, serial, mode
//!   E), with one owner, bounded waits and errors that say what to try.
//! - [`medium`]: APDUs to many meters and back, over one HDLC bus that they share.
//! - [`Trunk`](trunk::Trunk): one connection to a concentrator, with the lines of many meters on
//!   it.
//! - [`Routes`](route::Routes): over which concentrator a meter is reached, and over which when
//!   that one is gone.
//! - [`Trace`]: what goes over a line, down to the octets, with secrets masked.
//! - [`ApduServer`] with [`serve_wrapper`], [`serve_wrapper_udp`], [`serve_hdlc`],
//!   [`serve_hdlc_serial`]: the other end.
//!
//! ```
//! use dlms_tokio::{
//!     Address, ApduServer, DecodeLevel, Line, LineConfig, Trace, WrapperServerConfig,
//!     serve_wrapper,
//! };
//! use tokio::net::TcpListener;
//!
//! /// A meter that refuses everything: exception-response, service not allowed.
//! struct Refusing;
//!
//! impl ApduServer for Refusing {
//!     fn knows(&self, server: u16) -> bool {
//!         server == 1
//!     }
//!
//!     fn handle(&mut self, _: u16, _: u16, _: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
//!         out.extend([0xD8, 0x01, 0x01]);
//!         true
//!     }
//!
//!     fn disconnected(&mut self, _: u16, _: u16) {}
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let address: Address = format!("wrapper://{}", listener.local_addr()?).parse()?;
//! tokio::spawn(async move {
//!     let (stream, _) = listener.accept().await.unwrap();
//!     serve_wrapper(stream, &mut Refusing, &WrapperServerConfig::default()).await
//! });
//!
//! let trace = Trace::stderr(DecodeLevel::Apdu);
//! let mut line = Line::open(&address, &LineConfig::default(), trace).await?;
//! line.connect().await?;
//! line.send(&[0xC0, 0x01, 0xC1, 0x00, 0x08, 0, 0, 1, 0, 0, 255, 0x02, 0x00]).await?;
//! let mut answer = Vec::new();
//! line.receive(&mut answer).await?;
//! assert_eq!(answer, [0xD8, 0x01, 0x01]);
//! line.disconnect().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod address;
#[cfg(feature = "aws-lc")]
mod aws_lc;
pub mod client;
mod clock;
pub mod counters;
pub mod ledger;
pub mod line;
pub mod medium;
pub mod route;
pub mod server;
pub mod trace;
pub mod trunk;

/// Re-exported, for its types are in the configurations here.
pub use hdlc;

pub use address::{Address, AddressError, Endpoint, SerialPort};
#[cfg(feature = "aws-lc")]
pub use aws_lc::AwsLc;
pub use line::{Line, LineConfig, LineCounters, LineError, Opening, Phase};
pub use server::{
    ApduServer, Gateway, HdlcServerConfig, Identification, UnknownMeter, WrapperServerConfig,
    serve_hdlc, serve_hdlc_serial, serve_wrapper, serve_wrapper_udp,
};
/// Re-exported for [`serve_hdlc_serial`].
pub use tokio_serial::SerialStream;
pub use trace::{DecodeLevel, DecodeLevelError, Direction, Trace};
