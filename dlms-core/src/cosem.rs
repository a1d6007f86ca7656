//! COSEM: names of objects, their attributes and methods, and the values they share
//! (IEC 62056-6-2, IEC 62056-6-1).

mod capture_object;
pub mod concentrator;
mod date_time;
mod descriptor;
mod logical_name;
pub mod obis;
pub mod profile;
pub mod registry;
mod selective_access;
mod short_name;
mod unit;
pub mod value;

pub use capture_object::CaptureObject;
pub use date_time::{ClockStatus, Date, DateTime, ParseDateTimeError, Time};
pub use descriptor::{AttributeDescriptor, AttributeId, ClassId, MethodDescriptor, MethodId};
pub use logical_name::{LogicalName, ParseLogicalNameError};
pub use registry::class_name;
pub use selective_access::{EntryDescriptor, ProfileSelector, RangeDescriptor};
pub use short_name::{ShortName, ShortNameTarget};
pub use unit::{ScalerUnit, Unit, scaled_text};
