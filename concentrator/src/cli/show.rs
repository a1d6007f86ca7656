//! Answers on standard output: as a table, as JSON, as JSON lines, as CSV.

use std::io::{self, Write};

use clap::ValueEnum;
use serde::Serialize;
use serde_json::{Map, Value};

/// How records are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Columns for people.
    #[default]
    Table,
    /// One array.
    Json,
    /// An object a line.
    Jsonl,
    /// With a header line.
    Csv,
}

/// Writes `records`, of which `columns` are shown in a table.
pub(super) fn records<R: Serialize>(
    out: &mut impl Write,
    format: Format,
    columns: &[&str],
    records: &[R],
) -> io::Result<()> {
    match format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, records)?;
            out.write_all(b"\n")
        }
        Format::Jsonl => records.iter().try_for_each(|record| {
            serde_json::to_writer(&mut *out, record)?;
            out.write_all(b"\n")
        }),
        Format::Csv => {
            writeln!(out, "{}", columns.join(","))?;
            for row in rows(columns, records)? {
                let cells: Vec<String> = row.iter().map(|cell| quoted(cell)).collect();
                writeln!(out, "{}", cells.join(","))?;
            }
            Ok(())
        }
        Format::Table => {
            let heads = columns.iter().map(|name| name.replace('_', "-").to_uppercase());
            let mut lines = vec![heads.collect::<Vec<_>>()];
            lines.extend(rows(columns, records)?);
            let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
            let widths: Vec<usize> = (0..columns.len()).filter_map(width).collect();
            for line in &lines {
                let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
                writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
            }
            Ok(())
        }
    }
}

/// The cells of each record; what is not there is empty.
fn rows<R: Serialize>(columns: &[&str], records: &[R]) -> io::Result<Vec<Vec<String>>> {
    let row = |record: &R| {
        let Value::Object(fields) = serde_json::to_value(record)? else { return Ok(Vec::new()) };
        Ok(columns.iter().map(|column| cell(&fields, column)).collect())
    };
    records.iter().map(row).collect()
}

fn cell(fields: &Map<String, Value>, column: &str) -> String {
    match fields.get(column) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Meter {
        name: &'static str,
        last_seen: Option<i64>,
    }

    fn shown(format: Format) -> String {
        let meters =
            [Meter { name: "ABC, one", last_seen: None }, Meter { name: "B", last_seen: Some(7) }];
        let mut out = Vec::new();
        records(&mut out, format, &["name", "last_seen"], &meters).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_of_a_table_are_as_wide_as_their_widest_cell() {
        assert_eq!(shown(Format::Table), "NAME      LAST-SEEN\nABC, one\nB         7\n");
    }

    #[test]
    fn csv_quotes_what_would_be_taken_for_more_than_a_cell() {
        assert_eq!(shown(Format::Csv), "name,last_seen\n\"ABC, one\",\nB,7\n");
    }

    #[test]
    fn json_keeps_what_is_not_known_apart_from_what_is_nothing() {
        let lines =
            "{\"name\":\"ABC, one\",\"last_seen\":null}\n{\"name\":\"B\",\"last_seen\":7}\n";
        assert_eq!(shown(Format::Jsonl), lines);
    }
}
