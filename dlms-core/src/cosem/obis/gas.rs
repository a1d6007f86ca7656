//! Quantities of gas (IEC 62056-6-1, gas, A = 7): C says what is measured, D at which conditions
//! and over which period, E the tariff or the component.

use super::Name;

/// The name of a measured quantity.
pub(super) fn quantity(c: u8, d: u8, e: u8) -> Option<Name> {
    if c == LOAD_PROFILE {
        return profile(d, e);
    }
    let (what, of) = subject(c)?;
    let how = match c {
        FLOW_RATE => flow_rate(d)?,
        41..=49 => process(d)?,
        51..=55 => [value(d)?, "", ""],
        ANALYSIS => [analysis(d)?, "", ""],
        _ => index(d)?,
    };
    let number = match c {
        _ if e == 0 => None,
        ANALYSIS => Some((", component ", e)),
        1..=36 | 61..=66 if e <= TARIFFS_MAX => Some((", tariff ", e)),
        _ => return None,
    };
    Some(Name::of([what, of, how[0], how[1], how[2], ""], number))
}

const LOAD_PROFILE: u8 = 99;
const FLOW_RATE: u8 = 43;
const ANALYSIS: u8 = 70;
const TARIFFS_MAX: u8 = 63;

const PERIODS: [&str; 4] = [" 1", " 2", " 3", " 4"];
/// Volume as it went through, with the errors of the meter mended, and at the conditions of the
/// contract.
const VOLUMES: [&str; 3] = ["", ", corrected", ", at base conditions"];

/// The load profile of the quantity that D has as its C; E says what is made of it.
fn profile(d: u8, e: u8) -> Option<Name> {
    let (what, of) = subject(d)?;
    let number = (e != 0).then_some((", process ", e));
    Some(Name::of(["Load profile of ", what, of, "", "", ""], number))
}

fn subject(c: u8) -> Option<(&'static str, &'static str)> {
    let direction = |first: u8| {
        let ways = [
            "Forward undisturbed",
            "Forward disturbed",
            "Forward absolute",
            "Reverse undisturbed",
            "Reverse disturbed",
            "Reverse absolute",
        ];
        ways.get(usize::from(c.checked_sub(first)?)).copied()
    };
    Some(match c {
        1..=6 => (direction(1)?, " meter volume"),
        7 => ("Forward absolute", " encoder volume"),
        8 => ("Reverse absolute", " encoder volume"),
        11..=16 => (direction(11)?, " converter volume"),
        21..=26 => (direction(21)?, " logger volume"),
        31..=36 => (direction(31)?, " mass"),
        41 => ("Absolute temperature", ""),
        42 => ("Absolute pressure", ""),
        FLOW_RATE => ("Flow rate", ""),
        44 => ("Velocity of sound", ""),
        45 => ("Density", ""),
        46 => ("Relative density", ""),
        47 => ("Gauge pressure", ""),
        48 => ("Differential pressure", ""),
        49 => ("Density of air", ""),
        51 => ("Correction factor", ""),
        52 => ("Conversion factor", ""),
        53 => ("Compressibility factor", ""),
        54 => ("Superior calorific value", ""),
        55 => ("Gas law deviation coefficient", ""),
        61..=66 => (direction(61)?, " energy"),
        ANALYSIS => ("Gas analysis", ""),
        _ => return None,
    })
}

/// What became of an index: itself, its difference over a period, the greatest difference.
fn index(d: u8) -> Option<[&'static str; 3]> {
    Some(match d {
        0..=2 => [pick(&VOLUMES, d)?, "", ""],
        3 => [", redundant", "", ""],
        6..=23 => {
            let (period, rest) = divide(d, 6, 6)?;
            let which = [", measurement period", ", last measurement period"];
            [pick(&which, rest.checked_div(3)?)?, pick(&PERIODS, period)?, volume(rest)?]
        }
        27..=98 => {
            let (of, first) = match d {
                84.. => (", billing period 4", 84),
                66.. => (", billing period 3", 66),
                45.. => (", billing period 2", 45),
                _ => (", billing period 1", 27),
            };
            let rest = d.checked_sub(first)?;
            let what = match rest {
                0..=2 => "",
                3..=5 => ", last",
                6..=8 => ", maximum of measurement period 1",
                9..=11 => ", maximum of measurement period 2",
                12..=14 => ", maximum of measurement period 3",
                15..=17 if first == 45 => ", maximum of billing period 1",
                _ => return None,
            };
            [of, what, volume(d)?]
        }
        _ => return None,
    })
}

/// Every group of three begins where D is a multiple of three.
fn volume(d: u8) -> Option<&'static str> {
    pick(&VOLUMES, d.checked_rem(3)?)
}

/// A value of its own, or one over an interval of a process.
fn process(d: u8) -> Option<[&'static str; 3]> {
    let conditions = ["", ", at base conditions", ", at standard conditions"];
    let (interval, rest) = match d {
        15..=86 => divide(d, 15, 18)?,
        87..=92 => {
            let which = [", average since the last event", ", average between the last two events"];
            let (event, rest) = divide(d, 87, 3)?;
            return Some([pick(&which, event)?, "", pick(&conditions, rest)?]);
        }
        _ => return Some([value(d)?, "", ""]),
    };
    let what = [
        ", average of interval",
        ", minimum of interval",
        ", maximum of interval",
        ", average of last interval",
        ", minimum of last interval",
        ", maximum of last interval",
    ];
    let condition = pick(&conditions, rest.checked_rem(3)?)?;
    Some([pick(&what, rest.checked_div(3)?)?, pick(&PERIODS, interval)?, condition])
}

fn flow_rate(d: u8) -> Option<[&'static str; 3]> {
    let (period, rest) = match d {
        0..=2 => return Some([pick(&VOLUMES, d)?, "", ""]),
        13 => return Some([value(d)?, "", ""]),
        15..=54 => divide(d, 15, 20)?,
        // These two have averages only.
        55..=62 => (2, d.checked_sub(55)?),
        63..=70 => (3, d.checked_sub(63)?),
        _ => return None,
    };
    let what = [
        ", average of averaging period",
        ", average of last averaging period",
        ", maximum in measurement period 2 of averaging period",
        ", maximum in measurement period 3 of averaging period",
        ", maximum in billing period 1 of averaging period",
    ];
    let conditions = ["", ", corrected", ", at base conditions", ", at standard conditions"];
    let condition = pick(&conditions, rest.checked_rem(4)?)?;
    Some([pick(&what, rest.checked_div(4)?)?, pick(&PERIODS, period)?, condition])
}

/// One value, whatever the process.
const fn value(d: u8) -> Option<&'static str> {
    Some(match d {
        0 => "",
        2 => ", at base conditions",
        3 => ", backup",
        10 => ", actual",
        11 => ", preset",
        12 => ", method",
        13 => ", at standard conditions",
        _ => return None,
    })
}

/// A share that was found, or what it was over an interval of a process.
const fn analysis(d: u8) -> Option<&'static str> {
    match d {
        8 | 9 | 14..=98 => Some(", of an interval"),
        _ => value(d),
    }
}

fn divide(d: u8, first: u8, by: u8) -> Option<(u8, u8)> {
    let from = d.checked_sub(first)?;
    Some((from.checked_div(by)?, from.checked_rem(by)?))
}

fn pick(texts: &[&'static str], index: u8) -> Option<&'static str> {
    texts.get(usize::from(index)).copied()
}
