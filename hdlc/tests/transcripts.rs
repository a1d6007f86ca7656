//! Conversations on the line, octet by octet: what a link sends for what it hears.
//!
//! The client is 0x10 (`21` on the wire), the server 0x01 (`03`), unless said otherwise.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use core::time::Duration;

use hdlc::{
    address::Address,
    control::{Control, FrameReject, Sequence},
    deframer::{Deframer, OnError},
    frame::FRAME_LEN_MAX,
    link::{Closed, Failure, Link, LinkConfig, LinkEvent, Misuse},
    parameters::{InformationLength, Parameters, WindowSize},
};
use sans_io_time::Instant;

/// One end of a conversation under test, with the clock and the buffers of its owner.
struct End {
    link: Link,
    now: Instant,
    pdu: Vec<u8>,
}

/// What a frame brought: the octets in hexadecimal, whether they open and end a PDU.
#[derive(Debug, PartialEq)]
enum Heard {
    Nothing,
    Numbered(String, First, Last),
    Unnumbered(String, First, Last),
}
use Heard::{Nothing, Numbered, Unnumbered};

#[derive(Debug, PartialEq)]
struct First(bool);

#[derive(Debug, PartialEq)]
struct Last(bool);

impl End {
    fn new(config: LinkConfig) -> Self {
        Self { link: Link::new(config), now: Instant::ZERO, pdu: Vec::new() }
    }

    fn client() -> Self {
        Self::new(LinkConfig::client(Address::PUBLIC_CLIENT, Address::MANAGEMENT))
    }

    fn server() -> Self {
        Self::new(LinkConfig::server(Address::MANAGEMENT, Address::PUBLIC_CLIENT))
    }

    /// Everything that goes out now.
    #[track_caller]
    fn sends<const N: usize>(&mut self, expected: [&str; N]) {
        let mut out = [0; FRAME_LEN_MAX];
        let mut sent = Vec::new();
        while let Some(written) = self.link.poll_transmit(self.now, &self.pdu, &mut out) {
            sent.push(to_hex(&out[..written]));
        }
        assert_eq!(sent, expected);
    }

    /// One frame comes in.
    #[track_caller]
    fn hears(&mut self, octets: &str) -> Heard {
        let octets = from_hex(octets);
        let mut deframer = Deframer::new(OnError::Report);
        let frame = deframer.next_frame(&octets).expect("a whole frame").expect("a good frame");
        match self.link.handle_frame(self.now, &frame) {
            None => Nothing,
            Some(segment) => {
                let octets = to_hex(segment.octets);
                let (first, last) = (First(segment.first), Last(segment.last));
                match segment.unnumbered {
                    false => Numbered(octets, first, last),
                    true => Unnumbered(octets, first, last),
                }
            }
        }
    }

    #[track_caller]
    fn tells<const N: usize>(&mut self, expected: [LinkEvent; N]) {
        let events: Vec<_> = core::iter::from_fn(|| self.link.poll_event()).collect();
        assert_eq!(events, expected);
    }

    fn send(&mut self, pdu: &str) {
        self.pdu = from_hex(pdu);
        self.link.send(self.pdu.len()).unwrap();
    }

    fn send_unnumbered(&mut self, pdu: &str) {
        self.pdu = from_hex(pdu);
        self.link.send_unnumbered(self.pdu.len()).unwrap();
    }

    /// Lets time pass until the link wants to know it.
    #[track_caller]
    fn waits(&mut self) {
        self.now = self.link.poll_timeout().expect("something to wait for");
        self.link.handle_timeout(self.now);
    }
}

fn from_hex(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|octet| u8::from_str_radix(octet, 16).unwrap()).collect()
}

fn to_hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().join(" ")
}

fn parameters(information: u16, window: u8) -> Parameters {
    Parameters::symmetric(
        InformationLength::try_new(information).unwrap(),
        WindowSize::try_new(window).unwrap(),
    )
}

fn connected(parameters: Parameters) -> LinkEvent {
    LinkEvent::Connected { parameters }
}

const CONNECTED: LinkEvent = LinkEvent::Connected { parameters: Parameters::DEFAULT };
const SNRM: &str = "7E A0 07 03 21 93 0F 01 7E";
const UA: &str = "7E A0 07 21 03 73 01 40 7E";
const DISC: &str = "7E A0 07 03 21 53 03 C7 7E";
const DM: &str = "7E A0 07 21 03 1F 6B E9 7E";
/// RR, P = 1, N(R) = 0 and what a server without anything to say answers.
const RR_0_P: &str = "7E A0 07 03 21 11 15 A6 7E";
const RR_0_F: &str = "7E A0 07 21 03 11 15 00 7E";
const RR_1_F: &str = "7E A0 07 21 03 31 17 21 7E";

/// A client that is connected with `parameters`, as both ends propose them.
#[track_caller]
fn connected_client(parameters: Parameters) -> End {
    let mut client = End::client();
    client.link = Link::new(LinkConfig { parameters, ..*client.link.config() });
    client.link.connect().unwrap();
    let mut server = connected_server(parameters);
    let mut out = [0; FRAME_LEN_MAX];
    client.link.poll_transmit(client.now, &[], &mut out).expect("SNRM");
    let snrm = (parameters != Parameters::DEFAULT).then_some(parameters);
    client.hears(&ua_to(&mut server, snrm));
    client.tells([connected(parameters)]);
    client
}

/// A server that has been connected to with `parameters`.
#[track_caller]
fn connected_server(parameters: Parameters) -> End {
    let mut server = End::server();
    server.link = Link::new(LinkConfig { parameters, ..*server.link.config() });
    ua_to(&mut server, Some(parameters));
    server.tells([connected(parameters)]);
    server
}

/// What the server answers to SNRM with these parameters.
fn ua_to(server: &mut End, parameters: Option<Parameters>) -> String {
    let mut field = [0; Parameters::ENCODED_LEN_MAX];
    let frame = hdlc::frame::Frame {
        destination: Address::MANAGEMENT,
        source: Address::PUBLIC_CLIENT,
        control: Control::Snrm { pf: true },
        segmented: false,
        information: parameters.map_or(&[], |parameters| parameters.encode(&mut field)),
    };
    server.link.handle_frame(server.now, &frame);
    let mut out = [0; FRAME_LEN_MAX];
    let written = server.link.poll_transmit(server.now, &[], &mut out).expect("UA");
    to_hex(&out[..written])
}

// --- Connecting and disconnecting ---

#[test]
fn snrm_without_parameters_is_accepted_with_ua_without_parameters() {
    let mut client = End::client();
    client.link.connect().unwrap();
    client.sends([SNRM]);
    client.hears(UA);
    client.tells([CONNECTED]);

    let mut server = End::server();
    server.hears(SNRM);
    server.tells([CONNECTED]);
    server.sends([UA]);
}

#[test]
fn snrm_with_parameters_is_accepted_with_the_smaller_of_each() {
    let ours = parameters(1024, 3);
    let mut client = End::client();
    client.link = Link::new(LinkConfig { parameters: ours, ..*client.link.config() });
    client.link.connect().unwrap();
    let snrm = "7E A0 20 03 21 93 7D D9 81 80 14 05 02 04 00 06 02 04 00 07 \
            04 00 00 00 03 08 04 00 00 00 03 DB F7 7E";
    client.sends([snrm]);

    let mut server = End::server();
    server.link =
        Link::new(LinkConfig { parameters: parameters(2030, 1), ..*server.link.config() });
    server.hears(snrm);
    server.tells([connected(parameters(1024, 1))]);
    let ua = "7E A0 20 21 03 73 73 98 81 80 14 05 02 04 00 06 02 04 00 07 \
            04 00 00 00 01 08 04 00 00 00 01 72 E3 7E";
    server.sends([ua]);

    client.hears(ua);
    client.tells([connected(parameters(1024, 1))]);
    assert_eq!(client.link.parameters(), server.link.parameters());
}

/// The published example of the DLMS User Association: server 0001/0011 in four octets.
#[test]
fn ua_may_carry_the_default_parameters_that_snrm_did_not() {
    let server = Address::try_four(0x0001, 0x0011).unwrap();
    let mut client = End::new(LinkConfig::client(Address::PUBLIC_CLIENT, server));
    client.link.connect().unwrap();
    client.sends(["7E A0 0A 00 02 00 23 21 93 18 71 7E"]);
    client.hears(
        "7E A0 23 21 00 02 00 23 73 F6 C5 81 80 14 05 02 00 80 06 02 00 80 07 04 00 00 00 01 \
         08 04 00 00 00 01 CE 6A 7E",
    );
    client.tells([CONNECTED]);
}

#[test]
fn the_four_octet_address_of_the_standard_is_answered_in_four_octets() {
    let server = Address::try_four(0x1234, 0x3ffd).unwrap();
    let client = Address::try_one(0x3a).unwrap();
    let mut server = End::new(LinkConfig::server(server, client));
    // The lower address of the standard's example, 3FFF, is all-station: SNRM to it is ignored.
    server.hears("7E A0 0A 48 68 FE FF 75 93 D8 F8 7E");
    server.sends([]);
    server.hears("7E A0 0A 48 68 FE FB 75 93 B9 9B 7E");
    server.sends(["7E A0 0A 75 48 68 FE FB 73 1D 64 7E"]);
    server.tells([CONNECTED]);
}

#[test]
fn a_server_of_four_octets_called_in_two_answers_in_two() {
    let server = Address::try_four(0x0001, 0x0011).unwrap();
    let mut server = End::new(LinkConfig::server(server, Address::PUBLIC_CLIENT));
    server.hears("7E A0 08 02 23 21 93 BD 64 7E");
    server.sends(["7E A0 08 21 02 23 73 7A 43 7E"]);
}

#[test]
fn only_the_device_that_placed_the_call_answers_to_calling() {
    let config = LinkConfig::server(Address::try_two(0x01, 0x11).unwrap(), Address::PUBLIC_CLIENT);
    let to_calling = "7E A0 08 02 FD 21 93 A9 FB 7E";
    let mut server = End::new(config);
    server.hears(to_calling);
    server.sends([]);
    let mut server = End::new(LinkConfig { calling: true, ..config });
    server.hears(to_calling);
    let ua = "7E A0 08 21 02 23 73 7A 43 7E";
    server.sends([ua]);

    let calling = Address::try_two(0x01, 0x7e).unwrap();
    let mut client = End::new(LinkConfig::client(Address::PUBLIC_CLIENT, calling));
    client.link.connect().unwrap();
    client.sends([to_calling]);
    client.hears(ua);
    client.tells([CONNECTED]);
}

#[test]
fn snrm_is_repeated_on_silence_and_then_given_up() {
    let mut client = End::client();
    client.link.connect().unwrap();
    for second in [5, 10, 15, 20] {
        client.sends([SNRM]);
        client.waits();
        assert_eq!(client.now, Instant::from_nanos(second * 1_000_000_000));
    }
    client.sends([]);
    client.tells([LinkEvent::Failed(Failure::NoResponse)]);
    assert_eq!(client.link.poll_timeout(), None);
}

#[test]
fn dm_refuses_a_connection() {
    let mut client = End::client();
    client.link.connect().unwrap();
    client.sends([SNRM]);
    client.hears(DM);
    client.tells([LinkEvent::Refused]);
    assert!(!client.link.is_connected());
}

#[test]
fn a_parameter_that_the_standard_does_not_know_is_refused_with_dm() {
    let mut server = End::server();
    server.hears("7E A0 0F 03 21 93 D7 E4 81 80 03 09 01 05 09 FF 7E");
    server.sends([DM]);
    server.tells([]);
}

#[test]
fn a_frame_that_waits_for_the_line_does_not_shorten_the_response_timeout() {
    let mut client = End::client();
    client.link.connect().unwrap();
    let mut out = [0; FRAME_LEN_MAX];
    client.link.poll_transmit(client.now, &[], &mut out).unwrap();
    // The owner is back from writing three seconds later.
    client.now += Duration::from_secs(3);
    client.sends([]);
    assert_eq!(client.link.poll_timeout(), Some(Instant::from_nanos(8_000_000_000)));
}

#[test]
fn disc_is_answered_with_ua_and_without_a_connection_with_dm() {
    let mut client = connected_client(Parameters::DEFAULT);
    client.link.disconnect().unwrap();
    client.sends([DISC]);
    client.hears(UA);
    client.tells([LinkEvent::Disconnected { why: Closed::Requested }]);

    let mut server = connected_server(Parameters::DEFAULT);
    server.hears(DISC);
    server.sends([UA]);
    server.tells([LinkEvent::Disconnected { why: Closed::ByPeer }]);
    server.hears(DISC);
    server.sends([DM]);
    server.tells([]);

    client.link.disconnect().unwrap();
    client.sends([DISC]);
    client.hears(DM);
    client.tells([LinkEvent::Disconnected { why: Closed::Requested }]);
}

#[test]
fn snrm_to_a_connected_server_resets_the_numbering() {
    let mut server = connected_server(Parameters::DEFAULT);
    assert_eq!(
        server.hears("7E A0 0A 03 21 10 13 3C AA 9C CC 7E"),
        Numbered("AA".into(), First(true), Last(true))
    );
    server.send("BB");
    server.hears(SNRM);
    server.tells([CONNECTED]);
    server.sends([UA]);
    assert!(!server.link.is_sending());
    assert_eq!(
        server.hears("7E A0 0A 03 21 10 13 3C CC AC CA 7E"),
        Numbered("CC".into(), First(true), Last(true))
    );
}

#[test]
fn a_server_without_a_connection_answers_every_poll_with_dm() {
    for frame in ["7E A0 0A 03 21 10 13 3C AA 9C CC 7E", RR_0_P, DISC, "7E A0 07 03 21 BF 61 EA 7E"]
    {
        let mut server = End::server();
        assert_eq!(server.hears(frame), Nothing);
        server.sends([DM]);
    }
    // P = 0 does not hand over the turn.
    let mut server = End::server();
    server.hears("7E A0 0A 03 21 00 92 2C AA 9C CC 7E");
    server.sends([]);
}

#[test]
fn dm_to_a_connected_client_ends_the_connection() {
    let mut client = connected_client(Parameters::DEFAULT);
    client.send("AA");
    client.sends(["7E A0 0A 03 21 10 13 3C AA 9C CC 7E"]);
    client.hears(DM);
    client.tells([LinkEvent::Disconnected { why: Closed::ByPeer }]);
}

#[test]
fn an_inactive_server_drops_the_connection_without_a_word() {
    let mut server = connected_server(Parameters::DEFAULT);
    server.now += Duration::from_secs(60);
    server.hears(RR_0_P);
    server.sends([RR_0_F]);
    server.waits();
    assert_eq!(server.now, Instant::from_nanos(180_000_000_000));
    server.sends([]);
    server.tells([LinkEvent::Disconnected { why: Closed::Inactivity }]);
    server.hears(RR_0_P);
    server.sends([DM]);
}

// --- Information ---

#[test]
fn a_request_and_its_answer_acknowledge_each_other() {
    let mut client = connected_client(Parameters::DEFAULT);
    let mut server = connected_server(Parameters::DEFAULT);

    client.send("E6 E6 00 C0 01");
    let request = "7E A0 0E 03 21 10 FF 4E E6 E6 00 C0 01 3D B8 7E";
    client.sends([request]);
    assert_eq!(server.hears(request), Numbered("E6 E6 00 C0 01".into(), First(true), Last(true)));
    // The server keeps its turn until the application has answered.
    server.sends([]);
    server.send("E6 E7 00 C4 01");
    let response = "7E A0 0E 21 03 30 FD C9 E6 E7 00 C4 01 E6 C3 7E";
    server.sends([response]);
    assert_eq!(client.hears(response), Numbered("E6 E7 00 C4 01".into(), First(true), Last(true)));
    client.tells([LinkEvent::Sent]);
    client.sends([]);
    assert_eq!(client.link.poll_timeout(), None);

    client.send("E6 E6 00 C0 02");
    let request = "7E A0 0E 03 21 32 EF 4C E6 E6 00 C0 02 A6 8A 7E";
    client.sends([request]);
    server.tells([]);
    server.hears(request);
    server.tells([LinkEvent::Sent]);
}

#[test]
fn a_long_pdu_is_cut_and_every_segment_acknowledged_with_rr() {
    // Fields of four octets, window 1.
    let mut client = connected_client(parameters(4, 1));
    let mut server = connected_server(parameters(4, 1));

    client.send("E6 E6 00 01 02 03 04 05 06");
    for (segment, heard, acknowledge) in [
        (
            "7E A8 0D 03 21 10 12 31 E6 E6 00 01 6E C6 7E",
            Numbered("E6 E6 00 01".into(), First(true), Last(false)),
            RR_1_F,
        ),
        (
            "7E A8 0D 03 21 12 00 12 02 03 04 05 50 11 7E",
            Numbered("02 03 04 05".into(), First(false), Last(false)),
            "7E A0 07 21 03 51 11 42 7E",
        ),
    ] {
        client.sends([segment]);
        assert_eq!(server.hears(segment), heard);
        server.sends([acknowledge]);
        assert_eq!(client.hears(acknowledge), Nothing);
    }
    let last = "7E A0 0A 03 21 14 37 7A 06 FA A3 7E";
    client.sends([last]);
    assert_eq!(server.hears(last), Numbered("06".into(), First(false), Last(true)));
    server.sends([]);

    server.send("E6 E7 00 11 22 33");
    let first = "7E A8 0D 21 03 70 14 F4 E6 E7 00 11 33 8C 7E";
    server.sends([first]);
    assert_eq!(client.hears(first), Numbered("E6 E7 00 11".into(), First(true), Last(false)));
    client.tells([LinkEvent::Sent]);
    let acknowledge = "7E A0 07 03 21 31 17 87 7E";
    client.sends([acknowledge]);
    server.hears(acknowledge);
    let last = "7E A0 0B 21 03 72 BC C6 22 33 45 EF 7E";
    server.sends([last]);
    assert_eq!(client.hears(last), Numbered("22 33".into(), First(false), Last(true)));
    client.sends([]);
}

#[test]
fn with_window_3_only_the_last_frame_of_a_turn_polls() {
    let mut client = connected_client(parameters(2, 3));
    let mut server = connected_server(parameters(2, 3));

    client.send("01 02 03 04 05 06 07 08");
    let turn = [
        "7E A8 0B 03 21 00 09 6A 01 02 14 C6 7E",
        "7E A8 0B 03 21 02 1B 49 03 04 92 90 7E",
        "7E A8 0B 03 21 14 AC 3C 05 06 50 E7 7E",
    ];
    client.sends(turn);
    for frame in turn {
        server.hears(frame);
    }
    let acknowledge = "7E A0 07 21 03 71 13 63 7E";
    server.sends([acknowledge]);
    client.hears(acknowledge);
    let last = "7E A0 0B 03 21 16 9E 45 07 08 9E 3D 7E";
    client.sends([last]);
    assert_eq!(server.hears(last), Numbered("07 08".into(), First(false), Last(true)));

    server.send("11 22 33 44 55");
    let turn = [
        "7E A8 0B 21 03 80 01 48 11 22 87 72 7E",
        "7E A8 0B 21 03 82 13 6B 33 44 34 64 7E",
        "7E A0 0A 21 03 94 3F 58 55 E4 C3 7E",
    ];
    server.sends(turn);
    for frame in turn {
        assert_ne!(client.hears(frame), Nothing);
    }
    client.tells([LinkEvent::Sent]);
}

#[test]
fn a_server_without_an_answer_yet_answers_a_poll_with_rr_and_is_polled_again() {
    let mut client = connected_client(Parameters::DEFAULT);
    let mut server = connected_server(Parameters::DEFAULT);
    client.send("AA");
    let request = "7E A0 0A 03 21 10 13 3C AA 9C CC 7E";
    client.sends([request]);
    server.hears(request);
    server.sends([]);

    client.waits();
    client.sends([RR_0_P]);
    server.hears(RR_0_P);
    server.sends([RR_1_F]);
    // The request is acknowledged: that is progress, and the client asks again at once.
    client.hears(RR_1_F);
    client.tells([LinkEvent::Sent]);
    client.sends([RR_0_P]);
    server.hears(RR_0_P);
    server.sends([RR_1_F]);
    // Nothing new: it asks again when the response timeout has passed.
    client.hears(RR_1_F);
    client.sends([]);
    server.send("BB");
    server.sends([]);
    client.waits();
    client.sends([RR_0_P]);
    server.hears(RR_0_P);
    let response = "7E A0 0A 21 03 30 11 BB BB 94 CD 7E";
    server.sends([response]);
    assert_eq!(client.hears(response), Numbered("BB".into(), First(true), Last(true)));
}

#[test]
fn a_server_that_is_never_ready_ends_in_no_progress() {
    let mut client = connected_client(Parameters::DEFAULT);
    client.send("AA");
    client.sends(["7E A0 0A 03 21 10 13 3C AA 9C CC 7E"]);
    client.hears(RR_1_F);
    client.tells([LinkEvent::Sent]);
    for _ in 0..4 {
        client.sends([RR_0_P]);
        client.hears(RR_1_F);
        client.sends([]);
        client.waits();
    }
    client.sends([]);
    client.tells([LinkEvent::Failed(Failure::NoProgress)]);
    assert_eq!(client.now, Instant::from_nanos(20_000_000_000));
}

#[test]
fn a_service_without_a_response_hands_the_turn_back_with_rr() {
    let mut server = connected_server(Parameters::DEFAULT);
    server.hears("7E A0 0A 03 21 10 13 3C AA 9C CC 7E");
    server.sends([]);
    server.link.pass().unwrap();
    server.sends([RR_1_F]);
}

#[test]
fn a_client_that_waits_for_no_response_has_the_turn_at_once() {
    let mut client = connected_client(Parameters::DEFAULT);
    assert_eq!(End::client().link.waive(), Err(Misuse::NotConnected));
    for (request, acknowledged) in [
        ("7E A0 0A 03 21 10 13 3C AA 9C CC 7E", "7E A0 07 21 03 31 17 21 7E"),
        ("7E A0 0A 03 21 12 01 1F AA 9C CC 7E", "7E A0 07 21 03 51 11 42 7E"),
    ] {
        client.send("AA");
        client.sends([request]);
        assert_eq!(client.link.waive(), Err(Misuse::Busy));
        client.hears(acknowledged);
        client.tells([LinkEvent::Sent]);
        client.link.waive().unwrap();
        client.sends([]);
        assert_eq!(client.link.poll_timeout(), None);
    }
}

#[test]
fn a_client_that_gives_up_waiting_after_a_poll_that_brought_nothing_has_the_turn() {
    let mut client = connected_client(Parameters::DEFAULT);
    client.send("AA");
    client.sends(["7E A0 0A 03 21 10 13 3C AA 9C CC 7E"]);
    client.hears(RR_1_F);
    client.sends([RR_0_P]);
    // It is polled, and has still nothing.
    client.hears(RR_1_F);
    client.sends([]);
    client.link.waive().unwrap();
    client.send("AA");
    client.sends(["7E A0 0A 03 21 12 01 1F AA 9C CC 7E"]);
}

#[test]
fn one_more_pdu_is_asked_for_with_rr() {
    let mut client = connected_client(Parameters::DEFAULT);
    client.send("AA");
    client.sends(["7E A0 0A 03 21 10 13 3C AA 9C CC 7E"]);
    client.hears("7E A0 0A 21 03 30 11 BB 01 45 D7 7E");
    client.link.expect().unwrap();
    client.sends(["7E A0 07 03 21 31 17 87 7E"]);
    assert_eq!(
        client.hears("7E A0 0A 21 03 32 03 98 02 DE E5 7E"),
        Numbered("02".into(), First(true), Last(true))
    );
    client.sends([]);
}

// --- Recovery ---

#[test]
fn a_lost_request_is_sent_again_only_after_a_poll_has_shown_that_it_was_lost() {
    let mut client = connected_client(Parameters::DEFAULT);
    let mut server = connected_server(Parameters::DEFAULT);
    client.send("AA");
    let request = "7E A0 0A 03 21 10 13 3C AA 9C CC 7E";
    client.sends([request]);
    client.waits();
    client.sends([RR_0_P]);
    server.hears(RR_0_P);
    server.sends([RR_0_F]);
    client.hears(RR_0_F);
    client.sends([request]);
    assert_eq!(server.hears(request), Numbered("AA".into(), First(true), Last(true)));
}

#[test]
fn a_lost_answer_is_brought_by_a_poll() {
    let mut client = connected_client(Parameters::DEFAULT);
    let mut server = connected_server(Parameters::DEFAULT);
    client.send("AA");
    let request = "7E A0 0A 03 21 10 13 3C AA 9C CC 7E";
    client.sends([request]);
    server.hears(request);
    server.send("BB");
    let response = "7E A0 0A 21 03 30 11 BB BB 94 CD 7E";
    server.sends([response]);
    client.waits();
    client.sends([RR_0_P]);
    server.hears(RR_0_P);
    server.sends([response]);
    assert_eq!(client.hears(response), Numbered("BB".into(), First(true), Last(true)));
    client.tells([LinkEvent::Sent]);
    client.sends([]);
}

#[test]
fn an_answer_that_comes_twice_is_delivered_once() {
    let mut client = connected_client(Parameters::DEFAULT);
    client.send("AA");
    client.sends(["7E A0 0A 03 21 10 13 3C AA 9C CC 7E"]);
    client.waits();
    client.sends([RR_0_P]);
    let response = "7E A0 0A 21 03 30 11 BB BB 94 CD 7E";
    assert_eq!(client.hears(response), Numbered("BB".into(), First(true), Last(true)));
    client.send("CC");
    client.sends(["7E A0 0A 03 21 32 03 3E CC AC CA 7E"]);
    // The answer to the poll comes late and brings nothing new: it hands over no turn.
    assert_eq!(client.hears(response), Nothing);
    client.sends([]);
    assert_eq!(
        client.hears("7E A0 0A 21 03 52 05 FB DD A4 CB 7E"),
        Numbered("DD".into(), First(true), Last(true))
    );
    client.tells([LinkEvent::Sent, LinkEvent::Sent]);
}

/// The answer to a poll says that the request is lost; before it is sent again, a late frame says
/// that it is not.
#[test]
fn with_an_answer_due_and_nothing_to_send_the_client_asks_for_it() {
    let mut client = connected_client(Parameters::DEFAULT);
    client.send("AA");
    client.sends(["7E A0 0A 03 21 10 13 3C AA 9C CC 7E"]);
    let response = "7E A0 0A 21 03 30 11 BB BB 94 CD 7E";
    client.hears(response);
    client.send("CC");
    client.sends(["7E A0 0A 03 21 32 03 3E CC AC CA 7E"]);
    client.waits();
    let poll = "7E A0 07 03 21 31 17 87 7E";
    client.sends([poll]);
    assert_eq!(client.hears(response), Nothing);
    client.hears("7E A0 07 21 03 41 90 52 7E");
    client.tells([LinkEvent::Sent, LinkEvent::Sent]);
    client.sends([poll]);
}

#[test]
fn a_segment_lost_in_a_window_is_asked_for_by_rr() {
    let mut client = connected_client(parameters(2, 3));
    client.send("AA");
    client.sends(["7E A0 0A 03 21 10 13 3C AA 9C CC 7E"]);
    assert_ne!(client.hears("7E A8 0B 21 03 20 0B ED 01 02 14 C6 7E"), Nothing);
    // N(S) = 1 is lost.
    assert_eq!(client.hears("7E A0 0B 21 03 34 8E E1 05 06 50 E7 7E"), Nothing);
    client.sends(["7E A0 07 03 21 31 17 87 7E"]);
    assert_eq!(
        client.hears("7E A8 0B 21 03 22 19 CE 03 04 92 90 7E"),
        Numbered("03 04".into(), First(false), Last(false))
    );
    assert_eq!(
        client.hears("7E A0 0B 21 03 34 8E E1 05 06 50 E7 7E"),
        Numbered("05 06".into(), First(false), Last(true))
    );
}

#[test]
fn a_server_asks_for_what_is_missing_with_rr() {
    let mut server = connected_server(parameters(2, 3));
    assert_ne!(server.hears("7E A8 0B 03 21 00 09 6A 01 02 14 C6 7E"), Nothing);
    // N(S) = 1 is lost.
    assert_eq!(server.hears("7E A0 0B 03 21 14 8C 66 05 06 50 E7 7E"), Nothing);
    server.sends([RR_1_F]);
    // What came before is not taken twice, and what is asked for is.
    assert_eq!(server.hears("7E A8 0B 03 21 00 09 6A 01 02 14 C6 7E"), Nothing);
    assert_ne!(server.hears("7E A8 0B 03 21 02 1B 49 03 04 92 90 7E"), Nothing);
    assert_eq!(
        server.hears("7E A0 0B 03 21 14 8C 66 05 06 50 E7 7E"),
        Numbered("05 06".into(), First(false), Last(true))
    );
}

#[test]
fn rej_makes_the_client_send_again_from_its_nr() {
    let mut client = connected_client(parameters(2, 3));
    client.send("01 02 03 04 05 06");
    let second = "7E A8 0B 03 21 02 1B 49 03 04 92 90 7E";
    let third = "7E A0 0B 03 21 14 8C 66 05 06 50 E7 7E";
    client.sends(["7E A8 0B 03 21 00 09 6A 01 02 14 C6 7E", second, third]);
    client.hears("7E A0 07 21 03 39 5F AD 7E");
    client.sends([second, third]);
}

#[test]
fn rej_without_end_ends_in_no_progress() {
    let mut client = connected_client(Parameters::DEFAULT);
    client.send("AA");
    for _ in 0..4 {
        client.sends(["7E A0 0A 03 21 10 13 3C AA 9C CC 7E"]);
        client.hears("7E A0 07 21 03 19 5D 8C 7E");
    }
    client.sends([]);
    client.tells([LinkEvent::Failed(Failure::NoProgress)]);
}

/// A meter that takes every poll for leave to send its next segment cannot be recovered from a
/// lost one; what matters is that the client neither hangs nor takes a later segment for it.
#[test]
fn a_server_that_goes_on_after_a_lost_segment_is_told_rej_and_ends_in_no_progress() {
    let mut client = connected_client(parameters(2, 1));
    client.send("AA");
    client.sends(["7E A0 0A 03 21 10 13 3C AA 9C CC 7E"]);
    // I, N(S) = 0, is lost.
    client.waits();
    client.sends([RR_0_P]);
    let rej = "7E A0 07 03 21 19 5D 2A 7E";
    assert_eq!(client.hears("7E A8 0B 21 03 32 98 DE 03 04 92 90 7E"), Nothing);
    client.sends([rej]);
    client.tells([LinkEvent::Sent]);
    assert_eq!(client.hears("7E A8 0B 21 03 34 AE BB 05 06 50 E7 7E"), Nothing);
    client.sends([rej]);
    // That it acknowledges our request on the way is no progress: one poll and two REJ are three.
    assert_eq!(client.hears("7E A8 0B 21 03 36 BC 98 07 08 9E 3D 7E"), Nothing);
    client.sends([]);
    client.tells([LinkEvent::Failed(Failure::NoProgress)]);
}

#[test]
fn such_a_server_never_comes_round_to_the_awaited_number() {
    let config = LinkConfig { retries: u8::MAX, ..*End::client().link.config() };
    let mut client = End::new(config);
    client.link.connect().unwrap();
    client.sends([SNRM]);
    client.hears(UA);
    client.tells([CONNECTED]);
    client.send("AA");
    client.sends(["7E A0 0A 03 21 10 13 3C AA 9C CC 7E"]);
    // It sends N(S) = 0, then 1, 2 .. 7 for each poll, and all are lost.
    let mut commands = 1;
    let mut out = [0; FRAME_LEN_MAX];
    while client.link.is_connected() {
        client.waits();
        commands += i32::from(client.link.poll_transmit(client.now, &[], &mut out).is_some());
    }
    assert_eq!(commands, 8, "the ninth would bring N(S) = 0 again, with later octets");
}

/// The same meter, asked for twelve segments, while each set of its first ten answers is lost.
#[test]
fn whatever_such_a_server_loses_no_later_segment_is_taken_for_an_earlier_one() {
    for retries in [0, 3, 4, 7, u8::MAX] {
        for window in [1, 3, 7] {
            for lost in 0..1_u32 << 10 {
                for says_so_first in [false, true] {
                    let taken = ask_popping_server(retries, window, lost, says_so_first);
                    let expected: Vec<u8> = (0..12).take(taken.len()).collect();
                    assert_eq!(taken, expected, "{retries} {window} {lost:b} {says_so_first}");
                    assert!(lost != 0 || retries == 0 || taken.len() == 12);
                }
            }
        }
    }
}

/// What a client takes from a server that sends the next of twelve segments, one octet each, for
/// each command; those whose bit in `lost` is set are lost. With `says_so_first` it answers the
/// second command with RR, and so acknowledges the request while its first segment may be lost.
fn ask_popping_server(retries: u8, window: u8, lost: u32, says_so_first: bool) -> Vec<u8> {
    let mut client = connected_client(parameters(2, window));
    client.link = {
        let config = LinkConfig { retries, ..*client.link.config() };
        let mut again = End::new(config);
        again.link.connect().unwrap();
        let mut server = connected_server(config.parameters);
        again.link.poll_transmit(again.now, &[], &mut [0; FRAME_LEN_MAX]).expect("SNRM");
        again.hears(&ua_to(&mut server, Some(config.parameters)));
        again.link
    };
    client.send("AA");
    let (mut taken, mut next, mut commands) = (Vec::new(), 0, 0);
    let mut out = [0; FRAME_LEN_MAX];
    while client.link.is_connected() && taken.len() < 12 {
        if client.link.poll_transmit(client.now, &client.pdu, &mut out).is_none() {
            let Some(due) = client.link.poll_timeout() else { break };
            client.now = due;
            client.link.handle_timeout(due);
            continue;
        }
        commands += 1;
        let nr = Sequence::new(1);
        let is_ready = next < 12 && !(says_so_first && commands == 2);
        let control = match is_ready {
            true => Control::I { ns: Sequence::new(next), nr, pf: true },
            false => Control::Rr { nr, pf: true },
        };
        let information = [next];
        let frame = hdlc::frame::Frame {
            destination: Address::PUBLIC_CLIENT,
            source: Address::MANAGEMENT,
            control,
            segmented: is_ready && next < 11,
            information: if is_ready { &information } else { &[] },
        };
        let is_lost = is_ready && lost >> next & 1 == 1;
        next += u8::from(is_ready);
        if !is_lost && let Some(segment) = client.link.handle_frame(client.now, &frame) {
            taken.extend_from_slice(segment.octets);
        }
    }
    taken
}

#[test]
fn a_busy_server_is_sent_nothing_but_polls() {
    let mut client = connected_client(parameters(2, 1));
    client.send("01 02 03 04");
    client.sends(["7E A8 0B 03 21 10 88 7A 01 02 14 C6 7E"]);
    let busy = "7E A0 07 21 03 35 33 67 7E";
    client.hears(busy);
    client.sends([]);
    client.waits();
    client.sends([RR_0_P]);
    client.hears(busy);
    client.sends([]);
    client.waits();
    client.sends([RR_0_P]);
    client.hears(RR_1_F);
    client.sends(["7E A0 0B 03 21 12 BA 03 03 04 92 90 7E"]);
}

#[test]
fn a_request_to_a_server_that_was_busy_is_preceded_by_a_poll() {
    let mut client = connected_client(Parameters::DEFAULT);
    client.send("AA");
    client.sends(["7E A0 0A 03 21 10 13 3C AA 9C CC 7E"]);
    client.hears("7E A0 0A 21 03 20 90 AB BB 94 CD 7E");
    client.hears("7E A0 07 21 03 35 33 67 7E");
    client.send("CC");
    client.sends(["7E A0 07 03 21 31 17 87 7E"]);
    client.hears(RR_1_F);
    client.sends(["7E A0 0A 03 21 32 03 3E CC AC CA 7E"]);
}

#[test]
fn a_busy_client_gets_no_information() {
    let mut server = connected_server(Parameters::DEFAULT);
    server.hears("7E A0 0A 03 21 10 13 3C AA 9C CC 7E");
    server.send("BB");
    server.hears("7E A0 07 03 21 15 31 E0 7E");
    server.sends([RR_1_F]);
    server.hears(RR_0_P);
    server.sends(["7E A0 0A 21 03 30 11 BB BB 94 CD 7E"]);
}

// --- Rejection ---

#[test]
fn information_longer_than_agreed_is_rejected_until_snrm() {
    let mut server = connected_server(parameters(4, 1));
    assert_eq!(server.hears("7E A0 0E 03 21 10 FF 4E 01 02 03 04 05 EB 61 7E"), Nothing);
    let frmr = "7E A0 0C 21 03 97 3E 21 10 00 04 C6 0C 7E";
    server.sends([frmr]);
    let reject = FrameReject {
        control: Control::decode(0x10),
        vs: Sequence::ZERO,
        vr: Sequence::ZERO,
        was_response: false,
        undefined_control: false,
        unexpected_information: false,
        information_too_long: true,
        invalid_nr: false,
    };
    server.tells([LinkEvent::Rejected(reject)]);
    server.hears(RR_0_P);
    server.sends([frmr]);
    server.hears(SNRM);
    server.tells([connected(parameters(4, 1))]);

    let mut client = connected_client(Parameters::DEFAULT);
    client.send("01 02 03 04 05");
    client.sends(["7E A0 0E 03 21 10 FF 4E 01 02 03 04 05 EB 61 7E"]);
    client.hears(frmr);
    client.tells([LinkEvent::Failed(Failure::Rejected(Some(reject)))]);
    assert_eq!(client.link.send(1), Err(Misuse::NotConnected));
}

#[test]
fn an_unknown_control_octet_is_rejected_when_the_turn_comes() {
    // XID with P = 0, then any poll.
    let mut server = connected_server(Parameters::DEFAULT);
    server.hears("7E A0 07 03 21 AF E0 FA 7E");
    server.sends([]);
    server.hears(RR_0_P);
    server.sends(["7E A0 0C 21 03 97 3E 21 AF 00 01 EE 9B 7E"]);
}

#[test]
fn an_nr_that_acknowledges_what_was_never_sent_is_rejected() {
    let mut server = connected_server(Parameters::DEFAULT);
    assert_eq!(server.hears("7E A0 0A 03 21 50 17 7E AA 9C CC 7E"), Nothing);
    server.sends(["7E A0 0C 21 03 97 3E 21 50 00 08 DC C0 7E"]);

    let mut client = connected_client(Parameters::DEFAULT);
    client.send("AA");
    client.sends(["7E A0 0A 03 21 10 13 3C AA 9C CC 7E"]);
    client.hears("7E A0 07 21 03 51 11 42 7E");
    client.tells([LinkEvent::Failed(Failure::InvalidNr)]);
}

#[test]
fn information_where_none_may_stand_is_rejected() {
    let mut server = connected_server(Parameters::DEFAULT);
    server.hears("7E A0 0A 03 21 11 9A 2D AA 9C CC 7E");
    server.sends(["7E A0 0C 21 03 97 3E 21 11 00 03 A5 22 7E"]);
}

// --- Unnumbered information and broadcast ---

#[test]
fn a_push_goes_out_in_ui_frames_without_a_connection() {
    let mut server = End::server();
    server.link = Link::new(LinkConfig { parameters: parameters(4, 1), ..*server.link.config() });
    server.send_unnumbered("E6 E7 00 0F 01 02");
    let first = "7E A8 0D 21 03 03 08 B5 E6 E7 00 0F CC 75 7E";
    let last = "7E A0 0B 21 03 03 B2 A4 01 02 14 C6 7E";
    server.sends([first, last]);
    server.tells([LinkEvent::Sent]);

    let mut client = End::client();
    assert_eq!(client.hears(first), Unnumbered("E6 E7 00 0F".into(), First(true), Last(false)));
    assert_eq!(client.hears(last), Unnumbered("01 02".into(), First(false), Last(true)));
    assert_eq!(client.hears(last), Unnumbered("01 02".into(), First(true), Last(true)));
}

#[test]
fn a_push_goes_on_after_three_seconds_and_not_much_later() {
    // However long an answer may take.
    let config = *End::client().link.config();
    for response_timeout in [Duration::from_secs(1), Duration::from_secs(60)] {
        let mut client = End::new(LinkConfig { response_timeout, ..config });
        let first = "7E A8 0D 21 03 03 08 B5 E6 E7 00 0F CC 75 7E";
        let last = "7E A0 0B 21 03 03 B2 A4 01 02 14 C6 7E";
        client.hears(first);
        client.now += Duration::from_secs(3);
        assert_eq!(client.hears(last), Unnumbered("01 02".into(), First(false), Last(true)));
        client.hears(first);
        client.now += Duration::from_secs(6);
        assert_eq!(client.hears(last), Unnumbered("01 02".into(), First(true), Last(true)));
    }
}

#[test]
fn a_push_that_lost_its_last_frame_does_not_swallow_the_next_push() {
    let mut client = End::client();
    let first = "7E A8 0D 21 03 03 08 B5 E6 E7 00 0F CC 75 7E";
    client.hears(first);
    assert_eq!(client.hears(first), Unnumbered("E6 E7 00 0F".into(), First(true), Last(false)));
}

#[test]
fn a_push_to_all_clients_is_taken() {
    let mut client = connected_client(Parameters::DEFAULT);
    let frame = |control| hdlc::frame::Frame {
        destination: Address::ALL_STATION,
        source: Address::MANAGEMENT,
        control,
        segmented: false,
        information: &[0x99],
    };
    let push = frame(Control::Ui { pf: false });
    let taken = client.link.handle_frame(client.now, &push).expect("a segment");
    assert_eq!((taken.octets, taken.unnumbered), (&[0x99][..], true));
    // Nothing else is for all.
    let dm = frame(Control::Dm { pf: true });
    assert_eq!(client.link.handle_frame(client.now, &dm), None);
    assert!(client.link.is_connected());
}

#[test]
fn a_push_between_request_and_answer_disturbs_neither() {
    let mut client = connected_client(Parameters::DEFAULT);
    client.send("AA");
    client.sends(["7E A0 0A 03 21 10 13 3C AA 9C CC 7E"]);
    let before = client.link.poll_timeout();
    assert_eq!(
        client.hears("7E A0 0A 21 03 13 88 A8 99 84 CF 7E"),
        Unnumbered("99".into(), First(true), Last(true))
    );
    client.sends([]);
    assert_eq!(client.link.poll_timeout(), before);
    assert_eq!(
        client.hears("7E A0 0A 21 03 30 11 BB BB 94 CD 7E"),
        Numbered("BB".into(), First(true), Last(true))
    );
}

#[test]
fn a_connected_server_pushes_only_in_its_turn() {
    let mut server = connected_server(Parameters::DEFAULT);
    server.send_unnumbered("99");
    server.sends([]);
    server.hears(RR_0_P);
    server.sends(["7E A0 0A 21 03 03 09 B8 99 84 CF 7E", RR_0_F]);
}

#[test]
fn a_broadcast_is_ui_or_disc_with_p_0_and_never_answered() {
    let broadcast = Address::try_two(0x7f, 0x7f).unwrap();
    let mut client = End::new(LinkConfig::client(Address::PUBLIC_CLIENT, broadcast));
    assert_eq!(client.link.connect(), Err(Misuse::Broadcast));
    client.send_unnumbered("E6 E6 00 C1");
    let ui = "7E A0 0E FE FF 21 03 1F 01 E6 E6 00 C1 62 00 7E";
    client.sends([ui]);
    client.tells([LinkEvent::Sent]);
    client.link.disconnect().unwrap();
    let disc = "7E A0 08 FE FF 21 43 83 78 7E";
    client.sends([disc]);
    client.tells([LinkEvent::Disconnected { why: Closed::Requested }]);
    assert_eq!(client.link.poll_timeout(), None);

    let local = Address::try_two(0x01, 0x11).unwrap();
    let mut server = End::new(LinkConfig::server(local, Address::PUBLIC_CLIENT));
    assert_eq!(server.hears(ui), Unnumbered("E6 E6 00 C1".into(), First(true), Last(true)));
    // SNRM, and UI with P = 1, to everybody.
    assert_eq!(server.hears("7E A0 08 FE FF 21 93 0E AE 7E"), Nothing);
    assert_eq!(server.hears("7E A0 0B FE FF 21 13 CA 37 AA 9C CC 7E"), Nothing);
    server.sends([]);
    server.tells([]);

    server.hears("7E A0 08 02 23 21 93 BD 64 7E");
    server.sends(["7E A0 08 21 02 23 73 7A 43 7E"]);
    // DISC with P = 1 to everybody is ignored, with P = 0 obeyed.
    server.hears("7E A0 08 FE FF 21 53 02 68 7E");
    assert!(server.link.is_connected());
    server.hears(disc);
    server.sends([]);
    server.tells([CONNECTED, LinkEvent::Disconnected { why: Closed::ByPeer }]);
}

#[test]
fn frames_for_and_from_others_are_ignored() {
    let mut server = End::server();
    // To server 0x02; from client 0x11.
    server.hears("7E A0 07 05 21 93 D6 D7 7E");
    server.hears("7E A0 07 03 23 93 BF 32 7E");
    server.sends([]);

    let mut client = End::client();
    client.link.connect().unwrap();
    client.sends([SNRM]);
    // The echo of an optical head, UA from server 0x02, UA to client 0x11.
    client.hears(SNRM);
    client.hears("7E A0 07 21 05 73 D1 14 7E");
    client.hears("7E A0 07 23 03 73 B9 F5 7E");
    client.tells([]);
    client.hears(UA);
    client.tells([CONNECTED]);
}

// --- Misuse ---

#[test]
fn misuse_is_named_and_changes_nothing() {
    let mut client = End::client();
    assert_eq!(client.link.send(1), Err(Misuse::NotConnected));
    assert_eq!(client.link.expect(), Err(Misuse::NotConnected));
    assert_eq!(client.link.pass(), Err(Misuse::Role));

    let mut client = connected_client(Parameters::DEFAULT);
    assert_eq!(client.link.send(0), Err(Misuse::EmptyPdu));
    client.send("AA");
    assert_eq!(client.link.send(1), Err(Misuse::Busy));
    assert_eq!(client.link.send_unnumbered(1), Err(Misuse::Busy));
    client.sends(["7E A0 0A 03 21 10 13 3C AA 9C CC 7E"]);
    client.hears(RR_1_F);
    client.tells([LinkEvent::Sent]);
    assert_eq!(client.link.send(1), Err(Misuse::Busy), "the answer is still awaited");
    assert_eq!(client.link.expect(), Err(Misuse::Busy));

    let mut server = End::server();
    assert_eq!(server.link.connect(), Err(Misuse::Role));
    assert_eq!(server.link.disconnect(), Err(Misuse::NotConnected));
    assert_eq!(server.link.pass(), Err(Misuse::NotConnected));
    let mut server = connected_server(Parameters::DEFAULT);
    assert_eq!(server.link.expect(), Err(Misuse::Role));
    server.link.disconnect().unwrap();
    server.tells([LinkEvent::Disconnected { why: Closed::Requested }]);
}

#[test]
fn events_that_nobody_fetches_give_way_oldest_first() {
    let mut server = End::server();
    for _ in 0..6 {
        server.hears(SNRM);
    }
    server.hears(DISC);
    assert_eq!(server.link.events_dropped(), 3);
    server.tells([
        CONNECTED,
        CONNECTED,
        CONNECTED,
        LinkEvent::Disconnected { why: Closed::ByPeer },
    ]);
}
