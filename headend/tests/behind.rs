//! `headend saps`, `read --sap`, `--all-saps` and `--route`: simulated meters behind concentrators
//! that do nothing but list them and hand frames on.

#![allow(clippy::unwrap_used, reason = "a test fails where its helper does")]

use core::{
    net::SocketAddr,
    sync::atomic::{AtomicU32, AtomicUsize, Ordering},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    env, fs,
    path::PathBuf,
    process::{self, Command, Output},
    sync::{Arc, Mutex},
};

use dlms_core::{
    axdr::DataBuf,
    device::SapAssignmentItem,
    wrapper::{self, WrapperHeader},
    xdlms::tag,
};
use serde_json::Value;
use simulator::{AnswerConfig, Listening, Meter, MeterConfig, listen_wrapper};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    runtime::Runtime,
    sync::mpsc,
};

/// The AARE that accepts the public client with PDU size 1024, and the answer to its release.
const ACCEPTED: &str =
    "6129a109060760857405080101a203020100a305a103020100be10040e0800065f1f040000101d04000007";
const RELEASED: &str = "6303800100";
/// An AARE with result rejected-transient, as a meter gives it that has another association.
const HELD: &str = "6117a109060760857405080101a203020102a305a103020101";
/// What a client says that has the keys.
const GMAC: [&str; 6] = ["--client", "1", "--auth", "hls-gmac", "--security", "authenc"];
const ENERGY: &str = "3:1-0:1.8.0*255";

fn octets(digits: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(digit).collect()
}

/// The name of the simulated meter with this serial number.
fn name(serial: u32) -> String {
    format!("DHE{serial:013}")
}

/// One of the concentrator's meters: under which SAP and name it is listed, and where it is.
#[derive(Clone)]
struct Listed {
    sap: u16,
    name: String,
    /// None for one that never answers.
    meter: Option<SocketAddr>,
}

/// What a concentrator does to those behind it.
#[derive(Clone, Copy, Default)]
struct Habits {
    /// Frames from meters that it hands on before it goes.
    answers_max: Option<usize>,
    /// How often each meter refuses an association, as one that has another.
    refusals: usize,
}

/// What a test sees of a concentrator.
#[derive(Default)]
struct Log {
    connections: AtomicUsize,
    /// Associations that are open, and the most at a time.
    open: Mutex<(BTreeSet<u16>, usize)>,
    requests: AtomicUsize,
}

struct Place {
    runtime: Runtime,
    folder: PathBuf,
    meters: BTreeMap<u32, Listening>,
}

impl Place {
    /// Simulated meters with these serial numbers, and a home for `headend`.
    fn new(serials: core::ops::Range<u32>) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("behind-{}-{number}", process::id()));
        let _ = fs::remove_dir_all(&folder);
        let runtime = Runtime::new().unwrap();
        let config = Arc::new(MeterConfig { entries: 4, ..MeterConfig::default() });
        let meters = serials.map(|serial| {
            let meter = Arc::new(Mutex::new(Meter::new(serial, Arc::clone(&config))));
            let address = "127.0.0.1:0".parse().unwrap();
            let listening = listen_wrapper(meter, address, AnswerConfig::default());
            (serial, runtime.block_on(listening).unwrap())
        });
        let meters = meters.collect();
        Self { runtime, folder, meters }
    }

    /// All meters as a concentrator lists them that counts its SAPs from `sap` on.
    fn listed(&self, sap: u16) -> Vec<Listed> {
        let meters = (sap..).zip(&self.meters);
        meters
            .map(|(sap, (serial, meter))| Listed {
                sap,
                name: name(*serial),
                meter: Some(meter.address()),
            })
            .collect()
    }

    fn concentrator(&self, listed: Vec<Listed>, habits: Habits) -> (String, Arc<Log>) {
        let listener = self.runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = format!("wrapper://{}", listener.local_addr().unwrap());
        let log = Arc::new(Log::default());
        let kept = Arc::clone(&log);
        self.runtime.spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            // Who comes after one that has gone is not let in.
            if habits.answers_max.is_some() {
                drop(listener);
                log.connections.fetch_add(1, Ordering::Relaxed);
                serve(stream, Arc::new(listed), habits, log).await;
                return;
            }
            let listed = Arc::new(listed);
            let mut next = Some(stream);
            loop {
                let stream = match next.take() {
                    Some(stream) => stream,
                    None => listener.accept().await.unwrap().0,
                };
                log.connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(stream, Arc::clone(&listed), habits, Arc::clone(&log)));
            }
        });
        (address, kept)
    }

    fn headend(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_headend"));
        command.args(words).args(["--timeout", "2", "--retries", "0"]).env("NO_COLOR", "1");
        command.env("XDG_DATA_HOME", &self.folder);
        command.env("DLMS_EK", "000102030405060708090A0B0C0D0E0F");
        command.env("DLMS_AK", "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF");
        command.output().unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn frame(source: u16, destination: u16, apdu: &[u8]) -> Vec<u8> {
    let length = u16::try_from(apdu.len()).unwrap();
    [&WrapperHeader { source, destination, length }.encode_header(), apdu].concat()
}

/// Serves one connection, until the client or this concentrator goes.
async fn serve(stream: TcpStream, listed: Arc<Vec<Listed>>, habits: Habits, log: Arc<Log>) {
    let (mut reader, mut writer) = stream.into_split();
    let (answers, mut answered) = mpsc::channel::<Vec<u8>>(64);
    let mut ways: HashMap<(u16, u16), OwnedWriteHalf> = HashMap::new();
    let mut refused: HashMap<u16, usize> = HashMap::new();
    let mut octets = Vec::new();
    let mut handed = 0;
    loop {
        tokio::select! {
            read = reader.read_buf(&mut octets) => if read.unwrap_or(0) == 0 {
                return;
            },
            Some(answer) = answered.recv() => {
                handed += 1;
                if habits.answers_max.is_some_and(|most| handed > most) {
                    return;
                }
                let _ = writer.write_all(&answer).await;
            }
        }
        while let Some(asked) = wrapper::next_frame(&octets) {
            let asked = asked.unwrap();
            let WrapperHeader { source: client, destination: sap, .. } = asked.header;
            let apdu = asked.apdu.to_vec();
            let consumed = asked.consumed();
            octets.drain(..consumed);
            log.note(sap, apdu[0]);
            if sap == 1 {
                let answer = management(&listed, &apdu);
                writer.write_all(&frame(1, client, &answer)).await.unwrap();
                continue;
            }
            let Some(meter) = listed.iter().find(|meter| meter.sap == sap) else { continue };
            let Some(address) = meter.meter else { continue };
            let refusals = refused.entry(sap).or_default();
            if apdu[0] == tag::AARQ && *refusals < habits.refusals {
                *refusals += 1;
                writer.write_all(&frame(sap, client, &self::octets(HELD))).await.unwrap();
                continue;
            }
            let way = match ways.entry((client, sap)) {
                std::collections::hash_map::Entry::Occupied(way) => way.into_mut(),
                std::collections::hash_map::Entry::Vacant(none) => {
                    let (from, to) = TcpStream::connect(address).await.unwrap().into_split();
                    tokio::spawn(hand_on(from, sap, answers.clone()));
                    none.insert(to)
                }
            };
            way.write_all(&frame(client, 1, &apdu)).await.unwrap();
        }
    }
}

/// Hands on what a meter says, from the SAP that it has here.
async fn hand_on(mut meter: OwnedReadHalf, sap: u16, answers: mpsc::Sender<Vec<u8>>) {
    let mut octets = Vec::new();
    while meter.read_buf(&mut octets).await.unwrap_or(0) > 0 {
        while let Some(said) = wrapper::next_frame(&octets) {
            let said = said.unwrap();
            let answer = frame(sap, said.header.destination, said.apdu);
            let consumed = said.consumed();
            octets.drain(..consumed);
            if answers.send(answer).await.is_err() {
                return;
            }
        }
    }
}

/// What the concentrator's own logical device answers to the public client.
fn management(listed: &[Listed], apdu: &[u8]) -> Vec<u8> {
    match apdu[0] {
        tag::AARQ => octets(ACCEPTED),
        tag::RLRQ => octets(RELEASED),
        _ => {
            let own = SapAssignmentItem { sap: 1, logical_device_name: b"DHC1".to_vec() };
            let meters = listed.iter().map(|meter| SapAssignmentItem {
                sap: meter.sap,
                logical_device_name: meter.name.clone().into_bytes(),
            });
            let list = DataBuf::array([own].into_iter().chain(meters).map(|item| item.to_data()));
            [&[0xC4, 0x01, apdu[2], 0x00][..], &list.to_octets()].concat()
        }
    }
}

impl Log {
    fn note(&self, sap: u16, tag: u8) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let mut open = self.open.lock().unwrap();
        match tag {
            tag::AARQ => drop(open.0.insert(sap)),
            tag::RLRQ => drop(open.0.remove(&sap)),
            _ => {}
        }
        open.1 = open.1.max(open.0.len());
    }

    fn most_at_a_time(&self) -> usize {
        self.open.lock().unwrap().1
    }
}

/// The rows of JSON lines, and the diagnoses.
fn rows(output: &Output) -> (Vec<Value>, String) {
    let stdout = String::from_utf8(output.stdout.clone()).unwrap();
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    (stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), stderr)
}

/// The names of the meters that have a value, each as often as it has one.
fn read(rows: &[Value]) -> Vec<String> {
    let rows = rows.iter().filter(|row| row["error"] == Value::Null);
    let mut names: Vec<String> =
        rows.map(|row| row["logical_device_name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn names(serials: core::ops::Range<u32>) -> Vec<String> {
    serials.map(name).collect()
}

#[test]
fn the_list_of_a_concentrator_is_shown() {
    let place = Place::new(1..4);
    let (address, _) = place.concentrator(place.listed(300), Habits::default());
    let output = place.headend(&["saps", &address, "-o", "csv"]);
    let (name, raw) = (name(1), "44484530303030303030303030303031");
    let text = String::from_utf8(output.stdout).unwrap();
    let expected = format!("sap,logical_device_name,raw\n1,DHC1,44484331\n300,{name},{raw}\n");
    assert!(text.starts_with(&expected), "{text}");
    assert_eq!((text.lines().count(), output.status.code()), (5, Some(0)));
}

#[test]
fn all_meters_are_read_over_one_connection_and_so_many_at_a_time() {
    let place = Place::new(1..10);
    let (address, log) = place.concentrator(place.listed(300), Habits::default());
    for security in [&[][..], &GMAC] {
        let words = ["read", &address, ENERGY, "--all-saps", "--parallel", "3", "-o", "jsonl"];
        let output = place.headend(&[&words[..], security].concat());
        let (rows, stderr) = rows(&output);
        assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""));
        assert_eq!(read(&rows), names(1..10));
        assert!(rows.iter().all(|row| row["unit"] == "Wh"), "{rows:?}");
    }
    assert_eq!(log.connections.load(Ordering::Relaxed), 2);
    assert!(log.most_at_a_time() <= 3, "{}", log.most_at_a_time());
}

#[test]
fn a_table_is_in_the_order_of_the_saps() {
    let place = Place::new(1..10);
    let (address, _) = place.concentrator(place.listed(300), Habits::default());
    let output = place.headend(&["read", &address, ENERGY, "--all-saps"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let saps = text.lines().skip(1).map(|line| line.split_whitespace().next().unwrap());
    let expected: Vec<String> = (300..309).map(|sap| sap.to_string()).collect();
    assert_eq!(saps.collect::<Vec<_>>(), expected);
}

#[test]
fn what_one_meter_does_is_no_matter_of_the_others() {
    let place = Place::new(1..5);
    let mut listed = place.listed(16);
    listed[1].meter = None;
    let (address, _) = place.concentrator(listed, Habits::default());
    let output = place.headend(&["read", &address, ENERGY, "--sap", "16,17,18,99", "-o", "jsonl"]);
    let (rows, stderr) = rows(&output);
    assert_eq!(output.status.code(), Some(6), "{stderr}");
    assert_eq!(read(&rows), [name(1), name(3)]);
    let mut failed: Vec<(u64, &str)> = rows
        .iter()
        .filter(|row| row["error"] != Value::Null)
        .map(|row| (row["sap"].as_u64().unwrap(), row["error"]["code"].as_str().unwrap()))
        .collect();
    failed.sort_unstable();
    assert_eq!(failed, [(17, "E-LINE-TIMEOUT"), (99, "E-SAP-UNLISTED")]);
}

#[test]
fn a_meter_with_another_name_than_the_list_has_is_not_read() {
    let place = Place::new(1..4);
    let mut listed = place.listed(16);
    // Two meters change places behind the list.
    (listed[0].meter, listed[1].meter) = (listed[1].meter, listed[0].meter);
    let (address, _) = place.concentrator(listed, Habits::default());
    let words = ["read", &address, ENERGY, "--all-saps", "-o", "jsonl"];
    let output = place.headend(&[&words[..], &GMAC].concat());
    let (rows, stderr) = rows(&output);
    assert_eq!(output.status.code(), Some(4), "{stderr}");
    assert_eq!(read(&rows), [name(3)]);
    let said = format!("the concentrator lists {}, and {} answers", name(1), name(2));
    assert!(stderr.contains("E-ID-NAME other-device: SAP 16") && stderr.contains(&said));
}

#[test]
fn a_meter_with_another_title_than_it_proved_before_is_not_read() {
    let place = Place::new(1..4);
    let right = place.listed(16);
    let mut wrong = place.listed(500);
    (wrong[0].meter, wrong[1].meter) = (wrong[1].meter, wrong[0].meter);
    let read_over = |listed| {
        let (address, _) = place.concentrator(listed, Habits::default());
        let words = ["read", &address, ENERGY, "--all-saps", "-o", "jsonl"];
        place.headend(&[&words[..], &GMAC].concat())
    };
    assert_eq!(read_over(right).status.code(), Some(0));
    // It is remembered by name, at whichever concentrator.
    let output = read_over(wrong);
    let (rows, stderr) = rows(&output);
    assert_eq!(output.status.code(), Some(4), "{stderr}");
    assert_eq!(read(&rows), [name(3)]);
    assert!(stderr.contains("E-SEC-METER") && stderr.contains("SAP 500"), "{stderr}");
}

#[test]
fn when_a_concentrator_goes_its_meters_are_read_over_the_next_where_their_name_is() {
    let place = Place::new(1..13);
    for answers_max in [0, 1, 30, 55] {
        let habits = Habits { answers_max: Some(answers_max), ..Habits::default() };
        let (first, _) = place.concentrator(place.listed(16), habits);
        // The same meters at other SAPs, and at the SAPs of the first others.
        let mut listed = place.listed(14);
        listed.rotate_left(3);
        for (sap, meter) in (16..).zip(&mut listed) {
            meter.sap = sap;
        }
        let (second, _) = place.concentrator(listed, Habits::default());
        let words = ["read", "--route", &first, "--route", &second, ENERGY];
        let more = ["--all-saps", "--parallel", "4", "-o", "jsonl"];
        let output = place.headend(&[&words[..], &more, &GMAC].concat());
        let (rows, stderr) = rows(&output);
        assert_eq!(output.status.code(), Some(0), "{answers_max}: {stderr}");
        assert_eq!(read(&rows), names(1..13), "{answers_max}");
    }
}

#[test]
fn a_concentrator_that_is_not_there_is_said_and_the_next_is_used() {
    let place = Place::new(1..3);
    let nobody = place.runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let gone = format!("wrapper://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let (address, _) = place.concentrator(place.listed(16), Habits::default());
    let words = ["read", &gone, ENERGY, "--route", &address, "--all-saps", "-o", "jsonl"];
    let output = place.headend(&words);
    let (rows, stderr) = rows(&output);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(read(&rows), names(1..3));
    assert!(stderr.contains("get the SAP list"), "{stderr}");
}

#[test]
fn meters_that_no_concentrator_leads_to_any_more_are_said() {
    let place = Place::new(1..8);
    let habits = Habits { answers_max: Some(9), ..Habits::default() };
    let (first, _) = place.concentrator(place.listed(16), habits);
    let (second, _) = place.concentrator(place.listed(16), habits);
    let words = ["read", "--route", &first, "--route", &second, ENERGY];
    let more = ["--all-saps", "--parallel", "1", "-o", "jsonl"];
    let output = place.headend(&[&words[..], &more].concat());
    let (rows, stderr) = rows(&output);
    assert_eq!(output.status.code(), Some(6), "{stderr}");
    assert_eq!(rows.len(), 7);
    let lost = rows.iter().filter(|row| row["error"]["code"] == "E-ROUTE-NONE").count();
    assert_eq!(lost + read(&rows).len(), 7, "{rows:?}");
    assert!(lost > 0);
}

#[test]
fn a_meter_that_holds_its_old_association_is_tried_again_when_it_has_forgotten_it() {
    let place = Place::new(1..3);
    let habits = Habits { answers_max: Some(2), ..Habits::default() };
    let (first, _) = place.concentrator(place.listed(16), habits);
    let habits = Habits { refusals: 1, ..Habits::default() };
    let (second, log) = place.concentrator(place.listed(44), habits);
    let words = ["read", "--route", &first, "--route", &second, ENERGY, "--all-saps"];
    // And the five seconds on top.
    let more = ["--inactivity-timeout", "0.1", "-o", "jsonl"];
    let output = place.headend(&[&words[..], &more].concat());
    let (rows, stderr) = rows(&output);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(read(&rows), names(1..3));
    assert!(log.requests.load(Ordering::Relaxed) > 0);
}

#[test]
fn what_cannot_be_meant_is_a_matter_of_usage() {
    let place = Place::new(0..0);
    for (words, said) in [
        (&["read", "hdlc://127.0.0.1:1", ENERGY, "--all-saps"][..], "wrapper://HOST:PORT"),
        (&["read", ENERGY, ENERGY], "where is the meter?"),
        (&["read", "--route", "wrapper://127.0.0.1:1", "--all-saps"], "what is to be read?"),
        (&["read", "--route", "wrapper://127.0.0.1:1", ENERGY], "--all-saps"),
        (&["read", "wrapper://127.0.0.1:1", ENERGY, "--sap", "1"], "--sap"),
        (&["read", ENERGY, ENERGY, "--all-saps"], "where is the concentrator?"),
        (&["read", "wrapper://127.0.0.1:1", ENERGY, "--all-saps", "--counter", "7"], "--counter"),
    ] {
        let output = place.headend(words);
        let (_, stderr) = rows(&output);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {stderr}");
        assert!(stderr.contains(said), "{words:?}: {stderr}");
    }
}
