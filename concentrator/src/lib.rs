//! A data concentrator for DLMS/COSEM: DLMS Direct Connect.
//!
//! A head-end reaches every meter behind the concentrator end to end, each at a SAP of its own, and
//! the concentrator holds no key of any meter: it passes APDUs on as they are.
//!
//! [`config`] is what the program is told. The parts that decide something are pure machines, with the time as an argument:
//!
//! - [`nodes`]: which meters there are, and the SAP of each.
//! - [`router`]: who speaks to which meter.
//!
//! ```
//! use concentrator::nodes::{Nodes, Pool, Registration};
//!
//! let mut nodes = Nodes::new(Pool::Extended);
//! let meter = nodes.register(0, Registration::new("ABC0000000000001")?)?;
//! assert_eq!(nodes.get(meter).unwrap().sap, 16);
//! # Ok::<(), concentrator::nodes::NodeError>(())
//! ```

pub mod config;
pub mod exchange;
pub mod nodes;
pub mod router;
