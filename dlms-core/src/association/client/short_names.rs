//! Short name referencing on the client's side (IEC 62056-5-3 clauses 6.12 to 6.14 and 7.4): the
//! requests are those of logical names, and go out as reads and writes of short names.
//!
//! These services have no invoke-id. What answers a request is told by its place alone.

use alloc::vec::Vec;

use super::{
    ActionOutcome, Client, Request, Response,
    transfer::{Operation, Stage, counted, raw},
    verified::Verified,
};
use crate::{
    association::{
        Failure, ShortNameObject, Violation,
        short_names::{REPLY_TO_HLS_AUTHENTICATION_NAME, name_of_attribute, name_of_method},
    },
    axdr::{Data, RawData, Reader, Writer},
    cosem::{AttributeDescriptor, MethodDescriptor},
    security::ReceiveCounter,
    xdlms::{
        ActionResult, Apdu, Conformance, DataAccessResult, ReadRequest, ReadResponse, ReadResult,
        VariableAccess, WriteRequest, WriteResponse, WriteResult,
    },
};

/// What stands in front of the octets of a block at most: tag, two counts, choice, last-block,
/// block number, type of the octet-string, length in three octets.
const BLOCK_OVERHEAD: usize = 1 + 2 + 1 + 1 + 2 + 1 + 3;
/// Methods that return something: what does is read with its parameters, everything else written.
const RETURNING: [(u16, i8); 6] = [(12, 3), (12, 8), (64, 3), (64, 5), (64, 7), (15, 1)];
/// The selector in front of the parameters of a method, where no attribute is selected from. No
/// source tells its value; servers look at the name.
const METHOD_SELECTOR: u8 = 0;

/// A request in short names.
enum Short<'r> {
    Read(Vec<VariableAccess<'r>>),
    Write(Vec<VariableAccess<'r>>, Vec<RawData<'r>>),
}

impl Client {
    /// Tells the names of the meter's objects, as its object list has them
    /// ([`ShortNameObject::LIST`], which can be read before). Without it, only the association
    /// itself can be asked.
    pub fn know_short_names(&mut self, objects: Vec<ShortNameObject>) {
        self.short_names = objects;
    }

    fn attribute_name<'r>(
        &self,
        attribute: AttributeDescriptor,
        selection: Option<&'r super::Selection>,
    ) -> Result<VariableAccess<'r>, Failure> {
        let name = name_of_attribute(&self.short_names, attribute).ok_or(Failure::NoShortName)?;
        let Some(selection) = selection else { return Ok(VariableAccess::Name(name)) };
        self.needs(Conformance::PARAMETERIZED_ACCESS, "parameterized access")?;
        let super::Selection { selector, parameters } = selection;
        let parameter = raw(parameters)?;
        Ok(VariableAccess::Parameterized { name, selector: *selector, parameter })
    }

    fn in_short_names<'r>(&self, request: &'r Request) -> Result<Short<'r>, Failure> {
        let many = || self.needs(Conformance::MULTIPLE_REFERENCES, "multiple references");
        let short = match request {
            Request::Get { attribute, selection } | Request::GetBlocks { attribute, selection } => {
                let variable = self.attribute_name(*attribute, selection.as_ref())?;
                Short::Read(Vec::from([variable]))
            }
            Request::GetList(list) => {
                many()?;
                let variables =
                    list.iter().map(|(attribute, of)| self.attribute_name(*attribute, of.as_ref()));
                Short::Read(variables.collect::<Result<_, _>>()?)
            }
            Request::Set { attribute, selection, value } => {
                let variable = self.attribute_name(*attribute, selection.as_ref())?;
                Short::Write(Vec::from([variable]), Vec::from([raw(value)?]))
            }
            Request::SetList(list) => {
                many()?;
                let mut variables = Vec::new();
                let mut data = Vec::new();
                for (attribute, value) in list {
                    variables.push(self.attribute_name(*attribute, None)?);
                    data.push(raw(value)?);
                }
                Short::Write(variables, data)
            }
            Request::Action { method, parameters } => {
                let parameter = parameters.as_deref().map_or(Ok(RawData::NULL), raw)?;
                self.method_name(*method, parameter)?
            }
            Request::ActionList(_) | Request::Access { .. } => {
                return Err(Failure::NotNegotiated("this service with short names"));
            }
        };
        match short {
            Short::Read(_) => self.needs(Conformance::READ, "read")?,
            Short::Write(..) => self.needs(Conformance::WRITE, "write")?,
        }
        Ok(short)
    }

    fn method_name<'r>(
        &self,
        method: MethodDescriptor,
        parameter: RawData<'r>,
    ) -> Result<Short<'r>, Failure> {
        let name = name_of_method(&self.short_names, method).ok_or(Failure::NoShortName)?;
        if !RETURNING.contains(&(method.class.0, method.method.0)) {
            return Ok(Short::Write(
                Vec::from([VariableAccess::Name(name)]),
                Vec::from([parameter]),
            ));
        }
        self.needs(Conformance::PARAMETERIZED_ACCESS, "parameterized access")?;
        let selector = METHOD_SELECTOR;
        Ok(Short::Read(Vec::from([VariableAccess::Parameterized { name, selector, parameter }])))
    }

    /// Encodes the first APDU of a request and says what is due after it.
    pub(super) fn encode_short(
        &self,
        request: &Request,
        out: &mut Vec<u8>,
    ) -> Result<Stage, Failure> {
        let limit = self.plain_len_max();
        match self.in_short_names(request)? {
            Short::Read(variables) => {
                ReadRequest(variables).encode(&mut Writer::new(out));
                if out.len() > limit && !self.goes_in_blocks() {
                    return Err(Failure::TooLong { limit });
                }
            }
            Short::Write(variables, data) => {
                WriteRequest { variables, data }.encode(&mut Writer::new(out));
                if out.len() > limit && !self.goes_in_blocks() {
                    self.needs(Conformance::BLOCK_SET, "block transfer with write")?;
                    out.clear();
                    let sent = self.encode_write_block(request, 1, 0, out)?;
                    return Ok(Stage::Sending { number: 1, sent });
                }
            }
        }
        Ok(Stage::Answer)
    }

    /// Encodes block `number` of a write, from octet `sent` of its lists on, and says how many
    /// octets are out with it.
    fn encode_write_block(
        &self,
        request: &Request,
        number: u32,
        sent: usize,
        out: &mut Vec<u8>,
    ) -> Result<usize, Failure> {
        let limit = self.plain_len_max();
        let room = limit.saturating_sub(BLOCK_OVERHEAD);
        let number = u16::try_from(number).map_err(|_| Failure::TooLong { limit })?;
        let lists = self.write_lists(request)?;
        let end = sent.saturating_add(room.max(1)).min(lists.len());
        let mut octets = Vec::new();
        Data::OctetString(lists.get(sent..end).unwrap_or_default())
            .encode(&mut Writer::new(&mut octets));
        let last = end == lists.len();
        let variables = Vec::from([VariableAccess::WriteBlock { last, number }]);
        WriteRequest { variables, data: Vec::from([raw(&octets)?]) }.encode(&mut Writer::new(out));
        Ok(end)
    }

    /// The write request for what writes, by its short names.
    pub(super) fn write_request<'r>(
        &self,
        request: &'r Request,
    ) -> Result<WriteRequest<'r>, Failure> {
        match self.in_short_names(request)? {
            Short::Write(variables, data) => Ok(WriteRequest { variables, data }),
            Short::Read(_) => Err(Failure::NotNegotiated("an unconfirmed read")),
        }
    }

    fn write_lists(&self, request: &Request) -> Result<Vec<u8>, Failure> {
        let mut lists = Vec::new();
        if let Short::Write(variables, data) = self.in_short_names(request)? {
            WriteRequest { variables, data }.encode_lists(&mut Writer::new(&mut lists));
        }
        Ok(lists)
    }

    pub(super) fn on_read(&mut self, response: Verified<ReadResponse<'_>>) {
        let response = response.into_inner();
        let Some(mut operation) = self.take_operation(|_| true) else { return self.discard() };
        let step = match (&response.0[..], operation.stage()) {
            (
                &[ReadResult::Block { last, number, octets }],
                stage @ (Stage::Answer | Stage::Blocks { .. }),
            ) => self.on_read_block(&mut operation, stage, last, number, octets),
            (_, Stage::Answer) => self.read_results(&operation, response.0),
            // Where blocks are due, a refusal is all there can be.
            (&[ReadResult::Error(refusal)], _) => {
                self.read_results(&operation, Vec::from([ReadResult::Error(refusal)]))
            }
            _ => Err(Violation::Unexpected("kind of read-response").into()),
        };
        self.step(operation, step);
    }

    fn on_read_block(
        &mut self,
        operation: &mut Operation,
        stage: Stage,
        last: bool,
        number: u16,
        octets: &[u8],
    ) -> Result<Option<Response>, Failure> {
        let expected = match stage {
            Stage::Blocks { number } => number,
            _ => 1,
        };
        let found = u32::from(number);
        if self.came_again(expected, found) {
            return self.pass_over();
        }
        if found != expected {
            return Err(Violation::BlockNumber { expected, found }.into());
        }
        self.count(operation, last, octets)?;
        operation.join(octets);
        if !last {
            operation.go_to(Stage::Blocks { number: found.wrapping_add(1) });
            let next = ReadRequest(Vec::from([VariableAccess::BlockNumber(number)]));
            self.continue_with(operation, |writer| next.encode(writer))?;
            return Ok(None);
        }
        let mut apdu = Vec::from([crate::xdlms::tag::READ_RESPONSE]);
        apdu.extend_from_slice(&operation.take_joined());
        match Apdu::decode(&apdu)? {
            Apdu::ReadResponse(response) => self.read_results(operation, response.0),
            _ => Err(Violation::Unexpected("blocks of a read-response").into()),
        }
    }

    fn read_results(
        &mut self,
        operation: &Operation,
        results: Vec<ReadResult<'_>>,
    ) -> Result<Option<Response>, Failure> {
        let results = results.into_iter().map(|result| match result {
            ReadResult::Data(data) => Ok(Ok(data.octets().to_vec())),
            ReadResult::Error(refusal) => Ok(Err(refusal)),
            _ => Err(Failure::from(Violation::Unexpected("block among results"))),
        });
        let results: Vec<Result<Vec<u8>, DataAccessResult>> = results.collect::<Result<_, _>>()?;
        if let Request::GetList(list) = &operation.request {
            return counted(list.len(), results).map(|results| Some(Response::GetList(results)));
        }
        let only = counted(1, results)?.pop();
        let only = only.ok_or(Violation::ResultCount { expected: 1, found: 0 })?;
        match &operation.request {
            Request::Action { .. } => {
                let result = match &only {
                    Ok(_) => ActionResult::Success,
                    Err(refusal) => ActionResult::from_code(refusal.code()),
                };
                let returned = only.ok().filter(|data| data != RawData::NULL.octets()).map(Ok);
                Ok(Some(Response::Action(ActionOutcome { result, returned })))
            }
            _ => self.finish_get(operation, only.as_deref().map_err(|refusal| *refusal)),
        }
    }

    pub(super) fn on_write(&mut self, response: Verified<WriteResponse>) {
        let response = response.into_inner();
        let Some(mut operation) = self.take_operation(|_| true) else { return self.discard() };
        let step = match response.0[..] {
            [WriteResult::BlockNumber(number)] => {
                self.on_write_block(&mut operation, number.into()).map(|()| None)
            }
            _ => match self.all_is_out(&operation) {
                Ok(all_is_out) => written(&operation, all_is_out, response.0),
                Err(failure) => Err(failure),
            },
        };
        self.step(operation, step);
    }

    fn all_is_out(&self, operation: &Operation) -> Result<bool, Failure> {
        Ok(match operation.stage() {
            Stage::Sending { sent, .. } => sent >= self.write_lists(&operation.request)?.len(),
            _ => true,
        })
    }

    fn on_write_block(&mut self, operation: &mut Operation, found: u32) -> Result<(), Failure> {
        let Stage::Sending { number, sent } = operation.stage() else {
            return Err(Violation::Unexpected("block acknowledgement").into());
        };
        if self.came_again(number, found) {
            self.discard();
            return Ok(());
        }
        if found != number || sent >= self.write_lists(&operation.request)?.len() {
            return Err(Violation::BlockNumber { expected: number, found }.into());
        }
        let number = number.wrapping_add(1);
        let mut plain = Vec::new();
        let sent = self.encode_write_block(&operation.request, number, sent, &mut plain)?;
        operation.go_to(Stage::Sending { number, sent });
        self.transmit(operation, &plain)
    }

    /// Sends f(StoC).
    pub(super) fn send_short_reply(&mut self, reply: &[u8]) -> Result<(), Failure> {
        let mut parameter = Vec::new();
        Data::OctetString(reply).encode(&mut Writer::new(&mut parameter));
        let variable = VariableAccess::Parameterized {
            name: REPLY_TO_HLS_AUTHENTICATION_NAME,
            selector: METHOD_SELECTOR,
            parameter: RawData::decode(&mut Reader::new(&parameter))?,
        };
        let mut plain = Vec::new();
        ReadRequest(Vec::from([variable])).encode(&mut Writer::new(&mut plain));
        let apdu = self.protected(&plain)?;
        self.transmit_as_is(apdu);
        Ok(())
    }

    /// Takes f(CtoS).
    pub(super) fn on_short_authentication(
        &mut self,
        before: ReceiveCounter,
        response: Verified<ReadResponse<'_>>,
    ) {
        let response = response.into_inner();
        let reply = match response.0[..] {
            [ReadResult::Data(data)] => {
                data.data().map(|data| data.as_octets().unwrap_or_default())
            }
            [ReadResult::Error(refusal)] => {
                let refusal = ActionResult::from_code(refusal.code());
                return self.fail(Failure::AuthenticationRefused(refusal));
            }
            _ => return self.fail(Violation::Unexpected("kind of read-response").into()),
        };
        let verified = match reply {
            Ok(reply) => self.verify_server_reply(before, reply),
            Err(malformed) => Err(malformed.into()),
        };
        match verified {
            Ok(()) => self.associated(),
            Err(failure) => self.fail(failure),
        }
    }
}

fn written(
    operation: &Operation,
    all_is_out: bool,
    results: Vec<WriteResult>,
) -> Result<Option<Response>, Failure> {
    let results = results.into_iter().map(|result| match result {
        WriteResult::Success => Ok(DataAccessResult::Success),
        WriteResult::Error(refusal) => Ok(refusal),
        WriteResult::BlockNumber(_) => {
            Err(Failure::from(Violation::Unexpected("block among results")))
        }
    });
    let results: Vec<DataAccessResult> = results.collect::<Result<_, _>>()?;
    let is_refusal = results.iter().any(|result| *result != DataAccessResult::Success);
    if !all_is_out && !is_refusal {
        return Err(Violation::Unexpected("success before all was sent").into());
    }
    match &operation.request {
        Request::SetList(list) => {
            counted(list.len(), results).map(|results| Some(Response::SetList(results)))
        }
        request => {
            let result = counted(1, results)?.pop().unwrap_or(DataAccessResult::OtherReason);
            match request {
                Request::Set { .. } => Ok(Some(Response::Set(result))),
                Request::Action { .. } => {
                    let result = ActionResult::from_code(result.code());
                    Ok(Some(Response::Action(ActionOutcome { result, returned: None })))
                }
                _ => Err(Violation::Unexpected("write-response").into()),
            }
        }
    }
}
