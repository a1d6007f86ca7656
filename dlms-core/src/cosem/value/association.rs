//! What the object lists of associations (classes 12 and 15) are made of.

use alloc::vec::Vec;

use super::{CosemValue, structure};
use crate::{
    axdr::{Data, DataBuf},
    cosem::{ClassId, LogicalName},
};

structure! {
    /// object_list_element of an Association LN.
    pub struct ObjectListElement {
        /// class_id.
        pub class: ClassId,
        /// version.
        pub version: u8,
        /// logical_name.
        pub name: LogicalName,
        /// access_rights.
        pub access_rights: AccessRights,
    }
}

structure! {
    /// access_right: what the client may do with the attributes and methods of an object.
    pub struct AccessRights {
        /// attribute_access.
        pub attributes: Vec<AttributeAccess>,
        /// method_access.
        pub methods: Vec<MethodAccess>,
    }
}

structure! {
    /// attribute_access_item.
    pub struct AttributeAccess {
        /// attribute_id.
        pub attribute: i8,
        /// access_mode: a number up to version 2 of the class, bits from version 3 on, see
        /// [`AttributeRights`](crate::device::AttributeRights).
        pub mode: AccessMode,
        /// access_selectors: the selectors of selective access; null-data for none.
        pub selectors: Option<Vec<i8>>,
    }
}

structure! {
    /// method_access_item.
    pub struct MethodAccess {
        /// method_id.
        pub method: i8,
        /// access_mode, a boolean in version 0 of the class.
        pub mode: AccessMode,
    }
}

structure! {
    /// object_list_element of an Association SN.
    pub struct ObjectListElementSn {
        /// base_name, whose sixteen bits the standard calls a long.
        pub base_name: i16,
        /// class_id.
        pub class: ClassId,
        /// version.
        pub version: u8,
        /// logical_name.
        pub name: LogicalName,
    }
}

/// The mode of access to an attribute or a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccessMode {
    /// An enum: a number or bits, as the version of the association has it.
    Mode(u8),
    /// A boolean: whether a method may be invoked.
    Allowed(bool),
}

impl CosemValue for AccessMode {
    fn from_data(data: &Data<'_>) -> Option<Self> {
        match data {
            Data::Boolean(allowed) => Some(Self::Allowed(*allowed)),
            mode => u8::from_data(mode).map(Self::Mode),
        }
    }

    fn to_data(&self) -> DataBuf {
        match self {
            Self::Mode(mode) => DataBuf::Enum(*mode),
            Self::Allowed(allowed) => DataBuf::Boolean(*allowed),
        }
    }
}
