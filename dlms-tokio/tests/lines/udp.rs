//! The wrapper over UDP.

use core::time::Duration;
use std::{
    io,
    sync::{Arc, Mutex},
};

use dlms_tokio::{
    Address, ApduServer, Line, LineConfig, LineError, Phase, Trace, WrapperServerConfig,
    serve_wrapper_udp,
};
use tokio::{
    net::UdpSocket,
    time::{Instant, timeout},
};

use crate::{
    meter::{SharedMeter, UNANSWERED, apdu, reversed},
    transcript::octets,
};

fn config() -> LineConfig {
    LineConfig { timeout: Duration::from_secs(5), retries: 1, ..LineConfig::default() }
}

async fn bound() -> (UdpSocket, Address) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = format!("wrapper+udp://{}", socket.local_addr().unwrap()).parse().unwrap();
    (socket, address)
}

/// Serves `meter`, the same to all peers.
fn serve(socket: UdpSocket, meter: &SharedMeter) {
    let meter = meter.clone();
    tokio::spawn(async move {
        let config = WrapperServerConfig::default();
        serve_wrapper_udp(socket, |_| meter.clone(), &config).await
    });
}

#[tokio::test]
async fn one_apdu_is_one_datagram_each_way() {
    let (socket, address) = bound().await;
    serve(socket, &SharedMeter::default());
    let mut line = Line::open(&address, &config(), Trace::off()).await.unwrap();
    line.connect().await.unwrap();
    let mut answer = Vec::new();
    for length in [1, 100, 1_400, 9_000] {
        let request = apdu(length);
        line.send(&request).await.unwrap();
        line.receive(&mut answer).await.unwrap();
        assert_eq!(answer, reversed(&request));
    }
    assert_eq!(line.counters().frames_received, 4);
}

#[tokio::test]
async fn an_apdu_too_long_for_a_datagram_is_not_sent() {
    let (_socket, address) = bound().await;
    let mut line = Line::open(&address, &config(), Trace::off()).await.unwrap();
    assert_eq!(line.send(&apdu(65_500)).await, Err(LineError::TooLong { limit: 65_499 }));
}

#[tokio::test]
async fn a_datagram_that_is_not_one_wrapper_pdu_for_us_gets_no_answer() {
    let (socket, address) = bound().await;
    let Address::WrapperUdp(endpoint) = address else { panic!("{address}") };
    serve(socket, &SharedMeter::default());
    let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    client.connect((endpoint.host.as_str(), endpoint.port)).await.unwrap();
    for datagram in [
        "",
        "7E A0 07 03 21 93 0F 01 7E",
        "0002 0010 0001 0001 AA",
        "0001 0010 0001 0002 AA",
        "0001 0010 0001 0001 AABB",
        "0001 0010 0002 0001 AA",
    ] {
        client.send(&octets(datagram)).await.unwrap();
    }
    // The first answer is to the first datagram that deserves one.
    client.send(&octets("0001 0010 0001 0002 AABB")).await.unwrap();
    let mut answer = [0; 64];
    let length = client.recv(&mut answer).await.unwrap();
    assert_eq!(answer[..length].to_vec(), octets("0001 0001 0010 0002 BBAA"));
}

async fn ask(line: &mut Line) {
    line.send(&[0xC0, 0x01]).await.unwrap();
    let mut answer = Vec::new();
    line.receive(&mut answer).await.unwrap();
    assert_eq!(answer, [0x01, 0xC0]);
}

#[tokio::test]
async fn nobody_ends_the_association_of_another_port_under_the_same_sap() {
    let (socket, address) = bound().await;
    let meter = SharedMeter::default();
    serve(socket, &meter);
    let mut one = Line::open(&address, &config(), Trace::off()).await.unwrap();
    let mut other = Line::open(&address, &config(), Trace::off()).await.unwrap();
    for _ in 0..2 {
        ask(&mut one).await;
        ask(&mut other).await;
    }
    assert_eq!(meter.lock().asked.len(), 4);
    assert_eq!(meter.lock().gone, []);
}

#[tokio::test(start_paused = true)]
async fn the_association_of_a_silent_port_ends() {
    let (socket, address) = bound().await;
    let meter = SharedMeter::default();
    serve(socket, &meter);
    let mut line = Line::open(&address, &config(), Trace::off()).await.unwrap();
    ask(&mut line).await;
    crate::meter::pass(Duration::from_secs(170)).await;
    ask(&mut line).await;
    crate::meter::pass(Duration::from_secs(170)).await;
    assert_eq!(meter.lock().gone, []);
    crate::meter::pass(Duration::from_secs(200)).await;
    assert_eq!(meter.lock().gone, [(16, 1)]);
}

#[tokio::test]
async fn who_asks_under_every_sap_keeps_nobody_out() {
    let (socket, address) = bound().await;
    let meter = SharedMeter::default();
    serve(socket, &meter);
    let Address::WrapperUdp(endpoint) = &address else { panic!("{address}") };
    let greedy = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    greedy.connect((endpoint.host.as_str(), endpoint.port)).await.unwrap();
    for client in 1..=4_100_u16 {
        let [high, low] = client.to_be_bytes();
        greedy.send(&[0, 1, high, low, 0, 1, 0, 1, 0xC0]).await.unwrap();
        greedy.recv(&mut [0; 16]).await.unwrap();
    }
    let mut line = Line::open(&address, &config(), Trace::off()).await.unwrap();
    ask(&mut line).await;
    assert!(meter.lock().gone.len() >= 4_096);
}

#[tokio::test]
async fn whom_no_server_answers_is_not_kept() {
    let (socket, address) = bound().await;
    let meter = SharedMeter::default();
    serve(socket, &meter);
    let mut line = Line::open(&address, &config(), Trace::off()).await.unwrap();
    line.send(&UNANSWERED).await.unwrap();
    ask(&mut line).await;
    assert_eq!(meter.lock().gone, [(16, 1)]);
}

#[tokio::test]
async fn datagrams_without_pause_leave_room_for_other_tasks() {
    const DATAGRAMS: usize = 200;

    let (socket, address) = bound().await;
    let Address::WrapperUdp(endpoint) = address else { panic!("{address}") };
    let flood = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    flood.connect((endpoint.host.as_str(), endpoint.port)).await.unwrap();
    for _ in 0..DATAGRAMS {
        flood.send(&octets("0001 0010 0001 0002 C0FF")).await.unwrap();
    }
    let meter = SharedMeter::default();
    serve(socket, &meter);
    let mut seen = Vec::new();
    while meter.lock().asked.len() < DATAGRAMS {
        tokio::task::yield_now().await;
        seen.push(meter.lock().asked.len());
    }
    assert!(seen.iter().any(|asked| (1..DATAGRAMS).contains(asked)), "{seen:?}");
}

#[tokio::test]
async fn a_port_nobody_listens_on_is_unreachable() {
    let (socket, address) = bound().await;
    drop(socket);
    let mut line = Line::open(&address, &config(), Trace::off()).await.unwrap();
    line.send(&[0xC0]).await.unwrap();
    let error = line.receive(&mut Vec::new()).await.unwrap_err();
    let kind = io::ErrorKind::ConnectionRefused;
    assert_eq!(error, LineError::Unreachable { kind, phase: Phase::Opening });
}

#[tokio::test(start_paused = true)]
async fn a_lost_datagram_is_given_up_within_its_time_and_the_line_goes_on() {
    let (socket, address) = bound().await;
    serve(socket, &SharedMeter::default());
    let mut line = Line::open(&address, &config(), Trace::off()).await.unwrap();
    let begun = Instant::now();
    line.send(&UNANSWERED).await.unwrap();
    let error = line.receive(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error, LineError::Timeout { phase: Phase::Receiving });
    assert_eq!(begun.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn a_peer_that_answers_with_something_else_is_named_when_nothing_better_comes() {
    let (socket, address) = bound().await;
    let short = LineConfig { timeout: Duration::from_millis(50), retries: 0, ..config() };
    let mut line = Line::open(&address, &short, Trace::off()).await.unwrap();
    line.send(&[0xC0]).await.unwrap();
    let mut datagram = [0; 64];
    let (_, client) = socket.recv_from(&mut datagram).await.unwrap();
    socket.send_to(&octets("7E A0 07 21 03 1F 1B 1C 7E"), client).await.unwrap();
    let ended = timeout(Duration::from_secs(5), line.receive(&mut Vec::new())).await.unwrap();
    let error = ended.unwrap_err();
    assert!(error.to_string().ends_with("It answers with HDLC: try hdlc://"), "{error}");
    assert_eq!(line.counters().malformed, 1);
}

/// Keeps client 16, whom it never answers.
#[derive(Clone, Default)]
struct Silent(Arc<Mutex<Vec<usize>>>, usize);

impl ApduServer for Silent {
    fn knows(&self, server: u16) -> bool {
        server == 1
    }

    fn handle(&mut self, _: u16, _: u16, _: &mut Vec<u8>, _: &mut Vec<u8>) -> bool {
        self.1 += 1;
        self.0.lock().unwrap().push(self.1);
        false
    }

    fn handle_unconfirmed(&mut self, client: u16, server: Option<u16>, apdu: &mut Vec<u8>) {
        assert_eq!(server, None);
        self.handle(client, 1, apdu, &mut Vec::new());
    }

    fn keeps(&self, client: u16) -> bool {
        client == 16
    }

    fn disconnected(&mut self, _: u16, _: u16) {}
}

#[tokio::test]
async fn an_association_that_is_not_answered_is_kept_and_takes_what_is_to_all_stations() {
    let (socket, address) = bound().await;
    let Address::WrapperUdp(endpoint) = address else { panic!("{address}") };
    let heard = Silent::default();
    let server = heard.clone();
    let serving = tokio::spawn(async move {
        serve_wrapper_udp(socket, |_| server.clone(), &WrapperServerConfig::default()).await
    });
    let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    client.connect((endpoint.host.as_str(), endpoint.port)).await.unwrap();
    // Client 16 to one and to all, client 17, whom nobody keeps, from a port of its own.
    client.send(&octets("0001 0010 0001 0001 AA")).await.unwrap();
    client.send(&octets("0001 0010 007F 0001 AA")).await.unwrap();
    let other = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    other.connect((endpoint.host.as_str(), endpoint.port)).await.unwrap();
    other.send(&octets("0001 0011 007F 0001 AA")).await.unwrap();
    other.send(&octets("0001 0011 0001 0001 AA")).await.unwrap();
    while heard.0.lock().unwrap().len() < 4 {
        tokio::task::yield_now().await;
    }
    assert_eq!(*heard.0.lock().unwrap(), [1, 2, 1, 1]);
    serving.abort();
}
