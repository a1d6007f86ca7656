//! What a meter sends by itself.

use core::time::Duration;

use dlms_core::{association::ClientConfig, axdr::DataBuf};
use dlms_tokio::{LineConfig, client::Client};
use tokio::{
    sync::broadcast::error::{RecvError, TryRecvError},
    time::timeout,
};

use crate::{
    meter::{ENERGY, pass},
    script::{ByHand, by_hand, octets},
};

const PUSH: &str = "0F 00000001 00 0600000001";

async fn connected() -> (Client, ByHand) {
    let (line, mut meter) = by_hand(&LineConfig::default());
    let (client, ()) =
        tokio::join!(Client::over(line, ClientConfig::default(), None), meter.accept());
    (client.unwrap(), meter)
}

#[tokio::test(start_paused = true)]
async fn every_receiver_gets_what_the_meter_sends_by_itself() {
    let (client, mut meter) = connected().await;
    let (mut one, mut other) = (client.notifications(), client.notifications());
    // Long after the last request, and no request is under way.
    pass(Duration::from_secs(3_600)).await;
    meter.say(PUSH).await;
    assert_eq!(*one.recv().await.unwrap(), octets(PUSH)[..]);
    assert_eq!(*other.recv().await.unwrap(), octets(PUSH)[..]);
    // A receiver gets what comes from now on.
    assert_eq!(client.notifications().try_recv(), Err(TryRecvError::Empty));
}

#[tokio::test(start_paused = true)]
async fn a_push_between_request_and_answer_reaches_the_receiver_and_the_answer_the_caller() {
    let (client, mut meter) = connected().await;
    let mut pushed = client.notifications();
    let answering = async {
        meter.hear().await;
        for _ in 0..3 {
            meter.say(PUSH).await;
        }
        meter.say("C401 C1 00 06 0000002A").await;
    };
    let (read, ()) = tokio::join!(client.read(ENERGY), answering);
    assert_eq!(read, Ok(Ok(DataBuf::DoubleLongUnsigned(42).to_octets())));
    for _ in 0..3 {
        assert_eq!(*pushed.recv().await.unwrap(), octets(PUSH)[..]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_does_not_keep_up_is_told_how_many_it_missed() {
    let (client, mut meter) = connected().await;
    let mut pushed = client.notifications();
    for _ in 0..100 {
        meter.say(PUSH).await;
        pass(Duration::from_millis(1)).await;
    }
    assert_eq!(pushed.recv().await, Err(RecvError::Lagged(36)));
    for _ in 0..64 {
        assert_eq!(*pushed.recv().await.unwrap(), octets(PUSH)[..]);
    }
    assert_eq!(pushed.try_recv(), Err(TryRecvError::Empty));
}

#[tokio::test(start_paused = true)]
async fn nobody_has_to_listen() {
    let (client, mut meter) = connected().await;
    for _ in 0..100 {
        meter.say(PUSH).await;
    }
    let answering = async {
        meter.hear().await;
        meter.say("C401 C1 00 06 0000002A").await;
    };
    let (read, ()) = tokio::join!(client.read(ENERGY), answering);
    assert!(read.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn receivers_end_with_the_client() {
    let (client, meter) = connected().await;
    let mut pushed = client.notifications();
    drop(client);
    drop(meter);
    let ended = timeout(Duration::from_secs(10), pushed.recv()).await.unwrap();
    assert_eq!(ended, Err(RecvError::Closed));
}
