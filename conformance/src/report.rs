//! What came of a run, as a table, JSON, JSON lines or CSV, and the report file.

use core::time::Duration;
use std::{
    io::{self, Write},
    path::Path,
};

use serde_json::{Value, json};

use crate::{case::Case, declaration::Declaration, verdict::Verdict};

/// What came of one case.
#[derive(Clone, Debug)]
pub struct Report {
    /// The case.
    pub case: Case,
    /// The verdict.
    pub verdict: Verdict,
    /// Why the case did not pass; empty when it did.
    pub reason: String,
    /// How long it took.
    pub took: Duration,
    /// What went over the line, passwords masked.
    pub transcript: Vec<String>,
}

impl Report {
    /// The case as one JSON object.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "case": self.case.name,
            "group": self.case.group.name(),
            "verdict": self.verdict.name(),
            "reason": self.reason,
            "took_ms": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
        })
    }

    fn cells(&self) -> [String; 5] {
        [
            self.case.name.to_owned(),
            self.case.group.name().to_owned(),
            self.verdict.name().to_owned(),
            self.reason.clone(),
            self.took.as_millis().to_string(),
        ]
    }
}

/// How reports are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For reading: aligned columns
    Table,
    /// One JSON array
    Json,
    /// One JSON object a line, written as it is known
    Jsonl,
    /// Comma-separated, with a header line
    Csv,
}

/// Writes one line for each case as it ends. Every format is readable while the run goes on.
pub(crate) struct Printer<W> {
    format: Format,
    colours: bool,
    out: W,
    count: usize,
}

/// Columns of a name in a table: of the longest name, and two.
const NAME_COLUMNS: usize = 28;
/// Columns of a verdict.
const VERDICT_COLUMNS: usize = 14;

impl<W: Write> Printer<W> {
    pub(crate) const fn new(format: Format, colours: bool, out: W) -> Self {
        Self { format, colours, out, count: 0 }
    }

    pub(crate) fn report(&mut self, report: &Report) -> io::Result<()> {
        let first = self.count == 0;
        self.count += 1;
        match self.format {
            Format::Table => {
                let reason = printable(&report.reason);
                let verdict = format!("{:VERDICT_COLUMNS$}", report.verdict.name());
                let verdict = match report.verdict {
                    Verdict::Failed if self.colours => format!("\u{1b}[1;31m{verdict}\u{1b}[0m"),
                    _ => verdict,
                };
                let line = format!("{:NAME_COLUMNS$}{verdict}{reason}", report.case.name);
                writeln!(self.out, "{}", line.trim_end())?;
            }
            Format::Json => {
                self.out.write_all(if first { b"[\n" } else { b",\n" })?;
                write!(self.out, "{}", report.to_json())?;
            }
            Format::Jsonl => writeln!(self.out, "{}", report.to_json())?,
            Format::Csv => {
                if first {
                    writeln!(self.out, "case,group,verdict,reason,took_ms")?;
                }
                writeln!(self.out, "{}", report.cells().map(|cell| quoted(&cell)).join(","))?;
            }
        }
        self.out.flush()
    }

    /// Writes what comes after the last case.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        match (self.format, self.count) {
            (Format::Json, 0) => self.out.write_all(b"[]\n")?,
            (Format::Json, _) => self.out.write_all(b"\n]\n")?,
            (Format::Csv, 0) => self.out.write_all(b"case,group,verdict,reason,took_ms\n")?,
            _ => {}
        }
        self.out.flush()
    }
}

/// How many of each verdict there are, in one line.
pub(crate) fn summary(verdicts: &[Verdict]) -> String {
    let all = [Verdict::Passed, Verdict::Failed, Verdict::Inconclusive, Verdict::Inapplicable];
    let count = |verdict: Verdict| verdicts.iter().filter(|it| **it == verdict).count();
    all.map(|verdict| format!("{} {}", count(verdict), verdict.name().to_lowercase())).join(", ")
}

/// Writes the report file: every case with its purpose, its clause and what went over the line.
pub(crate) fn write_file(
    path: &Path,
    declaration: &Declaration,
    address: &str,
    reports: &[Report],
) -> io::Result<()> {
    let cases = reports.iter().map(|report| {
        let mut case = report.to_json();
        case["purpose"] = report.case.purpose.into();
        case["reference"] = report.case.reference.into();
        case["transcript"] = json!(report.transcript);
        case
    });
    let verdicts: Vec<Verdict> = reports.iter().map(|report| report.verdict).collect();
    let file = json!({
        "suite": concat!("dlms-conformance ", env!("CARGO_PKG_VERSION")),
        "implementation": declaration.name,
        "address": address,
        "summary": summary(&verdicts),
        "cases": cases.collect::<Vec<_>>(),
    });
    let mut text = serde_json::to_vec_pretty(&file)?;
    text.push(b'\n');
    std::fs::write(path, text)
}

/// A text without control characters: what a meter sends must not command the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { '\u{fffd}' } else { it }).collect()
}

/// A cell of CSV (RFC 4180).
fn quoted(cell: &str) -> String {
    match cell.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    fn written(format: Format, reasons: &[&str]) -> String {
        let mut out = Vec::new();
        let mut printer = Printer::new(format, false, &mut out);
        for reason in reasons {
            let verdict = if reason.is_empty() { Verdict::Passed } else { Verdict::Failed };
            let case = *catalogue().next().unwrap();
            let took = Duration::from_millis(7);
            let reason = (*reason).to_owned();
            printer.report(&Report { case, verdict, reason, took, transcript: vec![] }).unwrap();
        }
        printer.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_format_is_what_it_says() {
        assert_eq!(
            written(Format::Table, &["", "a\u{1b}b"]),
            "HDLC_FRAME_P1               PASSED\n\
             HDLC_FRAME_P1               FAILED        a\u{fffd}b\n"
        );
        let json: Value = serde_json::from_str(&written(Format::Json, &["", "x"])).unwrap();
        assert_eq!(json[1]["reason"], "x");
        assert_eq!(written(Format::Json, &[]), "[]\n");
        let lines = written(Format::Jsonl, &["", "x"]);
        assert_eq!(lines.lines().count(), 2);
        assert_eq!(
            written(Format::Csv, &["a,\"b\""]),
            "case,group,verdict,reason,took_ms\n\
             HDLC_FRAME_P1,hdlc,FAILED,\"a,\"\"b\"\"\",7\n"
        );
    }
}
