//! Certificate requests: PKCS #10, signed with the key that a certificate is asked for (RFC 2986).

use alloc::{format, vec, vec::Vec};
use core::str::FromStr;

use x509_cert::{
    der::{
        Encode,
        asn1::{Any, BitString, OctetString},
        flagset::FlagSet,
        oid::{
            AssociatedOid,
            db::rfc5912::{
                ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384, ID_EC_PUBLIC_KEY, SECP_256_R_1,
                SECP_384_R_1,
            },
        },
    },
    ext::{
        Extension,
        pkix::{KeyUsage, KeyUsages},
    },
    name::Name,
    request::{CertReq, CertReqInfo, ExtensionReq, Version},
    spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned},
};

use super::{CertificateError, CertificateType, UNCOMPRESSED, ecdsa_value, not_der};
use crate::security::{CryptoProvider, Curve, PrivateKey, SystemTitle};

/// The request for a certificate of `certificate_type` that binds the public half of `key` to
/// `subject`, in DER. What the key is for is asked for in an extension.
///
/// # Errors
/// What the provider reports.
pub(super) fn certificate_request(
    provider: &dyn CryptoProvider,
    key: &PrivateKey,
    certificate_type: CertificateType,
    subject: SystemTitle,
) -> Result<Vec<u8>, CertificateError> {
    let unavailable = CertificateError::ProviderUnavailable;
    let curves = provider.public_keys().ok_or(unavailable)?;
    let public = curves.public_key(key).map_err(|_| unavailable)?;
    let (curve, algorithm) = match key.curve() {
        Curve::P256 => (SECP_256_R_1, ECDSA_WITH_SHA_256),
        Curve::P384 => (SECP_384_R_1, ECDSA_WITH_SHA_384),
    };
    let usages: FlagSet<KeyUsages> = match certificate_type {
        CertificateType::DigitalSignature => KeyUsages::DigitalSignature.into(),
        CertificateType::KeyAgreement => KeyUsages::KeyAgreement.into(),
        CertificateType::Tls => KeyUsages::DigitalSignature | KeyUsages::KeyAgreement,
        CertificateType::Other => return Err(CertificateError::KeyUsage),
    };
    let usage = KeyUsage(usages).to_der().map_err(not_der)?;
    let usage = Extension {
        extn_id: KeyUsage::OID,
        critical: true,
        extn_value: OctetString::new(usage).map_err(not_der)?,
    };
    let info = CertReqInfo {
        version: Version::V1,
        subject: Name::from_str(&format!("CN={subject}")).map_err(not_der)?,
        public_key: SubjectPublicKeyInfoOwned {
            algorithm: AlgorithmIdentifierOwned {
                oid: ID_EC_PUBLIC_KEY,
                parameters: Some(Any::encode_from(&curve).map_err(not_der)?),
            },
            subject_public_key: BitString::from_bytes(&[&[UNCOMPRESSED], public.octets()].concat())
                .map_err(not_der)?,
        },
        attributes: vec![ExtensionReq(vec![usage]).try_into().map_err(not_der)?]
            .try_into()
            .map_err(not_der)?,
    };
    let signed = info.to_der().map_err(not_der)?;
    let signature = curves.ecdsa_sign(key, &[&signed]).map_err(|_| unavailable)?;
    let request = CertReq {
        info,
        algorithm: AlgorithmIdentifierOwned { oid: algorithm, parameters: None },
        signature: BitString::from_bytes(&ecdsa_value::encode(&signature)?).map_err(not_der)?,
    };
    request.to_der().map_err(not_der)
}
