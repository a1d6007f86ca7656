//! What an Activity calendar (class 20) and a Special days table (class 11) are made of.

use alloc::vec::Vec;

use super::{OctetString, structure};
use crate::cosem::{Date, DateTime, LogicalName, Time};

structure! {
    /// season: from when on which week applies.
    pub struct SeasonProfile {
        /// season_profile_name.
        pub name: OctetString,
        /// season_start. The year is mostly unspecified: every year.
        pub start: DateTime,
        /// week_name: the week profile.
        pub week_name: OctetString,
    }
}

structure! {
    /// week_profile: which day profile each day of the week has.
    pub struct WeekProfile {
        /// week_profile_name.
        pub name: OctetString,
        /// The day profile of Monday.
        pub monday: u8,
        /// The day profile of Tuesday.
        pub tuesday: u8,
        /// The day profile of Wednesday.
        pub wednesday: u8,
        /// The day profile of Thursday.
        pub thursday: u8,
        /// The day profile of Friday.
        pub friday: u8,
        /// The day profile of Saturday.
        pub saturday: u8,
        /// The day profile of Sunday.
        pub sunday: u8,
    }
}

impl WeekProfile {
    /// A week with these day profiles, Monday first.
    pub fn new(name: &[u8], day_ids: [u8; 7]) -> Self {
        let [monday, tuesday, wednesday, thursday, friday, saturday, sunday] = day_ids;
        let name = name.into();
        Self { name, monday, tuesday, wednesday, thursday, friday, saturday, sunday }
    }

    /// The day profiles, Monday first.
    pub const fn day_ids(&self) -> [u8; 7] {
        [
            self.monday,
            self.tuesday,
            self.wednesday,
            self.thursday,
            self.friday,
            self.saturday,
            self.sunday,
        ]
    }

    /// The day profile of a day of the week, 1 (Monday) to 7 (Sunday).
    pub fn day_id(&self, day_of_week: u8) -> Option<u8> {
        let index = usize::from(day_of_week).checked_sub(1)?;
        self.day_ids().get(index).copied()
    }
}

structure! {
    /// day_profile: what happens during a day.
    pub struct DayProfile {
        /// day_id.
        pub day_id: u8,
        /// day_schedule.
        pub actions: Vec<DayAction>,
    }
}

structure! {
    /// day_profile_action: a script at a time of the day.
    pub struct DayAction {
        /// start_time, without wildcards.
        pub start: Time,
        /// script_logical_name: the script table.
        pub script_table: LogicalName,
        /// script_selector: the script.
        pub script: u16,
    }
}

structure! {
    /// spec_day_entry: a day with a day profile of its own.
    pub struct SpecialDay {
        /// index, by which an entry is replaced and deleted.
        pub index: u16,
        /// specialday_date, with wildcards.
        pub date: Date,
        /// day_id.
        pub day_id: u8,
    }
}
