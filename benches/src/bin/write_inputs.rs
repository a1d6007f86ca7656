//! Writes the inputs of W1, W2 and W3 for the programs of other people: `write_inputs FOLDER`.

use std::{env, fs, io, path::Path, process::ExitCode};

use dlms_benches::input;
use dlms_core::xdlms::tag;

/// Octets of each stream of frames: enough for a median of what is a hundred times slower.
const STREAM_LEN: usize = 256 * 1024;

fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1) else {
        eprintln!("usage: write_inputs FOLDER");
        return ExitCode::FAILURE;
    };
    match write_inputs(folder.as_ref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("write_inputs: {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

fn write_inputs(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for length in [128, 2030] {
        let frames = input::frames(STREAM_LEN, &[length]);
        fs::write(folder.join(format!("w1_{length}.bin")), frames)?;
    }
    let apdu = input::get_response(&input::profile(input::ROWS, 0));
    fs::write(folder.join("w2_wrapped.bin"), input::wrapped(&apdu))?;
    let sealed = input::ciphered(tag::GENERAL_GLO_CIPHERING, &apdu);
    fs::write(folder.join("w3_wrapped.bin"), input::wrapped(&sealed))
}
