//! A device with an interface class of its own: a heat pump that takes orders. The class is written
//! once, and everything else that a client expects comes with the object set: rights, attribute 1,
//! the object list of the association, refusals.
//!
//! Client and server are the machines of this crate, and what passes between them are octets, so
//! no socket is needed to try it.
//!
//! ```text
//! cargo run -p dlms-core --example own_class
//! ```

use core::error::Error;
use std::sync::Arc;

use dlms_core::{
    acse::Mechanism,
    association::{
        Access, Client, ClientConfig, ClientPolicy, Entropy, Event, LogicalDevice, Request,
        Response, Server, ServerConfig,
    },
    axdr::{Data, DataBuf, RawData},
    cosem::{AttributeDescriptor, ClassId, LogicalName, MethodDescriptor},
    device::{
        AllRights, AssociationLn, AttributeRights, Call, CosemObject, Get, MethodRights, ObjectSet,
        put,
    },
    security::{CryptoProvider, Protection, ReceiveCounter, RustCrypto, Secret, SystemTitle},
    xdlms::{ActionResult, DataAccessResult, SelectiveAccess},
};
use sans_io_time::Instant;

/// What the objects of this device share: the house.
struct House {
    /// Tenths of a degree.
    temperature: i16,
}

/// The heat pump. Classes from 32768 on belong to manufacturers.
struct HeatPump {
    /// Tenths of a degree.
    target: i16,
    boosts: u32,
}

impl HeatPump {
    const CLASS: ClassId = ClassId(32_768);
    const NAME: LogicalName = LogicalName([0, 0, 96, 3, 201, 255]);
    /// Attribute 2: the target temperature, which may be written.
    const TARGET: i8 = 2;
    /// Attribute 3: the temperature now.
    const TEMPERATURE: i8 = 3;
    /// Method 1: heats at once, and returns how often it was asked to.
    const BOOST: i8 = 1;
}

impl CosemObject<House> for HeatPump {
    fn class(&self) -> ClassId {
        Self::CLASS
    }

    fn name(&self) -> LogicalName {
        Self::NAME
    }

    fn attributes(&self) -> &[AttributeRights] {
        &[AttributeRights::READ_WRITE, AttributeRights::READ]
    }

    fn methods(&self) -> &[MethodRights] {
        &[MethodRights::ACCESS]
    }

    fn get(&self, get: &Get<'_, House>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        match get.attribute {
            Self::TARGET => put(out, &DataBuf::Long(self.target)),
            _ => put(out, &DataBuf::Long(get.world.temperature)),
        }
    }

    fn set(
        &mut self,
        _: i8,
        value: &Data<'_>,
        _: &mut Call<'_, House>,
    ) -> Result<(), DataAccessResult> {
        match value {
            Data::Long(target @ 50..=300) => self.target = *target,
            _ => return Err(DataAccessResult::TypeUnmatched),
        }
        Ok(())
    }

    fn invoke(
        &mut self,
        _: i8,
        _: &Data<'_>,
        call: &mut Call<'_, House>,
        out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        self.boosts += 1;
        call.world.temperature = self.target;
        put(out, &DataBuf::DoubleLongUnsigned(self.boosts)).map_err(|_| ActionResult::OtherReason)
    }
}

/// The logical device around it: who may come in, and where requests go.
struct Device {
    house: House,
    objects: ObjectSet<House>,
    no_secret: Secret,
}

impl LogicalDevice for Device {
    fn system_title(&self) -> SystemTitle {
        SystemTitle(*b"EXA\0\0\0\0\x01")
    }

    fn crypto(&self) -> &dyn CryptoProvider {
        &RustCrypto
    }

    /// The public client, without any security.
    fn client(&self, sap: u16) -> Option<ClientPolicy<'_>> {
        (sap == 16).then_some(ClientPolicy {
            mechanisms: &[Mechanism::Lowest],
            secret: &self.no_secret,
            keys: None,
            protection: Protection::NONE,
            proven_release: false,
        })
    }

    // Without keys there are no counters.
    fn take_counter(&mut self) -> Option<u32> {
        None
    }

    fn received(&self, _: SystemTitle) -> ReceiveCounter {
        ReceiveCounter::default()
    }

    fn accept(&mut self, _: SystemTitle, _: u32) -> bool {
        false
    }

    fn get(
        &mut self,
        access: &Access,
        attribute: AttributeDescriptor,
        selection: Option<SelectiveAccess<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        self.objects.get(access, &AllRights, &self.house, attribute, selection, out)
    }

    fn set(
        &mut self,
        access: &Access,
        attribute: AttributeDescriptor,
        selection: Option<SelectiveAccess<'_>>,
        value: RawData<'_>,
    ) -> Result<(), DataAccessResult> {
        if selection.is_some() {
            return Err(DataAccessResult::ReadWriteDenied);
        }
        let value = value.data().map_err(|_| DataAccessResult::TypeUnmatched)?;
        self.objects.set(access, &AllRights, &mut self.house, attribute, &value)
    }

    fn action(
        &mut self,
        access: &Access,
        method: MethodDescriptor,
        parameters: Option<RawData<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        let parameter = parameters.unwrap_or(RawData::NULL);
        let parameter = parameter.data().map_err(|_| ActionResult::TypeUnmatched)?;
        self.objects.action(access, &AllRights, &mut self.house, method, &parameter, out)
    }
}

/// Challenges need random octets; without HLS there are none.
struct NotNeeded;

impl Entropy for NotNeeded {
    fn fill(&mut self, octets: &mut [u8]) {
        octets.fill(0);
    }
}

/// Both ends of an association.
struct Pair {
    client: Client,
    server: Server,
    device: Device,
}

impl Pair {
    /// Carries APDUs to and fro until the client has something to say.
    fn event(&mut self) -> Option<Event> {
        let (mut apdu, mut answer) = (Vec::new(), Vec::new());
        while self.client.poll_transmit(Instant::ZERO, &mut apdu) {
            self.server.handle_apdu(&mut self.device, &mut NotNeeded, &mut apdu, &mut answer);
            self.client.handle_apdu(&mut answer);
        }
        self.client.poll_event()
    }

    fn ask(&mut self, request: Request) -> Result<Option<Event>, Box<dyn Error>> {
        self.client.request(request)?;
        Ok(self.event())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let objects: [Box<dyn CosemObject<House>>; 2] =
        [Box::new(AssociationLn::new(1, 1, None)), Box::new(HeatPump { target: 210, boosts: 0 })];
    let device = Device {
        house: House { temperature: 185 },
        objects: ObjectSet::new(objects)?,
        no_secret: Secret::from(""),
    };
    let client = Client::new(ClientConfig::default(), Arc::new(RustCrypto));
    let server = Server::new(ServerConfig::new(16));
    let mut pair = Pair { client, server, device };
    pair.client.associate(&mut NotNeeded)?;
    if !matches!(pair.event(), Some(Event::Associated(_))) {
        return Err("the device did not accept the association".into());
    }

    let attribute = |number| AttributeDescriptor::new(HeatPump::CLASS, HeatPump::NAME, number);
    let target = attribute(HeatPump::TARGET);
    for value in [DataBuf::Long(225), DataBuf::Long(900)] {
        let set = Request::Set { attribute: target, selection: None, value: value.to_octets() };
        let event = pair.ask(set)?;
        let Some(Event::Response(_, Response::Set(result))) = event else {
            return Err(format!("{event:?}").into());
        };
        println!("target {value:?}: {result:?}");
    }
    let method = MethodDescriptor::new(HeatPump::CLASS, HeatPump::NAME, HeatPump::BOOST);
    let boost = pair.ask(Request::Action { method, parameters: None })?;
    println!("boost: {boost:?}");
    let temperature = attribute(HeatPump::TEMPERATURE);
    let temperature = pair.ask(Request::Get { attribute: temperature, selection: None })?;
    println!("temperature: {temperature:?}");
    let list =
        AttributeDescriptor::new(ClassId::ASSOCIATION_LN, LogicalName::CURRENT_ASSOCIATION, 2);
    let list = pair.ask(Request::Get { attribute: list, selection: None })?;
    if let Some(Event::Response(_, Response::Get(Ok(value)))) = list {
        let list = RawData::from_octets(&value)?;
        println!("the object list has {} objects", list.data()?.as_array().map_or(0, |l| l.len()));
    }
    Ok(())
}
