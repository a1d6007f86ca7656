//! A program that runs beside the test, and its output once it has ended.
//!
//! Two threads read the program's two pipes line by line into one channel, so the test can wait for
//! a line, or for the end, with a limit on the time and without polling.

use core::fmt;
use core::time::Duration;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Instant;

use serde_json::Value;

/// How long the last words of a killed program may take.
const LAST_WORDS_TIME_MAX: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug)]
enum Pipe {
    Stdout,
    Stderr,
}

#[derive(Debug)]
enum Heard {
    Line(Pipe, String),
    Closed,
}

/// A started program. It is killed, by its process id, when this is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    command: String,
    started: Instant,
    heard: Receiver<Heard>,
    open_pipes: u8,
    stdout: String,
    stderr: String,
}

impl Program {
    /// Starts `command` with nothing to read on its standard input.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        let name = command_line(&command);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let (said, heard) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            listen(stdout, Pipe::Stdout, said.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            listen(stderr, Pipe::Stderr, said);
        }
        Self {
            child,
            command: name,
            started: Instant::now(),
            heard,
            open_pipes: 2,
            stdout: String::new(),
            stderr: String::new(),
        }
    }

    /// Waits until the program has printed a line that begins with `beginning`, on either pipe, and
    /// returns it; `None` when the program ended without having said it.
    ///
    /// # Panics
    ///
    /// When it neither said it nor ended `within` that time: with all that it printed.
    pub fn wait_for_line(&mut self, beginning: &str, within: Duration) -> Option<String> {
        let deadline = Instant::now() + within;
        while self.open_pipes > 0 {
            if let Some(line) = self.hear(deadline)
                && line.starts_with(beginning)
            {
                return Some(line);
            }
        }
        None
    }

    /// Waits for the program's end.
    ///
    /// # Panics
    ///
    /// When it has not ended `within` that time: it is killed, and all that it printed is shown.
    #[must_use]
    pub fn finish(mut self, within: Duration) -> Output {
        let deadline = Instant::now() + within;
        while self.open_pipes > 0 {
            self.hear(deadline);
        }
        // Both pipes are closed: the program has ended or is about to.
        let status = self.child.wait().unwrap_or_else(|error| panic!("{}: {error}", self.command));
        self.output(status)
    }

    /// Kills the program at once, as a crash or a power failure would, and returns what it printed.
    #[must_use]
    pub fn kill(mut self) -> Output {
        let _ = self.child.kill();
        let status = self.child.wait().unwrap_or_else(|error| panic!("{}: {error}", self.command));
        // What it has printed is still on its way, unless somebody it left behind holds the pipes.
        while self.open_pipes > 0
            && let Ok(heard) = self.heard.recv_timeout(LAST_WORDS_TIME_MAX)
        {
            self.keep(heard);
        }
        self.output(status)
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// One line as it comes, or `None` when a pipe was closed.
    fn hear(&mut self, deadline: Instant) -> Option<String> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.heard.recv_timeout(left) {
            Ok(heard) => self.keep(heard),
            Err(RecvTimeoutError::Disconnected) => {
                self.open_pipes = 0;
                None
            }
            Err(RecvTimeoutError::Timeout) => {
                let _ = self.child.kill();
                panic!(
                    "not done after {:.1?}, killed: {}\n--- stdout\n{}--- stderr\n{}",
                    self.started.elapsed(),
                    self.command,
                    self.stdout,
                    self.stderr
                );
            }
        }
    }

    fn keep(&mut self, heard: Heard) -> Option<String> {
        match heard {
            Heard::Line(pipe, line) => {
                let all = match pipe {
                    Pipe::Stdout => &mut self.stdout,
                    Pipe::Stderr => &mut self.stderr,
                };
                all.push_str(&line);
                all.push('\n');
                Some(line)
            }
            Heard::Closed => {
                self.open_pipes = self.open_pipes.saturating_sub(1);
                None
            }
        }
    }

    fn output(&mut self, status: ExitStatus) -> Output {
        while let Ok(heard) = self.heard.try_recv() {
            self.keep(heard);
        }
        Output {
            command: self.command.clone(),
            code: status.code(),
            stdout: core::mem::take(&mut self.stdout),
            stderr: core::mem::take(&mut self.stderr),
            took: self.started.elapsed(),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Of a program that has ended and was waited for, both are refused: nothing else is killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a program left behind.
#[derive(Clone, Debug)]
pub struct Output {
    /// The command line, for messages.
    pub command: String,
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output. Octets that are not UTF-8 are replaced.
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
    /// From the start to the end.
    pub took: Duration,
}

impl Output {
    /// Fails the test, with all that was printed, unless the exit code is `code`.
    ///
    /// # Panics
    ///
    /// When it is another, or a signal ended the program.
    #[track_caller]
    pub fn assert_code(&self, code: i32) {
        assert_eq!(self.code, Some(code), "exit code of\n{self}");
    }

    /// Each line of standard output as JSON.
    ///
    /// # Panics
    ///
    /// When a line is not JSON.
    #[must_use]
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let json = |line| match serde_json::from_str(line) {
            Ok(value) => value,
            Err(error) => panic!("{error}: {line}\nin {self}"),
        };
        self.stdout.lines().map(json).collect()
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n[", self.command)?;
        match self.code {
            Some(code) => write!(f, "exit code {code}")?,
            None => write!(f, "ended by a signal")?,
        }
        write!(
            f,
            " after {:.1?}]\n--- stdout\n{}--- stderr\n{}",
            self.took, self.stdout, self.stderr
        )
    }
}

fn command_line(command: &Command) -> String {
    let program = [command.get_program()].into_iter();
    let words: Vec<_> = program.chain(command.get_args()).map(|w| w.to_string_lossy()).collect();
    words.join(" ")
}

fn listen(pipe: impl Read + Send + 'static, name: Pipe, said: Sender<Heard>) {
    thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut octets = Vec::new();
        while reader.read_until(b'\n', &mut octets).is_ok_and(|length| length > 0) {
            let line = String::from_utf8_lossy(octets.trim_ascii_end()).into_owned();
            if said.send(Heard::Line(name, line)).is_err() {
                return;
            }
            octets.clear();
        }
        // The test may be gone already, and then nobody minds.
        let _ = said.send(Heard::Closed);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Program {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Program::start(command)
    }

    #[test]
    fn an_output_has_both_pipes_and_the_exit_code() {
        let output = shell("echo one; echo two >&2; echo three; exit 4").finish(MINUTE);
        assert_eq!(output.stdout, "one\nthree\n");
        assert_eq!(output.stderr, "two\n");
        output.assert_code(4);
    }

    #[test]
    fn a_line_is_waited_for_and_kept() {
        let mut program = shell("echo loading; echo ready 7; exec cat /dev/zero >/dev/null");
        assert_eq!(program.wait_for_line("ready", MINUTE).as_deref(), Some("ready 7"));
        let output = program.kill();
        assert_eq!(output.stdout, "loading\nready 7\n");
        assert_eq!(output.code, None);
    }

    #[test]
    fn a_program_that_ends_without_the_line_is_not_waited_for() {
        assert_eq!(shell("echo other").wait_for_line("ready", MINUTE), None);
    }

    #[test]
    #[should_panic(expected = "not done after")]
    fn a_program_that_does_not_end_is_killed_and_fails_the_test() {
        let _ =
            shell("echo stuck; exec cat /dev/zero >/dev/null").finish(Duration::from_millis(50));
    }

    const MINUTE: Duration = Duration::from_secs(60);
}
