//! Our own programs, `headend`, `concentrator`, `simulator` and `dlms-conformance`, as a user runs
//! them: by their command lines.
//!
//! `cargo test` builds no other package's programs, so the first test that wants one builds them
//! all, in the profile in which the test itself was built. [`Example`] runs what shows how the
//! crates are used.

use core::time::Duration;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Instant;

use serde_json::Value;

use crate::folder::Folder;
use crate::meter::{Framing, Meter};
use crate::ports::free_port;
use crate::program::{Output, Program};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// A first build of everything on a slow machine with two cores.
const BUILD_TIME_MAX: Duration = Duration::from_secs(1_200);
/// What [`Headend::run`] gives a command; the default patience of `headend` itself is 10 s a try.
const RUN_TIME_MAX: Duration = Duration::from_secs(60);
/// All cases against a meter that is silent where it must be, each time for half a second.
const CONFORMANCE_TIME_MAX: Duration = Duration::from_secs(120);

/// The command line of `headend`, with a home folder of its own.
///
/// It sees no other environment than the home folder, `PATH` and what [`env`](Self::env) adds, so
/// that neither the user's counters nor the user's secrets take part in a test. Runs of the same
/// `Headend` share the home folder, hence the counters.
#[derive(Debug, Default)]
pub struct Headend {
    home: Folder,
    env: Vec<(String, String)>,
}

impl Headend {
    /// A `headend` that has never run before.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an environment variable to every later run.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Its home folder, which is also its working directory.
    #[must_use]
    pub fn home(&self) -> &Folder {
        &self.home
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    ///
    /// When it cannot be built or does not end within a minute.
    #[must_use]
    pub fn run(&self, args: &[&str]) -> Output {
        self.run_within(RUN_TIME_MAX, args)
    }

    /// Runs a command that must end `within` a time.
    ///
    /// # Panics
    ///
    /// When it cannot be built or does not end within that time.
    #[must_use]
    pub fn run_within(&self, within: Duration, args: &[&str]) -> Output {
        self.start(args).finish(within)
    }

    /// Starts a command and lets it run.
    ///
    /// # Panics
    ///
    /// When it cannot be built or started.
    #[must_use]
    pub fn start(&self, args: &[&str]) -> Program {
        let mut command = in_home(&binaries().headend, &self.home);
        command.envs(self.env.iter().map(|(name, value)| (name, value))).args(args);
        Program::start(command)
    }
}

/// Runs `dlms-conformance` to its end, in `folder`.
///
/// # Panics
///
/// When it cannot be built or does not end within two minutes.
#[must_use]
pub fn conformance(folder: &Folder, args: &[&str]) -> Output {
    let mut command = in_home(&binaries().conformance, folder);
    command.args(args);
    Program::start(command).finish(CONFORMANCE_TIME_MAX)
}

/// Our simulated meters.
#[derive(Debug)]
pub struct Simulator {
    program: Program,
    // Its working directory: removed after the program has ended.
    _home: Folder,
}

impl Simulator {
    /// Starts `simulator meter` on free ports: one meter, or as many as `--count` in `args` says.
    ///
    /// # Panics
    ///
    /// When it cannot be built or does not start.
    #[must_use]
    pub fn meter(framing: Framing, args: &[&str]) -> Meter {
        Meter::start(framing, args, |base_port| {
            let mut command = Command::new(&binaries().simulator);
            command.args(["meter", "--framing", &framing.to_string()]);
            command.args(["--port", &base_port.to_string()]).args(args);
            command
        })
    }

    /// Starts `simulator meter --serial` behind the serial port `path`.
    ///
    /// # Panics
    ///
    /// When it cannot be built or does not start.
    #[must_use]
    pub fn serial_meter(path: &str, args: &[&str]) -> Self {
        let home = Folder::new();
        let mut command = in_home(&binaries().simulator, &home);
        command.args(["meter", "--framing", "hdlc", "--serial", path]).args(args);
        let mut program = Program::start(command);
        if program.wait_for_line("ready", RUN_TIME_MAX).is_none() {
            panic!("did not start:\n{}", program.finish(RUN_TIME_MAX));
        }
        Self { program, _home: home }
    }

    /// Starts `simulator medium` on a free port, which is returned too.
    ///
    /// # Panics
    ///
    /// When it cannot be built or does not start.
    #[must_use]
    pub fn medium(args: &[&str]) -> (Self, u16) {
        let (home, port) = (Folder::new(), free_port());
        let mut command = in_home(&binaries().simulator, &home);
        command.args(["medium", "--port", &port.to_string()]).args(args);
        let mut program = Program::start(command);
        if program.wait_for_line("ready medium", RUN_TIME_MAX).is_none() {
            panic!("did not start:\n{}", program.finish(RUN_TIME_MAX));
        }
        (Self { program, _home: home }, port)
    }

    /// Kills it, as a power failure would, and returns what it printed.
    #[must_use]
    pub fn kill(self) -> Output {
        self.program.kill()
    }
}

/// Our concentrator.
#[derive(Debug)]
pub struct Concentrator {
    program: Program,
    port: u16,
    home: Folder,
}

impl Concentrator {
    /// Starts `concentrator run` with this configuration behind its name and the port that
    /// head-ends connect to.
    ///
    /// # Panics
    ///
    /// When it cannot be built or does not start.
    #[must_use]
    pub fn start(config: &str) -> Self {
        let home = Folder::new();
        let head = "[concentrator]\nname = \"DHC0000000000001\"\n[wan]\ntcp = [\"127.0.0.1:0\"]\n";
        let file = home.file("concentrator.toml");
        fs::write(&file, format!("{head}{config}")).expect("the folder can be written to");
        let (program, port) = Self::run(&file, &home);
        Self { program, port, home }
    }

    /// With a table `[[meter]]` for each of `meters`: its SAP, its name and its address.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    #[must_use]
    pub fn with_meters<'m>(meters: impl IntoIterator<Item = (u16, &'m str, String)>) -> Self {
        let table = |(sap, name, address): (u16, &str, String)| {
            format!("[[meter]]\nname = \"{name}\"\nsap = {sap}\naddress = \"{address}\"\n")
        };
        let tables: Vec<String> = meters.into_iter().map(table).collect();
        Self::start(&tables.concat())
    }

    /// One that serves HDLC over TCP as well, and the port of that.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    #[must_use]
    pub fn with_hdlc(config: &str) -> (Self, u16) {
        let port = free_port();
        (Self::start(&format!("hdlc = [\"127.0.0.1:{port}\"]\n{config}")), port)
    }

    fn run(file: &str, home: &Folder) -> (Program, u16) {
        let mut command = in_home(&binaries().concentrator, home);
        command.args(["run", "--config", file]);
        let mut program = Program::start(command);
        let ready = program.wait_for_line("ready at ", RUN_TIME_MAX);
        let port = ready.as_deref().and_then(|line| line.rsplit(':').next()?.parse().ok());
        let Some(port) = port else {
            panic!("did not start:\n{}", program.finish(RUN_TIME_MAX));
        };
        (program, port)
    }

    /// What `concentrator VERB -o jsonl` shows of it.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    #[must_use]
    pub fn show(&self, verb: &str) -> Vec<Value> {
        let mut command = in_home(&binaries().concentrator, &self.home);
        command.args([verb, "-o", "jsonl", "--config", &self.home.file("concentrator.toml")]);
        let output = Program::start(command).finish(RUN_TIME_MAX);
        output.assert_code(0);
        output.json_lines()
    }

    /// The port that head-ends connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where head-ends connect to.
    #[must_use]
    pub fn address(&self) -> String {
        Framing::Wrapper.address(self.port)
    }

    /// Waits until it knows so many meters; how many it knows then, or after a minute.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    #[must_use]
    pub fn wait_for_meters(&self, count: u64) -> u64 {
        let until = Instant::now() + RUN_TIME_MAX;
        loop {
            let known = self.show("status")[0]["meters"].as_u64().unwrap_or_default();
            if known >= count || Instant::now() > until {
                return known;
            }
        }
    }

    /// Asks it from this machine: `concentrator` with these arguments.
    ///
    /// # Panics
    ///
    /// When it does not end within a minute.
    #[must_use]
    pub fn ask(&self, args: &[&str]) -> Output {
        let mut command = in_home(&binaries().concentrator, &self.home);
        command.args(args).args(["--config", &self.home.file("concentrator.toml")]);
        Program::start(command).finish(RUN_TIME_MAX)
    }

    /// Its folder, in which its data are.
    #[must_use]
    pub fn home(&self) -> &Folder {
        &self.home
    }

    /// Its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.program.id()
    }

    /// Kills it, as a power failure would, and starts it again with what it has on the disk.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    #[must_use]
    pub fn restart(self) -> Self {
        let Self { program, home, .. } = self;
        let _ = program.kill();
        let (program, port) = Self::run(&home.file("concentrator.toml"), &home);
        Self { program, port, home }
    }

    /// Kills it, as a power failure would, and returns what it printed.
    #[must_use]
    pub fn kill(self) -> Output {
        self.program.kill()
    }
}

/// An example of one of our crates.
#[derive(Debug)]
pub struct Example;

impl Example {
    /// Runs the example `name` to its end.
    ///
    /// # Panics
    ///
    /// When it cannot be built or does not end within a minute.
    #[must_use]
    pub fn run(name: &str, args: &[&str]) -> Output {
        Self::start(name, args).finish(RUN_TIME_MAX)
    }

    /// Starts the example `name` and lets it run.
    ///
    /// # Panics
    ///
    /// When it cannot be built or started.
    #[must_use]
    pub fn start(name: &str, args: &[&str]) -> Program {
        let (built, output) = examples();
        let mut command = Command::new(executable(built, name, output));
        command.args(args);
        Program::start(command)
    }
}

/// What cargo says of all examples.
fn examples() -> &'static (Vec<Value>, Output) {
    static EXAMPLES: OnceLock<(Vec<Value>, Output)> = OnceLock::new();
    EXAMPLES.get_or_init(|| built(&["-p", "dlms-core", "-p", "dlms-tokio", "--examples"]))
}

fn in_home(binary: &Path, home: &Folder) -> Command {
    let mut command = Command::new(binary);
    command.env_clear().current_dir(home.path());
    for name in ["PATH", "TMPDIR", "RUST_BACKTRACE"] {
        if let Some(value) = env::var_os(name) {
            command.env(name, value);
        }
    }
    for name in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"] {
        command.env(name, home.path());
    }
    command.env("NO_COLOR", "1");
    command
}

#[derive(Debug)]
struct Binaries {
    concentrator: PathBuf,
    headend: PathBuf,
    simulator: PathBuf,
    conformance: PathBuf,
}

fn binaries() -> &'static Binaries {
    static BINARIES: OnceLock<Binaries> = OnceLock::new();
    BINARIES.get_or_init(build)
}

fn build() -> Binaries {
    let packages = ["concentrator", "conformance", "headend", "simulator"];
    let packages = packages.iter().flat_map(|package| ["-p", package]);
    let (built, output) = built(&packages.chain(["--bins"]).collect::<Vec<_>>());
    Binaries {
        concentrator: executable(&built, "concentrator", &output),
        headend: executable(&built, "headend", &output),
        simulator: executable(&built, "simulator", &output),
        conformance: executable(&built, "dlms-conformance", &output),
    }
}

/// Builds something of the workspace; what cargo says of it, a message a line.
fn built(args: &[&str]) -> (Vec<Value>, Output) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked"]).args(args);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    cargo.args(profile_args(&env::current_exe().unwrap_or_default())).current_dir(ROOT);
    let output = Program::start(cargo).finish(BUILD_TIME_MAX);
    output.assert_code(0);
    (output.json_lines(), output)
}

/// A test program stands in `target/PROFILE/deps`.
fn profile_args(test_program: &Path) -> Vec<String> {
    let profile = test_program.parent().and_then(Path::parent).and_then(Path::file_name);
    match profile.and_then(|name| name.to_str()) {
        None | Some("debug") => Vec::new(),
        Some(name) => vec!["--profile".to_owned(), name.to_owned()],
    }
}

fn executable(built: &[Value], name: &str, output: &Output) -> PathBuf {
    let is_it = |artifact: &&Value| {
        artifact["target"]["name"] == name && artifact["executable"].is_string()
    };
    let path = built.iter().find(is_it).and_then(|artifact| artifact["executable"].as_str());
    path.map(PathBuf::from).unwrap_or_else(|| panic!("no program `{name}` was built:\n{output}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_programs_are_built_in_the_profile_of_the_test() {
        let args = |path| profile_args(Path::new(path));
        assert!(args("/t/debug/deps/read-0123").is_empty());
        assert_eq!(args("/t/release/deps/read-0123"), ["--profile", "release"]);
    }
}
