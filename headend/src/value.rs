//! How a value is written on the command line, for `headend write` and `headend invoke`.
//!
//! A value is a type by its name in the standard, a colon and the text of the value:
//! `long-unsigned:230`. [`FORMS`] shows them all, as the help text does.

use std::borrow::Cow;

use dlms_core::{
    axdr::{BitStringBuf, DataBuf, NESTING_MAX, Reader},
    cosem::DateTime,
};
use nom::{
    Finish, IResult, Parser,
    branch::alt,
    bytes::complete::{take_till, take_while},
    character::complete::{anychar, char, none_of, space0},
    combinator::eof,
    error::{ErrorKind, ParseError},
    multi::{fold_many0, separated_list1},
    sequence::{delimited, preceded, terminated},
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
    let end = expect(eof, "nothing may follow the value");
    match terminated(|input| value(input, 0), end).parse(text).finish() {
        Ok((_, value)) => Ok(value),
        Err(Complaint { at, what }) => {
            let before = text.len() - at.len();
            let at = text.get(..before).unwrap_or(text).chars().count() + 1;
            Err(ParseValueError { at, what: what.into() })
        }
    }
}

/// What the grammar says against a text.
struct Complaint<'a> {
    /// The text from where it goes wrong to its end.
    at: &'a str,
    what: Cow<'static, str>,
}

impl<'a> ParseError<&'a str> for Complaint<'a> {
    fn from_error_kind(at: &'a str, _: ErrorKind) -> Self {
        Self { at, what: "this is not a value".into() }
    }

    fn append(_: &'a str, _: ErrorKind, inner: Self) -> Self {
        inner
    }
}

/// Gives up with a complaint: no alternative is tried.
fn fail<'a, T>(
    at: &'a str,
    what: impl Into<Cow<'static, str>>,
) -> IResult<&'a str, T, Complaint<'a>> {
    Err(nom::Err::Failure(Complaint { at, what: what.into() }))
}

/// What `parser` takes, or else the complaint `what`.
fn expect<'a, O>(
    mut parser: impl Parser<&'a str, Output = O, Error = Complaint<'a>>,
    what: &'static str,
) -> impl FnMut(&'a str) -> IResult<&'a str, O, Complaint<'a>> {
    move |input| match parser.parse(input) {
        Err(nom::Err::Error(_)) => fail(input, what),
        parsed => parsed,
    }
}

/// A value `depth` arrays or structures deep: `null`, `array(V,...)`, `structure(V,...)`, or a
/// type, a colon and a text.
fn value(input: &str, depth: usize) -> IResult<&str, DataBuf, Complaint<'_>> {
    if depth > NESTING_MAX {
        return fail(input, format!("nested deeper than {NESTING_MAX}"));
    }
    let (after, name) =
        take_while(|char: char| char.is_ascii_alphanumeric() || char == '-')(input)?;
    match name {
        "null" | "null-data" => Ok((after, DataBuf::Null)),
        "array" => elements(after, depth).map(|(rest, values)| (rest, DataBuf::Array(values))),
        "structure" => {
            elements(after, depth).map(|(rest, values)| (rest, DataBuf::Structure(values)))
        }
        _ => {
            let Some(literal) = after.strip_prefix(':') else {
                let what = match name {
                    "" => "write a type first, such as unsigned:3",
                    _ => "write the type and its value with a colon between, such as unsigned:3",
                };
                return fail(input, what);
            };
            let (rest, text) = text(literal, depth > 0)?;
            match scalar(name, &text) {
                Ok(value) => Ok((rest, value)),
                Err(Fault::Type) => {
                    fail(input, "no such type; `headend write --help` lists the types")
                }
                Err(Fault::Text(what)) => fail(literal, what),
            }
        }
    }
}

/// The elements of an array or structure, in parentheses, with a comma between.
fn elements(input: &str, depth: usize) -> IResult<&str, Vec<DataBuf>, Complaint<'_>> {
    let open = "write the elements in parentheses: structure(unsigned:1,null)";
    let close = "a comma or a closing parenthesis is missing";
    let element = terminated(|input| value(input, depth + 1), space0);
    preceded(
        expect((char('('), space0), open),
        alt((
            char(')').map(|_| Vec::new()),
            terminated(separated_list1((char(','), space0), element), expect(char(')'), close)),
        )),
    )
    .parse(input)
}

/// The text of a scalar: to the end of the input, or inside parentheses to the next comma or
/// parenthesis; or what stands between double quotes.
fn text(input: &str, nested: bool) -> IResult<&str, Cow<'_, str>, Complaint<'_>> {
    let bare = take_till(|char| nested && matches!(char, ',' | ')'))
        .map(|text: &str| if nested { text.trim_end_matches(' ') } else { text });
    alt((quoted.map(Cow::Owned), bare.map(Cow::Borrowed))).parse(input)
}

/// Text in double quotes; a backslash makes a character of the one after it.
fn quoted(input: &str) -> IResult<&str, String, Complaint<'_>> {
    let character = alt((preceded(char('\\'), anychar), none_of("\\\"")));
    delimited(
        char('"'),
        fold_many0(character, String::new, |mut text, character| {
            text.push(character);
            text
        }),
        expect(char('"'), "the closing quote is missing"),
    )
    .parse(input)
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
            (r#"utf8-string:"é"x"#, 16, "nothing may follow"),
            (r#"array(visible-string:"x"y)"#, 25, "a comma or a closing"),
            ("array(null,)", 12, "write a type first"),
            ("array(null", 11, "a comma or a closing"),
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
