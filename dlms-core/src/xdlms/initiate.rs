//! Initiate: what client and server agree on for an association (IEC 62056-5-3 clause 8,
//! InitiateRequest and InitiateResponse). The two travel in the user-information of AARQ and AARE,
//! and of RLRQ and RLRE.

use core::fmt;

use super::{Conformance, head, tag};
use crate::{
    Malformed,
    axdr::{Reader, Writer},
};

/// The version of DLMS that everybody speaks.
const VERSION: u8 = 6;

/// What the client proposes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InitiateRequest<'a> {
    /// A key for this association alone: 16 octets, in suite 2 32. It may stand here only when the
    /// whole APDU is ciphered.
    pub dedicated_key: Option<&'a [u8]>,
    /// Whether the association is confirmed. True is the default and left out of the APDU.
    pub response_allowed: bool,
    /// Not used by anybody; any value is accepted.
    pub quality_of_service: Option<i8>,
    /// The version of DLMS: 6.
    pub version: u8,
    /// The services that the client wants to use.
    pub conformance: Conformance,
    /// The longest APDU that the client takes, in octets; 0 means any length.
    pub max_receive_pdu: u16,
}

impl<'a> InitiateRequest<'a> {
    /// A confirmed association of version 6 without dedicated key.
    pub const fn new(conformance: Conformance, max_receive_pdu: u16) -> Self {
        Self {
            dedicated_key: None,
            response_allowed: true,
            quality_of_service: None,
            version: VERSION,
            conformance,
            max_receive_pdu,
        }
    }

    /// Reads an initiate-request, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not one, with the place.
    pub fn decode(apdu: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(apdu);
        head::take_tag(&mut reader, tag::INITIATE_REQUEST)?;
        let dedicated_key = if reader.presence()? { Some(reader.octet_string()?) } else { None };
        // DEFAULT TRUE: A-XDR writes a presence octet for it as for OPTIONAL.
        let response_allowed = if reader.presence()? { reader.boolean()? } else { true };
        let quality_of_service = if reader.presence()? { Some(reader.i8()?) } else { None };
        let request = Self {
            dedicated_key,
            response_allowed,
            quality_of_service,
            version: reader.u8()?,
            conformance: Conformance::decode(&mut reader)?,
            max_receive_pdu: reader.u16()?,
        };
        reader.finish()?;
        Ok(request)
    }

    /// Appends the initiate-request.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.u8(tag::INITIATE_REQUEST);
        writer.presence(self.dedicated_key.is_some());
        if let Some(key) = self.dedicated_key {
            writer.octet_string(key);
        }
        writer.presence(!self.response_allowed);
        if !self.response_allowed {
            writer.boolean(false);
        }
        encode_quality_of_service(writer, self.quality_of_service);
        writer.u8(self.version);
        self.conformance.encode(writer);
        writer.u16(self.max_receive_pdu);
    }
}

/// Of the dedicated key only the length is shown.
impl fmt::Debug for InitiateRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InitiateRequest")
            .field("dedicated_key_length", &self.dedicated_key.map(<[u8]>::len))
            .field("response_allowed", &self.response_allowed)
            .field("quality_of_service", &self.quality_of_service)
            .field("version", &self.version)
            .field("conformance", &self.conformance)
            .field("max_receive_pdu", &self.max_receive_pdu)
            .finish()
    }
}

/// What the server agrees to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitiateResponse {
    /// Not used by anybody; any value is accepted.
    pub quality_of_service: Option<i8>,
    /// The version of DLMS: 6.
    pub version: u8,
    /// The services that may be used: some of those that were proposed.
    pub conformance: Conformance,
    /// The longest APDU that the server takes, in octets.
    pub max_receive_pdu: u16,
    /// [`VAA_NAME_LN`](Self::VAA_NAME_LN) or [`VAA_NAME_SN`](Self::VAA_NAME_SN).
    pub vaa_name: u16,
}

impl InitiateResponse {
    /// The name of the virtual application association with logical name referencing.
    pub const VAA_NAME_LN: u16 = 0x0007;
    /// The name of the virtual application association with short name referencing: the base name
    /// of the current association object.
    pub const VAA_NAME_SN: u16 = 0xfa00;

    /// Version 6 with logical name referencing.
    pub const fn new(conformance: Conformance, max_receive_pdu: u16) -> Self {
        Self {
            quality_of_service: None,
            version: VERSION,
            conformance,
            max_receive_pdu,
            vaa_name: Self::VAA_NAME_LN,
        }
    }

    /// Reads an initiate-response, which must be all of `apdu`.
    ///
    /// # Errors
    /// Octets that are not one, with the place.
    pub fn decode(apdu: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(apdu);
        head::take_tag(&mut reader, tag::INITIATE_RESPONSE)?;
        let quality_of_service = if reader.presence()? { Some(reader.i8()?) } else { None };
        let response = Self {
            quality_of_service,
            version: reader.u8()?,
            conformance: Conformance::decode(&mut reader)?,
            max_receive_pdu: reader.u16()?,
            vaa_name: reader.u16()?,
        };
        reader.finish()?;
        Ok(response)
    }

    /// Appends the initiate-response.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.u8(tag::INITIATE_RESPONSE);
        encode_quality_of_service(writer, self.quality_of_service);
        writer.u8(self.version);
        self.conformance.encode(writer);
        writer.u16(self.max_receive_pdu);
        writer.u16(self.vaa_name);
    }
}

fn encode_quality_of_service(writer: &mut Writer<'_>, quality: Option<i8>) {
    writer.presence(quality.is_some());
    if let Some(quality) = quality {
        writer.octets(&quality.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MalformedKind;
    use alloc::{format, vec::Vec};

    fn encoded(request: &InitiateRequest<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        request.encode(&mut Writer::new(&mut out));
        out
    }

    #[test]
    fn a_request_is_mostly_absent_options() {
        let octets = [
            0x01, 0x00, 0x00,
            0x00, // no dedicated key, response allowed, no quality of service
            0x06, // version
            0x5f, 0x1f, 0x04, 0x00, 0x00, 0x7e, 0x1f, // conformance
            0x04, 0xb0, // 1200 octets
        ];
        let request = InitiateRequest::new(Conformance::from_octets([0x00, 0x7e, 0x1f]), 1200);
        assert_eq!(InitiateRequest::decode(&octets), Ok(request));
        assert_eq!(encoded(&request), octets);
    }

    #[test]
    fn a_request_may_carry_a_dedicated_key() {
        let octets = [
            0x01, 0x01, 0x10, // dedicated key of 16 octets
            0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd,
            0xee, 0xff, //
            0x00, 0x00, // response allowed, no quality of service
            0x06, // version
            0x5f, 0x1f, 0x04, 0x00, 0x00, 0x7e, 0x1f, // conformance
            0x04, 0xb0, // 1200 octets
        ];
        let request = InitiateRequest::decode(&octets).unwrap();
        assert_eq!(request.dedicated_key, Some(&octets[3..19]));
        assert_eq!(encoded(&request), octets);
    }

    #[test]
    fn an_unconfirmed_request_says_so() {
        let octets = [
            0x01, 0x00, // no dedicated key
            0x01, 0x00, // response not allowed
            0x01, 0xff, // quality of service -1
            0x06, 0x5f, 0x1f, 0x04, 0x00, 0x00, 0x7e, 0x1f, 0x00, 0x00,
        ];
        let request = InitiateRequest::decode(&octets).unwrap();
        assert!(!request.response_allowed);
        assert_eq!(request.quality_of_service, Some(-1));
        assert_eq!(encoded(&request), octets);

        let mut spelled_out = octets;
        spelled_out[3] = 0xff;
        assert!(InitiateRequest::decode(&spelled_out).unwrap().response_allowed);
    }

    #[test]
    fn a_response_names_what_was_agreed() {
        let octets = [
            0x08, 0x00, // no quality of service
            0x06, // version
            0x5f, 0x1f, 0x04, 0x00, 0x00, 0x50, 0x1f, // conformance
            0x01, 0xf4, // 500 octets
            0x00, 0x07, // logical name referencing
        ];
        let response = InitiateResponse::new(Conformance::from_octets([0x00, 0x50, 0x1f]), 500);
        assert_eq!(InitiateResponse::decode(&octets), Ok(response));
        let mut out = Vec::new();
        response.encode(&mut Writer::new(&mut out));
        assert_eq!(out, octets);
    }

    #[test]
    fn a_response_with_the_short_conformance_tag_of_old_meters_is_understood() {
        let octets = [
            0x08, 0x01, 0x00, // quality of service 0
            0x06, 0x5f, 0x04, 0x00, 0x18, 0x02, 0x20, 0x00, 0xef, 0xfa, 0x00,
        ];
        let response = InitiateResponse::decode(&octets).unwrap();
        assert_eq!(response.max_receive_pdu, 239);
        assert_eq!(response.vaa_name, InitiateResponse::VAA_NAME_SN);
        assert_eq!(response.conformance.octets(), [0x18, 0x02, 0x20]);
    }

    #[test]
    fn another_apdu_is_refused_at_its_tag() {
        assert_eq!(
            InitiateResponse::decode(&[0x0e, 0x01, 0x06, 0x01]),
            Err(Malformed::new(MalformedKind::UnknownTag(0x0e), 0))
        );
    }

    #[test]
    fn debug_does_not_show_the_dedicated_key() {
        let request = InitiateRequest {
            dedicated_key: Some(&[0xc7; 16]),
            ..InitiateRequest::new(Conformance::GET, 500)
        };
        let shown = format!("{request:?}");
        assert!(!shown.contains("199") && !shown.contains("c7"), "{shown}");
        assert!(shown.contains("dedicated_key_length: Some(16)"), "{shown}");
    }
}
