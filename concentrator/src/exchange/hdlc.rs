//! A head-end by HDLC: a link for each client and SAP, which is the upper address.
//!
//! ```text
//!   frames <==> serve_hdlc <== APDUs ==> Links <== frames of the wrapper ==> Plane
//! ```
//!
//! A link ends here; the APDUs in it go on as those of the wrapper do. What a meter answers comes
//! when it comes, and the head-end polls for it meanwhile.

use core::{
    future::{Future, poll_fn},
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll},
};

use dlms_core::wrapper::{self, ALL_STATION, HEADER_LEN, WrapperFrame, WrapperHeader};
use dlms_tokio::{
    ApduServer, HdlcServerConfig, LineError, SerialStream,
    hdlc::parameters::{InformationLength, WindowSize},
    serve_hdlc, serve_hdlc_serial,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::sleep,
};

use super::{Exchange, SILENCE_MAX, WanError, Whose};
use crate::router::{Party, Peer, WanId, asks_for_an_answer};

/// Serves a connection until its other end closes it.
pub(super) async fn serve<S>(
    exchange: &Exchange,
    stream: S,
    physical: Option<u16>,
    peer: Option<Peer>,
) -> Result<(), WanError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let has_asked = AtomicBool::new(false);
    let config = config(exchange, physical);
    let mut links = Links::open(exchange, peer)?;
    links.has_asked = Some(&has_asked);
    let mut served = pin!(serve_hdlc(stream, &mut links, &config));
    let mut silence = pin!(sleep(SILENCE_MAX));
    poll_fn(|cx| match served.as_mut().poll(cx) {
        Poll::Pending if !has_asked.load(Ordering::Relaxed) => {
            silence.as_mut().poll(cx).map(|()| Err(WanError::Silent))
        }
        // Nothing else times out but who sends nothing, or takes nothing in.
        Poll::Ready(Err(LineError::Timeout { .. })) => {
            Poll::Ready(Err(WanError::Idle(exchange.shared.idle_timeout)))
        }
        polled => polled.map_err(WanError::Line),
    })
    .await
}

/// Serves a serial port until that fails.
pub(super) async fn serve_serial(
    exchange: &Exchange,
    port: SerialStream,
    physical: Option<u16>,
) -> Result<(), WanError> {
    let mut links = Links::open(exchange, None)?;
    Ok(serve_hdlc_serial(port, &mut links, &config(exchange, physical)).await?)
}

/// As long frames and as large windows as the head-end proposes.
fn config(exchange: &Exchange, physical: Option<u16>) -> HdlcServerConfig {
    HdlcServerConfig {
        information: InformationLength::MAX,
        window: WindowSize::MAX,
        stream_timeout: Some(exchange.shared.idle_timeout),
        physical,
        ..HdlcServerConfig::default()
    }
}

/// The links of one connection.
struct Links<'a> {
    exchange: &'a Exchange,
    wan: WanId,
    /// Frames of the wrapper that came for them, and how many octets of those were passed on.
    answers: Vec<u8>,
    passed: usize,
    /// Set once something was asked of somebody who is there.
    has_asked: Option<&'a AtomicBool>,
}

impl<'a> Links<'a> {
    fn open(exchange: &'a Exchange, peer: Option<Peer>) -> Result<Self, WanError> {
        let wan = exchange.open(Whose::HeadEnd, peer)?;
        Ok(Self { exchange, wan, answers: Vec::new(), passed: 0, has_asked: None })
    }

    fn take(&self, client: u16, sap: u16, apdu: &[u8]) {
        let Ok(length) = u16::try_from(apdu.len()) else { return };
        let header = WrapperHeader { source: client, destination: sap, length };
        let mut frame = [&header.encode_header(), apdu].concat();
        self.exchange.take(self.wan, header, &mut frame);
    }
}

impl Drop for Links<'_> {
    fn drop(&mut self) {
        self.exchange.close(self.wan);
    }
}

impl ApduServer for Links<'_> {
    fn knows(&self, server: u16) -> bool {
        let knows = self.exchange.answers_at(server);
        if knows && let Some(has_asked) = self.has_asked {
            has_asked.store(true, Ordering::Relaxed);
        }
        knows
    }

    fn handle(&mut self, client: u16, server: u16, apdu: &mut Vec<u8>, _: &mut Vec<u8>) -> bool {
        self.take(client, server, apdu);
        false
    }

    fn answers_later(&self) -> bool {
        true
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<(u16, u16)> {
        if self.passed == self.answers.len() {
            self.answers = self.exchange.drain(self.wan, cx.waker());
            self.passed = 0;
        }
        let rest = self.answers.get(self.passed..).unwrap_or_default();
        // What waits there are whole frames.
        let Some(Ok(WrapperFrame { header, apdu, .. })) = wrapper::next_frame(rest) else {
            return Poll::Pending;
        };
        out.extend_from_slice(apdu);
        self.passed += HEADER_LEN + apdu.len();
        Poll::Ready((header.destination, header.source))
    }

    /// To one meter or to all of them; what wants an answer would get none here.
    fn handle_unconfirmed(&mut self, client: u16, server: Option<u16>, apdu: &mut Vec<u8>) {
        if !asks_for_an_answer(apdu) {
            self.take(client, server.unwrap_or(ALL_STATION), apdu);
        }
    }

    fn disconnected(&mut self, client: u16, server: u16) {
        self.exchange.leave(Party { wan: self.wan, client }, server);
    }
}
