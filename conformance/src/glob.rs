//! Patterns for the names of cases: `*` stands for any characters, `?` for one.

/// Whether `name` is what `pattern` describes, in either case of letters.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut in_name) = (0, 0);
    // The last star, and how much of the name it stands for so far.
    let mut star = None;
    while in_name < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, in_name));
                at += 1;
            }
            Some(octet) if *octet == b'?' || octet.eq_ignore_ascii_case(&name[in_name]) => {
                at += 1;
                in_name += 1;
            }
            _ => {
                let Some((star_at, from)) = star else { return false };
                star = Some((star_at, from + 1));
                at = star_at + 1;
                in_name = from + 1;
            }
        }
    }
    pattern[at..].iter().all(|octet| *octet == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_characters_and_a_question_mark_for_one() {
        for pattern in ["HDLC_FRAME_P1", "hdlc_*", "*_P1", "*FRAME*", "HDLC_FRAME_P?", "*", "**1"] {
            assert!(matches(pattern, "HDLC_FRAME_P1"), "{pattern}");
        }
        for pattern in ["HDLC", "*_P2", "?", "HDLC_FRAME_P1?", ""] {
            assert!(!matches(pattern, "HDLC_FRAME_P1"), "{pattern}");
        }
        assert!(matches("*_*_N1", "HDLC_FRAME_N1"));
    }
}
