//! What clients prove themselves to the concentrator with, and where it is configured.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use dlms_core::security::{Key, Secret, SystemTitle};
use serde::{Deserialize, Deserializer, de::Error as _};
use zeroize::Zeroizing;

/// `[management]`: the concentrator's own logical device. Secrets are in files, which are named
/// here; a relative path is beside the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ManagementConfig {
    /// The system title: 16 hexadecimal digits. Needed with keys.
    #[serde(deserialize_with = "title")]
    pub system_title: Option<SystemTitle>,
    /// The file with the global unicast encryption key: 32 hexadecimal digits. With it and the next
    /// one, the management client proves itself by HLS GMAC. Default: none.
    pub encryption_key_file: Option<PathBuf>,
    /// The file with the global authentication key.
    pub authentication_key_file: Option<PathBuf>,
    /// The file with a password, by which the management client proves itself as well. It goes over
    /// the line as it is: for a line that is protected otherwise. Default: none.
    pub password_file: Option<PathBuf>,
    /// The file with the password of the reading client (2), which reads everything and changes
    /// nothing. It goes over the line as it is, too. Default: none, and there is no such client.
    pub reading_password_file: Option<PathBuf>,
    /// Whether the public client may read which meters there are. Default: false.
    pub public_sap_list: bool,
}

/// The keys of the concentrator itself.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Its system title.
    pub title: SystemTitle,
    /// The global unicast encryption key.
    pub encryption: Key,
    /// The global authentication key.
    pub authentication: Key,
}

/// What clients prove themselves with, and what they then may do.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// The keys that the management client shares with the concentrator.
    pub keys: Option<Keys>,
    /// The password of the management client.
    pub password: Option<Secret>,
    /// The password of the reading client.
    pub reading_password: Option<Secret>,
    /// Whether the public client may read which meters there are.
    pub public_sap_list: bool,
}

/// Why the management device cannot be set up. No octet of a secret is in it.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// A file cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file is no key.
    #[error("{}: no key of security suite 0: write 32 hexadecimal digits", .0.display())]
    NotAKey(PathBuf),
    /// A file has no password.
    #[error("{}: no password is in it", .0.display())]
    NoPassword(PathBuf),
    /// One of three is missing.
    #[error(
        "[management] has system-title, encryption-key-file and authentication-key-file together \
         or none of them"
    )]
    Incomplete,
    /// The program has no ciphering.
    #[error(
        "[management] names keys, and this program was built without ciphering: use password-file"
    )]
    NoCiphering,
}

impl ManagementConfig {
    /// Takes relative paths as beside `folder`.
    pub(crate) fn resolve(&mut self, folder: &Path) {
        let files = [
            &mut self.encryption_key_file,
            &mut self.authentication_key_file,
            &mut self.password_file,
            &mut self.reading_password_file,
        ];
        for file in files.into_iter().flatten() {
            *file = folder.join(&file);
        }
    }

    /// Reads the files that are named.
    ///
    /// # Errors
    /// Every [`CredentialsError`].
    pub fn credentials(&self) -> Result<Credentials, CredentialsError> {
        let keys =
            match (self.system_title, &self.encryption_key_file, &self.authentication_key_file) {
                (None, None, None) => None,
                (Some(_), Some(_), Some(_)) if !cfg!(feature = "ciphering") => {
                    return Err(CredentialsError::NoCiphering);
                }
                (Some(title), Some(encryption), Some(authentication)) => Some(Keys {
                    title,
                    encryption: key(encryption)?,
                    authentication: key(authentication)?,
                }),
                _ => return Err(CredentialsError::Incomplete),
            };
        let password = self.password_file.as_deref().map(password).transpose()?;
        let reading_password =
            self.reading_password_file.as_deref().map(self::password).transpose()?;
        let public_sap_list = self.public_sap_list;
        Ok(Credentials { keys, password, reading_password, public_sap_list })
    }
}

fn read(path: &Path) -> Result<Zeroizing<String>, CredentialsError> {
    let unreadable = |error| CredentialsError::Unreadable { path: path.into(), error };
    fs::read_to_string(path).map(Zeroizing::new).map_err(unreadable)
}

fn key(path: &Path) -> Result<Key, CredentialsError> {
    let text = read(path)?;
    let key: Option<Key> = text.trim().parse().ok();
    key.filter(|key| key.octets().len() == 16).ok_or_else(|| CredentialsError::NotAKey(path.into()))
}

/// The first line of a file.
fn password(path: &Path) -> Result<Secret, CredentialsError> {
    let text = read(path)?;
    match text.lines().next() {
        Some(password) if !password.is_empty() => Ok(Secret::from(password)),
        _ => Err(CredentialsError::NoPassword(path.into())),
    }
}

fn title<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SystemTitle>, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(feature = "ciphering")]
    use crate::state::Scratch;

    #[cfg(not(feature = "ciphering"))]
    #[test]
    fn keys_are_refused_where_there_is_no_ciphering() {
        let file = Some(PathBuf::from("key"));
        let config = ManagementConfig {
            system_title: "4448450000000001".parse().ok(),
            encryption_key_file: file.clone(),
            authentication_key_file: file,
            ..ManagementConfig::default()
        };
        assert!(matches!(config.credentials(), Err(CredentialsError::NoCiphering)));
    }

    #[cfg(feature = "ciphering")]
    #[test]
    fn secrets_are_read_from_files_and_no_message_shows_them() {
        let folder = Scratch::new();
        fs::create_dir_all(folder.path()).unwrap();
        let file = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).unwrap();
            Some(PathBuf::from(name))
        };
        let mut config = ManagementConfig {
            system_title: "4448450000000001".parse().ok(),
            encryption_key_file: file("ek", "000102030405060708090A0B0C0D0E0F\n"),
            authentication_key_file: file("ak", "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"),
            password_file: file("password", "hunter22\n"),
            reading_password_file: file("reading", "hunter33\n"),
            public_sap_list: true,
        };
        config.resolve(folder.path());
        let credentials = config.credentials().unwrap();
        let keys = credentials.keys.as_ref().unwrap();
        assert_eq!(keys.encryption, "000102030405060708090A0B0C0D0E0F".parse().unwrap());
        assert_eq!(credentials.password, Some(Secret::from("hunter22")));
        assert_eq!(credentials.reading_password, Some(Secret::from("hunter33")));
        let shown = format!("{credentials:?}").to_lowercase();
        assert!(!shown.contains("hunter") && !shown.contains("0001020304"), "{shown}");

        file("ek", "0001020304050607");
        let refused = config.credentials().unwrap_err().to_string();
        assert!(refused.contains("32 hexadecimal digits") && !refused.contains("000102"));
        config.authentication_key_file = None;
        assert!(matches!(config.credentials(), Err(CredentialsError::Incomplete)));
    }
}
