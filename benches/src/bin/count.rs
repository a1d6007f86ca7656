//! Runs one workload for callgrind, which is told to count inside of `counted` only:
//!
//! ```text
//! valgrind --tool=callgrind --toggle-collect='*counted*' count NAME [SIZE]
//! ```
//!
//! The first run, which warms the buffers, is not counted.

use std::{env, process::ExitCode};

use dlms_benches::workload::{self, Workload};

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let size = arguments.next().and_then(|size| size.parse().ok()).unwrap_or_default();
    let Some(mut workload) = workload::ready(&name, size) else {
        eprintln!("count: no workload {name:?}");
        return ExitCode::FAILURE;
    };
    let first = (workload.run)();
    assert_eq!(counted(&mut workload), first, "each run does the same");
    ExitCode::SUCCESS
}

#[inline(never)]
fn counted(workload: &mut Workload) -> u64 {
    (workload.run)()
}
