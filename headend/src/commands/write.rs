//! `headend write`: one attribute.

use std::io;

use dlms_core::cosem::ClassId;
use serde::Serialize;

use super::{UNKNOWN_WHETHER_DONE, associate, failed, is_for_people, prepare, printer, usage};
use crate::{
    cli,
    diagnosis::{Diagnosis, ErrorObject},
    exit::Exit,
    object::Object,
    render::{Align, Header, Record},
    report, value,
};

pub(super) async fn run(typed: cli::Write) -> io::Result<Exit> {
    let (settings, context) = match prepare(&typed.meter, &typed.association) {
        Ok(prepared) => prepared,
        Err(error) => return Ok(usage(&error)),
    };
    let value = match value::parse(&typed.value) {
        Ok(value) => value,
        Err(error) => return Ok(usage(&error)),
    };
    let object = typed.object;
    let mut class = object.class;
    let outcome = match associate(settings, &context).await {
        Err(diagnosis) => Err(diagnosis),
        Ok(mut meter) => {
            let outcome = match meter.class_of(object).await {
                Err(error) => Err(Diagnosis::error(&error, &format!("find {object}"), &context)),
                Ok(found) => {
                    class = Some(found);
                    let attribute = object.of_class(found);
                    let phase = format!("set {attribute}");
                    match meter.write(attribute, &value).await {
                        Ok(Ok(())) => Ok(()),
                        Ok(Err(refusal)) => Err(Diagnosis::data_access(refusal, &phase, &context)),
                        Err(error) => {
                            report::note(UNKNOWN_WHETHER_DONE);
                            Err(Diagnosis::error(&error, &phase, &context))
                        }
                    }
                }
            };
            meter.release().await;
            outcome
        }
    };
    let exit = outcome.as_ref().map_or_else(failed, |()| Exit::Success);
    // A table of one line says nothing more than the diagnosis does.
    if outcome.is_ok() || !is_for_people(typed.output.format) {
        let mut printer = printer(typed.output, Line::header());
        printer.record(&Line::new(object, class, outcome.as_ref().copied()))?;
        printer.finish()?;
    }
    Ok(exit)
}

/// What came of writing an attribute.
#[derive(Debug, Serialize)]
struct Line {
    logical_name: String,
    class: Option<u16>,
    attribute: i8,
    error: Option<ErrorObject>,
}

impl Line {
    fn header() -> Header {
        Header::new(
            &[("OBJECT", Align::Left), ("RESULT", Align::Left)],
            &["logical_name", "class", "attribute", "error"],
        )
    }

    fn new(object: Object, class: Option<ClassId>, outcome: Result<(), &Diagnosis>) -> Self {
        Self {
            logical_name: object.instance.to_string(),
            class: class.map(|class| class.0),
            attribute: object.attribute().0,
            error: outcome.err().map(Diagnosis::to_object),
        }
    }
}

impl Record for Line {
    fn table(&self) -> Vec<String> {
        let class = self.class.map(|class| format!("{class}:")).unwrap_or_default();
        let result = self.error.as_ref().map_or("written", |error| &error.name);
        vec![format!("{class}{}:{}", self.logical_name, self.attribute), result.to_owned()]
    }

    fn csv(&self) -> Vec<String> {
        vec![
            self.logical_name.clone(),
            self.class.map(|class| class.to_string()).unwrap_or_default(),
            self.attribute.to_string(),
            self.error.as_ref().map(ErrorObject::to_string).unwrap_or_default(),
        ]
    }
}
