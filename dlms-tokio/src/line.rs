//! A line: APDUs to one meter and back, whatever carries them.
//!
//! ```text
//!               Line            one owner, one APDU at a time
//!      +---------+---------+
//!   wrapper   wrapper     hdlc          IEC 62056-47, IEC 62056-46
//!     TCP       UDP      TCP, serial    (a pipe in memory stands for TCP in tests)
//! ```
//!
//! A line may also be one of many on a [`Trunk`](crate::trunk::Trunk).
//!
//! All state lives in the [`Line`], so every future of it may be dropped at any await and the work
//! taken up by the next call. Nothing else writes to the stream, and nothing is spawned: timers run
//! while a call is pending.
//!
//! Nothing waits for ever. With `T` = timeout x (retries + 1), every call ends within T + 2 s
//! however the other end behaves, as long as it makes no progress; what makes progress is given
//! more time. On a slow serial port the time that the frames themselves take comes on top.

mod assembly;
mod counters;
mod error;
mod hdlc;
pub(crate) mod mode_e;
mod owed;
pub(crate) mod port;
pub(crate) mod serial;
mod stream;
pub(crate) mod tcp;
mod trunk;
mod udp;
mod wrapper;

use core::time::Duration;

use ::hdlc::{address::AddressLength, parameters::Parameters};
use dlms_core::{gateway::GatewayHeader, xdlms::tag};
use tokio::{io::DuplexStream, sync::mpsc};
use tokio_serial::SerialStream;

use crate::{
    address::{Address, SerialPort},
    line::{hdlc::HdlcLine, trunk::TrunkLine, udp::WrapperUdpLine, wrapper::WrapperLine},
    trace::Trace,
    trunk::Way,
};

pub(crate) use assembly::{Assembled, Assembly};
pub use counters::LineCounters;
pub use error::{LineError, Opening, Phase};
pub(crate) use hdlc::{ended, link_config};
pub(crate) use stream::Stream;
pub(crate) use udp::DATAGRAM_MAX;
pub(crate) use wrapper::announced_length;

/// Whom a line connects, and how patient it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineConfig {
    /// Client SAP: the source wPort, or the client's HDLC address (1 to 126). Default 16, the
    /// public client.
    pub client: u16,
    /// Server SAP: the destination wPort, or the upper HDLC address. Default 1, the management
    /// logical device.
    pub server_upper: u16,
    /// Lower HDLC address, the physical device on a shared line. Default none. No meaning for the
    /// wrapper.
    pub server_lower: Option<u16>,
    /// Octets the HDLC server address is sent in. Default: the fewest it fits.
    pub address_bytes: Option<AddressLength>,
    /// Largest HDLC information field to propose, both ways, 1 to 2030 octets. Default 128.
    pub hdlc_info: u16,
    /// Largest HDLC window to propose, both ways, 1 to 7 frames. Default 1.
    pub window: u8,
    /// How long to wait for anything from the other end. Default 10 s.
    pub timeout: Duration,
    /// How often the link layer asks again: SNRM, DISC, polls, mode E sign-ons. Default 3. TCP asks
    /// again by itself, and over UDP only who made a request knows whether it may be repeated.
    pub retries: u8,
    /// Longest gap inside an HDLC frame before what came of it is given up, at most `timeout`.
    /// Default 2 s: far more than a serial line needs, but behind a gateway a frame may be cut by a
    /// mobile network that loses a packet, and giving up too early costs more than waiting.
    pub inter_octet_timeout: Duration,
    /// Longest APDU that is put together, in octets. Default 64 KiB.
    pub apdu_len_max: usize,
    /// On HDLC, set up no link and send in UI frames, which nobody answers: for associations that
    /// are not confirmed, and the only way to all stations at once. Default false. No meaning for
    /// the wrapper.
    pub unnumbered: bool,
}

impl Default for LineConfig {
    fn default() -> Self {
        Self {
            client: 16,
            server_upper: 1,
            server_lower: None,
            address_bytes: None,
            hdlc_info: 128,
            window: 1,
            timeout: Duration::from_secs(10),
            retries: 3,
            inter_octet_timeout: Duration::from_secs(2),
            apdu_len_max: 64 * 1024,
            unnumbered: false,
        }
    }
}

impl LineConfig {
    /// The longest that silence is borne: timeout x (retries + 1).
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.timeout.saturating_mul(u32::from(self.retries) + 1)
    }
}

/// APDUs to one meter and back.
///
/// ```
/// use dlms_tokio::{Address, Line, LineConfig, LineError, Trace};
///
/// async fn ask(address: &Address, request: &[u8]) -> Result<Vec<u8>, LineError> {
///     let mut line = Line::open(address, &LineConfig::default(), Trace::off()).await?;
///     line.connect().await?;
///     line.send(request).await?;
///     let mut answer = Vec::new();
///     line.receive(&mut answer).await?;
///     line.disconnect().await;
///     Ok(answer)
/// }
/// ```
pub struct Line {
    carrier: Carrier,
}

/// What is on its way may hold a password.
impl core::fmt::Debug for Line {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Line").field("counters", &self.counters()).finish_non_exhaustive()
    }
}

enum Carrier {
    Wrapper(WrapperLine),
    WrapperUdp(WrapperUdpLine),
    Hdlc(Box<HdlcLine>),
    Trunk(Box<TrunkLine>),
}

impl Line {
    /// Opens the way to a meter: connects the socket or opens the port, no more.
    ///
    /// # Errors
    ///
    /// [`LineError::Unreachable`] or [`LineError::Timeout`] while resolving or opening;
    /// [`LineError::BadSap`] or [`LineError::BadParameters`] if the configuration does not fit.
    pub async fn open(
        address: &Address,
        config: &LineConfig,
        trace: Trace,
    ) -> Result<Self, LineError> {
        let carrier = match address {
            Address::Wrapper(endpoint) => {
                let stream = tcp::connect(endpoint, config.timeout).await?;
                Carrier::Wrapper(WrapperLine::new(Stream::Tcp(stream), config, trace))
            }
            Address::WrapperUdp(endpoint) => {
                Carrier::WrapperUdp(WrapperUdpLine::open(endpoint, config, trace).await?)
            }
            Address::Hdlc(endpoint) => {
                let stream = Stream::Tcp(tcp::connect(endpoint, config.timeout).await?);
                Carrier::Hdlc(Box::new(HdlcLine::try_new(stream, None, config, trace)?))
            }
            Address::HdlcSerial(port) => {
                let stream = Stream::Serial(serial::open(port)?);
                Carrier::Hdlc(Box::new(HdlcLine::try_new(stream, Some(port), config, trace)?))
            }
        };
        Ok(Self { carrier })
    }

    /// A wrapper line over a pipe in memory, as if it were TCP: for tests, and for meters that are
    /// simulated in the same process.
    #[must_use]
    pub fn wrapper_in_memory(stream: DuplexStream, config: &LineConfig, trace: Trace) -> Self {
        let line = WrapperLine::new(Stream::Memory(stream), config, trace);
        Self { carrier: Carrier::Wrapper(line) }
    }

    /// An HDLC line over a pipe in memory; `serial` makes it behave like that serial port, with
    /// its mode E opening.
    ///
    /// # Errors
    ///
    /// [`LineError::BadSap`] or [`LineError::BadParameters`] if the configuration does not fit.
    pub fn hdlc_in_memory(
        stream: DuplexStream,
        serial: Option<&SerialPort>,
        config: &LineConfig,
        trace: Trace,
    ) -> Result<Self, LineError> {
        let stream = Stream::Memory(stream);
        let line = HdlcLine::try_new(stream, serial, config, trace)?;
        Ok(Self { carrier: Carrier::Hdlc(Box::new(line)) })
    }

    /// One of the lines of a trunk: see [`Trunk::line`](crate::trunk::Trunk::line).
    pub(crate) fn over_trunk(
        outgoing: mpsc::Sender<Vec<u8>>,
        way: Way,
        config: &LineConfig,
        trace: Trace,
    ) -> Self {
        let line = TrunkLine::new(outgoing, way, config, trace);
        Self { carrier: Carrier::Trunk(Box::new(line)) }
    }

    /// Opens a serial port, signs on in mode E where it asks for that, and gives it back at the
    /// rate agreed on: for who speaks HDLC frame by frame.
    ///
    /// # Errors
    ///
    /// [`LineError::Unreachable`] while opening, [`LineError::Timeout`] or [`LineError::NotModeE`]
    /// while signing on, and as [`open`](Self::open).
    pub async fn serial_stream(
        port: &SerialPort,
        config: &LineConfig,
        trace: Trace,
    ) -> Result<SerialStream, LineError> {
        let stream = Stream::Serial(serial::open(port)?);
        let line = HdlcLine::try_new(stream, Some(port), config, trace)?;
        match line.into_opened_stream().await? {
            Stream::Serial(stream) => Ok(stream),
            Stream::Tcp(_) | Stream::Memory(_) => Err(LineError::NotConnected),
        }
    }

    /// Sets up what lies between the open way and the first APDU: the mode E sign-on where the
    /// address asks for it, then the HDLC link, unless everything goes in UI frames. On a wrapper
    /// line there is nothing to do.
    ///
    /// An HDLC line may be connected again after it was refused, lost or disconnected.
    ///
    /// # Errors
    ///
    /// Any [`LineError`] of the opening and the link set-up.
    pub async fn connect(&mut self) -> Result<(), LineError> {
        match &mut self.carrier {
            Carrier::Wrapper(_) | Carrier::WrapperUdp(_) | Carrier::Trunk(_) => Ok(()),
            Carrier::Hdlc(line) => line.connect().await,
        }
    }

    /// Sends one APDU. It is done when the peer's link layer has acknowledged the whole of it
    /// (HDLC), or the system has taken it (wrapper).
    ///
    /// Dropped before that, what was not sent yet goes out with the next call.
    ///
    /// # Errors
    ///
    /// Any [`LineError`] of sending; after one that is not [`LineError::TooLong`] the line must be
    /// connected again (HDLC) or opened again.
    pub async fn send(&mut self, apdu: &[u8]) -> Result<(), LineError> {
        match &mut self.carrier {
            Carrier::Wrapper(line) => line.send(apdu).await,
            Carrier::WrapperUdp(line) => line.send(apdu).await,
            Carrier::Hdlc(line) => line.send(apdu).await,
            Carrier::Trunk(line) => line.send(apdu).await,
        }
    }

    /// Sends one APDU that is not answered. Without a link it goes in UI frames with P = 0, and is
    /// done when the system has taken it.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn send_unanswered(&mut self, apdu: &[u8]) -> Result<(), LineError> {
        match &mut self.carrier {
            Carrier::Hdlc(line) if line.is_unnumbered() => return line.send_unnumbered(apdu).await,
            Carrier::Wrapper(line) => line.send(apdu).await?,
            Carrier::WrapperUdp(line) => line.send(apdu).await?,
            Carrier::Hdlc(line) => line.send(apdu).await?,
            Carrier::Trunk(line) => line.send(apdu).await?,
        }
        self.waive();
        Ok(())
    }

    /// Receives exactly one APDU into `apdu`, whose old content is dropped. It may be one that
    /// nobody asked for: to a line a notification is an APDU like any other.
    ///
    /// After something was sent it waits for [`LineConfig::patience`]; when nothing is owed, for as
    /// long as it takes until the meter says something by itself.
    ///
    /// Dropped before it is done, it loses nothing: the next call goes on. `apdu` changes only when
    /// it is filled.
    ///
    /// # Errors
    ///
    /// [`LineError::Timeout`] leaves a wrapper line usable, so that it may be called again to wait
    /// on; after any other error the line must be connected again (HDLC) or opened again.
    pub async fn receive(&mut self, apdu: &mut Vec<u8>) -> Result<(), LineError> {
        match &mut self.carrier {
            Carrier::Wrapper(line) => line.receive(apdu).await,
            Carrier::WrapperUdp(line) => line.receive(apdu).await,
            Carrier::Hdlc(line) => line.receive(apdu).await,
            Carrier::Trunk(line) => line.receive(apdu).await,
        }
    }

    /// Says that what was received was not the answer: the line goes on waiting for it, no longer
    /// than it would have without it, and polls an HDLC peer that has used up its turn.
    pub fn expect(&mut self) {
        match &mut self.carrier {
            Carrier::Wrapper(line) => line.expect(),
            Carrier::WrapperUdp(line) => line.expect(),
            Carrier::Hdlc(line) => line.expect(),
            Carrier::Trunk(line) => line.expect(),
        }
    }

    /// Says that no answer is waited for any more: that none comes is then no failure of the line.
    pub fn waive(&mut self) {
        match &mut self.carrier {
            Carrier::Wrapper(line) => line.waive(),
            Carrier::WrapperUdp(line) => line.waive(),
            Carrier::Hdlc(line) => line.waive(),
            Carrier::Trunk(line) => line.waive(),
        }
    }

    /// Whether the line carries datagrams, which may be lost or come twice.
    #[must_use]
    pub const fn is_datagrams(&self) -> bool {
        matches!(self.carrier, Carrier::WrapperUdp(_))
    }

    /// Whether both sides may send at any time. HDLC is turned round after each APDU.
    #[must_use]
    pub const fn is_full_duplex(&self) -> bool {
        !matches!(self.carrier, Carrier::Hdlc(_))
    }

    /// The longest that silence is borne.
    pub(crate) fn patience(&self) -> Duration {
        match &self.carrier {
            Carrier::Wrapper(line) => line.config().patience(),
            Carrier::WrapperUdp(line) => line.config().patience(),
            Carrier::Hdlc(line) => line.config().patience(),
            Carrier::Trunk(line) => line.config().patience(),
        }
    }

    /// Releases the HDLC link with DISC; on a wrapper line there is nothing to do. Afterwards the
    /// link is gone, whatever the meter said. The stream is closed when the line is dropped.
    ///
    /// Where the link was never up or is lost, the meter may not know that: then one DISC goes out,
    /// and no answer is waited for.
    pub async fn disconnect(&mut self) {
        match &mut self.carrier {
            Carrier::Wrapper(_) | Carrier::WrapperUdp(_) | Carrier::Trunk(_) => {}
            Carrier::Hdlc(line) => line.disconnect().await,
        }
    }

    /// What this line has carried so far.
    #[must_use]
    pub fn counters(&self) -> LineCounters {
        match &self.carrier {
            Carrier::Wrapper(line) => line.counters(),
            Carrier::WrapperUdp(line) => line.counters(),
            Carrier::Hdlc(line) => line.counters(),
            Carrier::Trunk(line) => line.counters(),
        }
    }

    /// The parameters the HDLC link was set up with, from our side; none on other lines and before.
    #[must_use]
    pub fn parameters(&self) -> Option<Parameters> {
        match &self.carrier {
            Carrier::Wrapper(_) | Carrier::WrapperUdp(_) | Carrier::Trunk(_) => None,
            Carrier::Hdlc(line) => line.parameters(),
        }
    }

    /// The trace this line writes to.
    #[must_use]
    pub fn trace(&self) -> &Trace {
        match &self.carrier {
            Carrier::Wrapper(line) => line.trace(),
            Carrier::WrapperUdp(line) => line.trace(),
            Carrier::Hdlc(line) => line.trace(),
            Carrier::Trunk(line) => line.trace(),
        }
    }
}

/// Whether an APDU can be what was waited for. A notification in clear cannot, and does not end the
/// wait; of a ciphered one nobody here can tell.
pub(crate) fn is_answer(apdu: &[u8]) -> bool {
    let notifications =
        [tag::DATA_NOTIFICATION, tag::EVENT_NOTIFICATION_REQUEST, tag::INFORMATION_REPORT_REQUEST];
    let apdu = GatewayHeader::decode(apdu).map_or(apdu, |(_, apdu)| apdu);
    apdu.first().is_none_or(|tag| !notifications.contains(tag))
}
