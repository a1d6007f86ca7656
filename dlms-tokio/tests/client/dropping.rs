//! Futures that nobody waits for any more.

use core::time::Duration;

use dlms_core::{association::ClientConfig, axdr::DataBuf};
use dlms_tokio::{DecodeLevel, LineConfig, Trace, client::Client};
use tokio::time::timeout;

use crate::meter::{ECHO, ENERGY, Entry, Meter, NOTE, pass, recorded};

/// A meter that takes three seconds to make an answer.
fn slow_meter() -> (Meter, crate::meter::Log) {
    let (mut meter, log) = Meter::new();
    meter.thinks = Duration::from_secs(3);
    (meter, log)
}

#[tokio::test(start_paused = true)]
async fn a_request_dropped_while_it_waits_for_its_turn_is_never_made() {
    let (meter, log) = slow_meter();
    let line = meter.over_wrapper(&LineConfig::default(), Trace::off());
    let client = Client::over(line, ClientConfig::default(), None).await.unwrap();
    let reading = tokio::spawn({
        let client = client.clone();
        async move { client.read(ENERGY).await }
    });
    pass(Duration::from_secs(1)).await;
    // The line is busy for two more seconds.
    let value = DataBuf::Unsigned(1);
    let moment = Duration::from_millis(100);
    assert!(timeout(moment, client.write(NOTE, &value)).await.is_err());
    assert!(timeout(moment, client.invoke(ECHO, Some(&value))).await.is_err());
    assert!(reading.await.unwrap().unwrap().is_ok());
    assert!(client.read(ENERGY).await.unwrap().is_ok());
    assert_eq!(log.tags(), [0x60, 0xc0, 0xc0]);
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_a_request_dropped_under_way_is_nobodys() {
    for hdlc in [false, true] {
        let (meter, log) = slow_meter();
        let config = LineConfig::default();
        let line = match hdlc {
            true => meter.over_hdlc(&config, Trace::off()),
            false => meter.over_wrapper(&config, Trace::off()),
        };
        let client = Client::over(line, ClientConfig::default(), None).await.unwrap();
        let value = DataBuf::octet_string(*b"dropped");
        let writing = client.write(NOTE, &value);
        assert!(timeout(Duration::from_secs(1), writing).await.is_err());
        let read = client.read(NOTE).await;
        assert_eq!(read, Ok(Ok(value.to_octets())), "the request itself still ended");
        assert_eq!(log.tags(), [0x60, 0xc1, 0xc0]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_association_dropped_while_it_opens_leaves_nothing_at_the_meter() {
    let (meter, log) = slow_meter();
    let (trace, shown) = recorded(DecodeLevel::Link);
    let line = meter.over_hdlc(&LineConfig::default(), trace);
    let connecting = Client::over(line, ClientConfig::default(), None);
    assert!(timeout(Duration::from_secs(1), connecting).await.is_err());
    pass(Duration::from_secs(10)).await;
    // It was opened in the end, and closed at once: AARQ, RLRQ, DISC.
    assert_eq!(log.all(), [Entry::Apdu(0x60), Entry::Apdu(0x62), Entry::Disconnected]);
    let shown = shown.lock().unwrap();
    assert_eq!(shown[shown.len() - 2..], ["LINK TX 16 > 1 DISC P/F", "LINK RX 1 > 16 UA P/F"]);
}

#[tokio::test(start_paused = true)]
async fn a_meter_that_never_answers_is_given_up_although_nobody_waits() {
    // It answers SNRM and polls, but never an APDU.
    let (mut meter, log) = Meter::new();
    meter.thinks = Duration::from_secs(3_600);
    let config =
        LineConfig { timeout: Duration::from_secs(2), retries: 1, ..LineConfig::default() };
    let line = meter.over_hdlc(&config, Trace::off());
    let connecting = Client::over(line, ClientConfig::default(), None);
    assert!(timeout(Duration::from_millis(100), connecting).await.is_err());
    pass(config.patience() + Duration::from_secs(4)).await;
    assert_eq!(log.all(), [Entry::Apdu(0x60), Entry::Disconnected]);
}
