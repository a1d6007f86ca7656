//! The objects that a companion names. What there is a file for here is taken from there; the rest
//! measures what its logical name says, or shows values of the types of its class.

use dlms_core::{
    axdr::{DataBuf, DataType},
    companion::{Companion, CompanionObject},
    cosem::{
        ClassId, LogicalName, ScalerUnit,
        registry::{self, InterfaceClass, TypeSet},
    },
    device::{AttributeRights, CosemObject, Data, Get, MethodRights, put},
    xdlms::DataAccessResult,
};

use super::{
    DENIED, READ,
    profile_generic::{CompanionProfile, ProfileGeneric},
    push_setup::PushSetup,
};
use crate::{
    household::{Flow, INSTALLED_UNIX_S},
    world::World,
};

const HOUR_S: i64 = 3_600;
/// How long a cubic metre of gas lasts: some 1,500 in a year.
const GAS_M3_S: i64 = 21_000;

/// The objects of `companion`, as far as they are among `ours` from there. Profiles are always made
/// of what it says, with at most `entries` rows.
pub(super) fn objects(
    companion: &Companion,
    mut ours: Vec<Box<dyn CosemObject<World>>>,
    entries: u32,
) -> Vec<Box<dyn CosemObject<World>>> {
    let mut take = |object: &CompanionObject| {
        let at = ours.iter().position(|known| {
            (known.class(), known.name()) == (object.class, object.instance)
                && object.version.is_none_or(|version| version == known.version())
        })?;
        Some(ours.swap_remove(at))
    };
    let made = |object: &'static CompanionObject| -> Option<Box<dyn CosemObject<World>>> {
        let profile = companion.profile(object.instance).copied();
        Some(match (profile, object.scaler_unit) {
            (Some(profile), _) => Box::new(ProfileGeneric(CompanionProfile::new(profile, entries))),
            (_, Some(scaler_unit)) => Box::new(Measured::new(object, scaler_unit)),
            _ if object.class == ClassId::PUSH_SETUP => {
                Box::new(PushSetup::new(object.instance, object.version.unwrap_or(0)))
            }
            _ => {
                // Without a word about the version, what there is here is good enough.
                return take(object).or_else(|| shown(object));
            }
        })
    };
    companion.objects.iter().filter_map(made).collect()
}

/// An object that shows what there is to show.
fn shown(object: &CompanionObject) -> Option<Box<dyn CosemObject<World>>> {
    if object.class == ClassId::DATA {
        return Some(match object.instance.0 {
            [0, 0, 0, 1, ..] => Box::new(Data::new(object.instance, |world: &World| {
                period_before(world, world.now())
            })),
            _ => Box::new(Data::new(object.instance, |_: &World| DataBuf::Unsigned(0))),
        });
    }
    // Only the management logical device has this one.
    if object.class == ClassId::SAP_ASSIGNMENT {
        return None;
    }
    let version = object.version.unwrap_or(0);
    let class = registry::interface_class(object.class, version)?;
    Some(Box::new(Plain::new(object.instance, class)))
}

/// When the billing period before that of `at` ended, as the meter writes it.
pub(super) fn period_before(world: &World, at: i64) -> DataBuf {
    let start = world.zone.month_start(at - 1);
    world.local_time(start).to_data()
}

/// What the object called `name` measured by `at`.
pub(super) fn quantity(world: &World, name: LogicalName, at: i64) -> u32 {
    let energy = |flow| world.energy_wh(flow, at);
    match name.0 {
        // Energy by tariff; a contract is ten tariffs.
        [1, _, c, 8, e, _] => {
            let total = match c {
                1 => energy(Flow::Import),
                2 => energy(Flow::Export),
                3 | 5 => energy(Flow::Import) / 5,
                4 | 8 => energy(Flow::Import) / 20,
                _ => 0,
            };
            match e % 10 {
                0 => total,
                1 => total - total / 3,
                2 => total / 3,
                _ => 0,
            }
        }
        // The same since the month began, and in the last hour.
        [1, _, c, 9, e, _] => since(world, [c, 8, e], world.zone.month_start(at - 1), at),
        [1, _, c, 29, e, _] => since(world, [c, 8, e], at - HOUR_S, at),
        [1, _, 1, 6, ..] => {
            world.household.peak_w(Flow::Import, world.zone.month_start(at - 1), at).0
        }
        // The meter is connected by one phase.
        [1, _, 1 | 21, 7, ..] => world.power_w(Flow::Import),
        [1, _, 2 | 22, 7, ..] => world.power_w(Flow::Export),
        [1, _, 31, 7, ..] => world.current_ca().unsigned_abs().into(),
        [1, _, 90, 7, ..] => (world.current_ca().unsigned_abs() / 10).into(),
        [1, _, 32, 7, ..] => world.household.voltage_dv(at).into(),
        [0, _, 24, 2, ..] => u32::try_from((at - INSTALLED_UNIX_S) / GAS_M3_S).unwrap_or(0),
        _ => 0,
    }
}

fn since(world: &World, [c, d, e]: [u8; 3], from: i64, to: i64) -> u32 {
    let name = LogicalName([1, 0, c, d, e, 255]);
    quantity(world, name, to).saturating_sub(quantity(world, name, from))
}

/// When the value of an extended register by `at` was captured: the moment of the maximum, or the
/// last full hour.
pub(super) fn captured_at(world: &World, name: LogicalName, at: i64) -> i64 {
    match name.0 {
        [1, _, 1, 6, ..] => {
            world.household.peak_w(Flow::Import, world.zone.month_start(at - 1), at).1
        }
        _ => at.div_euclid(HOUR_S) * HOUR_S,
    }
}

/// Register (class 3) and Extended register (class 4).
struct Measured {
    class: ClassId,
    name: LogicalName,
    scaler_unit: ScalerUnit,
}

impl Measured {
    const fn new(object: &CompanionObject, scaler_unit: ScalerUnit) -> Self {
        Self { class: object.class, name: object.instance, scaler_unit }
    }
}

impl CosemObject<World> for Measured {
    fn class(&self) -> ClassId {
        self.class
    }

    fn name(&self) -> LogicalName {
        self.name
    }

    fn attributes(&self) -> &[AttributeRights] {
        if self.class == ClassId::REGISTER { &[READ; 2] } else { &[READ; 4] }
    }

    /// reset: nobody resets a register that bills are made from.
    fn methods(&self) -> &[MethodRights] {
        &[DENIED]
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        let now = get.world.now();
        match get.attribute {
            2 => put(out, &quantity(get.world, self.name, now).into()),
            3 => put(out, &self.scaler_unit.to_data()),
            4 => put(out, &DataBuf::Unsigned(0)),
            _ => {
                let at = captured_at(get.world, self.name, now);
                put(out, &get.world.local_time(at).to_data())
            }
        }
    }
}

/// An object of any class that shows nothing but values of the right types.
struct Plain {
    name: LogicalName,
    class: &'static InterfaceClass,
    attributes: Vec<AttributeRights>,
    methods: Vec<MethodRights>,
}

impl Plain {
    fn new(name: LogicalName, class: &'static InterfaceClass) -> Self {
        let last = class.attributes.last().map_or(1, |attribute| attribute.id.0);
        let attribute = |number| match class.attribute(number) {
            Some(_) => READ,
            None => AttributeRights::NONE,
        };
        let attributes = (2..=last).map(attribute).collect();
        let last = class.methods.last().map_or(0, |method| method.id.0);
        let methods = (1..=last).map(|_| DENIED).collect();
        Self { name, class, attributes, methods }
    }
}

impl CosemObject<World> for Plain {
    fn class(&self) -> ClassId {
        self.class.id
    }

    fn version(&self) -> u8 {
        self.class.version
    }

    fn name(&self) -> LogicalName {
        self.name
    }

    fn attributes(&self) -> &[AttributeRights] {
        &self.attributes
    }

    fn methods(&self) -> &[MethodRights] {
        &self.methods
    }

    fn get(&self, get: &Get<'_, World>, out: &mut Vec<u8>) -> Result<(), DataAccessResult> {
        let attribute = self.class.attribute(get.attribute);
        let types = attribute.ok_or(DataAccessResult::ObjectUndefined)?.types;
        put(out, &nothing(types))
    }
}

/// The value of the first of `types` that says the least.
fn nothing(types: TypeSet) -> DataBuf {
    match types.iter().next() {
        Some(DataType::Array) => DataBuf::Array(Vec::new()),
        Some(DataType::Structure) => DataBuf::Structure(Vec::new()),
        Some(DataType::Boolean) => DataBuf::Boolean(false),
        Some(DataType::DoubleLong) => DataBuf::DoubleLong(0),
        Some(DataType::DoubleLongUnsigned) => DataBuf::DoubleLongUnsigned(0),
        Some(DataType::OctetString) => DataBuf::octet_string([]),
        Some(DataType::Integer) => DataBuf::Integer(0),
        Some(DataType::Long) => DataBuf::Long(0),
        Some(DataType::Unsigned) => DataBuf::Unsigned(0),
        Some(DataType::LongUnsigned) => DataBuf::LongUnsigned(0),
        Some(DataType::Enum) => DataBuf::Enum(0),
        _ => DataBuf::Null,
    }
}
