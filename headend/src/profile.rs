//! A profile as it is shown: which columns it has and which are wanted, what to ask the meter for,
//! and each row as a line.

use core::fmt::Write;

use dlms_core::{
    Malformed,
    association::Selection,
    axdr::{Data, DataBuf, Reader},
    cosem::{
        AttributeDescriptor, AttributeId, CaptureObject, ClassId, DateTime, EntryDescriptor,
        ProfileSelector, RangeDescriptor, ScalerUnit, obis,
        profile::{Cell, Mark, Restorer, Row, SortMethod},
    },
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    hex,
    object::Object,
    reading::{self, Shown},
    registry,
    render::{self, Align, Header, Record},
    time_rules::TimeRules,
};

/// Where a range starts that has no start. No meter is older.
const FIRST: &str = "2000-01-01T00:00:00";
/// Where a range ends that has no end.
const LAST: &str = "2099-12-31T23:59:59";

/// Which rows are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// All of them.
    All,
    /// Those captured between two moments, both included.
    Times {
        /// None for the first.
        from: Option<DateTime>,
        /// None for the last.
        to: Option<DateTime>,
    },
    /// Those at these places, counted from 1, both included; None for the last.
    Entries(u32, Option<u32>),
}

impl Which {
    /// Whether times with a deviation bound it.
    pub(crate) fn has_deviation(self) -> bool {
        let Self::Times { from, to } = self else { return false };
        [from, to].into_iter().flatten().any(|time| time.deviation().is_some())
    }
}

/// The columns of a profile, and which of them are wanted.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    /// All that the profile captures.
    captured: Vec<CaptureObject>,
    /// The places in `captured` of those that the meter is asked for.
    asked: Vec<usize>,
    /// The column with the time of the row.
    time: Option<usize>,
    /// The column with the status of the row.
    status: Option<usize>,
    /// The places in `captured` of those that are shown beside time and status.
    shown: Vec<usize>,
    /// Scaler and unit by place in `captured`.
    scaler_units: Vec<Option<ScalerUnit>>,
}

/// A column that the profile does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the profile has no column {wanted}; its columns are {columns}")]
pub(crate) struct NoSuchColumn {
    wanted: Object,
    columns: String,
}

impl Columns {
    /// The columns `wanted` of those `captured`, in the order in which they were named; all of them
    /// when none is. Time and status of the row always come along.
    pub(crate) fn new(
        captured: Vec<CaptureObject>,
        wanted: &[Object],
    ) -> Result<Self, NoSuchColumn> {
        let time = captured.iter().position(CaptureObject::is_clock_time);
        let status = captured.iter().position(|column| {
            registry::is_profile_status(column.class, column.instance)
                && column.attribute == AttributeId(2)
        });
        let mut named: Vec<usize> = Vec::new();
        for object in wanted {
            let place = find(&captured, *object)
                .ok_or_else(|| NoSuchColumn { wanted: *object, columns: names(&captured) })?;
            if !named.contains(&place) {
                named.push(place);
            }
        }
        if wanted.is_empty() {
            named = (0..captured.len()).collect();
        }
        let mut asked: Vec<usize> = time.into_iter().chain(status).chain(named.clone()).collect();
        asked.sort_unstable();
        asked.dedup();
        let shown = named
            .into_iter()
            .filter(|place| Some(*place) != time && Some(*place) != status)
            .collect();
        let scaler_units = vec![None; captured.len()];
        Ok(Self { captured, asked, time, status, shown, scaler_units })
    }

    /// The attributes that the shown columns capture.
    pub(crate) fn shown(&self) -> impl Iterator<Item = AttributeDescriptor> + '_ {
        self.shown.iter().map(|place| self.captured[*place].descriptor())
    }

    /// Takes the scaler and unit of each column from `of`.
    pub(crate) fn learn_scaler_units(
        &mut self,
        of: impl Fn(AttributeDescriptor) -> Option<ScalerUnit>,
    ) {
        for (column, scaler_unit) in self.captured.iter().zip(&mut self.scaler_units) {
            // A part of an attribute has no unit of its own.
            *scaler_unit = if column.data_index == 0 { of(column.descriptor()) } else { None };
        }
    }

    /// What to ask the meter for; None for the whole buffer.
    pub(crate) fn selection(&self, which: Which) -> Option<Selection> {
        let all_columns = self.asked.len() == self.captured.len();
        let selector = match which {
            Which::All if all_columns => return None,
            Which::All => self.entries(1, None, all_columns),
            Which::Entries(first, last) => self.entries(first, last, all_columns),
            Which::Times { from, to } => {
                let moment = |text: &str| text.parse().unwrap_or(DateTime::UNSPECIFIED);
                let range = RangeDescriptor::times(
                    from.unwrap_or_else(|| moment(FIRST)),
                    to.unwrap_or_else(|| moment(LAST)),
                );
                let clock = self.time.map(|place| self.captured[place]);
                let selected = self.asked.iter().map(|place| self.captured[*place]);
                ProfileSelector::Range(RangeDescriptor {
                    restricting_object: clock.unwrap_or(range.restricting_object),
                    selected_values: if all_columns { vec![] } else { selected.collect() },
                    ..range
                })
            }
        };
        let parameters = selector.parameters().to_octets();
        Some(Selection { selector: selector.selector(), parameters })
    }

    /// Entries are cut to a range of columns, which may hold some that are not wanted.
    fn entries(&self, first: u32, last: Option<u32>, all_columns: bool) -> ProfileSelector {
        // 0 stands for the last entry, and for the last column.
        let entries = EntryDescriptor::entries(first, last.unwrap_or(0));
        let column = |place: Option<&usize>| {
            place.and_then(|place| u16::try_from(place + 1).ok()).unwrap_or(0)
        };
        ProfileSelector::Entry(if all_columns {
            entries
        } else {
            EntryDescriptor {
                from_selected_value: column(self.asked.first()).max(1),
                to_selected_value: column(self.asked.last()),
                ..entries
            }
        })
    }

    /// The places in `captured` that rows have when asked for `which`.
    pub(crate) fn coming(&self, which: Which) -> Vec<usize> {
        match (which, self.asked.first(), self.asked.last()) {
            (Which::Times { .. }, ..) => self.asked.clone(),
            (_, Some(first), Some(last)) => (*first..=*last).collect(),
            _ => vec![],
        }
    }

    /// The columns of a table and of CSV.
    pub(crate) fn header(&self) -> Header {
        let mut header = Header::new(
            &[("TIME", Align::Left), ("STATUS", Align::Right)],
            &["time", "raw_time", "status"],
        );
        for place in &self.shown {
            let column = self.captured[*place];
            let unit = self.unit(*place);
            let unit = if unit.is_empty() { unit } else { format!(" [{unit}]") };
            let name = format!("{}:{}{unit}", column.instance, column.attribute);
            header.table.push((name.clone(), Align::Right));
            header.csv.push(name);
        }
        header
    }

    /// The unit of a column, and nothing for a plain count.
    fn unit(&self, place: usize) -> String {
        self.scaler_units[place].map(|scaler_unit| scaler_unit.unit.to_string()).unwrap_or_default()
    }
}

/// The place of the column that captures `object`. Without a word about it, attribute 2 is meant,
/// or whichever attribute is captured.
fn find(captured: &[CaptureObject], object: Object) -> Option<usize> {
    let fits = |column: &CaptureObject| {
        column.instance == object.instance
            && object.class.is_none_or(|class| class == column.class)
            && object.attribute.is_none_or(|attribute| attribute == column.attribute)
    };
    captured
        .iter()
        .position(|column| fits(column) && column.attribute == object.attribute())
        .or_else(|| captured.iter().position(fits))
}

fn names(captured: &[CaptureObject]) -> String {
    captured.iter().fold(String::new(), |mut names, column| {
        let separator = if names.is_empty() { "" } else { " " };
        // Writing to a String cannot fail.
        let _ = write!(names, "{separator}{}", column.descriptor());
        names
    })
}

/// Makes lines of the rows of a profile.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    columns: &'a Columns,
    /// The places in `captured` of the cells of a row.
    coming: Vec<usize>,
    restorer: Restorer,
    capture_period_s: u32,
    sort_method: SortMethod,
    time_rules: TimeRules,
    started: bool,
}

impl<'a> Lines<'a> {
    /// Lines of rows that have the columns `coming`.
    pub(crate) fn new(
        columns: &'a Columns,
        coming: Vec<usize>,
        capture_period_s: u32,
        sort_method: SortMethod,
    ) -> Self {
        let restorer = restorer(columns, &coming, capture_period_s, sort_method);
        let time_rules = TimeRules::default();
        Self {
            columns,
            coming,
            restorer,
            capture_period_s,
            sort_method,
            time_rules,
            started: false,
        }
    }

    /// Lines of rows of a meter with these rules for its times.
    pub(crate) fn with_time_rules(self, time_rules: TimeRules) -> Self {
        Self { time_rules, ..self }
    }

    /// The line of the next row.
    pub(crate) fn line(&mut self, row: &Row<'_>) -> Result<RowLine, Malformed> {
        if !self.started {
            self.started = true;
            // Some meters take the selection of rows and send all columns all the same.
            let all = self.columns.captured.len();
            if row.len() == all && self.coming.len() != all {
                self.coming = (0..all).collect();
                self.restorer =
                    restorer(self.columns, &self.coming, self.capture_period_s, self.sort_method);
            }
        }
        let restored = self.restorer.restore(row)?;
        let cell = |wanted: Option<usize>| {
            let index = self.coming.iter().position(|place| Some(*place) == wanted)?;
            restored.cells.get(index)
        };
        let status = match cell(self.columns.status) {
            Some(status) => {
                let column = self.columns.captured[self.columns.status.unwrap_or(0)];
                shown(status, column, None, self.time_rules)?.value
            }
            None => Value::Null,
        };
        let mut columns = Vec::with_capacity(self.columns.shown.len());
        for place in &self.columns.shown {
            let column = self.columns.captured[*place];
            let scaler_unit = self.columns.scaler_units[*place];
            let cell = cell(Some(*place));
            columns.push(CellLine {
                logical_name: column.instance.to_string(),
                attribute: column.attribute.0,
                number: cell.and_then(|cell| integer(&cell.value)),
                scaled: cell.and_then(|cell| scaled(&cell.value, scaler_unit)),
                scaler_unit,
                shown: match cell {
                    Some(cell) => shown(cell, column, scaler_unit, self.time_rules)?.into(),
                    None => ShownCell::default(),
                },
            });
        }
        Ok(RowLine {
            time: restored
                .time
                .map(|time| self.time_rules.understood(time))
                .filter(DateTime::is_complete)
                .map(|time| time.to_string()),
            raw_time: cell(self.columns.time).and_then(sent_octets),
            status,
            columns,
        })
    }
}

fn restorer(
    columns: &Columns,
    coming: &[usize],
    capture_period_s: u32,
    sort_method: SortMethod,
) -> Restorer {
    let captured: Vec<_> = coming.iter().map(|place| columns.captured[*place]).collect();
    Restorer::new(&captured, capture_period_s, sort_method)
}

/// The octets of a time that the meter sent. One that was restored has none.
fn sent_octets(cell: &Cell) -> Option<String> {
    match (&cell.value, cell.mark) {
        (DataBuf::OctetString(octets), Mark::Sent) => Some(hex::text(octets)),
        (DataBuf::DateTime(octets), Mark::Sent) => Some(hex::text(octets)),
        _ => None,
    }
}

fn shown(
    cell: &Cell,
    column: CaptureObject,
    scaler_unit: Option<ScalerUnit>,
    time_rules: TimeRules,
) -> Result<Shown, Malformed> {
    if cell.mark == Mark::Untrusted {
        return Ok(Shown::default());
    }
    let octets = cell.value.to_octets();
    let data = Data::decode(&mut Reader::new(&octets))?;
    let class = if column.data_index == 0 { column.class } else { ClassId(0) };
    match reading::date_time(&data, class, column.attribute) {
        Some(sent) => Ok(Shown::date_time(sent, time_rules)),
        None => Shown::new(&data, class, column.attribute, scaler_unit),
    }
}

fn integer(value: &DataBuf) -> Option<i128> {
    let octets = value.to_octets();
    Data::decode(&mut Reader::new(&octets)).ok()?.as_integer()
}

fn scaled(value: &DataBuf, scaler_unit: Option<ScalerUnit>) -> Option<String> {
    let octets = value.to_octets();
    reading::scaled(&Data::decode(&mut Reader::new(&octets)).ok()?, scaler_unit)
}

/// A row as it is shown: a line of `headend profile`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RowLine {
    /// When the row was captured, RFC 3339; null when that cannot be known.
    pub time: Option<String>,
    /// The octets of the time; null when the meter left it out and it was restored.
    pub raw_time: Option<String>,
    /// The profile status of the row.
    pub status: Value,
    /// The other columns.
    pub columns: Vec<CellLine>,
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CellLine {
    /// `1-0:1.8.0*255`.
    pub logical_name: String,
    /// The number of the attribute.
    pub attribute: i8,
    /// Value, scaler, unit and text.
    #[serde(flatten)]
    pub shown: ShownCell,
    #[serde(skip)]
    number: Option<i128>,
    /// The number, scaled, without its unit.
    #[serde(skip)]
    scaled: Option<String>,
    #[serde(skip)]
    scaler_unit: Option<ScalerUnit>,
}

/// The value of a cell: a [`Shown`] without the type, which is the same all the way down.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ShownCell {
    /// The value as the meter sent it, not scaled.
    pub value: Value,
    /// The octets of a date-time, and of a string that is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// The power of ten to multiply the value with.
    pub scaler: Option<i8>,
    /// The unit; null for a plain count.
    pub unit: Option<String>,
    /// For people.
    pub text: Option<String>,
}

impl From<Shown> for ShownCell {
    fn from(shown: Shown) -> Self {
        let Shown { data_type: _, value, raw, scaler, unit, text } = shown;
        Self { value, raw, scaler, unit, text }
    }
}

impl CellLine {
    /// The value, where it is an integer.
    pub(crate) const fn number(&self) -> Option<i128> {
        self.number
    }

    /// What the number means, where the meter says so.
    pub(crate) const fn scaler_unit(&self) -> Option<ScalerUnit> {
        self.scaler_unit
    }

    /// The value for a column whose head names the unit.
    fn without_unit(&self) -> String {
        match (&self.scaled, &self.shown.text) {
            (Some(scaled), Some(_)) => scaled.clone(),
            // A date-time that leaves something open.
            (None, Some(text)) if self.shown.raw.is_some() => text.clone(),
            (None, Some(_)) => render::csv_cell(&self.shown.value),
            (_, None) => String::new(),
        }
    }

    /// The scaled value, for the eye.
    fn height(&self) -> Option<f64> {
        let scaled = self.scaled.as_ref().filter(|_| self.shown.text.is_some())?;
        scaled.parse().ok().filter(|height: &f64| height.is_finite())
    }
}

impl Record for RowLine {
    fn table(&self) -> Vec<String> {
        let head = [self.time.clone().unwrap_or_default(), render::csv_cell(&self.status)];
        head.into_iter().chain(self.columns.iter().map(CellLine::without_unit)).collect()
    }

    fn csv(&self) -> Vec<String> {
        let head = [
            self.time.clone().unwrap_or_default(),
            self.raw_time.clone().unwrap_or_default(),
            render::csv_cell(&self.status),
        ];
        head.into_iter().chain(self.columns.iter().map(CellLine::without_unit)).collect()
    }
}

/// A chart of each numeric column of `rows`, `width` characters wide.
pub(crate) fn charts(columns: &Columns, rows: &[RowLine], width: usize) -> String {
    let time = |row: Option<&RowLine>| row.and_then(|row| row.time.clone()).unwrap_or_default();
    let (first, last) = (time(rows.first()), time(rows.last()));
    let newest_first = first > last;
    let (first, last) = if newest_first { (last, first) } else { (first, last) };
    let mut text = String::new();
    for (index, place) in columns.shown.iter().enumerate() {
        let instance = columns.captured[*place].instance;
        let mut values: Vec<Option<f64>> =
            rows.iter().map(|row| row.columns.get(index)?.height()).collect();
        if newest_first {
            values.reverse();
        }
        if values.iter().all(Option::is_none) {
            continue;
        }
        let name = match obis::name(instance) {
            Some(name) => format!("{name} ({instance})"),
            None => instance.to_string(),
        };
        let title = if registry::is_energy(instance) {
            values = values
                .windows(2)
                .map(|pair| Some(pair[1]? - pair[0]?).filter(|used| *used >= 0.0))
                .collect();
            format!("{name}, between rows")
        } else {
            name
        };
        let unit = columns.unit(*place);
        let chart = crate::plot::Chart {
            title: &title,
            values: &values,
            unit: if unit.is_empty() { "count" } else { &unit },
            first: &first,
            last: &last,
        };
        text += &chart.draw(width);
        text.push('\n');
    }
    if text.is_empty() { "no numbers to draw\n".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use dlms_core::{
        axdr::{CompactArrayRules, RawData},
        cosem::{LogicalName, Unit, profile::Rows},
    };

    use super::*;

    const ENERGY: LogicalName = LogicalName([1, 0, 1, 8, 0, 255]);
    const WATT_HOURS: ScalerUnit = ScalerUnit { scaler: 1, unit: Unit::from_code(30) };

    fn captured() -> Vec<CaptureObject> {
        vec![
            CaptureObject::CLOCK_TIME,
            column(ClassId::DATA, [0, 0, 96, 10, 1, 255], 2),
            column(ClassId::REGISTER, ENERGY.0, 2),
            column(ClassId::EXTENDED_REGISTER, [1, 0, 1, 6, 0, 255], 5),
            column(ClassId::EXTENDED_REGISTER, [1, 0, 1, 6, 0, 255], 2),
        ]
    }

    fn column(class: ClassId, instance: [u8; 6], attribute: i8) -> CaptureObject {
        CaptureObject::new(AttributeDescriptor::new(class, LogicalName(instance), attribute))
    }

    fn columns(wanted: &[&str]) -> Result<Columns, NoSuchColumn> {
        let wanted: Vec<Object> = wanted.iter().map(|text| text.parse().unwrap()).collect();
        let mut columns = Columns::new(captured(), &wanted)?;
        columns.learn_scaler_units(|attribute| {
            (attribute.class == ClassId::REGISTER).then_some(WATT_HOURS)
        });
        Ok(columns)
    }

    /// Selector and parameters, in hexadecimal.
    fn asked(wanted: &[&str], which: Which) -> Option<(u8, String)> {
        let selection = columns(wanted).unwrap().selection(which)?;
        Some((selection.selector, hex::text(&selection.parameters)))
    }

    #[test]
    fn the_whole_buffer_is_read_without_a_selection() {
        assert_eq!(asked(&[], Which::All), None);
        assert_eq!(columns(&[]).unwrap().coming(Which::All), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn entries_are_counted_from_1_and_0_is_the_last() {
        let all = "120001120000";
        let entries = |first, last| asked(&[], Which::Entries(first, last)).unwrap();
        assert_eq!(entries(1, Some(50)), (2, format!("0204060000000106{:08x}{all}", 50)));
        assert_eq!(entries(97, None), (2, format!("02040600000061{}{all}", "0600000000")));
    }

    #[test]
    fn entries_come_with_the_columns_from_the_time_to_the_last_wanted() {
        assert_eq!(
            asked(&["1-0:1.8.0"], Which::All),
            Some((2, "02040600000001060000000012000112 0003".replace(' ', "")))
        );
        assert_eq!(columns(&["1-0:1.8.0"]).unwrap().coming(Which::All), [0, 1, 2]);
    }

    #[test]
    fn a_range_names_the_clock_the_times_and_the_wanted_columns() {
        let times = Which::Times {
            from: Some("2026-01-15".parse().unwrap()),
            to: Some("2026-01-15T17:30:00+01:00".parse().unwrap()),
        };
        let (selector, parameters) = asked(&["1-0:1.8.0"], times).unwrap();
        assert_eq!(selector, 1);
        let from = "090c07ea010f04000000008000ff";
        let to = "090c07ea010f04111e0000ffc400";
        let clock = "020412000809060000010000ff0f02120000";
        let status = "02041200010906000060 0a01ff0f02120000";
        assert_eq!(
            parameters,
            format!(
                "0204{clock}{from}{to}0103{clock}{status}{}",
                "020412000309060100010800ff0f02120000"
            )
            .replace(' ', "")
        );
        assert_eq!(columns(&["1-0:1.8.0"]).unwrap().coming(times), [0, 1, 2]);
    }

    #[test]
    fn a_column_is_found_by_as_much_as_was_typed() {
        let places = |wanted| columns(&[wanted]).map(|columns| columns.shown);
        assert_eq!(places("1-0:1.6.0"), Ok(vec![4]), "attribute 2 is meant");
        assert_eq!(places("1-0:1.6.0:5"), Ok(vec![3]));
        assert_eq!(places("4:1-0:1.6.0"), Ok(vec![4]));
        assert_eq!(places("8:0-0:1.0.0:2"), Ok(vec![]), "the time stands for itself");
        let error = places("3:1-0:1.6.0").unwrap_err().to_string();
        assert!(error.starts_with("the profile has no column 3:1-0:1.6.0*255; its columns are 8:"));
    }

    #[test]
    fn columns_stand_in_the_order_in_which_they_were_named() {
        let columns = columns(&["1-0:1.6.0", "1-0:1.8.0", "1-0:1.6.0"]).unwrap();
        assert_eq!((columns.shown, columns.asked), (vec![4, 2], vec![0, 1, 2, 4]));
    }

    #[test]
    fn a_float_is_scaled_in_tables_csv_and_charts_alike() {
        let columns = columns(&["1-0:1.8.0"]).unwrap();
        let octets = hex::parse("01010203 00 00 17450fd000".replace(' ', "").as_str()).unwrap();
        let raw = RawData::from_octets(&octets).unwrap();
        let mut rows = Rows::new(raw, CompactArrayRules::Standard).unwrap();
        let times = Which::Times { from: None, to: None };
        let mut lines = Lines::new(&columns, columns.coming(times), 900, SortMethod::Fifo);
        let line = lines.line(&rows.next().unwrap().unwrap()).unwrap();
        // 2301 of ten watt-hours each.
        assert_eq!(line.table(), ["", "", "23010"]);
        assert_eq!(line.csv(), ["", "", "", "23010"]);
        assert_eq!(line.columns[0].height(), Some(23010.0));
    }

    /// The lines of rows whose cells are given in hexadecimal.
    fn lines(wanted: &[&str], which: Which, rows: &[&str]) -> Vec<String> {
        let columns = columns(wanted).unwrap();
        let mut buffer = vec![1, u8::try_from(rows.len()).unwrap()];
        for row in rows {
            let cells: Vec<&str> = row.split(' ').collect();
            buffer.extend([2, u8::try_from(cells.len()).unwrap()]);
            cells.iter().for_each(|cell| buffer.extend(hex::parse(cell).unwrap()));
        }
        let mut lines = Lines::new(&columns, columns.coming(which), 900, SortMethod::Fifo);
        let raw = RawData::from_octets(&buffer).unwrap();
        Rows::new(raw, CompactArrayRules::Standard)
            .unwrap()
            .map(|row| serde_json::to_string(&lines.line(&row.unwrap()).unwrap()).unwrap())
            .collect()
    }

    #[test]
    fn time_and_status_stand_apart_and_what_was_left_out_is_restored() {
        let row = "090c07ea010f04111e0000800000 1108 06000000fa 090c07ea010f04111d0000800000 0601";
        assert_eq!(
            lines(&[], Which::All, &[&format!("{row}000000"), "00 00 00 00 00"]),
            [
                concat!(
                    r#"{"time":"2026-01-15T17:30:00","raw_time":"07ea010f04111e0000800000","#,
                    r#""status":8,"columns":["#,
                    r#"{"logical_name":"1-0:1.8.0*255","attribute":2,"#,
                    r#""value":250,"scaler":1,"unit":"Wh","text":"2500 Wh"},"#,
                    r#"{"logical_name":"1-0:1.6.0*255","attribute":5,"#,
                    r#""value":"2026-01-15T17:29:00","raw":"07ea010f04111d0000800000","#,
                    r#""scaler":null,"unit":null,"text":"2026-01-15T17:29:00"},"#,
                    r#"{"logical_name":"1-0:1.6.0*255","attribute":2,"#,
                    r#""value":16777216,"scaler":null,"unit":null,"text":"16777216"}]}"#
                ),
                concat!(
                    r#"{"time":"2026-01-15T17:45:00","raw_time":null,"status":8,"columns":["#,
                    r#"{"logical_name":"1-0:1.8.0*255","attribute":2,"#,
                    r#""value":250,"scaler":1,"unit":"Wh","text":"2500 Wh"},"#,
                    r#"{"logical_name":"1-0:1.6.0*255","attribute":5,"#,
                    r#""value":"2026-01-15T17:29:00","raw":"07ea010f04111d0000800000","#,
                    r#""scaler":null,"unit":null,"text":"2026-01-15T17:29:00"},"#,
                    r#"{"logical_name":"1-0:1.6.0*255","attribute":2,"#,
                    r#""value":16777216,"scaler":null,"unit":null,"text":"16777216"}]}"#
                ),
            ]
        );
    }

    #[test]
    fn what_cannot_be_restored_is_null_and_not_invented() {
        assert_eq!(
            lines(&["1-0:1.8.0"], Which::Times { from: None, to: None }, &["00 00 00"]),
            [concat!(
                r#"{"time":null,"raw_time":null,"status":null,"columns":["#,
                r#"{"logical_name":"1-0:1.8.0*255","attribute":2,"#,
                r#""value":null,"scaler":null,"unit":null,"text":null}]}"#
            )]
        );
    }

    #[test]
    fn a_meter_that_sends_all_columns_all_the_same_is_understood() {
        let line = lines(
            &["1-0:1.8.0"],
            Which::Times { from: None, to: None },
            &["090c07ea010f04111e0000800000 1100 06000000fa 00 00"],
        );
        assert!(line[0].contains(r#""value":250"#) && !line[0].contains("1.6.0"), "{line:?}");
    }

    #[test]
    fn tables_and_csv_have_the_unit_in_the_head_and_bare_numbers_below() {
        let columns = columns(&["1-0:1.8.0"]).unwrap();
        let header = columns.header();
        assert_eq!(header.csv, ["time", "raw_time", "status", "1-0:1.8.0*255:2 [Wh]"]);
        let row = RowLine {
            time: None,
            raw_time: None,
            status: Value::from(8),
            columns: vec![CellLine {
                logical_name: ENERGY.to_string(),
                attribute: 2,
                shown: ShownCell { text: Some("2500 Wh".into()), ..ShownCell::default() },
                number: Some(250),
                scaled: Some("2500".into()),
                scaler_unit: Some(WATT_HOURS),
            }],
        };
        assert_eq!(row.table(), ["", "8", "2500"]);
        assert_eq!(row.csv(), ["", "", "8", "2500"]);
        assert_eq!(row.columns[0].height(), Some(2500.0));
    }

    #[test]
    fn a_chart_of_energy_shows_what_was_used_between_rows() {
        let columns = columns(&["1-0:1.8.0"]).unwrap();
        let row = |time: &str, number| RowLine {
            time: Some(time.to_owned()),
            raw_time: None,
            status: Value::Null,
            columns: vec![CellLine {
                logical_name: ENERGY.to_string(),
                attribute: 2,
                shown: ShownCell { text: Some(String::new()), ..ShownCell::default() },
                number: Some(number),
                scaled: Some(format!("{number}0")),
                scaler_unit: Some(WATT_HOURS),
            }],
        };
        let rows = [
            row("2026-01-15T00:30:00", 7),
            row("2026-01-15T00:15:00", 4),
            row("2026-01-15T00:00:00", 2),
        ];
        let newest_first = charts(&columns, &rows, 60);
        let mut oldest_first = rows;
        oldest_first.reverse();
        assert_eq!(newest_first, charts(&columns, &oldest_first, 60));
        assert!(newest_first.contains("between rows, Wh\n") && newest_first.contains("30 │"));
        assert!(charts(&columns, &[], 60).contains("no numbers"));
    }
}
