//! What meters share: HDLC media on which one speaks at a time, and the socket for datagrams.
//!
//! ```text
//!   exchange ==Down==> MediumHandle ==> meters
//!   exchange <==Up==== discovery <===== meters
//! ```
//!
//! What comes from a medium is first for [`Discovery`], which asks meters without a name for it
//! when nobody has anything better to do, and else for whom it answers.

use std::sync::{Arc, Mutex, PoisonError};

use dlms_tokio::{
    LineError, Trace,
    medium::{Medium, MediumAddress, MediumConfig, MediumHandle},
};
use sans_io_time::Instant;
use tokio::{
    sync::Notify,
    time::{self, Duration, timeout},
};

use crate::{config, discovery::Discovery, exchange::Exchange, lan_udp::UdpMeters, nodes::Place};

/// How long discovery sleeps at most when nothing happens on its medium.
const SEARCHED: Duration = Duration::from_secs(1);

/// Speaks on a medium, which is number `index` of the configuration, for as long as the future is
/// polled. `nameless` are the meters on it that are configured without a name.
///
/// # Errors
/// As [`Medium::at`].
pub(crate) fn start(
    index: u16,
    medium: &config::Medium,
    nameless: Vec<MediumAddress>,
    exchange: &Exchange,
) -> Result<impl Future<Output = ()> + Send + use<>, LineError> {
    let started = time::Instant::now();
    let mut discovery = Discovery::new(index, medium.discovery.clone());
    for meter in nameless {
        discovery.handle_nameless(Instant::ZERO, meter);
    }
    for (_, node) in exchange.nodes().lock().unwrap_or_else(PoisonError::into_inner).iter() {
        if let Place::Physical(physical) = node.place
            && node.medium == index
            && node.present
        {
            discovery.handle_known(physical);
        }
    }
    let discovery = Arc::new(Mutex::new(discovery));
    let (told, news) = (Arc::clone(&discovery), Arc::new(Notify::new()));
    let (exchange, woken) = (exchange.clone(), Arc::clone(&news));
    let to = exchange.clone();
    let up = move |up| {
        let now = since(started);
        let mut discovery = told.lock().unwrap_or_else(PoisonError::into_inner);
        if discovery.handle_up(now, &up) {
            news.notify_one();
        } else {
            drop(discovery);
            to.handle_medium(index, up);
        }
    };
    let (handle, speaking) =
        Medium::at(medium.address.clone(), MediumConfig::default(), Trace::off(), up)?;
    exchange.add_medium(index, handle.clone());
    Ok(async move {
        tokio::join!(speaking, search(discovery, handle, woken, started, exchange));
    })
}

/// Finds out who is on a medium, for ever.
async fn search(
    discovery: Arc<Mutex<Discovery>>,
    handle: MediumHandle,
    news: Arc<Notify>,
    started: time::Instant,
    exchange: Exchange,
) {
    loop {
        let found = {
            let mut discovery = discovery.lock().unwrap_or_else(PoisonError::into_inner);
            while let Some(down) = discovery.poll_down(since(started)) {
                // What is not taken in is asked again.
                if handle.try_send(down).is_err() {
                    break;
                }
            }
            core::iter::from_fn(|| discovery.poll_event()).collect::<Vec<_>>()
        };
        for registration in found {
            let name = registration.name.clone();
            match exchange.register(registration) {
                Ok(sap) => tracing::info!(%name, sap, "a meter was found"),
                Err(error) => tracing::warn!(%name, %error, "a meter was found and has no SAP"),
            }
        }
        // Whether something happened or not, it is looked again.
        let _ = timeout(SEARCHED, news.notified()).await;
    }
}

/// Passes on what meters send to the socket for datagrams, for ever.
pub(crate) async fn datagrams(socket: UdpMeters, exchange: Exchange) {
    exchange.add_datagrams(socket.clone());
    socket.receive(|from, client, apdu| exchange.handle_datagram(from, client, apdu)).await;
}

fn since(started: time::Instant) -> Instant {
    Instant::ZERO.checked_add(started.elapsed()).unwrap_or(Instant::ZERO)
}
