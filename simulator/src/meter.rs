//! One simulated meter: its logical devices, each with objects, clients and counters of its own.

use std::{collections::BTreeMap, sync::Arc};

use dlms_core::{
    association::{Access, ClientPolicy, KeySet, LogicalDevice, ShortNameObject},
    axdr::{Data, RawData},
    companion::Companion,
    cosem::{AttributeDescriptor, MethodDescriptor, ShortName},
    device::{ObjectSet, SapAssignmentItem, Switching},
    security::{
        COUNTER_MAX, Certificate, Certificates, CryptoProvider, Key, PartyKeys, ProtectRequest,
        Protection, ReceiveCounter, RustCrypto, SecurityControl, SecuritySetup, SystemTitle,
        protect,
    },
    xdlms::{ActionResult, DataAccessResult, SelectiveAccess, tag},
};

use crate::{
    client::{MANAGEMENT_CLIENT, MeterClient, MeterKeys},
    objects::{objects, switch},
    push::{Push, PushRules},
    wall_clock::WallClock,
    world::World,
    zone::Deviation,
};

/// The SAP of the management logical device (IEC 62056-47), which every meter has.
pub const LOGICAL_DEVICE: u16 = 1;
/// The SAP of the next logical device; the others follow it.
pub(crate) const FURTHER_LOGICAL_DEVICES: u16 = 16;
/// The most logical devices of a meter. The last one is then at SAP 78, which still fits into an
/// HDLC address of one octet (IEC 62056-46); a meter with its four M-Bus channels has five.
pub const LOGICAL_DEVICES_MAX: u16 = 64;
/// The manufacturer in the system title and in the logical device name.
const MANUFACTURER: [u8; 3] = *b"DHE";
/// The octet of the system title that says what kind of device it is.
const DEVICE_TYPE: u8 = 1;
/// Client system titles whose counters a meter keeps. A further client is refused: forgetting one
/// would let its messages be replayed.
const CLIENT_TITLES_MAX: usize = 256;

/// What may happen between two requests before the rest is let go: a year of what happens every
/// five minutes.
const CATCH_UP_MAX: usize = 105_120;

/// What meters have in common.
#[derive(Clone, Debug)]
pub struct MeterConfig {
    /// Rows of the load profile, at most [`ENTRIES_MAX`](crate::ENTRIES_MAX): one at the end of
    /// each quarter of an hour, the newest one at the last full quarter.
    pub entries: u32,
    /// The keys.
    pub keys: MeterKeys,
    /// The clients.
    pub clients: Vec<MeterClient>,
    /// Where the time comes from.
    pub clock: WallClock,
    /// Seconds for which an image is verified, and again activated. Meanwhile the answer is
    /// temporary-failure, and the status of the image transfer tells when it is done.
    pub image_time_s: u32,
    /// The certificates of the authorities that the meters trust from the beginning.
    pub trust_anchors: Vec<Certificate>,
    /// How many logical devices a meter has, 1 to [`LOGICAL_DEVICES_MAX`]: that at SAP 1, and the
    /// others from SAP 16 on.
    pub logical_devices: u16,
    /// What the meters have and how they tell the time, instead of what is usual here. Its clients
    /// are [`MeterClient::of`].
    pub companion: Option<&'static Companion>,
    /// How the meters write how far their time is from UTC.
    pub deviation: Deviation,
    /// Whether the meters stay in standard time all year.
    pub standard_time: bool,
    /// What their push setups do where the standard leaves it open.
    pub push_rules: PushRules,
}

impl Default for MeterConfig {
    /// A year of quarter-hours, the keys of worked examples, three open clients, the time of the
    /// computer.
    fn default() -> Self {
        Self {
            entries: 35_040,
            keys: MeterKeys::default(),
            clients: MeterClient::open(),
            clock: WallClock::system(),
            image_time_s: 0,
            trust_anchors: Vec::new(),
            logical_devices: 1,
            companion: None,
            deviation: Deviation::Standard,
            standard_time: false,
            push_rules: PushRules::default(),
        }
    }
}

/// A button of the disconnector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    /// Manual disconnection.
    Disconnect,
    /// Manual reconnection.
    Reconnect,
}

/// A meter. All its state is in memory: what clients changed is gone when it is dropped.
#[derive(Debug)]
pub struct Meter {
    config: Arc<MeterConfig>,
    world: World,
    objects: ObjectSet<World>,
    short_names: Vec<ShortNameObject>,
    /// The next invocation counter to send.
    next_counter: u32,
    received: BTreeMap<[u8; 8], ReceiveCounter>,
    /// The same under the broadcast key.
    received_broadcast: BTreeMap<[u8; 8], ReceiveCounter>,
    /// The logical devices beside the management logical device, by their SAP.
    further: BTreeMap<u16, Self>,
}

impl Meter {
    /// The meter with this serial number, which decides about its household and its names.
    ///
    /// Its sending counter starts with the seconds of the computer's clock, whatever time the meter
    /// shows. A real meter stores it; this one still never sends a value twice under one key,
    /// whenever it is started again, as long as it sends less than one protected APDU a second on
    /// average.
    pub fn new(serial: u32, config: Arc<MeterConfig>) -> Self {
        let further = config.logical_devices.min(LOGICAL_DEVICES_MAX).saturating_sub(1);
        let further = FURTHER_LOGICAL_DEVICES..FURTHER_LOGICAL_DEVICES + further;
        let device = |sap| (sap, Self::logical_device_at(sap, serial, Arc::clone(&config)));
        let further: BTreeMap<u16, Self> = further.map(device).collect();
        let mut meter = Self::logical_device_at(LOGICAL_DEVICE, serial, config);
        let saps = [LOGICAL_DEVICE].into_iter().chain(further.keys().copied());
        meter.world.logical_devices = saps
            .map(|sap| SapAssignmentItem {
                sap,
                logical_device_name: logical_device_name(serial, sap),
            })
            .collect();
        meter.further = further;
        meter
    }

    fn logical_device_at(sap: u16, serial: u32, config: Arc<MeterConfig>) -> Self {
        let security = config.keys.security_setup();
        let objects = objects(config.entries, security.version, sap, config.companion);
        let title = title(serial, sap);
        let mut world = World::new(serial, sap, title, security, config.clock.now());
        world.image_time_s = config.image_time_s;
        world.certificates = Certificates::new(config.trust_anchors.clone());
        if let Some(companion) = config.companion {
            world.zone.time_zone = companion.time.deviation_minutes;
            world.zone.enabled = companion.time.daylight_saving;
        }
        world.zone.written = config.deviation;
        world.zone.enabled &= !config.standard_time;
        world.push_rules = config.push_rules;
        let short_names = short_names(&objects);
        let next_counter = u32::try_from(WallClock::system().now()).unwrap_or(1);
        Self {
            config,
            world,
            objects,
            short_names,
            next_counter,
            received: BTreeMap::new(),
            received_broadcast: BTreeMap::new(),
            further: BTreeMap::new(),
        }
    }

    /// The SAPs of its logical devices.
    pub(crate) fn saps(&self) -> Vec<u16> {
        [self.world.sap].into_iter().chain(self.further.keys().copied()).collect()
    }

    /// The logical device at `sap`; `None` where the meter has none. What the meter is asked
    /// directly, its management logical device answers.
    pub fn logical_device(&mut self, sap: u16) -> Option<&mut Self> {
        if sap == self.world.sap { Some(self) } else { self.further.get_mut(&sap) }
    }

    /// The serial number.
    pub fn serial(&self) -> u32 {
        self.world.serial
    }

    /// Lets the time go on to that of the clock, and what is due happen when it is due.
    fn catch_up(&mut self) {
        let now = self.config.clock.now();
        for _ in 0..CATCH_UP_MAX {
            let due = self.objects.poll_timeout(&self.world).filter(|due| *due <= now);
            let Some(due) = due else { break };
            // What should have happened earlier happens as soon as it can.
            let at = due.max(self.world.now().min(now));
            self.world.set_now(at);
            self.objects.handle_timeout(&mut self.world, at);
        }
        self.world.set_now(now);
    }

    /// Lets somebody at the meter push the button that disconnects or reconnects. False when the
    /// control mode has no such transition.
    pub fn push_button(&mut self, button: Button) -> bool {
        self.catch_up();
        let switching = match button {
            Button::Disconnect => Switching::ManualDisconnect,
            Button::Reconnect => Switching::ManualReconnect,
        };
        switch(switching, &mut self.world).is_ok()
    }

    /// What the meter has to send unasked by now. When it did not arrive, the owner says so with
    /// [`push_failed`](Self::push_failed), and the meter tries again as its push setup says.
    pub fn poll_push(&mut self) -> Option<Push> {
        self.catch_up();
        let further = |meter: &mut Self| meter.further.values_mut().find_map(Self::poll_push);
        self.world.pushes.pop_front().or_else(|| further(self))
    }

    /// The push did not arrive.
    pub fn push_failed(&mut self, push: &Push) {
        if let Some(device) = self.logical_device(push.logical_device) {
            device.world.undelivered.push(push.setup);
        }
    }

    /// The push was confirmed.
    pub fn push_confirmed(&mut self, push: &Push) {
        if let Some(device) = self.logical_device(push.logical_device) {
            device.catch_up();
            let at = device.world.clock();
            device.world.confirmed.insert(push.setup, at);
        }
    }

    /// The APDU of a push, authenticated and encrypted in general-glo-ciphering; none once the
    /// counters of its logical device are used up.
    pub fn protect_push(&mut self, push: &Push) -> Option<Vec<u8>> {
        let device = self.logical_device(push.logical_device)?;
        let counter = device.take_counter()?;
        let security = &device.world.security;
        let request = ProtectRequest {
            tag: tag::GENERAL_GLO_CIPHERING,
            system_title: device.world.title,
            send_title: true,
            control: SecurityControl::new(security.suite, Protection::AUTHENTICATED_ENCRYPTED),
            counter,
            key: &security.encryption,
            authentication_key: Some(&security.authentication),
        };
        let mut out = Vec::new();
        protect(&RustCrypto, &request, &push.apdu, &mut out).ok()?;
        Some(out)
    }

    /// Its keys and policy.
    pub(crate) fn security(&self) -> &SecuritySetup {
        &self.world.security
    }

    pub(crate) fn client_of(&self, sap: u16) -> Option<&MeterClient> {
        self.config.clients.iter().find(|client| client.sap == sap)
    }
}

/// The objects that have base names.
fn short_names(objects: &ObjectSet<World>) -> Vec<ShortNameObject> {
    objects
        .iter()
        .filter_map(|object| {
            let base = objects.base_name(object.class, object.name)?;
            Some(ShortNameObject {
                base: ShortName(base),
                class: object.class,
                version: object.version,
                instance: object.name,
                attributes: ShortNameObject::ATTRIBUTES_MAX,
            })
        })
        .collect()
}

/// The system title of a logical device: manufacturer, type, serial number of the meter. All
/// logical devices of a meter have the same keys, so none may have the title of another. The type
/// of a further one is its SAP.
fn title(serial: u32, sap: u16) -> SystemTitle {
    let [m0, m1, m2] = MANUFACTURER;
    let [s0, s1, s2, s3] = serial.to_be_bytes();
    let [_, low] = sap.to_be_bytes();
    let device_type = if sap == LOGICAL_DEVICE { DEVICE_TYPE } else { low };
    SystemTitle([m0, m1, m2, device_type, s0, s1, s2, s3])
}

/// The name of a logical device of the meter with this serial number, 16 characters: manufacturer,
/// SAP (000 for the management logical device, whose name is that of the meter), serial number.
pub(crate) fn logical_device_name(serial: u32, sap: u16) -> Vec<u8> {
    let sap = if sap == LOGICAL_DEVICE { 0 } else { sap };
    let mut name = MANUFACTURER.to_vec();
    name.extend(format!("{sap:03}{serial:010}").into_bytes());
    name
}

impl LogicalDevice for Meter {
    fn system_title(&self) -> SystemTitle {
        self.world.title
    }

    fn crypto(&self) -> &dyn CryptoProvider {
        &RustCrypto
    }

    fn client(&self, sap: u16) -> Option<ClientPolicy<'_>> {
        self.client_of(sap).map(|client| client.policy(&self.world.security))
    }

    fn party_keys(&self, _client: u16) -> Option<&PartyKeys> {
        Some(&self.world.security.party)
    }

    fn response_protection(&self, client: u16) -> Protection {
        match client {
            MANAGEMENT_CLIENT => self.world.security.policy.response,
            _ => Protection::NONE,
        }
    }

    fn short_names(&self) -> &[ShortNameObject] {
        &self.short_names
    }

    fn take_counter(&mut self) -> Option<u32> {
        let counter = self.next_counter;
        if counter == COUNTER_MAX {
            return None;
        }
        self.next_counter += 1;
        Some(counter)
    }

    fn received(&self, client: SystemTitle) -> ReceiveCounter {
        self.received.get(&client.0).copied().unwrap_or_default()
    }

    fn accept(&mut self, client: SystemTitle, counter: u32) -> bool {
        if self.received.len() >= CLIENT_TITLES_MAX && !self.received.contains_key(&client.0) {
            return false;
        }
        self.received.entry(client.0).or_default().accept(counter);
        self.world.received_counter = self.world.received_counter.max(counter);
        true
    }

    fn broadcast_key(&self) -> Option<&Key> {
        self.world.security.broadcast.as_ref()
    }

    fn received_broadcast(&self, client: SystemTitle) -> ReceiveCounter {
        self.received_broadcast.get(&client.0).copied().unwrap_or_default()
    }

    fn accept_broadcast(&mut self, client: SystemTitle, counter: u32) -> bool {
        let received = &mut self.received_broadcast;
        if received.len() >= CLIENT_TITLES_MAX && !received.contains_key(&client.0) {
            return false;
        }
        received.entry(client.0).or_default().accept(counter);
        true
    }

    fn get(
        &mut self,
        access: &Access,
        attribute: AttributeDescriptor,
        selection: Option<SelectiveAccess<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        self.catch_up();
        let client = self.client_of(access.client).ok_or(DataAccessResult::ReadWriteDenied)?;
        self.objects.get(access, &client.role, &self.world, attribute, selection, out)
    }

    fn set(
        &mut self,
        access: &Access,
        attribute: AttributeDescriptor,
        selection: Option<SelectiveAccess<'_>>,
        value: RawData<'_>,
    ) -> Result<(), DataAccessResult> {
        self.catch_up();
        let client = self.client_of(access.client).ok_or(DataAccessResult::ReadWriteDenied)?;
        let role = client.role;
        // No attribute here can be written in part.
        if selection.is_some() {
            return Err(DataAccessResult::ScopeOfAccessViolated);
        }
        let value = value.data().map_err(|_| DataAccessResult::TypeUnmatched)?;
        self.objects.set(access, &role, &mut self.world, attribute, &value)
    }

    fn action(
        &mut self,
        access: &Access,
        method: MethodDescriptor,
        parameters: Option<RawData<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        self.catch_up();
        let client = self.client_of(access.client).ok_or(ActionResult::ReadWriteDenied)?;
        let role = client.role;
        let parameter = parameters.unwrap_or(RawData::NULL).data();
        let parameter: Data<'_> = parameter.map_err(|_| ActionResult::TypeUnmatched)?;
        // What all meters of a group can say nobody has proven.
        let proven = access.mechanism.is_hls() && access.key_set == KeySet::Unicast;
        self.world.proven_client = access.client_title.filter(|_| proven);
        let security = &self.world.security;
        let (encryption, broadcast) = (security.encryption.clone(), security.broadcast.clone());
        let done = self.objects.action(access, &role, &mut self.world, method, &parameter, out);
        // A new key has counters of its own, which begin with it.
        if self.world.security.encryption != encryption {
            self.received.clear();
            self.world.received_counter = 0;
        }
        if self.world.security.broadcast != broadcast {
            self.received_broadcast.clear();
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_go_on_from_run_to_run_whatever_time_the_meter_shows() {
        let started = u32::try_from(WallClock::system().now()).unwrap();
        let clock = WallClock::fixed(0);
        let mut meter = Meter::new(1, Arc::new(MeterConfig { clock, ..MeterConfig::default() }));
        assert!(meter.take_counter().unwrap() >= started);
    }
}
