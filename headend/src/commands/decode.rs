//! `headend decode`: what captured octets hold, layer by layer.

use std::{
    env, fs,
    io::{self, BufRead, Read, Write},
    path::{Path, PathBuf},
};

use dlms_core::push::Patterns;
use dlms_xml::Style;

use super::usage;
use crate::{
    cli::{self, DecodeOutput},
    decode::{
        Fault, capture, keyring::KeyRing, patterns_file, record::Record, transport::Framing,
        tree::Tree, xml::Xml,
    },
    exit::Exit,
    keys_file::KeysFile,
    report,
    settings::{self, SettingsError},
};

/// The most that is read of a capture without record structure, in octets. Records are read one at
/// a time, however many there are.
const CAPTURE_LEN_MAX: u64 = 1 << 30;

/// Why keys or patterns cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AidsError {
    /// A key.
    #[error("{0} is not a key of 32 or 64 hexadecimal digits")]
    Key(&'static str),
    /// A keys file.
    #[error("--keys {path}: the file {cause}")]
    KeysFile { path: PathBuf, cause: crate::keys_file::KeysFileError },
    /// A key beyond the global ones.
    #[error(transparent)]
    Party(#[from] SettingsError),
    /// A patterns file.
    #[error("--patterns {path}: the file {cause}")]
    PatternsFile { path: PathBuf, cause: patterns_file::PatternsFileError },
}

/// The keys and patterns that were typed.
pub(super) fn aids(typed: &cli::Aids) -> Result<(KeyRing, Patterns), AidsError> {
    let key = |hidden: &Option<cli::Hidden>, name| match hidden {
        None => Ok(None),
        Some(hidden) => hidden.0.trim().parse().map(Some).map_err(|_| AidsError::Key(name)),
    };
    let file = match &typed.keys {
        None => None,
        Some(path) => Some(
            KeysFile::read(path)
                .map_err(|cause| AidsError::KeysFile { path: path.clone(), cause })?,
        ),
    };
    let mut keys = KeyRing {
        file,
        encryption: key(&typed.ek, "--ek")?,
        authentication: key(&typed.ak, "--ak")?,
        title: typed.system_title,
        ..KeyRing::default()
    };
    settings::reader_keys(&mut keys, &typed.party, |variable| env::var(variable).ok())?;
    let patterns = patterns_file::read(typed.patterns.as_deref()).map_err(|cause| {
        AidsError::PatternsFile { path: typed.patterns.clone().unwrap_or_default(), cause }
    })?;
    Ok((keys, patterns))
}

#[expect(clippy::unused_async, reason = "every verb is awaited")]
pub(super) async fn run(typed: cli::Decode) -> io::Result<Exit> {
    let (keys, patterns) = match aids(&typed.aids) {
        Ok(aids) => aids,
        Err(error) => return Ok(usage(&error)),
    };
    if typed.output == DecodeOutput::Jsonl {
        match records(&typed.input) {
            Ok(Some(lines)) => return decode_records(lines, &keys, &patterns),
            Ok(None) => {}
            Err(error) => return Ok(usage(&format!("{}: {error}", typed.input))),
        }
    }
    let octets = match octets(&typed.input) {
        Ok(octets) => octets,
        Err(message) => return Ok(usage(&message)),
    };
    let framing = typed.framing.framing().unwrap_or_else(|| Framing::guess(&octets));
    let mut out = io::stdout().lock();
    if typed.output == DecodeOutput::Jsonl {
        let record = Record::new(&octets, framing, &keys, &patterns);
        serde_json::to_writer(&mut out, &record)?;
        out.write_all(b"\n")?;
        out.flush()?;
        return Ok(end(record.fault(), record.forged(), record.apdus()));
    }
    let style = match typed.output {
        DecodeOutput::Xml => Some(Style::Short),
        DecodeOutput::XmlAsn1 => Some(Style::Asn1),
        DecodeOutput::Tree | DecodeOutput::Jsonl => None,
    };
    let (text, fault, forged, apdus) = if let Some(style) = style {
        let xml = Xml::new(&octets, framing, &keys, style);
        (xml.text(), xml.fault, xml.forged, xml.apdus)
    } else {
        let tree = Tree::new(&octets, framing, &keys, &patterns);
        (tree.text().to_owned(), tree.fault, tree.forged, tree.apdus)
    };
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(end(fault.as_ref(), forged, apdus))
}

/// How the process ends after `apdus` APDUs and the first `fault`, which is told.
fn end(fault: Option<&Fault>, forged: bool, apdus: usize) -> Exit {
    match fault {
        _ if forged => Exit::Security,
        None => Exit::Success,
        Some(fault) => {
            report::note(&format!(
                "error: {} at octet {}: {}",
                fault.code, fault.offset, fault.text
            ));
            if apdus > 0 { Exit::Partial } else { Exit::Unreachable }
        }
    }
}

/// The lines of a file or of standard input, if they are records.
fn records(input: &str) -> io::Result<Option<Box<dyn BufRead>>> {
    let mut lines: Box<dyn BufRead> = match input {
        "-" => Box::new(io::BufReader::new(io::stdin())),
        path if Path::new(path).is_file() => Box::new(io::BufReader::new(fs::File::open(path)?)),
        _ => return Ok(None),
    };
    let is_record = lines.fill_buf()?.iter().find(|octet| !octet.is_ascii_whitespace());
    // What was read from standard input is gone: it is read as records whatever it is.
    Ok((input == "-" || is_record == Some(&b'{')).then_some(lines))
}

fn decode_records(
    lines: Box<dyn BufRead>,
    keys: &KeyRing,
    patterns: &Patterns,
) -> io::Result<Exit> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in lines.split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        if line.trim().is_empty() {
            continue;
        }
        serde_json::to_writer(&mut out, &Record::of_line(&line, keys, patterns))?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(Exit::Success)
}

/// The octets that were typed, or those of a file: written down in hexadecimal, or as they are.
fn octets(input: &str) -> Result<Vec<u8>, String> {
    let cannot = |error: io::Error| format!("{input}: {error}");
    let mut content = Vec::new();
    match input {
        "-" => io::stdin().take(CAPTURE_LEN_MAX).read_to_end(&mut content).map_err(cannot)?,
        path if Path::new(path).is_file() => {
            let file = fs::File::open(path).map_err(cannot)?;
            file.take(CAPTURE_LEN_MAX).read_to_end(&mut content).map_err(cannot)?
        }
        typed => {
            return capture::parse(typed)
                .map_err(|error| format!("neither a file nor octets in hexadecimal: {error}"));
        }
    };
    match core::str::from_utf8(&content) {
        Ok(text) if text.is_ascii() && !text.contains('\0') => {
            capture::parse(text).map_err(|error| format!("{input}: {error}"))
        }
        _ => Ok(content),
    }
}
