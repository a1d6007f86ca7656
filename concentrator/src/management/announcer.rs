//! When the concentrator says something unasked. Time is an argument: that of a clock which nobody
//! sets, or a correction of the system's would silence heartbeats, and the concentrator with them.

use dlms_core::cosem::{
    LogicalName,
    concentrator::{HEARTBEAT, SAPS_CHANGED, STATION_DEVIATES},
};

/// Milliseconds between heartbeats. A head-end that misses three in a row looks for another
/// concentrator, so that one that is gone is missed after a minute and a half.
pub const HEARTBEAT_MS: i64 = 30_000;
/// Milliseconds from a change of the SAP assignment list until it is told: a medium that comes up
/// brings its meters one after the other.
pub const DEBOUNCE_MS: i64 = 60_000;
/// The invoke-id of a push has 24 bits.
const INVOKE_ID_MASK: u32 = 0x00FF_FFFF;

/// The push setups that a client asked to push now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Forced {
    pub(super) heartbeat: bool,
    pub(super) saps_changed: bool,
    pub(super) deviation: bool,
}

#[derive(Debug, Default)]
pub(super) struct Announcer {
    /// When the next heartbeat is due; at once at the beginning.
    heartbeat_at: Option<i64>,
    /// The epoch of the list that head-ends were told of.
    told: Option<u32>,
    /// When they are to be told of a newer one.
    tell_at: Option<i64>,
    forced: Forced,
    number: u32,
}

impl Announcer {
    pub(super) fn force(&mut self, forced: Forced) {
        self.forced.heartbeat |= forced.heartbeat;
        self.forced.saps_changed |= forced.saps_changed;
        self.forced.deviation |= forced.deviation;
    }

    /// The push setup that is due, with the number of the push.
    pub(super) fn poll(&mut self, uptime_ms: i64, table_epoch: u32) -> Option<(LogicalName, u32)> {
        // What there is at the beginning is no change: the first heartbeat tells of it.
        let told = *self.told.get_or_insert(table_epoch);
        if table_epoch != told && self.tell_at.is_none() {
            self.tell_at = Some(uptime_ms.saturating_add(DEBOUNCE_MS));
        }
        let setup = if core::mem::take(&mut self.forced.deviation) {
            STATION_DEVIATES
        } else if self.forced.saps_changed || self.tell_at.is_some_and(|at| at <= uptime_ms) {
            self.forced.saps_changed = false;
            self.tell_at = None;
            self.told = Some(table_epoch);
            SAPS_CHANGED
        } else if self.forced.heartbeat || self.heartbeat_at.is_none_or(|at| at <= uptime_ms) {
            self.forced.heartbeat = false;
            self.heartbeat_at = Some(uptime_ms.saturating_add(HEARTBEAT_MS));
            HEARTBEAT
        } else {
            return None;
        };
        self.number = self.number.wrapping_add(1) & INVOKE_ID_MASK;
        Some((setup, self.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(announcer: &mut Announcer, at_s: u32, epoch: u32) -> Vec<LogicalName> {
        core::iter::from_fn(|| announcer.poll(i64::from(at_s) * 1_000, epoch))
            .map(|(setup, _)| setup)
            .collect()
    }

    #[test]
    fn a_heartbeat_is_told_at_once_and_every_30_seconds() {
        let mut announcer = Announcer::default();
        let times: Vec<u32> =
            (0..=95).filter(|at| told(&mut announcer, *at, 4) == [HEARTBEAT]).collect();
        assert_eq!(times, [0, 30, 60, 90]);
    }

    #[test]
    fn many_changes_within_a_minute_are_told_once_and_the_last_of_them() {
        let mut announcer = Announcer::default();
        // Meters come for 45 seconds, and one long after.
        let epoch = |at: u32| if at < 10 { 0 } else { at.min(55) + u32::from(at >= 150) };
        let changes: Vec<u32> = (0..=220)
            .filter(|at| told(&mut announcer, *at, epoch(*at)).contains(&SAPS_CHANGED))
            .collect();
        assert_eq!(changes, [70, 210]);
    }

    #[test]
    fn a_change_that_goes_on_is_told_every_minute() {
        let mut announcer = Announcer::default();
        let changes: Vec<u32> =
            (0..=200).filter(|at| told(&mut announcer, *at, *at).contains(&SAPS_CHANGED)).collect();
        assert_eq!(changes, [61, 122, 183]);
    }

    #[test]
    fn what_a_client_asks_for_is_told_at_once() {
        let mut announcer = Announcer::default();
        assert_eq!(told(&mut announcer, 0, 0), [HEARTBEAT]);
        announcer.force(Forced { heartbeat: true, saps_changed: true, deviation: false });
        assert_eq!(told(&mut announcer, 1, 0), [SAPS_CHANGED, HEARTBEAT]);
        assert_eq!(told(&mut announcer, 2, 0), []);
    }
}
