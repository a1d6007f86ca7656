//! The concentrator as a process: everything that the configuration names, put together.

use core::net::SocketAddr;
use std::{
    fs, io,
    net::ToSocketAddrs,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use dlms_tokio::{Address, Endpoint};
use tokio::{
    net::{TcpListener, UdpSocket},
    task::JoinSet,
};

use crate::{
    config::{Config, Meter},
    control::Control,
    exchange::{Exchange, ExchangeConfig, Local, PushSink, SharedNodes},
    listen,
    nodes::{NodeError, Nodes, Place, Registration},
};

/// The name of the control socket in the data folder.
pub const CONTROL_SOCKET: &str = "control.sock";

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
    /// A certificate or key for TLS cannot be used.
    #[cfg(feature = "tls")]
    #[error(transparent)]
    Tls(#[from] crate::tls::TlsError),
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
    /// A meter cannot be registered.
    #[error("meter {meter}: {error}")]
    Register {
        /// The meter.
        meter: String,
        /// Why.
        error: NodeError,
    },
}

/// A concentrator that runs. It stops when this is dropped.
#[derive(Debug)]
pub struct Daemon {
    exchange: Exchange,
    listening: Vec<SocketAddr>,
    /// Ends with the daemon.
    _tasks: JoinSet<()>,
}

impl Daemon {
    /// Starts everything that the configuration names.
    ///
    /// # Errors
    /// Every [`StartError`].
    pub async fn start(
        config: &Config,
        local: Box<dyn Local>,
        pushes: Box<dyn PushSink>,
    ) -> Result<Self, StartError> {
        let nodes = register(config)?;
        let exchange_config = ExchangeConfig {
            router: config.router(),
            connect_timeout: Some(core::time::Duration::from_secs(
                config.access.forward_timeout_s.into(),
            )),
            wans_max: Some(config.wan.connections_max),
        };
        let exchange = Exchange::new(exchange_config, nodes, local, pushes);
        let (mut tasks, mut listening) = (JoinSet::new(), Vec::new());
        for &address in &config.wan.tcp {
            let failed = |error| StartError::Listen { address, error };
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            listening.push(listener.local_addr().map_err(failed)?);
            tasks.spawn(listen::tcp(listener, exchange.clone()));
        }
        #[cfg(feature = "tls")]
        if let Some(tls) = &config.wan.tls {
            let acceptor = tls.acceptor()?;
            for &address in &tls.listen {
                let failed = |error| StartError::Listen { address, error };
                let listener = TcpListener::bind(address).await.map_err(failed)?;
                listening.push(listener.local_addr().map_err(failed)?);
                tasks.spawn(listen::tls(listener, acceptor.clone(), exchange.clone()));
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
        for address in &config.push.to {
            if let Address::Wrapper(endpoint) = address {
                tasks.spawn(listen::out(endpoint.clone(), exchange.clone()));
            }
        }
        let media = config.medium.iter().map(|medium| medium.name.clone());
        let identity = &config.concentrator;
        let control = Control::new(&identity.name, identity.epoch, media, exchange.clone());
        let folder = |error| StartError::Folder { folder: identity.data.clone(), error };
        fs::create_dir_all(&identity.data).map_err(folder)?;
        tasks.spawn(control.listen(&identity.data.join(CONTROL_SOCKET)).map_err(folder)?);
        if let Some(address) = config.metrics.listen {
            let failed = |error| StartError::Listen { address, error };
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            tasks.spawn(control.listen_for_metrics(listener));
        }
        Ok(Self { exchange, listening, _tasks: tasks })
    }

    /// Where head-ends connect to, in the order of the configuration.
    #[must_use]
    pub fn listening(&self) -> &[SocketAddr] {
        &self.listening
    }

    /// The exchange.
    #[must_use]
    pub const fn exchange(&self) -> &Exchange {
        &self.exchange
    }
}

/// Seconds since 1970.
#[must_use]
pub fn utc() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// The meters that the configuration knows by name.
fn register(config: &Config) -> Result<SharedNodes, StartError> {
    let mut nodes = Nodes::new(config.sap.pool.into());
    let now = utc();
    // Those whose SAP is decided first, so that nobody else gets it.
    let (decided, others): (Vec<&Meter>, Vec<&Meter>) =
        config.meter.iter().partition(|meter| meter.sap.is_some());
    for meter in decided.into_iter().chain(others) {
        let Some(name) = meter.name.clone() else { continue };
        let place = place(meter, &name.to_string())?;
        let medium = meter.medium.as_deref().and_then(|name| config.medium(name)).unwrap_or(0);
        let what = name.to_string();
        let registration = Registration { name, medium, place, server: meter.server };
        let registered = match meter.sap {
            Some(sap) => nodes.register_at(now, sap, registration),
            None => nodes.register(now, registration),
        };
        registered.map_err(|error| StartError::Register { meter: what, error })?;
    }
    Ok(Arc::new(Mutex::new(nodes)))
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
    addresses.next().map(Place::Endpoint).ok_or_else(nothing)
}
