//! Clock (class 8): Central European time with daylight saving.

use core::ops::RangeInclusive;

use dlms_core::{
    axdr::{Data, DataBuf},
    cosem::{ClassId, DateTime, LogicalName},
    device::{AttributeRights, Call, CosemObject, Get, MethodRights, put},
    xdlms::{ActionResult, DataAccessResult},
};

use super::{ACCESS, READ, READ_WRITE};
use crate::{
    events::code,
    household::QUARTER_S,
    wall_clock::{SUMMER_DEVIATION_MINUTES, WINTER_DEVIATION_MINUTES},
    world::{World, local_time, moment},
};

/// Summer time begins on the last Sunday of March at 2 o'clock, in any year.
const SUMMER_BEGINS: [u8; 12] = [0xff, 0xff, 3, 0xfe, 7, 2, 0, 0, 0, 0x80, 0, 0];
/// It ends on the last Sunday of October at 3 o'clock.
const SUMMER_ENDS: [u8; 12] = [0xff, 0xff, 10, 0xfe, 7, 3, 0, 0, 0, 0x80, 0, 0x80];
/// The clock base: an internal crystal.
const CRYSTAL: u8 = 1;
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
    fn from_data(data: &Data<'_>) -> Option<Self> {
        let mut fields = data.as_structure().filter(|fields| fields.len() == 3)?;
        let mut next = || moment(&DateTime::from_data(&fields.next()?.ok()?)?);
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
        &[READ_WRITE, READ, READ, READ, READ, READ, READ, READ]
    }

    /// adjust_to_quarter, adjust_to_measuring_period, adjust_to_minute, adjust_to_preset_time,
    /// preset_adjusting_time, shift_time
    fn methods(&self) -> &[MethodRights] {
        &[ACCESS; 6]
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        let time = local_time(get.world.clock());
        match get.attribute {
            2 => put(out, &time.to_data()),
            3 => put(out, &DataBuf::Long(WINTER_DEVIATION_MINUTES)),
            4 => put(out, &DataBuf::Unsigned(time.status.0)),
            5 => put(out, &DataBuf::octet_string(SUMMER_BEGINS)),
            6 => put(out, &DataBuf::octet_string(SUMMER_ENDS)),
            7 => {
                let saved = WINTER_DEVIATION_MINUTES - SUMMER_DEVIATION_MINUTES;
                put(out, &DataBuf::Integer(i8::try_from(saved).unwrap_or(i8::MAX)))
            }
            8 => put(out, &DataBuf::Boolean(true)),
            _ => put(out, &DataBuf::Enum(CRYSTAL)),
        }
    }

    fn set(
        &mut self,
        _attribute: i8,
        value: &Data<'_>,
        call: &mut Call<'_, World>,
    ) -> Result<(), DataAccessResult> {
        let time = DateTime::from_data(value).ok_or(DataAccessResult::TypeUnmatched)?;
        set(call.world, moment(&time).ok_or(DataAccessResult::TypeUnmatched)?);
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
                let preset = Preset::from_data(parameter).ok_or(ActionResult::TypeUnmatched)?;
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
