//! The disconnector of a meter, and the energy that does not flow while it is open
//! (IEC 62056-6-2, Disconnect control).

use dlms_core::device::{ControlState, Disconnector, NoTransition, Switching};

use crate::household::Meterage;

/// Interruptions that are remembered. The oldest ones are then forgotten: their energy counts as
/// delivered after all.
const INTERRUPTIONS_MAX: usize = 64;

/// The supply of one household.
#[derive(Debug)]
pub(crate) struct Supply {
    disconnector: Disconnector,
    /// From when until when nothing flowed, in order. The last one may still last.
    interruptions: Vec<(i64, Option<i64>)>,
}

/// The control mode that meters are made with: everything can be done remotely.
const MODE: u8 = 2;

impl Default for Supply {
    fn default() -> Self {
        let disconnector = Disconnector::new(MODE).expect("a mode of the standard");
        Self { disconnector, interruptions: Vec::new() }
    }
}

impl Supply {
    pub(crate) const fn mode(&self) -> u8 {
        self.disconnector.mode()
    }

    /// Sets the control mode; false for one that there is not.
    pub(crate) fn set_mode(&mut self, mode: u8) -> bool {
        self.disconnector.set_mode(mode)
    }

    pub(crate) const fn state(&self) -> ControlState {
        self.disconnector.state()
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.disconnector.is_connected()
    }

    /// Works the disconnector, as far as its mode has such a transition. True when it moved.
    pub(crate) fn switch(&mut self, switching: Switching, now: i64) -> Result<bool, NoTransition> {
        let before = self.disconnector;
        self.disconnector.switch(switching)?;
        match (before.is_connected(), self.is_connected()) {
            (true, false) => {
                if self.interruptions.len() == INTERRUPTIONS_MAX {
                    self.interruptions.remove(0);
                }
                self.interruptions.push((now, None));
            }
            (false, true) => {
                if let Some((_, until @ None)) = self.interruptions.last_mut() {
                    *until = Some(now);
                }
            }
            _ => {}
        }
        Ok(self.disconnector != before)
    }

    /// The energy in Wh that did not flow until `unix_s`.
    pub(crate) fn lost_wh(&self, meterage: &mut Meterage, unix_s: i64) -> u64 {
        self.interruptions
            .iter()
            .map(|(from, until)| {
                let until = until.unwrap_or(i64::MAX).min(unix_s);
                let from = (*from).min(until);
                meterage.energy_wh(until).saturating_sub(meterage.energy_wh(from))
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::household::{Flow, Household};

    const NOON: i64 = 1_768_474_800; // 2026-01-15T11:00:00Z

    #[test]
    fn what_flows_while_disconnected_is_lost_and_nothing_else() {
        let household = Household::new(1000);
        let meterage = &mut household.meterage(Flow::Import);
        let mut supply = Supply::default();
        assert!(supply.is_connected());
        supply.switch(Switching::RemoteDisconnect, NOON).unwrap();
        assert!(!supply.is_connected());
        assert_eq!(supply.lost_wh(meterage, NOON), 0);
        let hour = meterage.energy_wh(NOON + 3_600) - meterage.energy_wh(NOON);
        assert_eq!(supply.lost_wh(meterage, NOON + 3_600), hour);
        supply.switch(Switching::RemoteReconnect, NOON + 3_600).unwrap();
        assert!(supply.is_connected());
        assert_eq!(supply.lost_wh(meterage, NOON + 86_400), hour);
        assert_eq!(supply.lost_wh(meterage, NOON - 86_400), 0);
    }

    #[test]
    fn only_so_many_interruptions_are_remembered() {
        let mut supply = Supply::default();
        for minute in 0..1_000 {
            supply.switch(Switching::RemoteDisconnect, NOON + minute * 120).unwrap();
            supply.switch(Switching::RemoteReconnect, NOON + minute * 120 + 60).unwrap();
        }
        assert_eq!(supply.interruptions.len(), INTERRUPTIONS_MAX);
    }
}
