//! One block of a service-specific block transfer (IEC 62056-5-3 clause 8, DataBlock-SA).

use crate::{
    Malformed,
    axdr::{Reader, Writer},
};

/// A part of something too long for one APDU. The blocks of one transfer are counted from 1; what
/// they mean when joined is told in [`joined`](super::joined).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataBlock<'a> {
    /// Whether it is the last one.
    pub last: bool,
    /// Its number.
    pub number: u32,
    /// The raw data.
    pub octets: &'a [u8],
}

impl<'a> DataBlock<'a> {
    /// Takes a block.
    ///
    /// # Errors
    /// Truncation, an impossible length.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self { last: reader.boolean()?, number: reader.u32()?, octets: reader.octet_string()? })
    }

    /// Appends the block.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.boolean(self.last);
        writer.u32(self.number);
        writer.octet_string(self.octets);
    }
}
