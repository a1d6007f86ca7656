//! A head-end that asks without end costs the others at most as long again, in simulated time and
//! through the exchange as it is.
#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use core::{net::SocketAddr, time::Duration};
use std::sync::{Arc, Mutex};

use concentrator::{
    exchange::{Exchange, ExchangeConfig, Kept, Local, PushSink, Pushed, SharedNodes, Whose},
    nodes::{Nodes, Place, Pool, Registration},
    router::WanId,
};
use dlms_core::wrapper::{self, WrapperHeader};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split},
    net::TcpListener,
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

/// Meters, of which the first belong to the head-ends that behave.
const METERS: u16 = 20;
const OTHERS: u16 = 4;
/// The SAP of the first.
const SAP: u16 = 16;
/// How long a meter thinks about each request.
const THINKS: Duration = Duration::from_millis(50);
/// Octets that the WAN of the one who floods brings every 5 ms: 20 Mbit/s.
const BURST: usize = 12_500;
/// Requests of each of the others.
const REQUESTS: usize = 40;
/// As long again, and the width of a tick of the clock.
const LATENCY_MAX: Duration = Duration::from_millis(101);

struct Nobody;

impl Local for Nobody {
    fn handle(&mut self, _: WanId, _: u16, _: &mut Vec<u8>, _: &mut Vec<u8>) -> bool {
        false
    }

    fn left(&mut self, _: WanId, _: u16) {}

    fn closed(&mut self, _: WanId) {}
}

impl PushSink for Nobody {
    fn push(&mut self, _: &Pushed<'_>) -> Option<Kept> {
        None
    }
}

fn frame(source: u16, destination: u16, apdu: &[u8]) -> Vec<u8> {
    let length = apdu.len().try_into().unwrap();
    let header = WrapperHeader { source, destination, length };
    [&header.encode_header(), apdu].concat()
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

/// A meter that answers one request after the other, each after it has thought.
async fn meter() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                while let Some((header, apdu)) = receive(&mut stream).await {
                    tokio::time::sleep_until(Instant::now() + THINKS).await;
                    let answer = frame(header.destination, header.source, &apdu);
                    if stream.write_all(&answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

async fn exchange() -> Exchange {
    let mut nodes = Nodes::new(Pool::Extended);
    for number in 0..METERS {
        let registration = Registration::new(&format!("ABC{number:013}")).unwrap();
        let place = Place::Endpoint(meter().await);
        nodes.register(0, Registration { place, ..registration }).unwrap();
    }
    let nodes: SharedNodes = Arc::new(Mutex::new(nodes));
    Exchange::new(ExchangeConfig::default(), nodes, Box::new(Nobody), Box::new(Nobody))
}

fn connect(exchange: &Exchange) -> DuplexStream {
    let (near, far) = duplex(64 * 1024);
    let exchange = exchange.clone();
    tokio::spawn(async move { exchange.serve(far, Whose::HeadEnd).await });
    near
}

/// The head-ends that behave, each with a meter of its own that it has spoken to.
async fn others(exchange: &Exchange) -> Vec<DuplexStream> {
    let mut others = Vec::new();
    for number in 0..OTHERS {
        let mut stream = connect(exchange);
        ask(&mut stream, number, 0).await;
        others.push(stream);
    }
    others
}

/// Asks the meter with this number; how long the answer took.
async fn ask(stream: &mut DuplexStream, number: u16, request: usize) -> Duration {
    let apdu = [&[0xC0][..], &request.to_be_bytes()].concat();
    let asked = Instant::now();
    stream.write_all(&frame(1, SAP + number, &apdu)).await.unwrap();
    let answered = timeout(Duration::from_secs(60), receive(stream)).await;
    let (header, answer) = answered.expect("no answer in a minute").unwrap();
    assert_eq!((header.source, answer), (SAP + number, apdu));
    asked.elapsed()
}

/// The longest that an answer took to each of them: one request after the other.
async fn longest(others: Vec<DuplexStream>) -> Vec<Duration> {
    let asking = others.into_iter().zip(0..).map(|(mut stream, number)| {
        tokio::spawn(async move {
            let mut longest = Duration::ZERO;
            for request in 0..REQUESTS {
                longest = longest.max(ask(&mut stream, number, request).await);
            }
            longest
        })
    });
    let mut all = Vec::new();
    for asking in asking.collect::<Vec<_>>() {
        all.push(asking.await.unwrap());
    }
    all
}

/// Asks at these SAPs in turn, as fast as its connection brings it, and takes in what comes.
fn flood(exchange: &Exchange, saps: Vec<u16>) -> JoinHandle<()> {
    let (mut answers, mut stream) = split(connect(exchange));
    tokio::spawn(async move { while receive(&mut answers).await.is_some() {} });
    tokio::spawn(async move {
        let mut saps = saps.into_iter().cycle();
        let mut ticks = interval(Duration::from_millis(5));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let mut burst = Vec::new();
            while burst.len() < BURST {
                burst.extend(frame(2, saps.next().unwrap(), &[0xC0; 32]));
            }
            if stream.write_all(&burst).await.is_err() {
                return;
            }
        }
    })
}

#[tokio::test(start_paused = true)]
async fn who_floods_one_meter_costs_the_others_at_most_as_long_again() {
    let exchange = exchange().await;
    let others = others(&exchange).await;
    let flooding = flood(&exchange, vec![SAP + METERS - 1]);
    let longest = longest(others).await;
    assert!(longest.iter().all(|took| *took <= LATENCY_MAX), "{longest:?}");
    let counters = exchange.counters();
    // It was a flood, and what its meter does not take in is dropped.
    assert!(counters.octets_down > 2_000_000 && counters.meters_overflown > 1_000, "{counters:?}");
    assert!(!flooding.is_finished());
}

#[tokio::test(start_paused = true)]
async fn who_floods_all_meters_costs_those_who_speak_to_one_at_most_as_long_again() {
    let exchange = exchange().await;
    let others = others(&exchange).await;
    let flooding = flood(&exchange, (SAP..SAP + METERS).collect());
    let longest = longest(others).await;
    assert!(longest.iter().all(|took| *took <= LATENCY_MAX), "{longest:?}");
    let counters = exchange.counters();
    // It was a flood, and at the meters of the others it was refused.
    assert!(counters.octets_down > 2_000_000 && counters.router.taken > 1_000, "{counters:?}");
    assert!(!flooding.is_finished());
}
