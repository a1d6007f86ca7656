//! What goes over a line, for the person standing in front of the meter.
//!
//! One line of text a happening, the layer first: `PHYS TX 7E A0 07 03 21 93 0F 01 7E`,
//! `LINK TX 16 > 1 SNRM P`, `APDU RX get-response-normal C4 01 ...`. A [`Trace`] is a cheap handle
//! that every layer of a conversation holds a clone of; turning the level changes all of them at
//! once, in the middle of a conversation.
//!
//! Registered secrets ([`Trace::hide`]) never show in a dump. The client registers the passwords
//! and keys that it is told to write into a meter; keys that it uses itself never travel in clear.

mod frame;
mod level;
mod mask;

use core::{
    fmt::{self, Debug, Display, Formatter},
    sync::atomic::{AtomicU8, Ordering},
};
use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use dlms_core::xdlms::tag;

use mask::Secrets;

pub(crate) use frame::ShownFrame;
pub use level::{DecodeLevel, DecodeLevelError};
pub(crate) use mask::CheckMask;

/// A clonable handle that shows what goes over a line.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use dlms_tokio::{DecodeLevel, Direction, Trace};
///
/// let shown = Arc::new(Mutex::new(Vec::new()));
/// let sink = shown.clone();
/// let trace = Trace::new(DecodeLevel::Off, Arc::new(move |line: &str| {
///     sink.lock().unwrap().push(line.to_owned());
/// }));
/// trace.hide(b"12345678");
///
/// trace.phys(Direction::Tx, &[b"\x00\x01"]);
/// trace.set_level(DecodeLevel::Phys);
/// trace.phys(Direction::Tx, &[b"\x80\x0812345678"]);
///
/// assert_eq!(*shown.lock().unwrap(), ["PHYS TX 80 08 ** ** ** ** ** ** ** **"]);
/// ```
#[derive(Clone)]
pub struct Trace {
    shared: Arc<Shared>,
}

struct Shared {
    /// A [`DecodeLevel`] as its place in [`DecodeLevel::ALL`].
    level: AtomicU8,
    secrets: Mutex<Secrets>,
    sink: Arc<dyn Fn(&str) + Send + Sync>,
}

/// Which way octets went, seen from this end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Sent by us.
    Tx,
    /// Received by us.
    Rx,
}

impl Display for Direction {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tx => "TX",
            Self::Rx => "RX",
        })
    }
}

impl Trace {
    /// A trace that hands each line to `sink`, which must not block for long: it is called by the
    /// task that owns the line.
    #[must_use]
    pub fn new(level: DecodeLevel, sink: Arc<dyn Fn(&str) + Send + Sync>) -> Self {
        let shared = Shared {
            level: AtomicU8::new(level as u8),
            secrets: Mutex::new(Secrets::default()),
            sink,
        };
        Self { shared: Arc::new(shared) }
    }

    /// A trace that writes to standard error. That it is closed is nobody's loss.
    #[must_use]
    pub fn stderr(level: DecodeLevel) -> Self {
        Self::new(level, Arc::new(|line| drop(writeln!(io::stderr().lock(), "{line}"))))
    }

    /// A trace that writes `tracing` events of level DEBUG with target `dlms_tokio::trace`.
    #[must_use]
    pub fn tracing(level: DecodeLevel) -> Self {
        Self::new(level, Arc::new(|line| tracing::debug!(target: "dlms_tokio::trace", "{line}")))
    }

    /// A trace that shows nothing until its level is set; then it writes to standard error.
    #[must_use]
    pub fn off() -> Self {
        Self::stderr(DecodeLevel::Off)
    }

    /// The level of this trace and of all its clones.
    #[must_use]
    pub fn level(&self) -> DecodeLevel {
        let place = self.shared.level.load(Ordering::Relaxed);
        DecodeLevel::ALL.get(usize::from(place)).copied().unwrap_or_default()
    }

    /// Sets the level of this trace and of all its clones.
    pub fn set_level(&self, level: DecodeLevel) {
        self.shared.level.store(level as u8, Ordering::Relaxed);
    }

    /// Whether lines of `level` are shown now.
    #[must_use]
    pub fn shows(&self, level: DecodeLevel) -> bool {
        level <= self.level()
    }

    /// Registers octets that no dump of this trace or its clones may show, such as a password.
    ///
    /// A run of three octets or more of a secret is masked wherever it stands, a shorter one where
    /// a dump begins or ends, because the rest may stand in the next.
    pub fn hide(&self, secret: &[u8]) {
        self.shared.secrets.lock().unwrap_or_else(PoisonError::into_inner).hide(secret);
    }

    /// Shows octets on the line. Pieces between which a secret may be cut are parts of their own.
    pub fn phys(&self, direction: Direction, parts: &[&[u8]]) {
        if self.shows(DecodeLevel::Phys) && parts.iter().any(|part| !part.is_empty()) {
            self.dump(format!("PHYS {direction}"), parts);
        }
    }

    /// Shows an HDLC frame that goes out: what stands before its information field, the field, its
    /// check sequence with the closing flag. The check sequence over a secret gives 16 bits of it
    /// away, and is masked with it.
    pub(crate) fn phys_frame(
        &self,
        direction: Direction,
        head: &[u8],
        information: &[u8],
        tail: &[u8],
    ) {
        if self.shows(DecodeLevel::Phys) {
            self.dump_with(format!("PHYS {direction}"), |secrets, line| {
                secrets.dump_frame(head, information, tail, line);
            });
        }
    }

    /// Shows octets that came in and hold HDLC frames, perhaps not whole; `mask` remembers where.
    pub(crate) fn phys_frames(&self, direction: Direction, octets: &[u8], mask: &mut CheckMask) {
        if self.shows(DecodeLevel::Phys) && !octets.is_empty() {
            self.dump_with(format!("PHYS {direction}"), |secrets, line| {
                secrets.dump_frames(octets, mask, line);
            });
        }
    }

    /// Shows a frame or a header.
    pub fn link(&self, direction: Direction, what: impl Display) {
        self.write(DecodeLevel::Link, || format!("LINK {direction} {what}"));
    }

    /// Shows an APDU under its name. It may be one that never travels in this form, such as the
    /// plain text of a ciphered one.
    pub fn apdu(&self, direction: Direction, octets: &[u8]) {
        if self.shows(DecodeLevel::Apdu) {
            let (name, choice) = apdu_name(octets);
            self.dump(format!("APDU {direction} {name}{choice}"), &[octets]);
        }
    }

    /// Shows a line of the caller's own making, which is made only if `level` is shown. No mask is
    /// put on it.
    pub fn write(&self, level: DecodeLevel, line: impl FnOnce() -> String) {
        if self.shows(level) {
            (self.shared.sink)(&line());
        }
    }

    fn dump(&self, line: String, parts: &[&[u8]]) {
        self.dump_with(line, |secrets, line| secrets.dump(parts, line));
    }

    fn dump_with(&self, mut line: String, dump: impl FnOnce(&Secrets, &mut String)) {
        let secrets = self.shared.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        dump(&secrets, &mut line);
        drop(secrets);
        (self.shared.sink)(&line);
    }
}

impl Debug for Trace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").field("level", &self.level()).finish_non_exhaustive()
    }
}

/// The standard's name of an APDU: of its tag, and of the choice where the tag has several.
fn apdu_name(octets: &[u8]) -> (&'static str, &'static str) {
    let tag = octets.first().copied().unwrap_or_default();
    let choice = match (tag, octets.get(1).copied()) {
        (tag::GET_REQUEST, Some(2)) => "-next",
        (tag::GET_RESPONSE, Some(2)) => "-with-datablock",
        (tag::SET_REQUEST, Some(2)) => "-with-first-datablock",
        (tag::SET_REQUEST, Some(3)) => "-with-datablock",
        (tag::SET_REQUEST, Some(5)) => "-with-list-and-first-datablock",
        (tag::SET_RESPONSE, Some(2)) => "-datablock",
        (tag::SET_RESPONSE, Some(3)) => "-last-datablock",
        (tag::SET_RESPONSE, Some(4)) => "-last-datablock-with-list",
        (tag::SET_RESPONSE, Some(5)) | (tag::SET_REQUEST, Some(4)) => "-with-list",
        (tag::ACTION_REQUEST, Some(2)) | (tag::ACTION_RESPONSE, Some(4)) => "-next-pblock",
        (tag::ACTION_REQUEST, Some(4)) => "-with-first-pblock",
        (tag::ACTION_REQUEST, Some(5)) => "-with-list-and-first-pblock",
        (tag::ACTION_REQUEST, Some(6)) | (tag::ACTION_RESPONSE, Some(2)) => "-with-pblock",
        (
            tag::GET_REQUEST | tag::GET_RESPONSE | tag::ACTION_REQUEST | tag::ACTION_RESPONSE,
            Some(3),
        ) => "-with-list",
        (
            tag::GET_REQUEST
            | tag::GET_RESPONSE
            | tag::SET_REQUEST
            | tag::SET_RESPONSE
            | tag::ACTION_REQUEST
            | tag::ACTION_RESPONSE,
            Some(1),
        ) => "-normal",
        _ => "",
    };
    (tag::name(tag), choice)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::{DecodeLevel, Direction, Trace};

    fn recorded(level: DecodeLevel) -> (Trace, Arc<Mutex<Vec<String>>>) {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let trace = Trace::new(
            level,
            Arc::new(move |line: &str| sink.lock().unwrap().push(line.to_owned())),
        );
        (trace, lines)
    }

    #[test]
    fn a_level_shows_itself_and_what_is_above_it() {
        let (trace, lines) = recorded(DecodeLevel::Apdu);
        trace.phys(Direction::Tx, &[&[0x7E]]);
        trace.link(Direction::Tx, "SNRM");
        trace.apdu(Direction::Rx, &[0x61, 0x29]);
        trace.write(DecodeLevel::Values, || "VALUES RX 1-0:1.8.0*255 = 17 Wh".to_owned());
        assert_eq!(
            *lines.lock().unwrap(),
            ["APDU RX AARE 61 29", "VALUES RX 1-0:1.8.0*255 = 17 Wh"]
        );
    }

    #[test]
    fn the_level_of_all_clones_changes_at_run_time() {
        let (trace, lines) = recorded(DecodeLevel::Off);
        let clone = trace.clone();
        clone.link(Direction::Rx, "not shown");
        trace.set_level(DecodeLevel::Phys);
        clone.link(Direction::Rx, "UA F");
        assert_eq!(*lines.lock().unwrap(), ["LINK RX UA F"]);
    }

    #[test]
    fn a_secret_registered_late_is_hidden_in_the_next_line_of_every_clone() {
        let (trace, lines) = recorded(DecodeLevel::Phys);
        let clone = trace.clone();
        trace.hide(b"secret");
        clone.apdu(Direction::Tx, b"\x60\x08\x80\x06secret");
        assert_eq!(*lines.lock().unwrap(), ["APDU TX AARQ 60 08 80 06 ** ** ** ** ** **"]);
    }

    #[test]
    fn an_apdu_is_shown_under_the_name_of_its_choice() {
        for (octets, name) in [
            (&[0xC0, 0x01, 0xC1][..], "get-request-normal"),
            (&[0xC4, 0x02, 0xC1], "get-response-with-datablock"),
            (&[0xC7, 0x04, 0xC1], "action-response-next-pblock"),
            (&[0xC8, 0x01], "glo-get-request"),
            (&[0xC0], "get-request"),
            (&[0xFF, 0x01], "unknown"),
            (&[], "unknown"),
        ] {
            let (tag, choice) = super::apdu_name(octets);
            assert_eq!(format!("{tag}{choice}"), name);
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let trace = Trace::off();
        trace.hide(b"secret");
        assert_eq!(format!("{trace:?}"), "Trace { level: Off, .. }");
    }
}
