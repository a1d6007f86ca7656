//! Certificates of public keys: X.509 version 3 as the standard profiles it (Green Book 9.2.6.4,
//! RFC 5280).
//!
//! The common name of an end entity is its system title in hexadecimal, its key lies on the curve
//! of the suite, and what the key is for is said by the extension KeyUsage. Everything else that a
//! certificate may hold is left alone, except for extensions that are critical and not known here:
//! those are refused.
//!
//! ```
//! use dlms_core::security::{Certificate, CertificateType, RustCrypto};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let sub_ca = include_bytes!("../../../tests/certificates/sub-256.der");
//! # let der = include_bytes!("../../../tests/certificates/client-signs-256.der");
//! let (sub_ca, client) = (Certificate::decode(sub_ca)?, Certificate::decode(der)?);
//! client.verify(&RustCrypto, &sub_ca)?;
//! assert_eq!(client.system_title(), Some("4D4D4D0000BC614E".parse()?));
//! assert_eq!(client.certificate_type(), CertificateType::DigitalSignature);
//! # Ok(())
//! # }
//! ```

mod ecdsa_value;
mod identification;
mod request;
mod store;
#[cfg(test)]
mod tests;

use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
    vec::Vec,
};
use core::{fmt, ops::RangeInclusive, str::FromStr};

use x509_cert::{
    der::{
        Decode, Encode,
        asn1::ObjectIdentifier,
        oid::{
            AssociatedOid,
            db::rfc5912::{ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384, ID_EC_PUBLIC_KEY},
            db::rfc5912::{SECP_256_R_1, SECP_384_R_1},
        },
        pem,
    },
    ext::pkix::{
        BasicConstraints, CertificatePolicies, ExtendedKeyUsage, KeyUsage, SubjectAltName,
    },
    name::Name,
    spki::SubjectPublicKeyInfoRef,
};

use super::{CryptoProvider, Curve, PublicKey, Signature, SystemTitle};

pub use self::{
    identification::{CertificateIdentification, CertificateInfo},
    store::Certificates,
};

/// Octets of a certificate in DER. One with two names, a key of P-384 and six extensions has less
/// than 1,500; a chain of them would not fit into an APDU anyway.
pub const CERTIFICATE_LEN_MAX: usize = 4096;
/// What PEM calls a certificate.
const PEM_LABEL: &str = "CERTIFICATE";
/// The octet before an uncompressed point (SEC 1 clause 2.3.3).
const UNCOMPRESSED: u8 = 0x04;
/// The extensions that are looked at, or may be critical without harm: policies restrict nobody
/// here (RFC 5280 clause 4.2.1.4).
const KNOWN: [ObjectIdentifier; 5] = [
    KeyUsage::OID,
    BasicConstraints::OID,
    ExtendedKeyUsage::OID,
    SubjectAltName::OID,
    CertificatePolicies::OID,
];

/// What the key of a certificate is for: `certificate_type` of class 64, and for the first three
/// the key pair that a method names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CertificateType {
    /// Signing.
    DigitalSignature,
    /// Agreeing on keys.
    KeyAgreement,
    /// Both, in TLS.
    Tls,
    /// Neither: what a certification authority has.
    Other,
}

impl CertificateType {
    /// The type with this value on the wire.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::DigitalSignature),
            1 => Some(Self::KeyAgreement),
            2 => Some(Self::Tls),
            3 => Some(Self::Other),
            _ => None,
        }
    }

    /// Its value on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::DigitalSignature => 0,
            Self::KeyAgreement => 1,
            Self::Tls => 2,
            Self::Other => 3,
        }
    }
}

/// `digital signature`.
impl fmt::Display for CertificateType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DigitalSignature => "digital signature",
            Self::KeyAgreement => "key agreement",
            Self::Tls => "TLS",
            Self::Other => "other",
        })
    }
}

/// Whose certificate it is: `certificate_entity` of class 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CertificateEntity {
    /// The device itself.
    Server,
    /// A client or third party.
    Client,
    /// A certification authority.
    CertificationAuthority,
    /// Somebody else.
    Other,
}

impl CertificateEntity {
    /// The entity with this value on the wire.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Server),
            1 => Some(Self::Client),
            2 => Some(Self::CertificationAuthority),
            3 => Some(Self::Other),
            _ => None,
        }
    }

    /// Its value on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::Server => 0,
            Self::Client => 1,
            Self::CertificationAuthority => 2,
            Self::Other => 3,
        }
    }
}

/// `certification authority`.
impl fmt::Display for CertificateEntity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::CertificationAuthority => "certification authority",
            Self::Other => "other",
        })
    }
}

/// A certificate that was read. Whether somebody trustworthy signed it is another question:
/// [`verify`](Self::verify).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    signed: Vec<u8>,
    signature: Signature,
    serial: Vec<u8>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    subject_alt_name: Vec<u8>,
    system_title: Option<SystemTitle>,
    public_key: PublicKey,
    certificate_type: CertificateType,
    authority: Option<Authority>,
    validity: RangeInclusive<u64>,
}

/// May sign certificates, with this many authorities below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Authority {
    path_len: Option<u8>,
}

impl Certificate {
    /// Reads a certificate that fills `der`.
    ///
    /// # Errors
    /// [`CertificateError::Der`] for what is no certificate in DER, and what else this profile does
    /// not have.
    pub fn decode(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > CERTIFICATE_LEN_MAX {
            return Err(CertificateError::Length);
        }
        let read = x509_cert::Certificate::from_der(der).map_err(not_der)?;
        let tbs = read.tbs_certificate();
        let signed = tbs.to_der().map_err(not_der)?;
        // The signature is over octets. Where ours are others, the certificate is not in DER.
        if read.to_der().map_err(not_der)? != der {
            return Err(CertificateError::Der { offset: 0 });
        }
        let public_key = public_key(&tbs.subject_public_key_info().to_der().map_err(not_der)?)?;
        let algorithm = read.signature_algorithm();
        if algorithm != tbs.signature() {
            return Err(CertificateError::Algorithm);
        }
        let curve = match algorithm.oid {
            ECDSA_WITH_SHA_256 => Curve::P256,
            ECDSA_WITH_SHA_384 => Curve::P384,
            _ => return Err(CertificateError::Algorithm),
        };
        let signature = read.signature().as_bytes().ok_or(CertificateError::Signature)?;
        let mut extensions = tbs.extensions().into_iter().flatten();
        if extensions.any(|it| it.critical && !KNOWN.contains(&it.extn_id)) {
            return Err(CertificateError::CriticalExtension);
        }
        let usage =
            tbs.get_extension::<KeyUsage>().map_err(not_der)?.ok_or(CertificateError::KeyUsage)?.1;
        let constraints =
            tbs.get_extension::<BasicConstraints>().map_err(not_der)?.map(|(_, it)| it);
        let authority = match constraints {
            Some(it) if it.ca && usage.key_cert_sign() => {
                Some(Authority { path_len: it.path_len_constraint })
            }
            _ if usage.key_cert_sign() => return Err(CertificateError::KeyUsage),
            _ => None,
        };
        let certificate_type = match (usage.digital_signature(), usage.key_agreement()) {
            _ if authority.is_some() => CertificateType::Other,
            (true, false) => CertificateType::DigitalSignature,
            (false, true) => CertificateType::KeyAgreement,
            (true, true) => CertificateType::Tls,
            (false, false) => return Err(CertificateError::KeyUsage),
        };
        // What restricts the key to a use (RFC 5280 clause 4.2.1.12) restricts it to TLS: that is
        // the only one which the extension knows and DLMS has.
        let mut extensions = tbs.extensions().into_iter().flatten();
        let restricted = extensions.any(|it| it.critical && it.extn_id == ExtendedKeyUsage::OID);
        if restricted && certificate_type != CertificateType::Tls {
            return Err(CertificateError::CriticalExtension);
        }
        let alt_name = tbs.extensions().into_iter().flatten();
        let alt_name = alt_name.clone().find(|it| it.extn_id == SubjectAltName::OID);
        let title = tbs
            .subject()
            .common_name()
            .map_err(not_der)?
            .and_then(|name| name.value().parse().ok());
        let time = |time: x509_cert::time::Time| time.to_unix_duration().as_secs();
        Ok(Self {
            signature: ecdsa_value::decode(curve, signature)?,
            signed,
            serial: tbs.serial_number().as_bytes().to_owned(),
            issuer: tbs.issuer().to_der().map_err(not_der)?,
            subject: tbs.subject().to_der().map_err(not_der)?,
            subject_alt_name: alt_name
                .map(|it| it.extn_value.as_bytes().to_owned())
                .unwrap_or_default(),
            system_title: title.filter(|_| authority.is_none()),
            public_key,
            certificate_type,
            authority,
            validity: time(tbs.validity().not_before)..=time(tbs.validity().not_after),
            der: der.to_owned(),
        })
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate in PEM, with a line end.
    pub fn pem(&self) -> String {
        // There are not so many octets that it could fail.
        pem::encode_string(PEM_LABEL, pem::LineEnding::LF, &self.der).unwrap_or_default()
    }

    /// The serial number: the contents of the INTEGER.
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// The name of the issuer, in DER.
    pub fn issuer(&self) -> &[u8] {
        &self.issuer
    }

    /// The name of the subject, in DER.
    pub fn subject(&self) -> &[u8] {
        &self.subject
    }

    /// The alternative names of the subject, in DER; empty when there are none.
    pub fn subject_alt_name(&self) -> &[u8] {
        &self.subject_alt_name
    }

    /// The system title of the subject, when its common name is one.
    pub const fn system_title(&self) -> Option<SystemTitle> {
        self.system_title
    }

    /// The public key. Nobody vouches for it before [`verify`](Self::verify).
    pub const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// What the key is for.
    pub const fn certificate_type(&self) -> CertificateType {
        self.certificate_type
    }

    /// Whether the subject may sign certificates.
    pub const fn is_authority(&self) -> bool {
        self.authority.is_some()
    }

    /// When it is valid, in seconds since 1970, both ends included.
    pub const fn validity(&self) -> &RangeInclusive<u64> {
        &self.validity
    }

    /// Verifies that `issuer` signed this certificate and may do so. Whether `issuer` is itself to
    /// be trusted, and whether now is a time at which both are valid, is for the caller.
    ///
    /// # Errors
    /// [`CertificateError::Issuer`] when another name is written as its issuer or when `issuer` may
    /// not sign it, [`CertificateError::Algorithm`] when the hash is not that of the issuer's
    /// curve, [`CertificateError::Signature`].
    pub fn verify(
        &self,
        provider: &dyn CryptoProvider,
        issuer: &Self,
    ) -> Result<(), CertificateError> {
        let authority = issuer.authority.ok_or(CertificateError::Issuer)?;
        let too_deep = self.is_authority() && authority.path_len == Some(0) && self != issuer;
        if self.issuer != issuer.subject || too_deep {
            return Err(CertificateError::Issuer);
        }
        if self.signature.curve() != issuer.public_key.curve() {
            return Err(CertificateError::Algorithm);
        }
        let provider = provider.public_keys().ok_or(CertificateError::ProviderUnavailable)?;
        provider
            .ecdsa_verify(&issuer.public_key, &[&self.signed], &self.signature)
            .map_err(|_| CertificateError::Signature)
    }
}

/// The text of a name in DER, as RFC 4514 writes it: `CN=4D4D4D0000BC614E`. None for what is no
/// name.
pub fn distinguished_name(der: &[u8]) -> Option<String> {
    Some(Name::from_der(der).ok()?.to_string())
}

/// Reads PEM (RFC 7468).
impl FromStr for Certificate {
    type Err = CertificateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Base64 makes four characters of three octets, and there are line ends.
        if text.len() > 2 * CERTIFICATE_LEN_MAX {
            return Err(CertificateError::Length);
        }
        match pem::decode_vec(text.trim().as_bytes()) {
            Ok((PEM_LABEL, der)) => Self::decode(&der),
            _ => Err(CertificateError::Der { offset: 0 }),
        }
    }
}

/// Reads a SubjectPublicKeyInfo with a point of a curve of the standard (RFC 5480).
fn public_key(der: &[u8]) -> Result<PublicKey, CertificateError> {
    let info = SubjectPublicKeyInfoRef::from_der(der).map_err(not_der)?;
    let curve = match info.algorithm.parameters_oid() {
        Ok(SECP_256_R_1) => Curve::P256,
        Ok(SECP_384_R_1) => Curve::P384,
        _ => return Err(CertificateError::Curve),
    };
    if info.algorithm.oid != ID_EC_PUBLIC_KEY {
        return Err(CertificateError::Curve);
    }
    match info.subject_public_key.as_bytes() {
        Some([UNCOMPRESSED, point @ ..]) if point.len() == curve.pair_len() => {
            PublicKey::try_from(point).map_err(|_| CertificateError::Curve)
        }
        _ => Err(CertificateError::Curve),
    }
}

/// A certificate that was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not a certificate in DER.
    #[error("not a certificate in DER at octet {offset}")]
    Der {
        /// Where it was noticed, as far as that is known.
        offset: usize,
    },
    /// Longer than [`CERTIFICATE_LEN_MAX`].
    #[error("longer than {CERTIFICATE_LEN_MAX} octets")]
    Length,
    /// The signature is not ECDSA with the hash that belongs to the curve.
    #[error("not signed with ECDSA and the hash of the issuer's curve")]
    Algorithm,
    /// The key is not an uncompressed point of P-256 or P-384, or not of the curve of the suite.
    #[error("a key of another curve than that of the suite, or compressed")]
    Curve,
    /// KeyUsage is missing, says nothing that the standard has, or disagrees with
    /// BasicConstraints.
    #[error("the extension KeyUsage does not say what the key is for")]
    KeyUsage,
    /// A critical extension that is not known here.
    #[error("a critical extension that is not known")]
    CriticalExtension,
    /// The common name of an end entity is no system title.
    #[error("the common name is no system title")]
    SystemTitle,
    /// The issuer is unknown or may not issue it.
    #[error("the issuer is not known, or may not issue this certificate")]
    Issuer,
    /// It, or that of an authority above it, is not valid now.
    #[error("not valid at this time")]
    Validity,
    /// The signature does not verify.
    #[error("the signature does not verify")]
    Signature,
    /// A certificate of the device for a key that the device does not have.
    #[error("for a key that the device does not have")]
    NotOurKey,
    /// There are as many certificates as fit.
    #[error("no more certificates fit")]
    Full,
    /// The provider has no elliptic curves.
    #[error("the crypto provider has no elliptic curves")]
    ProviderUnavailable,
}

fn not_der(error: x509_cert::der::Error) -> CertificateError {
    let offset = error.position().and_then(|length| usize::try_from(length).ok());
    CertificateError::Der { offset: offset.unwrap_or(0) }
}
