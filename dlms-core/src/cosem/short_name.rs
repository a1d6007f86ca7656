//! Short names: an address for each attribute and method (IEC 62056-6-2, short name referencing).
//!
//! An object has a base name; its first attribute has that name, each further attribute one that is
//! 8 larger. Where the methods begin differs from class to class.

use core::fmt;

use super::{AttributeId, ClassId, MethodId};

/// A name of 16 bits, which is an INTEGER in the ASN.1 and written as unsigned everywhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShortName(pub u16);

/// From the name of an attribute or method to the next one.
const STEP: u16 = 8;

/// The offset of the first method of a class, and how many methods have a short name.
const METHODS: [(u16, u16, u16); 22] = [
    (3, 0x28, 1),
    (4, 0x38, 1),
    (5, 0x48, 2),
    (6, 0x30, 3),
    (7, 0x58, 4),
    (8, 0x60, 6),
    (9, 0x20, 1),
    (10, 0x20, 3),
    (11, 0x10, 2),
    (12, 0x20, 8),
    (15, 0x60, 6),
    (17, 0x20, 1),
    (18, 0x40, 4),
    (20, 0x50, 1),
    (29, 0x38, 1),
    (40, 0x38, 1),
    (61, 0x28, 2),
    (62, 0x30, 2),
    (64, 0x30, 8),
    (67, 0x30, 2),
    (70, 0x20, 2),
    (72, 0x60, 8),
];

impl ShortName {
    /// The association with short names itself (class 12), whose second attribute is the object
    /// list.
    pub const ASSOCIATION: Self = Self(0xfa00);
    /// The script table that resets a meter to a broadcast.
    pub const BROADCAST_SCRIPT_TABLE: Self = Self(0xfb00);
    /// The SAP assignment.
    pub const SAP_ASSIGNMENT: Self = Self(0xfc00);
    /// The object with the logical device name.
    pub const LOGICAL_DEVICE_NAME: Self = Self(0xfd00);

    /// The name of an attribute of the object with this base name. None for attribute 0 and below,
    /// which no short name means, and for one beyond the last name.
    pub fn attribute(self, attribute: AttributeId) -> Option<Self> {
        let index = u16::try_from(attribute.0).ok()?.checked_sub(1)?;
        self.0.checked_add(index.checked_mul(STEP)?).map(Self)
    }

    /// The name of a method of the object of `class` with this base name. None for a class whose
    /// methods have no short names here, and for a method that it lacks.
    pub fn method(self, class: ClassId, method: MethodId) -> Option<Self> {
        let (first, count) = methods(class)?;
        let index = u16::try_from(method.0).ok()?.checked_sub(1)?;
        if index >= count {
            return None;
        }
        self.0.checked_add(first)?.checked_add(index.checked_mul(STEP)?).map(Self)
    }

    /// What this name means in the object of `class` with the base name `base`; none for a name
    /// that is not one of this object's attributes, of which there are at most `attributes`, or
    /// methods.
    pub fn within(self, base: Self, class: ClassId, attributes: u8) -> Option<ShortNameTarget> {
        let offset = self.0.checked_sub(base.0)?;
        if !offset.is_multiple_of(STEP) {
            return None;
        }
        if let Some((first, count)) = methods(class)
            && let Some(beyond) = offset.checked_sub(first)
            && beyond.wrapping_div(STEP) < count
        {
            let method = i8::try_from(beyond.wrapping_div(STEP).saturating_add(1)).ok()?;
            return Some(ShortNameTarget::Method(MethodId(method)));
        }
        let index = offset.wrapping_div(STEP);
        if index >= u16::from(attributes) {
            return None;
        }
        let attribute = i8::try_from(index.saturating_add(1)).ok()?;
        Some(ShortNameTarget::Attribute(AttributeId(attribute)))
    }
}

/// What a short name means in its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShortNameTarget {
    /// An attribute.
    Attribute(AttributeId),
    /// A method.
    Method(MethodId),
}

/// The offset of the first method, and how many methods there are.
fn methods(class: ClassId) -> Option<(u16, u16)> {
    METHODS.iter().find(|(id, ..)| *id == class.0).map(|&(_, first, count)| (first, count))
}

/// Four hexadecimal digits.
impl fmt::Display for ShortName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn attributes_are_eight_apart_and_the_first_has_the_base_name() {
        let base = ShortName::ASSOCIATION;
        assert_eq!(base.attribute(AttributeId(1)), Some(base));
        assert_eq!(base.attribute(AttributeId(2)), Some(ShortName(0xfa08)));
        assert_eq!(base.attribute(AttributeId(0)), None);
        assert_eq!(base.attribute(AttributeId(-1)), None);
        assert_eq!(ShortName(0xfff8).attribute(AttributeId(2)), None);
        assert_eq!(base.to_string(), "FA00");
    }

    #[test]
    fn methods_begin_where_their_class_says() {
        let base = ShortName(0x4000);
        // The four of image transfer, and reply_to_HLS_authentication of the association.
        for (method, name) in [(1, 0x4040), (2, 0x4048), (3, 0x4050), (4, 0x4058)] {
            assert_eq!(base.method(ClassId(18), MethodId(method)), Some(ShortName(name)));
        }
        assert_eq!(
            ShortName::ASSOCIATION.method(ClassId(12), MethodId(8)),
            Some(ShortName(0xfa58))
        );
        assert_eq!(base.method(ClassId(18), MethodId(5)), None);
        assert_eq!(base.method(ClassId(1), MethodId(1)), None);
    }

    #[test]
    fn a_name_leads_back_to_its_attribute_or_method() {
        let base = ShortName(0x4000);
        for (class, attributes, _) in METHODS.map(|(class, first, count)| {
            (ClassId(class), u8::try_from(first / STEP).unwrap(), count)
        }) {
            for attribute in 1..=i8::try_from(attributes).unwrap() {
                let name = base.attribute(AttributeId(attribute)).unwrap();
                let target = ShortNameTarget::Attribute(AttributeId(attribute));
                assert_eq!(name.within(base, class, attributes), Some(target), "{class}");
            }
            for method in (1..=8).map(MethodId) {
                let Some(name) = base.method(class, method) else { continue };
                let target = ShortNameTarget::Method(method);
                assert_eq!(name.within(base, class, attributes), Some(target), "{class}");
            }
        }
    }

    #[test]
    fn a_name_between_two_attributes_or_beyond_the_last_means_nothing() {
        let base = ShortName(0x4000);
        let data = ClassId::DATA;
        assert!(ShortName(0x4008).within(base, data, 2).is_some());
        assert_eq!(ShortName(0x4004).within(base, data, 2), None);
        assert_eq!(ShortName(0x4010).within(base, data, 2), None);
        assert_eq!(ShortName(0x3ff8).within(base, data, 2), None);
    }
}
