//! Everything that `headend` can do with a meter, in every mode, over both framings, with a meter
//! whose objects, encodings and ciphering are Gurux's.
//!
//! `cargo test -p dlms-tests --test gurux_meter -- --nocapture` prints how long each step took.

#![allow(clippy::unwrap_used, reason = "a test fails where its helper does")]

use core::time::Duration;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use dlms_core::axdr::{BitStringBuf, DataBuf, Reader};
use dlms_core::cosem::{AttributeDescriptor, ClassId, DateTime, LogicalName, MethodDescriptor};
use dlms_core::xdlms::ActionResult;
use dlms_tests::{Foreign, Framing, Headend, Meter, Mode, Output, signing_environment};
use dlms_tokio::LineConfig;
use serde_json::{Value, json};

/// Rows of the meter's profile, one a quarter of an hour from the beginning of 2026.
const ENTRIES: u32 = 3_000;
const PROFILE_START: i64 = 1_767_225_600;
/// The serial number of the script's first meter, which its energies begin with.
const SERIAL: u32 = 1_000;

/// Class and name of each object of the meter.
const OBJECTS: [(u16, &str); 22] = [
    (1, "0-0:42.0.0*255"),
    (1, "0-0:96.1.0*255"),
    (1, "0-0:43.1.0*255"),
    (8, "0-0:1.0.0*255"),
    (3, "1-0:1.8.0*255"),
    (3, "1-0:2.8.0*255"),
    (3, "1-0:1.7.0*255"),
    (3, "1-0:32.7.0*255"),
    (3, "1-0:31.7.0*255"),
    (4, "1-0:1.6.0*255"),
    (5, "1-0:1.4.0*255"),
    (7, "1-0:99.1.0*255"),
    (1, "0-0:96.10.1*255"),
    (70, "0-0:96.3.10*255"),
    (18, "0-0:44.0.0*255"),
    (17, "0-0:41.0.0*255"),
    (20, "0-0:13.0.0*255"),
    (11, "0-0:11.0.0*255"),
    (9, "0-0:10.0.106*255"),
    (64, "0-0:43.0.0*255"),
    (40, "0-0:25.9.0*255"),
    (15, "0-0:40.0.0*255"),
];

/// What is done in each mode, with its heading in the table.
struct Step {
    name: &'static str,
    take: fn(&Visit<'_>),
}

const STEPS: [Step; 10] = [
    Step { name: "objects", take: the_object_list_is_the_meters },
    Step { name: "registers", take: registers_have_scaler_and_unit },
    Step { name: "list", take: several_objects_are_read_with_one_request },
    Step { name: "clock", take: the_clock_shows_the_time },
    Step { name: "all rows", take: the_whole_profile_is_read },
    Step { name: "range", take: a_range_of_times_includes_both_ends },
    Step { name: "entries", take: entries_are_counted_from_one_and_include_both_ends },
    Step { name: "columns", take: only_the_columns_asked_for_come },
    Step { name: "write", take: what_is_written_is_read_back },
    Step { name: "switch", take: the_supply_is_disconnected_and_connected_again },
];

#[test]
fn every_mode_does_everything_over_the_wrapper() {
    every_mode_does_everything(Framing::Wrapper, &Mode::ALL, &[], &[], LineConfig::default());
}

#[test]
fn every_mode_does_everything_over_hdlc() {
    let line = LineConfig::default();
    every_mode_does_everything(Framing::Hdlc, &Mode::ALL, &[], &["--window", "1"], line);
}

#[test]
fn suite_1_and_ecdsa_do_everything_over_both_framings() {
    for framing in Framing::ALL {
        let suite = ["--suite", "1"];
        every_mode_does_everything(framing, &Mode::SUITE_1, &suite, &[], LineConfig::default());
    }
}

#[test]
fn every_mode_does_everything_over_hdlc_with_the_longest_frames() {
    let longest = ["--hdlc-info", "2030"];
    let line = LineConfig { hdlc_info: 2_030, ..LineConfig::default() };
    every_mode_does_everything(Framing::Hdlc, &Mode::ALL, &longest, &longest, line);
}

#[test]
fn a_profile_of_ten_thousand_rows_comes_whole() {
    let meter = Foreign::gurux_meter(Framing::Wrapper, &["--entries", "10000"]);
    let (headend, options) = (Headend::new(), Mode::AUTHENC.options());
    let visit = Visit { headend: &headend, meter: &meter, options, number: 0 };
    let expected: Vec<Value> = (0..10_000).map(row).collect();
    assert_same(&visit.rows(&[]), &expected);
}

fn every_mode_does_everything(
    framing: Framing,
    modes: &[Mode],
    meter_args: &[&str],
    options: &[&str],
    line: LineConfig,
) {
    let entries = ENTRIES.to_string();
    let meter = Foreign::gurux_meter(framing, &[&["--entries", &entries], meter_args].concat());
    let headend = signing_environment()
        .iter()
        .fold(Headend::new(), |headend, (name, value)| headend.env(name, value));
    let title = format!("{framing} {}", meter_args.join(" "));
    let names = STEPS.iter().map(|step| step.name).chain(["image"]);
    let mut table = format!("{title:<36}");
    table.extend(names.map(|name| format!("{name:>10}")));
    for (number, mode) in (0..).zip(modes) {
        let visit = Visit {
            headend: &headend,
            meter: &meter,
            options: [mode.options(), strings(options)].concat(),
            number,
        };
        let mut times = Vec::new();
        for step in STEPS {
            times.push(timed(|| (step.take)(&visit)));
        }
        times.push(timed(|| an_image_of_200_blocks_arrives(&visit, *mode, &line)));
        let times: String =
            times.iter().map(|time| format!("{:>7} ms", time.as_millis())).collect();
        table += &format!("\n{mode:<36}{times}");
    }
    println!("{table}");
}

fn timed(step: impl FnOnce()) -> Duration {
    let started = Instant::now();
    step();
    started.elapsed()
}

/// One mode at one meter.
struct Visit<'a> {
    headend: &'a Headend,
    meter: &'a Meter,
    options: Vec<String>,
    /// The place of the mode in the table.
    number: u8,
}

impl Visit<'_> {
    /// Runs `headend VERB ADDRESS ARGS OPTIONS -o jsonl`, which must succeed.
    #[track_caller]
    fn run(&self, verb: &str, args: &[&str]) -> Output {
        let address = self.meter.address();
        let options = self.options.iter().map(String::as_str);
        let words = [verb, &address, "-o", "jsonl"].into_iter();
        let words: Vec<&str> = words.chain(args.iter().copied()).chain(options).collect();
        let output = self.headend.run(&words);
        output.assert_code(0);
        output
    }

    /// The values of what `headend read` reads.
    #[track_caller]
    fn values(&self, objects: &[&str]) -> Vec<Value> {
        let lines = self.run("read", objects).json_lines();
        assert_eq!(lines.len(), objects.len());
        lines.into_iter().map(|mut line| line["value"].take()).collect()
    }

    /// The rows of the profile, read with these arguments.
    #[track_caller]
    fn rows(&self, args: &[&str]) -> Vec<Value> {
        self.run("profile", &[&["1-0:99.1.0*255"], args].concat()).json_lines()
    }
}

#[track_caller]
fn the_object_list_is_the_meters(visit: &Visit<'_>) {
    let lines = visit.run("objects", &[]).json_lines();
    let listed: Vec<_> =
        lines.iter().map(|line| (line["class"].as_u64(), line["logical_name"].as_str())).collect();
    let expected = OBJECTS.map(|(class, name)| (Some(u64::from(class)), Some(name)));
    assert_eq!(listed, expected);
}

#[track_caller]
fn registers_have_scaler_and_unit(visit: &Visit<'_>) {
    // Object, type, value, scaler, unit and text.
    let expected = [
        ("1-0:1.8.0*255", "double-long-unsigned", 1_235_567, 0, "Wh", "1235567 Wh"),
        ("1-0:2.8.0*255", "double-long-unsigned", 7_654, 0, "Wh", "7654 Wh"),
        ("1-0:1.7.0*255", "double-long-unsigned", 2_500, 0, "W", "2500 W"),
        ("1-0:32.7.0*255", "long-unsigned", 2_301, -1, "V", "230.1 V"),
        ("1-0:31.7.0*255", "long", -123, -2, "A", "-1.23 A"),
        ("1-0:1.6.0*255", "double-long-unsigned", 4_321, 0, "W", "4321 W"),
        ("1-0:1.4.0*255:3", "double-long-unsigned", 1_490, 0, "W", "1490 W"),
    ];
    let objects = expected.map(|(object, ..)| object);
    let lines = visit.run("read", &objects).json_lines();
    assert_eq!(lines.len(), expected.len());
    for (line, (object, data_type, value, scaler, unit, text)) in lines.iter().zip(expected) {
        assert_eq!(line["logical_name"], object.trim_end_matches(":3"));
        assert_eq!(line["type"], data_type, "{line}");
        assert_eq!(line["value"], value, "{line}");
        assert_eq!(line["scaler"], scaler, "{line}");
        assert_eq!(line["unit"], unit, "{line}");
        assert_eq!(line["text"], text, "{line}");
        assert_eq!(line["error"], Value::Null);
    }
}

#[track_caller]
fn several_objects_are_read_with_one_request(visit: &Visit<'_>) {
    let objects = ["3:1-0:32.7.0*255:2", "1:0-0:96.1.0*255:2", "1:0-0:42.0.0*255:2"];
    let output = visit.run("read", &[&objects[..], &["--trace", "values"]].concat());
    let values: Vec<_> = output.json_lines().iter().map(|line| line["text"].clone()).collect();
    assert_eq!(values, ["230.1 V", "00001000", "GRX0000000001000"]);
    let of_all =
        |line: &&str| line.contains("TX") && objects.iter().all(|object| line.contains(object));
    assert_eq!(output.stderr.lines().filter(of_all).count(), 1, "{output}");
}

#[track_caller]
fn the_clock_shows_the_time(visit: &Visit<'_>) {
    let clock = visit.values(&["0-0:1.0.0*255"]);
    let clock: DateTime = clock[0].as_str().unwrap().parse().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let clock = u64::try_from(clock.unix_utc().expect("a clock with its deviation")).unwrap();
    assert!(clock.abs_diff(now) < 60, "{clock} {now}");
}

#[track_caller]
fn the_whole_profile_is_read(visit: &Visit<'_>) {
    let expected: Vec<Value> = (0..ENTRIES).map(row).collect();
    assert_same(&visit.rows(&[]), &expected);
}

#[track_caller]
fn a_range_of_times_includes_both_ends(visit: &Visit<'_>) {
    // The third day, and the first row of the fourth.
    let expected: Vec<Value> = (192..=288).map(row).collect();
    assert_same(&visit.rows(&["--from", "2026-01-03", "--to", "2026-01-04"]), &expected);
}

#[track_caller]
fn entries_are_counted_from_one_and_include_both_ends(visit: &Visit<'_>) {
    assert_same(&visit.rows(&["--entries", "1..1"]), &[row(0)]);
    let expected: Vec<Value> = (95..=104).map(row).collect();
    assert_same(&visit.rows(&["--entries", "96..105"]), &expected);
    let expected: Vec<Value> = (2_990..ENTRIES).map(row).collect();
    assert_same(&visit.rows(&["--entries", "2991.."]), &expected);
}

#[track_caller]
fn only_the_columns_asked_for_come(visit: &Visit<'_>) {
    let expected: Vec<Value> = (192..=288)
        .map(row)
        .map(|mut row| {
            // Time and status always come along.
            row["columns"].as_array_mut().unwrap().remove(0);
            row
        })
        .collect();
    let times = ["--from", "2026-01-03", "--to", "2026-01-04"];
    let rows = visit.rows(&[&times[..], &["--columns", "1-0:2.8.0*255"]].concat());
    assert_same(&rows, &expected);
}

#[track_caller]
fn what_is_written_is_read_back(visit: &Visit<'_>) {
    for value in [visit.number, visit.number + 100] {
        let written = visit.run("write", &["0-0:96.10.1*255", &format!("unsigned:{value}")]);
        assert_eq!(written.json_lines()[0]["error"], Value::Null);
        assert_eq!(visit.values(&["0-0:96.10.1*255"]), [value]);
    }
}

#[track_caller]
fn the_supply_is_disconnected_and_connected_again(visit: &Visit<'_>) {
    let state = ["70:0-0:96.3.10*255:2", "70:0-0:96.3.10*255:3"];
    for (method, connected, control_state) in [("1", false, 0), ("2", true, 1)] {
        let done = visit.run("invoke", &["0-0:96.3.10*255", method]);
        assert_eq!(done.json_lines()[0]["error"], Value::Null);
        assert_eq!(visit.values(&state), [json!(connected), json!(control_state)]);
    }
}

/// The transfer itself takes the library: a process for each block would say no more.
#[track_caller]
fn an_image_of_200_blocks_arrives(visit: &Visit<'_>, mode: Mode, line: &LineConfig) {
    const BLOCKS: u32 = 200;
    const BLOCK_SIZE: u32 = 200;
    const MISSING: u32 = 77;
    const IMAGE: LogicalName = LogicalName([0, 0, 44, 0, 0, 255]);
    const VERIFIED: u8 = 3;

    let method = |number| MethodDescriptor::new(ClassId(18), IMAGE, number);
    let attribute = |number| AttributeDescriptor::new(ClassId(18), IMAGE, number);
    let bits = |missing: Option<u32>| {
        let bits = (0..BLOCKS).map(|block| Some(block) != missing);
        DataBuf::BitString(BitStringBuf::from_bits(bits))
    };
    let identifier = format!("octet-string:46572d{:02x}", visit.number);
    let image = format!("structure({identifier},double-long-unsigned:{})", BLOCKS * BLOCK_SIZE);
    visit.run("invoke", &["0-0:44.0.0*255", "1", &image]);

    let transfer = async {
        let client = mode.connect(&visit.meter.address(), line.clone()).await.unwrap();
        let send = async |block: u32| {
            let octets = vec![block.to_le_bytes()[0]; BLOCK_SIZE as usize];
            let numbered = [DataBuf::DoubleLongUnsigned(block), DataBuf::octet_string(octets)];
            client.invoke(method(2), Some(&DataBuf::structure(numbered))).await.unwrap()
        };
        let read = async |number| {
            let octets = client.read(attribute(number)).await.unwrap().unwrap();
            DataBuf::decode(&mut Reader::new(&octets)).unwrap()
        };
        let verify = async || client.invoke(method(3), Some(&DataBuf::Integer(0))).await.unwrap();

        for block in (0..BLOCKS).filter(|block| *block != MISSING) {
            assert_eq!(send(block).await, Ok(None));
        }
        // The meter knows what is missing, and does not verify what is not there.
        assert_eq!(read(3).await, bits(Some(MISSING)));
        assert_eq!(read(4).await, DataBuf::DoubleLongUnsigned(MISSING));
        assert_eq!(verify().await, Err(ActionResult::TemporaryFailure));
        assert_eq!(send(MISSING).await, Ok(None));
        assert_eq!(read(3).await, bits(None));
        assert_eq!(verify().await, Ok(None));
        assert_eq!(read(6).await, DataBuf::Enum(VERIFIED));
        client.release().await.unwrap();
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(transfer);

    let bitmap = visit.values(&["18:0-0:44.0.0*255:3"]);
    assert_eq!(bitmap, ["1".repeat(BLOCKS as usize)]);
}

/// Row `k` of the profile, from 0, as the script makes it and `headend profile` should show it.
fn row(k: u32) -> Value {
    let time = DateTime::from_unix(PROFILE_START + 900 * i64::from(k), Some(0)).unwrap();
    let (hour, minute) = (k / 4 % 24, k % 4 * 15);
    let (mut month, mut day) = (1, k / 96 + 1);
    for length in [31, 28, 31] {
        if day <= length {
            break;
        }
        (month, day) = (month + 1, day - length);
    }
    let column = |logical_name, value| {
        json!({
            "logical_name": logical_name, "attribute": 2,
            "value": value, "scaler": 0, "unit": "Wh", "text": format!("{value} Wh"),
        })
    };
    json!({
        "time": time.to_string(),
        "raw_time": format!("07ea{month:02x}{day:02x}ff{hour:02x}{minute:02x}0000000000"),
        "status": if k.is_multiple_of(97) { 8 } else { 0 },
        "columns": [
            column("1-0:1.8.0*255", 1_000_000 + 7 * k + SERIAL),
            column("1-0:2.8.0*255", 500 + k / 4),
        ],
    })
}

/// Like `assert_eq`, but of thousands of rows it shows only the first that is wrong.
#[track_caller]
fn assert_same(rows: &[Value], expected: &[Value]) {
    for (row, expected) in rows.iter().zip(expected) {
        assert_eq!(row, expected);
    }
    assert_eq!(rows.len(), expected.len(), "rows");
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
