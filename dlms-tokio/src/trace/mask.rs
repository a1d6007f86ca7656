//! Hex dumps in which registered secrets do not show.
//!
//! A run of three octets or more that also stands in a secret is written as `**`: shorter runs
//! meet by chance all the time. Where a dump begins or ends the rest of a secret may stand in the
//! dump before or after it (a password cut by HDLC segmentation, or arriving octet by octet), so
//! there a run of any length is masked if the secret can go on beyond the edge.
//!
//! The check sequence of an HDLC frame is computed from its octets: beside a secret that is masked,
//! and among others that are shown, it tells 16 bits of the secret. It is masked too.

use core::fmt::Write;

use hdlc::frame::{FLAG, FRAME_LEN_MAX};
use zeroize::Zeroizing;

/// Octets of a check sequence.
const CHECK_LEN: usize = 2;

/// What stands for an octet that is not shown.
const MASKED: &str = " **";

/// Shortest run of octets inside a dump that counts as a piece of a secret.
const RUN_MIN: usize = 3;

/// Most secrets that are looked for. A trace shared by a whole head-end learns one a meter; above
/// this limit nothing is dumped any more rather than something too much.
pub(super) const SECRETS_MAX: usize = 4_096;

/// The secrets of one trace.
#[derive(Default)]
pub(super) struct Secrets {
    known: Vec<Zeroizing<Vec<u8>>>,
    overflowed: bool,
}

impl Secrets {
    /// Adds a secret; an empty or known one changes nothing.
    pub(super) fn hide(&mut self, secret: &[u8]) {
        if secret.is_empty() || self.known.iter().any(|known| known.as_slice() == secret) {
            return;
        }
        if self.known.len() >= SECRETS_MAX {
            self.overflowed = true;
            return;
        }
        self.known.push(Zeroizing::new(secret.to_vec()));
    }

    /// Appends ` XX XX ** XX` to `line`. Each part is dumped as if it stood alone.
    pub(super) fn dump(&self, parts: &[&[u8]], line: &mut String) {
        for part in parts {
            if self.overflowed {
                let _ = write!(line, " ({} octets, too many secrets to show them)", part.len());
                continue;
            }
            write_masked(part, &self.masked(part), line);
        }
    }

    /// Appends an HDLC frame cut in three: up to its information field, the field, and its check
    /// sequence with the flag behind it.
    pub(super) fn dump_frame(
        &self,
        head: &[u8],
        information: &[u8],
        tail: &[u8],
        line: &mut String,
    ) {
        let (check, flag) = tail.split_at(CHECK_LEN.min(tail.len()));
        let is_masked = self.masked(information).contains(&true);
        self.dump(&[head, information], line);
        match is_masked && !self.overflowed {
            true => check.iter().for_each(|_| line.push_str(MASKED)),
            false => self.dump(&[check], line),
        }
        self.dump(&[flag], line);
    }

    /// Appends received octets that hold HDLC frames, whole or not.
    ///
    /// Where a frame ends cannot be told here, since a flag may stand in its middle. So for as long
    /// as the frame with the secret can last, the octets in front of every flag are masked, and the
    /// last ones, which may stand in front of one that is still to come.
    pub(super) fn dump_frames(&self, octets: &[u8], mask: &mut CheckMask, line: &mut String) {
        if self.overflowed {
            return self.dump(&[octets], line);
        }
        let mut masked = self.masked(octets);
        let mut check = vec![false; octets.len()];
        for (place, octet) in octets.iter().enumerate() {
            mask.remaining = match masked.get(place) {
                Some(true) => FRAME_LEN_MAX,
                _ => mask.remaining.saturating_sub(1),
            };
            let is_last = place + 1 == octets.len();
            if mask.remaining > 0 && (*octet == FLAG || is_last) {
                let end = if *octet == FLAG { place } else { place + 1 };
                check[end.saturating_sub(CHECK_LEN)..end].fill(true);
            }
        }
        masked.iter_mut().zip(check).for_each(|(masked, check)| *masked |= check);
        write_masked(octets, &masked, line);
    }

    fn masked(&self, octets: &[u8]) -> Vec<bool> {
        let mut masked = vec![false; octets.len()];
        for secret in &self.known {
            for start in 0..octets.len() {
                let length = longest_piece(secret, octets, start);
                masked[start..start + length].fill(true);
            }
        }
        masked
    }
}

/// Where the trace of received frames stands: within the extent of one that holds a secret, or not.
#[derive(Debug, Default)]
pub(crate) struct CheckMask {
    /// Octets in which the check sequence over the masked secret seen last may still stand.
    remaining: usize,
}

fn write_masked(octets: &[u8], masked: &[bool], line: &mut String) {
    for (octet, masked) in octets.iter().zip(masked) {
        match masked {
            true => line.push_str(MASKED),
            // Writing into a String does not fail.
            false => drop(write!(line, " {octet:02X}")),
        }
    }
}

/// Length of the longest piece of `secret` that stands at `start`, 0 if none worth hiding does.
fn longest_piece(secret: &[u8], octets: &[u8], start: usize) -> usize {
    let rest = &octets[start..];
    (0..secret.len())
        .map(|from| {
            let piece = &secret[from..];
            let length = piece.iter().zip(rest).take_while(|(a, b)| a == b).count();
            let came_from_before = start == 0 && from > 0;
            let goes_on_after = length == rest.len() && length < piece.len();
            let hidden = length >= RUN_MIN.min(secret.len()) || came_from_before || goes_on_after;
            if hidden { length } else { 0 }
        })
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{CheckMask, SECRETS_MAX, Secrets};

    fn dump(secrets: &[&[u8]], parts: &[&[u8]]) -> String {
        let mut known = Secrets::default();
        for secret in secrets {
            known.hide(secret);
        }
        let mut line = String::new();
        known.dump(parts, &mut line);
        line
    }

    #[test]
    fn a_dump_without_secrets_shows_every_octet() {
        assert_eq!(dump(&[], &[&[0x7E, 0xA0], &[0x07]]), " 7E A0 07");
    }

    #[test]
    fn a_secret_inside_a_dump_is_masked() {
        // The calling-authentication-value of an AARQ: AC 0A 80 08 "12345678".
        assert_eq!(
            dump(&[b"12345678"], &[b"\xAC\x0A\x80\x0812345678\xBE"]),
            " AC 0A 80 08 ** ** ** ** ** ** ** ** BE"
        );
    }

    #[test]
    fn a_piece_of_three_octets_is_masked_and_a_piece_of_two_is_chance() {
        assert_eq!(dump(&[b"12345678"], &[b"\x00456\x00"]), " 00 ** ** ** 00");
        assert_eq!(dump(&[b"12345678"], &[b"\x0045\x00"]), " 00 34 35 00");
    }

    #[test]
    fn a_secret_shorter_than_the_shortest_piece_is_masked_whole() {
        assert_eq!(dump(&[b"12"], &[b"\x0012\x00\x31\x00"]), " 00 ** ** 00 31 00");
    }

    #[test]
    fn a_secret_cut_anywhere_between_two_parts_is_masked_in_both() {
        let secret = b"12345678";
        let frame = b"\xAC\x0A\x80\x0812345678\xBE";
        for cut in 4..=12 {
            let (head, tail) = frame.split_at(cut);
            assert_eq!(
                dump(&[secret], &[head, tail]),
                " AC 0A 80 08 ** ** ** ** ** ** ** ** BE",
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn a_secret_that_comes_octet_by_octet_is_masked() {
        let octets: Vec<&[u8]> = b"\x0012345678\x00".chunks(1).collect();
        assert_eq!(dump(&[b"12345678"], &octets), " 00 ** ** ** ** ** ** ** ** 00");
    }

    fn known() -> Secrets {
        let mut secrets = Secrets::default();
        secrets.hide(b"1234");
        secrets
    }

    #[test]
    fn the_check_sequence_over_a_secret_is_masked_with_it() {
        let shown = |information: &[u8]| {
            let mut line = String::new();
            known().dump_frame(&[0x7E, 0xA0], information, &[0xCC, 0xDD, 0x7E], &mut line);
            line
        };
        assert_eq!(shown(b"\x001234\x00"), " 7E A0 00 ** ** ** ** 00 ** ** 7E");
        assert_eq!(shown(b"\x000000\x00"), " 7E A0 00 30 30 30 30 00 CC DD 7E");
        assert_eq!(shown(b""), " 7E A0 CC DD 7E");
    }

    #[test]
    fn the_check_sequence_over_a_secret_that_came_in_is_masked_however_it_is_cut() {
        // The same frame twice, with a secret and a flag in its information, then one without.
        let frame = b"\x7E\xA0\x001234\x7E\x00\xCC\xDD\x7E";
        let stream = [frame.as_slice(), frame].concat();
        for size in 1..=stream.len() {
            let (mut mask, mut line) = (CheckMask::default(), String::new());
            for chunk in stream.chunks(size) {
                known().dump_frames(chunk, &mut mask, &mut line);
            }
            assert!(!line.contains("CC") && !line.contains("DD"), "{size}: {line}");
            assert!(line.starts_with(" 7E A0"), "{size}: {line}");
        }
        let mut line = String::new();
        known().dump_frames(&stream, &mut CheckMask::default(), &mut line);
        // Of two flags the first may be an octet of the check sequence.
        assert_eq!(&line[..39], " 7E A0 00 ** ** ** ** 7E 00 ** ** ** 7E");
        let (mut mask, mut line) = (CheckMask::default(), String::new());
        known().dump_frames(b"\x7E\xA0\x00\xCC\xDD\x7E", &mut mask, &mut line);
        assert_eq!(line, " 7E A0 00 CC DD 7E");
    }

    #[test]
    fn too_many_secrets_show_nothing_rather_than_one() {
        let mut secrets = Secrets::default();
        for number in 0..=SECRETS_MAX {
            secrets.hide(&number.to_be_bytes());
        }
        let mut line = String::new();
        secrets.dump(&[&SECRETS_MAX.to_be_bytes()], &mut line);
        assert_eq!(line, " (8 octets, too many secrets to show them)");
    }
}
