//! The types of COSEM data and their tags (IEC 62056-6-2 clause 4.1.5; the `Data` choice of the
//! COSEM PDU module in IEC 62056-5-3).

use core::fmt;

/// The type of a [`Data`](super::Data): its tag on the wire and its name in the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DataType {
    /// null-data
    Null = 0,
    /// array
    Array = 1,
    /// structure
    Structure = 2,
    /// boolean
    Boolean = 3,
    /// bit-string
    BitString = 4,
    /// double-long
    DoubleLong = 5,
    /// double-long-unsigned
    DoubleLongUnsigned = 6,
    /// octet-string
    OctetString = 9,
    /// visible-string
    VisibleString = 10,
    /// utf8-string
    Utf8String = 12,
    /// bcd
    Bcd = 13,
    /// integer
    Integer = 15,
    /// long
    Long = 16,
    /// unsigned
    Unsigned = 17,
    /// long-unsigned
    LongUnsigned = 18,
    /// compact-array
    CompactArray = 19,
    /// long64
    Long64 = 20,
    /// long64-unsigned
    Long64Unsigned = 21,
    /// enum
    Enum = 22,
    /// float32
    Float32 = 23,
    /// float64
    Float64 = 24,
    /// date-time
    DateTime = 25,
    /// date
    Date = 26,
    /// time
    Time = 27,
    /// delta-integer
    DeltaInteger = 28,
    /// delta-long
    DeltaLong = 29,
    /// delta-double-long
    DeltaDoubleLong = 30,
    /// delta-unsigned
    DeltaUnsigned = 31,
    /// delta-long-unsigned
    DeltaLongUnsigned = 32,
    /// delta-double-long-unsigned
    DeltaDoubleLongUnsigned = 33,
    /// don't-care
    DontCare = 255,
}

/// How the contents of a type are laid out after its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// That many octets.
    Fixed(usize),
    /// A length and that many octets.
    Octets,
    /// A length in bits and the octets that hold them.
    Bits,
    /// A count and that many values.
    Elements,
    /// A type description and an octet string.
    Compact,
}

impl DataType {
    /// The type that `tag` stands for.
    pub const fn from_tag(tag: u8) -> Option<Self> {
        Some(match tag {
            0 => Self::Null,
            1 => Self::Array,
            2 => Self::Structure,
            3 => Self::Boolean,
            4 => Self::BitString,
            5 => Self::DoubleLong,
            6 => Self::DoubleLongUnsigned,
            9 => Self::OctetString,
            10 => Self::VisibleString,
            12 => Self::Utf8String,
            13 => Self::Bcd,
            15 => Self::Integer,
            16 => Self::Long,
            17 => Self::Unsigned,
            18 => Self::LongUnsigned,
            19 => Self::CompactArray,
            20 => Self::Long64,
            21 => Self::Long64Unsigned,
            22 => Self::Enum,
            23 => Self::Float32,
            24 => Self::Float64,
            25 => Self::DateTime,
            26 => Self::Date,
            27 => Self::Time,
            28 => Self::DeltaInteger,
            29 => Self::DeltaLong,
            30 => Self::DeltaDoubleLong,
            31 => Self::DeltaUnsigned,
            32 => Self::DeltaLongUnsigned,
            33 => Self::DeltaDoubleLongUnsigned,
            255 => Self::DontCare,
            _ => return None,
        })
    }

    /// The tag on the wire.
    pub const fn tag(self) -> u8 {
        self as u8
    }

    /// The name as the standard spells it: `double-long-unsigned`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "null-data",
            Self::Array => "array",
            Self::Structure => "structure",
            Self::Boolean => "boolean",
            Self::BitString => "bit-string",
            Self::DoubleLong => "double-long",
            Self::DoubleLongUnsigned => "double-long-unsigned",
            Self::OctetString => "octet-string",
            Self::VisibleString => "visible-string",
            Self::Utf8String => "utf8-string",
            Self::Bcd => "bcd",
            Self::Integer => "integer",
            Self::Long => "long",
            Self::Unsigned => "unsigned",
            Self::LongUnsigned => "long-unsigned",
            Self::CompactArray => "compact-array",
            Self::Long64 => "long64",
            Self::Long64Unsigned => "long64-unsigned",
            Self::Enum => "enum",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::DateTime => "date-time",
            Self::Date => "date",
            Self::Time => "time",
            Self::DeltaInteger => "delta-integer",
            Self::DeltaLong => "delta-long",
            Self::DeltaDoubleLong => "delta-double-long",
            Self::DeltaUnsigned => "delta-unsigned",
            Self::DeltaLongUnsigned => "delta-long-unsigned",
            Self::DeltaDoubleLongUnsigned => "delta-double-long-unsigned",
            Self::DontCare => "don't-care",
        }
    }

    /// What follows the tag.
    pub(super) const fn layout(self) -> Layout {
        match self {
            Self::Null | Self::DontCare => Layout::Fixed(0),
            Self::Boolean
            | Self::Bcd
            | Self::Integer
            | Self::Unsigned
            | Self::Enum
            | Self::DeltaInteger
            | Self::DeltaUnsigned => Layout::Fixed(1),
            Self::Long | Self::LongUnsigned | Self::DeltaLong | Self::DeltaLongUnsigned => {
                Layout::Fixed(2)
            }
            Self::DoubleLong
            | Self::DoubleLongUnsigned
            | Self::Float32
            | Self::Time
            | Self::DeltaDoubleLong
            | Self::DeltaDoubleLongUnsigned => Layout::Fixed(4),
            Self::Date => Layout::Fixed(5),
            Self::Long64 | Self::Long64Unsigned | Self::Float64 => Layout::Fixed(8),
            Self::DateTime => Layout::Fixed(12),
            Self::OctetString | Self::VisibleString | Self::Utf8String => Layout::Octets,
            Self::BitString => Layout::Bits,
            Self::Array | Self::Structure => Layout::Elements,
            Self::CompactArray => Layout::Compact,
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_names_one_type_and_back() {
        let known: std::vec::Vec<u8> =
            (0..=255).filter(|&tag| DataType::from_tag(tag).is_some()).collect();
        assert_eq!(known.len(), 31);
        for tag in known {
            assert_eq!(DataType::from_tag(tag).unwrap().tag(), tag);
        }
    }
}
