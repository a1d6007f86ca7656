//! An association that the tester opens, with everything that it may then do wrong.

use dlms_core::{
    acse::{Mechanism, ReleaseRequestReason, Rlre, Rlrq},
    axdr::{Data, RawData, Reader, Writer},
    cosem::{AttributeDescriptor, ClassId, LogicalName, MethodDescriptor},
    security::{
        CipherForm, Key, ProtectRequest, ReceiveCounter, RustCrypto, SecurityControl, SendCounters,
        SystemTitle, UnprotectRequest, decode_head, hls, protect, unprotect_in_place,
    },
    xdlms::{
        ActionRequest, ActionResponse, ActionResult, Apdu, AttributeSelection, Conformance,
        DataAccessResult, ExceptionResponse, ExceptionService, GetRequest, GetResponse,
        InvokeIdAndPriority, SelectiveAccess, SetRequest, SetResponse, tag,
    },
};
use dlms_tokio::{Line, LineError};

use super::{
    Tester,
    proposal::{Initiate, Proposal, Reply},
};
use crate::{
    declaration::ClientDeclaration,
    verdict::{Finding, check},
};

/// Octets of a joined answer beyond which a meter is called endless, as for any client.
const ANSWER_LEN_MAX: usize = 16 * 1024 * 1024;
/// Every request of the tester has the same invoke-id: they come one after the other.
pub(crate) const INVOKE: InvokeIdAndPriority = InvokeIdAndPriority(0xc1);

const REPLY_TO_HLS: MethodDescriptor =
    MethodDescriptor::new(ClassId::ASSOCIATION_LN, LogicalName::CURRENT_ASSOCIATION, 1);
/// The logical device name, which every client may read.
pub(crate) const LDN: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::DATA, LogicalName::LOGICAL_DEVICE_NAME, 2);
/// The list of objects, which is long.
pub(crate) const OBJECT_LIST: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::ASSOCIATION_LN, LogicalName::CURRENT_ASSOCIATION, 2);

/// How an APDU is protected, as a case wants it.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    pub(crate) form: CipherForm,
    pub(crate) control: SecurityControl,
    pub(crate) key: Key,
    pub(crate) authentication_key: Key,
    pub(crate) title: SystemTitle,
    pub(crate) counter: u32,
}

/// One client and the meter, before, in and after an association.
pub(crate) struct Association<'t> {
    tester: &'t Tester<'t>,
    pub(crate) client: &'t ClientDeclaration,
    line: Line,
    /// The title that the meter told in its AARE.
    pub(crate) server_title: Option<SystemTitle>,
    pub(crate) dedicated_key: Option<Key>,
    /// The global keys, which a case may change.
    pub(crate) encryption_key: Option<Key>,
    pub(crate) authentication_key: Option<Key>,
    /// What the meter's APDUs under the global key counted last.
    pub(crate) received: Option<u32>,
    pub(crate) conformance: Conformance,
    ctos: Vec<u8>,
    stoc: Vec<u8>,
}

impl<'d> Tester<'d> {
    /// A line to the meter as `client`, without an association.
    pub(crate) async fn idle<'t>(
        &'t self,
        client: &'t ClientDeclaration,
    ) -> Result<Association<'t>, Finding> {
        Ok(Association {
            tester: self,
            client,
            line: self.line(client).await?,
            server_title: None,
            dedicated_key: None,
            encryption_key: client.encryption_key.clone(),
            authentication_key: client.authentication_key.clone(),
            received: None,
            conformance: Conformance::NONE,
            ctos: Vec::new(),
            stoc: Vec::new(),
        })
    }

    /// An open association of `client`, its authentication included: what most cases begin with.
    pub(crate) async fn associate<'t>(
        &'t self,
        client: &'t ClientDeclaration,
    ) -> Result<Association<'t>, Finding> {
        let mut association = self.idle(client).await?;
        let opened = association.open(&Proposal::of(client)).await;
        opened.map_err(|finding| Finding {
            verdict: crate::Verdict::Inconclusive,
            ..finding.during("the association that comes first")
        })?;
        Ok(association)
    }
}

impl Association<'_> {
    /// Sends octets and takes the answer; none when the meter says nothing.
    pub(crate) async fn ask_octets(&mut self, apdu: &[u8]) -> Result<Option<Vec<u8>>, Finding> {
        self.line.send(apdu).await.map_err(broken)?;
        let mut answer = Vec::new();
        loop {
            match self.line.receive(&mut answer).await {
                // What the meter says by itself answers nothing.
                Ok(()) if is_notification(&answer) => self.line.expect(),
                Ok(()) => return Ok(Some(answer)),
                Err(error) if is_silence(&error) => {
                    self.line.waive();
                    return Ok(None);
                }
                Err(error) => return Err(broken(error)),
            }
        }
    }

    /// Sends an AARQ and takes the AARE, its user-information opened.
    pub(crate) async fn propose(&mut self, proposal: &Proposal) -> Result<Reply, Finding> {
        let answer = self.ask_aarq(proposal).await?;
        self.take_aare(proposal, &answer)
    }

    async fn ask_aarq(&mut self, proposal: &Proposal) -> Result<Vec<u8>, Finding> {
        let apdu = self.aarq(proposal)?;
        let answer = self.ask_octets(&apdu).await?;
        answer.ok_or_else(|| Finding::failed("AARQ was not answered"))
    }

    fn take_aare(&mut self, proposal: &Proposal, answer: &[u8]) -> Result<Reply, Finding> {
        let mut reply = Reply::decode(answer)?;
        self.server_title =
            reply.responding_ap_title.as_deref().and_then(|it| it.try_into().ok()).map(SystemTitle);
        self.ctos = proposal.authentication_value.clone().unwrap_or_default();
        self.stoc.clone_from(&reply.stoc);
        let first = reply.information.first().copied().unwrap_or_default();
        if CipherForm::from_tag(first).is_some() {
            let plain = self.open_ciphered(&reply.information)?;
            reply.initiate = Initiate::decode(&plain);
        } else if reply.is_accepted() && proposal.application_context.is_ciphered() {
            return Err(Finding::failed("the InitiateResponse came without protection"));
        }
        if let Some(Initiate::Response(response)) = reply.initiate {
            self.conformance = response.conformance;
        }
        Ok(reply)
    }

    /// The AARQ of a proposal, its InitiateRequest protected in a context with ciphering.
    pub(crate) fn aarq(&mut self, proposal: &Proposal) -> Result<Vec<u8>, Finding> {
        let initiate = proposal.initiate();
        if let Some(key) = &proposal.dedicated_key {
            self.dedicated_key = Key::try_from(&key[..]).ok();
        }
        let information = match proposal.application_context.is_ciphered() {
            true => self.protect(&self.envelope(CipherForm::Global)?, &initiate)?,
            false => initiate,
        };
        Ok(proposal.aarq(&information))
    }

    /// Opens the association: AARQ, AARE, and with HLS passes 3 and 4.
    pub(crate) async fn open(&mut self, proposal: &Proposal) -> Result<Reply, Finding> {
        let mut answer = self.ask_aarq(proposal).await?;
        // An earlier run used counters that this one does not know of: the meter tells which.
        if let Ok(ExceptionResponse { service, .. }) = ExceptionResponse::decode(&answer)
            && let ExceptionService::InvocationCounterError(expected) = service
        {
            self.tester.counters.skip(expected)?;
            answer = self.ask_aarq(proposal).await?;
        }
        let reply = self.take_aare(proposal, &answer)?;
        reply.must_accept("the declared association")?;
        if self.client.mechanism.is_hls() {
            let proof = self.proof()?;
            let answer = self.prove(&proof).await?;
            self.verify(&answer)?;
        }
        Ok(reply)
    }

    /// f(StoC), as it must be.
    pub(crate) fn proof(&self) -> Result<Vec<u8>, Finding> {
        let counter = self.tester.counters.take()?;
        let mut counters = SendCounters::new();
        counters.grant(counter..counter.saturating_add(1));
        self.exchange()?
            .client_reply(&RustCrypto, &mut counters)
            .map_err(|error| Finding::failed(format!("StoC cannot be answered: {error}")))
    }

    /// Sends f(StoC), right or wrong, and takes what came.
    pub(crate) async fn prove(
        &mut self,
        proof: &[u8],
    ) -> Result<Result<Option<Vec<u8>>, ActionResult>, Finding> {
        let mut parameters = Vec::new();
        Data::OctetString(proof).encode(&mut Writer::new(&mut parameters));
        self.invoke(REPLY_TO_HLS, Some(&parameters)).await
    }

    /// Whether the answer to f(StoC) is f(CtoS).
    pub(crate) fn verify(
        &self,
        answer: &Result<Option<Vec<u8>>, ActionResult>,
    ) -> Result<(), Finding> {
        let returned = match answer {
            Ok(Some(returned)) => returned,
            Ok(None) => return Err(Finding::failed("f(StoC) was accepted without f(CtoS)")),
            Err(result) => {
                return Err(Finding::failed(format!("the right f(StoC) was refused: {result}")));
            }
        };
        let data = Data::decode(&mut Reader::new(returned)).ok();
        let proof = data.as_ref().and_then(Data::as_octets).unwrap_or_default();
        let mut counter = ReceiveCounter::new();
        self.exchange()?
            .verify_server_reply(&RustCrypto, &mut counter, proof)
            .map_err(|error| Finding::failed(format!("f(CtoS) is wrong: {error}")))
    }

    fn exchange(&self) -> Result<hls::Exchange<'_>, Finding> {
        let secret = |mechanism| {
            hls::Credentials::Secret(hls::SharedSecret { mechanism, secret: &self.client.secret })
        };
        let credentials = match self.client.mechanism {
            Mechanism::HlsMd5 => secret(hls::SecretMechanism::Md5),
            Mechanism::HlsSha1 => secret(hls::SecretMechanism::Sha1),
            Mechanism::HlsSha256 => secret(hls::SecretMechanism::Sha256),
            Mechanism::HlsEcdsa => {
                let keys = self.client.signing.as_ref().zip(self.client.suite.curve());
                let (keys, curve) = keys.ok_or_else(|| {
                    Finding::inconclusive("the declaration has no signature keys")
                })?;
                hls::Credentials::Ecdsa(hls::EcdsaKeys { curve, keys, short_challenges: false })
            }
            _ => {
                let (key, authentication_key) = self.keys()?;
                let suite = self.client.suite;
                hls::Credentials::Gmac(hls::GmacKeys { suite, key, authentication_key })
            }
        };
        Ok(hls::Exchange {
            credentials,
            client_title: self.client.system_title,
            server_title: self.server_title,
            ctos: &self.ctos,
            stoc: &self.stoc,
        })
    }

    fn keys(&self) -> Result<(&Key, &Key), Finding> {
        let keys = self.encryption_key.as_ref().zip(self.authentication_key.as_ref());
        keys.ok_or_else(|| Finding::inconclusive("the declaration has no keys"))
    }

    /// How the client declares that its APDUs are protected, with the next counter.
    pub(crate) fn envelope(&self, form: CipherForm) -> Result<Envelope, Finding> {
        let (key, authentication_key) = self.keys()?;
        let key = match &self.dedicated_key {
            Some(dedicated) if form.is_dedicated() => dedicated,
            _ => key,
        };
        let title = self.client.system_title;
        Ok(Envelope {
            form,
            control: SecurityControl::new(self.client.suite, self.client.protection),
            key: key.clone(),
            authentication_key: authentication_key.clone(),
            title: title.ok_or_else(|| Finding::inconclusive("the client has no system title"))?,
            counter: self.tester.counters.take()?,
        })
    }

    /// Protects an APDU.
    pub(crate) fn protect(&self, envelope: &Envelope, plain: &[u8]) -> Result<Vec<u8>, Finding> {
        let inside = plain.first().copied().unwrap_or_default();
        let wire = match envelope.form {
            CipherForm::Global => tag::global(inside),
            CipherForm::Dedicated => tag::dedicated(inside),
            CipherForm::GeneralGlobal => Some(tag::GENERAL_GLO_CIPHERING),
            CipherForm::GeneralDedicated => Some(tag::GENERAL_DED_CIPHERING),
        };
        let wire = wire.ok_or_else(|| Finding::inconclusive("this APDU has no ciphered form"))?;
        let request = ProtectRequest {
            tag: wire,
            system_title: envelope.title,
            send_title: true,
            control: envelope.control,
            counter: envelope.counter,
            key: &envelope.key,
            authentication_key: Some(&envelope.authentication_key),
        };
        let mut out = Vec::new();
        protect(&RustCrypto, &request, plain, &mut out)
            .map_err(|error| Finding::inconclusive(format!("cannot be protected: {error}")))?;
        Ok(out)
    }

    /// Takes the protection off an answer, which must have what the client declares.
    pub(crate) fn open_ciphered(&mut self, apdu: &[u8]) -> Result<Vec<u8>, Finding> {
        let mut octets = apdu.to_vec();
        let head = decode_head(&octets)
            .map_err(|error| Finding::failed(format!("a ciphered answer: {error}")))?;
        let (key, authentication_key) = self.keys()?;
        let key = match &self.dedicated_key {
            Some(dedicated) if head.form.is_dedicated() => dedicated,
            _ => key,
        };
        let request = UnprotectRequest {
            required: SecurityControl::new(self.client.suite, self.client.protection),
            system_title: self.server_title.or(head.system_title),
            key,
            authentication_key: Some(authentication_key),
        };
        let opened = unprotect_in_place(&RustCrypto, &request, &head, &mut octets)
            .map_err(|error| Finding::failed(format!("a ciphered answer: {error}")))?;
        let plain = opened.plain.to_vec();
        if !head.form.is_dedicated() {
            self.received = Some(head.counter);
        }
        Ok(plain)
    }

    /// Sends a plain APDU with the protection that the client declares, and takes the answer, its
    /// protection taken off. An exception may come without any.
    pub(crate) async fn ask(&mut self, plain: &[u8]) -> Result<Option<Vec<u8>>, Finding> {
        if !self.client.is_ciphered() {
            return self.ask_octets(plain).await;
        }
        let form = match self.dedicated_key {
            Some(_) => CipherForm::Dedicated,
            None => CipherForm::Global,
        };
        let form = match tag::global(plain.first().copied().unwrap_or_default()) {
            Some(_) => form,
            None => CipherForm::GeneralGlobal,
        };
        let apdu = self.protect(&self.envelope(form)?, plain)?;
        self.ask_ciphered(&apdu).await
    }

    /// Sends a ciphered APDU and takes the answer, its protection taken off.
    pub(crate) async fn ask_ciphered(&mut self, apdu: &[u8]) -> Result<Option<Vec<u8>>, Finding> {
        let Some(answer) = self.ask_octets(apdu).await? else { return Ok(None) };
        match answer.first() {
            Some(&tag::EXCEPTION_RESPONSE) => Ok(Some(answer)),
            Some(&first) if CipherForm::from_tag(first).is_some() => {
                self.open_ciphered(&answer).map(Some)
            }
            _ => Err(Finding::failed("an answer came without protection")),
        }
    }

    /// GET of one attribute, its blocks joined.
    pub(crate) async fn get(
        &mut self,
        attribute: AttributeDescriptor,
        selection: Option<SelectiveAccess<'_>>,
    ) -> Result<Result<Vec<u8>, DataAccessResult>, Finding> {
        let mut apdu = Vec::new();
        let attribute = AttributeSelection { attribute, selection };
        GetRequest::Normal { invoke: INVOKE, attribute }.encode(&mut Writer::new(&mut apdu));
        let mut blocks = Blocks::new();
        loop {
            let answer = self.ask(&apdu).await?;
            let answer = answer.ok_or_else(|| Finding::failed("GET was not answered"))?;
            match decoded(&answer)? {
                Apdu::GetResponse(GetResponse::Normal { invoke, result })
                    if blocks.joined.is_empty() =>
                {
                    answers(invoke)?;
                    return Ok(result.map(|data| data.octets().to_vec()));
                }
                Apdu::GetResponse(GetResponse::WithDatablock { invoke, last, number, result }) => {
                    answers(invoke)?;
                    match blocks.take(last, number, result)? {
                        Some(next) => apdu = next,
                        None => return Ok(Ok(blocks.joined)),
                    }
                }
                other => {
                    return Err(Finding::failed(format!("GET was answered with {}", other.name())));
                }
            }
        }
    }

    /// GET of an attribute that the case needs.
    pub(crate) async fn value(
        &mut self,
        attribute: AttributeDescriptor,
    ) -> Result<Vec<u8>, Finding> {
        let value = self.get(attribute, None).await?;
        value.map_err(|refusal| Finding::failed(format!("GET of {attribute}: {refusal}")))
    }

    /// SET of one attribute to an encoded Data, in one APDU.
    pub(crate) async fn set(
        &mut self,
        attribute: AttributeDescriptor,
        value: &[u8],
    ) -> Result<DataAccessResult, Finding> {
        let value = RawData::from_octets(value)
            .map_err(|error| Finding::inconclusive(format!("no Data to write: {error}")))?;
        let mut apdu = Vec::new();
        let attribute = AttributeSelection::whole(attribute);
        SetRequest::Normal { invoke: INVOKE, attribute, value }.encode(&mut Writer::new(&mut apdu));
        let answer = self.ask(&apdu).await?;
        let answer = answer.ok_or_else(|| Finding::failed("SET was not answered"))?;
        match decoded(&answer)? {
            Apdu::SetResponse(SetResponse::Normal { invoke, result }) => {
                answers(invoke)?;
                Ok(result)
            }
            other => Err(Finding::failed(format!("SET was answered with {}", other.name()))),
        }
    }

    /// ACTION of one method, in one APDU.
    pub(crate) async fn invoke(
        &mut self,
        method: MethodDescriptor,
        parameters: Option<&[u8]>,
    ) -> Result<Result<Option<Vec<u8>>, ActionResult>, Finding> {
        let parameters = parameters.map(RawData::from_octets).transpose();
        let parameters = parameters
            .map_err(|error| Finding::inconclusive(format!("no Data to send: {error}")))?;
        let mut apdu = Vec::new();
        ActionRequest::Normal { invoke: INVOKE, method, parameters }
            .encode(&mut Writer::new(&mut apdu));
        let answer = self.ask(&apdu).await?;
        let answer = answer.ok_or_else(|| Finding::failed("ACTION was not answered"))?;
        match decoded(&answer)? {
            Apdu::ActionResponse(ActionResponse::Normal { invoke, result, returned }) => {
                answers(invoke)?;
                Ok(match result {
                    ActionResult::Success => {
                        Ok(returned.and_then(Result::ok).map(|data| data.octets().to_vec()))
                    }
                    refused => Err(refused),
                })
            }
            other => Err(Finding::failed(format!("ACTION was answered with {}", other.name()))),
        }
    }

    /// RLRQ with this user-information, and the answer.
    pub(crate) async fn release(
        &mut self,
        reason: Option<ReleaseRequestReason>,
        information: Option<&[u8]>,
    ) -> Result<Option<Vec<u8>>, Finding> {
        let mut apdu = Vec::new();
        Rlrq { reason, user_information: information }.encode(&mut Writer::new(&mut apdu));
        self.ask_octets(&apdu).await
    }

    /// RLRQ as the client declares it, and the RLRE.
    pub(crate) async fn release_properly(&mut self) -> Result<Vec<u8>, Finding> {
        let information = match self.client.is_ciphered() {
            true => {
                let initiate = Proposal::of(self.client).initiate();
                Some(self.protect(&self.envelope(CipherForm::Global)?, &initiate)?)
            }
            false => None,
        };
        let reason = Some(ReleaseRequestReason::Normal);
        let answer = self.release(reason, information.as_deref()).await?;
        let answer = answer.ok_or_else(|| Finding::failed("RLRQ was not answered"))?;
        Rlre::decode(&answer)
            .map_err(|error| Finding::failed(format!("the answer to RLRQ is no RLRE: {error}")))?;
        Ok(answer)
    }

    /// Whether a plain GET of the logical device name is served: whether an association is open.
    pub(crate) async fn serves(&mut self) -> Result<bool, Finding> {
        Ok(self.ask(&get(LDN)).await?.is_some_and(|answer| is_data(&answer)))
    }
}

/// Fails unless an answer is the one to our request (IEC 62056-5-3: the Invoke_Id of a response is
/// that of the request).
pub(crate) fn answers(invoke: InvokeIdAndPriority) -> Result<(), Finding> {
    check(invoke.id() == INVOKE.id(), || {
        format!("the request {} was answered as if it were {}", INVOKE.id(), invoke.id())
    })
}

/// An answer to GET that comes in blocks.
pub(crate) struct Blocks {
    pub(crate) joined: Vec<u8>,
    /// The number that the next block must have.
    due: u32,
}

impl Blocks {
    /// Before the first, which has the number 1 (IEC 62056-5-3, GET with block transfer).
    pub(crate) const fn new() -> Self {
        Self { joined: Vec::new(), due: 1 }
    }

    /// Takes a block, and gives the request for the next: none after the last.
    pub(crate) fn take(
        &mut self,
        last: bool,
        number: u32,
        result: Result<&[u8], DataAccessResult>,
    ) -> Result<Option<Vec<u8>>, Finding> {
        let due = self.due;
        check(number == due, || format!("block {number} came where {due} was due"))?;
        let octets =
            result.map_err(|refusal| Finding::failed(format!("block {number}: {refusal}")))?;
        self.joined.extend_from_slice(octets);
        if last {
            return Ok(None);
        }
        if self.joined.len() > ANSWER_LEN_MAX {
            return Err(Finding::failed("the blocks of an answer do not end"));
        }
        self.due = due.saturating_add(1);
        let mut next = Vec::new();
        GetRequest::Next { invoke: INVOKE, block_number: number }
            .encode(&mut Writer::new(&mut next));
        Ok(Some(next))
    }
}

/// GET of an attribute, plain.
pub(crate) fn get(attribute: AttributeDescriptor) -> Vec<u8> {
    let mut apdu = Vec::new();
    let attribute = AttributeSelection::whole(attribute);
    GetRequest::Normal { invoke: INVOKE, attribute }.encode(&mut Writer::new(&mut apdu));
    apdu
}

/// Whether an APDU carries data of an attribute.
pub(crate) fn is_data(apdu: &[u8]) -> bool {
    match Apdu::decode(apdu) {
        Ok(Apdu::GetResponse(GetResponse::Normal { result, .. })) => result.is_ok(),
        Ok(Apdu::GetResponse(GetResponse::WithDatablock { result, .. })) => result.is_ok(),
        Ok(Apdu::GetResponse(GetResponse::WithList { results, .. })) => {
            results.iter().any(Result::is_ok)
        }
        _ => false,
    }
}

fn is_notification(apdu: &[u8]) -> bool {
    let notifications =
        [tag::DATA_NOTIFICATION, tag::EVENT_NOTIFICATION_REQUEST, tag::INFORMATION_REPORT_REQUEST];
    apdu.first().is_some_and(|first| notifications.contains(first))
}

/// The APDU that an answer is.
pub(crate) fn decoded(answer: &[u8]) -> Result<Apdu<'_>, Finding> {
    Apdu::decode(answer)
        .map_err(|error| Finding::failed(format!("an answer cannot be decoded: {error}")))
}

/// Whether a line waited in vain, and nothing else is wrong with it.
fn is_silence(error: &LineError) -> bool {
    matches!(error, LineError::Timeout { .. } | LineError::NoProgress)
}

fn broken(error: LineError) -> Finding {
    Finding::inconclusive(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_numbered_from_one_on_and_none_comes_twice() {
        for numbers in [&[7][..], &[0], &[1, 1], &[1, 3], &[1, 2, 2]] {
            let mut blocks = Blocks::new();
            let (wrong, right) = numbers.split_last().unwrap();
            for number in right {
                let next = blocks.take(false, *number, Ok(&[0x11])).unwrap().unwrap();
                let next = GetRequest::decode(&next).unwrap();
                assert_eq!(next, GetRequest::Next { invoke: INVOKE, block_number: *number });
            }
            let reason = blocks.take(true, *wrong, Ok(&[0x22])).unwrap_err().reason;
            let due = right.len() + 1;
            assert_eq!(reason, format!("block {wrong} came where {due} was due"));
        }
        let mut blocks = Blocks::new();
        assert!(blocks.take(false, 1, Ok(&[0x11])).unwrap().is_some());
        assert_eq!(blocks.take(true, 2, Ok(&[0x22])), Ok(None));
        assert_eq!(blocks.joined, [0x11, 0x22]);
    }
}
