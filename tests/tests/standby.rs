//! A concentrator that is killed in the middle of something costs seconds, and nothing else:
//! another one before the same meters takes its place, and what was under way is looked up at the
//! meter.

use core::time::Duration;
use std::time::Instant;

use dlms_core::axdr::{DataBuf, Reader};
use dlms_core::cosem::{AttributeDescriptor, ClassId, LogicalName, MethodDescriptor};
use dlms_core::security::Protection;
use dlms_core::wrapper;
use dlms_tests::{
    Concentrator, Framing, Headend, Meter, Mode, Noise, Output, Simulator, TcpCable, counters,
};
use dlms_tokio::LineConfig;
use dlms_tokio::client::Client;

/// Authenticated and not encrypted, so that every counter can be read off the line.
const MODE: Mode = Mode::gmac(Protection::AUTHENTICATED);
const TIME_MAX: Duration = Duration::from_secs(60);
const LIST: &str = "[management]\npublic-sap-list = true\n";

/// A meter, and two concentrators that lead to it, at different SAPs.
struct Pair {
    _meter: Meter,
    /// Between the first concentrator and the meter, and between the second and it.
    lan: [TcpCable; 2],
    first: Option<Concentrator>,
    second: Concentrator,
}

const FIRST_SAP: u16 = 527;
const SECOND_SAP: u16 = 3_013;

impl Pair {
    /// The meter thinks for `delay_ms` before each answer.
    fn new(delay_ms: u32) -> Self {
        let delay_ms = delay_ms.to_string();
        let clock = ["--clock", "2026-02-01T06:00:00Z", "--entries", "3000"];
        let args = [&clock[..], &["--delay-ms", &delay_ms]].concat();
        let meter = Simulator::meter(Framing::Wrapper, &args);
        let lan =
            [TcpCable::new(meter.port(), Noise::NONE), TcpCable::new(meter.port(), Noise::NONE)];
        let start = |cable: &TcpCable, sap: u16| {
            let address = Framing::Wrapper.address(cable.port());
            Concentrator::start(&format!(
                "{LIST}[[meter]]\nname = \"DHE0000000001000\"\nsap = {sap}\n\
                 address = \"{address}\"\n"
            ))
        };
        let (first, second) = (start(&lan[0], FIRST_SAP), start(&lan[1], SECOND_SAP));
        Self { _meter: meter, lan, first: Some(first), second }
    }

    fn first(&self) -> &Concentrator {
        self.first.as_ref().expect("it was not killed yet")
    }

    /// How many APDUs with this first octet the meter has got over the first concentrator.
    fn asked(&self, tag: u8) -> usize {
        let said = self.lan[0].conversations();
        let count = |octets: Vec<u8>| {
            let mut rest = &octets[..];
            let mut count = 0;
            while let Some(Ok(frame)) = wrapper::next_frame(rest) {
                count += usize::from(frame.apdu.first() == Some(&tag));
                rest = &rest[frame.consumed()..];
            }
            count
        };
        said.iter().map(|said| count(said.asked())).sum()
    }

    /// Kills the first concentrator as soon as so many of these have reached the meter.
    fn kill_first_after(&mut self, count: usize, tag: u8) {
        let until = Instant::now() + TIME_MAX;
        while self.asked(tag) < count {
            assert!(Instant::now() < until, "{} of {count} came", self.asked(tag));
            std::thread::yield_now();
        }
        let _ = self.first.take().expect("it was not killed yet").kill();
    }
}

/// What `headend` does as the management client, with the counters of `headend`.
fn run(headend: &Headend, words: &[&str]) -> Output {
    let options = MODE.options();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    headend.run_within(TIME_MAX, &[words, &options].concat())
}

/// GET block 7 and after: the profile is asked for again, over the other concentrator.
#[test]
fn a_profile_is_read_whole_though_the_concentrator_dies_while_its_blocks_come() {
    let mut pair = Pair::new(5);
    let headend = Headend::new();
    let options = MODE.options();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let (first, second) = (pair.first().address(), pair.second.address());
    let words = ["read", "7:1-0:99.1.0*255:2", "--all-saps", "-o", "jsonl"];
    let routes = ["--route", &first, "--route", &second, "--max-pdu", "512"];
    let reading = headend.start(&[&words[..], &routes, &options].concat());
    // glo-get-request
    pair.kill_first_after(8, 0xC8);
    let output = reading.finish(TIME_MAX);
    output.assert_code(0);
    let lines = output.json_lines();
    assert_eq!(lines.len(), 1, "{output}");

    let address = pair.second.address();
    let server = SECOND_SAP.to_string();
    let words = ["read", &address, "7:1-0:99.1.0*255:2", "--server", &server, "-o", "jsonl"];
    let truth = run(&headend, &words);
    truth.assert_code(0);
    assert_eq!(lines[0]["value"], truth.json_lines()[0]["value"]);
    assert_ascending(&pair);
}

/// Whether it was done is asked, and it is not done again.
#[test]
fn a_disconnection_under_way_is_done_once_and_looked_up_afterwards() {
    let mut pair = Pair::new(400);
    let headend = Headend::new();
    let address = pair.first().address();
    let server = FIRST_SAP.to_string();
    let options = MODE.options();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let words = ["invoke", &address, "70:0-0:96.3.10*255", "1", "integer:0", "--server", &server];
    let disconnecting = headend.start(&[&words[..], &options].concat());
    // glo-action-request: the proof of who asks, then the disconnection.
    pair.kill_first_after(2, 0xCB);
    let output = disconnecting.finish(TIME_MAX);
    assert_eq!(output.code, Some(3), "{output}");

    // It says what to do next: see whether it was done.
    let (address, server) = (pair.second.address(), SECOND_SAP.to_string());
    let words = ["read", &address, "70:0-0:96.3.10*255:3", "--server", &server, "-o", "jsonl"];
    let output = run(&headend, &words);
    output.assert_code(0);
    assert_eq!(output.json_lines()[0]["value"], 0, "{output}");
    // The proof and the order over the first, and no order over the second.
    assert_eq!(pair.asked(0xCB), 2);
    assert_ascending(&pair);
}

/// Block 500 of 600: what the meter has is not sent again.
#[tokio::test(flavor = "multi_thread")]
async fn an_image_goes_on_where_the_meter_says_that_it_stopped() {
    const BLOCKS: u32 = 600;
    const BLOCK_LEN: usize = 200;
    let mut pair = Pair::new(0);
    let image: Vec<u8> =
        (0..BLOCKS).flat_map(|block| block.to_be_bytes().repeat(BLOCK_LEN / 4)).collect();
    let client = connect(pair.first(), FIRST_SAP).await;
    let begin = DataBuf::structure([
        DataBuf::octet_string(*b"firmware"),
        DataBuf::DoubleLongUnsigned(BLOCKS * 200),
    ]);
    invoke(&client, 1, &begin).await.expect("the transfer begins");
    let mut sent = 0;
    for number in 0..BLOCKS {
        if number == 500 {
            let _ = pair.first.take().expect("it was not killed yet").kill();
        }
        if invoke(&client, 2, &block(&image, number)).await.is_err() {
            break;
        }
        sent += 1;
    }
    assert_eq!(sent, 500);

    let client = connect(&pair.second, SECOND_SAP).await;
    let next = read(&client, 4).await;
    let DataBuf::DoubleLongUnsigned(next) = next else { panic!("{next:?}") };
    // The one that was under way may have come.
    assert!((500..=501).contains(&next), "{next}");
    for number in next..BLOCKS {
        invoke(&client, 2, &block(&image, number)).await.expect("a block arrives");
    }
    invoke(&client, 3, &DataBuf::Integer(0)).await.expect("it is what was sent");
    // verification successful
    assert_eq!(read(&client, 6).await, DataBuf::Enum(3));
}

fn block(image: &[u8], number: u32) -> DataBuf {
    let from = number as usize * 200;
    let octets = image[from..from + 200].to_vec();
    DataBuf::structure([DataBuf::DoubleLongUnsigned(number), DataBuf::octet_string(octets)])
}

async fn connect(concentrator: &Concentrator, sap: u16) -> Client {
    let line = LineConfig { server_upper: sap, ..LineConfig::default() };
    MODE.connect(&concentrator.address(), line).await.expect("the meter is there")
}

const IMAGE: LogicalName = LogicalName([0, 0, 44, 0, 0, 255]);

async fn invoke(client: &Client, method: i8, parameter: &DataBuf) -> Result<(), String> {
    let method = MethodDescriptor::new(ClassId(18), IMAGE, method);
    match client.invoke(method, Some(parameter)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(refused)) => Err(refused.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

async fn read(client: &Client, attribute: i8) -> DataBuf {
    let attribute = AttributeDescriptor::new(ClassId(18), IMAGE, attribute);
    let octets = client.read(attribute).await.expect("an answer").expect("a value");
    DataBuf::decode(&mut Reader::new(&octets)).expect("a value")
}

/// The meter saw the counters of each client grow, over whichever concentrator.
#[track_caller]
fn assert_ascending(pair: &Pair) {
    let said = pair.lan.iter().flat_map(TcpCable::conversations);
    let all: Vec<_> = said.flat_map(|said| counters(&said.asked())).collect();
    assert!(all.len() > 5, "{all:?}");
    // All under one key, by one head-end: in the order in which they were sent.
    for pair in all.windows(2) {
        assert!(pair[0].0 != pair[1].0 || pair[0].1 < pair[1].1, "{pair:?}");
    }
}
