//! Clock (class 8): local time with daylight saving, Central European time unless a client sets
//! another.

use core::ops::RangeInclusive;

use dlms_core::{
    axdr::{Data, DataBuf},
    cosem::{ClassId, DateTime, LogicalName, value::CosemValue},
    device::{AttributeRights, Call, CosemObject, Get, MethodRights, put},
    xdlms::{ActionResult, DataAccessResult},
};

use super::{ACCESS, READ, READ_WRITE};
use crate::{events::code, household::QUARTER_S, world::World, zone::Zone};

/// The clock base: an internal crystal.
const CRYSTAL: u8 = 1;
/// The greatest time zone, in minutes: with daylight saving a date-time can still say it.
const TIME_ZONE_MAX: i16 = 720;
/// The greatest deviation of daylight saving, in minutes (IEC 62056-6-2,
/// daylight_savings_deviation).
const SAVED_MAX: i16 = 120;
/// The greatest shift of method 6, in seconds (IEC 62056-6-2, shift_time).
const SHIFT_MAX_S: u16 = 900;

/// The clock. Its time is the world's.
#[derive(Default)]
pub(super) struct Clock {
    preset: Option<Preset>,
}

/// The parameter of preset_adjusting_time: a time that the clock is set to when a client says so,
/// if it does between two moments.
struct Preset {
    time: i64,
    validity: RangeInclusive<i64>,
}

impl Preset {
    fn from_data(data: &Data<'_>, zone: &Zone) -> Option<Self> {
        let mut fields = data.as_structure().filter(|fields| fields.len() == 3)?;
        let mut next = || zone.moment(&DateTime::from_data(&fields.next()?.ok()?)?);
        let (time, start, end) = (next()?, next()?, next()?);
        Some(Self { time, validity: start..=end })
    }
}

impl CosemObject<World> for Clock {
    fn class(&self) -> ClassId {
        ClassId::CLOCK
    }

    fn name(&self) -> LogicalName {
        LogicalName::CLOCK
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[READ_WRITE, READ_WRITE, READ, READ_WRITE, READ_WRITE, READ_WRITE, READ_WRITE, READ]
    }

    /// adjust_to_quarter, adjust_to_measuring_period, adjust_to_minute, adjust_to_preset_time,
    /// preset_adjusting_time, shift_time
    fn methods(&self) -> &[MethodRights] {
        &[ACCESS; 6]
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        let zone = &get.world.zone;
        let time = zone.local_time(get.world.clock());
        match get.attribute {
            2 => put(out, &time.to_data()),
            3 => put(out, &DataBuf::Long(zone.time_zone)),
            4 => put(out, &DataBuf::Unsigned(time.status.0)),
            5 => put(out, &zone.begin.to_data()),
            6 => put(out, &zone.end.to_data()),
            7 => put(out, &DataBuf::Integer(zone.saved)),
            8 => put(out, &DataBuf::Boolean(zone.enabled)),
            _ => put(out, &DataBuf::Enum(CRYSTAL)),
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
        let mut zone = call.world.zone;
        match attribute {
            2 => {
                let time: DateTime = read(value)?;
                let time = zone.moment(&time).ok_or(DataAccessResult::TypeUnmatched)?;
                set(call.world, time);
                return Ok(());
            }
            3 => zone.time_zone = read(value)?,
            5 => zone.begin = read(value)?,
            6 => zone.end = read(value)?,
            7 => zone.saved = read(value)?,
            _ => zone.enabled = read(value)?,
        }
        let in_range = |minutes: i16, max: i16| (-max..=max).contains(&minutes);
        if !in_range(zone.time_zone, TIME_ZONE_MAX) || !in_range(zone.saved.into(), SAVED_MAX) {
            return Err(DataAccessResult::OtherReason);
        }
        // The clock runs on in UTC; what it shows is another local time.
        call.world.zone = zone;
        call.world.calendar_changed();
        Ok(())
    }

    fn invoke(
        &mut self,
        method: i8,
        parameter: &Data<'_>,
        call: &mut Call<'_, World>,
        _out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        let now = call.world.clock();
        let nearest = |step: i64| (now + step / 2).div_euclid(step) * step;
        let then = match method {
            1 | 2 => nearest(QUARTER_S),
            3 => nearest(60),
            4 => {
                let valid = self.preset.take_if(|preset| preset.validity.contains(&now));
                valid.ok_or(ActionResult::OtherReason)?.time
            }
            5 => {
                let preset = Preset::from_data(parameter, &call.world.zone)
                    .ok_or(ActionResult::TypeUnmatched)?;
                self.preset = Some(preset);
                return Ok(());
            }
            _ => match parameter {
                Data::Long(shift) if shift.unsigned_abs() <= SHIFT_MAX_S => now + i64::from(*shift),
                _ => return Err(ActionResult::TypeUnmatched),
            },
        };
        set(call.world, then);
        Ok(())
    }
}

fn set(world: &mut World, unix_s: i64) {
    world.log(code::CLOCK_ADJUSTED_FROM);
    world.set_clock(unix_s);
    world.log(code::CLOCK_ADJUSTED_TO);
}
