//! The file with further ways in which pushes name their values (`--patterns FILE`).
//!
//! ```toml
//! [[pattern]]                       # side by side in a structure or array
//! fields = "name value scaler-unit"
//!
//! [[list]]                          # nothing but values: their positions tell
//! version = "KFM_001"               # how the first value begins; may be left out
//! objects = [
//!     { object = "1:1-1:0.2.129*255:2" },
//!     { object = "3:1-0:1.7.0*255:2", scaler = 0, unit = 27 },
//! ]
//!
//! [[untagged]]                      # names without type tags
//! fields = "class name attribute value"
//! ```
//!
//! They are tried before the ones that are built in.

use std::{fs, io, path::Path};

use dlms_core::{
    cosem::{ScalerUnit, Unit},
    push::{ParsePatternError, ParseUntaggedError, Patterns, Position, PositionList, PushObject},
};
use serde::Deserialize;

use crate::object::Object;

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PatternsFileError {
    /// The system refused.
    #[error("cannot be read: {0}")]
    System(#[from] io::Error),
    /// Not TOML, or not of the shape that is expected.
    #[error("is not what is expected: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A pattern is wrong.
    #[error("[[pattern]] \"{0}\": {1}")]
    Pattern(String, ParsePatternError),
    /// An untagged layout is wrong.
    #[error("[[untagged]] \"{0}\": {1}")]
    Untagged(String, ParseUntaggedError),
    /// An object is wrong.
    #[error("[[list]] \"{0}\" is no object: write 3:1-0:1.8.0*255:2")]
    Object(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    pattern: Vec<Fields>,
    #[serde(default)]
    list: Vec<List>,
    #[serde(default)]
    untagged: Vec<Fields>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    fields: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default)]
    version: String,
    objects: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    object: String,
    scaler: Option<i8>,
    unit: Option<u8>,
}

/// The patterns of the file at `path`, if one is given, before those that are built in.
pub(crate) fn read(path: Option<&Path>) -> Result<Patterns, PatternsFileError> {
    let built_in = Patterns::built_in();
    match path {
        None => Ok(built_in),
        Some(path) => Ok(parse(&fs::read_to_string(path)?)?.before(built_in)),
    }
}

fn parse(text: &str) -> Result<Patterns, PatternsFileError> {
    let file: File = toml::from_str(text)?;
    let pattern = |Fields { fields }: Fields| {
        fields.parse().map_err(|error| PatternsFileError::Pattern(fields, error))
    };
    let untagged = |Fields { fields }: Fields| {
        fields.parse().map_err(|error| PatternsFileError::Untagged(fields, error))
    };
    Ok(Patterns {
        patterns: file.pattern.into_iter().map(pattern).collect::<Result<_, _>>()?,
        lists: file.list.into_iter().map(list).collect::<Result<_, _>>()?,
        untagged: file.untagged.into_iter().map(untagged).collect::<Result<_, _>>()?,
    })
}

fn list(List { version, objects }: List) -> Result<PositionList, PatternsFileError> {
    let position = |Entry { object, scaler, unit }: Entry| {
        let parsed: Object =
            object.parse().map_err(|_| PatternsFileError::Object(object.clone()))?;
        let scaler_unit = (scaler.is_some() || unit.is_some()).then(|| {
            let unit = unit.map_or(Unit::Count, Unit::from_code);
            ScalerUnit::new(scaler.unwrap_or(0), unit)
        });
        let object = PushObject {
            class: parsed.class,
            instance: parsed.instance,
            attribute: Some(parsed.attribute()),
        };
        Ok(Position { object, scaler_unit })
    };
    let positions = objects.into_iter().map(position).collect::<Result<_, PatternsFileError>>()?;
    Ok(PositionList { version, positions })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_pattern_can_be_written() {
        let patterns = parse(
            r#"
            [[pattern]]
            fields = "value name"
            [[list]]
            version = "X"
            objects = [
                { object = "1:0-0:96.1.0*255:2" },
                { object = "1-0:1.7.0*255", scaler = -1, unit = 27 },
            ]
            [[untagged]]
            fields = "name value"
            "#,
        )
        .unwrap();
        assert_eq!(patterns.patterns[0].to_string(), "value name");
        let list = &patterns.lists[0];
        assert_eq!((list.version.as_str(), list.positions.len()), ("X", 2));
        assert_eq!(list.positions[1].scaler_unit, Some(ScalerUnit::new(-1, Unit::Watt)));
        assert_eq!(patterns.untagged, ["name value".parse().unwrap()]);
    }

    #[test]
    fn an_error_says_what_is_wrong() {
        for (text, expected) in [
            ("[[pattern]]\nfields = \"name\"", "not a pattern"),
            ("[[untagged]]\nfields = \"name\"", "not an untagged layout"),
            ("[[list]]\nobjects = [{ object = \"x\" }]", "no object"),
            ("[[lists]]", "unknown field"),
            ("[[", "not what is expected"),
        ] {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
