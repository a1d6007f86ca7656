//! What happens to the concentrator by itself and is worth an event. Time is an argument.
//!
//! What comes again and again is noted once a minute at most, so that neither a medium that comes
//! up nor somebody who tries passwords drives everything else out of the log.

use std::collections::BTreeSet;

use super::event;
use crate::nodes::{LogicalDeviceName, Nodes};

/// Seconds in which what comes again is noted once.
const GATHERED_S: i64 = 60;

#[derive(Debug, Default)]
pub(super) struct Watcher {
    /// The epoch of the list, and who was on it.
    table: Option<(u32, BTreeSet<LogicalDeviceName>)>,
    /// When a change of it is looked at.
    looks_at: Option<i64>,
    /// Whether a head-end that takes pushes was connected.
    wan: Option<bool>,
    /// Until when no further refusal is noted.
    refusals_until: Option<i64>,
}

impl Watcher {
    /// Looks at the list of meters: the codes of what has changed since it was looked at last.
    pub(super) fn look(&mut self, now: i64, nodes: &Nodes) -> Vec<u16> {
        let present = || {
            let present = nodes.iter().filter(|(_, node)| node.present);
            present.map(|(_, node)| node.name.clone()).collect::<BTreeSet<_>>()
        };
        // What there is at the beginning is no change.
        let Some((epoch, known)) = &mut self.table else {
            self.table = Some((nodes.epoch(), present()));
            return Vec::new();
        };
        if *epoch == nodes.epoch() {
            return Vec::new();
        }
        let looks_at = *self.looks_at.get_or_insert_with(|| now.saturating_add(GATHERED_S));
        // A clock that was set back does not put it off for longer.
        if now < looks_at && looks_at.saturating_sub(now) <= GATHERED_S {
            return Vec::new();
        }
        self.looks_at = None;
        let present = present();
        let found = present.difference(known).next().map(|_| event::NODE_FOUND);
        let lost = known.difference(&present).next().map(|_| event::NODE_LOST);
        (*epoch, *known) = (nodes.epoch(), present);
        found.into_iter().chain(lost).chain([event::TABLE_CHANGED]).collect()
    }

    /// Whether a head-end that takes pushes is connected: the code, if that is new. Before the
    /// first was, none is lost.
    pub(super) fn wan(&mut self, is_connected: bool) -> Option<u16> {
        let was_connected = self.wan.replace(is_connected);
        match (was_connected, is_connected) {
            (Some(true), false) => Some(event::WAN_LOST),
            (Some(false), true) => Some(event::WAN_BACK),
            _ => None,
        }
    }

    /// Somebody was not let in: the code, if it is time to note that again.
    pub(super) fn refused(&mut self, now: i64) -> Option<u16> {
        let until = self.refusals_until;
        if until.is_some_and(|until| now < until && until.saturating_sub(now) <= GATHERED_S) {
            return None;
        }
        self.refusals_until = Some(now.saturating_add(GATHERED_S));
        Some(event::ACCESS_REFUSED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::{Pool, Registration};

    fn meter(number: u16) -> Registration {
        Registration::new(&format!("ABC{number:013}")).unwrap()
    }

    #[test]
    fn changes_of_the_list_are_noted_together_a_minute_after_the_first() {
        let mut nodes = Nodes::new(Pool::Extended);
        let first = nodes.register(0, meter(1)).unwrap();
        let mut watcher = Watcher::default();
        assert!(watcher.look(0, &nodes).is_empty());
        for number in 2..100 {
            nodes.register(0, meter(number)).unwrap();
        }
        assert!(watcher.look(10, &nodes).is_empty());
        nodes.deregister(20, first);
        assert!(watcher.look(69, &nodes).is_empty());
        let expected = [event::NODE_FOUND, event::NODE_LOST, event::TABLE_CHANGED];
        assert_eq!(watcher.look(70, &nodes), expected);
        assert!(watcher.look(71, &nodes).is_empty());
        // One that comes back, after the clock was set back by a day.
        nodes.register(200, meter(1)).unwrap();
        assert!(watcher.look(200, &nodes).is_empty());
        assert_eq!(watcher.look(200 - 86_400, &nodes), [event::NODE_FOUND, event::TABLE_CHANGED]);
    }

    #[test]
    fn a_wan_is_lost_and_back_and_is_neither_at_the_beginning() {
        let mut watcher = Watcher::default();
        let told = [false, true, true, false, false, true].map(|is| watcher.wan(is));
        let (lost, back) = (Some(event::WAN_LOST), Some(event::WAN_BACK));
        assert_eq!(told, [None, back, None, lost, None, back]);
        assert_eq!(Watcher::default().wan(true), None);
    }

    #[test]
    fn who_tries_passwords_is_noted_once_a_minute() {
        let mut watcher = Watcher::default();
        let noted = (0..180).filter(|second| watcher.refused(*second).is_some());
        assert_eq!(noted.collect::<Vec<i64>>(), [0, 60, 120]);
    }
}
