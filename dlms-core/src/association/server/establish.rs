//! Opening and closing: AARQ, the answer to the challenge, RLRQ (IEC 62056-5-3 clauses 6.2 to 6.4).

use alloc::vec::Vec;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{
    Access, After, Agreement, ClientPolicy, Dedicated, LogicalDevice, Refusal, Server, State,
    action::REPLY_TO_HLS_AUTHENTICATION, cipher, cipher::Envelope,
};
use crate::{
    acse::{
        Aare, Aarq, AcseProviderDiagnostic, AcseUserDiagnostic, ApplicationContext,
        AssociationResult, Diagnostic, Mechanism, ReleaseResponseReason, Rlre, Rlrq,
    },
    association::{Entropy, KeySet, short_names::REPLY_TO_HLS_AUTHENTICATION_NAME},
    axdr::{Data, RawData, Reader, Writer},
    security::{
        COUNTER_MAX, CipherForm, Key, Protection, ReceiveCounter, SendCounters, SystemTitle, hls,
    },
    xdlms::{
        ActionRequest, ActionResponse, ActionResult, Apdu, ConfirmedServiceError, Conformance,
        DataAccessResult, InitiateRequest, InitiateResponse, ReadRequest, ReadResponse, ReadResult,
        ServiceError, VariableAccess,
    },
};

/// Octets of the challenge sent to a client, but with ECDSA (Green Book 9.2.7.4: 8 to 64).
const CHALLENGE_LEN: usize = 16;
/// The one DLMS version since 2002.
const DLMS_VERSION: u8 = 6;
/// The services that only clients with short names have.
const OF_SHORT_NAMES: Conformance = Conformance::READ
    .union(Conformance::WRITE)
    .union(Conformance::UNCONFIRMED_WRITE)
    .union(Conformance::INFORMATION_REPORT)
    .union(Conformance::PARAMETERIZED_ACCESS);
/// The services that only clients with logical names have.
const OF_LOGICAL_NAMES: Conformance = Conformance::ATTRIBUTE0_SET
    .union(Conformance::PRIORITY)
    .union(Conformance::ATTRIBUTE0_GET)
    .union(Conformance::BLOCK_ACTION)
    .union(Conformance::ACCESS)
    .union(Conformance::GET)
    .union(Conformance::SET)
    .union(Conformance::SELECTIVE_ACCESS)
    .union(Conformance::EVENT_NOTIFICATION)
    .union(Conformance::ACTION);
/// The smallest PDU size that a client may propose (IEC 62056-5-3 clause 7.3.1).
const PDU_LEN_MIN: u16 = 12;
/// The same for a ciphered association: nothing smaller leaves room for a block in its envelope.
const CIPHERED_PDU_LEN_MIN: u16 = 64;

// What is wrong with an InitiateRequest (IEC 62056-5-3 clause 8, ServiceError).
const DECIPHERING_ERROR: ServiceError = ServiceError { choice: 0, value: 6 };
const INITIATE_OTHER: ServiceError = ServiceError { choice: 6, value: 0 };
const DLMS_VERSION_TOO_LOW: ServiceError = ServiceError { choice: 6, value: 1 };
const INCOMPATIBLE_CONFORMANCE: ServiceError = ServiceError { choice: 6, value: 2 };
const PDU_SIZE_TOO_SHORT: ServiceError = ServiceError { choice: 6, value: 3 };
const REFUSED_BY_VDE_HANDLER: ServiceError = ServiceError { choice: 6, value: 4 };
/// The service that a ConfirmedServiceError in an AARE is about: initiate.
const INITIATE: u8 = 1;

/// The challenges of an association that is not authenticated yet.
#[derive(Debug)]
pub(super) struct Challenges {
    /// CtoS, by the client.
    client: Vec<u8>,
    /// StoC, by the server.
    server: Vec<u8>,
}

/// Whether the client names attributes and methods by short names.
const fn is_by_short_names(context: ApplicationContext) -> bool {
    matches!(context, ApplicationContext::ShortName | ApplicationContext::ShortNameCiphered)
}

/// Whether the device serves clients in this context at all.
fn serves(device: &dyn LogicalDevice, context: ApplicationContext) -> bool {
    match context {
        ApplicationContext::LogicalName | ApplicationContext::LogicalNameCiphered => true,
        context if is_by_short_names(context) => !device.short_names().is_empty(),
        _ => false,
    }
}

/// Why an association is refused with an AARE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rejection {
    /// Somebody or something about the client is wrong, or its ACSE is.
    Acse(Diagnostic),
    /// The proposed context is wrong.
    Initiate(ServiceError),
    /// An AARE cannot tell the counter that the client needs to go on; an exception can.
    Exception(Refusal),
}

impl From<AcseUserDiagnostic> for Rejection {
    fn from(diagnostic: AcseUserDiagnostic) -> Self {
        Self::Acse(Diagnostic::User(diagnostic))
    }
}

impl From<ServiceError> for Rejection {
    fn from(error: ServiceError) -> Self {
        Self::Initiate(error)
    }
}

/// An association that can be opened.
struct Proposal {
    agreement: Agreement,
    /// How the InitiateRequest was protected, and so the response will be.
    envelope: Option<Envelope>,
    /// CtoS, with HLS.
    challenge: Option<Vec<u8>>,
}

impl Server {
    pub(super) fn on_aarq(
        &mut self,
        device: &mut dyn LogicalDevice,
        entropy: &mut dyn Entropy,
        apdu: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let aarq = Aarq::decode(apdu);
        let context = match &aarq {
            Ok(aarq) if serves(device, aarq.application_context) => aarq.application_context,
            Ok(aarq) if aarq.application_context.is_ciphered() => {
                ApplicationContext::LogicalNameCiphered
            }
            _ => ApplicationContext::LogicalName,
        };
        if self.config.pre_established.is_some() {
            // It stands, and no other can.
            let diagnostic = Diagnostic::User(AcseUserDiagnostic::NoReasonGiven);
            reject(context, diagnostic, REFUSED_BY_VDE_HANDLER, out);
            return Ok(());
        }
        let proposal = match &aarq {
            Ok(aarq) => self.consider(device, aarq),
            Err(_) => Err(AcseUserDiagnostic::NoReasonGiven.into()),
        };
        // Whoever asks for a response, or would be refused, must ask where he can be answered.
        let opens = proposal.as_ref().is_ok_and(|proposal| !proposal.agreement.confirmed);
        let information = aarq.as_ref().ok().and_then(|aarq| aarq.user_information);
        let to_many = information.is_some_and(cipher::is_broadcast);
        if (self.silent || to_many) && !opens {
            return Ok(());
        }
        // Only a stale counter leaves the association as it is: that AARQ may be a recorded one.
        let mut before = None;
        if !matches!(proposal, Err(Rejection::Exception(_))) {
            before = self.take_dedicated();
            self.abort();
        }
        match proposal {
            Err(_) if aarq.as_ref().is_ok_and(|aarq| !wants_response(aarq)) => Ok(()),
            Ok(mut proposal) => {
                // The same key once more, as in a repeated AARQ: its counters go on, because under
                // one key none may come twice.
                if let (Some(new), Some(before)) = (&mut proposal.agreement.dedicated, before)
                    && new.key == before.key
                {
                    *new = before;
                }
                self.accept(device, entropy, proposal, out)
            }
            Err(Rejection::Acse(diagnostic)) => {
                reject(context, diagnostic, INITIATE_OTHER, out);
                Ok(())
            }
            Err(Rejection::Initiate(error)) => {
                let diagnostic = Diagnostic::User(AcseUserDiagnostic::NoReasonGiven);
                reject(context, diagnostic, error, out);
                Ok(())
            }
            Err(Rejection::Exception(refusal)) => Err(refusal),
        }
    }

    fn take_dedicated(&mut self) -> Option<Dedicated> {
        match &mut self.state {
            State::Associated(agreement) | State::Authenticating(agreement, _) => {
                agreement.dedicated.take()
            }
            State::Idle => None,
        }
    }

    /// Checks an AARQ against the policy of its client and what the device can do.
    fn consider(
        &self,
        device: &mut dyn LogicalDevice,
        aarq: &Aarq<'_>,
    ) -> Result<Proposal, Rejection> {
        use AcseUserDiagnostic as Diagnosis;
        if !aarq.protocol_version_1 {
            // The one version that there is (IEC 62056-5-3 clause 7.2).
            let diagnostic = AcseProviderDiagnostic::NoCommonAcseVersion;
            return Err(Rejection::Acse(Diagnostic::Provider(diagnostic)));
        }
        if !serves(device, aarq.application_context) {
            return Err(Diagnosis::ApplicationContextNameNotSupported.into());
        }
        let ciphered = aarq.application_context.is_ciphered();
        let policy = device.client(self.config.client).ok_or(Diagnosis::NoReasonGiven)?;
        if (ciphered && policy.keys.is_none())
            || (!ciphered && policy.protection != Protection::NONE)
        {
            return Err(Diagnosis::ApplicationContextNameNotSupported.into());
        }
        let client_title =
            aarq.calling_ap_title.and_then(|octets| octets.try_into().ok()).map(SystemTitle);
        let mechanism = check_mechanism(device, &policy, self.config.client, aarq)?;
        if client_title.is_none() && (ciphered || mechanism.proves_titles()) {
            return Err(Diagnosis::CallingApTitleNotRecognized.into());
        }
        let challenge = if mechanism.is_hls() {
            let value = aarq.calling_authentication_value.unwrap_or_default();
            let least = match mechanism {
                Mechanism::HlsEcdsa if !short_challenges(device, self.config.client) => {
                    hls::ECDSA_CHALLENGE_LEN_MIN
                }
                _ => hls::CHALLENGE_LEN_MIN,
            };
            if !(least..=hls::CHALLENGE_LEN_MAX).contains(&value.len()) {
                return Err(Diagnosis::AuthenticationFailure.into());
            }
            Some(value.to_vec())
        } else {
            None
        };

        let mut agreement = Agreement {
            access: Access {
                client: self.config.client,
                client_title,
                application_context: aarq.application_context,
                mechanism,
                conformance: self.config.conformance,
                max_receive_pdu: self.config.max_pdu,
                max_send_pdu: self.config.max_pdu,
                protection: Protection::NONE,
                key_set: KeySet::Unicast,
            },
            confirmed: true,
            dedicated: None,
        };
        // A copy, because it is deciphered in place; wiped, because it may hold a dedicated key.
        let mut information = Zeroizing::new(aarq.user_information.unwrap_or_default().to_vec());
        let (initiate, envelope) = if ciphered {
            let opened = cipher::open(device, &mut agreement, &mut information);
            let (plain, envelope) = opened.map_err(|refusal| match refusal {
                Refusal::Counter(_) => Rejection::Exception(refusal),
                _ => Rejection::Initiate(DECIPHERING_ERROR),
            })?;
            (plain, Some(envelope))
        } else {
            (&**information, None)
        };
        let Ok(Apdu::InitiateRequest(initiate)) = Apdu::decode(initiate) else {
            return Err(INITIATE_OTHER.into());
        };
        self.agree(device, &mut agreement, &initiate, envelope)?;
        agreement.confirmed = initiate.response_allowed;
        let broadcast = envelope.is_some_and(Envelope::is_broadcast);
        if (challenge.is_some() && !agreement.confirmed) || (broadcast && agreement.confirmed) {
            return Err(REFUSED_BY_VDE_HANDLER.into());
        }
        Ok(Proposal { agreement, envelope, challenge })
    }

    /// Settles what the InitiateRequest proposes.
    fn agree(
        &self,
        device: &dyn LogicalDevice,
        agreement: &mut Agreement,
        initiate: &InitiateRequest<'_>,
        envelope: Option<Envelope>,
    ) -> Result<(), Rejection> {
        if initiate.version < DLMS_VERSION {
            return Err(DLMS_VERSION_TOO_LOW.into());
        }
        let access = &mut agreement.access;
        let services = match is_by_short_names(access.application_context) {
            true => self.config.conformance.without(OF_LOGICAL_NAMES),
            false => self.config.conformance.without(OF_SHORT_NAMES),
        };
        access.conformance = initiate.conformance & services;
        if access.conformance.is_empty() {
            return Err(INCOMPATIBLE_CONFORMANCE.into());
        }
        let least = if envelope.is_some() { CIPHERED_PDU_LEN_MIN } else { PDU_LEN_MIN };
        access.max_send_pdu = match initiate.max_receive_pdu {
            // No limit.
            0 => self.config.max_pdu,
            size if size < least => return Err(PDU_SIZE_TOO_SHORT.into()),
            size => size.min(self.config.max_pdu),
        };
        if let Some(octets) = initiate.dedicated_key {
            // It travels only where nobody can read it.
            let secret = envelope.is_some_and(|envelope| {
                envelope.protection().encrypted && !envelope.is_broadcast()
            });
            let policy = device.client(self.config.client);
            let keys = policy.and_then(|policy| policy.keys).filter(|_| secret);
            let keys = keys.ok_or(REFUSED_BY_VDE_HANDLER)?;
            if octets.len() != keys.suite.key_len() {
                return Err(REFUSED_BY_VDE_HANDLER.into());
            }
            let key = Key::try_from(octets).map_err(|_| REFUSED_BY_VDE_HANDLER)?;
            let crypto = device.crypto().ready(&key).ok();
            let received = ReceiveCounter::new();
            agreement.dedicated = Some(Dedicated { key, crypto, received, next: 0 });
        }
        Ok(())
    }

    /// Opens the association, or asks for f(StoC) first.
    fn accept(
        &mut self,
        device: &mut dyn LogicalDevice,
        entropy: &mut dyn Entropy,
        proposal: Proposal,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let Proposal { mut agreement, envelope, challenge } = proposal;
        if !agreement.confirmed {
            self.state = State::Associated(agreement);
            return Ok(());
        }
        let access = agreement.access;
        let mut initiate = Vec::new();
        self.initiate_response(&access).encode(&mut Writer::new(&mut initiate));
        let information = enclose(device, &mut agreement, envelope, initiate)?;

        let title = device.system_title().0;
        let tells_title = envelope.is_some() || access.mechanism.proves_titles();
        let mut stoc = Vec::new();
        let diagnostic = if challenge.is_some() {
            let length = match access.mechanism {
                Mechanism::HlsEcdsa => hls::ECDSA_CHALLENGE_LEN_MIN,
                _ => CHALLENGE_LEN,
            };
            stoc.resize(length, 0);
            entropy.fill(&mut stoc);
            AcseUserDiagnostic::AuthenticationRequired
        } else {
            AcseUserDiagnostic::Null
        };
        Aare {
            responding_ap_title: tells_title.then_some(&title),
            acse_requirements: challenge.is_some(),
            mechanism: challenge.is_some().then_some(access.mechanism),
            responding_authentication_value: challenge.is_some().then_some(&stoc),
            user_information: Some(&information),
            ..Aare::new(
                access.application_context,
                AssociationResult::Accepted,
                Diagnostic::User(diagnostic),
            )
        }
        .encode(&mut Writer::new(out));
        self.state = match challenge {
            Some(client) => State::Authenticating(agreement, Challenges { client, server: stoc }),
            None => State::Associated(agreement),
        };
        Ok(())
    }

    const fn initiate_response(&self, access: &Access) -> InitiateResponse {
        InitiateResponse {
            quality_of_service: None,
            version: DLMS_VERSION,
            conformance: access.conformance,
            max_receive_pdu: self.config.max_pdu,
            vaa_name: match is_by_short_names(access.application_context) {
                true => InitiateResponse::VAA_NAME_SN,
                false => InitiateResponse::VAA_NAME_LN,
            },
        }
    }

    /// Takes f(StoC) and, when it is right, answers f(CtoS). Nothing else is served here.
    pub(super) fn on_authentication(
        &mut self,
        device: &mut dyn LogicalDevice,
        request: &Apdu<'_>,
        answer: &mut Vec<u8>,
    ) -> Result<After, Refusal> {
        let State::Authenticating(agreement, challenges) = &self.state else {
            return Err(Refusal::NotAssociated);
        };
        let by_short_names = is_by_short_names(agreement.access.application_context);
        let (invoke, parameters) = match request {
            Apdu::ActionRequest(ActionRequest::Normal { invoke, method, parameters })
                if *method == REPLY_TO_HLS_AUTHENTICATION && !by_short_names =>
            {
                (Some(*invoke), *parameters)
            }
            Apdu::ReadRequest(ReadRequest(variables)) if by_short_names => match variables[..] {
                [VariableAccess::Parameterized { name, parameter, .. }]
                    if name == REPLY_TO_HLS_AUTHENTICATION_NAME =>
                {
                    (None, Some(parameter))
                }
                _ => return Err(Refusal::NotAssociated),
            },
            _ => return Err(Refusal::NotAssociated),
        };
        let data = parameters.and_then(|parameters| parameters.data().ok());
        let reply = data.and_then(|data| data.as_octets()).unwrap_or_default();
        let mut returned = Vec::new();
        let after = match authenticate(device, agreement, challenges, reply) {
            Some(reply) => {
                Data::OctetString(&reply).encode(&mut Writer::new(&mut returned));
                self.state = match core::mem::replace(&mut self.state, State::Idle) {
                    State::Authenticating(agreement, _) => State::Associated(agreement),
                    other => other,
                };
                After::Stay
            }
            None => After::Close,
        };
        let result = match after {
            After::Stay => ActionResult::Success,
            After::Close => ActionResult::ReadWriteDenied,
        };
        let returned = RawData::decode(&mut Reader::new(&returned)).ok();
        let writer = &mut Writer::new(answer);
        match (invoke, returned) {
            (Some(invoke), returned) => {
                let returned = returned.map(Ok);
                ActionResponse::Normal { invoke, result, returned }.encode(writer);
            }
            (None, Some(returned)) => {
                ReadResponse(Vec::from([ReadResult::Data(returned)])).encode(writer);
            }
            (None, None) => {
                let refusal = DataAccessResult::from_code(result.code());
                ReadResponse(Vec::from([ReadResult::Error(refusal)])).encode(writer);
            }
        }
        Ok(after)
    }

    pub(super) fn on_rlrq(
        &mut self,
        device: &mut dyn LogicalDevice,
        apdu: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let rlrq = Rlrq::decode(apdu)?;
        let Some(agreement) = self.state.agreement() else {
            // What is to be released is gone already; the first answer may have been lost.
            Rlre { reason: Some(ReleaseResponseReason::Normal), user_information: None }
                .encode(&mut Writer::new(out));
            return Ok(());
        };
        let access = agreement.access;
        let mut information = Zeroizing::new(rlrq.user_information.unwrap_or_default().to_vec());
        let mut proof = None;
        let ciphered = access.application_context.is_ciphered();
        // Every meter of a group has the broadcast key: with it nobody proves to be the client, and
        // nobody may be answered.
        if agreement.confirmed && cipher::is_broadcast(&information) {
            return Ok(());
        }
        let first = information.first().copied().unwrap_or_default();
        if ciphered && CipherForm::from_tag(first).is_some() {
            proof = Some(cipher::open(device, agreement, &mut information)?.1);
        }
        let proven_release =
            device.client(self.config.client).is_some_and(|policy| policy.proven_release);
        let refused = self.config.pre_established.is_some();
        if refused || (ciphered && proven_release && proof.is_none()) {
            Rlre { reason: Some(ReleaseResponseReason::NotFinished), user_information: None }
                .encode(&mut Writer::new(out));
            return Ok(());
        }
        let mut initiate = Vec::new();
        self.initiate_response(&access).encode(&mut Writer::new(&mut initiate));
        let agreement = self.state.agreement().ok_or(Refusal::NotAssociated)?;
        let information = match proof {
            // Nobody will see it.
            Some(_) if !agreement.confirmed => None,
            Some(envelope) => Some(enclose(device, agreement, Some(envelope), initiate)?),
            None => None,
        };
        Rlre {
            reason: Some(ReleaseResponseReason::Normal),
            user_information: information.as_deref(),
        }
        .encode(&mut Writer::new(out));
        self.abort();
        Ok(())
    }
}

/// Whether an AARQ asks for a response. What is ciphered is taken to: it cannot be looked at before
/// it is known whose it is.
fn wants_response(aarq: &Aarq<'_>) -> bool {
    let information = aarq.user_information.unwrap_or_default();
    match Apdu::decode(information) {
        Ok(Apdu::InitiateRequest(initiate)) => initiate.response_allowed,
        _ => true,
    }
}

/// The mechanism that the AARQ names, once it fits the policy and, with LLS, the password is right.
fn check_mechanism(
    device: &dyn LogicalDevice,
    policy: &ClientPolicy<'_>,
    client: u16,
    aarq: &Aarq<'_>,
) -> Result<Mechanism, Rejection> {
    use AcseUserDiagnostic as Diagnosis;
    let mechanism = match aarq.mechanism {
        Some(mechanism) => mechanism,
        None if aarq.calling_authentication_value.is_some() => {
            return Err(Diagnosis::AuthenticationMechanismNameRequired.into());
        }
        None => Mechanism::Lowest,
    };
    let allowed = policy.mechanisms.contains(&mechanism);
    let usable = match mechanism {
        Mechanism::HlsGmac => policy.keys.is_some(),
        Mechanism::HlsEcdsa => {
            device.party_keys(client).is_some_and(|keys| keys.signing.is_some())
                && device.crypto().public_keys().is_some()
        }
        Mechanism::Other(_) => false,
        _ => true,
    };
    if !allowed || !usable {
        return Err(match mechanism {
            Mechanism::Lowest => Diagnosis::AuthenticationRequired.into(),
            _ => Diagnosis::AuthenticationMechanismNameNotRecognised.into(),
        });
    }
    if mechanism == Mechanism::Lls {
        let password = aarq.calling_authentication_value.unwrap_or_default();
        let equal: bool = policy.secret.octets().ct_eq(password).into();
        if !equal {
            return Err(Diagnosis::AuthenticationFailure.into());
        }
    }
    Ok(mechanism)
}

/// Whether challenges of this client may be shorter than HLS 7 asks for.
fn short_challenges(device: &dyn LogicalDevice, client: u16) -> bool {
    device.party_keys(client).is_some_and(|keys| keys.compatibility.short_ecdsa_challenges)
}

/// An InitiateResponse, protected where the request was.
fn enclose(
    device: &mut dyn LogicalDevice,
    agreement: &mut Agreement,
    envelope: Option<Envelope>,
    plain: Vec<u8>,
) -> Result<Vec<u8>, Refusal> {
    let Some(envelope) = envelope else { return Ok(plain) };
    let mut out = Vec::new();
    let keys = cipher::GlobalKeys::of(device, agreement)?;
    cipher::seal(device, agreement, envelope, &keys, &plain, &mut out)?;
    Ok(out)
}

/// Verifies f(StoC) and makes f(CtoS); `None` when the client did not prove itself.
fn authenticate(
    device: &mut dyn LogicalDevice,
    agreement: &Agreement,
    challenges: &Challenges,
    reply: &[u8],
) -> Option<Vec<u8>> {
    let access = &agreement.access;
    // The challenge is fresh, which is all that matters: the counter of a GMAC reply may well be
    // lower than that of the APDU around it, which was made later but seen first.
    let mut counter = ReceiveCounter::new();
    exchange(device, access, challenges)?
        .verify_client_reply(device.crypto(), &mut counter, reply)
        .ok()?;
    if let (Some(title), Some(counter)) = (access.client_title, counter.last()) {
        let used_up = device.received(title).check(counter).is_err();
        if !used_up && !device.accept(title, counter) {
            return None;
        }
    }
    let mut counters = SendCounters::new();
    if access.mechanism == Mechanism::HlsGmac {
        let counter = device.take_counter()?;
        counters.grant(counter..counter.saturating_add(1));
    }
    exchange(device, access, challenges)?.server_reply(device.crypto(), &mut counters).ok()
}

fn exchange<'e>(
    device: &'e dyn LogicalDevice,
    access: &Access,
    challenges: &'e Challenges,
) -> Option<hls::Exchange<'e>> {
    let policy = device.client(access.client)?;
    let secret = |mechanism| {
        hls::Credentials::Secret(hls::SharedSecret { mechanism, secret: policy.secret })
    };
    let credentials = match access.mechanism {
        Mechanism::Hls2 => secret(hls::SecretMechanism::Manufacturer(&hls::AesEcb)),
        Mechanism::HlsMd5 => secret(hls::SecretMechanism::Md5),
        Mechanism::HlsSha1 => secret(hls::SecretMechanism::Sha1),
        Mechanism::HlsSha256 => secret(hls::SecretMechanism::Sha256),
        Mechanism::HlsGmac => {
            let keys = policy.keys?;
            hls::Credentials::Gmac(hls::GmacKeys {
                suite: keys.suite,
                key: keys.encryption,
                authentication_key: keys.authentication,
            })
        }
        Mechanism::HlsEcdsa => {
            let keys = device.party_keys(access.client)?;
            let signing = keys.signing.as_ref()?;
            hls::Credentials::Ecdsa(hls::EcdsaKeys {
                curve: match policy.keys {
                    Some(keys) => keys.suite.curve()?,
                    None => signing.own.curve(),
                },
                keys: signing,
                short_challenges: keys.compatibility.short_ecdsa_challenges,
            })
        }
        _ => return None,
    };
    Some(hls::Exchange {
        credentials,
        client_title: access.client_title,
        server_title: Some(device.system_title()),
        ctos: &challenges.client,
        stoc: &challenges.server,
    })
}

fn reject(
    context: ApplicationContext,
    diagnostic: Diagnostic,
    error: ServiceError,
    out: &mut Vec<u8>,
) {
    let mut information = Vec::new();
    ConfirmedServiceError { service: INITIATE, error }.encode(&mut Writer::new(&mut information));
    Aare {
        user_information: Some(&information),
        ..Aare::new(context, AssociationResult::RejectedPermanent, diagnostic)
    }
    .encode(&mut Writer::new(out));
}

impl Dedicated {
    /// The next counter to send with. The key begins with this association, and so does its
    /// counter.
    pub(super) const fn take_counter(&mut self) -> Option<u32> {
        match self.next {
            COUNTER_MAX => None,
            counter => {
                self.next = counter.saturating_add(1);
                Some(counter)
            }
        }
    }
}
