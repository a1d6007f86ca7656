//! Whatever the other end does, every call ends within timeout x (retries + 1) + 2 s.

use core::time::Duration;

use dlms_tokio::{
    Address, HdlcServerConfig, Line, LineConfig, LineError, Phase, Trace, WrapperServerConfig,
    serve_hdlc, serve_wrapper,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::{Instant, interval, timeout},
};

use crate::{
    meter::{ReversingMeter, apdu},
    relay::{Noise, PIPE, Way, cable},
    transcript::octets,
};

fn config() -> LineConfig {
    LineConfig { timeout: Duration::from_secs(3), retries: 2, ..LineConfig::default() }
}

fn line(stream: DuplexStream) -> Line {
    Line::hdlc_in_memory(stream, None, &config(), Trace::off()).unwrap()
}

/// Connects to a far end that behaves as it likes and returns how that failed, in time.
async fn failing_connect(stream: DuplexStream) -> LineError {
    let begun = Instant::now();
    let error = line(stream).connect().await.unwrap_err();
    assert!(begun.elapsed() <= config().patience() + Duration::from_secs(2), "{error:?}");
    error
}

#[tokio::test(start_paused = true)]
async fn a_silent_meter_gets_all_repetitions_of_snrm_and_no_more() {
    let (near, mut far) = duplex(PIPE);
    let error = failing_connect(near).await;
    assert_eq!(error, LineError::Timeout { phase: Phase::LinkSetUp });
    assert!(error.to_string().contains("try wrapper://"), "{error}");
    let mut sent = Vec::new();
    far.read_to_end(&mut sent).await.unwrap();
    assert_eq!(sent, octets("7EA0070321930F017E").repeat(3));
}

#[tokio::test(start_paused = true)]
async fn a_meter_that_refuses_is_believed_at_once() {
    let (near, mut far) = duplex(PIPE);
    // DM from 1 to 16.
    far.write_all(&octets("7EA00721031F6BE97E")).await.unwrap();
    assert_eq!(failing_connect(near).await, LineError::LinkRefused);
}

#[tokio::test(start_paused = true)]
async fn a_wrapper_peer_on_an_hdlc_line_is_named() {
    let (near, mut far) = duplex(PIPE);
    far.write_all(&octets("0001 0001 0010 0003 D80101")).await.unwrap();
    let error = failing_connect(near).await;
    assert!(error.to_string().ends_with("It answers with the wrapper: try wrapper://"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_hangs_up_on_snrm_is_closed_and_a_wrapper_is_suggested() {
    let (near, far) = duplex(PIPE);
    tokio::spawn(async move {
        let mut far = far;
        far.read_exact(&mut [0; 9]).await.unwrap();
    });
    let error = failing_connect(near).await;
    assert_eq!(error, LineError::Closed { phase: Phase::LinkSetUp, mid_frame: false });
    assert!(error.to_string().contains("try wrapper://"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn noise_without_end_is_not_an_answer() {
    for seed in 1..=5 {
        let (near, mut far) = duplex(PIPE);
        tokio::spawn(async move {
            let mut noise = Noise(seed);
            let mut ticks = interval(Duration::from_millis(10));
            loop {
                ticks.tick().await;
                let length = (noise.next() % 32) as usize;
                if far.write_all(&noise.octets(length)).await.is_err() {
                    return;
                }
            }
        });
        let error = failing_connect(near).await;
        assert!(matches!(error, LineError::NotHdlc { .. }), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_never_ends_does_not_hold_the_line() {
    let (near, mut far) = duplex(PIPE);
    tokio::spawn(async move {
        let mut ticks = interval(Duration::from_millis(1_900));
        // A header that announces 2047 octets, then one octet at a time below the octet gap.
        far.write_all(&[0x7E, 0xA7, 0xFF, 0x21]).await.unwrap();
        loop {
            ticks.tick().await;
            if far.write_all(&[0x02]).await.is_err() {
                return;
            }
        }
    });
    failing_connect(near).await;
}

#[tokio::test(start_paused = true)]
async fn a_cable_cut_anywhere_is_noticed_at_once() {
    let request = apdu(300);
    for cut in 1..=9 {
        let mut carried = 0;
        let (near, far, carrying) = cable(move |way, octets| {
            carried += usize::from(way == Way::ToClient);
            (carried < cut).then(|| octets.to_vec())
        });
        tokio::spawn(carrying);
        tokio::spawn(async move {
            serve_hdlc(far, &mut ReversingMeter::default(), &HdlcServerConfig::default()).await
        });
        let mut line = line(near);
        let talking = async {
            line.connect().await?;
            let mut answer = Vec::new();
            for _ in 0..4 {
                line.send(&request).await?;
                line.receive(&mut answer).await?;
            }
            Ok::<(), LineError>(())
        };
        let error = timeout(Duration::from_secs(1), talking).await.unwrap().unwrap_err();
        assert!(matches!(error, LineError::Closed { mid_frame: false, .. }), "{cut}: {error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cable_cut_inside_a_frame_says_so() {
    let (near, far, carrying) = cable({
        let mut answers = 0;
        move |way, octets| {
            answers += usize::from(way == Way::ToClient);
            match answers {
                2 => Some(octets[..20].to_vec()),
                3 => None,
                _ => Some(octets.to_vec()),
            }
        }
    });
    tokio::spawn(carrying);
    tokio::spawn(async move {
        serve_hdlc(far, &mut ReversingMeter::default(), &HdlcServerConfig::default()).await
    });
    let mut line = line(near);
    line.connect().await.unwrap();
    let failed = match line.send(&apdu(60)).await {
        Ok(()) => line.receive(&mut Vec::new()).await,
        failed => failed,
    };
    // The rest of the frame never comes, so that it is given up before the poll that is cut.
    assert_eq!(failed, Err(LineError::Closed { phase: Phase::Polling, mid_frame: false }));
    assert_eq!(line.counters().abandoned, 1);
}

#[tokio::test(start_paused = true)]
async fn a_meter_that_falls_silent_is_given_up_and_released_at_once() {
    let (near, far, carrying) = cable({
        let mut answers = 0;
        move |way, octets| {
            answers += usize::from(way == Way::ToClient);
            Some(if answers > 1 { Vec::new() } else { octets.to_vec() })
        }
    });
    tokio::spawn(carrying);
    tokio::spawn(async move {
        serve_hdlc(far, &mut ReversingMeter::default(), &HdlcServerConfig::default()).await
    });
    let mut line = line(near);
    line.connect().await.unwrap();
    let begun = Instant::now();
    let error = line.send(&apdu(60)).await.unwrap_err();
    assert_eq!(error, LineError::Timeout { phase: Phase::Polling });
    line.disconnect().await;
    assert!(begun.elapsed() <= config().patience() + Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn an_answer_above_the_limit_is_refused_and_the_link_goes_on() {
    let (near, far) = duplex(PIPE);
    tokio::spawn(async move {
        serve_hdlc(far, &mut ReversingMeter::default(), &HdlcServerConfig::default()).await
    });
    let config = LineConfig { apdu_len_max: 200, ..config() };
    let mut line = Line::hdlc_in_memory(near, None, &config, Trace::off()).unwrap();
    line.connect().await.unwrap();
    let mut answer = Vec::new();
    line.send(&apdu(201)).await.unwrap();
    assert_eq!(line.receive(&mut answer).await, Err(LineError::TooLong { limit: 200 }));
    line.send(&apdu(200)).await.unwrap();
    assert_eq!(line.receive(&mut answer).await, Ok(()));
    assert_eq!(answer.len(), 200);
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_given_up_within_the_timeout() {
    // 192.0.2.0/24 is reserved for documentation (RFC 5737): nothing there answers.
    let address: Address = "wrapper://192.0.2.1:4059".parse().unwrap();
    let config = LineConfig { timeout: Duration::from_millis(200), retries: 0, ..config() };
    let opening = Line::open(&address, &config, Trace::off());
    let error = timeout(Duration::from_secs(2), opening).await.unwrap().unwrap_err();
    assert!(
        matches!(
            error,
            LineError::Timeout { phase: Phase::Opening }
                | LineError::Unreachable { phase: Phase::Opening, .. }
        ),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_in_is_hung_up_on() {
    let (mut client, server) = duplex(16);
    let serving = tokio::spawn(async move {
        serve_wrapper(server, &mut ReversingMeter::default(), &WrapperServerConfig::default()).await
    });
    client.write_all(&octets("0001 0010 0001 0014")).await.unwrap();
    client.write_all(&apdu(20)).await.unwrap();
    // The answer does not fit the pipe, and nobody reads.
    let ended = timeout(Duration::from_secs(61), serving).await.unwrap().unwrap();
    assert_eq!(ended, Err(LineError::Timeout { phase: Phase::Sending }));
}
