//! Bodies that are no A-XDR: names without type tags between values that have theirs.
//!
//! Meters of the Czech distributor EGD and the Sagemcom XT211 send a tag and a count as for an
//! array or structure, and then for each value its class, logical name and attribute as bare
//! octets. What those octets are differs between meters, so that a layout is taken for right only
//! when it explains the body to its last octet.

use alloc::vec::Vec;
use core::str::FromStr;

use super::{PushObject, PushValue, VALUES_MAX};
use crate::{
    axdr::{Data, DataType, Reader},
    cosem::{AttributeId, ClassId, LogicalName},
};

/// A field of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UntaggedField {
    /// The tag of a structure and a count, which does not matter.
    Head,
    /// Two octets, the class; not 0.
    Class,
    /// Six octets, the logical name; the last is 255.
    Name,
    /// One octet, the attribute; 1 or more.
    Attribute,
    /// Two octets, the data index, which does not matter.
    DataIndex,
    /// A value with its tag.
    Value,
}

impl UntaggedField {
    const WORDS: [(&'static str, Self); 6] = [
        ("head", Self::Head),
        ("class", Self::Class),
        ("name", Self::Name),
        ("attribute", Self::Attribute),
        ("data-index", Self::DataIndex),
        ("value", Self::Value),
    ];
}

/// The fields of each entry in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untagged(Vec<UntaggedField>);

/// The text is not a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an untagged layout: write the fields of an entry in their order, of head, class, name, \
     attribute, data-index and value; one name and one value must be among them"
)]
pub struct ParseUntaggedError;

/// Reads the words of the fields with blanks between: `class name attribute value`.
impl FromStr for Untagged {
    type Err = ParseUntaggedError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let field = |word: &str| {
            UntaggedField::WORDS.iter().find(|(known, _)| *known == word).map(|(_, field)| *field)
        };
        let fields: Option<Vec<UntaggedField>> = text.split_whitespace().map(field).collect();
        fields.and_then(Self::try_new).ok_or(ParseUntaggedError)
    }
}

impl Untagged {
    /// `None` unless there are one name and one value.
    pub fn try_new(fields: Vec<UntaggedField>) -> Option<Self> {
        let count = |wanted| fields.iter().filter(|field| **field == wanted).count();
        let fits = count(UntaggedField::Name) == 1 && count(UntaggedField::Value) == 1;
        fits.then_some(Self(fields))
    }

    /// The values of `body`, if all of it is laid out like this.
    pub(super) fn interpret<'a>(&self, body: &'a [u8]) -> Option<Vec<PushValue<'a>>> {
        let mut reader = Reader::new(body);
        let container = DataType::from_tag(reader.u8().ok()?)?;
        if !matches!(container, DataType::Array | DataType::Structure) {
            return None;
        }
        let mut values = Vec::new();
        // The count is a claim, but every entry takes octets: input ends the loop.
        for _ in 0..reader.length().ok().filter(|count| *count <= VALUES_MAX)? {
            values.push(self.entry(&mut reader)?);
        }
        (reader.is_empty() && !values.is_empty()).then_some(values)
    }

    fn entry<'a>(&self, reader: &mut Reader<'a>) -> Option<PushValue<'a>> {
        let (mut class, mut instance, mut attribute, mut value) = (None, None, None, None);
        for field in &self.0 {
            match field {
                UntaggedField::Head => {
                    if reader.u8().ok()? != DataType::Structure.tag() {
                        return None;
                    }
                    reader.length().ok()?;
                }
                UntaggedField::Class => {
                    class = Some(reader.u16().ok()?).filter(|id| *id != 0).map(ClassId);
                    class?;
                }
                UntaggedField::Name => {
                    let octets: [u8; 6] = reader.array().ok()?;
                    instance = Some(LogicalName(octets)).filter(|name| name.0[5] == 255);
                }
                UntaggedField::Attribute => {
                    attribute = Some(reader.i8().ok()?).filter(|number| *number > 0);
                    attribute?;
                }
                UntaggedField::DataIndex => drop(reader.u16().ok()?),
                UntaggedField::Value => value = Some(Data::decode(reader).ok()?),
            }
        }
        let attribute = attribute.map(AttributeId);
        let object = PushObject { class, instance: instance?, attribute };
        Some(PushValue { object: Some(object), value: value?, scaler_unit: None })
    }
}
