//! A push object list in front of the values (IEC 62056-6-2 clause 4.4.8, push_object_list).
//!
//! Meters that list attribute 2 of their own push setup among the objects to push send, as the
//! first value, the list of what follows: class, logical name, attribute, data index, and in later
//! versions restrictions. They stand there in the order of the values, the list itself included.

use alloc::vec::Vec;

use super::{PushObject, PushValue, siblings};
use crate::{
    Malformed,
    axdr::Data,
    cosem::{AttributeId, ClassId, LogicalName, ScalerUnit},
};

/// Members of an entry in version 0 of the class; later versions add more.
const MEMBERS_MIN: usize = 4;

/// The objects named by the list that is the first of `body`, if it is one and has an entry for
/// every value: either for all of `body`, or for all but itself.
pub(super) fn in_front(body: &[Data<'_>]) -> Result<Option<Vec<PushObject>>, Malformed> {
    let Some((Data::Array(list), values)) = body.split_first() else { return Ok(None) };
    if values.is_empty() || !(list.len() == body.len() || list.len() == values.len()) {
        return Ok(None);
    }
    list.clone().map(|entry| Ok(object(&siblings(&entry?)?))).collect()
}

fn object(entry: &[Data<'_>]) -> Option<PushObject> {
    match entry {
        [Data::LongUnsigned(class), name, Data::Integer(attribute), Data::LongUnsigned(_), ..]
            if entry.len() >= MEMBERS_MIN =>
        {
            Some(PushObject {
                class: Some(ClassId(*class)),
                instance: LogicalName::from_data(name)?,
                attribute: Some(AttributeId(*attribute)),
            })
        }
        _ => None,
    }
}

/// Gives each value the scaler and unit that are pushed beside it as another attribute of the same
/// object.
pub(super) fn spread_scaler_units(values: &mut [PushValue<'_>]) {
    let mut known: Vec<((ClassId, LogicalName), ScalerUnit)> = values
        .iter()
        .filter_map(|value| {
            let object =
                value.object.filter(|object| scaler_unit_of(*object) == object.attribute)?;
            Some(((object.class?, object.instance), ScalerUnit::from_data(&value.value)?))
        })
        .collect();
    // Of several for one object the first counts: the order of equal ones stays.
    known.sort_by_key(|(object, _)| *object);
    for value in values {
        let Some(PushObject { class: Some(class), instance, attribute }) = value.object else {
            continue;
        };
        let object = PushObject { class: Some(class), instance, attribute };
        if attribute == Some(AttributeId(2)) && scaler_unit_of(object).is_some() {
            let at = known.partition_point(|(object, _)| *object < (class, instance));
            let found = known.get(at).filter(|(object, _)| *object == (class, instance));
            let found = found.map(|(_, scaler_unit)| *scaler_unit);
            value.scaler_unit = value.scaler_unit.or(found);
        }
    }
}

/// The attribute with scaler and unit, of the classes that have it.
fn scaler_unit_of(object: PushObject) -> Option<AttributeId> {
    match object.class? {
        ClassId::REGISTER | ClassId::EXTENDED_REGISTER => Some(AttributeId(3)),
        ClassId::DEMAND_REGISTER => Some(AttributeId(4)),
        _ => None,
    }
}
