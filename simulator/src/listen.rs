//! Meters on sockets and serial ports.

use core::{net::SocketAddr, time::Duration};
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use dlms_core::association::{Entropy, Server, ServerConfig, WINDOW_MAX};
use dlms_tokio::{
    ApduServer, Gateway, HdlcServerConfig, LineError, SerialStream, WrapperServerConfig,
    serve_hdlc, serve_hdlc_serial, serve_wrapper, serve_wrapper_udp,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UdpSocket},
    task::{JoinHandle, JoinSet},
};

use crate::{
    faults::{Fault, Faults, apdu::FaultyAssociation, device::FaultyDevice, line::FaultyLine},
    gateway::GatewayConfig,
    meter::Meter,
};

/// Connections that one meter takes at a time; a further one is closed at once.
const CONNECTIONS_MAX: usize = 16;
/// How long to wait when the system refuses a connection for want of resources.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// How meters answer on any line.
#[derive(Clone, Copy, Debug)]
pub struct AnswerConfig {
    /// The largest APDU that a meter takes and sends, in octets.
    pub max_pdu: u16,
    /// How long a meter thinks before each answer.
    pub delay: Duration,
    /// The rules that it breaks.
    pub faults: Faults,
}

impl Default for AnswerConfig {
    /// 1,024 octets, no delay, no faults.
    fn default() -> Self {
        Self { max_pdu: 1_024, delay: Duration::ZERO, faults: Faults::NONE }
    }
}

/// A meter that listens. It stops when this is dropped.
#[derive(Debug)]
pub struct Listening {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Listening {
    /// What listens at `address` for as long as `task` runs.
    pub(crate) const fn new(address: SocketAddr, task: JoinHandle<()>) -> Self {
        Self { address, task }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until nothing listens any more, which happens only when something fails; where that
    /// was.
    pub async fn ended(mut self) -> SocketAddr {
        // Why, the task has told.
        let _ = (&mut self.task).await;
        self.address
    }

    /// Stops listening and cuts the connections of this listener.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What is spoken on a connection.
#[derive(Clone, Debug)]
enum Protocol {
    Wrapper,
    Hdlc(Arc<HdlcServerConfig>),
}

/// Serves `meter` at `address` with the wrapper over TCP.
///
/// # Errors
/// When the address cannot be had.
pub async fn listen_wrapper(
    meter: Arc<Mutex<Meter>>,
    address: SocketAddr,
    answer: AnswerConfig,
) -> io::Result<Listening> {
    let port = Port::new(meter, answer);
    listen(move || port.another(), address, Protocol::Wrapper, answer.faults).await
}

/// Serves `meter` at `address` with HDLC over TCP, as behind a serial gateway.
///
/// # Errors
/// When the address cannot be had.
pub async fn listen_hdlc(
    meter: Arc<Mutex<Meter>>,
    address: SocketAddr,
    answer: AnswerConfig,
    hdlc: HdlcServerConfig,
) -> io::Result<Listening> {
    let port = Port::new(meter, answer).over_hdlc();
    let protocol = Protocol::Hdlc(Arc::new(hdlc));
    listen(move || port.another(), address, protocol, answer.faults).await
}

/// Serves `meter` at `address` with the wrapper over UDP.
///
/// # Errors
/// When the address cannot be had.
pub async fn listen_wrapper_udp(
    meter: Arc<Mutex<Meter>>,
    address: SocketAddr,
    answer: AnswerConfig,
) -> io::Result<Listening> {
    let socket = UdpSocket::bind(address).await?;
    let address = socket.local_addr()?;
    let port = Port::new(meter, answer);
    Ok(serve_datagrams(socket, address, move || port.another()))
}

/// Serves `meters` behind a gateway at `address` with the wrapper over TCP.
///
/// # Errors
/// When the address cannot be had.
pub async fn listen_gateway(
    meters: &[Arc<Mutex<Meter>>],
    gateway: GatewayConfig,
    address: SocketAddr,
    answer: AnswerConfig,
) -> io::Result<Listening> {
    let another = behind(meters, gateway, move |meter| Port::new(meter, answer));
    listen(another, address, Protocol::Wrapper, answer.faults).await
}

/// Serves `meters` behind a gateway at `address` with the wrapper over UDP.
///
/// # Errors
/// When the address cannot be had.
pub async fn listen_gateway_udp(
    meters: &[Arc<Mutex<Meter>>],
    gateway: GatewayConfig,
    address: SocketAddr,
    answer: AnswerConfig,
) -> io::Result<Listening> {
    let socket = UdpSocket::bind(address).await?;
    let address = socket.local_addr()?;
    let another = behind(meters, gateway, move |meter| Port::new(meter, answer));
    Ok(serve_datagrams(socket, address, another))
}

/// Serves `meters` behind a gateway at `address` with HDLC over TCP: one link, whichever of them is
/// spoken to.
///
/// # Errors
/// When the address cannot be had.
pub async fn listen_gateway_hdlc(
    meters: &[Arc<Mutex<Meter>>],
    gateway: GatewayConfig,
    address: SocketAddr,
    answer: AnswerConfig,
    hdlc: HdlcServerConfig,
) -> io::Result<Listening> {
    let another = behind(meters, gateway, move |meter| Port::new(meter, answer).over_hdlc());
    listen(another, address, Protocol::Hdlc(Arc::new(hdlc)), answer.faults).await
}

/// What makes the gateway as one more connection sees it.
fn behind(
    meters: &[Arc<Mutex<Meter>>],
    config: GatewayConfig,
    port: impl Fn(Arc<Mutex<Meter>>) -> Port,
) -> impl Fn() -> Gateway<Port> + Send + Sync + 'static {
    let ports: Vec<_> = meters
        .iter()
        .map(|meter| {
            let serial = meter.lock().unwrap_or_else(PoisonError::into_inner).serial();
            (config.address_of(serial), port(Arc::clone(meter)))
        })
        .collect();
    move || {
        let mut gateway = Gateway::new(config.unknown);
        for (address, port) in &ports {
            gateway.insert(address.clone(), port.another());
        }
        gateway
    }
}

/// Serves datagrams for as long as somebody holds the [`Listening`].
fn serve_datagrams<A: ApduServer + 'static>(
    socket: UdpSocket,
    address: SocketAddr,
    another: impl Fn() -> A + Send + Sync + 'static,
) -> Listening {
    let task = tokio::spawn(async move {
        // A peer is to UDP what a connection is to TCP.
        let config = WrapperServerConfig::default();
        if let Err(error) = serve_wrapper_udp(socket, |_| another(), &config).await {
            tracing::warn!(%address, %error, "the socket failed; this meter is gone");
        }
    });
    Listening { address, task }
}

/// Serves `meter` with HDLC on a serial port, until that fails.
///
/// # Errors
/// When the port fails.
pub async fn serve_serial(
    meter: Arc<Mutex<Meter>>,
    port: SerialStream,
    answer: AnswerConfig,
    hdlc: &HdlcServerConfig,
) -> Result<(), LineError> {
    let hdlc = HdlcServerConfig { stream_timeout: None, ..hdlc.clone() };
    if answer.faults.is_empty() {
        return serve_hdlc_serial(port, &mut Port::new(meter, answer).over_hdlc(), &hdlc).await;
    }
    serve_frames(port, &mut Port::new(meter, answer).over_hdlc(), &hdlc, answer.faults).await
}

/// Serves `meter` with the wrapper on a stream that is open, such as a pipe in memory, until its
/// other end closes it.
///
/// # Errors
/// When the stream fails, or what comes is not the wrapper.
pub async fn serve_wrapper_stream<S>(
    meter: Arc<Mutex<Meter>>,
    stream: S,
    answer: AnswerConfig,
) -> Result<(), LineError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut port = Port::new(meter, answer);
    serve_wrapper(stream, &mut port, &WrapperServerConfig::default()).await
}

/// Serves `meter` with HDLC on a stream that is open, such as a pipe in memory, until its other end
/// closes it.
///
/// # Errors
/// When the stream fails.
pub async fn serve_hdlc_stream<S>(
    meter: Arc<Mutex<Meter>>,
    stream: S,
    answer: AnswerConfig,
    hdlc: &HdlcServerConfig,
) -> Result<(), LineError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    serve_frames(stream, &mut Port::new(meter, answer).over_hdlc(), hdlc, answer.faults).await
}

async fn listen<A: ApduServer + 'static>(
    another: impl Fn() -> A + Send + Sync + 'static,
    address: SocketAddr,
    protocol: Protocol,
    faults: Faults,
) -> io::Result<Listening> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(accept(listener, another, protocol, faults));
    Ok(Listening { address, task })
}

/// Accepts connections for as long as somebody holds the [`Listening`].
async fn accept<A: ApduServer + 'static>(
    listener: TcpListener,
    another: impl Fn() -> A + Send + Sync,
    protocol: Protocol,
    faults: Faults,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() < CONNECTIONS_MAX => {
                    connections.spawn(serve(stream, another(), protocol.clone(), faults));
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
}

async fn serve<A: ApduServer>(
    stream: TcpStream,
    mut server: A,
    protocol: Protocol,
    faults: Faults,
) {
    // An answer is small and the client waits for it.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let ended = match protocol {
        Protocol::Wrapper => {
            serve_wrapper(stream, &mut server, &WrapperServerConfig::default()).await
        }
        Protocol::Hdlc(config) => serve_frames(stream, &mut server, &config, faults).await,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

/// Serves HDLC with the faults that were asked for.
async fn serve_frames<S, A>(
    stream: S,
    server: &mut A,
    config: &HdlcServerConfig,
    faults: Faults,
) -> Result<(), LineError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    A: ApduServer,
{
    if faults.is_empty() {
        return serve_hdlc(stream, server, config).await;
    }
    let inactivity_timeout =
        config.inactivity_timeout.filter(|_| !faults.has(Fault::KeepsIdleLinks));
    let config = HdlcServerConfig { inactivity_timeout, ..config.clone() };
    serve_hdlc(FaultyLine::new(stream, faults, config.physical), server, &config).await
}

/// A meter as one connection sees it: the associations are the connection's, everything else is the
/// meter's.
struct Port {
    meter: Arc<Mutex<Meter>>,
    answer: AnswerConfig,
    /// How many blocks of general block transfer go out in one go.
    send_window_max: u8,
    /// By client and logical device.
    associations: BTreeMap<(u16, u16), Server>,
    /// For [`Fault::ChokesOnWindows`].
    choked: bool,
}

impl Port {
    const fn new(meter: Arc<Mutex<Meter>>, answer: AnswerConfig) -> Self {
        Self {
            meter,
            answer,
            send_window_max: WINDOW_MAX,
            associations: BTreeMap::new(),
            choked: false,
        }
    }

    /// On a line of HDLC, which is turned round after each APDU.
    fn over_hdlc(mut self) -> Self {
        self.send_window_max = 1;
        self
    }

    fn another(&self) -> Self {
        let mut another = Self::new(Arc::clone(&self.meter), self.answer);
        another.send_window_max = self.send_window_max;
        another
    }
}

impl Port {
    /// The association of a client with a logical device.
    fn association(&mut self, client: u16, server: u16) -> &mut Server {
        let association = || {
            let meter = lock(&self.meter);
            Server::new(ServerConfig {
                max_pdu: self.answer.max_pdu,
                send_window_max: self.send_window_max,
                pre_established: meter.client_of(client).and_then(|client| client.pre_established),
                ..ServerConfig::new(client)
            })
        };
        self.associations.entry((client, server)).or_insert_with(association)
    }

    /// Keeps no association that is none: there are no more than one of each client that the meter
    /// knows with each of its logical devices.
    fn forget_idle(&mut self, client: u16, server: u16) {
        let key = (client, server);
        if self.associations.get(&key).is_some_and(Server::is_idle) {
            self.associations.remove(&key);
        }
    }

    fn answer(&mut self, client: u16, server: u16, apdu: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
        let (shared, faults) = (Arc::clone(&self.meter), self.answer.faults);
        let mut choked = self.choked;
        let association = self.association(client, server);
        let mut meter = lock(&shared);
        let Some(meter) = meter.logical_device(server) else { return false };
        if faults.is_empty() {
            return association.handle_apdu(meter, &mut SystemEntropy, apdu, out);
        }
        let client = meter.client_of(client).cloned();
        let associated = association.is_associated();
        let mut device = FaultyDevice::new(meter, faults);
        let mut faulty =
            FaultyAssociation { faults, choked: &mut choked, client: client.as_ref(), associated };
        let answers = faulty.handle(apdu, out, &mut |apdu, out| {
            association.handle_apdu(&mut device, &mut SystemEntropy, apdu, out)
        });
        self.choked = choked;
        answers
    }
}

impl ApduServer for Port {
    fn knows(&self, server: u16) -> bool {
        lock(&self.meter).logical_device(server).is_some()
    }

    fn handle(&mut self, client: u16, server: u16, apdu: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
        let answered = self.answer(client, server, apdu, out);
        self.forget_idle(client, server);
        answered
    }

    fn hold(&mut self, client: u16, server: u16, apdu: &[u8]) -> bool {
        // A fault looks at one request after the other.
        let association = self.associations.get_mut(&(client, server));
        self.answer.faults.is_empty()
            && association.is_some_and(|association| association.hold(apdu))
    }

    fn further(&mut self, client: u16, server: u16, out: &mut Vec<u8>) -> bool {
        let association = self.associations.get_mut(&(client, server));
        let answered = association.is_some_and(|association| association.poll_transmit(out));
        self.forget_idle(client, server);
        answered
    }

    fn handle_unconfirmed(&mut self, client: u16, server: Option<u16>, apdu: &mut Vec<u8>) {
        let shared = Arc::clone(&self.meter);
        let saps = server.map_or_else(|| lock(&shared).saps(), |server| vec![server]);
        for server in saps {
            let faults = self.answer.faults;
            let association = self.association(client, server);
            let mut meter = lock(&shared);
            if let Some(meter) = meter.logical_device(server) {
                let mut device = FaultyDevice::new(meter, faults);
                // Each deciphers its own in place.
                let apdu = &mut apdu.clone();
                association.handle_unconfirmed(&mut device, &mut SystemEntropy, apdu);
            }
            drop(meter);
            // Nobody says when such a client has gone.
            self.forget_idle(client, server);
        }
    }

    fn keeps(&self, client: u16) -> bool {
        let mut own = self.associations.iter().filter(|((of, _), _)| *of == client);
        own.any(|(_, association)| association.is_associated())
    }

    fn disconnected(&mut self, client: u16, server: u16) {
        self.associations.remove(&(client, server));
    }

    fn answer_after(&self) -> Duration {
        self.answer.delay
    }
}

/// A panic in another connection leaves the meter as consistent as a power failure would.
fn lock(meter: &Mutex<Meter>) -> MutexGuard<'_, Meter> {
    meter.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The random numbers of the operating system.
struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&mut self, octets: &mut [u8]) {
        // Without random numbers every challenge would be the same: better no meter than that.
        #[expect(clippy::expect_used, reason = "nothing sensible can be done without entropy")]
        getrandom::fill(octets).expect("the operating system has no random numbers");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use dlms_core::security::{
        ProtectRequest, Protection, RustCrypto, SecurityControl, SystemTitle, protect,
    };
    use dlms_tokio::ApduServer;

    use super::{AnswerConfig, Fault, Faults, Meter, Port};
    use crate::{
        LOGICAL_DEVICE, MeterClient, MeterConfig, MeterKeys, PRE_ESTABLISHED_CLIENT, PUBLIC_CLIENT,
    };

    /// AARQ without authentication.
    const AARQ: [u8; 31] = [
        0x60, 0x1d, 0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01, 0x01, 0xbe, 0x10,
        0x04, 0x0e, 0x01, 0x00, 0x00, 0x00, 0x06, 0x5f, 0x1f, 0x04, 0x00, 0x40, 0x1e, 0x9f, 0xff,
        0xff,
    ];
    /// GET of the status 0-0:96.10.1.
    const GET: [u8; 13] = [0xc0, 0x01, 0xc1, 0, 1, 0, 0, 96, 10, 1, 255, 2, 0];

    /// SET of the status to an unsigned.
    fn set(invoke_id_and_priority: u8, value: u8) -> Vec<u8> {
        vec![0xc1, 0x01, invoke_id_and_priority, 0, 1, 0, 0, 96, 10, 1, 255, 2, 0, 0x11, value]
    }

    #[test]
    fn what_may_not_be_answered_is_done_if_it_wants_no_answer_and_the_client_is_known() {
        let meter = Arc::new(Mutex::new(Meter::new(1000, Arc::new(MeterConfig::default()))));
        let mut port = Port::new(meter, AnswerConfig::default());
        let ask = |port: &mut Port, apdu: &[u8]| {
            let mut out = Vec::new();
            port.handle(PUBLIC_CLIENT, LOGICAL_DEVICE, &mut apdu.to_vec(), &mut out);
            out
        };
        port.handle_unconfirmed(PUBLIC_CLIENT, None, &mut set(0x01, 6));
        assert!(port.associations.is_empty());
        ask(&mut port, &AARQ);
        let before = ask(&mut port, &GET);
        assert!(before.starts_with(&[0xc4, 0x01, 0xc1, 0x00]), "{before:02x?}");
        // Nothing was done without an association, and nothing is done that asks to be confirmed.
        port.handle_unconfirmed(PUBLIC_CLIENT, None, &mut set(0x41, 7));
        assert_eq!(ask(&mut port, &GET), before);
        for server in [None, Some(LOGICAL_DEVICE)] {
            let value = 8 + u8::from(server.is_some());
            port.handle_unconfirmed(PUBLIC_CLIENT, server, &mut set(0x01, value));
            assert_eq!(ask(&mut port, &GET), [0xc4, 0x01, 0xc1, 0x00, 0x11, value]);
        }
    }

    #[test]
    fn clients_that_are_not_let_in_take_no_place() {
        let meter = Arc::new(Mutex::new(Meter::new(1000, Arc::new(MeterConfig::default()))));
        let mut port = Port::new(meter, AnswerConfig::default());
        let mut out = Vec::new();
        for client in 200..500 {
            assert!(port.handle(client, LOGICAL_DEVICE, &mut AARQ.to_vec(), &mut out));
        }
        assert!(port.associations.is_empty());
        assert!(port.handle(PUBLIC_CLIENT, LOGICAL_DEVICE, &mut AARQ.to_vec(), &mut out));
        assert!(port.handle(PUBLIC_CLIENT, LOGICAL_DEVICE, &mut GET.to_vec(), &mut out));
        assert!(out.starts_with(&[0xc4, 0x01, 0xc1, 0x00]), "{out:02x?}");
    }

    #[test]
    fn a_meter_that_takes_replays_takes_those_under_the_broadcast_key_too() {
        let title = SystemTitle(*b"CLIENT01");
        let keys = MeterKeys::default();
        let mut clients = MeterClient::open();
        clients.push(MeterClient::pre_established(false, Some(title)));
        let config = Arc::new(MeterConfig { clients, ..MeterConfig::default() });
        let protection = Protection::AUTHENTICATED_ENCRYPTED;
        let request = |counter| ProtectRequest {
            tag: 0xc9,
            system_title: title,
            send_title: false,
            control: SecurityControl::new(keys.suite, protection).with_broadcast_key(),
            counter,
            key: &keys.broadcast,
            authentication_key: Some(&keys.authentication),
        };
        for (faults, replayed) in
            [(Faults::NONE, false), (Faults::NONE.with(Fault::TakesReplays), true)]
        {
            let meter = Arc::new(Mutex::new(Meter::new(1000, Arc::clone(&config))));
            let answer = AnswerConfig { faults, ..AnswerConfig::default() };
            let mut port = Port::new(meter, answer);
            let mut out = Vec::new();
            port.handle(PUBLIC_CLIENT, LOGICAL_DEVICE, &mut AARQ.to_vec(), &mut out);
            for (counter, value) in [(7, 8), (6, 9)] {
                let mut apdu = Vec::new();
                let request = request(counter);
                protect(&RustCrypto, &request, &set(0x01, value), &mut apdu).unwrap();
                port.handle_unconfirmed(PRE_ESTABLISHED_CLIENT, None, &mut apdu);
            }
            port.handle(PUBLIC_CLIENT, LOGICAL_DEVICE, &mut GET.to_vec(), &mut out);
            assert_eq!(out.last(), Some(if replayed { &9 } else { &8 }));
        }
    }
}
