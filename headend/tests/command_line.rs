//! The binary against a meter that knows its answers by heart: what is typed, what goes over the
//! line, what comes out.

#![allow(clippy::unwrap_used, reason = "a test fails where its helper does")]

use core::{
    net::SocketAddr,
    sync::atomic::{AtomicU32, Ordering},
};
use std::{
    env, fs,
    io::{self, BufRead, BufReader},
    path::PathBuf,
    process::{self, Command, Output, Stdio},
    sync::{Arc, Mutex},
};

use dlms_core::security::Key;
use dlms_tokio::{ApduServer, WrapperServerConfig, serve_wrapper};
use simulator::{
    AnswerConfig, Deviation, Listening, Meter, MeterConfig, MeterKeys, WallClock, listen_wrapper,
};
use tokio::{net::TcpListener, runtime::Runtime};

/// AARQ without authentication, and the AARE that accepts it with GET, SET, ACTION, block transfer
/// with GET and selective access, PDU size 1024; and the release.
const ASSOCIATE: (&str, &str) = (
    "601da109060760857405080101be10040e01000000065f1f0400401e9fffff",
    "6129a109060760857405080101a203020100a305a103020100be10040e0800065f1f040000101d04000007",
);
const RELEASE: (&str, &str) = ("6203800100", "6303800100");

/// A meter with an answer for each request that it expects, in order; silence for any other.
struct Scripted {
    script: Vec<(Vec<u8>, Vec<u8>)>,
}

impl ApduServer for Scripted {
    fn knows(&self, server: u16) -> bool {
        server == 1
    }

    fn handle(&mut self, _: u16, _: u16, apdu: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
        let expected = self.script.first().is_some_and(|(request, _)| request == apdu);
        if expected {
            out.extend(self.script.remove(0).1);
        }
        expected
    }

    fn disconnected(&mut self, _: u16, _: u16) {}
}

/// Octets written as hexadecimal digits, with spaces where they help.
fn octets(digits: &str) -> Vec<u8> {
    let digits: Vec<char> = digits.chars().filter(|digit| *digit != ' ').collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap())
        .collect()
}

/// What `headend WORDS` does with a meter that answers by `script`; `METER` in the words stands for
/// its address.
fn headend(words: &[&str], script: &[(&str, &str)]) -> Output {
    let (_runtime, mut command) = prepared(words, script);
    command.output().unwrap()
}

/// The same, before it is started. The meter is there as long as the runtime is.
fn prepared(words: &[&str], script: &[(&str, &str)]) -> (Runtime, Command) {
    let script = script.iter().map(|(request, answer)| (octets(request), octets(answer))).collect();
    prepared_for(words, Scripted { script })
}

/// The same, with any meter.
fn prepared_for(words: &[&str], mut server: impl ApduServer + 'static) -> (Runtime, Command) {
    let runtime = Runtime::new().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let meter = format!("wrapper://{}", listener.local_addr().unwrap());
    runtime.spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let config = WrapperServerConfig::default();
        serve_wrapper(stream, &mut server, &config).await
    });
    let words = words.iter().map(|word| if *word == "METER" { meter.as_str() } else { word });
    let mut command = Command::new(env!("CARGO_BIN_EXE_headend"));
    command.args(words).args(["--timeout", "0.5", "--retries", "0"]).env("NO_COLOR", "1");
    // What meters show is remembered there, and must not be remembered by the next test.
    command.env("XDG_DATA_HOME", fresh_folder());
    (runtime, command)
}

/// A folder that nobody has seen, of which nothing exists.
fn fresh_folder() -> PathBuf {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let folder = env::temp_dir().join(format!("command-line-{}-{number}", process::id()));
    let _ = fs::remove_dir_all(&folder);
    folder
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_register_is_read_with_its_scaler_and_unit() {
    let output = headend(
        &["read", "METER", "3:1-0:32.7.0*255:2", "-o", "jsonl"],
        &[
            ASSOCIATE,
            ("c001c1 0003 0100200700ff 02 00", "c401c1 00 12 08fd"),
            ("c001c2 0003 0100200700ff 03 00", "c401c2 00 0202 0fff 1623"),
            RELEASE,
        ],
    );
    assert_eq!(
        stdout(&output),
        concat!(
            r#"{"logical_name":"1-0:32.7.0*255","class":3,"attribute":2,"type":"long-unsigned","#,
            r#""value":2301,"scaler":-1,"unit":"V","text":"230.1 V","error":null}"#,
            "\n"
        )
    );
    assert_eq!((stderr(&output).as_str(), output.status.code()), ("", Some(0)));
}

#[test]
fn the_class_is_looked_up_in_the_object_list() {
    let output = headend(
        &["read", "METER", "0-0:1.0.0*255", "-o", "csv"],
        &[
            ASSOCIATE,
            (
                "c001c1 000f 0000280000ff 02 00",
                "c401c1 00 0101 0204 120008 1100 0906 0000010000ff 0202 0100 0100",
            ),
            ("c001c2 0008 0000010000ff 02 00", "c401c2 00 090c 07ea010f04111e0000ffc400"),
            RELEASE,
        ],
    );
    assert_eq!(
        stdout(&output).lines().last().unwrap(),
        concat!(
            "0-0:1.0.0*255,8,2,date-time,2026-01-15T17:30:00+01:00,",
            "07ea010f04111e0000ffc400,,,2026-01-15T17:30:00+01:00,"
        )
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn every_object_has_its_line_when_the_meter_falls_silent_half_way() {
    let objects: Vec<String> = (1..=6).map(|number| format!("1:0-0:96.1.{number}*255")).collect();
    let mut words = vec!["read", "METER", "-o", "jsonl"];
    words.extend(objects.iter().map(String::as_str));
    let output = headend(
        &words,
        &[
            ASSOCIATE,
            ("c001c1 0001 0000600101ff 02 00", "c401c1 00 1101"),
            ("c001c2 0001 0000600102ff 02 00", "c401c2 01 04"),
        ],
    );
    let text = stdout(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 6, "{text}");
    for (line, object) in lines.iter().zip(&objects) {
        let name = object.trim_start_matches("1:");
        assert!(line.starts_with(&format!(r#"{{"logical_name":"{name}""#)), "{line}");
    }
    assert!(lines[0].contains(r#""value":1,"#) && lines[0].ends_with(r#""error":null}"#));
    assert!(lines[1].contains(r#""name":"object-undefined""#));
    // Whether the line or the association gives up first makes no difference.
    let silent = |line: &&str| ["E-NO-RESPONSE", "E-LINE-TIMEOUT"].iter().any(|c| line.contains(c));
    assert!(lines[2..].iter().all(silent), "{text}");
    // Some were read and some were not.
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
}

#[test]
fn the_cause_alone_is_the_exit_code_when_nothing_was_read() {
    let refused = headend(
        &["read", "METER", "1:0-0:96.1.0*255"],
        &[ASSOCIATE, ("c001c1 0001 0000600100ff 02 00", "c401c1 01 03"), RELEASE],
    );
    assert_eq!(refused.status.code(), Some(5));
    assert!(stderr(&refused).starts_with("E-DAR-3 read-write-denied: get 1:0-0:96.1.0*255:2\n"));
    let silent = headend(&["read", "METER", "1:0-0:96.1.0*255"], &[]);
    assert_eq!(silent.status.code(), Some(3));
    // authentication-required
    let rejected = headend(
        &["objects", "METER"],
        &[(ASSOCIATE.0, "6117a109060760857405080101a203020101a305a10302010e")],
    );
    assert_eq!(rejected.status.code(), Some(4));
    assert!(stderr(&rejected).starts_with("E-AARE-14 authentication-required"));
}

#[test]
fn rows_of_a_profile_come_block_by_block() {
    let output = headend(
        &["profile", "METER", "1-0:99.1.0*255", "--entries", "1..2", "-o", "jsonl"],
        &[
            ASSOCIATE,
            // capture_objects, capture_period, sort_method
            (
                "c001c1 0007 0100630100ff 03 00",
                "c401c1 00 0102 0204 120008 0906 0000010000ff 0f02 120000 \
                 0204 120001 0906 0000600100ff 0f02 120000",
            ),
            ("c001c2 0007 0100630100ff 04 00", "c401c2 00 06 00000384"),
            ("c001c3 0007 0100630100ff 05 00", "c401c3 00 16 01"),
            (
                "c001c4 0007 0100630100ff 02 01 02 0204 06 00000001 06 00000002 12 0001 12 0000",
                "c402c4 00 00000001 00 12 0102 0202 090c 07ea010f04111e0000800000",
            ),
            ("c002c4 00000001", "c402c4 01 00000002 00 07 1105 0202 00 1106"),
            RELEASE,
        ],
    );
    let line = |time: &str, raw_time: &str, value: u8| {
        let head = format!(r#"{{"time":"{time}","raw_time":{raw_time},"status":null,"columns":["#);
        let name = r#"{"logical_name":"0-0:96.1.0*255","attribute":2,"#;
        let value = format!(r#""value":{value},"scaler":null,"unit":null,"text":"{value}"}}]}}"#);
        format!("{head}{name}{value}\n")
    };
    assert_eq!(
        stdout(&output),
        line("2026-01-15T17:30:00", r#""07ea010f04111e0000800000""#, 5)
            + &line("2026-01-15T17:45:00", "null", 6),
        "{}",
        stderr(&output)
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_value_is_written_and_a_method_invoked() {
    let written = headend(
        &["write", "METER", "1:0-0:96.10.1*255:2", "unsigned:3", "-o", "jsonl"],
        &[ASSOCIATE, ("c101c1 0001 0000600a01ff 02 00 1103", "c501c1 00"), RELEASE],
    );
    assert_eq!(
        stdout(&written),
        r#"{"logical_name":"0-0:96.10.1*255","class":1,"attribute":2,"error":null}"#.to_owned()
            + "\n"
    );
    let invoked = headend(
        &["invoke", "METER", "70:0-0:96.3.10*255", "1"],
        &[ASSOCIATE, ("c301c1 0046 000060030aff 01 01 0f00", "c701c1 00 00"), RELEASE],
    );
    assert_eq!(stdout(&invoked).lines().last(), Some("70:0-0:96.3.10*255       1  done"));
    let refused = headend(
        &["invoke", "METER", "70:0-0:96.3.10*255", "2", "none", "-o", "jsonl"],
        &[ASSOCIATE, ("c301c1 0046 000060030aff 02 00", "c701c1 03 00"), RELEASE],
    );
    assert!(stdout(&refused).contains(r#""error":{"code":"E-ACT-3","name":"read-write-denied""#));
    assert_eq!(refused.status.code(), Some(5));
}

#[test]
fn wrong_usage_says_what_to_type_and_shows_no_secret() {
    const SECRET: &str = "0123456789ABCDEF";
    for (words, expected) in [
        (&["read"][..], "<ADDRESS>"),
        (&["read", "192.0.2.7", "1-0:1.8.0*255"], "wrapper://"),
        (&["read", "wrapper://192.0.2.7", "1.8.0"], "1-0:1.8.0*255"),
        (&["profile", "wrapper://192.0.2.7", "1-0:99.1.0*255", "--entries", "0..3"], "1..96"),
        (&["write", "wrapper://192.0.2.7", "1:0-0:96.10.1*255", "3"], "unsigned:3"),
        (&["read", "wrapper://192.0.2.7", "1-0:1.8.0*255", "--auth", "lls"], "--password-file"),
        (
            &["read", "wrapper://192.0.2.7", "1-0:1.8.0*255", "--security", "enc", "--ek", SECRET],
            "32 hexadecimal digits",
        ),
    ] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_headend")).args(words).env_clear().output().unwrap();
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {message}");
        assert!(message.contains(expected) && !message.contains(SECRET), "{words:?}: {message}");
    }
}

/// A folder that is gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("headend-{name}-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.0.join(name);
        if !content.is_empty() {
            fs::write(&path, content).unwrap();
        }
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The encryption and authentication keys of the simulated meter with this serial number.
fn keys(serial: u8) -> [[u8; 16]; 2] {
    [[serial; 16], [serial + 0x80; 16]]
}

/// The keys file of the simulated meters with these serial numbers.
fn keys_file(serials: &[u8]) -> String {
    let hex = |key: [u8; 16]| key.map(|octet| format!("{octet:02x}")).concat();
    let sections = serials.iter().map(|serial| {
        let [ek, ak] = keys(*serial).map(hex);
        format!("[\"44484501000000{serial:02X}\"]\nek = \"{ek}\"\nak = \"{ak}\"\n")
    });
    sections.collect()
}

/// Serves the simulated meter with this serial number.
fn simulated(runtime: &Runtime, address: SocketAddr, serial: u8) -> Listening {
    let [encryption, authentication] = keys(serial).map(Key::from);
    let keys = MeterKeys { encryption, authentication, ..MeterKeys::default() };
    let config = Arc::new(MeterConfig { entries: 4, keys, ..MeterConfig::default() });
    let meter = Arc::new(Mutex::new(Meter::new(serial.into(), config)));
    runtime.block_on(listen_wrapper(meter, address, AnswerConfig::default())).unwrap()
}

/// Reads the logical device name with the keys of a file.
fn read_with_keys(address: SocketAddr, keys: &str, counters: &str, options: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_headend"))
        .args(["read", &format!("wrapper://{address}"), "1:0-0:42.0.0*255", "--client", "1"])
        .args(["--auth", "hls-gmac", "--security", "authenc", "--timeout", "5"])
        .args(["--keys", keys, "--counter-file", counters])
        .args(options)
        .output()
        .unwrap()
}

#[test]
fn a_meter_that_was_exchanged_is_read_with_its_own_keys() {
    let folder = Folder::new("exchange");
    let (keys, counters) =
        (folder.file("keys.toml", &keys_file(&[1, 2])), folder.file("c.json", ""));
    let runtime = Runtime::new().unwrap();
    let old = simulated(&runtime, SocketAddr::from(([127, 0, 0, 1], 0)), 1);
    let address = old.address();
    let read = |serial: &str| {
        let output = read_with_keys(address, &keys, &counters, &[]);
        assert!(stdout(&output).contains(serial), "{}", stderr(&output));
        assert_eq!(output.status.code(), Some(0));
    };
    read("0000000000001");
    old.stop();
    // Its port is free once its task has ended.
    runtime.block_on(async { while TcpListener::bind(address).await.is_err() {} });
    let new = simulated(&runtime, address, 2);
    read("0000000000002");
    read("0000000000002");
    // And back.
    new.stop();
    runtime.block_on(async { while TcpListener::bind(address).await.is_err() {} });
    let _old = simulated(&runtime, address, 1);
    read("0000000000001");
}

#[test]
fn the_keys_of_another_meter_are_not_tried_on_one_that_tells_its_title() {
    let folder = Folder::new("only");
    let (keys, counters) = (folder.file("keys.toml", &keys_file(&[1])), folder.file("c.json", ""));
    let runtime = Runtime::new().unwrap();
    let meter = simulated(&runtime, SocketAddr::from(([127, 0, 0, 1], 0)), 2);
    let output = read_with_keys(meter.address(), &keys, &counters, &[]);
    let message = stderr(&output);
    assert!(message.starts_with("E-KEYS-UNKNOWN"), "{message}");
    assert!(message.contains("meter 4448450100000002"), "{message}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn the_largest_counter_is_refused_and_a_key_without_counters_is_called_so() {
    let folder = Folder::new("largest");
    let (keys, counters) = (folder.file("keys.toml", &keys_file(&[1])), folder.file("c.json", ""));
    let runtime = Runtime::new().unwrap();
    let meter = simulated(&runtime, SocketAddr::from(([127, 0, 0, 1], 0)), 1);
    let read = |options: &[&str]| read_with_keys(meter.address(), &keys, &counters, options);
    assert_eq!(read(&[]).status.code(), Some(0));
    let largest = read(&["--counter", "4294967295"]);
    assert!(stderr(&largest).starts_with("E-IC-LARGEST"), "{}", stderr(&largest));
    assert_eq!(largest.status.code(), Some(2));
    assert_eq!(read(&[]).status.code(), Some(0), "the key goes on");
    // One counter is left: for the proof, and none for a request.
    let last = read(&["--counter", "4294967294"]);
    assert!(stderr(&last).starts_with("E-IC-EXHAUSTED"), "{}", stderr(&last));
    let none = read(&[]);
    assert!(stderr(&none).starts_with("E-IC-EXHAUSTED"), "{}", stderr(&none));
    assert_eq!((last.status.code(), none.status.code()), (Some(4), Some(4)));
}

#[test]
fn a_trace_that_nobody_reads_changes_nothing() {
    let runtime = Runtime::new().unwrap();
    let meter = simulated(&runtime, SocketAddr::from(([127, 0, 0, 1], 0)), 1);
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_headend"))
        .args(["read", &format!("wrapper://{}", meter.address()), "1:0-0:42.0.0*255"])
        .args(["--trace", "phys", "-o", "csv"])
        .stderr(writer)
        .output()
        .unwrap();
    assert!(stdout(&output).contains("0000000000001"), "{}", stdout(&output));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn json_is_a_list_on_failure_too() {
    for words in
        [&["objects", "METER", "-o", "json"][..], &["profile", "METER", "1-0:99.1.0", "-o", "json"]]
    {
        // Silence, and a meter that refuses everything.
        for script in [&[][..], &[ASSOCIATE]] {
            let output = headend(words, script);
            assert_eq!(stdout(&output), "[]\n", "{words:?}");
            assert_ne!(output.status.code(), Some(0));
        }
    }
}

#[test]
fn what_is_known_is_shown_before_a_silent_meter_is_left() {
    let class_list = "c401c1 00 0101 0204 120008 1100 0906 0000010000ff 0202 0100 0100";
    for (words, request, answer) in [
        (
            &["read", "METER", "1:0-0:96.1.0*255"][..],
            "c001c1 0001 0000600100ff 02 00",
            "c401c1 00 1105",
        ),
        (&["objects", "METER"], "c001c1 000f 0000280000ff 02 00", class_list),
        (
            &["write", "METER", "1:0-0:96.1.0", "null"],
            "c101c1 0001 0000600100ff 02 00 00",
            "c501c1 00",
        ),
        (
            &["invoke", "METER", "9:0-0:10.0.0", "1"],
            "c301c1 0009 00000a0000ff 01 01 0f00",
            "c701c1 00 00",
        ),
    ] {
        let (_runtime, mut command) = prepared(words, &[ASSOCIATE, (request, answer)]);
        let mut headend = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        let mut out = BufReader::new(headend.stdout.take().unwrap());
        out.read_line(&mut first).unwrap();
        assert!(!first.is_empty(), "{words:?}");
        // It still waits for the answer to its RLRQ.
        assert_eq!(headend.try_wait().unwrap(), None, "{words:?}");
        assert_eq!(headend.wait().unwrap().code(), Some(0), "{words:?}");
    }
}

/// A meter that answers two GETs of the voltage once both have come, the later one first.
#[derive(Default)]
struct InPairs {
    answers: Vec<Vec<u8>>,
}

impl ApduServer for InPairs {
    fn knows(&self, server: u16) -> bool {
        server == 1
    }

    fn handle(&mut self, _: u16, _: u16, apdu: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
        match apdu[..] {
            [0x60, ..] => out.extend(octets(ASSOCIATE.1)),
            [0x62, ..] => out.extend(octets(RELEASE.1)),
            [0xc0, 1, invoke, .., attribute, 0] => {
                let value = if attribute == 3 { "0202 0fff 1623" } else { "12 08fd" };
                self.answers.push([&[0xc4, 1, invoke, 0][..], &octets(value)].concat());
                if let [_, _] = self.answers[..] {
                    out.extend(self.answers.pop().unwrap());
                }
            }
            _ => {}
        }
        !out.is_empty()
    }

    fn further(&mut self, _: u16, _: u16, out: &mut Vec<u8>) -> bool {
        out.extend(self.answers.pop().unwrap_or_default());
        !out.is_empty()
    }

    fn disconnected(&mut self, _: u16, _: u16) {}
}

#[test]
fn with_several_in_flight_a_request_is_made_before_the_last_is_answered() {
    let read = |options: &[&str]| {
        let words = [&["read", "METER", "3:1-0:32.7.0*255", "-o", "jsonl"][..], options].concat();
        let (_runtime, mut command) = prepared_for(&words, InPairs::default());
        command.output().unwrap()
    };
    let output = read(&["--in-flight", "2"]);
    assert!(stdout(&output).contains(r#""text":"230.1 V","error":null"#), "{output:?}");
    assert_eq!((stderr(&output).as_str(), output.status.code()), ("", Some(0)));
    // One at a time, this meter never answers.
    let output = read(&[]);
    assert_ne!(output.status.code(), Some(0));
    assert!(stdout(&output).contains(r#""text":null"#), "{output:?}");
    let output = read(&["--in-flight", "9"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("1..=8"), "{output:?}");
}

#[test]
fn options_that_contradict_each_other_send_nothing() {
    const METER: &str = "wrapper://192.0.2.7";
    for (words, expected) in [
        (&["read", METER, "1-0:1.8.0", "--ek", "zz"][..], "--ek has no effect"),
        (&["read", METER, "1-0:1.8.0", "--password", "x"], "--password has no effect"),
        (&["read", METER, "1-0:1.8.0", "--suite", "7"], "--suite has no effect"),
        (&["read", METER, "1-0:1.8.0", "--counter", "7"], "--counter has no effect"),
        (&["profile", METER, "3:1-0:99.1.0"], "class 7"),
        (
            &["profile", METER, "1-0:99.1.0", "--from", "2026-02-01", "--to", "2026-01-01"],
            "later than --to",
        ),
    ] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_headend")).args(words).env_clear().output().unwrap();
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {message}");
        assert!(message.contains(expected), "{words:?}: {message}");
    }
}

#[test]
fn xml_of_a_capture_is_encoded_to_the_capture() {
    let run = |words: &[&str], input: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_headend"))
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let capture = "000100100001000dc001c100030100010800ff0200\n000100010010000901c40104\n";
    let capture = capture.replace("000901c40104", "0005c401c10104");
    for format in ["xml", "xml-asn1"] {
        let xml = run(&["decode", "-o", format], &capture);
        assert_eq!((stderr(&xml).as_str(), xml.status.code()), ("", Some(0)));
        let encoded = run(&["encode"], &stdout(&xml));
        // By the schema there are no frames.
        let expected = match format {
            "xml" => capture.clone(),
            _ => capture.lines().map(|line| format!("{}\n", &line[16..])).collect(),
        };
        assert_eq!(stdout(&encoded), expected, "{}", stdout(&xml));
    }
    let binary = run(&["encode", "-", "-o", "binary"], "<ReleaseRequest/>");
    assert_eq!((binary.stdout.as_slice(), binary.status.code()), (&[0x62, 0x00][..], Some(0)));

    let wrong = run(&["encode"], "<GetRequest>\n  <GetRequestNormal/>");
    assert_eq!(
        stderr(&wrong),
        "error: -: line 2, column 22, in <GetRequestNormal>: <InvokeIdAndPriority> is missing\n"
    );
    assert_eq!((stdout(&wrong).as_str(), wrong.status.code()), ("", Some(2)));
}

/// A meter at one and the same address, asked by several commands that share what they remember.
struct Remembered {
    runtime: Runtime,
    /// Kept from one command to the next, so that nobody else gets the port.
    listener: Arc<TcpListener>,
    folder: PathBuf,
}

impl Remembered {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        Self { runtime, listener: Arc::new(listener), folder: fresh_folder() }
    }

    fn run(&self, words: &[&str], script: &[(&str, &str)]) -> Output {
        let script = script.iter().map(|(asked, said)| (octets(asked), octets(said))).collect();
        let address = self.listener.local_addr().unwrap();
        let listener = Arc::clone(&self.listener);
        let serving = self.runtime.spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let config = WrapperServerConfig::default();
            serve_wrapper(stream, &mut Scripted { script }, &config).await
        });
        let mut command = Command::new(env!("CARGO_BIN_EXE_headend"));
        command.args(["read", &format!("wrapper://{address}")]).args(words);
        command.args(["--timeout", "2", "--retries", "0", "-o", "jsonl", "--trace", "apdu"]);
        command.env("XDG_DATA_HOME", &self.folder).env("NO_COLOR", "1");
        let output = command.output().unwrap();
        serving.abort();
        output
    }
}

impl Drop for Remembered {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The AARE that agrees to lists as well.
const ASSOCIATE_WITH_LISTS: (&str, &str) = (
    ASSOCIATE.0,
    "6129a109060760857405080101a203020100a305a103020100be10040e0800065f1f040000121d04000007",
);

#[test]
fn a_meter_that_does_not_answer_rlrq_is_not_asked_again() {
    let meter = Remembered::new();
    let value = ("c001c1 0001 00002a0000ff 02 00", "c401c1 00 0901 41");
    let notes = |output: &Output| stderr(output).matches("note: ").count();

    // Once may be chance.
    let once = meter.run(&["1:0-0:42.0.0*255:2"], &[ASSOCIATE, value]);
    assert_eq!((once.status.code(), notes(&once)), (Some(0), 0), "{}", stderr(&once));

    let first = meter.run(&["1:0-0:42.0.0*255:2"], &[ASSOCIATE, value]);
    assert_eq!(first.status.code(), Some(0));
    let learned = "note: the meter does not answer RLRQ: remembered in ";
    assert!(stderr(&first).contains(learned), "{}", stderr(&first));
    assert!(stderr(&first).contains("RLRQ") && notes(&first) == 1, "{}", stderr(&first));

    let second = meter.run(&["1:0-0:42.0.0*255:2"], &[ASSOCIATE, value]);
    assert_eq!((second.status.code(), notes(&second)), (Some(0), 0), "{}", stderr(&second));
    assert!(!stderr(&second).contains("RLRQ"), "{}", stderr(&second));
    assert_eq!(stdout(&second), stdout(&first));

    // Unless that is to be found out.
    let third = meter.run(&["1:0-0:42.0.0*255:2", "--no-learn"], &[ASSOCIATE, value, RELEASE]);
    assert!(stderr(&third).contains("RLRQ") && notes(&third) == 0, "{}", stderr(&third));
}

#[test]
fn a_meter_that_refuses_lists_is_read_one_by_one_from_then_on() {
    let meter = Remembered::new();
    let words = ["1:0-0:42.0.0*255:2", "1:0-0:96.1.0*255:2"];
    let list = ("c003c1 02 0001 00002a0000ff 02 00 0001 0000600100ff 02 00", "d80102");
    let single = |number: &'static str, name: &'static str| {
        (format!("c001{number} 0001 {name} 02 00"), format!("c401{number} 00 0901 41"))
    };
    let singles = [single("c2", "00002a0000ff"), single("c3", "0000600100ff")];
    let [one, two] = singles.each_ref().map(|(asked, said)| (asked.as_str(), said.as_str()));
    let first = meter.run(&words, &[ASSOCIATE_WITH_LISTS, list, one, two, RELEASE]);
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    assert!(stderr(&first).contains("note: the meter refuses GET with list"), "{}", stderr(&first));

    let singles = [single("c1", "00002a0000ff"), single("c2", "0000600100ff")];
    let [one, two] = singles.each_ref().map(|(asked, said)| (asked.as_str(), said.as_str()));
    let second = meter.run(&words, &[ASSOCIATE_WITH_LISTS, one, two, RELEASE]);
    assert_eq!(second.status.code(), Some(0), "{}", stderr(&second));
    assert!(!stderr(&second).contains("note: "), "{}", stderr(&second));
    assert_eq!(stdout(&second), stdout(&first));
}

#[test]
fn a_quirks_file_says_what_is_done_differently() {
    let meter = Remembered::new();
    let file = fresh_folder().with_extension("toml");
    let address = meter.listener.local_addr().unwrap();
    let section =
        format!("[this]\naddress = \"wrapper://{address}\"\nrelease = false\nmax-pdu = 1023\n",);
    fs::write(&file, section).unwrap();
    let file = file.to_str().unwrap();
    let value = ("c001c1 0001 00002a0000ff 02 00", "c401c1 00 0901 41");
    let asked = ASSOCIATE.0.replace("fe9fffff", "fe9f03ff");
    let asked = asked.replace("1e9fffff", "1e9f03ff");
    let words = ["1:0-0:42.0.0*255:2", "--quirks", file];
    let output = meter.run(&words, &[(&asked, ASSOCIATE.1), value]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!stderr(&output).contains("RLRQ"), "{}", stderr(&output));

    fs::write(file, "[this]\nmanufacturer = \"GRX\"\nlist = false").unwrap();
    let wrong = meter.run(&words, &[]);
    assert_eq!(wrong.status.code(), Some(2));
    let said = stderr(&wrong);
    assert!(said.contains("section [this]: list is not known: did you mean lists?"), "{said}");
    fs::remove_file(file).unwrap();
}

#[test]
fn a_meter_that_tells_no_capture_objects_has_those_of_its_companion() {
    let mut script = vec![
        (ASSOCIATE.0.to_owned(), ASSOCIATE.1.to_owned()),
        // No capture objects, an hour, first in first out.
        ("c001c1 0007 0100630100ff 03 00".into(), "c401c1 00 0100".into()),
        ("c001c2 0007 0100630100ff 04 00".into(), "c401c2 00 0600000e10".into()),
        ("c001c3 0007 0100630100ff 05 00".into(), "c401c3 00 1601".into()),
    ];
    // Scaler and unit of the six energies of the hour: Wh, and then nothing.
    for (invoke, quantity) in (4..).zip([1, 2, 5, 6, 7, 8]) {
        let answer = if quantity == 1 { "00 0202 0f00 161e" } else { "01 04" };
        script.push((
            format!("c001c{invoke} 0003 0100{quantity:02x}1d00ff 03 00"),
            format!("c401c{invoke} {answer}"),
        ));
    }
    let row = [
        "0208 090c07ea010fff0c000000ffc400 1100",
        "06000001f4 0600000000 0600000000 0600000000 0600000000 0600000007",
    ];
    script.push((
        "c001ca 0007 0100630100ff 02 00".into(),
        format!("c401ca 00 0101 {} {}", row[0], row[1]),
    ));
    script.push((RELEASE.0.into(), RELEASE.1.into()));
    let script: Vec<(&str, &str)> =
        script.iter().map(|(request, answer)| (request.as_str(), answer.as_str())).collect();
    let words = ["profile", "METER", "load profile 1", "--companion", "prime", "-o", "csv"];
    let output = headend(&words, &script);
    let text = stdout(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("time,raw_time,status,1-0:1.29.0*255:2 [Wh],1-0:2.29.0*255:2,"));
    assert!(lines[1].starts_with("2026-01-15T12:00:00+01:00,"), "{text}");
    assert!(lines[1].ends_with(",0,500,0,0,0,0,7"), "{text}");
    assert!(stderr(&output).contains("these are the companion's"), "{}", stderr(&output));
}

/// What `headend WORDS` says of a meter with `config`, and of a section of quirks about it.
fn with_quirks(config: MeterConfig, section: &str, words: &[&str]) -> Output {
    let runtime = Runtime::new().unwrap();
    let meter = Arc::new(Mutex::new(Meter::new(1000, Arc::new(config))));
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listening = runtime.block_on(listen_wrapper(meter, any, AnswerConfig::default())).unwrap();
    let address = format!("wrapper://{}", listening.address());
    let folder = fresh_folder();
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("quirks.toml"), section).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_headend"));
    command.args([words[0], &address, "-o", "jsonl", "--quirks", "quirks.toml"]);
    command.args(&words[1..]).current_dir(&folder).env("XDG_DATA_HOME", &folder);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    output
}

/// A summer's day, 12:00 in Central Europe.
const SUMMER_NOON: i64 = 1_784_109_600;

#[test]
fn a_meter_with_reversed_deviations_found_by_its_device_name_is_understood() {
    let config = || MeterConfig {
        entries: 4,
        clock: WallClock::fixed(SUMMER_NOON),
        deviation: Deviation::Reversed,
        ..MeterConfig::default()
    };
    let section = "[turned]\ndevice-name = \"DHE0*\"\ndeviation-reversed = true";
    let clock = stdout(&with_quirks(config(), section, &["read", "8:0-0:1.0.0*255"]));
    assert!(clock.contains(r#""value":"2026-07-15T12:00:00+02:00""#), "{clock}");
    // The octets are those of the meter: 120 minutes with the other sign.
    assert!(clock.contains(r#""raw":"07ea070f030c0000000078"#), "{clock}");
    let other = "[turned]\ndevice-name = \"ABC*\"\ndeviation-reversed = true";
    let clock = stdout(&with_quirks(config(), other, &["read", "8:0-0:1.0.0*255"]));
    assert!(clock.contains(r#""value":"2026-07-15T12:00:00-02:00""#), "{clock}");
    // What is asked for is written as the meter does, and what comes is read so.
    let words = ["profile", "1-0:99.1.0*255", "--from", "2026-07-15T11:30:00+02:00"];
    let rows = stdout(&with_quirks(config(), section, &words));
    let rows: Vec<&str> = rows.lines().collect();
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert!(rows[0].contains(r#""time":"2026-07-15T11:30:00+02:00""#), "{rows:?}");
}

#[test]
fn a_clock_in_standard_time_that_tells_no_deviation_has_the_one_of_its_manufacturer() {
    let config = || MeterConfig {
        clock: WallClock::fixed(SUMMER_NOON),
        deviation: Deviation::Unspecified,
        standard_time: true,
        ..MeterConfig::default()
    };
    // No title is told without ciphering: the device name tells the manufacturer.
    let section = "[dhe]\nmanufacturer = \"DHE\"\ndeviation-minutes = -60";
    let clock = stdout(&with_quirks(config(), section, &["read", "8:0-0:1.0.0*255"]));
    assert!(clock.contains(r#""value":"2026-07-15T11:00:00+01:00""#), "{clock}");
    let clock = stdout(&with_quirks(config(), "", &["read", "8:0-0:1.0.0*255"]));
    assert!(clock.contains(r#""value":"2026-07-15T11:00:00""#), "{clock}");
}
