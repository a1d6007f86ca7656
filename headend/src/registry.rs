//! What must be known of interface classes to show their attributes: which hold a date and time in
//! an octet-string, and which have scaler and unit in another attribute (IEC 62056-6-2 clause 4).

use dlms_core::cosem::{AttributeDescriptor, AttributeId, ClassId, LogicalName};

/// Attributes of type octet-string whose twelve octets are a date-time.
const DATE_TIMES: &[(ClassId, i8)] = &[
    (ClassId::EXTENDED_REGISTER, 5),  // capture_time
    (ClassId::DEMAND_REGISTER, 6),    // capture_time
    (ClassId::DEMAND_REGISTER, 7),    // start_time_current
    (ClassId::CLOCK, 2),              // time
    (ClassId::CLOCK, 5),              // daylight_savings_begin
    (ClassId::CLOCK, 6),              // daylight_savings_end
    (ClassId::ACTIVITY_CALENDAR, 10), // activate_passive_calendar_time
];

/// Attributes with a mantissa, and the attribute with its scaler_unit.
const SCALER_UNITS: &[(ClassId, i8, i8)] = &[
    (ClassId::REGISTER, 2, 3),
    (ClassId::EXTENDED_REGISTER, 2, 3),
    (ClassId::DEMAND_REGISTER, 2, 4),
    (ClassId::DEMAND_REGISTER, 3, 4),
];

/// Whether an octet-string of twelve in this attribute is a date-time.
pub(crate) fn is_date_time(class: ClassId, attribute: AttributeId) -> bool {
    DATE_TIMES.contains(&(class, attribute.0))
}

/// The attribute that holds scaler and unit of `value`, if it has some.
pub(crate) fn scaler_unit(value: AttributeDescriptor) -> Option<AttributeDescriptor> {
    SCALER_UNITS
        .iter()
        .find(|(class, attribute, _)| (*class, *attribute) == (value.class, value.attribute.0))
        .map(|(_, _, scaler_unit)| AttributeDescriptor {
            attribute: AttributeId(*scaler_unit),
            ..value
        })
}

/// Whether a profile column is the status of its row: Data 0-b:96.10.e (IEC 62056-6-1, profile
/// status).
pub(crate) fn is_profile_status(class: ClassId, instance: LogicalName) -> bool {
    class == ClassId::DATA && matches!(instance.0, [0, _, 96, 10, _, _])
}

/// Whether the value of an electricity object grows as energy does: D = 8, time integral 1
/// (IEC 62056-6-1).
pub(crate) fn is_energy(instance: LogicalName) -> bool {
    matches!(instance.0, [1, _, _, 8, _, _])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENERGY: LogicalName = LogicalName([1, 0, 1, 8, 0, 255]);

    #[test]
    fn registers_have_their_scaler_unit_beside_the_value() {
        for (class, value, expected) in [
            (ClassId::REGISTER, 2, Some(3)),
            (ClassId::REGISTER, 3, None),
            (ClassId::EXTENDED_REGISTER, 2, Some(3)),
            (ClassId::EXTENDED_REGISTER, 5, None),
            (ClassId::DEMAND_REGISTER, 2, Some(4)),
            (ClassId::DEMAND_REGISTER, 3, Some(4)),
            (ClassId::DATA, 2, None),
        ] {
            let attribute = AttributeDescriptor::new(class, ENERGY, value);
            let expected = expected.map(|number| AttributeDescriptor::new(class, ENERGY, number));
            assert_eq!(scaler_unit(attribute), expected, "{attribute}");
        }
    }

    #[test]
    fn only_data_0_b_96_10_is_a_status() {
        let status = LogicalName([0, 0, 96, 10, 1, 255]);
        assert!(is_profile_status(ClassId::DATA, status));
        assert!(!is_profile_status(ClassId::REGISTER, status));
        assert!(!is_profile_status(ClassId::DATA, LogicalName([0, 0, 96, 11, 0, 255])));
    }
}
