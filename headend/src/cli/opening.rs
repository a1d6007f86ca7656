//! `headend VERB`: how an association comes about, where not by AARQ and AARE.

use clap::{Args, value_parser};
use dlms_core::security::SystemTitle;

/// Associations that are not opened or not answered.
#[derive(Debug, Args)]
#[command(next_help_heading = "Association")]
pub(crate) struct Opening {
    /// Take up an association that stands in the meter without being opened
    #[arg(long)]
    pub(crate) pre_established: bool,
    /// Ask for no answer, neither to associate nor to write or invoke; on HDLC without any link
    #[arg(long)]
    pub(crate) unconfirmed: bool,
    /// Write or invoke in all meters on the line: to all stations, and unconfirmed
    #[arg(long, conflicts_with = "server")]
    pub(crate) broadcast: bool,
    /// The keys are those that many meters share: --ek is the global broadcast key
    #[arg(long, help_heading = "Security")]
    pub(crate) broadcast_key: bool,
    /// The largest APDU that the meter takes, in octets, where it does not say so itself
    #[arg(long, value_name = "N", default_value_t = 1_024)]
    #[arg(value_parser = value_parser!(u16).range(12..))]
    pub(crate) meter_max_pdu: u16,
    /// The meter's system title, 16 hexadecimal digits, where it does not say it itself
    #[arg(long, value_name = "HEX", help_heading = "Security")]
    pub(crate) meter_title: Option<SystemTitle>,
}

impl Opening {
    /// Whether nothing is answered.
    pub(crate) const fn is_unanswered(&self) -> bool {
        self.unconfirmed || self.broadcast
    }
}
