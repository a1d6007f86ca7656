//! Activity calendar (class 20): the tariff calendar in force and the one that will follow it.

use dlms_core::{
    axdr::{Data, DataBuf},
    cosem::{ClassId, DateTime, LogicalName},
    device::{AttributeRights, Call, CosemObject, Get, MethodRights, put},
    xdlms::{ActionResult, DataAccessResult},
};

use super::{ACCESS, READ, READ_WRITE, replace};
use crate::{
    events::code,
    world::{World, moment},
};

/// The tariffication script table, which the day profiles refer to.
const TARIFF_SCRIPTS: [u8; 6] = [0, 0, 10, 0, 100, 255];
/// A season that begins on the first of January of any year.
const NEW_YEAR: [u8; 12] = [0xff, 0xff, 1, 1, 0xff, 0, 0, 0, 0, 0x80, 0, 0xff];

/// Name, seasons, weeks and days, as they were written.
#[derive(Clone)]
struct Calendar([DataBuf; 4]);

impl Calendar {
    fn new(name: &str, night_until: u8) -> Self {
        let action = |hour: u8, script: u16| {
            DataBuf::structure([
                DataBuf::octet_string([hour, 0, 0, 0]),
                DataBuf::octet_string(TARIFF_SCRIPTS),
                DataBuf::LongUnsigned(script),
            ])
        };
        let season = DataBuf::structure([
            DataBuf::octet_string(*b"YEAR"),
            DataBuf::octet_string(NEW_YEAR),
            DataBuf::octet_string(*b"WEEK"),
        ]);
        let week = DataBuf::structure(
            [DataBuf::octet_string(*b"WEEK")]
                .into_iter()
                .chain([1, 1, 1, 1, 1, 2, 2].map(DataBuf::Unsigned)),
        );
        let day = |id, actions: Vec<DataBuf>| {
            DataBuf::structure([DataBuf::Unsigned(id), DataBuf::array(actions)])
        };
        Self([
            DataBuf::octet_string(name),
            DataBuf::array([season]),
            DataBuf::array([week]),
            DataBuf::array([
                day(1, vec![action(0, 2), action(night_until, 1), action(22, 2)]),
                day(2, vec![action(0, 2)]),
            ]),
        ])
    }
}

/// The calendar.
pub(super) struct ActivityCalendar {
    active: Calendar,
    passive: Calendar,
    /// When the passive calendar takes over; unspecified when it does not by itself.
    takes_over: DateTime,
}

impl Default for ActivityCalendar {
    fn default() -> Self {
        Self {
            active: Calendar::new("TARIFF-A", 6),
            passive: Calendar::new("TARIFF-B", 5),
            takes_over: DateTime::UNSPECIFIED,
        }
    }
}

impl ActivityCalendar {
    fn is_due(&self, world: &World) -> bool {
        moment(&self.takes_over).is_some_and(|at| at <= world.clock())
    }

    /// The passive calendar is copied; it stays what it was.
    fn activate(&mut self, world: &mut World) {
        self.active = self.passive.clone();
        self.takes_over = DateTime::UNSPECIFIED;
        world.log(code::CALENDAR_ACTIVATED);
    }
}

impl CosemObject<World> for ActivityCalendar {
    fn class(&self) -> ClassId {
        ClassId::ACTIVITY_CALENDAR
    }

    fn name(&self) -> LogicalName {
        LogicalName([0, 0, 13, 0, 0, 255])
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[READ, READ, READ, READ, READ_WRITE, READ_WRITE, READ_WRITE, READ_WRITE, READ_WRITE]
    }

    /// activate_passive_calendar
    fn methods(&self) -> &[MethodRights] {
        &[ACCESS]
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        // Due, but nobody has written since.
        let due = self.is_due(get.world);
        let active = if due { &self.passive } else { &self.active };
        let takes_over = if due { DateTime::UNSPECIFIED } else { self.takes_over };
        match get.attribute {
            attribute @ 2..=5 => put(out, &active.0[usize::from(attribute.unsigned_abs()) - 2]),
            attribute @ 6..=9 => {
                put(out, &self.passive.0[usize::from(attribute.unsigned_abs()) - 6])
            }
            _ => put(out, &takes_over.to_data()),
        }
    }

    fn set(
        &mut self,
        attribute: i8,
        value: &Data<'_>,
        call: &mut Call<'_, World>,
    ) -> Result<(), DataAccessResult> {
        if self.is_due(call.world) {
            self.activate(call.world);
        }
        match attribute {
            6..=9 => replace(&mut self.passive.0[usize::from(attribute.unsigned_abs()) - 6], value),
            _ => {
                self.takes_over =
                    DateTime::from_data(value).ok_or(DataAccessResult::TypeUnmatched)?;
                Ok(())
            }
        }
    }

    fn invoke(
        &mut self,
        _method: i8,
        _parameter: &Data<'_>,
        call: &mut Call<'_, World>,
        _out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        self.activate(call.world);
        Ok(())
    }
}
