//! The concentrator reads simulated meters by itself, with their reading client: what it stores is
//! what the meter has, and what the client must not do is refused.

use core::time::Duration;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use concentrator::{
    collection::{
        Calendar, Cause, Job, Keep, Order, Outcome, OwnClock, OwnClockLimits, Planner,
        PlannerConfig, ReaderConfig, Report, Ring, RingLimits, Setting, Task, TimeLimits,
        TimeVerdict, Upload, What, Whom, read,
    },
    nodes::LogicalDeviceName,
};
use dlms_core::{
    acse::Mechanism,
    association::ClientConfig,
    axdr::DataBuf,
    cosem::{AttributeDescriptor, ClassId, LogicalName, MethodDescriptor},
    security::Secret,
    xdlms::{ActionResult, DataAccessResult},
};
use dlms_tests::Folder;
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
    ring: Ring,
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
        let ring =
            Ring::open(&ring_file(&folder), RingLimits::default()).expect("the folder is ours");
        let own_clock = OwnClockLimits { since_comparison_max_s: None, deviation_max_ms: 0 };
        let mut planner =
            Planner::new(Vec::new(), PlannerConfig { own_clock, ..PlannerConfig::default() });
        planner.add_meter(NOON, name(), None);
        Self { folder, ring, meter, now, config, planner, orders: 0 }
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
        let report = read(self.connect(), 1, &job, &self.config, &self.ring, &now_ms).await;
        self.planner.handle_outcome(now, job.id, report.outcome);
        report
    }

    fn uploads(&self, attribute: AttributeDescriptor) -> Vec<Upload> {
        let mut uploads = self.ring.uploads(u32::MAX).expect("it is readable");
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

fn ring_file(folder: &Folder) -> PathBuf {
    folder.path().join("ring.db")
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
        let file = ring_file(&bench.folder);
        bench.ring = Ring::open(&file, RingLimits::default()).unwrap();
        let report = bench.does(What::Read(vec![PROFILE], Keep::Billing)).await;
        assert_eq!((report.outcome, report.rows), (Outcome::Done, 4));
        assert!(bench.captured().is_sorted_by(|one, other| one + QUARTER_S == *other));
        assert_eq!(bench.ring.missing(9).unwrap(), []);
    });
}

#[test]
fn what_a_meter_has_overwritten_is_listed() {
    run(async {
        let mut bench = Bench::new(0);
        bench.does(What::Read(vec![PROFILE], Keep::Ordinary)).await;
        *bench.now.lock().unwrap() += 10 * 86_400;
        bench.does(What::Read(vec![PROFILE], Keep::Ordinary)).await;
        let missing = bench.ring.missing(9).unwrap();
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
        let mut refused = 0;
        for (class, instance, method, parameter) in [
            (ClassId::DISCONNECT_CONTROL, [0, 0, 96, 3, 10, 255], 1, &nothing),
            (ClassId::SECURITY_SETUP, [0, 0, 43, 0, 0, 255], 2, &key),
            (ClassId::IMAGE_TRANSFER, [0, 0, 44, 0, 0, 255], 4, &nothing),
        ] {
            let method = MethodDescriptor::new(class, LogicalName(instance), method);
            let answer = client.invoke(method, Some(parameter)).await.unwrap();
            assert_eq!(answer, Err(ActionResult::ReadWriteDenied), "{method:?}");
            refused += 1;
        }
        assert_eq!(refused, 3);
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
            let report = read(bench.connect(), 1, &job, &bench.config, &bench.ring, &now_ms).await;
            assert_eq!(report.outcome, Outcome::Done);
            planner.handle_outcome(due_s, job.id, report.outcome);
            rows.push(report.rows);
        }
        assert_eq!(rows, [ENTRIES, 4, 4]);
    });
}
