//! Values whose meaning is only known from their position.

use alloc::{string::String, vec::Vec};

use super::{PushObject, PushValue, is_scalar};
use crate::{axdr::Data, cosem::ScalerUnit};

/// One position of a [`PositionList`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// What stands there.
    pub object: PushObject,
    /// Its scaler and unit, which the push does not carry.
    pub scaler_unit: Option<ScalerUnit>,
}

/// The meaning of a body that is a structure of values and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionList {
    /// The text with which the first value begins: the version of the list. Empty for any value,
    /// which makes the list fit everything that has as many values.
    pub version: String,
    /// What stands at each position. Only a body with exactly as many values fits.
    pub positions: Vec<Position>,
}

impl PositionList {
    /// Whether these are the values of a body.
    pub(super) fn fits(&self, body: &[Data<'_>]) -> bool {
        let version = body.first().and_then(Data::as_octets).unwrap_or_default();
        body.len() == self.positions.len()
            && body.iter().all(is_scalar)
            && version.starts_with(self.version.as_bytes())
    }

    /// The values of a body that fits, with their names.
    pub(super) fn name<'a>(&self, body: Vec<Data<'a>>) -> impl Iterator<Item = PushValue<'a>> {
        body.into_iter().zip(&self.positions).map(|(value, position)| PushValue {
            object: Some(position.object),
            value,
            scaler_unit: position.scaler_unit,
        })
    }
}
