//! An invocation counter is used once, whatever happens: two processes at the same time, a process
//! that is killed, a counter file that is gone.
//!
//! The APDUs of these tests are authenticated and not encrypted, so that every counter can be read
//! off the line: those of APDUs, and the one in the proof of GMAC.

use core::time::Duration;
use std::collections::BTreeSet;
use std::fs;

use dlms_core::security::Protection;
use dlms_tests::{Foreign, Framing, Headend, Mode, Noise, Program, TcpCable, counters, soak};

const MODE: Mode = Mode::gmac(Protection::AUTHENTICATED);
/// How long a command may take.
const TIME_MAX: Duration = Duration::from_secs(60);
const OBJECTS: [&str; 3] = ["3:1-0:32.7.0*255:2", "3:1-0:1.8.0*255:2", "1:0-0:96.1.0*255:2"];

#[test]
fn two_processes_at_two_meters_share_a_counter_file() {
    let meters = Foreign::gurux_meter(Framing::Wrapper, &["--entries", "4", "--count", "2"]);
    let cables = [meters.port(), meters.port() + 1].map(|port| TcpCable::new(port, Noise::NONE));
    let headend = Headend::new();
    for _ in 0..soak::rounds(10) {
        let runs = cables.each_ref().map(|cable| start(&headend, cable, "read", &OBJECTS));
        for run in runs {
            run.finish(TIME_MAX).assert_code(0);
        }
    }
    used_once(&cables);
}

/// The meter takes a counter only if it is greater than the last. So of processes that ask at the
/// same time one may come too late with its counter: it asks again with a greater one.
#[test]
fn many_processes_at_one_meter_that_has_two_addresses_use_no_counter_twice() {
    let meter = Foreign::gurux_meter(Framing::Wrapper, &["--entries", "4"]);
    let cables = [meter.port(), meter.port()].map(|port| TcpCable::new(port, Noise::NONE));
    let [one, other] = &cables;
    let headend = Headend::new();
    let (mut done, mut late) = (0, 0);
    for _ in 0..soak::rounds(10) {
        let runs = [one, other, one, other].map(|cable| start(&headend, cable, "read", &OBJECTS));
        for run in runs {
            let output = run.finish(TIME_MAX);
            if output.code == Some(0) {
                done += 1;
            } else {
                // Overtaken once more when it asked again.
                output.assert_code(4);
                assert!(output.stderr.contains("E-EXC-6"), "{output}");
                late += 1;
            }
        }
        // Whatever they did to each other, the next one finds its way.
        start(&headend, one, "read", &OBJECTS).finish(TIME_MAX).assert_code(0);
    }
    println!("{done} done, {late} too late");
    used_once(&cables);
    assert!(done > 0);
}

#[test]
fn a_process_that_is_killed_leaves_counters_that_nobody_uses_again() {
    let args = ["--entries", "3000", "--delay", "0.002"];
    let meter = Foreign::gurux_meter(Framing::Wrapper, &args);
    let cable = TcpCable::new(meter.port(), Noise::NONE);
    let headend = Headend::new();
    for _ in 0..soak::rounds(8) {
        let mut profile = start(&headend, &cable, "profile", &["1-0:99.1.0*255"]);
        assert!(profile.wait_for_line("{", TIME_MAX).is_some(), "no row came");
        let output = profile.kill();
        assert_eq!(output.code, None, "ended before it was killed:\n{output}");
        assert!(output.stdout.lines().count() < 3_000);
        start(&headend, &cable, "read", &OBJECTS).finish(TIME_MAX).assert_code(0);
    }
    used_once(&[cable]);
}

/// Then the counter comes from the meter, which still knows.
#[test]
fn a_counter_file_that_is_gone_costs_a_question_and_no_counter() {
    let meter = Foreign::gurux_meter(Framing::Wrapper, &["--entries", "4"]);
    let cable = TcpCable::new(meter.port(), Noise::NONE);
    let headend = Headend::new();
    let file = headend.home().file("counters.json");
    let title = ["--system-title", "4D4D4D0000000001"];
    let words = [&OBJECTS[..], &title, &["--counter-file", &file]].concat();
    for _ in 0..3 {
        start(&headend, &cable, "read", &words).finish(TIME_MAX).assert_code(0);
        fs::remove_file(&file).unwrap();
    }
    used_once(&[cable]);
}

/// A file that cannot be read is not taken for an empty one.
#[test]
fn a_counter_file_that_is_broken_stops_everything_before_a_counter_is_used() {
    let meter = Foreign::gurux_meter(Framing::Wrapper, &["--entries", "4"]);
    let cable = TcpCable::new(meter.port(), Noise::NONE);
    let headend = Headend::new();
    let file = headend.home().file("counters.json");
    let words = [&OBJECTS[..], &["--counter-file", &file]].concat();
    for broken in ["", "{", "[]", "{\"version\":1}", "\0\0\0\0"] {
        fs::write(&file, broken).unwrap();
        let output = start(&headend, &cable, "read", &words).finish(TIME_MAX);
        output.assert_code(1);
        for words in
            ["E-IC-FILE", "is not a counter file", "usually means:", "must not be replaced"]
        {
            assert!(output.stderr.contains(words), "does not say `{words}`:\n{output}");
        }
        assert_eq!(output.json_lines().len(), OBJECTS.len());
        assert_eq!(fs::read_to_string(&file).unwrap(), broken);
    }
    assert!(cable.conversations().iter().all(|said| counters(&said.asked()).is_empty()));
}

/// `headend VERB` at work with what is behind the cable.
fn start(headend: &Headend, cable: &TcpCable, verb: &str, words: &[&str]) -> Program {
    let address = Framing::Wrapper.address(cable.port());
    let options = MODE.options();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    headend.start(&[&[verb, &address, "-o", "jsonl"], words, &options].concat())
}

/// No client used a counter twice, on whichever of the cables. The key is the same for all.
#[track_caller]
fn used_once(cables: &[TcpCable]) {
    let mut used = BTreeSet::new();
    for said in cables.iter().flat_map(TcpCable::conversations) {
        for (title, counter) in counters(&said.asked()) {
            assert!(used.insert((title.clone(), counter)), "{title:02x?} used {counter} twice");
        }
    }
    println!("{} counters, each used once", used.len());
    assert!(!used.is_empty());
}
