//! Meters on sockets, asked by the client of `dlms-tokio`.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::sync::{Arc, Mutex};

use dlms_core::{
    acse::Mechanism,
    association::{Ciphering, ClientConfig, LogicalDevice},
    axdr::{Data, DataBuf, Reader},
    cosem::{AttributeDescriptor, ClassId, LogicalName},
    device::SapAssignmentItem,
    security::{Protection, Secret, SecuritySuite, SystemTitle},
};
use dlms_tokio::{
    Address, HdlcServerConfig, LineConfig, Trace, client::Client, counters::ForgetfulCounters,
};
use simulator::{
    AnswerConfig, LOGICAL_DEVICE, Listening, MANAGEMENT_CLIENT, MediumWeather, Meter, MeterConfig,
    MeterKeys, PUBLIC_CLIENT, READING_CLIENT, WallClock, listen_hdlc, listen_medium,
    listen_wrapper, listen_wrapper_udp, physical_address,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// 2026-01-15T11:00:00Z.
const NOON: i64 = 1_768_474_800;

const NAME: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::DATA, LogicalName::LOGICAL_DEVICE_NAME, 2);
const SAP_ASSIGNMENT: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::SAP_ASSIGNMENT, LogicalName::SAP_ASSIGNMENT, 2);
const STATUS: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::DATA, LogicalName([0, 0, 96, 10, 1, 255]), 2);
const PROFILE: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::PROFILE_GENERIC, LogicalName([1, 0, 99, 1, 0, 255]), 2);

#[derive(Clone, Copy, Debug)]
enum Framing {
    Wrapper,
    WrapperUdp,
    Hdlc,
}

async fn listening(framing: Framing, meter: Meter) -> (Listening, Address) {
    let meter = Arc::new(Mutex::new(meter));
    let any = "127.0.0.1:0".parse().unwrap();
    let answer = AnswerConfig::default();
    let (scheme, listening) = match framing {
        Framing::Wrapper => ("wrapper", listen_wrapper(meter, any, answer).await),
        Framing::WrapperUdp => ("wrapper+udp", listen_wrapper_udp(meter, any, answer).await),
        Framing::Hdlc => {
            ("hdlc", listen_hdlc(meter, any, answer, HdlcServerConfig::default()).await)
        }
    };
    let listening = listening.unwrap();
    let address = format!("{scheme}://{}", listening.address()).parse().unwrap();
    (listening, address)
}

fn config() -> Arc<MeterConfig> {
    Arc::new(MeterConfig { entries: 200, clock: WallClock::fixed(NOON), ..MeterConfig::default() })
}

async fn client(address: &Address, sap: u16, association: ClientConfig) -> Client {
    let line = LineConfig { client: sap, ..LineConfig::default() };
    let counters = Some(Box::new(ForgetfulCounters::starting_at(1)) as Box<_>);
    Client::connect(address, line, association, counters, Trace::off()).await.unwrap()
}

async fn read(client: &Client, attribute: AttributeDescriptor) -> DataBuf {
    let octets = client.read(attribute).await.unwrap().unwrap();
    DataBuf::decode(&mut Reader::new(&octets)).unwrap()
}

/// The three clients of a meter: public, with password, with keys.
fn clients() -> [(u16, ClientConfig); 3] {
    let keys = MeterKeys::default();
    let lls = ClientConfig {
        mechanism: Mechanism::Lls,
        secret: Secret::from("12345678"),
        ..ClientConfig::default()
    };
    let gmac = ClientConfig {
        mechanism: Mechanism::HlsGmac,
        system_title: Some(SystemTitle(*b"CLIENT01")),
        ciphering: Some(Ciphering {
            suite: SecuritySuite::Suite0,
            protection: Protection::AUTHENTICATED_ENCRYPTED,
            encryption_key: keys.encryption,
            authentication_key: Some(keys.authentication),
            dedicated: true,
            general: false,
        }),
        ..ClientConfig::default()
    };
    [(PUBLIC_CLIENT, ClientConfig::default()), (READING_CLIENT, lls), (MANAGEMENT_CLIENT, gmac)]
}

#[tokio::test]
async fn every_client_reads_over_every_framing() {
    for framing in [Framing::Wrapper, Framing::WrapperUdp, Framing::Hdlc] {
        let (listening, address) = listening(framing, Meter::new(1000, config())).await;
        for (sap, association) in clients() {
            let client = client(&address, sap, association).await;
            let name = read(&client, NAME).await;
            assert_eq!(name, DataBuf::octet_string(*b"DHE0000000001000"), "{framing:?} {sap}");
            let rows = read(&client, PROFILE).await;
            assert!(matches!(rows, DataBuf::Array(rows) if rows.len() == 200));
            client.release().await.unwrap();
        }
        listening.stop();
    }
}

async fn client_of(address: &Address, server_upper: u16, config: ClientConfig) -> Client {
    let line = LineConfig { client: PUBLIC_CLIENT, server_upper, ..LineConfig::default() };
    Client::connect(address, line, config, None, Trace::off()).await.unwrap()
}

#[tokio::test]
async fn the_management_logical_device_lists_all_and_each_answers_at_its_sap_with_its_own_name() {
    let config = MeterConfig { logical_devices: 3, ..(*config()).clone() };
    let expected = [(1, "DHE0000000001000"), (16, "DHE0160000001000"), (17, "DHE0170000001000")];
    for framing in [Framing::Wrapper, Framing::WrapperUdp, Framing::Hdlc] {
        let meter = Meter::new(1000, Arc::new(config.clone()));
        let (listening, address) = listening(framing, meter).await;
        let management = client_of(&address, LOGICAL_DEVICE, ClientConfig::default()).await;
        let list = management.read(SAP_ASSIGNMENT).await.unwrap().unwrap();
        let list = Data::decode(&mut Reader::new(&list)).unwrap();
        let list = SapAssignmentItem::list_from_data(&list).unwrap();
        let listed: Vec<_> = list
            .iter()
            .map(|item| (item.sap, str::from_utf8(&item.logical_device_name).unwrap()))
            .collect();
        assert_eq!(listed, expected, "{framing:?}");
        management.release().await.unwrap();
        for (sap, name) in expected {
            let client = client_of(&address, sap, ClientConfig::default()).await;
            assert_eq!(read(&client, NAME).await, DataBuf::octet_string(name), "{framing:?}");
            // Only one of them is the management logical device.
            let list = client.read(SAP_ASSIGNMENT).await.unwrap();
            assert_eq!(list.is_ok(), sap == LOGICAL_DEVICE, "{framing:?} {sap}");
            client.release().await.unwrap();
        }
        listening.stop();
    }
}

#[tokio::test]
async fn logical_devices_share_keys_and_no_system_title_and_no_state() {
    let config = MeterConfig { logical_devices: 2, ..(*config()).clone() };
    let mut meter = Meter::new(1000, Arc::new(config));
    let titles = [1, 16].map(|sap| meter.logical_device(sap).unwrap().system_title());
    assert_ne!(titles[0], titles[1]);
    assert!(meter.logical_device(17).is_none());
    let (listening, address) = listening(Framing::Wrapper, meter).await;
    let counters = || Some(Box::new(ForgetfulCounters::starting_at(1)) as Box<_>);
    let (_, _, management) = clients().into();
    for (server_upper, title) in [1, 16].into_iter().zip(titles) {
        // What one has accepted from a client is no replay to the other.
        let line = LineConfig { client: MANAGEMENT_CLIENT, server_upper, ..LineConfig::default() };
        let config = management.1.clone();
        let client = Client::connect(&address, line, config, counters(), Trace::off()).await;
        let client = client.unwrap();
        assert_eq!(client.association().server_title, Some(title));
        let before = read(&client, STATUS).await;
        assert_eq!(before, DataBuf::Unsigned(0), "{server_upper}");
        client.write(STATUS, &DataBuf::Unsigned(7)).await.unwrap().unwrap();
        client.release().await.unwrap();
    }
    listening.stop();
}

#[tokio::test]
async fn a_hundred_meters_are_a_hundred_meters() {
    let config = config();
    let mut meters = Vec::new();
    for serial in 2000..2100 {
        meters.push(listening(Framing::Wrapper, Meter::new(serial, Arc::clone(&config))).await);
    }
    let (mut names, mut energies) = (Vec::new(), Vec::new());
    let energy = AttributeDescriptor::new(ClassId::REGISTER, LogicalName([1, 0, 1, 8, 0, 255]), 2);
    for (_, address) in &meters {
        let client = client(address, PUBLIC_CLIENT, ClientConfig::default()).await;
        names.push(read(&client, NAME).await.to_octets());
        energies.push(read(&client, energy).await.to_octets());
    }
    for of_all in [&mut names, &mut energies] {
        of_all.sort();
        of_all.dedup();
        assert_eq!(of_all.len(), 100);
    }
}

#[tokio::test]
async fn what_one_connection_changes_the_other_sees() {
    let (_listening, address) = listening(Framing::Wrapper, Meter::new(1000, config())).await;
    let status = AttributeDescriptor::new(ClassId::DATA, LogicalName([0, 0, 96, 10, 1, 255]), 2);
    let one = client(&address, PUBLIC_CLIENT, ClientConfig::default()).await;
    let other = client(&address, PUBLIC_CLIENT, ClientConfig::default()).await;
    one.write(status, &DataBuf::Unsigned(7)).await.unwrap().unwrap();
    assert_eq!(read(&other, status).await, DataBuf::Unsigned(7));
    // The associations are their own: the end of one is not the end of the other.
    one.release().await.unwrap();
    assert_eq!(read(&other, status).await, DataBuf::Unsigned(7));
}

#[tokio::test]
async fn a_counter_that_was_used_on_another_connection_is_used() {
    let (_listening, address) = listening(Framing::Wrapper, Meter::new(1000, config())).await;
    let [_, _, (sap, gmac)] = clients();
    drop(client(&address, sap, gmac.clone()).await);
    let line = LineConfig { client: sap, ..LineConfig::default() };
    let counters = Some(Box::new(ForgetfulCounters::starting_at(1)) as Box<_>);
    let again = Client::connect(&address, line, gmac, counters, Trace::off()).await;
    let refused = again.unwrap_err().to_string();
    assert!(refused.contains("invocation-counter-error"), "{refused}");
    // The public client can tell which one is next.
    let public = client(&address, PUBLIC_CLIENT, ClientConfig::default()).await;
    let counter = AttributeDescriptor::new(ClassId::DATA, LogicalName::INVOCATION_COUNTER, 2);
    let counter = read(&public, counter).await;
    assert!(matches!(counter, DataBuf::DoubleLongUnsigned(1..=4)), "{counter:?}");
}

#[tokio::test]
async fn a_stopped_meter_cuts_its_connections_and_frees_its_port() {
    for framing in [Framing::Wrapper, Framing::Hdlc] {
        let (listening, address) = listening(framing, Meter::new(1000, config())).await;
        let at = listening.address();
        let client = client(&address, PUBLIC_CLIENT, ClientConfig::default()).await;
        listening.stop();
        client.read(NAME).await.unwrap_err();
        drop(client);
        // The port is free as soon as the task is gone.
        let mut tries = 0;
        while TcpListener::bind(at).await.is_err() {
            tries += 1;
            assert!(tries < 10_000, "the port is still taken");
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_meter_takes_only_so_many_connections() {
    let (_listening, address) = listening(Framing::Wrapper, Meter::new(1000, config())).await;
    let mut clients = Vec::new();
    for _ in 0..16 {
        clients.push(client(&address, PUBLIC_CLIENT, ClientConfig::default()).await);
    }
    let line = LineConfig::default();
    let one_more =
        Client::connect(&address, line, ClientConfig::default(), None, Trace::off()).await;
    assert!(one_more.is_err());
    // One leaves, another may come, as soon as the meter noticed.
    drop(clients.pop());
    for _ in 0..10_000 {
        let (line, public) = (LineConfig::default(), ClientConfig::default());
        if Client::connect(&address, line, public, None, Trace::off()).await.is_ok() {
            return;
        }
    }
    panic!("the place was not given to another connection");
}

#[tokio::test]
async fn another_logical_device_is_silent() {
    let (listening, _) = listening(Framing::Wrapper, Meter::new(1000, config())).await;
    let mut stream = TcpStream::connect(listening.address()).await.unwrap();
    // The same request to SAP 2, which is not there, and to SAP 1: one answer, from SAP 1.
    for sap in [2, 1] {
        stream.write_all(&[0, 1, 0, 16, 0, sap, 0, 1, 0xc0]).await.unwrap();
    }
    stream.shutdown().await.unwrap();
    let mut answers = Vec::new();
    stream.read_to_end(&mut answers).await.unwrap();
    assert_eq!(answers, [0, 1, 0, 1, 0, 16, 0, 3, 0xd8, 1, 1]);
}

#[tokio::test]
async fn a_client_that_vanished_does_not_keep_a_medium_from_the_next() {
    let meters = (0..2).map(|serial| Arc::new(Mutex::new(Meter::new(serial, config())))).collect();
    let (any, weather) = ("127.0.0.1:0".parse().unwrap(), MediumWeather::default());
    let answer = AnswerConfig::default();
    let listening = listen_medium(meters, any, answer, HdlcServerConfig::default(), weather);
    let listening = listening.await.unwrap();
    let address: Address = format!("hdlc://{}", listening.address()).parse().unwrap();
    // Open for as long as the test runs, and silent.
    let _vanished = TcpStream::connect(listening.address()).await.unwrap();
    for index in 0..2 {
        let server_lower = Some(physical_address(index));
        let line = LineConfig { client: PUBLIC_CLIENT, server_lower, ..LineConfig::default() };
        let client = Client::connect(&address, line, ClientConfig::default(), None, Trace::off());
        let name = read(&client.await.unwrap(), NAME).await;
        assert_eq!(name, DataBuf::octet_string(format!("DHE{index:013}").into_bytes()));
    }
}
