//! The APDUs of ACSE into XML.

use dlms_core::{
    Malformed, MalformedKind,
    axdr::Reader,
    ber::{self, Element},
};

use super::xdlms;
use crate::{
    Style,
    element::Document,
    encode::apdu_octets,
    name::Name,
    schema::{AcseApdu, Code, Field, FieldKind, PROVIDER, USER},
};

/// The octets of the arc 2.16.756.5.8, below which DLMS UA registers names.
pub(crate) const DLMS_UA: [u8; 5] = [0x60, 0x85, 0x74, 0x05, 0x08];
/// The charstring of an Authentication-value.
pub(crate) const CHARSTRING: u8 = 0x80;
/// Its name.
pub(crate) const CHARSTRING_NAME: Name = Name::new("charstring", "");

/// The element of an APDU of ACSE. Fields that are not known are passed over, as are those with
/// nothing in them.
pub(super) fn decode(
    schema: &AcseApdu,
    apdu: &[u8],
    style: Style,
    depth: usize,
) -> Result<String, Malformed> {
    let mut reader = Reader::new(apdu);
    let whole = Element::decode(&mut reader)?;
    reader.finish()?;
    let mut fields = whole.reader();
    let mut found: Vec<Element<'_>> = Vec::new();
    while !fields.is_empty() {
        let field = Element::decode(&mut fields)?;
        let known = schema.fields.iter().any(|known| known.tag == field.tag);
        if found.iter().any(|other| other.tag == field.tag) {
            return Err(Malformed::new(MalformedKind::UnknownTag(field.tag), field.offset));
        }
        // At most as many as the schema has, however many there are.
        if known {
            found.push(field);
        }
    }
    let mut document = Document::new(style, depth);
    document.open(&schema.name);
    for field in schema.fields {
        if let Some(element) = found.iter().find(|found| found.tag == field.tag) {
            document.field(field, element)?;
        }
    }
    document.close(&schema.name);
    Ok(document.into_text())
}

impl Document {
    fn field(&mut self, field: &Field, element: &Element<'_>) -> Result<(), Malformed> {
        let name = &field.name;
        match field.kind {
            FieldKind::ObjectIdentifier { family, explicit, names } => {
                let identifier =
                    if explicit { element.only(ber::OBJECT_IDENTIFIER)? } else { *element };
                let code = match *identifier.contents {
                    [ref arc @ .., found, last] if *arc == DLMS_UA && found == family => last,
                    _ => return Err(Malformed::new(MalformedKind::Value, identifier.offset)),
                };
                self.named(name, names, code, Some(family));
            }
            FieldKind::Octets if element.contents.is_empty() => {}
            FieldKind::Octets => {
                let octets = element.only(ber::OCTET_STRING)?.contents;
                self.octets(name, octets);
            }
            FieldKind::Integer => {
                let integer = element.only(ber::INTEGER)?;
                let value = integer.integer()?;
                match self.style() {
                    Style::Short => self.octets(name, integer.contents),
                    Style::Asn1 => self.value(name, value),
                }
            }
            FieldKind::Code => {
                let code = element.only(ber::INTEGER)?.code()?;
                self.number(name, code);
            }
            FieldKind::Reason(names) => {
                let code = element.code()?;
                self.named(name, names, code, None);
            }
            FieldKind::Bit => {
                let bit = element.first_bit()?;
                self.value(name, u8::from(bit));
            }
            FieldKind::Charstring if element.contents.is_empty() => {}
            FieldKind::Charstring => {
                let octets = element.only(CHARSTRING)?.contents;
                match self.style() {
                    Style::Short => self.octets(name, octets),
                    Style::Asn1 => {
                        self.open(name);
                        self.octets(&CHARSTRING_NAME, octets);
                        self.close(name);
                    }
                }
            }
            FieldKind::Implicit => self.octets(name, element.contents),
            FieldKind::Diagnostic => {
                let mut reader = element.reader();
                let source = Element::decode(&mut reader)?;
                reader.finish()?;
                let (_, source_name) =
                    [USER, PROVIDER].into_iter().find(|(tag, _)| *tag == source.tag).ok_or_else(
                        || Malformed::new(MalformedKind::UnknownTag(source.tag), element.offset),
                    )?;
                let code = source.only(ber::INTEGER)?.code()?;
                self.open(name);
                self.number(&source_name, code);
                self.close(name);
            }
            FieldKind::UserInformation if element.contents.is_empty() => {}
            FieldKind::UserInformation => {
                let octets = element.only(ber::OCTET_STRING)?.contents;
                self.user_information(name, octets);
            }
        }
        Ok(())
    }

    /// The APDU in the user-information. Translators take it apart, the schema does not.
    fn user_information(&mut self, name: &Name, octets: &[u8]) {
        let apart = (self.style() == Style::Short)
            .then(|| xdlms(octets, Style::Short, self.depth()).ok())
            .flatten()
            // Only if it comes back as it was: one with an old tag would not.
            .filter(|elements| apdu_octets(elements).is_ok_and(|again| again == octets));
        match apart {
            Some(elements) => self.append(&elements),
            None => self.octets(name, octets),
        }
    }

    fn named(&mut self, name: &Name, names: &[Code], code: u8, family: Option<u8>) {
        match (names.iter().find(|known| known.code == code), self.style(), family) {
            (Some(known), Style::Short, _) => self.value(name, known.name.short),
            (Some(known), Style::Asn1, _) => self.value(name, known.name.asn1),
            (None, Style::Asn1, Some(family)) => {
                self.value(name, format_args!("2.16.756.5.8.{family}.{code}"));
            }
            (None, ..) => self.number(name, code),
        }
    }

    fn number(&mut self, name: &Name, code: u8) {
        match self.style() {
            Style::Short => self.octets(name, &[code]),
            Style::Asn1 => self.value(name, code),
        }
    }
}
