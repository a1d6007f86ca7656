//! `dlms-conformance` against our meters, with and without faults, and against other people's.

use core::{cell::Cell, fmt::Write as _, time::Duration};
use std::{
    collections::BTreeSet,
    fs,
    sync::{Arc, Mutex},
};

use conformance::{Case, Declaration, Framing, Report, Verdict, Way, catalogue, run};
use dlms_tests::Folder;
use dlms_tokio::HdlcServerConfig;
use simulator::{
    AnswerConfig, Fault, Faults, Meter, MeterClient, MeterConfig, serve_hdlc_stream,
    serve_wrapper_stream,
};

/// The lower address of the meter under test.
const PHYSICAL: u16 = 17;
/// Octets that a pipe in memory holds: more than any frame.
const PIPE_LEN: usize = 64 * 1024;
const FIRST_COUNTER: u32 = 1_000;

/// What the simulated meter with the rights of a meter in the field declares.
const DECLARATION: &str = r#"
name = "simulated meter 1000"
server = 1
max_pdu = 1024
response_timeout_ms = 500
services = [
    "general-protection", "block-get", "block-set", "block-action", "multiple-references",
    "get", "set", "selective-access", "action",
]

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
read_only = "1:0-0:42.0.0*255:2"
profile = "1-0:99.1.0*255"
push_setup = "0-0:25.9.0*255"
security_setup = "0-0:43.0.0*255"
"#;

/// The published test secrets of our meters.
const SECRETS: [(&str, &str); 3] = [
    ("password", "12345678\n"),
    ("ek", "000102030405060708090A0B0C0D0E0F\n"),
    ("ak", "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF\n"),
];

fn declaration() -> Declaration {
    let folder = Folder::new();
    for (name, text) in SECRETS {
        fs::write(folder.file(name), text).unwrap();
    }
    let text = DECLARATION.replace("FOLDER", &folder.path().to_string_lossy());
    Declaration::parse(&text).unwrap()
}

/// A meter with these faults behind a pipe in memory.
fn meter(framing: Framing, faults: Faults) -> Way {
    let config = MeterConfig { entries: 96, clients: MeterClient::strict(), ..MeterConfig::default() };
    let meter = Arc::new(Mutex::new(Meter::new(1000, Arc::new(config))));
    let answer = AnswerConfig { faults, ..AnswerConfig::default() };
    let hdlc = HdlcServerConfig {
        physical: Some(PHYSICAL),
        inter_octet_timeout: Duration::from_millis(200),
        inactivity_timeout: Some(Duration::from_secs(2)),
        ..HdlcServerConfig::default()
    };
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

/// Runs cases in simulated time: waiting for silence costs nothing.
fn reports<'c>(
    cases: impl IntoIterator<Item = &'c Case>,
    framing: Framing,
    faults: Faults,
) -> Vec<Report> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (declaration, way) = (declaration(), meter(framing, faults));
        let counter = Cell::new(FIRST_COUNTER);
        let mut reports = Vec::new();
        for case in cases {
            reports.push(run(case, &declaration, &way, &counter).await);
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
fn our_meter_passes_every_case_in_simulated_time() {
    for framing in [Framing::Hdlc, Framing::Wrapper] {
        let reports = reports(catalogue(), framing, Faults::NONE);
        let passes = |report: &&Report| {
            matches!(report.verdict, Verdict::Failed | Verdict::Inconclusive)
        };
        let wrong: Vec<&Report> = reports.iter().filter(passes).collect();
        assert!(wrong.is_empty(), "{framing:?}\n{}", shown(&wrong));
        for report in reports {
            let has_reason = !report.reason.is_empty();
            assert_eq!(has_reason, report.verdict == Verdict::Inapplicable, "{}", report.case.name);
            eprintln!("{} {} {}", report.case.name, report.verdict, report.reason);
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
    ("APPL_REL_P1", Fault::StaysAssociated),
    ("COSEM_ATTRIBUTES", Fault::MisnamesObjects),
    ("COSEM_PROFILE_RANGE_1", Fault::IgnoresRanges),
    ("COSEM_PROFILE_RANGE_2", Fault::IgnoresRanges),
    ("COSEM_PROFILE_RANGE_3", Fault::IgnoresColumns),
    ("COSEM_PROFILE_RANGE_4", Fault::IgnoresRanges),
    ("COSEM_PROFILE_ENTRY_1", Fault::IgnoresEntries),
    ("COSEM_PROFILE_ENTRY_2", Fault::IgnoresEntries),
    ("COSEM_PROFILE_ENTRY_3", Fault::IgnoresColumns),
    ("COSEM_MULTIPLE_REF_1", Fault::RepeatsFirstOfList),
    ("COSEM_MULTIPLE_REF_2", Fault::RepeatsFirstOfList),
    ("COSEM_MULTIPLE_REF_3", Fault::RepeatsFirstOfList),
    ("COSEM_MANDATORY_1", Fault::DeniesAssociation),
    ("COSEM_MANDATORY_2", Fault::DoublesSaps),
    ("COSEM_MANDATORY_3", Fault::MisnamesDevice),
    ("COSEM_DUMMY_1", Fault::InventsAttributes),
    ("SYMSEC_0_BasicCap_1", Fault::SpoilsTags),
    ("SYMSEC_0_FraCount_1", Fault::TakesReplays),
    ("SYMSEC_0_FraCount_3", Fault::RepeatsCounters),
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
        } else {
            eprintln!("{:32}{:20}{}", fault.name(), name, report.reason);
        }
    }
    assert!(unnoticed.is_empty(), "{unnoticed}");
}

#[test]
fn every_case_and_every_fault_has_its_pair() {
    let cases: BTreeSet<&str> = PAIRS.iter().map(|(name, _)| *name).collect();
    let without: Vec<_> = catalogue().filter(|case| !cases.contains(case.name)).collect();
    assert!(without.is_empty(), "no fault for {without:?}");
    let unused = |fault: &&Fault| PAIRS.iter().all(|(_, used)| used != *fault);
    let unused: Vec<_> = Fault::ALL.iter().filter(unused).collect();
    assert!(unused.is_empty(), "no case for {unused:?}");
}
