//! Certificates, and what class 64 says of them.

use crate::{
    axdr::{Data, Reader},
    security::{
        Certificate, CertificateIdentification, CertificateInfo, RustCrypto, distinguished_name,
    },
};

/// Any octets are a certificate or refused. One that was read has the octets that it was read from,
/// also by way of PEM, and verifying it with its own key ends.
///
/// # Panics
/// When that is not so.
pub fn certificate(octets: &[u8]) {
    if let Ok(certificate) = Certificate::decode(octets) {
        assert_eq!(certificate.der(), octets);
        assert_eq!(certificate.pem().parse(), Ok(certificate.clone()));
        assert!(distinguished_name(certificate.subject()).is_some());
        let _ = certificate.verify(&RustCrypto, &certificate);
    }
    let _ = distinguished_name(octets);
    if let Ok(data) = Data::decode(&mut Reader::new(octets)) {
        if let Ok(identification) = CertificateIdentification::decode(&data) {
            let written = identification.to_data().to_octets();
            let data = Data::decode(&mut Reader::new(&written));
            let read = data.map(|data| CertificateIdentification::decode(&data));
            assert_eq!(read, Ok(Ok(identification)));
        }
        let _ = CertificateInfo::decode_list(&data);
    }
}
