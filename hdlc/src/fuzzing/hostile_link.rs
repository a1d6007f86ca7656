//! One link against a peer that sends whatever it likes.

use core::time::Duration;

use sans_io_time::Instant;

use super::next;
use crate::{
    address::Address,
    control::Control,
    frame::{FRAME_LEN_MAX, Frame},
    link::{Link, LinkConfig, LinkEvent, RETRIES_MAX},
    parameters::{InformationLength, Parameters, WindowSize},
};

/// Octets of the longest PDU that the owner sends.
const PDU_LEN_MAX: usize = 255;
/// Frames that a link may have to say in a row: every octet of a PDU in a frame of its own.
const FRAMES_MAX: usize = PDU_LEN_MAX + 2;

/// A link and what its owner knows.
struct Owner {
    link: Link,
    now: Instant,
    /// A numbered PDU has begun and not ended.
    is_inside: bool,
}

/// Whatever comes in whichever order: what a link says is a frame within its parameters, in a
/// number that is bounded; the segments that it hands out make whole PDUs; and when the peer falls
/// silent, nothing stays under way for ever.
///
/// First octet: bit 0 the role, the others the parameters. Then operations of one octet and its
/// arguments.
pub fn hostile_link(mut octets: &[u8]) {
    let choice = next(&mut octets);
    let (client, server) = (Address::PUBLIC_CLIENT, Address::MANAGEMENT);
    let config = match choice & 1 {
        0 => LinkConfig::client(client, server),
        _ => LinkConfig::server(server, client),
    };
    let information = InformationLength::try_new(u16::from(choice >> 4) + 1).expect("1 to 16");
    let window = WindowSize::try_new((choice >> 1) % 7 + 1).expect("1 to 7");
    let parameters = Parameters::symmetric(information, window);
    let link = Link::new(LinkConfig { parameters, ..config });
    let mut owner = Owner { link, now: Instant::ZERO, is_inside: false };

    while !octets.is_empty() {
        // A call that is refused leaves the link as it was.
        let _ = match next(&mut octets) % 16 {
            0 => owner.link.connect(),
            1 => owner.link.disconnect(),
            2 => owner.link.send(next(&mut octets).into()),
            3 => owner.link.send_unnumbered(next(&mut octets).into()),
            4 => owner.link.expect(),
            5 => owner.link.pass(),
            6 => {
                owner.pass_time(Duration::from_millis(u64::from(next(&mut octets)) * 100));
                Ok(())
            }
            _ => {
                owner.hear(&mut octets);
                Ok(())
            }
        };
        owner.drain();
    }
    owner.fall_silent();
}

impl Owner {
    /// A frame from the peer, in a seventh of the cases from or for somebody else.
    fn hear(&mut self, octets: &mut &[u8]) {
        let (source, destination) = (self.link.config().remote, self.link.config().local);
        let control = Control::decode(next(octets));
        let shape = next(octets);
        let (information, rest) = octets.split_at(usize::from(shape & 0x1f).min(octets.len()));
        *octets = rest;
        let frame = Frame {
            destination: if shape & 0x60 == 0x60 { Address::ALL_STATION } else { destination },
            source: if shape & 0xe0 == 0xc0 { Address::NO_STATION } else { source },
            control,
            segmented: shape & 0x80 != 0,
            information,
        };
        let Some(segment) = self.link.handle_frame(self.now, &frame) else { return };
        assert_eq!(segment.octets, information);
        assert_eq!(segment.last, !frame.segmented);
        assert_eq!(segment.unnumbered, matches!(control, Control::Ui { .. }));
        if !segment.unnumbered {
            assert!(self.link.is_connected());
            assert_eq!(segment.first, !self.is_inside);
            self.is_inside = !segment.last;
        }
    }

    fn pass_time(&mut self, by: Duration) {
        self.now += by;
        self.link.handle_timeout(self.now);
    }

    /// Fetches all events and frames, as an owner has to after every call.
    fn drain(&mut self) {
        while let Some(event) = self.link.poll_event() {
            match event {
                LinkEvent::Sent => {}
                LinkEvent::Connected { parameters } => {
                    assert_eq!(parameters, self.link.parameters());
                    self.is_inside = false;
                }
                LinkEvent::Disconnected { .. }
                | LinkEvent::Refused
                | LinkEvent::Failed(_)
                | LinkEvent::Rejected(_) => self.is_inside = false,
            }
        }
        assert_eq!(self.link.events_dropped(), 0);

        let pdu = [0x5a; PDU_LEN_MAX];
        let mut out = [0; FRAME_LEN_MAX];
        let mut frames = 0;
        while let Some(written) = self.link.poll_transmit(self.now, &pdu, &mut out) {
            frames += 1;
            assert!(frames <= FRAMES_MAX, "the link does not fall silent");
            let frame = Frame::decode(&out[1..written - 1]).expect("a frame");
            assert!(frame.source.is_same_station(self.link.config().local));
            assert_eq!(frame.destination, self.link.config().remote);
            if let Control::I { .. } = frame.control {
                let agreed = usize::from(self.link.parameters().information_transmit.octets());
                assert!(frame.information.len() <= agreed);
            }
            // An event may stand behind every frame.
            assert!(
                self.link.poll_event().is_none_or(|event| event == LinkEvent::Sent
                    || matches!(event, LinkEvent::Disconnected { .. }))
            );
        }
    }

    /// The peer says no more: every wait ends.
    fn fall_silent(mut self) {
        let is_client = self.link.config().inactivity_timeout.is_none();
        for _ in 0..=2 * (RETRIES_MAX + 1) {
            let Some(deadline) = self.link.poll_timeout() else {
                assert!(!is_client || !self.link.is_sending(), "sends without a timer");
                assert!(is_client || !self.link.is_connected(), "connected without a timer");
                return;
            };
            assert!(deadline >= self.now || is_client, "a deadline in the past");
            self.now = self.now.max(deadline);
            self.link.handle_timeout(self.now);
            self.drain();
        }
        panic!("no end in sight");
    }
}
