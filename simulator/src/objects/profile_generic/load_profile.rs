//! The load profile: energy every quarter of an hour.

use dlms_core::{
    axdr::{Data, Writer},
    cosem::{AttributeDescriptor, CaptureObject, ClassId, LogicalName},
};

use super::{Profile, Table};
use crate::{
    household::{Flow, INSTALLED_UNIX_S, Meterage, QUARTER_S},
    objects::{data, register},
    world::World,
};

/// Rows of a load profile: ten years of quarter-hours.
pub const ENTRIES_MAX: u32 = 350_640;

/// Row status, as it is common among European meters: daylight saving was active.
pub(super) const DAYLIGHT_SAVING: u8 = 0x08;
/// Row status: the grid failed within the quarter.
const POWER_DOWN: u8 = 0x80;
const DAY_S: i64 = 86_400;

const fn column(class: ClassId, name: LogicalName) -> CaptureObject {
    CaptureObject::new(AttributeDescriptor::new(class, name, 2))
}

pub(super) struct LoadProfile {
    entries: u32,
    /// Nothing older is left.
    cleared_at: i64,
}

impl LoadProfile {
    pub(super) fn new(entries: u32) -> Self {
        Self { entries: entries.min(ENTRIES_MAX), cleared_at: INSTALLED_UNIX_S }
    }
}

const COLUMNS: &[CaptureObject] = &[
    CaptureObject::CLOCK_TIME,
    column(ClassId::DATA, data::PROFILE_STATUS),
    column(ClassId::REGISTER, register::IMPORT),
    column(ClassId::REGISTER, register::EXPORT),
];

impl Profile for LoadProfile {
    fn name(&self) -> LogicalName {
        LogicalName([1, 0, 99, 1, 0, 255])
    }

    fn columns(&self) -> &[CaptureObject] {
        COLUMNS
    }

    fn capture_period_s(&self) -> u32 {
        QUARTER_S as u32
    }

    fn table<'w>(&'w self, world: &'w World) -> impl Table + 'w {
        let last = world.now().div_euclid(QUARTER_S);
        // The first quarter that ends after the profile was cleared.
        let oldest = self.cleared_at.div_euclid(QUARTER_S) + 1;
        let first = oldest.max(last + 1 - i64::from(self.entries));
        Quarters {
            world,
            first_s: first * QUARTER_S,
            len: usize::try_from(last + 1 - first).unwrap_or(0),
            import: world.household.meterage(Flow::Import),
            export: world.household.meterage(Flow::Export),
        }
    }

    fn capacity(&self) -> u32 {
        self.entries
    }

    fn reset(&mut self, world: &mut World) {
        self.cleared_at = world.now();
    }
}

/// The rows: one at the end of each quarter.
struct Quarters<'w> {
    world: &'w World,
    first_s: i64,
    len: usize,
    import: Meterage,
    export: Meterage,
}

impl Table for Quarters<'_> {
    fn len(&self) -> usize {
        self.len
    }

    fn time(&self, index: usize) -> i64 {
        self.first_s + i64::try_from(index).unwrap_or(0) * QUARTER_S
    }

    fn encode_cell(&mut self, index: usize, column: usize, writer: &mut Writer<'_>) {
        let time = self.time(index);
        match column {
            0 => Data::OctetString(&self.world.local_time(time).octets()).encode(writer),
            1 => Data::Unsigned(self.status(time)).encode(writer),
            2 => {
                let energy = self.world.metered(&mut self.import, time);
                Data::DoubleLongUnsigned(energy).encode(writer);
            }
            _ => {
                let energy = self.world.metered(&mut self.export, time);
                Data::DoubleLongUnsigned(energy).encode(writer);
            }
        }
    }
}

impl Quarters<'_> {
    fn status(&self, end_s: i64) -> u8 {
        let quarter = end_s - QUARTER_S..end_s;
        let mut status = 0;
        if self.world.local_time(end_s).status.is_dst_active() {
            status |= DAYLIGHT_SAVING;
        }
        let failure = self.world.household.power_failure(quarter.start.div_euclid(DAY_S));
        if failure.is_some_and(|(from, until)| from < quarter.end && until >= quarter.start) {
            status |= POWER_DOWN;
        }
        status
    }
}
