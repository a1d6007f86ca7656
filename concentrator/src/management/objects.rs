//! The objects of the management device.

mod clock;
#[cfg(feature = "collection")]
mod collected;
mod event_log;
mod image_transfer;
mod profile;
mod push_setup;
mod security_setup;
mod spool_profile;
mod station;

use dlms_core::{
    axdr::{Data as Value, DataBuf},
    cosem::{
        LogicalName,
        concentrator::{
            EPOCH, HEARTBEAT, METERS, SAPS_CHANGED, SPOOL_ACKNOWLEDGED, SPOOL_ENTRY, SPOOL_NEXT,
            STATION_DEVIATES, TABLE_EPOCH,
        },
    },
    device::{AssociationLn, CosemObject, Data, ObjectSet, SapAssignment, SapAssignmentItem},
    wrapper::MANAGEMENT_LOGICAL_DEVICE,
    xdlms::{ActionResult, DataAccessResult},
};

#[cfg(feature = "collection")]
pub use self::collected::Collected;
pub(super) use self::station::deviation;
use super::{
    Firmware,
    device::{ASSOCIATIONS, World},
    event,
};
use crate::nodes::{Node, Registration};

/// The version of the association that most head-ends know.
const ASSOCIATION_LN_VERSION: u8 = 1;

/// The objects, for a spool of so many entries, with or without a security setup and what the
/// collection has.
pub(super) fn objects(
    spool_entries_max: u32,
    has_keys: bool,
    #[cfg(feature = "collection")] has_collection: bool,
    push_destination: String,
    firmware: Option<Firmware>,
    has_station: bool,
) -> ObjectSet<World> {
    let security = has_keys.then_some(security_setup::NAME);
    let association =
        AssociationLn::new(ASSOCIATION_LN_VERSION, MANAGEMENT_LOGICAL_DEVICE, security);
    let mut objects: Vec<Box<dyn CosemObject<World>>> = vec![
        Box::new(association),
        Box::new(SapAssignment::new(logical_devices).connectable(connect)),
        Box::new(clock::Clock),
        Box::new(spool_profile::SpoolProfile { entries_max: spool_entries_max }),
        Box::new(event_log::EventLog),
        Box::new(image_transfer::ImageTransfer::new(firmware)),
        Box::new(push_setup::PushSetup::new(HEARTBEAT, push_destination.clone())),
        Box::new(push_setup::PushSetup::new(SAPS_CHANGED, push_destination.clone())),
    ];
    let known = [
        Data::new(LogicalName::LOGICAL_DEVICE_NAME, |world: &World| {
            DataBuf::octet_string(world.name.octets())
        }),
        Data::new(TABLE_EPOCH, |world: &World| world.table_epoch().into()),
        Data::new(METERS, |world: &World| world.meters().into()),
        Data::new(SPOOL_ENTRY, spool_profile::newest),
        Data::new(SPOOL_NEXT, |world: &World| world.spool.status().next.into()),
        Data::new(event_log::EVENT_CODE, event_log::last_code),
        Data::new(EPOCH, |world: &World| world.epoch.value().into()).writable(raise_epoch),
        Data::new(SPOOL_ACKNOWLEDGED, |world: &World| world.spool.status().acknowledged.into())
            .writable(acknowledge),
    ];
    if has_station {
        objects.push(Box::new(push_setup::PushSetup::new(STATION_DEVIATES, push_destination)));
        objects.extend(station::registers());
    }
    for name in ASSOCIATIONS {
        objects.push(Box::new(association.named(name)));
    }
    objects.extend(known.map(|object| Box::new(object) as Box<dyn CosemObject<World>>));
    if has_keys {
        objects.push(Box::new(security_setup::SecuritySetup));
        objects.push(Box::new(Data::new(LogicalName::INVOCATION_COUNTER, |world: &World| {
            world.received_counter.into()
        })));
    }
    #[cfg(feature = "collection")]
    if has_collection {
        objects.extend(collected::objects());
    }
    ObjectSet::new(objects).expect("no two objects here share a name")
}

/// SAP_assignment_list: the concentrator itself, and every meter that is there.
fn logical_devices(world: &World) -> Vec<SapAssignmentItem> {
    let own = SapAssignmentItem {
        sap: MANAGEMENT_LOGICAL_DEVICE,
        logical_device_name: world.name.octets().to_vec(),
    };
    world.with_nodes(|nodes| {
        let meters = nodes.iter().filter(|(_, node)| node.present);
        let meters = meters.map(|(_, node)| SapAssignmentItem {
            sap: node.sap,
            logical_device_name: node.name.octets().to_vec(),
        });
        core::iter::once(own).chain(meters).collect()
    })
}

/// connect_logical_device: gives a meter that is known another SAP, or with SAP 0 takes it away.
/// Where a meter that is not known would be, the method does not say.
fn connect(world: &mut World, item: SapAssignmentItem) -> Result<(), ActionResult> {
    if item.logical_device_name == world.name.octets() {
        return Err(ActionResult::ReadWriteDenied);
    }
    let now = world.now();
    let code = world.with_nodes(|nodes| {
        let id = nodes.named(&item.logical_device_name).ok_or(ActionResult::ObjectUndefined)?;
        if item.sap == 0 {
            let was_there = nodes.deregister(now, id);
            let detached = was_there.then_some(event::SAP_DETACHED);
            return detached.ok_or(ActionResult::ObjectUnavailable);
        }
        let node = nodes.get(id).cloned().ok_or(ActionResult::ObjectUndefined)?;
        let Node { name, medium, place, server, .. } = node;
        let meter = Registration { name, medium, place, server };
        nodes.register_at(now, item.sap, meter).map_err(|_| ActionResult::OtherReason)?;
        Ok(event::SAP_ATTACHED)
    })?;
    world.log(code);
    Ok(())
}

/// The epoch is raised by whom lets this concentrator take over, and never lowered.
fn raise_epoch(world: &mut World, value: &Value<'_>) -> Result<(), DataAccessResult> {
    let epoch = value.as_unsigned().and_then(|epoch| u32::try_from(epoch).ok());
    let epoch = epoch.ok_or(DataAccessResult::TypeUnmatched)?;
    if epoch == world.epoch.value() {
        return Ok(());
    }
    if !world.epoch.raise(epoch) {
        return Err(DataAccessResult::ReadWriteDenied);
    }
    world.log(event::EPOCH_RAISED);
    Ok(())
}

/// All pushes up to this one are with the head-end.
fn acknowledge(world: &mut World, value: &Value<'_>) -> Result<(), DataAccessResult> {
    let last = value.as_unsigned().ok_or(DataAccessResult::TypeUnmatched)?;
    world.spool.acknowledge(last).map_err(|_| DataAccessResult::OtherReason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_has_the_attributes_and_methods_of_its_class() {
        let objects = objects(
            1_000,
            true,
            #[cfg(feature = "collection")]
            true,
            String::new(),
            None,
            true,
        );
        assert_eq!(objects.irregular().collect::<Vec<_>>(), []);
    }
}
