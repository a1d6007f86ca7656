//! The abstract test cases of DLMS/COSEM as one executable suite for any meter, over HDLC or the
//! wrapper. The names of the cases are public; what each does is written down here, with the
//! clause that states the rule.
//!
//! - [`Declaration`]: what the implementation under test says about itself.
//! - [`Way`]: how it is reached; [`Tester`]: who speaks to it, also as no client would.
//! - [`Counters`]: what it counts its protected APDUs with, each number once.
//! - [`Case`], [`catalogue`]: the cases; [`run`]: runs one and gives a [`Report`].
//! - [`Verdict`]: passed, failed, inconclusive or inapplicable, with a reason for each of the last
//!   three.
//!
//! The suite wants a line that loses nothing: what is lost on the way looks like silence of the
//! meter, and nothing is asked twice.
//!
//! ```
//! use conformance::{Group, catalogue};
//!
//! let hdlc: Vec<_> = catalogue().filter(|case| case.group == Group::Hdlc).collect();
//! assert_eq!(hdlc.len(), 22);
//! assert_eq!(hdlc[0].name, "HDLC_FRAME_P1");
//! ```

mod attribute_value;
mod case;
mod cases;
pub mod cli;
mod counters;
mod declaration;
mod exit;
mod glob;
mod report;
mod runner;
mod tester;
mod verdict;

pub use case::{Case, Group};
pub use cases::catalogue;
pub use counters::{Counters, CountersError};
pub use declaration::{
    ClientDeclaration, Declaration, DeclarationError, HdlcDeclaration, ObjectsDeclaration,
    Referencing,
};
pub use exit::Exit;
pub use report::Report;
pub use runner::run;
pub use tester::{Framing, Tester, Way};
pub use verdict::Verdict;
