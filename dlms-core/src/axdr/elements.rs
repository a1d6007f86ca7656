//! The elements of an array, a structure or a compact-array, one at a time.

use core::fmt;

use super::{
    CompactArrayRules, Data, Reader, Writer,
    compact_array::{skip_described, take_described},
    raw::skip,
};
use crate::Malformed;

/// What is left of an array or structure: an iterator that decodes one element at a time and holds
/// nothing but a cursor. After an error it yields no more.
#[derive(Clone)]
pub struct Elements<'a> {
    reader: Reader<'a>,
    remaining: usize,
    form: Form<'a>,
}

/// Where the types of the elements are written.
#[derive(Clone, Copy)]
enum Form<'a> {
    /// Before each element.
    Tagged,
    /// In a list of type descriptions, one for each element (structure in a compact-array).
    Members(&'a [u8], CompactArrayRules),
    /// In one type description for all elements (array in a compact-array, and that itself).
    Repeated(&'a [u8], CompactArrayRules),
}

impl<'a> Elements<'a> {
    /// Takes a count and that many tagged elements; finds their end by walking them.
    pub(super) fn take_tagged(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let remaining = reader.length()?;
        let offset = reader.offset();
        let ((), octets) = reader.spanned(|reader| {
            for _ in 0..remaining {
                skip(reader, 1)?;
            }
            Ok(())
        })?;
        Ok(Self { reader: Reader::at(octets, offset), remaining, form: Form::Tagged })
    }

    /// Takes a count; its tagged elements are known to be all the rest.
    pub(super) fn rest_tagged(mut reader: Reader<'a>) -> Result<Self, Malformed> {
        let remaining = reader.length()?;
        Ok(Self { reader, remaining, form: Form::Tagged })
    }

    /// Takes one untagged element for each description in `members`.
    pub(super) fn take_members(
        reader: &mut Reader<'a>,
        members: &'a [u8],
        remaining: usize,
        rules: CompactArrayRules,
    ) -> Result<Self, Malformed> {
        let offset = reader.offset();
        let ((), octets) = reader.spanned(|reader| {
            let mut types = Reader::new(members);
            for _ in 0..remaining {
                skip_described(&mut types, reader, rules)?;
            }
            Ok(())
        })?;
        let form = Form::Members(members, rules);
        Ok(Self { reader: Reader::at(octets, offset), remaining, form })
    }

    /// Takes `remaining` untagged elements of one type.
    pub(super) fn take_repeated(
        reader: &mut Reader<'a>,
        element: &'a [u8],
        remaining: usize,
        rules: CompactArrayRules,
    ) -> Result<Self, Malformed> {
        let offset = reader.offset();
        let ((), octets) = reader.spanned(|reader| {
            for _ in 0..remaining {
                skip_described(&mut Reader::new(element), reader, rules)?;
            }
            Ok(())
        })?;
        let form = Form::Repeated(element, rules);
        Ok(Self { reader: Reader::at(octets, offset), remaining, form })
    }

    /// `remaining` untagged elements of one type, known to be all of `reader`.
    pub(super) const fn rest_repeated(
        reader: Reader<'a>,
        element: &'a [u8],
        remaining: usize,
        rules: CompactArrayRules,
    ) -> Self {
        Self { reader, remaining, form: Form::Repeated(element, rules) }
    }

    /// How many elements are left.
    pub const fn len(&self) -> usize {
        self.remaining
    }

    /// Whether no element is left.
    pub const fn is_empty(&self) -> bool {
        self.remaining == 0
    }

    /// Where the next element begins.
    pub(crate) const fn offset(&self) -> usize {
        self.reader.offset()
    }

    /// Appends the count and the elements, each with its tag.
    pub(super) fn encode(&self, writer: &mut Writer<'_>) {
        writer.length(self.remaining);
        match self.form {
            Form::Tagged => writer.octets(self.reader.rest()),
            // The elements were walked when this was made: none of them is malformed.
            Form::Members(..) | Form::Repeated(..) => {
                self.clone().flatten().for_each(|element| element.encode(writer));
            }
        }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Data<'a>, Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.remaining = self.remaining.checked_sub(1)?;
        let element = match &mut self.form {
            Form::Tagged => Data::decode(&mut self.reader),
            Form::Members(members, rules) => {
                let mut types = Reader::new(members);
                let element = take_described(&mut types, &mut self.reader, *rules);
                *members = types.rest();
                element
            }
            Form::Repeated(element, rules) => {
                take_described(&mut Reader::new(element), &mut self.reader, *rules)
            }
        };
        if element.is_err() {
            self.remaining = 0;
        }
        Some(element)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.remaining))
    }
}

impl core::iter::FusedIterator for Elements<'_> {}

/// Equal when the elements are, however they are encoded.
impl PartialEq for Elements<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.remaining == other.remaining && self.clone().eq(other.clone())
    }
}

impl fmt::Debug for Elements<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone().flatten()).finish()
    }
}
