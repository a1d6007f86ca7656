//! The disconnector of a meter, and the energy that does not flow while it is open
//! (IEC 62056-6-2, Disconnect control).

use crate::household::Meterage;

/// Interruptions that are remembered. The oldest ones are then forgotten: their energy counts as
/// delivered after all.
const INTERRUPTIONS_MAX: usize = 64;

/// Where the disconnector stands (attribute 3, control_state).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ControlState {
    Disconnected,
    Connected,
    /// Disconnected; a push of the button at the meter reconnects.
    ReadyForReconnection,
}

impl ControlState {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Disconnected => 0,
            Self::Connected => 1,
            Self::ReadyForReconnection => 2,
        }
    }
}

/// The control mode does not have the transition that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoTransition;

/// The supply of one household.
#[derive(Debug)]
pub(crate) struct Supply {
    mode: u8,
    state: ControlState,
    /// From when until when nothing flowed, in order. The last one may still last.
    interruptions: Vec<(i64, Option<i64>)>,
}

impl Default for Supply {
    /// Connected, in mode 2: everything can be done remotely.
    fn default() -> Self {
        Self { mode: 2, state: ControlState::Connected, interruptions: Vec::new() }
    }
}

impl Supply {
    pub(crate) const fn mode(&self) -> u8 {
        self.mode
    }

    /// Sets the control mode: 0 to 6.
    pub(crate) fn set_mode(&mut self, mode: u8) -> Result<(), NoTransition> {
        if mode > 6 {
            return Err(NoTransition);
        }
        self.mode = mode;
        Ok(())
    }

    pub(crate) const fn state(&self) -> ControlState {
        self.state
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.state == ControlState::Connected
    }

    /// Transitions b and c, which every mode has but 0: always connected.
    pub(crate) fn remote_disconnect(&mut self, now: i64) -> Result<(), NoTransition> {
        if self.mode == 0 {
            return Err(NoTransition);
        }
        if self.is_connected() {
            if self.interruptions.len() == INTERRUPTIONS_MAX {
                self.interruptions.remove(0);
            }
            self.interruptions.push((now, None));
        }
        self.state = ControlState::Disconnected;
        Ok(())
    }

    /// Transition a (modes 2 and 4), which reconnects, or d (modes 1, 3, 5 and 6), which leaves the
    /// last step to somebody at the meter.
    pub(crate) fn remote_reconnect(&mut self, now: i64) -> Result<(), NoTransition> {
        match (self.mode, self.state) {
            (0, _) => return Err(NoTransition),
            (2 | 4, ControlState::Disconnected) => {
                if let Some((_, until @ None)) = self.interruptions.last_mut() {
                    *until = Some(now);
                }
                self.state = ControlState::Connected;
            }
            (_, ControlState::Disconnected) => self.state = ControlState::ReadyForReconnection,
            // Nothing to do, or nothing that can be done from afar.
            (_, ControlState::Connected | ControlState::ReadyForReconnection) => {}
        }
        Ok(())
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
        supply.remote_disconnect(NOON).unwrap();
        assert!(!supply.is_connected());
        assert_eq!(supply.lost_wh(meterage, NOON), 0);
        let hour = meterage.energy_wh(NOON + 3_600) - meterage.energy_wh(NOON);
        assert_eq!(supply.lost_wh(meterage, NOON + 3_600), hour);
        supply.remote_reconnect(NOON + 3_600).unwrap();
        assert!(supply.is_connected());
        assert_eq!(supply.lost_wh(meterage, NOON + 86_400), hour);
        assert_eq!(supply.lost_wh(meterage, NOON - 86_400), 0);
    }

    #[test]
    fn every_mode_ends_a_remote_reconnect_where_its_table_says() {
        for (mode, end) in [
            (1, ControlState::ReadyForReconnection),
            (2, ControlState::Connected),
            (3, ControlState::ReadyForReconnection),
            (4, ControlState::Connected),
            (5, ControlState::ReadyForReconnection),
            (6, ControlState::ReadyForReconnection),
        ] {
            let mut supply = Supply::default();
            supply.set_mode(mode).unwrap();
            supply.remote_disconnect(NOON).unwrap();
            assert_eq!(supply.state(), ControlState::Disconnected);
            supply.remote_reconnect(NOON).unwrap();
            assert_eq!(supply.state(), end, "mode {mode}");
            supply.remote_disconnect(NOON).unwrap();
            assert_eq!(supply.state(), ControlState::Disconnected);
        }
    }

    #[test]
    fn mode_0_is_always_connected_and_there_is_no_mode_7() {
        let mut supply = Supply::default();
        supply.set_mode(0).unwrap();
        assert_eq!(supply.remote_disconnect(NOON), Err(NoTransition));
        assert_eq!(supply.remote_reconnect(NOON), Err(NoTransition));
        assert!(supply.is_connected());
        assert_eq!(supply.set_mode(7), Err(NoTransition));
    }

    #[test]
    fn only_so_many_interruptions_are_remembered() {
        let mut supply = Supply::default();
        for minute in 0..1_000 {
            supply.remote_disconnect(NOON + minute * 120).unwrap();
            supply.remote_reconnect(NOON + minute * 120 + 60).unwrap();
        }
        assert_eq!(supply.interruptions.len(), INTERRUPTIONS_MAX);
    }
}
