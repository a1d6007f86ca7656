//! `headend write`: one attribute.

use std::io;

use dlms_core::cosem::ClassId;
use serde::Serialize;

use super::{
    UNCONFIRMED, UNKNOWN_WHETHER_DONE, associate, failed, is_for_people, prepare_order, printer,
    usage,
};
use crate::{
    cli,
    diagnosis::{Diagnosis, ErrorObject},
    exit::Exit,
    object::Object,
    render::{Align, Header, Record},
    report, value,
};

pub(super) async fn run(typed: cli::Write) -> io::Result<Exit> {
    let (settings, context) = match prepare_order(&typed.meter, &typed.association, typed.object) {
        Ok(prepared) => prepared,
        Err(error) => return Ok(usage(&error)),
    };
    let value = match value::parse(&typed.value) {
        Ok(value) => value,
        Err(error) => return Ok(usage(&error)),
    };
    let object = typed.object;
    let unanswered = settings.is_unanswered();
    let mut class = object.class;
    let (outcome, meter) = match associate(settings, &context).await {
        Err(diagnosis) => (Err(diagnosis), None),
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
            (outcome, Some(meter))
        }
    };
    if unanswered && outcome.is_ok() {
        report::note(UNCONFIRMED);
    }
    let exit = outcome.as_ref().map_or_else(failed, |()| Exit::Success);
    let line = Line::new(object, class, outcome.as_ref().copied(), unanswered);
    let shown = show(&line, typed.output);
    // What is known is shown first: a meter may be long in saying good-bye.
    if let Some(meter) = meter {
        meter.release().await;
    }
    shown.map(|()| exit)
}

/// Shows what came of it; but a table of one line says nothing more than a diagnosis does.
fn show(line: &Line, output: cli::Output) -> io::Result<()> {
    if line.error.is_some() && is_for_people(output.format) {
        return Ok(());
    }
    let mut printer = printer(output, Line::header());
    printer.record(line)?;
    printer.finish()
}

/// What came of writing an attribute.
#[derive(Debug, Serialize)]
struct Line {
    logical_name: String,
    class: Option<u16>,
    attribute: i8,
    error: Option<ErrorObject>,
    /// Whether nobody said that it was done.
    #[serde(skip)]
    unanswered: bool,
}

impl Line {
    fn header() -> Header {
        Header::new(
            &[("OBJECT", Align::Left), ("RESULT", Align::Left)],
            &["logical_name", "class", "attribute", "error"],
        )
    }

    fn new(
        object: Object,
        class: Option<ClassId>,
        outcome: Result<(), &Diagnosis>,
        unanswered: bool,
    ) -> Self {
        Self {
            logical_name: object.instance.to_string(),
            class: class.map(|class| class.0),
            attribute: object.attribute().0,
            error: outcome.err().map(Diagnosis::to_object),
            unanswered,
        }
    }
}

impl Record for Line {
    fn table(&self) -> Vec<String> {
        let class = self.class.map(|class| format!("{class}:")).unwrap_or_default();
        let done = if self.unanswered { "sent" } else { "written" };
        let result = self.error.as_ref().map_or(done, |error| &error.name);
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
