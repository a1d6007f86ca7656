//! What was typed for an object: its logical name, or what a companion calls it.
//!
//! | text | means |
//! |---|---|
//! | `1-0:1.8.0*255` | what [`Object`] says |
//! | `active energy import` | attribute 2 of the object that the companion calls so |
//! | `active energy import:3` | attribute 3 of it |

use core::str::FromStr;

use dlms_core::{
    companion::{Companion, CompanionObject},
    cosem::AttributeId,
};

use crate::object::{Object, ParseObjectError};

/// An object as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// By its logical name.
    Object(Object),
    /// By a name that only a companion can tell.
    Named(String),
}

impl FromStr for Wanted {
    type Err = ParseObjectError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(object) => Ok(Self::Object(object)),
            Err(ParseObjectError::LogicalName) if text.contains(char::is_alphabetic) => {
                Ok(Self::Named(text.to_owned()))
            }
            Err(error) => Err(error),
        }
    }
}

/// Nobody knows what the name means.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnknownName {
    /// There is no companion to ask.
    #[error("{0:?} has {error}; names need --companion", error = ParseObjectError::LogicalName)]
    NoCompanion(String),
    /// The companion has no such name.
    #[error("{0:?} is no name of the companion {1}{2}")]
    NotOfCompanion(String, &'static str, String),
}

impl Wanted {
    /// The object that is meant.
    pub(crate) fn object(&self, companion: Option<&Companion>) -> Result<Object, UnknownName> {
        let name = match self {
            Self::Object(object) => return Ok(*object),
            Self::Named(name) => name,
        };
        let companion = companion.ok_or_else(|| UnknownName::NoCompanion(name.clone()))?;
        let (known, attribute) = find(companion, name).ok_or_else(|| {
            let close = closest(companion, name);
            let close = close.map(|close| format!(": did you mean {close:?}?"));
            UnknownName::NotOfCompanion(name.clone(), companion.name, close.unwrap_or_default())
        })?;
        Ok(Object { class: Some(known.class), instance: known.instance, attribute })
    }
}

/// The objects that are meant.
pub(crate) fn objects(
    wanted: &[Wanted],
    companion: Option<&Companion>,
) -> Result<Vec<Object>, UnknownName> {
    wanted.iter().map(|wanted| wanted.object(companion)).collect()
}

/// The object called `name`, and the attribute after a colon.
fn find(
    companion: &Companion,
    name: &str,
) -> Option<(&'static CompanionObject, Option<AttributeId>)> {
    if let Some(object) = companion.object(name) {
        return Some((object, None));
    }
    let (name, attribute) = name.rsplit_once(':')?;
    let attribute = attribute.parse().ok().filter(|number| *number != 0)?;
    Some((companion.object(name)?, Some(AttributeId(attribute))))
}

/// The name that is most like `name`, if any is.
fn closest(companion: &Companion, name: &str) -> Option<&'static str> {
    /// Less than half of the letters may differ.
    const LIKENESS_MIN: f64 = 0.5;
    let likeness = |known: &str| strsim::normalized_damerau_levenshtein(known, name);
    let known = companion.objects.iter().map(|object| (likeness(object.name), object.name));
    let best = known.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(likeness, _)| *likeness >= LIKENESS_MIN).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use dlms_core::companion::companion;

    use super::*;

    #[test]
    fn a_name_stands_for_class_and_logical_name_and_may_be_followed_by_an_attribute() {
        let idis = companion("idis");
        for (text, expected) in [
            ("load profile 1", "7:1-0:99.1.0*255"),
            ("Load Profile 1", "7:1-0:99.1.0*255"),
            ("load profile 1:3", "7:1-0:99.1.0*255:3"),
            ("M-Bus event log", "7:0-0:99.98.3*255"),
            ("clock:4", "8:0-0:1.0.0*255:4"),
            ("3:1-0:1.8.0*255:2", "3:1-0:1.8.0*255:2"),
        ] {
            let wanted: Wanted = text.parse().unwrap();
            assert_eq!(wanted.object(idis).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn every_name_of_every_companion_can_be_typed() {
        for companion in dlms_core::companion::companions() {
            for object in companion.objects {
                let wanted: Wanted = object.name.parse().unwrap();
                let found = wanted.object(Some(companion)).unwrap();
                assert_eq!(found.class, Some(object.class), "{}", object.name);
                assert_eq!(found.instance, object.instance, "{}", object.name);
            }
        }
    }

    #[test]
    fn what_nobody_knows_is_refused_with_what_may_be_meant() {
        let wanted: Wanted = "load profil".parse().unwrap();
        let without = wanted.object(None).unwrap_err().to_string();
        assert!(without.starts_with("\"load profil\" has no logical name in it"), "{without}");
        assert!(without.ends_with("names need --companion"), "{without}");
        let error = wanted.object(companion("idis")).unwrap_err().to_string();
        assert!(error.contains("did you mean \"load profile"), "{error}");
        let wanted: Wanted = "zzzz".parse().unwrap();
        let error = wanted.object(companion("idis")).unwrap_err().to_string();
        assert_eq!(error, "\"zzzz\" is no name of the companion idis");
        for text in ["", "12345678", "1-0:1.8"] {
            assert_eq!(text.parse::<Wanted>(), Err(ParseObjectError::LogicalName), "{text}");
        }
    }
}
