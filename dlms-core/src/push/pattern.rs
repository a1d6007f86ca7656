//! Values that stand side by side, and which of them names which.

use alloc::vec::Vec;
use core::{fmt, str::FromStr};

use super::{PushObject, PushValue, is_scalar};
use crate::{
    axdr::Data,
    cosem::{AttributeId, ClassId, LogicalName, ScalerUnit, Unit},
};

/// Fields of the longest pattern. What meters send has five at most.
const FIELDS_MAX: usize = 16;

/// What a value is to its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// `class`: a long-unsigned, the class of the object.
    Class,
    /// `name`: its logical name; an octet-string of six octets that begins with a medium (0 to
    /// 15), or the name as text.
    Name,
    /// `attribute`: an integer, the number of the attribute.
    Attribute,
    /// `value`: the value, which is no array or structure.
    Value,
    /// `any-value`: the value, of any type.
    AnyValue,
    /// `scaler`: an integer.
    Scaler,
    /// `unit`: an enum.
    Unit,
    /// `scaler-unit`: a structure of the two.
    ScalerUnit,
    /// `skip`: a value of any type that does not matter.
    Skip,
}

impl Field {
    const WORDS: [(&'static str, Self); 9] = [
        ("class", Self::Class),
        ("name", Self::Name),
        ("attribute", Self::Attribute),
        ("value", Self::Value),
        ("any-value", Self::AnyValue),
        ("scaler", Self::Scaler),
        ("unit", Self::Unit),
        ("scaler-unit", Self::ScalerUnit),
        ("skip", Self::Skip),
    ];

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, field)| *field == self).map_or("", |(word, _)| word)
    }
}

/// Fields in their order: `class name attribute value`.
///
/// It has one name and one value, and each of the other fields at most once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Field>);

/// The text is not a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a pattern: write what stands side by side, of class, name, attribute, value, any-value, \
     scaler, unit, scaler-unit and skip; one name and one value must be among them"
)]
pub struct ParsePatternError;

impl Pattern {
    /// `None` when the fields are not those of a pattern.
    pub fn try_new(fields: Vec<Field>) -> Option<Self> {
        let count = |wanted: Field| fields.iter().filter(|field| **field == wanted).count();
        let values = count(Field::Value).saturating_add(count(Field::AnyValue));
        let once =
            Field::WORDS.iter().all(|(_, field)| *field == Field::Skip || count(*field) <= 1);
        let fits = once && values == 1 && count(Field::Name) == 1 && fields.len() <= FIELDS_MAX;
        fits.then_some(Self(fields))
    }

    /// The value at the front of `siblings` and what stands behind it, if this pattern fits there.
    pub(super) fn match_front<'a, 's>(
        &self,
        siblings: &'s [Data<'a>],
    ) -> Option<(PushValue<'a>, &'s [Data<'a>])> {
        let (front, rest) = siblings.split_at_checked(self.0.len())?;
        let (mut class, mut instance, mut attribute) = (None, None, None);
        let (mut value, mut scaler, mut unit) = (None, None, None);
        for (field, data) in self.0.iter().zip(front) {
            match field {
                Field::Class => match data {
                    Data::LongUnsigned(id) => class = Some(ClassId(*id)),
                    _ => return None,
                },
                Field::Name => instance = Some(logical_name(data)?),
                Field::Attribute => match data {
                    Data::Integer(number) => attribute = Some(AttributeId(*number)),
                    _ => return None,
                },
                Field::Value if !is_scalar(data) => return None,
                Field::Value | Field::AnyValue => value = Some(data.clone()),
                Field::Scaler => match data {
                    Data::Integer(exponent) => scaler = Some(*exponent),
                    _ => return None,
                },
                Field::Unit => unit = Some(Unit::from_code(data.as_enum()?)),
                Field::ScalerUnit => {
                    let both = ScalerUnit::from_data(data)?;
                    (scaler, unit) = (Some(both.scaler), Some(both.unit));
                }
                Field::Skip => {}
            }
        }
        let scaler_unit = match (scaler, unit) {
            (None, None) => None,
            _ => Some(ScalerUnit::new(scaler.unwrap_or(0), unit.unwrap_or(Unit::Count))),
        };
        let object = PushObject { class, instance: instance?, attribute };
        Some((PushValue { object: Some(object), value: value?, scaler_unit }, rest))
    }
}

/// The largest medium, which is the first number of a logical name (IEC 62056-6-1, value group A).
const MEDIUM_MAX: u8 = 15;

/// A logical name as pushes carry it. Any six octets are some logical name, so that one in binary
/// must begin with a medium: identifiers of six characters do not.
fn logical_name(data: &Data<'_>) -> Option<LogicalName> {
    match data {
        Data::OctetString(_) => LogicalName::from_data(data).filter(|name| name.0[0] <= MEDIUM_MAX),
        _ => data.as_text()?.parse().ok(),
    }
}

/// `name value scaler-unit`.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, field) in self.0.iter().enumerate() {
            let space = if index > 0 { " " } else { "" };
            write!(f, "{space}{}", field.word())?;
        }
        Ok(())
    }
}

/// Reads the words of the fields with blanks between.
impl FromStr for Pattern {
    type Err = ParsePatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let field = |word: &str| {
            Field::WORDS.iter().find(|(known, _)| *known == word).map(|(_, field)| *field)
        };
        let fields: Option<Vec<Field>> = text.split_whitespace().map(field).collect();
        fields.and_then(Self::try_new).ok_or(ParsePatternError)
    }
}
