//! Instructions and memory of a workload, counted by valgrind.

use std::{
    path::PathBuf,
    process::{Command, Output},
    sync::OnceLock,
};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The instructions of one run of the workload `name` on an input of about `size` octets.
pub(crate) fn count(name: &str, size: usize) -> u64 {
    let options = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
    let counted = ["--toggle-collect=*counted*"];
    number_after("Collected : ", &valgrind(&[&options[..], &counted].concat(), name, size))
}

/// What a valgrind tool says of one run, on its standard error.
fn valgrind(options: &[&str], name: &str, size: usize) -> String {
    let mut command = Command::new("valgrind");
    let output = command.args(options).arg(program()).args([name, &size.to_string()]).output();
    said(&output.expect("valgrind is installed: scripts/test installs it"))
}

/// The program that runs one workload, with the optimizations of a release.
fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        build.current_dir(ROOT).args(["build", "--release", "--locked", "--target-dir", "target"]);
        said(&build.args(["-p", "dlms-benches", "--bin", "count"]).output().expect("cargo runs"));
        PathBuf::from(ROOT).join("target/release/count")
    })
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}");
    text
}

fn number_after(label: &str, text: &str) -> u64 {
    let number = text.split_once(label).and_then(|(_, rest)| rest.split_whitespace().next());
    let number = number.and_then(|number| number.replace(',', "").parse().ok());
    number.unwrap_or_else(|| panic!("no {label:?} in:\n{text}"))
}

/// The octets that one workload takes from the heap, from its start to its end.
pub(crate) fn heap(name: &str, size: usize) -> u64 {
    let text = valgrind(&["--tool=memcheck", "--leak-check=no"], name, size);
    number_after(" frees, ", &text)
}
