//! What profiles (class 7) have in common: which rows and which columns are asked for.

use core::ops::Range;

use dlms_core::{
    axdr::DataBuf,
    cosem::{CaptureObject, EntryDescriptor, ProfileSelector, RangeDescriptor},
    xdlms::{DataAccessResult, SelectiveAccess},
};

/// sort_method of a profile in the order in which rows come.
pub(super) const FIFO: u8 = 1;

/// What of a buffer is asked for.
pub(super) enum Selection {
    All,
    Range(RangeDescriptor),
    Entry(EntryDescriptor),
}

impl Selection {
    pub(super) fn new(selection: Option<&SelectiveAccess<'_>>) -> Result<Self, DataAccessResult> {
        let Some(selection) = selection else { return Ok(Self::All) };
        let wrong = DataAccessResult::TypeUnmatched;
        let parameters = selection.parameters.data().map_err(|_| wrong)?;
        match ProfileSelector::from_parts(selection.selector, &parameters) {
            Some(ProfileSelector::Range(range)) => Ok(Self::Range(range)),
            Some(ProfileSelector::Entry(entry)) => Ok(Self::Entry(entry)),
            None => Err(wrong),
        }
    }

    /// Which of `all` columns are asked for, by their indexes.
    pub(super) fn columns(&self, all: &[CaptureObject]) -> Result<Vec<usize>, DataAccessResult> {
        let columns: Vec<usize> = match self {
            Self::Range(range) if !range.selected_values.is_empty() => {
                let selected = all.iter().enumerate();
                let selected =
                    selected.filter(|(_, column)| range.selected_values.contains(column));
                selected.map(|(index, _)| index).collect()
            }
            Self::Entry(entry) => {
                let (from, to) = (entry.from_selected_value, entry.to_selected_value);
                numbered(from.into(), to.into(), all.len()).collect()
            }
            _ => (0..all.len()).collect(),
        };
        if columns.is_empty() {
            return Err(DataAccessResult::ScopeOfAccessViolated);
        }
        Ok(columns)
    }
}

/// The cells of a row in these columns.
pub(super) fn row(cells: impl IntoIterator<Item = DataBuf>, columns: &[usize]) -> DataBuf {
    let cells = cells.into_iter().enumerate();
    let cells = cells.filter(|(index, _)| columns.contains(index));
    DataBuf::structure(cells.map(|(_, cell)| cell))
}

/// From number `from` to number `to` of `count`, both ends included and 0 for the last one, as a
/// range of indexes.
pub(super) fn numbered(from: u32, to: u32, count: usize) -> Range<usize> {
    let index = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let end = if to == 0 { count } else { index(to).min(count) };
    index(from.max(1) - 1).min(end)..end
}
