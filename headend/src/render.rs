//! Records on standard output: as a table, as JSON, as JSON lines, as CSV.
//!
//! JSON lines and CSV are written record by record, as they become known; a table is written at the
//! end, when the widths of its columns are known.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use crate::cli::Format;

/// Something to be shown. Its JSON shape is its `Serialize`.
pub(crate) trait Record: Serialize {
    /// The cells of its line in a table.
    fn table(&self) -> Vec<String>;

    /// The cells of its line in CSV.
    fn csv(&self) -> Vec<String>;
}

/// The names of the columns.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    /// Of a table: the name, and whether its cells stand at the right.
    pub(crate) table: Vec<(String, Align)>,
    /// Of CSV.
    pub(crate) csv: Vec<String>,
}

/// Where a cell of a table stands in its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

impl Header {
    pub(crate) fn new(table: &[(&str, Align)], csv: &[&str]) -> Self {
        Self {
            table: table.iter().map(|(name, align)| ((*name).to_owned(), *align)).collect(),
            csv: csv.iter().map(|name| (*name).to_owned()).collect(),
        }
    }
}

/// Writes records in one of the formats.
pub(crate) struct Printer<W: Write> {
    format: Format,
    out: W,
    header: Header,
    /// The lines of a table, until it is finished.
    lines: Vec<Vec<String>>,
    count: usize,
}

impl<W: Write> Printer<W> {
    pub(crate) const fn new(format: Format, header: Header, out: W) -> Self {
        Self { format, out, header, lines: Vec::new(), count: 0 }
    }

    /// Writes a record, or keeps it for the table.
    pub(crate) fn record(&mut self, record: &impl Record) -> io::Result<()> {
        match self.format {
            Format::Table => self.lines.push(record.table()),
            Format::Jsonl => {
                serde_json::to_writer(&mut self.out, record)?;
                self.out.write_all(b"\n")?;
            }
            Format::Json => {
                self.out.write_all(if self.count == 0 { b"[\n" } else { b",\n" })?;
                serde_json::to_writer(&mut self.out, record)?;
            }
            Format::Csv => {
                if self.count == 0 {
                    write_csv(&mut self.out, &self.header.csv)?;
                }
                write_csv(&mut self.out, &record.csv())?;
            }
        }
        self.count += 1;
        // Whoever reads along sees each record at once.
        if self.format == Format::Table { Ok(()) } else { self.out.flush() }
    }

    /// Writes what comes after the last record.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        match self.format {
            Format::Table => self.write_table()?,
            Format::Json if self.count == 0 => self.out.write_all(b"[]\n")?,
            Format::Json => self.out.write_all(b"\n]\n")?,
            Format::Csv if self.count == 0 => write_csv(&mut self.out, &self.header.csv)?,
            Format::Csv | Format::Jsonl => {}
        }
        self.out.flush()
    }

    fn write_table(&mut self) -> io::Result<()> {
        let names: Vec<String> = self.header.table.iter().map(|(name, _)| name.clone()).collect();
        let mut widths = vec![0; names.len()];
        for cell in self.lines.iter_mut().flatten() {
            *cell = printable(cell);
        }
        for line in core::iter::once(&names).chain(&self.lines) {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for line in core::iter::once(&names).chain(&self.lines) {
            let mut text = String::new();
            for ((cell, width), (_, align)) in line.iter().zip(&widths).zip(&self.header.table) {
                match align {
                    Align::Left => text += &format!("{cell:<width$}  "),
                    Align::Right => text += &format!("{cell:>width$}  "),
                }
            }
            writeln!(self.out, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

/// A text without control characters: what a meter sends must not command the terminal.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() {
            printable.extend(char.escape_default());
        } else {
            printable.push(char);
        }
    }
    printable
}

/// A value in a CSV cell: a text as it is, null as nothing, a list as JSON.
pub(crate) fn csv_cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// One line of CSV (RFC 4180, with the line ends of this world).
pub(crate) fn write_csv(out: &mut impl Write, cells: &[String]) -> io::Result<()> {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        if cell.contains(['"', ',', '\n', '\r']) {
            write!(out, "\"{}\"", cell.replace('"', "\"\""))?;
        } else {
            out.write_all(cell.as_bytes())?;
        }
    }
    out.write_all(b"\n")
}

/// The CSV line of a record, without its end.
#[cfg(test)]
pub(crate) fn csv_line(record: &impl Record) -> io::Result<String> {
    let mut line = Vec::new();
    write_csv(&mut line, &record.csv())?;
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Pair {
        name: &'static str,
        value: Option<i64>,
    }

    impl Record for Pair {
        fn table(&self) -> Vec<String> {
            vec![self.name.into(), self.value.map(|value| value.to_string()).unwrap_or_default()]
        }

        fn csv(&self) -> Vec<String> {
            self.table()
        }
    }

    const PAIRS: [Pair; 2] =
        [Pair { name: "°C, \"x\"", value: Some(-5) }, Pair { name: "b", value: None }];

    fn printed(format: Format, records: &[Pair]) -> String {
        let mut out = Vec::new();
        let header =
            Header::new(&[("NAME", Align::Left), ("VALUE", Align::Right)], &["name", "value"]);
        let mut printer = Printer::new(format, header, &mut out);
        records.iter().for_each(|record| printer.record(record).unwrap());
        printer.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn json_lines_are_one_object_each() {
        assert_eq!(
            printed(Format::Jsonl, &PAIRS),
            "{\"name\":\"°C, \\\"x\\\"\",\"value\":-5}\n{\"name\":\"b\",\"value\":null}\n"
        );
        assert_eq!(printed(Format::Jsonl, &[]), "");
    }

    #[test]
    fn json_is_one_array() {
        let text = printed(Format::Json, &PAIRS);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value.as_array().unwrap().len(), 2);
        assert_eq!(printed(Format::Json, &[]), "[]\n");
    }

    #[test]
    fn csv_quotes_what_would_be_misread() {
        assert_eq!(printed(Format::Csv, &PAIRS), "name,value\n\"°C, \"\"x\"\"\",-5\nb,\n");
        assert_eq!(printed(Format::Csv, &[]), "name,value\n");
    }

    #[test]
    fn a_table_has_aligned_columns_and_no_spaces_at_its_right() {
        assert_eq!(printed(Format::Table, &PAIRS), "NAME     VALUE\n°C, \"x\"     -5\nb\n");
    }

    #[test]
    fn a_closed_pipe_is_an_error_that_can_be_told_apart() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut printer = Printer::new(Format::Jsonl, Header::new(&[], &[]), Closed);
        let error = printer.record(&PAIRS[1]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_meter_does_not_command_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\u{9b}c\td\u{7f} é"), r"a\u{1b}[2Jb\u{9b}c\td\u{7f} é");
        let mut out = Vec::new();
        let mut printer = Printer::new(
            Format::Table,
            Header::new(&[("N", Align::Left), ("V", Align::Right)], &[]),
            &mut out,
        );
        printer.record(&Pair { name: "\u{1b}[31m", value: None }).unwrap();
        printer.finish().unwrap();
        assert!(!out.contains(&0x1b), "{}", String::from_utf8_lossy(&out));
    }
}
