//! The meters behind the concentrator, and the SAP that each is reached at.
//!
//! The key of the table is the logical device name: a meter that comes back has the SAP that it had
//! before, wherever on the medium it now is. The SAP of a meter that is gone is kept from others
//! for [`RESERVED_S`], so that a head-end that has not read the list again reaches nobody else.
//! Every change of who is at which SAP raises the *epoch*.
//!
//! Server SAPs above 0x7F are ordinary (IEC 62056-47 reserves 0, 2 to 15 and 0x7F only, and uses
//! 527 and 3013 in an example), so the extended pool is what is usual; the strict pool is for
//! head-ends that know only the one-octet upper addresses of HDLC.
//!
//! Pure: time comes in, what is to be stored goes out.
//!
//! ```
//! use concentrator::nodes::{Nodes, Pool, Registration};
//!
//! let mut nodes = Nodes::new(Pool::Extended);
//! let id = nodes.register(0, Registration::new("ABC0000000000001")?)?;
//! assert_eq!(nodes.get(id).unwrap().sap, 16);
//! assert_eq!(nodes.at(16), Some(id));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

/// Meters that one concentrator keeps at most: the whole extended pool has 16,239 SAPs.
pub const NODES_MAX: usize = 16_000;
/// Octets of a logical device name. The standard has 16; some devices write more.
pub const NAME_LEN_MAX: usize = 64;
/// How long the SAP of a meter that is gone is given to no other, in seconds: 30 days.
pub const RESERVED_S: i64 = 30 * 86_400;

/// The first SAP that is given to a meter: below are reserved ones.
const SAP_FIRST: u16 = 0x0010;
/// The last one of the strict pool: 0x7E is CALLING on HDLC, 0x7F all-station.
const SAP_LAST_STRICT: u16 = 0x007D;
/// The last one of the extended pool, the last open upper address of two octets on HDLC.
const SAP_LAST_EXTENDED: u16 = 0x3FFD;

/// A logical device name, as the meter tells it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogicalDeviceName(Box<[u8]>);

impl LogicalDeviceName {
    /// The octets.
    #[must_use]
    pub const fn octets(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<&[u8]> for LogicalDeviceName {
    type Error = NodeError;

    /// # Errors
    /// [`NodeError::Name`] for an empty name and one of more than [`NAME_LEN_MAX`] octets.
    fn try_from(octets: &[u8]) -> Result<Self, NodeError> {
        if octets.is_empty() || octets.len() > NAME_LEN_MAX {
            return Err(NodeError::Name(octets.len()));
        }
        Ok(Self(octets.into()))
    }
}

/// As text where it is text, else in hex.
impl fmt::Display for LogicalDeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match core::str::from_utf8(&self.0) {
            Ok(text) if text.chars().all(|c| c.is_ascii_graphic()) => f.pad(text),
            _ => self.0.iter().try_for_each(|octet| write!(f, "{octet:02X}")),
        }
    }
}

impl fmt::Debug for LogicalDeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Which SAPs are given to meters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Pool {
    /// 0x0010 to 0x007D: 110 meters.
    Strict,
    /// 0x0010 to 0x3FFD, but for those that HDLC peers take for all-station.
    #[default]
    Extended,
}

impl Pool {
    /// The SAPs, in the order in which they are given.
    fn saps(self) -> impl Iterator<Item = u16> {
        let last = match self {
            Self::Strict => SAP_LAST_STRICT,
            Self::Extended => SAP_LAST_EXTENDED,
        };
        // Peers take any address whose last seven bits are ones for a broadcast.
        (SAP_FIRST..=last).filter(|sap| sap & 0x7F != 0x7F)
    }
}

/// A node, for as long as the process runs: an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

/// Where a meter is on its medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The wrapper over TCP, at a host and port of its own.
    Endpoint(core::net::SocketAddr),
    /// The same over UDP.
    Datagrams(core::net::SocketAddr),
    /// HDLC: the physical device with this lower address on a shared medium.
    Physical(u16),
}

/// What is known about a meter when it is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Its logical device name.
    pub name: LogicalDeviceName,
    /// The medium it is on: an index into the configured ones.
    pub medium: u16,
    /// Where it is there.
    pub place: Place,
    /// The SAP of the logical device at the meter itself. Usually 1.
    pub server: u16,
}

impl Registration {
    /// A meter on the first medium at the lower address 16, for examples.
    ///
    /// # Errors
    /// As [`LogicalDeviceName::try_from`].
    pub fn new(name: &str) -> Result<Self, NodeError> {
        Ok(Self {
            name: name.as_bytes().try_into()?,
            medium: 0,
            place: Place::Physical(16),
            server: 1,
        })
    }
}

/// A meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its logical device name.
    pub name: LogicalDeviceName,
    /// The SAP that head-ends reach it at.
    pub sap: u16,
    /// The medium it is on.
    pub medium: u16,
    /// Where it is there.
    pub place: Place,
    /// The SAP of the logical device at the meter itself.
    pub server: u16,
    /// Whether it is there. One that is gone keeps its SAP for a while, and is not routed to.
    pub present: bool,
    /// When it was registered or deregistered last, in seconds since 1970.
    pub changed: i64,
    /// When something was heard of it last, in seconds since 1970.
    pub last_seen: Option<i64>,
    /// The node that repeats for it (a switch of a PLC network), if the medium tells.
    pub parent: Option<LogicalDeviceName>,
    /// How well it is heard, 0 to 255, if the medium tells.
    pub quality: Option<u8>,
}

/// Why a meter is not registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// No or too long a name.
    #[error("a logical device name has 1 to {NAME_LEN_MAX} octets, this has {0}")]
    Name(usize),
    /// No SAP is left.
    #[error(
        "no SAP is left in the {0:?} pool: meters that are gone keep theirs for 30 days; \
         use sap.pool = \"extended\", or remove meters that will not come back"
    )]
    PoolExhausted(Pool),
    /// The SAP that is asked for belongs to another.
    #[error("SAP {sap} belongs to {owner}")]
    SapTaken {
        /// The SAP.
        sap: u16,
        /// Whose it is.
        owner: LogicalDeviceName,
    },
    /// The SAP that is asked for is none for a meter.
    #[error("SAP {0} is reserved: meters have 16 and above, without 127")]
    SapReserved(u16),
    /// There are as many meters as there may be.
    #[error("{NODES_MAX} meters are registered, and no more fit")]
    TooMany,
}

/// The table.
#[derive(Debug)]
pub struct Nodes {
    pool: Pool,
    /// By [`NodeId`]; never removed but by [`forget`](Self::forget), so that an id stays what it
    /// is.
    nodes: Vec<Option<Node>>,
    by_name: BTreeMap<LogicalDeviceName, NodeId>,
    /// By SAP, up to the highest in use.
    by_sap: Vec<Option<NodeId>>,
    epoch: u32,
    /// Nodes changed since they were stored.
    unsaved: BTreeSet<NodeId>,
    /// Nodes that are no longer where they were, or at the SAP that they were at.
    moved: BTreeSet<NodeId>,
}

impl Nodes {
    /// An empty table.
    #[must_use]
    pub const fn new(pool: Pool) -> Self {
        Self {
            pool,
            nodes: Vec::new(),
            by_name: BTreeMap::new(),
            by_sap: Vec::new(),
            epoch: 0,
            unsaved: BTreeSet::new(),
            moved: BTreeSet::new(),
        }
    }

    /// The table as it was stored.
    ///
    /// # Errors
    /// [`NodeError::SapTaken`] for two nodes at one SAP.
    pub fn restore(
        pool: Pool,
        epoch: u32,
        stored: impl IntoIterator<Item = Node>,
    ) -> Result<Self, NodeError> {
        let mut table = Self { epoch, ..Self::new(pool) };
        for node in stored {
            if let Some(owner) = table.owner(node.sap) {
                return Err(NodeError::SapTaken { sap: node.sap, owner: owner.name.clone() });
            }
            table.insert(node)?;
        }
        table.unsaved.clear();
        Ok(table)
    }

    /// Registers a meter, or one that comes back, or moves, and gives it its SAP.
    ///
    /// # Errors
    /// [`NodeError::PoolExhausted`], [`NodeError::TooMany`].
    pub fn register(&mut self, now: i64, meter: Registration) -> Result<NodeId, NodeError> {
        if let Some(&id) = self.by_name.get(&meter.name) {
            self.update(now, id, meter);
            return Ok(id);
        }
        let sap = self.free_sap(now).ok_or(NodeError::PoolExhausted(self.pool))?;
        self.add(now, sap, meter)
    }

    /// As [`register`](Self::register), at the SAP that somebody decided on.
    ///
    /// # Errors
    /// [`NodeError::SapReserved`], [`NodeError::SapTaken`], [`NodeError::TooMany`].
    pub fn register_at(
        &mut self,
        now: i64,
        sap: u16,
        meter: Registration,
    ) -> Result<NodeId, NodeError> {
        if sap < SAP_FIRST || sap == 0x7F {
            return Err(NodeError::SapReserved(sap));
        }
        if let Some(id) = self.at_any(sap).filter(|&id| self.name(id) != Some(&meter.name)) {
            let owner = self.node(id).filter(|node| !is_free(node, now));
            if let Some(owner) = owner {
                return Err(NodeError::SapTaken { sap, owner: owner.name.clone() });
            }
            self.forget(id);
        }
        match self.by_name.get(&meter.name) {
            // It may have had another SAP before.
            Some(&id) => {
                self.place_at(now, id, sap);
                self.update(now, id, meter);
                Ok(id)
            }
            None => self.add(now, sap, meter),
        }
    }

    /// As [`register_at`](Self::register_at) for all whose SAPs somebody decided on, so that two of
    /// them may change places. Another meter that has one of these SAPs is given the next free one.
    ///
    /// # Errors
    /// As for [`register_at`](Self::register_at), for two of them at one SAP; and
    /// [`NodeError::PoolExhausted`].
    pub fn register_all_at(
        &mut self,
        now: i64,
        meters: Vec<(u16, Registration)>,
    ) -> Result<(), NodeError> {
        let names: BTreeSet<_> = meters.iter().map(|(_, meter)| meter.name.clone()).collect();
        let mut others = Vec::new();
        for (sap, meter) in &meters {
            let Some(id) = self.at_any(*sap) else { continue };
            let Some(name) = self.name(id).filter(|name| **name != meter.name) else { continue };
            if !names.contains(name) {
                others.push(id);
            }
            self.by_sap[usize::from(*sap)] = None;
        }
        for (sap, meter) in meters {
            self.register_at(now, sap, meter)?;
        }
        for id in others {
            if self.node(id).is_some_and(|node| node.present) {
                let sap = self.free_sap(now).ok_or(NodeError::PoolExhausted(self.pool))?;
                self.place_at(now, id, sap);
            } else {
                self.forget(id);
            }
        }
        Ok(())
    }

    /// The meter is gone. It keeps its SAP for [`RESERVED_S`]. False when it was not there.
    pub fn deregister(&mut self, now: i64, id: NodeId) -> bool {
        let Some(node) = self.node_mut(id).filter(|node| node.present) else { return false };
        node.present = false;
        node.changed = now;
        self.changed(id);
        self.moved.insert(id);
        true
    }

    /// Something was heard of the meter.
    pub fn heard(&mut self, now: i64, id: NodeId) {
        if let Some(node) = self.node_mut(id) {
            node.last_seen = Some(now);
        }
    }

    /// What the medium tells about where the meter is in its network.
    pub fn set_topology(
        &mut self,
        id: NodeId,
        parent: Option<LogicalDeviceName>,
        quality: Option<u8>,
    ) {
        if let Some(node) = self.node_mut(id) {
            node.parent = parent;
            node.quality = quality;
        }
    }

    /// The meter that is routed to at this SAP.
    #[must_use]
    pub fn at(&self, sap: u16) -> Option<NodeId> {
        self.at_any(sap).filter(|&id| self.node(id).is_some_and(|node| node.present))
    }

    /// The meter with this name, there or gone.
    #[must_use]
    pub fn named(&self, name: &[u8]) -> Option<NodeId> {
        self.by_name.get(&LogicalDeviceName::try_from(name).ok()?).copied()
    }

    /// The meter whose name is this text, or is shown so because it is none.
    #[must_use]
    pub fn shown_as(&self, text: &str) -> Option<NodeId> {
        let in_hex = || self.iter().find(|(_, node)| node.name.to_string() == text);
        self.named(text.as_bytes()).or_else(|| in_hex().map(|(id, _)| id))
    }

    /// What is known about a meter.
    #[must_use]
    pub fn get(&self, id: NodeId) -> Option<&Node> {
        self.node(id)
    }

    /// Every meter, there or gone, in the order of their SAPs.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        let ids = self.by_sap.iter().flatten();
        ids.filter_map(|&id| Some((id, self.node(id)?)))
    }

    /// How many meters are there.
    #[must_use]
    pub fn present(&self) -> usize {
        self.iter().filter(|(_, node)| node.present).count()
    }

    /// How often it has changed who is at which SAP.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The next node that is to be stored, with None for what it is if it was forgotten.
    pub fn poll_unsaved(&mut self) -> Option<(NodeId, Option<&Node>)> {
        let id = self.unsaved.pop_first()?;
        Some((id, self.node(id)))
    }

    /// The next node that is no longer where it was, or at the SAP that it was at: what was set up
    /// to it there is of no use.
    pub fn poll_moved(&mut self) -> Option<NodeId> {
        self.moved.pop_first()
    }

    fn add(&mut self, now: i64, sap: u16, meter: Registration) -> Result<NodeId, NodeError> {
        let Registration { name, medium, place, server } = meter;
        let id = self.insert(Node {
            name,
            sap,
            medium,
            place,
            server,
            present: true,
            changed: now,
            last_seen: None,
            parent: None,
            quality: None,
        })?;
        self.changed(id);
        Ok(id)
    }

    fn insert(&mut self, node: Node) -> Result<NodeId, NodeError> {
        if self.by_name.len() >= NODES_MAX {
            return Err(NodeError::TooMany);
        }
        let id = NodeId(u32::try_from(self.nodes.len()).map_err(|_| NodeError::TooMany)?);
        self.occupy(id, node.sap);
        self.by_name.insert(node.name.clone(), id);
        self.nodes.push(Some(node));
        Ok(id)
    }

    fn update(&mut self, now: i64, id: NodeId, meter: Registration) {
        let Some(node) = self.node_mut(id) else { return };
        let Registration { medium, place, server, .. } = meter;
        let was = (node.present, node.medium, &node.place, node.server);
        if was == (true, medium, &place, server) {
            return;
        }
        let came_back = !node.present;
        *node = Node { medium, place, server, present: true, ..node.clone() };
        if came_back {
            node.changed = now;
            self.changed(id);
        } else {
            // It moved: the same meter at the same SAP.
            self.unsaved.insert(id);
            self.moved.insert(id);
        }
    }

    fn changed(&mut self, id: NodeId) {
        self.epoch = self.epoch.wrapping_add(1);
        self.unsaved.insert(id);
    }

    fn forget(&mut self, id: NodeId) {
        let Some(node) = self.nodes.get_mut(id.0 as usize).and_then(Option::take) else { return };
        self.by_name.remove(&node.name);
        self.leave(id, node.sap);
        self.changed(id);
        self.moved.insert(id);
    }

    /// Gives a meter that is known another SAP, which nobody has.
    fn place_at(&mut self, now: i64, id: NodeId, sap: u16) {
        let Some(node) = self.node_mut(id).filter(|node| node.sap != sap) else { return };
        let earlier = core::mem::replace(&mut node.sap, sap);
        node.changed = now;
        self.leave(id, earlier);
        self.occupy(id, sap);
        self.changed(id);
        self.moved.insert(id);
    }

    fn occupy(&mut self, id: NodeId, sap: u16) {
        let index = usize::from(sap);
        if self.by_sap.len() <= index {
            self.by_sap.resize(index + 1, None);
        }
        self.by_sap[index] = Some(id);
    }

    /// The SAP is nobody's, if it was still this meter's.
    fn leave(&mut self, id: NodeId, sap: u16) {
        if let Some(at) = self.by_sap.get_mut(usize::from(sap)) {
            at.take_if(|owner| *owner == id);
        }
    }

    /// The lowest SAP that nobody has; if there is none, that of the meter which has been gone for
    /// longest, if that is long enough.
    fn free_sap(&mut self, now: i64) -> Option<u16> {
        if let Some(sap) = self.pool.saps().find(|&sap| self.at_any(sap).is_none()) {
            return Some(sap);
        }
        let gone = self.iter().filter(|(_, node)| is_free(node, now));
        let (id, sap) = gone.min_by_key(|(_, node)| node.changed).map(|(id, n)| (id, n.sap))?;
        self.forget(id);
        Some(sap)
    }

    fn owner(&self, sap: u16) -> Option<&Node> {
        self.node(self.at_any(sap)?)
    }

    fn at_any(&self, sap: u16) -> Option<NodeId> {
        *self.by_sap.get(usize::from(sap))?
    }

    fn name(&self, id: NodeId) -> Option<&LogicalDeviceName> {
        self.node(id).map(|node| &node.name)
    }

    fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.0 as usize)?.as_ref()
    }

    fn node_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(id.0 as usize)?.as_mut()
    }
}

/// Whether the SAP of this meter may be given to another.
fn is_free(node: &Node, now: i64) -> bool {
    !node.present && now.saturating_sub(node.changed) >= RESERVED_S
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(number: usize) -> Registration {
        Registration::new(&format!("ABC{number:013}")).unwrap()
    }

    #[test]
    fn a_meter_that_comes_back_has_the_sap_it_had() {
        let mut nodes = Nodes::new(Pool::Extended);
        let one = nodes.register(0, meter(1)).unwrap();
        let two = nodes.register(0, meter(2)).unwrap();
        assert_eq!((nodes.at(16), nodes.at(17)), (Some(one), Some(two)));

        assert!(nodes.deregister(10, one));
        assert_eq!(nodes.at(16), None);
        let place = Place::Physical(99);
        let back = nodes.register(20, Registration { place, ..meter(1) }).unwrap();
        assert_eq!((back, nodes.at(16)), (one, Some(one)));
    }

    #[test]
    fn the_sap_of_a_meter_that_is_gone_is_kept_from_others_for_30_days() {
        let mut nodes = Nodes::new(Pool::Strict);
        for number in 0..109 {
            nodes.register(0, meter(number)).unwrap();
        }
        let last = nodes.register(0, meter(109)).unwrap();
        assert_eq!(nodes.get(last).unwrap().sap, 0x7D);
        nodes.deregister(100, last);
        let full = Err(NodeError::PoolExhausted(Pool::Strict));
        assert_eq!(nodes.register(100 + RESERVED_S - 1, meter(200)), full);
        let late = nodes.register(100 + RESERVED_S, meter(200)).unwrap();
        assert_eq!(nodes.get(late).unwrap().sap, 0x7D);
        assert_eq!(nodes.named(meter(109).name.octets()), None);
    }

    #[test]
    fn a_pool_gives_no_address_that_hdlc_peers_take_for_all_station() {
        let saps: Vec<u16> = Pool::Extended.saps().collect();
        assert_eq!(Pool::Strict.saps().count(), 110);
        assert_eq!((saps[0], saps[saps.len() - 1], saps.len()), (0x10, 0x3FFD, 16_239));
        assert!(!saps.contains(&0x7F) && !saps.contains(&0xFF) && saps.contains(&0x80));
    }

    #[test]
    fn the_epoch_tells_every_change_of_who_is_at_which_sap_and_nothing_else() {
        let mut nodes = Nodes::new(Pool::Extended);
        let one = nodes.register(0, meter(1)).unwrap();
        assert_eq!(nodes.epoch(), 1);
        nodes.register(5, meter(1)).unwrap();
        nodes.heard(6, one);
        let place = Place::Physical(44);
        nodes.register(7, Registration { place, ..meter(1) }).unwrap();
        assert_eq!(nodes.epoch(), 1);
        nodes.deregister(8, one);
        assert!(!nodes.deregister(9, one));
        assert_eq!(nodes.epoch(), 2);
    }

    #[test]
    fn two_meters_do_not_share_a_sap() {
        let mut nodes = Nodes::new(Pool::Extended);
        nodes.register_at(0, 527, meter(1)).unwrap();
        let owner = meter(1).name;
        assert_eq!(
            nodes.register_at(0, 527, meter(2)),
            Err(NodeError::SapTaken { sap: 527, owner })
        );
        for sap in [0, 1, 15, 0x7F] {
            let reserved = Err(NodeError::SapReserved(sap));
            assert_eq!(nodes.register_at(0, sap, meter(2)), reserved);
        }
        // One that moves to another SAP is not at both.
        nodes.register_at(0, 3013, meter(1)).unwrap();
        assert_eq!((nodes.at(527), nodes.present()), (None, 1));
    }

    #[test]
    fn a_meter_at_another_sap_is_the_same_node_and_whoever_speaks_to_it_is_to_know() {
        let mut nodes = Nodes::new(Pool::Extended);
        let one = nodes.register(0, meter(1)).unwrap();
        nodes.heard(3, one);
        assert_eq!((nodes.register_at(4, 600, meter(1)), nodes.poll_moved()), (Ok(one), Some(one)));
        assert_eq!((nodes.at(16), nodes.at(600)), (None, Some(one)));
        assert_eq!(nodes.get(one).unwrap().last_seen, Some(3));
        nodes.register(5, meter(1)).unwrap();
        assert_eq!(nodes.poll_moved(), None);
        let place = Place::Physical(44);
        nodes.register(6, Registration { place, ..meter(1) }).unwrap();
        assert_eq!(nodes.poll_moved(), Some(one));
        nodes.deregister(7, one);
        assert_eq!(nodes.poll_moved(), Some(one));
    }

    #[test]
    fn saps_that_were_decided_on_may_change_places_and_others_make_way() {
        let mut nodes = Nodes::new(Pool::Extended);
        nodes.register_all_at(0, vec![(16, meter(1)), (17, meter(2))]).unwrap();
        let three = nodes.register(0, meter(3)).unwrap();
        let four = nodes.register(0, meter(4)).unwrap();
        nodes.deregister(0, four);
        let decided = vec![(17, meter(1)), (16, meter(2)), (18, meter(5)), (19, meter(6))];
        nodes.register_all_at(1, decided).unwrap();
        let at = |sap| nodes.get(nodes.at(sap).unwrap()).unwrap().name.clone();
        let names = [2, 1, 5, 6, 3].map(|number| meter(number).name);
        assert_eq!([16, 17, 18, 19, 20].map(at), names);
        assert_eq!((nodes.get(three).unwrap().sap, nodes.present()), (20, 5));
        let twice = nodes.register_all_at(2, vec![(30, meter(7)), (30, meter(8))]);
        assert_eq!(twice, Err(NodeError::SapTaken { sap: 30, owner: meter(7).name }));
    }

    #[test]
    fn what_is_stored_comes_back_as_it_was() {
        let mut nodes = Nodes::new(Pool::Extended);
        let one = nodes.register(1, meter(1)).unwrap();
        nodes.register(2, meter(2)).unwrap();
        nodes.deregister(3, one);
        let mut stored = Vec::new();
        while let Some((_, node)) = nodes.poll_unsaved() {
            stored.extend(node.cloned());
        }
        let mut back = Nodes::restore(Pool::Extended, nodes.epoch(), stored).unwrap();
        assert!(back.iter().map(|(_, node)| node).eq(nodes.iter().map(|(_, node)| node)));
        assert_eq!((back.epoch(), back.poll_unsaved()), (nodes.epoch(), None));
    }

    #[test]
    fn a_name_that_is_no_text_is_shown_in_hex() {
        let name = LogicalDeviceName::try_from(&b"ELS-UGW-\x00\x1a"[..]).unwrap();
        assert_eq!(name.to_string(), "454C532D5547572D001A");
        let mut nodes = Nodes::new(Pool::Extended);
        let odd = nodes.register(0, Registration { name, ..meter(0) }).unwrap();
        // This one would be hex as well.
        let plain = nodes.register(0, meter(7)).unwrap();
        assert_eq!(nodes.shown_as("454C532D5547572D001A"), Some(odd));
        assert_eq!(nodes.shown_as("ABC0000000000007"), Some(plain));
        assert_eq!(nodes.shown_as("ELS-UGW-"), None);
        assert_eq!(meter(7).name.to_string(), "ABC0000000000007");
        assert_eq!(LogicalDeviceName::try_from(&[][..]), Err(NodeError::Name(0)));
    }
}
