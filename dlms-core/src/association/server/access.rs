//! ACCESS: reads, writes and method calls in one request, in its order (IEC 62056-5-3 clause 6.9).

use alloc::vec::Vec;

use super::{
    Call, Refusal, Server,
    block::{check_len, check_sum},
    get::as_data,
};
use crate::{
    axdr::{RawData, Writer},
    xdlms::{
        AccessRequest, AccessResponse, AccessResult, AccessSpecification, ActionResult,
        AttributeSelection, Conformance, DataAccessResult,
    },
};

impl Server {
    pub(super) fn on_access(
        &self,
        call: &mut Call<'_>,
        request: AccessRequest<'_>,
    ) -> Result<(), Refusal> {
        call.needs(Conformance::ACCESS)?;
        let AccessRequest { invoke, specification, data, .. } = request;
        let (mut values, mut sum) = (Vec::new(), 0);
        let mut results = Vec::new();
        let mut broken = false;
        for (wanted, parameter) in specification.iter().zip(data) {
            let mut value = Vec::new();
            let result = if broken {
                not_executed(wanted)
            } else {
                call.access(wanted, parameter, &mut value)
            };
            if !result.is_success() {
                value.clear();
                broken |= invoke.break_on_error();
            }
            check_sum(&mut sum, &value)?;
            values.push(value);
            results.push(result);
        }
        let data = values.iter().map(|value| as_data(value).unwrap_or(RawData::NULL)).collect();
        let specification = invoke.self_descriptive().then_some(specification);
        AccessResponse { invoke, date_time: &[], specification, data, results }
            .encode(&mut Writer::new(call.answer));
        if call.answer.len() <= call.room {
            return check_len(call.answer);
        }
        call.leave_to_blocks()
    }
}

/// What an entry behind the first error gets, where that ends the execution. The standard has no
/// code for it.
const fn not_executed(wanted: &AccessSpecification<'_>) -> AccessResult {
    match wanted {
        AccessSpecification::Get { .. } => AccessResult::Get(DataAccessResult::OtherReason),
        AccessSpecification::Set { .. } => AccessResult::Set(DataAccessResult::OtherReason),
        AccessSpecification::Action(_) => AccessResult::Action(ActionResult::OtherReason),
    }
}

impl Call<'_> {
    /// Does one of the things.
    fn access(
        &mut self,
        wanted: &AccessSpecification<'_>,
        parameter: RawData<'_>,
        value: &mut Vec<u8>,
    ) -> AccessResult {
        match *wanted {
            AccessSpecification::Get { attribute, selection } => {
                let read = self.get(AttributeSelection { attribute, selection }, value);
                let read = read.and_then(|()| as_data(value).map(drop));
                AccessResult::Get(read.err().unwrap_or(DataAccessResult::Success))
            }
            AccessSpecification::Set { attribute, selection } => {
                AccessResult::Set(self.set(AttributeSelection { attribute, selection }, parameter))
            }
            AccessSpecification::Action(method) => {
                let result = self.invoke(method, Some(parameter), value);
                AccessResult::Action(result)
            }
        }
    }
}
