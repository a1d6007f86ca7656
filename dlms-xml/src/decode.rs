//! Octets into XML.

pub(crate) mod acse;

use dlms_core::{
    Malformed, MalformedKind,
    axdr::{BitString, Reader},
};

use crate::{
    Style,
    element::{Document, as_text},
    name::Name,
    schema::{
        ACSE, APDUS, Alternative, CONFORMANCE, Code, Item, Member, SERVICE_ERRORS, Type, Wrapped,
    },
};

/// The longest APDU that is decoded, in octets. No wrapper and no HDLC link carries a longer one;
/// what general block transfer joins may be longer, up to this much.
pub const APDU_LEN_MAX: usize = 1 << 18;

/// The most octets of XML that one octet of an APDU is shown as: null-data in arrays as deep as
/// they may be, which have two blanks in front for each element around them, twice where an item
/// has an element of its own. It is some twenty where nobody tries.
pub const XML_PER_OCTET_MAX: usize = 192;

/// Types inside of types. An array in an array takes one, the type of one in a compact-array two;
/// dlms-core nests sixteen of them.
pub(crate) const DEPTH_MAX: usize = 64;

/// The namespace of the schema that DLMS UA publishes.
const NAMESPACE: &str = "http://www.dlms.com/COSEMpdu";

/// The first two octets of a conformance block, BER \[APPLICATION 31\].
pub(crate) const CONFORMANCE_TAG: [u8; 2] = [0x5f, 0x1f];
/// Then its length and its count of unused bits.
pub(crate) const CONFORMANCE_LENGTH: [u8; 2] = [4, 0];

/// The choices of service-error that an exception-response has.
pub(crate) const EXCEPTIONS: [Code; 6] = [
    Code { code: 1, name: Name::new("operation-not-possible", "OperationNotPossible") },
    Code { code: 2, name: Name::new("service-not-supported", "ServiceNotSupported") },
    Code { code: 3, name: Name::new("other-reason", "OtherReason") },
    Code { code: 4, name: Name::new("pdu-too-long", "PduTooLong") },
    Code { code: 5, name: Name::new("deciphering-error", "DecipheringError") },
    Code { code: INVOCATION_COUNTER_ERROR, name: INVOCATION_COUNTER },
];
/// The one that has a value.
pub(crate) const INVOCATION_COUNTER_ERROR: u8 = 6;
/// Its name.
pub(crate) const INVOCATION_COUNTER: Name =
    Name::new("invocation-counter-error", "InvocationCounterError");

/// The services of a confirmed-service-error.
pub(crate) const SERVICES: [Code; 3] = [
    Code { code: 1, name: Name::new("initiateError", "InitiateError") },
    Code { code: 5, name: Name::new("read", "Read") },
    Code { code: 6, name: Name::new("write", "Write") },
];
/// Where translators put its code.
pub(crate) const SERVICE: Name = Name::new("service", "Service");
/// Where translators put the error.
pub(crate) const SERVICE_ERROR: Name = Name::new("service-error", "ServiceError");

/// The XML of an APDU, with a line end behind every line.
///
/// # Errors
/// Octets that are not the APDU that the first one says they are, with the place;
/// [`MalformedKind::Length`] for more than [`APDU_LEN_MAX`] octets.
pub fn decode(apdu: &[u8], style: Style) -> Result<String, Malformed> {
    decode_at(apdu, style, 0)
}

/// The XML of an APDU inside of an element at `depth`.
pub(crate) fn decode_at(apdu: &[u8], style: Style, depth: usize) -> Result<String, Malformed> {
    if apdu.len() > APDU_LEN_MAX {
        return Err(Malformed::new(MalformedKind::Length, 0));
    }
    let tag = Reader::new(apdu).u8()?;
    match ACSE.iter().find(|schema| schema.tag == tag) {
        Some(schema) => {
            let elements = acse::decode(schema, apdu, style, depth)?;
            Ok(framed(elements, "aCSE-APDU", style, depth))
        }
        None => Ok(framed(xdlms(apdu, style, depth)?, "xDLMS-APDU", style, depth)),
    }
}

/// The elements with what the schema has around them at the top.
fn framed(elements: String, root: &str, style: Style, depth: usize) -> String {
    if style == Style::Short || depth > 0 {
        return elements;
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<x:{root} xmlns:x=\"{NAMESPACE}\">\n\
         {elements}</x:{root}>\n"
    )
}

/// The element of an APDU of xDLMS.
fn xdlms(apdu: &[u8], style: Style, depth: usize) -> Result<String, Malformed> {
    let mut reader = Reader::new(apdu);
    let tag = reader.u8()?;
    let schema = APDUS.iter().find(|schema| schema.tag == tag);
    let schema = schema.ok_or_else(|| Malformed::new(MalformedKind::UnknownTag(tag), 0))?;
    let mut document = Document::new(style, depth);
    document.element(&schema.name, schema.of, &mut reader, 0)?;
    reader.finish()?;
    Ok(document.into_text())
}

impl Document {
    /// The element `name` with a value of type `of`.
    fn element(
        &mut self,
        name: &Name,
        of: &Type,
        reader: &mut Reader<'_>,
        depth: usize,
    ) -> Result<(), Malformed> {
        if depth > DEPTH_MAX {
            return Err(reader.fail(MalformedKind::Nesting));
        }
        let depth = depth.saturating_add(1);
        match *of {
            Type::Null => self.empty(name),
            Type::Boolean => {
                let octet = reader.u8()?;
                match (self.style(), octet) {
                    (Style::Short, _) => self.octets(name, &[octet]),
                    // Both forms are booleans of XML schema, and so the octet can be told.
                    (Style::Asn1, 0) => self.value(name, 0),
                    (Style::Asn1, 1) => self.value(name, 1),
                    (Style::Asn1, _) => self.value(name, "true"),
                }
            }
            Type::Integer { octets, signed } => {
                let octets = reader.octets(octets)?;
                match self.style() {
                    Style::Short => self.octets(name, octets),
                    Style::Asn1 if signed => self.value(name, signed_of(octets)),
                    Style::Asn1 => self.value(name, unsigned_of(octets)),
                }
            }
            Type::Enumerated(codes) => {
                let code = reader.u8()?;
                self.code(name, codes, code);
            }
            Type::Octets => {
                let octets = reader.octet_string()?;
                self.octets(name, octets);
            }
            Type::OctetsOf(count) => {
                let octets = reader.octets(count)?;
                self.octets(name, octets);
            }
            Type::Bits => {
                let bits: String = BitString::decode(reader)?
                    .iter()
                    .map(|bit| if bit { '1' } else { '0' })
                    .collect();
                self.value(name, bits);
            }
            Type::Visible | Type::Utf8 => {
                let octets = reader.octet_string()?;
                let ascii = matches!(of, Type::Utf8) || octets.is_ascii();
                match as_text(octets).filter(|_| ascii) {
                    Some(text) => self.text(name, text),
                    None => self.text_octets(name, octets),
                }
            }
            Type::Sequence(members) => {
                self.open(name);
                for Member { name, of, optional } in members {
                    if !optional || reader.presence()? {
                        self.element(name, of, reader, depth)?;
                    }
                }
                self.close(name);
            }
            Type::Choice(alternatives) => {
                self.open(name);
                self.choice(alternatives, reader, depth)?;
                self.close(name);
            }
            Type::List(item) => self.list(name, item, reader, depth)?,
            Type::Conformance => self.conformance(name, reader)?,
            Type::ExceptionService => {
                let code = reader.u8()?;
                if code == INVOCATION_COUNTER_ERROR {
                    self.open(name);
                    let counter = Type::Integer { octets: 4, signed: false };
                    self.element(&INVOCATION_COUNTER, &counter, reader, depth)?;
                    self.close(name);
                } else {
                    self.code(name, &EXCEPTIONS, code);
                }
            }
            Type::ConfirmedServiceError => self.service_error(name, reader)?,
        }
        Ok(())
    }

    fn choice(
        &mut self,
        alternatives: &[Alternative],
        reader: &mut Reader<'_>,
        depth: usize,
    ) -> Result<(), Malformed> {
        let at_choice = reader.clone();
        let tag = reader.u8()?;
        let chosen = alternatives.iter().find(|alternative| alternative.tag == tag);
        let chosen = chosen.ok_or_else(|| at_choice.fail(MalformedKind::UnknownChoice(tag)))?;
        self.element(&chosen.name, chosen.of, reader, depth)
    }

    fn list(
        &mut self,
        name: &Name,
        item: &Item,
        reader: &mut Reader<'_>,
        depth: usize,
    ) -> Result<(), Malformed> {
        let claim = reader.clone();
        let count = reader.length()?;
        // A count is a claim: no item but a choice of nothing is empty, and that has its tag.
        if count > reader.rest().len() {
            return Err(claim.fail(MalformedKind::Truncated));
        }
        self.open_list(name, count);
        for _ in 0..count {
            match *item.of {
                Type::Choice(alternatives) if !item.wrapped.in_style(self.style()) => {
                    self.choice(alternatives, reader, depth)?;
                }
                _ => self.element(&item.name, item.of, reader, depth)?,
            }
        }
        self.close(name);
        Ok(())
    }

    /// An element with the name of a code, or the code itself if it has none.
    fn code(&mut self, name: &Name, codes: &[Code], code: u8) {
        match (codes.iter().find(|known| known.code == code), self.style()) {
            (Some(known), Style::Short) => self.value(name, known.name.short),
            (Some(known), Style::Asn1) => self.value(name, known.name.asn1),
            (None, Style::Short) => self.octets(name, &[code]),
            (None, Style::Asn1) => self.value(name, code),
        }
    }

    fn conformance(&mut self, name: &Name, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        let [first, second] = CONFORMANCE_TAG;
        let tag = reader.fail(MalformedKind::UnknownTag(reader.peek().unwrap_or_default()));
        if reader.u8()? != first {
            return Err(tag);
        }
        // Old meters leave the second octet of the tag out.
        if reader.peek() == Some(second) {
            reader.u8()?;
        }
        let length = reader.fail(MalformedKind::Length);
        if reader.array()? != CONFORMANCE_LENGTH {
            return Err(length);
        }
        let [a, b, c] = reader.array()?;
        let block = u32::from_be_bytes([a, b, c, 0]);
        let set = |bit: &&Code| block.wrapping_shl(u32::from(bit.code)) & (1 << 31) != 0;
        let bits = CONFORMANCE.iter().filter(set);
        match self.style() {
            Style::Short => {
                self.open(name);
                for bit in bits {
                    self.conformance_bit(bit.name.short);
                }
                self.close(name);
            }
            Style::Asn1 => {
                let names: Vec<&str> = bits.map(|bit| bit.name.asn1).collect();
                self.value(name, names.join(" "));
            }
        }
        Ok(())
    }

    fn service_error(&mut self, name: &Name, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        let unknown = |reader: &Reader<'_>, code| reader.fail(MalformedKind::UnknownChoice(code));
        let at_service = reader.clone();
        let service = reader.u8()?;
        let at_error = reader.clone();
        let choice = reader.u8()?;
        let value = reader.u8()?;
        let known = SERVICE_ERRORS.iter().find(|(kind, _)| kind.code == choice);
        let (kind, values) = known.ok_or_else(|| unknown(&at_error, choice))?;
        self.open(name);
        match self.style() {
            Style::Short => {
                self.octets(&SERVICE, &[service]);
                self.open(&SERVICE_ERROR);
                self.code(&kind.name, values, value);
                self.close(&SERVICE_ERROR);
            }
            Style::Asn1 => {
                let known = SERVICES.iter().find(|known| known.code == service);
                let known = known.ok_or_else(|| unknown(&at_service, service))?;
                self.open(&known.name);
                self.code(&kind.name, values, value);
                self.close(&known.name);
            }
        }
        self.close(name);
        Ok(())
    }
}

impl Wrapped {
    /// Whether an item has an element of its own in `style`.
    pub(crate) fn in_style(self, style: Style) -> bool {
        match self {
            Self::Always => true,
            Self::Asn1 => style == Style::Asn1,
            Self::Never => false,
        }
    }
}

/// The value of an INTEGER of up to eight octets.
pub(crate) fn signed_of(octets: &[u8]) -> i64 {
    let negative = octets.first().is_some_and(|octet| octet & 0x80 != 0);
    let start = if negative { -1 } else { 0 };
    octets.iter().fold(start, |value: i64, &octet| value.wrapping_shl(8) | i64::from(octet))
}

fn unsigned_of(octets: &[u8]) -> u64 {
    octets.iter().fold(0, |value: u64, &octet| value.wrapping_shl(8) | u64::from(octet))
}
