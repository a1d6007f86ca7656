//! A line that is one of many on a trunk.

use dlms_core::wrapper::HEADER_LEN;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};

use crate::{
    clock::after,
    line::{
        LineConfig,
        counters::LineCounters,
        error::{LineError, Phase},
        is_answer,
        owed::Owed,
        wrapper::{header, shown},
    },
    trace::{DecodeLevel, Direction, Trace},
    trunk::Way,
};

#[derive(Debug)]
pub(crate) struct TrunkLine {
    config: LineConfig,
    outgoing: mpsc::Sender<Vec<u8>>,
    way: Way,
    /// A frame whose send was dropped before the trunk took it.
    unsent: Option<Vec<u8>>,
    owed: Owed<Instant>,
    counters: LineCounters,
    trace: Trace,
}

impl TrunkLine {
    pub(crate) fn new(
        outgoing: mpsc::Sender<Vec<u8>>,
        way: Way,
        config: &LineConfig,
        trace: Trace,
    ) -> Self {
        Self {
            config: config.clone(),
            outgoing,
            way,
            unsent: None,
            owed: Owed::nothing(),
            counters: LineCounters::default(),
            trace,
        }
    }

    pub(crate) const fn config(&self) -> &LineConfig {
        &self.config
    }

    pub(crate) async fn send(&mut self, apdu: &[u8]) -> Result<(), LineError> {
        let header = header(&self.config, apdu)?;
        self.flush(Phase::Sending).await?;
        self.trace.apdu(Direction::Tx, apdu);
        if self.trace.shows(DecodeLevel::Link) {
            self.trace.link(Direction::Tx, shown(&header));
        }
        let mut frame = Vec::with_capacity(HEADER_LEN + apdu.len());
        frame.extend_from_slice(&header.encode_header());
        frame.extend_from_slice(apdu);
        self.unsent = Some(frame);
        self.owed.owe(Some(after(self.config.patience())));
        self.flush(Phase::Sending).await
    }

    pub(crate) async fn receive(&mut self, apdu: &mut Vec<u8>) -> Result<(), LineError> {
        // What a dropped send left behind.
        self.flush(Phase::Receiving).await?;
        if self.owed.is_overdrawn(Instant::now()) {
            return Err(self.timed_out(Phase::Receiving));
        }
        let next = match self.owed.until() {
            Some(deadline) => match timeout_at(deadline, self.way.next()).await {
                Ok(next) => next,
                Err(_) => return Err(self.timed_out(Phase::Receiving)),
            },
            None => self.way.next().await,
        };
        *apdu = next.ok_or_else(|| self.way.ended(Phase::Receiving))?;
        self.counters.frames_received += 1;
        self.counters.octets_received += (HEADER_LEN + apdu.len()) as u64;
        if self.trace.shows(DecodeLevel::Link) {
            let (client, sap) = self.way.saps();
            let length = apdu.len();
            self.trace.link(Direction::Rx, format!("wrapper {sap} > {client}, {length} octets"));
        }
        self.trace.apdu(Direction::Rx, apdu);
        if is_answer(apdu) {
            self.owed.settle();
        }
        Ok(())
    }

    pub(crate) fn expect(&mut self) {
        self.owed.resume(Some(after(self.config.patience())));
    }

    pub(crate) const fn waive(&mut self) {
        self.owed.waive();
    }

    pub(crate) const fn counters(&self) -> LineCounters {
        self.counters
    }

    pub(crate) const fn trace(&self) -> &Trace {
        &self.trace
    }

    async fn flush(&mut self, phase: Phase) -> Result<(), LineError> {
        if self.unsent.is_none() {
            return Ok(());
        }
        let Ok(reserved) = timeout(self.config.patience(), self.outgoing.reserve()).await else {
            return Err(self.timed_out(Phase::Sending));
        };
        let permit = reserved.map_err(|_| self.way.ended(phase))?;
        if let Some(frame) = self.unsent.take() {
            self.counters.frames_sent += 1;
            self.counters.octets_sent += frame.len() as u64;
            permit.send(frame);
        }
        Ok(())
    }

    fn timed_out(&mut self, phase: Phase) -> LineError {
        self.owed.waive();
        self.counters.timeouts += 1;
        LineError::Timeout { phase }
    }
}
