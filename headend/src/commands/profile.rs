//! `headend profile`: rows as they come from the meter, block by block.

use std::io::{self, Write};

use dlms_core::{
    axdr::RawData,
    companion::Companion,
    cosem::{
        AttributeDescriptor, AttributeId, CaptureObject, ClassId,
        profile::{RowFeed, SortMethod},
    },
    xdlms::DataAccessResult,
};

use super::{associate, failed_empty, is_for_people, prepare_reading, printer, usage};
use crate::{
    cli,
    diagnosis::{Context, Diagnosis},
    error::Error,
    exit::{Exit, Tally},
    meter::Meter,
    object::Object,
    plot,
    profile::{Columns, Lines, RowLine, Which, charts},
    report, wanted,
};

/// buffer, capture_objects, capture_period and sort_method of a profile (IEC 62056-6-2, Profile
/// generic).
const BUFFER: AttributeId = AttributeId(2);
const CAPTURE_OBJECTS: AttributeId = AttributeId(3);
const CAPTURE_PERIOD: AttributeId = AttributeId(4);
const SORT_METHOD: AttributeId = AttributeId(5);
/// Rows that are kept for a chart; of a longer profile the chart shows the first ones.
const CHART_ROWS_MAX: usize = 100_000;

pub(super) async fn run(typed: cli::Profile) -> io::Result<Exit> {
    let (settings, context) = match prepare_reading(&typed.meter, &typed.association) {
        Ok(prepared) => prepared,
        Err(error) => return Ok(usage(&error)),
    };
    let companion = typed.names.companion;
    let (object, columns) =
        match (typed.object.object(companion), wanted::objects(&typed.columns, companion)) {
            (Ok(object), Ok(columns)) => (object, columns),
            (Err(error), _) | (_, Err(error)) => return Ok(usage(&error)),
        };
    if object.attribute.is_some_and(|attribute| attribute != BUFFER) {
        return Ok(usage(
            &"the rows of a profile are its attribute 2; read others with headend read",
        ));
    }
    if object.class.is_some_and(|class| class != ClassId::PROFILE_GENERIC) {
        return Ok(usage(&"a profile has class 7; read objects of others with headend read"));
    }
    if let (Some(from), Some(to)) = (typed.from, typed.to)
        && from.is_after(to)
    {
        return Ok(usage(&"--from is later than --to: no row can lie between them"));
    }
    let mut meter = match associate(settings, &context).await {
        Ok(meter) => meter,
        Err(diagnosis) => return failed_empty(&diagnosis, typed.output),
    };
    let result = show(&mut meter, &typed, object, &columns, &context).await;
    // The rows are shown by now: a meter may be long in saying good-bye.
    meter.release().await;
    result
}

/// What a profile says of itself.
pub(crate) struct Setup {
    pub(crate) captured: Vec<CaptureObject>,
    pub(crate) capture_period_s: u32,
    pub(crate) sort_method: SortMethod,
}

async fn show(
    meter: &mut Meter,
    typed: &cli::Profile,
    object: Object,
    wanted: &[Object],
    context: &Context,
) -> io::Result<Exit> {
    let buffer = AttributeDescriptor {
        class: object.class.unwrap_or(ClassId::PROFILE_GENERIC),
        instance: object.instance,
        attribute: BUFFER,
    };
    let mut setup = match setup(meter, buffer, context).await {
        Ok(setup) => setup,
        Err(diagnosis) => return failed_empty(&diagnosis, typed.output),
    };
    let of_companion = |companion: &Companion| companion.profile(buffer.instance);
    if let Some(profile) = typed.names.companion.and_then(of_companion)
        && setup.captured.is_empty()
    {
        report::note("note: the meter tells no capture objects; these are the companion's");
        setup.captured = profile.columns.to_vec();
    }
    let mut columns = match Columns::new(setup.captured, wanted) {
        Ok(columns) => columns,
        Err(error) => return Ok(usage(&error)),
    };
    if let Err(error) = read_scaler_units(meter, &mut columns).await {
        let diagnosis = Diagnosis::error(&error, "get scalers and units", context);
        return failed_empty(&diagnosis, typed.output);
    }

    let which = match (typed.from, typed.to, typed.entries) {
        (None, None, None) => Which::All,
        (.., Some(entries)) => Which::Entries(entries.first, entries.last),
        (from, to, None) => {
            let bound = |moment: cli::Moment| meter.time_rules().bound(moment.0);
            Which::Times { from: from.map(bound), to: to.map(bound) }
        }
    };
    let phase = format!("get {buffer}");
    let mut blocks = match meter.read_blocks(buffer, columns.selection(which)).await {
        Ok(blocks) => blocks,
        Err(error) => {
            return failed_empty(&Diagnosis::error(&error, &phase, context), typed.output);
        }
    };

    let mut tally = Tally::default();
    let mut fail = |diagnosis: &Diagnosis| {
        report::diagnosis(diagnosis);
        tally.failure(diagnosis.exit);
    };
    let malformed =
        |error: dlms_core::Malformed| Diagnosis::failure(&error.into(), &phase, context);
    let mut printer = printer(typed.output, columns.header());
    let chart_only = typed.plot && is_for_people(typed.output.format);
    let mut kept: Vec<RowLine> = Vec::new();
    let mut rows = 0_usize;
    let mut feed = RowFeed::new(meter.compact_array_rules());
    let mut lines =
        Lines::new(&columns, columns.coming(which), setup.capture_period_s, setup.sort_method)
            .with_time_rules(meter.time_rules());
    'blocks: loop {
        match blocks.next().await {
            None => {
                if let Err(error) = feed.finish() {
                    fail(&malformed(error));
                }
                break;
            }
            Some(Err(error)) => {
                fail(&Diagnosis::client(&error, &phase, context));
                break;
            }
            Some(Ok(Err(refusal))) => {
                fail(&Diagnosis::data_access(refusal, &phase, context));
                if which.has_deviation() {
                    report::note(
                        "note: some meters take only local times here: leave the offsets out, or \
                         write range-deviations = false into --quirks FILE",
                    );
                }
                break;
            }
            Some(Ok(Ok(block))) => feed.feed(&block),
        }
        while let Some(row) = feed.next_row() {
            let line = match row.and_then(|row| lines.line(&row)) {
                Ok(line) => line,
                Err(error) => {
                    fail(&malformed(error));
                    break 'blocks;
                }
            };
            rows += 1;
            if !chart_only {
                printer.record(&line)?;
            }
            if typed.plot && kept.len() < CHART_ROWS_MAX {
                kept.push(line);
            }
        }
    }

    if rows > 0 {
        tally.success();
    }
    if typed.plot {
        let chart = charts(&columns, &kept, plot::width(std::env::var("COLUMNS").ok().as_deref()));
        if chart_only {
            io::stdout().write_all(chart.as_bytes())?;
        } else {
            report::note(&chart);
        }
    }
    if !chart_only {
        printer.finish()?;
    }
    if is_for_people(typed.output.format) {
        report::note(&format!("{rows} rows"));
    }
    Ok(tally.exit())
}

/// Reads what the profile says of itself. Without capture objects its rows mean nothing; a period
/// or sort method that cannot be read only costs the times that the meter leaves out.
pub(crate) async fn setup(
    meter: &mut Meter,
    buffer: AttributeDescriptor,
    context: &Context,
) -> Result<Setup, Diagnosis> {
    let asked = [CAPTURE_OBJECTS, CAPTURE_PERIOD, SORT_METHOD]
        .map(|attribute| AttributeDescriptor { attribute, ..buffer });
    let phase = format!("get {}", asked[0]);
    let mut answers: Vec<Result<Vec<u8>, DataAccessResult>> = Vec::new();
    meter
        .read_all(&asked, |_, answer| answers.push(answer))
        .await
        .map_err(|error| Diagnosis::error(&error, &phase, context))?;
    let mut answers = answers.into_iter();
    let captured = answers
        .next()
        .unwrap_or(Err(DataAccessResult::OtherReason))
        .map_err(|refusal| Diagnosis::data_access(refusal, &phase, context))?;
    let captured = RawData::from_octets(&captured)
        .and_then(|raw| raw.data())
        .map_err(|error| Diagnosis::failure(&error.into(), &phase, context))
        .map(|data| CaptureObject::list_from_data(&data))?
        .ok_or_else(|| {
            Diagnosis::error(&Error::Shape("list of capture objects"), &phase, context)
        })?;
    let mut number = || {
        let octets = answers.next()?.ok()?;
        RawData::from_octets(&octets).ok()?.data().ok()?.as_unsigned()
    };
    Ok(Setup {
        captured,
        capture_period_s: number().and_then(|period| u32::try_from(period).ok()).unwrap_or(0),
        sort_method: number()
            .and_then(|code| SortMethod::from_code(u8::try_from(code).ok()?))
            .unwrap_or(SortMethod::Fifo),
    })
}

/// Reads the scaler and unit of each column that has some, once.
pub(crate) async fn read_scaler_units(
    meter: &mut Meter,
    columns: &mut Columns,
) -> Result<(), Error> {
    let mut asked: Vec<AttributeDescriptor> =
        columns.shown().filter_map(|value| meter.scaler_unit_to_read(value)).collect();
    asked.sort_unstable();
    asked.dedup();
    let mut answers = Vec::new();
    meter.read_all(&asked, |which, answer| answers.push((which, answer))).await?;
    for (which, answer) in &answers {
        meter.learn_scaler_unit(*which, answer);
    }
    columns.learn_scaler_units(|value| meter.scaler_unit(value));
    Ok(())
}
