//! `headend saps`: what is behind a concentrator.

use std::io;

use dlms_core::device::SapAssignmentItem;
use serde::Serialize;

use super::{failed_empty, is_for_people, prepare_reading, printer, usage};
use crate::{
    associate::device_name,
    cli,
    concentrators::read_sap_list,
    diagnosis::Diagnosis,
    exit::Exit,
    hex,
    render::{Align, Header, Record},
    report,
};

pub(super) async fn run(typed: cli::Saps) -> io::Result<Exit> {
    let (settings, context) = match prepare_reading(&typed.meter, &typed.association) {
        Ok(prepared) => prepared,
        Err(error) => return Ok(usage(&error)),
    };
    match read_sap_list(settings).await {
        Ok(list) => show(&list, typed.output),
        Err(error) => {
            failed_empty(&Diagnosis::error(&error, "get the SAP list", &context), typed.output)
        }
    }
}

fn show(list: &[SapAssignmentItem], output: cli::Output) -> io::Result<Exit> {
    let mut printer = printer(output, Line::header());
    list.iter().try_for_each(|item| printer.record(&Line::new(item)))?;
    printer.finish()?;
    if is_for_people(output.format) {
        report::note(&format!("{} logical devices", list.len()));
    }
    Ok(Exit::Success)
}

/// An element of the list as it is shown.
#[derive(Debug, Serialize)]
struct Line {
    sap: u16,
    logical_device_name: String,
    /// Its octets: not every name is made of characters.
    raw: String,
}

impl Line {
    fn header() -> Header {
        Header::new(
            &[("SAP", Align::Right), ("LOGICAL DEVICE NAME", Align::Left)],
            &["sap", "logical_device_name", "raw"],
        )
    }

    fn new(item: &SapAssignmentItem) -> Self {
        Self {
            sap: item.sap,
            logical_device_name: device_name(&item.logical_device_name),
            raw: hex::text(&item.logical_device_name),
        }
    }
}

impl Record for Line {
    fn table(&self) -> Vec<String> {
        vec![self.sap.to_string(), self.logical_device_name.clone()]
    }

    fn csv(&self) -> Vec<String> {
        vec![self.sap.to_string(), self.logical_device_name.clone(), self.raw.clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &[u8]) -> String {
        let item = SapAssignmentItem { sap: 300, logical_device_name: name.to_vec() };
        serde_json::to_string(&Line::new(&item)).unwrap()
    }

    #[test]
    fn a_name_is_shown_as_characters_if_they_all_are_some() {
        assert_eq!(line(b"ABC1"), r#"{"sap":300,"logical_device_name":"ABC1","raw":"41424331"}"#);
        for (name, shown) in [(&b"AB\x01"[..], "414201"), (b"A B", "412042"), (b"\xff", "ff")] {
            assert!(line(name).contains(&format!(r#""logical_device_name":"{shown}""#)));
        }
    }
}
