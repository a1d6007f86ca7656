//! Compact arrays: the type of the elements is described once, the contents have no tags
//! (IEC 62056-6-2 clause 4.1.5; `TypeDescription` in the COSEM PDU module of IEC 62056-5-3).
//!
//! ```text
//! 13  02 02 12 06          structure of long-unsigned, double-long-unsigned
//!     0c                   12 octets of contents: two elements of 6
//!     0001 00000010
//!     0002 00000020
//! ```
//! The number of elements is not written anywhere: it follows from the length of the contents.

use alloc::vec::Vec;

use super::{
    Data, DataBuf, DataType, Elements, Reader, Writer,
    data_type::Layout,
    raw::{skip_contents, skip_description, take_type},
};
use crate::{Malformed, MalformedKind};

/// How many values an element may have for each octet it takes at least. null-data and structures
/// take none, so without a bound a few octets of contents could describe millions of values. Real
/// elements have less than one value an octet.
pub const COMPACT_ARRAY_VALUES_PER_OCTET_MAX: usize = 8;

/// How an array inside an element is written in the contents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CompactArrayRules {
    /// Its count stands in the type description only: the standard.
    #[default]
    Standard,
    /// Its count stands in the contents, before its elements, and that one is used: what some
    /// widespread stacks write.
    CountInContents,
}

/// The type of the elements of a compact-array: octets that were walked but not taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TypeDescription<'a>(&'a [u8]);

impl<'a> TypeDescription<'a> {
    /// Takes one type description.
    ///
    /// # Errors
    /// Truncation, an unknown tag, nesting beyond [`NESTING_MAX`](super::NESTING_MAX).
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        // A compact-array is one level of nesting itself.
        reader.spanned(|reader| skip_description(reader, 1)).map(|((), octets)| Self(octets))
    }

    /// Appends the octets.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.octets(self.0);
    }

    /// The octets.
    pub const fn octets(&self) -> &'a [u8] {
        self.0
    }

    /// Whether elements of this type take octets enough to be walked: see
    /// [`CompactArray::elements_by`].
    pub(crate) fn check(&self, rules: CompactArrayRules) -> Result<(), Malformed> {
        if measure(&mut Reader::new(self.0), rules)?.is_bounded() {
            Ok(())
        } else {
            Err(Malformed::new(MalformedKind::Value, 0))
        }
    }

    /// Takes one untagged element of this type, which was [checked](Self::check).
    pub(crate) fn take_element(
        &self,
        contents: &mut Reader<'a>,
        rules: CompactArrayRules,
    ) -> Result<Data<'a>, Malformed> {
        let mut ahead = contents.clone();
        let element = take_described(&mut Reader::new(self.0), &mut ahead, rules)?;
        *contents = ahead;
        Ok(element)
    }

    /// The outermost type.
    pub fn data_type(&self) -> DataType {
        self.0.first().and_then(|tag| DataType::from_tag(*tag)).unwrap_or(DataType::Null)
    }
}

/// A compact-array: a type description and contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CompactArray<'a> {
    description: TypeDescription<'a>,
    contents: &'a [u8],
}

impl<'a> CompactArray<'a> {
    /// Takes a type description and an octet string with the contents. The contents are not
    /// looked at: see [`elements`](Self::elements).
    ///
    /// # Errors
    /// Those of [`TypeDescription::decode`]; truncation.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut ahead = reader.clone();
        let description = TypeDescription::decode(&mut ahead)?;
        let contents = ahead.octet_string()?;
        *reader = ahead;
        Ok(Self { description, contents })
    }

    /// Appends the type description and the contents as they came.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        self.description.encode(writer);
        writer.octet_string(self.contents);
    }

    /// The type of the elements.
    pub const fn description(&self) -> TypeDescription<'a> {
        self.description
    }

    /// The octets of all elements, without tags.
    pub const fn contents(&self) -> &'a [u8] {
        self.contents
    }

    /// The elements by the rules of the standard.
    ///
    /// # Errors
    /// As [`elements_by`](Self::elements_by).
    pub fn elements(&self) -> Result<Elements<'a>, Malformed> {
        self.elements_by(CompactArrayRules::Standard)
    }

    /// The elements by `rules`. The contents are walked once to count them; nothing is allocated.
    ///
    /// # Errors
    /// Offsets count from the start of the contents. [`MalformedKind::Truncated`] when the
    /// contents end inside an element; [`MalformedKind::Value`] when the elements take no octets,
    /// or have more than [`COMPACT_ARRAY_VALUES_PER_OCTET_MAX`] values an octet.
    pub fn elements_by(&self, rules: CompactArrayRules) -> Result<Elements<'a>, Malformed> {
        self.description.check(rules)?;
        let element = self.description.0;
        let mut reader = Reader::new(self.contents);
        let mut count = 0_usize;
        while !reader.is_empty() {
            skip_described(&mut Reader::new(element), &mut reader, rules)?;
            count = count.saturating_add(1);
        }
        Ok(Elements::rest_repeated(Reader::new(self.contents), element, count, rules))
    }

    /// An owned copy.
    pub fn to_buf(&self) -> CompactArrayBuf {
        CompactArrayBuf {
            description: self.description.0.to_vec(),
            contents: self.contents.to_vec(),
        }
    }
}

/// An owned compact-array.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CompactArrayBuf {
    description: Vec<u8>,
    contents: Vec<u8>,
}

/// The values are not of one and the same type, or not of one that a compact-array can have: there
/// is none, an array among them is empty, or an element would take no octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("values that have no common type for a compact-array")]
pub struct NotUniform;

impl CompactArrayBuf {
    /// Packs values of one type.
    ///
    /// # Errors
    /// [`NotUniform`] when the values cannot be the elements of one compact-array.
    pub fn from_elements(
        elements: &[DataBuf],
        rules: CompactArrayRules,
    ) -> Result<Self, NotUniform> {
        let description = common_description(elements)?;
        TypeDescription(&description).check(rules).map_err(|_| NotUniform)?;
        let mut contents = Vec::new();
        let mut writer = Writer::new(&mut contents);
        elements.iter().for_each(|element| encode_described(element, &mut writer, rules));
        Ok(Self { description, contents })
    }

    /// The borrowed view.
    pub fn view(&self) -> CompactArray<'_> {
        CompactArray { description: TypeDescription(&self.description), contents: &self.contents }
    }
}

/// What an element takes at least.
struct Measure {
    octets: usize,
    values: usize,
}

impl Measure {
    const fn is_bounded(&self) -> bool {
        self.octets > 0
            && self.values <= self.octets.saturating_mul(COMPACT_ARRAY_VALUES_PER_OCTET_MAX)
    }
}

/// The measure of the next type in `types`. The elements of a nested array must be bounded by
/// themselves, so that walking them ends when the contents do.
fn measure(types: &mut Reader<'_>, rules: CompactArrayRules) -> Result<Measure, Malformed> {
    match take_type(types)? {
        DataType::Array => {
            let count = usize::from(types.u16()?);
            let element = measure(types, rules)?;
            if !element.is_bounded() {
                return Err(Malformed::new(MalformedKind::Value, 0));
            }
            Ok(match rules {
                CompactArrayRules::Standard => Measure {
                    octets: element.octets.saturating_mul(count),
                    values: element.values.saturating_mul(count).saturating_add(1),
                },
                CompactArrayRules::CountInContents => Measure { octets: 1, values: 1 },
            })
        }
        DataType::Structure => {
            let mut whole = Measure { octets: 0, values: 1 };
            for _ in 0..types.length()? {
                let member = measure(types, rules)?;
                whole.octets = whole.octets.saturating_add(member.octets);
                whole.values = whole.values.saturating_add(member.values);
            }
            Ok(whole)
        }
        scalar => Ok(Measure {
            octets: match scalar.layout() {
                Layout::Fixed(count) => count,
                // A length at least.
                Layout::Octets | Layout::Bits | Layout::Elements | Layout::Compact => 1,
            },
            values: 1,
        }),
    }
}

/// Passes over one untagged value of the next type in `types`.
pub(super) fn skip_described(
    types: &mut Reader<'_>,
    contents: &mut Reader<'_>,
    rules: CompactArrayRules,
) -> Result<(), Malformed> {
    match take_type(types)? {
        DataType::Array => {
            let (count, element) = take_array_type(types, contents, rules)?;
            for _ in 0..count {
                skip_described(&mut Reader::new(element), contents, rules)?;
            }
            Ok(())
        }
        DataType::Structure => {
            for _ in 0..types.length()? {
                skip_described(types, contents, rules)?;
            }
            Ok(())
        }
        scalar => skip_contents(scalar, contents, 0),
    }
}

/// Takes one untagged value of the next type in `types`.
pub(super) fn take_described<'a>(
    types: &mut Reader<'a>,
    contents: &mut Reader<'a>,
    rules: CompactArrayRules,
) -> Result<Data<'a>, Malformed> {
    match take_type(types)? {
        DataType::Array => {
            let (count, element) = take_array_type(types, contents, rules)?;
            Elements::take_repeated(contents, element, count, rules).map(Data::Array)
        }
        DataType::Structure => {
            let count = types.length()?;
            let ((), members) = types.spanned(|types| {
                for _ in 0..count {
                    skip_description(types, 0)?;
                }
                Ok(())
            })?;
            Elements::take_members(contents, members, count, rules).map(Data::Structure)
        }
        scalar => Data::take_contents(scalar, contents),
    }
}

/// The count of an array and the type of its elements.
fn take_array_type<'a>(
    types: &mut Reader<'a>,
    contents: &mut Reader<'_>,
    rules: CompactArrayRules,
) -> Result<(usize, &'a [u8]), Malformed> {
    let described = usize::from(types.u16()?);
    let ((), element) = types.spanned(|types| skip_description(types, 0))?;
    let count = match rules {
        CompactArrayRules::Standard => described,
        CompactArrayRules::CountInContents => contents.length()?,
    };
    Ok((count, element))
}

/// The type description that all `elements` share.
fn common_description(elements: &[DataBuf]) -> Result<Vec<u8>, NotUniform> {
    let mut elements = elements.iter().map(describe);
    let first = elements.next().ok_or(NotUniform)??;
    for other in elements {
        if other? != first {
            return Err(NotUniform);
        }
    }
    Ok(first)
}

fn describe(value: &DataBuf) -> Result<Vec<u8>, NotUniform> {
    let mut description = Vec::new();
    let mut writer = Writer::new(&mut description);
    writer.u8(value.data_type().tag());
    match value {
        DataBuf::Array(elements) => {
            writer.u16(u16::try_from(elements.len()).map_err(|_| NotUniform)?);
            writer.octets(&common_description(elements)?);
        }
        DataBuf::Structure(members) => {
            writer.length(members.len());
            for member in members {
                writer.octets(&describe(member)?);
            }
        }
        DataBuf::CompactArray(_) => return Err(NotUniform),
        _ => {}
    }
    Ok(description)
}

fn encode_described(value: &DataBuf, writer: &mut Writer<'_>, rules: CompactArrayRules) {
    match value {
        DataBuf::Array(elements) => {
            if rules == CompactArrayRules::CountInContents {
                writer.length(elements.len());
            }
            elements.iter().for_each(|element| encode_described(element, writer, rules));
        }
        DataBuf::Structure(members) => {
            members.iter().for_each(|member| encode_described(member, writer, rules));
        }
        scalar => scalar.encode_contents(writer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(octets: &[u8]) -> CompactArray<'_> {
        match Data::decode(&mut Reader::new(octets)).unwrap() {
            Data::CompactArray(array) => array,
            other => panic!("{}", other.type_name()),
        }
    }

    fn elements(octets: &[u8], rules: CompactArrayRules) -> Result<Vec<DataBuf>, Malformed> {
        decode(octets).elements_by(rules)?.map(|element| element?.to_buf()).collect()
    }

    fn packed(values: &[DataBuf], rules: CompactArrayRules) -> Vec<u8> {
        DataBuf::from(CompactArrayBuf::from_elements(values, rules).unwrap()).to_octets()
    }

    #[test]
    fn scalars_are_packed_without_tags() {
        // long-unsigned; 6 octets
        let octets = [0x13, 0x12, 0x06, 0x00, 0x01, 0x00, 0x02, 0x00, 0x03];
        let values = [1_u16, 2, 3].map(DataBuf::from);
        assert_eq!(elements(&octets, CompactArrayRules::Standard).unwrap(), values);
        assert_eq!(packed(&values, CompactArrayRules::Standard), octets);
        assert_eq!(decode(&octets).elements().unwrap().len(), 3);
    }

    #[test]
    fn strings_keep_their_length_in_the_contents() {
        // structure of octet-string, bit-string; 8 octets
        let octets =
            [0x13, 0x02, 0x02, 0x09, 0x04, 0x08, 0x02, 0xaa, 0xbb, 0x03, 0xa0, 0x00, 0x01, 0x80];
        let mut rows = decode(&octets).elements().unwrap();
        assert_eq!(rows.len(), 2);
        let mut first = rows.next().unwrap().unwrap().as_structure().unwrap();
        assert_eq!(first.next(), Some(Ok(Data::OctetString(&[0xaa, 0xbb]))));
        assert_eq!(first.next().unwrap().unwrap().as_bit_string().unwrap().len(), 3);
        let mut second = rows.next().unwrap().unwrap().as_structure().unwrap();
        assert_eq!(second.next(), Some(Ok(Data::OctetString(&[]))));
        assert_eq!(second.next().unwrap().unwrap().as_bit_string().unwrap().bit(0), Some(true));
        assert_eq!(rows.next(), None);
    }

    #[test]
    fn an_array_in_the_element_has_its_count_in_the_description() {
        // structure of unsigned, array of 2 long; twice 5 octets
        let octets = [
            0x13, 0x02, 0x02, 0x11, 0x01, 0x00, 0x02, 0x10, 0x0a, // description and length
            0x07, 0x00, 0x01, 0xff, 0xff, //
            0x08, 0x00, 0x02, 0xff, 0xfe,
        ];
        let row = |id: u8, a: i16, b: i16| {
            DataBuf::structure([id.into(), DataBuf::array([a.into(), b.into()])])
        };
        let values = [row(7, 1, -1), row(8, 2, -2)];
        assert_eq!(elements(&octets, CompactArrayRules::Standard).unwrap(), values);
        assert_eq!(packed(&values, CompactArrayRules::Standard), octets);
    }

    #[test]
    fn the_other_rules_repeat_that_count_in_the_contents() {
        let octets = [
            0x13, 0x02, 0x02, 0x11, 0x01, 0x00, 0x02, 0x10, 0x06, 0x07, 0x02, 0x00, 0x01, 0xff,
            0xff,
        ];
        let values =
            [DataBuf::structure([7_u8.into(), DataBuf::array([1_i16.into(), (-1_i16).into()])])];
        assert_eq!(elements(&octets, CompactArrayRules::CountInContents).unwrap(), values);
        assert_eq!(packed(&values, CompactArrayRules::CountInContents), octets);
        // By the standard the same contents end inside the second element.
        assert_eq!(
            elements(&octets, CompactArrayRules::Standard).unwrap_err().kind,
            MalformedKind::Truncated
        );
    }

    #[test]
    fn an_array_may_be_the_outermost_type() {
        // array of 2 unsigned; 4 octets
        let octets = [0x13, 0x01, 0x00, 0x02, 0x11, 0x04, 0x01, 0x02, 0x03, 0x04];
        let pair = |a: u8, b: u8| DataBuf::array([a.into(), b.into()]);
        assert_eq!(
            elements(&octets, CompactArrayRules::Standard).unwrap(),
            [pair(1, 2), pair(3, 4)]
        );
    }

    #[test]
    fn elements_without_octets_are_refused() {
        for octets in [
            &[0x13, 0x00, 0x01, 0x00][..],               // null-data
            &[0x13, 0x02, 0x00, 0x01, 0x00],             // empty structure
            &[0x13, 0x02, 0x02, 0x00, 0xff, 0x01, 0x00], // structure of null-data, don't-care
            &[0x13, 0x01, 0x00, 0x00, 0x11, 0x01, 0x00], // array of none
            &[0x13, 0x01, 0xff, 0xff, 0x00, 0x01, 0x00], // array of 65,535 null-data
        ] {
            let error = elements(octets, CompactArrayRules::Standard).unwrap_err();
            assert_eq!(error.kind, MalformedKind::Value, "{octets:02x?}");
        }
    }

    #[test]
    fn a_few_octets_cannot_describe_millions_of_values() {
        // structure of unsigned and array of 65,535 arrays of 65,535 null-data: one octet each
        let bomb =
            [0x13, 0x02, 0x02, 0x11, 0x01, 0xff, 0xff, 0x01, 0xff, 0xff, 0x00, 0x02, 0x01, 0x02];
        for rules in [CompactArrayRules::Standard, CompactArrayRules::CountInContents] {
            assert_eq!(elements(&bomb, rules).unwrap_err().kind, MalformedKind::Value);
        }
        // structure of unsigned and 200 null-data
        let mut wide = std::vec![0x13, 0x02, 0x81, 0xc9, 0x11];
        wide.extend([0x00; 200]);
        wide.extend([0x02, 0x01, 0x02]);
        assert_eq!(
            elements(&wide, CompactArrayRules::Standard).unwrap_err().kind,
            MalformedKind::Value
        );
    }

    #[test]
    fn contents_that_end_inside_an_element_are_truncated() {
        let octets = [0x13, 0x12, 0x03, 0x00, 0x01, 0x00];
        assert_eq!(
            elements(&octets, CompactArrayRules::Standard),
            Err(Malformed::new(MalformedKind::Truncated, 2))
        );
    }

    #[test]
    fn values_of_two_types_do_not_pack() {
        for values in [
            &[1_u8.into(), 1_u16.into()][..],
            &[],
            &[DataBuf::Null],
            &[DataBuf::array([])],
            &[DataBuf::array([1_u8.into()]), DataBuf::array([1_u8.into(), 2_u8.into()])],
        ] {
            assert_eq!(
                CompactArrayBuf::from_elements(values, CompactArrayRules::Standard),
                Err(NotUniform)
            );
        }
    }

    #[test]
    fn an_element_is_written_again_with_its_tags() {
        let octets = [0x13, 0x02, 0x02, 0x12, 0x11, 0x03, 0x00, 0x01, 0x02];
        let element = decode(&octets).elements().unwrap().next().unwrap().unwrap();
        let mut out = Vec::new();
        element.encode(&mut Writer::new(&mut out));
        assert_eq!(out, [0x02, 0x02, 0x12, 0x00, 0x01, 0x11, 0x02]);
    }
}
