//! A logical device that remembers what was done to it, and the octets that stand for chance.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{
    acse::Mechanism,
    association::{
        Access, Ciphering, Client, ClientConfig, ClientPolicy, DeviceKeys, Entropy, LogicalDevice,
        Server,
    },
    axdr::{Data, DataBuf, RawData, Writer},
    cosem::{AttributeDescriptor, ClassId, LogicalName, MethodDescriptor},
    security::{
        CryptoProvider, Key, Protection, ReceiveCounter, RustCrypto, Secret, SecuritySuite,
        SystemTitle,
    },
    xdlms::{ActionResult, DataAccessResult, GeneralBlockTransfer, SelectiveAccess},
};

pub(super) const CLIENT_SAP: u16 = 16;
pub(super) const CLIENT_TITLE: SystemTitle = SystemTitle(*b"CLI\0\0\0\0\x01");
pub(super) const METER_TITLE: SystemTitle = SystemTitle(*b"MTR\0\0\0\0\x01");
const ENCRYPTION_KEY: [u8; 16] = [0x5a; 16];
const AUTHENTICATION_KEY: [u8; 16] = [0xa5; 16];
pub(super) const BROADCAST_KEY: [u8; 16] = [0xb5; 16];
const PASSWORD: &str = "fuzzfuzz";

/// Elements of a long value: some blocks.
const LONG_VALUE_ELEMENTS: u32 = 40;

/// A device whose objects have numbers, two octets of their logical names.
pub(super) struct Meter {
    mechanism: [Mechanism; 1],
    secret: Secret,
    encryption: Key,
    authentication: Key,
    broadcast: Key,
    protection: Protection,
    counter: u32,
    received: BTreeMap<[u8; 8], ReceiveCounter>,
    received_broadcast: ReceiveCounter,
    /// The numbers of the objects that were written, and with what.
    pub(super) written: Vec<(u16, Vec<u8>)>,
    /// The numbers of the objects that were acted on, and with what.
    pub(super) done: Vec<(u16, Vec<u8>)>,
}

impl Meter {
    /// A meter that demands `mechanism` and `protection`.
    pub(super) fn new(mechanism: Mechanism, protection: Protection) -> Self {
        Self {
            mechanism: [mechanism],
            secret: Secret::from(PASSWORD),
            encryption: Key::from(ENCRYPTION_KEY),
            authentication: Key::from(AUTHENTICATION_KEY),
            broadcast: Key::from(BROADCAST_KEY),
            protection,
            counter: 0,
            received: BTreeMap::new(),
            received_broadcast: ReceiveCounter::new(),
            written: Vec::new(),
            done: Vec::new(),
        }
    }
}

/// What a client of that meter brings.
pub(super) fn client_config(mechanism: Mechanism, protection: Protection) -> ClientConfig {
    ClientConfig {
        mechanism,
        secret: Secret::from(PASSWORD),
        system_title: Some(CLIENT_TITLE),
        ciphering: Some(Ciphering {
            suite: SecuritySuite::Suite0,
            protection,
            encryption_key: Key::from(ENCRYPTION_KEY),
            authentication_key: Some(Key::from(AUTHENTICATION_KEY)),
            dedicated: false,
            general: false,
        }),
        ..ClientConfig::default()
    }
}

/// The value of an attribute: a number, and of register 3 an array that takes some blocks.
pub(super) fn value(object: LogicalName) -> Vec<u8> {
    let LogicalName([_, _, kind, high, low, _]) = object;
    let number = u32::from_be_bytes([0x40, kind, high, low]);
    match kind {
        3 => DataBuf::array((0..LONG_VALUE_ELEMENTS).map(|at| (number ^ at << 20).into())),
        _ => DataBuf::DoubleLongUnsigned(number),
    }
    .to_octets()
}

/// Register `number` of a kind.
pub(super) const fn object(kind: u8, number: u16) -> LogicalName {
    let [high, low] = number.to_be_bytes();
    LogicalName([1, 0, kind, high, low, 255])
}

fn number(object: LogicalName) -> u16 {
    let LogicalName([_, _, _, high, low, _]) = object;
    u16::from_be_bytes([high, low])
}

impl LogicalDevice for Meter {
    fn system_title(&self) -> SystemTitle {
        METER_TITLE
    }

    fn crypto(&self) -> &dyn CryptoProvider {
        &RustCrypto
    }

    fn client(&self, sap: u16) -> Option<ClientPolicy<'_>> {
        (sap == CLIENT_SAP).then_some(ClientPolicy {
            mechanisms: &self.mechanism,
            secret: &self.secret,
            keys: Some(DeviceKeys {
                suite: SecuritySuite::Suite0,
                encryption: &self.encryption,
                authentication: &self.authentication,
            }),
            protection: self.protection,
            proven_release: self.protection != Protection::NONE,
        })
    }

    fn take_counter(&mut self) -> Option<u32> {
        self.counter += 1;
        Some(self.counter)
    }

    fn received(&self, client: SystemTitle) -> ReceiveCounter {
        self.received.get(&client.0).copied().unwrap_or_default()
    }

    fn accept(&mut self, client: SystemTitle, counter: u32) -> bool {
        self.received.entry(client.0).or_default().accept(counter);
        true
    }

    fn broadcast_key(&self) -> Option<&Key> {
        Some(&self.broadcast)
    }

    fn received_broadcast(&self, _: SystemTitle) -> ReceiveCounter {
        self.received_broadcast
    }

    fn accept_broadcast(&mut self, _: SystemTitle, counter: u32) -> bool {
        self.received_broadcast.accept(counter);
        true
    }

    fn get(
        &mut self,
        _: &Access,
        attribute: AttributeDescriptor,
        _: Option<SelectiveAccess<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        if attribute.class != ClassId::REGISTER {
            return Err(DataAccessResult::ObjectUndefined);
        }
        out.extend_from_slice(&value(attribute.instance));
        Ok(())
    }

    fn set(
        &mut self,
        _: &Access,
        attribute: AttributeDescriptor,
        _: Option<SelectiveAccess<'_>>,
        value: RawData<'_>,
    ) -> Result<(), DataAccessResult> {
        self.written.push((number(attribute.instance), value.octets().to_vec()));
        Ok(())
    }

    fn action(
        &mut self,
        _: &Access,
        method: MethodDescriptor,
        parameters: Option<RawData<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        let parameters = parameters.unwrap_or(RawData::NULL).octets();
        self.done.push((number(method.instance), parameters.to_vec()));
        if number(method.instance) & 1 != 0 {
            out.extend_from_slice(parameters);
        }
        Ok(())
    }
}

/// Octets 1, 2, 3 and so on: no challenge comes twice.
#[derive(Default)]
pub(super) struct Counting(u32);

impl Entropy for Counting {
    fn fill(&mut self, octets: &mut [u8]) {
        for chunk in octets.chunks_mut(4) {
            self.0 = self.0.wrapping_add(0x0101_0101).wrapping_add(1);
            chunk.copy_from_slice(&self.0.to_be_bytes()[..chunk.len()]);
        }
    }
}

/// The last and only block of general block transfer around an APDU; of a push, that nobody
/// acknowledges.
pub(super) fn block(apdu: &[u8], pushed: bool) -> Vec<u8> {
    let mut out = Vec::new();
    GeneralBlockTransfer {
        last: true,
        streaming: pushed,
        window: if pushed { 0 } else { 1 },
        number: 1,
        acknowledged: 0,
        octets: apdu,
    }
    .encode(&mut Writer::new(&mut out));
    out
}

/// Associates over a perfect line.
pub(super) fn associate(client: &mut Client, server: &mut Server, meter: &mut Meter) {
    let entropy = &mut Counting(7);
    client.associate(entropy).expect("a client without association");
    let (mut request, mut answer) = (Vec::new(), Vec::new());
    while client.poll_transmit(sans_io_time::Instant::ZERO, &mut request) {
        if server.handle_apdu(meter, entropy, &mut request, &mut answer) {
            client.handle_apdu(&mut answer);
        }
    }
    while client.poll_event().is_some() {}
    assert!(client.is_associated() && server.is_associated());
}

/// A value that a request carries: an unsigned and as many octets as a third of the number.
pub(super) fn parameter(number: u16) -> Vec<u8> {
    let mut value = Vec::new();
    let octets = Vec::from_iter((0..number % 0x200).map(|at| at.to_be_bytes()[1]));
    Data::OctetString(&octets).encode(&mut Writer::new(&mut value));
    value
}
