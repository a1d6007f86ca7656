//! The program `simulator`: see `simulator meter --help`.

use core::{
    future,
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, Mutex},
};

use anyhow::Context;
use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{ArgPredicate, PossibleValuesParser},
};
use dlms_core::{
    companion::{self, Companion},
    gateway::Direction,
    security::{Certificate, Compatibility, SecuritySuite, SystemTitle},
};
use dlms_tokio::{HdlcServerConfig, Identification, UnknownMeter};
use hdlc::parameters::{InformationLength, WindowSize};
use simulator::{
    AnswerConfig, Deviation, ENTRIES_MAX, Fault, Faults, GatewayConfig, LOGICAL_DEVICES_MAX,
    Listening, MediumWeather, Meter, MeterClient, MeterConfig, MeterKeys, SendConfig, WallClock,
    listen_gateway, listen_gateway_hdlc, listen_gateway_udp, listen_hdlc, listen_medium,
    listen_wrapper, listen_wrapper_udp, physical_address, send_pushes, serve_serial,
};
use tokio::task::JoinSet;
use tokio_serial::SerialPortBuilderExt;

/// The companion profiles that meters can be built from.
const COMPANIONS: &[Companion] = companion::companions();
/// The first serial number, unless another is asked for.
const SERIAL_NUMBER: u32 = 1000;
/// The rate in mode E that a meter proposes.
const MODE_E_BAUD: u32 = 9_600;

/// Simulated devices for head-ends to talk to.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    device: Device,
}

#[derive(Debug, Subcommand)]
enum Device {
    /// DLMS/COSEM electricity meters: one a port, ports N, N+1 and so on.
    Meter(MeterArguments),
    /// DLMS/COSEM electricity meters on one HDLC bus behind one TCP port, with lower addresses 16,
    /// 17 and so on, without 126 and 127.
    Medium(MediumArguments),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Framing {
    /// IEC 62056-47, usual on TCP and UDP.
    Wrapper,
    /// IEC 62056-46, usual on serial lines and gateways to them.
    Hdlc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PreEstablished {
    /// Confirmed services are answered.
    Confirmed,
    /// There are only unconfirmed services.
    Unconfirmed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PushHeader {
    /// E6, as in front of whatever is sent first.
    Request,
    /// E7, as in front of whatever comes from a meter.
    Response,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum WrittenDeviation {
    /// Minutes to add to UTC to get local time.
    Reversed,
    /// 0x8000.
    Unspecified,
}

#[derive(Debug, Args)]
struct MeterArguments {
    /// What carries the APDUs.
    #[arg(long, value_enum, default_value_t = Framing::Wrapper,
          default_value_if("serial", ArgPredicate::IsPresent, "hdlc"))]
    framing: Framing,
    /// The port of the first meter.
    #[arg(long, default_value_t = 4059, conflicts_with = "serial",
          value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// The address to listen at.
    #[arg(long, default_value = "127.0.0.1", conflicts_with = "serial")]
    host: IpAddr,
    /// How many meters.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..),
          conflicts_with = "serial")]
    count: u16,
    /// How many logical devices each meter has: that at SAP 1, and the others from SAP 16 on.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..=i64::from(LOGICAL_DEVICES_MAX)))]
    logical_devices: u16,
    /// Wrapper over UDP instead of TCP.
    #[arg(long, conflicts_with = "serial")]
    udp: bool,
    /// Serve one meter with HDLC on this serial port or pseudo terminal.
    #[arg(long, value_name = "PATH")]
    serial: Option<PathBuf>,
    /// The rate of the serial port.
    #[arg(long, default_value_t = MODE_E_BAUD, requires = "serial")]
    baud: u32,
    /// Answer the mode E opening of IEC 62056-21 as well.
    #[arg(long, requires = "serial")]
    mode_e: bool,
    /// Rows of the load profile, one a quarter of an hour, the last one now.
    #[arg(long, default_value_t = MeterConfig::default().entries,
          value_parser = clap::value_parser!(u32).range(..=i64::from(ENTRIES_MAX)))]
    entries: u32,
    /// The serial number of the first meter; it decides about its household and its names.
    #[arg(long, default_value_t = SERIAL_NUMBER)]
    serial_number: u32,
    /// Start the meters' clock at this time, as 2026-02-01T06:00:00Z, instead of now.
    #[arg(long, value_name = "TIME")]
    clock: Option<jiff::Timestamp>,
    /// The security suite, which decides about the meters' keys: 0, 1 or 2.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(..=2))]
    suite: u8,
    /// The certificate of an authority that the meters trust, in PEM. May be given more than once.
    #[arg(long = "trust-anchor", value_name = "FILE")]
    trust_anchors: Vec<PathBuf>,
    /// Differ from the standard as some clients do. May be given more than once.
    #[arg(long, value_name = "HOW")]
    #[arg(value_parser = PossibleValuesParser::new(Compatibility::SWITCHES))]
    compat: Vec<String>,
    /// Build the meters as a companion profile says: with its clients, its objects and profiles,
    /// and its time.
    #[arg(long, value_name = "NAME", conflicts_with = "strict")]
    #[arg(value_parser = PossibleValuesParser::new(COMPANIONS.iter().map(|known| known.name)))]
    companion: Option<String>,
    /// Write the deviation of times against the standard: with the other sign, or not at all.
    #[arg(long, value_enum)]
    deviation: Option<WrittenDeviation>,
    /// Stay in standard time all year.
    #[arg(long)]
    standard_time: bool,
    /// Clients with the rights of a meter in the field, instead of everything for everybody.
    #[arg(long)]
    strict: bool,
    /// Let client 102 in without AARQ, in an association that answers or in one that does not.
    #[arg(long, value_enum, value_name = "KIND")]
    pre_established: Option<PreEstablished>,
    /// The system title of that client, 16 hexadecimal digits: its requests must then be
    /// authenticated and encrypted.
    #[arg(long, value_name = "HEX", requires = "pre_established")]
    pre_established_title: Option<SystemTitle>,
    /// Send what the push setups say, over TCP and UDP, or with transport service HDLC in frames
    /// over TCP.
    #[arg(long, conflicts_with = "serial")]
    push: bool,
    /// Put all meters behind one gateway at the first port: each is addressed by its serial number,
    /// as text, in this network.
    #[arg(long, value_name = "NETWORK", conflicts_with = "serial")]
    gateway: Option<u8>,
    /// Answer for a meter that is not behind the gateway with an exception, instead of not at all.
    #[arg(long, requires = "gateway")]
    gateway_refuses: bool,
    /// The header of the gateway in front of what its meters push.
    #[arg(long, value_enum, value_name = "WHICH", requires = "gateway",
          default_value_t = PushHeader::Request)]
    gateway_push_header: PushHeader,
    /// Authenticate and encrypt what is pushed, in general-glo-ciphering.
    #[arg(long, requires = "push")]
    push_ciphered: bool,
    /// Cut what is pushed into general blocks where it is longer than so many octets.
    #[arg(long, value_name = "OCTETS", requires = "push",
          value_parser = clap::value_parser!(u16).range(16..))]
    push_max_apdu: Option<u16>,
    /// The largest APDU that a meter takes and sends, in octets.
    #[arg(long, default_value_t = AnswerConfig::default().max_pdu)]
    max_pdu: u16,
    /// How long a meter thinks before each answer, in milliseconds.
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
    /// The largest information field of an HDLC frame, in octets.
    #[arg(long, default_value_t = InformationLength::DEFAULT.octets())]
    hdlc_info: u16,
    /// The HDLC window.
    #[arg(long, default_value_t = WindowSize::DEFAULT.frames())]
    window: u8,
    /// The lower HDLC address, 16 to 16381: addresses without it are passed over, instead of all
    /// being taken.
    #[arg(long, value_name = "ADDRESS",
          value_parser = clap::value_parser!(u16).range(16..=16_381))]
    physical: Option<u16>,
    /// The rules that the meter breaks, for testers to notice: a wrong name shows them all.
    #[arg(long = "fault", value_name = "NAME", value_delimiter = ',')]
    faults: Vec<Fault>,
}

#[derive(Debug, Args)]
struct MediumArguments {
    /// The port.
    #[arg(long, default_value_t = 4065)]
    port: u16,
    /// The address to listen at.
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// How many meters.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=16_000))]
    count: u16,
    /// The rate of the bus, in baud; without it octets take no time.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    baud: Option<u32>,
    /// How long octets are under way beside that, each way, in milliseconds.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// How many of a thousand frames to meters are lost.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=1_000))]
    loss_permille: u16,
    /// How many of a thousand answers are spoiled by a collision.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=1_000))]
    collision_permille: u16,
    /// How many of a thousand answers have noise before them.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=1_000))]
    noise_permille: u16,
    /// What decides which.
    #[arg(long, default_value_t = MediumWeather::default().seed)]
    seed: u64,
    /// Rows of the load profile, one a quarter of an hour, the last one now.
    #[arg(long, default_value_t = MeterConfig::default().entries,
          value_parser = clap::value_parser!(u32).range(..=i64::from(ENTRIES_MAX)))]
    entries: u32,
    /// The serial number of the first meter; it decides about its household and its names.
    #[arg(long, default_value_t = SERIAL_NUMBER)]
    serial_number: u32,
    /// How long a meter thinks before each answer, in milliseconds.
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
}

fn main() -> ExitCode {
    // What is not as it should be; nobody asked for more.
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(io::stderr)
        .with_ansi(false)
        .init();
    let started = match Arguments::parse().device {
        Device::Meter(arguments) => start(run(&arguments)),
        Device::Medium(arguments) => start(serve_bus(&arguments)),
    };
    match started {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing can be done when even standard error is gone.
            let _ = writeln!(io::stderr(), "simulator: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(running: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(running)
}

/// Serves meters on one medium until the process is ended.
async fn serve_bus(arguments: &MediumArguments) -> anyhow::Result<()> {
    let config = Arc::new(MeterConfig { entries: arguments.entries, ..MeterConfig::default() });
    let meter = |index: u16| {
        let serial = arguments.serial_number.wrapping_add(u32::from(index));
        Arc::new(Mutex::new(Meter::new(serial, Arc::clone(&config))))
    };
    let meters = (0..arguments.count).map(meter).collect();
    let weather = MediumWeather {
        latency: Duration::from_millis(arguments.latency_ms),
        baud: arguments.baud,
        loss_permille: arguments.loss_permille,
        collision_permille: arguments.collision_permille,
        noise_permille: arguments.noise_permille,
        seed: arguments.seed,
    };
    let answer = AnswerConfig {
        delay: Duration::from_millis(arguments.delay_ms),
        ..AnswerConfig::default()
    };
    let address = SocketAddr::new(arguments.host, arguments.port);
    let hdlc = HdlcServerConfig::default();
    let listening = listen_medium(meters, address, answer, hdlc, weather)
        .await
        .with_context(|| format!("cannot listen at {address}"))?;
    say(&format!(
        "ready medium {} meters {} physical {}..{}",
        listening.address(),
        arguments.count,
        physical_address(0),
        physical_address(arguments.count - 1)
    ))?;
    future::pending::<()>().await;
    Ok(())
}

/// Refuses what no single argument is to blame for.
fn check(arguments: &MeterArguments) -> anyhow::Result<()> {
    if arguments.serial.is_some() && arguments.framing == Framing::Wrapper {
        anyhow::bail!("the wrapper needs packets: on a serial port use --framing hdlc");
    }
    if arguments.udp && arguments.framing == Framing::Hdlc {
        anyhow::bail!("HDLC needs a stream: leave out --udp, or use --framing wrapper");
    }
    let unproven = arguments.pre_established.is_some() && arguments.pre_established_title.is_none();
    if arguments.strict && unproven {
        anyhow::bail!(
            "--strict lets nobody change anything without keys: tell the client of \
             --pre-established with --pre-established-title"
        );
    }
    Ok(())
}

async fn run(arguments: &MeterArguments) -> anyhow::Result<()> {
    check(arguments)?;
    let meters = Meters::new(arguments)?;
    match &arguments.serial {
        Some(path) => meters.serve_serial(path, arguments.baud).await,
        None => meters.listen(arguments).await,
    }
}

fn trust_anchor(path: &Path) -> anyhow::Result<Certificate> {
    let what = || path.display().to_string();
    fs::read_to_string(path).with_context(what)?.parse().with_context(what)
}

/// What the meters of one run have in common.
struct Meters {
    config: Arc<MeterConfig>,
    answer: AnswerConfig,
    hdlc: HdlcServerConfig,
    first_serial: u32,
}

impl Meters {
    fn new(arguments: &MeterArguments) -> anyhow::Result<Self> {
        let mode_e = arguments.mode_e.then(|| Identification {
            manufacturer: *b"DHE",
            baud: MODE_E_BAUD,
            product: format!("DHE{:08}", arguments.serial_number),
        });
        let suite = SecuritySuite::from_id(arguments.suite).context("--suite")?;
        let mut keys = MeterKeys::of(suite);
        for compat in &arguments.compat {
            keys.party.compatibility.turn_on(compat);
        }
        let trust_anchors = arguments.trust_anchors.iter().map(|path| trust_anchor(path));
        let companion = arguments.companion.as_deref().and_then(companion::companion);
        let mut clients = match companion {
            Some(companion) => MeterClient::of(companion),
            None if arguments.strict => MeterClient::strict(),
            None => MeterClient::open(),
        };
        clients.extend(arguments.pre_established.map(|kind| {
            let confirmed = kind == PreEstablished::Confirmed;
            MeterClient::pre_established(confirmed, arguments.pre_established_title)
        }));
        Ok(Self {
            config: Arc::new(MeterConfig {
                keys,
                trust_anchors: trust_anchors.collect::<Result<_, _>>()?,
                entries: arguments.entries,
                clients,
                companion,
                deviation: match arguments.deviation {
                    None => Deviation::Standard,
                    Some(WrittenDeviation::Reversed) => Deviation::Reversed,
                    Some(WrittenDeviation::Unspecified) => Deviation::Unspecified,
                },
                standard_time: arguments.standard_time,
                clock: match arguments.clock {
                    Some(time) => WallClock::starting_at(time.as_second()),
                    None => WallClock::system(),
                },
                logical_devices: arguments.logical_devices,
                ..MeterConfig::default()
            }),
            answer: AnswerConfig {
                max_pdu: arguments.max_pdu,
                delay: Duration::from_millis(arguments.delay_ms),
                faults: arguments.faults.iter().copied().fold(Faults::NONE, Faults::with),
            },
            hdlc: HdlcServerConfig {
                information: InformationLength::try_new(arguments.hdlc_info)
                    .context("--hdlc-info")?,
                window: WindowSize::try_new(arguments.window).context("--window")?,
                mode_e,
                physical: arguments.physical,
                ..HdlcServerConfig::default()
            },
            first_serial: arguments.serial_number,
        })
    }

    fn meter(&self, index: u16) -> Arc<Mutex<Meter>> {
        let serial = self.first_serial.wrapping_add(u32::from(index));
        Arc::new(Mutex::new(Meter::new(serial, Arc::clone(&self.config))))
    }

    /// Listens until the process is ended.
    async fn listen(&self, arguments: &MeterArguments) -> anyhow::Result<()> {
        let meters: Vec<_> = (0..arguments.count).map(|index| self.meter(index)).collect();
        let gateway = arguments.gateway.map(|network| GatewayConfig {
            unknown: match arguments.gateway_refuses {
                true => UnknownMeter::Exception,
                false => UnknownMeter::Silence,
            },
            push_header: match arguments.gateway_push_header {
                PushHeader::Request => Direction::Request,
                PushHeader::Response => Direction::Response,
            },
            ..GatewayConfig::new(network)
        });
        let ports = if gateway.is_some() { 1 } else { arguments.count };
        let last = u16::checked_add(arguments.port, ports - 1);
        let last = last.context("there are not so many ports after the first one")?;
        let mut listening = Vec::new();
        for (meter, port) in meters.iter().zip(arguments.port..=last) {
            let address = SocketAddr::new(arguments.host, port);
            let answer = self.answer;
            let listener = match (arguments.framing, gateway) {
                (Framing::Wrapper, Some(gateway)) if arguments.udp => {
                    listen_gateway_udp(&meters, gateway, address, answer).await
                }
                (Framing::Wrapper, Some(gateway)) => {
                    listen_gateway(&meters, gateway, address, answer).await
                }
                (Framing::Hdlc, Some(gateway)) => {
                    let hdlc = self.hdlc.clone();
                    listen_gateway_hdlc(&meters, gateway, address, answer, hdlc).await
                }
                (Framing::Wrapper, None) if arguments.udp => {
                    listen_wrapper_udp(Arc::clone(meter), address, answer).await
                }
                (Framing::Wrapper, None) => {
                    listen_wrapper(Arc::clone(meter), address, answer).await
                }
                (Framing::Hdlc, None) => {
                    listen_hdlc(Arc::clone(meter), address, answer, self.hdlc.clone()).await
                }
            };
            listening.push(listener.with_context(|| format!("cannot listen at {address}"))?);
        }
        let framing = match arguments.framing {
            Framing::Wrapper => "wrapper",
            Framing::Hdlc => "hdlc",
        };
        let first = SocketAddr::new(arguments.host, arguments.port);
        say(&format!("ready {framing} {first}..{last} meters {}", arguments.count))?;
        let pushing = async {
            if arguments.push {
                let config = SendConfig {
                    gateway,
                    ciphered: arguments.push_ciphered,
                    apdu_len_max: arguments.push_max_apdu,
                    faults: self.answer.faults,
                };
                send_pushes(&meters, config).await;
            }
            future::pending::<()>().await;
        };
        let mut listening: JoinSet<SocketAddr> =
            listening.into_iter().map(Listening::ended).collect();
        tokio::select! {
            () = pushing => Ok(()),
            Some(ended) = listening.join_next() => {
                anyhow::bail!("nobody listens at {} any more", ended?)
            }
        }
    }

    /// Serves one meter on a serial port until that fails.
    async fn serve_serial(&self, path: &Path, baud: u32) -> anyhow::Result<()> {
        let name = path.to_string_lossy();
        // The default is eight data bits, no parity, one stop bit: what HDLC wants.
        let mut stream = tokio_serial::new(&*name, baud)
            .open_native_async()
            .with_context(|| format!("cannot open {name}"))?;
        // A pseudo terminal is often held open by the program that made it.
        #[cfg(unix)]
        stream.set_exclusive(false).with_context(|| format!("cannot share {name}"))?;
        say(&format!("ready hdlc {name} meters 1"))?;
        serve_serial(self.meter(0), stream, self.answer, &self.hdlc).await?;
        Ok(())
    }
}

/// One line on standard output, at once: whoever started this waits for it.
fn say(line: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(options: &[&str]) -> bool {
        let words = [&["simulator", "meter"], options].concat();
        match Arguments::try_parse_from(words).map(|arguments| arguments.device) {
            Ok(Device::Meter(arguments)) => check(&arguments).is_ok(),
            _ => false,
        }
    }

    #[test]
    fn what_cannot_be_served_is_said_before_anything_is() {
        let title = ["--pre-established-title", "4D4D4D0000000001"];
        for good in [
            &["--framing", "hdlc", "--physical", "16"][..],
            &["--physical", "16381", "--udp", "--port", "1"],
            &["--pre-established", "unconfirmed"],
            &["--strict", "--pre-established", "unconfirmed", title[0], title[1]],
        ] {
            assert!(checked(good), "{good:?}");
        }
        for bad in [
            &["--framing", "hdlc", "--udp"][..],
            &["--physical", "15"],
            &["--physical", "16382"],
            &["--port", "0"],
            &["--strict", "--pre-established", "unconfirmed"],
        ] {
            assert!(!checked(bad), "{bad:?}");
        }
    }
}
