//! Several requests in flight on one line.

use core::time::Duration;

use dlms_core::{
    association::{ClientConfig, Failure},
    axdr::DataBuf,
    xdlms::DataAccessResult,
};
use dlms_tokio::{
    LineConfig, Trace,
    client::{Client, Error},
    counters::ForgetfulCounters,
};

use crate::{
    meter::{ENERGY, LONG, Meter, NOTE, NOTHING, ciphered, long_value, pass},
    script::{ByHand, by_hand, octets},
};

fn several() -> ClientConfig {
    ClientConfig { in_flight_max: 3, ..ClientConfig::default() }
}

/// A client with room for three, and the meter's end of its line.
async fn connected(config: &LineConfig) -> (Client, ByHand) {
    let (line, mut meter) = by_hand(config);
    let (client, ()) = tokio::join!(Client::over(line, several(), None), meter.accept());
    (client.unwrap(), meter)
}

#[tokio::test(start_paused = true)]
async fn requests_go_out_before_the_first_is_answered_and_no_more_than_there_is_room_for() {
    let (client, mut meter) = connected(&LineConfig::default()).await;
    let asked: Vec<_> = (0..4)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.read(ENERGY).await })
        })
        .collect();
    let invoke_ids = [meter.hear().await[2], meter.hear().await[2], meter.hear().await[2]];
    assert_eq!(invoke_ids, [0xc1, 0xc2, 0xc3]);
    let nothing = tokio::time::timeout(Duration::from_secs(5), meter.hear()).await;
    assert!(nothing.is_err(), "a fourth while there is room for three");
    // In another order than they were asked.
    meter.say("C401C3 00 1103").await;
    assert_eq!(meter.hear().await[2], 0xc4);
    meter.say("C401C1 00 1101").await;
    meter.say("C401C4 00 1104").await;
    meter.say("C401C2 00 1102").await;
    let mut answers = Vec::new();
    for asked in asked {
        answers.push(asked.await.unwrap().unwrap().unwrap()[1]);
    }
    answers.sort_unstable();
    assert_eq!(answers, [1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn one_without_answer_fails_alone_and_the_association_stands() {
    let config = LineConfig::default();
    let (client, mut meter) = connected(&config).await;
    let lost = tokio::spawn({
        let client = client.clone();
        async move { client.read(NOTE).await }
    });
    assert_eq!(meter.hear().await[2], 0xc1);
    // Others come and go beside it, so that the line is never silent.
    let steps = config.patience().as_secs() / 5 + 2;
    for _ in 0..steps {
        let answer = async {
            let heard = meter.hear().await;
            meter.say(&format!("C401{:02X} 00 1107", heard[2])).await;
        };
        let (read, ()) = tokio::join!(client.read(ENERGY), answer);
        assert_eq!(read, Ok(Ok(vec![0x11, 7])));
        pass(Duration::from_secs(5)).await;
    }
    assert!(lost.is_finished());
    let Err(Error::Association { failure, .. }) = lost.await.unwrap() else { panic!("an answer") };
    assert_eq!(failure, Failure::NoResponse);
    // And when all are without answer, the line still serves.
    let silent = client.read(ENERGY).await;
    assert!(matches!(silent, Err(Error::Association { failure: Failure::NoResponse, .. })));
    meter.hear().await;
    let answer = async {
        let heard = meter.hear().await;
        meter.say(&format!("C401{:02X} 00 1108", heard[2])).await;
    };
    let (read, ()) = tokio::join!(client.read(ENERGY), answer);
    assert_eq!(read, Ok(Ok(vec![0x11, 8])));
}

#[tokio::test(start_paused = true)]
async fn what_is_read_block_by_block_is_read_alone() {
    let (client, mut meter) = connected(&LineConfig::default()).await;
    let mut blocks = client.read_blocks(LONG, None).await.unwrap();
    let beside = tokio::spawn({
        let client = client.clone();
        async move { client.read(ENERGY).await }
    });
    assert_eq!(meter.hear().await[2], 0xc1);
    let nothing = tokio::time::timeout(Duration::from_secs(5), meter.hear()).await;
    assert!(nothing.is_err(), "a request beside blocks whose reader may be slow");
    meter.say("C402C1 01 00000001 00 02 1105").await;
    assert_eq!(blocks.next().await, Some(Ok(Ok(vec![0x11, 5]))));
    assert_eq!(meter.hear().await[2], 0xc2);
    meter.say("C401C2 00 1106").await;
    assert_eq!(beside.await.unwrap(), Ok(Ok(vec![0x11, 6])));
}

#[tokio::test(start_paused = true)]
async fn a_meter_serves_all_of_them_ciphered_and_with_blocks_and_hdlc_one_at_a_time() {
    for hdlc in [false, true] {
        let (meter, _) = Meter::new();
        let config = LineConfig::default();
        let line = match hdlc {
            true => meter.over_hdlc(&config, Trace::off()),
            false => meter.over_wrapper(&config, Trace::off()),
        };
        let association = ClientConfig { in_flight_max: 8, ..ciphered() };
        let counters = Box::new(ForgetfulCounters::starting_at(1));
        let client = Client::over(line, association, Some(counters)).await.unwrap();
        let (energy, long, nothing, again) = tokio::join!(
            client.read(ENERGY),
            client.read(LONG),
            client.read(NOTHING),
            client.read(LONG),
        );
        assert_eq!(energy, Ok(Ok(DataBuf::DoubleLongUnsigned(42).to_octets())));
        assert_eq!(long, Ok(Ok(long_value().to_octets())));
        assert_eq!(nothing, Ok(Err(DataAccessResult::ObjectUndefined)));
        assert_eq!(again, long);
    }
}

#[tokio::test(start_paused = true)]
async fn of_requests_that_wait_together_a_meter_serves_high_priority_first() {
    let (meter, _) = Meter::new();
    let mut line = meter.over_wrapper(&LineConfig::default(), Trace::off());
    let mut answer = Vec::new();
    line.send(&octets("601d a109060760857405080101 be10040e 01000000065f1f0400007e1fffff"))
        .await
        .unwrap();
    line.receive(&mut answer).await.unwrap();
    assert_eq!(answer[0], 0x61);
    for invoke_and_priority in [0x41, 0x42, 0xc3, 0x44] {
        let get = [&[0xc0, 1, invoke_and_priority, 0, 3][..], &ENERGY.instance.0, &[2, 0]];
        line.send(&get.concat()).await.unwrap();
    }
    let mut served = Vec::new();
    for _ in 0..4 {
        line.receive(&mut answer).await.unwrap();
        served.push(answer[2]);
        line.expect();
    }
    assert_eq!(served, [0xc3, 0x41, 0x42, 0x44]);
}
