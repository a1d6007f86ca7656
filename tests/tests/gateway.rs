//! Meters behind a gateway: our head-end, a foreign client, and what the meters push.

use core::time::Duration;

use dlms_tests::{Foreign, Framing, Headend, Output, Simulator, ports};

const START_TIME_MAX: Duration = Duration::from_secs(60);
const END_TIME_MAX: Duration = Duration::from_secs(60);

/// Three meters in network 2. The third of January, which the foreign client asks for, lies in
/// their profiles.
const GATEWAY: [&str; 8] =
    ["--gateway", "2", "--count", "3", "--entries", "3000", "--clock", "2026-02-01T06:00:00Z"];

/// What `headend` reads of the logical device name.
fn name(headend: &Headend, address: &str, options: &[&str]) -> Output {
    let read = ["read", address, "1:0-0:42.0.0*255", "-o", "jsonl", "--timeout", "2"];
    headend.run(&[&read[..], &["--retries", "0"], options].concat())
}

#[test]
fn each_meter_behind_a_gateway_is_reached_by_its_address_and_no_other_answers() {
    for (framing, way) in
        [(Framing::Wrapper, &[][..]), (Framing::Wrapper, &["--udp"][..]), (Framing::Hdlc, &[][..])]
    {
        let gateway = Simulator::meter(framing, &[&GATEWAY, way].concat());
        let address = match way {
            [] => gateway.address(),
            _ => format!("wrapper+udp://127.0.0.1:{}", gateway.port()),
        };
        let headend = Headend::new();
        for serial in ["1000", "1002"] {
            for gbt in [&[][..], &["--gbt=3", "--max-pdu", "100"]] {
                let meter = format!("2:{serial}");
                let options = [&["--gateway", &meter], gbt].concat();
                let output = name(&headend, &address, &options);
                output.assert_code(0);
                let expected = format!("DHE000000000{serial}");
                assert!(output.stdout.contains(&expected), "{output}");
            }
        }
        // Another meter, another network, no header.
        for options in [&["--gateway", "2:1003"][..], &["--gateway", "1:1000"], &[]] {
            name(&headend, &address, options).assert_code(3);
        }
    }
}

#[test]
fn a_gateway_may_say_that_it_does_not_know_a_meter() {
    let refusing = [&GATEWAY[..], &["--gateway-refuses"]].concat();
    let gateway = Simulator::meter(Framing::Wrapper, &refusing);
    let output = name(&Headend::new(), &gateway.address(), &["--gateway", "2:1003"]);
    output.assert_code(5);
    assert!(output.stderr.contains("operation-not-possible"), "{output}");
}

#[test]
fn a_ciphered_association_goes_through_a_gateway_and_its_counter_is_that_of_the_meter() {
    let gateway = Simulator::meter(Framing::Wrapper, &GATEWAY);
    let headend = Headend::new();
    for serial in ["1000", "1001", "1000"] {
        let meter = format!("2:{serial}");
        let options = [
            "--gateway",
            &meter,
            "--client",
            "1",
            "--auth",
            "hls-gmac",
            "--security",
            "authenc",
            "--ek",
            dlms_tests::mode::ENCRYPTION_KEY,
            "--ak",
            dlms_tests::mode::AUTHENTICATION_KEY,
        ];
        let output = name(&headend, &gateway.address(), &options);
        output.assert_code(0);
        assert!(output.stdout.contains(serial), "{output}");
    }
}

#[test]
fn a_foreign_client_reads_through_a_gateway() {
    for framing in Framing::ALL {
        let gateway = Simulator::meter(framing, &GATEWAY);
        // With short names it leaves the header out, so that nobody hears it.
        let output = Foreign::gurux_services(framing, gateway.port(), &["--gateway", "2:1001"]);
        let steps = output.stdout.lines().filter(|line| line.starts_with("OK ")).count();
        assert_eq!(steps, 14, "{output}");
        output.assert_code(0);
    }
}

#[test]
fn what_is_pushed_through_a_gateway_has_the_address_of_its_meter() {
    for header in ["request", "response"] {
        let pushing = ["--push", "--gateway-push-header", header];
        let gateway = Simulator::meter(Framing::Wrapper, &[&GATEWAY[..], &pushing].concat());
        let headend = Headend::new();
        let port = ports::free_port();
        let to = format!("127.0.0.1:{port}");
        let mut listener = headend.start(&["listen", "--tcp", &to, "-o", "jsonl", "--count", "1"]);
        assert!(listener.wait_for_line("listening", START_TIME_MAX).is_some());
        let to: String = to.bytes().map(|octet| format!("{octet:02x}")).collect();
        let destination = format!("structure(enum:0,octet-string:{to},enum:0)");
        let (address, setup) = (gateway.address(), "40:0-0:25.9.0*255");
        let behind = ["--gateway", "2:1002"];
        let written = [&["write", &address, "40:0-0:25.9.0*255:3", &destination][..], &behind];
        headend.run(&written.concat()).assert_code(0);
        let invoked = [&["invoke", &address, setup, "1", "integer:0"][..], &behind];
        headend.run(&invoked.concat()).assert_code(0);
        let output = listener.finish(END_TIME_MAX);
        output.assert_code(0);
        let lines = output.json_lines();
        assert_eq!(lines.len(), 4, "{output}");
        assert!(lines.iter().all(|line| line["gateway"] == "2:1002"), "{output}");
    }
}
