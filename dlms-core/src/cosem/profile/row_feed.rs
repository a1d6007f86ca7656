//! Rows out of datablocks.

use alloc::vec::Vec;
use core::{mem, ops::Range};

use super::Row;
use crate::{
    Malformed, MalformedKind,
    axdr::{CompactArrayRules, Data, DataType, RawData, Reader, TypeDescription},
};

/// How long a row may be. Real rows have some hundred octets; without a bound a single announced
/// length would make the feed keep all that follows.
pub const ROW_OCTETS_MAX: usize = 65_536;

/// Takes the octets of a buffer block by block and gives its rows as soon as they are complete. It
/// never holds more than one unfinished row and the last block.
///
/// ```
/// use dlms_core::{axdr::CompactArrayRules, cosem::profile::RowFeed};
///
/// // array of 2 structures of one unsigned, in two blocks
/// let mut feed = RowFeed::new(CompactArrayRules::Standard);
/// feed.feed(&[0x01, 0x02, 0x02, 0x01, 0x11, 0x0a, 0x02]);
/// assert!(feed.next_row().is_some_and(|row| row.is_ok()));
/// assert!(feed.next_row().is_none());
/// feed.feed(&[0x01, 0x11, 0x0b]);
/// assert!(feed.next_row().is_some_and(|row| row.is_ok()));
/// assert_eq!(feed.finish(), Ok(()));
/// ```
#[derive(Clone, Debug)]
pub struct RowFeed {
    rules: CompactArrayRules,
    form: Form,
    /// How many rows are still to come; of a compact-array, how many octets.
    remaining: usize,
    /// What was fed. Rows are taken from `taken` on.
    octets: Vec<u8>,
    taken: usize,
    /// Octets of the buffer that were dropped already.
    dropped: usize,
    failure: Option<Malformed>,
}

/// How the rows are encoded.
#[derive(Clone, Debug)]
enum Form {
    /// Not known before the head of the buffer is there.
    Unknown,
    /// Each with its tags.
    Tagged,
    /// Without tags, by this type description.
    Compact(Vec<u8>),
}

impl RowFeed {
    /// A feed at the first octet of a buffer, an array or, by `rules`, a compact-array.
    pub const fn new(rules: CompactArrayRules) -> Self {
        Self {
            rules,
            form: Form::Unknown,
            remaining: 0,
            octets: Vec::new(),
            taken: 0,
            dropped: 0,
            failure: None,
        }
    }

    /// Appends the octets of the next block. Rows that are complete and were not taken are kept.
    /// After an error, and after the first octets left over, nothing is appended any more.
    pub fn feed(&mut self, block: &[u8]) {
        let ended = self.remaining == 0 && !matches!(self.form, Form::Unknown);
        if self.failure.is_some() || (ended && !self.unread().is_empty()) {
            return;
        }
        self.octets.drain(..self.taken);
        self.dropped = self.dropped.saturating_add(self.taken);
        self.taken = 0;
        self.octets.extend_from_slice(block);
    }

    /// The next row, or `None` when it is not complete yet, or there is no more.
    ///
    /// # Errors
    /// Those of decoding; offsets count from the start of the buffer. [`MalformedKind::Length`]
    /// when an unfinished row is longer than [`ROW_OCTETS_MAX`]. An error is final and reported
    /// each time.
    pub fn next_row(&mut self) -> Option<Result<Row<'_>, Malformed>> {
        if let Some(error) = self.failure {
            return Some(Err(error));
        }
        match self.advance() {
            Ok(row) => row.map(|row| self.row(row)),
            Err(error) => Some(Err(*self.failure.insert(error))),
        }
    }

    /// Whether the buffer was taken to its end.
    ///
    /// # Errors
    /// [`MalformedKind::Truncated`] when rows are missing, [`MalformedKind::Trailing`] when octets
    /// are left over, or the error that stopped the feed.
    pub fn finish(&self) -> Result<(), Malformed> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        if self.remaining > 0 || matches!(self.form, Form::Unknown) {
            return Err(self.unread().fail(MalformedKind::Truncated));
        }
        self.unread().finish()
    }

    /// What was fed and not taken.
    fn unread(&self) -> Reader<'_> {
        let offset = self.dropped.saturating_add(self.taken);
        Reader::at(self.octets.get(self.taken..).unwrap_or_default(), offset)
    }

    /// Takes the next row, when it is complete, and tells where in `octets` it lies.
    fn advance(&mut self) -> Result<Option<Range<usize>>, Malformed> {
        if matches!(self.form, Form::Unknown) {
            self.take_head()?;
        }
        if self.remaining == 0 {
            return Ok(None);
        }
        let unread = self.unread();
        let Some(length) = self.row_length(&unread)? else { return Ok(None) };
        let counted = if matches!(self.form, Form::Tagged) { 1 } else { length };
        self.remaining = self.remaining.saturating_sub(counted);
        let end = self.taken.saturating_add(length);
        Ok(Some(mem::replace(&mut self.taken, end)..end))
    }

    /// Takes what stands before the rows, when it is complete.
    fn take_head(&mut self) -> Result<(), Malformed> {
        let unread = self.unread();
        let mut reader = unread.clone();
        let Some((form, remaining)) = unless_cut(decode_head(&mut reader, self.rules), &unread)?
        else {
            return Ok(());
        };
        let length = reader.offset().saturating_sub(unread.offset());
        self.form = form;
        self.remaining = remaining;
        self.taken = self.taken.saturating_add(length);
        Ok(())
    }

    /// The length of the row at the front of `unread`, when it is complete.
    fn row_length(&self, unread: &Reader<'_>) -> Result<Option<usize>, Malformed> {
        let mut reader = unread.clone();
        let walked = match &self.form {
            Form::Unknown => return Ok(None),
            Form::Tagged => match unread.peek() {
                Some(tag) if tag != DataType::Structure.tag() => {
                    Err(unread.fail(MalformedKind::UnknownTag(tag)))
                }
                _ => unless_cut(RawData::decode(&mut reader).map(drop), unread),
            },
            Form::Compact(description) => match unread.rest().get(..self.remaining) {
                // All contents are there: a row that is cut here is cut for good.
                Some(contents) => {
                    reader = Reader::at(contents, unread.offset());
                    take_untagged(description, &mut reader, self.rules).map(|_| Some(()))
                }
                None => unless_cut(
                    take_untagged(description, &mut reader, self.rules).map(drop),
                    unread,
                ),
            },
        };
        let length = reader.offset().saturating_sub(unread.offset());
        Ok(walked?.map(|()| length))
    }

    /// The row in that part of `octets`, which was walked before.
    fn row(&self, part: Range<usize>) -> Result<Row<'_>, Malformed> {
        let offset = self.dropped.saturating_add(part.start);
        let octets = self.octets.get(part).unwrap_or_default();
        let data = match &self.form {
            Form::Compact(description) => {
                take_untagged(description, &mut Reader::at(octets, offset), self.rules)?
            }
            Form::Unknown | Form::Tagged => RawData::walked(octets).data()?,
        };
        Row::from_data(&data, offset)
    }
}

/// The form of the rows, and how many rows or octets follow.
fn decode_head(
    reader: &mut Reader<'_>,
    rules: CompactArrayRules,
) -> Result<(Form, usize), Malformed> {
    let start = reader.clone();
    match reader.u8()? {
        tag if tag == DataType::Array.tag() => Ok((Form::Tagged, reader.length()?)),
        tag if tag == DataType::CompactArray.tag() => {
            let at = reader.clone();
            let description = TypeDescription::decode(reader)?;
            if description.data_type() != DataType::Structure {
                return Err(at.fail(MalformedKind::UnknownTag(description.data_type().tag())));
            }
            description.check(rules)?;
            Ok((Form::Compact(description.octets().to_vec()), reader.length()?))
        }
        tag => Err(start.fail(MalformedKind::UnknownTag(tag))),
    }
}

/// Takes one untagged row of the type in `description`.
fn take_untagged<'a>(
    description: &'a [u8],
    contents: &mut Reader<'a>,
    rules: CompactArrayRules,
) -> Result<Data<'a>, Malformed> {
    TypeDescription::decode(&mut Reader::new(description))?.take_element(contents, rules)
}

/// `None` when decoding failed for want of octets that may still come.
fn unless_cut<T>(
    decoded: Result<T, Malformed>,
    unread: &Reader<'_>,
) -> Result<Option<T>, Malformed> {
    match decoded {
        Ok(value) => Ok(Some(value)),
        Err(Malformed { kind: MalformedKind::Truncated, .. }) => {
            if unread.rest().len() > ROW_OCTETS_MAX {
                Err(unread.fail(MalformedKind::Length))
            } else {
                Ok(None)
            }
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        axdr::{CompactArrayBuf, DataBuf},
        cosem::profile::Rows,
    };
    use proptest::{collection, prelude::*};

    /// All rows, owned, of a buffer fed in blocks of the given sizes.
    fn fed(octets: &[u8], block: usize) -> Result<Vec<DataBuf>, Malformed> {
        let mut feed = RowFeed::new(CompactArrayRules::Standard);
        let mut rows = Vec::new();
        for block in octets.chunks(block) {
            feed.feed(block);
            while let Some(row) = feed.next_row() {
                rows.push(owned(&row?)?);
            }
        }
        feed.finish().map(|()| rows)
    }

    fn owned(row: &Row<'_>) -> Result<DataBuf, Malformed> {
        row.cells().map(|cell| cell?.to_buf()).collect::<Result<_, _>>().map(DataBuf::Structure)
    }

    fn rows_of(count: u16) -> Vec<DataBuf> {
        (0..count)
            .map(|n| {
                DataBuf::structure([
                    DataBuf::octet_string([0x5a; 12]),
                    n.into(),
                    u32::from(n).into(),
                ])
            })
            .collect()
    }

    #[test]
    fn a_buffer_cut_into_blocks_anywhere_has_the_same_rows() {
        let rows = rows_of(5);
        let compact = CompactArrayBuf::from_elements(&rows, CompactArrayRules::Standard).unwrap();
        for buffer in [DataBuf::array(rows.clone()), DataBuf::from(compact)] {
            let octets = buffer.to_octets();
            for block in 1..=octets.len() {
                assert_eq!(fed(&octets, block), Ok(rows.clone()), "{block}");
            }
            let whole = RawData::from_octets(&octets).unwrap();
            let whole = Rows::new(whole, CompactArrayRules::Standard).unwrap();
            let whole: Vec<_> = whole.map(|row| owned(&row.unwrap()).unwrap()).collect();
            assert_eq!(whole, rows);
        }
    }

    #[test]
    fn the_feed_holds_one_unfinished_row_and_the_last_block() {
        let octets = DataBuf::array(rows_of(1000)).to_octets();
        let mut feed = RowFeed::new(CompactArrayRules::Standard);
        let mut count = 0;
        for block in octets.chunks(100) {
            feed.feed(block);
            // A row takes 24 octets.
            assert!(feed.octets.len() < 24 + 100);
            while let Some(row) = feed.next_row() {
                row.unwrap();
                count += 1;
            }
        }
        assert_eq!(count, 1000);
        assert_eq!(feed.finish(), Ok(()));
    }

    #[test]
    fn a_buffer_that_stops_early_is_not_finished() {
        let octets = DataBuf::array(rows_of(2)).to_octets();
        for cut in 0..octets.len() {
            let error = fed(&octets[..cut], 7).unwrap_err();
            assert_eq!(error.kind, MalformedKind::Truncated, "{cut}");
        }
    }

    #[test]
    fn octets_after_the_last_row_are_left_over() {
        let mut octets = DataBuf::array(rows_of(1)).to_octets();
        let end = octets.len();
        octets.extend([0x00; 100]);
        for block in [1, 7, 200] {
            assert_eq!(fed(&octets, block), Err(Malformed::new(MalformedKind::Trailing, end)));
        }
    }

    #[test]
    fn an_error_names_the_octet_of_the_whole_buffer_and_is_final() {
        let mut octets = DataBuf::array(rows_of(3)).to_octets();
        // the tag of the second cell of the third row
        octets[2 + 24 + 24 + 16] = 0x07;
        let mut feed = RowFeed::new(CompactArrayRules::Standard);
        let mut error = None;
        for block in octets.chunks(10) {
            feed.feed(block);
            while let Some(row) = feed.next_row() {
                if let Err(found) = row {
                    error = Some(found);
                    break;
                }
            }
        }
        let expected = Malformed::new(MalformedKind::UnknownTag(0x07), 66);
        assert_eq!(error, Some(expected));
        assert_eq!(feed.next_row().unwrap(), Err(expected));
        assert_eq!(feed.finish(), Err(expected));
    }

    #[test]
    fn contents_that_end_inside_a_row_are_truncated() {
        // compact-array, structure of long-unsigned, 3 octets
        let octets = [0x13, 0x02, 0x01, 0x12, 0x03, 0x00, 0x01, 0x00];
        assert_eq!(fed(&octets, 3), Err(Malformed::new(MalformedKind::Truncated, 7)));
    }

    #[test]
    fn a_row_without_end_is_refused() {
        let mut feed = RowFeed::new(CompactArrayRules::Standard);
        // one row, one octet-string of 4 GiB
        feed.feed(&[0x01, 0x01, 0x02, 0x01, 0x09, 0x84, 0xff, 0xff, 0xff, 0xff]);
        let mut held = 0;
        let error = loop {
            if let Some(Err(error)) = feed.next_row() {
                break error;
            }
            feed.feed(&[0; 1000]);
            held = feed.octets.len();
        };
        assert_eq!(error, Malformed::new(MalformedKind::Length, 2));
        assert!(held <= ROW_OCTETS_MAX + 1000);
    }

    #[test]
    fn what_is_not_a_structure_is_no_row() {
        assert_eq!(
            fed(&[0x01, 0x01, 0x11, 0x05], 4),
            Err(Malformed::new(MalformedKind::UnknownTag(0x11), 2))
        );
        assert_eq!(
            fed(&[0x13, 0x11, 0x01, 0x05], 4),
            Err(Malformed::new(MalformedKind::UnknownTag(0x11), 1))
        );
        assert_eq!(fed(&[0x11, 0x05], 4), Err(Malformed::new(MalformedKind::UnknownTag(0x11), 0)));
    }

    proptest! {
        #[test]
        fn any_blocks_end_in_rows_or_an_error(
            octets in collection::vec(prop_oneof![0_u8..20, any::<u8>()], 0..80),
            block in 1_usize..20,
        ) {
            let mut buffer = alloc::vec![0x01, 0x02];
            buffer.extend(octets);
            let whole = fed(&buffer, buffer.len());
            prop_assert_eq!(fed(&buffer, block).is_ok(), whole.is_ok());
        }
    }
}
