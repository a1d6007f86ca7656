//! XML into octets.

mod acse;

use dlms_core::axdr::{BitString, Writer};

use crate::{
    cursor::{Cursor, Leaf, Tag},
    decode::{
        self, CONFORMANCE_LENGTH, CONFORMANCE_TAG, EXCEPTIONS, INVOCATION_COUNTER,
        INVOCATION_COUNTER_ERROR, SERVICE, SERVICES,
    },
    error::{Problem, XmlError},
    frame,
    name::{Name, same},
    schema::{ACSE, APDUS, Alternative, CONFORMANCE, Code, Item, Member, SERVICE_ERRORS, Type},
};

/// Elements inside of elements: as many as an APDU is shown with, and those around it, which are
/// two of the schema or of a frame, and "Messages".
const DEPTH_MAX: usize = decode::DEPTH_MAX + 4;

/// Elements around an APDU that mean nothing but themselves.
const AROUND: [&str; 3] = ["xDLMS-APDU", "aCSE-APDU", "Messages"];

/// The octets of every message in a document, in either style: APDUs, or frames that have one.
///
/// # Errors
/// What is wrong, at which line and column, and in which element.
pub fn encode(xml: &str) -> Result<Vec<Vec<u8>>, XmlError> {
    let mut cursor = Cursor::new(xml)?;
    let mut messages = Vec::new();
    messages_in(&mut cursor, &mut messages)?;
    if messages.is_empty() {
        return Err(cursor.missing("an APDU"));
    }
    Ok(messages)
}

fn messages_in(cursor: &mut Cursor<'_>, messages: &mut Vec<Vec<u8>>) -> Result<(), XmlError> {
    while let Some(tag) = cursor.enter()? {
        if AROUND.iter().any(|around| same(around, &tag.name)) {
            if cursor.depth() > AROUND.len() {
                return Err(cursor.fail(Problem::Nesting));
            }
            messages_in(cursor, messages)?;
            cursor.leave("an APDU")?;
            continue;
        }
        let mut octets = Vec::new();
        match frame::Envelope::named(&tag.name) {
            Some(envelope) => envelope.encode(cursor, &mut octets)?,
            None => apdu(cursor, tag, &mut octets)?,
        }
        messages.push(octets);
    }
    Ok(())
}

/// The octets of the only APDU in a document.
pub(crate) fn apdu_octets(xml: &str) -> Result<Vec<u8>, XmlError> {
    let mut cursor = Cursor::new(xml)?;
    let mut octets = Vec::new();
    let tag = cursor.enter()?.ok_or_else(|| cursor.missing("an APDU"))?;
    apdu(&mut cursor, tag, &mut octets)?;
    Ok(octets)
}

/// The APDU that was entered with `tag`.
pub(crate) fn apdu(cursor: &mut Cursor<'_>, tag: Tag, out: &mut Vec<u8>) -> Result<(), XmlError> {
    if let Some(schema) = ACSE.iter().find(|schema| schema.name.matches(&tag.name)) {
        return acse::encode(schema, cursor, out);
    }
    match APDUS.iter().find(|schema| schema.name.matches(&tag.name)) {
        Some(schema) => {
            out.push(schema.tag);
            element(cursor, tag, schema.of, out)
        }
        None => Err(cursor.unexpected(&tag, "the name of an APDU")),
    }
}

/// The value of type `of` of the element that was entered with `tag`, and leaves the element.
fn element(
    cursor: &mut Cursor<'_>,
    tag: Tag,
    of: &Type,
    out: &mut Vec<u8>,
) -> Result<(), XmlError> {
    if cursor.depth() > DEPTH_MAX {
        return Err(cursor.fail(Problem::Nesting));
    }
    match *of {
        Type::Sequence(members) => {
            sequence(cursor, members, out)?;
            cursor.leave("the end of the element")
        }
        Type::Choice(alternatives) => {
            let chosen = cursor.enter()?.ok_or_else(|| cursor.missing(one_of(alternatives)))?;
            choice(cursor, chosen, alternatives, out)?;
            cursor.leave("the end of the element")
        }
        Type::List(item) => list(cursor, &tag, item, out),
        Type::Conformance => conformance(cursor, tag, out),
        Type::ExceptionService => exception_service(cursor, tag, out),
        Type::ConfirmedServiceError => service_error(cursor, out),
        Type::Null => {
            let leaf = cursor.leaf(tag)?;
            if leaf.text.trim().is_empty() { Ok(()) } else { Err(cursor.wrong(&leaf, "empty")) }
        }
        Type::Boolean
        | Type::Integer { .. }
        | Type::Enumerated(_)
        | Type::Octets
        | Type::OctetsOf(_)
        | Type::Bits
        | Type::Visible
        | Type::Utf8 => {
            let leaf = cursor.leaf(tag)?;
            value(cursor, &leaf, of, out)
        }
    }
}

fn sequence(
    cursor: &mut Cursor<'_>,
    members: &[Member],
    out: &mut Vec<u8>,
) -> Result<(), XmlError> {
    for Member { name, of, optional } in members {
        let is_there = cursor.peek()?.is_some_and(|tag| name.matches(&tag.name));
        if *optional {
            out.push(u8::from(is_there));
        }
        if is_there {
            if let Some(tag) = cursor.enter()? {
                element(cursor, tag, of, out)?;
            }
        } else if let (true, Type::Sequence(inner)) = (name.short.is_empty(), of) {
            // Translators leave the element out.
            sequence(cursor, inner, out)?;
        } else if !optional {
            let expected = shown(name);
            return Err(match cursor.enter()? {
                Some(tag) => cursor.unexpected(&tag, expected),
                None => cursor.missing(expected),
            });
        }
    }
    Ok(())
}

fn choice(
    cursor: &mut Cursor<'_>,
    chosen: Tag,
    alternatives: &[Alternative],
    out: &mut Vec<u8>,
) -> Result<(), XmlError> {
    match alternatives.iter().find(|alternative| alternative.name.matches(&chosen.name)) {
        Some(alternative) => {
            out.push(alternative.tag);
            element(cursor, chosen, alternative.of, out)
        }
        None => Err(cursor.unexpected(&chosen, one_of(alternatives))),
    }
}

fn list(
    cursor: &mut Cursor<'_>,
    tag: &Tag,
    item: &Item,
    out: &mut Vec<u8>,
) -> Result<(), XmlError> {
    let start = out.len();
    let mut count: usize = 0;
    while let Some(tag) = cursor.enter()? {
        match *item.of {
            // Without an element of its own.
            Type::Choice(alternatives) if !item.name.matches(&tag.name) => {
                choice(cursor, tag, alternatives, out)?;
            }
            _ if item.name.matches(&tag.name) => element(cursor, tag, item.of, out)?,
            // Results are called by either name of a result.
            Type::Enumerated(_) if same(&tag.name, "DataAccessError") => {
                element(cursor, tag, item.of, out)?;
            }
            _ => return Err(cursor.unexpected(&tag, shown(&item.name))),
        }
        count = count.saturating_add(1);
    }
    if let Some(claimed) = &tag.quantity
        && ![10, 16].iter().any(|&radix| usize::from_str_radix(claimed.trim(), radix) == Ok(count))
    {
        let claimed = claimed.clone();
        return Err(cursor.fail(Problem::Quantity { claimed, found: count }));
    }
    let mut length = Vec::new();
    Writer::new(&mut length).length(count);
    out.splice(start..start, length);
    cursor.leave("the end of the list")
}

/// A value that stands in an element by itself.
fn value(cursor: &Cursor<'_>, leaf: &Leaf, of: &Type, out: &mut Vec<u8>) -> Result<(), XmlError> {
    let mut writer = Writer::new(out);
    match *of {
        Type::Boolean => {
            let octet = boolean(leaf).ok_or_else(|| cursor.wrong(leaf, "a boolean"))?;
            writer.u8(octet);
        }
        Type::Integer { octets, signed } => {
            let integer = integer(leaf, octets, signed).ok_or_else(|| {
                let kind = if signed { "an integer" } else { "an unsigned integer" };
                let radix = if leaf.attribute { ", in hexadecimal" } else { "" };
                cursor.wrong(leaf, format!("{kind} of {octets} octets{radix}"))
            })?;
            let wide = integer.to_be_bytes();
            let (_, octets) = wide.split_at(wide.len().saturating_sub(octets));
            writer.octets(octets);
        }
        Type::Enumerated(codes) => {
            let code = code(leaf, codes).ok_or_else(|| cursor.wrong(leaf, names(codes)))?;
            writer.u8(code);
        }
        Type::Octets => {
            let octets =
                hex(&leaf.text).ok_or_else(|| cursor.wrong(leaf, "octets in hexadecimal"))?;
            writer.octet_string(&octets);
        }
        Type::OctetsOf(count) => {
            let octets = hex(&leaf.text)
                .filter(|octets| octets.len() == count)
                .ok_or_else(|| cursor.wrong(leaf, format!("{count} octets in hexadecimal")))?;
            writer.octets(&octets);
        }
        Type::Bits => {
            let (octets, len) =
                bits(&leaf.text).ok_or_else(|| cursor.wrong(leaf, "bits, 0 or 1"))?;
            if let Some(bits) = BitString::new(&octets, len) {
                bits.encode(&mut writer);
            }
        }
        _ => match &leaf.hex {
            Some(digits) => {
                let octets =
                    hex(digits).ok_or_else(|| cursor.wrong(leaf, "octets in hexadecimal"))?;
                writer.octet_string(&octets);
            }
            None => writer.octet_string(leaf.text.as_bytes()),
        },
    }
    Ok(())
}

fn conformance(cursor: &mut Cursor<'_>, tag: Tag, out: &mut Vec<u8>) -> Result<(), XmlError> {
    let mut block: u32 = 0;
    let mut set = |name: &str| {
        let bit = CONFORMANCE.iter().find(|bit| bit.name.matches(name));
        block |= bit.map_or(0, |bit| (1_u32 << 23).wrapping_shr(u32::from(bit.code)));
        bit.is_some()
    };
    if cursor.has_elements()? {
        while let Some(mut bit) = cursor.enter()? {
            let name = bit.bit.take();
            let leaf = cursor.leaf(bit)?;
            let name = name.unwrap_or_else(|| leaf.text.clone());
            if !set(name.trim()) {
                let wrong = leaf.part(&name);
                return Err(cursor.wrong(&wrong, "the name of a conformance bit"));
            }
        }
        cursor.leave("a ConformanceBit")?;
    } else {
        let leaf = cursor.leaf(tag)?;
        if let Some(wrong) = leaf.text.split_whitespace().find(|name| !set(name)) {
            let wrong = leaf.part(wrong);
            return Err(cursor.wrong(&wrong, "the name of a conformance bit"));
        }
    }
    let [_, a, b, c] = block.to_be_bytes();
    out.extend_from_slice(&CONFORMANCE_TAG);
    out.extend_from_slice(&CONFORMANCE_LENGTH);
    out.extend_from_slice(&[a, b, c]);
    Ok(())
}

fn exception_service(cursor: &mut Cursor<'_>, tag: Tag, out: &mut Vec<u8>) -> Result<(), XmlError> {
    if !cursor.has_elements()? {
        let leaf = cursor.leaf(tag)?;
        let code = code(&leaf, &EXCEPTIONS).filter(|&code| code != INVOCATION_COUNTER_ERROR);
        out.push(code.ok_or_else(|| cursor.wrong(&leaf, names(&EXCEPTIONS)))?);
        return Ok(());
    }
    // By the schema it is a choice, of which most are empty.
    if let Some(chosen) = cursor.enter()? {
        if INVOCATION_COUNTER.matches(&chosen.name) {
            out.push(INVOCATION_COUNTER_ERROR);
            element(cursor, chosen, &Type::Integer { octets: 4, signed: false }, out)?;
        } else {
            let known = EXCEPTIONS.iter().find(|known| known.name.matches(&chosen.name));
            let known = known.ok_or_else(|| cursor.unexpected(&chosen, names(&EXCEPTIONS)))?;
            out.push(known.code);
            element(cursor, chosen, &Type::Null, out)?;
        }
    }
    cursor.leave("the end of the element")
}

/// Service and error, as translators write them or as the schema has them.
fn service_error(cursor: &mut Cursor<'_>, out: &mut Vec<u8>) -> Result<(), XmlError> {
    let expected = "Service, initiateError, read or write";
    let tag = cursor.enter()?.ok_or_else(|| cursor.missing(expected))?;
    if SERVICE.matches(&tag.name) {
        let leaf = cursor.leaf(tag)?;
        out.push(code(&leaf, &SERVICES).ok_or_else(|| cursor.wrong(&leaf, names(&SERVICES)))?);
        cursor.enter()?.ok_or_else(|| cursor.missing("ServiceError"))?;
    } else {
        let known = SERVICES.iter().find(|known| known.name.matches(&tag.name));
        out.push(known.ok_or_else(|| cursor.unexpected(&tag, expected))?.code);
    }
    let tag = cursor.enter()?.ok_or_else(|| cursor.missing("the kind of error"))?;
    let kind = SERVICE_ERRORS.iter().find(|(kind, _)| kind.name.matches(&tag.name));
    let (kind, values) =
        kind.ok_or_else(|| cursor.unexpected(&tag, "the kind of a service error"))?;
    let leaf = cursor.leaf(tag)?;
    let value = code(&leaf, values).ok_or_else(|| cursor.wrong(&leaf, names(values)))?;
    out.extend_from_slice(&[kind.code, value]);
    cursor.leave("the end of the element")?;
    cursor.leave("the end of the element")
}

/// The names of elements that would be right.
fn one_of(alternatives: &[Alternative]) -> String {
    list_of(alternatives.iter().map(|alternative| shown(&alternative.name)))
}

fn names(codes: &[Code]) -> String {
    list_of(codes.iter().map(|code| code.name.short.to_owned()))
}

fn list_of(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    format!("one of {}", names.join(", "))
}

fn shown(name: &Name) -> String {
    let name = if name.short.is_empty() { name.asn1 } else { name.short };
    format!("<{name}>")
}

/// The octet of a boolean. Both `1` and `true` are true; they tell the two octets apart that are
/// met for it.
fn boolean(leaf: &Leaf) -> Option<u8> {
    match leaf.text.trim() {
        text if text.eq_ignore_ascii_case("true") => Some(0xff),
        text if text.eq_ignore_ascii_case("false") => Some(0),
        text if leaf.attribute => u8::from_str_radix(unsigned_digits(text)?, 16).ok(),
        "0" => Some(0),
        "1" => Some(1),
        _ => None,
    }
}

/// Digits without a sign, which Rust would take.
fn unsigned_digits(text: &str) -> Option<&str> {
    (!text.starts_with(['+', '-'])).then_some(text)
}

/// An integer whose last octets are those on the wire.
fn integer(leaf: &Leaf, octets: usize, signed: bool) -> Option<i128> {
    let text = leaf.text.trim();
    let bits = u32::try_from(octets.checked_mul(8)?).ok()?;
    let end = 1_i128.checked_shl(bits)?;
    if leaf.attribute {
        return i128::from_str_radix(unsigned_digits(text)?, 16).ok().filter(|value| *value < end);
    }
    let start = if signed { end.wrapping_shr(1).wrapping_neg() } else { 0 };
    text.parse().ok().filter(|value| (start..end).contains(value))
}

/// The code of a name, or that is written as a number.
pub(crate) fn code(leaf: &Leaf, codes: &[Code]) -> Option<u8> {
    let text = leaf.text.trim();
    if let Some(known) = codes.iter().find(|known| known.name.matches(text)) {
        return Some(known.code);
    }
    u8::from_str_radix(unsigned_digits(text)?, if leaf.attribute { 16 } else { 10 }).ok()
}

/// Octets in hexadecimal, with blanks where anybody likes them.
pub(crate) fn hex(text: &str) -> Option<Vec<u8>> {
    let digit =
        |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut octets = Vec::with_capacity(text.len() >> 1);
    let mut digits = text.bytes().filter(|octet| !octet.is_ascii_whitespace());
    while let Some(high) = digits.next() {
        let low = digits.next()?;
        octets.push(digit(high)?.wrapping_shl(4) | digit(low)?);
    }
    Some(octets)
}

fn bits(text: &str) -> Option<(Vec<u8>, usize)> {
    let bits: Vec<u8> = text
        .bytes()
        .filter(|octet| !octet.is_ascii_whitespace())
        .map(|octet| match octet {
            b'0' => Some(0),
            b'1' => Some(1),
            _ => None,
        })
        .collect::<Option<_>>()?;
    let octets = bits
        .chunks(8)
        .map(|chunk| {
            let value = chunk.iter().fold(0_u8, |value, bit| value.wrapping_shl(1) | bit);
            value.wrapping_shl(u32::try_from(8_usize.saturating_sub(chunk.len())).unwrap_or(0))
        })
        .collect();
    Some((octets, bits.len()))
}
