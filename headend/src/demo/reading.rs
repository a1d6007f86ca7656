//! Reading one meter of the demo, by the same path as the verbs of the command line.

use clap::Parser;
use dlms_core::{
    axdr::{CompactArrayRules, Data, RawData},
    cosem::{AttributeDescriptor, ClassId, DateTime, LogicalName, profile::RowFeed, scaled_text},
};

use super::{meters::DemoMeter, readings::Reading};
use crate::{
    cli::{self, CommandLine, Verb},
    commands::profile,
    diagnosis::{ASSOCIATE, Context, Diagnosis},
    error::Error,
    hex,
    meter::Meter,
    profile::{Columns, Lines, Which},
    settings::Settings,
};

/// A day of quarter-hours, and one more to have its first consumption.
const ROWS: u32 = 97;

const CLOCK: AttributeDescriptor = AttributeDescriptor::new(ClassId::CLOCK, LogicalName::CLOCK, 2);
const DEVICE_NAME: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::DATA, LogicalName::LOGICAL_DEVICE_NAME, 2);
const ENTRIES_IN_USE: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::PROFILE_GENERIC, LogicalName([1, 0, 99, 1, 0, 255]), 7);
const PROFILE: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::PROFILE_GENERIC, LogicalName([1, 0, 99, 1, 0, 255]), 2);

const fn register(logical_name: [u8; 6]) -> AttributeDescriptor {
    AttributeDescriptor::new(ClassId::REGISTER, LogicalName(logical_name), 2)
}

const IMPORTED: AttributeDescriptor = register([1, 0, 1, 8, 0, 255]);
const EXPORTED: AttributeDescriptor = register([1, 0, 2, 8, 0, 255]);
const POWER: AttributeDescriptor = register([1, 0, 1, 7, 0, 255]);
const VOLTAGE: AttributeDescriptor = register([1, 0, 32, 7, 0, 255]);
const CURRENT: AttributeDescriptor = register([1, 0, 31, 7, 0, 255]);

/// What was read of one meter.
#[derive(Debug)]
pub(super) struct MeterReading {
    /// Its logical device name.
    pub(super) name: String,
    /// What its clock showed.
    pub(super) clock: String,
    /// Imported energy, voltage and power, for people.
    pub(super) shown: [String; 3],
    /// Everything, for the database.
    pub(super) readings: Vec<Reading>,
    /// What was imported in each quarter of an hour of the last day, in Wh.
    pub(super) used_wh: Vec<Option<f64>>,
    /// When the first and the last row of the profile were captured.
    pub(super) span: [String; 2],
}

/// Reads identity, clock, registers and the load profile of the last day.
///
/// # Errors
/// What went wrong, as the verbs would say it.
pub(super) async fn read(
    meter: &DemoMeter,
    counter_file: &str,
) -> Result<MeterReading, Box<Diagnosis>> {
    let context = Context { address: meter.address.clone(), ..Context::default() };
    let failed = |phase: &str| {
        let phase = phase.to_owned();
        let context = context.clone();
        move |error: Error| Box::new(Diagnosis::error(&error, &phase, &context))
    };
    let mut associated =
        Meter::associate(settings(meter, counter_file)).await.map_err(failed(ASSOCIATE))?;
    let result = read_associated(&mut associated, &context).await;
    associated.release().await;
    result
}

/// The settings that the command line of this meter would have.
fn settings(meter: &DemoMeter, counter_file: &str) -> Settings {
    let mut typed = vec!["headend", "objects", &meter.address, "--timeout", "5", "--retries", "1"];
    typed.extend(["--counter-file", counter_file]);
    typed.extend(meter.access().options);
    let keys = simulator::MeterKeys::default();
    let environment = |name: &str| match name {
        "DLMS_EK" => Some(hex::text(keys.encryption.octets())),
        "DLMS_AK" => Some(hex::text(keys.authentication.octets())),
        _ => None,
    };
    let settings = match CommandLine::try_parse_from(typed) {
        Ok(CommandLine { verb: Verb::Objects(cli::Objects { meter, association, .. }) }) => {
            Settings::new(&meter.address, &association, environment).ok()
        }
        _ => None,
    };
    settings.expect("the options of the demo's meters are constants")
}

async fn read_associated(
    meter: &mut Meter,
    context: &Context,
) -> Result<MeterReading, Box<Diagnosis>> {
    let error = |phase: &str, error: &Error| Box::new(Diagnosis::error(error, phase, context));

    // Identity, clock and registers with their units.
    let registers = [IMPORTED, EXPORTED, POWER, VOLTAGE, CURRENT];
    let mut asked = vec![DEVICE_NAME, CLOCK, ENTRIES_IN_USE];
    asked.extend(registers);
    let mut values = Vec::new();
    meter
        .read_all(&asked, |which, answer| values.push((which, answer)))
        .await
        .map_err(|failure| error("get registers", &failure))?;
    let mut octets = Vec::new();
    for (which, answer) in values {
        let phase = format!("get {which}");
        let value =
            answer.map_err(|refusal| Box::new(Diagnosis::data_access(refusal, &phase, context)))?;
        octets.push((which, value));
    }
    let units: Vec<_> =
        registers.iter().filter_map(|which| meter.scaler_unit_to_read(*which)).collect();
    let mut answers = Vec::new();
    meter
        .read_all(&units, |which, answer| answers.push((which, answer)))
        .await
        .map_err(|failure| error("get scalers and units", &failure))?;
    for (which, answer) in &answers {
        meter.learn_scaler_unit(*which, answer);
    }

    let data = |wanted: AttributeDescriptor| {
        let (_, octets) = octets.iter().find(|(which, _)| *which == wanted)?;
        RawData::from_octets(octets).ok()?.data().ok()
    };
    let shape = |what| error("get registers", &Error::Shape(what));
    let name = match data(DEVICE_NAME) {
        Some(Data::OctetString(name)) => String::from_utf8_lossy(name).into_owned(),
        _ => return Err(shape("logical device name")),
    };
    let clock = data(CLOCK)
        .and_then(|clock| DateTime::from_data(&clock))
        .ok_or_else(|| shape("date and time"))?
        .to_string();
    let in_use = data(ENTRIES_IN_USE)
        .and_then(|entries| u32::try_from(entries.as_unsigned()?).ok())
        .ok_or_else(|| shape("number of rows"))?;
    let mut readings = Vec::new();
    for attribute in registers {
        let value = data(attribute)
            .and_then(|value| i64::try_from(value.as_integer()?).ok())
            .ok_or_else(|| shape("number"))?;
        let scaler_unit = meter.scaler_unit(attribute);
        readings.push(Reading { attribute, captured_at: clock.clone(), value, scaler_unit });
    }
    let shown = [IMPORTED, VOLTAGE, POWER].map(|wanted| {
        let reading = readings.iter().find(|reading| reading.attribute == wanted);
        reading.map_or_else(String::new, |reading| match reading.scaler_unit {
            Some(scaler_unit) => scaled_text(reading.value.into(), scaler_unit).to_string(),
            None => reading.value.to_string(),
        })
    });

    // The last day.
    let setup = profile::setup(meter, PROFILE, context).await?;
    let mut columns = Columns::new(setup.captured, &[])
        .map_err(|_| error("get capture objects", &Error::Shape("list of capture objects")))?;
    profile::read_scaler_units(meter, &mut columns)
        .await
        .map_err(|failure| error("get scalers and units", &failure))?;
    let which = Which::Entries(in_use.saturating_sub(ROWS).saturating_add(1).max(1), None);
    let phase = format!("get {PROFILE}");
    let mut blocks = meter
        .read_blocks(PROFILE, columns.selection(which))
        .await
        .map_err(|failure| error(&phase, &failure))?;
    let mut feed = RowFeed::new(CompactArrayRules::Standard);
    let mut lines =
        Lines::new(&columns, columns.coming(which), setup.capture_period_s, setup.sort_method);
    let attributes: Vec<_> = columns.shown().collect();
    let mut imported: Vec<Option<i64>> = Vec::new();
    let mut span: [String; 2] = Default::default();
    let malformed =
        |cause: dlms_core::Malformed| Box::new(Diagnosis::failure(&cause.into(), &phase, context));
    while let Some(block) = blocks.next().await {
        let block = block
            .map_err(|cause| Box::new(Diagnosis::client(&cause, &phase, context)))?
            .map_err(|refusal| Box::new(Diagnosis::data_access(refusal, &phase, context)))?;
        feed.feed(&block);
        while let Some(row) = feed.next_row() {
            let line = row.and_then(|row| lines.line(&row)).map_err(malformed)?;
            // A row whose time nobody knows cannot be kept.
            let Some(captured_at) = line.time else { continue };
            if span[0].is_empty() {
                span[0].clone_from(&captured_at);
            }
            span[1].clone_from(&captured_at);
            for (attribute, cell) in attributes.iter().zip(&line.columns) {
                let value = cell.number().and_then(|number| i64::try_from(number).ok());
                if *attribute == IMPORTED {
                    imported.push(value);
                }
                let (Some(value), Some(scaler_unit)) = (value, cell.scaler_unit()) else {
                    continue;
                };
                readings.push(Reading {
                    attribute: *attribute,
                    captured_at: captured_at.clone(),
                    value,
                    scaler_unit: Some(scaler_unit),
                });
            }
        }
    }
    feed.finish().map_err(malformed)?;
    let used_wh = imported.windows(2).map(|pair| Some((pair[1]? - pair[0]?) as f64)).collect();
    Ok(MeterReading { name, clock, shown, readings, used_wh, span })
}
