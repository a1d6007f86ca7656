//! Activity calendar (class 20): which script is executed when, by season, week and day; and the
//! calendar that will follow this one.
//!
//! On a day of the [special days table](super::special_days) its day profile holds, else that of
//! the day of the week. When the calendar begins to hold, or the clock is set, the script that
//! would have been executed last is executed, so that the tariff is always that of the calendar.

use dlms_core::{
    axdr::{Data, DataBuf},
    cosem::{
        ClassId, Date, DateTime, LogicalName, Time,
        value::{
            CosemValue, DayAction, DayProfile, ExecutedScript, OctetString, SeasonProfile,
            WeekProfile,
        },
    },
    device::{AttributeRights, Call, CosemObject, Get, MethodRights, put},
    xdlms::{ActionResult, DataAccessResult},
};

use super::{ACCESS, READ, READ_WRITE, script_table, special_days};
use crate::{
    alarm::{Alarm, day, look_again},
    events::code,
    world::World,
    zone::Zone,
};

/// A season that begins on the first of January of any year.
const NEW_YEAR: [u8; 12] = [0xff, 0xff, 1, 1, 0xff, 0, 0, 0, 0, 0x80, 0, 0xff];
/// Days that are looked back for the script executed last: every day profile has one at midnight,
/// as a rule.
const DAYS_BACK: i64 = 7;
/// Days that are looked ahead for the next script.
const DAYS_AHEAD: i64 = 8;
/// Seasons, weeks and days of a calendar, and actions of a day.
const ENTRIES_MAX: usize = 32;

#[derive(Clone, Default)]
struct Calendar {
    name: OctetString,
    seasons: Vec<SeasonProfile>,
    weeks: Vec<WeekProfile>,
    days: Vec<DayProfile>,
}

impl Calendar {
    /// By day the first tariff from `night_until` to 22 o'clock; nights and weekends the second.
    fn new(name: &str, night_until: u8) -> Self {
        let action = |hour, script| DayAction {
            start: Time::new(hour, 0, 0).unwrap_or(Time::MIDNIGHT),
            script_table: script_table::TARIFFICATION,
            script,
        };
        let start = DateTime::from_data(&Data::OctetString(&NEW_YEAR));
        Self {
            name: name.as_bytes().into(),
            seasons: vec![SeasonProfile {
                name: b"YEAR"[..].into(),
                start: start.unwrap_or(DateTime::UNSPECIFIED),
                week_name: b"WEEK"[..].into(),
            }],
            weeks: vec![WeekProfile::new(b"WEEK", [1, 1, 1, 1, 1, 2, 2])],
            days: vec![
                DayProfile {
                    day_id: 1,
                    actions: vec![action(0, 2), action(night_until, 1), action(22, 2)],
                },
                DayProfile { day_id: 2, actions: vec![action(0, 2)] },
            ],
        }
    }

    fn data(&self, number: i8) -> DataBuf {
        match number {
            0 => self.name.to_data(),
            1 => self.seasons.to_data(),
            2 => self.weeks.to_data(),
            _ => self.days.to_data(),
        }
    }

    fn set(&mut self, number: i8, value: &Data<'_>) -> Option<()> {
        match number {
            0 => self.name = CosemValue::from_data(value)?,
            1 => self.seasons = CosemValue::from_data(value)?,
            2 => self.weeks = CosemValue::from_data(value)?,
            _ => self.days = CosemValue::from_data(value)?,
        }
        Some(())
    }

    fn fits(&self) -> bool {
        let actions = self.days.iter().map(|day| day.actions.len()).max();
        [self.seasons.len(), self.weeks.len(), self.days.len(), actions.unwrap_or(0)]
            .into_iter()
            .all(|len| len <= ENTRIES_MAX)
    }

    /// The season that holds on a day: the one that began last. The year of a season is mostly
    /// every year; then one that has not begun this year began last year.
    fn season(&self, on: Date) -> Option<&SeasonProfile> {
        let today = (on.year()?, on.month()?, on.day()?);
        let began = |season: &SeasonProfile| {
            let start = season.start.date;
            let (Some(month), Some(day)) = (start.month(), start.day()) else {
                return Some((0, 0, 0));
            };
            match start.year() {
                Some(year) => Some((year, month, day)).filter(|start| *start <= today),
                None if (today.0, month, day) <= today => Some((today.0, month, day)),
                None => Some((today.0.saturating_sub(1), month, day)),
            }
        };
        let begun = self.seasons.iter().filter_map(|season| Some((began(season)?, season)));
        begun.max_by_key(|(began, _)| *began).map(|(_, season)| season)
    }

    /// What happens on a day, in order.
    fn actions(&self, on: Date, special: &impl Fn(Date) -> Option<u8>) -> Vec<&DayAction> {
        let of_week = || {
            let week_name = &self.season(on)?.week_name;
            let week = self.weeks.iter().find(|week| week.name == *week_name)?;
            week.day_id(on.day_of_week()?)
        };
        let Some(id) = special(on).or_else(of_week) else { return Vec::new() };
        let profile = self.days.iter().find(|day| day.day_id == id);
        let mut actions: Vec<_> = profile.into_iter().flat_map(|day| &day.actions).collect();
        actions.sort_by_key(|action| action.start.octets());
        actions
    }

    /// The actions of some days around `clock`, in order, with their times.
    fn around(
        &self,
        zone: &Zone,
        clock: i64,
        special: &impl Fn(Date) -> Option<u8>,
    ) -> Vec<(i64, &DayAction)> {
        let days = (-DAYS_BACK..DAYS_AHEAD).filter_map(|later| day(zone, clock, later));
        days.flat_map(|day| {
            let at = move |action: &DayAction| zone.moment(&DateTime::new(day, action.start));
            let actions = self.actions(day, special).into_iter();
            actions.filter_map(move |action| Some((at(action)?, action))).collect::<Vec<_>>()
        })
        .collect()
    }
}

/// The calendar.
pub(super) struct ActivityCalendar {
    active: Calendar,
    passive: Calendar,
    /// When the passive calendar takes over; unspecified when it does not by itself.
    takes_over: DateTime,
    alarm: Alarm,
}

impl Default for ActivityCalendar {
    fn default() -> Self {
        Self {
            active: Calendar::new("TARIFF-A", 6),
            passive: Calendar::new("TARIFF-B", 5),
            takes_over: DateTime::UNSPECIFIED,
            alarm: Alarm::NOW,
        }
    }
}

impl ActivityCalendar {
    /// The passive calendar is copied; it stays what it was.
    fn activate(&mut self, world: &mut World) {
        self.active = self.passive.clone();
        self.takes_over = DateTime::UNSPECIFIED;
        self.alarm = Alarm::NOW;
        world.log(code::CALENDAR_ACTIVATED);
    }

    /// Executes the script that is due, or that would have been executed last, and finds the next.
    fn go_on(&mut self, call: &mut Call<'_, World>) {
        let clock = call.world.clock();
        let special_days = special_days::read(call);
        let special =
            |day| special_days.iter().find(|known| known.date.matches(day)).map(|d| d.day_id);
        let actions = self.active.around(&call.world.zone, clock, &special);
        let done = actions.partition_point(|(at, _)| *at <= clock);
        let last = done.checked_sub(1).and_then(|last| actions.get(last));
        let last = last.map(|(_, action)| ExecutedScript {
            script_table: action.script_table,
            script: action.script,
        });
        let next = actions.get(done).map_or_else(|| look_again(clock), |(at, _)| *at);
        let takes_over = call.world.moment(&self.takes_over).filter(|at| *at > clock);
        self.alarm.set(Some(takes_over.map_or(next, |at| at.min(next))), call.world);
        if let Some(script) = last {
            script_table::execute(&script, call);
        }
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
        match get.attribute {
            number @ 2..=5 => put(out, &self.active.data(number - 2)),
            number @ 6..=9 => put(out, &self.passive.data(number - 6)),
            _ => put(out, &self.takes_over.to_data()),
        }
    }

    fn set(
        &mut self,
        attribute: i8,
        value: &Data<'_>,
        call: &mut Call<'_, World>,
    ) -> Result<(), DataAccessResult> {
        match attribute {
            6..=9 => {
                let mut passive = self.passive.clone();
                passive.set(attribute - 6, value).ok_or(DataAccessResult::TypeUnmatched)?;
                if !passive.fits() {
                    return Err(DataAccessResult::OtherReason);
                }
                self.passive = passive;
            }
            _ => {
                self.takes_over =
                    DateTime::from_data(value).ok_or(DataAccessResult::TypeUnmatched)?;
                if call.world.moment(&self.takes_over).is_some_and(|at| at <= call.world.clock()) {
                    self.activate(call.world);
                }
                self.alarm = Alarm::NOW;
            }
        }
        Ok(())
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

    fn poll_timeout(&self, world: &World) -> Option<i64> {
        self.alarm.due(world)
    }

    fn handle_timeout(&mut self, _now: i64, call: &mut Call<'_, World>) {
        if call.world.moment(&self.takes_over).is_some_and(|at| at <= call.world.clock()) {
            self.activate(call.world);
        }
        self.go_on(call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn season(name: &[u8], octets: [u8; 5]) -> SeasonProfile {
        let [y0, y1, month, day, day_of_week] = octets;
        let start = [y0, y1, month, day, day_of_week, 0, 0, 0, 0, 0x80, 0, 0xff];
        let start = DateTime::from_data(&Data::OctetString(&start)).unwrap();
        SeasonProfile { name: name.into(), start, week_name: name.into() }
    }

    #[test]
    fn the_season_that_began_last_holds() {
        let calendar = Calendar {
            seasons: vec![
                season(b"SUMMER", [0xff, 0xff, 4, 1, 0xff]),
                season(b"WINTER", [0xff, 0xff, 10, 1, 0xff]),
                season(b"JUBILEE", [0x07, 0xeb, 6, 1, 0xff]),
            ],
            ..Calendar::default()
        };
        for (year, month, day, name) in [
            (0, 1, 15, &b"WINTER"[..]),
            (2026, 1, 15, b"WINTER"),
            (2026, 3, 31, b"WINTER"),
            (2026, 4, 1, b"SUMMER"),
            (2026, 9, 30, b"SUMMER"),
            (2026, 10, 1, b"WINTER"),
            (2027, 5, 31, b"SUMMER"),
            (2027, 6, 1, b"JUBILEE"),
            (2027, 10, 1, b"WINTER"),
        ] {
            let season = calendar.season(Date::new(year, month, day).unwrap()).unwrap();
            assert_eq!(season.name.0, name, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn a_special_day_has_its_own_profile_and_a_day_without_profile_has_nothing() {
        let calendar = Calendar::new("A", 6);
        let thursday = Date::new(2026, 1, 15).unwrap();
        assert_eq!(calendar.actions(thursday, &|_| None).len(), 3);
        assert_eq!(calendar.actions(thursday, &|_| Some(2)).len(), 1);
        assert_eq!(calendar.actions(thursday, &|_| Some(9)).len(), 0);
    }
}
