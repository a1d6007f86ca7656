//! The objects of a device, asked for anything.

use alloc::{boxed::Box, vec, vec::Vec};

use super::next;
use crate::{
    acse::{ApplicationContext, Mechanism},
    association::{Access, KeySet},
    axdr::{Data as Value, DataBuf, RawData},
    cosem::{
        AttributeDescriptor, ClassId, LogicalName, MethodDescriptor, ScalerUnit, Unit, registry,
        value::{CosemValue, ObjectListElement, ObjectListElementSn},
    },
    device::{
        AllRights, AssociationLn, AssociationSn, CosemObject, Data, Member, ObjectSet, Register,
        SapAssignment, SapAssignmentItem,
    },
    security::Protection,
    xdlms::{Conformance, SelectiveAccess},
};

/// Whatever is asked, an answer is one value or a refusal, and what the object lists promise holds.
///
/// First octet: the version of the associations (bits 0 and 1), short names (bit 2). Then which
/// object, the attribute, a short name of two octets, a selector; the rest is its parameters.
pub fn object_set(mut octets: &[u8]) {
    let choice = next(&mut octets);
    let version = choice & 3;
    let mut objects = objects(version);
    let short_names = choice & 4 != 0;
    let access = access(short_names);
    let listed: Vec<_> = objects.iter().collect();
    let Some(object) = listed.get(usize::from(next(&mut octets)) % listed.len()) else { return };
    let member = i8::from_be_bytes([next(&mut octets)]);
    let attribute = AttributeDescriptor::new(object.class, object.name, member);
    let name = u16::from_be_bytes([next(&mut octets), next(&mut octets)]);
    let selector = next(&mut octets);

    // A short name is a member of an object that is there.
    match objects.short_name(name) {
        Some(Member::Attribute(named)) => {
            assert!(objects.attribute_rights(&AllRights, named).is_some(), "{named}");
        }
        Some(Member::Method(named)) => {
            assert!(objects.method_rights(&AllRights, named).is_some(), "{named}");
        }
        None => {}
    }

    let parameters = RawData::from_octets(octets).ok();
    let selection = parameters.map(|parameters| SelectiveAccess { selector, parameters });
    for selection in [None, selection] {
        let mut out = Vec::new();
        let got = objects.get(&access, &AllRights, &(), attribute, selection, &mut out);
        let class = registry::interface_class(object.class, object.version);
        let known = class.and_then(|class| class.attribute(member));
        match got {
            Ok(()) => {
                let data = RawData::from_octets(&out).and_then(|raw| raw.data());
                let data = data.expect("an answer is one value");
                let known = known.expect("an attribute of its class");
                let whole = selection.is_none();
                assert!(!whole || known.types.contains(data.data_type()), "{attribute}");
                if whole && member == 2 {
                    is_a_list(object.class, &data);
                }
            }
            Err(_) => assert!(selection.is_some() || !readable(&objects, &access, attribute)),
        }
    }
    let method = MethodDescriptor::new(object.class, object.name, member);
    let parameter = parameters.and_then(|raw| raw.data().ok()).unwrap_or(Value::Null);
    let mut out = Vec::new();
    let refused = objects.action(&access, &AllRights, &mut (), method, &parameter, &mut out);
    assert!(refused.is_err(), "no object here has a method that does anything");
    let written = objects.set(&access, &AllRights, &mut (), attribute, &parameter);
    assert!(written.is_err(), "no object here can be written");
}

/// What the association may read.
fn readable(objects: &ObjectSet<()>, access: &Access, attribute: AttributeDescriptor) -> bool {
    let short = access.application_context == ApplicationContext::ShortName;
    let there = match attribute.class {
        ClassId::ASSOCIATION_LN => !short,
        ClassId::ASSOCIATION_SN => short,
        _ => true,
    };
    let rights = objects.attribute_rights(&AllRights, attribute);
    there && rights.is_some_and(|rights| rights.may_read())
}

/// The list of an association, typed, is written as it came.
fn is_a_list(class: ClassId, data: &Value<'_>) {
    let same = |written: Option<DataBuf>| {
        let whole = data.to_buf().expect("a list");
        assert_eq!(written.expect("a list of objects"), whole);
    };
    match class {
        ClassId::ASSOCIATION_LN => {
            same(Vec::<ObjectListElement>::from_data(data).map(|list| list.to_data()));
        }
        ClassId::ASSOCIATION_SN => {
            same(Vec::<ObjectListElementSn>::from_data(data).map(|list| list.to_data()));
        }
        _ => {}
    }
}

fn objects(version: u8) -> ObjectSet<()> {
    let devices =
        |(): &()| vec![SapAssignmentItem { sap: 1, logical_device_name: b"ABC1".to_vec() }];
    let energy = LogicalName([1, 0, 1, 8, 0, 255]);
    let setup = Some(LogicalName([0, 0, 43, 0, 0, 255]));
    let objects: [Box<dyn CosemObject<()>>; 5] = [
        Box::new(AssociationLn::new(version, 1, setup)),
        Box::new(AssociationSn::new(version.saturating_add(1), setup)),
        Box::new(SapAssignment::new(devices)),
        Box::new(Data::new(LogicalName::LOGICAL_DEVICE_NAME, |(): &()| DataBuf::Null)),
        Box::new(Register::new(energy, ScalerUnit::new(0, Unit::WattHour), |(): &()| 7_u32.into())),
    ];
    ObjectSet::new(objects).expect("no two share a name")
}

const fn access(short_names: bool) -> Access {
    Access {
        client: 16,
        client_title: None,
        application_context: if short_names {
            ApplicationContext::ShortName
        } else {
            ApplicationContext::LogicalName
        },
        mechanism: Mechanism::Lowest,
        conformance: Conformance::GET,
        max_receive_pdu: 500,
        max_send_pdu: 400,
        protection: Protection::NONE,
        key_set: KeySet::Unicast,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_of_every_object_in_every_version_is_answered() {
        for choice in 0..8 {
            for object in 0..5 {
                for member in 0..=255 {
                    object_set(&[choice, object, member, 0xfa, member, 1, 0]);
                }
            }
        }
    }
}
