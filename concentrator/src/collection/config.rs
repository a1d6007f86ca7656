//! The section `[collection]` of the configuration.

use core::time::Duration;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use dlms_core::{
    acse::Mechanism,
    association::ClientConfig,
    cosem::{AttributeDescriptor, ClassId},
    security::{Secret, SystemTitle},
};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{
    Calendar, Keep, KeyFile, KeyFileError, OwnClockLimits, PlannerConfig, ReaderConfig, RingLimits,
    Setting, TASKS_MAX, Task, TimeLimits, Whom,
};

/// What the concentrator reads by itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct CollectionConfig {
    /// The SAP of the reading client. Default: 2.
    pub client: u16,
    /// How it proves itself: `lowest` (not at all, the default), `lls`, `hls-md5`, `hls-sha1`,
    /// `hls-sha256`, or `hls-gmac` with keys, by which all it asks is then authenticated and
    /// encrypted, too.
    pub authentication: Authentication,
    /// The file with its password or secret, and nothing else but a last end of line.
    pub secret_file: Option<PathBuf>,
    /// For `hls-gmac`, its system title: 16 hexadecimal digits.
    #[serde(deserialize_with = "title")]
    pub system_title: Option<SystemTitle>,
    /// For `hls-gmac`, the file with its keys at each meter, or at all; see [`KeyFile`].
    pub keys_file: Option<PathBuf>,
    /// Seconds for which an answer is waited for. Default: 30, more than the exchange waits.
    pub timeout_s: u32,
    /// Days for which a profile is read that was never read before. Default: 40.
    pub history_days: u32,
    /// Hours of a profile that are asked for in one request. Default: 24.
    pub piece_h: u32,
    /// Minutes to add to the time of meters to get UTC, for those that do not say it.
    pub deviation_min: Option<i16>,
    /// Jobs at a time. Default: 16.
    pub jobs_max: usize,
    /// Jobs at a time on one shared medium. Default: 1.
    pub jobs_per_medium_max: usize,
    /// Seconds after which an order is out of date. Default: a day.
    pub order_age_max_s: u32,
    /// When the own clock is trusted.
    pub own_clock: OwnClockConfig,
    /// Whether and within which limits clocks of meters are set.
    pub meter_clock: MeterClockConfig,
    /// How much is kept.
    pub ring: RingConfig,
    /// What is read when.
    pub task: Vec<TaskConfig>,
}

impl Default for CollectionConfig {
    fn default() -> Self {
        Self {
            client: 2,
            authentication: Authentication::Lowest,
            secret_file: None,
            system_title: None,
            keys_file: None,
            timeout_s: 30,
            history_days: 40,
            piece_h: 24,
            deviation_min: None,
            jobs_max: 16,
            jobs_per_medium_max: 1,
            order_age_max_s: 86_400,
            own_clock: OwnClockConfig::default(),
            meter_clock: MeterClockConfig::default(),
            ring: RingConfig::default(),
            task: Vec::new(),
        }
    }
}

/// How the reading client proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authentication {
    /// Not at all.
    Lowest,
    /// By a password.
    Lls,
    /// By HLS with MD5.
    HlsMd5,
    /// By HLS with SHA-1.
    HlsSha1,
    /// By HLS with SHA-256.
    HlsSha256,
    /// By HLS with GMAC.
    HlsGmac,
}

/// When the own clock is trusted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct OwnClockConfig {
    /// The file that is touched whenever the clock was set by NTP. Default: that of
    /// systemd-timesyncd.
    pub synchronized_file: PathBuf,
    /// Seconds for which the clock is trusted after that. Default: a day. 0: for ever, whether
    /// there is such a file or not.
    pub since_synchronized_max_s: u32,
    /// Milliseconds by which it may be off. Default: 2,000.
    pub deviation_max_ms: u32,
}

impl Default for OwnClockConfig {
    fn default() -> Self {
        Self {
            synchronized_file: "/run/systemd/timesync/synchronized".into(),
            since_synchronized_max_s: 86_400,
            deviation_max_ms: 2_000,
        }
    }
}

/// Within which limits clocks of meters are set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct MeterClockConfig {
    /// `never` (the default), `time` (by writing it) or `shift` (by the method). The companion
    /// specification of the meters says whether this client may.
    pub set: Set,
    /// Seconds by which a clock may be off without being set. Default: 10.
    pub tolerated_s: u32,
    /// Seconds beyond which it is not set. Default: 300.
    pub trusted_s: u32,
}

impl Default for MeterClockConfig {
    fn default() -> Self {
        let TimeLimits { tolerated_s, trusted_s, .. } = TimeLimits::default();
        Self { set: Set::Never, tolerated_s, trusted_s }
    }
}

/// How clocks of meters are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Set {
    /// Not at all.
    Never,
    /// By writing the time.
    Time,
    /// By shift_time.
    Shift,
}

/// How much is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RingConfig {
    /// Octets of rows. Default: 256 MiB.
    pub octets_max: u64,
    /// Days after which rows go. Default: 90.
    pub days_max: u32,
}

impl Default for RingConfig {
    fn default() -> Self {
        let RingLimits { octets_max, days_max } = RingLimits::default();
        Self { octets_max, days_max }
    }
}

/// What is read when.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TaskConfig {
    /// What it is called.
    pub name: String,
    /// What is read.
    pub read: Vec<Attribute>,
    /// Only meters on this medium.
    #[serde(default)]
    pub medium: Option<String>,
    /// Only meters whose name has this pattern, with `*` and `?`.
    #[serde(default)]
    pub meters: Option<String>,
    /// Minutes from one time to the next.
    pub every_min: u32,
    /// Minutes from midnight UTC, or from the full hour or whatever a period is. Default: 0.
    #[serde(default)]
    pub at_min: u32,
    /// Minutes within which it may be begun and tried again. Default: until the next time.
    #[serde(default)]
    pub window_min: Option<u32>,
    /// Minutes over which meters are spread. Default: a quarter of the window.
    #[serde(default)]
    pub jitter_min: Option<u32>,
    /// What goes first: the greater. Default: 0.
    #[serde(default)]
    pub priority: u8,
    /// Whether people are billed by it. Default: false.
    #[serde(default)]
    pub billing: bool,
}

/// An attribute: `7:1-0:99.1.0*255`, or `8:0-0:1.0.0*255:2` where it is not the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute(pub AttributeDescriptor);

impl<'de> Deserialize<'de> for Attribute {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text, Some("2")).map(Self).ok_or_else(|| {
            D::Error::custom(format!("{text:?} is not CLASS:NAME, such as \"7:1-0:99.1.0*255\""))
        })
    }
}

impl Attribute {
    /// `CLASS:NAME:NUMBER`; where `usual` is given, it is the number of one that has none.
    pub(crate) fn parse(text: &str, usual: Option<&str>) -> Option<AttributeDescriptor> {
        let (class, rest) = text.split_once(':')?;
        // The logical name has a colon of its own.
        let (name, number) = match rest.rsplit_once(':') {
            Some((name, number)) if name.contains(':') => (name, number),
            _ => (rest, usual?),
        };
        let (class, name) = (class.parse().ok()?, name.parse().ok()?);
        Some(AttributeDescriptor::new(ClassId(class), name, number.parse().ok()?))
    }
}

/// Why the section cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CollectionError {
    /// A task does not fit together.
    #[error("[[collection.task]] {name:?}: {wrong}")]
    Task {
        /// Which.
        name: String,
        /// What is wrong.
        wrong: &'static str,
    },
    /// There are too many.
    #[error("more than {TASKS_MAX} tasks")]
    Tasks,
    /// The file with the secret cannot be read.
    #[error("[collection] secret-file {}: {error}", path.display())]
    Secret {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The client has to prove itself, and there is nothing to do it with.
    #[error("[collection] authentication needs secret-file")]
    NoSecret,
    /// It proves itself by keys, and does not say which.
    #[error("[collection] authentication = \"hls-gmac\" needs system-title and keys-file")]
    NoKeys,
    /// Keys are named that are not used.
    #[error("[collection] system-title and keys-file are for authentication = \"hls-gmac\"")]
    IdleKeys,
    /// The file with the keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
}

impl CollectionConfig {
    /// Takes relative paths as beside the configuration in `folder`.
    pub fn beside(&mut self, folder: &Path) {
        for file in [&mut self.secret_file, &mut self.keys_file].into_iter().flatten() {
            *file = folder.join(&*file);
        }
    }

    /// The tasks; `medium` gives the place of a medium in the list.
    ///
    /// # Errors
    /// [`CollectionError::Task`], [`CollectionError::Tasks`].
    pub fn tasks(
        &self,
        medium: impl Fn(&str) -> Option<u16>,
    ) -> Result<Vec<Task>, CollectionError> {
        if self.task.len() > TASKS_MAX {
            return Err(CollectionError::Tasks);
        }
        let mut tasks: Vec<Task> = Vec::new();
        for config in &self.task {
            let wrong = |wrong| CollectionError::Task { name: config.name.clone(), wrong };
            if config.every_min == 0 {
                return Err(wrong("every-min is 0"));
            }
            if tasks.iter().any(|other| *other.name == config.name) {
                return Err(wrong("there is another of this name"));
            }
            let medium = match &config.medium {
                None => None,
                Some(name) => Some(medium(name).ok_or_else(|| wrong("there is no such medium"))?),
            };
            let window_min = config.window_min.unwrap_or(config.every_min).min(config.every_min);
            let jitter_min = config.jitter_min.unwrap_or(window_min / 4);
            tasks.push(Task {
                name: config.name.as_str().into(),
                read: config.read.iter().map(|Attribute(attribute)| *attribute).collect(),
                whom: Whom { medium, name: config.meters.as_deref().map(Into::into) },
                calendar: Calendar {
                    period_s: config.every_min.saturating_mul(60),
                    at_s: config.at_min.saturating_mul(60),
                    window_s: window_min.saturating_mul(60),
                    jitter_s: jitter_min.saturating_mul(60),
                },
                priority: config.priority,
                keep: if config.billing { Keep::Billing } else { Keep::Ordinary },
            });
        }
        Ok(tasks)
    }

    /// How many jobs there may be, and when.
    #[must_use]
    pub fn planner(&self) -> PlannerConfig {
        let since_max_s = self.own_clock.since_synchronized_max_s;
        PlannerConfig {
            jobs_max: self.jobs_max,
            jobs_per_medium_max: self.jobs_per_medium_max,
            order_age_max: Duration::from_secs(self.order_age_max_s.into()),
            own_clock: OwnClockLimits {
                since_comparison_max_s: Some(since_max_s).filter(|max| *max > 0),
                deviation_max_ms: self.own_clock.deviation_max_ms,
            },
        }
    }

    /// How meters are read. The secret and the keys are read from their files.
    ///
    /// # Errors
    /// [`CollectionError::Secret`], [`CollectionError::NoSecret`], [`CollectionError::NoKeys`],
    /// [`CollectionError::IdleKeys`], [`CollectionError::Keys`].
    pub fn reader(&self) -> Result<ReaderConfig, CollectionError> {
        let mechanism = match self.authentication {
            Authentication::Lowest => Mechanism::Lowest,
            Authentication::Lls => Mechanism::Lls,
            Authentication::HlsMd5 => Mechanism::HlsMd5,
            Authentication::HlsSha1 => Mechanism::HlsSha1,
            Authentication::HlsSha256 => Mechanism::HlsSha256,
            Authentication::HlsGmac => Mechanism::HlsGmac,
        };
        let keys = match (mechanism, self.system_title, &self.keys_file) {
            (Mechanism::HlsGmac, Some(_), Some(path)) => Some(Arc::new(KeyFile::read(path)?)),
            (Mechanism::HlsGmac, ..) => return Err(CollectionError::NoKeys),
            (_, None, None) => None,
            _ => return Err(CollectionError::IdleKeys),
        };
        let secret = match &self.secret_file {
            Some(path) => secret(path)?,
            None if matches!(mechanism, Mechanism::Lowest | Mechanism::HlsGmac) => {
                Secret::from(&[][..])
            }
            None => return Err(CollectionError::NoSecret),
        };
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        Ok(ReaderConfig {
            client: self.client,
            association: ClientConfig {
                mechanism,
                secret,
                system_title: self.system_title,
                ..ClientConfig::default()
            },
            keys,
            timeout: Duration::from_secs(self.timeout_s.into()),
            history: hours(24 * u64::from(self.history_days)),
            piece: hours(self.piece_h.into()),
            deviation_min: self.deviation_min,
            time: TimeLimits {
                setting: match self.meter_clock.set {
                    Set::Never => None,
                    Set::Time => Some(Setting::Time),
                    Set::Shift => Some(Setting::Shift),
                },
                tolerated_s: self.meter_clock.tolerated_s,
                trusted_s: self.meter_clock.trusted_s,
            },
        })
    }

    /// How much is kept.
    #[must_use]
    pub const fn ring(&self) -> RingLimits {
        RingLimits { octets_max: self.ring.octets_max, days_max: self.ring.days_max }
    }
}

fn title<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SystemTitle>, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

/// The secret in a file. What was read is wiped with it: nothing is copied on the way.
fn secret(path: &Path) -> Result<Secret, CollectionError> {
    let read = fs::read(path).map_err(|error| CollectionError::Secret { path: path.into(), error });
    let mut octets = read?;
    while octets.last().is_some_and(|octet| matches!(octet, b'\n' | b'\r')) {
        octets.pop();
    }
    Ok(Secret::from(octets))
}

#[cfg(test)]
mod tests {
    use dlms_core::cosem::LogicalName;

    use super::*;

    fn parse(text: &str) -> Result<CollectionConfig, toml::de::Error> {
        toml::from_str(text)
    }

    const TASK: &str = "[[task]]\nname = \"t\"\nread = [\"7:1-0:99.1.0*255\"]\nevery-min = 1440\n";

    #[test]
    fn a_task_has_a_calendar_and_says_what_it_reads_from_whom() {
        let text = "
            [[task]]
            name = \"load profile\"
            read = [\"7:1-0:99.1.0*255\", \"8:0-0:1.0.0*255:3\"]
            medium = \"bus\"
            meters = \"ABC*\"
            every-min = 1440
            at-min = 120
            window-min = 240
            priority = 5
            billing = true
        ";
        let tasks = parse(text).unwrap().tasks(|name| (name == "bus").then_some(3)).unwrap();
        let expected = Task {
            name: "load profile".into(),
            read: vec![
                AttributeDescriptor::new(ClassId(7), LogicalName([1, 0, 99, 1, 0, 255]), 2),
                AttributeDescriptor::new(ClassId(8), LogicalName([0, 0, 1, 0, 0, 255]), 3),
            ],
            whom: Whom { medium: Some(3), name: Some("ABC*".into()) },
            calendar: Calendar { period_s: 86_400, at_s: 7_200, window_s: 14_400, jitter_s: 3_600 },
            priority: 5,
            keep: Keep::Billing,
        };
        assert_eq!(tasks, [expected]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let tasks = |text: &str| parse(text).unwrap().tasks(|_| None);
        for (text, says) in [
            ([TASK, TASK].concat(), "another of this name"),
            (TASK.replace("1440", "0"), "every-min"),
            (format!("{TASK}medium = \"bus\"\n"), "no such medium"),
        ] {
            let message = tasks(&text).unwrap_err().to_string();
            assert!(message.contains(says), "{message}");
        }
        for text in ["clint = 2", "[[task]]\nname = \"t\"", "[[task]]\nread = [\"7\"]"] {
            parse(text).unwrap_err();
        }
        let message = parse(&TASK.replace("7:1-0", "x:1-0")).unwrap_err().to_string();
        assert!(message.contains("CLASS:NAME"), "{message}");
    }

    #[test]
    fn a_client_that_proves_itself_needs_a_secret_and_a_debug_output_does_not_show_it() {
        let lls = "authentication = \"lls\"\n";
        assert!(matches!(parse(lls).unwrap().reader(), Err(CollectionError::NoSecret)));
        assert!(parse("").unwrap().reader().is_ok());
        let folder = std::env::temp_dir();
        let file = format!("collection-secret-{}", std::process::id());
        fs::write(folder.join(&file), "12345678\n").unwrap();
        let mut config = parse(&format!("{lls}secret-file = \"{file}\"\n")).unwrap();
        config.beside(&folder);
        let reader = config.reader().unwrap();
        assert_eq!(reader.association.secret.octets(), b"12345678");
        assert!(!format!("{reader:?}").contains("12345678"));
        fs::remove_file(folder.join(file)).unwrap();
    }

    #[test]
    fn a_client_with_keys_names_them_and_one_without_does_not() {
        let gmac = "authentication = \"hls-gmac\"\n";
        assert!(matches!(parse(gmac).unwrap().reader(), Err(CollectionError::NoKeys)));
        let idle = parse("keys-file = \"keys\"\n").unwrap().reader();
        assert!(matches!(idle, Err(CollectionError::IdleKeys)));
        let folder = crate::state::Scratch::new();
        fs::create_dir_all(folder.path()).unwrap();
        let file = folder.path().join("keys");
        fs::write(&file, format!("* {} {}\n", "01".repeat(16), "02".repeat(16))).unwrap();
        let owner = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
        fs::set_permissions(&file, owner).unwrap();
        let text = format!("{gmac}system-title = \"4448435245414431\"\nkeys-file = \"keys\"\n");
        let mut config = parse(&text).unwrap();
        config.beside(folder.path());
        let reader = config.reader().unwrap();
        assert_eq!(reader.association.system_title, Some(SystemTitle(*b"DHCREAD1")));
        assert!(reader.keys.is_some() && !format!("{reader:?}").contains("0101"));
    }

    #[test]
    fn clocks_of_meters_are_left_alone_unless_that_is_said() {
        assert_eq!(parse("").unwrap().reader().unwrap().time, TimeLimits::default());
        let set = parse("[meter-clock]\nset = \"shift\"\n").unwrap().reader().unwrap();
        assert_eq!(set.time.setting, Some(Setting::Shift));
    }
}
