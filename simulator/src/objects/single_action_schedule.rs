//! Single action schedule (class 22): one script at one or more times.

use dlms_core::{
    axdr::{Data, DataBuf},
    cosem::{
        ClassId, Date, LogicalName, Time,
        value::{CosemValue, ExecutedScript, ExecutionTime},
    },
    device::{AttributeRights, Call, CosemObject, Get, put},
    xdlms::DataAccessResult,
};

use super::{READ_WRITE, script_table};
use crate::{
    alarm::{Alarm, is_now, next},
    world::World,
};

/// The end of the billing period.
const END_OF_BILLING: LogicalName = LogicalName([0, 0, 15, 0, 0, 255]);
/// When the disconnector is worked.
const DISCONNECT_CONTROL: LogicalName = LogicalName([0, 0, 15, 0, 1, 255]);
/// The first of every month.
const FIRST_OF_MONTH: [u8; 5] = [0xff, 0xff, 0xff, 1, 0xff];
/// Execution times of a schedule.
const TIMES_MAX: usize = 32;

/// Adds the objects of this class.
pub(super) fn add(objects: &mut Vec<Box<dyn CosemObject<World>>>) {
    let date = Date::from_data(&Data::OctetString(&FIRST_OF_MONTH)).unwrap_or(Date::UNSPECIFIED);
    let month = vec![ExecutionTime { time: Time::MIDNIGHT, date }];
    for (name, script_table, times) in [
        (END_OF_BILLING, script_table::END_OF_BILLING, month),
        (DISCONNECT_CONTROL, script_table::DISCONNECT, Vec::new()),
    ] {
        objects.push(Box::new(SingleActionSchedule {
            name,
            script: ExecutedScript { script_table, script: 1 },
            kind: 1,
            times,
            alarm: Alarm::NOW,
        }));
    }
}

struct SingleActionSchedule {
    name: LogicalName,
    script: ExecutedScript,
    /// type, 1 to 5.
    kind: u8,
    times: Vec<ExecutionTime>,
    alarm: Alarm,
}

/// Whether execution times are such as a type allows: how many there are, whether they have the
/// same time, whether a date may have wildcards.
fn fits(kind: u8, times: &[ExecutionTime]) -> bool {
    let (one, same_time, wildcards) = match kind {
        1 => (true, true, true),
        2 => (false, true, false),
        3 => (false, true, true),
        4 => (false, false, false),
        5 => (false, false, true),
        _ => return false,
    };
    let all_complete = times.iter().all(|at| at.date.is_complete());
    let all_same =
        times.iter().zip(times.iter().skip(1)).all(|(one, other)| one.time == other.time);
    times.len() <= TIMES_MAX
        && (!one || times.len() <= 1)
        && (!same_time || all_same)
        && (wildcards || all_complete)
}

impl CosemObject<World> for SingleActionSchedule {
    fn class(&self) -> ClassId {
        ClassId::SINGLE_ACTION_SCHEDULE
    }

    fn name(&self) -> LogicalName {
        self.name
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[READ_WRITE; 3]
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        match get.attribute {
            2 => put(out, &self.script.to_data()),
            3 => put(out, &DataBuf::Enum(self.kind)),
            _ => put(out, &self.times.to_data()),
        }
    }

    fn set(
        &mut self,
        attribute: i8,
        value: &Data<'_>,
        _call: &mut Call<'_, World>,
    ) -> Result<(), DataAccessResult> {
        let unmatched = DataAccessResult::TypeUnmatched;
        match attribute {
            2 => self.script = CosemValue::from_data(value).ok_or(unmatched)?,
            3 => {
                let kind = value.as_enum().ok_or(unmatched)?;
                if !fits(kind, &self.times) {
                    return Err(DataAccessResult::OtherReason);
                }
                self.kind = kind;
            }
            _ => {
                let times = Vec::<ExecutionTime>::from_data(value).ok_or(unmatched)?;
                if !fits(self.kind, &times) {
                    return Err(DataAccessResult::OtherReason);
                }
                self.times = times;
            }
        }
        self.alarm = Alarm::NOW;
        Ok(())
    }

    fn poll_timeout(&self, world: &World) -> Option<i64> {
        self.alarm.due(world)
    }

    fn handle_timeout(&mut self, _now: i64, call: &mut Call<'_, World>) {
        let clock = call.world.clock();
        let due = !self.alarm.is_stale(call.world)
            && self
                .times
                .iter()
                .any(|at| is_now(&call.world.zone, clock, at.time, |day| at.date.matches(day)));
        let next = self
            .times
            .iter()
            .map(|at| next(&call.world.zone, clock, at.time, |day| at.date.matches(day)));
        self.alarm.set(next.min(), call.world);
        if due {
            script_table::execute(&self.script, call);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_says_which_execution_times_there_may_be() {
        let at = |hour, octets: [u8; 5]| ExecutionTime {
            time: Time::new(hour, 0, 0).unwrap(),
            date: Date::from_data(&Data::OctetString(&octets)).unwrap(),
        };
        let (monthly, day, other) =
            ([0xff, 0xff, 0xff, 1, 0xff], [7, 0xea, 1, 15, 4], [7, 0xea, 1, 16, 5]);
        for (times, kinds) in [
            (vec![], &[1, 2, 3, 4, 5][..]),
            (vec![at(0, monthly)], &[1, 3, 5]),
            (vec![at(0, day)], &[1, 2, 3, 4, 5]),
            (vec![at(0, day), at(0, other)], &[2, 3, 4, 5]),
            (vec![at(0, day), at(0, monthly)], &[3, 5]),
            (vec![at(0, day), at(1, other)], &[4, 5]),
            (vec![at(0, day), at(1, monthly)], &[5]),
        ] {
            let fitting: Vec<u8> = (0..=6).filter(|kind| fits(*kind, &times)).collect();
            assert_eq!(fitting, kinds, "{times:?}");
        }
    }
}
