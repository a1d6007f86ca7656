//! `headend objects`: what a meter shows to this client.

use std::io;

use dlms_core::cosem::{class_name, obis};
use serde::Serialize;

use super::{associate, deviations, failed_empty, is_for_people, prepare_reading, printer, usage};
use crate::{
    cli,
    diagnosis::Diagnosis,
    exit::Exit,
    object_list::ListedObject,
    render::{Align, Header, Record},
    report,
};

pub(super) async fn run(typed: cli::Objects) -> io::Result<Exit> {
    let (settings, context) = match prepare_reading(&typed.meter, &typed.association) {
        Ok(prepared) => prepared,
        Err(error) => return Ok(usage(&error)),
    };
    let mut meter = match associate(settings, &context).await {
        Ok(meter) => meter,
        Err(diagnosis) => return failed_empty(&diagnosis, typed.output),
    };
    let shown = match (meter.objects().await, typed.companion) {
        (Ok(objects), Some(companion)) => deviations::show(objects, companion, typed.output),
        (Ok(objects), None) => show(objects, typed.output),
        (Err(error), _) => {
            let diagnosis = Diagnosis::error(&error, "get the object list", &context);
            failed_empty(&diagnosis, typed.output)
        }
    };
    // What is known is shown first: a meter may be long in saying good-bye.
    meter.release().await;
    shown
}

fn show(objects: &[ListedObject], output: cli::Output) -> io::Result<Exit> {
    let mut printer = printer(output, Line::header());
    objects.iter().try_for_each(|object| printer.record(&Line::new(object)))?;
    printer.finish()?;
    if is_for_people(output.format) {
        report::note(&format!("{} objects", objects.len()));
    }
    Ok(Exit::Success)
}

/// An object as it is shown.
#[derive(Debug, Serialize)]
struct Line {
    logical_name: String,
    name: Option<String>,
    class: u16,
    class_name: Option<&'static str>,
    version: u8,
    attributes: Vec<Attribute>,
    methods: Vec<Method>,
}

#[derive(Debug, Serialize)]
struct Attribute {
    attribute: i8,
    access: String,
}

#[derive(Debug, Serialize)]
struct Method {
    method: i8,
    access: String,
}

impl Line {
    fn header() -> Header {
        Header::new(
            &[
                ("CLASS", Align::Right),
                ("VERSION", Align::Right),
                ("LOGICAL NAME", Align::Left),
                ("CLASS NAME", Align::Left),
                ("NAME", Align::Left),
                ("READABLE", Align::Right),
                ("WRITABLE", Align::Right),
                ("METHODS", Align::Right),
            ],
            &[
                "class",
                "version",
                "logical_name",
                "class_name",
                "name",
                "readable",
                "writable",
                "methods",
            ],
        )
    }

    fn new(object: &ListedObject) -> Self {
        let attributes = object.attributes.iter();
        let methods = object.methods.iter();
        Self {
            logical_name: object.instance.to_string(),
            name: obis::name(object.instance).map(|name| name.to_string()),
            class: object.class.0,
            class_name: class_name(object.class),
            version: object.version,
            attributes: attributes
                .map(|(attribute, access)| Attribute {
                    attribute: *attribute,
                    access: access.clone(),
                })
                .collect(),
            methods: methods
                .map(|(method, access)| Method { method: *method, access: access.clone() })
                .collect(),
        }
    }

    /// How many attributes have `right` among their rights.
    fn count(&self, right: &str) -> String {
        let has = |access: &str| access.split([' ', '-']).any(|word| word == right);
        self.attributes.iter().filter(|attribute| has(&attribute.access)).count().to_string()
    }
}

impl Record for Line {
    fn table(&self) -> Vec<String> {
        vec![
            self.class.to_string(),
            self.version.to_string(),
            self.logical_name.clone(),
            self.class_name.unwrap_or_default().to_owned(),
            self.name.clone().unwrap_or_default(),
            self.count("read"),
            self.count("write"),
            self.methods.iter().filter(|method| method.access != "none").count().to_string(),
        ]
    }

    fn csv(&self) -> Vec<String> {
        self.table()
    }
}

#[cfg(test)]
mod tests {
    use dlms_core::cosem::{ClassId, LogicalName};

    use super::*;

    #[test]
    fn an_object_is_shown_with_its_names_and_what_may_be_done() {
        let line = Line::new(&ListedObject {
            class: ClassId::REGISTER,
            version: 0,
            instance: LogicalName([1, 0, 1, 8, 0, 255]),
            attributes: vec![
                (1, "read".into()),
                (2, "authenticated read-write".into()),
                (3, "none".into()),
            ],
            methods: vec![(1, "access".into())],
        });
        let table = line.table();
        assert_eq!(table[..3], ["3", "0", "1-0:1.8.0*255"]);
        assert_eq!(table[5..], ["2", "1", "1"]);
        assert!(table[3].eq_ignore_ascii_case("register"), "{table:?}");
        let json = serde_json::to_value(&line).unwrap();
        assert_eq!(json["attributes"][1]["access"], "authenticated read-write");
        assert_eq!(json["class"], 3);
    }
}
