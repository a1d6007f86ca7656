//! Other people's clients with our simulated meter: every step that they can do, in every mode that
//! they have and we too, over both framings.
//!
//! `cargo test -p dlms-tests --test foreign_clients -- --nocapture` prints what came of each run.

use dlms_tests::{Foreign, Framing, Noise, Output, Simulator, TcpCable};

/// The third of January, which both clients ask for, lies in the profile of this meter.
const ENTRIES: [&str; 4] = ["--entries", "3000", "--clock", "2026-02-01T06:00:00Z"];

/// The steps of `gurux_client.py` with the beginning of what each prints, None for the one that the
/// meter must refuse. Energies, currents and the like come and go; these values do not.
const GURUX_STEPS: [(&str, Option<&str>); 26] = [
    ("connect", Some("'conformance ")),
    ("SAP assignment", Some("[(1, 'DHE0000000001000')]")),
    ("logical device name", Some("bytearray(b'DHE0000000001000')")),
    ("association object list", Some("39")),
    ("voltage scaler/unit", Some("([0.1, <Unit.VOLTAGE: 35>], 0.1, <Unit.VOLTAGE: 35>)")),
    ("voltage", Some("(2")),
    ("extended register capture time", Some("<gurux_dlms.GXDateTime")),
    ("demand register last avg", Some("")),
    ("clock", Some("'02/01/26 0")),
    ("profile columns", Some("4")),
    ("profile by range (1 day, 97 rows)", Some("97")),
    ("profile by entry (20)", Some("20")),
    // Its buffer still holds the 20 of the step before.
    ("profile all rows", Some("3020")),
    ("read list (2 attributes)", Some("[[2")),
    ("disconnect state", Some("1")),
    ("remote_disconnect", Some("0")),
    ("state after", Some("0")),
    ("remote_reconnect", Some("0")),
    ("unknown object error", None),
    ("write", Some("0")),
    ("image block size", Some("200")),
    ("image transfer initiate", Some("0")),
    ("image block transfer", Some("5")),
    ("image verify", Some("0")),
    ("image status", Some("3")),
    ("release/disconnect", Some("None")),
];

/// The steps of `u9n_client.py`, likewise. It does not know how to select entries, tries it after
/// the release, and refuses that itself. Where it ciphers, it cannot send a block of an image: it
/// writes the length in one octet.
const U9N_STEPS: [(&str, Option<&str>); 22] = [
    ("connect", Some("None")),
    ("associate", Some("<AssociationResult.ACCEPTED: 0>")),
    ("SAP assignment", Some("[[1, bytearray(b'DHE000000000100")),
    ("LDN", Some("b'DHE000000000100")),
    ("energy", Some("")),
    ("voltage scaler", Some("[-1, 35]")),
    ("clock", Some("'07ea0")),
    ("object list", Some("39")),
    ("profile by range", Some("97")),
    ("profile all (block transfer)", Some("")),
    ("profile parsed", Some("'2026-01-01 01:")),
    ("get_many", Some("'GetResponseWithList'")),
    ("set", Some("<DataAccessResult.SUCCESS: 0>")),
    ("remote_disconnect", Some("None")),
    ("state", Some("0")),
    ("image blocks", Some("5")),
    ("image verify", Some("None")),
    ("image status", Some("3")),
    ("unknown object", None),
    ("release", Some("ReleaseResponse(reason=<ReleaseResponseReason.NORMAL: 0>")),
    ("profile by entry (known unimplemented in u9n)", None),
    ("disconnect", Some("None")),
];

const GURUX_MODES: [&str; 13] = [
    "--client 16",
    "--client 17 --auth low",
    "--client 1 --auth high",
    "--client 1 --auth md5",
    "--client 1 --auth sha1",
    "--client 1 --auth sha256",
    "--client 1 --auth gmac",
    "--client 1 --auth gmac --security auth",
    "--client 1 --auth gmac --security enc",
    "--client 1 --auth gmac --security authenc",
    "--client 16 --security authenc",
    "--client 17 --auth low --security authenc",
    "--client 1 --auth sha256 --security authenc",
];

/// The modes of suite 1, whose meter must take challenges of 16 octets: gurux-dlms sends no longer
/// ones with ECDSA.
const SUITE_1: [&str; 2] = ["--suite", "1"];
const SHORT_CHALLENGES: [&str; 2] = ["--compat", "short-ecdsa-challenges"];
const GURUX_SUITE_1_MODES: [&str; 4] = [
    "--client 1 --auth gmac --security authenc --suite 1",
    "--client 1 --auth gmac --security auth --suite 1",
    "--client 1 --auth ecdsa --security authenc --suite 1",
    "--client 1 --auth ecdsa --security enc --suite 1",
];
const U9N_SUITE_1_MODES: [&str; 2] = ["--auth gmac --suite 1", "--auth gmac --dedicated --suite 1"];

/// With GMAC it always ciphers.
const U9N_MODES: [&str; 9] = [
    "--auth none",
    "--auth lls",
    "--auth hls",
    "--auth gmac",
    "--auth gmac --dedicated",
    "--auth none --cipher",
    "--auth lls --cipher",
    "--auth hls --cipher",
    "--auth lls --cipher --dedicated",
];

#[test]
fn the_gurux_client_does_every_step_in_every_mode() {
    for framing in Framing::ALL {
        let meter = Simulator::meter(framing, &ENTRIES);
        for mode in GURUX_MODES {
            let output = Foreign::gurux_client(framing, meter.port(), &words(mode));
            assert_steps(&output, &GURUX_STEPS);
            show("gurux", framing, mode, &output);
            assert_eq!(last_line(&output), "steps ok 25 failed 1");
        }
    }
}

#[test]
fn the_gurux_client_does_every_step_in_suite_1_and_with_ecdsa() {
    for framing in Framing::ALL {
        let args = [&ENTRIES[..], &SUITE_1, &SHORT_CHALLENGES].concat();
        let meter = Simulator::meter(framing, &args);
        for mode in GURUX_SUITE_1_MODES {
            let output = Foreign::gurux_client(framing, meter.port(), &words(mode));
            assert_steps(&output, &GURUX_STEPS);
            show("gurux", framing, mode, &output);
            assert_eq!(last_line(&output), "steps ok 25 failed 1");
        }
    }
}

/// A hundred days of quarter-hours, with the third of January among them.
#[test]
fn a_profile_of_ten_thousand_rows_comes_to_both_clients() {
    let long = ["--entries", "10000", "--clock", "2026-04-14T00:05:00Z"];
    let meter = Simulator::meter(Framing::Wrapper, &long);
    let mode = words("--client 1 --auth gmac --security authenc");
    let gurux = Foreign::gurux_client(Framing::Wrapper, meter.port(), &mode);
    // Its buffer still holds the 20 of the step before.
    assert!(gurux.stdout.contains("OK   profile all rows = 10020"), "{gurux}");
    assert_eq!(last_line(&gurux), "steps ok 25 failed 1");
    let u9n = Foreign::u9n_client(Framing::Wrapper, meter.port(), &words("--auth gmac"));
    assert!(u9n.stdout.contains("OK   profile all (block transfer) = 10000"), "{u9n}");
    assert_eq!(last_line(&u9n), u9n_result("--auth gmac"));
}

/// It is the meter that insists: HLS 7 asks for challenges of 32 octets.
#[test]
fn a_challenge_that_is_too_short_for_ecdsa_is_refused_unless_the_meter_is_told_to_take_it() {
    let meter = Simulator::meter(Framing::Wrapper, &[&ENTRIES[..], &SUITE_1].concat());
    let mode = "--client 1 --auth ecdsa --security authenc --suite 1";
    let output = Foreign::gurux_client(Framing::Wrapper, meter.port(), &words(mode));
    assert!(output.stdout.contains("FAIL connect"), "{output}");
    assert!(output.stdout.contains("Authentication failure."), "{output}");
}

#[test]
fn the_u9n_client_does_every_step_that_it_can_in_suite_1() {
    let meter = Simulator::meter(Framing::Wrapper, &[&ENTRIES[..], &SUITE_1].concat());
    for mode in U9N_SUITE_1_MODES {
        let output = Foreign::u9n_client(Framing::Wrapper, meter.port(), &words(mode));
        assert_steps(&output, &u9n_steps(mode));
        show("u9n", Framing::Wrapper, mode, &output);
        assert_eq!(last_line(&output), u9n_result(mode));
    }
}

#[test]
fn the_u9n_client_does_every_step_that_it_can_over_the_wrapper() {
    let meter = Simulator::meter(Framing::Wrapper, &ENTRIES);
    for mode in U9N_MODES {
        let output = Foreign::u9n_client(Framing::Wrapper, meter.port(), &words(mode));
        assert_steps(&output, &u9n_steps(mode));
        show("u9n", Framing::Wrapper, mode, &output);
        assert_eq!(last_line(&output), u9n_result(mode));
        assert!(output.stdout.contains("profile all (block transfer) = 3000"), "{output}");
    }
}

/// Of u9n it is known that it takes two octets 7E for the end of an HDLC frame, also where one of
/// them or both are inside, and waits for ever for the rest of it. So a run may end early, and then
/// what the meter said last must be just such a frame. Another meter with another profile has other
/// frames, so the mode is tried again; under a key every run has other ones anyway.
#[test]
fn the_u9n_client_does_every_step_over_hdlc_unless_a_frame_has_7e_twice() {
    for mode in U9N_MODES {
        let mut meters = 0..30;
        assert!(meters.any(|meter| u9n_over_hdlc(meter, mode)), "{mode}: never to the end");
    }
}

/// Whether the client came to its end, with one of the meters. The other profile has a hundred
/// times as many frames as the rest of the steps; these are shorter.
fn u9n_over_hdlc(meter: u32, mode: &str) -> bool {
    let (serial, entries) = ((1_000 + meter).to_string(), (300 + meter).to_string());
    let args = ["--serial-number", &serial, "--entries", &entries];
    let args = [&args[..], &["--clock", "2026-01-04T00:05:00Z"]].concat();
    let meter = Simulator::meter(Framing::Hdlc, &args);
    let cable = TcpCable::new(meter.port(), Noise::NONE);
    let output = Foreign::u9n_client(Framing::Hdlc, cable.port(), &words(mode));
    show("u9n", Framing::Hdlc, mode, &output);
    if !output.stdout.contains("CommunicationError Could not receive data") {
        assert_steps(&output, &u9n_steps(mode));
        assert_eq!(last_line(&output), u9n_result(mode));
        return true;
    }
    let answered = cable.conversations()[0].answered();
    let last = [last_frame(&answered), &[0x7e]].concat();
    assert!(last.windows(2).any(|two| two == [0x7e, 0x7e]), "{last:02x?} {output}");
    let done = lines(&output).take_while(|line| line.starts_with("OK ")).count();
    assert_begins(&output, &u9n_steps(mode)[..done]);
    false
}

/// The last frame of a stream of them, without flags: from the format to the check sequence.
fn last_frame(stream: &[u8]) -> &[u8] {
    let (mut rest, mut last) = (stream, stream);
    while let Some(at) = rest.iter().position(|octet| *octet != 0x7e) {
        rest = &rest[at..];
        let length = rest.get(1).map_or(2, |low| usize::from(rest[0] & 7) << 8 | usize::from(*low));
        let whole = rest.split_at(length.clamp(1, rest.len()));
        (last, rest) = whole;
    }
    last
}

/// What the u9n client can do in a mode.
fn u9n_steps(mode: &str) -> Vec<(&'static str, Option<&'static str>)> {
    let ciphers = mode.contains("gmac") || mode.contains("cipher");
    U9N_STEPS.into_iter().filter(|(step, _)| !(ciphers && step.starts_with("image"))).collect()
}

fn u9n_result(mode: &str) -> String {
    format!("steps ok {} failed 2", u9n_steps(mode).len() - 2)
}

fn words(mode: &str) -> Vec<&str> {
    mode.split(' ').collect()
}

fn show(client: &str, framing: Framing, mode: &str, output: &Output) {
    println!("{client:<6}{framing:<9}{mode:<46}{} in {:.1?}", last_line(output), output.took);
}

/// `steps ok N failed M`, without the figures that follow.
fn last_line(output: &Output) -> &str {
    let line = output.stdout.lines().last().unwrap_or_default();
    line.split(',').next().unwrap_or_default()
}

/// Exactly these steps were done, in this order, and an object that is not there was refused as
/// such.
#[track_caller]
fn assert_steps(output: &Output, steps: &[(&str, Option<&str>)]) {
    assert_begins(output, steps);
    assert_eq!(lines(output).count(), steps.len(), "steps of\n{output}");
    let mut refused = lines(output).filter(|line| line.starts_with("FAIL unknown object"));
    let refused = refused.next().unwrap_or_default();
    let object_undefined = ["DLMS error 4", "DataAccessResult.OBJECT_UNDEFINED: 4"];
    assert!(object_undefined.iter().any(|words| refused.contains(words)), "{output}");
}

/// The output begins with these steps.
#[track_caller]
fn assert_begins(output: &Output, steps: &[(&str, Option<&str>)]) {
    let mut lines = lines(output);
    for (name, result) in steps {
        let line = lines.next().unwrap_or_default();
        let expected = match result {
            Some(result) => format!("OK   {name} = {result}"),
            None => format!("FAIL {name} "),
        };
        assert!(line.starts_with(&expected), "expected `{expected}` and not `{line}` in\n{output}");
    }
}

/// The lines of steps; the Gurux client also says now and then that ciphering is on.
fn lines(output: &Output) -> impl Iterator<Item = &str> {
    output.stdout.lines().filter(|line| line.starts_with("OK ") || line.starts_with("FAIL "))
}
