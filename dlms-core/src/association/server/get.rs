//! GET: one attribute, several, and the blocks of a long answer (IEC 62056-5-3 clause 6.7).

use alloc::vec::Vec;
use core::mem;

use super::{
    Call, Refusal, Server,
    block::{LongAnswer, Transfer, check_len, check_sum},
};
use crate::{
    axdr::{RawData, Writer},
    xdlms::{
        AttributeSelection, Conformance, DataAccessResult, GetRequest, GetResponse,
        InvokeIdAndPriority,
    },
};

/// Tag, choice and invoke-id in front of the results of an answer.
const HEAD_LEN: usize = 3;
/// The choice octet of a single result, which blocks leave out.
const CHOICE_LEN: usize = 1;

impl Server {
    pub(super) fn on_get(
        &mut self,
        call: &mut Call<'_>,
        request: GetRequest<'_>,
    ) -> Result<(), Refusal> {
        call.needs(Conformance::GET)?;
        match request {
            GetRequest::Normal { invoke, attribute } => {
                self.transfers.take(Some(invoke));
                let mut value = Vec::new();
                let result = call.get(attribute, &mut value).and_then(|()| as_data(&value));
                let data = result.is_ok();
                GetResponse::Normal { invoke, result }.encode(&mut Writer::new(call.answer));
                let skipped = if data { HEAD_LEN + CHOICE_LEN } else { HEAD_LEN };
                self.fit_get(call, invoke, skipped)
            }
            GetRequest::WithList { invoke, attributes } => {
                call.needs(Conformance::MULTIPLE_REFERENCES)?;
                self.transfers.take(Some(invoke));
                let (mut values, mut sum) = (Vec::new(), 0);
                for attribute in attributes {
                    let mut value = Vec::new();
                    let result = call.get(attribute, &mut value);
                    check_sum(&mut sum, &value)?;
                    values.push(result.map(|()| value));
                }
                let results = values
                    .iter()
                    .map(|value| value.as_deref().map_err(|refusal| *refusal).and_then(as_data));
                let results = results.collect();
                GetResponse::WithList { invoke, results }.encode(&mut Writer::new(call.answer));
                self.fit_get(call, invoke, HEAD_LEN)
            }
            GetRequest::Next { invoke, block_number } => {
                self.on_get_next(call, invoke, block_number);
                Ok(())
            }
        }
    }

    /// Keeps an answer that fits and starts the block transfer of one that does not, whose results
    /// begin after `skipped` octets.
    fn fit_get(
        &mut self,
        call: &mut Call<'_>,
        invoke: InvokeIdAndPriority,
        skipped: usize,
    ) -> Result<(), Refusal> {
        if call.answer.len() <= call.room {
            return Ok(());
        }
        if !call.access.conformance.contains(Conformance::BLOCK_GET) {
            return call.leave_to_blocks();
        }
        check_len(call.answer)?;
        let mut octets = mem::take(call.answer);
        octets.drain(..skipped);
        self.send_get_block(call, invoke, LongAnswer::new(octets));
        Ok(())
    }

    fn on_get_next(&mut self, call: &mut Call<'_>, invoke: InvokeIdAndPriority, number: u32) {
        let refusal = match self.transfers.take(Some(invoke)) {
            Transfer::Get(long) if long.number() == number => {
                return self.send_get_block(call, invoke, long);
            }
            Transfer::Get(_) => DataAccessResult::DataBlockNumberInvalid,
            _ => DataAccessResult::NoLongGetInProgress,
        };
        GetResponse::WithDatablock { invoke, last: true, number, result: Err(refusal) }
            .encode(&mut Writer::new(call.answer));
    }

    fn send_get_block(
        &mut self,
        call: &mut Call<'_>,
        invoke: InvokeIdAndPriority,
        mut long: LongAnswer,
    ) {
        let block = long.next(call.room);
        let last = block.last;
        GetResponse::WithDatablock { invoke, last, number: block.number, result: Ok(block.octets) }
            .encode(&mut Writer::new(call.answer));
        if !last {
            self.transfers.put(Some(invoke), Transfer::Get(long));
        }
    }
}

impl Call<'_> {
    /// Asks the device for one attribute.
    pub(super) fn get(
        &mut self,
        attribute: AttributeSelection<'_>,
        value: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        let AttributeSelection { attribute, selection } = attribute;
        if selection.is_some() && !self.access.conformance.contains(Conformance::SELECTIVE_ACCESS) {
            return Err(DataAccessResult::ScopeOfAccessViolated);
        }
        self.device.get(&self.access, attribute, selection, value)
    }
}

/// What the device produced. Should it be no Data, that is the device's fault, not the client's.
pub(super) fn as_data(value: &[u8]) -> Result<RawData<'_>, DataAccessResult> {
    RawData::from_octets(value).map_err(|_| DataAccessResult::OtherReason)
}
