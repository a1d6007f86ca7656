//! The exchange between a head-end and meters that repeat what they hear, over real connections.
#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use core::{net::SocketAddr, time::Duration};
use std::sync::{Arc, Mutex};

use concentrator::{
    exchange::{
        self, Exchange, ExchangeConfig, Local, PushSink, Pushed, SharedNodes, WanError, Whose,
    },
    nodes::{NodeId, Nodes, Place, Pool, Registration},
    router::{NOT_POSSIBLE, RouterConfig, WanId},
};
use dlms_core::wrapper::{self, WrapperHeader};
use dlms_tokio::{
    Endpoint, Line, LineConfig, LineError, Trace,
    hdlc::address::AddressLength,
    medium::{Medium, MediumAddress, MediumConfig, Up},
};
use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    net::{TcpListener, TcpStream, UdpSocket},
};

/// A concentrator that says its SAP.
struct Own;

impl Local for Own {
    fn handle(&mut self, _: WanId, _: u16, _: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
        out.extend(b"own");
        true
    }

    fn left(&mut self, _: WanId, _: u16) {}

    fn closed(&mut self, _: WanId) {}
}

/// Client, SAP and APDU of each.
type Log = Arc<Mutex<Vec<(u16, u16, Vec<u8>)>>>;

/// What says which push it is.
const WHICH: &[u8] = b"\x0F which";

/// What it keeps, and how it calls each.
struct Keeping(Log, Vec<u8>);

impl PushSink for Keeping {
    fn push(&mut self, pushed: &Pushed<'_>) -> Option<exchange::Kept> {
        let push = (pushed.client, pushed.node.sap, pushed.apdu.to_vec());
        let mut kept = self.0.lock().unwrap();
        kept.push(push);
        let number = u64::try_from(kept.len()).unwrap();
        Some(exchange::Kept { number, which: self.1.clone() })
    }
}

struct Bench {
    exchange: Exchange,
    pushes: Log,
}

impl Bench {
    fn new(meters: &[SocketAddr], router: RouterConfig) -> Self {
        let mut nodes = Nodes::new(Pool::Extended);
        for (number, &address) in meters.iter().enumerate() {
            let meter = Registration::new(&format!("ABC{number:013}")).unwrap();
            nodes.register(0, Registration { place: Place::Endpoint(address), ..meter }).unwrap();
        }
        let nodes: SharedNodes = Arc::new(Mutex::new(nodes));
        let pushes = Log::default();
        let config = ExchangeConfig { router, ..ExchangeConfig::default() };
        let sink = Box::new(Keeping(Arc::clone(&pushes), WHICH.to_vec()));
        Self { exchange: Exchange::new(config, nodes, Box::new(Own), sink), pushes }
    }
}

/// A meter that sends back what it gets, byte for byte, with the wPorts the other way round.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                while let Some((header, apdu)) = receive(&mut stream).await {
                    send(&mut stream, header.destination, header.source, &apdu).await;
                }
            });
        }
    });
    address
}

fn frame(source: u16, destination: u16, apdu: &[u8]) -> Vec<u8> {
    let length = apdu.len().try_into().unwrap();
    let header = WrapperHeader { source, destination, length };
    [&header.encode_header(), apdu].concat()
}

async fn send(
    stream: &mut (impl AsyncWriteExt + Unpin),
    source: u16,
    destination: u16,
    apdu: &[u8],
) {
    stream.write_all(&frame(source, destination, apdu)).await.unwrap();
}

/// The next frame; none at the end.
async fn receive(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<(WrapperHeader, Vec<u8>)> {
    let mut octets = vec![0; wrapper::HEADER_LEN];
    stream.read_exact(&mut octets).await.ok()?;
    let length = usize::from(u16::from_be_bytes([octets[6], octets[7]]));
    octets.resize(octets.len() + length, 0);
    stream.read_exact(&mut octets[wrapper::HEADER_LEN..]).await.ok()?;
    let frame = wrapper::next_frame(&octets).unwrap().unwrap();
    Some((frame.header, frame.apdu.to_vec()))
}

async fn answer(head_end: &mut DuplexStream) -> (u16, u16, Vec<u8>) {
    let (header, apdu) = receive(head_end).await.expect("the exchange is there");
    (header.source, header.destination, apdu)
}

#[tokio::test]
async fn each_meter_is_reached_at_its_sap_and_the_concentrator_at_1() {
    let bench = Bench::new(&[echo().await, echo().await], RouterConfig::default());
    let mut head_end = bench.exchange.connect();
    send(&mut head_end, 16, 17, b"\xC0 to the second").await;
    assert_eq!(answer(&mut head_end).await, (17, 16, b"\xC0 to the second".to_vec()));
    send(&mut head_end, 1, 16, b"\xC0 to the first").await;
    assert_eq!(answer(&mut head_end).await, (16, 1, b"\xC0 to the first".to_vec()));
    send(&mut head_end, 16, 1, b"\xC0").await;
    assert_eq!(answer(&mut head_end).await, (1, 16, b"own".to_vec()));
    assert_eq!(bench.exchange.counters().meters, 2);
}

#[tokio::test]
async fn a_frame_may_come_in_any_pieces() {
    let bench = Bench::new(&[echo().await], RouterConfig::default());
    let mut head_end = bench.exchange.connect();
    let frames = [frame(16, 16, b"\xC0 one"), frame(16, 16, &[0xC1; 3_000])].concat();
    for octet in frames {
        head_end.write_all(&[octet]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(answer(&mut head_end).await.2, b"\xC0 one");
    assert_eq!(answer(&mut head_end).await.2, [0xC1; 3_000]);
}

#[tokio::test]
async fn a_meter_out_of_reach_is_an_exception_and_the_next_try_starts_anew() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let bench = Bench::new(&[nobody, echo().await], RouterConfig::default());
    let mut head_end = bench.exchange.connect();
    for _ in 0..2 {
        send(&mut head_end, 16, 16, b"\xC0").await;
        assert_eq!(answer(&mut head_end).await, (16, 16, NOT_POSSIBLE.to_vec()));
    }
    send(&mut head_end, 16, 17, b"\xC0").await;
    assert_eq!(answer(&mut head_end).await.2, b"\xC0");
}

#[tokio::test]
async fn a_meter_that_breaks_off_gives_its_seat_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bench = Bench::new(&[listener.local_addr().unwrap()], RouterConfig::default());
    let mut head_end = bench.exchange.connect();
    send(&mut head_end, 16, 16, b"\xC0").await;
    let (mut meter, _) = listener.accept().await.unwrap();
    receive(&mut meter).await.unwrap();
    drop(meter);
    assert_eq!(answer(&mut head_end).await.2, NOT_POSSIBLE);
    assert_eq!(bench.exchange.holder(NodeId(0)), None);
}

#[tokio::test]
async fn the_release_closes_the_way_to_the_meter_and_lets_the_next_one_in() {
    let bench = Bench::new(&[echo().await], RouterConfig::default());
    let (mut one, mut two) = (bench.exchange.connect(), bench.exchange.connect());
    send(&mut one, 1, 16, b"\xC0 one").await;
    answer(&mut one).await;
    send(&mut two, 2, 16, b"\xC0 two").await;
    // As if it were the answer to a release: this meter repeats everything.
    send(&mut one, 1, 16, b"\x63 bye").await;
    assert_eq!(answer(&mut one).await.2, b"\x63 bye");
    assert_eq!(answer(&mut two).await, (16, 2, b"\xC0 two".to_vec()));
    assert_eq!(bench.exchange.counters().router.forwarded, 3);
}

#[tokio::test]
async fn who_hangs_up_leaves_the_meter_to_others() {
    let bench = Bench::new(&[echo().await], RouterConfig::default());
    let mut one = bench.exchange.connect();
    send(&mut one, 1, 16, b"\xC0").await;
    answer(&mut one).await;
    let mut two = bench.exchange.connect();
    send(&mut two, 2, 16, b"\xC0 two").await;
    drop(one);
    assert_eq!(answer(&mut two).await.2, b"\xC0 two");
}

#[tokio::test]
async fn what_a_meter_sends_unasked_is_kept_and_passed_on_to_who_takes_pushes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bench = Bench::new(&[listener.local_addr().unwrap()], RouterConfig::default());
    let (mut taking, far) = tokio::io::duplex(1_024);
    let exchange = bench.exchange.clone();
    tokio::spawn(async move { exchange.serve(far, Whose::Called).await });

    let mut head_end = bench.exchange.connect();
    send(&mut head_end, 16, 16, b"\xC0").await;
    let (mut meter, _) = listener.accept().await.unwrap();
    receive(&mut meter).await.unwrap();
    send(&mut meter, 1, 102, b"\xDB ciphered").await;
    send(&mut meter, 1, 16, b"\x0F in clear").await;
    send(&mut meter, 1, 16, b"\xC4 answer").await;
    assert_eq!(answer(&mut head_end).await.2, b"\xC4 answer");
    for (client, apdu) in [(102, &b"\xDB ciphered"[..]), (16, b"\x0F in clear")] {
        // From the concentrator itself, and then as the meter sent it.
        assert_eq!(answer(&mut taking).await, (1, client, WHICH.to_vec()));
        assert_eq!(answer(&mut taking).await, (16, client, apdu.to_vec()));
    }
    let kept = [(102, 16, b"\xDB ciphered".to_vec()), (16, 16, b"\x0F in clear".to_vec())];
    assert_eq!(*bench.pushes.lock().unwrap(), kept);
}

#[tokio::test(start_paused = true)]
async fn a_seat_is_given_up_after_its_time_of_silence() {
    let idle_timeout = Duration::from_secs(60);
    let config = RouterConfig { idle_timeout, ..RouterConfig::default() };
    let bench = Bench::new(&[echo().await], config);
    let mut head_end = bench.exchange.connect();
    send(&mut head_end, 1, 16, b"\xC0").await;
    answer(&mut head_end).await;
    tokio::time::advance(Duration::from_secs(59)).await;
    assert!(bench.exchange.holder(NodeId(0)).is_some());
    tokio::time::advance(Duration::from_secs(2)).await;
    tokio::task::yield_now().await;
    assert_eq!(bench.exchange.holder(NodeId(0)), None);
    assert_eq!(bench.exchange.counters().router.idle, 1);
}

#[tokio::test]
async fn what_is_not_the_wrapper_ends_the_connection_with_a_reason() {
    let bench = Bench::new(&[], RouterConfig::default());
    let (mut near, far) = tokio::io::duplex(64);
    near.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let ended = bench.exchange.serve(far, Whose::HeadEnd).await;
    assert!(matches!(ended, Err(WanError::NotWrapper(0x4745))), "{ended:?}");
}

#[tokio::test]
async fn there_are_no_more_connections_of_head_ends_than_there_may_be() {
    let bench = Bench::new(&[], RouterConfig::default());
    // What the concentrator asks itself takes no place from them.
    let mut inside: Vec<DuplexStream> = (0..20).map(|_| bench.exchange.connect()).collect();
    let mut open: Vec<DuplexStream> = Vec::new();
    for _ in 0..16 {
        let (near, far) = tokio::io::duplex(64);
        let exchange = bench.exchange.clone();
        tokio::spawn(async move { exchange.serve(far, Whose::HeadEnd).await });
        open.push(near);
    }
    for head_end in open.iter_mut().chain(&mut inside) {
        send(head_end, 16, 1, b"\xC0").await;
        answer(head_end).await;
    }
    let (_near, far) = tokio::io::duplex(64);
    let refused = bench.exchange.serve(far, Whose::HeadEnd).await;
    assert!(matches!(refused, Err(WanError::TooMany(16))), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn who_connects_and_asks_nothing_leaves_its_place_and_who_has_asked_stays() {
    let bench = Bench::new(&[], RouterConfig::default());
    // Half a frame is nothing.
    let (mut near, far) = tokio::io::duplex(64);
    near.write_all(&frame(1, 1, b"\xC0")[..5]).await.unwrap();
    let ended = bench.exchange.serve(far, Whose::HeadEnd).await;
    assert!(matches!(ended, Err(WanError::Silent)), "{ended:?}");

    let (mut near, far) = tokio::io::duplex(64);
    let exchange = bench.exchange.clone();
    tokio::spawn(async move { exchange.serve(far, Whose::HeadEnd).await });
    send(&mut near, 1, 1, b"\xC0").await;
    answer(&mut near).await;
    for _ in 0..3 {
        tokio::time::advance(Duration::from_secs(890)).await;
        send(&mut near, 1, 1, b"\xC0").await;
        answer(&mut near).await;
    }
    // Not for ever: its place is one of few.
    assert_eq!(bench.exchange.counters().wans, 1);
    tokio::time::advance(Duration::from_secs(901)).await;
    assert_eq!(near.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(bench.exchange.counters().wans, 0);
}

/// A line by HDLC of client 16 to a SAP.
async fn hdlc_line(exchange: &Exchange, sap: u16) -> Line {
    let (near, far) = tokio::io::duplex(4_096);
    let exchange = exchange.clone();
    tokio::spawn(async move { exchange.serve_hdlc(far, Some(17), None).await });
    let (server_lower, address_bytes) = (Some(17), Some(AddressLength::Four));
    let config = LineConfig {
        server_upper: sap,
        server_lower,
        address_bytes,
        window: 3,
        ..Default::default()
    };
    let mut line = Line::hdlc_in_memory(near, None, &config, Trace::off()).unwrap();
    line.connect().await.unwrap();
    line
}

async fn asked(line: &mut Line, apdu: &[u8]) -> Vec<u8> {
    line.send(apdu).await.unwrap();
    let mut answer = Vec::new();
    line.receive(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn by_hdlc_a_sap_is_an_upper_address_and_what_is_long_goes_in_segments() {
    let bench = Bench::new(&[echo().await, echo().await], RouterConfig::default());
    let long: Vec<u8> = (0..20_000_u32).map(|number| (number % 251) as u8 | 0xC0).collect();
    let mut meter = hdlc_line(&bench.exchange, 17).await;
    for _ in 0..3 {
        assert_eq!(asked(&mut meter, &long).await, long);
    }
    assert_eq!(asked(&mut hdlc_line(&bench.exchange, 1).await, b"\xC0").await, b"own");
    assert_eq!(bench.exchange.counters().router.answered, 3);
}

#[tokio::test]
async fn a_link_that_ends_leaves_the_meter_to_others_and_one_is_there_for_every_sap_only() {
    let bench = Bench::new(&[echo().await], RouterConfig::default());
    let mut one = hdlc_line(&bench.exchange, 16).await;
    asked(&mut one, b"\xC0").await;
    assert!(bench.exchange.holder(NodeId(0)).is_some());
    one.disconnect().await;
    assert_eq!(bench.exchange.holder(NodeId(0)), None);
    // The connection is still there, for the next link.
    assert_eq!(bench.exchange.counters().wans, 1);
    one.connect().await.unwrap();
    assert_eq!(asked(&mut one, b"\xC0").await, b"\xC0");

    let (near, far) = tokio::io::duplex(4_096);
    let exchange = bench.exchange.clone();
    tokio::spawn(async move { exchange.serve_hdlc(far, None, None).await });
    let config = LineConfig {
        server_upper: 99,
        timeout: Duration::from_millis(50),
        retries: 0,
        ..Default::default()
    };
    let mut nobody = Line::hdlc_in_memory(near, None, &config, Trace::off()).unwrap();
    assert!(matches!(nobody.connect().await, Err(LineError::Timeout { .. })));
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_by_hdlc_leaves_its_place() {
    let bench = Bench::new(&[], RouterConfig::default());
    let (_near, far) = tokio::io::duplex(64);
    let ended = bench.exchange.serve_hdlc(far, None, None).await;
    assert!(matches!(ended, Err(WanError::Silent)), "{ended:?}");
    assert_eq!(bench.exchange.counters().wans, 0);
}

#[tokio::test]
async fn a_head_end_that_takes_nothing_in_is_not_read_and_holds_up_nobody() {
    let bench = Bench::new(&[echo().await, echo().await], RouterConfig::default());
    let mut stuck = bench.exchange.connect();
    let long = frame(1, 16, &[0xC0; 60_000]);
    // It asks and asks; at some point the exchange reads no more.
    let asked = tokio::time::timeout(Duration::from_millis(300), async {
        for _ in 0..1_000 {
            stuck.write_all(&long).await.unwrap();
        }
    });
    assert!(asked.await.is_err());
    let mut other = bench.exchange.connect();
    send(&mut other, 1, 17, b"\xC0").await;
    assert_eq!(answer(&mut other).await.2, b"\xC0");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever the octets are, and however they are cut: the meter gets them as they were sent,
    /// and the head-end as they were answered.
    #[test]
    fn every_apdu_arrives_byte_for_byte_on_both_sides(
        apdus in prop::collection::vec(
            (0..3u16, prop::collection::vec(any::<u8>(), 1..400)), 1..20),
        cut in 1..700usize,
    ) {
        // Neither a push, nor what ends an association, nor a gateway header.
        let first = |apdu: &Vec<u8>| matches!(apdu[0], 0x60 | 0xC0 | 0xC4 | 0xC8 | 0xDB | 0xDD);
        let apdus: Vec<_> = apdus.into_iter().map(|(meter, mut apdu)| {
            if !first(&apdu) { apdu[0] = 0xDB }
            (meter, apdu)
        }).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new(
                &[echo().await, echo().await, echo().await], RouterConfig::default());
            let mut head_end = bench.exchange.connect();
            let octets: Vec<u8> = apdus.iter()
                .flat_map(|(meter, apdu)| frame(1, 16 + meter, apdu))
                .collect();
            for piece in octets.chunks(cut) {
                head_end.write_all(piece).await.unwrap();
            }
            let mut expected: Vec<Vec<Vec<u8>>> = vec![Vec::new(); 3];
            for (meter, apdu) in &apdus {
                expected[usize::from(*meter)].push(apdu.clone());
            }
            let mut answered: Vec<Vec<Vec<u8>>> = vec![Vec::new(); 3];
            for _ in &apdus {
                let (source, client, apdu) = answer(&mut head_end).await;
                assert_eq!(client, 1);
                answered[usize::from(source - 16)].push(apdu);
            }
            assert_eq!(answered, expected);
        });
    }
}

#[tokio::test]
async fn a_real_connection_serves_as_well() {
    let bench = Bench::new(&[echo().await], RouterConfig::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let exchange = bench.exchange.clone();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        exchange.serve(stream, Whose::HeadEnd).await
    });
    let mut head_end = TcpStream::connect(address).await.unwrap();
    send(&mut head_end, 1, 16, b"\xC0").await;
    let (header, apdu) = receive(&mut head_end).await.unwrap();
    assert_eq!((header.source, header.destination, &apdu[..]), (16, 1, &b"\xC0"[..]));
}

#[tokio::test]
async fn datagrams_are_answered_to_where_they_came_from() {
    let bench = Bench::new(&[echo().await], RouterConfig::default());
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(concentrator::listen::udp(socket, bench.exchange.clone()));

    let (one, two) = (
        UdpSocket::bind("127.0.0.1:0").await.unwrap(),
        UdpSocket::bind("127.0.0.1:0").await.unwrap(),
    );
    let mut answer = [0; 64];
    for (head_end, sap, apdu, expected) in
        [(&one, 16, b"\xC0", frame(16, 1, b"\xC0")), (&two, 1, b"\xC0", frame(1, 1, b"own"))]
    {
        // What is not exactly one frame has no answer.
        head_end.send_to(&[&frame(1, sap, apdu)[..], b"x"].concat(), address).await.unwrap();
        head_end.send_to(&frame(1, sap, apdu), address).await.unwrap();
        let (length, from) = head_end.recv_from(&mut answer).await.unwrap();
        assert_eq!((&answer[..length], from), (&expected[..], address));
    }
    assert_eq!(bench.exchange.counters().router.forwarded, 1);
    // A port is a connection of its own: the seat is that of the first.
    assert_eq!(bench.exchange.counters().wans, 2);
}

#[tokio::test]
async fn who_takes_pushes_is_connected_to_and_may_ask_over_the_same_connection() {
    let bench = Bench::new(&[echo().await], RouterConfig::default());
    let head_end = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = head_end.local_addr().unwrap().port();
    let endpoint = Endpoint { host: "127.0.0.1".to_owned(), port };
    tokio::spawn(concentrator::listen::out(endpoint, bench.exchange.clone()));
    let (mut stream, _) = head_end.accept().await.unwrap();
    send(&mut stream, 1, 16, b"\xC0").await;
    assert_eq!(receive(&mut stream).await.unwrap().1, b"\xC0");
    bench.exchange.pushed(NodeId(0), 102, b"\xDB", None);
    assert_eq!(receive(&mut stream).await.unwrap().1, WHICH);
    let (header, apdu) = receive(&mut stream).await.unwrap();
    assert_eq!((header.source, header.destination, &apdu[..]), (16, 102, &b"\xDB"[..]));
}

#[tokio::test]
async fn who_sends_datagrams_takes_no_place_of_a_connection() {
    let bench = Bench::new(&[], RouterConfig::default());
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(concentrator::listen::udp(socket, bench.exchange.clone()));
    let mut peers = Vec::new();
    for _ in 0..70 {
        let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        peer.send_to(&frame(1, 1, b"\xC0"), address).await.unwrap();
        assert_eq!(peer.recv_from(&mut [0; 64]).await.unwrap().1, address);
        peers.push(peer);
    }
    // The ones that were silent for longest have made room for the others.
    assert_eq!(bench.exchange.counters().wans, 64);
    let (mut near, far) = tokio::io::duplex(64);
    let exchange = bench.exchange.clone();
    tokio::spawn(async move { exchange.serve(far, Whose::HeadEnd).await });
    send(&mut near, 1, 1, b"\xC0").await;
    answer(&mut near).await;
}

#[tokio::test(start_paused = true)]
async fn who_sent_a_datagram_and_is_silent_is_forgotten() {
    let bench = Bench::new(&[], RouterConfig::default());
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(concentrator::listen::udp(socket, bench.exchange.clone()));
    let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    peer.send_to(&frame(1, 1, b"\xC0"), address).await.unwrap();
    peer.recv_from(&mut [0; 64]).await.unwrap();
    assert_eq!(bench.exchange.counters().wans, 1);
    tokio::time::advance(Duration::from_secs(200)).await;
    tokio::task::yield_now().await;
    assert_eq!(bench.exchange.counters().wans, 0);
}

/// Meters on one bus, each with its lower address and its logical device.
fn on_a_bus(meters: &[(u16, u16)]) -> Bench {
    let bench = Bench::new(&[], RouterConfig::default());
    let nodes = bench.exchange.nodes();
    for (number, &(physical, server)) in meters.iter().enumerate() {
        let meter = Registration::new(&format!("ABC{number:013}")).unwrap();
        let place = Place::Physical(physical);
        nodes.lock().unwrap().register(0, Registration { place, server, ..meter }).unwrap();
    }
    bench
}

#[tokio::test]
async fn what_is_pushed_is_of_the_logical_device_that_it_comes_from() {
    let bench = on_a_bus(&[(20, 1), (20, 2), (21, 1)]);
    let push = |physical, server, number| {
        let meter = MediumAddress { physical, server };
        let apdu = vec![0x0F, number];
        bench.exchange.handle_medium(0, Up::Pushed { meter, client: 102, apdu });
    };
    push(20, 2, 1);
    push(20, 1, 2);
    // One of which nothing is known is the only meter there, or could be either.
    push(21, 5, 3);
    push(20, 5, 4);
    let kept = [(102, 17, vec![0x0F, 1]), (102, 16, vec![0x0F, 2]), (102, 18, vec![0x0F, 3])];
    assert_eq!(*bench.pushes.lock().unwrap(), kept);
    assert_eq!(bench.exchange.counters().unknown_meters, 1);
}

#[tokio::test]
async fn what_fails_for_one_who_has_left_takes_no_seat_from_the_next() {
    let bench = on_a_bus(&[(20, 1)]);
    let (near, _far) = tokio::io::duplex(1_024);
    // Nobody speaks on it: what it tells is told here.
    let (handle, _speaking) = Medium::on(near, MediumConfig::default(), |_| {});
    bench.exchange.add_medium(0, handle);
    let (mut one, mut two) = (bench.exchange.connect(), bench.exchange.connect());
    send(&mut one, 1, 16, b"\xC0").await;
    while bench.exchange.holder(NodeId(0)).is_none() {
        tokio::task::yield_now().await;
    }
    send(&mut two, 2, 16, b"\x60").await;
    drop(one);
    while bench.exchange.holder(NodeId(0)).is_none_or(|holder| holder.client != 2) {
        tokio::task::yield_now().await;
    }
    let meter = MediumAddress { physical: 20, server: 1 };
    let failed = |client| Up::Failed { meter, client, cause: LineError::LinkLost };
    bench.exchange.handle_medium(0, failed(1));
    // Nor is its answer, which comes late, a push.
    bench.exchange.handle_medium(0, Up::Apdu { meter, client: 1, apdu: vec![0xC4, 1] });
    assert!(bench.exchange.holder(NodeId(0)).is_some_and(|holder| holder.client == 2));
    assert!(bench.pushes.lock().unwrap().is_empty());
    bench.exchange.handle_medium(0, failed(2));
    assert_eq!(bench.exchange.holder(NodeId(0)), None);
}
