//! What a command line means: from the options of [`crate::cli`], the environment and the files
//! they name, to the configuration of a line and of an association. What is missing or contradicts
//! itself ends here, before anything is sent.

mod party_keys;

use std::{fs, io, path::PathBuf, sync::Arc};

use dlms_core::{
    acse::Mechanism,
    association::{ClientConfig, Establishment, KeySet, Referencing, WINDOW_MAX},
    cosem::{AttributeDescriptor, ClassId},
    security::{Key, Protection, Secret, SecuritySuite, SystemTitle, hls::AesEcb},
    wrapper,
    xdlms::Conformance,
};
use dlms_tokio::{Address, DecodeLevel, LineConfig, Trace, trunk::Trunk};
use zeroize::Zeroizing;

pub(crate) use self::party_keys::{public_key, reader_keys, signing_key};
use crate::{
    cli,
    counter_file::{CounterFile, Place},
    keys_file::{self, Keys, KeysFile, KeysFileError},
    quirks::{Learned, Quirks, QuirksFile, QuirksFileError},
    report,
};

/// The environment variable with the password.
const PASSWORD: &str = "DLMS_PASSWORD";
/// The environment variable with the encryption key.
const ENCRYPTION_KEY: &str = "DLMS_EK";
/// The environment variable with the authentication key.
const AUTHENTICATION_KEY: &str = "DLMS_AK";
/// The client SAP that every meter gives something to.
pub(crate) const PUBLIC_CLIENT: u16 = 16;
/// A password file longer than this is something else. An HLS secret has 64 octets at most.
const PASSWORD_LEN_MAX: usize = 256;

/// How to reach a meter and how to associate with it.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) address: Address,
    /// The concentrator that it is behind, if it is behind one.
    pub(crate) behind: Option<Behind>,
    pub(crate) line: LineConfig,
    /// Everything but keys, titles and counters, which may depend on the meter.
    pub(crate) association: ClientConfig,
    pub(crate) protection: Protection,
    pub(crate) dedicated: bool,
    /// Whether attributes are asked for with ACCESS.
    pub(crate) access: bool,
    pub(crate) general: bool,
    pub(crate) keys: KeySource,
    pub(crate) counters: Counters,
    /// What is done differently with this meter.
    pub(crate) quirks: Quirks,
    /// What was said of meters, for one whose title will be known.
    pub(crate) quirks_file: QuirksFile,
    /// Where what this meter shows is remembered; None when it is not.
    pub(crate) learned: Option<Learned>,
    pub(crate) trace: Trace,
}

/// A logical device behind a concentrator.
#[derive(Clone, Debug)]
pub(crate) struct Behind {
    /// The connection to the concentrator.
    pub(crate) trunk: Trunk,
    /// The logical device name that the device must have; None for the concentrator's own.
    pub(crate) name: Option<Vec<u8>>,
}

/// Where the keys come from.
#[derive(Clone, Debug)]
pub(crate) enum KeySource {
    /// None are needed.
    Unused,
    /// They were given.
    Given(Keys),
    /// They are those of whichever meter answers.
    File(KeysFile),
}

/// Where invocation counters come from.
#[derive(Clone, Debug)]
pub(crate) struct Counters {
    /// The counter to go on from, on the word of the user.
    pub(crate) ordered: Option<u32>,
    /// Take the meter's counters from the start again, on the word of the user.
    pub(crate) forget_received: bool,
    /// None when the user has no data folder.
    pub(crate) file: Option<CounterFile>,
    /// Where the meter publishes its counter.
    pub(crate) object: AttributeDescriptor,
}

/// The command line asks for something impossible. The message says what to type.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("--auth {0} needs a password: add --password-file F, or put it into {PASSWORD}")]
    PasswordMissing(&'static str),
    #[error(
        "{0} needs the encryption key: add --keys FILE or --ek HEX, or put it into {ENCRYPTION_KEY}"
    )]
    EncryptionKeyMissing(&'static str),
    #[error(
        "{0} needs the authentication key: add --keys FILE or --ak HEX, or put it into \
         {AUTHENTICATION_KEY}"
    )]
    AuthenticationKeyMissing(&'static str),
    #[error("{name} is not a key of {suite}: write {} hexadecimal digits", 2 * suite.key_len())]
    Key { name: &'static str, suite: SecuritySuite },
    #[error("--suite {0} is reserved: write 0, 1 or 2")]
    Suite(u8),
    #[error("{option} is needed: a file in PEM or hexadecimal, or put it into {variable}")]
    PartyKeyMissing { option: &'static str, variable: &'static str },
    #[error(
        "{0} has no effect: add --auth hls-ecdsa, --sign, or a --general-ciphering that needs it"
    )]
    PartyKeyUnused(&'static str),
    #[error("{option} is no {what} key of P-256 or P-384, in PEM or hexadecimal")]
    PartyKey { option: &'static str, what: &'static str },
    #[error("--kek is not a key: write 32 or 64 hexadecimal digits")]
    Kek,
    #[error("{path:?} cannot be read: {cause}")]
    PartyKeyFile { path: PathBuf, cause: io::Error },
    #[error("{0:?} is longer than any key")]
    PartyKeyFileTooLong(PathBuf),
    #[error("{0} has no effect without ciphering: add --security authenc")]
    NothingCiphered(&'static str),
    #[error(
        "nobody answers here, as authentication and --dedicated need it: leave out --auth, but lls \
         with --unconfirmed, and --dedicated with --pre-established"
    )]
    Unanswered,
    #[error("nobody answers here: --unconfirmed and --broadcast are for write and invoke")]
    NothingToRead,
    #[error(
        "nobody answers here, so that nothing can be looked up: name the object with its class, as \
         70:0-0:96.3.10*255, and not by short names"
    )]
    NothingToLookUp,
    #[error("--broadcast-key is for what is not answered: add --broadcast or --unconfirmed")]
    Answered,
    #[error(
        "--dedicated needs --security authenc: the key is sent in the request to associate, which \
         must be encrypted and authenticated"
    )]
    DedicatedInClear,
    #[error(
        "{option} has no effect with --auth {auth}: add --auth lls, or another with a password"
    )]
    PasswordUnused { option: &'static str, auth: &'static str },
    #[error("--password-file {path:?} cannot be read: {cause}")]
    PasswordFile { path: PathBuf, cause: io::Error },
    #[error("--password-file {0:?} is longer than any password")]
    PasswordFileTooLong(PathBuf),
    #[error("--keys {path:?} {cause}")]
    KeysFile { path: PathBuf, cause: KeysFileError },
    #[error("--quirks {path:?} {cause}")]
    QuirksFile { path: PathBuf, cause: QuirksFileError },
}

impl Settings {
    /// The same, asking for attributes with ACCESS.
    pub(crate) fn with_access(mut self) -> Self {
        self.access = true;
        self.association.conformance = self.association.conformance | Conformance::ACCESS;
        self
    }

    /// The same, with up to `in_flight` requests before the first is answered.
    pub(crate) fn with_in_flight(mut self, in_flight: u8) -> Self {
        self.association.in_flight_max = in_flight;
        self
    }

    /// The meaning of `typed` for the meter at `address`. `environment` gives the value of a
    /// variable.
    pub(crate) fn new(
        address: &Address,
        typed: &cli::Association,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let protection = Protection { signed: typed.party.sign, ..protection(typed.security) };
        contradiction(typed, protection)?;
        let counter_file = typed
            .counter_file
            .clone()
            .map(CounterFile::new)
            .or_else(|| CounterFile::in_data_folder(&environment));
        let server = match typed.opening.broadcast {
            true => all_stations(address),
            false => typed.server,
        };
        let place = Place::new(address, server.upper, server.lower).behind(typed.gateway.as_ref());
        let quirks_file = match &typed.quirks {
            None => QuirksFile::default(),
            Some(path) => QuirksFile::read(path)
                .map_err(|cause| SettingsError::QuirksFile { path: path.clone(), cause })?,
        };
        let learned = counter_file.as_ref().filter(|_| !typed.no_learn).map(Learned::beside);
        // A title that cannot be looked up is found to be so where it matters.
        let title = counter_file.as_ref().and_then(|file| file.title_at(&place).ok()?);
        let quirks = quirks_file.of(address, title, None).or(recalled(learned.as_ref(), &place));
        let line = LineConfig {
            client: typed.client,
            server_upper: server.upper,
            server_lower: server.lower,
            unnumbered: typed.opening.is_unanswered(),
            address_bytes: typed
                .address_bytes
                .or(quirks.address_bytes)
                .map(cli::AddressBytes::length),
            hdlc_info: typed.hdlc_info,
            window: typed.window,
            timeout: typed.timeout.0,
            retries: typed.retries,
            ..LineConfig::default()
        };
        let block_window = quirks.block_window.unwrap_or(WINDOW_MAX);
        let association = ClientConfig {
            establishment: establishment(&typed.opening),
            key_set: match typed.opening.broadcast_key {
                true => KeySet::Broadcast,
                false => KeySet::Unicast,
            },
            gateway: typed.gateway.clone(),
            mechanism: mechanism(typed.auth),
            manufacturer_mechanism: Some(Arc::new(AesEcb)),
            secret: secret(typed, &environment)?,
            system_title: typed.system_title,
            server_title: typed.opening.meter_title,
            max_receive_pdu: typed.max_pdu.min(quirks.max_pdu.unwrap_or(u16::MAX)),
            block_window: typed.gbt.map(|window| window.min(block_window)),
            send_window_max: block_window,
            referencing: match typed.short_names {
                true => Referencing::ShortName,
                false => Referencing::LogicalName,
            },
            response_timeout: Some(typed.timeout.0),
            retries: typed.retries,
            release: !typed.no_rlrq && quirks.release != Some(false),
            general_ciphering: typed.party.general_ciphering.map(Into::into),
            party_keys: party_keys::party_keys(typed, quirks.compat, &environment)?,
            ..ClientConfig::default()
        };
        Ok(Self {
            address: address.clone(),
            behind: None,
            line,
            association,
            protection,
            dedicated: typed.dedicated,
            access: false,
            // A signed request has no service-specific form.
            general: typed.general || typed.party.sign,
            keys: keys(typed, protection, &environment)?,
            counters: Counters {
                ordered: typed.counter,
                forget_received: typed.forget_received,
                file: counter_file,
                object: typed
                    .counter_object
                    .of_class(typed.counter_object.class.unwrap_or(ClassId::DATA)),
            },
            quirks,
            quirks_file,
            learned,
            trace: Trace::stderr(typed.trace.unwrap_or(DecodeLevel::Off)),
        })
    }

    /// The same for the logical device at `sap` of the concentrator at `address`, over its trunk.
    pub(crate) fn of_device(&self, address: &Address, sap: u16, behind: Behind) -> Self {
        let mut settings = self.clone();
        settings.address = address.clone();
        settings.line.server_upper = sap;
        settings.line.server_lower = None;
        settings.behind = Some(behind);
        // A title that cannot be looked up is found to be so where it matters.
        let place = settings.place();
        let file = settings.counters.file.as_ref();
        let title = file.and_then(|file| file.title_at(&place).ok()?);
        settings.quirks = settings.quirks_file.of(address, title, None);
        // Many are read at once, and what one of them shows is not worth a queue.
        settings.learned = None;
        settings
    }

    /// The same for the public client, without any protection.
    pub(crate) fn for_everybody(mut self) -> Self {
        self.line.client = PUBLIC_CLIENT;
        self.association = ClientConfig {
            max_receive_pdu: self.association.max_receive_pdu,
            response_timeout: self.association.response_timeout,
            retries: self.association.retries,
            release: self.association.release,
            ..ClientConfig::default()
        };
        self.protection = Protection::NONE;
        self.dedicated = false;
        self.access = false;
        self.general = false;
        self.keys = KeySource::Unused;
        self
    }

    /// What the counter file calls the place of this meter: behind a concentrator its name, which
    /// is the same behind any.
    pub(crate) fn place(&self) -> Place {
        if let Some(name) = self.behind.as_ref().and_then(|behind| behind.name.as_deref()) {
            return Place::of_device(name);
        }
        Place::new(&self.address, self.line.server_upper, self.line.server_lower)
            .behind(self.association.gateway.as_ref())
    }

    /// Whether nothing is answered.
    pub(crate) const fn is_unanswered(&self) -> bool {
        self.line.unnumbered
    }

    /// The client title that was given.
    pub(crate) const fn client_title(&self) -> Option<SystemTitle> {
        self.association.system_title
    }
}

/// What the meter at `place` showed before. Without it a meter is asked once more than it needs to
/// be, so that a file that cannot be read is only noted.
fn recalled(learned: Option<&Learned>, place: &Place) -> Quirks {
    let Some(learned) = learned else { return Quirks::default() };
    learned.at(place).unwrap_or_else(|error| {
        report::note(&format!("note: {:?} cannot be used: {error}", learned.path()));
        Quirks::default()
    })
}

const fn mechanism(auth: cli::Auth) -> Mechanism {
    match auth {
        cli::Auth::None => Mechanism::Lowest,
        cli::Auth::Lls => Mechanism::Lls,
        cli::Auth::Hls2 => Mechanism::Hls2,
        cli::Auth::HlsMd5 => Mechanism::HlsMd5,
        cli::Auth::HlsSha1 => Mechanism::HlsSha1,
        cli::Auth::HlsGmac => Mechanism::HlsGmac,
        cli::Auth::HlsSha256 => Mechanism::HlsSha256,
        cli::Auth::HlsEcdsa => Mechanism::HlsEcdsa,
    }
}

const fn protection(security: cli::Security) -> Protection {
    match security {
        cli::Security::None => Protection::NONE,
        cli::Security::Auth => Protection::AUTHENTICATED,
        cli::Security::Enc => Protection::ENCRYPTED,
        cli::Security::Authenc => Protection::AUTHENTICATED_ENCRYPTED,
    }
}

/// How the association comes about.
const fn establishment(typed: &cli::Opening) -> Establishment {
    let max_send_pdu = typed.meter_max_pdu;
    if typed.pre_established {
        Establishment::PreEstablished { max_send_pdu, confirmed: !typed.is_unanswered() }
    } else if typed.is_unanswered() {
        Establishment::Unconfirmed { max_send_pdu }
    } else {
        Establishment::Confirmed
    }
}

/// The address of all stations: all logical devices and, on HDLC, of all physical ones.
const fn all_stations(address: &Address) -> cli::Server {
    match address {
        Address::Wrapper(_) | Address::WrapperUdp(_) => {
            cli::Server { upper: wrapper::ALL_STATION, lower: None }
        }
        Address::Hdlc(_) | Address::HdlcSerial(_) => cli::Server {
            upper: hdlc::address::Address::ALL_STATION_7,
            lower: Some(hdlc::address::Address::ALL_STATION_7),
        },
    }
}

/// Refuses options that would do nothing: whoever types a key believes that it protects. What the
/// environment holds is there for other commands as well.
fn contradiction(typed: &cli::Association, protection: Protection) -> Result<(), SettingsError> {
    let protects = protection.authenticated || protection.encrypted;
    let ciphers = protects || typed.auth == cli::Auth::HlsGmac;
    let idle = [
        ("--dedicated", typed.dedicated && !protects),
        ("--general", typed.general && !protects),
        ("--general-ciphering", typed.party.general_ciphering.is_some() && !protects),
        ("--sign", typed.party.sign && !protects),
        ("--broadcast-key", typed.opening.broadcast_key && !protects),
        ("--ek", typed.ek.is_some() && !ciphers),
        ("--ak", typed.ak.is_some() && !ciphers),
        ("--keys", typed.keys.is_some() && !ciphers),
        ("--suite", typed.suite.is_some() && !ciphers),
        ("--counter", typed.counter.is_some() && !ciphers),
        ("--forget-received", typed.forget_received && !ciphers),
    ];
    if let Some((option, _)) = idle.iter().find(|(_, idle)| *idle) {
        return Err(SettingsError::NothingCiphered(option));
    }
    let unanswered = typed.opening.is_unanswered();
    if typed.opening.broadcast_key && !unanswered {
        return Err(SettingsError::Answered);
    }
    let proves = typed.auth != cli::Auth::None
        && (typed.opening.pre_established || (unanswered && typed.auth != cli::Auth::Lls));
    if proves || (typed.opening.pre_established && typed.dedicated) {
        return Err(SettingsError::Unanswered);
    }
    if typed.dedicated && !protection.covers(Protection::AUTHENTICATED_ENCRYPTED) {
        return Err(SettingsError::DedicatedInClear);
    }
    let given = typed.password.as_ref().map(|_| "--password");
    let given = given.or_else(|| typed.password_file.as_ref().map(|_| "--password-file"));
    match given {
        Some(option) if !typed.auth.has_password() => {
            Err(SettingsError::PasswordUnused { option, auth: typed.auth.word() })
        }
        _ => Ok(()),
    }
}

/// The password, from where it was given most deliberately.
fn secret(
    typed: &cli::Association,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Secret, SettingsError> {
    if !typed.auth.has_password() {
        return Ok(Secret::from(""));
    }
    let missing = SettingsError::PasswordMissing(typed.auth.word());
    let password = if let Some(password) = &typed.password {
        Zeroizing::new(password.0.as_bytes().to_vec())
    } else if let Some(path) = &typed.password_file {
        password_file(path)?
    } else {
        Zeroizing::new(environment(PASSWORD).unwrap_or_default().into_bytes())
    };
    if password.is_empty() { Err(missing) } else { Ok(Secret::from(&password[..])) }
}

fn password_file(path: &PathBuf) -> Result<Zeroizing<Vec<u8>>, SettingsError> {
    let mut password = fs::read(path)
        .map(Zeroizing::new)
        .map_err(|cause| SettingsError::PasswordFile { path: path.clone(), cause })?;
    if password.ends_with(b"\n") {
        password.pop();
        if password.ends_with(b"\r") {
            password.pop();
        }
    }
    if password.len() > PASSWORD_LEN_MAX {
        return Err(SettingsError::PasswordFileTooLong(path.clone()));
    }
    Ok(password)
}

/// The keys: from the options, else from the keys file, else from the environment.
fn keys(
    typed: &cli::Association,
    protection: Protection,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<KeySource, SettingsError> {
    let gmac = typed.auth == cli::Auth::HlsGmac;
    if !gmac && protection == Protection::NONE {
        return Ok(KeySource::Unused);
    }
    let asker = if gmac { "--auth hls-gmac" } else { "--security" };
    let number = typed.suite.unwrap_or_default();
    let suite = keys_file::suite(number).ok_or(SettingsError::Suite(number))?;
    if let Some(path) = &typed.keys {
        let file = KeysFile::read(path)
            .map_err(|cause| SettingsError::KeysFile { path: path.clone(), cause })?;
        return Ok(KeySource::File(file));
    }
    let key = |option: &Option<cli::Hidden>, name, variable| {
        let digits = match option {
            Some(typed) => Some((name, typed.0.clone())),
            None => environment(variable).map(|value| (variable, Zeroizing::new(value))),
        };
        let Some((name, digits)) = digits.filter(|(_, digits)| !digits.is_empty()) else {
            return Ok(None);
        };
        let wrong = || SettingsError::Key { name, suite };
        let key = digits.trim().parse().map_err(|_| wrong())?;
        Some(key)
            .filter(|key: &Key| key.octets().len() == suite.key_len())
            .map(Some)
            .ok_or_else(wrong)
    };
    let encryption = key(&typed.ek, "--ek", ENCRYPTION_KEY)?
        .ok_or(SettingsError::EncryptionKeyMissing(asker))?;
    let authentication = key(&typed.ak, "--ak", AUTHENTICATION_KEY)?;
    if authentication.is_none() && (gmac || protection.authenticated) {
        return Err(SettingsError::AuthenticationKeyMissing(asker));
    }
    let party = Box::default();
    Ok(KeySource::Given(Keys { suite, encryption, authentication, party }))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    const EK: &str = "000102030405060708090A0B0C0D0E0F";
    const AK: &str = "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF";

    fn settings(options: &str, environment: &[(&str, &str)]) -> Result<Settings, String> {
        let words = ["headend", "objects", "wrapper://192.0.2.7:4059"];
        let line =
            cli::CommandLine::try_parse_from(words.into_iter().chain(options.split_whitespace()))
                .map_err(|error| error.to_string())?;
        let cli::Verb::Objects(typed) = line.verb else { panic!("another verb") };
        let variable = |name: &str| {
            environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        Settings::new(&typed.meter.address, &typed.association, variable)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn without_a_word_it_is_the_public_client() {
        let settings = settings("", &[]).unwrap();
        assert_eq!((settings.line.client, settings.line.server_upper), (16, 1));
        assert_eq!(settings.line.timeout.as_secs(), 10);
        assert_eq!(settings.association.mechanism, Mechanism::Lowest);
        assert_eq!(settings.protection, Protection::NONE);
        assert!(matches!(settings.keys, KeySource::Unused));
        assert_eq!(settings.counters.object.to_string(), "1:0-0:43.1.0*255:2");
    }

    #[test]
    fn every_option_has_its_place() {
        let settings = settings(
            &format!(
                "--client 1 --server 17/18 --address-bytes 4 --hdlc-info 2030 --window 7 \
                 --timeout 0.5 --retries 0 --max-pdu 1024 --auth hls-gmac --security authenc \
                 --ek {EK} --ak {AK} --suite 0 --dedicated --general \
                 --system-title 4D4D4D0000000001 --no-rlrq --counter 77 --counter-file F \
                 --counter-object 0-0:43.1.1*255 --trace phys"
            ),
            &[],
        )
        .unwrap();
        let line = &settings.line;
        assert_eq!((line.client, line.server_upper, line.server_lower), (1, 17, Some(18)));
        assert_eq!((line.hdlc_info, line.window, line.retries), (2030, 7, 0));
        assert_eq!(line.timeout.as_millis(), 500);
        assert_eq!(settings.association.max_receive_pdu, 1024);
        assert_eq!(settings.association.mechanism, Mechanism::HlsGmac);
        assert!(!settings.association.release);
        assert_eq!(settings.protection, Protection::AUTHENTICATED_ENCRYPTED);
        assert!(settings.dedicated && settings.general);
        assert_eq!(settings.client_title().unwrap().to_string(), "4D4D4D0000000001");
        assert_eq!(settings.counters.ordered, Some(77));
        assert_eq!(settings.counters.object.to_string(), "1:0-0:43.1.1*255:2");
        assert_eq!(settings.trace.level(), DecodeLevel::Phys);
        let KeySource::Given(keys) = &settings.keys else { panic!("no keys") };
        assert_eq!(keys.encryption.octets()[1], 1);
    }

    #[test]
    fn an_option_goes_before_the_environment() {
        let environment = [("DLMS_PASSWORD", "from-environment"), ("DLMS_EK", AK), ("DLMS_AK", AK)];
        let lls = settings("--auth lls", &environment).unwrap();
        assert_eq!(lls.association.secret.octets(), b"from-environment");
        let lls = settings("--auth lls --password typed", &environment).unwrap();
        assert_eq!(lls.association.secret.octets(), b"typed");
        let gmac = settings(&format!("--auth hls-gmac --ek {EK}"), &environment).unwrap();
        let KeySource::Given(keys) = &gmac.keys else { panic!("no keys") };
        assert_eq!(keys.encryption.octets()[0], 0x00);
        assert_eq!(keys.authentication.as_ref().unwrap().octets()[0], 0xd0);
    }

    #[test]
    fn encryption_alone_needs_no_authentication_key() {
        let settings = settings(&format!("--security enc --ek {EK}"), &[]).unwrap();
        assert!(matches!(settings.keys, KeySource::Given(_)));
    }

    #[test]
    fn what_is_missing_is_named_with_what_to_type() {
        for (options, expected) in [
            ("--auth lls", "--password-file F"),
            ("--auth hls-md5", "--auth hls-md5 needs a password"),
            ("--auth hls-gmac", "--ek HEX"),
            (&format!("--auth hls-gmac --ek {EK}"), "--ak HEX"),
            (&format!("--security auth --ek {EK}"), "--ak HEX"),
            ("--security enc", "--ek HEX"),
            ("--security enc --ek 00", "--ek is not a key of suite 0"),
            (&format!("--security enc --ek {EK}{EK}"), "--ek is not a key of suite 0"),
            (&format!("--security enc --suite 2 --ek {EK}"), "--ek is not a key of suite 2"),
            (&format!("--security enc --suite 3 --ek {EK}"), "write 0, 1 or 2"),
            ("--auth hls-ecdsa", "--signing-key is needed"),
            (&format!("--sign --security enc --ek {EK}"), "DLMS_SIGNING_KEY"),
            ("--sign", "--security authenc"),
            ("--general-ciphering wrapped", "--security authenc"),
            (&format!("--general-ciphering wrapped --security enc --ek {EK}"), "--kek is needed"),
            (
                &format!("--general-ciphering agreed-static --security enc --suite 1 --ek {EK}"),
                "--agreement-key is needed",
            ),
            ("--signing-key F", "--signing-key has no effect"),
            ("--kek 00", "--kek has no effect"),
            ("--auth hls-ecdsa --signing-key /does/not/exist", "cannot be read"),
            ("--dedicated", "--security authenc"),
            ("--general", "--security authenc"),
            (&format!("--dedicated --security auth --ek {EK} --ak {AK}"), "--security authenc"),
            (&format!("--dedicated --security enc --ek {EK}"), "--security authenc"),
            ("--auth lls --password-file /does/not/exist", "cannot be read"),
            ("--security enc --keys /does/not/exist", "cannot be read"),
        ] {
            let message = settings(options, &[]).unwrap_err();
            assert!(message.contains(expected), "{options}: {message}");
        }
    }

    #[test]
    fn no_message_shows_a_secret() {
        const SECRET: &str = "5EC2E7";
        for options in [
            format!("--ek {SECRET} --security enc"),
            format!("--ek={SECRET} --security enc"),
            format!("--ak {SECRET} --auth hls-gmac --ek {EK}"),
            format!("--password {SECRET} --password-file F"),
            format!("--ek {SECRET} --keys F"),
            format!("--ek {SECRET} --ek {SECRET}"),
            format!("--password {SECRET} --auth unknown"),
            format!("--passwort={SECRET}"),
            format!("--key={SECRET}"),
            format!("--password={SECRET} --client x"),
        ] {
            let message = settings(&options, &[]).unwrap_err();
            assert!(!message.contains(SECRET), "{options}: {message}");
        }
        let message = settings("--auth hls-gmac", &[("DLMS_EK", SECRET)]).unwrap_err();
        assert!(message.contains("DLMS_EK is not a key") && !message.contains(SECRET), "{message}");
        let lls = settings(&format!("--auth lls --password {SECRET}"), &[]).unwrap();
        assert!(!format!("{lls:?}").contains(SECRET));
        let ciphered = settings(&format!("--security enc --ek {EK}"), &[]).unwrap();
        assert!(!format!("{ciphered:?}").contains(&EK[..8]));
    }

    #[test]
    fn what_was_typed_to_protect_protects_or_is_refused() {
        for (option, value) in [
            ("--ek", "zz"),
            ("--ak", "zz"),
            ("--keys", "/does/not/exist"),
            ("--suite", "7"),
            ("--counter", "7"),
        ] {
            for auth in ["none", "lls --password x"] {
                let message =
                    settings(&format!("{option} {value} --auth {auth}"), &[]).unwrap_err();
                let expected = format!("{option} has no effect without ciphering");
                assert!(message.starts_with(&expected), "{message}");
            }
            let gmac = settings(&format!("{option} {value} --auth hls-gmac"), &[]).map(drop);
            assert!(!gmac.is_err_and(|message| message.contains("no effect")), "{option}");
        }
        for option in ["--password", "--password-file"] {
            for auth in ["none", "hls-gmac"] {
                let message = settings(&format!("{option} x --auth {auth}"), &[]).unwrap_err();
                assert!(message.starts_with(&format!("{option} has no effect")), "{message}");
            }
        }
        // What lies in the environment is there for other commands.
        let environment = [("DLMS_PASSWORD", "x"), ("DLMS_EK", "zz"), ("DLMS_AK", "zz")];
        settings("", &environment).unwrap();
    }

    #[test]
    fn a_suite_that_is_not_supported_is_refused_with_a_keys_file_too() {
        let message = settings("--security enc --suite 3 --keys /does/not/exist", &[]).unwrap_err();
        assert!(message.contains("write 0, 1 or 2"), "{message}");
    }
}
