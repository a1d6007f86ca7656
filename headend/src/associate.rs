//! How an association comes about: keys found by the meter's title, invocation counters found and
//! stored, and the second try after a meter named the counter that it expects.
//!
//! ```text
//!  keys known? ──no──► read title and counter through client 16 ──► keys by title
//!      │ yes                                                            │
//!      ▼                                                                ▼
//!  counter stored? ──no──► read it through client 16 ──► store it, at most 2²⁰ ahead
//!      │ yes                                                            │
//!      ▼                                                                ▼
//!  associate ◄──────────────────────────────────────────────────────────┘
//!      │ exception: invocation-counter-error, with the expected counter
//!      └──► store it, at most 2²⁰ ahead ──► associate once more
//! ```
//!
//! Keys that were chosen because the meter at this place had their title before may be wrong: a
//! meter was exchanged, or many answer on one line. If the association fails with them, the meter
//! is asked for its title once, and the keys of that title are tried.
//!
//! What comes through client 16 is not protected. It can make us use wrong keys or skip counters,
//! and then nothing works; it cannot make us use a counter twice.

use core::ops::Range;
use std::io;

use dlms_core::{
    acse::Mechanism,
    association::{Ciphering, ClientConfig, Failure},
    axdr::{Data, RawData},
    cosem::{AttributeDescriptor, ClassId, LogicalName},
    security::SystemTitle,
    xdlms::ExceptionService,
};
use dlms_tokio::{
    LineConfig, LineError, Phase,
    client::{self, Client},
    counters::{CounterStore, CounterStoreError, Received},
    trunk::TrunkError,
};

use crate::{
    counter_file::{Counter, CounterFileError},
    error::Error,
    hex,
    keys_file::{Keys, KeysFile},
    settings::{KeySource, PUBLIC_CLIENT, Settings},
};

/// The name of a logical device (IEC 62056-6-2): the value of a Data object.
const LOGICAL_DEVICE_NAME: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::DATA, LogicalName::LOGICAL_DEVICE_NAME, 2);
/// security_setup.server_system_title of the current security setup.
const SERVER_SYSTEM_TITLE: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::SECURITY_SETUP, LogicalName([0, 0, 43, 0, 0, 255]), 5);

/// Associates with the meter. Beside the client comes the counter it sends with, if it uses one.
pub(crate) async fn associate(settings: &Settings) -> Result<(Client, Option<Counter>), Error> {
    let file = match &settings.keys {
        KeySource::Unused => {
            let mut config = settings.association.clone();
            if config.mechanism.proves_titles() {
                // The proof is made over the titles of both.
                config.system_title = Some(client_title(settings)?);
            }
            if settings.behind.is_some()
                && let Some(file) = &settings.counters.file
            {
                config.server_title = file.title_at(&settings.place())?.or(config.server_title);
            }
            let client = connect(settings, &settings.line, config, None).await?;
            return Ok((identified(settings, client).await?, None));
        }
        _ => settings.counters.file.as_ref().ok_or(Error::CountersNowhere)?,
    };
    let place = settings.place();
    let client_title = client_title(settings)?;
    let counter_of = |keys: &Keys| file.counter(&place, client_title, &keys.encryption);

    // What is known already.
    let listed = match settings.behind {
        Some(_) => file.title_at(&place)?,
        None => None,
    };
    let (remembered, known) = match &settings.keys {
        KeySource::File(keys_file) => {
            let title = file.title_at(&place)?;
            (title, title.and_then(|title| keys_file.of(title)))
        }
        KeySource::Given(keys) => (None, Some(keys)),
        KeySource::Unused => (None, None),
    };
    let counted = match known {
        Some(_) if settings.counters.ordered.is_some() => true,
        Some(keys) => counter_of(keys).next()?.is_some(),
        None => false,
    };

    // What the meter tells everybody.
    let (published, line) = if counted || settings.is_unanswered() {
        (Published::default(), settings.line.clone())
    } else {
        ask_publicly(settings).await?
    };
    let keys = match (known, &settings.keys) {
        (Some(keys), _) => keys,
        (None, KeySource::File(keys_file)) => keys_of(keys_file, published.title)?,
        (None, _) => return Err(Error::KeysUnknown(published.title)),
    };

    // The association.
    let counter = counter_of(keys);
    let mut config = with_keys(settings, keys, client_title)?;
    // Who has this name behind a concentrator has this title, or is somebody else.
    config.server_title = listed.or(config.server_title);
    let failure = match with_counter(settings, &line, &config, &counter, published.counter).await {
        Ok(client) => return associated(settings, client, counter).await,
        Err(failure) => failure,
    };

    // Another meter may be at this place now.
    let (Some(remembered), KeySource::File(keys_file)) = (remembered, &settings.keys) else {
        return Err(failure);
    };
    let other_meter = matches!(
        failure,
        Error::Client(client::Error::Association { .. })
            | Error::Counters(CounterFileError::TooFar { .. })
    );
    if known.is_none() || !other_meter || listed.is_some() {
        return Err(failure);
    }
    let Ok((published, line)) = ask_publicly(settings).await else { return Err(failure) };
    if published.title.is_none_or(|title| title == remembered) {
        return Err(failure);
    }
    let keys = keys_of(keys_file, published.title)?;
    let counter = counter_of(keys);
    let config = with_keys(settings, keys, client_title)?;
    let client = with_counter(settings, &line, &config, &counter, published.counter).await?;
    associated(settings, client, counter).await
}

/// The keys of the meter `title`. A meter that does not tell its title gets those of the only meter
/// in the file.
fn keys_of(file: &KeysFile, title: Option<SystemTitle>) -> Result<&Keys, Error> {
    match title {
        Some(known) => file.of(known),
        None => file.only(),
    }
    .ok_or(Error::KeysUnknown(title))
}

/// Associates with `counter`, which is moved to what the user ordered; or else, if nothing is known
/// of it, beyond `last`, which the meter published; and once more to what the meter expects.
async fn with_counter(
    settings: &Settings,
    line: &LineConfig,
    config: &ClientConfig,
    counter: &Counter,
    last: Option<u32>,
) -> Result<Client, Error> {
    if settings.counters.forget_received {
        counter.forget_received()?;
    }
    if let Some(ordered) = settings.counters.ordered {
        counter.ordered(ordered)?;
    } else if let (None, Some(last)) = (counter.next()?, last) {
        counter.hinted(last.saturating_add(1))?;
    }
    match connect(settings, line, config.clone(), Some(counter)).await {
        Err(error) => {
            let expected = expected_counter(&error).ok_or(error)?;
            counter.hinted(expected)?;
            Ok(connect(settings, line, config.clone(), Some(counter)).await?)
        }
        Ok(client) => Ok(client),
    }
}

/// Remembers which meter this is, if it has proved it.
async fn associated(
    settings: &Settings,
    client: Client,
    counter: Counter,
) -> Result<(Client, Option<Counter>), Error> {
    let client = identified(settings, client).await?;
    let proven = matches!(settings.association.mechanism, Mechanism::HlsGmac | Mechanism::HlsEcdsa);
    if let Some(title) = client.association().server_title
        && (proven || settings.protection.authenticated)
    {
        counter.learned(title)?;
    }
    Ok((client, Some(counter)))
}

/// Makes sure that the device behind a concentrator is the one that the list of the concentrator
/// names. A list that is wrong, by mistake or on purpose, must not become somebody's bill.
async fn identified(settings: &Settings, client: Client) -> Result<Client, Error> {
    let Some(listed) = settings.behind.as_ref().and_then(|behind| behind.name.as_deref()) else {
        return Ok(client);
    };
    let found = client.read(LOGICAL_DEVICE_NAME).await?;
    let other = match &found {
        Err(refusal) => Error::NameRefused(*refusal),
        Ok(octets) => match RawData::from_octets(octets).and_then(|raw| raw.data()) {
            Ok(data) if data.as_octets() == Some(listed) => return Ok(client),
            Ok(data) => Error::OtherDevice {
                listed: device_name(listed),
                found: data.as_octets().map_or_else(|| "no name".to_owned(), device_name),
            },
            Err(_) => Error::Shape("logical device name"),
        },
    };
    let _ = client.release().await;
    Err(other)
}

/// A logical device name as it is shown: the characters that it is made of, or else its octets in
/// hexadecimal.
pub(crate) fn device_name(name: &[u8]) -> String {
    match core::str::from_utf8(name) {
        Ok(text) if !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_graphic()) => {
            text.to_owned()
        }
        _ => hex::text(name),
    }
}

/// The system title that was given, or else the one of this installation.
fn client_title(settings: &Settings) -> Result<SystemTitle, Error> {
    if let Some(title) = settings.client_title() {
        return Ok(title);
    }
    let file = settings.counters.file.as_ref().ok_or(Error::CountersNowhere)?;
    Ok(file.client_title(random())?)
}

/// The counter that the meter expects, if that is why it did not answer otherwise.
pub(crate) const fn expected_counter(error: &client::Error) -> Option<u32> {
    match error {
        client::Error::Association { failure: Failure::Exception(exception), .. } => {
            match exception.service {
                ExceptionService::InvocationCounterError(expected) => Some(expected),
                _ => None,
            }
        }
        _ => None,
    }
}

async fn connect(
    settings: &Settings,
    line: &LineConfig,
    config: ClientConfig,
    counter: Option<&Counter>,
) -> Result<Client, client::Error> {
    let counters = counter.map(|counter| Box::new(counter.clone()) as Box<_>);
    if let Some(behind) = &settings.behind {
        let line = behind.trunk.line(line).map_err(|error| match error {
            TrunkError::Ended(error) => error,
            // So many are never asked for at once.
            TrunkError::Full => {
                LineError::Unreachable { phase: Phase::Opening, kind: io::ErrorKind::QuotaExceeded }
            }
        })?;
        return Client::over(line, config, counters).await;
    }
    let trace = settings.trace.clone();
    Client::connect(&settings.address, line.clone(), config, counters, trace).await
}

fn with_keys(
    settings: &Settings,
    keys: &Keys,
    client_title: SystemTitle,
) -> Result<ClientConfig, Error> {
    let gmac = settings.association.mechanism == Mechanism::HlsGmac;
    if keys.authentication.is_none() && (gmac || settings.protection.authenticated) {
        return Err(Error::KeyMissing);
    }
    Ok(ClientConfig {
        system_title: Some(client_title),
        ciphering: Some(Ciphering {
            suite: keys.suite,
            protection: settings.protection,
            encryption_key: keys.encryption.clone(),
            authentication_key: keys.authentication.clone(),
            dedicated: settings.dedicated,
            general: settings.general,
        }),
        ..settings.association.clone()
    })
}

/// What a meter tells everybody, unprotected.
#[derive(Clone, Copy, Debug, Default)]
struct Published {
    title: Option<SystemTitle>,
    /// The invocation counter that it accepted last.
    counter: Option<u32>,
}

/// Asks through the public client, and says with what patience to go on: a silent meter has used up
/// its part of it. A meter that does not want the public client just tells nothing.
async fn ask_publicly(settings: &Settings) -> Result<(Published, LineConfig), Error> {
    let (first, rest) = shares(&settings.line);
    match read_published(settings, first).await {
        Ok(published) => Ok((published, settings.line.clone())),
        // There is nobody to talk to, whichever client asks.
        Err(error @ client::Error::Line(LineError::Unreachable { .. })) => Err(error.into()),
        Err(error @ client::Error::Line(LineError::Timeout { phase: Phase::Opening })) => {
            Err(error.into())
        }
        Err(
            error @ client::Error::Line(LineError::NotWrapper { .. } | LineError::NotHdlc { .. }),
        ) => Err(error.into()),
        Err(error) if is_silence(&error) => Ok((Published::default(), rest)),
        Err(_) => Ok((Published::default(), settings.line.clone())),
    }
}

/// Whether the patience was used up.
const fn is_silence(error: &client::Error) -> bool {
    matches!(
        error,
        client::Error::Line(LineError::Timeout { .. })
            | client::Error::Association { failure: Failure::NoResponse, .. }
    )
}

/// Cuts the patience of a line in two: one try, and what is left.
fn shares(line: &LineConfig) -> (LineConfig, LineConfig) {
    match line.retries.checked_sub(1) {
        Some(retries) => {
            (LineConfig { retries: 0, ..line.clone() }, LineConfig { retries, ..line.clone() })
        }
        None => {
            let half = LineConfig { timeout: line.timeout / 2, ..line.clone() };
            (half.clone(), half)
        }
    }
}

async fn read_published(settings: &Settings, line: LineConfig) -> Result<Published, client::Error> {
    let line = LineConfig { client: PUBLIC_CLIENT, ..line };
    let config = ClientConfig {
        gateway: settings.association.gateway.clone(),
        response_timeout: Some(line.timeout),
        retries: line.retries,
        max_receive_pdu: settings.association.max_receive_pdu,
        release: settings.association.release,
        ..ClientConfig::default()
    };
    let client = connect(settings, &line, config, None).await?;
    let counter = client.read(settings.counters.object).await?;
    let mut published = Published {
        title: client.association().server_title,
        counter: counter.ok().and_then(|octets| {
            let counter = RawData::from_octets(&octets).ok()?.data().ok()?.as_unsigned()?;
            u32::try_from(counter).ok()
        }),
    };
    if published.title.is_none() && matches!(settings.keys, KeySource::File(_)) {
        let title = client.read(SERVER_SYSTEM_TITLE).await?;
        published.title = title.ok().and_then(|octets| {
            match RawData::from_octets(&octets).ok()?.data().ok()? {
                Data::OctetString(title) => title.try_into().ok(),
                _ => None,
            }
        });
    }
    // What was read is read; a meter that goes without a word changes nothing.
    let _ = client.release().await;
    Ok(published)
}

pub(crate) fn random() -> [u8; 5] {
    let mut octets = [0; 5];
    getrandom::fill(&mut octets).expect("the operating system has no random numbers");
    octets
}

impl CounterStore for Counter {
    type Error = CounterStoreError;

    /// Without any left it reserves none: that is no failure of the store, and the association
    /// ends with a name of its own for it.
    fn reserve(&mut self, count: u32) -> Result<Range<u32>, CounterStoreError> {
        match Self::reserve(self, count) {
            Err(CounterFileError::Exhausted) => Ok(0..0),
            reserved => reserved.map_err(CounterStoreError::new),
        }
    }

    fn received(&mut self) -> Result<Option<Received>, CounterStoreError> {
        Self::received(self).map_err(CounterStoreError::new)
    }

    fn accept(&mut self, received: Received) -> Result<(), CounterStoreError> {
        Self::accept(self, received).map_err(CounterStoreError::new)
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn asking_publicly_first_takes_no_longer_than_asking_once() {
        for (retries, timeout) in [(0, 10), (1, 10), (3, 4)] {
            let line = LineConfig {
                retries,
                timeout: Duration::from_secs(timeout),
                ..LineConfig::default()
            };
            let (first, rest) = shares(&line);
            assert_eq!(first.retries, 0);
            assert_eq!(first.patience() + rest.patience(), line.patience());
        }
    }
}
