//! Values that a meter leaves out of a row because they follow from the row before
//! (IEC 62056-6-2, Profile generic, attribute `buffer`).
//!
//! - null-data in the time column: one capture period after the row before, or before it where
//!   the newest row comes first.
//! - null-data in another column: the value of the row before.
//! - A delta type: the value of the row before and the difference.
//!
//! The first row must be complete. What does not follow from anything is marked, never invented.

use alloc::vec::Vec;

use crate::{
    Malformed, MalformedKind,
    axdr::{Data, DataBuf},
    cosem::{CaptureObject, DateTime},
};

use super::Row;

/// How the entries of a buffer are sorted: attribute `sort_method`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SortMethod {
    /// The oldest entry first.
    Fifo,
    /// The newest entry first.
    Lifo,
    /// The largest value of the sort object first.
    Largest,
    /// The smallest value first.
    Smallest,
    /// The value nearest to zero first.
    NearestToZero,
    /// The value farthest from zero first.
    FarthestFromZero,
}

impl SortMethod {
    /// The method that an enum of `code` stands for.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Fifo,
            2 => Self::Lifo,
            3 => Self::Largest,
            4 => Self::Smallest,
            5 => Self::NearestToZero,
            6 => Self::FarthestFromZero,
            _ => return None,
        })
    }

    /// Where the time goes from one row to the next, in capture periods.
    const fn direction(self) -> Option<i64> {
        match self {
            Self::Fifo => Some(1),
            Self::Lifo => Some(-1),
            _ => None,
        }
    }
}

/// Where the value of a cell comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// The meter sent it.
    Sent,
    /// It was computed from the row before and what the meter sent.
    Restored,
    /// There is nothing to compute it from. The cell holds what the meter sent, null-data or a
    /// bare difference, which is not a value.
    Untrusted,
}

/// One cell of a restored row.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The value.
    pub value: DataBuf,
    /// Where it comes from.
    pub mark: Mark,
}

/// A row with everything put back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RestoredRow<'r> {
    /// The cells from the left, one for each column.
    pub cells: &'r [Cell],
    /// The time of the row by its clock column, sent or restored. `None` without such a column,
    /// when the time is not to be trusted, or when it names no point in time.
    pub time: Option<DateTime>,
}

/// Puts back what the meter left out. It keeps one row.
///
/// Rows must be given in the order in which they came, without a hole: where one is missing, call
/// [`gap`](Self::gap).
#[derive(Clone, Debug)]
pub struct Restorer {
    /// One for each column; null-data and untrusted before the first row.
    cells: Vec<Cell>,
    clock: Option<usize>,
    /// The time of the last row, when it is known.
    time: Option<DateTime>,
    /// What to add to it for the next row, when the time follows from it.
    step_s: Option<i64>,
}

impl Restorer {
    /// A restorer for rows of `columns`, captured every `capture_period_s` seconds; 0 when entries
    /// are captured for other reasons, and then no time follows from another.
    pub fn new(columns: &[CaptureObject], capture_period_s: u32, sort_method: SortMethod) -> Self {
        let unknown = Cell { value: DataBuf::Null, mark: Mark::Untrusted };
        let period = Some(i64::from(capture_period_s)).filter(|period| *period > 0);
        Self {
            cells: columns.iter().map(|_| unknown.clone()).collect(),
            clock: columns.iter().position(CaptureObject::is_clock_time),
            time: None,
            step_s: sort_method.direction().and_then(|sign| period?.checked_mul(sign)),
        }
    }

    /// Forgets the row before: one or more rows are missing here.
    pub fn gap(&mut self) {
        self.time = None;
        for cell in &mut self.cells {
            *cell = Cell { value: DataBuf::Null, mark: Mark::Untrusted };
        }
    }

    /// The next row, complete.
    ///
    /// # Errors
    /// [`MalformedKind::Count`] when the row has another number of cells than there are columns;
    /// the errors of decoding the cells. The row before is then forgotten.
    pub fn restore(&mut self, row: &Row<'_>) -> Result<RestoredRow<'_>, Malformed> {
        match self.take(row) {
            Ok(()) => Ok(RestoredRow { cells: &self.cells, time: self.time }),
            Err(error) => {
                self.gap();
                Err(error)
            }
        }
    }

    fn take(&mut self, row: &Row<'_>) -> Result<(), Malformed> {
        let cells = row.cells();
        if cells.len() != self.cells.len() {
            return Err(Malformed::new(MalformedKind::Count, cells.offset()));
        }
        for (index, (sent, cell)) in cells.zip(&mut self.cells).enumerate() {
            let sent = sent?;
            if self.clock == Some(index) {
                self.time = if sent.is_null() {
                    self.time
                        .zip(self.step_s)
                        .and_then(|(time, step)| time.checked_add_seconds(step))
                } else {
                    DateTime::from_data(&sent).filter(DateTime::is_complete)
                };
                *cell = match self.time {
                    Some(time) if sent.is_null() => {
                        Cell { value: time.to_data(), mark: Mark::Restored }
                    }
                    _ => as_sent(&sent)?,
                };
            } else if sent.is_null() {
                match cell.mark {
                    Mark::Sent | Mark::Restored => cell.mark = Mark::Restored,
                    Mark::Untrusted => cell.value = DataBuf::Null,
                }
            } else if let Some(delta) = sent.as_delta() {
                *cell = match sum(cell, delta) {
                    Some(value) => Cell { value, mark: Mark::Restored },
                    None => Cell { value: sent.to_buf()?, mark: Mark::Untrusted },
                };
            } else {
                *cell = as_sent(&sent)?;
            }
        }
        Ok(())
    }
}

/// The cell as the meter sent it; null-data and differences are no values.
fn as_sent(sent: &Data<'_>) -> Result<Cell, Malformed> {
    let is_value = !sent.is_null() && sent.as_delta().is_none();
    let mark = if is_value { Mark::Sent } else { Mark::Untrusted };
    Ok(Cell { value: sent.to_buf()?, mark })
}

/// The value of the row before and `delta`, in the type of that value.
fn sum(before: &Cell, delta: i64) -> Option<DataBuf> {
    if before.mark == Mark::Untrusted {
        return None;
    }
    before.value.checked_add(delta)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        axdr::{CompactArrayRules, RawData},
        cosem::{AttributeDescriptor, ClassId, LogicalName, profile::Rows},
    };
    use alloc::{string::String, string::ToString, vec};

    const ENERGY: CaptureObject = CaptureObject::new(AttributeDescriptor::new(
        ClassId::REGISTER,
        LogicalName([1, 0, 1, 8, 0, 255]),
        2,
    ));

    fn clock_and_energy(capture_period_s: u32, sort_method: SortMethod) -> Restorer {
        Restorer::new(&[CaptureObject::CLOCK_TIME, ENERGY], capture_period_s, sort_method)
    }

    fn at(text: &str) -> DataBuf {
        text.parse::<DateTime>().unwrap().to_data()
    }

    /// The rows after restoring: time, energy and the mark of each.
    fn restored(
        restorer: &mut Restorer,
        rows: &[[DataBuf; 2]],
    ) -> Vec<(String, DataBuf, [Mark; 2])> {
        let buffer = DataBuf::array(rows.iter().map(|row| DataBuf::structure(row.clone())));
        let octets = buffer.to_octets();
        let rows =
            Rows::new(RawData::from_octets(&octets).unwrap(), CompactArrayRules::Standard).unwrap();
        rows.map(|row| {
            let row = restorer.restore(&row.unwrap()).unwrap();
            let time = row.time.map_or_else(|| "-".into(), |time| time.to_string());
            (time, row.cells[1].value.clone(), [row.cells[0].mark, row.cells[1].mark])
        })
        .collect()
    }

    use Mark::{Restored, Sent, Untrusted};

    #[test]
    fn nulls_follow_from_the_row_before() {
        let mut restorer = clock_and_energy(900, SortMethod::Fifo);
        assert_eq!(
            restored(
                &mut restorer,
                &[
                    [at("2026-01-15T23:30:00+01:00"), 100_u32.into()],
                    [DataBuf::Null, 103_u32.into()],
                    [DataBuf::Null, DataBuf::Null],
                ]
            ),
            [
                ("2026-01-15T23:30:00+01:00".into(), 100_u32.into(), [Sent, Sent]),
                ("2026-01-15T23:45:00+01:00".into(), 103_u32.into(), [Restored, Sent]),
                ("2026-01-16T00:00:00+01:00".into(), 103_u32.into(), [Restored, Restored]),
            ]
        );
    }

    #[test]
    fn a_restored_time_is_the_octets_the_meter_would_have_sent() {
        // array of 2 rows: 2026-01-15T10:00:00, deviation unspecified, status 00; then null
        let octets = [
            0x01, 0x02, 0x02, 0x02, 0x09, 0x0c, 0x07, 0xea, 0x01, 0x0f, 0x04, 0x0a, 0x00, 0x00,
            0x00, 0x80, 0x00, 0x00, 0x06, 0x00, 0x00, 0x00, 0x64, 0x02, 0x02, 0x00, 0x00,
        ];
        let rows = Rows::new(RawData::from_octets(&octets).unwrap(), CompactArrayRules::Standard);
        let mut restorer = clock_and_energy(900, SortMethod::Fifo);
        let mut last = None;
        for row in rows.unwrap() {
            last = Some(restorer.restore(&row.unwrap()).unwrap().cells.to_vec());
        }
        let time = vec![0x07, 0xea, 0x01, 0x0f, 0x04, 0x0a, 0x0f, 0x00, 0x00, 0x80, 0x00, 0x00];
        assert_eq!(
            last.unwrap(),
            [
                Cell { value: DataBuf::OctetString(time), mark: Restored },
                Cell { value: 100_u32.into(), mark: Restored },
            ]
        );
    }

    #[test]
    fn the_newest_row_first_counts_back() {
        let mut restorer = clock_and_energy(3600, SortMethod::Lifo);
        assert_eq!(
            restored(
                &mut restorer,
                &[[at("2026-03-01T00:00Z"), 9_u32.into()], [DataBuf::Null, 8_u32.into()]]
            )[1],
            ("2026-02-28T23:00:00Z".into(), 8_u32.into(), [Restored, Sent])
        );
    }

    #[test]
    fn the_first_row_must_be_complete() {
        let mut restorer = clock_and_energy(900, SortMethod::Fifo);
        assert_eq!(
            restored(
                &mut restorer,
                &[
                    [DataBuf::Null, DataBuf::Null],
                    [DataBuf::Null, DataBuf::DeltaInteger(3)],
                    [at("2026-01-15T00:15"), 5_u32.into()],
                ]
            ),
            [
                ("-".into(), DataBuf::Null, [Untrusted, Untrusted]),
                ("-".into(), DataBuf::DeltaInteger(3), [Untrusted, Untrusted]),
                ("2026-01-15T00:15:00".into(), 5_u32.into(), [Sent, Sent]),
            ]
        );
    }

    #[test]
    fn a_difference_is_no_time() {
        let mut restorer = clock_and_energy(900, SortMethod::Fifo);
        assert_eq!(
            restored(&mut restorer, &[[DataBuf::DeltaInteger(3), 5_u32.into()]]),
            [("-".into(), 5_u32.into(), [Untrusted, Sent])]
        );
    }

    #[test]
    fn after_a_gap_nothing_follows_from_the_row_before() {
        let mut restorer = clock_and_energy(900, SortMethod::Fifo);
        restored(&mut restorer, &[[at("2026-01-15"), 5_u32.into()]]);
        restorer.gap();
        assert_eq!(
            restored(&mut restorer, &[[DataBuf::Null, DataBuf::Null]]),
            [("-".into(), DataBuf::Null, [Untrusted, Untrusted])]
        );
    }

    #[test]
    fn without_a_period_or_an_order_in_time_no_time_follows() {
        let rows = [[at("2026-01-15"), 5_u32.into()], [DataBuf::Null, 6_u32.into()]];
        for mut restorer in
            [clock_and_energy(0, SortMethod::Fifo), clock_and_energy(900, SortMethod::Largest)]
        {
            assert_eq!(
                restored(&mut restorer, &rows)[1],
                ("-".into(), 6_u32.into(), [Untrusted, Sent])
            );
        }
    }

    #[test]
    fn a_time_that_is_none_is_kept_and_nothing_follows_from_it() {
        let invalid = DataBuf::octet_string([0xff; 12]);
        let mut restorer = clock_and_energy(900, SortMethod::Fifo);
        let rows = [[invalid, 5_u32.into()], [DataBuf::Null, 6_u32.into()]];
        assert_eq!(
            restored(&mut restorer, &rows),
            [
                ("-".into(), 5_u32.into(), [Sent, Sent]),
                ("-".into(), 6_u32.into(), [Untrusted, Sent]),
            ]
        );
    }

    #[test]
    fn differences_add_up_in_the_type_of_the_value() {
        let mut restorer = clock_and_energy(900, SortMethod::Fifo);
        let rows = [
            [at("2026-01-15"), 1000_u16.into()],
            [DataBuf::Null, DataBuf::DeltaUnsigned(200)],
            [DataBuf::Null, DataBuf::DeltaInteger(-1)],
            [DataBuf::Null, DataBuf::Null],
            [DataBuf::Null, DataBuf::DeltaLongUnsigned(65_000)],
            [DataBuf::Null, DataBuf::DeltaUnsigned(1)],
        ];
        let energies: Vec<_> = restored(&mut restorer, &rows)
            .into_iter()
            .map(|(_, energy, [_, mark])| (energy, mark))
            .collect();
        assert_eq!(
            energies,
            [
                (1000_u16.into(), Sent),
                (1200_u16.into(), Restored),
                (1199_u16.into(), Restored),
                (1199_u16.into(), Restored),
                // Beyond what the type holds: not a value, and nothing follows from it.
                (DataBuf::DeltaLongUnsigned(65_000), Untrusted),
                (DataBuf::DeltaUnsigned(1), Untrusted),
            ]
        );
    }

    #[test]
    fn a_row_of_another_width_is_refused_and_forgotten() {
        let mut restorer = clock_and_energy(900, SortMethod::Fifo);
        restored(&mut restorer, &[[at("2026-01-15"), 5_u32.into()]]);
        let octets = [0x01, 0x01, 0x02, 0x01, 0x00];
        let mut rows =
            Rows::new(RawData::from_octets(&octets).unwrap(), CompactArrayRules::Standard).unwrap();
        let narrow = rows.next().unwrap().unwrap();
        assert_eq!(restorer.restore(&narrow).unwrap_err().kind, MalformedKind::Count);
        assert_eq!(
            restored(&mut restorer, &[[DataBuf::Null, DataBuf::Null]])[0].2,
            [Untrusted, Untrusted]
        );
    }
}
