//! Tasks and orders: what is to be read from which meters.

use dlms_core::cosem::AttributeDescriptor;

use super::Calendar;
use crate::nodes::LogicalDeviceName;

/// How long data is kept when there is no room for all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keep {
    /// It goes first.
    Ordinary,
    /// It goes when nothing ordinary is left: people are billed by it.
    Billing,
}

/// Which meters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whom {
    /// Only those on this medium, an index into the configured ones. None: on any, or on none.
    pub medium: Option<u16>,
    /// Only those whose logical device name has this pattern: `*` stands for any characters, `?`
    /// for one. None: any name.
    pub name: Option<Box<str>>,
}

impl Whom {
    /// Whether a meter on `medium`, None for one with an endpoint of its own, is meant.
    #[must_use]
    pub fn means(&self, name: &LogicalDeviceName, medium: Option<u16>) -> bool {
        let on_it = self.medium.is_none_or(|wanted| medium == Some(wanted));
        let pattern = self.name.as_deref();
        on_it && pattern.is_none_or(|pattern| fits(pattern.as_bytes(), name.octets()))
    }
}

/// Whether `name` has this pattern. Linear in both but for the last star, which is tried again.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while seen < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, seen));
                at += 1;
            }
            Some(&wanted) if wanted == b'?' || wanted == name[seen] => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((after, from)) = star else { return false };
                star = Some((after, from + 1));
                (at, seen) = (after, from + 1);
            }
        }
    }
    pattern[at..].iter().all(|&octet| octet == b'*')
}

/// What is read again and again.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// What it is called. What was done is remembered under this name.
    pub name: Box<str>,
    /// The attributes that are read. Of a profile generic it is the buffer, from the last row that
    /// is stored on.
    pub read: Vec<AttributeDescriptor>,
    /// From which meters.
    pub whom: Whom,
    /// When.
    pub calendar: Calendar,
    /// What goes first when several tasks are due: the greater.
    pub priority: u8,
    /// How long what is read is kept.
    pub keep: Keep,
}

/// What a head-end wants once.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// The number that the head-end gave it. One number is one order.
    pub id: u64,
    /// When the head-end gave it, in seconds since 1970.
    pub issued_s: i64,
    /// From when on nothing of it is begun any more, in seconds since 1970.
    pub expires_s: i64,
    /// From which meters.
    pub whom: Whom,
    /// What.
    pub what: What,
    /// As in a task.
    pub priority: u8,
}

/// What a meter is wanted for.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Attributes are read and kept like this.
    Read(Vec<AttributeDescriptor>, Keep),
    /// The clock is compared, and set within the limits that are configured.
    Time,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn means(pattern: &str, name: &str) -> bool {
        let whom = Whom { medium: None, name: Some(pattern.into()) };
        whom.means(&name.as_bytes().try_into().unwrap(), Some(1))
    }

    #[test]
    fn a_pattern_has_stars_for_any_characters_and_question_marks_for_one() {
        for (pattern, name) in [
            ("ABC*", "ABC0000000000001"),
            ("*01", "ABC0000000000001"),
            ("*", "A"),
            ("A?C*1", "ABC0000000000001"),
            ("*0*0*1*", "ABC0000000000001"),
            ("ABC", "ABC"),
        ] {
            assert!(means(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("ABC", "ABCD"), ("AB", "ABC"), ("?", "AB"), ("*2", "AB1"), ("", "A"), ("A??", "AB")]
        {
            assert!(!means(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn a_medium_leaves_out_meters_that_are_elsewhere() {
        let whom = Whom { medium: Some(2), name: None };
        let name = b"ABC1"[..].try_into().unwrap();
        assert!(whom.means(&name, Some(2)));
        assert!(!whom.means(&name, Some(1)));
        assert!(!whom.means(&name, None));
    }
}
