//! What a Push setup (class 40, versions 0 to 3) is made of.

use alloc::vec::Vec;

use super::{OctetString, enumeration, structure};
use crate::{
    axdr::DataBuf,
    cosem::{CaptureObject, ClassId, DateTime, LogicalName},
};

structure! {
    /// push_object_definition of versions 0 and 1.
    pub struct PushObjectV0 {
        /// class_id.
        pub class: ClassId,
        /// logical_name.
        pub name: LogicalName,
        /// attribute_index.
        pub attribute: i8,
        /// data_index: 0 for the whole attribute.
        pub data_index: u16,
    }
}

structure! {
    /// push_object_definition from version 2 on: a part of a buffer may be pushed.
    pub struct PushObject {
        /// class_id.
        pub class: ClassId,
        /// logical_name.
        pub name: LogicalName,
        /// attribute_index.
        pub attribute: i8,
        /// data_index: 0 for the whole attribute.
        pub data_index: u16,
        /// restriction: which entries.
        pub restriction: Restriction,
        /// columns: which columns; none means all.
        pub columns: Vec<CaptureObject>,
    }
}

structure! {
    /// restriction_element.
    pub struct Restriction {
        /// restriction_type.
        pub kind: RestrictionType,
        /// restriction_value: null-data, or a structure with the first and the last.
        pub value: DataBuf,
    }
}

enumeration! {
    /// What a restriction is by.
    pub enum RestrictionType {
        /// All entries.
        None = 0,
        /// Entries between two dates.
        Date = 1,
        /// The last entries.
        Entry = 2,
    }
}

structure! {
    /// send_destination_and_method.
    pub struct SendDestinationAndMethod {
        /// transport_service.
        pub transport: TransportService,
        /// destination, as the transport writes it: `192.0.2.1:4059`.
        pub destination: OctetString,
        /// message.
        pub message: MessageType,
    }
}

enumeration! {
    /// How a push travels.
    pub enum TransportService {
        /// TCP.
        Tcp = 0,
        /// UDP.
        Udp = 1,
        /// FTP.
        Ftp = 2,
        /// SMTP.
        Smtp = 3,
        /// SMS.
        Sms = 4,
        /// HDLC.
        Hdlc = 5,
        /// M-Bus.
        MBus = 6,
        /// ZigBee.
        ZigBee = 7,
        /// The gateway protocol.
        Gateway = 8,
        /// CoAP, reliable.
        CoapReliable = 9,
        /// CoAP, unreliable.
        CoapUnreliable = 10,
    }
}

enumeration! {
    /// How a pushed message is encoded.
    pub enum MessageType {
        /// An xDLMS APDU in A-XDR.
        Axdr = 0,
        /// An xDLMS APDU in XML.
        Xml = 1,
        /// As the manufacturer likes.
        Manufacturer = 128,
    }
}

structure! {
    /// window_element: when pushes may begin; also calling_window and listening_window of classes
    /// 28 and 29.
    pub struct Window {
        /// start_time, with wildcards.
        pub start: DateTime,
        /// end_time, with wildcards.
        pub end: DateTime,
    }
}

structure! {
    /// repetition_delay from version 2 on: it begins with min, and each one is the exponent times
    /// the one before, at most max.
    pub struct RepetitionDelay {
        /// repetition_delay_min in seconds.
        pub min_s: u16,
        /// repetition_delay_exponent in hundredths.
        pub exponent_percent: u16,
        /// repetition_delay_max in seconds.
        pub max_s: u16,
    }
}

structure! {
    /// confirmation_parameters.
    pub struct ConfirmationParameters {
        /// confirmation_start_date.
        pub start: DateTime,
        /// confirmation_interval in seconds.
        pub interval_s: u32,
    }
}
