//! The binary `headend`.

use std::process::ExitCode;

fn main() -> ExitCode {
    headend::run(std::env::args_os())
}
