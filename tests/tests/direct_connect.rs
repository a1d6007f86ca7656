//! Meters behind our concentrator are read and commanded end to end, by other people's clients and
//! by ours, as if it were not there.
#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
};

use dlms_tests::{
    Concentrator, Folder, Foreign, Framing, Headend, Meter, Mode, Noise, Output, SerialCable,
    Simulator, TcpCable,
};
use serde_json::Value;

/// What a client that has the keys does: everything protected.
const GMAC: [&str; 6] = ["--client", "1", "--auth", "gmac", "--security", "authenc"];

/// A concentrator before these meters, at SAPs beyond what one octet addresses.
fn before(meters: &[&Meter]) -> Concentrator {
    Concentrator::with_meters(meters.iter().zip(500..).map(|(meter, sap)| {
        let name: &str = match sap {
            500 => "GRX0000000000500",
            501 => "DHE0000000000501",
            _ => "DHE0000000000502",
        };
        (sap, name, meter.address())
    }))
}

/// Every step of a client but for its figures.
fn steps(output: &Output) -> Vec<String> {
    let steps = output.stdout.lines().filter(|line| line.starts_with(['O', 'F']));
    steps.map(|line| line.split(" = ").next().unwrap_or(line).to_owned()).collect()
}

#[test]
fn a_foreign_client_does_every_step_at_a_foreign_meter_as_if_nobody_were_between() {
    let direct = Foreign::gurux_meter(Framing::Wrapper, &["--entries", "3000"]);
    let expected = Foreign::gurux_client(Framing::Wrapper, direct.port(), &GMAC);
    assert!(steps(&expected).len() > 20, "{expected}");

    let meter = Foreign::gurux_meter(Framing::Wrapper, &["--entries", "3000"]);
    let concentrator = before(&[&meter]);
    let args = [&GMAC[..], &["--sap", "500"]].concat();
    let output = Foreign::gurux_client(Framing::Wrapper, concentrator.port(), &args);
    assert_eq!(steps(&output), steps(&expected), "{output}\n{expected}");
}

#[test]
fn foreign_clients_reach_our_meters_in_every_way_to_prove_oneself() {
    let entries = ["--entries", "3000", "--clock", "2026-02-01T06:00:00Z"];
    let (one, two) = (
        Simulator::meter(Framing::Wrapper, &entries),
        Simulator::meter(Framing::Wrapper, &entries),
    );
    let concentrator = before(&[&one, &two]);
    for (mode, sap) in
        [("16 --auth none", "500"), ("17 --auth low", "501"), ("1 --auth sha256", "500")]
    {
        let mode = format!("--client {mode} --sap {sap}");
        let args: Vec<&str> = mode.split(' ').collect();
        let output = Foreign::gurux_client(Framing::Wrapper, concentrator.port(), &args);
        assert!(output.stdout.contains("steps ok 25 failed 1"), "{mode}: {output}");
    }
    let args = ["--auth", "gmac", "--dedicated", "--sap", "501"];
    let output = Foreign::u9n_client(Framing::Wrapper, concentrator.port(), &args);
    assert!(output.stdout.contains("steps ok 17 failed 2"), "{output}");
}

/// What passes is recorded on both sides of the concentrator.
#[test]
fn every_apdu_is_the_same_on_both_sides() {
    let meter = Foreign::gurux_meter(Framing::Wrapper, &["--entries", "500"]);
    let lan = TcpCable::new(meter.port(), Noise::NONE);
    let concentrator = Concentrator::with_meters([(
        3_013,
        "GRX0000000000001",
        Framing::Wrapper.address(lan.port()),
    )]);
    let wan = TcpCable::new(concentrator.port(), Noise::NONE);
    let args = [&GMAC[..], &["--sap", "3013"]].concat();
    let output = Foreign::gurux_client(Framing::Wrapper, wan.port(), &args);
    assert!(output.stdout.contains("steps ok"), "{output}");

    let (wan, lan) = (wan.conversations(), lan.conversations());
    let apdus = |octets: Vec<u8>| {
        let mut apdus = Vec::new();
        let mut rest = &octets[..];
        while let Some(Ok(frame)) = dlms_core::wrapper::next_frame(rest) {
            apdus.push(frame.apdu.to_vec());
            rest = &rest[frame.consumed()..];
        }
        assert!(rest.is_empty());
        apdus
    };
    let asked = apdus(wan[0].asked());
    assert!(asked.len() > 30, "{}", asked.len());
    assert_eq!(asked, apdus(lan[0].asked()));
    assert_eq!(apdus(wan[0].answered()), apdus(lan[0].answered()));
}

#[test]
fn our_head_end_reads_through_it_and_no_altered_value_passes() {
    let meter = Foreign::gurux_meter(Framing::Wrapper, &["--entries", "96"]);
    let headend = Headend::new();
    let read = |address: &str, server: &str| {
        let options = Mode::AUTHENC.options();
        let mut args = vec!["read", address, "3:1-0:32.7.0*255:2", "-o", "jsonl"];
        args.extend(["--server", server]);
        args.extend(options.iter().map(String::as_str));
        headend.run(&args)
    };
    let concentrator = before(&[&meter]);
    let output = read(&concentrator.address(), "500");
    output.assert_code(0);
    assert_eq!(output.json_lines()[0]["text"], "230.1 V");

    // Somebody in between, on either leg.
    for mode in ["tag", "text", "strip"] {
        let wan = Foreign::tamper_proxy(concentrator.port(), mode);
        let output = read(&Framing::Wrapper.address(wan.port()), "500");
        assert_refused(&output, mode);

        let lan = Foreign::tamper_proxy(meter.port(), mode);
        let address = Framing::Wrapper.address(lan.port());
        let tampered = Concentrator::with_meters([(500, "GRX0000000000500", address)]);
        assert_refused(&read(&tampered.address(), "500"), mode);
    }
}

#[track_caller]
fn assert_refused(output: &Output, mode: &str) {
    output.assert_code(4);
    let values = output.json_lines().into_iter().filter(|line| line["text"] != Value::Null);
    assert_eq!(values.count(), 0, "{mode}: {output}");
}

#[test]
fn a_meter_that_nobody_has_is_silence_and_one_that_is_down_is_said() {
    let meter = Simulator::meter(Framing::Wrapper, &["--entries", "4"]);
    let concentrator = before(&[&meter]);
    let headend = Headend::new();
    let read = |server: &str| {
        let args = ["read", &concentrator.address(), "1:0-0:42.0.0*255:2", "--server", server];
        let args = [&args[..], &["--timeout", "1", "--retries", "0"]].concat();
        headend.run(&args)
    };
    read("500").assert_code(0);
    read("501").assert_code(3);
    let _ = meter.kill();
    read("500").assert_code(5);
}

/// What no process that routes has ever seen. The keys are those of the meters.
#[test]
fn the_memory_of_the_concentrator_holds_no_key_of_a_meter_after_all_that() {
    let meter = Foreign::gurux_meter(Framing::Wrapper, &["--entries", "96"]);
    let concentrator = before(&[&meter]);
    let args = [&GMAC[..], &["--sap", "500"]].concat();
    let output = Foreign::gurux_client(Framing::Wrapper, concentrator.port(), &args);
    assert!(output.stdout.contains("steps ok"), "{output}");

    let memory = memory(concentrator.id());
    let holds = |octets: &[u8]| memory.iter().any(|part| contains(part, octets));
    // What the scan must find: the name of the meter, of which the configuration tells.
    assert!(holds(b"GRX0000000000500"));
    let key = |first: u8| (first..first + 16).collect::<Vec<u8>>();
    for (what, octets) in [
        ("encryption key", key(0x00)),
        ("authentication key", key(0xD0)),
        ("secret", b"ABCDEFGHIJKLMNOP".to_vec()),
    ] {
        assert!(!holds(&octets), "{what}");
    }
}

/// The only secret of a meter that ever gets there, and only where it is told to read by itself.
#[test]
fn with_collection_the_secret_of_the_reading_client_is_in_its_memory_and_without_it_is_not() {
    let secret = b"reading-0f3c-secret";
    let folder = Folder::new();
    let file = folder.file("reading.secret");
    fs::write(&file, secret).unwrap();
    let collection = format!(
        "[collection]\nclient = 17\nauthentication = \"lls\"\nsecret-file = \"{file}\"\n\
         [[collection.task]]\nname = \"profile\"\nread = [\"7:1-0:99.1.0*255\"]\n\
         every-min = 60\n"
    );
    for (config, expected) in [("", false), (&collection[..], true)] {
        let concentrator = Concentrator::start(config);
        let holds = memory(concentrator.id()).iter().any(|part| contains(part, secret));
        assert_eq!(holds, expected, "{config}");
    }
}

/// All that a process has in its memory and may write.
fn memory(process: u32) -> Vec<Vec<u8>> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let file = File::open(format!("/proc/{process}/mem")).unwrap();
    let mut parts = Vec::new();
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let range = line.split(' ').next().unwrap();
        let (from, to) = range.split_once('-').unwrap();
        let [from, to] = [from, to].map(|hex| u64::from_str_radix(hex, 16).unwrap());
        let mut part = vec![0; usize::try_from(to - from).unwrap()];
        // What was given back meanwhile is not there any more.
        if file.read_exact_at(&mut part, from).is_ok() {
            parts.push(part);
        }
    }
    assert!(!parts.is_empty(), "{maps}");
    parts
}

fn contains(part: &[u8], octets: &[u8]) -> bool {
    part.windows(octets.len()).any(|window| window == octets)
}

/// The tables of 1,200 meters, of which the last one is there: no two are at one place.
fn before_1_200(last: &Meter) -> String {
    let tables = (0..1_200).map(|number| {
        let address = match number {
            1_199 => last.address(),
            _ => format!("wrapper://127.1.{}.{}", number / 256, number % 256),
        };
        format!("[[meter]]\nname = \"GRX{number:013}\"\naddress = \"{address}\"\n")
    });
    tables.collect()
}

/// The list is 27,600 octets long and goes in blocks.
#[test]
fn a_foreign_client_reads_the_list_of_1_200_meters_and_then_each_of_them_is_there() {
    let meter = Foreign::gurux_meter(Framing::Wrapper, &["--entries", "96"]);
    let config = format!("[management]\npublic-sap-list = true\n{}", before_1_200(&meter));
    let concentrator = Concentrator::start(&config);
    let args = ["--client", "16", "--only", "SAP assignment"];
    let output = Foreign::gurux_client(Framing::Wrapper, concentrator.port(), &args);
    assert!(
        output.stdout.contains("(1, 'DHC0000000000001'), (16, 'GRX0000000000000')"),
        "{output}"
    );
    // It shows the first of them; the octets tell that all have come.
    let (_, received) = output.stdout.rsplit_once("bytes received ").unwrap();
    assert!(received.trim().parse::<u32>().unwrap() > 1_200 * 23, "{output}");

    // 0x7F, 0xFF and so on are all-station to HDLC peers and nobody's, so this is the last.
    let args = [&GMAC[..], &["--sap", "1224"]].concat();
    let output = Foreign::gurux_client(Framing::Wrapper, concentrator.port(), &args);
    assert!(output.stdout.contains("steps ok"), "{output}");
}

/// One who speaks HDLC to a foreign meter, for a foreign client that speaks the wrapper.
#[test]
fn a_foreign_client_by_the_wrapper_does_every_step_at_a_foreign_meter_by_hdlc() {
    let direct = Foreign::gurux_meter(Framing::Hdlc, &["--entries", "3000"]);
    let expected = Foreign::gurux_client(Framing::Hdlc, direct.port(), &GMAC);
    let meter = Foreign::gurux_meter(Framing::Hdlc, &["--entries", "3000"]);
    let medium = format!(
        "[[medium]]\nname = \"bus\"\naddress = \"hdlc://127.0.0.1:{}\"\n\
         [[meter]]\nname = \"GRX0000000000001\"\nsap = 500\nmedium = \"bus\"\nphysical = 17\n",
        meter.port()
    );
    let concentrator = Concentrator::start(&medium);
    let args = [&GMAC[..], &["--sap", "500"]].concat();
    let output = Foreign::gurux_client(Framing::Wrapper, concentrator.port(), &args);
    assert_eq!(steps(&output), steps(&expected), "{output}\n{expected}");
}

/// Nobody has told it who is there.
#[test]
fn meters_on_a_bus_are_found_named_and_read() {
    let (_bus, port) = Simulator::medium(&["--count", "5", "--entries", "96"]);
    let config = format!(
        "[management]\npublic-sap-list = true\n[[medium]]\nname = \"bus\"\n\
         address = \"hdlc://127.0.0.1:{port}\"\ndiscovery = {{ first = 16, last = 20 }}\n"
    );
    let concentrator = Concentrator::start(&config);
    assert_eq!(concentrator.wait_for_meters(5), 5);
    let headend = Headend::new();
    let options = Mode::AUTHENC.options();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let address = concentrator.address();
    let words = ["read", &address, "1:0-0:42.0.0*255:2", "--all-saps", "-o", "jsonl"];
    let output = headend.run(&[&words[..], &options].concat());
    output.assert_code(0);
    assert_eq!(output.json_lines().len(), 5, "{output}");
}

/// By HDLC the SAP is the upper address; this is how the foreign client writes both.
fn by_hdlc(sap: u32) -> String {
    (sap << 14 | 17).to_string()
}

/// The list goes in blocks, in segments, in windows; and a meter that itself speaks the wrapper is
/// another link on the same port.
#[test]
fn a_foreign_client_by_hdlc_reads_the_list_and_does_every_step_at_a_foreign_meter() {
    let direct = Foreign::gurux_meter(Framing::Hdlc, &["--entries", "3000"]);
    let expected = Foreign::gurux_client(Framing::Hdlc, direct.port(), &GMAC);
    let meter = Foreign::gurux_meter(Framing::Wrapper, &["--entries", "3000"]);
    let config = format!("[management]\npublic-sap-list = true\n{}", before_1_200(&meter));
    let (_concentrator, port) = Concentrator::with_hdlc(&config);
    let public = ["--client", "16", "--only", "saps", "--sap", &by_hdlc(1)];
    let output = Foreign::gurux_client(Framing::Hdlc, port, &public);
    assert!(output.stdout.contains("SAP assignments = 1201 "), "{output}");
    let sap = by_hdlc(1_224);
    let args = [&GMAC[..], &["--sap", &sap]].concat();
    let output = Foreign::gurux_client(Framing::Hdlc, port, &args);
    assert_eq!(steps(&output), steps(&expected), "{output}\n{expected}");
}

#[test]
fn our_head_end_reads_by_hdlc_at_a_serial_port() {
    let meter = Simulator::meter(Framing::Wrapper, &["--entries", "96"]);
    let cable = SerialCable::new(Noise::NONE);
    let address = meter.address();
    let config = format!(
        "hdlc-serial = [\"hdlc+serial://{}?baud=115200\"]\nhdlc-physical = 20\n\
         [[meter]]\nname = \"DHE0000000000500\"\nsap = 500\naddress = \"{address}\"\n",
        cable.far().unwrap()
    );
    let _concentrator = Concentrator::start(&config);
    let near = format!("hdlc+serial://{}?baud=115200", cable.near());
    let options = Mode::AUTHENC.options();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let words = ["read", &near, "1:0-0:42.0.0*255:2", "7:1-0:99.1.0*255:2", "-o", "jsonl"];
    let sap = ["--server", "500/20"];
    let output = Headend::new().run(&[&words[..], &sap, &options].concat());
    output.assert_code(0);
    assert_eq!(output.json_lines().len(), 2, "{output}");
}
