//! Meters that answer with something else than what was asked.

use core::time::Duration;

use dlms_core::{
    association::{ClientConfig, Failure, Violation},
    axdr::DataBuf,
};
use dlms_tokio::{
    LineConfig,
    client::{Client, Error},
};
use tokio::time::{Instant, timeout};

use crate::{
    meter::{ENERGY, NOTE, pass},
    script::{AARE, by_hand, octets, over_hdlc},
};

fn config() -> LineConfig {
    LineConfig { timeout: Duration::from_secs(3), retries: 2, ..LineConfig::default() }
}

/// What a meter says in its turn that answers nothing: to another invocation, an event, a push, and
/// an AARE once more.
const STRAY: [&str; 4] = [
    "C401 CF 00 06 00000001",
    "C200 0003 0100010800FF 02 0600000001",
    "0F 00000001 00 0600000001",
    AARE,
];

#[tokio::test(start_paused = true)]
async fn a_stray_apdu_over_hdlc_does_not_hold_the_client_for_ever() {
    for stray in STRAY {
        let line = over_hdlc(move |_| Some(octets(stray)), &config());
        let client = Client::over(line, ClientConfig::default(), None).await.unwrap();
        let begun = Instant::now();
        let limit = config().patience() + Duration::from_secs(2);
        let failed = timeout(limit, client.read(ENERGY)).await.expect(stray).unwrap_err();
        assert!(matches!(failed, Error::Line(_)), "{stray}: {failed}");
        // It was given its time all the same.
        assert!(begun.elapsed() >= config().timeout, "{stray}: {:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_meter_that_gives_its_turn_back_without_a_word_is_given_up() {
    let line = over_hdlc(|_| None, &config());
    let client = Client::over(line, ClientConfig::default(), None).await.unwrap();
    let limit = config().patience() + Duration::from_secs(2);
    let failed = timeout(limit, client.read(ENERGY)).await.unwrap();
    assert!(matches!(failed, Err(Error::Line(_))), "{failed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_answer_over_hdlc_costs_the_request_and_not_the_association() {
    let mut wrong = true;
    let script = move |apdu: &[u8]| {
        let answer = if wrong { "C501" } else { "C401" };
        wrong = false;
        Some([&octets(answer)[..], &apdu[2..3], &octets("00 06 0000002A")].concat())
    };
    let line = over_hdlc(script, &config());
    let client = Client::over(line, ClientConfig::default(), None).await.unwrap();
    let failed = client.read(ENERGY).await.unwrap_err();
    assert!(
        matches!(failed, Error::Association { failure: Failure::Malformed(_), .. }),
        "{failed:?}"
    );
    let value = DataBuf::DoubleLongUnsigned(42).to_octets();
    assert_eq!(client.read(ENERGY).await, Ok(Ok(value)));
}

#[tokio::test(start_paused = true)]
async fn after_a_stray_apdu_the_answer_still_counts() {
    for stray in STRAY {
        let (line, mut meter) = by_hand(&config());
        let (client, ()) =
            tokio::join!(Client::over(line, ClientConfig::default(), None), meter.accept());
        let client = client.unwrap();
        let answering = async {
            assert_eq!(meter.hear().await[..3], [0xC0, 0x01, 0xC1]);
            meter.say(stray).await;
            pass(Duration::from_secs(5)).await;
            meter.say("C401 C1 00 06 0000002A").await;
        };
        let (read, ()) = tokio::join!(client.read(ENERGY), answering);
        let value = DataBuf::DoubleLongUnsigned(42).to_octets();
        assert_eq!(read, Ok(Ok(value)), "{stray}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_gets_a_stray_apdu_is_not_made_again() {
    let (line, mut meter) = by_hand(&config());
    let (client, ()) =
        tokio::join!(Client::over(line, ClientConfig::default(), None), meter.accept());
    let client = client.unwrap();
    let answering = async {
        assert_eq!(meter.hear().await[0], 0xC1);
        // The meter acknowledges a block that was never sent.
        meter.say("C502 C1 00000007").await;
    };
    let (written, ()) = tokio::join!(client.write(NOTE, &DataBuf::Null), answering);
    let violation = Violation::Unexpected("kind of SET response");
    let Err(Error::Association { failure, .. }) = written else { panic!("{written:?}") };
    assert_eq!(failure, violation.into());
    assert!(timeout(Duration::from_secs(60), meter.hear()).await.is_err());
}
