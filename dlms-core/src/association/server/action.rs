//! ACTION: one method, several, and blocks in both directions (IEC 62056-5-3 clause 6.9).

use alloc::vec::Vec;
use core::mem;

use super::{
    Call, Refusal, Server,
    block::{JoinError, LongAction, LongAnswer, LongRequest, Transfer, check_len, check_sum},
};
use crate::{
    association::short_names,
    axdr::{RawData, Writer},
    cosem::{ClassId, LogicalName, MethodDescriptor},
    xdlms::{
        ActionRequest, ActionResponse, ActionResult, Apdu, Conformance, DataAccessResult,
        DataBlock, InvokeIdAndPriority, tag,
    },
};

/// Class 15, method 1 of the current association: f(StoC) comes as its parameter.
pub(super) const REPLY_TO_HLS_AUTHENTICATION: MethodDescriptor =
    MethodDescriptor::new(ClassId::ASSOCIATION_LN, LogicalName::CURRENT_ASSOCIATION, 1);

/// The choice octets of an ACTION request in one piece.
const NORMAL: u8 = 1;
const WITH_LIST: u8 = 3;
/// The presence octet of the parameters.
const PRESENT: u8 = 1;
/// Tag, choice and invoke-id in front of the results of an answer.
const HEAD_LEN: usize = 3;

impl Server {
    pub(super) fn on_action(
        &mut self,
        call: &mut Call<'_>,
        request: ActionRequest<'_>,
    ) -> Result<(), Refusal> {
        call.needs(Conformance::ACTION)?;
        match request {
            ActionRequest::Normal { invoke, method, parameters } => {
                self.transfers.take(Some(invoke));
                call.action(invoke, method, parameters);
                self.fit_action(call, invoke)
            }
            ActionRequest::WithList { invoke, methods, parameters } => {
                self.transfers.take(Some(invoke));
                call.action_list(invoke, methods, parameters)?;
                self.fit_action(call, invoke)
            }
            ActionRequest::FirstPblock { invoke, method, block } => {
                call.needs(Conformance::BLOCK_ACTION)?;
                let mut head = Vec::from([tag::ACTION_REQUEST, NORMAL, invoke.0]);
                method.encode(&mut Writer::new(&mut head));
                head.push(PRESENT);
                self.transfers.take(Some(invoke));
                let long = LongAction::Request(LongRequest::new(head));
                self.transfers.put(Some(invoke), Transfer::Action(long));
                self.on_action_block(call, invoke, block)
            }
            ActionRequest::WithListFirstPblock { invoke, methods, block } => {
                call.needs(Conformance::BLOCK_ACTION)?;
                let mut head = Vec::from([tag::ACTION_REQUEST, WITH_LIST, invoke.0]);
                let mut writer = Writer::new(&mut head);
                writer.length(methods.len());
                methods.iter().for_each(|method| method.encode(&mut writer));
                self.transfers.take(Some(invoke));
                let long = LongAction::Request(LongRequest::new(head));
                self.transfers.put(Some(invoke), Transfer::Action(long));
                self.on_action_block(call, invoke, block)
            }
            ActionRequest::Pblock { invoke, block } => self.on_action_block(call, invoke, block),
            ActionRequest::NextPblock { invoke, number } => {
                self.on_action_next(call, invoke, number);
                Ok(())
            }
        }
    }

    fn on_action_block(
        &mut self,
        call: &mut Call<'_>,
        invoke: InvokeIdAndPriority,
        block: DataBlock<'_>,
    ) -> Result<(), Refusal> {
        let joined = match self.transfers.take(Some(invoke)) {
            Transfer::Action(LongAction::Request(mut long)) => match long.join(block) {
                Ok(()) => Ok(long),
                Err(JoinError::Number | JoinError::TooLong) => Err(ActionResult::LongActionAborted),
            },
            _ => Err(ActionResult::NoLongActionInProgress),
        };
        match joined {
            Err(result) => {
                call.answer_action(ActionResponse::Normal { invoke, result, returned: None });
                Ok(())
            }
            Ok(long) if !block.last => {
                self.transfers.put(Some(invoke), Transfer::Action(LongAction::Request(long)));
                call.answer_action(ActionResponse::NextPblock { invoke, number: block.number });
                Ok(())
            }
            Ok(long) => {
                match Apdu::decode(&long.into_apdu()) {
                    Ok(Apdu::ActionRequest(ActionRequest::Normal {
                        method, parameters, ..
                    })) => call.action(invoke, method, parameters),
                    Ok(Apdu::ActionRequest(ActionRequest::WithList {
                        methods,
                        parameters,
                        ..
                    })) => call.action_list(invoke, methods, parameters)?,
                    // What was joined are no parameters.
                    _ => call.answer_action(ActionResponse::Normal {
                        invoke,
                        result: ActionResult::TypeUnmatched,
                        returned: None,
                    }),
                }
                self.fit_action(call, invoke)
            }
        }
    }

    /// Keeps an answer that fits and starts the block transfer of one that does not.
    fn fit_action(
        &mut self,
        call: &mut Call<'_>,
        invoke: InvokeIdAndPriority,
    ) -> Result<(), Refusal> {
        if call.answer.len() <= call.room {
            return Ok(());
        }
        if !call.access.conformance.contains(Conformance::BLOCK_ACTION) {
            return call.leave_to_blocks();
        }
        check_len(call.answer)?;
        let mut octets = mem::take(call.answer);
        octets.drain(..HEAD_LEN);
        self.send_action_block(call, invoke, LongAnswer::new(octets));
        Ok(())
    }

    fn on_action_next(&mut self, call: &mut Call<'_>, invoke: InvokeIdAndPriority, number: u32) {
        let result = match self.transfers.take(Some(invoke)) {
            Transfer::Action(LongAction::Answer(long)) if long.number() == number => {
                return self.send_action_block(call, invoke, long);
            }
            Transfer::Action(LongAction::Answer(_)) => ActionResult::LongActionAborted,
            _ => ActionResult::NoLongActionInProgress,
        };
        call.answer_action(ActionResponse::Normal { invoke, result, returned: None });
    }

    fn send_action_block(
        &mut self,
        call: &mut Call<'_>,
        invoke: InvokeIdAndPriority,
        mut long: LongAnswer,
    ) {
        let block = long.next(call.room);
        let last = block.last;
        call.answer_action(ActionResponse::WithPblock { invoke, block });
        if !last {
            self.transfers.put(Some(invoke), Transfer::Action(LongAction::Answer(long)));
        }
    }
}

impl Call<'_> {
    fn action(
        &mut self,
        invoke: InvokeIdAndPriority,
        method: MethodDescriptor,
        parameters: Option<RawData<'_>>,
    ) {
        let mut returned = Vec::new();
        let result = self.invoke(method, parameters, &mut returned);
        let returned = as_returned(&returned);
        self.answer_action(ActionResponse::Normal { invoke, result, returned });
    }

    fn action_list(
        &mut self,
        invoke: InvokeIdAndPriority,
        methods: Vec<MethodDescriptor>,
        parameters: Vec<RawData<'_>>,
    ) -> Result<(), Refusal> {
        self.needs(Conformance::MULTIPLE_REFERENCES)?;
        let (mut outcomes, mut sum) = (Vec::new(), 0);
        for (method, parameters) in methods.into_iter().zip(parameters) {
            let mut returned = Vec::new();
            let result = self.invoke(method, Some(parameters), &mut returned);
            check_sum(&mut sum, &returned)?;
            outcomes.push((result, returned));
        }
        let results = outcomes.iter().map(|(result, returned)| (*result, as_returned(returned)));
        let results = results.collect();
        self.answer_action(ActionResponse::WithList { invoke, results });
        Ok(())
    }

    pub(super) fn invoke(
        &mut self,
        method: MethodDescriptor,
        parameters: Option<RawData<'_>>,
        returned: &mut Vec<u8>,
    ) -> ActionResult {
        // Whoever got here is authenticated; there is no challenge to answer.
        let to_challenge = [REPLY_TO_HLS_AUTHENTICATION, short_names::REPLY_TO_HLS_AUTHENTICATION];
        if to_challenge.contains(&method) {
            return ActionResult::ReadWriteDenied;
        }
        match self.device.action(&self.access, method, parameters, returned) {
            Ok(()) => ActionResult::Success,
            Err(result) => {
                returned.clear();
                result
            }
        }
    }

    pub(super) fn answer_action(&mut self, answer: ActionResponse<'_>) {
        answer.encode(&mut Writer::new(self.answer));
    }
}

/// What a method returned; nothing when it appended nothing.
fn as_returned(octets: &[u8]) -> Option<Result<RawData<'_>, DataAccessResult>> {
    if octets.is_empty() {
        return None;
    }
    Some(RawData::from_octets(octets).map_err(|_| DataAccessResult::OtherReason))
}
