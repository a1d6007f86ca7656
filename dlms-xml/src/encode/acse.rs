//! XML of an APDU of ACSE into octets.

use dlms_core::{axdr::Writer, ber};

use super::{apdu, code, hex, list_of, names, shown};
use crate::{
    cursor::{Cursor, Leaf, Tag},
    decode::acse::{CHARSTRING, CHARSTRING_NAME, DLMS_UA},
    error::XmlError,
    schema::{APDUS, AcseApdu, Code, Field, FieldKind, PROVIDER, USER},
};

/// The APDU whose element was entered, and leaves the element. Its fields may come in any order and
/// are encoded in that of the standard.
pub(super) fn encode(
    schema: &AcseApdu,
    cursor: &mut Cursor<'_>,
    out: &mut Vec<u8>,
) -> Result<(), XmlError> {
    let mut found: Vec<Option<Vec<u8>>> = schema.fields.iter().map(|_| None).collect();
    while let Some(tag) = cursor.enter()? {
        let by_name = schema.fields.iter().position(|field| field.name.matches(&tag.name));
        let of_apdu = || {
            // Translators take the APDU in the user-information apart.
            APDUS.iter().find(|schema| schema.name.matches(&tag.name)).and_then(|_| {
                let user_information =
                    |field: &Field| matches!(field.kind, FieldKind::UserInformation);
                schema.fields.iter().position(user_information)
            })
        };
        let Some(index) = by_name.or_else(of_apdu) else {
            let expected = list_of(schema.fields.iter().map(|field| shown(&field.name)));
            return Err(cursor.unexpected(&tag, expected));
        };
        let (Some(field), Some(place)) = (schema.fields.get(index), found.get_mut(index)) else {
            continue;
        };
        if place.is_some() {
            return Err(cursor.unexpected(&tag, "each field once"));
        }
        let mut contents = Vec::new();
        if by_name.is_some() {
            encode_field(field, tag, cursor, &mut contents)?;
        } else {
            let mut octets = Vec::new();
            apdu(cursor, tag, &mut octets)?;
            ber::encode(&mut Writer::new(&mut contents), ber::OCTET_STRING, &octets);
        }
        *place = Some(contents);
    }
    let mut fields = Vec::new();
    for (field, contents) in schema.fields.iter().zip(found) {
        if let Some(contents) = contents {
            ber::encode(&mut Writer::new(&mut fields), field.tag, &contents);
        }
    }
    ber::encode(&mut Writer::new(out), schema.tag, &fields);
    cursor.leave("the end of the element")
}

/// The contents of a field.
fn encode_field(
    field: &Field,
    tag: Tag,
    cursor: &mut Cursor<'_>,
    contents: &mut Vec<u8>,
) -> Result<(), XmlError> {
    let mut writer = Writer::new(contents);
    match field.kind {
        FieldKind::ObjectIdentifier { family, explicit, names: known } => {
            let leaf = cursor.leaf(tag)?;
            let code = registered(&leaf, family, known)
                .ok_or_else(|| cursor.wrong(&leaf, names(known)))?;
            let [a, b, c, d, e] = DLMS_UA;
            let identifier = [a, b, c, d, e, family, code];
            if explicit {
                ber::encode(&mut writer, ber::OBJECT_IDENTIFIER, &identifier);
            } else {
                writer.octets(&identifier);
            }
        }
        FieldKind::Octets | FieldKind::UserInformation => {
            let octets = octets(cursor, tag)?;
            ber::encode(&mut writer, ber::OCTET_STRING, &octets);
        }
        FieldKind::Integer => {
            let leaf = cursor.leaf(tag)?;
            if leaf.attribute {
                let octets = hex(&leaf.text).filter(|octets| matches!(octets.len(), 1..=4));
                let octets =
                    octets.ok_or_else(|| cursor.wrong(&leaf, "1 to 4 octets in hexadecimal"))?;
                ber::encode(&mut writer, ber::INTEGER, &octets);
            } else {
                let value = leaf.text.trim().parse();
                let value = value.map_err(|_| cursor.wrong(&leaf, "an integer of 4 octets"))?;
                ber::encode_integer(&mut writer, ber::INTEGER, value);
            }
        }
        FieldKind::Code => {
            let code = number(cursor, tag)?;
            ber::encode_integer(&mut writer, ber::INTEGER, i32::from(code));
        }
        FieldKind::Reason(known) => {
            let leaf = cursor.leaf(tag)?;
            let reason = code(&leaf, known).ok_or_else(|| cursor.wrong(&leaf, names(known)))?;
            let mut integer = Vec::new();
            ber::encode_integer(&mut Writer::new(&mut integer), field.tag, i32::from(reason));
            // What is behind the tag and a length of one octet.
            writer.octets(integer.get(2..).unwrap_or_default());
        }
        FieldKind::Bit => {
            let bit = number(cursor, tag)?;
            writer.octets(&[7, if bit == 0 { 0 } else { 0x80 }]);
        }
        FieldKind::Charstring => {
            let octets = if cursor.has_elements()? {
                let Some(inner) = cursor.enter()? else { return Ok(()) };
                if !CHARSTRING_NAME.matches(&inner.name) {
                    return Err(cursor.unexpected(&inner, "<charstring>"));
                }
                let octets = octets(cursor, inner)?;
                cursor.leave("the end of the element")?;
                octets
            } else {
                octets(cursor, tag)?
            };
            ber::encode(&mut writer, CHARSTRING, &octets);
        }
        FieldKind::Implicit => writer.octets(&octets(cursor, tag)?),
        FieldKind::Diagnostic => {
            let expected = "<ACSEServiceUser> or <ACSEServiceProvider>";
            let source = cursor.enter()?.ok_or_else(|| cursor.missing(expected))?;
            let known = [USER, PROVIDER].into_iter().find(|(_, name)| name.matches(&source.name));
            let (source_tag, _) = known.ok_or_else(|| cursor.unexpected(&source, expected))?;
            let code = number(cursor, source)?;
            cursor.leave("the end of the element")?;
            ber::encode_constructed(&mut writer, source_tag, |writer| {
                ber::encode_integer(writer, ber::INTEGER, i32::from(code));
            });
        }
    }
    Ok(())
}

fn octets(cursor: &mut Cursor<'_>, tag: Tag) -> Result<Vec<u8>, XmlError> {
    let leaf = cursor.leaf(tag)?;
    hex(&leaf.text).ok_or_else(|| cursor.wrong(&leaf, "octets in hexadecimal"))
}

fn number(cursor: &mut Cursor<'_>, tag: Tag) -> Result<u8, XmlError> {
    let leaf = cursor.leaf(tag)?;
    code(&leaf, &[]).ok_or_else(|| cursor.wrong(&leaf, "a number of one octet"))
}

/// A name that DLMS UA registered: by the name that translators have for it, by its arcs, or by the
/// last of them.
fn registered(leaf: &Leaf, family: u8, known: &[Code]) -> Option<u8> {
    let text = leaf.text.trim();
    let arc = format!("2.16.756.5.8.{family}.");
    match text.strip_prefix(&arc) {
        Some(last) => last.parse().ok(),
        None => code(leaf, known),
    }
}
