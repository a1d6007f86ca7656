//! The wrapper over UDP.

use core::time::Duration;
use std::io;

use dlms_tokio::{Address, Line, LineConfig, LineError, Phase, Trace, serve_wrapper_udp};
use tokio::{
    net::UdpSocket,
    time::{Instant, timeout},
};

use crate::{
    meter::{ReversingMeter, UNANSWERED, apdu, reversed},
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

#[tokio::test]
async fn one_apdu_is_one_datagram_each_way() {
    let (socket, address) = bound().await;
    tokio::spawn(async move { serve_wrapper_udp(socket, &mut ReversingMeter::default()).await });
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
    tokio::spawn(async move { serve_wrapper_udp(socket, &mut ReversingMeter::default()).await });
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

#[tokio::test]
async fn an_association_belongs_to_the_port_that_began_it() {
    let (socket, address) = bound().await;
    let mut meter = ReversingMeter::default();
    {
        let asking = async {
            let mut answer = Vec::new();
            for _ in 0..2 {
                let mut line = Line::open(&address, &config(), Trace::off()).await.unwrap();
                for _ in 0..2 {
                    line.send(&[0xC0, 0x01]).await.unwrap();
                    line.receive(&mut answer).await.unwrap();
                }
            }
        };
        tokio::select! {
            () = asking => {}
            ended = serve_wrapper_udp(socket, &mut meter) => panic!("{ended:?}"),
        }
    }
    assert_eq!(meter.asked.len(), 4);
    assert_eq!(meter.gone, [(16, 1)]);
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
    tokio::spawn(async move { serve_wrapper_udp(socket, &mut ReversingMeter::default()).await });
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
