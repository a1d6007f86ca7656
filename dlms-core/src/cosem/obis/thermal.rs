//! Quantities of heat cost allocators, cooling and heat (IEC 62056-6-1, A = 4 to 6) and of water
//! (A = 8 and 9): C says what is measured, D which of its values, E the tariff.

use super::{Name, Number};

/// The name of a quantity of a heat cost allocator.
pub(super) fn heat_cost(c: u8, d: u8, e: u8) -> Option<Name> {
    let what = match c {
        1 => "Unrated integral",
        2 => "Rated integral",
        3 => "Radiator surface temperature",
        4 => "Heating medium temperature",
        5 => "Flow temperature",
        6 => "Return temperature",
        7 => "Room temperature",
        _ => return None,
    };
    quantity(what, d, e)
}

/// The name of a quantity of a meter of heat or cold.
pub(super) fn heat(c: u8, d: u8, e: u8) -> Option<Name> {
    let what = match c {
        1 => "Energy",
        2 => "Volume",
        3 => "Mass",
        4 => "Flow volume",
        5 => "Flow mass",
        8 => "Power",
        9 => "Flow rate",
        10 => "Flow temperature",
        11 => "Return temperature",
        12 => "Differential temperature",
        13 => "Media pressure",
        _ => return None,
    };
    quantity(what, d, e)
}

/// The name of a quantity of a water meter.
pub(super) fn water(c: u8, d: u8, e: u8) -> Option<Name> {
    let what = match c {
        1 => "Volume",
        2 => "Flow rate",
        _ => return None,
    };
    quantity(what, d, e)
}

fn quantity(what: &'static str, d: u8, e: u8) -> Option<Name> {
    let how = match d {
        0 => "",
        1 => ", periodical value",
        2 => ", at set date",
        3 => ", at billing date",
        4 => ", minimum",
        5 => ", maximum",
        6 => ", test value",
        _ => return None,
    };
    let number: Number = match e {
        0 => None,
        1..=63 => Some((", tariff ", e)),
        _ => return None,
    };
    Some(Name::of([what, how, "", "", "", ""], number))
}
