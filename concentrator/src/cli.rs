//! The command line of `concentrator`.

use core::fmt::Display;
use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use tokio::{runtime, signal};

use crate::{
    config::Config,
    daemon::{Daemon, StartError},
    exchange::{Local, PushSink, Pushed},
    router::WanId,
};

/// The configuration or the command line is wrong.
const USAGE: u8 = 2;

/// A data concentrator for DLMS/COSEM meters: passes their APDUs on and holds none of their keys.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run until SIGTERM or Ctrl-C.
    Run {
        /// The configuration.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Say whether a configuration can be run, and what is wrong with it.
    CheckConfig {
        /// The configuration.
        #[arg(value_name = "FILE")]
        config: PathBuf,
    },
}

/// Runs the command line of this process.
#[must_use]
pub fn run() -> ExitCode {
    match Arguments::parse().command {
        Command::Run { config } => match Config::read(&config) {
            Ok(config) => start(&config),
            Err(error) => refuse(&error),
        },
        Command::CheckConfig { config } => match Config::read(&config) {
            Ok(read) => {
                let (meters, media) = (read.meter.len(), read.medium.len());
                say(&format!("{}: good; {meters} meters, {media} media", config.display()));
                ExitCode::SUCCESS
            }
            Err(error) => refuse(&error),
        },
    }
}

/// Nobody at SAP 1.
struct Silent;

impl Local for Silent {
    fn handle(&mut self, _: WanId, _: u16, _: &mut Vec<u8>, _: &mut Vec<u8>) -> bool {
        false
    }

    fn closed(&mut self, _: WanId) {}
}

impl PushSink for Silent {
    fn push(&mut self, _: &Pushed<'_>) {}
}

fn start(config: &Config) -> ExitCode {
    // One thread: routing is a matter of some microseconds a frame, and on one thread nobody waits
    // for a lock.
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    runtime.block_on(async {
        let daemon = match Daemon::start(config, Box::new(Silent), Box::new(Silent)).await {
            Ok(daemon) => daemon,
            Err(error @ StartError::Listen { .. }) => return fail(&error),
            Err(error) => return refuse(&error),
        };
        for address in daemon.listening() {
            say(&format!("ready at {address}"));
        }
        match ended().await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error),
        }
    })
}

/// Waits until somebody ends the process.
async fn ended() -> io::Result<()> {
    let mut terminated = signal::unix::signal(signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = signal::ctrl_c() => interrupted,
        _ = terminated.recv() => Ok(()),
    }
}

fn say(text: &str) {
    // Nobody may be there to read it any more.
    let _ = writeln!(io::stdout(), "{text}");
}

fn refuse(error: &(impl Display + ?Sized)) -> ExitCode {
    let _ = writeln!(io::stderr(), "concentrator: {error}");
    ExitCode::from(USAGE)
}

fn fail(error: &(impl Display + ?Sized)) -> ExitCode {
    let _ = writeln!(io::stderr(), "concentrator: {error}");
    ExitCode::FAILURE
}
