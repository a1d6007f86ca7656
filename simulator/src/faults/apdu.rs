//! APDUs altered between the link and the association server.

use dlms_core::{
    acse::{
        Aare, Aarq, AcseUserDiagnostic, ApplicationContext, AssociationResult, Diagnostic,
        Mechanism, ReleaseResponseReason, Rlre,
    },
    axdr::{RawData, Writer},
    cosem::{AttributeDescriptor, ClassId, LogicalName},
    xdlms::{
        Apdu, AttributeSelection, Conformance, GeneralBlockTransfer, GetRequest, GetResponse,
        InitiateRequest, InitiateResponse, InvokeIdAndPriority, tag,
    },
};

use super::{Fault, Faults};
use crate::client::MeterClient;

const INVOKE: InvokeIdAndPriority = InvokeIdAndPriority(0xc1);
const LDN: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::DATA, LogicalName::LOGICAL_DEVICE_NAME, 2);
/// Read of the logical device name: its base name is reserved, and attribute 2 is 8 behind it.
const READ: [u8; 5] = [tag::READ_REQUEST, 1, 2, 0xfd, 0x08];
/// The smallest PDU size that may be proposed.
const PDU_LEN_MIN: u16 = 12;
const DLMS_VERSION: u8 = 6;

/// What stands between the link and the association of one client.
pub(crate) struct FaultyAssociation<'c> {
    pub(crate) faults: Faults,
    /// Whether a go of several general blocks has begun.
    pub(crate) choked: &'c mut bool,
    pub(crate) client: Option<&'c MeterClient>,
    pub(crate) associated: bool,
}

impl FaultyAssociation<'_> {
    /// Whether `apdu` belongs to a go of several general blocks, which is not listened to.
    fn chokes(&mut self, apdu: &[u8]) -> bool {
        if !self.has(Fault::ChokesOnWindows) {
            return false;
        }
        let Ok(block) = GeneralBlockTransfer::decode(apdu) else { return false };
        let begun = core::mem::replace(self.choked, block.streaming);
        begun || block.streaming
    }

    fn has(&self, fault: Fault) -> bool {
        self.faults.has(fault)
    }

    /// Takes an APDU in the place of the association server, which is `serve`.
    pub(crate) fn handle(
        &mut self,
        apdu: &mut Vec<u8>,
        out: &mut Vec<u8>,
        serve: &mut dyn FnMut(&mut Vec<u8>, &mut Vec<u8>) -> bool,
    ) -> bool {
        if self.chokes(apdu) {
            return false;
        }
        let asked = apdu.first().copied().unwrap_or_default();
        if self.has(Fault::ServesStrangers) && !self.associated && asked == tag::GET_REQUEST {
            serve(&mut aarq(), out);
        }
        if self.has(Fault::StaysAssociated) && asked == tag::RLRQ {
            out.clear();
            let reason = Some(ReleaseResponseReason::Normal);
            Rlre { reason, user_information: None }.encode(&mut Writer::new(out));
            return true;
        }
        if asked == tag::AARQ
            && let Some(diagnostic) = self.rejects(apdu)
        {
            out.clear();
            let (context, result) =
                (ApplicationContext::LogicalName, AssociationResult::RejectedPermanent);
            Aare::new(context, result, Diagnostic::User(diagnostic)).encode(&mut Writer::new(out));
            return true;
        }
        if let Some(altered) = self.alter_request(apdu) {
            *apdu = altered;
        }
        let answers = serve(apdu, out);
        if answers && let Some(altered) = self.alter_answer(asked, out) {
            *out = altered;
        }
        answers || !out.is_empty()
    }

    /// Why an AARQ that must be accepted is rejected.
    fn rejects(&self, apdu: &[u8]) -> Option<AcseUserDiagnostic> {
        use AcseUserDiagnostic as Diagnosis;
        let aarq = Aarq::decode(apdu).ok()?;
        if self.has(Fault::RejectsUsers) && aarq.calling_ae_invocation_id.is_some() {
            return Some(Diagnosis::CallingAeInvocationIdentifierNotRecognized);
        }
        if self.has(Fault::RejectsTitles) && aarq.called_ap_title.is_some() {
            return Some(Diagnosis::CalledApTitleNotRecognized);
        }
        let initiate = InitiateRequest::decode(aarq.user_information?).ok();
        let has_quality = initiate.is_some_and(|it| it.quality_of_service.is_some());
        (self.has(Fault::RejectsQuality) && has_quality).then_some(Diagnosis::NoReasonGiven)
    }

    fn alter_request(&self, apdu: &[u8]) -> Option<Vec<u8>> {
        match *apdu.first()? {
            tag::AARQ => self.alter_aarq(apdu),
            tag::GET_REQUEST
                if self.has(Fault::AnswersFaultyGet) && Apdu::decode(apdu).is_err() =>
            {
                Some(get())
            }
            tag::READ_REQUEST
                if self.has(Fault::AnswersFaultyGet) && Apdu::decode(apdu).is_err() =>
            {
                Some(READ.to_vec())
            }
            tag::GET_REQUEST if self.has(Fault::RepeatsFirstOfList) => {
                let Ok(GetRequest::WithList { invoke, mut attributes }) = GetRequest::decode(apdu)
                else {
                    return None;
                };
                let first = *attributes.first()?;
                attributes.fill(first);
                let mut altered = Vec::new();
                GetRequest::WithList { invoke, attributes }.encode(&mut Writer::new(&mut altered));
                Some(altered)
            }
            _ => None,
        }
    }

    fn alter_aarq(&self, apdu: &[u8]) -> Option<Vec<u8>> {
        let mut aarq = Aarq::decode(apdu).ok()?;
        if self.has(Fault::TakesAnyAcseVersion) {
            aarq.protocol_version_1 = true;
        }
        if self.has(Fault::TakesAnyContext) && !aarq.application_context.is_ciphered() {
            aarq.application_context = ApplicationContext::LogicalName;
        }
        if self.has(Fault::TakesAnyPassword) && aarq.mechanism == Some(Mechanism::Lls) {
            aarq.calling_authentication_value = self.client.map(|client| client.secret.octets());
        }
        let mut information = Vec::new();
        if let Ok(mut initiate) = InitiateRequest::decode(aarq.user_information?) {
            if self.has(Fault::TakesAnyDlmsVersion) {
                initiate.version = initiate.version.max(DLMS_VERSION);
            }
            if self.has(Fault::TakesTinyPdus) && initiate.max_receive_pdu < PDU_LEN_MIN {
                initiate.max_receive_pdu = 0;
            }
            initiate.encode(&mut Writer::new(&mut information));
            aarq.user_information = Some(&information);
        }
        let mut altered = Vec::new();
        aarq.encode(&mut Writer::new(&mut altered));
        Some(altered)
    }

    fn alter_answer(&self, asked: u8, answer: &[u8]) -> Option<Vec<u8>> {
        let first = *answer.first()?;
        let known = [tag::AARQ, tag::RLRQ, tag::GET_REQUEST, tag::SET_REQUEST, tag::ACTION_REQUEST];
        let mut altered = answer.to_vec();
        match first {
            tag::AARE => return self.alter_aare(answer),
            tag::ACTION_RESPONSE | tag::GLO_ACTION_RESPONSE
                if self.has(Fault::FailsProof) && !self.associated =>
            {
                *altered.last_mut()? ^= 0x01;
            }
            // Tag, choice, invoke-id.
            tag::GET_RESPONSE if self.has(Fault::ConfusesRequests) => *altered.get_mut(2)? ^= 0x01,
            tag::DED_GET_RESPONSE if self.has(Fault::ConfusesKeys) => {
                altered[0] = tag::GLO_GET_RESPONSE;
            }
            tag::GLO_GET_RESPONSE if self.has(Fault::MisnamesSuite) => {
                // Tag and length, in one octet or behind an octet that says how many.
                let length = *altered.get(1)?;
                let of_length = if length > 0x80 { usize::from(length & 0x7f) } else { 0 };
                *altered.get_mut(2 + of_length)? &= 0xf0;
            }
            tag::GENERAL_GLO_CIPHERING if self.has(Fault::OmitsTitles) => {
                // The title is an octet-string of eight.
                let [tag, 8, _, _, _, _, _, _, _, _, ciphered @ ..] = answer else { return None };
                altered = [&[*tag, 0], ciphered].concat();
            }
            tag::GLO_GET_RESPONSE if self.has(Fault::SpoilsTags) => *altered.last_mut()? ^= 0x01,
            tag::GLO_GET_RESPONSE if self.has(Fault::AnswersInAnotherForm) => {
                altered[0] = tag::DED_GET_RESPONSE;
            }
            tag::EXCEPTION_RESPONSE
                if self.has(Fault::AnswersAnything) && !known.contains(&asked)
                    || self.has(Fault::AnswersUndeciphered) && tag::is_protected(asked)
                    || self.has(Fault::AnswersUnprotected) && asked == tag::GET_REQUEST =>
            {
                altered.clear();
                GetResponse::Normal { invoke: INVOKE, result: Ok(RawData::NULL) }
                    .encode(&mut Writer::new(&mut altered));
            }
            _ => return None,
        }
        Some(altered)
    }

    fn alter_aare(&self, answer: &[u8]) -> Option<Vec<u8>> {
        let mut aare = Aare::decode(answer).ok()?;
        let mut initiate = InitiateResponse::decode(aare.user_information?).ok()?;
        if self.has(Fault::MisnamesVaa) {
            initiate.vaa_name = InitiateResponse::VAA_NAME_SN;
        }
        if self.has(Fault::PromisesServices) {
            initiate.conformance = initiate.conformance | Conformance::ATTRIBUTE0_SET;
        }
        let mut information = Vec::new();
        initiate.encode(&mut Writer::new(&mut information));
        aare.user_information = Some(&information);
        let mut altered = Vec::new();
        aare.encode(&mut Writer::new(&mut altered));
        Some(altered)
    }
}

/// An AARQ that opens an association without authentication.
fn aarq() -> Vec<u8> {
    let mut information = Vec::new();
    InitiateRequest::new(Conformance::ALL, 0).encode(&mut Writer::new(&mut information));
    let mut apdu = Vec::new();
    Aarq { user_information: Some(&information), ..Aarq::new(ApplicationContext::LogicalName) }
        .encode(&mut Writer::new(&mut apdu));
    apdu
}

/// GET of the logical device name.
fn get() -> Vec<u8> {
    let mut apdu = Vec::new();
    GetRequest::Normal { invoke: INVOKE, attribute: AttributeSelection::whole(LDN) }
        .encode(&mut Writer::new(&mut apdu));
    apdu
}
