//! The objects of a meter, found by class and logical name (IEC 62056-6-2).
//!
//! One file per group of interface classes. An object answers for its own attributes and methods
//! and says what clients may do with them; the registry finds it, checks the rights and answers
//! attribute 1, the logical name, for all of them.

mod activity_calendar;
mod association_ln;
mod clock;
mod data;
mod demand_register;
mod disconnect_control;
mod image_transfer;
mod profile_generic;
mod push_setup;
mod register;
mod sap_assignment;
mod script_table;
mod security_setup;
mod special_days;

use core::fmt;

use dlms_core::{
    association::Access,
    axdr::{Data, DataBuf, Writer},
    cosem::{AttributeDescriptor, ClassId, LogicalName, MethodDescriptor},
    xdlms::{ActionResult, DataAccessResult, SelectiveAccess},
};

pub use self::profile_generic::ENTRIES_MAX;
use crate::{client::Role, world::World};

/// What may be done with an attribute, as the object list of the association says it
/// (IEC 62056-6-2, class 15 attribute 2, access_mode).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rights {
    NoAccess,
    Read,
    ReadWrite,
}

/// An interface object.
pub(crate) trait CosemObject: Send {
    /// Its class.
    fn class(&self) -> ClassId;

    /// The version of the class.
    fn version(&self) -> u8 {
        0
    }

    /// Its name.
    fn name(&self) -> LogicalName;

    /// The rights of attributes 2, 3 and so on for the management client. Attribute 1 is always
    /// readable.
    fn attributes(&self) -> &'static [Rights];

    /// The methods that the management client may invoke, of 1, 2 and so on.
    fn methods(&self) -> &'static [bool] {
        &[]
    }

    /// The selectors of selective access that an attribute has.
    fn selectors(&self, _attribute: i8) -> &'static [i8] {
        &[]
    }

    /// Appends the value of an attribute that `attributes` declares.
    fn read(&self, read: &Read<'_>, out: &mut Vec<u8>) -> Result<(), DataAccessResult>;

    /// Writes an attribute that `attributes` declares as writable.
    fn write(
        &mut self,
        _attribute: i8,
        _value: &Data<'_>,
        _world: &mut World,
    ) -> Result<(), DataAccessResult> {
        Err(DataAccessResult::ReadWriteDenied)
    }

    /// Invokes a method that `methods` declares.
    fn invoke(
        &mut self,
        _method: i8,
        _parameter: &Data<'_>,
        _world: &mut World,
    ) -> Result<(), ActionResult> {
        Err(ActionResult::ObjectUndefined)
    }
}

/// What an object is asked, and what it may look at for the answer.
pub(crate) struct Read<'r> {
    pub(crate) attribute: i8,
    pub(crate) selection: Option<&'r SelectiveAccess<'r>>,
    pub(crate) access: &'r Access,
    pub(crate) role: Role,
    pub(crate) world: &'r World,
    pub(crate) objects: &'r Objects,
}

/// All objects of a meter, in the order of their names.
pub(crate) struct Objects(Vec<Box<dyn CosemObject>>);

impl Objects {
    /// The objects that every meter here has, for a profile of `entries` rows.
    pub(crate) fn new(entries: u32) -> Self {
        let mut objects: Vec<Box<dyn CosemObject>> = Vec::new();
        data::add(&mut objects);
        register::add(&mut objects);
        demand_register::add(&mut objects);
        profile_generic::add(&mut objects, entries);
        objects.push(Box::new(clock::Clock));
        objects.push(Box::new(association_ln::AssociationLn));
        objects.push(Box::new(sap_assignment::SapAssignment));
        objects.push(Box::new(disconnect_control::DisconnectControl));
        objects.push(Box::new(image_transfer::ImageTransfer::default()));
        objects.push(Box::new(activity_calendar::ActivityCalendar::default()));
        objects.push(Box::new(special_days::SpecialDays::default()));
        objects.push(Box::new(script_table::ScriptTable));
        objects.push(Box::new(security_setup::SecuritySetup));
        objects.push(Box::new(push_setup::PushSetup::default()));
        objects.sort_by_key(|object| (object.name(), object.class()));
        Self(objects)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &dyn CosemObject> {
        self.0.iter().map(|object| &**object)
    }

    fn find(&self, class: ClassId, name: LogicalName) -> Option<usize> {
        self.0.binary_search_by_key(&(name, class), |object| (object.name(), object.class())).ok()
    }

    /// Reads an attribute in the name of a client with `role`.
    pub(crate) fn get(
        &self,
        access: &Access,
        role: Role,
        world: &World,
        attribute: AttributeDescriptor,
        selection: Option<&SelectiveAccess<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        let AttributeDescriptor { class, instance, attribute } = attribute;
        let index = self.find(class, instance).ok_or(DataAccessResult::ObjectUndefined)?;
        let object = &self.0[index];
        if rights(&**object, role, attribute.0)? == Rights::NoAccess {
            return Err(DataAccessResult::ReadWriteDenied);
        }
        if attribute.0 == 1 {
            return put(out, &DataBuf::octet_string(instance.0));
        }
        let read = Read { attribute: attribute.0, selection, access, role, world, objects: self };
        object.read(&read, out)
    }

    /// Writes an attribute in the name of a client with `role`.
    pub(crate) fn set(
        &mut self,
        role: Role,
        world: &mut World,
        attribute: AttributeDescriptor,
        value: &Data<'_>,
    ) -> Result<(), DataAccessResult> {
        let AttributeDescriptor { class, instance, attribute } = attribute;
        let index = self.find(class, instance).ok_or(DataAccessResult::ObjectUndefined)?;
        let object = &mut self.0[index];
        if rights(&**object, role, attribute.0)? != Rights::ReadWrite {
            return Err(DataAccessResult::ReadWriteDenied);
        }
        object.write(attribute.0, value, world)
    }

    /// Invokes a method in the name of a client with `role`.
    pub(crate) fn action(
        &mut self,
        role: Role,
        world: &mut World,
        method: MethodDescriptor,
        parameter: &Data<'_>,
    ) -> Result<(), ActionResult> {
        let MethodDescriptor { class, instance, method } = method;
        let index = self.find(class, instance).ok_or(ActionResult::ObjectUndefined)?;
        let object = &mut self.0[index];
        match method_allowed(&**object, role, method.0) {
            Some(true) => object.invoke(method.0, parameter, world),
            Some(false) => Err(ActionResult::ReadWriteDenied),
            None => Err(ActionResult::ObjectUndefined),
        }
    }
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|object| object.name())).finish()
    }
}

/// What a client with `role` may do with an attribute; an error when there is no such attribute.
pub(crate) fn rights(
    object: &dyn CosemObject,
    role: Role,
    attribute: i8,
) -> Result<Rights, DataAccessResult> {
    let declared = match usize::try_from(attribute) {
        Ok(1) => Some(Rights::Read),
        Ok(number) => number.checked_sub(2).and_then(|at| object.attributes().get(at)).copied(),
        Err(_) => None,
    };
    let declared = declared.ok_or(DataAccessResult::ObjectUndefined)?;
    Ok(role.limit(object, declared))
}

/// Whether a client with `role` may invoke a method; `None` when there is no such method.
pub(crate) fn method_allowed(object: &dyn CosemObject, role: Role, method: i8) -> Option<bool> {
    let at = usize::try_from(method).ok()?.checked_sub(1)?;
    object.methods().get(at).map(|allowed| *allowed && role.may_invoke())
}

/// Replaces an attribute that is kept as it was written, by a value of the same type.
pub(crate) fn replace(attribute: &mut DataBuf, value: &Data<'_>) -> Result<(), DataAccessResult> {
    if value.data_type() != attribute.data_type() {
        return Err(DataAccessResult::TypeUnmatched);
    }
    *attribute = value.to_buf().map_err(|_| DataAccessResult::TypeUnmatched)?;
    Ok(())
}

/// Appends a value.
pub(crate) fn put(out: &mut Vec<u8>, value: &DataBuf) -> Result<(), DataAccessResult> {
    value.encode(&mut Writer::new(out));
    Ok(())
}
