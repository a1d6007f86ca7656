//! The command line of `concentrator`.

#[cfg(feature = "collection")]
mod order;
mod show;

use core::{error::Error, fmt::Display};
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
use hyper::Method;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{runtime, signal};

use crate::{
    cli::show::Format,
    config::Config,
    control::{
        self, ControlError, NewNode, NodeView, OldNode, RouteView, SapView, SpoolView, Status,
    },
    daemon::{CONTROL_SOCKET, Daemon},
};

/// The configuration or the command line is wrong.
const USAGE: u8 = 2;
/// No concentrator runs here.
const UNREACHABLE: u8 = 3;
/// The concentrator refused.
const REFUSED: u8 = 5;

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
        /// How much is told on standard error: error, warn, info, debug, trace.
        #[arg(long, value_name = "LEVEL", default_value = "info")]
        log: tracing::Level,
        /// Tell it as JSON, an object a line.
        #[arg(long)]
        log_json: bool,
    },
    /// Say whether a configuration can be run, and what is wrong with it.
    CheckConfig {
        /// The configuration.
        #[arg(value_name = "FILE")]
        config: PathBuf,
    },
    /// How the concentrator that runs here is.
    Status(Asking),
    /// The meters: where each is, and when it was heard last.
    Nodes(Asking),
    /// The SAPs that are routed to, as head-ends read them.
    Saps(Asking),
    /// The meters that somebody speaks to, and who does.
    Routes(Asking),
    /// What meters pushed and no head-end has acknowledged yet, in figures.
    Spool(Asking),
    /// Make another meter known.
    Add {
        /// Its logical device name.
        name: String,
        /// Where it is, such as wrapper://192.0.2.7:4059.
        #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["medium", "physical"])]
        address: Option<String>,
        /// The medium it is on.
        #[arg(long, value_name = "NAME", requires = "physical")]
        medium: Option<String>,
        /// Its lower HDLC address there.
        #[arg(long, requires = "medium")]
        physical: Option<u16>,
        /// The SAP of the logical device at the meter itself [default: 1].
        #[arg(long)]
        server: Option<u16>,
        /// The SAP that head-ends reach it at [default: its old one, or the next that is free].
        #[arg(long)]
        sap: Option<u16>,
        #[command(flatten)]
        asking: Asking,
    },
    /// Have meters read, their clocks compared, or something done that the reading client may.
    #[cfg(feature = "collection")]
    #[command(subcommand)]
    Order(order::OrderCommand),
    /// Make an image of a program, for the image transfer at SAP 1: the program with its signature.
    /// Prints the public key by which it is known, for [firmware].
    #[cfg(feature = "ciphering")]
    SignFirmware {
        /// The program.
        program: PathBuf,
        /// The file with the private key: 64 hexadecimal digits.
        #[arg(long, value_name = "FILE")]
        key_file: PathBuf,
        /// Where to write the image.
        #[arg(long, short, value_name = "FILE")]
        image: PathBuf,
    },
    /// Say that a meter is gone. Its SAP goes to no other for 30 days.
    Remove {
        /// Its logical device name.
        name: String,
        #[command(flatten)]
        asking: Asking,
    },
}

/// Whom to ask, and how to show the answer.
#[derive(Debug, Args)]
struct Asking {
    /// The configuration of the concentrator that runs.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// How to write the answer.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Runs the command line of this process.
#[must_use]
pub fn run() -> ExitCode {
    let nodes = ["sap", "name", "place", "medium", "server", "state", "last_seen"];
    match Arguments::parse().command {
        Command::Run { config, log, log_json } => match Config::read(&config) {
            Ok(config) => {
                tell(log, log_json);
                start(&config)
            }
            Err(error) => end(USAGE, &error),
        },
        Command::CheckConfig { config } => match check(&config) {
            Ok(read) => {
                let (meters, media) = (read.meter.len(), read.medium.len());
                say(&format!("{}: good; {meters} meters, {media} media", config.display()));
                ExitCode::SUCCESS
            }
            Err(error) => end(USAGE, &*error),
        },
        #[cfg(feature = "ciphering")]
        Command::SignFirmware { program, key_file, image } => {
            match crate::firmware::sign(&program, &key_file) {
                Ok((octets, public_key)) => match std::fs::write(&image, octets) {
                    Ok(()) => {
                        say(&public_key.to_string());
                        ExitCode::SUCCESS
                    }
                    Err(error) => fail(&format!("{}: {error}", image.display())),
                },
                Err(error) => end(USAGE, &error),
            }
        }
        Command::Status(asking) => {
            let columns = ["name", "epoch", "uptime_s", "meters", "associations", "head_ends"];
            let status = asking.ask::<Status>(Method::GET, "/status", &());
            show(&asking, &columns, status.map(|status| vec![status]))
        }
        Command::Nodes(asking) => {
            let answer = asking.ask::<Vec<NodeView>>(Method::GET, "/nodes", &());
            show(&asking, &nodes, answer)
        }
        Command::Saps(asking) => {
            let answer = asking.ask::<Vec<SapView>>(Method::GET, "/saps", &());
            show(&asking, &["sap", "name"], answer)
        }
        Command::Routes(asking) => {
            let answer = asking.ask::<Vec<RouteView>>(Method::GET, "/routes", &());
            show(&asking, &["sap", "name", "client", "connection"], answer)
        }
        Command::Spool(asking) => {
            let columns = ["entries", "octets", "first", "stored", "acknowledged", "evicted"];
            let answer = asking.ask::<SpoolView>(Method::GET, "/spool", &());
            show(&asking, &columns, answer.map(|spool| vec![spool]))
        }
        Command::Add { name, address, medium, physical, server, sap, asking } => {
            let new = NewNode { name, address, medium, physical, server, sap };
            let answer = asking.ask::<NodeView>(Method::POST, "/nodes", &new);
            show(&asking, &nodes, answer.map(|node| vec![node]))
        }
        #[cfg(feature = "collection")]
        Command::Order(command) => order::run(command),
        Command::Remove { name, asking } => {
            match asking.ask::<()>(Method::DELETE, "/nodes", &OldNode { name }) {
                Ok(()) => ExitCode::SUCCESS,
                Err(code) => code,
            }
        }
    }
}

impl Asking {
    fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        uri: &str,
        body: &impl Serialize,
    ) -> Result<T, ExitCode> {
        let config = Config::read(&self.config).map_err(|error| end(USAGE, &error))?;
        let body = serde_json::to_vec(body).map_err(|error| fail(&error))?;
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let socket = config.concentrator.data.join(CONTROL_SOCKET);
        let asking = control::ask(&socket, method, uri, body);
        let answer = runtime.map_err(|error| fail(&error))?.block_on(asking);
        answer.map_err(|error| match error {
            ControlError::NotRunning { .. } => end(UNREACHABLE, &error),
            ControlError::Refused(_) => end(REFUSED, &error),
            ControlError::Broken(_) => fail(&error),
        })
    }
}

fn show<R: Serialize>(
    asking: &Asking,
    columns: &[&str],
    answer: Result<Vec<R>, ExitCode>,
) -> ExitCode {
    match answer {
        Err(code) => code,
        Ok(records) => {
            match show::records(&mut io::stdout().lock(), asking.output, columns, &records) {
                // Who reads may have seen enough.
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => fail(&error),
                _ => ExitCode::SUCCESS,
            }
        }
    }
}

/// Reads a configuration, and everything that it names.
fn check(config: &Path) -> Result<Config, Box<dyn Error>> {
    let read = Config::read(config)?;
    Daemon::check(&read)?;
    Ok(read)
}

/// Has what happens told on standard error.
fn tell(level: tracing::Level, json: bool) {
    let subscriber =
        tracing_subscriber::fmt().with_max_level(level).with_writer(io::stderr).with_ansi(false);
    match json {
        true => subscriber.json().init(),
        false => subscriber.init(),
    }
}

fn start(config: &Config) -> ExitCode {
    // One thread: routing is a matter of some microseconds a frame, and on one thread nobody waits
    // for a lock.
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    runtime.block_on(async {
        let daemon = match Daemon::start(config).await {
            Ok(daemon) => daemon,
            Err(error) if error.is_of_the_machine() => return fail(&error),
            Err(error) => return end(USAGE, &error),
        };
        for address in daemon.listening() {
            say(&format!("ready at {address}"));
        }
        let (ended, code) = tokio::select! {
            ended = ended() => (ended, ExitCode::SUCCESS),
            () = daemon.replaced() => {
                let exit_code = config.firmware.as_ref().map_or(0, |firmware| firmware.exit_code);
                (Ok(()), exit_code.into())
            }
        };
        match ended {
            Ok(()) if daemon.stop() => code,
            Ok(()) => fail("what came last could not be stored: the disk is full or broken"),
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

fn end(code: u8, error: &(impl Display + ?Sized)) -> ExitCode {
    let _ = writeln!(io::stderr(), "concentrator: {error}");
    ExitCode::from(code)
}

fn fail(error: &(impl Display + ?Sized)) -> ExitCode {
    end(1, error)
}
