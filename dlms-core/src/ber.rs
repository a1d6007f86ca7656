//! BER, as much of it as ACSE needs (ISO/IEC 8825-1; used by IEC 62056-5-3 clause 8).
//!
//! AARQ, AARE, RLRQ and RLRE are the only BER in DLMS/COSEM. All their tags fit one octet and all
//! their lengths are definite, and those have the same form as A-XDR lengths; so [`Element`] stands
//! on the A-XDR cursor, which also counts the offsets that errors name.

use alloc::vec::Vec;

use crate::{
    Malformed, MalformedKind,
    axdr::{Reader, Writer},
};

/// The tag of a universal INTEGER.
pub const INTEGER: u8 = 0x02;
/// The tag of a universal OCTET STRING.
pub const OCTET_STRING: u8 = 0x04;
/// The tag of a universal OBJECT IDENTIFIER.
pub const OBJECT_IDENTIFIER: u8 = 0x06;

/// Tag number bits that announce a tag of more than one octet.
const LONG_TAG: u8 = 0x1f;

/// One tag, length and contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// The identifier octet: class, constructed bit and number.
    pub tag: u8,
    /// The contents octets.
    pub contents: &'a [u8],
    /// Where the contents start in the input.
    pub offset: usize,
}

impl<'a> Element<'a> {
    /// Takes one element.
    ///
    /// # Errors
    /// [`MalformedKind::UnknownTag`] for a tag of more than one octet, [`MalformedKind::Length`]
    /// for an indefinite length or one of more than four octets, [`MalformedKind::Truncated`] when
    /// the contents are longer than the input. The cursor then stays where it was.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut ahead = reader.clone();
        let tag = ahead.u8()?;
        if tag & LONG_TAG == LONG_TAG {
            return Err(reader.fail(MalformedKind::UnknownTag(tag)));
        }
        let length = ahead.length()?;
        let offset = ahead.offset();
        let contents = ahead.octets(length)?;
        *reader = ahead;
        Ok(Self { tag, contents, offset })
    }

    /// Takes one element, which must have this tag.
    ///
    /// # Errors
    /// [`MalformedKind::UnknownTag`] for another tag; else as [`decode`](Self::decode).
    pub fn decode_tagged(reader: &mut Reader<'a>, tag: u8) -> Result<Self, Malformed> {
        match reader.peek() {
            Some(found) if found != tag => Err(reader.fail(MalformedKind::UnknownTag(found))),
            _ => Self::decode(reader),
        }
    }

    /// A cursor over the contents.
    pub const fn reader(&self) -> Reader<'a> {
        Reader::at(self.contents, self.offset)
    }

    /// The one element that an explicit tag holds.
    ///
    /// # Errors
    /// As [`decode_tagged`](Self::decode_tagged), and [`MalformedKind::Trailing`] when more than
    /// that element is inside.
    pub fn only(&self, tag: u8) -> Result<Self, Malformed> {
        let mut reader = self.reader();
        let element = Self::decode_tagged(&mut reader, tag)?;
        reader.finish()?;
        Ok(element)
    }

    /// The contents as an INTEGER of at most four octets, whatever the tag says.
    ///
    /// # Errors
    /// [`MalformedKind::Length`] when the contents are empty or longer.
    pub fn integer(&self) -> Result<i32, Malformed> {
        match *self.contents {
            [a] => Ok(i32::from(i8::from_be_bytes([a]))),
            [a, b] => Ok(i32::from(i16::from_be_bytes([a, b]))),
            // Shifting down again extends the sign over the octet that is not there.
            [a, b, c] => Ok(i32::from_be_bytes([a, b, c, 0]) >> 8),
            [a, b, c, d] => Ok(i32::from_be_bytes([a, b, c, d])),
            _ => Err(Malformed::new(MalformedKind::Length, self.offset)),
        }
    }

    /// The contents as an INTEGER that holds one of the codes 0..255.
    ///
    /// # Errors
    /// As [`integer`](Self::integer), and [`MalformedKind::Value`] outside that range.
    pub fn code(&self) -> Result<u8, Malformed> {
        u8::try_from(self.integer()?).map_err(|_| Malformed::new(MalformedKind::Value, self.offset))
    }

    /// Whether the contents, taken as a BIT STRING, have bit 0 set. That is the first bit, and the
    /// only one that the named bit strings of ACSE define.
    ///
    /// # Errors
    /// [`MalformedKind::Length`] when not even the count of unused bits is there.
    pub fn first_bit(&self) -> Result<bool, Malformed> {
        match *self.contents {
            // Eight unused bits of one octet leave no bit.
            [unused, first, ..] => Ok(unused < 8 && first & 0x80 != 0),
            [_] => Ok(false),
            [] => Err(Malformed::new(MalformedKind::Length, self.offset)),
        }
    }
}

/// Appends an element with these contents.
pub fn encode(writer: &mut Writer<'_>, tag: u8, contents: &[u8]) {
    writer.u8(tag);
    writer.octet_string(contents);
}

/// Appends an element whose contents `fill` writes.
pub fn encode_constructed(writer: &mut Writer<'_>, tag: u8, fill: impl FnOnce(&mut Writer<'_>)) {
    let mut contents = Vec::new();
    fill(&mut Writer::new(&mut contents));
    encode(writer, tag, &contents);
}

/// Appends an INTEGER under `tag`, in as few octets as it needs.
pub fn encode_integer(writer: &mut Writer<'_>, tag: u8, value: i32) {
    let [a, b, c, d] = value.to_be_bytes();
    if let Ok(value) = i8::try_from(value) {
        encode(writer, tag, &value.to_be_bytes());
    } else if i16::try_from(value).is_ok() {
        encode(writer, tag, &[c, d]);
    } else if i32::from_be_bytes([b, c, d, 0]) >> 8 == value {
        encode(writer, tag, &[b, c, d]);
    } else {
        encode(writer, tag, &[a, b, c, d]);
    }
}

/// Appends a BIT STRING of one bit under `tag`.
pub fn encode_first_bit(writer: &mut Writer<'_>, tag: u8, bit: bool) {
    // Seven bits of the octet are unused.
    encode(writer, tag, &[7, if bit { 0x80 } else { 0 }]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(octets: &[u8]) -> Result<Element<'_>, Malformed> {
        Element::decode(&mut Reader::new(octets))
    }

    #[test]
    fn an_element_is_tag_length_and_contents_and_leaves_the_rest() {
        let mut reader = Reader::new(&[0xa3, 0x03, 0x02, 0x01, 0x0e, 0xbe]);
        let element = Element::decode(&mut reader).unwrap();
        assert_eq!(element, Element { tag: 0xa3, contents: &[0x02, 0x01, 0x0e], offset: 2 });
        assert_eq!(element.only(INTEGER).unwrap().integer(), Ok(14));
        assert_eq!(reader.rest(), [0xbe]);
    }

    #[test]
    fn a_length_may_have_up_to_four_octets() {
        for octets in [
            &[0x04, 0x02, 0xaa, 0xbb][..],
            &[0x04, 0x81, 0x02, 0xaa, 0xbb],
            &[0x04, 0x82, 0x00, 0x02, 0xaa, 0xbb],
            &[0x04, 0x83, 0x00, 0x00, 0x02, 0xaa, 0xbb],
            &[0x04, 0x84, 0x00, 0x00, 0x00, 0x02, 0xaa, 0xbb],
        ] {
            assert_eq!(decode(octets).unwrap().contents, [0xaa, 0xbb]);
        }
    }

    #[test]
    fn an_indefinite_length_is_refused_at_the_length() {
        let indefinite = [0x60, 0x80, 0x00, 0x00];
        assert_eq!(decode(&indefinite), Err(Malformed::new(MalformedKind::Length, 1)));
        let five = [0x60, 0x85, 0x00, 0x00, 0x00, 0x00, 0x00];
        assert_eq!(decode(&five), Err(Malformed::new(MalformedKind::Length, 1)));
    }

    #[test]
    fn an_announced_length_larger_than_the_input_is_truncation_not_allocation() {
        let octets = [0x04, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00];
        assert_eq!(decode(&octets), Err(Malformed::new(MalformedKind::Truncated, 6)));
    }

    #[test]
    fn a_tag_of_two_octets_is_refused() {
        assert_eq!(
            decode(&[0x5f, 0x1f, 0x00]),
            Err(Malformed::new(MalformedKind::UnknownTag(0x5f), 0))
        );
    }

    #[test]
    fn an_explicit_tag_holds_one_element_and_nothing_else() {
        let two = decode(&[0xa2, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00]).unwrap();
        assert_eq!(two.only(INTEGER), Err(Malformed::new(MalformedKind::Trailing, 5)));
        assert_eq!(two.only(OCTET_STRING), Err(Malformed::new(MalformedKind::UnknownTag(0x02), 2)));
    }

    #[test]
    fn an_integer_is_signed_and_as_short_as_can_be() {
        for (value, octets) in [
            (0, &[0x02, 0x01, 0x00][..]),
            (127, &[0x02, 0x01, 0x7f]),
            (128, &[0x02, 0x02, 0x00, 0x80]),
            (-1, &[0x02, 0x01, 0xff]),
            (-129, &[0x02, 0x02, 0xff, 0x7f]),
            (-32_769, &[0x02, 0x03, 0xff, 0x7f, 0xff]),
            (0x0080_0000, &[0x02, 0x04, 0x00, 0x80, 0x00, 0x00]),
            (i32::MIN, &[0x02, 0x04, 0x80, 0x00, 0x00, 0x00]),
        ] {
            let mut out = Vec::new();
            encode_integer(&mut Writer::new(&mut out), INTEGER, value);
            assert_eq!(out, octets);
            assert_eq!(decode(octets).unwrap().integer(), Ok(value));
        }
    }

    #[test]
    fn an_integer_without_octets_or_with_five_is_refused() {
        assert_eq!(
            decode(&[0x02, 0x00]).unwrap().integer(),
            Err(Malformed::new(MalformedKind::Length, 2))
        );
        assert_eq!(
            decode(&[0x02, 0x05, 0, 0, 0, 0, 1]).unwrap().integer(),
            Err(Malformed::new(MalformedKind::Length, 2))
        );
    }

    #[test]
    fn a_code_is_not_negative_and_fits_an_octet() {
        assert_eq!(decode(&[0x02, 0x02, 0x00, 0xfa]).unwrap().code(), Ok(250));
        for octets in [&[0x02, 0x01, 0xff][..], &[0x02, 0x02, 0x01, 0x00]] {
            assert_eq!(
                decode(octets).unwrap().code(),
                Err(Malformed::new(MalformedKind::Value, 2))
            );
        }
    }

    #[test]
    fn the_first_bit_of_a_bit_string_is_the_most_significant_one() {
        assert_eq!(decode(&[0x8a, 0x02, 0x07, 0x80]).unwrap().first_bit(), Ok(true));
        assert_eq!(decode(&[0x8a, 0x02, 0x06, 0x40]).unwrap().first_bit(), Ok(false));
        assert_eq!(decode(&[0x8a, 0x01, 0x00]).unwrap().first_bit(), Ok(false));
        assert_eq!(
            decode(&[0x8a, 0x00]).unwrap().first_bit(),
            Err(Malformed::new(MalformedKind::Length, 2))
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(tag in 0_u8..0x1f, contents: Vec<u8>, value: i32) {
            let mut out = Vec::new();
            encode_constructed(&mut Writer::new(&mut out), 0xa0, |writer| {
                encode(writer, tag, &contents);
                encode_integer(writer, INTEGER, value);
            });
            let mut inside = decode(&out).unwrap().reader();
            let first = Element::decode(&mut inside).unwrap();
            prop_assert_eq!((first.tag, first.contents), (tag, &contents[..]));
            prop_assert_eq!(Element::decode(&mut inside).unwrap().integer(), Ok(value));
            prop_assert!(inside.is_empty());
        }
    }
}
