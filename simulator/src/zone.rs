//! Local time: how far it is from UTC, and when daylight saving begins and ends (IEC 62056-6-2,
//! Clock, attributes 3 and 5 to 8).

use dlms_core::{
    axdr::Data,
    cosem::{ClockStatus, Date, DateTime, Time},
};

/// Central European winter time: minutes to add to get UTC.
const TIME_ZONE_MINUTES: i16 = -60;
/// Minutes that daylight saving adds.
const SAVED_MINUTES: i8 = 60;
/// Summer time begins on the last Sunday of March at 2 o'clock, in any year (Directive 2000/84/EC).
const SUMMER_BEGINS: [u8; 12] = [0xff, 0xff, 3, 0xfe, 7, 2, 0, 0, 0, 0x80, 0, 0];
/// It ends on the last Sunday of October at 3 o'clock.
const SUMMER_ENDS: [u8; 12] = [0xff, 0xff, 10, 0xfe, 7, 3, 0, 0, 0, 0x80, 0, 0x80];
/// The status bit of daylight saving.
const DST_ACTIVE: ClockStatus = ClockStatus(0x80);

/// How a meter writes how far its time is from UTC. The standard counts the minutes to add to local
/// time; some meters do it the other way round, and some do not say it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deviation {
    /// Minutes to add to local time to get UTC: east of Greenwich they are negative.
    #[default]
    Standard,
    /// Minutes to add to UTC to get local time: east of Greenwich they are positive.
    Reversed,
    /// 0x8000: not specified.
    Unspecified,
}

/// The local time of a meter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Zone {
    /// time_zone: minutes to add to local time without daylight saving to get UTC.
    pub(crate) time_zone: i16,
    /// daylight_savings_begin, in local time without daylight saving.
    pub(crate) begin: DateTime,
    /// daylight_savings_end, in local time with daylight saving.
    pub(crate) end: DateTime,
    /// daylight_savings_deviation: minutes that it adds to local time.
    pub(crate) saved: i8,
    /// daylight_savings_enabled.
    pub(crate) enabled: bool,
    /// How the deviation is written.
    pub(crate) written: Deviation,
}

impl Default for Zone {
    /// Central European time.
    fn default() -> Self {
        let date_time = |octets: [u8; 12]| {
            DateTime::from_data(&Data::OctetString(&octets)).unwrap_or(DateTime::UNSPECIFIED)
        };
        Self {
            time_zone: TIME_ZONE_MINUTES,
            begin: date_time(SUMMER_BEGINS),
            end: date_time(SUMMER_ENDS),
            saved: SAVED_MINUTES,
            enabled: true,
            written: Deviation::Standard,
        }
    }
}

impl Zone {
    /// Minutes to add to local time to get UTC while daylight saving is active.
    fn summer(&self) -> i16 {
        self.time_zone.saturating_sub(self.saved.into())
    }

    /// Minutes to add to local time to get UTC at `unix_s`.
    pub(crate) fn deviation_minutes(&self, unix_s: i64) -> i16 {
        if self.is_summer(unix_s).unwrap_or(false) { self.summer() } else { self.time_zone }
    }

    fn is_summer(&self, unix_s: i64) -> Option<bool> {
        if !self.enabled {
            return None;
        }
        let year = DateTime::from_unix(unix_s, Some(self.time_zone))?.date.year()?;
        let begin = change(&self.begin, year, self.time_zone)?;
        let end = change(&self.end, year, self.summer())?;
        // In the southern half of the world summer lasts over the turn of the year.
        Some(if begin < end {
            (begin..end).contains(&unix_s)
        } else {
            unix_s >= begin || unix_s < end
        })
    }

    /// A moment as the meter writes it: local time with its deviation, and the daylight-saving bit.
    pub(crate) fn local_time(&self, unix_s: i64) -> DateTime {
        let summer = self.is_summer(unix_s).unwrap_or(false);
        let deviation = if summer { self.summer() } else { self.time_zone };
        let time = DateTime::from_unix(unix_s, Some(deviation));
        let mut time = time.unwrap_or(DateTime::UNSPECIFIED);
        if summer {
            time.status = DST_ACTIVE;
        }
        let written = match self.written {
            Deviation::Standard => Some(deviation),
            Deviation::Reversed => Some(-deviation),
            Deviation::Unspecified => None,
        };
        time.with_deviation(written).unwrap_or(time)
    }

    /// The moment that a date and time means: by its deviation where it has one, else by local
    /// time. `None` when fields are missing.
    pub(crate) fn moment(&self, time: &DateTime) -> Option<i64> {
        let understood = match (self.written, time.deviation()) {
            (Deviation::Reversed, Some(deviation)) => time.with_deviation(Some(-deviation))?,
            _ => *time,
        };
        if let Some(unix_s) = understood.unix_utc() {
            return Some(unix_s);
        }
        let local = time.unix_local()?;
        // The deviation depends on the moment. Time without daylight saving is at most an hour off,
        // which is close enough to ask; in the hour that comes twice this takes the second.
        let guess = local.saturating_add(seconds(self.time_zone));
        let guess = local.saturating_add(seconds(self.deviation_minutes(guess)));
        Some(local.saturating_add(seconds(self.deviation_minutes(guess))))
    }

    /// When the month of `unix_s` began, in local time.
    pub(crate) fn month_start(&self, unix_s: i64) -> i64 {
        let date = self.local_time(unix_s).date;
        let (year, month) = (date.year().unwrap_or(1970), date.month().unwrap_or(1));
        let first = Date::new(year, month, 1).map(|first| DateTime::new(first, Time::MIDNIGHT));
        first.and_then(|first| self.moment(&first)).unwrap_or(unix_s)
    }
}

/// When daylight saving changes in a year: the last day that fits, at that time.
fn change(at: &DateTime, year: u16, deviation: i16) -> Option<i64> {
    let month = at.date.month()?;
    let days = match at.date.day() {
        Some(day) => day..=day,
        None => 1..=31,
    };
    let mut days = days.rev().filter_map(|day| Date::new(year, month, day));
    let day = days.find(|day| at.date.matches(*day))?;
    let time = DateTime::new(day, at.time);
    let deviation = at.deviation().unwrap_or(deviation);
    Some(time.unix_local()?.saturating_add(seconds(deviation)))
}

fn seconds(minutes: i16) -> i64 {
    i64::from(minutes) * 60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summer_time_changes_on_the_last_sundays_at_one_utc() {
        // 2026-03-29 and 2026-10-25
        for (unix_s, deviation) in [
            (1_774_745_999, -60),
            (1_774_746_000, -120),
            (1_792_889_999, -120),
            (1_792_890_000, -60),
            (0, -60),
        ] {
            assert_eq!(Zone::default().deviation_minutes(unix_s), deviation, "{unix_s}");
        }
    }

    #[test]
    fn in_the_southern_half_of_the_world_summer_is_around_new_year() {
        // New South Wales: the first Sundays of October and April at two and three o'clock.
        let date_time = |text: &str| text.parse::<DateTime>().unwrap();
        let zone = Zone {
            time_zone: -600,
            begin: date_time("2026-10-04T02:00"),
            end: date_time("2026-04-05T03:00"),
            ..Zone::default()
        };
        for (text, deviation) in [
            ("2026-01-15T00:00Z", -660),
            ("2026-04-04T15:59Z", -660),
            ("2026-04-04T16:00Z", -600),
            ("2026-10-03T15:59Z", -600),
            ("2026-10-03T16:00Z", -660),
            // A year that was not meant.
            ("2027-01-15T00:00Z", -600),
        ] {
            let unix_s = date_time(text).unix_utc().unwrap();
            assert_eq!(zone.deviation_minutes(unix_s), deviation, "{text}");
        }
    }

    #[test]
    fn without_daylight_saving_a_year_has_one_deviation() {
        let zone = Zone { enabled: false, ..Zone::default() };
        assert_eq!(zone.deviation_minutes(1_782_230_400), -60);
        assert!(!zone.local_time(1_782_230_400).status.is_dst_active());
    }

    #[test]
    fn local_time_and_moment_are_inverse_even_around_daylight_saving() {
        let zone = Zone::default();
        // A day on either side of each change of 2026, but for the hour that comes twice.
        for change in [1_774_746_000, 1_792_890_000] {
            for minute in (-1_440..1_440_i64).step_by(7) {
                let at = change + minute * 60;
                let time = zone.local_time(at);
                assert_eq!(zone.moment(&time), Some(at));
                let bare = time.with_deviation(None).unwrap();
                let twice = change == 1_792_890_000 && (-60..0).contains(&minute);
                assert_eq!(zone.moment(&bare) == Some(at), !twice, "{minute}");
            }
        }
    }

    #[test]
    fn a_month_begins_at_local_midnight() {
        // 2026-06-23T16:00:00Z and 2026-01-15T11:00:00Z
        assert_eq!(Zone::default().month_start(1_782_230_400), 1_780_264_800);
        assert_eq!(Zone::default().month_start(1_768_474_800), 1_767_222_000);
    }

    #[test]
    fn a_summer_evening_shows_the_daylight_saving_bit() {
        let time = Zone::default().local_time(1_782_230_400); // 2026-06-23T16:00:00Z
        assert_eq!(time.to_string(), "2026-06-23T18:00:00+02:00");
        assert!(time.status.is_dst_active());
    }
}
