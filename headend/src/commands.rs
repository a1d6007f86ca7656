//! The verbs of the command line, a file for each.

mod certificate;
mod decode;
mod deviations;
mod encode;
mod invoke;
mod listen;
mod objects;
pub(crate) mod profile;
mod read;
mod saps;
mod spool;
mod write;

use std::io::{self, Stdout};

use crate::{
    cli::{self, Format, Verb},
    demo,
    diagnosis::{ASSOCIATE, Context, Diagnosis},
    error::Error,
    exit::Exit,
    meter::Meter,
    object::Object,
    render::{Header, Printer},
    report,
    settings::{Settings, SettingsError},
};

/// Carries out what was typed.
///
/// # Errors
/// Standard output cannot be written; a closed pipe is [`io::ErrorKind::BrokenPipe`].
pub(crate) async fn run(verb: Verb) -> io::Result<Exit> {
    match verb {
        Verb::Read(typed) => read::run(typed).await,
        Verb::Saps(typed) => saps::run(typed).await,
        Verb::Spool(typed) => spool::run(typed).await,
        Verb::Objects(typed) => objects::run(typed).await,
        Verb::Profile(typed) => profile::run(typed).await,
        Verb::Write(typed) => write::run(typed).await,
        Verb::Invoke(typed) => invoke::run(typed).await,
        Verb::Certificate(typed) => certificate::run(typed).await,
        Verb::Decode(typed) => decode::run(typed).await,
        Verb::Encode(typed) => encode::run(typed).await,
        Verb::Listen(typed) => listen::run(typed).await,
        Verb::Demo(typed) => demo::run(typed).await,
        Verb::SimulateMeters(typed) => demo::simulate_meters(typed).await,
    }
}

/// The configuration of a command and what its diagnoses mention.
fn prepare(
    meter: &cli::Meter,
    association: &cli::Association,
) -> Result<(Settings, Context), SettingsError> {
    let settings = Settings::new(&meter.address, association, |name| std::env::var(name).ok())?;
    let mut client = String::new();
    if association.client != 16 {
        client += &format!(" --client {}", association.client);
    }
    let mut server = String::new();
    if settings.line.server_upper != 1 || settings.line.server_lower.is_some() {
        server += &format!(" --server {}", association.server);
    }
    if let Some(address_bytes) = association.address_bytes {
        server += &format!(" --address-bytes {}", address_bytes.count());
    }
    if association.auth != cli::Auth::None {
        client += &format!(" --auth {}", association.auth.word());
    }
    if association.security != cli::Security::None {
        client += &format!(" --security {}", association.security.word());
    }
    let address = meter.address.to_string();
    let context = Context { address, client, server, secured: association.is_secured() };
    Ok((settings, context))
}

/// The same for a command that is nothing without answers.
fn prepare_reading(
    meter: &cli::Meter,
    association: &cli::Association,
) -> Result<(Settings, Context), SettingsError> {
    if association.opening.is_unanswered() {
        return Err(SettingsError::NothingToRead);
    }
    prepare(meter, association)
}

/// The same for a command that needs no answer, where the object is named with its class and short
/// names need not be looked up.
fn prepare_order(
    meter: &cli::Meter,
    association: &cli::Association,
    object: Object,
) -> Result<(Settings, Context), SettingsError> {
    let looks_up = object.class.is_none() || association.short_names;
    if association.opening.is_unanswered() && looks_up {
        return Err(SettingsError::NothingToLookUp);
    }
    prepare(meter, association)
}

/// What people must know about an order that nobody answers.
const UNCONFIRMED: &str = "note: it was sent; whether it was done, nobody says";

/// Says that the command line asks for something impossible.
fn usage(error: &impl core::fmt::Display) -> Exit {
    report::note(&format!("error: {error}"));
    Exit::Usage
}

/// What people must know when an order got no answer: it is not repeated, since it may be done.
const UNKNOWN_WHETHER_DONE: &str =
    "note: no valid answer came; the meter may have done it all the same: read it back";

/// Shows a diagnosis and says how the process ends with it.
fn failed(diagnosis: &Diagnosis) -> Exit {
    report::diagnosis(diagnosis);
    diagnosis.exit
}

/// The same where nothing else is shown: who reads JSON gets a whole list all the same, without
/// anything in it.
fn failed_empty(diagnosis: &Diagnosis, output: cli::Output) -> io::Result<Exit> {
    if output.format == Format::Json {
        printer(output, Header::new(&[], &[])).finish()?;
    }
    Ok(failed(diagnosis))
}

/// Associates, or says why not.
async fn associate(settings: Settings, context: &Context) -> Result<Meter, Diagnosis> {
    Meter::associate(settings)
        .await
        .map_err(|error: Error| Diagnosis::error(&error, ASSOCIATE, context))
}

/// A printer to standard output.
fn printer(output: cli::Output, header: Header) -> Printer<Stdout> {
    Printer::new(output.format, header, io::stdout())
}

/// Whether people look at the output rather than programs.
const fn is_for_people(format: Format) -> bool {
    matches!(format, Format::Table)
}
