//! Push setup (class 40, versions 0 to 3): what is pushed, where to, when, and how often it is
//! tried again. There is one of each version; the meter's owner takes the messages
//! ([`Meter::poll_push`](crate::Meter::poll_push)) and sends them.
//!
//! | attribute | from version | what it does here |
//! |---|---|---|
//! | 2 push_object_list | 0 | the values, in this order; by data_index one element of a value |
//! | its restriction, columns | 2 | of a profile buffer rows by date or by entry, and columns |
//! | 3 send_destination_and_method | 0 | `HOST:PORT` over TCP, UDP or, in frames of kind UI, HDLC |
//! | 4 communication_window | 0 | outside of all windows nothing is sent; what is due waits |
//! | 5 randomisation_start_interval | 0 | each meter waits for a part of it of its own |
//! | 6 number_of_retries | 0 | so often it is tried again when it did not arrive, or unconfirmed |
//! | 7 repetition_delay | 0 | seconds until then; from version 2 a curve: least, exponent, most |
//! | 8 port_reference | 1 | by a port that the meter does not have nothing arrives |
//! | 9 push_client_SAP | 1 | the client that it is for; in version 0 the public client |
//! | 10 push_protection_parameters | 1 | general-ciphering and general-signing, layer by layer |
//! | 11 push_operation_method | 2 | 2 asks to be confirmed; with 0 and 1 the transport tells |
//! | 12 confirmation_parameters | 2 | from when on, and once in how many seconds it asks for that |
//! | 13 last_confirmation_date_time | 2 | when a push was last confirmed |
//!
//! Version 3 has the attributes of version 2. What is published of some of these leaves open what
//! they do: [`PushRules`](crate::PushRules) has a switch for each.

mod restricted;

use dlms_core::{
    axdr::{Data, DataBuf, RawData, Writer},
    cosem::{
        AttributeDescriptor, AttributeId, ClassId, DateTime, LogicalName,
        value::{
            ConfirmationParameters, CosemValue, MessageType, OctetString, PushObject, PushObjectV0,
            RepetitionDelay, Restriction, RestrictionType, SendDestinationAndMethod,
            TransportService, Window,
        },
    },
    device::{AttributeRights, Call, CosemObject, Get, MethodRights, put},
    xdlms::{ActionResult, DataAccessResult, DataNotification, LongInvokeIdAndPriority},
};

use super::{ACCESS, READ, READ_WRITE, element, register};
use crate::{
    push::{ConfirmationInterval, Push, PushProtection},
    world::World,
    zone::Zone,
};

const VERSION_MAX: u8 = 3;
/// push_client_SAP: the public client, and always that in version 0, which has no such attribute.
const CLIENT: i8 = 16;
/// Objects and windows of a push setup.
const ENTRIES_MAX: usize = 50;
/// Pushes that wait to be taken. When nobody takes them, the oldest one makes room.
const PUSHES_MAX: usize = 16;
/// The invoke-id of a push has 24 bits.
const INVOKE_ID_MAX: u32 = 0x00ff_ffff;
/// How often a closed window is looked at again, in seconds.
const WINDOW_STEP_S: i64 = 60;
const DAY_S: i64 = 86_400;
/// push_operation_method: confirmed, and tried again when no confirmation comes. The others ask for
/// none (IEC 62056-6-2, class 40 version 2).
const CONFIRMED: u8 = 2;

/// Adds the objects of this class.
pub(super) fn add(objects: &mut Vec<Box<dyn CosemObject<World>>>) {
    for version in 0..=VERSION_MAX {
        let name = LogicalName([0, version, 25, 9, 0, 255]);
        objects.push(Box::new(PushSetup::new(name, version)));
    }
}

pub(super) struct PushSetup {
    name: LogicalName,
    version: u8,
    objects: Vec<PushObject>,
    destination: SendDestinationAndMethod,
    windows: Vec<Window>,
    randomisation_s: u16,
    retries: u8,
    /// In versions 0 and 1 only the least delay counts.
    delay: RepetitionDelay,
    port: OctetString,
    client: i8,
    /// As they were written; each is a [`PushProtection`].
    protection: Vec<DataBuf>,
    operation_method: u8,
    confirmation: ConfirmationParameters,
    /// When the next attempt is made, in true time.
    due: Option<i64>,
    /// Attempts that were made again.
    repeated: u8,
    /// Whether the push that is tried asks to be confirmed.
    asks: bool,
    /// When one last began to ask for that, on the meter's clock.
    asked: Option<i64>,
    invoke_id: u32,
}

impl PushSetup {
    pub(super) fn new(name: LogicalName, version: u8) -> Self {
        let object = |class, name| PushObject {
            class,
            name,
            attribute: 2,
            data_index: 0,
            restriction: Restriction { kind: RestrictionType::None, value: DataBuf::Null },
            columns: Vec::new(),
        };
        let registers = [register::IMPORT, register::IMPORT_POWER, register::VOLTAGE];
        let registers = registers.map(|name| object(ClassId::REGISTER, name));
        let clock = object(ClassId::CLOCK, LogicalName::CLOCK);
        Self {
            name,
            version,
            objects: [clock].into_iter().chain(registers).collect(),
            destination: SendDestinationAndMethod {
                transport: TransportService::Tcp,
                destination: b"127.0.0.1:4059"[..].into(),
                message: MessageType::Axdr,
            },
            windows: Vec::new(),
            randomisation_s: 0,
            retries: 0,
            delay: RepetitionDelay { min_s: 0, exponent_percent: 100, max_s: u16::MAX },
            port: OctetString::default(),
            client: CLIENT,
            protection: Vec::new(),
            operation_method: 0,
            confirmation: ConfirmationParameters { start: DateTime::UNSPECIFIED, interval_s: 0 },
            due: None,
            repeated: 0,
            asks: false,
            asked: None,
            invoke_id: 0,
        }
    }

    /// push_object_list, as the version has it.
    fn object_list(&self) -> DataBuf {
        if self.version >= 2 {
            return self.objects.to_data();
        }
        let objects = self.objects.iter().map(|object| {
            let &PushObject { class, name, attribute, data_index, .. } = object;
            PushObjectV0 { class, name, attribute, data_index }.to_data()
        });
        DataBuf::array(objects)
    }

    fn objects_from_data(&self, value: &Data<'_>) -> Option<Vec<PushObject>> {
        if self.version >= 2 {
            return CosemValue::from_data(value);
        }
        let objects = Vec::<PushObjectV0>::from_data(value)?.into_iter().map(|object| {
            let PushObjectV0 { class, name, attribute, data_index } = object;
            let restriction = Restriction { kind: RestrictionType::None, value: DataBuf::Null };
            PushObject { class, name, attribute, data_index, restriction, columns: Vec::new() }
        });
        Some(objects.collect())
    }

    /// How long to wait before an attempt is repeated for the n-th time.
    fn repetition_delay_s(&self, n: u8) -> i64 {
        let RepetitionDelay { min_s, exponent_percent, max_s } = self.delay;
        let (exponent, max) = (i64::from(exponent_percent), i64::from(max_s));
        (1..n).fold(i64::from(min_s).min(max), |delay, _| (delay * exponent / 100).min(max))
    }

    fn is_window_open(&self, world: &World) -> bool {
        self.windows.is_empty()
            || self.windows.iter().any(|window| is_open(window, &world.zone, world.clock()))
    }

    /// The value of one object: null-data where there is none.
    fn value(&self, object: &PushObject, call: &Call<'_, World>) -> DataBuf {
        let own = object.class == ClassId::PUSH_SETUP && object.name == self.name;
        let value = match (own, object.attribute) {
            (true, 1) => self.name.to_data(),
            (true, 2) => self.object_list(),
            _ if self.version >= 2 && restricted::is_restricted(object) => {
                restricted::part(object, call)
            }
            _ => {
                let attribute = AttributeDescriptor {
                    class: object.class,
                    instance: object.name,
                    attribute: AttributeId(object.attribute),
                };
                call.objects.value(call.world, attribute).unwrap_or(DataBuf::Null)
            }
        };
        element(value, object.data_index)
    }

    /// When a push was last confirmed.
    fn last_confirmation(&self, world: &World) -> DateTime {
        let confirmed = world.confirmed.get(&self.name);
        confirmed.map_or(DateTime::UNSPECIFIED, |at| world.local_time(*at))
    }

    /// Whether the meter has the port that pushes go out of. None is named: any will do.
    fn has_port(&self, call: &Call<'_, World>) -> bool {
        self.port.0.is_empty() || call.objects.iter().any(|object| object.name.0[..] == self.port.0)
    }

    /// Whether a push that is made now asks to be confirmed.
    fn asks_now(&self, world: &World) -> bool {
        if self.operation_method != CONFIRMED {
            return false;
        }
        if world.push_rules.confirmation == ConfirmationInterval::Ignored {
            return true;
        }
        let clock = world.clock();
        let begun = world.moment(&self.confirmation.start).is_none_or(|start| start <= clock);
        let interval = i64::from(self.confirmation.interval_s);
        begun && self.asked.is_none_or(|asked| clock.saturating_sub(asked) >= interval)
    }

    fn send(&mut self, call: &mut Call<'_, World>) {
        if !self.has_port(call) {
            call.world.undelivered.push(self.name);
            return;
        }
        if self.repeated == 0 {
            self.asks = self.asks_now(call.world);
            if self.asks {
                self.asked = Some(call.world.clock());
            }
        }
        self.invoke_id = (self.invoke_id + 1) & INVOKE_ID_MAX;
        let values = self.objects.iter().map(|object| self.value(object, call));
        let body = DataBuf::structure(values).to_octets();
        let Ok(body) = RawData::from_octets(&body) else { return };
        let invoke = LongInvokeIdAndPriority::new(self.invoke_id);
        let invoke = if self.asks { invoke.and_confirmed() } else { invoke };
        let notification = DataNotification {
            invoke,
            date_time: &call.world.local_time(call.world.clock()).octets(),
            tagged_date_time: false,
            body,
        };
        let mut apdu = Vec::new();
        notification.encode(&mut Writer::new(&mut apdu));
        let SendDestinationAndMethod { transport, destination, message } = self.destination.clone();
        let (setup, destination) = (self.name, destination.0);
        let client = u16::from(self.client.unsigned_abs());
        if call.world.pushes.len() == PUSHES_MAX {
            call.world.pushes.pop_front();
        }
        let logical_device = call.world.sap;
        let rules = call.world.push_rules;
        let protection = self.protection.iter();
        let protection = protection.filter_map(|it| PushProtection::from_data(it, rules)).collect();
        let push = Push {
            setup,
            logical_device,
            transport,
            destination,
            client,
            message,
            invoke,
            apdu,
            protection,
        };
        call.world.pushes.push_back(push);
    }
}

/// Whether a window is open: between two moments, or every day between two times on days that fit.
fn is_open(window: &Window, zone: &Zone, clock: i64) -> bool {
    if let Some((start, end)) = zone.moment(&window.start).zip(zone.moment(&window.end)) {
        return (start..end).contains(&clock);
    }
    let now = zone.local_time(clock);
    let seconds = now.unix_local().map(|local| local.rem_euclid(DAY_S));
    let second = |time: &DateTime| {
        let midnight = DateTime::from_unix(0, None)?.date;
        DateTime::new(midnight, time.time).unix_local()
    };
    let (start, end) = (second(&window.start), second(&window.end));
    window.start.date.matches(now.date)
        && seconds.is_some_and(|seconds| {
            start.is_none_or(|start| start <= seconds) && end.is_none_or(|end| seconds < end)
        })
}

impl CosemObject<World> for PushSetup {
    fn class(&self) -> ClassId {
        ClassId::PUSH_SETUP
    }

    fn version(&self) -> u8 {
        self.version
    }

    fn name(&self) -> LogicalName {
        self.name
    }

    fn attributes(&self) -> &[AttributeRights] {
        const ATTRIBUTES: [AttributeRights; 12] = [
            READ_WRITE, READ_WRITE, READ_WRITE, READ_WRITE, READ_WRITE, READ_WRITE, READ_WRITE,
            READ_WRITE, READ_WRITE, READ_WRITE, READ_WRITE, READ,
        ];
        match self.version {
            0 => &ATTRIBUTES[..6],
            1 => &ATTRIBUTES[..9],
            _ => &ATTRIBUTES,
        }
    }

    /// push, reset
    fn methods(&self) -> &[MethodRights] {
        const METHODS: [MethodRights; 2] = [ACCESS, ACCESS];
        if self.version < 2 { &METHODS[..1] } else { &METHODS }
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        match get.attribute {
            2 => put(out, &self.object_list()),
            3 => put(out, &self.destination.to_data()),
            4 => put(out, &self.windows.to_data()),
            5 => put(out, &self.randomisation_s.into()),
            6 => put(out, &self.retries.into()),
            7 if self.version < 2 => put(out, &self.delay.min_s.into()),
            7 => put(out, &self.delay.to_data()),
            8 => put(out, &self.port.to_data()),
            9 => put(out, &self.client.into()),
            10 => put(out, &self.protection.to_data()),
            11 => put(out, &DataBuf::Enum(self.operation_method)),
            12 => put(out, &self.confirmation.to_data()),
            _ => put(out, &DataBuf::DateTime(self.last_confirmation(get.world).octets())),
        }
    }

    fn set(
        &mut self,
        attribute: i8,
        value: &Data<'_>,
        call: &mut Call<'_, World>,
    ) -> Result<(), DataAccessResult> {
        fn read<T: CosemValue>(value: &Data<'_>) -> Result<T, DataAccessResult> {
            T::from_data(value).ok_or(DataAccessResult::TypeUnmatched)
        }
        fn few<T>(entries: Vec<T>) -> Result<Vec<T>, DataAccessResult> {
            Some(entries)
                .filter(|entries| entries.len() <= ENTRIES_MAX)
                .ok_or(DataAccessResult::OtherReason)
        }
        match attribute {
            2 => {
                let objects = self.objects_from_data(value);
                self.objects = few(objects.ok_or(DataAccessResult::TypeUnmatched)?)?;
            }
            3 => self.destination = read(value)?,
            4 => self.windows = few(read(value)?)?,
            5 => self.randomisation_s = read(value)?,
            6 => self.retries = read(value)?,
            7 if self.version < 2 => self.delay.min_s = read(value)?,
            7 => self.delay = read(value)?,
            8 => self.port = read(value)?,
            9 => self.client = read(value)?,
            10 => {
                let protection: Vec<DataBuf> = few(read(value)?)?;
                let rules = call.world.push_rules;
                if protection.iter().any(|it| PushProtection::from_data(it, rules).is_none()) {
                    return Err(DataAccessResult::TypeUnmatched);
                }
                self.protection = protection;
            }
            11 => {
                self.operation_method = value.as_enum().ok_or(DataAccessResult::TypeUnmatched)?;
            }
            _ => self.confirmation = read(value)?,
        }
        Ok(())
    }

    fn invoke(
        &mut self,
        method: i8,
        _parameter: &Data<'_>,
        call: &mut Call<'_, World>,
        _out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        self.repeated = 0;
        // Each meter waits for another time, and always for the same one.
        let wait = call.world.serial % (u32::from(self.randomisation_s) + 1);
        self.due = (method == 1).then(|| call.world.now().saturating_add(wait.into()));
        Ok(())
    }

    fn poll_timeout(&self, world: &World) -> Option<i64> {
        if world.undelivered.contains(&self.name) { Some(world.now()) } else { self.due }
    }

    fn handle_timeout(&mut self, now: i64, call: &mut Call<'_, World>) {
        let own = self.name;
        if call.world.undelivered.contains(&own) {
            call.world.undelivered.retain(|setup| *setup != own);
            if self.repeated < self.retries {
                self.repeated += 1;
                self.due = Some(now.saturating_add(self.repetition_delay_s(self.repeated)));
            }
        } else if self.is_window_open(call.world) {
            self.due = None;
            self.send(call);
        } else {
            self.due = Some(now + WINDOW_STEP_S);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_by_their_exponent_up_to_their_limit() {
        let mut setup = PushSetup::new(LogicalName([0, 2, 25, 9, 0, 255]), 2);
        setup.delay = RepetitionDelay { min_s: 60, exponent_percent: 200, max_s: 300 };
        let delays = [1, 2, 3, 4, 255].map(|n| setup.repetition_delay_s(n));
        assert_eq!(delays, [60, 120, 240, 300, 300]);
        setup.delay = RepetitionDelay { min_s: 60, exponent_percent: 100, max_s: u16::MAX };
        assert_eq!(setup.repetition_delay_s(9), 60);
    }

    #[test]
    fn a_window_is_two_moments_or_two_times_of_every_day() {
        let noon = 1_768_474_800; // 2026-01-15T12:00:00+01:00
        let window = |start: &str, end: &str| Window {
            start: start.parse().unwrap(),
            end: end.parse().unwrap(),
        };
        let daily = |window: Window| Window {
            start: DateTime::new(dlms_core::cosem::Date::UNSPECIFIED, window.start.time),
            end: DateTime::new(dlms_core::cosem::Date::UNSPECIFIED, window.end.time),
        };
        for (start, end, once, every_day) in [
            ("2026-01-15T11:00", "2026-01-15T13:00", true, true),
            ("2026-01-15T12:00", "2026-01-15T12:01", true, true),
            ("2026-01-15T11:00", "2026-01-15T12:00", false, false),
            ("2026-01-14T11:00", "2026-01-14T13:00", false, true),
        ] {
            assert_eq!(is_open(&window(start, end), &Zone::default(), noon), once, "{start}");
            assert_eq!(
                is_open(&daily(window(start, end)), &Zone::default(), noon),
                every_day,
                "{start}"
            );
        }
    }
}
