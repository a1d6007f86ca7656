//! `headend invoke`: one method.

use std::io;

use dlms_core::{
    axdr::{DataBuf, RawData},
    cosem::{AttributeId, ClassId, MethodDescriptor},
};
use serde::Serialize;

use super::{
    UNCONFIRMED, UNKNOWN_WHETHER_DONE, associate, failed, is_for_people, prepare_order, printer,
    usage,
};
use crate::{
    cli,
    diagnosis::{Context, Diagnosis, ErrorObject},
    exit::Exit,
    meter::Meter,
    reading::Shown,
    render::{self, Align, Header, Record},
    report, value,
};

/// The word for a method without parameter.
const NO_PARAMETER: &str = "none";
/// What methods without a meaningful parameter take (IEC 62056-6-2: `data ::= integer (0)`).
const NOTHING_IN_PARTICULAR: DataBuf = DataBuf::Integer(0);

pub(super) async fn run(typed: cli::Invoke) -> io::Result<Exit> {
    let (settings, context) = match prepare_order(&typed.meter, &typed.association, typed.object) {
        Ok(prepared) => prepared,
        Err(error) => return Ok(usage(&error)),
    };
    if typed.object.attribute.is_some() {
        return Ok(usage(&"a method is given after the object: 70:0-0:96.3.10*255 1"));
    }
    let parameter = match typed.value.as_deref() {
        None => Some(NOTHING_IN_PARTICULAR),
        Some(NO_PARAMETER) => None,
        Some(text) => match value::parse(text) {
            Ok(value) => Some(value),
            Err(error) => return Ok(usage(&error)),
        },
    };
    let unanswered = settings.is_unanswered();
    let mut class = typed.object.class;
    let (outcome, meter) = match associate(settings, &context).await {
        Err(diagnosis) => (Err(diagnosis), None),
        Ok(mut meter) => {
            let outcome = match meter.class_of(typed.object).await {
                Err(error) => {
                    let phase = format!("find {}", typed.object);
                    Err(Diagnosis::error(&error, &phase, &context))
                }
                Ok(found) => {
                    class = Some(found);
                    let method = MethodDescriptor::new(found, typed.object.instance, typed.method);
                    invoke(&meter, method, parameter.as_ref(), &context).await
                }
            };
            (outcome, Some(meter))
        }
    };
    if unanswered && outcome.is_ok() {
        report::note(UNCONFIRMED);
    }
    let exit = outcome.as_ref().map_or_else(failed, |_| Exit::Success);
    let line = Line {
        logical_name: typed.object.instance.to_string(),
        class: class.map(|class| class.0),
        method: typed.method,
        error: outcome.as_ref().err().map(Diagnosis::to_object),
        returned: outcome.unwrap_or_default(),
        unanswered,
    };
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

/// Invokes the method and shows what it returns, if it returns something.
async fn invoke(
    meter: &Meter,
    method: MethodDescriptor,
    parameter: Option<&DataBuf>,
    context: &Context,
) -> Result<Option<Shown>, Diagnosis> {
    let phase = format!("invoke {method}");
    let returned = match meter.invoke(method, parameter).await {
        Ok(Ok(returned)) => returned,
        Ok(Err(refusal)) => return Err(Diagnosis::action(refusal, &phase, context)),
        Err(error) => {
            report::note(UNKNOWN_WHETHER_DONE);
            return Err(Diagnosis::error(&error, &phase, context));
        }
    };
    let Some(octets) = returned else {
        return Ok(None);
    };
    // Of no attribute: what a method returns has no unit and no special meaning.
    RawData::from_octets(&octets)
        .and_then(|raw| raw.data())
        .and_then(|data| Shown::new(&data, ClassId(0), AttributeId(0), None))
        .map(Some)
        .map_err(|malformed| Diagnosis::failure(&malformed.into(), &phase, context))
}

/// What came of invoking a method.
#[derive(Debug, Serialize)]
struct Line {
    logical_name: String,
    class: Option<u16>,
    method: i8,
    returned: Option<Shown>,
    error: Option<ErrorObject>,
    /// Whether nobody said that it was done.
    #[serde(skip)]
    unanswered: bool,
}

impl Line {
    fn header() -> Header {
        Header::new(
            &[("OBJECT", Align::Left), ("METHOD", Align::Right), ("RESULT", Align::Left)],
            &["logical_name", "class", "method", "returned", "error"],
        )
    }
}

impl Record for Line {
    fn table(&self) -> Vec<String> {
        let class = self.class.map(|class| format!("{class}:")).unwrap_or_default();
        let returned = self.returned.as_ref().and_then(|shown| shown.text.as_ref());
        let result = match (&self.error, returned) {
            (Some(error), _) => error.name.clone(),
            (None, Some(text)) => format!("done, returned {text}"),
            (None, None) if self.unanswered => "sent".to_owned(),
            (None, None) => "done".to_owned(),
        };
        vec![format!("{class}{}", self.logical_name), self.method.to_string(), result]
    }

    fn csv(&self) -> Vec<String> {
        let returned = self.returned.as_ref().map(|shown| render::csv_cell(&shown.value));
        vec![
            self.logical_name.clone(),
            self.class.map(|class| class.to_string()).unwrap_or_default(),
            self.method.to_string(),
            returned.unwrap_or_default(),
            self.error.as_ref().map(ErrorObject::to_string).unwrap_or_default(),
        ]
    }
}
