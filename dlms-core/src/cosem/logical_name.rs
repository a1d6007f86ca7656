//! Logical names: six octets whose meaning is OBIS (IEC 62056-6-1).

use core::{fmt, str::FromStr};

use crate::axdr::{Data, DataBuf};

/// The name of a COSEM object. Its text is OBIS: `1-0:1.8.0*255`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogicalName(pub [u8; 6]);

impl LogicalName {
    /// The clock of the device.
    pub const CLOCK: Self = Self([0, 0, 1, 0, 0, 255]);
    /// The association that this very connection uses.
    pub const CURRENT_ASSOCIATION: Self = Self([0, 0, 40, 0, 0, 255]);
    /// The SAP assignment list of the physical device.
    pub const SAP_ASSIGNMENT: Self = Self([0, 0, 41, 0, 0, 255]);
    /// The logical device name.
    pub const LOGICAL_DEVICE_NAME: Self = Self([0, 0, 42, 0, 0, 255]);
    /// The invocation counter of the unicast encryption key, as most meters publish it.
    pub const INVOCATION_COUNTER: Self = Self([0, 0, 43, 1, 0, 255]);

    /// An octet-string of six octets.
    pub fn from_data(data: &Data<'_>) -> Option<Self> {
        data.as_octets()?.try_into().ok().map(Self)
    }

    /// An octet-string of six octets.
    pub fn to_data(&self) -> DataBuf {
        DataBuf::octet_string(self.0)
    }
}

/// `A-B:C.D.E*F`.
impl fmt::Display for LogicalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a}-{b}:{c}.{d}.{e}*{g}")
    }
}

/// The text is not a logical name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a logical name: write six numbers 0..255 as A-B:C.D.E*F or A.B.C.D.E.F, \
     or five as A-B:C.D.E"
)]
pub struct ParseLogicalNameError;

/// Reads `1-0:1.8.0*255`, `1.0.1.8.0.255`, and `1-0:1.8.0`, whose sixth number is then 255.
impl FromStr for LogicalName {
    type Err = ParseLogicalNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let dashed = text.contains('-');
        let mut octets = [255; 6];
        let mut count = 0_usize;
        let mut rest = text;
        // The separator after each of the six numbers, in the OBIS form.
        for (slot, separator) in octets.iter_mut().zip(['-', ':', '.', '.', '*', '\0']) {
            let separator = if dashed || separator == '\0' { separator } else { '.' };
            let (number, after) = match rest.split_once(separator) {
                Some((number, after)) => (number, Some(after)),
                // F may be separated by a dot as well, and may be missing.
                None if separator == '*' => match rest.split_once('.') {
                    Some((number, after)) => (number, Some(after)),
                    None => (rest, None),
                },
                None => (rest, None),
            };
            if number.is_empty() || !number.bytes().all(|digit| digit.is_ascii_digit()) {
                return Err(ParseLogicalNameError);
            }
            *slot = number.parse().map_err(|_| ParseLogicalNameError)?;
            count = count.saturating_add(1);
            match after {
                Some(after) => rest = after,
                None => {
                    rest = "";
                    break;
                }
            }
        }
        let complete = count == 6 || (count == 5 && dashed);
        if complete && rest.is_empty() { Ok(Self(octets)) } else { Err(ParseLogicalNameError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn text_is_read_in_both_forms_and_written_as_obis() {
        let energy = LogicalName([1, 0, 1, 8, 0, 255]);
        for text in ["1-0:1.8.0*255", "1.0.1.8.0.255", "1-0:1.8.0", "1-0:1.8.0.255"] {
            assert_eq!(text.parse(), Ok(energy), "{text}");
        }
        assert_eq!(energy.to_string(), "1-0:1.8.0*255");
    }

    #[test]
    fn what_is_not_six_numbers_is_refused() {
        for text in [
            "",
            "1",
            "1.8.0",
            "1.0.1.8.0",
            "1-0:1.8.0*256",
            "1-0:1.8.0*",
            "1-0:1.8.0*255*1",
            "a-b:c",
            "1-0:+1.8.0",
            "1.0.1.8.0.255.3",
        ] {
            assert_eq!(text.parse::<LogicalName>(), Err(ParseLogicalNameError), "{text}");
        }
    }
}
