//! The firmware of the concentrator itself: which image is genuine, and how it takes the place of
//! the program that runs.
//!
//! An image is a program and, in its last 64 octets, r and s of an ECDSA signature over SHA-256 of
//! the program, on P-256. The standard leaves what an image is to who makes it; this is our own.
//!
//! ```text
//!   image transfer ==> image.verified ==> program.new ==rename==> program ==> restart
//! ```

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;

#[cfg(feature = "ciphering")]
use dlms_core::security::{
    Curve, PrivateKey, PublicKey, PublicKeyProvider as _, RustCrypto, Signature,
};

/// Octets of the signature at the end of an image.
pub const SIGNATURE_LEN: usize = 64;
/// Who may read and start a program that there was not before.
const PROGRAM_MODE: u32 = 0o755;

/// `[firmware]`: that the management client may bring another program, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FirmwareConfig {
    /// The file with the public key of who signs images: 128 hexadecimal digits.
    pub public_key_file: PathBuf,
    /// The program that is replaced. Its folder must be one that the concentrator may write to.
    pub program: PathBuf,
    /// What starts the new program, with its arguments: `["systemctl", "restart", "concentrator"]`.
    /// Default: nothing; the concentrator ends, and who looks after it starts it again.
    #[serde(default)]
    pub activate_command: Vec<String>,
    /// The exit code with which it ends then. Default: 0.
    #[serde(default)]
    pub exit_code: u8,
}

/// Why firmware cannot be taken or made.
#[derive(Debug, thiserror::Error)]
pub enum FirmwareError {
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file is no key.
    #[error("{}: no key on P-256: write {digits} hexadecimal digits", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
        /// How many it should be.
        digits: usize,
    },
    /// The program has no cryptography.
    #[error("[firmware] is configured, and this program was built without ciphering")]
    NoCiphering,
}

/// Says whether an image is genuine.
pub type IsGenuine = std::sync::Arc<dyn Fn(&[u8]) -> bool + Send + Sync>;

impl FirmwareConfig {
    /// Takes relative paths as beside the configuration in `folder`.
    pub(crate) fn beside(&mut self, folder: &Path) {
        for path in [&mut self.public_key_file, &mut self.program] {
            *path = folder.join(&*path);
        }
    }

    /// What says whether an image is genuine.
    ///
    /// # Errors
    /// Every [`FirmwareError`].
    #[cfg(feature = "ciphering")]
    pub fn is_genuine(&self) -> Result<IsGenuine, FirmwareError> {
        let path = &self.public_key_file;
        let key: Option<PublicKey> = read(path)?.trim().parse().ok();
        let key = key.filter(|key| key.curve() == Curve::P256);
        let key = key.ok_or_else(|| FirmwareError::NotAKey { path: path.clone(), digits: 128 })?;
        Ok(std::sync::Arc::new(move |image| {
            let Some((program, signature)) = image.split_last_chunk::<SIGNATURE_LEN>() else {
                return false;
            };
            Signature::try_from(&signature[..]).is_ok_and(|signature| {
                RustCrypto.ecdsa_verify(&key, &[program], &signature).is_ok()
            })
        }))
    }

    /// Nothing does in a program without cryptography.
    ///
    /// # Errors
    /// [`FirmwareError::NoCiphering`].
    #[cfg(not(feature = "ciphering"))]
    pub const fn is_genuine(&self) -> Result<IsGenuine, FirmwareError> {
        Err(FirmwareError::NoCiphering)
    }

    /// Puts the program in the file `image` in the place of the one that runs: at any moment the
    /// one or the other is whole there. The file goes when that is on the disk.
    ///
    /// # Errors
    /// When a file cannot be read or written; then the old program stays.
    pub fn install(&self, image: &Path) -> Result<(), FirmwareError> {
        let failed = |path: &Path, error| FirmwareError::File { path: path.into(), error };
        let mut octets = fs::read(image).map_err(|error| failed(image, error))?;
        octets.truncate(octets.len().saturating_sub(SIGNATURE_LEN));
        let mode = fs::metadata(&self.program).map_or(PROGRAM_MODE, |old| old.permissions().mode());
        replace(&self.program, &octets, mode).map_err(|error| failed(&self.program, error))?;
        fs::remove_file(image).map_err(|error| failed(image, error))
    }

    /// Starts the new program, if that is done by a command. False: the concentrator is to end.
    ///
    /// # Errors
    /// When the command cannot be run, or fails.
    pub fn restart(&self) -> Result<bool, FirmwareError> {
        let [command, arguments @ ..] = &self.activate_command[..] else { return Ok(false) };
        let failed = |error| FirmwareError::File { path: command.into(), error };
        let status = Command::new(command).args(arguments).status().map_err(failed)?;
        if status.success() {
            return Ok(true);
        }
        Err(failed(io::Error::other(status.to_string())))
    }
}

/// Writes a file so that after a power cut either the old content is there or the new one.
///
/// # Errors
/// What the system says.
pub(crate) fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    fs::write(&new, content)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(mode))?;
    fs::File::open(&new)?.sync_all()?;
    fs::rename(&new, path)?;
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => fs::File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(feature = "ciphering")]
fn read(path: &Path) -> Result<zeroize::Zeroizing<String>, FirmwareError> {
    let read = fs::read_to_string(path).map(zeroize::Zeroizing::new);
    read.map_err(|error| FirmwareError::File { path: path.into(), error })
}

/// Makes an image of a program: signs it with the private key in a file, 64 hexadecimal digits.
/// Returns the image, and the public key by which it is known to be genuine.
///
/// # Errors
/// Every [`FirmwareError`].
#[cfg(feature = "ciphering")]
pub fn sign(program: &Path, key_file: &Path) -> Result<(Vec<u8>, PublicKey), FirmwareError> {
    let not_a_key = || FirmwareError::NotAKey { path: key_file.into(), digits: 64 };
    let key: Option<PrivateKey> = read(key_file)?.trim().parse().ok();
    let key = key.filter(|key| key.curve() == Curve::P256).ok_or_else(not_a_key)?;
    let image = fs::read(program);
    let mut image = image.map_err(|error| FirmwareError::File { path: program.into(), error })?;
    let signature = RustCrypto.ecdsa_sign(&key, &[&image]).map_err(|_| not_a_key())?;
    image.extend(signature.octets());
    Ok((image, RustCrypto.public_key(&key).map_err(|_| not_a_key())?))
}

#[cfg(test)]
#[cfg(feature = "ciphering")]
mod tests {
    use super::*;
    use crate::state::Scratch;

    struct Bench {
        folder: Scratch,
        config: FirmwareConfig,
    }

    impl Bench {
        fn new() -> Self {
            let folder = Scratch::new();
            fs::create_dir_all(folder.path()).unwrap();
            let config = FirmwareConfig {
                public_key_file: "firmware.pub".into(),
                program: "program".into(),
                activate_command: Vec::new(),
                exit_code: 0,
            };
            let mut bench = Self { folder, config };
            bench.config.beside(bench.folder.path());
            fs::write(bench.file("firmware.key"), "11".repeat(32)).unwrap();
            fs::write(bench.file("other.key"), "12".repeat(32)).unwrap();
            fs::write(bench.file("new"), b"the new program").unwrap();
            bench
        }

        fn file(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }
    }

    #[test]
    fn an_image_is_genuine_if_its_signature_is_by_the_key_that_is_configured() {
        let bench = Bench::new();
        let (image, public) = sign(&bench.file("new"), &bench.file("firmware.key")).unwrap();
        fs::write(&bench.config.public_key_file, format!("{public}\n")).unwrap();
        let is_genuine = bench.config.is_genuine().unwrap();
        assert!(is_genuine(&image));
        let (other, _) = sign(&bench.file("new"), &bench.file("other.key")).unwrap();
        assert!(!is_genuine(&other));
        for index in 0..image.len() {
            let mut altered = image.clone();
            altered[index] ^= 1;
            assert!(!is_genuine(&altered), "{index}");
        }
        assert!(!is_genuine(&image[1..]) && !is_genuine(&image[..60]) && !is_genuine(&[]));
    }

    #[test]
    fn the_program_is_replaced_as_a_whole_and_keeps_who_may_start_it() {
        let bench = Bench::new();
        let program = &bench.config.program;
        fs::write(program, b"the old program").unwrap();
        fs::set_permissions(program, fs::Permissions::from_mode(0o750)).unwrap();
        let (image, _) = sign(&bench.file("new"), &bench.file("firmware.key")).unwrap();
        let file = bench.file("image.verified");
        fs::write(&file, image).unwrap();
        bench.config.install(&file).unwrap();
        assert_eq!(fs::read(program).unwrap(), b"the new program");
        assert_eq!(fs::metadata(program).unwrap().permissions().mode() & 0o777, 0o750);
        assert!(!file.exists() && !bench.file("program.new").exists());
        // There is nothing to be installed any more.
        assert!(bench.config.install(&file).unwrap_err().to_string().contains("image.verified"));
        assert_eq!(fs::read(program).unwrap(), b"the new program");
    }

    #[test]
    fn what_starts_it_is_a_command_or_who_looks_after_it() {
        let bench = Bench::new();
        let by = |command: &[&str]| {
            let activate_command = command.iter().map(ToString::to_string).collect();
            FirmwareConfig { activate_command, ..bench.config.clone() }.restart()
        };
        assert!(!by(&[]).unwrap());
        assert!(by(&["true", "and more"]).unwrap());
        assert!(by(&["false"]).unwrap_err().to_string().contains("false: exit status: 1"));
        assert!(by(&["/no/such/command"]).is_err());
    }

    #[test]
    fn no_octet_of_a_key_is_in_a_message() {
        let bench = Bench::new();
        fs::write(bench.file("firmware.key"), "11".repeat(16)).unwrap();
        let error = sign(&bench.file("new"), &bench.file("firmware.key")).unwrap_err().to_string();
        assert!(error.ends_with("firmware.key: no key on P-256: write 64 hexadecimal digits"));
        fs::write(&bench.config.public_key_file, "04").unwrap();
        let Err(error) = bench.config.is_genuine() else { panic!("a key") };
        assert!(error.to_string().contains("write 128 hexadecimal digits"), "{error}");
    }
}
