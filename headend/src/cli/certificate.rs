//! `headend certificate`: what may be typed.

use core::str::FromStr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use dlms_core::{
    cosem::LogicalName,
    security::{CertificateEntity, CertificateType, SystemTitle},
};

use super::{Association, Meter, Output};
use crate::hex;

/// `headend certificate`.
#[derive(Debug, Args)]
pub struct CertificateVerb {
    #[command(subcommand)]
    pub(crate) action: CertificateAction,
}

/// What to do with the certificates of a meter.
#[derive(Debug, Subcommand)]
pub(crate) enum CertificateAction {
    /// List the certificates that the meter has
    List {
        #[command(flatten)]
        options: CertificateOptions,
    },
    /// Ask the meter for a certificate request (PKCS #10), which a certification authority signs
    Request {
        /// What the key is for: signature, agreement or tls
        #[arg(long, value_name = "USE", default_value = "signature", value_parser = key)]
        key: CertificateType,
        /// Let the meter make a new key pair first, which it uses when its certificate comes
        #[arg(long)]
        new_key: bool,
        #[command(flatten)]
        options: CertificateOptions,
    },
    /// Give the meter a certificate: of its own key, of a client or of an authority
    Import {
        /// The certificate, in PEM or DER
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        options: CertificateOptions,
    },
    /// Get a certificate from the meter
    Export {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        options: CertificateOptions,
    },
    /// Let the meter forget a certificate, and the key that it vouches for
    Remove {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        options: CertificateOptions,
    },
}

impl CertificateAction {
    /// What all of them have.
    pub(crate) const fn options(&self) -> &CertificateOptions {
        match self {
            Self::List { options }
            | Self::Request { options, .. }
            | Self::Import { options, .. }
            | Self::Export { options, .. }
            | Self::Remove { options, .. } => options,
        }
    }
}

/// Which meter, and how to speak with it.
#[derive(Debug, Args)]
pub(crate) struct CertificateOptions {
    #[command(flatten)]
    pub(crate) meter: Meter,
    /// The security setup of the meter
    #[arg(long, value_name = "OBJECT", default_value = "0-0:43.0.0*255")]
    pub(crate) setup: LogicalName,
    #[command(flatten)]
    pub(crate) association: Association,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Which certificate: of whom and for what, or by serial number and issuer.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["entity", "serial"]))]
pub(crate) struct Which {
    /// Whose: server, client, authority or other
    #[arg(long, value_name = "WHOSE", value_parser = entity, requires = "key")]
    pub(crate) entity: Option<CertificateEntity>,
    /// What its key is for: signature, agreement, tls or other
    #[arg(long, value_name = "USE", value_parser = key)]
    pub(crate) key: Option<CertificateType>,
    /// The system title of whose it is, 16 hexadecimal digits; authorities have none
    #[arg(long, value_name = "HEX")]
    pub(crate) title: Option<SystemTitle>,
    /// The serial number, hexadecimal, as `certificate list` shows it
    #[arg(long, value_name = "HEX", requires = "issuer", conflicts_with_all = ["key", "title"])]
    pub(crate) serial: Option<Octets>,
    /// The name of the issuer in DER, hexadecimal, as `certificate list -o jsonl` shows it
    #[arg(long, value_name = "HEX", requires = "serial")]
    pub(crate) issuer: Option<Octets>,
}

/// Octets in hexadecimal.
#[derive(Clone, Debug)]
pub(crate) struct Octets(pub(crate) Vec<u8>);

impl FromStr for Octets {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        hex::parse(text).map(Self).ok_or("two hexadecimal digits for each octet")
    }
}

fn key(word: &str) -> Result<CertificateType, &'static str> {
    match word {
        "signature" => Ok(CertificateType::DigitalSignature),
        "agreement" => Ok(CertificateType::KeyAgreement),
        "tls" => Ok(CertificateType::Tls),
        "other" => Ok(CertificateType::Other),
        _ => Err("signature, agreement, tls or other"),
    }
}

fn entity(word: &str) -> Result<CertificateEntity, &'static str> {
    match word {
        "server" => Ok(CertificateEntity::Server),
        "client" => Ok(CertificateEntity::Client),
        "authority" => Ok(CertificateEntity::CertificationAuthority),
        "other" => Ok(CertificateEntity::Other),
        _ => Err("server, client, authority or other"),
    }
}
