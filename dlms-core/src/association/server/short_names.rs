//! Read, Write and UnconfirmedWrite by short names (IEC 62056-5-3 clauses 6.12 to 6.14): the same
//! attributes and methods under other names.

use alloc::vec::Vec;
use core::mem;

use super::{
    Call, Refusal, Server,
    block::{LongAnswer, LongRequest, Transfer, check_len, check_sum},
    get::as_data,
};
use crate::{
    association::short_names::{ShortNameObject, Target, resolve},
    axdr::{Data, RawData, Reader, Writer},
    cosem::{AttributeDescriptor, ShortName},
    xdlms::{
        ActionResult, Apdu, Conformance, DataAccessResult, DataBlock, ReadRequest, ReadResponse,
        ReadResult, SelectiveAccess, VariableAccess, WriteRequest, WriteResponse, WriteResult, tag,
    },
};

/// The tag in front of the results of an answer, which blocks leave out.
const HEAD_LEN: usize = 1;

impl Server {
    pub(super) fn on_read(
        &mut self,
        call: &mut Call<'_>,
        request: ReadRequest<'_>,
    ) -> Result<(), Refusal> {
        call.needs(Conformance::READ)?;
        match request.0[..] {
            [VariableAccess::BlockNumber(number)] => self.on_read_next(call, number),
            [VariableAccess::ReadBlock { last, number, octets }] => {
                let block = DataBlock { last, number: number.into(), octets };
                self.on_read_block(call, block)
            }
            _ => self.read_all(call, &request),
        }
    }

    fn read_all(&mut self, call: &mut Call<'_>, request: &ReadRequest<'_>) -> Result<(), Refusal> {
        self.transfers.take(None);
        if request.0.len() > 1 {
            call.needs(Conformance::MULTIPLE_REFERENCES)?;
        }
        let (mut values, mut sum) = (Vec::new(), 0);
        for variable in &request.0 {
            let mut value = Vec::new();
            let result = call.read(variable, &mut value);
            check_sum(&mut sum, &value)?;
            values.push(result.map(|()| value));
        }
        let results = values.iter().map(|value| match value {
            Ok(value) => as_data(value).map_or_else(ReadResult::Error, ReadResult::Data),
            Err(refusal) => ReadResult::Error(*refusal),
        });
        ReadResponse(results.collect()).encode(&mut Writer::new(call.answer));
        if call.answer.len() <= call.room {
            return check_len(call.answer);
        }
        if !call.access.conformance.contains(Conformance::BLOCK_GET) {
            return call.leave_to_blocks();
        }
        check_len(call.answer)?;
        let mut octets = mem::take(call.answer);
        octets.drain(..HEAD_LEN);
        self.send_read_block(call, LongAnswer::new(octets))
    }

    fn on_read_next(&mut self, call: &mut Call<'_>, number: u16) -> Result<(), Refusal> {
        let refusal = match self.transfers.take(None) {
            Transfer::Read(long) if long.number() == u32::from(number) => {
                return self.send_read_block(call, long);
            }
            Transfer::Read(_) => DataAccessResult::DataBlockNumberInvalid,
            _ => DataAccessResult::NoLongGetInProgress,
        };
        call.answer_read(ReadResult::Error(refusal));
        Ok(())
    }

    fn send_read_block(
        &mut self,
        call: &mut Call<'_>,
        mut long: LongAnswer,
    ) -> Result<(), Refusal> {
        let DataBlock { last, number, octets } = long.next(call.room);
        // Blocks have numbers of 16 bits here.
        let number = u16::try_from(number).map_err(|_| Refusal::TooLong)?;
        call.answer_read(ReadResult::Block { last, number, octets });
        if !last {
            self.transfers.put(None, Transfer::Read(long));
        }
        Ok(())
    }

    /// A block of a list of variables.
    fn on_read_block(&mut self, call: &mut Call<'_>, block: DataBlock<'_>) -> Result<(), Refusal> {
        call.needs(Conformance::BLOCK_GET)?;
        let number = u16::try_from(block.number).map_err(|_| Refusal::Malformed)?;
        let mut long = match self.transfers.take(None) {
            Transfer::ReadRequest(long) if number != 1 => long,
            _ => LongRequest::new(Vec::from([tag::READ_REQUEST])),
        };
        if long.join(block).is_err() {
            call.answer_read(ReadResult::Error(DataAccessResult::LongGetAborted));
        } else if !block.last {
            self.transfers.put(None, Transfer::ReadRequest(long));
            call.answer_read(ReadResult::BlockNumber(number));
        } else {
            let apdu = long.into_apdu();
            let Apdu::ReadRequest(request) = Apdu::decode(&apdu)? else {
                return Err(Refusal::Malformed);
            };
            return self.read_all(call, &request);
        }
        Ok(())
    }

    pub(super) fn on_write(
        &mut self,
        call: &mut Call<'_>,
        request: WriteRequest<'_>,
        service: Conformance,
    ) -> Result<(), Refusal> {
        call.needs(service)?;
        let (&[VariableAccess::WriteBlock { last, number }], [raw]) =
            (&request.variables[..], &request.data[..])
        else {
            return self.write_all(call, request);
        };
        call.needs(Conformance::BLOCK_SET)?;
        let Data::OctetString(octets) = raw.data()? else { return Err(Refusal::Malformed) };
        let mut long = match self.transfers.take(None) {
            Transfer::Write(long) if number != 1 => long,
            _ => LongRequest::new(Vec::new()),
        };
        let block = DataBlock { last, number: number.into(), octets };
        let result = if long.join(block).is_err() {
            WriteResult::Error(DataAccessResult::LongSetAborted)
        } else if last {
            let body = long.into_apdu();
            let mut reader = Reader::new(&body);
            let request = WriteRequest::decode_lists(&mut reader)?;
            reader.finish()?;
            return self.write_all(call, request);
        } else {
            self.transfers.put(None, Transfer::Write(long));
            WriteResult::BlockNumber(number)
        };
        call.answer_write(Vec::from([result]));
        Ok(())
    }

    fn write_all(&mut self, call: &mut Call<'_>, request: WriteRequest<'_>) -> Result<(), Refusal> {
        self.transfers.take(None);
        if request.variables.len() > 1 {
            call.needs(Conformance::MULTIPLE_REFERENCES)?;
        }
        let both = request.variables.iter().zip(request.data);
        let results = both.map(|(variable, value)| call.write(variable, value)).collect();
        call.answer_write(results);
        Ok(())
    }
}

impl Call<'_> {
    fn target(&self, name: ShortName) -> Result<Target, DataAccessResult> {
        resolve(self.device.short_names(), name).ok_or(DataAccessResult::ObjectUndefined)
    }

    fn read(
        &mut self,
        variable: &VariableAccess<'_>,
        value: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        let (name, selection) = match *variable {
            VariableAccess::Name(name) => (name, None),
            VariableAccess::Parameterized { name, selector, parameter } => {
                if !self.access.conformance.contains(Conformance::PARAMETERIZED_ACCESS) {
                    return Err(DataAccessResult::ScopeOfAccessViolated);
                }
                (name, Some(SelectiveAccess { selector, parameters: parameter }))
            }
            // A block among others.
            _ => return Err(DataAccessResult::DataBlockUnavailable),
        };
        match self.target(name)? {
            Target::Attribute(ShortNameObject::LIST) => {
                ShortNameObject::encode_list(self.device.short_names(), &mut Writer::new(value));
                Ok(())
            }
            Target::Attribute(attribute) if is_own_name(attribute) => {
                Data::OctetString(&attribute.instance.0).encode(&mut Writer::new(value));
                Ok(())
            }
            Target::Attribute(attribute) => {
                self.device.get(&self.access, attribute, selection, value)
            }
            Target::Method(method) => {
                let parameters = selection.map(|selection| selection.parameters);
                match self.invoke(method, parameters, value) {
                    ActionResult::Success if value.is_empty() => {
                        RawData::NULL.encode(&mut Writer::new(value));
                        Ok(())
                    }
                    ActionResult::Success => Ok(()),
                    refusal => Err(as_access_result(refusal)),
                }
            }
        }
    }

    fn write(&mut self, variable: &VariableAccess<'_>, value: RawData<'_>) -> WriteResult {
        let (name, selection) = match *variable {
            VariableAccess::Name(name) => (name, None),
            VariableAccess::Parameterized { name, selector, parameter }
                if self.access.conformance.contains(Conformance::PARAMETERIZED_ACCESS) =>
            {
                (name, Some(SelectiveAccess { selector, parameters: parameter }))
            }
            VariableAccess::Parameterized { .. } => {
                return WriteResult::Error(DataAccessResult::ScopeOfAccessViolated);
            }
            _ => return WriteResult::Error(DataAccessResult::DataBlockUnavailable),
        };
        let written = self.target(name).and_then(|target| match target {
            Target::Attribute(attribute) => {
                self.device.set(&self.access, attribute, selection, value)
            }
            Target::Method(method) => match self.invoke(method, Some(value), &mut Vec::new()) {
                ActionResult::Success => Ok(()),
                refusal => Err(as_access_result(refusal)),
            },
        });
        written.map_or_else(WriteResult::Error, |()| WriteResult::Success)
    }

    fn answer_read(&mut self, result: ReadResult<'_>) {
        ReadResponse(Vec::from([result])).encode(&mut Writer::new(self.answer));
    }

    fn answer_write(&mut self, results: Vec<WriteResult>) {
        WriteResponse(results).encode(&mut Writer::new(self.answer));
    }
}

/// Attribute 1 of the association itself, which a device with logical names does not have.
fn is_own_name(attribute: AttributeDescriptor) -> bool {
    attribute.class == ShortNameObject::LIST.class && attribute.attribute.0 == 1
}

/// What a refused method is called where only the codes of attributes exist: they agree but for
/// those of block transfers, which are no answer here.
const fn as_access_result(result: ActionResult) -> DataAccessResult {
    DataAccessResult::from_code(result.code())
}
