//! `headend objects --companion`: in what a meter differs from a companion profile.

use std::io;

use dlms_core::{
    companion::{Companion, Deviation},
    cosem::{class_name, obis},
    device::ObjectId,
};
use serde::Serialize;

use super::{is_for_people, printer};
use crate::{
    cli,
    exit::Exit,
    object_list::ListedObject,
    render::{Align, Header, Record},
    report,
};

/// Shows the deviations, one line each. A meter that differs is still a meter: that is no failure.
pub(super) fn show(
    objects: &[ListedObject],
    companion: &Companion,
    output: cli::Output,
) -> io::Result<Exit> {
    let id = |object: &ListedObject| ObjectId {
        class: object.class,
        version: object.version,
        name: object.instance,
    };
    let present: Vec<ObjectId> = objects.iter().map(id).collect();
    let deviations = companion.deviations(&present);
    let mut printer = printer(output, Line::header());
    deviations.iter().try_for_each(|deviation| printer.record(&Line::new(deviation)))?;
    printer.finish()?;
    if is_for_people(output.format) {
        let (count, title) = (deviations.len(), companion.title);
        report::note(&format!("{count} deviations from {title} in {} objects", objects.len()));
    }
    Ok(Exit::Success)
}

/// A deviation as it is shown.
#[derive(Debug, Serialize)]
struct Line {
    /// `missing`, `other version` or `unexpected`.
    deviation: &'static str,
    class: u16,
    class_name: Option<&'static str>,
    /// The version that the meter has.
    version: Option<u8>,
    /// The version that the companion asks for.
    expected: Option<u8>,
    logical_name: String,
    name: Option<String>,
}

impl Line {
    fn header() -> Header {
        Header::new(
            &[
                ("DEVIATION", Align::Left),
                ("CLASS", Align::Right),
                ("VERSION", Align::Right),
                ("EXPECTED", Align::Right),
                ("LOGICAL NAME", Align::Left),
                ("NAME", Align::Left),
            ],
            &["deviation", "class", "version", "expected", "logical_name", "name"],
        )
    }

    fn new(deviation: &Deviation) -> Self {
        let (deviation, object, version) = match deviation {
            Deviation::Missing(object) => ("missing", *object, None),
            Deviation::OtherVersion(object, version) => ("other version", *object, Some(*version)),
            Deviation::Unexpected(id) => {
                return Self {
                    deviation: "unexpected",
                    class: id.class.0,
                    class_name: class_name(id.class),
                    version: Some(id.version),
                    expected: None,
                    logical_name: id.name.to_string(),
                    name: obis::name(id.name).map(|name| name.to_string()),
                };
            }
        };
        Self {
            deviation,
            class: object.class.0,
            class_name: class_name(object.class),
            version,
            expected: object.version,
            logical_name: object.instance.to_string(),
            name: Some(object.name.to_owned()),
        }
    }
}

impl Record for Line {
    fn table(&self) -> Vec<String> {
        let version = |version: Option<u8>| version.map(|v| v.to_string()).unwrap_or_default();
        vec![
            self.deviation.to_owned(),
            self.class.to_string(),
            version(self.version),
            version(self.expected),
            self.logical_name.clone(),
            self.name.clone().unwrap_or_default(),
        ]
    }

    fn csv(&self) -> Vec<String> {
        self.table()
    }
}
