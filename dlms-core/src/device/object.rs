//! An interface object.

use alloc::vec::Vec;

use super::{AttributeRights, ClientRights, MethodRights, ObjectId, ObjectSet};
use crate::{
    association::Access,
    axdr::{Data, DataBuf, Writer},
    cosem::{ClassId, LogicalName},
    xdlms::{ActionResult, DataAccessResult, SelectiveAccess},
};

/// An interface object: one instance of one version of one class.
///
/// `W` is what the objects of the device share. What can be known without the object (that there is
/// such an attribute, that the client may do this) was checked when a method here is called.
pub trait CosemObject<W>: Send {
    /// Its class.
    fn class(&self) -> ClassId;

    /// The version of the class.
    fn version(&self) -> u8 {
        0
    }

    /// Its name.
    fn name(&self) -> LogicalName;

    /// What a client that may do everything may do with attributes 2, 3 and so on. Attribute 1, the
    /// logical name, can always be read.
    fn attributes(&self) -> &[AttributeRights];

    /// What such a client may do with methods 1, 2 and so on.
    fn methods(&self) -> &[MethodRights] {
        &[]
    }

    /// The selectors of selective access that an attribute has.
    fn selectors(&self, _attribute: i8) -> &[u8] {
        &[]
    }

    /// Appends the value of an attribute from 2 on: one encoded Data.
    ///
    /// # Errors
    /// The refusal that the client gets.
    fn get(&self, get: &Get<'_, W>, out: &mut Vec<u8>) -> Result<(), DataAccessResult>;

    /// Writes an attribute from 2 on.
    ///
    /// # Errors
    /// The refusal that the client gets.
    fn set(
        &mut self,
        _attribute: i8,
        _value: &Data<'_>,
        _call: &mut Call<'_, W>,
    ) -> Result<(), DataAccessResult> {
        Err(DataAccessResult::ReadWriteDenied)
    }

    /// Invokes a method. What it returns, if anything, is appended to `out`: one encoded Data.
    ///
    /// # Errors
    /// The refusal that the client gets.
    fn invoke(
        &mut self,
        _method: i8,
        _parameter: &Data<'_>,
        _call: &mut Call<'_, W>,
        _out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        Err(ActionResult::ObjectUndefined)
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called next, in seconds since
    /// 1970-01-01T00:00:00Z.
    fn poll_timeout(&self, _world: &W) -> Option<i64> {
        None
    }

    /// Does what is due now. After that, `poll_timeout` must be later or `None`.
    fn handle_timeout(&mut self, _now: i64, _call: &mut Call<'_, W>) {}
}

/// What an object is asked for, and what it may look at for the answer.
#[derive(Clone, Copy)]
pub struct Get<'g, W> {
    /// The attribute.
    pub attribute: i8,
    /// Which part of it. The object has such a selector.
    pub selection: Option<SelectiveAccess<'g>>,
    /// The association that asks; `None` when the device itself does.
    pub access: Option<&'g Access>,
    /// What that client may do.
    pub rights: &'g dyn ClientRights,
    /// What the objects share.
    pub world: &'g W,
    /// The other objects.
    pub objects: &'g ObjectSet<W>,
}

impl<W> core::fmt::Debug for Get<'_, W> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Get")
            .field("attribute", &self.attribute)
            .field("selection", &self.selection)
            .finish_non_exhaustive()
    }
}

/// What an object may reach while it is written, invoked or called in time. It itself is not among
/// the objects for that long, so nothing runs in circles.
pub struct Call<'c, W> {
    /// What the objects share.
    pub world: &'c mut W,
    /// The other objects.
    pub objects: &'c mut ObjectSet<W>,
    /// Who began.
    pub initiator: Initiator,
}

/// Who began what an object is called for. What a client began stays begun by it through all
/// objects that call each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiator {
    /// A client, by a request.
    Client,
    /// The device itself, because a time has come or a value has changed.
    Device,
}

impl<W> core::fmt::Debug for Call<'_, W> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}

impl<W> Get<'_, W> {
    /// The rights of the client to attribute `attribute` of `object`.
    pub(super) fn attribute_rights(
        &self,
        object: ObjectId,
        attribute: i8,
    ) -> Option<AttributeRights> {
        let given = self.objects.given_to_attribute(object, attribute)?;
        Some(self.rights.attribute(object, attribute, given))
    }

    /// Whether the client may do anything with `object`: one with which it may not is none of its
    /// association's.
    pub(super) fn may_do_anything(&self, object: ObjectId) -> bool {
        let attributes = (1..=i8::MAX).map_while(|number| self.attribute_rights(object, number));
        let methods = (1..=i8::MAX).map_while(|number| self.method_rights(object, number));
        attributes.into_iter().any(|rights| rights != AttributeRights::NONE)
            || methods.into_iter().any(|rights| rights != MethodRights::NONE)
    }

    /// The rights of the client to method `method` of `object`.
    pub(super) fn method_rights(&self, object: ObjectId, method: i8) -> Option<MethodRights> {
        let given = self.objects.given_to_method(object, method)?;
        Some(self.rights.method(object, method, given))
    }
}

/// Appends a value: for the last line of a `get`.
///
/// # Errors
/// None: the result is there to be returned.
pub fn put(out: &mut Vec<u8>, value: &DataBuf) -> Result<(), DataAccessResult> {
    value.encode(&mut Writer::new(out));
    Ok(())
}
