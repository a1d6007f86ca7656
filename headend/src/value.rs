//! How a value is written on the command line, for `headend write` and `headend invoke`.
//!
//! A value is a type by its name in the standard, a colon and the text of the value:
//! `long-unsigned:230`. [`FORMS`] shows them all, as the help text does.

use dlms_core::{
    axdr::{BitStringBuf, DataBuf, NESTING_MAX, Reader},
    cosem::DateTime,
};

/// Every form of a value, for people.
pub const FORMS: &str = "\
Examples:
  headend write wrapper://192.0.2.7:4059 1:0-0:96.10.1*255:2 unsigned:3
  headend write wrapper://192.0.2.7:4059 8:0-0:1.0.0*255:2 date-time:2026-01-15T17:30:00+01:00

VALUE is a type and, after a colon, what to write:
  null                              boolean:true
  integer:-5                        unsigned:200
  long:-300                         long-unsigned:40000
  double-long:-70000                double-long-unsigned:3000000000
  long64:-1                         long64-unsigned:1
  enum:1                            bcd:42
  float32:1.5                       float64:1.5
  octet-string:0102ff               bit-string:01101
  visible-string:TEXT               utf8-string:TEXT
  date-time:2026-01-15T17:30:00     (an octet-string of 12, as clocks take it; without offset the
                                    meter's local time)
  array(V,V,...)                    structure(V,V,...)
  hex:1603                          (any value as encoded A-XDR)
Inside array() and structure() a text with a comma or parenthesis stands in double quotes:
structure(visible-string:\"a, b\",unsigned:1); a quote in it is written \\\" and a backslash \\\\.";

/// The text is not a value. What was typed is not repeated: it may be a secret to be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("VALUE, character {at}: {what}")]
pub struct ParseValueError {
    /// The character at which it goes wrong, counted from 1.
    pub at: usize,
    /// What is wrong and what to write instead.
    pub what: String,
}

/// Reads a value.
///
/// # Errors
/// [`ParseValueError`] says where and why.
pub fn parse(text: &str) -> Result<DataBuf, ParseValueError> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    match parser.rest() {
        "" => Ok(value),
        _ => Err(parser.fail("nothing may follow the value")),
    }
}

struct Parser<'a> {
    text: &'a str,
    /// Octets of `text` that were taken.
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn fail(&self, what: impl Into<String>) -> ParseValueError {
        self.fail_at(self.at, what)
    }

    fn fail_at(&self, at: usize, what: impl Into<String>) -> ParseValueError {
        let before = self.text.get(..at).unwrap_or(self.text);
        ParseValueError { at: before.chars().count() + 1, what: what.into() }
    }

    fn skip_spaces(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches(' ').len();
    }

    /// Takes `expected` if it is next.
    fn takes(&mut self, expected: char) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len_utf8();
        }
        found
    }

    /// A value `depth` arrays or structures deep.
    fn value(&mut self, depth: usize) -> Result<DataBuf, ParseValueError> {
        if depth > NESTING_MAX {
            return Err(self.fail(format!("nested deeper than {NESTING_MAX}")));
        }
        let start = self.at;
        let name_end = self
            .rest()
            .find(|char: char| !(char.is_ascii_alphanumeric() || char == '-'))
            .unwrap_or_else(|| self.rest().len());
        let name = &self.rest()[..name_end];
        self.at += name_end;
        match name {
            "null" | "null-data" => Ok(DataBuf::Null),
            "array" => self.elements(depth).map(DataBuf::Array),
            "structure" => self.elements(depth).map(DataBuf::Structure),
            _ => {
                if !self.takes(':') {
                    let what = match name {
                        "" => "write a type first, such as unsigned:3",
                        _ => {
                            "write the type and its value with a colon between, such as unsigned:3"
                        }
                    };
                    return Err(self.fail_at(start, what));
                }
                let text_start = self.at;
                let text = self.text(depth > 0)?;
                scalar(name, &text).map_err(|fault| match fault {
                    Fault::Type => {
                        self.fail_at(start, "no such type; `headend write --help` lists the types")
                    }
                    Fault::Text(what) => self.fail_at(text_start, what),
                })
            }
        }
    }

    fn elements(&mut self, depth: usize) -> Result<Vec<DataBuf>, ParseValueError> {
        let mut elements = Vec::new();
        if !self.takes('(') {
            return Err(self.fail("write the elements in parentheses: structure(unsigned:1,null)"));
        }
        self.skip_spaces();
        if self.takes(')') {
            return Ok(elements);
        }
        loop {
            self.skip_spaces();
            elements.push(self.value(depth + 1)?);
            self.skip_spaces();
            if self.takes(')') {
                return Ok(elements);
            }
            if !self.takes(',') {
                return Err(self.fail("a comma or a closing parenthesis is missing"));
            }
        }
    }

    /// The text of a scalar: to the end of the input, or inside parentheses to the next comma or
    /// parenthesis; or what stands between double quotes.
    fn text(&mut self, nested: bool) -> Result<String, ParseValueError> {
        if self.takes('"') {
            return self.quoted();
        }
        let rest = self.rest();
        let end = if nested { rest.find([',', ')']).unwrap_or(rest.len()) } else { rest.len() };
        self.at += end;
        let text = &rest[..end];
        Ok(if nested { text.trim_end_matches(' ') } else { text }.to_owned())
    }

    fn quoted(&mut self) -> Result<String, ParseValueError> {
        let mut text = String::new();
        let mut escaped = false;
        for (offset, char) in self.rest().char_indices() {
            match char {
                _ if escaped => {
                    text.push(char);
                    escaped = false;
                }
                '\\' => escaped = true,
                '"' => {
                    self.at += offset + 1;
                    return Ok(text);
                }
                _ => text.push(char),
            }
        }
        self.at = self.text.len();
        Err(self.fail("the closing quote is missing"))
    }
}

enum Fault {
    Type,
    Text(String),
}

fn scalar(name: &str, text: &str) -> Result<DataBuf, Fault> {
    Ok(match name {
        "boolean" => DataBuf::Boolean(match text {
            "true" | "1" => true,
            "false" | "0" => false,
            _ => return Err(Fault::Text("write true or false".into())),
        }),
        "integer" => DataBuf::Integer(number(text, i8::MIN, i8::MAX)?),
        "unsigned" => DataBuf::Unsigned(number(text, u8::MIN, u8::MAX)?),
        "long" => DataBuf::Long(number(text, i16::MIN, i16::MAX)?),
        "long-unsigned" => DataBuf::LongUnsigned(number(text, u16::MIN, u16::MAX)?),
        "double-long" => DataBuf::DoubleLong(number(text, i32::MIN, i32::MAX)?),
        "double-long-unsigned" => DataBuf::DoubleLongUnsigned(number(text, u32::MIN, u32::MAX)?),
        "long64" => DataBuf::Long64(number(text, i64::MIN, i64::MAX)?),
        "long64-unsigned" => DataBuf::Long64Unsigned(number(text, u64::MIN, u64::MAX)?),
        "enum" => DataBuf::Enum(number(text, u8::MIN, u8::MAX)?),
        "bcd" => DataBuf::Bcd(match *text.as_bytes() {
            [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => (tens - b'0') << 4 | (ones - b'0'),
            _ => return Err(Fault::Text("write two decimal digits".into())),
        }),
        "float32" => DataBuf::Float32(float(text)?),
        "float64" => DataBuf::Float64(float(text)?),
        "octet-string" => DataBuf::OctetString(octets(text)?),
        "visible-string" if !text.is_ascii() => {
            let what = "a visible-string is ASCII; write utf8-string:TEXT for other letters";
            return Err(Fault::Text(what.into()));
        }
        "visible-string" => DataBuf::VisibleString(text.into()),
        "utf8-string" => DataBuf::Utf8String(text.into()),
        "bit-string" => DataBuf::BitString(bits(text)?),
        "date-time" => {
            let date_time: DateTime = text.parse().map_err(|_| {
                Fault::Text("write 2026-01-15T17:30:00 or 2026-01-15T17:30:00+01:00".into())
            })?;
            DataBuf::OctetString(date_time.octets().to_vec())
        }
        "hex" => {
            let octets = octets(text)?;
            let mut reader = Reader::new(&octets);
            let value = DataBuf::decode(&mut reader);
            value.and_then(|value| reader.finish().map(|()| value)).map_err(|malformed| {
                Fault::Text(format!("these octets are not one encoded value: {malformed}"))
            })?
        }
        _ => return Err(Fault::Type),
    })
}

fn number<T: core::str::FromStr + core::fmt::Display>(
    text: &str,
    min: T,
    max: T,
) -> Result<T, Fault> {
    text.parse().map_err(|_| Fault::Text(format!("write a whole number from {min} to {max}")))
}

fn float<T: core::str::FromStr>(text: &str) -> Result<T, Fault> {
    text.parse().map_err(|_| Fault::Text("write a number such as 1.5".into()))
}

fn octets(text: &str) -> Result<Vec<u8>, Fault> {
    crate::hex::parse(text)
        .ok_or_else(|| Fault::Text("write two hexadecimal digits for each octet: 0102ff".into()))
}

fn bits(text: &str) -> Result<BitStringBuf, Fault> {
    if text.bytes().all(|digit| matches!(digit, b'0' | b'1')) {
        Ok(BitStringBuf::from_bits(text.bytes().map(|digit| digit == b'1')))
    } else {
        Err(Fault::Text("write the bits from the left: 01101".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The encoded value, in hexadecimal.
    fn encoded(text: &str) -> String {
        crate::hex::text(&parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).to_octets())
    }

    #[test]
    fn every_type_is_written_by_its_name() {
        for (text, octets) in [
            ("null", "00"),
            ("boolean:true", "03ff"),
            ("boolean:false", "0300"),
            ("integer:0", "0f00"),
            ("integer:-128", "0f80"),
            ("unsigned:3", "1103"),
            ("long:-2", "10fffe"),
            ("long-unsigned:230", "1200e6"),
            ("double-long:-1", "05ffffffff"),
            ("double-long-unsigned:1234567", "060012d687"),
            ("long64:-1", "14ffffffffffffffff"),
            ("long64-unsigned:18446744073709551615", "15ffffffffffffffff"),
            ("enum:1", "1601"),
            ("bcd:42", "0d42"),
            ("float32:1.5", "173fc00000"),
            ("float64:-2", "18c000000000000000"),
            ("octet-string:0102ff", "09030102ff"),
            ("octet-string:", "0900"),
            ("visible-string:A,b)", "0a04412c6229"),
            ("utf8-string:é", "0c02c3a9"),
            ("bit-string:100000001", "04098080"),
            ("hex:1603", "1603"),
        ] {
            assert_eq!(encoded(text), octets, "{text}");
        }
    }

    #[test]
    fn a_date_time_is_an_octet_string_of_12_as_clocks_take_it() {
        // Thursday; 01:00 east of UTC is a deviation of -60 minutes.
        assert_eq!(encoded("date-time:2026-01-15T17:30:00+01:00"), "090c07ea010f04111e0000ffc400");
        assert_eq!(&encoded("date-time:2026-01-15T17:30:00")[..22], "090c07ea010f04111e0000");
    }

    #[test]
    fn arrays_and_structures_nest() {
        assert_eq!(encoded("array()"), "0100");
        assert_eq!(encoded("structure(unsigned:1,null)"), "0202110100");
        assert_eq!(
            encoded(r#"structure( visible-string:"a, \"b\")" , array(long:1,long:2) )"#),
            "02020a07612c20226222290102100001100002"
        );
    }

    #[test]
    fn an_error_says_where_and_what_to_write() {
        for (text, at, what) in [
            ("", 1, "write a type first"),
            ("3", 1, "write the type and its value"),
            ("unsigned", 1, "write the type and its value"),
            ("byte:3", 1, "no such type"),
            ("unsigned:256", 10, "from 0 to 255"),
            ("unsigned:-1", 10, "from 0 to 255"),
            ("unsigned:", 10, "from 0 to 255"),
            ("octet-string:0", 14, "two hexadecimal digits"),
            ("octet-string:zz", 14, "two hexadecimal digits"),
            ("visible-string:é", 16, "utf8-string"),
            ("bit-string:012", 12, "bits from the left"),
            ("date-time:tomorrow", 11, "2026-01-15"),
            ("hex:16", 5, "not one encoded value"),
            ("hex:160300", 5, "not one encoded value"),
            ("structure", 10, "in parentheses"),
            ("structure(unsigned:1", 21, "a comma or a closing"),
            ("structure(unsigned:1,byte:2)", 22, "no such type"),
            (r#"array(visible-string:"x)"#, 25, "closing quote"),
            ("structure(null)x", 16, "nothing may follow"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.at, at, "{text}: {error}");
            assert!(error.what.contains(what), "{text}: {error}");
        }
    }

    #[test]
    fn nesting_ends_where_the_encoding_ends() {
        let nested = |depth: usize| format!("{}null{}", "array(".repeat(depth), ")".repeat(depth));
        assert!(parse(&nested(NESTING_MAX)).is_ok());
        assert!(parse(&nested(NESTING_MAX + 1)).is_err());
    }
}
