//! Is a meter: serves a logical device with a few objects over TCP, with the wrapper, to the public
//! client. The objects are those of `dlms-core`; what they share here is the voltage.
//!
//! ```text
//! cargo run -p dlms-tokio --example serve_meter -- 127.0.0.1:4059
//! cargo run -p headend -- read wrapper://127.0.0.1:4059 1-0:32.7.0*255
//! ```

use core::error::Error;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use dlms_core::{
    acse::Mechanism,
    association::{Access, ClientPolicy, Entropy, LogicalDevice, Server, ServerConfig},
    axdr::{DataBuf, RawData},
    cosem::{AttributeDescriptor, LogicalName, MethodDescriptor, ScalerUnit, Unit},
    device::{
        AllRights, AssociationLn, CosemObject, Data, ObjectSet, Register, SapAssignment,
        SapAssignmentItem,
    },
    security::{CryptoProvider, Protection, ReceiveCounter, RustCrypto, Secret, SystemTitle},
    xdlms::{ActionResult, DataAccessResult, SelectiveAccess},
};
use dlms_tokio::{ApduServer, WrapperServerConfig, serve_wrapper};
use tokio::net::TcpListener;

/// The only logical device, which is the management logical device as well.
const LOGICAL_DEVICE: u16 = 1;
/// Three letters of a manufacturer, and what only this device has.
const LOGICAL_DEVICE_NAME: &str = "EXA0000000000001";
/// The public client.
const PUBLIC_CLIENT: u16 = 16;
/// Clients of one connection; more are refused.
const CLIENTS_MAX: usize = 4;

/// What the objects share.
struct Grid {
    /// Tenths of a volt.
    voltage: u16,
}

struct Device {
    grid: Grid,
    objects: ObjectSet<Grid>,
    no_secret: Secret,
}

impl Device {
    fn new() -> Result<Self, Box<dyn Error>> {
        let objects: [Box<dyn CosemObject<Grid>>; 4] = [
            Box::new(AssociationLn::new(1, LOGICAL_DEVICE, None)),
            Box::new(SapAssignment::new(|_| {
                vec![SapAssignmentItem {
                    sap: LOGICAL_DEVICE,
                    logical_device_name: LOGICAL_DEVICE_NAME.into(),
                }]
            })),
            Box::new(Data::new(LogicalName::LOGICAL_DEVICE_NAME, |_| {
                DataBuf::octet_string(LOGICAL_DEVICE_NAME)
            })),
            Box::new(Register::new(
                LogicalName([1, 0, 32, 7, 0, 255]),
                ScalerUnit::new(-1, Unit::Volt),
                |grid: &Grid| DataBuf::LongUnsigned(grid.voltage),
            )),
        ];
        Ok(Self {
            grid: Grid { voltage: 2301 },
            objects: ObjectSet::new(objects)?,
            no_secret: Secret::from(""),
        })
    }
}

impl LogicalDevice for Device {
    fn system_title(&self) -> SystemTitle {
        SystemTitle(*b"EXA\0\0\0\0\x01")
    }

    fn crypto(&self) -> &dyn CryptoProvider {
        &RustCrypto
    }

    fn client(&self, sap: u16) -> Option<ClientPolicy<'_>> {
        (sap == PUBLIC_CLIENT).then_some(ClientPolicy {
            mechanisms: &[Mechanism::Lowest],
            secret: &self.no_secret,
            keys: None,
            protection: Protection::NONE,
            proven_release: false,
        })
    }

    // Without keys there are no counters. With keys, both have to survive a restart.
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
        self.objects.get(access, &AllRights, &self.grid, attribute, selection, out)
    }

    fn set(
        &mut self,
        access: &Access,
        attribute: AttributeDescriptor,
        _: Option<SelectiveAccess<'_>>,
        value: RawData<'_>,
    ) -> Result<(), DataAccessResult> {
        let value = value.data().map_err(|_| DataAccessResult::TypeUnmatched)?;
        self.objects.set(access, &AllRights, &mut self.grid, attribute, &value)
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
        self.objects.action(access, &AllRights, &mut self.grid, method, &parameter, out)
    }
}

/// One connection: the associations are its own, the device is everybody's.
struct Connection {
    device: Arc<Mutex<Device>>,
    associations: BTreeMap<u16, Server>,
}

impl ApduServer for Connection {
    fn knows(&self, server: u16) -> bool {
        server == LOGICAL_DEVICE
    }

    fn handle(&mut self, client: u16, _: u16, apdu: &mut Vec<u8>, out: &mut Vec<u8>) -> bool {
        if self.associations.len() >= CLIENTS_MAX && !self.associations.contains_key(&client) {
            return false;
        }
        let association = self
            .associations
            .entry(client)
            .or_insert_with(|| Server::new(ServerConfig::new(client)));
        let Ok(mut device) = self.device.lock() else { return false };
        association.handle_apdu(&mut *device, &mut OsEntropy, apdu, out)
    }

    fn disconnected(&mut self, client: u16, _: u16) {
        self.associations.remove(&client);
    }
}

struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&mut self, octets: &mut [u8]) {
        getrandom::fill(octets).expect("the operating system has no random numbers");
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).ok_or("name an address, such as 127.0.0.1:4059")?;
    let listener = TcpListener::bind(address).await?;
    println!("ready at {}", listener.local_addr()?);
    let device = Arc::new(Mutex::new(Device::new()?));
    loop {
        let (stream, peer) = listener.accept().await?;
        let device = Arc::clone(&device);
        tokio::spawn(async move {
            let mut connection = Connection { device, associations: BTreeMap::new() };
            let config = WrapperServerConfig::default();
            if let Err(error) = serve_wrapper(stream, &mut connection, &config).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}
