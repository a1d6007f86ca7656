//! The logical device behind the associations.

use std::path::PathBuf;

use dlms_core::{
    acse::Mechanism,
    association::{Access, ClientPolicy, DeviceKeys, LogicalDevice},
    axdr::{Data, DataBuf, RawData, Writer},
    cosem::{
        AttributeDescriptor, ClassId, DateTime, LogicalName, MethodDescriptor,
        concentrator::{Announcement, STATION_DEVIATES},
    },
    device::{AttributeRights, ClientRights, MethodRights, ObjectId, ObjectSet},
    security::{CryptoProvider, Protection, ReceiveCounter, Secret, SecuritySuite, SystemTitle},
    xdlms::{
        ActionResult, DataAccessResult, DataNotification, LongInvokeIdAndPriority, SelectiveAccess,
    },
};

use super::{Credentials, Keys, Parts, announcer::Forced, crypto::Provider, objects};
use crate::{
    exchange::SharedNodes,
    nodes::{LogicalDeviceName, Nodes},
    spool::Spool,
    state::{Epoch, Event, Events, KeyCounters},
    station::Readings,
};

/// The SAP of the management client (IEC 62056-47).
pub(super) const MANAGEMENT_CLIENT: u16 = 1;
/// The SAP of the reading client, as companion specifications have it.
const READING_CLIENT: u16 = 2;
/// The SAP of the public client.
const PUBLIC_CLIENT: u16 = 16;
/// The associations of the management, the reading and the public client, each of which sees its
/// own, beside the current one, which is the same.
pub(super) const ASSOCIATIONS: [LogicalName; 3] = [
    LogicalName([0, 0, 40, 0, 1, 255]),
    LogicalName([0, 0, 40, 0, 2, 255]),
    LogicalName([0, 0, 40, 0, 3, 255]),
];
/// The system title of a concentrator that has no keys, and so protects nothing under it.
const NO_TITLE: SystemTitle = SystemTitle([0; 8]);

/// What the objects share.
#[derive(Debug)]
pub(super) struct World {
    pub(super) name: LogicalDeviceName,
    pub(super) title: SystemTitle,
    pub(super) nodes: SharedNodes,
    pub(super) spool: Spool,
    pub(super) epoch: Epoch,
    pub(super) events: Events,
    /// The counter that was accepted last from whichever client.
    pub(super) received_counter: u32,
    pub(super) now_ms: i64,
    /// What clients asked to be pushed.
    pub(super) forced: Forced,
    pub(super) images: Images,
    /// What the concentrator reads by itself, if it does.
    #[cfg(feature = "collection")]
    pub(super) collected: Option<objects::Collected>,
    /// Voltage and current of the station, where they are read.
    pub(super) station: Option<Readings>,
}

/// What image transfer shares with the owner of the device.
#[derive(Debug, Default)]
pub(super) struct Images {
    /// The image that is to be activated, and its identifier.
    pub(super) asked: Option<(PathBuf, Vec<u8>)>,
    /// How that went.
    pub(super) activated: Option<bool>,
}

impl World {
    /// Looks at the meters, or changes them.
    pub(super) fn with_nodes<T>(&self, what: impl FnOnce(&mut Nodes) -> T) -> T {
        what(&mut self.nodes.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    pub(super) fn table_epoch(&self) -> u32 {
        self.with_nodes(|nodes| nodes.epoch())
    }

    pub(super) fn meters(&self) -> u16 {
        self.with_nodes(|nodes| u16::try_from(nodes.present()).unwrap_or(u16::MAX))
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub(super) const fn now(&self) -> i64 {
        self.now_ms.div_euclid(1_000)
    }

    /// A reading of the station: null-data while there is none.
    pub(super) fn reading(&self, index: usize) -> DataBuf {
        let values = self.station.as_ref().map(Readings::values).unwrap_or_default();
        values.get(index).copied().flatten().map_or(DataBuf::Null, DataBuf::DoubleLongUnsigned)
    }

    pub(super) fn log(&self, code: u16) {
        self.events.log(Event { at: self.now(), code });
    }
}

/// A moment in UTC, with its hundredths.
pub(super) fn date_time(unix_ms: i64) -> DateTime {
    let hundredths = u8::try_from(unix_ms.rem_euclid(1_000) / 10).ok();
    let Some(mut at) = DateTime::from_unix(unix_ms.div_euclid(1_000), Some(0)) else {
        return DateTime::UNSPECIFIED;
    };
    at.time = at.time.with_hundredths(hundredths).unwrap_or(at.time);
    at
}

/// A data-notification with this body. Of `number` the invoke-id keeps 24 bits.
pub(super) fn notification(now_ms: i64, number: u32, body: &DataBuf) -> Vec<u8> {
    let body = body.to_octets();
    let mut apdu = Vec::new();
    // What was just encoded is one Data.
    if let Ok(body) = RawData::from_octets(&body) {
        DataNotification {
            invoke: LongInvokeIdAndPriority::new(number),
            date_time: &date_time(now_ms).octets(),
            tagged_date_time: false,
            body,
        }
        .encode(&mut Writer::new(&mut apdu));
    }
    apdu
}

/// The device.
#[derive(Debug)]
pub(super) struct Device {
    world: World,
    objects: ObjectSet<World>,
    keys: Option<Keys>,
    password: Option<Secret>,
    reading_password: Option<Secret>,
    /// How the management client may prove itself.
    mechanisms: Vec<Mechanism>,
    public_sap_list: bool,
    counters: KeyCounters,
}

/// What a client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Everything that the objects give.
    Management,
    /// Read everything.
    Reading,
    /// Read what is needed to find one's way.
    Public { sap_list: bool },
}

impl ClientRights for Role {
    fn attribute(&self, object: ObjectId, _: i8, given: AttributeRights) -> AttributeRights {
        match *self {
            _ if !self.sees(object) => AttributeRights::NONE,
            Self::Management => given,
            Self::Reading => given.without_write(),
            Self::Public { sap_list } if is_public(object, sap_list) => given.without_write(),
            Self::Public { .. } => AttributeRights::NONE,
        }
    }

    fn method(&self, object: ObjectId, _: i8, given: MethodRights) -> MethodRights {
        match self {
            Self::Management if self.sees(object) => given,
            _ => MethodRights::NONE,
        }
    }
}

impl Role {
    /// Nobody sees the association of another client.
    fn sees(self, object: ObjectId) -> bool {
        let [management, reading, public] = ASSOCIATIONS;
        let own = match self {
            Self::Management => management,
            Self::Reading => reading,
            Self::Public { .. } => public,
        };
        object.class != ClassId::ASSOCIATION_LN
            || [LogicalName::CURRENT_ASSOCIATION, own].contains(&object.name)
    }
}

fn is_public(object: ObjectId, sap_list: bool) -> bool {
    match object.class {
        ClassId::CLOCK | ClassId::ASSOCIATION_LN => true,
        ClassId::SAP_ASSIGNMENT => sap_list,
        ClassId::DATA => [LogicalName::LOGICAL_DEVICE_NAME, LogicalName::INVOCATION_COUNTER]
            .contains(&object.name),
        _ => false,
    }
}

impl Device {
    pub(super) fn new(
        parts: Parts,
        #[cfg(feature = "collection")] collected: Option<objects::Collected>,
    ) -> (Self, Box<dyn Fn() -> i64 + Send>) {
        let Credentials { keys, password, reading_password, public_sap_list } = parts.credentials;
        let entries_max = parts.spool_entries_max;
        let mechanisms = [
            keys.is_some().then_some(Mechanism::HlsGmac),
            password.is_some().then_some(Mechanism::Lls),
        ];
        let device = Self {
            objects: objects::objects(
                entries_max,
                keys.is_some(),
                #[cfg(feature = "collection")]
                collected.is_some(),
                parts.push_destination,
                parts.firmware,
                parts.station.is_some(),
            ),
            world: World {
                name: parts.name,
                title: keys.as_ref().map_or(NO_TITLE, |keys| keys.title),
                nodes: parts.nodes,
                spool: parts.spool,
                epoch: parts.epoch,
                events: parts.events,
                received_counter: parts.counters.highest_received(),
                now_ms: (parts.clock)(),
                forced: Forced::default(),
                images: Images::default(),
                #[cfg(feature = "collection")]
                collected,
                station: parts.station,
            },
            keys,
            password,
            reading_password,
            mechanisms: mechanisms.into_iter().flatten().collect(),
            public_sap_list,
            counters: parts.counters,
        };
        (device, parts.clock)
    }

    pub(super) const fn world(&self) -> &World {
        &self.world
    }

    pub(super) const fn world_mut(&mut self) -> &mut World {
        &mut self.world
    }

    pub(super) const fn set_now(&mut self, now_ms: i64) {
        self.world.now_ms = now_ms;
    }

    /// The data-notification of a push setup.
    pub(super) fn announce(&self, now_ms: i64, setup: LogicalName, number: u32) -> Vec<u8> {
        let body = if setup == STATION_DEVIATES {
            objects::deviation(&self.world)
        } else {
            self.announcement(setup).to_data()
        };
        notification(now_ms, number, &body)
    }

    fn announcement(&self, setup: LogicalName) -> Announcement {
        let world = &self.world;
        Announcement {
            setup,
            name: world.name.octets().to_vec(),
            epoch: world.epoch.value(),
            table_epoch: world.table_epoch(),
            spool_next: world.spool.status().next,
            meters: world.meters(),
        }
    }

    /// What may be done with this very request. Keys and a password may be configured side by side,
    /// so the client does not tell how it must be protected: how it proved itself does.
    fn role_in(&self, access: &Access) -> Option<Role> {
        let wanted = protection_of(access.mechanism);
        let is_protected = access.protection.and(wanted) == access.protection;
        self.role(access.client).filter(|_| is_protected)
    }

    fn role(&self, client: u16) -> Option<Role> {
        match client {
            MANAGEMENT_CLIENT if !self.mechanisms.is_empty() => Some(Role::Management),
            READING_CLIENT if self.reading_password.is_some() => Some(Role::Reading),
            PUBLIC_CLIENT => Some(Role::Public { sap_list: self.public_sap_list }),
            _ => None,
        }
    }
}

/// How who has proven itself so protects each request: who gives a password has no keys.
pub(super) const fn protection_of(mechanism: Mechanism) -> Protection {
    match mechanism {
        Mechanism::HlsGmac => Protection::AUTHENTICATED_ENCRYPTED,
        _ => Protection::NONE,
    }
}

/// What the public client proves itself with.
static NO_SECRET: std::sync::LazyLock<Secret> = std::sync::LazyLock::new(|| Secret::from(""));

/// How a client is let in that proves and protects nothing.
fn anybody() -> ClientPolicy<'static> {
    ClientPolicy {
        mechanisms: &[Mechanism::Lowest],
        secret: &NO_SECRET,
        keys: None,
        protection: Protection::NONE,
        proven_release: false,
    }
}

impl LogicalDevice for Device {
    fn system_title(&self) -> SystemTitle {
        self.world.title
    }

    fn crypto(&self) -> &dyn CryptoProvider {
        &Provider
    }

    fn client(&self, sap: u16) -> Option<ClientPolicy<'_>> {
        match self.role(sap)? {
            Role::Management => Some(ClientPolicy {
                mechanisms: &self.mechanisms,
                secret: self.password.as_ref().unwrap_or(&NO_SECRET),
                keys: self.keys.as_ref().map(|keys| DeviceKeys {
                    suite: SecuritySuite::Suite0,
                    encryption: &keys.encryption,
                    authentication: &keys.authentication,
                }),
                // Who may give a password on a bare line protects nothing; who has proven itself
                // otherwise is held to more with each request ([`role_in`](Self::role_in)).
                protection: match self.password {
                    None => Protection::AUTHENTICATED_ENCRYPTED,
                    Some(_) => Protection::NONE,
                },
                proven_release: self.keys.is_some(),
            }),
            Role::Reading => Some(ClientPolicy {
                mechanisms: &[Mechanism::Lls],
                secret: self.reading_password.as_ref().unwrap_or(&NO_SECRET),
                ..anybody()
            }),
            Role::Public { .. } => Some(anybody()),
        }
    }

    fn take_counter(&mut self) -> Option<u32> {
        self.counters.take()
    }

    fn received(&self, client: SystemTitle) -> ReceiveCounter {
        self.counters.received(client)
    }

    fn accept(&mut self, client: SystemTitle, counter: u32) -> bool {
        let accepted = self.counters.accept(client, counter);
        if accepted {
            self.world.received_counter = self.world.received_counter.max(counter);
        }
        accepted
    }

    fn get(
        &mut self,
        access: &Access,
        attribute: AttributeDescriptor,
        selection: Option<SelectiveAccess<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        let role = self.role_in(access).ok_or(DataAccessResult::ReadWriteDenied)?;
        self.objects.get(access, &role, &self.world, attribute, selection, out)
    }

    fn set(
        &mut self,
        access: &Access,
        attribute: AttributeDescriptor,
        selection: Option<SelectiveAccess<'_>>,
        value: RawData<'_>,
    ) -> Result<(), DataAccessResult> {
        let role = self.role_in(access).ok_or(DataAccessResult::ReadWriteDenied)?;
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
        let role = self.role_in(access).ok_or(ActionResult::ReadWriteDenied)?;
        let parameter = parameters.unwrap_or(RawData::NULL).data();
        let parameter: Data<'_> = parameter.map_err(|_| ActionResult::TypeUnmatched)?;
        self.objects.action(access, &role, &mut self.world, method, &parameter, out)
    }
}
