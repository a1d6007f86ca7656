//! Who may depend on whom, and what the pure crates must do without.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Bytes, time and entropy come in as arguments; bytes and events go out.
const PURE: [&str; 2] = ["dlms-core", "hdlc"];

/// Every crate of the workspace, and those of the workspace that it may use: for building, testing
/// or running.
const MAY_USE: [(&str, &[&str]); 11] = [
    ("hdlc", &[]),
    ("dlms-core", &[]),
    ("dlms-tokio", &["dlms-core", "hdlc"]),
    ("dlms-xml", &["dlms-core", "hdlc"]),
    ("store", &["dlms-core"]),
    ("simulator", &["dlms-core", "dlms-tokio", "hdlc"]),
    ("concentrator", &["dlms-core", "dlms-tokio", "hdlc"]),
    ("headend", &["dlms-core", "dlms-tokio", "dlms-xml", "hdlc", "simulator"]),
    ("conformance", &["dlms-core", "dlms-tokio", "hdlc"]),
    ("dlms-benches", &["dlms-core", "dlms-tokio", "hdlc", "store"]),
    (
        "dlms-tests",
        &[
            "concentrator",
            "conformance",
            "dlms-core",
            "dlms-tokio",
            "dlms-xml",
            "hdlc",
            "headend",
            "simulator",
        ],
    ),
];

/// Nowhere below a pure crate: a runtime, a socket, a clock, a file, a random source. And no serde:
/// what is stored, configured or sent as JSON has types of its own.
const IMPURE: [&str; 22] = [
    "async-std",
    "chrono",
    "fastrand",
    "futures",
    "getrandom",
    "instant",
    "jiff",
    "libc",
    "log",
    "mio",
    "quanta",
    "rand",
    "rustix",
    "serde",
    "serialport",
    "smol",
    "socket2",
    "time",
    "tokio",
    "tracing",
    "web-time",
    "windows-sys",
];

/// Cryptography: what a concentrator without keys has nowhere below it.
const CRYPTOGRAPHY: [&str; 20] = [
    "aes",
    "aes-gcm",
    "aes-kw",
    "aws-lc-rs",
    "aws-lc-sys",
    "cipher",
    "ctr",
    "ecdsa",
    "elliptic-curve",
    "ghash",
    "hmac",
    "md-5",
    "openssl",
    "p256",
    "p384",
    "ring",
    "rustls",
    "sha1",
    "sha2",
    "signature",
];

#[test]
fn no_arrow_points_up() {
    let allowed = BTreeMap::from(MAY_USE);
    let members = members();
    let names: Vec<&str> = members.iter().map(|member| text(&member["name"])).collect();
    let mut listed: Vec<&str> = allowed.keys().copied().collect();
    let mut present = names.clone();
    listed.sort_unstable();
    present.sort_unstable();
    assert_eq!(present, listed, "the crates of the workspace, and those that MAY_USE lists");

    let mut up = Vec::new();
    for member in &members {
        let name = text(&member["name"]);
        for dependency in list(&member["dependencies"]) {
            let used = text(&dependency["name"]);
            if names.contains(&used) && !allowed[name].contains(&used) {
                up.push(format!("{name} uses {used}"));
            }
        }
    }
    assert!(up.is_empty(), "not allowed by MAY_USE: {up:?}");
}

#[test]
fn a_pure_crate_brings_no_runtime_socket_clock_or_random_source() {
    for name in PURE {
        let tree = tree(name);
        assert!(tree.iter().any(|krate| krate == name), "{name} is not in its own tree: {tree:?}");
        let impure: BTreeSet<_> =
            tree.iter().filter(|krate| IMPURE.contains(&krate.as_str())).collect();
        assert!(
            impure.is_empty(),
            "{name} brings {impure:?}: see `cargo tree -p {name} -e normal`"
        );
    }
}

#[test]
fn the_runtime_crate_would_not_pass_as_a_pure_one() {
    let tree = tree("dlms-tests");
    assert!(
        tree.iter().any(|krate| krate == "libc"),
        "the look into trees finds nothing: {tree:?}"
    );
}

#[test]
fn the_pure_crates_build_without_std() {
    let output = cargo()
        .args(["build", "--quiet", "--manifest-path", "tests/no_std/Cargo.toml"])
        .args(["--target-dir", "target/no_std"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_concentrator_without_keys_brings_no_cryptography_and_can_be_built() {
    let cryptography = |features: &[&str]| -> BTreeSet<String> {
        let args = ["tree", "--locked", "-p", "concentrator", "-e", "normal,no-proc-macro"];
        let tree = said(&[&args[..], &["--prefix", "none", "-f", "{p}"], features].concat());
        let crates = tree.lines().filter_map(|line| line.split(' ').next());
        crates.filter(|name| CRYPTOGRAPHY.contains(name)).map(str::to_owned).collect()
    };
    let none = cryptography(&["--no-default-features"]);
    assert!(none.is_empty(), "{none:?}: see `cargo tree -p concentrator --no-default-features`");
    assert!(cryptography(&[]).contains("aes-gcm"), "the look into trees finds nothing");

    let output = cargo()
        .args(["check", "--quiet", "--locked", "-p", "concentrator", "--no-default-features"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn nothing_can_be_published_by_mistake() {
    // The public registry has other crates with these names.
    for member in members() {
        let registries = &member["publish"];
        assert!(
            list(registries).is_empty() && registries.is_array(),
            "{} lacks `publish = false`",
            member["name"]
        );
    }
}

/// The members of the workspace as `cargo metadata` describes them.
fn members() -> Vec<Value> {
    let args = ["metadata", "--no-deps", "--format-version", "1"];
    let metadata: Value = serde_json::from_str(&said(&args)).expect("cargo prints JSON");
    list(&metadata["packages"]).to_vec()
}

/// The names of all crates that end up in a build of `name`, itself included.
fn tree(name: &str) -> Vec<String> {
    let args = ["tree", "--locked", "-p", name, "--all-features", "-e", "normal,no-proc-macro"];
    let tree = said(&[&args[..], &["--prefix", "none", "-f", "{p}"]].concat());
    tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

fn said(args: &[&str]) -> String {
    let output = cargo().args(args).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(ROOT);
    cargo
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
