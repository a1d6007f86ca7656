//! Attributes read block by block.

use core::time::Duration;

use dlms_core::{association::ClientConfig, axdr::DataBuf, xdlms::DataAccessResult};
use dlms_tokio::{
    LineConfig, Trace,
    client::{Client, Error},
};
use tokio::time::Instant;

use crate::meter::{ENERGY, LONG, Log, Meter, NOTHING, long_value, pass};

/// A client that takes APDUs of 64 octets: the long value has about a hundred blocks.
async fn client() -> (Client, Log) {
    let (meter, log) = Meter::new();
    let line = meter.over_wrapper(&LineConfig::default(), Trace::off());
    let association = ClientConfig { max_receive_pdu: 64, ..ClientConfig::default() };
    (Client::over(line, association, None).await.unwrap(), log)
}

#[tokio::test(start_paused = true)]
async fn blocks_joined_are_the_value() {
    let (client, _) = client().await;
    let mut blocks = client.read_blocks(LONG, None).await.unwrap();
    let (mut joined, mut count) = (Vec::new(), 0);
    while let Some(block) = blocks.next().await {
        joined.extend(block.unwrap().unwrap());
        count += 1;
    }
    assert_eq!(joined, long_value().to_octets());
    assert!(count > 90, "{count}");
    // After the end it stays ended.
    assert!(blocks.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_short_value_is_one_block_and_a_refusal_is_an_answer() {
    let (client, _) = client().await;
    let mut blocks = client.read_blocks(ENERGY, None).await.unwrap();
    let value = DataBuf::DoubleLongUnsigned(42).to_octets();
    assert_eq!(blocks.next().await, Some(Ok(Ok(value))));
    assert_eq!(blocks.next().await, None);

    let mut blocks = client.read_blocks(NOTHING, None).await.unwrap();
    assert_eq!(blocks.next().await, Some(Ok(Err(DataAccessResult::ObjectUndefined))));
    assert_eq!(blocks.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_slows_the_meter_down_and_gets_everything() {
    let (client, log) = client().await;
    let mut blocks = client.read_blocks(LONG, None).await.unwrap();
    let mut joined = Vec::new();
    while let Some(block) = blocks.next().await {
        joined.extend(block.unwrap().unwrap());
        pass(Duration::from_secs(20)).await;
    }
    assert_eq!(joined, long_value().to_octets());
    assert_eq!(client.read(ENERGY).await.unwrap().unwrap()[0], 0x06);
    assert_eq!(log.tags()[0], 0x60, "one association all along");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stalls_is_given_up_and_the_others_get_their_turn() {
    let (client, log) = client().await;
    let mut blocks = client.read_blocks(LONG, None).await.unwrap();
    let begun = Instant::now();
    assert!(client.read(ENERGY).await.unwrap().is_ok());
    let waited = begun.elapsed();
    assert!((30..32).contains(&waited.as_secs()), "{waited:?}");
    // Only what fitted between was asked of the meter: the request, some of the next, the other.
    assert!(log.tags().len() < 10, "{:?}", log.tags());
    // The reader gets what was there, and learns that it is not all.
    let mut count = 0;
    let ended = loop {
        match blocks.next().await {
            Some(Ok(Ok(_))) => count += 1,
            ended => break ended,
        }
    };
    assert_eq!(ended, Some(Err(Error::NotTaken)));
    assert_eq!(blocks.next().await, None);
    assert!(count < 10, "{count}");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_went_away_ends_the_transfer_at_the_next_block() {
    let (client, log) = client().await;
    let mut blocks = client.read_blocks(LONG, None).await.unwrap();
    blocks.next().await.unwrap().unwrap().unwrap();
    drop(blocks);
    let begun = Instant::now();
    assert!(client.read(ENERGY).await.unwrap().is_ok());
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert!(log.tags().len() < 12, "{:?}", log.tags());
}
