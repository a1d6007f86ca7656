//! Serving the wrapper over a connection (IEC 62056-47).

use core::time::Duration;
use std::collections::BTreeSet;

use dlms_core::wrapper::{self, WrapperError, WrapperHeader};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, sleep, timeout_at},
};

use crate::{
    clock::after,
    line::{LineError, Opening, Phase, announced_length, port::Port},
    server::{ApduServer, PAIRS_MAX, flush},
    trace::Trace,
};

/// How long a meter bears with its clients on the wrapper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrapperServerConfig {
    /// How long a client may send nothing for a SAP we know before it is hung up on, or, over UDP,
    /// forgotten. Default 180 s, the inactivity_time_out of the TCP-UDP setup class (IEC 62056-6-2,
    /// class 41). None: for ever.
    pub inactivity_timeout: Option<Duration>,
    /// Longest time from the first octet of a wrapper PDU to its last. Default 60 s, in which 64
    /// KiB come at 9 kbit/s.
    pub pdu_timeout: Duration,
    /// Longest APDU that is taken, in octets. Default 64 KiB, more than the wrapper can announce.
    pub apdu_len_max: usize,
}

impl Default for WrapperServerConfig {
    fn default() -> Self {
        Self {
            inactivity_timeout: Some(Duration::from_secs(180)),
            pdu_timeout: Duration::from_secs(60),
            apdu_len_max: 64 * 1024,
        }
    }
}

/// Serves `server` to the client at the other end of `stream` until it hangs up.
///
/// Many associations may share the stream; each is a pair of client and server wPort.
///
/// # Errors
///
/// [`LineError::Closed`] when the client hung up in the middle of a wrapper PDU,
/// [`LineError::NotWrapper`] when it speaks something else, [`LineError::TooLong`] when it
/// announces more than is taken, [`LineError::Timeout`] when it says nothing for too long or takes
/// nothing in for a minute, [`LineError::Broken`].
pub async fn serve_wrapper<S, A>(
    stream: S,
    server: &mut A,
    config: &WrapperServerConfig,
) -> Result<(), LineError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    A: ApduServer + ?Sized,
{
    let mut pairs = BTreeSet::new();
    let ended = serve(&mut Port::new(stream, Trace::off()), server, config, &mut pairs).await;
    for (client, logical_device) in pairs {
        server.disconnected(client, logical_device);
    }
    ended
}

async fn serve<S, A>(
    port: &mut Port<S>,
    server: &mut A,
    config: &WrapperServerConfig,
    pairs: &mut BTreeSet<(u16, u16)>,
) -> Result<(), LineError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    A: ApduServer + ?Sized,
{
    let phase = Phase::Receiving;
    let limit = config.apdu_len_max;
    let mut inactive = config.inactivity_timeout.map(after);
    let mut unfinished = None;
    loop {
        if announced_length(port.received()).is_some_and(|announced| announced > limit) {
            return Err(LineError::TooLong { limit });
        }
        match wrapper::next_frame(port.received()) {
            None => {
                unfinished = match port.received() {
                    [] => None,
                    _ => unfinished.or_else(|| Some(after(config.pdu_timeout))),
                };
                let due = [inactive, unfinished].into_iter().flatten().min();
                let read = match due {
                    Some(due) => timeout_at(due, port.fill()).await,
                    None => Ok(port.fill().await),
                };
                match read {
                    Ok(Ok(0)) if port.received().is_empty() => return Ok(()),
                    Ok(Ok(0)) => return Err(LineError::Closed { phase, mid_frame: true }),
                    // A client that never pauses keeps the timeout from being looked at.
                    Ok(Ok(_)) if due.is_none_or(|due| Instant::now() < due) => {}
                    Ok(Err(error)) => return Err(LineError::broken(phase, &error)),
                    Ok(Ok(_)) | Err(_) => return Err(LineError::Timeout { phase }),
                }
            }
            Some(Err(WrapperError::Version(_))) => {
                return Err(LineError::NotWrapper { opening: Opening::new(port.received()) });
            }
            Some(Ok(frame)) => {
                let WrapperHeader { source, destination, .. } = frame.header;
                let consumed = frame.consumed();
                let mut apdu = frame.apdu.to_vec();
                port.consume(consumed);
                unfinished = None;
                if destination == wrapper::ALL_STATION {
                    server.handle_unconfirmed(source, None, &mut apdu);
                    inactive = config.inactivity_timeout.map(after);
                    continue;
                }
                if !admit(server, pairs, source, destination) {
                    continue;
                }
                let another_waits = matches!(
                    wrapper::next_frame(port.received()),
                    Some(Ok(next)) if (next.header.source, next.header.destination)
                        == (source, destination)
                );
                if another_waits && server.hold(source, destination, &apdu) {
                    continue;
                }
                let mut out = Vec::new();
                if server.handle(source, destination, &mut apdu, &mut out)
                    && let Some(header) = answer_header(source, destination, &out)
                {
                    let delay = server.answer_after();
                    if !delay.is_zero() {
                        sleep(delay).await;
                    }
                    port.queue(&[&header.encode_header(), &out]);
                    flush(port).await?;
                    out.clear();
                    while server.further(source, destination, &mut out)
                        && let Some(header) = answer_header(source, destination, &out)
                    {
                        port.queue(&[&header.encode_header(), &out]);
                        flush(port).await?;
                        out.clear();
                    }
                }
                inactive = config.inactivity_timeout.map(after);
            }
        }
    }
}

fn admit<A: ApduServer + ?Sized>(
    server: &A,
    pairs: &mut BTreeSet<(u16, u16)>,
    client: u16,
    logical_device: u16,
) -> bool {
    let pair = (client, logical_device);
    if pairs.contains(&pair) {
        return true;
    }
    let admitted = pairs.len() < PAIRS_MAX && server.knows(logical_device);
    if admitted {
        pairs.insert(pair);
    }
    admitted
}

/// The header back to `client`; none for an answer that the wrapper cannot carry, which is dropped
/// as a meter would drop what it cannot send.
pub(super) fn answer_header(client: u16, server: u16, answer: &[u8]) -> Option<WrapperHeader> {
    let length = u16::try_from(answer.len()).ok()?;
    Some(WrapperHeader { source: server, destination: client, length })
}
