//! What a logical device is made of: objects, found by class and logical name, with what each
//! client may do with them (IEC 62056-6-2 clauses 4.1 and 4.4).
//!
//! A [`CosemObject`] answers for its own attributes and methods. An [`ObjectSet`] finds it, checks
//! the rights of the client, answers attribute 1 for all of them, and knows the short names. The
//! objects that every device has are here: the [associations](AssociationLn) with their object
//! lists, [`SapAssignment`], and [`Data`] and [`Register`] for what the device knows.
//!
//! The device decides three things: what its objects share, which is the type parameter `W` (a
//! clock, a meter, nothing at all); what is left to a client of the rights that an object gives
//! ([`ClientRights`]); and when time passes ([`ObjectSet::handle_timeout`]). Its
//! [`LogicalDevice`](crate::association::LogicalDevice) hands `get`, `set` and `action` through.
//!
//! An interface class of one's own, with an attribute that may be written and a method:
//!
//! ```
//! use dlms_core::{
//!     axdr::{Data, DataBuf, Writer},
//!     cosem::{AttributeDescriptor, ClassId, LogicalName, MethodDescriptor},
//!     device::{AttributeRights, Call, CosemObject, Get, MethodRights, ObjectSet},
//!     xdlms::{ActionResult, DataAccessResult},
//! };
//!
//! /// A lamp at the meter: class 8195, which is ours.
//! struct Lamp {
//!     lit: bool,
//! }
//!
//! impl<W> CosemObject<W> for Lamp {
//!     fn class(&self) -> ClassId {
//!         ClassId(8195)
//!     }
//!     fn name(&self) -> LogicalName {
//!         LogicalName([0, 0, 96, 3, 200, 255])
//!     }
//!     /// Attribute 2, and no more.
//!     fn attributes(&self) -> &[AttributeRights] {
//!         &[AttributeRights::READ_WRITE]
//!     }
//!     /// Method 1: toggle.
//!     fn methods(&self) -> &[MethodRights] {
//!         &[MethodRights::ACCESS]
//!     }
//!     fn get(&self, _: &Get<'_, W>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
//!         Data::Boolean(self.lit).encode(&mut Writer::new(out));
//!         Ok(())
//!     }
//!     fn set(
//!         &mut self,
//!         _: i8,
//!         value: &Data<'_>,
//!         _: &mut Call<'_, W>,
//!     ) -> Result<(), DataAccessResult> {
//!         self.lit = value.as_boolean().ok_or(DataAccessResult::TypeUnmatched)?;
//!         Ok(())
//!     }
//!     fn invoke(
//!         &mut self,
//!         _: i8,
//!         _: &Data<'_>,
//!         _: &mut Call<'_, W>,
//!         _: &mut Vec<u8>,
//!     ) -> Result<(), ActionResult> {
//!         self.lit = !self.lit;
//!         Ok(())
//!     }
//! }
//!
//! let mut objects = ObjectSet::new([Box::new(Lamp { lit: false }) as _]).unwrap();
//! let (class, lamp) = (ClassId(8195), LogicalName([0, 0, 96, 3, 200, 255]));
//! let toggle = MethodDescriptor::new(class, lamp, 1);
//! assert_eq!(objects.perform(&mut (), toggle, &Data::Integer(0)), Ok(DataBuf::Null));
//! let lit = AttributeDescriptor::new(class, lamp, 2);
//! assert_eq!(objects.value(&(), lit), Ok(DataBuf::Boolean(true)));
//! ```

mod access_rights;
mod association_ln;
mod association_sn;
mod data;
mod disconnector;
mod object;
mod object_set;
mod register;
mod sap_assignment;
mod short_names;
#[cfg(test)]
mod tests;

pub use access_rights::{AllRights, AttributeRights, ClientRights, MethodRights, ObjectId};
pub use association_ln::AssociationLn;
pub use association_sn::AssociationSn;
pub use data::Data;
pub use disconnector::{ControlState, Disconnector, NoTransition, Switching};
pub use object::{Call, CosemObject, Get, Initiator, put};
pub use object_set::{NESTING_MAX, NotUnique, ObjectSet};
pub use register::Register;
pub use sap_assignment::{SapAssignment, SapAssignmentItem};
pub use short_names::{ASSOCIATION_SN_BASE_NAME, Member};
