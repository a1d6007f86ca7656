//! What a Script table (class 9) is made of.

use alloc::vec::Vec;

use super::{enumeration, structure};
use crate::{
    axdr::DataBuf,
    cosem::{ClassId, LogicalName},
};

structure! {
    /// script: what is done together.
    pub struct Script {
        /// script_identifier, from 1.
        pub id: u16,
        /// actions, in order.
        pub actions: Vec<ScriptAction>,
    }
}

structure! {
    /// action_specification: an attribute that is written or a method that is executed.
    pub struct ScriptAction {
        /// service_id.
        pub service: ScriptService,
        /// class_id of the object.
        pub class: ClassId,
        /// logical_name of the object.
        pub name: LogicalName,
        /// index: the number of the attribute or method.
        pub index: i8,
        /// parameter: what is written, or the parameter of the method.
        pub parameter: DataBuf,
    }
}

enumeration! {
    /// What an action of a script does.
    pub enum ScriptService {
        /// Write the attribute.
        Write = 1,
        /// Execute the method.
        Execute = 2,
    }
}
