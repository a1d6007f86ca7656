use super::*;
use crate::{
    acse::{ApplicationContext, Mechanism},
    association::{Access, KeySet},
    axdr::{Data as Value, DataBuf, RawData, Reader},
    cosem::{
        AttributeDescriptor, ClassId, LogicalName, MethodDescriptor, ScalerUnit, Unit, registry,
    },
    security::Protection,
    xdlms::{ActionResult, Conformance, DataAccessResult, SelectiveAccess},
};
use alloc::{boxed::Box, vec, vec::Vec};
use std::string::{String, ToString};

const IMPORT: LogicalName = LogicalName([1, 0, 1, 8, 0, 255]);
const SWITCH: LogicalName = LogicalName([0, 0, 96, 3, 10, 255]);
const SCRIPTS: LogicalName = LogicalName([0, 0, 10, 0, 106, 255]);

/// How often the switch was worked.
#[derive(Default)]
struct World {
    worked: u32,
    worked_by: Option<Initiator>,
}

/// A disconnect control that counts.
struct Switch;

impl CosemObject<World> for Switch {
    fn class(&self) -> ClassId {
        ClassId::DISCONNECT_CONTROL
    }
    fn name(&self) -> LogicalName {
        SWITCH
    }
    fn attributes(&self) -> &[AttributeRights] {
        &[AttributeRights::READ, AttributeRights::READ, AttributeRights::READ_WRITE]
    }
    fn methods(&self) -> &[MethodRights] {
        const ENCRYPTED: MethodRights =
            MethodRights::ACCESS.protected(Protection::AUTHENTICATED_ENCRYPTED);
        &[ENCRYPTED, MethodRights::ACCESS]
    }
    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        put(out, &get.world.worked.into())
    }
    fn set(
        &mut self,
        _: i8,
        _: &Value<'_>,
        _: &mut Call<'_, World>,
    ) -> Result<(), DataAccessResult> {
        Ok(())
    }
    fn invoke(
        &mut self,
        method: i8,
        _: &Value<'_>,
        call: &mut Call<'_, World>,
        out: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        call.world.worked += 1;
        call.world.worked_by = Some(call.initiator);
        if method == 1 {
            Value::Unsigned(7).encode(&mut crate::axdr::Writer::new(out));
        }
        Ok(())
    }
}

/// A script table with a script that works the switch (1) and one that executes itself (2). A
/// minute after each full hour it works the switch, too.
struct Scripts {
    next: i64,
}

impl CosemObject<World> for Scripts {
    fn class(&self) -> ClassId {
        ClassId::SCRIPT_TABLE
    }
    fn name(&self) -> LogicalName {
        SCRIPTS
    }
    fn attributes(&self) -> &[AttributeRights] {
        &[AttributeRights::NONE]
    }
    fn methods(&self) -> &[MethodRights] {
        &[MethodRights::ACCESS]
    }
    fn get(&self, _: &Get<'_, World>, _: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        Err(DataAccessResult::HardwareFault)
    }
    fn invoke(
        &mut self,
        _: i8,
        parameter: &Value<'_>,
        call: &mut Call<'_, World>,
        _: &mut Vec<u8>,
    ) -> Result<(), ActionResult> {
        let method = match parameter {
            Value::LongUnsigned(1) => MethodDescriptor::new(ClassId::DISCONNECT_CONTROL, SWITCH, 2),
            _ => MethodDescriptor::new(ClassId::SCRIPT_TABLE, SCRIPTS, 1),
        };
        call.objects.perform(call.world, method, parameter).map(|_| ())
    }
    fn poll_timeout(&self, _: &World) -> Option<i64> {
        Some(self.next)
    }
    fn handle_timeout(&mut self, now: i64, call: &mut Call<'_, World>) {
        self.next = now + 3_600;
        let method = MethodDescriptor::new(ClassId::DISCONNECT_CONTROL, SWITCH, 2);
        call.objects.perform(call.world, method, &Value::Integer(0)).unwrap();
    }
}

fn objects(version: u8) -> ObjectSet<World> {
    let devices = |_: &World| {
        vec![
            SapAssignmentItem { sap: 1, logical_device_name: b"ABC1".to_vec() },
            SapAssignmentItem { sap: 300, logical_device_name: b"ABC2".to_vec() },
        ]
    };
    ObjectSet::new([
        Box::new(SapAssignment::new(devices)) as Box<dyn CosemObject<World>>,
        Box::new(Switch),
        Box::new(Scripts { next: 60 }),
        Box::new(AssociationLn::new(version, 1, None)),
        Box::new(AssociationSn::new(version + 1, Some(LogicalName([0, 0, 43, 0, 0, 255])))),
        Box::new(Data::new(LogicalName::LOGICAL_DEVICE_NAME, |_| DataBuf::octet_string(*b"ABC1"))),
        Box::new(Register::new(IMPORT, ScalerUnit::new(0, Unit::WattHour), |world: &World| {
            world.worked.into()
        })),
    ])
    .unwrap()
}

const fn access(protection: Protection) -> Access {
    Access {
        client: 16,
        client_title: None,
        application_context: ApplicationContext::LogicalName,
        mechanism: Mechanism::Lowest,
        conformance: Conformance::GET,
        max_receive_pdu: 500,
        max_send_pdu: 400,
        protection,
        key_set: KeySet::Unicast,
    }
}

const PLAIN: Access = access(Protection::NONE);
const SHORT_NAMES: Access =
    Access { application_context: ApplicationContext::ShortName, ..access(Protection::NONE) };

fn attribute(class: ClassId, name: LogicalName, attribute: i8) -> AttributeDescriptor {
    AttributeDescriptor::new(class, name, attribute)
}

fn read(
    objects: &ObjectSet<World>,
    attribute: AttributeDescriptor,
    selection: Option<(u8, DataBuf)>,
) -> Result<DataBuf, DataAccessResult> {
    let parameters = selection.as_ref().map(|(_, parameters)| parameters.to_octets());
    let selection = selection.zip(parameters.as_ref()).map(|((selector, _), parameters)| {
        SelectiveAccess { selector, parameters: RawData::from_octets(parameters).unwrap() }
    });
    let mut out = Vec::new();
    let access = if attribute.class == ClassId::ASSOCIATION_SN { SHORT_NAMES } else { PLAIN };
    objects.get(&access, &AllRights, &World::default(), attribute, selection, &mut out)?;
    DataBuf::decode(&mut Reader::new(&out)).map_err(|_| DataAccessResult::OtherReason)
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| std::format!("{octet:02x}")).collect()
}

fn object_list(version: u8) -> String {
    let list = attribute(ClassId::ASSOCIATION_LN, LogicalName::CURRENT_ASSOCIATION, 2);
    hex(&read(&objects(version), list, None).unwrap().to_octets())
}

#[test]
fn the_logical_name_is_attribute_1_of_every_object() {
    let objects = objects(1);
    for object in objects.iter() {
        let value = read(&objects, attribute(object.class, object.name, 1), None);
        assert_eq!(value, Ok(object.name.to_data()));
    }
}

#[test]
fn what_is_not_there_is_undefined_and_what_is_not_given_is_denied() {
    let mut objects = objects(1);
    let world = &mut World::default();
    for (class, name, number, refusal) in [
        (ClassId::REGISTER, IMPORT, 4, DataAccessResult::ObjectUndefined),
        (ClassId::REGISTER, IMPORT, 0, DataAccessResult::ObjectUndefined),
        (ClassId::REGISTER, IMPORT, -1, DataAccessResult::ObjectUndefined),
        (ClassId::DATA, IMPORT, 2, DataAccessResult::ObjectUndefined),
        (ClassId::SCRIPT_TABLE, SCRIPTS, 2, DataAccessResult::ReadWriteDenied),
    ] {
        let attribute = attribute(class, name, number);
        assert_eq!(read(&objects, attribute, None), Err(refusal));
        let written = objects.set(&PLAIN, &AllRights, world, attribute, &Value::Null);
        assert_eq!(written, Err(refusal));
    }
    // A name cannot be written, and neither can what may only be read.
    for number in [1, 2] {
        let attribute = attribute(ClassId::REGISTER, IMPORT, number);
        let written = objects.set(&PLAIN, &AllRights, world, attribute, &Value::Null);
        assert_eq!(written, Err(DataAccessResult::ReadWriteDenied));
    }
    for (number, refusal) in
        [(1, ActionResult::ReadWriteDenied), (2, ActionResult::ObjectUndefined)]
    {
        let method = MethodDescriptor::new(ClassId::REGISTER, IMPORT, number);
        let invoked =
            objects.action(&PLAIN, &AllRights, world, method, &Value::Null, &mut Vec::new());
        assert_eq!(invoked, Err(refusal));
    }
}

#[test]
fn a_method_that_demands_protection_is_denied_without() {
    let mut objects = objects(3);
    let world = &mut World::default();
    let method = MethodDescriptor::new(ClassId::DISCONNECT_CONTROL, SWITCH, 1);
    for (protection, result) in [
        (Protection::NONE, Err(ActionResult::ReadWriteDenied)),
        (Protection::AUTHENTICATED, Err(ActionResult::ReadWriteDenied)),
        (Protection::AUTHENTICATED_ENCRYPTED, Ok(())),
    ] {
        let access = access(protection);
        let mut out = Vec::new();
        let invoked =
            objects.action(&access, &AllRights, world, method, &Value::Integer(0), &mut out);
        assert_eq!(invoked, result);
        assert_eq!(out.is_empty(), result.is_err());
    }
    assert_eq!(world.worked, 1);
}

#[test]
fn an_association_is_there_for_its_own_referencing_only() {
    let objects = objects(1);
    for (class, access, there) in [
        (ClassId::ASSOCIATION_LN, PLAIN, true),
        (ClassId::ASSOCIATION_LN, SHORT_NAMES, false),
        (ClassId::ASSOCIATION_SN, PLAIN, false),
        (ClassId::ASSOCIATION_SN, SHORT_NAMES, true),
    ] {
        let name = attribute(class, LogicalName::CURRENT_ASSOCIATION, 1);
        let world = World::default();
        let read = objects.get(&access, &AllRights, &world, name, None, &mut Vec::new());
        assert_eq!(read.is_ok(), there, "{class}");
    }
}

#[test]
fn two_objects_of_a_class_cannot_share_a_name() {
    let name = LogicalName::LOGICAL_DEVICE_NAME;
    let data = || Box::new(Data::new(name, |(): &()| DataBuf::Null)) as Box<dyn CosemObject<()>>;
    let refused = ObjectSet::new([data(), data()]).unwrap_err();
    assert_eq!(refused, NotUnique { class: ClassId::DATA, name });
    assert_eq!(refused.to_string(), "two objects of class 1 are called 0-0:42.0.0*255");
}

#[test]
fn an_object_reaches_the_others_and_never_itself() {
    let mut objects = objects(1);
    let world = &mut World::default();
    let execute = MethodDescriptor::new(ClassId::SCRIPT_TABLE, SCRIPTS, 1);
    assert_eq!(objects.perform(world, execute, &Value::LongUnsigned(1)), Ok(DataBuf::Null));
    assert_eq!(world.worked, 1);
    let circle = objects.perform(world, execute, &Value::LongUnsigned(2));
    assert_eq!(circle, Err(ActionResult::TemporaryFailure));
    // It is back in its place.
    assert_eq!(objects.perform(world, execute, &Value::LongUnsigned(1)), Ok(DataBuf::Null));
    let switch = MethodDescriptor::new(ClassId::DISCONNECT_CONTROL, SWITCH, 1);
    assert_eq!(objects.perform(world, switch, &Value::Null), Ok(DataBuf::Unsigned(7)));
}

#[test]
fn what_is_due_is_done_when_its_time_has_come() {
    let mut objects = objects(1);
    let world = &mut World::default();
    assert_eq!(objects.poll_timeout(world), Some(60));
    objects.handle_timeout(world, 59);
    assert_eq!(world.worked, 0);
    objects.handle_timeout(world, 60);
    assert_eq!((world.worked, objects.poll_timeout(world)), (1, Some(3_660)));
}

#[test]
fn what_a_client_began_is_the_clients_however_many_objects_it_passes() {
    let mut objects = objects(1);
    let world = &mut World::default();
    let execute = MethodDescriptor::new(ClassId::SCRIPT_TABLE, SCRIPTS, 1);
    let script = Value::LongUnsigned(1);
    objects.action(&PLAIN, &AllRights, world, execute, &script, &mut Vec::new()).unwrap();
    assert_eq!(world.worked_by, Some(Initiator::Client));
    objects.handle_timeout(world, 60);
    assert_eq!(world.worked_by, Some(Initiator::Device));
}

#[test]
fn the_object_list_says_rights_as_its_version_does() {
    // structure { 70, 0, 0-0:96.3.10*255, { attributes, methods } }
    let switch = "02041200461100090600006003 0aff0202";
    let attributes = "0104 02030f01160100 02030f02160100 02030f03160100 02030f04160300";
    for (version, methods) in [
        // boolean; access; bits: 1 + authenticated + encrypted, request and response
        (0, "0102 02020f0103ff 02020f0203ff"),
        (1, "0102 02020f011602 02020f021601"),
        (2, "0102 02020f011602 02020f021601"),
        (3, "0102 02020f01166d 02020f021601"),
    ] {
        let element = [switch, attributes, methods].concat().replace(' ', "");
        let list = object_list(version);
        assert!(list.contains(&element), "version {version}: {element} is not in {list}");
        // Six of seven: the association of short names is not here.
        assert_eq!(list[..4], *"0106", "version {version}");
    }
}

#[test]
fn a_client_sees_in_the_object_list_what_it_may_do() {
    struct ReadOnly;
    impl ClientRights for ReadOnly {
        fn attribute(&self, _: ObjectId, _: i8, given: AttributeRights) -> AttributeRights {
            given.without_write()
        }
        fn method(&self, object: ObjectId, _: i8, given: MethodRights) -> MethodRights {
            if object.name == SCRIPTS { given } else { MethodRights::NONE }
        }
    }
    let mut objects = objects(1);
    let mut out = Vec::new();
    let list = attribute(ClassId::ASSOCIATION_LN, LogicalName::CURRENT_ASSOCIATION, 2);
    objects.get(&PLAIN, &ReadOnly, &World::default(), list, None, &mut out).unwrap();
    let out = hex(&out);
    for object in [
        "0906 000060030aff 0202 0104 02030f01160100 02030f02160100 02030f03160100 02030f04160100 \
         0102 02020f011600 02020f021600",
        "0906 00000a006aff 0202 0102 02030f01160100 02030f02160000 0101 02020f011601",
    ] {
        assert!(out.contains(&object.replace(' ', "")), "{object} is not in {out}");
    }
    // And that is what it may do.
    let mode = attribute(ClassId::DISCONNECT_CONTROL, SWITCH, 4);
    let world = &mut World::default();
    let written = objects.set(&PLAIN, &ReadOnly, world, mode, &Value::Enum(1));
    assert_eq!(written, Err(DataAccessResult::ReadWriteDenied));
}

#[test]
fn an_object_that_a_client_may_do_nothing_with_is_not_in_its_list() {
    struct Few;
    impl ClientRights for Few {
        fn attribute(&self, object: ObjectId, _: i8, given: AttributeRights) -> AttributeRights {
            if object.name == IMPORT { given } else { AttributeRights::NONE }
        }
        fn method(&self, object: ObjectId, _: i8, given: MethodRights) -> MethodRights {
            if object.name == SCRIPTS { given } else { MethodRights::NONE }
        }
    }
    let objects = objects(1);
    let get = Get {
        attribute: 2,
        selection: None,
        access: Some(&PLAIN),
        rights: &Few,
        world: &World::default(),
        objects: &objects,
    };
    let mut out = Vec::new();
    AssociationLn::new(1, 1, None).get(&get, &mut out).unwrap();
    // An array of two: the register and the scripts.
    assert_eq!(out[..2], [1, 2]);
}

#[test]
fn a_part_of_the_object_list_is_chosen_by_class_or_by_object() {
    let objects = objects(1);
    let list = attribute(ClassId::ASSOCIATION_LN, LogicalName::CURRENT_ASSOCIATION, 2);
    let id = |class: ClassId, name: LogicalName| {
        DataBuf::structure([DataBuf::LongUnsigned(class.0), name.to_data()])
    };
    let part = |selector, parameters| read(&objects, list, Some((selector, parameters)));
    let bare = |class: ClassId, name: LogicalName| {
        DataBuf::structure([class.0.into(), 0_u8.into(), name.to_data()])
    };
    let DataBuf::Array(names) = part(1, DataBuf::Null).unwrap() else { panic!() };
    assert_eq!(names.len(), 6);
    assert!(names.contains(&bare(ClassId::REGISTER, IMPORT)));
    let classes = DataBuf::array([DataBuf::LongUnsigned(3), DataBuf::LongUnsigned(70)]);
    assert_eq!(
        part(2, classes),
        Ok(DataBuf::array([
            bare(ClassId::DISCONNECT_CONTROL, SWITCH),
            bare(ClassId::REGISTER, IMPORT),
        ]))
    );
    let whole = part(4, id(ClassId::REGISTER, IMPORT)).unwrap();
    assert!(
        hex(&whole.to_octets())
            .starts_with("020412000311000906 0100010800ff0202".replace(' ', "").as_str())
    );
    let wanted = DataBuf::array([id(ClassId::REGISTER, IMPORT), id(ClassId::DATA, IMPORT)]);
    assert_eq!(part(3, wanted), Ok(DataBuf::array([whole])));
    assert_eq!(part(4, id(ClassId::DATA, IMPORT)), Err(DataAccessResult::ObjectUndefined));
    assert_eq!(part(2, DataBuf::Null), Err(DataAccessResult::TypeUnmatched));
    assert_eq!(part(5, DataBuf::Null), Err(DataAccessResult::ScopeOfAccessViolated));
}

#[test]
fn an_attribute_without_selectors_has_no_parts() {
    let value = attribute(ClassId::REGISTER, IMPORT, 2);
    let refused = read(&objects(1), value, Some((1, DataBuf::Null)));
    assert_eq!(refused, Err(DataAccessResult::ScopeOfAccessViolated));
}

#[test]
fn the_association_tells_what_was_agreed() {
    let objects = objects(3);
    let association = |number| {
        let class = ClassId::ASSOCIATION_LN;
        read(&objects, attribute(class, LogicalName::CURRENT_ASSOCIATION, number), None)
    };
    let octets = |number| hex(&association(number).unwrap().to_octets());
    assert_eq!(octets(3), "02020f10120001"); // client 16, server 1
    assert_eq!(octets(4), "090760857405080101");
    assert_eq!(octets(5), "020604180000101201f412019011060f000900");
    assert_eq!(octets(6), "090760857405080200");
    assert_eq!(association(7), Err(DataAccessResult::ReadWriteDenied), "the secret");
    assert_eq!(octets(8), "1602");
    assert_eq!(octets(9), "0900");
    assert_eq!(octets(10), "0100");
    assert_eq!(octets(11), "020211000a00");
}

#[test]
fn the_list_of_logical_devices_has_saps_above_127() {
    let objects = objects(1);
    let list = attribute(ClassId::SAP_ASSIGNMENT, LogicalName::SAP_ASSIGNMENT, 2);
    let list = read(&objects, list, None).unwrap().to_octets();
    assert_eq!(
        hex(&list),
        "0102 0202 120001 0904 41424331 0202 12012c 0904 41424332".replace(' ', "")
    );
    let data = Value::decode(&mut Reader::new(&list)).unwrap();
    let items = SapAssignmentItem::list_from_data(&data).unwrap();
    assert_eq!((items[1].sap, &items[1].logical_device_name[..]), (300, &b"ABC2"[..]));
}

#[test]
fn every_version_has_the_attributes_and_methods_of_its_class() {
    for version in 0..=3 {
        for object in objects(version).iter() {
            let objects = objects(version);
            let entry = objects.entry(object.class, object.name).unwrap();
            let class = registry::interface_class(object.class, object.version).unwrap();
            let last = class.attributes.last().unwrap().id.0;
            assert!(entry.attribute(last).is_some(), "{object:?} lacks {last}");
            assert!(entry.attribute(last + 1).is_none(), "{object:?}");
            let last = class.methods.last().map_or(0, |method| method.id.0);
            assert!(last == 0 || entry.method(last).is_some(), "{object:?} lacks method {last}");
            assert!(entry.method(last + 1).is_none(), "{object:?}");
        }
    }
}

#[test]
fn reserved_base_names_are_where_the_standard_puts_them() {
    let objects = objects(1);
    for (class, name, base_name) in [
        (ClassId::ASSOCIATION_SN, LogicalName::CURRENT_ASSOCIATION, Some(0xfa00)),
        (ClassId::ASSOCIATION_LN, LogicalName::CURRENT_ASSOCIATION, None),
        (ClassId::SAP_ASSIGNMENT, LogicalName::SAP_ASSIGNMENT, Some(0xfc00)),
        (ClassId::DATA, LogicalName::LOGICAL_DEVICE_NAME, Some(0xfd00)),
        // The first of the others: the script table, then the switch after its method at 0x20.
        (ClassId::SCRIPT_TABLE, SCRIPTS, Some(0x0100)),
        (ClassId::DISCONNECT_CONTROL, SWITCH, Some(0x0128)),
        (ClassId::REGISTER, IMPORT, Some(0x0158)),
    ] {
        assert_eq!(objects.base_name(class, name), base_name, "{class} {name}");
    }
}

#[test]
fn a_short_name_is_an_attribute_or_a_method_or_nothing() {
    let objects = objects(1);
    let switch = |number| Member::Attribute(attribute(ClassId::DISCONNECT_CONTROL, SWITCH, number));
    assert_eq!(objects.short_name(0x0128), Some(switch(1)));
    assert_eq!(objects.short_name(0x0140), Some(switch(4)));
    let reconnect = MethodDescriptor::new(ClassId::DISCONNECT_CONTROL, SWITCH, 2);
    assert_eq!(objects.short_name(0x0150), Some(Member::Method(reconnect)));
    let list = attribute(ClassId::ASSOCIATION_SN, LogicalName::CURRENT_ASSOCIATION, 2);
    assert_eq!(objects.short_name(0xfa08), Some(Member::Attribute(list)));
    let reply = MethodDescriptor::new(ClassId::ASSOCIATION_SN, LogicalName::CURRENT_ASSOCIATION, 8);
    assert_eq!(objects.short_name(0xfa58), Some(Member::Method(reply)));
    for nothing in [0, 0x00f8, 0x0129, 0xfa50, 0xffff] {
        assert_eq!(objects.short_name(nothing), None, "{nothing:#06x}");
    }
}

#[test]
fn the_list_of_short_names_has_every_object_once() {
    let objects = objects(1);
    let class = ClassId::ASSOCIATION_SN;
    let list = attribute(class, LogicalName::CURRENT_ASSOCIATION, 2);
    let octets = hex(&read(&objects, list, None).unwrap().to_octets());
    assert!(
        octets.starts_with(
            "0106 0204 100100 120009 1100 0906 00000a006aff".replace(' ', "").as_str()
        )
    );
    assert!(octets.contains("020410fa00 12000c 1102 0906 0000280000ff".replace(' ', "").as_str()));
    let rights = attribute(class, LogicalName::CURRENT_ASSOCIATION, 3);
    let octets = hex(&read(&objects, rights, None).unwrap().to_octets());
    let switch = "0203 100128 0104 02030f01160100 02030f02160100 02030f03160100 02030f04160300 \
                  0102 02020f011602 02020f021601";
    assert!(octets.contains(switch.replace(' ', "").as_str()), "{octets}");
}
