//! The program `concentrator`: see `concentrator --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    concentrator::cli::run()
}
