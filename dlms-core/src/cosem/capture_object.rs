//! What a column of a profile captures (IEC 62056-6-2, Profile generic, attribute
//! `capture_objects`).

use alloc::vec::Vec;

use super::{AttributeDescriptor, AttributeId, ClassId, LogicalName};
use crate::axdr::{Data, DataBuf};

/// One column of a profile: an attribute, or one element of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CaptureObject {
    /// The class of the captured object.
    pub class: ClassId,
    /// The name of the captured object.
    pub instance: LogicalName,
    /// The captured attribute; 0 captures all.
    pub attribute: AttributeId,
    /// 0 for the whole attribute, else which element of its structure or array, from 1.
    pub data_index: u16,
}

impl CaptureObject {
    /// The time of the clock: the first column of most profiles.
    pub const CLOCK_TIME: Self =
        Self::new(AttributeDescriptor::new(ClassId::CLOCK, LogicalName::CLOCK, 2));

    /// The whole of `attribute`.
    pub const fn new(attribute: AttributeDescriptor) -> Self {
        let AttributeDescriptor { class, instance, attribute } = attribute;
        Self { class, instance, attribute, data_index: 0 }
    }

    /// The attribute.
    pub const fn descriptor(&self) -> AttributeDescriptor {
        AttributeDescriptor {
            class: self.class,
            instance: self.instance,
            attribute: self.attribute,
        }
    }

    /// Whether this is the time of a clock, of whatever name.
    pub fn is_clock_time(&self) -> bool {
        self.class == ClassId::CLOCK && self.attribute == AttributeId(2) && self.data_index == 0
    }

    /// A structure of long-unsigned, octet-string, integer and long-unsigned. Later versions of
    /// the class append fields (a restriction, columns): these are passed over.
    pub fn from_data(data: &Data<'_>) -> Option<Self> {
        let mut fields = data.as_structure()?;
        let mut next = || fields.next()?.ok();
        let class = ClassId(u16::try_from(next()?.as_integer()?).ok()?);
        let instance = LogicalName::from_data(&next()?)?;
        let attribute = AttributeId(i8::try_from(next()?.as_integer()?).ok()?);
        let data_index = u16::try_from(next()?.as_integer()?).ok()?;
        Some(Self { class, instance, attribute, data_index })
    }

    /// An array of capture objects: the attribute `capture_objects`.
    pub fn list_from_data(data: &Data<'_>) -> Option<Vec<Self>> {
        data.as_array()?.map(|object| Self::from_data(&object.ok()?)).collect()
    }

    /// A structure of four fields.
    pub fn to_data(&self) -> DataBuf {
        DataBuf::structure([
            DataBuf::LongUnsigned(self.class.0),
            self.instance.to_data(),
            DataBuf::Integer(self.attribute.0),
            DataBuf::LongUnsigned(self.data_index),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axdr::Reader;

    const CLOCK: [u8; 18] = [
        0x02, 0x04, 0x12, 0x00, 0x08, 0x09, 0x06, 0, 0, 1, 0, 0, 255, 0x0f, 0x02, 0x12, 0x00, 0x00,
    ];

    #[test]
    fn the_clock_column_is_eighteen_octets() {
        let data = Data::decode(&mut Reader::new(&CLOCK)).unwrap();
        assert_eq!(CaptureObject::from_data(&data), Some(CaptureObject::CLOCK_TIME));
        assert_eq!(CaptureObject::CLOCK_TIME.to_data().to_octets(), CLOCK);
        assert!(CaptureObject::CLOCK_TIME.is_clock_time());
    }

    #[test]
    fn fields_of_later_versions_are_passed_over() {
        // two objects: one with a fifth field, one with a sixth
        let mut octets = alloc::vec![0x01, 0x02];
        for more in 1..=2 {
            octets.extend(CLOCK);
            let fields = octets.len() - CLOCK.len() + 1;
            octets[fields] += more;
            octets.extend([0x02, 0x00].repeat(more.into()));
        }
        let data = Data::decode(&mut Reader::new(&octets)).unwrap();
        assert_eq!(
            CaptureObject::list_from_data(&data),
            Some(alloc::vec![CaptureObject::CLOCK_TIME; 2])
        );
    }

    #[test]
    fn a_list_with_one_bad_object_is_refused() {
        let octets = [0x01, 0x01, 0x02, 0x01, 0x12, 0x00, 0x08];
        let data = Data::decode(&mut Reader::new(&octets)).unwrap();
        assert_eq!(CaptureObject::list_from_data(&data), None);
    }
}
