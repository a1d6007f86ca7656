//! Options for what suites 1 and 2 add: private and public keys, general-ciphering, signatures.

use std::path::PathBuf;

use clap::{Args, ValueEnum, builder::PossibleValuesParser};
use dlms_core::security::{Compatibility, KeyEstablishment, SystemTitle};

use super::Hidden;

/// The keys beyond the global ones, and what they are used for.
#[derive(Debug, Args)]
#[command(next_help_heading = "Public keys")]
pub(crate) struct Party {
    /// Our private signature key: a file in PEM or hexadecimal [env: DLMS_SIGNING_KEY]
    #[arg(long, value_name = "FILE")]
    pub(crate) signing_key: Option<PathBuf>,
    /// The meter's public signature key, likewise [env: DLMS_PEER_KEY]
    #[arg(long, value_name = "FILE")]
    pub(crate) peer_key: Option<PathBuf>,
    /// Our private key agreement key, likewise [env: DLMS_AGREEMENT_KEY]
    #[arg(long, value_name = "FILE")]
    pub(crate) agreement_key: Option<PathBuf>,
    /// The meter's public key agreement key, likewise [env: DLMS_PEER_AGREEMENT_KEY]
    #[arg(long, value_name = "FILE")]
    pub(crate) peer_agreement_key: Option<PathBuf>,
    /// The key encryption key (master key), hexadecimal. Better from the environment: DLMS_KEK
    #[arg(long, value_name = "HEX")]
    pub(crate) kek: Option<Hidden>,
    /// Use general-ciphering, and bring its key to the meter in this way
    #[arg(long, value_name = "HOW", conflicts_with_all = ["general", "dedicated"])]
    pub(crate) general_ciphering: Option<Establishment>,
    /// Sign every request, and take only signed answers
    #[arg(long)]
    pub(crate) sign: bool,
    /// Differ from the standard as this meter does. May be given more than once
    #[arg(long, value_name = "HOW")]
    #[arg(value_parser = PossibleValuesParser::new(Compatibility::SWITCHES))]
    pub(crate) compat: Vec<String>,
}

/// The keys beyond the global ones for whoever reads what meters sent unasked, or captures of it.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Public keys")]
pub(crate) struct PartyAids {
    /// The sender's public signature key or its certificate: a file in PEM or hexadecimal. Without
    /// it signatures are not verified [env: DLMS_PEER_KEY]
    #[arg(long, value_name = "FILE")]
    pub(crate) peer_key: Option<PathBuf>,
    /// The recipient's private key agreement key, for keys that were agreed on, likewise
    /// [env: DLMS_AGREEMENT_KEY]
    #[arg(long, value_name = "FILE")]
    pub(crate) agreement_key: Option<PathBuf>,
    /// The sender's public key agreement key or its certificate, likewise
    /// [env: DLMS_PEER_AGREEMENT_KEY]
    #[arg(long, value_name = "FILE")]
    pub(crate) peer_agreement_key: Option<PathBuf>,
    /// The key encryption key (master key), for keys that travelled wrapped, hexadecimal. Better
    /// from the environment: DLMS_KEK
    #[arg(long, value_name = "HEX")]
    pub(crate) kek: Option<Hidden>,
    /// The recipient's system title where an APDU does not tell it, 16 hexadecimal digits. `listen`
    /// refuses what is for another
    #[arg(long, value_name = "HEX")]
    pub(crate) recipient_title: Option<SystemTitle>,
    /// Differ from the standard as the sender does. May be given more than once
    #[arg(long, value_name = "HOW")]
    #[arg(value_parser = PossibleValuesParser::new(Compatibility::SWITCHES))]
    pub(crate) compat: Vec<String>,
}

/// `--general-ciphering`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Establishment {
    /// The global key
    Identified,
    /// A random key, wrapped with the key encryption key
    Wrapped,
    /// Agreed on with an ephemeral key, C(1e, 1s)
    AgreedEphemeral,
    /// Agreed on with static keys, C(0e, 2s)
    AgreedStatic,
}

impl From<Establishment> for KeyEstablishment {
    fn from(how: Establishment) -> Self {
        match how {
            Establishment::Identified => Self::Identified,
            Establishment::Wrapped => Self::Wrapped,
            Establishment::AgreedEphemeral => Self::OnePass,
            Establishment::AgreedStatic => Self::StaticUnified,
        }
    }
}
