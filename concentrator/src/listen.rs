//! Where head-ends come in: the wrapper over TCP and over UDP, HDLC over TCP and serial.

use core::{
    future::poll_fn,
    net::SocketAddr,
    task::{Context, Poll},
    time::Duration,
};
use std::{collections::BTreeMap, io};

use dlms_core::wrapper::{self, HEADER_LEN, WrapperFrame};
use dlms_tokio::{Endpoint, SerialPort};
use serde::Deserialize;
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream, UdpSocket},
    time::{Instant, Interval, interval, sleep},
};

use crate::{
    exchange::{Exchange, WanError, Whose},
    router::{Peer, WanId},
};

/// How long nothing may be heard of a head-end before its system is asked whether it is there. One
/// that lost its power holds the seats of meters for a minute and a half at most
/// ([`UNACKNOWLEDGED_MAX`]).
const KEEPALIVE: Duration = Duration::from_secs(45);
/// How often it is asked, and in which intervals.
const PROBES: u32 = 3;
/// See [`PROBES`].
const PROBE_INTERVAL: Duration = Duration::from_secs(15);
/// How long the system of a head-end may acknowledge nothing of what was sent to it. While an
/// answer is on its way nobody is asked by keep-alive, and it would be repeated for a quarter of an
/// hour.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(90);
/// How long to wait when the system refuses a connection for want of resources.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// TLS handshakes at a time, a millisecond or two of computing each.
#[cfg(feature = "tls")]
const HANDSHAKES_MAX: usize = 64;
/// How long a TLS handshake may take, over slow mobile networks too.
#[cfg(feature = "tls")]
const HANDSHAKE_MAX: Duration = Duration::from_secs(20);
/// How long to wait before connecting to a head-end again, at first; then twice as long each time,
const OUT_PAUSE: Duration = Duration::from_secs(1);
/// up to this.
const OUT_PAUSE_MAX: Duration = Duration::from_secs(60);
/// Peers of one UDP socket, beside the connections that there may be; of more, the one that was
/// silent for longest is forgotten. Anybody may send one datagram, from whatever address.
const PEERS_MAX: usize = 64;
/// How long a peer of a UDP socket is known without a datagram: the inactivity_time_out of class
/// 41.
const PEER_SILENCE: Duration = Duration::from_secs(180);
/// How often it is looked who is silent.
const PEERS_LOOKED_AT: Duration = Duration::from_secs(15);
/// The longest datagram that IPv4 carries.
const DATAGRAM_MAX: usize = 65_507;

/// What a head-end speaks on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// The wrapper of IEC 62056-47.
    Wrapper,
    /// HDLC, to the lower address of the concentrator if it has one.
    Hdlc(Option<u16>),
}

/// By what a head-end that has connected again is known for the one that it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KnownBy {
    /// Not at all.
    Nothing,
    /// The certificate that it has shown.
    #[default]
    Certificate,
    /// That, or the host that it connects from where it has shown none.
    Address,
}

impl KnownBy {
    /// Who connects from here, if it has shown this certificate.
    fn peer(self, from: SocketAddr, certificate: Option<&[u8]>) -> Option<Peer> {
        match (self, certificate) {
            (Self::Nothing, _) | (Self::Certificate, None) => None,
            (Self::Certificate | Self::Address, Some(shown)) => Some(Peer::with_certificate(shown)),
            (Self::Address, None) => Some(Peer::at(from.ip())),
        }
    }
}

/// Serves head-ends that connect to `listener`, for ever.
pub async fn tcp(listener: TcpListener, speech: Speech, known_by: KnownBy, exchange: Exchange) {
    loop {
        let (stream, from) = accept(&listener).await;
        let exchange = exchange.clone();
        tokio::spawn(async move {
            tracing::info!(%from, ?speech, "a head-end connected");
            let peer = known_by.peer(from, None);
            tell(from, serve(&exchange, stream, speech, peer).await);
        });
    }
}

async fn serve<S>(
    exchange: &Exchange,
    stream: S,
    speech: Speech,
    peer: Option<Peer>,
) -> Result<(), WanError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    match (speech, peer) {
        (Speech::Hdlc(physical), peer) => exchange.serve_hdlc(stream, physical, peer).await,
        (Speech::Wrapper, Some(peer)) => exchange.serve_peer(stream, peer).await,
        (Speech::Wrapper, None) => exchange.serve(stream, Whose::HeadEnd).await,
    }
}

/// Serves a head-end at a serial port, for ever: behind a modem that takes calls by itself, or a
/// wire. A port that fails is opened again.
pub async fn serial(port: SerialPort, physical: Option<u16>, exchange: Exchange) {
    loop {
        let ended = match port.open() {
            Ok(stream) => exchange.serve_serial(stream, physical).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = ended {
            tracing::warn!(port = port.path, %error, "no head-end is served here");
        }
        sleep(OUT_PAUSE_MAX).await;
    }
}

/// Serves head-ends that connect to `listener` by TLS, for ever. Who does not show a certificate
/// that is asked for does not come as far as the exchange.
#[cfg(feature = "tls")]
pub async fn tls(
    listener: TcpListener,
    acceptor: tokio_rustls::TlsAcceptor,
    known_by: KnownBy,
    exchange: Exchange,
) {
    let handshakes = std::sync::Arc::new(tokio::sync::Semaphore::new(HANDSHAKES_MAX));
    loop {
        let (stream, from) = accept(&listener).await;
        let (acceptor, exchange) = (acceptor.clone(), exchange.clone());
        let Ok(permit) = std::sync::Arc::clone(&handshakes).try_acquire_owned() else {
            tracing::warn!(%from, "too many handshakes at a time");
            continue;
        };
        tokio::spawn(async move {
            let handshake = tokio::time::timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await;
            drop(permit);
            match handshake {
                Err(_) => tracing::warn!(%from, "a TLS handshake took too long"),
                Ok(Err(error)) => tracing::warn!(%from, %error, "a TLS handshake failed"),
                Ok(Ok(stream)) => {
                    tracing::info!(%from, "a head-end connected by TLS");
                    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                    let peer = known_by.peer(from, shown.map(AsRef::as_ref));
                    tell(from, serve(&exchange, stream, Speech::Wrapper, peer).await);
                }
            }
        });
    }
}

/// The next connection.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        let accepted = listener.accept().await;
        let accepted =
            accepted.and_then(|(stream, peer)| prepare(&stream).map(|()| (stream, peer)));
        match accepted {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn tell(from: SocketAddr, ended: Result<(), WanError>) {
    match ended {
        Ok(()) => tracing::info!(%from, "a head-end left"),
        Err(error) => tracing::warn!(%from, %error, "a head-end was cut off"),
    }
}

/// Connects to the head-end at `endpoint` again and again, for ever, so that it gets what meters
/// push; it may ask over the same connection as well.
pub async fn out(endpoint: Endpoint, exchange: Exchange) {
    let mut pause = OUT_PAUSE;
    loop {
        let host = (endpoint.host.as_str(), endpoint.port);
        let connected = match TcpStream::connect(host).await {
            Ok(stream) => prepare(&stream).map(|()| stream),
            Err(error) => Err(error),
        };
        match connected {
            Ok(stream) => {
                pause = OUT_PAUSE;
                tracing::info!(host = host.0, "connected to a head-end that takes pushes");
                let ended = exchange.serve(stream, Whose::Called).await;
                let error = ended.err().map(|error| error.to_string());
                tracing::info!(host = host.0, error, "a head-end that takes pushes is gone");
            }
            Err(error) => tracing::debug!(host = host.0, %error, "no head-end there yet"),
        }
        sleep(pause).await;
        pause = (pause * 2).min(OUT_PAUSE_MAX);
    }
}

/// Small answers go out at once, and a head-end that is gone is noticed.
///
/// # Errors
/// When the connection is gone already.
pub(crate) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive =
        TcpKeepalive::new().with_time(KEEPALIVE).with_interval(PROBE_INTERVAL).with_retries(PROBES);
    let socket = SockRef::from(stream);
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX))?;
    socket.set_tcp_keepalive(&keepalive)
}

/// Serves head-ends that send to `socket`, until that fails.
///
/// An association belongs to the host and port that began it (IEC 62056-9-7), as to a connection.
///
/// # Errors
/// When nothing can be received any more; not when an answer cannot be sent.
pub async fn udp(socket: UdpSocket, exchange: Exchange) -> io::Result<()> {
    let mut station = Station {
        exchange,
        socket,
        peers: BTreeMap::new(),
        buffer: Vec::new(),
        looking: interval(PEERS_LOOKED_AT),
    };
    poll_fn(|cx| station.poll(cx)).await
}

struct Station {
    exchange: Exchange,
    socket: UdpSocket,
    peers: BTreeMap<SocketAddr, UdpPeer>,
    /// Of the length of the longest datagram.
    buffer: Vec<u8>,
    looking: Interval,
}

struct UdpPeer {
    wan: WanId,
    heard: Instant,
}

impl Station {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.looking.poll_tick(cx).is_ready() {
            self.forget_silent();
        }
        loop {
            self.send(cx);
            self.buffer.resize(DATAGRAM_MAX, 0);
            let mut buffer = ReadBuf::new(&mut self.buffer);
            let received = self.socket.poll_recv_from(cx, &mut buffer);
            let from = match received {
                // What came to be sent meanwhile has woken this task.
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(from)) => from,
                Poll::Ready(Err(error)) if is_passing(&error) => continue,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            };
            let length = buffer.filled().len();
            self.take(from, length);
        }
    }

    /// Takes the datagram in the buffer: one frame, and nothing else.
    fn take(&mut self, from: SocketAddr, length: usize) {
        let Some(datagram) = self.buffer.get_mut(..length) else { return };
        let Some(Ok(frame)) = wrapper::next_frame(datagram) else { return };
        if frame.consumed() != length {
            return;
        }
        let header = frame.header;
        if !self.peers.contains_key(&from) && !self.admit(from) {
            return;
        }
        let Some(peer) = self.peers.get_mut(&from) else { return };
        peer.heard = Instant::now();
        if let Some(datagram) = self.buffer.get_mut(..length) {
            self.exchange.take(peer.wan, header, datagram);
        }
    }

    fn forget_silent(&mut self) {
        let silent = |peer: &UdpPeer| peer.heard.elapsed() >= PEER_SILENCE;
        let gone: Vec<SocketAddr> =
            self.peers.iter().filter(|(_, peer)| silent(peer)).map(|(from, _)| *from).collect();
        for peer in gone {
            self.forget(peer);
        }
    }

    fn admit(&mut self, from: SocketAddr) -> bool {
        if self.peers.len() >= PEERS_MAX {
            let oldest = self.peers.iter().min_by_key(|(_, peer)| peer.heard);
            if let Some(oldest) = oldest.map(|(from, _)| *from) {
                self.forget(oldest);
            }
        }
        let Ok(wan) = self.exchange.open(Whose::Datagrams, None) else { return false };
        self.peers.insert(from, UdpPeer { wan, heard: Instant::now() });
        true
    }

    fn forget(&mut self, from: SocketAddr) {
        if let Some(peer) = self.peers.remove(&from) {
            self.exchange.close(peer.wan);
        }
    }

    /// Sends what there is for each peer, a frame a datagram. What the system does not take is
    /// lost, as datagrams may be.
    fn send(&self, cx: &Context<'_>) {
        for (to, peer) in &self.peers {
            let out = self.exchange.drain(peer.wan, cx.waker());
            let mut rest = &out[..];
            while let Some(Ok(WrapperFrame { apdu, .. })) = wrapper::next_frame(rest) {
                let (datagram, others) = rest.split_at(HEADER_LEN + apdu.len());
                rest = others;
                if let Err(error) = self.socket.try_send_to(datagram, *to) {
                    tracing::debug!(%to, %error, "an answer was not sent");
                }
            }
        }
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        for peer in self.peers.values() {
            self.exchange.close(peer.wan);
        }
    }
}

/// Whether an error of a socket is about one datagram, such as that nobody listened where an answer
/// went.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
    )
}
