//! The file with the keys of many meters (`--keys FILE`).
//!
//! ```toml
//! # GRX meter in the cellar
//! ["47525801000003E8"]
//! ek = "000102030405060708090A0B0C0D0E0F"
//! ak = "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"   # not needed for encryption alone
//! suite = 0                                  # the default; suite 2 has keys of 64 digits
//! # For what it sends unasked, where it ciphers with other keys than these or signs:
//! kek = "F0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF"
//! peer-key = "0217E617...6E5794"             # x and y, or PEM, also of a certificate
//! peer-agreement-key = "0217E617...6E5794"
//! ```
//!
//! No message about such a file repeats anything of it but the titles of meters.

use std::{collections::BTreeMap, fs, io, path::Path};

use dlms_core::security::{Key, PublicKey, SecuritySuite, SystemTitle};
use toml::{Table, Value};
use zeroize::Zeroizing;

use crate::settings;

/// The keys of one client at one meter.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) suite: SecuritySuite,
    pub(crate) encryption: Key,
    pub(crate) authentication: Option<Key>,
    /// What `headend decode` and `headend listen` need beyond these.
    pub(crate) party: Box<PartyOfMeter>,
}

/// The key encryption key, and the public keys of the meter.
#[derive(Clone, Debug, Default)]
pub(crate) struct PartyOfMeter {
    pub(crate) key_encryption: Option<Key>,
    pub(crate) signature: Option<PublicKey>,
    pub(crate) agreement: Option<PublicKey>,
}

/// Keys by the system title of the meter.
#[derive(Clone, Debug)]
pub(crate) struct KeysFile(BTreeMap<SystemTitle, Keys>);

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysFileError {
    /// The system refused.
    #[error("cannot be read: {0}")]
    System(#[from] io::Error),
    /// Not TOML.
    #[error(
        "is not TOML from line {0} on: write [\"TITLE\"] and below it ek = \"HEX\" and ak = \"HEX\""
    )]
    Syntax(usize),
    /// The name of a section is not a title.
    #[error("section [\"{0}\"]: not a system title of 16 hexadecimal digits")]
    Title(String),
    /// A member of a section is wrong.
    #[error("section [\"{title}\"]: {what}")]
    Section {
        /// The name of the section.
        title: String,
        /// What is wrong.
        what: &'static str,
    },
}

impl KeysFile {
    /// Reads the file at `path`.
    pub(crate) fn read(path: &Path) -> Result<Self, KeysFileError> {
        Self::parse(&Zeroizing::new(fs::read_to_string(path)?))
    }

    fn parse(text: &str) -> Result<Self, KeysFileError> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            KeysFileError::Syntax(before.matches('\n').count() + 1)
        })?;
        table.into_iter().map(section).collect::<Result<_, _>>().map(Self)
    }

    /// The keys of the meter `title`.
    pub(crate) fn of(&self, title: SystemTitle) -> Option<&Keys> {
        self.0.get(&title)
    }

    /// The keys, if the file has those of one meter only.
    pub(crate) fn only(&self) -> Option<&Keys> {
        let mut all = self.0.values();
        all.next().filter(|_| all.next().is_none())
    }
}

fn section((title, value): (String, Value)) -> Result<(SystemTitle, Keys), KeysFileError> {
    let system_title = title.parse().map_err(|_| KeysFileError::Title(title.clone()))?;
    let keys = keys(value).map_err(|what| KeysFileError::Section { title, what })?;
    Ok((system_title, keys))
}

fn keys(section: Value) -> Result<Keys, &'static str> {
    let Value::Table(mut section) = section else {
        return Err("write ek = \"HEX\" and ak = \"HEX\" below it, each on a line");
    };
    let mut key = |name| match section.remove(name) {
        None => Ok(None),
        Some(Value::String(digits)) => Zeroizing::new(digits)
            .parse()
            .map(Some)
            .map_err(|_| "a key is 32 or 64 hexadecimal digits"),
        Some(_) => Err("a key stands in quotes: ek = \"000102...\""),
    };
    let encryption: Option<Key> = key("ek")?;
    let authentication: Option<Key> = key("ak")?;
    let key_encryption: Option<Key> = key("kek")?;
    let mut public = |name| match section.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => settings::public_key(&text)
            .map(Some)
            .ok_or("a public key is x and y in hexadecimal digits, or PEM"),
        Some(_) => Err("a public key stands in quotes"),
    };
    let (signature, agreement) = (public("peer-key")?, public("peer-agreement-key")?);
    let suite = match section.remove("suite") {
        None => SecuritySuite::Suite0,
        Some(Value::Integer(number)) => suite(number).ok_or("the suite is 0, 1 or 2")?,
        Some(_) => return Err("the suite is a number: suite = 0"),
    };
    if !section.is_empty() {
        return Err(
            "it holds something else than ek, ak, suite, kek, peer-key and peer-agreement-key",
        );
    }
    let encryption = encryption.ok_or("ek = \"HEX\" is missing")?;
    let fits = |key: &Key| key.octets().len() == suite.key_len();
    let others = [&authentication, &key_encryption];
    if !fits(&encryption) || !others.iter().all(|key| key.as_ref().is_none_or(fits)) {
        return Err("a key does not have the length that its suite asks for");
    }
    let party = Box::new(PartyOfMeter { key_encryption, signature, agreement });
    Ok(Keys { suite, encryption, authentication, party })
}

/// The suite with this number.
pub(crate) fn suite(number: impl Into<i64>) -> Option<SecuritySuite> {
    u8::try_from(number.into()).ok().and_then(SecuritySuite::from_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TITLE: SystemTitle = SystemTitle(*b"GRX\x01\0\0\x03\xe8");
    const TWO: &str = r#"
        # the meter in the cellar
        ["47525801000003E8"]
        ek = "000102030405060708090A0B0C0D0E0F"
        ak = "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
        suite = 0
        ["47525801000003E9"]
        ek = "101102030405060708090A0B0C0D0E0F"
    "#;

    #[test]
    fn keys_are_found_by_the_title_of_the_meter() {
        let file = KeysFile::parse(TWO).unwrap();
        let keys = file.of(TITLE).unwrap();
        assert_eq!(keys.encryption.octets()[..3], [0x00, 0x01, 0x02]);
        assert_eq!(keys.authentication.as_ref().unwrap().octets()[..2], [0xd0, 0xd1]);
        assert!(file.of(SystemTitle([0; 8])).is_none());
        assert!(file.only().is_none(), "two meters");
    }

    #[test]
    fn a_file_with_one_meter_needs_no_title() {
        let one = "[47525801000003E8]\nek = \"000102030405060708090A0B0C0D0E0F\"\n";
        let file = KeysFile::parse(one).unwrap();
        assert!(file.only().unwrap().authentication.is_none());
    }

    #[test]
    fn what_a_meter_sends_unasked_may_need_further_keys() {
        const KEY: &str = "000102030405060708090A0B0C0D0E0F";
        const PUBLIC: &str = include_str!("../../tests/keys/p256-11-public.pem");
        const DIGITS: &str = "0217E617F0B6443928278F96999E69A23A4F2C152BDF6D6CDF66E5B80282D4ED\
                              194A7DEBCB97712D2DDA3CA85AA8765A56F45FC758599652F2897C65306E5794";
        let section = format!("[47525801000003E8]\nek = \"{KEY}\"\nkek = \"{KEY}\"\nsuite = 1\n");
        let text = format!(
            "{section}peer-key = \"\"\"{PUBLIC}\"\"\"\npeer-agreement-key = \"{DIGITS}\"\n"
        );
        let file = KeysFile::parse(&text).unwrap();
        let PartyOfMeter { key_encryption, signature, agreement } = &*file.of(TITLE).unwrap().party;
        assert!(key_encryption.is_some() && signature.is_some());
        assert_eq!(signature, agreement);
        for wrong in [KEY, "", "zz"] {
            let message = KeysFile::parse(&format!("{section}peer-key = \"{wrong}\"\n"));
            let message = message.unwrap_err().to_string();
            assert!(message.contains("a public key is x and y"), "{message}");
        }
    }

    #[test]
    fn an_error_says_where_and_never_shows_a_key() {
        const KEY: &str = "000102030405060708090A0B0C0D0E0F";
        let title = "[\"47525801000003E8\"]\n";
        for (text, expected) in [
            (format!("{title}ek = {KEY}\n"), "line 2"),
            (format!("{title}ek = \"{KEY}\n"), "line 2"),
            (format!("{title}ek = \"{KEY}00\"\n"), "32 or 64 hexadecimal digits"),
            (format!("{title}ek = \"{KEY}{KEY}\"\n"), "length"),
            (format!("{title}ak = \"{KEY}\"\n"), "ek = \"HEX\" is missing"),
            (format!("{title}ek = \"{KEY}\"\nsuite = 3\n"), "the suite is 0, 1 or 2"),
            (format!("{title}ek = \"{KEY}\"\nother = \"{KEY}\"\n"), "something else"),
            (format!("ek = \"{KEY}\"\n"), "not a system title"),
        ] {
            let message = KeysFile::parse(&text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
            assert!(!message.contains(&KEY[..8]), "{message}");
        }
    }
}
