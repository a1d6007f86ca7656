//! Pushes that ask to be confirmed: who waits for it, and by which way it gets there.
//!
//! A push in clear says itself whether it asks. It is confirmed from here as soon as it is stored,
//! whatever becomes of the head-ends. One that is ciphered or signed is closed to whoever has no
//! keys: it is passed on, and the first answer of a head-end that may be its confirmation takes the
//! way back.

use core::{net::SocketAddr, time::Duration};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use dlms_core::{
    axdr::Writer,
    wrapper::WrapperHeader,
    xdlms::{DataNotificationConfirm, DataNotificationHead, tag},
};
use sans_io_time::Instant;
use tokio::{net::UdpSocket, sync::mpsc};

use crate::{lan_udp::UdpAddress, nodes::NodeId};

/// How long a meter is believed to wait. After it the push comes again.
pub const CONFIRMATION_TIME_MAX: Duration = Duration::from_secs(60);
/// Pushes that wait for the answer of a head-end. Who can send in the name of meters can have no
/// more of them here; the next ones are passed on and not remembered.
const WAITING_MAX: usize = 16_384;

/// How a confirmation gets to the meter that pushed.
#[derive(Clone, Debug)]
pub enum WayBack {
    /// On the connection that the meter made; the wPort is its own.
    Connection(mpsc::Sender<Vec<u8>>, u16),
    /// In a datagram to where its own came from.
    Datagram(Arc<UdpSocket>, SocketAddr, u16),
    /// On the connection that was made to it.
    Endpoint(u16),
    /// From the socket by which it is asked.
    Socket(UdpAddress),
}

impl WayBack {
    /// The frame for a meter at wPort `server`.
    pub(super) fn frame(server: u16, client: u16, apdu: &[u8]) -> Option<Vec<u8>> {
        let length = u16::try_from(apdu.len()).ok()?;
        let header = WrapperHeader { source: client, destination: server, length };
        Some([&header.encode_header()[..], apdu].concat())
    }
}

/// What a push wants back, as far as that can be seen.
pub(super) enum Wanted {
    /// Nothing.
    Nothing,
    /// This confirmation.
    Confirmation(Vec<u8>),
    /// It is closed: perhaps something.
    Perhaps,
}

impl Wanted {
    /// By the push `apdu`.
    pub(super) fn of(apdu: &[u8]) -> Self {
        if is_closed(apdu) {
            return Self::Perhaps;
        }
        match DataNotificationHead::decode(apdu) {
            Ok(push) if push.invoke.confirmed() => {
                let confirm = DataNotificationConfirm { invoke: push.invoke, date_time: &[] };
                let mut out = Vec::new();
                confirm.encode(&mut Writer::new(&mut out));
                Self::Confirmation(out)
            }
            _ => Self::Nothing,
        }
    }
}

/// Whether the APDU is one of the forms in which what only exists in clear is protected.
pub(super) fn is_closed(apdu: &[u8]) -> bool {
    let first = apdu.first().copied().unwrap_or_default();
    matches!(first, tag::GENERAL_GLO_CIPHERING | tag::GENERAL_CIPHERING | tag::GENERAL_SIGNING)
}

/// Whether the APDU is a confirmation in clear.
pub(super) fn is_confirmation(apdu: &[u8]) -> bool {
    apdu.first() == Some(&tag::DATA_NOTIFICATION_CONFIRM)
}

/// A confirmation that may go.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Due<W> {
    pub(super) node: NodeId,
    pub(super) client: u16,
    pub(super) way: W,
    pub(super) apdu: Vec<u8>,
}

/// Who waits. Pure; `W` is a way back.
#[derive(Debug)]
pub(super) struct Confirmations<W> {
    /// Until they are stored, by the number in the spool.
    kept: VecDeque<(u64, Instant, Due<W>)>,
    /// Until a head-end answers: the last push of each meter to each client.
    passed: BTreeMap<(NodeId, u16), (Instant, W)>,
}

impl<W> Default for Confirmations<W> {
    fn default() -> Self {
        Self { kept: VecDeque::new(), passed: BTreeMap::new() }
    }
}

impl<W> Confirmations<W> {
    /// The push with this number is confirmed when it is stored.
    pub(super) fn kept(&mut self, now: Instant, number: u64, due: Due<W>) {
        if self.kept.len() < WAITING_MAX {
            self.kept.push_back((number, until(now), due));
        }
    }

    /// A push that may ask to be confirmed was passed on.
    pub(super) fn passed(&mut self, now: Instant, node: NodeId, client: u16, way: W) {
        let key = (node, client);
        if self.passed.len() < WAITING_MAX || self.passed.contains_key(&key) {
            self.passed.insert(key, (until(now), way));
        }
    }

    /// The way for what `client` answers to a push of `node`.
    pub(super) fn take(&mut self, node: NodeId, client: u16) -> Option<W> {
        self.passed.remove(&(node, client)).map(|(_, way)| way)
    }

    /// The next confirmation that may go, when all pushes up to `stored` are stored.
    pub(super) fn poll_stored(&mut self, stored: u64) -> Option<Due<W>> {
        let (number, ..) = self.kept.front()?;
        if *number > stored {
            return None;
        }
        self.kept.pop_front().map(|(_, _, due)| due)
    }

    /// Forgets who waits no more.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.passed.retain(|_, (until, _)| *until > now);
        while self.kept.front().is_some_and(|(_, until, _)| *until <= now) {
            self.kept.pop_front();
        }
    }
}

fn until(now: Instant) -> Instant {
    now.checked_add(CONFIRMATION_TIME_MAX).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeId = NodeId(3);

    fn second(second: u64) -> Instant {
        Instant::ZERO.checked_add(Duration::from_secs(second)).unwrap()
    }

    fn due(way: u8) -> Due<u8> {
        Due { node: NODE, client: 1, way, apdu: vec![0x10] }
    }

    #[test]
    fn what_is_in_clear_is_confirmed_when_it_is_stored_and_in_order() {
        let mut confirmations = Confirmations::default();
        confirmations.kept(second(0), 5, due(1));
        confirmations.kept(second(0), 7, due(2));
        assert_eq!(confirmations.poll_stored(4), None);
        assert_eq!(confirmations.poll_stored(6), Some(due(1)));
        assert_eq!(confirmations.poll_stored(6), None);
        assert_eq!(confirmations.poll_stored(9), Some(due(2)));
        assert_eq!(confirmations.poll_stored(9), None);
    }

    #[test]
    fn what_is_closed_waits_for_one_answer_of_its_client() {
        let mut confirmations = Confirmations::default();
        confirmations.passed(second(0), NODE, 1, 1_u8);
        assert_eq!(confirmations.take(NODE, 2), None);
        assert_eq!(confirmations.take(NodeId(4), 1), None);
        assert_eq!(confirmations.take(NODE, 1), Some(1));
        assert_eq!(confirmations.take(NODE, 1), None);
        // Tried again before it was confirmed: the later way is the one that is open.
        confirmations.passed(second(0), NODE, 1, 1);
        confirmations.passed(second(1), NODE, 1, 2);
        assert_eq!(confirmations.take(NODE, 1), Some(2));
    }

    #[test]
    fn nobody_waits_for_ever_and_there_is_an_end_to_who_waits() {
        let mut confirmations = Confirmations::default();
        confirmations.kept(second(0), 5, due(1));
        confirmations.passed(second(0), NODE, 1, 1_u8);
        confirmations.handle_timeout(second(60));
        assert_eq!((confirmations.poll_stored(5), confirmations.take(NODE, 1)), (None, None));
        for node in 0..20_000 {
            confirmations.passed(second(61), NodeId(node), 1, 1);
        }
        assert_eq!(confirmations.passed.len(), WAITING_MAX);
        assert_eq!(confirmations.take(NodeId(0), 1), Some(1));
    }

    #[test]
    fn only_what_asks_for_it_is_confirmed() {
        let confirmation = |apdu: &[u8]| match Wanted::of(apdu) {
            Wanted::Confirmation(apdu) => Some(apdu),
            Wanted::Nothing | Wanted::Perhaps => None,
        };
        let asks = [0x0f, 0x40, 0, 0, 7, 0, 0];
        assert_eq!(confirmation(&asks), Some(vec![0x10, 0x40, 0, 0, 7, 0]));
        for other in [&[0x0f, 0, 0, 0, 7, 0, 0][..], &[0x0f, 0x40], &[0xc2, 0, 0], &[]] {
            assert!(matches!(Wanted::of(other), Wanted::Nothing), "{other:02x?}");
        }
        for closed in [0xdb, 0xdd, 0xdf] {
            assert!(matches!(Wanted::of(&[closed, 0]), Wanted::Perhaps));
        }
    }
}
