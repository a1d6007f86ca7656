//! Where meters push to: the wrapper over TCP and over UDP, on the side of the meters.
//!
//! A meter connects by itself, so that nothing but where it comes from says which one it is: the
//! host, and the source wPort where several are behind one. A host is known from the meters that
//! have an address of their own, or because somebody [registered](PushListener::register) it. Who
//! is not known, or could be two, is counted and dropped: what is pushed goes on as that of a
//! certain meter, and a guess would be worse than none.
//!
//! A push that asks to be confirmed is so on its connection, or to where its datagram came from:
//! from here where it is in clear and stored, else by the head-end (see
//! [`Exchange::pushed`]).
//!
//! The APDU is opaque, as everywhere. Whoever can send from the address of a meter can push in its
//! name; a head-end believes what it can decipher or verify.

use core::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use dlms_core::wrapper::{self, HEADER_LEN, WrapperHeader};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::mpsc,
    time::{Instant, sleep, timeout},
};

use crate::{
    exchange::{Exchange, SharedNodes, WayBack},
    nodes::{LogicalDeviceName, NODES_MAX, NodeId, Nodes, Place},
};

/// Connections of meters at a time: a third of the meters that there may be, of which each pushes
/// for some seconds.
pub const CONNECTIONS_MAX: usize = 4_096;
/// How long a meter may say nothing on its connection: the inactivity_time_out of class 41.
const INACTIVITY: Duration = Duration::from_secs(180);
/// How long to wait when the system refuses a connection for want of resources.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// For how long the addresses of the meters are taken for what they were.
const INDEX_AGE: Duration = Duration::from_secs(1);
/// The longest frame: a wrapper header and what it can announce.
const FRAME_MAX: usize = HEADER_LEN + 0xFFFF;
/// Confirmations that wait for one connection; further ones are dropped, and what was to be
/// confirmed is pushed again.
const ANSWERS_MAX: usize = 16;
/// How long a meter may take to take a confirmation in.
const WRITE_TIME_MAX: Duration = Duration::from_secs(10);
/// Octets taken in one read.
const READ_MAX: usize = 4 * 1024;

/// How often what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PushCounters {
    /// Pushes passed on.
    pub taken: u64,
    /// Pushes dropped because nobody knows the sender, or it could be two.
    pub unknown: u64,
    /// Connections and datagrams that were not the wrapper.
    pub malformed: u64,
    /// Connections closed at once because there were too many.
    pub refused: u64,
    /// Connections that are open.
    pub connections: usize,
}

/// A sender was not registered: there are as many as there may be meters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{NODES_MAX} senders are registered, and no more fit")]
pub struct TooManySenders;

/// What takes pushes. Clones are handles to the same.
#[derive(Clone, Debug)]
pub struct PushListener {
    exchange: Exchange,
    nodes: SharedNodes,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    senders: Senders,
    counters: PushCounters,
}

impl PushListener {
    /// Takes pushes of `nodes` for `exchange`.
    #[must_use]
    pub fn new(exchange: Exchange, nodes: SharedNodes) -> Self {
        Self { exchange, nodes, shared: Arc::default() }
    }

    /// Says that what comes from `host`, and from source wPort `server` if there is one, is of the
    /// meter with this name. It counts for more than the addresses of meters.
    ///
    /// # Errors
    /// [`TooManySenders`].
    pub fn register(
        &self,
        host: IpAddr,
        server: Option<u16>,
        meter: LogicalDeviceName,
    ) -> Result<(), TooManySenders> {
        self.lock().senders.register(host, server, meter)
    }

    /// What happened so far.
    #[must_use]
    pub fn counters(&self) -> PushCounters {
        self.lock().counters
    }

    /// Serves meters that connect to `listener`, for ever.
    pub async fn tcp(self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, from)) => self.admit(stream, from),
                Err(error) => {
                    tracing::warn!(%error, "a connection of a meter could not be taken");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Serves meters that send to `socket`, until that fails.
    ///
    /// # Errors
    /// When nothing can be received any more.
    pub async fn udp(self, socket: UdpSocket) -> io::Result<()> {
        let socket = Arc::new(socket);
        let mut datagram = vec![0; FRAME_MAX];
        loop {
            let (length, from) = match socket.recv_from(&mut datagram).await {
                Ok(received) => received,
                // What was sent to somebody else did not arrive.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => continue,
                Err(error) => return Err(error),
            };
            match wrapper::next_frame(&datagram[..length]) {
                Some(Ok(frame)) if frame.consumed() == length => {
                    let WrapperHeader { source, destination, .. } = frame.header;
                    let back = WayBack::Datagram(Arc::clone(&socket), from, source);
                    self.take(from, source, destination, frame.apdu, Some(back));
                }
                _ => self.lock().counters.malformed += 1,
            }
        }
    }

    fn admit(&self, stream: TcpStream, from: SocketAddr) {
        let counters = &mut self.lock().counters;
        if counters.connections >= CONNECTIONS_MAX {
            counters.refused += 1;
            return;
        }
        counters.connections += 1;
        let listener = self.clone();
        tokio::spawn(async move {
            let (reader, mut writer) = stream.into_split();
            let (answers, mut answered) = mpsc::channel::<Vec<u8>>(ANSWERS_MAX);
            // As long as somebody may answer, be the meter's half closed or not.
            tokio::spawn(async move {
                while let Some(frame) = answered.recv().await {
                    let written = timeout(WRITE_TIME_MAX, writer.write_all(&frame)).await;
                    if !matches!(written, Ok(Ok(()))) {
                        return;
                    }
                }
            });
            let wrapper = listener.read(reader, from, &answers).await;
            let counters = &mut listener.lock().counters;
            counters.connections -= 1;
            counters.malformed += u64::from(!wrapper);
        });
    }

    /// Takes the pushes of one connection until it ends. False if it was not the wrapper.
    async fn read(
        &self,
        mut stream: impl AsyncRead + Unpin,
        from: SocketAddr,
        answers: &mpsc::Sender<Vec<u8>>,
    ) -> bool {
        let mut received = Vec::new();
        loop {
            let mut consumed = 0;
            while let Some(frame) = wrapper::next_frame(&received[consumed..]) {
                let Ok(frame) = frame else { return false };
                let WrapperHeader { source, destination, .. } = frame.header;
                let back = WayBack::Connection(answers.clone(), source);
                self.take(from, source, destination, frame.apdu, Some(back));
                consumed += frame.consumed();
            }
            received.drain(..consumed);
            if received.is_empty() {
                // A meter that is silent costs next to nothing.
                received = Vec::new();
            }
            received.reserve(READ_MAX);
            match timeout(INACTIVITY, stream.read_buf(&mut received)).await {
                Ok(Ok(1..)) => {}
                // Who leaves in the middle of a frame has not pushed it.
                Ok(Ok(0) | Err(_)) | Err(_) => return true,
            }
        }
    }

    /// Passes a push on, if it is known whose it is.
    fn take(&self, from: SocketAddr, server: u16, client: u16, apdu: &[u8], back: Option<WayBack>) {
        if apdu.is_empty() {
            self.lock().counters.malformed += 1;
            return;
        }
        let sender = {
            let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
            let shared = &mut *self.lock();
            let sender = shared.senders.resolve(Instant::now(), &nodes, from.ip(), server);
            match sender {
                Some(_) => shared.counters.taken += 1,
                None => shared.counters.unknown += 1,
            }
            sender
        };
        match sender {
            Some(node) => self.exchange.pushed(node, client, apdu, back),
            None => tracing::debug!(%from, server, "a push, and nobody knows of whom"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who pushes from where.
#[derive(Debug, Default)]
struct Senders {
    registered: BTreeMap<(IpAddr, Option<u16>), LogicalDeviceName>,
    /// The hosts of meters with their SAPs there; None where two are alike.
    index: BTreeMap<(IpAddr, u16), Option<NodeId>>,
    indexed: Option<Instant>,
}

impl Senders {
    fn register(
        &mut self,
        host: IpAddr,
        server: Option<u16>,
        meter: LogicalDeviceName,
    ) -> Result<(), TooManySenders> {
        let key = (host.to_canonical(), server);
        if self.registered.len() >= NODES_MAX && !self.registered.contains_key(&key) {
            return Err(TooManySenders);
        }
        self.registered.insert(key, meter);
        Ok(())
    }

    /// The meter that sends from here, if it is one that is there.
    fn resolve(
        &mut self,
        now: Instant,
        nodes: &Nodes,
        host: IpAddr,
        server: u16,
    ) -> Option<NodeId> {
        let host = host.to_canonical();
        let registered = self.registered.get(&(host, Some(server)));
        let registered = registered.or_else(|| self.registered.get(&(host, None)));
        let node = match registered {
            Some(name) => nodes.named(name.octets()),
            None => {
                self.refresh(now, nodes);
                self.index.get(&(host, server)).copied().flatten()
            }
        };
        node.filter(|&node| nodes.get(node).is_some_and(|node| node.present))
    }

    /// Looks at all meters again, but not for every push: who has no meters at all may send many.
    fn refresh(&mut self, now: Instant, nodes: &Nodes) {
        let fresh = |at: Instant| now.saturating_duration_since(at) < INDEX_AGE;
        if self.indexed.is_some_and(fresh) {
            return;
        }
        self.indexed = Some(now);
        self.index.clear();
        for (id, node) in nodes.iter().filter(|(_, node)| node.present) {
            if let Place::Endpoint(endpoint) | Place::Datagrams(endpoint) = &node.place {
                let key = (endpoint.ip().to_canonical(), node.server);
                self.index.entry(key).and_modify(|known| *known = None).or_insert(Some(id));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncWriteExt, sync::mpsc};

    use super::*;
    use crate::{
        exchange::{ExchangeConfig, Kept, Local, PushSink, Pushed},
        nodes::{Pool, Registration},
        router::WanId,
    };

    /// What is pushed: SAP of the meter, client, APDU. All of it is stored at once.
    struct Sink(mpsc::UnboundedSender<(u16, u16, Vec<u8>)>);

    impl PushSink for Sink {
        fn push(&mut self, pushed: &Pushed<'_>) -> Option<Kept> {
            let push = (pushed.node.sap, pushed.client, pushed.apdu.to_vec());
            self.0.send(push).unwrap();
            Some(Kept { number: 1, which: Vec::new() })
        }

        fn stored(&self) -> u64 {
            1
        }
    }

    struct Nobody;

    impl Local for Nobody {
        fn handle(&mut self, _: WanId, _: u16, _: &mut Vec<u8>, _: &mut Vec<u8>) -> bool {
            false
        }

        fn left(&mut self, _: WanId, _: u16) {}

        fn closed(&mut self, _: WanId) {}
    }

    fn meter(number: u16, host: &str, server: u16) -> Registration {
        let place = Place::Endpoint(SocketAddr::new(host.parse().unwrap(), 4_059));
        let meter = Registration::new(&format!("ABC{number:013}")).unwrap();
        Registration { place, server, ..meter }
    }

    fn listener(
        meters: &[Registration],
    ) -> (PushListener, mpsc::UnboundedReceiver<(u16, u16, Vec<u8>)>) {
        let mut nodes = Nodes::new(Pool::Extended);
        for meter in meters {
            nodes.register(0, meter.clone()).unwrap();
        }
        let nodes = Arc::new(Mutex::new(nodes));
        let (sender, pushes) = mpsc::unbounded_channel();
        let config = ExchangeConfig::default();
        let exchange =
            Exchange::new(config, Arc::clone(&nodes), Box::new(Nobody), Box::new(Sink(sender)));
        (PushListener::new(exchange, nodes), pushes)
    }

    /// From server SAP 1 of the meter to client 102.
    const PUSH: [u8; 11] = [0, 1, 0, 1, 0, 102, 0, 3, 0x0F, 0, 7];

    #[tokio::test]
    async fn a_meter_pushes_by_tcp_as_it_likes_and_in_any_pieces() {
        let (listener, mut pushes) = listener(&[meter(1, "127.0.0.1", 1)]);
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(listener.clone().tcp(socket));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&[&PUSH[..], &PUSH[..5]].concat()).await.unwrap();
        assert_eq!(pushes.recv().await, Some((16, 102, vec![0x0F, 0, 7])));
        stream.write_all(&PUSH[5..]).await.unwrap();
        assert_eq!(pushes.recv().await, Some((16, 102, vec![0x0F, 0, 7])));
        assert_eq!(listener.counters().taken, 2);
        assert_eq!(listener.counters().connections, 1);
    }

    #[tokio::test]
    async fn a_meter_pushes_by_udp_and_noise_is_counted() {
        let (listener, mut pushes) = listener(&[meter(1, "127.0.0.1", 1)]);
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(listener.clone().udp(socket));
        let meter = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        for datagram in [&PUSH[..7], b"GET / HTTP/1.1", &PUSH[..8], &PUSH[..]] {
            meter.send_to(datagram, address).await.unwrap();
        }
        assert_eq!(pushes.recv().await, Some((16, 102, vec![0x0F, 0, 7])));
        assert_eq!((listener.counters().malformed, listener.counters().taken), (3, 1));
    }

    /// A push that asks to be confirmed, and its confirmation.
    const ASKING: [u8; 15] = [0, 1, 0, 1, 0, 102, 0, 7, 0x0F, 0x40, 0, 0, 7, 0, 0];
    const CONFIRMED: [u8; 14] = [0, 1, 0, 102, 0, 1, 0, 6, 0x10, 0x40, 0, 0, 7, 0];

    #[tokio::test]
    async fn what_is_in_clear_and_stored_is_confirmed_from_here_on_the_way_that_it_came() {
        let (listener, _pushes) = listener(&[meter(1, "127.0.0.1", 1)]);
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (tcp_address, udp_address) = (tcp.local_addr().unwrap(), udp.local_addr().unwrap());
        tokio::spawn(listener.clone().tcp(tcp));
        tokio::spawn(listener.clone().udp(udp));
        let mut stream = TcpStream::connect(tcp_address).await.unwrap();
        // What does not ask is not answered: the first answer is that of the second push.
        stream.write_all(&[&PUSH[..], &ASKING].concat()).await.unwrap();
        let mut answer = [0; CONFIRMED.len()];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, CONFIRMED);

        let meter = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        meter.send_to(&ASKING, udp_address).await.unwrap();
        let (length, from) = meter.recv_from(&mut answer).await.unwrap();
        assert_eq!((&answer[..length], from), (&CONFIRMED[..], udp_address));
    }

    #[tokio::test]
    async fn what_is_closed_is_confirmed_by_the_head_end_and_once() {
        let (listener, mut pushes) = listener(&[meter(1, "127.0.0.1", 1)]);
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let mut head_end = listener.exchange.connect();
        tokio::spawn(listener.clone().tcp(socket));
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut answer = [0; 10];
        for (tag, confirmation) in [(0xDB, 0xDB), (0xDF, 0xDD), (0xDD, 0x10)] {
            stream.write_all(&[0, 1, 0, 1, 0, 102, 0, 2, tag, 9]).await.unwrap();
            assert_eq!(pushes.recv().await, Some((16, 102, vec![tag, 9])));
            // From another client first, which is not asked.
            for client in [103, 102] {
                let frame = [0, 1, 0, client, 0, 16, 0, 2, confirmation, client];
                if client == 102 || confirmation == 0x10 {
                    head_end.write_all(&frame).await.unwrap();
                }
            }
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer, [0, 1, 0, 102, 0, 1, 0, 2, confirmation, 102]);
        }
        // A confirmation that nobody waits for opens no way to the meter.
        head_end.write_all(&[0, 1, 0, 102, 0, 16, 0, 2, 0x10, 102]).await.unwrap();
        stream.write_all(&PUSH).await.unwrap();
        assert_eq!(pushes.recv().await, Some((16, 102, vec![0x0F, 0, 7])));
        assert_eq!(listener.exchange.counters().associations, 0);
    }

    #[tokio::test]
    async fn what_is_not_the_wrapper_ends_the_connection() {
        let (listener, _pushes) = listener(&[meter(1, "127.0.0.1", 1)]);
        let from = "127.0.0.1:9".parse().unwrap();
        let (answers, _) = mpsc::channel(1);
        assert!(!listener.read(&b"GET / HTTP/1.1\r\n\r\n"[..], from, &answers).await);
        assert!(listener.read(&PUSH[..9], from, &answers).await);
        assert_eq!(listener.counters().taken, 0);
    }

    #[test]
    fn a_sender_is_told_by_host_and_wport_and_never_guessed() {
        let mut nodes = Nodes::new(Pool::Extended);
        let mut add =
            |number, host, server| nodes.register(0, meter(number, host, server)).unwrap();
        let (one, two) = (add(1, "192.0.2.1", 1), add(2, "192.0.2.1", 2));
        let three = add(3, "2001:db8::3", 1);
        let place = Place::Datagrams("192.0.2.7:4059".parse().unwrap());
        let seven = Registration { place, ..meter(7, "192.0.2.7", 1) };
        let seven = nodes.register(0, seven).unwrap();
        let mut add =
            |number, host, server| nodes.register(0, meter(number, host, server)).unwrap();
        add(4, "192.0.2.4", 1);
        add(5, "192.0.2.4", 1);
        let mut senders = Senders::default();
        let now = Instant::now();
        let mut from =
            |host: &str, server| senders.resolve(now, &nodes, host.parse().unwrap(), server);
        assert_eq!((from("192.0.2.1", 1), from("192.0.2.1", 2)), (Some(one), Some(two)));
        assert_eq!(from("::ffff:192.0.2.1", 1), Some(one));
        assert_eq!(from("2001:db8::3", 1), Some(three));
        assert_eq!(from("192.0.2.7", 1), Some(seven));
        // A wPort or a host that nobody has, and a host of two that are alike.
        for (host, server) in [("192.0.2.1", 3), ("192.0.2.9", 1), ("192.0.2.4", 1)] {
            assert_eq!(from(host, server), None, "{host} {server}");
        }
    }

    #[test]
    fn what_was_registered_counts_for_more_and_a_meter_that_is_gone_for_nothing() {
        let mut nodes = Nodes::new(Pool::Extended);
        let one = nodes.register(0, meter(1, "192.0.2.1", 1)).unwrap();
        let two = nodes.register(0, meter(2, "192.0.2.2", 1)).unwrap();
        let name = nodes.get(two).unwrap().name.clone();
        let host: IpAddr = "192.0.2.1".parse().unwrap();
        let mut senders = Senders::default();
        let now = Instant::now();
        assert_eq!(senders.resolve(now, &nodes, host, 1), Some(one));
        senders.register(host, None, name.clone()).unwrap();
        assert_eq!(senders.resolve(now, &nodes, host, 1), Some(two));
        let own = nodes.get(one).unwrap().name.clone();
        senders.register(host, Some(1), own).unwrap();
        assert_eq!(senders.resolve(now, &nodes, host, 1), Some(one));
        assert_eq!(senders.resolve(now, &nodes, host, 5), Some(two));
        nodes.deregister(1, two);
        assert_eq!(senders.resolve(now, &nodes, host, 5), None);
        // One that comes later is seen a second later at most.
        let three = nodes.register(0, meter(3, "192.0.2.3", 1)).unwrap();
        let host = "192.0.2.3".parse().unwrap();
        let later = now + INDEX_AGE;
        senders.refresh(now, &nodes);
        assert_eq!(senders.resolve(later, &nodes, host, 1), Some(three));
        for number in 0..NODES_MAX {
            let host = IpAddr::from(u32::try_from(number).unwrap().to_be_bytes());
            if let Err(refused) = senders.register(host, None, name.clone()) {
                assert_eq!((refused, senders.registered.len()), (TooManySenders, NODES_MAX));
                return;
            }
        }
        panic!("there is no limit");
    }
}
