//! HDLC: what goes over the line, octet by octet, and APDUs of all lengths through it.

use core::time::Duration;

use dlms_tokio::{Address, HdlcServerConfig, Line, LineConfig, LineError, Trace, serve_hdlc};
use hdlc::{
    address::AddressLength,
    parameters::{InformationLength, WindowSize},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    net::TcpListener,
    task::JoinHandle,
    time::{Instant, timeout},
};

use crate::{
    meter::{ReversingMeter, UNANSWERED, apdu, reversed},
    relay::PIPE,
    transcript::octets,
};

fn granting(information: u16, window: u8) -> HdlcServerConfig {
    HdlcServerConfig {
        information: InformationLength::try_new(information).unwrap(),
        window: WindowSize::try_new(window).unwrap(),
        ..HdlcServerConfig::default()
    }
}

fn proposing(information: u16, window: u8) -> LineConfig {
    LineConfig { hdlc_info: information, window, ..LineConfig::default() }
}

/// How serving ended, and the meter that was served.
struct Served {
    ended: Result<(), LineError>,
    meter: ReversingMeter,
}

/// A meter at the other end of a pipe, served until the pipe is dropped.
fn meter(
    config: HdlcServerConfig,
    mut meter: ReversingMeter,
) -> (DuplexStream, JoinHandle<Served>) {
    let (near, far) = duplex(PIPE);
    let serving = tokio::spawn(async move {
        let ended = serve_hdlc(far, &mut meter, &config).await;
        Served { ended, meter }
    });
    (near, serving)
}

async fn exchange(stream: &mut DuplexStream, request: &str, answer: &str) {
    stream.write_all(&octets(request)).await.unwrap();
    let expected = octets(answer);
    let mut got = vec![0; expected.len()];
    let read = timeout(Duration::from_secs(1), stream.read_exact(&mut got)).await;
    assert!(read.is_ok(), "no answer to {request}");
    assert_eq!(got, expected, "{request}");
}

async fn silence(stream: &mut DuplexStream, request: &str) {
    stream.write_all(&octets(request)).await.unwrap();
    let read = timeout(Duration::from_secs(1), stream.read(&mut [0; 64])).await;
    assert!(read.is_err(), "an answer to {request}");
}

#[tokio::test]
async fn a_client_sends_what_the_standard_shows() {
    let (near, mut far) = duplex(PIPE);
    let mut line = Line::hdlc_in_memory(near, None, &LineConfig::default(), Trace::off()).unwrap();
    let talking = async {
        line.connect().await.unwrap();
        line.send(&[0xC0, 0x01]).await.unwrap();
        let mut answer = Vec::new();
        line.receive(&mut answer).await.unwrap();
        line.disconnect().await;
        answer
    };
    let meter = async {
        for (request, answer) in [
            // SNRM; UA.
            ("7EA0070321930F017E", "7EA007210373 0140 7E"),
            // I, N(S)=0 N(R)=0 P, with the LLC of a command; I, N(S)=0 N(R)=1 F, of a response.
            ("7EA00E032110 HHHH E6E600C001 FFFF 7E", "7EA00E210330 HHHH E6E700C401 FFFF 7E"),
            // DISC; UA.
            ("7EA007032153 FFFF 7E", "7EA007210373 0140 7E"),
        ] {
            let request = octets(&checked(request));
            let mut got = vec![0; request.len()];
            far.read_exact(&mut got).await.unwrap();
            assert_eq!(got, request);
            far.write_all(&octets(&checked(answer))).await.unwrap();
        }
    };
    let (answer, ()) = tokio::join!(talking, meter);
    assert_eq!(answer, [0xC4, 0x01]);
    assert_eq!(line.parameters(), None);
}

#[tokio::test(start_paused = true)]
async fn a_server_answers_in_the_address_form_it_is_called_in() {
    let (mut stream, _serving) = meter(HdlcServerConfig::default(), ReversingMeter::default());
    // SNRM and UA: server 1; server 1/17; server 1/17 in four octets.
    exchange(&mut stream, "7EA0070321930F017E", "7EA007210373 0140 7E").await;
    exchange(&mut stream, SNRM_TWO, UA_TWO).await;
    exchange(&mut stream, SNRM_FOUR, UA_FOUR).await;
}

// SNRM from 16 to 1/17 and the UA to it, in two and in four octets; check sequences by `hdlc`.
const SNRM_TWO: &str = "7EA00802232193 BD64 7E";
const UA_TWO: &str = "7EA00821022373 7A43 7E";
const SNRM_FOUR: &str = "7EA00A000200232193 1871 7E";
const UA_FOUR: &str = "7EA00A210002002373 4CE7 7E";

#[tokio::test(start_paused = true)]
async fn a_physical_device_ignores_what_is_for_another() {
    let config = HdlcServerConfig { physical: Some(17), ..HdlcServerConfig::default() };
    let (mut stream, _serving) = meter(config, ReversingMeter::default());
    exchange(&mut stream, SNRM_TWO, UA_TWO).await;
    exchange(&mut stream, SNRM_FOUR, UA_FOUR).await;
    // Without a physical address; to 1/18.
    silence(&mut stream, "7EA0070321930F017E").await;
    silence(&mut stream, &frame_text(&[0x02, 0x25], 0x93)).await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_logical_device_and_a_broadcast_are_silent() {
    let (mut stream, _serving) = meter(HdlcServerConfig::default(), ReversingMeter::default());
    silence(&mut stream, &frame_text(&[0x05], 0x93)).await;
    silence(&mut stream, &frame_text(&[0xFF], 0x93)).await;
}

#[tokio::test(start_paused = true)]
async fn a_frame_without_a_link_is_answered_with_dm() {
    let (mut stream, _serving) = meter(HdlcServerConfig::default(), ReversingMeter::default());
    // RR, and DISC, from 16 to 1.
    exchange(&mut stream, &frame_text(&[0x03], 0x11), &answer_text(0x1F)).await;
    exchange(&mut stream, &frame_text(&[0x03], 0x53), &answer_text(0x1F)).await;
}

/// A frame with its check sequences in place of HHHH and FFFF.
fn checked(frame: &str) -> String {
    let mut checked = String::new();
    for word in frame.split(' ') {
        let so_far = octets(checked.strip_prefix("7E").unwrap_or_default());
        match word {
            "HHHH" | "FFFF" => {
                let mut fcs = hdlc::fcs::Fcs::new();
                fcs.update(&so_far);
                let [low, high] = fcs.value().to_le_bytes();
                checked.push_str(&format!("{low:02X}{high:02X}"));
            }
            octets => checked.push_str(octets),
        }
    }
    checked
}

/// A frame from client 16 to a server, without information.
fn frame_text(server: &[u8], control: u8) -> String {
    with_check([server, &[0x21, control]].concat())
}

/// A frame from server 1 to client 16, without information.
fn answer_text(control: u8) -> String {
    with_check(vec![0x21, 0x03, control])
}

fn with_check(octets: Vec<u8>) -> String {
    let text: String = octets.iter().map(|octet| format!("{octet:02X}")).collect();
    checked(&format!("7EA0{:02X}{text} FFFF 7E", octets.len() + 4))
}

#[tokio::test(start_paused = true)]
async fn apdus_of_all_lengths_go_through_frames_and_windows_of_all_sizes() {
    for (information, window) in [(128, 1), (2_030, 1), (128, 3), (2_030, 7), (20, 2)] {
        let (stream, serving) = meter(granting(2_030, 7), ReversingMeter::default());
        let config = proposing(information, window);
        let mut line = Line::hdlc_in_memory(stream, None, &config, Trace::off()).unwrap();
        line.connect().await.unwrap();
        let parameters = line.parameters().unwrap();
        assert_eq!(parameters.information_transmit.octets(), information);
        assert_eq!(parameters.window_receive.frames(), window);
        let mut answer = Vec::new();
        for length in [1, 125, 126, 127, 2_027, 2_028, 10_000] {
            let request = apdu(length);
            line.send(&request).await.unwrap();
            line.receive(&mut answer).await.unwrap();
            assert!(answer == reversed(&request), "{length} in {information} x {window}");
        }
        line.disconnect().await;
        let counters = line.counters();
        assert_eq!((counters.noise_octets, counters.foreign, counters.timeouts), (0, 0, 0));
        drop(line);
        let Served { ended, meter } = serving.await.unwrap();
        assert_eq!(ended, Ok(()));
        assert_eq!(meter.gone, [(16, 1)]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_meter_grants_less_is_what_holds() {
    let (stream, _serving) = meter(granting(64, 1), ReversingMeter::default());
    let mut line = Line::hdlc_in_memory(stream, None, &proposing(2_030, 7), Trace::off()).unwrap();
    line.connect().await.unwrap();
    let parameters = line.parameters().unwrap();
    assert_eq!(parameters.information_receive.octets(), 64);
    assert_eq!(parameters.window_transmit.frames(), 1);
    line.send(&apdu(1_000)).await.unwrap();
    let mut answer = Vec::new();
    line.receive(&mut answer).await.unwrap();
    assert_eq!(answer, reversed(&apdu(1_000)));
}

#[tokio::test]
async fn hdlc_goes_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: Address = format!("hdlc://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        serve_hdlc(stream, &mut ReversingMeter::default(), &HdlcServerConfig::default()).await
    });
    let config =
        LineConfig { server_upper: 0x1234, server_lower: Some(0x3FFD), ..proposing(500, 4) };
    let mut line = Line::open(&address, &config, Trace::off()).await.unwrap();
    line.connect().await.unwrap();
    line.send(&apdu(5_000)).await.unwrap();
    let mut answer = Vec::new();
    line.receive(&mut answer).await.unwrap();
    assert_eq!(answer, reversed(&apdu(5_000)));
    line.disconnect().await;
}

#[tokio::test(start_paused = true)]
async fn links_of_many_pairs_share_a_stream_and_do_not_mix() {
    let (mut stream, serving) = meter(HdlcServerConfig::default(), ReversingMeter::default());
    // 16 to 1 and 16 to 17 connect; only the first releases, then the stream ends.
    exchange(&mut stream, "7EA0070321930F017E", "7EA007210373 0140 7E").await;
    exchange(&mut stream, &frame_text(&[0x23], 0x93), &with_check(vec![0x21, 0x23, 0x73])).await;
    exchange(&mut stream, &frame_text(&[0x03], 0x53), &answer_text(0x73)).await;
    exchange(&mut stream, &frame_text(&[0x23], 0x11), &with_check(vec![0x21, 0x23, 0x11])).await;
    drop(stream);
    let Served { ended, meter } = serving.await.unwrap();
    assert_eq!(ended, Ok(()));
    // Nothing was asked, so that there is no association to end.
    assert_eq!(meter.gone, []);
}

#[tokio::test(start_paused = true)]
async fn a_new_link_or_inactivity_ends_the_association() {
    let config = HdlcServerConfig {
        inactivity_timeout: Some(Duration::from_secs(30)),
        ..HdlcServerConfig::default()
    };
    let (stream, serving) = meter(config, ReversingMeter::default());
    let mut line =
        Line::hdlc_in_memory(stream, None, &LineConfig::default(), Trace::off()).unwrap();
    let mut answer = Vec::new();
    for _ in 0..2 {
        // The second SNRM comes without a DISC.
        line.connect().await.unwrap();
        line.send(&[0xC0]).await.unwrap();
        line.receive(&mut answer).await.unwrap();
    }
    // Longer than the meter keeps the link.
    assert!(timeout(Duration::from_secs(31), line.receive(&mut answer)).await.is_err());
    assert_eq!(line.send(&[0xC0]).await, Err(LineError::LinkLost));
    assert_eq!(line.send(&[0xC0]).await, Err(LineError::NotConnected));
    line.connect().await.unwrap();
    line.send(&[0xC0]).await.unwrap();
    line.receive(&mut answer).await.unwrap();
    drop(line);
    let Served { meter, .. } = serving.await.unwrap();
    assert_eq!(meter.gone, [(16, 1); 3]);
}

#[tokio::test(start_paused = true)]
async fn a_meter_that_thinks_for_longer_than_the_timeout_is_polled_and_waited_for() {
    let slow = ReversingMeter { thinks: Duration::from_secs(35), ..ReversingMeter::default() };
    let (stream, _serving) = meter(HdlcServerConfig::default(), slow);
    let mut line =
        Line::hdlc_in_memory(stream, None, &LineConfig::default(), Trace::off()).unwrap();
    line.connect().await.unwrap();
    let begun = Instant::now();
    line.send(&[0xC0, 0x01]).await.unwrap();
    let mut answer = Vec::new();
    line.receive(&mut answer).await.unwrap();
    assert_eq!(answer, [0x01, 0xC0]);
    assert!(begun.elapsed() >= Duration::from_secs(35));
}

#[tokio::test(start_paused = true)]
async fn a_meter_that_never_answers_is_given_up_when_the_polls_are_used_up() {
    let (stream, _serving) = meter(HdlcServerConfig::default(), ReversingMeter::default());
    let mut line =
        Line::hdlc_in_memory(stream, None, &LineConfig::default(), Trace::off()).unwrap();
    line.connect().await.unwrap();
    let begun = Instant::now();
    line.send(&UNANSWERED).await.unwrap();
    assert_eq!(line.receive(&mut Vec::new()).await, Err(LineError::NoProgress));
    assert!(begun.elapsed() <= LineConfig::default().patience() + Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_push_in_ui_frames_comes_out_before_the_answer_it_interrupts() {
    let (near, mut far) = duplex(PIPE);
    let config = LineConfig { timeout: Duration::from_secs(5), ..LineConfig::default() };
    let mut line = Line::hdlc_in_memory(near, None, &config, Trace::off()).unwrap();
    let meter = async {
        // SNRM; then an I-frame with one octet behind the LLC header.
        far.read_exact(&mut [0; 9]).await.unwrap();
        far.write_all(&octets("7EA007210373 0140 7E")).await.unwrap();
        far.read_exact(&mut [0; 15]).await.unwrap();
        for (control, segmented, information) in [
            (0x03, true, "E6E700 0F01"),
            (0x03, false, "0203"),
            // A second one without LLC header.
            (0x03, false, "E041"),
            (0x30, false, "E6E700 C401"),
        ] {
            let frame = hdlc::frame::Frame {
                destination: hdlc::address::Address::PUBLIC_CLIENT,
                source: hdlc::address::Address::MANAGEMENT,
                control: hdlc::control::Control::decode(control),
                segmented,
                information: &octets(information),
            };
            let mut out = [0; 64];
            let length = frame.encode(&mut out).unwrap();
            far.write_all(&out[..length]).await.unwrap();
        }
        far
    };
    let client = async {
        line.connect().await.unwrap();
        line.send(&[0xC0]).await.unwrap();
        let mut received = Vec::new();
        for expected in ["0F010203", "E041", "C401"] {
            line.receive(&mut received).await.unwrap();
            assert_eq!(received, octets(expected));
        }
    };
    tokio::join!(client, meter);
}

#[test]
fn saps_that_do_not_fit_an_hdlc_address_are_refused_before_anything_is_sent() {
    let base = LineConfig::default();
    for (config, error) in [
        (LineConfig { client: 128, ..base.clone() }, LineError::BadSap),
        (LineConfig { server_upper: 128, ..base.clone() }, LineError::BadSap),
        (
            LineConfig { server_upper: 0x4000, server_lower: Some(16), ..base.clone() },
            LineError::BadSap,
        ),
        (LineConfig { address_bytes: Some(AddressLength::Two), ..base.clone() }, LineError::BadSap),
        (
            LineConfig {
                address_bytes: Some(AddressLength::One),
                server_lower: Some(16),
                ..base.clone()
            },
            LineError::BadSap,
        ),
        (LineConfig { hdlc_info: 0, ..base.clone() }, LineError::BadParameters),
        (LineConfig { hdlc_info: 2_031, ..base.clone() }, LineError::BadParameters),
        (LineConfig { window: 8, ..base.clone() }, LineError::BadParameters),
    ] {
        let (near, _far) = duplex(PIPE);
        let refused = Line::hdlc_in_memory(near, None, &config, Trace::off());
        assert_eq!(refused.err(), Some(error), "{config:?}");
    }
}
