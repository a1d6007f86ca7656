//! The concentrator's own logical device, tested for conformance as any meter, by the wrapper and
//! by HDLC.
#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use std::fs;

use dlms_tests::{Concentrator, Folder, Framing, conformance};

/// What it is configured with.
const MANAGEMENT: &str = r#"
[management]
public-sap-list = true
system-title = "4448430000000001"
encryption-key-file = "FOLDER/ek"
authentication-key-file = "FOLDER/ak"
reading-password-file = "FOLDER/reading"
"#;

/// What it declares. Where it pushes to is configured and not written. Its links are kept for two
/// minutes and its frames for two seconds.
const DECLARATION: &str = r#"
name = "concentrator"
server = 1
max_pdu = 2048
response_timeout_ms = 500
services = [
    "general-protection", "general-block-transfer", "block-transfer-with-get-or-read",
    "block-transfer-with-set-or-write", "block-transfer-with-action", "multiple-references",
    "access", "get", "set", "selective-access", "action",
]

[[logical_device]]
sap = 1
name = "DHC0000000000001"

[hdlc]
address_octets = [4]
physical = 17
information_max = 2030
window_max = 7
inter_octet_timeout_ms = 2000
inactivity_timeout_s = 120

[[client]]
sap = 16

[[client]]
sap = 2
authentication = "lls"
secret = { file = "FOLDER/reading" }

[[client]]
sap = 1
authentication = "hls-gmac"
security = "authenc"
system_title = "434C49454E543031"
encryption_key = { file = "FOLDER/ek" }
authentication_key = { file = "FOLDER/ak" }
proven_release = true

[objects]
writable = "1:0-0:128.0.1*255:2"
read_only = "1:0-0:42.0.0*255:2"
security_setup = "0-0:43.0.0*255"
"#;

const ALL: [&str; 1] = ["*"];
/// Without `HDLC_FRAME_P3`, which waits for the end of a link for two minutes and more.
const BUT_THE_LONGEST: [&str; 9] = [
    "HDLC_FRAME_N*",
    "HDLC_FRAME_P1",
    "HDLC_FRAME_P2",
    "HDLC_A*",
    "HDLC_I*",
    "HDLC_N*",
    "APPL*",
    "COSEM*",
    "SYMSEC*",
];

const SECRETS: [(&str, &str); 3] = [
    ("reading", "reading-client\n"),
    ("ek", "000102030405060708090A0B0C0D0E0F\n"),
    ("ak", "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF\n"),
];

#[test]
fn the_concentrator_passes_every_case_that_applies() {
    let folder = Folder::new();
    for (name, text) in SECRETS {
        fs::write(folder.file(name), text).unwrap();
    }
    let filled = |text: &str| text.replace("FOLDER", &folder.path().to_string_lossy());
    fs::write(folder.file("concentrator.toml"), filled(DECLARATION)).unwrap();
    let (concentrator, hdlc) =
        Concentrator::with_hdlc(&format!("hdlc-physical = 17\n{}", filled(MANAGEMENT)));
    for (framing, port, cases, passed) in [
        (Framing::Wrapper, concentrator.port(), &ALL[..], 35),
        (Framing::Hdlc, hdlc, &BUT_THE_LONGEST[..], 56),
    ] {
        let address = framing.address(port);
        let args = ["run", &address, "--declaration", "concentrator.toml", "-o", "jsonl"];
        let cases = cases.iter().flat_map(|case| ["--case", *case]);
        let output = conformance(&folder, &args.into_iter().chain(cases).collect::<Vec<_>>());
        output.assert_code(0);
        let lines = output.json_lines();
        let with = |verdict: &str| lines.iter().filter(|line| line["verdict"] == verdict).count();
        assert_eq!((with("FAILED"), with("INCONCLUSIVE")), (0, 0), "{output}");
        assert_eq!(with("PASSED"), passed, "{output}");
    }
}
