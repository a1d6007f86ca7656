//! What a service points at: a class, an object and one of its attributes or methods
//! (IEC 62056-5-3, Cosem-Attribute-Descriptor and Cosem-Method-Descriptor).

use core::fmt;

use super::LogicalName;
use crate::{
    Malformed,
    axdr::{Reader, Writer},
};

/// The number of an interface class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClassId(pub u16);

impl ClassId {
    /// Data.
    pub const DATA: Self = Self(1);
    /// Register.
    pub const REGISTER: Self = Self(3);
    /// Extended register.
    pub const EXTENDED_REGISTER: Self = Self(4);
    /// Demand register.
    pub const DEMAND_REGISTER: Self = Self(5);
    /// Register activation.
    pub const REGISTER_ACTIVATION: Self = Self(6);
    /// Profile generic.
    pub const PROFILE_GENERIC: Self = Self(7);
    /// Clock.
    pub const CLOCK: Self = Self(8);
    /// Script table.
    pub const SCRIPT_TABLE: Self = Self(9);
    /// Schedule.
    pub const SCHEDULE: Self = Self(10);
    /// Special days table.
    pub const SPECIAL_DAYS_TABLE: Self = Self(11);
    /// Association SN.
    pub const ASSOCIATION_SN: Self = Self(12);
    /// Association LN.
    pub const ASSOCIATION_LN: Self = Self(15);
    /// SAP assignment.
    pub const SAP_ASSIGNMENT: Self = Self(17);
    /// Image transfer.
    pub const IMAGE_TRANSFER: Self = Self(18);
    /// Activity calendar.
    pub const ACTIVITY_CALENDAR: Self = Self(20);
    /// Register monitor.
    pub const REGISTER_MONITOR: Self = Self(21);
    /// Single action schedule.
    pub const SINGLE_ACTION_SCHEDULE: Self = Self(22);
    /// Push setup.
    pub const PUSH_SETUP: Self = Self(40);
    /// Security setup.
    pub const SECURITY_SETUP: Self = Self(64);
    /// Disconnect control.
    pub const DISCONNECT_CONTROL: Self = Self(70);
    /// Limiter.
    pub const LIMITER: Self = Self(71);
}

impl fmt::Display for ClassId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of an attribute, from 1. In a SET or GET, 0 means all attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttributeId(pub i8);

impl fmt::Display for AttributeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a method, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MethodId(pub i8);

impl fmt::Display for MethodId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One attribute of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttributeDescriptor {
    /// The class of the object.
    pub class: ClassId,
    /// The name of the object.
    pub instance: LogicalName,
    /// The attribute.
    pub attribute: AttributeId,
}

impl AttributeDescriptor {
    /// Attribute `attribute` of the object `instance` of class `class`.
    pub const fn new(class: ClassId, instance: LogicalName, attribute: i8) -> Self {
        Self { class, instance, attribute: AttributeId(attribute) }
    }

    /// Takes nine octets.
    ///
    /// # Errors
    /// Truncation.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (class, instance, attribute) = decode(reader)?;
        Ok(Self { class, instance, attribute: AttributeId(attribute) })
    }

    /// Appends nine octets.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        encode(writer, self.class, self.instance, self.attribute.0);
    }
}

/// `class:logical name:attribute`, as the command line takes it.
impl fmt::Display for AttributeDescriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.class, self.instance, self.attribute)
    }
}

/// One method of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MethodDescriptor {
    /// The class of the object.
    pub class: ClassId,
    /// The name of the object.
    pub instance: LogicalName,
    /// The method.
    pub method: MethodId,
}

impl MethodDescriptor {
    /// Method `method` of the object `instance` of class `class`.
    pub const fn new(class: ClassId, instance: LogicalName, method: i8) -> Self {
        Self { class, instance, method: MethodId(method) }
    }

    /// Takes nine octets.
    ///
    /// # Errors
    /// Truncation.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (class, instance, method) = decode(reader)?;
        Ok(Self { class, instance, method: MethodId(method) })
    }

    /// Appends nine octets.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        encode(writer, self.class, self.instance, self.method.0);
    }
}

/// `class:logical name:method`.
impl fmt::Display for MethodDescriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.class, self.instance, self.method)
    }
}

fn decode(reader: &mut Reader<'_>) -> Result<(ClassId, LogicalName, i8), Malformed> {
    Ok((ClassId(reader.u16()?), LogicalName(reader.array()?), reader.i8()?))
}

fn encode(writer: &mut Writer<'_>, class: ClassId, instance: LogicalName, member: i8) {
    writer.u16(class.0);
    writer.octets(&instance.0);
    writer.octets(&member.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::ToString, vec::Vec};

    #[test]
    fn the_clock_time_is_nine_octets() {
        let clock = AttributeDescriptor::new(ClassId::CLOCK, LogicalName::CLOCK, 2);
        let mut out = Vec::new();
        clock.encode(&mut Writer::new(&mut out));
        assert_eq!(out, [0x00, 0x08, 0x00, 0x00, 0x01, 0x00, 0x00, 0xff, 0x02]);
        assert_eq!(AttributeDescriptor::decode(&mut Reader::new(&out)), Ok(clock));
        assert_eq!(clock.to_string(), "8:0-0:1.0.0*255:2");
    }
}
