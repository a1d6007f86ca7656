//! What the attributes of COSEM objects mean.

use alloc::{format, string::ToString, vec::Vec};

use super::next;
use crate::{
    axdr::{Data, DataBuf, RawData},
    cosem::{
        CaptureObject, DateTime, EntryDescriptor, LogicalName, ProfileSelector, RangeDescriptor,
        ScalerUnit, Unit, obis, scaled_text,
        value::{
            ActionSet, CellInfo, CosemValue, DayProfile, EmergencyProfile, ExecutionTime,
            GprsQualityOfService, ImageToActivate, PushObjectV0, RegisterMask, ScheduleEntry,
            SeasonProfile, SendDestinationAndMethod, SpecialDay, WeekProfile, Window,
        },
    },
};

/// A value that has a meaning is written to a value that has the same.
///
/// First octet: a selector, a scaler, a unit. Then the value.
pub fn cosem_values(mut octets: &[u8]) {
    let choice = next(&mut octets);
    assert_eq!(Unit::from_code(choice).code(), choice);
    let Ok(data) = RawData::from_octets(octets).and_then(|raw| raw.data()) else { return };

    same(&data, LogicalName::from_data, LogicalName::to_data);
    same(&data, CaptureObject::from_data, CaptureObject::to_data);
    same(&data, ScalerUnit::from_data, ScalerUnit::to_data);
    same(&data, DateTime::from_data, DateTime::to_data);
    same(&data, RangeDescriptor::from_data, RangeDescriptor::to_data);
    same(&data, EntryDescriptor::from_data, EntryDescriptor::to_data);
    same(
        &data,
        |data| ProfileSelector::from_parts(choice, data),
        |selector| {
            assert_eq!(selector.selector(), choice);
            selector.parameters()
        },
    );
    structured(&data);
    if let Some(objects) = CaptureObject::list_from_data(&data) {
        let list = DataBuf::array(objects.iter().map(CaptureObject::to_data)).to_octets();
        let list = RawData::from_octets(&list).expect("what was written");
        let list = list.data().expect("what was written");
        assert_eq!(CaptureObject::list_from_data(&list), Some(objects));
    }
    if let Some(name) = LogicalName::from_data(&data) {
        assert_eq!(name.to_string().parse(), Ok(name));
        assert!(obis::name(name).is_none_or(|name| !name.to_string().is_empty()));
    }
    if let Some(integer) = data.as_integer() {
        let scaler = i8::from_be_bytes([choice]);
        let text =
            scaled_text(integer, ScalerUnit::new(scaler, Unit::from_code(choice))).to_string();
        // Digits, zeros of the scaler, sign, point and symbol.
        assert!(text.len() <= 39 + 128 + 16, "{text}");
    }
}

/// The structures of attributes, but for those with a field of any type.
fn structured(data: &Data<'_>) {
    fn value<T: CosemValue + PartialEq + core::fmt::Debug>(data: &Data<'_>) {
        same(data, T::from_data, T::to_data);
    }
    value::<Vec<SeasonProfile>>(data);
    value::<Vec<WeekProfile>>(data);
    value::<Vec<DayProfile>>(data);
    value::<Vec<SpecialDay>>(data);
    value::<Vec<ScheduleEntry>>(data);
    value::<Vec<ExecutionTime>>(data);
    value::<Vec<RegisterMask>>(data);
    value::<Vec<ActionSet>>(data);
    value::<EmergencyProfile>(data);
    value::<Vec<PushObjectV0>>(data);
    value::<SendDestinationAndMethod>(data);
    value::<Vec<Window>>(data);
    value::<Vec<ImageToActivate>>(data);
    value::<GprsQualityOfService>(data);
    value::<CellInfo>(data);
}

/// What `read` makes of `data` is what it makes of what `write` made of that.
fn same<T: PartialEq + core::fmt::Debug>(
    data: &Data<'_>,
    read: impl Fn(&Data<'_>) -> Option<T>,
    write: impl Fn(&T) -> DataBuf,
) {
    let Some(value) = read(data) else { return };
    let octets = write(&value).to_octets();
    let raw = RawData::from_octets(&octets).expect("what was written");
    let again = read(&raw.data().expect("what was written"));
    if again.as_ref() != Some(&value) {
        // A number that is none (NaN) differs from itself, but not in what is shown of it.
        assert_eq!(format!("{again:?}"), format!("{:?}", Some(value)));
    }
}
