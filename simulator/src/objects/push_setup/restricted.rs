//! A part of a profile buffer, as restriction_element and columns of push_object_list say (class 40
//! from version 2 on).

use dlms_core::{
    axdr::{Data, DataBuf, RawData},
    cosem::{
        AttributeDescriptor, AttributeId, CaptureObject, ClassId, DateTime, EntryDescriptor,
        ProfileSelector, RangeDescriptor,
        value::{PushObject, RestrictionType},
    },
    device::Call,
    xdlms::SelectiveAccess,
};

use crate::{objects::integer, push::RestrictedEntries, world::World};

// Attributes of Profile generic.
const BUFFER: i8 = 2;
const CAPTURE_OBJECTS: i8 = 3;
const ENTRIES_IN_USE: i8 = 7;

/// Whether a part of the object is pushed, and not all of it.
pub(super) fn is_restricted(object: &PushObject) -> bool {
    (object.class, object.attribute) == (ClassId::PROFILE_GENERIC, BUFFER)
        && (object.restriction.kind != RestrictionType::None || !object.columns.is_empty())
}

/// The rows and columns that are pushed; null-data where the restriction makes no sense.
pub(super) fn part(object: &PushObject, call: &Call<'_, World>) -> DataBuf {
    let selector = match object.restriction.kind {
        RestrictionType::Entry => by_entry(object, call),
        RestrictionType::Date => by_date(object),
        // An open range: all rows, and the columns that are wanted.
        RestrictionType::None => {
            Some(range(DateTime::UNSPECIFIED.to_data(), DateTime::UNSPECIFIED.to_data(), object))
        }
        _ => None,
    };
    let Some(selector) = selector else { return DataBuf::Null };
    let parameters = selector.parameters().to_octets();
    let Ok(parameters) = RawData::from_octets(&parameters) else { return DataBuf::Null };
    let selection = SelectiveAccess { selector: selector.selector(), parameters };
    let rows = call.objects.part(call.world, attribute(object, BUFFER), selection);
    let rows = rows.unwrap_or(DataBuf::Null);
    match selector {
        ProfileSelector::Entry(_) if !object.columns.is_empty() => columns(rows, object, call),
        _ => rows,
    }
}

fn attribute(object: &PushObject, number: i8) -> AttributeDescriptor {
    AttributeDescriptor {
        class: object.class,
        instance: object.name,
        attribute: AttributeId(number),
    }
}

fn range(from_value: DataBuf, to_value: DataBuf, object: &PushObject) -> ProfileSelector {
    ProfileSelector::Range(RangeDescriptor {
        restricting_object: CaptureObject::CLOCK_TIME,
        from_value,
        to_value,
        selected_values: object.columns.clone(),
    })
}

/// The first and the last that restriction_value names.
fn ends(object: &PushObject) -> Option<(&DataBuf, &DataBuf)> {
    match &object.restriction.value {
        DataBuf::Structure(ends) => match &ends[..] {
            [first, last] => Some((first, last)),
            _ => None,
        },
        _ => None,
    }
}

fn by_date(object: &PushObject) -> Option<ProfileSelector> {
    let (from, to) = ends(object)?;
    Some(range(from.clone(), to.clone(), object))
}

fn by_entry(object: &PushObject, call: &Call<'_, World>) -> Option<ProfileSelector> {
    let (first, last) = ends(object)?;
    let number = |value| integer(value).and_then(|number| u32::try_from(number).ok());
    let (first, last) = (number(first)?, number(last)?);
    let (first, last) = match call.world.push_rules.entries {
        RestrictedEntries::FromFirst => (first, last),
        RestrictedEntries::FromLast => {
            let used = call.objects.value(call.world, attribute(object, ENTRIES_IN_USE)).ok()?;
            let from_first = |number: u32| (number_of(&used)? + 1).checked_sub(number);
            // 0 is the end of the buffer that is furthest away.
            let furthest = if last == 0 { 1 } else { from_first(last).unwrap_or(1).max(1) };
            (furthest, from_first(first.max(1))?)
        }
    };
    Some(ProfileSelector::Entry(EntryDescriptor::entries(first, last)))
}

fn number_of(value: &DataBuf) -> Option<u32> {
    integer(value).and_then(|number| u32::try_from(number).ok())
}

/// Of each row the wanted columns, in the order of the buffer.
fn columns(rows: DataBuf, object: &PushObject, call: &Call<'_, World>) -> DataBuf {
    let captured = call.objects.value(call.world, attribute(object, CAPTURE_OBJECTS));
    let captured = captured.unwrap_or(DataBuf::Null).to_octets();
    let captured = RawData::from_octets(&captured).ok().and_then(|raw| {
        let data: Data<'_> = raw.data().ok()?;
        CaptureObject::list_from_data(&data)
    });
    let (DataBuf::Array(rows), Some(captured)) = (rows, captured) else { return DataBuf::Null };
    let wanted: Vec<bool> = captured.iter().map(|it| object.columns.contains(it)).collect();
    DataBuf::array(rows.into_iter().map(|row| match row {
        DataBuf::Structure(cells) => {
            let cells = cells.into_iter().zip(&wanted);
            DataBuf::structure(cells.filter_map(|(cell, wanted)| wanted.then_some(cell)))
        }
        other => other,
    }))
}
