//! What a service of short name referencing points at (IEC 62056-5-3 clause 8,
//! Variable-Access-Specification).

use crate::{
    Malformed, MalformedKind,
    axdr::{RawData, Reader, Writer},
    cosem::ShortName,
};

// The choices. 3, detailed access, is not used with COSEM.
const VARIABLE_NAME: u8 = 2;
const PARAMETERIZED_ACCESS: u8 = 4;
const BLOCK_NUMBER_ACCESS: u8 = 5;
const READ_DATA_BLOCK_ACCESS: u8 = 6;
const WRITE_DATA_BLOCK_ACCESS: u8 = 7;

/// An attribute or method by its short name, or a block of a transfer. Blocks have numbers of 16
/// bits here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableAccess<'a> {
    /// All of an attribute, or a method.
    Name(ShortName),
    /// A part of an attribute, or a method with parameters.
    Parameterized {
        /// The attribute or method.
        name: ShortName,
        /// The selector of the selective access.
        selector: u8,
        /// Its parameters.
        parameter: RawData<'a>,
    },
    /// The next block of an answer, by the number of the block that was received last.
    BlockNumber(u16),
    /// A block of a read-request that is too long for one APDU.
    ReadBlock {
        /// Whether it is the last one.
        last: bool,
        /// Its number, from 1.
        number: u16,
        /// The raw data: a part of the list of variable accesses.
        octets: &'a [u8],
    },
    /// A block of a write-request that is too long for one APDU; its raw data is an octet-string in
    /// the list of data.
    WriteBlock {
        /// Whether it is the last one.
        last: bool,
        /// Its number, from 1.
        number: u16,
    },
}

impl<'a> VariableAccess<'a> {
    /// Takes one.
    ///
    /// # Errors
    /// Truncation, an unknown choice, a parameter that is not a value.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let unknown = reader.clone();
        Ok(match reader.u8()? {
            VARIABLE_NAME => Self::Name(ShortName(reader.u16()?)),
            PARAMETERIZED_ACCESS => Self::Parameterized {
                name: ShortName(reader.u16()?),
                selector: reader.u8()?,
                parameter: RawData::decode(reader)?,
            },
            BLOCK_NUMBER_ACCESS => Self::BlockNumber(reader.u16()?),
            READ_DATA_BLOCK_ACCESS => {
                let (last, number, octets) = decode_block(reader)?;
                Self::ReadBlock { last, number, octets }
            }
            WRITE_DATA_BLOCK_ACCESS => {
                Self::WriteBlock { last: reader.boolean()?, number: reader.u16()? }
            }
            other => return Err(unknown.fail(MalformedKind::UnknownChoice(other))),
        })
    }

    /// Appends it.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        match *self {
            Self::Name(name) => {
                writer.u8(VARIABLE_NAME);
                writer.u16(name.0);
            }
            Self::Parameterized { name, selector, parameter } => {
                writer.u8(PARAMETERIZED_ACCESS);
                writer.u16(name.0);
                writer.u8(selector);
                parameter.encode(writer);
            }
            Self::BlockNumber(number) => {
                writer.u8(BLOCK_NUMBER_ACCESS);
                writer.u16(number);
            }
            Self::ReadBlock { last, number, octets } => {
                writer.u8(READ_DATA_BLOCK_ACCESS);
                encode_block(writer, last, number, octets);
            }
            Self::WriteBlock { last, number } => {
                writer.u8(WRITE_DATA_BLOCK_ACCESS);
                writer.boolean(last);
                writer.u16(number);
            }
        }
    }
}

/// Takes a block with a number of 16 bits: whether it is the last, its number, its octets.
pub(super) fn decode_block<'a>(
    reader: &mut Reader<'a>,
) -> Result<(bool, u16, &'a [u8]), Malformed> {
    Ok((reader.boolean()?, reader.u16()?, reader.octet_string()?))
}

/// Appends a block with a number of 16 bits.
pub(super) fn encode_block(writer: &mut Writer<'_>, last: bool, number: u16, octets: &[u8]) {
    writer.boolean(last);
    writer.u16(number);
    writer.octet_string(octets);
}
