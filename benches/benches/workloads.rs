//! The processor time that each workload takes: `cargo bench -p dlms-benches [-- NAME]`.

use core::time::Duration;

use criterion::{
    Criterion, Throughput, criterion_group, criterion_main,
    measurement::{Measurement, ValueFormatter, WallTime},
};
use dlms_benches::{association::ASSOCIATIONS, trunk::TRUNKS, workload::WORKLOADS};
use rustix::time::{ClockId, clock_gettime};

/// The time that this thread was given a processor. Whatever else runs on the machine disturbs it
/// less than the time on the wall.
struct ProcessorTime;

impl Measurement for ProcessorTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        now.try_into().expect("time since the start of the thread")
    }

    fn end(&self, start: Duration) -> Duration {
        self.start() - start
    }

    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        *a + *b
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

fn workloads(criterion: &mut Criterion<ProcessorTime>) {
    for named in WORKLOADS.iter().chain(ASSOCIATIONS).chain(TRUNKS) {
        let mut workload = (named.ready)(0);
        let mut group = criterion.benchmark_group("workloads");
        group.throughput(Throughput::Elements(workload.units));
        group.bench_function(named.name, |bencher| bencher.iter(&mut workload.run));
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(ProcessorTime);
    targets = workloads
}
criterion_main!(benches);
