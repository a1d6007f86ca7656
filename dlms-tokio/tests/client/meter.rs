//! A meter that is one: an association for whoever comes, and a handful of objects.

use core::time::Duration;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use dlms_core::{
    acse::Mechanism,
    association::{
        Access, Ciphering, ClientConfig, ClientPolicy, DeviceKeys, Entropy, LogicalDevice, Server,
        ServerConfig,
    },
    axdr::{DataBuf, RawData},
    cosem::{AttributeDescriptor, ClassId, LogicalName, MethodDescriptor},
    security::{
        CryptoProvider, Key, Protection, ReceiveCounter, RustCrypto, Secret, SecuritySuite,
        SystemTitle, decode_head,
    },
    xdlms::{ActionResult, DataAccessResult, SelectiveAccess},
};
use dlms_tokio::{
    ApduServer, DecodeLevel, HdlcServerConfig, Line, LineConfig, Trace, WrapperServerConfig,
    serve_hdlc, serve_wrapper,
};
use tokio::io::duplex;

/// 42.
pub(crate) const ENERGY: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::REGISTER, LogicalName([1, 0, 1, 8, 0, 255]), 2);
/// What was written last.
pub(crate) const NOTE: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::DATA, LogicalName([0, 0, 96, 1, 0, 255]), 2);
/// A thousand numbers.
pub(crate) const LONG: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::PROFILE_GENERIC, LogicalName([1, 0, 99, 1, 0, 255]), 2);
/// Not there.
pub(crate) const NOTHING: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::DATA, LogicalName([9, 9, 9, 9, 9, 255]), 2);
/// Returns its parameter.
pub(crate) const ECHO: MethodDescriptor =
    MethodDescriptor::new(ClassId::SCRIPT_TABLE, LogicalName([0, 0, 10, 0, 0, 255]), 1);
/// May not be invoked.
pub(crate) const DENIED: MethodDescriptor =
    MethodDescriptor::new(ClassId::SCRIPT_TABLE, LogicalName([0, 0, 10, 0, 0, 255]), 2);

pub(crate) const PASSWORD: &str = "Kr4ftW*rk";
/// Octets a pipe in memory holds.
pub(crate) const PIPE: usize = 4_096;

/// A trace, and the lines that it showed.
pub(crate) fn recorded(level: DecodeLevel) -> (Trace, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let trace =
        Trace::new(level, Arc::new(move |line: &str| sink.lock().unwrap().push(line.into())));
    (trace, lines)
}

/// Lets simulated time pass.
pub(crate) async fn pass(time: Duration) {
    tokio::time::sleep_until(tokio::time::Instant::now() + time).await;
}

pub(crate) fn long_value() -> DataBuf {
    DataBuf::array((0..1_000).map(DataBuf::DoubleLongUnsigned))
}

fn key(first: u8) -> Key {
    Key::from(core::array::from_fn(|octet| first + octet as u8))
}

/// A client with the password.
pub(crate) fn with_password() -> ClientConfig {
    ClientConfig {
        mechanism: Mechanism::Lls,
        secret: Secret::from(PASSWORD),
        ..ClientConfig::default()
    }
}

/// A client with GMAC and ciphering.
pub(crate) fn ciphered() -> ClientConfig {
    ClientConfig {
        mechanism: Mechanism::HlsGmac,
        system_title: Some(SystemTitle(*b"CLIENT01")),
        ciphering: Some(Ciphering {
            suite: SecuritySuite::Suite0,
            protection: Protection::AUTHENTICATED_ENCRYPTED,
            encryption_key: key(0x10),
            authentication_key: Some(key(0xd0)),
            dedicated: false,
            general: false,
        }),
        ..ClientConfig::default()
    }
}

/// What a test sees of a meter.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Entry>>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The tag of an APDU that came.
    Apdu(u8),
    /// The invocation counter that it used.
    Used(u32),
    /// The counters that the client's owner reserved, from and up to.
    Reserved(u32, u32),
    /// The link went.
    Disconnected,
}

impl Log {
    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0.lock().unwrap()
    }

    pub(crate) fn note(&self, entry: Entry) {
        self.entries().push(entry);
    }

    pub(crate) fn all(&self) -> Vec<Entry> {
        self.entries().clone()
    }

    /// The tags of the APDUs that came so far.
    pub(crate) fn tags(&self) -> Vec<u8> {
        let tag = |entry: &Entry| match entry {
            Entry::Apdu(tag) => Some(*tag),
            _ => None,
        };
        self.entries().iter().filter_map(tag).collect()
    }
}

/// The meter: one association and the objects behind it.
pub(crate) struct Meter {
    server: Server,
    device: Device,
    log: Log,
    /// How long an answer takes to make.
    pub(crate) thinks: Duration,
}

impl Meter {
    pub(crate) fn new() -> (Self, Log) {
        let log = Log::default();
        let meter = Self {
            server: Server::new(ServerConfig::new(16)),
            device: Device {
                secret: Secret::from(PASSWORD),
                encryption_key: key(0x10),
                authentication_key: key(0xd0),
                counter: 0,
                received: BTreeMap::new(),
                note: DataBuf::Null.to_octets(),
            },
            log: log.clone(),
            thinks: Duration::ZERO,
        };
        (meter, log)
    }

    /// The near end of an HDLC line to this meter.
    pub(crate) fn over_hdlc(mut self, config: &LineConfig, trace: Trace) -> Line {
        let (near, far) = duplex(PIPE);
        tokio::spawn(async move { serve_hdlc(far, &mut self, &HdlcServerConfig::default()).await });
        Line::hdlc_in_memory(near, None, config, trace).unwrap()
    }

    /// The near end of a wrapper line to this meter.
    pub(crate) fn over_wrapper(mut self, config: &LineConfig, trace: Trace) -> Line {
        let (near, far) = duplex(PIPE);
        tokio::spawn(async move {
            serve_wrapper(far, &mut self, &WrapperServerConfig::default()).await
        });
        Line::wrapper_in_memory(near, config, trace)
    }
}

impl ApduServer for Meter {
    fn knows(&self, server: u16) -> bool {
        server == 1
    }

    fn handle(&mut self, _: u16, _: u16, apdu: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
        self.log.note(Entry::Apdu(apdu[0]));
        if let Ok(head) = decode_head(apdu) {
            self.log.note(Entry::Used(head.counter));
        }
        self.server.handle_apdu(&mut self.device, &mut Counting(0), apdu, out)
    }

    fn hold(&mut self, _: u16, _: u16, apdu: &[u8]) -> bool {
        self.server.hold(apdu)
    }

    fn further(&mut self, _: u16, _: u16, out: &mut Vec<u8>) -> bool {
        self.server.poll_transmit(out)
    }

    fn disconnected(&mut self, _: u16, _: u16) {
        self.log.note(Entry::Disconnected);
        self.server.abort();
    }

    fn answer_after(&self) -> Duration {
        self.thinks
    }
}

struct Counting(u8);

impl Entropy for Counting {
    fn fill(&mut self, octets: &mut [u8]) {
        for octet in octets {
            self.0 += 1;
            *octet = self.0;
        }
    }
}

struct Device {
    secret: Secret,
    encryption_key: Key,
    authentication_key: Key,
    counter: u32,
    received: BTreeMap<[u8; 8], ReceiveCounter>,
    note: Vec<u8>,
}

impl LogicalDevice for Device {
    fn system_title(&self) -> SystemTitle {
        SystemTitle(*b"METER001")
    }

    fn crypto(&self) -> &dyn CryptoProvider {
        &RustCrypto
    }

    fn client(&self, _sap: u16) -> Option<ClientPolicy<'_>> {
        Some(ClientPolicy {
            mechanisms: &[Mechanism::Lowest, Mechanism::Lls, Mechanism::HlsGmac],
            secret: &self.secret,
            keys: Some(DeviceKeys {
                suite: SecuritySuite::Suite0,
                encryption: &self.encryption_key,
                authentication: &self.authentication_key,
            }),
            protection: Protection::NONE,
            proven_release: true,
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

    fn get(
        &mut self,
        _access: &Access,
        attribute: AttributeDescriptor,
        _selection: Option<SelectiveAccess<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), DataAccessResult> {
        match attribute {
            ENERGY => out.extend(DataBuf::DoubleLongUnsigned(42).to_octets()),
            NOTE => out.extend_from_slice(&self.note),
            LONG => out.extend(long_value().to_octets()),
            _ => return Err(DataAccessResult::ObjectUndefined),
        }
        Ok(())
    }

    fn set(
        &mut self,
        _access: &Access,
        attribute: AttributeDescriptor,
        _selection: Option<SelectiveAccess<'_>>,
        value: RawData<'_>,
    ) -> Result<(), DataAccessResult> {
        if attribute != NOTE {
            return Err(DataAccessResult::ReadWriteDenied);
        }
        self.note = value.octets().to_vec();
        Ok(())
    }

    fn action(
        &mut self,
        _access: &Access,
        method: MethodDescriptor,
        parameters: Option<RawData<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        if method != ECHO {
            return Err(ActionResult::ReadWriteDenied);
        }
        out.extend_from_slice(parameters.map_or(&[], |parameters| parameters.octets()));
        Ok(())
    }
}
