//! Counters as Prometheus reads them.

use core::fmt::Write;

use super::{SpoolView, Status};
use crate::exchange::ExchangeCounters;

/// The whole text, in the exposition format 0.0.4.
pub(super) fn text(status: &Status, counters: &ExchangeCounters, spool: &SpoolView) -> String {
    let mut out = String::new();
    let mut metric = |name: &str, kind: &str, value: u64, help: &str| {
        let name = format!("concentrator_{name}");
        // Writing to a string does not fail.
        let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n");
    };
    let router = counters.router;
    for (name, value, help) in [
        ("meters", status.meters as u64, "Meters that are there."),
        ("associations", status.associations as u64, "Meters that somebody speaks to."),
        ("head_ends", status.head_ends as u64, "Connections of head-ends."),
        ("meter_connections", counters.meters as u64, "Connections to meters."),
        ("epoch", status.epoch.into(), "The epoch of the concentrator."),
        ("spool_entries", spool.entries, "Pushes that no head-end has acknowledged."),
        ("spool_octets", spool.octets, "Their octets."),
        ("table_epoch", status.table_epoch.into(), "Changes of who is at which SAP."),
    ] {
        metric(name, "gauge", value, help);
    }
    for (name, value, help) in [
        ("forwarded_total", router.forwarded, "APDUs passed to meters."),
        ("answered_total", router.answered, "APDUs passed to whom they answer."),
        ("pushed_total", router.pushed, "APDUs that meters sent unasked."),
        ("broadcasts_total", router.broadcasts, "APDUs for all meters."),
        ("unknown_sap_total", router.unknown_sap, "APDUs for SAPs that nobody has."),
        ("discarded_total", router.discarded, "APDUs dropped for another reason."),
        ("taken_total", router.taken, "Parties refused because the meter stayed taken."),
        ("too_many_total", router.too_many, "Parties refused at access.associations-max."),
        ("taken_over_total", router.taken_over, "Seats that clients took over from themselves."),
        ("idle_total", router.idle, "Seats freed because nobody had said anything."),
        ("unreachable_total", router.unreachable, "Meters out of reach when somebody asked."),
        ("head_ends_refused_total", counters.wans_refused, "Refused at wan.connections-max."),
        ("head_ends_overflown_total", counters.wans_overflown, "Cut off: took nothing in."),
        ("meters_overflown_total", counters.meters_overflown, "Requests a meter did not take in."),
        ("unknown_meters_total", counters.unknown_meters, "APDUs from where no meter is known."),
        ("spool_evicted_total", spool.evicted, "Pushes that made room, never acknowledged."),
        ("spool_refused_total", spool.refused, "Pushes lost because the disk took nothing."),
        ("octets_down_total", counters.octets_down, "Octets from head-ends."),
        ("octets_up_total", counters.octets_up, "Octets to head-ends."),
    ] {
        metric(name, "counter", value, help);
    }
    out
}
