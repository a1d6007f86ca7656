//! Octets as hexadecimal digits, as people type and read them.

use core::fmt::Write;

/// Two lower-case digits for each octet.
pub(crate) fn text(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut text, octet| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// The octets of `text`: two digits each, of either case. None for anything else.
pub(crate) fn parse(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_written_and_read_back() {
        assert_eq!(text(&[0x00, 0x1f, 0xff]), "001fff");
        assert_eq!(parse("001FfF"), Some(vec![0x00, 0x1f, 0xff]));
        assert_eq!(parse(""), Some(vec![]));
        for wrong in ["0", "0g", "é", "0 00", "+1"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
