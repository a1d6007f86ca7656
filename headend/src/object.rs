//! How an object is written on the command line.
//!
//! | text | means |
//! |---|---|
//! | `1-0:1.8.0*255` | attribute 2 of it; its class is looked up in the meter's object list |
//! | `1-0:1.8.0*255:3` | attribute 3 of it |
//! | `3:1-0:1.8.0*255` | attribute 2 of that object of class 3 |
//! | `3:1-0:1.8.0*255:2` | attribute 2 of that object of class 3 |
//!
//! The logical name may be written in every form that [`LogicalName`] reads: `1-0:1.8.0` and
//! `1.0.1.8.0.255` as well.

use core::{fmt, str::FromStr};

use dlms_core::cosem::{AttributeDescriptor, AttributeId, ClassId, LogicalName};

/// The attribute that holds the value in nearly every class.
const VALUE: AttributeId = AttributeId(2);

/// An object as it was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Object {
    /// Its class, if it was given.
    pub class: Option<ClassId>,
    /// Its name.
    pub instance: LogicalName,
    /// The attribute, if one was given.
    pub attribute: Option<AttributeId>,
}

impl Object {
    /// The attribute to read or write: 2 unless another was given.
    #[must_use]
    pub fn attribute(&self) -> AttributeId {
        self.attribute.unwrap_or(VALUE)
    }

    /// The full descriptor, where the class was given.
    #[must_use]
    pub fn descriptor(&self) -> Option<AttributeDescriptor> {
        self.class.map(|class| self.of_class(class))
    }

    /// The full descriptor, once the class is known.
    #[must_use]
    pub fn of_class(&self, class: ClassId) -> AttributeDescriptor {
        AttributeDescriptor { class, instance: self.instance, attribute: self.attribute() }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(class) = self.class {
            write!(f, "{class}:")?;
        }
        write!(f, "{}", self.instance)?;
        match self.attribute {
            Some(attribute) => write!(f, ":{attribute}"),
            None => Ok(()),
        }
    }
}

/// The text is not an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseObjectError {
    /// No part of the text is a logical name.
    #[error(
        "no logical name in it: write 1-0:1.8.0*255 or, with class and attribute, 3:1-0:1.8.0*255:2"
    )]
    LogicalName,
    /// The number before the logical name is not a class.
    #[error(
        "{0:?} is not a class: a number from 1 to 65535 before the logical name, as in \
         3:1-0:1.8.0*255"
    )]
    Class(String),
    /// The number after the logical name is not an attribute.
    #[error(
        "{0:?} is not an attribute: a number from 1 to 127 after the logical name, as in \
         1-0:1.8.0*255:2 (-128 to -1 are the manufacturer's)"
    )]
    Attribute(String),
}

impl FromStr for Object {
    type Err = ParseObjectError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split(':').collect();
        // A-B:C.D.E*F takes two parts, A.B.C.D.E.F one. What starts with a minus is an attribute.
        let dashed = |part: &&str| part.find('-').is_some_and(|at| at > 0);
        let dotted = |part: &&str| part.contains('.');
        let start = parts
            .iter()
            .position(|part| dashed(part) || dotted(part))
            .ok_or(ParseObjectError::LogicalName)?;
        let (before, rest) = parts.split_at(start);
        let count = if rest.first().is_some_and(dashed) { 2 } else { 1 };
        let (name, after) = rest.split_at_checked(count).ok_or(ParseObjectError::LogicalName)?;

        let instance = name.join(":").parse().map_err(|_| ParseObjectError::LogicalName)?;
        let class = match before {
            [] => None,
            [class] => match class.parse() {
                Ok(number @ 1..) => Some(ClassId(number)),
                _ => return Err(ParseObjectError::Class((*class).to_owned())),
            },
            _ => return Err(ParseObjectError::Class(before.join(":"))),
        };
        let attribute = match after {
            [] => None,
            [attribute] => match attribute.parse() {
                Ok(0) | Err(_) => return Err(ParseObjectError::Attribute((*attribute).to_owned())),
                Ok(number) => Some(AttributeId(number)),
            },
            _ => return Err(ParseObjectError::Attribute(after.join(":"))),
        };
        Ok(Self { class, instance, attribute })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENERGY: LogicalName = LogicalName([1, 0, 1, 8, 0, 255]);

    fn object(class: Option<u16>, attribute: Option<i8>) -> Object {
        Object {
            class: class.map(ClassId),
            instance: ENERGY,
            attribute: attribute.map(AttributeId),
        }
    }

    #[test]
    fn class_and_attribute_may_stand_around_the_logical_name() {
        for (text, expected) in [
            ("1-0:1.8.0*255", object(None, None)),
            ("1-0:1.8.0", object(None, None)),
            ("1.0.1.8.0.255", object(None, None)),
            ("1-0:1.8.0*255:3", object(None, Some(3))),
            ("1-0:1.8.0:3", object(None, Some(3))),
            ("1-0:1.8.0*255:-3", object(None, Some(-3))),
            ("3:1-0:1.8.0*255", object(Some(3), None)),
            ("3:1-0:1.8.0*255:2", object(Some(3), Some(2))),
            ("3:1.0.1.8.0.255:2", object(Some(3), Some(2))),
            ("8192:1-0:1.8.0*255:127", object(Some(8192), Some(127))),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn the_text_of_an_object_is_read_back() {
        for text in ["1-0:1.8.0*255", "1-0:1.8.0*255:3", "3:1-0:1.8.0*255", "3:1-0:1.8.0*255:2"] {
            assert_eq!(text.parse::<Object>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn without_a_word_about_it_the_attribute_is_2() {
        assert_eq!(object(None, None).attribute(), AttributeId(2));
        assert_eq!(object(None, None).descriptor(), None);
        let descriptor = AttributeDescriptor::new(ClassId::REGISTER, ENERGY, 2);
        assert_eq!(object(Some(3), None).descriptor(), Some(descriptor));
    }

    #[test]
    fn an_error_names_the_part_that_is_wrong() {
        for text in ["", "x", "12345678", "3:2", "1-0", "1-0:", "1-0:1.8", "1-0:1.8.0*256", "1.8.0"]
        {
            assert_eq!(text.parse::<Object>(), Err(ParseObjectError::LogicalName), "{text}");
        }
        for (text, class) in [
            ("0:1-0:1.8.0*255", "0"),
            ("70000:1-0:1.8.0*255", "70000"),
            ("r:1-0:1.8.0*255", "r"),
            ("1:2:1-0:1.8.0*255", "1:2"),
        ] {
            assert_eq!(
                text.parse::<Object>(),
                Err(ParseObjectError::Class(class.into())),
                "{text}"
            );
        }
        for (text, attribute) in [
            ("1-0:1.8.0*255:0", "0"),
            ("1-0:1.8.0*255:128", "128"),
            ("1-0:1.8.0*255:value", "value"),
            ("3:1-0:1.8.0*255:2:1", "2:1"),
            ("1-0:1.8.0*255:", ""),
        ] {
            let error = ParseObjectError::Attribute(attribute.into());
            assert_eq!(text.parse::<Object>(), Err(error), "{text}");
        }
    }
}
