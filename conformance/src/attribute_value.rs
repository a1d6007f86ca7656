//! Whether a value is one that its attribute may have: its type by the
//! [registry](dlms_core::cosem::registry) of classes, and the range of enumerations
//! (IEC 62056-6-2).

use dlms_core::{
    axdr::Data,
    cosem::{ClassId, registry},
};

/// The largest value of an enumeration; none for what is none, or open.
const fn enumeration_max(class: ClassId, attribute: i8) -> Option<u8> {
    Some(match (class.0, attribute) {
        (7, 5) | (70, 4) => 6,
        (8, 9) => 5,
        (15, 8) | (64, 3) | (70, 3) => 2,
        (18, 6) => 7,
        _ => return None,
    })
}

/// What is wrong with the value of an attribute; none when nothing is, or the class is not one of
/// the standard.
pub(crate) fn wrong_value(
    class: ClassId,
    version: u8,
    attribute: i8,
    value: &Data<'_>,
) -> Option<String> {
    let known = registry::interface_class(class, version)?;
    let Some(known) = known.attribute(attribute) else {
        return Some(format!("{} version {version} has no such attribute", known.name));
    };
    let data_type = value.data_type();
    if !known.types.contains(data_type) {
        let due: Vec<_> = known.types.iter().map(|it| it.name()).collect();
        let name = known.name;
        return Some(format!("{name} is {}, and {} is due", data_type.name(), due.join(" or ")));
    }
    let value = value.as_enum()?;
    let most = enumeration_max(class, attribute)?;
    let name = known.name;
    (value > most).then(|| format!("{name} is {value}, and the enumeration ends with {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_the_type_of_its_attribute_and_a_place_in_its_enumeration() {
        let wrong = |class, attribute, value| wrong_value(ClassId(class), 0, attribute, &value);
        assert_eq!(wrong(70, 3, Data::Enum(2)), None);
        assert_eq!(
            wrong(70, 3, Data::Enum(3)).as_deref(),
            Some("control_state is 3, and the enumeration ends with 2")
        );
        assert_eq!(
            wrong(70, 3, Data::Unsigned(2)).as_deref(),
            Some("control_state is unsigned, and enum is due")
        );
        assert_eq!(
            wrong(70, 5, Data::Null).as_deref(),
            Some("Disconnect control version 0 has no such attribute")
        );
        assert_eq!(wrong(1, 2, Data::Unsigned(2)), None, "Data may hold anything");
        assert_eq!(wrong(0x7fff, 2, Data::Null), None, "a class of somebody's own");
    }
}
