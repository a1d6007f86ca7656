//! What a logical name means: the rules of OBIS (IEC 62056-6-1) for electricity and for abstract
//! objects, as far as people meet them. A name is for reading; nothing is decided by it.

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
    let (what, number) = match a {
        0 => fixed(ABSTRACT, c, d, e)?,
        1 => electricity(c, d, e).or_else(|| fixed(ELECTRICITY, c, d, e))?,
        _ => fixed(ANY_MEDIUM, c, d, e)?,
    };
    Some(Name { what, number, channel: b, billing_period: g })
}

/// A name in its parts.
struct Name {
    what: What,
    number: Option<(&'static str, u8)>,
    channel: u8,
    billing_period: u8,
}

enum What {
    Fixed(&'static str),
    /// "Active", "energy", " import", " L1", ", maximum".
    Flow {
        kind: &'static str,
        noun: &'static str,
        direction: &'static str,
        phase: &'static str,
        of: &'static str,
    },
    /// "Voltage", " L1", ", maximum".
    Level {
        quantity: &'static str,
        phase: &'static str,
        of: &'static str,
    },
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            What::Fixed(text) => f.write_str(text)?,
            What::Flow { kind, noun, direction, phase, of } => {
                write!(f, "{kind} {noun}{direction}{phase}{of}")?;
            }
            What::Level { quantity, phase, of } => write!(f, "{quantity}{phase}{of}")?,
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

/// Electrical quantities: C says what is measured, D how it is processed, E the tariff or the
/// harmonic.
fn electricity(c: u8, d: u8, e: u8) -> Option<(What, Option<(&'static str, u8)>)> {
    let (c, phase) = match c {
        1..=20 => (c, ""),
        21..=40 => (c.saturating_sub(20), " L1"),
        41..=60 => (c.saturating_sub(40), " L2"),
        61..=80 => (c.saturating_sub(60), " L3"),
        _ => (c, ""),
    };
    let flow = match c {
        1 => ("Active", " import"),
        2 => ("Active", " export"),
        3 => ("Reactive", " import"),
        4 => ("Reactive", " export"),
        5 => ("Reactive", " quadrant I"),
        6 => ("Reactive", " quadrant II"),
        7 => ("Reactive", " quadrant III"),
        8 => ("Reactive", " quadrant IV"),
        9 => ("Apparent", " import"),
        10 => ("Apparent", " export"),
        15 => ("Active", " import plus export"),
        16 => ("Active", " import minus export"),
        17 => ("Active", " quadrant I"),
        18 => ("Active", " quadrant II"),
        19 => ("Active", " quadrant III"),
        20 => ("Active", " quadrant IV"),
        _ => ("", ""),
    };
    let level = match c {
        11 => "Current",
        12 => "Voltage",
        13 => "Power factor",
        14 => "Frequency",
        81 => "Phase angle",
        84 => "Power factor export",
        88 => "Ampere-squared hours",
        89 => "Volt-squared hours",
        90 => "Sum of phase currents",
        91 => "Current neutral",
        92 => "Voltage neutral",
        _ => "",
    };
    let (integral, of) = match d {
        0 => (false, ", average of billing period"),
        1 | 11 | 21 => (false, ", cumulative minimum"),
        2 | 12 | 22 => (false, ", cumulative maximum"),
        3 | 13 | 23 => (false, ", minimum"),
        4 | 14 | 24 | 27 | 28 => (false, ", current average"),
        5 | 15 | 25 => (false, ", last average"),
        6 | 16 | 26 => (false, ", maximum"),
        7 => (false, ""),
        8 => (true, ""),
        9 => (true, ", since start of billing period"),
        29 => (true, ", recording interval 1"),
        30 => (true, ", recording interval 2"),
        31 => (false, ", lower threshold"),
        32 => (false, ", times below threshold"),
        33 => (false, ", duration below threshold"),
        34 => (false, ", magnitude below threshold"),
        35 => (false, ", upper threshold"),
        36 => (false, ", times above threshold"),
        37 => (false, ", duration above threshold"),
        38 => (false, ", magnitude above threshold"),
        _ => return None,
    };
    let harmonics = matches!(c, 11 | 12) && matches!(d, 7 | 24);
    let number = match e {
        0 => None,
        // The two octets of an angle say from which voltage to which voltage or current.
        _ if c == 81 => Some((" ", e)),
        1..=120 if harmonics => Some((", harmonic ", e)),
        1..=63 if d != 7 => Some((", tariff ", e)),
        _ => return None,
    };
    let what = match (flow, level) {
        (("", _), "") => return None,
        (("", _), quantity) => {
            let of = if integral && d == 8 && c < 80 { ", time integral" } else { of };
            What::Level { quantity, phase, of }
        }
        ((kind, direction), _) => {
            let noun = if integral { "energy" } else { "power" };
            What::Flow { kind, noun, direction, phase, of }
        }
    };
    Some((what, number))
}

/// Which values of E a rule is for.
enum E {
    /// This one.
    Only(u8),
    /// Any up to this one; it is a number of the object.
    UpTo(u8),
}

/// C, D, E and the name.
struct Rule(u8, u8, E, &'static str);

fn fixed(rules: &[Rule], c: u8, d: u8, e: u8) -> Option<(What, Option<(&'static str, u8)>)> {
    let matching = |rule: &&Rule| {
        rule.0 == c
            && rule.1 == d
            && match rule.2 {
                E::Only(only) => e == only,
                E::UpTo(last) => e <= last || e == 255,
            }
    };
    let rule = rules.iter().find(matching).or_else(|| ANY_MEDIUM.iter().find(matching))?;
    let number = match rule.2 {
        E::UpTo(_) if e != 0 && e != 255 => Some((" ", e)),
        _ => None,
    };
    Some((What::Fixed(rule.3), number))
}

/// For A = 0.
const ABSTRACT: &[Rule] = &[
    Rule(0, 1, E::Only(0), "Billing period counter"),
    Rule(0, 1, E::Only(2), "Time stamp of the last billing period"),
    Rule(0, 2, E::Only(0), "Active firmware identifier"),
    Rule(0, 2, E::Only(1), "Active firmware version"),
    Rule(0, 2, E::Only(8), "Active firmware signature"),
    Rule(0, 9, E::Only(1), "Local time"),
    Rule(0, 9, E::Only(2), "Local date"),
    Rule(1, 0, E::UpTo(127), "Clock"),
    Rule(1, 1, E::UpTo(127), "UNIX clock"),
    Rule(2, 0, E::Only(0), "Modem configuration"),
    Rule(2, 1, E::Only(0), "Auto connect"),
    Rule(2, 2, E::Only(0), "Auto answer"),
    Rule(10, 0, E::Only(0), "Global meter reset script table"),
    Rule(10, 0, E::Only(1), "End of billing period script table"),
    Rule(10, 0, E::Only(100), "Tariffication script table"),
    Rule(10, 0, E::Only(101), "Test mode script table"),
    Rule(10, 0, E::Only(103), "Set output script table"),
    Rule(10, 0, E::Only(106), "Disconnect control script table"),
    Rule(10, 0, E::Only(107), "Image activation script table"),
    Rule(10, 0, E::Only(108), "Push script table"),
    Rule(11, 0, E::UpTo(127), "Special days table"),
    Rule(12, 0, E::UpTo(127), "Schedule"),
    Rule(13, 0, E::UpTo(127), "Activity calendar"),
    Rule(14, 0, E::UpTo(127), "Register activation"),
    Rule(15, 0, E::Only(0), "End of billing period schedule"),
    Rule(15, 0, E::Only(1), "Disconnect control schedule"),
    Rule(15, 0, E::Only(2), "Image activation schedule"),
    Rule(15, 0, E::Only(3), "Output control schedule"),
    Rule(15, 0, E::Only(4), "Push schedule"),
    Rule(16, 0, E::UpTo(127), "Register monitor"),
    Rule(16, 1, E::UpTo(127), "Alarm monitor"),
    Rule(17, 0, E::UpTo(127), "Limiter"),
    Rule(19, 0, E::UpTo(127), "Account"),
    Rule(19, 10, E::UpTo(127), "Credit"),
    Rule(19, 20, E::UpTo(127), "Charge"),
    Rule(19, 40, E::UpTo(127), "Token gateway"),
    Rule(20, 0, E::Only(0), "Optical port setup"),
    Rule(20, 0, E::Only(1), "Electrical port setup"),
    Rule(22, 0, E::Only(0), "HDLC setup"),
    Rule(23, 0, E::Only(0), "Twisted pair setup"),
    Rule(24, 0, E::Only(0), "M-Bus slave port setup"),
    Rule(24, 1, E::Only(0), "M-Bus client"),
    Rule(24, 2, E::UpTo(127), "M-Bus value"),
    Rule(24, 3, E::UpTo(127), "M-Bus profile"),
    Rule(24, 4, E::Only(0), "M-Bus disconnect control"),
    Rule(24, 5, E::Only(0), "M-Bus control log"),
    Rule(24, 6, E::Only(0), "M-Bus master port setup"),
    Rule(25, 0, E::Only(0), "TCP-UDP setup"),
    Rule(25, 1, E::Only(0), "IPv4 setup"),
    Rule(25, 2, E::Only(0), "MAC address setup"),
    Rule(25, 3, E::Only(0), "PPP setup"),
    Rule(25, 4, E::Only(0), "GPRS modem setup"),
    Rule(25, 5, E::Only(0), "SMTP setup"),
    Rule(25, 6, E::Only(0), "GSM diagnostic"),
    Rule(25, 7, E::Only(0), "IPv6 setup"),
    Rule(25, 9, E::UpTo(127), "Push setup"),
    Rule(25, 10, E::Only(0), "NTP setup"),
    Rule(40, 0, E::Only(0), "Current association"),
    Rule(40, 0, E::UpTo(127), "Association"),
    Rule(41, 0, E::Only(0), "SAP assignment"),
    Rule(42, 0, E::Only(0), "Logical device name"),
    Rule(43, 0, E::UpTo(127), "Security setup"),
    Rule(43, 1, E::UpTo(127), "Invocation counter"),
    Rule(43, 2, E::UpTo(127), "Data protection"),
    Rule(44, 0, E::UpTo(127), "Image transfer"),
    Rule(44, 1, E::UpTo(127), "Function control"),
    Rule(66, 0, E::UpTo(127), "Compact data"),
    Rule(96, 1, E::UpTo(9), "Device identifier"),
    Rule(96, 2, E::Only(0), "Number of configuration changes"),
    Rule(96, 2, E::Only(1), "Date of the last configuration change"),
    Rule(96, 3, E::Only(1), "Input signals"),
    Rule(96, 3, E::Only(2), "Output signals"),
    Rule(96, 3, E::Only(10), "Disconnect control"),
    Rule(96, 3, E::Only(20), "Arbitrator"),
    Rule(96, 3, E::UpTo(29), "Input and output control"),
    Rule(96, 4, E::UpTo(4), "Internal control signals"),
    Rule(96, 5, E::UpTo(4), "Internal operating status"),
    Rule(96, 6, E::Only(0), "Battery use time"),
    Rule(96, 6, E::Only(1), "Battery charge"),
    Rule(96, 6, E::Only(3), "Battery voltage"),
    Rule(96, 6, E::Only(6), "Battery estimated remaining use time"),
    Rule(96, 7, E::Only(0), "Number of power failures in all phases"),
    Rule(96, 7, E::Only(9), "Number of long power failures in any phase"),
    Rule(96, 7, E::Only(21), "Number of power failures in any phase"),
    Rule(96, 7, E::UpTo(20), "Power failures"),
    Rule(96, 8, E::Only(0), "Operating time"),
    Rule(96, 8, E::UpTo(63), "Operating time of tariff"),
    Rule(96, 9, E::UpTo(2), "Temperature"),
    Rule(96, 10, E::UpTo(9), "Status register"),
    Rule(96, 11, E::UpTo(99), "Event code"),
    Rule(96, 12, E::Only(5), "GSM field strength"),
    Rule(96, 12, E::UpTo(6), "Communication port parameter"),
    Rule(96, 13, E::Only(0), "Consumer message to the port"),
    Rule(96, 13, E::Only(1), "Consumer message to the display"),
    Rule(96, 14, E::UpTo(15), "Currently active tariff"),
    Rule(96, 15, E::UpTo(99), "Event counter"),
    Rule(96, 20, E::UpTo(64), "Meter tamper event"),
    Rule(97, 98, E::UpTo(9), "Alarm register"),
    Rule(97, 98, E::UpTo(19), "Alarm filter"),
    Rule(98, 1, E::UpTo(126), "Billing data"),
];

/// For A = 1, beside the measured quantities.
const ELECTRICITY: &[Rule] = &[
    Rule(0, 0, E::UpTo(9), "Electricity identifier"),
    Rule(0, 1, E::Only(0), "Billing period counter"),
    Rule(0, 1, E::Only(2), "Time stamp of the last billing period"),
    Rule(0, 2, E::Only(0), "Configuration program version"),
    Rule(0, 2, E::Only(2), "Time switch program number"),
    Rule(0, 3, E::Only(0), "Active energy meter constant"),
    Rule(0, 3, E::Only(1), "Reactive energy meter constant"),
    Rule(0, 3, E::Only(2), "Apparent energy meter constant"),
    Rule(0, 4, E::Only(2), "Current transformer ratio"),
    Rule(0, 4, E::Only(3), "Voltage transformer ratio"),
    Rule(0, 4, E::Only(5), "Current transformer ratio denominator"),
    Rule(0, 4, E::Only(6), "Voltage transformer ratio denominator"),
    Rule(0, 6, E::Only(0), "Nominal voltage"),
    Rule(0, 6, E::Only(1), "Basic current"),
    Rule(0, 6, E::Only(2), "Nominal frequency"),
    Rule(0, 6, E::Only(3), "Maximum current"),
    Rule(0, 8, E::Only(0), "Measurement period 1"),
    Rule(0, 8, E::Only(4), "Recording interval 1"),
    Rule(0, 8, E::Only(5), "Recording interval 2"),
    Rule(98, 1, E::UpTo(126), "Billing data"),
];

/// For every A: service entries, lists and profiles.
const ANY_MEDIUM: &[Rule] = &[
    Rule(97, 97, E::UpTo(127), "Error register"),
    Rule(98, 2, E::UpTo(126), "Billing data 2"),
    Rule(99, 1, E::UpTo(127), "Load profile 1"),
    Rule(99, 2, E::UpTo(127), "Load profile 2"),
    Rule(99, 97, E::UpTo(127), "Power failure event log"),
    Rule(99, 98, E::UpTo(127), "Event log"),
];

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
            "8-0:1.0.0*255",
            "1-0:32.99.0*255",
        ] {
            assert_eq!(text(logical_name), None, "{logical_name}");
        }
    }

    #[test]
    fn no_rule_hides_behind_an_earlier_one() {
        for rules in [ABSTRACT, ELECTRICITY, ANY_MEDIUM] {
            for (index, Rule(c, d, e, name)) in rules.iter().enumerate() {
                let (E::Only(e) | E::UpTo(e)) = e;
                let first = rules.iter().position(|other| {
                    (other.0, other.1) == (*c, *d)
                        && match other.2 {
                            E::Only(only) => only == *e,
                            E::UpTo(last) => *e <= last,
                        }
                });
                assert_eq!(first, Some(index), "{name}");
            }
        }
    }
}
