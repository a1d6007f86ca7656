//! The patterns that were met in the field.

use alloc::{borrow::ToOwned, vec, vec::Vec};

use super::{Field, Pattern, Position, PositionList, PushObject, Untagged, UntaggedField};
use crate::cosem::{AttributeId, ClassId, LogicalName, ScalerUnit, Unit};

/// Longer patterns come first, as shorter ones would take their beginnings.
const PATTERNS: &[&[Field]] = &[
    &[Field::Class, Field::Name, Field::Attribute, Field::Value, Field::ScalerUnit],
    &[Field::Class, Field::Name, Field::Attribute, Field::Value],
    // Austria, Italy, and the Nordic meters of Aidon.
    &[Field::Name, Field::Value, Field::ScalerUnit],
    &[Field::Name, Field::ScalerUnit, Field::Value],
    &[Field::Name, Field::Value, Field::Scaler, Field::Unit],
    // Kamstrup, and Kaifa in Sweden.
    &[Field::Name, Field::Value],
    &[Field::Value, Field::Class, Field::ScalerUnit, Field::Name],
    &[Field::Value, Field::ScalerUnit, Field::Name],
];

/// See [`super::untagged`].
const UNTAGGED: &[&[UntaggedField]] = &[
    &[UntaggedField::Class, UntaggedField::Name, UntaggedField::Attribute, UntaggedField::Value],
    &[
        UntaggedField::Class,
        UntaggedField::Name,
        UntaggedField::Attribute,
        UntaggedField::DataIndex,
        UntaggedField::Value,
    ],
    &[
        UntaggedField::Head,
        UntaggedField::Class,
        UntaggedField::Name,
        UntaggedField::Attribute,
        UntaggedField::Value,
    ],
];

/// What Kaifa meters in Norway write first in a list of the version that is described here.
const KAIFA: &str = "KFM_001";

/// Class, logical name, scaler and unit.
struct Row(ClassId, [u8; 6], Option<(i8, Unit)>);

const fn data(name: [u8; 6]) -> Row {
    Row(ClassId::DATA, name, None)
}

const fn register(name: [u8; 6], scaler: i8, unit: Unit) -> Row {
    Row(ClassId::REGISTER, name, Some((scaler, unit)))
}

/// What every list of Kaifa begins with.
const KAIFA_HEAD: &[Row] = &[
    data([1, 1, 0, 2, 129, 255]),
    data([0, 0, 96, 1, 0, 255]),
    data([0, 0, 96, 1, 7, 255]),
    register([1, 0, 1, 7, 0, 255], 0, Unit::Watt),
    register([1, 0, 2, 7, 0, 255], 0, Unit::Watt),
    register([1, 0, 3, 7, 0, 255], 0, Unit::Var),
    register([1, 0, 4, 7, 0, 255], 0, Unit::Var),
];
const KAIFA_ONE_PHASE: &[Row] = &[
    register([1, 0, 31, 7, 0, 255], -3, Unit::Ampere),
    register([1, 0, 32, 7, 0, 255], -1, Unit::Volt),
];
const KAIFA_THREE_PHASES: &[Row] = &[
    register([1, 0, 31, 7, 0, 255], -3, Unit::Ampere),
    register([1, 0, 51, 7, 0, 255], -3, Unit::Ampere),
    register([1, 0, 71, 7, 0, 255], -3, Unit::Ampere),
    register([1, 0, 32, 7, 0, 255], -1, Unit::Volt),
    register([1, 0, 52, 7, 0, 255], -1, Unit::Volt),
    register([1, 0, 72, 7, 0, 255], -1, Unit::Volt),
];
/// What is sent on the hour in addition.
const KAIFA_HOUR: &[Row] = &[
    Row(ClassId::CLOCK, [0, 0, 1, 0, 0, 255], None),
    register([1, 0, 1, 8, 0, 255], 0, Unit::WattHour),
    register([1, 0, 2, 8, 0, 255], 0, Unit::WattHour),
    register([1, 0, 3, 8, 0, 255], 0, Unit::VarHour),
    register([1, 0, 4, 8, 0, 255], 0, Unit::VarHour),
];

pub(super) fn patterns() -> Vec<Pattern> {
    PATTERNS.iter().filter_map(|fields| Pattern::try_new(fields.to_vec())).collect()
}

pub(super) fn untagged() -> Vec<Untagged> {
    UNTAGGED.iter().filter_map(|fields| Untagged::try_new(fields.to_vec())).collect()
}

pub(super) fn lists() -> Vec<PositionList> {
    vec![
        kaifa(&[KAIFA_HEAD, KAIFA_ONE_PHASE]),
        kaifa(&[KAIFA_HEAD, KAIFA_THREE_PHASES]),
        kaifa(&[KAIFA_HEAD, KAIFA_ONE_PHASE, KAIFA_HOUR]),
        kaifa(&[KAIFA_HEAD, KAIFA_THREE_PHASES, KAIFA_HOUR]),
    ]
}

fn kaifa(parts: &[&[Row]]) -> PositionList {
    let position = |&Row(class, name, scaler_unit): &Row| Position {
        object: PushObject {
            class: Some(class),
            instance: LogicalName(name),
            attribute: Some(AttributeId(2)),
        },
        scaler_unit: scaler_unit.map(|(scaler, unit)| ScalerUnit::new(scaler, unit)),
    };
    let positions = parts.iter().flat_map(|part| part.iter().map(position)).collect();
    PositionList { version: KAIFA.to_owned(), positions }
}
