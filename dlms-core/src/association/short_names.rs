//! The object list of short name referencing (IEC 62056-6-2, class 12 attribute 2): which object
//! has which base name.

use alloc::vec::Vec;

use crate::{
    Malformed, MalformedKind,
    axdr::{Data, DataBuf, RawData, Writer},
    cosem::{
        AttributeDescriptor, AttributeId, ClassId, LogicalName, MethodDescriptor, ShortName,
        ShortNameTarget,
    },
};

/// An object with a base name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortNameObject {
    /// The name of its first attribute.
    pub base: ShortName,
    /// Its class.
    pub class: ClassId,
    /// The version of the class.
    pub version: u8,
    /// Its logical name.
    pub instance: LogicalName,
    /// How many attributes it has at most. The object list does not tell: a client takes 127.
    pub attributes: u8,
}

/// The logical name of the association with short names, as of every current association.
const ASSOCIATION: ShortNameObject = ShortNameObject {
    base: ShortName::ASSOCIATION,
    class: ASSOCIATION_SN,
    version: 0,
    instance: LogicalName::CURRENT_ASSOCIATION,
    attributes: 4,
};

/// Class 12, association SN.
pub(super) const ASSOCIATION_SN: ClassId = ClassId(12);
/// Class 12, method 8.
pub(super) const REPLY_TO_HLS_AUTHENTICATION: MethodDescriptor =
    MethodDescriptor::new(ASSOCIATION_SN, LogicalName::CURRENT_ASSOCIATION, 8);
/// Its short name.
pub(super) const REPLY_TO_HLS_AUTHENTICATION_NAME: ShortName = ShortName(0xfa58);

/// What a short name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Attribute(AttributeDescriptor),
    Method(MethodDescriptor),
}

/// The attribute or method with this name among `objects`, of which the association is always one.
pub(super) fn resolve(objects: &[ShortNameObject], name: ShortName) -> Option<Target> {
    let below = objects.iter().chain([&ASSOCIATION]).filter(|object| object.base <= name);
    let object = below.max_by_key(|object| object.base)?;
    let ShortNameObject { base, class, version, instance, attributes } = *object;
    Some(match name.within(base, class, version, attributes)? {
        ShortNameTarget::Attribute(attribute) => {
            Target::Attribute(AttributeDescriptor { class, instance, attribute })
        }
        ShortNameTarget::Method(method) => {
            Target::Method(MethodDescriptor { class, instance, method })
        }
    })
}

fn base(
    objects: &[ShortNameObject],
    class: ClassId,
    instance: LogicalName,
) -> Option<&ShortNameObject> {
    objects
        .iter()
        .chain([&ASSOCIATION])
        .find(|object| (object.class, object.instance) == (class, instance))
}

/// The short name of an attribute.
pub(super) fn name_of_attribute(
    objects: &[ShortNameObject],
    attribute: AttributeDescriptor,
) -> Option<ShortName> {
    base(objects, attribute.class, attribute.instance)?.base.attribute(attribute.attribute)
}

/// The short name of a method.
pub(super) fn name_of_method(
    objects: &[ShortNameObject],
    method: MethodDescriptor,
) -> Option<ShortName> {
    let object = base(objects, method.class, method.instance)?;
    object.base.method(method.class, object.version, method.method)
}

impl ShortNameObject {
    /// The attributes of an object of which that is not known: numbers are positive octets.
    pub const ATTRIBUTES_MAX: u8 = 127;

    /// The attribute that the object list is: attribute 2 of the association SN.
    pub const LIST: AttributeDescriptor = AttributeDescriptor {
        class: ASSOCIATION_SN,
        instance: LogicalName::CURRENT_ASSOCIATION,
        attribute: AttributeId(2),
    };

    /// Appends the object list: an array of base name, class, version and logical name. The
    /// association itself is in it, whether in `objects` or not.
    pub fn encode_list(objects: &[Self], writer: &mut Writer<'_>) {
        let itself = objects.iter().all(|object| object.base != ASSOCIATION.base);
        let itself = itself.then_some(&ASSOCIATION);
        let entries = itself.into_iter().chain(objects).map(|object| {
            DataBuf::structure([
                // A long, which has a sign.
                DataBuf::Long(i16::from_be_bytes(object.base.0.to_be_bytes())),
                DataBuf::LongUnsigned(object.class.0),
                DataBuf::Unsigned(object.version),
                DataBuf::octet_string(object.instance.0),
            ])
        });
        DataBuf::array(entries).encode(writer);
    }

    /// Reads an object list, one encoded Data. Entries may have more fields than the standard's
    /// four.
    ///
    /// # Errors
    /// Octets that are not an object list.
    pub fn decode_list(octets: &[u8]) -> Result<Vec<Self>, Malformed> {
        let wrong = Malformed::new(MalformedKind::Value, 0);
        let list = RawData::from_octets(octets)?.data()?;
        let Data::Array(entries) = list else { return Err(wrong) };
        let mut objects = Vec::new();
        for entry in entries {
            let Data::Structure(fields) = entry? else { return Err(wrong) };
            let mut fields = fields.into_iter();
            let mut next = || fields.next().unwrap_or(Err(wrong));
            let base = match next()? {
                Data::Long(base) => u16::from_be_bytes(base.to_be_bytes()),
                Data::LongUnsigned(base) => base,
                _ => return Err(wrong),
            };
            let Data::LongUnsigned(class) = next()? else { return Err(wrong) };
            let Data::Unsigned(version) = next()? else { return Err(wrong) };
            let instance = LogicalName::from_data(&next()?).ok_or(wrong)?;
            objects.push(Self {
                base: ShortName(base),
                class: ClassId(class),
                version,
                instance,
                attributes: Self::ATTRIBUTES_MAX,
            });
        }
        Ok(objects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    const ENERGY: ShortNameObject = ShortNameObject {
        base: ShortName(0x4000),
        class: ClassId::REGISTER,
        version: 0,
        instance: LogicalName([1, 0, 1, 8, 0, 255]),
        attributes: 3,
    };

    #[test]
    fn the_list_begins_with_the_association_and_is_read_back() {
        let mut out = Vec::new();
        ShortNameObject::encode_list(&[ENERGY], &mut Writer::new(&mut out));
        assert_eq!(
            out,
            [
                0x01, 0x02, // two objects
                0x02, 0x04, 0x10, 0xfa, 0x00, 0x12, 0x00, 0x0c, 0x11, 0x00, // FA00, class 12
                0x09, 0x06, 0, 0, 40, 0, 0, 255, //
                0x02, 0x04, 0x10, 0x40, 0x00, 0x12, 0x00, 0x03, 0x11, 0x00, // 4000, class 3
                0x09, 0x06, 1, 0, 1, 8, 0, 255,
            ]
        );
        let all = |object| ShortNameObject { attributes: 127, ..object };
        assert_eq!(ShortNameObject::decode_list(&out), Ok(vec![all(ASSOCIATION), all(ENERGY)]));
        for end in 0..out.len() {
            assert!(ShortNameObject::decode_list(&out[..end]).is_err());
        }
    }

    #[test]
    fn a_name_belongs_to_the_object_below_it() {
        let value = AttributeDescriptor::new(ENERGY.class, ENERGY.instance, 2);
        assert_eq!(resolve(&[ENERGY], ShortName(0x4008)), Some(Target::Attribute(value)));
        let reset = MethodDescriptor::new(ENERGY.class, ENERGY.instance, 1);
        assert_eq!(resolve(&[ENERGY], ShortName(0x4028)), Some(Target::Method(reset)));
        let list = Target::Attribute(ShortNameObject::LIST);
        assert_eq!(resolve(&[ENERGY], ShortName(0xfa08)), Some(list));
        for nothing in [0x3ff8, 0x4018, 0x4030, 0xfa20 - 1] {
            assert_eq!(resolve(&[ENERGY], ShortName(nothing)), None, "{nothing:04x}");
        }
        assert_eq!(name_of_attribute(&[ENERGY], value), Some(ShortName(0x4008)));
        assert_eq!(name_of_method(&[ENERGY], reset), Some(ShortName(0x4028)));
        assert_eq!(
            name_of_method(&[], REPLY_TO_HLS_AUTHENTICATION),
            Some(REPLY_TO_HLS_AUTHENTICATION_NAME)
        );
    }
}
