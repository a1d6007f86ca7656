//! General-signing: an APDU with the signature of its originator (Green Book 9.2.7.2).
//!
//! ```text
//! DF  transaction-id originator recipient date-time other-information  length content  signature
//!     '------------------------------- signed, lengths included -------------------------------'
//! ```
//!
//! The signature is r and s, each of full length, never DER; where only a tag around it protects
//! the APDU it may be empty. For one originator and recipient an APDU is signed first and ciphered
//! then.

use alloc::vec::Vec;

use super::{
    CryptoProvider, GeneralHeader, PrivateKey, PublicKey, SecurityError, Signature, SystemTitle,
};
use crate::{
    Malformed, MalformedKind,
    axdr::{Reader, Writer},
    xdlms::tag,
};

/// Octets that signing adds at most, without the fields in front: APDU tag, two lengths in their
/// longest form, and the longer signature.
pub const SIGNING_OVERHEAD_MAX: usize = 1 + 5 + 5 + 96;

/// What to sign an APDU with.
#[derive(Clone, Copy, Debug)]
pub struct SignRequest<'a> {
    /// The fields in front.
    pub header: &'a GeneralHeader,
    /// The originator's signature key.
    pub key: &'a PrivateKey,
    /// See [`Compatibility::signing_excludes_content_length`](super::Compatibility).
    pub exclude_content_length: bool,
}

/// Appends `content` as general-signing to `out`; after an error `out` is as it was.
///
/// # Errors
/// What the provider reports.
pub fn sign(
    provider: &dyn CryptoProvider,
    request: &SignRequest<'_>,
    content: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), SecurityError> {
    let provider = provider.public_keys().ok_or(SecurityError::ProviderUnavailable)?;
    let mut front = Vec::new();
    request.header.encode(&mut Writer::new(&mut front));
    let mut length = Vec::new();
    if !request.exclude_content_length {
        Writer::new(&mut length).length(content.len());
    }
    let signature = provider.ecdsa_sign(request.key, &[&front, &length, content])?;
    let mut writer = Writer::new(out);
    writer.u8(tag::GENERAL_SIGNING);
    writer.octets(&front);
    writer.octet_string(content);
    writer.octet_string(signature.octets());
    Ok(())
}

/// A general-signing APDU, whose signature nobody looked at yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedApdu<'a> {
    /// The fields in front.
    pub header: GeneralHeader,
    /// The APDU inside.
    pub content: &'a [u8],
    /// The signature; None where it is empty.
    pub signature: Option<Signature>,
    /// The octets of the fields.
    front: &'a [u8],
    /// The octets of the fields and of the content with its length.
    signed: &'a [u8],
}

impl<'a> SignedApdu<'a> {
    /// Reads a general-signing APDU that fills `apdu`.
    ///
    /// # Errors
    /// What it is not. [`MalformedKind::Length`] for a signature that has neither 64 nor 96 octets
    /// nor none.
    pub fn decode(apdu: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(apdu);
        match reader.u8()? {
            tag::GENERAL_SIGNING => {}
            other => return Err(Malformed::new(MalformedKind::UnknownTag(other), 0)),
        }
        let octets = reader.rest();
        let start = reader.offset();
        let header = GeneralHeader::decode(&mut reader)?;
        let front = reader.offset().saturating_sub(start);
        let content = reader.octet_string()?;
        let signed = reader.offset().saturating_sub(start);
        let wrong = reader.fail(MalformedKind::Length);
        let signature = match reader.octet_string()? {
            [] => None,
            octets => Some(Signature::try_from(octets).map_err(|_| wrong)?),
        };
        reader.finish()?;
        Ok(Self {
            header,
            content,
            signature,
            front: octets.get(..front).unwrap_or_default(),
            signed: octets.get(..signed).unwrap_or_default(),
        })
    }

    /// Verifies that `key` signed it, and hands out the content.
    ///
    /// # Errors
    /// [`SecurityError::SignatureMissing`], [`SecurityError::SignatureMismatch`],
    /// [`SecurityError::SystemTitleMismatch`] and its kin when it is by or for somebody else, and
    /// what the provider reports.
    pub fn verify(
        &self,
        provider: &dyn CryptoProvider,
        request: &VerifyRequest<'_>,
    ) -> Result<&'a [u8], SecurityError> {
        self.header.check_parties(request.originator, request.recipient)?;
        let signature = self.signature.ok_or(SecurityError::SignatureMissing)?;
        let provider = provider.public_keys().ok_or(SecurityError::ProviderUnavailable)?;
        let parts = if request.exclude_content_length {
            [self.front, self.content]
        } else {
            [self.signed, &[]]
        };
        provider.ecdsa_verify(request.key, &parts, &signature)?;
        Ok(self.content)
    }
}

/// What the receiver of a signed APDU knows and demands.
#[derive(Clone, Copy, Debug)]
pub struct VerifyRequest<'a> {
    /// The originator's system title as the receiver knows it; `None` when only the APDU tells.
    pub originator: Option<SystemTitle>,
    /// The receiver's own system title.
    pub recipient: SystemTitle,
    /// The originator's public signature key.
    pub key: &'a PublicKey,
    /// See [`Compatibility::signing_excludes_content_length`](super::Compatibility).
    pub exclude_content_length: bool,
}

#[cfg(test)]
#[cfg(feature = "public-keys")]
mod tests {
    use proptest::prelude::*;
    use std::vec;

    use super::*;
    use crate::security::{PublicKeyProvider, RustCrypto, hex::octets};

    const ORIGINATOR: SystemTitle = SystemTitle(*b"MMM\0\0\xbc\x61\x4e");
    const RECIPIENT: SystemTitle = SystemTitle(*b"MMM\0\0\0\0\x01");

    /// A response of a British smart meter, with its certificate's public key.
    const PRODUCTION: &str = concat!(
        "df090200000000000003ea0800db1234567890a00890b3d51f30010000 00 02000b 03020103 40",
        "2419a344690dd4879e468bd40aa3e7ed9b2dd0de1abf225e7b59f700881b84ac",
        "fb27b15af7f5a7a95e418e0363fd779ccdcb52fd5eba0bd69262fd79a7f071d5",
    );
    const PRODUCTION_KEY: &str = concat!(
        "04f41284362a5a81eeff848ae2db4c6d0df336f06128eb32121596faef86db38",
        "3d93c3952e73476036406d91009f6133244102a9f88a3682f16f92ccbf7cc959fa",
    );

    fn own(length: usize) -> (PrivateKey, PublicKey) {
        let private = "11".repeat(length).parse().unwrap();
        let public = RustCrypto.public_key(&private).unwrap();
        (private, public)
    }

    fn header() -> GeneralHeader {
        GeneralHeader {
            transaction_id: vec![1, 2, 3],
            originator: Some(ORIGINATOR),
            recipient: Some(RECIPIENT),
            ..GeneralHeader::default()
        }
    }

    #[test]
    fn a_production_message_is_signed_from_the_first_length_to_the_last_octet_of_the_content() {
        let apdu = octets(PRODUCTION);
        let key = PRODUCTION_KEY.parse().unwrap();
        let signed = SignedApdu::decode(&apdu).unwrap();
        assert_eq!(signed.content, [0x02, 0x01, 0x03]);
        let request = VerifyRequest {
            originator: Some(SystemTitle(*b"\x00\xdb\x12\x34\x56\x78\x90\xa0")),
            recipient: SystemTitle(*b"\x90\xb3\xd5\x1f\x30\x01\x00\x00"),
            key: &key,
            exclude_content_length: false,
        };
        assert_eq!(signed.verify(&RustCrypto, &request), Ok(&[0x02, 0x01, 0x03][..]));
        let short = VerifyRequest { exclude_content_length: true, ..request };
        let mismatch = Err(SecurityError::SignatureMismatch);
        assert_eq!(signed.verify(&RustCrypto, &short), mismatch);
        for place in 1..apdu.len() {
            let mut altered = apdu.clone();
            altered[place] ^= 1;
            if let Ok(signed) = SignedApdu::decode(&altered) {
                assert!(signed.verify(&RustCrypto, &request).is_err(), "{place}");
            }
        }
    }

    #[test]
    fn an_empty_signature_is_read_and_never_taken_for_one() {
        let apdu = octets("df 00 00 00 00 00 02 c001 00");
        let signed = SignedApdu::decode(&apdu).unwrap();
        assert_eq!((signed.signature, signed.content), (None, &[0xc0, 0x01][..]));
        let (_, key) = own(32);
        let request = VerifyRequest {
            originator: Some(ORIGINATOR),
            recipient: RECIPIENT,
            key: &key,
            exclude_content_length: false,
        };
        let missing = Err(SecurityError::SignatureMissing);
        assert_eq!(signed.verify(&RustCrypto, &request), missing);
    }

    #[test]
    fn what_was_signed_verifies_in_the_form_that_it_was_signed_in() {
        for length in [32, 48] {
            let (private, public) = own(length);
            for exclude_content_length in [false, true] {
                let mut out = vec![0x99];
                let header = header();
                let sign_request =
                    SignRequest { header: &header, key: &private, exclude_content_length };
                sign(&RustCrypto, &sign_request, &[7; 200], &mut out).unwrap();
                let apdu = &out[1..];
                assert!(apdu.len() <= 200 + header.encoded_len() + SIGNING_OVERHEAD_MAX);
                let signed = SignedApdu::decode(apdu).unwrap();
                assert_eq!(signed.header, header);
                let verify = |exclude_content_length, recipient| {
                    let originator = Some(ORIGINATOR);
                    let key = &public;
                    let request =
                        VerifyRequest { originator, recipient, key, exclude_content_length };
                    signed.verify(&RustCrypto, &request)
                };
                assert_eq!(verify(exclude_content_length, RECIPIENT), Ok(&[7; 200][..]));
                let mismatch = Err(SecurityError::SignatureMismatch);
                assert_eq!(verify(!exclude_content_length, RECIPIENT), mismatch);
                let other = SystemTitle(*b"XYZ\0\0\0\0\x01");
                let refused =
                    Err(SecurityError::RecipientMismatch { received: RECIPIENT, own: other });
                assert_eq!(verify(exclude_content_length, other), refused);
            }
        }
    }

    #[test]
    fn every_prefix_is_malformed_and_a_signature_of_another_length_too() {
        let apdu = octets(PRODUCTION);
        for end in 0..apdu.len() {
            assert!(SignedApdu::decode(&apdu[..end]).is_err(), "{end}");
        }
        let refused = SignedApdu::decode(&[0xdf, 0, 0, 0, 0, 0, 0, 2, 1, 1]);
        assert_eq!(refused, Err(Malformed::new(MalformedKind::Length, 7)));
        let longer = [&apdu[..], &[0]].concat();
        let trailing = Malformed::new(MalformedKind::Trailing, apdu.len());
        assert_eq!(SignedApdu::decode(&longer), Err(trailing));
    }

    proptest! {
        #[test]
        fn any_octets_are_a_signed_apdu_or_refused(
            octets in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let apdu = [&[0xdf][..], &octets].concat();
            if let Ok(signed) = SignedApdu::decode(&apdu) {
                prop_assert!(signed.content.len() < apdu.len());
            }
        }
    }
}
