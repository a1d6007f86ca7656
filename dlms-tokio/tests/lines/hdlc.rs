//! HDLC: what goes over the line, octet by octet, and APDUs of all lengths through it.

use core::time::Duration;

use dlms_tokio::{
    Address, HdlcServerConfig, Line, LineConfig, LineError, Phase, Trace, serve_hdlc,
};
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
        // Nobody, everybody, and what does not fit.
        (LineConfig { client: 0, ..base.clone() }, LineError::BadSap),
        (LineConfig { client: 127, ..base.clone() }, LineError::BadSap),
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

// --- What a server bears with ---

/// An information frame or UI from client 16, with the LLC header of a command.
fn frame_with(server: &[u8], control: u8, apdu: &[u8]) -> Vec<u8> {
    frame_from(0x21, server, control, false, &[&[0xE6, 0xE6, 0x00], apdu].concat())
}

fn frame_from(
    client: u8,
    server: &[u8],
    control: u8,
    segmented: bool,
    information: &[u8],
) -> Vec<u8> {
    let (destination, _) = hdlc::address::Address::decode(server).unwrap().unwrap();
    let (source, _) = hdlc::address::Address::decode(&[client]).unwrap().unwrap();
    let frame = hdlc::frame::Frame {
        destination,
        source,
        control: hdlc::control::Control::decode(control),
        segmented,
        information,
    };
    let mut out = [0; hdlc::frame::FRAME_LEN_MAX];
    let length = frame.encode(&mut out).unwrap();
    out[..length].to_vec()
}

/// The meter after its stream has brought `sent` and ended; whatever it answers is not looked at.
async fn told(sent: &[Vec<u8>]) -> ReversingMeter {
    let (stream, serving) = meter(HdlcServerConfig::default(), ReversingMeter::default());
    let (mut answers, mut stream) = tokio::io::split(stream);
    tokio::spawn(async move { answers.read_to_end(&mut Vec::new()).await });
    for frame in sent {
        stream.write_all(frame).await.unwrap();
    }
    stream.shutdown().await.unwrap();
    serving.await.unwrap().meter
}

const UI: u8 = 0x03;
const SNRM_ONE: &str = "7EA0070321930F017E";
const UA_ONE: &str = "7EA007210373 0140 7E";

#[tokio::test(start_paused = true)]
async fn a_broadcast_is_told_once_with_and_without_links() {
    // To all logical devices in one octet, in two; to logical device 1 of all meters.
    for (server, logical_device) in
        [(&[0xFF][..], None), (&[0xFE, 0xFF], None), (&[0x02, 0xFF], Some(1))]
    {
        let broadcast = frame_with(server, UI, &[0xC1, 0x01, 0x01]);
        let expected = [(16, logical_device, vec![0xC1, 0x01, 0x01])];
        let meter = told(core::slice::from_ref(&broadcast)).await;
        assert_eq!((meter.told.as_slice(), meter.asked.len()), (&expected[..], 0));
        // With two links to logical device 1 and 17.
        let links = [octets(SNRM_ONE), octets(&frame_text(&[0x23], 0x93)), broadcast];
        assert_eq!(told(&links).await.told, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_segmented_broadcast_is_put_together_beside_other_frames() {
    let to_all =
        |segmented, information: &[u8]| frame_from(0x21, &[0xFE, 0xFF], UI, segmented, information);
    let meter = told(&[
        to_all(true, &[0xE6, 0xE6, 0x00, 0xC1]),
        frame_with(&[0x03], UI, &[0xC3]),
        frame_from(0x23, &[0xFE, 0xFF], UI, false, &[0xE6, 0xE6, 0x00, 0xC5]),
        to_all(false, &[0x01, 0x02]),
    ])
    .await;
    let expected =
        [(16, Some(1), vec![0xC3]), (17, None, vec![0xC5]), (16, None, vec![0xC1, 0x01, 0x02])];
    assert_eq!(meter.told, expected);
}

#[tokio::test(start_paused = true)]
async fn what_comes_in_a_ui_frame_is_never_asked() {
    let meter = told(&[
        octets(SNRM_ONE),
        frame_with(&[0x03], UI, &[0xC1, 0x01, 0xC1]),
        frame_with(&[0x02, 0x23], UI, &[0xC1, 0x02, 0xC1]),
    ])
    .await;
    assert_eq!(meter.asked, []);
    let expected = [(16, Some(1), vec![0xC1, 0x01, 0xC1]), (16, Some(1), vec![0xC1, 0x02, 0xC1])];
    assert_eq!(meter.told, expected);
}

#[tokio::test(start_paused = true)]
async fn frames_without_a_link_take_no_place() {
    let (mut stream, _serving) = meter(HdlcServerConfig::default(), ReversingMeter::default());
    // RR with P = 0, and UI, to logical device 1 of 5,000 physical devices: no answer.
    for lower in 0..5_000_u16 {
        let server = hdlc::address::Address::try_four(1, 0x10 + lower).unwrap().encode();
        stream.write_all(&frame_from(0x21, &server, 0x01, false, &[])).await.unwrap();
        stream.write_all(&frame_with(&server, UI, &[0xC0])).await.unwrap();
    }
    exchange(&mut stream, SNRM_ONE, UA_ONE).await;
}

#[tokio::test(start_paused = true)]
async fn without_a_link_a_frame_leaves_nothing_behind() {
    let (mut stream, _serving) = meter(HdlcServerConfig::default(), ReversingMeter::default());
    // RR to the same logical device in one and in two octets: DM in the same form.
    for _ in 0..2 {
        exchange(&mut stream, &frame_text(&[0x03], 0x11), &answer_text(0x1F)).await;
        let two = with_check(vec![0x21, 0x02, 0x23, 0x1F]);
        exchange(&mut stream, &frame_text(&[0x02, 0x23], 0x11), &two).await;
    }
}

#[tokio::test(start_paused = true)]
async fn connecting_under_another_address_form_replaces_the_link() {
    let (mut stream, serving) = meter(HdlcServerConfig::default(), ReversingMeter::default());
    exchange(&mut stream, SNRM_ONE, UA_ONE).await;
    let request = "7EA00E032110 HHHH E6E600C001 FFFF 7E";
    exchange(&mut stream, &checked(request), &checked("7EA00E210330 HHHH E6E70001C0 FFFF 7E"))
        .await;
    exchange(&mut stream, SNRM_TWO, UA_TWO).await;
    // The link of the other form is no more.
    silence(&mut stream, &frame_text(&[0x03], 0x11)).await;
    exchange(&mut stream, &frame_text(&[0x02, 0x23], 0x11), &with_check(vec![0x21, 2, 0x23, 0x11]))
        .await;
    drop(stream);
    assert_eq!(serving.await.unwrap().meter.gone, [(16, 1)]);
}

#[tokio::test(start_paused = true)]
async fn nobody_and_everybody_are_no_clients() {
    for client in [0x01, 0xFF] {
        let (mut stream, _serving) = meter(HdlcServerConfig::default(), ReversingMeter::default());
        silence(&mut stream, &with_check(vec![0x03, client, 0x93])).await;
    }
}

#[tokio::test]
async fn a_physical_device_out_of_range_is_refused() {
    for physical in [0, 15, 0x3FFE, 0x3FFF, 0x4000] {
        let config = HdlcServerConfig { physical: Some(physical), ..HdlcServerConfig::default() };
        let (_stream, serving) = meter(config, ReversingMeter::default());
        assert_eq!(serving.await.unwrap().ended, Err(LineError::BadSap), "{physical}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_gives_up_frames_that_stopped_and_hears_the_next() {
    let (mut stream, _serving) = meter(HdlcServerConfig::default(), ReversingMeter::default());
    // Two heads of frames with an information field that never comes.
    let head = &frame_with(&[0x03], 0x10, &[0; 1_000])[..8];
    stream.write_all(&[head, head].concat()).await.unwrap();
    crate::meter::pass(Duration::from_secs(3)).await;
    exchange(&mut stream, SNRM_ONE, UA_ONE).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_frames_is_hung_up_on_whatever_else_it_brings() {
    for noise in [&[][..], &[0x55], &octets(SNRM_TWO)[..5]] {
        let (mut stream, serving) = meter(HdlcServerConfig::default(), ReversingMeter::default());
        let begun = Instant::now();
        exchange(&mut stream, SNRM_ONE, UA_ONE).await;
        let noise = noise.to_vec();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_secs(10));
            loop {
                ticks.tick().await;
                if stream.write_all(&noise).await.is_err() {
                    return;
                }
            }
        });
        let ended = serving.await.unwrap().ended;
        assert_eq!(ended, Err(LineError::Timeout { phase: Phase::Receiving }));
        assert_eq!(begun.elapsed().as_secs(), 180);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_longer_than_a_server_takes_is_passed_over() {
    let config = HdlcServerConfig { apdu_len_max: 200, ..HdlcServerConfig::default() };
    let (stream, serving) = meter(config, ReversingMeter::default());
    let line_config = LineConfig { retries: 0, ..LineConfig::default() };
    let mut line = Line::hdlc_in_memory(stream, None, &line_config, Trace::off()).unwrap();
    line.connect().await.unwrap();
    line.send(&apdu(1_000)).await.unwrap();
    assert!(line.receive(&mut Vec::new()).await.is_err());
    line.connect().await.unwrap();
    line.send(&apdu(200)).await.unwrap();
    line.receive(&mut Vec::new()).await.unwrap();
    drop(line);
    assert_eq!(serving.await.unwrap().meter.asked, [(16, 1, apdu(200))]);
}

// --- What a line bears with ---

/// A meter that accepts the link and answers each command with an I-frame that says that more
/// follow, for ever.
fn endless_meter(mut stream: DuplexStream, information: &'static [u8]) {
    tokio::spawn(async move {
        let mut command = [0; 2_048];
        let mut ns = 0;
        while stream.read(&mut command).await.is_ok_and(|octets| octets > 0) {
            crate::meter::pass(Duration::from_millis(10)).await;
            let answer = match command[5] {
                0x93 => octets(UA_ONE),
                _ => {
                    let control = 0x30 | ns << 1;
                    ns = (ns + 1) & 7;
                    answer_with(control, true, information)
                }
            };
            if stream.write_all(&answer).await.is_err() {
                return;
            }
        }
    });
}

/// A frame from server 1 to client 16.
fn answer_with(control: u8, segmented: bool, information: &[u8]) -> Vec<u8> {
    let frame = hdlc::frame::Frame {
        destination: hdlc::address::Address::PUBLIC_CLIENT,
        source: hdlc::address::Address::MANAGEMENT,
        control: hdlc::control::Control::decode(control),
        segmented,
        information,
    };
    let mut out = [0; hdlc::frame::FRAME_LEN_MAX];
    let length = frame.encode(&mut out).unwrap();
    out[..length].to_vec()
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_end_is_too_long_and_what_follows_does_not_hold_the_line() {
    for (information, error) in [
        (&[0x55; 100][..], LineError::TooLong { limit: 1_024 }),
        // Segments with nothing in them never reach the limit, and are no progress either.
        (&[], LineError::Timeout { phase: Phase::Polling }),
    ] {
        let (client, far) = duplex(PIPE);
        endless_meter(far, information);
        let config = LineConfig { apdu_len_max: 1_024, ..LineConfig::default() };
        let mut line = Line::hdlc_in_memory(client, None, &config, Trace::off()).unwrap();
        line.connect().await.unwrap();
        line.send(&[0xC0]).await.unwrap();
        let bound = config.patience() + Duration::from_secs(2);
        let received = timeout(bound, line.receive(&mut Vec::new())).await.unwrap();
        assert_eq!(received, Err(error));
        // Nobody waits for the rest, but the next request does, no longer than for an answer.
        line.waive();
        let sent = timeout(bound, line.send(&[0xC0])).await.unwrap();
        assert_eq!(sent, Err(LineError::Timeout { phase: Phase::Polling }));
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_left_alone_takes_the_answer_that_came_before_it_looks_at_the_clock() {
    let (near, mut far) = duplex(PIPE);
    let mut line = Line::hdlc_in_memory(near, None, &LineConfig::default(), Trace::off()).unwrap();
    let meter = async {
        far.read_exact(&mut [0; 9]).await.unwrap();
        far.write_all(&octets(UA_ONE)).await.unwrap();
        far.read_exact(&mut [0; 15]).await.unwrap();
        // RR F, and in the client's next turn the answer.
        far.write_all(&octets(&with_check(vec![0x21, 0x03, 0x31]))).await.unwrap();
        far.read_exact(&mut [0; 9]).await.unwrap();
    };
    let talking = async {
        line.connect().await.unwrap();
        line.send(&[0xC0]).await.unwrap();
        // Dropped as soon as the poll is out.
        let early = timeout(Duration::from_millis(1), line.receive(&mut Vec::new())).await;
        assert!(early.is_err());
    };
    tokio::join!(talking, meter);
    far.write_all(&answer_with(0x30, false, &[0xE6, 0xE7, 0x00, 0xC4])).await.unwrap();
    crate::meter::pass(Duration::from_secs(3_600)).await;
    let mut answer = Vec::new();
    line.receive(&mut answer).await.unwrap();
    assert_eq!(answer, [0xC4]);
    assert_eq!(line.counters().timeouts, 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_behind_the_heads_of_frames_that_never_were_is_found_when_the_gap_is_over() {
    let (near, mut far) = duplex(PIPE);
    let mut line = Line::hdlc_in_memory(near, None, &LineConfig::default(), Trace::off()).unwrap();
    let meter = async {
        far.read_exact(&mut [0; 9]).await.unwrap();
        far.write_all(&octets(UA_ONE)).await.unwrap();
        far.read_exact(&mut [0; 15]).await.unwrap();
        // Two heads of frames with an information field that never comes.
        let head = &answer_with(0x30, false, &[0; 1_000])[..8];
        far.write_all(&[head, head].concat()).await.unwrap();
        far.write_all(&answer_with(0x30, false, &[0xE6, 0xE7, 0x00, 0xC4])).await.unwrap();
    };
    let talking = async {
        line.connect().await.unwrap();
        let begun = Instant::now();
        line.send(&[0xC0]).await.unwrap();
        let mut answer = Vec::new();
        line.receive(&mut answer).await.unwrap();
        assert_eq!(answer, [0xC4]);
        assert_eq!(begun.elapsed(), LineConfig::default().inter_octet_timeout);
    };
    tokio::join!(talking, meter);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_may_be_up_at_the_meter_is_released_with_one_disc() {
    let (near, mut far) = duplex(PIPE);
    let mut line = Line::hdlc_in_memory(near, None, &LineConfig::default(), Trace::off()).unwrap();
    // Never called: nothing to release.
    line.disconnect().await;
    // Dropped while it waits for UA, which is lost.
    assert!(timeout(Duration::from_secs(1), line.connect()).await.is_err());
    let begun = Instant::now();
    line.disconnect().await;
    line.disconnect().await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(line.send(&[0xC0]).await, Err(LineError::NotConnected));
    drop(line);
    let mut sent = Vec::new();
    far.read_to_end(&mut sent).await.unwrap();
    assert_eq!(sent, octets(&[SNRM_ONE, &frame_text(&[0x03], 0x53)].concat()));
}

#[tokio::test(start_paused = true)]
async fn the_response_timeout_begins_when_the_last_octet_has_left() {
    // A pipe that holds 16 octets, read at 100 octets a second: 3 frames of 100 take 3 s.
    let (near, mut far) = duplex(16);
    let config = LineConfig { timeout: Duration::from_secs(2), ..proposing(100, 3) };
    let mut line = Line::hdlc_in_memory(near, None, &config, Trace::off()).unwrap();
    let (mut near_meter, far_meter) = duplex(PIPE);
    let granted = granting(100, 3);
    tokio::spawn(
        async move { serve_hdlc(far_meter, &mut ReversingMeter::default(), &granted).await },
    );
    tokio::spawn(async move {
        let (mut octet, mut answer) = ([0], [0; 512]);
        loop {
            tokio::select! {
                biased;
                read = near_meter.read(&mut answer) => {
                    far.write_all(&answer[..read.unwrap()]).await.unwrap();
                }
                read = far.read(&mut octet) => {
                    if read.unwrap() == 0 {
                        return;
                    }
                    crate::meter::pass(Duration::from_millis(10)).await;
                    near_meter.write_all(&octet).await.unwrap();
                }
            }
        }
    });
    line.connect().await.unwrap();
    line.send(&apdu(290)).await.unwrap();
    line.receive(&mut Vec::new()).await.unwrap();
    assert_eq!(line.counters().timeouts, 0);
}

#[tokio::test(start_paused = true)]
async fn without_a_link_everything_goes_in_ui_frames_and_nothing_comes() {
    let (near, mut far) = duplex(PIPE);
    let config = LineConfig {
        server_upper: 0x7f,
        server_lower: Some(0x7f),
        unnumbered: true,
        hdlc_info: 8,
        ..LineConfig::default()
    };
    let mut line = Line::hdlc_in_memory(near, None, &config, Trace::off()).unwrap();
    line.connect().await.unwrap();
    line.send_unanswered(&[0xc1, 1, 2, 3, 4, 5, 6, 7, 8]).await.unwrap();
    // To all stations in two octets (FE FF), from client 16 (21): UI with P = 0, eight octets and
    // more to come; then the other four.
    let frames = [
        octets("7E A812 FEFF 21 03"),
        octets("E6E600 C101020304"),
        octets("7E A00E FEFF 21 03"),
        octets("05060708"),
    ];
    let mut sent = vec![0; 20 + 16];
    far.read_exact(&mut sent).await.unwrap();
    assert_eq!(sent[..7], frames[0]);
    assert_eq!(sent[9..17], frames[1]);
    assert_eq!(sent[20..27], frames[2]);
    assert_eq!(sent[29..33], frames[3]);
    let waiting = timeout(Duration::from_secs(3_600), line.receive(&mut Vec::new())).await;
    assert!(waiting.is_err(), "{waiting:?}");
    // There is nothing to disconnect.
    line.disconnect().await;
    drop(line);
    assert_eq!(far.read(&mut [0; 1]).await.unwrap(), 0);
    let meter = told(&[sent]).await;
    assert_eq!(meter.told, [(16, None, vec![0xc1, 1, 2, 3, 4, 5, 6, 7, 8])]);
}
