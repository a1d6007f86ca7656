//! Schedule (class 10): scripts at a time of the day, on days of the week and on special days,
//! between two dates.
//!
//! On a special day only exec_specdays counts, by its day_id; on all other days exec_weekdays. The
//! simulated meter is never without power itself, so a validity window has nothing to do.

use dlms_core::{
    axdr::{Data, DataBuf},
    cosem::{
        ClassId, Date, LogicalName,
        value::{
            CosemValue, DeletedEntries, EnabledEntries, ExecutedScript, ScheduleEntry, SpecialDay,
        },
    },
    device::{AttributeRights, Call, CosemObject, Get, MethodRights, put},
    xdlms::{ActionResult, DataAccessResult},
};

use super::{ACCESS, READ_WRITE, script_table, special_days};
use crate::{
    alarm::{Alarm, is_now, look_again, next},
    world::World,
};

/// Entries of the schedule.
const ENTRIES_MAX: usize = 50;

/// The schedule, empty until a client fills it.
pub(super) struct Schedule {
    entries: Vec<ScheduleEntry>,
    alarm: Alarm,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { entries: Vec::new(), alarm: Alarm::NOW }
    }
}

/// Whether an entry is executed on a day.
fn is_wanted(entry: &ScheduleEntry, special_days: &[SpecialDay], day: Date) -> bool {
    if !entry.enabled || !is_between(entry.begin, entry.end, day) {
        return false;
    }
    match special_days.iter().find(|special| special.date.matches(day)) {
        Some(special) => entry.special_days.contains(special.day_id),
        None => day.day_of_week().is_some_and(|day_of_week| entry.weekdays.contains(day_of_week)),
    }
}

/// Whether a day is between two dates, both included. Without a year it is so every year, over the
/// turn of the year when the end comes before the beginning; what is not specified is open.
fn is_between(begin: Date, end: Date, day: Date) -> bool {
    let month_day = |date: Date| Some((date.month()?, date.day()?));
    let (Some(year), Some(today)) = (day.year(), month_day(day)) else { return false };
    match (begin.year(), end.year()) {
        (None, None) => match (month_day(begin), month_day(end)) {
            (Some(begin), Some(end)) if begin <= end => (begin..=end).contains(&today),
            (Some(begin), Some(end)) => today >= begin || today <= end,
            _ => true,
        },
        (from, until) => {
            let begun =
                from.is_none_or(|from| (from, month_day(begin).unwrap_or((1, 1))) <= (year, today));
            let ended = until
                .is_some_and(|until| (until, month_day(end).unwrap_or((12, 31))) < (year, today));
            begun && !ended
        }
    }
}

impl CosemObject<World> for Schedule {
    fn class(&self) -> ClassId {
        ClassId::SCHEDULE
    }

    fn name(&self) -> LogicalName {
        LogicalName([0, 0, 12, 0, 0, 255])
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[READ_WRITE]
    }

    /// enable/disable, insert, delete
    fn methods(&self) -> &[MethodRights] {
        &[ACCESS; 3]
    }

    fn get(&self, _get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        put(out, &DataBuf::array(self.entries.iter().map(CosemValue::to_data)))
    }

    fn set(
        &mut self,
        _attribute: i8,
        value: &Data<'_>,
        _call: &mut Call<'_, World>,
    ) -> Result<(), DataAccessResult> {
        let entries = Vec::<ScheduleEntry>::from_data(value);
        let mut entries = entries.ok_or(DataAccessResult::TypeUnmatched)?;
        if entries.len() > ENTRIES_MAX {
            return Err(DataAccessResult::OtherReason);
        }
        entries.sort_by_key(|entry| entry.index);
        self.entries = entries;
        self.alarm = Alarm::NOW;
        Ok(())
    }

    fn invoke(
        &mut self,
        method: i8,
        parameter: &Data<'_>,
        _call: &mut Call<'_, World>,
        _out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        let unmatched = ActionResult::TypeUnmatched;
        match method {
            1 => {
                let EnabledEntries { first_disabled, last_disabled, first_enabled, last_enabled } =
                    EnabledEntries::from_data(parameter).ok_or(unmatched)?;
                for entry in &mut self.entries {
                    if (first_disabled..=last_disabled).contains(&entry.index) {
                        entry.enabled = false;
                    }
                    if (first_enabled..=last_enabled).contains(&entry.index) {
                        entry.enabled = true;
                    }
                }
            }
            2 => {
                let entry = ScheduleEntry::from_data(parameter).ok_or(unmatched)?;
                // An entry of the same index is replaced.
                self.entries.retain(|known| known.index != entry.index);
                if self.entries.len() == ENTRIES_MAX {
                    return Err(ActionResult::OtherReason);
                }
                self.entries.push(entry);
                self.entries.sort_by_key(|entry| entry.index);
            }
            _ => {
                let DeletedEntries { first, last } =
                    DeletedEntries::from_data(parameter).ok_or(unmatched)?;
                self.entries.retain(|entry| !(first..=last).contains(&entry.index));
            }
        }
        self.alarm = Alarm::NOW;
        Ok(())
    }

    fn poll_timeout(&self, world: &World) -> Option<i64> {
        self.alarm.due(world)
    }

    fn handle_timeout(&mut self, _now: i64, call: &mut Call<'_, World>) {
        let (zone, clock) = (call.world.zone, call.world.clock());
        let special_days = special_days::read(call);
        // What comes is found anew; what is due was found before.
        let is_due = !self.alarm.is_stale(call.world);
        let next = self.entries.iter().map(|entry| {
            next(&zone, clock, entry.switch_time, |day| is_wanted(entry, &special_days, day))
        });
        self.alarm.set(Some(next.min().unwrap_or_else(|| look_again(clock))), call.world);
        let due = self.entries.iter().filter(|entry| {
            is_due
                && is_now(&zone, clock, entry.switch_time, |day| {
                    is_wanted(entry, &special_days, day)
                })
        });
        for entry in due {
            let script = ExecutedScript { script_table: entry.script_table, script: entry.script };
            script_table::execute(&script, call);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_without_a_year_are_so_every_year() {
        let date = |octets: [u8; 5]| Date::from_data(&Data::OctetString(&octets)).unwrap();
        let any = Date::UNSPECIFIED;
        let (april, october) = (date([0xff, 0xff, 4, 1, 0xff]), date([0xff, 0xff, 10, 31, 0xff]));
        let (from, until) = (date([7, 0xea, 3, 1, 0xff]), date([7, 0xeb, 2, 1, 0xff]));
        for (begin, end, day, wanted) in [
            (any, any, (2026, 1, 15), true),
            (april, october, (2026, 3, 31), false),
            (april, october, (2026, 4, 1), true),
            (april, october, (2030, 10, 31), true),
            (april, october, (2026, 11, 1), false),
            (october, april, (2026, 11, 1), true),
            (october, april, (2026, 3, 31), true),
            (october, april, (2026, 7, 1), false),
            (from, any, (2026, 2, 28), false),
            (from, any, (2027, 1, 1), true),
            (from, until, (2027, 2, 1), true),
            (from, until, (2027, 2, 2), false),
        ] {
            let (year, month, number) = day;
            let date = Date::new(year, month, number).unwrap();
            assert_eq!(is_between(begin, end, date), wanted, "{begin} {end} {date}");
        }
    }
}
