//! Short names: an address for each attribute and method (IEC 62056-6-2, short name referencing).
//!
//! An object has a base name; its first attribute has that name, each further attribute one that is
//! 8 larger. Where the methods are differs from class to class, as the [`registry`] has it.

use core::fmt;

use super::{AttributeId, ClassId, MethodId, registry};

/// A name of 16 bits, which is an INTEGER in the ASN.1 and written as unsigned everywhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShortName(pub u16);

/// From the name of an attribute or method to the next one.
const STEP: u16 = 8;

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

    /// The name of a method of the object of `class`, in this version, with this base name. None
    /// for a class that is not known, and for a method without a short name.
    pub fn method(self, class: ClassId, version: u8, method: MethodId) -> Option<Self> {
        let (_, offset) = methods(class, version).find(|(known, _)| *known == method)?;
        self.0.checked_add(offset).map(Self)
    }

    /// What this name means in the object of `class`, in this version, with the base name `base`;
    /// none for a name that is not one of this object's attributes, of which there are at most
    /// `attributes`, or methods.
    pub fn within(
        self,
        base: Self,
        class: ClassId,
        version: u8,
        attributes: u8,
    ) -> Option<ShortNameTarget> {
        let offset = self.0.checked_sub(base.0)?;
        if !offset.is_multiple_of(STEP) {
            return None;
        }
        if let Some((method, _)) = methods(class, version).find(|(_, known)| *known == offset) {
            return Some(ShortNameTarget::Method(method));
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

/// The methods that have a short name, and how far each is from the base name.
fn methods(class: ClassId, version: u8) -> impl Iterator<Item = (MethodId, u16)> {
    let known = registry::interface_class(class, version);
    let methods = known.into_iter().flat_map(|known| known.methods);
    methods.filter_map(|method| Some((method.id, method.short_name_offset?)))
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
    fn methods_are_where_their_class_and_version_say() {
        let base = ShortName(0x4000);
        // The four of image transfer, and reply_to_HLS_authentication of the association.
        for (method, name) in [(1, 0x4040), (2, 0x4048), (3, 0x4050), (4, 0x4058)] {
            assert_eq!(base.method(ClassId(18), 0, MethodId(method)), Some(ShortName(name)));
        }
        let reply = ShortName::ASSOCIATION.method(ClassId(12), 2, MethodId(8));
        assert_eq!(reply, Some(ShortName(0xfa58)));
        assert_eq!(base.method(ClassId(18), 0, MethodId(5)), None);
        assert_eq!(base.method(ClassId(1), 0, MethodId(1)), None);
    }

    #[test]
    fn a_name_leads_back_to_its_attribute_or_method() {
        let base = ShortName(0x4000);
        let mut methods_found = 0;
        for class in (0..200).map(ClassId) {
            for version in 0..4 {
                for (method, offset) in methods(class, version) {
                    let name = base.method(class, version, method).unwrap();
                    assert_eq!(name.0, 0x4000 + offset);
                    let target = ShortNameTarget::Method(method);
                    assert_eq!(name.within(base, class, version, 127), Some(target), "{class}");
                    methods_found += 1;
                }
                let attribute = AttributeId(2);
                let name = base.attribute(attribute).unwrap();
                let target = Some(ShortNameTarget::Attribute(attribute));
                assert_eq!(name.within(base, class, version, 2), target);
            }
        }
        assert!(methods_found > 40, "{methods_found}");
    }

    #[test]
    fn a_name_between_two_attributes_or_beyond_the_last_means_nothing() {
        let base = ShortName(0x4000);
        let data = ClassId::DATA;
        assert!(ShortName(0x4008).within(base, data, 0, 2).is_some());
        assert_eq!(ShortName(0x4004).within(base, data, 0, 2), None);
        assert_eq!(ShortName(0x4010).within(base, data, 0, 2), None);
        assert_eq!(ShortName(0x3ff8).within(base, data, 0, 2), None);
    }
}
