//! Short names and general block transfer, with a foreign client against our simulated meter and
//! with our own command line in every combination.

use dlms_tests::{Foreign, Framing, Headend, Output, Simulator};

/// The third of January, which the client asks for, lies in the profile of this meter.
const ENTRIES: [&str; 4] = ["--entries", "3000", "--clock", "2026-02-01T06:00:00Z"];

/// The steps of `gurux_services.py` with the beginning of what each prints.
const STEPS: [(&str, &str); 14] = [
    ("connect", ""),
    ("object list", "[<gurux_dlms.objects."),
    ("objects", "39"),
    ("scaler and unit", "0.1"),
    ("voltage", "True"),
    ("clock", "'02/01/26 0"),
    ("profile columns", "4"),
    ("profile by range", "97"),
    ("profile by entry", "20"),
    ("profile", "3000"),
    ("write", "3"),
    ("remote disconnect", "0"),
    ("remote reconnect", "1"),
    ("release", "None"),
];
/// What takes more than one APDU. Asking for the second block of short names, the client leaves out
/// the tag of the request, so that it does not even propose blocks.
const LONG_STEPS: [&str; 2] = ["profile by range", "profile"];

#[track_caller]
fn assert_steps(output: &Output, refused: &[&str]) {
    let mut lines =
        output.stdout.lines().filter(|line| line.starts_with("OK ") || line.starts_with("FAIL "));
    for (name, result) in STEPS {
        let line = lines.next().unwrap_or_default();
        let expected = match refused.contains(&name) {
            true => format!("FAIL {name} GXDLMSExceptionResponse Service not allowed. PDU is too"),
            false => format!("OK   {name} = {result}"),
        };
        assert!(line.starts_with(&expected), "expected `{expected}`, found `{line}` in\n{output}");
    }
    assert_eq!(lines.next(), None, "{output}");
}

#[test]
fn a_foreign_client_reads_writes_and_commands_by_short_names() {
    for framing in Framing::ALL {
        let meter = Simulator::meter(framing, &ENTRIES);
        let output = Foreign::gurux_services(framing, meter.port(), &["--short-names"]);
        assert_steps(&output, &LONG_STEPS);
    }
}

#[test]
fn a_foreign_client_takes_everything_in_general_blocks_by_either_names() {
    for framing in Framing::ALL {
        let meter = Simulator::meter(framing, &ENTRIES);
        for names in [&[][..], &["--short-names"]] {
            let options = [names, &["--gbt", "5", "--pdu", "300"]].concat();
            let output = Foreign::gurux_services(framing, meter.port(), &options);
            assert_steps(&output, &[]);
            if framing == Framing::Wrapper {
                let blocks = "general blocks received: ";
                let blocks = output.stdout.lines().find_map(|line| line.strip_prefix(blocks));
                // 3,000 rows, and 300 octets in an APDU.
                assert!(blocks.unwrap().parse::<u32>().unwrap() > 200, "{output}");
            }
        }
    }
}

#[test]
fn the_command_line_reads_the_same_by_every_service() {
    const WAYS: [&str; 7] = [
        "",
        "--gbt",
        "--gbt=3 --max-pdu 200",
        "--short-names",
        "--short-names --max-pdu 200",
        "--short-names --gbt --max-pdu 200",
        "--access --gbt --max-pdu 100",
    ];
    for framing in Framing::ALL {
        let meter = Simulator::meter(framing, &ENTRIES);
        let address = match framing {
            Framing::Wrapper => format!("wrapper://127.0.0.1:{}", meter.port()),
            Framing::Hdlc => format!("hdlc://127.0.0.1:{}", meter.port()),
        };
        let headend = Headend::new();
        let mut first = None;
        for way in WAYS {
            let names = ["1-0:32.7.0:3", "0-0:42.0.0", "1-0:99.1.0:3", "0-0:96.10.1"];
            let arguments = [&["read", &address][..], &names].concat();
            let options: Vec<_> = way.split_whitespace().collect();
            let output = headend.run(&[arguments, options].concat());
            assert_eq!(output.code, Some(0), "{way}\n{output}");
            let first = first.get_or_insert_with(|| output.stdout.clone());
            assert_eq!(&output.stdout, first, "{way}");
        }
    }
}
