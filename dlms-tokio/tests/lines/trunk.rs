//! Many lines on one connection.

use core::time::Duration;

use dlms_core::wrapper::{self, WrapperHeader};
use dlms_tokio::{
    Endpoint, Line, LineConfig, LineError, Phase, Trace,
    trunk::{INCOMING_LEN_MAX, INCOMING_MAX, Push, Pushes, Trunk, TrunkConfig, TrunkError},
};
use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    net::TcpListener,
    runtime::Builder,
    time::{Instant, timeout},
};

const PIPE: usize = 4_096;
/// What only an answer begins with.
const GET_RESPONSE: u8 = 0xC4;

fn open(pipe: usize) -> (Trunk, Pushes, DuplexStream) {
    let (near, far) = duplex(pipe);
    let (trunk, pushes) = Trunk::over(near, &TrunkConfig::default(), Trace::off());
    (trunk, pushes, far)
}

fn config(client: u16, sap: u16) -> LineConfig {
    LineConfig { client, server_upper: sap, ..LineConfig::default() }
}

fn line(trunk: &Trunk, client: u16, sap: u16) -> Line {
    trunk.line(&config(client, sap)).unwrap()
}

fn frame(source: u16, destination: u16, apdu: &[u8]) -> Vec<u8> {
    let length = u16::try_from(apdu.len()).unwrap();
    [&WrapperHeader { source, destination, length }.encode_header(), apdu].concat()
}

async fn received(line: &mut Line) -> Result<Vec<u8>, LineError> {
    let mut apdu = Vec::new();
    line.receive(&mut apdu).await.map(|()| apdu)
}

/// Waits until the trunk has taken all that is on its way.
async fn settle() {
    tokio::time::sleep_until(Instant::now() + Duration::from_millis(1)).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_line_gets_its_own_apdus_in_order_however_cut(
        frames in prop::collection::vec(
            (0_u16..6, prop::collection::vec(any::<u8>(), 0..200)),
            1..INCOMING_MAX,
        ),
        cuts in prop::collection::vec(1_usize..400, 1..20),
        pipe in 1_usize..600,
    ) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let (trunk, _pushes, far) = open(pipe);
            let (mut heard, mut said) = tokio::io::split(far);
            // The same SAP for two clients, and the same client with several SAPs.
            let saps = |which: u16| (1 + which % 2, 16 + which / 2);
            let mut lines: Vec<Line> =
                (0..6).map(|which| line(&trunk, saps(which).0, saps(which).1)).collect();

            let mut octets = Vec::new();
            let mut expected = vec![Vec::new(); 6];
            for (which, rest) in &frames {
                let apdu = [&[GET_RESPONSE][..], rest].concat();
                let (client, sap) = saps(*which);
                octets.extend(frame(sap, client, &apdu));
                expected[usize::from(*which)].push(apdu);
            }
            let down = async {
                let mut left = &octets[..];
                for cut in cuts.iter().cycle() {
                    let (chunk, rest) = left.split_at((*cut).min(left.len()));
                    said.write_all(chunk).await.unwrap();
                    left = rest;
                    if left.is_empty() {
                        break;
                    }
                }
            };
            let up = async {
                let mut octets = vec![0; octets.len()];
                heard.read_exact(&mut octets).await.unwrap();
                octets
            };
            let both = async {
                for (which, line) in lines.iter_mut().enumerate() {
                    for apdu in &expected[which] {
                        line.send(apdu).await.unwrap();
                        assert_eq!(received(line).await.as_ref(), Ok(apdu));
                    }
                }
            };
            let ((), sent, ()) = tokio::join!(down, up, both);

            let mut left = &sent[..];
            let mut seen = vec![Vec::new(); 6];
            while let Some(frame) = wrapper::next_frame(left) {
                let frame = frame.unwrap();
                let saps = (frame.header.source, frame.header.destination);
                let which = (0..6).position(|which| {
                    (1 + which % 2, 16 + which / 2) == saps
                });
                seen[which.unwrap()].push(frame.apdu.to_vec());
                left = &left[frame.consumed()..];
            }
            assert_eq!(seen, expected);
            let counters = trunk.counters();
            assert_eq!(counters.frames_received, frames.len() as u64);
            assert_eq!(counters.apdus_dropped + counters.unclaimed + counters.pushes, 0);
        });
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_ready_together_is_written_together_and_read_together() {
    let (trunk, _pushes, mut far) = open(64 * 1024);
    let mut lines: Vec<Line> = (16..116).map(|sap| line(&trunk, 1, sap)).collect();
    for line in &mut lines {
        line.send(&[0xC0; 20]).await.unwrap();
    }
    let mut octets = vec![0; 100 * 28];
    far.read_exact(&mut octets).await.unwrap();
    let answers: Vec<u8> = (16..116).flat_map(|sap| frame(sap, 1, &[GET_RESPONSE; 20])).collect();
    far.write_all(&answers).await.unwrap();
    for line in &mut lines {
        assert_eq!(received(line).await, Ok(vec![GET_RESPONSE; 20]));
    }
    let counters = trunk.counters();
    assert_eq!((counters.frames_sent, counters.frames_received), (100, 100));
    assert_eq!((counters.writes, counters.reads), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_line_that_takes_nothing_does_not_hold_up_the_others() {
    let (trunk, _pushes, mut far) = open(PIPE);
    let mut slow = line(&trunk, 1, 16);
    let mut quick = line(&trunk, 1, 17);
    for number in 0..200 {
        far.write_all(&frame(16, 1, &[GET_RESPONSE, number])).await.unwrap();
    }
    far.write_all(&frame(17, 1, &[GET_RESPONSE, 0xFF])).await.unwrap();
    assert_eq!(received(&mut quick).await, Ok(vec![GET_RESPONSE, 0xFF]));
    // What there was room for is there, in order, and the rest is counted.
    assert_eq!(trunk.counters().apdus_dropped, 200 - INCOMING_MAX as u64);
    for number in 0..INCOMING_MAX as u8 {
        assert_eq!(received(&mut slow).await, Ok(vec![GET_RESPONSE, number]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_line_keeps_only_so_many_octets() {
    let (trunk, _pushes, mut far) = open(PIPE);
    let mut slow = line(&trunk, 1, 16);
    let long = frame(16, 1, &[GET_RESPONSE; 0xFFFF]);
    for _ in 0..20 {
        far.write_all(&long).await.unwrap();
    }
    settle().await;
    let kept = 20 - trunk.counters().apdus_dropped;
    assert_eq!(kept, (INCOMING_LEN_MAX / 0xFFFF + 1) as u64);
    // What was taken makes room again.
    assert!(received(&mut slow).await.is_ok());
    far.write_all(&long).await.unwrap();
    settle().await;
    assert_eq!(20 - trunk.counters().apdus_dropped, kept);
}

#[tokio::test(start_paused = true)]
async fn when_the_trunk_is_closed_every_line_fails_and_none_is_opened() {
    let (trunk, mut pushes, mut far) = open(PIPE);
    let mut waiting = line(&trunk, 1, 16);
    let mut idle = line(&trunk, 1, 17);
    waiting.send(&[0xC0]).await.unwrap();
    let close = async {
        settle().await;
        trunk.close();
    };
    let (answer, ()) = tokio::join!(received(&mut waiting), close);
    let closed = |phase| LineError::Closed { phase, mid_frame: false };
    assert_eq!(answer, Err(closed(Phase::Receiving)));
    assert_eq!(idle.send(&[0xC0]).await, Err(closed(Phase::Sending)));
    assert!(!trunk.is_open());
    let refused = trunk.line(&config(1, 18)).unwrap_err();
    assert_eq!(refused, TrunkError::Ended(closed(Phase::Receiving)));
    assert_eq!(pushes.next().await, None);
    let mut rest = Vec::new();
    far.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, frame(1, 16, &[0xC0]));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_goes_in_the_middle_of_a_frame_fails_every_line() {
    let (trunk, _pushes, mut far) = open(PIPE);
    let mut lines = [line(&trunk, 1, 16), line(&trunk, 1, 17)];
    far.write_all(&frame(16, 1, &[GET_RESPONSE; 9])[..12]).await.unwrap();
    drop(far);
    for line in &mut lines {
        let gone = LineError::Closed { phase: Phase::Receiving, mid_frame: true };
        assert_eq!(received(line).await, Err(gone));
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_speaks_something_else_fails_every_line() {
    let (trunk, _pushes, mut far) = open(PIPE);
    let mut lines = [line(&trunk, 1, 16), line(&trunk, 1, 17)];
    far.write_all(&frame(16, 1, &[GET_RESPONSE])).await.unwrap();
    far.write_all(&[0x7E, 0xA0, 0x07]).await.unwrap();
    assert_eq!(received(&mut lines[0]).await, Ok(vec![GET_RESPONSE]));
    for line in &mut lines {
        match received(line).await {
            Err(LineError::NotWrapper { opening }) => {
                assert_eq!(opening.octets(), [0x7E, 0xA0, 0x07]);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_is_not_finished_ends_the_trunk_in_its_time() {
    let (trunk, _pushes, mut far) = open(PIPE);
    let mut line = line(&trunk, 1, 16);
    far.write_all(&frame(16, 1, &[GET_RESPONSE; 9])[..12]).await.unwrap();
    let begun = Instant::now();
    let failure = LineError::Timeout { phase: Phase::Receiving };
    assert_eq!(received(&mut line).await, Err(failure));
    assert_eq!(begun.elapsed().as_secs(), TrunkConfig::default().timeout.as_secs());
    assert_eq!(trunk.ended(), Some(failure));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_ends_the_trunk_in_its_time() {
    let (trunk, _pushes, _far) = open(16);
    let patient = LineConfig { timeout: Duration::from_secs(100), ..config(1, 16) };
    let mut line = trunk.line(&patient).unwrap();
    let begun = Instant::now();
    line.send(&[0xC0; 100]).await.unwrap();
    let failure = LineError::Timeout { phase: Phase::Sending };
    assert_eq!(received(&mut line).await, Err(failure));
    assert_eq!(begun.elapsed().as_secs(), TrunkConfig::default().timeout.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_line_waits_as_long_as_its_own_patience_and_leaves_the_others_alone() {
    let (trunk, _pushes, mut far) = open(PIPE);
    let quick = LineConfig { timeout: Duration::from_secs(1), retries: 0, ..config(1, 16) };
    let mut quick = trunk.line(&quick).unwrap();
    let mut other = line(&trunk, 1, 17);
    quick.send(&[0xC0]).await.unwrap();
    other.send(&[0xC0]).await.unwrap();
    let begun = Instant::now();
    assert_eq!(received(&mut quick).await, Err(LineError::Timeout { phase: Phase::Receiving }));
    assert_eq!(begun.elapsed().as_secs(), 1);
    // The answer that comes late is still there.
    far.write_all(&frame(16, 1, &[GET_RESPONSE])).await.unwrap();
    far.write_all(&frame(17, 1, &[GET_RESPONSE])).await.unwrap();
    assert_eq!(received(&mut quick).await, Ok(vec![GET_RESPONSE]));
    assert_eq!(received(&mut other).await, Ok(vec![GET_RESPONSE]));
}

#[tokio::test(start_paused = true)]
async fn a_frame_for_nobody_is_counted_and_dropped() {
    let (trunk, mut pushes, mut far) = open(PIPE);
    let mut line = line(&trunk, 1, 16);
    // Another client, another SAP, and both the wrong way round.
    for (source, destination) in [(16, 2), (17, 1), (1, 16)] {
        far.write_all(&frame(source, destination, &[GET_RESPONSE])).await.unwrap();
    }
    far.write_all(&frame(16, 1, &[GET_RESPONSE, 1])).await.unwrap();
    assert_eq!(received(&mut line).await, Ok(vec![GET_RESPONSE, 1]));
    assert_eq!(trunk.counters().unclaimed, 3);
    assert!(timeout(Duration::from_secs(1), pushes.next()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_nobody_asked_for_comes_with_the_sap_it_came_from() {
    let (trunk, mut pushes, mut far) = open(PIPE);
    let mut line = line(&trunk, 1, 16);
    let data_notification = [0x0F, 0, 0, 0, 1, 0, 0];
    let ciphered = [0xDB, 0];
    for (source, apdu) in [
        // In clear, with a line and without; ciphered without.
        (16, &data_notification[..]),
        (1, &data_notification[..]),
        (17, &ciphered[..]),
    ] {
        far.write_all(&frame(source, 1, apdu)).await.unwrap();
        let push = Push { source, client: 1, apdu: apdu.to_vec() };
        assert_eq!(pushes.next().await, Some(push));
    }
    // Where there is a line, only the association can tell.
    far.write_all(&frame(16, 1, &ciphered)).await.unwrap();
    assert_eq!(received(&mut line).await, Ok(ciphered.to_vec()));
    // Nobody has to listen.
    drop(pushes);
    far.write_all(&frame(17, 1, &ciphered)).await.unwrap();
    settle().await;
    let counters = trunk.counters();
    assert_eq!((counters.pushes, counters.pushes_dropped), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn who_comes_later_has_the_saps_and_keeps_them() {
    let (trunk, _pushes, mut far) = open(PIPE);
    let mut former = line(&trunk, 1, 16);
    let mut later = line(&trunk, 1, 16);
    let closed = LineError::Closed { phase: Phase::Receiving, mid_frame: false };
    assert_eq!(received(&mut former).await, Err(closed));
    drop(former);
    far.write_all(&frame(16, 1, &[GET_RESPONSE])).await.unwrap();
    assert_eq!(received(&mut later).await, Ok(vec![GET_RESPONSE]));
    drop(later);
    far.write_all(&frame(16, 1, &[GET_RESPONSE])).await.unwrap();
    settle().await;
    assert_eq!(trunk.counters().unclaimed, 1);
}

#[tokio::test(start_paused = true)]
async fn the_connection_ends_with_the_last_handle_and_line_after_what_they_sent() {
    let (trunk, _pushes, mut far) = open(16);
    let mut line = line(&trunk, 1, 16);
    drop(trunk);
    line.send(&[0xC0; 100]).await.unwrap();
    drop(line);
    let mut octets = Vec::new();
    far.read_to_end(&mut octets).await.unwrap();
    assert_eq!(octets, frame(1, 16, &[0xC0; 100]));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_dropped_loses_nothing() {
    let (trunk, _pushes, mut far) = open(PIPE);
    let mut line = line(&trunk, 1, 16);
    assert!(timeout(Duration::from_secs(1), received(&mut line)).await.is_err());
    far.write_all(&frame(16, 1, &[GET_RESPONSE])).await.unwrap();
    settle().await;
    assert_eq!(received(&mut line).await, Ok(vec![GET_RESPONSE]));
}

#[tokio::test]
async fn a_trunk_over_tcp_carries_lines() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let endpoint = Endpoint { host: "127.0.0.1".to_owned(), port };
    // Answers each frame with its own APDU.
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut octets = Vec::new();
        while stream.read_buf(&mut octets).await.unwrap() > 0 {
            while let Some(asked) = wrapper::next_frame(&octets) {
                let asked = asked.unwrap();
                let WrapperHeader { source, destination, .. } = asked.header;
                stream.write_all(&frame(destination, source, asked.apdu)).await.unwrap();
                octets.drain(..asked.consumed());
            }
        }
    });
    let opened = Trunk::connect(&endpoint, &TrunkConfig::default(), Trace::off()).await;
    let (trunk, _pushes) = opened.unwrap();
    let lines = (16..80).map(|sap| {
        let mut line = line(&trunk, 1, sap);
        tokio::spawn(async move {
            for number in 0..50 {
                let apdu = [GET_RESPONSE, number, sap as u8];
                line.send(&apdu).await.unwrap();
                assert_eq!(received(&mut line).await, Ok(apdu.to_vec()));
            }
        })
    });
    for line in lines.collect::<Vec<_>>() {
        line.await.unwrap();
    }
    assert_eq!(trunk.counters().frames_received, 64 * 50);
}

#[tokio::test]
async fn a_trunk_to_nobody_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let endpoint = Endpoint { host: "127.0.0.1".to_owned(), port };
    let opened = Trunk::connect(&endpoint, &TrunkConfig::default(), Trace::off()).await;
    let unreachable = opened.map(drop).unwrap_err();
    assert!(matches!(unreachable, LineError::Unreachable { phase: Phase::Opening, .. }));
}
