//! The reading cursor.

use crate::{Malformed, MalformedKind};

/// A cursor over A-XDR octets. Every method takes from the front or fails with the offset of the
/// octet at fault and leaves the cursor where it was.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// A cursor at the first octet of `octets`.
    pub const fn new(octets: &'a [u8]) -> Self {
        Self { rest: octets, offset: 0 }
    }

    /// A cursor over a part of a larger input that starts at `offset` there, so that errors name
    /// the octet of the larger input.
    pub const fn at(octets: &'a [u8], offset: usize) -> Self {
        Self { rest: octets, offset }
    }

    /// Octets taken so far (plus the offset the cursor was made with).
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// What has not been taken yet.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether everything was taken.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// An error of `kind` at the cursor.
    pub const fn fail(&self, kind: MalformedKind) -> Malformed {
        Malformed::new(kind, self.offset)
    }

    /// Fails when octets are left.
    ///
    /// # Errors
    /// [`MalformedKind::Trailing`] at the first octet left over.
    pub const fn finish(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.fail(MalformedKind::Trailing)) }
    }

    /// Takes `count` octets.
    ///
    /// # Errors
    /// [`MalformedKind::Truncated`] when fewer are left.
    pub fn octets(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) =
            self.rest.split_at_checked(count).ok_or_else(|| self.fail(MalformedKind::Truncated))?;
        self.rest = rest;
        self.offset = self.offset.saturating_add(count);
        Ok(taken)
    }

    /// Takes `N` octets as an array.
    ///
    /// # Errors
    /// [`MalformedKind::Truncated`] when fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) =
            self.rest.split_first_chunk().ok_or_else(|| self.fail(MalformedKind::Truncated))?;
        self.rest = rest;
        self.offset = self.offset.saturating_add(N);
        Ok(*taken)
    }

    /// The next octet, left where it is.
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Takes one octet.
    ///
    /// # Errors
    /// [`MalformedKind::Truncated`] at the end of input.
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(u8::from_be_bytes)
    }

    /// Takes an Integer8.
    ///
    /// # Errors
    /// [`MalformedKind::Truncated`] at the end of input.
    pub fn i8(&mut self) -> Result<i8, Malformed> {
        self.array().map(i8::from_be_bytes)
    }

    /// Takes an Unsigned16, most significant octet first.
    ///
    /// # Errors
    /// [`MalformedKind::Truncated`] when fewer than two octets are left.
    pub fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }

    /// Takes an Integer16.
    ///
    /// # Errors
    /// [`MalformedKind::Truncated`] when fewer than two octets are left.
    pub fn i16(&mut self) -> Result<i16, Malformed> {
        self.array().map(i16::from_be_bytes)
    }

    /// Takes an Unsigned32.
    ///
    /// # Errors
    /// [`MalformedKind::Truncated`] when fewer than four octets are left.
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    /// Takes an Integer32.
    ///
    /// # Errors
    /// [`MalformedKind::Truncated`] when fewer than four octets are left.
    pub fn i32(&mut self) -> Result<i32, Malformed> {
        self.array().map(i32::from_be_bytes)
    }

    /// Takes an Unsigned64.
    ///
    /// # Errors
    /// [`MalformedKind::Truncated`] when fewer than eight octets are left.
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_be_bytes)
    }

    /// Takes an Integer64.
    ///
    /// # Errors
    /// [`MalformedKind::Truncated`] when fewer than eight octets are left.
    pub fn i64(&mut self) -> Result<i64, Malformed> {
        self.array().map(i64::from_be_bytes)
    }

    /// Takes a BOOLEAN. Any octet but zero is true: meters send 01 as well as FF.
    ///
    /// # Errors
    /// [`MalformedKind::Truncated`] at the end of input.
    pub fn boolean(&mut self) -> Result<bool, Malformed> {
        self.u8().map(|octet| octet != 0)
    }

    /// Takes the presence octet of an OPTIONAL component: 00 absent, 01 present.
    ///
    /// # Errors
    /// [`MalformedKind::UnknownChoice`] for anything else, [`MalformedKind::Truncated`] at the end.
    pub fn presence(&mut self) -> Result<bool, Malformed> {
        match self.peek() {
            Some(octet @ (0 | 1)) => {
                self.u8()?;
                Ok(octet == 1)
            }
            Some(other) => Err(self.fail(MalformedKind::UnknownChoice(other))),
            None => Err(self.fail(MalformedKind::Truncated)),
        }
    }

    /// Takes a length or count: one octet below 0x80, else 0x81..0x84 and that many octets.
    /// The result is a claim of the sender; nothing may be allocated on its word.
    ///
    /// # Errors
    /// [`MalformedKind::Length`] for 0x80 and above 0x84, [`MalformedKind::Truncated`] at the end.
    pub fn length(&mut self) -> Result<usize, Malformed> {
        let mut ahead = self.clone();
        let value = match ahead.u8()? {
            short @ 0..=0x7f => u32::from(short),
            0x81 => u32::from(ahead.u8()?),
            0x82 => u32::from(ahead.u16()?),
            0x83 => {
                let [a, b, c] = ahead.array()?;
                u32::from_be_bytes([0, a, b, c])
            }
            0x84 => ahead.u32()?,
            _ => return Err(self.fail(MalformedKind::Length)),
        };
        let value = usize::try_from(value).map_err(|_| self.fail(MalformedKind::Length))?;
        *self = ahead;
        Ok(value)
    }

    /// Takes an OCTET STRING without type tag: a length and that many octets.
    ///
    /// # Errors
    /// As [`length`](Self::length) and [`octets`](Self::octets).
    pub fn octet_string(&mut self) -> Result<&'a [u8], Malformed> {
        let mut ahead = self.clone();
        let count = ahead.length()?;
        let octets = ahead.octets(count)?;
        *self = ahead;
        Ok(octets)
    }

    /// Runs `decode` on a copy of the cursor and returns, with its result, the octets it took.
    ///
    /// # Errors
    /// Those of `decode`; the cursor then stays where it was.
    pub fn spanned<T>(
        &mut self,
        decode: impl FnOnce(&mut Self) -> Result<T, Malformed>,
    ) -> Result<(T, &'a [u8]), Malformed> {
        let start = self.rest;
        let mut ahead = self.clone();
        let value = decode(&mut ahead)?;
        let taken = start.len().saturating_sub(ahead.rest.len());
        *self = ahead;
        Ok((value, start.get(..taken).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_five_forms() {
        for (octets, length) in [
            (&[0x00][..], 0),
            (&[0x7f], 127),
            (&[0x81, 0x80], 128),
            (&[0x82, 0x01, 0x00], 256),
            (&[0x83, 0x01, 0x00, 0x00], 65_536),
            (&[0x84, 0xff, 0xff, 0xff, 0xff], 0xffff_ffff),
        ] {
            let mut reader = Reader::new(octets);
            assert_eq!(reader.length(), Ok(length));
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn a_length_of_no_form_is_refused_at_its_octet() {
        for octet in [0x80, 0x85, 0xff] {
            let octets = [0x00, octet, 0, 0, 0, 0, 0];
            let mut reader = Reader::new(&octets);
            reader.u8().unwrap();
            assert_eq!(reader.length(), Err(Malformed::new(MalformedKind::Length, 1)));
        }
    }

    #[test]
    fn an_octet_string_longer_than_the_input_is_truncation_and_takes_nothing() {
        let mut reader = Reader::new(&[0x05, 1, 2, 3, 4]);
        assert_eq!(reader.octet_string(), Err(Malformed::new(MalformedKind::Truncated, 1)));
        assert_eq!(reader.offset(), 0);
        assert_eq!(reader.rest().len(), 5);
    }

    #[test]
    fn presence_is_00_or_01_and_nothing_else() {
        assert_eq!(Reader::new(&[0]).presence(), Ok(false));
        assert_eq!(Reader::new(&[1]).presence(), Ok(true));
        assert_eq!(
            Reader::new(&[2]).presence(),
            Err(Malformed::new(MalformedKind::UnknownChoice(2), 0))
        );
    }
}
