//! The program `dlms-conformance`: see `dlms-conformance --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    conformance::cli::run(std::env::args_os())
}
