//! Electrical quantities (IEC 62056-6-1, electricity, A = 1): C says what is measured, D how it is
//! processed, E the tariff, the harmonic, the angle or the kind of loss.

use super::{Name, Number};

/// The name of a measured quantity.
pub(super) fn quantity(c: u8, d: u8, e: u8) -> Option<Name> {
    if c == PHASE_ANGLE {
        return angle(d, e);
    }
    if c == LOSSES {
        return losses(d, e);
    }
    let (quantity, phase) = of_phase(c);
    let flow = flow(quantity);
    let (noun, how) = processed(d, flow.is_some())?;
    let (what, number) = number(quantity, d, e)?;
    let parts = match flow {
        Some((kind, direction)) => [kind, noun, direction, phase, how, what],
        None => [level(quantity)?, noun, "", phase, how, what],
    };
    Some(Name::of(parts, number))
}

/// The angle between two vectors, which E names.
const PHASE_ANGLE: u8 = 81;
/// Losses of transformers and lines, of the kind that E names.
const LOSSES: u8 = 83;
const CURRENT: u8 = 11;
const VOLTAGE: u8 = 12;

/// The quantity without its phase: 21 to 40 are those of 1 to 20 in L1, and so on.
const fn of_phase(c: u8) -> (u8, &'static str) {
    match c {
        21..=40 => (c.saturating_sub(20), " L1"),
        41..=60 => (c.saturating_sub(40), " L2"),
        61..=80 => (c.saturating_sub(60), " L3"),
        // Power factors of export have numbers of their own.
        85 => (84, " L1"),
        86 => (84, " L2"),
        87 => (84, " L3"),
        _ => (c, ""),
    }
}

/// What flows, and which way.
const fn flow(c: u8) -> Option<(&'static str, &'static str)> {
    Some(match c {
        1 => ("Active", " import"),
        2 => ("Active", " export"),
        3 => ("Reactive", " import"),
        4 => ("Reactive", " export"),
        5 => ("Reactive", " quadrant I"),
        6 => ("Reactive", " quadrant II"),
        7 => ("Reactive", " quadrant III"),
        8 => ("Reactive", " quadrant IV"),
        9 => ("Apparent", " import"),
        10 => ("Apparent", " export"),
        15 => ("Active", " import plus export"),
        16 => ("Active", " import minus export"),
        17 => ("Active", " quadrant I"),
        18 => ("Active", " quadrant II"),
        19 => ("Active", " quadrant III"),
        20 => ("Active", " quadrant IV"),
        _ => return None,
    })
}

/// What is there without flowing anywhere.
const fn level(c: u8) -> Option<&'static str> {
    Some(match c {
        CURRENT => "Current",
        VOLTAGE => "Voltage",
        13 => "Power factor",
        14 => "Frequency",
        82 => "Pulses or pieces",
        84 => "Power factor export",
        88 => "Ampere-squared hours",
        89 => "Volt-squared hours",
        90 => "Sum of phase currents",
        91 => "Current neutral",
        92 => "Voltage neutral",
        _ => return None,
    })
}

/// How D processes: the noun of a flow, power or energy, and what is made of it.
const fn processed(d: u8, flows: bool) -> Option<(&'static str, &'static str)> {
    let (of_time, how) = match d {
        0 => (false, ", average of billing period"),
        1 => (false, ", cumulative minimum"),
        2 => (false, ", cumulative maximum"),
        3 => (false, ", minimum"),
        4 => (false, ", current average"),
        5 => (false, ", last average"),
        6 => (false, ", maximum"),
        7 => (false, ""),
        8 if flows => (true, ""),
        8 => (true, ", time integral"),
        9 => (true, ", since start of billing period"),
        10 => (true, ", integral above threshold"),
        11 => (false, ", cumulative minimum 2"),
        12 => (false, ", cumulative maximum 2"),
        13 => (false, ", minimum 2"),
        14 => (false, ", current average 2"),
        15 => (false, ", last average 2"),
        16 => (false, ", maximum 2"),
        17 => (true, ", to end of recording interval 1"),
        18 => (true, ", to end of recording interval 2"),
        19 => (true, ", of billing period to end of recording interval 1"),
        20 => (true, ", of billing period to end of recording interval 2"),
        21 => (false, ", cumulative minimum 3"),
        22 => (false, ", cumulative maximum 3"),
        23 => (false, ", minimum 3"),
        24 => (false, ", current average 3"),
        25 => (false, ", last average 3"),
        26 => (false, ", maximum 3"),
        27 => (false, ", current average 5"),
        28 => (false, ", current average 6"),
        29 => (true, ", recording interval 1"),
        30 => (true, ", recording interval 2"),
        31 => (false, ", lower threshold"),
        32 => (false, ", times below threshold"),
        33 => (false, ", duration below threshold"),
        34 => (false, ", magnitude below threshold"),
        35 => (false, ", upper threshold"),
        36 => (false, ", times above threshold"),
        37 => (false, ", duration above threshold"),
        38 => (false, ", magnitude above threshold"),
        39 => (false, ", threshold of missing"),
        40 => (false, ", times missing"),
        41 => (false, ", duration of missing"),
        42 => (false, ", magnitude while missing"),
        43 => (false, ", time threshold below"),
        44 => (false, ", time threshold above"),
        45 => (false, ", time threshold of missing"),
        46 => (false, ", contracted value"),
        49 => (false, ", average of recording interval 1"),
        50 => (false, ", average of recording interval 2"),
        51 => (false, ", minimum of recording interval 1"),
        52 => (false, ", minimum of recording interval 2"),
        53 => (false, ", maximum of recording interval 1"),
        54 => (false, ", maximum of recording interval 2"),
        55 => (false, ", test average"),
        56 => (false, ", current average 4"),
        58 => (true, ", test integral"),
        _ => return None,
    };
    Some(match (of_time, flows) {
        (_, false) => ("", how),
        (true, true) => (" energy", how),
        (false, true) => (" power", how),
    })
}

/// What E counts, and its number.
const fn number(quantity: u8, d: u8, e: u8) -> Option<(&'static str, Number)> {
    let has_harmonics =
        matches!(quantity, CURRENT | VOLTAGE | 15 | 90..=92) && matches!(d, 7 | 24 | 56);
    Some(match e {
        0 => ("", None),
        1..=120 if has_harmonics => ("", Some((", harmonic ", e))),
        124 if has_harmonics => (", total harmonic distortion", None),
        125 if has_harmonics => (", total demand distortion", None),
        126 if has_harmonics => (", all harmonics", None),
        127 if has_harmonics => (", all harmonics to nominal value", None),
        // Dips are counted by depth and duration.
        1..=63 if quantity == VOLTAGE && d == 32 => ("", Some((", dip class ", e))),
        1..=63 if d != 7 => ("", Some((", tariff ", e))),
        _ => return None,
    })
}

/// The tens of E are the vector that is measured against, the ones the vector that is measured.
fn angle(d: u8, e: u8) -> Option<Name> {
    let vector = |digit| {
        Some(match digit {
            0 => "voltage L1",
            1 => "voltage L2",
            2 => "voltage L3",
            4 => "current L1",
            5 => "current L2",
            6 => "current L3",
            7 => "current neutral",
            _ => return None,
        })
    };
    let [against, measured] = [e.checked_div(10)?, e.checked_rem(10)?];
    let parts = ["Phase angle of ", vector(measured)?, " against ", vector(against)?, "", ""];
    (d == 7).then(|| Name::of(parts, None))
}

/// E counts the losses of all phases from 1, of L1 from 31, of L2 from 51, of L3 from 71.
fn losses(d: u8, e: u8) -> Option<Name> {
    let (kind, phase) = match e {
        1..=28 => (e, ""),
        31..=48 => (e.checked_sub(30)?, " L1"),
        51..=68 => (e.checked_sub(50)?, " L2"),
        71..=88 => (e.checked_sub(70)?, " L3"),
        _ => return None,
    };
    let of = match kind {
        1..=3 => "Active line losses",
        4..=6 => "Active transformer losses",
        7..=9 => "Active losses",
        10..=12 => "Reactive line losses",
        13..=15 => "Reactive transformer losses",
        16..=18 => "Reactive losses",
        19 => "Transformer losses at 1 megohm",
        20 => "Line losses at 1 ohm",
        21 => "Compensated active gross import",
        22 => "Compensated active net import",
        23 => "Compensated active gross export",
        24 => "Compensated active net export",
        25 => "Compensated reactive gross import",
        26 => "Compensated reactive net import",
        27 => "Compensated reactive gross export",
        _ => "Compensated reactive net export",
    };
    let direction = match kind {
        1 | 4 | 7 | 10 | 13 | 16 => " import",
        2 | 5 | 8 | 11 | 14 | 17 => " export",
        _ => "",
    };
    let (_, how) = processed(d, true)?;
    Some(Name::of([of, direction, phase, how, "", ""], None))
}
