//! Push setup (class 40, version 0): what the concentrator says unasked. Where to is configured,
//! and when is its own affair; a client may ask for a push at once.

use dlms_core::{
    axdr::{Data, DataBuf},
    cosem::{
        AttributeDescriptor, ClassId, LogicalName,
        concentrator::{Announcement, HEARTBEAT, STATION_DEVIATES},
        value::{
            CosemValue, MessageType, PushObjectV0, SendDestinationAndMethod, TransportService,
            Window,
        },
    },
    device::{AttributeRights, Call, CosemObject, Get, MethodRights, put},
    xdlms::{ActionResult, DataAccessResult},
};

use super::station;
use crate::management::device::World;

pub(super) struct PushSetup {
    name: LogicalName,
    destination: SendDestinationAndMethod,
}

impl PushSetup {
    pub(super) fn new(name: LogicalName, destination: String) -> Self {
        Self {
            name,
            destination: SendDestinationAndMethod {
                transport: TransportService::Tcp,
                destination: destination.as_bytes().into(),
                message: MessageType::Axdr,
            },
        }
    }

    /// push_object_list: its own logical name, and what an announcement has after that.
    fn objects(&self) -> DataBuf {
        let own = (ClassId::PUSH_SETUP, self.name, 1);
        let others: Vec<AttributeDescriptor> = match self.name {
            STATION_DEVIATES => station::pushed().collect(),
            _ => Announcement::OBJECTS.to_vec(),
        };
        let others =
            others.iter().map(|object| (object.class, object.instance, object.attribute.0));
        let objects = core::iter::once(own).chain(others);
        DataBuf::array(objects.map(|(class, name, attribute)| {
            PushObjectV0 { class, name, attribute, data_index: 0 }.to_data()
        }))
    }
}

impl CosemObject<World> for PushSetup {
    fn class(&self) -> ClassId {
        ClassId::PUSH_SETUP
    }

    fn name(&self) -> LogicalName {
        self.name
    }

    /// push_object_list, send_destination_and_method, communication_window,
    /// randomisation_start_interval, number_of_retries, repetition_delay
    fn attributes(&self) -> &[AttributeRights] {
        &[AttributeRights::READ; 6]
    }

    /// push
    fn methods(&self) -> &[MethodRights] {
        &[MethodRights::ACCESS]
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        match get.attribute {
            2 => put(out, &self.objects()),
            3 => put(out, &self.destination.to_data()),
            4 => put(out, &Vec::<Window>::new().to_data()),
            6 => put(out, &DataBuf::Unsigned(0)),
            _ => put(out, &DataBuf::LongUnsigned(0)),
        }
    }

    fn invoke(
        &mut self,
        _method: i8,
        _parameter: &Data<'_>,
        call: &mut Call<'_, World>,
        _out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        let forced = &mut call.world.forced;
        match self.name {
            HEARTBEAT => forced.heartbeat = true,
            STATION_DEVIATES => forced.deviation = true,
            _ => forced.saps_changed = true,
        }
        Ok(())
    }
}
