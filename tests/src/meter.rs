//! Meters behind TCP ports of this machine, whoever's they are.

use core::fmt;
use core::time::Duration;
use std::process::Command;

use crate::ports;
use crate::program::{Output, Program};

/// A program with thousands of meters on a busy machine has started long before.
const START_TIME_MAX: Duration = Duration::from_secs(120);
/// How often a program that found its ports taken is started again on others.
const STARTS_MAX: u32 = 3;

/// How an APDU travels on a TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// The wrapper of IEC 62056-47.
    Wrapper,
    /// HDLC of IEC 62056-46.
    Hdlc,
}

impl Framing {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Wrapper, Self::Hdlc];

    /// The address at which `headend` reaches `port` of this machine.
    #[must_use]
    pub fn address(self, port: u16) -> String {
        format!("{self}://127.0.0.1:{port}")
    }
}

impl fmt::Display for Framing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Wrapper => "wrapper",
            Self::Hdlc => "hdlc",
        })
    }
}

/// One running program with a meter on each of its ports; killed on drop.
#[derive(Debug)]
pub struct Meter {
    program: Program,
    framing: Framing,
    base_port: u16,
    count: u16,
}

impl Meter {
    /// Starts what `command` makes of a base port, and waits for its line `ready ...`.
    pub(crate) fn start(framing: Framing, args: &[&str], command: impl Fn(u16) -> Command) -> Self {
        let count = count(args);
        for _ in 0..STARTS_MAX {
            let base_port = ports::free_block(count);
            let mut program = Program::start(command(base_port));
            if program.wait_for_line("ready", START_TIME_MAX).is_some() {
                return Self { program, framing, base_port, count };
            }
            let output = program.finish(START_TIME_MAX);
            assert!(output.stderr.contains("ddress already in use"), "did not start:\n{output}");
        }
        panic!("found its ports taken {STARTS_MAX} times");
    }

    /// The port of the first meter.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.base_port
    }

    /// The framing that it speaks.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// The address of the first meter, as `headend` takes it.
    #[must_use]
    pub fn address(&self) -> String {
        self.framing.address(self.base_port)
    }

    /// The addresses of all its meters.
    pub fn addresses(&self) -> impl Iterator<Item = String> {
        let framing = self.framing;
        (self.base_port..self.base_port + self.count).map(move |port| framing.address(port))
    }

    /// Kills it, as a power failure would, and returns what it printed.
    #[must_use]
    pub fn kill(self) -> Output {
        self.program.kill()
    }
}

/// The number after `--count`, which both meter programs know; 1 without it.
fn count(args: &[&str]) -> u16 {
    let Some(at) = args.iter().position(|arg| *arg == "--count") else { return 1 };
    let count = args.get(at + 1).and_then(|text| text.parse().ok());
    count.unwrap_or_else(|| panic!("--count wants a number: {args:?}"))
}
