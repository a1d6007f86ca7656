//! What it costs to ask every meter behind a concentrator over one trunk: 1,200 lines, a request
//! and an answer on each. Both ends count, without a network between them and without ciphering:
//! the trunk, the lines, the wrapper, and a concentrator that answers what it has read together.

use std::sync::Arc;

use dlms_core::wrapper::{self, WrapperHeader};
use dlms_tokio::{
    Line, LineConfig, Trace,
    trunk::{Trunk, TrunkConfig},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    runtime::{Builder, Runtime},
};

use crate::workload::{Named, Workload, named};

/// The trunk, with requests one after the other and with all of them at once.
pub const TRUNKS: &[Named] = &[
    named("w5_trunk_of_1200_meters_batched", |_| trunk(METERS)),
    named("w5_trunk_of_1200_meters_one_by_one", |_| trunk(1)),
];

const METERS: usize = 1_200;
/// The first SAP of a meter.
const FIRST_SAP: u16 = 16;
/// A ciphered GET of a register has so many octets, and its answer.
const REQUEST: [u8; 40] = [0xC8; 40];
const ANSWER: [u8; 44] = [0xCC; 44];
/// Octets that the pipe between the two ends holds: what the system holds of a connection.
const PIPE: usize = 256 * 1024;

/// Asks so many meters at a time, until all have answered.
fn trunk(at_a_time: usize) -> Workload {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let (lines, _trunk) = runtime.block_on(async {
        let (near, far) = duplex(PIPE);
        tokio::spawn(concentrator(far));
        let (trunk, _) = Trunk::over(near, &TrunkConfig::default(), Trace::off());
        let lines = (FIRST_SAP..).take(METERS).map(|sap| {
            let config = LineConfig { client: 1, server_upper: sap, ..LineConfig::default() };
            trunk.line(&config).expect("a line")
        });
        (lines.collect::<Vec<_>>(), trunk)
    });
    let mut asked = Asked { lines, apdu: Vec::new(), runtime: Arc::new(runtime) };
    Workload::new("request and answer", METERS as u64, move || asked.all(at_a_time))
}

struct Asked {
    // Before the runtime that their owner lives in.
    lines: Vec<Line>,
    apdu: Vec<u8>,
    runtime: Arc<Runtime>,
}

impl Asked {
    fn all(&mut self, at_a_time: usize) -> u64 {
        let runtime = Arc::clone(&self.runtime);
        runtime.block_on(async {
            let mut octets = 0;
            for lines in self.lines.chunks_mut(at_a_time) {
                for line in &mut *lines {
                    line.send(&REQUEST).await.expect("the trunk is open");
                }
                for line in lines {
                    line.receive(&mut self.apdu).await.expect("an answer");
                    octets += self.apdu.len() as u64;
                }
            }
            octets
        })
    }
}

/// Answers each frame from where it went to.
async fn concentrator(mut stream: DuplexStream) {
    let (mut received, mut answers) = (Vec::with_capacity(PIPE), Vec::new());
    while stream.read_buf(&mut received).await.is_ok_and(|read| read > 0) {
        let mut taken = 0;
        while let Some(Ok(frame)) = wrapper::next_frame(&received[taken..]) {
            let WrapperHeader { source, destination, .. } = frame.header;
            let length = ANSWER.len() as u16;
            let header = WrapperHeader { source: destination, destination: source, length };
            answers.extend_from_slice(&header.encode_header());
            answers.extend_from_slice(&ANSWER);
            taken += frame.consumed();
        }
        received.drain(..taken);
        if stream.write_all(&answers).await.is_err() {
            return;
        }
        answers.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_meter_answers_however_many_are_asked_at_a_time() {
        for named in TRUNKS {
            let mut workload = (named.ready)(0);
            for _ in 0..2 {
                assert_eq!((workload.run)(), (METERS * ANSWER.len()) as u64, "{}", named.name);
            }
        }
    }
}
