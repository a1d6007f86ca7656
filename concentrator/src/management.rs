//! The concentrator's own logical device, at SAP 1: who is behind it, what they have pushed, and
//! how it stands (IEC 62056-6-2; the names that the standard has no object for are in
//! [`dlms_core::cosem::concentrator`]).
//!
//! | object | class | what for |
//! |---|---|---|
//! | 0-0:42.0.0 | 1 | logical device name |
//! | 0-0:1.0.0 | 8 | clock: that of the system, in UTC |
//! | 0-0:41.0.0 | 17 | SAP assignment: all meters and itself; connect_logical_device |
//! | 0-0:40.0.0 | 15 | current association; 0-0:40.0.1, .2, .3: the same, by client |
//! | 0-0:43.0.0, 0-0:43.1.0 | 64, 1 | security setup and invocation counter, where it has keys |
//! | 0-0:44.0.0 | 18 | image transfer, for the firmware of the concentrator |
//! | 0-0:25.9.0, 0-1:25.9.0 | 40 | heartbeat; "the SAP assignment list has changed" |
//! | 0-2:25.9.0, 1-0:32.7.0, ... | 40, 3 | "the station deviates"; its voltages and currents |
//! | 0-0:99.98.0, 0-0:96.11.0 | 7, 1 | events, and the last of them |
//! | 0-0:128.0.1, .2, .3 | 1 | epoch of the concentrator, epoch of the list, meters present |
//! | 0-0:128.1.0 | 7 | the spool |
//! | 0-0:128.1.1, .2, .3 | 1 | its newest row, up to which it is acknowledged, its next number |
//! | 0-0:128.2.0, .3.0, .4.0 | 7 | what it read by itself, what is missing, what became of orders |
//! | 0-0:128.5.0 | 7 | what it read by itself, a meter and day in a row, compressed |
//! | 0-0:128.2.2, .3.2, .4.2, .5.2 | 1 | up to which, or what of that is acknowledged |
//! | 0-0:128.4.3 | 1 | takes orders |
//!
//! Three clients are known. The management client (1) proves itself by HLS GMAC and protects
//! everything, or gives a password where that is configured. The reading client (2) is there where
//! it has a password; it reads everything and changes nothing. The public client (16) sees name and
//! clock, and the list of meters only where that is configured: it tells who lives in the house.
//! Each has an object list of its own, of what it may do something with.
//!
//! A [`Management`] answers at once and never waits for a disk but where it says so. It is what the
//! exchange has at SAP 1 ([`Local`]), and can be served alone as well ([`ManagementPort`]).

mod announcer;
mod config;
mod crypto;
mod device;
mod objects;
#[cfg(test)]
#[cfg(feature = "ciphering")]
mod tests;
mod watcher;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use dlms_core::{
    acse::{Aare, AssociationResult},
    association::{Entropy, LogicalDevice, Server, ServerConfig},
    cosem::concentrator::LivePush,
    wrapper::MANAGEMENT_LOGICAL_DEVICE,
    xdlms::{Conformance, tag},
};
use dlms_tokio::ApduServer;

#[cfg(feature = "collection")]
pub use self::objects::Collected;
use self::{announcer::Announcer, device::Device, watcher::Watcher};
pub use self::{
    announcer::{DEBOUNCE_MS, HEARTBEAT_MS},
    config::{Credentials, CredentialsError, Keys, ManagementConfig},
};
use crate::{
    exchange::{Kept, Local, PushSink, Pushed, SharedNodes},
    firmware::IsGenuine,
    nodes::LogicalDeviceName,
    router::WanId,
    spool::{self, Spool, Taken},
    state::{Epoch, Event, Events, KeyCounters},
    station::Readings,
};

/// Associations at a time: those of each client that is known here on the connections that there
/// may be and from the senders of datagrams, and more. Who is not known has none.
pub const ASSOCIATIONS_MAX: usize = 512;
/// The largest APDU that is taken and sent, in octets.
const MAX_PDU: u16 = 2_048;
/// The services of short name referencing: no object here has one.
const SHORT_NAMES: Conformance = Conformance::READ
    .union(Conformance::WRITE)
    .union(Conformance::UNCONFIRMED_WRITE)
    .union(Conformance::PARAMETERIZED_ACCESS);

/// Codes of events of the concentrator.
pub mod event {
    /// It was started.
    pub const STARTED: u16 = 1;
    /// A client gave a meter a SAP.
    pub const SAP_ATTACHED: u16 = 2;
    /// A client took a meter its SAP.
    pub const SAP_DETACHED: u16 = 3;
    /// A client raised the epoch: the concentrator took over.
    pub const EPOCH_RAISED: u16 = 4;
    /// New firmware was verified.
    pub const IMAGE_VERIFIED: u16 = 5;
    /// New firmware was activated.
    pub const IMAGE_ACTIVATED: u16 = 6;
    /// No head-end that takes pushes is connected any more.
    pub const WAN_LOST: u16 = 7;
    /// One is.
    pub const WAN_BACK: u16 = 8;
    /// Meters were found.
    pub const NODE_FOUND: u16 = 9;
    /// Meters were lost.
    pub const NODE_LOST: u16 = 10;
    /// The list of meters has changed.
    pub const TABLE_CHANGED: u16 = 11;
    /// Somebody was not let in.
    pub const ACCESS_REFUSED: u16 = 12;
    /// New firmware was not genuine.
    pub const IMAGE_REFUSED: u16 = 13;
    /// New firmware could not be activated.
    pub const IMAGE_NOT_ACTIVATED: u16 = 14;
}

/// What a client wants done that is not the device's to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManagementEvent {
    /// A firmware is to be activated. [`Management::image_activated`] tells how that went.
    ActivateImage {
        /// Where it is, with its signature.
        file: PathBuf,
        /// What the client calls it.
        identifier: Vec<u8>,
    },
}

/// That firmware may be transferred.
#[derive(Clone)]
pub struct Firmware {
    /// The folder in which images are kept.
    pub folder: PathBuf,
    /// What says whether one is genuine.
    pub is_genuine: IsGenuine,
}

impl core::fmt::Debug for Firmware {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Firmware").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// What the management device is made of.
pub struct Parts {
    /// The logical device name of the concentrator.
    pub name: LogicalDeviceName,
    /// The meters.
    pub nodes: SharedNodes,
    /// What they pushed.
    pub spool: Spool,
    /// How many pushes the spool keeps.
    pub spool_entries_max: u32,
    /// The epoch of the concentrator.
    pub epoch: Epoch,
    /// What happened to it.
    pub events: Events,
    /// The counters of its keys.
    pub counters: KeyCounters,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub clock: Box<dyn Fn() -> i64 + Send>,
    /// What clients prove themselves with.
    pub credentials: Credentials,
    /// Where announcements are sent, as the push setups tell it: `192.0.2.1:4059`.
    pub push_destination: String,
    /// Whether firmware may be transferred. Without it image transfer is not enabled.
    pub firmware: Option<Firmware>,
    /// Voltage and current of the station, where they are read.
    pub station: Option<Readings>,
}

impl core::fmt::Debug for Parts {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Parts").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The management logical device: a handle, as many as are needed.
#[derive(Clone, Debug)]
pub struct Management(Arc<Mutex<Inner>>);

struct Inner {
    device: Device,
    announcer: Announcer,
    watcher: Watcher,
    /// An association for each client on each connection.
    associations: BTreeMap<(WanId, u16), Server>,
    clock: Box<dyn Fn() -> i64 + Send>,
}

impl core::fmt::Debug for Inner {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Inner").field("associations", &self.associations.len()).finish()
    }
}

impl Management {
    /// The device of these parts. That it was started is its first event.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self::of(
            parts,
            #[cfg(feature = "collection")]
            None,
        )
    }

    /// The same, with what the concentrator reads by itself.
    #[cfg(feature = "collection")]
    #[must_use]
    pub fn with_collection(parts: Parts, collected: Collected) -> Self {
        Self::of(parts, Some(collected))
    }

    fn of(parts: Parts, #[cfg(feature = "collection")] collected: Option<Collected>) -> Self {
        let at = (parts.clock)().div_euclid(1_000);
        parts.events.log(Event { at, code: event::STARTED });
        let (device, clock) = Device::new(
            parts,
            #[cfg(feature = "collection")]
            collected,
        );
        let announcer = Announcer::default();
        Self(Arc::new(Mutex::new(Inner {
            device,
            announcer,
            watcher: Watcher::default(),
            associations: BTreeMap::new(),
            clock,
        })))
    }

    /// An APDU that the concentrator sends unasked by now, for all head-ends that take pushes: from
    /// SAP 1, to [`PUSH_CLIENT`](Self::PUSH_CLIENT). To be called again until there is none, and at
    /// least once a second. `uptime_ms` is of a clock that nobody sets, in milliseconds.
    #[must_use]
    pub fn poll_push(&self, uptime_ms: i64) -> Option<Vec<u8>> {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let table_epoch = inner.device.world().table_epoch();
        let forced = core::mem::take(&mut inner.device.world_mut().forced);
        inner.announcer.force(forced);
        let (setup, number) = inner.announcer.poll(uptime_ms, table_epoch)?;
        let now_ms = (inner.clock)();
        Some(inner.device.announce(now_ms, setup, number))
    }

    /// What a client wants done.
    #[must_use]
    pub fn poll_event(&self) -> Option<ManagementEvent> {
        let (file, identifier) = self.lock().device.world_mut().images.asked.take()?;
        Some(ManagementEvent::ActivateImage { file, identifier })
    }

    /// The firmware that was to be activated is; or `activated` is false.
    pub fn image_activated(&self, activated: bool) {
        let mut inner = self.lock();
        let now_ms = (inner.clock)();
        inner.device.set_now(now_ms);
        let world = inner.device.world_mut();
        world.images.activated = Some(activated);
        world.log(if activated { event::IMAGE_ACTIVATED } else { event::IMAGE_NOT_ACTIVATED });
    }

    /// Notes what has happened by itself: to be called as often as [`poll_push`](Self::poll_push).
    /// `is_connected` tells of the head-ends that take pushes, if there are any.
    pub fn watch(&self, is_connected: Option<bool>) {
        let mut inner = self.lock();
        let inner = &mut *inner;
        inner.device.set_now((inner.clock)());
        let world = inner.device.world();
        let watcher = &mut inner.watcher;
        let changes = world.with_nodes(|nodes| watcher.look(world.now(), nodes));
        let wan = is_connected.and_then(|is_connected| watcher.wan(is_connected));
        for code in changes.into_iter().chain(wan) {
            world.log(code);
        }
    }

    /// Voltages or currents of the station deviate, or do no more: notes the codes, and tells
    /// head-ends of them.
    pub fn deviates(&self, codes: &[u16]) {
        let mut inner = self.lock();
        let now_ms = (inner.clock)();
        inner.device.set_now(now_ms);
        let world = inner.device.world_mut();
        for code in codes {
            world.log(*code);
        }
        world.forced.deviation = true;
    }

    /// The client that announcements are for: the management client.
    pub const PUSH_CLIENT: u16 = device::MANAGEMENT_CLIENT;

    /// Serves one connection by itself, without an exchange: a thing to be served by
    /// [`serve_wrapper`](dlms_tokio::serve_wrapper). `wan` tells connections apart.
    #[must_use]
    pub fn port(&self, wan: WanId) -> ManagementPort {
        ManagementPort { management: self.clone(), wan }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn handle(&mut self, wan: WanId, client: u16, apdu: &mut [u8], out: &mut Vec<u8>) -> bool {
        let now_ms = (self.clock)();
        self.device.set_now(now_ms);
        let full = self.associations.len() >= ASSOCIATIONS_MAX;
        if full && !self.associations.contains_key(&(wan, client)) {
            return false;
        }
        // Who is not known gets its answer, and leaves nothing behind.
        let known = self.device.client(client).is_some();
        let mut association = self.associations.remove(&(wan, client)).unwrap_or_else(|| {
            let config = ServerConfig::new(client);
            let conformance = config.conformance.without(SHORT_NAMES);
            Server::new(ServerConfig { max_pdu: MAX_PDU, conformance, ..config })
        });
        let is_release = apdu.first() == Some(&tag::RLRQ);
        let answered = association.handle_apdu(&mut self.device, &mut SystemEntropy, apdu, out);
        // An AARE that accepts is the first half of HLS.
        let is_let_in = association.is_associated()
            || Aare::decode(out).is_ok_and(|aare| aare.result == AssociationResult::Accepted);
        if !is_let_in && !is_release {
            let world = self.device.world();
            if let Some(code) = self.watcher.refused(world.now()) {
                tracing::warn!(client, "somebody was not let in at SAP 1");
                world.log(code);
            }
        }
        if known {
            self.associations.insert((wan, client), association);
        }
        answered
    }
}

impl Local for Management {
    fn handle(&mut self, wan: WanId, client: u16, apdu: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
        self.lock().handle(wan, client, apdu, out)
    }

    fn further(&mut self, wan: WanId, client: u16, out: &mut Vec<u8>) -> bool {
        let mut inner = self.lock();
        let association = inner.associations.get_mut(&(wan, client));
        association.is_some_and(|association| association.poll_transmit(out))
    }

    fn left(&mut self, wan: WanId, client: u16) {
        self.lock().associations.remove(&(wan, client));
    }

    fn closed(&mut self, wan: WanId) {
        self.lock().associations.retain(|(of, _), _| *of != wan);
    }
}

/// The management device on one connection.
#[derive(Debug)]
pub struct ManagementPort {
    management: Management,
    wan: WanId,
}

impl ApduServer for ManagementPort {
    fn knows(&self, server: u16) -> bool {
        server == MANAGEMENT_LOGICAL_DEVICE
    }

    fn handle(&mut self, client: u16, _: u16, apdu: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
        Local::handle(&mut self.management, self.wan, client, apdu, out)
    }

    fn further(&mut self, client: u16, _: u16, out: &mut Vec<u8>) -> bool {
        Local::further(&mut self.management, self.wan, client, out)
    }

    fn disconnected(&mut self, client: u16, _: u16) {
        Local::left(&mut self.management, self.wan, client);
    }
}

/// What keeps the pushes of meters that the exchange passes on, and says which they are.
pub struct SpoolSink {
    concentrator: LogicalDeviceName,
    spool: Spool,
    clock: Box<dyn Fn() -> i64 + Send>,
    number: u32,
}

impl SpoolSink {
    /// Into the `spool` of the concentrator of this name, at the time in milliseconds that `clock`
    /// tells.
    #[must_use]
    pub fn new(
        concentrator: LogicalDeviceName,
        spool: Spool,
        clock: Box<dyn Fn() -> i64 + Send>,
    ) -> Self {
        Self { concentrator, spool, clock, number: 0 }
    }
}

impl core::fmt::Debug for SpoolSink {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SpoolSink").field("spool", &self.spool).finish_non_exhaustive()
    }
}

impl PushSink for SpoolSink {
    /// One that the spool does not take is counted there, and passed on without a number.
    fn push(&mut self, pushed: &Pushed<'_>) -> Option<Kept> {
        let Pushed { node, client, apdu } = *pushed;
        let arrived_ms = (self.clock)();
        let name = node.name.clone();
        let push = spool::Push { arrived_ms, sap: node.sap, client, name, apdu };
        let Ok(Taken { sequence, epoch }) = self.spool.push(push) else {
            tracing::debug!(sap = node.sap, "a push is lost: the disk takes nothing");
            return None;
        };
        let live = LivePush {
            concentrator: self.concentrator.octets().to_vec(),
            epoch,
            sequence,
            arrived: device::date_time(arrived_ms),
            sap: node.sap,
            client,
            name: node.name.octets().to_vec(),
        };
        self.number = self.number.wrapping_add(1);
        let which = device::notification(arrived_ms, self.number, &live.to_data());
        Some(Kept { number: sequence, which })
    }

    fn stored(&self) -> u64 {
        self.spool.stored()
    }
}

/// The random numbers of the operating system.
struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&mut self, octets: &mut [u8]) {
        // Without random numbers every challenge would be the same: better no device than that.
        #[expect(clippy::expect_used, reason = "nothing sensible can be done without entropy")]
        getrandom::fill(octets).expect("the operating system has no random numbers");
    }
}
