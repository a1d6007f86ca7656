//! A logical device that neglects its clients, keys and counters.

use dlms_core::{
    association::{Access, ClientPolicy, LogicalDevice},
    axdr::RawData,
    cosem::{AttributeDescriptor, MethodDescriptor},
    security::{CryptoProvider, ReceiveCounter, SystemTitle},
    xdlms::{ActionResult, DataAccessResult, SelectiveAccess},
};

use super::{Fault, Faults};
use crate::meter::Meter;

/// A meter as the association server sees it.
pub(crate) struct FaultyDevice<'m> {
    meter: &'m mut Meter,
    faults: Faults,
}

impl<'m> FaultyDevice<'m> {
    pub(crate) const fn new(meter: &'m mut Meter, faults: Faults) -> Self {
        Self { meter, faults }
    }
}

impl LogicalDevice for FaultyDevice<'_> {
    fn system_title(&self) -> SystemTitle {
        self.meter.system_title()
    }

    fn crypto(&self) -> &dyn CryptoProvider {
        self.meter.crypto()
    }

    fn client(&self, sap: u16) -> Option<ClientPolicy<'_>> {
        self.meter.client(sap)
    }

    fn take_counter(&mut self) -> Option<u32> {
        self.meter.take_counter()
    }

    fn received(&self, client: SystemTitle) -> ReceiveCounter {
        self.meter.received(client)
    }

    fn accept(&mut self, client: SystemTitle, counter: u32) -> bool {
        self.meter.accept(client, counter)
    }

    fn get(
        &mut self,
        access: &Access,
        attribute: AttributeDescriptor,
        selection: Option<SelectiveAccess<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        self.meter.get(access, attribute, selection, out)
    }

    fn set(
        &mut self,
        access: &Access,
        attribute: AttributeDescriptor,
        selection: Option<SelectiveAccess<'_>>,
        value: RawData<'_>,
    ) -> Result<(), DataAccessResult> {
        let result = self.meter.set(access, attribute, selection, value);
        if self.faults.has(Fault::ConfirmsRefusedSet) { Ok(()) } else { result }
    }

    fn action(
        &mut self,
        access: &Access,
        method: MethodDescriptor,
        parameters: Option<RawData<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        self.meter.action(access, method, parameters, out)
    }
}
