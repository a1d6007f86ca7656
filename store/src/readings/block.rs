//! A day of one channel, and how it lies on the disk.
//!
//! | part | what it is |
//! |---|---|
//! | `present` | a bit for each interval, the first in the most significant bit |
//! | `values` | of each present one, the difference from the one before, zigzag, as a varint |
//! | `notes` | runs of present ones of which the same is to be said; absent if nothing is |
//!
//! A register that counts is 96 small differences and takes 100 to 200 octets a day. Compression on
//! top of that makes a single block larger.

use super::Step;

/// What is said about a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Quality {
    /// The meter captured it.
    #[default]
    Measured = 0,
    /// The meter captured it and marked it as doubtful in its status.
    Doubtful = 1,
    /// Nobody measured it.
    Estimated = 2,
    /// Somebody put it there in place of what was measured.
    Edited = 3,
}

impl Quality {
    /// Which of two values stays: the greater one, and of equals the later one.
    pub(crate) fn rank(self) -> u8 {
        match self {
            Self::Estimated => 0,
            Self::Doubtful => 1,
            Self::Measured => 2,
            Self::Edited => 3,
        }
    }

    pub(super) fn from_code(code: u64) -> Option<Self> {
        Some(match code {
            0 => Self::Measured,
            1 => Self::Doubtful,
            2 => Self::Estimated,
            3 => Self::Edited,
            _ => return None,
        })
    }
}

/// One value of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// The mantissa, as the meter sent it.
    pub value: i64,
    /// The meter's status of this capture, as a number; 0 if it has none.
    pub status: u64,
    /// How far the capture was from the full interval, in seconds.
    pub offset_s: i32,
    /// What is said about it.
    pub quality: Quality,
}

impl Interval {
    /// A value that was measured, captured exactly when it should be, without a status.
    pub fn measured(value: i64) -> Self {
        Self { value, ..Self::default() }
    }

    fn notes(self) -> (u64, i32, Quality) {
        (self.status, self.offset_s, self.quality)
    }
}

/// A day of one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    step: Step,
    slots: Vec<Option<Interval>>,
}

/// A block as it lies on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedBlock {
    /// Which intervals are there.
    pub present: Vec<u8>,
    /// Their values.
    pub values: Vec<u8>,
    /// What is to be said about them.
    pub notes: Option<Vec<u8>>,
}

/// A block that is not one of ours: the file was damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the block of a day is damaged: {0}")]
pub struct BlockError(&'static str);

impl Block {
    /// A day of which nothing is there.
    pub fn new(step: Step) -> Self {
        Self { step, slots: vec![None; usize::from(step.slots())] }
    }

    /// The length of its intervals.
    pub fn step(&self) -> Step {
        self.step
    }

    /// The value of an interval.
    pub fn slot(&self, slot: u16) -> Option<Interval> {
        self.slots.get(usize::from(slot)).copied().flatten()
    }

    /// What is there, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u16, Interval)> + '_ {
        (0..).zip(&self.slots).filter_map(|(slot, interval)| interval.map(|there| (slot, there)))
    }

    /// How many are there.
    pub fn count(&self) -> u16 {
        // At most SLOTS_MAX.
        self.slots.iter().flatten().count() as u16
    }

    /// The place of an interval, unless the day has no such interval.
    pub(super) fn slot_mut(&mut self, slot: u16) -> Option<&mut Option<Interval>> {
        self.slots.get_mut(usize::from(slot))
    }

    /// As it is written.
    pub fn encode(&self) -> EncodedBlock {
        let mut present = vec![0; self.slots.len().div_ceil(8)];
        let mut values = Vec::with_capacity(2 * self.slots.len());
        let mut runs = Runs::default();
        let mut before = 0;
        for (slot, interval) in self.iter() {
            if let Some(octet) = present.get_mut(usize::from(slot / 8)) {
                *octet |= 0x80_u8 >> (slot % 8);
            }
            put(&mut values, zigzag(interval.value.wrapping_sub(before)));
            before = interval.value;
            runs.push(interval.notes());
        }
        EncodedBlock { present, values, notes: runs.finish() }
    }

    /// What was written.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn decode(step: Step, encoded: &EncodedBlock) -> Result<Self, BlockError> {
        let mut block = Self::new(step);
        if encoded.present.len() != block.slots.len().div_ceil(8) {
            return Err(BlockError("the bitmap has another length"));
        }
        let mut values = encoded.values.as_slice();
        let mut notes = Notes::new(encoded.notes.as_deref());
        let mut before = 0_i64;
        for (slot, interval) in (0_usize..).zip(&mut block.slots) {
            let octet = encoded.present.get(slot / 8).copied().unwrap_or(0);
            if octet & (0x80 >> (slot % 8)) == 0 {
                continue;
            }
            let difference = take(&mut values).ok_or(BlockError("values are missing"))?;
            before = before.wrapping_add(unzigzag(difference));
            let (status, offset_s, quality) = notes.next()?;
            *interval = Some(Interval { value: before, status, offset_s, quality });
        }
        if values.is_empty() && notes.ended() {
            Ok(block)
        } else {
            Err(BlockError("more values than intervals"))
        }
    }
}

/// Equal notes in a row, while they are written.
#[derive(Default)]
struct Runs {
    octets: Vec<u8>,
    current: Option<((u64, i32, Quality), u64)>,
    said: bool,
}

impl Runs {
    fn push(&mut self, notes: (u64, i32, Quality)) {
        self.said |= notes != (0, 0, Quality::Measured);
        match &mut self.current {
            Some((current, count)) if *current == notes => *count += 1,
            _ => {
                self.end_run();
                self.current = Some((notes, 1));
            }
        }
    }

    fn end_run(&mut self) {
        if let Some(((status, offset_s, quality), count)) = self.current.take() {
            put(&mut self.octets, count);
            put(&mut self.octets, status);
            put(&mut self.octets, zigzag(i64::from(offset_s)));
            put(&mut self.octets, u64::from(quality as u8));
        }
    }

    fn finish(mut self) -> Option<Vec<u8>> {
        self.end_run();
        self.said.then_some(self.octets)
    }
}

/// The same, while they are read.
struct Notes<'a> {
    octets: &'a [u8],
    current: (u64, i32, Quality),
    left: u64,
}

impl<'a> Notes<'a> {
    fn new(octets: Option<&'a [u8]>) -> Self {
        let left = if octets.is_some() { 0 } else { u64::MAX };
        Self { octets: octets.unwrap_or(&[]), current: (0, 0, Quality::Measured), left }
    }

    fn next(&mut self) -> Result<(u64, i32, Quality), BlockError> {
        if self.left == 0 {
            let run = self.run().ok_or(BlockError("notes are missing"))?;
            (self.left, self.current) = run;
        }
        self.left = self.left.checked_sub(1).ok_or(BlockError("an empty run of notes"))?;
        Ok(self.current)
    }

    fn run(&mut self) -> Option<(u64, (u64, i32, Quality))> {
        let count = take(&mut self.octets)?;
        let status = take(&mut self.octets)?;
        let offset_s = i32::try_from(unzigzag(take(&mut self.octets)?)).ok()?;
        let quality = Quality::from_code(take(&mut self.octets)?)?;
        Some((count, (status, offset_s, quality)))
    }

    fn ended(&self) -> bool {
        self.octets.is_empty() && (self.left == 0 || self.left > u64::from(super::SLOTS_MAX))
    }
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Seven bits an octet, the least significant first; the top bit says that more follow.
fn put(octets: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        octets.push(value as u8 | 0x80);
        value >>= 7;
    }
    octets.push(value as u8);
}

fn take(octets: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&first, rest) = octets.split_first()?;
        *octets = rest;
        let bits = u64::from(first & 0x7F);
        // The tenth octet has room for one bit.
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quarter_hours() -> Step {
        Step::from_seconds(900).unwrap()
    }

    #[test]
    fn a_day_of_a_register_that_counts_takes_an_octet_or_two_an_interval() {
        let mut block = Block::new(quarter_hours());
        for slot in 0..96 {
            *block.slot_mut(slot).unwrap() =
                Some(Interval::measured(1_234_567 + 55 * i64::from(slot)));
        }
        let encoded = block.encode();
        assert_eq!(encoded.present, [0xFF; 12]);
        assert_eq!(encoded.values.len(), 4 + 95);
        assert_eq!(encoded.values[..6], [0x8E, 0xDA, 0x96, 0x01, 0x6E, 0x6E][..]);
        assert_eq!(encoded.notes, None);
    }

    #[test]
    fn what_is_said_about_many_in_a_row_is_said_once() {
        let mut block = Block::new(quarter_hours());
        for slot in 0..96 {
            let quality = if slot < 40 { Quality::Measured } else { Quality::Estimated };
            *block.slot_mut(slot).unwrap() =
                Some(Interval { quality, offset_s: -3, ..Interval::measured(0) });
        }
        assert_eq!(block.encode().notes.unwrap(), [40, 0, 5, 0, 56, 0, 5, 2]);
    }

    fn intervals() -> impl Strategy<Value = Vec<Option<Interval>>> {
        let quality = (0_u64..4).prop_map(|code| Quality::from_code(code).unwrap());
        let status = prop_oneof![3 => Just(0_u64), 1 => any::<u64>()];
        let offset = prop_oneof![3 => Just(0_i32), 1 => any::<i32>()];
        let interval = (any::<i64>(), status, offset, quality).prop_map(
            |(value, status, offset_s, quality)| Interval { value, status, offset_s, quality },
        );
        proptest::collection::vec(proptest::option::of(interval), 96)
    }

    proptest! {
        #[test]
        fn every_day_comes_back_as_it_was(slots in intervals()) {
            let block = Block { step: quarter_hours(), slots };
            prop_assert_eq!(Block::decode(block.step, &block.encode()), Ok(block));
        }

        #[test]
        fn a_damaged_day_is_an_error_or_another_day_but_no_panic(
            present in proptest::collection::vec(any::<u8>(), 10..14),
            values in proptest::collection::vec(any::<u8>(), 0..300),
            notes in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40)),
        ) {
            let encoded = EncodedBlock { present, values, notes };
            if let Ok(block) = Block::decode(quarter_hours(), &encoded) {
                prop_assert_eq!(Block::decode(block.step, &block.encode()), Ok(block));
            }
        }
    }

    #[test]
    fn too_little_and_too_much_are_damage() {
        let mut block = Block::new(quarter_hours());
        *block.slot_mut(5).unwrap() = Some(Interval { status: 8, ..Interval::measured(7) });
        let good = block.encode();
        let broken = |change: fn(&mut EncodedBlock)| {
            let mut encoded = good.clone();
            change(&mut encoded);
            Block::decode(quarter_hours(), &encoded).unwrap_err().0
        };
        assert_eq!(broken(|encoded| encoded.values.clear()), "values are missing");
        assert_eq!(broken(|encoded| encoded.values.push(0)), "more values than intervals");
        assert_eq!(broken(|encoded| encoded.notes = Some(vec![])), "notes are missing");
        assert_eq!(
            broken(|encoded| encoded.notes = Some(vec![0, 0, 0, 0])),
            "an empty run of notes"
        );
        assert_eq!(broken(|encoded| encoded.present.push(0)), "the bitmap has another length");
    }
}
