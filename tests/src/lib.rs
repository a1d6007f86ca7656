//! What the scenario tests stand on: start our programs and other people's, join them by lines that
//! may be bad, and read what they said.
//!
//! ```no_run
//! use dlms_tests::{Foreign, Framing, Headend};
//!
//! let meter = Foreign::gurux_meter(Framing::Wrapper, &["--entries", "96"]);
//! let headend = Headend::new();
//! let output = headend.run(&["read", &meter.address(), "1-0:32.7.0*255", "-o", "jsonl"]);
//! output.assert_code(0);
//! assert_eq!(output.json_lines()[0]["text"], "230.1 V");
//! ```
//!
//! Nothing here waits by sleeping: a program is ready when it says so, and a program that does not
//! end in its time is killed and fails the test with all that it printed.
//!
//! | module | noun |
//! |---|---|
//! | [`program`] | a program that runs, and its output |
//! | [`ours`] | `headend`, `concentrator` and our other programs, built in this test's profile |
//! | [`foreign`] | the Python programs of `tests/interop` |
//! | [`meter`] | meters behind ports, whoever's they are |
//! | [`mode`] | how a client proves itself and protects what it asks |
//! | [`cable`] | pseudo-terminals and TCP connections with noise, loss and cuts |
//! | [`counters`](mod@counters) | invocation counters, read off a line |
//! | [`peer`] | TCP ports at which the test itself speaks, badly |
//! | [`profile_meter`] | a meter with a profile of any rows one likes, that may break off |
//! | [`ports`] | TCP ports that are free |
//! | [`folder`] | a folder that goes away |
//! | [`random`] | chance that is the same in every run |
//! | [`soak`] | how long tests of chance go on |

pub mod cable;
pub mod counters;
pub mod folder;
pub mod foreign;
pub mod meter;
pub mod mode;
pub mod ours;
pub mod peer;
pub mod ports;
pub mod profile_meter;
pub mod program;
pub mod random;
pub mod soak;

pub use cable::{Conversation, Noise, SerialCable, TcpCable};
pub use counters::counters;
pub use folder::Folder;
pub use foreign::Foreign;
pub use meter::{Framing, Meter};
pub use mode::{Mode, signing_environment};
pub use ours::{Concentrator, Example, Headend, Simulator, conformance};
pub use peer::Peer;
pub use profile_meter::ProfileMeter;
pub use program::{Output, Program};
pub use random::Random;
