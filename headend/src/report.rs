//! What goes to standard error: diagnoses and notes. Nothing there is data.

use std::io::{self, IsTerminal, Write};

use crate::diagnosis::Diagnosis;

/// Shows a diagnosis, its first line in bold red on a terminal that may have colours.
pub(crate) fn diagnosis(diagnosis: &Diagnosis) {
    note(&emphasised(&diagnosis.to_string(), colours()));
}

/// Shows a line or more. Standard error that is closed is nobody's loss.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether standard error is a terminal and nobody asked for plain text (no-color.org).
fn colours() -> bool {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !plain && io::stderr().is_terminal()
}

fn emphasised(text: &str, colours: bool) -> String {
    match text.split_once('\n') {
        Some((first, rest)) if colours => format!("\u{1b}[1;31m{first}\u{1b}[0m\n{rest}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_line_is_emphasised_and_only_with_colours() {
        assert_eq!(emphasised("a\nb", true), "\u{1b}[1;31ma\u{1b}[0m\nb");
        assert_eq!(emphasised("a\nb", false), "a\nb");
    }
}
