//! The concentrator as a process: everything that the configuration names, put together.

use core::{net::SocketAddr, time::Duration};
use std::{
    fs, io,
    net::ToSocketAddrs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use dlms_tokio::{Address, Endpoint, LineError, medium::MediumAddress};
use tokio::{
    net::{TcpListener, UdpSocket},
    sync::Notify,
    task::JoinSet,
    time,
};

#[cfg(feature = "collection")]
use crate::management::Collected;
use crate::{
    config::{Config, Meter},
    control::Control,
    exchange::{Exchange, ExchangeConfig, SharedNodes},
    firmware::{FirmwareConfig, FirmwareError},
    lan_udp::UdpMeters,
    listen::{self, Speech},
    management::{CredentialsError, Firmware, Management, ManagementEvent, Parts, SpoolSink},
    media,
    nodes::{NodeError, Nodes, Place, Registration},
    pushes::PushListener,
    spool::{Spool, SpoolLimits},
    state::{self, Opened, State, StorageError},
    station::{self, Readings},
};

/// How often what changed is stored, and announcements are looked for.
const KEPT: Duration = Duration::from_millis(500);

/// The name of the control socket in the data folder.
pub const CONTROL_SOCKET: &str = "control.sock";

/// The name of the file of what was read in the data folder.
#[cfg(feature = "collection")]
pub const RING_FILE: &str = "ring.db";

/// The name of the file of orders and of the counters of the reading client in the data folder.
#[cfg(feature = "collection")]
pub const LEDGER_FILE: &str = "ledger.db";

/// Why the concentrator does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be had.
    #[error("cannot listen at {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// The data folder cannot be used.
    #[error("the data folder {}: {error}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// What is in the data folder cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The meters that are stored contradict each other.
    #[error("the meters stored in the data folder: {error}")]
    Stored {
        /// How.
        error: NodeError,
    },
    /// No firmware can be taken as it is configured.
    #[error(transparent)]
    Firmware(#[from] FirmwareError),
    /// What clients prove themselves with cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// A certificate or key for TLS cannot be used.
    #[cfg(feature = "tls")]
    #[error(transparent)]
    Tls(#[from] crate::tls::TlsError),
    /// What is to be read from meters makes no sense.
    #[cfg(feature = "collection")]
    #[error(transparent)]
    Collection(#[from] crate::collection::CollectionError),
    /// What was read from meters cannot be kept.
    #[cfg(feature = "collection")]
    #[error("{RING_FILE} in the data folder: {0}")]
    Ring(#[from] crate::collection::RingError),
    /// Orders and counters cannot be kept.
    #[cfg(feature = "collection")]
    #[error("{LEDGER_FILE} in the data folder: {0}")]
    Ledger(#[from] crate::collection::LedgerError),
    /// A medium cannot be spoken on.
    #[error("medium {medium}: {error}")]
    Medium {
        /// The medium.
        medium: String,
        /// Why.
        error: LineError,
    },
    /// A meter's host has no address.
    #[error("meter {meter}: {endpoint} is no address: {error}")]
    Resolve {
        /// The meter.
        meter: String,
        /// Where it should be.
        endpoint: String,
        /// What the system says.
        error: io::Error,
    },
    /// The meters with a SAP of their own cannot be registered.
    #[error("[[meter]] with sap =: {error}")]
    Decided {
        /// Why.
        error: NodeError,
    },
    /// A meter cannot be registered.
    #[error("meter {meter}: {error}")]
    Register {
        /// The meter.
        meter: String,
        /// Why.
        error: NodeError,
    },
}

impl StartError {
    /// Whether the machine is at fault, and not what was configured.
    pub(crate) const fn is_of_the_machine(&self) -> bool {
        matches!(self, Self::Listen { .. } | Self::Folder { .. } | Self::Storage(_))
    }
}

/// A concentrator that runs. It stops when this is dropped.
#[derive(Debug)]
pub struct Daemon {
    exchange: Exchange,
    spool: Spool,
    state: Arc<Mutex<State>>,
    listening: Vec<SocketAddr>,
    taking_pushes: Vec<SocketAddr>,
    replaced: Arc<Notify>,
    /// End with the daemon.
    _tasks: JoinSet<()>,
}

impl Daemon {
    /// Starts everything that the configuration names.
    ///
    /// # Errors
    /// Every [`StartError`].
    pub async fn start(config: &Config) -> Result<Self, StartError> {
        let (identity, push) = (&config.concentrator, &config.push);
        let folder = |error| StartError::Folder { folder: identity.data.clone(), error };
        // What meters push is nobody else's business on this machine.
        let mut create = fs::DirBuilder::new();
        create.recursive(true).mode(0o700).create(&identity.data).map_err(folder)?;
        let limits =
            SpoolLimits { entries_max: push.spool_entries_max, octets_max: push.spool_octets_max };
        let Opened { spool, mut state, counters, events } =
            state::open(&identity.data, limits, identity.epoch)?;
        let media: Vec<String> = config.medium.iter().map(|medium| medium.name.clone()).collect();
        let stored = state.nodes(config.sap.pool.into(), media.clone());
        let stored = stored.map_err(|error| StartError::Stored { error })?;
        let nodes: SharedNodes = Arc::new(Mutex::new(register(config, stored)?));

        let readings = config.station.as_ref().map(|_| Readings::default());
        #[cfg(feature = "collection")]
        let collected = config.collection.as_ref().map(|_| collected(config)).transpose()?;
        let parts = Parts {
            name: identity.name.clone(),
            nodes: Arc::clone(&nodes),
            spool: spool.clone(),
            spool_entries_max: push.spool_entries_max,
            epoch: state.epoch_handle(),
            events,
            counters,
            clock: Box::new(utc_ms),
            credentials: config.management.credentials()?,
            firmware: firmware(config)?,
            station: readings.clone(),
            push_destination: push.to.first().map_or_else(String::new, authority),
        };
        #[cfg(feature = "collection")]
        let management = match &collected {
            Some(collected) => Management::with_collection(parts, collected.clone()),
            None => Management::new(parts),
        };
        #[cfg(not(feature = "collection"))]
        let management = Management::new(parts);
        let sink = SpoolSink::new(identity.name.clone(), spool.clone(), Box::new(utc_ms));
        let exchange = Exchange::new(
            exchange_config(config),
            Arc::clone(&nodes),
            Box::new(management.clone()),
            Box::new(sink),
        );

        let (mut tasks, mut listening) = (JoinSet::new(), Vec::new());
        for (medium, index) in config.medium.iter().zip(0..) {
            let on_it = |meter: &&Meter| meter.medium.as_ref() == Some(&medium.name);
            let nameless = config.meter.iter().filter(on_it).filter(|meter| meter.name.is_none());
            let nameless = nameless.map(|meter| MediumAddress {
                physical: meter.physical.unwrap_or_default(),
                server: meter.server,
            });
            let nameless = nameless.collect();
            let running = media::start(index, medium, nameless, &exchange);
            let failed = |error| StartError::Medium { medium: medium.name.clone(), error };
            tasks.spawn(running.map_err(failed)?);
        }
        let has_datagrams = |meter: &&Meter| matches!(meter.address, Some(Address::WrapperUdp(_)));
        if config.meter.iter().any(|meter| has_datagrams(&meter)) {
            let address = SocketAddr::from(([0, 0, 0, 0], 0));
            let socket = UdpMeters::bind(address).await;
            let socket = socket.map_err(|error| StartError::Listen { address, error })?;
            tasks.spawn(media::datagrams(socket, exchange.clone()));
        }
        let epoch = state.epoch_handle();
        let replaced = Arc::new(Notify::new());
        let activating = config.firmware.clone().map(|firmware| (firmware, Arc::clone(&replaced)));
        let has_takers = !push.to.is_empty();
        if let Some(station) = config.station.clone() {
            let deviates = management.clone();
            let deviates = move |codes: &[u16]| deviates.deviates(codes);
            tasks.spawn(station::run(station, readings.unwrap_or_default(), deviates));
        }
        let state = Arc::new(Mutex::new(state));
        let kept = (Arc::clone(&state), Arc::clone(&nodes));
        tasks.spawn(keep(kept, management, exchange.clone(), has_takers, activating));
        let known_by = config.access.take_over;
        for &address in &config.wan.tcp {
            let (listener, address) = listen_at(address).await?;
            listening.push(address);
            tasks.spawn(listen::tcp(listener, Speech::Wrapper, known_by, exchange.clone()));
        }
        let physical = config.wan.hdlc_physical;
        for &address in &config.wan.hdlc {
            let (listener, address) = listen_at(address).await?;
            listening.push(address);
            let speech = Speech::Hdlc(physical);
            tasks.spawn(listen::tcp(listener, speech, known_by, exchange.clone()));
        }
        for address in &config.wan.hdlc_serial {
            if let Address::HdlcSerial(port) = address {
                tasks.spawn(listen::serial(port.clone(), physical, exchange.clone()));
            }
        }
        #[cfg(feature = "tls")]
        if let Some(tls) = &config.wan.tls {
            let acceptor = tls.acceptor()?;
            for &address in &tls.listen {
                let (listener, address) = listen_at(address).await?;
                listening.push(address);
                tasks.spawn(listen::tls(listener, acceptor.clone(), known_by, exchange.clone()));
            }
        }
        for &address in &config.wan.udp {
            let failed = |error| StartError::Listen { address, error };
            let socket = UdpSocket::bind(address).await.map_err(failed)?;
            listening.push(socket.local_addr().map_err(failed)?);
            let exchange = exchange.clone();
            tasks.spawn(async move {
                if let Err(error) = listen::udp(socket, exchange).await {
                    tracing::error!(%address, %error, "nothing more is received here");
                }
            });
        }
        let pushes = PushListener::new(exchange.clone(), nodes);
        let mut taking_pushes = Vec::new();
        for &address in &push.listen_tcp {
            let (listener, address) = listen_at(address).await?;
            taking_pushes.push(address);
            tasks.spawn(pushes.clone().tcp(listener));
        }
        for &address in &push.listen_udp {
            let failed = |error| StartError::Listen { address, error };
            let socket = UdpSocket::bind(address).await.map_err(failed)?;
            taking_pushes.push(socket.local_addr().map_err(failed)?);
            let pushes = pushes.clone();
            tasks.spawn(async move {
                if let Err(error) = pushes.udp(socket).await {
                    tracing::error!(%address, %error, "no meter can push here any more");
                }
            });
        }
        for address in &push.to {
            if let Address::Wrapper(endpoint) = address {
                tasks.spawn(listen::out(endpoint.clone(), exchange.clone()));
            }
        }
        let control = Control::new(&identity.name, epoch, media, exchange.clone(), spool.clone());
        #[cfg(feature = "collection")]
        let control = control.with_orders(collected.as_ref().map(|of| of.orders.clone()));
        tasks.spawn(control.listen(&identity.data.join(CONTROL_SOCKET)).map_err(folder)?);
        #[cfg(feature = "collection")]
        if let (Some(reading), Some(collected)) = (&config.collection, collected) {
            collect(reading, config, &exchange, collected, &mut tasks)?;
        }
        if let Some(address) = config.metrics.listen {
            tasks.spawn(control.listen_for_metrics(listen_at(address).await?.0));
        }
        Ok(Self { exchange, spool, state, listening, taking_pushes, replaced, _tasks: tasks })
    }

    /// Whether what the configuration names can be used: keys, passwords and certificates are read,
    /// and the meters get their SAPs. Nothing is listened at, connected to or written.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn check(config: &Config) -> Result<(), StartError> {
        config.management.credentials()?;
        firmware(config)?;
        #[cfg(feature = "tls")]
        if let Some(tls) = &config.wan.tls {
            tls.acceptor()?;
        }
        #[cfg(feature = "collection")]
        if let Some(reading) = &config.collection {
            reading.reader()?;
        }
        register(config, Nodes::new(config.sap.pool.into())).map(drop)
    }

    /// Where head-ends connect to, in the order of the configuration.
    #[must_use]
    pub fn listening(&self) -> &[SocketAddr] {
        &self.listening
    }

    /// Where meters push to: over TCP, then over UDP, in the order of the configuration.
    #[must_use]
    pub fn taking_pushes(&self) -> &[SocketAddr] {
        &self.taking_pushes
    }

    /// The exchange.
    #[must_use]
    pub const fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// Waits until another program has taken the place of this one, so that this one is to end.
    pub async fn replaced(&self) {
        self.replaced.notified().await;
    }

    /// Stops it, after everything that waits for the disk is there. False when it could not be.
    #[must_use]
    pub fn stop(self) -> bool {
        save(&self.state, &self.exchange.nodes());
        self.spool.flush()
    }
}

/// What is kept of the collection.
#[cfg(feature = "collection")]
fn collected(config: &Config) -> Result<Collected, StartError> {
    use crate::collection::{Ledger, Orders, Ring};

    let limits = config.collection.as_ref().map(|reading| reading.ring()).unwrap_or_default();
    let data = &config.concentrator.data;
    let ring = Arc::new(Ring::open(&data.join(RING_FILE), limits)?);
    let orders = Orders::new(Arc::new(Ledger::open(&data.join(LEDGER_FILE))?));
    Ok(Collected { ring, orders })
}

/// Starts reading meters as the configuration says.
#[cfg(feature = "collection")]
fn collect(
    reading: &crate::collection::CollectionConfig,
    config: &Config,
    exchange: &Exchange,
    collected: Collected,
    tasks: &mut JoinSet<()>,
) -> Result<(), StartError> {
    use crate::collection::{Planner, Stores, run};

    let planned = reading.tasks(|name| config.medium(name))?;
    let Collected { ring, orders } = collected;
    let stores = Stores { ring, ledger: Arc::clone(orders.ledger()) };
    let planner = Planner::new(planned, reading.planner());
    let synchronized_file = reading.own_clock.synchronized_file.clone();
    let reader = reading.reader()?;
    tasks.spawn(run(exchange.clone(), stores, orders, planner, reader, synchronized_file));
    Ok(())
}

fn exchange_config(config: &Config) -> ExchangeConfig {
    ExchangeConfig {
        router: config.router(),
        connect_timeout: Duration::from_secs(config.access.forward_timeout_s.into()),
        wans_max: config.wan.connections_max,
        idle_timeout: Duration::from_secs(config.wan.idle_timeout_s.into()),
    }
}

/// Listens at an address; also where that is, for one with port 0.
async fn listen_at(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |error| StartError::Listen { address, error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Has stored what changes of the meters, and sends what the concentrator itself has to say.
async fn keep(
    (state, nodes): (Arc<Mutex<State>>, SharedNodes),
    management: Management,
    exchange: Exchange,
    has_takers: bool,
    activating: Option<(FirmwareConfig, Arc<Notify>)>,
) {
    let mut interval = time::interval(KEPT);
    interval.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    let started = time::Instant::now();
    loop {
        interval.tick().await;
        save(&state, &nodes);
        let uptime_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
        while let Some(apdu) = management.poll_push(uptime_ms) {
            exchange.announce(Management::PUSH_CLIENT, &apdu);
        }
        management.watch(has_takers.then(|| exchange.is_heard()));
        while let Some(ManagementEvent::ActivateImage { file, identifier }) =
            management.poll_event()
        {
            let Some((firmware, replaced)) = activating.clone() else { continue };
            let management = management.clone();
            tokio::task::spawn_blocking(move || {
                activate(&firmware, &file, &identifier, &management, &replaced);
            });
        }
    }
}

/// Puts an image that was verified in the place of the program, and has that started.
fn activate(
    firmware: &FirmwareConfig,
    image: &Path,
    identifier: &[u8],
    management: &Management,
    replaced: &Notify,
) {
    let identifier = String::from_utf8_lossy(identifier);
    if let Err(error) = firmware.install(image) {
        tracing::error!(%identifier, %error, "new firmware cannot be installed");
        management.image_activated(false);
        return;
    }
    tracing::info!(%identifier, "new firmware is installed");
    management.image_activated(true);
    match firmware.restart() {
        // The command ends this process, when it likes.
        Ok(true) => {}
        Ok(false) => replaced.notify_one(),
        Err(error) => tracing::error!(%error, "the new firmware runs after the next start"),
    }
}

/// That firmware may be transferred, if that is configured. Images are kept in the data folder.
fn firmware(config: &Config) -> Result<Option<Firmware>, FirmwareError> {
    let folder = config.concentrator.data.clone();
    let firmware = config
        .firmware
        .as_ref()
        .map(|firmware| firmware.is_genuine().map(|is_genuine| Firmware { folder, is_genuine }));
    firmware.transpose()
}

/// Has stored what has changed of the meters.
fn save(state: &Mutex<State>, nodes: &SharedNodes) {
    let mut nodes = nodes.lock().unwrap_or_else(PoisonError::into_inner);
    state.lock().unwrap_or_else(PoisonError::into_inner).save(&mut nodes);
}

/// The host and port of a head-end.
fn authority(address: &Address) -> String {
    let text = address.to_string();
    text.split_once("://").map(|(_, authority)| authority.to_owned()).unwrap_or(text)
}

/// Seconds since 1970.
#[must_use]
pub fn utc() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Milliseconds since 1970.
fn utc_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Adds the meters that the configuration knows by name.
fn register(config: &Config, mut nodes: Nodes) -> Result<Nodes, StartError> {
    let now = utc();
    // Those whose SAP is decided first, so that nobody else gets it.
    let (mut decided, mut others) = (Vec::new(), Vec::new());
    for meter in &config.meter {
        let Some(name) = meter.name.clone() else { continue };
        let place = place(meter, &name.to_string())?;
        let medium = meter.medium.as_deref().and_then(|name| config.medium(name)).unwrap_or(0);
        let registration = Registration { name, medium, place, server: meter.server };
        match meter.sap {
            Some(sap) => decided.push((sap, registration)),
            None => others.push(registration),
        }
    }
    let failed = |error| StartError::Decided { error };
    nodes.register_all_at(now, decided).map_err(failed)?;
    for registration in others {
        let meter = registration.name.to_string();
        let registered = nodes.register(now, registration);
        registered.map_err(|error| StartError::Register { meter, error })?;
    }
    Ok(nodes)
}

fn place(meter: &Meter, what: &str) -> Result<Place, StartError> {
    let Some(Address::Wrapper(endpoint) | Address::WrapperUdp(endpoint)) = &meter.address else {
        return Ok(Place::Physical(meter.physical.unwrap_or_default()));
    };
    let Endpoint { host, port } = endpoint;
    let failed = |error| StartError::Resolve {
        meter: what.to_owned(),
        endpoint: format!("{host}:{port}"),
        error,
    };
    let mut addresses = (host.as_str(), *port).to_socket_addrs().map_err(failed)?;
    let nothing = || failed(io::ErrorKind::NotFound.into());
    let place = match meter.address {
        Some(Address::WrapperUdp(_)) => Place::Datagrams,
        _ => Place::Endpoint,
    };
    addresses.next().map(place).ok_or_else(nothing)
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncWriteExt, net::TcpStream, task::yield_now};

    use super::*;
    use crate::state::Scratch;

    #[tokio::test]
    async fn what_changed_just_before_the_end_is_there_after_it() {
        let folder = Scratch::new();
        let text = format!(
            "[concentrator]\nname = \"DHE0000000000001\"\ndata = {:?}\n[wan]\ntcp = []\n",
            folder.path()
        );
        let config = Config::parse(&text).unwrap();
        let daemon = Daemon::start(&config).await.unwrap();
        let meter = Registration::new("ABC0000000000001").unwrap();
        let place = Place::Endpoint(SocketAddr::from(([127, 0, 0, 1], 9)));
        let sap = daemon.exchange.register(Registration { place, ..meter }).unwrap();
        let epoch = |daemon: &Daemon| daemon.exchange.nodes().lock().unwrap().epoch();
        let before = epoch(&daemon);
        assert!(daemon.stop());
        // What ran ends with the next look at it.
        let daemon = loop {
            match Daemon::start(&config).await {
                Err(StartError::Storage(StorageError::Locked(_))) => yield_now().await,
                started => break started.unwrap(),
            }
        };
        assert!(daemon.exchange.nodes().lock().unwrap().at(sap).is_some());
        assert_eq!(epoch(&daemon), before);
    }

    #[tokio::test]
    async fn what_a_meter_pushes_is_in_the_spool() {
        let folder = Scratch::new();
        let text = format!(
            "[concentrator]\nname = \"DHE0000000000001\"\ndata = {:?}\n\
             [wan]\ntcp = []\n\
             [push]\nlisten-tcp = [\"127.0.0.1:0\"]\nlisten-udp = [\"127.0.0.1:0\"]\n\
             [[meter]]\nname = \"ABC0000000000001\"\naddress = \"wrapper://127.0.0.1:9\"\n",
            folder.path()
        );
        let daemon = Daemon::start(&Config::parse(&text).unwrap()).await.unwrap();
        let [tcp, udp] = daemon.taking_pushes() else { panic!("{daemon:?}") };
        let push = [0, 1, 0, 1, 0, 102, 0, 3, 0x0F, 0, 7];
        TcpStream::connect(tcp).await.unwrap().write_all(&push).await.unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.send_to(&push, udp).await.unwrap();
        while daemon.spool.status().next < 3 {
            yield_now().await;
        }
        assert!(daemon.spool.flush());
        let rows = daemon.spool.range(1, 2, usize::MAX).unwrap();
        assert!(
            rows.iter().all(|row| (row.sap, row.client, &row.apdu[..]) == (16, 102, &push[8..]))
        );
        assert_eq!((rows.len(), rows[0].name.to_string()), (2, "ABC0000000000001".to_owned()));
    }
}
