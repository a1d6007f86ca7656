//! The meters of the demo: simulated, in a process of their own, on sockets of this machine.
//!
//! The process is this program again, with a verb that is not advertised. It says where its meters
//! listen, one line each, and ends when its standard input does: it outlives the demo in no case.

use core::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
};

use dlms_tokio::HdlcServerConfig;
use simulator::{AnswerConfig, Listening, MeterConfig};

/// How many meters there are.
pub(super) const METERS: u32 = 50;
/// Up to this one they speak the wrapper, from then on HDLC.
const WRAPPER_METERS: u32 = METERS / 2;
/// The serial number of the first.
const FIRST_SERIAL: u32 = 10_000_001;
/// What the process says once all meters listen.
const READY: &str = "ready";
/// Two days of quarter-hours.
const ENTRIES: u32 = 192;

/// How a meter lets clients in.
#[derive(Debug)]
pub(super) struct Access {
    /// For the table.
    pub(super) name: &'static str,
    /// The options of the command line.
    pub(super) options: &'static [&'static str],
}

/// Each kind of association that a utility meets has its share.
const ACCESS: [Access; 5] = [
    Access { name: "public", options: &[] },
    Access {
        name: "password",
        options: &["--client", "17", "--auth", "lls", "--password", "12345678"],
    },
    Access {
        name: "HLS SHA-256",
        options: &["--client", "1", "--auth", "hls-sha256", "--password", "ABCDEFGHIJKLMNOP"],
    },
    Access {
        name: "HLS GMAC, authenticated",
        options: &["--client", "1", "--auth", "hls-gmac", "--security", "auth"],
    },
    Access {
        name: "HLS GMAC, encrypted",
        options: &["--client", "1", "--auth", "hls-gmac", "--security", "authenc"],
    },
];

/// A meter of the demo.
#[derive(Clone, Debug)]
pub(super) struct DemoMeter {
    /// Its serial number.
    pub(super) serial: u32,
    /// Where it listens, as the command line takes it.
    pub(super) address: String,
}

impl DemoMeter {
    /// What lets a client in.
    pub(super) fn access(&self) -> &'static Access {
        &ACCESS[self.serial as usize % ACCESS.len()]
    }
}

/// The process with the meters. It is ended when this is dropped.
#[derive(Debug)]
pub(super) struct Meters {
    process: Child,
    /// Closing it ends the process.
    _lifeline: Option<ChildStdin>,
    /// The meters, by serial number.
    pub(super) all: Vec<DemoMeter>,
}

impl Meters {
    /// Starts the process and waits until its meters listen.
    ///
    /// # Errors
    /// The process cannot be started, or ends before all its meters listen.
    pub(super) fn start(answer_delay_ms: u64) -> io::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["simulate-meters", "--answer-delay-ms", &answer_delay_ms.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let lifeline = process.stdin.take();
        let said = process.stdout.take().ok_or_else(|| io::Error::other("no standard output"))?;
        let mut all = Vec::new();
        for line in BufReader::new(said).lines() {
            let line = line?;
            if line == READY {
                return Ok(Self { process, _lifeline: lifeline, all });
            }
            if let Some((serial, address)) = line.split_once(' ')
                && let Ok(serial) = serial.parse()
            {
                all.push(DemoMeter { serial, address: address.to_owned() });
            }
        }
        let status = process.wait()?;
        Err(io::Error::other(format!("the simulated meters did not start: {status}")))
    }

    /// The process id.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// How the process ended, if it did.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().ok().flatten()
    }
}

impl Drop for Meters {
    fn drop(&mut self) {
        // It may be gone already; either way nobody is left to tell.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The process itself: serves the meters until standard input ends.
///
/// # Errors
/// A socket cannot be had, or standard output is gone.
pub(super) async fn serve(answer_delay_ms: u64) -> io::Result<()> {
    let config = Arc::new(MeterConfig { entries: ENTRIES, ..MeterConfig::default() });
    let answer =
        AnswerConfig { delay: Duration::from_millis(answer_delay_ms), ..AnswerConfig::default() };
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut listening: Vec<Listening> = Vec::new();
    {
        let mut out = io::stdout().lock();
        for index in 0..METERS {
            let serial = FIRST_SERIAL + index;
            let meter = Arc::new(Mutex::new(simulator::Meter::new(serial, Arc::clone(&config))));
            let (scheme, listener) = if index < WRAPPER_METERS {
                ("wrapper", simulator::listen_wrapper(meter, any, answer).await?)
            } else {
                let hdlc = HdlcServerConfig::default();
                ("hdlc", simulator::listen_hdlc(meter, any, answer, hdlc).await?)
            };
            writeln!(out, "{serial} {scheme}://{}", listener.address())?;
            listening.push(listener);
        }
        writeln!(out, "{READY}")?;
        out.flush()?;
    }
    // Whatever comes, only the end counts.
    tokio::task::spawn_blocking(|| io::stdin().lock().read_to_end(&mut Vec::new())).await??;
    drop(listening);
    Ok(())
}
