//! The first octets of an APDU.

use crate::{Malformed, MalformedKind, axdr::Reader};

/// Takes the tag, which must be this one.
pub(super) fn take_tag(reader: &mut Reader<'_>, tag: u8) -> Result<(), Malformed> {
    match reader.peek() {
        Some(found) if found != tag => Err(reader.fail(MalformedKind::UnknownTag(found))),
        _ => reader.u8().map(drop),
    }
}

/// Takes the tag, which must be this one, and the choice behind it, which the caller judges.
pub(super) fn take_choice(reader: &mut Reader<'_>, tag: u8) -> Result<u8, Malformed> {
    take_tag(reader, tag)?;
    reader.u8()
}

/// What a choice that is not one is refused with: it stands behind the tag.
pub(super) const fn unknown_choice(choice: u8) -> Malformed {
    Malformed::new(MalformedKind::UnknownChoice(choice), 1)
}
