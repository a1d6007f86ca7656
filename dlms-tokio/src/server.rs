//! The other end of a line: what serves APDUs, in a simulated meter or a concentrator.
//!
//! ```text
//!      stream                      socket
//!   serve_wrapper   serve_hdlc   serve_wrapper_udp
//!              \        |        /
//!               ApduServer::handle
//! ```
//!
//! One future serves one stream and holds all there is about it; thousands of them fit in one
//! process, since buffers grow by what is there and are given back. A server never speaks first, is
//! silent about whom it does not know (IEC 62056-47), and hangs up on who has nothing to say.

mod gateway;
mod hdlc;
mod mode_e;
mod udp;
mod wrapper;

use core::{
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

use crate::line::{LineError, Phase, port::Port};

pub use gateway::{Gateway, UnknownMeter};
pub use hdlc::{HdlcServerConfig, serve_hdlc, serve_hdlc_serial};
pub use mode_e::Identification;
pub use udp::serve_wrapper_udp;
pub use wrapper::{WrapperServerConfig, serve_wrapper};

/// What answers APDUs: one or more logical devices behind one stream.
///
/// ```
/// use dlms_tokio::ApduServer;
///
/// /// Answers every APDU with itself.
/// struct Echo;
///
/// impl ApduServer for Echo {
///     fn knows(&self, server: u16) -> bool {
///         server == 1
///     }
///
///     fn handle(&mut self, _: u16, _: u16, apdu: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
///         out.append(apdu);
///         true
///     }
///
///     fn disconnected(&mut self, _: u16, _: u16) {}
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use dlms_tokio::{Line, LineConfig, Trace, WrapperServerConfig, serve_wrapper};
///
/// let (near, far) = tokio::io::duplex(1024);
/// let mut meter = Echo;
/// let config = WrapperServerConfig::default();
/// let mut line = Line::wrapper_in_memory(near, &LineConfig::default(), Trace::off());
/// let asking = async {
///     line.send(&[0xC0, 0x01]).await.unwrap();
///     let mut answer = Vec::new();
///     line.receive(&mut answer).await.unwrap();
///     answer
/// };
/// tokio::select! {
///     answer = asking => assert_eq!(answer, [0xC0, 0x01]),
///     ended = serve_wrapper(far, &mut meter, &config) => panic!("the client left: {ended:?}"),
/// }
/// # });
/// ```
pub trait ApduServer: Send {
    /// Whether there is a logical device with this SAP. What is sent to others is dropped in
    /// silence.
    fn knows(&self, server: u16) -> bool;

    /// Takes an APDU from `client` to `server`, which it may change (decrypt) in place, and writes
    /// the answer to the empty `out`. True if there is an answer, false for silence.
    fn handle(&mut self, client: u16, server: u16, apdu: &mut Vec<u8>, out: &mut Vec<u8>) -> bool;

    /// Keeps an APDU from `client` to `server` behind which another of theirs waits already, so
    /// that [`handle`](Self::handle), called for the last of them, can serve those of high priority
    /// first; the answers after the first then come from [`further`](Self::further). False where it
    /// is not kept but to be handled by itself. On a connection of the wrapper only: HDLC is turned
    /// round after each APDU, and datagrams are served as they come. Default: none is kept.
    fn hold(&mut self, client: u16, server: u16, apdu: &[u8]) -> bool {
        let _ = (client, server, apdu);
        false
    }

    /// Writes a further APDU of the answer from `server` to `client` to the empty `out`; false when
    /// there is none. Called after [`handle`](Self::handle), on the wrapper: there an answer may be
    /// several blocks of general block transfer, or answers to what was [held](Self::hold).
    /// Default: none.
    fn further(&mut self, client: u16, server: u16, out: &mut Vec<u8>) -> bool {
        let _ = (client, server, out);
        false
    }

    /// Whether the answer to the APDU handled last, for which [`handle`](Self::handle) had none,
    /// comes by [`poll_answer`](Self::poll_answer) later, if one comes at all. Until then the
    /// client's polls over HDLC are answered. Default: no.
    fn answers_later(&self) -> bool {
        false
    }

    /// Writes an answer that was not there when its request was handled to the empty `out`, and
    /// tells for whom it is: the client, and the server it is from. Called over HDLC only, by
    /// whoever passes APDUs on to others. An answer for a pair that is not connected any more is
    /// dropped. Default: there is none.
    fn poll_answer(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<(u16, u16)> {
        let _ = (cx, out);
        Poll::Pending
    }

    /// Takes an APDU that must not be answered, since it came in a UI frame of HDLC or is to all
    /// stations: from `client` to `server`, or with None to all logical devices, and perhaps to
    /// other meters as well. There may be no link. What is kept about a pair that is met here only
    /// must have a limit, for no [`disconnected`](Self::disconnected) may come.
    ///
    /// A service that asks to be confirmed is to be refused here: whoever sent it could not learn
    /// whether it was done. Default: all are dropped.
    fn handle_unconfirmed(&mut self, client: u16, server: Option<u16>, apdu: &mut Vec<u8>) {
        let _ = (client, server, apdu);
    }

    /// Whether `client` has opened an association by what was not answered: over UDP it is to be
    /// kept as one is that was answered. Default: no.
    fn keeps(&self, client: u16) -> bool {
        let _ = client;
        false
    }

    /// The link between the two is gone, and with it their association. Called once for every pair
    /// that exchanged something.
    fn disconnected(&mut self, client: u16, server: u16);

    /// How long the answer to the APDU handled last takes to make. Default: no time. Until then
    /// other pairs on the same stream wait on the wrapper, as behind one slow meter; over HDLC the
    /// client's polls are answered meanwhile.
    fn answer_after(&self) -> Duration {
        Duration::ZERO
    }
}

/// Pairs of client and server SAP that one stream or socket serves; what comes from more is
/// dropped in silence. A concentrator with 1,200 meters and three clients stays below.
const PAIRS_MAX: usize = 4_096;

/// How long a client may take nothing in before it is hung up on: as long as a TCP stack tries a
/// few times, and far shorter than it takes to give up.
const SENDING_MAX: Duration = Duration::from_secs(60);

/// Sends what is queued, to a client that takes it in.
async fn flush<S>(port: &mut Port<S>) -> Result<(), LineError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let phase = Phase::Sending;
    match timeout(SENDING_MAX, port.flush()).await {
        Ok(flushed) => flushed.map_err(|error| LineError::broken(phase, &error)),
        Err(_) => Err(LineError::Timeout { phase }),
    }
}
