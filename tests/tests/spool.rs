//! What meters push arrives at the head-end once and with its time, whatever is cut off meanwhile:
//! with the programs, and with meters and clients that are not ours.
#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use core::time::Duration;
use std::{collections::BTreeMap, fs, io::Write, net::TcpStream, time::Instant};

use dlms_tests::{
    Concentrator, Folder, Foreign, Framing, Headend, Output, Program,
    mode::{AUTHENTICATION_KEY, ENCRYPTION_KEY},
    ports,
};
use serde_json::Value;

const TIME_MAX: Duration = Duration::from_secs(60);
/// The system title of the concentrator.
const TITLE: &str = "4448430000000001";
const METER: &str = "GRX0000000000500";

/// A concentrator that takes pushes, and a head-end that knows its keys and those of the meter.
struct Bench {
    concentrator: Option<Concentrator>,
    headend: Headend,
    /// Where meters push to.
    push_port: u16,
    /// Where the head-end takes what is passed on.
    live_port: u16,
    _keys: Folder,
}

impl Bench {
    fn new() -> Self {
        let keys = Folder::new();
        let file = |name: &str, text: &str| {
            fs::write(keys.file(name), text).unwrap();
            keys.file(name)
        };
        let (ek, ak) = (file("ek", ENCRYPTION_KEY), file("ak", AUTHENTICATION_KEY));
        let (push_port, live_port) = (ports::free_port(), ports::free_port());
        let concentrator = Concentrator::start(&format!(
            "[management]\nsystem-title = \"{TITLE}\"\nencryption-key-file = \"{ek}\"\n\
             authentication-key-file = \"{ak}\"\n\
             [push]\nlisten-tcp = [\"127.0.0.1:{push_port}\"]\n\
             to = [\"wrapper://127.0.0.1:{live_port}\"]\n\
             [[meter]]\nname = \"{METER}\"\nsap = 500\naddress = \"wrapper://127.0.0.1:9\"\n"
        ));
        let headend = Headend::new();
        let of = |title: &str| {
            format!("[\"{title}\"]\nek = \"{ENCRYPTION_KEY}\"\nak = \"{AUTHENTICATION_KEY}\"\n")
        };
        fs::write(headend.home().file("concentrator.toml"), of(TITLE)).unwrap();
        fs::write(headend.home().file("meters.toml"), of("47525801000003E8")).unwrap();
        let concentrator = Some(concentrator);
        Self { concentrator, headend, push_port, live_port, _keys: keys }
    }

    fn concentrator(&self) -> &Concentrator {
        self.concentrator.as_ref().unwrap()
    }

    /// `headend spool ... --to FILE` with these options.
    fn start(&self, options: &[&str]) -> Program {
        let (address, file) = (self.concentrator().address(), self.file());
        let command = ["spool", &address, "-o", "jsonl", "--to", &file];
        let file = |name| self.headend.home().file(name);
        let (own, meters) = (file("concentrator.toml"), file("meters.toml"));
        let auth = ["--client", "1", "--auth", "hls-gmac", "--security", "authenc"];
        let keys = ["--keys", &own, "--push-keys", &meters];
        self.headend.start(&[&command[..], &auth, &keys, options].concat())
    }

    fn run(&self, options: &[&str]) -> Output {
        self.start(options).finish(TIME_MAX)
    }

    /// It goes on, and takes what is passed on at once.
    fn follow(&self, options: &[&str]) -> Program {
        let live = format!("127.0.0.1:{}", self.live_port);
        let follow = ["--follow", "--every", "0.2", "--live", &live];
        let mut program = self.start(&[&follow[..], options].concat());
        if program.wait_for_line("listening", TIME_MAX).is_none() {
            panic!("did not start:\n{}", program.finish(TIME_MAX));
        }
        program
    }

    fn file(&self) -> String {
        self.headend.home().file("pushes.jsonl")
    }

    /// The lines of the file that are whole.
    fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.file()).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The numbers that were pushed, and when each came.
    fn taken(&self) -> BTreeMap<u64, Vec<String>> {
        let mut taken = BTreeMap::<u64, Vec<String>>::new();
        for line in self.lines() {
            let at = line["received_at"].as_str().unwrap().to_owned();
            taken.entry(line["value"].as_u64().unwrap()).or_default().push(at);
        }
        taken
    }

    /// Pushes each of these numbers, as a register in clear.
    fn push(&self, numbers: core::ops::Range<u64>) {
        let mut line = TcpStream::connect(("127.0.0.1", self.push_port)).unwrap();
        for number in numbers {
            let [high, low] = u16::try_from(number).unwrap().to_be_bytes();
            let apdu = [
                &[0x0F, 0, 0, 0, 1, 0][..],        // data-notification without a date-time
                &[2, 3, 9, 6, 1, 0, 1, 8, 0, 255], // structure: 1-0:1.8.0*255,
                &[0x12, high, low, 2, 2, 0x0F, 0, 0x16, 30], // its value, scaler and unit
            ]
            .concat();
            let length = u8::try_from(apdu.len()).unwrap();
            let header = [0, 1, 0, 1, 0, 1, 0, length];
            line.write_all(&[&header[..], &apdu].concat()).unwrap();
        }
    }

    /// How many pushes the concentrator has on its disk.
    fn entries(&self) -> u64 {
        self.concentrator().show("spool")[0]["entries"].as_u64().unwrap()
    }
}

/// Waits until something is there.
#[track_caller]
fn wait<T>(mut what: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + TIME_MAX;
    loop {
        if let Some(there) = what() {
            return there;
        }
        assert!(Instant::now() < until, "it did not come to be in a minute");
        std::thread::yield_now();
    }
}

#[test]
fn what_a_foreign_meter_pushed_is_taken_once_from_the_spool_and_then_it_is_gone() {
    let bench = Bench::new();
    let to = format!("127.0.0.1:{}", bench.push_port);
    let push = ["--push-to", &to, "--push-interval", "0.2", "--push-security", "0x30"];
    let meter = Foreign::gurux_meter(Framing::Wrapper, &[&["--entries", "4"], &push[..]].concat());
    wait(|| (bench.entries() >= 3).then_some(()));
    drop(meter);

    // Nothing is acknowledged, so that it comes again.
    let output = bench.run(&["--keep"]);
    output.assert_code(0);
    let kept = bench.lines().len();
    assert!(kept >= 12, "{output}");
    assert!(bench.entries() >= 3);
    // It does, and it is not new.
    bench.run(&[]).assert_code(0);
    let lines = bench.lines();
    for (number, values) in lines.chunks(4).enumerate() {
        for line in values {
            assert_eq!(line["sequence"], number as u64 + 1);
            assert_eq!((&line["verified"], &line["error"]), (&true.into(), &Value::Null));
            assert_eq!((&line["sap"], &line["logical_device_name"]), (&500.into(), &METER.into()));
            assert_eq!((&line["from"], &line["epoch"]), (&"DHC0000000000001".into(), &1.into()));
            assert_eq!(line["meter"], "47525801000003E8");
        }
        assert_eq!(values[1]["value"], 1_235_567);
    }
    wait(|| (bench.entries() == 0).then_some(()));
    bench.run(&[]).assert_code(0);
    assert_eq!(bench.lines().len(), lines.len());
}

#[test]
fn whatever_is_cut_off_each_push_is_taken_once_and_with_its_time() {
    let mut bench = Bench::new();
    // Both ways at once, and nothing is acknowledged.
    let following = bench.follow(&["--keep"]);
    bench.push(0..20);
    wait(|| (bench.taken().len() == 20).then_some(()));
    // The head-end loses its power, and nobody takes what comes.
    let _ = following.kill();
    bench.push(20..40);
    wait(|| (bench.entries() == 40).then_some(()));
    // So does the concentrator.
    bench.concentrator = bench.concentrator.take().map(Concentrator::restart);
    bench.push(40..60);
    wait(|| (bench.entries() == 60).then_some(()));

    let began = now();
    let following = bench.follow(&[]);
    bench.push(60..80);
    wait(|| (bench.taken().len() == 80).then_some(()));
    wait(|| (bench.entries() == 0).then_some(()));
    let _ = following.kill();
    bench.run(&[]).assert_code(0);

    let taken = bench.taken();
    assert_eq!(taken.keys().copied().collect::<Vec<_>>(), (0..80).collect::<Vec<_>>());
    assert!(taken.values().all(|times| times.len() == 1), "{taken:?}");
    // What came while nobody was there has the time at which it came there.
    assert!(taken.range(..60).all(|(_, times)| times[0] < began), "{began} {taken:?}");
    assert!(taken.range(60..).all(|(_, times)| times[0] >= began), "{began} {taken:?}");
}

/// Now, in UTC, as lines have it; once a hundredth of a second has passed since the last push.
fn now() -> String {
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(1_100) {
        std::thread::yield_now();
    }
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    let seconds = i64::try_from(since.as_secs()).unwrap();
    let now = dlms_core::cosem::DateTime::from_unix(seconds, Some(0)).unwrap().to_string();
    // Hundredths would stand before the Z.
    now.trim_end_matches('Z').to_owned()
}
