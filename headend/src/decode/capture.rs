//! Octets as people write them down: runs of hexadecimal digits with blanks, commas, colons or line
//! ends between, `0x7E, 0xA0`, `\x7e\xa0`, and the dumps of `xxd` and `hexdump -C`.

/// Digits at least in front of the colon of a line of `xxd`. An octet with a colon has two.
const OFFSET_DIGITS_MIN: usize = 4;

/// What cannot be read as octets, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, character {character}: {what}")]
pub(crate) struct NotHex {
    line: usize,
    character: usize,
    what: &'static str,
}

/// The octets that `text` writes down.
///
/// # Errors
/// [`NotHex`] at the first character that cannot be part of them.
pub(crate) fn parse(text: &str) -> Result<Vec<u8>, NotHex> {
    let mut octets = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let (start, dump) = without_margins(line);
        let at = |offset: usize| line[..start + offset].chars().count() + 1;
        for (offset, word) in words(dump) {
            let fail = |what| NotHex { line: index + 1, character: at(offset), what };
            parse_word(word, &mut octets).map_err(fail)?;
        }
    }
    Ok(octets)
}

/// A line of a dump without its offset and its text column, and where that begins.
fn without_margins(line: &str) -> (usize, &str) {
    if let Some((offset, rest)) = line.split_once(": ") {
        let digits = offset.trim_start();
        if digits.len() >= OFFSET_DIGITS_MIN && is_hex(digits) {
            // xxd separates its text column with two blanks.
            let rest = rest.trim_start();
            let start = line.len() - rest.len();
            return (start, rest.split("  ").next().unwrap_or(rest));
        }
    }
    if let (Some(bar), Some((offset, _))) = (line.find('|'), line.split_once("  "))
        && is_hex(offset)
    {
        return (offset.len(), line.get(offset.len()..bar).unwrap_or_default());
    }
    (0, line)
}

/// Words and where they begin. Whatever separates octets in programs and mails separates words.
fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let separator = |c: char| c.is_whitespace() || ",;:-_\"'()[]{}".contains(c);
    line.split(separator)
        .map(move |word| (word.as_ptr().addr() - line.as_ptr().addr(), word))
        .filter(|(_, word)| !word.is_empty())
}

fn parse_word(word: &str, octets: &mut Vec<u8>) -> Result<(), &'static str> {
    let escaped = word.split("\\x").flat_map(|part| part.split("0x")).flat_map(|p| p.split("0X"));
    for digits in escaped.filter(|digits| !digits.is_empty()) {
        if !is_hex(digits) {
            return Err("not a hexadecimal digit");
        }
        // 0x7 is an octet; a lone 7 in a row of pairs is a slip.
        let single = digits.len() == 1 && digits.len() < word.len();
        let padded = if single { format!("0{digits}") } else { digits.to_owned() };
        octets.extend(crate::hex::parse(&padded).ok_or("an odd number of digits")?);
    }
    Ok(())
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_read_however_they_are_written() {
        for text in [
            "7ea00703",
            "7E A0 07 03",
            "7e:a0:07:03",
            "7e-a0-07-03",
            "7ea0\n  0703\r\n",
            "0x7e, 0xA0, 0x7, 0X03",
            "[0x7e, 0xa0, 0x07, 0x03]",
            "\"\\x7e\\xa0\\x07\\x03\"",
            "00000000: 7ea0 0703                                ~...",
            "00000000  7e a0 07 03                                       |~...|",
            "0000: 7e a0\n0002: 07 03",
        ] {
            assert_eq!(parse(text), Ok(vec![0x7e, 0xa0, 0x07, 0x03]), "{text}");
        }
        assert_eq!(parse(""), Ok(vec![]));
    }

    #[test]
    fn what_is_no_octet_is_named_with_its_place() {
        for (text, line, character) in [
            ("7e a0 7", 1, 7),
            ("7e\nxx", 2, 1),
            ("7e é", 1, 4),
            ("00000000: 7ea0 zz", 1, 16),
            ("0xé", 1, 1),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!((error.line, error.character), (line, character), "{text}: {error}");
        }
    }
}
