//! What a logical name means: the rules of OBIS (IEC 62056-6-1) for abstract objects, electricity,
//! gas, heat and water. A name is for reading; nothing is decided by it.
//!
//! What a country or a manufacturer has a right to name by itself has no name here.

mod electricity;
mod gas;
mod rules;
mod thermal;

use core::fmt;

use super::LogicalName;

/// A name for `logical_name` in words, when the rules here have one.
///
/// ```
/// use dlms_core::cosem::{LogicalName, obis};
///
/// let energy = LogicalName([1, 0, 1, 8, 2, 255]);
/// let name = obis::name(energy).expect("a common name");
/// assert_eq!(name.to_string(), "Active energy import, tariff 2");
/// ```
pub fn name(logical_name: LogicalName) -> Option<impl fmt::Display> {
    let [a, b, c, d, e, g] = logical_name.0;
    let name = match a {
        0 => rules::of_abstract(c, d, e)?,
        1 => electricity::quantity(c, d, e).or_else(|| rules::of_electricity(c, d, e))?,
        4 => thermal::heat_cost(c, d, e).or_else(|| rules::of_any_medium(c, d, e))?,
        5 | 6 => thermal::heat(c, d, e).or_else(|| rules::of_any_medium(c, d, e))?,
        7 => gas::quantity(c, d, e).or_else(|| rules::of_gas(c, d, e))?,
        8 | 9 => thermal::water(c, d, e).or_else(|| rules::of_any_medium(c, d, e))?,
        _ => rules::of_any_medium(c, d, e)?,
    };
    Some(Name { channel: b, billing_period: g, ..name })
}

/// What stands before a number, and the number.
type Number = Option<(&'static str, u8)>;

/// A name in its parts.
struct Name {
    parts: [&'static str; 6],
    number: Number,
    channel: u8,
    billing_period: u8,
}

impl Name {
    /// Of channel 0, now.
    const fn of(parts: [&'static str; 6], number: Number) -> Self {
        Self { parts, number, channel: 0, billing_period: 255 }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.parts {
            f.write_str(part)?;
        }
        if let Some((text, number)) = self.number {
            write!(f, "{text}{number}")?;
        }
        if self.channel != 0 {
            write!(f, ", channel {}", self.channel)?;
        }
        if self.billing_period != 255 {
            write!(f, ", billing period {}", self.billing_period)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::{String, ToString};

    fn text(logical_name: &str) -> Option<String> {
        name(logical_name.parse().unwrap()).map(|name| name.to_string())
    }

    #[test]
    fn common_names_are_put_into_words() {
        for (logical_name, name) in [
            ("1-0:1.8.0*255", "Active energy import"),
            ("1-0:2.8.1*255", "Active energy export, tariff 1"),
            ("1-0:5.8.0*255", "Reactive energy quadrant I"),
            ("1-0:1.8.0*3", "Active energy import, billing period 3"),
            ("1-0:1.7.0*255", "Active power import"),
            ("1-0:41.7.0*255", "Active power import L2"),
            ("1-0:1.6.2*255", "Active power import, maximum, tariff 2"),
            ("1-0:1.29.0*255", "Active energy import, recording interval 1"),
            ("1-0:32.7.0*255", "Voltage L1"),
            ("1-0:71.7.0*255", "Current L3"),
            ("1-0:31.7.5*255", "Current L1, harmonic 5"),
            ("1-0:14.7.0*255", "Frequency"),
            ("1-0:32.36.0*255", "Voltage L1, times above threshold"),
            ("1-0:99.1.0*255", "Load profile 1"),
            ("1-1:99.1.0*255", "Load profile 1, channel 1"),
            ("0-0:1.0.0*255", "Clock"),
            ("0-0:40.0.0*255", "Current association"),
            ("0-0:40.0.3*255", "Association 3"),
            ("0-0:42.0.0*255", "Logical device name"),
            ("0-0:43.1.0*255", "Invocation counter"),
            ("0-0:96.1.0*255", "Device identifier"),
            ("0-0:96.3.10*255", "Disconnect control"),
            ("0-2:24.2.1*255", "M-Bus value 1, channel 2"),
            ("0-0:99.98.4*255", "Event log 4"),
            ("0-0:98.1.0*255", "Billing data"),
            ("1-0:81.7.4*255", "Phase angle of current L1 against voltage L1"),
            ("1-0:83.8.31*255", "Active line losses import L1"),
            ("1-0:12.32.5*255", "Voltage, times below threshold, dip class 5"),
            ("0-0:19.12.1*255", "Credit 2"),
            ("0-0:10.3.106*255", "Disconnect control script table, set 3"),
            ("4-0:1.2.0*255", "Unrated integral, at set date"),
            ("6-0:1.0.0*255", "Energy"),
            ("7-0:3.1.0*255", "Forward absolute meter volume, corrected"),
            (
                "7-0:11.17.0*255",
                concat!(
                    "Forward undisturbed converter volume, last measurement period 2, ",
                    "at base conditions"
                ),
            ),
            ("7-0:42.40.0*255", "Absolute pressure, maximum of interval 2, at base conditions"),
            ("8-0:1.0.0*255", "Volume"),
        ] {
            assert_eq!(text(logical_name).as_deref(), Some(name), "{logical_name}");
        }
    }

    #[test]
    fn what_no_rule_names_has_no_name() {
        for logical_name in [
            "1-0:1.7.9*255",
            "1-0:95.1.1*255",
            "0-0:200.0.0*255",
            "8-0:7.0.0*255",
            "1-0:1.128.0*255",
            "1-0:32.99.0*255",
        ] {
            assert_eq!(text(logical_name), None, "{logical_name}");
        }
    }
}
