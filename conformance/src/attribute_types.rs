//! Which types an attribute may have, by class and number (IEC 62056-6-2).

use dlms_core::{
    axdr::{Data, DataType},
    cosem::ClassId,
};

/// The types of an attribute; none where any will do or the class is not known here.
pub(crate) fn attribute_types(
    class: ClassId,
    _version: u8,
    attribute: i8,
) -> Option<&'static [DataType]> {
    use DataType::{
        Array, Boolean, DoubleLongUnsigned, Enum, Integer, Long, LongUnsigned, OctetString,
        Structure, Unsigned,
    };
    const TIME: &[DataType] = &[OctetString, DataType::DateTime];
    if attribute == 1 {
        return Some(&[OctetString]);
    }
    Some(match (class.0, attribute) {
        (3 | 4, 3) | (5, 4) => &[Structure],
        (4, 5) | (5, 6 | 7) | (8, 2) | (20, 10) => TIME,
        (5, 8) | (7, 4 | 7 | 8) | (18, 2 | 4) => &[DoubleLongUnsigned],
        (5, 9) | (40, 5 | 7) => &[LongUnsigned],
        (7, 2) => &[Array, DataType::CompactArray],
        (7, 3) | (9, 2) | (11, 2) | (15, 2) | (17, 2) | (18, 7) | (40, 2 | 4) => &[Array],
        (7, 5) | (8, 9) | (15, 8) | (18, 6) | (64, 2 | 3) | (70, 3 | 4) => &[Enum],
        (7, 6) | (15, 3 | 5) | (40, 3) => &[Structure],
        (8, 3) => &[Long],
        (8, 4) | (40, 6) => &[Unsigned],
        (8, 5 | 6) => TIME,
        (8, 7) => &[Integer],
        (8, 8) | (18, 5) | (70, 2) => &[Boolean],
        (15, 4 | 6) => &[OctetString, Structure],
        (15, 9) | (64, 4 | 5) | (20, 2 | 6) => &[OctetString],
        (18, 3) => &[DataType::BitString],
        (20, 3..=5 | 7..=9) => &[Array],
        _ => return None,
    })
}

/// The largest value of an enumeration; none for what is none, or open.
const fn enumeration_max(class: ClassId, attribute: i8) -> Option<u8> {
    Some(match (class.0, attribute) {
        (7, 5) | (70, 4) => 6,
        (8, 9) => 5,
        (15, 8) | (70, 3) | (64, 3) => 2,
        (18, 6) => 7,
        _ => return None,
    })
}

/// What is wrong with the value of an attribute; none when nothing is.
pub(crate) fn wrong_value(
    class: ClassId,
    version: u8,
    attribute: i8,
    value: &Data<'_>,
) -> Option<String> {
    let data_type = value.data_type();
    if let Some(types) = attribute_types(class, version, attribute)
        && !types.contains(&data_type)
    {
        let due: Vec<_> = types.iter().map(|it| it.name()).collect();
        return Some(format!("is {}, and {} is due", data_type.name(), due.join(" or ")));
    }
    let value = value.as_enum()?;
    let most = enumeration_max(class, attribute)?;
    (value > most).then(|| format!("is {value}, and the enumeration ends with {most}"))
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
            Some("is 3, and the enumeration ends with 2")
        );
        assert_eq!(
            wrong(70, 3, Data::Unsigned(2)).as_deref(),
            Some("is unsigned, and enum is due")
        );
        assert_eq!(wrong(1, 2, Data::Unsigned(2)), None, "Data may hold anything");
        assert_eq!(wrong(0x7fff, 2, Data::Null), None, "a class of somebody's own");
    }
}
