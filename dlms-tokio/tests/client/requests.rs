//! What a handle can be asked for.

use core::time::Duration;

use dlms_core::{
    association::{ClientConfig, Failure, Misuse, Request},
    axdr::DataBuf,
    xdlms::{ActionResult, DataAccessResult},
};
use dlms_tokio::{
    LineConfig, Trace,
    client::{Client, Error, Released},
    counters::ForgetfulCounters,
};

use crate::meter::{
    DENIED, ECHO, ENERGY, LONG, Meter, NOTE, NOTHING, ciphered, long_value, pass, with_password,
};

/// Clients on every kind of line and with every kind of protection, with the tag of a GET.
async fn clients() -> Vec<(Client, u8, crate::meter::Log)> {
    let mut clients = Vec::new();
    for (association, get) in [
        (ClientConfig::default as fn() -> ClientConfig, 0xc0),
        (with_password, 0xc0),
        (ciphered, 0xc8),
    ] {
        for hdlc in [false, true] {
            let (meter, log) = Meter::new();
            let config = LineConfig::default();
            let line = match hdlc {
                true => meter.over_hdlc(&config, Trace::off()),
                false => meter.over_wrapper(&config, Trace::off()),
            };
            let counters = Box::new(ForgetfulCounters::starting_at(1));
            let client = Client::over(line, association(), Some(counters)).await.unwrap();
            clients.push((client, get, log));
        }
    }
    clients
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_is_answered_and_a_refusal_is_an_answer() {
    let energy = DataBuf::DoubleLongUnsigned(42).to_octets();
    for (client, get, log) in clients().await {
        assert!(client.association().max_send_pdu > 0);
        assert_eq!(client.read(ENERGY).await, Ok(Ok(energy.clone())));
        assert_eq!(log.tags().last(), Some(&get));
        assert_eq!(client.read(NOTHING).await, Ok(Err(DataAccessResult::ObjectUndefined)));
        assert_eq!(client.read(LONG).await, Ok(Ok(long_value().to_octets())));
        assert_eq!(
            client.read_list(&[ENERGY, NOTHING]).await,
            Ok(vec![Ok(energy.clone()), Err(DataAccessResult::ObjectUndefined)])
        );

        for note in [DataBuf::octet_string(*b"short"), DataBuf::octet_string([0x5a; 3_000])] {
            assert_eq!(client.write(NOTE, &note).await, Ok(Ok(())));
            assert_eq!(client.read(NOTE).await, Ok(Ok(note.to_octets())));
            let returned = client.invoke(ECHO, Some(&note)).await;
            assert_eq!(returned, Ok(Ok(Some(note.to_octets()))));
        }
        let denied = DataAccessResult::ReadWriteDenied;
        assert_eq!(client.write(ENERGY, &DataBuf::Null).await, Ok(Err(denied)));
        assert_eq!(client.invoke(ECHO, None).await, Ok(Ok(None)));
        let denied = ActionResult::ReadWriteDenied;
        assert_eq!(client.invoke(DENIED, None).await, Ok(Err(denied)));

        assert_eq!(client.release().await, Ok(Released::Answered));
        assert_eq!(log.tags().last(), Some(&0x62));
    }
}

#[tokio::test(start_paused = true)]
async fn a_misuse_costs_the_request_and_not_the_association() {
    let (meter, log) = Meter::new();
    let line = meter.over_wrapper(&LineConfig::default(), Trace::off());
    let client = Client::over(line, ClientConfig::default(), None).await.unwrap();
    assert_eq!(client.read_list(&[]).await, Err(Error::Misuse(Misuse::List)));
    let broken = Request::Set { attribute: NOTE, selection: None, value: vec![0x12] };
    assert!(matches!(client.request(broken).await, Err(Error::Misuse(Misuse::Value(_)))));
    assert_eq!(log.tags(), [0x60]);
    assert!(client.read(ENERGY).await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn handles_of_many_tasks_share_the_line_and_each_gets_its_own_answer() {
    let (meter, _) = Meter::new();
    let line = meter.over_hdlc(&LineConfig::default(), Trace::off());
    let client = Client::over(line, ClientConfig::default(), None).await.unwrap();
    let asking: Vec<_> = (0..50_u32)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move {
                let parameter = DataBuf::DoubleLongUnsigned(number);
                let returned = client.invoke(ECHO, Some(&parameter)).await;
                assert_eq!(returned, Ok(Ok(Some(parameter.to_octets()))));
            })
        })
        .collect();
    for task in asking {
        task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_association_that_is_refused_says_why_and_leaves_the_line() {
    let (meter, log) = Meter::new();
    let line = meter.over_hdlc(&LineConfig::default(), Trace::off());
    let wrong = ClientConfig { secret: b"wrong"[..].into(), ..with_password() };
    let refused = Client::over(line, wrong, None).await.unwrap_err();
    let Error::Association { failure: Failure::Rejected { .. }, .. } = refused else {
        panic!("{refused}")
    };
    // The link was released before the caller learned.
    assert_eq!(log.all().last(), Some(&crate::meter::Entry::Disconnected));
}

#[tokio::test(start_paused = true)]
async fn after_the_release_of_one_handle_the_others_are_closed() {
    let (meter, _) = Meter::new();
    let line = meter.over_wrapper(&LineConfig::default(), Trace::off());
    let client = Client::over(line, ClientConfig::default(), None).await.unwrap();
    let other = client.clone();
    client.release().await.unwrap();
    assert_eq!(other.read(ENERGY).await, Err(Error::Closed));
    assert_eq!(other.release().await, Err(Error::Closed));
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_that_goes_releases_the_association() {
    let (meter, log) = Meter::new();
    let line = meter.over_hdlc(&LineConfig::default(), Trace::off());
    let client = Client::over(line, ClientConfig::default(), None).await.unwrap();
    let other = client.clone();
    drop(client);
    assert!(other.read(ENERGY).await.unwrap().is_ok());
    drop(other);
    pass(Duration::from_secs(1)).await;
    assert_eq!(log.tags(), [0x60, 0xc0, 0x62]);
    assert_eq!(log.all().last(), Some(&crate::meter::Entry::Disconnected));
}
