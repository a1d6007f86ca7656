//! One encoded value, walked but not taken apart.

use super::{
    BitString, NESTING_MAX, Reader, RowTemplate, Writer,
    data_type::{DataType, Layout},
};
use crate::{Malformed, MalformedKind};

/// The octets of exactly one encoded [`Data`](super::Data): its extent is known and its nesting
/// is within [`NESTING_MAX`]. This is what the services carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RawData<'a>(&'a [u8]);

impl<'a> RawData<'a> {
    /// null-data.
    pub const NULL: RawData<'static> = RawData(&[0]);

    /// Takes the octets of one value. The value is walked once; of rows that look alike, only what
    /// could differ is looked at.
    ///
    /// # Errors
    /// [`MalformedKind::Truncated`], [`MalformedKind::UnknownTag`], [`MalformedKind::Length`],
    /// [`MalformedKind::Nesting`] at the octet at fault; the cursor then stays where it was.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        reader.spanned(|reader| skip(reader, 0)).map(|((), octets)| Self(octets))
    }

    /// `octets` that were walked as one value before.
    pub(crate) const fn walked(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// The octets, tag first.
    pub const fn octets(&self) -> &'a [u8] {
        self.0
    }

    /// Appends the octets.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.octets(self.0);
    }
}

/// Rows that must be left before a template is made to pass over them, which costs as much as
/// walking a few.
const TEMPLATE_ROWS_MIN: usize = 8;
/// Templates that are made for one array: profiles have rows of few forms, and who alternates them
/// gains nothing by it.
const TEMPLATES_MAX: usize = 4;

/// Passes over one value that stands `depth` arrays or structures deep.
pub(super) fn skip(reader: &mut Reader<'_>, depth: usize) -> Result<(), Malformed> {
    // Most values are numbers and short strings. What is wrong with the others is told below.
    if short_len(reader.rest()).is_some_and(|length| reader.octets(length).is_ok()) {
        return Ok(());
    }
    let data_type = take_type(reader)?;
    skip_contents(data_type, reader, depth)
}

/// Passes over what follows the tag of a `data_type`.
pub(super) fn skip_contents(
    data_type: DataType,
    reader: &mut Reader<'_>,
    depth: usize,
) -> Result<(), Malformed> {
    match data_type.layout() {
        Layout::Fixed(count) => reader.octets(count).map(drop),
        Layout::Octets => reader.octet_string().map(drop),
        Layout::Bits => BitString::decode(reader).map(drop),
        Layout::Elements => {
            let within = deeper(reader, depth)?;
            let count = reader.length()?;
            if data_type == DataType::Array {
                return skip_rows(reader, within, count);
            }
            // The count is a claim, but every element takes an octet: input ends the loop.
            let mut left = count;
            while left > 0 {
                left = left.saturating_sub(skip_short(reader, left));
                if left > 0 {
                    skip(reader, within)?;
                    left = left.saturating_sub(1);
                }
            }
            Ok(())
        }
        Layout::Compact => {
            let within = deeper(reader, depth)?;
            skip_description(reader, within)?;
            reader.octet_string().map(drop)
        }
    }
}

/// Passes over the `count` elements of an array. After two of the same length, those that follow
/// and look like the second are compared with it and not walked.
fn skip_rows(reader: &mut Reader<'_>, depth: usize, count: usize) -> Result<(), Malformed> {
    let mut left = count;
    let mut templates = 0;
    let mut length_before = 0;
    while left > 0 {
        let ((), row) = reader.spanned(|reader| skip(reader, depth))?;
        left = left.saturating_sub(1);
        if row.len() == length_before && left >= TEMPLATE_ROWS_MIN && templates < TEMPLATES_MAX {
            templates = templates.saturating_add(1);
            let alike = RowTemplate::from_row(RawData(row))
                .map_or(0, |template| template.take_rows(reader, left).len());
            left = left.saturating_sub(alike);
        }
        length_before = row.len();
    }
    Ok(())
}

/// Passes over the values at the front whose length is plain to see, `most` at most, and returns
/// how many there were. A row of a profile is nothing else.
fn skip_short(reader: &mut Reader<'_>, most: usize) -> usize {
    let (mut rest, mut skipped) = (reader.rest(), 0_usize);
    while skipped < most
        && let Some(behind) = short_len(rest).and_then(|length| rest.get(length..))
    {
        rest = behind;
        skipped = skipped.saturating_add(1);
    }
    let octets = reader.rest().len().saturating_sub(rest.len());
    // They are there: nothing was passed over that is not.
    if reader.octets(octets).is_ok() { skipped } else { 0 }
}

/// The length of a value at the front of `octets`, its tag included, when its type alone or one
/// more octet tells it.
fn short_len(octets: &[u8]) -> Option<usize> {
    let (&tag, behind) = octets.split_first()?;
    match SHORT_LEN.get(usize::from(tag)).copied()? {
        LONG => None,
        LENGTH_FOLLOWS => match *behind.first()? {
            length @ 0..=0x7f => Some(usize::from(length).saturating_add(2)),
            _ => None,
        },
        length => Some(usize::from(length)),
    }
}

/// In [`SHORT_LEN`]: the tag does not tell.
const LONG: u8 = 0;
/// In [`SHORT_LEN`]: the next octet tells, if it is below 0x80.
const LENGTH_FOLLOWS: u8 = 0xff;

/// By tag, the length of a value with its tag where the type alone tells it.
static SHORT_LEN: [u8; 256] = {
    let mut table = [LONG; 256];
    let mut rest: &mut [u8] = &mut table;
    let mut tag = 0_u8;
    while let Some((length, behind)) = rest.split_first_mut() {
        if let Some(data_type) = DataType::from_tag(tag) {
            *length = match data_type.layout() {
                Layout::Fixed(contents) => contents.to_le_bytes()[0].wrapping_add(1),
                Layout::Octets => LENGTH_FOLLOWS,
                Layout::Bits | Layout::Elements | Layout::Compact => LONG,
            };
        }
        tag = tag.wrapping_add(1);
        rest = behind;
    }
    table
};

/// Passes over one type description of a compact-array.
pub(super) fn skip_description(reader: &mut Reader<'_>, depth: usize) -> Result<(), Malformed> {
    let at = reader.offset();
    match take_type(reader)? {
        DataType::Array => {
            let within = deeper(reader, depth)?;
            reader.u16()?;
            skip_description(reader, within)
        }
        DataType::Structure => {
            let within = deeper(reader, depth)?;
            for _ in 0..reader.length()? {
                skip_description(reader, within)?;
            }
            Ok(())
        }
        DataType::CompactArray => {
            Err(Malformed::new(MalformedKind::UnknownTag(DataType::CompactArray.tag()), at))
        }
        _ => Ok(()),
    }
}

/// Takes the tag of a value.
pub(super) fn take_type(reader: &mut Reader<'_>) -> Result<DataType, Malformed> {
    let tag = reader.peek().ok_or_else(|| reader.fail(MalformedKind::Truncated))?;
    let data_type =
        DataType::from_tag(tag).ok_or_else(|| reader.fail(MalformedKind::UnknownTag(tag)))?;
    reader.u8()?;
    Ok(data_type)
}

/// The depth inside an array or structure whose tag was just taken at `depth`.
fn deeper(reader: &Reader<'_>, depth: usize) -> Result<usize, Malformed> {
    if depth >= NESTING_MAX {
        return Err(reader.fail(MalformedKind::Nesting));
    }
    Ok(depth.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};

    #[test]
    fn raw_data_ends_where_its_value_ends() {
        for value in [
            &[0x00][..],
            &[0x11, 0x05],
            &[0x09, 0x02, 0xaa, 0xbb],
            &[0x04, 0x09, 0xff, 0x80],
            &[0x02, 0x02, 0x0f, 0xff, 0x16, 0x1e],
            &[0x01, 0x00],
            &[0x13, 0x02, 0x02, 0x12, 0x11, 0x03, 0x00, 0x01, 0x02],
        ] {
            let mut input = value.to_vec();
            input.extend_from_slice(&[0xee; 3]);
            let mut reader = Reader::new(&input);
            assert_eq!(RawData::decode(&mut reader).unwrap().octets(), value);
            assert_eq!(reader.rest(), [0xee; 3]);
            for cut in 0..value.len() {
                let error = RawData::decode(&mut Reader::new(&value[..cut])).unwrap_err();
                assert_eq!(error.kind, MalformedKind::Truncated, "{value:02x?} cut at {cut}");
            }
        }
    }

    #[test]
    fn an_announced_count_larger_than_the_input_is_truncation() {
        // array, 2^32 - 1 elements announced, three nulls present
        let input = [0x01, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00];
        assert_eq!(
            RawData::decode(&mut Reader::new(&input)),
            Err(Malformed::new(MalformedKind::Truncated, 9))
        );
    }

    #[test]
    fn nesting_is_refused_beyond_its_maximum() {
        let nested = |depth: usize| -> Vec<u8> {
            let mut octets = [0x01, 0x01].repeat(depth);
            octets.push(0x00);
            octets
        };
        assert!(RawData::decode(&mut Reader::new(&nested(NESTING_MAX))).is_ok());
        let error = RawData::decode(&mut Reader::new(&nested(NESTING_MAX + 1))).unwrap_err();
        assert_eq!(error.kind, MalformedKind::Nesting);
        let hostile = vec![0x01; 65_536];
        assert_eq!(
            RawData::decode(&mut Reader::new(&hostile)).unwrap_err().kind,
            MalformedKind::Nesting
        );
    }

    #[test]
    fn an_unknown_tag_is_named_at_its_octet() {
        assert_eq!(
            RawData::decode(&mut Reader::new(&[0x02, 0x01, 0x07, 0x00])),
            Err(Malformed::new(MalformedKind::UnknownTag(7), 2))
        );
    }
}
