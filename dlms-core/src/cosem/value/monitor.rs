//! What a Register activation (class 6), a Register monitor (class 21) and a Limiter (class 71) are
//! made of.

use alloc::vec::Vec;

use super::{ExecutedScript, OctetString, structure};
use crate::cosem::{AttributeDescriptor, AttributeId, ClassId, DateTime, LogicalName};

structure! {
    /// object_definition: an object that a Register activation switches.
    pub struct ObjectDefinition {
        /// class_id.
        pub class: ClassId,
        /// logical_name.
        pub name: LogicalName,
    }
}

structure! {
    /// register_act_mask: the registers that count while the mask is active.
    pub struct RegisterMask {
        /// mask_name.
        pub name: OctetString,
        /// index_list: positions in register_assignment, from 1.
        pub indexes: Vec<u8>,
    }
}

structure! {
    /// value_definition: the attribute that a monitor or a limiter watches.
    pub struct ValueDefinition {
        /// class_id.
        pub class: ClassId,
        /// logical_name.
        pub name: LogicalName,
        /// attribute_index.
        pub attribute: i8,
    }
}

impl ValueDefinition {
    /// The attribute.
    pub const fn descriptor(&self) -> AttributeDescriptor {
        AttributeDescriptor {
            class: self.class,
            instance: self.name,
            attribute: AttributeId(self.attribute),
        }
    }
}

structure! {
    /// action_set of a Register monitor: one for each threshold.
    pub struct ActionSet {
        /// action_up: the value rose above the threshold.
        pub up: ExecutedScript,
        /// action_down: the value fell below it.
        pub down: ExecutedScript,
    }
}

structure! {
    /// emergency_profile of a limiter.
    pub struct EmergencyProfile {
        /// emergency_profile_id.
        pub id: u16,
        /// emergency_activation_time.
        pub activation_time: DateTime,
        /// emergency_duration in seconds.
        pub duration_s: u32,
    }
}

structure! {
    /// actions of a limiter.
    pub struct LimiterActions {
        /// action_over_threshold.
        pub over: ExecutedScript,
        /// action_under_threshold.
        pub under: ExecutedScript,
    }
}
