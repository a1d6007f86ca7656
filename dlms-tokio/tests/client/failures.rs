//! Lines that fail.

use core::{future, time::Duration};

use dlms_core::{association::ClientConfig, axdr::DataBuf};
use dlms_tokio::{
    HdlcServerConfig, Line, LineConfig, LineError, Phase, Trace,
    client::{Client, Error, Released},
    serve_hdlc,
};
use tokio::{
    io::{copy_bidirectional, duplex},
    sync::oneshot,
    time::{Instant, timeout},
};

use crate::{
    meter::{ECHO, ENERGY, NOTE, PIPE, pass},
    script::{ByHand, Scripted, by_hand, octets},
};

fn config() -> LineConfig {
    LineConfig { timeout: Duration::from_secs(3), retries: 1, ..LineConfig::default() }
}

async fn connected() -> (Client, ByHand) {
    let (line, mut meter) = by_hand(&config());
    let (client, ()) =
        tokio::join!(Client::over(line, ClientConfig::default(), None), meter.accept());
    (client.unwrap(), meter)
}

const CLOSED: Error = Error::Line(LineError::Closed { phase: Phase::Receiving, mid_frame: false });
const SILENT: Error = Error::Line(LineError::Timeout { phase: Phase::Receiving });

/// Every kind of request, each of which must fail with `expected`.
async fn assert_all_fail(client: Client, expected: Error) {
    for _ in 0..3 {
        assert_eq!(client.read(ENERGY).await, Err(expected.clone()));
        assert_eq!(client.write(NOTE, &DataBuf::Null).await, Err(expected.clone()));
        assert_eq!(client.invoke(ECHO, None).await, Err(expected.clone()));
        let mut blocks = client.read_blocks(ENERGY, None).await.unwrap();
        assert_eq!(blocks.next().await, Some(Err(expected.clone())));
    }
    assert_eq!(client.release().await, Err(expected));
}

#[tokio::test(start_paused = true)]
async fn after_the_line_failed_every_request_gets_the_same_error() {
    // While nothing was asked.
    let (client, meter) = connected().await;
    drop(meter);
    pass(Duration::from_secs(1)).await;
    assert_all_fail(client, CLOSED).await;

    // In the middle of a request.
    let (client, mut meter) = connected().await;
    let hanging_up = async {
        meter.hear().await;
        drop(meter);
    };
    let (read, ()) = tokio::join!(client.read(ENERGY), hanging_up);
    assert_eq!(read, Err(CLOSED));
    assert_all_fail(client, CLOSED).await;
}

#[tokio::test(start_paused = true)]
async fn a_meter_that_falls_silent_is_given_up_in_time_and_for_all_who_wait() {
    let (client, _meter) = connected().await;
    let begun = Instant::now();
    let waiting: Vec<_> = (0..10)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.read(ENERGY).await })
        })
        .collect();
    let limit = config().patience() + Duration::from_secs(2);
    for task in waiting {
        assert_eq!(timeout(limit, task).await.unwrap().unwrap(), Err(SILENT));
    }
    assert!(begun.elapsed() <= limit);
    assert_all_fail(client, SILENT).await;
}

#[tokio::test(start_paused = true)]
async fn a_release_that_is_not_answered_is_done_all_the_same() {
    let (client, mut meter) = connected().await;
    let begun = Instant::now();
    let hearing = async { meter.hear().await };
    let (released, rlrq) = tokio::join!(client.release(), hearing);
    assert_eq!((released, rlrq[0]), (Ok(Released::Silent), 0x62));
    assert_eq!(begun.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_meter_that_does_not_answer_the_aarq_is_given_up() {
    let (line, mut meter) = by_hand(&config());
    let begun = Instant::now();
    let failed = Client::over(line, ClientConfig::default(), None).await.unwrap_err();
    assert_eq!(failed, SILENT);
    assert!(begun.elapsed() <= config().patience() + Duration::from_secs(2));
    assert_eq!(meter.hear().await[0], 0x60);
}

#[tokio::test(start_paused = true)]
async fn a_dead_meter_on_hdlc_holds_nobody_up_at_the_end() {
    let (near, mut near_gateway) = duplex(PIPE);
    let (mut far_gateway, far) = duplex(PIPE);
    let (dies, death) = oneshot::channel::<()>();
    tokio::spawn(async move {
        tokio::select! {
            _ = copy_bidirectional(&mut near_gateway, &mut far_gateway) => {}
            _ = death => future::pending().await,
        }
    });
    tokio::spawn(async move {
        let mut meter = Scripted(|_: &[u8]| Some(octets("C401C1 00 1105")));
        serve_hdlc(far, &mut meter, &HdlcServerConfig::default()).await
    });
    let line = Line::hdlc_in_memory(near, None, &config(), Trace::off()).unwrap();
    let client = Client::over(line, ClientConfig::default(), None).await.unwrap();
    client.read(ENERGY).await.unwrap().unwrap();
    // The gateway keeps the connection up and takes everything in.
    dies.send(()).unwrap();
    let begun = Instant::now();
    client.release().await.unwrap();
    assert!(begun.elapsed() <= Duration::from_secs(2), "{:?}", begun.elapsed());
}
