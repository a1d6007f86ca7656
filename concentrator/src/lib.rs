//! A data concentrator for DLMS/COSEM: DLMS Direct Connect.
//!
//! A head-end reaches every meter behind the concentrator end to end, each at a SAP of its own, and
//! the concentrator holds no key of any meter: it passes APDUs on as they are.
//!
//! - [`nodes`]: which meters there are, and the SAP of each.
//! - [`router`]: who speaks to which meter.
//! - [`exchange`]: the two at work between connections; [`listen`] takes those of head-ends, and
//!   `tls` those over TLS.
//! - [`media`]: what meters share, with [`discovery`] of who is there; [`lan_udp`]: meters of the
//!   wrapper over UDP.
//! - [`pushes`]: where meters connect to by themselves.
//! - [`management`]: the concentrator's own logical device, at SAP 1.
//! - [`station`]: voltage and current where it stands.
//! - [`firmware`]: how another program takes the place of the one that runs.
//! - `collection`: what it reads from meters by itself, when it is told to.
//! - [`config`], [`daemon`], [`cli`]: the program; [`control`]: what it is asked while it runs.
//!
//! What decides something is a pure machine, with the time as an argument; what has sockets and
//! files is around it.
//!
//! What outlives the process is in one file, written by a thread of its own: [`spool`] keeps what
//! meters push until a head-end has it, and [`state`] everything else.
//!
//! ```
//! use concentrator::nodes::{Nodes, Pool, Registration};
//!
//! let mut nodes = Nodes::new(Pool::Extended);
//! let meter = nodes.register(0, Registration::new("ABC0000000000001")?)?;
//! assert_eq!(nodes.get(meter).unwrap().sap, 16);
//! # Ok::<(), concentrator::nodes::NodeError>(())
//! ```

pub mod cli;
#[cfg(feature = "collection")]
pub mod collection;
pub mod config;
pub mod control;
pub mod daemon;
pub mod discovery;
pub mod exchange;
pub mod firmware;
pub mod lan_udp;
pub mod listen;
pub mod management;
pub mod media;
pub mod nodes;
pub mod pushes;
pub mod router;
pub mod spool;
pub mod state;
pub mod station;
mod storage;
#[cfg(feature = "tls")]
pub mod tls;
