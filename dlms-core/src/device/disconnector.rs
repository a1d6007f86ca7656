//! The state machine of a Disconnect control (class 70).
//!
//! ```text
//!                    a remote_reconnect (modes 2, 4)
//!          ┌─────────────────────────────────────────────┐
//!          │                                             ▼
//!   Disconnected (0) ◄──── b remote_disconnect ──── Connected (1)
//!     │          ▲                                   │       ▲
//!     │ d remote │ c remote                 f manual │       │ e manual_reconnect
//!     │ reconnect│ disconnect               g local  │       │ h local_reconnect
//!     │          │                       disconnect  │       │ (modes 5, 6)
//!     ▼          │                                   ▼       │
//!   Ready for reconnection (2) ◄─────────────────────┴───────┘
//! ```
//!
//! Which transitions there are is the control mode's: a table of seven rows.

use Switching::{
    LocalDisconnect, LocalReconnect, ManualDisconnect, ManualReconnect, RemoteDisconnect,
    RemoteReconnect,
};

/// control_state, attribute 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ControlState {
    /// Disconnected; only a client can change that.
    Disconnected,
    /// Connected.
    Connected,
    /// Disconnected; somebody at the meter, or the meter itself, may connect again.
    ReadyForReconnection,
}

impl ControlState {
    /// The number of the state.
    pub const fn code(self) -> u8 {
        match self {
            Self::Disconnected => 0,
            Self::Connected => 1,
            Self::ReadyForReconnection => 2,
        }
    }
}

/// What makes a disconnector move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Switching {
    /// Method 1: transitions b and c.
    RemoteDisconnect,
    /// Method 2: transition a or d.
    RemoteReconnect,
    /// Somebody at the meter disconnects: transition f.
    ManualDisconnect,
    /// Somebody at the meter reconnects: transition e.
    ManualReconnect,
    /// The meter itself disconnects, because of a limiter or a schedule: transition g.
    LocalDisconnect,
    /// The meter itself reconnects: transition h.
    LocalReconnect,
}

/// The control mode has no such transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the control mode does not allow this")]
pub struct NoTransition;

/// A disconnector: its mode and where it stands.
///
/// ```
/// use dlms_core::device::{ControlState, Disconnector, Switching};
///
/// // Mode 1: a remote reconnection leaves the last step to somebody at the meter.
/// let mut disconnector = Disconnector::new(1).unwrap();
/// assert_eq!(disconnector.switch(Switching::RemoteDisconnect), Ok(ControlState::Disconnected));
/// let ready = ControlState::ReadyForReconnection;
/// assert_eq!(disconnector.switch(Switching::RemoteReconnect), Ok(ready));
/// assert!(!disconnector.is_connected());
/// assert_eq!(disconnector.switch(Switching::ManualReconnect), Ok(ControlState::Connected));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Disconnector {
    mode: u8,
    state: ControlState,
}

/// What each control mode has, besides b and c, which all of them have but 0.
struct Mode {
    remote_reconnect: ControlState,
    manual_disconnect: bool,
    local_reconnect: bool,
}

/// control_mode, attribute 4. Mode 0 is not here: always connected.
const fn mode(number: u8) -> Option<Mode> {
    use ControlState::{Connected, ReadyForReconnection};
    let (remote_reconnect, manual_disconnect, local_reconnect) = match number {
        1 => (ReadyForReconnection, true, false),
        2 => (Connected, true, false),
        3 => (ReadyForReconnection, false, false),
        4 => (Connected, false, false),
        5 => (ReadyForReconnection, true, true),
        6 => (ReadyForReconnection, false, true),
        _ => return None,
    };
    Some(Mode { remote_reconnect, manual_disconnect, local_reconnect })
}

impl Disconnector {
    /// The greatest control mode of the standard.
    pub const MODE_MAX: u8 = 6;

    /// A connected one in a control mode of 0 to 6.
    pub const fn new(mode: u8) -> Option<Self> {
        if mode > Self::MODE_MAX {
            return None;
        }
        Some(Self { mode, state: ControlState::Connected })
    }

    /// The control mode.
    pub const fn mode(&self) -> u8 {
        self.mode
    }

    /// Sets the control mode; the state stays. False for a mode that there is not.
    pub const fn set_mode(&mut self, mode: u8) -> bool {
        if mode > Self::MODE_MAX {
            return false;
        }
        self.mode = mode;
        true
    }

    /// The state.
    pub const fn state(&self) -> ControlState {
        self.state
    }

    /// output_state, attribute 2: whether energy flows.
    pub const fn is_connected(&self) -> bool {
        matches!(self.state, ControlState::Connected)
    }

    /// Moves, when the mode has a transition from this state; stays, when it has one from another
    /// state only. The result is where it stands then.
    ///
    /// # Errors
    /// The mode does not have such a transition from any state.
    pub const fn switch(&mut self, switching: Switching) -> Result<ControlState, NoTransition> {
        use ControlState::{Connected, Disconnected, ReadyForReconnection};
        let Some(mode) = mode(self.mode) else { return Err(NoTransition) };
        let has = match switching {
            RemoteDisconnect | RemoteReconnect | ManualReconnect | LocalDisconnect => true,
            ManualDisconnect => mode.manual_disconnect,
            LocalReconnect => mode.local_reconnect,
        };
        if !has {
            return Err(NoTransition);
        }
        self.state = match (self.state, switching) {
            (Disconnected, RemoteReconnect) => mode.remote_reconnect,
            (Connected | ReadyForReconnection, RemoteDisconnect) => Disconnected,
            (ReadyForReconnection, ManualReconnect | LocalReconnect) => Connected,
            (Connected, ManualDisconnect | LocalDisconnect) => ReadyForReconnection,
            (state, _) => state,
        };
        Ok(self.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ControlState::{Connected, Disconnected, ReadyForReconnection};

    /// The transitions, by their letters.
    const TRANSITIONS: [(char, ControlState, Switching, ControlState); 8] = [
        ('a', Disconnected, RemoteReconnect, Connected),
        ('b', Connected, RemoteDisconnect, Disconnected),
        ('c', ReadyForReconnection, RemoteDisconnect, Disconnected),
        ('d', Disconnected, RemoteReconnect, ReadyForReconnection),
        ('e', ReadyForReconnection, ManualReconnect, Connected),
        ('f', Connected, ManualDisconnect, ReadyForReconnection),
        ('g', Connected, LocalDisconnect, ReadyForReconnection),
        ('h', ReadyForReconnection, LocalReconnect, Connected),
    ];

    /// Which of them each control mode has.
    const MODES: [&str; 7] = ["", "bcfgde", "bcfgae", "bcgde", "bcgae", "bcfgdeh", "bcgdeh"];

    #[test]
    fn every_mode_has_the_transitions_of_its_row_and_no_others() {
        for (number, letters) in (0..).zip(MODES) {
            for state in [Disconnected, Connected, ReadyForReconnection] {
                for (_, _, switching, _) in TRANSITIONS {
                    let mut disconnector = Disconnector { mode: number, state };
                    let switched = disconnector.switch(switching);
                    let mut of_mode = TRANSITIONS
                        .iter()
                        .filter(|(letter, _, by, _)| letters.contains(*letter) && *by == switching);
                    let case = std::format!("mode {number}, {state:?}, {switching:?}");
                    if of_mode.clone().next().is_none() {
                        assert_eq!(switched, Err(NoTransition), "{case}");
                        assert_eq!(disconnector.state(), state, "{case}");
                        continue;
                    }
                    let end = of_mode.find(|(_, from, _, _)| *from == state);
                    let end = end.map_or(state, |(_, _, _, end)| *end);
                    assert_eq!(switched, Ok(end), "{case}");
                    assert_eq!(disconnector.state(), end, "{case}");
                }
            }
        }
    }

    #[test]
    fn there_are_seven_modes() {
        assert!(Disconnector::new(7).is_none());
        let mut disconnector = Disconnector::new(0).unwrap();
        assert!(disconnector.set_mode(6) && !disconnector.set_mode(7));
        assert_eq!(disconnector.mode(), 6);
    }

    #[test]
    fn a_state_is_told_by_its_number() {
        let codes = [Disconnected, Connected, ReadyForReconnection].map(ControlState::code);
        assert_eq!(codes, [0, 1, 2]);
    }
}
