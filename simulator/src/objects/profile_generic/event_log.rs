//! The standard event log.

use dlms_core::{
    axdr::{Data, Writer},
    cosem::{AttributeDescriptor, CaptureObject, ClassId, LogicalName},
};

use super::{Profile, Table};
use crate::{
    events::{EVENTS_MAX, Event},
    objects::data,
    world::World,
};

pub(super) struct StandardEventLog;

/// The name of the standard event log.
pub(super) const NAME: LogicalName = LogicalName([0, 0, 99, 98, 0, 255]);

const COLUMNS: &[CaptureObject] = &[
    CaptureObject::CLOCK_TIME,
    CaptureObject::new(AttributeDescriptor::new(ClassId::DATA, data::EVENT_CODE, 2)),
];

impl Profile for StandardEventLog {
    fn name(&self) -> LogicalName {
        NAME
    }

    fn columns(&self) -> &[CaptureObject] {
        COLUMNS
    }

    fn capture_period_s(&self) -> u32 {
        0
    }

    fn table<'w>(&'w self, world: &'w World) -> impl Table + 'w {
        Entries { world, events: world.events.entries(&world.household, world.clock()) }
    }

    fn capacity(&self) -> u32 {
        EVENTS_MAX as u32
    }

    fn reset(&mut self, world: &mut World) {
        let now = world.clock();
        world.events.clear(now);
    }
}

struct Entries<'w> {
    world: &'w World,
    events: Vec<Event>,
}

impl Table for Entries<'_> {
    fn len(&self) -> usize {
        self.events.len()
    }

    fn time(&self, index: usize) -> i64 {
        self.events[index].at
    }

    fn encode_cell(&mut self, index: usize, column: usize, writer: &mut Writer<'_>) {
        let event = self.events[index];
        match column {
            0 => Data::OctetString(&self.world.local_time(event.at).octets()).encode(writer),
            _ => Data::Unsigned(event.code).encode(writer),
        }
    }
}
