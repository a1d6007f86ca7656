//! House rules that neither the compiler nor clippy knows. A failure names the file and the line.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const COLUMNS_MAX: usize = 100;
/// What the inputs of all fuzz targets may take in the repository.
const CORPUS_OCTETS_MAX: u64 = 1_000_000;
/// Names that say nothing: everything would fit.
const EMPTY_NAMES: [&str; 8] =
    ["common", "helper", "helpers", "misc", "types", "util", "utils", "utilities"];
/// Crates that decode what a stranger sent.
const CODECS: [&str; 2] = ["dlms-core", "hdlc"];
/// What a parser that cannot panic does without, denied in its lib.rs.
const PANICS: [&str; 6] = [
    "clippy::arithmetic_side_effects",
    "clippy::cast_possible_truncation",
    "clippy::expect_used",
    "clippy::indexing_slicing",
    "clippy::panic",
    "clippy::unwrap_used",
];

#[test]
fn no_test_is_ignored_sleeps_or_waits_to_be_written() {
    // In two halves, so that this file does not break its own rule.
    let everywhere = ["#[ign", "todo", "unimplem", "TO", "FIX"]
        .map(str::to_owned)
        .into_iter()
        .zip(["ore", "!(", "ented!(", "DO", "ME"]);
    let everywhere: Vec<String> = everywhere.map(|(left, right)| left + right).collect();
    let sleep = ["sleep", "("].concat();
    check(&rust_files(), |file, line| {
        let found = everywhere.iter().find(|word| line.text.contains(word.as_str()));
        let sleeps = line.is_test && line.text.contains(&sleep) && !line.is_comment();
        let sleeps = sleeps.then_some(&sleep);
        found.or(sleeps).map(|word| format!("`{word}` in {}", file.name))
    });
}

#[test]
fn nothing_is_unsafe_but_one_call() {
    // Into a function for which the compiler uses an instruction that the processor was asked for.
    let exception = "hdlc/src/fcs/carry_less.rs";
    let keyword = ["un", "safe"].concat();
    let words = |line: &str| {
        let words = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        words.filter(|word| *word == keyword).count()
    };
    check(&rust_files(), |file, line| {
        (file.name != exception && words(line.code()) > 0).then(|| keyword.clone())
    });
    let text = read(exception);
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    assert_eq!(code.map(words).sum::<usize>(), 1, "{exception}: one call, and no more");
}

#[test]
fn a_line_has_at_most_100_columns() {
    let files = files().into_iter().filter(|file| {
        let extension = file.extension();
        ["rs", "md", "sh"].contains(&extension) || file.name.starts_with("scripts/")
    });
    check(&files.collect::<Vec<_>>(), |file, line| {
        let columns = line.text.chars().count();
        // A row of a table and a single word cannot be broken.
        let text = line.text.trim();
        let unbreakable =
            file.extension() == "md" && (text.starts_with('|') || !text.contains(' '));
        (columns > COLUMNS_MAX && !unbreakable).then(|| format!("{columns} columns"))
    });
}

#[test]
fn a_line_ends_in_lf_without_blanks_before_it_and_a_file_in_one_lf() {
    let mut wrong = Vec::new();
    for file in files() {
        let blank_end = |line: &str| line.ends_with([' ', '\t']);
        if file.text.contains('\r') {
            wrong.push(format!("{}: CR", file.name));
        }
        if !file.text.is_empty() && (!file.text.ends_with('\n') || file.text.ends_with("\n\n")) {
            wrong.push(format!("{}: does not end in one LF", file.name));
        }
        if let Some(at) = file.text.lines().position(blank_end) {
            wrong.push(format!("{}:{}: blank at the end", file.name, at + 1));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_or_folder_has_a_name_that_says_nothing() {
    for file in files() {
        let mut names = Path::new(&file.name).iter().filter_map(|name| Path::new(name).file_stem());
        let empty = names.find(|name| EMPTY_NAMES.iter().any(|empty| *name == OsStr::new(empty)));
        assert!(empty.is_none(), "{}: name the thing that it holds", file.name);
    }
}

#[test]
fn a_crate_opens_with_what_it_is_and_an_example() {
    for krate in crates() {
        let name = format!("{krate}/src/lib.rs");
        let text = read(&name);
        let is_doc = |line: &&str| line.starts_with("//!");
        let doc: Vec<&str> = text.lines().take_while(is_doc).collect();
        assert!(!doc.is_empty(), "{name}: does not open with //!");
        assert!(doc.iter().any(|line| line.contains("```")), "{name}: its doc shows no example");
    }
}

#[test]
fn a_pure_crate_is_no_std_and_denies_what_can_panic() {
    for krate in CODECS {
        let text = read(&format!("{krate}/src/lib.rs"));
        let no_std = ["#![no_std]", "#![cfg_attr(not(test), no_std)]"];
        assert!(no_std.iter().any(|line| text.contains(line)), "{krate} is not no_std");
        let (_, denied) = text.split_once("#![cfg_attr(not(test), deny(").unwrap_or_default();
        let (denied, _) = denied.split_once(")]").unwrap_or((&text, ""));
        for lint in PANICS {
            assert!(denied.contains(lint), "{krate}/src/lib.rs does not deny {lint}");
        }
        // And nobody takes it back further in.
        let inside = |file: &File| file.name.starts_with(&format!("{krate}/src/"));
        let files: Vec<File> = rust_files().into_iter().filter(inside).collect();
        check(&files, |_, line| {
            let allows = ["allow(", "expect("].iter().any(|word| line.code().contains(word));
            let lint = PANICS.iter().find(|lint| line.code().contains(**lint))?;
            (allows && !line.is_test).then(|| format!("allows {lint}"))
        });
    }
}

#[test]
fn hdlc_allocates_nothing() {
    let inside = |file: &File| file.name.starts_with("hdlc/src/");
    let files: Vec<File> = rust_files().into_iter().filter(inside).collect();
    check(&files, |_, line| {
        let allocates =
            line.code().contains("alloc::") || line.code().contains("extern crate alloc");
        (allocates && !line.is_test).then(|| "alloc".to_owned())
    });
}

#[test]
fn nom_is_no_part_of_a_signature_that_others_see() {
    let inside = |file: &File| CODECS.iter().any(|krate| file.name.starts_with(krate));
    let files: Vec<File> = rust_files().into_iter().filter(inside).collect();
    check(&files, |_, line| {
        let is_public = line.code().trim_start().starts_with("pub ");
        let is_nom = ["nom::", "IResult"].iter().any(|word| line.code().contains(word));
        (is_public && is_nom).then(|| "nom in public".to_owned())
    });
}

#[test]
fn no_line_is_behind_a_lock() {
    let inside = |file: &File| file.name.starts_with("dlms-tokio/src/line");
    let files: Vec<File> = rust_files().into_iter().filter(inside).collect();
    check(&files, |_, line| {
        let lock = ["Mutex", "RwLock", "Semaphore"].into_iter();
        let lock = lock.filter(|_| !line.is_test).find(|lock| line.code().contains(lock));
        lock.map(str::to_owned)
    });
}

#[test]
fn foreign_programs_stay_in_their_folder_under_their_own_licence() {
    for file in files().iter().filter(|file| file.extension() == "py") {
        assert!(file.name.starts_with("tests/interop/"), "{}: not in tests/interop", file.name);
        let licence =
            file.text.lines().find_map(|line| line.split_once("SPDX-License-Identifier: "));
        let licence = licence.map(|(_, licence)| licence).unwrap_or_default();
        let imports_gpl = file.text.contains("import gurux") || file.text.contains("from gurux");
        let expected = if imports_gpl { "GPL-2.0-only" } else { "MIT OR Apache-2.0" };
        assert_eq!(licence, expected, "{}", file.name);
    }
    let outside = |file: &File| !file.name.starts_with("tests/") && file.extension() == "rs";
    let files: Vec<File> = files().into_iter().filter(outside).collect();
    check(&files, |_, line| {
        line.text.contains("tests/interop").then(|| "a foreign file".to_owned())
    });
}

#[test]
fn no_key_stands_outside_tests_and_the_simulator() {
    // The published test keys of the simulated meters, and the mark of a key file.
    let octets = |first: u8| (first..first + 16).map(|octet| format!("{octet:02x}")).collect();
    let keys: [String; 2] = [octets(0x00), octets(0xd0)];
    let mark = ["PRIVATE", " KEY-"].concat();
    let outside =
        |file: &File| !file.name.starts_with("tests/") && !file.name.starts_with("simulator/");
    for file in files().iter().filter(|file| outside(file)) {
        let is_key_file = ["pem", "key", "p12", "pfx", "der"].contains(&file.extension());
        assert!(!is_key_file && !file.text.contains(&mark), "{}: a key", file.name);
    }
    let files: Vec<File> = rust_files().into_iter().filter(outside).collect();
    check(&files, |_, line| {
        if line.is_test || line.is_comment() {
            return None;
        }
        let bare = line.text.to_lowercase().replace("0x", "");
        let bare: String = bare.chars().filter(char::is_ascii_hexdigit).collect();
        keys.iter().find(|key| bare.contains(key.as_str())).map(|_| "a test key".to_owned())
    });
}

#[test]
fn no_file_tells_of_the_machine_or_the_tools_it_was_written_with() {
    // Each in two halves, or this file would tell.
    let told: Vec<String> = [
        ["/root", "/"],
        ["/wo", "rk/"],
        ["anth", "ropic"],
        ["chat", "gpt"],
        ["cl", "aude"],
        ["copi", "lot"],
        ["language", " model"],
    ]
    .map(|halves| halves.concat())
    .into();
    // The one place that knows where the captures may lie.
    let folder = ["sha", "red/"].concat();
    check(&files(), |file, line| {
        let text = line.text.to_lowercase();
        let tells = told.iter().find(|word| text.contains(&word.to_lowercase()));
        let folder = (file.name != ".ci/run" && text.contains(&folder)).then_some(&folder);
        tells.or(folder).cloned()
    });
}

#[test]
fn the_map_shows_every_crate() {
    let map = read("ARCHITECTURE.md");
    for krate in crates() {
        let heading = format!("### `{krate}/`");
        assert!(map.contains(&heading), "ARCHITECTURE.md has no heading {heading}");
    }
}

#[test]
fn every_invariant_names_a_test_that_exists() {
    let map = read("ARCHITECTURE.md");
    let invariants: Vec<&str> =
        map.split("\n\n").filter(|text| text.contains("**Architecture Invariant:**")).collect();
    assert!(invariants.len() >= 5, "the map states its invariants: {}", invariants.len());
    for invariant in invariants {
        assert!(names_tests(invariant) > 0, "names no `FILE.rs::TEST`:\n{invariant}");
    }
}

#[test]
fn every_feature_that_is_claimed_names_a_test_that_exists() {
    let table = read("docs/features.md");
    let claimed = table.lines().filter(|line| line.contains("| yes |"));
    let claims = claimed.inspect(|row| assert!(names_tests(row) > 0, "names no test:\n{row}"));
    assert!(claims.count() >= 50, "the table was not found");
}

/// How many tests `text` names as `FILE.rs::TEST`, all of which must be there.
fn names_tests(text: &str) -> usize {
    let codes = text.split('`').skip(1).step_by(2).filter_map(|code| code.split_once("::"));
    let tests = codes.filter(|(file, _)| file.ends_with(".rs"));
    let found = tests.inspect(|(file, test)| {
        let is_there = read(file).contains(&format!("fn {test}("));
        assert!(is_there, "{file} has no test {test}, named by:\n{text}");
    });
    found.count()
}

#[test]
fn every_fuzz_target_has_a_corpus_and_a_replay() {
    let manifest = read("fuzz/Cargo.toml");
    let targets: Vec<(String, String)> = names_in("fuzz/fuzz_targets")
        .iter()
        .map(|file| {
            let target = file.strip_suffix(".rs").expect("a target");
            let text = read(&format!("fuzz/fuzz_targets/{file}"));
            // `KRATE::fuzzing::TARGET(octets)`, and nothing more.
            let call = format!("::fuzzing::{target}(octets)");
            let (before, _) = text.split_once(&call).unwrap_or_else(|| panic!("{file}: no {call}"));
            let krate = before.rsplit([' ', '(']).next().unwrap_or_default();
            (krate.replace('_', "-"), target.to_owned())
        })
        .collect();
    assert!(targets.len() >= 20, "targets were not found: {targets:?}");
    let mut octets = 0;
    for (krate, target) in &targets {
        let is_built = manifest.contains(&format!("name = \"{target}\""));
        assert!(is_built, "fuzz/Cargo.toml does not build {target}");
        let replay = format!("replay(\"{target}\", {target})");
        let tests = format!("{krate}/src/fuzzing/tests.rs");
        assert!(read(&tests).contains(&replay), "{tests}: no {replay}");
        let corpus = format!("fuzz/corpus/{target}");
        let inputs = names_in(&corpus);
        assert!(!inputs.is_empty(), "{corpus} is empty");
        let len = |input| fs::metadata(format!("{ROOT}/{corpus}/{input}")).map_or(0, |it| it.len());
        octets += inputs.iter().map(len).sum::<u64>();
    }
    assert!(octets <= CORPUS_OCTETS_MAX, "{octets} octets of inputs: scripts/fuzz merge");
    for folder in names_in("fuzz/corpus") {
        let is_target = targets.iter().any(|(_, target)| *target == folder);
        assert!(is_target, "fuzz/corpus/{folder}: no such target");
    }
}

/// A text file of the project.
struct File {
    /// Its path from the project's folder, with `/`.
    name: String,
    text: String,
}

impl File {
    fn extension(&self) -> &str {
        Path::new(&self.name).extension().and_then(OsStr::to_str).unwrap_or_default()
    }
}

/// One line of a file.
struct Line<'a> {
    text: &'a str,
    /// In a file of tests, or from the line `mod tests {` of another.
    is_test: bool,
}

impl Line<'_> {
    fn is_comment(&self) -> bool {
        self.text.trim_start().starts_with("//")
    }

    /// The line without a comment at its end.
    fn code(&self) -> &str {
        self.text.split("//").next().unwrap_or_default()
    }
}

/// Fails with every line of `files` in which `wrong` finds something.
#[track_caller]
fn check(files: &[File], wrong: impl Fn(&File, &Line<'_>) -> Option<String>) {
    assert!(!files.is_empty(), "no file was looked at");
    let mut found = Vec::new();
    for file in files {
        let stem = Path::new(&file.name).file_stem().and_then(OsStr::to_str);
        let in_tests = file.name.split('/').any(|folder| folder == "tests");
        let mut is_test = in_tests || stem.is_some_and(|stem| stem == "tests");
        let mut is_for_tests = false;
        for (at, text) in file.text.lines().enumerate() {
            let start = text.trim_start();
            is_test |= is_for_tests && start.starts_with("mod ") && text.ends_with('{');
            let starts_tests =
                start.starts_with("#[cfg(test)]") || start.starts_with("#[cfg(all(test");
            is_for_tests = starts_tests || (is_for_tests && start.starts_with("#["));
            if let Some(what) = wrong(file, &Line { text, is_test }) {
                found.push(format!("{}:{}: {what}", file.name, at + 1));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The folders of the workspace's crates.
fn crates() -> Vec<String> {
    let manifest = read("Cargo.toml");
    let (_, members) = manifest.split_once("members = [").unwrap_or_default();
    let (members, _) = members.split_once(']').unwrap_or_default();
    let quoted = |line: &str| line.trim().strip_prefix('"')?.split('"').next().map(str::to_owned);
    let crates: Vec<String> = members.lines().filter_map(quoted).collect();
    assert!(crates.iter().any(|krate| krate == "tests"), "members were not understood: {crates:?}");
    crates
}

fn rust_files() -> Vec<File> {
    files().into_iter().filter(|file| file.extension() == "rs").collect()
}

/// All text files of the project, but for what is built and what git or an editor keeps.
fn files() -> Vec<File> {
    let root = Path::new(ROOT).canonicalize().expect("the project's folder");
    let mut folders = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder can be read") {
            let entry = entry.expect("a folder can be read");
            let name = entry.file_name();
            let name = name.to_str().expect("names are UTF-8");
            let hidden = name.starts_with('.') && ![".ci", ".github", ".gitignore"].contains(&name);
            // What a fuzzer found is text by accident only.
            if hidden || ["target", "__pycache__", "corpus"].contains(&name) {
                continue;
            }
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else if let Ok(text) = fs::read_to_string(entry.path()) {
                files.push(File { name: name_from(&root, &entry.path()), text });
            }
        }
    }
    files.sort_by(|left, right| left.name.cmp(&right.name));
    files
}

/// The names in a folder of the project.
fn names_in(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(Path::new(ROOT).join(folder))
        .unwrap_or_else(|error| panic!("{folder}: {error}"));
    let name = |entry: io::Result<fs::DirEntry>| {
        entry.expect("a folder can be read").file_name().into_string().expect("names are UTF-8")
    };
    entries.map(name).collect()
}

fn name_from(root: &Path, path: &Path) -> String {
    let parts = path.strip_prefix(root).unwrap_or(path).iter();
    parts.map(OsStr::to_string_lossy).collect::<Vec<_>>().join("/")
}

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}
