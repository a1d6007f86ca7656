//! Writes the wrapper frame of W2, for the programs of other people: `write_profile FILE`.

use std::{env, fs, process::ExitCode};

use dlms_benches::input;

fn main() -> ExitCode {
    let frame = input::wrapped(&input::get_response(&input::profile(input::ROWS, 0)));
    let Some(file) = env::args_os().nth(1) else {
        eprintln!("usage: write_profile FILE");
        return ExitCode::FAILURE;
    };
    match fs::write(&file, frame) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("write_profile: {}: {error}", file.display());
            ExitCode::FAILURE
        }
    }
}
