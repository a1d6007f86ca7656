//! The event log of a meter: grid failures of the past, and what clients did to it.

use std::collections::VecDeque;

use crate::household::Household;

/// Entries of the log: the oldest ones make room.
pub(crate) const EVENTS_MAX: usize = 100;
/// Days that are looked through for grid failures: some of them, at six a year, fill the log.
const DAYS_MAX: i64 = 3 * 365;
const DAY_S: i64 = 86_400;

/// The event codes of this meter, as they are common among European meters.
pub(crate) mod code {
    pub(crate) const POWER_DOWN: u8 = 1;
    pub(crate) const POWER_UP: u8 = 2;
    pub(crate) const CLOCK_ADJUSTED_FROM: u8 = 4;
    pub(crate) const CLOCK_ADJUSTED_TO: u8 = 5;
    pub(crate) const FIRMWARE_READY: u8 = 17;
    pub(crate) const FIRMWARE_ACTIVATED: u8 = 18;
    pub(crate) const CALENDAR_ACTIVATED: u8 = 9;
    pub(crate) const READY_FOR_RECONNECTION: u8 = 59;
    pub(crate) const MANUAL_DISCONNECTION: u8 = 60;
    pub(crate) const MANUAL_CONNECTION: u8 = 61;
    pub(crate) const REMOTE_DISCONNECTION: u8 = 62;
    pub(crate) const REMOTE_CONNECTION: u8 = 63;
    pub(crate) const LOCAL_DISCONNECTION: u8 = 64;
    pub(crate) const LIMITER_THRESHOLD_EXCEEDED: u8 = 65;
    pub(crate) const LIMITER_THRESHOLD_OK: u8 = 66;
    pub(crate) const LOCAL_RECONNECTION: u8 = 69;
}

/// When something happened and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) at: i64,
    pub(crate) code: u8,
}

/// What happened since the meter was started.
#[derive(Debug, Default)]
pub(crate) struct EventLog {
    recorded: VecDeque<Event>,
    cleared_at: Option<i64>,
}

impl EventLog {
    pub(crate) fn record(&mut self, at: i64, code: u8) {
        if self.recorded.len() == EVENTS_MAX {
            self.recorded.pop_front();
        }
        self.recorded.push_back(Event { at, code });
    }

    pub(crate) fn clear(&mut self, now: i64) {
        self.recorded.clear();
        self.cleared_at = Some(now);
    }

    /// The code of the event recorded last, 0 when there is none.
    pub(crate) fn last_code(&self) -> u8 {
        self.recorded.back().map_or(0, |event| event.code)
    }

    /// The log, oldest entry first: grid failures of the household up to `now`, then what was
    /// recorded.
    pub(crate) fn entries(&self, household: &Household, now: i64) -> Vec<Event> {
        let mut failures = Vec::new();
        let today = now.div_euclid(DAY_S);
        let mut day = today;
        while failures.len() < EVENTS_MAX && day > today - DAYS_MAX {
            if let Some((from, until)) = household.power_failure(day) {
                failures.push(Event { at: until, code: code::POWER_UP });
                failures.push(Event { at: from, code: code::POWER_DOWN });
            }
            day -= 1;
        }
        let cleared_at = self.cleared_at.unwrap_or(i64::MIN);
        failures.retain(|event| event.at <= now && event.at >= cleared_at);
        failures.extend(&self.recorded);
        failures.sort_by_key(|event| event.at);
        let surplus = failures.len().saturating_sub(EVENTS_MAX);
        failures.drain(..surplus);
        failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_768_474_800; // 2026-01-15T11:00:00Z

    #[test]
    fn grid_failures_come_in_pairs_and_in_order() {
        let entries = EventLog::default().entries(&Household::new(1000), NOW);
        assert!(!entries.is_empty() && entries.len() <= EVENTS_MAX);
        assert!(entries.is_sorted_by_key(|event| event.at));
        for pair in entries.chunks_exact(2) {
            assert_eq!(pair[0].code, code::POWER_DOWN);
            assert_eq!(pair[1].code, code::POWER_UP);
        }
    }

    #[test]
    fn what_was_recorded_is_last_and_the_oldest_makes_room() {
        let mut log = EventLog::default();
        for minute in 0..150 {
            log.record(NOW + minute * 60, code::REMOTE_DISCONNECTION);
        }
        let entries = log.entries(&Household::new(1000), NOW + 150 * 60);
        assert_eq!(entries.len(), EVENTS_MAX);
        assert_eq!(entries.last().unwrap().at, NOW + 149 * 60);
        assert_eq!(log.last_code(), code::REMOTE_DISCONNECTION);
    }

    #[test]
    fn a_cleared_log_is_empty() {
        let mut log = EventLog::default();
        log.record(NOW, code::POWER_UP);
        log.clear(NOW);
        assert_eq!(log.entries(&Household::new(1000), NOW), []);
    }
}
