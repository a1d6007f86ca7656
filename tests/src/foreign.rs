//! The programs of `tests/interop`, which speak DLMS/COSEM with other people's code.
//!
//! They run with the Python that the environment variable `DLMS_INTEROP_PYTHON` names, else with
//! that of `target/interop-venv`, which `scripts/test` makes.

use core::time::Duration;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::meter::{Framing, Meter};
use crate::ports;
use crate::program::{Output, Program};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// The slowest script, a client that does everything over HDLC, takes a few seconds.
const CLIENT_TIME_MAX: Duration = Duration::from_secs(120);
/// It looks at every rule for every name, some 100 in a second.
const NAMES_TIME_MAX: Duration = Duration::from_secs(300);
const START_TIME_MAX: Duration = Duration::from_secs(30);

/// A foreign program. The clients run to their end; the proxy is a running one.
#[derive(Debug)]
pub struct Foreign {
    program: Program,
    port: u16,
}

impl Foreign {
    /// Starts `gurux_meter.py` on free ports: one meter, or as many as `--count` in `args` says.
    ///
    /// # Panics
    ///
    /// When there is no Python with the packages, or the program does not start.
    #[must_use]
    pub fn gurux_meter(framing: Framing, args: &[&str]) -> Meter {
        Meter::start(framing, args, |base_port| {
            let mut command = script("gurux_meter.py");
            command.args(["--framing", &framing.to_string()]);
            command.args(["--base-port", &base_port.to_string()]).args(args);
            command
        })
    }

    /// Runs `gurux_client.py` against `port`. It prints a line `OK` or `FAIL` for each step, and at
    /// the end `steps ok N failed M, ...`; its exit code says little.
    ///
    /// # Panics
    ///
    /// When there is no Python with the packages, or the program does not end.
    #[must_use]
    pub fn gurux_client(framing: Framing, port: u16, args: &[&str]) -> Output {
        client("gurux_client.py", framing, port, args)
    }

    /// Runs `gurux_services.py`, which prints the same lines.
    ///
    /// # Panics
    ///
    /// As [`gurux_client`](Self::gurux_client).
    #[must_use]
    pub fn gurux_services(framing: Framing, port: u16, args: &[&str]) -> Output {
        client("gurux_services.py", framing, port, args)
    }

    /// Runs `u9n_client.py`, which prints the same lines.
    ///
    /// # Panics
    ///
    /// As [`gurux_client`](Self::gurux_client).
    #[must_use]
    pub fn u9n_client(framing: Framing, port: u16, args: &[&str]) -> Output {
        client("u9n_client.py", framing, port, args)
    }

    /// Runs `second_library.py` on the file `requests`: it computes what suites 1 and 2 compute,
    /// with OpenSSL, and answers each line with one.
    ///
    /// # Panics
    ///
    /// When there is no Python with the packages, or the program does not end.
    #[must_use]
    pub fn second_library(requests: &Path) -> Output {
        let mut command = script("second_library.py");
        command.arg(requests);
        Program::start(command).finish(CLIENT_TIME_MAX)
    }

    /// Runs `protected_push.py` on the file `requests`: it ciphers and signs APDUs with OpenSSL,
    /// and answers each line with one.
    ///
    /// # Panics
    ///
    /// When there is no Python with the packages, or the program does not end.
    #[must_use]
    pub fn protected_push(requests: &Path) -> Output {
        let mut command = script("protected_push.py");
        command.arg(requests);
        Program::start(command).finish(CLIENT_TIME_MAX)
    }

    /// Runs `gurux_classes.py`, which prints what it knows of each interface class as JSON.
    ///
    /// # Panics
    ///
    /// When there is no Python with the packages, or the program does not end.
    #[must_use]
    pub fn gurux_classes() -> Output {
        Program::start(script("gurux_classes.py")).finish(CLIENT_TIME_MAX)
    }

    /// Runs `gurux_names.py` on the logical names in `file`. It prints what it calls each, and each
    /// unit.
    ///
    /// # Panics
    ///
    /// As [`gurux_classes`](Self::gurux_classes).
    #[must_use]
    pub fn gurux_names(file: &Path) -> Output {
        let mut command = script("gurux_names.py");
        command.arg(file);
        Program::start(command).finish(NAMES_TIME_MAX)
    }

    /// Runs `gurux_values.py`, which prints structured attributes as it writes them, as JSON.
    ///
    /// # Panics
    ///
    /// As [`gurux_classes`](Self::gurux_classes).
    #[must_use]
    pub fn gurux_values() -> Output {
        Program::start(script("gurux_values.py")).finish(CLIENT_TIME_MAX)
    }

    /// Runs `gurux_translator.py` on the requests in `file`. It prints an answer for each.
    ///
    /// # Panics
    ///
    /// As [`gurux_client`](Self::gurux_client).
    #[must_use]
    pub fn gurux_translator(file: &str) -> Output {
        let mut command = script("gurux_translator.py");
        command.arg(file);
        Program::start(command).finish(CLIENT_TIME_MAX)
    }

    /// Starts `tamper_proxy.py` in front of the wrapper port `target`; `mode` is `tag`, `text`,
    /// `replay` or `strip`.
    ///
    /// # Panics
    ///
    /// When there is no Python, or the program does not start.
    #[must_use]
    pub fn tamper_proxy(target: u16, mode: &str) -> Self {
        let port = ports::free_port();
        let mut command = script("tamper_proxy.py");
        command.args([&port.to_string(), &target.to_string(), mode]);
        let mut program = Program::start(command);
        if program.wait_for_line("ready", START_TIME_MAX).is_none() {
            panic!("did not start:\n{}", program.finish(START_TIME_MAX));
        }
        Self { program, port }
    }

    /// The port on which the proxy listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it and returns what it printed: the proxy writes a line for each message it altered.
    #[must_use]
    pub fn kill(self) -> Output {
        self.program.kill()
    }
}

fn client(name: &str, framing: Framing, port: u16, args: &[&str]) -> Output {
    let mut command = script(name);
    command.args(["--framing", &framing.to_string(), "--port", &port.to_string()]).args(args);
    Program::start(command).finish(CLIENT_TIME_MAX)
}

fn script(name: &str) -> Command {
    let mut command = Command::new(python());
    command.arg(Path::new(ROOT).join("tests/interop").join(name));
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUNBUFFERED", "1");
    // The clock of the meter shows local time.
    command.env("TZ", "UTC");
    command
}

fn python() -> PathBuf {
    let python = match env::var_os("DLMS_INTEROP_PYTHON") {
        Some(path) => PathBuf::from(path),
        None => Path::new(ROOT).join("target/interop-venv/bin/python"),
    };
    assert!(
        python.exists(),
        "{} is missing: run `scripts/test`, which installs it (or set DLMS_INTEROP_PYTHON to a \
         Python that has the packages of tests/interop/requirements.txt)",
        python.display()
    );
    python
}
