//! The configuration: one TOML file, in which nothing unknown is passed over.
//!
//! `concentrator/concentrator.toml` is a complete example with every key, its default and what it
//! is for. A key that is misspelt is refused with the one that was meant, by line and column.
//!
//! ```
//! use concentrator::config::Config;
//!
//! let refused = Config::parse("[concentrator]\nname = \"ABC0000000000001\"\nepock = 3\n");
//! let message = refused.unwrap_err().to_string();
//! assert!(message.contains("did you mean epoch?"), "{message}");
//! ```

use core::{net::SocketAddr, ops::RangeInclusive, time::Duration};
use std::{
    fs,
    path::{Path, PathBuf},
};

use dlms_tokio::Address;
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{
    discovery::DiscoveryConfig,
    firmware::FirmwareConfig,
    listen::KnownBy,
    management::ManagementConfig,
    nodes::{LogicalDeviceName, NAME_LEN_MAX, Pool},
    router::{RouterConfig, UnknownSap},
    station::StationConfig,
};

/// Letters that a wrong key may differ by for the right one to be suggested.
const DISTANCE_MAX: usize = 4;

/// Lower addresses that a device may have: below they are reserved, above they are for all
/// (IEC 62056-46 §6.4.2.3).
const PHYSICAL: RangeInclusive<u16> = 0x10..=0x3FFD;

/// Everything that is configured.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The concentrator itself.
    pub concentrator: Identity,
    /// Towards the head-ends.
    #[serde(default)]
    pub wan: Wan,
    /// How meters are shared.
    #[serde(default)]
    pub access: Access,
    /// Which SAPs meters get.
    #[serde(default)]
    pub sap: Sap,
    /// Towards the meters.
    #[serde(default)]
    pub medium: Vec<Medium>,
    /// The meters that are known from the start.
    #[serde(default)]
    pub meter: Vec<Meter>,
    /// What meters push.
    #[serde(default)]
    pub push: Push,
    /// What is counted.
    #[serde(default)]
    pub metrics: Metrics,
    /// What the concentrator reads from meters by itself. Default: nothing.
    #[cfg(feature = "collection")]
    #[serde(default)]
    pub collection: Option<crate::collection::CollectionConfig>,
    /// The concentrator's own logical device.
    #[serde(default)]
    pub management: ManagementConfig,
    /// The firmware of the concentrator itself. Default: it takes none.
    #[serde(default)]
    pub firmware: Option<FirmwareConfig>,
    /// Voltage and current of the station. Default: none.
    #[serde(default)]
    pub station: Option<StationConfig>,
}

/// What is counted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Metrics {
    /// Where Prometheus finds `/metrics`, without any secret and without the names of meters.
    /// Default: nowhere.
    pub listen: Option<SocketAddr>,
}

/// The concentrator itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Identity {
    /// Its logical device name: three letters of the manufacturer and up to 13 more.
    #[serde(deserialize_with = "device_name")]
    pub name: LogicalDeviceName,
    /// Raised by hand or by the head-end when this concentrator takes over from another one. One
    /// with a lower epoch than another with the same meters is passed over.
    #[serde(default = "one")]
    pub epoch: u32,
    /// The folder of what must survive a power cut. Default: `data`, beside the file.
    #[serde(default = "data_folder")]
    pub data: PathBuf,
}

/// Towards the head-ends.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Wan {
    /// Where the wrapper is served over TCP. Default: `0.0.0.0:4059`.
    pub tcp: Vec<SocketAddr>,
    /// Where the wrapper is served over UDP. Default: nowhere.
    pub udp: Vec<SocketAddr>,
    /// Where HDLC is served over TCP, with the SAP as upper address. Default: nowhere.
    pub hdlc: Vec<SocketAddr>,
    /// The serial ports at which HDLC is served: `hdlc+serial:///dev/ttyS2?baud=9600`. Default:
    /// none.
    #[serde(deserialize_with = "addresses")]
    pub hdlc_serial: Vec<Address>,
    /// The lower address of the concentrator by HDLC, 16 to 16381. Default: every one is taken for
    /// its own.
    pub hdlc_physical: Option<u16>,
    /// The wrapper over TLS. Default: nowhere.
    #[cfg(feature = "tls")]
    pub tls: Option<crate::tls::TlsConfig>,
    /// Connections at a time; a further one is closed at once. Default: 16.
    pub connections_max: usize,
    /// Seconds for which a head-end may ask nothing before its connection is closed. Default: 900.
    pub idle_timeout_s: u32,
    /// What becomes of an APDU for a SAP that nobody has: `silent` or `reject`.
    pub unknown_sap: Unknown,
    /// Whether a gateway header (E6, E7) may name a meter, too. Default: true.
    pub gateway: bool,
}

impl Default for Wan {
    fn default() -> Self {
        Self {
            tcp: vec![SocketAddr::from(([0, 0, 0, 0], dlms_tokio::address::WRAPPER_PORT))],
            udp: Vec::new(),
            hdlc: Vec::new(),
            hdlc_serial: Vec::new(),
            hdlc_physical: None,
            #[cfg(feature = "tls")]
            tls: None,
            connections_max: 16,
            idle_timeout_s: 900,
            unknown_sap: Unknown::Silent,
            gateway: true,
        }
    }
}

/// What becomes of an APDU for a SAP that nobody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unknown {
    /// Nothing, as IEC 62056-47 has it.
    Silent,
    /// A refusal.
    Reject,
}

/// How meters are shared.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Access {
    /// Associations through this concentrator at a time. Default: 2,000.
    pub associations_max: usize,
    /// Seconds without an APDU after which a meter is free for others. Default: 180.
    pub idle_timeout_s: u32,
    /// Seconds for which somebody waits for a meter that is taken. Default: 30.
    pub wait_s: u32,
    /// Seconds for which a meter with an address of its own is tried to be reached. Default: 10.
    pub forward_timeout_s: u32,
    /// The clients that may speak to all meters at once, at SAP 127. Default: none.
    pub broadcast_clients: Vec<u16>,
    /// By what a head-end that connects again is known, so that it takes its meters over from its
    /// connection before: `certificate`, `address` or `nothing`. Default: `certificate`.
    pub take_over: KnownBy,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            associations_max: 2_000,
            idle_timeout_s: 180,
            wait_s: 30,
            forward_timeout_s: 10,
            broadcast_clients: Vec::new(),
            take_over: KnownBy::Certificate,
        }
    }
}

/// Which SAPs meters get.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Sap {
    /// `extended` (16 to 16381, the default) or `strict` (16 to 125).
    pub pool: PoolName,
}

/// The name of a pool of SAPs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PoolName {
    /// 16 to 125.
    Strict,
    /// 16 to 16381.
    #[default]
    Extended,
}

impl From<PoolName> for Pool {
    fn from(name: PoolName) -> Self {
        match name {
            PoolName::Strict => Self::Strict,
            PoolName::Extended => Self::Extended,
        }
    }
}

/// A shared medium, on which one speaks at a time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Medium {
    /// What meters call it.
    pub name: String,
    /// How it is reached: `hdlc+serial:///dev/ttyS1?baud=9600` or `hdlc://192.0.2.4:4001`.
    #[serde(deserialize_with = "address")]
    pub address: Address,
    /// Whether and how meters are searched for on it.
    #[serde(default)]
    pub discovery: DiscoveryConfig,
}

/// A meter that is known from the start.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Meter {
    /// Its logical device name. On a medium it may be left out: then the meter is asked for it, as
    /// the public client.
    #[serde(default, deserialize_with = "optional_name")]
    pub name: Option<LogicalDeviceName>,
    /// The SAP that head-ends reach it at. Default: the one that it had, or the next that is free.
    #[serde(default)]
    pub sap: Option<u16>,
    /// Where it is: `wrapper://192.0.2.7:4059` or `wrapper+udp://192.0.2.7`. Or:
    #[serde(default, deserialize_with = "optional_address")]
    pub address: Option<Address>,
    /// The medium it is on, and
    #[serde(default)]
    pub medium: Option<String>,
    /// its lower HDLC address there.
    #[serde(default)]
    pub physical: Option<u16>,
    /// The SAP of the logical device at the meter itself. Default: 1.
    #[serde(default = "management")]
    pub server: u16,
}

/// What meters push.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Push {
    /// Where meters push to over TCP and UDP, by the wrapper. Default: nowhere.
    pub listen_tcp: Vec<SocketAddr>,
    /// The same over UDP.
    pub listen_udp: Vec<SocketAddr>,
    /// The head-ends that get every push as it comes, beside the spool. Default: none.
    #[serde(deserialize_with = "addresses")]
    pub to: Vec<Address>,
    /// Pushes kept until a head-end has acknowledged them. Beyond, the oldest goes. Default:
    /// 1,000,000.
    pub spool_entries_max: u32,
    /// Octets of pushes kept. Default: 256 MiB.
    pub spool_octets_max: u64,
}

impl Default for Push {
    fn default() -> Self {
        Self {
            listen_tcp: Vec::new(),
            listen_udp: Vec::new(),
            to: Vec::new(),
            spool_entries_max: 1_000_000,
            spool_octets_max: 256 * 1024 * 1024,
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The text is not what a configuration is.
    #[error("{0}")]
    Syntax(String),
    /// What it says does not fit together.
    #[error("{0}")]
    Meaning(String),
}

impl Config {
    /// Reads the file at `path`. Relative paths in it are beside it.
    ///
    /// # Errors
    /// Every [`ConfigError`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |error| ConfigError::Unreadable { path: path.into(), error };
        let mut config = Self::parse(&fs::read_to_string(path).map_err(unreadable)?)?;
        if let Some(folder) = path.parent() {
            config.concentrator.data = folder.join(&config.concentrator.data);
            #[cfg(feature = "collection")]
            if let Some(collection) = &mut config.collection {
                collection.beside(folder);
            }
            config.management.resolve(folder);
            if let Some(firmware) = &mut config.firmware {
                firmware.beside(folder);
            }
            if let Some(station) = &mut config.station {
                station.beside(folder);
            }
            #[cfg(feature = "tls")]
            if let Some(tls) = &mut config.wan.tls {
                tls.beside(folder);
            }
        }
        Ok(config)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// [`ConfigError::Syntax`], [`ConfigError::Meaning`].
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|error| {
            let text = error.to_string();
            ConfigError::Syntax(match meant(error.message()) {
                Some(meant) => format!("{}; did you mean {meant}?", text.trim_end()),
                None => text.trim_end().to_owned(),
            })
        })?;
        config.check()?;
        Ok(config)
    }

    /// The medium of this name: its place in the list.
    #[must_use]
    pub fn medium(&self, name: &str) -> Option<u16> {
        let index = self.medium.iter().position(|medium| medium.name == name)?;
        u16::try_from(index).ok()
    }

    /// How meters are shared.
    #[must_use]
    pub fn router(&self) -> RouterConfig {
        RouterConfig {
            associations_max: self.access.associations_max,
            idle_timeout: Duration::from_secs(self.access.idle_timeout_s.into()),
            access_wait: Duration::from_secs(self.access.wait_s.into()),
            unknown_sap: match self.wan.unknown_sap {
                Unknown::Silent => UnknownSap::Silent,
                Unknown::Reject => UnknownSap::Reject,
            },
            broadcast_clients: self.access.broadcast_clients.clone(),
            gateway: self.wan.gateway,
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |text: String| Err(ConfigError::Meaning(text));
        #[cfg(feature = "collection")]
        if let Some(collection) = &self.collection {
            let tasks = collection.tasks(|name| self.medium(name));
            tasks.map_err(|error| ConfigError::Meaning(error.to_string()))?;
        }
        for (index, medium) in self.medium.iter().enumerate() {
            if self.medium[..index].iter().any(|other| other.name == medium.name) {
                return wrong(format!("two media are called {:?}", medium.name));
            }
            if matches!(medium.address, Address::Wrapper(_) | Address::WrapperUdp(_)) {
                return wrong(format!(
                    "medium {:?} is at {}: a shared medium speaks HDLC; a meter that is reached \
                     by the wrapper has an address of its own, in [[meter]]",
                    medium.name, medium.address
                ));
            }
        }
        if let Some(mistake) = self.station.as_ref().and_then(StationConfig::mistake) {
            return wrong(mistake.to_owned());
        }
        let is_serial =
            |address: &&Address| matches!(address, Address::HdlcSerial(port) if !port.mode_e);
        if let Some(address) = self.wan.hdlc_serial.iter().find(|address| !is_serial(address)) {
            return wrong(format!(
                "wan.hdlc-serial has ports such as hdlc+serial:///dev/ttyS2?baud=9600, not \
                 {address}"
            ));
        }
        if self.wan.hdlc_physical.is_some_and(|physical| !PHYSICAL.contains(&physical)) {
            return wrong("wan.hdlc-physical is from 16 to 16381".to_owned());
        }
        if let Some(address) = self.push.to.iter().find(|to| !matches!(to, Address::Wrapper(_))) {
            return wrong(format!("pushes go to wrapper://HOST:PORT, not to {address}"));
        }
        for (index, meter) in self.meter.iter().enumerate() {
            let which = match &meter.name {
                Some(name) => format!("meter {name}"),
                None => format!("[[meter]] number {}", index + 1),
            };
            match (&meter.address, &meter.medium, meter.physical) {
                (Some(address @ (Address::Wrapper(_) | Address::WrapperUdp(_))), None, None) => {
                    if meter.name.is_none() {
                        return wrong(format!(
                            "{which} at {address} has no name: only meters on a medium are asked \
                             for theirs"
                        ));
                    }
                }
                (Some(address), None, None) => {
                    return wrong(format!(
                        "{which} is at {address}: HDLC is a medium, in [[medium]], and the meter \
                         has medium = and physical ="
                    ));
                }
                (None, Some(medium), Some(_)) if self.medium(medium).is_some() => {}
                (None, Some(medium), Some(_)) => {
                    return wrong(format!("{which} is on medium {medium:?}, which there is not"));
                }
                _ => {
                    return wrong(format!(
                        "{which} has either an address, or a medium and physical ="
                    ));
                }
            }
            let twice = self.meter[..index].iter().any(|other| {
                let same_name = meter.name.is_some() && other.name == meter.name;
                same_name || meter.sap.is_some() && other.sap == meter.sap
            });
            if twice {
                return wrong(format!("{which} has the name or the SAP of another meter"));
            }
            // No station, who called, and all stations, in seven bits and in fourteen.
            let reserved = |part: u16| [0, 0x7E, 0x7F].contains(&part) || part >= 0x3FFE;
            let parts = [meter.physical, meter.medium.as_ref().map(|_| meter.server)];
            if parts.into_iter().flatten().any(reserved) {
                return wrong(format!(
                    "{which}: physical and server are HDLC addresses of one meter, 1 to 16381 \
                     without 126 and 127"
                ));
            }
            let place = |meter: &Meter| {
                let address = meter.address.as_ref().map(ToString::to_string);
                (address, meter.medium.clone(), meter.physical, meter.server)
            };
            if self.meter[..index].iter().any(|other| place(other) == place(meter)) {
                return wrong(format!("{which} is where another meter is, with the same server ="));
            }
        }
        Ok(())
    }
}

/// The known key that was meant by an unknown one, from what the parser says about it:
/// "unknown field `a`, expected one of `b`, `c`".
fn meant(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("unknown ")?;
    let mut words = rest.split('`').skip(1).step_by(2);
    let unknown = words.next()?;
    let distance = |word: &&str| strsim::damerau_levenshtein(unknown, word);
    words.min_by_key(distance).filter(|word| distance(word) <= DISTANCE_MAX)
}

const fn one() -> u32 {
    1
}

const fn management() -> u16 {
    1
}

fn data_folder() -> PathBuf {
    "data".into()
}

fn device_name<'de, D: Deserializer<'de>>(from: D) -> Result<LogicalDeviceName, D::Error> {
    let text = String::deserialize(from)?;
    let wrong = || {
        D::Error::custom(format!(
            "{text:?} is not a logical device name: 1 to {NAME_LEN_MAX} characters, such as \
             \"ABC0000000000001\""
        ))
    };
    LogicalDeviceName::try_from(text.as_bytes()).map_err(|_| wrong())
}

fn optional_name<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<LogicalDeviceName>, D::Error> {
    device_name(from).map(Some)
}

fn address<'de, D: Deserializer<'de>>(from: D) -> Result<Address, D::Error> {
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}

fn optional_address<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Address>, D::Error> {
    address(from).map(Some)
}

fn addresses<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Address>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDENTITY: &str = "[concentrator]\nname = \"ABC0000000000001\"\n";

    fn refused(text: &str) -> String {
        Config::parse(&format!("{IDENTITY}{text}")).unwrap_err().to_string()
    }

    #[test]
    fn a_name_is_all_that_must_be_said() {
        let config = Config::parse(IDENTITY).unwrap();
        assert_eq!(config.wan.tcp, ["0.0.0.0:4059".parse().unwrap()]);
        assert_eq!(config.router(), RouterConfig::default());
        assert_eq!((config.concentrator.epoch, config.meter.len()), (1, 0));
    }

    #[test]
    fn a_misspelt_key_is_refused_by_line_with_the_one_that_was_meant() {
        let message = refused("[access]\nidle-timeot-s = 60\n");
        assert!(message.contains("line 4"), "{message}");
        assert!(message.contains("did you mean idle-timeout-s?"), "{message}");
        let message = refused("[wam]\n");
        assert!(message.contains("did you mean wan?"), "{message}");
        let message = refused("[sap]\npool = \"strickt\"\n");
        assert!(message.contains("did you mean strict?"), "{message}");
    }

    #[test]
    fn a_meter_is_at_an_address_or_on_a_medium_that_there_is() {
        let medium = "[[medium]]\nname = \"bus\"\naddress = \"hdlc://192.0.2.4:4001\"\n";
        let meter = |text: &str| format!("{medium}[[meter]]\nname = \"ABC1\"\n{text}\n");
        for (text, says) in [
            ("", "either an address"),
            ("medium = \"bus\"", "either an address"),
            ("medium = \"buss\"\nphysical = 17", "which there is not"),
            ("address = \"hdlc://192.0.2.4:4001\"", "HDLC is a medium"),
            ("address = \"192.0.2.4\"", "starts with how to speak"),
        ] {
            let message = refused(&meter(text));
            assert!(message.contains(says), "{text}: {message}");
        }
        let config = [IDENTITY, &meter("medium = \"bus\"\nphysical = 17")].concat();
        assert_eq!(Config::parse(&config).unwrap().medium("bus"), Some(0));
    }

    #[test]
    fn a_meter_has_an_hdlc_address_of_its_own() {
        let medium = "[[medium]]\nname = \"bus\"\naddress = \"hdlc://192.0.2.4:4001\"\n";
        let meter = |name: &str, rest: &str| {
            format!("[[meter]]\nname = \"{name}\"\nmedium = \"bus\"\n{rest}\n")
        };
        for address in ["physical = 0", "physical = 126", "physical = 127", "physical = 16382"] {
            let message = refused(&[medium, &meter("ABC1", address)].concat());
            assert!(message.contains("1 to 16381"), "{address}: {message}");
        }
        let message = refused(&[medium, &meter("ABC1", "physical = 17\nserver = 127")].concat());
        assert!(message.contains("1 to 16381"), "{message}");
        let one = meter("ABC1", "physical = 17");
        let message = refused(&[medium, &one, &meter("ABC2", "physical = 17")].concat());
        assert!(message.contains("where another meter is"), "{message}");
        let other = meter("ABC2", "physical = 17\nserver = 2");
        assert!(Config::parse(&[IDENTITY, medium, &one, &other].concat()).is_ok());
    }

    #[test]
    fn only_a_meter_on_a_medium_may_be_without_a_name() {
        let message = refused("[[meter]]\naddress = \"wrapper://192.0.2.7\"\n");
        assert!(message.contains("number 1 at wrapper://192.0.2.7:4059 has no name"), "{message}");
        let medium = "[[medium]]\nname = \"bus\"\naddress = \"hdlc://192.0.2.4:4001\"\n";
        let meter = "[[meter]]\nmedium = \"bus\"\nphysical = 17\n";
        assert!(Config::parse(&[IDENTITY, medium, meter].concat()).is_ok());
    }

    #[test]
    fn hdlc_for_head_ends_is_at_serial_ports_and_a_lower_address_that_is_not_reserved() {
        for port in ["hdlc://192.0.2.4:4001", "hdlc+serial:///dev/ttyS2?mode-e"] {
            let message = refused(&format!("[wan]\nhdlc-serial = [{port:?}]\n"));
            assert!(message.contains("wan.hdlc-serial has ports such as"), "{message}");
        }
        for physical in [1, 15, 16_382] {
            let message = refused(&format!("[wan]\nhdlc-physical = {physical}\n"));
            assert!(message.contains("16 to 16381"), "{message}");
        }
    }

    #[test]
    fn a_station_is_read_from_a_file_or_by_a_command() {
        for (text, says) in [
            ("", "either file = or command ="),
            ("file = \"u\"\ncommand = [\"u\"]", "either file = or command ="),
            ("file = \"u\"\nevery-s = 0", "at least 1"),
            ("file = \"u\"\n[station.limits]\nlow-per-cent = 5", "did you mean low-percent?"),
        ] {
            let message = refused(&format!("[station]\n{text}\n"));
            assert!(message.contains(says), "{text}: {message}");
        }
        let read = Config::parse(&format!("{IDENTITY}[station]\ncommand = [\"read\", \"-a\"]\n"));
        assert_eq!(read.unwrap().station.unwrap().limits.nominal_voltage, 230);
    }

    #[test]
    fn no_name_and_no_sap_is_given_twice() {
        let meter = |name, sap| {
            format!("[[meter]]\nname = \"{name}\"\nsap = {sap}\naddress = \"wrapper://h:1\"\n")
        };
        for (one, other) in [(("A", 16), ("A", 17)), (("A", 16), ("B", 16))] {
            let message = refused(&(meter(one.0, one.1) + &meter(other.0, other.1)));
            assert!(message.contains("of another meter"), "{message}");
        }
    }
}
