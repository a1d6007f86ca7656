//! The mode E opening from both ends, then HDLC.

use core::time::Duration;

use dlms_tokio::{
    HdlcServerConfig, Identification, Line, LineConfig, LineError, Phase, SerialPort, Trace,
    serve_hdlc,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::Instant,
};

use crate::{
    meter::{ReversingMeter, apdu, reversed},
    relay::{Noise, PIPE, Way, cable},
};

fn port() -> SerialPort {
    SerialPort { path: "/dev/ttyS0".to_owned(), baud: 9_600, mode_e: true }
}

fn config() -> LineConfig {
    LineConfig { timeout: Duration::from_secs(4), retries: 2, ..LineConfig::default() }
}

fn serve(stream: DuplexStream) {
    let config = HdlcServerConfig {
        mode_e: Some(Identification {
            manufacturer: *b"DHE",
            baud: 19_200,
            product: "METER".to_owned(),
        }),
        ..HdlcServerConfig::default()
    };
    tokio::spawn(async move { serve_hdlc(stream, &mut ReversingMeter::default(), &config).await });
}

async fn converse(stream: DuplexStream) -> Line {
    let mut line = Line::hdlc_in_memory(stream, Some(&port()), &config(), Trace::off()).unwrap();
    let mut answer = Vec::new();
    // The second time the opening starts from the beginning.
    for _ in 0..2 {
        line.connect().await.unwrap();
        line.send(&apdu(300)).await.unwrap();
        line.receive(&mut answer).await.unwrap();
        assert_eq!(answer, reversed(&apdu(300)));
        line.disconnect().await;
    }
    line
}

#[tokio::test(start_paused = true)]
async fn a_meter_is_signed_on_to_and_then_spoken_to_in_hdlc() {
    let (near, far) = duplex(PIPE);
    serve(far);
    converse(near).await;
}

#[tokio::test(start_paused = true)]
async fn a_meter_with_mode_e_answers_hdlc_without_it() {
    let (near, far) = duplex(PIPE);
    serve(far);
    let mut line = Line::hdlc_in_memory(near, None, &config(), Trace::off()).unwrap();
    line.connect().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_echoing_head_is_no_obstacle_to_the_opening() {
    let (near, mut near_end) = duplex(PIPE);
    let (far, mut far_end) = duplex(PIPE);
    serve(far);
    tokio::spawn(async move {
        let (mut sent, mut answered) = ([0; PIPE], [0; PIPE]);
        loop {
            tokio::select! {
                read = near_end.read(&mut sent) => {
                    let octets = &sent[..read.unwrap()];
                    if octets.is_empty() {
                        return;
                    }
                    near_end.write_all(octets).await.unwrap();
                    far_end.write_all(octets).await.unwrap();
                }
                read = far_end.read(&mut answered) => {
                    near_end.write_all(&answered[..read.unwrap()]).await.unwrap();
                }
            }
        }
    });
    let line = converse(near).await;
    assert!(line.counters().foreign > 0);
}

#[tokio::test(start_paused = true)]
async fn noise_around_the_opening_costs_at_most_a_repetition() {
    for seed in 1..=10 {
        let mut noise = Noise(seed);
        let (near, far, carrying) = cable(move |way, octets| {
            let before = if noise.next().is_multiple_of(2) { noise.octets(5) } else { Vec::new() };
            match way {
                Way::ToClient => Some([before.as_slice(), octets].concat()),
                Way::ToMeter => Some(octets.to_vec()),
            }
        });
        tokio::spawn(carrying);
        serve(far);
        converse(near).await;
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_who_answers_the_sign_on_ends_it_within_its_time() {
    let (near, mut far) = duplex(PIPE);
    let begun = Instant::now();
    let mut line = Line::hdlc_in_memory(near, Some(&port()), &config(), Trace::off()).unwrap();
    let error = line.connect().await.unwrap_err();
    assert_eq!(error, LineError::Timeout { phase: Phase::SigningOn });
    assert!(begun.elapsed() <= config().patience() + Duration::from_secs(2));
    drop(line);
    let mut sent = Vec::new();
    far.read_to_end(&mut sent).await.unwrap();
    // "/?!\r\n" in 7E1, once and twice again.
    assert_eq!(sent, [0xAF, 0x3F, 0x21, 0x8D, 0x0A].repeat(3));
}

#[tokio::test(start_paused = true)]
async fn a_meter_without_mode_e_is_named() {
    let (near, mut far) = duplex(PIPE);
    far.write_all(b"/DHEAMETER\r\n").await.unwrap();
    let mut line = Line::hdlc_in_memory(near, Some(&port()), &config(), Trace::off()).unwrap();
    assert_eq!(line.connect().await, Err(LineError::NotModeE { character: b'A' }));
}
