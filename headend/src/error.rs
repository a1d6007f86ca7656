//! Everything that can go wrong between a command line and a meter.

use dlms_core::{security::SystemTitle, xdlms::DataAccessResult};
use dlms_tokio::client;

use crate::counter_file::CounterFileError;

/// Why the meter could not be asked, or its answer not be used. A refusal of one attribute is not
/// here: it is an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The line or the association.
    #[error(transparent)]
    Client(#[from] client::Error),
    /// The file that remembers invocation counters.
    #[error(transparent)]
    Counters(#[from] CounterFileError),
    /// There is no folder for that file.
    #[error("there is no data folder for the file that remembers invocation counters")]
    CountersNowhere,
    /// The keys file has nothing for this meter.
    #[error("the keys file has no keys for {}", meter(*.0))]
    KeysUnknown(Option<SystemTitle>),
    /// The keys file lacks an authentication key that is needed.
    #[error("the keys file has no authentication key for this meter")]
    KeyMissing,
    /// The class of an object is needed, and the object list does not have it.
    #[error("the object is not in the meter's object list")]
    NotListed,
    /// The class of an object is needed, and the meter does not show its object list.
    #[error("the meter does not show its object list: {0}")]
    ListRefused(DataAccessResult),
    /// The logical device behind a concentrator has another name than the list of it says.
    #[error("the concentrator lists {listed}, and {found} answers")]
    OtherDevice {
        /// The name in the list.
        listed: String,
        /// The name that it has.
        found: String,
    },
    /// The logical device behind a concentrator does not tell its name.
    #[error("the device does not tell its name: {0}")]
    NameRefused(DataAccessResult),
    /// The concentrator does not show which devices it has.
    #[error("the concentrator does not show its SAP list: {0}")]
    SapListRefused(DataAccessResult),
    /// There is no device at this SAP.
    #[error("the list of the concentrator has no SAP {0}")]
    SapUnlisted(u16),
    /// No concentrator leads to this device any more.
    #[error("no concentrator leads to it")]
    NoRoute,
    /// A concentrator does not show what it kept of pushes.
    #[error("the concentrator does not show its spool: {0}")]
    SpoolRefused(DataAccessResult),
    /// A concentrator gives pushes numbers that other pushes have.
    #[error(
        "{concentrator} gives number {next} next in epoch {epoch}, and has given it to another push"
    )]
    SpoolRestarted {
        /// Its name.
        concentrator: String,
        /// Its epoch.
        epoch: u32,
        /// The number that it gives next.
        next: u64,
    },
    /// A value does not have the shape that the standard gives its attribute.
    #[error("the meter sent something that is no {0}")]
    Shape(&'static str),
}

fn meter(title: Option<SystemTitle>) -> String {
    match title {
        Some(title) => format!("meter {title}"),
        None => "a meter that does not tell its system title".into(),
    }
}
