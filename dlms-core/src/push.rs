//! What the body of a push means.
//!
//! The standard leaves the body of a data-notification to the push setup of the meter, and meters
//! in the field name their values in many ways, or not at all. [`Patterns`] says how, as data:
//!
//! - a [`Pattern`] describes values that stand side by side: `name value scaler-unit`;
//! - a push object list in front of the values names them by position;
//! - a [`PositionList`] does so where the body says nothing of itself;
//! - an [`Untagged`] layout is for bodies that are no A-XDR at all.
//!
//! [`Patterns::built_in`] knows what was met in the field. An owner adds its own.
//!
//! ```
//! use dlms_core::{axdr::{Data, Reader}, cosem::{ScalerUnit, Unit}, push::Patterns};
//!
//! // structure of 3: octet-string 1-0:32.7.0*255, long-unsigned 2301, structure of -1 and volt
//! let body = [
//!     0x02, 0x03, 0x09, 0x06, 1, 0, 32, 7, 0, 255, 0x12, 0x08, 0xfd,
//!     0x02, 0x02, 0x0f, 0xff, 0x16, 0x23,
//! ];
//! let body = Data::decode(&mut Reader::new(&body))?;
//! let values = Patterns::built_in().interpret(&body)?;
//! assert_eq!(values[0].object.unwrap().instance.to_string(), "1-0:32.7.0*255");
//! assert_eq!(values[0].value, Data::LongUnsigned(2301));
//! assert_eq!(values[0].scaler_unit, Some(ScalerUnit::new(-1, Unit::Volt)));
//! # Ok::<(), dlms_core::Malformed>(())
//! ```

mod field_practice;
mod object_list;
mod pattern;
mod position_list;
mod untagged;

use alloc::vec::Vec;

use crate::{
    Malformed, MalformedKind,
    axdr::{CompactArrayRules, Data, Elements},
    cosem::{AttributeId, ClassId, LogicalName, ScalerUnit},
    xdlms::PUSHED_LEN_MAX,
};

pub use pattern::{Field, ParsePatternError, Pattern};
pub use position_list::{Position, PositionList};
pub use untagged::{ParseUntaggedError, Untagged, UntaggedField};

/// One value of a push.
#[derive(Clone, Debug, PartialEq)]
pub struct PushValue<'a> {
    /// What it is a value of; none where only its position tells.
    pub object: Option<PushObject>,
    /// The value as it was sent.
    pub value: Data<'a>,
    /// Its scaler and unit, where the push carries them or its layout implies them.
    pub scaler_unit: Option<ScalerUnit>,
}

/// What a push says of the object of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushObject {
    /// Rarely there.
    pub class: Option<ClassId>,
    /// Always there.
    pub instance: LogicalName,
    /// Rarely there; then it is nearly always attribute 2, the value.
    pub attribute: Option<AttributeId>,
}

impl PushObject {
    /// The object of this name, of whatever class.
    pub const fn named(instance: LogicalName) -> Self {
        Self { class: None, instance, attribute: None }
    }
}

/// Values and elements of one body: as many as the longest push has octets.
const VALUES_MAX: usize = PUSHED_LEN_MAX;

/// The ways in which pushes name their values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns {
    /// Tried in this order at every place.
    pub patterns: Vec<Pattern>,
    /// Tried in this order on bodies that hold nothing but values.
    pub lists: Vec<PositionList>,
    /// Tried in this order on bodies that are no A-XDR.
    pub untagged: Vec<Untagged>,
}

impl Patterns {
    /// What was met in the field.
    pub fn built_in() -> Self {
        Self {
            patterns: field_practice::patterns(),
            lists: field_practice::lists(),
            untagged: field_practice::untagged(),
        }
    }

    /// These patterns, tried before those of `others`.
    #[must_use]
    pub fn before(mut self, others: Self) -> Self {
        self.patterns.extend(others.patterns);
        self.lists.extend(others.lists);
        self.untagged.extend(others.untagged);
        self
    }

    /// The values of `body` in their order. Every value is there, named or not, except what names
    /// the others. Memory is taken in proportion to the octets of the body.
    ///
    /// # Errors
    /// A compact-array that contradicts its own description; [`MalformedKind::Length`] for more
    /// values than the longest push has octets, [`PUSHED_LEN_MAX`].
    pub fn interpret<'a>(&self, body: &Data<'a>) -> Result<Vec<PushValue<'a>>, Malformed> {
        let mut values = Vec::new();
        let siblings = match body {
            Data::Array(_) | Data::Structure(_) => siblings(body)?,
            _ => {
                self.walk(body, None, &mut values)?;
                return Ok(values);
            }
        };
        if let Some(objects) = object_list::in_front(&siblings)? {
            // The list names itself where the push setup lists its own attribute 2.
            let unnamed = siblings.len().saturating_sub(objects.len());
            let names = core::iter::repeat_n(None, unnamed).chain(objects.into_iter().map(Some));
            for (sibling, object) in siblings.iter().zip(names).skip(1) {
                self.walk(sibling, object, &mut values)?;
            }
            object_list::spread_scaler_units(&mut values);
        } else if let Some(list) = self.lists.iter().find(|list| list.fits(&siblings)) {
            values.extend(list.name(siblings));
        } else {
            self.scan(&siblings, &mut values)?;
        }
        Ok(values)
    }

    /// The values of a body that is no A-XDR, by the first layout that explains every octet of it.
    pub fn interpret_untagged<'a>(&self, body: &'a [u8]) -> Option<Vec<PushValue<'a>>> {
        self.untagged.iter().find_map(|layout| layout.interpret(body))
    }

    /// The values in `data`, which as a whole belongs to `object` if anything says so.
    fn walk<'a>(
        &self,
        data: &Data<'a>,
        object: Option<PushObject>,
        values: &mut Vec<PushValue<'a>>,
    ) -> Result<(), Malformed> {
        match data {
            Data::Array(_) | Data::Structure(_) | Data::CompactArray(_) => {}
            scalar => {
                return add(values, PushValue { object, value: scalar.clone(), scaler_unit: None });
            }
        }
        let start = values.len();
        self.scan(&siblings(data)?, values)?;
        let named_inside = values.iter().skip(start).any(|value| value.object.is_some());
        if object.is_some() && !named_inside {
            values.truncate(start);
            values.push(PushValue { object, value: data.clone(), scaler_unit: None });
        }
        Ok(())
    }

    /// The values among `siblings`, which stand side by side.
    fn scan<'a>(
        &self,
        siblings: &[Data<'a>],
        values: &mut Vec<PushValue<'a>>,
    ) -> Result<(), Malformed> {
        let mut rest = siblings;
        while let Some((first, after)) = rest.split_first() {
            let matched = self.patterns.iter().find_map(|pattern| pattern.match_front(rest));
            match matched {
                Some((value, after)) => {
                    add(values, value)?;
                    rest = after;
                }
                None => {
                    self.walk(first, None, values)?;
                    rest = after;
                }
            }
        }
        Ok(())
    }
}

/// Adds a value to those of a body. However deep they lie, they are counted together.
fn add<'a>(values: &mut Vec<PushValue<'a>>, value: PushValue<'a>) -> Result<(), Malformed> {
    if values.len() >= VALUES_MAX {
        return Err(Malformed::new(MalformedKind::Length, 0));
    }
    values.push(value);
    Ok(())
}

/// How many scalar values `data` holds, null-data included.
///
/// # Errors
/// A compact-array that contradicts its own description.
pub fn scalar_count(data: &Data<'_>) -> Result<usize, Malformed> {
    match elements(data) {
        Some(elements) => elements?
            .try_fold(0_usize, |count, element| Ok(count.saturating_add(scalar_count(&element?)?))),
        None => Ok(1),
    }
}

/// The elements of an array, structure or compact-array, side by side.
fn siblings<'a>(data: &Data<'a>) -> Result<Vec<Data<'a>>, Malformed> {
    match elements(data).transpose()? {
        Some(elements) if elements.len() > VALUES_MAX => {
            Err(Malformed::new(MalformedKind::Length, 0))
        }
        Some(elements) => elements.collect(),
        None => Ok(Vec::new()),
    }
}

/// The elements of an array, structure or compact-array; none of what is one value.
fn elements<'a>(data: &Data<'a>) -> Option<Result<Elements<'a>, Malformed>> {
    match data {
        Data::Array(elements) | Data::Structure(elements) => Some(Ok(elements.clone())),
        Data::CompactArray(array) => Some(array.elements_by(CompactArrayRules::Standard)),
        _ => None,
    }
}

/// Whether `data` is one value and not several.
const fn is_scalar(data: &Data<'_>) -> bool {
    !matches!(data, Data::Array(_) | Data::Structure(_) | Data::CompactArray(_))
}

#[cfg(test)]
mod tests;
