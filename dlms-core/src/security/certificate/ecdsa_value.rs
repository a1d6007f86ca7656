//! ECDSA-Sig-Value: how X.509 writes a signature, while DLMS/COSEM has r and s of full length
//! (RFC 3279 clause 2.2.3).

use alloc::{vec, vec::Vec};

use x509_cert::der::{Decode, Encode, asn1::Uint};

use super::{CertificateError, not_der};
use crate::security::{Curve, Signature};

/// Reads r and s; `curve` says how long they are.
pub(super) fn decode(curve: Curve, der: &[u8]) -> Result<Signature, CertificateError> {
    let numbers = Vec::<Uint>::from_der(der).map_err(|_| CertificateError::Signature)?;
    let [r, s] = &numbers[..] else { return Err(CertificateError::Signature) };
    let mut octets = vec![0; curve.pair_len()];
    let halves = octets.chunks_exact_mut(curve.coordinate_len());
    for (half, number) in halves.zip([r, s]) {
        let number = number.as_bytes();
        let start = half.len().checked_sub(number.len()).ok_or(CertificateError::Signature)?;
        half.get_mut(start..).unwrap_or_default().copy_from_slice(number);
    }
    Signature::try_from(&octets[..]).map_err(|_| CertificateError::Signature)
}

/// Writes r and s.
pub(super) fn encode(signature: &Signature) -> Result<Vec<u8>, CertificateError> {
    let halves = signature.octets().chunks_exact(signature.curve().coordinate_len());
    let numbers: Vec<Uint> = halves.map(Uint::new).collect::<Result<_, _>>().map_err(not_der)?;
    numbers.to_der().map_err(not_der)
}
