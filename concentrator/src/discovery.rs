//! Which meters are on a shared medium, and what they are called.
//!
//! ```text
//!   probe an address ----- nobody --------------------------------> the next one, after a while
//!       | somebody
//!       v                  fails: later again
//!   AARQ as public client --> AARE --> GET 0-0:42.0.0.255/2 --> name --> DISC --> Registration
//! ```
//!
//! The public client (16) needs no key, and the logical device name (class 1, instance
//! 0-0:42.0.0.255) is what it may read of every meter (IEC 62056-6-2). A name is all that is
//! believed here: that a meter is who it says, the head-end finds out end to end.
//!
//! One question is under way at a time, and probes have to wait until the medium has nothing else
//! to do ([`Down::Probe`]).
//!
//! Pure: time and [`Up`] come in, [`Down`] and [`Registration`] go out.
//!
//! ```
//! use concentrator::discovery::{Discovery, DiscoveryConfig};
//! use dlms_tokio::medium::{Down, MediumAddress, Up};
//! use sans_io_time::Instant;
//!
//! let config = DiscoveryConfig { first: 16, last: 17, ..DiscoveryConfig::default() };
//! let mut discovery = Discovery::new(0, config);
//! let meter = MediumAddress { physical: 16, server: 1 };
//! assert_eq!(discovery.poll_down(Instant::ZERO), Some(Down::Probe { meter, client: 16 }));
//! assert!(discovery.handle_up(Instant::ZERO, &Up::Probed { meter, found: true }));
//! // It is asked for its name: first, the association.
//! let Some(Down::Apdu { apdu, .. }) = discovery.poll_down(Instant::ZERO) else { panic!() };
//! assert_eq!(apdu[0], 0x60);
//! ```

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use dlms_core::{
    acse::{Aare, AssociationResult},
    axdr::Reader,
    wrapper::PUBLIC_CLIENT,
    xdlms::{GetResponse, tag},
};
use dlms_tokio::medium::{Down, MediumAddress, Up};
use sans_io_time::Instant;
use serde::Deserialize;

use crate::nodes::{LogicalDeviceName, Place, Registration};

/// Meters that wait to be asked for their names: as many as a medium has addresses to probe.
pub const ASKED_MAX: usize = 16_384;

/// The lowest lower address that a meter may have; below are reserved ones (IEC 62056-46
/// §6.4.2.3).
const PHYSICAL_FIRST: u16 = 0x10;
/// The highest one; above are CALLING and all-station.
const PHYSICAL_LAST: u16 = 0x3FFD;
/// CALLING and all-station in one octet, and what ends as they do, which peers take for them.
const PHYSICAL_RESERVED: [u16; 2] = [0x7E, 0x7F];

/// AARQ: LN referencing without ciphering, no authentication; DLMS version 6; GET, and what a
/// meter may want with it; APDUs of up to 1024 octets.
const AARQ: [u8; 31] = [
    tag::AARQ,
    0x1D,
    0xA1,
    0x09,
    0x06,
    0x07,
    0x60,
    0x85,
    0x74,
    0x05,
    0x08,
    0x01,
    0x01, // context
    0xBE,
    0x10,
    0x04,
    0x0E, // user-information
    0x01,
    0x00,
    0x00,
    0x00,
    0x06,
    0x5F,
    0x1F,
    0x04,
    0x00,
    0x00,
    0x10,
    0x10,
    0x04,
    0x00,
];
/// GET of the value of the logical device name: class 1, 0-0:42.0.0.255, attribute 2.
const GET_NAME: [u8; 13] =
    [tag::GET_REQUEST, 0x01, 0xC1, 0x00, 0x01, 0, 0, 42, 0, 0, 255, 0x02, 0x00];

// The types that a name comes in.
const OCTET_STRING: u8 = 0x09;
const VISIBLE_STRING: u8 = 0x0A;

/// How a medium is searched.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct DiscoveryConfig {
    /// The first lower address that is probed. Default 16.
    pub first: u16,
    /// The last one. Default 0: none is probed, and only meters that are known without a name are
    /// asked.
    pub last: u16,
    /// The logical device that is asked. Default 1, the management logical device.
    pub server: u16,
    /// From the end of one search to the next, in seconds. Default an hour.
    pub search_interval_s: u32,
    /// How long a meter that did not tell its name is left alone, in seconds. Default 10 minutes.
    pub retry_interval_s: u32,
    /// How long an answer of the medium is waited for, in seconds; longer than all its own
    /// repetitions, on a medium that is busy. Default 5 minutes.
    pub patience_s: u32,
}

impl Default for DiscoveryConfig {
    fn default() -> Self {
        Self {
            first: PHYSICAL_FIRST,
            last: 0,
            server: 1,
            search_interval_s: 3_600,
            retry_interval_s: 600,
            patience_s: 300,
        }
    }
}

/// How often what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiscoveryCounters {
    /// Addresses probed.
    pub probed: u64,
    /// Addresses at which somebody was.
    pub found: u64,
    /// Names that meters told.
    pub named: u64,
    /// Meters that did not tell.
    pub failed: u64,
    /// Searches from the first address to the last.
    pub searches: u64,
}

/// The machine for one medium.
#[derive(Debug)]
pub struct Discovery {
    /// The medium, as [`Registration::medium`].
    medium: u16,
    config: DiscoveryConfig,
    /// Lower addresses whose meters have names, and those that wait for one.
    settled: BTreeSet<u16>,
    /// Meters without a name, and since when they may be asked.
    asked: BTreeMap<MediumAddress, Instant>,
    /// The next address to probe.
    next: u16,
    /// When the next search begins, or goes on.
    search_from: Instant,
    under_way: Option<UnderWay>,
    down: VecDeque<Down>,
    found: VecDeque<Registration>,
    counters: DiscoveryCounters,
}

#[derive(Debug)]
struct UnderWay {
    meter: MediumAddress,
    step: Step,
    until: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Probing,
    Associating,
    Asking,
}

impl Discovery {
    /// A machine that knows no meter on its medium, which has this index in the configuration.
    #[must_use]
    pub fn new(medium: u16, config: DiscoveryConfig) -> Self {
        let next = config.first.max(PHYSICAL_FIRST);
        Self {
            medium,
            config,
            settled: BTreeSet::new(),
            asked: BTreeMap::new(),
            next,
            search_from: Instant::ZERO,
            under_way: None,
            down: VecDeque::new(),
            found: VecDeque::new(),
            counters: DiscoveryCounters::default(),
        }
    }

    /// A meter is at this lower address, by the name it is registered with: it is not searched for.
    pub fn handle_known(&mut self, physical: u16) {
        self.settled.insert(physical);
        self.asked.retain(|meter, _| meter.physical != physical);
    }

    /// A meter is gone from this lower address, which may have another.
    pub fn handle_gone(&mut self, physical: u16) {
        self.settled.remove(&physical);
    }

    /// A meter is there whose name nobody knows. Of more than [`ASKED_MAX`] it takes no notice.
    pub fn handle_nameless(&mut self, now: Instant, meter: MediumAddress) {
        if self.asked.len() < ASKED_MAX {
            self.settled.insert(meter.physical);
            self.asked.entry(meter).or_insert(now);
        }
    }

    /// Takes what the medium tells; false if it is not for this machine.
    pub fn handle_up(&mut self, now: Instant, up: &Up) -> bool {
        let Some(UnderWay { meter: asked, step, .. }) = &self.under_way else { return false };
        let (asked, step) = (*asked, *step);
        match up {
            Up::Probed { meter, found } if *meter == asked && step == Step::Probing => {
                self.under_way = None;
                if *found {
                    self.counters.found += 1;
                    self.handle_nameless(now, asked);
                }
            }
            // The probe could not be made: it is made again with the next search.
            Up::Failed { meter, .. } if *meter == asked && step == Step::Probing => {
                self.under_way = None;
            }
            Up::Failed { meter, client: PUBLIC_CLIENT, .. }
            | Up::Unanswered { meter, client: PUBLIC_CLIENT }
                if *meter == asked =>
            {
                self.fail(now, asked);
            }
            Up::Apdu { meter, client: PUBLIC_CLIENT, apdu } if *meter == asked => match step {
                Step::Probing => return false,
                Step::Associating => match Aare::decode(apdu) {
                    Ok(aare) if aare.result == AssociationResult::Accepted => {
                        self.ask(now, asked, Step::Asking, &GET_NAME);
                    }
                    _ => self.fail(now, asked),
                },
                Step::Asking => match name(apdu) {
                    Some(name) => self.finish(asked, name),
                    None => self.fail(now, asked),
                },
            },
            _ => return false,
        }
        true
    }

    /// What the medium is to be told next. What it does not take in may be dropped: it is told
    /// again.
    pub fn poll_down(&mut self, now: Instant) -> Option<Down> {
        if let Some(under_way) = &self.under_way
            && under_way.until <= now
        {
            let UnderWay { meter, step, .. } = *under_way;
            match step {
                Step::Probing => self.under_way = None,
                Step::Associating | Step::Asking => self.fail(now, meter),
            }
        }
        if self.down.is_empty() && self.under_way.is_none() {
            self.begin(now);
        }
        self.down.pop_front()
    }

    /// When to call [`poll_down`](Self::poll_down) at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if let Some(under_way) = &self.under_way {
            return Some(under_way.until);
        }
        let search = (self.next <= self.last()).then_some(self.search_from);
        self.asked.values().copied().chain(search).min()
    }

    /// The next meter that has told its name.
    pub fn poll_event(&mut self) -> Option<Registration> {
        self.found.pop_front()
    }

    /// What has happened so far.
    #[must_use]
    pub const fn counters(&self) -> DiscoveryCounters {
        self.counters
    }

    fn last(&self) -> u16 {
        self.config.last.min(PHYSICAL_LAST)
    }

    /// Begins the next question, if any is due.
    fn begin(&mut self, now: Instant) {
        let due = self.asked.iter().find(|(_, from)| **from <= now).map(|(meter, _)| *meter);
        if let Some(meter) = due {
            self.ask(now, meter, Step::Associating, &AARQ);
            return;
        }
        if now < self.search_from {
            return;
        }
        let last = self.last();
        let is_free = |physical: &u16| {
            !self.settled.contains(physical) && !PHYSICAL_RESERVED.contains(physical)
        };
        let Some(physical) = (self.next..=last).find(is_free) else {
            if self.next <= last {
                self.end_search(now);
            }
            return;
        };
        self.counters.probed += 1;
        let meter = MediumAddress { physical, server: self.config.server };
        self.next = physical + 1;
        if self.next > last {
            self.end_search(now);
        }
        self.down.push_back(Down::Probe { meter, client: PUBLIC_CLIENT });
        self.wait(now, meter, Step::Probing);
    }

    fn end_search(&mut self, now: Instant) {
        self.counters.searches += 1;
        self.next = self.config.first.max(PHYSICAL_FIRST);
        self.search_from = later(now, self.config.search_interval_s);
    }

    fn ask(&mut self, now: Instant, meter: MediumAddress, step: Step, apdu: &[u8]) {
        self.down.push_back(Down::Apdu { meter, client: PUBLIC_CLIENT, apdu: apdu.to_vec() });
        self.wait(now, meter, step);
    }

    fn wait(&mut self, now: Instant, meter: MediumAddress, step: Step) {
        let until = later(now, self.config.patience_s);
        self.under_way = Some(UnderWay { meter, step, until });
    }

    fn finish(&mut self, meter: MediumAddress, name: LogicalDeviceName) {
        self.counters.named += 1;
        self.asked.remove(&meter);
        self.settled.insert(meter.physical);
        self.found.push_back(Registration {
            name,
            medium: self.medium,
            place: Place::Physical(meter.physical),
            server: meter.server,
        });
        self.release(meter);
    }

    /// The meter is asked again later.
    fn fail(&mut self, now: Instant, meter: MediumAddress) {
        self.counters.failed += 1;
        self.asked.insert(meter, later(now, self.config.retry_interval_s));
        self.release(meter);
    }

    fn release(&mut self, meter: MediumAddress) {
        self.under_way = None;
        // DISC ends the association as well.
        self.down.push_back(Down::Release { meter, client: PUBLIC_CLIENT });
    }
}

fn later(now: Instant, seconds: u32) -> Instant {
    now.checked_add(Duration::from_secs(seconds.into())).unwrap_or(now)
}

/// The name in a GET response.
fn name(apdu: &[u8]) -> Option<LogicalDeviceName> {
    let Ok(GetResponse::Normal { result: Ok(value), .. }) = GetResponse::decode(apdu) else {
        return None;
    };
    let mut reader = Reader::new(value.octets());
    let octets = match reader.u8().ok()? {
        OCTET_STRING | VISIBLE_STRING => reader.octet_string().ok()?,
        _ => return None,
    };
    octets.try_into().ok()
}

#[cfg(test)]
mod tests {
    use dlms_core::{
        acse::{Aarq, ApplicationContext},
        cosem::LogicalName,
        xdlms::GetRequest,
    };
    use dlms_tokio::{LineError, Phase};

    use super::*;

    const NOW: Instant = Instant::ZERO;
    /// AARE, accepted, with an initiate-response.
    const AARE: [u8; 43] = [
        0x61, 0x29, 0xA1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01, 0x01, 0xA2, 0x03,
        0x02, 0x01, 0x00, 0xA3, 0x05, 0xA1, 0x03, 0x02, 0x01, 0x00, 0xBE, 0x10, 0x04, 0x0E, 0x08,
        0x00, 0x06, 0x5F, 0x1F, 0x04, 0x00, 0x00, 0x10, 0x10, 0x04, 0x00, 0x00, 0x07,
    ];

    fn at(physical: u16) -> MediumAddress {
        MediumAddress { physical, server: 1 }
    }

    fn searching(first: u16, last: u16) -> Discovery {
        Discovery::new(3, DiscoveryConfig { first, last, ..DiscoveryConfig::default() })
    }

    fn apdu(meter: MediumAddress, apdu: &[u8]) -> Up {
        Up::Apdu { meter, client: 16, apdu: apdu.to_vec() }
    }

    fn ask(meter: MediumAddress, apdu: &[u8]) -> Option<Down> {
        Some(Down::Apdu { meter, client: 16, apdu: apdu.to_vec() })
    }

    fn named(name: &[u8]) -> Vec<u8> {
        [&[0xC4, 0x01, 0xC1, 0x00, 0x09, name.len() as u8][..], name].concat()
    }

    #[test]
    fn the_constants_say_what_they_are_said_to() {
        let aarq = Aarq::decode(&AARQ).unwrap();
        assert_eq!(aarq.application_context, ApplicationContext::LogicalName);
        assert!(aarq.calling_authentication_value.is_none());
        let Ok(GetRequest::Normal { attribute, .. }) = GetRequest::decode(&GET_NAME) else {
            panic!("no GET")
        };
        assert_eq!(attribute.attribute.instance, LogicalName([0, 0, 42, 0, 0, 255]));
    }

    #[test]
    fn a_meter_that_answers_is_asked_for_its_name_and_registered_with_it() {
        let mut discovery = searching(16, 16);
        let meter = at(16);
        assert_eq!(discovery.poll_down(NOW), Some(Down::Probe { meter, client: 16 }));
        assert_eq!(discovery.poll_down(NOW), None);
        assert!(discovery.handle_up(NOW, &Up::Probed { meter, found: true }));
        assert_eq!(discovery.poll_down(NOW), ask(meter, &AARQ));
        assert!(discovery.handle_up(NOW, &apdu(meter, &AARE)));
        assert_eq!(discovery.poll_down(NOW), ask(meter, &GET_NAME));
        assert!(discovery.handle_up(NOW, &apdu(meter, &named(b"ABC0000000000001"))));
        let registration =
            Registration { medium: 3, ..Registration::new("ABC0000000000001").unwrap() };
        assert_eq!(discovery.poll_event(), Some(registration));
        assert_eq!(discovery.poll_down(NOW), Some(Down::Release { meter, client: 16 }));
        assert_eq!((discovery.poll_down(NOW), discovery.poll_event()), (None, None));
        // It is not searched for again.
        let next = later(NOW, 3_600);
        assert_eq!(discovery.poll_timeout(), Some(next));
        assert_eq!(discovery.poll_down(next), None);
        assert_eq!(discovery.poll_timeout(), Some(later(next, 3_600)));
    }

    #[test]
    fn addresses_are_probed_one_after_the_other_but_for_those_that_are_known_or_reserved() {
        let mut discovery = searching(0, 0x80);
        discovery.handle_known(17);
        let mut probed = Vec::new();
        while let Some(Down::Probe { meter, .. }) = discovery.poll_down(NOW) {
            probed.push(meter.physical);
            assert!(discovery.handle_up(NOW, &Up::Probed { meter, found: false }));
        }
        let expected = (16..=0x80).filter(|it| ![17, 0x7E, 0x7F].contains(it));
        assert_eq!(probed, expected.collect::<Vec<_>>());
        assert_eq!(discovery.counters().searches, 1);
        // The next search finds who came, and where somebody went.
        discovery.handle_gone(17);
        let next = discovery.poll_timeout().unwrap();
        assert_eq!(next, later(NOW, 3_600));
        assert_eq!(discovery.poll_down(next), Some(Down::Probe { meter: at(16), client: 16 }));
        assert!(discovery.handle_up(next, &Up::Probed { meter: at(16), found: false }));
        assert_eq!(discovery.poll_down(next), Some(Down::Probe { meter: at(17), client: 16 }));
    }

    #[test]
    fn who_does_not_tell_is_asked_again_later_and_keeps_nobody_waiting() {
        let silence = LineError::Timeout { phase: Phase::LinkSetUp };
        for (case, answer) in [
            Up::Failed { meter: at(16), client: 16, cause: silence },
            // AARE, rejected-permanent.
            apdu(at(16), &crate::router::REJECTED_PERMANENT),
            apdu(at(16), &[0xD8, 1, 1]),
        ]
        .iter()
        .enumerate()
        {
            let mut discovery = searching(16, 0);
            discovery.handle_nameless(NOW, at(16));
            discovery.handle_nameless(NOW, at(17));
            assert_eq!(discovery.poll_down(NOW), ask(at(16), &AARQ));
            assert!(discovery.handle_up(NOW, answer), "{case}");
            assert_eq!(discovery.poll_down(NOW), Some(Down::Release { meter: at(16), client: 16 }));
            assert_eq!(discovery.poll_down(NOW), ask(at(17), &AARQ));
            // This time the medium says nothing at all.
            let given_up = discovery.poll_timeout().unwrap();
            assert_eq!(
                discovery.poll_down(given_up),
                Some(Down::Release { meter: at(17), client: 16 })
            );
            assert_eq!(discovery.poll_down(given_up), None);
            let again = discovery.poll_timeout().unwrap();
            assert_eq!(again, later(NOW, 600));
            assert_eq!(discovery.poll_down(again), ask(at(16), &AARQ));
        }
    }

    #[test]
    fn a_name_that_is_none_is_not_taken() {
        for answer in [
            named(&[]),
            named(&[b'A'; 65]),
            vec![0xC4, 0x01, 0xC1, 0x01, 0x03],
            vec![0xC4, 0x01, 0xC1, 0x00, 0x11, 5],
            vec![0xC4, 0x01],
        ] {
            assert_eq!(name(&answer), None, "{answer:02x?}");
        }
        let visible = [0xC4, 0x01, 0xC1, 0x00, 0x0A, 2, b'A', b'B'];
        assert_eq!(name(&visible).unwrap().octets(), b"AB");
    }

    #[test]
    fn what_others_asked_for_is_theirs() {
        let mut discovery = searching(16, 0);
        assert!(!discovery.handle_up(NOW, &apdu(at(16), &AARE)));
        discovery.handle_nameless(NOW, at(16));
        discovery.poll_down(NOW);
        assert!(!discovery.handle_up(NOW, &apdu(at(17), &AARE)));
        let other = Up::Apdu { meter: at(16), client: 1, apdu: AARE.to_vec() };
        assert!(!discovery.handle_up(NOW, &other));
        assert!(!discovery.handle_up(NOW, &Up::Probed { meter: at(16), found: true }));
    }
}
