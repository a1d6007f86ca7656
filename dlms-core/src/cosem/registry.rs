//! What every interface class has, in every version: attributes, methods, types and short names
//! (IEC 62056-6-2, overview of the COSEM interface classes).
//!
//! The tables are made of `classes.txt` by `tests/registry.rs`, which also proves that they are
//! current. They are constants: nothing is built or looked up in a map when a program starts.
//!
//! ```
//! use dlms_core::{
//!     axdr::DataType,
//!     cosem::{ClassId, registry},
//! };
//!
//! let image_transfer = registry::interface_class(ClassId::IMAGE_TRANSFER, 0).unwrap();
//! assert_eq!(image_transfer.name, "Image transfer");
//! let enabled = image_transfer.attribute(5).unwrap();
//! assert_eq!(enabled.name, "image_transfer_enabled");
//! assert!(enabled.types.contains(DataType::Boolean));
//! assert_eq!(enabled.short_name_offset(), 0x20);
//! let initiate = image_transfer.method(1).unwrap();
//! assert_eq!(initiate.short_name_offset, Some(0x40));
//! ```

#[rustfmt::skip]
mod tables;

use core::fmt;

use super::{AttributeId, ClassId, MethodId};
use crate::axdr::DataType;

/// One version of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceClass {
    /// The number of the class.
    pub id: ClassId,
    /// Its version.
    pub version: u8,
    /// Its name.
    pub name: &'static str,
    /// Its attributes, the logical name first. A number may be missing where a later version of
    /// the standard gave it up.
    pub attributes: &'static [Attribute],
    /// Its methods, in the order of their numbers.
    pub methods: &'static [Method],
}

impl InterfaceClass {
    /// Attribute `number`.
    pub fn attribute(&self, number: i8) -> Option<&'static Attribute> {
        self.attributes.iter().find(|attribute| attribute.id.0 == number)
    }

    /// Method `number`.
    pub fn method(&self, number: i8) -> Option<&'static Method> {
        self.methods.iter().find(|method| method.id.0 == number)
    }
}

/// An attribute of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its number.
    pub id: AttributeId,
    /// Its name as the standard spells it.
    pub name: &'static str,
    /// The types that its value may have.
    pub types: TypeSet,
    /// Who changes it.
    pub behaviour: Behaviour,
}

impl Attribute {
    const fn new(id: i8, name: &'static str, types: u64, behaviour: Behaviour) -> Self {
        Self { id: AttributeId(id), name, types: TypeSet(types), behaviour }
    }

    /// How far the short name of the attribute is from the base name of its object
    /// (IEC 62056-6-2, mapping of attributes to short names): 8 for each attribute before it.
    pub fn short_name_offset(&self) -> u16 {
        u16::from(self.id.0.unsigned_abs()).saturating_sub(1).saturating_mul(8)
    }
}

/// Whether an attribute changes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It stays as it was configured.
    Static,
    /// The device changes it.
    Dynamic,
}

/// A method of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// Its number.
    pub id: MethodId,
    /// Its name as the standard spells it.
    pub name: &'static str,
    /// The types that its parameter may have.
    pub parameter: TypeSet,
    /// How far the short name of the method is from the base name of its object. `None` where it
    /// is not settled: the class is then reached by logical names only.
    pub short_name_offset: Option<u16>,
}

impl Method {
    const fn new(id: i8, name: &'static str, parameter: u64, offset: Option<u16>) -> Self {
        let (id, parameter) = (MethodId(id), TypeSet(parameter));
        Self { id, name, parameter, short_name_offset: offset }
    }
}

/// Types of data: one for most attributes, several where the class leaves the choice to the object.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TypeSet(u64);

impl TypeSet {
    /// Every type that a value can have. Don't-care, which is none, is in no set.
    pub const ANY: Self = Self(ANY);

    /// Whether `data_type` is one of them.
    pub const fn contains(self, data_type: DataType) -> bool {
        match 1_u64.checked_shl(data_type.tag() as u32) {
            Some(bit) => self.0 & bit != 0,
            None => false,
        }
    }

    /// The types, by their tags.
    pub fn iter(self) -> impl Iterator<Item = DataType> {
        (0..64).filter_map(DataType::from_tag).filter(move |data_type| self.contains(*data_type))
    }

    /// The type, when there is no choice.
    pub fn single(self) -> Option<DataType> {
        let mut types = self.iter();
        types.next().filter(|_| types.next().is_none())
    }
}

/// `octet-string|date-time`, or `any`.
impl fmt::Display for TypeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ANY {
            return f.write_str("any");
        }
        for (number, data_type) in self.iter().enumerate() {
            write!(f, "{}{data_type}", if number > 0 { "|" } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for TypeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// All versions of all classes, in order.
pub const fn classes() -> &'static [InterfaceClass] {
    tables::CLASSES
}

/// The versions of class `id`, in order.
pub fn versions(id: ClassId) -> impl Iterator<Item = &'static InterfaceClass> {
    let first = tables::CLASSES.partition_point(|class| class.id < id);
    tables::CLASSES.iter().skip(first).take_while(move |class| class.id == id)
}

/// One version of class `id`.
pub fn interface_class(id: ClassId, version: u8) -> Option<&'static InterfaceClass> {
    versions(id).find(|class| class.version == version)
}

/// The name of class `id` in its newest version, when it is one of the standard. Some classes have
/// a name here and nothing else.
pub fn class_name(id: ClassId) -> Option<&'static str> {
    let named = || tables::NAMED.iter().find(|(named, _)| *named == id).map(|(_, name)| *name);
    versions(id).last().map(|class| class.name).or_else(named)
}

/// All types but don't-care.
const ANY: u64 = tables::ANY;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn classes_of_the_standard_have_names_and_others_have_none() {
        assert_eq!(class_name(ClassId::PROFILE_GENERIC), Some("Profile generic"));
        assert_eq!(class_name(ClassId::DISCONNECT_CONTROL), Some("Disconnect control"));
        assert_eq!(class_name(ClassId(161)), Some("G3-PLC Hybrid RF MAC setup"));
        assert_eq!(class_name(ClassId(0)), None);
        assert_eq!(class_name(ClassId(9000)), None);
    }

    /// What meters, concentrators and gateways have. 2, 13, 14, 16, 54, 69 and 114 are no classes.
    #[test]
    fn the_classes_of_the_field_are_known_with_their_members() {
        let meters = (3..=12).chain([1, 15]).chain(17..=30);
        let payment = (111..=113).chain([115, 116, 122, 123, 124]);
        let lines = (40..=48).chain(50..=53).chain(55..=59).chain([100]).chain(151..=153);
        let plc = (80..=86).chain(90..=92).chain(160..=162);
        let values = (61..=68).chain(70..=74).chain([76, 77]);
        for id in meters.chain(payment).chain(lines).chain(plc).chain(values) {
            assert!(versions(ClassId(id)).all(|class| class.attributes.len() > 1), "class {id}");
            assert!(versions(ClassId(id)).next().is_some(), "class {id}");
        }
    }

    #[test]
    fn a_version_has_what_it_was_given_and_no_more() {
        let count = |id, version| {
            let class = interface_class(ClassId(id), version).unwrap();
            (class.attributes.len(), class.methods.len())
        };
        let sizes = [(91, 0), (91, 3), (91, 4), (92, 0), (92, 1), (92, 4), (66, 0), (161, 1)];
        let expected = [(22, 1), (26, 2), (29, 2), (16, 0), (19, 0), (40, 0), (9, 2), (38, 1)];
        assert_eq!(sizes.map(|(id, version)| count(id, version)), expected);
    }

    #[test]
    fn the_newest_name_of_a_class_counts() {
        assert_eq!(class_name(ClassId(29)), Some("Auto connect"));
        assert_eq!(interface_class(ClassId(29), 0).unwrap().name, "PSTN auto dial");
    }

    #[test]
    fn classes_and_their_members_are_in_order_and_begin_with_the_logical_name() {
        assert!(classes().is_sorted_by_key(|class| (class.id, class.version)));
        for class in classes() {
            let case = (class.id, class.version);
            assert!(class.attributes.is_sorted_by(|a, b| a.id < b.id), "{case:?}");
            assert!(class.methods.is_sorted_by(|a, b| a.id < b.id), "{case:?}");
            let first = class.attributes[0];
            assert_eq!((first.id.0, first.name), (1, "logical_name"), "{case:?}");
            assert_eq!(first.types.single(), Some(DataType::OctetString), "{case:?}");
        }
    }

    #[test]
    fn no_two_members_of_an_object_share_a_short_name() {
        for class in classes() {
            let attributes = class.attributes.iter().map(|attribute| attribute.short_name_offset());
            let methods = class.methods.iter().filter_map(|method| method.short_name_offset);
            let mut offsets: alloc::vec::Vec<u16> = attributes.chain(methods).collect();
            let count = offsets.len();
            offsets.sort_unstable();
            offsets.dedup();
            assert_eq!(offsets.len(), count, "{} version {}", class.name, class.version);
        }
    }

    #[test]
    fn a_later_version_takes_over_what_it_does_not_change() {
        let attributes = |version| interface_class(ClassId::ASSOCIATION_LN, version).unwrap();
        assert_eq!(attributes(0).attribute(7).unwrap().name, "LLS_secret");
        assert_eq!(attributes(1).attribute(7).unwrap().name, "secret");
        assert_eq!(attributes(1).attributes.len(), 9);
        assert_eq!(attributes(3).attributes.len(), 11);
        assert_eq!(attributes(3).methods.len(), 6);
    }

    #[test]
    fn types_are_told_one_by_one() {
        let time = interface_class(ClassId::CLOCK, 0).unwrap().attribute(2).unwrap();
        assert_eq!(time.types.to_string(), "octet-string|date-time");
        assert_eq!(time.types.single(), None);
        assert_eq!(time.behaviour, Behaviour::Dynamic);
        let value = interface_class(ClassId::DATA, 0).unwrap().attribute(2).unwrap();
        assert_eq!(value.types.to_string(), "any");
        assert!(value.types.contains(DataType::Structure));
        assert!(!value.types.contains(DataType::DontCare));
    }
}
