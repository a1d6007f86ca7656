//! The management device, asked by our client over the wrapper.

use dlms_core::{
    acse::Mechanism,
    association::{Ciphering, ClientConfig, Selection},
    axdr::{DataBuf, RawData},
    cosem::{
        AttributeDescriptor, ClassId, LogicalName, MethodDescriptor, RangeDescriptor,
        concentrator::{
            Announcement, EPOCH, HEARTBEAT, LivePush, METERS, SAPS_CHANGED, SPOOL,
            SPOOL_ACKNOWLEDGED, SPOOL_COLUMNS, SPOOL_ENTRY, SPOOL_NEXT, SpoolRow, TABLE_EPOCH,
            spool_range,
        },
        value::CosemValue,
    },
    device::SapAssignmentItem,
    security::{CryptoProvider, Protection, Secret, SecuritySuite},
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
        let limits = spool::SpoolLimits::default();
        let Opened { spool, state, counters, events } =
            state::open(folder.path(), limits, 1).unwrap();
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

#[tokio::test]
async fn an_object_list_tells_each_client_what_it_may_do() {
    let mut bench = Bench::new(0, keys());
    let list =
        AttributeDescriptor::new(ClassId::ASSOCIATION_LN, LogicalName::CURRENT_ASSOCIATION, 2);
    let client = bench.management().await;
    let DataBuf::Array(objects) = value(&client, list).await else { panic!() };
    assert_eq!(objects.len(), 18);
    let public = bench.connect(ClientConfig::default()).await.unwrap();
    assert_ne!(value(&public, list).await, DataBuf::Array(objects));
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

const IMAGE: LogicalName = LogicalName([0, 0, 44, 0, 0, 255]);

async fn image_status(client: &Client) -> DataBuf {
    value(client, AttributeDescriptor::new(ClassId::IMAGE_TRANSFER, IMAGE, 6)).await
}

#[tokio::test]
async fn a_firmware_is_taken_in_any_order_verified_and_handed_to_who_activates_it() {
    let mut bench = Bench::new(0, keys());
    let client = bench.management().await;
    let image = {
        let mut image: Vec<u8> = (0..2_500_u32).map(|number| (number % 251) as u8).collect();
        let sum = crypto::Provider.sha256(&[&image]).unwrap();
        image.extend(sum);
        image
    };
    let invoke = async |method, parameter: DataBuf| {
        let method = MethodDescriptor::new(ClassId::IMAGE_TRANSFER, IMAGE, method);
        client.invoke(method, Some(&parameter)).await.unwrap().map(|_| ())
    };
    let initiate = || DataBuf::structure([DataBuf::octet_string("fw-2"), 2_532_u32.into()]);
    assert_eq!(invoke(1, initiate()).await, Err(ActionResult::ReadWriteDenied));
    bench.management.keep_images_in(bench.folder.path().to_owned());

    let block = |number: u32| {
        let blocks: Vec<&[u8]> = image.chunks(1_024).collect();
        let octets = blocks[number as usize];
        DataBuf::structure([number.into(), DataBuf::octet_string(octets)])
    };
    assert_eq!(invoke(2, block(0)).await, Err(ActionResult::OtherReason));
    assert_eq!(invoke(1, initiate()).await, Ok(()));
    assert_eq!(invoke(2, block(2)).await, Ok(()));
    assert_eq!(invoke(2, block(0)).await, Ok(()));
    assert_eq!(invoke(3, DataBuf::Integer(0)).await, Err(ActionResult::OtherReason));
    assert_eq!(image_status(&client).await, DataBuf::Enum(4));
    let missing = AttributeDescriptor::new(ClassId::IMAGE_TRANSFER, IMAGE, 4);
    assert_eq!(value(&client, missing).await, DataBuf::DoubleLongUnsigned(1));
    // A wrong octet, and the same block again as it should be.
    let wrong = DataBuf::structure([1_u32.into(), DataBuf::octet_string([7; 1_024])]);
    for (sent, expected) in [(wrong, 4), (block(1), 3)] {
        assert_eq!(invoke(2, sent).await, Ok(()));
        let temporary = Err(ActionResult::TemporaryFailure);
        assert_eq!(invoke(3, DataBuf::Integer(0)).await, temporary);
        let status = loop {
            let status = image_status(&client).await;
            if status != DataBuf::Enum(2) {
                break status;
            }
        };
        assert_eq!(status, DataBuf::Enum(expected));
    }
    assert_eq!(bench.management.poll_event(), None);
    let activating = invoke(4, DataBuf::Integer(0)).await;
    assert_eq!(activating, Err(ActionResult::TemporaryFailure));
    let file = bench.folder.path().join("image.verified");
    assert_eq!(std::fs::read(&file).unwrap(), image);
    let event = ManagementEvent::ActivateImage { file, identifier: b"fw-2".to_vec() };
    assert_eq!((bench.management.poll_event(), bench.management.poll_event()), (Some(event), None));
    assert_eq!(image_status(&client).await, DataBuf::Enum(5));
    bench.management.image_activated(true);
    assert_eq!(image_status(&client).await, DataBuf::Enum(6));
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
