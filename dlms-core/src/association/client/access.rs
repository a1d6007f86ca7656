//! ACCESS (IEC 62056-5-3 clause 6.9): one APDU each way, in blocks of general block transfer where
//! that was agreed on.

use alloc::vec::Vec;

use super::{
    AccessAnswer, AccessItem, ActionOutcome, Client, OnRefusal, Request, Response,
    transfer::{counted, raw, selected},
    verified::Verified,
};
use crate::{
    association::{Failure, Violation},
    axdr::{RawData, Writer},
    xdlms::{
        AccessRequest, AccessResponse, AccessResult, AccessSpecification, ActionResult,
        Conformance, DataAccessResult, LongInvokeIdAndPriority,
    },
};

impl Client {
    pub(super) fn encode_access(
        &self,
        mut invoke: LongInvokeIdAndPriority,
        items: &[AccessItem],
        on_refusal: OnRefusal,
        writer: &mut Writer<'_>,
    ) -> Result<(), Failure> {
        self.needs(Conformance::ACCESS, "ACCESS")?;
        if on_refusal == OnRefusal::Break {
            invoke = invoke.and_break_on_error();
        }
        let mut specification = Vec::new();
        let mut data = Vec::new();
        for item in items {
            let (wanted, datum) = match item {
                AccessItem::Get { attribute, selection } => {
                    let selection = selected(*attribute, selection.as_ref())?.selection;
                    let attribute = *attribute;
                    (AccessSpecification::Get { attribute, selection }, RawData::NULL)
                }
                AccessItem::Set { attribute, selection, value } => {
                    let selection = selected(*attribute, selection.as_ref())?.selection;
                    let attribute = *attribute;
                    (AccessSpecification::Set { attribute, selection }, raw(value)?)
                }
                AccessItem::Action { method, parameters } => {
                    let parameters = parameters.as_deref().map_or(Ok(RawData::NULL), raw)?;
                    (AccessSpecification::Action(*method), parameters)
                }
            };
            specification.push(wanted);
            data.push(datum);
        }
        AccessRequest { invoke, date_time: &[], specification, data }.encode(writer);
        Ok(())
    }

    pub(super) fn on_access(&mut self, response: Verified<AccessResponse<'_>>) {
        let response = response.into_inner();
        let id = response.invoke.id();
        let of_it = self.take_operation(|operation| operation.long_invoke_id == id);
        // Otherwise it is the answer to one that was given up.
        let Some(operation) = of_it else { return self.discard() };
        let step = match &operation.request {
            Request::Access { items, .. } => {
                answers(items, response).map(|answers| Some(Response::Access(answers)))
            }
            _ => Err(Violation::Unexpected("access-response").into()),
        };
        self.step(operation, step);
    }
}

fn answers(
    items: &[AccessItem],
    response: AccessResponse<'_>,
) -> Result<Vec<AccessAnswer>, Failure> {
    let results = counted(items.len(), response.results)?;
    let pairs = items.iter().zip(results).zip(response.data);
    pairs.map(|((item, result), data)| answer(item, result, data)).collect()
}

fn answer(
    item: &AccessItem,
    result: AccessResult,
    data: RawData<'_>,
) -> Result<AccessAnswer, Failure> {
    Ok(match (item, result) {
        (AccessItem::Get { .. }, AccessResult::Get(DataAccessResult::Success)) => {
            AccessAnswer::Get(Ok(data.octets().to_vec()))
        }
        (AccessItem::Get { .. }, AccessResult::Get(refusal)) => AccessAnswer::Get(Err(refusal)),
        (AccessItem::Set { .. }, AccessResult::Set(result)) => AccessAnswer::Set(result),
        (AccessItem::Action { .. }, AccessResult::Action(result)) => {
            let returned = result == ActionResult::Success && data != RawData::NULL;
            let returned = returned.then(|| Ok(data.octets().to_vec()));
            AccessAnswer::Action(ActionOutcome { result, returned })
        }
        _ => return Err(Violation::Unexpected("kind of ACCESS result").into()),
    })
}
