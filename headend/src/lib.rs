//! The head-end: reads, writes and commands DLMS/COSEM meters.
//!
//! The binary `headend` is [`run`] and nothing else. What it is made of, in the order in which a
//! command passes through it:
//!
//! - [`cli`]: what may be typed; `settings`: what it means.
//! - [`object`] and [`value`]: how objects and values are written on a command line.
//! - `associate` and [`counter_file`]: an association with keys and counters that are never used
//!   twice.
//! - `quirks`: what a meter needs to be done differently, from a file and as it showed it.
//! - `meter`: a meter that we are associated with, and what we have learned of it.
//! - `commands`: the verbs.
//! - [`reading`] and [`profile`]: values and rows as they are shown; `render`: as table, JSON, CSV.
//! - `decode`: captured octets, layer by layer; `listen`: what meters push; `spool`: what
//!   concentrators kept of it, and `spool_file`, where it arrives once.
//! - `demo`: fifty simulated meters, read by the same path.
//! - [`diagnosis`]: what went wrong, what it usually means, and what to try; [`exit`]: the codes.
//!
//! ```
//! use headend::{object::Object, value};
//!
//! // What `headend write ADDRESS 3:1-0:1.8.0*255:2 unsigned:3` asks for.
//! let object: Object = "3:1-0:1.8.0*255:2".parse()?;
//! let attribute = object.descriptor().expect("the class was given");
//! assert_eq!(attribute.to_string(), "3:1-0:1.8.0*255:2");
//! assert_eq!(value::parse("unsigned:3")?.to_octets(), [0x11, 0x03]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod associate;
pub mod cli;
mod commands;
mod concentrators;
pub mod counter_file;
mod decode;
mod demo;
pub mod diagnosis;
mod durable;
mod error;
pub mod exit;
mod hex;
mod keys_file;
mod listen;
mod meter;
pub mod object;
pub mod object_list;
mod plot;
pub mod profile;
mod quirks;
pub mod reading;
mod registry;
mod render;
mod report;
mod settings;
mod spool;
mod spool_file;
mod time_rules;
pub mod value;
mod wanted;

use std::{ffi::OsString, io, process::ExitCode};

use clap::Parser;

use crate::{cli::CommandLine, exit::Exit};

/// Does what the command line `args` says, the name of the program first, and tells how to end the
/// process.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let line = match CommandLine::try_parse_from(args) {
        Ok(line) => line,
        Err(error) => {
            // Help and version go to standard output and are no failure. If nobody listens there
            // is nobody to tell.
            let _ = error.print();
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Success };
            return exit.into();
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = runtime.and_then(|runtime| runtime.block_on(commands::run(line.verb)));
    match result {
        Ok(exit) => exit.into(),
        // Whoever read the output has seen enough: `headend profile ... | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Success.into(),
        Err(error) => {
            report::note(&format!("error: cannot write the output: {error}"));
            Exit::Local.into()
        }
    }
}
