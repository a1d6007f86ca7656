//! The concentrators that lead to the meters of a command: their trunks, their SAP lists, and the
//! table of routes over them.
//!
//! A concentrator is connected when it is needed: the first one that was named, and each further
//! one when the one before is gone. Its list is read through the public client if that may read it,
//! and else as the command associates. Of a concentrator that was lost the command makes no further
//! use: within one command it has no new life.

use core::time::Duration;

use dlms_core::{
    axdr::RawData,
    cosem::{AttributeDescriptor, ClassId, LogicalName},
    device::SapAssignmentItem,
};
use dlms_tokio::{
    Address, Endpoint, LineError,
    client::{self},
    route::{ConcentratorId, Event, MeterId, Routes, RoutesConfig, RoutesError, Via},
    trunk::{Trunk, TrunkConfig},
};
use sans_io_time::Instant;

use crate::{
    error::Error,
    meter::Meter,
    settings::{Behind, PUBLIC_CLIENT, Settings},
};

/// SAP_assignment_list of the SAP assignment (class 17).
const SAP_ASSIGNMENT_LIST: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::SAP_ASSIGNMENT, LogicalName::SAP_ASSIGNMENT, 2);
/// The life in which a concentrator is met. A command sees only one.
const EPOCH: u64 = 0;

/// The concentrators.
#[derive(Debug)]
pub(crate) struct Concentrators {
    /// How to associate, with the concentrators and with the meters.
    settings: Settings,
    entries: Vec<Entry>,
    routes: Routes,
    started: tokio::time::Instant,
}

#[derive(Debug)]
struct Entry {
    id: ConcentratorId,
    endpoint: Endpoint,
    /// None until it is needed.
    trunk: Option<Trunk>,
    was_tried: bool,
    list: Vec<SapAssignmentItem>,
}

impl Concentrators {
    /// The concentrators at `endpoints`, the one to prefer in front.
    pub(crate) fn new(
        settings: Settings,
        endpoints: Vec<Endpoint>,
        inactivity_timeout: Duration,
    ) -> Result<Self, RoutesError> {
        // A command is over before the third heartbeat is missed, and not every concentrator
        // sends some.
        let config =
            RoutesConfig { heartbeat: None, inactivity_timeout, ..RoutesConfig::default() };
        let mut routes = Routes::new(config);
        let entries = endpoints.into_iter().zip(0..).map(|(endpoint, cost)| {
            let id = routes.add_concentrator(cost)?;
            Ok(Entry { id, endpoint, trunk: None, was_tried: false, list: Vec::new() })
        });
        let entries = entries.collect::<Result<_, _>>()?;
        Ok(Self { settings, entries, routes, started: tokio::time::Instant::now() })
    }

    /// Connects the next concentrator that was not tried yet, and reads its list. None when there
    /// is none.
    pub(crate) async fn open_next(&mut self) -> Option<Result<ConcentratorId, (Address, Error)>> {
        let entry = self.entries.iter_mut().find(|entry| !entry.was_tried)?;
        entry.was_tried = true;
        let (id, address) = (entry.id, Address::Wrapper(entry.endpoint.clone()));
        let config = TrunkConfig { timeout: self.settings.line.patience() };
        let trace = self.settings.trace.clone();
        let opened = async {
            // What is pushed meanwhile is for those who listen.
            let (trunk, _) = Trunk::connect(&entry.endpoint, &config, trace)
                .await
                .map_err(client::Error::Line)?;
            let list = sap_list(&self.settings, &address, &trunk).await?;
            Ok::<_, Error>((trunk, list))
        };
        match opened.await {
            Ok((trunk, list)) => {
                entry.trunk = Some(trunk);
                entry.list = list;
                let items = entry.list.iter().map(|item| (item.sap, &item.logical_device_name[..]));
                let now = now(self.started);
                self.routes.handle_connected(now, id, EPOCH);
                self.routes.handle_list(now, id, items);
                Some(Ok(id))
            }
            Err(error) => {
                self.routes.handle_disconnected(now(self.started), id);
                Some(Err((address, error)))
            }
        }
    }

    /// The SAPs and names that `concentrator` lists.
    pub(crate) fn list(&self, concentrator: ConcentratorId) -> &[SapAssignmentItem] {
        let entry = self.entries.iter().find(|entry| entry.id == concentrator);
        entry.map(|entry| &entry.list[..]).unwrap_or_default()
    }

    /// The meter of this name, if any list has it.
    pub(crate) fn meter(&self, name: &[u8]) -> Option<MeterId> {
        self.routes.meter(name)
    }

    /// The way to `meter`, if there is one.
    pub(crate) fn via(&self, meter: MeterId) -> Option<Via> {
        self.routes.via(meter)
    }

    /// How to associate with the meter that is called `name`, over `via`.
    pub(crate) fn settings(&self, via: Via, name: &[u8]) -> Option<Settings> {
        let entry = self.entries.iter().find(|entry| entry.id == via.concentrator)?;
        let behind = Behind { trunk: entry.trunk.clone()?, name: Some(name.to_vec()) };
        let address = Address::Wrapper(entry.endpoint.clone());
        Some(self.settings.of_device(&address, via.sap, behind))
    }

    /// Why the trunk that `via` leads over has ended, if it has; the table then has other ways.
    pub(crate) fn lost(&mut self, via: Via) -> Option<LineError> {
        let entry = self.entries.iter().find(|entry| entry.id == via.concentrator)?;
        let ended = entry.trunk.as_ref()?.ended()?;
        self.routes.handle_disconnected(now(self.started), via.concentrator);
        Some(ended)
    }

    /// `meter` holds another association. Whether it is worth waiting.
    pub(crate) fn held(&mut self, meter: MeterId) -> bool {
        self.routes.handle_held(now(self.started), meter).is_some()
    }

    /// `meter` was associated with.
    pub(crate) fn associated(&mut self, meter: MeterId) {
        self.routes.handle_associated(meter);
    }

    /// Waits until something is due; for ever when nothing is. May be dropped.
    pub(crate) async fn wait(&self) {
        match self.routes.poll_timeout() {
            Some(due) => {
                let due = due.saturating_duration_since(Instant::ZERO);
                tokio::time::sleep_until(self.started + due).await;
            }
            None => core::future::pending().await,
        }
    }

    /// The meters that may be tried again now.
    pub(crate) fn retries(&mut self) -> Vec<MeterId> {
        self.routes.handle_timeout(now(self.started));
        let events = core::iter::from_fn(|| self.routes.poll_event());
        events
            .filter_map(|event| match event {
                // Also one to which no way leads any more: who waits for it must be told.
                Event::Retry { meter } | Event::Moved { meter, .. } => Some(meter),
                _ => None,
            })
            .collect()
    }
}

/// Now, as the table counts it.
fn now(started: tokio::time::Instant) -> Instant {
    // 63 bits of nanoseconds last for 292 years.
    Instant::from_nanos(i64::try_from(started.elapsed().as_nanos()).unwrap_or(i64::MAX))
}

/// Reads the list of the concentrator at the other end of `trunk`.
async fn sap_list(
    settings: &Settings,
    address: &Address,
    trunk: &Trunk,
) -> Result<Vec<SapAssignmentItem>, Error> {
    let behind = Behind { trunk: trunk.clone(), name: None };
    let ours = settings.of_device(address, 1, behind);
    let is_public = ours.line.client == PUBLIC_CLIENT;
    let mut public = ours.clone().for_everybody();
    if !is_public {
        // A concentrator that does not want the public client may keep silent.
        public.line.retries = 0;
    }
    match read_sap_list(public).await {
        Err(_) if !is_public && trunk.is_open() => read_sap_list(ours).await,
        read => read,
    }
}

/// Associates with a management logical device and reads its list.
pub(crate) async fn read_sap_list(settings: Settings) -> Result<Vec<SapAssignmentItem>, Error> {
    let mut meter = Meter::associate(settings).await?;
    let list = match meter.read(SAP_ASSIGNMENT_LIST).await {
        Ok(Ok(octets)) => RawData::from_octets(&octets)
            .and_then(|raw| raw.data())
            .ok()
            .and_then(|data| SapAssignmentItem::list_from_data(&data))
            .ok_or(Error::Shape("SAP assignment list")),
        Ok(Err(refusal)) => Err(Error::SapListRefused(refusal)),
        Err(error) => Err(error),
    };
    meter.release().await;
    list
}
