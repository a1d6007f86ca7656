//! A concentrator that is killed at any point has carried out each order once at most, knows every
//! order that it called accepted, and tells a result of each.
//!
//! The test is its own victim: started with an argument, it takes and carries out orders until it
//! is killed. The meter is a file to which each deed adds a line. The test has no harness, which
//! would take the argument for the name of a test.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fs::{self, OpenOptions},
    io::{BufRead, BufReader, Write, stdout},
    path::Path,
    process::{self, Command, Stdio},
};

use concentrator::{
    collection::{Begun, Cause, Ledger, Outcome},
    nodes::LogicalDeviceName,
};
use dlms_core::cosem::{
    AttributeDescriptor, ClassId, DateTime, LogicalName,
    concentrator::collection::{Order, OrderState, OrderedService},
};

/// After how many lines the victim is killed: between acceptance, start, deed and result.
const LINES: [usize; 12] = [0, 1, 2, 3, 4, 5, 7, 11, 18, 29, 47, 76];

fn main() {
    if let Some(folder) = env::var_os("ORDER_VICTIM") {
        victim(Path::new(&folder));
    }
    each_order_is_carried_out_once_at_most_and_none_is_lost();
}

fn each_order_is_carried_out_once_at_most_and_none_is_lost() {
    let folder = env::temp_dir().join(format!("order-crash-{}", process::id()));
    fs::create_dir_all(&folder).expect("a folder for temporary files");
    let (mut accepted, mut done) = (BTreeSet::new(), BTreeSet::new());
    for lines in LINES {
        for line in kill_after(&folder, lines) {
            let (what, id) = line.split_once(' ').expect("two words");
            let id: u64 = id.parse().expect("a number");
            match what {
                "accepted" => accepted.insert(id),
                _ => done.insert(id),
            };
        }
        // Each deed once at most, whatever happened between.
        let deeds = fs::read_to_string(folder.join("meter")).unwrap_or_default();
        let mut times = BTreeMap::<&str, u32>::new();
        deeds.lines().for_each(|line| *times.entry(line).or_default() += 1);
        assert!(times.values().all(|times| *times == 1), "done more than once: {times:?}");
    }
    // It starts once more, and what was left is settled.
    let ledger = open(&folder);
    settle(&folder, &ledger, |_| {});
    assert_eq!(ledger.open_orders().expect("it is readable"), []);
    let results = ledger.results(0, i64::MAX, usize::MAX).expect("it is readable");
    let states: BTreeMap<u64, OrderState> =
        results.iter().map(|result| (result.order, result.state)).collect();
    let deeds = fs::read_to_string(folder.join("meter")).expect("something was done");
    for id in &accepted {
        let was_done = deeds.lines().any(|line| line == id.to_string());
        match states.get(id) {
            Some(OrderState::Done) => assert!(was_done, "{id} is called done and is not"),
            // That is what unknown means.
            Some(OrderState::Unknown) => assert!(!done.contains(id), "{id} had a result"),
            other => panic!("{id} was accepted and is {other:?}"),
        }
    }
    assert!(done.iter().all(|id| states.get(id) == Some(&OrderState::Done)));
    let unknown = states.values().filter(|state| **state == OrderState::Unknown).count();
    assert!(done.len() > 30, "the victim did next to nothing");
    fs::remove_dir_all(&folder).expect("the folder is ours");
    println!("killed {} times, {} orders, {unknown} unknown: ok", LINES.len(), accepted.len());
}

fn open(folder: &Path) -> Ledger {
    Ledger::open(&folder.join("ledger.db")).expect("the file is usable")
}

fn meter() -> LogicalDeviceName {
    b"ABC0000000000001"[..].try_into().expect("a name")
}

fn order(id: u64) -> Order {
    let at = |utc_s| DateTime::from_unix(utc_s, Some(0)).expect("a time");
    let attribute = AttributeDescriptor::new(ClassId::DATA, LogicalName([0, 0, 96, 1, 0, 255]), 2);
    Order {
        id,
        issued: at(0),
        begins: at(0),
        expires: at(1_000),
        priority: 1,
        meters: b"*".to_vec(),
        service: OrderedService::Write { attribute, value: vec![0x11, 1], look_up: None },
    }
}

/// Does what is open: what was begun before is not begun again.
fn settle(folder: &Path, ledger: &Ledger, done: impl Fn(u64)) {
    for (order, at) in ledger.open_orders().expect("it is readable") {
        let id = order.id;
        if !at.contains(&meter()) {
            let outcome = match ledger.start(id, &meter()).expect("there is room") {
                Begun::Now => {
                    let file = folder.join("meter");
                    let meter = OpenOptions::new().create(true).append(true).open(file);
                    let mut meter = meter.expect("it is ours");
                    writeln!(meter, "{id}").expect("there is room");
                    Outcome::Done
                }
                Begun::Before => Outcome::Failed(Cause::Unknown),
            };
            ledger.finish(1, id, &meter(), outcome, &[]).expect("there is room");
            if outcome == Outcome::Done {
                done(id);
            }
        }
        ledger.close(1, id, None).expect("there is room");
    }
}

/// Takes orders and carries them out until it is killed, and says what is on the disk.
fn victim(folder: &Path) -> ! {
    let ledger = open(folder);
    let say = |what: &str, id: u64| {
        if writeln!(stdout(), "{what} {id}").is_err() {
            process::exit(0);
        }
    };
    settle(folder, &ledger, |id| say("done", id));
    let known = ledger.orders(1).expect("it is readable");
    let next = known.first().map_or(1, |last| last.order.id + 1);
    for id in next.. {
        assert!(ledger.accept(0, &order(id)).expect("there is room"));
        say("accepted", id);
        // A head-end that got no answer gives it again.
        assert!(!ledger.accept(0, &order(id)).expect("there is room"));
        settle(folder, &ledger, |id| say("done", id));
    }
    unreachable!("it is killed before");
}

/// Lets a victim print so many lines, and kills it: what it said.
fn kill_after(folder: &Path, lines: usize) -> Vec<String> {
    let mut child = Command::new(env::current_exe().expect("a program has a path"))
        .env("ORDER_VICTIM", folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the victim starts");
    let mut output = BufReader::new(child.stdout.take().expect("it was asked for"));
    let mut said = Vec::new();
    let mut take = |output: &mut BufReader<_>| -> bool {
        let mut line = String::new();
        output.read_line(&mut line).expect("the victim writes text");
        // The last line may be cut.
        let whole = line.ends_with('\n');
        if whole {
            said.push(line.trim().to_owned());
        }
        whole
    };
    for _ in 0..lines {
        assert!(take(&mut output), "the victim ended by itself");
    }
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
    while take(&mut output) {}
    said
}
