//! COSEM data that owns its octets.

use alloc::{borrow::ToOwned, string::String, vec::Vec};

use super::{BitString, CompactArrayBuf, Data, DataType, Elements, Reader, Writer};
use crate::{Malformed, MalformedKind};

/// Values in one owned value. A [`Data`] is read where it lies and knows no such limit; this is for
/// what stays, and a year of quarter hours with ten columns fits in. Reading more than that is a
/// matter of [`RowFeed`](crate::cosem::profile::RowFeed) and its like.
pub const DATA_BUF_VALUES_MAX: usize = 1 << 19;

/// What an array or structure costs by itself, in values: the least that its `Vec` takes.
const LIST_VALUES: usize = 4;

/// The owned twin of [`Data`]: for values to be sent, and for values that outlive their APDU.
///
/// ```
/// use dlms_core::axdr::{DataBuf, Writer};
///
/// let mut octets = Vec::new();
/// let scaler_unit = DataBuf::structure([DataBuf::Integer(-1), DataBuf::Enum(30)]);
/// scaler_unit.encode(&mut Writer::new(&mut octets));
/// assert_eq!(octets, [0x02, 0x02, 0x0f, 0xff, 0x16, 0x1e]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum DataBuf {
    /// null-data
    Null,
    /// array: elements of one type
    Array(Vec<Self>),
    /// structure: elements of any types
    Structure(Vec<Self>),
    /// boolean
    Boolean(bool),
    /// bit-string
    BitString(BitStringBuf),
    /// double-long
    DoubleLong(i32),
    /// double-long-unsigned
    DoubleLongUnsigned(u32),
    /// octet-string
    OctetString(Vec<u8>),
    /// visible-string
    VisibleString(Vec<u8>),
    /// utf8-string
    Utf8String(Vec<u8>),
    /// bcd
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
    CompactArray(CompactArrayBuf),
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
    /// date-time
    DateTime([u8; 12]),
    /// date
    Date([u8; 5]),
    /// time
    Time([u8; 4]),
    /// delta-integer
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

/// The owned twin of [`BitString`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BitStringBuf {
    octets: Vec<u8>,
    len: usize,
}

impl BitStringBuf {
    /// The bits from the left; unused bits of the last octet are zero.
    pub fn from_bits(bits: impl IntoIterator<Item = bool>) -> Self {
        let mut octets = Vec::new();
        let mut len = 0_usize;
        let mut mask = 0_u8;
        for bit in bits {
            if mask == 0 {
                octets.push(0);
                mask = 0x80;
            }
            if let (true, Some(last)) = (bit, octets.last_mut()) {
                *last |= mask;
            }
            mask >>= 1;
            len = len.saturating_add(1);
        }
        Self { octets, len }
    }

    /// The borrowed view.
    pub fn view(&self) -> BitString<'_> {
        BitString::new(&self.octets, self.len).unwrap_or(BitString::EMPTY)
    }
}

impl From<BitString<'_>> for BitStringBuf {
    fn from(bits: BitString<'_>) -> Self {
        Self { octets: bits.octets().to_vec(), len: bits.len() }
    }
}

impl DataBuf {
    /// A structure of `elements`.
    pub fn structure(elements: impl IntoIterator<Item = Self>) -> Self {
        Self::Structure(elements.into_iter().collect())
    }

    /// An array of `elements`, which should be of one type.
    pub fn array(elements: impl IntoIterator<Item = Self>) -> Self {
        Self::Array(elements.into_iter().collect())
    }

    /// An octet-string of `octets`.
    pub fn octet_string(octets: impl Into<Vec<u8>>) -> Self {
        Self::OctetString(octets.into())
    }

    /// A visible-string of `text`.
    pub fn visible_string(text: impl Into<String>) -> Self {
        Self::VisibleString(text.into().into_bytes())
    }

    /// Takes one value.
    ///
    /// # Errors
    /// Those of [`Data::decode`]; the cursor then stays where it was.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut ahead = reader.clone();
        let data = Data::decode(&mut ahead)?.to_buf()?;
        *reader = ahead;
        Ok(data)
    }

    /// Appends the value, tag first.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.u8(self.data_type().tag());
        self.encode_contents(writer);
    }

    /// Appends what follows the tag.
    pub(super) fn encode_contents(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Array(elements) | Self::Structure(elements) => {
                writer.length(elements.len());
                elements.iter().for_each(|element| element.encode(writer));
            }
            other => other.scalar().encode_contents(writer),
        }
    }

    /// The encoded value.
    pub fn to_octets(&self) -> Vec<u8> {
        let mut octets = Vec::new();
        self.encode(&mut Writer::new(&mut octets));
        octets
    }

    /// The type.
    pub fn data_type(&self) -> DataType {
        match self {
            Self::Array(_) => DataType::Array,
            Self::Structure(_) => DataType::Structure,
            other => other.scalar().data_type(),
        }
    }

    /// The name of the type as the standard spells it.
    pub fn type_name(&self) -> &'static str {
        self.data_type().name()
    }

    /// An integer and `delta`, in the same type. `None` for what is no integer, and when the sum is
    /// out of range.
    pub fn checked_add(&self, delta: i64) -> Option<Self> {
        let sum = self.scalar().as_integer()?.checked_add(delta.into())?;
        Some(match self {
            Self::Integer(_) => Self::Integer(sum.try_into().ok()?),
            Self::Long(_) => Self::Long(sum.try_into().ok()?),
            Self::DoubleLong(_) => Self::DoubleLong(sum.try_into().ok()?),
            Self::Long64(_) => Self::Long64(sum.try_into().ok()?),
            Self::Unsigned(_) => Self::Unsigned(sum.try_into().ok()?),
            Self::LongUnsigned(_) => Self::LongUnsigned(sum.try_into().ok()?),
            Self::DoubleLongUnsigned(_) => Self::DoubleLongUnsigned(sum.try_into().ok()?),
            Self::Long64Unsigned(_) => Self::Long64Unsigned(sum.try_into().ok()?),
            _ => return None,
        })
    }

    /// The borrowed view of a value that has no elements of its own. Arrays and structures, which
    /// no caller passes, would need encoded octets to borrow from: they come out as null-data.
    fn scalar(&self) -> Data<'_> {
        match self {
            Self::Null | Self::Array(_) | Self::Structure(_) => Data::Null,
            Self::Boolean(value) => Data::Boolean(*value),
            Self::BitString(bits) => Data::BitString(bits.view()),
            Self::DoubleLong(value) => Data::DoubleLong(*value),
            Self::DoubleLongUnsigned(value) => Data::DoubleLongUnsigned(*value),
            Self::OctetString(octets) => Data::OctetString(octets),
            Self::VisibleString(octets) => Data::VisibleString(octets),
            Self::Utf8String(octets) => Data::Utf8String(octets),
            Self::Bcd(value) => Data::Bcd(*value),
            Self::Integer(value) => Data::Integer(*value),
            Self::Long(value) => Data::Long(*value),
            Self::Unsigned(value) => Data::Unsigned(*value),
            Self::LongUnsigned(value) => Data::LongUnsigned(*value),
            Self::CompactArray(array) => Data::CompactArray(array.view()),
            Self::Long64(value) => Data::Long64(*value),
            Self::Long64Unsigned(value) => Data::Long64Unsigned(*value),
            Self::Enum(value) => Data::Enum(*value),
            Self::Float32(value) => Data::Float32(*value),
            Self::Float64(value) => Data::Float64(*value),
            Self::DateTime(octets) => Data::DateTime(*octets),
            Self::Date(octets) => Data::Date(*octets),
            Self::Time(octets) => Data::Time(*octets),
            Self::DeltaInteger(value) => Data::DeltaInteger(*value),
            Self::DeltaLong(value) => Data::DeltaLong(*value),
            Self::DeltaDoubleLong(value) => Data::DeltaDoubleLong(*value),
            Self::DeltaUnsigned(value) => Data::DeltaUnsigned(*value),
            Self::DeltaLongUnsigned(value) => Data::DeltaLongUnsigned(*value),
            Self::DeltaDoubleLongUnsigned(value) => Data::DeltaDoubleLongUnsigned(*value),
            Self::DontCare => Data::DontCare,
        }
    }
}

impl TryFrom<&Data<'_>> for DataBuf {
    type Error = Malformed;

    /// # Errors
    /// As those of [`Data::to_buf`].
    fn try_from(data: &Data<'_>) -> Result<Self, Malformed> {
        Self::owned(data, &mut { DATA_BUF_VALUES_MAX })
    }
}

impl DataBuf {
    /// An owned copy, of no more than `left` values, of which it takes what it has.
    fn owned(data: &Data<'_>, left: &mut usize) -> Result<Self, Malformed> {
        Ok(match data {
            Data::Null => Self::Null,
            Data::Array(elements) => Self::Array(collect(elements, left)?),
            Data::Structure(elements) => Self::Structure(collect(elements, left)?),
            Data::Boolean(value) => Self::Boolean(*value),
            Data::BitString(bits) => Self::BitString((*bits).into()),
            Data::DoubleLong(value) => Self::DoubleLong(*value),
            Data::DoubleLongUnsigned(value) => Self::DoubleLongUnsigned(*value),
            Data::OctetString(octets) => Self::OctetString((*octets).to_owned()),
            Data::VisibleString(octets) => Self::VisibleString((*octets).to_owned()),
            Data::Utf8String(octets) => Self::Utf8String((*octets).to_owned()),
            Data::Bcd(value) => Self::Bcd(*value),
            Data::Integer(value) => Self::Integer(*value),
            Data::Long(value) => Self::Long(*value),
            Data::Unsigned(value) => Self::Unsigned(*value),
            Data::LongUnsigned(value) => Self::LongUnsigned(*value),
            Data::CompactArray(array) => Self::CompactArray(array.to_buf()),
            Data::Long64(value) => Self::Long64(*value),
            Data::Long64Unsigned(value) => Self::Long64Unsigned(*value),
            Data::Enum(value) => Self::Enum(*value),
            Data::Float32(value) => Self::Float32(*value),
            Data::Float64(value) => Self::Float64(*value),
            Data::DateTime(octets) => Self::DateTime(*octets),
            Data::Date(octets) => Self::Date(*octets),
            Data::Time(octets) => Self::Time(*octets),
            Data::DeltaInteger(value) => Self::DeltaInteger(*value),
            Data::DeltaLong(value) => Self::DeltaLong(*value),
            Data::DeltaDoubleLong(value) => Self::DeltaDoubleLong(*value),
            Data::DeltaUnsigned(value) => Self::DeltaUnsigned(*value),
            Data::DeltaLongUnsigned(value) => Self::DeltaLongUnsigned(*value),
            Data::DeltaDoubleLongUnsigned(value) => Self::DeltaDoubleLongUnsigned(*value),
            Data::DontCare => Self::DontCare,
        })
    }
}

/// Grows with what is there, not with the announced count.
fn collect(elements: &Elements<'_>, left: &mut usize) -> Result<Vec<DataBuf>, Malformed> {
    let too_many = Malformed::new(MalformedKind::Length, elements.offset());
    let taken = elements.len().saturating_add(LIST_VALUES);
    *left = left.checked_sub(taken).ok_or(too_many)?;
    elements.clone().map(|element| DataBuf::owned(&element?, left)).collect()
}

macro_rules! from_value {
    ($($value:ty => $variant:ident),* $(,)?) => {
        $(
            impl From<$value> for DataBuf {
                fn from(value: $value) -> Self {
                    Self::$variant(value)
                }
            }
        )*
    };
}

from_value! {
    bool => Boolean,
    i8 => Integer,
    i16 => Long,
    i32 => DoubleLong,
    i64 => Long64,
    u8 => Unsigned,
    u16 => LongUnsigned,
    u32 => DoubleLongUnsigned,
    u64 => Long64Unsigned,
    CompactArrayBuf => CompactArray,
    BitStringBuf => BitString,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        MalformedKind,
        axdr::{CompactArrayRules, RawData},
    };
    use alloc::vec;
    use proptest::{collection, prelude::*};

    fn scalar() -> impl Strategy<Value = DataBuf> {
        prop_oneof![
            Just(DataBuf::Null),
            Just(DataBuf::DontCare),
            any::<bool>().prop_map(DataBuf::Boolean),
            collection::vec(any::<bool>(), 0..40)
                .prop_map(|bits| DataBuf::BitString(BitStringBuf::from_bits(bits))),
            any::<i32>().prop_map(DataBuf::DoubleLong),
            any::<u32>().prop_map(DataBuf::DoubleLongUnsigned),
            collection::vec(any::<u8>(), 0..300).prop_map(DataBuf::OctetString),
            collection::vec(any::<u8>(), 0..20).prop_map(DataBuf::VisibleString),
            collection::vec(any::<u8>(), 0..20).prop_map(DataBuf::Utf8String),
            any::<u8>().prop_map(DataBuf::Bcd),
            any::<i8>().prop_map(DataBuf::Integer),
            any::<i16>().prop_map(DataBuf::Long),
            any::<u8>().prop_map(DataBuf::Unsigned),
            any::<u16>().prop_map(DataBuf::LongUnsigned),
            any::<i64>().prop_map(DataBuf::Long64),
            any::<u64>().prop_map(DataBuf::Long64Unsigned),
            any::<u8>().prop_map(DataBuf::Enum),
            any::<f32>().prop_map(DataBuf::Float32),
            any::<f64>().prop_map(DataBuf::Float64),
            any::<[u8; 12]>().prop_map(DataBuf::DateTime),
            any::<[u8; 5]>().prop_map(DataBuf::Date),
            any::<[u8; 4]>().prop_map(DataBuf::Time),
            any::<i8>().prop_map(DataBuf::DeltaInteger),
            any::<i16>().prop_map(DataBuf::DeltaLong),
            any::<i32>().prop_map(DataBuf::DeltaDoubleLong),
            any::<u8>().prop_map(DataBuf::DeltaUnsigned),
            any::<u16>().prop_map(DataBuf::DeltaLongUnsigned),
            any::<u32>().prop_map(DataBuf::DeltaDoubleLongUnsigned),
            collection::vec(any::<(u16, u32)>(), 1..10).prop_map(|rows| {
                let rows: Vec<DataBuf> = rows
                    .into_iter()
                    .map(|(a, b)| DataBuf::structure([a.into(), b.into()]))
                    .collect();
                CompactArrayBuf::from_elements(&rows, CompactArrayRules::Standard).unwrap().into()
            }),
        ]
    }

    fn value() -> impl Strategy<Value = DataBuf> {
        scalar().prop_recursive(6, 64, 10, |element| {
            prop_oneof![
                collection::vec(element.clone(), 0..10).prop_map(DataBuf::Array),
                collection::vec(element, 0..10).prop_map(DataBuf::Structure),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_again(value in value()) {
            let octets = value.to_octets();
            let mut reader = Reader::new(&octets);
            prop_assert_eq!(DataBuf::decode(&mut reader), Ok(value));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn a_borrowed_view_writes_the_octets_it_was_read_from(value in value()) {
            let octets = value.to_octets();
            let raw = RawData::from_octets(&octets).unwrap();
            for data in [Data::decode(&mut Reader::new(&octets)), raw.data()] {
                let mut out = Vec::new();
                data.unwrap().encode(&mut Writer::new(&mut out));
                prop_assert_eq!(&out, &octets);
            }
        }

        #[test]
        fn a_value_cut_anywhere_is_truncated(value in value()) {
            let octets = value.to_octets();
            for cut in 0..octets.len() {
                let error = Data::decode(&mut Reader::new(&octets[..cut])).unwrap_err();
                prop_assert_eq!(error.kind, MalformedKind::Truncated);
            }
        }

        #[test]
        fn any_octets_decode_alike_whether_walked_viewed_or_owned(
            octets in collection::vec(prop_oneof![0_u8..34, any::<u8>()], 0..60),
        ) {
            let walked = RawData::decode(&mut Reader::new(&octets));
            let viewed = Data::decode(&mut Reader::new(&octets));
            let owned = DataBuf::decode(&mut Reader::new(&octets));
            prop_assert_eq!(walked.is_ok(), viewed.is_ok());
            prop_assert_eq!(walked.is_ok(), owned.is_ok());
            if let (Ok(raw), Ok(owned)) = (walked, owned) {
                // Compared as octets: a float may be not-a-number.
                prop_assert_eq!(
                    raw.data().unwrap().to_buf().unwrap().to_octets(),
                    owned.to_octets()
                );
            }
        }
    }

    #[test]
    fn bits_are_packed_from_the_left() {
        let bits =
            BitStringBuf::from_bits([true, false, false, false, false, false, false, false, true]);
        assert_eq!(DataBuf::from(bits).to_octets(), [0x04, 0x09, 0x80, 0x80]);
    }

    #[test]
    fn a_value_of_too_many_values_is_not_copied() {
        let values = |count: usize| {
            let mut octets = vec![0x01, 0x84];
            octets.extend(u32::try_from(count).unwrap().to_be_bytes());
            octets.resize(octets.len() + count, 0x00);
            octets
        };
        let copied = |octets: &[u8]| {
            let raw = RawData::from_octets(octets).unwrap();
            raw.data().unwrap().to_buf().map(|_| ())
        };
        let most = DATA_BUF_VALUES_MAX - LIST_VALUES;
        assert_eq!(copied(&values(most)), Ok(()));
        let refused = copied(&values(most + 1)).map_err(|malformed| malformed.kind);
        assert_eq!(refused, Err(MalformedKind::Length));
    }
}
