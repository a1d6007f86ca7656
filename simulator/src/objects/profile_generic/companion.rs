//! A profile as a companion says: its columns, and when a row is captured.

use dlms_core::{
    axdr::{Data, Writer},
    companion::{self, Period},
    cosem::{CaptureObject, ClassId, Date, DateTime, LogicalName, Time},
};

use super::{Profile, Table, event_log, load_profile::DAYLIGHT_SAVING};
use crate::{
    events::{EVENTS_MAX, Event},
    household::INSTALLED_UNIX_S,
    objects::companion::{captured_at, period_before, quantity},
    world::World,
};

const DAY_S: i64 = 86_400;
/// Rows of a profile with a row a day, and with a row a month.
const DAYS_MAX: u32 = 400;
const MONTHS_MAX: u32 = 36;

pub(in crate::objects) struct CompanionProfile {
    profile: companion::Profile,
    capacity: u32,
    /// Nothing older is left.
    cleared_at: i64,
}

impl CompanionProfile {
    pub(in crate::objects) fn new(profile: companion::Profile, entries: u32) -> Self {
        let capacity = match profile.period {
            Period::Event => EVENTS_MAX as u32,
            Period::Month => MONTHS_MAX,
            Period::Seconds(seconds) if is_day(seconds) => DAYS_MAX,
            Period::Seconds(_) => entries.max(1),
        };
        Self { profile, capacity, cleared_at: INSTALLED_UNIX_S }
    }
}

fn is_day(seconds: u32) -> bool {
    i64::from(seconds) == DAY_S
}

impl Profile for CompanionProfile {
    fn name(&self) -> LogicalName {
        self.profile.instance
    }

    fn columns(&self) -> &[CaptureObject] {
        self.profile.columns
    }

    fn capture_period_s(&self) -> u32 {
        self.profile.period.capture_period_s()
    }

    fn table<'w>(&'w self, world: &'w World) -> impl Table + 'w {
        let mut rows = Rows {
            world,
            columns: self.profile.columns,
            steps: match self.profile.period {
                Period::Month => Steps::Months,
                Period::Seconds(seconds) if is_day(seconds) => Steps::Days,
                Period::Seconds(seconds) => Steps::Seconds(i64::from(seconds)),
                Period::Event if self.profile.instance == event_log::NAME => {
                    Steps::Events(world.events.entries(&world.household, world.clock()))
                }
                Period::Event => Steps::Events(Vec::new()),
            },
            first: 0,
            len: 0,
        };
        if let Steps::Events(events) = &rows.steps {
            rows.len = events.len();
            return rows;
        }
        // The first step that ends after the profile was cleared.
        let last = rows.step_of(world.now());
        let oldest = rows.step_of(self.cleared_at) + 1;
        rows.first = oldest.max(last + 1 - i64::from(self.capacity));
        rows.len = usize::try_from(last + 1 - rows.first).unwrap_or(0);
        rows
    }

    fn capacity(&self) -> u32 {
        self.capacity
    }

    fn reset(&mut self, world: &mut World) {
        if self.profile.instance == event_log::NAME {
            let now = world.clock();
            world.events.clear(now);
        }
        self.cleared_at = world.now();
    }
}

/// What tells a row from the next.
enum Steps {
    /// So many seconds.
    Seconds(i64),
    /// Local midnights.
    Days,
    /// Local midnights with which months begin.
    Months,
    Events(Vec<Event>),
}

/// The rows.
struct Rows<'w> {
    world: &'w World,
    columns: &'w [CaptureObject],
    steps: Steps,
    first: i64,
    len: usize,
}

impl Rows<'_> {
    /// The number of the last step at `unix_s` or before.
    fn step_of(&self, unix_s: i64) -> i64 {
        let local = self.world.local_time(unix_s);
        match self.steps {
            Steps::Seconds(seconds) => unix_s.div_euclid(seconds),
            Steps::Days => local.unix_local().unwrap_or(0).div_euclid(DAY_S),
            Steps::Months => {
                let year = local.date.year().unwrap_or(1970);
                i64::from(year) * 12 + i64::from(local.date.month().unwrap_or(1)) - 1
            }
            Steps::Events(_) => 0,
        }
    }

    /// When step `number` is.
    fn moment(&self, number: i64) -> i64 {
        let date = match self.steps {
            Steps::Days => {
                DateTime::from_unix(number.saturating_mul(DAY_S), Some(0)).map(|time| time.date)
            }
            Steps::Months => {
                let year = u16::try_from(number.div_euclid(12)).ok();
                let month = u8::try_from(number.rem_euclid(12) + 1).ok();
                year.zip(month).and_then(|(year, month)| Date::new(year, month, 1))
            }
            Steps::Seconds(seconds) => return number.saturating_mul(seconds),
            Steps::Events(_) => None,
        };
        let midnight = date.map(|date| DateTime::new(date, Time::MIDNIGHT));
        midnight.and_then(|midnight| self.world.moment(&midnight)).unwrap_or(0)
    }
}

impl Table for Rows<'_> {
    fn len(&self) -> usize {
        self.len
    }

    fn time(&self, index: usize) -> i64 {
        match &self.steps {
            Steps::Events(events) => events[index].at,
            _ => self.moment(self.first + i64::try_from(index).unwrap_or(0)),
        }
    }

    fn encode_cell(&mut self, index: usize, column: usize, writer: &mut Writer<'_>) {
        let (at, column) = (self.time(index), self.columns[column]);
        let time = self.world.local_time(at);
        match (column.class, &self.steps) {
            (ClassId::CLOCK, _) => Data::OctetString(&time.octets()).encode(writer),
            (ClassId::DATA, Steps::Events(events)) => {
                Data::Unsigned(events[index].code).encode(writer);
            }
            (ClassId::DATA, _) if matches!(column.instance.0, [0, 0, 0, 1, ..]) => {
                period_before(self.world, at).encode(writer);
            }
            (ClassId::DATA, _) => {
                let status = if time.status.is_dst_active() { DAYLIGHT_SAVING } else { 0 };
                Data::Unsigned(status).encode(writer);
            }
            _ if column.attribute.0 == 5 => {
                let captured = captured_at(self.world, column.instance, at);
                let captured = self.world.local_time(captured).octets();
                Data::OctetString(&captured).encode(writer);
            }
            _ => {
                let value = quantity(self.world, column.instance, at);
                Data::DoubleLongUnsigned(value).encode(writer);
            }
        }
    }
}
