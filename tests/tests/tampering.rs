//! Nobody in between gets a value of his making accepted, and no value makes the link hang.

use dlms_core::axdr::{DataBuf, Reader};
use dlms_core::cosem::{AttributeDescriptor, ClassId, LogicalName};
use dlms_core::security::Protection;
use dlms_tests::soak;
use dlms_tests::{Foreign, Framing, Headend, Mode, Noise, Output, Random, Simulator, TcpCable};
use dlms_tokio::LineConfig;
use serde_json::Value;

/// Two requests with list: four objects are read together.
const OBJECTS: [&str; 6] = [
    "3:1-0:32.7.0*255:2",
    "1:0-0:96.1.0*255:2",
    "3:1-0:31.7.0*255:2",
    "4:1-0:1.6.0*255:2",
    "3:1-0:1.8.0*255:2",
    "1:0-0:42.0.0*255:2",
];
/// Exit code of an answer that failed its security check, whatever else succeeded.
const SECURITY: i32 = 4;

#[test]
fn a_turned_bit_in_the_tag_is_refused() {
    let refused = refused_through_proxy("tag", &["E-SEC-TAG", "changed the answer on its way"]);
    assert_eq!(refused, [OBJECTS.len(); 3]);
}

#[test]
fn a_turned_bit_in_the_text_is_refused() {
    let refused = refused_through_proxy("text", &["E-SEC-TAG", "changed the answer on its way"]);
    assert_eq!(refused, [OBJECTS.len(); 3]);
}

#[test]
fn an_answer_without_its_protection_is_refused() {
    let said = ["E-SEC-UNPROTECTED", "somebody stripped the protection off"];
    assert_eq!(refused_through_proxy("strip", &said), [OBJECTS.len(); 3]);
}

/// The first answer is genuine, and is given again to the second request.
#[test]
fn an_answer_that_comes_again_is_refused_and_the_one_before_it_counts() {
    let said = ["E-SEC-REPLAY", "an old answer came again"];
    assert_eq!(refused_through_proxy("replay", &said), [2; 3]);
}

/// How many of the objects were refused in each mode that can tell; all others have their true
/// value.
fn refused_through_proxy(mode: &str, says: &[&str]) -> [usize; 3] {
    let modes = [
        Mode::gmac(Protection::AUTHENTICATED),
        Mode::AUTHENC,
        Mode { general: true, ..Mode::AUTHENC },
    ];
    let meter = Foreign::gurux_meter(Framing::Wrapper, &["--entries", "4"]);
    let headend = Headend::new();
    let truth = read(&headend, &meter.address(), Mode::AUTHENC);
    truth.assert_code(0);
    let truth = truth.json_lines();
    modes.map(|protected| {
        // A proxy of its own: it knows only the answers of this mode.
        let proxy = Foreign::tamper_proxy(meter.port(), mode);
        let output = read(&headend, &Framing::Wrapper.address(proxy.port()), protected);
        let altered = proxy.kill().stdout.lines().filter(|line| line.starts_with(mode)).count();
        assert!(altered > 0, "the proxy did nothing:\n{output}");
        output.assert_code(SECURITY);
        for words in says {
            assert!(output.stderr.contains(words), "does not say `{words}`:\n{output}");
        }
        let lines = output.json_lines();
        assert_eq!(lines.len(), OBJECTS.len(), "{output}");
        let accepted = |line: &Value| line["error"].is_null();
        for (line, truth) in lines.iter().zip(&truth).filter(|(line, _)| accepted(line)) {
            assert_eq!(line, truth);
        }
        let refused = lines.iter().filter(|line| !accepted(line)).count();
        println!("{mode:<7} {protected:<26} {refused} of {} refused", lines.len());
        refused
    })
}

fn read(headend: &Headend, address: &str, mode: Mode) -> Output {
    let options = mode.options();
    let options = options.iter().map(String::as_str);
    let words = ["read", address, "-o", "jsonl"].into_iter().chain(OBJECTS).chain(options);
    headend.run(&words.collect::<Vec<_>>())
}

/// A value whose frame has a flag (7E) in its check sequences, in its length or anywhere else is a
/// value like any other.
#[tokio::test]
async fn two_thousand_random_values_are_read_over_hdlc_and_none_hangs() {
    const READS: u32 = 2_000;
    const LENGTH_MAX: u64 = 300;
    let meter = Simulator::meter(Framing::Hdlc, &["--entries", "4"]);
    let cable = TcpCable::new(meter.port(), Noise::NONE);
    let client = Mode::PUBLIC.connect(&Framing::Hdlc.address(cable.port()), line()).await.unwrap();
    let come_back = async |octets: Vec<u8>| {
        let value = DataBuf::octet_string(octets);
        client.write(CALENDAR_NAME_PASSIVE, &value).await.unwrap().unwrap();
        let read = client.read(CALENDAR_NAME_PASSIVE).await.unwrap().unwrap();
        assert_eq!(DataBuf::decode(&mut Reader::new(&read)), Ok(value));
    };

    let mut random = Random::new(0x7e);
    for _ in 0..soak::rounds(READS) {
        let length = random.below(LENGTH_MAX);
        come_back(random.octets(usize::try_from(length).unwrap())).await;
    }
    // A check sequence that ends in 7E, the flag that ends its frame, the one that begins the next.
    let ends_in_flag =
        |octets: &[u8]| octets.windows(3).filter(|three| **three == [0x7e; 3]).count();
    let said = &cable.conversations()[0];
    let (to_meter, to_us) = (ends_in_flag(&said.asked()), ends_in_flag(&said.answered()));
    println!("check sequences that end in 7E: {to_meter} to the meter, {to_us} to us");
    assert!(to_meter > 0 && to_us > 0, "nothing was tested");

    for length in 0..LENGTH_MAX {
        come_back(vec![0x7e; usize::try_from(length).unwrap()]).await;
    }
    client.release().await.unwrap();
}

/// The same for what is different each time an association is opened: challenges, ciphertext, tags.
#[tokio::test]
async fn two_hundred_ciphered_associations_over_hdlc_are_opened_and_none_hangs() {
    const ASSOCIATIONS: u32 = 200;
    for _ in 0..soak::rounds(1) {
        // A meter remembers the counters of so many clients, and of no endless number.
        let meter = Simulator::meter(Framing::Hdlc, &["--entries", "4"]);
        for _ in 0..ASSOCIATIONS {
            let client = Mode::AUTHENC.connect(&meter.address(), line()).await.unwrap();
            let name = client.read(LOGICAL_DEVICE_NAME).await.unwrap().unwrap();
            let expected = DataBuf::octet_string(*b"DHE0000000001000");
            assert_eq!(DataBuf::decode(&mut Reader::new(&name)), Ok(expected));
            client.release().await.unwrap();
        }
    }
}

/// An octet-string of any length that clients may write.
const CALENDAR_NAME_PASSIVE: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::ACTIVITY_CALENDAR, LogicalName([0, 0, 13, 0, 0, 255]), 6);
const LOGICAL_DEVICE_NAME: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::DATA, LogicalName::LOGICAL_DEVICE_NAME, 2);

/// Without a second chance: what hangs shows.
fn line() -> LineConfig {
    LineConfig { retries: 0, ..LineConfig::default() }
}
