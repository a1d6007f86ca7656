//! Files that are what they were or what they are to be, whatever happens to the machine meanwhile.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Replaces the content of `path`: written beside it, synced, renamed over it, the folder synced.
///
/// # Errors
/// The system refused; the file is as it was.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let new_path = beside(path, ".new");
    let mut file: File = private().create(true).truncate(true).write(true).open(&new_path)?;
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&new_path, path)?;
    sync_folder(path)
}

/// Sees to it that a file which was made, or renamed, is in its folder after a power cut.
///
/// # Errors
/// The system refused.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder(path)).and_then(|folder| folder.sync_all())?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// The folder of a file.
pub(crate) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// A file that only its owner reads: the titles and addresses of meters are nobody else's business.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The file that stands beside `path` under its name and `suffix`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
