//! What the objects of one meter share: its identity, its clock, its supply and its event log.

use std::collections::{BTreeMap, VecDeque};

use dlms_core::{
    cosem::{DateTime, LogicalName},
    device::SapAssignmentItem,
    security::{Certificates, SecuritySetup, SystemTitle},
};

use crate::{
    events::EventLog,
    household::{Flow, Household, Meterage},
    meter::{LOGICAL_DEVICE, logical_device_name},
    push::{Push, PushRules},
    supply::Supply,
    tariff::Tariff,
    zone::Zone,
};

/// The firmware that meters are made with.
const FIRMWARE: &[u8] = b"DHE-1.0.0";

/// The surroundings of the objects of one meter.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) serial: u32,
    /// The SAP of this logical device.
    pub(crate) sap: u16,
    /// All logical devices of the meter; the management logical device lists them.
    pub(crate) logical_devices: Vec<SapAssignmentItem>,
    pub(crate) title: SystemTitle,
    /// Keys and policy, as clients may change them.
    pub(crate) security: SecuritySetup,
    /// Certificates, trust anchors and key pairs that are not in use yet.
    pub(crate) certificates: Certificates,
    /// The client whose request is served, if it proved who it is.
    pub(crate) proven_client: Option<SystemTitle>,
    pub(crate) household: Household,
    pub(crate) supply: Supply,
    pub(crate) events: EventLog,
    pub(crate) tariff: Tariff,
    /// The local time.
    pub(crate) zone: Zone,
    /// Counts the changes of the clock and of the special days: what comes next is another thing
    /// after each.
    pub(crate) revision: u32,
    /// The identifier of the active firmware.
    pub(crate) firmware: Vec<u8>,
    /// How long an image is verified and activated, in seconds.
    pub(crate) image_time_s: u32,
    /// What is to be pushed, oldest first.
    pub(crate) pushes: VecDeque<Push>,
    /// The push setups whose last push did not arrive.
    pub(crate) undelivered: Vec<LogicalName>,
    /// What is left open of push setups.
    pub(crate) push_rules: PushRules,
    /// When a push of each push setup was last confirmed, on the meter's clock.
    pub(crate) confirmed: BTreeMap<LogicalName, i64>,
    /// The greatest invocation counter accepted from any client.
    pub(crate) received_counter: u32,
    now: i64,
    /// Seconds that the meter's clock was set ahead of the true time.
    ahead_s: i64,
}

impl World {
    pub(crate) fn new(
        serial: u32,
        sap: u16,
        title: SystemTitle,
        security: SecuritySetup,
        now: i64,
    ) -> Self {
        // What is behind each logical device is measured by itself.
        let household = Household::new(serial.wrapping_add(u32::from(sap - LOGICAL_DEVICE)));
        let metered = household.energy_wh(Flow::Import, now);
        let tariff = Tariff::new(u32::try_from(metered).unwrap_or(u32::MAX));
        Self {
            serial,
            sap,
            logical_devices: Vec::new(),
            title,
            security,
            certificates: Certificates::default(),
            proven_client: None,
            household,
            tariff,
            zone: Zone::default(),
            revision: 0,
            supply: Supply::default(),
            events: EventLog::default(),
            firmware: FIRMWARE.to_vec(),
            image_time_s: 0,
            pushes: VecDeque::new(),
            undelivered: Vec::new(),
            push_rules: PushRules::default(),
            confirmed: BTreeMap::new(),
            received_counter: 0,
            now,
            ahead_s: 0,
        }
    }

    /// The true time. Meterage and profiles go by it, so that setting the clock neither makes nor
    /// loses energy.
    pub(crate) fn now(&self) -> i64 {
        self.now
    }

    /// Lets the true time be `now`.
    pub(crate) fn set_now(&mut self, now: i64) {
        self.now = now;
    }

    /// What the meter's clock shows, in UTC.
    pub(crate) fn clock(&self) -> i64 {
        self.now().saturating_add(self.ahead_s)
    }

    /// A moment as the meter writes it.
    pub(crate) fn local_time(&self, unix_s: i64) -> DateTime {
        self.zone.local_time(unix_s)
    }

    /// The moment that a date and time means to the meter; `None` when fields are missing.
    pub(crate) fn moment(&self, time: &DateTime) -> Option<i64> {
        self.zone.moment(time)
    }

    /// The true time at which the meter's clock shows `clock`.
    pub(crate) fn true_time(&self, clock: i64) -> i64 {
        clock.saturating_sub(self.ahead_s)
    }

    /// Sets the meter's clock.
    pub(crate) fn set_clock(&mut self, unix_s: i64) {
        self.ahead_s = unix_s.saturating_sub(self.now());
        self.calendar_changed();
    }

    /// Lets all who wait for a time on the clock look anew.
    pub(crate) fn calendar_changed(&mut self) {
        self.revision = self.revision.wrapping_add(1);
    }

    /// Energy in Wh since installation, as the registers count it: nothing flows while the supply
    /// is disconnected.
    pub(crate) fn energy_wh(&self, flow: Flow, unix_s: i64) -> u32 {
        self.metered(&mut self.household.meterage(flow), unix_s)
    }

    /// The same for many moments of one flow.
    pub(crate) fn metered(&self, meterage: &mut Meterage, unix_s: i64) -> u32 {
        let energy = meterage.energy_wh(unix_s);
        let lost = self.supply.lost_wh(meterage, unix_s);
        u32::try_from(energy.saturating_sub(lost)).unwrap_or(u32::MAX)
    }

    /// Power in W now.
    pub(crate) fn power_w(&self, flow: Flow) -> u32 {
        if self.supply.is_connected() { self.household.power_w(flow, self.now()) } else { 0 }
    }

    /// The current in hundredths of an ampere, negative while more is exported than imported.
    pub(crate) fn current_ca(&self) -> i16 {
        if self.supply.is_connected() { self.household.current_ca(self.now()) } else { 0 }
    }

    /// Energy in Wh that was imported while a tariff counted.
    pub(crate) fn tariff_wh(&self, tariff: usize) -> u32 {
        self.tariff.energy_wh(tariff, self.energy_wh(Flow::Import, self.now()))
    }

    /// The logical device name.
    pub(crate) fn logical_device_name(&self) -> Vec<u8> {
        logical_device_name(self.serial, self.sap)
    }

    /// Logs an event at the meter's time.
    pub(crate) fn log(&mut self, code: u8) {
        let at = self.clock();
        self.events.record(at, code);
    }
}
