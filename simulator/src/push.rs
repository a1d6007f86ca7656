//! What a meter sends unasked.

mod confirmation;
mod protection;
mod rules;
mod send;

use dlms_core::{
    cosem::{
        LogicalName,
        value::{MessageType, TransportService},
    },
    xdlms::LongInvokeIdAndPriority,
};

pub use protection::PushProtection;
pub use rules::{ConfirmationInterval, ProtectionTypes, PushRules, RestrictedEntries};
pub use send::{SendConfig, send_pushes};

/// A message that a meter pushes: where it goes, and the APDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The push setup that it comes from.
    pub setup: LogicalName,
    /// The SAP of the logical device that it comes from.
    pub logical_device: u16,
    /// How it travels.
    pub transport: TransportService,
    /// Where to, as the transport writes it: `192.0.2.1:4059`.
    pub destination: Vec<u8>,
    /// The SAP of the client that it is for.
    pub client: u16,
    /// How it is encoded. The APDU here is in A-XDR; another encoding is the owner's.
    pub message: MessageType,
    /// The invoke-id of the Data-Notification, which tells whether it asks to be confirmed.
    pub invoke: LongInvokeIdAndPriority,
    /// The Data-Notification, without ciphering.
    pub apdu: Vec<u8>,
    /// How its push setup wants it protected: the first layer is put on first.
    pub protection: Vec<PushProtection>,
}
