//! The concentrator reads simulated meters by itself, with their reading client: what it stores is
//! what the meter has, and what the client must not do is refused.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use core::time::Duration;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    sync::{Arc, Mutex},
};

use concentrator::{
    collection::{
        Calendar, Cause, Deed, Job, Keep, KeyFile, Ledger, Order, Outcome, OwnClock,
        OwnClockLimits, Planner, PlannerConfig, ReaderConfig, Reason, Report, Ring, RingLimits,
        Setting, Stores, Task, TimeLimits, TimeVerdict, Upload, What, Whom, read,
    },
    nodes::LogicalDeviceName,
};
use dlms_core::{
    acse::Mechanism,
    association::ClientConfig,
    axdr::DataBuf,
    cosem::{AttributeDescriptor, ClassId, LogicalName, MethodDescriptor},
    security::{Protection, Secret, SystemTitle},
    xdlms::{ActionResult, DataAccessResult},
};
use dlms_tests::{Folder, ProfileMeter, profile_meter};
use dlms_tokio::{Line, LineConfig, Trace, client::Client};
use simulator::{
    AnswerConfig, Meter, MeterClient, MeterConfig, READING_CLIENT, WallClock, serve_wrapper_stream,
};
use tokio::io::DuplexStream;

/// 2026-01-15T12:00:00Z.
const NOON: i64 = 1_768_478_400;
const QUARTER_S: i64 = 900;
/// Rows of the profile: five days.
const ENTRIES: u32 = 480;
const PROFILE: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::PROFILE_GENERIC, LogicalName([1, 0, 99, 1, 0, 255]), 2);
const EVENTS: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::PROFILE_GENERIC, LogicalName([0, 0, 99, 98, 0, 255]), 2);
const ENERGY: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::REGISTER, LogicalName([1, 0, 1, 8, 0, 255]), 2);

struct Bench {
    folder: Folder,
    stores: Stores,
    meter: Arc<Mutex<Meter>>,
    now: Arc<Mutex<i64>>,
    config: ReaderConfig,
    planner: Planner,
    orders: u64,
}

impl Bench {
    /// A strict meter whose clock is ahead by so much, and a concentrator that knows it.
    fn new(ahead_s: i64) -> Self {
        let now = Arc::new(Mutex::new(NOON));
        let shown = Arc::clone(&now);
        let config = MeterConfig {
            entries: ENTRIES,
            clients: MeterClient::strict(),
            clock: WallClock::new(move || *shown.lock().expect("nobody panicked") + ahead_s),
            ..MeterConfig::default()
        };
        let meter = Arc::new(Mutex::new(Meter::new(7, Arc::new(config))));
        let association = ClientConfig {
            mechanism: Mechanism::Lls,
            secret: Secret::from("12345678"),
            ..ClientConfig::default()
        };
        let config =
            ReaderConfig { client: READING_CLIENT, association, ..ReaderConfig::default() };
        let folder = Folder::new();
        let stores = stores(&folder);
        let own_clock = OwnClockLimits { since_comparison_max_s: None, deviation_max_ms: 0 };
        let mut planner =
            Planner::new(Vec::new(), PlannerConfig { own_clock, ..PlannerConfig::default() });
        planner.add_meter(NOON, name(), None);
        Self { folder, stores, meter, now, config, planner, orders: 0 }
    }

    fn connect(&self) -> DuplexStream {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let meter = Arc::clone(&self.meter);
        tokio::spawn(async move {
            serve_wrapper_stream(meter, far, AnswerConfig::default()).await.expect("a pipe");
        });
        near
    }

    async fn does(&mut self, what: What) -> Report {
        let now = *self.now.lock().expect("nobody panicked");
        self.orders += 1;
        let order = Order {
            id: self.orders,
            issued_s: now,
            begins_s: now,
            expires_s: now + 60,
            whom: Whom::default(),
            what,
            priority: 1,
        };
        self.planner.handle_order(now, order).expect("a meter is meant");
        let job: Job = self.planner.poll_job(now, &OwnClock::default()).expect("it is due");
        let clock = Arc::clone(&self.now);
        let now_ms = move || *clock.lock().expect("nobody panicked") * 1_000 + 500;
        // The meter is at SAP 1 of its own stream; the exchange would take any other there.
        let report = read(self.connect(), 1, &job, &self.config, &self.stores, &now_ms).await;
        self.planner.handle_outcome(now, job.id, report.outcome);
        report
    }

    /// A job that reads the profile, of a task.
    fn job_of_task(&self) -> Job {
        let now_s = *self.now.lock().expect("nobody panicked");
        job(What::Read(vec![PROFILE], Keep::Ordinary), None, now_s)
    }

    fn uploads(&self, attribute: AttributeDescriptor) -> Vec<Upload> {
        let mut uploads = self.stores.ring.uploads(u32::MAX).expect("it is readable");
        uploads.retain(|upload| upload.block.attribute == attribute);
        uploads.sort_by_key(|upload| upload.block.day);
        uploads
    }

    fn captured(&self) -> Vec<i64> {
        let uploads = self.uploads(PROFILE);
        uploads.iter().flat_map(|of| of.block.rows.iter().map(|row| row.captured_s)).collect()
    }
}

fn name() -> LogicalDeviceName {
    b"DHE0000000000007"[..].try_into().expect("a name")
}

fn stores(folder: &Folder) -> Stores {
    let ring = Ring::open(&folder.path().join("ring.db"), RingLimits::default());
    let ledger = Ledger::open(&folder.path().join("ledger.db"));
    Stores {
        ring: Arc::new(ring.expect("the folder is ours")),
        ledger: Arc::new(ledger.expect("the folder is ours")),
    }
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(test);
}

#[test]
fn what_a_meter_has_is_stored_once_however_often_it_is_read() {
    run(async {
        let mut bench = Bench::new(0);
        let all = || What::Read(vec![PROFILE, EVENTS, ENERGY], Keep::Billing);
        let report = bench.does(all()).await;
        assert_eq!(report.outcome, Outcome::Done);
        let captured = bench.captured();
        assert_eq!(captured.len(), ENTRIES as usize);
        let expected: Vec<i64> =
            (1..=480).rev().map(|back| NOON + QUARTER_S - back * QUARTER_S).collect();
        assert_eq!(captured, expected);
        let events = bench.uploads(EVENTS).iter().map(|of| of.block.rows.len()).sum::<usize>();
        assert_eq!(report.rows as usize, captured.len() + events + 1);
        assert_eq!(bench.uploads(ENERGY)[0].block.rows[0].captured_s, NOON);

        // At once again: nothing but the register, which has a value for each moment.
        *bench.now.lock().unwrap() += 1;
        assert_eq!(bench.does(all()).await.rows, 1);
        // After a restart and an hour: four quarters.
        *bench.now.lock().unwrap() += 3_600;
        bench.stores = stores(&bench.folder);
        let report = bench.does(What::Read(vec![PROFILE], Keep::Billing)).await;
        assert_eq!((report.outcome, report.rows), (Outcome::Done, 4));
        assert!(bench.captured().is_sorted_by(|one, other| one + QUARTER_S == *other));
        assert_eq!(bench.stores.ring.missing(9).unwrap(), []);
    });
}

#[test]
fn what_a_meter_has_overwritten_is_listed() {
    run(async {
        let mut bench = Bench::new(0);
        bench.does(What::Read(vec![PROFILE], Keep::Ordinary)).await;
        *bench.now.lock().unwrap() += 10 * 86_400;
        bench.does(What::Read(vec![PROFILE], Keep::Ordinary)).await;
        let missing = bench.stores.ring.missing(9).unwrap();
        let captured = bench.captured();
        assert_eq!(captured.len(), 2 * ENTRIES as usize);
        assert_eq!(missing.len(), 1, "{missing:?}");
        assert_eq!(missing[0].stretch.after_s, NOON);
        assert!(captured[480] - missing[0].stretch.until_s <= QUARTER_S);
    });
}

#[test]
fn a_wrong_password_is_no_reason_to_try_again() {
    run(async {
        let mut bench = Bench::new(0);
        bench.config.association.secret = Secret::from("87654321");
        let report = bench.does(What::Read(vec![PROFILE], Keep::Ordinary)).await;
        let refused = matches!(report.outcome, Outcome::Failed(Cause::Refused | Cause::Security));
        assert!(refused, "{report:?}");
    });
}

#[test]
fn a_clock_is_compared_and_the_meter_refuses_to_have_it_set_by_the_reading_client() {
    run(async {
        let limits = TimeLimits { setting: Some(Setting::Shift), ..TimeLimits::default() };
        for (ahead_s, expected) in [(5, TimeVerdict::Right), (1_000, TimeVerdict::TooFar)] {
            let mut bench = Bench::new(ahead_s);
            bench.config.time = limits;
            let report = bench.does(What::Time).await;
            assert_eq!((report.outcome, report.time), (Outcome::Done, Some(expected)));
        }
        let mut bench = Bench::new(100);
        let report = bench.does(What::Time).await;
        assert_eq!(report.time, Some(TimeVerdict::NotPermitted));
        bench.config.time = limits;
        let report = bench.does(What::Time).await;
        assert_eq!(report.outcome, Outcome::Failed(Cause::Refused));
    });
}

#[test]
fn a_clock_that_is_a_little_wrong_is_set_by_whoever_reads_the_meter_anyway() {
    run(async {
        for (setting, expected) in [(None, 100), (Some(Setting::Shift), 0)] {
            let mut bench = Bench::new(100);
            let shown = Arc::clone(&bench.now);
            let open = MeterConfig {
                entries: 4,
                clock: WallClock::new(move || *shown.lock().unwrap() + 100),
                ..MeterConfig::default()
            };
            bench.meter = Arc::new(Mutex::new(Meter::new(7, Arc::new(open))));
            bench.config.time = TimeLimits { setting, ..TimeLimits::default() };
            let job = bench.job_of_task();
            let clock = Arc::clone(&bench.now);
            let now_ms = move || *clock.lock().unwrap() * 1_000 + 500;
            let report =
                read(bench.connect(), 1, &job, &bench.config, &bench.stores, &now_ms).await;
            assert_eq!(report.outcome, Outcome::Done);
            bench.config.time = TimeLimits::default();
            let report = bench.does(What::Time).await;
            assert_eq!(report.value, DataBuf::DoubleLong(expected).to_octets(), "{setting:?}");
        }
    });
}

/// A meter with these rows, read by the reading client at its present time.
async fn read_profile(
    meter: &Arc<Mutex<ProfileMeter>>,
    stores: &Stores,
    deviation_min: Option<i16>,
) -> Report {
    let now_s = meter.lock().unwrap().now_s;
    let config = ReaderConfig { deviation_min, ..ReaderConfig::default() };
    let job = job(What::Read(vec![PROFILE], Keep::Billing), None, now_s);
    let now_ms = move || now_s * 1_000;
    read(ProfileMeter::serve(meter), 1, &job, &config, stores, &now_ms).await
}

/// A job for the meter, of an order or of a task.
fn job(what: What, order: Option<u64>, now_s: i64) -> Job {
    let own_clock = OwnClockLimits { since_comparison_max_s: None, deviation_max_ms: 0 };
    let config = PlannerConfig { own_clock, ..PlannerConfig::default() };
    let mut planner = Planner::new(Vec::new(), config);
    planner.add_meter(now_s, name(), None);
    let (issued_s, begins_s, expires_s) = (now_s, now_s, now_s + 60);
    let whom = Whom::default();
    let id = order.unwrap_or(1);
    let given = Order { id, issued_s, begins_s, expires_s, whom, what, priority: 1 };
    planner.handle_order(now_s, given).unwrap();
    let job = planner.poll_job(now_s, &OwnClock::default()).unwrap();
    Job { order, ..job }
}

#[test]
fn a_meter_that_was_without_power_is_read_from_the_last_row_on_and_nothing_is_called_overwritten() {
    run(async {
        let folder = Folder::new();
        let stores = stores(&folder);
        // Ten days of rows; then it was without power for ten days, and was read by nobody for
        // twelve.
        let begin_s = NOON - 22 * 86_400;
        let days = |from: i64, to: i64| {
            (from * 96..to * 96).map(|quarter| begin_s + quarter * QUARTER_S).collect::<Vec<i64>>()
        };
        let held = ProfileMeter::new(begin_s + 10 * 86_400, 900, days(0, 10));
        let meter = Arc::new(Mutex::new(held));
        assert_eq!(read_profile(&meter, &stores, None).await.rows, 960);
        // It had captured two days more before that.
        let captured = [days(10, 12), days(21, 22)].concat();
        *meter.lock().unwrap() = ProfileMeter::new(NOON, 900, [days(8, 10), captured].concat());
        assert_eq!(read_profile(&meter, &stores, None).await.rows, 3 * 96);
        let missing = stores.ring.missing(9).unwrap();
        assert_eq!(missing.len(), 1, "{missing:?}");
        assert_eq!(missing[0].stretch.reason, Reason::NotCaptured);
        assert_eq!(missing[0].stretch.after_s, begin_s + 12 * 86_400 - QUARTER_S);
        // And what it really has no more is told apart from that.
        *meter.lock().unwrap() = ProfileMeter::new(NOON + 9 * 86_400, 900, days(30, 31));
        assert_eq!(read_profile(&meter, &stores, None).await.rows, 96);
        assert_eq!(stores.ring.missing(9).unwrap()[1].stretch.reason, Reason::Overwritten);
    });
}

#[test]
fn a_meter_that_does_not_say_how_far_it_is_from_utc_is_not_called_read() {
    run(async {
        let folder = Folder::new();
        let stores = stores(&folder);
        let rows = (0..96).map(|back| NOON - 86_400 + back * QUARTER_S).collect();
        let mute = ProfileMeter { deviation: None, ..ProfileMeter::new(NOON, 900, rows) };
        let meter = Arc::new(Mutex::new(mute));
        let report = read_profile(&meter, &stores, None).await;
        assert_eq!((report.outcome, report.rows), (Outcome::Failed(Cause::Undated), 0));
        assert!(Cause::Undated.to_string().contains("collection.deviation-min"));
        assert_eq!(read_profile(&meter, &stores, Some(0)).await.rows, 96);
    });
}

#[test]
fn what_changes_something_is_done_once_and_looked_up_when_its_answer_is_lost() {
    run(async {
        let folder = Folder::new();
        let mut stores_ = stores(&folder);
        let meter = Arc::new(Mutex::new(ProfileMeter::new(NOON, 900, Vec::new())));
        let deed = Deed::Write(profile_meter::SWITCH, DataBuf::Unsigned(9).to_octets());
        let look_up = Some(profile_meter::SWITCH);
        let change = What::Change { deed, look_up };
        let config = ReaderConfig::default();
        let now_ms = || NOON * 1_000;
        // The association is answered, the write is done and its answer is lost.
        meter.lock().unwrap().answers_left = Some(2);
        let begun = job(change.clone(), Some(5), NOON);
        let stream = ProfileMeter::serve(&meter);
        let report = read(stream, 1, &begun, &config, &stores_, &now_ms).await;
        assert_eq!(report.outcome, Outcome::Failed(Cause::Unreachable));
        assert_eq!(meter.lock().unwrap().written, [9]);
        // The power goes as well. The next time nothing is written.
        stores_ = stores(&folder);
        meter.lock().unwrap().answers_left = None;
        let stream = ProfileMeter::serve(&meter);
        let report = read(stream, 1, &begun, &config, &stores_, &now_ms).await;
        assert_eq!(report.outcome, Outcome::Failed(Cause::Unknown));
        assert_eq!(report.value, DataBuf::octet_string([9]).to_octets());
        assert_eq!(meter.lock().unwrap().written, [9]);
        // Another order is another.
        let other = job(change, Some(6), NOON);
        let stream = ProfileMeter::serve(&meter);
        let report = read(stream, 1, &other, &config, &stores_, &now_ms).await;
        assert_eq!(report.outcome, Outcome::Done);
        assert_eq!(meter.lock().unwrap().written, [9, 9]);
    });
}

/// A bench whose reading client proves itself by GMAC and ciphers, with a key file of this text.
fn bench_with_keys(text: &str) -> Bench {
    let mut bench = Bench::new(0);
    let mut clients = MeterClient::strict();
    for client in clients.iter_mut().filter(|client| client.sap == READING_CLIENT) {
        client.mechanisms = vec![Mechanism::HlsGmac];
        client.protection = Protection::AUTHENTICATED_ENCRYPTED;
    }
    let now = Arc::clone(&bench.now);
    let clock = WallClock::new(move || *now.lock().expect("nobody panicked"));
    let config = MeterConfig { entries: ENTRIES, clients, clock, ..MeterConfig::default() };
    bench.meter = Arc::new(Mutex::new(Meter::new(7, Arc::new(config))));
    let file = bench.folder.path().join("keys");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    bench.config.keys = Some(Arc::new(KeyFile::read(&file).unwrap()));
    bench.config.association = ClientConfig {
        mechanism: Mechanism::HlsGmac,
        system_title: Some(SystemTitle(*b"DHCREAD1")),
        ..ClientConfig::default()
    };
    bench
}

const KEYS: &str = "000102030405060708090A0B0C0D0E0F D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF";

#[test]
fn a_reading_client_with_keys_reads_by_gmac_and_ciphered_and_its_counters_only_grow() {
    run(async {
        let mut bench = bench_with_keys(&format!("* {KEYS}\n"));
        let all = || What::Read(vec![PROFILE], Keep::Billing);
        let report = bench.does(all()).await;
        assert_eq!((report.outcome, report.rows), (Outcome::Done, ENTRIES));
        // After a power cut the meter takes the counters of the next association: they are greater.
        bench.stores = stores(&bench.folder);
        *bench.now.lock().unwrap() += 3_600;
        let report = bench.does(all()).await;
        assert_eq!((report.outcome, report.rows), (Outcome::Done, 4));
        // One that begins again from the first is refused: that is what the ledger is for.
        let ledger = Ledger::open(&bench.folder.path().join("another.db")).unwrap();
        bench.stores.ledger = Arc::new(ledger);
        let report = bench.does(all()).await;
        assert!(matches!(report.outcome, Outcome::Failed(_)), "{report:?}");
    });
}

#[test]
fn a_meter_for_which_there_is_no_key_or_a_wrong_one_is_not_read() {
    run(async {
        let wrong = KEYS.replace("0001", "FF01");
        for text in [format!("ABC0000000000001 {KEYS}\n"), format!("* {wrong}\n")] {
            let mut bench = bench_with_keys(&text);
            let report = bench.does(What::Read(vec![PROFILE], Keep::Billing)).await;
            assert!(
                matches!(report.outcome, Outcome::Failed(Cause::Security | Cause::Refused)),
                "{report:?}"
            );
        }
    });
}

#[test]
fn a_meter_refuses_the_reading_client_with_keys_what_is_for_the_head_end_alone() {
    run(async {
        let mut bench = bench_with_keys(&format!("* {KEYS}\n"));
        let key = DataBuf::array([DataBuf::structure([
            DataBuf::Enum(0),
            DataBuf::octet_string([0; 24]),
        ])]);
        for (class, instance, method, parameter) in [
            (ClassId::DISCONNECT_CONTROL, [0, 0, 96, 3, 10, 255], 1, DataBuf::Integer(0)),
            (ClassId::SECURITY_SETUP, [0, 0, 43, 0, 0, 255], 2, key),
            (ClassId::IMAGE_TRANSFER, [0, 0, 44, 0, 0, 255], 4, DataBuf::Integer(0)),
        ] {
            let method = MethodDescriptor::new(class, LogicalName(instance), method);
            let deed = Deed::Invoke(method, Some(parameter.to_octets()));
            // Past the check of orders, as a concentrator would ask that somebody else has altered.
            let report = bench.does(What::Change { deed, look_up: None }).await;
            assert_eq!(report.outcome, Outcome::Failed(Cause::Refused), "{method:?}");
            let attribute = AttributeDescriptor::new(class, LogicalName(instance), 2);
            let report = bench.does(What::Read(vec![attribute], Keep::Ordinary)).await;
            assert_eq!(report.outcome, Outcome::Done, "the object is there: {attribute:?}");
        }
    });
}

#[test]
fn the_reading_client_can_neither_disconnect_nor_change_keys_nor_activate_an_image() {
    run(async {
        let bench = Bench::new(0);
        let config = LineConfig { client: READING_CLIENT, ..LineConfig::default() };
        let line = Line::wrapper_in_memory(bench.connect(), &config, Trace::off());
        let client = Client::over(line, bench.config.association.clone(), None).await.unwrap();
        let nothing = DataBuf::Integer(0);
        let key = DataBuf::array([DataBuf::structure([
            DataBuf::Enum(0),
            DataBuf::octet_string([0; 24]),
        ])]);
        for (class, instance, method, parameter) in [
            (ClassId::DISCONNECT_CONTROL, [0, 0, 96, 3, 10, 255], 1, &nothing),
            (ClassId::SECURITY_SETUP, [0, 0, 43, 0, 0, 255], 2, &key),
            (ClassId::IMAGE_TRANSFER, [0, 0, 44, 0, 0, 255], 4, &nothing),
        ] {
            let method = MethodDescriptor::new(class, LogicalName(instance), method);
            let answer = client.invoke(method, Some(parameter)).await.unwrap();
            assert_eq!(answer, Err(ActionResult::ReadWriteDenied), "{method:?}");
        }
        // The three objects are there: the same client reads them.
        for (class, instance) in [
            (ClassId::DISCONNECT_CONTROL, [0, 0, 96, 3, 10, 255]),
            (ClassId::SECURITY_SETUP, [0, 0, 43, 0, 0, 255]),
            (ClassId::IMAGE_TRANSFER, [0, 0, 44, 0, 0, 255]),
        ] {
            let attribute = AttributeDescriptor::new(class, LogicalName(instance), 2);
            let answer: Result<_, DataAccessResult> = client.read(attribute).await.unwrap();
            assert!(answer.is_ok(), "{attribute:?}: {answer:?}");
        }
        client.release().await.unwrap();
    });
}

#[test]
fn a_task_reads_a_meter_each_hour() {
    run(async {
        let mut bench = Bench::new(0);
        let hourly = Task {
            name: "hourly".into(),
            read: vec![PROFILE],
            whom: Whom::default(),
            calendar: Calendar { period_s: 3_600, at_s: 60, window_s: 1_800, jitter_s: 0 },
            priority: 1,
            keep: Keep::Ordinary,
        };
        let own_clock = OwnClockLimits { since_comparison_max_s: None, deviation_max_ms: 0 };
        let config = PlannerConfig { own_clock, ..PlannerConfig::default() };
        let mut planner = Planner::new(vec![hourly], config);
        planner.add_meter(NOON, name(), None);
        let mut rows = Vec::new();
        for _ in 0..3 {
            let due_s = planner.poll_timeout().unwrap();
            *bench.now.lock().unwrap() = due_s;
            let job = planner.poll_job(due_s, &OwnClock::default()).unwrap();
            let now_ms = move || due_s * 1_000;
            bench.config.timeout = Duration::from_secs(5);
            let report =
                read(bench.connect(), 1, &job, &bench.config, &bench.stores, &now_ms).await;
            assert_eq!(report.outcome, Outcome::Done);
            planner.handle_outcome(due_s, job.id, report.outcome);
            rows.push(report.rows);
        }
        assert_eq!(rows, [ENTRIES, 4, 4]);
    });
}
