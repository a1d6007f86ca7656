//! Requests and answers of the client, in one APDU or in blocks (IEC 62056-5-3 clauses 7.3.3 to
//! 7.3.7).
//!
//! Each handler takes the operation out of the machine, and puts it back while it is not complete.

use alloc::vec::Vec;
use core::mem;

use sans_io_time::Instant;

use super::{
    AccessItem, ActionOutcome, Client, EVENTS_MAX, Event, Phase, Priority, Referencing, Request,
    RequestId, Response, Selection, State,
    in_flight::{Outgoing, Refusal},
    verified::Verified,
};
use crate::{
    association::{Failure, Misuse, Violation},
    axdr::{RawData, Reader, Writer},
    cosem::AttributeDescriptor,
    security::{COUNTER_MAX, OVERHEAD_MAX, SendCounters},
    xdlms::{
        ActionRequest, ActionResponse, ActionResult, AttributeSelection, Conformance,
        DataAccessResult, DataBlock, ExceptionResponse, ExceptionService, GetRequest, GetResponse,
        InvokeIdAndPriority, LongInvokeIdAndPriority, SelectiveAccess, SetRequest, SetResponse,
        joined,
    },
};

/// What stands in front of the octets of a block at most: tag, choice, invoke-id, descriptor,
/// absent selection, last-block, block number, length in three octets.
const BLOCK_OVERHEAD: usize = 3 + 9 + 1 + 1 + 4 + 3;

/// A request in flight.
#[derive(Debug)]
pub(super) struct Operation {
    id: RequestId,
    pub(super) request: Request,
    /// How often it is asked again.
    attempts_left: u8,
    /// Until when an answer is waited for.
    deadline: Option<Instant>,
    /// The transaction of what was sent of it last, where there are any.
    transaction: u64,
    invoke: InvokeIdAndPriority,
    /// The same for ACCESS.
    pub(super) long_invoke_id: u32,
    stage: Stage,
    /// Blocks of the answer so far.
    joined: Vec<u8>,
    /// Octets of the answer so far, those that were handed on included.
    received: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The whole request is out.
    Answer,
    /// Block `number` of the answer is due.
    Blocks { number: u32 },
    /// Block `number` of the request is out, `sent` octets of its data in all.
    Sending { number: u32, sent: usize },
    /// The whole request goes out, and nothing comes.
    Unconfirmed,
}

/// Whether a service is answered (IEC 62056-5-3, service class).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServiceClass {
    Confirmed,
    Unconfirmed,
}

impl Operation {
    /// Whether all of the request is out.
    fn is_sent(&self) -> bool {
        match self.stage {
            Stage::Answer | Stage::Blocks { .. } | Stage::Unconfirmed => true,
            Stage::Sending { sent, .. } => self.request.data().is_ok_and(|data| sent >= data.len()),
        }
    }

    pub(super) const fn id(&self) -> RequestId {
        self.id
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    pub(super) const fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    pub(super) const fn transaction(&self) -> u64 {
        self.transaction
    }

    /// Whether it is asked again when it was not answered: asking again cannot do harm.
    pub(super) fn may_repeat(&self) -> bool {
        self.attempts_left > 0
            && match &self.request {
                Request::Get { .. } | Request::GetList(_) => true,
                Request::GetBlocks { .. } => self.stage == Stage::Answer,
                Request::Access { items, .. } => {
                    items.iter().all(|item| matches!(item, AccessItem::Get { .. }))
                }
                _ => false,
            }
    }

    pub(super) const fn stage(&self) -> Stage {
        self.stage
    }

    pub(super) const fn go_to(&mut self, stage: Stage) {
        self.stage = stage;
    }

    /// Appends a block of the answer.
    pub(super) fn join(&mut self, octets: &[u8]) {
        self.joined.extend_from_slice(octets);
    }

    /// The answer that the blocks make.
    pub(super) fn take_joined(&mut self) -> Vec<u8> {
        mem::take(&mut self.joined)
    }
}

// Requests.
impl Client {
    /// Starts a request, unless it is illegal here.
    pub(super) fn begin(
        &mut self,
        request: Request,
        class: ServiceClass,
        priority: Priority,
    ) -> Result<RequestId, Misuse> {
        if self.state != State::Associated {
            return Err(Misuse::State);
        }
        if !self.has_room() {
            return Err(Misuse::Busy);
        }
        request.check()?;
        self.last_request = self.last_request.next();
        let confirmed = class == ServiceClass::Confirmed;
        let high_priority = priority == Priority::High;
        self.start(Operation {
            id: self.last_request,
            request,
            attempts_left: self.config.retries,
            deadline: None,
            transaction: 0,
            invoke: InvokeIdAndPriority::new(0, confirmed, high_priority),
            long_invoke_id: 0,
            stage: Stage::Answer,
            joined: Vec::new(),
            received: 0,
        });
        Ok(self.last_request)
    }

    /// Asks once more, from the start.
    pub(super) fn repeat(&mut self, mut operation: Operation) {
        self.end(&operation);
        operation.attempts_left = operation.attempts_left.saturating_sub(1);
        operation.stage = Stage::Answer;
        operation.joined.clear();
        operation.received = 0;
        self.start(operation);
    }

    fn start(&mut self, mut operation: Operation) {
        self.blocks.end();
        let InvokeIdAndPriority(as_before) = operation.invoke;
        let id = self.next_invoke().id();
        operation.invoke = InvokeIdAndPriority(as_before & !0x0f | id);
        self.long_invoke_id = self.long_invoke_id.wrapping_add(1) & 0x00ff_ffff;
        operation.long_invoke_id = self.long_invoke_id;
        let mut plain = mem::take(&mut self.plain);
        plain.clear();
        let sent = self
            .encode_request(&operation, &mut plain)
            .and_then(|stage| self.transmit(&mut operation, &plain).map(|()| stage));
        self.plain = plain;
        match sent {
            Ok(stage) => {
                operation.stage = stage;
                self.operations.push(operation);
            }
            Err(failure) => self.fail_operation(&operation, failure),
        }
    }

    /// Sends an APDU of a request, protected as agreed.
    pub(super) fn transmit(
        &mut self,
        operation: &mut Operation,
        plain: &[u8],
    ) -> Result<(), Failure> {
        let apdu = self.protected(plain)?;
        operation.transaction = self.transaction();
        operation.deadline = None;
        self.outgoing.push_back(Outgoing { request: Some(operation.id), apdu });
        Ok(())
    }

    /// Encodes the first APDU of a request and says what is due after it.
    pub(super) fn encode_request(
        &self,
        operation: &Operation,
        out: &mut Vec<u8>,
    ) -> Result<Stage, Failure> {
        let invoke = operation.invoke;
        if self.config.referencing == Referencing::ShortName {
            return match invoke.confirmed() {
                true => self.encode_short(&operation.request, out),
                false => self.encode_unconfirmed_write(&operation.request, out),
            };
        }
        let writer = &mut Writer::new(out);
        match &operation.request {
            Request::Get { attribute, selection } | Request::GetBlocks { attribute, selection } => {
                let attribute = selected(*attribute, selection.as_ref())?;
                GetRequest::Normal { invoke, attribute }.encode(writer);
            }
            Request::GetList(list) => {
                self.needs(Conformance::MULTIPLE_REFERENCES, "multiple references")?;
                let attributes = list
                    .iter()
                    .map(|(attribute, selection)| selected(*attribute, selection.as_ref()))
                    .collect::<Result<_, _>>()?;
                GetRequest::WithList { invoke, attributes }.encode(writer);
            }
            Request::Set { attribute, selection, value } => {
                let attribute = selected(*attribute, selection.as_ref())?;
                SetRequest::Normal { invoke, attribute, value: raw(value)? }.encode(writer);
            }
            Request::SetList(list) => {
                self.needs(Conformance::MULTIPLE_REFERENCES, "multiple references")?;
                let attributes = bare(list.iter().map(|(attribute, _)| *attribute));
                let values = raw_list(list.iter().map(|(_, value)| value))?;
                SetRequest::WithList { invoke, attributes, values }.encode(writer);
            }
            Request::Action { method, parameters } => {
                let parameters = parameters.as_deref().map(raw).transpose()?;
                ActionRequest::Normal { invoke, method: *method, parameters }.encode(writer);
            }
            Request::Access { items, on_refusal } => {
                let long = LongInvokeIdAndPriority::new(operation.long_invoke_id);
                let long = if invoke.high_priority() { long.and_high_priority() } else { long };
                let long = if invoke.confirmed() { long.and_confirmed() } else { long };
                self.encode_access(long, items, *on_refusal, writer)?;
            }
            Request::ActionList(list) => {
                self.needs(Conformance::MULTIPLE_REFERENCES, "multiple references")?;
                let methods = list.iter().map(|(method, _)| *method).collect();
                let parameters = raw_list(list.iter().map(|(_, parameters)| parameters))?;
                ActionRequest::WithList { invoke, methods, parameters }.encode(writer);
            }
        }
        if !invoke.confirmed() {
            return self.check_unconfirmed(out);
        }
        let limit = self.plain_len_max();
        if out.len() <= limit || self.goes_in_blocks() {
            return Ok(Stage::Answer);
        }
        match &operation.request {
            Request::Set { .. } | Request::SetList(_) => {
                self.needs(Conformance::BLOCK_SET, "block transfer with SET")?;
            }
            Request::Action { .. } | Request::ActionList(_) => {
                self.needs(Conformance::BLOCK_ACTION, "block transfer with ACTION")?;
            }
            _ => return Err(Failure::TooLong { limit }),
        }
        out.clear();
        self.encode_block(operation, 1, 0, out).map(|sent| Stage::Sending { number: 1, sent })
    }

    /// Encodes block `number` of a request, from octet `sent` of its data on, and says how many
    /// octets are out with it.
    pub(super) fn encode_block(
        &self,
        operation: &Operation,
        number: u32,
        sent: usize,
        out: &mut Vec<u8>,
    ) -> Result<usize, Failure> {
        let invoke = operation.invoke;
        let data = operation.request.data()?;
        // The first block of a list carries all descriptors as well.
        let descriptors = match &operation.request {
            Request::SetList(list) if number == 1 => list.len().saturating_mul(10),
            Request::ActionList(list) if number == 1 => list.len().saturating_mul(9),
            _ => 0,
        };
        let selection = match &operation.request {
            // The selector and its parameters.
            Request::Set { selection: Some(selection), .. } if number == 1 => {
                selection.parameters.len().saturating_add(1)
            }
            _ => 0,
        };
        let taken = BLOCK_OVERHEAD.saturating_add(descriptors).saturating_add(selection);
        let room = self.plain_len_max().saturating_sub(taken);
        if room == 0 {
            return Err(Failure::TooLong { limit: self.plain_len_max() });
        }
        let end = sent.saturating_add(room).min(data.len());
        let block = DataBlock {
            last: end == data.len(),
            number,
            octets: data.get(sent..end).unwrap_or_default(),
        };
        let writer = &mut Writer::new(out);
        match &operation.request {
            Request::Set { attribute, selection, .. } if number == 1 => {
                let attribute = selected(*attribute, selection.as_ref())?;
                SetRequest::FirstDatablock { invoke, attribute, block }.encode(writer);
            }
            Request::SetList(list) if number == 1 => {
                let attributes = bare(list.iter().map(|(attribute, _)| *attribute));
                SetRequest::WithListFirstDatablock { invoke, attributes, block }.encode(writer);
            }
            Request::Set { .. } | Request::SetList(_) => {
                SetRequest::Datablock { invoke, block }.encode(writer);
            }
            Request::Action { method, .. } if number == 1 => {
                ActionRequest::FirstPblock { invoke, method: *method, block }.encode(writer);
            }
            Request::ActionList(list) if number == 1 => {
                let methods = list.iter().map(|(method, _)| *method).collect();
                ActionRequest::WithListFirstPblock { invoke, methods, block }.encode(writer);
            }
            _ => ActionRequest::Pblock { invoke, block }.encode(writer),
        }
        Ok(end)
    }

    pub(super) fn needs(&self, service: Conformance, name: &'static str) -> Result<(), Failure> {
        if self.association.conformance.contains(service) {
            Ok(())
        } else {
            Err(Failure::NotNegotiated(name))
        }
    }

    /// The longest plain APDU that fits into the meter's receive buffer once it is ciphered.
    pub(super) fn plain_len_max(&self) -> usize {
        let limit = usize::from(self.association.max_send_pdu);
        match self.config.protecting() {
            Some(_) => limit.saturating_sub(OVERHEAD_MAX).saturating_sub(self.layers_len_max()),
            None => limit,
        }
    }

    /// The next invoke-id that no request in flight has: there are more of them than requests.
    pub(super) fn next_invoke(&mut self) -> InvokeIdAndPriority {
        loop {
            self.invoke_id = self.invoke_id.wrapping_add(1) & 0x0f;
            let is_taken =
                self.operations.iter().any(|operation| operation.invoke.id() == self.invoke_id);
            if !is_taken {
                return InvokeIdAndPriority::new(self.invoke_id, true, true);
            }
        }
    }
}

// Answers. Each handler takes the operation out, and puts it back while it is not complete.
impl Client {
    pub(super) fn on_get(&mut self, response: Verified<GetResponse<'_>>) {
        let response = response.into_inner();
        let due = self.due(response.invoke(), Request::is_get, "kind of GET response");
        let Some(mut operation) = due else { return };
        let step = match (response, operation.stage) {
            (GetResponse::Normal { result, .. }, Stage::Answer) => {
                self.finish_get(&operation, result.map(|data| data.octets()))
            }
            (GetResponse::WithList { results, .. }, Stage::Answer) => {
                let results =
                    results.into_iter().map(|result| result.map(|data| data.octets().to_vec()));
                finish_get_list(&operation, results.collect())
            }
            (GetResponse::WithDatablock { last, number, result, .. }, stage) => {
                let expected = match stage {
                    Stage::Blocks { number } => number,
                    _ => 1,
                };
                match result {
                    Err(refusal) => self.finish_get(&operation, Err(refusal)),
                    Ok(_) if self.came_again(expected, number) => self.pass_over(),
                    Ok(octets) => in_order(expected, number)
                        .and_then(|()| self.on_get_block(&mut operation, last, number, octets)),
                }
            }
            _ => Err(Violation::Unexpected("kind of GET response").into()),
        };
        self.step(operation, step);
    }

    pub(super) fn on_get_block(
        &mut self,
        operation: &mut Operation,
        last: bool,
        number: u32,
        octets: &[u8],
    ) -> Result<Option<Response>, Failure> {
        self.count(operation, last, octets)?;
        if let Request::GetBlocks { .. } = operation.request {
            self.events.push_back(Event::Block(operation.id, octets.to_vec()));
        } else {
            operation.joined.extend_from_slice(octets);
        }
        if !last {
            operation.stage = Stage::Blocks { number: number.wrapping_add(1) };
            let next = GetRequest::Next { invoke: operation.invoke, block_number: number };
            self.continue_with(operation, |writer| next.encode(writer))?;
            return Ok(None);
        }
        let octets = mem::take(&mut operation.joined);
        match &operation.request {
            Request::GetBlocks { .. } => Ok(Some(Response::GetBlocks(Ok(())))),
            Request::GetList(list) => {
                announced(list.len(), &octets)?;
                let results = joined::decode_results(&octets)?;
                let results =
                    results.into_iter().map(|result| result.map(|data| data.octets().to_vec()));
                finish_get_list(operation, results.collect())
            }
            _ => {
                joined::decode_value(&octets)?;
                Ok(Some(Response::Get(Ok(octets))))
            }
        }
    }

    /// Whether a block, or the acknowledgement of one, is from before the one that is due: on a
    /// line of datagrams it may come twice.
    pub(super) const fn came_again(&self, expected: u32, found: u32) -> bool {
        self.config.datagrams && found < expected
    }

    /// Goes on waiting.
    pub(super) fn pass_over(&mut self) -> Result<Option<Response>, Failure> {
        self.discard();
        Ok(None)
    }

    /// Keeps an answer in blocks within its limit, and from going on for ever.
    pub(super) fn count(
        &self,
        operation: &mut Operation,
        last: bool,
        octets: &[u8],
    ) -> Result<(), Failure> {
        if octets.is_empty() && !last {
            return Err(Violation::EmptyBlock.into());
        }
        operation.received = operation.received.saturating_add(octets.len());
        let limit = self.config.answer_len_max;
        if operation.received > limit { Err(Failure::TooLong { limit }) } else { Ok(()) }
    }

    pub(super) fn finish_get(
        &mut self,
        operation: &Operation,
        result: Result<&[u8], DataAccessResult>,
    ) -> Result<Option<Response>, Failure> {
        Ok(Some(match (&operation.request, result) {
            (Request::Get { .. }, result) => Response::Get(result.map(<[u8]>::to_vec)),
            (Request::GetBlocks { .. }, Ok(octets)) => {
                self.events.push_back(Event::Block(operation.id, octets.to_vec()));
                Response::GetBlocks(Ok(()))
            }
            (Request::GetBlocks { .. }, Err(refusal)) => Response::GetBlocks(Err(refusal)),
            // A meter may refuse a list as a whole.
            (Request::GetList(list), Err(refusal)) => {
                Response::GetList(list.iter().map(|_| Err(refusal)).collect())
            }
            _ => return Err(Violation::Unexpected("GET response").into()),
        }))
    }

    pub(super) fn on_set(&mut self, response: Verified<SetResponse>) {
        let response = response.into_inner();
        let due = self.due(response.invoke(), Request::is_set, "kind of SET response");
        let Some(mut operation) = due else { return };
        let all_sent = operation.is_sent();
        let step = match (response, operation.stage, &operation.request) {
            (SetResponse::Normal { result, .. }, Stage::Answer, Request::Set { .. }) => {
                Ok(Some(Response::Set(result)))
            }
            // Before all is sent, or for a list as a whole, there can only be a refusal.
            (SetResponse::Normal { result, .. }, _, request)
                if result != DataAccessResult::Success =>
            {
                set_refused(request, result)
            }
            (SetResponse::WithList { results, .. }, Stage::Answer, Request::SetList(list)) => {
                counted(list.len(), results).map(|results| Some(Response::SetList(results)))
            }
            (SetResponse::Datablock { number, .. }, Stage::Sending { number: expected, .. }, _)
                if self.came_again(expected, number) =>
            {
                self.pass_over()
            }
            (SetResponse::Datablock { number, .. }, Stage::Sending { .. }, _) => {
                self.send_next_block(&mut operation, number).map(|()| None)
            }
            (
                SetResponse::LastDatablock { result, number: found, .. },
                Stage::Sending { number: expected, .. },
                Request::Set { .. },
            ) if all_sent && result == DataAccessResult::Success => {
                in_order(expected, found).map(|()| Some(Response::Set(result)))
            }
            (SetResponse::LastDatablock { result, .. }, Stage::Sending { .. }, request)
                if result != DataAccessResult::Success =>
            {
                set_refused(request, result)
            }
            (
                SetResponse::LastDatablockWithList { results, number: found, .. },
                Stage::Sending { number: expected, .. },
                Request::SetList(list),
            ) if all_sent => in_order(expected, found)
                .and_then(|()| counted(list.len(), results))
                .map(|results| Some(Response::SetList(results))),
            _ => Err(Violation::Unexpected("kind of SET response").into()),
        };
        self.step(operation, step);
    }

    pub(super) fn on_action(&mut self, response: Verified<ActionResponse<'_>>) {
        let response = response.into_inner();
        let due = self.due(response.invoke(), Request::is_action, "kind of ACTION response");
        let Some(mut operation) = due else { return };
        let all_sent = operation.is_sent();
        // Once the answer comes in blocks, it ends with the last of them.
        let answer_due = all_sent && !matches!(operation.stage, Stage::Blocks { .. });
        let step = match (response, operation.stage, &operation.request) {
            (ActionResponse::Normal { result, returned, .. }, _, Request::Action { .. })
                if answer_due || result != ActionResult::Success =>
            {
                Ok(Some(Response::Action(outcome(result, returned))))
            }
            // A list as a whole can only be refused.
            (ActionResponse::Normal { result, .. }, _, Request::ActionList(list))
                if result != ActionResult::Success =>
            {
                let refused = ActionOutcome { result, returned: None };
                Ok(Some(Response::ActionList(list.iter().map(|_| refused.clone()).collect())))
            }
            (ActionResponse::WithList { results, .. }, _, Request::ActionList(list))
                if answer_due =>
            {
                counted(list.len(), results).map(|results| {
                    let outcomes =
                        results.into_iter().map(|(result, returned)| outcome(result, returned));
                    Some(Response::ActionList(outcomes.collect()))
                })
            }
            (
                ActionResponse::NextPblock { number, .. },
                Stage::Sending { number: expected, .. },
                _,
            ) if self.came_again(expected, number) => self.pass_over(),
            (ActionResponse::NextPblock { number, .. }, Stage::Sending { .. }, _) => {
                self.send_next_block(&mut operation, number).map(|()| None)
            }
            (ActionResponse::NextPblock { .. }, Stage::Blocks { .. }, _)
                if self.config.datagrams =>
            {
                self.pass_over()
            }
            (ActionResponse::WithPblock { block, .. }, stage, _) if all_sent => {
                self.on_action_block(&mut operation, stage, block)
            }
            _ => Err(Violation::Unexpected("kind of ACTION response").into()),
        };
        self.step(operation, step);
    }

    pub(super) fn on_action_block(
        &mut self,
        operation: &mut Operation,
        stage: Stage,
        block: DataBlock<'_>,
    ) -> Result<Option<Response>, Failure> {
        let expected = match stage {
            Stage::Blocks { number } => number,
            _ => 1,
        };
        if self.came_again(expected, block.number) {
            return self.pass_over();
        }
        in_order(expected, block.number)?;
        self.count(operation, block.last, block.octets)?;
        operation.joined.extend_from_slice(block.octets);
        if !block.last {
            operation.stage = Stage::Blocks { number: block.number.wrapping_add(1) };
            let next = ActionRequest::NextPblock { invoke: operation.invoke, number: block.number };
            self.continue_with(operation, |writer| next.encode(writer))?;
            return Ok(None);
        }
        let octets = mem::take(&mut operation.joined);
        match &operation.request {
            Request::ActionList(list) => {
                announced(list.len(), &octets)?;
                let replies = joined::decode_replies(&octets)?;
                let outcomes: Vec<_> = counted(list.len(), replies)?
                    .into_iter()
                    .map(|(result, returned)| outcome(result, returned))
                    .collect();
                Ok(Some(Response::ActionList(outcomes)))
            }
            _ => {
                let (result, returned) = joined::decode_reply(&octets)?;
                Ok(Some(Response::Action(outcome(result, returned))))
            }
        }
    }

    /// Some meters go on counting where the dedicated key of an earlier association ended, and say
    /// so. Moving forward under a fresh key is harmless, whoever asks for it.
    pub(super) fn on_exception(&mut self, exception: ExceptionResponse) {
        if let ExceptionService::InvocationCounterError(expected) = exception.service
            && self.is_about_a_copy(expected)
        {
            return self.discard();
        }
        let failure = Failure::Exception(exception);
        if let ExceptionService::InvocationCounterError(expected) = exception.service
            && self.dedicated_key.is_some()
            && !self.operations.is_empty()
        {
            // What was sent took a counter, so that the next one may be right already.
            let next = self.dedicated_send_counters.next();
            let was_behind = next <= expected;
            if next < expected {
                self.dedicated_send_counters = SendCounters::new();
                self.dedicated_send_counters.grant(expected..COUNTER_MAX);
            }
            return self.refuse_one(Refusal { failure, was_behind });
        }
        self.fail(failure);
    }

    /// Sends the block after `acknowledged`, as long as that is the one sent last.
    pub(super) fn send_next_block(
        &mut self,
        operation: &mut Operation,
        acknowledged: u32,
    ) -> Result<(), Failure> {
        let Stage::Sending { number, sent } = operation.stage else {
            return Err(Violation::Unexpected("block acknowledgement").into());
        };
        in_order(number, acknowledged)?;
        if sent >= operation.request.data()?.len() {
            return Err(Violation::Unexpected("request for a block after the last").into());
        }
        let number = number.wrapping_add(1);
        let mut plain = mem::take(&mut self.plain);
        plain.clear();
        let result = self.encode_block(operation, number, sent, &mut plain).and_then(|sent| {
            operation.stage = Stage::Sending { number, sent };
            self.transmit(operation, &plain)
        });
        self.plain = plain;
        result
    }

    pub(super) fn continue_with(
        &mut self,
        operation: &mut Operation,
        encode: impl FnOnce(&mut Writer<'_>),
    ) -> Result<(), Failure> {
        let mut plain = mem::take(&mut self.plain);
        plain.clear();
        encode(&mut Writer::new(&mut plain));
        let sent = self.transmit(operation, &plain);
        self.plain = plain;
        sent
    }

    /// The operation that an answer with this invoke-id belongs to. An answer to something else is
    /// late, for example because the request was repeated meanwhile: it is dropped. One of another
    /// service than the request's is no answer at all.
    pub(super) fn due(
        &mut self,
        invoke: InvokeIdAndPriority,
        is_of_service: fn(&Request) -> bool,
        response: &'static str,
    ) -> Option<Operation> {
        let Some(operation) = self.take_operation(|of| of.invoke.id() == invoke.id()) else {
            self.discard();
            return None;
        };
        if !is_of_service(&operation.request) {
            self.fail_operation(&operation, Violation::Unexpected(response).into());
            return None;
        }
        Some(operation)
    }

    pub(super) fn step(&mut self, operation: Operation, step: Result<Option<Response>, Failure>) {
        match step {
            Ok(Some(response)) => self.complete(&operation, response),
            Ok(None) => self.operations.push(operation),
            Err(failure) => self.fail_operation(&operation, failure),
        }
    }

    /// Gives up what is under way: the association, or a request.
    pub(super) fn fail(&mut self, failure: Failure) {
        let phase = match self.state {
            State::Associating => Phase::Associate,
            State::Authenticating => Phase::Authenticate,
            State::Associated => return self.refuse_one(Refusal { failure, was_behind: false }),
            // We are leaving; how the meter takes it changes nothing.
            State::Releasing => return self.close(),
            State::Idle => return,
        };
        self.abort();
        self.events.push_back(Event::AssociationFailed { phase, failure });
    }

    pub(super) fn notify(&mut self, apdu: Verified<&[u8]>) {
        if self.events.len() < EVENTS_MAX {
            self.events.push_back(Event::Notification(apdu.into_inner().to_vec()));
        } else {
            self.discard();
        }
    }

    pub(super) const fn discard(&mut self) {
        self.discarded = self.discarded.saturating_add(1);
    }
}

pub(super) fn raw(octets: &[u8]) -> Result<RawData<'_>, Failure> {
    Ok(joined::decode_value(octets)?)
}

fn raw_list<'v>(values: impl Iterator<Item = &'v Vec<u8>>) -> Result<Vec<RawData<'v>>, Failure> {
    values.map(|value| raw(value)).collect()
}

pub(super) fn selected(
    attribute: AttributeDescriptor,
    selection: Option<&Selection>,
) -> Result<AttributeSelection<'_>, Failure> {
    let selection = selection
        .map(|selection| {
            Ok::<_, Failure>(SelectiveAccess {
                selector: selection.selector,
                parameters: raw(&selection.parameters)?,
            })
        })
        .transpose()?;
    Ok(AttributeSelection { attribute, selection })
}

fn bare(attributes: impl Iterator<Item = AttributeDescriptor>) -> Vec<AttributeSelection<'static>> {
    attributes.map(|attribute| AttributeSelection { attribute, selection: None }).collect()
}

fn finish_get_list(
    operation: &Operation,
    results: Vec<Result<Vec<u8>, DataAccessResult>>,
) -> Result<Option<Response>, Failure> {
    match &operation.request {
        Request::GetList(list) => {
            counted(list.len(), results).map(|results| Some(Response::GetList(results)))
        }
        _ => Err(Violation::Unexpected("list of results").into()),
    }
}

fn set_refused(request: &Request, refusal: DataAccessResult) -> Result<Option<Response>, Failure> {
    Ok(Some(match request {
        Request::SetList(list) => Response::SetList(list.iter().map(|_| refusal).collect()),
        _ => Response::Set(refusal),
    }))
}

/// A block, or the acknowledgement of one, must be the one that is due.
fn in_order(expected: u32, found: u32) -> Result<(), Failure> {
    if found == expected { Ok(()) } else { Err(Violation::BlockNumber { expected, found }.into()) }
}

/// Compares the count in front of a list with what was asked for, before anything is made of it.
fn announced(expected: usize, list: &[u8]) -> Result<(), Failure> {
    let found = Reader::new(list).length()?;
    if found == expected { Ok(()) } else { Err(Violation::ResultCount { expected, found }.into()) }
}

pub(super) fn counted<T>(expected: usize, results: Vec<T>) -> Result<Vec<T>, Failure> {
    if results.len() == expected {
        Ok(results)
    } else {
        Err(Violation::ResultCount { expected, found: results.len() }.into())
    }
}

fn outcome(
    result: ActionResult,
    returned: Option<Result<RawData<'_>, DataAccessResult>>,
) -> ActionOutcome {
    let returned = returned.map(|returned| returned.map(|data| data.octets().to_vec()));
    ActionOutcome { result, returned }
}
