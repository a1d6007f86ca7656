//! The objects of a meter (IEC 62056-6-2): one file per group of interface classes. What every
//! device has (finding an object, checking rights, the associations) is
//! [`dlms_core::device`].

mod activity_calendar;
mod billing_profile;
mod clock;
mod companion;
mod data;
mod demand_register;
mod disconnect_control;
mod image_transfer;
mod limiter;
mod profile_generic;
mod push_setup;
mod register;
mod register_activation;
mod register_monitor;
mod schedule;
mod script_table;
mod security_setup;
mod single_action_schedule;
mod special_days;

use dlms_core::{
    axdr::DataBuf,
    companion::Companion,
    device::{
        AssociationLn, AssociationSn, AttributeRights, CosemObject, MethodRights, ObjectSet,
        SapAssignment,
    },
    security::SecuritySetupVersion,
};

pub(crate) use self::disconnect_control::switch;
pub use self::profile_generic::ENTRIES_MAX;
use crate::{meter::LOGICAL_DEVICE, world::World};

/// The version of the association that most meters in the field have.
const ASSOCIATION_LN_VERSION: u8 = 1;
/// The same for short names: with access rights.
const ASSOCIATION_SN_VERSION: u8 = 2;

// What objects here give to a client that may do everything.
const READ: AttributeRights = AttributeRights::READ;
const READ_WRITE: AttributeRights = AttributeRights::READ_WRITE;
const ACCESS: MethodRights = MethodRights::ACCESS;
const DENIED: MethodRights = MethodRights::NONE;

/// The objects of a logical device: those that every one here has, or those that `companion`
/// names.
pub(crate) fn objects(
    entries: u32,
    security: SecuritySetupVersion,
    sap: u16,
    companion: Option<&Companion>,
) -> ObjectSet<World> {
    let objects = ours(entries, security, sap);
    let objects = match companion {
        Some(companion) => companion::objects(companion, objects, entries),
        None => objects,
    };
    ObjectSet::new(objects).expect("no two objects here share a name")
}

/// The objects that every logical device here has, for a profile of `entries` rows and a security
/// setup of this version. The management logical device lists them all beside.
fn ours(
    entries: u32,
    security: SecuritySetupVersion,
    sap: u16,
) -> Vec<Box<dyn CosemObject<World>>> {
    let mut objects: Vec<Box<dyn CosemObject<World>>> = vec![
        Box::new(AssociationLn::new(ASSOCIATION_LN_VERSION, sap, Some(security_setup::NAME))),
        Box::new(AssociationSn::new(ASSOCIATION_SN_VERSION, Some(security_setup::NAME))),
        Box::new(clock::Clock::default()),
        Box::new(disconnect_control::DisconnectControl),
        Box::new(image_transfer::ImageTransfer::default()),
        Box::new(activity_calendar::ActivityCalendar::default()),
        Box::new(special_days::SpecialDays::default()),
        Box::new(security_setup::SecuritySetup(security)),
        Box::new(schedule::Schedule::default()),
        Box::new(limiter::Limiter::default()),
        Box::new(register_monitor::RegisterMonitor::default()),
        Box::new(register_activation::RegisterActivation::default()),
        Box::new(billing_profile::BillingProfile::default()),
    ];
    if sap == LOGICAL_DEVICE {
        objects.push(Box::new(SapAssignment::new(|world: &World| world.logical_devices.clone())));
    }
    data::add(&mut objects);
    register::add(&mut objects);
    demand_register::add(&mut objects);
    profile_generic::add(&mut objects, entries);
    script_table::add(&mut objects);
    single_action_schedule::add(&mut objects);
    push_setup::add(&mut objects);
    objects
}

/// An element of a structure or array, from 1; the value itself for 0; null-data for none.
fn element(value: DataBuf, data_index: u16) -> DataBuf {
    let Some(index) = usize::from(data_index).checked_sub(1) else { return value };
    match value {
        DataBuf::Structure(mut elements) | DataBuf::Array(mut elements) => {
            if index < elements.len() { elements.swap_remove(index) } else { DataBuf::Null }
        }
        _ => DataBuf::Null,
    }
}

/// The integer that a value is.
fn integer(value: &DataBuf) -> Option<i128> {
    Some(match value {
        DataBuf::Integer(value) => (*value).into(),
        DataBuf::Long(value) => (*value).into(),
        DataBuf::DoubleLong(value) => (*value).into(),
        DataBuf::Long64(value) => (*value).into(),
        DataBuf::Unsigned(value) | DataBuf::Enum(value) => (*value).into(),
        DataBuf::LongUnsigned(value) => (*value).into(),
        DataBuf::DoubleLongUnsigned(value) => (*value).into(),
        DataBuf::Long64Unsigned(value) => (*value).into(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use dlms_core::companion::companions;

    use super::*;
    use crate::meter::FURTHER_LOGICAL_DEVICES;

    #[test]
    fn every_object_has_the_attributes_and_methods_of_its_class() {
        for version in [SecuritySetupVersion::V0, SecuritySetupVersion::V1] {
            for sap in [LOGICAL_DEVICE, FURTHER_LOGICAL_DEVICES] {
                let companions = companions().iter().map(Some).chain([None]);
                companions.for_each(|companion| {
                    let objects = objects(10, version, sap, companion);
                    assert_eq!(objects.irregular().collect::<Vec<_>>(), []);
                });
            }
        }
    }
}
