//! The fields of an ACSE APDU: what the four of them have in common.

use crate::{
    Malformed, MalformedKind,
    axdr::{Reader, Writer},
    ber::{self, Element},
};

/// \[30\] user-information, in all four APDUs.
pub(super) const USER_INFORMATION: u8 = 0xbe;

/// \[0\] charstring, the only form of an authentication value that DLMS/COSEM uses.
const CHARSTRING: u8 = 0x80;

/// The two bits of a tag that hold its class.
const CLASS: u8 = 0xc0;
/// The class of the fields.
const CONTEXT_SPECIFIC: u8 = 0x80;
/// The bits of a tag that hold its number.
const NUMBER: u8 = 0x1f;

/// The fields of one APDU, in the order they came.
pub(super) struct Fields<'a> {
    reader: Reader<'a>,
    /// One bit for each context-specific tag number that was met.
    met: u32,
}

impl<'a> Fields<'a> {
    /// Takes the head of the APDU `apdu`, which must have this tag and be all there is.
    pub(super) fn of(apdu: &'a [u8], tag: u8) -> Result<Self, Malformed> {
        let mut reader = Reader::new(apdu);
        let whole = Element::decode_tagged(&mut reader, tag)?;
        reader.finish()?;
        Ok(Self { reader: whole.reader(), met: 0 })
    }

    /// The next field, none at the end. A field that comes a second time is refused: which of the
    /// two counts would be anybody's guess.
    pub(super) fn next(&mut self) -> Result<Option<Element<'a>>, Malformed> {
        if self.reader.is_empty() {
            return Ok(None);
        }
        let repeated = self.reader.clone();
        let field = Element::decode(&mut self.reader)?;
        if field.tag & CLASS == CONTEXT_SPECIFIC {
            let bit = 1_u32.wrapping_shl(u32::from(field.tag & NUMBER));
            if self.met & bit != 0 {
                return Err(repeated.fail(MalformedKind::UnknownTag(field.tag)));
            }
            self.met |= bit;
        }
        Ok(Some(field))
    }

    /// A field that must be there. An APDU without it ended too early.
    pub(super) fn mandatory<T>(&self, field: Option<T>) -> Result<T, Malformed> {
        field.ok_or_else(|| self.reader.fail(MalformedKind::Truncated))
    }
}

/// The octets of a field that holds one OCTET STRING.
pub(super) fn octets<'a>(field: &Element<'a>) -> Result<Option<&'a [u8]>, Malformed> {
    field.only(ber::OCTET_STRING).map(|inner| Some(inner.contents))
}

/// The number in a field that holds one INTEGER.
pub(super) fn integer(field: &Element<'_>) -> Result<Option<i32>, Malformed> {
    field.only(ber::INTEGER)?.integer().map(Some)
}

/// The octets of an authentication value.
pub(super) fn authentication_value<'a>(field: &Element<'a>) -> Result<Option<&'a [u8]>, Malformed> {
    field.only(CHARSTRING).map(|inner| Some(inner.contents))
}

/// Appends a field that holds one OCTET STRING, if there is one.
pub(super) fn encode_octets(writer: &mut Writer<'_>, tag: u8, octets: Option<&[u8]>) {
    if let Some(octets) = octets {
        ber::encode_constructed(writer, tag, |writer| {
            ber::encode(writer, ber::OCTET_STRING, octets);
        });
    }
}

/// Appends a field that holds one INTEGER, if there is one.
pub(super) fn encode_integer(writer: &mut Writer<'_>, tag: u8, value: Option<i32>) {
    if let Some(value) = value {
        ber::encode_constructed(writer, tag, |writer| {
            ber::encode_integer(writer, ber::INTEGER, value);
        });
    }
}

/// Appends an authentication value, if there is one.
pub(super) fn encode_authentication_value(writer: &mut Writer<'_>, tag: u8, value: Option<&[u8]>) {
    if let Some(value) = value {
        ber::encode_constructed(writer, tag, |writer| ber::encode(writer, CHARSTRING, value));
    }
}
