//! `dlms-conformance` against our meters, with and without faults, and against other people's.

use core::{fmt::Write as _, time::Duration};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::{Arc, Mutex},
};

use conformance::{Case, Counters, Declaration, Framing, Report, Verdict, Way, catalogue, run};
use dlms_core::{
    association::ServerConfig,
    security::{
        Key, ProtectRequest, Protection, PublicKeyProvider, RustCrypto, SecurityControl,
        SecuritySuite, SystemTitle, protect,
    },
    wrapper::WrapperHeader,
};
use dlms_tests::ports::free_port;
use dlms_tests::{Folder, Foreign, Noise, Output, SerialCable, Simulator, conformance};
use dlms_tokio::HdlcServerConfig;
use serde_json::Value;
use simulator::{
    AnswerConfig, Fault, Faults, Meter, MeterClient, MeterConfig, MeterKeys, SendConfig,
    listen_hdlc, listen_wrapper, send_pushes, serve_hdlc_stream, serve_wrapper_stream,
};
use tokio::{io::AsyncWriteExt, net::TcpStream};

/// The lower address of the meter under test.
const PHYSICAL: u16 = 17;
/// Octets that a pipe in memory holds: more than any frame.
const PIPE_LEN: usize = 64 * 1024;
const FIRST_COUNTER: u32 = 1_000;
/// In real time a busy machine may take longer to answer than in simulated time.
const TIMEOUT: &str = "response_timeout_ms = 500";
const PATIENT: &str = "response_timeout_ms = 1000";

/// What the simulated meter with the rights of a meter in the field declares.
const DECLARATION: &str = r#"
name = "simulated meter 1000"
server = 1
max_pdu = 1024
response_timeout_ms = 500
push_listener = "127.0.0.1:0"
services = [SERVICES]

[[logical_device]]
sap = 1
name = "DHE0000000001000"

[hdlc]
address_octets = [4, 2]
physical = 17
information_max = 128
window_max = 1
inter_octet_timeout_ms = 200
inactivity_timeout_s = 2

[[client]]
sap = 16

[[client]]
sap = 16
referencing = "sn"

[[client]]
sap = 17
authentication = "lls"
secret = { file = "FOLDER/password" }

[[client]]
sap = 1
authentication = "hls-gmac"
security = "authenc"
system_title = "434C49454E543031"
encryption_key = { file = "FOLDER/ek" }
authentication_key = { file = "FOLDER/ak" }
master_key = { file = "FOLDER/kek" }
dedicated_key = true
proven_release = true

[objects]
writable = "1:0-0:96.10.1*255:2"
read_only = "1:0-0:42.0.0*255:2"
profile = "1-0:99.1.0*255"
push_setup = "0-0:25.9.0*255"
security_setup = "0-0:43.0.0*255"
"#;

/// The published test secrets of our meters.
const SECRETS: [(&str, &str); 4] = [
    ("password", "12345678\n"),
    ("ek", "000102030405060708090A0B0C0D0E0F\n"),
    ("ak", "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF\n"),
    ("kek", "606162636465666768696A6B6C6D6E6F\n"),
];

/// The same meter in a suite: its management client uses HLS 7 and, in a second association, GMAC.
fn declaration_of(suite: SecuritySuite) -> String {
    if suite == SecuritySuite::Suite0 {
        return DECLARATION.to_owned();
    }
    let (before, management) = DECLARATION.split_once("[[client]]\nsap = 1\n").expect("a client");
    let (management, objects) = management.split_once("[objects]").expect("objects");
    let management = management.replace("FOLDER/", &format!("FOLDER/suite{}-", suite.id()));
    let client = format!("[[client]]\nsap = 1\nsuite = {}\n{management}", suite.id());
    let keys = "signature_key = { file = \"FOLDER/suiteN-signature\" }\n\
                server_signature_key = { file = \"FOLDER/suiteN-meter\" }\n";
    let keys = keys.replace("suiteN", &format!("suite{}", suite.id()));
    let signing = client.replace("hls-gmac", "hls-ecdsa");
    format!("{before}{}\n{keys}\n{client}\n[objects]{objects}", signing.trim_end())
}

/// The published test keys of our meters in suites 1 and 2, and the public key of the meter.
fn keys_of(suite: SecuritySuite) -> Vec<(String, String)> {
    let keys = MeterKeys::of(suite);
    let Some(curve) = suite.curve() else { return Vec::new() };
    let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect();
    let meter = keys.party.signing.as_ref().expect("signature keys");
    let public = RustCrypto.public_key(&meter.own).expect("a public half");
    let kek = keys.party.key_encryption_key.as_ref().expect("a master key");
    let files: [(&str, String); 5] = [
        ("ek", hex(keys.encryption.octets())),
        ("ak", hex(keys.authentication.octets())),
        ("kek", hex(kek.octets())),
        ("signature", "11".repeat(curve.coordinate_len())),
        ("meter", hex(public.octets())),
    ];
    files.map(|(name, digits)| (format!("suite{}-{name}", suite.id()), digits)).into()
}

/// A folder with this declaration in `meter.toml`, and the secrets that it refers to.
fn declared(declaration: &str) -> Folder {
    let folder = Folder::new();
    for (name, text) in SECRETS {
        fs::write(folder.file(name), text).expect("a file can be written");
    }
    for suite in [SecuritySuite::Suite1, SecuritySuite::Suite2] {
        for (name, digits) in keys_of(suite) {
            fs::write(folder.file(&name), digits).expect("a file can be written");
        }
    }
    let text = declaration.replace("FOLDER", &folder.path().to_string_lossy());
    let services = ServerConfig::new(1).conformance.names().map(|name| format!("{name:?}"));
    let text = text.replace("SERVICES", &services.collect::<Vec<_>>().join(", "));
    fs::write(folder.file("meter.toml"), text).expect("a file can be written");
    folder
}

/// The meter under test: with the rights of a meter in the field.
fn strict_meter() -> Arc<Mutex<Meter>> {
    strict_meter_of(SecuritySuite::Suite0)
}

fn strict_meter_of(suite: SecuritySuite) -> Arc<Mutex<Meter>> {
    let (clients, keys) = (MeterClient::strict(), MeterKeys::of(suite));
    let config = MeterConfig { entries: 96, clients, keys, ..MeterConfig::default() };
    Arc::new(Mutex::new(Meter::new(1000, Arc::new(config))))
}

/// Its link layer, as it is declared.
fn hdlc() -> HdlcServerConfig {
    HdlcServerConfig {
        physical: Some(PHYSICAL),
        inter_octet_timeout: Duration::from_millis(200),
        inactivity_timeout: Some(Duration::from_secs(2)),
        ..HdlcServerConfig::default()
    }
}

/// `meter` with these faults behind a pipe in memory.
fn behind_a_pipe(meter: &Arc<Mutex<Meter>>, framing: Framing, faults: Faults) -> Way {
    let meter = Arc::clone(meter);
    let answer = AnswerConfig { faults, ..AnswerConfig::default() };
    let hdlc = hdlc();
    Way::Memory(
        framing,
        Box::new(move || {
            let (near, far) = tokio::io::duplex(PIPE_LEN);
            let (meter, hdlc) = (Arc::clone(&meter), hdlc.clone());
            tokio::spawn(async move {
                match framing {
                    Framing::Wrapper => serve_wrapper_stream(meter, far, answer).await,
                    Framing::Hdlc => serve_hdlc_stream(meter, far, answer, &hdlc).await,
                }
            });
            near
        }),
    )
}

/// Runs cases in simulated time, where waiting for silence costs nothing, but for pushes, which
/// come over a socket.
fn reports<'c>(
    cases: impl IntoIterator<Item = &'c Case>,
    framing: Framing,
    faults: Faults,
) -> Vec<Report> {
    let (pushes, others) = cases.into_iter().partition(|case| case.name.contains("_PUSH_"));
    let suite = SecuritySuite::Suite0;
    let mut reports = reports_in(true, others, suite, framing, faults);
    reports.extend(reports_in(false, pushes, suite, framing, faults));
    reports
}

fn reports_in(
    simulated_time: bool,
    cases: Vec<&Case>,
    suite: SecuritySuite,
    framing: Framing,
    faults: Faults,
) -> Vec<Report> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(simulated_time).build().expect("a runtime");
    runtime.block_on(async {
        let folder = declared(&declaration_of(suite));
        let declaration = Declaration::read(&folder.path().join("meter.toml"));
        let declaration = declaration.expect("a declaration");
        let meter = strict_meter_of(suite);
        let way = behind_a_pipe(&meter, framing, faults);
        if !simulated_time {
            tokio::spawn(async move { send_pushes(&[meter], SendConfig::default()).await });
        }
        let counters = Counters::forgetful(FIRST_COUNTER);
        let mut reports = Vec::new();
        for case in cases {
            reports.push(run(case, &declaration, &way, &counters).await);
        }
        reports
    })
}

fn shown(reports: &[&Report]) -> String {
    reports.iter().fold(String::new(), |mut text, report| {
        let transcript = report.transcript.join("\n    ");
        let _ = writeln!(text, "{} {} {}", report.case.name, report.verdict, report.reason);
        let _ = writeln!(text, "    {transcript}");
        text
    })
}

#[test]
fn our_meter_passes_every_case_that_applies() {
    for framing in [Framing::Hdlc, Framing::Wrapper] {
        let reports = reports(catalogue(), framing, Faults::NONE);
        let is_wrong =
            |report: &&Report| matches!(report.verdict, Verdict::Failed | Verdict::Inconclusive);
        let wrong: Vec<&Report> = reports.iter().filter(is_wrong).collect();
        assert!(wrong.is_empty(), "{framing:?}\n{}", shown(&wrong));
        for report in reports {
            let has_reason = !report.reason.is_empty();
            assert_eq!(has_reason, report.verdict == Verdict::Inapplicable, "{}", report.case.name);
        }
    }
}

/// Every case, and a fault that breaks the rule it looks at.
const PAIRS: &[(&str, Fault)] = &[
    ("HDLC_FRAME_P1", Fault::DeniesLinks),
    ("HDLC_FRAME_P2", Fault::BridgesGaps),
    ("HDLC_FRAME_P3", Fault::KeepsIdleLinks),
    ("HDLC_FRAME_N1", Fault::TakesMissingFlags),
    ("HDLC_FRAME_N2", Fault::TakesShortFrames),
    ("HDLC_FRAME_N3", Fault::TakesAnyFormat),
    ("HDLC_FRAME_N4", Fault::TakesAnyLength),
    ("HDLC_FRAME_N5", Fault::TakesAnyControl),
    ("HDLC_FRAME_N7", Fault::TakesAnyHcs),
    ("HDLC_FRAME_N8", Fault::TakesAnyFcs),
    ("HDLC_ADDRESS_P1", Fault::AnswersFromElsewhere),
    ("HDLC_ADDRESS_N1", Fault::TakesLongClients),
    ("HDLC_ADDRESS_N4", Fault::AnswersForOthers),
    ("HDLC_ADDRESS_N6", Fault::TakesShortAddresses),
    ("HDLC_ADDRESS_N7", Fault::TakesOddAddresses),
    ("HDLC_NDM2NRM_P1", Fault::PromisesLongFields),
    ("HDLC_NDM2NRM_P2", Fault::PromisesWideWindows),
    ("HDLC_INFO_P1", Fault::MiscountsFrames),
    ("HDLC_INFO_N1", Fault::TakesLongFields),
    ("HDLC_INFO_N2", Fault::TakesAnyNr),
    ("HDLC_INFO_N3", Fault::TakesAnyNs),
    ("HDLC_NDMOP_N1", Fault::FeignsLinks),
    ("APPL_IDLE_N1", Fault::ServesStrangers),
    ("APPL_OPEN_1", Fault::MisnamesVaa),
    ("APPL_OPEN_2", Fault::RejectsUsers),
    ("APPL_OPEN_3", Fault::FailsProof),
    ("APPL_OPEN_4", Fault::TakesAnyAcseVersion),
    ("APPL_OPEN_5", Fault::TakesAnyContext),
    ("APPL_OPEN_6", Fault::RejectsTitles),
    ("APPL_OPEN_7", Fault::TakesAnyPassword),
    ("APPL_OPEN_9", Fault::ConfusesKeys),
    ("APPL_OPEN_11", Fault::RejectsQuality),
    ("APPL_OPEN_12", Fault::TakesAnyDlmsVersion),
    ("APPL_OPEN_13", Fault::PromisesServices),
    ("APPL_OPEN_14", Fault::TakesTinyPdus),
    ("APPL_DATA_LN_N1", Fault::AnswersFaultyGet),
    ("APPL_DATA_LN_N3", Fault::ConfirmsRefusedSet),
    ("APPL_DATA_LN_N4", Fault::AnswersAnything),
    ("APPL_DATA_SN_N1", Fault::AnswersFaultyGet),
    ("APPL_DATA_SN_N2", Fault::ConfirmsRefusedSet),
    ("APPL_DATA_SN_N3", Fault::AnswersAnything),
    ("APPL_REL_P1", Fault::StaysAssociated),
    ("COSEM_ATTRIBUTES", Fault::MisnamesObjects),
    ("COSEM_ATTRIBUTES", Fault::InventsAttributes),
    ("COSEM_ATTRIBUTES", Fault::ConfirmsRefusedSet),
    ("COSEM_PROFILE_RANGE_1", Fault::IgnoresRanges),
    ("COSEM_PROFILE_RANGE_2", Fault::IgnoresRanges),
    ("COSEM_PROFILE_RANGE_3", Fault::IgnoresColumns),
    ("COSEM_PROFILE_RANGE_4", Fault::IgnoresRanges),
    ("COSEM_PROFILE_ENTRY_1", Fault::IgnoresEntries),
    ("COSEM_PROFILE_ENTRY_2", Fault::IgnoresEntries),
    ("COSEM_PROFILE_ENTRY_3", Fault::IgnoresColumns),
    ("COSEM_PUSH_1", Fault::PushesNothing),
    ("COSEM_MULTIPLE_REF_1", Fault::RepeatsFirstOfList),
    ("COSEM_MULTIPLE_REF_2", Fault::RepeatsFirstOfList),
    ("COSEM_MULTIPLE_REF_3", Fault::RepeatsFirstOfList),
    ("COSEM_MULTIPLE_REF_1", Fault::ConfusesRequests),
    ("COSEM_MANDATORY_1", Fault::DeniesAssociation),
    ("COSEM_MANDATORY_2", Fault::DoublesSaps),
    ("COSEM_MANDATORY_3", Fault::MisnamesDevice),
    ("COSEM_DUMMY_1", Fault::InventsAttributes),
    ("SYMSEC_0_BasicCap_1", Fault::SpoilsTags),
    ("SYMSEC_0_FraCount_1", Fault::TakesReplays),
    ("SYMSEC_0_FraCount_3", Fault::RepeatsCounters),
    ("SYMSEC_0_Key_Tx_P1", Fault::IgnoresKeys),
    ("SYMSEC_0_Key_Tx_P2", Fault::IgnoresKeys),
    ("SYMSEC_0_Key_Tx_P3", Fault::IgnoresKeys),
    ("SYMSEC_0_Key_Tx_N1", Fault::ConfirmsAnyKey),
    ("SYMSEC_0_Key_Tx_N2", Fault::ConfirmsAnyKey),
    ("SYMSEC_0_DedKey_N1", Fault::AnswersUndeciphered),
    ("SYMSEC_0_SecDataX_P1", Fault::AnswersInAnotherForm),
    ("SYMSEC_0_SecDataX_N1", Fault::TakesForgedTags),
    ("SYMSEC_0_REL_N1", Fault::TakesUnprovenReleases),
    ("SYMSEC_0_SecPol_1", Fault::AnswersUnprotected),
    ("SYMSEC_0_SecPol_2", Fault::TakesWeakProtection),
    ("SYMSEC_0_SecPol_3", Fault::TakesPlainAssociations),
];

#[test]
fn each_case_notices_the_fault_that_breaks_its_rule() {
    let mut unnoticed = String::new();
    for (name, fault) in PAIRS {
        let case = catalogue().find(|case| case.name == *name).expect("a case");
        let report = &reports([case], Framing::Hdlc, (*fault).into())[0];
        if report.verdict != Verdict::Failed {
            let _ = write!(unnoticed, "{}: {}", fault.name(), shown(&[report]));
        }
    }
    assert!(unnoticed.is_empty(), "{unnoticed}");
}

/// What suites 1 and 2 have beyond suite 0, and what is the same in them, with faults and what the
/// report then says.
const PAIRS_OF_SUITES: &[(&str, Fault, &str)] = &[
    ("APPL_OPEN_3", Fault::SignsWithAnotherKey, "f(CtoS) is wrong"),
    ("APPL_OPEN_3", Fault::TakesAnySignature, "a wrong f(StoC) was accepted"),
    ("APPL_OPEN_9", Fault::ConfusesKeys, "was answered with glo-get-response"),
    ("SYMSEC_0_BasicCap_1", Fault::MisnamesSuite, "protected with suite 0"),
    ("SYMSEC_0_Key_Tx_P3", Fault::IgnoresKeys, "the new key serves nothing"),
    ("SYMSEC_0_Key_Tx_N2", Fault::ConfirmsAnyKey, "was confirmed"),
    ("SYMSEC_0_SecDataX_N1", Fault::TakesForgedTags, "was served"),
];

#[test]
fn our_meter_passes_in_suites_1_and_2_with_hls_7_and_its_faults_are_noticed() {
    for suite in [SecuritySuite::Suite1, SecuritySuite::Suite2] {
        let run = |cases, faults| reports_in(true, cases, suite, Framing::Wrapper, faults);
        let of_suites =
            |case: &&Case| case.name.starts_with("APPL_") || case.name.starts_with("SYMSEC_");
        let reports = run(catalogue().filter(of_suites).collect(), Faults::NONE);
        let wrong: Vec<&Report> =
            reports.iter().filter(|report| report.verdict != Verdict::Passed).collect();
        assert!(wrong.is_empty(), "{suite:?}\n{}", shown(&wrong));
        for (name, fault, reason) in PAIRS_OF_SUITES {
            let case = catalogue().find(|case| case.name == *name).expect("a case");
            let report = &run(vec![case], (*fault).into())[0];
            let shown = shown(&[report]);
            let is_named = report.verdict == Verdict::Failed && report.reason.contains(reason);
            assert!(is_named, "{suite:?} {}: {shown}", fault.name());
        }
    }
}

#[test]
fn every_case_that_applies_has_a_fault_and_every_fault_a_case() {
    let cases: BTreeSet<&str> = PAIRS.iter().map(|(name, _)| *name).collect();
    let applies = reports(catalogue(), Framing::Hdlc, Faults::NONE);
    let without = applies.iter().filter(|report| report.verdict != Verdict::Inapplicable);
    let without: Vec<_> = without.filter(|report| !cases.contains(report.case.name)).collect();
    assert!(without.is_empty(), "without a fault:\n{}", shown(&without));
    let used = PAIRS.iter().map(|(_, fault)| fault);
    let used: Vec<_> = used.chain(PAIRS_OF_SUITES.iter().map(|(_, fault, _)| fault)).collect();
    let unused = |fault: &&Fault| !used.contains(fault) && !fault.is_of_the_field();
    let unused: Vec<_> = Fault::ALL.iter().filter(unused).collect();
    assert!(unused.is_empty(), "no case for {unused:?}");
}

/// Sends what `meter` pushes under the global keys of worked examples, with this authentication
/// key.
async fn push_ciphered(meter: Arc<Mutex<Meter>>, authentication_key: Key) {
    let encryption_key: Key = "000102030405060708090A0B0C0D0E0F".parse().expect("a key");
    let mut counter = u32::MAX / 2;
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    loop {
        ticks.tick().await;
        let push = meter.lock().expect("nobody panics with the meter").poll_push();
        let Some(push) = push else { continue };
        counter += 1;
        let request = ProtectRequest {
            tag: 0xdb,
            system_title: SystemTitle(*b"DHE\x01\0\0\x03\xe8"),
            send_title: true,
            control: SecurityControl::new(
                SecuritySuite::Suite0,
                Protection::AUTHENTICATED_ENCRYPTED,
            ),
            counter,
            key: &encryption_key,
            authentication_key: Some(&authentication_key),
        };
        let mut apdu = Vec::new();
        protect(&RustCrypto, &request, &push.apdu, &mut apdu).expect("a ciphered push");
        let length = u16::try_from(apdu.len()).expect("a short push");
        let header = WrapperHeader { source: 1, destination: 1, length }.encode_header();
        let destination = str::from_utf8(&push.destination).expect("an address");
        let mut stream = TcpStream::connect(destination).await.expect("a listener");
        stream.write_all(&[&header[..], &apdu].concat()).await.expect("a listener");
    }
}

#[test]
fn a_protected_push_is_opened_and_a_forged_one_noticed() {
    let text = DECLARATION.replace("[objects]", "[objects]\nprotected_pushes = true");
    let case = catalogue().find(|case| case.name == "COSEM_PUSH_2").expect("a case");
    for (key, verdict) in [
        ("D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF", Verdict::Passed),
        ("00D1D2D3D4D5D6D7D8D9DADBDCDDDEDF", Verdict::Failed),
    ] {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let folder = declared(&text);
            let declaration = Declaration::read(&folder.path().join("meter.toml")).unwrap();
            let meter = strict_meter();
            let way = behind_a_pipe(&meter, Framing::Wrapper, Faults::NONE);
            tokio::spawn(push_ciphered(meter, key.parse().unwrap()));
            let report = run(case, &declaration, &way, &Counters::forgetful(FIRST_COUNTER)).await;
            assert_eq!(report.verdict, verdict, "{}", shown(&[&report]));
        });
    }
}

/// The verdict of each case in the output as JSON lines.
fn verdicts(output: &Output) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let lines = output.json_lines();
    lines.iter().map(|line| (text(&line["case"]), text(&line["verdict"]))).collect()
}

/// The names of the cases with this verdict.
fn with<'v>(verdicts: &'v BTreeMap<String, String>, verdict: &str) -> Vec<&'v str> {
    let with = verdicts.iter().filter(|(_, it)| *it == verdict);
    with.map(|(case, _)| case.as_str()).collect()
}

#[test]
fn the_program_tests_our_meter_over_sockets_and_writes_a_report() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = declared(&DECLARATION.replace(TIMEOUT, PATIENT));
    for framing in [Framing::Hdlc, Framing::Wrapper] {
        let meter = strict_meter();
        let listening = runtime.block_on(async {
            let (any, answer) = ("127.0.0.1:0".parse().unwrap(), AnswerConfig::default());
            match framing {
                Framing::Hdlc => listen_hdlc(Arc::clone(&meter), any, answer, hdlc()).await,
                Framing::Wrapper => listen_wrapper(Arc::clone(&meter), any, answer).await,
            }
        });
        runtime.spawn(async move { send_pushes(&[meter], SendConfig::default()).await });
        let listening = listening.unwrap();
        let scheme = if framing == Framing::Hdlc { "hdlc" } else { "wrapper" };
        let address = format!("{scheme}://{}", listening.address());
        let args = ["run", &address, "--declaration", "meter.toml", "-o", "jsonl"];
        let output = conformance(&folder, &[&args[..], &["--report", "report.json"]].concat());
        output.assert_code(0);
        let verdicts = verdicts(&output);
        assert_eq!(verdicts.len(), catalogue().count());
        assert_eq!(with(&verdicts, "FAILED"), [""; 0], "{output}");
        let report = fs::read_to_string(folder.file("report.json")).unwrap();
        let report: Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["implementation"], "simulated meter 1000");
        assert_eq!(report["cases"].as_array().map(Vec::len), Some(catalogue().count()));
        assert!(!report.to_string().contains("12345678"), "no password in a report");
    }
}

#[test]
fn frames_are_tried_on_a_serial_port_too() {
    let cable = SerialCable::new(Noise::NONE);
    let _meter = Simulator::serial_meter(&cable.far().unwrap(), &["--strict", "--physical", "17"]);
    let folder = declared(&DECLARATION.replace(TIMEOUT, PATIENT));
    let address = format!("hdlc+serial://{}?baud=115200", cable.near());
    let args = ["run", &address, "--declaration", "meter.toml", "-o", "jsonl"];
    let cases = ["--case", "HDLC_*_P1", "--case", "HDLC_INFO_N?", "--case", "APPL_OPEN_1"];
    let output = conformance(&folder, &[&args[..], &cases[..]].concat());
    output.assert_code(0);
    assert_eq!(with(&verdicts(&output), "PASSED").len(), 8, "{output}");
}

/// A meter behind an optical head, and one that knows only HDLC.
#[test]
fn a_meter_is_signed_on_to_in_mode_e_before_its_frames_are_tried() {
    let cases = ["--case", "HDLC_FRAME_P1", "--case", "HDLC_INFO_N1", "--case", "APPL_OPEN_1"];
    for (options, verdict) in [(&["--mode-e"][..], "PASSED"), (&[][..], "INCONCLUSIVE")] {
        let cable = SerialCable::new(Noise::NONE);
        let meter = [&["--strict", "--physical", "17"], options].concat();
        let _meter = Simulator::serial_meter(&cable.far().unwrap(), &meter);
        let folder = declared(&DECLARATION.replace(TIMEOUT, PATIENT));
        let address = format!("hdlc+serial://{}?baud=9600&mode-e", cable.near());
        let args = ["run", &address, "--declaration", "meter.toml", "-o", "jsonl"];
        let output = conformance(&folder, &[&args[..], &cases[..]].concat());
        assert_eq!(with(&verdicts(&output), verdict).len(), 3, "{output}");
        let says_why = output.stdout.contains("signing on (mode E)");
        assert_eq!(says_why, verdict == "INCONCLUSIVE", "{output}");
    }
}

#[test]
fn a_fault_on_the_command_line_is_named_by_the_program() {
    let meter =
        Simulator::meter(dlms_tests::Framing::Wrapper, &["--strict", "--fault", "misnames-device"]);
    let address = meter.address();
    let folder = declared(DECLARATION);
    let run = |case| {
        let args = ["run", &address, "--declaration", "meter.toml", "--case", case];
        conformance(&folder, &args)
    };
    let output = run("cosem_mandatory_3");
    output.assert_code(5);
    let expected =
        "COSEM_MANDATORY_3           FAILED        the name is DHE0000000000000, not DHE00";
    assert!(output.stdout.starts_with(expected), "{output}");
    run("COSEM_MANDATORY_[12]").assert_code(2);
    run("COSEM_MANDATORY_1").assert_code(0);
}

#[test]
fn the_cases_are_listed_with_their_purposes() {
    let folder = Folder::new();
    let output = conformance(&folder, &["ls"]);
    output.assert_code(0);
    let lines = output.stdout.lines();
    for (line, case) in lines.zip(catalogue()) {
        assert!(line.starts_with(case.name) && line.ends_with(case.purpose), "{line}");
    }
    assert_eq!(output.stdout.lines().count(), catalogue().count());
    let output = conformance(&folder, &["ls", "--case", "nothing"]);
    output.assert_code(2);
    assert!(output.stderr.contains("no case matches nothing"), "{output}");
}

#[test]
fn the_declaration_that_is_printed_is_one_of_the_simulated_meter() {
    let args = ["--strict", "--push", "--physical", "17"];
    let meter = Simulator::meter(dlms_tests::Framing::Hdlc, &args);
    let folder = declared("");
    let printed = conformance(&folder, &["declaration"]);
    // What it declares is what the meter has.
    let (_, services) = printed.stdout.split_once("services = [").expect("it declares services");
    let (services, _) = services.split_once(']').expect("the list ends");
    let mut declared: Vec<&str> = services.split('"').skip(1).step_by(2).collect();
    let mut had: Vec<&str> = ServerConfig::new(1).conformance.names().collect();
    declared.sort_unstable();
    had.sort_unstable();
    assert_eq!(declared, had);
    printed.assert_code(0);
    fs::write(folder.file("meter.toml"), &printed.stdout).unwrap();
    let address = meter.address();
    let args = ["run", &address, "--declaration", "meter.toml", "--case"];
    for case in ["APPL_OPEN_1*", "HDLC_ADDRESS_P1", "COSEM_MANDATORY_?", "COSEM_PUSH_1"] {
        conformance(&folder, &[&args[..], &[case]].concat()).assert_code(0);
    }
}

#[test]
fn a_declaration_that_is_wrong_and_a_meter_that_is_not_there_are_told_apart() {
    let folder = declared(&DECLARATION.replace("max_pdu", "max_pud"));
    let args = ["run", "wrapper://127.0.0.1:9", "--declaration", "meter.toml"];
    let output = conformance(&folder, &args);
    output.assert_code(2);
    assert!(output.stderr.contains("max_pud is not known: was max_pdu meant?"), "{output}");
    let folder = declared(DECLARATION);
    let port = free_port().to_string();
    let nobody = format!("wrapper://127.0.0.1:{port}");
    let args = ["run", &nobody, "--declaration", "meter.toml", "--case", "APPL_*"];
    conformance(&folder, &args).assert_code(3);
}

/// What the meter of `tests/interop` is said to have.
const GURUX_DECLARATION: &str = r#"
name = "gurux_meter.py"
response_timeout_ms = 500
max_pdu = 1024
services = [
    "get", "set", "action", "selective-access", "block-transfer-with-get-or-read",
    "block-transfer-with-set-or-write", "multiple-references", "access", "data-notification",
    "general-protection",
]

[hdlc]
information_max = 128
inter_octet_timeout_ms = 100
inactivity_timeout_s = 1

[[logical_device]]
sap = 1
name = "GRX0000000001000"

[[client]]
sap = 16

[[client]]
sap = 17
authentication = "lls"
secret = { file = "FOLDER/password" }

[[client]]
sap = 1
authentication = "hls-gmac"
security = "authenc"
system_title = "434C49454E543031"
encryption_key = { file = "FOLDER/ek" }
authentication_key = { file = "FOLDER/ak" }
dedicated_key = true
proven_release = true

[objects]
writable = "1:0-0:96.10.1*255:2"
read_only = "3:1-0:1.8.0*255:3"
"#;

/// Rules that the foreign meter breaks, as one sees in what it sends.
const GURUX_BREAKS: [&str; 12] = [
    // It answers the second half of a frame whenever it comes, and keeps a link for ever.
    "HDLC_FRAME_P2",
    "HDLC_FRAME_P3",
    // It looks at neither the format type, nor at the length of a client address, nor at N(R).
    "HDLC_FRAME_N3",
    "HDLC_ADDRESS_N1",
    "HDLC_INFO_N2",
    // It sends fields of 128 octets to a client that takes 64.
    "HDLC_NDM2NRM_P1",
    // DLMS version 5, no service at all and PDUs of 11 octets are all the same to it.
    "APPL_OPEN_12",
    "APPL_OPEN_13",
    "APPL_OPEN_14",
    // It serves what was not agreed on.
    "APPL_DATA_LN_N4",
    // A release without proof ends an association with ciphering, and less protection is enough.
    "SYMSEC_0_REL_N1",
    "SYMSEC_0_SecPol_2",
];

#[test]
fn the_faults_of_the_foreign_meter_are_named() {
    let meter = Foreign::gurux_meter(dlms_tests::Framing::Hdlc, &["--entries", "30"]);
    let folder = declared(&GURUX_DECLARATION.replace(TIMEOUT, PATIENT));
    let args = ["run", &meter.address(), "--declaration", "meter.toml", "-o", "jsonl"];
    let output = conformance(&folder, &args);
    output.assert_code(5);
    let verdicts = verdicts(&output);
    let failed = with(&verdicts, "FAILED");
    for case in GURUX_BREAKS {
        assert!(failed.contains(&case), "{case} did not fail: {output}");
    }
    // It is no ruin: what its own clients need, it does.
    for case in ["HDLC_FRAME_P1", "HDLC_INFO_P1", "APPL_OPEN_1", "APPL_OPEN_3", "APPL_REL_P1"] {
        assert_eq!(verdicts[case], "PASSED", "{output}");
    }
}
