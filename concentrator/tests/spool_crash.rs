//! A concentrator that is killed at any point loses no push that it called stored, has none twice,
//! and gives no sequence number to two pushes.
//!
//! The test is its own victim: started with an argument, it pushes until it is killed. It has no
//! harness, which would take the argument for the name of a test.

use std::{
    collections::BTreeSet,
    env,
    io::{BufRead, BufReader, Write, stdout},
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
};

use concentrator::{
    spool::{Push, Spool, SpoolLimits},
    state,
};

/// After how many lines the victim is killed; the rest is left to chance.
const LINES: [usize; 12] = [0, 1, 2, 3, 5, 8, 13, 40, 90, 150, 260, 400];
/// Pushes between two lines of the victim.
const STEP: u64 = 3;

fn main() {
    if let Some(folder) = env::var_os("SPOOL_VICTIM") {
        victim(Path::new(&folder));
    }
    what_is_stored_survives_a_kill_at_any_point_and_once();
}

fn what_is_stored_survives_a_kill_at_any_point_and_once() {
    let folder = env::temp_dir().join(format!("spool-crash-{}", process::id()));
    // What was there after the last crash and is not acknowledged.
    let mut kept: Vec<u64> = Vec::new();
    let mut given = BTreeSet::new();
    for lines in LINES {
        let report = kill_after(&folder, lines);
        for sequence in &report.pushed {
            assert!(given.insert(*sequence), "number {sequence} was given to two pushes");
        }
        let spool = open(&folder);
        let rows = spool.range(0, u64::MAX, usize::MAX).expect("the spool is readable");
        let mut there: Vec<u64> = rows.iter().map(|row| row.sequence).collect();
        assert!(there.is_sorted_by(|one, other| one < other), "something is there twice");
        for row in &rows {
            assert_eq!(row.apdu[..], apdu(row.sequence), "push {} is another one", row.sequence);
        }
        let stored = report.pushed.iter().filter(|pushed| **pushed <= report.stored);
        for sequence in stored.chain(&kept) {
            assert!(
                there.binary_search(sequence).is_ok(),
                "push {sequence} was stored and is gone"
            );
        }
        assert!(given.last().is_none_or(|last| spool.status().next > *last));
        // What is acknowledged stays away.
        kept = there.split_off(there.len() / 2);
        if let Some(last) = there.last() {
            spool.acknowledge(*last).expect("it is stored");
            assert!(spool.flush());
        }
    }
    assert!(given.len() > 100, "the victim did next to nothing");
    std::fs::remove_dir_all(folder).expect("the folder is ours");
    println!("killed {} times, {} pushes: ok", LINES.len(), given.len());
}

fn open(folder: &Path) -> Spool {
    state::open(folder, SpoolLimits::default(), 1).expect("the folder is usable").spool
}

fn apdu(sequence: u64) -> Vec<u8> {
    sequence.to_be_bytes().repeat(1 + usize::try_from(sequence % 90).expect("is small"))
}

/// Pushes until it is killed, and says what was stored.
fn victim(folder: &Path) -> ! {
    let spool = open(folder);
    let name = b"ABC0000000000001"[..].try_into().expect("a name");
    let push = Push { arrived_ms: 1, sap: 16, client: 1, name, apdu: &[] };
    loop {
        let mut line = String::new();
        for _ in 0..STEP {
            let apdu = apdu(spool.status().next);
            if let Ok(taken) = spool.push(Push { apdu: &apdu, ..push.clone() }) {
                line += &format!("{} ", taken.sequence);
            }
        }
        let written = writeln!(stdout(), "{line}{}", spool.status().stored);
        if written.is_err() {
            process::exit(0);
        }
    }
}

struct Report {
    pushed: Vec<u64>,
    stored: u64,
}

/// Lets a victim print so many lines, and kills it.
fn kill_after(folder: &PathBuf, lines: usize) -> Report {
    let mut child = Command::new(env::current_exe().expect("a program has a path"))
        .env("SPOOL_VICTIM", folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the victim starts");
    let mut output = BufReader::new(child.stdout.take().expect("it was asked for"));
    let mut report = Report { pushed: Vec::new(), stored: 0 };
    let mut line = String::new();
    let mut take = |output: &mut BufReader<_>| -> bool {
        line.clear();
        let len = output.read_line(&mut line).expect("the victim writes text");
        // The last line may be cut.
        if !line.ends_with('\n') {
            return false;
        }
        let mut numbers = line.split_whitespace().map(|word| word.parse().expect("a number"));
        report.stored = numbers.next_back().expect("the line has a last number");
        report.pushed.extend(numbers);
        len > 0
    };
    for _ in 0..lines {
        assert!(take(&mut output), "the victim ended by itself");
    }
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
    while take(&mut output) {}
    report
}
