//! The management device, asked by our client over the wrapper.

use dlms_core::{
    acse::Mechanism,
    association::{Ciphering, ClientConfig, Selection},
    axdr::{DataBuf, RawData},
    cosem::{
        AttributeDescriptor, ClassId, LogicalName, MethodDescriptor, RangeDescriptor,
        concentrator::{
            Announcement, EPOCH, HEARTBEAT, LivePush, METERS, SAPS_CHANGED, SPOOL,
            SPOOL_ACKNOWLEDGED, SPOOL_COLUMNS, SPOOL_ENTRY, SPOOL_NEXT, STATION_DEVIATES, SpoolRow,
            TABLE_EPOCH, spool_range,
        },
        value::CosemValue,
    },
    device::SapAssignmentItem,
    security::{Protection, Secret, SecuritySuite},
    xdlms::{ActionResult, DataAccessResult, DataNotification},
};
use dlms_tokio::{
    Line, LineConfig, Trace, WrapperServerConfig,
    client::{self, Client},
    counters::ForgetfulCounters,
    serve_wrapper,
};

use super::*;
use crate::{
    nodes::{NodeId, Nodes, Pool, Registration},
    state::{self, Opened, Scratch},
};

/// 2026-09-21T14:13:20Z.
const NOW_MS: i64 = 1_790_000_000_000;
const NAME: &str = "DHE0000000000001";

/// The password of the reading client.
const READING: &str = "reading-client";

/// What a genuine image ends with.
const SIGNED: &[u8] = &[0x5A; 64];

/// A concentrator with some meters.
struct Bench {
    folder: Scratch,
    management: Management,
    nodes: SharedNodes,
    spool: Spool,
    wans: u32,
}

impl Bench {
    fn new(meters: u16, credentials: Credentials) -> Self {
        let mut nodes = Nodes::new(Pool::Extended);
        for number in 0..meters {
            nodes.register(0, Registration::new(&format!("ABC{number:013}")).unwrap()).unwrap();
        }
        Self::open(Scratch::new(), Arc::new(Mutex::new(nodes)), credentials)
    }

    fn open(folder: Scratch, nodes: SharedNodes, credentials: Credentials) -> Self {
        Self::open_with(folder, nodes, credentials, true)
    }

    fn open_with(
        folder: Scratch,
        nodes: SharedNodes,
        credentials: Credentials,
        takes_firmware: bool,
    ) -> Self {
        let limits = spool::SpoolLimits::default();
        let Opened { spool, state, counters, events } =
            state::open(folder.path(), limits, 1).unwrap();
        let station = Some(Readings::default());
        let management = Management::new(Parts {
            name: NAME.as_bytes().try_into().unwrap(),
            nodes: Arc::clone(&nodes),
            spool: spool.clone(),
            spool_entries_max: limits.entries_max,
            epoch: state.epoch_handle(),
            events,
            counters,
            clock: Box::new(|| NOW_MS),
            credentials,
            push_destination: "192.0.2.1:4059".to_owned(),
            station,
            firmware: takes_firmware.then(|| Firmware {
                folder: folder.path().to_owned(),
                is_genuine: Arc::new(|image| image.ends_with(SIGNED)),
            }),
        });
        Self { folder, management, nodes, spool, wans: 0 }
    }

    fn push(&self, apdu: &[u8]) -> u64 {
        self.live(apdu).sequence
    }

    /// Takes a push; what is said of it to who takes pushes.
    fn live(&self, apdu: &[u8]) -> LivePush {
        let nodes = self.nodes.lock().unwrap();
        let node = nodes.get(NodeId(0)).unwrap();
        let name = NAME.as_bytes().try_into().unwrap();
        let clock = Box::new(|| NOW_MS + 250);
        let said =
            SpoolSink::new(name, self.spool.clone(), clock).push(&Pushed { node, client: 1, apdu });
        let said = said.unwrap().which;
        let said = DataNotification::decode(&said).unwrap();
        LivePush::from_data(&said.body.data().unwrap()).unwrap()
    }

    async fn connect(&mut self, config: ClientConfig) -> Result<Client, client::Error> {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let mut port = self.management.port(WanId(self.wans));
        self.wans += 1;
        tokio::spawn(async move {
            let served = serve_wrapper(far, &mut port, &WrapperServerConfig::default()).await;
            served.unwrap();
        });
        let source = match config.mechanism {
            Mechanism::Lowest => 16,
            Mechanism::Lls if config.secret == READING.into() => 2,
            _ => 1,
        };
        let line = LineConfig { client: source, ..LineConfig::default() };
        let line = Line::wrapper_in_memory(near, &line, Trace::off());
        let counters = ForgetfulCounters::starting_at(1 + 1_000 * self.wans);
        Client::over(line, config, Some(Box::new(counters))).await
    }

    async fn management(&mut self) -> Client {
        self.connect(gmac()).await.unwrap()
    }
}

fn keys() -> Credentials {
    Credentials {
        keys: Some(Keys {
            title: "4448450000000001".parse().unwrap(),
            encryption: "000102030405060708090A0B0C0D0E0F".parse().unwrap(),
            authentication: "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF".parse().unwrap(),
        }),
        ..Credentials::default()
    }
}

fn gmac() -> ClientConfig {
    let keys = keys().keys.unwrap();
    ClientConfig {
        mechanism: Mechanism::HlsGmac,
        system_title: "434C49454E543031".parse().ok(),
        ciphering: Some(Ciphering {
            suite: SecuritySuite::Suite0,
            protection: Protection::AUTHENTICATED_ENCRYPTED,
            encryption_key: keys.encryption,
            authentication_key: Some(keys.authentication),
            dedicated: false,
            general: false,
        }),
        ..ClientConfig::default()
    }
}

fn data(name: LogicalName) -> AttributeDescriptor {
    AttributeDescriptor::new(ClassId::DATA, name, 2)
}

const SAPS: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::SAP_ASSIGNMENT, LogicalName::SAP_ASSIGNMENT, 2);
const CONNECT: MethodDescriptor =
    MethodDescriptor::new(ClassId::SAP_ASSIGNMENT, LogicalName::SAP_ASSIGNMENT, 1);
const BUFFER: AttributeDescriptor = AttributeDescriptor::new(ClassId::PROFILE_GENERIC, SPOOL, 2);

async fn value(client: &Client, attribute: AttributeDescriptor) -> DataBuf {
    let octets = client.read(attribute).await.unwrap().unwrap();
    RawData::from_octets(&octets).unwrap().data().unwrap().to_buf().unwrap()
}

async fn saps(client: &Client) -> Vec<SapAssignmentItem> {
    let octets = client.read(SAPS).await.unwrap().unwrap();
    let raw = RawData::from_octets(&octets).unwrap();
    SapAssignmentItem::list_from_data(&raw.data().unwrap()).unwrap()
}

fn item(sap: u16, name: &str) -> DataBuf {
    SapAssignmentItem { sap, logical_device_name: name.as_bytes().to_vec() }.to_data()
}

async fn rows(client: &Client, range: &RangeDescriptor) -> Vec<SpoolRow> {
    let selection = Selection { selector: 1, parameters: range.to_data().to_octets() };
    let octets = client.read_selected(BUFFER, Some(selection)).await.unwrap().unwrap();
    let raw = RawData::from_octets(&octets).unwrap();
    let rows = raw.data().unwrap();
    rows.as_array().unwrap().map(|row| SpoolRow::from_data(&row.unwrap()).unwrap()).collect()
}

#[tokio::test]
async fn the_management_client_reads_1200_meters_and_the_concentrator_itself() {
    let mut bench = Bench::new(1_200, keys());
    let client = bench.management().await;
    let saps = saps(&client).await;
    assert_eq!(saps.len(), 1_201);
    assert_eq!((saps[0].sap, &saps[0].logical_device_name[..]), (1, NAME.as_bytes()));
    assert_eq!(saps[1].sap, 16);
    // 126 SAPs out of 16,239 are left out, 9 of them below the last one here.
    assert_eq!(saps[1_200].sap, 16 + 1_199 + 9);
    assert_eq!(value(&client, data(METERS)).await, DataBuf::LongUnsigned(1_200));
    assert_eq!(value(&client, data(TABLE_EPOCH)).await, DataBuf::DoubleLongUnsigned(1_200));
}

#[tokio::test]
async fn the_public_client_sees_name_and_clock_and_the_list_only_where_that_is_configured() {
    let denied = Ok(Err(DataAccessResult::ReadWriteDenied));
    let mut bench = Bench::new(2, keys());
    let client = bench.connect(ClientConfig::default()).await.unwrap();
    let name = value(&client, data(LogicalName::LOGICAL_DEVICE_NAME)).await;
    assert_eq!(name, DataBuf::octet_string(NAME.as_bytes()));
    let clock = AttributeDescriptor::new(ClassId::CLOCK, LogicalName::CLOCK, 2);
    let now = DataBuf::octet_string([7, 234, 9, 21, 1, 14, 13, 20, 0, 0, 0, 0]);
    assert_eq!(value(&client, clock).await, now);
    for attribute in [SAPS, data(METERS), data(EPOCH), BUFFER, data(SPOOL_ENTRY)] {
        assert_eq!(client.read(attribute).await, denied, "{attribute}");
    }

    let mut bench = Bench::new(2, Credentials { public_sap_list: true, ..keys() });
    let client = bench.connect(ClientConfig::default()).await.unwrap();
    assert_eq!(saps(&client).await.len(), 3);
    let detach = client.invoke(CONNECT, Some(&item(0, "ABC0000000000000"))).await;
    assert_eq!(detach, Ok(Err(ActionResult::ReadWriteDenied)));
    assert_eq!(client.read(BUFFER).await, denied);
}

#[tokio::test]
async fn a_client_without_the_keys_or_without_protection_is_nobody() {
    let mut bench = Bench::new(0, keys());
    let other = Ciphering { encryption_key: [7; 16].into(), ..gmac().ciphering.unwrap() };
    let open = Ciphering { protection: Protection::AUTHENTICATED, ..gmac().ciphering.unwrap() };
    let password =
        ClientConfig { mechanism: Mechanism::Lls, secret: "12345678".into(), ..Default::default() };
    for config in [
        ClientConfig { ciphering: Some(other), ..gmac() },
        ClientConfig { ciphering: Some(open), ..gmac() },
        password.clone(),
    ] {
        let mechanism = config.mechanism;
        assert!(bench.connect(config).await.is_err(), "{mechanism:?}");
    }
    // Where it is configured, a password is enough, and a wrong one is not.
    let password_only =
        || Credentials { password: Some(Secret::from("12345678")), ..Credentials::default() };
    let mut bench = Bench::new(3, password_only());
    let client = bench.connect(password.clone()).await.unwrap();
    assert_eq!(saps(&client).await.len(), 4);
    let wrong = ClientConfig { secret: "12345679".into(), ..password };
    assert!(bench.connect(wrong).await.is_err());
}

#[tokio::test]
async fn connect_logical_device_moves_a_meter_takes_it_away_and_brings_it_back() {
    let mut bench = Bench::new(3, keys());
    let client = bench.management().await;
    let invoke = async |sap, name| client.invoke(CONNECT, Some(&item(sap, name))).await.unwrap();
    assert_eq!(invoke(527, "ABC0000000000001").await, Ok(None));
    assert_eq!(invoke(0, "ABC0000000000002").await, Ok(None));
    let list: Vec<u16> = saps(&client).await.iter().map(|item| item.sap).collect();
    assert_eq!(list, [1, 16, 527]);
    assert_eq!(invoke(18, "ABC0000000000002").await, Ok(None));
    assert_eq!(saps(&client).await.len(), 4);

    assert_eq!(invoke(16, "ABC0000000000001").await, Err(ActionResult::OtherReason));
    assert_eq!(invoke(5, "ABC0000000000001").await, Err(ActionResult::OtherReason));
    assert_eq!(invoke(600, "ABC0000000000009").await, Err(ActionResult::ObjectUndefined));
    assert_eq!(invoke(600, NAME).await, Err(ActionResult::ReadWriteDenied));
    assert_eq!(saps(&client).await.len(), 4);
}

#[tokio::test]
async fn the_spool_is_read_by_number_and_by_position_and_acknowledged_by_writing() {
    let mut bench = Bench::new(1, keys());
    for number in 1..=5 {
        assert_eq!(bench.push(&[0x0F, number]), u64::from(number));
    }
    assert!(bench.spool.flush());
    let client = bench.management().await;
    let read = rows(&client, &spool_range(2, 4)).await;
    let numbers: Vec<u64> = read.iter().map(|row| row.sequence).collect();
    assert_eq!(numbers, [2, 3, 4]);
    let first = &read[0];
    assert_eq!((first.sap, first.client, first.epoch), (16, 1, 1));
    assert_eq!((&first.name[..], &first.apdu[..]), (&b"ABC0000000000000"[..], &[0x0F, 2][..]));
    assert_eq!(first.arrived.to_string(), "2026-09-21T14:13:20.25Z");

    // The second and third entry, the APDU only.
    let entry = DataBuf::structure([2_u32.into(), 3_u32.into(), 6_u16.into(), 6_u16.into()]);
    let selection = Selection { selector: 2, parameters: entry.to_octets() };
    let octets = client.read_selected(BUFFER, Some(selection)).await.unwrap().unwrap();
    assert_eq!(octets, [1, 2, 2, 1, 9, 2, 0x0F, 2, 2, 1, 9, 2, 0x0F, 3]);
    // The columns capture what the newest row is read from.
    let DataBuf::Structure(newest) = value(&client, data(SPOOL_ENTRY)).await else { panic!() };
    assert_eq!((newest.len(), &newest[0]), (6, &DataBuf::Long64Unsigned(5)));
    assert_eq!(SPOOL_COLUMNS[6].data_index, 6);

    let acknowledged = data(SPOOL_ACKNOWLEDGED);
    let too_many = client.write(acknowledged, &DataBuf::Long64Unsigned(6)).await.unwrap();
    assert_eq!(too_many, Err(DataAccessResult::OtherReason));
    let some = client.write(acknowledged, &DataBuf::Long64Unsigned(3)).await.unwrap();
    assert_eq!(some, Ok(()));
    assert!(bench.spool.flush());
    assert_eq!(value(&client, acknowledged).await, DataBuf::Long64Unsigned(3));
    assert_eq!(rows(&client, &spool_range(0, u64::MAX)).await.len(), 2);
    assert_eq!(value(&client, data(SPOOL_NEXT)).await, DataBuf::Long64Unsigned(6));
}

#[tokio::test]
async fn what_is_passed_on_at_once_is_called_as_in_the_spool() {
    let mut bench = Bench::new(1, keys());
    let live = bench.live(&[0x0F, 1]);
    assert!(bench.spool.flush());
    let client = bench.management().await;
    let row = rows(&client, &spool_range(0, u64::MAX)).await.remove(0);
    let SpoolRow { sequence, arrived, sap, client, name, epoch, .. } = row;
    let concentrator = NAME.as_bytes().to_vec();
    assert_eq!(live, LivePush { concentrator, epoch, sequence, arrived, sap, client, name });
}

#[tokio::test]
async fn a_spool_that_is_longer_than_an_answer_is_read_from_where_the_last_one_ended() {
    let mut bench = Bench::new(1, keys());
    // 3 MB of pushes.
    for number in 0..3_000_u16 {
        bench.push(&[&number.to_be_bytes()[..], &[0; 1_022]].concat());
    }
    assert!(bench.spool.flush());
    let client = bench.management().await;
    let (mut next, mut answers) = (0, 0);
    loop {
        let read = rows(&client, &spool_range(next, u64::MAX)).await;
        let Some(last) = read.last() else { break };
        assert!(read.iter().zip(next.max(1)..).all(|(row, number)| row.sequence == number));
        next = last.sequence + 1;
        answers += 1;
    }
    assert_eq!((next, answers), (3_001, 3));
}

#[tokio::test]
async fn the_epoch_is_raised_by_the_management_client_and_never_lowered() {
    let mut bench = Bench::new(0, keys());
    let client = bench.management().await;
    let write = async |epoch: u32| client.write(data(EPOCH), &epoch.into()).await.unwrap();
    assert_eq!(write(4).await, Ok(()));
    assert_eq!(write(4).await, Ok(()));
    assert_eq!(write(3).await, Err(DataAccessResult::ReadWriteDenied));
    assert_eq!(value(&client, data(EPOCH)).await, DataBuf::DoubleLongUnsigned(4));
    let events =
        AttributeDescriptor::new(ClassId::PROFILE_GENERIC, LogicalName([0, 0, 99, 98, 0, 255]), 2);
    let DataBuf::Array(events) = value(&client, events).await else { panic!() };
    let codes: Vec<&DataBuf> = events
        .iter()
        .map(|row| match row {
            DataBuf::Structure(cells) => &cells[1],
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [event::STARTED, event::EPOCH_RAISED].map(DataBuf::LongUnsigned);
    assert_eq!(codes, [&expected[0], &expected[1]]);
}

#[tokio::test]
async fn what_was_sent_before_a_restart_is_refused_after_it() {
    let mut bench = Bench::new(0, keys());
    let client = bench.management().await;
    client.release().await.unwrap();
    let Bench { folder, nodes, management, spool, .. } = bench;
    drop((management, spool));
    // The bench after it starts its counters as this one did, as somebody with a recording would.
    let bench = &mut Bench::open(folder, nodes, keys());
    assert!(bench.connect(gmac()).await.is_err());
    bench.wans = 5;
    assert!(bench.connect(gmac()).await.is_ok());
}

#[test]
fn it_says_that_it_is_there_and_that_its_list_has_changed() {
    let bench = Bench::new(2, keys());
    let told = |at_ms: i64| -> Vec<Announcement> {
        let apdus = core::iter::from_fn(|| bench.management.poll_push(at_ms));
        let announcement = |apdu: Vec<u8>| {
            let push = DataNotification::decode(&apdu).unwrap();
            Announcement::from_data(&push.body.data().unwrap()).unwrap()
        };
        apdus.map(announcement).collect()
    };
    let heartbeat = Announcement {
        setup: HEARTBEAT,
        name: NAME.as_bytes().to_vec(),
        epoch: 1,
        table_epoch: 2,
        spool_next: 1,
        meters: 2,
    };
    assert_eq!(told(0), vec![heartbeat.clone()]);
    assert_eq!(told(29_999), []);
    bench.push(&[0x0F]);
    bench.nodes.lock().unwrap().deregister(0, NodeId(1));
    let changed = Announcement { table_epoch: 3, spool_next: 2, meters: 1, ..heartbeat };
    assert_eq!(told(30_000), vec![changed.clone()]);
    assert_eq!(told(60_000), vec![changed.clone()]);
    let list = Announcement { setup: SAPS_CHANGED, ..changed.clone() };
    assert_eq!(told(90_000), [list, changed]);
}

#[tokio::test]
async fn a_push_setup_says_what_it_pushes_and_pushes_when_it_is_asked_to() {
    let mut bench = Bench::new(0, keys());
    let client = bench.management().await;
    assert!(bench.management.poll_push(0).is_some());
    assert!(bench.management.poll_push(0).is_none());
    let objects = AttributeDescriptor::new(ClassId::PUSH_SETUP, HEARTBEAT, 2);
    let octets = client.read(objects).await.unwrap().unwrap();
    let raw = RawData::from_octets(&octets).unwrap();
    let list = Vec::<dlms_core::cosem::value::PushObjectV0>::from_data(&raw.data().unwrap());
    let list = list.unwrap();
    assert_eq!((list.len(), list[0].name, list[2].name), (6, HEARTBEAT, EPOCH));
    let push = MethodDescriptor::new(ClassId::PUSH_SETUP, HEARTBEAT, 1);
    assert_eq!(client.invoke(push, Some(&DataBuf::Integer(0))).await, Ok(Ok(None)));
    assert!(bench.management.poll_push(0).is_some());
}

/// The objects in the list of the association of this name, and the modes of what the client may
/// do with them.
async fn listed(client: &Client, association: LogicalName) -> BTreeMap<LogicalName, DataBuf> {
    let list = AttributeDescriptor::new(ClassId::ASSOCIATION_LN, association, 2);
    let DataBuf::Array(objects) = value(client, list).await else { panic!() };
    let object = |object| match object {
        DataBuf::Structure(mut fields) => {
            let rights = fields.pop().unwrap();
            let DataBuf::OctetString(name) = fields.pop().unwrap() else { panic!() };
            (LogicalName(name.try_into().unwrap()), rights)
        }
        other => panic!("{other:?}"),
    };
    objects.into_iter().map(object).collect()
}

#[tokio::test]
async fn each_client_has_an_association_with_a_list_of_what_it_may_do_something_with() {
    let reading_password = Some(Secret::from(READING));
    let mut bench = Bench::new(0, Credentials { reading_password, ..keys() });
    let management = bench.management().await;
    let password =
        ClientConfig { mechanism: Mechanism::Lls, secret: READING.into(), ..Default::default() };
    let reading = bench.connect(password).await.unwrap();
    let public = bench.connect(ClientConfig::default()).await.unwrap();
    let [first, second, third] = device::ASSOCIATIONS;
    let current = LogicalName::CURRENT_ASSOCIATION;
    for (client, own, others, count) in [
        (&management, first, [second, third], 26),
        (&reading, second, [first, third], 26),
        (&public, third, [first, second], 5),
    ] {
        let list = listed(client, current).await;
        assert_eq!(list, listed(client, own).await);
        assert_eq!(list.len(), count, "{list:?}");
        for other in others {
            assert!(!list.contains_key(&other), "{own}: {other}");
            let partners = AttributeDescriptor::new(ClassId::ASSOCIATION_LN, other, 3);
            assert_eq!(client.read(partners).await, Ok(Err(DataAccessResult::ReadWriteDenied)));
        }
    }
    let sees = listed(&public, current).await;
    let (name, counter) = (LogicalName::LOGICAL_DEVICE_NAME, LogicalName::INVOCATION_COUNTER);
    let expected = [LogicalName::CLOCK, current, third, name, counter];
    assert!(sees.keys().eq(&expected), "{sees:?}");

    // The reading client reads what the management client may write.
    assert_eq!(value(&reading, data(EPOCH)).await, DataBuf::DoubleLongUnsigned(1));
    let written = reading.write(data(EPOCH), &4_u32.into()).await;
    assert_eq!(written, Ok(Err(DataAccessResult::ReadWriteDenied)));
    let detach = reading.invoke(CONNECT, Some(&item(0, "ABC0000000000000"))).await;
    assert_eq!(detach, Ok(Err(ActionResult::ReadWriteDenied)));
}

#[test]
fn no_key_and_no_password_is_in_a_debug_output() {
    let password = Some(Secret::from("hunter22"));
    let bench = Bench::new(0, Credentials { password, ..keys() });
    let shown = format!("{:?} {:?}", bench.management, bench.management.0.lock().unwrap().device);
    let shown = shown.to_lowercase();
    assert!(!shown.contains("hunter22") && !shown.contains("00010203"), "{shown}");
    assert!(!shown.contains("104, 117, 110") && !shown.contains("0, 1, 2, 3"), "{shown}");
}

fn codes(bench: &Bench) -> Vec<u16> {
    let inner = bench.management.lock();
    inner.device.world().events.all().iter().map(|event| event.code).collect()
}

#[tokio::test]
async fn who_is_not_let_in_is_an_event_and_who_is_is_none() {
    let mut bench = Bench::new(0, keys());
    let client = bench.management().await;
    client.release().await.unwrap();
    bench.connect(ClientConfig::default()).await.unwrap();
    assert_eq!(codes(&bench), [event::STARTED]);
    let other = Ciphering { encryption_key: [7; 16].into(), ..gmac().ciphering.unwrap() };
    for _ in 0..3 {
        let config = ClientConfig { ciphering: Some(other.clone()), ..gmac() };
        assert!(bench.connect(config).await.is_err());
    }
    assert_eq!(codes(&bench), [event::STARTED, event::ACCESS_REFUSED]);
}

#[test]
fn a_wan_that_is_lost_and_back_is_two_events() {
    let bench = Bench::new(1, keys());
    for is_connected in [None, Some(true), Some(false), Some(true)] {
        bench.management.watch(is_connected);
    }
    assert_eq!(codes(&bench), [event::STARTED, event::WAN_LOST, event::WAN_BACK]);
}

#[tokio::test]
async fn what_deviates_at_the_station_is_an_event_and_is_pushed_with_what_is_there() {
    let mut bench = Bench::new(0, keys());
    assert!(bench.management.poll_push(0).is_some());
    bench.management.deviates(&[113, 123]);
    assert_eq!(codes(&bench), [event::STARTED, 113, 123]);
    let apdu = bench.management.poll_push(0).unwrap();
    let push = DataNotification::decode(&apdu).unwrap();
    let DataBuf::Structure(body) = push.body.data().unwrap().to_buf().unwrap() else { panic!() };
    let name = DataBuf::octet_string(NAME.as_bytes());
    assert_eq!(body[..3], [STATION_DEVIATES.to_data(), name, DataBuf::LongUnsigned(123)]);
    assert!(bench.management.poll_push(0).is_none());

    // It says what it pushes, and each of that can be read; nothing was measured yet.
    let client = bench.management().await;
    let setup = AttributeDescriptor::new(ClassId::PUSH_SETUP, STATION_DEVIATES, 2);
    let DataBuf::Array(list) = value(&client, setup).await else { panic!() };
    assert_eq!((list.len(), body.len()), (9, 9));
    let l1 = LogicalName([1, 0, 32, 7, 0, 255]);
    let voltage = |number| AttributeDescriptor::new(ClassId::REGISTER, l1, number);
    assert_eq!(value(&client, voltage(2)).await, DataBuf::Null);
    let volts = DataBuf::structure([DataBuf::Integer(-1), DataBuf::Enum(35)]);
    assert_eq!(value(&client, voltage(3)).await, volts);
}

const IMAGE: LogicalName = LogicalName([0, 0, 44, 0, 0, 255]);

async fn image_status(client: &Client) -> DataBuf {
    value(client, AttributeDescriptor::new(ClassId::IMAGE_TRANSFER, IMAGE, 6)).await
}

fn image_of(len: u32) -> Vec<u8> {
    (0..len).map(|number| (number % 251) as u8).chain(SIGNED.iter().copied()).collect()
}

async fn image_method(client: &Client, method: i8, parameter: DataBuf) -> Result<(), ActionResult> {
    let method = MethodDescriptor::new(ClassId::IMAGE_TRANSFER, IMAGE, method);
    client.invoke(method, Some(&parameter)).await.unwrap().map(|_| ())
}

fn initiate(image: &[u8]) -> DataBuf {
    DataBuf::structure([DataBuf::octet_string("fw-2"), (image.len() as u32).into()])
}

fn block(image: &[u8], number: u32) -> DataBuf {
    let blocks: Vec<&[u8]> = image.chunks(1_024).collect();
    DataBuf::structure([number.into(), DataBuf::octet_string(blocks[number as usize])])
}

/// Has an image verified, and waits until it is decided.
async fn verified(client: &Client) -> DataBuf {
    let temporary = Err(ActionResult::TemporaryFailure);
    assert_eq!(image_method(client, 3, DataBuf::Integer(0)).await, temporary);
    loop {
        let status = image_status(client).await;
        if status != DataBuf::Enum(2) {
            return status;
        }
    }
}

#[tokio::test]
async fn a_firmware_is_taken_in_any_order_verified_and_handed_to_who_activates_it() {
    let mut bench = Bench::new(0, keys());
    let client = bench.management().await;
    let image = image_of(2_500);
    let send = async |number| image_method(&client, 2, block(&image, number)).await;
    assert_eq!(send(0).await, Err(ActionResult::OtherReason));
    assert_eq!(image_method(&client, 1, initiate(&image)).await, Ok(()));
    assert_eq!((send(2).await, send(0).await), (Ok(()), Ok(())));
    let unfinished = image_method(&client, 3, DataBuf::Integer(0)).await;
    assert_eq!(unfinished, Err(ActionResult::OtherReason));
    assert_eq!(image_status(&client).await, DataBuf::Enum(4));
    let missing = AttributeDescriptor::new(ClassId::IMAGE_TRANSFER, IMAGE, 4);
    assert_eq!(value(&client, missing).await, DataBuf::DoubleLongUnsigned(1));
    // A signature that is none, and the same block again as it should be.
    let mut forged = image.clone();
    forged[2_563] ^= 1;
    assert_eq!(send(1).await, Ok(()));
    assert_eq!(image_method(&client, 2, block(&forged, 2)).await, Ok(()));
    assert_eq!(verified(&client).await, DataBuf::Enum(4));
    assert_eq!(send(2).await, Ok(()));
    assert_eq!(verified(&client).await, DataBuf::Enum(3));
    assert_eq!(bench.management.poll_event(), None);
    let activating = image_method(&client, 4, DataBuf::Integer(0)).await;
    assert_eq!(activating, Err(ActionResult::TemporaryFailure));
    let file = bench.folder.path().join("image.verified");
    assert_eq!(std::fs::read(&file).unwrap(), image);
    let event = ManagementEvent::ActivateImage { file, identifier: b"fw-2".to_vec() };
    assert_eq!((bench.management.poll_event(), bench.management.poll_event()), (Some(event), None));
    assert_eq!(image_status(&client).await, DataBuf::Enum(5));
    bench.management.image_activated(true);
    assert_eq!(image_status(&client).await, DataBuf::Enum(6));
}

/// The bench again, as after a power cut; the counters of its clients go on, beyond those that it
/// takes for used.
async fn after_a_power_cut(bench: Bench) -> Bench {
    let Bench { folder, nodes, management, spool, wans } = bench;
    // Its connections end as their clients do.
    while Arc::strong_count(&management.0) > 1 {
        tokio::task::yield_now().await;
    }
    drop((management, spool));
    Bench { wans: wans + 5, ..Bench::open(folder, nodes, keys()) }
}

#[tokio::test]
async fn a_transfer_goes_on_after_a_power_cut_with_the_blocks_that_are_on_the_disk() {
    let mut bench = Bench::new(0, keys());
    let image = image_of(200 * 1_024);
    let came = AttributeDescriptor::new(ClassId::IMAGE_TRANSFER, IMAGE, 3);
    let bits = async |client: &Client| match value(client, came).await {
        DataBuf::BitString(bits) => bits.view().iter().collect::<Vec<bool>>(),
        other => panic!("{other:?}"),
    };
    let client = bench.management().await;
    assert_eq!(image_method(&client, 1, initiate(&image)).await, Ok(()));
    for number in 0..70 {
        assert_eq!(image_method(&client, 2, block(&image, number)).await, Ok(()));
    }
    // What is kept is kept by another thread.
    let kept = bench.folder.path().join("image.json");
    while !std::fs::read_to_string(&kept).is_ok_and(|text| text.contains("true")) {
        tokio::task::yield_now().await;
    }
    drop(client);
    let mut bench = after_a_power_cut(bench).await;
    let client = bench.management().await;
    assert_eq!(image_status(&client).await, DataBuf::Enum(1));
    let bits = bits(&client).await;
    assert_eq!(bits.len(), 201);
    let there = bits.iter().filter(|came| **came).count();
    assert!((64..=70).contains(&there), "{there}");
    for number in (0..).zip(&bits).filter(|(_, came)| !**came).map(|(number, _)| number) {
        assert_eq!(image_method(&client, 2, block(&image, number)).await, Ok(()));
    }
    assert_eq!(verified(&client).await, DataBuf::Enum(3));
    // What was verified stays so; and activated it is when the image has become the program.
    drop(client);
    let mut bench = after_a_power_cut(bench).await;
    let client = bench.management().await;
    assert_eq!(image_status(&client).await, DataBuf::Enum(3));
    drop(client);
    for (installed, status) in [(false, 7), (true, 6)] {
        let client = bench.management().await;
        let activating = image_method(&client, 4, DataBuf::Integer(0)).await;
        assert_eq!(activating, Err(ActionResult::TemporaryFailure));
        drop(client);
        if installed {
            std::fs::remove_file(bench.folder.path().join("image.verified")).unwrap();
        }
        bench = after_a_power_cut(bench).await;
        let client = bench.management().await;
        assert_eq!(image_status(&client).await, DataBuf::Enum(status));
    }
}

#[tokio::test]
async fn without_a_way_to_activate_it_no_firmware_is_taken() {
    let folder = Scratch::new();
    let nodes = Arc::new(Mutex::new(Nodes::new(Pool::Extended)));
    let mut bench = Bench::open_with(folder, nodes, keys(), false);
    let client = bench.management().await;
    let enabled = AttributeDescriptor::new(ClassId::IMAGE_TRANSFER, IMAGE, 5);
    assert_eq!(value(&client, enabled).await, DataBuf::Boolean(false));
    let refused = image_method(&client, 1, initiate(&image_of(100))).await;
    assert_eq!(refused, Err(ActionResult::ReadWriteDenied));
}

#[tokio::test]
async fn who_is_not_known_leaves_nothing_behind_and_locks_nobody_out() {
    let mut bench = Bench::new(0, keys());
    let mut answers = 0;
    for client in (0..=u16::MAX).filter(|client| ![1, 16].contains(client)) {
        let (mut aarq, mut out) = (vec![0x60, 0x00], Vec::new());
        answers += usize::from(bench.management.handle(WanId(0), client, &mut aarq, &mut out));
    }
    assert!(bench.management.lock().associations.is_empty(), "{answers} answers");
    bench.management().await;
}

#[tokio::test]
async fn who_has_keys_protects_each_request_whatever_a_password_may_do_beside() {
    let password = || Secret::from("12345678");
    let mut bench = Bench::new(0, Credentials { password: Some(password()), ..keys() });
    let with = |protection| {
        let ciphering = Ciphering { protection, ..gmac().ciphering.unwrap() };
        ClientConfig { ciphering: Some(ciphering), ..gmac() }
    };
    let policy =
        AttributeDescriptor::new(ClassId::SECURITY_SETUP, LogicalName([0, 0, 43, 0, 0, 255]), 2);
    for protection in [Protection::ENCRYPTED, Protection::AUTHENTICATED] {
        let client = bench.connect(with(protection)).await.unwrap();
        let denied = Ok(Err(DataAccessResult::ReadWriteDenied));
        assert_eq!(client.read(data(EPOCH)).await, denied, "{protection:?}");
        let raised = client.write(data(EPOCH), &DataBuf::from(4_u32)).await;
        assert_eq!(raised, Ok(Err(DataAccessResult::ReadWriteDenied)), "{protection:?}");
    }
    let client = bench.management().await;
    assert_eq!(value(&client, data(EPOCH)).await, DataBuf::DoubleLongUnsigned(1));
    assert_eq!(value(&client, policy).await, DataBuf::Enum(3));
    let lls =
        ClientConfig { mechanism: Mechanism::Lls, secret: password(), ..ClientConfig::default() };
    let client = bench.connect(lls).await.unwrap();
    assert_eq!(value(&client, data(EPOCH)).await, DataBuf::DoubleLongUnsigned(1));
    assert_eq!(value(&client, policy).await, DataBuf::Enum(0));
}
