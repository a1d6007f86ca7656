//! A concentrator that is killed at any point has every row once that it called stored, at the
//! number that it had.
//!
//! The test is its own victim: started with an argument, it stores until it is killed. It has no
//! harness, which would take the argument for the name of a test.

use std::{
    env,
    io::{BufRead, BufReader, Write, stdout},
    path::Path,
    process::{self, Command, Stdio},
};

use concentrator::collection::{Keep, Reading, Ring, RingLimits};
use dlms_core::cosem::{AttributeDescriptor, ClassId, LogicalName};

/// After how many lines the victim is killed.
const LINES: [usize; 8] = [0, 1, 2, 5, 13, 40, 90, 150];
const PROFILE: AttributeDescriptor =
    AttributeDescriptor::new(ClassId::PROFILE_GENERIC, LogicalName([1, 0, 99, 1, 0, 255]), 2);

fn main() {
    if let Some(file) = env::var_os("RING_VICTIM") {
        victim(Path::new(&file));
    }
    let folder = env::temp_dir().join(format!("ring-crash-{}", process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for temporary files");
    let file = folder.join("ring.db");
    let mut stored = 0;
    for lines in LINES {
        stored = kill_after(&file, lines).max(stored);
        let ring = open(&file);
        let mut rows = Vec::new();
        for upload in ring.uploads(u32::MAX).expect("the ring is readable") {
            let of_day = rows.len() as i64 % 96;
            assert_eq!(i64::from(upload.block.first), of_day, "a day goes on counting");
            rows.extend(upload.block.rows.into_iter().map(|row| row.captured_s / 900));
        }
        let expected: Vec<i64> = (0..rows.len() as i64).collect();
        assert_eq!(rows, expected, "each row once, in its order");
        assert!(rows.len() as i64 >= stored, "{stored} rows were stored, {} are left", rows.len());
    }
    assert!(stored > 500, "the victim did next to nothing");
    std::fs::remove_dir_all(folder).expect("the folder is ours");
    println!("killed {} times, {stored} rows: ok", LINES.len());
}

fn open(file: &Path) -> Ring {
    let days_max = u32::MAX;
    Ring::open(file, RingLimits { days_max, ..RingLimits::default() }).expect("the file is usable")
}

/// Reads a meter until it is killed, each time some rows more than the last, and says what is
/// stored.
fn victim(file: &Path) -> ! {
    let ring = open(file);
    let meter = b"ABC0000000000001"[..].try_into().expect("a name");
    for turn in 1_i64.. {
        let mark = ring.mark(&meter, PROFILE).expect("the ring is readable");
        let known = mark.map_or(-1, |mark| mark.at_s / 900);
        // Some that are known, as if the power had gone before it was noticed.
        let rows = ((known - 3).max(0)..=known + 7 + turn % 3)
            .map(|quarter| (quarter * 900, quarter.to_be_bytes().to_vec()))
            .collect();
        let reading = Reading {
            meter: meter.clone(),
            attribute: PROFILE,
            keep: Keep::Billing,
            period_s: 900,
            arrived_s: (known + 20) * 900,
            rows,
            missing: Vec::new(),
        };
        ring.store(reading).wait().expect("there is room");
        let mark = ring.mark(&meter, PROFILE).expect("the ring is readable").expect("it has rows");
        if writeln!(stdout(), "{}", mark.at_s / 900 + 1).is_err() {
            process::exit(0);
        }
    }
    unreachable!("it is killed before");
}

/// Lets a victim print so many lines, and kills it: how many rows it called stored.
fn kill_after(file: &Path, lines: usize) -> i64 {
    let mut child = Command::new(env::current_exe().expect("a program has a path"))
        .env("RING_VICTIM", file)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the victim starts");
    let mut output = BufReader::new(child.stdout.take().expect("it was asked for"));
    let mut stored = 0;
    let mut take = |output: &mut BufReader<_>| -> bool {
        let mut line = String::new();
        output.read_line(&mut line).expect("the victim writes text");
        // The last line may be cut.
        let whole = line.ends_with('\n');
        if whole {
            stored = line.trim().parse().expect("a number");
        }
        whole
    };
    for _ in 0..lines {
        assert!(take(&mut output), "the victim ended by itself");
    }
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
    while take(&mut output) {}
    stored
}
