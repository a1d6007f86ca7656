//! What a meter needs to be done differently: as people know it, in a file, and as meters showed
//! it, remembered beside the invocation counters.
//!
//! ```toml
//! # --quirks FILE: a section for each kind of meter, of whatever name
//! [cellar]
//! address = "wrapper://192.0.2.7:4059"   # or system-title = "47525801000003E8"
//! release = false                        # or device-name = "GRX0000000001000", or "GRX*"
//! lists = false                          # or manufacturer = "GRX"
//! max-pdu = 256
//! address-bytes = 2
//! deviation-reversed = true
//! deviation-minutes = -60
//! range-deviations = false
//! block-window = 1
//! compact-array-counts = true
//! compat = ["kdf-arc-06"]
//! ```
//!
//! | quirk | what is done differently |
//! |---|---|
//! | `release` | false: the line is closed without RLRQ, which the meter does not answer |
//! | `lists` | false: attributes are read one by one, though the meter agreed to lists |
//! | `max-pdu` | no larger APDU is asked for, in octets |
//! | `address-bytes` | the HDLC server address has 1, 2 or 4 octets |
//! | `deviation-reversed` | true: the deviations in the meter's times are minutes to add to UTC |
//! | `deviation-minutes` | the minutes to add to a time that has no deviation to get UTC |
//! | `range-deviations` | false: --from and --to are sent as local times, without deviation |
//! | `block-window` | no more general blocks in one go, whatever window the meter tells |
//! | `compact-array-counts` | true: arrays in compact-arrays have their counts in the contents |
//! | `compat` | differences in its security, as `--compat` names them |
//!
//! What needs no key, because it cannot be taken for anything else: answers whose LLC header is
//! that of a client or is missing, empty system titles, and pushes whose time has a tag.
//!
//! A title is known when the meter at this address told it before, or tells it while associating;
//! its first three octets are the manufacturer. The logical device name is asked for when a section
//! needs it; its first three characters are the manufacturer as well. A section by device name
//! comes too late for what must be known before a meter is asked: `max-pdu` and `address-bytes`.
//! `release` and `lists` are learned as well: from a meter that is silent on RLRQ twice in a row,
//! and from one that refuses lists after it agreed to them. What the command line says counts more
//! than a file, and a file more than what was learned.

use core::sync::atomic::{AtomicU32, Ordering};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use dlms_core::{
    association::WINDOW_MAX,
    axdr::CompactArrayRules,
    security::{Compatibility, SystemTitle},
};
use dlms_tokio::Address;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::{
    cli::AddressBytes,
    counter_file::{CounterFile, Place},
    time_rules::TimeRules,
};

/// The format of the file of learned quirks. A file of another version is left alone.
const VERSION: u32 = 1;
/// The smallest APDU that an association may be limited to (IEC 62056-5-3, InitiateRequest).
const PDU_MIN: u16 = 12;
/// Releases without answer, one after the other, after which a meter is taken not to know RLRQ. One
/// may as well be the end of a connection that nobody told of.
const SILENCES: u32 = 2;
/// Letters that a wrong key may differ by for the right one to be suggested.
const DISTANCE_MAX: usize = 3;

/// What is done differently. None: as with any meter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Quirks {
    /// Whether the association is released with RLRQ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) release: Option<bool>,
    /// Whether attributes are read with GET with list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lists: Option<bool>,
    /// The largest APDU to ask for, in octets.
    #[serde(skip)]
    pub(crate) max_pdu: Option<u16>,
    /// The length of the HDLC server address.
    #[serde(skip)]
    pub(crate) address_bytes: Option<AddressBytes>,
    /// Whether deviations are written against the standard.
    #[serde(skip)]
    pub(crate) deviation_reversed: Option<bool>,
    /// The deviation of times that have none, in minutes to add to local time to get UTC.
    #[serde(skip)]
    pub(crate) deviation_minutes: Option<i16>,
    /// Whether ranges of a profile may have times with a deviation.
    #[serde(skip)]
    pub(crate) range_deviations: Option<bool>,
    /// How many general blocks may go out and come in in one go.
    #[serde(skip)]
    pub(crate) block_window: Option<u8>,
    /// Whether inner arrays of compact-arrays have their counts in the contents.
    #[serde(skip)]
    pub(crate) compact_array_counts: Option<bool>,
    /// How its security differs from the standard.
    #[serde(skip)]
    pub(crate) compat: Option<Compatibility>,
}

impl Quirks {
    /// These, and of `others` what these do not say.
    pub(crate) fn or(self, others: Self) -> Self {
        Self {
            release: self.release.or(others.release),
            lists: self.lists.or(others.lists),
            max_pdu: self.max_pdu.or(others.max_pdu),
            address_bytes: self.address_bytes.or(others.address_bytes),
            deviation_reversed: self.deviation_reversed.or(others.deviation_reversed),
            deviation_minutes: self.deviation_minutes.or(others.deviation_minutes),
            range_deviations: self.range_deviations.or(others.range_deviations),
            block_window: self.block_window.or(others.block_window),
            compact_array_counts: self.compact_array_counts.or(others.compact_array_counts),
            compat: self.compat.or(others.compat),
        }
    }

    /// How compact-arrays are to be read.
    pub(crate) fn compact_array_rules(self) -> CompactArrayRules {
        match self.compact_array_counts {
            Some(true) => CompactArrayRules::CountInContents,
            _ => CompactArrayRules::Standard,
        }
    }

    /// How times are to be understood.
    pub(crate) fn time_rules(self) -> TimeRules {
        TimeRules {
            reversed: self.deviation_reversed.unwrap_or(false),
            unspecified_means: self.deviation_minutes,
            ranges_are_local: self.range_deviations == Some(false),
        }
    }
}

/// Which meters a section is about.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Which {
    Manufacturer([u8; 3]),
    Title(SystemTitle),
    Address(Address),
    /// The logical device name, or its beginning when a star follows.
    Device(String),
}

impl Which {
    /// How much it says: what is said of one meter counts more than what is said of all of a kind,
    /// and that more than what is said of all of a manufacturer.
    const fn rank(&self) -> u8 {
        match self {
            Self::Address(_) | Self::Title(_) => 0,
            Self::Device(_) => 1,
            Self::Manufacturer(_) => 2,
        }
    }
}

/// The quirks of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct QuirksFile(Vec<(Which, Quirks)>);

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QuirksFileError {
    /// The system refused.
    #[error("cannot be read: {0}")]
    System(#[from] io::Error),
    /// Not TOML.
    #[error("is not TOML: {0}")]
    Syntax(String),
    /// A section is wrong.
    #[error("section [{section}]: {what}")]
    Section {
        /// Its name.
        section: String,
        /// What is wrong.
        what: String,
    },
}

/// Everything that a section may have.
const KEYS: [&str; 14] = [
    "manufacturer",
    "system-title",
    "address",
    "device-name",
    "release",
    "lists",
    "max-pdu",
    "address-bytes",
    "deviation-reversed",
    "deviation-minutes",
    "range-deviations",
    "block-window",
    "compact-array-counts",
    "compat",
];
/// The greatest deviation, in minutes (IEC 62056-6-2, date-time), summer time included.
const DEVIATION_MAX: i64 = 840;

impl QuirksFile {
    /// Reads the file at `path`.
    pub(crate) fn read(path: &Path) -> Result<Self, QuirksFileError> {
        Self::parse(&fs::read_to_string(path)?)
    }

    fn parse(text: &str) -> Result<Self, QuirksFileError> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            QuirksFileError::Syntax(error.message().to_owned())
        })?;
        let sections = table.into_iter().map(|(section, value)| {
            let fail = |what| QuirksFileError::Section { section: section.clone(), what };
            match value {
                Value::Table(table) => parse_section(&table).map_err(fail),
                _ => Err(fail("it must be a section in brackets".to_owned())),
            }
        });
        sections.collect::<Result<_, _>>().map(Self)
    }

    /// What the file says of a meter at `address`, if a meter there told the title `title` and the
    /// logical device name `name`.
    pub(crate) fn of(
        &self,
        address: &Address,
        title: Option<SystemTitle>,
        name: Option<&[u8]>,
    ) -> Quirks {
        let fits = |which: &Which| match which {
            Which::Address(of) => of == address,
            Which::Title(of) => title == Some(*of),
            Which::Manufacturer(of) => {
                title.is_some_and(|title| title.0.starts_with(of))
                    || name.is_some_and(|name| name.starts_with(of))
            }
            Which::Device(of) => name.is_some_and(|name| match of.strip_suffix('*') {
                Some(beginning) => name.starts_with(beginning.as_bytes()),
                None => name == of.as_bytes(),
            }),
        };
        let mut fitting: Vec<_> = self.0.iter().filter(|(which, _)| fits(which)).collect();
        fitting.sort_by_key(|(which, _)| which.rank());
        fitting.into_iter().fold(Quirks::default(), |quirks, (_, more)| quirks.or(*more))
    }

    /// Whether a section may be about a meter that told the title `title`, once its logical device
    /// name is known.
    pub(crate) fn needs_device_name(&self, title: Option<SystemTitle>) -> bool {
        self.0.iter().any(|(which, _)| match which {
            Which::Device(_) => true,
            Which::Manufacturer(_) => title.is_none(),
            Which::Title(_) | Which::Address(_) => false,
        })
    }
}

fn parse_section(table: &Table) -> Result<(Which, Quirks), String> {
    let mut which = Vec::new();
    let mut quirks = Quirks::default();
    for (key, value) in table {
        match (key.as_str(), value) {
            ("manufacturer", Value::String(letters)) => {
                let letters = letters.as_bytes().try_into().ok();
                let letters =
                    letters.filter(|letters: &[u8; 3]| letters.iter().all(u8::is_ascii_uppercase));
                let wrong = "manufacturer: write its three letters, such as \"GRX\"";
                which.push(Which::Manufacturer(letters.ok_or(wrong)?));
            }
            ("system-title", Value::String(digits)) => {
                let title =
                    digits.parse().map_err(|_| "system-title: write 16 hexadecimal digits")?;
                which.push(Which::Title(title));
            }
            ("address", Value::String(address)) => {
                let address = address.parse().map_err(|error| format!("address: {error}"))?;
                which.push(Which::Address(address));
            }
            ("device-name", Value::String(name)) => {
                // No name of another length is one (IEC 62056-6-2: at most 16 octets).
                let fits = (1..=16).contains(&name.trim_end_matches('*').len());
                let wrong =
                    "device-name: write 1 to 16 characters, and * for any others after them";
                which.push(Which::Device(fits.then(|| name.clone()).ok_or(wrong)?));
            }
            ("deviation-reversed", Value::Boolean(value)) => {
                quirks.deviation_reversed = Some(*value);
            }
            ("deviation-minutes", Value::Integer(minutes)) => {
                let fits = (-DEVIATION_MAX..=DEVIATION_MAX).contains(minutes);
                let minutes = i16::try_from(*minutes).ok().filter(|_| fits);
                quirks.deviation_minutes =
                    Some(minutes.ok_or("deviation-minutes: write -840 to 840")?);
            }
            ("range-deviations", Value::Boolean(value)) => quirks.range_deviations = Some(*value),
            ("compact-array-counts", Value::Boolean(value)) => {
                quirks.compact_array_counts = Some(*value);
            }
            ("block-window", Value::Integer(blocks)) => {
                let blocks = u8::try_from(*blocks).ok();
                let blocks = blocks.filter(|blocks| (1..=WINDOW_MAX).contains(blocks));
                quirks.block_window = Some(blocks.ok_or("block-window: write 1 to 63")?);
            }
            ("compat", Value::Array(switches)) => {
                let mut compat = Compatibility::default();
                let known =
                    |switch: &Value| switch.as_str().is_some_and(|name| compat.turn_on(name));
                if !switches.iter().all(known) {
                    return Err(format!(
                        "compat: write a list of {}",
                        Compatibility::SWITCHES.join(", ")
                    ));
                }
                quirks.compat = Some(compat);
            }
            ("release", Value::Boolean(value)) => quirks.release = Some(*value),
            ("lists", Value::Boolean(value)) => quirks.lists = Some(*value),
            ("max-pdu", Value::Integer(octets)) => {
                let octets = u16::try_from(*octets).ok().filter(|octets| *octets >= PDU_MIN);
                quirks.max_pdu = Some(octets.ok_or("max-pdu: write 12 to 65535")?);
            }
            ("address-bytes", Value::Integer(count)) => {
                quirks.address_bytes = Some(match count {
                    1 => AddressBytes::One,
                    2 => AddressBytes::Two,
                    4 => AddressBytes::Four,
                    _ => return Err("address-bytes: write 1, 2 or 4".to_owned()),
                });
            }
            (known, _) if KEYS.contains(&known) => {
                return Err(format!("{known}: not a value of its type"));
            }
            (unknown, _) => return Err(unknown_key(unknown)),
        }
    }
    match <[Which; 1]>::try_from(which) {
        Ok([which]) => Ok((which, quirks)),
        Err(_) => {
            Err("name the meters with one of manufacturer, device-name, system-title and address"
                .into())
        }
    }
}

fn unknown_key(unknown: &str) -> String {
    let distance = |known: &&str| strsim::damerau_levenshtein(known, unknown);
    match KEYS.into_iter().min_by_key(distance).filter(|known| distance(known) <= DISTANCE_MAX) {
        Some(close) => format!("{unknown} is not known: did you mean {close}?"),
        None => format!("{unknown} is not known: write one of {}", KEYS.join(", ")),
    }
}

/// The file with what meters showed.
#[derive(Clone, Debug)]
pub(crate) struct Learned {
    path: PathBuf,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    version: u32,
    /// By their place.
    meters: BTreeMap<String, Quirks>,
    /// Releases that were not answered, one after the other, by place.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    silences: BTreeMap<String, u32>,
}

impl Learned {
    /// The file beside that of the invocation counters.
    pub(crate) fn beside(counters: &CounterFile) -> Self {
        Self { path: counters.path().with_file_name("quirks.json") }
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What the meter at `place` showed.
    ///
    /// # Errors
    /// The file cannot be read, or is not one of ours.
    pub(crate) fn at(&self, place: &Place) -> io::Result<Quirks> {
        Ok(self.contents()?.meters.get(place.text()).copied().unwrap_or_default())
    }

    /// Remembers what the meter at `place` showed, beside what it showed before.
    ///
    /// Two processes that learn at once may lose what one of them learned: the meter will show it
    /// again.
    ///
    /// # Errors
    /// The file cannot be read or written, or is not one of ours; it is then left as it was.
    pub(crate) fn learn(&self, place: &Place, quirks: Quirks) -> io::Result<()> {
        let mut contents = self.contents()?;
        let known = contents.meters.entry(place.text().to_owned()).or_default();
        *known = quirks.or(*known);
        self.store(&contents)
    }

    /// Takes note of whether the meter at `place` answered RLRQ. True when it is now taken not to
    /// know it.
    ///
    /// # Errors
    /// As those of [`learn`](Self::learn).
    pub(crate) fn released(&self, place: &Place, answered: bool) -> io::Result<bool> {
        let mut contents = self.contents()?;
        let place = place.text();
        if answered {
            if contents.silences.remove(place).is_some() {
                self.store(&contents)?;
            }
            return Ok(false);
        }
        let silences = contents.silences.entry(place.to_owned()).or_default();
        *silences += 1;
        let learned = *silences >= SILENCES;
        if learned {
            contents.silences.remove(place);
            contents.meters.entry(place.to_owned()).or_default().release = Some(false);
        }
        self.store(&contents)?;
        Ok(learned)
    }

    fn store(&self, contents: &Contents) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        // No two write into one file: a long text leaves its end behind a short one.
        static WRITES: AtomicU32 = AtomicU32::new(0);
        let number = WRITES.fetch_add(1, Ordering::Relaxed);
        let fresh = self.path.with_extension(format!("{}-{number}.new", std::process::id()));
        fs::write(&fresh, serde_json::to_vec_pretty(contents)?)?;
        fs::rename(&fresh, &self.path)
    }

    fn contents(&self) -> io::Result<Contents> {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Contents { version: VERSION, ..Contents::default() });
            }
            Err(error) => return Err(error),
        };
        let contents: Contents = serde_json::from_slice(&text)?;
        if contents.version == VERSION {
            Ok(contents)
        } else {
            Err(io::Error::other(format!("it has format {}", contents.version)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn a_section_is_about_a_manufacturer_a_title_or_an_address() {
        let file = QuirksFile::parse(
            "[all]\nmanufacturer = \"GRX\"\nlists = false\nmax-pdu = 512\n\
             [one]\nsystem-title = \"47525801000003E8\"\nmax-pdu = 256\n\
             [cellar]\naddress = \"wrapper://192.0.2.7:4059\"\nrelease = false\naddress-bytes = 2",
        )
        .unwrap();
        let (cellar, other) =
            (address("wrapper://192.0.2.7:4059"), address("wrapper://192.0.2.8:4059"));
        let of = |address, title: Option<&str>| {
            file.of(address, title.map(|title| title.parse().unwrap()), None)
        };
        assert_eq!(of(&other, None), Quirks::default());
        assert_eq!(of(&other, Some("4D4D4D0000BC614E")), Quirks::default());
        let all = Quirks { lists: Some(false), max_pdu: Some(512), ..Quirks::default() };
        assert_eq!(of(&other, Some("47525801000003E9")), all);
        assert_eq!(of(&other, Some("47525801000003E8")), Quirks { max_pdu: Some(256), ..all });
        let here = Quirks {
            release: Some(false),
            address_bytes: Some(AddressBytes::Two),
            ..Quirks::default()
        };
        assert_eq!(of(&cellar, None), here);
    }

    #[test]
    fn every_key_says_what_is_done_differently() {
        let file = QuirksFile::parse(
            "[all]\nmanufacturer = \"GRX\"\nrange-deviations = false\nblock-window = 1\n\
             compact-array-counts = true\ncompat = [\"kdf-arc-06\"]",
        )
        .unwrap();
        let address = address("wrapper://192.0.2.8:4059");
        let quirks = file.of(&address, None, Some(b"GRX0000000001000"));
        assert!(quirks.time_rules().ranges_are_local);
        assert_eq!(quirks.block_window, Some(1));
        assert_eq!(quirks.compact_array_rules(), CompactArrayRules::CountInContents);
        assert!(quirks.compat.is_some_and(|compat| compat.kdf_arc_06));
        let none = Quirks::default();
        assert!(!none.time_rules().ranges_are_local);
        assert_eq!(none.compact_array_rules(), CompactArrayRules::Standard);
    }

    #[test]
    fn a_device_name_fits_whole_or_by_its_beginning_and_tells_the_manufacturer() {
        let file = QuirksFile::parse(
            "[all]\nmanufacturer = \"GRX\"\nlists = false\ndeviation-minutes = -60\n\
             [kind]\ndevice-name = \"GRX00*\"\ndeviation-reversed = true\n\
             deviation-minutes = 0\n\
             [one]\ndevice-name = \"GRX0000000001000\"\nrelease = false",
        )
        .unwrap();
        let address = address("wrapper://192.0.2.8:4059");
        let of = |name: &str| file.of(&address, None, Some(name.as_bytes()));
        assert_eq!(of("ABC0000000001000"), Quirks::default());
        let all = Quirks { lists: Some(false), deviation_minutes: Some(-60), ..Quirks::default() };
        assert_eq!(of("GRX1000000001000"), all);
        let kind = Quirks { deviation_reversed: Some(true), deviation_minutes: Some(0), ..all };
        assert_eq!(of("GRX0000000001001"), kind);
        assert_eq!(of("GRX0000000001000"), Quirks { release: Some(false), ..kind });
        // A name is asked for only where it can matter.
        assert!(file.needs_device_name(None));
        let without = QuirksFile::parse("[a]\nmanufacturer = \"GRX\"\nlists = false").unwrap();
        assert!(without.needs_device_name(None));
        assert!(!without.needs_device_name("47525801000003E8".parse().ok()));
        assert!(!QuirksFile::default().needs_device_name(None));
    }

    #[test]
    fn what_nobody_knows_is_refused_with_what_may_be_meant() {
        for (text, error) in [
            ("[a]\naddress = \"x\"", "section [a]: address: "),
            ("[a]\nmanufacturer = \"grx\"", "write its three letters"),
            (
                "[a]\nmanufacturer = \"GRX\"\nmax_pdu = 1",
                "max_pdu is not known: did you mean max-pdu?",
            ),
            ("[a]\nmanufacturer = \"GRX\"\nrelaese = 1", "did you mean release?"),
            (
                "[a]\nmanufacturer = \"GRX\"\ncolour = 1",
                "colour is not known: write one of manufacturer, ",
            ),
            ("[a]\nmanufacturer = \"GRX\"\nlists = 1", "lists: not a value of its type"),
            ("[a]\nmanufacturer = \"GRX\"\nmax-pdu = 11", "write 12 to 65535"),
            ("[a]\nmanufacturer = \"GRX\"\naddress-bytes = 3", "write 1, 2 or 4"),
            ("[a]\ndevice-name = \"*\"", "write 1 to 16 characters"),
            ("[a]\nmanufacturer = \"GRX\"\ndeviation-minutes = 841", "write -840 to 840"),
            ("[a]\nmanufacturer = \"GRX\"\nblock-window = 64", "write 1 to 63"),
            (
                "[a]\nmanufacturer = \"GRX\"\ncompat = [\"kdf\"]",
                "list of general-ciphering-short-aad",
            ),
            ("[a]\nrelease = false", "name the meters with one of"),
            ("[a]\nmanufacturer = \"GRX\"\nsystem-title = \"47525801000003E8\"", "with one of"),
            ("a = 1", "section [a]: it must be a section in brackets"),
            ("[a", "is not TOML: "),
        ] {
            let found = QuirksFile::parse(text).unwrap_err().to_string();
            assert!(found.contains(error), "{text}\n{found}\ninstead of\n{error}");
        }
    }

    #[test]
    fn what_a_meter_showed_is_known_of_it_alone_and_for_ever() {
        let folder = std::env::temp_dir().join(format!("quirks-{}", std::process::id()));
        let counters = CounterFile::new(folder.join("counters.json"));
        let learned = Learned::beside(&counters);
        let (here, there) = (Place::new("here", 1, None), Place::new("there", 1, None));
        let lists = Quirks { lists: Some(false), ..Quirks::default() };
        let release = Quirks { release: Some(false), ..Quirks::default() };
        assert_eq!(learned.at(&here).unwrap(), Quirks::default());
        learned.learn(&here, lists).unwrap();
        learned.learn(&here, release).unwrap();
        assert_eq!(learned.at(&here).unwrap(), lists.or(release));
        assert_eq!(learned.at(&there).unwrap(), Quirks::default());

        // Silent, answered, silent: not yet; silent once more: it does not know RLRQ.
        for (answered, taken) in [(false, false), (true, false), (false, false), (false, true)] {
            assert_eq!(learned.at(&there).unwrap(), Quirks::default());
            assert_eq!(learned.released(&there, answered).unwrap(), taken);
        }
        assert_eq!(learned.at(&there).unwrap(), release);

        for foreign in ["{\"version\": 2, \"meters\": {}}", "something else"] {
            fs::write(learned.path(), foreign).unwrap();
            assert!(learned.at(&here).is_err() && learned.learn(&here, lists).is_err());
            assert_eq!(fs::read_to_string(learned.path()).unwrap(), foreign, "left as it was");
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
