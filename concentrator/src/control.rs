//! What a person or a program on the same machine asks the concentrator: its state, and to know of
//! another meter.
//!
//! HTTP on a Unix socket that only its owner may open, in the data folder:
//!
//! | request | answer, JSON |
//! |---|---|
//! | `GET /status` | [`Status`] |
//! | `GET /nodes` | [`NodeView`], each meter that is there or was |
//! | `GET /saps` | [`SapView`], each SAP that is routed to |
//! | `GET /routes` | [`RouteView`], each meter that somebody speaks to |
//! | `GET /spool` | [`SpoolView`] |
//! | `POST /nodes` with a [`NewNode`] | its [`NodeView`] |
//! | `DELETE /nodes` with an [`OldNode`] | `204`: it is gone, and keeps its SAP for 30 days |
//! | `GET /metrics` | the counters for Prometheus, as text |
//!
//! `/metrics` alone is served at `metrics.listen` as well. A refusal is a sentence in plain text.

mod client;
mod metrics;
#[cfg(feature = "collection")]
mod orders;

use core::{convert::Infallible, net::SocketAddr, str::FromStr};
use std::{
    io,
    path::Path,
    sync::{Arc, PoisonError},
    time::Instant,
};

use dlms_tokio::Address;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};

use crate::{
    daemon::utc,
    exchange::{Exchange, SharedNodes},
    listen::ACCEPT_PAUSE,
    nodes::{LogicalDeviceName, Node, NodeId, Place, Registration},
    spool::Spool,
    state::Epoch,
};

pub use client::{ControlError, ask};
#[cfg(feature = "collection")]
pub use orders::{NewOrder, OrderView, ResultView};

/// Octets of a request body: a meter to be registered takes some two hundred.
const BODY_MAX: usize = 16 * 1024;
/// Connections for metrics at a time: some that scrape, and a person who looks.
const METRICS_MAX: usize = 16;

/// How the concentrator is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// Its logical device name.
    pub name: String,
    /// The version of the program.
    pub version: String,
    /// Its epoch: see `concentrator.epoch`.
    pub epoch: u32,
    /// How often it has changed who is at which SAP.
    pub table_epoch: u32,
    /// Seconds since it was started.
    pub uptime_s: u64,
    /// Meters that are there.
    pub meters: usize,
    /// Meters that somebody speaks to.
    pub associations: usize,
    /// Connections of head-ends.
    pub head_ends: usize,
    /// APDUs passed to meters.
    pub forwarded: u64,
    /// APDUs passed to whom they answer.
    pub answered: u64,
    /// APDUs that meters sent unasked.
    pub pushed: u64,
}

/// A meter.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NodeView {
    /// Its logical device name.
    pub name: String,
    /// The SAP that head-ends reach it at.
    pub sap: u16,
    /// Its host and port, or its lower HDLC address.
    pub place: String,
    /// The medium it is on, if it shares one.
    pub medium: Option<String>,
    /// The SAP of the logical device at the meter itself.
    pub server: u16,
    /// `present` or `gone`.
    pub state: String,
    /// When something was heard of it last, in seconds since 1970.
    pub last_seen: Option<i64>,
    /// The node that repeats for it.
    pub parent: Option<String>,
    /// How well it is heard, 0 to 255.
    pub quality: Option<u8>,
}

/// A SAP that is routed to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SapView {
    /// The SAP.
    pub sap: u16,
    /// The logical device name.
    pub name: String,
}

/// A meter that somebody speaks to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RouteView {
    /// The SAP of the meter.
    pub sap: u16,
    /// Its logical device name.
    pub name: String,
    /// The client SAP.
    pub client: u16,
    /// The connection of the head-end, counted since the start.
    pub connection: u32,
}

/// What meters pushed and no head-end has acknowledged yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SpoolView {
    /// Pushes on the disk.
    pub entries: u64,
    /// Their octets.
    pub octets: u64,
    /// The number of the oldest.
    pub first: Option<u64>,
    /// The number up to which all are on the disk.
    pub stored: u64,
    /// The number up to which head-ends have acknowledged.
    pub acknowledged: u64,
    /// Pushes that made room for later ones and were never acknowledged.
    pub evicted: u64,
    /// Pushes that were lost since the start because the disk took nothing.
    pub refused: u64,
}

/// A meter that is gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OldNode {
    /// Its logical device name, as it is shown.
    pub name: String,
}

/// A meter to be registered.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewNode {
    /// Its logical device name.
    pub name: String,
    /// Where it is: `wrapper://192.0.2.7:4059`.
    pub address: Option<String>,
    /// The medium it is on.
    pub medium: Option<String>,
    /// Its lower HDLC address there.
    pub physical: Option<u16>,
    /// The SAP of the logical device at the meter itself. Default: 1.
    pub server: Option<u16>,
    /// The SAP that head-ends reach it at. Default: the one that it had, or the next that is free.
    pub sap: Option<u16>,
}

/// What is asked about.
#[derive(Clone, Debug)]
pub struct Control {
    name: String,
    epoch: Epoch,
    media: Arc<[String]>,
    exchange: Exchange,
    spool: Spool,
    nodes: SharedNodes,
    started: Instant,
    #[cfg(feature = "collection")]
    orders: Option<crate::collection::Orders>,
}

impl Control {
    /// The control of the concentrator called `name`, whose media are called `media`.
    #[must_use]
    pub fn new(
        name: &LogicalDeviceName,
        epoch: Epoch,
        media: impl IntoIterator<Item = String>,
        exchange: Exchange,
        spool: Spool,
    ) -> Self {
        let nodes = exchange.nodes();
        let media = media.into_iter().collect();
        let (name, started) = (name.to_string(), Instant::now());
        Self {
            name,
            epoch,
            media,
            exchange,
            spool,
            nodes,
            started,
            #[cfg(feature = "collection")]
            orders: None,
        }
    }

    /// The same, and orders are given here as well.
    #[cfg(feature = "collection")]
    #[must_use]
    pub fn with_orders(mut self, orders: Option<crate::collection::Orders>) -> Self {
        self.orders = orders;
        self
    }

    /// Answers on a Unix socket at `path`, for ever; an old socket there is replaced. Only the
    /// owner of the process may open it.
    ///
    /// # Errors
    /// When the socket cannot be had.
    pub fn listen(&self, path: &Path) -> io::Result<impl Future<Output = ()> + use<>> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        let owner = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
        std::fs::set_permissions(path, owner)?;
        let control = self.clone();
        Ok(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => control.serve(stream, true, None),
                    Err(error) => {
                        tracing::warn!(%error, "a control connection could not be taken");
                        sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        })
    }

    /// Answers `GET /metrics` on TCP, for ever.
    pub async fn listen_for_metrics(self, listener: TcpListener) {
        let places = Arc::new(Semaphore::new(METRICS_MAX));
        loop {
            match listener.accept().await {
                // They take no descriptors from meters.
                Ok((stream, _)) => match Arc::clone(&places).try_acquire_owned() {
                    Ok(place) => self.serve(stream, false, Some(place)),
                    Err(_) => tracing::warn!("too many metrics connections"),
                },
                Err(error) => {
                    tracing::warn!(%error, "a metrics connection could not be taken");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Serves a connection, which has a place of those that there may be until it ends.
    fn serve<S>(&self, stream: S, is_local: bool, place: Option<OwnedSemaphorePermit>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let control = self.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let control = &control;
                async move { Ok::<_, Infallible>(control.answer(request, is_local).await) }
            });
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
            if let Err(error) = served {
                tracing::debug!(%error, "a control connection ended");
            }
            drop(place);
        });
    }

    async fn answer(&self, request: Request<Incoming>, is_local: bool) -> Response<Full<Bytes>> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        match (&method, path.as_str()) {
            (&Method::GET, "/metrics") => text(StatusCode::OK, self.metrics()),
            _ if !is_local => text(StatusCode::NOT_FOUND, "here is /metrics only\n".into()),
            (&Method::GET, "/status") => json(&self.status()),
            (&Method::GET, "/nodes") => json(&self.node_views()),
            (&Method::GET, "/saps") => json(&self.sap_views()),
            (&Method::GET, "/routes") => json(&self.route_views()),
            (&Method::GET, "/spool") => json(&self.spool_view()),
            #[cfg(feature = "collection")]
            (_, path) if path == "/orders" || path.starts_with("/orders/") => {
                self.answer_order(request).await
            }
            (&Method::POST, "/nodes") => match read(request).await {
                Ok(new) => self.register(&new).map_or_else(refused, |node| json(&node)),
                Err(error) => refused(error),
            },
            (&Method::DELETE, "/nodes") => match read::<OldNode>(request).await {
                Ok(OldNode { name }) if self.deregister(&name) => {
                    text(StatusCode::NO_CONTENT, String::new())
                }
                Ok(OldNode { name }) => {
                    text(StatusCode::NOT_FOUND, format!("no meter is called {name}\n"))
                }
                Err(error) => refused(error),
            },
            _ => text(StatusCode::NOT_FOUND, format!("there is no {method} {path}\n")),
        }
    }

    /// Orders wait for a disk, and so in a thread.
    #[cfg(feature = "collection")]
    async fn answer_order(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let Some(orders) = self.orders.clone() else {
            return refused("nothing is read here: there is no [collection]".into());
        };
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let body = Limited::new(request.into_body(), BODY_MAX).collect().await;
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        let answered = tokio::task::spawn_blocking(move || {
            let id = path.strip_prefix("/orders/").map(str::parse);
            Ok(match (method, id) {
                (Method::POST, None) => {
                    let new = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
                    json(&orders::give(&orders, &new)?)
                }
                (Method::GET, None) => json(&orders::list(&orders)?),
                (Method::GET, Some(Ok(id))) => json(&orders::results(&orders, id)?),
                _ => return Err(format!("there is no such order: {path}")),
            })
        });
        match answered.await {
            Ok(answer) => answer.unwrap_or_else(refused),
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        }
    }

    /// How the concentrator is.
    #[must_use]
    pub fn status(&self) -> Status {
        let counters = self.exchange.counters();
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        Status {
            name: self.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            epoch: self.epoch.value(),
            table_epoch: nodes.epoch(),
            uptime_s: self.started.elapsed().as_secs(),
            meters: nodes.present(),
            associations: counters.associations,
            head_ends: counters.wans,
            forwarded: counters.router.forwarded,
            answered: counters.router.answered,
            pushed: counters.router.pushed,
        }
    }

    fn metrics(&self) -> String {
        metrics::text(&self.status(), &self.exchange.counters(), &self.spool_view())
    }

    fn spool_view(&self) -> SpoolView {
        let status = self.spool.status();
        SpoolView {
            entries: status.entries,
            octets: status.octets,
            first: status.first,
            stored: status.stored,
            acknowledged: status.acknowledged,
            evicted: status.evicted,
            refused: status.refused,
        }
    }

    fn node_views(&self) -> Vec<NodeView> {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.iter().map(|(_, node)| self.view(node)).collect()
    }

    fn sap_views(&self) -> Vec<SapView> {
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let own = SapView { sap: 1, name: self.name.clone() };
        let others = nodes.iter().filter(|(_, node)| node.present);
        let others = others.map(|(_, node)| SapView { sap: node.sap, name: node.name.to_string() });
        [own].into_iter().chain(others).collect()
    }

    fn route_views(&self) -> Vec<RouteView> {
        let taken: Vec<(NodeId, _)> = {
            let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
            let view = |(id, node): (NodeId, &Node)| (id, (node.sap, node.name.to_string()));
            nodes.iter().map(view).collect()
        };
        let route = |(id, (sap, name))| {
            let party = self.exchange.holder(id)?;
            Some(RouteView { sap, name, client: party.client, connection: party.wan.0 })
        };
        taken.into_iter().filter_map(route).collect()
    }

    fn register(&self, new: &NewNode) -> Result<NodeView, String> {
        let name = LogicalDeviceName::try_from(new.name.as_bytes());
        let name = name.map_err(|error| error.to_string())?;
        let (medium, place) = match (&new.address, &new.medium, new.physical) {
            (Some(address), None, None) => (0, resolve(address)?),
            (None, Some(medium), Some(physical)) => {
                let index = self.media.iter().position(|known| known == medium);
                let index = index.and_then(|index| u16::try_from(index).ok());
                let unknown = || format!("there is no medium {medium:?}");
                (index.ok_or_else(unknown)?, Place::Physical(physical))
            }
            _ => return Err("a meter has either an address, or a medium and a physical".into()),
        };
        let server = new.server.unwrap_or(1);
        let registration = Registration { name, medium, place, server };
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let id = match new.sap {
            Some(sap) => nodes.register_at(utc(), sap, registration),
            None => nodes.register(utc(), registration),
        };
        let id = id.map_err(|error| error.to_string())?;
        nodes.get(id).map(|node| self.view(node)).ok_or_else(String::new)
    }

    fn deregister(&self, name: &str) -> bool {
        let gone = {
            let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
            let id = nodes.shown_as(name);
            id.filter(|&id| nodes.deregister(utc(), id))
        };
        if let Some(id) = gone {
            self.exchange.deregistered(id);
        }
        gone.is_some()
    }

    fn view(&self, node: &Node) -> NodeView {
        let (place, medium) = match node.place {
            Place::Endpoint(address) | Place::Datagrams(address) => (address.to_string(), None),
            Place::Physical(physical) => {
                (physical.to_string(), self.media.get(usize::from(node.medium)).cloned())
            }
        };
        NodeView {
            name: node.name.to_string(),
            sap: node.sap,
            place,
            medium,
            server: node.server,
            state: if node.present { "present" } else { "gone" }.to_owned(),
            last_seen: node.last_seen,
            parent: node.parent.as_ref().map(ToString::to_string),
            quality: node.quality,
        }
    }
}

/// Where a meter is; the name of a host would have to be resolved while others wait.
fn resolve(address: &str) -> Result<Place, String> {
    let (endpoint, place): (_, fn(SocketAddr) -> Place) =
        match Address::from_str(address).map_err(|error| error.to_string())? {
            Address::Wrapper(endpoint) => (endpoint, Place::Endpoint),
            Address::WrapperUdp(endpoint) => (endpoint, Place::Datagrams),
            other => return Err(format!("{other} is not where a meter speaks the wrapper")),
        };
    let number = endpoint.host.parse();
    let wrong = |_| format!("{:?} is not the number of a host, such as 192.0.2.7", endpoint.host);
    Ok(place(SocketAddr::new(number.map_err(wrong)?, endpoint.port)))
}

/// The body of a request.
async fn read<T: DeserializeOwned>(request: Request<Incoming>) -> Result<T, String> {
    let body = Limited::new(request.into_body(), BODY_MAX).collect().await;
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    serde_json::from_slice(&body).map_err(|error| error.to_string())
}

fn refused(error: String) -> Response<Full<Bytes>> {
    text(StatusCode::BAD_REQUEST, error + "\n")
}

fn json(value: &impl Serialize) -> Response<Full<Bytes>> {
    match serde_json::to_vec(value) {
        Ok(octets) => response(StatusCode::OK, "application/json", octets.into()),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

fn text(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    response(status, "text/plain; charset=utf-8", text.into())
}

fn response(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
