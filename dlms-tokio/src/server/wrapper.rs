//! Serving the wrapper over a connection (IEC 62056-47).

use std::collections::BTreeSet;

use dlms_core::wrapper::{self, WrapperError, WrapperHeader};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::sleep,
};

use crate::{
    line::{LineError, Opening, Phase, port::Port},
    server::{ApduServer, PAIRS_MAX, flush},
    trace::Trace,
};

/// Serves `server` to the client at the other end of `stream` until it hangs up.
///
/// Many associations may share the stream; each is a pair of client and server wPort.
///
/// # Errors
///
/// [`LineError::Closed`] when the client hung up in the middle of a wrapper PDU,
/// [`LineError::NotWrapper`] when it speaks something else, [`LineError::Timeout`] when it takes
/// nothing in for a minute, [`LineError::Broken`].
pub async fn serve_wrapper<S, A>(stream: S, server: &mut A) -> Result<(), LineError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    A: ApduServer + ?Sized,
{
    let mut pairs = BTreeSet::new();
    let ended = serve(&mut Port::new(stream, Trace::off()), server, &mut pairs).await;
    for (client, logical_device) in pairs {
        server.disconnected(client, logical_device);
    }
    ended
}

async fn serve<S, A>(
    port: &mut Port<S>,
    server: &mut A,
    pairs: &mut BTreeSet<(u16, u16)>,
) -> Result<(), LineError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    A: ApduServer + ?Sized,
{
    let phase = Phase::Receiving;
    loop {
        match wrapper::next_frame(port.received()) {
            None => match port.fill().await {
                Ok(0) if port.received().is_empty() => return Ok(()),
                Ok(0) => return Err(LineError::Closed { phase, mid_frame: true }),
                Ok(_) => {}
                Err(error) => return Err(LineError::broken(phase, &error)),
            },
            Some(Err(WrapperError::Version(_))) => {
                return Err(LineError::NotWrapper { opening: Opening::new(port.received()) });
            }
            Some(Ok(frame)) => {
                let WrapperHeader { source, destination, .. } = frame.header;
                let consumed = frame.consumed();
                let mut apdu = frame.apdu.to_vec();
                port.consume(consumed);
                if !admit(server, pairs, source, destination) {
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
                }
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
