//! An AARQ as the tester writes it, each field as a case wants it, and what came back.

use dlms_core::{
    acse::{
        Aare, Aarq, AcseUserDiagnostic, ApplicationContext, AssociationResult, Diagnostic,
        Mechanism,
    },
    axdr::Writer,
    xdlms::{Apdu, ConfirmedServiceError, Conformance, InitiateRequest, InitiateResponse},
};

use crate::{
    declaration::{ClientDeclaration, Referencing},
    verdict::Finding,
};

/// The DLMS version that every implementation speaks.
pub(crate) const DLMS_VERSION: u8 = 6;
/// CtoS where a case does not choose it: octets that are no secret.
const CHALLENGE: &[u8; 16] = b"conformance CtoS";
/// The same for HLS 7, whose challenges have 32 octets at least (IEC 62056-5-3 clause 5.3).
const ECDSA_CHALLENGE: &[u8; 32] = b"conformance CtoS, of 32 octets..";

/// The fields of an AARQ and of the InitiateRequest in it.
#[derive(Clone, Debug)]
pub(crate) struct Proposal {
    pub(crate) protocol_version_1: bool,
    pub(crate) application_context: ApplicationContext,
    pub(crate) called_ap_title: Option<Vec<u8>>,
    pub(crate) called_ae_qualifier: Option<Vec<u8>>,
    pub(crate) called_ap_invocation_id: Option<i32>,
    pub(crate) called_ae_invocation_id: Option<i32>,
    pub(crate) calling_ap_title: Option<Vec<u8>>,
    pub(crate) calling_ap_invocation_id: Option<i32>,
    pub(crate) calling_ae_invocation_id: Option<i32>,
    pub(crate) mechanism: Option<Mechanism>,
    pub(crate) authentication_value: Option<Vec<u8>>,
    pub(crate) dedicated_key: Option<Vec<u8>>,
    pub(crate) quality_of_service: Option<i8>,
    pub(crate) version: u8,
    pub(crate) conformance: Conformance,
    pub(crate) max_receive_pdu: u16,
}

impl Proposal {
    /// What `client` declares, proposing every service and any size.
    pub(crate) fn of(client: &ClientDeclaration) -> Self {
        let mechanism = Some(client.mechanism).filter(|it| *it != Mechanism::Lowest);
        Self {
            protocol_version_1: true,
            application_context: match (client.referencing, client.is_ciphered()) {
                (Referencing::LogicalNames, true) => ApplicationContext::LogicalNameCiphered,
                (Referencing::LogicalNames, false) => ApplicationContext::LogicalName,
                (Referencing::ShortNames, _) => ApplicationContext::ShortName,
            },
            called_ap_title: None,
            called_ae_qualifier: None,
            called_ap_invocation_id: None,
            called_ae_invocation_id: None,
            calling_ap_title: client.system_title.map(|title| title.0.to_vec()),
            calling_ap_invocation_id: None,
            calling_ae_invocation_id: None,
            mechanism,
            authentication_value: match mechanism {
                None => None,
                Some(Mechanism::Lls) => Some(client.secret.octets().to_vec()),
                Some(Mechanism::HlsEcdsa) => Some(ECDSA_CHALLENGE.to_vec()),
                Some(_) => Some(CHALLENGE.to_vec()),
            },
            dedicated_key: None,
            quality_of_service: None,
            version: DLMS_VERSION,
            conformance: Conformance::ALL,
            max_receive_pdu: 0xffff,
        }
    }

    /// The InitiateRequest, plain.
    pub(crate) fn initiate(&self) -> Vec<u8> {
        let mut out = Vec::new();
        InitiateRequest {
            dedicated_key: self.dedicated_key.as_deref(),
            quality_of_service: self.quality_of_service,
            version: self.version,
            ..InitiateRequest::new(self.conformance, self.max_receive_pdu)
        }
        .encode(&mut Writer::new(&mut out));
        out
    }

    /// The AARQ around this user-information, which is the InitiateRequest, protected or plain.
    pub(crate) fn aarq(&self, information: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        Aarq {
            protocol_version_1: self.protocol_version_1,
            called_ap_title: self.called_ap_title.as_deref(),
            called_ae_qualifier: self.called_ae_qualifier.as_deref(),
            called_ap_invocation_id: self.called_ap_invocation_id,
            called_ae_invocation_id: self.called_ae_invocation_id,
            calling_ap_title: self.calling_ap_title.as_deref(),
            calling_ap_invocation_id: self.calling_ap_invocation_id,
            calling_ae_invocation_id: self.calling_ae_invocation_id,
            acse_requirements: self.mechanism.is_some() || self.authentication_value.is_some(),
            mechanism: self.mechanism,
            calling_authentication_value: self.authentication_value.as_deref(),
            user_information: Some(information),
            ..Aarq::new(self.application_context)
        }
        .encode(&mut Writer::new(&mut out));
        out
    }
}

/// What the meter said to an AARQ.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) application_context: ApplicationContext,
    pub(crate) result: AssociationResult,
    pub(crate) diagnostic: Diagnostic,
    pub(crate) responding_ap_title: Option<Vec<u8>>,
    pub(crate) mechanism: Option<Mechanism>,
    pub(crate) stoc: Vec<u8>,
    /// The user-information as it came.
    pub(crate) information: Vec<u8>,
    /// What it says, once its protection is taken off.
    pub(crate) initiate: Option<Initiate>,
}

/// The user-information of an AARE.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Initiate {
    Response(InitiateResponse),
    Error(ConfirmedServiceError),
}

impl Initiate {
    pub(crate) fn decode(octets: &[u8]) -> Option<Self> {
        match Apdu::decode(octets) {
            Ok(Apdu::InitiateResponse(response)) => Some(Self::Response(response)),
            Ok(Apdu::ConfirmedServiceError(error)) => Some(Self::Error(error)),
            _ => None,
        }
    }
}

impl Reply {
    pub(crate) fn decode(apdu: &[u8]) -> Result<Self, Finding> {
        let aare = Aare::decode(apdu)
            .map_err(|error| Finding::failed(format!("the answer to AARQ is no AARE: {error}")))?;
        let information = aare.user_information.unwrap_or_default().to_vec();
        Ok(Self {
            application_context: aare.application_context,
            result: aare.result,
            diagnostic: aare.diagnostic,
            responding_ap_title: aare.responding_ap_title.map(<[u8]>::to_vec),
            mechanism: aare.mechanism,
            stoc: aare.responding_authentication_value.unwrap_or_default().to_vec(),
            initiate: Initiate::decode(&information),
            information,
        })
    }

    pub(crate) fn is_accepted(&self) -> bool {
        self.result == AssociationResult::Accepted
    }

    /// Fails unless the association was rejected, for one of these reasons where there are any.
    pub(crate) fn must_reject(&self, what: &str, reasons: &[Diagnostic]) -> Result<(), Finding> {
        if self.is_accepted() {
            return Err(Finding::failed(format!("{what} was accepted")));
        }
        if !reasons.is_empty() && !reasons.contains(&self.diagnostic) {
            let diagnostic = self.diagnostic;
            return Err(Finding::failed(format!("{what} was rejected with {diagnostic}")));
        }
        Ok(())
    }

    /// Fails unless the association was accepted, or waits for the proofs of HLS.
    pub(crate) fn must_accept(&self, what: &str) -> Result<(), Finding> {
        match self.is_accepted() {
            true => Ok(()),
            false => Err(Finding::failed(format!("{what} was rejected: {}", self.diagnostic))),
        }
    }

    /// Fails unless the association was rejected with this error of initiate.
    pub(crate) fn must_fail(&self, what: &str, value: u8) -> Result<(), Finding> {
        self.must_reject(what, &[])?;
        match self.initiate {
            Some(Initiate::Error(error))
                if error.error.choice == 6 && error.error.value == value =>
            {
                Ok(())
            }
            other => Err(Finding::failed(format!("{what} was rejected with {other:?}"))),
        }
    }
}

/// A diagnostic of the application.
pub(crate) const fn user(diagnostic: AcseUserDiagnostic) -> Diagnostic {
    Diagnostic::User(diagnostic)
}
