//! COSEM data as it lies in the octets: a borrowed view.

use super::{
    BitString, CompactArray, CompactArrayRules, DataBuf, DataType, Elements, RawData, Reader,
    Writer, raw::take_type,
};
use crate::{Malformed, MalformedKind};

/// A value of one of the types of IEC 62056-6-2 clause 4.1.5. It borrows the octets it was decoded
/// from; an array or structure is an iterator over its [`Elements`]. For an owned value see
/// [`DataBuf`].
///
/// ```
/// use dlms_core::axdr::{Data, Reader};
///
/// // structure of 2: integer -1, enum 30
/// let octets = [0x02, 0x02, 0x0f, 0xff, 0x16, 0x1e];
/// let data = Data::decode(&mut Reader::new(&octets))?;
/// let mut elements = data.as_structure().expect("a structure");
/// assert_eq!(elements.next(), Some(Ok(Data::Integer(-1))));
/// assert_eq!(elements.next(), Some(Ok(Data::Enum(30))));
/// assert_eq!(elements.next(), None);
/// # Ok::<(), dlms_core::Malformed>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Data<'a> {
    /// null-data
    Null,
    /// array: elements of one type
    Array(Elements<'a>),
    /// structure: elements of any types
    Structure(Elements<'a>),
    /// boolean
    Boolean(bool),
    /// bit-string
    BitString(BitString<'a>),
    /// double-long
    DoubleLong(i32),
    /// double-long-unsigned
    DoubleLongUnsigned(u32),
    /// octet-string
    OctetString(&'a [u8]),
    /// visible-string: ASCII by the standard, whatever octets in practice
    VisibleString(&'a [u8]),
    /// utf8-string: not checked to be UTF-8
    Utf8String(&'a [u8]),
    /// bcd: two decimal digits
    Bcd(u8),
    /// integer
    Integer(i8),
    /// long
    Long(i16),
    /// unsigned
    Unsigned(u8),
    /// long-unsigned
    LongUnsigned(u16),
    /// compact-array
    CompactArray(CompactArray<'a>),
    /// long64
    Long64(i64),
    /// long64-unsigned
    Long64Unsigned(u64),
    /// enum
    Enum(u8),
    /// float32
    Float32(f32),
    /// float64
    Float64(f64),
    /// date-time, read with [`DateTime`](crate::cosem::DateTime)
    DateTime([u8; 12]),
    /// date, read with [`Date`](crate::cosem::Date)
    Date([u8; 5]),
    /// time, read with [`Time`](crate::cosem::Time)
    Time([u8; 4]),
    /// delta-integer: difference to the same column of the row before
    DeltaInteger(i8),
    /// delta-long
    DeltaLong(i16),
    /// delta-double-long
    DeltaDoubleLong(i32),
    /// delta-unsigned
    DeltaUnsigned(u8),
    /// delta-long-unsigned
    DeltaLongUnsigned(u16),
    /// delta-double-long-unsigned
    DeltaDoubleLongUnsigned(u32),
    /// don't-care
    DontCare,
}

impl<'a> Data<'a> {
    /// Takes one value. An array or structure is walked once to find its end; nothing is allocated.
    ///
    /// # Errors
    /// Those of [`RawData::decode`]; the cursor then stays where it was.
    #[inline]
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let start = reader.clone();
        let data_type = take_type(reader)?;
        // Checked without taking it apart: moving a value twice costs more than decoding it.
        let data = Self::take_contents(data_type, reader);
        if data.is_err() {
            *reader = start;
        }
        data
    }

    /// Takes what follows the tag of a `data_type`.
    #[inline]
    pub(super) fn take_contents(
        data_type: DataType,
        reader: &mut Reader<'a>,
    ) -> Result<Self, Malformed> {
        Ok(match data_type {
            DataType::Null => Self::Null,
            DataType::Array => Self::Array(Elements::take_tagged(reader)?),
            DataType::Structure => Self::Structure(Elements::take_tagged(reader)?),
            DataType::Boolean => Self::Boolean(reader.boolean()?),
            DataType::BitString => Self::BitString(BitString::decode(reader)?),
            DataType::DoubleLong => Self::DoubleLong(reader.i32()?),
            DataType::DoubleLongUnsigned => Self::DoubleLongUnsigned(reader.u32()?),
            DataType::OctetString => Self::OctetString(reader.octet_string()?),
            DataType::VisibleString => Self::VisibleString(reader.octet_string()?),
            DataType::Utf8String => Self::Utf8String(reader.octet_string()?),
            DataType::Bcd => Self::Bcd(reader.u8()?),
            DataType::Integer => Self::Integer(reader.i8()?),
            DataType::Long => Self::Long(reader.i16()?),
            DataType::Unsigned => Self::Unsigned(reader.u8()?),
            DataType::LongUnsigned => Self::LongUnsigned(reader.u16()?),
            DataType::CompactArray => Self::CompactArray(CompactArray::decode(reader)?),
            DataType::Long64 => Self::Long64(reader.i64()?),
            DataType::Long64Unsigned => Self::Long64Unsigned(reader.u64()?),
            DataType::Enum => Self::Enum(reader.u8()?),
            DataType::Float32 => Self::Float32(f32::from_be_bytes(reader.array()?)),
            DataType::Float64 => Self::Float64(f64::from_be_bytes(reader.array()?)),
            DataType::DateTime => Self::DateTime(reader.array()?),
            DataType::Date => Self::Date(reader.array()?),
            DataType::Time => Self::Time(reader.array()?),
            DataType::DeltaInteger => Self::DeltaInteger(reader.i8()?),
            DataType::DeltaLong => Self::DeltaLong(reader.i16()?),
            DataType::DeltaDoubleLong => Self::DeltaDoubleLong(reader.i32()?),
            DataType::DeltaUnsigned => Self::DeltaUnsigned(reader.u8()?),
            DataType::DeltaLongUnsigned => Self::DeltaLongUnsigned(reader.u16()?),
            DataType::DeltaDoubleLongUnsigned => Self::DeltaDoubleLongUnsigned(reader.u32()?),
            DataType::DontCare => Self::DontCare,
        })
    }

    /// Appends the value, tag first. Elements of a compact-array are written as tagged values.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.u8(self.data_type().tag());
        self.encode_contents(writer);
    }

    /// Appends what follows the tag.
    pub(super) fn encode_contents(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Null | Self::DontCare => {}
            Self::Array(elements) | Self::Structure(elements) => elements.encode(writer),
            Self::Boolean(value) => writer.boolean(*value),
            Self::BitString(bits) => bits.encode(writer),
            Self::DoubleLong(value) | Self::DeltaDoubleLong(value) => {
                writer.octets(&value.to_be_bytes());
            }
            Self::DoubleLongUnsigned(value) | Self::DeltaDoubleLongUnsigned(value) => {
                writer.u32(*value);
            }
            Self::OctetString(octets) | Self::VisibleString(octets) | Self::Utf8String(octets) => {
                writer.octet_string(octets);
            }
            Self::Integer(value) | Self::DeltaInteger(value) => {
                writer.octets(&value.to_be_bytes());
            }
            Self::Long(value) | Self::DeltaLong(value) => writer.octets(&value.to_be_bytes()),
            Self::Bcd(value)
            | Self::Unsigned(value)
            | Self::Enum(value)
            | Self::DeltaUnsigned(value) => writer.u8(*value),
            Self::LongUnsigned(value) | Self::DeltaLongUnsigned(value) => writer.u16(*value),
            Self::CompactArray(array) => array.encode(writer),
            Self::Long64(value) => writer.octets(&value.to_be_bytes()),
            Self::Long64Unsigned(value) => writer.octets(&value.to_be_bytes()),
            Self::Float32(value) => writer.octets(&value.to_be_bytes()),
            Self::Float64(value) => writer.octets(&value.to_be_bytes()),
            Self::DateTime(octets) => writer.octets(octets),
            Self::Date(octets) => writer.octets(octets),
            Self::Time(octets) => writer.octets(octets),
        }
    }

    /// The type.
    pub const fn data_type(&self) -> DataType {
        match self {
            Self::Null => DataType::Null,
            Self::Array(_) => DataType::Array,
            Self::Structure(_) => DataType::Structure,
            Self::Boolean(_) => DataType::Boolean,
            Self::BitString(_) => DataType::BitString,
            Self::DoubleLong(_) => DataType::DoubleLong,
            Self::DoubleLongUnsigned(_) => DataType::DoubleLongUnsigned,
            Self::OctetString(_) => DataType::OctetString,
            Self::VisibleString(_) => DataType::VisibleString,
            Self::Utf8String(_) => DataType::Utf8String,
            Self::Bcd(_) => DataType::Bcd,
            Self::Integer(_) => DataType::Integer,
            Self::Long(_) => DataType::Long,
            Self::Unsigned(_) => DataType::Unsigned,
            Self::LongUnsigned(_) => DataType::LongUnsigned,
            Self::CompactArray(_) => DataType::CompactArray,
            Self::Long64(_) => DataType::Long64,
            Self::Long64Unsigned(_) => DataType::Long64Unsigned,
            Self::Enum(_) => DataType::Enum,
            Self::Float32(_) => DataType::Float32,
            Self::Float64(_) => DataType::Float64,
            Self::DateTime(_) => DataType::DateTime,
            Self::Date(_) => DataType::Date,
            Self::Time(_) => DataType::Time,
            Self::DeltaInteger(_) => DataType::DeltaInteger,
            Self::DeltaLong(_) => DataType::DeltaLong,
            Self::DeltaDoubleLong(_) => DataType::DeltaDoubleLong,
            Self::DeltaUnsigned(_) => DataType::DeltaUnsigned,
            Self::DeltaLongUnsigned(_) => DataType::DeltaLongUnsigned,
            Self::DeltaDoubleLongUnsigned(_) => DataType::DeltaDoubleLongUnsigned,
            Self::DontCare => DataType::DontCare,
        }
    }

    /// The name of the type as the standard spells it: `double-long-unsigned`.
    pub const fn type_name(&self) -> &'static str {
        self.data_type().name()
    }

    /// Whether this is null-data.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The elements of an array.
    pub fn as_array(&self) -> Option<Elements<'a>> {
        match self {
            Self::Array(elements) => Some(elements.clone()),
            _ => None,
        }
    }

    /// The elements of a structure.
    pub fn as_structure(&self) -> Option<Elements<'a>> {
        match self {
            Self::Structure(elements) => Some(elements.clone()),
            _ => None,
        }
    }

    /// The elements of an array, or those of a compact-array by `rules`.
    ///
    /// # Errors
    /// Those of [`CompactArray::elements_by`].
    pub fn as_elements(&self, rules: CompactArrayRules) -> Option<Result<Elements<'a>, Malformed>> {
        match self {
            Self::Array(elements) => Some(Ok(elements.clone())),
            Self::CompactArray(array) => Some(array.elements_by(rules)),
            _ => None,
        }
    }

    /// A boolean.
    pub const fn as_boolean(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// A bit-string.
    pub const fn as_bit_string(&self) -> Option<BitString<'a>> {
        match self {
            Self::BitString(bits) => Some(*bits),
            _ => None,
        }
    }

    /// The octets of an octet-string, visible-string or utf8-string: meters mix the three.
    pub const fn as_octets(&self) -> Option<&'a [u8]> {
        match self {
            Self::OctetString(octets) | Self::VisibleString(octets) | Self::Utf8String(octets) => {
                Some(octets)
            }
            _ => None,
        }
    }

    /// A visible-string or utf8-string that is UTF-8.
    pub fn as_text(&self) -> Option<&'a str> {
        match self {
            Self::VisibleString(octets) | Self::Utf8String(octets) => {
                core::str::from_utf8(octets).ok()
            }
            _ => None,
        }
    }

    /// The number of an enum.
    pub const fn as_enum(&self) -> Option<u8> {
        match self {
            Self::Enum(value) => Some(*value),
            _ => None,
        }
    }

    /// The value of any integer type, enum included. Deltas are differences, not values, and bcd
    /// is a pair of digits: neither counts as an integer.
    pub fn as_integer(&self) -> Option<i128> {
        Some(match *self {
            Self::Integer(value) => value.into(),
            Self::Long(value) => value.into(),
            Self::DoubleLong(value) => value.into(),
            Self::Long64(value) => value.into(),
            Self::Unsigned(value) | Self::Enum(value) => value.into(),
            Self::LongUnsigned(value) => value.into(),
            Self::DoubleLongUnsigned(value) => value.into(),
            Self::Long64Unsigned(value) => value.into(),
            _ => return None,
        })
    }

    /// The value of any integer type when it is not negative: meters often send a signed type
    /// where the standard has an unsigned one.
    pub fn as_unsigned(&self) -> Option<u64> {
        self.as_integer().and_then(|value| u64::try_from(value).ok())
    }

    /// The difference that a delta type carries.
    pub fn as_delta(&self) -> Option<i64> {
        Some(match *self {
            Self::DeltaInteger(value) => value.into(),
            Self::DeltaLong(value) => value.into(),
            Self::DeltaDoubleLong(value) => value.into(),
            Self::DeltaUnsigned(value) => value.into(),
            Self::DeltaLongUnsigned(value) => value.into(),
            Self::DeltaDoubleLongUnsigned(value) => value.into(),
            _ => return None,
        })
    }

    /// An owned copy. It takes memory in proportion to the octets present.
    ///
    /// # Errors
    /// Those of decoding the elements; [`MalformedKind::Length`] for more than
    /// [`DATA_BUF_VALUES_MAX`](super::DATA_BUF_VALUES_MAX) values, in which each array and
    /// structure counts for four more.
    pub fn to_buf(&self) -> Result<DataBuf, Malformed> {
        DataBuf::try_from(self)
    }
}

impl<'a> RawData<'a> {
    /// The value. Its extent is known, so it is not walked again.
    ///
    /// # Errors
    /// None that [`RawData::decode`] has not reported already.
    pub fn data(&self) -> Result<Data<'a>, Malformed> {
        let mut reader = Reader::new(self.octets());
        match take_type(&mut reader)? {
            DataType::Array => Elements::rest_tagged(reader).map(Data::Array),
            DataType::Structure => Elements::rest_tagged(reader).map(Data::Structure),
            data_type => Data::take_contents(data_type, &mut reader),
        }
    }

    /// The whole of `octets` as one value.
    ///
    /// # Errors
    /// Those of [`RawData::decode`]; [`MalformedKind::Trailing`] when octets are left over.
    pub fn from_octets(octets: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(octets);
        let raw = Self::decode(&mut reader)?;
        if reader.is_empty() { Ok(raw) } else { Err(reader.fail(MalformedKind::Trailing)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    // The value of a Kaifa-like push: structure of octet-string, long-unsigned, and a nested
    // structure of integer and enum.
    const NESTED: [u8; 19] = [
        0x02, 0x03, 0x09, 0x06, 1, 0, 32, 7, 0, 255, 0x12, 0x08, 0xfd, 0x02, 0x02, 0x0f, 0xff,
        0x16, 0x23,
    ];

    #[test]
    fn a_structure_is_browsed_element_by_element() {
        let data = Data::decode(&mut Reader::new(&NESTED)).unwrap();
        assert_eq!(data.type_name(), "structure");
        let mut fields = data.as_structure().unwrap();
        assert_eq!(fields.len(), 3);
        assert_eq!(fields.next(), Some(Ok(Data::OctetString(&[1, 0, 32, 7, 0, 255]))));
        assert_eq!(fields.next(), Some(Ok(Data::LongUnsigned(2301))));
        let scaler_unit = fields.next().unwrap().unwrap().as_structure().unwrap();
        assert_eq!(
            scaler_unit.collect::<Result<Vec<_>, _>>().unwrap(),
            [Data::Integer(-1), Data::Enum(35)]
        );
        assert!(fields.is_empty());
        assert_eq!(fields.next(), None);
    }

    #[test]
    fn an_error_names_the_octet_of_the_whole_input() {
        let mut octets = NESTED;
        octets[17] = 0x0b;
        let expected = Malformed::new(MalformedKind::UnknownTag(0x0b), 17);
        assert_eq!(Data::decode(&mut Reader::new(&octets)), Err(expected));
        assert_eq!(RawData::from_octets(&octets), Err(expected));
    }

    #[test]
    fn a_failed_decode_takes_nothing() {
        let mut reader = Reader::new(&[0x02, 0x01, 0x12, 0x00]);
        assert_eq!(Data::decode(&mut reader), Err(Malformed::new(MalformedKind::Truncated, 3)));
        assert_eq!(reader.offset(), 0);
    }

    #[test]
    fn integers_of_every_width_read_as_one_kind() {
        for (octets, value) in [
            (&[0x0f, 0xff][..], -1),
            (&[0x10, 0xff, 0xfe], -2),
            (&[0x05, 0xff, 0xff, 0xff, 0xfd], -3),
            (&[0x11, 0xff], 255),
            (&[0x12, 0xff, 0xff], 65_535),
            (&[0x06, 0xff, 0xff, 0xff, 0xff], 4_294_967_295),
            (&[0x15, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], i128::from(u64::MAX)),
            (&[0x16, 0x1b], 27),
        ] {
            let data = Data::decode(&mut Reader::new(octets)).unwrap();
            assert_eq!(data.as_integer(), Some(value));
            assert_eq!(data.as_unsigned(), u64::try_from(value).ok());
        }
        assert_eq!(Data::DeltaInteger(1).as_integer(), None);
        assert_eq!(Data::DeltaInteger(-1).as_delta(), Some(-1));
    }

    #[test]
    fn octets_after_a_value_are_left_over() {
        assert_eq!(
            RawData::from_octets(&[0x11, 0x01, 0x00]),
            Err(Malformed::new(MalformedKind::Trailing, 2))
        );
    }
}
