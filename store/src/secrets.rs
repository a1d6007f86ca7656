//! Keys and passwords, encrypted: who has the file has none of them.
//!
//! ```text
//!    key of the house (KEK)   in a file of its own, or a token
//!         │ wraps
//!    data key                 random, one in use, in the database
//!         │ seals             AES-256-GCM, bound to owner, kind and version
//!    secret                   a meter's key, a password
//! ```
//!
//! When the key of the house is replaced, the data keys are wrapped anew and no secret is touched.
//! A secret has versions: a new one is [`SecretState::New`] until the meter has shown that it has
//! it, and until then nobody may throw the old one away.

use core::fmt;
use std::{io, path::Path, sync::Arc};

use aes_gcm::{
    Aes256Gcm, Nonce,
    aead::{Aead, KeyInit, Payload},
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use zeroize::Zeroizing;

use crate::{error::StoreError, file::Store};

/// Octets of the nonce in front of what is sealed.
const NONCE: usize = 12;
/// Octets of a data key and of the key of the house.
const KEY: usize = 32;

/// Why a secret cannot be sealed or opened.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SecretError {
    /// The key of the house is another one, or what was stored was altered.
    #[error(
        "{0} cannot be opened: it was sealed under another key, or altered; is this the key file \
         of this database?"
    )]
    Opening(&'static str),
    /// The file of the key of the house cannot be used.
    #[error("{path}: {cause}")]
    KeyFile {
        /// The file.
        path: String,
        /// Why not.
        cause: String,
    },
    /// The system gives no random octets.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
}

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretKind {
    /// Global unicast encryption key.
    Guek,
    /// Global broadcast encryption key.
    Gbek,
    /// Authentication key.
    Gak,
    /// Master key, under which others are transferred.
    Kek,
    /// Password or shared secret of LLS or HLS.
    Secret,
    /// Private key for signatures, as PKCS #8.
    SigningKey,
    /// Private key for key agreement, as PKCS #8.
    AgreementKey,
}

impl SecretKind {
    fn name(self) -> &'static str {
        match self {
            Self::Guek => "guek",
            Self::Gbek => "gbek",
            Self::Gak => "gak",
            Self::Kek => "kek",
            Self::Secret => "secret",
            Self::SigningKey => "signing-key",
            Self::AgreementKey => "agreement-key",
        }
    }
}

/// Where a version of a secret is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SecretState {
    /// Perhaps the meter has it, perhaps not yet.
    New = 0,
    /// The meter has it.
    Active = 1,
    /// It was replaced.
    Retired = 2,
}

/// A version of a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its number: the higher, the newer.
    pub version: u32,
    /// Where it is in its life.
    pub state: SecretState,
    /// The secret itself.
    pub octets: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("version", &self.version)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// The key of the house, wherever it is kept.
pub trait HouseKey: Send + Sync {
    /// Which one it is; stored beside what it wraps.
    fn name(&self) -> &str;

    /// Wraps a data key.
    ///
    /// # Errors
    /// If it cannot.
    fn wrap(&self, data_key: &[u8; KEY]) -> Result<Vec<u8>, SecretError>;

    /// Opens what [`Self::wrap`] made.
    ///
    /// # Errors
    /// [`SecretError::Opening`] if this is another key.
    fn unwrap(&self, wrapped: &[u8]) -> Result<Zeroizing<[u8; KEY]>, SecretError>;
}

/// A key of the house in a file: 32 octets, readable by its owner only.
pub struct KeyFile {
    name: String,
    key: Zeroizing<[u8; KEY]>,
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile").field("name", &self.name).finish_non_exhaustive()
    }
}

impl KeyFile {
    /// Makes a new key in a new file.
    ///
    /// # Errors
    /// If there is such a file already, or the system refuses.
    pub fn create(path: &Path) -> Result<Self, SecretError> {
        use std::io::Write as _;

        let key = random::<KEY>()?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(path).and_then(|mut file| {
            file.write_all(&*key)?;
            file.sync_all()
        });
        written.map_err(|error| key_file(path, &error))?;
        Ok(Self::from_octets(key))
    }

    /// Reads the key.
    ///
    /// # Errors
    /// If the file has not 32 octets, or others than its owner may read it.
    pub fn read(path: &Path) -> Result<Self, SecretError> {
        let refuse = |cause: &str| key_file(path, &io::Error::other(cause.to_owned()));
        let octets = Zeroizing::new(std::fs::read(path).map_err(|error| key_file(path, &error))?);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let about = std::fs::metadata(path).map_err(|error| key_file(path, &error))?;
            if about.permissions().mode() & 0o077 != 0 {
                return Err(refuse("others than its owner may read it; try: chmod 600"));
            }
        }
        let key = <[u8; KEY]>::try_from(octets.as_slice())
            .map_err(|_| refuse("this is not a key file: it has not 32 octets"))?;
        Ok(Self::from_octets(Zeroizing::new(key)))
    }

    fn from_octets(key: Zeroizing<[u8; KEY]>) -> Self {
        let fingerprint = crate::counters::KeyFingerprint::of(&*key);
        Self { name: format!("file {fingerprint}"), key }
    }
}

impl HouseKey for KeyFile {
    fn name(&self) -> &str {
        &self.name
    }

    fn wrap(&self, data_key: &[u8; KEY]) -> Result<Vec<u8>, SecretError> {
        seal(&self.key, b"data key", data_key)
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<Zeroizing<[u8; KEY]>, SecretError> {
        let opening = SecretError::Opening("a data key");
        let octets = open(&self.key, b"data key", wrapped).ok_or_else(|| opening.clone())?;
        <[u8; KEY]>::try_from(octets.as_slice()).map(Zeroizing::new).map_err(|_| opening)
    }
}

/// The secrets of a store, open: the store and the key of the house.
#[derive(Clone)]
pub struct Vault {
    store: Store,
    house: Arc<dyn HouseKey>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("house", &self.house.name()).finish_non_exhaustive()
    }
}

impl Vault {
    /// The secrets in `store` under this key of the house. A store without a data key gets one.
    ///
    /// # Errors
    /// [`SecretError::Opening`] if the secrets are under another key.
    pub async fn open(store: Store, house: Arc<dyn HouseKey>) -> Result<Self, StoreError> {
        let of_write = Arc::clone(&house);
        store
            .write(move |file| {
                let newest = newest_data_key(file)?;
                if let Some((_, wrapped)) = newest {
                    of_write.unwrap(&wrapped)?;
                    return Ok(());
                }
                let wrapped = of_write.wrap(&*random::<KEY>()?)?;
                file.execute(
                    "INSERT INTO data_key (wrapped_by, wrapped) VALUES (?, ?)",
                    params![of_write.name(), wrapped],
                )?;
                Ok(())
            })
            .await?;
        Ok(Self { store, house })
    }

    /// Adds a version of a secret of `owner`, the name of a meter or of a part of the program.
    /// Gives back its number.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub async fn put(
        &self,
        owner: &str,
        kind: SecretKind,
        octets: Zeroizing<Vec<u8>>,
        state: SecretState,
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        let (owner, house) = (owner.to_owned(), Arc::clone(&self.house));
        self.store
            .write(move |file| {
                let (id, wrapped) =
                    newest_data_key(file)?.ok_or(SecretError::Opening("a data key"))?;
                let key = house.unwrap(&wrapped)?;
                let version: u32 = file
                    .prepare_cached(
                        "SELECT coalesce(max(version), 0) + 1 FROM secret \
                         WHERE (owner, kind) = (?, ?)",
                    )?
                    .query_row(params![owner, kind.name()], |row| row.get(0))?;
                let sealed = seal(&key, &binding(&owner, kind, version), &octets)?;
                file.prepare_cached(
                    "INSERT INTO secret (owner, kind, version, state, data_key, sealed, changed) \
                     VALUES (?, ?, ?, ?, ?, ?, ?)",
                )?
                .execute(params![
                    owner,
                    kind.name(),
                    version,
                    state as u8,
                    id,
                    sealed,
                    now.as_millisecond(),
                ])?;
                if state == SecretState::Active {
                    retire_others(file, &owner, kind, version, now)?;
                }
                Ok(version)
            })
            .await
    }

    /// The versions of a secret that may be in use: the active one first, then new ones.
    ///
    /// # Errors
    /// [`SecretError::Opening`] if one was altered.
    pub async fn current(&self, owner: &str, kind: SecretKind) -> Result<Vec<Secret>, StoreError> {
        let (owner, house) = (owner.to_owned(), Arc::clone(&self.house));
        self.store
            .read(move |file| {
                let mut statement = file.prepare_cached(
                    "SELECT version, state, sealed, wrapped FROM secret \
                     JOIN data_key ON id = data_key \
                     WHERE (owner, kind) = (?, ?) AND state IN (0, 1) ORDER BY state DESC, version",
                )?;
                let mut rows = statement.query(params![owner, kind.name()])?;
                let mut found = Vec::new();
                while let Some(row) = rows.next()? {
                    let version = row.get(0)?;
                    let state = match row.get(1)? {
                        0_u8 => SecretState::New,
                        _ => SecretState::Active,
                    };
                    let (sealed, wrapped) = (row.get::<_, Vec<u8>>(2)?, row.get::<_, Vec<u8>>(3)?);
                    let key = house.unwrap(&wrapped)?;
                    let octets = open(&key, &binding(&owner, kind, version), &sealed)
                        .ok_or(SecretError::Opening("a secret"))?;
                    found.push(Secret { version, state, octets });
                }
                Ok(found)
            })
            .await
    }

    /// The meter has shown that it has this version: it is the active one, and all others of it
    /// are retired, new ones too.
    ///
    /// # Errors
    /// [`StoreError::Unknown`] if there is no such version.
    pub async fn activate(
        &self,
        owner: &str,
        kind: SecretKind,
        version: u32,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let owner = owner.to_owned();
        self.store
            .write(move |file| {
                let changed = file
                    .prepare_cached(
                        "UPDATE secret SET state = 1, changed = ? \
                         WHERE (owner, kind, version) = (?, ?, ?)",
                    )?
                    .execute(params![now.as_millisecond(), owner, kind.name(), version])?;
                if changed == 0 {
                    let name = format!("{} {version} of {owner}", kind.name());
                    return Err(StoreError::Unknown { what: "secret", name });
                }
                retire_others(file, &owner, kind, version, now)
            })
            .await
    }

    /// Wraps every data key under another key of the house. Afterwards only that one opens them.
    ///
    /// # Errors
    /// If one cannot be opened or wrapped; then all are as they were.
    pub async fn change_house_key(self, house: Arc<dyn HouseKey>) -> Result<Self, StoreError> {
        let (old, new) = (Arc::clone(&self.house), Arc::clone(&house));
        self.store
            .write(move |file| {
                let keys = file
                    .prepare_cached("SELECT id, wrapped FROM data_key")?
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect::<Result<Vec<(i64, Vec<u8>)>, _>>()?;
                for (id, wrapped) in keys {
                    let wrapped = new.wrap(&*old.unwrap(&wrapped)?)?;
                    file.prepare_cached(
                        "UPDATE data_key SET wrapped_by = ?, wrapped = ? WHERE id = ?",
                    )?
                    .execute(params![new.name(), wrapped, id])?;
                }
                Ok(())
            })
            .await?;
        Ok(Self { store: self.store, house })
    }
}

fn newest_data_key(file: &Connection) -> rusqlite::Result<Option<(i64, Vec<u8>)>> {
    file.prepare_cached("SELECT id, wrapped FROM data_key ORDER BY id DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

fn retire_others(
    file: &Connection,
    owner: &str,
    kind: SecretKind,
    version: u32,
    now: Timestamp,
) -> Result<(), StoreError> {
    file.prepare_cached(
        "UPDATE secret SET state = 2, changed = ? \
         WHERE (owner, kind) = (?, ?) AND version != ? AND state != 2",
    )?
    .execute(params![now.as_millisecond(), owner, kind.name(), version])?;
    Ok(())
}

/// What a sealed secret is bound to: moved to another place in the file, it does not open.
fn binding(owner: &str, kind: SecretKind, version: u32) -> Vec<u8> {
    let mut binding = Vec::new();
    for part in [owner.as_bytes(), kind.name().as_bytes()] {
        binding.extend((part.len() as u64).to_be_bytes());
        binding.extend(part);
    }
    binding.extend(version.to_be_bytes());
    binding
}

/// A random nonce, and what AES-256-GCM makes of `octets`. A data key seals as many secrets as
/// there are meters, a few times over: far fewer than the 2^32 that random nonces are good for.
fn seal(key: &[u8; KEY], bound_to: &[u8], octets: &[u8]) -> Result<Vec<u8>, SecretError> {
    let nonce = random::<NONCE>()?;
    let payload = Payload { msg: octets, aad: bound_to };
    let sealed = Aes256Gcm::new(key.into())
        .encrypt(&Nonce::from(*nonce), payload)
        .map_err(|_| SecretError::Opening("a secret"))?;
    Ok([&nonce[..], &sealed].concat())
}

fn open(key: &[u8; KEY], bound_to: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
    let payload = Payload { msg: sealed, aad: bound_to };
    Aes256Gcm::new(key.into()).decrypt(&Nonce::from(*nonce), payload).ok().map(Zeroizing::new)
}

fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, SecretError> {
    let mut octets = Zeroizing::new([0; N]);
    getrandom::fill(&mut *octets).map_err(|error| SecretError::Random(error.to_string()))?;
    Ok(octets)
}

fn key_file(path: &Path, error: &io::Error) -> SecretError {
    SecretError::KeyFile { path: path.display().to_string(), cause: error.to_string() }
}
