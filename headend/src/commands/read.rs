//! `headend read`: attributes in the order in which they were asked for, one line each, whatever
//! happens.

mod behind;

use std::{collections::BTreeMap, io};

use dlms_core::{
    axdr::RawData,
    cosem::{AttributeDescriptor, ClassId},
    xdlms::DataAccessResult,
};
use dlms_tokio::client;

use super::{associate, prepare_reading, printer, usage};
use crate::{
    cli,
    diagnosis::{Context, Diagnosis},
    error::Error,
    exit::{Exit, Tally},
    meter::Meter,
    object::Object,
    reading::{self, Reading, Shown},
    report, wanted,
};

/// Objects that are read together before their lines are written. Enough for GET with list, few
/// enough that lines come while a slow meter is still being read.
const TOGETHER_MAX: usize = 4;

pub(super) async fn run(typed: cli::Read) -> io::Result<Exit> {
    let named = match wanted::objects(&typed.objects, typed.names.companion) {
        Ok(objects) => objects,
        Err(error) => return Ok(usage(&error)),
    };
    let (address, objects) = match typed.first {
        Some(cli::AddressOrObject::Object(object)) => (None, [&[object], &named[..]].concat()),
        Some(cli::AddressOrObject::Address(address)) => (Some(address), named),
        None => (None, named),
    };
    if objects.is_empty() {
        return Ok(usage(&"what is to be read? Name an OBJECT, such as 1-0:1.8.0*255"));
    }
    if typed.behind.is_asked() {
        let addresses = address.into_iter().chain(typed.behind.routes.clone()).collect();
        let asked = behind::Asked { addresses, objects, access: typed.access };
        return behind::run(asked, typed.behind, typed.association, typed.output).await;
    }
    let Some(address) = address else {
        return Ok(usage(&"where is the meter? Write its ADDRESS in front of the objects"));
    };
    let (settings, context) = match prepare_reading(&cli::Meter { address }, &typed.association) {
        Ok((settings, context)) if typed.access => (settings.with_access(), context),
        Ok(prepared) => prepared,
        Err(error) => return Ok(usage(&error)),
    };
    let settings = settings.with_in_flight(typed.in_flight);
    let together = together(&objects, typed.access).max(typed.in_flight.into());
    let mut tally = Tally::default();
    let mut printer = printer(typed.output, Reading::header());
    let mut line = |read: &Read| {
        match &read.outcome {
            Ok(_) => tally.success(),
            Err(diagnosis) => tally.failure(diagnosis.exit),
        }
        printer.record(&read.line())
    };
    match associate(settings, &context).await {
        Err(broken) => {
            report::diagnosis(&broken);
            objects.iter().try_for_each(|object| line(&Read::failed(*object, &broken)))?;
            printer.finish()?;
        }
        Ok(mut meter) => {
            let written = read_all(&mut meter, &objects, together, &context, line).await;
            // What is known is shown first: a meter may be long in saying good-bye.
            let written = written.and_then(|()| printer.finish());
            meter.release().await;
            written?;
        }
    }
    Ok(tally.exit())
}

/// How many of `objects` are read together.
const fn together(objects: &[Object], access: bool) -> usize {
    // With ACCESS the point is one request.
    if access { objects.len() } else { TOGETHER_MAX }
}

/// An object that was asked for, and what came of it.
struct Read {
    object: Object,
    class: Option<ClassId>,
    outcome: Result<Shown, Diagnosis>,
}

impl Read {
    fn failed(object: Object, diagnosis: &Diagnosis) -> Self {
        Self { object, class: object.class, outcome: Err(diagnosis.clone()) }
    }

    fn line(&self) -> Reading {
        let outcome = match &self.outcome {
            Ok(shown) => Ok(shown.clone()),
            Err(diagnosis) => Err(diagnosis),
        };
        Reading::new(self.object.instance, self.class, self.object.attribute(), outcome)
    }
}

/// Reads `objects` and gives `line` what came of each, in their order. When the association fails,
/// the rest fails with it.
async fn read_all(
    meter: &mut Meter,
    objects: &[Object],
    together: usize,
    context: &Context,
    mut line: impl FnMut(&Read) -> io::Result<()>,
) -> io::Result<()> {
    let mut broken: Option<Diagnosis> = None;
    for together in objects.chunks(together) {
        if let Some(diagnosis) = &broken {
            together.iter().try_for_each(|object| line(&Read::failed(*object, diagnosis)))?;
            continue;
        }
        let (reads, failure) = read_together(meter, together, context).await;
        broken = failure;
        if let Some(diagnosis) = &broken {
            report::diagnosis(diagnosis);
        }
        for read in &reads {
            match &read.outcome {
                Err(diagnosis) if broken.as_ref() != Some(diagnosis) => {
                    report::diagnosis(diagnosis);
                }
                _ => {}
            }
            line(read)?;
        }
    }
    Ok(())
}

/// Reads `objects` with their scalers and units. Beside what came of each comes the failure of the
/// association, if it failed.
async fn read_together(
    meter: &mut Meter,
    objects: &[Object],
    context: &Context,
) -> (Vec<Read>, Option<Diagnosis>) {
    let mut broken = None;
    // Which attribute each is, or why that is not known.
    let mut found: Vec<Result<AttributeDescriptor, Diagnosis>> = Vec::new();
    for object in objects {
        let class = meter.class_of(*object).await;
        found.push(class.map(|class| object.of_class(class)).map_err(|error| {
            let diagnosis = Diagnosis::error(&error, &format!("find {object}"), context);
            if matches!(error, Error::Client(_) | Error::Counters(_)) {
                broken.get_or_insert_with(|| diagnosis.clone());
            }
            diagnosis
        }));
    }

    // Each value followed by its scaler and unit, unless that is known already; nothing twice.
    let mut asked: Vec<AttributeDescriptor> = Vec::new();
    let mut scaler_units = Vec::new();
    for value in found.iter().filter_map(|found| found.as_ref().ok()) {
        let scaler_unit = meter.scaler_unit_to_read(*value);
        scaler_units.extend(scaler_unit.map(|scaler_unit| (*value, scaler_unit)));
        for which in [Some(*value), scaler_unit].into_iter().flatten() {
            if !asked.contains(&which) {
                asked.push(which);
            }
        }
    }
    let mut answers = BTreeMap::new();
    if broken.is_none() {
        let taken = |which, answer| drop(answers.insert(which, answer));
        if let Err(error) = meter.read_all(&asked, taken).await {
            let next = asked.iter().find(|which| !answers.contains_key(which));
            let phase = next.map_or_else(|| "get".into(), |next| format!("get {next}"));
            broken = Some(Diagnosis::error(&error, &phase, context));
        }
    }
    for (value, scaler_unit) in scaler_units {
        // Of an object that is not there, the value says so.
        let wanted = !matches!(answers.get(&value), Some(Err(_)));
        match answers.get(&scaler_unit) {
            Some(answer) if wanted => meter.learn_scaler_unit(scaler_unit, answer),
            _ => {}
        }
    }

    let unread =
        broken.clone().unwrap_or_else(|| Diagnosis::client(&client::Error::Closed, "get", context));
    let reads = objects.iter().zip(found).map(|(object, found)| match found {
        Err(diagnosis) => Read::failed(*object, &diagnosis),
        Ok(value) => {
            let outcome = match answers.get(&value) {
                // A mantissa whose scaler did not come any more says nothing.
                Some(Ok(_)) if meter.scaler_unit_to_read(value).is_some() => Err(unread.clone()),
                Some(answer) => shown(meter, value, answer, context),
                None => Err(unread.clone()),
            };
            Read { object: *object, class: Some(value.class), outcome }
        }
    });
    (reads.collect(), broken)
}

fn shown(
    meter: &Meter,
    attribute: AttributeDescriptor,
    answer: &Result<Vec<u8>, DataAccessResult>,
    context: &Context,
) -> Result<Shown, Diagnosis> {
    let phase = format!("get {attribute}");
    let octets =
        answer.as_ref().map_err(|refusal| Diagnosis::data_access(*refusal, &phase, context))?;
    RawData::from_octets(octets)
        .and_then(|raw| raw.data())
        .and_then(|data| {
            if let Some(sent) = reading::date_time(&data, attribute.class, attribute.attribute) {
                return Ok(Shown::date_time(sent, meter.time_rules()));
            }
            let scaler_unit = meter.scaler_unit(attribute);
            Shown::new(&data, attribute.class, attribute.attribute, scaler_unit)
        })
        .map_err(|malformed| Diagnosis::failure(&malformed.into(), &phase, context))
}
