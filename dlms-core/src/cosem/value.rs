//! The values of structured attributes: object lists, calendars, scripts, schedules, limits,
//! pushes, images and the setup of networks (IEC 62056-6-2, the data types of the interface
//! classes).
//!
//! Each type is one structure of the standard, with its fields in order. Integers are taken in
//! every width that holds the value, because meters in the field differ; they are written in the
//! width of the standard.
//!
//! ```
//! use dlms_core::{
//!     axdr::RawData,
//!     cosem::value::{CosemValue, WeekProfile},
//! };
//!
//! // week_profile_table: one week, whose weekend has the day profile 2
//! let octets = [
//!     0x01, 0x01, 0x02, 0x08, 0x09, 0x01, b'W', 0x11, 1, 0x11, 1, 0x11, 1, 0x11, 1, 0x11, 1,
//!     0x11, 2, 0x11, 2,
//! ];
//! let data = RawData::from_octets(&octets)?.data()?;
//! let weeks = Vec::<WeekProfile>::from_data(&data).unwrap();
//! assert_eq!(weeks[0].day_ids(), [1, 1, 1, 1, 1, 2, 2]);
//! assert_eq!(weeks.to_data().to_octets(), octets);
//! # Ok::<(), dlms_core::Malformed>(())
//! ```

mod association;
mod calendar;
mod image;
mod monitor;
mod network;
mod plc;
mod push;
mod schedule;
mod script;

pub use association::{
    AccessMode, AccessRights, AttributeAccess, MethodAccess, ObjectListElement, ObjectListElementSn,
};
pub use calendar::{DayAction, DayProfile, SeasonProfile, SpecialDay, WeekProfile};
pub use image::{ImageBlock, ImageToActivate, ImageTransferInitiate};
pub use monitor::{
    ActionSet, EmergencyProfile, LimiterActions, ObjectDefinition, RegisterMask, ValueDefinition,
};
pub use network::{
    AdjacentCell, AllowedCaller, CellInfo, CellInfoV0, GprsQuality, GprsQualityOfService,
    InitializationString, IpOption, MBusCapture, NeighborDiscovery, NumberOfRings, PppOption,
};
pub use plc::{
    AddressContext, BlacklistedNeighbour, BroadcastSeen, G3Modulation, Neighbour, PosEntry, Route,
    RoutingConfiguration, TriggerOrigin, TriggerSource, TxResolution,
};
pub use push::{
    ConfirmationParameters, MessageType, PushObject, PushObjectV0, RepetitionDelay, Restriction,
    RestrictionType, SendDestinationAndMethod, TransportService, Window,
};
pub use schedule::{
    DeletedEntries, EnabledEntries, ExecutedScript, ExecutionTime, ScheduleEntry, SpecialDays,
    Weekdays,
};
pub use script::{Script, ScriptAction, ScriptService};

use alloc::vec::Vec;

use super::{CaptureObject, ClassId, Date, DateTime, LogicalName, ScalerUnit, Time};
use crate::axdr::{Data, DataBuf};

/// A value that an attribute, a field or an element has.
pub trait CosemValue: Sized {
    /// The value that `data` means; `None` when it has another shape or is out of range.
    fn from_data(data: &Data<'_>) -> Option<Self>;

    /// The value, in the types of the standard.
    fn to_data(&self) -> DataBuf;
}

/// An octet-string of any length.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct OctetString(pub Vec<u8>);

impl CosemValue for OctetString {
    fn from_data(data: &Data<'_>) -> Option<Self> {
        data.as_octets().map(|octets| Self(octets.to_vec()))
    }

    fn to_data(&self) -> DataBuf {
        DataBuf::octet_string(self.0.clone())
    }
}

impl From<&[u8]> for OctetString {
    fn from(octets: &[u8]) -> Self {
        Self(octets.to_vec())
    }
}

/// An array.
impl<T: CosemValue> CosemValue for Vec<T> {
    fn from_data(data: &Data<'_>) -> Option<Self> {
        data.as_array()?.map(|element| T::from_data(&element.ok()?)).collect()
    }

    fn to_data(&self) -> DataBuf {
        DataBuf::array(self.iter().map(T::to_data))
    }
}

/// A value, or null-data for none.
impl<T: CosemValue> CosemValue for Option<T> {
    fn from_data(data: &Data<'_>) -> Option<Self> {
        match data {
            Data::Null => Some(None),
            data => T::from_data(data).map(Some),
        }
    }

    fn to_data(&self) -> DataBuf {
        self.as_ref().map_or(DataBuf::Null, T::to_data)
    }
}

/// A value of any type: of a field for which the standard leaves the choice.
impl CosemValue for DataBuf {
    fn from_data(data: &Data<'_>) -> Option<Self> {
        data.to_buf().ok()
    }

    fn to_data(&self) -> DataBuf {
        self.clone()
    }
}

impl CosemValue for bool {
    fn from_data(data: &Data<'_>) -> Option<Self> {
        data.as_boolean()
    }

    fn to_data(&self) -> DataBuf {
        DataBuf::Boolean(*self)
    }
}

impl CosemValue for ClassId {
    fn from_data(data: &Data<'_>) -> Option<Self> {
        u16::from_data(data).map(Self)
    }

    fn to_data(&self) -> DataBuf {
        self.0.into()
    }
}

/// An octet-string of five octets, as attributes carry a date.
impl CosemValue for Date {
    fn from_data(data: &Data<'_>) -> Option<Self> {
        Self::from_data(data)
    }

    fn to_data(&self) -> DataBuf {
        DataBuf::octet_string(self.octets())
    }
}

/// An octet-string of four octets, as attributes carry a time.
impl CosemValue for Time {
    fn from_data(data: &Data<'_>) -> Option<Self> {
        Self::from_data(data)
    }

    fn to_data(&self) -> DataBuf {
        DataBuf::octet_string(self.octets())
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {
        $(
            impl CosemValue for $integer {
                fn from_data(data: &Data<'_>) -> Option<Self> {
                    data.as_integer()?.try_into().ok()
                }

                fn to_data(&self) -> DataBuf {
                    (*self).into()
                }
            }
        )*
    };
}

integers!(u8, u16, u32, i8, i16);

/// Types that read and write themselves already.
macro_rules! values {
    ($($value:ty),*) => {
        $(
            impl CosemValue for $value {
                fn from_data(data: &Data<'_>) -> Option<Self> {
                    Self::from_data(data)
                }

                fn to_data(&self) -> DataBuf {
                    Self::to_data(self)
                }
            }
        )*
    };
}

values!(CaptureObject, DateTime, LogicalName, ScalerUnit);

/// A structure of the standard: its fields in order, each of the type that it has there.
macro_rules! structure {
    (
        $(#[$doc:meta])*
        pub struct $name:ident {
            $($(#[$field_doc:meta])* pub $field:ident: $value:ty,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $value,)+
        }

        impl $crate::cosem::value::CosemValue for $name {
            fn from_data(data: &$crate::axdr::Data<'_>) -> Option<Self> {
                const FIELDS: usize = [$(stringify!($field)),+].len();
                let mut fields = data.as_structure().filter(|fields| fields.len() == FIELDS)?;
                Some(Self {
                    $($field: $crate::cosem::value::CosemValue::from_data(&fields.next()?.ok()?)?,)+
                })
            }

            fn to_data(&self) -> $crate::axdr::DataBuf {
                $crate::axdr::DataBuf::structure([
                    $($crate::cosem::value::CosemValue::to_data(&self.$field)),+
                ])
            }
        }
    };
}

/// An enum of the standard. What it lacks is kept by its number.
macro_rules! enumeration {
    (
        $(#[$doc:meta])*
        pub enum $name:ident {
            $($(#[$variant_doc:meta])* $variant:ident = $code:literal,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
            /// A number that the standard does not have.
            Other(u8),
        }

        impl $name {
            /// What `code` stands for.
            pub const fn from_code(code: u8) -> Self {
                match code {
                    $($code => Self::$variant,)+
                    other => Self::Other(other),
                }
            }

            /// The number.
            pub const fn code(self) -> u8 {
                match self {
                    $(Self::$variant => $code,)+
                    Self::Other(code) => code,
                }
            }
        }

        impl $crate::cosem::value::CosemValue for $name {
            fn from_data(data: &$crate::axdr::Data<'_>) -> Option<Self> {
                u8::from_data(data).map(Self::from_code)
            }

            fn to_data(&self) -> $crate::axdr::DataBuf {
                $crate::axdr::DataBuf::Enum(self.code())
            }
        }
    };
}

use {enumeration, structure};

#[cfg(test)]
mod tests;
