//! The keys of the reading client: a file with a line for each meter, or one for all.
//!
//! ```text
//! # logical device name or *, global unicast encryption key, global authentication key
//! ABC0000000000001 000102030405060708090A0B0C0D0E0F D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF
//! *                ...
//! ```
//!
//! They must be keys of a client that may do little: who steals the concentrator has them.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use dlms_core::security::Key;
use zeroize::Zeroizing;

use crate::nodes::LogicalDeviceName;

/// The keys that the reading client shares with a meter.
#[derive(Clone, Debug)]
pub struct ReadingKeys {
    /// The global unicast encryption key (GUEK).
    pub encryption: Key,
    /// The global authentication key (GAK).
    pub authentication: Key,
}

/// The keys of all meters.
#[derive(Clone, Debug, Default)]
pub struct KeyFile {
    of_meters: BTreeMap<LogicalDeviceName, ReadingKeys>,
    of_others: Option<ReadingKeys>,
}

/// Why a key file cannot be used. No octet of a key is in it.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be read.
    #[error("[collection] keys-file {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Others than its owner may read or write it.
    #[error(
        "[collection] keys-file {} is open to others (mode {mode:03o}); say: chmod 600 {}",
        path.display(), path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A line is not as it should be.
    #[error(
        "[collection] keys-file {}, line {line}: {wrong}; a line is: NAME or *, and two keys of \
         32 hexadecimal digits",
        path.display()
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// Which, from 1 on.
        line: usize,
        /// What is wrong.
        wrong: &'static str,
    },
}

impl KeyFile {
    /// Reads a file that only its owner may open.
    ///
    /// # Errors
    /// Every [`KeyFileError`].
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let unreadable = |error| KeyFileError::Unreadable { path: path.into(), error };
        let mut file = File::open(path).map_err(unreadable)?;
        let mode = file.metadata().map_err(unreadable)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyFileError::Open { path: path.into(), mode });
        }
        let length = fs::metadata(path).map_or(0, |file| file.len());
        // As long as the file from the start: what is moved when it grows is not wiped.
        let mut text =
            Zeroizing::new(String::with_capacity(usize::try_from(length).unwrap_or(0) + 1));
        file.read_to_string(&mut text).map_err(unreadable)?;
        Self::parse(&text).map_err(|(line, wrong)| KeyFileError::Line {
            path: path.into(),
            line,
            wrong,
        })
    }

    /// The keys in a text, or the line that is wrong and what is wrong with it.
    fn parse(text: &str) -> Result<Self, (usize, &'static str)> {
        let mut found = Self::default();
        for (text, line) in text.lines().zip(1..) {
            let mut words = text.split_whitespace().peekable();
            if words.peek().is_none_or(|word| word.starts_with('#')) {
                continue;
            }
            let wrong = |wrong| (line, wrong);
            let name = words.next().ok_or_else(|| wrong("it is empty"))?;
            let mut key = || {
                let key: Key = words.next().and_then(|word| word.parse().ok())?;
                (key.octets().len() == 16).then_some(key)
            };
            let keys = key().zip(key());
            let (encryption, authentication) =
                keys.ok_or_else(|| wrong("there are no two keys of security suite 0"))?;
            if words.next().is_some() {
                return Err(wrong("there is more behind the keys"));
            }
            let keys = ReadingKeys { encryption, authentication };
            let before = if name == "*" {
                found.of_others.replace(keys)
            } else {
                let name = LogicalDeviceName::try_from(name.as_bytes());
                found.of_meters.insert(name.map_err(|_| wrong("this is no name"))?, keys)
            };
            if before.is_some() {
                return Err(wrong("there is another line of this name"));
            }
        }
        Ok(found)
    }

    /// The keys for a meter.
    #[must_use]
    pub fn of(&self, meter: &LogicalDeviceName) -> Option<&ReadingKeys> {
        self.of_meters.get(meter).or(self.of_others.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::state::Scratch;

    const ONE: &str = "000102030405060708090A0B0C0D0E0F D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF";
    const TWO: &str = "101112131415161718191A1B1C1D1E1F D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF";

    fn name(text: &str) -> LogicalDeviceName {
        text.as_bytes().try_into().unwrap()
    }

    #[test]
    fn a_meter_has_the_keys_of_its_line_and_others_those_of_the_star() {
        let text = format!("# keys\n\nABC1 {ONE}\n  *  {TWO}\n");
        let keys = KeyFile::parse(&text).unwrap();
        assert_eq!(keys.of(&name("ABC1")).unwrap().encryption.octets()[0], 0x00);
        assert_eq!(keys.of(&name("ABC2")).unwrap().encryption.octets()[0], 0x10);
        let own = KeyFile::parse(&format!("ABC1 {ONE}")).unwrap();
        assert!(own.of(&name("ABC2")).is_none());
    }

    #[test]
    fn a_line_that_is_wrong_is_named_and_its_keys_are_not_shown() {
        for (text, line, says) in [
            (format!("ABC1 {ONE}\nABC1 {TWO}"), 2, "another line"),
            (format!("ABC1 {ONE} 00"), 1, "more behind"),
            ("ABC1 0001".to_owned(), 1, "two keys"),
            (format!("* {}", &ONE[..60]), 1, "two keys"),
        ] {
            let (found, wrong) = KeyFile::parse(&text).unwrap_err();
            assert!(found == line && wrong.contains(says), "{found}: {wrong}");
        }
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let folder = Scratch::new();
        fs::create_dir_all(folder.path()).unwrap();
        let path = folder.path().join("keys");
        fs::write(&path, format!("* {ONE}")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let refused = KeyFile::read(&path).unwrap_err().to_string();
        assert!(refused.contains("chmod 600") && !refused.contains("0001"), "{refused}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let keys = KeyFile::read(&path).unwrap();
        assert!(!format!("{keys:?}").to_lowercase().contains("000102"));
        assert!(keys.of(&name("ABC1")).is_some());
    }
}
