//! SET: one attribute, several, and requests that come in blocks (IEC 62056-5-3 clause 6.8).

use alloc::vec::Vec;

use super::{
    Call, Refusal, Server,
    block::{JoinError, LongRequest, Transfer},
};
use crate::{
    axdr::{RawData, Writer},
    xdlms::{
        Apdu, AttributeSelection, Conformance, DataAccessResult, DataBlock, InvokeIdAndPriority,
        SetRequest, SetResponse, tag,
    },
};

/// The choice octets of a SET request in one piece.
const NORMAL: u8 = 1;
const WITH_LIST: u8 = 4;

impl Server {
    pub(super) fn on_set(
        &mut self,
        call: &mut Call<'_>,
        request: SetRequest<'_>,
    ) -> Result<(), Refusal> {
        call.needs(Conformance::SET)?;
        match request {
            SetRequest::Normal { invoke, attribute, value } => {
                self.transfers.take(Some(invoke));
                let result = call.set(attribute, value);
                call.answer_set(SetResponse::Normal { invoke, result });
                Ok(())
            }
            SetRequest::WithList { invoke, attributes, values } => {
                self.transfers.take(Some(invoke));
                let results = call.set_list(attributes, values)?;
                call.answer_set(SetResponse::WithList { invoke, results });
                Ok(())
            }
            SetRequest::FirstDatablock { invoke, attribute, block } => {
                call.needs(Conformance::BLOCK_SET)?;
                let mut head = Vec::from([tag::SET_REQUEST, NORMAL, invoke.0]);
                attribute.encode(&mut Writer::new(&mut head));
                self.transfers.take(Some(invoke));
                self.transfers.put(Some(invoke), Transfer::Set(LongRequest::new(head)));
                self.on_set_block(call, invoke, block)
            }
            SetRequest::WithListFirstDatablock { invoke, attributes, block } => {
                call.needs(Conformance::BLOCK_SET)?;
                let mut head = Vec::from([tag::SET_REQUEST, WITH_LIST, invoke.0]);
                let mut writer = Writer::new(&mut head);
                writer.length(attributes.len());
                attributes.iter().for_each(|attribute| attribute.encode(&mut writer));
                self.transfers.take(Some(invoke));
                self.transfers.put(Some(invoke), Transfer::Set(LongRequest::new(head)));
                self.on_set_block(call, invoke, block)
            }
            SetRequest::Datablock { invoke, block } => self.on_set_block(call, invoke, block),
        }
    }

    fn on_set_block(
        &mut self,
        call: &mut Call<'_>,
        invoke: InvokeIdAndPriority,
        block: DataBlock<'_>,
    ) -> Result<(), Refusal> {
        let number = block.number;
        let joined = match self.transfers.take(Some(invoke)) {
            Transfer::Set(mut long) => match long.join(block) {
                Ok(()) => Ok(long),
                Err(JoinError::Number) => Err(DataAccessResult::DataBlockNumberInvalid),
                Err(JoinError::TooLong) => Err(DataAccessResult::LongSetAborted),
            },
            _ => Err(DataAccessResult::NoLongSetInProgress),
        };
        let answer = match joined {
            Err(result) => SetResponse::LastDatablock { invoke, result, number },
            Ok(long) if !block.last => {
                self.transfers.put(Some(invoke), Transfer::Set(long));
                SetResponse::Datablock { invoke, number }
            }
            Ok(long) => match Apdu::decode(&long.into_apdu()) {
                Ok(Apdu::SetRequest(SetRequest::Normal { attribute, value, .. })) => {
                    let result = call.set(attribute, value);
                    SetResponse::LastDatablock { invoke, result, number }
                }
                Ok(Apdu::SetRequest(SetRequest::WithList { attributes, values, .. })) => {
                    let results = call.set_list(attributes, values)?;
                    SetResponse::LastDatablockWithList { invoke, results, number }
                }
                // What was joined is no value.
                _ => {
                    let result = DataAccessResult::TypeUnmatched;
                    SetResponse::LastDatablock { invoke, result, number }
                }
            },
        };
        call.answer_set(answer);
        Ok(())
    }
}

impl Call<'_> {
    pub(super) fn set(
        &mut self,
        attribute: AttributeSelection<'_>,
        value: RawData<'_>,
    ) -> DataAccessResult {
        let AttributeSelection { attribute, selection } = attribute;
        if selection.is_some() && !self.access.conformance.contains(Conformance::SELECTIVE_ACCESS) {
            return DataAccessResult::ScopeOfAccessViolated;
        }
        match self.device.set(&self.access, attribute, selection, value) {
            Ok(()) => DataAccessResult::Success,
            Err(refusal) => refusal,
        }
    }

    fn set_list(
        &mut self,
        attributes: Vec<AttributeSelection<'_>>,
        values: Vec<RawData<'_>>,
    ) -> Result<Vec<DataAccessResult>, Refusal> {
        self.needs(Conformance::MULTIPLE_REFERENCES)?;
        let both = attributes.into_iter().zip(values);
        Ok(both.map(|(attribute, value)| self.set(attribute, value)).collect())
    }

    fn answer_set(&mut self, answer: SetResponse) {
        answer.encode(&mut Writer::new(self.answer));
    }
}
