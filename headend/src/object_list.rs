//! The list of objects that a meter shows to a client: attribute 2 of the association
//! (IEC 62056-6-2, Association LN, `object_list`).

use dlms_core::{
    association::ShortNameObject,
    axdr::{CompactArrayRules, Data, RawData},
    cosem::{ClassId, LogicalName},
};

/// From this version of the association on, access rights are bits and no longer numbers.
const ACCESS_BITS_VERSION: u8 = 3;

/// An object that a meter has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedObject {
    /// Its class.
    pub class: ClassId,
    /// The version of its class.
    pub version: u8,
    /// Its name.
    pub instance: LogicalName,
    /// Its attributes and what this client may do with each, in the words of [`attribute_access`].
    pub attributes: Vec<(i8, String)>,
    /// Its methods and whether this client may invoke each.
    pub methods: Vec<(i8, String)>,
}

/// An object of a list of short names, which tells no rights.
impl From<&ShortNameObject> for ListedObject {
    fn from(object: &ShortNameObject) -> Self {
        let &ShortNameObject { class, version, instance, .. } = object;
        Self { class, version, instance, attributes: Vec::new(), methods: Vec::new() }
    }
}

/// Reads an encoded object list. None when it has another shape.
#[must_use]
pub fn parse(octets: &[u8]) -> Option<Vec<ListedObject>> {
    let data = RawData::from_octets(octets).ok()?.data().ok()?;
    let elements = data.as_elements(CompactArrayRules::Standard)?.ok()?;
    let mut objects: Vec<(ListedObject, Option<Data<'_>>)> = Vec::new();
    for element in elements {
        let mut members = element.ok()?.as_structure()?;
        let mut next = || members.next()?.ok();
        let class = ClassId(next()?.as_unsigned()?.try_into().ok()?);
        let version = next()?.as_unsigned()?.try_into().ok()?;
        let instance = LogicalName(next()?.as_octets()?.try_into().ok()?);
        let access = next();
        let (attributes, methods) = (Vec::new(), Vec::new());
        objects.push((ListedObject { class, version, instance, attributes, methods }, access));
    }
    // The list speaks of the very association that it belongs to: its version says how.
    let bits = objects.iter().any(|(object, _)| {
        object.class == ClassId::ASSOCIATION_LN && object.version >= ACCESS_BITS_VERSION
    });
    let with_rights = objects.into_iter().map(|(mut object, access)| {
        if let Some(access) = access {
            let _ = take_rights(&mut object, &access, bits);
        }
        object
    });
    Some(with_rights.collect())
}

/// Gives `object` the rights to its attributes and methods. Some meters leave them out or bend
/// them; then it has none, and is listed all the same.
fn take_rights(object: &mut ListedObject, access: &Data<'_>, bits: bool) -> Option<()> {
    let mut members = access.as_structure()?;
    let attributes = members.next()?.ok()?;
    let methods = members.next()?.ok()?;
    object.attributes = items(&attributes, |mode| attribute_access(mode, bits))?;
    object.methods = items(&methods, |mode| method_access(mode, bits))?;
    Some(())
}

/// The number and the mode of each item, in the words of `name`.
fn items(list: &Data<'_>, name: impl Fn(u8) -> String) -> Option<Vec<(i8, String)>> {
    let mut items = Vec::new();
    for item in list.as_array()? {
        let mut members = item.ok()?.as_structure()?;
        let number = i8::try_from(members.next()?.ok()?.as_integer()?).ok()?;
        let mode = match members.next()?.ok()? {
            // The first version of the association has a boolean for methods.
            Data::Boolean(allowed) => u8::from(allowed),
            mode => u8::try_from(mode.as_unsigned()?).ok()?,
        };
        items.push((number, name(mode)));
    }
    Some(items)
}

/// What an access mode of an attribute allows: `none`, `read`, `write` or `read-write`, and what
/// it asks for: `authenticated read`, `read-write with encrypted request`.
#[must_use]
pub fn attribute_access(mode: u8, bits: bool) -> String {
    if bits {
        let right = match mode & 0b11 {
            0b00 => "none",
            0b01 => "read",
            0b10 => "write",
            _ => "read-write",
        };
        return format!("{right}{}", needs(mode));
    }
    match mode {
        0 => "none".into(),
        1 => "read".into(),
        2 => "write".into(),
        3 => "read-write".into(),
        4 => "authenticated read".into(),
        5 => "authenticated write".into(),
        6 => "authenticated read-write".into(),
        other => format!("mode {other}"),
    }
}

/// What an access mode of a method allows: `none` or `access`, and what it asks for.
#[must_use]
pub fn method_access(mode: u8, bits: bool) -> String {
    if bits {
        let right = if mode & 1 == 0 { "none" } else { "access" };
        return format!("{right}{}", needs(mode));
    }
    match mode {
        0 => "none".into(),
        1 => "access".into(),
        2 => "authenticated access".into(),
        other => format!("mode {other}"),
    }
}

/// The protection that bits 2 to 7 of an access mode ask for.
fn needs(mode: u8) -> String {
    const NEEDS: [(u8, &str); 6] = [
        (0x04, "authenticated request"),
        (0x08, "encrypted request"),
        (0x10, "signed request"),
        (0x20, "authenticated response"),
        (0x40, "encrypted response"),
        (0x80, "signed response"),
    ];
    let needs: Vec<&str> =
        NEEDS.iter().filter(|(bit, _)| mode & bit != 0).map(|(_, need)| *need).collect();
    if needs.is_empty() { String::new() } else { format!(" with {}", needs.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENERGY: LogicalName = LogicalName([1, 0, 1, 8, 0, 255]);

    #[test]
    fn an_object_comes_with_class_version_name_and_rights() {
        // array of 1: structure { 3, 0, 1-0:1.8.0*255, { [{2, read, null}], [{1, access}] } }
        let octets = crate::hex::parse(concat!(
            "0101",
            "0204",
            "120003",
            "1100",
            "09060100010800ff",
            "0202",
            "0101",
            "0203",
            "0f02",
            "1601",
            "00", //
            "0101",
            "0202",
            "0f01",
            "1601",
        ))
        .unwrap();
        assert_eq!(
            parse(&octets),
            Some(vec![ListedObject {
                class: ClassId::REGISTER,
                version: 0,
                instance: ENERGY,
                attributes: vec![(2, "read".into())],
                methods: vec![(1, "access".into())],
            }])
        );
    }

    #[test]
    fn rights_of_another_shape_cost_the_rights_and_not_the_object() {
        let octets = crate::hex::parse("01010204120003110009060100010800ff00").unwrap();
        let objects = parse(&octets).unwrap();
        assert_eq!((objects.len(), objects[0].attributes.len()), (1, 0));
    }

    #[test]
    fn what_is_no_list_is_none() {
        for octets in ["", "00", "0101", "01011100", "010102021200031100"] {
            assert_eq!(parse(&crate::hex::parse(octets).unwrap()), None, "{octets}");
        }
    }

    #[test]
    fn modes_are_numbers_up_to_version_2_and_bits_from_version_3_on() {
        assert_eq!(attribute_access(3, false), "read-write");
        assert_eq!(attribute_access(4, false), "authenticated read");
        assert_eq!(attribute_access(9, false), "mode 9");
        assert_eq!(attribute_access(0b0000_0101, true), "read with authenticated request");
        assert_eq!(attribute_access(0, true), "none");
        assert_eq!(method_access(2, false), "authenticated access");
        assert_eq!(
            method_access(0b1000_0101, true),
            "access with authenticated request, signed response"
        );
    }
}
