//! What a Schedule (class 10) and a Single action schedule (class 22) are made of.

use super::{CosemValue, structure};
use crate::{
    axdr::{BitStringBuf, Data, DataBuf},
    cosem::{Date, LogicalName, Time},
};

structure! {
    /// schedule_table_entry: a script on some days at a time.
    pub struct ScheduleEntry {
        /// index; entries are in its order.
        pub index: u16,
        /// enable.
        pub enabled: bool,
        /// script_logical_name: the script table.
        pub script_table: LogicalName,
        /// script_selector: the script; 0 executes none.
        pub script: u16,
        /// switch_time.
        pub switch_time: Time,
        /// validity_window in minutes: how late after a power failure it is still executed. FFFF
        /// is for ever.
        pub validity_window_min: u16,
        /// exec_weekdays.
        pub weekdays: Weekdays,
        /// exec_specdays: the special days, by the bits of their day profile identifier from 0.
        pub special_days: SpecialDays,
        /// begin_date, with wildcards.
        pub begin: Date,
        /// end_date, with wildcards.
        pub end: Date,
    }
}

/// Days of the week: a bit-string of seven, Monday first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Weekdays(pub [bool; 7]);

impl Weekdays {
    /// Every day.
    pub const ALL: Self = Self([true; 7]);

    /// Whether a day of the week, 1 (Monday) to 7 (Sunday), is one of them.
    pub fn contains(self, day_of_week: u8) -> bool {
        let index = usize::from(day_of_week).checked_sub(1);
        index.and_then(|index| self.0.get(index)).copied().unwrap_or(false)
    }
}

impl CosemValue for Weekdays {
    fn from_data(data: &Data<'_>) -> Option<Self> {
        let bits = data.as_bit_string().filter(|bits| bits.len() == 7)?;
        Some(Self(core::array::from_fn(|day| bits.bit(day).unwrap_or(false))))
    }

    fn to_data(&self) -> DataBuf {
        BitStringBuf::from_bits(self.0).into()
    }
}

/// Special days: bit n is for the days of the table with day_id n.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SpecialDays(pub BitStringBuf);

impl SpecialDays {
    /// Whether the days with this day_id are among them.
    pub fn contains(&self, day_id: u8) -> bool {
        self.0.view().bit(day_id.into()).unwrap_or(false)
    }
}

impl CosemValue for SpecialDays {
    fn from_data(data: &Data<'_>) -> Option<Self> {
        let bits = data.as_bit_string()?;
        // Bits beyond the last one say nothing and are not kept.
        Some(Self(BitStringBuf::from_bits((0..bits.len()).filter_map(|index| bits.bit(index)))))
    }

    fn to_data(&self) -> DataBuf {
        self.0.clone().into()
    }
}

structure! {
    /// The parameter of enable/disable: entries from and to an index that are disabled, then those
    /// that are enabled. 0 to 0 is none.
    pub struct EnabledEntries {
        /// firstIndexA.
        pub first_disabled: u16,
        /// lastIndexA.
        pub last_disabled: u16,
        /// firstIndexB.
        pub first_enabled: u16,
        /// lastIndexB.
        pub last_enabled: u16,
    }
}

structure! {
    /// The parameter of delete: entries from and to an index.
    pub struct DeletedEntries {
        /// firstIndex.
        pub first: u16,
        /// lastIndex.
        pub last: u16,
    }
}

structure! {
    /// executed_script of a Single action schedule, and the action of a limiter or a monitor.
    pub struct ExecutedScript {
        /// script_logical_name: the script table.
        pub script_table: LogicalName,
        /// script_selector: the script; 0 executes none.
        pub script: u16,
    }
}

structure! {
    /// execution_date_time of a Single action schedule.
    pub struct ExecutionTime {
        /// time.
        pub time: Time,
        /// date, with wildcards.
        pub date: Date,
    }
}
