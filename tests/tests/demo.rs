//! The README's first command: fifty simulated meters, read into a database that anybody can query.

use core::time::Duration;
use std::{path::Path, process::Command};

use dlms_tests::{Folder, Headend};
use rusqlite::Connection;

const WITHIN: Duration = Duration::from_secs(60);

/// Meters and readings in the view that the database promises.
fn counts(file: &Path) -> (i64, i64) {
    let query = "SELECT count(DISTINCT meter), count(*) FROM reading";
    let database = Connection::open(file).expect("the database was written");
    database.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?))).expect("it has the view")
}

#[test]
fn the_demo_reads_fifty_of_fifty_meters_into_a_database() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let output = Headend::new().run(&["demo", "--data", &data.to_string_lossy()]);
    println!("{}", output.stdout);
    output.assert_code(0);
    assert_eq!(output.stdout.lines().last(), Some("50 of 50 meters read"));

    let file = data.join("readings.db");
    let (meters, readings) = counts(&file);
    assert_eq!(meters, 50);
    // Five registers and a day of quarter-hours of two energies, at least.
    assert!(readings >= 50 * (5 + 2 * 96), "{readings}");

    let database = Connection::open(&file).unwrap();
    let mut columns = database
        .prepare("SELECT meter, logical_name, captured_at, value, scaler, unit FROM reading")
        .unwrap();
    let mut rows = columns.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let captured_at: String = row.get(2).unwrap();
        assert!(captured_at.parse::<dlms_core::cosem::DateTime>().is_ok(), "{captured_at}");
        let (_, _): (i64, i8) = (row.get(3).unwrap(), row.get(4).unwrap());
        let unit: String = row.get(5).unwrap();
        assert!(["Wh", "W", "V", "A"].contains(&unit.as_str()), "{unit}");
    }
}

#[test]
fn a_second_demo_adds_to_the_database_and_doubles_nothing() {
    let folder = Folder::new();
    let data = folder.path().to_string_lossy().into_owned();
    let headend = Headend::new();
    headend.run(&["demo", "--data", &data]).assert_code(0);
    let (_, once) = counts(&folder.path().join("readings.db"));
    headend.run(&["demo", "--data", &data]).assert_code(0);
    let (meters, twice) = counts(&folder.path().join("readings.db"));
    assert_eq!(meters, 50);
    // The clock went on: registers, and at most one more quarter of an hour.
    assert!(twice - once <= 50 * (5 + 2), "{once} and then {twice}");
}

#[test]
fn with_the_simulator_killed_half_way_it_says_so_and_does_not_say_fifty() {
    let folder = Folder::new();
    let data = folder.path().to_string_lossy().into_owned();
    let headend = Headend::new();
    let mut demo = headend.start(&["demo", "--data", &data, "--answer-delay-ms", "30"]);
    let started = demo.wait_for_line("50 simulated meters", WITHIN).expect("the meters started");
    let process = started.rsplit(' ').next().expect("their process is named");
    demo.wait_for_line("10 of 50 meters tried", WITHIN).expect("some were read");
    let killed = Command::new("kill").args(["-9", process]).status().expect("there is a kill");
    assert!(killed.success());

    let output = demo.finish(WITHIN);
    println!("{}\n{}", output.stdout, output.stderr);
    output.assert_code(6);
    assert!(!output.stdout.contains("50 of 50"), "{}", output.stdout);
    let last = output.stdout.lines().last().unwrap_or_default();
    assert!(last.ends_with("of 50 meters read"), "{last}");
    assert!(output.stderr.contains("the simulated meters are gone"), "{}", output.stderr);
    let read: i64 = last.split(' ').next().and_then(|number| number.parse().ok()).unwrap();
    assert_eq!(counts(&folder.path().join("readings.db")).0, read);
}

#[test]
fn a_folder_that_cannot_be_written_is_a_clear_error() {
    let output = Headend::new().run(&["demo", "--data", "/proc/nowhere"]);
    output.assert_code(1);
    assert!(output.stderr.contains("no folder for the readings"), "{}", output.stderr);
}
