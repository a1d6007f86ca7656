//! Hex dumps in which registered secrets do not show.
//!
//! A run of three octets or more that also stands in a secret is written as `**`: shorter runs
//! meet by chance all the time. Where a dump begins or ends the rest of a secret may stand in the
//! dump before or after it (a password cut by HDLC segmentation, or arriving octet by octet), so
//! there a run of any length is masked if the secret can go on beyond the edge.

use core::fmt::Write;

use zeroize::Zeroizing;

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
            let masked = self.masked(part);
            for (octet, masked) in part.iter().zip(masked) {
                match masked {
                    true => line.push_str(" **"),
                    // Writing into a String does not fail.
                    false => drop(write!(line, " {octet:02X}")),
                }
            }
        }
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
    use super::{SECRETS_MAX, Secrets};

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
