//! The object list of an association: what there is, and what is granted (IEC 62056-6-2, class 15
//! attribute 2).

use dlms_core::{
    axdr::Data,
    cosem::{AttributeDescriptor, ClassId, LogicalName},
};

/// The version of Association LN from which on rights are bits and not an enumeration.
const BITS_FROM_VERSION: u8 = 3;

/// An object, and what its attributes grant to this client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ListedObject {
    pub(super) class: ClassId,
    pub(super) version: u8,
    pub(super) name: LogicalName,
    pub(super) attributes: Vec<ListedAttribute>,
}

/// What is granted of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ListedAttribute {
    pub(super) id: i8,
    pub(super) readable: bool,
    pub(super) writable: bool,
    pub(super) selectors: Vec<i8>,
}

impl ListedObject {
    pub(super) const fn descriptor(&self, attribute: i8) -> AttributeDescriptor {
        AttributeDescriptor::new(self.class, self.name, attribute)
    }
}

/// Reads an object list; none when it is not one.
pub(super) fn decode(list: &Data<'_>) -> Option<Vec<ListedObject>> {
    let mut objects = Vec::new();
    // Which form the rights have depends on the version of the association, which is in the list.
    let mut modes = Vec::new();
    for object in list.as_array()? {
        let mut fields = object.ok()?.as_structure()?;
        let mut next = || fields.next()?.ok();
        let class = ClassId(u16::try_from(next()?.as_integer()?).ok()?);
        let version = u8::try_from(next()?.as_integer()?).ok()?;
        let name = LogicalName::from_data(&next()?)?;
        let mut rights = next()?.as_structure()?;
        let mut attributes = Vec::new();
        for attribute in rights.next()?.ok()?.as_array()? {
            let mut fields = attribute.ok()?.as_structure()?;
            let mut next = || fields.next()?.ok();
            let id = i8::try_from(next()?.as_integer()?).ok()?;
            modes.push(next()?.as_enum()?);
            let selectors = match next()? {
                Data::Null => Vec::new(),
                selectors => selectors
                    .as_array()?
                    .map(|selector| i8::try_from(selector.ok()?.as_integer()?).ok())
                    .collect::<Option<_>>()?,
            };
            attributes.push(ListedAttribute { id, readable: false, writable: false, selectors });
        }
        objects.push(ListedObject { class, version, name, attributes });
    }
    let is_current = |object: &&ListedObject| object.class == ClassId::ASSOCIATION_LN;
    let version = objects.iter().find(is_current).map_or(0, |object| object.version);
    let attributes = objects.iter_mut().flat_map(|object| &mut object.attributes);
    for (attribute, mode) in attributes.zip(modes) {
        (attribute.readable, attribute.writable) = rights(version, mode);
    }
    Some(objects)
}

/// Whether an access_mode grants reading, and writing.
const fn rights(version: u8, mode: u8) -> (bool, bool) {
    if version >= BITS_FROM_VERSION {
        return (mode & 0x01 != 0, mode & 0x02 != 0);
    }
    // 0 no access, 1 read, 2 write, 3 both, and 4 to 6 the same with authentication.
    match mode {
        1 | 4 => (true, false),
        2 | 5 => (false, true),
        3 | 6 => (true, true),
        _ => (false, false),
    }
}

#[cfg(test)]
mod tests {
    use dlms_core::axdr::Reader;

    use super::*;

    /// Association LN of a version with one attribute of this access_mode.
    fn listed(version: u8, mode: u8) -> ListedAttribute {
        let octets = [
            &[0x01, 0x01, 0x02, 0x04, 0x12, 0x00, 0x0f, 0x11, version][..],
            &[0x09, 0x06, 0, 0, 40, 0, 0, 255, 0x02, 0x02],
            &[0x01, 0x01, 0x02, 0x03, 0x0f, 0x02, 0x16, mode, 0x01, 0x01, 0x0f, 0x01],
            &[0x01, 0x00],
        ]
        .concat();
        let list = Data::decode(&mut Reader::new(&octets)).unwrap();
        decode(&list).unwrap().remove(0).attributes.remove(0)
    }

    #[test]
    fn rights_are_an_enumeration_at_first_and_bits_from_version_3_on() {
        for (version, mode, rights) in [
            (1, 0, (false, false)),
            (1, 1, (true, false)),
            (1, 2, (false, true)),
            (2, 4, (true, false)),
            (2, 6, (true, true)),
            (3, 0x01, (true, false)),
            (3, 0x46, (false, true)),
        ] {
            let attribute = listed(version, mode);
            assert_eq!((attribute.readable, attribute.writable), rights, "{version} {mode}");
            assert_eq!(attribute.selectors, [1]);
        }
    }
}
