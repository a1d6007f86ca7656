//! The meter that the tests ask.

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard};

use dlms_tokio::ApduServer;

/// Lets simulated time pass.
pub(crate) async fn pass(time: Duration) {
    tokio::time::sleep_until(tokio::time::Instant::now() + time).await;
}

/// Answers every APDU with its octets in reverse order, and remembers what happened.
#[derive(Debug, Default)]
pub(crate) struct ReversingMeter {
    /// Client, server and APDU of everything asked.
    pub(crate) asked: Vec<(u16, u16, Vec<u8>)>,
    /// Client, server and APDU of everything told that must not be answered.
    pub(crate) told: Vec<(u16, Option<u16>, Vec<u8>)>,
    /// Client and server of every link that went.
    pub(crate) gone: Vec<(u16, u16)>,
    /// How long an answer takes to make.
    pub(crate) thinks: Duration,
}

/// The APDU that is never answered.
pub(crate) const UNANSWERED: [u8; 2] = [0xC0, 0xFF];

impl ApduServer for ReversingMeter {
    fn knows(&self, server: u16) -> bool {
        matches!(server, 1 | 17 | 0x1234)
    }

    fn handle(&mut self, client: u16, server: u16, apdu: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
        self.asked.push((client, server, apdu.clone()));
        out.extend(apdu.iter().rev());
        *apdu != UNANSWERED
    }

    fn handle_unconfirmed(&mut self, client: u16, server: Option<u16>, apdu: &mut Vec<u8>) {
        self.told.push((client, server, apdu.clone()));
    }

    fn disconnected(&mut self, client: u16, server: u16) {
        self.gone.push((client, server));
    }

    fn answer_after(&self) -> Duration {
        self.thinks
    }
}

/// A meter that several peers speak to, and that the test looks at meanwhile.
#[derive(Debug, Clone, Default)]
pub(crate) struct SharedMeter(Arc<Mutex<ReversingMeter>>);

impl SharedMeter {
    pub(crate) fn lock(&self) -> MutexGuard<'_, ReversingMeter> {
        self.0.lock().unwrap()
    }
}

impl ApduServer for SharedMeter {
    fn knows(&self, server: u16) -> bool {
        self.lock().knows(server)
    }

    fn handle(&mut self, client: u16, server: u16, apdu: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
        self.lock().handle(client, server, apdu, out)
    }

    fn handle_unconfirmed(&mut self, client: u16, server: Option<u16>, apdu: &mut Vec<u8>) {
        self.lock().handle_unconfirmed(client, server, apdu);
    }

    fn disconnected(&mut self, client: u16, server: u16) {
        self.lock().disconnected(client, server);
    }
}

/// An APDU of this many octets that is not the same backwards.
pub(crate) fn apdu(length: usize) -> Vec<u8> {
    (0..length).map(|place| (place * 7 + place / 256) as u8 | 1).collect()
}

pub(crate) fn reversed(apdu: &[u8]) -> Vec<u8> {
    apdu.iter().rev().copied().collect()
}
