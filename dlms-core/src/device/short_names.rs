//! Short names: objects found by a number of two octets (IEC 62056-6-2, short name referencing and
//! reserved base names).
//!
//! An object has a base name; attribute n is at base name + 8 (n - 1), and the methods are where
//! the class puts them ([`registry`](crate::cosem::registry)). Few names are reserved. All others
//! are the device's choice, and a client reads them from the object list of the association.

use alloc::vec::Vec;

use super::{ObjectId, ObjectSet, object_set::Entry};
use crate::cosem::{AttributeDescriptor, ClassId, LogicalName, MethodDescriptor, registry};

/// The base name of the current association.
pub const ASSOCIATION_SN_BASE_NAME: u16 = 0xfa00;
/// The base name of the SAP assignment.
const SAP_ASSIGNMENT_BASE_NAME: u16 = 0xfc00;
/// The base name of the Data object with the logical device name.
const LOGICAL_DEVICE_NAME_BASE_NAME: u16 = 0xfd00;
/// The base name of the first object without a reserved one. It is free below.
const FIRST: u16 = 0x0100;
/// The reserved base names begin here.
const FREE_MAX: u16 = 0xf9f8;
/// From one short name to the next.
const STEP: u16 = 8;

/// What a short name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// An attribute: it can be read and written.
    Attribute(AttributeDescriptor),
    /// A method: it is invoked by writing its parameter, or by reading with it.
    Method(MethodDescriptor),
}

/// Gives every object its base name, in the order that they have. The association of logical name
/// referencing gets none, and neither does an object for which there is no room left.
pub(super) fn assign<W>(entries: &mut [Entry<W>]) {
    let mut next = FIRST;
    for entry in entries {
        entry.base_name = match (entry.id.class, entry.id.name) {
            (ClassId::ASSOCIATION_LN, _) => None,
            (ClassId::ASSOCIATION_SN, LogicalName::CURRENT_ASSOCIATION) => {
                Some(ASSOCIATION_SN_BASE_NAME)
            }
            (ClassId::SAP_ASSIGNMENT, LogicalName::SAP_ASSIGNMENT) => {
                Some(SAP_ASSIGNMENT_BASE_NAME)
            }
            (ClassId::DATA, LogicalName::LOGICAL_DEVICE_NAME) => {
                Some(LOGICAL_DEVICE_NAME_BASE_NAME)
            }
            _ => {
                let offsets = offsets(entry).map(|(offset, _)| offset);
                let end = next.saturating_add(offsets.max().unwrap_or(0)).saturating_add(STEP);
                (end <= FREE_MAX).then(|| core::mem::replace(&mut next, end))
            }
        };
    }
}

/// How far each attribute and method of an object is from its base name. A method of which that is
/// not settled has no short name.
fn offsets<W>(entry: &Entry<W>) -> impl Iterator<Item = (u16, Member)> {
    let ObjectId { class, version, name } = entry.id;
    let known = registry::interface_class(class, version);
    let attributes = (1..=i8::MAX).map_while(move |number| {
        entry.attribute(number)?;
        let offset = u16::from(number.unsigned_abs()).saturating_sub(1).saturating_mul(STEP);
        Some((offset, Member::Attribute(AttributeDescriptor::new(class, name, number))))
    });
    let methods = known.into_iter().flat_map(|known| known.methods);
    let methods = methods.filter_map(move |method| {
        entry.method(method.id.0)?;
        let member = Member::Method(MethodDescriptor::new(class, name, method.id.0));
        Some((method.short_name_offset?, member))
    });
    attributes.chain(methods)
}

impl<W> ObjectSet<W> {
    /// The objects that have a base name, by it.
    pub(super) fn short_named(&self) -> impl Iterator<Item = (u16, ObjectId)> {
        let mut named: Vec<_> =
            self.entries.iter().filter_map(|entry| Some((entry.base_name?, entry.id))).collect();
        named.sort_unstable_by_key(|(base_name, _)| *base_name);
        named.into_iter()
    }

    /// What the short name `name` stands for.
    pub fn short_name(&self, name: u16) -> Option<Member> {
        self.entries.iter().find_map(|entry| {
            let offset = name.checked_sub(entry.base_name?)?;
            offsets(entry).find(|(known, _)| *known == offset).map(|(_, member)| member)
        })
    }

    /// The base name of an object.
    pub fn base_name(&self, class: ClassId, name: LogicalName) -> Option<u16> {
        self.entry(class, name)?.base_name
    }
}
