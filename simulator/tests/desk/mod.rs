//! A meter on the desk: asked without any line, at a time of the test's choice.

use core::sync::atomic::{AtomicI64, Ordering};
use std::sync::Arc;

use dlms_core::{
    association::{Entropy, Server, ServerConfig},
    axdr::{Data, DataBuf, RawData, Reader, Writer},
    cosem::{AttributeDescriptor, ClassId, LogicalName, MethodDescriptor, ProfileSelector},
    xdlms::{
        ActionRequest, ActionResponse, ActionResult, Apdu, AttributeSelection, DataAccessResult,
        GetRequest, GetResponse, InvokeIdAndPriority, SelectiveAccess, SetRequest, SetResponse,
    },
};
use simulator::{Meter, MeterClient, MeterConfig, WallClock};

/// 2026-01-15T11:00:00Z, a Thursday.
pub(crate) const NOON: i64 = 1_768_474_800;

const INVOKE: InvokeIdAndPriority = InvokeIdAndPriority::new(1, true, true);

pub(crate) struct Desk {
    meter: Meter,
    server: Server,
    now: Arc<AtomicI64>,
}

/// Challenges need not be unguessable on a desk.
struct Zeros;

impl Entropy for Zeros {
    fn fill(&mut self, octets: &mut [u8]) {
        octets.fill(0);
    }
}

impl Desk {
    /// A meter with a profile of 3,000 rows, and an association of its public client, which may do
    /// everything.
    pub(crate) fn new() -> Self {
        Self::with_clients(MeterClient::open())
    }

    /// The same with other clients; the association is that of the public one.
    pub(crate) fn with_clients(clients: Vec<MeterClient>) -> Self {
        Self::with_config(MeterConfig { clients, ..MeterConfig::default() })
    }

    /// The same with another configuration, but for the clock and the rows of the profile.
    pub(crate) fn with_config(config: MeterConfig) -> Self {
        let now = Arc::new(AtomicI64::new(NOON));
        let clock = Arc::clone(&now);
        let clock = WallClock::new(move || clock.load(Ordering::Relaxed));
        let config = MeterConfig { entries: 3_000, clock, ..config };
        let meter = Meter::new(1003, Arc::new(config));
        let mut desk = Self { meter, server: Server::new(ServerConfig::new(16)), now };
        let aarq = [
            0x60, 0x1d, 0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01, 0x01, 0xbe,
            0x10, 0x04, 0x0e, 0x01, 0x00, 0x00, 0x00, 0x06, 0x5f, 0x1f, 0x04, 0x00, 0x7f, 0xff,
            0xff, 0x00, 0x00,
        ];
        desk.ask(|out| out.extend_from_slice(&aarq));
        assert!(desk.server.is_associated());
        desk
    }

    pub(crate) fn now(&self) -> i64 {
        self.now.load(Ordering::Relaxed)
    }

    pub(crate) fn set_now(&self, unix_s: i64) {
        self.now.store(unix_s, Ordering::Relaxed);
    }

    /// The meter itself.
    pub(crate) fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }

    fn ask(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let (mut apdu, mut out) = (Vec::new(), Vec::new());
        encode(&mut apdu);
        assert!(self.server.handle_apdu(&mut self.meter, &mut Zeros, &mut apdu, &mut out));
        out
    }

    /// Reads an attribute, all blocks of it.
    pub(crate) fn read(
        &mut self,
        attribute: AttributeDescriptor,
        selector: Option<&ProfileSelector>,
    ) -> Result<DataBuf, DataAccessResult> {
        let part = selector.map(|selector| (selector.selector(), selector.parameters()));
        self.read_whole_or_part(attribute, part.as_ref().map(|(number, part)| (*number, part)))
    }

    /// Reads the part of an attribute that a selector means.
    pub(crate) fn read_part(
        &mut self,
        attribute: AttributeDescriptor,
        selector: u8,
        parameters: &DataBuf,
    ) -> Result<DataBuf, DataAccessResult> {
        self.read_whole_or_part(attribute, Some((selector, parameters)))
    }

    fn read_whole_or_part(
        &mut self,
        attribute: AttributeDescriptor,
        part: Option<(u8, &DataBuf)>,
    ) -> Result<DataBuf, DataAccessResult> {
        let parameters = part.map(|(_, parameters)| parameters.to_octets());
        let selection = part.zip(parameters.as_ref()).map(|((selector, _), parameters)| {
            let parameters = RawData::from_octets(parameters).unwrap();
            SelectiveAccess { selector, parameters }
        });
        let attribute = AttributeSelection { attribute, selection };
        let request = GetRequest::Normal { invoke: INVOKE, attribute };
        let mut answer = self.ask(|out| request.encode(&mut Writer::new(out)));
        let mut joined = Vec::new();
        loop {
            let number = match Apdu::decode(&answer).unwrap() {
                Apdu::GetResponse(GetResponse::Normal { result, .. }) => {
                    return result.map(|data| data.data().unwrap().to_buf().unwrap());
                }
                Apdu::GetResponse(GetResponse::WithDatablock { last, number, result, .. }) => {
                    joined.extend_from_slice(result?);
                    if last {
                        return Ok(DataBuf::decode(&mut Reader::new(&joined)).unwrap());
                    }
                    number
                }
                other => panic!("{other:?}"),
            };
            let next = GetRequest::Next { invoke: INVOKE, block_number: number };
            answer = self.ask(|out| next.encode(&mut Writer::new(out)));
        }
    }

    /// Reads an attribute that must be there.
    pub(crate) fn get(&mut self, class: ClassId, name: &str, attribute: i8) -> DataBuf {
        self.read(AttributeDescriptor::new(class, name.parse().unwrap(), attribute), None).unwrap()
    }

    /// Reads an attribute that must be a number.
    pub(crate) fn number(&mut self, class: ClassId, name: &str, attribute: i8) -> i128 {
        let value = self.get(class, name, attribute).to_octets();
        Data::decode(&mut Reader::new(&value)).unwrap().as_integer().unwrap()
    }

    /// Reads a part of a profile: its rows.
    pub(crate) fn rows(
        &mut self,
        name: &str,
        selector: Option<&ProfileSelector>,
    ) -> Result<Vec<Vec<DataBuf>>, DataAccessResult> {
        let buffer = AttributeDescriptor::new(ClassId::PROFILE_GENERIC, name.parse().unwrap(), 2);
        let DataBuf::Array(rows) = self.read(buffer, selector)? else { panic!("no array") };
        Ok(rows
            .into_iter()
            .map(|row| match row {
                DataBuf::Structure(cells) => cells,
                other => panic!("{other:?}"),
            })
            .collect())
    }

    pub(crate) fn set(
        &mut self,
        class: ClassId,
        name: &str,
        attribute: i8,
        value: &DataBuf,
    ) -> DataAccessResult {
        let name: LogicalName = name.parse().unwrap();
        let value = value.to_octets();
        let request = SetRequest::Normal {
            invoke: INVOKE,
            attribute: AttributeSelection::whole(AttributeDescriptor::new(class, name, attribute)),
            value: RawData::from_octets(&value).unwrap(),
        };
        let answer = self.ask(|out| request.encode(&mut Writer::new(out)));
        match Apdu::decode(&answer).unwrap() {
            Apdu::SetResponse(SetResponse::Normal { result, .. }) => result,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn invoke(
        &mut self,
        class: ClassId,
        name: &str,
        method: i8,
        parameter: &DataBuf,
    ) -> ActionResult {
        let parameter = parameter.to_octets();
        let request = ActionRequest::Normal {
            invoke: INVOKE,
            method: MethodDescriptor::new(class, name.parse().unwrap(), method),
            parameters: Some(RawData::from_octets(&parameter).unwrap()),
        };
        let answer = self.ask(|out| request.encode(&mut Writer::new(out)));
        match Apdu::decode(&answer).unwrap() {
            Apdu::ActionResponse(ActionResponse::Normal { result, .. }) => result,
            other => panic!("{other:?}"),
        }
    }
}
