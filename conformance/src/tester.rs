//! The tester: it stands where a client stands, and may say what no client would.
//!
//! ```text
//!            Tester
//!           /      \
//!      Station    Association       frames, octet by octet; APDUs, octet by octet
//!         |          |
//!      stream      Line             TCP, a serial port, a pipe in memory
//! ```
//!
//! Every case opens its own way to the meter and leaves nothing behind but what the postamble
//! clears up.

pub(crate) mod association;
pub(crate) mod proposal;
pub(crate) mod raw_frame;
pub(crate) mod station;

use core::{cell::Cell, fmt, time::Duration};
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use dlms_core::acse::Mechanism;
use dlms_tokio::{
    Address, DecodeLevel, Direction, Line, LineConfig, LineError, Phase, SerialPort, SerialStream,
    Trace,
};
use hdlc::address::AddressLength;
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream},
    net::TcpStream,
    time::timeout,
};

use crate::{
    counters::Counters,
    declaration::{ClientDeclaration, Declaration, Referencing},
    tester::station::Station,
    verdict::Finding,
};

/// How long opening the way to a meter may take.
const OPENING_MAX: Duration = Duration::from_secs(10);
/// Lines of the exchange that are kept for the report of one case; the oldest make room.
const TRANSCRIPT_LINES_MAX: usize = 400;

/// What carries APDUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// IEC 62056-47.
    Wrapper,
    /// IEC 62056-46.
    Hdlc,
}

/// How the implementation under test is reached.
pub enum Way {
    /// Over a socket or a serial port.
    Address(Address),
    /// Through pipes in memory, each call one connection: for meters that are simulated in the
    /// same process, and in simulated time.
    Memory(Framing, Box<dyn Fn() -> DuplexStream + Send + Sync>),
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Memory(framing, _) => write!(f, "{framing:?} in memory"),
        }
    }
}

impl Way {
    /// What carries APDUs on it.
    pub const fn framing(&self) -> Framing {
        match self {
            Self::Address(Address::Wrapper(_) | Address::WrapperUdp(_)) => Framing::Wrapper,
            Self::Address(Address::Hdlc(_) | Address::HdlcSerial(_)) => Framing::Hdlc,
            Self::Memory(framing, _) => *framing,
        }
    }
}

/// A byte stream to the meter.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// The tester of one case.
pub struct Tester<'d> {
    pub(crate) declaration: &'d Declaration,
    way: &'d Way,
    trace: Trace,
    transcript: Arc<Mutex<Vec<String>>>,
    /// They go on from case to case.
    pub(crate) counters: &'d Counters,
    /// Whether the meter was signed on to in this case (mode E of IEC 62056-21).
    signed_on: Cell<bool>,
}

impl fmt::Debug for Tester<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tester({:?})", self.way)
    }
}

impl<'d> Tester<'d> {
    pub(crate) fn new(declaration: &'d Declaration, way: &'d Way, counters: &'d Counters) -> Self {
        let transcript = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&transcript);
        let sink = move |line: &str| {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            if lines.len() >= TRANSCRIPT_LINES_MAX {
                lines.remove(0);
            }
            lines.push(line.to_owned());
        };
        let trace = Trace::new(DecodeLevel::Phys, Arc::new(sink));
        for client in &declaration.clients {
            trace.hide(client.secret.octets());
        }
        Self { declaration, way, trace, transcript, counters, signed_on: Cell::new(false) }
    }

    /// What went over the line, with passwords and secrets masked.
    pub(crate) fn transcript(&self) -> Vec<String> {
        self.transcript.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) const fn framing(&self) -> Framing {
        self.way.framing()
    }

    /// How long silence is waited for: as long as the meter may take, and a little.
    pub(crate) fn response_timeout(&self) -> Duration {
        self.declaration.response_timeout
    }

    /// The clients that name objects by logical names, of which there is one at least.
    pub(crate) fn clients(&self) -> impl Iterator<Item = &'d ClientDeclaration> {
        let clients = self.declaration.clients.iter();
        clients.filter(|client| client.referencing == Referencing::LogicalNames)
    }

    /// The first client that names them by short names.
    pub(crate) fn short_name_client(&self) -> Result<&'d ClientDeclaration, Finding> {
        let mut clients = self.declaration.clients.iter();
        let client = clients.find(|client| client.referencing == Referencing::ShortNames);
        client.ok_or_else(|| Finding::inapplicable("declares no client with short names"))
    }

    /// The client that a case uses which needs no particular one: the one that needs the least.
    pub(crate) fn plain_client(&self) -> &'d ClientDeclaration {
        self.clients().min_by_key(|client| strength(client)).unwrap_or(&self.declaration.clients[0])
    }

    /// The client that writes: the one that proves the most.
    pub(crate) fn strong_client(&self) -> &'d ClientDeclaration {
        let strongest = self.clients().max_by_key(|client| strength(client));
        strongest.unwrap_or_else(|| self.plain_client())
    }

    /// The first client with ciphering by authentication and encryption.
    pub(crate) fn ciphered_client(&self) -> Result<&'d ClientDeclaration, Finding> {
        let client = self
            .clients()
            .find(|client| client.protection.authenticated && client.protection.encrypted);
        client.ok_or_else(|| {
            Finding::inapplicable("declares no client with authentication and encryption")
        })
    }

    /// Opens a stream for frames.
    async fn stream(&self) -> Result<Box<dyn Stream>, Finding> {
        Ok(match self.way {
            Way::Memory(_, connect) => Box::new(connect()),
            Way::Address(Address::Hdlc(endpoint) | Address::Wrapper(endpoint)) => {
                let address = (endpoint.host.as_str(), endpoint.port);
                let stream = timeout(OPENING_MAX, TcpStream::connect(address)).await;
                let stream = stream.map_err(io::Error::from)??;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Way::Address(Address::HdlcSerial(port)) => Box::new(self.serial_stream(port).await?),
            Way::Address(Address::WrapperUdp(_)) => {
                return Err(Finding::inapplicable("is reached over UDP, which carries no frames"));
            }
        })
    }

    /// Opens a serial port, in mode E where its address asks for that.
    async fn serial_stream(&self, port: &SerialPort) -> Result<SerialStream, Finding> {
        let config =
            LineConfig { timeout: self.response_timeout(), retries: 0, ..LineConfig::default() };
        match Line::serial_stream(port, &config, self.trace.clone()).await {
            Err(error) if self.is_deaf_to_sign_on(&error) => {
                let port = SerialPort { mode_e: false, ..port.clone() };
                Line::serial_stream(&port, &config, self.trace.clone()).await.map_err(broken)
            }
            opened => {
                let stream = opened.map_err(broken)?;
                self.signed_on.set(port.mode_e);
                Ok(stream)
            }
        }
    }

    /// A station with the address of `client` that speaks to the meter in frames.
    pub(crate) async fn station(&self, client: &ClientDeclaration) -> Result<Station<'_>, Finding> {
        if self.framing() == Framing::Wrapper {
            return Err(Finding::inapplicable("is reached over the wrapper, which has no frames"));
        }
        let length = self.address_length();
        let server = self.declaration.hdlc_address(length).ok_or_else(|| {
            Finding::inconclusive("the SAP of the server does not fit the declared addresses")
        })?;
        let client = u8::try_from(client.sap).ok();
        let client = client.and_then(|sap| hdlc::address::Address::try_one(sap).ok());
        let client = client.ok_or_else(|| {
            Finding::inconclusive("the SAP of the client does not fit an HDLC address")
        })?;
        Ok(Station::new(self, self.stream().await?, client, server))
    }

    /// The length in which the server is addressed, where a case does not try all.
    pub(crate) fn address_length(&self) -> AddressLength {
        let lengths = &self.declaration.hdlc.address_lengths;
        lengths.first().copied().unwrap_or(AddressLength::One)
    }

    /// A line on which `client` speaks to the meter in APDUs.
    pub(crate) async fn line(&self, client: &ClientDeclaration) -> Result<Line, Finding> {
        let hdlc = &self.declaration.hdlc;
        let config = LineConfig {
            client: client.sap,
            server_upper: self.declaration.server,
            server_lower: match self.address_length() {
                AddressLength::One => None,
                AddressLength::Two | AddressLength::Four => hdlc.physical,
            },
            address_bytes: Some(self.address_length()),
            hdlc_info: hdlc.information_max.octets(),
            window: hdlc.window_max.frames(),
            timeout: self.response_timeout(),
            // Nothing is asked twice: silence is an observation.
            retries: 0,
            ..LineConfig::default()
        };
        let trace = self.trace.clone();
        let mut line = match self.way {
            Way::Address(address) => match self.connected(address, &config).await {
                Err(error) if self.is_deaf_to_sign_on(&error) => {
                    let Address::HdlcSerial(port) = address else { return Err(broken(error)) };
                    let port = SerialPort { mode_e: false, ..port.clone() };
                    let address = Address::HdlcSerial(port);
                    return self.connected(&address, &config).await.map_err(broken);
                }
                connected => return connected.map_err(broken),
            },
            Way::Memory(Framing::Wrapper, connect) => {
                Line::wrapper_in_memory(connect(), &config, trace)
            }
            Way::Memory(Framing::Hdlc, connect) => {
                Line::hdlc_in_memory(connect(), None, &config, trace).map_err(broken)?
            }
        };
        line.connect().await.map_err(broken)?;
        Ok(line)
    }

    /// An open line, its link set up.
    async fn connected(&self, address: &Address, config: &LineConfig) -> Result<Line, LineError> {
        let mut line = Line::open(address, config, self.trace.clone()).await?;
        line.connect().await?;
        self.signed_on.set(true);
        Ok(line)
    }

    /// Whether a meter did not hear the sign-on of mode E because a link from earlier in this case
    /// is up: then it still is at the rate that was agreed on, which is that of the address.
    const fn is_deaf_to_sign_on(&self, error: &LineError) -> bool {
        self.signed_on.get() && matches!(error, LineError::Timeout { phase: Phase::SigningOn })
    }

    /// Notes octets in the transcript.
    pub(crate) fn note(&self, direction: Direction, octets: &[u8]) {
        self.trace.phys(direction, &[octets]);
    }

    /// The postamble of every case: no link is left, so the next case finds the meter as this one
    /// did. Over the wrapper the end of the connection has seen to it.
    pub(crate) async fn postamble(&self) -> Result<(), Finding> {
        if self.framing() == Framing::Wrapper {
            return Ok(());
        }
        for client in &self.declaration.clients {
            self.station(client).await?.disconnect_for_good().await?;
        }
        Ok(())
    }
}

/// How much a client proves of itself: ciphering most, then HLS, then a password.
fn strength(client: &ClientDeclaration) -> (bool, bool, bool) {
    let mechanism = client.mechanism;
    (client.is_ciphered(), mechanism.is_hls(), mechanism != Mechanism::Lowest)
}

/// A line that does not come to be says nothing about the rule that was to be looked at.
fn broken(error: LineError) -> Finding {
    Finding::inconclusive(error.to_string())
}
