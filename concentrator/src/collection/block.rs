//! The day-block: what was read of one attribute of one meter and captured on one day, as a
//! head-end takes it.
//!
//! One octet, the version 1, and behind it by DEFLATE (RFC 1951), numbers big-endian:
//!
//! ```text
//! octets
//! 1+n   logical device name: its length, itself
//! 2     class
//! 6     logical name
//! 1     attribute
//! 4     the day, counted from 1970-01-01, in UTC
//! 4     the number that the first row has on this day, from 0
//! 4     how many rows
//!       and each row:
//! 4       seconds from the beginning of the day to its capture
//! 8       when it arrived here, in seconds since 1970
//! 4+n     the row as one A-XDR Data: its length, itself
//! ```
//!
//! Rows of a day are numbered in the order in which they came, for ever: a head-end that has taken
//! a day up to some number passes over what it is offered again.

use std::io::{Read, Write};

use dlms_core::cosem::{AttributeDescriptor, AttributeId, ClassId, LogicalName};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};

use crate::nodes::LogicalDeviceName;

/// Octets of a block that is not compressed: a row a minute of 2 kB each.
pub const BLOCK_OCTETS_MAX: usize = 4 * 1024 * 1024;
/// Seconds of a day.
pub(super) const DAY_S: i64 = 86_400;
const VERSION: u8 = 1;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRow {
    /// When the meter captured it, in seconds since 1970.
    pub captured_s: i64,
    /// When it arrived here, in seconds since 1970.
    pub arrived_s: i64,
    /// One encoded Data, a structure for the row of a profile.
    pub octets: Vec<u8>,
}

/// What was captured on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayBlock {
    /// The meter.
    pub meter: LogicalDeviceName,
    /// What was read of it.
    pub attribute: AttributeDescriptor,
    /// The day, counted from 1970-01-01, in UTC.
    pub day: i32,
    /// The number of the first row on this day.
    pub first: u32,
    /// The rows, in the order in which they came.
    pub rows: Vec<BlockRow>,
}

/// Octets that are no day-block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// It has a later format.
    #[error("a day-block of version {0}, of which nothing is known here")]
    Version(u8),
    /// It is cut, or was no block.
    #[error("no day-block, or not the whole of it")]
    Malformed,
    /// There is more in it than may be.
    #[error("a day-block of more than {BLOCK_OCTETS_MAX} octets")]
    TooLong,
}

impl DayBlock {
    /// The octets.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let name = self.meter.octets();
        let mut plain = Vec::new();
        // A name is never longer than 64 octets.
        plain.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        plain.extend(name);
        plain.extend(self.attribute.class.0.to_be_bytes());
        plain.extend(self.attribute.instance.0);
        plain.extend(self.attribute.attribute.0.to_be_bytes());
        plain.extend(self.day.to_be_bytes());
        plain.extend(self.first.to_be_bytes());
        plain.extend(number(self.rows.len()).to_be_bytes());
        for row in &self.rows {
            let offset = row.captured_s.saturating_sub(i64::from(self.day) * DAY_S);
            plain.extend(u32::try_from(offset).unwrap_or(u32::MAX).to_be_bytes());
            plain.extend(row.arrived_s.to_be_bytes());
            plain.extend(number(row.octets.len()).to_be_bytes());
            plain.extend(&row.octets);
        }
        let mut encoder = DeflateEncoder::new(vec![VERSION], Compression::default());
        let written = encoder.write_all(&plain).and_then(|()| encoder.finish());
        written.expect("memory takes everything")
    }

    /// What the octets say.
    ///
    /// # Errors
    /// Every [`BlockError`].
    pub fn decode(octets: &[u8]) -> Result<Self, BlockError> {
        let (&version, deflated) = octets.split_first().ok_or(BlockError::Malformed)?;
        if version != VERSION {
            return Err(BlockError::Version(version));
        }
        let mut plain = Vec::new();
        let mut decoder = DeflateDecoder::new(deflated).take(BLOCK_OCTETS_MAX as u64 + 1);
        decoder.read_to_end(&mut plain).map_err(|_| BlockError::Malformed)?;
        if plain.len() > BLOCK_OCTETS_MAX {
            return Err(BlockError::TooLong);
        }
        Self::decode_plain(&mut &plain[..]).ok_or(BlockError::Malformed)
    }

    fn decode_plain(plain: &mut &[u8]) -> Option<Self> {
        let [length] = fixed(plain)?;
        let meter = take(plain, length.into())?.try_into().ok()?;
        let attribute = AttributeDescriptor {
            class: ClassId(u16::from_be_bytes(fixed(plain)?)),
            instance: LogicalName(fixed(plain)?),
            attribute: AttributeId(i8::from_be_bytes(fixed(plain)?)),
        };
        let day = i32::from_be_bytes(fixed(plain)?);
        let first = u32::from_be_bytes(fixed(plain)?);
        let count = u32::from_be_bytes(fixed(plain)?);
        let mut rows = Vec::new();
        for _ in 0..count {
            let offset = u32::from_be_bytes(fixed(plain)?);
            rows.push(BlockRow {
                captured_s: i64::from(day) * DAY_S + i64::from(offset),
                arrived_s: i64::from_be_bytes(fixed(plain)?),
                octets: {
                    let length = u32::from_be_bytes(fixed(plain)?);
                    take(plain, usize::try_from(length).ok()?)?.to_vec()
                },
            });
        }
        plain.is_empty().then_some(Self { meter, attribute, day, first, rows })
    }
}

/// The rows of a segment, as the ring stores them: offset within the day, length, octets.
pub(super) fn encode_rows(day: i64, rows: &[(i64, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (captured_s, octets) in rows {
        let offset = captured_s.saturating_sub(day * DAY_S);
        out.extend(u32::try_from(offset).unwrap_or(u32::MAX).to_be_bytes());
        out.extend(number(octets.len()).to_be_bytes());
        out.extend(octets);
    }
    out
}

/// The rows of a segment.
pub(super) fn decode_rows(day: i64, arrived_s: i64, mut from: &[u8]) -> Option<Vec<BlockRow>> {
    let mut rows = Vec::new();
    while !from.is_empty() {
        let offset = u32::from_be_bytes(fixed(&mut from)?);
        let length = u32::from_be_bytes(fixed(&mut from)?);
        let octets = take(&mut from, usize::try_from(length).ok()?)?.to_vec();
        let captured_s = day * DAY_S + i64::from(offset);
        rows.push(BlockRow { captured_s, arrived_s, octets });
    }
    Some(rows)
}

fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn fixed<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(*first)
}

fn take<'a>(from: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (first, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(rows: i64) -> DayBlock {
        let instance = LogicalName([1, 0, 99, 1, 0, 255]);
        let row = |number: i64| BlockRow {
            captured_s: 20_000 * DAY_S + number * 900,
            arrived_s: 20_001 * DAY_S,
            octets: vec![0x02, 0x01, 0x06, 0, 0, 0, number as u8],
        };
        DayBlock {
            meter: b"ABC0000000000001"[..].try_into().unwrap(),
            attribute: AttributeDescriptor::new(ClassId::PROFILE_GENERIC, instance, 2),
            day: 20_000,
            first: 4,
            rows: (0..rows).map(row).collect(),
        }
    }

    #[test]
    fn a_block_comes_back_as_it_was_and_takes_less_room() {
        let block = block(96);
        let octets = block.encode();
        assert!(octets.len() < 96 * 7, "{}", octets.len());
        assert_eq!(DayBlock::decode(&octets), Ok(block));
    }

    #[test]
    fn the_format_is_the_one_that_is_written_down() {
        let octets = block(1).encode();
        assert_eq!(octets[0], 1);
        let mut plain = Vec::new();
        DeflateDecoder::new(&octets[1..]).read_to_end(&mut plain).unwrap();
        let expected = [
            &[16][..],
            b"ABC0000000000001",
            &[0, 7, 1, 0, 99, 1, 0, 255, 2],
            &[0, 0, 0x4E, 0x20, 0, 0, 0, 4, 0, 0, 0, 1],
            &[0, 0, 0, 0, 0, 0, 0, 0, 0x67, 0x00, 0x87, 0x80],
            &[0, 0, 0, 7, 0x02, 0x01, 0x06, 0, 0, 0, 0],
        ]
        .concat();
        let arrived = (20_001 * DAY_S).to_be_bytes();
        assert_eq!(plain[..42], expected[..42]);
        assert_eq!(plain[42..50], arrived);
        assert_eq!(plain[50..], expected[50..]);
    }

    #[test]
    fn what_is_cut_or_of_another_version_is_no_block() {
        let octets = block(3).encode();
        for end in 0..octets.len() {
            assert_eq!(DayBlock::decode(&octets[..end]), Err(BlockError::Malformed), "{end}");
        }
        assert_eq!(DayBlock::decode(&[2, 0]), Err(BlockError::Version(2)));
    }

    #[test]
    fn a_block_that_swells_beyond_measure_is_refused() {
        let mut encoder = DeflateEncoder::new(vec![VERSION], Compression::default());
        encoder.write_all(&vec![0; BLOCK_OCTETS_MAX + 1]).unwrap();
        let octets = encoder.finish().unwrap();
        assert!(octets.len() < 10_000);
        assert_eq!(DayBlock::decode(&octets), Err(BlockError::TooLong));
    }
}
