//! All objects of a logical device.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use super::{
    AllRights, AttributeRights, Call, ClientRights, CosemObject, Get, Initiator, MethodRights,
    ObjectId, short_names,
};
use crate::{
    acse::ApplicationContext,
    association::Access,
    axdr::{Data, DataBuf, RawData},
    cosem::{AttributeDescriptor, ClassId, LogicalName, MethodDescriptor, registry},
    xdlms::{ActionResult, DataAccessResult, SelectiveAccess},
};

/// How deep objects may call each other: a schedule that executes a script that works an object
/// that has a listener is three.
pub const NESTING_MAX: usize = 8;

/// The objects, in the order of their names.
pub struct ObjectSet<W> {
    pub(super) entries: Vec<Entry<W>>,
    /// How many objects are being called, each by the one before.
    nesting: usize,
    /// Who began what is going on.
    initiator: Initiator,
}

/// One object, and what of it is needed while it is away.
pub(super) struct Entry<W> {
    pub(super) id: ObjectId,
    pub(super) base_name: Option<u16>,
    /// Its rights, as it gave them when it came: an object does not change what it is.
    attributes: Vec<AttributeRights>,
    methods: Vec<MethodRights>,
    /// Away while it is being called.
    object: Option<Box<dyn CosemObject<W>>>,
}

/// Two objects have the same class and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two objects of class {class} are called {name}")]
pub struct NotUnique {
    /// Their class.
    pub class: ClassId,
    /// Their name.
    pub name: LogicalName,
}

impl<W> ObjectSet<W> {
    /// A device of `objects`. They get short names, too, see
    /// [`short_name`](Self::short_name).
    ///
    /// # Errors
    /// Two objects of the same class with the same name.
    pub fn new(
        objects: impl IntoIterator<Item = Box<dyn CosemObject<W>>>,
    ) -> Result<Self, NotUnique> {
        let entry = |object: Box<dyn CosemObject<W>>| Entry {
            id: ObjectId { class: object.class(), version: object.version(), name: object.name() },
            base_name: None,
            attributes: object.attributes().to_vec(),
            methods: object.methods().to_vec(),
            object: Some(object),
        };
        let mut entries: Vec<Entry<W>> = objects.into_iter().map(entry).collect();
        entries.sort_by_key(|entry| (entry.id.name, entry.id.class));
        let twins = entries
            .iter()
            .zip(entries.iter().skip(1))
            .find(|(one, other)| (one.id.name, one.id.class) == (other.id.name, other.id.class));
        if let Some((one, _)) = twins {
            return Err(NotUnique { class: one.id.class, name: one.id.name });
        }
        short_names::assign(&mut entries);
        Ok(Self { entries, nesting: 0, initiator: Initiator::Device })
    }

    /// The objects, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = ObjectId> {
        self.entries.iter().map(|entry| entry.id)
    }

    /// The objects that have not as many attributes and methods as their class has in its version,
    /// or whose class the [registry] does not know: what the test of a device should find none of.
    pub fn irregular(&self) -> impl Iterator<Item = ObjectId> {
        self.entries.iter().filter(|entry| !entry.is_regular()).map(|entry| entry.id)
    }

    fn index(&self, class: ClassId, name: LogicalName) -> Option<usize> {
        let key = |entry: &Entry<W>| (entry.id.name, entry.id.class);
        self.entries.binary_search_by_key(&(name, class), key).ok()
    }

    pub(super) fn entry(&self, class: ClassId, name: LogicalName) -> Option<&Entry<W>> {
        self.entries.get(self.index(class, name)?)
    }

    pub(super) fn given_to_attribute(
        &self,
        object: ObjectId,
        attribute: i8,
    ) -> Option<AttributeRights> {
        self.entry(object.class, object.name)?.attribute(attribute)
    }

    pub(super) fn given_to_method(&self, object: ObjectId, method: i8) -> Option<MethodRights> {
        self.entry(object.class, object.name)?.method(method)
    }

    pub(super) fn selectors(&self, object: ObjectId, attribute: i8) -> &[u8] {
        let entry = self.entry(object.class, object.name);
        let object = entry.and_then(|entry| entry.object.as_deref());
        object.map_or(&[], |object| object.selectors(attribute))
    }

    /// What a client may do with an attribute; `None` when there is no such attribute.
    pub fn attribute_rights(
        &self,
        rights: &dyn ClientRights,
        attribute: AttributeDescriptor,
    ) -> Option<AttributeRights> {
        let entry = self.entry(attribute.class, attribute.instance)?;
        let given = entry.attribute(attribute.attribute.0)?;
        Some(rights.attribute(entry.id, attribute.attribute.0, given))
    }

    /// What a client may do with a method; `None` when there is no such method.
    pub fn method_rights(
        &self,
        rights: &dyn ClientRights,
        method: MethodDescriptor,
    ) -> Option<MethodRights> {
        let entry = self.entry(method.class, method.instance)?;
        Some(rights.method(entry.id, method.method.0, entry.method(method.method.0)?))
    }

    /// Reads an attribute in the name of a client: one encoded Data is appended to `out`.
    ///
    /// # Errors
    /// The refusal that the client gets.
    pub fn get(
        &self,
        access: &Access,
        rights: &dyn ClientRights,
        world: &W,
        attribute: AttributeDescriptor,
        selection: Option<SelectiveAccess<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        let may = self.attribute_rights(rights, attribute);
        let may = may.filter(|_| is_reached(access, attribute.class));
        let may = may.ok_or(DataAccessResult::ObjectUndefined)?;
        if !may.may_read() || !may.satisfied_by(access.protection) {
            return Err(DataAccessResult::ReadWriteDenied);
        }
        self.read(Some(access), rights, world, attribute, selection, out)
    }

    /// Writes an attribute in the name of a client.
    ///
    /// # Errors
    /// The refusal that the client gets.
    pub fn set(
        &mut self,
        access: &Access,
        rights: &dyn ClientRights,
        world: &mut W,
        attribute: AttributeDescriptor,
        value: &Data<'_>,
    ) -> Result<(), DataAccessResult> {
        let may = self.attribute_rights(rights, attribute);
        let may = may.filter(|_| is_reached(access, attribute.class));
        let may = may.ok_or(DataAccessResult::ObjectUndefined)?;
        if !may.may_write() || !may.satisfied_by(access.protection) {
            return Err(DataAccessResult::ReadWriteDenied);
        }
        self.in_the_name_of_a_client(|objects| objects.write(world, attribute, value))
    }

    /// Invokes a method in the name of a client. What it returns, if anything, is appended to
    /// `out`.
    ///
    /// # Errors
    /// The refusal that the client gets.
    pub fn action(
        &mut self,
        access: &Access,
        rights: &dyn ClientRights,
        world: &mut W,
        method: MethodDescriptor,
        parameter: &Data<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        let may = self.method_rights(rights, method);
        let may = may.filter(|_| is_reached(access, method.class));
        let may = may.ok_or(ActionResult::ObjectUndefined)?;
        if !may.may_invoke() || !may.satisfied_by(access.protection) {
            return Err(ActionResult::ReadWriteDenied);
        }
        self.in_the_name_of_a_client(|objects| objects.invoke(world, method, parameter, out))
    }

    /// The value of an attribute, for the device itself.
    ///
    /// # Errors
    /// What a client would be told, but for its rights.
    pub fn value(
        &self,
        world: &W,
        attribute: AttributeDescriptor,
    ) -> Result<DataBuf, DataAccessResult> {
        let mut out = Vec::new();
        self.read(None, &AllRights, world, attribute, None, &mut out)?;
        let data = RawData::from_octets(&out).and_then(|raw| raw.data()?.to_buf());
        data.map_err(|_| DataAccessResult::OtherReason)
    }

    /// A part of the value of an attribute, for the device itself.
    ///
    /// # Errors
    /// What a client would be told, but for its rights.
    pub fn part(
        &self,
        world: &W,
        attribute: AttributeDescriptor,
        selection: SelectiveAccess<'_>,
    ) -> Result<DataBuf, DataAccessResult> {
        let mut out = Vec::new();
        self.read(None, &AllRights, world, attribute, Some(selection), &mut out)?;
        let data = RawData::from_octets(&out).and_then(|raw| raw.data()?.to_buf());
        data.map_err(|_| DataAccessResult::OtherReason)
    }

    /// Writes an attribute for the device itself: no rights are asked.
    ///
    /// # Errors
    /// What a client would be told, but for its rights.
    pub fn write(
        &mut self,
        world: &mut W,
        attribute: AttributeDescriptor,
        value: &Data<'_>,
    ) -> Result<(), DataAccessResult> {
        let AttributeDescriptor { class, instance, attribute } = attribute;
        let index = self.index(class, instance).ok_or(DataAccessResult::ObjectUndefined)?;
        // The name of an object is fixed.
        if attribute.0 == 1 {
            return Err(DataAccessResult::ReadWriteDenied);
        }
        let known = self.entries.get(index).and_then(|entry| entry.attribute(attribute.0));
        known.ok_or(DataAccessResult::ObjectUndefined)?;
        self.call(world, index, |object, call| object.set(attribute.0, value, call))
            .unwrap_or(Err(DataAccessResult::TemporaryFailure))
    }

    /// Invokes a method for the device itself: no rights are asked. The result is what the method
    /// returned, null-data when it returned nothing.
    ///
    /// # Errors
    /// What a client would be told, but for its rights.
    pub fn perform(
        &mut self,
        world: &mut W,
        method: MethodDescriptor,
        parameter: &Data<'_>,
    ) -> Result<DataBuf, ActionResult> {
        let mut out = Vec::new();
        self.invoke(world, method, parameter, &mut out)?;
        if out.is_empty() {
            return Ok(DataBuf::Null);
        }
        let data = RawData::from_octets(&out).and_then(|raw| raw.data()?.to_buf());
        data.map_err(|_| ActionResult::OtherReason)
    }

    /// When something is due next, in seconds since 1970-01-01T00:00:00Z.
    pub fn poll_timeout(&self, world: &W) -> Option<i64> {
        let objects = self.entries.iter().filter_map(|entry| entry.object.as_deref());
        objects.filter_map(|object| object.poll_timeout(world)).min()
    }

    /// Does what is due at `now`, in the order of the objects.
    pub fn handle_timeout(&mut self, world: &mut W, now: i64) {
        for index in 0..self.entries.len() {
            let object = self.entries.get(index).and_then(|entry| entry.object.as_deref());
            let due = object.and_then(|object| object.poll_timeout(world));
            if due.is_some_and(|due| due <= now) {
                self.call(world, index, |object, call| object.handle_timeout(now, call));
            }
        }
    }

    fn in_the_name_of_a_client<T>(&mut self, what: impl FnOnce(&mut Self) -> T) -> T {
        self.initiator = Initiator::Client;
        let done = what(self);
        self.initiator = Initiator::Device;
        done
    }

    fn read(
        &self,
        access: Option<&Access>,
        rights: &dyn ClientRights,
        world: &W,
        attribute: AttributeDescriptor,
        selection: Option<SelectiveAccess<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        let AttributeDescriptor { class, instance, attribute } = attribute;
        let entry = self.entry(class, instance).ok_or(DataAccessResult::ObjectUndefined)?;
        entry.attribute(attribute.0).ok_or(DataAccessResult::ObjectUndefined)?;
        let object = entry.object.as_deref().ok_or(DataAccessResult::TemporaryFailure)?;
        if let Some(selection) = &selection {
            let selectors = object.selectors(attribute.0);
            if !selectors.contains(&selection.selector) {
                return Err(DataAccessResult::ScopeOfAccessViolated);
            }
        }
        if attribute.0 == 1 {
            return super::put(out, &instance.to_data());
        }
        let attribute = attribute.0;
        let get = Get { attribute, selection, access, rights, world, objects: self };
        object.get(&get, out)
    }

    fn invoke(
        &mut self,
        world: &mut W,
        method: MethodDescriptor,
        parameter: &Data<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        let MethodDescriptor { class, instance, method } = method;
        let index = self.index(class, instance).ok_or(ActionResult::ObjectUndefined)?;
        let known = self.entries.get(index).and_then(|entry| entry.method(method.0));
        known.ok_or(ActionResult::ObjectUndefined)?;
        self.call(world, index, |object, call| object.invoke(method.0, parameter, call, out))
            .unwrap_or(Err(ActionResult::TemporaryFailure))
    }

    /// Takes object `index` out, hands it to `what` with all the others, and puts it back. `None`
    /// when it is out already, or too many are.
    fn call<T>(
        &mut self,
        world: &mut W,
        index: usize,
        what: impl FnOnce(&mut dyn CosemObject<W>, &mut Call<'_, W>) -> T,
    ) -> Option<T> {
        if self.nesting >= NESTING_MAX {
            return None;
        }
        let mut object = self.entries.get_mut(index)?.object.take()?;
        self.nesting = self.nesting.saturating_add(1);
        let initiator = self.initiator;
        let done = what(&mut *object, &mut Call { world, objects: self, initiator });
        self.nesting = self.nesting.saturating_sub(1);
        self.entries.get_mut(index)?.object = Some(object);
        Some(done)
    }
}

/// Whether objects of a class are there for an association: of the two classes of associations only
/// that of its own referencing is.
fn is_reached(access: &Access, class: ClassId) -> bool {
    use ApplicationContext::{ShortName, ShortNameCiphered};
    match class {
        ClassId::ASSOCIATION_LN => {
            !matches!(access.application_context, ShortName | ShortNameCiphered)
        }
        ClassId::ASSOCIATION_SN => {
            matches!(access.application_context, ShortName | ShortNameCiphered)
        }
        _ => true,
    }
}

impl<W> Entry<W> {
    /// Whether the class has the last attribute and the last method, and none behind them.
    fn is_regular(&self) -> bool {
        let Some(class) = registry::interface_class(self.id.class, self.id.version) else {
            return false;
        };
        let attribute = class.attributes.last().map_or(0, |attribute| attribute.id.0);
        let method = class.methods.last().map_or(0, |method| method.id.0);
        self.attribute(attribute).is_some()
            && self.attribute(attribute.saturating_add(1)).is_none()
            && (method == 0 || self.method(method).is_some())
            && self.method(method.saturating_add(1)).is_none()
    }

    /// What the object gives to a client that may do everything.
    pub(super) fn attribute(&self, attribute: i8) -> Option<AttributeRights> {
        match usize::try_from(attribute).ok()? {
            1 => Some(AttributeRights::READ),
            number => self.attributes.get(number.checked_sub(2)?).copied(),
        }
    }

    pub(super) fn method(&self, method: i8) -> Option<MethodRights> {
        self.methods.get(usize::try_from(method).ok()?.checked_sub(1)?).copied()
    }
}

impl<W> fmt::Debug for ObjectSet<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
